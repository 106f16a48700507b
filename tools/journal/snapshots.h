/* The snapshots of a shard's snapshots stream: which there are, and the bytes of one. */
#ifndef TICKWIRE_TOOLS_JOURNAL_SNAPSHOTS_H
#define TICKWIRE_TOOLS_JOURNAL_SNAPSHOTS_H

#include "matcher/replica/replica.h"
#include "matcher/snapshots/chunk.h"
#include "tools/journal/place.h"

typedef struct journal_snapshot {
    ms_envelope envelope;
    uint64_t first_seq; /* of its first message in the stream */
    uint32_t count;     /* of messages */
    bool whole;         /* its last message is where it should be */
} journal_snapshot;

typedef void (*journal_on_snapshot)(void *context, const journal_snapshot *snapshot);

/* All of them, oldest first. Messages that are none of a snapshot's are passed over. */
tw_code journal_snapshots_walk(journal *held, journal_on_snapshot on_snapshot, void *context, tw_error *error);

/* Restores `replica` from one. TW_MALFORMED: it is damaged, or not whole. */
tw_code journal_snapshot_load(journal *held, const journal_snapshot *snapshot, mr_replica *replica,
                              mr_origin *origin, tw_error *error);

/* The whole one with the greatest seq up to `most` that belongs to the order stream. TW_NOT_FOUND. */
tw_code journal_snapshot_newest(journal *held, uint64_t most, journal_snapshot *newest, tw_error *error);
/* Likewise the one with the least seq that the order stream still goes on from. */
tw_code journal_snapshot_oldest(journal *held, uint64_t most, journal_snapshot *oldest, tw_error *error);

#endif
