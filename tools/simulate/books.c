/* The model's own books; see books.h. */
#include "tools/simulate/books.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

bool sim_books_init(sim_books *books, uint32_t symbols, uint32_t capacity) {
    memset(books, 0, sizeof *books);
    books->sides = calloc((size_t)symbols * 2, sizeof *books->sides);
    books->orders = malloc((size_t)capacity * sizeof *books->orders);
    if (books->sides == NULL || books->orders == NULL) {
        sim_books_fini(books);
        return false;
    }
    books->capacity = capacity;
    books->free_head = SIM_NONE;
    return true;
}

void sim_books_fini(sim_books *books) {
    free(books->sides);
    free(books->orders);
    memset(books, 0, sizeof *books);
}

/* The number of levels whose key is below `key`. Most prices are near the best, so the end is tried first. */
static uint32_t levels_below(const sim_book_side *book, uint32_t key) {
    uint32_t high = book->count;
    for (unsigned tries = 0; tries < 8; tries++) {
        if (high == 0 || book->levels[high - 1].key < key) return high;
        high--;
    }
    uint32_t low = 0;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (book->levels[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t sim_side_fit_price(const sim_book_side *book, sim_side side, uint32_t price) {
    if (book->count < SIM_LEVELS) return price;
    uint32_t key = sim_key(side, price), place = levels_below(book, key);
    if (place < book->count && book->levels[place].key == key) return price;
    return sim_key(side, book->levels[place == 0 ? 0 : place - 1].key);
}

static uint32_t order_take(sim_books *books) {
    uint32_t order = books->free_head;
    if (order != SIM_NONE)
        books->free_head = books->orders[order].younger;
    else
        order = books->never_used++;
    books->live++;
    if (books->live > books->most_live) books->most_live = books->live;
    return order;
}

void sim_order_add(sim_books *books, uint32_t symbol, sim_side side, uint32_t price, uint64_t id, uint32_t shares) {
    TW_ASSERT_HOT(!sim_books_full(books));
    sim_book_side *book = sim_side_of(books, symbol, side);
    uint32_t key = sim_key(side, price), place = levels_below(book, key);
    sim_level *level = &book->levels[place];
    if (place == book->count || level->key != key) {
        TW_ASSERT(book->count < SIM_LEVELS);
        memmove(level + 1, level, (book->count - place) * sizeof *level);
        *level = (sim_level){.key = key, .oldest = SIM_NONE, .youngest = SIM_NONE};
        book->count++;
    }
    uint32_t order = order_take(books);
    books->orders[order] = (sim_order){.id = id, .shares = shares, .older = level->youngest, .younger = SIM_NONE};
    if (level->youngest == SIM_NONE)
        level->oldest = order;
    else
        books->orders[level->youngest].younger = order;
    level->youngest = order;
    level->orders++;
}

void sim_order_remove(sim_books *books, uint32_t symbol, sim_side side, uint32_t rank, uint32_t order) {
    sim_book_side *book = sim_side_of(books, symbol, side);
    uint32_t place = book->count - 1 - rank;
    sim_level *level = &book->levels[place];
    sim_order *gone = &books->orders[order];
    if (gone->older == SIM_NONE)
        level->oldest = gone->younger;
    else
        books->orders[gone->older].younger = gone->younger;
    if (gone->younger == SIM_NONE)
        level->youngest = gone->older;
    else
        books->orders[gone->younger].older = gone->older;
    if (--level->orders == 0) {
        memmove(level, level + 1, (book->count - 1 - place) * sizeof *level);
        book->count--;
    }
    gone->younger = books->free_head;
    books->free_head = order;
    books->live--;
}
