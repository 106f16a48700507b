/*
 * The receiver's rules: what a subscriber does with each book message it gets (design, "Sequence, snapshot,
 * checksum"). One receiver_book per exchange, symbol and channel. A pure core: no I/O, no clock, no log, nothing
 * allocated after receiver_hold_init.
 *
 * A book's content is the state at (epoch, seq). It is `in_sync` when that is also the newest state known of: no
 * delta was seen that could not be applied. Only a book in sync may be shown as OK.
 *
 *   NEVER ──snapshot, or delta with prev_seq 0──────────────► IN SYNC ◄─┐ prev_seq is mine: apply
 *     │                                                        │   └────┘
 *     └─other delta─► WAITING ◄─chain broken, checksum, doubt──┘
 *                     │  ▲ └──snapshot as new as all that was seen, or the missing delta after all──► IN SYNC
 *                     └──┘ older snapshot, other deltas: held (bounded), replayed when they chain on
 *
 * The rules, first match wins:
 *   message of a lower term                        DROPPED_OLD_TERM
 *   snapshot of a higher term, or the first of all replace
 *   snapshot of another epoch than the newest seen not trusted (it may have been late): ask again, believe the next
 *   snapshot while in sync                         replace if its seq is newer, else IGNORED
 *   snapshot while not in sync                     replace (never a step back), then replay what was held
 *   delta of the epoch that was left, same term    not trusted: the next snapshot tells
 *   delta with prev_seq == mine, same epoch        apply, cut to depth, verify; seq == prev_seq: STATE_ONLY
 *   delta with prev_seq 0, where not a duplicate   the same, from an empty book; may start a new epoch
 *   delta with seq not above mine, same term       DUPLICATE
 *   any other delta                                NEED_SNAPSHOT at first, then HELD
 */
#ifndef TICKWIRE_CLIENT_RECEIVER_H
#define TICKWIRE_CLIENT_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/market.h"
#include "client/receiver_hold.h"
#include "proto/codec.h"

/* Deltas held for one book. At the open a liquid symbol changes about a thousand times a second. */
#define RECEIVER_MAX_HELD 1024

typedef enum receiver_outcome {
    RECEIVER_APPLIED = 0,
    RECEIVER_APPLIED_SNAPSHOT,
    RECEIVER_STATE_ONLY,       /* the levels stay, the instrument's state is new */
    RECEIVER_DUPLICATE,        /* already folded in */
    RECEIVER_IGNORED_SNAPSHOT, /* in sync and not newer, or older than what is here */
    RECEIVER_DROPPED_OLD_TERM, /* of a deposed leader */
    RECEIVER_NEED_SNAPSHOT,    /* the chain is broken: ask for one. The delta is held */
    RECEIVER_HELD,             /* a snapshot is awaited already */
    RECEIVER_CHECKSUM_FAULT,   /* applied, but the book differs from the publisher's: ask for a snapshot */
    RECEIVER_REFUSED           /* makes no sense (depth, counts, seq below prev_seq): not applied */
} receiver_outcome;
const char *receiver_outcome_name(receiver_outcome outcome);

/* Why a book is not in sync. */
typedef enum receiver_wait {
    RECEIVER_WAIT_NOT = 0, /* it is in sync */
    RECEIVER_WAIT_FIRST,   /* nothing has come yet that a book can start from */
    RECEIVER_WAIT_CHAIN,
    RECEIVER_WAIT_CHECKSUM,
    RECEIVER_WAIT_DOUBT /* messages may have been lost unseen: see receiver_book_doubt */
} receiver_wait;

typedef struct receiver_book {
    wire_header header; /* of the last message folded in; header.epoch, term and seq say what state this is */
    uint32_t depth;
    uint32_t merged; /* of the last message */
    uint32_t checksum;
    uint32_t bid_count;
    uint32_t ask_count;

    receiver_wait wait;
    bool heard;       /* any message at all */
    bool asked;       /* a snapshot was asked for and none has brought it in sync yet */
    bool has_base;    /* the levels are the right state at header.seq */
    bool epoch_doubt; /* messages of two epochs contradict: the next snapshot tells which it is */
    uint64_t newest_term;
    uint64_t newest_seq; /* the highest seen in newest_epoch and newest_term */
    char newest_epoch[TW_EPOCH_BYTES];
    char left_epoch[TW_EPOCH_BYTES]; /* the one before, in this term; "" if none */
    hold_chain held;
    uint32_t replayed; /* held deltas applied by the last call */

    tw_level bids[TW_MAX_DEPTH]; /* best first; most of them are not used: so they are last */
    tw_level asks[TW_MAX_DEPTH];
} receiver_book;

void receiver_book_init(receiver_book *book);
/* Gives back what is held. The book may be initialised again. */
void receiver_book_fini(receiver_book *book, receiver_hold *hold);

static inline bool receiver_book_in_sync(const receiver_book *book) {
    return book->wait == RECEIVER_WAIT_NOT;
}

/* Takes a delta or a snapshot (update->header.snapshot) that was decoded for this book. */
receiver_outcome receiver_book_take(receiver_book *book, receiver_hold *hold, const wire_book_update *update);

/* Messages may have been lost without a trace (the bus was away, this process was too slow). The book waits for
 * proof: a delta that chains on, or a snapshot, which the caller asks for. */
void receiver_book_doubt(receiver_book *book);

/* The worse of the instrument's own state and this receiver's, and its cause. */
tw_book_state receiver_book_state(const receiver_book *book, tw_state_cause *cause);

#endif
