/*
 * The market: normalised feed events applied to order books, and what follows told to a listener.
 *
 *   decoder -> market_* calls -> order books
 *                            \-> listener: book changed at rank r, a print, a status, …
 *
 * Pure. One market holds one feed partition for one trading day at a time. What a feed's bytes mean is its
 * adapter's business (itch50_feed.h, lobster_feed.h); the market knows orders, prints and states only.
 *
 * Trust. A book is wrong as soon as one of its messages was missed. The market keeps, per instrument, whether its
 * book may be trusted and why not:
 *   - a message about an order that was never seen: STALE, UNKNOWN_ORDER. Only while the feed itself is whole:
 *     after a gap, or a start in the middle of a session, such messages are expected and the feed's own state
 *     already covers every book (market_set_incomplete);
 *   - a message that contradicts the book: STALE, INCONSISTENT;
 *   - bytes of a message that could not be read: STALE, MALFORMED;
 *   - a memory bound: the book is given up (its orders leave, which makes room for the others), STALE, CAPACITY;
 *     its later messages are passed over until the next day.
 * Nothing heals within a day but by a snapshot of the exchange (market_restart_books).
 */
#ifndef TICKWIRE_INGEST_MARKET_MARKET_H
#define TICKWIRE_INGEST_MARKET_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"
#include "ingest/market/instruments.h"
#include "orderbook/book.h"

typedef enum market_order_kind {
    MARKET_ORDER_ADD,
    MARKET_ORDER_EXECUTE,
    MARKET_ORDER_REDUCE,
    MARKET_ORDER_DELETE,
    MARKET_ORDER_REPLACE
} market_order_kind;

/* Order by order, for who asked for it. */
typedef struct market_order_event {
    market_order_kind kind;
    tw_side side;
    uint64_t order_id;
    uint64_t new_order_id; /* replace only */
    int64_t price;         /* of the order after the event */
    uint64_t quantity;     /* added, executed, taken away, or of the new order */
    uint64_t remaining;
    const char *attribution; /* "" if none */
} market_order_event;

/* Called synchronously. A function that is NULL is not called. */
typedef struct market_listener {
    void *context;
    void (*on_instrument)(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp);
    /* Levels of `sides` may have changed, from `rank` on; better ones have not (see ob_change). */
    void (*on_book)(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp);
    void (*on_print)(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp);
    void (*on_trading_state)(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp);
    void (*on_short_sale)(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp);
    void (*on_collar)(void *context, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const tw_stamp *stamp);
    void (*on_imbalance)(void *context, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp);
    void (*on_book_state)(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp);
    void (*on_order)(void *context, uint32_t instrument, const market_order_event *event, const tw_stamp *stamp);
} market_listener;

typedef struct market_limits {
    uint32_t max_instruments;
    uint32_t max_orders;
    uint32_t max_levels;
} market_limits;

typedef struct market_stats {
    uint64_t unknown_orders; /* messages about orders never seen */
    uint64_t inconsistent;   /* messages that contradict the book */
    uint64_t malformed;      /* messages that could not be read */
    uint64_t books_given_up; /* memory bounds reached */
    uint64_t passed_over;    /* messages for a book that was given up, or for no known instrument */
    uint64_t prints;
} market_stats;

typedef struct market market;

/* Takes all memory. The listener is copied; its context is borrowed. */
tw_code market_alloc(market **market, const market_limits *limits, const market_listener *listener,
                     tw_error *error);
void market_free(market *market);

/* A new trading day: books and instruments are cleared, trust starts afresh. The listener hears nothing. */
void market_start_day(market *market);
/* A snapshot of all books follows: they are emptied and trusted again (the listener hears of those that were not), and the
 * feed counts as whole. Instruments keep their numbers. on_book is not called: when the snapshot has been applied,
 * market_tell_books calls it for every instrument. */
void market_restart_books(market *market, const tw_stamp *stamp);
void market_tell_books(market *market, const tw_stamp *stamp);
/* The feed has missed messages (or never had them): unknown orders are expected from now on. */
void market_set_incomplete(market *market);
bool market_incomplete(const market *market);

/* The instrument of a symbol, made known (and told to the listener) if it is new. INSTRUMENT_NONE if full. */
uint32_t market_instrument(market *market, const char *symbol, int32_t price_exponent, const tw_stamp *stamp);
/* Directory data of an instrument: told to the listener if anything changed. `entry->symbol` is not looked at. */
void market_directory(market *market, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp);
const instruments *market_instruments(const market *market);
void market_bind_locate(market *market, uint16_t locate, uint32_t instrument);

/* Orders. `attribution` may be "". */
void market_add(market *market, uint32_t instrument, uint64_t order_id, tw_side side, int64_t price,
                uint64_t quantity, const char *attribution, const tw_stamp *stamp);
/* A displayed order was executed at its own price (`price` TW_PRICE_ABSENT) or another. Not printable: the book
 * changes, the tape does not (a cross will print it once). */
void market_execute(market *market, uint32_t instrument, uint64_t order_id, uint64_t quantity, int64_t price,
                    uint64_t match_id, bool printable, const tw_stamp *stamp);
void market_reduce(market *market, uint32_t instrument, uint64_t order_id, uint64_t quantity,
                   const tw_stamp *stamp);
void market_delete(market *market, uint32_t instrument, uint64_t order_id, const tw_stamp *stamp);
void market_replace(market *market, uint32_t instrument, uint64_t old_id, uint64_t new_id, int64_t price,
                    uint64_t quantity, const tw_stamp *stamp);
void market_level_clear(market *market, uint32_t instrument, tw_side side, int64_t price, const tw_stamp *stamp);

/* Prints that touch no displayed order, and what the exchange says of an instrument. */
void market_print(market *market, uint32_t instrument, const tw_print *print, const tw_stamp *stamp);
void market_trading_state(market *market, uint32_t instrument, tw_trading_state state, const char *reason,
                          const tw_stamp *stamp);
void market_short_sale(market *market, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp);
void market_collar(market *market, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                   const tw_stamp *stamp);
void market_imbalance(market *market, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp);
/* The source contradicts itself about this instrument: STALE, INCONSISTENT. */
void market_contradiction(market *market, uint32_t instrument, const tw_stamp *stamp);
/* Its book is given up, as at a memory bound: STALE, CAPACITY. */
void market_give_up(market *market, uint32_t instrument, const tw_stamp *stamp);
/* A message of this instrument could not be read. */
void market_malformed(market *market, uint32_t instrument, const tw_stamp *stamp);

const ob_books *market_books(const market *market);
tw_book_state market_book_state(const market *market, uint32_t instrument, tw_state_cause *cause);
market_stats market_read_stats(const market *market);

#endif
