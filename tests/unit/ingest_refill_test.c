/* A feed that repairs itself: two bad lines, a request server, one arbiter; and the refill's decisions as a table. */
#include "base/bytes.h"
#include "base/random.h"
#include "base/text.h"
#include "ingest/gap/refill.h"
#include "ingest/line/arbiter.h"
#include "ingest/line/faults.h"
#include "ingest/line/mold_request_server.h"
#include "tests/unit.h"

#define MS      INT64_C(1000000)
#define NUMBERS 2000u

typedef struct feed {
    arbiter *arbiter;
    uint32_t line;
    int64_t now;
    uint64_t next, lost, refilled, seed;
} feed;

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    (void)session, (void)receive_ns;
    ((feed *)context)->next = first;
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    feed *self = context;
    for (size_t i = 0; i < count; i++, self->next++)
        EXPECT_MSG(messages[i].seq == self->next && tw_load_be64(messages[i].bytes) == self->next,
                   "seed %" PRIu64 ": message %" PRIu64 " is not %" PRIu64, self->seed, messages[i].seq,
                   self->next);
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    feed *self = context;
    EXPECT_U64(from, self->next);
    self->next += count;
    self->lost += count;
}

static void on_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    (void)context, (void)why, (void)offset, (void)length;
}

static void into_arbiter(void *context, const uint8_t *payload, size_t length) {
    feed *self = context;
    arbiter_packet(self->arbiter, self->line, payload, length, self->now, self->now);
}

static const uint8_t *stored(void *context, uint64_t sequence, uint16_t *length) {
    tw_store_be64(context, sequence);
    *length = 8;
    return context;
}

static void repair(feed *self, refill *plan, mold_request_server *server, tw_random *random, bool answers) {
    for (int i = 0; i < 100; i++) {
        arbiter_status status = arbiter_read_status(self->arbiter);
        refill_hole hole = {status.gap_open, status.session_padded, status.gap_from, status.gap_to};
        refill_request request;
        if (!refill_step(plan, &hole, self->now, &request)) return;
        uint8_t packet[MOLDUDP64_HEADER_BYTES], answer[120];
        size_t bytes;
        mold_request_answer(server, packet, refill_write(&request, packet), NUMBERS + 1, answer, sizeof answer,
                            &bytes);
        if (!answers || tw_random_chance(random, 1, 4)) continue;
        if (tw_random_chance(random, 1, 4)) tw_store_be64(answer + 10, UINT64_C(1) << 50); /* garbage */
        arbiter_packet(self->arbiter, ARBITER_RECOVERY, answer, bytes, self->now, self->now);
    }
}

static feed run(uint64_t seed, bool answers, bool one_silent) {
    feed self = {.seed = seed};
    arbiter_options options = {{2 * MS, 200 * MS, 2000, 1500}, 2, 100000, false, 0};
    arbiter_listener listener = {&self, on_session, on_messages, on_lost, on_malformed};
    refill_options ask = {2, 50, 100, 10, 1 * MS, 8 * MS, 0, 150 * MS};
    refill plan;
    mold_request_server server;
    uint8_t memory[8];
    faults *lines[2];
    tw_random random;
    tw_random_seed(&random, seed);
    mold_request_server_init(&server, "S", stored, memory);
    EXPECT_I64(arbiter_alloc(&self.arbiter, &options, &listener, NULL), TW_OK);
    EXPECT_I64(refill_init(&plan, &ask, NULL), TW_OK);
    for (uint32_t i = 0; i < 2; i++) {
        faults_options bad = {.seed = seed * 2 + i,
                              .payload_bytes = 1400,
                              .loss = 50000,
                              .duplicate = 50000,
                              .reorder = 100000,
                              .reorder_displacement = 8,
                              .regroup_messages = 9};
        if (one_silent && i == 1) bad.loss = FAULTS_MILLION;
        EXPECT_I64(faults_alloc(&lines[i], &bad, into_arbiter, &self, NULL), TW_OK);
    }
    for (uint32_t i = 0; i < 2; i++) { /* the start of the session is told on both lines */
        uint8_t start[MOLDUDP64_HEADER_BYTES];
        self.line = i;
        into_arbiter(&self, start, moldudp64_write_header(start, "S", 1, 0));
    }
    for (uint64_t number = 1; number <= NUMBERS + 4000; number++) {
        uint8_t payload[64];
        size_t length =
            moldudp64_write_header(payload, "S", number < NUMBERS ? number : NUMBERS + 1, number <= NUMBERS);
        if (number <= NUMBERS) {
            tw_store_be64(payload + 10, number);
            uint8_t message[8];
            tw_store_be64(message, number);
            length += moldudp64_write_block(payload + length, sizeof payload - length, message, 8);
        }
        self.now += MS / 10;
        for (self.line = 0; self.line < 2; self.line++)
            faults_packet(lines[self.line], payload, length, self.now);
        arbiter_poll(self.arbiter, self.now);
        repair(&self, &plan, &server, &random, answers);
    }
    EXPECT_MSG(self.next == NUMBERS + 1, "seed %" PRIu64 ": ends at %" PRIu64, seed, self.next);
    for (uint32_t i = 0; i < 2; i++) {
        const line_counts *counts = &arbiter_line(self.arbiter, i)->counts;
        EXPECT_U64(counts->messages, counts->wins + counts->duplicates);
        faults_free(lines[i]);
    }
    self.refilled = arbiter_line(self.arbiter, ARBITER_RECOVERY)->counts.wins;
    arbiter_free(self.arbiter);
    return self;
}

TEST(refill, two_bad_lines_and_a_poor_request_server_give_every_message_once_in_order) {
    uint64_t refilled = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        feed end = run(seed, true, seed % 4 == 0);
        EXPECT_MSG(end.lost == 0, "seed %" PRIu64 ": lost %" PRIu64, seed, end.lost);
        refilled += end.refilled;
    }
    EXPECT_MSG(refilled > 100, "only %" PRIu64 " messages were refilled", refilled);
}

TEST(refill, what_nobody_brings_until_the_deadline_is_told_as_lost) {
    EXPECT(run(1, false, true).lost > 0);
}

TEST(refill, asks_in_parts_backs_off_to_the_next_server_and_stops_at_the_deadline) {
    refill_options options = {2, 10, 0, 0, 4, 8, 3, 30};
    refill plan;
    refill_request request;
    refill_hole hole = {true, "S         ", 5, 24};
    EXPECT_I64(refill_init(&plan, &options, NULL), TW_OK);
    EXPECT(refill_step(&plan, &hole, 0, &request));
    EXPECT(request.server == 0 && request.first == 5 && request.count == 10);
    EXPECT(!refill_step(&plan, &hole, 3, &request));
    EXPECT(refill_step(&plan, &hole, 4, &request));
    EXPECT_U64(request.server, 1);
    EXPECT_I64(refill_next_ns(&plan), 12);
    hole.from = 15;
    EXPECT(refill_step(&plan, &hole, 5, &request));
    EXPECT(request.server == 1 && request.first == 15 && request.count == 10);
    EXPECT(!refill_step(&plan, &hole, 30, &request));
    EXPECT_I64(refill_next_ns(&plan), INT64_MAX);
    hole.open = false;
    EXPECT(!refill_step(&plan, &hole, 31, &request));
    EXPECT(plan.stats.requests == 3 && plan.stats.failures == 2 && plan.stats.expired == 1 &&
           plan.stats.closed == 0);
}

/* ---- the refill's decisions, step by step ---- */

typedef struct decision {
    int64_t at;
    uint64_t from, to; /* the hole; both 0: there is none */
    const char *asks;  /* "server first+count", "" for nothing */
    int64_t next_ns;   /* when there is something to do though nothing comes; 0: never */
} decision;

static void decide(refill *plan, const decision *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        refill_hole hole = {steps[i].from > 0, "S         ", steps[i].from, steps[i].to};
        refill_request request;
        char asks[64] = "";
        if (refill_step(plan, &hole, steps[i].at, &request))
            tw_text_format(asks, sizeof asks, "%u %" PRIu64 "+%u", request.server, request.first, request.count);
        EXPECT_MSG(strcmp(asks, steps[i].asks) == 0, "step %zu asks \"%s\", expected \"%s\"", i, asks,
                   steps[i].asks);
        int64_t next = refill_next_ns(plan);
        EXPECT_MSG(next == (steps[i].next_ns > 0 ? steps[i].next_ns : INT64_MAX), "step %zu: next at %" PRId64, i,
                   next);
    }
}

#define DECIDE(plan, steps) decide(plan, steps, sizeof(steps) / sizeof *(steps))

static refill planned(refill_options options) {
    refill plan;
    EXPECT_I64(refill_init(&plan, &options, NULL), TW_OK);
    return plan;
}

/* Two servers, ten messages a request, back-off from 4 to 16, 3 to settle, given up after 100. */
static const refill_options usual = {2, 10, 0, 0, 4, 16, 3, 100};

TEST(refill, a_partial_answer_is_waited_on_to_settle_and_the_same_server_is_asked_for_the_rest) {
    static const decision steps[] = {
        {0, 5, 24, "0 5+10", 4}, {1, 8, 24, "", 4},       {2, 9, 24, "", 5}, /* 3 after the latest progress */
        {4, 9, 24, "", 5},       {5, 9, 24, "0 9+10", 9},
    };
    refill plan = planned(usual);
    DECIDE(&plan, steps);
    EXPECT_U64(plan.stats.failures, 0);
}

TEST(refill, a_late_answer_counts_although_another_server_is_being_asked_and_the_next_part_follows_at_once) {
    static const decision steps[] = {
        {0, 5, 24, "0 5+10", 4}, {4, 5, 24, "1 5+10", 12}, {6, 15, 24, "1 15+10", 10}, /* of server 0 */
        {7, 20, 24, "", 10},     {8, 0, 0, "", 0},
    };
    refill plan = planned(usual);
    DECIDE(&plan, steps);
    EXPECT_U64(plan.stats.failures, 1);
    EXPECT_U64(plan.stats.closed, 1);
}

TEST(refill, the_back_off_doubles_to_its_maximum_takes_turns_and_starts_anew_with_progress) {
    static const decision steps[] = {
        {0, 5, 6, "0 5+2", 4},   {3, 5, 6, "", 4},        {4, 5, 6, "1 5+2", 12},
        {12, 5, 6, "0 5+2", 28}, {28, 5, 6, "1 5+2", 44}, {44, 5, 6, "0 5+2", 60},
        {50, 6, 6, "", 53},      {53, 6, 6, "0 6+1", 57}, {57, 6, 6, "1 6+1", 65},
    };
    refill plan = planned(usual);
    DECIDE(&plan, steps);
    EXPECT_U64(plan.stats.failures, 5);
    EXPECT_U64(plan.stats.requests, 7);
}

TEST(refill, a_hole_is_given_up_at_its_deadline_and_the_next_one_has_its_own) {
    static const decision steps[] = {
        {0, 5, 6, "0 5+2", 4},     {96, 5, 6, "1 5+2", 100},
        {100, 5, 6, "", 0},        {101, 6, 6, "", 0},        /* the same hole, smaller: its time is over */
        {102, 9, 9, "1 9+1", 106}, {110, 9, 9, "0 9+1", 118}, /* another */
        {120, 0, 0, "", 0},        {121, 0, 0, "", 0},
    };
    refill plan = planned(usual);
    DECIDE(&plan, steps);
    EXPECT_U64(plan.stats.holes, 2);
    EXPECT_U64(plan.stats.expired, 1);
    EXPECT_U64(plan.stats.closed, 1);
}

TEST(refill, a_hole_of_another_session_is_another_hole) {
    refill plan = planned(usual);
    refill_request request;
    refill_hole hole = {true, "S         ", 5, 6};
    EXPECT(refill_step(&plan, &hole, 0, &request));
    hole.session = "T         ";
    EXPECT(refill_step(&plan, &hole, 1, &request));
    EXPECT_STR(request.session, "T         ");
    EXPECT_U64(plan.stats.holes, 2);
}

TEST(refill, a_request_is_limited_in_messages_and_in_bytes_and_asks_for_one_at_least) {
    static const struct {
        uint32_t max_messages, max_bytes, message_bytes;
        uint64_t missing;
        uint16_t count;
    } rows[] = {{100, 0, 0, 5000, 100},     {100, 0, 0, 7, 7},       {100, 1400, 44, 5000, 31},
                {20, 1400, 44, 5000, 20},   {100, 1400, 44, 30, 30}, {100, 30, 44, 5000, 1},
                {65534, 0, 0, 70000, 65534}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        refill_options options = usual;
        options.max_messages = rows[i].max_messages;
        options.max_bytes = rows[i].max_bytes;
        options.message_bytes = rows[i].message_bytes;
        refill plan = planned(options);
        refill_request request;
        refill_hole hole = {true, "S         ", 1, rows[i].missing};
        EXPECT(refill_step(&plan, &hole, 0, &request));
        EXPECT_MSG(request.count == rows[i].count, "row %zu asks for %u", i, request.count);
    }
}

TEST(refill, options_that_make_no_sense_are_refused_in_words) {
    static const struct {
        refill_options options;
        const char *words;
    } rows[] = {{{0, 10, 0, 0, 4, 8, 3, 30}, "request servers, not 0"},
                {{REFILL_MAX_SERVERS + 1, 10, 0, 0, 4, 8, 3, 30}, "not 9"},
                {{1, 0, 0, 0, 4, 8, 3, 30}, "messages, not 0"},
                {{1, 65535, 0, 0, 4, 8, 3, 30}, "not 65535"},
                {{1, 10, 1400, 0, 4, 8, 3, 30}, "guess"},
                {{1, 10, 0, 0, 0, 8, 3, 30}, "back-off"},
                {{1, 10, 0, 0, 9, 8, 3, 30}, "back-off"},
                {{1, 10, 0, 0, 4, 8, -1, 30}, "deadline"},
                {{1, 10, 0, 0, 4, 8, 3, 0}, "deadline"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        refill plan;
        tw_error error = {0};
        EXPECT_I64(refill_init(&plan, &rows[i].options, &error), TW_INVALID);
        EXPECT_CONTAINS(error.text, rows[i].words);
    }
}
