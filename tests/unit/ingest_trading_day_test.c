#include "ingest/day/trading_day.h"
#include "tests/unit.h"

/* New York in winter, whatever the date: the real zone's rules are tested in runtime. */
static int32_t five_hours_west(void *context, int64_t instant_ns) {
    (void)context;
    (void)instant_ns;
    return -5 * 3600;
}

static bool midnight_five_hours_west(void *context, tw_date date, int64_t *midnight_ns) {
    (void)context;
    if (!tw_date_midnight(date, midnight_ns)) return false;
    *midnight_ns += 5 * 3600 * TW_NS_PER_SECOND;
    return true;
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

static bool start(trading_day *day, const char *name, int64_t receive_ns) {
    return trading_day_start(day, &(trading_day_session){.name = name, .receive_ns = receive_ns});
}

TEST(trading_day, the_operators_date_holds_for_the_first_session_and_the_calendar_goes_on_from_there) {
    calendar days = nasdaq();
    tw_date friday = {2020, 1, 17}; /* the Monday after is Martin Luther King's day */
    trading_day day;
    trading_day_init(&day, &days, &zone, &friday);

    EXPECT(start(&day, "0000000010", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-17.0000000010");
    EXPECT_I64(day.midnight_ns, at("2020-01-17", 5));

    EXPECT(start(&day, "0000000011", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-21.0000000011");
}

TEST(trading_day, without_a_date_the_first_packets_time_decides_in_the_exchanges_zone) {
    calendar days = nasdaq();
    trading_day day;
    trading_day_init(&day, &days, &zone, NULL);

    EXPECT(start(&day, "A", at("2020-01-31", 3))); /* still the 30th in New York */
    EXPECT_STR(day.epoch, "2020-01-30.A");
    EXPECT(start(&day, "B", at("2020-02-01", 12))); /* a Saturday: the next session */
    EXPECT_STR(day.epoch, "2020-02-03.B");
}

TEST(trading_day, a_recording_without_any_date_is_refused_rather_than_dated_by_todays_clock) {
    calendar days = nasdaq();
    trading_day day;
    trading_day_init(&day, &days, &zone, NULL);
    EXPECT(!start(&day, "FILE", TW_TIME_ABSENT));
}

TEST(trading_day, a_date_that_instants_do_not_reach_starts_no_session_and_a_leaders_is_not_believed) {
    calendar days = nasdaq();
    tw_date beyond = {2300, 1, 5}, given = {2020, 1, 30};
    trading_day day;
    trading_day_init(&day, &days, &zone, &beyond);
    EXPECT(!start(&day, "FILE", TW_TIME_ABSENT));
    trading_day_init(&day, &days, &zone, NULL);
    EXPECT(!start(&day, "FILE", INT64_MAX) && !start(&day, "FILE", INT64_MIN + 1));
    trading_day_init(&day, &days, &zone, &given);
    trading_day_session led = {.name = "A", .receive_ns = TW_TIME_ABSENT, .leaders_epoch = "9999-12-30.A"};
    EXPECT(trading_day_start(&day, &led));
    EXPECT_STR(day.epoch, "2020-01-30.A");
}

TEST(trading_day, a_session_without_a_name_gets_a_word_for_it) {
    calendar days = nasdaq();
    tw_date date = {2020, 1, 17};
    trading_day day;
    trading_day_init(&day, &days, &zone, &date);
    EXPECT(start(&day, "", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-17.UNNAMED");
}

TEST(trading_day, the_leaders_date_goes_first_when_it_is_in_the_same_session) {
    static const struct {
        const char *leaders, *session, *epoch;
    } rows[] = {{"2020-01-31.DAY2", "DAY2", "2020-01-31.DAY2"},
                {"2020-01-31.DAY2", "DAY3", "2020-02-03.DAY3"}, /* it is about to name it so */
                {"2020-01-30.DAY1", "DAY2", "2020-01-31.DAY2"},
                {"2020-01-29.DAY0", "DAY1", "2020-01-30.DAY1"}, /* the operator's date is still to come */
                {"2020-01-31.a?b", "a b", "2020-01-31.a?b"},
                {"2020-01-31.UNNAMED", "", "2020-01-31.UNNAMED"},
                {"2020-13-31.DAY2", "DAY2", "2020-01-30.DAY2"},
                {"2020-01-31", "DAY2", "2020-01-30.DAY2"},
                {"x", "DAY2", "2020-01-30.DAY2"},
                {"", "DAY2", "2020-01-30.DAY2"}};
    calendar days = nasdaq();
    tw_date given = {2020, 1, 30};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        trading_day day;
        trading_day_init(&day, &days, &zone, &given);
        trading_day_session first = {
            .name = rows[i].session, .receive_ns = TW_TIME_ABSENT, .leaders_epoch = rows[i].leaders};
        EXPECT(trading_day_start(&day, &first));
        EXPECT_STR(day.epoch, rows[i].epoch);
        if (i > 0) continue;
        EXPECT_I64(day.midnight_ns, at("2020-01-31", 5));
        EXPECT(start(&day, "DAY3", TW_TIME_ABSENT)); /* the calendar goes on from the leader's date */
        EXPECT_STR(day.epoch, "2020-02-03.DAY3");
    }
}

TEST(trading_day, a_session_of_which_nothing_came_does_not_use_up_the_operators_date) {
    calendar days = nasdaq();
    tw_date given = {2020, 1, 30};
    trading_day day;
    trading_day_init(&day, &days, &zone, &given);
    EXPECT(start(&day, "YESTERDAY", TW_TIME_ABSENT));
    trading_day_session next = {.name = "TODAY", .receive_ns = TW_TIME_ABSENT, .last_was_empty = true};
    EXPECT(trading_day_start(&day, &next));
    EXPECT_STR(day.epoch, "2020-01-30.TODAY");
    EXPECT(start(&day, "TOMORROW", TW_TIME_ABSENT));
    EXPECT_STR(day.epoch, "2020-01-31.TOMORROW");
    trading_day_init(&day, &days, &zone, &given); /* a standby of one that has come to nothing yet, either */
    next = (trading_day_session){.name = "TODAY",
                                 .receive_ns = TW_TIME_ABSENT,
                                 .leaders_epoch = "2020-01-30.YESTERDAY",
                                 .leader_is_empty = true};
    EXPECT(trading_day_start(&day, &next));
    EXPECT_STR(day.epoch, "2020-01-30.TODAY");
}
