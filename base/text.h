/*
 * Text that cannot overflow, and numbers as people read them.
 * These are the project's only doors to sprintf-like and copy functions of libc.
 */
#ifndef TICKWIRE_BASE_TEXT_H
#define TICKWIRE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies `source` into `target` of `capacity` bytes, always NUL terminated (capacity > 0).
 * Returns false if it had to be cut. */
bool tw_text_copy(char *target, size_t capacity, const char *source);

/* printf into `target`; always NUL terminated. Returns false if it had to be cut. */
bool tw_text_format(char *target, size_t capacity, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Parses a whole decimal number. False if `text` is empty, has other characters, or is out of range. */
bool tw_text_to_u64(const char *text, uint64_t *value);
bool tw_text_to_i64(const char *text, int64_t *value);

/* A scaled integer as a decimal string: (1891200, -4) is "189.1200", (-5, -2) is "-0.05", (3, 0) is "3",
 * (3, 2) is "300". TW_PRICE_ABSENT is "". `capacity` of TW_DECIMAL_BYTES always suffices.
 * Returns the length without NUL. */
#define TW_DECIMAL_BYTES 48
size_t tw_decimal_format(char *target, size_t capacity, int64_t value, int32_t exponent);
size_t tw_decimal_format_u64(char *target, size_t capacity, uint64_t value, int32_t exponent);

/* The reverse: "189.12" with exponent -4 is 1891200. False if it is not a decimal number, does not fit,
 * or has more decimals than the exponent keeps (nothing is rounded silently). */
bool tw_decimal_parse(const char *text, int32_t exponent, int64_t *value);

/* Levenshtein distance, at most `limit` (then `limit` is returned); for "did you mean". */
size_t tw_text_distance(const char *a, const char *b, size_t limit);

#endif
