/* Quote: best bid and offer, always the whole state. */
#include "proto/arena.h"
#include "proto/header.h"
#include "proto/parts.h"

static size_t put_quote(const wire_quote *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, HEADER_ALL);
    at = wire_put_header_end(at, &m->header, HEADER_ALL);
    at = wire_put_price_if_any(at, 20, m->bid.price);
    at = wire_put_u64(at, 21, m->bid.quantity);
    at = wire_put_u64(at, 22, m->bid.orders);
    at = wire_put_price_if_any(at, 23, m->ask.price);
    at = wire_put_u64(at, 24, m->ask.quantity);
    at = wire_put_u64(at, 25, m->ask.orders);
    return (size_t)(at - buffer);
}

size_t wire_quote_encode(const wire_quote *m, uint8_t *buffer, size_t capacity) {
    if (__builtin_expect(capacity >= HEADER_ROOM, 1)) return put_quote(m, buffer);
    uint8_t scratch[HEADER_ROOM];
    size_t length = put_quote(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_own(wire_reader *reader, const wire_field *field, wire_quote *m) {
    switch (field->number) {
    case 20:
        m->bid.price = wire_take_s64(reader, field);
        break;
    case 21:
        m->bid.quantity = wire_take_u64(reader, field);
        break;
    case 22:
        m->bid.orders = wire_take_u32(reader, field);
        break;
    case 23:
        m->ask.price = wire_take_s64(reader, field);
        break;
    case 24:
        m->ask.quantity = wire_take_u64(reader, field);
        break;
    case 25:
        m->ask.orders = wire_take_u32(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

wire_result wire_quote_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_quote *m) {
    (void)arena; /* nothing here is longer than the struct */
    *m = (wire_quote){.header = wire_header_empty(), .bid.price = TW_PRICE_ABSENT, .ask.price = TW_PRICE_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, HEADER_ALL, &m->header)) take_own(&reader, &field, m);
    return reader.result;
}

wire_result wire_quote_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_quote *m) {
    wire_arena_reset(arena);
    return wire_quote_read(arena, bytes, length, m);
}
