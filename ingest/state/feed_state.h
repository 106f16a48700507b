/*
 * What the feed as a whole is worth: from what was seen of its line to one state, one cause and one sentence.
 * Pure. Gaps taint every book of a partition, so this state is published once, not per instrument.
 */
#ifndef TICKWIRE_INGEST_STATE_FEED_STATE_H
#define TICKWIRE_INGEST_STATE_FEED_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/market.h"

/* What was seen so far. Times are on one monotonic clock. */
typedef struct feed_facts {
    bool started;       /* a first packet or message has come */
    uint64_t first_seq; /* of it; beyond 1: joined in the middle of a session */
    bool headless;      /* the recording does not tell what rested before its first message */
    bool unsequenced;   /* the recording's sequence numbers were removed */
    bool gap_open;      /* a declared gap is waited for */
    uint64_t gap_from, gap_to;
    uint64_t lost;       /* messages given up in this session */
    uint64_t lost_from;  /* the first of them */
    uint64_t unreadable; /* malformed messages that name no known instrument */
    uint64_t refuted_at; /* the message at which a snapshot that the books were made from proved false; 0: none */
    uint64_t behind_seq; /* the last leader had this message, this instance has not; 0: none such */
    uint64_t took_over_seq;      /* what it had instead */
    bool end_told;               /* the feed's own word for its last message, or the end of the source */
    bool ended;                  /* end of session, with nothing missing */
    bool fell_back;              /* the session's numbers began again: nothing of it is taken any more */
    uint64_t fell_from, fell_to; /* the number that was next; the one that the lines carry */
    bool down;                   /* the source is closed or failed before the end of the session */
    char down_reason[160];
    bool away;    /* there is no connection to the source now; it is being made again */
    bool refused; /* because the source does not let this client in */
    char away_reason[160];
    int64_t last_heard_ns; /* packet or heartbeat that is of the session and told something new */
    int64_t silence_ns;    /* limit; 0: no limit (recordings) */
} feed_facts;

typedef struct feed_verdict {
    tw_book_state state;
    tw_state_cause cause;
    char detail[160]; /* for people */
} feed_verdict;

feed_verdict feed_state_judge(const feed_facts *facts, int64_t now_ns);

#endif
