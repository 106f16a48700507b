/* Items by number in chunks that never move. */
#include "gateways/stream/slab.h"

#include <stdlib.h>
#include <string.h>

bool slab_init(slab *items, size_t item_bytes, uint32_t capacity) {
    *items = (struct slab){.item_bytes = item_bytes, .capacity = capacity};
    items->chunks = calloc(((size_t)capacity >> SLAB_CHUNK_BITS) + 1, sizeof *items->chunks);
    return items->chunks != NULL;
}

void slab_fini(slab *items) {
    for (uint32_t i = 0; items->chunks != NULL && i <= items->capacity >> SLAB_CHUNK_BITS; i++)
        free(items->chunks[i]);
    free(items->chunks);
    free(items->free);
    *items = (struct slab){0};
}

/* The stack of free numbers has room for all that were ever taken: giving back never fails. */
static bool grow(slab *items) {
    uint8_t **chunk = &items->chunks[items->reached >> SLAB_CHUNK_BITS];
    if (items->free_capacity <= items->reached) {
        uint32_t capacity = items->reached + SLAB_CHUNK;
        if (capacity < 2 * items->reached) capacity = 2 * items->reached;
        uint32_t *free_numbers = realloc(items->free, capacity * sizeof *free_numbers);
        if (free_numbers == NULL) return false;
        items->free = free_numbers;
        items->free_capacity = capacity;
    }
    if (*chunk == NULL) *chunk = malloc(SLAB_CHUNK * items->item_bytes);
    return *chunk != NULL;
}

uint32_t slab_take(slab *items) {
    uint32_t number;
    if (items->free_count > 0) {
        number = items->free[--items->free_count];
    } else {
        if (items->reached == items->capacity || !grow(items)) return SLAB_NONE;
        number = items->reached++;
    }
    items->count++;
    memset(slab_at(items, number), 0, items->item_bytes);
    return number;
}

void slab_give(slab *items, uint32_t number) {
    items->free[items->free_count++] = number;
    items->count--;
}
