/* An order's life outside of matching: its row, the lists it is in, what it reserves. */
#include "matcher/core/engine_internal.h"

uint32_t order_take(mx_engine *engine) {
    uint32_t row = engine->orders_free;
    if (row != NO_ROW) {
        engine->orders_free = engine->orders[row].next;
    } else {
        row = ++engine->orders_used;
    }
    engine->orders_live++;
    return row;
}

static void account_link(mx_engine *engine, uint32_t row, account *owner) {
    order_rest *rest = &engine->rests[row];
    rest->account_next = NO_ROW;
    rest->account_prev = owner->orders.tail;
    if (rest->account_prev != NO_ROW) {
        engine->rests[rest->account_prev].account_next = row;
    } else {
        owner->orders.head = row;
    }
    owner->orders.tail = row;
    owner->open_orders++;
}

static void account_unlink(mx_engine *engine, const order_rest *rest, account *owner) {
    if (rest->account_prev != NO_ROW) {
        engine->rests[rest->account_prev].account_next = rest->account_next;
    } else {
        owner->orders.head = rest->account_next;
    }
    if (rest->account_next != NO_ROW) {
        engine->rests[rest->account_next].account_prev = rest->account_prev;
    } else {
        owner->orders.tail = rest->account_prev;
    }
    owner->open_orders--;
}

static void session_orders_link(mx_engine *engine, uint32_t row) {
    order_rest *rest = &engine->rests[row];
    row_list *list = &engine->sessions[rest->session].orders;
    rest->session_next = NO_ROW;
    rest->session_prev = list->tail;
    if (list->tail != NO_ROW) {
        engine->rests[list->tail].session_next = row;
    } else {
        list->head = row;
    }
    list->tail = row;
}

static void session_orders_unlink(mx_engine *engine, const order_rest *rest) {
    row_list *list = &engine->sessions[rest->session].orders;
    if (rest->session_prev != NO_ROW) {
        engine->rests[rest->session_prev].session_next = rest->session_next;
    } else {
        list->head = rest->session_next;
    }
    if (rest->session_next != NO_ROW) {
        engine->rests[rest->session_next].session_prev = rest->session_prev;
    } else {
        list->tail = rest->session_prev;
    }
}

void order_link_lists(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    account_link(engine, row, account_of(engine, one));
    if (engine->rests[row].session != NO_ROW) session_orders_link(engine, row);
    if (one->tif == MX_GTD) timer_add(engine, row);
    instrument_of(engine, one)->open_orders++;
    one->linked = true;
}

void order_link(mx_engine *engine, uint32_t row) {
    id_map_add(&engine->order_ids, engine->orders[row].id, row);
    order_link_lists(engine, row);
}

static void order_unlink(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    id_map_remove(&engine->order_ids, one->id, row);
    account_unlink(engine, rest, account_of(engine, one));
    if (rest->session != NO_ROW) session_orders_unlink(engine, rest);
    if (rest->timer_at != 0) timer_remove(engine, row);
    instrument_of(engine, one)->open_orders--;
}

void order_free(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    TW_ASSERT_HOT(one->place == PLACE_NONE);
    if (one->linked) order_unlink(engine, row);
    one->id = 0;
    one->next = engine->orders_free;
    engine->orders_free = row;
    engine->orders_live--;
}

void order_end(mx_engine *engine, uint32_t row, mx_report_kind kind, mx_reason reason) {
    order *one = &engine->orders[row];
    if (one->place != PLACE_NONE) queue_leave(engine, row);
    emit_order(engine, kind, reason, row);
    order_release(engine, one, one->leaves);
    order_free(engine, row);
}

/* A sell that waits is worth its stop price, about which it will come: a limit far below would hide what it sells for. */
mx_money open_notional(const mx_engine *engine, const order *one, uint64_t quantity) {
    int64_t worth = one->price;
    if (one->side == TW_ASK && !one->triggered && (one->type == MX_STOP || one->type == MX_STOP_LIMIT)) {
        int64_t stop_price = engine->rests[one - engine->orders].stop_price;
        if (stop_price > worth) worth = stop_price;
    }
    return (mx_money)worth * (int64_t)quantity;
}

void order_reserve(mx_engine *engine, const order *one) {
    position *held = &engine->positions[one->position];
    account *owner = &engine->accounts[held->account];
    mx_money notional = open_notional(engine, one, one->leaves);
    held->open_quantity[one->side] += one->leaves;
    held->open += notional;
    owner->open += notional;
    if (one->side == TW_BID) owner->reserved += notional;
}

void order_release(mx_engine *engine, const order *one, uint64_t quantity) {
    position *held = &engine->positions[one->position];
    account *owner = &engine->accounts[held->account];
    mx_money notional = open_notional(engine, one, quantity);
    held->open_quantity[one->side] -= quantity;
    held->open -= notional;
    owner->open -= notional;
    if (one->side == TW_BID) owner->reserved -= notional;
}
