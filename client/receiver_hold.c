/* The ring of held deltas. Which delta is held, and when it is replayed, is the receiver's business. */
#include "client/receiver_hold.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* Before the levels of each delta. Records start on 8-byte boundaries and never wrap: what is left at the end of
 * the ring is a record without an owner. */
typedef struct hold_record {
    size_t size; /* of the record with its levels */
    hold_chain *owner;
    uint64_t next; /* in the owner's chain */
    wire_book_update update;
} hold_record;

#define HOLD_SMALLEST (64u * 1024u)

static hold_record *record_at(const receiver_hold *hold, uint64_t position) {
    return (hold_record *)(void *)(hold->bytes + position % hold->capacity);
}

bool receiver_hold_init(receiver_hold *hold, size_t capacity) {
    if (capacity < HOLD_SMALLEST) capacity = HOLD_SMALLEST;
    capacity &= ~(size_t)63;
    *hold = (receiver_hold){.bytes = malloc(capacity), .capacity = capacity};
    return hold->bytes != NULL;
}

void receiver_hold_fini(receiver_hold *hold) {
    free(hold->bytes);
    *hold = (receiver_hold){0};
}

void hold_chain_init(hold_chain *chain) {
    *chain = (hold_chain){.first = HOLD_NONE, .last = HOLD_NONE};
}

const wire_book_update *hold_chain_look(const receiver_hold *hold, uint64_t position) {
    return &record_at(hold, position)->update;
}

uint64_t hold_chain_after(const receiver_hold *hold, uint64_t position) {
    return record_at(hold, position)->next;
}

/* A record that left its chain has no owner; its bytes are had again when the tail passes. */
void hold_chain_remove(const receiver_hold *hold, hold_chain *chain, uint64_t before, uint64_t position) {
    hold_record *record = record_at(hold, position);
    TW_ASSERT_HOT(record->owner == chain);
    record->owner = NULL;
    if (before == HOLD_NONE)
        chain->first = record->next;
    else
        record_at(hold, before)->next = record->next;
    if (chain->last == position) chain->last = before;
    chain->count--;
}

static void remove_first(const receiver_hold *hold, hold_chain *chain) {
    hold_chain_remove(hold, chain, HOLD_NONE, chain->first);
}

static size_t record_size_at(const receiver_hold *hold, uint64_t position) {
    size_t to_end = hold->capacity - position % hold->capacity;
    return to_end < sizeof(hold_record) ? to_end : record_at(hold, position)->size;
}

/* Moves the tail past records until `size` bytes are free. Returns false if one of them was still waited for:
 * it is the oldest of its chain, because chains and ring share one order. */
static bool make_room(receiver_hold *hold, size_t size) {
    bool nothing_lost = true;
    while (hold->head + size - hold->tail > hold->capacity) {
        size_t oldest = record_size_at(hold, hold->tail);
        if (oldest >= sizeof(hold_record)) {
            hold_chain *owner = record_at(hold, hold->tail)->owner;
            if (owner != NULL) {
                TW_ASSERT_HOT(owner->first == hold->tail);
                remove_first(hold, owner);
                hold->pushed_out++;
                nothing_lost = false;
            }
        }
        hold->tail += oldest;
    }
    return nothing_lost;
}

/* A record that does not fit before the end of the ring starts at its beginning. */
static bool skip_to_start(receiver_hold *hold, size_t size) {
    size_t to_end = hold->capacity - hold->head % hold->capacity;
    if (to_end >= size) return true;
    bool nothing_lost = make_room(hold, to_end);
    if (to_end >= sizeof(hold_record)) *record_at(hold, hold->head) = (hold_record){.size = to_end};
    hold->head += to_end;
    return nothing_lost;
}

bool hold_chain_push(receiver_hold *hold, hold_chain *chain, const wire_book_update *update, uint32_t limit) {
    size_t bid_bytes = update->bid_count * sizeof(tw_level), ask_bytes = update->ask_count * sizeof(tw_level);
    size_t size = sizeof(hold_record) + bid_bytes + ask_bytes;
    size = (size + 7) & ~(size_t)7;
    bool nothing_lost = true;
    if (chain->count >= limit) {
        remove_first(hold, chain);
        hold->pushed_out++;
        nothing_lost = false;
    }
    nothing_lost &= skip_to_start(hold, size);
    nothing_lost &= make_room(hold, size);

    hold_record *record = record_at(hold, hold->head);
    *record = (hold_record){.size = size, .owner = chain, .next = HOLD_NONE, .update = *update};
    tw_level *levels = (tw_level *)(void *)(record + 1);
    if (bid_bytes > 0) memcpy(levels, update->bids, bid_bytes);
    if (ask_bytes > 0) memcpy(levels + update->bid_count, update->asks, ask_bytes);
    record->update.bids = levels;
    record->update.asks = levels + update->bid_count;
    if (chain->last == HOLD_NONE)
        chain->first = hold->head;
    else
        record_at(hold, chain->last)->next = hold->head;
    chain->last = hold->head;
    chain->count++;
    hold->head += size;
    return nothing_lost;
}

void hold_chain_clear(const receiver_hold *hold, hold_chain *chain) {
    while (chain->first != HOLD_NONE)
        remove_first(hold, chain);
}
