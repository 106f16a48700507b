/*
 * Small numbers to give out and take back: the free places of a table. Freeing is pushing, so the place given out next is
 * the one used last. The table itself is the owner's.
 */
#ifndef TICKWIRE_BASE_POOL_H
#define TICKWIRE_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define TW_POOL_NONE UINT32_MAX

typedef struct tw_pool {
    uint32_t *free; /* a stack of the places that are free */
    uint32_t free_count;
    uint32_t capacity;
} tw_pool;

bool tw_pool_init(tw_pool *pool, uint32_t capacity); /* all free, 0 is given out first; false: no memory */
void tw_pool_fini(tw_pool *pool);                    /* {0} is fine */
void tw_pool_clear(tw_pool *pool);                   /* all free again */

uint32_t tw_pool_take(tw_pool *pool); /* TW_POOL_NONE if none is free */
void tw_pool_give(tw_pool *pool, uint32_t place);
static inline bool tw_pool_full(const tw_pool *pool) {
    return pool->free_count == 0;
}

#endif
