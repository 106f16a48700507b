/*
 * Commands of many clients on their way into one shard's stream, as few messages as the stream's pace allows. Pure.
 *
 *   put ─► queue ─► next ─► under way ─► done
 *
 * A batch leaves at once when none is under way. While some are, commands gather, and another leaves when a batch is full or its oldest
 * command has waited `gather_ns`, as long as fewer than `most_under_way` are. So a client alone waits for nobody, and under load a message
 * carries what came during the round trip of the one before. Commands keep their order.
 *
 * Each command has a ticket, by which its owner is told what became of it, exactly once.
 */
#ifndef TICKWIRE_GATEWAYS_ORDERS_BATCHER_H
#define TICKWIRE_GATEWAYS_ORDERS_BATCHER_H

#include "proto/venue.h"

#define BATCHER_MOST_UNDER_WAY 64u

typedef struct batcher batcher;

typedef struct batcher_options {
    uint32_t capacity;       /* commands that wait or are under way */
    uint32_t most_under_way; /* batches, 1 to BATCHER_MOST_UNDER_WAY */
    uint32_t most_commands;  /* in a batch, 1 to WIRE_MAX_PARTS */
    uint32_t most_bytes;     /* of a batch */
    int64_t gather_ns;
    char sender[WIRE_SENDER_BYTES];
} batcher_options;

/* NULL: no memory. */
batcher *batcher_alloc(const batcher_options *options);
void batcher_free(batcher *batcher); /* NULL is fine */

/* Copies the command. False: full. */
bool batcher_put(batcher *batcher, const wire_order_command *command, uint64_t ticket, int64_t now_ns);
uint32_t batcher_room(const batcher *batcher);

/* The next batch, if one is to leave now; borrowed until the next call. The caller writes it and says what came of that: batcher_left, or
 * nothing, and then it is given again. */
typedef struct batcher_batch {
    const uint8_t *bytes;
    size_t length;
    uint32_t count; /* commands */
} batcher_batch;
bool batcher_next(batcher *batcher, int64_t now_ns, batcher_batch *batch);
/* It is under way. Its number, by which its answer is told, is the one that batcher_next_number said before. */
uint64_t batcher_next_number(const batcher *batcher); /* from 1 */
void batcher_left(batcher *batcher);

/* What became of a batch under way: calls for each of its commands, `index` being its place in the batch. False: there is no such batch. */
typedef void (*batcher_on_done)(void *context, uint64_t ticket, uint32_t index);
bool batcher_done(batcher *batcher, uint64_t number, batcher_on_done on_done, void *context);
/* Takes back all that has waited since before `before_ns` without having left, oldest first; INT64_MAX: all. */
void batcher_take_back(batcher *batcher, int64_t before_ns, batcher_on_done on_done, void *context);

uint32_t batcher_waiting(const batcher *batcher);
uint32_t batcher_under_way(const batcher *batcher); /* batches */
/* When batcher_next may have one although nothing else happens; INT64_MAX: never. */
int64_t batcher_due_ns(const batcher *batcher);

#endif
