/* Order books: looking at them. */
#include "orderbook/book_internal.h"

static const book_side *side_of(const ob_books *books, uint32_t instrument, tw_side side) {
    static const book_side nothing = {0};
    if (instrument >= books->limits.max_instruments || (unsigned)side > 1) return &nothing;
    return &books->books[instrument].sides[side];
}

static ob_order view_of(const resting_order *order, uint32_t instrument, unsigned side) {
    return (ob_order){.order_id = order->order_id,
                      .instrument = instrument,
                      .side = (tw_side)side,
                      .price = side_key(side, order->key),
                      .quantity = order->quantity};
}

bool ob_order_find(const ob_books *books, uint32_t instrument, uint64_t order_id, ob_order *order) {
    if (instrument >= books->limits.max_instruments) return false;
    const uint64_t *slot = order_index_find(&books->index, &books->pool, instrument, order_id);
    if (slot == NULL) return false;
    *order = view_of(&books->pool.orders[order_slot_handle(*slot)], instrument, order_slot_side(*slot));
    return true;
}

uint32_t ob_book_below(const ob_books *books, uint32_t instrument, tw_side side, uint32_t skip, tw_level *levels,
                       uint32_t depth) {
    const book_side *from = side_of(books, instrument, side);
    uint32_t count = from->count > skip ? from->count - skip : 0;
    if (depth > count) depth = count;
    const int64_t *key = side_keys(&books->arena, from) + count;
    const price_level *level = side_levels(&books->arena, from) + count;
    for (uint32_t rank = 0; rank < depth; rank++) {
        key--;
        level--;
        levels[rank].price = side_key((unsigned)side, *key);
        levels[rank].quantity = level->quantity;
        levels[rank].orders = level->orders;
    }
    return depth;
}

uint32_t ob_book_top(const ob_books *books, uint32_t instrument, tw_side side, tw_level *levels, uint32_t depth) {
    return ob_book_below(books, instrument, side, 0, levels, depth);
}

uint32_t ob_book_levels(const ob_books *books, uint32_t instrument, tw_side side) {
    return side_of(books, instrument, side)->count;
}

uint32_t ob_book_orders(const ob_books *books, uint32_t instrument) {
    return instrument < books->limits.max_instruments ? books->books[instrument].orders : 0;
}

uint32_t ob_books_orders(const ob_books *books) {
    return books->pool.live;
}

uint32_t ob_books_level_slots(const ob_books *books) {
    return books->arena.used_units * LEVELS_PER_UNIT;
}

uint32_t ob_level_orders(const ob_books *books, uint32_t instrument, tw_side side, int64_t price, ob_order *orders,
                         uint32_t capacity) {
    const book_side *from = side_of(books, instrument, side);
    uint32_t at = side_find(&books->arena, from, side_key((unsigned)side & 1, price));
    if (at == from->count) return 0;
    uint32_t handle = side_levels(&books->arena, from)[at].head, written = 0;
    for (; handle != NO_ORDER && written < capacity; handle = books->pool.orders[handle].next)
        orders[written++] = view_of(&books->pool.orders[handle], instrument, (unsigned)side);
    return written;
}
