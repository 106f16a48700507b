/*
 * Private to proto/: messages described by a table instead of by code. A table has one row per field number: what type it has on the
 * wire and where it lives in the plain struct. One reader and one writer walk all of them.
 *
 * It serves the venue's messages: many fields, most of them absent in any one message, and the same rules for each.
 */
#ifndef TICKWIRE_PROTO_WIRE_TABLE_H
#define TICKWIRE_PROTO_WIRE_TABLE_H

#include "proto/venue.h"
#include "proto/wire_reader.h"

typedef enum wire_row_type {
    ROW_NONE = 0,  /* no such field: passed over */
    ROW_U64,       /* uint64_t */
    ROW_U32,       /* uint32_t */
    ROW_CODE,      /* uint8_t: an enumeration of 0 to `limit`, beyond that WIRE_UNKNOWN */
    ROW_BOOL,      /* bool */
    ROW_S64,       /* int64_t */
    ROW_S32,       /* int32_t */
    ROW_PRICE,     /* int64_t, a member of a oneof: TW_PRICE_ABSENT if absent */
    ROW_QUANTITY,  /* uint64_t, a member of a oneof: WIRE_QUANTITY_ABSENT if absent */
    ROW_TIME,      /* int64_t, sfixed64 */
    ROW_TEXT,      /* char[limit], UTF-8 */
    ROW_NUMBER,    /* uint32_t, one more on the wire */
    ROW_MONEY,     /* wire_money; this row is the high half, the next one must be ROW_MONEY_LOW */
    ROW_MONEY_LOW, /* likewise, with the same offset */
    ROW_FIXED64,   /* uint64_t */
    ROW_TICKS      /* wire_ticks, packed sint64 */
} wire_row_type;

typedef struct wire_row {
    uint8_t type;
    uint16_t limit, offset;
} wire_row;

typedef struct wire_table {
    const wire_row *rows; /* by field number */
    uint32_t row_count;
    uint32_t size;     /* of the struct */
    const void *empty; /* the struct with everything absent; NULL: all zero */
} wire_table;

#define ROW(struct_type, member, row_type)                                                                         \
    { .type = (row_type), .offset = offsetof(struct_type, member) }
#define CODE_ROW(struct_type, member, last)                                                                        \
    { .type = ROW_CODE, .limit = (last), .offset = offsetof(struct_type, member) }
#define TEXT_ROW(struct_type, member)                                                                              \
    { .type = ROW_TEXT, .limit = sizeof((struct_type *)0)->member, .offset = offsetof(struct_type, member) }
#define TABLE(row_array, struct_type, empty_struct)                                                                \
    {                                                                                                              \
        .rows = (row_array), .row_count = sizeof(row_array) / sizeof *(row_array), .size = sizeof(struct_type),    \
        .empty = (empty_struct)                                                                                    \
    }

void wire_table_clear(const wire_table *table, void *m);

/* Appends all fields that are not absent, in the order of their numbers. The caller has made sure of the room. */
uint8_t *wire_table_put(const wire_table *table, const void *m, uint8_t *at);

/* Takes one field. False if the table does not have it. A value that does not fit is the reader's fault. */
bool wire_table_take(const wire_table *table, wire_reader *reader, const wire_field *field, void *m);

/* Reads a whole message. Goes on after a value that does not fit, so that the rest is there; the first fault is told. */
wire_fault_info wire_table_read(const wire_table *table, const uint8_t *bytes, size_t length, void *m);

#endif
