/* Linear probing from a text's home slot; removal closes the hole it leaves, so there are no tombstones. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static uint32_t home_of(const tw_map *map, const char *text) {
    return (uint32_t)tw_hash_text(text, strlen(text)) & map->mask;
}

bool tw_map_init(tw_map *map, uint32_t capacity, tw_map_text text, const void *context) {
    uint32_t slots = 16;
    while (slots < capacity * 2u)
        slots *= 2;
    *map = (tw_map){.mask = slots - 1, .capacity = capacity, .text = text, .context = context};
    map->slots = malloc(slots * sizeof *map->slots);
    if (map->slots == NULL) return false;
    tw_map_clear(map);
    return true;
}

void tw_map_fini(tw_map *map) {
    free(map->slots);
    *map = (tw_map){0};
}

void tw_map_clear(tw_map *map) {
    map->count = 0;
    memset(map->slots, 0xFF, ((size_t)map->mask + 1) * sizeof *map->slots); /* TW_MAP_NONE everywhere */
}

/* The slot that holds the text, or the empty one where it would go. */
static uint32_t slot_of(const tw_map *map, const char *text) {
    uint32_t slot = home_of(map, text);
    while (map->slots[slot] != TW_MAP_NONE && strcmp(map->text(map->context, map->slots[slot]), text) != 0)
        slot = (slot + 1) & map->mask;
    return slot;
}

uint32_t tw_map_find(const tw_map *map, const char *text) {
    return map->slots[slot_of(map, text)];
}

bool tw_map_add(tw_map *map, uint32_t number) {
    if (map->count == map->capacity) return false;
    map->slots[slot_of(map, map->text(map->context, number))] = number;
    map->count++;
    return true;
}

/* Entries behind the hole move up if their search would otherwise stop at it. */
void tw_map_remove(tw_map *map, const char *text) {
    uint32_t hole = slot_of(map, text);
    if (map->slots[hole] == TW_MAP_NONE) return;
    for (uint32_t slot = (hole + 1) & map->mask; map->slots[slot] != TW_MAP_NONE; slot = (slot + 1) & map->mask) {
        uint32_t home = home_of(map, map->text(map->context, map->slots[slot]));
        if (((slot - home) & map->mask) < ((slot - hole) & map->mask)) continue;
        map->slots[hole] = map->slots[slot];
        hole = slot;
    }
    map->slots[hole] = TW_MAP_NONE;
    map->count--;
}
