/*
 * Items by number: taken and given back, at addresses that never move. Grows by chunks as far as its capacity, so that
 * what nobody uses costs nothing. A taken item is all zero.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_SLAB_H
#define TICKWIRE_GATEWAYS_STREAM_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAB_NONE       UINT32_MAX
#define SLAB_CHUNK_BITS 8u
#define SLAB_CHUNK      (1u << SLAB_CHUNK_BITS)

typedef struct slab {
    uint8_t **chunks;
    size_t item_bytes;
    uint32_t capacity;
    uint32_t reached; /* numbers below were taken once */
    uint32_t count;   /* taken now */
    uint32_t *free;   /* a stack of numbers given back */
    uint32_t free_count, free_capacity;
} slab;

bool slab_init(slab *items, size_t item_bytes, uint32_t capacity); /* false: no memory */
void slab_fini(slab *items);                                       /* {0} is fine */
uint32_t slab_take(slab *items);                                   /* SLAB_NONE: full, or no memory */
void slab_give(slab *items, uint32_t number);

static inline void *slab_at(const slab *items, uint32_t number) {
    return items->chunks[number >> SLAB_CHUNK_BITS] + (number & (SLAB_CHUNK - 1)) * items->item_bytes;
}

#endif
