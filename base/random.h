/* Seeded randomness for simulations and tests: xoshiro256** (Blackman, Vigna), seeded by splitmix64. The same seed
 * gives the same sequence on every machine. Never for secrets. */
#ifndef TICKWIRE_BASE_RANDOM_H
#define TICKWIRE_BASE_RANDOM_H

#include <stdint.h>

typedef struct tw_random {
    uint64_t state[4];
} tw_random;

void tw_random_seed(tw_random *random, uint64_t seed);
uint64_t tw_random_u64(tw_random *random);
/* 0 to bound - 1, every value equally likely; bound > 0. */
uint64_t tw_random_below(tw_random *random, uint64_t bound);
/* True with probability numerator / denominator. */
int tw_random_chance(tw_random *random, uint32_t numerator, uint32_t denominator);

#endif
