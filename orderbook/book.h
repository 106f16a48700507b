/*
 * Order books: every resting order (L3) in price-time priority, price levels (L2) on top.
 *
 * One `ob_books` holds the books of all instruments of a feed. It is a pure core: all memory is taken by
 * ob_books_alloc, bounded by ob_limits, and nothing is allocated, read or logged afterwards.
 *
 * An order is known by (instrument, order id). Instruments are small numbers given by the caller,
 * 0 to max_instruments - 1. Within a level orders stand in the order of their arrival: the first to be
 * executed is the first of the level.
 *
 * Bounds. When the order pool or the level memory is full, the call answers OB_FULL_ORDERS or
 * OB_FULL_LEVELS and changes nothing. The caller decides; the market stage gives up the instrument's book
 * (ob_book_clear), which frees its memory for the others, and marks it STALE with cause CAPACITY.
 *
 * Not thread safe: one thread owns it.
 */
#ifndef TICKWIRE_ORDERBOOK_BOOK_H
#define TICKWIRE_ORDERBOOK_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"

typedef struct ob_books ob_books;

typedef struct ob_limits {
    uint32_t max_instruments; /* 1 to 2^20 */
    uint32_t max_orders;      /* live at once over all instruments, 1 to 2^30 */
    uint32_t max_levels;      /* price level slots over all books, 1 to 2^30, rounded up to a multiple of 4. A side
                                 takes 4, 8, 16, ... slots, while it grows both the old and the new ones, halves
                                 when three quarters are unused, and gives all back when empty */
} ob_limits;

typedef enum ob_result {
    OB_OK = 0,
    OB_UNKNOWN_ORDER,   /* no such order in this instrument */
    OB_DUPLICATE_ORDER, /* add or replace with an id that rests already */
    OB_TOO_MUCH,        /* execute or reduce by more than rests; nothing changed */
    OB_BAD_ORDER,       /* quantity 0, price TW_PRICE_ABSENT, instrument or side out of range, or the
                           level's quantity would not fit 64 bits */
    OB_FULL_ORDERS,
    OB_FULL_LEVELS
} ob_result;

/* What a change did. `rank` is how far from the best price of its side the touched level was, 0 the best
 * (for a replace the better of the two): a change at or beyond the published depth is not visible. */
typedef struct ob_change {
    tw_side side;
    int64_t price;      /* of the order before the change (add: of the new order) */
    uint64_t quantity;  /* of the order before the change (add: of the new order) */
    uint64_t remaining; /* of the order after the change, 0 if it left the book */
    uint32_t rank;
} ob_change;

/* Takes all memory. Returns TW_OK; TW_INVALID for limits out of range; TW_NO_MEMORY. Free with ob_books_free. */
tw_code ob_books_alloc(ob_books **books, const ob_limits *limits, tw_error *error);
void ob_books_free(ob_books *books); /* NULL is fine */

/* Bytes taken at init for these limits. */
size_t ob_books_bytes(const ob_limits *limits);

/* A new order joins the end of its level. `change` may not be NULL. */
ob_result ob_order_add(ob_books *books, uint32_t instrument, uint64_t order_id, tw_side side, int64_t price,
                       uint64_t quantity, ob_change *change);

/* `quantity` leaves the order (an execution or a partial cancel); priority stays; at 0 the order leaves. */
ob_result ob_order_reduce(ob_books *books, uint32_t instrument, uint64_t order_id, uint64_t quantity,
                          ob_change *change);

/* The whole order leaves. */
ob_result ob_order_delete(ob_books *books, uint32_t instrument, uint64_t order_id, ob_change *change);

/* `old_id` leaves, `new_id` joins the end of its level on the same side; ids may be equal. On OB_FULL_*
 * nothing changed. change->price and quantity are the old order's, remaining the new one's. */
ob_result ob_order_replace(ob_books *books, uint32_t instrument, uint64_t old_id, uint64_t new_id, int64_t price,
                           uint64_t quantity, ob_change *change);

typedef struct ob_order {
    uint64_t order_id;
    uint32_t instrument;
    tw_side side;
    int64_t price;
    uint64_t quantity;
} ob_order;

bool ob_order_find(const ob_books *books, uint32_t instrument, uint64_t order_id, ob_order *order);

/* Removes every order of one level (a window that moved away from it). Returns how many orders left. */
uint32_t ob_level_clear(ob_books *books, uint32_t instrument, tw_side side, int64_t price);

/* Removes every order of one instrument, or of all; capacity returns to the pools. */
void ob_book_clear(ob_books *books, uint32_t instrument);
void ob_books_clear(ob_books *books);

/* Copies the best `depth` levels, best first. Returns how many there were (at most `depth`). */
uint32_t ob_book_top(const ob_books *books, uint32_t instrument, tw_side side, tw_level *levels, uint32_t depth);

/* Likewise, but for the best `skip` levels: at most `depth` levels from rank `skip` on. */
uint32_t ob_book_below(const ob_books *books, uint32_t instrument, tw_side side, uint32_t skip, tw_level *levels,
                       uint32_t depth);

/* The number of price levels of a side, of live orders of an instrument, of live orders in all. */
uint32_t ob_book_levels(const ob_books *books, uint32_t instrument, tw_side side);
uint32_t ob_book_orders(const ob_books *books, uint32_t instrument);
uint32_t ob_books_orders(const ob_books *books);
uint32_t ob_books_level_slots(const ob_books *books); /* slots in use, of max_levels */

/* The orders of one level in priority, first to execute first. Returns how many were written, at most
 * `capacity`. */
uint32_t ob_level_orders(const ob_books *books, uint32_t instrument, tw_side side, int64_t price, ob_order *orders,
                         uint32_t capacity);

/* Warms the caches for an order about to be changed. Call stage 0 for every message of a burst, then stage 1
 * for every message, then 2, and so on to OB_PREFETCH_STAGES - 1, then apply. Only a hint: any ids, any order. */
#define OB_PREFETCH_STAGES 1
void ob_prefetch(const ob_books *books, unsigned stage, uint32_t instrument, uint64_t order_id);

/* Walks everything and compares: links, counts, sums, sort order, index. Returns true if whole, otherwise
 * false with the first fault in `error`. Debug builds call it after every change when
 * OB_CHECK_EVERY_CHANGE is defined; tests call it directly. Slow. */
bool ob_books_check(const ob_books *books, tw_error *error);

#endif
