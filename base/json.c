/* Writes JSON into the caller's buffer. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/market.h"
#include "base/text.h"
#include "base/utf8.h"

void json_start(json_writer *writer, char *text, size_t capacity) {
    *writer = (json_writer){.text = text, .capacity = capacity};
}

bool json_finish(json_writer *writer) {
    bool whole = writer->length < writer->capacity;
    if (writer->capacity > 0) writer->text[whole ? writer->length : writer->capacity - 1] = '\0';
    return whole;
}

size_t json_needed(const json_writer *writer) {
    return writer->length + 1;
}

/* Writes as much as fits (a byte stays for NUL) and counts all. */
static void append(json_writer *writer, const char *bytes, size_t length) {
    if (writer->length < writer->capacity) {
        size_t room = writer->capacity - 1 - writer->length;
        memcpy(writer->text + writer->length, bytes, length < room ? length : room);
    }
    writer->length += length;
}

static void append_byte(json_writer *writer, char byte) {
    append(writer, &byte, 1);
}

static void append_code(json_writer *writer, unsigned char byte) {
    static const char hex[] = "0123456789abcdef";
    const char code[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    append(writer, code, sizeof code);
}

static void append_escape(json_writer *writer, unsigned char byte) {
    switch (byte) {
    case '"':
        append(writer, "\\\"", 2);
        break;
    case '\\':
        append(writer, "\\\\", 2);
        break;
    case '\n':
        append(writer, "\\n", 2);
        break;
    case '\r':
        append(writer, "\\r", 2);
        break;
    case '\t':
        append(writer, "\\t", 2);
        break;
    default:
        append_code(writer, byte);
    }
}

static bool is_plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void append_quoted(json_writer *writer, const char *value) {
    const unsigned char *p = (const unsigned char *)value;
    append_byte(writer, '"');
    while (*p != '\0') {
        size_t length = 0;
        while (is_plain(p[length]))
            length++;
        if (length == 0 && *p >= 0x80) length = tw_utf8_length(p);
        if (length == 0) {
            append_escape(writer, *p++);
        } else {
            append(writer, (const char *)p, length);
            p += length;
        }
    }
    append_byte(writer, '"');
}

/* What stands before a value: a comma if it is not the first, its name if it has one. */
static void begin_value(json_writer *writer, const char *name) {
    if (writer->comma) append_byte(writer, ',');
    writer->comma = true;
    if (name == NULL) return;
    append_quoted(writer, name);
    append_byte(writer, ':');
}

static void begin_group(json_writer *writer, const char *name, char bracket) {
    begin_value(writer, name);
    append_byte(writer, bracket);
    writer->comma = false;
}

static void end_group(json_writer *writer, char bracket) {
    append_byte(writer, bracket);
    writer->comma = true;
}

void json_open_object(json_writer *writer, const char *name) {
    begin_group(writer, name, '{');
}

void json_close_object(json_writer *writer) {
    end_group(writer, '}');
}

void json_open_array(json_writer *writer, const char *name) {
    begin_group(writer, name, '[');
}

void json_close_array(json_writer *writer) {
    end_group(writer, ']');
}

static void put_text(json_writer *writer, const char *name, const char *text, size_t length) {
    begin_value(writer, name);
    append(writer, text, length);
}

static void put_quoted_number(json_writer *writer, const char *name, const char *text, size_t length) {
    begin_value(writer, name);
    append_byte(writer, '"');
    append(writer, text, length);
    append_byte(writer, '"');
}

void json_string(json_writer *writer, const char *name, const char *value) {
    if (value == NULL) {
        json_null(writer, name);
        return;
    }
    begin_value(writer, name);
    append_quoted(writer, value);
}

/* tw_decimal_format calls one value absent; a plain number has no such value. */
static size_t format_i64(char text[TW_DECIMAL_BYTES], int64_t value) {
    text[0] = '-';
    if (value >= 0) return tw_decimal_format_u64(text, TW_DECIMAL_BYTES, (uint64_t)value, 0);
    return 1 + tw_decimal_format_u64(text + 1, TW_DECIMAL_BYTES - 1, 0 - (uint64_t)value, 0);
}

void json_u64(json_writer *writer, const char *name, uint64_t value) {
    char text[TW_DECIMAL_BYTES];
    put_text(writer, name, text, tw_decimal_format_u64(text, sizeof text, value, 0));
}

void json_i64(json_writer *writer, const char *name, int64_t value) {
    char text[TW_DECIMAL_BYTES];
    put_text(writer, name, text, format_i64(text, value));
}

/* JSON has no words for "not a number" and infinity: null. */
void json_f64(json_writer *writer, const char *name, double value) {
    char text[40];
    if (!isfinite(value)) {
        json_null(writer, name);
        return;
    }
    tw_text_format(text, sizeof text, "%.15g", value);
    char *comma = strchr(text, ','); /* a locale of the program's user */
    if (comma != NULL) *comma = '.';
    put_text(writer, name, text, strlen(text));
}

void json_bool(json_writer *writer, const char *name, bool value) {
    put_text(writer, name, value ? "true" : "false", value ? 4 : 5);
}

void json_null(json_writer *writer, const char *name) {
    put_text(writer, name, "null", 4);
}

void json_raw(json_writer *writer, const char *name, const char *json) {
    put_text(writer, name, json, strlen(json));
}

void json_u64_string(json_writer *writer, const char *name, uint64_t value) {
    char text[TW_DECIMAL_BYTES];
    put_quoted_number(writer, name, text, tw_decimal_format_u64(text, sizeof text, value, 0));
}

void json_i64_string(json_writer *writer, const char *name, int64_t value) {
    char text[TW_DECIMAL_BYTES];
    put_quoted_number(writer, name, text, format_i64(text, value));
}

void json_decimal(json_writer *writer, const char *name, int64_t value, int32_t exponent) {
    char text[TW_DECIMAL_BYTES];
    if (value == TW_PRICE_ABSENT) {
        json_null(writer, name);
        return;
    }
    put_quoted_number(writer, name, text, tw_decimal_format(text, sizeof text, value, exponent));
}

void json_decimal_u64(json_writer *writer, const char *name, uint64_t value, int32_t exponent) {
    char text[TW_DECIMAL_BYTES];
    put_quoted_number(writer, name, text, tw_decimal_format_u64(text, sizeof text, value, exponent));
}
