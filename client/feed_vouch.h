/*
 * What of a feed's messages its present leader stands by. A pure core, given the feed's statuses in the order of their terms.
 *
 * A message is of one epoch and one term. Of another epoch than the feed's it is of a session that has ended, or of one that the
 * feed's status has not told of yet. Of a lower term it still holds if each leader since went on from the one before
 * (FeedStatus.continues_term): then what changed beyond it was sent anew. An ingest that was restarted, or took over with books that
 * were not whole, goes on from nobody: what it has not published itself may have gone meanwhile, and no message says so.
 *
 *   term        1          2 continues 1     5 continues 0     6 continues 5
 *   since_term  1          1                 5                 5                 messages of 1 and 2 are in doubt from 5 on
 */
#ifndef TICKWIRE_CLIENT_FEED_VOUCH_H
#define TICKWIRE_CLIENT_FEED_VOUCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/codec.h"

typedef struct feed_vouch {
    bool heard;                 /* a status has come */
    char epoch[TW_EPOCH_BYTES]; /* of the last one */
    uint64_t term;              /* likewise */
    uint64_t since_term;        /* messages of `epoch` and of this term or a higher one hold */
} feed_vouch;

/* A status came, of no lower term than those before. True: what came before it does not hold any more (feed_vouch_covers says
 * which); also with the first status of all. */
bool feed_vouch_take(feed_vouch *vouch, const wire_feed_status *status);

/* Whether a message of this epoch and term holds. Before the first status nothing speaks against it. */
bool feed_vouch_covers(const feed_vouch *vouch, const char *epoch, uint64_t term);

#endif
