/* Imbalance: what an auction lacks and where it would clear; always the whole state. */
#include "proto/arena.h"
#include "proto/header.h"
#include "proto/parts.h"

#define IMBALANCE_HEADER                                                                                           \
    (HEADER_IDENTITY | HEADER_SNAPSHOT | HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_EVENT_NS | HEADER_TIMES)

static size_t put_imbalance(const wire_imbalance *m, uint8_t *buffer) {
    const tw_imbalance *i = &m->imbalance;
    uint8_t *at = wire_put_header_start(buffer, &m->header, IMBALANCE_HEADER);
    at = wire_put_header_end(at, &m->header, IMBALANCE_HEADER);
    at = wire_put_u64(at, 20, (uint64_t)i->cross);
    at = wire_put_u64(at, 21, (uint64_t)i->direction);
    at = wire_put_u64(at, 22, i->paired_quantity);
    at = wire_put_u64(at, 23, i->imbalance_quantity);
    at = wire_put_price_if_any(at, 24, i->far_price);
    at = wire_put_price_if_any(at, 25, i->near_price);
    at = wire_put_price_if_any(at, 26, i->reference_price);
    at = wire_put_char(at, 27, i->variation);
    return (size_t)(at - buffer);
}

size_t wire_imbalance_encode(const wire_imbalance *m, uint8_t *buffer, size_t capacity) {
    if (capacity >= HEADER_ROOM) return put_imbalance(m, buffer);
    uint8_t scratch[HEADER_ROOM];
    size_t length = put_imbalance(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_own(wire_reader *reader, const wire_field *field, tw_imbalance *i) {
    switch (field->number) {
    case 20:
        i->cross = (tw_cross_kind)wire_take_enum(reader, field, TW_CROSS_EXTENDED);
        break;
    case 21:
        i->direction = (tw_imbalance_direction)wire_take_enum(reader, field, TW_IMBALANCE_PAUSED);
        break;
    case 22:
        i->paired_quantity = wire_take_u64(reader, field);
        break;
    case 23:
        i->imbalance_quantity = wire_take_u64(reader, field);
        break;
    case 24:
        i->far_price = wire_take_s64(reader, field);
        break;
    case 25:
        i->near_price = wire_take_s64(reader, field);
        break;
    case 26:
        i->reference_price = wire_take_s64(reader, field);
        break;
    case 27:
        i->variation = wire_take_char(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

wire_result wire_imbalance_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_imbalance *m) {
    (void)arena; /* nothing here is longer than the struct */
    *m = (wire_imbalance){.header = wire_header_empty(),
                          .imbalance = {.far_price = TW_PRICE_ABSENT,
                                        .near_price = TW_PRICE_ABSENT,
                                        .reference_price = TW_PRICE_ABSENT}};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, IMBALANCE_HEADER, &m->header))
            take_own(&reader, &field, &m->imbalance);
    return reader.result;
}

wire_result wire_imbalance_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_imbalance *m) {
    wire_arena_reset(arena);
    return wire_imbalance_read(arena, bytes, length, m);
}
