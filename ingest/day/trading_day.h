/*
 * Which trading day a feed's session belongs to, and the name of its numbering (the epoch).
 *
 * The date comes from the operator (--session-date) or from the exchange's calendar at the time the first
 * packet was received; never from this machine's clock at some other moment, so that a standby that saw the same
 * packets names the same epoch. The next session on the same feed is the calendar's next one; if nothing came of the
 * first (the end of yesterday's was still on the line), the operator's date holds for it.
 *
 * An instance that starts later than others can't know how many sessions the operator's date is behind. So the word of
 * the one that leads goes first: if it is in a session of the same name, its date is taken; if it is still in the one
 * before and that has the operator's date or a later one, that is spent, and the next is taken.
 *
 * Pure: the zone's rules come in through functions.
 */
#ifndef TICKWIRE_INGEST_DAY_TRADING_DAY_H
#define TICKWIRE_INGEST_DAY_TRADING_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/market.h"
#include "ingest/day/calendar.h"

/* The exchange's time zone (runtime/time_zone.h fills it in). */
typedef struct zone_rules {
    void *context;
    int32_t (*offset_at)(void *context, int64_t instant_ns); /* seconds east of UTC */
    /* UTC instant of local midnight; false: of a date that has none (tw_date_midnight) */
    bool (*midnight)(void *context, tw_date date, int64_t *midnight_ns);
} zone_rules;

typedef struct trading_day {
    const calendar *calendar;
    zone_rules zone;
    bool fixed;   /* the operator named the first date */
    tw_date date; /* meaningful once started */
    bool started;
    int64_t midnight_ns;        /* UTC instant that event times count from */
    char epoch[TW_EPOCH_BYTES]; /* "2020-01-30.SESSION" */
} trading_day;

/* `first_date` NULL: by the calendar at the first packet's time. The calendar is borrowed. */
void trading_day_init(trading_day *day, const struct calendar *days, const zone_rules *zone,
                      const tw_date *first_date);

/* A session begins: the first, or the next. Its name is ("FILE" for a recording without names). False if
 * there is neither a date from the operator nor a receive time to find one by (receive_ns TW_TIME_ABSENT), or the date
 * is one that instants do not reach. */
typedef struct trading_day_session {
    const char *name;
    int64_t receive_ns;        /* of its first packet */
    const char *leaders_epoch; /* of the instance that leads, not this one; NULL or "": nobody is heard */
    bool leader_is_empty;      /* it has had no message in that epoch */
    bool last_was_empty;       /* no message came of the session before */
} trading_day_session;
bool trading_day_start(trading_day *day, const trading_day_session *session);

#endif
