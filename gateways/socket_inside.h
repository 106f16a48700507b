/*
 * Private to gateways/socket*.c: what they share of connections.
 *
 *   socket.c            libwebsockets' callbacks, writing, HTTP, listening
 *   socket_unread.c     requests that never became whole
 *   socket_admission.c  which connections are let in, and what is said to the others
 *   socket_handshake.c  which upgrades are accepted, and what is answered to the others
 *   socket_headers.c    what a request says beside its path
 *   socket_body.c       requests with a body
 *   socket_untaken.c    requests that libwebsockets does not take
 *   socket_reading.c    bytes that WebSocket clients have sent, from their sockets
 *   socket_tls.c        the same out of a TLS connection
 *   socket_messages.c   what becomes of them: requests, pongs, the closing handshake
 */
#ifndef TICKWIRE_GATEWAYS_SOCKET_INSIDE_H
#define TICKWIRE_GATEWAYS_SOCKET_INSIDE_H

#include <libwebsockets.h>
#include <sys/socket.h>

#include "gateways/socket.h"
#include "gateways/websocket/deflate.h"
#include "gateways/websocket/reader.h"

#define SOCKET_CLOSE_SECONDS                                                                                       \
    5 /* for what waits to be sent, and again for the peer's part of the closing handshake */
#define SOCKET_LINGER_SECONDS 2             /* for the peer to close its side */
#define SOCKET_READ_BYTES     (16u * 1024u) /* of one client at once */
#define SOCKET_TEXT_BYTES     2048

typedef enum connection_kind {
    CONNECTION_NEW = 0,
    CONNECTION_HTTP,
    CONNECTION_UNTAKEN,
    CONNECTION_EVENTS,
    CONNECTION_WEBSOCKET
} connection_kind;

/* How far a WebSocket's closing handshake is: open, our close frame is sent, both are and the peer is to hang up. */
typedef enum connection_end { END_NOT, END_SAID, END_LINGERS } connection_end;

/* libwebsockets' memory for a connection; zeroed when it begins. */
typedef struct connection {
    connection_kind kind;
    struct lws *wsi;
    uint32_t client; /* WEBSOCKET, EVENTS */
    bool closing;
    uint16_t close_code;
    char close_reason[64];
    connection_end end;
    bool deflates; /* agreed on in the handshake */
    bool watched;  /* its socket is in the set that is read */
    bool owes_pong;
    uint8_t pong_length;
    uint8_t pong[WS_CONTROL_BYTES];
    ws_reader reader;
    uint64_t ticket;                /* HTTP: waits for its answer; 0: does not */
    struct connection *next_asking; /* in the list of those */
    struct posted *posted;          /* HTTP: its body is being read */
    struct untaken *untaken;        /* NEW: what has come of a line that libwebsockets does not take */
    uint8_t *answer;                /* LWS_PRE bytes of room, then the bytes */
    size_t answer_length;
    bool more;
    bool dropped; /* is to be cut off, in the list of those */
    struct connection *next_dropped;
} connection;

struct gateway_socket {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[3];
    uv_timer_t ping_timer;
    uint32_t ping_slice; /* the next to be pinged */
    socket_options options;
    socket_handlers handlers;
    rt_log *log;
    stream *stream;
    connection **clients; /* by the stream's number */
    connection *asking;   /* HTTP requests without an answer */
    connection *dropped;
    struct lws *guest_of; /* whose handshake was just found good; NULL: nobody's */
    void *guest;          /* what on_handshake gave of it */
    uint64_t last_ticket;

    int listener; /* -1: none */
    uv_poll_t poll;
    bool polled, paused, poll_closed;
    uint16_t port;
    int spare;                /* a file descriptor for telling who comes when there is none; -1: none */
    address_count *addresses; /* NULL: nobody counts */

    int readers; /* epoll: the sockets of WebSocket clients; -1: none */
    uv_poll_t readers_poll;
    bool readers_polled;
    uint8_t *read_buffer;
    ws_unpacker *unpacker; /* NULL: no compression */

    uint8_t *scratch; /* what must be in one piece for lws_write */
    size_t scratch_bytes;
    socket_stats stats;
    rt_log_site refused_site, accept_site, memory_site;
};

/* ---- socket.c ---- */
/* libwebsockets looks at its times only after something has happened to one of its sockets: this makes it look. */
void socket_set_timeout(struct lws *wsi, enum pending_timeout why, int seconds);
void socket_drop(connection *c); /* cuts the connection off, before the loop waits again */
/* One frame, whole, behind everything that was written before. */
bool socket_write_frame(gateway_socket *self, connection *c, const uint8_t *frame, size_t length);
/* No client of the stream any more. */
void socket_leave_stream(gateway_socket *self, connection *c);
void socket_copy_header(struct lws *wsi, enum lws_token_indexes token, char text[SOCKET_TEXT_BYTES]);
/* Forgets what the connection was: from now on it waits for the answer to a request, c->ticket. */
void socket_begin_request(gateway_socket *self, connection *c, struct lws *wsi, connection_kind kind);
int socket_handshake_seconds(const gateway_socket *self);

/* ---- socket_unread.c ---- */
/* A connection ends on which no request was ever whole. If its headers were too long, it is counted. */
void socket_end_unread(gateway_socket *self, struct lws *wsi);

/* ---- socket_admission.c ---- */
/* False: it was told, and closed. */
bool socket_admit(gateway_socket *self, int fd, const struct sockaddr_storage *address);
void socket_count_address(gateway_socket *self, struct lws *wsi, const struct sockaddr_storage *address);
void socket_forget_address(gateway_socket *self, struct lws *wsi);
/* Whose connection it is; all zero where the system does not say. */
address_key socket_address_of(struct lws *wsi);
void socket_keep_spare(gateway_socket *self);
/* There is no descriptor to accept with: tells one of those who wait. False: not even that is possible now. */
bool socket_refuse_one(gateway_socket *self);

/* ---- socket_handshake.c ---- */
/* May this request become a WebSocket? If not, it was answered. */
bool socket_may_upgrade(gateway_socket *self, struct lws *wsi, const char *upgrade);
/* What on_handshake gave of this connection, to be passed on; NULL: nothing. */
void *socket_take_guest(gateway_socket *self, struct lws *wsi);
void socket_lose_guest(gateway_socket *self); /* nothing happens if there is none */

/* ---- socket_headers.c ---- */
typedef struct socket_headers {
    char origin[SOCKET_TEXT_BYTES], host[SOCKET_TEXT_BYTES], id[SOCKET_TEXT_BYTES], known[SOCKET_TEXT_BYTES],
        site[64], type[128], correlation[128];
    char *authorization, *cookie; /* as long as they are; NULL: none */
} socket_headers;
/* Copies them, and points the request at them; until socket_drop_headers. */
void socket_take_headers(struct lws *wsi, socket_headers *told, socket_request *request);
void socket_drop_headers(socket_headers *told);
/* The answer to a good handshake is being written: adds what was agreed on. False: it does not fit. */
bool socket_agree(gateway_socket *self, connection *c, struct lws *wsi, struct lws_process_html_args *answer);

/* ---- socket_body.c ---- */
/* Keeps a request until its body is whole. */
socket_body_fault socket_keep_body(gateway_socket *self, connection *c, struct lws *wsi,
                                   const socket_request *request);
/* Of a method that has none: a fault if one was announced, which is not read. */
socket_body_fault socket_refuse_body(struct lws *wsi);
void socket_add_to_body(connection *c, const uint8_t *bytes, size_t length);
void socket_take_body(gateway_socket *self, connection *c); /* it is whole: on_request */
void socket_drop_body(connection *c);                       /* nothing happens if there is none */

/* ---- socket_untaken.c ---- */
/* More of a request that libwebsockets handed over: asks on_request when its first line is whole. False: the connection is to end. */
bool socket_take_untaken(gateway_socket *self, connection *c, struct lws *wsi, const uint8_t *bytes, size_t length);
bool socket_write_untaken(connection *c); /* there is room for the answer; false: the connection is to end */
void socket_drop_untaken(connection *c);  /* nothing happens if there is none */

/* ---- socket_reading.c ---- */
tw_code socket_open_reading(gateway_socket *self, uv_loop_t *loop, tw_error *error);
void socket_close_reading(gateway_socket *self); /* nothing happens if it was not opened */
/* From now on it is read here, and not by libwebsockets. False: the system refuses. */
bool socket_start_reading(gateway_socket *self, connection *c);
void socket_stop_reading(gateway_socket *self, connection *c);

/* ---- socket_tls.c: as recv, of what is deciphered ---- */
/* Can these PEM files be used, and together? TW_INVALID, TW_IO name the setting, the file and the reason. */
tw_code socket_tls_check(const char *certificate, const char *key, tw_error *error);
ssize_t socket_tls_read(struct lws *wsi, uint8_t *bytes, size_t capacity);
bool socket_tls_has_more(struct lws *wsi); /* deciphered already: the kernel has nothing to tell of it */
void socket_tls_end(struct lws *wsi); /* says that nothing more is sent (close_notify); what comes is still read */

/* ---- socket_messages.c ---- */
void socket_take_bytes(gateway_socket *self, connection *c, uint8_t *bytes, size_t length);
void socket_take_end(gateway_socket *self, connection *c); /* the peer hung up */
/* Nothing more is sent; what comes is thrown away until the peer hangs up, so that it gets to read why before the connection is reset. */
void socket_linger(connection *c);
/* Sends a close frame; the peer has to answer in time. */
void socket_end_websocket(gateway_socket *self, connection *c, uint16_t code, const char *reason);
/* What could not be sent before: a pong, or the end of our side. */
void socket_send_owed(gateway_socket *self, connection *c);

#endif
