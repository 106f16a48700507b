/*
 * Private to proto/: walks the fields of a protobuf message in place.
 *
 *     wire_reader reader = wire_reader_of(bytes, length);
 *     wire_field field;
 *     while (wire_next(&reader, &field)) switch (field.number) { case 5: m->term = wire_take_u64(&reader, &field); … }
 *     return reader.result;
 *
 * The first fault is kept in `result` and ends the walk; until then every take_ function returns a value of its type.
 * A known field of the wrong wire type is WIRE_MALFORMED: these bytes are another message. A value that its field
 * can't hold is WIRE_OUT_OF_RANGE, never cut. Groups do not exist in these schemas and are malformed too.
 */
#ifndef TICKWIRE_PROTO_WIRE_READER_H
#define TICKWIRE_PROTO_WIRE_READER_H

#include <string.h>

#include "base/bytes.h"
#include "proto/codec.h"
#include "proto/wire_writer.h"

typedef struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    wire_result result;
} wire_reader;

typedef struct wire_field {
    uint32_t number;
    uint32_t type;        /* a wire_type */
    uint64_t value;       /* varint and fixed types: the bits; length-delimited: the length */
    const uint8_t *bytes; /* length-delimited only */
} wire_field;

static inline wire_reader wire_reader_of(const uint8_t *bytes, size_t length) {
    return (wire_reader){.at = bytes, .end = length > 0 ? bytes + length : bytes, .result = WIRE_OK};
}

/* Keeps the first fault. Returns 0, so that a take_ function can return it as its value. */
static inline uint64_t wire_fault(wire_reader *reader, wire_result result) {
    if (reader->result == WIRE_OK) reader->result = result;
    return 0;
}

/* At most ten bytes; bits beyond 64 are dropped, as every protobuf reader does. Returns where the varint ends, or NULL. It is given
 * no reader: one whose address is not passed on stays in registers. */
static inline const uint8_t *wire_read_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
    size_t left = (size_t)(end - at), most = left < 10 ? left : 10;
    uint64_t sum = 0;
#pragma GCC unroll 10
    for (unsigned i = 0; i < 10; i++) {
        if (i == most) return NULL;
        sum |= (uint64_t)(at[i] & 0x7f) << 7 * i;
        if (at[i] < 0x80) {
            *value = sum;
            return at + i + 1;
        }
    }
    return NULL;
}

/* False if the varint does not end within the bytes or within ten of them. Most are one byte: tags, flags, counts. */
static inline bool wire_read_varint(wire_reader *reader, uint64_t *value) {
    if (reader->at != reader->end && *reader->at < 0x80) {
        *value = *reader->at++;
        return true;
    }
    const uint8_t *end = wire_read_long_varint(reader->at, reader->end, value);
    if (end != NULL) reader->at = end;
    return end != NULL;
}

static inline bool wire_read_content(wire_reader *reader, wire_field *field) {
    size_t left = (size_t)(reader->end - reader->at);
    switch (field->type) {
    case WIRE_VARINT:
        return true;
    case WIRE_LENGTH:
        if (field->value > left) return false;
        field->bytes = reader->at;
        reader->at += field->value;
        return true;
    case WIRE_FIXED64:
        if (left < 8) return false;
        field->value = tw_load_le64(reader->at);
        reader->at += 8;
        return true;
    case WIRE_FIXED32:
        if (left < 4) return false;
        field->value = tw_load_le32(reader->at);
        reader->at += 4;
        return true;
    default:
        return false;
    }
}

/* False at the end, and after a fault. */
static inline bool wire_next(wire_reader *reader, wire_field *field) {
    if (reader->at == reader->end || reader->result != WIRE_OK) return false;
    uint64_t tag = 0;
    bool good = wire_read_varint(reader, &tag) && tag <= UINT32_MAX && tag >= 8;
    if (good) {
        *field = (wire_field){.number = (uint32_t)(tag >> 3), .type = (uint32_t)(tag & 7)};
        if (field->type == WIRE_VARINT || field->type == WIRE_LENGTH)
            good = wire_read_varint(reader, &field->value);
        good = good && wire_read_content(reader, field);
    }
    if (!good) wire_fault(reader, WIRE_MALFORMED);
    return good;
}

static inline uint64_t wire_take_u64(wire_reader *reader, const wire_field *field) {
    return field->type == WIRE_VARINT ? field->value : wire_fault(reader, WIRE_MALFORMED);
}

static inline uint32_t wire_take_u32(wire_reader *reader, const wire_field *field) {
    uint64_t value = wire_take_u64(reader, field);
    return (uint32_t)(value <= UINT32_MAX ? value : wire_fault(reader, WIRE_OUT_OF_RANGE));
}

static inline bool wire_take_bool(wire_reader *reader, const wire_field *field) {
    return wire_take_u64(reader, field) != 0;
}

static inline int64_t wire_unzigzag(uint64_t value) {
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static inline int32_t wire_take_s32(wire_reader *reader, const wire_field *field) {
    return (int32_t)wire_unzigzag(wire_take_u32(reader, field));
}

static inline int64_t wire_take_s64(wire_reader *reader, const wire_field *field) {
    return wire_unzigzag(wire_take_u64(reader, field));
}

static inline int64_t wire_take_time(wire_reader *reader, const wire_field *field) {
    if (field->type != WIRE_FIXED64) return (int64_t)wire_fault(reader, WIRE_MALFORMED);
    return field->value == 0 ? TW_TIME_ABSENT : (int64_t)field->value;
}

static inline uint32_t wire_take_fixed32(wire_reader *reader, const wire_field *field) {
    return (uint32_t)(field->type == WIRE_FIXED32 ? field->value : wire_fault(reader, WIRE_MALFORMED));
}

/* An enumeration of 0 to `last` whose unknown values must not be guessed: they are WIRE_OUT_OF_RANGE. */
static inline uint32_t wire_take_enum(wire_reader *reader, const wire_field *field, uint32_t last) {
    uint64_t value = wire_take_u64(reader, field);
    return (uint32_t)(value <= last ? value : wire_fault(reader, WIRE_OUT_OF_RANGE));
}

/* An enumeration whose 0 says "unknown" or "none": a newer publisher's value reads as 0. */
static inline uint32_t wire_take_enum_or_0(wire_reader *reader, const wire_field *field, uint32_t last) {
    uint64_t value = wire_take_u64(reader, field);
    return value <= last ? (uint32_t)value : 0;
}

/* Text into an array of `capacity` bytes. Too long, or with a NUL inside: out of range. */
static inline void wire_take_text(wire_reader *reader, const wire_field *field, char *text, size_t capacity) {
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    size_t length = (size_t)field->value;
    if (length >= capacity || memchr(field->bytes, '\0', length) != NULL) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return;
    }
    memcpy(text, field->bytes, length);
    text[length] = '\0';
}

static inline char wire_take_char(wire_reader *reader, const wire_field *field) {
    char text[2] = "";
    wire_take_text(reader, field, text, sizeof text);
    return text[0];
}

#endif
