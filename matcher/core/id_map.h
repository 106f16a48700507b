/*
 * From a 64-bit id to the row that has it: open addressing with linear probing; removal closes the hole it leaves, so there are no
 * tombstones. The map keeps row numbers and half of the hash only; the ids stay in the rows, whose first field they are.
 * Rows count from 1.
 *
 * The table in use is as small as the ids that are in: a new id is looked for before it is added, nearly always in vain, and that
 * look is the one access of an order's life that no cache can foresee. When five eighths are used, a table of twice the size takes over.
 * The old one's entries move a few at a time, with each change, so that no single order pays for all; until then both are looked at.
 * Memory for all sizes is taken at init and not touched before it is needed; the table never becomes smaller.
 *
 *   old:   | moved, empty ... | at: not moved yet ... |       what moves are whole runs of entries without a gap: an entry is never on
 *                                                             the other side of `at` than the place its search begins at
 */
#ifndef TICKWIRE_MATCHER_CORE_ID_MAP_H
#define TICKWIRE_MATCHER_CORE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orderbook/pages.h"

#define ID_MAP_LEAST 1024u /* slots of the first table */

typedef struct id_slot {
    uint32_t row; /* 0: empty */
    uint32_t hash;
} id_slot;

typedef struct id_table {
    id_slot *slots;
    uint32_t mask;
} id_table;

typedef struct id_map {
    id_table now, old; /* old.slots is NULL unless entries are still to be moved */
    uint32_t count;
    uint32_t limit; /* grow when there are more */
    uint32_t at;    /* the next slot of `old` to be moved */
    uint32_t left;  /* how many of its slots have not been looked at */
    id_slot *memory;
    size_t slots; /* in `memory`: all sizes, smallest first */
} id_map;

/* Room for `rows` ids. False: no memory. */
bool id_map_init(id_map *map, uint32_t rows);
void id_map_fini(id_map *map);
void id_map_clear(id_map *map);

/* Not for others: what the inline functions do rarely. */
void id_map_grow(id_map *map);
void id_map_move(id_map *map);
void id_table_remove(id_table *table, uint32_t hash, uint32_t row);

static inline uint32_t id_hash(uint64_t id) {
    return (uint32_t)((id ^ id >> 32) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

static inline uint32_t id_table_find(const id_table *table, const void *rows, size_t stride, uint64_t id,
                                     uint32_t hash) {
    for (uint32_t at = hash & table->mask; table->slots[at].row != 0; at = (at + 1) & table->mask) {
        id_slot slot = table->slots[at];
        if (slot.hash == hash && *(const uint64_t *)((const char *)rows + slot.row * stride) == id) return slot.row;
    }
    return 0;
}

static inline void id_table_add(id_table *table, uint32_t hash, uint32_t row) {
    uint32_t at = hash & table->mask;
    while (table->slots[at].row != 0)
        at = (at + 1) & table->mask;
    table->slots[at] = (id_slot){.row = row, .hash = hash};
}

/* The slot where a search for this hash begins comes into the cache. */
static inline void id_map_foresee(const id_map *map, uint32_t hash) {
    __builtin_prefetch(&map->now.slots[hash & map->now.mask], 1);
}

/* The row of an id, 0 if there is none. `rows` is the table, `stride` the size of a row. */
static inline uint32_t id_map_find(const id_map *map, const void *rows, size_t stride, uint64_t id) {
    uint32_t hash = id_hash(id), row = id_table_find(&map->now, rows, stride, id, hash);
    if (row != 0 || __builtin_expect(map->old.slots == NULL, 1)) return row;
    return id_table_find(&map->old, rows, stride, id, hash);
}

/* For rows that are told apart by more than an id, whose finder compares them itself: client_ids.c. May not be in yet. */
static inline void id_map_add_hash(id_map *map, uint32_t hash, uint32_t row) {
    if (__builtin_expect(map->old.slots != NULL, 0)) id_map_move(map);
    id_table_add(&map->now, hash, row);
    if (__builtin_expect(++map->count > map->limit, 0)) id_map_grow(map);
}

/* The id may not be in yet. */
static inline void id_map_add(id_map *map, uint64_t id, uint32_t row) {
    id_map_add_hash(map, id_hash(id), row);
}

/* The id must be in, with this row. */
static inline void id_map_remove(id_map *map, uint64_t id, uint32_t row) {
    uint32_t hash = id_hash(id), at = hash & map->now.mask;
    map->count--;
    while (map->now.slots[at].row != row && map->now.slots[at].row != 0)
        at = (at + 1) & map->now.mask;
    id_table_remove(map->now.slots[at].row == row ? &map->now : &map->old, hash, row);
}

#endif
