/*
 * Writes JSON into the caller's buffer: no allocation, commas and escapes taken care of.
 * If the buffer is too small, the writer goes on counting and json_finish says so. RFC 8259.
 *
 *   json_writer w;
 *   json_start(&w, line, sizeof line);
 *   json_open_object(&w, NULL);
 *   json_u64(&w, "seq", 17);
 *   json_open_array(&w, "bids"); ... json_close_array(&w);
 *   json_close_object(&w);
 *   if (!json_finish(&w)) ... too small, json_needed(&w) bytes would do
 */
#ifndef TICKWIRE_BASE_JSON_H
#define TICKWIRE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json_writer {
    char *text;
    size_t capacity;
    size_t length; /* that the text has or would have, without NUL */
    bool comma;    /* the next value needs one before it */
} json_writer;

void json_start(json_writer *writer, char *text, size_t capacity);
bool json_finish(json_writer *writer); /* NUL terminates; false: it was cut */
size_t json_needed(const json_writer *writer);

/* `name` NULL: an element of an array, or the outermost value. */
void json_open_object(json_writer *writer, const char *name);
void json_close_object(json_writer *writer);
void json_open_array(json_writer *writer, const char *name);
void json_close_array(json_writer *writer);
void json_string(json_writer *writer, const char *name,
                 const char *value); /* bytes that are not UTF-8 are written as \u00XX */
void json_u64(json_writer *writer, const char *name, uint64_t value);
void json_i64(json_writer *writer, const char *name, int64_t value);
void json_f64(json_writer *writer, const char *name, double value); /* not for money */
void json_bool(json_writer *writer, const char *name, bool value);
void json_null(json_writer *writer, const char *name);
void json_raw(json_writer *writer, const char *name, const char *json); /* a value that is JSON already */
/* Numbers that lose digits in JavaScript travel as strings: nanoseconds, ids. */
void json_u64_string(json_writer *writer, const char *name, uint64_t value);
void json_i64_string(json_writer *writer, const char *name, int64_t value);
/* A scaled integer as a decimal string ("189.1200"); an absent price is null. */
void json_decimal(json_writer *writer, const char *name, int64_t value, int32_t exponent);
void json_decimal_u64(json_writer *writer, const char *name, uint64_t value, int32_t exponent);

#endif
