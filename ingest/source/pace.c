/* Turns the distance between two stamps of a recording into a distance on today's clock. */
#include "ingest/source/pace.h"

#include <stddef.h>
#include <string.h>

#define PACE_MAX_DECIMALS 9
#define PACE_MAX_SPEED    1000000000u

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* "4", "0.25", ".5" as numerator over a power of ten; the text after it. NULL if there is no number in range. */
static const char *parse_fraction(const char *text, uint64_t *numerator, uint64_t *denominator) {
    bool digits = false;
    *numerator = 0;
    *denominator = 1;
    for (; is_digit(*text); text++, digits = true) {
        *numerator = *numerator * 10 + (uint64_t)(*text - '0');
        if (*numerator > PACE_MAX_SPEED) return NULL;
    }
    if (*text == '.') {
        int decimals = 0;
        for (text++; is_digit(*text); text++, digits = true) {
            if (++decimals > PACE_MAX_DECIMALS) return NULL;
            *numerator = *numerator * 10 + (uint64_t)(*text - '0');
            *denominator *= 10;
        }
        if (decimals == 0) return NULL;
    }
    return digits ? text : NULL;
}

bool pace_parse(const char *text, pace *out) {
    pace parsed = {.limited = true, .numerator = 1, .denominator = 1};
    if (strcmp(text, "max") == 0) {
        parsed.limited = false;
    } else if (strcmp(text, "recorded") != 0) {
        const char *end = parse_fraction(text, &parsed.numerator, &parsed.denominator);
        if (end == NULL || strcmp(end, "x") != 0 || parsed.numerator == 0) return false;
    }
    *out = parsed;
    return true;
}

int64_t pace_due_ns(pace *at, int64_t event_ns, int64_t now_ns) {
    __int128 elapsed, due;
    if (!at->started) {
        at->started = true;
        at->first_event_ns = event_ns;
        at->first_now_ns = now_ns;
    }
    if (!at->limited) return now_ns;
    elapsed = (__int128)event_ns - at->first_event_ns;
    if (elapsed < 0) elapsed = 0;
    /* below 2^64 times 10^9: far inside 128 bits */
    due = at->first_now_ns + elapsed * (__int128)at->denominator / (__int128)at->numerator;
    return due > INT64_MAX ? INT64_MAX : (int64_t)due;
}
