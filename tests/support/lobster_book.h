/* What a LOBSTER window says to do (ingest/decode/lobster.h), done to an order book: instrument 0 of `books`. */
#ifndef TICKWIRE_TESTS_SUPPORT_LOBSTER_BOOK_H
#define TICKWIRE_TESTS_SUPPORT_LOBSTER_BOOK_H

#include "ingest/decode/lobster.h"
#include "orderbook/book.h"

static inline ob_result lobster_book_apply(ob_books *books, const lobster_operation *o) {
    ob_change change;
    switch (o->kind) {
    case LOBSTER_OP_ADD:
        return ob_order_add(books, 0, o->order_id, o->side, o->price, o->quantity, &change);
    case LOBSTER_OP_REDUCE:
    case LOBSTER_OP_EXECUTE:
        return ob_order_reduce(books, 0, o->order_id, o->quantity, &change);
    case LOBSTER_OP_DELETE:
        return ob_order_delete(books, 0, o->order_id, &change);
    case LOBSTER_OP_LEVEL_CLEAR:
        return ob_level_clear(books, 0, o->side, o->price) > 0 ? OB_OK : OB_UNKNOWN_ORDER;
    default:
        return OB_OK;
    }
}

/* Whether the book is exactly the row of the order book file. */
static inline bool lobster_book_is(const ob_books *books, const lobster_book *row) {
    static tw_level levels[LOBSTER_LEVELS_MAX + 1];
    for (int side = TW_BID; side <= TW_ASK; side++) {
        uint32_t count = ob_book_top(books, 0, (tw_side)side, levels, LOBSTER_LEVELS_MAX + 1);
        if (count != row->counts[side]) return false;
        for (uint32_t i = 0; i < count; i++) {
            const lobster_level *wanted = &row->sides[side][i];
            if (levels[i].price != wanted->price || levels[i].quantity != wanted->quantity) return false;
        }
    }
    return true;
}

#endif
