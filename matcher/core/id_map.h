/*
 * From a 64-bit id to the row that has it: open addressing with linear probing; removal closes the hole it leaves, so there are no
 * tombstones. The map keeps row numbers and half of the hash only; the ids stay in the rows, whose first field they are.
 * Rows count from 1. At most half of the slots are in use.
 */
#ifndef TICKWIRE_MATCHER_CORE_ID_MAP_H
#define TICKWIRE_MATCHER_CORE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orderbook/pages.h"

typedef struct id_slot {
    uint32_t row; /* 0: empty */
    uint32_t home;
} id_slot;

typedef struct id_map {
    id_slot *slots;
    uint32_t mask;
    unsigned shift;
} id_map;

static inline uint64_t id_map_slots(uint32_t rows) {
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t)rows)
        slots *= 2;
    return slots;
}

static inline bool id_map_init(id_map *map, uint32_t rows) {
    uint64_t slots = id_map_slots(rows);
    map->slots = ob_pages_alloc(slots * sizeof *map->slots);
    map->mask = (uint32_t)(slots - 1);
    map->shift = 64 - (unsigned)__builtin_ctzll(slots);
    return map->slots != NULL;
}

static inline void id_map_fini(id_map *map) {
    if (map->slots != NULL) ob_pages_free(map->slots, ((size_t)map->mask + 1) * sizeof *map->slots);
}

static inline void id_map_clear(id_map *map) {
    ob_pages_zero(map->slots, ((size_t)map->mask + 1) * sizeof *map->slots);
}

static inline uint32_t id_map_home(const id_map *map, uint64_t id) {
    return (uint32_t)((id ^ id >> 32) * UINT64_C(0x9E3779B97F4A7C15) >> map->shift);
}

/* The row of an id, 0 if there is none. `rows` is the table, `stride` the size of a row. */
static inline uint32_t id_map_find(const id_map *map, const void *rows, size_t stride, uint64_t id) {
    uint32_t home = id_map_home(map, id);
    for (uint32_t at = home; map->slots[at].row != 0; at = (at + 1) & map->mask) {
        id_slot slot = map->slots[at];
        if (slot.home == home && *(const uint64_t *)((const char *)rows + slot.row * stride) == id) return slot.row;
    }
    return 0;
}

/* The id may not be in yet. */
static inline void id_map_add(id_map *map, uint64_t id, uint32_t row) {
    uint32_t home = id_map_home(map, id), at = home;
    while (map->slots[at].row != 0)
        at = (at + 1) & map->mask;
    map->slots[at] = (id_slot){.row = row, .home = home};
}

/* The id must be in. */
static inline void id_map_remove(id_map *map, uint64_t id, uint32_t row) {
    uint32_t hole = id_map_home(map, id);
    while (map->slots[hole].row != row)
        hole = (hole + 1) & map->mask;
    for (uint32_t at = (hole + 1) & map->mask; map->slots[at].row != 0; at = (at + 1) & map->mask) {
        if (((at - map->slots[at].home) & map->mask) < ((at - hole) & map->mask))
            continue; /* its search does not pass */
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole].row = 0;
}

#endif
