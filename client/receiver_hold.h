/*
 * A bounded place for deltas that wait for a snapshot. One ring of bytes serves all books of a client; when it
 * is full the oldest delta of all makes room, whichever book it belongs to.
 *
 * Each book strings its own deltas together with a hold_chain, oldest first. A delta that was pushed out is gone
 * without a word: the book notices because what remains does not chain on, and asks for another snapshot.
 *
 *      tail                                   head
 *   ....|A1|B1|A2|  free'd  |A3|B2|............|....      positions only grow; slot = position % capacity
 *        A.first ^                    ^ A.last
 */
#ifndef TICKWIRE_CLIENT_RECEIVER_HOLD_H
#define TICKWIRE_CLIENT_RECEIVER_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/codec.h"

#define HOLD_NONE UINT64_MAX

/* One book's deltas. Lives in the book, at a fixed address while it holds anything. */
typedef struct hold_chain {
    uint64_t first; /* HOLD_NONE: empty */
    uint64_t last;
    uint32_t count;
} hold_chain;

typedef struct receiver_hold {
    uint8_t *bytes;
    size_t capacity;
    uint64_t tail; /* oldest position kept */
    uint64_t head; /* next position written */
    uint64_t pushed_out;
} receiver_hold;

/* `capacity` in bytes, at least 64 KiB (raised to it), a multiple of 64. False: no memory. */
bool receiver_hold_init(receiver_hold *hold, size_t capacity);
void receiver_hold_fini(receiver_hold *hold);

void hold_chain_init(hold_chain *chain);
/* Copies `update` to the end of the chain. When the chain has `limit` deltas already, its oldest leaves. Returns
 * false if a delta of this book or of another was pushed out to make room. */
bool hold_chain_push(receiver_hold *hold, hold_chain *chain, const wire_book_update *update, uint32_t limit);
/* Walks a chain: start at chain->first, go on with hold_chain_after until HOLD_NONE. The update's levels are
 * readable until the next push. */
const wire_book_update *hold_chain_look(const receiver_hold *hold, uint64_t position);
uint64_t hold_chain_after(const receiver_hold *hold, uint64_t position);
/* Takes one delta out; `before` is the position before it in the chain, HOLD_NONE for the first. */
void hold_chain_remove(const receiver_hold *hold, hold_chain *chain, uint64_t before, uint64_t position);
void hold_chain_clear(const receiver_hold *hold, hold_chain *chain);

#endif
