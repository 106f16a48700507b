/* One side of a book: growing and shrinking its array of levels. */
#include "orderbook/book_side.h"

static unsigned size_of(uint32_t capacity) {
    return (unsigned)__builtin_ctz(capacity / LEVELS_PER_UNIT);
}

bool side_reserve(level_arena *arena, book_side *side) {
    if (side->count < side->capacity) return true;
    uint32_t capacity = side->capacity == 0 ? LEVELS_PER_UNIT : side->capacity * 2;
    uint32_t block = level_arena_take(arena, size_of(capacity));
    if (block == NO_BLOCK) return false;
    book_side grown = {.block = block, .count = side->count, .capacity = capacity};
    if (side->capacity != 0) {
        memcpy(side_keys(arena, &grown), side_keys(arena, side), side->count * sizeof(int64_t));
        memcpy(side_levels(arena, &grown), side_levels(arena, side), side->count * sizeof(price_level));
        level_arena_give(arena, side->block, size_of(side->capacity));
    }
    *side = grown;
    return true;
}

void side_trim(level_arena *arena, book_side *side) {
    if (side->capacity == 0) return;
    if (side->count == 0) {
        level_arena_give(arena, side->block, size_of(side->capacity));
        *side = (book_side){0};
    } else if (side->capacity > LEVELS_PER_UNIT && side->count <= side->capacity / 4) {
        book_side half = {.block = side->block, .count = side->count, .capacity = side->capacity / 2};
        memmove(side_levels(arena, &half), side_levels(arena, side), side->count * sizeof(price_level));
        level_arena_halve(arena, side->block, size_of(side->capacity));
        *side = half;
    }
}
