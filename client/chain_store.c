/* The map of chains. What a chain does with a message is chain_rule.c's business. */
#include "client/chain_store.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CHAINS 16u

static const char *subject_of(const void *context, uint32_t number) {
    return ((const chain_store *)context)->entries[number].subject;
}

void chain_store_init(chain_store *store, uint32_t max_chains) {
    *store = (chain_store){.max_chains = max_chains};
}

void chain_store_fini(chain_store *store) {
    for (uint32_t i = 0; i < store->count; i++)
        free(store->entries[i].subject);
    free(store->entries);
    tw_map_fini(&store->by_subject);
    *store = (chain_store){0};
}

/* Room for one more. On failure the store is as it was. */
static bool grow(chain_store *store) {
    if (store->count < store->capacity) return true;
    if (store->count >= store->max_chains) return false;
    uint32_t capacity = store->capacity == 0 ? FIRST_CHAINS : 2 * store->capacity;
    if (capacity > store->max_chains) capacity = store->max_chains;
    chain_entry *entries = realloc(store->entries, capacity * sizeof *entries);
    if (entries == NULL) return false;
    store->entries = entries;
    tw_map larger;
    if (!tw_map_init(&larger, capacity, subject_of, store)) return false;
    for (uint32_t i = 0; i < store->count; i++)
        tw_map_add(&larger, i);
    tw_map_fini(&store->by_subject);
    store->by_subject = larger;
    store->capacity = capacity;
    return true;
}

tw_chain *chain_store_get(chain_store *store, const char *subject) {
    uint32_t at = store->capacity > 0 ? tw_map_find(&store->by_subject, subject) : TW_MAP_NONE;
    if (at != TW_MAP_NONE) return &store->entries[at].chain;
    if (!grow(store)) return NULL;
    char *kept = strdup(subject);
    if (kept == NULL) return NULL;
    store->entries[store->count] = (chain_entry){.subject = kept};
    tw_map_add(&store->by_subject, store->count);
    return &store->entries[store->count++].chain;
}
