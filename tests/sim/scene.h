/* One seed from beginning to end: who is there, what goes wrong when, and what must hold afterwards. */
#ifndef TICKWIRE_TESTS_SIM_SCENE_H
#define TICKWIRE_TESTS_SIM_SCENE_H

#include "tests/sim/checks.h"

typedef struct scene_options {
    uint64_t seed;
    bool trace;
    fake_mutation mutation;
} scene_options;

typedef struct scene_result {
    bool good;
    char wrong[2048];     /* what does not hold; with something broken on purpose all of it, otherwise the first */
    uint64_t events;      /* of the world: the same seed has the same number */
    uint64_t fingerprint; /* of both streams */
    uint32_t kills, freezes, breaks, elections, restarts, jumps, handovers, powers, disks, harms;
    checks_counts counts;
} scene_result;

void scene_play(const scene_options *options, scene_result *result);

#endif
