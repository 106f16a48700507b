/*
 * What to ask MoldUDP64 request servers for while a hole is open: one request at a time, a part of the hole at a time.
 *
 *      hole:  from ........................ to
 *      asked: first ..... first+count-1          then the next part, at once when this one is there
 *
 * - A request that brings nothing is repeated after the back-off, to the next server in turn; the back-off doubles up to
 *   its maximum and starts anew with every progress. A partial answer is waited on for `settle_ns` (more of it may be
 *   on its way), then the rest is asked of the same server.
 * - A hole is asked for until `deadline_ns` after it was first shown; then this is over for it, whatever is missing.
 * - Answers are ordinary packets; they are pushed into the arbiter as ARBITER_RECOVERY. Progress is seen by the hole
 *   getting smaller, so garbage is no progress, and what a line brings late is not asked for.
 *
 * Pure, no memory of its own. Call refill_step after every packet and when refill_next_ns has come.
 * Request packet: "MoldUDP64 Protocol Specification" 1.00, section 2.
 */
#ifndef TICKWIRE_INGEST_GAP_REFILL_H
#define TICKWIRE_INGEST_GAP_REFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/framing/moldudp64.h"

#define REFILL_MAX_SERVERS  8u
#define REFILL_MAX_MESSAGES 65534u /* 0xFFFF means something else in a count */

typedef struct refill_options {
    uint32_t servers;       /* 1 to REFILL_MAX_SERVERS */
    uint32_t max_messages;  /* of one request, 1 to REFILL_MAX_MESSAGES */
    uint32_t max_bytes;     /* that one request should bring: the answer is one packet; 0: not limited */
    uint32_t message_bytes; /* guess of a message with its length field; at least 1 if max_bytes is set */
    int64_t backoff_initial_ns, backoff_max_ns; /* initial above 0, maximum at least as long */
    int64_t settle_ns;                          /* at least 0 */
    int64_t deadline_ns;                        /* above 0 */
} refill_options;

/* What is missing now. `open` only once the reorder window has passed: a hole that may close by itself is no hole. */
typedef struct refill_hole {
    bool open;
    const char *session; /* padded, ten characters */
    uint64_t from, to;   /* inclusive */
} refill_hole;

typedef struct refill_request {
    uint32_t server; /* index */
    char session[MOLDUDP64_SESSION_BYTES];
    uint64_t first;
    uint16_t count;
} refill_request;

typedef struct refill_stats {
    uint64_t requests;
    uint64_t failures; /* requests that brought nothing in their time */
    uint64_t holes;    /* shown */
    uint64_t closed;   /* holes that went away in time, by answers or by a late line */
    uint64_t expired;  /* holes that were not asked for any more at their deadline */
} refill_stats;

typedef struct refill {
    refill_options options;
    refill_stats stats;
    bool active;  /* a hole is being worked on */
    bool expired; /* it had its time */
    char session[MOLDUDP64_SESSION_BYTES];
    uint64_t from, to; /* the hole as seen last */
    uint64_t until;    /* the highest number that belonged to it: beyond is another hole */
    int64_t deadline_ns;
    uint64_t asked_to; /* last number of the request under way; 0: none */
    bool progressed;   /* it brought something */
    int64_t retry_ns, backoff_ns;
    uint32_t server;
} refill;

/* TW_INVALID for options that make no sense. */
tw_code refill_init(refill *refill, const refill_options *options, tw_error *error);

/* Looks at what is missing now. True if `request` is to be sent now. */
bool refill_step(refill *refill, const refill_hole *hole, int64_t now_ns, refill_request *request);
/* When refill_step has something to do though nothing arrives; INT64_MAX if never. */
int64_t refill_next_ns(const refill *refill);

/* The request as it travels: MOLDUDP64_HEADER_BYTES bytes, which is returned. */
size_t refill_write(const refill_request *request, uint8_t packet[MOLDUDP64_HEADER_BYTES]);

#endif
