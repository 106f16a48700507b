/*
 * How many messages may go out now, for a steady rate. Pure: time comes in.
 *
 * What is due follows the clock from the start on, so a late turn is caught up; but one turn never gives more than
 * twice what its own span of time is worth (and one message), so a machine that was busy does not end in a burst
 * that a receiver's socket buffer cannot hold.
 */
#ifndef TICKWIRE_TOOLS_SIMULATE_PACING_H
#define TICKWIRE_TOOLS_SIMULATE_PACING_H

#include <stdint.h>

typedef struct sim_pacing {
    uint64_t rate; /* messages a second, at least 1 */
    int64_t start_ns, turn_ns;
    uint64_t given;
} sim_pacing;

void sim_pacing_start(sim_pacing *pacing, uint64_t rate, int64_t now_ns);
/* Messages that may be sent in this turn; they count as sent. */
uint64_t sim_pacing_turn(sim_pacing *pacing, int64_t now_ns);
/* When the next message is due; in the past if some are due already. */
int64_t sim_pacing_due_ns(const sim_pacing *pacing);

#endif
