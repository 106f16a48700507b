/*
 * The bounds in force, which are state, and the memory that this engine was given, which is not: where the memory is the smaller one it must be noticed before
 * it has decided anything.
 */
#include <stddef.h>

#include "matcher/core/engine_internal.h"

_Static_assert((int)BOUNDS == (int)MX_SHORTAGES, "there may be so many shortages as bounds");

const mx_bounds mx_default_bounds = {.max_instruments = 4096,
                                     .max_accounts = 65536,
                                     .max_positions = 1u << 20,
                                     .max_orders = 2u << 20,
                                     .max_pages = 1u << 20,
                                     .max_client_ids = 16u << 20,
                                     .max_sessions = 16384,
                                     .max_reports = 1u << 20,
                                     .max_steps = 1u << 20};

/* By `bound`. Of reports there are at least so many that half of them let one stop run. */
static const struct {
    const char *setting;
    size_t at;
    uint32_t least, most;
} table[BOUNDS] = {
    [BOUND_INSTRUMENTS] = {"max-instruments", offsetof(mx_bounds, max_instruments), 1, 1u << 20},
    [BOUND_ACCOUNTS] = {"max-accounts", offsetof(mx_bounds, max_accounts), 1, 1u << 20},
    [BOUND_POSITIONS] = {"max-positions", offsetof(mx_bounds, max_positions), 1, 1u << 24},
    [BOUND_ORDERS] = {"max-orders", offsetof(mx_bounds, max_orders), 1, 1u << 24},
    [BOUND_PAGES] = {"max-pages", offsetof(mx_bounds, max_pages), 1, 1u << 24},
    [BOUND_CLIENT_IDS] = {"max-client-ids", offsetof(mx_bounds, max_client_ids), 1, 1u << 28},
    [BOUND_SESSIONS] = {"max-sessions", offsetof(mx_bounds, max_sessions), 1, 1u << 20},
    [BOUND_REPORTS] = {"max-reports", offsetof(mx_bounds, max_reports), 4, 1u << 28},
    [BOUND_STEPS] = {"max-steps", offsetof(mx_bounds, max_steps), 1, 1u << 28},
};

static uint32_t get(const mx_bounds *of, unsigned which) {
    return *(const uint32_t *)(const void *)((const char *)of + table[which].at);
}

static void put(mx_bounds *to, unsigned which, uint32_t value) {
    *(uint32_t *)(void *)((char *)to + table[which].at) = value;
}

bool bounds_fit(const mx_bounds *bounds) {
    for (unsigned i = 0; i < BOUNDS; i++)
        if (get(bounds, i) < table[i].least || get(bounds, i) > table[i].most) return false;
    return true;
}

mx_bounds bounds_of_memory(const mx_bounds *given) {
    mx_bounds taken = *given;
    taken.max_steps = table[BOUND_STEPS].most;
    return taken;
}

/* Behind max_reports: what the step under way still says, each open order's and session's end, all instruments opened by the last command that came
 * in time and later halted and closed, and for each command its answer (two, where a day ends for another one to begin). */
uint64_t mx_most_reports(const mx_bounds *b) {
    enum { STEP = 8, STATES = 3, COMMANDS = 65536, ANSWERS = 2 };
    return (uint64_t)b->max_reports + STEP + b->max_orders + b->max_sessions +
           (uint64_t)STATES * b->max_instruments + (uint64_t)COMMANDS * ANSWERS;
}

void bounds_apply(mx_engine *engine) {
    for (unsigned i = 0; i < BOUNDS; i++) {
        uint32_t in_force = get(&engine->in_force, i), memory = get(&engine->memory, i);
        put(&engine->most, i, in_force < memory ? in_force : memory);
        if ((engine->bounds_said >> i & 1) != 0 && memory < in_force) bounds_lack(engine, (bound)i);
    }
    engine->room.limit = engine->most.max_pages;
    engine->report_limit = engine->held ? 0 : engine->most.max_reports;
}

void bounds_begin(mx_engine *engine) {
    engine->in_force = mx_default_bounds;
    engine->in_force.shard = engine->most.shard = engine->memory.shard;
    engine->bounds_said = 0;
    engine->lacks = 0;
    bounds_apply(engine);
}

void bounds_lack(mx_engine *engine, bound which) {
    if (get(&engine->memory, which) < get(&engine->in_force, which)) engine->lacks |= (uint16_t)(1u << which);
}

void set_bounds(mx_engine *engine, const mx_bounds *c) {
    mx_bounds to = engine->in_force;
    for (unsigned i = 0; i < BOUNDS; i++)
        if (get(c, i) != 0) put(&to, i, get(c, i));
    bool fits = bounds_fit(&to);
    if (fits) {
        engine->in_force = to;
        for (unsigned i = 0; i < BOUNDS; i++)
            if (get(c, i) != 0) engine->bounds_said |= (uint16_t)(1u << i);
        bounds_apply(engine);
    }
    emit(engine, fits ? MX_DONE : MX_REFUSED, fits ? MXR_OK : MXR_BAD_DEFINITION);
}

const mx_bounds *mx_bounds_in_force(const mx_engine *engine) {
    return &engine->in_force;
}

uint32_t mx_short(const mx_engine *engine, mx_shortage list[MX_SHORTAGES]) {
    uint32_t count = 0;
    if (__builtin_expect(engine->lacks == 0, 1)) return 0;
    for (unsigned i = 0; i < BOUNDS; i++)
        if ((engine->lacks >> i & 1) != 0)
            list[count++] = (mx_shortage){table[i].setting, get(&engine->memory, i), get(&engine->in_force, i)};
    return count;
}
