/*
 * The US equities calendar by its rules, and an operator's exceptions on top. Rules, not tables, because they
 * are what the exchanges publish; only what no rule gives (storms, funerals) is a list.
 */
#include "ingest/day/calendar.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

#define EARLY_CLOSE_SECONDS (13 * 3600)

/* A session must come within this many days, however full of exceptions a calendar is. */
#define MAX_DAYS_TO_A_SESSION (CALENDAR_MAX_EXCEPTIONS + 400)

/* ---- US holidays ---- */

/* Days on which the markets were closed for one occasion. */
static const tw_date one_off_closures[] = {
    {2001, 9, 11},  {2001, 9, 12},  {2001, 9, 13}, {2001, 9, 14}, /* the attacks of September 11 */
    {2004, 6, 11},                                                /* mourning for R. Reagan */
    {2007, 1, 2},                                                 /* mourning for G. Ford */
    {2012, 10, 29}, {2012, 10, 30},                               /* hurricane Sandy */
    {2018, 12, 5},                                                /* mourning for G. H. W. Bush */
    {2025, 1, 9},                                                 /* mourning for J. Carter */
};

static bool is_one_off_closure(tw_date date) {
    for (size_t i = 0; i < sizeof one_off_closures / sizeof *one_off_closures; i++) {
        if (tw_date_compare(one_off_closures[i], date) == 0) return true;
    }
    return false;
}

static bool is_nth_weekday(tw_date date, int month, int weekday, int nth) {
    return date.month == month && tw_date_weekday(date) == weekday && (date.day - 1) / 7 + 1 == nth;
}

static bool is_last_monday_of_may(tw_date date) {
    return date.month == 5 && tw_date_weekday(date) == 1 && date.day > 24;
}

/* A fixed date: kept on Friday if it is a Saturday, on Monday if it is a Sunday. */
static bool is_observed(tw_date date, int month, int day) {
    int weekday = tw_date_weekday(date);
    if (date.month == month && date.day == day) return weekday != 0 && weekday != 6;
    tw_date other = tw_date_from_days(tw_date_to_days(date) + (weekday == 5 ? 1 : -1));
    return (weekday == 5 || weekday == 1) && other.month == month && other.day == day;
}

/* New Year on a Saturday is not made up for on the Friday, the last day of the accounting year. */
static bool is_new_year(tw_date date) {
    return date.month == 1 && is_observed(date, 1, 1);
}

/* Good Friday is two days before Easter Sunday (Gregorian computus in Gauss's terms: golden number, epact). */
static bool is_good_friday(tw_date date) {
    int century = date.year / 100;
    int golden = date.year % 19;
    int epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    int weekday = (32 + 2 * (century % 4) + 2 * (date.year % 100 / 4) - epact - date.year % 100 % 4) % 7;
    int late = (golden + 11 * epact + 22 * weekday) / 451;
    int from_march_22 = epact + weekday - 7 * late;
    tw_date march_22 = {date.year, 3, 22};
    return tw_date_to_days(date) == tw_date_to_days(march_22) + from_march_22 - 2;
}

static bool is_us_holiday(tw_date date) {
    return is_new_year(date) || is_nth_weekday(date, 1, 1, 3) /* Martin Luther King */
           || is_nth_weekday(date, 2, 1, 3)                   /* Washington's birthday */
           || is_good_friday(date) || is_last_monday_of_may(date) ||
           (date.year >= 2022 && is_observed(date, 6, 19)) /* Juneteenth, kept by the exchanges since 2022 */
           || is_observed(date, 7, 4) || is_nth_weekday(date, 9, 1, 1) /* Labor Day */
           || is_nth_weekday(date, 11, 4, 4)                           /* Thanksgiving */
           || is_observed(date, 12, 25) || is_one_off_closure(date);
}

/* 13:00: the day before Independence Day and before Christmas, the day after Thanksgiving; asked only of sessions.
 * A July 3 on a Friday is the holiday itself, and so is a Christmas Eve on a Friday. Until 2012 a July 3 on a
 * Wednesday was a full day (the shortened one was the Friday behind the holiday). */
static bool is_us_early_close(tw_date date) {
    if (date.month == 7 && date.day == 3) return date.year >= 2013 || tw_date_weekday(date) != 3;
    if (date.month == 7 && date.day == 5) return date.year < 2013 && tw_date_weekday(date) == 5;
    if (date.month == 12 && date.day == 24) return true;
    return date.month == 11 && tw_date_weekday(date) == 5 && date.day >= 23 && date.day <= 29;
}

/* ---- a day ---- */

static const calendar_exception *find_exception(const calendar *c, tw_date date) {
    for (uint32_t i = c->exception_count; i > 0; i--) { /* the last line about a date wins */
        if (tw_date_compare(c->exceptions[i - 1].date, date) == 0) return &c->exceptions[i - 1];
    }
    return NULL;
}

calendar_day calendar_day_of(const calendar *c, tw_date date) {
    const calendar_exception *exception = find_exception(c, date);
    if (exception != NULL) return exception->kind;
    int weekday = tw_date_weekday(date);
    if (!c->weekends_trade && (weekday == 0 || weekday == 6)) return CALENDAR_WEEKEND;
    if (!c->us_holidays) return CALENDAR_SESSION;
    if (is_us_holiday(date)) return CALENDAR_HOLIDAY;
    return is_us_early_close(date) ? CALENDAR_EARLY_CLOSE : CALENDAR_SESSION;
}

int32_t calendar_close_seconds(const calendar *c, tw_date date) {
    const calendar_exception *exception = find_exception(c, date);
    if (exception != NULL)
        return exception->kind == CALENDAR_EARLY_CLOSE ? exception->close_seconds : c->close_seconds;
    return calendar_day_of(c, date) == CALENDAR_EARLY_CLOSE ? EARLY_CLOSE_SECONDS : c->close_seconds;
}

tw_date calendar_session_on_or_after(const calendar *c, tw_date date) {
    int64_t days = tw_date_to_days(date);
    for (int i = 0; i < MAX_DAYS_TO_A_SESSION; i++) {
        tw_date candidate = tw_date_from_days(days + i);
        calendar_day kind = calendar_day_of(c, candidate);
        if (kind == CALENDAR_SESSION || kind == CALENDAR_EARLY_CLOSE) return candidate;
    }
    return date; /* not reached: there are fewer exceptions than days looked at */
}

tw_date calendar_next_session(const calendar *c, tw_date date) {
    return calendar_session_on_or_after(c, tw_date_from_days(tw_date_to_days(date) + 1));
}

tw_date calendar_session_at(const calendar *c, int64_t instant_ns, int32_t utc_offset_seconds) {
    int64_t seconds = instant_ns / TW_NS_PER_SECOND - (instant_ns % TW_NS_PER_SECOND < 0);
    int64_t local = seconds + utc_offset_seconds - c->roll_seconds;
    int64_t days = local / 86400 - (local % 86400 < 0);
    return calendar_session_on_or_after(c, tw_date_from_days(days));
}

/* ---- built-in calendars ---- */

static const char us_mics[][5] = {"XNAS", "XBOS", "XPSX", "XNYS", "ARCX", "IEXG",
                                  "MEMX", "BATS", "BATY", "EDGA", "EDGX"};
static const char own_venue[] = "TWEX";

static bool is_us_mic(const char *mic) {
    for (size_t i = 0; i < sizeof us_mics / sizeof *us_mics; i++) {
        if (strcmp(us_mics[i], mic) == 0) return true;
    }
    return false;
}

static const char *nearest_mic(const char *mic) {
    const char *nearest = own_venue;
    size_t least = tw_text_distance(mic, own_venue, 32);
    for (size_t i = 0; i < sizeof us_mics / sizeof *us_mics; i++) {
        size_t distance = tw_text_distance(mic, us_mics[i], 32);
        if (distance >= least) continue;
        least = distance;
        nearest = us_mics[i];
    }
    return nearest;
}

tw_code calendar_builtin(const char *mic, calendar *out, tw_error *error) {
    bool own = strcmp(mic, own_venue) == 0;
    if (!own && !is_us_mic(mic))
        return tw_error_set(error, TW_NOT_FOUND, "no calendar for \"%s\"; did you mean %s?", mic, nearest_mic(mic));
    memset(out, 0, sizeof *out);
    (void)tw_text_copy(out->mic, sizeof out->mic, mic);
    (void)tw_text_copy(out->zone, sizeof out->zone, own ? "Etc/UTC" : "America/New_York");
    out->weekends_trade = own;
    out->us_holidays = !own;
    out->open_seconds = own ? 0 : 9 * 3600 + 30 * 60;
    out->close_seconds = own ? 86400 : 16 * 3600;
    return TW_OK;
}

/* ---- an operator's lines ---- */

#define WORD_BYTES 32

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the next word; an empty one at the end of the line or at a comment. False if it is too long for any. */
static bool take_word(const char **line, char word[WORD_BYTES]) {
    size_t length = 0;
    while (is_blank(**line))
        ++*line;
    for (; **line != '\0' && **line != '#' && !is_blank(**line); ++*line) {
        if (length + 1 == WORD_BYTES) return false;
        word[length++] = **line;
    }
    word[length] = '\0';
    return true;
}

static bool two_digits(const char *text, int32_t limit, int32_t *value) {
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
    *value = (text[0] - '0') * 10 + (text[1] - '0');
    return *value < limit;
}

/* "13:00" */
static bool parse_time(const char *text, int32_t *seconds) {
    int32_t hour, minute;
    if (strlen(text) != 5 || text[2] != ':') return false;
    if (!two_digits(text, 24, &hour) || !two_digits(text + 3, 60, &minute)) return false;
    *seconds = hour * 3600 + minute * 60;
    return true;
}

static tw_code store_exception(calendar *c, const calendar_exception *exception, tw_error *error) {
    const calendar_exception *found = find_exception(c, exception->date);
    calendar_exception *known = found != NULL ? &c->exceptions[found - c->exceptions] : NULL;
    if (known == NULL && c->exception_count == CALENDAR_MAX_EXCEPTIONS)
        return tw_error_set(error, TW_FULL, "more than %d exceptions in the calendar", CALENDAR_MAX_EXCEPTIONS);
    if (known == NULL) known = &c->exceptions[c->exception_count++];
    *known = *exception;
    return TW_OK;
}

static tw_code parse_kind(const char *word, const char **rest, const calendar *c, calendar_exception *exception,
                          tw_error *error) {
    char time[WORD_BYTES] = "";
    if (strcmp(word, "closed") == 0)
        exception->kind = CALENDAR_HOLIDAY;
    else if (strcmp(word, "open") == 0)
        exception->kind = CALENDAR_SESSION;
    else if (strcmp(word, "early") == 0)
        exception->kind = CALENDAR_EARLY_CLOSE;
    else
        return tw_error_set(error, TW_INVALID, "\"%s\" is none of closed, open, early", word);
    if (exception->kind != CALENDAR_EARLY_CLOSE) return TW_OK;
    if (!take_word(rest, time) || !parse_time(time, &exception->close_seconds))
        return tw_error_set(error, TW_INVALID, "early needs a time such as 13:00");
    if (exception->close_seconds <= c->open_seconds || exception->close_seconds > c->close_seconds)
        return tw_error_set(error, TW_INVALID, "%s is not between the open and the regular close", time);
    return TW_OK;
}

tw_code calendar_add_line(calendar *c, const char *line, tw_error *error) {
    char word[WORD_BYTES] = "";
    calendar_exception exception = {0};
    if (!take_word(&line, word)) return tw_error_set(error, TW_INVALID, "a line starts with a date: YYYY-MM-DD");
    if (word[0] == '\0') return TW_OK;
    if (!tw_date_parse(word, &exception.date))
        return tw_error_set(error, TW_INVALID, "\"%s\" is not a date (YYYY-MM-DD)", word);
    if (!take_word(&line, word)) return tw_error_set(error, TW_INVALID, "behind the date: closed, open or early");
    tw_code code = parse_kind(word, &line, c, &exception, error);
    return code != TW_OK ? code : store_exception(c, &exception, error);
}
