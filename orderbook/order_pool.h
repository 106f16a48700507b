/*
 * Where resting orders live: one table of 32-byte orders, two to a cache line, known by a 32-bit handle.
 *
 * Orders of a level are a doubly linked list through the table. Freed orders are a stack through `next`, so
 * the order given out next is the one most likely still in the cache. Instrument and side are not stored
 * here: the index knows them (order_index.h), and so does the book a level belongs to.
 *
 *   handle 0   1 ............ used         used + 1 ...... capacity
 *   "none"     live or on the free stack   never touched
 */
#ifndef TICKWIRE_ORDERBOOK_ORDER_POOL_H
#define TICKWIRE_ORDERBOOK_ORDER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orderbook/pages.h"

#define NO_ORDER 0u

typedef struct resting_order {
    uint64_t order_id;
    int64_t key;       /* the price as its side sorts it, see side_key in book_side.h */
    uint64_t quantity; /* 0 only while on the free stack */
    uint32_t next;     /* towards the end of the level; free: the next of the stack */
    uint32_t prev;     /* towards the first to be executed */
} resting_order;

typedef struct order_pool {
    resting_order *orders;
    uint32_t capacity;
    uint32_t used;
    uint32_t live;
    uint32_t free_head;
} order_pool;

static inline size_t order_pool_bytes(uint32_t capacity) {
    return ((size_t)capacity + 1) * sizeof(resting_order);
}

static inline bool order_pool_init(order_pool *pool, uint32_t capacity) {
    *pool = (order_pool){.orders = ob_pages_alloc(order_pool_bytes(capacity)), .capacity = capacity};
    return pool->orders != NULL;
}

static inline void order_pool_fini(order_pool *pool) {
    ob_pages_free(pool->orders, order_pool_bytes(pool->capacity));
}

static inline void order_pool_clear(order_pool *pool) {
    pool->used = pool->live = 0;
    pool->free_head = NO_ORDER;
}

static inline bool order_pool_full(const order_pool *pool) {
    return pool->live == pool->capacity;
}

/* The pool may not be full. */
static inline uint32_t order_pool_take(order_pool *pool) {
    uint32_t handle = pool->free_head;
    pool->live++;
    if (handle == NO_ORDER) return ++pool->used;
    pool->free_head = pool->orders[handle].next;
    return handle;
}

static inline void order_pool_give(order_pool *pool, uint32_t handle) {
    pool->orders[handle].quantity = 0;
    pool->orders[handle].next = pool->free_head;
    pool->free_head = handle;
    pool->live--;
}

#endif
