/*
 * Memory for arrays of price levels: a buddy allocator over one bounded table.
 *
 * A unit holds LEVELS_PER_UNIT level slots. Blocks are 1, 2, 4, ... units, aligned to their own size; a freed
 * block joins its free twin at once, so what one book gives back any other can use. Every call is bounded by
 * the number of sizes. Free blocks are linked through their own memory.
 */
#ifndef TICKWIRE_ORDERBOOK_LEVEL_ARENA_H
#define TICKWIRE_ORDERBOOK_LEVEL_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEVELS_PER_UNIT 4u
#define LEVEL_BYTES     32u
#define UNIT_BYTES      ((size_t)LEVELS_PER_UNIT * LEVEL_BYTES)
#define ARENA_SIZES     29 /* 2^28 units are 2^30 levels */
#define NO_BLOCK        UINT32_MAX

typedef struct level_arena {
    char *memory;
    uint8_t *free_size; /* per unit: 1 + size of the free block that starts here, 0 if none does */
    uint32_t units;
    uint32_t used_units;
    uint32_t free_head[ARENA_SIZES]; /* by size: log2 of units */
} level_arena;

size_t level_arena_bytes(uint32_t max_levels);
bool level_arena_init(level_arena *arena, uint32_t max_levels);
void level_arena_fini(level_arena *arena);
void level_arena_clear(level_arena *arena); /* every block is free again */

/* A block of 2^size units, not zeroed, as the number of its first unit; NO_BLOCK if there is none. */
uint32_t level_arena_take(level_arena *arena, unsigned size);
void level_arena_give(level_arena *arena, uint32_t block, unsigned size);

/* Keeps the lower half of a block of 2^size units. */
void level_arena_halve(level_arena *arena, uint32_t block, unsigned size);

/* True if the free blocks are disjoint, listed rightly, and as large as what is not in use. */
bool level_arena_check(const level_arena *arena);

static inline void *level_arena_at(const level_arena *arena, uint32_t block) {
    return arena->memory + (size_t)block * UNIT_BYTES;
}

#endif
