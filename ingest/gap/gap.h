/*
 * Sequence tracking of one MoldUDP64 stream: what is new, what was seen, what is missing.
 *
 * Packets go in as they come; runs of messages come out in order, each once. A packet beyond the next
 * expected number is held (copied into memory taken at init) while
 *   1. the reorder window passes: nothing is declared, the packet may only be late;
 *   2. the gap is declared: state GAP, until it closes or the deadline passes;
 *   3. it is given up: the missing numbers are counted as lost and the held messages are released.
 * If the hold is full before the deadline, the gap is given up at once: nothing later is dropped.
 *
 *      IN_SEQUENCE --hole--> REORDERING --window--> GAP --deadline or full--> given up, IN_SEQUENCE again
 *           ^                    |                   |
 *           +------ closed ------+------ closed -----+
 *
 * The tracker says that it gave up (gap_stats.lost, on the run that follows); what that means for the books is
 * decided by the market stage. The first packet seen sets the start: `first` beyond 1 is a mid-session join.
 *
 * Pure: time comes in as now_ns (any monotonic clock, the same one in all calls).
 */
#ifndef TICKWIRE_INGEST_GAP_GAP_H
#define TICKWIRE_INGEST_GAP_GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/framing/moldudp64.h"

typedef struct gap_tracker gap_tracker;

typedef struct gap_options {
    int64_t reorder_window_ns;  /* 0: a hole is a gap at once */
    int64_t deadline_ns;        /* from the moment the hole is seen; at least the window */
    uint32_t hold_packets;      /* packets that can be held */
    uint32_t hold_packet_bytes; /* of a packet on average: one may be longer while all of them are no more than
                                   hold_packets times this */
} gap_options;

typedef enum gap_state { GAP_IN_SEQUENCE = 0, GAP_REORDERING, GAP_OPEN } gap_state;

/* Consecutive messages, ready to be decoded. Borrowed: valid until the next call on the tracker. */
typedef struct gap_run {
    uint64_t first;        /* sequence number of the first message */
    uint16_t count;        /* 0: nothing but lost_before; the loss is known and no message behind it has come */
    const uint8_t *blocks; /* walk with moldudp64_next */
    size_t blocks_bytes;
    int64_t receive_ns;
    uint64_t lost_before; /* messages given up just before this run, 0 almost always */
} gap_run;

typedef enum gap_verdict {
    GAP_READY,       /* gap_take has at least one run */
    GAP_DUPLICATE,   /* nothing new in it; of an end of session: below what has come, and passed over */
    GAP_HELD,        /* beyond a hole; kept */
    GAP_NEW_SESSION, /* another session than the one tracked: the caller ends the old one, calls gap_reset,
                        and pushes the packet again */
    GAP_HEARTBEAT,   /* nothing new, nothing missing */
    GAP_ENDED        /* end of session, everything up to it was taken; if not, GAP_HELD and ended later */
} gap_verdict;

typedef struct gap_stats {
    uint64_t packets;
    uint64_t messages;   /* made ready */
    uint64_t duplicates; /* messages that were had already */
    uint64_t reordered;  /* messages that came after later ones and filled a hole */
    uint64_t gaps;       /* declared */
    uint64_t lost;       /* messages given up */
    uint64_t held;       /* messages held now */
} gap_stats;

tw_code gap_alloc(gap_tracker **tracker, const gap_options *options, tw_error *error);
void gap_free(gap_tracker *tracker);

/* Gives up whatever is missing now, so that all held messages can be taken: before gap_reset at the end of a
 * session. Returns true if runs became ready. */
bool gap_flush(gap_tracker *tracker);

/* Forgets session and numbers; keeps the totals of gap_stats. Messages still held are counted as lost. */
void gap_reset(gap_tracker *tracker);

/* One parsed packet. Copies what it holds; borrows the rest until the next call. After GAP_READY (and after
 * gap_poll or gap_flush returned true) call gap_take until it returns false: the next push or poll asserts it.
 * Numbers end at UINT64_MAX - 1; messages beyond have none and are passed over. */
gap_verdict gap_push(gap_tracker *tracker, const moldudp64_packet *packet, int64_t receive_ns, int64_t now_ns);
bool gap_take(gap_tracker *tracker, gap_run *run);

/* Lets time pass. Returns true if runs became ready (a gap was given up). */
bool gap_poll(gap_tracker *tracker, int64_t now_ns);
/* When gap_poll has something to do next, INT64_MAX if nothing is pending. */
int64_t gap_next_deadline(const gap_tracker *tracker);

gap_state gap_tracker_state(const gap_tracker *tracker);
/* The hole now waited for, inclusive; false if there is none. */
bool gap_hole(const gap_tracker *tracker, uint64_t *from, uint64_t *to);
bool gap_started(const gap_tracker *tracker,
                 uint64_t *first);                   /* the first sequence number ever seen, once there is one */
bool gap_ended(const gap_tracker *tracker);          /* end of session reached with nothing missing; undone by what
                                                        comes beyond it */
uint64_t gap_expected(const gap_tracker *tracker);   /* the next sequence number */
uint64_t gap_received(const gap_tracker *tracker);   /* behind the highest message that came, held ones included */
const char *gap_session(const gap_tracker *tracker); /* "" before the first packet */
gap_stats gap_tracker_stats(const gap_tracker *tracker);

#endif
