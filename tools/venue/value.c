/* Amounts, parts and times as a person writes them. */
#include "tools/venue/value.h"

#include <string.h>

#include "base/text.h"

#define LONGEST 64

/* Cuts a known ending off a copy of the text. */
static bool ends_with(char *text, const char *ending) {
    size_t length = strlen(text), cut = strlen(ending);
    if (length <= cut || strcmp(text + length - cut, ending) != 0) return false;
    text[length - cut] = '\0';
    return true;
}

bool venue_amount_parse(const char *text, int32_t exponent, int64_t *value) {
    static const struct {
        const char *ending;
        int32_t digits;
    } suffixes[] = {{"k", 3}, {"M", 6}, {"G", 9}};
    char copy[LONGEST];
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends_with(copy, suffixes[i].ending)) {
            int64_t found; /* "2.5M" has the digits of 2.5 at a finer scale */
            if (!tw_decimal_parse(copy, exponent - suffixes[i].digits, &found)) return false;
            *value = found;
            return true;
        }
    return tw_decimal_parse(copy, exponent, value);
}

bool venue_ppm_parse(const char *text, int64_t *ppm) {
    char copy[LONGEST];
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    if (ends_with(copy, "ppm")) return tw_decimal_parse(copy, 0, ppm);
    return ends_with(copy, "%") && tw_decimal_parse(copy, -4, ppm);
}

bool venue_duration_parse(const char *text, int64_t *span_ns) {
    static const struct {
        const char *ending;
        int64_t unit_ns;
    } units[] = {
        {"ns", 1},
        {"us", 1000},
        {"ms", 1000000},
        {"s", TW_NS_PER_SECOND},
        {"m", 60 * TW_NS_PER_SECOND},
        {"h", 3600 * TW_NS_PER_SECOND},
    };
    char copy[LONGEST];
    uint64_t count;
    if (strcmp(text, "0") == 0) return *span_ns = 0, true;
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (ends_with(copy, units[i].ending) && tw_text_to_u64(copy, &count)) {
            if (count > (uint64_t)(INT64_MAX / units[i].unit_ns)) return false;
            *span_ns = (int64_t)count * units[i].unit_ns;
            return true;
        } else if (!tw_text_copy(copy, sizeof copy, text)) {
            return false;
        }
    return false;
}

/* "HH:MM" or "HH:MM:SS", to 24:00:00. */
static bool time_of_day(const char *text, int64_t *span_ns) {
    int64_t parts[3] = {0};
    size_t length = strlen(text), count = length == 5 ? 2 : 3;
    if (length != 5 && length != 8) return false;
    for (size_t i = 0; i < count; i++) {
        const char *at = text + i * 3;
        if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9' || (i > 0 && at[-1] != ':')) return false;
        parts[i] = (at[0] - '0') * 10 + at[1] - '0';
    }
    if (parts[0] > 24 || parts[1] > 59 || parts[2] > 59) return false;
    *span_ns = (parts[0] * 3600 + parts[1] * 60 + parts[2]) * TW_NS_PER_SECOND;
    return *span_ns <= TW_NS_PER_DAY;
}

bool venue_instant_parse(const char *text, tw_date date, int64_t *instant_ns) {
    char copy[LONGEST];
    int64_t span_ns;
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    char *time = copy;
    if (strlen(copy) > TW_DATE_BYTES && copy[TW_DATE_BYTES - 1] == 'T') {
        copy[TW_DATE_BYTES - 1] = '\0';
        if (!tw_date_parse(copy, &date)) return false;
        time = copy + TW_DATE_BYTES;
        if (!ends_with(time, "Z"))
            return false; /* no other zones: a mistake of hours is worse than a letter more */
    }
    if (!time_of_day(time, &span_ns)) return false;
    return tw_date_instant(date, span_ns, instant_ns);
}

void venue_money_format(char text[VENUE_MONEY_BYTES], wire_money value, int32_t exponent) {
    bool negative = value < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    int32_t places = exponent < 0 ? -exponent : 0;
    char reversed[VENUE_MONEY_BYTES];
    size_t length = 0, at = 0;
    for (int32_t i = 0; i < exponent && rest != 0 && length < 20; i++)
        reversed[length++] = '0';
    for (int32_t digit = 0; (rest != 0 || digit <= places) && length + 2 < sizeof reversed; digit++) {
        if (digit == places && places > 0) reversed[length++] = '.';
        reversed[length++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (negative) text[at++] = '-';
    while (length > 0 && at + 1 < VENUE_MONEY_BYTES)
        text[at++] = reversed[--length];
    text[at] = '\0';
}

uint64_t venue_share(uint64_t whole, uint32_t parts, uint32_t index) {
    return whole / parts + (index < whole % parts ? 1 : 0);
}

wire_money venue_share_money(wire_money whole, uint32_t parts, uint32_t index) {
    return whole / parts + ((wire_money)index < whole % parts ? 1 : 0);
}
