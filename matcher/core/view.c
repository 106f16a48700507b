/* Questions to the engine: copies of what it knows. */
#include <string.h>

#include "matcher/core/engine_internal.h"

static void order_view(const mx_engine *engine, uint32_t row, mx_order_view *view) {
    const order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    const position *whose = &engine->positions[one->position];
    *view = (mx_order_view){.order_id = one->id,
                            .account = whose->account,
                            .instrument = whose->instrument,
                            .side = one->side,
                            .type = one->type,
                            .tif = one->tif,
                            .status = one->place == PLACE_STOPS ? MX_STATUS_WAITING : MX_STATUS_OPEN,
                            .price = one->price,
                            .stop_price = rest->stop_price,
                            .quantity = order_quantity(one),
                            .leaves = one->leaves,
                            .shown = one->shown,
                            .executed = one->executed,
                            .display = rest->display,
                            .executed_notional = rest->notional,
                            .expire_ns = rest->expire_ns,
                            .session = rest->session == NO_ROW ? 0 : engine->sessions[rest->session].id,
                            .client_id = rest->client_id};
}

bool mx_order_find(const mx_engine *engine, uint64_t order_id, mx_order_view *view) {
    uint32_t row =
        order_id == 0 ? NO_ROW : id_map_find(&engine->order_ids, engine->orders, sizeof(order), order_id);
    if (row != NO_ROW) order_view(engine, row, view);
    return row != NO_ROW;
}

bool mx_client_find(const mx_engine *engine, uint32_t number, uint32_t where, const mx_client_id *id,
                    uint64_t *order_id) {
    uint32_t row = NO_ROW;
    if (!mx_client_id_none(id))
        row = client_find(engine, client_hash(engine, number, where, id), number, where, id);
    *order_id = row == NO_ROW ? 0 : engine->client_rows[row].order_id;
    return row != NO_ROW;
}

uint32_t mx_account_position(const mx_engine *engine, uint32_t number, uint32_t index) {
    if (number >= engine->account_count || index >= engine->position_count) return engine->position_count;
    const position *last = &engine->positions[index]; /* row 0 is nobody's */
    bool known = index > 0 && last->account == number;
    uint32_t row = known ? last->next_own : engine->accounts[number].positions.head;
    while (row != NO_ROW && row <= index)
        row = engine->positions[row].next_own;
    return row == NO_ROW ? engine->position_count : row - 1;
}

void mx_position_at(const mx_engine *engine, uint32_t index, mx_position_view *view) {
    TW_ASSERT(index < engine->position_count);
    const position *held = &engine->positions[index + 1];
    uint64_t size = (uint64_t)(held->quantity < 0 ? -held->quantity : held->quantity);
    *view =
        (mx_position_view){.account = held->account,
                           .instrument = held->instrument,
                           .quantity = held->quantity,
                           .average_price = size == 0 ? TW_PRICE_ABSENT : (int64_t)((held->cost + size / 2) / size),
                           .cost = held->cost,
                           .realised = held->realised,
                           .open_buys = held->open_quantity[TW_BID],
                           .open_sells = held->open_quantity[TW_ASK],
                           .blocked = held->blocked};
}

bool mx_position_find(const mx_engine *engine, uint32_t number, uint32_t where, mx_position_view *view) {
    uint32_t row = position_find(engine, number, where);
    if (row != NO_ROW) mx_position_at(engine, row - 1, view);
    return row != NO_ROW;
}

bool mx_account_get(const mx_engine *engine, uint32_t number, mx_account_view *view) {
    if (number >= engine->account_count) return false;
    const account *owner = &engine->accounts[number];
    *view = (mx_account_view){.fee_class = owner->fee_class,
                              .limits_known = owner->limits_known,
                              .blocked = owner->blocked,
                              .killed = owner->killed,
                              .limits = owner->limits,
                              .spent = owner->spent,
                              .fees = owner->fees,
                              .reserved = owner->reserved,
                              .available =
                                  owner->limits_known ? owner->limits.funds - owner->spent - owner->reserved : 0,
                              .open_orders = owner->open_orders};
    memcpy(view->name, owner->name, sizeof view->name);
    return true;
}

bool mx_instrument_get(const mx_engine *engine, uint32_t number, mx_instrument_view *view) {
    if (number >= engine->instrument_count) return false;
    const instrument *where = &engine->instruments[number];
    *view = (mx_instrument_view){.definition = where->definition,
                                 .state = where->state,
                                 .blocked = where->blocked,
                                 .reference_price = where->reference_price,
                                 .last_price = where->last_price,
                                 .last_quantity = where->last_quantity};
    return true;
}

uint32_t mx_account_find(const mx_engine *engine, const char *name) {
    return tw_map_find(&engine->account_names, name); /* TW_MAP_NONE is MX_UNKNOWN */
}

uint32_t mx_instrument_find(const mx_engine *engine, const char *symbol) {
    return tw_map_find(&engine->instrument_names, symbol);
}

_Static_assert(TW_MAP_NONE == MX_UNKNOWN, "a name that is not there");

uint32_t mx_accounts(const mx_engine *engine) {
    return engine->account_count;
}

uint32_t mx_instruments(const mx_engine *engine) {
    return engine->instrument_count;
}

bool mx_storage_low(const mx_engine *engine) {
    return engine->storage_low;
}

uint32_t mx_positions(const mx_engine *engine) {
    return engine->position_count;
}

uint32_t mx_open_orders(const mx_engine *engine) {
    return engine->orders_live;
}

int64_t mx_now(const mx_engine *engine) {
    return engine->now_ns;
}

uint64_t mx_seq(const mx_engine *engine) {
    return engine->seq;
}

uint32_t mx_steps(const mx_engine *engine) {
    return engine->steps;
}

uint32_t mx_date(const mx_engine *engine) {
    return engine->day_date;
}

int64_t mx_day_end(const mx_engine *engine) {
    return engine->day_open ? engine->day_end_ns : TW_TIME_ABSENT;
}

static int64_t sooner(int64_t a, int64_t b) {
    return a == TW_TIME_ABSENT || b < a ? b : a;
}

int64_t mx_next_due(const mx_engine *engine) {
    if (engine->held) return engine->now_ns;
    int64_t due = TW_TIME_ABSENT;
    if (engine->day_open) due = engine->day_end_ns;
    if (engine->timer_count > 0) due = sooner(due, engine->rests[engine->timers[1]].expire_ns);
    if (engine->sessions_live > 0) due = sooner(due, engine->sessions_due_ns);
    return due;
}

void mx_orders_walk(const mx_engine *engine, uint32_t number, uint32_t where, uint64_t after, mx_order_walk *walk) {
    *walk = (mx_order_walk){.of_position = where != MX_EVERY};
    uint32_t held = walk->of_position ? position_find(engine, number, where) : NO_ROW;
    if (number >= engine->account_count || (walk->of_position && held == NO_ROW)) return;
    const row_list *lists = walk->of_position ? engine->positions[held].orders : engine->accounts[number].orders;
    uint32_t row = after == 0 ? NO_ROW : id_map_find(&engine->order_ids, engine->orders, sizeof(order), after);
    if (row != NO_ROW && engine->positions[engine->orders[row].position].account != number) row = NO_ROW;
    uint64_t entry = row != NO_ROW ? engine->rests[row].entry : 0;
    for (unsigned side = TW_BID; side <= TW_ASK; side++) {
        uint32_t next = lists[side].head;
        while (next != NO_ROW && engine->rests[next].entry <= entry)
            next = walk->of_position ? engine->rests[next].by_position.next : engine->rests[next].by_account.next;
        walk->next[side] = next;
    }
}

uint32_t mx_orders_next(const mx_engine *engine, mx_order_walk *walk, mx_order_view *views, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && (walk->next[TW_BID] != NO_ROW || walk->next[TW_ASK] != NO_ROW)) {
        uint32_t bid = walk->next[TW_BID], ask = walk->next[TW_ASK];
        unsigned side = ask == NO_ROW || (bid != NO_ROW && engine->rests[bid].entry < engine->rests[ask].entry)
                            ? TW_BID
                            : TW_ASK;
        const order_rest *rest = &engine->rests[walk->next[side]];
        order_view(engine, walk->next[side], &views[count++]);
        walk->next[side] = walk->of_position ? rest->by_position.next : rest->by_account.next;
    }
    return count;
}

uint32_t mx_account_orders(const mx_engine *engine, uint32_t number, uint64_t after, mx_order_view *views,
                           uint32_t capacity) {
    mx_order_walk walk;
    mx_orders_walk(engine, number, MX_EVERY, after, &walk);
    return mx_orders_next(engine, &walk, views, capacity);
}

uint32_t mx_book_top(const mx_engine *engine, uint32_t number, tw_side side, tw_level *levels, uint32_t depth) {
    if (number >= engine->instrument_count) return 0;
    const instrument *where = &engine->instruments[number];
    const ladder *book = &where->ladders[side];
    uint32_t count = 0, at = book->best_level;
    for (; at != NO_LEVEL && count < depth; at = ladder_next(&engine->room, book, at)) {
        const ladder_level *level = ladder_at(&engine->room, at);
        levels[count++] = (tw_level){.price = key_price(where, side, ladder_key_of(&engine->room, at)),
                                     .quantity = level->shown,
                                     .orders = level->orders};
    }
    return count;
}

static const ladder_level *level_at(const mx_engine *engine, uint32_t number, tw_side side, int64_t price) {
    if (number >= engine->instrument_count || price <= 0) return NULL;
    const instrument *where = &engine->instruments[number];
    if (price % where->step != 0) return NULL;
    uint32_t at = ladder_find(&engine->room, &where->ladders[side], price_key(where, side, price));
    return at == NO_LEVEL ? NULL : ladder_at(&engine->room, at);
}

bool mx_book_level(const mx_engine *engine, uint32_t number, tw_side side, int64_t price, uint64_t *shown,
                   uint64_t *total) {
    const ladder_level *level = level_at(engine, number, side, price);
    *shown = level != NULL ? level->shown : 0;
    *total = level != NULL ? level->total : 0;
    return level != NULL;
}

uint32_t mx_level_orders(const mx_engine *engine, uint32_t number, tw_side side, int64_t price,
                         mx_order_view *views, uint32_t capacity) {
    const ladder_level *level = level_at(engine, number, side, price);
    uint32_t count = 0, row = level != NULL ? level->head : NO_ROW;
    for (; row != NO_ROW && count < capacity; row = engine->orders[row].next)
        order_view(engine, row, &views[count++]);
    return count;
}
