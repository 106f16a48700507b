/* What a bus does when its connection ends: against a server of our own that ends it where we want, and against a cluster. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/bus.h"
#include "runtime/bus_streams.h"
#include "runtime/clock.h"
#include "tests/support/nats_process.h"
#include "tests/unit.h"

/* ---- a server that sends a part of a message and goes ---- */

#define INFO "INFO {\"server_id\":\"T\",\"version\":\"2.9.0\",\"max_payload\":1048576,\"headers\":true}\r\n"

typedef struct cutter {
    int listener;
    pthread_t thread;
    const char *rest; /* of each message, behind "MSG a.b SID" */
    size_t cut;       /* bytes of the message on the first connection */
    atomic_uint accepted;
} cutter;

static bool send_text(int peer, const char *text, size_t length) {
    return send(peer, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* Answers what a client says until it has subscribed and pinged; the number of its subscription, or -1 at its end. */
static int subscription_of(int peer) {
    char text[4096] = "";
    size_t length = 0, answered = 0;
    while (length + 1 < sizeof text) {
        ssize_t got = recv(peer, text + length, sizeof text - 1 - length, 0);
        if (got <= 0) return -1;
        text[length += (size_t)got] = '\0';
        for (const char *ping; (ping = strstr(text + answered, "PING\r\n")) != NULL;) {
            if (!send_text(peer, "PONG\r\n", 6)) return -1;
            answered = (size_t)(ping - text) + 6;
        }
        const char *subscribed = strstr(text, "SUB a.b ");
        int sid = 0;
        if (subscribed != NULL && strstr(subscribed, "\r\n") != NULL && sscanf(subscribed, "SUB a.b %d", &sid) == 1)
            return sid;
    }
    return -1;
}

static void serve(cutter *self, int peer) {
    char message[128];
    if (!send_text(peer, INFO, strlen(INFO))) return;
    int sid = subscription_of(peer);
    if (sid < 0) return;
    tw_text_format(message, sizeof message, "MSG a.b %d%s", sid, self->rest);
    bool first = atomic_fetch_add(&self->accepted, 1) == 0;
    if (!send_text(peer, message, first ? self->cut : strlen(message)) || first) return;
    while (recv(peer, message, sizeof message, 0) > 0) { /* until the client goes */
    }
}

static void *run_cutter(void *context) {
    cutter *self = context;
    for (int peer; (peer = accept(self->listener, NULL, NULL)) >= 0;) {
        serve(self, peer);
        close(peer);
    }
    return NULL;
}

static uint16_t open_cutter(cutter *self, const char *rest, size_t cut) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    memset(self, 0, sizeof *self);
    self->rest = rest;
    self->cut = cut;
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_I64(bind(self->listener, (struct sockaddr *)&address, sizeof address), 0);
    EXPECT_I64(listen(self->listener, 5), 0);
    EXPECT_I64(getsockname(self->listener, (struct sockaddr *)&address, &length), 0);
    EXPECT_I64(pthread_create(&self->thread, NULL, run_cutter, self), 0);
    return ntohs(address.sin_port);
}

static void close_cutter(cutter *self) {
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->listener);
}

/* ---- whoever listens ---- */

typedef struct scene {
    uv_loop_t loop;
    uv_timer_t tick;
    bus *bus;
    bus_subscription *subscription;
    unsigned messages, bad;
    unsigned events[BUS_NOT_PERMITTED + 1];
    const char *wanted;
    char detail[128];
} scene;

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

static void on_event(void *context, bus_event event, const char *detail) {
    scene *s = context;
    s->events[event]++;
    tw_text_copy(s->detail, sizeof s->detail, detail);
}

static void on_message(void *context, const bus_message *message) {
    scene *s = context;
    s->messages++;
    if (message->length != strlen(s->wanted) || memcmp(message->bytes, s->wanted, message->length) != 0) s->bad++;
}

static void set_up(scene *s, const char *url, const char *wanted) {
    tw_error error = {0};
    bus_options options = {.url = url, .name = "test", .on_event = on_event, .event_context = s};
    memset(s, 0, sizeof *s);
    s->wanted = wanted;
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->tick);
    uv_timer_start(&s->tick, on_tick, 5, 5);
    EXPECT_MSG(bus_open(&s->bus, &s->loop, &options, &error) == TW_OK, "%s", error.text);
    EXPECT_MSG(bus_subscribe(s->bus, "a.b", on_message, s, &s->subscription, &error) == TW_OK, "%s", error.text);
}

static void tear_down(scene *s) {
    bus_close(s->bus);
    uv_close((uv_handle_t *)&s->tick, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&s->loop), 0);
}

#define UNTIL(s, condition)                                                                                        \
    do {                                                                                                           \
        int64_t end_ns_ = rt_clock_monotonic_ns() + 20 * TW_NS_PER_SECOND;                                         \
        while (!(condition) && rt_clock_monotonic_ns() < end_ns_)                                                  \
            uv_run(&(s)->loop, UV_RUN_ONCE);                                                                       \
        EXPECT_MSG(condition, "did not come: %s", #condition);                                                     \
    } while (0)

/* Who went on with the rest of the message on the next connection would see a message that nobody sent, or take the connection
 * for broken again and again. A message without its line end is none yet. */
TEST(bus_reconnect, a_connection_that_ends_within_a_message_leaves_nothing_behind_wherever_it_was_cut) {
    static const char rest[] = " 5\r\nhello\r\n";
    size_t whole = strlen("MSG a.b 1") + strlen(rest);
    for (size_t cut = 1; cut < whole; cut++) {
        cutter server;
        scene s;
        char url[64];
        tw_text_format(url, sizeof url, "nats://127.0.0.1:%u", open_cutter(&server, rest, cut));
        set_up(&s, url, "hello");
        UNTIL(&s, s.messages >= 1);
        EXPECT_MSG(s.bad == 0, "cut after %zu bytes: a message that nobody sent", cut);
        EXPECT_MSG(atomic_load(&server.accepted) == 2, "cut after %zu bytes: %u connections", cut,
                   atomic_load(&server.accepted));
        EXPECT_U64(s.events[BUS_RECONNECTED], 1);
        tear_down(&s);
        close_cutter(&server);
    }
}

/* ---- subscriptions and servers ---- */

TEST(bus_reconnect, subscriptions_made_and_ended_while_the_server_is_away_hold_on_the_next_connection) {
    nats_process server;
    scene s;
    tw_error error = {0};
    bus_subscription *late = NULL;
    if (!nats_process_start(&server, NULL)) SKIP(server.problem);
    set_up(&s, server.url, "x");
    UNTIL(&s, s.events[BUS_CONNECTED] == 1);
    nats_process_pause(&server);
    UNTIL(&s, s.events[BUS_DISCONNECTED] == 1);
    bus_unsubscribe(s.subscription);
    EXPECT_I64(bus_subscribe(s.bus, "c.>", on_message, &s, &late, &error), TW_OK);
    EXPECT_I64(bus_subscribe(s.bus, "c..d", on_message, &s, NULL, &error), TW_INVALID);
    EXPECT_I64(bus_subscribe(s.bus, "c.>.d", on_message, &s, NULL, &error), TW_INVALID);
    EXPECT_MSG(nats_process_resume(&server, NULL), "%s", server.problem);
    UNTIL(&s, s.events[BUS_RECONNECTED] == 1);
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_OK);
    EXPECT_I64(bus_publish(s.bus, "c.d", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages > 0);
    EXPECT_I64(bus_publish(s.bus, "c.d.e", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages > 1);
    EXPECT_U64(s.messages, 2); /* nothing on a.b: it would have come before */
    tear_down(&s);
    nats_process_stop(&server);
}

/* Writing may find the end before reading does. */
TEST(bus_reconnect, a_write_that_finds_the_server_gone_ends_the_connection) {
    nats_process server;
    scene s;
    if (!nats_process_start(&server, NULL)) SKIP(server.problem);
    set_up(&s, server.url, "x");
    UNTIL(&s, s.events[BUS_CONNECTED] == 1);
    nats_process_pause(&server);
    for (int64_t end_ns = rt_clock_monotonic_ns() + 20 * TW_NS_PER_SECOND;
         bus_connected(s.bus) && rt_clock_monotonic_ns() < end_ns;) {
        (void)bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1);
        bus_flush(s.bus);
    }
    EXPECT(!bus_connected(s.bus));
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_AWAY);
    EXPECT_MSG(nats_process_resume(&server, NULL), "%s", server.problem);
    UNTIL(&s, s.events[BUS_RECONNECTED] == 1);
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages == 1);
    tear_down(&s);
    nats_process_stop(&server);
}

TEST(bus_reconnect, a_bus_closes_while_its_server_is_away) {
    nats_process server;
    scene s;
    if (!nats_process_start(&server, NULL)) SKIP(server.problem);
    set_up(&s, server.url, "x");
    nats_process_pause(&server);
    UNTIL(&s, s.events[BUS_DISCONNECTED] == 1);
    for (int i = 0; i < 20; i++)
        uv_run(&s.loop, UV_RUN_ONCE); /* in the midst of its tries */
    tear_down(&s);
    nats_process_stop(&server);
}

/* Who changes credentials does so on the servers first or here first: neither may be the end of a process. */
TEST(bus_reconnect,
     credentials_that_are_refused_are_told_in_the_servers_words_and_tried_until_they_are_right_again) {
    static const char *const open[] = {"--user", "me", "--pass", "right", NULL};
    static const char *const other[] = {"--user", "me", "--pass", "another", NULL};
    nats_process server;
    scene s;
    char url[128];
    if (!nats_process_start(&server, open)) SKIP(server.problem);
    tw_text_format(url, sizeof url, "nats://me:right@%s", strstr(server.url, "://") + 3);
    set_up(&s, url, "x");
    nats_process_pause(&server);
    EXPECT_MSG(nats_process_resume(&server, other), "%s", server.problem);
    UNTIL(&s, strstr(s.detail, "Authorization") != NULL);
    EXPECT(s.events[BUS_STILL_AWAY] > 0);
    EXPECT(strstr(s.detail, "right") == NULL);
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_AWAY);
    nats_process_pause(&server);
    EXPECT_MSG(nats_process_resume(&server, open), "%s", server.problem);
    UNTIL(&s, s.events[BUS_RECONNECTED] == 1);
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages == 1);
    tear_down(&s);
    nats_process_stop(&server);
}

/* Only the first server is given; the second is told by the first. */
TEST(bus_reconnect, another_server_of_the_cluster_is_found_with_the_first_ones_password) {
    nats_process first, second;
    scene s;
    char cluster[64], own[64], url[128];
    tw_text_format(cluster, sizeof cluster, "nats://127.0.0.1:%u", server_process_free_port());
    tw_text_format(own, sizeof own, "nats://127.0.0.1:%u", server_process_free_port());
    const char *const one[] = {"--user", "me", "--pass", "word", "--cluster_name", "c", "--cluster", cluster, NULL};
    const char *const two[] = {"--user", "me",       "--pass", "word", "--cluster_name", "c", "--cluster",
                               own,      "--routes", cluster,  NULL};
    if (!nats_process_start(&first, one)) SKIP(first.problem);
    EXPECT_MSG(nats_process_start(&second, two), "%s", second.problem);
    tw_text_format(url, sizeof url, "nats://me:word@%s", strstr(first.url, "://") + 3);
    for (bool told = false;
         !told;) { /* until the first one knows the second, which a connection made now is told */
        set_up(&s, url, "x");
        nats_process_pause(&first);
        UNTIL(&s, s.events[BUS_DISCONNECTED] == 1);
        for (int64_t end_ns = rt_clock_monotonic_ns() + TW_NS_PER_SECOND;
             s.events[BUS_RECONNECTED] == 0 && rt_clock_monotonic_ns() < end_ns;)
            uv_run(&s.loop, UV_RUN_ONCE);
        told = s.events[BUS_RECONNECTED] == 1;
        if (!told) tear_down(&s);
        if (!told) EXPECT_MSG(nats_process_resume(&first, one), "%s", first.problem);
    }
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages == 1);
    tear_down(&s);
    nats_process_stop(&first);
    nats_process_stop(&second);
}

/* Given is the first; it tells the second, and the third comes to the cluster when the bus is already there. */
TEST(bus_reconnect, a_cluster_is_walked_through_server_by_server_also_to_those_that_came_later) {
    nats_process servers[3];
    scene s;
    char cluster[64], own[2][64];
    tw_text_format(cluster, sizeof cluster, "nats://127.0.0.1:%u", server_process_free_port());
    const char *const one[] = {"--cluster_name", "c", "--cluster", cluster, NULL};
    if (!nats_process_start(&servers[0], one)) SKIP(servers[0].problem);
    set_up(&s, servers[0].url, "x");
    UNTIL(&s, s.events[BUS_CONNECTED] == 1);
    for (int i = 1; i < 3; i++) {
        tw_text_format(own[i - 1], sizeof own[i - 1], "nats://127.0.0.1:%u", server_process_free_port());
        const char *const more[] = {"--cluster_name", "c", "--cluster", own[i - 1], "--routes", cluster, NULL};
        EXPECT_MSG(nats_process_start(&servers[i], more), "%s", servers[i].problem);
    }
    for (int64_t end_ns = rt_clock_monotonic_ns() + 2 * TW_NS_PER_SECOND; rt_clock_monotonic_ns() < end_ns;)
        uv_run(&s.loop, UV_RUN_ONCE); /* routes are made, and told */
    nats_process_pause(&servers[0]);
    UNTIL(&s, s.events[BUS_RECONNECTED] == 1);
    bus_stats before = bus_read_stats(s.bus);
    EXPECT_U64(before.reconnects, 1);
    for (int i = 1; i < 3 && s.events[BUS_DISCONNECTED] == 1; i++) { /* the one it went to */
        nats_process_pause(&servers[i]);
        for (int64_t end_ns = rt_clock_monotonic_ns() + TW_NS_PER_SECOND;
             s.events[BUS_DISCONNECTED] == 1 && rt_clock_monotonic_ns() < end_ns;)
            uv_run(&s.loop, UV_RUN_ONCE);
        if (s.events[BUS_DISCONNECTED] == 1)
            EXPECT_MSG(nats_process_resume(&servers[i], NULL), "%s", servers[i].problem);
    }
    UNTIL(&s, s.events[BUS_RECONNECTED] == 2);
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages == 1);
    tear_down(&s);
    for (int i = 0; i < 3; i++)
        nats_process_stop(&servers[i]);
}

/* It takes connections, as the kernel does for it, and says nothing: two seconds each. */
static int bind_mute(char *url, size_t capacity) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int mute = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_I64(bind(mute, (struct sockaddr *)&address, sizeof address), 0);
    EXPECT_I64(getsockname(mute, (struct sockaddr *)&address, &length), 0);
    tw_text_format(url, capacity, "nats://127.0.0.1:%u", ntohs(address.sin_port));
    return mute;
}

TEST(bus_reconnect, closing_does_not_wait_for_every_server_that_hangs) {
    enum { MUTE = 4 };
    nats_process server;
    scene s;
    int mute[MUTE];
    char urls[512], each[MUTE][64];
    if (!nats_process_start(&server, NULL)) SKIP(server.problem);
    for (int i = 0; i < MUTE; i++)
        mute[i] = bind_mute(each[i], sizeof each[i]);
    tw_text_format(urls, sizeof urls, "%s,%s,%s,%s,%s", server.url, each[0], each[1], each[2], each[3]);
    set_up(&s, urls, "x");
    for (int i = 0; i < MUTE; i++)
        EXPECT_I64(listen(mute[i], 64), 0);
    nats_process_pause(&server);
    UNTIL(&s, s.events[BUS_DISCONNECTED] == 1);
    for (int i = 0; i < 80; i++)
        uv_run(&s.loop, UV_RUN_ONCE); /* each 5 ms at most: in the midst of its tries */
    int64_t begin_ns = rt_clock_monotonic_ns();
    tear_down(&s);
    EXPECT(rt_clock_monotonic_ns() - begin_ns < 5 * TW_NS_PER_SECOND);
    for (int i = 0; i < MUTE; i++)
        close(mute[i]);
    nats_process_stop(&server);
}

/* ---- a server that is frozen ---- */

/* Whoever comes is told that there will be TLS, and nothing more: a server that was stopped at that moment. */
#define INFO_TLS                                                                                                   \
    "INFO {\"server_id\":\"T\",\"version\":\"2.9.0\",\"max_payload\":1048576,\"headers\":true,"                    \
    "\"tls_required\":true}\r\n"

typedef struct frozen {
    int listener;
    pthread_t thread;
    char url[64];
    atomic_uint accepted; /* connections, which stay open */
} frozen;

static void *run_frozen(void *context) {
    frozen *self = context;
    int peers[64];
    unsigned count = 0;
    for (int peer; count < 64 && (peer = accept(self->listener, NULL, NULL)) >= 0;) {
        peers[count++] = peer;
        (void)send_text(peer, INFO_TLS, strlen(INFO_TLS));
        atomic_store(&self->accepted, count);
    }
    while (count > 0)
        close(peers[--count]);
    return NULL;
}

/* Refuses until freeze. */
static void open_frozen(frozen *self) {
    *self = (frozen){0};
    self->listener = bind_mute(self->url, sizeof self->url);
}

static void freeze(frozen *self) {
    EXPECT_I64(listen(self->listener, 64), 0);
    EXPECT_I64(pthread_create(&self->thread, NULL, run_frozen, self), 0);
}

static void close_frozen(frozen *self) {
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->listener);
}

/* Connected to `server`, which is lost then; the try that follows is in the midst of the other one's handshake. */
static void set_up_frozen(scene *s, nats_process *server, frozen *ice) {
    char urls[256];
    if (!nats_process_start(server, NULL)) SKIP(server->problem);
    open_frozen(ice);
    tw_text_format(urls, sizeof urls, "%s,%s", server->url, ice->url);
    set_up(s, urls, "x");
    UNTIL(s, s->events[BUS_CONNECTED] == 1);
    freeze(ice);
    nats_process_pause(server);
    UNTIL(s, atomic_load(&ice->accepted) > 0);
}

TEST(bus_reconnect, a_bus_closes_at_once_while_a_server_is_frozen_within_the_tls_handshake) {
    nats_process server;
    frozen ice;
    scene s;
    set_up_frozen(&s, &server, &ice);
    tear_down(&s); /* for ever, if it waits for that server */
    EXPECT_U64(atomic_load(&ice.accepted), 1);
    close_frozen(&ice);
    nats_process_stop(&server);
}

TEST(bus_reconnect, a_server_that_is_frozen_within_the_tls_handshake_is_given_up_for_the_next_one) {
    nats_process server;
    frozen ice;
    scene s;
    set_up_frozen(&s, &server, &ice);
    EXPECT_MSG(nats_process_resume(&server, NULL), "%s", server.problem);
    UNTIL(&s, s.events[BUS_RECONNECTED] == 1);
    EXPECT_I64(bus_publish(s.bus, "a.b", (const uint8_t *)"x", 1), TW_OK);
    UNTIL(&s, s.messages == 1);
    tear_down(&s);
    close_frozen(&ice);
    nats_process_stop(&server);
}

static void on_result(void *context, const bus_streams_result *result) {
    *(bus_streams_result *)context = *result;
}

TEST(bus_reconnect,
     a_server_that_is_frozen_within_the_tls_handshake_is_told_at_the_start_and_to_who_asks_for_streams) {
    frozen ice;
    uv_loop_t loop;
    bus *none = NULL;
    bus_streams *streams;
    bus_streams_result result = {.outcome = BUS_STREAMS_DONE};
    tw_error error = {0};
    open_frozen(&ice);
    freeze(&ice);
    bus_options options = {.url = ice.url, .name = "test"};
    bus_streams_options asked = {
        .url = ice.url, .timeout_ns = TW_NS_PER_SECOND / 10, .on_result = on_result, .context = &result};
    uv_loop_init(&loop);
    EXPECT_I64(bus_streams_open(&streams, &loop, &asked, &error), TW_OK);
    EXPECT(bus_streams_info(streams, "journal"));
    EXPECT_I64(bus_open(&none, &loop, &options, &error), TW_AWAY);
    EXPECT_MSG(strstr(error.text, "the server does not answer") != NULL, "%s", error.text);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(result.outcome, BUS_STREAMS_AWAY);
    bus_streams_close(streams);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&loop), 0);
    close_frozen(&ice);
}

TEST(bus_reconnect, who_asks_for_streams_ends_at_once_while_a_server_is_frozen_within_the_tls_handshake) {
    frozen ice;
    uv_loop_t loop;
    bus_streams *streams;
    bus_streams_result result = {.outcome = BUS_STREAMS_DONE};
    tw_error error = {0};
    open_frozen(&ice);
    freeze(&ice);
    bus_streams_options asked = {
        .url = ice.url, .timeout_ns = 3600 * TW_NS_PER_SECOND, .on_result = on_result, .context = &result};
    uv_loop_init(&loop);
    EXPECT_I64(bus_streams_open(&streams, &loop, &asked, &error), TW_OK);
    EXPECT(bus_streams_info(streams, "journal"));
    while (atomic_load(&ice.accepted) == 0)
        poll(NULL, 0, 1);
    bus_streams_close(streams);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&loop), 0);
    close_frozen(&ice);
}
