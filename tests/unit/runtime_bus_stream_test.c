/* Reading, writing and managing streams against a real nats-server with JetStream. */
#include <signal.h>

#include "base/civil.h"
#include "base/random.h"
#include "base/text.h"
#include "runtime/bus.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_streams.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"
#include "tests/support/nats_process.h"
#include "tests/unit.h"

#define NS_PER_MS (TW_NS_PER_SECOND / 1000)
#define LONG_NS   (60 * TW_NS_PER_SECOND)
static const char *const with_jetstream[] = {"-js", NULL};

typedef struct scene {
    nats_process server;
    uv_loop_t loop;
    uv_timer_t tick;
    bus *wire;
    bus_streams *streams;
    bus_streams_result result;
    uint8_t bytes[256]; /* of a message that was asked for */
    unsigned results, ticks;
    bus_reader *reader;
    bool push; /* how the reader reads */
    uint64_t creates;
    bus_writer *writer, *rival;
    uint64_t messages, first_bad; /* read, and the first that was not what its number says */
    uint64_t stop_after;          /* the reader is closed in the callback after so many; 0: never */
    int64_t last_ns;
    unsigned statuses;
    bus_write_result last;
    uint64_t stored, failed;
} scene;

static void on_tick(uv_timer_t *timer) {
    ((scene *)timer->data)->ticks++;
}

static void on_streams(void *context, const bus_streams_result *result) {
    scene *s = context;
    s->result = *result;
    s->results++;
    if (result->length < sizeof s->bytes && result->length > 0) memcpy(s->bytes, result->bytes, result->length);
}

static void on_write(void *context, const bus_write_result *result) {
    scene *s = context;
    s->last = *result;
    if (result->outcome == BUS_WRITE_STORED)
        s->stored++;
    else
        s->failed++;
}

static void on_reader_status(void *context, const bus_reader_status *status) {
    scene *s = context;
    (void)status;
    s->statuses++;
}

/* Message number n, from 1, has the text of n - 1 in it. */
static void on_stream_message(void *context, const bus_stream_message *message) {
    scene *s = context;
    char text[24] = "";
    uint64_t value = 0;
    if (message->length < sizeof text) memcpy(text, message->bytes, message->length);
    bool good = tw_text_to_u64(text, &value) && value + 1 == message->seq && message->stream_ns >= s->last_ns;
    if (!good && s->first_bad == 0) s->first_bad = message->seq;
    s->last_ns = message->stream_ns;
    s->messages++;
    if (s->stop_after != 0 && s->messages == s->stop_after) bus_reader_close(s->reader);
}

static void set_up(scene *s, const char *const *arguments) {
    tw_error error = {0};
    memset(s, 0, sizeof *s);
    if (!nats_process_start(&s->server, arguments)) SKIP(s->server.problem);
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->tick);
    s->tick.data = s;
    uv_timer_start(&s->tick, on_tick, 5, 5);
    bus_options options = {.url = s->server.url, .name = "test", .no_responders = true};
    EXPECT_MSG(bus_open(&s->wire, &s->loop, &options, &error) == TW_OK, "%s", error.text);
    bus_streams_options management = {
        .url = s->server.url, .timeout_ns = 8 * TW_NS_PER_SECOND, .on_result = on_streams, .context = s};
    EXPECT_I64(bus_streams_open(&s->streams, &s->loop, &management, &error), TW_OK);
}

static void tear_down(scene *s) {
    if (s->stop_after == 0) bus_reader_close(s->reader);
    bus_writer_close(s->writer);
    bus_writer_close(s->rival);
    bus_streams_close(s->streams);
    bus_close(s->wire);
    uv_close((uv_handle_t *)&s->tick, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&s->loop), 0);
    nats_process_stop(&s->server);
}

/* Runs the loop until the condition holds; false if it does not within a minute. */
#define UNTIL(s, condition)                                                                                        \
    do {                                                                                                           \
        int64_t end_ns_ = rt_clock_monotonic_ns() + LONG_NS;                                                       \
        while (!(condition) && rt_clock_monotonic_ns() < end_ns_)                                                  \
            uv_run(&(s)->loop, UV_RUN_ONCE);                                                                       \
        EXPECT_MSG((condition), "did not come: %s", #condition);                                                   \
    } while (0)

static bus_streams_outcome outcome_of(scene *s) {
    UNTIL(s, !bus_streams_busy(s->streams));
    return s->result.outcome;
}

static bus_streams_outcome ensure(scene *s, const bus_stream_config *config) {
    EXPECT(bus_streams_ensure(s->streams, config));
    return outcome_of(s);
}

static const bus_stream_config journal = {.name = "journal", .subjects = {"o.>"}, .replicas = 1};

static void ensure_journal(scene *s) {
    EXPECT_MSG(ensure(s, &journal) == BUS_STREAMS_DONE, "%s", s->result.reason);
}

static bus_writer *open_writer(scene *s, uint32_t most, int64_t timeout_ns) {
    bus_writer *writer = NULL;
    tw_error error = {0};
    bus_writer_options options = {
        .max_outstanding = most, .timeout_ns = timeout_ns, .on_result = on_write, .context = s};
    EXPECT_MSG(bus_writer_open(&writer, s->wire, &s->loop, &options, &error) == TW_OK, "%s", error.text);
    return writer;
}

static tw_code write_number(bus_writer *writer, uint64_t number, uint64_t expected) {
    char text[24];
    tw_text_format(text, sizeof text, "%" PRIu64, number);
    return bus_writer_write(writer, "o.1", (const uint8_t *)text, strlen(text), expected, number);
}

/* Writes numbers first to end - 1, unfenced. */
static void fill(scene *s, uint64_t first, uint64_t end) {
    if (s->writer == NULL) s->writer = open_writer(s, 4096, LONG_NS);
    uint64_t before = s->stored;
    for (uint64_t i = first; i < end;) {
        while (i < end && bus_writer_room(s->writer) > 0)
            EXPECT_I64(write_number(s->writer, i++, BUS_ANY_LAST_SEQ), TW_OK);
        bus_flush(s->wire);
        uv_run(&s->loop, UV_RUN_ONCE);
    }
    UNTIL(s, bus_writer_outstanding(s->writer) == 0);
    EXPECT_U64(s->stored, before + end - first);
}

static void open_reader(scene *s, uint64_t start_seq, uint32_t batch) {
    tw_error error = {0};
    bus_reader_options options = {.stream = "journal",
                                  .start_seq = start_seq,
                                  .push = s->push,
                                  .batch = batch,
                                  .heartbeat_ns = 200 * NS_PER_MS,
                                  .on_message = on_stream_message,
                                  .on_status = on_reader_status,
                                  .context = s};
    EXPECT_MSG(bus_reader_open(&s->reader, s->wire, &s->loop, &options, &error) == TW_OK, "%s", error.text);
}

static bus_reader_state state_of(const scene *s) {
    return bus_reader_read_status(s->reader)->state;
}

/* Asks the server for something that a tool would: the answer goes to nobody. */
static void api(scene *s, const char *subject, const char *body) {
    EXPECT_I64(bus_publish_request(s->wire, subject, "_INBOX.nobody", (const uint8_t *)body, strlen(body)), TW_OK);
    bus_flush(s->wire);
}

/* ---- managing ---- */

TEST(bus_streams, a_stream_is_made_once_left_alone_when_it_is_right_and_changed_when_it_is_not) {
    scene s;
    bus_stream_config config = journal;
    set_up(&s, with_jetstream);
    EXPECT(bus_streams_info(s.streams, "journal"));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_NOT_FOUND);
    EXPECT_MSG(ensure(&s, &config) == BUS_STREAMS_DONE, "%s", s.result.reason);
    EXPECT(s.result.made && !s.result.changed);
    EXPECT_U64(s.result.info.first_seq, 1);
    EXPECT_U64(s.result.info.last_seq, 0);
    int64_t created_ns = s.result.info.created_ns;
    EXPECT(created_ns > 0);
    EXPECT_I64(ensure(&s, &config), BUS_STREAMS_DONE);
    EXPECT(!s.result.made && !s.result.changed);
    config.subjects[1] = "c.>";
    config.duplicate_window_ns = TW_NS_PER_SECOND;
    config.max_bytes = 1000000;
    config.refuse_when_full = true;
    EXPECT_MSG(ensure(&s, &config) == BUS_STREAMS_DONE, "%s", s.result.reason);
    EXPECT(!s.result.made && s.result.changed);
    EXPECT_STR(s.result.changes, "subjects: o.> -> o.> c.>, discard: old -> new");
    EXPECT_U64(s.result.info.max_bytes, 0); /* whoever made it, or an operator, has set that */
    EXPECT_I64(ensure(&s, &config), BUS_STREAMS_DONE);
    EXPECT(!s.result.changed);
    EXPECT_I64(s.result.info.created_ns, created_ns);
    config.in_memory = true;
    EXPECT_I64(ensure(&s, &config), BUS_STREAMS_REFUSED);
    EXPECT_CONTAINS(s.result.reason, "changing the stream (storage: file -> memory)");
    tear_down(&s);
}

TEST(bus_streams, single_messages_are_read_by_number_and_by_subject) {
    scene s;
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    fill(&s, 0, 20);
    EXPECT(bus_streams_get(s.streams, "journal", 7));
    EXPECT(!bus_streams_get(s.streams, "journal", 8)); /* one at a time */
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT_U64(s.result.seq, 7);
    EXPECT_STR(s.result.subject, "o.1");
    EXPECT(s.result.length == 1 && s.bytes[0] == '6' && s.result.stream_ns > 0);
    EXPECT(bus_streams_get_last(s.streams, "journal", ">"));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT_U64(s.result.seq, 20);
    EXPECT(bus_streams_get(s.streams, "journal", 21));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_NOT_FOUND);
    EXPECT(bus_streams_info(s.streams, "journal"));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT_U64(s.result.info.messages, 20);
    tear_down(&s);
}

TEST(bus_streams, a_server_that_is_gone_or_has_no_jetstream_is_away_and_says_why) {
    scene s;
    set_up(&s, NULL);
    EXPECT_MSG(ensure(&s, &journal) == BUS_STREAMS_AWAY, "%s", s.result.reason);
    EXPECT_CONTAINS(s.result.reason, "no JetStream");
    nats_process_pause(&s.server);
    EXPECT_I64(ensure(&s, &journal), BUS_STREAMS_AWAY);
    EXPECT(s.result.reason[0] != '\0');
    EXPECT(nats_process_resume(&s.server, with_jetstream));
    EXPECT_MSG(ensure(&s, &journal) == BUS_STREAMS_DONE, "%s", s.result.reason);
    EXPECT(bus_streams_info(s.streams, "journal")); /* closed during a call */
    tear_down(&s);
}

/* ---- writing ---- */

TEST(bus_writer, of_two_writers_with_a_fence_the_one_that_is_behind_stores_nothing) {
    scene s;
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    fill(&s, 0, 10);
    bus_writer *leader = open_writer(&s, 64, LONG_NS);
    s.rival = open_writer(&s, 64, LONG_NS);
    EXPECT_I64(write_number(s.rival, 10, 10), TW_OK);
    EXPECT_I64(write_number(leader, 99, 10), TW_OK); /* it has not noticed that another one leads */
    UNTIL(&s, bus_writer_outstanding(s.rival) == 0 && bus_writer_outstanding(leader) == 0);
    EXPECT_U64(bus_writer_read_stats(s.rival).stored, 1);
    EXPECT_U64(bus_writer_read_stats(leader).wrong_last, 1);
    EXPECT_U64(s.last.last_seq, 11);
    EXPECT_U64(s.last.token, 99);
    EXPECT_CONTAINS(s.last.reason, "wrong last sequence");
    bus_writer_close(leader);
    EXPECT(bus_streams_info(s.streams, "journal"));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT_U64(s.result.info.last_seq, 11);
    tear_down(&s);
}

TEST(bus_writer, a_second_fenced_write_waits_for_the_first_and_unfenced_ones_do_not) {
    scene s;
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    s.writer = open_writer(&s, 64, LONG_NS);
    EXPECT(bus_writer_fence_free(s.writer));
    EXPECT_I64(write_number(s.writer, 0, 0), TW_OK);
    EXPECT(!bus_writer_fence_free(s.writer));
    EXPECT_I64(write_number(s.writer, 1, 1), TW_FULL); /* a rival's single message would let it pass */
    EXPECT_I64(write_number(s.writer, 1, BUS_ANY_LAST_SEQ), TW_OK);
    UNTIL(&s, bus_writer_outstanding(s.writer) == 0);
    EXPECT_I64(write_number(s.writer, 2, 2), TW_OK);
    UNTIL(&s, bus_writer_outstanding(s.writer) == 0);
    EXPECT_U64(s.stored, 3);
    EXPECT_U64(s.last.seq, 3);
    tear_down(&s);
}

TEST(bus_writer, a_subject_that_no_stream_takes_is_told_at_once) {
    scene s;
    set_up(&s, with_jetstream);
    s.writer = open_writer(&s, 64, LONG_NS);
    int64_t begin_ns = rt_clock_monotonic_ns();
    for (uint64_t i = 0; i < 5; i++)
        EXPECT_I64(write_number(s.writer, i, i == 2 ? i : BUS_ANY_LAST_SEQ), TW_OK);
    UNTIL(&s, bus_writer_outstanding(s.writer) == 0);
    EXPECT_U64(bus_writer_read_stats(s.writer).no_stream, 5);
    EXPECT(rt_clock_monotonic_ns() - begin_ns < LONG_NS / 2);
    EXPECT_CONTAINS(s.last.reason, "no stream");
    ensure_journal(&s);
    fill(&s, 0, 5); /* and it works when there is one */
    tear_down(&s);
}

TEST(bus_writer, a_server_that_does_not_answer_makes_writes_unknown_in_time_and_the_fence_finds_out) {
    scene s;
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    fill(&s, 0, 3);
    s.rival = open_writer(&s, 64, 300 * NS_PER_MS);
    nats_process_freeze(&s.server);
    EXPECT_I64(write_number(s.rival, 3, 3), TW_OK);
    bus_flush(s.wire);
    UNTIL(&s, bus_writer_outstanding(s.rival) == 0);
    EXPECT_I64(s.last.outcome, BUS_WRITE_UNKNOWN);
    EXPECT_U64(s.last.token, 3);
    kill(s.server.pid, SIGCONT);
    s.last.outcome = BUS_WRITE_UNKNOWN;
    while (s.last.outcome == BUS_WRITE_UNKNOWN) { /* again the same with the same fence */
        EXPECT_I64(write_number(s.rival, 3, 3), TW_OK);
        UNTIL(&s, bus_writer_outstanding(s.rival) == 0);
    }
    EXPECT_I64(s.last.outcome, BUS_WRITE_WRONG_LAST); /* the first had arrived */
    EXPECT_U64(s.last.last_seq, 4);
    EXPECT(bus_writer_read_stats(s.rival).late >= 1);
    EXPECT(bus_streams_get(s.streams, "journal", 4));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT(s.result.length == 1 && s.bytes[0] == '3'); /* and it is ours */
    tear_down(&s);
}

TEST(bus_writer, a_connection_cut_between_write_and_acknowledgement_is_unknown_at_once_and_the_fence_finds_out) {
    scene s;
    tw_error error = {0};
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    fill(&s, 0, 3);
    bus_writer_close(s.writer);
    s.writer = NULL;
    bus_close(s.wire);
    bus_options options = {
        .url = s.server.url, .name = "hasty", .no_responders = true, .silence_ns = 300 * NS_PER_MS};
    EXPECT_I64(bus_open(&s.wire, &s.loop, &options, &error), TW_OK);
    s.writer = open_writer(&s, 64, LONG_NS);
    nats_process_freeze(&s.server);
    EXPECT_I64(write_number(s.writer, 3, 3), TW_OK);
    bus_flush(s.wire);
    UNTIL(&s, bus_writer_outstanding(s.writer) == 0); /* the bus gives the silent server up */
    EXPECT_I64(s.last.outcome, BUS_WRITE_UNKNOWN);
    EXPECT_CONTAINS(s.last.reason, "connection broke");
    EXPECT_I64(write_number(s.writer, 3, 3), TW_AWAY);
    kill(s.server.pid, SIGCONT);
    do {
        UNTIL(&s, bus_connected(s.wire));
        if (write_number(s.writer, 3, 3) == TW_OK) UNTIL(&s, bus_writer_outstanding(s.writer) == 0);
    } while (s.last.outcome == BUS_WRITE_UNKNOWN);
    if (s.last.outcome == BUS_WRITE_STORED) /* the first never arrived */
        EXPECT_U64(s.last.seq, 4);
    else
        EXPECT_I64(s.last.outcome, BUS_WRITE_WRONG_LAST);
    EXPECT(bus_streams_get(s.streams, "journal", 4));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT(s.result.length == 1 && s.bytes[0] == '3');
    EXPECT(bus_streams_info(s.streams, "journal"));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT_U64(s.result.info.last_seq, 4); /* once */
    tear_down(&s);
}

TEST(bus_writer, what_the_stream_does_not_want_is_refused_with_its_reason) {
    scene s;
    static uint8_t large[2000];
    bus_stream_config config = journal;
    config.max_message_bytes = 1000;
    set_up(&s, with_jetstream);
    EXPECT_I64(ensure(&s, &config), BUS_STREAMS_DONE);
    s.writer = open_writer(&s, 2, LONG_NS);
    EXPECT_I64(bus_writer_write(s.writer, "o.1", large, sizeof large, BUS_ANY_LAST_SEQ, 77), TW_OK);
    EXPECT_I64(write_number(s.writer, 0, BUS_ANY_LAST_SEQ), TW_OK);
    EXPECT_I64(write_number(s.writer, 1, BUS_ANY_LAST_SEQ), TW_FULL);
    EXPECT_U64(bus_writer_room(s.writer), 0);
    UNTIL(&s, bus_writer_outstanding(s.writer) == 0);
    EXPECT_U64(s.stored, 1);
    EXPECT_U64(bus_writer_read_stats(s.writer).refused, 1);
    EXPECT_I64(bus_writer_write(s.writer, "o. 1", large, 1, 0, 0), TW_INVALID);
    EXPECT_I64(bus_writer_write(s.writer, "o.*", large, 1, BUS_ANY_LAST_SEQ, 0), TW_INVALID);
    EXPECT_U64(bus_writer_room(s.writer), 2);
    nats_process_pause(&s.server);
    UNTIL(&s, !bus_connected(s.wire));
    EXPECT_I64(write_number(s.writer, 1, BUS_ANY_LAST_SEQ), TW_AWAY);
    tear_down(&s);
}

/* A writer that keeps its promise over broken connections: when a write is not known, it asks how far the stream is. */
typedef struct steady {
    uint64_t next; /* number to be written, and the sequence it expects */
    unsigned asked;
} steady;

static void ask_how_far(scene *s, steady *log) {
    UNTIL(s, bus_writer_outstanding(s->writer) == 0);
    do {
        UNTIL(s, bus_connected(s->wire));
        EXPECT(bus_streams_info(s->streams, "journal"));
    } while (outcome_of(s) != BUS_STREAMS_DONE);
    log->next = s->result.info.last_seq;
    log->asked++;
    s->failed = 0;
}

TEST(bus_writer, five_thousand_fenced_writes_over_a_server_that_is_killed_are_there_once_each) {
    enum { NUMBERS = 5000, KILLS = 3 };
    scene s;
    steady log = {0};
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    s.writer = open_writer(&s, 500, 2 * TW_NS_PER_SECOND);
    unsigned kills = 0;
    while (log.next < NUMBERS) {
        while (log.next < NUMBERS && s.failed == 0 && write_number(s.writer, log.next, log.next) == TW_OK)
            log.next++;
        bus_flush(s.wire);
        if (kills < KILLS && s.stored > (kills + 1) * (uint64_t)NUMBERS / (KILLS + 2) &&
            bus_writer_outstanding(s.writer) > 0) {
            nats_process_pause(&s.server); /* with a write on its way, or its acknowledgement */
            EXPECT_MSG(nats_process_resume(&s.server, with_jetstream), "%s", s.server.problem);
            kills++;
        }
        uv_run(&s.loop, UV_RUN_ONCE);
        if (log.next == NUMBERS) UNTIL(&s, bus_writer_outstanding(s.writer) == 0);
        if (s.failed > 0 || !bus_connected(s.wire)) ask_how_far(&s, &log);
    }
    EXPECT_U64(kills, KILLS);
    EXPECT(log.asked >= 1 && bus_writer_read_stats(s.writer).unknown > 0);
    open_reader(&s, 1, 0);
    UNTIL(&s, s.messages >= NUMBERS);
    EXPECT_U64(s.first_bad, 0);
    EXPECT(bus_streams_info(s.streams, "journal"));
    EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    EXPECT_U64(s.result.info.last_seq, NUMBERS);
    tear_down(&s);
}

/* ---- reading ---- */

/* Whoever asks for messages and whoever is pushed to have the same promises: each scene is played both ways. */
#define READER_TEST(name)                                                                                          \
    static void name(bool push);                                                                                   \
    TEST(bus_reader, name) {                                                                                       \
        name(false);                                                                                               \
    }                                                                                                              \
    TEST(bus_reader_pushed, name) {                                                                                \
        name(true);                                                                                                \
    }                                                                                                              \
    static void name(bool push)

static void set_up_reader(scene *s, const char *const *arguments, bool push) {
    set_up(s, arguments);
    s->push = push;
}

READER_TEST(a_hundred_thousand_messages_come_in_order_over_a_restart_of_the_server) {
    enum { NUMBERS = 100000 };
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, NUMBERS);
    open_reader(&s, 1, 1000);
    UNTIL(&s, s.messages > NUMBERS / 3);
    EXPECT(s.messages < NUMBERS);
    nats_process_pause(&s.server);
    EXPECT_MSG(nats_process_resume(&s.server, with_jetstream), "%s", s.server.problem);
    UNTIL(&s, s.messages >= NUMBERS);
    EXPECT_U64(s.first_bad, 0);
    EXPECT_U64(s.messages, NUMBERS);
    EXPECT_U64(bus_reader_next_seq(s.reader), NUMBERS + 1);
    EXPECT(bus_reader_read_stats(s.reader).consumers >= 2);
    EXPECT_I64(state_of(&s), BUS_READER_READING);
    fill(&s, NUMBERS, NUMBERS + 10); /* and what is new comes as well */
    UNTIL(&s, s.messages == NUMBERS + 10);
    EXPECT_U64(s.first_bad, 0);
    tear_down(&s);
}

READER_TEST(a_message_that_was_deleted_stops_it_before_the_next_one) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, 100);
    api(&s, "$JS.API.STREAM.MSG.DELETE.journal", "{\"seq\":43}");
    api(&s, "$JS.API.STREAM.MSG.DELETE.journal", "{\"seq\":44}");
    do { /* until the server has done it */
        EXPECT(bus_streams_info(s.streams, "journal"));
        EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    } while (s.result.info.deleted < 2);
    open_reader(&s, 1, 10);
    UNTIL(&s, state_of(&s) == BUS_READER_HALTED);
    const bus_reader_status *status = bus_reader_read_status(s.reader);
    EXPECT_I64(status->halt, BUS_HALT_GAP);
    EXPECT_U64(status->expected_seq, 43);
    EXPECT_U64(status->found_seq, 45);
    EXPECT_CONTAINS(status->reason, "43 to 44");
    EXPECT_U64(s.messages, 42);
    EXPECT_U64(s.first_bad, 0);
    tear_down(&s);
}

READER_TEST(a_start_that_is_not_in_the_stream_any_more_or_not_yet_reached_stops_it_at_once) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, 100);
    open_reader(&s, 150, 10);
    UNTIL(&s, state_of(&s) == BUS_READER_HALTED);
    EXPECT_I64(bus_reader_read_status(s.reader)->halt, BUS_HALT_REWOUND);
    EXPECT_U64(bus_reader_read_status(s.reader)->found_seq, 100);
    bus_reader_close(s.reader);
    api(&s, "$JS.API.STREAM.PURGE.journal", "{\"keep\":50}");
    do {
        EXPECT(bus_streams_info(s.streams, "journal"));
        EXPECT_I64(outcome_of(&s), BUS_STREAMS_DONE);
    } while (s.result.info.first_seq != 51);
    open_reader(&s, 20, 10);
    UNTIL(&s, state_of(&s) == BUS_READER_HALTED);
    EXPECT_I64(bus_reader_read_status(s.reader)->halt, BUS_HALT_GAP);
    EXPECT_U64(bus_reader_read_status(s.reader)->found_seq, 51);
    EXPECT_U64(s.messages, 0);
    tear_down(&s);
}

READER_TEST(a_stream_that_is_wiped_while_it_is_read_stops_it) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, 100);
    open_reader(&s, 1, 10);
    UNTIL(&s, s.messages == 100);
    api(&s, "$JS.API.STREAM.DELETE.journal", "");
    UNTIL(&s, state_of(&s) == BUS_READER_AWAY);
    UNTIL(&s, strstr(bus_reader_read_status(s.reader)->reason, "stream not found") != NULL);
    ensure_journal(&s);
    UNTIL(&s, state_of(&s) == BUS_READER_HALTED);
    EXPECT_I64(bus_reader_read_status(s.reader)->halt, BUS_HALT_REWOUND);
    EXPECT_U64(bus_reader_read_status(s.reader)->found_seq, 0);
    tear_down(&s);
}

/* Keeps the name of the last consumer that was asked for. */
static void on_create(void *context, const bus_message *message) {
    scene *s = context;
    s->creates++;
    tw_text_copy((char *)s->bytes, sizeof s->bytes, strrchr(message->subject, '.') + 1);
}

READER_TEST(a_consumer_that_somebody_deletes_is_made_anew_and_nothing_is_missed) {
    scene s;
    bus_subscription *names = NULL;
    tw_error error = {0};
    set_up_reader(&s, with_jetstream, push);
    EXPECT_I64(bus_subscribe(s.wire, "$JS.API.CONSUMER.CREATE.journal.*", on_create, &s, &names, &error), TW_OK);
    ensure_journal(&s);
    fill(&s, 0, 50);
    open_reader(&s, 1, 10);
    UNTIL(&s, s.messages == 50);
    for (uint64_t round = 0; round < 3; round++) {
        char subject[256];
        UNTIL(&s, state_of(&s) == BUS_READER_READING && s.creates == bus_reader_read_stats(s.reader).consumers);
        uint64_t before = s.creates;
        tw_text_format(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.journal.%s", (const char *)s.bytes);
        api(&s, subject, "");
        fill(&s, 50 + 10 * round, 60 + 10 * round);
        UNTIL(&s, s.messages == 60 + 10 * round);
        UNTIL(&s, bus_reader_read_stats(s.reader).consumers > before);
    }
    EXPECT_U64(s.first_bad, 0);
    tear_down(&s);
}

READER_TEST(a_reader_waits_for_a_stream_that_is_not_there_yet_and_for_messages_to_come) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    open_reader(&s, 1, 10);
    UNTIL(&s, state_of(&s) == BUS_READER_AWAY);
    EXPECT_CONTAINS(bus_reader_read_status(s.reader)->reason, "stream not found");
    ensure_journal(&s);
    UNTIL(&s, state_of(&s) == BUS_READER_READING);
    unsigned statuses = s.statuses;
    int64_t end_ns = rt_clock_monotonic_ns() + 1500 * NS_PER_MS; /* several heartbeats */
    while (rt_clock_monotonic_ns() < end_ns)
        uv_run(&s.loop, UV_RUN_ONCE);
    EXPECT_U64(s.statuses, statuses);
    fill(&s, 0, 100);
    UNTIL(&s, s.messages == 100);
    EXPECT_U64(s.first_bad, 0);
    tear_down(&s);
}

READER_TEST(a_server_without_jetstream_is_away_at_once_and_found_when_it_has_it) {
    scene s;
    set_up_reader(&s, NULL, push);
    open_reader(&s, 1, 10);
    UNTIL(&s, state_of(&s) == BUS_READER_AWAY);
    EXPECT_CONTAINS(bus_reader_read_status(s.reader)->reason, "no JetStream");
    nats_process_pause(&s.server);
    UNTIL(&s, !bus_connected(s.wire));
    EXPECT(nats_process_resume(&s.server, with_jetstream));
    UNTIL(&s, bus_connected(s.wire));
    ensure_journal(&s);
    fill(&s, 0, 10);
    UNTIL(&s, s.messages == 10);
    tear_down(&s);
}

READER_TEST(a_server_that_stands_still_is_away_and_the_same_messages_are_not_told_twice) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, 1000);
    open_reader(&s, 1, 100);
    UNTIL(&s, s.messages > 300);
    nats_process_freeze(&s.server);
    UNTIL(&s, state_of(&s) == BUS_READER_AWAY || s.messages == 1000);
    kill(s.server.pid, SIGCONT);
    UNTIL(&s, s.messages == 1000);
    fill(&s, 1000, 1100);
    UNTIL(&s, s.messages == 1100);
    EXPECT_U64(s.first_bad, 0);
    tear_down(&s);
}

READER_TEST(a_paused_reader_stops_asking_and_goes_on_where_it_was) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, 5000);
    open_reader(&s, 1, 100);
    UNTIL(&s, s.messages > 0);
    bus_reader_pause(s.reader);
    int64_t end_ns = rt_clock_monotonic_ns() + 1500 * NS_PER_MS;
    while (rt_clock_monotonic_ns() < end_ns)
        uv_run(&s.loop, UV_RUN_ONCE);
    uint64_t while_paused = s.messages;
    EXPECT_MSG(push || while_paused <= 1000, "%" PRIu64 " messages came",
               while_paused); /* a window has room for all */
    EXPECT_I64(state_of(&s), BUS_READER_READING);
    bus_reader_resume(s.reader);
    UNTIL(&s, s.messages == 5000);
    EXPECT_U64(s.first_bad, 0);
    EXPECT_U64(bus_reader_read_stats(s.reader).consumers, 1);
    tear_down(&s);
}

static void fill_large(scene *s, unsigned count, size_t length) {
    static uint8_t large[900000];
    s->writer = open_writer(s, 100, LONG_NS);
    for (unsigned i = 0; i < count; i++) {
        UNTIL(s, bus_ready(s->wire));
        EXPECT_I64(bus_writer_write(s->writer, "o.1", large, length, BUS_ANY_LAST_SEQ, i), TW_OK);
        bus_flush(s->wire);
    }
    UNTIL(s, bus_writer_outstanding(s->writer) == 0);
    EXPECT_U64(s->stored, count);
}

TEST(bus_reader, large_messages_come_within_the_bytes_that_may_be_on_their_way) {
    scene s;
    set_up(&s, with_jetstream);
    ensure_journal(&s);
    fill_large(&s, 40, 900000);
    open_reader(&s, 1, 500);
    UNTIL(&s, s.messages == 40);
    bus_reader_stats stats = bus_reader_read_stats(s.reader);
    EXPECT_U64(stats.consumers, 1);
    EXPECT_MSG(stats.pulls >= 8, "%" PRIu64 " pulls", stats.pulls); /* 8 MiB in halves: four messages each */
    tear_down(&s);
}

/* 36 MB, of which the server sends 2 MiB before it hears that they were taken. */
TEST(bus_reader_pushed, a_slow_taker_has_no_more_on_its_way_than_the_servers_window) {
    scene s;
    set_up_reader(&s, with_jetstream, true);
    ensure_journal(&s);
    fill_large(&s, 40, 900000);
    open_reader(&s, 1, 0);
    for (uint64_t pauses = 0; pauses < 3 && s.messages < 40; pauses++) {
        uint64_t before = s.messages;
        UNTIL(&s, s.messages > before);
        bus_reader_pause(s.reader);
        uint64_t taken = s.messages, windows = bus_reader_read_stats(s.reader).windows;
        uint64_t most = (UINT64_C(2) << windows) + 2; /* MiB, and messages of nearly one */
        int64_t end_ns =
            rt_clock_monotonic_ns() + 800 * NS_PER_MS; /* several heartbeats, each says what is waited for */
        while (rt_clock_monotonic_ns() < end_ns)
            uv_run(&s.loop, UV_RUN_ONCE);
        EXPECT_MSG(s.messages - taken <= most, "%" PRIu64 " messages came in pause %" PRIu64, s.messages - taken,
                   pauses);
        EXPECT_U64(bus_reader_read_stats(s.reader).windows, windows);
        EXPECT_I64(state_of(&s), BUS_READER_READING);
        bus_reader_resume(s.reader);
    }
    UNTIL(&s, s.messages == 40);
    bus_reader_stats stats = bus_reader_read_stats(s.reader);
    EXPECT_U64(stats.consumers, 1);
    EXPECT_U64(stats.lost, 0);
    EXPECT_MSG(stats.windows >= 3 && stats.pulls == 0, "%" PRIu64 " windows", stats.windows);
    tear_down(&s);
}

READER_TEST(closing_it_in_its_own_callback_ends_the_messages) {
    scene s;
    set_up_reader(&s, with_jetstream, push);
    ensure_journal(&s);
    fill(&s, 0, 100);
    s.stop_after = 37;
    open_reader(&s, 1, 100);
    UNTIL(&s, s.messages == 37);
    int64_t end_ns = rt_clock_monotonic_ns() + 300 * NS_PER_MS;
    while (rt_clock_monotonic_ns() < end_ns)
        uv_run(&s.loop, UV_RUN_ONCE);
    EXPECT_U64(s.messages, 37);
    tear_down(&s);
}

TEST(bus_reader, names_and_starts_that_make_no_sense_are_refused) {
    scene s;
    static const char *const names[] = {"", "a b", "a.b", "a*", "a>", "a/b", "a\"b"};
    set_up(&s, with_jetstream);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tw_error error = {0};
        bus_reader_options options = {.stream = names[i], .start_seq = 1, .on_message = on_stream_message};
        EXPECT_I64(bus_reader_open(&s.reader, s.wire, &s.loop, &options, &error), TW_INVALID);
        EXPECT(s.reader == NULL && error.text[0] != '\0');
    }
    tw_error error = {0};
    bus_reader_options options = {.stream = "journal", .start_seq = 0, .on_message = on_stream_message};
    EXPECT_I64(bus_reader_open(&s.reader, s.wire, &s.loop, &options, &error), TW_INVALID);
    tear_down(&s);
}
