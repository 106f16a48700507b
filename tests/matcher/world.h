/*
 * A world: a seeded crowd of some manner trades on the engine and on the naive one, which must say the same; the auditor judges each command, and the engine
 * may be restarted from its snapshot on the way. A seed alone says everything about its world.
 */
#ifndef TICKWIRE_TESTS_MATCHER_WORLD_H
#define TICKWIRE_TESTS_MATCHER_WORLD_H

#include "tests/matcher/crowd.h"
#include "tests/matcher/tally.h"

typedef struct world {
    uint64_t seed, commands;
    crowd_manner manner;
    uint64_t whole_every; /* so many commands everything is compared, not only what the last one touched */
    uint64_t restart_at;  /* before this command the engine is saved and another one goes on; 0: never */
    bool alone; /* the naive engine isn't asked: what is short here, pages of prices, means nothing to it */
} world;

/* Of each hundred seeds two are deep and quiet, four are short of pages, some 20 of other bounds, ten of which are halted again and again, ten are crowds
 * as usual, and the others of any manner. */
world world_of(uint64_t seed, uint64_t commands);

/* What was met is added to `tally`. False, with the seed, the command and what differs or is broken, in `fault`. */
bool world_run(const world *world, tally *tally, char *fault, size_t fault_bytes);

#endif
