/* The rules of pre-trade risk, and the table that says in which order they are looked at. */
#include "matcher/core/risk.h"

#define DEFAULT_CONCENTRATION_PPM 200000

static bool is_buy(const risk_view *v) {
    return v->side == TW_BID;
}

/* Cheaper to multiply again than to keep 128 bits in memory. */
static mx_money notional_of(const risk_view *v) {
    return (mx_money)v->worth * (int64_t)v->quantity;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* An absent price is less than any other. */
int64_t risk_worth(const instrument *where, unsigned side, int64_t price, int64_t stop_price, bool at_once) {
    if (side == TW_BID) return price;
    int64_t worth = larger(price, stop_price), best = where->ladders[TW_BID].best;
    if (!at_once) return worth;
    return larger(worth, best != NO_KEY ? key_price(where, TW_BID, best) : where->reference_price);
}

static uint64_t size_of_position(const position *held) {
    return (uint64_t)(held->quantity < 0 ? -held->quantity : held->quantity);
}

/* The order can only bring the position nearer to flat, with all others of its side executed before it. */
static bool only_reduces(const risk_view *v) {
    bool against = is_buy(v) ? v->held->quantity < 0 : v->held->quantity > 0;
    return against && v->held->open_quantity[v->side] + v->quantity <= size_of_position(v->held);
}

static mx_reason storage(const risk_view *v) {
    return v->engine->storage_low ? MXR_STORAGE_LOW : MXR_OK;
}

static mx_reason kill_switch(const risk_view *v) {
    return v->engine->killed || v->owner->killed ? MXR_KILL_SWITCH : MXR_OK;
}

static mx_reason blocks(const risk_view *v) {
    if (v->owner->blocked) return MXR_ACCOUNT_BLOCKED;
    return v->where->blocked || v->held->blocked ? MXR_INSTRUMENT_BLOCKED : MXR_OK;
}

static mx_reason limits_known(const risk_view *v) {
    return v->owner->limits_known ? MXR_OK : MXR_NO_LIMITS;
}

static mx_reason message_rate(const risk_view *v) {
    return v->too_many ? MXR_MESSAGE_RATE : MXR_OK;
}

static mx_reason order_size(const risk_view *v) {
    return v->quantity > v->owner->limits.order_quantity ? MXR_ORDER_SIZE : MXR_OK;
}

static mx_reason order_notional(const risk_view *v) {
    return notional_of(v) > v->owner->limits.order_notional ? MXR_ORDER_NOTIONAL : MXR_OK;
}

/* The limit price of a market order is not its sender's, so it is compared by what was sent. */
static mx_reason duplicates(const risk_view *v) {
    const account *owner = v->owner;
    if (v->replaces || owner->limits.duplicate_ns == 0 || owner->last_quantity == 0) return MXR_OK;
    bool same = owner->last_instrument == v->number && owner->last_side == v->side && owner->last_type == v->type &&
                owner->last_price == v->sent_price && owner->last_quantity == v->quantity;
    return same && v->engine->now_ns - owner->last_ns < owner->limits.duplicate_ns ? MXR_DUPLICATE_ORDER : MXR_OK;
}

static mx_reason open_orders(const risk_view *v) {
    return !v->replaces && v->owner->open_orders >= v->owner->limits.open_orders ? MXR_OPEN_ORDERS : MXR_OK;
}

static mx_reason collar(const risk_view *v) {
    uint32_t ppm = v->owner->limits.collar_ppm;
    if (ppm == 0) return MXR_OK;
    if (v->reference == TW_PRICE_ABSENT) return MXR_NO_REFERENCE_PRICE;
    mx_money worse = is_buy(v) ? (mx_money)v->price - v->reference : (mx_money)v->reference - v->price;
    return worse * MX_PPM > (mx_money)v->reference * ppm ? MXR_ACCOUNT_COLLAR : MXR_OK;
}

/* All open orders of the side executed, and none of the other. */
static mx_reason position_limit(const risk_view *v) {
    mx_money after = (mx_money)v->held->open_quantity[v->side] + v->quantity;
    after += is_buy(v) ? v->held->quantity : -(mx_money)v->held->quantity;
    uint64_t limit = v->owner->limits.position < MX_POSITION_MAX ? v->owner->limits.position : MX_POSITION_MAX;
    return after > (mx_money)limit && !only_reduces(v) ? MXR_POSITION_LIMIT : MXR_OK;
}

static mx_reason exposure(const risk_view *v) {
    if (only_reduces(v)) return MXR_OK;
    return v->owner->held + v->owner->open + notional_of(v) > v->owner->limits.exposure ? MXR_EXPOSURE_LIMIT
                                                                                        : MXR_OK;
}

static mx_reason concentration(const risk_view *v) {
    uint32_t ppm = v->owner->limits.concentration_ppm;
    if (ppm == 0) ppm = DEFAULT_CONCENTRATION_PPM;
    if (ppm > MX_PPM || only_reduces(v)) return MXR_OK;
    mx_money after = v->held->cost + v->held->open + notional_of(v);
    return after > v->owner->limits.funds * ppm / MX_PPM ? MXR_CONCENTRATION : MXR_OK;
}

/* Buys are paid for in full, at the worst price they can get. What selling short may cost is the position's and exposure's limit. */
static mx_reason funds(const risk_view *v) {
    if (!is_buy(v)) return MXR_OK;
    return v->owner->spent + v->owner->reserved + notional_of(v) > v->owner->limits.funds ? MXR_FUNDS : MXR_OK;
}

static mx_reason (*const rules[])(const risk_view *view) = {
    storage,    kill_switch, blocks, limits_known,   message_rate, order_size,    order_notional,
    duplicates, open_orders, collar, position_limit, exposure,     concentration, funds,
};

mx_reason risk_check(const risk_view *view) {
#pragma GCC unroll 32 /* then each rule is inlined, and the table costs nothing */
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        mx_reason reason = rules[i](view);
        if (reason != MXR_OK) return reason;
    }
    return MXR_OK;
}

/* Each message pays for 1 / rate of a second, from now on or from where the last one's time ended; `burst` may be owed. */
bool risk_rate(mx_engine *engine, account *owner) {
    const mx_limits *limits = &owner->limits;
    if (!owner->limits_known || limits->rate_per_second == 0) return false;
    int64_t each_ns = INT64_C(1000000000) / limits->rate_per_second;
    int64_t burst = limits->rate_burst > 1 ? limits->rate_burst : 1;
    int64_t due_ns = owner->rate_due_ns > engine->now_ns ? owner->rate_due_ns : engine->now_ns;
    if (due_ns - engine->now_ns > each_ns * (burst - 1)) return true;
    owner->rate_due_ns = due_ns + each_ns;
    return false;
}
