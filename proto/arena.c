/* The bump allocator under every decode: one block, bounded, reset by the next decode. */
#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, FIRST_CAPACITY = 4 };

bool wire_arena_init(wire_arena *arena, size_t capacity) {
    *arena = (wire_arena){.block = malloc(capacity > 0 ? capacity : 1), .capacity = capacity};
    if (arena->block == NULL) arena->capacity = 0;
    return arena->block != NULL;
}

void wire_arena_fini(wire_arena *arena) {
    free(arena->block);
    *arena = (wire_arena){0};
}

void *wire_arena_take(wire_arena *arena, size_t bytes) {
    size_t start = (arena->used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (start > arena->capacity || bytes > arena->capacity - start) return NULL;
    arena->used = start + bytes;
    return arena->block + start;
}

static bool is_last_taken(const wire_arena *arena, const void *array, size_t bytes) {
    return array != NULL && (const uint8_t *)array + bytes == arena->block + arena->used;
}

void *wire_arena_grow(wire_arena *arena, void *array, size_t element_bytes, uint32_t *capacity, uint32_t wanted,
                      uint32_t most) {
    if (wanted > most) return NULL;
    if (wanted <= *capacity) return array;
    /* A first request is met exactly: decoders that can count ahead waste nothing. Later ones double. */
    uint32_t target = *capacity == 0 ? wanted : *capacity * 2;
    if (target < wanted) target = wanted;
    if (target < FIRST_CAPACITY) target = FIRST_CAPACITY;
    if (target > most) target = most;
    size_t old_bytes = *capacity * element_bytes, new_bytes = target * element_bytes;
    if (is_last_taken(arena, array, old_bytes)) {
        if (new_bytes - old_bytes > arena->capacity - arena->used) return NULL;
        arena->used += new_bytes - old_bytes;
    } else {
        void *moved = wire_arena_take(arena, new_bytes);
        if (moved == NULL) return NULL;
        if (old_bytes > 0) memcpy(moved, array, old_bytes);
        array = moved;
    }
    *capacity = target;
    return array;
}
