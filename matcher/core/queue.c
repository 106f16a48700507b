/* Standing in a ladder: the queue of one price, first come first. */
#include "matcher/core/engine_internal.h"

static uint64_t shown_of(const order *one, const order_rest *rest) {
    if (one->place != PLACE_BOOK) return 0;
    return rest->display != 0 && rest->display < one->leaves ? rest->display : one->leaves;
}

static void level_append(mx_engine *engine, uint32_t row, uint32_t number) {
    ladder_level *level = ladder_at(&engine->room, number);
    order *one = &engine->orders[row];
    one->level = number;
    one->next = NO_ROW;
    one->prev = level->tail;
    if (level->tail != NO_ROW) {
        engine->orders[level->tail].next = row;
    } else {
        level->head = row;
    }
    level->tail = row;
}

static void level_unlink(mx_engine *engine, const order *one, ladder_level *level) {
    if (one->prev != NO_ROW) {
        engine->orders[one->prev].next = one->next;
    } else {
        level->head = one->next;
    }
    if (one->next != NO_ROW) {
        engine->orders[one->next].prev = one->prev;
    } else {
        level->tail = one->prev;
    }
}

/* At the end of its level; what it shows is set. False: no room. */
static bool stand(mx_engine *engine, uint32_t row, instrument *where) {
    order *one = &engine->orders[row];
    bool waits = one->place == PLACE_STOPS;
    unsigned way = waits ? other(one->side) : one->side;
    int64_t key = price_key(where, way, waits ? engine->rests[row].stop_price : one->price);
    uint32_t number = ladder_open(&engine->room, order_ladder(where, one), key);
    if (number == NO_LEVEL) return false;
    level_append(engine, row, number);
    ladder_level *level = ladder_at(&engine->room, number);
    level->shown += one->shown;
    level->total += one->leaves;
    level->orders++;
    return true;
}

bool queue_join(mx_engine *engine, uint32_t row, order_place place) {
    order *one = &engine->orders[row];
    order_rest *rest = &engine->rests[row];
    one->place = (uint8_t)place;
    one->shown = shown_of(one, rest);
    rest->joined = ++engine->joins;
    if (stand(engine, row, instrument_of(engine, one))) return true;
    one->place = PLACE_NONE;
    one->shown = 0;
    bounds_lack(engine, BOUND_PAGES);
    return false;
}

bool queue_restore(mx_engine *engine, uint32_t row) {
    return stand(engine, row, instrument_of(engine, &engine->orders[row]));
}

void queue_leave(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    ladder_level *level = ladder_at(&engine->room, one->level);
    level_unlink(engine, one, level);
    level->shown -= one->shown;
    level->total -= one->leaves;
    if (--level->orders == 0)
        ladder_close(&engine->room, order_ladder(instrument_of(engine, one), one), one->level);
    one->place = PLACE_NONE;
    one->level = NO_LEVEL;
    one->shown = 0;
}

void queue_refresh(mx_engine *engine, uint32_t row) {
    order *one = &engine->orders[row];
    ladder_level *level = ladder_at(&engine->room, one->level);
    level_unlink(engine, one, level);
    level_append(engine, row, one->level);
    one->shown = shown_of(one, &engine->rests[row]);
    level->shown += one->shown;
}

void queue_shrink(mx_engine *engine, uint32_t row, uint64_t less) {
    order *one = &engine->orders[row];
    ladder_level *level = ladder_at(&engine->room, one->level);
    one->leaves -= less;
    level->total -= less;
    if (one->shown > one->leaves) {
        level->shown -= one->shown - one->leaves;
        one->shown = one->leaves;
    }
}

bool queue_has_room(mx_engine *engine, uint32_t number, unsigned ladder_number, int64_t price) {
    const instrument *where = &engine->instruments[number];
    if (ladder_has_room(&engine->room, &where->ladders[ladder_number], price_key(where, ladder_number & 1, price)))
        return true;
    bounds_lack(engine, BOUND_PAGES);
    return false;
}
