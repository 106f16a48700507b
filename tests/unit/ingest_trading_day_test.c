#include "ingest/day/trading_day.h"
#include "tests/unit.h"

/* New York in winter, whatever the date: the real zone's rules are tested in runtime. */
static int32_t five_hours_west(void *context, int64_t instant_ns) {
    (void)context;
    (void)instant_ns;
    return -5 * 3600;
}

static int64_t midnight_five_hours_west(void *context, tw_date date) {
    (void)context;
    return tw_date_to_days(date) * TW_NS_PER_DAY + 5 * 3600 * TW_NS_PER_SECOND;
}

static const zone_rules zone = {NULL, five_hours_west, midnight_five_hours_west};

static calendar nasdaq(void) {
    static calendar days;
    tw_error error;
    EXPECT_MSG(calendar_builtin("XNAS", &days, &error) == TW_OK, "%s", error.text);
    return days;
}

static int64_t at(const char *date, int hour) {
    tw_date parsed;
    EXPECT(tw_date_parse(date, &parsed));
    return tw_date_to_days(parsed) * TW_NS_PER_DAY + hour * 3600 * TW_NS_PER_SECOND;
}

TEST(trading_day, the_operators_date_holds_for_the_first_session_and_the_calendar_goes_on_from_there) {
    calendar days = nasdaq();
    tw_date friday = {2020, 1, 17}; /* the Monday after is Martin Luther King's day */
    trading_day day;
    trading_day_init(&day, &days, &zone, &friday);

    EXPECT(trading_day_start(&day, "0000000010", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-17.0000000010");
    EXPECT_I64(day.midnight_ns, at("2020-01-17", 5));

    EXPECT(trading_day_start(&day, "0000000011", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-21.0000000011");
}

TEST(trading_day, without_a_date_the_first_packets_time_decides_in_the_exchanges_zone) {
    calendar days = nasdaq();
    trading_day day;
    trading_day_init(&day, &days, &zone, NULL);

    EXPECT(trading_day_start(&day, "A", at("2020-01-31", 3))); /* still the 30th in New York */
    EXPECT_STR(day.epoch, "2020-01-30.A");
    EXPECT(trading_day_start(&day, "B", at("2020-02-01", 12))); /* a Saturday: the next session */
    EXPECT_STR(day.epoch, "2020-02-03.B");
}

TEST(trading_day, a_recording_without_any_date_is_refused_rather_than_dated_by_todays_clock) {
    calendar days = nasdaq();
    trading_day day;
    trading_day_init(&day, &days, &zone, NULL);
    EXPECT(!trading_day_start(&day, "FILE", TW_TIME_ABSENT));
}

TEST(trading_day, a_session_without_a_name_gets_a_word_for_it) {
    calendar days = nasdaq();
    tw_date date = {2020, 1, 17};
    trading_day day;
    trading_day_init(&day, &days, &zone, &date);
    EXPECT(trading_day_start(&day, "", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-17.UNNAMED");
}
