#include "base/civil.h"
#include "tests/unit.h"

typedef struct date_row {
    const char *text;
    int64_t days;
    int weekday;
} date_row;

static const date_row dates[] = {{"1970-01-01", 0, 4},      {"1969-12-31", -1, 3},     {"2000-02-29", 11016, 2},
                                 {"2000-03-01", 11017, 3},  {"1900-02-28", -25509, 3}, {"1900-03-01", -25508, 4},
                                 {"2020-01-30", 18291, 4},  {"2024-12-31", 20088, 2},  {"2038-01-19", 24855, 2},
                                 {"0001-01-01", -719162, 1}};

TEST(civil, dates_days_and_weekdays_agree) {
    for (size_t k = 0; k < sizeof dates / sizeof *dates; k++) {
        tw_date date;
        char text[TW_DATE_BYTES];
        EXPECT_MSG(tw_date_parse(dates[k].text, &date), "%s is a date", dates[k].text);
        EXPECT_I64(tw_date_to_days(date), dates[k].days);
        EXPECT_I64(tw_date_weekday(date), dates[k].weekday);
        tw_date_format(text, tw_date_from_days(dates[k].days));
        EXPECT_STR(text, dates[k].text);
    }
}

TEST(civil, every_day_of_eight_centuries_goes_there_and_back) {
    tw_date last = tw_date_from_days(-150001);
    for (int64_t days = -150000; days < 150000; days++) {
        tw_date date = tw_date_from_days(days);
        EXPECT_I64(tw_date_to_days(date), days);
        EXPECT(tw_date_compare(last, date) < 0);
        last = date;
    }
}

TEST(civil, days_beyond_the_years_that_fit_become_the_nearest_date) {
    EXPECT_I64(tw_date_from_days(INT64_C(1) << 40).year, INT16_MAX);
    EXPECT_I64(tw_date_from_days(-(INT64_C(1) << 40)).year, INT16_MIN);
}

TEST(civil, only_a_date_that_exists_in_its_one_form_is_read) {
    static const char *const refused[] = {"",           "2020-1-30",  "2020-01-30 ", "2019-02-29",
                                          "1900-02-29", "2020-13-01", "2020-00-10",  "2020-04-31",
                                          "2020-04-00", "20200130",   "2020/01/30",  "-020-01-01"};
    tw_date date;
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++)
        EXPECT_MSG(!tw_date_parse(refused[k], &date), "\"%s\" was read as a date", refused[k]);
}

TEST(civil, a_date_whose_instants_do_not_fit_has_none) {
    static const struct {
        tw_date date;
        int64_t span_ns, instant_ns;
        bool fits;
    } rows[] = {{{1970, 1, 2}, 5, TW_NS_PER_DAY + 5, true},
                {{2262, 4, 11}, INT64_C(85636854775807), INT64_MAX, true},
                {{2262, 4, 11}, INT64_C(85636854775808), 0, false},
                {{1677, 9, 21}, INT64_C(763145224192), INT64_MIN, true}, /* though its midnight does not fit */
                {{1677, 9, 21}, INT64_C(763145224191), 0, false},
                {{9999, 12, 31}, INT64_MAX, 0, false},
                {{0, 1, 1}, INT64_MIN, 0, false}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        int64_t found_ns = 7;
        EXPECT_I64(tw_date_instant(rows[k].date, rows[k].span_ns, &found_ns), rows[k].fits);
        EXPECT_I64(found_ns, rows[k].fits ? rows[k].instant_ns : 7);
    }
}

TEST(civil, a_midnight_has_room_for_a_week_on_both_sides) {
    int64_t found_ns = 7;
    EXPECT(!tw_date_midnight((tw_date){2262, 4, 5}, &found_ns) &&
           !tw_date_midnight((tw_date){1677, 9, 28}, &found_ns));
    EXPECT(!tw_date_midnight((tw_date){9999, 12, 31}, &found_ns) && found_ns == 7);
    EXPECT(tw_date_midnight((tw_date){1677, 9, 29}, &found_ns) &&
           tw_date_midnight((tw_date){2262, 4, 4}, &found_ns));
    EXPECT(tw_date_midnight((tw_date){1969, 12, 31}, &found_ns) && found_ns == -TW_NS_PER_DAY);
}

TEST(civil, seconds_beyond_the_instants_become_the_nearest_one) {
    EXPECT_I64(tw_instant_of_seconds(3, 5), 3 * TW_NS_PER_SECOND + 5);
    EXPECT_I64(tw_instant_of_seconds(INT64_MAX, 0), INT64_MAX);
    EXPECT_I64(tw_instant_of_seconds(INT64_C(9223372036), 999999999), INT64_MAX);
    EXPECT_I64(tw_instant_of_seconds(-INT64_C(9223372037), 0), INT64_MIN);
}

TEST(civil, an_instant_prints_with_all_its_nanoseconds) {
    char text[TW_INSTANT_BYTES];
    tw_instant_format(text, INT64_C(1580371634909934345));
    EXPECT_STR(text, "2020-01-30T08:07:14.909934345Z");
    tw_instant_format(text, -1);
    EXPECT_STR(text, "1969-12-31T23:59:59.999999999Z");
    tw_instant_format(text, INT64_MIN);
    EXPECT_STR(text, "1677-09-21T00:12:43.145224192Z");
    tw_instant_format(text, INT64_MAX);
    EXPECT_STR(text, "2262-04-11T23:47:16.854775807Z");
}
