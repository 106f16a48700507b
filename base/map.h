/*
 * From a text to a small number: open addressing, fixed room, half of the slots always empty. The map keeps numbers only;
 * the texts stay where they are, and the owner says which text belongs to a number.
 */
#ifndef TICKWIRE_BASE_MAP_H
#define TICKWIRE_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define TW_MAP_NONE UINT32_MAX

/* The text of a number in the map. It may not change while the number is in. */
typedef const char *(*tw_map_text)(const void *context, uint32_t number);

typedef struct tw_map {
    uint32_t *slots;
    uint32_t mask;
    uint32_t count, capacity;
    tw_map_text text;
    const void *context; /* borrowed */
} tw_map;

/* Room for `capacity` numbers, 1 to 2^28. False: no memory. */
bool tw_map_init(tw_map *map, uint32_t capacity, tw_map_text text, const void *context);
void tw_map_fini(tw_map *map); /* {0} is fine */
void tw_map_clear(tw_map *map);

uint32_t tw_map_find(const tw_map *map, const char *text); /* TW_MAP_NONE if it is not in */
/* Adds a number whose text is not in. False: full. */
bool tw_map_add(tw_map *map, uint32_t number);
/* Takes a text out; nothing happens if it is not in. */
void tw_map_remove(tw_map *map, const char *text);

#endif
