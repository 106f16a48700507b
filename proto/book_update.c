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
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

/* A side while its arrays come in; in any order and in pieces, as protobuf allows. */
typedef enum level_column { PRICES, QUANTITIES, ORDERS, COLUMNS } level_column;

typedef struct side_filler {
    tw_level *levels;
    uint32_t capacity;
    uint32_t counts[COLUMNS]; /* how many of each have come */
} side_filler;

static bool make_room(wire_arena *arena, side_filler *side, uint32_t wanted) {
    tw_level *levels = wire_arena_grow(arena, side->levels, sizeof *levels, &side->capacity, wanted, MOST_LEVELS);
    if (levels == NULL) return false;
    side->levels = levels;
    return true;
}

/* The value at `place` of a column; false if there can be no such place. Always inlined: the column is then known, and nothing is
 * decided per value. */
static inline __attribute__((always_inline)) bool put_value(wire_arena *arena, wire_reader *reader,
                                                            side_filler *side, uint32_t place, level_column column,
                                                            uint64_t value) {
    if (place == side->capacity && !make_room(arena, side, place + 1)) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return false;
    }
    tw_level *level = &side->levels[place];
    if (column == PRICES) {
        level->price = wire_unzigzag(value);
        if (level->price == TW_PRICE_ABSENT) wire_fault(reader, WIRE_OUT_OF_RANGE);
    } else if (column == QUANTITIES) {
        level->quantity = value;
    } else {
        level->orders = (uint32_t)value;
        if (value > UINT32_MAX) wire_fault(reader, WIRE_OUT_OF_RANGE);
    }
    return true;
}

/* The packed values of one column. */
static inline __attribute__((always_inline)) void put_values(wire_arena *arena, wire_reader *reader,
                                                             const wire_field *field, side_filler *side,
                                                             level_column column) {
    wire_reader values = wire_reader_of(field->bytes, (size_t)field->value);
    uint32_t held = side->counts[column];
    uint64_t value;
    for (; values.at != values.end; held++) {
        if (!wire_read_varint(&values, &value)) {
            wire_fault(reader, WIRE_MALFORMED);
            return;
        }
        if (!put_value(arena, reader, side, held, column, value)) return;
    }
    side->counts[column] = held;
}

static inline __attribute__((always_inline)) void take_array(wire_arena *arena, wire_reader *reader,
                                                             const wire_field *field, side_filler *side,
                                                             level_column column) {
    if (field->type == WIRE_LENGTH)
        put_values(arena, reader, field, side, column);
    else if (field->type != WIRE_VARINT)
        wire_fault(reader, WIRE_MALFORMED);
    else if (put_value(arena, reader, side, side->counts[column], column, field->value))
        side->counts[column]++; /* a writer that does not pack: one field per value */
}

static inline __attribute__((always_inline)) void take_own(wire_arena *arena, wire_reader *reader,
                                                           const wire_field *field, wire_book_update *m,
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

/* The fields of a message on their way in. */
typedef struct book_filler {
    wire_arena *arena;
    wire_reader reader;
    wire_book_update *m;
    side_filler bids, asks;
} book_filler;

static inline __attribute__((always_inline)) void take_field(book_filler *f, wire_reader *reader,
                                                             const wire_field *field) {
    if (!wire_take_header_inline(reader, field, HEADER_ALL, &f->m->header))
        take_own(f->arena, reader, field, f->m, &f->bids, &f->asks);
}

/* The next field if it is this one: what encoders write next. Number and type are known here, so taking it is a few
 * instructions. */
static inline __attribute__((always_inline)) void expect(book_filler *f, wire_reader *reader, uint32_t number,
                                                         wire_type type) {
    uint32_t tag = number << 3 | type, tag_bytes = number < 16 ? 1 : 2;
    size_t left = (size_t)(reader->end - reader->at);
    if (left <= tag_bytes || reader->result != WIRE_OK) return;
    if (number < 16 ? reader->at[0] != tag : reader->at[0] != ((tag & 0x7f) | 0x80) || reader->at[1] != tag >> 7)
        return;
    uint64_t value = 0;
    reader->at += tag_bytes;
    bool good = type == WIRE_FIXED32 || type == WIRE_FIXED64 || wire_read_varint(reader, &value);
    wire_field field = {.number = number, .type = type, .value = value};
    if (good && wire_read_content(reader, &field))
        take_field(f, reader, &field);
    else
        wire_fault(reader, WIRE_MALFORMED);
}

/* Fields may come in any order; in that of their numbers they come fastest. The reader is this function's own meanwhile, so that where
 * it is need not be stored after each field. */
static void take_in_order(book_filler *f) {
    wire_reader reader = f->reader;
    expect(f, &reader, 6, WIRE_VARINT);
    expect(f, &reader, 7, WIRE_VARINT);
    expect(f, &reader, 8, WIRE_VARINT);
    expect(f, &reader, 9, WIRE_VARINT);
    expect(f, &reader, 10, WIRE_VARINT);
    expect(f, &reader, 11, WIRE_VARINT);
    expect(f, &reader, 12, WIRE_VARINT);
    expect(f, &reader, 13, WIRE_VARINT);
    expect(f, &reader, 14, WIRE_FIXED64);
    expect(f, &reader, 15, WIRE_FIXED64);
    expect(f, &reader, 16, WIRE_FIXED64);
    expect(f, &reader, 17, WIRE_VARINT);
    expect(f, &reader, 20, WIRE_LENGTH);
    expect(f, &reader, 21, WIRE_LENGTH);
    expect(f, &reader, 22, WIRE_LENGTH);
    expect(f, &reader, 23, WIRE_LENGTH);
    expect(f, &reader, 24, WIRE_LENGTH);
    expect(f, &reader, 25, WIRE_LENGTH);
    expect(f, &reader, 30, WIRE_FIXED32);
    f->reader = reader;
}

static __attribute__((noinline)) void take_in_any_order(book_filler *f) {
    wire_field field;
    while (wire_next(&f->reader, &field))
        take_field(f, &f->reader, &field);
}

static bool is_whole(const side_filler *side) {
    return side->counts[PRICES] == side->counts[QUANTITIES] && side->counts[PRICES] == side->counts[ORDERS];
}

/* Goes on behind what has been taken into the header. */
static wire_result read_rest(book_filler *f) {
    wire_book_update *m = f->m;
    take_in_order(f);
    if (f->reader.at != f->reader.end) take_in_any_order(f);
    if (f->reader.result != WIRE_OK) return f->reader.result;
    if (m->depth > TW_MAX_DEPTH || !is_whole(&f->bids) || !is_whole(&f->asks)) return WIRE_OUT_OF_RANGE;
    m->bids = f->bids.levels;
    m->asks = f->asks.levels;
    m->bid_count = f->bids.counts[PRICES];
    m->ask_count = f->asks.counts[PRICES];
    return WIRE_OK;
}

/* Fields 1 to 5 in front of all others, whose tags are one byte. */
static void take_identity(book_filler *f) {
    wire_field field;
    while (f->reader.at != f->reader.end && *f->reader.at < 6 << 3 && wire_next(&f->reader, &field))
        take_field(f, &f->reader, &field);
}

wire_result wire_book_update_read(wire_arena *arena, const uint8_t *bytes, size_t length, wire_book_update *m) {
    *m = (wire_book_update){.header = wire_header_empty()};
    book_filler f = {.arena = arena, .reader = wire_reader_of(bytes, length), .m = m};
    take_identity(&f);
    return read_rest(&f);
}

wire_result wire_book_update_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_book_update *m) {
    wire_arena_reset(arena);
    return wire_book_update_read(arena, bytes, length, m);
}

/* What the bytes before `end` have said. */
static void note_start(wire_start *start, const uint8_t *bytes, const uint8_t *end, const wire_header *header) {
    size_t length = (size_t)(end - bytes);
    start->identity.length = 0;
    if (length == 0 || length > WIRE_IDENTITY_BYTES) return;
    memcpy(start->identity.bytes, bytes, length);
    start->identity.length = (uint32_t)length;
    start->header = *header;
}

static bool starts_so(const wire_start *start, const uint8_t *bytes, size_t length) {
    size_t known = start->identity.length;
    return known > 0 && length >= known && memcmp(bytes, start->identity.bytes, known) == 0;
}

wire_result wire_book_update_decode_next(wire_arena *arena, wire_start *start, const uint8_t *bytes, size_t length,
                                         wire_book_update *m) {
    book_filler f = {.arena = arena, .reader = wire_reader_of(bytes, length), .m = m};
    wire_arena_reset(arena);
    if (starts_so(start, bytes, length)) {
        *m = (wire_book_update){.header = start->header};
        f.reader.at += start->identity.length;
    } else {
        *m = (wire_book_update){.header = wire_header_empty()};
        take_identity(&f);
        note_start(start, bytes, f.reader.at, &m->header);
        if (f.reader.result != WIRE_OK) start->identity.length = 0;
    }
    return read_rest(&f);
}
