/*
 * `tickwire journal trim`: removes the beginning of a journal, for ever. Nothing goes that anybody still needs:
 *
 *   inputs     1 ............ cut | ............ oldest snapshot ........... newest snapshot ...... end
 *              goes: is compared    stays: is verified from the oldest snapshot on
 *              with the export      (a start may begin with any snapshot that is stored)
 *
 * The cut is at most the oldest whole snapshot of the snapshots' stream, what execlog has all reports of, and what the export has. Of
 * execlog goes what is of inputs up to the cut alone, and of what no start from that snapshot reads. The last message of either stream
 * stays.
 *
 * First the order stream is shortened, then execlog: whoever is interrupted in between runs it again.
 */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "tools/journal/executions.h"
#include "tools/journal/replay.h"

#define LINE_BYTES 1024

/* Of one stream: what is there, what the export has, the last message that goes; first - 1 if none does. */
typedef struct part {
    journal_info is, exported;
    uint64_t last;
} part;

typedef struct trim {
    const journal_settings *asked;
    journal *held, *copy;
    journal_verified verified;
    part orders, execlog;
} trim;

static uint64_t messages_of(const part *self) {
    return self->last + 1 - self->is.first_seq;
}

/* ---- what may go ---- */

/* No more than `most`, because of `why`. With --to a lower bound is an error. */
static tw_code at_most(trim *self, uint64_t most, const char *why, tw_error *error) {
    if (self->asked->to > most)
        return tw_error_set(error, TW_INVALID, "--to %" PRIu64 " is too far: %s %" PRIu64, self->asked->to, why,
                            most);
    if (self->orders.last > most) self->orders.last = most;
    return TW_OK;
}

static tw_code find_cut(trim *self, tw_error *error) {
    part *orders = &self->orders;
    orders->last = self->asked->to != 0 ? self->asked->to : INT64_MAX;
    tw_code code = at_most(self, self->verified.begun, "the oldest snapshot is that after input", error);
    if (code == TW_OK) code = at_most(self, self->verified.logged, "execlog has all reports up to input", error);
    if (code == TW_OK) code = at_most(self, orders->exported.last_seq, "the export ends with input", error);
    if (code == TW_OK)
        code = at_most(self, orders->is.last_seq - 1, "the last input stays, so it may be at most", error);
    if (orders->last + 1 < orders->is.first_seq) orders->last = orders->is.first_seq - 1;
    return code;
}

static tw_code find_execlog_cut(trim *self, tw_error *error) {
    part *log = &self->execlog;
    uint64_t behind = 0, read_from = self->verified.origin.execlog_seq + 1;
    tw_code code = executions_find(self->held, self->orders.last + 1, &behind, error);
    if (code != TW_OK) return code;
    if (behind > read_from) behind = read_from;
    if (behind > log->is.last_seq) behind = log->is.last_seq;
    if (behind > log->exported.last_seq + 1) behind = log->exported.last_seq + 1;
    log->last = behind > log->is.first_seq ? behind - 1 : log->is.first_seq - 1;
    return TW_OK;
}

/* ---- is it in the export? ---- */

static tw_code look(trim *self, journal_stream stream, part *to, tw_error *error) {
    tw_code code = journal_look(self->held, stream, &to->is, error);
    if (code == TW_OK) code = journal_look(self->copy, stream, &to->exported, error);
    if (code != TW_OK) return code;
    if (to->is.created_ns != to->exported.created_ns)
        return tw_error_set(error, TW_INVALID, "%s is of another stream of this name than the server's %s",
                            self->asked->exported, journal_name(self->held, stream));
    if (to->is.first_seq < to->exported.first_seq)
        return tw_error_set(error, TW_INVALID,
                            "the export begins at %" PRIu64 ", and %s has messages from %" PRIu64
                            " on: export those",
                            to->exported.first_seq, journal_name(self->held, stream), to->is.first_seq);
    return TW_OK;
}

static bool is_same(const mw_message *a, const mw_message *b) {
    return a->stream_ns == b->stream_ns && strcmp(a->subject, b->subject) == 0 && a->length == b->length &&
           (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static tw_code compare(trim *self, journal_stream stream, const part *of, tw_error *error) {
    journal_cursor *is = NULL, *kept = NULL;
    mw_message one, other;
    bool more = messages_of(of) > 0, more_kept;
    tw_code code = TW_OK;
    if (!more) return code;
    code = journal_read(self->held, stream, of->is.first_seq, of->last, &is, error);
    if (code == TW_OK) code = journal_read(self->copy, stream, of->is.first_seq, of->last, &kept, error);
    while (code == TW_OK) {
        code = journal_next(is, &one, &more, error);
        if (code == TW_OK) code = journal_next(kept, &other, &more_kept, error);
        if (code != TW_OK || !more) break;
        if (!more_kept || !is_same(&one, &other))
            code = tw_error_set(error, TW_MALFORMED, "message %" PRIu64 " of %s is not what the export has",
                                one.seq, journal_name(self->held, stream));
    }
    journal_stop(is);
    journal_stop(kept);
    return code;
}

/* ---- doing it ---- */

static tw_code find_out(trim *self, tw_error *error) {
    journal_settings oldest = *self->asked;
    oldest.from = JOURNAL_FROM_OLDEST;
    oldest.to = 0;
    oldest.hash = "";
    tw_code code = look(self, JOURNAL_ORDERS, &self->orders, error);
    if (code == TW_OK) code = look(self, JOURNAL_EXECLOG, &self->execlog, error);
    if (code != TW_OK) return code;
    code = journal_verify_quietly(&oldest, self->held, &self->verified, error);
    if (code != TW_OK) return tw_error_wrap(error, "verifying what would stay");
    if (self->verified.origin.execlog_created_ns != self->execlog.is.created_ns)
        return tw_error_set(error, TW_INVALID,
                            "the oldest snapshot, after input %" PRIu64
                            ", is of another execlog: nothing can begin with it. Wait until newer ones have "
                            "displaced it",
                            self->verified.begun);
    code = find_cut(self, error);
    if (code == TW_OK) code = find_execlog_cut(self, error);
    if (code == TW_OK) code = compare(self, JOURNAL_ORDERS, &self->orders, error);
    return code == TW_OK ? compare(self, JOURNAL_EXECLOG, &self->execlog, error) : code;
}

static tw_code shorten(trim *self, journal_stream stream, const part *of, tw_error *error) {
    if (messages_of(of) == 0) return TW_OK;
    tw_code code = journal_purge(self->held, stream, of->last + 1, error);
    return code == TW_OK ? code : tw_error_wrap(error, "shortening");
}

static void say_stream(trim *self, journal_stream stream, const part *of, bool done) {
    if (messages_of(of) == 0)
        printf("%s: nothing %s\n", journal_name(self->held, stream), done ? "was removed" : "would go");
    else
        printf("%s: messages %" PRIu64 " to %" PRIu64 " %s, it %s at %" PRIu64 "\n",
               journal_name(self->held, stream), of->is.first_seq, of->last, done ? "were removed" : "would go",
               done ? "begins" : "would begin", of->last + 1);
}

static void say_text(trim *self, bool done) {
    printf("verified from the oldest snapshot, after input %" PRIu64 ", to input %" PRIu64
           "; what goes is as the export has it\n",
           self->verified.begun, self->verified.last);
    say_stream(self, JOURNAL_ORDERS, &self->orders, done);
    say_stream(self, JOURNAL_EXECLOG, &self->execlog, done);
    if (!done) printf("nothing was removed: --yes removes it, for ever\n");
}

static void json_part(json_writer *w, const char *name, const part *of) {
    json_open_object(w, name);
    json_u64_string(w, "first_seq", of->is.first_seq);
    json_u64_string(w, "first_kept", of->last + 1);
    json_u64(w, "messages", messages_of(of));
    json_close_object(w);
}

static void say_json(const trim *self, bool done) {
    char line[LINE_BYTES];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "trimmed");
    json_bool(&w, "removed", done);
    json_u64_string(&w, "oldest_snapshot", self->verified.begun);
    json_u64_string(&w, "verified_to", self->verified.last);
    json_part(&w, "orders", &self->orders);
    json_part(&w, "execlog", &self->execlog);
    json_close_object(&w);
    json_finish(&w);
    puts(line);
}

static tw_code run(trim *self, tw_error *error) {
    tw_code code = find_out(self, error);
    if (code == TW_OK && self->asked->yes) code = shorten(self, JOURNAL_ORDERS, &self->orders, error);
    if (code == TW_OK && self->asked->yes) code = shorten(self, JOURNAL_EXECLOG, &self->execlog, error);
    if (code != TW_OK) return code;
    if (self->asked->json)
        say_json(self, self->asked->yes);
    else
        say_text(self, self->asked->yes);
    return code;
}

int journal_trim(const journal_settings *asked) {
    tw_error error = {0};
    if (asked->exported[0] == '\0') {
        fprintf(stderr, "tickwire journal trim: --export is missing: the folder of an export of what is to go\n");
        return JOURNAL_EXIT_USAGE;
    }
    trim self = {.asked = asked, .held = journal_open_or_say(asked)};
    if (self.held == NULL) return JOURNAL_EXIT_FAULT;
    const journal_options folder = {.folder = asked->exported,
                                    .exchange = journal_exchange(self.held),
                                    .shard = journal_shard(self.held),
                                    .timeout_ns = asked->timeout_ns};
    tw_code code = journal_open(&self.copy, &folder, &error);
    if (code == TW_OK) code = run(&self, &error);
    journal_close(self.copy);
    journal_close(self.held);
    if (code == TW_OK) return 0;
    journal_say(&error);
    return code == TW_INVALID ? JOURNAL_EXIT_USAGE : JOURNAL_EXIT_FAULT;
}
