/*
 * Asks request servers for what no line brought, while a gap is declared: ingest/gap/refill.h says what and when, one
 * socket carries it, and what the servers answer goes to the arbiter like a packet of a line of its own.
 */
#include <stdlib.h>

#include "base/text.h"
#include "ingest/gap/refill.h"
#include "ingest/pipeline.h"
#include "ingest/source/udp_exchange.h"
#include "runtime/clock.h"

#define SETTLE_NS         INT64_C(2000000) /* a partial answer's rest is asked for after this */
#define BACKOFF_DOUBLINGS 5                /* the longest back-off is 32 times the first */
#define ANSWERS_PER_ROUND 64
#define NANOS_PER_MILLI   INT64_C(1000000)

struct recovery {
    ingest *ingest;
    udp_exchange *exchange;
    refill refill;
    uv_poll_t poll;
    uv_timer_t timer;
    uint32_t open; /* handles that are not closed yet */
    rt_log_site error_site;
};

static void on_timer(uv_timer_t *timer);

/* The timer counts in whole milliseconds; a tick too late is of no concern, a tick too early would spin. */
static void arm(recovery *self, int64_t now_ns) {
    int64_t next_ns = refill_next_ns(&self->refill);
    if (next_ns == INT64_MAX) {
        uv_timer_stop(&self->timer);
        return;
    }
    int64_t wait_ms = next_ns > now_ns ? (next_ns - now_ns) / NANOS_PER_MILLI + 1 : 1;
    uv_timer_start(&self->timer, on_timer, (uint64_t)wait_ms, 0);
}

void recovery_step(recovery *self, int64_t now_ns) {
    arbiter_status status = arbiter_read_status(self->ingest->arbiter);
    if (!status.gap_open && !self->refill.active) return;
    refill_hole hole = {status.gap_open, status.session_padded, status.gap_from, status.gap_to};
    refill_request request;
    uint8_t packet[MOLDUDP64_HEADER_BYTES];
    if (refill_step(&self->refill, &hole, now_ns, &request))
        udp_exchange_send(self->exchange, request.server, packet, refill_write(&request, packet));
    arm(self, now_ns);
}

static void on_timer(uv_timer_t *timer) {
    recovery *self = timer->data;
    int64_t now_ns = rt_clock_monotonic_ns();
    arbiter_poll(self->ingest->arbiter, now_ns);
    recovery_step(self, now_ns);
    ingest_end_of_burst(self->ingest);
}

static bool take_answer(recovery *self) {
    udp_message message;
    tw_error error = {0};
    if (udp_exchange_receive(self->exchange, &message, &error) != TW_OK)
        rt_log_limited(self->ingest->log, &self->error_site, RT_ERROR, "receiving answers failed",
                       RT_STR("reason", error.text));
    if (message.bytes == NULL) return false;
    int64_t now_ns = rt_clock_monotonic_ns();
    arbiter_packet(self->ingest->arbiter, ARBITER_RECOVERY, message.bytes, message.length, rt_clock_utc_ns(),
                   now_ns);
    recovery_step(self, now_ns);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    recovery *self = poll->data;
    if (status < 0) { /* the lines go on; gaps are given up at their deadline */
        rt_log(self->ingest->log, RT_ERROR, "refill has failed", RT_STR("reason", uv_strerror(status)));
        uv_poll_stop(poll);
        return;
    }
    for (int i = 0; i < ANSWERS_PER_ROUND && take_answer(self); i++) {
    }
    ingest_end_of_burst(self->ingest);
}

static tw_code init_refill(recovery *self, uint32_t servers, tw_error *error) {
    const ingest_settings *set = &self->ingest->settings;
    refill_options options = {.servers = servers,
                              .max_messages = (uint32_t)set->recovery_max_messages,
                              .backoff_initial_ns = set->recovery_backoff_ns,
                              .backoff_max_ns = set->recovery_backoff_ns << BACKOFF_DOUBLINGS,
                              .settle_ns = SETTLE_NS,
                              .deadline_ns = set->gap_deadline_ns};
    return refill_init(&self->refill, &options, error);
}

static void watch(recovery *self) {
    uv_loop_t *loop = &self->ingest->loop;
    uv_timer_init(loop, &self->timer);
    uv_poll_init(loop, &self->poll, udp_exchange_fd(self->exchange));
    self->timer.data = self;
    self->poll.data = self;
    self->open = 2;
    uv_poll_start(&self->poll, UV_READABLE, on_readable);
}

tw_code recovery_open(recovery **out, ingest *owner, tw_error *error) {
    location servers[REFILL_MAX_SERVERS];
    uint32_t count = 0;
    tw_code code = location_parse_hosts(owner->settings.recovery, servers, REFILL_MAX_SERVERS, &count, error);
    if (code != TW_OK) return tw_error_wrap(error, "--recovery");
    recovery *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for refill");
    self->ingest = owner;
    code = init_refill(self, count, error);
    if (code == TW_OK) code = udp_exchange_open(&self->exchange, NULL, servers, count, error);
    if (code != TW_OK) {
        free(self);
        return tw_error_wrap(error, "--recovery");
    }
    watch(self);
    rt_log(owner->log, RT_INFO, "gaps are requested", RT_STR("servers", owner->settings.recovery));
    *out = self;
    return TW_OK;
}

static void on_closed(uv_handle_t *handle) {
    recovery *self = handle->data;
    if (--self->open > 0) return;
    udp_exchange_close(self->exchange);
    free(self);
}

void recovery_close(recovery *self) {
    if (self == NULL) return;
    uv_poll_stop(&self->poll);
    uv_close((uv_handle_t *)&self->poll, on_closed);
    uv_close((uv_handle_t *)&self->timer, on_closed);
}

void recovery_read(const recovery *self, ingest_recovery *seen) {
    udp_exchange_counts counts = udp_exchange_read_counts(self->exchange);
    *seen = (ingest_recovery){.requests = self->refill.stats.requests,
                              .failures = self->refill.stats.failures,
                              .expired = self->refill.stats.expired,
                              .refilled = arbiter_line(self->ingest->arbiter, ARBITER_RECOVERY)->counts.wins,
                              .strangers = counts.strangers};
}
