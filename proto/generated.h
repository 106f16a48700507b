/*
 * Private to proto/: the door to protobuf-c for the messages that travel at a person's pace (feed and line status,
 * the directory, snapshot envelopes). The messages about instruments, which travel by the million, are written and
 * read directly (wire_writer.h, wire_reader.h) with the same bytes as a result.
 */
#ifndef TICKWIRE_PROTO_GENERATED_H
#define TICKWIRE_PROTO_GENERATED_H

#include "proto/codec.h"
#include "tickwire/v1/feed.pb-c.h"

/* Packs into `buffer`; 0 if `capacity` is too small. */
size_t wire_pb_pack(const ProtobufCMessage *message, uint8_t *buffer, size_t capacity);

/* Unpacks with all memory from the arena, which is not reset. NULL: `*result` says why. */
ProtobufCMessage *wire_pb_unpack(wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                 const uint8_t *bytes, size_t length, wire_result *result);

/* Copies text that protobuf-c made; false if it does not fit. protobuf-c does not tell of a NUL inside: the text ends
 * there. */
bool wire_pb_text(char *text, size_t capacity, const char *source);

static inline int64_t wire_pb_time(int64_t time_ns) {
    return time_ns == 0 ? TW_TIME_ABSENT : time_ns;
}

static inline int64_t wire_time_to_pb(int64_t time_ns) {
    return time_ns == TW_TIME_ABSENT ? 0 : time_ns;
}

/* A state that this version does not know is never shown as OK: false, out of range. */
static inline bool wire_pb_state(tw_book_state *state, int value) {
    *state = (tw_book_state)value;
    return value >= TW_BOOK_OK && value <= TW_BOOK_STALE;
}

/* A cause that this version does not know is no cause; the state still says how bad it is. */
static inline tw_state_cause wire_pb_cause(int value) {
    return value >= 0 && value <= TW_CAUSE_END_OF_SESSION ? (tw_state_cause)value : TW_CAUSE_NONE;
}

#endif
