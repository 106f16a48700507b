/* The id map while it grows. */
#include "matcher/core/id_map.h"

#include "base/assert.h"

#define MOVES 16 /* slots for each change: the old table is empty long before the new one is full */

static size_t slots_for(uint32_t rows) {
    size_t slots = ID_MAP_LEAST;
    while (slots / 8 * 5 < rows)
        slots *= 2;
    return slots;
}

/* All sizes in a row: the one of n slots begins after n - ID_MAP_LEAST others. */
static id_table table_of(const id_map *map, size_t slots) {
    return (id_table){.slots = map->memory + (slots - ID_MAP_LEAST), .mask = (uint32_t)(slots - 1)};
}

static void begin(id_map *map) {
    map->now = table_of(map, ID_MAP_LEAST);
    map->old = (id_table){0};
    map->count = 0;
    map->limit = ID_MAP_LEAST / 8 * 5;
}

bool id_map_init(id_map *map, uint32_t rows) {
    *map = (id_map){.slots = 2 * slots_for(rows) - ID_MAP_LEAST};
    map->memory = ob_pages_alloc(map->slots * sizeof *map->memory);
    if (map->memory == NULL) return false;
    begin(map);
    return true;
}

void id_map_fini(id_map *map) {
    ob_pages_free(map->memory, map->slots * sizeof *map->memory);
}

void id_map_clear(id_map *map) {
    ob_pages_zero(map->memory, map->slots * sizeof *map->memory);
    begin(map);
}

/* From the first gap on, all around. */
void id_map_grow(id_map *map) {
    while (map->old.slots != NULL)
        id_map_move(map);
    map->old = map->now;
    map->now = table_of(map, 2 * ((size_t)map->old.mask + 1));
    map->limit = (map->now.mask + 1) / 8 * 5;
    TW_ASSERT(map->now.slots + map->now.mask < map->memory + map->slots);
    map->at = 0;
    while (map->old.slots[map->at].row != 0)
        map->at++;
    map->left = map->old.mask + 1;
}

void id_map_move(id_map *map) {
    for (uint32_t done = 0; map->left > 0; done++) {
        id_slot *slot = &map->old.slots[map->at];
        if (done >= MOVES && slot->row == 0) return; /* between two runs */
        if (slot->row != 0) id_table_add(&map->now, slot->hash, slot->row);
        *slot = (id_slot){0};
        map->at = (map->at + 1) & map->old.mask;
        map->left--;
    }
    map->old.slots = NULL;
}

void id_table_remove(id_table *table, uint32_t hash, uint32_t row) {
    uint32_t hole = hash & table->mask;
    while (table->slots[hole].row != row)
        hole = (hole + 1) & table->mask;
    for (uint32_t at = (hole + 1) & table->mask; table->slots[at].row != 0; at = (at + 1) & table->mask) {
        uint32_t home = table->slots[at].hash & table->mask;
        if (((at - home) & table->mask) < ((at - hole) & table->mask)) continue; /* its search does not pass */
        table->slots[hole] = table->slots[at];
        hole = at;
    }
    table->slots[hole] = (id_slot){0};
}
