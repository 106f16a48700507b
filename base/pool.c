/* A stack of free places; see pool.h. */
#include "base/pool.h"

#include <stdlib.h>

#include "base/assert.h"

bool tw_pool_init(tw_pool *pool, uint32_t capacity) {
    *pool = (tw_pool){.free = calloc(capacity > 0 ? capacity : 1, sizeof *pool->free), .capacity = capacity};
    if (pool->free == NULL) return false;
    tw_pool_clear(pool);
    return true;
}

void tw_pool_fini(tw_pool *pool) {
    free(pool->free);
    *pool = (tw_pool){0};
}

void tw_pool_clear(tw_pool *pool) {
    pool->free_count = pool->capacity;
    for (uint32_t i = 0; i < pool->capacity; i++)
        pool->free[i] = pool->capacity - 1 - i;
}

uint32_t tw_pool_take(tw_pool *pool) {
    return pool->free_count == 0 ? TW_POOL_NONE : pool->free[--pool->free_count];
}

void tw_pool_give(tw_pool *pool, uint32_t place) {
    TW_ASSERT(place < pool->capacity && pool->free_count < pool->capacity);
    pool->free[pool->free_count++] = place;
}
