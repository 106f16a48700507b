/*
 * The stream: from books and events of the bus to frames for many clients. A pure core: no socket, no clock, no log;
 * nothing is allocated per message after stream_alloc but for what clients ask for, and that is bounded.
 *
 *   stream_take_*  ->  instruments  ->  groups  ->  frames (shared)  ->  clients' positions  ->  stream_gather
 *
 * A group is everybody who wants the same: instrument, channel, depth, interval, format. It has one published view, one
 * chain (epoch, prev_seq, seq), one checksum and one encoding, made once and framed once in memory that all its clients
 * share. A client is only a position in each of its groups. Whoever lags behind the frames a group still holds, or has
 * more waiting than `client_bytes`, goes on by the rule of the data's class:
 *
 *   books, quotes, statuses    the latest state: a snapshot in place of all that was missed (counted, told as `merged`)
 *   trades                     a snapshot (totals and last print) that says how many prints were passed over
 *
 * What a client gets is in order by group; frames of different groups are ordered as they were cut.
 *
 * A round: stream_take_* for everything the bus has, then stream_round once, then for each ready client
 * stream_gather -> one write -> stream_sent.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_STREAM_H
#define TICKWIRE_GATEWAYS_STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"
#include "proto/codec.h"
#include "proto/subject.h"

#define STREAM_NO_CLIENT  UINT32_MAX
#define STREAM_MAX_SPANS  64u
#define STREAM_DEPTHS     {1, 5, 10, 20, 50}                  /* a wish is rounded up to one of these */
#define STREAM_INTERVALS  {0, 50, 100, 250, 500, 1000, 5000} /* milliseconds; rounded up likewise */

typedef struct stream stream;

typedef enum stream_format { STREAM_JSON = 0, STREAM_PROTOBUF } stream_format;
/* How frames are wrapped: WebSocket (text or binary frames, unmasked), server-sent events (JSON only). */
typedef enum stream_framing { STREAM_WEBSOCKET = 0, STREAM_SSE } stream_framing;

typedef struct stream_options {
    uint32_t max_clients;
    uint32_t max_instruments;     /* (MIC, symbol) known at once */
    uint32_t max_subscriptions;   /* of one client: patterns */
    uint32_t max_groups;          /* over all clients */
    uint32_t client_bytes;        /* most that may wait for one client, 256 KiB */
    uint32_t frames_kept;         /* by each group, for resume and laggards */
    uint32_t request_bytes;       /* longest request taken */
    uint32_t requests_per_second; /* of one client, with a burst of as many */
    int64_t heartbeat_ns;         /* to a client that gets nothing else */
    int64_t silence_ns;           /* a client not heard of for so long is closed */
} stream_options;

/* What the stream needs from its surroundings; called synchronously. */
typedef struct stream_surroundings {
    void *context;
    /* Somebody wants (or nobody wants any more) this channel of this exchange; "" is every exchange. */
    void (*want)(void *context, const char *mic, subject_channel channel, bool wanted);
    /* May this client read this subject? `pattern` may hold wildcards; a wildcard is narrowed, not refused. */
    bool (*may_read)(void *context, uint32_t client, const char *subject);
    /* The client is to be closed with a WebSocket close code, as soon as what waits for it is sent. */
    void (*close)(void *context, uint32_t client, uint16_t code, const char *reason);
} stream_surroundings;

tw_code stream_alloc(stream **stream, const stream_options *options, const stream_surroundings *surroundings,
                     tw_error *error);
void stream_free(stream *stream); /* NULL is fine */

/* ---- from the bus: all borrowed. `now_ns` is the realtime clock ---- */

/* A book as it now is: header of the last message folded in, levels best first, all that the bus carries. `state` and
 * `cause` are the worst of the book's own, its feed's and the receiver's. */
typedef struct stream_book {
    const wire_header *header;
    tw_book_state state;
    tw_state_cause cause;
    uint32_t depth, bid_count, ask_count;
    const tw_level *bids, *asks;
} stream_book;
void stream_take_book(stream *stream, const stream_book *book, int64_t now_ns);
void stream_take_quote(stream *stream, const wire_quote *quote, tw_book_state state, tw_state_cause cause,
                       int64_t now_ns);
void stream_take_trades(stream *stream, const wire_trades *trades, int64_t now_ns);
void stream_take_status(stream *stream, const wire_status *status, int64_t now_ns);
void stream_take_imbalance(stream *stream, const wire_imbalance *imbalance, int64_t now_ns);
void stream_take_feed(stream *stream, const wire_feed_status *status, int64_t now_ns);

/* ---- clients ---- */

/* STREAM_NO_CLIENT if there is no room. The greeting waits for it at once. */
uint32_t stream_open(stream *stream, stream_format format, stream_framing framing, int64_t now_ns);
void stream_close(stream *stream, uint32_t client);
/* A whole request (docs/stream.md). Whatever is wrong with it is answered with an error to the client. */
void stream_request(stream *stream, uint32_t client, const uint8_t *bytes, size_t length, int64_t now_ns);
void stream_heard(stream *stream, uint32_t client, int64_t now_ns); /* anything else, a pong */
/* Everybody gets the notice that this gateway closes, and when to come back: jittered between the two. */
void stream_say_goodbye(stream *stream, const char *reason, int64_t earliest_ms, int64_t latest_ms);

/* ---- the round ---- */

/* Cuts what is due into frames and marks who has something to send. Returns when the next round is due at the latest. */
int64_t stream_round(stream *stream, int64_t now_ns);
/* The next client that has something to send, each once per round; STREAM_NO_CLIENT at the end. One whose write was
 * partial is not given until stream_writable. */
uint32_t stream_next_ready(stream *stream);

typedef struct stream_span {
    const uint8_t *bytes;
    size_t length;
} stream_span;
/* What to write next to the client, at most `most_bytes`, borrowed until stream_sent. Returns the number of spans. */
uint32_t stream_gather(stream *stream, uint32_t client, stream_span spans[STREAM_MAX_SPANS], size_t most_bytes);
/* So many of the gathered bytes were written; a frame begun is always finished before anything else. */
void stream_sent(stream *stream, uint32_t client, size_t bytes, int64_t now_ns);
void stream_writable(stream *stream, uint32_t client); /* after a partial write */
bool stream_has_more(const stream *stream, uint32_t client);

/* ---- what it has come to ---- */

typedef struct stream_stats {
    uint32_t clients, groups, instruments, subscriptions;
    uint64_t updates_in;      /* messages taken from the bus */
    uint64_t frames;          /* cut, by all groups */
    uint64_t updates_out;     /* handed to clients: frames times readers */
    uint64_t bytes_out;
    uint64_t merged;          /* updates folded into a later one for a client that was behind */
    uint64_t snapshots;       /* given to joiners and laggards */
    uint64_t resumed, resume_failed;
    uint64_t prints_passed_over;
    uint64_t requests, requests_refused;
} stream_stats;
stream_stats stream_read_stats(const stream *stream);

#endif
