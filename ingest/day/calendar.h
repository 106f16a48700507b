/*
 * Trading days of an exchange: which dates are sessions, when they start and end. Pure.
 *
 * Built in: the US equities calendar by its rules (holidays, observed dates, early closes at 13:00) and the
 * list of one-off closures; an operator's file adds to or overrides it. Instants need the zone's offset, which
 * the caller looks up (runtime/time_zone.h), because daylight saving rules are the system's business.
 *
 * Source: NYSE rule 7.2 and Nasdaq rule 4617 / Equity 1 section 1 holiday lists.
 */
#ifndef TICKWIRE_INGEST_DAY_CALENDAR_H
#define TICKWIRE_INGEST_DAY_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/error.h"

typedef enum calendar_day {
    CALENDAR_SESSION,
    CALENDAR_EARLY_CLOSE,
    CALENDAR_HOLIDAY,
    CALENDAR_WEEKEND
} calendar_day;

typedef struct calendar_exception {
    tw_date date;
    calendar_day kind;
    int32_t close_seconds; /* since midnight, for CALENDAR_EARLY_CLOSE */
} calendar_exception;

#define CALENDAR_MAX_EXCEPTIONS 512

typedef struct calendar {
    char mic[5];
    char zone[40];         /* IANA name: "America/New_York" */
    bool weekends_trade;   /* true: every day is a session (crypto) */
    bool us_holidays;      /* the built-in rules apply */
    int32_t open_seconds;  /* since midnight, regular hours: 34200 */
    int32_t close_seconds; /* 57600 */
    int32_t roll_seconds;  /* a session belongs to this date from here on: 0 (midnight) for US equities */
    uint32_t exception_count;
    calendar_exception exceptions[CALENDAR_MAX_EXCEPTIONS];
} calendar;

/* The built-in calendar of a MIC (XNAS, XBOS, XPSX, XNYS, ARCX, IEXG, MEMX, BATS, BATY, EDGA, EDGX; TWEX trades
 * every day, UTC). TW_NOT_FOUND names the nearest one. */
tw_code calendar_builtin(const char *mic, calendar *out, tw_error *error);

/* One line of an operator's file: "2025-01-09 closed National Day of Mourning", "2025-07-03 early 13:00",
 * "2025-07-05 open"; "#" starts a comment, blank lines are fine. TW_INVALID names what is wrong; TW_FULL. */
tw_code calendar_add_line(calendar *calendar, const char *line, tw_error *error);

calendar_day calendar_day_of(const calendar *calendar, tw_date date);
int32_t calendar_close_seconds(const calendar *calendar, tw_date date);

/* The first session on or after `date`; the first one after it. */
tw_date calendar_session_on_or_after(const calendar *calendar, tw_date date);
tw_date calendar_next_session(const calendar *calendar, tw_date date);

/* The session that an instant belongs to, given the zone's offset from UTC (seconds, east positive) at it:
 * its local date, or the next session if that date is none. */
tw_date calendar_session_at(const calendar *calendar, int64_t instant_ns, int32_t utc_offset_seconds);

#endif
