/* What has moved away: a shard's engine still knows an instrument that lives on another one, but no directory has it there (docs/venue-shards.md). */
#ifndef TICKWIRE_TOOLS_VENUE_MOVED_H
#define TICKWIRE_TOOLS_VENUE_MOVED_H

#include "tools/venue/directory.h"

typedef struct venue_left {
    char symbol[TW_SYMBOL_BYTES];
    uint32_t shard; /* where it does not live any more */
} venue_left;

/* In the order of symbols, then shards. */
typedef struct venue_moved {
    venue_left *list;
    size_t count, capacity;
    bool partial; /* a shard did not tell; it was said on standard error */
} venue_moved;

/* Asks each shard that runs. One that does not answer within `timeout_ns`, or is of a version that does not know the question, makes it `partial`.
 * TW_NO_MEMORY, TW_UNSUPPORTED (the server does not let this user ask). */
tw_code venue_moved_read(venue_link *link, const char *mic, const venue_shards *shards, int64_t timeout_ns,
                         venue_moved *moved, tw_error *error);
void venue_moved_fini(venue_moved *moved);

#endif
