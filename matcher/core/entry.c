/*
 * A new order: what it may say, whether it may come now, whether it is too risky, and what becomes of it at once.
 *
 * Checked in this order, the first objection is the reason: names, a repeated client order id, the fields, the trading day, the
 * instrument's state, liquidity for a market order, the collar, risk, the input's reports, post-only, room.
 */
#include "matcher/core/engine_internal.h"
#include "matcher/core/risk.h"

typedef enum action { ENTER_RESTING, ENTER_AT_ONCE, ENTER_STOP, ACTIONS } action;

/* What may come in which state. Cancels may always; a replace may where a resting order may. */
static const uint8_t states[MX_STATES][ACTIONS] = {
    [MX_PRE_OPEN] = {MXR_OK, MXR_NOT_IN_PRE_OPEN, MXR_OK}, [MX_CONTINUOUS] = {MXR_OK, MXR_OK, MXR_OK},
    [MX_HALTED] = {MXR_HALTED, MXR_HALTED, MXR_HALTED},    [MX_CLOSED] = {MXR_CLOSED, MXR_CLOSED, MXR_CLOSED},
    [MX_MOVED] = {MXR_MOVED, MXR_MOVED, MXR_MOVED},
};

static bool is_stop(uint8_t type) {
    return type == MX_STOP || type == MX_STOP_LIMIT;
}

static bool has_price(uint8_t type) {
    return type == MX_LIMIT || type == MX_STOP_LIMIT;
}

static bool may_rest(uint8_t tif) {
    return tif == MX_GTC || tif == MX_DAY || tif == MX_GTD;
}

static action action_of(const mx_new_order *c) {
    if (is_stop(c->type)) return ENTER_STOP;
    bool at_once = c->type == MX_MARKET || !may_rest(c->tif) || c->minimum > 0 || c->post_only;
    return at_once ? ENTER_AT_ONCE : ENTER_RESTING;
}

static int64_t tick_at(const instrument *where, int64_t price) {
    const mx_define_instrument *definition = &where->definition;
    uint32_t band = definition->tick_bands - 1;
    while (band > 0 && price < definition->ticks[band].from)
        band--;
    return definition->ticks[band].tick;
}

mx_reason price_check(const instrument *where, int64_t price, mx_reason bad) {
    if (price <= 0 || price > MX_PRICE_MAX) return bad;
    int64_t tick = tick_at(where, price);
    if (tick != 1 && price % tick != 0) return bad == MXR_BAD_PRICE ? MXR_BAD_TICK : bad;
    return MXR_OK;
}

/* As far from a price as the protection band reaches, on a tick. */
int64_t protected_price(const instrument *where, unsigned side, int64_t from) {
    int64_t band = (int64_t)((mx_money)from * where->definition.protection_ppm / MX_PPM);
    int64_t lowest = where->definition.ticks[0].tick;
    int64_t price = side == TW_BID ? from + band : from - band;
    if (price < lowest) return lowest;
    if (price > MX_PRICE_MAX) price = MX_PRICE_MAX;
    int64_t beyond = price % tick_at(where, price);
    if (beyond == 0) return price;
    return side == TW_BID ? price - beyond : price - beyond + tick_at(where, price);
}

/* A stop-limit order's price is judged by where it will start from. */
mx_reason collar_check(const instrument *where, uint8_t type, int64_t price, int64_t stop_price) {
    if (!has_price(type) || where->definition.collar_ppm == 0) return MXR_OK;
    int64_t reference = type == MX_STOP_LIMIT ? stop_price : where->reference_price;
    if (reference == TW_PRICE_ABSENT) return MXR_NO_REFERENCE_PRICE;
    mx_money away = price > reference ? price - reference : reference - price;
    return away * MX_PPM > (mx_money)reference * where->definition.collar_ppm ? MXR_PRICE_COLLAR : MXR_OK;
}

bool stop_reached(const instrument *where, unsigned side, int64_t stop_price) {
    if (where->state != MX_CONTINUOUS || where->last_price == TW_PRICE_ABSENT) return false;
    return side == TW_BID ? where->last_price >= stop_price : where->last_price <= stop_price;
}

static mx_reason quantities_check(const instrument *where, const mx_new_order *c) {
    uint64_t lot = where->definition.lot;
    if (c->quantity == 0 || c->quantity > MX_QUANTITY_MAX) return MXR_BAD_QUANTITY;
    if (lot != 1 && c->quantity % lot != 0) return MXR_BAD_LOT;
    if (c->display != 0 &&
        (c->display > c->quantity || c->display % lot != 0 || c->quantity > c->display * MX_ICEBERG_PARTS ||
         !may_rest(c->tif) || !has_price(c->type)))
        return MXR_BAD_DISPLAY;
    if (c->minimum != 0 && (c->minimum > c->quantity || is_stop(c->type) || c->post_only)) return MXR_BAD_MINIMUM;
    return MXR_OK;
}

static mx_reason prices_check(const instrument *where, const mx_new_order *c) {
    if (has_price(c->type)) {
        mx_reason reason = price_check(where, c->price, MXR_BAD_PRICE);
        if (reason != MXR_OK) return reason;
    } else if (c->price != TW_PRICE_ABSENT) {
        return MXR_BAD_PRICE;
    }
    if (is_stop(c->type)) return price_check(where, c->stop_price, MXR_BAD_STOP_PRICE);
    return c->stop_price == TW_PRICE_ABSENT ? MXR_OK : MXR_BAD_STOP_PRICE;
}

static mx_reason times_check(const mx_engine *engine, const mx_new_order *c) {
    if (c->type == MX_MARKET ? may_rest(c->tif) : is_stop(c->type) && !may_rest(c->tif))
        return MXR_BAD_TIME_IN_FORCE;
    if (c->tif == MX_GTD ? c->expire_ns <= engine->now_ns : c->expire_ns != 0) return MXR_BAD_EXPIRY;
    if (c->post_only && (c->type != MX_LIMIT || !may_rest(c->tif))) return MXR_BAD_POST_ONLY;
    return MXR_OK;
}

static mx_reason fields_check(const mx_engine *engine, const instrument *where, const mx_new_order *c) {
    if (c->side > TW_ASK || c->type >= MX_TYPES || c->tif >= MX_TIFS || c->stp >= MX_STPS) return MXR_BAD_FIELD;
    if (c->order_id == 0 || id_map_find(&engine->order_ids, engine->orders, sizeof(order), c->order_id) != 0)
        return MXR_BAD_ORDER_ID;
    mx_reason reason = quantities_check(where, c);
    if (reason == MXR_OK) reason = prices_check(where, c);
    if (reason == MXR_OK) reason = times_check(engine, c);
    if (reason != MXR_OK || c->session == 0) return reason;
    bool open = id_map_find(&engine->session_ids, engine->sessions, sizeof(session), c->session) != 0;
    return open ? MXR_OK : MXR_UNKNOWN_SESSION;
}

/* The price that an order can trade at in the worst case; market orders get it from the touch, stops from their stop price. */
static mx_reason price_find(const instrument *where, const mx_new_order *c, int64_t *price) {
    *price = c->price;
    if (c->type == MX_STOP) *price = protected_price(where, c->side, c->stop_price);
    if (c->type != MX_MARKET) return MXR_OK;
    unsigned away = other(c->side);
    if (where->ladders[away].best == NO_KEY) return MXR_NO_LIQUIDITY;
    *price = protected_price(where, c->side, key_price(where, away, where->ladders[away].best));
    return MXR_OK;
}

/* `row` is the account's position in the instrument, NO_ROW if it has none yet. */
static mx_reason risk_of(const mx_engine *engine, const mx_new_order *c, uint32_t row, int64_t price,
                         bool too_many) {
    static const position none;
    const instrument *where = &engine->instruments[c->instrument];
    bool at_once = !is_stop(c->type) || stop_reached(where, c->side, c->stop_price);
    risk_view view = {.engine = engine,
                      .owner = &engine->accounts[c->account],
                      .held = row != NO_ROW ? &engine->positions[row] : &none,
                      .where = where,
                      .number = c->instrument,
                      .side = c->side,
                      .type = c->type,
                      .too_many = too_many,
                      .price = price,
                      .worth = risk_worth(where, c->side, price, c->stop_price, at_once),
                      .sent_price = c->price,
                      .reference = is_stop(c->type) ? c->stop_price : where->reference_price,
                      .quantity = c->quantity};
    return risk_check(&view);
}

static mx_reason full(mx_engine *engine, bound which, mx_reason reason) {
    bounds_lack(engine, which);
    return reason;
}

static mx_reason room_check(mx_engine *engine, const mx_new_order *c, uint32_t row, int64_t price) {
    if (engine->orders_live >= engine->most.max_orders) return full(engine, BOUND_ORDERS, MXR_ORDERS_FULL);
    if (row == NO_ROW && engine->position_count >= engine->most.max_positions)
        return full(engine, BOUND_POSITIONS, MXR_POSITIONS_FULL);
    if (!may_rest(c->tif)) return MXR_OK;
    bool stop = is_stop(c->type);
    unsigned number = stop ? (unsigned)(LADDER_BUY_STOPS - c->side) : c->side;
    return queue_has_room(engine, c->instrument, number, stop ? c->stop_price : price) ? MXR_OK : MXR_LEVELS_FULL;
}

/* Before its first fill it has to be known what it would get. */
static bool must_look(const mx_new_order *c) {
    return c->tif == MX_FOK || c->minimum > 0;
}

static mx_reason check(mx_engine *engine, const mx_new_order *c, uint32_t row, bool too_many, int64_t *price) {
    const instrument *where = &engine->instruments[c->instrument];
    mx_reason reason = fields_check(engine, where, c);
    if (reason != MXR_OK) return reason;
    if (!engine->day_open) return MXR_NO_TRADING_DAY;
    reason = (mx_reason)states[where->state][action_of(c)];
    if (reason == MXR_OK) reason = price_find(where, c, price);
    if (reason == MXR_OK) reason = collar_check(where, c->type, c->price, c->stop_price);
    if (reason == MXR_OK) reason = risk_of(engine, c, row, *price, too_many);
    if (reason == MXR_OK && input_full(engine)) reason = full(engine, BOUND_REPORTS, MXR_INPUT_FULL);
    if (reason == MXR_OK && must_look(c) && steps_used_up(engine)) reason = MXR_INPUT_FULL;
    if (reason == MXR_OK && c->post_only && match_crosses(where, c->side, c->price)) reason = MXR_POST_ONLY;
    return reason == MXR_OK ? room_check(engine, c, row, *price) : reason;
}

static mx_report *reject(mx_engine *engine, const mx_new_order *c, mx_reason reason) {
    mx_report *report = emit(engine, MX_REJECTED, reason);
    report->side = c->side;
    report->type = c->type;
    report->tif = c->tif;
    report->account = c->account;
    report->instrument = c->instrument;
    report->order_id = c->order_id;
    report->session = c->session;
    report->price = c->price;
    report->stop_price = c->stop_price;
    report->quantity = c->quantity;
    report->client_id = c->client_id;
    return report;
}

/* The first outcome again, with what the order is now. */
static void answer_again(mx_engine *engine, const mx_new_order *c, uint32_t client) {
    const client_row *first = &engine->client_rows[client];
    mx_report_kind kind = first->reason == MXR_OK ? MX_ACCEPTED : MX_REJECTED;
    uint32_t row = first->reason == MXR_OK
                       ? id_map_find(&engine->order_ids, engine->orders, sizeof(order), first->order_id)
                       : NO_ROW;
    mx_report *report;
    if (row != NO_ROW) {
        report = emit_order(engine, kind, MXR_DUPLICATE_CLIENT_ID, row);
    } else {
        report = reject(engine, c, first->reason == MXR_OK ? MXR_DUPLICATE_CLIENT_ID : (mx_reason)first->reason);
        report->kind = (uint8_t)kind;
        report->order_id = first->order_id;
        report->session = 0;
    }
    report->duplicate = true;
}

static void take_note(mx_engine *engine, account *owner, const mx_new_order *c) {
    owner->last_ns = engine->now_ns;
    owner->last_price = c->price;
    owner->last_quantity = c->quantity;
    owner->last_instrument = c->instrument;
    owner->last_side = c->side;
    owner->last_type = c->type;
}

static uint32_t accept(mx_engine *engine, const mx_new_order *c, uint32_t held, int64_t price) {
    uint32_t row = order_take(engine);
    if (held == NO_ROW) held = position_make(engine, c->account, c->instrument);
    order *one = &engine->orders[row];
    one->id = c->order_id;
    one->price = price;
    one->leaves = c->quantity;
    one->shown = 0;
    one->executed = 0;
    one->next = one->prev = NO_ROW;
    one->level = NO_LEVEL;
    one->position = held;
    one->side = c->side;
    one->type = c->type;
    one->tif = c->tif;
    one->stp = c->stp;
    one->place = PLACE_NONE;
    one->post_only = c->post_only;
    one->linked = one->triggered = false;
    order_rest *rest = &engine->rests[row];
    rest->notional = 0;
    rest->display = c->display;
    rest->entry = ++engine->entries;
    rest->stop_price = c->stop_price;
    rest->expire_ns = c->expire_ns;
    rest->session = NO_ROW;
    rest->timer_at = 0;
    rest->client_id = c->client_id;
    if (c->session != 0)
        rest->session = id_map_find(&engine->session_ids, engine->sessions, sizeof(session), c->session);
    order_reserve(engine, one);
    emit_order(engine, MX_ACCEPTED, MXR_OK, row);
    return row;
}

static void cancel_rest(mx_engine *engine, uint32_t row, mx_reason reason) {
    order_end(engine, row, MX_CANCELLED, reason);
}

static void stand(mx_engine *engine, uint32_t row, order_place place) {
    if (!engine->orders[row].linked) order_link(engine, row);
    if (!queue_join(engine, row, place)) cancel_rest(engine, row, MXR_LEVELS_FULL);
}

void order_run(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    const instrument *where = instrument_of(engine, one);
    mx_reason reason = where->state == MX_CONTINUOUS ? match(engine, row) : MXR_OK;
    bool market = !has_price(one->type);
    if (one->leaves == 0) {
        order_free(engine, row);
    } else if (reason != MXR_OK) {
        cancel_rest(engine, row, reason);
    } else if (market) {
        bool empty = where->ladders[other(one->side)].best == NO_KEY;
        cancel_rest(engine, row, empty ? MXR_NO_LIQUIDITY : MXR_PROTECTION_BAND);
    } else if (!may_rest(one->tif)) {
        cancel_rest(engine, row, MXR_IOC_REMAINDER);
    } else {
        stand(engine, row, PLACE_BOOK);
    }
}

/* What must be executed at once is judged before the first of it is. */
static mx_reason at_once_check(mx_engine *engine, const order *one, uint64_t minimum) {
    bool whole = one->tif == MX_FOK;
    uint64_t needed = whole ? one->leaves : minimum;
    if (needed == 0) return MXR_OK;
    return whole_check(engine, one, needed, whole ? MXR_FOK_KILLED : MXR_MINIMUM_NOT_MET);
}

/* Accepted: what becomes of it at once. */
static void begin(mx_engine *engine, uint32_t row, uint64_t minimum) {
    order *one = &engine->orders[row];
    const instrument *where = instrument_of(engine, one);
    if (is_stop(one->type)) {
        int64_t stop_price = engine->rests[row].stop_price;
        if (stop_reached(where, one->side, stop_price)) {
            stop_trigger(engine, row);
        } else {
            stand(engine, row, PLACE_STOPS);
        }
        return;
    }
    mx_reason reason = at_once_check(engine, one, minimum);
    if (reason != MXR_OK) {
        cancel_rest(engine, row, reason);
    } else {
        order_run(engine, row);
    }
}

/*
 * Is an outcome remembered under the client order id? Not where nothing of the order itself was judged, for the same order may come
 * again later; and nothing of a message that came too fast, whatever else was wrong with it: the ids of a day are everybody's.
 */
static bool lasts(mx_reason reason, bool too_many) {
    switch (reason) {
    case MXR_STORAGE_LOW:
    case MXR_KILL_SWITCH:
    case MXR_ACCOUNT_BLOCKED:
    case MXR_INSTRUMENT_BLOCKED:
    case MXR_NO_LIMITS:
    case MXR_INPUT_FULL:
        return false;
    default:
        return !too_many;
    }
}

void order_new(mx_engine *engine, const mx_new_order *c) {
    if (c->account >= engine->account_count || c->instrument >= engine->instrument_count) {
        reject(engine, c, c->account >= engine->account_count ? MXR_UNKNOWN_ACCOUNT : MXR_UNKNOWN_INSTRUMENT);
        return;
    }
    bool named = !mx_client_id_none(&c->client_id);
    bool too_many = risk_rate(engine, &engine->accounts[c->account]);
    uint32_t hash = named ? client_hash(engine, c->account, c->instrument, &c->client_id) : 0;
    uint32_t first = named ? client_find(engine, hash, c->account, c->instrument, &c->client_id) : NO_ROW;
    if (first != NO_ROW) {
        answer_again(engine, c, first);
        return;
    }
    if (named && engine->client_count >= engine->most.max_client_ids) {
        reject(engine, c, full(engine, BOUND_CLIENT_IDS, MXR_CLIENT_IDS_FULL));
        return;
    }
    int64_t price = TW_PRICE_ABSENT;
    uint32_t held = position_find(engine, c->account, c->instrument);
    mx_reason reason = check(engine, c, held, too_many, &price);
    if (named && lasts(reason, too_many)) client_remember(engine, hash, c, reason);
    if (reason != MXR_OK) {
        reject(engine, c, reason);
        return;
    }
    take_note(engine, &engine->accounts[c->account], c);
    begin(engine, accept(engine, c, held, price), c->minimum);
    stops_run(engine, c->instrument);
}
