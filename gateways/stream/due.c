/* A binary heap of items by time. */
#include "gateways/stream/due.h"

#include <stddef.h>
#include <stdlib.h>

void due_init(due_heap *heap, uint32_t *(*place)(void *context, uint32_t item), void *context) {
    *heap = (due_heap){.place = place, .context = context};
}

void due_fini(due_heap *heap) {
    free(heap->entries);
    *heap = (due_heap){0};
}

static void put(due_heap *heap, uint32_t place, due_entry entry) {
    heap->entries[place] = entry;
    *heap->place(heap->context, entry.item) = place;
}

static void rise(due_heap *heap, uint32_t place, due_entry entry) {
    while (place > 1 && heap->entries[place / 2].at_ns > entry.at_ns) {
        put(heap, place, heap->entries[place / 2]);
        place /= 2;
    }
    put(heap, place, entry);
}

static void sink(due_heap *heap, uint32_t place, due_entry entry) {
    for (;;) {
        uint32_t child = 2 * place;
        if (child > heap->count) break;
        if (child < heap->count && heap->entries[child + 1].at_ns < heap->entries[child].at_ns) child++;
        if (heap->entries[child].at_ns >= entry.at_ns) break;
        put(heap, place, heap->entries[child]);
        place = child;
    }
    put(heap, place, entry);
}

bool due_add(due_heap *heap, uint32_t item, int64_t at_ns) {
    if (heap->count + 1 >= heap->capacity) {
        uint32_t capacity = heap->capacity == 0 ? 64 : 2 * heap->capacity;
        due_entry *entries = realloc(heap->entries, capacity * sizeof *entries);
        if (entries == NULL) return false;
        heap->entries = entries;
        heap->capacity = capacity;
    }
    rise(heap, ++heap->count, (due_entry){.at_ns = at_ns, .item = item});
    return true;
}

void due_remove(due_heap *heap, uint32_t item) {
    uint32_t place = *heap->place(heap->context, item);
    if (place == DUE_NOT) return;
    *heap->place(heap->context, item) = DUE_NOT;
    due_entry last = heap->entries[heap->count--];
    if (last.item == item) return;
    if (place > 1 && heap->entries[place / 2].at_ns > last.at_ns)
        rise(heap, place, last);
    else
        sink(heap, place, last);
}

bool due_first(const due_heap *heap, int64_t now_ns, uint32_t *item) {
    if (heap->count == 0 || heap->entries[1].at_ns > now_ns) return false;
    *item = heap->entries[1].item;
    return true;
}
