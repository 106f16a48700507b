/* Dates of sessions and names of epochs. The calendar knows the exchange's days, the zone its midnight. */
#include "ingest/day/trading_day.h"

#include "base/text.h"

void trading_day_init(trading_day *day, const struct calendar *days, const zone_rules *zone,
                      const tw_date *first_date) {
    *day = (trading_day){.calendar = days, .zone = *zone, .fixed = first_date != NULL};
    if (first_date != NULL) day->date = *first_date;
}

/* The operator's date holds for the first session; each session after it is the calendar's next. */
static bool choose_date(trading_day *day, int64_t receive_ns) {
    if (day->fixed) {
        if (day->started) day->date = calendar_next_session(day->calendar, day->date);
        return true;
    }
    if (receive_ns == TW_TIME_ABSENT) return false;
    int32_t offset = day->zone.offset_at(day->zone.context, receive_ns);
    day->date = calendar_session_at(day->calendar, receive_ns, offset);
    return true;
}

/* A session's name is bytes from outside; the epoch travels as text in every message. */
static void make_printable(char *text) {
    for (; *text != '\0'; text++)
        if (*text < '!' || *text > '~') *text = '?';
}

bool trading_day_start(trading_day *day, const char *session, int64_t receive_ns) {
    if (!choose_date(day, receive_ns)) return false;
    char date[TW_DATE_BYTES];
    tw_date_format(date, day->date);
    tw_text_format(day->epoch, sizeof day->epoch, "%s.%s", date, session[0] == '\0' ? "UNNAMED" : session);
    make_printable(day->epoch);
    day->midnight_ns = day->zone.midnight(day->zone.context, day->date);
    day->started = true;
    return true;
}
