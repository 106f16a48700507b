/*
 * A LOBSTER day onto the market: reads the pair of CSV files (messages, and the order book after each), turns every
 * row into order operations (ingest/decode/lobster.h), applies them. Row k is source message k, from 1.
 *
 * Without an order book file beside the message file the book starts empty: orders entered before the first row
 * are unknown and the market is told that it is incomplete.
 */
#ifndef TICKWIRE_INGEST_LINE_LOBSTER_FEED_H
#define TICKWIRE_INGEST_LINE_LOBSTER_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/market/market.h"

typedef struct lobster_feed lobster_feed;

typedef struct lobster_feed_options {
    const char *symbol;                                       /* NULL: from the file's name */
    void (*on_applied)(void *context, const tw_stamp *stamp); /* after each row; may be NULL */
    void *context;
} lobster_feed_options;

typedef enum lobster_feed_row {
    LOBSTER_FEED_ROW,
    LOBSTER_FEED_END,
    LOBSTER_FEED_DAMAGED /* the error names file, line and column; rows before it are good */
} lobster_feed_row;

/* Opens both files. TW_NOT_FOUND, TW_IO; TW_INVALID if neither the name nor the options tell the symbol. */
tw_code lobster_feed_alloc(lobster_feed **feed, market *market, const char *message_path,
                           const lobster_feed_options *options, tw_error *error);
void lobster_feed_free(lobster_feed *feed); /* NULL is fine */

void lobster_feed_start_day(lobster_feed *feed, int64_t midnight_ns);

/* Looks at the next row without applying it: its event time, UTC. */
lobster_feed_row lobster_feed_peek(lobster_feed *feed, int64_t *event_ns, tw_error *error);
/* Applies the row that was looked at. */
void lobster_feed_step(lobster_feed *feed);

bool lobster_feed_has_books(const lobster_feed *feed); /* the order book file was found */
const char *lobster_feed_symbol(const lobster_feed *feed);
uint64_t lobster_feed_inconsistent(const lobster_feed *feed); /* rows that contradict their order book row */
tw_stamp lobster_feed_last(const lobster_feed *feed);

#endif
