/*
 * What is known of each feed partition: its state as its publisher tells it, and whether it still tells. A pure
 * core: given decoded statuses and a monotonic time.
 *
 * A book is shown no better than its feed. A feed is
 *   STALE, BUS_AWAY         while the bus is away
 *   RECOVERING, STARTING    until its first status comes (but at most for the silence limit)
 *   STALE, FEED_SILENT      when no status has come for longer than the silence limit, unless the last one said CLOSED
 *   as it says              otherwise
 *
 * A term beyond `most_term` is nobody's: one such message would otherwise depose every leader for ever.
 */
#ifndef TICKWIRE_CLIENT_FEED_WATCH_H
#define TICKWIRE_CLIENT_FEED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"
#include "client/feed_vouch.h"
#include "proto/codec.h"

#define FEED_WATCH_MAX 1024 /* partitions over all exchanges */

typedef struct feed_entry {
    char exchange[TW_MIC_BYTES];
    uint32_t partition;
    bool heard;               /* a status has come */
    int64_t heard_ns;         /* monotonic: of the last status, or when the feed was first heard of */
    bool term_known;          /* any message of the partition has come */
    uint64_t term;            /* of its leader: the highest that any message of the partition carried */
    uint32_t takeovers;       /* times the term rose after it was known */
    bool awaited;             /* no status has come since the bus came back */
    feed_vouch vouch;         /* which messages hold */
    bool broke;               /* some do not any more, since feed_watch_take_break */
    tw_book_state told_state; /* by the publisher */
    tw_state_cause told_cause;
    tw_book_state state; /* as shown */
    tw_state_cause cause;
    bool changed; /* state or cause, since feed_watch_take_changed */
} feed_entry;

typedef struct feed_watch {
    feed_entry *entries[FEED_WATCH_MAX];
    size_t count;
    int64_t silence_ns;
    bool bus_away;
    uint64_t most_term; /* the highest to believe, by the clock; 0: any */
} feed_watch;

void feed_watch_init(feed_watch *watch, int64_t silence_ns);
void feed_watch_fini(feed_watch *watch);

/* The entry of a partition, made if new (*is_new, may be NULL). NULL: no room for another. Its address stays. */
feed_entry *feed_watch_entry(feed_watch *watch, const char *exchange, uint32_t partition, int64_t now_ns,
                             bool *is_new);
bool feed_watch_knows(const feed_watch *watch, const char *exchange); /* any partition */

/* Whether a leader can have this term. */
bool feed_watch_believes(const feed_watch *watch, uint64_t term);
/* A message of this term came, on any subject of the partition. False: its sender was deposed, or its term is not
 * believed; nothing of it may be taken. So no two terms are ever accepted side by side, whichever channel told first of the new leader. */
bool feed_watch_accept(const feed_watch *watch, feed_entry *entry, uint64_t term);
/* A status came. False: it is of a deposed leader and was dropped. */
bool feed_watch_hear(feed_watch *watch, feed_entry *entry, const wire_feed_status *status, int64_t now_ns);
/* The bus went away or came back. */
void feed_watch_bus(feed_watch *watch, bool away, int64_t now_ns);
/* True once, with the first status after the bus came back: now its publisher is there, too. */
bool feed_watch_take_return(feed_entry *entry);
/* True once after a status that the leader does not stand by what earlier ones published (feed_vouch.h), or that a session has
 * ended: what entry->vouch does not cover is in doubt. Also with the first status of all. */
bool feed_watch_take_break(feed_entry *entry);
/* Whether the feed is as good as it can be, and its leader stands by a message of this epoch and term. */
bool feed_watch_stands_by(const feed_entry *entry, const char *epoch, uint64_t term);
/* Time passed. */
void feed_watch_check(feed_watch *watch, int64_t now_ns);
/* It was heard and is not heard now: silent before its session ended, or behind a bus that is away. */
bool feed_watch_fell_silent(const feed_entry *entry);
/* True once after entry's state or cause changed. */
bool feed_watch_take_changed(feed_entry *entry);

#endif
