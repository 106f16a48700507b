/*
 * How many source messages are merged into one update at most, by how far behind the ingest is.
 *
 *   keeping up:  `least`: updates leave (almost) one by one, so a subscriber sees each change
 *   behind:      doubled every time it shows, up to `most`: changes merge, the path gets cheaper per message
 *   calm again:  halved for each BURST_LIMIT_CALM_NS in which nothing showed
 *
 * Behind is: the socket still had as many datagrams as one call takes, or the bus takes nothing more. Pure.
 */
#ifndef TICKWIRE_INGEST_STATE_BURST_LIMIT_H
#define TICKWIRE_INGEST_STATE_BURST_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define BURST_LIMIT_CALM_NS INT64_C(1000000)

typedef struct burst_limit {
    uint32_t least, most;
    uint32_t now;     /* the limit: least <= now <= most */
    int64_t since_ns; /* of the last change or sign of being behind */
    uint64_t changes;
} burst_limit;

/* A `least` above `most` is `most`. */
void burst_limit_init(burst_limit *limit, uint32_t least, uint32_t most);
/* Once for every time the sockets were asked, before what they gave is applied. */
void burst_limit_look(burst_limit *limit, bool behind, int64_t now_ns);

#endif
