/* Fills: executions as everybody may see them. */
#include "base/assert.h"
#include "proto/arena.h"
#include "proto/header.h"
#include "proto/venue.h"

#define FILLS_HEADER (HEADER_IDENTITY | HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_TIMES)

/* Four varints of 11, a code of 11, a time of 9: 64; with the field's tag and length: 67. */
#define FILL_ROOM   67u
#define ROOM(fills) (HEADER_ROOM + (fills)*FILL_ROOM)

static uint8_t *put_fill(uint8_t *at, const wire_fill *fill) {
    uint8_t *content = at = wire_begin_length(at, 20);
    at = wire_put_u64(at, 1, fill->seq);
    at = wire_put_u64(at, 2, fill->n);
    at = wire_put_s64(at, 3, fill->price);
    at = wire_put_u64(at, 4, fill->quantity);
    at = wire_put_u64(at, 5, (uint64_t)fill->aggressor);
    at = wire_put_time(at, 6, fill->event_ns);
    return wire_end_length(content, at);
}

static size_t put_fills(const wire_fills *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, FILLS_HEADER);
    at = wire_put_header_end(at, &m->header, FILLS_HEADER);
    for (uint32_t i = 0; i < m->fill_count; i++)
        at = put_fill(at, &m->fills[i]);
    return (size_t)(at - buffer);
}

size_t wire_fills_encode(const wire_fills *m, uint8_t *buffer, size_t capacity) {
    TW_ASSERT(m->fill_count <= WIRE_MAX_FILLS);
    if (capacity >= ROOM(m->fill_count)) return put_fills(m, buffer);
    uint8_t scratch[ROOM(WIRE_MAX_FILLS)];
    size_t length = put_fills(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_fill_field(wire_reader *reader, const wire_field *field, wire_fill *fill) {
    switch (field->number) {
    case 1:
        fill->seq = wire_take_u64(reader, field);
        break;
    case 2:
        fill->n = wire_take_u32(reader, field);
        break;
    case 3:
        fill->price = wire_take_s64(reader, field);
        break;
    case 4:
        fill->quantity = wire_take_u64(reader, field);
        break;
    case 5:
        fill->aggressor = (tw_aggressor)wire_take_enum_or_0(reader, field, TW_AGGRESSOR_SELL);
        break;
    case 6:
        fill->event_ns = wire_take_time(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

static wire_result read_fill(const uint8_t *bytes, size_t length, wire_fill *fill) {
    *fill = (wire_fill){.event_ns = TW_TIME_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        take_fill_field(&reader, &field, fill);
    return reader.result;
}

typedef struct fills_filler {
    wire_fill *fills;
    uint32_t capacity;
    uint32_t count;
} fills_filler;

static void take_fill(wire_arena *arena, wire_reader *reader, const wire_field *field, fills_filler *filler) {
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    wire_fill *fills =
        wire_arena_grow(arena, filler->fills, sizeof *fills, &filler->capacity, filler->count + 1, WIRE_MAX_FILLS);
    if (fills == NULL) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return;
    }
    filler->fills = fills;
    wire_fault(reader, read_fill(field->bytes, (size_t)field->value, &fills[filler->count++]));
}

wire_result wire_fills_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_fills *m) {
    wire_arena_reset(arena);
    *m = (wire_fills){.header = wire_header_empty()};
    fills_filler filler = {0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, FILLS_HEADER, &m->header) && field.number == 20)
            take_fill(arena, &reader, &field, &filler);
    if (reader.result != WIRE_OK) return reader.result;
    m->fills = filler.fills;
    m->fill_count = filler.count;
    if (filler.count > 0) m->header.event_ns = filler.fills[filler.count - 1].event_ns;
    return WIRE_OK;
}
