/* Text that cannot overflow, and numbers as people read them. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/market.h"

bool tw_text_copy(char *target, size_t capacity, const char *source) {
    TW_ASSERT(capacity > 0);
    size_t length = strlen(source);
    bool whole = length < capacity;
    if (!whole) length = capacity - 1;
    memmove(target, source, length);
    target[length] = '\0';
    return whole;
}

bool tw_text_format(char *target, size_t capacity, const char *format, ...) {
    TW_ASSERT(capacity > 0);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(target, capacity, format, arguments);
    va_end(arguments);
    if (length < 0) target[0] = '\0';
    return length >= 0 && (size_t)length < capacity;
}

/* Adds a digit to `value`; false if that leaves 64 bits. */
static bool push_digit(uint64_t *value, char c) {
    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, (uint64_t)(c - '0'), value);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool tw_text_to_u64(const char *text, uint64_t *value) {
    uint64_t result = 0;
    if (*text == '\0') return false;
    for (; *text != '\0'; text++)
        if (!is_digit(*text) || !push_digit(&result, *text)) return false;
    *value = result;
    return true;
}

/* A magnitude and a sign as a signed number; false if it does not fit. */
static bool with_sign(uint64_t magnitude, bool negative, int64_t *value) {
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool tw_text_to_i64(const char *text, int64_t *value) {
    bool negative = *text == '-';
    uint64_t magnitude;
    return tw_text_to_u64(text + negative, &magnitude) && with_sign(magnitude, negative, value);
}

/* Beyond this many places a plain decimal would not fit TW_DECIMAL_BYTES: such (absurd) exponents are
 * written in scientific notation, which is as exact. */
#define MOST_PLACES 24

/* Writes the digits of `magnitude`, at least `least` of them; returns how many. */
static size_t put_digits(char *target, uint64_t magnitude, size_t least) {
    char reversed[MOST_PLACES + 2];
    size_t count = 0;
    while (magnitude != 0 || count < least) {
        reversed[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    for (size_t i = 0; i < count; i++)
        target[i] = reversed[count - 1 - i];
    return count;
}

static size_t put_decimal(char text[TW_DECIMAL_BYTES], uint64_t magnitude, bool negative, int32_t exponent) {
    size_t length = 0;
    if (negative) text[length++] = '-';
    if (exponent < -MOST_PLACES || exponent > MOST_PLACES) {
        length += put_digits(text + length, magnitude, 1);
        return length + (size_t)snprintf(text + length, TW_DECIMAL_BYTES - length, "e%d", exponent);
    }
    if (exponent >= 0) {
        length += put_digits(text + length, magnitude, 1);
        for (int32_t i = 0; i < exponent && magnitude != 0; i++)
            text[length++] = '0';
        text[length] = '\0';
        return length;
    }
    size_t places = (size_t)-exponent;
    length += put_digits(text + length, magnitude, places + 1);
    memmove(text + length - places + 1, text + length - places, places);
    text[length - places] = '.';
    text[++length] = '\0';
    return length;
}

static size_t copy_decimal(char *target, size_t capacity, const char *text, size_t length) {
    return tw_text_copy(target, capacity, text) ? length : capacity - 1;
}

size_t tw_decimal_format(char *target, size_t capacity, int64_t value, int32_t exponent) {
    char text[TW_DECIMAL_BYTES] = "";
    if (value == TW_PRICE_ABSENT) return copy_decimal(target, capacity, text, 0);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return copy_decimal(target, capacity, text, put_decimal(text, magnitude, value < 0, exponent));
}

size_t tw_decimal_format_u64(char *target, size_t capacity, uint64_t value, int32_t exponent) {
    char text[TW_DECIMAL_BYTES] = "";
    return copy_decimal(target, capacity, text, put_decimal(text, value, false, exponent));
}

/* Brings digits with `places` decimals to the scale of `exponent`; false if that loses digits or overflows. */
static bool rescale(uint64_t *magnitude, int64_t places, int64_t exponent) {
    int64_t shift = -places - exponent; /* the value is magnitude * 10^(shift) in units of 10^exponent */
    if (*magnitude == 0) return true;
    for (; shift > 0; shift--)
        if (!push_digit(magnitude, '0')) return false;
    for (; shift < 0; shift++) {
        if (*magnitude % 10 != 0) return false;
        *magnitude /= 10;
    }
    return true;
}

bool tw_decimal_parse(const char *text, int32_t exponent, int64_t *value) {
    bool negative = *text == '-', point = false;
    int64_t places = 0;
    uint64_t magnitude = 0;
    if (!is_digit(text[negative])) return false;
    for (const char *c = text + negative; *c != '\0'; c++) {
        if (*c == '.' && !point && is_digit(c[1])) {
            point = true;
        } else {
            if (!is_digit(*c) || !push_digit(&magnitude, *c)) return false;
            places += point;
        }
    }
    if (places > 0 && places > -(int64_t)exponent) return false;
    int64_t result;
    if (!rescale(&magnitude, places, exponent) || !with_sign(magnitude, negative, &result)) return false;
    if (result == TW_PRICE_ABSENT) return false; /* that value means something else */
    *value = result;
    return true;
}

/* Names that people mistype are short; longer ones are only compared for being equal. */
#define LONGEST_COMPARED 127

static size_t least_of(size_t a, size_t b, size_t c) {
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

size_t tw_text_distance(const char *a, const char *b, size_t limit) {
    size_t row[LONGEST_COMPARED + 1]; /* row[j]: distance of the part of a so far to the first j bytes of b */
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST_COMPARED || b_length > LONGEST_COMPARED) return strcmp(a, b) == 0 ? 0 : limit;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length] < limit ? row[b_length] : limit;
}
