/* Trades: the prints of one or more whole source messages. */
#include "base/assert.h"
#include "proto/arena.h"
#include "proto/header.h"
#include "proto/parts.h"

#define TRADES_HEADER (HEADER_IDENTITY | HEADER_SNAPSHOT | HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_TIMES)

/* Five varints of 11, index 6, three codes of 11, a time of 9: 103; with the field's tag and its one byte of length. */
#define PRINT_ROOM   106u
#define ROOM(prints) (HEADER_ROOM + (prints)*PRINT_ROOM)

static uint8_t *put_print(uint8_t *at, const tw_print *print) {
    uint8_t *content = at = wire_begin_length(at, 20);
    at = wire_put_u64(at, 1, print->seq);
    at = wire_put_u64(at, 2, print->index);
    at = wire_put_u64(at, 3, (uint64_t)print->kind);
    at = wire_put_u64(at, 4, (uint64_t)print->cross);
    at = wire_put_u64(at, 5, (uint64_t)print->aggressor);
    at = wire_put_price_if_any(at, 6, print->price);
    at = wire_put_u64(at, 7, print->quantity);
    at = wire_put_u64(at, 8, print->match_id);
    at = wire_put_u64(at, 9, print->order_id);
    at = wire_put_time(at, 10, print->event_ns);
    return wire_end_length(content, at);
}

static size_t put_trades(const wire_trades *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, TRADES_HEADER);
    at = wire_put_header_end(at, &m->header, TRADES_HEADER);
    for (uint32_t i = 0; i < m->print_count; i++)
        at = put_print(at, &m->prints[i]);
    at = wire_put_u64(at, 21, m->volume);
    at = wire_put_u64(at, 22, m->prints_total);
    at = wire_put_u64(at, 23, m->counted_from_seq);
    return (size_t)(at - buffer);
}

size_t wire_trades_encode(const wire_trades *m, uint8_t *buffer, size_t capacity) {
    TW_ASSERT(m->print_count <= WIRE_MAX_PRINTS);
    if (__builtin_expect(capacity >= ROOM(m->print_count), 1)) return put_trades(m, buffer);
    uint8_t scratch[ROOM(WIRE_MAX_PRINTS)];
    size_t length = put_trades(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_print_field(wire_reader *reader, const wire_field *field, tw_print *print) {
    switch (field->number) {
    case 1:
        print->seq = wire_take_u64(reader, field);
        break;
    case 2:
        print->index = wire_take_u32(reader, field);
        break;
    case 3:
        print->kind = (tw_print_kind)wire_take_enum(reader, field, TW_PRINT_BREAK);
        break;
    case 4:
        print->cross = (tw_cross_kind)wire_take_enum(reader, field, TW_CROSS_EXTENDED);
        break;
    case 5:
        print->aggressor = (tw_aggressor)wire_take_enum_or_0(reader, field, TW_AGGRESSOR_SELL);
        break;
    case 6:
        print->price = wire_take_s64(reader, field);
        break;
    case 7:
        print->quantity = wire_take_u64(reader, field);
        break;
    case 8:
        print->match_id = wire_take_u64(reader, field);
        break;
    case 9:
        print->order_id = wire_take_u64(reader, field);
        break;
    case 10:
        print->event_ns = wire_take_time(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

static wire_result read_print(const uint8_t *bytes, size_t length, tw_print *print) {
    *print = (tw_print){.price = TW_PRICE_ABSENT, .event_ns = TW_TIME_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        take_print_field(&reader, &field, print);
    return reader.result;
}

typedef struct prints_filler {
    tw_print *prints;
    uint32_t capacity;
    uint32_t count;
} prints_filler;

static void take_print(wire_arena *arena, wire_reader *reader, const wire_field *field, prints_filler *filler) {
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    tw_print *prints = wire_arena_grow(arena, filler->prints, sizeof *prints, &filler->capacity, filler->count + 1,
                                       WIRE_MAX_PRINTS);
    if (prints == NULL) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return;
    }
    filler->prints = prints;
    wire_fault(reader, read_print(field->bytes, (size_t)field->value, &prints[filler->count++]));
}

static void take_own(wire_arena *arena, wire_reader *reader, const wire_field *field, wire_trades *m,
                     prints_filler *filler) {
    switch (field->number) {
    case 20:
        take_print(arena, reader, field, filler);
        break;
    case 21:
        m->volume = wire_take_u64(reader, field);
        break;
    case 22:
        m->prints_total = wire_take_u64(reader, field);
        break;
    case 23:
        m->counted_from_seq = wire_take_u64(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

wire_result wire_trades_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_trades *m) {
    *m = (wire_trades){.header = wire_header_empty()};
    prints_filler filler = {0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, TRADES_HEADER, &m->header))
            take_own(arena, &reader, &field, m, &filler);
    if (reader.result != WIRE_OK) return reader.result;
    m->prints = filler.prints;
    m->print_count = filler.count;
    if (filler.count > 0) m->header.event_ns = filler.prints[filler.count - 1].event_ns;
    return WIRE_OK;
}

wire_result wire_trades_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_trades *m) {
    wire_arena_reset(arena);
    return wire_trades_read(arena, bytes, length, m);
}
