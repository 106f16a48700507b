/*
 * The model's own books: resting orders in price-time priority, made to be asked the model's questions (the
 * best, one near the best, the youngest of a level), never "where is order N".
 *
 * A side is a sorted array of at most SIM_LEVELS levels with the best last; prices are kept as keys that rise
 * towards the best (bid: the price, ask: its complement), so both sides are the same code. Orders of a level
 * form a list, oldest first. Orders live in one pool; links are indices, SIM_NONE ends a list.
 */
#ifndef TICKWIRE_TOOLS_SIMULATE_BOOKS_H
#define TICKWIRE_TOOLS_SIMULATE_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_LEVELS 128
#define SIM_NONE   UINT32_MAX

typedef enum sim_side { SIM_BID = 0, SIM_ASK = 1 } sim_side;

typedef struct sim_order {
    uint64_t id;
    uint32_t shares;
    uint32_t older, younger;
} sim_order;

typedef struct sim_level {
    uint32_t key;
    uint32_t orders;
    uint32_t oldest, youngest;
} sim_level;

typedef struct sim_book_side {
    uint32_t count;
    sim_level levels[SIM_LEVELS];
} sim_book_side;

typedef struct sim_books {
    sim_book_side *sides; /* two per symbol */
    sim_order *orders;
    uint32_t capacity, free_head, never_used;
    uint32_t live, most_live;
} sim_books;

bool sim_books_init(sim_books *books, uint32_t symbols, uint32_t capacity); /* false: no memory, nothing is held */
void sim_books_fini(sim_books *books);

static inline uint32_t sim_key(sim_side side, uint32_t price) {
    return side == SIM_BID ? price : ~price;
}
static inline sim_book_side *sim_side_of(const sim_books *books, uint32_t symbol, sim_side side) {
    return &books->sides[2 * symbol + (uint32_t)side];
}
static inline bool sim_books_full(const sim_books *books) {
    return books->live == books->capacity;
}
/* The price of the level `rank` steps from the best; there are that many. */
static inline uint32_t sim_level_price(const sim_book_side *book, sim_side side, uint32_t rank) {
    return sim_key(side, book->levels[book->count - 1 - rank].key);
}

/* Where an order of this price would go: the price itself, or, with all levels taken, that of a level there is. */
uint32_t sim_side_fit_price(const sim_book_side *book, sim_side side, uint32_t price);

/* The order joins the end of its level. The price was fitted, the books are not full. */
void sim_order_add(sim_books *books, uint32_t symbol, sim_side side, uint32_t price, uint64_t id, uint32_t shares);

/* Takes an order out of the level `rank` steps from the best; an emptied level goes. */
void sim_order_remove(sim_books *books, uint32_t symbol, sim_side side, uint32_t rank, uint32_t order);

#endif
