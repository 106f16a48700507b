/*
 * The operator's desk: sends control commands to the shards' order streams and waits for what the engines say to each.
 *
 * A command is first stored (JetStream acknowledges), then executed (the shard's leader writes DONE or REFUSED to execlog, which is
 * listened to here). Stored and not yet answered is no failure: it happens when the matcher is back. What could not be seen to be
 * stored is sent again, because to say it twice does no harm; a new trading day is not.
 */
#ifndef TICKWIRE_TOOLS_VENUE_DESK_H
#define TICKWIRE_TOOLS_VENUE_DESK_H

#include "tools/venue/line.h"
#include "tools/venue/link.h"

typedef enum venue_outcome {
    VENUE_WAITING = 0,
    VENUE_DONE,
    VENUE_REFUSED,    /* by the engine: `reason` */
    VENUE_NOT_STORED, /* certain: nothing happened */
    VENUE_NOT_KNOWN,  /* no acknowledgement: it may happen */
    VENUE_NO_ANSWER   /* stored; no engine has said a word within the time */
} venue_outcome;

typedef struct venue_task {
    uint32_t shard;
    uint32_t number; /* of the line it comes from; 0: none */
    wire_control_command command;
    /* what came of it */
    venue_outcome outcome;
    uint32_t reason;   /* REFUSED: mx_reason */
    uint64_t quantity; /* DONE: orders that were cancelled */
    uint64_t seq;      /* in the order stream, once stored */
    uint32_t index;
} venue_task;

/* Sorts the tasks by shard, keeping their order within one, and sends them. TW_OK: every task has an outcome. `trouble` (of
 * 256 bytes) says why something was not stored. */
tw_code venue_desk_send(venue_link *link, const char *mic, venue_task *tasks, size_t count, int64_t timeout_ns,
                        char trouble[256], tw_error *error);

const char *venue_outcome_name(venue_outcome outcome); /* "DONE", … */

#endif
