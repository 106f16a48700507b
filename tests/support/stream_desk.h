/* A stream with a small bus in front of it and readers behind it, for tests that look at one behaviour at a time. */
#ifndef TICKWIRE_TESTS_SUPPORT_STREAM_DESK_H
#define TICKWIRE_TESTS_SUPPORT_STREAM_DESK_H

#include "tests/support/stream_peer.h"

#define DESK_CLIENTS 64
#define DESK_MS      INT64_C(1000000)

typedef struct stream_desk {
    stream *stream;
    int64_t now_ns;
    stream_peer peers[DESK_CLIENTS]; /* by client */
    char wants[1024];                /* "+XNAS.orderbook -XNAS.orderbook " … */
    char closed[256];                /* "CODE reason" of the last one */
    uint32_t closed_client;
    char entitlement[SUBJECT_BYTES]; /* what everybody may read, ">" at first */
    uint64_t used_updates, used_bytes;
    int64_t used_first_ns, used_last_ns;
    char used_subject[SUBJECT_BYTES];
    uint64_t seq, prev_seq; /* of the books given */
    const char *epoch;
    uint64_t term;
    tw_book_state state;
    tw_state_cause cause;
} stream_desk;

stream_options desk_options(void);
void desk_open(stream_desk *desk, const stream_options *options); /* aborts where there is no stream */
void desk_close(stream_desk *desk);

uint32_t desk_connect(stream_desk *desk, stream_format format, stream_framing framing);
void desk_ask(stream_desk *desk, uint32_t client, const char *json);
/* A round and everything written to this client; what comes is then read with desk_next. */
void desk_write(stream_desk *desk, uint32_t client);
bool desk_next(stream_desk *desk, uint32_t client, peer_message *message);
/* As desk_write, then passes over messages to the next of this type; false if there is none. */
bool desk_await(stream_desk *desk, uint32_t client, const char *type, peer_message *message);
/* Everything that comes now, as words: "book:AAA:S:10 trades:AAA:11" (S for snapshots, then seq). */
const char *desk_all(stream_desk *desk, uint32_t client);

void desk_header(const stream_desk *desk, const char *symbol, wire_header *header);
/* A book of `depth` levels a side with this quantity at the best bid; the next sequence number. */
void desk_book(stream_desk *desk, const char *symbol, uint64_t quantity);
void desk_book_again(stream_desk *desk, const char *symbol, uint64_t quantity); /* the same sequence number */
void desk_quote(stream_desk *desk, const char *symbol, int64_t bid);
void desk_prints(stream_desk *desk, const char *symbol, uint64_t prev_seq, uint64_t first, uint32_t count,
                 uint64_t total);

#endif
