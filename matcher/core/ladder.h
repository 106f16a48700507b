/*
 * The price ladder of one side: levels in pages of 64 neighbouring prices, the page that holds the best price at the cheap end.
 *
 *   near:   refs of the best pages, ascending        | key 0, page | key 1, page | ... | key count-1, page = best |
 *   far:    refs of such lists of worse pages        | first key of a list, its block and count | ... |
 *   page:   one bit for each level in use | 64 levels
 *
 * A level's key is its price in steps (the instrument's smallest tick) as the side sorts it: bids ascend, asks are turned round, so
 * "better" is always "greater". The page's key is the level's without its last 6 bits. Near the touch, where nearly everything
 * happens, a level is an index into the last page, and the next best price is the highest bit of a word. Far away prices cost a
 * search among the pages. There is no window to move when the market does. Lists are of bounded length, so a page that comes or goes moves a few
 * kilobytes at most, wherever it stands and however many there are.
 *
 * A level's number (page times 64 plus place) does not change while the level has orders, so orders keep it.
 */
#ifndef TICKWIRE_MATCHER_CORE_LADDER_H
#define TICKWIRE_MATCHER_CORE_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "orderbook/level_arena.h"

#define LADDER_BITS   6
#define LADDER_LEVELS 64u
#define NO_KEY        INT64_MIN
#define NO_LEVEL      0u

typedef struct ladder_level {
    uint64_t shown; /* the public part of the quantity */
    uint64_t total;
    uint32_t head; /* first to be executed */
    uint32_t tail;
    uint32_t orders;
    uint32_t unused;
} ladder_level;

typedef struct ladder_page {
    uint64_t used; /* bit i: level i has orders */
    int64_t key;
    uint32_t next_free;
    uint32_t unused[11]; /* levels begin on a cache line, two to each */
    ladder_level levels[LADDER_LEVELS];
} ladder_page;

typedef struct ladder_ref {
    int64_t key;
    uint32_t page;  /* of a list: its block */
    uint32_t count; /* of a list */
} ladder_ref;

typedef struct ladder_list { /* in a block of the arena */
    uint32_t block, count, capacity;
} ladder_list;

typedef struct ladder {
    int64_t best; /* NO_KEY while empty */
    uint32_t best_level;
    ladder_list near; /* empty only if the ladder is */
    ladder_list far;
} ladder;

/* What all ladders of an engine share. Page 0 is never used: level 0 is "none". */
typedef struct ladder_room {
    ladder_page *pages;
    uint32_t capacity, used, live, free_head;
    uint32_t limit; /* no more pages than these, of the capacity */
    level_arena arena;
} ladder_room;

bool ladder_room_init(ladder_room *room, uint32_t max_pages);
void ladder_room_fini(ladder_room *room);
void ladder_room_clear(ladder_room *room); /* all pages are free, and zero; ladders have to be initialised anew */

static inline void ladder_init(ladder *side) {
    *side = (ladder){.best = NO_KEY};
}

static inline ladder_level *ladder_at(const ladder_room *room, uint32_t level) {
    return &room->pages[level >> LADDER_BITS].levels[level % LADDER_LEVELS];
}

static inline int64_t ladder_key_of(const ladder_room *room, uint32_t level) {
    int64_t page = room->pages[level >> LADDER_BITS].key;
    return (int64_t)((uint64_t)page << LADDER_BITS | level % LADDER_LEVELS);
}

/* The level of a key, opened if there is none; NO_LEVEL, with nothing changed, if there is no room. An opened level is empty and
 * must get an order. */
uint32_t ladder_open_far(ladder_room *room, ladder *side, int64_t key);
static inline uint32_t ladder_open(ladder_room *room, ladder *side, int64_t key) {
    if (key == side->best) return side->best_level;
    if (side->best != NO_KEY) {
        uint32_t number = side->best_level >> LADDER_BITS;
        ladder_page *page = &room->pages[number];
        if (page->key == key >> LADDER_BITS) {
            uint32_t place = (uint32_t)key % LADDER_LEVELS;
            page->used |= UINT64_C(1) << place;
            uint32_t level = number << LADDER_BITS | place;
            if (key > side->best) side->best = key, side->best_level = level;
            return level;
        }
    }
    return ladder_open_far(room, side, key);
}

/* The level of a key, NO_LEVEL if it has no orders. */
uint32_t ladder_find(const ladder_room *room, const ladder *side, int64_t key);

/* A level that has lost its last order. */
void ladder_close(ladder_room *room, ladder *side, uint32_t level);

/* The next worse level, NO_LEVEL after the last. */
uint32_t ladder_next(const ladder_room *room, const ladder *side, uint32_t level);

/* True if a level of this key could be opened. */
bool ladder_has_room(const ladder_room *room, const ladder *side, int64_t key);

/* Sorted, no page empty, best right, nothing beyond the counts. */
bool ladder_check(const ladder_room *room, const ladder *side);

#endif
