/*
 * A seeded crowd: commands of all kinds, near each other in price, so that they meet; now and then nonsense, a halt, a kill switch, a
 * new day. The same seed gives the same commands.
 */
#ifndef TICKWIRE_TESTS_MATCHER_CROWD_H
#define TICKWIRE_TESTS_MATCHER_CROWD_H

#include "base/random.h"
#include "matcher/core/command.h"

enum { CROWD_ACCOUNTS = 6, CROWD_INSTRUMENTS = 3, CROWD_RECENT = 64 };

typedef struct crowd {
    tw_random random;
    uint64_t seq;
    uint32_t index;
    int64_t now_ns;
    uint32_t date;
    unsigned opening;               /* how many of the first commands, which set the scene, have been given */
    mx_target recent[CROWD_RECENT]; /* orders that may still be there */
    uint32_t recent_count;
    uint64_t names;
    uint32_t
        bounds; /* not 0: inputs may make few reports, at first so many, and other bounds change now and then */
    bool bounds_said;
} crowd;

void crowd_init(crowd *crowd, uint64_t seed);
void crowd_next(crowd *crowd, mx_input *input, mx_command *command);

#endif
