/*
 * Trading: an order that has just come takes from the other side, best price first, first come first, at the prices that rest there.
 *
 * An iceberg trades the part that is shown; then its next part goes to the end of the queue. Orders of one account do not meet if the
 * aggressor says so; its mode decides who gives way.
 */
#include "matcher/core/engine_internal.h"

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

bool match_crosses(const instrument *where, unsigned side, int64_t limit) {
    const ladder *opposite = &where->ladders[other(side)];
    if (opposite->best == NO_KEY) return false;
    int64_t price = key_price(where, other(side), opposite->best);
    return side == TW_BID ? price <= limit : price >= limit;
}

/* One side of a trade. */
static void fill(mx_engine *engine, uint32_t row, int64_t price, uint64_t quantity, mx_liquidity liquidity,
                 uint64_t counter_id) {
    order *one = &engine->orders[row];
    order_release(engine, one, quantity);
    one->leaves -= quantity;
    one->executed += quantity;
    engine->rests[row].notional += (mx_money)price * (int64_t)quantity;
    mx_money fee = ledger_fill(engine, one, price, quantity, liquidity);
    mx_report *report = emit_order(engine, MX_FILL, MXR_OK, row);
    report->liquidity = (uint8_t)liquidity;
    report->counter_id = counter_id;
    report->last_price = price;
    report->last_quantity = quantity;
    report->fee = fee;
}

/* A resting order has traded some of what it shows. */
static void fill_resting(mx_engine *engine, uint32_t row, int64_t price, uint64_t quantity, mx_liquidity liquidity,
                         uint64_t counter_id) {
    order *one = &engine->orders[row];
    ladder_level *level = ladder_at(&engine->room, one->level);
    one->shown -= quantity;
    level->shown -= quantity;
    level->total -= quantity;
    fill(engine, row, price, quantity, liquidity, counter_id);
}

/* What becomes of it then, once both sides of the trade have been told. */
static void leave_or_refresh(mx_engine *engine, uint32_t row) {
    const order *one = &engine->orders[row];
    if (one->leaves == 0) {
        queue_leave(engine, row);
        order_free(engine, row);
    } else if (one->shown == 0) {
        queue_refresh(engine, row);
        emit_order(engine, MX_RESTATED, MXR_ICEBERG_REFRESH, row);
    }
}

static void note_trade(instrument *where, int64_t price, uint64_t quantity) {
    where->reference_price = where->last_price = price;
    where->last_quantity = quantity;
    if (price < where->last_low) where->last_low = price;
    if (price > where->last_high) where->last_high = price;
}

/* Shrinks by as much as it would have traded, or is cancelled if that is all of it. */
static void give_way(mx_engine *engine, uint32_t row, uint64_t less) {
    order *one = &engine->orders[row];
    if (less == one->leaves) {
        order_end(engine, row, MX_CANCELLED, MXR_SELF_TRADE);
        return;
    }
    order_release(engine, one, less);
    if (one->place == PLACE_NONE) {
        one->leaves -= less;
    } else {
        queue_shrink(engine, row, less);
    }
    emit_order(engine, MX_RESTATED, MXR_SELF_TRADE, row);
}

static bool decrement(mx_engine *engine, uint32_t taker_row, uint32_t maker_row) {
    uint64_t wanted = engine->orders[taker_row].leaves;
    uint64_t less = least(wanted, engine->orders[maker_row].leaves);
    give_way(engine, maker_row, less);
    if (less == wanted) return false;
    give_way(engine, taker_row, less);
    return true;
}

/* Two orders of one account met. False: the taker has to be cancelled. */
static bool self_trade(mx_engine *engine, uint32_t taker_row, uint32_t maker_row) {
    switch ((mx_stp)engine->orders[taker_row].stp) {
    case MX_STP_OLDEST:
        order_end(engine, maker_row, MX_CANCELLED, MXR_SELF_TRADE);
        return true;
    case MX_STP_BOTH:
        order_end(engine, maker_row, MX_CANCELLED, MXR_SELF_TRADE);
        return false;
    case MX_STP_DECREMENT:
        return decrement(engine, taker_row, maker_row);
    default:
        return false;
    }
}

mx_reason match(mx_engine *engine, uint32_t taker_row) {
    order *taker = &engine->orders[taker_row];
    instrument *where = instrument_of(engine, taker);
    const ladder *opposite = &where->ladders[other(taker->side)];
    while (taker->leaves > 0 && match_crosses(where, taker->side, taker->price)) {
        if (input_full(engine)) {
            bounds_lack(engine, BOUND_REPORTS);
            return MXR_INPUT_FULL;
        }
        uint32_t maker_row = ladder_at(&engine->room, opposite->best_level)->head;
        order *maker = &engine->orders[maker_row];
        if (maker->position == taker->position && taker->stp != MX_STP_NONE) {
            if (!self_trade(engine, taker_row, maker_row)) return MXR_SELF_TRADE;
            continue;
        }
        uint64_t quantity = least(taker->leaves, maker->shown);
        int64_t price = maker->price;
        note_trade(where, price, quantity);
        fill(engine, taker_row, price, quantity, MX_TAKER, maker->id);
        fill_resting(engine, maker_row, price, quantity, MX_MAKER, taker->id);
        leave_or_refresh(engine, maker_row);
    }
    return MXR_OK;
}

/* The first of each side meet: the later one is the aggressor, the earlier one's price holds. */
static void meet(mx_engine *engine, instrument *where, uint32_t bid_row, uint32_t ask_row) {
    bool bid_later = engine->rests[bid_row].joined > engine->rests[ask_row].joined;
    uint32_t taker_row = bid_later ? bid_row : ask_row, maker_row = bid_later ? ask_row : bid_row;
    const order *taker = &engine->orders[taker_row], *maker = &engine->orders[maker_row];
    if (maker->position == taker->position && taker->stp != MX_STP_NONE) {
        if (!self_trade(engine, taker_row, maker_row)) order_end(engine, taker_row, MX_CANCELLED, MXR_SELF_TRADE);
        return;
    }
    uint64_t quantity = least(taker->shown, maker->shown), taker_id = taker->id, maker_id = maker->id;
    int64_t price = maker->price;
    note_trade(where, price, quantity);
    fill_resting(engine, taker_row, price, quantity, MX_TAKER, maker_id);
    fill_resting(engine, maker_row, price, quantity, MX_MAKER, taker_id);
    leave_or_refresh(engine, taker_row);
    leave_or_refresh(engine, maker_row);
}

void match_open(mx_engine *engine, uint32_t number) {
    instrument *where = &engine->instruments[number];
    const ladder *bids = &where->ladders[TW_BID], *asks = &where->ladders[TW_ASK];
    while (bids->best != NO_KEY && asks->best != NO_KEY && bids->best >= ~asks->best) {
        if (input_full(engine)) {
            input_hold(engine);
            return;
        }
        meet(engine, where, ladder_at(&engine->room, bids->best_level)->head,
             ladder_at(&engine->room, asks->best_level)->head);
    }
}

/* An instrument that was halted meanwhile waits until it is opened again, which does the same. */
void match_held(mx_engine *engine) {
    engine->held = false;
    for (uint32_t number = 0; number < engine->instrument_count; number++) {
        if (engine->instruments[number].state != MX_CONTINUOUS) continue;
        match_open(engine, number);
        stops_run(engine, number);
    }
}
