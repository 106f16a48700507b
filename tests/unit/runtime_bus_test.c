/* The bus against a real nats-server. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "runtime/bus.h"
#include "runtime/clock.h"
#include "tests/support/nats_process.h"
#include "tests/unit.h"

#define NS_PER_MS (TW_NS_PER_SECOND / 1000)

typedef struct fixture {
    nats_process server;
    uv_loop_t loop;
    uv_timer_t tick; /* keeps UV_RUN_ONCE from waiting for long */
    bus *bus;
    unsigned events[BUS_SLOW_CONSUMER + 1];
    char detail[128]; /* of the last event */
    pid_t thread;
    unsigned strangers; /* callbacks on other threads */
} fixture;

static void note_thread(fixture *f) {
    if ((pid_t)syscall(SYS_gettid) != f->thread) f->strangers++;
}

static void on_event(void *context, bus_event event, const char *detail) {
    fixture *f = context;
    EXPECT(detail != NULL);
    f->events[event]++;
    snprintf(f->detail, sizeof f->detail, "%s", detail);
    note_thread(f);
}

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

static bus *open_as(fixture *f, bus_options options) {
    bus *opened = NULL;
    tw_error error = {0};
    options.url = f->server.url;
    options.name = "test";
    options.on_event = on_event;
    options.event_context = f;
    EXPECT_MSG(bus_open(&opened, &f->loop, &options, &error) == TW_OK, "%s", error.text);
    return opened;
}

static bus *open_bus(fixture *f, size_t high_water_bytes) {
    return open_as(f, (bus_options){.high_water_bytes = high_water_bytes});
}

static bus *open_silent_bus(fixture *f, int64_t silence_ns) {
    return open_as(f, (bus_options){.silence_ns = silence_ns});
}

static void set_up(fixture *f) {
    memset(f, 0, sizeof *f);
    f->thread = (pid_t)syscall(SYS_gettid);
    if (!nats_process_start(&f->server, NULL)) SKIP(f->server.problem);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    f->bus = open_bus(f, 0);
}

static void tear_down(fixture *f) {
    bus_close(f->bus);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&f->loop), 0);
    nats_process_stop(&f->server);
    EXPECT_U64(f->strangers, 0);
}

/* Runs the loop until `condition` or for ten seconds. */
#define RUN_UNTIL(f, condition)                                                                                    \
    do {                                                                                                           \
        int64_t end_ns = rt_clock_monotonic_ns() + 10 * TW_NS_PER_SECOND;                                          \
        while (!(condition) && rt_clock_monotonic_ns() < end_ns)                                                   \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                                       \
        EXPECT_MSG(condition, "did not come to be: %s", #condition);                                               \
    } while (0)

typedef struct inbox {
    fixture *f;
    unsigned count;
    char subject[64], reply[64], bytes[64];
    bus_subscription *subscription;
    unsigned end_after; /* unsubscribe within that callback; 0: never */
} inbox;

static void on_message(void *context, const bus_message *message) {
    inbox *in = context;
    note_thread(in->f);
    in->count++;
    snprintf(in->subject, sizeof in->subject, "%s", message->subject);
    snprintf(in->reply, sizeof in->reply, "%s", message->reply != NULL ? message->reply : "");
    snprintf(in->bytes, sizeof in->bytes, "%.*s", (int)message->length, (const char *)message->bytes);
    if (in->count == in->end_after) bus_unsubscribe(in->subscription);
}

static void subscribe(fixture *f, inbox *in, const char *subject) {
    tw_error error = {0};
    in->f = f;
    EXPECT_MSG(bus_subscribe(f->bus, subject, on_message, in, 0, &in->subscription, &error) == TW_OK, "%s",
               error.text);
}

static tw_code publish(fixture *f, const char *subject, const char *text) {
    return bus_publish(f->bus, subject, (const uint8_t *)text, strlen(text));
}

TEST(bus, what_is_published_arrives_where_the_subject_matches_and_nowhere_else) {
    fixture f;
    inbox exact = {0}, star = {0}, rest = {0}, other = {0};
    set_up(&f);
    subscribe(&f, &exact, "XNAS.AAPL.orderbook");
    subscribe(&f, &star, "XNAS.*.orderbook");
    subscribe(&f, &rest, "XNAS.>");
    subscribe(&f, &other, "XNYS.>");
    EXPECT_I64(publish(&f, "XNAS.MSFT.orderbook", "m"), TW_OK);
    EXPECT_I64(publish(&f, "XNAS.AAPL.orderbook", "a"), TW_OK);
    bus_flush(f.bus);
    RUN_UNTIL(&f, rest.count == 2 && star.count == 2 && exact.count == 1);
    EXPECT_STR(exact.subject, "XNAS.AAPL.orderbook");
    EXPECT_STR(exact.bytes, "a");
    EXPECT_STR(exact.reply, "");
    EXPECT_U64(other.count, 0);
    EXPECT_U64(f.events[BUS_CONNECTED], 1);
    bus_stats stats = bus_read_stats(f.bus);
    EXPECT_U64(stats.messages_out, 2);
    EXPECT_U64(stats.bytes_out, 2);
    EXPECT_U64(stats.messages_in, 5);
    EXPECT_U64(stats.bytes_in, 5);
    tear_down(&f);
}

TEST(bus, what_is_published_on_a_trusted_subject_arrives_and_is_counted_alike) {
    fixture f;
    inbox in = {0};
    set_up(&f);
    subscribe(&f, &in, "XNAS.*.quote");
    EXPECT_I64(bus_publish_trusted(f.bus, "XNAS.AAPL.quote", (const uint8_t *)"abc", 3), TW_OK);
    EXPECT_I64(bus_publish_trusted(f.bus, "XNAS.AAPL.quote", NULL, bus_max_payload(f.bus) + 1), TW_INVALID);
    bus_flush(f.bus);
    RUN_UNTIL(&f, in.count == 1);
    EXPECT_U64(bus_read_stats(f.bus).messages_out, 1);
    EXPECT_U64(bus_read_stats(f.bus).bytes_out, 3);
    tear_down(&f);
}

TEST(bus, what_nobody_flushes_goes_out_before_the_loop_sleeps) {
    fixture f;
    inbox in = {0};
    set_up(&f);
    subscribe(&f, &in, "a");
    EXPECT_I64(publish(&f, "a", "x"), TW_OK);
    EXPECT(bus_buffered(f.bus) > 0);
    RUN_UNTIL(&f, in.count == 1);
    EXPECT_U64(bus_buffered(f.bus), 0);
    tear_down(&f);
}

TEST(bus, a_burst_is_one_write) {
    fixture f;
    set_up(&f);
    bus_flush(f.bus);
    uint64_t before = bus_read_stats(f.bus).writes;
    for (int i = 0; i < 16; i++)
        EXPECT_I64(publish(&f, "a", "x"), TW_OK);
    bus_flush(f.bus);
    bus_flush(f.bus);
    EXPECT_U64(bus_read_stats(f.bus).writes, before + 1);
    EXPECT(bus_connected(f.bus));
    tear_down(&f);
}

static void answer(void *context, const bus_message *message) {
    fixture *f = context;
    EXPECT(message->reply != NULL);
    EXPECT_I64(publish(f, message->reply, "pong"), TW_OK);
    bus_flush(f->bus);
}

TEST(bus, a_request_is_answered_on_its_inbox) {
    fixture f;
    inbox in = {0};
    char subject[64], small[4];
    tw_error error;
    set_up(&f);
    EXPECT_I64(bus_new_inbox(f.bus, subject, sizeof subject, &error), TW_OK);
    EXPECT_I64(bus_new_inbox(f.bus, small, sizeof small, &error), TW_FULL);
    subscribe(&f, &in, subject);
    EXPECT_I64(bus_subscribe(f.bus, "ping", answer, &f, 0, NULL, &error), TW_OK);
    EXPECT_I64(bus_publish_request(f.bus, "ping", subject, (const uint8_t *)"?", 1), TW_OK);
    RUN_UNTIL(&f, in.count == 1);
    EXPECT_STR(in.bytes, "pong");
    EXPECT_STR(in.subject, subject);
    tear_down(&f);
}

static void count_nobody(void *context, const bus_message *message) {
    inbox *in = context;
    EXPECT(message->status == BUS_NO_RESPONDERS && message->length == 0);
    EXPECT_STR(message->subject, "");
    in->count++;
}

TEST(bus, a_request_that_nobody_listens_for_is_told_so_at_once_to_who_wants_to_know) {
    fixture f;
    inbox deaf = {0}, told = {0};
    tw_error error;
    set_up(&f);
    bus *asking = open_as(&f, (bus_options){.no_responders = true});
    subscribe(&f, &deaf, "answers.not");
    EXPECT_I64(bus_subscribe(asking, "answers", count_nobody, &told, 0, NULL, &error), TW_OK);
    EXPECT_I64(bus_publish_request(f.bus, "nobody", "answers.not", (const uint8_t *)"?", 1), TW_OK);
    bus_flush(f.bus);
    for (int i = 0; i < 3; i++)
        EXPECT_I64(bus_publish_request(asking, "nobody", "answers", (const uint8_t *)"?", 1), TW_OK);
    bus_flush(asking);
    RUN_UNTIL(&f, told.count == 3);
    EXPECT_U64(deaf.count, 0);
    bus_close(asking);
    tear_down(&f);
}

TEST(bus, unsubscribing_within_the_callback_ends_delivery_at_once) {
    fixture f;
    inbox in = {.end_after = 3}, last = {0};
    set_up(&f);
    subscribe(&f, &in, "a");
    subscribe(&f, &last, "end");
    for (int i = 0; i < 10; i++)
        EXPECT_I64(publish(&f, "a", "x"), TW_OK);
    EXPECT_I64(publish(&f, "end", "x"), TW_OK);
    RUN_UNTIL(&f, last.count == 1);
    EXPECT_U64(in.count, 3);
    EXPECT_I64(publish(&f, "a", "x"), TW_OK);
    EXPECT_I64(publish(&f, "end", "x"), TW_OK);
    RUN_UNTIL(&f, last.count == 2);
    EXPECT_U64(in.count, 3);
    tear_down(&f);
}

static void end_both(void *context, const bus_message *message) {
    bus_subscription **both = context;
    (void)message;
    bus_unsubscribe(both[0]);
    bus_unsubscribe(both[1]);
    both[0] = both[1] = NULL;
}

TEST(bus, a_callback_may_end_other_subscriptions_too) {
    fixture f;
    bus_subscription *both[2];
    inbox last = {0};
    tw_error error;
    set_up(&f);
    EXPECT_I64(bus_subscribe(f.bus, "a", end_both, both, 0, &both[0], &error), TW_OK);
    EXPECT_I64(bus_subscribe(f.bus, "a", end_both, both, 0, &both[1], &error), TW_OK);
    subscribe(&f, &last, "end");
    for (int i = 0; i < 4; i++)
        EXPECT_I64(publish(&f, "a", "x"), TW_OK);
    EXPECT_I64(publish(&f, "end", "x"), TW_OK);
    RUN_UNTIL(&f, last.count == 1);
    EXPECT(both[0] == NULL);
    tear_down(&f);
}

TEST(bus, a_bad_subject_or_a_payload_that_is_too_large_is_refused_and_the_connection_lives) {
    static const char *const bad[] = {"",    ".",   "a.", ".a", "a..b", "a b", "a\r\nPUB b 0",
                                      "a.*", "a.>", "*",  ">",  "a\t"};
    fixture f;
    inbox in = {0};
    tw_error error;
    set_up(&f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_MSG(publish(&f, bad[i], "x") == TW_INVALID, "\"%s\" was taken", bad[i]);
    EXPECT_I64(bus_publish_request(f.bus, "a", "b c", NULL, 0), TW_INVALID);
    uint8_t *large = calloc(1, bus_max_payload(f.bus) + 1);
    EXPECT_I64(bus_publish(f.bus, "a", large, bus_max_payload(f.bus) + 1), TW_INVALID);
    EXPECT_I64(bus_subscribe(f.bus, "a..b", on_message, &in, 0, &in.subscription, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "a..b");
    subscribe(&f, &in, "A*.b>");
    EXPECT_I64(publish(&f, "A*.b>", "x"), TW_OK);
    EXPECT_I64(bus_publish(f.bus, "A*.b>", large, bus_max_payload(f.bus)), TW_OK);
    RUN_UNTIL(&f, in.count == 2);
    free(large);
    tear_down(&f);
}

TEST(bus, above_high_water_the_bus_is_not_ready_until_the_socket_has_taken_it) {
    static uint8_t payload[100000];
    fixture f;
    set_up(&f);
    bus *small = open_bus(&f, 300000);
    RUN_UNTIL(&f, f.events[BUS_CONNECTED] == 2);
    EXPECT(bus_ready(small));
    EXPECT_I64(bus_publish(small, "a", payload, sizeof payload), TW_OK);
    EXPECT_I64(bus_publish(small, "a", payload, sizeof payload), TW_OK);
    EXPECT(bus_ready(small));
    EXPECT_I64(bus_publish(small, "a", payload, sizeof payload), TW_OK);
    EXPECT(!bus_ready(small));
    EXPECT_I64(bus_publish(small, "a", payload, sizeof payload), TW_OK); /* still taken */
    EXPECT(bus_connected(small));
    RUN_UNTIL(&f, bus_ready(small));
    RUN_UNTIL(&f, bus_buffered(small) == 0);
    bus_close(small);
    tear_down(&f);
}

TEST(bus, after_a_server_restart_the_connection_and_its_subscriptions_come_back) {
    fixture f;
    inbox in = {0};
    set_up(&f);
    subscribe(&f, &in, "a.*");
    EXPECT_I64(publish(&f, "a.before", "x"), TW_OK);
    RUN_UNTIL(&f, in.count == 1);
    nats_process_pause(&f.server);
    RUN_UNTIL(&f, f.events[BUS_DISCONNECTED] == 1);
    EXPECT(!bus_connected(f.bus));
    EXPECT(!bus_ready(f.bus));
    EXPECT_I64(publish(&f, "a.during", "x"), TW_AWAY);
    EXPECT_U64(bus_buffered(f.bus), 0);
    EXPECT_MSG(nats_process_resume(&f.server, NULL), "%s", f.server.problem);
    RUN_UNTIL(&f, f.events[BUS_RECONNECTED] == 1);
    EXPECT(bus_connected(f.bus));
    EXPECT(bus_ready(f.bus));
    EXPECT_I64(publish(&f, "a.after", "x"), TW_OK);
    RUN_UNTIL(&f, in.count == 2);
    EXPECT_STR(in.subject, "a.after");
    EXPECT_U64(bus_read_stats(f.bus).reconnects, 1);
    EXPECT_U64(f.events[BUS_STILL_AWAY], 0);
    tear_down(&f);
}

TEST(bus, a_server_that_stands_still_is_given_up_and_found_again_when_it_goes_on) {
    fixture f;
    inbox in = {0};
    set_up(&f);
    subscribe(&f, &in, "a");
    bus *hasty = open_silent_bus(&f, 600 * NS_PER_MS);
    RUN_UNTIL(&f, f.events[BUS_CONNECTED] == 2);
    int64_t start_ns = rt_clock_monotonic_ns();
    while (rt_clock_monotonic_ns() < start_ns + 1500 * NS_PER_MS)
        uv_run(&f.loop, UV_RUN_ONCE);
    EXPECT_U64(f.events[BUS_DISCONNECTED], 0); /* nothing to say is not silence: it is pinged */
    nats_process_freeze(&f.server);
    RUN_UNTIL(&f, f.events[BUS_DISCONNECTED] == 1);
    EXPECT_CONTAINS(f.detail, "silent");
    EXPECT_I64(bus_publish(hasty, "a", (const uint8_t *)"x", 1), TW_AWAY); /* at once: nats.c connects meanwhile */
    kill(f.server.pid, SIGCONT);
    RUN_UNTIL(&f, f.events[BUS_RECONNECTED] == 1);
    EXPECT_I64(bus_publish(hasty, "a", (const uint8_t *)"x", 1), TW_OK);
    RUN_UNTIL(&f, in.count == 1);
    bus_close(hasty);
    tear_down(&f);
}

TEST(bus, a_loop_that_stood_still_does_not_take_its_own_silence_for_the_servers) {
    fixture f;
    set_up(&f);
    bus *hasty = open_silent_bus(&f, 600 * NS_PER_MS);
    RUN_UNTIL(&f, f.events[BUS_CONNECTED] == 2);
    for (int i = 0; i < 3; i++) {
        struct timespec pause = {.tv_nsec = 700 * NS_PER_MS};
        nanosleep(&pause, NULL);
        uv_run(&f.loop, UV_RUN_NOWAIT);
    }
    int64_t start_ns = rt_clock_monotonic_ns();
    while (rt_clock_monotonic_ns() < start_ns + 1200 * NS_PER_MS)
        uv_run(&f.loop, UV_RUN_ONCE);
    EXPECT_U64(f.events[BUS_DISCONNECTED], 0);
    bus_close(hasty);
    tear_down(&f);
}

TEST(bus, beyond_its_pending_bytes_a_subscription_drops_counts_and_tells) {
    static uint8_t payload[1000];
    fixture f;
    inbox in = {.f = &f};
    tw_error error;
    set_up(&f);
    EXPECT_I64(bus_subscribe(f.bus, "a", on_message, &in, 2500, &in.subscription, &error), TW_OK);
    for (int i = 0; i < 50; i++)
        EXPECT_I64(bus_publish(f.bus, "a", payload, sizeof payload), TW_OK);
    RUN_UNTIL(&f, f.events[BUS_SLOW_CONSUMER] > 0);
    RUN_UNTIL(&f, in.count + bus_subscription_dropped(in.subscription) == 50);
    EXPECT(bus_subscription_dropped(in.subscription) > 0);
    EXPECT_U64(bus_read_stats(f.bus).dropped_in, 50 - in.count);
    tear_down(&f);
}

TEST(bus, a_bus_that_is_away_is_named_without_its_password) {
    uv_loop_t loop;
    bus *opened;
    tw_error error = {0};
    char url[96];
    uv_loop_init(&loop);
    snprintf(url, sizeof url, "nats://user:secret@127.0.0.1:%u", nats_process_free_port());
    bus_options options = {.url = url};
    EXPECT_I64(bus_open(&opened, &loop, &options, &error), TW_AWAY);
    EXPECT(opened == NULL);
    EXPECT_CONTAINS(error.text, "connecting to nats://127.0.0.1:");
    EXPECT(strstr(error.text, "secret") == NULL);
    options.url = "nats://127.0.0.1:1,,";
    EXPECT_I64(bus_open(&opened, &loop, &options, &error), TW_INVALID);
    options.url = "nats://127.0.0.1:1,http://user:secret@bus:4222";
    options.connect_attempts = -1; /* it is not tried */
    EXPECT_I64(bus_open(&opened, &loop, &options, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "'http://bus:4222' is no server of the bus");
    EXPECT(strstr(error.text, "secret") == NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&loop), 0);
}
