/* Pacing and session names of the simulated exchange. */
#include "base/text.h"
#include "tests/unit.h"
#include "tools/simulate/pacing.h"
#include "tools/simulate/session_name.h"

#define MS INT64_C(1000000)

TEST(pacing, a_slow_rate_gives_one_message_when_it_is_due_and_none_before) {
    sim_pacing pacing;
    sim_pacing_start(&pacing, 4, 0); /* every 250 ms */
    EXPECT_U64(sim_pacing_turn(&pacing, 0), 1);
    EXPECT_I64(sim_pacing_due_ns(&pacing), 250 * MS);
    EXPECT_U64(sim_pacing_turn(&pacing, 249 * MS), 0);
    EXPECT_U64(sim_pacing_turn(&pacing, 250 * MS), 1);
    EXPECT_U64(sim_pacing_turn(&pacing, 251 * MS), 0);
}

TEST(pacing, a_fast_rate_is_met_over_a_second_of_uneven_turns) {
    sim_pacing pacing;
    sim_pacing_start(&pacing, 1000000, 0);
    uint64_t sum = 0;
    int64_t now_ns = 0;
    for (uint64_t i = 0; now_ns < 1000 * MS; i++) {
        now_ns += (int64_t)(i % 3 + 1) * MS;
        sum += sim_pacing_turn(&pacing, now_ns);
    }
    EXPECT_U64(sum, (uint64_t)(now_ns / 1000) + 1);
}

TEST(pacing, a_late_turn_is_caught_up_at_no_more_than_twice_the_rate) {
    sim_pacing pacing;
    sim_pacing_start(&pacing, 1000000, 0);
    uint64_t sum = sim_pacing_turn(&pacing, 1 * MS);
    sum += sim_pacing_turn(&pacing, 1 * MS); /* nothing new is worth a message */
    EXPECT(sum <= 1002);
    sum += sim_pacing_turn(&pacing, 2 * MS);
    pacing.given = 0; /* as if a long stall had left two thousand unsent */
    EXPECT_U64(sim_pacing_turn(&pacing, 3 * MS), 2001);
    EXPECT(sim_pacing_turn(&pacing, 4 * MS) <= 2001);
    EXPECT_U64(sum, 2001);
}

TEST(pacing, a_year_at_a_billion_a_second_does_not_overflow) {
    sim_pacing pacing;
    sim_pacing_start(&pacing, 1000000000, 0);
    EXPECT_U64(sim_pacing_turn(&pacing, INT64_C(31536000) * 1000 * MS), UINT64_C(31536000000000001));
}

TEST(session_name, the_digits_at_the_end_count_on) {
    static const char *const rows[][2] = {{"0000000001", "0000000002"},
                                          {"0000000009", "0000000010"},
                                          {"DAY9", "DAY10"},
                                          {"DAY", "DAY2"},
                                          {"ABCDEFGHI9", "ABCDEFGHI0"},
                                          {"ABCDEFGHIJ", "ABCDEFGHI2"},
                                          {"9999999999", "0000000000"},
                                          {"7", "8"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[MOLDUDP64_SESSION_BYTES];
        tw_text_copy(name, sizeof name, rows[i][0]);
        sim_session_name_next(name);
        EXPECT_STR(name, rows[i][1]);
    }
}

TEST(session_name, a_name_is_one_to_ten_characters_without_blanks) {
    EXPECT(sim_session_name_valid("X"));
    EXPECT(sim_session_name_valid("0123456789"));
    EXPECT(!sim_session_name_valid(""));
    EXPECT(!sim_session_name_valid("01234567890"));
    EXPECT(!sim_session_name_valid("A B"));
}
