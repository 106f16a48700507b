/*
 * Rows a second into Redis: the aggregator's path (last_value, last_writer, the connection on the loop) beside bare
 * hiredis pipelining of the very same commands, already formatted, on a blocking connection.
 *
 * bench_redis [--json] [--rows N] [--runs N]. Both talk to the same redis-server, started here, in turns: one run of
 * ours, one of the bare program for each of three pipeline lengths, of which the best counts. Every row is new (nothing
 * merges) and is a transaction's share of HSET, PEXPIRE and PUBLISH. Medians of the runs; the first of each is warm-up.
 * CPU time of this process stands beside the wall clock, as all share the machine's cores. A closed loop: it measures
 * throughput, no latency, so there is no coordinated omission to correct.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/text.h"
#include "benchmarks/ingest/children.h"
#include "benchmarks/ingest/span.h"
#include "publisher/aggregator/last_writer.h"
#include "runtime/clock.h"
#include "tests/support/redis_process.h"

enum { SYMBOLS = 4096, BATCHES = 64, MOST_RUNS = 31, BARE_LENGTHS = 3 };
static const uint32_t bare_lengths[BARE_LENGTHS] = {4, 16, 64}; /* batches in a pipeline */

typedef struct figure {
    double rows_per_s, client_us, server_us; /* CPU per row */
} figure;

typedef struct bench {
    redis_process server;
    uint32_t rows, runs;
    bool json;
    uv_loop_t loop;
    last_values *values;
    last_writer *writer;
    redis *store;
    uint64_t seq;
    char *commands; /* of one batch, as the bare program sends it */
    size_t commands_length;
    uint32_t commands_count;
} bench;

static void fail(bench *self, const char *what) {
    fprintf(stderr, "bench_redis: %s\n", what);
    redis_process_stop(&self->server);
    exit(1);
}

/* ---- ours ---- */

static void on_reply(void *context, uint64_t tag, const redis_reply *reply) {
    bench *self = context;
    last_writer_reply(self->writer, tag, reply, (int64_t)uv_now(&self->loop) * 1000000);
}

static void on_state(void *context, redis_state state, const char *detail) {
    bench *self = context;
    if (state == REDIS_READY) {
        last_writer_connected(self->writer, rt_clock_monotonic_ns());
        return;
    }
    fail(self, detail);
}

static void on_trouble(void *context, redis_trouble trouble, const char *key, const char *text) {
    (void)trouble;
    (void)key;
    fail(context, text);
}

static void quote_all(bench *self, uint32_t count) {
    wire_quote quote = {
        .header = {.exchange = "XNAS", .epoch = "day", .partition = 1, .term = 1, .price_exponent = -4}};
    for (uint32_t i = 0; i < count; i++) {
        tw_text_format(quote.header.symbol, sizeof quote.header.symbol, "S%04u", i);
        quote.header.seq = ++self->seq;
        quote.header.event_ns = (int64_t)(UINT64_C(1580391000123456789) + self->seq);
        quote.bid = (tw_level){.price = 1891200 + (int64_t)(self->seq % 1000), .quantity = 100};
        quote.ask = (tw_level){.price = 1892200 + (int64_t)(self->seq % 1000), .quantity = 200};
        last_values_quote(self->values, &quote, rt_clock_monotonic_ns());
    }
}

static void write_all(bench *self) {
    do {
        last_writer_round(self->writer, self->store, rt_clock_monotonic_ns());
        uv_run(&self->loop, UV_RUN_ONCE);
    } while (!last_writer_idle(self->writer));
}

static void run_ours(bench *self) {
    uint64_t before = last_writer_read_stats(self->writer).writes;
    for (uint32_t left = self->rows; left > 0;) {
        uint32_t now = left < SYMBOLS ? left : SYMBOLS;
        quote_all(self, now);
        write_all(self);
        left -= now;
    }
    if (last_writer_read_stats(self->writer).writes - before != self->rows) fail(self, "rows were lost or merged");
}

static void open_ours(bench *self) {
    tw_error error = {0};
    last_options options = {.max_symbols = SYMBOLS, .expiry_ns = INT64_C(3600000000000)};
    uv_loop_init(&self->loop);
    if (last_values_alloc(&self->values, &options, &error) != TW_OK ||
        last_writer_alloc(&self->writer, self->values, options.expiry_ns, BATCHES, on_trouble, self, &error) !=
            TW_OK)
        fail(self, error.text);
    redis_options connection = {.url = self->server.url,
                                .name = "bench",
                                .max_outstanding = BATCHES * LAST_BATCH_REPLIES,
                                .on_reply = on_reply,
                                .on_state = on_state,
                                .context = self};
    if (redis_open(&self->store, &self->loop, &connection, &error) != TW_OK) fail(self, error.text);
    uint32_t feed = last_values_feed(self->values, "XNAS", 1);
    last_values_lead(self->values, feed, 1, "day");
    last_values_synced(self->values, "XNAS", 1, "day", LAST_QUOTE, 0);
    last_values_synced(self->values, "XNAS", 1, "day", LAST_TRADE, 0);
    last_values_state(self->values, feed, TW_BOOK_OK, true, rt_clock_monotonic_ns());
    while (redis_read_state(self->store) != REDIS_READY)
        uv_run(&self->loop, UV_RUN_ONCE);
}

/* ---- bare ---- */

static void add_command(bench *self, int count, const char **words) {
    char *formatted = NULL;
    int length = redisFormatCommandArgv(&formatted, count, words, NULL);
    if (length < 0) fail(self, "no memory");
    self->commands = realloc(self->commands, self->commands_length + (size_t)length);
    if (self->commands == NULL) fail(self, "no memory");
    memcpy(self->commands + self->commands_length, formatted, (size_t)length);
    self->commands_length += (size_t)length;
    self->commands_count++;
    redisFreeCommand(formatted);
}

/* The same commands, fields and lengths as a batch of ours. */
static void format_bare(bench *self) {
    char key[64];
    const char *json = "{\"bid\":\"189.1200\",\"bid_size\":\"100\",\"ask\":\"189.2200\",\"ask_size\":\"200\","
                       "\"seq\":\"1234567\",\"event_ns\":\"1580391000123456789\",\"state\":\"OK\"}";
    add_command(self, 1, (const char *[]){"MULTI"});
    for (uint32_t i = 0; i < LAST_BATCH; i++) {
        tw_text_format(key, sizeof key, "tw:last:XNAS:S%04u", i);
        add_command(self, 16,
                    (const char *[]){"HSET", key, "bid", "189.1200", "bid_size", "100", "ask", "189.2200",
                                     "ask_size", "200", "seq", "1234567", "event_ns", "1580391000123456789",
                                     "state", "OK"});
        add_command(self, 3, (const char *[]){"PEXPIRE", key, "3600000"});
        add_command(self, 3, (const char *[]){"PUBLISH", key, json});
    }
    add_command(self, 1, (const char *[]){"EXEC"});
}

static void run_bare(bench *self, redisContext *connection, uint32_t length) {
    void *reply;
    for (uint32_t left = self->rows / LAST_BATCH; left > 0;) {
        uint32_t now = left < length ? left : length;
        for (uint32_t i = 0; i < now; i++)
            redisAppendFormattedCommand(connection, self->commands, self->commands_length);
        for (uint32_t i = 0; i < now * self->commands_count; i++) {
            if (redisGetReply(connection, &reply) != REDIS_OK) fail(self, connection->errstr);
            if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) fail(self, ((redisReply *)reply)->str);
            freeReplyObject(reply);
        }
        left -= now;
    }
}

/* ---- measuring ---- */

static double own_cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
}

/* `length` 0: ours. */
static figure measure(bench *self, redisContext *connection, uint32_t length) {
    double cpu_s = own_cpu_s(), server_s = process_cpu_s(self->server.pid);
    uint64_t begin_ns = span_now_ns();
    if (length == 0)
        run_ours(self);
    else
        run_bare(self, connection, length);
    double rows = self->rows, wall_s = (double)(span_now_ns() - begin_ns) / 1e9;
    return (figure){rows / wall_s, (own_cpu_s() - cpu_s) * 1e6 / rows,
                    (process_cpu_s(self->server.pid) - server_s) * 1e6 / rows};
}

static int by_rate(const void *a, const void *b) {
    const figure *x = a, *y = b;
    return (x->rows_per_s > y->rows_per_s) - (x->rows_per_s < y->rows_per_s);
}

static figure median(figure *figures, uint32_t count) {
    qsort(figures, count, sizeof *figures, by_rate);
    return figures[count / 2];
}

static void print(const bench *self, const figure *ours, const figure *bare, uint32_t length) {
    double ratio = ours->rows_per_s / bare->rows_per_s;
    if (self->json)
        printf(
            "{\"rows\":%u,\"runs\":%u,\"ours\":{\"rows_per_s\":%.0f,\"client_cpu_us\":%.3f,\"server_cpu_us\":%.3f},"
            "\"bare\":{\"batches_in_pipeline\":%u,\"rows_per_s\":%.0f,\"client_cpu_us\":%.3f,\"server_cpu_us\":%."
            "3f},"
            "\"ratio\":%.3f}\n",
            self->rows, self->runs, ours->rows_per_s, ours->client_us, ours->server_us, length, bare->rows_per_s,
            bare->client_us, bare->server_us, ratio);
    else
        printf("%-24s %12s %14s %14s\n%-24s %12.0f %14.2f %14.2f\n%-24s %12.0f %14.2f %14.2f\nratio %.2f (bare: "
               "best with "
               "%u batches of %u rows in the pipeline)\n",
               "", "rows/s", "client CPU us", "server CPU us", "aggregator", ours->rows_per_s, ours->client_us,
               ours->server_us, "bare hiredis", bare->rows_per_s, bare->client_us, bare->server_us, ratio, length,
               LAST_BATCH);
}

static uint32_t number_after(bench *self, int argc, char **argv, int *at, uint64_t least, uint64_t most) {
    uint64_t value = 0;
    if (++*at == argc || !tw_text_to_u64(argv[*at], &value) || value < least || value > most)
        fail(self, "--rows takes 4096 to 100000000, --runs 1 to 30");
    return (uint32_t)value;
}

int main(int argc, char **argv) {
    static bench self = {.rows = 200704, .runs = 9}; /* 49 times all symbols */
    static figure ours[MOST_RUNS], bare[BARE_LENGTHS][MOST_RUNS];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            self.json = true;
        else if (strcmp(argv[i], "--rows") == 0)
            self.rows = number_after(&self, argc, argv, &i, SYMBOLS, 100000000) / SYMBOLS * SYMBOLS;
        else if (strcmp(argv[i], "--runs") == 0)
            self.runs = number_after(&self, argc, argv, &i, 1, MOST_RUNS - 1);
        else
            fail(&self, "usage: bench_redis [--json] [--rows N] [--runs N]");
    }
    if (!redis_process_start(&self.server, NULL)) fail(&self, self.server.problem);
    open_ours(&self);
    format_bare(&self);
    redisContext *connection = redisConnect("127.0.0.1", self.server.port);
    if (connection == NULL || connection->err != 0) fail(&self, "no connection for the bare program");
    for (uint32_t run = 0; run <= self.runs; run++) {
        ours[run] = measure(&self, NULL, 0);
        for (uint32_t i = 0; i < BARE_LENGTHS; i++)
            bare[i][run] = measure(&self, connection, bare_lengths[i]);
    }
    figure best = {0}, mine = median(ours + 1, self.runs);
    uint32_t length = 0;
    for (uint32_t i = 0; i < BARE_LENGTHS; i++) {
        figure one = median(bare[i] + 1, self.runs);
        if (one.rows_per_s <= best.rows_per_s) continue;
        best = one;
        length = bare_lengths[i];
    }
    print(&self, &mine, &best, length);
    redisFree(connection);
    redis_close(self.store);
    uv_run(&self.loop, UV_RUN_DEFAULT);
    last_writer_free(self.writer);
    last_values_free(self.values);
    free(self.commands);
    redis_process_stop(&self.server);
    return 0;
}
