/*
 * From (instrument, order id) to the order: a hash table whose buckets are one cache line.
 *
 *   bucket, 64 bytes:   slot 0 | slot 1 | ... | slot 6 | overflow
 *   slot, 64 bits:      tag 12 (never 0) | instrument 20 | side 1 | handle 31;    0: empty
 *
 * A key has a home bucket; where that is full it goes on to another, and to another, by steps of its own.
 * `overflow` counts the keys that passed a bucket by because it was full. A search ends where it is 0; a
 * removal takes the counts back. So there are no tombstones and nothing moves on removal.
 *
 * The home depends on the order id only. 2^NEIGHBOUR_BITS ids in a row share one, and 2^RUN_BITS ids in a row
 * have homes in a row: exchanges number orders as they arrive, over all instruments, and most orders die
 * young, so the buckets in use at one time are few, side by side, and in the cache. The steps depend on the instrument too: if every instrument counts its
 * orders from 1, the keys that don't fit into the shared home scatter.
 *
 * With at most 60 % of the slots in use nearly all keys are at home.
 */
#ifndef TICKWIRE_ORDERBOOK_ORDER_INDEX_H
#define TICKWIRE_ORDERBOOK_ORDER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orderbook/order_pool.h"

#define NEIGHBOUR_BITS 3
#define RUN_BITS       9
#define BUCKET_SLOTS   7

typedef struct order_bucket {
    uint64_t slots[BUCKET_SLOTS];
    uint64_t overflow;
} order_bucket;

typedef struct order_index {
    order_bucket *buckets;
    uint64_t mask;  /* number of buckets - 1; a power of two, at least 2 */
    unsigned shift; /* 64 - log2(number of buckets) */
} order_index;

static inline uint64_t order_index_buckets(uint32_t max_orders) {
    uint64_t buckets = 2;
    while (buckets * BUCKET_SLOTS * 6 / 10 < max_orders)
        buckets *= 2;
    return buckets;
}

static inline size_t order_index_bytes(uint32_t max_orders) {
    return order_index_buckets(max_orders) * sizeof(order_bucket);
}

static inline bool order_index_init(order_index *index, uint32_t max_orders) {
    uint64_t buckets = order_index_buckets(max_orders);
    index->buckets = ob_pages_alloc(buckets * sizeof(order_bucket));
    index->mask = buckets - 1;
    index->shift = (unsigned)__builtin_clzll(buckets) + 1;
    return index->buckets != NULL;
}

static inline void order_index_fini(order_index *index) {
    ob_pages_free(index->buckets, (index->mask + 1) * sizeof(order_bucket));
}

static inline void order_index_clear(order_index *index) {
    ob_pages_zero(index->buckets, (index->mask + 1) * sizeof(order_bucket));
}

static inline uint64_t order_index_home(const order_index *index, uint64_t order_id) {
    uint64_t run = ((order_id >> RUN_BITS) * UINT64_C(0x9E3779B97F4A7C15)) >> index->shift;
    return (run + (order_id >> NEIGHBOUR_BITS)) & index->mask;
}

/* Odd, so that the steps of a key visit every bucket. */
static inline uint64_t order_index_step(uint32_t instrument, uint64_t order_id) {
    uint64_t mixed =
        (order_id + 1) * UINT64_C(0xD6E8FEB86659FD93) ^ (instrument + 1) * UINT64_C(0xA0761D6478BD642F);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xE7037ED1A0B428DB);
    return mixed >> 16 | 1;
}

/* The upper half of a slot. */
static inline uint32_t order_index_mark(uint32_t instrument, uint64_t order_id) {
    uint64_t tag = (order_id * UINT64_C(0xC2B2AE3D27D4EB4F)) >> 52 | 1;
    return (uint32_t)tag << 20 | instrument;
}

static inline uint32_t order_slot_handle(uint64_t slot) {
    return (uint32_t)slot & 0x7FFFFFFF;
}

static inline unsigned order_slot_side(uint64_t slot) {
    return (unsigned)(slot >> 31) & 1;
}

static inline uint32_t order_slot_instrument(uint64_t slot) {
    return (uint32_t)(slot >> 32) & 0xFFFFF;
}

/* One bit for each slot of the bucket whose upper half is `mark`; without branches, for which slot it is
 * can't be predicted. */
static inline unsigned order_bucket_match(const order_bucket *bucket, uint32_t mark) {
    unsigned found = 0;
#pragma GCC unroll 7
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        found |= (unsigned)((uint32_t)(bucket->slots[i] >> 32) == mark) << i;
    return found;
}

/* The slot of a key, NULL if it is not there. */
static inline uint64_t *order_index_find(const order_index *index, const order_pool *pool, uint32_t instrument,
                                         uint64_t order_id) {
    uint32_t mark = order_index_mark(instrument, order_id);
    uint64_t at = order_index_home(index, order_id);
    for (uint64_t tries = 0; tries <= index->mask; tries++) {
        order_bucket *bucket = &index->buckets[at];
        for (unsigned found = order_bucket_match(bucket, mark); found != 0; found &= found - 1) {
            uint64_t *slot = &bucket->slots[__builtin_ctz(found)];
            if (pool->orders[order_slot_handle(*slot)].order_id == order_id) return slot;
        }
        if (bucket->overflow == 0) return NULL;
        at = (at + order_index_step(instrument, order_id)) & index->mask;
    }
    return NULL;
}

/* The key may not be there yet; a slot is free, for there are more slots than orders. */
static inline void order_index_insert(order_index *index, uint32_t instrument, uint64_t order_id, unsigned side,
                                      uint32_t handle) {
    uint64_t at = order_index_home(index, order_id);
    for (;;) {
        order_bucket *bucket = &index->buckets[at];
        unsigned empty = order_bucket_match(bucket, 0);
        if (empty != 0) {
            bucket->slots[__builtin_ctz(empty)] =
                (uint64_t)order_index_mark(instrument, order_id) << 32 | (uint64_t)side << 31 | handle;
            return;
        }
        bucket->overflow++;
        at = (at + order_index_step(instrument, order_id)) & index->mask;
    }
}

/* `slot` is what order_index_find returned for this key. */
static inline void order_index_remove(order_index *index, uint64_t *slot, uint32_t instrument, uint64_t order_id) {
    uint64_t last = (uint64_t)((char *)slot - (char *)index->buckets) / sizeof(order_bucket);
    uint64_t at = order_index_home(index, order_id);
    while (at != last) {
        index->buckets[at].overflow--;
        at = (at + order_index_step(instrument, order_id)) & index->mask;
    }
    *slot = 0;
}

#endif
