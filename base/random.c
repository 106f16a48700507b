/* xoshiro256** 1.0, seeded by splitmix64. */
#include "base/random.h"

#include "base/assert.h"

static uint64_t rotate_left(uint64_t value, int bits) {
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void tw_random_seed(tw_random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix64(&seed);
}

uint64_t tw_random_u64(tw_random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* The high half of a 128-bit product is below `bound`; draws whose low half falls into the uneven rest are drawn
 * again, so that no value is likelier than another. */
uint64_t tw_random_below(tw_random *random, uint64_t bound) {
    TW_ASSERT(bound > 0);
    uint64_t uneven = (0 - bound) % bound;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)tw_random_u64(random) * bound;
        if ((uint64_t)product >= uneven) return (uint64_t)(product >> 64);
    }
}

int tw_random_chance(tw_random *random, uint32_t numerator, uint32_t denominator) {
    return tw_random_below(random, denominator) < numerator;
}
