/*
 * The server's side of SoupBinTCP for one client's connection: checks its login, then sends it the messages of a
 * session from where it asked.
 *
 * Source: "SoupBinTCP" specification 3.00, 1.2 (flow), 1.3 (heartbeats), 2.2 and 2.3 (packets).
 *
 *   AWAITING_LOGIN --accepted--> STREAMING --all sent, session ended--> CLOSING --output taken--> close the connection
 *         |                          | logout, silence, malformed …        ^
 *         +--rejected, …-------------+-------------------------------------+
 *
 * The messages stay where they are: the server fetches each one when there is room for it, so any number of clients
 * share one store. A slow client therefore costs its window and no more. It is given up when it takes nothing for
 * `stall_ns`, or when the store no longer has what it has not taken yet.
 *
 * A pure state machine, as soup_client.h; the owner has the socket.
 */
#ifndef TICKWIRE_INGEST_LINE_SOUP_SERVER_H
#define TICKWIRE_INGEST_LINE_SOUP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/framing/soupbintcp.h"

/* What is served, and to whom. All functions are required but on_unsequenced. */
typedef struct soup_server_source {
    void *context;
    /* May this client log in? Texts without padding; compare with soup_same_text. */
    bool (*may_login)(void *context, const char *username, const char *password);
    /* The session served, one to ten printable characters. The same throughout one connection. */
    const char *(*session)(void *context);
    /* The number of the next message to be generated; 1 in a session without messages. Never falls. */
    uint64_t (*next)(void *context);
    /* The oldest message that can be had; equal to `next` if none can. */
    uint64_t (*oldest)(void *context);
    /* Message `seq` (below `next`), borrowed until the next call; NULL if it is no longer there. */
    const uint8_t *(*fetch)(void *context, uint64_t seq, size_t *length);
    /* The session is over: `next` will not rise. */
    bool (*ended)(void *context);
    /* A message of the client. Borrowed for the call. */
    void (*on_unsequenced)(void *context, const uint8_t *bytes, size_t length);
} soup_server_source;

typedef enum soup_server_state {
    SOUP_SERVER_AWAITING_LOGIN,
    SOUP_SERVER_STREAMING,
    SOUP_SERVER_CLOSING /* what is in the window is sent, then the connection is closed */
} soup_server_state;

/* Why it is CLOSING. */
typedef enum soup_server_reason {
    SOUP_SERVER_OPEN, /* it is not */
    SOUP_SERVER_ENDED,
    SOUP_SERVER_LOGGED_OUT,
    SOUP_SERVER_NOT_AUTHORISED,
    SOUP_SERVER_NO_SESSION,
    SOUP_SERVER_NO_LOGIN,   /* none came in time */
    SOUP_SERVER_SILENT,     /* the client sent nothing for too long */
    SOUP_SERVER_STALLED,    /* the client took nothing for too long */
    SOUP_SERVER_TOO_SLOW,   /* the store no longer has its next message */
    SOUP_SERVER_TOO_LARGE,  /* a message that can't be sent: longer than a packet, or than the window */
    SOUP_SERVER_MALFORMED,  /* bytes that are no SoupBinTCP */
    SOUP_SERVER_UNEXPECTED, /* a packet that has no place there: a second login, a server's packet, … */
    SOUP_SERVER_STOPPED     /* by its owner */
} soup_server_reason;

typedef struct soup_server_options {
    size_t window_bytes;      /* output that may wait, at least 64 (every packet but data fits) */
    size_t max_payload_bytes; /* of a client's packet, 51 (a login) to SOUP_MAX_PAYLOAD_BYTES */
    int64_t heartbeat_ns;     /* own silence before a heartbeat is sent; 0: 1 s */
    int64_t silence_ns;       /* the client's silence that is borne, unless its login asks for another; 0: 15 s */
    int64_t login_ns;         /* within which the login must come; 0: 15 s */
    int64_t stall_ns;         /* bytes wait and none is taken; 0: 30 s */
} soup_server_options;

typedef struct soup_server soup_server;

/* For a connection that was just accepted. TW_INVALID, TW_NO_MEMORY. The source is copied, its context borrowed. */
tw_code soup_server_alloc(soup_server **server, const soup_server_options *options,
                          const soup_server_source *source, int64_t now_ns, tw_error *error);
void soup_server_free(soup_server *server); /* NULL is fine */

/* Bytes of the client, cut anywhere. Passed over when CLOSING. */
void soup_server_received(soup_server *server, const uint8_t *bytes, size_t length, int64_t now_ns);

/* Lets time pass. True: close the connection now. */
bool soup_server_poll(soup_server *server, int64_t now_ns);
/* When poll or output has something to do next, if the store does not grow: in the past if at once. */
int64_t soup_server_next_ns(const soup_server *server);

/* Moves bytes to be sent into `target`, fetching messages as they fit. Returns how many, 0 if there are none. To be
 * asked for after received, after poll, and when the store has grown. What is taken counts as sent. */
size_t soup_server_output(soup_server *server, uint8_t *target, size_t capacity, int64_t now_ns);

/* Ends the connection when what is in the window is sent; no end of session is said. */
void soup_server_stop(soup_server *server);

typedef struct soup_server_status {
    soup_server_state state;
    soup_server_reason reason;
    char username[SOUP_USERNAME_BYTES]; /* "" before the login */
    uint64_t next;                      /* the number of the next message to be put into the window; 0 before */
    uint64_t messages;                  /* put into the window */
    size_t waiting_bytes;
    uint64_t unsequenced;
    uint64_t unknown; /* packets of unknown type, passed over */
} soup_server_status;
soup_server_status soup_server_read_status(const soup_server *server);

const char *soup_server_reason_name(soup_server_reason reason);

#endif
