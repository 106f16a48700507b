/*
 * The order book as one would explain it: a list of orders per instrument in the order of their arrival, and
 * every question answered by looking at all of them. Slow, unbounded, obviously right. It shares
 * no code with orderbook/, only the words of its header. It knows no capacity: a test that reaches a bound
 * does not tell the model of the refused change.
 */
#ifndef TICKWIRE_TESTS_SUPPORT_NAIVE_BOOK_H
#define TICKWIRE_TESTS_SUPPORT_NAIVE_BOOK_H

#include "orderbook/book.h"

typedef struct naive_book {
    uint32_t instruments;
    size_t count;
    size_t capacity;
    ob_order *orders; /* all instruments, first come first */
} naive_book;

void naive_book_init(naive_book *book, uint32_t instruments);
void naive_book_fini(naive_book *book);

ob_result naive_order_add(naive_book *book, uint32_t instrument, uint64_t order_id, tw_side side, int64_t price,
                          uint64_t quantity, ob_change *change);
ob_result naive_order_reduce(naive_book *book, uint32_t instrument, uint64_t order_id, uint64_t quantity,
                             ob_change *change);
ob_result naive_order_delete(naive_book *book, uint32_t instrument, uint64_t order_id, ob_change *change);
ob_result naive_order_replace(naive_book *book, uint32_t instrument, uint64_t old_id, uint64_t new_id,
                              int64_t price, uint64_t quantity, ob_change *change);
uint32_t naive_level_clear(naive_book *book, uint32_t instrument, tw_side side, int64_t price);
void naive_book_clear(naive_book *book, uint32_t instrument);

/* NULL if it does not rest. */
const ob_order *naive_order_find(const naive_book *book, uint32_t instrument, uint64_t order_id);
uint32_t naive_book_top(const naive_book *book, uint32_t instrument, tw_side side, tw_level *levels,
                        uint32_t depth);
uint32_t naive_level_orders(const naive_book *book, uint32_t instrument, tw_side side, int64_t price,
                            ob_order *orders, uint32_t capacity);
uint32_t naive_book_orders(const naive_book *book, uint32_t instrument);

#endif
