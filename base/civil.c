/* Calendar arithmetic on the proleptic Gregorian calendar. */
#include "base/civil.h"

#include <string.h>

#include "base/text.h"

/* Days from 0001-01-01 to 1970-01-01. */
#define DAYS_TO_1970 719162

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to January 1st of `year`. */
static int64_t days_to_year(int64_t year) {
    int64_t before = year - 1;
    return 365 * before + floor_divide(before, 4) - floor_divide(before, 100) + floor_divide(before, 400) -
           DAYS_TO_1970;
}

/* Days of the year before the first of `month` (13: the length of the year). */
static int days_before_month(int month, bool leap) {
    static const int16_t days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return days[month - 1] + (leap && month > 2);
}

int64_t tw_date_to_days(tw_date date) {
    return days_to_year(date.year) + days_before_month(date.month, is_leap(date.year)) + date.day - 1;
}

/* Days whose year is outside of int16_t become the first or the last date that can be held. */
tw_date tw_date_from_days(int64_t days) {
    if (days < days_to_year(INT16_MIN)) days = days_to_year(INT16_MIN);
    if (days >= days_to_year(INT16_MAX + 1)) days = days_to_year(INT16_MAX + 1) - 1;
    int64_t year = 1970 + floor_divide(days * 400, 146097); /* 400 years have 146,097 days; off by one at most */
    while (days_to_year(year) > days)
        year--;
    while (days_to_year(year + 1) <= days)
        year++;
    int day = (int)(days - days_to_year(year)), month = 12;
    while (days_before_month(month, is_leap(year)) > day)
        month--;
    return (tw_date){(int16_t)year, (uint8_t)month, (uint8_t)(day - days_before_month(month, is_leap(year)) + 1)};
}

bool tw_date_instant(tw_date date, int64_t span_ns, int64_t *instant_ns) {
    __int128 instant = (__int128)tw_date_to_days(date) * TW_NS_PER_DAY + span_ns;
    if (instant < INT64_MIN || instant > INT64_MAX) return false;
    *instant_ns = (int64_t)instant;
    return true;
}

bool tw_date_midnight(tw_date date, int64_t *midnight_ns) {
    int64_t edge_ns;
    return tw_date_instant(date, -7 * TW_NS_PER_DAY, &edge_ns) &&
           tw_date_instant(date, 7 * TW_NS_PER_DAY, &edge_ns) && tw_date_instant(date, 0, midnight_ns);
}

int64_t tw_instant_of_seconds(int64_t seconds, int64_t nanoseconds) {
    int64_t instant_ns;
    if (__builtin_mul_overflow(seconds, TW_NS_PER_SECOND, &instant_ns) ||
        __builtin_add_overflow(instant_ns, nanoseconds, &instant_ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return instant_ns;
}

int tw_date_weekday(tw_date date) {
    int64_t since_sunday = tw_date_to_days(date) + 4; /* 1970-01-01 was a Thursday */
    return (int)(since_sunday - 7 * floor_divide(since_sunday, 7));
}

int tw_date_compare(tw_date a, tw_date b) {
    if (a.year != b.year) return a.year < b.year ? -1 : 1;
    if (a.month != b.month) return a.month < b.month ? -1 : 1;
    return (a.day > b.day) - (a.day < b.day);
}

bool tw_date_parse(const char *text, tw_date *date) {
    static const char shape[] = "dddd-dd-dd";
    int number[3] = {0}, part = 0;
    for (size_t i = 0; i < sizeof shape; i++) {
        if (shape[i] == 'd') {
            if (text[i] < '0' || text[i] > '9') return false;
            number[part] = number[part] * 10 + (text[i] - '0');
        } else {
            if (text[i] != shape[i]) return false;
            part++;
        }
    }
    if (number[1] < 1 || number[1] > 12 || number[2] < 1) return false;
    bool leap = is_leap(number[0]);
    if (number[2] > days_before_month(number[1] + 1, leap) - days_before_month(number[1], leap)) return false;
    *date = (tw_date){(int16_t)number[0], (uint8_t)number[1], (uint8_t)number[2]};
    return true;
}

void tw_date_format(char target[TW_DATE_BYTES], tw_date date) {
    tw_text_format(target, TW_DATE_BYTES, "%04d-%02d-%02d", date.year, date.month, date.day);
}

void tw_instant_format(char target[TW_INSTANT_BYTES], int64_t instant_ns) {
    int64_t days = floor_divide(instant_ns, TW_NS_PER_DAY);
    tw_date date = tw_date_from_days(days);
    /* days * TW_NS_PER_DAY may leave 64 bits for the earliest instants, the remainder does not */
    int64_t ns = instant_ns % TW_NS_PER_DAY;
    if (ns < 0) ns += TW_NS_PER_DAY;
    int seconds = (int)(ns / TW_NS_PER_SECOND);
    tw_text_format(target, TW_INSTANT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", date.year, date.month, date.day,
                   seconds / 3600, seconds / 60 % 60, seconds % 60, (int)(ns % TW_NS_PER_SECOND));
}
