/* Trading days of US equities, 2012 to 2026, as the exchanges published them. */
#include "ingest/day/calendar.h"

#include "tests/unit.h"

static calendar nasdaq(void) {
    calendar c;
    EXPECT_I64(calendar_builtin("XNAS", &c, NULL), TW_OK);
    return c;
}

static tw_date day(const char *text) {
    tw_date date = {0};
    EXPECT_MSG(tw_date_parse(text, &date), "%s is no date", text);
    return date;
}

static void expect_all(const char *const *dates, size_t count, calendar_day kind) {
    calendar c = nasdaq();
    for (size_t i = 0; i < count; i++) {
        calendar_day actual = calendar_day_of(&c, day(dates[i]));
        EXPECT_MSG(actual == kind, "%s is %d, expected %d", dates[i], actual, kind);
    }
}
#define EXPECT_ALL(kind, ...)                                                                                      \
    do {                                                                                                           \
        static const char *const dates_[] = {__VA_ARGS__};                                                         \
        expect_all(dates_, sizeof dates_ / sizeof *dates_, (kind));                                                \
    } while (0)

TEST(calendar, holidays_by_rule_and_for_one_occasion_are_closed) {
    EXPECT_ALL(CALENDAR_HOLIDAY, "2012-01-02", "2012-10-29", "2012-10-30", "2018-12-05", "2020-01-01", "2020-01-20",
               "2020-02-17", "2020-05-25", "2020-07-03", "2020-09-07", "2020-11-26", "2020-12-25", "2021-07-05",
               "2021-12-24", "2022-06-20", "2022-12-26", "2023-01-02", "2023-06-19", "2024-06-19", "2024-05-27",
               "2025-01-09", "2025-01-20", "2026-06-19", "2026-07-03", "2026-11-26", "2027-06-18");
}

TEST(calendar, good_fridays_are_closed) {
    EXPECT_ALL(CALENDAR_HOLIDAY, "2012-04-06", "2013-03-29", "2014-04-18", "2015-04-03", "2016-03-25", "2017-04-14",
               "2018-03-30", "2019-04-19", "2020-04-10", "2021-04-02", "2022-04-15", "2023-04-07", "2024-03-29",
               "2025-04-18", "2026-04-03");
}

TEST(calendar, days_before_and_behind_holidays_close_at_13_00) {
    EXPECT_ALL(CALENDAR_EARLY_CLOSE, "2012-07-03", "2012-11-23", "2012-12-24", "2013-07-03", "2013-11-29",
               "2014-07-03", "2015-11-27", "2018-07-03", "2018-12-24", "2019-07-03", "2019-11-29", "2019-12-24",
               "2020-11-27", "2020-12-24", "2021-11-26", "2022-11-25", "2023-07-03", "2024-07-03", "2024-11-29",
               "2024-12-24", "2025-07-03", "2025-11-28", "2025-12-24", "2026-11-27", "2026-12-24");
    calendar c = nasdaq();
    EXPECT_I64(calendar_close_seconds(&c, day("2019-07-03")), 46800);
    EXPECT_I64(calendar_close_seconds(&c, day("2019-07-05")), 57600);
}

TEST(calendar, days_that_look_like_holidays_but_are_sessions) {
    EXPECT_ALL(CALENDAR_SESSION, "2021-06-18", "2021-12-31", "2010-12-31", "2020-07-02", "2021-07-02", "2021-12-23",
               "2022-12-23", "2020-06-19", "2022-07-05", "2024-11-22", "2020-10-12", "2020-11-11", "2020-01-30");
    EXPECT_ALL(CALENDAR_WEEKEND, "2022-01-01", "2021-07-04", "2020-02-01", "2020-02-02");
}

TEST(calendar, every_year_has_the_number_of_sessions_that_the_exchange_had) {
    static const int sessions[] = {250, 252, 252, 252, 252, 251, 251, 252, 253, 252, 251, 250, 252, 250};
    calendar c = nasdaq();
    for (int year = 2012; year <= 2025; year++) {
        int count = 0;
        tw_date last = {(int16_t)year, 12, 31};
        for (tw_date d = calendar_session_on_or_after(&c, (tw_date){(int16_t)year, 1, 1});
             tw_date_compare(d, last) <= 0; d = calendar_next_session(&c, d))
            count++;
        EXPECT_MSG(count == sessions[year - 2012], "%d: %d sessions", year, count);
    }
}

TEST(calendar, the_next_session_is_found_across_weekends_holidays_and_years) {
    static const char *const table[][2] = {{"2019-12-31", "2020-01-02"}, {"2021-12-31", "2022-01-03"},
                                           {"2022-12-30", "2023-01-03"}, {"2020-04-09", "2020-04-13"},
                                           {"2012-10-26", "2012-10-31"}, {"2020-01-30", "2020-01-31"}};
    calendar c = nasdaq();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[TW_DATE_BYTES];
        tw_date_format(text, calendar_next_session(&c, day(table[i][0])));
        EXPECT_STR(text, table[i][1]);
        tw_date_format(text, calendar_session_on_or_after(&c, day(table[i][1])));
        EXPECT_STR(text, table[i][1]);
    }
}

TEST(calendar, an_instant_belongs_to_the_session_of_its_local_date_or_the_next_one) {
    calendar c = nasdaq();
    char text[TW_DATE_BYTES];
    int64_t midnight = tw_date_to_days(day("2020-01-31")) * TW_NS_PER_DAY; /* UTC: 19:00 of the 30th in New York */
    tw_date_format(text, calendar_session_at(&c, midnight, -5 * 3600));
    EXPECT_STR(text, "2020-01-30");
    tw_date_format(text, calendar_session_at(&c, midnight + 5 * 3600 * TW_NS_PER_SECOND - 1, -5 * 3600));
    EXPECT_STR(text, "2020-01-30");
    tw_date_format(text, calendar_session_at(&c, midnight + 5 * 3600 * TW_NS_PER_SECOND, -5 * 3600));
    EXPECT_STR(text, "2020-01-31");
    tw_date_format(text, calendar_session_at(&c, midnight + TW_NS_PER_DAY * 2, -5 * 3600)); /* a Saturday */
    EXPECT_STR(text, "2020-02-03");
    tw_date_format(text, calendar_session_at(&c, -1, 0));
    EXPECT_STR(text, "1969-12-31");
}

TEST(calendar, our_venue_trades_every_day_and_an_unknown_exchange_is_told_the_nearest) {
    calendar c;
    tw_error error;
    EXPECT_I64(calendar_builtin("TWEX", &c, &error), TW_OK);
    EXPECT_I64(calendar_day_of(&c, day("2022-01-01")), CALENDAR_SESSION);
    EXPECT_I64(calendar_builtin("XNSA", &c, &error), TW_NOT_FOUND);
    EXPECT_CONTAINS(error.text, "XN");
}

TEST(calendar, an_operators_lines_override_the_rules) {
    calendar c = nasdaq();
    EXPECT_I64(calendar_add_line(&c, "", NULL), TW_OK);
    EXPECT_I64(calendar_add_line(&c, "  # only a comment\n", NULL), TW_OK);
    EXPECT_U64(c.exception_count, 0);
    EXPECT_I64(calendar_add_line(&c, "2027-03-04 closed National Day of Something", NULL), TW_OK);
    EXPECT_I64(calendar_add_line(&c, "2027-03-05 early 12:30 # storm\r\n", NULL), TW_OK);
    EXPECT_I64(calendar_add_line(&c, "2027-03-06 open", NULL), TW_OK);
    EXPECT_I64(calendar_day_of(&c, day("2027-03-04")), CALENDAR_HOLIDAY);
    EXPECT_I64(calendar_close_seconds(&c, day("2027-03-05")), 45000);
    EXPECT_I64(calendar_day_of(&c, day("2027-03-06")), CALENDAR_SESSION);
    EXPECT_I64(calendar_add_line(&c, "2027-03-04 open", NULL), TW_OK);
    EXPECT_I64(calendar_day_of(&c, day("2027-03-04")), CALENDAR_SESSION);
    EXPECT_U64(c.exception_count, 3);
}

TEST(calendar, lines_that_make_no_sense_are_refused_by_name) {
    static const char *const table[][2] = {{"2027-02-30 closed", "2027-02-30"},
                                           {"closed", "closed"},
                                           {"2027-03-04", "closed, open, early"},
                                           {"2027-03-04 shut", "shut"},
                                           {"2027-03-04 early", "13:00"},
                                           {"2027-03-04 early 25:00", "13:00"},
                                           {"2027-03-04 early 1300", "13:00"},
                                           {"2027-03-04 early 09:00", "09:00"},
                                           {"a-word-that-is-far-too-long-for-any-date closed", "YYYY-MM-DD"}};
    calendar c = nasdaq();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tw_error error;
        EXPECT_I64(calendar_add_line(&c, table[i][0], &error), TW_INVALID);
        EXPECT_CONTAINS(error.text, table[i][1]);
    }
    EXPECT_U64(c.exception_count, 0);
}

TEST(calendar, a_full_calendar_refuses_more_and_still_finds_a_session) {
    calendar c = nasdaq();
    int64_t start = tw_date_to_days(day("2027-03-01"));
    char line[64], text[TW_DATE_BYTES];
    for (int i = 0; i <= CALENDAR_MAX_EXCEPTIONS; i++) {
        tw_date_format(text, tw_date_from_days(start + i));
        snprintf(line, sizeof line, "%s closed", text);
        EXPECT_I64(calendar_add_line(&c, line, NULL), i < CALENDAR_MAX_EXCEPTIONS ? TW_OK : TW_FULL);
    }
    EXPECT(tw_date_to_days(calendar_session_on_or_after(&c, day("2027-03-01"))) >= start + CALENDAR_MAX_EXCEPTIONS);
}
