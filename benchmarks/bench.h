/* What several benchmarks have in common. */
#ifndef TICKWIRE_BENCHMARKS_BENCH_H
#define TICKWIRE_BENCHMARKS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static inline uint64_t bench_clock_ns(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of this thread alone. */
static inline uint64_t bench_cpu_ns(void) {
    return bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* [--json] [--quick]; false: something else was there, and the usage has been said. */
static inline bool bench_flags(int argc, char **argv, const char *name, bool *json, bool *quick) {
    for (int i = 1; i < argc; i++) {
        bool is_json = strcmp(argv[i], "--json") == 0, is_quick = strcmp(argv[i], "--quick") == 0;
        if (!is_json && !is_quick) {
            fprintf(stderr, "usage: %s [--json] [--quick]\n", name);
            return false;
        }
        *json |= is_json;
        *quick |= is_quick;
    }
    return true;
}

#endif
