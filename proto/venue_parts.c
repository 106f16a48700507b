/* Payloads of a header and parts: walking them with a cursor, and writing them part by part with the header in front. */
#include "base/assert.h"
#include "proto/venue_tables.h"

/* Which field of a payload is which kind of part. */
typedef struct part_field {
    uint32_t number;
    wire_part_kind kind;
    const wire_table *table;
    size_t offset; /* in wire_part */
} part_field;

#define PART(number, kind, table, member)                                                                          \
    { (number), (kind), &(table), offsetof(wire_part, member) }

static const part_field execution_parts[] = {
    PART(10, WIRE_PART_REPORT, wire_table_report, report),
    PART(11, WIRE_PART_NAMED_INSTRUMENT, wire_table_named_instrument, instrument),
    PART(12, WIRE_PART_NAMED_ACCOUNT, wire_table_named_account, account),
    {0, WIRE_PART_NONE, NULL, 0},
};
static const part_field reply_parts[] = {
    PART(20, WIRE_PART_ORDER_VIEW, wire_table_order_view, order),
    PART(21, WIRE_PART_POSITION_VIEW, wire_table_position_view, position),
    PART(22, WIRE_PART_REPORT, wire_table_report, report),
    PART(23, WIRE_PART_NAMED_INSTRUMENT, wire_table_named_instrument, instrument),
    PART(24, WIRE_PART_ACCOUNT_VIEW, wire_table_account_view, account_view),
    PART(25, WIRE_PART_DEFINITION, wire_table_control_command, definition),
    {0, WIRE_PART_NONE, NULL, 0},
};
static const part_field command_parts[] = {
    {10, WIRE_PART_NONE, NULL, 0},
    {0, WIRE_PART_NONE, NULL, 0},
};

/* ---- reading ---- */

static const part_field *find_part(const part_field *parts, uint32_t number) {
    for (; parts->number != 0; parts++)
        if (parts->number == number) return parts;
    return NULL;
}

/* Walks all frames: reads the header, counts the parts. */
static wire_result open_payload(const wire_table *header_table, void *header, const part_field *parts,
                                wire_cursor *rest, const uint8_t *bytes, size_t length) {
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    uint32_t count = 0;
    wire_table_clear(header_table, header);
    *rest = (wire_cursor){0};
    while (wire_next(&reader, &field)) {
        if (wire_table_take(header_table, &reader, &field, header)) continue;
        if (find_part(parts, field.number) == NULL) continue;
        if (field.type != WIRE_LENGTH)
            wire_fault(&reader, WIRE_MALFORMED);
        else if (++count > WIRE_MAX_PARTS)
            wire_fault(&reader, WIRE_OUT_OF_RANGE);
    }
    if (reader.result == WIRE_OK) *rest = (wire_cursor){bytes, reader.end, count};
    return reader.result;
}

/* The next field that is a part; NULL at the end. Its frame was looked at by open_payload. */
static const part_field *next_part(wire_cursor *rest, const part_field *parts, wire_field *field) {
    wire_reader reader = {.at = rest->at, .end = rest->end, .result = WIRE_OK};
    const part_field *found = NULL;
    while (found == NULL && wire_next(&reader, field))
        found = find_part(parts, field->number);
    rest->at = reader.at;
    return found;
}

static bool read_next(wire_cursor *rest, const part_field *parts, wire_part *part) {
    wire_field field;
    const part_field *found = next_part(rest, parts, &field);
    if (found == NULL) return false;
    part->kind = found->kind;
    part->fault = wire_table_read(found->table, field.bytes, (size_t)field.value, (uint8_t *)part + found->offset);
    return true;
}

wire_result wire_orders_open(wire_orders *batch, const uint8_t *bytes, size_t length) {
    return open_payload(&wire_table_batch_header, &batch->header, command_parts, &batch->rest, bytes, length);
}

wire_result wire_controls_open(wire_controls *batch, const uint8_t *bytes, size_t length) {
    return open_payload(&wire_table_batch_header, &batch->header, command_parts, &batch->rest, bytes, length);
}

wire_result wire_executions_open(wire_executions *batch, const uint8_t *bytes, size_t length) {
    return open_payload(&wire_table_execution_header, &batch->header, execution_parts, &batch->rest, bytes, length);
}

wire_result wire_query_reply_open(wire_query_reply *reply, const uint8_t *bytes, size_t length) {
    return open_payload(&wire_table_query_reply_header, &reply->header, reply_parts, &reply->rest, bytes, length);
}

bool wire_orders_next(wire_orders *batch, wire_order_command *command) {
    wire_field field;
    if (next_part(&batch->rest, command_parts, &field) == NULL) return false;
    command->fault = wire_table_read(&wire_table_order_command, field.bytes, (size_t)field.value, command);
    return true;
}

bool wire_controls_next(wire_controls *batch, wire_control_command *command) {
    wire_field field;
    if (next_part(&batch->rest, command_parts, &field) == NULL) return false;
    command->fault = wire_table_read(&wire_table_control_command, field.bytes, (size_t)field.value, command);
    return true;
}

bool wire_executions_next(wire_executions *batch, wire_part *part) {
    return read_next(&batch->rest, execution_parts, part);
}

bool wire_query_reply_next(wire_query_reply *reply, wire_part *part) {
    return read_next(&reply->rest, reply_parts, part);
}

/* ---- writing ---- */

void wire_parts_start(wire_parts *parts, uint8_t *buffer, size_t capacity) {
    TW_ASSERT(capacity >= WIRE_PARTS_HEADER_ROOM);
    *parts = (wire_parts){.buffer = buffer, .capacity = capacity, .used = WIRE_PARTS_HEADER_ROOM};
}

size_t wire_parts_bytes(const wire_parts *parts) {
    return parts->used;
}

static bool add(wire_parts *parts, uint32_t number, const wire_table *table, const void *m) {
    if (parts->capacity - parts->used < WIRE_PART_ROOM || parts->count == WIRE_MAX_PARTS) return false;
    uint8_t *content = wire_begin_length(parts->buffer + parts->used, number);
    uint8_t *end = wire_end_length(content, wire_table_put(table, m, content));
    parts->used = (size_t)(end - parts->buffer);
    parts->count++;
    return true;
}

/* As add, with the report's own writer. */
static bool add_report(wire_parts *parts, uint32_t number, const wire_report *m) {
    if (parts->capacity - parts->used < WIRE_PART_ROOM || parts->count == WIRE_MAX_PARTS) return false;
    uint8_t *content = wire_begin_length(parts->buffer + parts->used, number);
    uint8_t *end = wire_end_length(content, wire_report_put(m, content));
    parts->used = (size_t)(end - parts->buffer);
    parts->count++;
    return true;
}

bool wire_order_command_add(wire_parts *parts, const wire_order_command *command) {
    return add(parts, 10, &wire_table_order_command, command);
}

bool wire_control_command_add(wire_parts *parts, const wire_control_command *command) {
    return add(parts, 10, &wire_table_control_command, command);
}

bool wire_report_add(wire_parts *parts, const wire_report *report) {
    return add_report(parts, 10, report);
}

bool wire_named_instrument_add(wire_parts *parts, const wire_named_instrument *instrument) {
    return add(parts, 11, &wire_table_named_instrument, instrument);
}

bool wire_named_account_add(wire_parts *parts, const wire_named_account *account) {
    return add(parts, 12, &wire_table_named_account, account);
}

bool wire_reply_order_add(wire_parts *parts, const wire_order_view *order) {
    return add(parts, 20, &wire_table_order_view, order);
}

bool wire_reply_position_add(wire_parts *parts, const wire_position_view *position) {
    return add(parts, 21, &wire_table_position_view, position);
}

bool wire_reply_report_add(wire_parts *parts, const wire_report *report) {
    return add_report(parts, 22, report);
}

bool wire_reply_instrument_add(wire_parts *parts, const wire_named_instrument *instrument) {
    return add(parts, 23, &wire_table_named_instrument, instrument);
}

bool wire_reply_account_add(wire_parts *parts, const wire_account_view *account) {
    return add(parts, 24, &wire_table_account_view, account);
}

bool wire_reply_definition_add(wire_parts *parts, const wire_control_command *definition) {
    return add(parts, 25, &wire_table_control_command, definition);
}

/* The header is written aside, because its length is not known before, and moved to where the parts begin. */
static const uint8_t *finish(wire_parts *parts, const wire_table *table, const void *header, size_t *length) {
    uint8_t aside[WIRE_PARTS_HEADER_ROOM];
    size_t header_length = (size_t)(wire_table_put(table, header, aside) - aside);
    uint8_t *begin = parts->buffer + WIRE_PARTS_HEADER_ROOM - header_length;
    memcpy(begin, aside, header_length);
    *length = parts->used - WIRE_PARTS_HEADER_ROOM + header_length;
    return begin;
}

const uint8_t *wire_orders_finish(wire_parts *parts, const wire_batch_header *header, size_t *length) {
    return finish(parts, &wire_table_batch_header, header, length);
}

const uint8_t *wire_controls_finish(wire_parts *parts, const wire_batch_header *header, size_t *length) {
    return finish(parts, &wire_table_batch_header, header, length);
}

const uint8_t *wire_execution_batch_finish(wire_parts *parts, const wire_execution_header *header, size_t *length) {
    wire_execution_header own = *header;
    own.account[0] = '\0';
    own.term = 0;
    own.publish_ns = TW_TIME_ABSENT;
    return finish(parts, &wire_table_execution_header, &own, length);
}

const uint8_t *wire_execution_reports_finish(wire_parts *parts, const wire_execution_header *header,
                                             size_t *length) {
    wire_execution_header own = *header;
    own.part = own.parts = 0;
    return finish(parts, &wire_table_execution_header, &own, length);
}

const uint8_t *wire_query_reply_finish(wire_parts *parts, const wire_query_reply_header *header, size_t *length) {
    return finish(parts, &wire_table_query_reply_header, header, length);
}
