/* Order books: what changes them. Looking at them is book_view.c's, checking them book_check.c's. */
#include "orderbook/book.h"

#include <stdlib.h>

#include "base/assert.h"
#include "orderbook/book_internal.h"
#include "orderbook/pages.h"

#ifdef OB_CHECK_EVERY_CHANGE
#define CHANGED(books, instrument) TW_ASSERT(book_check_one(books, instrument, NULL))
#else
#define CHANGED(books, instrument) ((void)0)
#endif

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Up to one order of so many that may live can be taken out one by one at a day's end: some ten milliseconds. */
#define FEW_ORDERS 8

/* An order where it rests. */
typedef struct resting {
    uint64_t *slot;
    resting_order *order;
    book_side *side;
    uint32_t handle;
    unsigned which; /* side as a number */
    uint32_t at;    /* its level */
} resting;

static bool limits_valid(const ob_limits *limits) {
    return limits->max_instruments >= 1 && limits->max_instruments <= UINT32_C(1) << 20 &&
           limits->max_orders >= 1 && limits->max_orders <= UINT32_C(1) << 30 && limits->max_levels >= 1 &&
           limits->max_levels <= UINT32_C(1) << 30;
}

tw_code ob_books_alloc(ob_books **books, const ob_limits *limits, tw_error *error) {
    *books = NULL;
    if (!limits_valid(limits))
        return tw_error_set(error, TW_INVALID,
                            "order book limits out of range: %u instruments, %u orders, %u levels",
                            limits->max_instruments, limits->max_orders, limits->max_levels);
    ob_books *made = calloc(1, sizeof *made);
    if (made == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for order books");
    made->limits = *limits;
    made->books = ob_pages_alloc(limits->max_instruments * sizeof(instrument_book));
    bool pool = order_pool_init(&made->pool, limits->max_orders);
    bool index = order_index_init(&made->index, limits->max_orders);
    bool arena = level_arena_init(&made->arena, limits->max_levels);
    if (made->books == NULL || !pool || !index || !arena) {
        ob_books_free(made);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for order books of %zu bytes", ob_books_bytes(limits));
    }
    *books = made;
    return TW_OK;
}

void ob_books_free(ob_books *books) {
    if (books == NULL) return;
    ob_pages_free(books->books, books->limits.max_instruments * sizeof(instrument_book));
    order_pool_fini(&books->pool);
    order_index_fini(&books->index);
    level_arena_fini(&books->arena);
    free(books);
}

size_t ob_books_bytes(const ob_limits *limits) {
    return sizeof(ob_books) + ob_pages_round(limits->max_instruments * sizeof(instrument_book)) +
           ob_pages_round(order_pool_bytes(limits->max_orders)) +
           ob_pages_round(order_index_bytes(limits->max_orders)) + level_arena_bytes(limits->max_levels);
}

static bool find_resting(ob_books *books, uint32_t instrument, uint64_t order_id, resting *found) {
    uint64_t *slot = order_index_find(&books->index, &books->pool, instrument, order_id);
    if (UNLIKELY(slot == NULL)) return false;
    found->slot = slot;
    found->handle = order_slot_handle(*slot);
    found->which = order_slot_side(*slot);
    found->order = &books->pool.orders[found->handle];
    found->side = &books->books[instrument].sides[found->which];
    found->at = side_find(&books->arena, found->side, found->order->key);
    TW_ASSERT_HOT(found->at < found->side->count);
    return true;
}

static void describe(const resting *found, uint64_t remaining, ob_change *change) {
    change->side = (tw_side)found->which;
    change->price = side_key(found->which, found->order->key);
    change->quantity = found->order->quantity;
    change->remaining = remaining;
    change->rank = found->side->count - 1 - found->at;
}

static void join_level(order_pool *pool, price_level *level, uint32_t handle) {
    resting_order *joining = &pool->orders[handle];
    joining->next = NO_ORDER;
    joining->prev = level->tail;
    if (level->tail == NO_ORDER) {
        level->head = handle;
    } else {
        pool->orders[level->tail].next = handle;
    }
    level->tail = handle;
    level->orders++;
    level->quantity += joining->quantity;
}

static void leave_level(order_pool *pool, price_level *level, const resting_order *leaving) {
    if (leaving->prev == NO_ORDER) {
        level->head = leaving->next;
    } else {
        pool->orders[leaving->prev].next = leaving->next;
    }
    if (leaving->next == NO_ORDER) {
        level->tail = leaving->prev;
    } else {
        pool->orders[leaving->next].prev = leaving->prev;
    }
    level->orders--;
    level->quantity -= leaving->quantity;
}

static void remove_resting(ob_books *books, uint32_t instrument, const resting *found) {
    price_level *level = &side_levels(&books->arena, found->side)[found->at];
    order_index_remove(&books->index, found->slot, instrument, found->order->order_id);
    if (level->orders == 1) {
        side_close(&books->arena, found->side, found->at);
        side_trim(&books->arena, found->side);
    } else {
        leave_level(&books->pool, level, found->order);
    }
    order_pool_give(&books->pool, found->handle);
    books->books[instrument].orders--;
}

/* Whether `quantity` can rest at this level too: the sum of a level is 64 bits. */
static bool fits(const price_level *level, uint64_t quantity) {
    return level->quantity + quantity >= quantity;
}

ob_result ob_order_add(ob_books *books, uint32_t instrument, uint64_t order_id, tw_side side, int64_t price,
                       uint64_t quantity, ob_change *change) {
    unsigned which = (unsigned)side;
    if (UNLIKELY(instrument >= books->limits.max_instruments || which > 1 || quantity == 0 ||
                 price == TW_PRICE_ABSENT))
        return OB_BAD_ORDER;
    if (UNLIKELY(order_index_find(&books->index, &books->pool, instrument, order_id) != NULL))
        return OB_DUPLICATE_ORDER;
    if (UNLIKELY(order_pool_full(&books->pool))) return OB_FULL_ORDERS;

    book_side *levels = &books->books[instrument].sides[which];
    int64_t key = side_key(which, price);
    uint32_t after = side_search(side_keys(&books->arena, levels), levels->count, key);
    price_level *level;
    if (after > 0 && side_keys(&books->arena, levels)[after - 1] == key) {
        level = &side_levels(&books->arena, levels)[--after];
        if (UNLIKELY(!fits(level, quantity))) return OB_BAD_ORDER;
    } else {
        if (UNLIKELY(!side_reserve(&books->arena, levels))) return OB_FULL_LEVELS;
        level = side_open(&books->arena, levels, after, key);
    }
    uint32_t handle = order_pool_take(&books->pool);
    resting_order *added = &books->pool.orders[handle];
    added->order_id = order_id;
    added->key = key;
    added->quantity = quantity;
    join_level(&books->pool, level, handle);
    order_index_insert(&books->index, instrument, order_id, which, handle);
    books->books[instrument].orders++;
    *change = (ob_change){.side = side,
                          .price = price,
                          .quantity = quantity,
                          .remaining = quantity,
                          .rank = levels->count - 1 - after};
    CHANGED(books, instrument);
    return OB_OK;
}

ob_result ob_order_reduce(ob_books *books, uint32_t instrument, uint64_t order_id, uint64_t quantity,
                          ob_change *change) {
    if (UNLIKELY(instrument >= books->limits.max_instruments || quantity == 0)) return OB_BAD_ORDER;
    resting found;
    if (UNLIKELY(!find_resting(books, instrument, order_id, &found))) return OB_UNKNOWN_ORDER;
    if (UNLIKELY(quantity > found.order->quantity)) return OB_TOO_MUCH;
    describe(&found, found.order->quantity - quantity, change);
    if (quantity == found.order->quantity) {
        remove_resting(books, instrument, &found);
    } else {
        found.order->quantity -= quantity;
        side_levels(&books->arena, found.side)[found.at].quantity -= quantity;
    }
    CHANGED(books, instrument);
    return OB_OK;
}

ob_result ob_order_delete(ob_books *books, uint32_t instrument, uint64_t order_id, ob_change *change) {
    if (UNLIKELY(instrument >= books->limits.max_instruments)) return OB_BAD_ORDER;
    resting found;
    if (UNLIKELY(!find_resting(books, instrument, order_id, &found))) return OB_UNKNOWN_ORDER;
    describe(&found, 0, change);
    remove_resting(books, instrument, &found);
    CHANGED(books, instrument);
    return OB_OK;
}

/* Moves the order to the end of the level of `key` with `quantity`. Nothing is changed unless OB_OK. */
static ob_result move_resting(ob_books *books, resting *found, int64_t key, uint64_t quantity) {
    level_arena *arena = &books->arena;
    book_side *side = found->side;
    price_level *old = &side_levels(arena, side)[found->at];
    uint32_t target = key == found->order->key ? found->at : side_find(arena, side, key);
    bool exists = target < side->count;
    if (exists) {
        uint64_t without = side_levels(arena, side)[target].quantity;
        if (target == found->at) without -= found->order->quantity;
        if (without + quantity < quantity) return OB_BAD_ORDER;
    }
    bool leaves = old->orders == 1;
    if (!exists && !leaves) {
        if (!side_reserve(arena, side)) return OB_FULL_LEVELS;
        old = &side_levels(arena, side)[found->at];
    }
    leave_level(&books->pool, old, found->order);
    if (leaves && target != found->at) side_close(arena, side, found->at); /* its room is enough for a new one */
    uint32_t after = side_search(side_keys(arena, side), side->count, key);
    price_level *level = exists ? &side_levels(arena, side)[after - 1] : side_open(arena, side, after, key);
    found->order->key = key;
    found->order->quantity = quantity;
    join_level(&books->pool, level, found->handle);
    found->at = exists ? after - 1 : after;
    side_trim(arena, side);
    return OB_OK;
}

ob_result ob_order_replace(ob_books *books, uint32_t instrument, uint64_t old_id, uint64_t new_id, int64_t price,
                           uint64_t quantity, ob_change *change) {
    if (UNLIKELY(instrument >= books->limits.max_instruments || quantity == 0 || price == TW_PRICE_ABSENT))
        return OB_BAD_ORDER;
    resting found;
    if (UNLIKELY(!find_resting(books, instrument, old_id, &found))) return OB_UNKNOWN_ORDER;
    if (UNLIKELY(new_id != old_id && order_index_find(&books->index, &books->pool, instrument, new_id) != NULL))
        return OB_DUPLICATE_ORDER;
    ob_change before;
    describe(&found, quantity, &before);
    ob_result result = move_resting(books, &found, side_key(found.which, price), quantity);
    if (UNLIKELY(result != OB_OK)) return result;
    if (new_id != old_id) {
        order_index_remove(&books->index, found.slot, instrument, old_id);
        found.order->order_id = new_id;
        order_index_insert(&books->index, instrument, new_id, found.which, found.handle);
    }
    uint32_t rank = found.side->count - 1 - found.at;
    if (rank < before.rank) before.rank = rank;
    *change = before;
    CHANGED(books, instrument);
    return OB_OK;
}

/* Takes every order of a level out of index and pool; the level itself is the caller's to close. */
static void release_orders(ob_books *books, uint32_t instrument, const price_level *level) {
    for (uint32_t handle = level->head; handle != NO_ORDER;) {
        const resting_order *leaving = &books->pool.orders[handle];
        uint32_t next = leaving->next;
        uint64_t *slot = order_index_find(&books->index, &books->pool, instrument, leaving->order_id);
        order_index_remove(&books->index, slot, instrument, leaving->order_id);
        order_pool_give(&books->pool, handle);
        handle = next;
    }
    books->books[instrument].orders -= level->orders;
}

uint32_t ob_level_clear(ob_books *books, uint32_t instrument, tw_side side, int64_t price) {
    if (instrument >= books->limits.max_instruments || (unsigned)side > 1) return 0;
    book_side *levels = &books->books[instrument].sides[side];
    uint32_t at = side_find(&books->arena, levels, side_key((unsigned)side, price));
    if (at == levels->count) return 0;
    price_level gone = side_levels(&books->arena, levels)[at];
    release_orders(books, instrument, &gone);
    side_close(&books->arena, levels, at);
    side_trim(&books->arena, levels);
    CHANGED(books, instrument);
    return gone.orders;
}

void ob_book_clear(ob_books *books, uint32_t instrument) {
    if (instrument >= books->limits.max_instruments) return;
    for (unsigned side = 0; side < 2; side++) {
        book_side *levels = &books->books[instrument].sides[side];
        for (uint32_t at = 0; at < levels->count; at++)
            release_orders(books, instrument, &side_levels(&books->arena, levels)[at]);
        levels->count = 0;
        side_trim(&books->arena, levels);
    }
    CHANGED(books, instrument);
}

/* Gives all tables back to the system: the same few milliseconds however full they are. */
static void drop_tables(ob_books *books) {
    order_index_clear(&books->index);
    level_arena_clear(&books->arena);
    memset(books->books, 0, books->limits.max_instruments * sizeof(instrument_book));
}

/* Most orders of a day have left by its end. Taking out the rest one by one leaves index and levels as if new, in
 * memory that need not be faulted in again at the next day's open. */
void ob_books_clear(ob_books *books) {
    if (books->pool.live > books->limits.max_orders / FEW_ORDERS) {
        drop_tables(books);
    } else {
        for (uint32_t i = 0; i < books->limits.max_instruments; i++)
            ob_book_clear(books, i);
    }
    order_pool_clear(&books->pool);
}

/* Where an order is found, and its book. Going on to the order and the levels was measured too: out-of-order
 * execution hides those misses as well, and looking into the index twice costs what it saves. */
void ob_prefetch(const ob_books *books, unsigned stage, uint32_t instrument, uint64_t order_id) {
    if (UNLIKELY(instrument >= books->limits.max_instruments || stage > 0)) return;
    __builtin_prefetch(&books->index.buckets[order_index_home(&books->index, order_id)], 1);
    __builtin_prefetch(&books->books[instrument], 1);
}
