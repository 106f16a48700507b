/*
 * One TCP connection to a host on the loop, one after another: resolve, connect, read, send, close.
 *
 *   IDLE --connect--> RESOLVING --> CONNECTING (each address of the name in turn) --> OPEN
 *    ^                    |              |                                              |
 *    +---- on_closed -----+--------------+---- failed, closed by either end ------------+
 *
 * Names are resolved by the system's resolver, away from the loop. How long to wait for any of it is the owner's to say:
 * it hangs up. What is read comes in bursts: all that the socket has, in pieces of at most `read_bytes`.
 */
#ifndef TICKWIRE_INGEST_SOURCE_TCP_LINK_H
#define TICKWIRE_INGEST_SOURCE_TCP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

typedef struct tcp_link tcp_link;

/* All are required. Never called after tcp_link_free. */
typedef struct tcp_link_listener {
    void *context;
    void (*on_connected)(void *context, const char *address);             /* numeric: "10.0.0.7:9000" */
    void (*on_bytes)(void *context, const uint8_t *bytes, size_t length); /* borrowed for the call */
    void (*on_burst_end)(void *context); /* the socket has no more for now; not after on_closed */
    /* The connection is over, or could not be made: why, in words. The link is IDLE: it may be connected again. */
    void (*on_closed)(void *context, const char *reason);
} tcp_link_listener;

/* `host` is a name or a numeric address, copied. TW_INVALID for a host that is too long, TW_NO_MEMORY. */
tw_code tcp_link_alloc(tcp_link **link, uv_loop_t *loop, const char *host, uint16_t port, size_t read_bytes,
                       const tcp_link_listener *listener, tw_error *error);
/* Closes what is open; the memory goes when the loop has done so. NULL is fine. */
void tcp_link_free(tcp_link *link);

/* Only when IDLE. on_connected or on_closed follows, perhaps before this returns. */
void tcp_link_connect(tcp_link *link);
/* Takes a copy of what can't be written at once. Passed over unless OPEN. */
void tcp_link_send(tcp_link *link, const uint8_t *bytes, size_t length);
/* on_closed follows, never before this returns. What was sent may still leave. Again, or when IDLE: nothing happens. */
void tcp_link_hang_up(tcp_link *link);

#endif
