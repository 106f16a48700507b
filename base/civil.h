/*
 * Dates and times without a clock and without a time zone database: pure arithmetic on the
 * proleptic Gregorian calendar. All instants are int64_t nanoseconds since 1970-01-01T00:00:00Z.
 */
#ifndef TICKWIRE_BASE_CIVIL_H
#define TICKWIRE_BASE_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TW_NS_PER_SECOND INT64_C(1000000000)
#define TW_NS_PER_DAY    (INT64_C(86400) * TW_NS_PER_SECOND)

typedef struct tw_date {
    int16_t year;
    uint8_t month; /* 1 to 12 */
    uint8_t day;   /* 1 to 31 */
} tw_date;

int64_t tw_date_to_days(tw_date date); /* days since 1970-01-01 */
tw_date tw_date_from_days(int64_t days);
int tw_date_weekday(tw_date date);                   /* 0 Sunday to 6 Saturday */
int tw_date_compare(tw_date a, tw_date b);           /* below, equal to, above 0 */
bool tw_date_parse(const char *text, tw_date *date); /* exactly YYYY-MM-DD and a date that exists */

#define TW_DATE_BYTES 11
void tw_date_format(char target[TW_DATE_BYTES], tw_date date); /* "2020-01-30" */

/* "2020-01-30T08:07:14.909934345Z" */
#define TW_INSTANT_BYTES 32
void tw_instant_format(char target[TW_INSTANT_BYTES], int64_t instant_ns);

#endif
