/* The clock of the benchmarks: monotonic, the same for all processes of the machine. */
#ifndef TICKWIRE_BENCHMARKS_INGEST_SPAN_H
#define TICKWIRE_BENCHMARKS_INGEST_SPAN_H

#include <stdint.h>
#include <time.h>

static inline uint64_t span_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#endif
