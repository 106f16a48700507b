/* BookUpdate: a book side is three parallel arrays on the wire and one array of levels here. */
#include "base/assert.h"
#include "proto/arena.h"
#include "proto/header.h"
#include "proto/parts.h"

enum { MOST_LEVELS = 2 * TW_MAX_DEPTH };

/* Two sides of three arrays, each with a tag of 2 bytes and a length of 2; a level is at most 10 + 10 + 5 bytes. */
#define LEVEL_ROOM   25u
#define ARRAY_ROOM   4u
#define ROOM(levels) (HEADER_ROOM + 6u * ARRAY_ROOM + (levels)*LEVEL_ROOM)

static uint8_t *put_side(uint8_t *at, const uint32_t first_number, const tw_level *levels, uint32_t count) {
    if (count == 0) return at;
    uint8_t *content = at = wire_begin_length(at, first_number);
    for (uint32_t i = 0; i < count; i++)
        at = wire_put_varint(at, wire_zigzag(levels[i].price));
    content = at = wire_begin_length(wire_end_length(content, at), first_number + 1);
    for (uint32_t i = 0; i < count; i++)
        at = wire_put_varint(at, levels[i].quantity);
    content = at = wire_begin_length(wire_end_length(content, at), first_number + 2);
    for (uint32_t i = 0; i < count; i++)
        at = wire_put_varint(at, levels[i].orders);
    return wire_end_length(content, at);
}

static size_t put_book_update(const wire_book_update *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, HEADER_ALL);
    at = wire_put_u64(at, 11, m->depth);
    at = wire_put_header_end(at, &m->header, HEADER_ALL);
    at = wire_put_u64(at, 17, m->merged);
    at = put_side(at, 20, m->bids, m->bid_count);
    at = put_side(at, 23, m->asks, m->ask_count);
    at = wire_put_fixed32(at, 30, m->checksum);
    return (size_t)(at - buffer);
}

size_t wire_book_update_encode(const wire_book_update *m, uint8_t *buffer, size_t capacity) {
    TW_ASSERT(m->bid_count <= MOST_LEVELS && m->ask_count <= MOST_LEVELS);
    if (__builtin_expect(capacity >= ROOM(m->bid_count + m->ask_count), 1)) return put_book_update(m, buffer);
    uint8_t scratch[ROOM(2 * MOST_LEVELS)]; /* a tight buffer: what is written decides, not what might be */
    size_t length = put_book_update(m, scratch);
    if (length > capacity) return 0;
    memcpy(buffer, scratch, length);
    return length;
}

/* A side while its arrays come in; in any order and in pieces, as protobuf allows. */
typedef enum level_column { PRICES, QUANTITIES, ORDERS, COLUMNS } level_column;

typedef struct side_filler {
    tw_level *levels;
    uint32_t capacity;
    uint32_t counts[COLUMNS]; /* how many of each have come */
} side_filler;

static bool make_room(wire_arena *arena, wire_reader *reader, side_filler *side, size_t wanted) {
    tw_level *levels = wanted > MOST_LEVELS ? NULL
                                            : wire_arena_grow(arena, side->levels, sizeof *levels, &side->capacity,
                                                              (uint32_t)wanted, MOST_LEVELS);
    if (levels == NULL) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return false;
    }
    side->levels = levels;
    return true;
}

/* Every varint ends with the one byte of it that has no high bit. */
static size_t count_varints(const uint8_t *bytes, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += bytes[i] < 0x80;
    return count;
}

static void put_value(wire_reader *reader, tw_level *level, level_column column, uint64_t value) {
    if (column == PRICES) {
        level->price = wire_unzigzag(value);
        if (level->price == TW_PRICE_ABSENT) wire_fault(reader, WIRE_OUT_OF_RANGE);
    } else if (column == QUANTITIES) {
        level->quantity = value;
    } else {
        level->orders = (uint32_t)value;
        if (value > UINT32_MAX) wire_fault(reader, WIRE_OUT_OF_RANGE);
    }
}

/* The packed values of one column. Always inlined: the column is then known, and nothing is decided per value. */
static inline __attribute__((always_inline)) void put_values(wire_reader *reader, const wire_field *field,
                                                             tw_level *level, level_column column) {
    wire_reader values = wire_reader_of(field->bytes, (size_t)field->value);
    uint64_t value;
    for (; values.at != values.end; level++) {
        if (!wire_read_varint(&values, &value)) {
            wire_fault(reader, WIRE_MALFORMED);
            return;
        }
        put_value(reader, level, column, value);
    }
}

static inline __attribute__((always_inline)) void take_array(wire_arena *arena, wire_reader *reader,
                                                             const wire_field *field, side_filler *side,
                                                             level_column column) {
    uint32_t *held = &side->counts[column];
    if (field->type == WIRE_VARINT) { /* a writer that does not pack: one field per value */
        if (make_room(arena, reader, side, *held + 1))
            put_value(reader, &side->levels[(*held)++], column, field->value);
        return;
    }
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    size_t count = count_varints(field->bytes, (size_t)field->value);
    if (count > 0 && !make_room(arena, reader, side, *held + count)) return;
    if (count == 0) {
        if (field->value > 0) wire_fault(reader, WIRE_MALFORMED); /* a varint that does not end */
        return;
    }
    put_values(reader, field, side->levels + *held, column);
    *held += (uint32_t)count;
}

static void take_own(wire_arena *arena, wire_reader *reader, const wire_field *field, wire_book_update *m,
                     side_filler *bids, side_filler *asks) {
    switch (field->number) {
    case 11:
        m->depth = wire_take_u32(reader, field);
        break;
    case 17:
        m->merged = wire_take_u32(reader, field);
        break;
    case 20:
        take_array(arena, reader, field, bids, PRICES);
        break;
    case 21:
        take_array(arena, reader, field, bids, QUANTITIES);
        break;
    case 22:
        take_array(arena, reader, field, bids, ORDERS);
        break;
    case 23:
        take_array(arena, reader, field, asks, PRICES);
        break;
    case 24:
        take_array(arena, reader, field, asks, QUANTITIES);
        break;
    case 25:
        take_array(arena, reader, field, asks, ORDERS);
        break;
    case 30:
        m->checksum = wire_take_fixed32(reader, field);
        break;
    default:
        break; /* a newer publisher's */
    }
}

static bool is_whole(const side_filler *side) {
    return side->counts[PRICES] == side->counts[QUANTITIES] && side->counts[PRICES] == side->counts[ORDERS];
}

wire_result wire_book_update_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_book_update *m) {
    *m = (wire_book_update){.header = wire_header_empty()};
    side_filler bids = {0}, asks = {0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, HEADER_ALL, &m->header))
            take_own(arena, &reader, &field, m, &bids, &asks);
    if (reader.result != WIRE_OK) return reader.result;
    if (m->depth > TW_MAX_DEPTH || !is_whole(&bids) || !is_whole(&asks)) return WIRE_OUT_OF_RANGE;
    m->bids = bids.levels;
    m->asks = asks.levels;
    m->bid_count = bids.counts[PRICES];
    m->ask_count = asks.counts[PRICES];
    return WIRE_OK;
}

wire_result wire_book_update_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_book_update *m) {
    wire_arena_reset(arena);
    return wire_book_update_read(arena, bytes, length, m);
}
