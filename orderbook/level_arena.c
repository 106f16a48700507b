/* Memory for arrays of price levels: the buddy allocator. */
#include "orderbook/level_arena.h"

#include "base/assert.h"
#include "orderbook/pages.h"

typedef struct free_block {
    uint32_t next;
    uint32_t prev;
} free_block;

static uint32_t units_of(uint32_t max_levels) {
    return (max_levels + LEVELS_PER_UNIT - 1) / LEVELS_PER_UNIT;
}

static free_block *links(const level_arena *arena, uint32_t block) {
    return level_arena_at(arena, block);
}

static void push_free(level_arena *arena, uint32_t block, unsigned size) {
    uint32_t head = arena->free_head[size];
    *links(arena, block) = (free_block){.next = head, .prev = NO_BLOCK};
    if (head != NO_BLOCK) links(arena, head)->prev = block;
    arena->free_head[size] = block;
    arena->free_size[block] = (uint8_t)(size + 1);
}

static void unlink_free(level_arena *arena, uint32_t block, unsigned size) {
    free_block gone = *links(arena, block);
    if (gone.next != NO_BLOCK) links(arena, gone.next)->prev = gone.prev;
    if (gone.prev != NO_BLOCK) {
        links(arena, gone.prev)->next = gone.next;
    } else {
        arena->free_head[size] = gone.next;
    }
    arena->free_size[block] = 0;
}

size_t level_arena_bytes(uint32_t max_levels) {
    return ob_pages_round(units_of(max_levels) * UNIT_BYTES) + ob_pages_round(units_of(max_levels));
}

bool level_arena_init(level_arena *arena, uint32_t max_levels) {
    *arena = (level_arena){.units = units_of(max_levels)};
    arena->memory = ob_pages_alloc(arena->units * UNIT_BYTES);
    arena->free_size = ob_pages_alloc(arena->units);
    if (arena->memory == NULL || arena->free_size == NULL) return false;
    level_arena_clear(arena);
    return true;
}

void level_arena_fini(level_arena *arena) {
    ob_pages_free(arena->memory, arena->units * UNIT_BYTES);
    ob_pages_free(arena->free_size, arena->units);
}

/* Covers the table with the largest aligned blocks that fit, from the left. */
void level_arena_clear(level_arena *arena) {
    ob_pages_zero(arena->free_size, arena->units);
    arena->used_units = 0;
    for (unsigned size = 0; size < ARENA_SIZES; size++)
        arena->free_head[size] = NO_BLOCK;
    uint32_t at = 0;
    for (int size = ARENA_SIZES - 1; size >= 0; size--) {
        if (arena->units - at < UINT32_C(1) << size) continue;
        push_free(arena, at, (unsigned)size);
        at += UINT32_C(1) << size;
    }
}

uint32_t level_arena_take(level_arena *arena, unsigned size) {
    unsigned larger = size;
    while (larger < ARENA_SIZES && arena->free_head[larger] == NO_BLOCK)
        larger++;
    if (larger >= ARENA_SIZES) return NO_BLOCK;
    uint32_t block = arena->free_head[larger];
    unlink_free(arena, block, larger);
    while (larger > size) {
        larger--;
        push_free(arena, block + (UINT32_C(1) << larger), larger);
    }
    arena->used_units += UINT32_C(1) << size;
    return block;
}

void level_arena_give(level_arena *arena, uint32_t block, unsigned size) {
    TW_ASSERT_HOT(arena->free_size[block] == 0);
    arena->used_units -= UINT32_C(1) << size;
    for (; size + 1 < ARENA_SIZES; size++) {
        uint32_t twin = block ^ UINT32_C(1) << size;
        if (twin >= arena->units || arena->free_size[twin] != size + 1) break;
        unlink_free(arena, twin, size);
        if (twin < block) block = twin;
    }
    push_free(arena, block, size);
}

void level_arena_halve(level_arena *arena, uint32_t block, unsigned size) {
    level_arena_give(arena, block + (UINT32_C(1) << (size - 1)), size - 1);
}

bool level_arena_check(const level_arena *arena) {
    uint64_t free_units = 0, listed = 0, marked = 0;
    for (unsigned size = 0; size < ARENA_SIZES; size++) {
        for (uint32_t at = arena->free_head[size]; at != NO_BLOCK; at = links(arena, at)->next) {
            if (at >= arena->units || arena->free_size[at] != size + 1 || listed++ > arena->units) return false;
        }
    }
    for (uint32_t at = 0; at < arena->units;) {
        uint32_t length = arena->free_size[at] == 0 ? 1 : UINT32_C(1) << (arena->free_size[at] - 1);
        if (arena->free_size[at] != 0) {
            if (at % length != 0 || length > arena->units - at) return false;
            marked++;
            free_units += length;
            for (uint32_t inside = at + 1; inside < at + length; inside++)
                if (arena->free_size[inside] != 0) return false;
        }
        at += length;
    }
    return listed == marked && free_units + arena->used_units == arena->units;
}
