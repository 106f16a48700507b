/*
 * Private to proto/: writes protobuf fields straight into a buffer, for the messages that travel often.
 *
 * Every function appends one field at `at` and returns the new end. Called in the order of field numbers they give
 * byte for byte what protobuf-c packs: fields that hold their default are left out, arrays are packed. The caller has
 * made sure of the room; the WIRE_…_ROOM bounds below say how much each kind can need. Field numbers are compile-time
 * constants from 1 to 2047, so a tag is one or two bytes.
 */
#ifndef TICKWIRE_PROTO_WIRE_WRITER_H
#define TICKWIRE_PROTO_WIRE_WRITER_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/market.h"

#define WIRE_TAG_ROOM    2u
#define WIRE_VARINT_ROOM 10u

typedef enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 } wire_type;

static inline uint64_t wire_zigzag(int64_t value) {
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline uint8_t *wire_put_varint(uint8_t *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *wire_put_tag(uint8_t *at, uint32_t number, wire_type type) {
    uint32_t tag = number << 3 | (uint32_t)type;
    if (number < 16) {
        *at++ = (uint8_t)tag;
        return at;
    }
    *at++ = (uint8_t)(tag | 0x80);
    *at++ = (uint8_t)(tag >> 7);
    return at;
}

static inline uint8_t *wire_put_u64(uint8_t *at, uint32_t number, uint64_t value) {
    if (value == 0) return at;
    return wire_put_varint(wire_put_tag(at, number, WIRE_VARINT), value);
}

static inline uint8_t *wire_put_s32(uint8_t *at, uint32_t number, int32_t value) {
    return wire_put_u64(at, number, wire_zigzag(value));
}

static inline uint8_t *wire_put_s64(uint8_t *at, uint32_t number, int64_t value) {
    return wire_put_u64(at, number, wire_zigzag(value));
}

/* The member of a price's oneof: TW_PRICE_ABSENT is no field, every other price is one, 0 too. */
static inline uint8_t *wire_put_price_if_any(uint8_t *at, uint32_t number, int64_t price) {
    if (price == TW_PRICE_ABSENT) return at;
    return wire_put_varint(wire_put_tag(at, number, WIRE_VARINT), wire_zigzag(price));
}

/* A time as sfixed64; TW_TIME_ABSENT is 0 on the wire, which is left out. */
static inline uint8_t *wire_put_time(uint8_t *at, uint32_t number, int64_t time_ns) {
    if (time_ns == TW_TIME_ABSENT || time_ns == 0) return at;
    at = wire_put_tag(at, number, WIRE_FIXED64);
    uint64_t little = htole64((uint64_t)time_ns);
    memcpy(at, &little, sizeof little);
    return at + sizeof little;
}

static inline uint8_t *wire_put_fixed32(uint8_t *at, uint32_t number, uint32_t value) {
    if (value == 0) return at;
    at = wire_put_tag(at, number, WIRE_FIXED32);
    uint32_t little = htole32(value);
    memcpy(at, &little, sizeof little);
    return at + sizeof little;
}

/* Text of an array of `capacity` bytes, less than 129: its length is one byte. */
static inline uint8_t *wire_put_text(uint8_t *at, uint32_t number, const char *text, size_t capacity) {
    size_t length = strnlen(text, capacity - 1);
    if (length == 0) return at;
    at = wire_put_tag(at, number, WIRE_LENGTH);
    *at++ = (uint8_t)length;
    memcpy(at, text, length);
    return at + length;
}

/* A code of one character, 0 for none. */
static inline uint8_t *wire_put_char(uint8_t *at, uint32_t number, char code) {
    return wire_put_text(at, number, (const char[2]){code, '\0'}, 2);
}

/* A field whose length is known only after its content: begin reserves one byte for it, end writes the length and
 * moves the content up where it needs two. The content is below 16384 bytes. */
static inline uint8_t *wire_begin_length(uint8_t *at, uint32_t number) {
    return wire_put_tag(at, number, WIRE_LENGTH) + 1;
}

static inline uint8_t *wire_end_length(uint8_t *content, uint8_t *at) {
    size_t length = (size_t)(at - content);
    if (__builtin_expect(length < 0x80, 1)) {
        content[-1] = (uint8_t)length;
        return at;
    }
    memmove(content + 1, content, length);
    content[-1] = (uint8_t)(length | 0x80);
    content[0] = (uint8_t)(length >> 7);
    return at + 1;
}

/* What was written aside because `buffer` might be too small: copied, or 0 if it is. */
static inline size_t wire_copy_if_fits(uint8_t *buffer, size_t capacity, const uint8_t *aside, size_t length) {
    if (length > capacity) return 0;
    memcpy(buffer, aside, length);
    return length;
}

#endif
