/*
 * The other end of a gateway's connection, for tests: takes bytes in any pieces, splits them into WebSocket frames or
 * server-sent events, and reads JSON and protobuf into one and the same struct. Independent of how the gateway writes.
 */
#ifndef TICKWIRE_TESTS_SUPPORT_STREAM_PEER_H
#define TICKWIRE_TESTS_SUPPORT_STREAM_PEER_H

#include "gateways/stream/stream.h"

typedef struct peer_message {
    char type[16]; /* "book", "quote", …, "ack", "error", … */
    char subject[SUBJECT_BYTES];
    wire_header header; /* epoch, term, seqs, snapshot, state, cause, exponents and times */
    uint32_t interval_ms, depth, checksum;
    uint64_t merged; /* or passed_over */
    int64_t gateway_ns;
    uint32_t counts[2];
    tw_level sides[2][2 * TW_MAX_DEPTH]; /* quote: the first of each */
    uint32_t print_count;
    tw_print prints[WIRE_MAX_PRINTS];
    uint64_t volume, prints_total;
    wire_status status;
    tw_imbalance imbalance;
    wire_feed_status feed;
    wire_candle candle;                        /* without its header; turnover: only in protobuf */
    wire_nbbo nbbo;                            /* likewise, and without refresh_ms */
    char id[64], code[32], op[16], text[1024]; /* of a control message */
    char event_id[256];
    uint32_t ack_depth, ack_interval_ms; /* of the first subject */
} peer_message;

typedef struct stream_peer {
    stream_framing framing;
    uint8_t *bytes;
    size_t length, capacity;
    uint64_t messages, comments, inflated;
    wire_arena arena;
} stream_peer;

void stream_peer_init(stream_peer *peer, stream_framing framing);
void stream_peer_fini(stream_peer *peer);
void stream_peer_feed(stream_peer *peer, const uint8_t *bytes, size_t length);
/* The next whole message; false if there is none yet. Aborts, saying why, on bytes that no gateway may send. */
bool stream_peer_next(stream_peer *peer, peer_message *message);

#endif
