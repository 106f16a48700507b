/*
 * The stream: from books and events of the bus to frames for many clients. A pure core: no socket, no clock, no log;
 * nothing is allocated per message after stream_alloc but for what clients ask for, and that is bounded.
 *
 *   stream_take_*  ->  instruments  ->  groups  ->  frames (shared)  ->  clients' positions  ->  stream_gather
 *
 * A group is everybody who wants the same: instrument, channel, depth, interval, format, deflated or not. It has one published view, one
 * chain (epoch, prev_seq, seq), one checksum and one encoding, made once and framed once in memory that all its clients
 * share. A client is only a position in each of its groups. Whoever lags behind the frames a group still holds, or has
 * more waiting than `client_bytes`, goes on by the rule of the data's class:
 *
 *   books, quotes, NBBOs, …    the latest state: a snapshot in place of all that was missed (counted, told as `merged`)
 *   trades                     a snapshot (totals and last print) that says how many prints were passed over
 *   candles                    a snapshot: the newest one
 *
 * What a client gets is in order by group; within a round, groups follow each other in the order in which they first had
 * something for it. Its own messages (answers, heartbeats) go before what was cut and not yet sent.
 *
 * A round: stream_take_* for everything the bus has, then stream_round once (stream_round_on, should more come before its end), then for each ready client
 * stream_gather -> one write -> stream_sent. Between rounds those are ready who have answers waiting or are writable again.
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

#define STREAM_NO_CLIENT UINT32_MAX
#define STREAM_MAX_SPANS 64u

#define STREAM_LEAST_CLIENT_BYTES 4096u /* room for the greeting and an answer */
#define STREAM_ACK_BYTES          208u /* of one subject in an acknowledgement: the longest subject and its wishes */
#define STREAM_MOST_SUBSCRIPTIONS 2520u /* of one client: as many as an acknowledgement names */
/* What is offered: a wish is rounded up to one of these. Intervals are milliseconds. */
/* clang-format off */
#define STREAM_DEPTHS    {1, 5, 10, 20, 50}
#define STREAM_INTERVALS {0, 50, 100, 250, 500, 1000, 5000}
/* clang-format on */

typedef struct stream stream;
struct request_follow; /* request.h */

typedef enum stream_format { STREAM_JSON = 0, STREAM_PROTOBUF } stream_format;
/* How frames are wrapped: WebSocket (text or binary frames, unmasked), server-sent events (JSON only), WebSocket with
 * permessage-deflate (RFC 7692), each message for itself. */
typedef enum stream_framing { STREAM_WEBSOCKET = 0, STREAM_SSE, STREAM_WEBSOCKET_DEFLATE } stream_framing;

/* What one client may have. 0: what everybody has (stream_options). */
typedef struct stream_limits {
    uint32_t subscriptions, requests_per_second;
    uint32_t waiting_bytes; /* most that may wait for it */
} stream_limits;

typedef struct stream_options {
    uint32_t max_clients;
    uint32_t max_instruments;   /* (MIC, symbol) known at once */
    uint32_t max_subscriptions; /* of one client: patterns; with client_bytes room to acknowledge all */
    uint32_t max_groups;        /* over all clients */
    uint32_t client_bytes;      /* most that may wait for one client, 256 KiB */
    uint32_t max_members;       /* over all clients: pairs of client and subject, what wildcards come to */
    uint32_t frames_kept;       /* by each group at most, for resume and laggards */
    uint64_t kept_bytes;        /* by all groups together; beyond it each group forgets its oldest frames sooner */
    int64_t linger_ns;          /* a group that nobody wants goes on for so long: time to come back and resume */
    uint32_t request_bytes;     /* longest request taken */
    uint32_t requests_per_second; /* of one client, with a burst of as many */
    int64_t heartbeat_ns;         /* to a client that gets nothing else */
    int64_t silence_ns;           /* a client not heard of for so long is closed */
    stream_limits most;           /* that stream_admit may raise a client's limits to */
    uint32_t deflate_level;       /* 1 fast to 9 small; 0: nobody's frames are deflated */
} stream_options;

/* What a client was handed of a subject since the last report. Bytes are those of whole frames, begun ones included, before
 * TLS and compression. */
typedef struct stream_use {
    const char *subject;
    uint64_t updates, bytes;
    int64_t first_ns, last_ns;
} stream_use;

/* Who a client turned out to be. Texts are borrowed. */
typedef struct stream_admission {
    const char *user;
    int64_t expires_ns;   /* the surroundings end the session then; this is only told */
    stream_limits limits; /* what is more than `most` is brought down to it */
} stream_admission;

/* What the stream needs from its surroundings; called synchronously. None of them may call the stream back: what they
 * want of it is done after the call that they were called from. */
typedef struct stream_surroundings {
    void *context;
    /* Somebody wants (or for `linger_ns` nobody has wanted) this channel of this exchange; "" is every exchange. After
     * `wanted` the stream is to be given all that the bus has of it, snapshots first; after not wanted it has forgotten
     * it. Feed statuses are not asked for: they are always taken. */
    void (*want)(void *context, const char *mic, subject_channel channel, bool wanted);
    /* May this client read this subject? Where `subject` has wildcards: may it read anything of it (pattern_overlaps of
     * gateways/stream/pattern.h answers both)? What matches is asked for one by one: a wildcard is narrowed. */
    bool (*may_read)(void *context, uint32_t client, const char *subject);
    /* {"op":"auth"}: who is there? True: `admitted` was filled, and may_read already answers for that user. False:
     * `reason` says why not, and nothing has changed. NULL: there is nobody to ask. */
    bool (*authenticate)(void *context, uint32_t client, const char *token, stream_admission *admitted,
                         char *reason, size_t capacity);
    /* A request about orders ("order.…"), as it came; `id` is JSON text for the answer, "" for none. It alone may be answered
     * from within, by stream_answer. NULL: the gateway takes none. */
    void (*order)(void *context, uint32_t client, const char *id, const uint8_t *bytes, size_t length);
    /* exec.{ACCOUNT}: the client wants the account's execution reports, from these places on; or not any more. may_read was asked.
     * False: no room; there was no such subscription. NULL: there are none. Who leaves is not told here. */
    bool (*follow)(void *context, uint32_t client, const struct request_follow *follow);
    bool (*unfollow)(void *context, uint32_t client, const char *account);
    /* So much of a subject was handed to the client since the last call: see stream_report_usage. May be NULL. */
    void (*used)(void *context, uint32_t client, const stream_use *use);
    /* The client is to be closed with a WebSocket close code, as soon as what waits for it is sent (stream_has_more). */
    void (*close)(void *context, uint32_t client, uint16_t code, const char *reason);
} stream_surroundings;

#define STREAM_CLOSE_POLICY       1008u /* asks without end, or never reads the answers */
#define STREAM_CLOSE_SILENT       4408u /* was not heard of for silence_ns */
#define STREAM_CLOSE_UNAUTHORIZED 4401u /* not, or not any more, somebody who may be here */

/* TW_INVALID names an option that makes no sense. `surroundings` is copied. */
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
    bool checked; /* `checksum` is known to be that of these levels (wire_book_checksum) */
    uint32_t checksum;
    /* An encoded BookUpdate with this header, state and cause whose levels made this book of the one that the chain had at
     * its prev_seq; NULL: there is none. Who gets every update of the whole book gets it as it is. */
    const uint8_t *message;
    size_t message_length;
    /* Its subject, and what stream_take_book answered last for it (0: it was not given yet): so it need not be searched for. NULL:
     * it is. */
    const char *subject;
    uint32_t place;
} stream_book;
uint32_t stream_take_book(stream *stream, const stream_book *book, int64_t now_ns);
void stream_take_quote(stream *stream, const wire_quote *quote, tw_book_state state, tw_state_cause cause,
                       int64_t now_ns);
void stream_take_trades(stream *stream, const wire_trades *trades, int64_t now_ns);
void stream_take_status(stream *stream, const wire_status *status, int64_t now_ns);
void stream_take_imbalance(stream *stream, const wire_imbalance *imbalance, int64_t now_ns);
/* {MIC}.{SYMBOL}.candle.{…}; header.exchange "": agg.{SYMBOL}.candle.{…}. An interval that is none is passed over. */
void stream_take_candle(stream *stream, const wire_candle *candle, int64_t now_ns);
void stream_take_nbbo(stream *stream, const wire_nbbo *nbbo, int64_t now_ns);
void stream_take_feed(stream *stream, const wire_feed_status *status, int64_t now_ns);

/* ---- clients ---- */

/* STREAM_NO_CLIENT if there is no room. The greeting waits for it at once. */
uint32_t stream_open(stream *stream, stream_format format, stream_framing framing, int64_t now_ns);
/* Whatever is left unsent is gone. */
void stream_close(stream *stream, uint32_t client);
/* What may_read says of the client is new: what it may not read any more ends, with an error to it;
 * what its subscriptions match and it may read now begins with a snapshot. */
void stream_entitlements_changed(stream *stream, uint32_t client, int64_t now_ns);
/* The client is known to be this user, as after a good {"op":"auth"}: its limits are set, it is told so (a message of type
 * `session`), and what it may not read ends. */
void stream_admit(stream *stream, uint32_t client, const stream_admission *admission, int64_t now_ns);
/* The client is told an error UNAUTHORIZED with this message, gets no market data any more, and is closed with 4401. */
void stream_dismiss(stream *stream, uint32_t client, const char *message, int64_t now_ns);
/* A whole request (docs/stream.md). Whatever is wrong with it is answered with an error to the client. */
void stream_request(stream *stream, uint32_t client, const uint8_t *bytes, size_t length, int64_t now_ns);
void stream_heard(stream *stream, uint32_t client, int64_t now_ns); /* anything else, a pong */
/* What only this client gets, as whole JSON: an answer about orders; an execution report. A client that does not read them is closed.
 * Nothing happens where it is closing already. */
void stream_answer(stream *stream, uint32_t client, const char *json, size_t length, int64_t now_ns);
void stream_report(stream *stream, uint32_t client, const char *json, size_t length, int64_t now_ns);
/* How many bytes of these may still wait for the client, `of` so many altogether. */
size_t stream_room(const stream *stream, uint32_t client, size_t *of);
/* Everybody gets the notice that this gateway closes, and when to come back: jittered between the two. */
void stream_say_goodbye(stream *stream, const char *reason, int64_t earliest_ms, int64_t latest_ms);

/* ---- the round ---- */

/* Cuts what is due into frames and marks who has something to send. Returns when the next round is due at the latest;
 * stream_has_later, asked after the writes, says that it is due at once. */
int64_t stream_round(stream *stream, int64_t now_ns);
/* In the middle of a round's writes: what has come since is cut, too. Who is still to be written to gets it with the rest, everybody else
 * in the next round, which this one is where only answers are left to be written. Returns what stream_round does. */
int64_t stream_round_on(stream *stream, int64_t now_ns);
/* The next client that has something to send, each once per round (once more, if it got an answer after that); STREAM_NO_CLIENT at the end. Who has an answer or a
 * report to get comes first, in the order of the answers, but no more than every second one is of these while others are left. One whose
 * write was partial is not given until stream_writable. */
uint32_t stream_next_ready(stream *stream);
bool stream_has_later(const stream *stream); /* somebody has something to send in the next round */

typedef struct stream_span {
    const uint8_t *bytes;
    size_t length;
} stream_span;
/* What to write next to the client, at most `most_bytes`, borrowed until stream_sent, which is the next call of any.
 * Returns the number of spans. */
uint32_t stream_gather(stream *stream, uint32_t client, stream_span spans[STREAM_MAX_SPANS], size_t most_bytes);
/* So many of the gathered bytes were written; a frame begun is always finished before anything else. */
void stream_sent(stream *stream, uint32_t client, size_t bytes, int64_t now_ns);
void stream_writable(stream *stream, uint32_t client); /* after a partial write */
bool stream_has_more(const stream *stream, uint32_t client);

/* ---- what it has come to ---- */

typedef struct stream_stats {
    uint32_t clients, groups, instruments, subscriptions;
    uint64_t updates_in;  /* messages taken from the bus */
    uint64_t frames;      /* cut, by all groups */
    uint64_t passed_on;   /* of them, those around the bus's own message */
    uint64_t updates_out; /* handed to clients: frames times readers */
    uint64_t bytes_out;
    uint64_t merged;    /* updates folded into a later one for a client that was behind */
    uint64_t snapshots; /* given to joiners and laggards */
    uint64_t resumed,
        resume_failed; /* subjects that went on and had all that was held; that had a snapshot instead */
    uint64_t prints_passed_over;
    uint64_t requests, requests_refused;
    uint64_t instruments_refused; /* messages of instruments beyond max_instruments */
    uint64_t members_refused;     /* subjects that a client was entitled to and that max_members had no room for */
    uint64_t heartbeats, closed_silent, closed_policy, closed_unauthorized;
    uint64_t deflated, deflated_from_bytes,
        deflated_to_bytes; /* what was made, once per group, not what was sent */
    uint64_t kept_bytes;   /* held by groups for resume and laggards */
} stream_stats;
/* Calls `used` for all that was handed out since the last report; who leaves is reported when it leaves. */
void stream_report_usage(stream *stream);
stream_stats stream_read_stats(const stream *stream);

#endif
