/* An order's life outside of matching: its row, the lists it is in, what it reserves. */
#include <stddef.h>

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

static row_link *link_at(mx_engine *engine, uint32_t row, size_t which) {
    return (row_link *)(void *)((char *)&engine->rests[row] + which);
}

/* `which`: the offset of the link within order_rest. */
static void list_append(mx_engine *engine, row_list *list, uint32_t row, size_t which) {
    *link_at(engine, row, which) = (row_link){.next = NO_ROW, .prev = list->tail};
    if (list->tail != NO_ROW) {
        link_at(engine, list->tail, which)->next = row;
    } else {
        list->head = row;
    }
    list->tail = row;
}

static void list_remove(mx_engine *engine, row_list *list, row_link from, size_t which) {
    if (from.prev != NO_ROW) {
        link_at(engine, from.prev, which)->next = from.next;
    } else {
        list->head = from.next;
    }
    if (from.next != NO_ROW) {
        link_at(engine, from.next, which)->prev = from.prev;
    } else {
        list->tail = from.prev;
    }
}

static void count_day_order(mx_engine *engine, instrument *where, uint32_t change) {
    where->day_orders += change;
    engine->day_orders += change;
}

void order_link_lists(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    position *held = &engine->positions[one->position];
    account *owner = &engine->accounts[held->account];
    instrument *where = &engine->instruments[held->instrument];
    list_append(engine, &owner->orders[one->side], row, offsetof(order_rest, by_account));
    owner->open_orders++;
    list_append(engine, &held->orders[one->side], row, offsetof(order_rest, by_position));
    held->open_orders[one->side]++;
    uint32_t talk = engine->rests[row].session;
    if (talk != NO_ROW) list_append(engine, &engine->sessions[talk].orders, row, offsetof(order_rest, by_session));
    if (one->tif == MX_GTD) timer_add(engine, row);
    if (one->tif == MX_DAY) count_day_order(engine, where, 1);
    where->open_orders++;
    one->linked = true;
}

void order_link(mx_engine *engine, uint32_t row) {
    id_map_add(&engine->order_ids, engine->orders[row].id, row);
    order_link_lists(engine, row);
}

static void order_unlink(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    const order_rest *rest = &engine->rests[row];
    position *held = &engine->positions[one->position];
    account *owner = &engine->accounts[held->account];
    instrument *where = &engine->instruments[held->instrument];
    id_map_remove(&engine->order_ids, one->id, row);
    list_remove(engine, &owner->orders[one->side], rest->by_account, offsetof(order_rest, by_account));
    owner->open_orders--;
    list_remove(engine, &held->orders[one->side], rest->by_position, offsetof(order_rest, by_position));
    held->open_orders[one->side]--;
    if (rest->session != NO_ROW)
        list_remove(engine, &engine->sessions[rest->session].orders, rest->by_session,
                    offsetof(order_rest, by_session));
    if (rest->timer_at != 0) timer_remove(engine, row);
    if (one->tif == MX_DAY) count_day_order(engine, where, UINT32_MAX);
    where->open_orders--;
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
