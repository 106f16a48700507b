/*
 * The chains a subscription follows on channels that need no book, found by subject. Bounded: chain_store_get answers
 * NULL at `max_chains`. Memory grows with the subjects seen, by doubling.
 */
#ifndef TICKWIRE_CLIENT_CHAIN_STORE_H
#define TICKWIRE_CLIENT_CHAIN_STORE_H

#include <stdint.h>

#include "base/map.h"
#include "client/chain_rule.h"

typedef struct chain_entry {
    char *subject; /* owned */
    tw_chain chain;
} chain_entry;

typedef struct chain_store {
    chain_entry *entries; /* count of them, in the order of appearance */
    uint32_t count, capacity, max_chains;
    tw_map by_subject;
} chain_store;

void chain_store_init(chain_store *store, uint32_t max_chains); /* at least 1 */
void chain_store_fini(chain_store *store);                      /* {0} is fine */

/* The chain of a subject, a new one if it was not there. NULL: no room or no memory. Borrowed until the next call. */
tw_chain *chain_store_get(chain_store *store, const char *subject);

#endif
