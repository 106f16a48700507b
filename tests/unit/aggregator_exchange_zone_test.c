/* Where days begin: known exchanges, those of the setting, and what is refused. */
#include "publisher/aggregator/exchange_zone.h"

#include "tests/unit.h"

#define HOUR (3600 * TW_NS_PER_SECOND)

TEST(exchange_zone, known_exchanges_a_setting_and_all_others) {
    exchange_zones *zones;
    tw_error error = {0};
    if (exchange_zones_open(&zones, "XLON=Europe/London,XTKS=Asia/Tokyo", &error) != TW_OK) SKIP(error.text);
    candles_zones of = exchange_zones_of(zones);
    const struct {
        const char *mic;
        tw_date date;
        int64_t hours;                                                    /* of UTC's midnight, to the local one */
    } table[] = {{"XNAS", {2020, 1, 30}, 5},  {"XNAS", {2020, 7, 30}, 4}, /* daylight saving */
                 {"XBOS", {2020, 1, 30}, 5},  {"XLON", {2020, 1, 30}, 0}, {"XLON", {2020, 7, 30}, -1},
                 {"XTKS", {2020, 7, 30}, -9}, {"TWEX", {2020, 7, 30}, 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t midnight_ns = 0;
        EXPECT(of.midnight(of.context, table[i].mic, table[i].date, &midnight_ns));
        EXPECT(!of.midnight(of.context, table[i].mic, (tw_date){9999, 12, 31}, &midnight_ns));
        EXPECT_I64(midnight_ns, tw_date_to_days(table[i].date) * TW_NS_PER_DAY + table[i].hours * HOUR);
        EXPECT_I64(of.offset_at(of.context, table[i].mic, midnight_ns), -3600 * table[i].hours);
    }
    exchange_zones_close(zones);
}

TEST(exchange_zone, what_is_no_list_is_named) {
    static const char *const wrong[] = {"XLON",
                                        "XLON=",
                                        "=Europe/London",
                                        "LON=Europe/London",
                                        "xlon=Europe/London",
                                        "XLON:Europe/London",
                                        "XLON=Europe/Atlantis",
                                        ",",
                                        "XLON=Asia/Tokyo,,"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        exchange_zones *zones;
        tw_error error = {0};
        EXPECT_MSG(exchange_zones_open(&zones, wrong[i], &error) != TW_OK, "\"%s\" was taken", wrong[i]);
        EXPECT_CONTAINS(error.text, "--zones");
        EXPECT(zones == NULL);
    }
}
