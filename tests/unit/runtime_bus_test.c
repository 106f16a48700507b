/* The bus against a real nats-server. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
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
    unsigned events[BUS_NOT_PERMITTED + 1];
    char detail[128];    /* of the last event */
    char told_away[128]; /* of the last loss */
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
    if (event == BUS_DISCONNECTED) snprintf(f->told_away, sizeof f->told_away, "%s", detail);
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
    EXPECT_MSG(bus_subscribe(f->bus, subject, on_message, in, &in->subscription, &error) == TW_OK, "%s",
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
    EXPECT_I64(bus_subscribe(f.bus, "ping", answer, &f, NULL, &error), TW_OK);
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
    EXPECT_I64(bus_subscribe(asking, "answers", count_nobody, &told, NULL, &error), TW_OK);
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
    EXPECT_I64(bus_subscribe(f.bus, "a", end_both, both, &both[0], &error), TW_OK);
    EXPECT_I64(bus_subscribe(f.bus, "a", end_both, both, &both[1], &error), TW_OK);
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
    EXPECT_I64(bus_subscribe(f.bus, "a..b", on_message, &in, &in.subscription, &error), TW_INVALID);
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

typedef struct flood {
    uint32_t count, wrong, large;
} flood;

static void on_flood(void *context, const bus_message *message) {
    flood *seen = context;
    uint32_t number = 0;
    memcpy(&number, message->bytes, sizeof number);
    seen->wrong += number != seen->count || message->bytes[message->length - 1] != (number & 0xff) ||
                   message->bytes[message->length / 2] != (number & 0xff);
    seen->large += message->length > 1000;
    seen->count++;
}

/* More than one read brings, many times over: nothing waits in queues that could overflow, and a message larger than what is read at once comes whole. */
TEST(bus, a_flood_arrives_whole_and_in_order_and_messages_larger_than_a_read_between) {
    enum { MESSAGES = 20000, LARGE = 700 * 1000, EVERY = 4000 };
    static uint8_t payload[LARGE];
    fixture f;
    flood seen = {0};
    tw_error error;
    set_up(&f);
    EXPECT_I64(bus_subscribe(f.bus, "a", on_flood, &seen, NULL, &error), TW_OK);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        memcpy(payload, &i, sizeof i);
        size_t length = i % EVERY == EVERY / 2 ? sizeof payload : 100;
        memset(payload + sizeof i, (int)(i & 0xff), length - sizeof i);
        EXPECT_I64(bus_publish(f.bus, "a", payload, length), TW_OK);
        while (!bus_ready(f.bus))
            uv_run(&f.loop, UV_RUN_ONCE);
    }
    RUN_UNTIL(&f, seen.count == MESSAGES);
    EXPECT_U64(seen.wrong, 0);
    EXPECT_U64(seen.large, MESSAGES / EVERY);
    tear_down(&f);
}

/* ---- a server with settings of its own ---- */

static void write_config(const fixture *f, const char *text, char *path, size_t capacity) {
    tw_text_format(path, capacity, "%s/own.conf", f->server.folder);
    FILE *file = fopen(path, "w");
    EXPECT(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The same server again, with these lines in its configuration. */
static void restart_with(fixture *f, const char *text) {
    char path[256];
    const char *const arguments[] = {"-c", path, NULL};
    bus_close(f->bus);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    nats_process_pause(&f->server);
    write_config(f, text, path, sizeof path);
    EXPECT_MSG(nats_process_resume(&f->server, arguments), "%s", f->server.problem);
    memset(f->events, 0, sizeof f->events);
    f->bus = open_bus(f, 0);
}

/* Ten times as long as such a server waits for two answers. */
#define IMPATIENT    "ping_interval: \"50ms\"\nping_max: 2\n"
#define IMPATIENT_NS (1500 * NS_PER_MS)

TEST(bus, a_server_that_asks_whether_anybody_is_there_is_answered) {
    fixture f;
    set_up(&f);
    restart_with(&f, IMPATIENT);
    int64_t end_ns = rt_clock_monotonic_ns() + IMPATIENT_NS;
    while (rt_clock_monotonic_ns() < end_ns)
        uv_run(&f.loop, UV_RUN_ONCE);
    EXPECT_U64(f.events[BUS_CONNECTED], 1);
    EXPECT_U64(f.events[BUS_DISCONNECTED], 0);
    tear_down(&f);
}

/* Answers stand between what is published, and not within it. */
TEST(bus, a_server_is_answered_also_by_who_always_has_more_to_publish) {
    enum { UNDERWAY = 200 }; /* 12 MB: more than the output may hold, less than a server lets wait */
    static uint8_t payload[60000];
    fixture f;
    flood seen = {0};
    tw_error error;
    uint32_t sent = 0;
    set_up(&f);
    restart_with(&f, IMPATIENT);
    EXPECT_I64(bus_subscribe(f.bus, "a", on_flood, &seen, NULL, &error), TW_OK);
    for (int64_t end_ns = rt_clock_monotonic_ns() + IMPATIENT_NS; rt_clock_monotonic_ns() < end_ns;) {
        for (; bus_ready(f.bus) && sent - seen.count < UNDERWAY; sent++) {
            memset(payload, (int)(sent & 0xff), sizeof payload);
            memcpy(payload, &sent, sizeof sent);
            EXPECT_I64(bus_publish(f.bus, "a", payload, sizeof payload), TW_OK);
        }
        uv_run(&f.loop, UV_RUN_ONCE);
    }
    RUN_UNTIL(&f, seen.count == sent);
    EXPECT_U64(seen.wrong, 0);
    EXPECT_U64(f.events[BUS_DISCONNECTED], 0);
    tear_down(&f);
}

/* The server goes on as if nothing were; a subscription that it does not have would be silent for ever. */
TEST(bus, a_server_that_takes_no_more_subscriptions_is_left_with_its_words) {
    fixture f;
    inbox in[2] = {0};
    set_up(&f);
    restart_with(&f, "max_subscriptions: 1\n");
    RUN_UNTIL(&f, f.events[BUS_CONNECTED] == 1);
    subscribe(&f, &in[0], "a");
    subscribe(&f, &in[1], "b");
    RUN_UNTIL(&f, f.events[BUS_DISCONNECTED] > 0);
    EXPECT_MSG(strstr(f.told_away, "maximum subscriptions exceeded") != NULL, "%s", f.told_away);
    bus_unsubscribe(in[1].subscription);
    RUN_UNTIL(&f, bus_connected(f.bus) && f.events[BUS_RECONNECTED] >= f.events[BUS_DISCONNECTED]);
    EXPECT_I64(publish(&f, "a", "x"), TW_OK);
    RUN_UNTIL(&f, in[0].count == 1);
    tear_down(&f);
}

/* ---- TLS: there nats.c reads ---- */

static bool make_certificate(const fixture *f, char *certificate, char *key, size_t capacity) {
    char command[1024];
    tw_text_format(certificate, capacity, "%s/own.pem", f->server.folder);
    tw_text_format(key, capacity, "%s/own.key", f->server.folder);
    tw_text_format(command, sizeof command,
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
                   "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
                   key, certificate);
    return system(command) == 0; /* NOLINT(cert-env33-c): a folder of our own */
}

static void restart_with_tls(fixture *f, const char *certificate, const char *key) {
    char config[1024], url[64];
    tw_text_format(config, sizeof config, "tls { cert_file: \"%s\", key_file: \"%s\" }\n", certificate, key);
    tw_text_format(url, sizeof url, "tls://127.0.0.1:%u", f->server.port);
    tw_text_copy(f->server.url, sizeof f->server.url, url);
    setenv("SSL_CERT_FILE", certificate, 1); /* whom OpenSSL trusts */
    restart_with(f, config);
}

TEST(bus, with_tls_messages_and_answers_come_whole_and_in_order_too) {
    enum { MESSAGES = 3000 };
    char certificate[256], key[256], text[16];
    fixture f;
    inbox in = {0}, answers = {0};
    flood seen = {0};
    tw_error error;
    set_up(&f);
    if (!make_certificate(&f, certificate, key, sizeof key)) SKIP("openssl is not installed");
    restart_with_tls(&f, certificate, key);
    EXPECT_I64(bus_subscribe(f.bus, "a", on_flood, &seen, NULL, &error), TW_OK);
    subscribe(&f, &in, "question");
    subscribe(&f, &answers, "_INBOX.mine");
    for (uint32_t i = 0; i < MESSAGES; i++) {
        uint8_t payload[100];
        memset(payload, (int)(i & 0xff), sizeof payload);
        memcpy(payload, &i, sizeof i);
        EXPECT_I64(bus_publish(f.bus, "a", payload, sizeof payload), TW_OK);
    }
    tw_text_copy(text, sizeof text, "who?");
    EXPECT_I64(bus_publish_request(f.bus, "question", "_INBOX.mine", (const uint8_t *)text, strlen(text)), TW_OK);
    RUN_UNTIL(&f, seen.count == MESSAGES && in.count == 1);
    EXPECT_U64(seen.wrong, 0);
    EXPECT_STR(in.reply, "_INBOX.mine");
    EXPECT_I64(publish(&f, "_INBOX.mine", "me"), TW_OK);
    RUN_UNTIL(&f, answers.count == 1);
    EXPECT_STR(answers.bytes, "me");
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
    options.connect_ns = -1; /* it is not tried */
    EXPECT_I64(bus_open(&opened, &loop, &options, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "'http://bus:4222' is no server of the bus");
    EXPECT(strstr(error.text, "secret") == NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&loop), 0);
}
