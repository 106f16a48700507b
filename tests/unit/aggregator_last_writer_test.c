/* Rows on their way into a real redis-server: what a reader finds there, and what happens when Redis says no. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "publisher/aggregator/last_writer.h"
#include "runtime/clock.h"
#include "tests/support/redis_process.h"
#include "tests/unit.h"

#define MS       INT64_C(1000000)
#define SECOND   (1000 * MS)
#define PATIENCE (20 * SECOND)
#define DAY      "2020-01-30.S"

typedef struct fixture {
    redis_process server;
    uv_loop_t loop;
    uv_timer_t tick;
    last_values *values;
    last_writer *writer;
    redis *store; /* the writer's */
    redis *other; /* somebody who looks */
    uint32_t feed;
    uint64_t seq;
    char answer[2048]; /* of the one who looks: elements joined by spaces */
    uint32_t answers;
    char trouble[256]; /* the last: "memory key: OOM …" */
} fixture;

static void on_store_reply(void *context, uint64_t tag, const redis_reply *reply) {
    last_writer_reply(((fixture *)context)->writer, tag, reply, rt_clock_monotonic_ns());
}

static void on_store_state(void *context, redis_state state, const char *detail) {
    (void)detail;
    if (state == REDIS_READY) last_writer_connected(((fixture *)context)->writer, rt_clock_monotonic_ns());
}

static void on_trouble(void *context, redis_trouble trouble, const char *key, const char *text) {
    fixture *f = context;
    tw_text_format(f->trouble, sizeof f->trouble, "%s %s: %s", redis_trouble_name(trouble), key, text);
}

static void append(fixture *f, const redis_reply *reply) {
    char whole[sizeof f->answer];
    const char *space = f->answer[0] != '\0' ? " " : "";
    if (reply->kind == REDIS_KIND_INTEGER)
        tw_text_format(whole, sizeof whole, "%s%s%lld", f->answer, space, (long long)reply->integer);
    else
        tw_text_format(whole, sizeof whole, "%s%s%s", f->answer, space, reply->text);
    tw_text_copy(f->answer, sizeof f->answer, whole);
}

static void on_other_reply(void *context, uint64_t tag, const redis_reply *reply) {
    fixture *f = context;
    (void)tag;
    f->answers++;
    f->answer[0] = '\0';
    if (reply->kind != REDIS_KIND_ARRAY) append(f, reply);
    for (size_t i = 0; i < reply->count; i++) {
        redis_reply element = redis_element(reply, i);
        append(f, &element);
    }
}

/* The round of a daemon: in every turn of the loop. */
static void on_tick(uv_timer_t *timer) {
    fixture *f = timer->data;
    if (f->store == NULL) return;
    last_writer_rearm(f->writer, f->store, rt_clock_monotonic_ns());
    last_writer_round(f->writer, f->store, rt_clock_monotonic_ns());
}

#define WAIT(f, condition)                                                                                         \
    do {                                                                                                           \
        int64_t end_ns_ = rt_clock_monotonic_ns() + PATIENCE;                                                      \
        while (!(condition)) {                                                                                     \
            EXPECT_MSG(rt_clock_monotonic_ns() < end_ns_, "waited in vain for %s; last answer %s; trouble %s",     \
                       #condition, (f)->answer, (f)->trouble);                                                     \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                                       \
        }                                                                                                          \
    } while (0)

static const char *ask(fixture *f, const char *text) {
    char copy[256], *rest = copy, *word;
    const char *words[16];
    size_t lengths[16], count = 0;
    uint32_t before = f->answers;
    tw_text_copy(copy, sizeof copy, text);
    while ((word = strsep(&rest, " ")) != NULL) {
        words[count] = word;
        lengths[count++] = strlen(word);
    }
    WAIT(f, redis_room(f->other) > 0);
    redis_send(f->other, count, words, lengths, 0);
    redis_flush(f->other);
    WAIT(f, f->answers > before);
    return f->answer;
}

static redis *connect_as(fixture *f, redis_on_reply on_reply, redis_on_state on_state, uint32_t outstanding) {
    redis *opened;
    tw_error error = {0};
    redis_options options = {.url = f->server.url,
                             .name = "unit-test",
                             .max_outstanding = outstanding,
                             .timeout_ns = 10 * SECOND,
                             .on_reply = on_reply,
                             .on_state = on_state,
                             .context = f};
    EXPECT_MSG(redis_open(&opened, &f->loop, &options, &error) == TW_OK, "%s", error.text);
    return opened;
}

static void open_with(fixture *f, int64_t expiry_ns, uint32_t batches) {
    tw_error error = {0};
    memset(f, 0, sizeof *f);
    if (!redis_process_start(&f->server, NULL)) SKIP(f->server.problem);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    f->tick.data = f;
    uv_timer_start(&f->tick, on_tick, 2, 2);
    last_options options = {.max_symbols = 4096, .expiry_ns = expiry_ns};
    EXPECT(last_values_alloc(&f->values, &options, &error) == TW_OK);
    EXPECT(last_writer_alloc(&f->writer, f->values, expiry_ns, batches, on_trouble, f, &error) == TW_OK);
    f->feed = last_values_feed(f->values, "XNAS", 1);
    last_values_lead(f->values, f->feed, 1, DAY);
    last_values_state(f->values, f->feed, TW_BOOK_OK, true, rt_clock_monotonic_ns());
    last_values_synced(f->values, "XNAS", 1, DAY, LAST_QUOTE, 0);
    last_values_synced(f->values, "XNAS", 1, DAY, LAST_TRADE, 0);
    f->other = connect_as(f, on_other_reply, NULL, 64);
    f->store = connect_as(f, on_store_reply, on_store_state, batches * LAST_BATCH_REPLIES);
    WAIT(f, redis_read_state(f->store) == REDIS_READY && redis_read_state(f->other) == REDIS_READY);
}

static void begin(fixture *f) {
    open_with(f, 5 * SECOND, 8);
}

static void close_all(fixture *f) {
    redis_close(f->store);
    redis_close(f->other);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&f->loop), 0);
    last_writer_free(f->writer);
    last_values_free(f->values);
    redis_process_stop(&f->server);
}

static void quote(fixture *f, const char *symbol, int64_t bid, int64_t ask_price) {
    wire_quote quote = {
        .header = {.exchange = "XNAS", .partition = 1, .term = 1, .epoch = DAY, .price_exponent = -4}};
    tw_text_copy(quote.header.symbol, sizeof quote.header.symbol, symbol);
    quote.header.seq = ++f->seq;
    quote.header.event_ns = (int64_t)f->seq * 10;
    quote.bid = (tw_level){.price = bid, .quantity = 100};
    quote.ask = (tw_level){.price = ask_price, .quantity = 200};
    last_values_quote(f->values, &quote, rt_clock_monotonic_ns());
}

static void flushed(fixture *f) {
    WAIT(f, last_writer_idle(f->writer));
}

static int64_t number(const char *text) {
    int64_t value = INT64_MIN;
    tw_text_to_i64(text, &value);
    return value;
}

TEST(last_writer, a_reader_finds_a_hash_of_texts_that_runs_out) {
    fixture f;
    begin(&f);
    quote(&f, "AAPL", 1891200, 1891300);
    flushed(&f);
    EXPECT_STR(ask(&f, "HGETALL tw:last:XNAS:AAPL"),
               "bid 189.1200 bid_size 100 ask 189.1300 ask_size 200 seq 1 event_ns 10 state OK");
    int64_t ttl_ms = number(ask(&f, "PTTL tw:last:XNAS:AAPL"));
    EXPECT_MSG(ttl_ms > 0 && ttl_ms <= 5000, "%lld ms", (long long)ttl_ms);
    EXPECT_U64(last_writer_read_stats(f.writer).writes, 1);
    close_all(&f);
}

TEST(last_writer, what_is_absent_has_no_field_even_if_somebody_left_one) {
    fixture f;
    begin(&f);
    ask(&f, "HSET tw:last:XNAS:AAPL bid 1 last 7 last_size 8");
    quote(&f, "AAPL", TW_PRICE_ABSENT, 1891300);
    flushed(&f);
    EXPECT_STR(ask(&f, "HMGET tw:last:XNAS:AAPL bid bid_size last last_size ask"), "189.1300");
    EXPECT(number(ask(&f, "PTTL tw:last:XNAS:AAPL")) > 0);
    quote(&f, "AAPL", 1891200, TW_PRICE_ABSENT);
    flushed(&f);
    EXPECT_STR(ask(&f, "HGET tw:last:XNAS:AAPL bid"), "189.1200");
    EXPECT_STR(ask(&f, "HEXISTS tw:last:XNAS:AAPL ask"), "0");
    close_all(&f);
}

TEST(last_writer, a_symbol_of_any_bytes_is_a_key_as_it_is) {
    fixture f;
    begin(&f);
    quote(&f, "BRK.B*\"\\\r\n:x", 1, 2);
    flushed(&f);
    EXPECT_STR(ask(&f, "KEYS *"), "tw:last:XNAS:BRK.B*\"\\\r\n:x");
    close_all(&f);
}

TEST(last_writer, quiet_keys_stay_and_those_of_a_stale_feed_go) {
    fixture f;
    open_with(&f, SECOND / 2, 8);
    for (int i = 0; i < 300; i++) {
        char symbol[16];
        tw_text_format(symbol, sizeof symbol, "S%d", i);
        quote(&f, symbol, i + 1, i + 2);
    }
    flushed(&f);
    int64_t end_ns = rt_clock_monotonic_ns() + 3 * SECOND / 2;
    while (rt_clock_monotonic_ns() < end_ns)
        EXPECT_STR(ask(&f, "DBSIZE"), "300");
    EXPECT(last_writer_read_stats(f.writer).rearmed >= 600);
    last_values_state(f.values, f.feed, TW_BOOK_STALE, true, rt_clock_monotonic_ns());
    flushed(&f);
    EXPECT_STR(ask(&f, "HGET tw:last:XNAS:S7 state"), "STALE");
    WAIT(&f, strcmp(ask(&f, "DBSIZE"), "0") == 0);
    close_all(&f);
}

TEST(last_writer, a_flushed_server_is_filled_again_within_the_expiry) {
    fixture f;
    open_with(&f, SECOND, 8);
    for (int i = 0; i < 100; i++)
        quote(&f, (char[]){(char)('A' + i / 10), (char)('0' + i % 10), '\0'}, 1, 2);
    flushed(&f);
    ask(&f, "FLUSHALL");
    WAIT(&f, strcmp(ask(&f, "DBSIZE"), "100") == 0);
    EXPECT_STR(ask(&f, "HGET tw:last:XNAS:A0 ask"), "0.0002");
    EXPECT(last_writer_read_stats(f.writer).gone >= 1);
    close_all(&f);
}

/* As a second aggregator does that heard less, or a person who tries something. */
TEST(last_writer, a_row_that_another_changes_is_put_right_within_the_expiry) {
    static const char *const meddling[] = {
        "HSET tw:last:XNAS:AAPL state STALE", "HSET tw:last:XNAS:AAPL seq 0",
        "HDEL tw:last:XNAS:AAPL seq",         "DEL tw:last:XNAS:AAPL",
        "SET tw:last:XNAS:AAPL text",
    };
    fixture f;
    open_with(&f, SECOND / 2, 8);
    quote(&f, "AAPL", 1, 2);
    flushed(&f);
    for (size_t i = 0; i < sizeof meddling / sizeof *meddling; i++) {
        uint64_t before = last_writer_read_stats(f.writer).writes;
        ask(&f, meddling[i]);
        WAIT(&f, last_writer_read_stats(f.writer).writes > before);
        EXPECT_STR(ask(&f, "HMGET tw:last:XNAS:AAPL ask seq state"), "0.0002 1 OK");
        EXPECT(number(ask(&f, "PTTL tw:last:XNAS:AAPL")) > 0);
    }
    EXPECT_U64(last_writer_read_stats(f.writer).gone, 4);
    close_all(&f);
}

TEST(last_writer, a_restarted_empty_server_is_filled_at_once) {
    fixture f;
    begin(&f);
    for (int i = 0; i < 100; i++)
        quote(&f, (char[]){(char)('A' + i / 10), (char)('0' + i % 10), '\0'}, 1, 2);
    flushed(&f);
    redis_process_pause(&f.server);
    WAIT(&f, redis_read_state(f.store) != REDIS_READY);
    quote(&f, "A0", 5, 6);
    if (!redis_process_resume(&f.server, NULL)) SKIP(f.server.problem);
    WAIT(&f, redis_read_state(f.store) == REDIS_READY && redis_read_state(f.other) == REDIS_READY);
    flushed(&f);
    EXPECT_STR(ask(&f, "DBSIZE"), "100");
    EXPECT_STR(ask(&f, "HGET tw:last:XNAS:A0 ask"), "0.0006");
    close_all(&f);
}

TEST(last_writer, a_server_that_pauses_bounds_what_is_under_way_and_the_rest_merges) {
    fixture f;
    open_with(&f, 5 * SECOND, 2);
    ask(&f, "CLIENT PAUSE 1000");
    int64_t end_ns = rt_clock_monotonic_ns() + SECOND / 2;
    char symbol[16];
    uint32_t most = 0;
    while (rt_clock_monotonic_ns() < end_ns) {
        for (int i = 0; i < 1000; i++) {
            tw_text_format(symbol, sizeof symbol, "S%d", i);
            quote(&f, symbol, (int64_t)f.seq + 1, TW_PRICE_ABSENT);
        }
        uv_run(&f.loop, UV_RUN_NOWAIT);
        uint32_t now = last_writer_read_stats(f.writer).under_way;
        if (now > most) most = now;
    }
    EXPECT_MSG(most > 0 && most <= 2 * LAST_BATCH, "%u rows under way", most);
    EXPECT(last_values_stats(f.values).merged > 1000);
    EXPECT(last_writer_read_stats(f.writer).full_rounds > 0);
    flushed(&f);
    EXPECT_STR(ask(&f, "DBSIZE"), "1000");
    char expected[32];
    tw_decimal_format(expected, sizeof expected, (int64_t)f.seq, -4);
    EXPECT_STR(ask(&f, "HGET tw:last:XNAS:S999 bid"), expected);
    close_all(&f);
}

/* What Redis refuses, how it is counted, and that the value is there once it is put right. */
TEST(last_writer, refusals_are_told_counted_and_healed) {
    static const struct {
        const char *before, *after;
        redis_trouble trouble;
        const char *words;
    } rows[] = {
        {"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", REDIS_TROUBLE_MEMORY, "memory : OOM"},
        {"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", REDIS_TROUBLE_READ_ONLY, "read_only : READONLY"},
        {"SET tw:last:XNAS:AAPL text", "PING", REDIS_TROUBLE_WRONG_TYPE,
         "wrong_type tw:last:XNAS:AAPL: WRONGTYPE"}, /* it is replaced */
        {"ACL SETUSER default -hset", "ACL SETUSER default +hset", REDIS_TROUBLE_PERMISSION, "permission : NOPERM"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        open_with(&f, SECOND, 8);
        ask(&f, rows[i].before);
        quote(&f, "AAPL", 1, 2);
        WAIT(&f, last_writer_read_stats(f.writer).refused > 0);
        EXPECT_CONTAINS(f.trouble, rows[i].words);
        EXPECT(last_writer_read_stats(f.writer).troubles[rows[i].trouble] > 0);
        EXPECT_U64(last_writer_read_stats(f.writer).writes, 0);
        ask(&f, rows[i].after);
        WAIT(&f, last_writer_read_stats(f.writer).writes > 0);
        EXPECT_STR(ask(&f, "HGET tw:last:XNAS:AAPL ask"), "0.0002");
        EXPECT(redis_read_state(f.store) == REDIS_READY); /* no reason to connect anew */
        close_all(&f);
    }
}

/* The words of commands as they lie on the wire, joined by spaces. */
static void words_of(char *text, size_t capacity, const char *wire) {
    text[0] = '\0';
    for (const char *line = wire; *line != '\0'; line = strstr(line, "\r\n") + 2) {
        if (*line == '*' || *line == '$') continue;
        size_t length = strlen(text);
        tw_text_format(text + length, capacity - length, "%s%.*s", length > 0 ? " " : "", (int)strcspn(line, "\r"),
                       line);
    }
}

/* A writer that is killed may have sent half of this: nothing of a row may be carried out before all of it is there, or a
 * price without an expiry would stay for ever. */
TEST(last_writer, a_row_travels_with_its_expiry_and_its_news_in_one_transaction) {
    fixture f;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    char wire[4096] = "", text[4096];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), peer = -1;
    EXPECT(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0 &&
           getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    begin(&f);
    redis_close(f.store);
    tw_text_format(f.server.url, sizeof f.server.url, "redis://127.0.0.1:%u", ntohs(address.sin_port));
    f.store = connect_as(&f, on_store_reply, on_store_state, 8 * LAST_BATCH_REPLIES);
    WAIT(&f, (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    EXPECT_I64(write(peer, "+OK\r\n+PONG\r\n", 12), 12);
    WAIT(&f, redis_read_state(f.store) == REDIS_READY);
    WAIT(&f, read(peer, wire, sizeof wire - 1) > 0);
    memset(wire, 0, sizeof wire);
    quote(&f, "AAPL", 10, TW_PRICE_ABSENT);
    quote(&f, "ZVZZT", 10, 20);
    WAIT(&f, read(peer, wire, sizeof wire - 1) > 0);
    words_of(text, sizeof text, wire);
    EXPECT_STR(text,
               "MULTI "
               "HSET tw:last:XNAS:AAPL bid 0.0010 bid_size 100 seq 1 event_ns 10 state OK "
               "HDEL tw:last:XNAS:AAPL ask ask_size last last_size "
               "PEXPIRE tw:last:XNAS:AAPL 5000 "
               "PUBLISH tw:last:XNAS:AAPL "
               "{\"bid\":\"0.0010\",\"bid_size\":\"100\",\"seq\":\"1\",\"event_ns\":\"10\",\"state\":\"OK\"} "
               "HSET tw:last:XNAS:ZVZZT bid 0.0010 bid_size 100 ask 0.0020 ask_size 200 seq 2 event_ns 20 state OK "
               "HDEL tw:last:XNAS:ZVZZT last last_size "
               "PEXPIRE tw:last:XNAS:ZVZZT 5000 "
               "PUBLISH tw:last:XNAS:ZVZZT "
               "{\"bid\":\"0.0010\",\"bid_size\":\"100\",\"ask\":\"0.0020\",\"ask_size\":\"200\",\"seq\":\"2\","
               "\"event_ns\":\"20\",\"state\":\"OK\"} "
               "EXEC");
    close_all(&f);
    close(peer);
    close(listener);
}
