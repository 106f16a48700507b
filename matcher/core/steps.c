/*
 * How much an input may look at (mx_bounds.max_steps). What a command does is bounded by the reports that it makes; a step is what is looked at beside
 * that, so that no message can make the engine work for long and say little.
 */
#include "matcher/core/engine_internal.h"

bool steps_take(mx_engine *engine, uint64_t count) {
    bool suffice = !steps_used_up(engine) && count <= engine->most.max_steps - engine->steps;
    engine->steps = suffice ? engine->steps + (uint32_t)count : engine->most.max_steps;
    return suffice;
}
