/* What both engines can be asked: the real one and the naive one behind one small struct of functions. */
#ifndef TICKWIRE_TESTS_MATCHER_VENUE_H
#define TICKWIRE_TESTS_MATCHER_VENUE_H

#include "matcher/core/engine.h"
#include "tests/matcher/naive.h"

typedef struct venue {
    void *engine;
    void (*apply)(void *engine, const mx_input *input, const mx_command *command, mx_sink *sink);
    uint32_t (*book_top)(const void *engine, uint32_t instrument, tw_side side, tw_level *levels, uint32_t depth);
    bool (*position)(const void *engine, uint32_t account, uint32_t instrument, mx_position_view *view);
    void (*money)(const void *engine, uint32_t account, mx_money *spent, mx_money *fees, mx_money *reserved);
    void (*close)(void *engine);
} venue;

extern const mx_bounds venue_bounds; /* memory, generous for tests */

venue venue_real(void);
venue venue_naive(void);

#endif
