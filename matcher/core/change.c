/*
 * Replace. A smaller quantity alone is taken out of the order where it stands. Anything else takes the order out of its queue and lets
 * it come again as it shall be: it may trade at once, and what is left goes to the end of its new queue. If the new order is refused
 * the old one stays where it was.
 */
#include "matcher/core/engine_internal.h"
#include "matcher/core/risk.h"

/* What the order would become. */
typedef struct change {
    uint64_t quantity, leaves, display;
    int64_t price, stop_price;
    bool smaller_only;
} change;

static bool waits(const order *one) {
    return one->place == PLACE_STOPS;
}

/* Quantities: in all, or what is still to be executed. */
static mx_reason change_quantity(const order *one, const order_rest *rest, const mx_replace *c, uint64_t lot,
                                 change *to) {
    to->quantity = order_quantity(one);
    if (c->quantity != MX_SAME) {
        if (c->quantity == 0 || c->quantity > MX_QUANTITY_MAX) return MXR_BAD_QUANTITY;
        if (c->quantity % lot != 0) return MXR_BAD_LOT;
        to->quantity = c->open_only ? one->executed + c->quantity : c->quantity;
    }
    if (to->quantity <= one->executed) return MXR_BELOW_EXECUTED;
    to->leaves = to->quantity - one->executed;
    to->display = c->display == MX_SAME ? rest->display : c->display;
    if (to->display == 0) return MXR_OK;
    bool changes = c->display != MX_SAME;
    if (changes && (to->display > to->quantity || to->display % lot != 0 || one->type == MX_STOP))
        return MXR_BAD_DISPLAY;
    return to->quantity > to->display * MX_ICEBERG_PARTS ? MXR_BAD_DISPLAY : MXR_OK;
}

static mx_reason change_prices(const instrument *where, const order *one, const order_rest *rest,
                               const mx_replace *c, change *to) {
    to->price = one->price;
    to->stop_price = rest->stop_price;
    mx_reason reason = MXR_OK;
    if (c->price != TW_PRICE_ABSENT) {
        if (one->type == MX_STOP) return MXR_BAD_PRICE;
        to->price = c->price;
        reason = price_check(where, c->price, MXR_BAD_PRICE);
    }
    if (reason == MXR_OK && c->stop_price != TW_PRICE_ABSENT) {
        if (!waits(one)) return MXR_BAD_STOP_PRICE;
        to->stop_price = c->stop_price;
        reason = price_check(where, c->stop_price, MXR_BAD_STOP_PRICE);
        if (reason == MXR_OK && one->type == MX_STOP) to->price = protected_price(where, one->side, c->stop_price);
    }
    return reason;
}

/* The old order's reservations are out of the sums while the rules look at the new one. */
static mx_reason change_risk(mx_engine *engine, const order *one, const change *to, bool too_many) {
    const instrument *where = instrument_of(engine, one);
    int64_t stop_price = waits(one) ? to->stop_price : TW_PRICE_ABSENT;
    bool at_once = !to->smaller_only && (!waits(one) || stop_reached(where, one->side, stop_price));
    order_release(engine, one, one->leaves);
    risk_view view = {.engine = engine,
                      .owner = account_of(engine, one),
                      .held = &engine->positions[one->position],
                      .where = where,
                      .number = engine->positions[one->position].instrument,
                      .side = one->side,
                      .type = one->type,
                      .replaces = true,
                      .too_many = too_many,
                      .price = to->price,
                      .worth = risk_worth(where, one->side, to->price, stop_price, at_once),
                      .sent_price = to->price,
                      .reference = waits(one) ? to->stop_price : where->reference_price,
                      .quantity = to->leaves};
    mx_reason reason = risk_check(&view);
    order_reserve(engine, one);
    return reason;
}

static mx_reason state_check(const mx_engine *engine, const instrument *where) {
    if (!engine->day_open) return MXR_NO_TRADING_DAY;
    if (where->state == MX_HALTED) return MXR_HALTED;
    if (where->state == MX_MOVED) return MXR_MOVED;
    return where->state == MX_CLOSED ? MXR_CLOSED : MXR_OK;
}

static mx_reason room_check(mx_engine *engine, const order *one, const change *to) {
    unsigned number = waits(one) ? (unsigned)(LADDER_BUY_STOPS - one->side) : one->side;
    uint32_t where = engine->positions[one->position].instrument;
    return queue_has_room(engine, where, number, waits(one) ? to->stop_price : to->price) ? MXR_OK
                                                                                          : MXR_LEVELS_FULL;
}

static mx_reason change_check(mx_engine *engine, uint32_t row, const mx_replace *c, bool too_many, change *to) {
    const order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    const instrument *where = instrument_of(engine, one);
    mx_reason reason = change_quantity(one, rest, c, where->definition.lot, to);
    if (reason == MXR_OK) reason = change_prices(where, one, rest, c, to);
    if (reason == MXR_OK) reason = state_check(engine, where);
    if (reason != MXR_OK) return reason;
    to->smaller_only = to->leaves < one->leaves && to->price == one->price && to->stop_price == rest->stop_price &&
                       to->display == rest->display;
    uint8_t judged = waits(one) ? one->type : MX_LIMIT; /* a triggered stop-limit order is a limit order */
    if (!to->smaller_only) reason = collar_check(where, judged, to->price, to->stop_price);
    if (reason == MXR_OK) reason = change_risk(engine, one, to, too_many);
    if (reason == MXR_OK && input_full(engine)) {
        bounds_lack(engine, BOUND_REPORTS);
        reason = MXR_INPUT_FULL;
    }
    if (reason != MXR_OK || to->smaller_only) return reason;
    if (one->post_only && match_crosses(where, one->side, to->price)) return MXR_POST_ONLY;
    return room_check(engine, one, to);
}

static void shrink(mx_engine *engine, uint32_t row, const change *to) {
    order *one = &engine->orders[row];
    uint64_t less = one->leaves - to->leaves;
    order_release(engine, one, less);
    queue_shrink(engine, row, less);
    emit_order(engine, MX_REPLACED, MXR_OK, row);
}

static void come_again(mx_engine *engine, uint32_t row, const change *to) {
    order *one = &engine->orders[row];
    order_rest *rest = &engine->rests[row];
    bool waited = waits(one);
    queue_leave(engine, row);
    order_release(engine, one, one->leaves);
    one->price = to->price;
    one->leaves = to->leaves;
    rest->display = to->display;
    rest->stop_price = to->stop_price;
    order_reserve(engine, one);
    emit_order(engine, MX_REPLACED, MXR_OK, row);
    if (!waited) {
        order_run(engine, row);
    } else if (stop_reached(instrument_of(engine, one), one->side, rest->stop_price)) {
        stop_trigger(engine, row);
    } else if (!queue_join(engine, row, PLACE_STOPS)) {
        order_end(engine, row, MX_CANCELLED, MXR_LEVELS_FULL);
    }
}

void order_replace(mx_engine *engine, const mx_replace *c) {
    const mx_target *target = &c->target;
    bool too_many =
        target->account < engine->account_count && risk_rate(engine, &engine->accounts[target->account]);
    uint32_t row;
    mx_reason reason = target_find(engine, target, &row);
    change to;
    if (reason == MXR_OK) reason = change_check(engine, row, c, too_many, &to);
    if (reason != MXR_OK) {
        target_refuse(engine, MX_REPLACE_REJECTED, reason, target, row);
    } else if (to.smaller_only) {
        shrink(engine, row, &to);
    } else {
        come_again(engine, row, &to);
        stops_run(engine, target->instrument);
    }
}
