#include "runtime/time_zone.h"
#include "tests/unit.h"

static time_zone *zone;
static tw_error error;

static int64_t at(int y, int m, int d, int hour) {
    return tw_date_to_days((tw_date){(int16_t)y, (uint8_t)m, (uint8_t)d}) * TW_NS_PER_DAY +
           hour * 3600 * TW_NS_PER_SECOND;
}

static int64_t midnight(int16_t y, uint8_t m, uint8_t d) {
    int64_t found_ns = 0;
    EXPECT(time_zone_midnight(zone, (tw_date){y, m, d}, &found_ns));
    return found_ns;
}

static void open_zone(const char *name) {
    if (time_zone_open(&zone, name, &error) != TW_OK) SKIP(error.text);
}

TEST(time_zone, new_york_changes_its_offset_at_seven_and_six_utc) {
    open_zone("America/New_York");
    EXPECT_I64(time_zone_offset_at(zone, at(2020, 1, 30, 12)), -5 * 3600);
    EXPECT_I64(time_zone_offset_at(zone, at(2020, 3, 8, 7) - 1), -5 * 3600);
    EXPECT_I64(time_zone_offset_at(zone, at(2020, 3, 8, 7)), -4 * 3600);
    EXPECT_I64(time_zone_offset_at(zone, at(2020, 11, 1, 6) - 1), -4 * 3600);
    EXPECT_I64(time_zone_offset_at(zone, at(2020, 11, 1, 6)), -5 * 3600);
    time_zone_close(zone);
}

TEST(time_zone, a_local_day_starts_at_the_offset_that_holds_at_its_midnight) {
    open_zone("America/New_York");
    EXPECT_I64(midnight(2020, 1, 30), at(2020, 1, 30, 5));
    EXPECT_I64(midnight(2020, 3, 8), at(2020, 3, 8, 5));
    EXPECT_I64(midnight(2020, 3, 9), at(2020, 3, 9, 4));
    EXPECT_I64(midnight(2020, 11, 1), at(2020, 11, 1, 4));
    EXPECT_I64(midnight(2020, 11, 2), at(2020, 11, 2, 5));
    time_zone_close(zone);
    open_zone("Asia/Tokyo");
    EXPECT_I64(midnight(2020, 1, 30), at(2020, 1, 29, 15));
    time_zone_close(zone);
}

TEST(time_zone, where_midnight_is_skipped_the_day_starts_at_the_change) {
    open_zone("America/Sao_Paulo"); /* 2018-11-04 00:00 became 01:00 */
    EXPECT_I64(midnight(2018, 11, 4), at(2018, 11, 4, 3));
    time_zone_close(zone);
}

TEST(time_zone, a_date_that_instants_do_not_reach_has_no_midnight) {
    static const tw_date none[] = {{1600, 1, 1}, {1677, 9, 21}, {2262, 4, 11}, {9999, 12, 31}};
    int64_t found_ns;
    open_zone("Asia/Tokyo");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        EXPECT(!time_zone_midnight(zone, none[i], &found_ns));
    time_zone_close(zone);
}

TEST(time_zone, a_name_that_is_none_is_not_found) {
    EXPECT_I64(time_zone_open(&zone, "Mars/Olympus", &error), TW_NOT_FOUND);
    EXPECT_CONTAINS(error.text, "Mars/Olympus");
    EXPECT_I64(time_zone_open(&zone, "", &error), TW_NOT_FOUND);
    EXPECT(zone == NULL);
    time_zone_close(NULL);
}
