/*
 * Book updates in what one connection brings, in the three languages a load client speaks. As little is read as counting needs:
 * an update is seen by how its frame starts, `merged` by how it ends, and only one in 61 is opened for its
 * time. Pure.
 *
 *   gateway, protobuf or JSON   one update a WebSocket frame
 *   nats                        the client protocol of NATS in frames: a frame holds many messages, whole or not
 */
#ifndef TICKWIRE_BENCHMARKS_GATEWAY_COUNTING_H
#define TICKWIRE_BENCHMARKS_GATEWAY_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "benchmarks/gateway/board.h"
#include "proto/codec.h"

typedef enum load_language { LOAD_PROTOBUF, LOAD_JSON, LOAD_NATS } load_language;

/* What counting needs and what else comes; called while bytes are taken. */
typedef struct counting_events {
    wire_arena *arena; /* to open updates in */
    void *context;
    void (*on_update)(void *context, const uint8_t *frame, size_t length); /* gateway; may be NULL */
    void (*on_confirmed)(void *context);                                   /* an ack or a pong; PONG */
    void (*on_ping)(void *context, const uint8_t *payload, size_t length); /* of WebSocket */
    void (*on_nats_ping)(void *context);
} counting_events;

/* Of one connection. {0} at its beginning. */
typedef struct counting {
    uint64_t frame_left; /* nats: bytes of the frame under way */
} counting;

/* Takes what it can of `bytes`, returns how much: the rest comes again, with more behind it. */
size_t counting_take(counting *self, load_language language, const uint8_t *bytes, size_t length, int64_t now_ns,
                     const counting_events *events, load_board *board);

#endif
