/* The order book as one would explain it. */
#include "tests/support/naive_book.h"

#include <stdlib.h>
#include <string.h>

void naive_book_init(naive_book *book, uint32_t instruments) {
    *book = (naive_book){.instruments = instruments};
}

void naive_book_fini(naive_book *book) {
    free(book->orders);
    *book = (naive_book){0};
}

static ob_order *find(const naive_book *book, uint32_t instrument, uint64_t order_id) {
    for (size_t i = 0; i < book->count; i++)
        if (book->orders[i].instrument == instrument && book->orders[i].order_id == order_id)
            return &book->orders[i];
    return NULL;
}

const ob_order *naive_order_find(const naive_book *book, uint32_t instrument, uint64_t order_id) {
    return find(book, instrument, order_id);
}

static void append(naive_book *book, ob_order order) {
    if (book->count == book->capacity) {
        book->capacity = book->capacity * 2 + 64;
        book->orders = realloc(book->orders, book->capacity * sizeof *book->orders);
        if (book->orders == NULL) abort();
    }
    book->orders[book->count++] = order;
}

static void take_out(naive_book *book, const ob_order *order) {
    size_t at = (size_t)(order - book->orders);
    memmove(&book->orders[at], &book->orders[at + 1], (--book->count - at) * sizeof *book->orders);
}

static bool better(tw_side side, int64_t price, int64_t than) {
    return side == TW_BID ? price > than : price < than;
}

/* The best price that is worse than `limit` (any, if `first`). */
static bool next_price(const naive_book *book, uint32_t instrument, tw_side side, bool first, int64_t limit,
                       int64_t *price) {
    bool found = false;
    for (size_t i = 0; i < book->count; i++) {
        const ob_order *order = &book->orders[i];
        if (order->instrument != instrument || order->side != side) continue;
        if (!first && !better(side, limit, order->price)) continue;
        if (!found || better(side, order->price, *price)) *price = order->price;
        found = true;
    }
    return found;
}

static uint32_t rank_of(const naive_book *book, uint32_t instrument, tw_side side, int64_t price) {
    uint32_t rank = 0;
    int64_t at = 0;
    bool first = true;
    while (next_price(book, instrument, side, first, at, &at) && better(side, at, price)) {
        rank++;
        first = false;
    }
    return rank;
}

static uint64_t resting_at(const naive_book *book, uint32_t instrument, tw_side side, int64_t price,
                           uint32_t *orders) {
    uint64_t quantity = 0;
    *orders = 0;
    for (size_t i = 0; i < book->count; i++) {
        const ob_order *order = &book->orders[i];
        if (order->instrument != instrument || order->side != side || order->price != price) continue;
        quantity += order->quantity;
        ++*orders;
    }
    return quantity;
}

static bool too_large(const naive_book *book, uint32_t instrument, tw_side side, int64_t price, uint64_t less,
                      uint64_t quantity) {
    uint32_t orders;
    return UINT64_MAX - (resting_at(book, instrument, side, price, &orders) - less) < quantity;
}

ob_result naive_order_add(naive_book *book, uint32_t instrument, uint64_t order_id, tw_side side, int64_t price,
                          uint64_t quantity, ob_change *change) {
    if (instrument >= book->instruments || quantity == 0 || price == TW_PRICE_ABSENT) return OB_BAD_ORDER;
    if (side != TW_BID && side != TW_ASK) return OB_BAD_ORDER;
    if (find(book, instrument, order_id) != NULL) return OB_DUPLICATE_ORDER;
    if (too_large(book, instrument, side, price, 0, quantity)) return OB_BAD_ORDER;
    append(book, (ob_order){order_id, instrument, side, price, quantity});
    *change = (ob_change){side, price, quantity, quantity, rank_of(book, instrument, side, price)};
    return OB_OK;
}

ob_result naive_order_reduce(naive_book *book, uint32_t instrument, uint64_t order_id, uint64_t quantity,
                             ob_change *change) {
    if (instrument >= book->instruments || quantity == 0) return OB_BAD_ORDER;
    ob_order *order = find(book, instrument, order_id);
    if (order == NULL) return OB_UNKNOWN_ORDER;
    if (quantity > order->quantity) return OB_TOO_MUCH;
    *change = (ob_change){order->side, order->price, order->quantity, order->quantity - quantity,
                          rank_of(book, instrument, order->side, order->price)};
    order->quantity -= quantity;
    if (order->quantity == 0) take_out(book, order);
    return OB_OK;
}

ob_result naive_order_delete(naive_book *book, uint32_t instrument, uint64_t order_id, ob_change *change) {
    if (instrument >= book->instruments) return OB_BAD_ORDER;
    const ob_order *order = find(book, instrument, order_id);
    if (order == NULL) return OB_UNKNOWN_ORDER;
    return naive_order_reduce(book, instrument, order_id, order->quantity, change);
}

ob_result naive_order_replace(naive_book *book, uint32_t instrument, uint64_t old_id, uint64_t new_id,
                              int64_t price, uint64_t quantity, ob_change *change) {
    if (instrument >= book->instruments || quantity == 0 || price == TW_PRICE_ABSENT) return OB_BAD_ORDER;
    const ob_order *found = find(book, instrument, old_id);
    if (found == NULL) return OB_UNKNOWN_ORDER;
    if (new_id != old_id && find(book, instrument, new_id) != NULL) return OB_DUPLICATE_ORDER;
    ob_order old = *found;
    if (too_large(book, instrument, old.side, price, price == old.price ? old.quantity : 0, quantity))
        return OB_BAD_ORDER;
    uint32_t before = rank_of(book, instrument, old.side, old.price);
    take_out(book, found);
    append(book, (ob_order){new_id, instrument, old.side, price, quantity});
    uint32_t after = rank_of(book, instrument, old.side, price);
    *change = (ob_change){old.side, old.price, old.quantity, quantity, before < after ? before : after};
    return OB_OK;
}

uint32_t naive_level_clear(naive_book *book, uint32_t instrument, tw_side side, int64_t price) {
    uint32_t left = 0;
    for (size_t i = 0; i < book->count;) {
        const ob_order *order = &book->orders[i];
        if (order->instrument == instrument && order->side == side && order->price == price) {
            take_out(book, order);
            left++;
        } else {
            i++;
        }
    }
    return left;
}

void naive_book_clear(naive_book *book, uint32_t instrument) {
    for (size_t i = 0; i < book->count;) {
        if (book->orders[i].instrument == instrument) {
            take_out(book, &book->orders[i]);
        } else {
            i++;
        }
    }
}

uint32_t naive_book_top(const naive_book *book, uint32_t instrument, tw_side side, tw_level *levels,
                        uint32_t depth) {
    uint32_t count = 0;
    int64_t price = 0;
    while (count < depth && next_price(book, instrument, side, count == 0, price, &price)) {
        levels[count].price = price;
        levels[count].quantity = resting_at(book, instrument, side, price, &levels[count].orders);
        count++;
    }
    return count;
}

uint32_t naive_level_orders(const naive_book *book, uint32_t instrument, tw_side side, int64_t price,
                            ob_order *orders, uint32_t capacity) {
    uint32_t count = 0;
    for (size_t i = 0; i < book->count && count < capacity; i++) {
        const ob_order *order = &book->orders[i];
        if (order->instrument == instrument && order->side == side && order->price == price)
            orders[count++] = *order;
    }
    return count;
}

uint32_t naive_book_orders(const naive_book *book, uint32_t instrument) {
    uint32_t count = 0;
    for (size_t i = 0; i < book->count; i++)
        count += book->orders[i].instrument == instrument;
    return count;
}
