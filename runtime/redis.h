/*
 * Redis on the loop: one connection, pipelined. The one door to hiredis.h.
 *
 * Nothing here waits. Opening starts to connect; names are looked up on libuv's pool; a server that is absent,
 * restarts or stops answering is tried again for ever, with a back-off that doubles from 100 ms to 5 s and is spread
 * by up to a half. Signing in, choosing the database and a PING come first; only when all are answered well is the
 * connection READY, so a server that is loading its data or wants a password is REFUSED, with the reason.
 *
 * Commands are copied into an output buffer; one write per redis_flush. At most `max_outstanding` replies are awaited:
 * beyond it redis_send says TW_FULL and the caller goes on merging. Replies come in the order of the commands, each
 * with the tag of its command. When the connection ends, each command without a reply gets one of kind LOST before
 * the event AWAY: it may or may not have been carried out.
 *
 * hiredis is used through its plain context and reader: its async.c ends the process on a reply nobody asked for, and
 * its libuv adapter never tells of a connection refused.
 */
#ifndef TICKWIRE_RUNTIME_REDIS_H
#define TICKWIRE_RUNTIME_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

typedef struct redis redis;

typedef enum redis_kind {
    REDIS_KIND_TEXT,    /* a string or a status such as "OK" */
    REDIS_KIND_INTEGER, /* */
    REDIS_KIND_ARRAY,   /* */
    REDIS_KIND_NIL,     /* no such value; also: EXEC whose watched key had changed */
    REDIS_KIND_ERROR,   /* the server says no: `text`, see redis_trouble.h */
    REDIS_KIND_LOST     /* the connection ended before an answer */
} redis_kind;

/* Borrowed until the callback returns. */
typedef struct redis_reply {
    redis_kind kind;
    int64_t integer;
    const char *text; /* TEXT and ERROR: NUL terminated; else "" */
    size_t length;
    size_t count;         /* ARRAY: elements */
    const void *elements; /* ARRAY: for redis_element */
} redis_reply;

redis_reply redis_element(const redis_reply *array, size_t index); /* index < count */

typedef enum redis_state {
    REDIS_READY = 0,  /* commands are taken */
    REDIS_CONNECTING, /* looking up, connecting, signing in */
    REDIS_AWAY,       /* waiting for the next try: not reachable, or the connection was lost or given up */
    REDIS_REFUSED     /* waiting for the next try: the server answers and does not let us in */
} redis_state;
const char *redis_state_name(redis_state state); /* "READY", … */

typedef void (*redis_on_reply)(void *context, uint64_t tag, const redis_reply *reply);
/* Called on a change to READY, AWAY or REFUSED, and for each further failed try; `detail` says why, "" for READY. */
typedef void (*redis_on_state)(void *context, redis_state state, const char *detail);

typedef struct redis_options {
    const char *url;          /* see redis_url.h */
    const char *name;         /* shown by CLIENT LIST; no spaces */
    uint32_t max_outstanding; /* replies awaited at most; 0: 16384 */
    int64_t timeout_ns;       /* to connect and sign in, and for progress while replies are awaited; 0: 5 s */
    redis_on_reply on_reply;  /* on the loop, never from within redis_send or redis_flush */
    redis_on_state on_state;  /* on the loop, likewise; may be NULL */
    void *context;
} redis_options;

/* Starts to connect. TW_INVALID or TW_UNSUPPORTED: the URL, in words without its secrets. SIGPIPE is ignored in the whole
 * process from then on, as hiredis writes with write(2). */
tw_code redis_open(redis **opened, uv_loop_t *loop, const redis_options *options, tw_error *error);
/* Ends the connection at once; what is outstanding is told as LOST first. The memory goes when the loop next runs. Not
 * from within a callback. NULL is fine. */
void redis_close(redis *redis);

/* Copies a command: `count` words of `lengths` bytes. TW_OK; TW_FULL: too many replies are awaited; TW_AWAY: not ready. */
tw_code redis_send(redis *redis, size_t count, const char *const *words, const size_t *lengths, uint64_t tag);
/* Writes what was sent to the socket once; what does not fit goes out when there is room. */
void redis_flush(redis *redis);

redis_state redis_read_state(const redis *redis);
uint32_t redis_outstanding(const redis *redis);
uint32_t redis_room(const redis *redis);     /* commands that redis_send takes now: 0 while not ready */
const char *redis_where(const redis *redis); /* "redis://127.0.0.1:6379/0", no secrets */

typedef struct redis_stats {
    uint64_t commands, replies, lost; /* of the caller's commands */
    uint64_t connects;                /* times the connection became READY */
    uint64_t failures;                /* tries that failed and connections that ended */
    uint64_t bytes_out;               /* of commands, as formatted */
} redis_stats;
redis_stats redis_read_stats(const redis *redis);

#endif
