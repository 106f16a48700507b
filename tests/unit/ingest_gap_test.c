/* Sequence tracking: tables of packets in and runs out, and random streams against the list of messages sent. */
#include "ingest/gap/gap.h"

#include "base/bytes.h"
#include "base/random.h"
#include "tests/unit.h"

#define WINDOW   10
#define DEADLINE 50

/* A packet of messages first..last, each 8 bytes: its own number. Borrowed from static memory. */
static const moldudp64_packet *packet_of(const char *session, uint64_t first, uint16_t count) {
    static uint8_t payload[8192];
    static moldudp64_packet packet;
    size_t length = moldudp64_write_header(payload, session, first, count);
    for (uint16_t i = 0; i < count && count != MOLDUDP64_END_OF_SESSION; i++) {
        uint8_t message[8];
        tw_store_be64(message, first + i);
        length += moldudp64_write_block(payload + length, sizeof payload - length, message, 8);
    }
    EXPECT_I64(moldudp64_parse(payload, length, &packet, NULL), MOLDUDP64_OK);
    return &packet;
}

static gap_tracker *tracker_of(uint32_t hold_packets, uint32_t hold_packet_bytes) {
    gap_tracker *tracker;
    tw_error error;
    gap_options options = {WINDOW, DEADLINE, hold_packets, hold_packet_bytes};
    EXPECT_I64(gap_alloc(&tracker, &options, &error), TW_OK);
    return tracker;
}

/* Takes all runs as text: "1-3 7-8(lost 3)", "(lost 3)" where nothing came behind the loss; checks that each message is the one its number says. */
static const char *taken(gap_tracker *tracker) {
    static char text[512];
    size_t used = 0;
    gap_run run;
    text[0] = '\0';
    while (gap_take(tracker, &run)) {
        size_t position = 0;
        uint16_t length;
        const uint8_t *message;
        uint64_t number = run.first;
        while ((message = moldudp64_next(run.blocks, run.blocks_bytes, &position, &length)) != NULL)
            EXPECT_U64(tw_load_be64(message), number++);
        EXPECT_U64(number - run.first, run.count);
        if (run.count > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64 "-%" PRIu64, used > 0 ? " " : "",
                                     run.first, number - 1);
        if (run.lost_before > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "(lost %" PRIu64 ")", run.lost_before);
    }
    return text;
}

enum { POLL = 0xFFFE, END = MOLDUDP64_END_OF_SESSION };

typedef struct step {
    int64_t now;
    uint64_t first;
    uint16_t count; /* 0 heartbeat, END, POLL */
    gap_verdict verdict;
    gap_state state; /* after it */
    const char *runs;
} step;

static void play(gap_tracker *tracker, const step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const step *s = &steps[i];
        if (s->count == POLL) {
            EXPECT_MSG(gap_poll(tracker, s->now) == (s->runs[0] != '\0'), "step %zu: poll", i);
        } else {
            gap_verdict verdict = gap_push(tracker, packet_of("S", s->first, s->count), s->now, s->now);
            EXPECT_MSG(verdict == s->verdict, "step %zu: verdict %d", i, verdict);
        }
        const char *runs = taken(tracker);
        EXPECT_MSG(strcmp(runs, s->runs) == 0, "step %zu: runs \"%s\", expected \"%s\"", i, runs, s->runs);
        gap_state state = gap_tracker_state(tracker);
        EXPECT_MSG(state == s->state, "step %zu: state %d", i, state);
    }
}
#define PLAY(tracker, ...)                                                                                         \
    do {                                                                                                           \
        static const step steps_[] = {__VA_ARGS__};                                                                \
        play((tracker), steps_, sizeof steps_ / sizeof *steps_);                                                   \
    } while (0)

static void expect_totals(gap_tracker *tracker, uint64_t messages, uint64_t duplicates, uint64_t lost,
                          uint64_t gaps) {
    gap_stats stats = gap_tracker_stats(tracker);
    EXPECT_U64(stats.messages, messages);
    EXPECT_U64(stats.duplicates, duplicates);
    EXPECT_U64(stats.lost, lost);
    EXPECT_U64(stats.gaps, gaps);
    EXPECT_U64(stats.held, 0);
    gap_free(tracker);
}

TEST(gap, packets_in_order_pass_and_repeated_ones_do_not) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 3, GAP_READY, GAP_IN_SEQUENCE, "1-3"}, {1, 1, 3, GAP_DUPLICATE, GAP_IN_SEQUENCE, ""},
         {2, 4, 1, GAP_READY, GAP_IN_SEQUENCE, "4-4"}, {3, 5, 0, GAP_HEARTBEAT, GAP_IN_SEQUENCE, ""},
         {4, 2, 6, GAP_READY, GAP_IN_SEQUENCE, "5-7"});
    expect_totals(tracker, 7, 6, 0, 0);
}

TEST(gap, a_late_packet_inside_the_window_closes_the_hole_without_a_gap) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, 2, GAP_HELD, GAP_REORDERING, ""},
         {2, 4, 2, GAP_DUPLICATE, GAP_REORDERING, ""}, {10, 0, POLL, 0, GAP_REORDERING, ""},
         {10, 2, 2, GAP_READY, GAP_IN_SEQUENCE, "2-3 4-5"});
    EXPECT_U64(gap_tracker_stats(tracker).reordered, 2);
    expect_totals(tracker, 5, 2, 0, 0);
}

TEST(gap, a_hole_older_than_the_window_is_a_gap_and_may_still_close) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, 2, GAP_HELD, GAP_REORDERING, ""});
    EXPECT_I64(gap_next_deadline(tracker), 11);
    PLAY(tracker, {11, 0, POLL, 0, GAP_OPEN, ""});
    EXPECT_I64(gap_next_deadline(tracker), 51);
    uint64_t from, to;
    EXPECT(gap_hole(tracker, &from, &to));
    EXPECT_U64(from, 2);
    EXPECT_U64(to, 3);
    PLAY(tracker, {50, 2, 2, GAP_READY, GAP_IN_SEQUENCE, "2-3 4-5"});
    EXPECT(!gap_hole(tracker, &from, &to));
    EXPECT_I64(gap_next_deadline(tracker), INT64_MAX);
    expect_totals(tracker, 5, 0, 0, 1);
}

TEST(gap, a_gap_past_its_deadline_is_given_up_and_late_messages_are_duplicates) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, 2, GAP_HELD, GAP_REORDERING, ""},
         {30, 9, 1, GAP_HELD, GAP_OPEN, ""}, {51, 0, POLL, 0, GAP_OPEN, "4-5(lost 2)"},
         {52, 2, 2, GAP_DUPLICATE, GAP_OPEN, ""}, {80, 0, POLL, 0, GAP_IN_SEQUENCE, "9-9(lost 3)"});
    expect_totals(tracker, 4, 2, 5, 2);
}

TEST(gap, a_packet_inside_a_hole_does_not_make_what_is_still_missing_younger) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 6, 1, GAP_HELD, GAP_REORDERING, ""},
         {40, 4, 1, GAP_HELD, GAP_OPEN, ""}, {50, 0, POLL, 0, GAP_OPEN, ""},
         {51, 0, POLL, 0, GAP_IN_SEQUENCE, "4-4(lost 2) 6-6(lost 1)"});
    EXPECT_U64(gap_tracker_stats(tracker).reordered, 1);
    expect_totals(tracker, 3, 0, 3, 2);
}

TEST(gap, regrouped_packets_give_only_their_new_part) {
    gap_tracker *tracker = tracker_of(8, 1000);
    PLAY(tracker, {0, 1, 2, GAP_READY, GAP_IN_SEQUENCE, "1-2"}, {1, 5, 4, GAP_HELD, GAP_REORDERING, ""},
         {2, 7, 6, GAP_HELD, GAP_REORDERING, ""}, {3, 2, 5, GAP_READY, GAP_IN_SEQUENCE, "3-6 7-8 9-12"});
    expect_totals(tracker, 12, 5, 0, 0);
    tracker = tracker_of(8, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 5, 2, GAP_HELD, GAP_REORDERING, ""},
         {1, 9, 2, GAP_HELD, GAP_REORDERING, ""}, {2, 4, 6, GAP_HELD, GAP_REORDERING, ""},
         {3, 4, 2, GAP_DUPLICATE, GAP_REORDERING, ""}, {11, 0, POLL, 0, GAP_OPEN, ""},
         {12, 2, 2, GAP_READY, GAP_IN_SEQUENCE, "2-3 4-8 9-10"});
    expect_totals(tracker, 10, 5, 0, 1);
}

TEST(gap, a_heartbeat_beyond_the_expected_number_is_a_hole_at_the_end) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, 0, GAP_HELD, GAP_REORDERING, ""},
         {12, 4, 0, GAP_HELD, GAP_OPEN, ""}, {40, 6, 0, GAP_HELD, GAP_OPEN, ""},
         {51, 0, POLL, 0, GAP_OPEN, "(lost 2)"}, {89, 0, POLL, 0, GAP_OPEN, ""},
         {90, 0, POLL, 0, GAP_IN_SEQUENCE, "(lost 2)"}, {91, 6, 1, GAP_READY, GAP_IN_SEQUENCE, "6-6"});
    expect_totals(tracker, 2, 0, 4, 2);
}

TEST(gap, heartbeats_that_keep_rising_do_not_defer_the_deadline) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"});
    for (int64_t now = 1; now <= 51; now++) {
        gap_push(tracker, packet_of("S", (uint64_t)now + 2, 0), now, now);
        EXPECT_STR(taken(tracker), now < 51 ? "" : "(lost 1)");
    }
    EXPECT_U64(gap_tracker_stats(tracker).lost, 1);
    EXPECT_U64(gap_expected(tracker), 3);
    gap_free(tracker);
}

TEST(gap, the_end_of_session_waits_for_what_is_missing) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, END, GAP_HELD, GAP_REORDERING, ""});
    EXPECT(!gap_ended(tracker));
    PLAY(tracker, {2, 2, 2, GAP_READY, GAP_IN_SEQUENCE, "2-3"});
    EXPECT(gap_ended(tracker));
    PLAY(tracker, {3, 4, END, GAP_ENDED, GAP_IN_SEQUENCE, ""});
    expect_totals(tracker, 3, 0, 0, 0);
    tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, END, GAP_HELD, GAP_REORDERING, ""},
         {51, 0, POLL, 0, GAP_IN_SEQUENCE, "(lost 2)"});
    EXPECT(gap_ended(tracker));
    expect_totals(tracker, 1, 0, 2, 1);
}

TEST(gap, an_end_below_what_has_come_is_none_and_one_that_something_comes_beyond_was_none) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 4, GAP_READY, GAP_IN_SEQUENCE, "1-4"}, {1, 3, END, GAP_DUPLICATE, GAP_IN_SEQUENCE, ""});
    EXPECT(!gap_ended(tracker));
    PLAY(tracker, {2, 7, 2, GAP_HELD, GAP_REORDERING, ""}, {3, 8, END, GAP_DUPLICATE, GAP_REORDERING, ""},
         {4, 5, 2, GAP_READY, GAP_IN_SEQUENCE, "5-6 7-8"}, {5, 9, END, GAP_ENDED, GAP_IN_SEQUENCE, ""},
         {6, 9, 0, GAP_HEARTBEAT, GAP_IN_SEQUENCE, ""}, {7, 8, 1, GAP_DUPLICATE, GAP_IN_SEQUENCE, ""});
    EXPECT(gap_ended(tracker));
    PLAY(tracker, {8, 8, 2, GAP_READY, GAP_IN_SEQUENCE, "9-9"});
    EXPECT(!gap_ended(tracker));
    PLAY(tracker, {9, 10, END, GAP_ENDED, GAP_IN_SEQUENCE, ""}, {10, 11, 0, GAP_HELD, GAP_REORDERING, ""});
    EXPECT(!gap_ended(tracker));
    gap_free(tracker);
}

TEST(gap, a_held_packet_may_be_longer_than_the_average_as_far_as_all_held_ones_have_room) {
    gap_tracker *tracker = tracker_of(8, 1000); /* 8000 bytes in all; a message takes 10 */
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 400, 400, GAP_HELD, GAP_REORDERING, ""},
         {2, 3, 397, GAP_HELD, GAP_REORDERING, ""}, {3, 2, 1, GAP_READY, GAP_IN_SEQUENCE, "2-2 3-399 400-799"},
         {4, 802, 400, GAP_HELD, GAP_REORDERING, ""}, {5, 1203, 400, GAP_HELD, GAP_REORDERING, ""},
         {6, 1604, 1, GAP_READY, GAP_REORDERING, "802-1201(lost 2)"});
    EXPECT_U64(gap_tracker_stats(tracker).held, 401);
    gap_free(tracker);
}

TEST(gap, what_is_given_up_in_favour_of_a_packet_keeps_its_bytes_while_the_others_make_room) {
    gap_tracker *tracker = tracker_of(8, 1000); /* 8000 bytes in all; a message takes 10 */
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 3, 400, GAP_HELD, GAP_REORDERING, ""},
         {2, 404, 390, GAP_HELD, GAP_REORDERING, ""}, {3, 800, 200, GAP_READY, GAP_REORDERING, "3-402(lost 1)"},
         {4, 1100, 400, GAP_READY, GAP_REORDERING, "404-793(lost 1)"},
         {5, 794, 6, GAP_READY, GAP_REORDERING, "794-799 800-999"},
         {6, 1000, 100, GAP_READY, GAP_IN_SEQUENCE, "1000-1099 1100-1499"});
    expect_totals(tracker, 1497, 0, 2, 2);
}

TEST(gap, held_packets_of_all_lengths_keep_their_bytes_while_others_come_and_go) {
    for (uint64_t seed = 1; seed <= 50; seed++) {
        tw_random random;
        tw_random_seed(&random, seed);
        gap_tracker *tracker = tracker_of(16, 740);
        uint64_t late = 2, next = 2;
        gap_push(tracker, packet_of("S", 1, 1), 0, 0);
        taken(tracker);
        for (int round = 0; round < 400;
             round++) { /* the next hole opens before the last one closes: never empty */
            uint64_t later = round == 0 ? 2 : ++next;
            uint64_t packets = 6 + tw_random_below(&random, 2), firsts[8]; /* the hold is nearly full */
            uint16_t counts[8];
            for (uint64_t i = 0; i < packets; i++) {
                firsts[i] = next + 1;
                counts[i] = (uint16_t)(60 + tw_random_below(&random, 21));
                next += counts[i];
            }
            for (uint64_t left = packets; left > 0; left--) { /* in any order */
                uint64_t i = tw_random_below(&random, left);
                EXPECT_I64(gap_push(tracker, packet_of("S", firsts[i], counts[i]), 0, 0), GAP_HELD);
                firsts[i] = firsts[left - 1];
                counts[i] = counts[left - 1];
            }
            if (round == 0) continue;
            EXPECT_I64(gap_push(tracker, packet_of("S", late, 1), 0, 0), GAP_READY);
            taken(tracker); /* every message is the one that its number says */
            EXPECT_MSG(gap_expected(tracker) == later, "seed %" PRIu64, seed);
            late = later;
        }
        EXPECT_U64(gap_tracker_stats(tracker).lost, 0);
        gap_free(tracker);
    }
}

TEST(gap, the_first_packet_or_heartbeat_sets_the_start) {
    uint64_t first;
    gap_tracker *tracker = tracker_of(4, 1000);
    EXPECT(!gap_started(tracker, &first));
    EXPECT_STR(gap_session(tracker), "");
    PLAY(tracker, {0, 77, 0, GAP_HEARTBEAT, GAP_IN_SEQUENCE, ""}, {1, 77, 1, GAP_READY, GAP_IN_SEQUENCE, "77-77"});
    EXPECT(gap_started(tracker, &first));
    EXPECT_U64(first, 77);
    EXPECT_STR(gap_session(tracker), "S         ");
    expect_totals(tracker, 1, 0, 0, 0);
}

TEST(gap, another_session_is_told_and_starts_anew_after_a_flush_and_a_reset) {
    gap_tracker *tracker = tracker_of(4, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 4, 2, GAP_HELD, GAP_REORDERING, ""});
    EXPECT_I64(gap_push(tracker, packet_of("T", 1, 2), 2, 2), GAP_NEW_SESSION);
    EXPECT(gap_flush(tracker));
    EXPECT_STR(taken(tracker), "4-5(lost 2)");
    gap_reset(tracker);
    EXPECT_I64(gap_push(tracker, packet_of("T", 1, 2), 2, 2), GAP_READY);
    EXPECT_STR(taken(tracker), "1-2");
    expect_totals(tracker, 5, 0, 2, 1);
}

TEST(gap, a_full_hold_gives_the_gap_up_at_once_and_drops_nothing) {
    gap_tracker *tracker = tracker_of(2, 1000);
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"}, {1, 3, 1, GAP_HELD, GAP_REORDERING, ""},
         {2, 5, 1, GAP_HELD, GAP_REORDERING, ""}, {3, 7, 1, GAP_READY, GAP_REORDERING, "3-3(lost 1)"},
         {4, 9, 201, GAP_READY, GAP_IN_SEQUENCE, "5-5(lost 1) 7-7(lost 1) 9-209(lost 1)"});
    gap_free(tracker);
}

TEST(gap, jumps_as_far_as_the_numbers_go_neither_loop_nor_overflow) {
    gap_tracker *tracker = tracker_of(4, 1000);
    uint64_t far = UINT64_C(1) << 40;
    PLAY(tracker, {0, 1, 1, GAP_READY, GAP_IN_SEQUENCE, "1-1"});
    EXPECT_I64(gap_push(tracker, packet_of("S", far, 1), 1, 1), GAP_HELD);
    EXPECT_I64(gap_push(tracker, packet_of("S", UINT64_MAX - 2, 5), 2, 2), GAP_HELD);
    EXPECT(gap_poll(tracker, INT64_MAX));
    EXPECT_STR(taken(tracker), "1099511627776-1099511627776(lost 1099511627774) "
                               "18446744073709551613-18446744073709551614(lost 18446742974197923836)");
    EXPECT_U64(gap_expected(tracker), UINT64_MAX);
    EXPECT_I64(gap_push(tracker, packet_of("S", UINT64_MAX, 1), 3, 3), GAP_DUPLICATE);
    EXPECT_I64(gap_push(tracker, packet_of("S", UINT64_MAX, 0), 3, 3), GAP_HEARTBEAT);
    gap_free(tracker);
}

TEST(gap, options_that_make_no_sense_are_refused) {
    static const gap_options bad[] = {{10, 5, 1, 1}, {-1, 5, 1, 1}, {0, 0, 0, 1}, {0, 0, 1, 0}};
    for (size_t i = 0; i < 4; i++) {
        gap_tracker *tracker;
        tw_error error;
        EXPECT_I64(gap_alloc(&tracker, &bad[i], &error), TW_INVALID);
        EXPECT(tracker == NULL);
    }
}

/* ---- random streams ---- */

#define NUMBERS 400
#define CUTS    2

typedef struct random_packet {
    uint64_t first, order;
    uint16_t count;
} random_packet;

static int by_order(const void *a, const void *b) {
    const random_packet *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Cuts 1..NUMBERS into packets twice, loses some, moves each by less than a bound. Returns how many. */
static size_t random_packets(tw_random *random, random_packet *packets, bool arrives[NUMBERS + 1]) {
    size_t total = 0;
    for (int cut = 0; cut < CUTS; cut++) {
        for (uint64_t first = 1; first <= NUMBERS;) {
            uint64_t count = 1 + tw_random_below(random, 7);
            if (first + count > NUMBERS + 1) count = NUMBERS + 1 - first;
            bool sent = first == 1 || tw_random_chance(random, 2, 3);
            for (uint64_t i = first; sent && i < first + count; i++)
                arrives[i] = true;
            uint64_t order = first == 1 ? 0 : 1 + first + tw_random_below(random, 30);
            if (sent) packets[total++] = (random_packet){first, order, (uint16_t)count};
            if (sent && tw_random_chance(random, 1, 8)) {
                packets[total] = packets[total - 1];
                packets[total++].order += tw_random_below(random, 20);
            }
            first += count;
        }
    }
    qsort(packets, total, sizeof *packets, by_order);
    return total;
}

/* Runs against the list of what arrives: every message once, in order, and the lost ones counted where they were. */
static uint64_t check_runs(gap_tracker *tracker, const bool *arrives, uint64_t next, uint64_t seed) {
    gap_run run;
    while (gap_take(tracker, &run)) {
        uint64_t lost = 0, number = run.first;
        size_t position = 0;
        uint16_t length;
        const uint8_t *message;
        for (; next <= NUMBERS && !arrives[next]; next++)
            lost++;
        EXPECT_MSG(run.first == next && run.lost_before == lost,
                   "seed %" PRIu64 ": run at %" PRIu64 " lost %" PRIu64 ", expected %" PRIu64 " lost %" PRIu64,
                   seed, run.first, run.lost_before, next, lost);
        while ((message = moldudp64_next(run.blocks, run.blocks_bytes, &position, &length)) != NULL) {
            EXPECT_MSG(tw_load_be64(message) == number && arrives[number], "seed %" PRIu64, seed);
            number++;
        }
        EXPECT_MSG(number == run.first + run.count, "seed %" PRIu64, seed);
        next = number;
    }
    return next;
}

TEST(gap, random_streams_come_out_in_order_once_and_without_the_lost) {
    for (uint64_t seed = 1; seed <= 500; seed++) {
        static random_packet packets[CUTS * NUMBERS * 2];
        bool arrives[NUMBERS + 1] = {false};
        tw_random random;
        tw_random_seed(&random, seed);
        size_t total = random_packets(&random, packets, arrives);
        gap_tracker *tracker = tracker_of(200, 200);
        uint64_t next = 1, lost = 0, received = 0, sent = 0;
        for (size_t i = 0; i < total; i++) {
            gap_push(tracker, packet_of("S", packets[i].first, packets[i].count), 0, (int64_t)packets[i].order);
            sent += packets[i].count;
            next = check_runs(tracker, arrives, next, seed);
            gap_poll(tracker, (int64_t)packets[i].order);
            next = check_runs(tracker, arrives, next, seed);
        }
        EXPECT(gap_push(tracker, packet_of("S", NUMBERS + 1, END), 0, 10000) != GAP_NEW_SESSION);
        next = check_runs(tracker, arrives, next, seed);
        gap_poll(tracker, 10000 + DEADLINE);
        EXPECT_U64(check_runs(tracker, arrives, next, seed), NUMBERS + 1);
        EXPECT(gap_ended(tracker));
        for (uint64_t i = 1; i <= NUMBERS; i++)
            arrives[i] ? received++ : lost++;
        gap_stats stats = gap_tracker_stats(tracker);
        EXPECT_MSG(stats.lost == lost && stats.messages == received && stats.duplicates == sent - received &&
                       stats.held == 0,
                   "seed %" PRIu64 ": lost %" PRIu64 " of %" PRIu64, seed, stats.lost, lost);
        gap_free(tracker);
    }
}
