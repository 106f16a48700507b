/*
 * What one line of a feed carried: packets, messages, who was first, what it lost, how far it lags.
 *
 * A line numbers its messages; those it jumped over are `missing` until they come late (within the window) or
 * are counted as lost. This is the line's own record, whatever the other lines brought meanwhile:
 *
 *      carried ... | missing | carried | missing | carried ... | expected
 *
 * Every message carried is either a win (this line brought it first) or a duplicate, so messages = wins +
 * duplicates. A message later than the window stays counted as lost, and is a duplicate or a win all the same.
 * Pure; fixed memory; now_ns is the arbiter's clock.
 */
#ifndef TICKWIRE_INGEST_LINE_LINE_STATS_H
#define TICKWIRE_INGEST_LINE_LINE_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/framing/moldudp64.h"

#define LINE_STATS_MISSING 64  /* stretches remembered; with more, the oldest is counted as lost at once */
#define LINE_STATS_SKEWS   255 /* lags the median is taken of: the latest */

typedef struct line_counts {
    uint64_t packets; /* well formed ones, heartbeats included */
    uint64_t malformed;
    uint64_t messages;
    uint64_t wins;        /* messages this line brought first */
    uint64_t duplicates;  /* messages that had come already, or too late */
    uint64_t losses;      /* numbers it went past and did not carry within the window */
    uint64_t passed_over; /* packets of a session already left or fallen back, unconfirmed and impossible ones, ends
                              below what has come, and unasked ones on recovery */
    int64_t last_heard_ns; /* something that was accepted; INT64_MIN: never */
    uint64_t expected;     /* the line's own next number in its session; 0 before the first packet */
    char session[MOLDUDP64_SESSION_BYTES]; /* as sent; "" before the first packet */
} line_counts;

typedef struct line_missing {
    uint64_t first, end; /* end is behind the last */
    int64_t seen_ns;     /* rises along the array */
} line_missing;

typedef struct line_stats {
    line_counts counts;
    int64_t window_ns;
    line_missing missing[LINE_STATS_MISSING]; /* sorted, disjoint */
    uint32_t missing_count;
    int64_t skews[LINE_STATS_SKEWS];
    uint32_t skew_count, skew_next;
} line_stats;

void line_stats_init(line_stats *line, int64_t window_ns);

/* The line is heard in a session whose first number is `first`. What it still missed of the session before is lost,
 * as are the numbers up to `previous_end` (0: not known) that it never reached. */
void line_stats_join(line_stats *line, const char *session, uint64_t first, uint64_t previous_end);
/* It carried numbers from `first` up to but not `end`; equal for a heartbeat, which tells that all before were sent. */
void line_stats_carried(line_stats *line, uint64_t first, uint64_t end, int64_t now_ns);
/* Lets time pass: what is missing for longer than the window is lost. */
void line_stats_poll(line_stats *line, int64_t now_ns);

/* One comparison with another line: positive is behind it, negative ahead. */
void line_stats_skew(line_stats *line, int64_t lag_ns);
/* The median of the latest comparisons; false if there were none. */
bool line_stats_median_skew(const line_stats *line, int64_t *lag_ns);

#endif
