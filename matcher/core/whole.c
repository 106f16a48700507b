/*
 * Orders that must get a quantity at once, all of it (FOK) or a minimum: would they? Judged before the first fill, exactly, and by the sums of whole
 * prices as far as they go.
 *
 * Only an order that does not trade with its own account's has to look at orders: at the account's own ones on the other side, and, if its mode stops it
 * at the first of them, at the queue in which that one stands.
 */
#include "matcher/core/engine_internal.h"

/* Price by price until there is as much as `target`. False: too many. */
static bool sum_prices(mx_engine *engine, const order *taker, uint64_t target, reach *sum) {
    const ladder *opposite = &instrument_of(engine, taker)->ladders[other(taker->side)];
    for (uint32_t number = opposite->best_level; sum->quantity < target && within_reach(engine, taker, number);
         number = ladder_next(&engine->room, opposite, number)) {
        if (!steps_take(engine, 1)) return false;
        reach_add(sum, ladder_at(&engine->room, number));
    }
    return true;
}

typedef struct own_orders {
    uint64_t leaves;
    uint32_t nearest; /* the level that is reached first, NO_LEVEL: none is within reach */
} own_orders;

static own_orders own_within_reach(const mx_engine *engine, const order *taker) {
    own_orders own = {0, NO_LEVEL};
    int64_t best = NO_KEY;
    uint32_t row = engine->positions[taker->position].orders[other(taker->side)].head;
    for (; row != NO_ROW; row = engine->rests[row].by_position.next) {
        const order *one = &engine->orders[row];
        if (one->place != PLACE_BOOK || !within_reach(engine, taker, one->level)) continue;
        own.leaves += one->leaves;
        int64_t key = ladder_key_of(&engine->room, one->level);
        if (key <= best) continue;
        best = key;
        own.nearest = one->level;
    }
    return own;
}

/* Is so much shown in this queue before the first own order? What others hide comes behind it. */
static bool shown_before_own(const mx_engine *engine, const order *taker, const ladder_level *level,
                             uint64_t wanted) {
    uint64_t shown = 0;
    for (uint32_t row = level->head; shown < wanted; row = engine->orders[row].next) {
        if (engine->orders[row].position == taker->position) return false;
        shown += engine->orders[row].shown;
    }
    return true;
}

/* Where the mode stops at the first own order, or shrinks both, nothing after it counts. */
static mx_reason before_own(mx_engine *engine, const order *taker, uint64_t wanted, uint32_t nearest,
                            mx_reason unmet) {
    const ladder *opposite = &instrument_of(engine, taker)->ladders[other(taker->side)];
    for (uint32_t number = opposite->best_level; number != nearest;
         number = ladder_next(&engine->room, opposite, number)) {
        uint64_t total = ladder_at(&engine->room, number)->total;
        if (total >= wanted) return MXR_OK;
        wanted -= total;
    }
    const ladder_level *level = ladder_at(&engine->room, nearest);
    if (level->shown < wanted) return unmet;
    if (!steps_take(engine, level->orders)) return MXR_INPUT_FULL;
    return shown_before_own(engine, taker, level, wanted) ? MXR_OK : unmet;
}

static mx_reason despite_own(mx_engine *engine, const order *taker, uint64_t wanted, const reach *sum,
                             mx_reason unmet) {
    const position *held = &engine->positions[taker->position];
    if (!steps_take(engine, held->open_orders[other(taker->side)])) return MXR_INPUT_FULL;
    own_orders own = own_within_reach(engine, taker);
    if (own.nearest == NO_LEVEL) return MXR_OK;
    if (taker->stp == MX_STP_OLDEST) return sum->quantity - own.leaves >= wanted ? MXR_OK : unmet;
    return before_own(engine, taker, wanted, own.nearest, unmet);
}

mx_reason whole_check(mx_engine *engine, const order *taker, uint64_t wanted, mx_reason unmet) {
    const position *held = &engine->positions[taker->position];
    unsigned away = other(taker->side);
    /* Own orders that vanish are in the prices' sums: with as much more as they could be, they need no look. */
    uint64_t target = wanted + (taker->stp == MX_STP_OLDEST ? held->open_quantity[away] : 0);
    reach sum = {0, 0, 0};
    if (!sum_prices(engine, taker, target, &sum)) return MXR_INPUT_FULL;
    if (sum.quantity < wanted) return unmet;
    bool in_the_way = taker->stp != MX_STP_NONE && held->open_orders[away] > 0 &&
                      (taker->stp != MX_STP_OLDEST || sum.quantity < target);
    mx_reason reason = in_the_way ? despite_own(engine, taker, wanted, &sum, unmet) : MXR_OK;
    if (reason != MXR_OK || input_suffices(engine, taker, wanted, &sum)) return reason;
    bounds_lack(engine, BOUND_REPORTS);
    return MXR_INPUT_FULL;
}
