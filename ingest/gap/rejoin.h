/*
 * How a feed that has missed messages gets back to whole books within the day: a snapshot of all books, fetched from the
 * exchange (GLIMPSE), takes the place of the books at the one message number where it belongs.
 *
 *   lines      passed on ............. | held .............................. join ............... now
 *                                      ^ the login: no snapshot of it is older
 *   books      as they are, not whole ......................................| the snapshot's ......
 *
 *   PASSING --needed--> WAITING --back-off over--> ASKING --login--> HOLDING --complete--> JOINING --+
 *      ^                   ^                          |                 |                     |      | the lines have
 *      |                   +------- failed -----------+-----------------+---------------------+      | reached join - 1
 *      +---------------- all is applied -------------------------- REBUILDING <----------------------+
 *
 * - Each live message is applied exactly once and in order: those below `join` to the books as they are (their prints
 *   belong to the tape), those from `join` on to the snapshot's. Nothing is held while there is no login to wait for.
 * - A snapshot that joins below what is held (the lines were ahead of it, or lost what lies between) is asked for again;
 *   one that joins beyond what the lines have carried waits for them.
 * - An attempt fails when the link does, when it takes longer than `patience_ns`, when the held messages or the
 *   snapshot reach their bounds, or when the snapshot says what a snapshot can't say. Then what is held is applied to the
 *   books as they are, and the next attempt waits: twice as long after each failure, and likewise when the feed needs
 *   another snapshot within `calm_ns` of the last one.
 *
 * Pure: no clock, no I/O, no allocation after alloc. The owner gives it every live message (rejoin_live), has the link
 * (rejoin_wants_link, rejoin_login, rejoin_snapshot, rejoin_failed), and does the work (rejoin_next).
 */
#ifndef TICKWIRE_INGEST_GAP_REJOIN_H
#define TICKWIRE_INGEST_GAP_REJOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/market/feed_message.h"

#define REJOIN_BATCH 256u /* most messages of one piece of work */

typedef struct rejoin rejoin;

typedef struct rejoin_options {
    size_t snapshot_bytes; /* of one snapshot: the lengths of its messages and two bytes each */
    size_t hold_bytes;     /* of live messages held meanwhile (see message_hold.h); at least 128 KiB */
    int64_t backoff_first_ns, backoff_limit_ns; /* above 0 */
    int64_t patience_ns;                        /* of one attempt, from asking to join; above 0 */
    int64_t calm_ns;                            /* at least 0 */
    uint64_t seed;                              /* of the back-off's jitter */
} rejoin_options;

typedef enum rejoin_state {
    REJOIN_PASSING, /* nothing is needed */
    REJOIN_WAITING, /* a snapshot is needed; not to be asked for yet */
    REJOIN_ASKING,  /* a link is wanted */
    REJOIN_HOLDING, /* logged in; the snapshot comes */
    REJOIN_JOINING, /* it is complete; the lines have not reached it */
    REJOIN_REBUILDING
} rejoin_state;

/* Why an attempt failed. */
typedef enum rejoin_fault {
    REJOIN_FAULT_NONE,
    REJOIN_FAULT_LINK,        /* as the owner said */
    REJOIN_FAULT_TIME,        /* it took longer than patience_ns */
    REJOIN_FAULT_HOLD_FULL,   /* too many live messages meanwhile */
    REJOIN_FAULT_TOO_LARGE,   /* the snapshot */
    REJOIN_FAULT_UNTRUSTED,   /* it holds what no snapshot can, or does not begin at its beginning */
    REJOIN_FAULT_TOO_OLD,     /* the lines are past where it joins */
    REJOIN_FAULT_IMPLAUSIBLE, /* it does not fit what the lines have told */
    REJOIN_FAULT_REFUTED      /* the books that it made do not fit what the lines told next */
} rejoin_fault;

/* TW_INVALID (a bound out of range), TW_NO_MEMORY. */
tw_code rejoin_alloc(rejoin **rejoin, const rejoin_options *options, tw_error *error);
void rejoin_free(rejoin *rejoin); /* NULL is fine */

/* A session of the lines begins at message `first`. Work must be done (rejoin_settle): what is held is dropped. */
void rejoin_reset(rejoin *rejoin, uint64_t first);
/* Lets time pass. `needed`: the books are not whole, and only a snapshot can make them so. */
void rejoin_poll(rejoin *rejoin, bool needed, int64_t now_ns);

/* ---- the lines ---- */

/* The next live messages. Returns how many of them are done with: the first `*passed` of these are to be applied now, the
 * others are held. If it is less than `count`, there is no room: do a piece of work, then give it the rest. */
size_t rejoin_live(rejoin *rejoin, const feed_message *messages, size_t count, size_t *passed, int64_t now_ns);
/* Live messages that will not come. */
void rejoin_lost(rejoin *rejoin, uint64_t from, uint64_t count, int64_t now_ns);

/* ---- the link to the snapshot's service ---- */

/* A link is wanted: open one and log in for message 1. No longer wanted: close it. */
bool rejoin_wants_link(const rejoin *rejoin);
/* The login is about to be sent. */
void rejoin_login(rejoin *rejoin);
/* The next message of the snapshot. What comes when none is waited for is passed over. */
void rejoin_snapshot(rejoin *rejoin, const uint8_t *bytes, size_t length, int64_t now_ns);
/* The link failed, or ended; if the snapshot is complete that is nothing. */
void rejoin_failed(rejoin *rejoin, rejoin_fault fault, int64_t now_ns);

/* A complete snapshot that has not taken the books' place yet is not believed: the attempt fails. */
void rejoin_refuse(rejoin *rejoin, int64_t now_ns);
/* The last rebuild was from a snapshot of something else: a failure, and the next attempt waits accordingly. */
void rejoin_refuted(rejoin *rejoin, int64_t now_ns);

/* ---- the work ---- */

typedef enum rejoin_work {
    REJOIN_WORK_NONE,
    REJOIN_WORK_LIVE,     /* apply `messages` and publish: held ones, that belong to the books as they are */
    REJOIN_WORK_CLEAR,    /* publish what is marked, then empty the books: nothing may be published until DONE */
    REJOIN_WORK_SNAPSHOT, /* apply `messages`: the snapshot's, all numbered join - 1 */
    REJOIN_WORK_CATCH_UP, /* apply `messages`: held ones, from join on */
    REJOIN_WORK_DONE      /* the books are whole as far as the snapshot can make them: publish them */
} rejoin_work;

/* The next piece of work, at most REJOIN_BATCH messages, borrowed until the next call of any function here. */
rejoin_work rejoin_next(rejoin *rejoin, feed_message messages[REJOIN_BATCH], size_t *count, int64_t now_ns);
bool rejoin_has_work(const rejoin *rejoin);
/* An attempt under way is called off, and no failure counted: before a session ends. Work may remain to be done. */
void rejoin_settle(rejoin *rejoin);

typedef struct rejoin_status {
    rejoin_state state;
    uint64_t attempts; /* logins that were wanted */
    uint64_t failures;
    uint64_t rebuilds;  /* done */
    rejoin_fault fault; /* of the last failure */
    uint64_t join;      /* of the last complete snapshot */
    uint64_t messages;  /* of the snapshot that comes or came last */
    uint64_t orders;    /* of them */
    uint64_t held;      /* live messages held now */
    int64_t wait_ns;    /* the last back-off */
} rejoin_status;
rejoin_status rejoin_read_status(const rejoin *rejoin);

/* "PASSING", …; and a fault as words: "the lines are past where it joins". Static storage; "?" out of range. */
const char *rejoin_state_name(rejoin_state state);
const char *rejoin_fault_text(rejoin_fault fault);

#endif
