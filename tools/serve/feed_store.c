/* Two arrays that double: the bytes, and where each message ends. */
#include "tools/serve/feed_store.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES    ((size_t)1 << 20)
#define FIRST_MESSAGES ((size_t)1 << 15)

void feed_store_fini(feed_store *store) {
    free(store->bytes);
    free(store->ends);
    *store = (feed_store){0};
}

static bool room_for_bytes(feed_store *store, size_t wanted) {
    if (store->capacity - store->used >= wanted) return true;
    size_t capacity = store->capacity == 0 ? FIRST_BYTES : store->capacity * 2;
    uint8_t *bytes = realloc(store->bytes, capacity);
    if (bytes == NULL) return false;
    store->bytes = bytes;
    store->capacity = capacity;
    return true;
}

static bool room_for_message(feed_store *store) {
    if (store->ends_capacity > store->count) return true;
    size_t capacity = store->ends_capacity == 0 ? FIRST_MESSAGES : store->ends_capacity * 2;
    uint64_t *ends = realloc(store->ends, capacity * sizeof *ends);
    if (ends == NULL) return false;
    store->ends = ends;
    store->ends_capacity = capacity;
    return true;
}

bool feed_store_append(feed_store *store, const uint8_t *message, uint16_t length) {
    if (!room_for_bytes(store, length) || !room_for_message(store)) return false;
    if (length > 0) memcpy(store->bytes + store->used, message, length);
    store->used += length;
    store->ends[store->count++] = store->used;
    return true;
}

const uint8_t *feed_store_at(const feed_store *store, uint64_t sequence, uint16_t *length) {
    if (sequence == 0 || sequence > store->count) return NULL;
    size_t from = sequence == 1 ? 0 : store->ends[sequence - 2];
    *length = (uint16_t)(store->ends[sequence - 1] - from);
    return store->bytes + from;
}

const uint8_t *feed_store_message(void *context, uint64_t sequence, uint16_t *length) {
    return feed_store_at(context, sequence, length);
}
