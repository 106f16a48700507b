/*
 * Connections of clients: WebSocket, event streams, plain HTTP. The one door to libwebsockets, which does handshakes, HTTP,
 * TLS and what a full socket did not take; its sockets are on the process's one loop. What WebSocket clients send is read
 * by gateways/websocket/reader.h.
 *
 * What the stream has for a client goes straight to its socket: one sendmsg per client and round, of all it has not had.
 * Where libwebsockets itself has bytes waiting, or the connection is TLS, it is written through libwebsockets. A frame is
 * never left half written outside of libwebsockets: a pong may want to be sent at any time.
 *
 * The listening socket is our own, because it says how many may share its port, how many connections there may be, and
 * how small their buffers are.
 */
#ifndef TICKWIRE_GATEWAYS_SOCKET_H
#define TICKWIRE_GATEWAYS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "gateways/address_count.h"
#include "gateways/stream/stream.h"
#include "runtime/log.h"

typedef struct gateway_socket gateway_socket;

typedef struct socket_options {
    const char *address; /* IPv4 or IPv6 */
    uint16_t port;       /* 0: a free one */
    bool share_port;
    const char *certificate, *key; /* PEM files; "" for no TLS */
    uint32_t max_connections;
    uint32_t max_of_address; /* connections of one address; 0: all */
    uint32_t header_bytes, request_bytes;
    uint32_t send_buffer, unsent_low_water; /* 0: the kernel's */
    int64_t handshake_ns, silence_ns;
    bool compression; /* permessage-deflate with clients that offer it */
} socket_options;

#define SOCKET_ARGUMENTS  64u
#define SOCKET_PATH_BYTES 512u

typedef enum socket_method {
    SOCKET_GET,
    SOCKET_HEAD,
    SOCKET_OPTIONS,
    SOCKET_POST,
    SOCKET_DELETE,
    SOCKET_OTHER
} socket_method;

/* A body of POST is read as a whole, up to request_bytes; of others none is. */
typedef enum socket_body_fault {
    SOCKET_BODY_KEPT = 0,
    SOCKET_BODY_NO_LENGTH, /* without a Content-Length */
    SOCKET_BODY_TOO_LARGE
} socket_body_fault;

/* A request, borrowed until the handler returns. Texts are "" where there are none. */
typedef struct socket_request {
    uint64_t ticket; /* to answer with */
    socket_method method;
    const char *path; /* without arguments, decoded (not of SOCKET_OTHER); "*": the server as a whole */
    bool torn; /* the path or the arguments ended at a byte that they may not have, or the request line is none */
    address_key address;                       /* who asks, without a name */
    const char *origin, *host;                 /* headers */
    const char *last_event_id;                 /* likewise */
    const char *if_none_match;                 /* likewise */
    const char *authorization, *cookie, *site; /* likewise, whole; Sec-Fetch-Site */
    uint32_t argument_count;
    const char *arguments[SOCKET_ARGUMENTS];   /* "name=value", decoded; more are not looked at */
    const char *content_type, *correlation_id; /* likewise; X-Correlation-Id */
    const uint8_t *body;                       /* POST */
    size_t body_length;
    socket_body_fault body_fault; /* POST: there is no body, and the connection has to end with the answer */
    struct identity *caller;      /* who asks, and what was wrong with its cookie: set by http_take */
    const char *caller_fault;
} socket_request;

typedef struct socket_handlers {
    void *context;
    /* Plain HTTP. Answered by socket_answer or socket_answer_stream, now or later. */
    void (*on_request)(void *context, const socket_request *request);
    /* A WebSocket handshake: NULL if it may come in; then `*guest` is kept for on_client. Else the whole response to give
     * it instead, borrowed until the next call. */
    const char *(*on_handshake)(void *context, const socket_request *request, void **guest);
    void (*on_guest_lost)(void *context, void *guest); /* it did not become a client */
    /* The stream has a new client; `guest` is NULL for event streams, or what on_handshake gave. */
    void (*on_client)(void *context, uint32_t client, bool websocket, void *guest);
    void (*on_client_gone)(void *context, uint32_t client); /* the stream has closed it */
} socket_handlers;

/* Has the port, but does not listen yet: who connects is refused. TW_IO names the address; TW_INVALID what of the options. Everything is borrowed but the options. */
tw_code socket_open(gateway_socket **socket, uv_loop_t *loop, const socket_options *options,
                    const socket_handlers *handlers, rt_log *log, tw_error *error);
/* From now on the kernel takes connections. TW_IO. */
tw_code socket_listen(gateway_socket *socket, tw_error *error);
/* Takes connections, as clients of `core`. */
void socket_serve(gateway_socket *socket, stream *core);
void socket_stop_listening(gateway_socket *socket);
/* Closes everything; run the loop until socket_is_closed, then socket_free. NULL is fine. */
void socket_close(gateway_socket *socket);
bool socket_is_closed(const gateway_socket *socket); /* NULL is closed */
void socket_free(gateway_socket *socket);            /* NULL is fine */
uint16_t socket_port(const gateway_socket *socket);

/* Writes to the clients that the round made ready, for about so long, and cuts off who was dropped. Before the loop waits. False: some are
 * left. */
bool socket_write_ready(gateway_socket *socket, int64_t most_ns);
/* The stream's `close`: with this code and reason, as soon as what waits for the client is sent, within five seconds. */
void socket_end_client(gateway_socket *socket, uint32_t client, uint16_t code, const char *reason);
/* All clients, likewise: 1001. */
void socket_end_clients(gateway_socket *socket, const char *reason);

/* A whole HTTP response, its head a text that ends with an empty line; both copied. False: who asked is gone. `more`: the
 * connection may be used again. */
bool socket_answer(gateway_socket *socket, uint64_t ticket, const char *head, const char *body, size_t length,
                   bool more);
/* The response's head, copied; what follows is what the stream has for the client returned: STREAM_NO_CLIENT if who
 * asked is gone or there is no room (`full` says which; then the ticket still wants an answer). */
uint32_t socket_answer_stream(gateway_socket *socket, uint64_t ticket, const char *head, bool *full);

typedef struct socket_stats {
    uint32_t connections, websockets, event_streams;
    uint64_t accepted, refused, refused_address; /* refused: all; of them those beyond max_of_address */
    uint64_t writes, partial_writes, bytes_written;
    uint64_t http_requests, headers_too_long;
    uint64_t oversize, binary, protocol_errors; /* WebSockets closed with 1009, 1003, and 1002 or 1007 */
} socket_stats;
socket_stats socket_read_stats(const gateway_socket *socket);

#endif
