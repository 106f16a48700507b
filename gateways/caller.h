/*
 * Who calls by HTTP: the token of a request or a handshake made into an identity, and 401 or 403 (RFC 6750) where it does
 * not do.
 */
#ifndef TICKWIRE_GATEWAYS_CALLER_H
#define TICKWIRE_GATEWAYS_CALLER_H

#include "gateways/http.h"
#include "gateways/socket.h"

typedef void (*caller_on_known)(gateway *self, const socket_request *request, const http_asked *asked);

/* Answers 401 where the Authorization header is no good, else calls `on_known` with the caller in the request. */
void caller_take(gateway *self, const socket_request *request, http_asked *asked, caller_on_known on_known);

/* May who asks read this subject, or anything of this pattern? False: it was answered, 401 where a token could help and
 * 403 where one was there; `what` is what it may not read, for people: "this book". */
bool caller_may_read(gateway *self, const socket_request *request, http_asked *asked, const char *subject,
                     const char *what);

/* For socket_handlers: a WebSocket's handshake, and the client that came of it. A guest is an identity. */
const char *caller_take_handshake(gateway *self, const socket_request *request, void **guest);
void caller_on_client(gateway *self, uint32_t client, bool websocket, void *guest);
/* The event stream that was asked for is this client. */
void caller_becomes(gateway *self, const socket_request *request, uint32_t client);

#endif
