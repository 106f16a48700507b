/* Messages described by a table: one reader and one writer for all of them. */
#include "proto/wire_table.h"

#include "base/utf8.h"

/* Types of the wire, by row type. */
static bool is_length(uint8_t type) {
    return type == ROW_TEXT || type == ROW_TICKS;
}

void wire_table_clear(const wire_table *table, void *m) {
    if (table->empty != NULL)
        memcpy(m, table->empty, table->size);
    else
        memset(m, 0, table->size);
}

/* ---- writing ---- */

static uint8_t *put_presence(uint8_t *at, uint32_t number, uint64_t value) {
    return wire_put_varint(wire_put_tag(at, number, WIRE_VARINT), value);
}

static uint8_t *put_text(uint8_t *at, uint32_t number, const char *text, size_t capacity) {
    size_t length = strnlen(text, capacity - 1);
    if (length == 0) return at;
    at = wire_put_varint(wire_put_tag(at, number, WIRE_LENGTH), length);
    memcpy(at, text, length);
    return at + length;
}

static uint8_t *put_fixed64(uint8_t *at, uint32_t number, uint64_t value) {
    if (value == 0) return at;
    uint64_t little = htole64(value);
    at = wire_put_tag(at, number, WIRE_FIXED64);
    memcpy(at, &little, sizeof little);
    return at + sizeof little;
}

/* At most eight values of ten bytes: a length of one byte. */
static uint8_t *put_ticks(uint8_t *at, uint32_t number, const wire_ticks *ticks) {
    if (ticks->count == 0) return at;
    uint8_t *content = at = wire_begin_length(at, number);
    for (uint32_t i = 0; i < ticks->count && i < WIRE_TICK_BANDS; i++)
        at = wire_put_varint(at, wire_zigzag(ticks->values[i]));
    return wire_end_length(content, at);
}

#define AT(type) (*(const type *)(const void *)(bytes + row->offset))

static uint8_t *put_row(const wire_row *row, uint32_t number, const uint8_t *bytes, uint8_t *at) {
    switch (row->type) {
    case ROW_U64:
        return wire_put_u64(at, number, AT(uint64_t));
    case ROW_U32:
        return wire_put_u64(at, number, AT(uint32_t));
    case ROW_NUMBER:
        return wire_put_u64(at, number, (uint32_t)(AT(uint32_t) + 1));
    case ROW_CODE:
        return wire_put_u64(at, number, AT(uint8_t));
    case ROW_BOOL:
        return wire_put_u64(at, number, AT(bool));
    case ROW_S64:
        return wire_put_s64(at, number, AT(int64_t));
    case ROW_S32:
        return wire_put_s32(at, number, AT(int32_t));
    case ROW_PRICE:
        return wire_put_price_if_any(at, number, AT(int64_t));
    case ROW_QUANTITY:
        return AT(uint64_t) == WIRE_QUANTITY_ABSENT ? at : put_presence(at, number, AT(uint64_t));
    case ROW_TIME:
        return wire_put_time(at, number, AT(int64_t));
    case ROW_TEXT:
        return put_text(at, number, &AT(char), row->limit);
    case ROW_MONEY:
        return wire_put_s64(at, number, (int64_t)(AT(wire_money) >> 64));
    case ROW_MONEY_LOW:
        return wire_put_u64(at, number, (uint64_t)AT(wire_money));
    case ROW_FIXED64:
        return put_fixed64(at, number, AT(uint64_t));
    case ROW_TICKS:
        return put_ticks(at, number, &AT(wire_ticks));
    default:
        return at;
    }
}

uint8_t *wire_table_put(const wire_table *table, const void *m, uint8_t *at) {
    for (uint32_t number = 1; number < table->row_count; number++)
        at = put_row(&table->rows[number], number, m, at);
    return at;
}

/* ---- reading ---- */

/* The one value of a 64-bit field that stands for "absent" in the struct can't be told from it: out of range. */
static void keep_unless(wire_reader *reader, uint64_t *target, uint64_t value, uint64_t reserved) {
    if (value == reserved)
        wire_fault(reader, WIRE_OUT_OF_RANGE);
    else
        *target = value;
}

static void add_tick(wire_reader *reader, wire_ticks *ticks, uint64_t value) {
    if (ticks->count == WIRE_TICK_BANDS)
        wire_fault(reader, WIRE_OUT_OF_RANGE);
    else
        ticks->values[ticks->count++] = wire_unzigzag(value);
}

/* Packed, or one by one, as protobuf allows. */
static void take_ticks(wire_reader *reader, const wire_field *field, wire_ticks *ticks) {
    if (field->type == WIRE_VARINT) {
        add_tick(reader, ticks, field->value);
        return;
    }
    wire_reader packed = wire_reader_of(field->bytes, (size_t)field->value);
    uint64_t value;
    while (packed.at != packed.end && reader->result == WIRE_OK)
        if (wire_read_varint(&packed, &value))
            add_tick(reader, ticks, value);
        else
            wire_fault(reader, WIRE_MALFORMED);
}

static uint32_t wire_type_of(uint8_t row_type) {
    if (is_length(row_type)) return WIRE_LENGTH;
    return row_type == ROW_TIME || row_type == ROW_FIXED64 ? WIRE_FIXED64 : WIRE_VARINT;
}

#define SLOT(type) (*(type *)(void *)(bytes + row->offset))

static void take_u32(wire_reader *reader, const wire_field *field, uint32_t *target) {
    if (field->value <= UINT32_MAX)
        *target = (uint32_t)field->value;
    else
        wire_fault(reader, WIRE_OUT_OF_RANGE);
}

static void take_money_high(wire_money *money, uint64_t value) {
    *money = (wire_money)((unsigned __int128)wire_unzigzag(value) << 64 | (uint64_t)*money);
}

static void take_money_low(wire_money *money, uint64_t value) {
    *money = (wire_money)((unsigned __int128)(*money >> 64) << 64 | value);
}

/* As in protobuf a text is UTF-8: other bytes would make every message that repeats them unreadable to those who insist on it. */
static void take_text(wire_reader *reader, const wire_field *field, char *text, size_t capacity) {
    wire_take_text(reader, field, text, capacity);
    if (reader->result != WIRE_OK || tw_utf8_good(text, (size_t)field->value)) return;
    text[0] = '\0';
    wire_fault(reader, WIRE_OUT_OF_RANGE);
}

static void take_row(const wire_row *row, wire_reader *reader, const wire_field *field, uint8_t *bytes) {
    switch (row->type) {
    case ROW_U64:
    case ROW_FIXED64:
        SLOT(uint64_t) = field->value;
        break;
    case ROW_U32:
        take_u32(reader, field, &SLOT(uint32_t));
        break;
    case ROW_NUMBER:
        take_u32(reader, field, &SLOT(uint32_t));
        if (field->value <= UINT32_MAX) SLOT(uint32_t)--;
        break;
    case ROW_CODE:
        SLOT(uint8_t) = field->value <= row->limit ? (uint8_t)field->value : WIRE_UNKNOWN;
        break;
    case ROW_BOOL:
        SLOT(bool) = field->value != 0;
        break;
    case ROW_S64:
        SLOT(int64_t) = wire_unzigzag(field->value);
        break;
    case ROW_S32:
        if (field->value <= UINT32_MAX)
            SLOT(int32_t) = (int32_t)wire_unzigzag(field->value);
        else
            wire_fault(reader, WIRE_OUT_OF_RANGE);
        break;
    case ROW_PRICE:
        keep_unless(reader, &SLOT(uint64_t), (uint64_t)wire_unzigzag(field->value), (uint64_t)TW_PRICE_ABSENT);
        break;
    case ROW_QUANTITY:
        keep_unless(reader, &SLOT(uint64_t), field->value, WIRE_QUANTITY_ABSENT);
        break;
    case ROW_TIME:
        SLOT(int64_t) = field->value == 0 ? TW_TIME_ABSENT : (int64_t)field->value;
        break;
    case ROW_TEXT:
        take_text(reader, field, &SLOT(char), row->limit);
        break;
    case ROW_MONEY:
        take_money_high(&SLOT(wire_money), field->value);
        break;
    case ROW_MONEY_LOW:
        take_money_low(&SLOT(wire_money), field->value);
        break;
    default:
        take_ticks(reader, field, &SLOT(wire_ticks));
        break;
    }
}

bool wire_table_take(const wire_table *table, wire_reader *reader, const wire_field *field, void *m) {
    const wire_row *row = field->number < table->row_count ? &table->rows[field->number] : NULL;
    if (row == NULL || row->type == ROW_NONE) return false; /* a newer sender's */
    if (field->type == wire_type_of(row->type) || (row->type == ROW_TICKS && field->type == WIRE_VARINT))
        take_row(row, reader, field, m);
    else
        wire_fault(reader, WIRE_MALFORMED);
    return true;
}

wire_fault_info wire_table_read(const wire_table *table, const uint8_t *bytes, size_t length, void *m) {
    wire_fault_info fault = {WIRE_FAULT_NONE, 0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field = {0};
    wire_table_clear(table, m);
    while (wire_next(&reader, &field)) {
        wire_table_take(table, &reader, &field, m);
        if (reader.result == WIRE_OK) continue;
        if (fault.kind == WIRE_FAULT_NONE)
            fault = (wire_fault_info){reader.result == WIRE_MALFORMED ? WIRE_FAULT_MALFORMED : WIRE_FAULT_RANGE,
                                      field.number};
        reader.result = WIRE_OK;
    }
    if (reader.result != WIRE_OK && fault.kind == WIRE_FAULT_NONE)
        fault = (wire_fault_info){WIRE_FAULT_MALFORMED, 0};
    return fault;
}
