/*
 * Whether a leader is silent: time counted since it was last heard. Of who waits to take its place, be it a feed's standby or a matcher's.
 *
 * Silence is time that this process was listening. A stop of the process or of the bus does not count. A bus that stands still is silent,
 * too: so before anything is done about a silence, a probe is sent over the bus to oneself; what the server had for this process comes
 * before it. One that comes back late tells that the bus stood still, so the silence is counted anew from there, once: a bus that is
 * always slow must not keep everybody waiting for ever. After a quick one comes a short pause for what the server had not read of the
 * leader's connection yet.
 *
 * Pure: `now_ns` is a monotonic clock.
 */
#ifndef TICKWIRE_BASE_LEAD_SILENCE_H
#define TICKWIRE_BASE_LEAD_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct silence {
    int64_t lease_ns;  /* a step later than this after the last: the process stood still */
    int64_t return_ns; /* what a leader may need to come back when the bus is back */
    int64_t quiet_ns;  /* time listened since it was last heard */
    uint64_t probe;    /* number of the last one sent */
    bool wants_probe;  /* one is to be sent, then silence_probe_leaves */
    bool connected;

    /* For silence.c only. */
    int64_t stepped_ns;
    int64_t probe_sent_ns;  /* the last; NEVER: none since the silence began */
    int64_t probe_first_ns; /* of those since then that have not come back */
    int64_t probe_back_ns;  /* when the last came back quickly; NEVER: it did not */
    bool probe_was_slow;    /* the silence has been counted anew because of it */
} silence;

void silence_init(silence *self, int64_t lease_ns, int64_t return_ns, int64_t now_ns);

/* Time goes on. Call it at least every few milliseconds. True: the process stood still since the last call, for lease_ns or more. */
bool silence_step(silence *self, int64_t now_ns);

/* The leader was heard, or another one is to be: the silence is counted from here, and no probe of before says anything of it. */
void silence_break(silence *self);
void silence_bus(silence *self, bool connected);
/* A probe came back. */
void silence_probed(silence *self, uint64_t probe, int64_t now_ns);

/* Whether it is certain that the bus delivers, so that this silence is the leader's. Asks by a probe if not. */
bool silence_is_certain(silence *self, int64_t now_ns);
/* The probe that was wanted leaves: it is to carry `probe`. */
void silence_probe_leaves(silence *self, int64_t now_ns);

#endif
