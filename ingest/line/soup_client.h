/*
 * The client's side of a SoupBinTCP session: from the bytes of one TCP connection after another to messages in order,
 * each exactly once.
 *
 * Source: "SoupBinTCP" specification 3.00, 1.2 (flow: login, numbering, resume), 1.3 (heartbeats), 1.4 (end).
 *
 *             start                poll says CONNECT            connected
 *   IDLE ------------> BACKING_OFF -----------------> CONNECTING ---------> LOGGING_IN
 *                        ^                                                    | accepted
 *                        |   disconnected, silent, malformed, 'S' rejected    v
 *                        +------------------------------------------------ STREAMING
 *                                                                             | end of session
 *   REJECTED <- 'A' rejected                     IDLE <- stop (logout)        v
 *                                                                           ENDED
 *
 * REJECTED and ENDED stay until soup_client_start or soup_client_resume: a wrong password is not tried again and again,
 * and when to look for the next session is the owner's to say.
 *
 * A pure state machine: no I/O, no clock, nothing allocated after soup_client_alloc. The owner has the socket:
 *
 *   wish = soup_client_poll(client, now)       CONNECT: open a connection; CLOSE: close it, then tell `disconnected`
 *   soup_client_connected / _received / _disconnected     what happened to the socket
 *   soup_client_output                                    bytes to send, to be asked for after each of the others
 *
 * `now_ns` is one monotonic clock in all calls. Listener functions may read the client's status, nothing else.
 */
#ifndef TICKWIRE_INGEST_LINE_SOUP_CLIENT_H
#define TICKWIRE_INGEST_LINE_SOUP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/framing/soupbintcp.h"
#include "ingest/market/feed_message.h"

typedef enum soup_client_state {
    SOUP_CLIENT_IDLE,
    SOUP_CLIENT_BACKING_OFF,
    SOUP_CLIENT_CONNECTING,
    SOUP_CLIENT_LOGGING_IN,
    SOUP_CLIENT_STREAMING,
    SOUP_CLIENT_REJECTED,
    SOUP_CLIENT_ENDED
} soup_client_state;

/* Why a state was entered. */
typedef enum soup_client_reason {
    SOUP_REASON_ASKED,        /* by the owner, or the next step of the flow */
    SOUP_REASON_DISCONNECTED, /* the connection failed or was closed by the server */
    SOUP_REASON_SILENT,       /* nothing came for `silence_ns`, or no connection, or no answer to the login */
    SOUP_REASON_MALFORMED,    /* bytes that are no SoupBinTCP */
    SOUP_REASON_UNEXPECTED,   /* a packet that has no place there: data before the login, a client's packet, … */
    SOUP_REASON_REJECTED
} soup_client_reason;

typedef struct soup_client_listener {
    void *context;
    /* Logged in to a session for the first time (or to another than before): its name and the number of the first
     * message that will come. Not called again when the same session is resumed. */
    void (*on_session)(void *context, const char *session, uint64_t first, int64_t receive_ns);
    /* The next messages; consecutive but for what on_lost told. */
    void (*on_messages)(void *context, const feed_message *messages, size_t count);
    /* The server resumed later than asked for: `count` messages from `from` on will not come. */
    void (*on_lost)(void *context, uint64_t from, uint64_t count);
    /* The session is over; `next` is one past its last message. */
    void (*on_ended)(void *context, const char *session, uint64_t next);
    /* SOUP_NOT_AUTHORISED is final; after anything else the login is tried again, with back-off. */
    void (*on_rejected)(void *context, char reason);
    void (*on_state)(void *context, soup_client_state state, soup_client_reason reason);
} soup_client_listener; /* all are required; called synchronously */

typedef struct soup_client_options {
    char username[SOUP_USERNAME_BYTES];
    char password[SOUP_PASSWORD_BYTES];
    uint32_t timeout_ms;      /* told to the server at login (version 4.00), 1 to 99,999; 0: a version 3.00 login */
    size_t max_payload_bytes; /* of one packet, 30 (a login's answer) to SOUP_MAX_PAYLOAD_BYTES */
    int64_t heartbeat_ns;     /* own silence before a heartbeat is sent; 0: 1 s */
    int64_t silence_ns;       /* the server's silence that means it is gone; 0: 15 s */
    int64_t
        backoff_first_ns; /* wait after the first failure; doubled after each further one, until a connection has
                                 streamed for 5 s: a login alone is no success; 0: 100 ms */
    int64_t backoff_limit_ns; /* …up to this; 0: 10 s. Each wait is drawn from its upper half */
    uint64_t seed;            /* of that draw */
} soup_client_options;

typedef struct soup_client soup_client;

/* TW_INVALID (a bound, a time below 0, text that is no printable ASCII), TW_NO_MEMORY. */
tw_code soup_client_alloc(soup_client **client, const soup_client_options *options,
                          const soup_client_listener *listener, tw_error *error);
void soup_client_free(soup_client *client); /* NULL is fine */

/* Wants `session` ("": the one that is active) from message `next` on (0: from the next that is generated on). What
 * was known of an earlier session is forgotten. The session that "" led to is resumed by its name; should the server
 * no longer have it, the one that is active then is wanted, from message 1 (on_session tells). From any state but CONNECTING, LOGGING_IN and STREAMING, where it is
 * the programmer's mistake. False if the session's name does not fit. */
bool soup_client_start(soup_client *client, const char *session, uint64_t next, int64_t now_ns);
/* From REJECTED or ENDED: tries again, knowing what it knew. After REJECTED it wants the same session from where it stood.
 * After ENDED it wants the session that is active now, from message 1; if that is the one that has ended, it is ENDED
 * again and nothing but on_state is called. */
void soup_client_resume(soup_client *client, int64_t now_ns);
/* Logs out (if logged in) and stays IDLE. The wish is CLOSE as soon as the logout is taken by soup_client_output. */
void soup_client_stop(soup_client *client);

typedef enum soup_wish { SOUP_WISH_NONE, SOUP_WISH_CONNECT, SOUP_WISH_CLOSE } soup_wish;

/* Lets time pass. CONNECT is said once per attempt; the owner then tells `connected` or `disconnected`. CLOSE is said
 * until it tells `disconnected`. */
soup_wish soup_client_poll(soup_client *client, int64_t now_ns);
/* When poll or output has something to do next: in the past if at once, INT64_MAX if never. */
int64_t soup_client_next_ns(const soup_client *client);

void soup_client_connected(soup_client *client, int64_t now_ns);
/* Bytes of the connection, cut anywhere. After it wished to CLOSE they are passed over. */
void soup_client_received(soup_client *client, const uint8_t *bytes, size_t length, int64_t receive_ns,
                          int64_t now_ns);
/* Both when the connection was closed and when it could not be made. */
void soup_client_disconnected(soup_client *client, int64_t now_ns);

/* Moves bytes to be sent into `target`. Returns how many, 0 if there are none. */
size_t soup_client_output(soup_client *client, uint8_t *target, size_t capacity, int64_t now_ns);

typedef struct soup_client_status {
    soup_client_state state;
    const char *session; /* "" before the first login that asked for none */
    uint64_t next;       /* the number of the next message; 0 not known yet */
    uint64_t logins;     /* accepted */
    uint64_t rejections;
    uint64_t failures; /* connections that ended otherwise than by end of session or logout */
    uint64_t messages; /* handed on */
    uint64_t
        repeated; /* came again after a resume (the server went back further than asked) and were passed over */
    uint64_t lost;
    uint64_t unknown; /* packets of unknown type, passed over */
} soup_client_status;
soup_client_status soup_client_read_status(const soup_client *client);

/* "STREAMING", "SILENT", … Static storage; "?" for a value out of range. */
const char *soup_client_state_name(soup_client_state state);
const char *soup_client_reason_name(soup_client_reason reason);

#endif
