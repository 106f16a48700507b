/*
 * execlog: who leads writes it, one fenced message at a time; everybody else reads it and compares.
 *
 *   READING ──execlog_lead──> WRITING ──the fence refused──> RESOLVING ──read on to the end──> WRITING
 *      ^                         │  unknown: the same bytes with the same expectation again      │
 *      └──execlog_follow─────────┴───────────────────────────────────────────────────────────────┘
 *
 * `seq` is the last message of the stream that the replica knows, whoever wrote it: it is the fence's expectation.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "matcher/wire/places.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"

#define RETRY_NS   (INT64_C(20) * 1000000)
#define REFUSED_NS (INT64_C(500) * 1000000)

typedef enum execlog_mode { READING = 0, WRITING, RESOLVING } execlog_mode;

struct execlog {
    matcher *matcher;
    execlog_mode mode;
    bus_reader *reader; /* READING and RESOLVING */
    bus_writer *writer;
    char stream[MW_STREAM_NAME_BYTES], subject[SUBJECT_BYTES];
    bool reached, draining, closed, paused;
    bool under_way;     /* a write without an answer */
    uint64_t token;     /* of that write; answers to others come from before */
    uint64_t resolve;   /* the stream's last sequence when the fence refused */
    int64_t retry_ns;   /* nothing is written before */
    int64_t written_ns; /* the first try */
    char refused[200];  /* why the server stores nothing; "": it does, as far as is known */
    rt_log_site away_site, refused_site, unknown_site;
};

/* ---- reading ---- */

static void open_reader(execlog *self);

static void close_reader(execlog *self) {
    bus_reader_close(self->reader);
    self->reader = NULL;
    self->reached = false;
    self->paused = false;
}

static bool is_own(execlog *self, const bus_stream_message *message) {
    mr_part part;
    return mr_journal_next(self->matcher->replica, &part) && part.length == message->length &&
           memcmp(part.bytes, message->bytes, part.length) == 0;
}

/* Found while resolving: either the write that was not known had arrived after all, or somebody else leads, too. */
static void resolve(execlog *self, const bus_stream_message *message, bool own) {
    matcher *m = self->matcher;
    if (!own) {
        m->counts.log_fenced++;
        rt_log(m->log, RT_WARN, "another matcher has written execlog", RT_U64("message", message->seq));
        leading_fenced(m->leading);
    }
    if (self->mode != RESOLVING || message->seq < self->resolve) return;
    close_reader(self);
    self->mode = WRITING;
    execlog_write(self);
}

static void on_message(void *context, const bus_stream_message *message) {
    execlog *self = context;
    matcher *m = self->matcher;
    if (m->state != MATCHER_RUNNING) return;
    bool resolving = self->mode == RESOLVING;
    bool own = resolving && is_own(self, message);
    switch (mr_journal_found(m->replica, message->bytes, message->length)) {
    case MR_FOUND_FAULT:
        if (mr_is_short(m->replica)) /* found before: at a snapshot */
            matcher_halt(m, "%s", mr_fault(m->replica));
        else
            matcher_halt(m, "MISMATCH: %s (message %" PRIu64 " of %s)%s", mr_fault(m->replica), message->seq,
                         self->stream,
                         strstr(mr_fault(m->replica), "differ in inputs") == NULL ? "" : MATCHER_MISMATCH_HINT);
        return;
    case MR_FOUND_FULL: /* read again from here, later */
        close_reader(self);
        return;
    case MR_FOUND_NEW:
        m->counts.log_found++;
        break;
    case MR_FOUND_KNOWN:
    default:
        break;
    }
    if (message->seq > m->origin.execlog_seq) m->origin.execlog_seq = message->seq;
    if (message->pending == 0) self->reached = true;
    if (resolving) resolve(self, message, own);
}

static void on_status(void *context, const bus_reader_status *status) {
    execlog *self = context;
    matcher *m = self->matcher;
    if (status->state == BUS_READER_READING && status->pending == 0) self->reached = true;
    if (status->state == BUS_READER_AWAY) {
        self->reached = false;
        rt_log_limited(m->log, &self->away_site, RT_WARN, "execlog can't be read", RT_STR("why", status->reason));
    }
    if (status->state == BUS_READER_HALTED)
        matcher_halt(m, "at message %" PRIu64 " of execlog: %s", status->expected_seq, status->reason);
}

static void open_reader(execlog *self) {
    matcher *m = self->matcher;
    tw_error error = {0};
    bus_reader_options options = {.stream = self->stream,
                                  .start_seq = m->origin.execlog_seq + 1,
                                  .on_message = on_message,
                                  .on_status = on_status,
                                  .context = self};
    if (self->reader != NULL || self->closed) return;
    self->reached = self->paused = false;
    if (bus_reader_open(&self->reader, m->bus, &m->loop, &options, &error) != TW_OK)
        rt_log_limited(m->log, &self->away_site, RT_WARN, "execlog can't be read", RT_STR("why", error.text));
}

/* ---- writing ---- */

static void wait_for(execlog *self, int64_t pause_ns) {
    self->retry_ns = rt_clock_monotonic_ns() + pause_ns;
}

void execlog_write(execlog *self) {
    matcher *m = self->matcher;
    mr_part part;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (self->mode != WRITING || self->draining || self->under_way || self->closed || now_ns < self->retry_ns)
        return;
    if (!live_has_told_all(m->live) || !mr_journal_next(m->replica, &part)) return;
    tw_code code = bus_writer_write(self->writer, self->subject, part.bytes, part.length, m->origin.execlog_seq,
                                    ++self->token);
    self->under_way = code == TW_OK;
    if (code == TW_INVALID)
        matcher_halt(m, "the bus does not take %zu bytes for %s: its max_payload must be at least 1 MB",
                     part.length, self->subject);
    else if (code != TW_OK)
        wait_for(self, RETRY_NS);
    self->written_ns = now_ns;
}

static void stored(execlog *self, const bus_write_result *result) {
    matcher *m = self->matcher;
    mr_part part;
    if (self->refused[0] != '\0') rt_log(m->log, RT_INFO, "execlog takes messages again");
    self->refused[0] = '\0';
    tw_histogram_record(&m->live_to_log, rt_clock_monotonic_ns() - self->written_ns);
    matcher_end_of_burst(m); /* its records may go when they are in execlog */
    if (mr_journal_next(m->replica, &part)) m->counts.log_bytes += part.length;
    m->counts.log_messages++;
    m->origin.execlog_seq = result->seq;
    mr_journal_stored(m->replica);
}

static void fence_refused(execlog *self, const bus_write_result *result) {
    self->mode = RESOLVING;
    self->resolve = result->last_seq != 0 ? result->last_seq : self->matcher->origin.execlog_seq + 1;
    if (result->last_seq != 0 && result->last_seq <= self->matcher->origin.execlog_seq)
        matcher_halt(self->matcher,
                     "execlog ends at %" PRIu64 " and message %" PRIu64
                     " was there before: it was wiped, or is an older copy",
                     result->last_seq, self->matcher->origin.execlog_seq);
    open_reader(self);
}

static void on_result(void *context, const bus_write_result *result) {
    execlog *self = context;
    matcher *m = self->matcher;
    if (result->token != self->token || !self->under_way) return;
    bool ours = self->mode == WRITING && m->state == MATCHER_RUNNING; /* else the reader tells what became of it */
    if (ours && result->outcome == BUS_WRITE_STORED) stored(self, result);
    self->under_way = false;
    if (!ours) return;
    switch (result->outcome) {
    case BUS_WRITE_STORED:
        break;
    case BUS_WRITE_WRONG_LAST:
        fence_refused(self, result);
        return;
    case BUS_WRITE_UNKNOWN:
        m->counts.log_unknown++;
        rt_log_limited(m->log, &self->unknown_site, RT_WARN,
                       "a write to execlog was not acknowledged: written again", RT_STR("why", result->reason));
        wait_for(self, RETRY_NS);
        break;
    case BUS_WRITE_REFUSED:
    case BUS_WRITE_NO_STREAM:
    default:
        m->counts.log_refused++;
        (void)tw_text_copy(self->refused, sizeof self->refused,
                           result->reason[0] != '\0' ? result->reason : "no reason given");
        rt_log_limited(m->log, &self->refused_site, RT_ERROR,
                       "nothing can be journaled: execlog takes no message, tried again",
                       RT_STR("why", result->reason), RT_U64("backlog_bytes", mr_backlog_bytes(m->replica)));
        wait_for(self, REFUSED_NS);
        if (result->outcome == BUS_WRITE_NO_STREAM) places_verify(m->places);
        break;
    }
    execlog_write(self);
    bus_flush(m->bus);
    matcher_flow(m);
}

/* ---- who leads ---- */

void execlog_begin(execlog *self) {
    self->mode = READING;
    open_reader(self);
}

void execlog_lead(execlog *self) {
    self->draining = false;
    if (self->mode != READING) return;
    close_reader(self);
    self->mode = WRITING;
    self->refused[0] = '\0';
    self->under_way = false; /* an answer from before would be no answer to what is written now */
    self->retry_ns = 0;
    execlog_write(self);
}

void execlog_drain(execlog *self) {
    self->draining = true;
}

void execlog_follow(execlog *self) {
    self->draining = false;
    self->mode = READING;
    self->refused[0] = '\0';
    open_reader(self);
}

void execlog_end(execlog *self) {
    if (self == NULL) return;
    self->closed = true;
    close_reader(self);
}

bool execlog_ready(const execlog *self) {
    const matcher *m = self->matcher;
    if (self->closed || mr_found_waiting(m->replica) > 0) return false;
    if (self->mode == WRITING) return true;
    return self->mode == READING && self->reader != NULL && self->reached &&
           bus_reader_read_status(self->reader)->state == BUS_READER_READING;
}

const char *execlog_refused(const execlog *self) {
    return self->refused;
}

bool execlog_drained(const execlog *self) {
    return !self->under_way && self->mode != RESOLVING;
}

uint64_t execlog_consumers(const execlog *self) {
    return self->reader != NULL ? bus_reader_read_stats(self->reader).consumers : 0;
}

void execlog_tick(execlog *self, int64_t now_ns) {
    (void)now_ns;
    if (self->mode == WRITING) {
        execlog_write(self);
        return;
    }
    bool room = mr_found_room(self->matcher->replica);
    if (self->reader == NULL && room) open_reader(self);
    if (self->reader == NULL || room != self->paused) return;
    self->paused = !room;
    if (room)
        bus_reader_resume(self->reader);
    else
        bus_reader_pause(self->reader);
}

tw_code execlog_open(execlog **opened, matcher *m, tw_error *error) {
    execlog *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for execlog");
    const matcher_settings *set = &m->settings;
    self->matcher = m;
    (void)mw_stream_name(self->stream, sizeof self->stream, MW_STREAM_EXECLOG, set->exchange, (uint32_t)set->shard);
    (void)subject_shard(self->subject, sizeof self->subject, SUBJECT_KIND_EXECUTION_LOG, set->exchange,
                        (uint32_t)set->shard);
    bus_writer_options options = {
        .max_outstanding = 4, .timeout_ns = set->write_timeout_ns, .on_result = on_result, .context = self};
    return bus_writer_open(&self->writer, m->bus, &m->loop, &options, error);
}

void execlog_close(execlog *self) {
    if (self == NULL) return;
    close_reader(self);
    bus_writer_close(self->writer);
    free(self);
}
