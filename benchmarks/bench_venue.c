/*
 * The venue as a whole, through NATS, each figure beside the least that could be there instead of it, in the same run.
 *
 *   bench_venue [--json] [--quick] [--rounds N] [--only latency|chain|batch|recovery|restart|http]...
 *
 *   latency   order to report: from when an order is due to the first report on exec.{ACCOUNT}. Beside it one synchronous JetStream publish of the
 *             same bytes to a stream of its own. Open loop, 500 of each a second in turns, a schedule that waits for nobody: who is late has the wait in
 *             his figure (latency/schedule.h)
 *   chain     one order a message, as fast as acknowledgements allow (4,096 outstanding), until execlog has all reports. Beside it the same
 *             bytes through publisher, stream, a program that copies each message (bare_chain), second stream
 *   batch     1,000 orders a message, likewise, orders a second
 *   recovery  `tickwire journal replay` of the chain's order stream, beside an ordered consumer that drops what it reads
 *   restart   a million open orders: from start of the matcher to its first answer to a query, with a snapshot
 *   http      POST /v1/orders to a gateway with its rate limits in Redis, 500 a second, open loop, while market data runs at 50,000 messages a second
 *             on the same bus and through the same gateway to 100 clients; beside it the same without market data
 *
 * Rounds of ours and of the other one alternate; figures are medians of rounds, ratios medians of neighbours' ratios. CPU times of server and matcher
 * stand beside: all of it shares the machine's cores.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/histogram.h"
#include "base/random.h"
#include "base/text.h"
#include "benchmarks/gateway/stage.h"
#include "benchmarks/harness.h"
#include "benchmarks/ingest/span.h"
#include "benchmarks/latency/schedule.h"
#include "benchmarks/venue/desk.h"
#include "tests/support/redis_process.h"

enum {
    MOST_ROUNDS = 15,
    PAIRS_PER_S = 500,
    WARM_PAIRS = 200,
    BATCH = 1000,
    NEAR = 32,
    OPEN_ORDERS = 1000000,
    HTTP_RATE = 500,
    MARKET_RATE = 50000,
    MARKET_SYMBOLS = 200,
    MARKET_CLIENTS = 100,
    MARKET_EACH = 5,
    START_MS = 30000,
    ANSWER_S = 120
};

#define BARE_STREAM  "bench-bare"
#define BARE_SUBJECT "bench.bare"
#define COPY_STREAM  "bench-copy"
#define COPY_SUBJECT "bench.copy"
#define ORDER_STREAM DESK_MIC "-orders-1"

typedef struct bench {
    harness harness;
    desk desk;
    child matcher;
    bool quick;
    uint32_t rounds;
    uint64_t numbers; /* of client order ids */
    uint64_t inputs;  /* in the order stream so far */
    tw_random random;
    char snapshots[160];
    stage stage;
} bench;

/* ---- the matcher ---- */

static void start_matcher(bench *self) {
    command words;
    command_init(&words, &self->harness, "matcher/tickwire-matcher");
    command_add_all(&words,
                    (const char *const[]){"--nats", self->harness.server.url, "--exchange", DESK_MIC, "--shard",
                                          "1", "--snapshots", self->snapshots, "--snapshot-every", "1h",
                                          "--snapshot-stream=false", "--log-level", "warn", NULL});
    harness_launch(&self->harness, &self->matcher, &words, STDERR_FILENO);
}

static void stop_matcher(bench *self) {
    kill(self->matcher.pid, SIGTERM);
    child_usage usage = child_wait(&self->matcher);
    if (usage.exit_code != 0) harness_fail(&self->harness, "tickwire-matcher", "did not end well");
}

/* Asks until the leader answers. Returns the sequence that the answer is true at. */
static uint64_t await_answer(bench *self) {
    uint8_t bytes[256];
    wire_query query = {.kind = WIRE_QUERY_ACCOUNT, .account = DESK_ACCOUNT};
    size_t length = wire_query_encode(&query, bytes, sizeof bytes);
    uint64_t end_ns = span_now_ns() + ANSWER_S * UINT64_C(1000000000);
    while (span_now_ns() < end_ns) {
        natsMsg *reply = NULL;
        wire_query_reply opened;
        natsStatus status =
            natsConnection_Request(&reply, self->desk.connection, "query." DESK_MIC ".1", bytes, (int)length, 200);
        if (status == NATS_NO_RESPONDERS) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        if (status != NATS_OK) continue;
        wire_result result = wire_query_reply_open(&opened, (const uint8_t *)natsMsg_GetData(reply),
                                                   (size_t)natsMsg_GetDataLength(reply));
        uint64_t seq = opened.header.seq;
        natsMsg_Destroy(reply);
        if (result == WIRE_OK) return seq;
    }
    harness_fail(&self->harness, "tickwire-matcher", "answers no query");
}

/* ---- orders ---- */

/* New limit orders around one price, half of which trade at once; the book stays as deep as it is. */
static void crowd_order(bench *self, tw_side *side, int64_t *price) {
    *side = tw_random_below(&self->random, 2) != 0 ? TW_ASK : TW_BID;
    *price = DESK_TOUCH + ((int64_t)tw_random_below(&self->random, 2 * NEAR) - NEAR) * DESK_TICK;
}

static const uint8_t *next_order(bench *self, size_t *length) {
    tw_side side;
    int64_t price;
    crowd_order(self, &side, &price);
    return desk_order(&self->desk, ++self->numbers, side, price, 100, length);
}

static double rate(uint64_t count, uint64_t began_ns) {
    return (double)count * 1e9 / (double)(span_now_ns() - began_ns);
}

typedef struct cost {
    double server_s, matcher_s;
} cost;

static cost cost_so_far(const bench *self, const child *second) {
    return (cost){process_cpu_s(self->harness.server.pid), process_cpu_s(second->pid)};
}

/* ---- latency ---- */

typedef struct latency {
    double order_p50, order_p99, bare_p50, bare_p99, ratio; /* us, from when it was due */
    double order_sent_p50, bare_sent_p50, ratio_sent;       /* from when it was sent: the same on a quiet machine */
} latency;

static void drop_all(natsSubscription *subscription) {
    natsMsg *message = NULL;
    while (natsSubscription_NextMsg(&message, subscription, 0) == NATS_OK)
        natsMsg_Destroy(message);
}

/* A report of the order's own: reports of a resting order that it hits come with them. */
static void await_report(bench *self) {
    natsMsg *message = NULL;
    if (natsSubscription_NextMsg(&message, self->desk.reports, 5000) != NATS_OK)
        harness_fail(&self->harness, "order to report", "no report within 5 s");
    natsMsg_Destroy(message);
}

static void one_bare(bench *self, const uint8_t *bytes, size_t length) {
    if (js_Publish(NULL, self->desk.js, BARE_SUBJECT, bytes, (int)length, NULL, NULL) != NATS_OK)
        harness_fail(&self->harness, BARE_SUBJECT, "a publish failed");
}

static void one_order(bench *self, const uint8_t *bytes, size_t length) {
    if (natsConnection_PublishRequest(self->desk.prompt, desk_order_subject(), self->desk.ack_subject, bytes,
                                      (int)length) != NATS_OK)
        harness_fail(&self->harness, "orders", "a publish failed");
    await_report(self);
    self->inputs++;
}

static double quantile_us(const tw_histogram *of, uint32_t per_mille) {
    return (double)tw_histogram_quantile(of, per_mille) / 1e3;
}

static latency measure_latency(bench *self, uint32_t pairs) {
    static tw_histogram due[2], sent[2]; /* of bare publishes, of orders */
    for (int i = 0; i < 2; i++) {
        tw_histogram_reset(&due[i]);
        tw_histogram_reset(&sent[i]);
    }
    schedule plan = schedule_start(0, 2 * PAIRS_PER_S);
    for (uint32_t i = 0; i < 2 * (pairs + WARM_PAIRS); i++) {
        size_t length;
        const uint8_t *bytes = next_order(self, &length);
        drop_all(self->desk.reports);
        drop_all(self->desk.acks);
        int64_t arrival_ns = schedule_wait(&plan, i), sent_ns = schedule_clock_ns();
        if (i % 2 == 0)
            one_bare(self, bytes, length);
        else
            one_order(self, bytes, length);
        int64_t now_ns = schedule_clock_ns();
        if (i < 2 * WARM_PAIRS) continue;
        tw_histogram_record(&due[i % 2], now_ns - arrival_ns);
        tw_histogram_record(&sent[i % 2], now_ns - sent_ns);
    }
    latency result = {.order_p50 = quantile_us(&due[1], 500),
                      .order_p99 = quantile_us(&due[1], 990),
                      .bare_p50 = quantile_us(&due[0], 500),
                      .bare_p99 = quantile_us(&due[0], 990),
                      .order_sent_p50 = quantile_us(&sent[1], 500),
                      .bare_sent_p50 = quantile_us(&sent[0], 500)};
    result.ratio = result.order_p50 / result.bare_p50;
    result.ratio_sent = result.order_sent_p50 / result.bare_sent_p50;
    return result;
}

/* The median over rounds of what `offset` names. */
static double median_of(const void *rounds, size_t count, size_t size, size_t offset) {
    double values[MOST_ROUNDS];
    for (size_t i = 0; i < count; i++)
        memcpy(&values[i], (const uint8_t *)rounds + i * size + offset, sizeof values[i]);
    return harness_median(values, count);
}
#define MEDIAN(rounds, count, type, field) median_of(rounds, count, sizeof(type), offsetof(type, field))

static void run_latency(bench *self) {
    latency rounds[MOST_ROUNDS];
    json_writer *w = &self->harness.writer;
    desk_make_stream(&self->desk, BARE_STREAM, BARE_SUBJECT);
    for (uint32_t i = 0; i < self->rounds; i++) {
        rounds[i] = measure_latency(self, self->quick ? 1000 : 5000);
        harness_say(&self->harness,
                    "latency: order to report p50 %.0f us p99 %.0f, publish p50 %.0f p99 %.0f: %.2f; from "
                    "sending p50 %.0f, %.0f: %.2f\n",
                    rounds[i].order_p50, rounds[i].order_p99, rounds[i].bare_p50, rounds[i].bare_p99,
                    rounds[i].ratio, rounds[i].order_sent_p50, rounds[i].bare_sent_p50, rounds[i].ratio_sent);
    }
    desk_delete_stream(&self->desk, BARE_STREAM);
    json_open_object(w, "latency");
    json_f64(w, "order_p50_us", MEDIAN(rounds, self->rounds, latency, order_p50));
    json_f64(w, "order_p99_us", MEDIAN(rounds, self->rounds, latency, order_p99));
    json_f64(w, "publish_p50_us", MEDIAN(rounds, self->rounds, latency, bare_p50));
    json_f64(w, "publish_p99_us", MEDIAN(rounds, self->rounds, latency, bare_p99));
    json_f64(w, "ratio", MEDIAN(rounds, self->rounds, latency, ratio));
    json_f64(w, "order_from_sending_p50_us", MEDIAN(rounds, self->rounds, latency, order_sent_p50));
    json_f64(w, "publish_from_sending_p50_us", MEDIAN(rounds, self->rounds, latency, bare_sent_p50));
    json_f64(w, "ratio_from_sending", MEDIAN(rounds, self->rounds, latency, ratio_sent));
    json_close_object(w);
}

/* ---- chain ---- */

typedef struct span_of {
    double per_s, server_us, second_us; /* CPU a message */
} span_of;

typedef struct chain_round {
    span_of ours, bare;
    double ratio;
} chain_round;

static span_of span_from(const bench *self, const child *second, uint64_t count, uint64_t began_ns, cost before) {
    cost after = cost_so_far(self, second);
    return (span_of){rate(count, began_ns), (after.server_s - before.server_s) * 1e6 / (double)count,
                     (after.matcher_s - before.matcher_s) * 1e6 / (double)count};
}

static span_of chain_ours(bench *self, uint32_t messages) {
    cost before = cost_so_far(self, &self->matcher);
    uint64_t began_ns = span_now_ns(), to = desk_last_seq(&self->desk, ORDER_STREAM) + messages;
    for (uint32_t i = 0; i < messages; i++) {
        size_t length;
        const uint8_t *bytes = next_order(self, &length);
        desk_send(&self->desk, desk_order_subject(), bytes, length);
    }
    desk_await_logged(&self->desk, to);
    span_of result = span_from(self, &self->matcher, messages, began_ns, before);
    desk_settle(&self->desk);
    return result;
}

static span_of chain_bare(bench *self, uint32_t messages) {
    char line[CHILD_LINE_BYTES];
    command words;
    child copier;
    desk_make_stream(&self->desk, BARE_STREAM, BARE_SUBJECT);
    desk_make_stream(&self->desk, COPY_STREAM, COPY_SUBJECT);
    command_init(&words, &self->harness, "benchmarks/bare_chain");
    command_add_all(&words,
                    (const char *const[]){self->harness.server.url, BARE_STREAM, BARE_SUBJECT, COPY_SUBJECT, NULL});
    harness_launch(&self->harness, &copier, &words, STDOUT_FILENO);
    harness_await(&self->harness, &copier, "bare_chain", "ready", START_MS, line);
    cost before = cost_so_far(self, &copier);
    uint64_t began_ns = span_now_ns();
    for (uint32_t i = 0; i < messages; i++) {
        size_t length;
        const uint8_t *bytes = next_order(self, &length);
        desk_send(&self->desk, BARE_SUBJECT, bytes, length);
    }
    desk_await_seq(&self->desk, COPY_STREAM, messages);
    span_of result = span_from(self, &copier, messages, began_ns, before);
    desk_settle(&self->desk);
    kill(copier.pid, SIGKILL);
    child_wait(&copier);
    desk_delete_stream(&self->desk, BARE_STREAM);
    desk_delete_stream(&self->desk, COPY_STREAM);
    return result;
}

static void span_json(json_writer *w, const char *name, const span_of *median) {
    json_open_object(w, name);
    json_f64(w, "per_s", median->per_s);
    json_f64(w, "server_cpu_us", median->server_us);
    json_f64(w, "cpu_us", median->second_us);
    json_close_object(w);
}

static void run_chain(bench *self) {
    chain_round rounds[MOST_ROUNDS];
    json_writer *w = &self->harness.writer;
    uint32_t messages = self->quick ? 50000 : 200000;
    chain_ours(self, messages / 10); /* warm-up */
    for (uint32_t i = 0; i < self->rounds; i++) {
        chain_round *r = &rounds[i];
        r->ours = chain_ours(self, messages);
        r->bare = chain_bare(self, messages);
        r->ratio = r->ours.per_s / r->bare.per_s;
        harness_say(&self->harness,
                    "chain: %.0f orders/s (server %.1f us, matcher %.1f us each), bare %.0f (%.1f, %.1f): %.2f\n",
                    r->ours.per_s, r->ours.server_us, r->ours.second_us, r->bare.per_s, r->bare.server_us,
                    r->bare.second_us, r->ratio);
    }
    span_of ours = {MEDIAN(rounds, self->rounds, chain_round, ours.per_s),
                    MEDIAN(rounds, self->rounds, chain_round, ours.server_us),
                    MEDIAN(rounds, self->rounds, chain_round, ours.second_us)},
            bare = {MEDIAN(rounds, self->rounds, chain_round, bare.per_s),
                    MEDIAN(rounds, self->rounds, chain_round, bare.server_us),
                    MEDIAN(rounds, self->rounds, chain_round, bare.second_us)};
    json_open_object(w, "chain");
    span_json(w, "ours", &ours);
    span_json(w, "bare", &bare);
    json_f64(w, "ratio", MEDIAN(rounds, self->rounds, chain_round, ratio));
    json_close_object(w);
}

/* ---- batches ---- */

typedef struct payload {
    uint8_t *bytes;
    size_t length;
} payload;

/* `resting`: far from the touch, so that all of them stay. */
static payload make_batch(bench *self, bool resting) {
    static uint8_t buffer[BATCH * 160];
    wire_parts parts;
    payload made;
    wire_parts_start(&parts, buffer, sizeof buffer);
    for (uint32_t i = 0; i < BATCH; i++) {
        wire_order_command order = wire_order_command_empty;
        tw_side side;
        crowd_order(self, &side, &order.price);
        if (resting)
            order.price = DESK_TOUCH + (side == TW_BID ? -1 : 1) *
                                           (int64_t)(100 + tw_random_below(&self->random, 4000)) * DESK_TICK;
        order.side = (uint8_t)side;
        order.quantity = 100;
        tw_text_copy(order.account, sizeof order.account, DESK_ACCOUNT);
        tw_text_copy(order.symbol, sizeof order.symbol, DESK_SYMBOL);
        tw_text_format(order.client_order_id, sizeof order.client_order_id, "c-20260102-%08llu",
                       (unsigned long long)++self->numbers);
        if (!wire_order_command_add(&parts, &order)) harness_fail(&self->harness, "batch", "no room");
    }
    const uint8_t *bytes = wire_orders_finish(&parts, &(wire_batch_header){.sender = "bench"}, &made.length);
    made.bytes = malloc(made.length);
    if (made.bytes == NULL) harness_fail(&self->harness, "batch", "no memory");
    memcpy(made.bytes, bytes, made.length);
    return made;
}

/* All are made before the first is sent: a gateway's work is not measured. */
static span_of send_batches(bench *self, uint32_t count, bool resting) {
    payload *batches = calloc(count, sizeof *batches);
    if (batches == NULL) harness_fail(&self->harness, "batch", "no memory");
    for (uint32_t i = 0; i < count; i++)
        batches[i] = make_batch(self, resting);
    cost before = cost_so_far(self, &self->matcher);
    uint64_t began_ns = span_now_ns(), to = desk_last_seq(&self->desk, ORDER_STREAM) + count;
    for (uint32_t i = 0; i < count; i++)
        desk_send(&self->desk, "orderbatch." DESK_MIC ".1", batches[i].bytes, batches[i].length);
    desk_await_logged(&self->desk, to);
    span_of result = span_from(self, &self->matcher, (uint64_t)count * BATCH, began_ns, before);
    desk_settle(&self->desk);
    for (uint32_t i = 0; i < count; i++)
        free(batches[i].bytes);
    free(batches);
    return result;
}

static void run_batch(bench *self) {
    span_of rounds[MOST_ROUNDS];
    json_writer *w = &self->harness.writer;
    uint32_t count = self->quick ? 300 : 1000;
    send_batches(self, count / 10, false);
    for (uint32_t i = 0; i < self->rounds; i++) {
        rounds[i] = send_batches(self, count, false);
        harness_say(&self->harness, "batch: %.0f orders/s (server %.2f us, matcher %.2f us each)\n",
                    rounds[i].per_s, rounds[i].server_us, rounds[i].second_us);
    }
    span_of median = {MEDIAN(rounds, self->rounds, span_of, per_s),
                      MEDIAN(rounds, self->rounds, span_of, server_us),
                      MEDIAN(rounds, self->rounds, span_of, second_us)};
    span_json(w, "batch", &median);
}

/* ---- recovery ---- */

typedef struct recovery_round {
    double replay, bare, ratio; /* messages a second */
} recovery_round;

static double run_program(bench *self, const command *words, const char *field) {
    char line[CHILD_LINE_BYTES], last[CHILD_LINE_BYTES] = "";
    child program;
    harness_launch(&self->harness, &program, words, STDOUT_FILENO);
    while (child_read(&program, line, -1) == CHILD_LINE)
        tw_text_copy(last, sizeof last, line);
    if (child_wait(&program).exit_code != 0) harness_fail(&self->harness, words->program, last);
    return harness_number(last, field);
}

static recovery_round measure_recovery(bench *self) {
    char count[24];
    command replay, bare;
    recovery_round result;
    tw_text_format(count, sizeof count, "%llu", (unsigned long long)desk_last_seq(&self->desk, ORDER_STREAM));
    command_init(&replay, &self->harness, "tools/tickwire");
    command_add_all(&replay, (const char *const[]){"journal", "replay", "--json", "--show", "0", "--url",
                                                   self->harness.server.url, "--to", count, NULL});
    command_init(&bare, &self->harness, "benchmarks/bare_ordered_consumer");
    command_add_all(&bare, (const char *const[]){self->harness.server.url, ORDER_STREAM, ">", count, NULL});
    result.replay = run_program(self, &replay, "inputs_per_s");
    result.bare = run_program(self, &bare, "messages_per_s");
    result.ratio = result.replay / result.bare;
    return result;
}

static void run_recovery(bench *self) {
    recovery_round rounds[MOST_ROUNDS];
    json_writer *w = &self->harness.writer;
    uint64_t wanted = self->quick ? 200000 : 1000000, there = desk_last_seq(&self->desk, ORDER_STREAM);
    if (there < wanted) chain_ours(self, (uint32_t)(wanted - there));
    stop_matcher(self); /* it would take a core's time */
    for (uint32_t i = 0; i < self->rounds; i++) {
        rounds[i] = measure_recovery(self);
        harness_say(&self->harness, "recovery: replay %.0f inputs/s, ordered consumer %.0f: %.2f\n",
                    rounds[i].replay, rounds[i].bare, rounds[i].ratio);
    }
    start_matcher(self);
    await_answer(self);
    json_open_object(w, "recovery");
    json_f64(w, "replay_per_s", MEDIAN(rounds, self->rounds, recovery_round, replay));
    json_f64(w, "bare_per_s", MEDIAN(rounds, self->rounds, recovery_round, bare));
    json_f64(w, "ratio", MEDIAN(rounds, self->rounds, recovery_round, ratio));
    json_close_object(w);
}

/* ---- restart ---- */

static void run_restart(bench *self) {
    double seconds[MOST_ROUNDS], cpu_s[MOST_ROUNDS];
    json_writer *w = &self->harness.writer;
    uint32_t orders = self->quick ? OPEN_ORDERS / 10 : OPEN_ORDERS;
    send_batches(self, orders / BATCH, true);
    uint64_t last = desk_last_seq(&self->desk, ORDER_STREAM);
    for (uint32_t i = 0; i < self->rounds; i++) {
        stop_matcher(self); /* it leaves a snapshot */
        uint64_t began_ns = span_now_ns();
        start_matcher(self);
        uint64_t seq = await_answer(self);
        seconds[i] = (double)(span_now_ns() - began_ns) / 1e9;
        cpu_s[i] = process_cpu_s(self->matcher.pid);
        if (seq < last) harness_fail(&self->harness, "restart", "an answer from before the stream's end");
        harness_say(&self->harness, "restart with %u open orders: %.2f s to the first answer\n", orders,
                    seconds[i]);
    }
    json_open_object(w, "restart");
    json_u64(w, "open_orders", orders);
    json_f64(w, "seconds", harness_median(seconds, self->rounds));
    json_f64(w, "cpu_s", harness_median(cpu_s, self->rounds));
    json_close_object(w);
}

/* ---- HTTP ---- */

typedef struct http_round {
    double p50_ms, p99_ms, quiet_p50_ms, quiet_p99_ms, market_published, market_p99_ms, late_p99_ms;
} http_round;

static void start_http_load(bench *self, child *load, uint32_t seconds) {
    char port[16], rate[16], duration[16];
    command words;
    tw_text_format(port, sizeof port, "%u", self->stage.gateway_port);
    tw_text_format(rate, sizeof rate, "%u", HTTP_RATE);
    tw_text_format(duration, sizeof duration, "%u", seconds);
    command_init(&words, &self->harness, "benchmarks/load_http_orders");
    command_add_all(&words, (const char *const[]){port, rate, duration, "16", NULL});
    harness_launch(&self->harness, load, &words, STDOUT_FILENO);
}

static void end_http_load(bench *self, child *load, double *p50_ms, double *p99_ms, double *late_p99_ms) {
    char line[CHILD_LINE_BYTES];
    harness_await(&self->harness, load, "load_http_orders", "\"sent\"", START_MS, line);
    if (child_wait(load).exit_code != 0 || harness_number(line, "refused") > 0 ||
        harness_number(line, "failed") > 0 || harness_number(line, "accepted") != harness_number(line, "sent"))
        harness_fail(&self->harness, "load_http_orders: not all orders were taken", line);
    *p50_ms = harness_number(line, "p50_ms");
    *p99_ms = harness_number(line, "p99_ms");
    *late_p99_ms = harness_number(line, "late_p99_ms");
}

static http_round measure_http(bench *self, uint32_t seconds) {
    http_round result;
    double quiet_late_ms;
    child load;
    start_http_load(self, &load, seconds);
    trial market = stage_try(&self->stage, MARKET_RATE, seconds);
    end_http_load(self, &load, &result.p50_ms, &result.p99_ms, &result.late_p99_ms);
    result.market_published = market.published;
    result.market_p99_ms = market.p99_ms;
    start_http_load(self, &load, seconds);
    sleep(seconds);
    end_http_load(self, &load, &result.quiet_p50_ms, &result.quiet_p99_ms, &quiet_late_ms);
    return result;
}

static void set_http_scene(bench *self, redis_process *limits) {
    if (!redis_process_start(limits, NULL)) harness_fail(&self->harness, "redis-server", limits->problem);
    stage_start_publisher(&self->stage, MARKET_SYMBOLS);
    stage_start_gateway(&self->stage,
                        (const char *const[]){"--venue", DESK_MIC, "--anonymous-accounts", DESK_ACCOUNT, "--redis",
                                              limits->url, "--order-rate", "100000", NULL},
                        false);
    stage_start_clients(&self->stage, "json", MARKET_CLIENTS, 1, MARKET_EACH, (const char *const[]){NULL});
}

static void run_http(bench *self) {
    http_round rounds[MOST_ROUNDS];
    redis_process limits;
    json_writer *w = &self->harness.writer;
    set_http_scene(self, &limits);
    for (uint32_t i = 0; i < self->rounds; i++) {
        http_round *r = &rounds[i];
        *r = measure_http(self, self->quick ? 5 : 15);
        harness_say(&self->harness,
                    "http: %u orders/s p50 %.2f ms p99 %.2f (sender late by %.2f at p99) beside %.0f market data "
                    "messages/s; "
                    "p50 %.2f p99 %.2f without\n",
                    HTTP_RATE, r->p50_ms, r->p99_ms, r->late_p99_ms, r->market_published, r->quiet_p50_ms,
                    r->quiet_p99_ms);
    }
    stage_stop_clients(&self->stage);
    stage_stop_gateways(&self->stage);
    stage_stop_publisher(&self->stage);
    redis_process_stop(&limits);
    json_open_object(w, "http");
    json_u64(w, "orders_per_s", HTTP_RATE);
    json_f64(w, "p50_ms", MEDIAN(rounds, self->rounds, http_round, p50_ms));
    json_f64(w, "p99_ms", MEDIAN(rounds, self->rounds, http_round, p99_ms));
    json_f64(w, "sender_late_p99_ms", MEDIAN(rounds, self->rounds, http_round, late_p99_ms));
    json_f64(w, "market_messages_per_s", MEDIAN(rounds, self->rounds, http_round, market_published));
    json_f64(w, "market_p99_ms", MEDIAN(rounds, self->rounds, http_round, market_p99_ms));
    json_f64(w, "without_market_p50_ms", MEDIAN(rounds, self->rounds, http_round, quiet_p50_ms));
    json_f64(w, "without_market_p99_ms", MEDIAN(rounds, self->rounds, http_round, quiet_p99_ms));
    json_close_object(w);
}

/* ---- all of it ---- */

typedef struct part {
    const char *name;
    void (*run)(bench *self);
    bool wanted;
} part;

/* In this order: what is replayed has one order a message. */
static part parts[] = {{"latency", run_latency, false},   {"chain", run_chain, false},
                       {"recovery", run_recovery, false}, {"batch", run_batch, false},
                       {"http", run_http, false},         {"restart", run_restart, false}};
#define PARTS (sizeof parts / sizeof *parts)

static void usage(void) {
    fprintf(stderr, "usage: bench_venue [--json] [--quick] [--rounds 1 to 15] [--only "
                    "latency|chain|batch|recovery|restart|http]...\n");
    exit(2);
}

static void want(const char *name) {
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) != 0) continue;
        parts[i].wanted = true;
        return;
    }
    usage();
}

static void read_arguments(bench *self, int argc, char **argv) {
    bool some = false;
    uint64_t rounds = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            self->harness.json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            self->quick = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            want(argv[++i]);
            some = true;
        } else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc && tw_text_to_u64(argv[i + 1], &rounds) &&
                   rounds >= 1 && rounds <= MOST_ROUNDS) {
            i++;
        } else {
            usage();
        }
    }
    for (size_t i = 0; i < PARTS && !some; i++)
        parts[i].wanted = true;
    self->rounds = rounds != 0 ? (uint32_t)rounds : self->quick ? 3 : 5;
}

int main(int argc, char **argv) {
    static bench self;
    char websocket[128], configuration[256];
    read_arguments(&self, argc, argv);
    tw_random_seed(&self.random, 11);
    self.stage.harness = &self.harness;
    stage_configure_server(&self.stage, websocket, sizeof websocket);
    tw_text_format(configuration, sizeof configuration, "%sjetstream: enabled\nmax_payload: 8MB\n", websocket);
    harness_open_with(&self.harness, "bench_venue", configuration);
    tw_text_format(self.snapshots, sizeof self.snapshots, "%s/snapshots", self.harness.folder);
    start_matcher(&self);
    desk_open(&self.desk, &self.harness);
    await_answer(&self);
    desk_set_scene(&self.desk);
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].wanted) parts[i].run(&self);
    stop_matcher(&self);
    desk_close(&self.desk);
    nats_Close();
    harness_close(&self.harness);
    return 0;
}
