/* Private to proto/: how decoders take memory from the caller's arena. Everything taken lives until the reset that
 * starts the next decode. Nothing falls back to the heap: a full arena answers NULL. */
#ifndef TICKWIRE_PROTO_ARENA_H
#define TICKWIRE_PROTO_ARENA_H

#include "proto/codec.h"

/* Aligned for any type; NULL if it does not fit. The bytes are not cleared. */
void *wire_arena_take(wire_arena *arena, size_t bytes);

/* An array whose end is not known yet: makes room for at least `wanted` elements, at most `most`, and keeps the first
 * `*capacity`. Grows in place while nothing else was taken since. Returns the array, or NULL if it does not fit or
 * `wanted` is beyond `most`; then the old array stays as it was. */
void *wire_arena_grow(wire_arena *arena, void *array, size_t element_bytes, uint32_t *capacity, uint32_t wanted,
                      uint32_t most);

static inline void wire_arena_reset(wire_arena *arena) {
    arena->used = 0;
}

#endif
