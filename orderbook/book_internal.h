/* What the book's own files share: the parts that one `ob_books` is made of. */
#ifndef TICKWIRE_ORDERBOOK_BOOK_INTERNAL_H
#define TICKWIRE_ORDERBOOK_BOOK_INTERNAL_H

#include "orderbook/book.h"
#include "orderbook/book_side.h"
#include "orderbook/level_arena.h"
#include "orderbook/order_index.h"
#include "orderbook/order_pool.h"

typedef struct instrument_book {
    book_side sides[2]; /* by tw_side */
    uint32_t orders;
    uint32_t unused; /* 32 bytes: two to a cache line, none across one */
} instrument_book;

struct ob_books {
    order_pool pool;
    order_index index;
    level_arena arena;
    instrument_book *books;
    ob_limits limits;
};

/* The walk of one instrument: its levels, their orders, and the index's view of them. */
bool book_check_one(const ob_books *books, uint32_t instrument, tw_error *error);

#endif
