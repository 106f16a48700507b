/* Draws from integer randomness: the shapes that the model needs, the same on every machine. */
#ifndef TICKWIRE_TOOLS_SIMULATE_DRAW_H
#define TICKWIRE_TOOLS_SIMULATE_DRAW_H

#include <stdint.h>

#include "base/random.h"

/* 0 to bound - 1 from 32 random bits. The bias, bound / 2^32, does not matter to a model. */
static inline uint32_t draw_scale(uint32_t bits, uint32_t bound) {
    return (uint32_t)(((uint64_t)bits * bound) >> 32);
}

static inline uint32_t draw_below(tw_random *random, uint32_t bound) {
    return draw_scale((uint32_t)(tw_random_u64(random) >> 32), bound);
}

/* 0, 1, 2, ... each half as likely as the one before, up to 32. */
static inline uint32_t draw_halving(uint32_t bits) {
    return bits == 0 ? 32 : (uint32_t)__builtin_ctz(bits);
}

/* About exponential with mean 1024: a halving count (mean 1) plus a uniform fraction (mean 1/2), scaled by 2/3. */
static inline uint32_t draw_exponential_1024(uint64_t bits) {
    uint32_t halvings = draw_halving((uint32_t)bits);
    uint32_t fraction = (uint32_t)(bits >> 32) & 1023;
    return ((halvings * 1024 + fraction) * 683) >> 10;
}

/* Long tail: a power of two with halving likelihood, spread evenly up to the next one; 0 half of the time. */
static inline uint32_t draw_long_tail(uint64_t bits, uint32_t most_doublings) {
    uint32_t doublings = draw_halving((uint32_t)bits);
    if (doublings == 0) return 0;
    if (doublings > most_doublings) doublings = most_doublings;
    uint32_t base = UINT32_C(1) << (doublings - 1);
    return base + draw_scale((uint32_t)(bits >> 32), base);
}

#endif
