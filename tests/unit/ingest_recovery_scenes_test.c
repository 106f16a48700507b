/*
 * Scenes of a feed that repairs itself: what the lines bring and what a request server does, step by step, and what is
 * told in the end, as one line of words. Arbiter, refill and request server are the real ones; the clock is the test's.
 *
 *   session S@1   a session begins, heard from number 1 on      got 1-3   messages, in order
 *   ask 1+3       a request for three messages from 1 on        lost 4-5  given up
 */
#include "base/bytes.h"
#include "base/text.h"
#include "ingest/gap/refill.h"
#include "ingest/line/arbiter.h"
#include "ingest/line/mold_request_server.h"
#include "tests/unit.h"

typedef enum deed {
    A,        /* line A carries `count` messages from `first` on; 0 is a heartbeat */
    B,        /* line B likewise */
    END,      /* line A tells the end of the session; `first` is the next number */
    OTHER,    /* line A carries `count` messages of session T */
    STORE,    /* the request server has the messages below `first` from now on */
    SERVE,    /* it answers the oldest request that waits, at most `count` messages; 0: all it may */
    DROP,     /* that request is lost on its way */
    NONSENSE, /* it is answered with messages from `first` on, whatever was asked for */
    TIME      /* passes */
} deed;

typedef struct step {
    int64_t at;
    deed deed;
    uint64_t first;
    uint16_t count;
} step;

#define MAX_ASKED 16

typedef struct scene {
    arbiter *arbiter;
    refill plan;
    bool asks;
    mold_request_server server;
    uint64_t stored; /* next number that the request server has not */
    refill_request asked[MAX_ASKED];
    uint32_t asked_count, answered;
    int64_t now;
    uint64_t got_first, got_next; /* a run of messages not yet told */
    char log[1024];
} scene;

static void tell(scene *self, const char *what, uint64_t a, const char *between, uint64_t b) {
    size_t length = strlen(self->log);
    tw_text_format(self->log + length, sizeof self->log - length, "%s%s %" PRIu64 "%s%" PRIu64,
                   length > 0 ? ", " : "", what, a, between, b);
}

static void tell_messages(scene *self) {
    if (self->got_next > self->got_first) tell(self, "got", self->got_first, "-", self->got_next - 1);
    self->got_first = self->got_next = 0;
}

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    scene *self = context;
    char what[32];
    (void)receive_ns;
    tell_messages(self);
    tw_text_format(what, sizeof what, "session %s from", session);
    size_t length = strlen(self->log);
    tw_text_format(self->log + length, sizeof self->log - length, "%s%s %" PRIu64, length > 0 ? ", " : "", what,
                   first);
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    scene *self = context;
    for (size_t i = 0; i < count; i++) {
        EXPECT_U64(tw_load_be64(messages[i].bytes), messages[i].seq); /* each is the one it says it is */
        if (messages[i].seq != self->got_next) {
            tell_messages(self);
            self->got_first = messages[i].seq;
        }
        self->got_next = messages[i].seq + 1;
    }
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    tell_messages(context);
    tell(context, "lost", from, "-", from + count - 1);
}

static void on_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    (void)context, (void)offset, (void)length;
    EXPECT_MSG(false, "%s", moldudp64_result_text(why));
}

static const uint8_t *stored_message(void *context, uint64_t sequence, uint16_t *length) {
    static uint8_t bytes[8];
    (void)context;
    tw_store_be64(bytes, sequence);
    *length = 8;
    return bytes;
}

static size_t packet_of(uint8_t *payload, const char *session, uint64_t first, uint16_t count) {
    size_t length = moldudp64_write_header(payload, session, first, count);
    for (uint16_t i = 0; count != MOLDUDP64_END_OF_SESSION && i < count; i++) {
        uint8_t message[8];
        tw_store_be64(message, first + i);
        length += moldudp64_write_block(payload + length, 512 - length, message, sizeof message);
    }
    return length;
}

static void carry(scene *self, uint32_t line, const char *session, uint64_t first, uint16_t count) {
    uint8_t payload[512];
    arbiter_packet(self->arbiter, line, payload, packet_of(payload, session, first, count), self->now, self->now);
}

static void answer(scene *self, const step *now) {
    EXPECT_MSG(self->answered < self->asked_count, "at %" PRId64 " nothing was asked for", now->at);
    const refill_request *request = &self->asked[self->answered++];
    if (now->deed == DROP) return;
    if (now->deed == NONSENSE) {
        carry(self, ARBITER_RECOVERY, "S", now->first, now->count);
        return;
    }
    uint8_t packet[MOLDUDP64_HEADER_BYTES], reply[512];
    size_t bytes, room = now->count > 0 ? MOLDUDP64_HEADER_BYTES + 10u * now->count : sizeof reply;
    mold_request_answer(&self->server, packet, refill_write(request, packet), self->stored, reply, room, &bytes);
    if (bytes > 0) arbiter_packet(self->arbiter, ARBITER_RECOVERY, reply, bytes, self->now, self->now);
}

static void act(scene *self, const step *now) {
    self->now = now->at;
    if (now->deed == A || now->deed == B) carry(self, now->deed == B, "S", now->first, now->count);
    if (now->deed == END) carry(self, 0, "S", now->first, MOLDUDP64_END_OF_SESSION);
    if (now->deed == OTHER) carry(self, 0, "T", now->first, now->count);
    if (now->deed == STORE) self->stored = now->first;
    if (now->deed == SERVE || now->deed == DROP || now->deed == NONSENSE) answer(self, now);
    arbiter_poll(self->arbiter, self->now);
}

static void ask(scene *self) {
    arbiter_status status = arbiter_read_status(self->arbiter);
    refill_hole hole = {status.gap_open, status.session_padded, status.gap_from, status.gap_to};
    refill_request request;
    if (!self->asks || !refill_step(&self->plan, &hole, self->now, &request)) return;
    EXPECT(self->asked_count < MAX_ASKED);
    self->asked[self->asked_count++] = request;
    tell_messages(self);
    tell(self, "ask", request.first, "+", request.count);
}

/* Reorder window 2, deadline 100; requests of at most four messages, back-off from 10, 1 to settle. */
static void open_scene(scene *self, bool asks) {
    *self = (scene){.asks = asks};
    arbiter_options options = {{2, 100, 64, 512}, 2, 1000, false, 0};
    arbiter_listener listener = {self, on_session, on_messages, on_lost, on_malformed};
    refill_options ask_options = {1, 4, 0, 0, 10, 40, 1, 100};
    EXPECT_I64(arbiter_alloc(&self->arbiter, &options, &listener, NULL), TW_OK);
    EXPECT_I64(refill_init(&self->plan, &ask_options, NULL), TW_OK);
    mold_request_server_init(&self->server, "S", stored_message, NULL);
}

static void play(scene *self, const step *steps, size_t count, const char *told) {
    for (size_t i = 0; i < count; i++) {
        act(self, &steps[i]);
        ask(self);
    }
    tell_messages(self);
    EXPECT_STR(self->log, told);
}

#define SCENE(asks, told, ...)                                                                                     \
    do {                                                                                                           \
        static const step steps_[] = {__VA_ARGS__};                                                                \
        scene scene_;                                                                                              \
        open_scene(&scene_, asks);                                                                                 \
        play(&scene_, steps_, sizeof steps_ / sizeof *steps_, told);                                               \
        arbiter_free(scene_.arbiter);                                                                              \
    } while (0)

/* ---- what comes twice ---- */

TEST(recovery_scenes, a_packet_of_which_a_part_or_all_was_had_gives_only_what_is_new) {
    SCENE(true, "session S from 1, got 1-5", {0, A, 1, 1}, {1, A, 1, 2}, {2, A, 1, 2}, {3, A, 2, 4});
    SCENE(true, "session S from 1, got 1-6", {0, A, 1, 3}, {1, B, 1, 1}, {2, B, 2, 3}, {3, A, 4, 1}, {4, A, 5, 2});
}

/* ---- where a feed begins ---- */

TEST(recovery_scenes, what_was_sent_before_the_feed_was_first_heard_is_not_asked_for) {
    SCENE(true, "session S from 4, got 4-5", {0, STORE, 4, 0}, {1, A, 4, 0}, {9, A, 4, 2}, {50, TIME, 0, 0});
    SCENE(true, "session S from 3, got 3-5", {0, A, 3, 2}, {1, A, 1, 2}, {9, A, 5, 1}); /* nor taken late */
}

/* ---- holes that are filled ---- */

TEST(recovery_scenes, a_heartbeat_that_tells_of_messages_nobody_saw_lets_them_be_asked_for) {
    SCENE(true, "session S from 1, ask 1+3, got 1-3", {0, A, 1, 0}, {1, STORE, 4, 0}, {2, A, 4, 0}, {4, TIME, 0, 0},
          {5, SERVE, 0, 0});
}

TEST(recovery_scenes, nothing_is_asked_for_within_the_reorder_window) {
    SCENE(true, "session S from 1, got 1-4", {0, A, 1, 1}, {1, A, 4, 1}, {2, A, 2, 2}, {50, TIME, 0, 0});
    SCENE(true, "session S from 1, got 1-4", {0, A, 1, 1}, {1, A, 4, 1}, {2, B, 1, 4}, {50, TIME, 0, 0});
}

TEST(recovery_scenes, a_backfill_of_the_whole_start_goes_in_parts_while_the_feed_goes_on) {
    SCENE(true, "session S from 1, ask 1+4, got 1-4, ask 5+4, got 5-8, ask 9+1, got 9-12", {0, A, 1, 0},
          {1, STORE, 10, 0}, {2, A, 10, 1}, {4, TIME, 0, 0}, {5, SERVE, 0, 0}, {6, A, 11, 1}, {7, SERVE, 0, 0},
          {8, A, 12, 1}, {9, SERVE, 0, 0});
}

TEST(recovery_scenes, two_holes_are_two_requests) {
    SCENE(true, "session S from 1, got 1-1, ask 2+1, got 2-3, ask 4+2, got 4-6", {0, A, 1, 1}, {1, STORE, 7, 0},
          {2, A, 3, 1}, {3, A, 6, 1}, {5, TIME, 0, 0}, {6, SERVE, 0, 0}, {7, SERVE, 0, 0});
}

TEST(recovery_scenes, a_hole_that_grows_while_it_is_asked_for_is_asked_for_to_its_end) {
    SCENE(true, "session S from 1, ask 1+1, got 1-1, ask 2+2, got 2-3", {0, A, 1, 0}, {1, STORE, 4, 0},
          {1, A, 2, 0}, {4, TIME, 0, 0}, {5, A, 4, 0}, {6, SERVE, 0, 0}, {8, TIME, 0, 0}, {9, SERVE, 0, 0});
}

TEST(recovery_scenes, what_is_missing_at_the_end_of_the_session_is_filled_before_it_ends) {
    static const step steps[] = {{0, A, 1, 0}, {1, STORE, 4, 0}, {2, END, 4, 0}, {4, TIME, 0, 0}};
    static const step late[] = {{5, SERVE, 0, 0}};
    scene self;
    open_scene(&self, true);
    play(&self, steps, sizeof steps / sizeof *steps, "session S from 1, ask 1+3");
    EXPECT(!arbiter_read_status(self.arbiter).ended);
    play(&self, late, 1, "session S from 1, ask 1+3, got 1-3");
    EXPECT(arbiter_read_status(self.arbiter).ended);
    arbiter_free(self.arbiter);
}

TEST(recovery_scenes, a_request_that_is_lost_is_sent_again_and_held_messages_follow_the_answer) {
    SCENE(true, "session S from 1, ask 1+1, ask 1+1, got 1-3", {0, A, 1, 0}, {1, STORE, 4, 0}, {2, A, 2, 1},
          {4, TIME, 0, 0}, {5, DROP, 0, 0}, {5, A, 3, 1}, {15, TIME, 0, 0}, {16, SERVE, 0, 0});
}

TEST(recovery_scenes, a_server_that_has_it_only_later_is_asked_until_it_has_it) {
    SCENE(true, "session S from 1, ask 1+2, ask 1+2, ask 1+2, got 1-3", {0, A, 1, 0}, {1, STORE, 1, 0},
          {2, A, 3, 1}, {4, TIME, 0, 0}, {5, SERVE, 0, 0}, {14, TIME, 0, 0}, {15, SERVE, 0, 0}, {20, STORE, 3, 0},
          {34, TIME, 0, 0}, {35, SERVE, 0, 0});
}

TEST(recovery_scenes, a_partial_answer_is_followed_by_a_request_for_the_rest) {
    SCENE(true, "session S from 1, ask 1+4, got 1-2, ask 3+3, got 3-6", {0, A, 1, 0}, {1, STORE, 7, 0},
          {2, A, 6, 1}, {4, TIME, 0, 0}, {5, SERVE, 0, 2}, {6, TIME, 0, 0}, {7, SERVE, 0, 0});
}

TEST(recovery_scenes, a_line_that_brings_it_late_makes_the_answer_a_duplicate) {
    SCENE(true, "session S from 1, ask 1+2, got 1-4", {0, A, 1, 0}, {1, STORE, 4, 0}, {2, A, 3, 1}, {4, TIME, 0, 0},
          {5, B, 1, 2}, {6, SERVE, 0, 0}, {7, A, 4, 1});
}

TEST(recovery_scenes, answers_that_were_not_asked_for_are_none) {
    /* Beyond what any line told of; then the right one. */
    SCENE(true, "session S from 1, ask 1+2, ask 1+2, got 1-3", {0, A, 1, 0}, {1, STORE, 4, 0}, {2, A, 3, 1},
          {4, TIME, 0, 0}, {5, NONSENSE, 3, 9}, {14, TIME, 0, 0}, {15, SERVE, 0, 0});
}

/* ---- holes that are not ---- */

TEST(recovery_scenes, exactly_the_missing_numbers_are_told_as_lost_at_the_deadline_and_the_rest_in_order) {
    SCENE(false, "session S from 1, got 1-2, lost 3-5, got 6-7, lost 8-8, got 9-10", {0, A, 1, 2}, {1, A, 6, 2},
          {2, A, 9, 1}, {101, TIME, 0, 0}, {103, TIME, 0, 0}, {104, A, 10, 1});
    SCENE(false, "session S from 1, got 1-2, lost 3-3, got 4-4, lost 5-5, got 6-6", {0, A, 1, 2}, {1, A, 6, 1},
          {2, B, 4, 1}, {101, TIME, 0, 0}, {200, TIME, 0, 0});
    SCENE(true, "session S from 1, got 1-1, ask 2+2, lost 2-3, got 4-4", {0, A, 1, 1}, {1, A, 4, 1},
          {3, TIME, 0, 0}, {102, TIME, 0, 0});
}

TEST(recovery_scenes, an_answer_behind_the_deadline_is_too_late_and_nothing_comes_twice) {
    SCENE(true, "session S from 1, got 1-1, ask 2+2, lost 2-3, got 4-5", {0, A, 1, 1}, {0, STORE, 5, 0},
          {1, A, 4, 1}, {3, TIME, 0, 0}, {102, TIME, 0, 0}, {103, SERVE, 0, 0}, {104, A, 5, 1});
}

TEST(recovery_scenes, a_new_session_settles_the_old_one) {
    SCENE(false, "session S from 1, got 1-1, lost 2-2, got 3-3, session T from 1, got 1-3", {0, A, 1, 1},
          {1, A, 3, 1}, {2, OTHER, 1, 1}, {3, OTHER, 2, 2});
}

/* ---- a line that dies and returns ---- */

TEST(recovery_scenes, a_line_dies_and_returns_and_the_other_one_carries_the_feed_meanwhile) {
    static const step steps[] = {{0, A, 1, 2},  {0, B, 1, 2},                     /* both */
                                 {5, B, 3, 2},  {10, B, 5, 2},                    /* A is dead */
                                 {20, A, 9, 0}, {20, B, 7, 2},                    /* it returns with a heartbeat */
                                 {30, A, 9, 1}, {31, B, 9, 1}, {40, TIME, 0, 0}}; /* both again */
    static const step turned[] = {{50, A, 10, 3}, {60, A, 13, 0}, {70, B, 13, 1}, {71, A, 13, 1}, {80, TIME, 0, 0}};
    scene self;
    open_scene(&self, true);
    play(&self, steps, sizeof steps / sizeof *steps, "session S from 1, got 1-9");
    const line_counts *a = &arbiter_line(self.arbiter, 0)->counts, *b = &arbiter_line(self.arbiter, 1)->counts;
    EXPECT(a->losses == 6 && b->losses == 0);
    EXPECT(a->messages == 3 && a->wins == 3 && a->duplicates == 0);
    EXPECT(b->messages == 9 && b->wins == 6 && b->duplicates == 3);
    play(&self, turned, sizeof turned / sizeof *turned,
         "session S from 1, got 1-9, got 10-13"); /* now B was away */
    EXPECT(a->losses == 6 && b->losses == 3);
    EXPECT_U64(self.asked_count, 0);
    arbiter_free(self.arbiter);
}
