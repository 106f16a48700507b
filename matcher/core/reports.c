/*
 * How many reports an input may make (mx_bounds.max_reports), and whether an order that must be executed at once still fits into that.
 *
 * A fill is two reports, and a third where an iceberg shows its next part. What a sweep would say is counted exactly, without doing it: an order that
 * is refused for it would really have been cut short.
 */
#include "matcher/core/engine_internal.h"

#define MOST_ROUNDS (MX_ICEBERG_PARTS + 2u) /* of one level: beyond, nothing is left */
#define LOOKS       16                      /* whole, once, by halves of MOST_ROUNDS, and to the last one's fill */

void input_hold(mx_engine *engine) {
    bounds_lack(engine, BOUND_REPORTS);
    engine->held = true;
    engine->report_limit = 0;
}

/* In `rounds` through a level's queue each order gives what it shows and then, each time that it comes to the front again, its next part. */
typedef struct given {
    uint64_t quantity, reports;
} given;

static given order_gives(const mx_engine *engine, uint32_t row, uint32_t rounds) {
    const order *one = &engine->orders[row];
    uint64_t display = engine->rests[row].display, hidden = one->leaves - one->shown;
    if (rounds == 0) return (given){0, 0};
    if (hidden == 0) return (given){one->shown, 2};
    uint64_t more = (rounds - 1) * display;
    if (more > hidden) more = hidden;
    uint64_t fills = 1 + (more + display - 1) / display;
    uint64_t refreshes = more == hidden ? fills - 1 : fills;
    return (given){one->shown + more, 2 * fills + refreshes};
}

static bool is_own(const order *taker, const order *maker) {
    return maker->position == taker->position && taker->stp != MX_STP_NONE;
}

/* Own orders are cancelled in the first round, or stop the sweep: then what is asked for comes before them. */
static given level_gives(const mx_engine *engine, const order *taker, const ladder_level *level, uint32_t rounds) {
    given sum = {0, 0};
    if (rounds == 0) return sum;
    for (uint32_t row = level->head; row != NO_ROW; row = engine->orders[row].next) {
        bool own = is_own(taker, &engine->orders[row]);
        given one = own ? (given){0, 1} : order_gives(engine, row, rounds);
        sum.quantity += one.quantity;
        sum.reports += one.reports;
    }
    return sum;
}

/* The most rounds that together give less than `wanted`; all of the level gives as much or more. */
static uint32_t rounds_below(const mx_engine *engine, const order *taker, const ladder_level *level,
                             uint64_t wanted) {
    uint32_t below = 0, enough = 1;
    if (level_gives(engine, taker, level, 1).quantity >= wanted) return 0;
    for (below = 1, enough = MOST_ROUNDS; enough - below > 1;) {
        uint32_t middle = (below + enough) / 2;
        if (level_gives(engine, taker, level, middle).quantity < wanted) {
            below = middle;
        } else {
            enough = middle;
        }
    }
    return below;
}

/* The reports before the fill that brings the last of `wanted`, which this level has. */
static uint64_t reports_within(const mx_engine *engine, const order *taker, const ladder_level *level,
                               uint64_t wanted) {
    uint32_t rounds = rounds_below(engine, taker, level, wanted);
    given sum = level_gives(engine, taker, level, rounds);
    for (uint32_t row = level->head; row != NO_ROW; row = engine->orders[row].next) {
        const order *maker = &engine->orders[row];
        if (is_own(taker, maker)) {
            if (rounds == 0) sum.reports++;
            continue;
        }
        given before = order_gives(engine, row, rounds), after = order_gives(engine, row, rounds + 1);
        sum.quantity += after.quantity - before.quantity;
        if (sum.quantity >= wanted) break;
        sum.reports += after.reports - before.reports;
    }
    return sum.reports;
}

void reach_add(reach *sum, const ladder_level *level) {
    sum->quantity += level->total;
    sum->orders += level->orders;
    sum->reports += (uint64_t)level->orders * (level->shown == level->total ? 2 : 3 * MOST_ROUNDS);
}

/* Nearly every order is let through by the number of orders that it could meet; only where these might say too much are they looked at, each
 * at most LOOKS times. */
bool input_suffices(mx_engine *engine, const order *taker, uint64_t wanted, const reach *sum) {
    if (input_full(engine)) return false;
    uint64_t room = engine->report_limit - engine->next_n, reports = 0;
    if (sum->reports < room) return true;
    if (!steps_take(engine, sum->orders * LOOKS)) return false;
    const ladder *opposite = &instrument_of(engine, taker)->ladders[other(taker->side)];
    for (uint32_t number = opposite->best_level; within_reach(engine, taker, number) && reports < room;
         number = ladder_next(&engine->room, opposite, number)) {
        const ladder_level *level = ladder_at(&engine->room, number);
        given whole = level_gives(engine, taker, level, MOST_ROUNDS);
        if (whole.quantity >= wanted) return reports + reports_within(engine, taker, level, wanted) < room;
        wanted -= whole.quantity;
        reports += whole.reports;
    }
    return false;
}
