/*
 * The fixed schedule of an open loop: event i is due at start + i * gap, whatever became of the events before it. The
 * first `fast` events (the day's directory and the orders that rest already) go at a pace of their own; then all rests
 * for a moment, then comes what is measured.
 *
 * When did an event "arrive"? Where a packet is sent, the kernel's stamp says it. Where a program publishes by itself,
 * it is the later of two times: when the event was due, and when the program last woke from sleeping. A program that was
 * asleep could not have been given the event before its timer fired, and a late timer is not its fault; a program that
 * was busy with earlier events is late by its own doing, and the event has waited since it was due.
 */
#ifndef TICKWIRE_BENCHMARKS_LATENCY_SCHEDULE_H
#define TICKWIRE_BENCHMARKS_LATENCY_SCHEDULE_H

#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#define SCHEDULE_FAST_GAP_NS INT64_C(1500000)
#define SCHEDULE_REST_NS     INT64_C(200000000)
#define NS_PER_SECOND        INT64_C(1000000000)

typedef struct schedule {
    int64_t start_ns, gap_ns;
    uint32_t fast;
    int64_t woken_ns;
} schedule;

static inline int64_t schedule_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Begins in a tenth of a second. */
static inline schedule schedule_start(uint32_t fast, uint32_t per_second) {
    prctl(PR_SET_TIMERSLACK, 1UL); /* or the kernel lets timers be 50 us late, to save power */
    return (schedule){schedule_clock_ns() + NS_PER_SECOND / 10, NS_PER_SECOND / per_second, fast, 0};
}

static inline int64_t schedule_due_ns(const schedule *self, uint32_t event) {
    if (event < self->fast) return self->start_ns + event * SCHEDULE_FAST_GAP_NS;
    return self->start_ns + self->fast * SCHEDULE_FAST_GAP_NS + SCHEDULE_REST_NS +
           (event - self->fast) * self->gap_ns;
}

/* Sleeps until the event is due, if it is not. Returns its arrival as explained above. */
static inline int64_t schedule_wait(schedule *self, uint32_t event) {
    int64_t due_ns = schedule_due_ns(self, event), now_ns = schedule_clock_ns();
    while (now_ns < due_ns) {
        struct timespec until = {due_ns / NS_PER_SECOND, due_ns % NS_PER_SECOND};
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
        self->woken_ns = now_ns = schedule_clock_ns();
    }
    return due_ns > self->woken_ns ? due_ns : self->woken_ns;
}

#endif
