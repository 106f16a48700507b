/* Rounds of writes and the pauses between them. */
#include "gateways/round_pace.h"

#include "tests/unit.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)

TEST(round_pace, a_round_that_took_long_is_followed_by_a_pause_as_long_within_bounds) {
    static const struct {
        int64_t took_ns, pause_ns;
    } rounds[] = {{0, 0},           {20 * US, 0},     {249 * US, 0}, {250 * US, 250 * US}, {3 * MS, 3 * MS},
                  {5 * MS, 5 * MS}, {6 * MS, 4 * MS}, {10 * MS, 0},  {60 * MS, 0}};
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        round_pace pace = {0};
        int64_t begin_ns = 1000 * MS, end_ns = begin_ns + rounds[i].took_ns;
        EXPECT_I64(round_pace_wait_ns(&pace, begin_ns), 0);
        round_pace_note(&pace, begin_ns, end_ns);
        EXPECT_I64(round_pace_wait_ns(&pace, end_ns), rounds[i].pause_ns);
        EXPECT_I64(round_pace_wait_ns(&pace, end_ns + rounds[i].pause_ns), 0);
    }
}

TEST(round_pace, a_pause_runs_down_and_a_short_round_ends_it) {
    round_pace pace = {0};
    round_pace_note(&pace, 0, 4 * MS);
    EXPECT_I64(round_pace_wait_ns(&pace, 5 * MS), 3 * MS);
    round_pace_note(&pace, 8 * MS, 8 * MS + 10 * US);
    EXPECT_I64(round_pace_wait_ns(&pace, 8 * MS + 10 * US), 0);
}
