/* Order books: the walk that compares every structure with every other. */
#include "base/error.h"
#include "orderbook/book_internal.h"

static bool fault(tw_error *error, uint32_t instrument, const char *what) {
    tw_error_set(error, TW_INVALID, "order book of instrument %u: %s", instrument, what);
    return false;
}

/* What is wrong with an order of a level, NULL if nothing is. */
static const char *order_fault(const ob_books *books, uint32_t instrument, unsigned side, uint32_t handle,
                               uint32_t prev, int64_t key) {
    if (handle > books->pool.used) return "a link leads out of the order pool";
    const resting_order *order = &books->pool.orders[handle];
    if (order->quantity == 0) return "an order without quantity rests";
    if (order->prev != prev) return "the links of a level do not match";
    if (order->key != key) return "an order rests at another price's level";
    const uint64_t *slot = order_index_find(&books->index, &books->pool, instrument, order->order_id);
    if (slot == NULL) return "an order is not in the index";
    if (order_slot_handle(*slot) != handle) return "the index leads to another order";
    if (order_slot_side(*slot) != side) return "the index has an order on the other side";
    return NULL;
}

static const char *level_fault(const ob_books *books, uint32_t instrument, unsigned side, const price_level *level,
                               int64_t key) {
    uint64_t quantity = 0;
    uint32_t orders = 0, prev = NO_ORDER;
    for (uint32_t handle = level->head; handle != NO_ORDER; handle = books->pool.orders[handle].next) {
        const char *what = order_fault(books, instrument, side, handle, prev, key);
        if (what != NULL) return what;
        if (++orders > level->orders) return "a level has more orders than it counts";
        quantity += books->pool.orders[handle].quantity;
        prev = handle;
    }
    if (orders == 0) return "a level is empty";
    if (orders != level->orders) return "a level has fewer orders than it counts";
    if (prev != level->tail) return "a level ends at another order";
    if (quantity != level->quantity) return "a level's quantity is not the sum of its orders";
    return NULL;
}

static const char *side_fault(const ob_books *books, uint32_t instrument, unsigned which, uint32_t *orders) {
    const book_side *side = &books->books[instrument].sides[which];
    if (side->count > side->capacity) return "a side has more levels than room";
    if (side->count == 0) return side->capacity == 0 ? NULL : "an empty side keeps memory";
    const int64_t *keys = side_keys(&books->arena, side);
    const price_level *levels = side_levels(&books->arena, side);
    for (uint32_t at = 0; at < side->count; at++) {
        if (at > 0 && keys[at - 1] >= keys[at]) return "the levels are not sorted";
        const char *what = level_fault(books, instrument, which, &levels[at], keys[at]);
        if (what != NULL) return what;
        *orders += levels[at].orders;
    }
    return NULL;
}

bool book_check_one(const ob_books *books, uint32_t instrument, tw_error *error) {
    uint32_t orders = 0;
    for (unsigned side = 0; side < 2; side++) {
        const char *what = side_fault(books, instrument, side, &orders);
        if (what != NULL) return fault(error, instrument, what);
    }
    if (orders != books->books[instrument].orders) return fault(error, instrument, "the orders are miscounted");
    return true;
}

static bool index_check(const ob_books *books, tw_error *error) {
    const order_index *index = &books->index;
    uint64_t used = 0, passed = 0, steps = 0;
    for (uint64_t at = 0; at <= index->mask; at++) {
        passed += index->buckets[at].overflow;
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            uint64_t slot = index->buckets[at].slots[i];
            if (slot == 0) continue;
            used++;
            uint64_t order_id = books->pool.orders[order_slot_handle(slot)].order_id;
            uint64_t walk = order_index_home(index, order_id);
            for (; walk != at; steps++)
                walk = (walk + order_index_step(order_slot_instrument(slot), order_id)) & index->mask;
        }
    }
    if (used == books->pool.live && passed == steps) return true;
    tw_error_set(error, TW_INVALID, "order index: %llu slots for %u orders, %llu passed by, %llu steps",
                 (unsigned long long)used, books->pool.live, (unsigned long long)passed, (unsigned long long)steps);
    return false;
}

static bool pool_check(const ob_books *books, tw_error *error) {
    const order_pool *pool = &books->pool;
    uint32_t unused = 0;
    for (uint32_t handle = pool->free_head; handle != NO_ORDER; handle = pool->orders[handle].next) {
        if (handle <= pool->used && pool->orders[handle].quantity == 0 && ++unused <= pool->used) continue;
        tw_error_set(error, TW_INVALID, "order pool: the free stack holds order %u that is not free", handle);
        return false;
    }
    if (pool->live + unused == pool->used) return true;
    tw_error_set(error, TW_INVALID, "order pool: %u live and %u free of %u", pool->live, unused, pool->used);
    return false;
}

bool ob_books_check(const ob_books *books, tw_error *error) {
    uint64_t orders = 0, slots = 0;
    for (uint32_t instrument = 0; instrument < books->limits.max_instruments; instrument++) {
        if (!book_check_one(books, instrument, error)) return false;
        orders += books->books[instrument].orders;
        slots += books->books[instrument].sides[0].capacity + books->books[instrument].sides[1].capacity;
    }
    if (!index_check(books, error) || !pool_check(books, error)) return false;
    if (!level_arena_check(&books->arena) || slots != ob_books_level_slots(books)) {
        tw_error_set(error, TW_INVALID, "level memory: the blocks in use and the free ones do not add up");
        return false;
    }
    if (orders == books->pool.live) return true;
    tw_error_set(error, TW_INVALID, "order books hold %llu orders, the pool %u", (unsigned long long)orders,
                 books->pool.live);
    return false;
}
