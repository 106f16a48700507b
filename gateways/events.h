/* Server-sent events: a subscription in an address, for who can't have a WebSocket (docs/stream.md). */
#ifndef TICKWIRE_GATEWAYS_EVENTS_H
#define TICKWIRE_GATEWAYS_EVENTS_H

#include "gateways/socket.h"

typedef struct gateway gateway;

/* GET /v1/stream/sse?subscribe=PATTERN,...&depth=N&interval_ms=N. Last-Event-ID (or the argument last_event_id): the
 * subject it names goes on where it was, if that is still held. */
void events_take(gateway *self, const socket_request *request);

#endif
