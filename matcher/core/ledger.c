/* Positions and money: what a trade does to an account. */
#include "matcher/core/engine_internal.h"

static uint32_t position_home(const mx_engine *engine, uint32_t number, uint32_t where) {
    uint64_t mixed = ((uint64_t)number << 32 | where) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & engine->position_mask;
}

uint32_t position_find(const mx_engine *engine, uint32_t number, uint32_t where) {
    uint32_t row = engine->position_index[position_home(engine, number, where)];
    while (row != NO_ROW &&
           (engine->positions[row].account != number || engine->positions[row].instrument != where))
        row = engine->positions[row].next_alike;
    return row;
}

void position_index_add(mx_engine *engine, uint32_t row) {
    position *held = &engine->positions[row];
    uint32_t home = position_home(engine, held->account, held->instrument);
    held->next_alike = engine->position_index[home];
    engine->position_index[home] = row;
}

uint32_t position_make(mx_engine *engine, uint32_t number, uint32_t where) {
    if (engine->position_count >= engine->most.max_positions) {
        bounds_lack(engine, BOUND_POSITIONS);
        return NO_ROW;
    }
    uint32_t row = ++engine->position_count;
    engine->positions[row] = (position){.account = number, .instrument = where};
    position_index_add(engine, row);
    row_list *own = &engine->accounts[number].positions;
    if (own->tail != NO_ROW) {
        engine->positions[own->tail].next_own = row;
    } else {
        own->head = row;
    }
    own->tail = row;
    return row;
}

/* cost * closed / size, rounded down, without overflow: cost / size is an average price. */
static mx_money part_of(mx_money cost, uint64_t closed, uint64_t size) {
    return cost / size * closed + cost % size * closed / size;
}

/* Opens, closes, or closes and opens the other way. */
static void position_trade(position *held, unsigned side, int64_t price, uint64_t quantity) {
    int64_t change = side == TW_BID ? (int64_t)quantity : -(int64_t)quantity;
    bool closes = held->quantity != 0 && (held->quantity > 0) != (change > 0);
    if (closes) {
        uint64_t size = (uint64_t)(held->quantity < 0 ? -held->quantity : held->quantity);
        uint64_t closed = quantity < size ? quantity : size;
        mx_money cost = part_of(held->cost, closed, size), value = (mx_money)price * (int64_t)closed;
        held->realised += held->quantity > 0 ? value - cost : cost - value;
        held->cost -= cost;
        quantity -= closed;
    }
    held->cost += (mx_money)price * (int64_t)quantity;
    held->quantity += change;
}

/* Half away from zero. */
static mx_money rounded(mx_money amount, int64_t unit) {
    mx_money half = amount < 0 ? -(unit / 2) : unit / 2;
    return (amount + half) / unit;
}

static mx_money fee_of(const fee_class *fees, mx_money notional, uint64_t quantity, unsigned which) {
    mx_money fee = fees->per_unit[which] * (mx_money)quantity;
    return fees->ppm[which] == 0 ? fee : fee + rounded(notional * fees->ppm[which], MX_PPM);
}

mx_money ledger_fill(mx_engine *engine, const order *one, int64_t price, uint64_t quantity,
                     mx_liquidity liquidity) {
    position *held = &engine->positions[one->position];
    account *owner = &engine->accounts[held->account];
    mx_money notional = (mx_money)price * (int64_t)quantity;
    mx_money fee = fee_of(&engine->fees[owner->fee_class], notional, quantity, liquidity - MX_MAKER);
    owner->held -= held->cost;
    position_trade(held, one->side, price, quantity);
    owner->held += held->cost;
    owner->fees += fee;
    owner->spent += fee + (one->side == TW_BID ? notional : -notional);
    return fee;
}
