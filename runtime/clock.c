/* The machine's clocks. */
#include "runtime/clock.h"

#include <time.h>

#include "base/civil.h"

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now); /* cannot fail for these two */
    return (int64_t)now.tv_sec * TW_NS_PER_SECOND + now.tv_nsec;
}

int64_t rt_clock_utc_ns(void) {
    return read_clock(CLOCK_REALTIME);
}

int64_t rt_clock_monotonic_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}
