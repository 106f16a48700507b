/*
 * One side of a book: its price levels, sorted, the best at the end, where inserting and removing is cheap
 * and where nearly all of it happens.
 *
 *   block of the arena, `capacity` levels:
 *   | key 0 | key 1 | ... | key count-1 = best | unused || level 0 | level 1 | ... | level count-1 | unused |
 *
 * Keys stand apart from what belongs to them so that a search reads eight to a cache line. A key is the price
 * as the side sorts it: bids ascend, asks are turned round, so "better" is always "greater".
 *
 * Capacity doubles when full, halves when three quarters are unused, and is given back when the side is
 * empty. While growing, the old and the new block are both in use.
 */
#ifndef TICKWIRE_ORDERBOOK_BOOK_SIDE_H
#define TICKWIRE_ORDERBOOK_BOOK_SIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "orderbook/level_arena.h"

typedef struct price_level {
    uint64_t quantity;
    uint32_t orders;
    uint32_t head; /* first to be executed */
    uint32_t tail;
} price_level;

typedef struct book_side {
    uint32_t block;
    uint32_t count;
    uint32_t capacity; /* 0, or LEVELS_PER_UNIT times a power of two */
} book_side;

_Static_assert(sizeof(int64_t) + sizeof(price_level) == LEVEL_BYTES, "a level's memory is what the arena counts");

/* ~ turns the order round for every value, which - does not. Its own inverse. */
static inline int64_t side_key(unsigned side, int64_t price) {
    return price ^ -(int64_t)side;
}

static inline int64_t *side_keys(const level_arena *arena, const book_side *side) {
    return level_arena_at(arena, side->block);
}

static inline price_level *side_levels(const level_arena *arena, const book_side *side) {
    return (price_level *)(side_keys(arena, side) + side->capacity);
}

#define NEAR_LEVELS 8

/* How many of the best NEAR_LEVELS keys are greater than `key`: counted without branches, for how deep an
 * order stands can't be predicted. */
static inline uint32_t side_near_rank(const int64_t *end, int64_t key) {
    uint32_t greater = 0;
#pragma GCC unroll 8
    for (int i = 1; i <= NEAR_LEVELS; i++)
        greater += end[-i] > key;
    return greater;
}

/* How many keys are at most `key`: the level is at one less, if it exists; a new one would stand here. */
static inline uint32_t side_search(const int64_t *keys, uint32_t count, int64_t key) {
    if (count >= NEAR_LEVELS) {
        uint32_t rank = side_near_rank(keys + count, key);
        if (rank < NEAR_LEVELS) return count - rank;
        count -= NEAR_LEVELS;
    }
    uint32_t low = 0;
    while (count > 0) { /* among the `count` keys from `low` on */
        uint32_t half = count - count / 2;
        low += half & -(uint32_t)(keys[low + half - 1] <= key); /* a compiler may make ?: a branch */
        count -= half;
    }
    return low;
}

/* The position of a key, or `count` if there is no such level. */
static inline uint32_t side_find(const level_arena *arena, const book_side *side, int64_t key) {
    const int64_t *keys = side_keys(arena, side);
    uint32_t at = side_search(keys, side->count, key);
    return at > 0 && keys[at - 1] == key ? at - 1 : side->count;
}

/* Makes room for one more level. False, with nothing changed, if the arena has none. */
bool side_reserve(level_arena *arena, book_side *side);

/* Gives back what an emptier side no longer needs. */
void side_trim(level_arena *arena, book_side *side);

/* A level without orders at `at`; room must have been reserved. */
static inline price_level *side_open(const level_arena *arena, book_side *side, uint32_t at, int64_t key) {
    int64_t *keys = side_keys(arena, side);
    price_level *levels = side_levels(arena, side);
    uint32_t better = side->count - at;
    if (better != 0) {
        memmove(keys + at + 1, keys + at, better * sizeof *keys);
        memmove(levels + at + 1, levels + at, better * sizeof *levels);
    }
    keys[at] = key;
    levels[at] = (price_level){0};
    side->count++;
    return &levels[at];
}

static inline void side_close(const level_arena *arena, book_side *side, uint32_t at) {
    int64_t *keys = side_keys(arena, side);
    price_level *levels = side_levels(arena, side);
    uint32_t better = --side->count - at;
    if (better != 0) {
        memmove(keys + at, keys + at + 1, better * sizeof *keys);
        memmove(levels + at, levels + at + 1, better * sizeof *levels);
    }
}

#endif
