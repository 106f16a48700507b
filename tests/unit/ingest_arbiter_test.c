/* Two lines put together: who won, what each lost, sessions, and what a single damaged packet may not do. */
#include "ingest/line/arbiter.h"
#include "tests/unit.h"

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    (void)session, (void)receive_ns;
    *(uint64_t *)context = first;
}
static void on_messages(void *context, const feed_message *messages, size_t count) {
    for (size_t i = 0; i < count; i++)
        EXPECT_U64(messages[i].seq, (*(uint64_t *)context)++);
}
static void on_lost(void *context, uint64_t from, uint64_t count) {
    EXPECT_U64(from, *(uint64_t *)context);
    *(uint64_t *)context += count;
}
static void on_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    (void)context, (void)why, (void)offset, (void)length;
}

static arbiter *two_lines(uint64_t *next) {
    arbiter *both;
    arbiter_options options = {{10, 50, 16, 256}, 2, 1000, false, 100};
    arbiter_listener listener = {next, on_session, on_messages, on_lost, on_malformed};
    EXPECT_I64(arbiter_alloc(&both, &options, &listener, NULL), TW_OK);
    return both;
}

static void say(arbiter *both, uint32_t line, const char *session, uint64_t first, uint16_t count, int64_t now) {
    uint8_t payload[256];
    size_t length = moldudp64_write_header(payload, session, first, count);
    for (uint16_t i = 0; count != MOLDUDP64_END_OF_SESSION && i < count; i++)
        length += moldudp64_write_block(payload + length, sizeof payload - length, (const uint8_t *)"m", 1);
    arbiter_packet(both, line, payload, length, now, now);
}

TEST(arbiter, each_line_fills_the_others_hole_and_is_told_what_it_won_and_lost) {
    uint64_t next = 0;
    int64_t lag = 0;
    arbiter *both = two_lines(&next);
    say(both, 0, "S", 1, 4, 0);
    say(both, 1, "S", 1, 2, 3);
    say(both, 1, "S", 3, 5, 4); /* 5 to 7 are new */
    say(both, 0, "S", 8, 2, 5); /* A never carries 5 to 7 */
    EXPECT_U64(next, 10);
    EXPECT_U64(arbiter_line(both, 0)->counts.losses, 0);
    arbiter_poll(both, 16);
    const line_counts *a = &arbiter_line(both, 0)->counts, *b = &arbiter_line(both, 1)->counts;
    EXPECT(a->wins == 6 && a->duplicates == 0 && a->losses == 3 && a->expected == 10);
    EXPECT(b->wins == 3 && b->duplicates == 4 && b->losses == 0 && b->expected == 8);
    EXPECT(line_stats_median_skew(arbiter_line(both, 1), &lag));
    EXPECT_I64(lag, 4); /* number 4 */
    arbiter_free(both);
}

TEST(arbiter, a_jump_is_measured_from_the_highest_number_told_and_not_from_a_hole_that_waits) {
    uint64_t next = 0;
    arbiter *both = two_lines(&next);
    say(both, 0, "S", 1, 1, 0);
    say(both, 0, "S", 1000, 1, 1); /* 998 are missing: believed, and waited for */
    say(both, 0, "S", 1990, 1, 2); /* beyond 1 by more than 1000, but not beyond 1000 */
    say(both, 0, "S", 3000, 1, 3); /* this one is a jump, and alone */
    arbiter_poll(both, 60);
    arbiter_finish(both);
    EXPECT_U64(next, 1991);
    EXPECT_U64(arbiter_line(both, 0)->counts.passed_over, 1);
    arbiter_free(both);
}

TEST(arbiter, a_session_that_has_ended_is_left_by_two_packets_too) {
    uint64_t next = 0;
    arbiter *both = two_lines(&next);
    say(both, 0, "S", 1, 2, 0);
    say(both, 0, "S", 3, MOLDUDP64_END_OF_SESSION, 1);
    EXPECT(arbiter_read_status(both).ended);
    say(both, 1, "?", 3, MOLDUDP64_END_OF_SESSION, 2); /* a damaged one */
    say(both, 0, "S", 3, MOLDUDP64_END_OF_SESSION, 3);
    EXPECT_STR(arbiter_read_status(both).session, "S");
    EXPECT(arbiter_read_status(both).ended);
    say(both, 0, "T", 1, 1, 4);
    say(both, 1, "T", 1, 1, 5);
    EXPECT_STR(arbiter_read_status(both).session, "T");
    EXPECT_U64(next, 2); /* nothing of it was lost */
    arbiter_free(both);
}

TEST(arbiter, one_damaged_packet_neither_ends_the_session_nor_jumps_and_two_change_it) {
    uint64_t next = 0;
    arbiter *both = two_lines(&next);
    say(both, 0, "S", 1, 1, 0);
    say(both, 0, "?", 1, 1, 1);
    say(both, 0, "S", UINT64_C(1) << 50, 1, 1);
    say(both, 1, "S", 2, 1, 2);
    EXPECT_U64(next, 3);
    say(both, 0, "T", 1, 1, 3);
    say(both, 0, "T", 2, 1, 4);
    EXPECT_STR(arbiter_read_status(both).session, "T");
    say(both, 1, "S", 3, 1, 5); /* B lags in the session that was left */
    say(both, 1, "S", 4, 1, 6);
    EXPECT_STR(arbiter_read_status(both).session, "T");
    say(both, 1, "T", 3, 1, 7);
    EXPECT_U64(next, 4);
    arbiter_free(both);
}

/* ---- what keeps a feed alive ---- */

static void expect_heard(const arbiter *both, int64_t feed, int64_t a, int64_t b) {
    EXPECT_I64(arbiter_read_status(both).heard_ns, feed);
    EXPECT_I64(arbiter_line(both, 0)->counts.last_heard_ns, a);
    EXPECT_I64(arbiter_line(both, 1)->counts.last_heard_ns, b);
}

TEST(arbiter, only_what_is_accepted_of_the_running_session_is_heard) {
    uint64_t next = 0;
    arbiter *both = two_lines(&next);
    arbiter_packet(both, 0, (const uint8_t *)"", 1, 0, 0);
    expect_heard(both, INT64_MIN, INT64_MIN, INT64_MIN);
    say(both, 0, "S", 1, 2, 1);
    expect_heard(both, 1, 1, INT64_MIN);
    arbiter_packet(both, 0, (const uint8_t *)"garbage", 7, 2, 2);
    say(both, 1, "?", 1, 1, 3);                     /* a foreign session */
    say(both, 0, "S", UINT64_C(1) << 30, 1, 4);     /* a jump that nothing confirms */
    say(both, 0, "S", ARBITER_NO_NUMBER + 5, 1, 5); /* a number that can't be */
    expect_heard(both, 1, 1, INT64_MIN);
    say(both, 1, "S", 1, 1, 6); /* B lags: it is alive, but the feed gets nothing new of it */
    expect_heard(both, 1, 1, 6);
    say(both, 1, "S", 3, 0, 7);
    expect_heard(both, 7, 1, 7);
    say(both, 0, "S", 3, MOLDUDP64_END_OF_SESSION, 8);
    expect_heard(both, 8, 8, 7);
    say(both, 0, "T", 1, 1, 9);
    expect_heard(both, 8, 8, 7);
    say(both, 0, "T", 2, 1, 10); /* now it is believed */
    expect_heard(both, 10, 10, 7);
    say(both, 1, "S", 3, 0, 11); /* the session that was left */
    expect_heard(both, 10, 10, 7);
    EXPECT_U64(next, 3);
    arbiter_free(both);
}

TEST(arbiter, an_end_below_what_has_come_is_passed_over_and_what_follows_an_end_undoes_it) {
    uint64_t next = 0;
    arbiter *both = two_lines(&next);
    say(both, 0, "S", 1, 5, 0);
    say(both, 0, "S", 3, MOLDUDP64_END_OF_SESSION, 1);
    arbiter_status status = arbiter_read_status(both);
    EXPECT(!status.ended && status.stray_ends == 1 && status.stray_end == 3);
    EXPECT_U64(arbiter_line(both, 0)->counts.passed_over, 1);
    expect_heard(both, 0, 0, INT64_MIN);
    say(both, 0, "S", 6, MOLDUDP64_END_OF_SESSION, 2);
    EXPECT(arbiter_read_status(both).ended);
    say(both, 1, "S", 1, 5, 3); /* B brings what was before it */
    EXPECT(arbiter_read_status(both).ended);
    say(both, 1, "S", 6, 1, 4);
    EXPECT(!arbiter_read_status(both).ended);
    EXPECT_U64(next, 7);
    arbiter_free(both);
}

TEST(arbiter, two_packets_that_agree_on_a_number_that_cannot_be_are_not_believed) {
    static const uint64_t numbers[] = {UINT64_MAX - 500, ARBITER_NO_NUMBER, 4 + ARBITER_FURTHEST};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint64_t next = 0;
        arbiter *both = two_lines(&next);
        say(both, 0, "S", 1, 2, 0);
        say(both, 0, "S", numbers[i], 1, 1);
        say(both, 1, "S", numbers[i] + 1, 1, 2);
        say(both, 0, "T", ARBITER_NO_NUMBER, 1, 3);
        say(both, 1, "T", ARBITER_NO_NUMBER, 1, 4);
        arbiter_poll(both, 100);
        say(both, 1, "S", 3, 1, 101);
        arbiter_finish(both);
        arbiter_status status = arbiter_read_status(both);
        EXPECT_STR(status.session, "S");
        EXPECT_U64(next, 4);
        EXPECT_U64(status.gap.lost, 0);
        EXPECT_U64(status.impossible, 4);
        arbiter_free(both);
    }
}

/* ---- the numbers of a session begin again ---- */

static arbiter *fallen_back(uint64_t *next) {
    arbiter *both = two_lines(next);
    for (uint64_t n = 1; n < 21; n++) {
        say(both, 0, "S", n, 1, (int64_t)n);
        say(both, 1, "S", n, 1, (int64_t)n);
    }
    for (uint64_t n = 1; n <= 3; n++) {
        EXPECT(!arbiter_read_status(both).fell_back);
        say(both, (uint32_t)(n % 2), "S", n, 1, 200 + (int64_t)n);
    }
    arbiter_status status = arbiter_read_status(both);
    EXPECT(status.fell_back && status.fell_from == 21 && status.fell_to == 4);
    return both;
}

TEST(arbiter, a_session_that_begins_again_is_told_and_not_mixed_with_what_was_before) {
    uint64_t next = 0;
    arbiter *both = fallen_back(&next);
    for (uint64_t n = 4; n < 50; n++) /* past where it was; one is lost on the way */
        if (n != 20) say(both, (uint32_t)(n % 2), "S", n, 1, 210 + (int64_t)n);
    EXPECT_U64(next, 21);
    EXPECT(arbiter_read_status(both).fell_back);
    EXPECT_I64(arbiter_read_status(both).heard_ns, 20);
    say(both, 0, "T", 1, 1, 300);
    say(both, 1, "T", 2, 1, 301);
    EXPECT(!arbiter_read_status(both).fell_back);
    EXPECT_U64(next, 3);
    arbiter_free(both);
}

TEST(arbiter, late_packets_that_repeat_a_little_and_jump_back_to_the_front_are_no_new_beginning) {
    uint64_t next = 0;
    arbiter *both = fallen_back(&next);
    say(both, 0, "S", 21, 1, 300);
    EXPECT(!arbiter_read_status(both).fell_back);
    EXPECT_U64(next, 22);
    arbiter_free(both);
}

TEST(arbiter, a_line_that_lags_or_repeats_in_time_has_not_fallen_back) {
    uint64_t next = 0;
    arbiter *both = two_lines(&next);
    say(both, 0, "S", 1, 20, 0);
    for (uint64_t n = 1; n < 21; n++) /* B is far behind when A dies */
        say(both, 1, "S", n, 1, 200 + (int64_t)n);
    for (uint64_t n = 1; n < 20; n++) /* and carries all of it twice, soon */
        say(both, 1, "S", n, 1, 230 + (int64_t)n);
    say(both, 1, "S", 21, 1, 260);
    EXPECT(!arbiter_read_status(both).fell_back);
    EXPECT_U64(next, 22);
    arbiter_free(both);
}
