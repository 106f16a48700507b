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

/* The instant `span_ns` after UTC's midnight of a date. False: 64 bits of nanoseconds do not hold it (they reach from
 * 1677-09-21T00:12:43Z to 2262-04-11T23:47:16Z); *instant_ns is not touched. Dates of text and of bytes from outside
 * go through here or tw_date_midnight, never through a product. */
bool tw_date_instant(tw_date date, int64_t span_ns, int64_t *instant_ns);

/* UTC's midnight of a date, a week around which fits too: an offset of a zone and a time of day can be added. False: the
 * date is before 1677-09-29 or after 2262-04-04. */
bool tw_date_midnight(tw_date date, int64_t *midnight_ns);

/* Of seconds since 1970 and a part of one; times that do not fit become the first or the last instant that does. */
int64_t tw_instant_of_seconds(int64_t seconds, int64_t nanoseconds);

#define TW_DATE_BYTES 11
void tw_date_format(char target[TW_DATE_BYTES], tw_date date); /* "2020-01-30" */

/* "2020-01-30T08:07:14.909934345Z" */
#define TW_INSTANT_BYTES 32
void tw_instant_format(char target[TW_INSTANT_BYTES], int64_t instant_ns);

#endif
