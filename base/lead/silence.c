/* Time without a word from the leader, and probes. */
#include "base/lead/silence.h"

#define QUIET_PARTS    6                   /* a pause counts as silence for at most lease_ns / QUIET_PARTS */
#define PROBE_PARTS    6                   /* a probe is late after lease_ns / PROBE_PARTS */
#define SETTLE_PARTS   15                  /* the pause after one that was quick: lease_ns / SETTLE_PARTS */
#define PROBE_AGAIN_NS INT64_C(1000000000) /* one that does not come back */
#define NEVER          INT64_MIN

void silence_init(silence *self, int64_t lease_ns, int64_t return_ns, int64_t now_ns) {
    *self = (silence){.lease_ns = lease_ns, .return_ns = return_ns, .connected = true, .stepped_ns = now_ns};
    self->probe_sent_ns = self->probe_first_ns = self->probe_back_ns = NEVER;
}

bool silence_step(silence *self, int64_t now_ns) {
    int64_t pause_ns = now_ns - self->stepped_ns, most_ns = self->lease_ns / QUIET_PARTS;
    self->stepped_ns = now_ns;
    if (self->connected) self->quiet_ns += pause_ns < most_ns ? pause_ns : most_ns;
    return pause_ns >= self->lease_ns;
}

void silence_break(silence *self) {
    self->quiet_ns = 0;
    self->probe_sent_ns = self->probe_first_ns = self->probe_back_ns = NEVER;
    self->probe_was_slow = false;
}

void silence_bus(silence *self, bool connected) {
    self->connected = connected;
    silence_break(self);
    if (connected) self->quiet_ns = -self->return_ns; /* the leader, too, has to come back, and waits */
}

void silence_probed(silence *self, uint64_t probe, int64_t now_ns) {
    if (self->probe_sent_ns == NEVER || probe != self->probe) return;
    bool slow = now_ns - self->probe_first_ns > self->lease_ns / PROBE_PARTS;
    bool first_slow = slow && !self->probe_was_slow;
    if (first_slow) silence_break(self);
    self->probe_was_slow |= slow;
    if (!first_slow) self->probe_back_ns = now_ns;
    self->probe_sent_ns = self->probe_first_ns = NEVER;
}

bool silence_is_certain(silence *self, int64_t now_ns) {
    int64_t settle_ns = self->lease_ns / SETTLE_PARTS;
    if (self->probe_back_ns != NEVER && now_ns - self->probe_back_ns < self->lease_ns)
        return now_ns - self->probe_back_ns >= settle_ns;
    self->wants_probe = self->probe_sent_ns == NEVER || now_ns - self->probe_sent_ns >= PROBE_AGAIN_NS;
    return false;
}

void silence_probe_leaves(silence *self, int64_t now_ns) {
    self->wants_probe = false;
    self->probe++;
    self->probe_sent_ns = now_ns;
    self->probe_back_ns = NEVER;
    if (self->probe_first_ns == NEVER) self->probe_first_ns = now_ns;
}
