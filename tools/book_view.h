/*
 * What `tickwire book` shows: the best levels of one book, as a JSON line, a line for people, or a ladder.
 * A view remembers what it last saw, so that a change beyond the depth shown is no change.
 */
#ifndef TICKWIRE_TOOLS_BOOK_VIEW_H
#define TICKWIRE_TOOLS_BOOK_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/market.h"
#include "orderbook/book.h"

typedef struct book_view {
    uint32_t depth; /* levels a side, 1 to TW_MAX_DEPTH */
    int32_t price_exponent;
    uint64_t seq;     /* of the message that last changed what is seen */
    int64_t event_ns; /* likewise */
    uint32_t count[2];
    tw_level levels[2][TW_MAX_DEPTH]; /* by tw_side, best first */
} book_view;

void book_view_init(book_view *view, uint32_t depth, int32_t price_exponent);

/* Looks at the book; true if what is seen differs from before. */
bool book_view_update(book_view *view, const ob_books *books, uint32_t instrument, const tw_stamp *stamp);

/* {"seq":17,"event_ns":"…","bids":[["189.1200","300",2],…],"asks":[…]} and a line feed. */
void book_view_print_json(const book_view *view, FILE *stream);
/* One line: seq, time, bids best first, "|", asks best first. */
void book_view_print_line(const book_view *view, FILE *stream);
/* Many lines: asks from the worst shown down to the best, then bids from the best down. */
void book_view_print_ladder(const book_view *view, const char *symbol, FILE *stream);

#endif
