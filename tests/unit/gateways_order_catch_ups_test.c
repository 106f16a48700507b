/*
 * Who waits for whom, when clients that missed reports come back and execlog is read for them: order_catch_ups.c with a follow table, in a small world of
 * its own, whose clock goes on a millisecond at a time. Streams and readers of the bus are those of this file; a matcher holds nothing but what is new.
 */
#include "base/text.h"
#include "gateways/order_inside.h"
#include "runtime/bus_reader.h"
#include "runtime/bus_streams.h"
#include "runtime/clock.h"
#include "tests/unit.h"

#define MS      INT64_C(1000000)
#define CLIENTS 400u

enum {
    INPUTS = 20000, /* two thirds of them are more than what is short */
    INPUTS_A_MESSAGE = 50,
    MESSAGES = INPUTS / INPUTS_A_MESSAGE,
    MESSAGE_BYTES = 16384,
    MESSAGES_A_MS = 16,
    MOST_READERS = 8
};

/* ---- execlog, and who reads it ---- */

struct bus_reader {
    bus_reader_options options;
    uint64_t next;
    bool open, paused;
};

struct bus_streams {
    bus_streams_options options;
    bool asked, info;
    uint64_t seq;
};

static int64_t now_ns;
static bus_reader readers[MOST_READERS];
static bus_streams streams;

int64_t rt_clock_monotonic_ns(void) {
    return now_ns;
}

int64_t rt_clock_utc_ns(void) {
    return now_ns;
}

/* Every input is a report for "slow"; one in a hundred is one for "fast", too. */
static const uint8_t *message_of(uint64_t seq, uint8_t buffer[MESSAGE_BYTES], size_t *length) {
    static const char *const accounts[] = {"slow", "fast"};
    wire_parts parts;
    wire_execution_header header = {.shard = 1,
                                    .first_seq = (seq - 1) * INPUTS_A_MESSAGE + 1,
                                    .last_seq = seq * INPUTS_A_MESSAGE,
                                    .part = 1,
                                    .parts = 1};
    tw_text_copy(header.exchange, sizeof header.exchange, "TWEX");
    wire_parts_start(&parts, buffer, MESSAGE_BYTES);
    for (uint32_t i = 0; i < 2; i++) {
        wire_named_account named = {.number = i + 1};
        tw_text_copy(named.name, sizeof named.name, accounts[i]);
        EXPECT(wire_named_account_add(&parts, &named));
    }
    for (uint64_t input = header.first_seq; input <= header.last_seq; input++)
        for (uint32_t n = 1; n <= (input % 100 == 0 ? 2 : 1); n++) {
            wire_report report = wire_report_empty;
            report.seq = input;
            report.n = n;
            report.account = n;
            EXPECT(wire_report_add(&parts, &report));
        }
    return wire_execution_batch_finish(&parts, &header, length);
}

tw_code bus_reader_open(bus_reader **reader, bus *over, uv_loop_t *loop, const bus_reader_options *options,
                        tw_error *error) {
    (void)over, (void)loop, (void)error;
    for (uint32_t i = 0; i < MOST_READERS; i++) {
        if (readers[i].open) continue;
        readers[i] = (bus_reader){.options = *options, .next = options->start_seq, .open = true};
        *reader = &readers[i];
        return TW_OK;
    }
    EXPECT_MSG(false, "more readers than there may be");
    return TW_FULL;
}

void bus_reader_close(bus_reader *reader) {
    if (reader != NULL) reader->open = false;
}

void bus_reader_pause(bus_reader *reader) {
    reader->paused = true;
}

void bus_reader_resume(bus_reader *reader) {
    reader->paused = false;
}

static void send_messages(bus_reader *reader) {
    static uint8_t buffer[MESSAGE_BYTES];
    for (int i = 0; i < MESSAGES_A_MS && reader->open && !reader->paused && reader->next <= MESSAGES; i++) {
        bus_stream_message message = {.seq = reader->next++};
        message.bytes = message_of(message.seq, buffer, &message.length);
        reader->options.on_message(reader->options.context, &message);
    }
}

tw_code bus_streams_open(bus_streams **opened, uv_loop_t *loop, const bus_streams_options *options,
                         tw_error *error) {
    (void)loop, (void)error;
    streams = (bus_streams){.options = *options};
    *opened = &streams;
    return TW_OK;
}

void bus_streams_close(bus_streams *self) {
    self->asked = false;
}

bool bus_streams_info(bus_streams *self, const char *name) {
    (void)name;
    self->asked = self->info = true;
    return true;
}

bool bus_streams_get(bus_streams *self, const char *name, uint64_t seq) {
    (void)name;
    self->asked = true;
    self->info = false;
    self->seq = seq;
    return true;
}

static void answer_streams(void) {
    static uint8_t buffer[MESSAGE_BYTES];
    bus_streams_result result = {.outcome = BUS_STREAMS_DONE, .info = {.first_seq = 1, .last_seq = MESSAGES}};
    if (!streams.asked) return;
    streams.asked = false;
    if (!streams.info) result.bytes = message_of(streams.seq, buffer, &result.length);
    streams.options.on_result(streams.options.context, &result);
}

/* ---- clients ---- */

typedef struct reading {
    uint32_t had;
    uint64_t last_seq;
    int64_t begun_ns;
    int64_t pace_ns; /* it reads a report in so long; 0: all at once */
} reading;

static reading clients[CLIENTS];
static uint32_t lost_count;

static void deliver(void *context, uint32_t client, const char *account, uint32_t shard, const wire_report *report,
                    const void *message) {
    (void)context, (void)account, (void)shard, (void)message;
    EXPECT(report->seq > clients[client].last_seq);
    clients[client].last_seq = report->seq;
    clients[client].had++;
}

static bool has_room(void *context, uint32_t client) {
    const reading *c = &clients[client];
    (void)context;
    return c->pace_ns == 0 || c->had < 50 + (now_ns - c->begun_ns) / c->pace_ns;
}

static void listen_to(void *context, uint32_t feed, const char *account) {
    (void)context, (void)feed, (void)account;
}

void order_tell_lost(void *desk, uint32_t client, const char *account, const follow_loss *loss) {
    (void)desk, (void)client, (void)account, (void)loss;
    lost_count++;
}

/* ---- the gateway's part of it ---- */

static void open_gateway(gateway *owner, order_desk *desk) {
    /* as order_follows.c has them */
    follow_options options = {.max_clients = CLIENTS,
                              .max_feeds = 4,
                              .max_followers = CLIENTS,
                              .max_chases = CLIENTS,
                              .retry_ns = 500 * MS,
                              .patience_ns = 10000 * MS,
                              .doubt_ns = 1000 * MS};
    follow_handlers handlers = {
        .deliver = deliver, .listen = listen_to, .unlisten = listen_to, .has_room = has_room};
    tw_error error = {0};
    now_ns = 1000 * MS;
    lost_count = 0;
    memset(readers, 0, sizeof readers);
    memset(clients, 0, sizeof clients);
    memset(owner, 0, sizeof *owner);
    memset(desk, 0, sizeof *desk);
    owner->settings.nats = "nats://127.0.0.1";
    owner->settings.credentials = "";
    owner->settings.reports_back_ns = 1000000 * MS;
    desk->owner = owner;
    tw_text_copy(desk->venue, sizeof desk->venue, "TWEX");
    desk->follows = follow_alloc(&options, &handlers);
    EXPECT_I64(order_catch_ups_open(desk, &error), TW_OK);
}

static void close_gateway(order_desk *desk) {
    order_catch_ups_close(desk);
    follow_free(desk->follows);
    for (uint32_t i = 0; i < MOST_READERS; i++)
        EXPECT(!readers[i].open);
    EXPECT_U64(lost_count, 0);
}

/* The matcher has begun with a snapshot: what it is asked for is in execlog, up to its end. */
static void answer_question(order_desk *desk, const follow_question *question) {
    if (question->after < INPUTS)
        follow_behind(desk->follows, question->chase, INPUTS, now_ns);
    else
        follow_end_page(desk->follows, question->chase, INPUTS, false, now_ns);
}

static void pass_ms(order_desk *desk) {
    follow_question question;
    now_ns += MS;
    answer_streams();
    for (uint32_t i = 0; i < MOST_READERS; i++)
        send_messages(&readers[i]);
    while (follow_next_question(desk->follows, now_ns, &question))
        if (!question.in_log)
            answer_question(desk, &question);
        else if (!order_catch_up(desk, &question, now_ns))
            follow_fail(desk->follows, question.chase, now_ns);
    order_catch_ups_round(desk, now_ns);
}

static void come_back(order_desk *desk, uint32_t client, const char *account, uint64_t after, int64_t pace_ns) {
    follow_position from = {.shard = 1, .seq = after, .n = UINT32_MAX};
    clients[client] = (reading){.begun_ns = now_ns, .pace_ns = pace_ns};
    EXPECT(follow_add(desk->follows, client, account, &from, 1, now_ns));
}

/* How long until the client has its last report; `limit_ms`: longer. */
static uint64_t ms_until(order_desk *desk, uint32_t client, uint64_t last_seq, uint64_t limit_ms) {
    uint64_t ms = 0;
    for (; clients[client].last_seq < last_seq && ms < limit_ms; ms++)
        pass_ms(desk);
    return ms;
}

static gateway owner;
static order_desk desk;

TEST(order_catch_ups, who_comes_back_alone_has_what_was_missed_at_once) {
    open_gateway(&owner, &desk);
    come_back(&desk, 0, "fast", 0, 0);
    EXPECT(ms_until(&desk, 0, INPUTS, 1000) < 1000);
    EXPECT_U64(clients[0].had, INPUTS / 100);
    close_gateway(&desk);
}

/*
 * Many more than there are places for came back some seconds ago, each `after` and a little, and read slowly; now one comes back that reads at once.
 * The limits are of this world's clock. With one reader for all, each of which waits a quarter of a second for whoever has no room, it was 18 to 70
 * seconds in each of these scenes.
 */
static void one_among_many(uint64_t after, uint64_t apart, uint64_t one_after, uint64_t limit_ms) {
    static const int64_t paces_ms[] = {3, 9, 27, 100}; /* for a report */
    for (size_t p = 0; p < sizeof paces_ms / sizeof *paces_ms; p++) {
        open_gateway(&owner, &desk);
        for (uint32_t i = 1; i < CLIENTS; i++)
            come_back(&desk, i, "slow", after + i * apart, paces_ms[p] * MS);
        for (int ms = 0; ms < 3000; ms++)
            pass_ms(&desk);
        come_back(&desk, 0, "fast", one_after, 0);
        uint64_t ms = ms_until(&desk, 0, INPUTS, limit_ms);
        EXPECT_MSG(ms < limit_ms, "others read a report in %d ms: it is not served in %" PRIu64 " ms",
                   (int)paces_ms[p], limit_ms);
        EXPECT_U64(clients[0].had, (INPUTS - one_after) / 100);
        close_gateway(&desk);
    }
}

TEST(order_catch_ups, who_missed_little_does_not_wait_for_many_that_missed_much_and_read_slowly) {
    one_among_many(0, 1, INPUTS - 1000, 200);
}

TEST(order_catch_ups, who_missed_little_waits_hardly_for_many_that_missed_as_little_and_read_slowly) {
    one_among_many(INPUTS - 9000, 10, INPUTS - 1000, 200);
}

TEST(order_catch_ups, who_missed_much_has_a_turn_among_many_that_missed_as_much_and_read_slowly) {
    one_among_many(0, 1, 1000, 5000);
}
