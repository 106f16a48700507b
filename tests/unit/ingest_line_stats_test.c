/* One line's record, step by step: what is late, what is lost, and when that is known. */
#include "ingest/line/line_stats.h"
#include "tests/unit.h"

#define WINDOW 10

typedef struct step {
    int64_t at;
    uint64_t first, end; /* carried; both 0: only time passes */
    uint64_t losses, expected;
    uint32_t stretches; /* missing still */
} step;

static void play(line_stats *line, const step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (steps[i].end > 0)
            line_stats_carried(line, steps[i].first, steps[i].end, steps[i].at);
        else
            line_stats_poll(line, steps[i].at);
        EXPECT_MSG(line->counts.losses == steps[i].losses, "step %zu: %" PRIu64 " lost, expected %" PRIu64, i,
                   line->counts.losses, steps[i].losses);
        EXPECT_MSG(line->counts.expected == steps[i].expected, "step %zu: next is %" PRIu64, i,
                   line->counts.expected);
        EXPECT_MSG(line->missing_count == steps[i].stretches, "step %zu: %u stretches missing", i,
                   line->missing_count);
    }
}

#define PLAY(line, steps) play(line, steps, sizeof(steps) / sizeof *(steps))

static line_stats begun(uint64_t first) {
    line_stats line;
    line_stats_init(&line, WINDOW);
    line_stats_join(&line, "S         ", first, 0);
    return line;
}

TEST(line_stats, what_comes_late_within_the_window_is_no_loss) {
    static const step steps[] = {
        {0, 1, 5, 0, 5, 0},    /* 1 to 4 */
        {1, 8, 10, 0, 10, 1},  /* 5 to 7 are missing */
        {11, 5, 8, 0, 10, 0},  /* at the last moment */
        {99, 0, 0, 0, 10, 0},  /* and never counted */
        {99, 1, 10, 0, 10, 0}, /* once more: nothing to find */
    };
    line_stats line = begun(1);
    PLAY(&line, steps);
}

TEST(line_stats, what_is_missing_for_longer_than_the_window_is_lost_and_stays_so) {
    static const step steps[] = {
        {0, 1, 5, 0, 5, 0},     {1, 8, 10, 0, 10, 1},   {11, 0, 0, 0, 10, 1}, /* the window is inclusive */
        {12, 0, 0, 3, 10, 0},   {13, 5, 8, 3, 10, 0}, /* too late: carried, but lost before */
        {14, 20, 21, 3, 21, 1}, {24, 21, 22, 3, 22, 1}, {25, 22, 23, 13, 23, 0}, /* told by the next packet, too */
    };
    line_stats line = begun(1);
    PLAY(&line, steps);
}

TEST(line_stats, a_part_that_comes_late_splits_the_rest_and_only_the_rest_is_lost) {
    static const step steps[] = {
        {0, 1, 2, 0, 2, 0},    {0, 12, 13, 0, 13, 1}, /* 2 to 11 */
        {1, 5, 7, 0, 13, 2},                          /* out of the middle */
        {2, 2, 3, 0, 13, 2},                          /* off the front of the first */
        {3, 10, 12, 0, 13, 2},                        /* off the end of the second */
        {4, 1, 5, 0, 13, 1},                          /* the first is whole; 7 to 9 are left */
        {11, 0, 0, 3, 13, 0},
    };
    line_stats line = begun(1);
    PLAY(&line, steps);
}

TEST(line_stats, a_heartbeat_tells_of_a_missing_end) {
    static const step steps[] = {{0, 1, 3, 0, 3, 0}, {1, 6, 6, 0, 6, 1}, {12, 6, 6, 3, 6, 0}};
    line_stats line = begun(1);
    PLAY(&line, steps);
}

TEST(line_stats, a_change_of_session_counts_what_was_missing_and_what_was_never_reached) {
    line_stats line = begun(1);
    line_stats_carried(&line, 1, 5, 0);
    line_stats_carried(&line, 7, 9, 1); /* 5 and 6 are missing, and not late yet */
    line_stats_join(&line, "T         ", 1, 12);
    EXPECT_U64(line.counts.losses, 2 + 3); /* 9 to 11 were carried by others */
    EXPECT_STR(line.counts.session, "T         ");
    EXPECT_U64(line.counts.expected, 1);
    EXPECT_U64(line.missing_count, 0);
    line_stats_carried(&line, 3, 4, 2); /* the new one has its own holes */
    EXPECT_U64(line.missing_count, 1);
    line_stats_poll(&line, 13);
    EXPECT_U64(line.counts.losses, 2 + 3 + 2);
    line_stats_join(&line, "U         ", 1, 2); /* it was ahead of the others at the end: nothing to add */
    EXPECT_U64(line.counts.losses, 2 + 3 + 2);
}

TEST(line_stats, the_first_session_of_a_line_owes_nothing_for_what_was_before_it) {
    line_stats line;
    line_stats_init(&line, WINDOW);
    line_stats_join(&line, "S         ", 500, 400);
    EXPECT_U64(line.counts.losses, 0);
    line_stats_carried(&line, 500, 501, 0);
    EXPECT_U64(line.missing_count, 0);
}

TEST(line_stats, with_more_holes_than_it_remembers_the_oldest_is_lost_at_once) {
    line_stats line = begun(1);
    for (uint64_t i = 0; i < LINE_STATS_MISSING; i++)
        line_stats_carried(&line, 3 * i + 3, 3 * i + 4, 0); /* two missing before each */
    EXPECT_U64(line.missing_count, LINE_STATS_MISSING);
    EXPECT_U64(line.counts.losses, 0);
    uint64_t next = 3 * LINE_STATS_MISSING + 3;
    line_stats_carried(&line, next, next + 1, 0);
    EXPECT_U64(line.missing_count, LINE_STATS_MISSING);
    EXPECT_U64(line.counts.losses, 2);
    line_stats_carried(&line, 1, 3, 0); /* the oldest after all: it was counted */
    EXPECT_U64(line.counts.losses, 2);
    line_stats_poll(&line, WINDOW + 1);
    EXPECT_U64(line.counts.losses, 2 * (LINE_STATS_MISSING + 1));
}

TEST(line_stats, the_skew_is_the_median_of_the_latest_comparisons) {
    line_stats line = begun(1);
    int64_t lag;
    EXPECT(!line_stats_median_skew(&line, &lag));
    line_stats_skew(&line, 5);
    line_stats_skew(&line, -900);
    line_stats_skew(&line, 7);
    EXPECT(line_stats_median_skew(&line, &lag));
    EXPECT_I64(lag, 5);
    for (int i = 0; i < LINE_STATS_SKEWS; i++)
        line_stats_skew(&line, 40 + i % 3);
    EXPECT(line_stats_median_skew(&line, &lag));
    EXPECT_I64(lag, 41); /* the three are forgotten */
}
