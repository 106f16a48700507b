/*
 * Streams as things to be made, looked at and asked for a single message: what a program does at start, after trouble, and in
 * tools. These calls wait for replies, so they run on a worker thread over a connection of their own, one at a time; the loop never
 * waits. What is written and read by the message is bus_writer's and bus_reader's.
 *
 * Nothing here retries: the caller has the clock. Everything is answered by the stream's leader, not by a replica that may lag.
 */
#ifndef TICKWIRE_RUNTIME_BUS_STREAMS_H
#define TICKWIRE_RUNTIME_BUS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

#define BUS_STREAM_NAME_BYTES    64u
#define BUS_STREAM_SUBJECT_BYTES 256u
#define BUS_STREAM_SUBJECTS      8u

typedef struct bus_streams bus_streams;

/* What a stream shall be. Messages are never deleted by count or age unless it says so. When a bound is reached the oldest go, or with
 * `refuse_when_full` the new ones are refused: a journal must not lose its beginning silently.
 *
 * A stream that is there keeps what its operator has set and nobody relies on: bounds by bytes, count and message size, the duplicate window,
 * placement and whatever else a server knows. */
typedef struct bus_stream_config {
    const char *name;
    const char *subjects[BUS_STREAM_SUBJECTS]; /* at least one; wildcards are fine; NULL ends */
    uint32_t replicas;                         /* 1, 3 or 5; 0: as they are, 1 when it is made */
    bool in_memory;
    int64_t max_age_ns; /* 0: no bound; likewise the next two */
    uint64_t max_bytes; /* this and the next three hold when it is made */
    uint64_t max_messages;
    uint32_t max_message_bytes;  /* 0: what the server takes */
    int64_t duplicate_window_ns; /* by Nats-Msg-Id; 0: the server's 2 minutes */
    bool refuse_when_full;
    bool deny_delete; /* no single message can be deleted, ever: it can't be taken back by an update */
} bus_stream_config;

typedef struct bus_stream_info {
    uint64_t first_seq, last_seq; /* first is last + 1 in a stream that is empty */
    uint64_t messages, bytes;
    uint64_t deleted;   /* holes between first and last */
    int64_t created_ns; /* a stream that was wiped and made anew has another one */
    int64_t last_ns;
    uint32_t replicas;
    uint64_t max_bytes, max_messages; /* what it may hold; 0: no bound of its own */
    char leader[64];                  /* the server's name; "" on a single server */
} bus_stream_info;

/* Files of all streams and replicas of the account, as its limit counts them. */
typedef struct bus_account_info {
    uint64_t stored_bytes,
        max_bytes; /* max 0: no bound that it tells. What its server may store altogether is never told */
} bus_account_info;

typedef enum bus_streams_outcome {
    BUS_STREAMS_DONE = 0,
    BUS_STREAMS_NOT_FOUND, /* no such stream, or no such message in it */
    BUS_STREAMS_REFUSED,   /* the server does not want it so: `reason` */
    BUS_STREAMS_AWAY       /* nobody answered, or no JetStream */
} bus_streams_outcome;

typedef struct bus_streams_result {
    bus_streams_outcome outcome;
    char reason[240];   /* "" if DONE */
    bool made, changed; /* ensure: it was not there; it was there and different */
    char
        changes[400]; /* ensure: what is or was to be changed, "max_age: 3600000000000 -> 0, discard: old -> new" */
    bus_stream_info info; /* ensure and info */
    bus_account_info account;
    /* get; `bytes` are borrowed until the callback returns */
    uint64_t seq;
    int64_t stream_ns;
    char subject[BUS_STREAM_SUBJECT_BYTES];
    const uint8_t *bytes;
    size_t length;
} bus_streams_result;

/* Called on the loop. */
typedef void (*bus_on_streams)(void *context, const bus_streams_result *result);

typedef struct bus_streams_options {
    const char *url;         /* as bus_options */
    const char *credentials; /* or NULL */
    int64_t timeout_ns;      /* of each wait for the server; 0 for 5 s */
    bus_on_streams on_result;
    void *context;
} bus_streams_options;

/* Connects to nothing yet. TW_INVALID: too long; TW_NO_MEMORY. */
tw_code bus_streams_open(bus_streams **streams, uv_loop_t *loop, const bus_streams_options *options,
                         tw_error *error);
/* A call under way is waited for within its timeout (not, if it is still connecting), its result is not told. The memory goes when the loop next runs. */
void bus_streams_close(bus_streams *streams);
bool bus_streams_busy(const bus_streams *streams);

/* Each returns false if a call runs already, or if a name does not fit; then nothing is told. */
/* Makes the stream, or puts right of it what must be as `config` says, if it can be; the config is copied. */
bool bus_streams_ensure(bus_streams *streams, const bus_stream_config *config);
bool bus_streams_info(bus_streams *streams, const char *name);
bool bus_streams_account(bus_streams *streams);
/* Removes all messages before `first_kept`, for ever; the numbers of the others stay. REFUSED where the stream denies purging. */
bool bus_streams_purge(bus_streams *streams, const char *name, uint64_t first_kept);
bool bus_streams_get(bus_streams *streams, const char *name, uint64_t seq);
/* The last message on a subject, which may have wildcards: ">" is the stream's last one. */
bool bus_streams_get_last(bus_streams *streams, const char *name, const char *subject);

#endif
