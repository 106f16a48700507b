/*
 * One ring of commands. Positions count up for ever:
 *
 *   freed ... [ first of the oldest batch ... | head: next to leave ... | tail: next to be put )
 *
 * A batch is a range of positions. Answers may come in another order than batches left; room is free once all before it is.
 */
#include "gateways/orders/batcher.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/text.h"

typedef struct slot {
    wire_order_command command;
    uint64_t ticket;
    int64_t since_ns;
} slot;

typedef struct under_way {
    uint64_t number; /* 0: free */
    uint64_t first;
    uint32_t count;
} under_way;

struct batcher {
    batcher_options options;
    slot *slots;
    uint64_t freed, head, tail;
    under_way batches[BATCHER_MOST_UNDER_WAY];
    uint32_t batch_count;
    uint64_t last_number;
    uint32_t made; /* commands of the batch that `next` has given */
    uint8_t *bytes;
};

batcher *batcher_alloc(const batcher_options *options) {
    TW_ASSERT(options->capacity > 0 && options->most_under_way > 0 &&
              options->most_under_way <= BATCHER_MOST_UNDER_WAY && options->most_commands > 0 &&
              options->most_commands <= WIRE_MAX_PARTS);
    batcher *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    self->options = *options;
    self->slots = calloc(options->capacity, sizeof *self->slots);
    self->bytes = malloc(options->most_bytes);
    if (self->slots != NULL && self->bytes != NULL) return self;
    batcher_free(self);
    return NULL;
}

void batcher_free(batcher *self) {
    if (self == NULL) return;
    free(self->slots);
    free(self->bytes);
    free(self);
}

static slot *slot_at(const batcher *self, uint64_t position) {
    return &self->slots[position % self->options.capacity];
}

uint32_t batcher_room(const batcher *self) {
    return self->options.capacity - (uint32_t)(self->tail - self->freed);
}

uint32_t batcher_waiting(const batcher *self) {
    return (uint32_t)(self->tail - self->head);
}

uint32_t batcher_under_way(const batcher *self) {
    return self->batch_count;
}

bool batcher_put(batcher *self, const wire_order_command *command, uint64_t ticket, int64_t now_ns) {
    if (batcher_room(self) == 0) return false;
    *slot_at(self, self->tail++) = (slot){.command = *command, .ticket = ticket, .since_ns = now_ns};
    return true;
}

int64_t batcher_due_ns(const batcher *self) {
    if (self->head == self->tail || self->batch_count == self->options.most_under_way) return INT64_MAX;
    return slot_at(self, self->head)->since_ns + self->options.gather_ns;
}

static bool may_leave(const batcher *self, int64_t now_ns) {
    uint32_t waiting = batcher_waiting(self);
    if (waiting == 0 || self->batch_count == self->options.most_under_way) return false;
    return self->batch_count == 0 || waiting >= self->options.most_commands || batcher_due_ns(self) <= now_ns;
}

bool batcher_next(batcher *self, int64_t now_ns, batcher_batch *batch) {
    wire_parts parts;
    wire_batch_header header = {.sent_ns = now_ns};
    if (!may_leave(self, now_ns)) return false;
    tw_text_copy(header.sender, sizeof header.sender, self->options.sender);
    wire_parts_start(&parts, self->bytes, self->options.most_bytes);
    uint32_t most = batcher_waiting(self);
    if (most > self->options.most_commands) most = self->options.most_commands;
    self->made = 0;
    while (self->made < most && wire_order_command_add(&parts, &slot_at(self, self->head + self->made)->command))
        self->made++;
    TW_ASSERT(self->made > 0);
    batch->bytes = wire_orders_finish(&parts, &header, &batch->length);
    batch->count = self->made;
    return true;
}

uint64_t batcher_next_number(const batcher *self) {
    return self->last_number + 1;
}

void batcher_left(batcher *self) {
    TW_ASSERT(self->made > 0 && self->batch_count < self->options.most_under_way);
    uint32_t i = 0;
    while (self->batches[i].number != 0)
        i++;
    self->batches[i] = (under_way){.number = ++self->last_number, .first = self->head, .count = self->made};
    self->batch_count++;
    self->head += self->made;
    self->made = 0;
}

/* Up to the oldest that somebody still needs. */
static void free_slots(batcher *self) {
    uint64_t oldest = self->head;
    for (uint32_t i = 0; i < self->options.most_under_way; i++)
        if (self->batches[i].number != 0 && self->batches[i].first < oldest) oldest = self->batches[i].first;
    self->freed = oldest;
}

bool batcher_done(batcher *self, uint64_t number, batcher_on_done on_done, void *context) {
    uint32_t i = 0;
    while (i < self->options.most_under_way && self->batches[i].number != number)
        i++;
    if (number == 0 || i == self->options.most_under_way) return false;
    under_way batch = self->batches[i];
    for (uint32_t index = 0; index < batch.count; index++)
        on_done(context, slot_at(self, batch.first + index)->ticket, index);
    self->batches[i].number = 0;
    self->batch_count--;
    free_slots(self);
    return true;
}

/* They are the head of the queue: what left before is not touched. Where batches are under way behind `freed`, the room of these comes free
 * with theirs. */
void batcher_take_back(batcher *self, int64_t before_ns, batcher_on_done on_done, void *context) {
    uint64_t end = self->tail; /* what `on_done` puts is not taken back */
    self->made = 0;
    while (self->head < end && slot_at(self, self->head)->since_ns < before_ns) {
        uint64_t ticket = slot_at(self, self->head++)->ticket;
        on_done(context, ticket, 0);
    }
    free_slots(self);
}
