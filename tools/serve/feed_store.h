/* Every message of a session by its number, for request servers and SoupBinTCP. Grows as messages come; memory is their bytes and
 * eight for each. */
#ifndef TICKWIRE_TOOLS_SERVE_FEED_STORE_H
#define TICKWIRE_TOOLS_SERVE_FEED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct feed_store {
    uint8_t *bytes;
    size_t used, capacity;
    uint64_t *ends; /* of message i, whose number is i + 1, in `bytes` */
    size_t count, ends_capacity;
} feed_store; /* all zeros is an empty one */

void feed_store_fini(feed_store *store);
/* Stores the next message; false if there is no memory. */
bool feed_store_append(feed_store *store, const uint8_t *message, uint16_t length);
/* Message `sequence` and its length, NULL if there is none. Borrowed until the next append. */
const uint8_t *feed_store_at(const feed_store *store, uint64_t sequence, uint16_t *length);
/* The same as a mold_request_message: `context` is the store. */
const uint8_t *feed_store_message(void *context, uint64_t sequence, uint16_t *length);

#endif
