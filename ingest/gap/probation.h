/*
 * Whether books that a snapshot brought stand the test of the live messages that follow: a message about an order that
 * they have not, or that contradicts them, soon after the join says that the snapshot was not of this session.
 *
 *   OFF --begin--> WATCHED --nothing against it for long enough--> PROVEN --until the watch is over--> OFF
 *                     \-----------------a contradiction, in either--------------------------------> REFUTED
 *
 * Pure; the owner gives the time and the counters, which only grow.
 */
#ifndef TICKWIRE_INGEST_GAP_PROBATION_H
#define TICKWIRE_INGEST_GAP_PROBATION_H

#include <stdbool.h>
#include <stdint.h>

#define PROBATION_PROVEN_MESSAGES 1000u /* or … */
#define PROBATION_PROVEN_NS       (5 * INT64_C(1000000000))
#define PROBATION_MESSAGES        10000u /* and … */
#define PROBATION_NS              (60 * INT64_C(1000000000))

typedef enum probation_state {
    PROBATION_OFF,
    PROBATION_WATCHED,
    PROBATION_PROVEN,
    PROBATION_REFUTED
} probation_state;

typedef struct probation {
    probation_state state;
    uint64_t contradictions, messages; /* when it began */
    int64_t began_ns;
} probation;

/* The snapshot is in the books, and nothing else yet. `contradictions` and `messages` as they are now. */
void probation_begin(probation *probation, uint64_t contradictions, uint64_t messages, int64_t now_ns);
void probation_end(probation *probation);
/* What the counters say now. `holed`: messages were lost since, so that contradictions are no wonder: it ends. REFUTED is
 * said once. */
probation_state probation_judge(probation *probation, uint64_t contradictions, uint64_t messages, bool holed,
                                int64_t now_ns);

#endif
