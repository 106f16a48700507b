/* StreamFrame: the envelope of a gateway's protobuf frames. The message inside is already encoded and is copied as it
 * is, so an envelope costs its subject and a few bytes. */
#include "base/assert.h"
#include "proto/codec.h"
#include "proto/wire_reader.h"
#include "proto/wire_writer.h"

/* Three tags of 2 bytes and their values (5 + 8 + a length of 5), the subject's length of 2, merged with its tag. */
#define ENVELOPE_ROOM 40u

static uint8_t *put_bytes(uint8_t *at, uint32_t number, const void *bytes, size_t length) {
    at = wire_put_varint(wire_put_tag(at, number, WIRE_LENGTH), length);
    if (length > 0) memcpy(at, bytes, length);
    return at + length;
}

size_t wire_stream_frame_encode(const wire_stream_frame *m, uint8_t *buffer, size_t capacity) {
    if (capacity < m->subject_length + m->length + ENVELOPE_ROOM) return 0;
    uint8_t *at = buffer;
    if (m->subject_length > 0) at = put_bytes(at, 1, m->subject, m->subject_length);
    at = wire_put_u64(at, 2, m->interval_ms);
    at = wire_put_time(at, 3, m->gateway_ns);
    if (m->payload != WIRE_STREAM_NOTHING) at = put_bytes(at, (uint32_t)m->payload, m->bytes, m->length);
    at = wire_put_u64(at, 30, m->merged);
    return (size_t)(at - buffer);
}

size_t wire_stream_merged_append(uint64_t merged, uint8_t *buffer, size_t capacity) {
    if (capacity < WIRE_TAG_ROOM + WIRE_VARINT_ROOM) return 0;
    return (size_t)(wire_put_u64(buffer, 30, merged) - buffer);
}

static void take_bytes(wire_reader *reader, const wire_field *field, const uint8_t **bytes, size_t *length) {
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    *bytes = field->bytes;
    *length = (size_t)field->value;
}

static void take_payload(wire_reader *reader, const wire_field *field, wire_stream_frame *m) {
    bool known = (field->number >= WIRE_STREAM_BOOK && field->number <= WIRE_STREAM_NBBO) ||
                 field->number == WIRE_STREAM_CONTROL;
    if (!known) return; /* a newer gateway's */
    m->payload = (wire_stream_payload)field->number;
    take_bytes(reader, field, &m->bytes, &m->length);
}

wire_result wire_stream_frame_decode(const uint8_t *bytes, size_t length, wire_stream_frame *m) {
    *m = (wire_stream_frame){.gateway_ns = TW_TIME_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    const uint8_t *subject = NULL;
    while (wire_next(&reader, &field))
        switch (field.number) {
        case 1:
            take_bytes(&reader, &field, &subject, &m->subject_length);
            break;
        case 2:
            m->interval_ms = wire_take_u32(&reader, &field);
            break;
        case 3:
            m->gateway_ns = wire_take_time(&reader, &field);
            break;
        case 30:
            m->merged = wire_take_u64(&reader, &field);
            break;
        default:
            take_payload(&reader, &field, m);
        }
    m->subject = (const char *)subject;
    return reader.result;
}
