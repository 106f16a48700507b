/* Stop orders: they wait in ladders of their own, the one that the price reaches first at the cheap end. */
#include "matcher/core/engine_internal.h"

/* The order is in no queue: it becomes a live one. */
void stop_trigger(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    order_release(engine, one, one->leaves); /* it waits no longer: worth its limit from now on */
    one->triggered = true;
    order_reserve(engine, one);
    emit_order(engine, MX_TRIGGERED, MXR_OK, row);
    order_run(engine, row);
}

/* The first waiting order of a ladder that the trades have reached, NO_ROW if none. */
static uint32_t reached(const mx_engine *engine, const instrument *where, unsigned number) {
    const ladder *waiting = &where->ladders[number];
    if (waiting->best == NO_KEY) return NO_ROW;
    int64_t stop_price = key_price(where, number & 1, waiting->best);
    bool hit = number == LADDER_BUY_STOPS ? where->last_high >= stop_price : where->last_low <= stop_price;
    return hit ? ladder_at(&engine->room, waiting->best_level)->head : NO_ROW;
}

static uint32_t earlier(const mx_engine *engine, uint32_t a, uint32_t b) {
    if (a == NO_ROW || b == NO_ROW) return a == NO_ROW ? b : a;
    return engine->rests[a].joined < engine->rests[b].joined ? a : b;
}

/*
 * One after the other, each with all that its trades bring about: of one side the nearest stop price first, at one price the first
 * come; if trades reached both sides, the one that has waited longer. Ends, for each step takes an order out of the ladders.
 *
 * A stop only begins while half of the input's reports are left: nobody can arrange that another's stop is the one that finds the input full. The others
 * are held.
 */
void stops_run(mx_engine *engine, uint32_t number) {
    instrument *where = &engine->instruments[number];
    if (where->last_low > where->last_high) return; /* no trades */
    if (where->state != MX_CONTINUOUS) return;      /* held when trading was halted: they go on when it does */
    for (;;) {
        uint32_t row =
            earlier(engine, reached(engine, where, LADDER_BUY_STOPS), reached(engine, where, LADDER_SELL_STOPS));
        if (row == NO_ROW) break;
        if (engine->next_n >= engine->report_limit / 2) {
            input_hold(engine);
            return;
        }
        queue_leave(engine, row);
        stop_trigger(engine, row);
    }
    where->last_low = INT64_MAX;
    where->last_high = INT64_MIN;
}
