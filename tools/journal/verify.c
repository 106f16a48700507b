/*
 * `tickwire journal verify`: is execlog what the order stream makes?
 *
 * A range of inputs of execlog is replayed up to its last input, and then the replica says what it would have written: the same cut
 * into parts, the same bytes. A hash that somebody has seen, and each whole snapshot, are compared where the replay comes by them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "tools/journal/compare.h"
#include "tools/journal/executions.h"
#include "tools/journal/replay.h"
#include "tools/journal/snapshots.h"

#define LINE_BYTES  2048
#define DRAIN_BYTES (4u << 20)

/* A state that is known at an input: from --hash, or a snapshot. */
typedef struct known_state {
    uint64_t seq;
    uint64_t hash;             /* --hash */
    journal_snapshot snapshot; /* count 0: there is none */
} known_state;

typedef struct verify {
    const journal_settings *asked;
    journal *held;
    mr_replica *replica, *second; /* of a snapshot to compare with */
    journal_cursor *inputs, *log;
    journal_kept message; /* of execlog */
    known_state *known;   /* by seq */
    size_t known_count, known_capacity, known_next;
    bool no_memory;
    uint64_t first, last; /* inputs to replay */
    uint64_t messages, compared_bytes, hashes;
    uint64_t foreign;     /* snapshots of another version, which can't be compared */
    uint32_t part, parts; /* of the last message compared */
    journal_work work;
    mr_origin origin;
    uint64_t begun; /* the input that it begins behind */
    bool differs;   /* the error is a difference, not trouble */
} verify;

/* ---- known states ---- */

static known_state *add_known(verify *self, uint64_t seq) {
    if (self->known_count == self->known_capacity) {
        size_t capacity = self->known_capacity == 0 ? 16 : self->known_capacity * 2;
        known_state *known = realloc(self->known, capacity * sizeof *known);
        self->no_memory = known == NULL;
        if (known == NULL) return NULL;
        self->known = known;
        self->known_capacity = capacity;
    }
    known_state *added = &self->known[self->known_count++];
    *added = (known_state){.seq = seq};
    return added;
}

static bool hash_of_text(const char *text, size_t length, uint64_t *hash) {
    *hash = 0;
    if (length == 0 || length > 16) return false;
    for (size_t i = 0; i < length; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, text[i] | 32);
        if (text[i] == '\0' || at == NULL) return false;
        *hash = *hash << 4 | (uint64_t)(at - digits);
    }
    return true;
}

/* "57:00ff00ff00ff00ff,90:…" */
static tw_code add_hashes(verify *self, const char *text, tw_error *error) {
    while (*text != '\0') {
        char digits[24] = "";
        size_t seq_length = strcspn(text, ":"), length = strcspn(text, ",");
        uint64_t seq, hash;
        if (seq_length < sizeof digits && seq_length < length) memcpy(digits, text, seq_length);
        if (!tw_text_to_u64(digits, &seq) || !hash_of_text(text + seq_length + 1, length - seq_length - 1, &hash))
            return tw_error_set(error, TW_INVALID, "--hash takes SEQ:HASH, such as 1000:00ff12ab00ff12ab, not '%s'",
                                text);
        known_state *added = add_known(self, seq);
        if (added == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for hashes");
        added->hash = hash;
        text += length + (text[length] == ',');
    }
    return TW_OK;
}

static void on_snapshot(void *context, const journal_snapshot *snapshot) {
    verify *self = context;
    if (!snapshot->whole) return;
    known_state *added = add_known(self, snapshot->envelope.seq);
    if (added != NULL) added->snapshot = *snapshot;
}

static int by_seq(const void *a, const void *b) {
    const known_state *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static tw_code gather_known(verify *self, tw_error *error) {
    tw_code code = add_hashes(self, self->asked->hash, error);
    if (code != TW_OK) return code;
    code = journal_snapshots_walk(self->held, on_snapshot, self, error);
    if (code == TW_NOT_FOUND) {
        code = TW_OK;
        *error = (tw_error){0};
    }
    if (code == TW_OK && self->no_memory) code = tw_error_set(error, TW_NO_MEMORY, "no memory for snapshots");
    if (self->known_count > 0) qsort(self->known, self->known_count, sizeof *self->known, by_seq);
    return code;
}

static tw_code difference(verify *self, tw_error *error) {
    self->differs = true;
    return error->code;
}

static tw_code compare_known(verify *self, const known_state *known, tw_error *error) {
    uint64_t ours = mr_hash(self->replica), theirs = known->hash;
    mr_origin origin;
    if (known->snapshot.count > 0) {
        tw_code code =
            self->second != NULL ? TW_OK : journal_replica(self->asked, self->held, &self->second, error);
        if (code == TW_OK) code = journal_snapshot_load(self->held, &known->snapshot, self->second, &origin, error);
        if (code == TW_UNSUPPORTED) {
            self->foreign++;
            *error = (tw_error){0};
            return TW_OK;
        }
        if (code != TW_OK) return code;
        theirs = mr_hash(self->second);
    }
    self->hashes++;
    if (ours == theirs) return TW_OK;
    tw_error_set(error, TW_MALFORMED,
                 "after input %" PRIu64 " the replay's state hash is %016" PRIx64 ", %s says %016" PRIx64,
                 known->seq, ours, known->snapshot.count > 0 ? "the snapshot" : "--hash", theirs);
    return difference(self, error);
}

static tw_code compare_states(verify *self, tw_error *error) {
    uint64_t seq = mr_seq(self->replica);
    tw_code code = TW_OK;
    while (self->known_next < self->known_count && self->known[self->known_next].seq < seq)
        self->known_next++;
    while (code == TW_OK && self->known_next < self->known_count && self->known[self->known_next].seq == seq)
        code = compare_known(self, &self->known[self->known_next++], error);
    return code;
}

/* ---- inputs ---- */

static tw_code take_one(verify *self, tw_error *error) {
    mw_message message;
    bool more;
    tw_code code = journal_next(self->inputs, &message, &more, error);
    if (code == TW_OK && !more)
        code = tw_error_set(error, TW_MALFORMED, "the order stream ends before input %" PRIu64,
                            mr_seq(self->replica) + 1);
    if (code == TW_OK) code = journal_take(self->replica, &message, &self->work, error);
    return code == TW_OK ? compare_states(self, error) : code;
}

static tw_code take_to(verify *self, const wire_execution_header *header, tw_error *error) {
    tw_code code = TW_OK;
    while (code == TW_OK && mr_seq(self->replica) < header->last_seq) {
        if (!mr_room(self->replica)) {
            tw_error_set(error, TW_MALFORMED,
                         "execlog's message %" PRIu64 " is of inputs %" PRIu64 " to %" PRIu64
                         ": the reports of so many fit no message",
                         self->message.message.seq, header->first_seq, header->last_seq);
            return difference(self, error);
        }
        code = take_one(self, error);
    }
    return code;
}

/* ---- execlog ---- */

static tw_code check_range(verify *self, const wire_execution_header *header, tw_error *error) {
    uint64_t seq = self->message.message.seq, next = mr_journaled(self->replica) + 1;
    bool inside = self->parts > self->part; /* a range is under way */
    if (!inside && header->part == 1 && header->first_seq == next) return TW_OK;
    if (inside && header->part == self->part + 1 && header->parts == self->parts && header->first_seq <= next)
        return TW_OK; /* the bytes are compared as a whole */
    if (inside)
        tw_error_set(error, TW_MALFORMED,
                     "execlog's message %" PRIu64 " is part %" PRIu32 " of %" PRIu32 " of inputs %" PRIu64
                     " to %" PRIu64 ": part %" PRIu32 " of %" PRIu32 " of the inputs from %" PRIu64
                     " on is missing",
                     seq, header->part, header->parts, header->first_seq, header->last_seq, self->part + 1,
                     self->parts, next);
    else if (header->first_seq > next)
        tw_error_set(error, TW_MALFORMED,
                     "execlog's message %" PRIu64 " begins at input %" PRIu64 ": the reports of inputs %" PRIu64
                     " to %" PRIu64 " are missing",
                     seq, header->first_seq, next, header->first_seq - 1);
    else if (header->first_seq < next)
        tw_error_set(error, TW_MALFORMED,
                     "execlog's message %" PRIu64 " begins at input %" PRIu64 ": reports up to %" PRIu64
                     " are there already",
                     seq, header->first_seq, next - 1);
    else
        tw_error_set(error, TW_MALFORMED,
                     "execlog's message %" PRIu64 " is part %" PRIu32 " of %" PRIu32
                     ": the parts before it are missing",
                     seq, header->part, header->parts);
    return difference(self, error);
}

static tw_code compare_message(verify *self, const wire_execution_header *header, tw_error *error) {
    const mw_message *found = &self->message.message;
    char text[COMPARE_TEXT_BYTES];
    mr_part part;
    if (!mr_journal_next(self->replica, &part)) {
        tw_error_set(error, TW_MALFORMED, "execlog's message %" PRIu64 " is of inputs that make no reports",
                     found->seq);
        return difference(self, error);
    }
    if (!executions_same(found->bytes, found->length, part.bytes, part.length, text)) {
        tw_error_set(error, TW_MALFORMED,
                     "execlog's message %" PRIu64 " (inputs %" PRIu64 " to %" PRIu64
                     ") is not what the replay makes: %s",
                     found->seq, header->first_seq, header->last_seq, text);
        return difference(self, error);
    }
    mr_journal_stored(self->replica);
    self->part = header->part;
    self->parts = header->parts;
    self->messages++;
    self->compared_bytes += found->length;
    return TW_OK;
}

/* *more false: execlog, or what was asked for, is at its end. */
static tw_code verify_next(verify *self, bool *more, tw_error *error) {
    mw_message message;
    wire_executions open;
    *more = false;
    if (self->log == NULL) return TW_OK;
    tw_code code = journal_next(self->log, &message, more, error);
    if (code != TW_OK || !*more) return code;
    if (!journal_keep(&self->message, &message))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for a message");
    code = executions_open(self->held, &self->message.message, &open, error);
    if (code == TW_MALFORMED) return difference(self, error);
    if (code != TW_OK) return code;
    if (open.header.last_seq > self->last) {
        *more = false;
        return TW_OK;
    }
    code = check_range(self, &open.header, error);
    if (code == TW_OK) code = take_to(self, &open.header, error);
    return code == TW_OK ? compare_message(self, &open.header, error) : code;
}

static tw_code take_the_rest(verify *self, tw_error *error) {
    tw_code code = TW_OK;
    while (code == TW_OK && mr_seq(self->replica) < self->last) {
        code = take_one(self, error);
        if (mr_backlog_bytes(self->replica) > DRAIN_BYTES) mr_backlog_drop(self->replica);
    }
    return code;
}

static tw_code open_log(verify *self, const mr_origin *origin, tw_error *error) {
    journal_info info;
    tw_code code = journal_look(self->held, JOURNAL_EXECLOG, &info, error);
    uint64_t from = origin->execlog_seq + 1;
    if (code != TW_OK) return code;
    if (info.deleted > 0 || (info.messages > 0 && info.first_seq > from)) {
        tw_error_set(error, TW_MALFORMED,
                     "%s has holes: it begins at %" PRIu64 ", and %" PRIu64 " messages are gone",
                     journal_name(self->held, JOURNAL_EXECLOG), info.first_seq, info.deleted);
        return difference(self, error);
    }
    if (from > info.last_seq) return TW_OK;
    return journal_read(self->held, JOURNAL_EXECLOG, from, info.last_seq, &self->log, error);
}

/* The part that ours continues with: a snapshot may lie within a range. */
static void resume_parts(verify *self) {
    mr_part part;
    if (!mr_journal_next(self->replica, &part) || part.part == 1) return;
    self->part = part.part - 1;
    self->parts = part.parts;
}

static tw_code check_complete(verify *self, tw_error *error) {
    uint64_t journaled = mr_journaled(self->replica);
    if (!self->asked->complete || (journaled >= self->last && self->part == self->parts)) return TW_OK;
    tw_error_set(error, TW_MALFORMED,
                 "execlog is not complete: it has all reports up to input %" PRIu64 " of %" PRIu64, journaled,
                 self->last);
    return difference(self, error);
}

static tw_code run(verify *self, uint64_t *logged, tw_error *error) {
    bool from_snapshot, more = true;
    tw_code code = journal_range(self->held, self->asked, &self->first, &self->last, &from_snapshot, error);
    if (code == TW_OK && self->first != 1)
        code =
            tw_error_set(error, TW_INVALID, "--from takes 1, snapshot or oldest: a state has no other beginnings");
    if (code == TW_OK) code = gather_known(self, error);
    if (code == TW_OK) code = journal_replica(self->asked, self->held, &self->replica, error);
    if (code == TW_OK && from_snapshot) {
        code = journal_start(self->asked, self->held, self->last, self->replica, &self->origin, error);
        if (code == TW_OK) resume_parts(self);
        self->begun = mr_seq(self->replica);
    }
    if (code == TW_OK) code = open_log(self, &self->origin, error);
    if (code == TW_OK && mr_seq(self->replica) < self->last)
        code =
            journal_read(self->held, JOURNAL_ORDERS, mr_seq(self->replica) + 1, self->last, &self->inputs, error);
    while (code == TW_OK && more)
        code = verify_next(self, &more, error);
    if (code == TW_OK) code = check_complete(self, error);
    if (code == TW_OK) *logged = mr_journaled(self->replica);
    return code == TW_OK ? take_the_rest(self, error) : code;
}

/* ---- what it says ---- */

static void print_json(const verify *self, const char *verdict, uint64_t logged, const tw_error *error) {
    char line[LINE_BYTES + TW_ERROR_TEXT_BYTES], hash[24];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "verified");
    json_string(&w, "verdict", verdict);
    json_bool(&w, "ok", error->code == TW_OK);
    json_string(&w, "exchange", journal_exchange(self->held));
    json_u64(&w, "shard", journal_shard(self->held));
    json_u64_string(&w, "last_seq", self->last);
    json_u64_string(&w, "logged_seq", logged);
    json_u64(&w, "inputs", self->work.inputs);
    json_u64(&w, "reports", journal_work_reports(&self->work));
    json_u64(&w, "messages", self->messages);
    json_u64(&w, "bytes", self->compared_bytes);
    json_u64(&w, "states_compared", self->hashes);
    if (self->foreign > 0) json_u64(&w, "snapshots_of_another_version", self->foreign);
    if (self->replica != NULL && error->code == TW_OK) {
        tw_text_format(hash, sizeof hash, "%016" PRIx64, mr_hash(self->replica));
        json_string(&w, "hash", hash);
    }
    if (error->code != TW_OK) json_string(&w, "what", error->text);
    json_f64(&w, "seconds", (double)self->work.took_ns / 1e9);
    json_close_object(&w);
    json_finish(&w);
    printf("%s\n", line);
}

static void print_text(const verify *self, const char *verdict, uint64_t logged, const tw_error *error) {
    printf("%s shard %" PRIu32 ": replayed %" PRIu64 " inputs to %" PRIu64 " (%" PRIu64
           " reports), compared %" PRIu64 " messages of execlog (%" PRIu64 " bytes) and %" PRIu64
           " states in %.3f s\n",
           journal_exchange(self->held), journal_shard(self->held), self->work.inputs,
           self->replica != NULL ? mr_seq(self->replica) : 0, journal_work_reports(&self->work), self->messages,
           self->compared_bytes, self->hashes, (double)self->work.took_ns / 1e9);
    if (self->foreign > 0) printf("%" PRIu64 " snapshots of another version were not compared\n", self->foreign);
    if (error->code == TW_OK && logged < self->last)
        printf("execlog has all reports up to input %" PRIu64 ": %" PRIu64 " inputs behind%s\n", logged,
               self->last - logged, self->part < self->parts ? ", in the middle of a range" : "");
    if (error->code == TW_OK)
        printf("state hash %016" PRIx64 " after input %" PRIu64 "\n", mr_hash(self->replica), self->last);
    printf("%s%s%s\n", verdict, error->code != TW_OK ? ": " : "", error->text);
}

static void verify_fini(verify *self) {
    journal_stop(self->inputs);
    journal_stop(self->log);
    journal_kept_fini(&self->message);
    mr_free(self->replica);
    mr_free(self->second);
    free(self->known);
}

tw_code journal_verify_quietly(const journal_settings *asked, journal *held, journal_verified *found,
                               tw_error *error) {
    verify self = {.asked = asked, .held = held};
    *found = (journal_verified){0};
    tw_code code = run(&self, &found->logged, error);
    found->begun = self.begun;
    found->origin = self.origin;
    found->last = self.last;
    verify_fini(&self);
    return code;
}

int journal_verify(const journal_settings *asked) {
    tw_error error = {0};
    uint64_t logged = 0;
    journal *held = journal_open_or_say(asked);
    if (held == NULL) return JOURNAL_EXIT_FAULT;
    verify self = {.asked = asked, .held = held};
    int64_t begin_ns = rt_clock_monotonic_ns();
    tw_code code = run(&self, &logged, &error);
    self.work.took_ns = rt_clock_monotonic_ns() - begin_ns;
    if (code == TW_OK || self.differs) {
        const char *verdict = code == TW_OK ? "OK" : "DIFFERENT";
        if (asked->json)
            print_json(&self, verdict, logged, &error);
        else
            print_text(&self, verdict, logged, &error);
        fflush(stdout);
    } else {
        journal_say(&error);
    }
    verify_fini(&self);
    journal_close(held);
    return code == TW_OK ? 0 : code == TW_INVALID && !self.differs ? JOURNAL_EXIT_USAGE : JOURNAL_EXIT_FAULT;
}
