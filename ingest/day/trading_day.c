/* Dates of sessions and names of epochs. The calendar knows the exchange's days, the zone its midnight. */
#include "ingest/day/trading_day.h"

#include <string.h>

#include "base/text.h"

void trading_day_init(trading_day *day, const struct calendar *days, const zone_rules *zone,
                      const tw_date *first_date) {
    *day = (trading_day){.calendar = days, .zone = *zone, .fixed = first_date != NULL};
    if (first_date != NULL) day->date = *first_date;
}

/* A session's name is bytes from outside; the epoch travels as text in every message. */
static void make_printable(char *text) {
    for (; *text != '\0'; text++)
        if (*text < '!' || *text > '~') *text = '?';
}

static void name_epoch(char epoch[TW_EPOCH_BYTES], tw_date of, const char *session) {
    char date[TW_DATE_BYTES];
    tw_date_format(date, of);
    tw_text_format(epoch, TW_EPOCH_BYTES, "%s.%s", date, session[0] == '\0' ? "UNNAMED" : session);
    make_printable(epoch);
}

/* The date of the leader's session, which may be another; false: nobody leads. */
static bool leaders_date(const trading_day_session *session, tw_date *date) {
    char text[TW_DATE_BYTES];
    const char *theirs = session->leaders_epoch;
    if (theirs == NULL || strlen(theirs) < TW_DATE_BYTES) return false;
    memcpy(text, theirs, TW_DATE_BYTES - 1);
    text[TW_DATE_BYTES - 1] = '\0';
    int64_t midnight_ns; /* a word of the bus: a date that has none is not believed */
    return tw_date_parse(text, date) && tw_date_midnight(*date, &midnight_ns);
}

static bool is_leaders_session(const trading_day_session *session, tw_date date) {
    char mine[TW_EPOCH_BYTES];
    name_epoch(mine, date, session->name);
    return strcmp(mine, session->leaders_epoch) == 0;
}

/* The operator's date holds for the first session that has messages; each session after it is the calendar's next. */
static bool choose_date(trading_day *day, const trading_day_session *session) {
    tw_date date;
    bool led = leaders_date(session, &date);
    if (led && is_leaders_session(session, date)) {
        day->date = date;
        return true;
    }
    if (day->fixed) {
        bool spent = led && !session->leader_is_empty && tw_date_to_days(date) >= tw_date_to_days(day->date);
        if (!day->started && spent)
            day->date = calendar_next_session(day->calendar, date);
        else if (day->started && !session->last_was_empty)
            day->date = calendar_next_session(day->calendar, day->date);
        return true;
    }
    if (session->receive_ns == TW_TIME_ABSENT) return false;
    int32_t offset = day->zone.offset_at(day->zone.context, session->receive_ns);
    day->date = calendar_session_at(day->calendar, session->receive_ns, offset);
    return true;
}

bool trading_day_start(trading_day *day, const trading_day_session *session) {
    if (!choose_date(day, session) || !day->zone.midnight(day->zone.context, day->date, &day->midnight_ns))
        return false;
    name_epoch(day->epoch, day->date, session->name);
    day->started = true;
    return true;
}
