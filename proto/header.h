/*
 * Private to proto/: the fields 1 to 16 that every message about an instrument shares, with the same numbers and
 * types in each. A message that lacks some of them says which it has with a set.
 */
#ifndef TICKWIRE_PROTO_HEADER_H
#define TICKWIRE_PROTO_HEADER_H

#include "proto/codec.h"
#include "proto/wire_reader.h"
#include "proto/wire_writer.h"

/* The wire's own causes; those above are a receiver's and never travel. */
#define WIRE_LAST_CAUSE TW_CAUSE_END_OF_SESSION

/* A set of field numbers. Fields 11 (depth) and 17 and above are the messages' own. */
#define HEADER_FIELD(number) (1u << (number))
#define HEADER_IDENTITY      0x00feu /* 1 to 7: exchange to seq */
#define HEADER_SNAPSHOT      HEADER_FIELD(8)
#define HEADER_STATE         (HEADER_FIELD(9) | HEADER_FIELD(10))
#define HEADER_PRICE_EXP     HEADER_FIELD(12)
#define HEADER_QUANTITY_EXP  HEADER_FIELD(13)
#define HEADER_EVENT_NS      HEADER_FIELD(14)
#define HEADER_TIMES         (HEADER_FIELD(15) | HEADER_FIELD(16))
#define HEADER_ALL                                                                                                 \
    (HEADER_IDENTITY | HEADER_SNAPSHOT | HEADER_STATE | HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_EVENT_NS | \
     HEADER_TIMES)

/* The most bytes that a header and a handful of scalars of the message's own can need:
 * texts 4 + 32 + 39 with 2 each = 81, eight varints of at most 11 = 88, three flags and codes of at most 12 = 36,
 * three times of at most 10 = 30; the rest, 277, is for the message's own fields. */
#define HEADER_ROOM 512u

/* Texts with 2 each, a varint of 6 and one of 11: 98. */
_Static_assert(TW_MIC_BYTES + TW_SYMBOL_BYTES + TW_EPOCH_BYTES + 3 + 6 + 11 <= WIRE_IDENTITY_BYTES,
               "an identity holds its fields");

/* Fields 1 to 5. */
static inline uint8_t *wire_put_identity(uint8_t *at, const wire_header *h) {
    at = wire_put_text(at, 1, h->exchange, sizeof h->exchange);
    at = wire_put_text(at, 2, h->symbol, sizeof h->symbol);
    at = wire_put_u64(at, 3, h->partition);
    at = wire_put_text(at, 4, h->epoch, sizeof h->epoch);
    return wire_put_u64(at, 5, h->term);
}

/* Likewise, made before. A copy of constant length is a few instructions; what is too much is written over. */
static inline uint8_t *wire_copy_identity(uint8_t *at, const wire_identity *identity) {
    memcpy(at, identity->bytes, sizeof identity->bytes);
    return at + identity->length;
}

/* Fields 1 to 10, those of `set`. */
static inline uint8_t *wire_put_header_start(uint8_t *at, const wire_header *h, uint32_t set) {
    at = h->identity != NULL ? wire_copy_identity(at, h->identity) : wire_put_identity(at, h);
    at = wire_put_u64(at, 6, h->prev_seq);
    at = wire_put_u64(at, 7, h->seq);
    if (set & HEADER_SNAPSHOT) at = wire_put_u64(at, 8, h->snapshot);
    if (set & HEADER_STATE) {
        at = wire_put_u64(at, 9, (uint64_t)h->state);
        at = wire_put_u64(at, 10, (uint64_t)h->cause);
    }
    return at;
}

/* Fields 12 to 16, those of `set`. */
static inline uint8_t *wire_put_header_end(uint8_t *at, const wire_header *h, uint32_t set) {
    if (set & HEADER_PRICE_EXP) at = wire_put_s32(at, 12, h->price_exponent);
    if (set & HEADER_QUANTITY_EXP) at = wire_put_s32(at, 13, h->quantity_exponent);
    if (set & HEADER_EVENT_NS) at = wire_put_time(at, 14, h->event_ns);
    at = wire_put_time(at, 15, h->receive_ns);
    return wire_put_time(at, 16, h->publish_ns);
}

/* What a header is before any field has come. */
static inline wire_header wire_header_empty(void) {
    return (wire_header){.event_ns = TW_TIME_ABSENT, .receive_ns = TW_TIME_ABSENT, .publish_ns = TW_TIME_ABSENT};
}

/* True if the field is one of the header's that are in `set`; then it has been taken. Inline for who knows the number. */
static inline __attribute__((always_inline)) bool
wire_take_header_inline(wire_reader *reader, const wire_field *field, uint32_t set, wire_header *h) {
    if (field->number > 16 || (set & HEADER_FIELD(field->number)) == 0) return false;
    switch (field->number) {
    case 1:
        wire_take_text(reader, field, h->exchange, sizeof h->exchange);
        break;
    case 2:
        wire_take_text(reader, field, h->symbol, sizeof h->symbol);
        break;
    case 3:
        h->partition = wire_take_u32(reader, field);
        break;
    case 4:
        wire_take_text(reader, field, h->epoch, sizeof h->epoch);
        break;
    case 5:
        h->term = wire_take_u64(reader, field);
        break;
    case 6:
        h->prev_seq = wire_take_u64(reader, field);
        break;
    case 7:
        h->seq = wire_take_u64(reader, field);
        break;
    case 8:
        h->snapshot = wire_take_bool(reader, field);
        break;
    case 9:
        h->state = (tw_book_state)wire_take_enum(reader, field, TW_BOOK_STALE);
        break;
    case 10:
        h->cause = (tw_state_cause)wire_take_enum_or_0(reader, field, WIRE_LAST_CAUSE);
        break;
    case 12:
        h->price_exponent = wire_take_s32(reader, field);
        break;
    case 13:
        h->quantity_exponent = wire_take_s32(reader, field);
        break;
    case 14:
        h->event_ns = wire_take_time(reader, field);
        break;
    case 15:
        h->receive_ns = wire_take_time(reader, field);
        break;
    case 16:
        h->publish_ns = wire_take_time(reader, field);
        break;
    default:
        return false;
    }
    return true;
}

bool wire_take_header(wire_reader *reader, const wire_field *field, uint32_t set, wire_header *h);

#endif
