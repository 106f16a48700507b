/* The first difference between two ExecutionBatches: by a table of a report's fields. */
#include "tools/journal/compare.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "tools/journal/audit.h"

typedef enum field_type {
    FIELD_U8,
    FIELD_BOOL,
    FIELD_U32,
    FIELD_U64,
    FIELD_I64,
    FIELD_MONEY,
    FIELD_TEXT
} field_type;

typedef struct field {
    const char *name; /* as in the schema */
    field_type type;
    size_t offset;
} field;

#define VALUE_BYTES 96

#define F(type, name)                                                                                              \
    { #name, type, offsetof(wire_report, name) }
#define G(type, name, other)                                                                                       \
    { #other, type, offsetof(wire_report, name) }
static const field fields[] = {
    F(FIELD_U64, seq),
    F(FIELD_U32, n),
    F(FIELD_U32, index),
    F(FIELD_U8, kind),
    F(FIELD_U32, reason),
    F(FIELD_U8, command),
    F(FIELD_U8, status),
    F(FIELD_U32, account),
    F(FIELD_U32, instrument),
    F(FIELD_U64, order_id),
    F(FIELD_U64, counter_id),
    F(FIELD_TEXT, client_order_id),
    F(FIELD_TEXT, correlation_id),
    F(FIELD_TEXT, order_correlation_id),
    F(FIELD_TEXT, account_name),
    F(FIELD_TEXT, symbol),
    F(FIELD_U8, side),
    F(FIELD_U8, type),
    G(FIELD_U8, tif, time_in_force),
    F(FIELD_U8, liquidity),
    F(FIELD_U8, state),
    F(FIELD_BOOL, duplicate),
    F(FIELD_I64, price),
    F(FIELD_I64, stop_price),
    F(FIELD_U64, quantity),
    F(FIELD_U64, leaves),
    F(FIELD_U64, shown),
    F(FIELD_U64, executed),
    F(FIELD_I64, last_price),
    F(FIELD_U64, last_quantity),
    F(FIELD_I64, average_price),
    F(FIELD_MONEY, executed_notional),
    F(FIELD_MONEY, fee),
    F(FIELD_U64, session),
    F(FIELD_I64, stream_ns),
    F(FIELD_I64, event_ns),
};
#undef F
#undef G
#define FIELDS (sizeof fields / sizeof *fields)

static void value_text(const field *which, const wire_report *report, char text[VALUE_BYTES]) {
    const void *at = (const uint8_t *)report + which->offset;
    switch (which->type) {
    case FIELD_U8:
        tw_text_format(text, VALUE_BYTES, "%u", *(const uint8_t *)at);
        break;
    case FIELD_BOOL:
        tw_text_copy(text, VALUE_BYTES, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_U32:
        tw_text_format(text, VALUE_BYTES, "%" PRIu32, *(const uint32_t *)at);
        break;
    case FIELD_U64:
        tw_text_format(text, VALUE_BYTES, "%" PRIu64, *(const uint64_t *)at);
        break;
    case FIELD_I64:
        if (*(const int64_t *)at == INT64_MIN)
            tw_text_copy(text, VALUE_BYTES, "none");
        else
            tw_text_format(text, VALUE_BYTES, "%" PRIi64, *(const int64_t *)at);
        break;
    case FIELD_MONEY:
        audit_money_text(text, VALUE_BYTES, *(const wire_money *)at, 0);
        break;
    default:
        tw_text_format(text, VALUE_BYTES, "\"%s\"", (const char *)at);
        break;
    }
}

bool reports_differ(const wire_report *found, const wire_report *expected, char text[COMPARE_TEXT_BYTES]) {
    for (size_t i = 0; i < FIELDS; i++) {
        char a[VALUE_BYTES], b[VALUE_BYTES];
        value_text(&fields[i], found, a);
        value_text(&fields[i], expected, b);
        if (strcmp(a, b) == 0) continue;
        tw_text_format(text, COMPARE_TEXT_BYTES, "report %" PRIu64 "-%" PRIu32 ": %s is %s, the replay says %s",
                       expected->seq, expected->n, fields[i].name, a, b);
        return true;
    }
    return false;
}

static bool names_differ(const wire_part *found, const wire_part *expected, char text[COMPARE_TEXT_BYTES]) {
    if (found->kind == WIRE_PART_NAMED_ACCOUNT) {
        const wire_named_account *a = &found->account, *b = &expected->account;
        if (a->number == b->number && strcmp(a->name, b->name) == 0) return false;
        tw_text_format(text, COMPARE_TEXT_BYTES,
                       "account %" PRIu32 " is named '%s', the replay names %" PRIu32 " '%s'", a->number + 1,
                       a->name, b->number + 1, b->name);
        return true;
    }
    const wire_named_instrument *a = &found->instrument, *b = &expected->instrument;
    if (a->number == b->number && strcmp(a->symbol, b->symbol) == 0 && a->price_exponent == b->price_exponent &&
        a->quantity_exponent == b->quantity_exponent)
        return false;
    tw_text_format(text, COMPARE_TEXT_BYTES,
                   "instrument %" PRIu32 " is '%s' (exponents %" PRId32 ", %" PRId32 "), the replay says %" PRIu32
                   " is '%s' (%" PRId32 ", %" PRId32 ")",
                   a->number + 1, a->symbol, a->price_exponent, a->quantity_exponent, b->number + 1, b->symbol,
                   b->price_exponent, b->quantity_exponent);
    return true;
}

static bool parts_differ(const wire_part *found, const wire_part *expected, uint32_t number,
                         char text[COMPARE_TEXT_BYTES]) {
    if (found->fault.kind != WIRE_FAULT_NONE) {
        tw_text_format(text, COMPARE_TEXT_BYTES, "part %" PRIu32 " can't be read: field %" PRIu32 " (%s)", number,
                       found->fault.field, wire_fault_text(found->fault.kind));
        return true;
    }
    if (found->kind != expected->kind) {
        tw_text_format(text, COMPARE_TEXT_BYTES,
                       "part %" PRIu32 " of the message is of another kind than the replay's", number);
        return true;
    }
    return found->kind == WIRE_PART_REPORT ? reports_differ(&found->report, &expected->report, text)
                                           : names_differ(found, expected, text);
}

static bool headers_differ(const wire_execution_header *a, const wire_execution_header *b,
                           char text[COMPARE_TEXT_BYTES]) {
    if (strcmp(a->exchange, b->exchange) == 0 && a->shard == b->shard && a->first_seq == b->first_seq &&
        a->last_seq == b->last_seq && a->part == b->part && a->parts == b->parts)
        return false;
    tw_text_format(text, COMPARE_TEXT_BYTES,
                   "it says %s shard %" PRIu32 " inputs %" PRIu64 " to %" PRIu64 " part %" PRIu32 " of %" PRIu32
                   ", the replay makes %s shard %" PRIu32 " inputs %" PRIu64 " to %" PRIu64 " part %" PRIu32
                   " of %" PRIu32,
                   a->exchange, a->shard, a->first_seq, a->last_seq, a->part, a->parts, b->exchange, b->shard,
                   b->first_seq, b->last_seq, b->part, b->parts);
    return true;
}

static size_t first_other_byte(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length) {
    size_t at = 0;
    while (at < a_length && at < b_length && a[at] == b[at])
        at++;
    return at;
}

static void say_missing(const wire_part *part, bool found, char text[COMPARE_TEXT_BYTES]) {
    const char *what = found ? "is there, the replay does not make it" : "is missing";
    if (part->kind == WIRE_PART_REPORT)
        tw_text_format(text, COMPARE_TEXT_BYTES, "report %" PRIu64 "-%" PRIu32 " %s", part->report.seq,
                       part->report.n, what);
    else
        tw_text_format(text, COMPARE_TEXT_BYTES, "a name %s", what);
}

bool executions_same(const uint8_t *found, size_t found_length, const uint8_t *expected, size_t expected_length,
                     char text[COMPARE_TEXT_BYTES]) {
    wire_executions a, b;
    wire_part x, y;
    text[0] = '\0';
    if (found_length == expected_length && memcmp(found, expected, found_length) == 0) return true;
    if (wire_executions_open(&a, found, found_length) != WIRE_OK ||
        wire_executions_open(&b, expected, expected_length) != WIRE_OK) {
        tw_text_copy(text, COMPARE_TEXT_BYTES, "it can't be read");
        return false;
    }
    if (headers_differ(&a.header, &b.header, text)) return false;
    for (uint32_t number = 1;; number++) {
        bool more_a = wire_executions_next(&a, &x), more_b = wire_executions_next(&b, &y);
        if (more_a && more_b) {
            if (parts_differ(&x, &y, number, text)) return false;
            continue;
        }
        if (more_a || more_b) {
            say_missing(more_a ? &x : &y, more_a, text);
            return false;
        }
        break;
    }
    tw_text_format(text, COMPARE_TEXT_BYTES,
                   "all values are the same, the bytes differ at offset %zu (%zu bytes, the replay makes %zu)",
                   first_other_byte(found, found_length, expected, expected_length), found_length, expected_length);
    return false;
}
