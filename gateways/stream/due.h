/*
 * Who is due when: a binary heap of numbered items by time. Each item is in it at most once; the owner keeps each item's
 * place, so that one can be taken out from the middle.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_DUE_H
#define TICKWIRE_GATEWAYS_STREAM_DUE_H

#include <stdbool.h>
#include <stdint.h>

#define DUE_NOT 0u /* the place of an item that is not in */

typedef struct due_entry {
    int64_t at_ns;
    uint32_t item;
} due_entry;

typedef struct due_heap {
    due_entry *entries; /* 1 to count */
    uint32_t count, capacity;
    uint32_t *(*place)(void *context, uint32_t item); /* where the owner keeps it */
    void *context;
} due_heap;

void due_init(due_heap *heap, uint32_t *(*place)(void *context, uint32_t item), void *context);
void due_fini(due_heap *heap);
/* False: no memory. The item is not in. */
bool due_add(due_heap *heap, uint32_t item, int64_t at_ns);
void due_remove(due_heap *heap, uint32_t item); /* nothing happens if it is not in */
/* The first one, if it is due by now; false if none is. It stays in. */
bool due_first(const due_heap *heap, int64_t now_ns, uint32_t *item);
static inline int64_t due_next_ns(const due_heap *heap) {
    return heap->count > 0 ? heap->entries[1].at_ns : INT64_MAX;
}

#endif
