/* How fast a recording is played. */
#include "ingest/source/pace.h"
#include "tests/unit.h"

TEST(pace, what_people_write_is_a_fraction_and_nonsense_is_refused) {
    static const struct {
        const char *text;
        bool valid, limited;
        uint64_t numerator, denominator;
    } cases[] = {
        {"max", true, false, 1, 1},
        {"recorded", true, true, 1, 1},
        {"1x", true, true, 1, 1},
        {"4x", true, true, 4, 1},
        {"0.25x", true, true, 25, 100},
        {".5x", true, true, 5, 10},
        {"1000000000x", true, true, 1000000000, 1},
        {"0x", false, false, 0, 0},
        {"0.0x", false, false, 0, 0},
        {"-1x", false, false, 0, 0},
        {"4", false, false, 0, 0},
        {"x", false, false, 0, 0},
        {"", false, false, 0, 0},
        {"4xx", false, false, 0, 0},
        {" 4x", false, false, 0, 0},
        {"4.x", false, false, 0, 0},
        {"1e3x", false, false, 0, 0},
        {"MAX", false, false, 0, 0},
        {".x", false, false, 0, 0},
        {"99999999999999999999x", false, false, 0, 0},
        {"0.0000000001x", false, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pace parsed = {0};
        EXPECT_MSG(pace_parse(cases[i].text, &parsed) == cases[i].valid, "\"%s\"", cases[i].text);
        if (!cases[i].valid) continue;
        EXPECT_I64(parsed.limited, cases[i].limited);
        EXPECT_U64(parsed.numerator, cases[i].numerator);
        EXPECT_U64(parsed.denominator, cases[i].denominator);
        EXPECT(!parsed.started);
    }
}

TEST(pace, an_event_is_due_as_far_from_the_start_as_it_was_recorded_divided_by_the_speed) {
    static const struct {
        const char *speed;
        int64_t event_ns, due_ns;
    } cases[] = {
        {"recorded", 1700, 50700}, {"4x", 1700, 50175},      {"0.25x", 1700, 52800}, {"max", 1700, 99},
        {"recorded", 1000, 50000}, {"recorded", 900, 50000}, /* a stamp that steps back: at once */
        {"3x", 1001, 50000},       {"3x", 1003, 50001},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pace p;
        EXPECT(pace_parse(cases[i].speed, &p));
        (void)pace_due_ns(&p, 1000, 50000);
        EXPECT_I64(pace_due_ns(&p, cases[i].event_ns, 99), cases[i].due_ns);
    }
}

TEST(pace, the_first_event_is_due_at_once_whatever_its_stamp) {
    pace p;
    EXPECT(pace_parse("recorded", &p));
    EXPECT_I64(pace_due_ns(&p, INT64_C(1580360400000000000), 7), 7);
}

TEST(pace, a_day_at_the_slowest_speed_does_not_wrap_around) {
    pace p;
    EXPECT(pace_parse("0.000000001x", &p));
    (void)pace_due_ns(&p, INT64_MIN, 0);
    EXPECT_I64(pace_due_ns(&p, INT64_MAX, 0), INT64_MAX);
    pace day;
    EXPECT(pace_parse("0.5x", &day));
    (void)pace_due_ns(&day, 0, 10);
    EXPECT_I64(pace_due_ns(&day, INT64_C(86400000000000), 10), INT64_C(172800000000010));
}
