/* Candle, and the request for a list of them with its reply. */
#include "base/assert.h"
#include "proto/arena.h"
#include "proto/generated.h"
#include "proto/header.h"

#define CANDLE_HEADER                                                                                              \
    (HEADER_IDENTITY | HEADER_SNAPSHOT | HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_EVENT_NS | HEADER_TIMES)

/* Own fields: interval 7, start 10, eleven varints of at most 12, two flags of 3: 155; the header 235. */
#define CANDLE_ROOM HEADER_ROOM

static uint8_t *put_own(uint8_t *at, const wire_candle *m) {
    at = wire_put_time(at, 21, m->start_ns);
    at = wire_put_price_if_any(at, 22, m->open);
    at = wire_put_price_if_any(at, 23, m->high);
    at = wire_put_price_if_any(at, 24, m->low);
    at = wire_put_price_if_any(at, 25, m->close);
    at = wire_put_u64(at, 26, m->volume);
    at = wire_put_s64(at, 27, m->turnover_high);
    at = wire_put_u64(at, 28, m->turnover_low);
    at = wire_put_price_if_any(at, 29, m->vwap);
    at = wire_put_u64(at, 30, m->count);
    at = wire_put_u64(at, 31, m->revision);
    at = wire_put_u64(at, 32, m->final);
    return wire_put_u64(at, 33, m->incomplete);
}

static size_t put_candle(const wire_candle *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, CANDLE_HEADER);
    at = wire_put_header_end(at, &m->header, CANDLE_HEADER);
    at = wire_put_u64(at, 20, m->interval_ms);
    return (size_t)(put_own(at, m) - buffer);
}

size_t wire_candle_encode(const wire_candle *m, uint8_t *buffer, size_t capacity) {
    if (__builtin_expect(capacity >= CANDLE_ROOM, 1)) return put_candle(m, buffer);
    uint8_t scratch[CANDLE_ROOM];
    size_t length = put_candle(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_result(wire_reader *reader, const wire_field *field, wire_candle *m) {
    switch (field->number) {
    case 26:
        m->volume = wire_take_u64(reader, field);
        break;
    case 27:
        m->turnover_high = wire_take_s64(reader, field);
        break;
    case 28:
        m->turnover_low = wire_take_u64(reader, field);
        break;
    case 29:
        m->vwap = wire_take_s64(reader, field);
        break;
    case 30:
        m->count = wire_take_u64(reader, field);
        break;
    case 31:
        m->revision = wire_take_u64(reader, field);
        break;
    case 32:
        m->final = wire_take_bool(reader, field);
        break;
    case 33:
        m->incomplete = wire_take_bool(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

static void take_own(wire_reader *reader, const wire_field *field, wire_candle *m) {
    switch (field->number) {
    case 20:
        m->interval_ms = wire_take_u32(reader, field);
        break;
    case 21:
        m->start_ns = wire_take_time(reader, field);
        break;
    case 22:
        m->open = wire_take_s64(reader, field);
        break;
    case 23:
        m->high = wire_take_s64(reader, field);
        break;
    case 24:
        m->low = wire_take_s64(reader, field);
        break;
    case 25:
        m->close = wire_take_s64(reader, field);
        break;
    default:
        take_result(reader, field, m);
    }
}

static wire_result read_candle(const uint8_t *bytes, size_t length, wire_candle *m) {
    *m = (wire_candle){.header = wire_header_empty(),
                       .start_ns = TW_TIME_ABSENT,
                       .open = TW_PRICE_ABSENT,
                       .high = TW_PRICE_ABSENT,
                       .low = TW_PRICE_ABSENT,
                       .close = TW_PRICE_ABSENT,
                       .vwap = TW_PRICE_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, CANDLE_HEADER, &m->header)) take_own(&reader, &field, m);
    return reader.result;
}

wire_result wire_candle_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_candle *m) {
    wire_arena_reset(arena);
    return read_candle(bytes, length, m);
}

/* ---- the list ---- */

size_t wire_candle_request_encode(const wire_candle_request *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__CandleRequest pb = TICKWIRE__V1__CANDLE_REQUEST__INIT;
    pb.interval_ms = m->interval_ms;
    pb.limit = m->limit;
    pb.before_ns = wire_time_to_pb(m->before_ns);
    return wire_pb_pack(&pb.base, buffer, capacity);
}

wire_result wire_candle_request_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                       wire_candle_request *m) {
    (void)arena; /* nothing here is longer than the struct */
    *m = (wire_candle_request){.before_ns = TW_TIME_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field)) {
        if (field.number == 1) m->interval_ms = wire_take_u32(&reader, &field);
        if (field.number == 2) m->limit = wire_take_u32(&reader, &field);
        if (field.number == 3) m->before_ns = wire_take_time(&reader, &field);
    }
    return reader.result;
}

static size_t put_envelope(const wire_candle_list *m, bool more, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__CandleList pb = TICKWIRE__V1__CANDLE_LIST__INIT;
    pb.exchange = (char *)m->exchange;
    pb.symbol = (char *)m->symbol;
    pb.interval_ms = m->interval_ms;
    pb.code = (Tickwire__V1__ReplyCode)m->code;
    pb.detail = (char *)m->detail;
    pb.retry_after_ms = m->retry_after_ms;
    pb.source = (char *)m->source;
    pb.more = more;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

/* As a field of the list: what all candles have in common is left out. */
static uint8_t *put_listed(uint8_t *at, const wire_candle *m, uint8_t scratch[CANDLE_ROOM]) {
    wire_candle lone = *m;
    lone.header.identity = NULL;
    lone.header.exchange[0] = lone.header.symbol[0] = '\0';
    lone.interval_ms = 0;
    size_t length = put_candle(&lone, scratch);
    at = wire_put_varint(wire_put_tag(at, 10, WIRE_LENGTH), length);
    memcpy(at, scratch, length);
    return at + length;
}

/* Written from the end: which candles fit is known when the oldest of them is reached. */
size_t wire_candle_list_encode(const wire_candle_list *m, uint8_t *buffer, size_t capacity) {
    TW_ASSERT(m->candle_count <= WIRE_MAX_CANDLES);
    size_t envelope = put_envelope(m, true, buffer, capacity), start = capacity;
    if (envelope == 0) return 0;
    uint32_t left = m->candle_count;
    while (left > 0) {
        uint8_t field[CANDLE_ROOM + WIRE_TAG_ROOM + WIRE_VARINT_ROOM], scratch[CANDLE_ROOM];
        size_t length = (size_t)(put_listed(field, &m->candles[left - 1], scratch) - field);
        if (length > start - envelope) break;
        start -= length;
        memcpy(buffer + start, field, length);
        left--;
    }
    envelope = put_envelope(m, m->more || left > 0, buffer, capacity);
    memmove(buffer + envelope, buffer + start, capacity - start);
    return envelope + capacity - start;
}

typedef struct candles_filler {
    wire_candle *candles;
    uint32_t capacity, count;
} candles_filler;

static void take_candle(wire_arena *arena, wire_reader *reader, const wire_field *field, candles_filler *filler) {
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    wire_candle *candles = wire_arena_grow(arena, filler->candles, sizeof *candles, &filler->capacity,
                                           filler->count + 1, WIRE_MAX_CANDLES);
    if (candles == NULL) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return;
    }
    filler->candles = candles;
    wire_fault(reader, read_candle(field->bytes, (size_t)field->value, &candles[filler->count++]));
}

static void take_list(wire_arena *arena, wire_reader *reader, const wire_field *field, wire_candle_list *m,
                      candles_filler *filler) {
    switch (field->number) {
    case 1:
        wire_take_text(reader, field, m->exchange, sizeof m->exchange);
        break;
    case 2:
        wire_take_text(reader, field, m->symbol, sizeof m->symbol);
        break;
    case 3:
        m->interval_ms = wire_take_u32(reader, field);
        break;
    case 4:
        m->code = (wire_reply_code)wire_take_enum(reader, field, WIRE_REPLY_BAD_REQUEST);
        break;
    case 5:
        wire_take_text(reader, field, m->detail, sizeof m->detail);
        break;
    case 6:
        m->retry_after_ms = wire_take_u32(reader, field);
        break;
    case 7:
        wire_take_text(reader, field, m->source, sizeof m->source);
        break;
    case 8:
        m->more = wire_take_bool(reader, field);
        break;
    case 10:
        take_candle(arena, reader, field, filler);
        break;
    default:
        break; /* a newer aggregator's */
    }
}

wire_result wire_candle_list_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_candle_list *m) {
    wire_arena_reset(arena);
    *m = (wire_candle_list){0};
    candles_filler filler = {0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        take_list(arena, &reader, &field, m, &filler);
    m->candles = filler.candles;
    m->candle_count = filler.count;
    return reader.result;
}
