/* The walk over everything: do lists, sums, indexes and limits of memory agree? For tests; slow. */
#include <stddef.h>

#include "matcher/core/engine_internal.h"

#define FAULT(...) (tw_error_set(error, TW_MALFORMED, __VA_ARGS__), false)

/* What the orders say that accounts and positions must have as sums. */
typedef struct sums {
    uint32_t orders[2];
    uint64_t quantity[2];
    mx_money open;
} sums;

/* Orders found, and those of the day among them. */
typedef struct found_orders {
    uint32_t all, day;
} found_orders;

static bool check_level(const mx_engine *engine, uint32_t number, unsigned which, uint32_t at, found_orders *found,
                        tw_error *error) {
    const instrument *where = &engine->instruments[number];
    const ladder_level *level = ladder_at(&engine->room, at);
    int64_t price = key_price(where, which & 1, ladder_key_of(&engine->room, at));
    uint64_t shown = 0, total = 0;
    uint32_t orders = 0, last = NO_ROW;
    for (uint32_t row = level->head; row != NO_ROW; last = row, row = engine->orders[row].next) {
        const order *one = &engine->orders[row];
        int64_t stands = one->place == PLACE_STOPS ? engine->rests[row].stop_price : one->price;
        if (one->prev != last || one->level != at || stands != price || one->leaves == 0 || !one->linked)
            return FAULT("order %lu does not stand where it says", (unsigned long)one->id);
        if (order_ladder((instrument *)(uintptr_t)where, one) != &where->ladders[which])
            return FAULT("order %lu stands on the wrong side", (unsigned long)one->id);
        if (which < LADDER_SELL_STOPS && one->shown == 0)
            return FAULT("order %lu shows nothing", (unsigned long)one->id);
        shown += one->shown;
        total += one->leaves;
        found->day += one->tif == MX_DAY;
        orders++;
    }
    if (shown != level->shown || total != level->total || orders != level->orders || last != level->tail)
        return FAULT("the sums of a level at %ld are wrong", (long)price);
    found->all += orders;
    return true;
}

static bool check_instrument(const mx_engine *engine, uint32_t number, found_orders *all, tw_error *error) {
    const instrument *where = &engine->instruments[number];
    found_orders found = {0, 0};
    for (unsigned which = 0; which < LADDERS; which++) {
        const ladder *side = &where->ladders[which];
        if (!ladder_check(&engine->room, side)) return FAULT("ladder %u of instrument %u is broken", which, number);
        for (uint32_t at = side->best_level; at != NO_LEVEL; at = ladder_next(&engine->room, side, at))
            if (!check_level(engine, number, which, at, &found, error)) return false;
    }
    int64_t bid = where->ladders[TW_BID].best, ask = where->ladders[TW_ASK].best;
    if (where->state == MX_CONTINUOUS && !engine->held && bid != NO_KEY && ask != NO_KEY && bid >= ~ask)
        return FAULT("the book of instrument %u is crossed", number);
    all->all += found.all;
    all->day += found.day;
    return found.all == where->open_orders && found.day == where->day_orders
               ? true
               : FAULT("instrument %u counts its orders wrongly", number);
}

static bool check_order(const mx_engine *engine, uint32_t row, tw_error *error) {
    const order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    if (id_map_find(&engine->order_ids, engine->orders, sizeof(order), one->id) != row)
        return FAULT("order %lu is not found by its id", (unsigned long)one->id);
    if ((one->tif == MX_GTD) != (rest->timer_at != 0) ||
        (rest->timer_at != 0 && engine->timers[rest->timer_at] != row))
        return FAULT("order %lu has the wrong timer", (unsigned long)one->id);
    return true;
}

/* One side's open orders of an account, or of a position. */
static bool check_list(const mx_engine *engine, row_list list, size_t which, uint32_t number, unsigned side,
                       sums *all, tw_error *error) {
    uint32_t last = NO_ROW;
    for (uint32_t row = list.head; row != NO_ROW;) {
        const order *one = &engine->orders[row];
        const row_link *link = (const row_link *)(const void *)((const char *)&engine->rests[row] + which);
        if (link->prev != last || engine->positions[one->position].account != number || one->side != side)
            return FAULT("an order list of account %u is broken", number);
        if (last != NO_ROW && engine->rests[last].entry >= engine->rests[row].entry)
            return FAULT("an order list of account %u is out of order", number);
        all->open += open_notional(engine, one, one->leaves);
        all->quantity[side] += one->leaves;
        all->orders[side]++;
        last = row;
        row = link->next;
    }
    return list.tail == last ? true : FAULT("an order list of account %u has lost its end", number);
}

static bool check_position(const mx_engine *engine, uint32_t row, tw_error *error) {
    const position *held = &engine->positions[row];
    sums all = {0};
    for (unsigned side = TW_BID; side <= TW_ASK; side++) {
        if (!check_list(engine, held->orders[side], offsetof(order_rest, by_position), held->account, side, &all,
                        error))
            return false;
        for (uint32_t at = held->orders[side].head; at != NO_ROW; at = engine->rests[at].by_position.next)
            if (engine->orders[at].position != row) return FAULT("an order is in another position's list");
        if (all.quantity[side] != held->open_quantity[side] || all.orders[side] != held->open_orders[side])
            return FAULT("the sums of a position of account %u are wrong", held->account);
    }
    return all.open == held->open ? true : FAULT("a position of account %u reserves wrongly", held->account);
}

static bool check_account(const mx_engine *engine, uint32_t number, uint32_t *found, tw_error *error) {
    const account *owner = &engine->accounts[number];
    sums all = {0};
    mx_money held = 0, open = 0, reserved = 0;
    for (unsigned side = TW_BID; side <= TW_ASK; side++) {
        if (!check_list(engine, owner->orders[side], offsetof(order_rest, by_account), number, side, &all, error))
            return false;
        for (uint32_t row = owner->orders[side].head; row != NO_ROW; row = engine->rests[row].by_account.next)
            if (!check_order(engine, row, error)) return false;
        if (side == TW_BID) reserved = all.open;
    }
    for (uint32_t row = 1; row <= engine->position_count; row++) {
        if (engine->positions[row].account != number) continue;
        if (!check_position(engine, row, error)) return false;
        held += engine->positions[row].cost;
        open += engine->positions[row].open;
    }
    uint32_t orders = all.orders[TW_BID] + all.orders[TW_ASK];
    if (all.open != owner->open || reserved != owner->reserved || orders != owner->open_orders ||
        held != owner->held || open != owner->open)
        return FAULT("the sums of account %u are wrong", number);
    *found += orders;
    return true;
}

static bool check_sessions(const mx_engine *engine, tw_error *error) {
    uint32_t sessions = 0;
    for (uint32_t row = engine->sessions_open.head; row != NO_ROW; row = engine->sessions[row].next, sessions++) {
        const session *open = &engine->sessions[row];
        if (engine->silent[open->silent_at] != row || open->silent_ns > open->beat_ns + open->timeout_ns ||
            open->silent_ns < engine->sessions[engine->silent[1]].silent_ns)
            return FAULT("session %lu is not where it falls silent", (unsigned long)open->id);
        uint64_t entry = 0;
        for (uint32_t one = engine->sessions[row].orders.head; one != NO_ROW;
             one = engine->rests[one].by_session.next) {
            if (engine->rests[one].session != row || engine->rests[one].entry <= entry)
                return FAULT("the orders of session %lu are wrong", (unsigned long)engine->sessions[row].id);
            entry = engine->rests[one].entry;
        }
    }
    return sessions == engine->sessions_live ? true : FAULT("sessions are lost");
}

/* Every buy is a sale: positions of an instrument sum to nothing, and so does all money but the fees. */
static bool check_conservation(const mx_engine *engine, tw_error *error) {
    for (uint32_t number = 0; number < engine->instrument_count; number++) {
        mx_money sum = 0;
        for (uint32_t row = 1; row <= engine->position_count; row++)
            if (engine->positions[row].instrument == number) sum += engine->positions[row].quantity;
        if (sum != 0) return FAULT("positions in instrument %u do not sum to 0", number);
    }
    mx_money money = 0;
    for (uint32_t number = 0; number < engine->account_count; number++)
        money += engine->accounts[number].spent - engine->accounts[number].fees;
    return money == 0 ? true : FAULT("money is lost");
}

bool mx_engine_check(const mx_engine *engine, tw_error *error) {
    found_orders standing = {0, 0};
    uint32_t owned = 0;
    for (uint32_t number = 0; number < engine->instrument_count; number++)
        if (!check_instrument(engine, number, &standing, error)) return false;
    for (uint32_t number = 0; number < engine->account_count; number++)
        if (!check_account(engine, number, &owned, error)) return false;
    if (standing.all != owned || owned != engine->orders_live || standing.day != engine->day_orders)
        return FAULT("orders are lost: %u stand, %u are owned", standing.all, owned);
    return check_sessions(engine, error) && check_conservation(engine, error);
}
