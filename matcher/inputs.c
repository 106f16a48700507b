/* The order stream, in order and without a hole, into the replica. */
#include <inttypes.h>
#include <stdlib.h>

#include "matcher/pipeline.h"
#include "matcher/wire/places.h"
#include "runtime/clock.h"

/* On a busy machine a pull may take tens of milliseconds to be answered, and no more than two are on their way: a small one would bound the rate.
 * How much is on its way is bounded by bytes, too. */
#define BATCH 8192

struct inputs {
    matcher *matcher;
    bus_reader *reader;
    char stream[MW_STREAM_NAME_BYTES];
    bool paused, unverified;
    bool reached; /* its end, since it could be read last */
    uint64_t waiting;
    int64_t last_ns; /* the last input, by the monotonic clock */
    rt_log_site away_site, refused_site;
};

static void take(inputs *self, const bus_stream_message *message) {
    matcher *m = self->matcher;
    const mw_message input = {message->subject, message->seq, message->stream_ns, message->bytes, message->length};
    mw_applied applied;
    if (!m->burst_open) m->burst_ns = rt_clock_utc_ns();
    m->burst_open = true;
    order_log_input(m->order_log);
    bool fine = mr_take(m->replica, &input, live_listener(m->live), &applied);
    m->counts.inputs++;
    m->counts.commands += applied.commands;
    m->counts.refused += applied.refused;
    m->counts.input_bytes += message->length;
    if (applied.refused > 0)
        rt_log_limited(m->log, &self->refused_site, RT_WARN, "commands that can't be read or may not travel there",
                       RT_STR("correlation_id", order_log_unreadable(m->order_log)),
                       RT_STR("subject", message->subject), RT_U64("seq", message->seq),
                       RT_U64("refused", applied.refused), RT_U64("commands", applied.commands));
    if (!fine) matcher_halt(m, "%s%s", mr_is_short(m->replica) ? "" : "MISMATCH: ", mr_fault(m->replica));
}

static void on_message(void *context, const bus_stream_message *message) {
    inputs *self = context;
    matcher *m = self->matcher;
    if (m->state != MATCHER_RUNNING) return;
    int64_t before_ns = mx_now(mr_engine(m->replica));
    take(self, message);
    if (m->state != MATCHER_RUNNING) return;
    self->last_ns = rt_clock_monotonic_ns();
    self->waiting = message->pending;
    if (message->pending == 0) self->reached = true;
    hashes_taken(m->hashes, before_ns, message->pending);
    if (live_is_full(m->live)) matcher_end_of_burst(m);
    matcher_breathe(m, self->last_ns);
    if (!matcher_has_room(m)) matcher_flow(m);
}

/* A stream that was away may be another one: nothing is taken from it before that is known. */
static void on_status(void *context, const bus_reader_status *status) {
    inputs *self = context;
    matcher *m = self->matcher;
    switch (status->state) {
    case BUS_READER_READING:
        self->waiting = status->pending;
        if (status->pending == 0) self->reached = true;
        if (self->unverified) places_verify(m->places);
        break;
    case BUS_READER_AWAY:
        self->reached = false;
        self->unverified = true;
        bus_reader_pause(self->reader);
        self->paused = true;
        rt_log_limited(m->log, &self->away_site, RT_WARN, "the order stream can't be read",
                       RT_STR("why", status->reason));
        break;
    case BUS_READER_HALTED:
        matcher_halt(m, "at input %" PRIu64 ": %s", status->expected_seq, status->reason);
        break;
    case BUS_READER_STARTING:
    default:
        break;
    }
}

void inputs_verified(inputs *self) {
    self->unverified = false;
}

void inputs_flow(inputs *self, bool room) {
    bool pause = !room || self->unverified;
    if (self->reader == NULL || pause == self->paused) return;
    self->paused = pause;
    if (pause) {
        self->matcher->counts.pauses++;
        bus_reader_pause(self->reader);
    } else {
        bus_reader_resume(self->reader);
    }
}

bool inputs_readable(const inputs *self) {
    return self->reader != NULL && !self->unverified &&
           bus_reader_read_status(self->reader)->state == BUS_READER_READING;
}

bool inputs_ready(const inputs *self) {
    return inputs_readable(self) && (self->reached || !matcher_has_room(self->matcher));
}

int64_t inputs_idle_ns(const inputs *self, int64_t now_ns) {
    return now_ns - self->last_ns;
}

uint64_t inputs_waiting(const inputs *self) {
    return self->waiting;
}

uint64_t inputs_consumers(const inputs *self) {
    return self->reader != NULL ? bus_reader_read_stats(self->reader).consumers : 0;
}

tw_code inputs_begin(inputs *self, tw_error *error) {
    matcher *m = self->matcher;
    bus_reader_options options = {.stream = self->stream,
                                  .start_seq = mr_seq(m->replica) + 1,
                                  .batch = BATCH,
                                  .on_message = on_message,
                                  .on_status = on_status,
                                  .context = self};
    self->last_ns = rt_clock_monotonic_ns();
    return bus_reader_open(&self->reader, m->bus, &m->loop, &options, error);
}

void inputs_end(inputs *self) {
    if (self == NULL) return;
    bus_reader_close(self->reader);
    self->reader = NULL;
}

tw_code inputs_open(inputs **opened, matcher *m, tw_error *error) {
    inputs *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for reading orders");
    self->matcher = m;
    (void)mw_stream_name(self->stream, sizeof self->stream, MW_STREAM_ORDERS, m->settings.exchange,
                         (uint32_t)m->settings.shard);
    return TW_OK;
}

void inputs_close(inputs *self) {
    if (self == NULL) return;
    inputs_end(self);
    free(self);
}
