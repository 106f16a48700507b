/*
 * One hole at a time:
 *
 *      idle --hole--> asking --asked part there--> asking the next part
 *                       |  ^---- back-off over, next server
 *                       +--hole gone: idle     +--deadline: expired until the hole is gone
 */
#include "ingest/gap/refill.h"

#include <string.h>

tw_code refill_init(refill *self, const refill_options *o, tw_error *error) {
    *self = (refill){.options = *o};
    if (o->servers == 0 || o->servers > REFILL_MAX_SERVERS)
        return tw_error_set(error, TW_INVALID, "1 to %u request servers, not %u", REFILL_MAX_SERVERS, o->servers);
    if (o->max_messages == 0 || o->max_messages > REFILL_MAX_MESSAGES)
        return tw_error_set(error, TW_INVALID, "a request asks for 1 to %u messages, not %u", REFILL_MAX_MESSAGES,
                            o->max_messages);
    if (o->max_bytes > 0 && o->message_bytes == 0)
        return tw_error_set(error, TW_INVALID, "a limit in bytes needs a guess of a message's size");
    if (o->backoff_initial_ns <= 0 || o->backoff_max_ns < o->backoff_initial_ns)
        return tw_error_set(error, TW_INVALID, "the back-off of requests is not above 0 and rising");
    if (o->settle_ns < 0 || o->deadline_ns <= 0)
        return tw_error_set(error, TW_INVALID, "the deadline of a refill is not above 0");
    return TW_OK;
}

static int64_t later_by(int64_t instant_ns, int64_t duration_ns) {
    return instant_ns > INT64_MAX - duration_ns ? INT64_MAX : instant_ns + duration_ns;
}

static uint16_t size_of_request(const refill *self, uint64_t missing) {
    uint64_t count = self->options.max_messages;
    if (self->options.max_bytes > 0) {
        uint64_t fitting = self->options.max_bytes / self->options.message_bytes;
        if (fitting < 1) fitting = 1;
        if (fitting < count) count = fitting;
    }
    return (uint16_t)(missing < count ? missing : count);
}

static bool same_hole(const refill *self, const refill_hole *hole) {
    return self->active && hole->open && hole->from <= self->until && hole->from >= self->from &&
           memcmp(self->session, hole->session, sizeof self->session) == 0;
}

static void begin(refill *self, const refill_hole *hole, int64_t now_ns) {
    self->active = true;
    self->expired = false;
    memcpy(self->session, hole->session, sizeof self->session);
    self->from = hole->from;
    self->to = self->until = hole->to;
    self->deadline_ns = later_by(now_ns, self->options.deadline_ns);
    self->asked_to = 0;
    self->backoff_ns = self->options.backoff_initial_ns;
    self->stats.holes++;
}

static void end(refill *self) {
    if (self->active && !self->expired) self->stats.closed++;
    self->active = false;
    self->asked_to = 0;
}

/* What the answer (or a late line) has brought since; a hole cut by a held packet is smaller too. */
static void see_progress(refill *self, const refill_hole *hole, int64_t now_ns) {
    bool smaller = hole->from > self->from || hole->to < self->to;
    self->from = hole->from;
    self->to = hole->to;
    if (hole->to > self->until) self->until = hole->to;
    if (!smaller || self->asked_to == 0) return;
    self->progressed = true;
    self->backoff_ns = self->options.backoff_initial_ns;
    self->retry_ns = later_by(now_ns, self->options.settle_ns);
    if (hole->from > self->asked_to) self->asked_to = 0; /* all of it is there */
}

/* The request under way has had its time. */
static void time_out(refill *self) {
    self->asked_to = 0;
    if (self->progressed) return;
    self->stats.failures++;
    self->server = (self->server + 1) % self->options.servers;
    self->backoff_ns =
        self->backoff_ns > self->options.backoff_max_ns / 2 ? self->options.backoff_max_ns : self->backoff_ns * 2;
}

static void ask(refill *self, int64_t now_ns, refill_request *request) {
    *request = (refill_request){.server = self->server, .first = self->from};
    memcpy(request->session, self->session, sizeof request->session);
    request->count = size_of_request(self, self->to - self->from + 1);
    self->asked_to = self->from + request->count - 1;
    self->progressed = false;
    self->retry_ns = later_by(now_ns, self->backoff_ns);
    self->stats.requests++;
}

bool refill_step(refill *self, const refill_hole *hole, int64_t now_ns, refill_request *request) {
    if (!same_hole(self, hole)) {
        end(self);
        if (!hole->open) return false;
        begin(self, hole, now_ns);
    }
    see_progress(self, hole, now_ns);
    if (self->expired) return false;
    if (now_ns >= self->deadline_ns) {
        if (self->asked_to > 0 && !self->progressed) self->stats.failures++;
        self->expired = true;
        self->asked_to = 0;
        self->stats.expired++;
        return false;
    }
    if (self->asked_to > 0 && now_ns >= self->retry_ns) time_out(self);
    if (self->asked_to > 0) return false;
    ask(self, now_ns, request);
    return true;
}

int64_t refill_next_ns(const refill *self) {
    if (!self->active || self->expired) return INT64_MAX;
    return self->asked_to > 0 && self->retry_ns < self->deadline_ns ? self->retry_ns : self->deadline_ns;
}

size_t refill_write(const refill_request *request, uint8_t packet[MOLDUDP64_HEADER_BYTES]) {
    size_t bytes = moldudp64_write_header(packet, "", request->first, request->count);
    memcpy(packet, request->session, sizeof request->session - 1); /* as it came, whatever bytes it is made of */
    return bytes;
}
