/*
 * LOBSTER: order book data of a NASDAQ day as a pair of CSV files (lobsterdata.com, "Output Structure"). Pure.
 *
 *   message file:     time, type, order id, size, price, direction     one event a row
 *   order book file:  ask price 1, ask size 1, bid price 1, bid size 1, ask price 2, …   row k: just after message k
 *
 * Prices are dollars times 10,000 (exponent -4), times seconds after midnight in the exchange's zone.
 *
 * Both files know only the best N price levels: orders that rested before the first row, and what happens to a level
 * while it lies outside, are not told. The window below fills these holes from the order book rows, with anonymous
 * orders, so that the book after message k is exactly row k.
 */
#ifndef TICKWIRE_INGEST_DECODE_LOBSTER_H
#define TICKWIRE_INGEST_DECODE_LOBSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/error.h"
#include "base/market.h"

#define LOBSTER_PRICE_EXPONENT (-4)
#define LOBSTER_LEVELS_MAX     200
#define LOBSTER_NO_ASK         INT64_C(9999999999) /* price of a level that is not there; its size is 0 */
#define LOBSTER_NO_BID         (-LOBSTER_NO_ASK)

/* ---- rows ---- */

typedef enum lobster_type {
    LOBSTER_ADD = 1,
    LOBSTER_REDUCE = 2,  /* part of an order is cancelled */
    LOBSTER_DELETE = 3,  /* the whole order is; the size is what was left of it */
    LOBSTER_EXECUTE = 4, /* of a visible order */
    LOBSTER_HIDDEN = 5,  /* execution of a hidden order: the book does not change */
    LOBSTER_CROSS = 6,   /* an auction's trade: the book does not change */
    LOBSTER_HALT = 7     /* price -1: halted, 0: quoting resumes, 1: trading resumes */
} lobster_type;

typedef struct lobster_message {
    int64_t time_ns; /* after midnight */
    lobster_type type;
    uint64_t order_id; /* below 2^63; 0 where the file has none (hidden executions; -1 in crosses) */
    uint64_t quantity; /* 0 in halts only */
    int64_t price;
    tw_side side; /* of the resting order; means nothing in crosses and halts */
} lobster_message;

typedef struct lobster_level {
    int64_t price;
    uint64_t quantity;
} lobster_level;

/* A row of the order book file without its dummy levels. */
typedef struct lobster_book {
    uint32_t counts[2];                         /* by tw_side: levels that are there */
    lobster_level sides[2][LOBSTER_LEVELS_MAX]; /* by tw_side: best first */
} lobster_book;

typedef enum lobster_row {
    LOBSTER_ROW,      /* the row is read */
    LOBSTER_EMPTY,    /* nothing on the line */
    LOBSTER_MALFORMED /* see the fault */
} lobster_row;

typedef struct lobster_fault {
    uint32_t column;    /* from 1 */
    const char *reason; /* static storage */
} lobster_fault;

/* One line of `length` bytes, without its line feed; a carriage return at its end is dropped. Exactly six columns.
 * The time is read as a decimal number, never through floating point; decimals behind the ninth (some files hold
 * noise there) are dropped. On LOBSTER_MALFORMED `out` is not to be used. */
lobster_row lobster_parse_message(const char *line, size_t length, lobster_message *out, lobster_fault *fault);

/* Likewise, with exactly 4 * `levels` columns (`levels` is 1 to LOBSTER_LEVELS_MAX). A side whose prices do not go
 * from best to worst, or with a level behind a dummy one, is malformed. */
lobster_row lobster_parse_book(const char *line, size_t length, uint32_t levels, lobster_book *out,
                               lobster_fault *fault);

/* How many levels a line of an order book file has: its columns by four. 0 if they are no multiple of four, or more
 * than LOBSTER_LEVELS_MAX levels. */
uint32_t lobster_count_levels(const char *line, size_t length);

/* ---- names ---- */

typedef struct lobster_name {
    char symbol[TW_SYMBOL_BYTES];
    tw_date date;
} lobster_name;

/* From SYMBOL_YYYY-MM-DD_…_message_N.csv (any folder before, .gz or .zst behind). False if it is not such a name. */
bool lobster_parse_name(const char *path, lobster_name *name);

/* The order book file that belongs to a message file: "_message_" in its name becomes "_orderbook_". False if the
 * name has no such part or the result does not fit. */
bool lobster_pair_path(const char *message_path, char *out, size_t capacity);

/* ---- what a row does to a book ---- */

#define LOBSTER_ANONYMOUS_BIT (UINT64_C(1) << 63) /* set in the ids of orders that the window made up */

typedef enum lobster_operation_kind {
    LOBSTER_OP_ADD,          /* id, side, price, quantity */
    LOBSTER_OP_REDUCE,       /* id, quantity */
    LOBSTER_OP_DELETE,       /* id */
    LOBSTER_OP_EXECUTE,      /* id, quantity; at its own price */
    LOBSTER_OP_LEVEL_CLEAR,  /* side, price: all orders of the level leave the book */
    LOBSTER_OP_HIDDEN_TRADE, /* side of the hidden order, price, quantity */
    LOBSTER_OP_CROSS,        /* price, quantity */
    LOBSTER_OP_HALT          /* state */
} lobster_operation_kind;

/* Fields that the kind does not name are filled where they are known, otherwise 0. */
typedef struct lobster_operation {
    lobster_operation_kind kind;
    uint64_t order_id;
    tw_side side;
    int64_t price;
    uint64_t quantity;
    tw_trading_state state;
} lobster_operation;

/* The one operation of a message where there is no order book file. Whether the order is known is for the book to
 * find out. */
void lobster_operation_of(const lobster_message *message, lobster_operation *operation);

typedef struct lobster_window lobster_window;

/* Room for `max_orders` (1 to 2^26) orders that rest inside the window at once. TW_INVALID, TW_NO_MEMORY. */
tw_code lobster_window_alloc(lobster_window **window, uint32_t levels, uint32_t max_orders, tw_error *error);
void lobster_window_free(lobster_window *window);  /* NULL is fine */
void lobster_window_clear(lobster_window *window); /* as after alloc: the next row is the first of a file */

typedef enum lobster_outcome {
    LOBSTER_CONSISTENT,
    LOBSTER_INCONSISTENT, /* message and order book row contradict each other; see lobster_window_contradiction.
                             The operations lead to the order book row all the same */
    LOBSTER_FULL          /* max_orders reached: no operations, and none to be had until lobster_window_clear */
} lobster_outcome;

/* Each level may be cleared and seeded, one is the message's, one operation the message itself. */
#define LOBSTER_OPERATIONS_MAX (4u * LOBSTER_LEVELS_MAX + 4u)

/*
 * What message k, with order book row k, does to the book; row k - 1 is remembered. The caller applies the
 * operations in order; then its book holds exactly the levels of row k.
 *
 *   - Before the first message every level of row 1, less what message 1 did to it, is seeded: one anonymous order.
 *   - A message about an order that is not known acts on the anonymous order of its level.
 *   - A level that comes into the window from outside (beyond the worst level of row k - 1, which was full) is
 *     seeded with the row's size.
 *   - A level that leaves it (beyond the worst level of row k, which is full) is cleared and its orders forgotten.
 *   - Anything else by which row k differs is a contradiction; the level is then cleared and seeded from the row.
 */
lobster_outcome lobster_window_step(lobster_window *window, const lobster_message *message, const lobster_book *row,
                                    lobster_operation operations[LOBSTER_OPERATIONS_MAX], size_t *count);

/* The first contradiction of the last step, for people: "" if there was none. Static storage. */
const char *lobster_window_contradiction(const lobster_window *window);
uint32_t lobster_window_orders(const lobster_window *window); /* known ones that rest now */

#endif
