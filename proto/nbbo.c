/* Nbbo: best bid and offer over all exchanges, always the whole state. */
#include "base/assert.h"
#include "proto/arena.h"
#include "proto/header.h"

#define NBBO_HEADER                                                                                                \
    (HEADER_FIELD(2) | HEADER_FIELD(4) | HEADER_FIELD(6) | HEADER_FIELD(7) | HEADER_SNAPSHOT | HEADER_STATE |      \
     HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_EVENT_NS | HEADER_TIMES)

/* Three lists of exchanges, each of them with a tag of 2 and a length of 1. */
#define NBBO_ROOM (HEADER_ROOM + 3 * WIRE_MAX_VENUES * (TW_MIC_BYTES + 3))

static uint8_t *put_venues(uint8_t *at, uint32_t number, const wire_venues *venues) {
    TW_ASSERT(venues->count <= WIRE_MAX_VENUES);
    for (uint32_t i = 0; i < venues->count; i++) { /* an element is one, even if it were empty */
        size_t length = strnlen(venues->mics[i], TW_MIC_BYTES - 1);
        at = wire_put_varint(wire_put_tag(at, number, WIRE_LENGTH), length);
        memcpy(at, venues->mics[i], length);
        at += length;
    }
    return at;
}

static uint8_t *put_header(uint8_t *at, const wire_header *h) {
    at = wire_put_text(at, 2, h->symbol, sizeof h->symbol);
    at = wire_put_text(at, 4, h->epoch, sizeof h->epoch);
    at = wire_put_u64(at, 6, h->prev_seq);
    at = wire_put_u64(at, 7, h->seq);
    at = wire_put_u64(at, 8, h->snapshot);
    at = wire_put_u64(at, 9, (uint64_t)h->state);
    at = wire_put_u64(at, 10, (uint64_t)h->cause);
    return wire_put_header_end(at, h, NBBO_HEADER);
}

static size_t put_nbbo(const wire_nbbo *m, uint8_t *buffer) {
    uint8_t *at = put_header(buffer, &m->header);
    at = wire_put_price_if_any(at, 20, m->bid.price);
    at = wire_put_u64(at, 21, m->bid.quantity);
    at = put_venues(at, 22, &m->bid_venues);
    at = wire_put_price_if_any(at, 23, m->ask.price);
    at = wire_put_u64(at, 24, m->ask.quantity);
    at = put_venues(at, 25, &m->ask_venues);
    at = wire_put_u64(at, 26, m->locked);
    at = wire_put_u64(at, 27, m->crossed);
    at = wire_put_u64(at, 28, m->venue_count);
    at = put_venues(at, 29, &m->stale_venues);
    at = wire_put_u64(at, 30, m->refresh_ms);
    return (size_t)(at - buffer);
}

size_t wire_nbbo_encode(const wire_nbbo *m, uint8_t *buffer, size_t capacity) {
    if (__builtin_expect(capacity >= NBBO_ROOM, 1)) return put_nbbo(m, buffer);
    uint8_t scratch[NBBO_ROOM];
    size_t length = put_nbbo(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_venue(wire_reader *reader, const wire_field *field, wire_venues *venues) {
    if (venues->count == WIRE_MAX_VENUES)
        wire_fault(reader, WIRE_OUT_OF_RANGE);
    else
        wire_take_text(reader, field, venues->mics[venues->count++], TW_MIC_BYTES);
}

static void take_rest(wire_reader *reader, const wire_field *field, wire_nbbo *m) {
    switch (field->number) {
    case 26:
        m->locked = wire_take_bool(reader, field);
        break;
    case 27:
        m->crossed = wire_take_bool(reader, field);
        break;
    case 28:
        m->venue_count = wire_take_u32(reader, field);
        break;
    case 29:
        take_venue(reader, field, &m->stale_venues);
        break;
    case 30:
        m->refresh_ms = wire_take_u32(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

static void take_own(wire_reader *reader, const wire_field *field, wire_nbbo *m) {
    switch (field->number) {
    case 20:
        m->bid.price = wire_take_s64(reader, field);
        break;
    case 21:
        m->bid.quantity = wire_take_u64(reader, field);
        break;
    case 22:
        take_venue(reader, field, &m->bid_venues);
        break;
    case 23:
        m->ask.price = wire_take_s64(reader, field);
        break;
    case 24:
        m->ask.quantity = wire_take_u64(reader, field);
        break;
    case 25:
        take_venue(reader, field, &m->ask_venues);
        break;
    default:
        take_rest(reader, field, m);
    }
}

wire_result wire_nbbo_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_nbbo *m) {
    wire_arena_reset(arena);
    *m = (wire_nbbo){.header = wire_header_empty(), .bid.price = TW_PRICE_ABSENT, .ask.price = TW_PRICE_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, NBBO_HEADER, &m->header)) take_own(&reader, &field, m);
    return reader.result;
}
