/* The Redis connection against a real redis-server, and against peers that are none. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/clock.h"
#include "runtime/redis.h"
#include "tests/support/nats_process.h"
#include "tests/support/redis_process.h"
#include "tests/unit.h"

#define SECOND   INT64_C(1000000000)
#define PATIENCE (20 * SECOND)

typedef struct fixture {
    uv_loop_t loop;
    uv_timer_t tick; /* keeps UV_RUN_ONCE from waiting for long */
    redis *redis;
    char told[512]; /* state changes: "READY AWAY READY" */
    char detail[256];
    uint64_t tags[4096];
    uint32_t replies, lost;
    char text[128]; /* of the last reply */
    int64_t integer;
    redis_kind kind;
} fixture;

static void on_reply(void *context, uint64_t tag, const redis_reply *reply) {
    fixture *f = context;
    if (f->replies < 4096) f->tags[f->replies] = tag;
    f->replies++;
    f->lost += reply->kind == REDIS_KIND_LOST;
    f->kind = reply->kind;
    f->integer = reply->integer;
    tw_text_copy(f->text, sizeof f->text, reply->text);
}

static void on_state(void *context, redis_state state, const char *detail) {
    fixture *f = context;
    char told[512];
    tw_text_format(told, sizeof told, "%s%s%s", f->told, f->told[0] != '\0' ? " " : "", redis_state_name(state));
    tw_text_copy(f->told, sizeof f->told, told);
    tw_text_copy(f->detail, sizeof f->detail, detail);
}

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

static void open_on(fixture *f, const char *url, uint32_t max_outstanding, int64_t timeout_ns) {
    tw_error error = {0};
    redis_options options = {.url = url,
                             .name = "unit-test",
                             .max_outstanding = max_outstanding,
                             .timeout_ns = timeout_ns,
                             .on_reply = on_reply,
                             .on_state = on_state,
                             .context = f};
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    EXPECT_MSG(redis_open(&f->redis, &f->loop, &options, &error) == TW_OK, "%s", error.text);
}

static void close_all(fixture *f) {
    redis_close(f->redis);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&f->loop), 0);
}

#define WAIT(f, condition)                                                                                         \
    do {                                                                                                           \
        int64_t end_ns_ = rt_clock_monotonic_ns() + PATIENCE;                                                      \
        while (!(condition)) {                                                                                     \
            EXPECT_MSG(rt_clock_monotonic_ns() < end_ns_, "waited in vain for %s; told %s, %s", #condition,        \
                       (f)->told, (f)->detail);                                                                    \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                                       \
        }                                                                                                          \
    } while (0)

static tw_code command(fixture *f, uint64_t tag, const char *text) {
    char copy[256], *rest = copy, *word;
    const char *words[16];
    size_t lengths[16], count = 0;
    tw_text_copy(copy, sizeof copy, text);
    while ((word = strsep(&rest, " ")) != NULL) {
        words[count] = word;
        lengths[count++] = strlen(word);
    }
    return redis_send(f->redis, count, words, lengths, tag);
}

static void ask(fixture *f, const char *text) {
    uint32_t before = f->replies;
    EXPECT(command(f, 0, text) == TW_OK);
    redis_flush(f->redis);
    WAIT(f, f->replies > before);
}

static void start(redis_process *server, const char *const *arguments) {
    if (!redis_process_start(server, arguments)) SKIP(server->problem);
}

TEST(redis, answers_come_in_order_with_the_tags_of_their_commands) {
    redis_process server;
    fixture f;
    start(&server, NULL);
    open_on(&f, server.url, 0, 0);
    EXPECT(command(&f, 0, "PING") == TW_AWAY); /* nothing is taken before it is ready */
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    for (uint64_t i = 0; i < 1000; i++)
        EXPECT(command(&f, i * i, "INCR counter") == TW_OK);
    EXPECT_U64(redis_outstanding(f.redis), 1000);
    redis_flush(f.redis);
    WAIT(&f, f.replies == 1000);
    for (uint64_t i = 0; i < 1000; i++)
        EXPECT_U64(f.tags[i], i * i);
    EXPECT_I64(f.integer, 1000);
    EXPECT_U64(redis_outstanding(f.redis), 0);
    EXPECT_STR(f.told, "READY");
    ask(&f, "CLIENT GETNAME");
    EXPECT_STR(f.text, "unit-test");
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, beyond_max_outstanding_it_is_full_and_takes_more_after_answers) {
    redis_process server;
    fixture f;
    start(&server, NULL);
    open_on(&f, server.url, 8, 0);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    for (int i = 0; i < 8; i++)
        EXPECT(command(&f, 1, "PING") == TW_OK);
    EXPECT(command(&f, 2, "PING") == TW_FULL);
    EXPECT_U64(redis_room(f.redis), 0);
    redis_flush(f.redis);
    WAIT(&f, f.replies == 8);
    EXPECT(command(&f, 3, "PING") == TW_OK);
    redis_flush(f.redis);
    WAIT(&f, f.replies == 9);
    EXPECT_U64(f.tags[8], 3);
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, a_server_that_is_absent_is_found_when_it_comes) {
    redis_process server;
    fixture f;
    if (!redis_process_prepare(&server)) SKIP(server.problem);
    open_on(&f, server.url, 0, 0);
    WAIT(&f, strstr(f.told, "AWAY AWAY") != NULL); /* it says so, and tries again */
    EXPECT_CONTAINS(f.detail, "refused");
    if (!redis_process_resume(&server, NULL)) SKIP(server.problem);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    ask(&f, "PING");
    EXPECT_STR(f.text, "PONG");
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, a_restart_loses_what_was_under_way_and_says_so) {
    redis_process server;
    fixture f;
    start(&server, NULL);
    open_on(&f, server.url, 0, 0);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    ask(&f, "CLIENT PAUSE 60000");
    for (uint64_t i = 0; i < 100; i++)
        command(&f, i, "INCR counter");
    redis_flush(f.redis);
    redis_process_pause(&server);
    WAIT(&f, redis_read_state(f.redis) != REDIS_READY);
    EXPECT_U64(f.lost, 100);
    EXPECT_U64(redis_outstanding(f.redis), 0);
    EXPECT(command(&f, 0, "PING") == TW_AWAY);
    if (!redis_process_resume(&server, NULL)) SKIP(server.problem);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    ask(&f, "GET counter");
    EXPECT(f.kind == REDIS_KIND_NIL);
    EXPECT_U64(redis_read_stats(f.redis).connects, 2);
    EXPECT_U64(redis_read_stats(f.redis).lost, 100);
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, a_server_that_stops_answering_is_given_up_and_tried_again) {
    redis_process server;
    fixture f;
    start(&server, NULL);
    open_on(&f, server.url, 0, SECOND / 4);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    ask(&f, "CLIENT PAUSE 2000");
    command(&f, 9, "PING");
    redis_flush(f.redis);
    WAIT(&f, f.lost >= 1); /* on a busy machine the pause itself may not be answered in time */
    WAIT(&f, strstr(f.told, "READY AWAY") != NULL);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY); /* the pause is over */
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, a_slow_server_within_the_time_limit_is_waited_for) {
    redis_process server;
    fixture f;
    start(&server, NULL);
    open_on(&f, server.url, 0, 10 * SECOND);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    ask(&f, "CLIENT PAUSE 700");
    int64_t begin_ns = rt_clock_monotonic_ns();
    ask(&f, "PING");
    EXPECT(rt_clock_monotonic_ns() - begin_ns >= SECOND / 2);
    EXPECT_STR(f.told, "READY");
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, signs_in_and_chooses_the_database) {
    static const char *const arguments[] = {"--user", "wire", "on", ">p@ss", "~*", "&*", "+@all", NULL};
    redis_process server;
    fixture f;
    char url[128];
    start(&server, arguments);
    tw_text_format(url, sizeof url, "redis://wire:p%%40ss@127.0.0.1:%u/3", server.port);
    open_on(&f, url, 0, 0);
    EXPECT_MSG(strstr(redis_where(f.redis), "ss@") == NULL, "%s", redis_where(f.redis));
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    ask(&f, "ACL WHOAMI");
    EXPECT_STR(f.text, "wire");
    ask(&f, "SET key value");
    ask(&f, "SELECT 0");
    ask(&f, "GET key");
    EXPECT(f.kind == REDIS_KIND_NIL);
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, a_server_that_does_not_let_us_in_is_told_with_its_reason) {
    static const char *const arguments[] = {"--requirepass", "hush", NULL};
    redis_process server;
    start(&server, arguments);
    const struct {
        const char *who, *database, *words;
    } rows[] = {
        {"", "0", "NOAUTH"},
        {":wrong@", "0", "WRONGPASS"},
        {"nobody:hush@", "0", "WRONGPASS"},
        {":hush@", "99", "out of range"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        char url[128];
        tw_text_format(url, sizeof url, "redis://%s127.0.0.1:%u/%s", rows[i].who, server.port, rows[i].database);
        open_on(&f, url, 0, 0);
        WAIT(&f, redis_read_state(f.redis) == REDIS_REFUSED);
        EXPECT_CONTAINS(f.detail, rows[i].words);
        WAIT(&f, strstr(f.told, "REFUSED REFUSED") != NULL); /* it may be put right: it is tried again */
        close_all(&f);
    }
    redis_process_stop(&server);
}

TEST(redis, names_are_looked_up_without_waiting_for_it) {
    redis_process server;
    fixture f;
    char url[128];
    start(&server, NULL);
    tw_text_format(url, sizeof url, "redis://localhost:%u", server.port);
    open_on(&f, url, 0, 0);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY); /* with a ::1 in front of 127.0.0.1, the second try */
    close_all(&f);
    open_on(&f, "redis://no-such-host.invalid", 0, 0);
    WAIT(&f, f.told[0] != '\0');
    EXPECT_CONTAINS(f.detail, "looking up no-such-host.invalid");
    close_all(&f);
    redis_process_stop(&server);
}

TEST(redis, closing_tells_what_was_lost_and_may_happen_at_any_time) {
    redis_process server;
    fixture f;
    start(&server, NULL);
    open_on(&f, server.url, 0, 0);
    close_all(&f); /* before it began */
    open_on(&f, "redis://localhost:1", 0, 0);
    uv_run(&f.loop, UV_RUN_ONCE);
    close_all(&f); /* while a name is looked up */
    open_on(&f, server.url, 0, 0);
    WAIT(&f, redis_read_state(f.redis) == REDIS_READY);
    command(&f, 5, "PING");
    redis_flush(f.redis);
    close_all(&f);
    EXPECT_U64(f.lost, 1);
    EXPECT_U64(f.tags[0], 5);
    redis_process_stop(&server);
}

/* ---- peers that are no Redis ---- */

static int listen_on(uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0 &&
           getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

TEST(redis, a_peer_that_never_says_anything_is_given_up) {
    fixture f;
    uint16_t port = 0;
    char url[64];
    int fd = listen_on(&port);
    tw_text_format(url, sizeof url, "redis://127.0.0.1:%u", port);
    open_on(&f, url, 0, SECOND / 5);
    WAIT(&f, f.told[0] != '\0');
    EXPECT_STR(f.told, "AWAY");
    EXPECT_CONTAINS(f.detail, "in time");
    close_all(&f);
    close(fd);
}

/* Signs in as Redis would (SETNAME, PING) and then says something. */
TEST(redis, a_peer_that_talks_nonsense_is_left_and_harms_nobody) {
    static const struct {
        const char *says, *detail;
        size_t length;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error", 0},
        {"+OK\r\n+PONG\r\n+and more that nobody asked for\r\n", "nobody asked for: and more", 0},
        {"+OK\r\n+PONG\r\n-ERR max number of clients reached\r\n", "max number of clients", 0},
        {"+OK\r\n+PONG\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "nested", 0},
        {"+OK\r\n+PONG\r\n$-7\r\n", "Bulk string length out of range", 0},
        {"+OK\r\n+PONG\r\n*-9\r\n", "out of range", 0},
        {"+OK\r\n+PONG\r\n*2147483647\r\n:1\r\n", "Out of memory", 0},
        {"+OK\r\n+PONG\r\n:99999999999999999999999\r\n", "", 0},
        {"+OK\r\n+PONG\r\n\0\0\0\0", "Protocol error", 16},
        {"+OK\r\n", "closed", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        uint16_t port = 0;
        char url[64];
        int fd = listen_on(&port), peer = -1;
        tw_text_format(url, sizeof url, "redis://127.0.0.1:%u", port);
        open_on(&f, url, 0, PATIENCE); /* what it says is told, not that it said nothing in time */
        WAIT(&f, (peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0);
        size_t length = rows[i].length > 0 ? rows[i].length : strlen(rows[i].says);
        EXPECT_I64(write(peer, rows[i].says, length), length);
        shutdown(peer, SHUT_WR);
        WAIT(&f, strstr(f.told, "AWAY") != NULL);
        EXPECT_MSG(strstr(f.detail, rows[i].detail) != NULL, "row %zu: %s", i, f.detail);
        close_all(&f);
        close(peer);
        close(fd);
    }
}
