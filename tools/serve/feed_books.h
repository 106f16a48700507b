/*
 * The order books behind a feed being served: what a client would have built from all messages so far, written out as a
 * GLIMPSE snapshot on request. All memory is taken at alloc, but for a snapshot's own.
 */
#ifndef TICKWIRE_TOOLS_SERVE_FEED_BOOKS_H
#define TICKWIRE_TOOLS_SERVE_FEED_BOOKS_H

#include <stdint.h>

#include "base/error.h"
#include "ingest/market/market.h"
#include "tools/serve/feed_store.h"

typedef struct feed_books feed_books;

tw_code feed_books_alloc(feed_books **books, const market_limits *limits, tw_error *error);
void feed_books_free(feed_books *books); /* NULL is fine */

/* The next ITCH 5.0 message of the session. */
void feed_books_apply(feed_books *books, const uint8_t *message, uint16_t length);

/* TW_OK if the books are whole; TW_FULL: one was given up, or an instrument refused, at a limit; the text names the
 * setting. */
tw_code feed_books_check(const feed_books *books, tw_error *error);
/* Appends the snapshot as of the last message to the empty `target`: to be joined at the message behind it. Errors are
 * those of feed_books_check and glimpse_write. */
tw_code feed_books_snapshot(const feed_books *books, feed_store *target, tw_error *error);

#endif
