/* InstrumentStatus: trading state, short-sale restriction, auction collar; always the whole state. */
#include "proto/arena.h"
#include "proto/header.h"
#include "proto/parts.h"

#define STATUS_HEADER                                                                                              \
    (HEADER_IDENTITY | HEADER_SNAPSHOT | HEADER_STATE | HEADER_PRICE_EXP | HEADER_EVENT_NS | HEADER_TIMES)

static size_t put_status(const wire_status *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, STATUS_HEADER);
    at = wire_put_header_end(at, &m->header, STATUS_HEADER);
    at = wire_put_u64(at, 20, (uint64_t)m->trading);
    at = wire_put_text(at, 21, m->reason, sizeof m->reason);
    at = wire_put_u64(at, 22, (uint64_t)m->short_sale);
    at = wire_put_price_if_any(at, 23, m->collar_upper);
    at = wire_put_price_if_any(at, 24, m->collar_lower);
    at = wire_put_price_if_any(at, 25, m->collar_reference);
    return (size_t)(at - buffer);
}

size_t wire_status_encode(const wire_status *m, uint8_t *buffer, size_t capacity) {
    if (capacity >= HEADER_ROOM) return put_status(m, buffer);
    uint8_t scratch[HEADER_ROOM];
    size_t length = put_status(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_own(wire_reader *reader, const wire_field *field, wire_status *m) {
    switch (field->number) {
    case 20:
        m->trading = (tw_trading_state)wire_take_enum_or_0(reader, field, TW_TRADING_CLOSED);
        break;
    case 21:
        wire_take_text(reader, field, m->reason, sizeof m->reason);
        break;
    case 22:
        m->short_sale = (tw_short_sale)wire_take_enum_or_0(reader, field, TW_SHORT_SALE_CARRIED);
        break;
    case 23:
        m->collar_upper = wire_take_s64(reader, field);
        break;
    case 24:
        m->collar_lower = wire_take_s64(reader, field);
        break;
    case 25:
        m->collar_reference = wire_take_s64(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

wire_result wire_status_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_status *m) {
    (void)arena; /* nothing here is longer than the struct */
    *m = (wire_status){.header = wire_header_empty(),
                       .collar_upper = TW_PRICE_ABSENT,
                       .collar_lower = TW_PRICE_ABSENT,
                       .collar_reference = TW_PRICE_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, STATUS_HEADER, &m->header)) take_own(&reader, &field, m);
    return reader.result;
}

wire_result wire_status_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_status *m) {
    wire_arena_reset(arena);
    return wire_status_read(arena, bytes, length, m);
}
