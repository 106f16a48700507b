/*
 * Messages kept in their order until they are wanted: first in, first out, in memory of a fixed size. Full is said, and
 * nothing is dropped: what then happens is the owner's to decide. Pure; no allocation after alloc.
 */
#ifndef TICKWIRE_INGEST_GAP_MESSAGE_HOLD_H
#define TICKWIRE_INGEST_GAP_MESSAGE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/market/feed_message.h"

#define MESSAGE_HOLD_OVERHEAD 18u /* bytes that each message takes besides its own */

typedef struct message_hold {
    uint8_t *bytes;
    size_t capacity;
    size_t head, tail; /* of the oldest; behind the newest */
    size_t wrap;       /* where the bytes end that begin at head, once tail has begun again at 0 */
    bool wrapped;
    uint64_t count;
} message_hold;

/* `capacity` is in bytes; a message takes its length and MESSAGE_HOLD_OVERHEAD. TW_NO_MEMORY. */
tw_code message_hold_init(message_hold *hold, size_t capacity, tw_error *error);
void message_hold_fini(message_hold *hold);
void message_hold_clear(message_hold *hold);

/* Copies the message. False: there is no room. */
bool message_hold_push(message_hold *hold, const feed_message *message);
/* The oldest; false if there is none. Borrowed until the next push or clear. */
bool message_hold_peek(const message_hold *hold, feed_message *message);
/* Lets the oldest go. Its bytes may still be read until the next push or clear. */
void message_hold_pop(message_hold *hold);

#endif
