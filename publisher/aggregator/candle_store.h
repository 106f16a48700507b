/*
 * The memory of candles: each instrument's of an interval in order of their start, and the queues that run through them.
 * Private to candles.c. Pure; memory is taken at init.
 *
 *   series      one instrument's candles of one interval, linked from the oldest to the newest
 *   life        every candle is in one queue of its life: open (by feed and interval) until it is final, then finals (by
 *               interval), from whose front candles go when memory is needed
 *   out         a candle that is to be published is in one of the out queues, in the order in which it is due
 */
#ifndef TICKWIRE_AGGREGATOR_CANDLE_STORE_H
#define TICKWIRE_AGGREGATOR_CANDLE_STORE_H

#include <stddef.h>

#include "proto/subject.h"
#include "publisher/aggregator/candle.h"

#define CANDLE_NONE   UINT32_MAX
#define CANDLE_OWNERS 1025u /* feeds, and the last one for what is over all exchanges */

typedef enum candle_out { OUT_NOT, OUT_NOW, OUT_FAST, OUT_SLOW, OUT_REFRESH, OUT_QUEUES } candle_out;

typedef struct candle_series {
    uint32_t oldest, newest, count;
} candle_series;

typedef struct candle_queue {
    uint32_t first, last;
} candle_queue;

typedef struct candle_link {
    uint32_t next, prev;
} candle_link;

typedef struct candle_slot {
    candle candle;
    candle_series *series; /* NULL: free */
    uint64_t seq;          /* of the last source message folded in */
    uint64_t revision;     /* as seq, and it rises over sessions, too */
    int64_t event_ns, receive_ns;
    int64_t out_ns; /* since when it is in its out queue */
    uint32_t instrument;
    uint32_t epoch; /* which of its instrument's sessions `seq` counts in */
    uint32_t older, newer;
    candle_link life, out;
    uint16_t owner;
    uint8_t interval;
    uint8_t queue; /* a candle_out */
} candle_slot;

typedef struct candle_store {
    candle_slot *slots;
    uint32_t capacity, reached, count, free; /* `free` links through life.next */
    candle_queue open[CANDLE_OWNERS][SUBJECT_CANDLES], finals[SUBJECT_CANDLES], out[OUT_QUEUES];
    uint32_t waiting; /* in OUT_NOW, OUT_FAST and OUT_SLOW */
} candle_store;

bool candle_store_init(candle_store *store, uint32_t capacity); /* false: no memory */
void candle_store_fini(candle_store *store);

static inline candle_slot *candle_slot_at(const candle_store *store, uint32_t n) {
    return &store->slots[n];
}

void candle_series_init(candle_series *series);
/* The candle that starts at `start_ns`; CANDLE_NONE, and *older is the one before it (or CANDLE_NONE). */
uint32_t candle_series_find(const candle_store *store, const candle_series *series, int64_t start_ns,
                            uint32_t *older);
/* A new open one behind `older`; CANDLE_NONE: all memory holds what can't be given up. */
uint32_t candle_store_add(candle_store *store, candle_series *series, uint32_t older, uint32_t owner,
                          uint32_t interval);
void candle_store_remove(candle_store *store, uint32_t n);

void candle_store_finish(candle_store *store, uint32_t n); /* from open to finals */
void candle_store_own(candle_store *store, uint32_t n, uint32_t owner);
/* Into an out queue; one that is in another leaves it. */
void candle_store_queue(candle_store *store, uint32_t n, candle_out queue, int64_t now_ns);

#endif
