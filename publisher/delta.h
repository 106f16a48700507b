/*
 * The net change between two views of one side of a book, each at most `depth` levels, best first.
 *
 * What is written brings a receiver from `before` to `after` if it sets each level named (quantity 0 removes
 * it) and then cuts the side to `depth`; leave any entry out and it does not. A level that better ones pushed
 * beyond the depth is not named: the cut removes it.
 */
#ifndef TICKWIRE_PUBLISHER_DELTA_H
#define TICKWIRE_PUBLISHER_DELTA_H

#include <stdint.h>

#include "base/market.h"

#define DELTA_MAX_LEVELS (2u * TW_MAX_DEPTH)

/* Writes at most before_count + after_count levels to `changes`, best first; returns how many. */
uint32_t delta_side(tw_side side, const tw_level *before, uint32_t before_count, const tw_level *after,
                    uint32_t after_count, uint32_t depth, tw_level *changes);

#endif
