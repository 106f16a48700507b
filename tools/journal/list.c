/* `tickwire journal list`: which shards there are, and how their streams stand. */
#include <inttypes.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"
#include "tools/journal/executions.h"
#include "tools/journal/options.h"
#include "tools/journal/snapshots.h"

#define LINE_BYTES 2048

typedef struct shard_look {
    uint32_t shard;
    bool there[JOURNAL_STREAMS];
    journal_info infos[JOURNAL_STREAMS];
    bool logged_known;
    uint64_t logged; /* the last input whose reports are all in execlog */
} shard_look;

/* TW_OK also where a stream is not there. */
static tw_code look_at(journal *held, shard_look *look, tw_error *error) {
    for (journal_stream stream = 0; stream < JOURNAL_STREAMS; stream++) {
        tw_code code = journal_look_at(held, stream, look->shard, &look->infos[stream], error);
        look->there[stream] = code == TW_OK;
        if (code != TW_OK && code != TW_NOT_FOUND) return code;
        *error = (tw_error){0};
    }
    return TW_OK;
}

static tw_code look_into_execlog(journal *held, shard_look *look, tw_error *error) {
    const journal_info *info = &look->infos[JOURNAL_EXECLOG];
    look->logged_known = look->there[JOURNAL_EXECLOG];
    look->logged = 0;
    if (!look->logged_known || info->messages == 0) return TW_OK;
    wire_execution_header header;
    tw_code code = executions_header_at(held, info->last_seq, &header, error);
    if (code != TW_OK) return code;
    /* of a range in parts only the last one ends it */
    look->logged = header.part == header.parts ? header.last_seq : header.first_seq - 1;
    return TW_OK;
}

static uint64_t behind(const shard_look *look) {
    uint64_t last = look->infos[JOURNAL_ORDERS].last_seq;
    return last > look->logged ? last - look->logged : 0;
}

/* ---- for people ---- */

static void instant(char text[TW_INSTANT_BYTES], int64_t instant_ns) {
    if (instant_ns == TW_TIME_ABSENT || instant_ns <= 0)
        tw_text_copy(text, TW_INSTANT_BYTES, "-");
    else
        tw_instant_format(text, instant_ns);
}

static void print_stream(const char *exchange, const shard_look *look, journal_stream stream) {
    const journal_info *info = &look->infos[stream];
    char last[TW_INSTANT_BYTES], created[TW_INSTANT_BYTES];
    printf("  %-10s", journal_stream_word(stream));
    if (!look->there[stream]) {
        printf("  there is no stream %s-%s-%" PRIu32 "\n", exchange, journal_stream_word(stream), look->shard);
        return;
    }
    instant(last, info->last_ns);
    instant(created, info->created_ns);
    printf("  %" PRIu64 " to %" PRIu64 "  %" PRIu64 " messages  %" PRIu64
           " bytes  last %s  since %s  replicas %" PRIu32,
           info->first_seq, info->last_seq, info->messages, info->bytes, last, created, info->replicas);
    if (info->deleted > 0) printf("  HOLES: %" PRIu64 " messages are gone", info->deleted);
    if (info->first_seq > 1 && stream != JOURNAL_SNAPSHOTS)
        printf("  TRIMMED: begins at %" PRIu64, info->first_seq);
    printf("\n");
}

static void print_snapshot(const journal_snapshot *s) {
    char at[TW_INSTANT_BYTES], taken[TW_INSTANT_BYTES];
    instant(at, s->envelope.event_ns);
    instant(taken, s->envelope.taken_ns);
    printf("    snapshot after %" PRIu64 "  at %s  %" PRIu64 " bytes in %" PRIu32 " messages from %" PRIu64
           "  taken %s%s\n",
           s->envelope.seq, at, s->envelope.bytes, s->count, s->first_seq, taken, s->whole ? "" : "  NOT WHOLE");
}

static void print_shard(const char *exchange, const shard_look *look) {
    printf("%s shard %" PRIu32 "\n", exchange, look->shard);
    for (journal_stream stream = 0; stream < JOURNAL_STREAMS; stream++)
        print_stream(exchange, look, stream);
    if (!look->logged_known || !look->there[JOURNAL_ORDERS]) return;
    printf("  execlog has all reports up to input %" PRIu64 ": %" PRIu64 " inputs behind\n", look->logged,
           behind(look));
}

/* ---- for programs ---- */

static void stream_json(json_writer *w, const shard_look *look, journal_stream stream) {
    const journal_info *info = &look->infos[stream];
    if (!look->there[stream]) {
        json_null(w, journal_stream_word(stream));
        return;
    }
    json_open_object(w, journal_stream_word(stream));
    json_u64_string(w, "first_seq", info->first_seq);
    json_u64_string(w, "last_seq", info->last_seq);
    json_u64(w, "messages", info->messages);
    json_u64(w, "bytes", info->bytes);
    json_u64(w, "deleted", info->deleted);
    json_i64_string(w, "created_ns", info->created_ns);
    if (info->messages > 0) json_i64_string(w, "last_ns", info->last_ns);
    json_u64(w, "replicas", info->replicas);
    json_close_object(w);
}

static void print_line(json_writer *w, const char *line) {
    json_close_object(w);
    json_finish(w);
    puts(line);
}

static void print_shard_json(const char *exchange, const shard_look *look) {
    char line[LINE_BYTES];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "shard");
    json_string(&w, "exchange", exchange);
    json_u64(&w, "shard", look->shard);
    for (journal_stream stream = 0; stream < JOURNAL_STREAMS; stream++)
        stream_json(&w, look, stream);
    if (look->logged_known) {
        json_u64_string(&w, "logged_seq", look->logged);
        json_u64(&w, "inputs_behind", behind(look));
    }
    print_line(&w, line);
}

static void print_snapshot_json(const journal_snapshot *s) {
    char line[LINE_BYTES];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "snapshot");
    json_u64(&w, "shard", s->envelope.shard);
    json_u64_string(&w, "seq", s->envelope.seq);
    json_i64_string(&w, "event_ns", s->envelope.event_ns);
    json_i64_string(&w, "taken_ns", s->envelope.taken_ns);
    json_u64(&w, "bytes", s->envelope.bytes);
    json_u64(&w, "messages", s->count);
    json_u64_string(&w, "first_message", s->first_seq);
    json_bool(&w, "whole", s->whole);
    print_line(&w, line);
}

/* ---- all of it ---- */

static void on_snapshot(void *context, const journal_snapshot *snapshot) {
    const bool *json = context;
    if (*json)
        print_snapshot_json(snapshot);
    else
        print_snapshot(snapshot);
}

/* A shard's journal belongs to one of this number. */
static tw_code list_shard(const journal_settings *asked, const shard_look *look, tw_error *error) {
    journal_settings own = *asked;
    shard_look filled = *look;
    bool json = asked->json;
    own.shard = look->shard;
    journal *opened = journal_open_or_say(&own);
    if (opened == NULL) return tw_error_set(error, TW_AWAY, "shard %" PRIu32 " can't be looked at", look->shard);
    tw_code code = look_into_execlog(opened, &filled, error);
    if (code == TW_OK && json) print_shard_json(journal_exchange(opened), &filled);
    if (code == TW_OK && !json) print_shard(journal_exchange(opened), &filled);
    if (code == TW_OK && filled.there[JOURNAL_SNAPSHOTS])
        code = journal_snapshots_walk(opened, on_snapshot, &json, error);
    journal_close(opened);
    return code;
}

static bool anything(const shard_look *look) {
    return look->there[JOURNAL_ORDERS] || look->there[JOURNAL_EXECLOG] || look->there[JOURNAL_SNAPSHOTS];
}

int journal_list(const journal_settings *asked) {
    tw_error error = {0};
    journal *held = journal_open_or_say(asked);
    if (held == NULL) return JOURNAL_EXIT_FAULT;
    shard_look look = {.shard = 1}; /* shards count from 1 without a gap */
    tw_code code = look_at(held, &look, &error);
    if (code == TW_OK && !anything(&look))
        code = tw_error_set(&error, TW_NOT_FOUND,
                            "%s has no journal at this server: there is no stream %s-orders-1. A matcher makes it "
                            "when it starts",
                            journal_exchange(held), journal_exchange(held));
    while (code == TW_OK && anything(&look)) {
        code = list_shard(asked, &look, &error);
        look = (shard_look){.shard = look.shard + 1};
        if (code == TW_OK) code = look_at(held, &look, &error);
    }
    journal_close(held);
    return code == TW_OK ? 0 : journal_say(&error);
}
