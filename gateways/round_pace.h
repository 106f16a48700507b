/*
 * When the next round of writes may begin: after one that took long, not before as long a time again has passed, and not before
 * ROUND_PACE_MOST_NS have passed since it began, whichever is sooner. So under load a write carries more updates, and servers,
 * clients and kernel have fewer to deal with; a round that is longer than that by itself is followed by the next. What comes from the bus is read meanwhile, and who has an answer to come or
 * reads on after its socket was full is written to. A short round is followed by whatever comes.
 */
#ifndef TICKWIRE_GATEWAYS_ROUND_PACE_H
#define TICKWIRE_GATEWAYS_ROUND_PACE_H

#include <stdint.h>

#define ROUND_PACE_LEAST_NS INT64_C(250000) /* a shorter one is no load; timers of the loop count milliseconds */
#define ROUND_PACE_MOST_NS                                                                                         \
    INT64_C(10000000) /* a round and its pause; nobody waits longer because others are written to */

typedef struct round_pace {
    int64_t next_ns; /* monotonic; 0 at first */
} round_pace;

/* How long the next round is to wait from now on; 0: not at all. */
int64_t round_pace_wait_ns(const round_pace *pace, int64_t now_ns);
/* A round began and ended. */
void round_pace_note(round_pace *pace, int64_t begin_ns, int64_t end_ns);

#endif
