/* A ring of records, each in one piece:  seq (8) | receive_ns (8) | length (2) | bytes. */
#include "ingest/gap/message_hold.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

tw_code message_hold_init(message_hold *hold, size_t capacity, tw_error *error) {
    *hold = (message_hold){.capacity = capacity};
    hold->bytes = malloc(capacity); /* pages are taken as they are touched */
    return hold->bytes == NULL ? tw_error_set(error, TW_NO_MEMORY, "no memory to hold messages") : TW_OK;
}

void message_hold_fini(message_hold *hold) {
    free(hold->bytes);
    *hold = (message_hold){0};
}

void message_hold_clear(message_hold *hold) {
    hold->head = hold->tail = hold->wrap = 0;
    hold->wrapped = false;
    hold->count = 0;
}

/* Where `size` bytes fit in one piece, or `capacity` for nowhere. */
static size_t find_room(message_hold *hold, size_t size) {
    if (hold->wrapped) return hold->head - hold->tail >= size ? hold->tail : hold->capacity;
    if (hold->capacity - hold->tail >= size) return hold->tail;
    if (hold->head < size) return hold->capacity;
    hold->wrapped = true;
    hold->wrap = hold->tail;
    return 0;
}

bool message_hold_push(message_hold *hold, const feed_message *message) {
    size_t size = MESSAGE_HOLD_OVERHEAD + message->length;
    if (hold->count == 0) message_hold_clear(hold);
    if (size > hold->capacity) return false;
    size_t at = find_room(hold, size);
    if (at == hold->capacity) return false;
    uint8_t *record = hold->bytes + at;
    memcpy(record, &message->seq, 8);
    memcpy(record + 8, &message->receive_ns, 8);
    memcpy(record + 16, &message->length, 2);
    memcpy(record + MESSAGE_HOLD_OVERHEAD, message->bytes, message->length);
    hold->tail = at + size;
    hold->count++;
    return true;
}

bool message_hold_peek(const message_hold *hold, feed_message *message) {
    if (hold->count == 0) return false;
    const uint8_t *record = hold->bytes + hold->head;
    memcpy(&message->seq, record, 8);
    memcpy(&message->receive_ns, record + 8, 8);
    memcpy(&message->length, record + 16, 2);
    message->bytes = record + MESSAGE_HOLD_OVERHEAD;
    return true;
}

void message_hold_pop(message_hold *hold) {
    TW_ASSERT(hold->count > 0);
    uint16_t length;
    memcpy(&length, hold->bytes + hold->head + 16, 2);
    hold->head += MESSAGE_HOLD_OVERHEAD + length;
    hold->count--;
    if (hold->wrapped && hold->head == hold->wrap) {
        hold->head = 0;
        hold->wrapped = false;
    }
}
