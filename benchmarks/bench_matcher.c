/*
 * The matching engine alone: what a command costs while the book gets deeper, and how long a snapshot takes.
 *
 * bench_matcher [--json] [--quick]
 *
 * Commands: half of them orders within 32 ticks of the touch, half cancels of them; every twentieth order trades. Beside them
 * so many orders rest, within 4,000 ticks on both sides. All of the engine's checks are on: an account with limits, a client order id for
 * every order. CPU time of the one thread; the median of RUNS runs after a warm-up, with the lowest and highest. How it does in the public benchmark's
 * harness: docs/benchmarks.md.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "base/text.h"
#include "benchmarks/bench.h"
#include "matcher/core/snapshot.h"
#include "tests/support/shelf.h"

enum { RUNS = 7, NEAR = 32, FAR = 4000, TOUCH = 100000, REPORTS = 256, OPEN = 64 };

typedef struct bench {
    mx_engine *engine;
    mx_report reports[REPORTS];
    mx_sink sink;
    tw_random random;
    uint64_t seq, names;
    uint32_t date;
    uint64_t open[OPEN]; /* orders of the measured crowd that may be cancelled */
} bench;

static void drop(mx_sink *sink, void *context) {
    (void)context;
    sink->count = 0;
}

static void apply(bench *b, const mx_command *command) {
    mx_input input = {.seq = ++b->seq, .stream_ns = (int64_t)b->seq};
    mx_apply(b->engine, &input, command, &b->sink);
}

static void must(bench *b, mx_command command) {
    b->sink.count = 0;
    apply(b, &command);
    if (b->reports[0].reason == MXR_OK) return;
    fprintf(stderr, "bench_matcher: %s\n", mx_reason_text((mx_reason)b->reports[0].reason));
    exit(1);
}

/* Client order ids are forgotten: the next run finds their memory warm. */
static void next_day(bench *b) {
    b->sink.count = 0;
    apply(b, &(mx_command){.kind = MX_BEGIN_DAY, .begin_day = {++b->date, INT64_MAX}});
    b->sink.count = 0;
}

static void set_scene(bench *b) {
    must(b,
         (mx_command){.kind = MX_DEFINE_INSTRUMENT,
                      .define_instrument = {
                          .symbol = "X", .tick_bands = 1, .ticks = {{0, 1}}, .lot = 1, .reference_price = TOUCH}});
    for (uint32_t i = 0; i < 2; i++) {
        must(b, (mx_command){.kind = MX_DEFINE_ACCOUNT, .define_account = {i, {(char)('A' + i)}, 0}});
        must(b, (mx_command){.kind = MX_SET_LIMITS,
                             .limits = {.account = i,
                                        .order_quantity = MX_QUANTITY_MAX,
                                        .order_notional = MX_MONEY_MAX,
                                        .funds = MX_MONEY_MAX,
                                        .exposure = MX_MONEY_MAX,
                                        .position = MX_POSITION_MAX,
                                        .concentration_ppm = MX_PPM,
                                        .collar_ppm = 100000,
                                        .open_orders = UINT32_MAX}});
    }
    next_day(b);
    must(b, (mx_command){.kind = MX_SET_STATE, .set_state = {0, MX_CONTINUOUS}});
}

static uint64_t order(bench *b, uint32_t account, tw_side side, int64_t price, bool named) {
    mx_command command = {.kind = MX_NEW_ORDER,
                          .order = {.order_id = MX_ORDER_ID(b->seq + 1, 0),
                                    .account = account,
                                    .side = (uint8_t)side,
                                    .price = price,
                                    .stop_price = TW_PRICE_ABSENT,
                                    .quantity = 1 + tw_random_below(&b->random, 100)}};
    if (named) command.order.client_id = (mx_client_id){{++b->names}};
    apply(b, &command);
    return command.order.order_id;
}

static void open_bench(bench *b, uint32_t resting, uint32_t commands) {
    mx_bounds bounds = {.max_instruments = 1,
                        .max_accounts = 2,
                        .max_positions = 2,
                        .max_orders = resting + commands,
                        .max_pages = 4096,
                        .max_client_ids = commands,
                        .max_sessions = 1,
                        .max_reports = 1u << 20};
    tw_error error;
    memset(b, 0, sizeof *b);
    b->sink = (mx_sink){.reports = b->reports, .capacity = REPORTS, .full = drop};
    tw_random_seed(&b->random, 7);
    if (mx_engine_alloc(&b->engine, &bounds, &error) != TW_OK) {
        fprintf(stderr, "bench_matcher: %s\n", error.text);
        exit(1);
    }
    set_scene(b);
    for (uint32_t i = 0; i < resting; i++) {
        tw_side side = i & 1 ? TW_ASK : TW_BID;
        int64_t away = 1 + NEAR + (int64_t)tw_random_below(&b->random, FAR);
        order(b, 0, side, side == TW_BID ? TOUCH - away : TOUCH + away, false);
    }
}

static double run(bench *b, uint32_t commands) {
    uint64_t began = bench_cpu_ns();
    for (uint32_t i = 0; i < commands; i += 2) {
        tw_side side = tw_random_below(&b->random, 2) ? TW_ASK : TW_BID;
        int64_t away = (int64_t)tw_random_below(&b->random, NEAR);
        if (i % 40 == 0) away = -away; /* may trade */
        uint64_t *slot = &b->open[i / 2 % OPEN];
        mx_command cancel = {.kind = MX_CANCEL, .cancel.target = {.order_id = *slot, .account = 1}};
        *slot = order(b, 1, side, side == TW_BID ? TOUCH - 1 - away : TOUCH + 1 + away, true);
        apply(b, &cancel);
    }
    return (double)(bench_cpu_ns() - began) / commands;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_depth(uint32_t resting, uint32_t commands, bool json, bool last) {
    static bench b;
    double ns[RUNS];
    open_bench(&b, resting, commands);
    (void)run(&b, commands);
    for (int i = 0; i < RUNS; i++) {
        next_day(&b);
        ns[i] = run(&b, commands);
    }
    mx_engine_free(b.engine);
    qsort(ns, RUNS, sizeof *ns, by_value);
    if (json) {
        printf("{\"resting\": %" PRIu32 ", \"ns_per_command\": %.1f, \"lowest\": %.1f, \"highest\": %.1f}%s",
               resting, ns[RUNS / 2], ns[0], ns[RUNS - 1], last ? "" : ", ");
    } else {
        printf("%10" PRIu32 " resting orders: %6.1f ns a command (%.1f to %.1f)\n", resting, ns[RUNS / 2], ns[0],
               ns[RUNS - 1]);
    }
}

static void measure_snapshot(uint32_t resting, bool json) {
    static bench b;
    tw_error error;
    open_bench(&b, resting, 2);
    shelf saved = {.room = (size_t)resting * 200 + 65536};
    saved.bytes = malloc(saved.room);
    if (saved.bytes == NULL) exit(1);
    uint64_t at[4] = {bench_cpu_ns()};
    tw_code code = mx_snapshot_write(b.engine, shelf_keep, &saved, &error);
    at[1] = bench_cpu_ns();
    uint64_t hash = mx_state_hash(b.engine);
    at[2] = bench_cpu_ns();
    if (code == TW_OK) code = mx_snapshot_read(b.engine, shelf_fetch, &saved, &error);
    at[3] = bench_cpu_ns();
    if (code != TW_OK || mx_state_hash(b.engine) != hash) {
        fprintf(stderr, "bench_matcher: the snapshot failed\n");
        exit(1);
    }
    double ms[3];
    for (int i = 0; i < 3; i++)
        ms[i] = (double)(at[i + 1] - at[i]) / 1e6;
    printf(json ? "{\"orders\": %" PRIu32
                  ", \"bytes\": %zu, \"write_ms\": %.0f, \"hash_ms\": %.0f, \"read_ms\": %.0f}"
                : "snapshot of %" PRIu32 " orders, %zu bytes: writing %.0f ms, hashing %.0f ms, reading %.0f ms\n",
           mx_open_orders(b.engine), saved.length, ms[0], ms[1], ms[2]);
    mx_engine_free(b.engine);
    free(saved.bytes);
}

int main(int argc, char **argv) {
    bool json = false, quick = false;
    if (!bench_flags(argc, argv, "bench_matcher", &json, &quick)) return 2;
    static const uint32_t depths[] = {1000, 30000, 1000000};
    uint32_t commands = quick ? 200000 : 1000000;
    if (json) printf("{\"depths\": [");
    for (int i = 0; i < 3; i++)
        measure_depth(depths[i], commands, json, i == 2);
    if (json) printf("], \"snapshot\": ");
    measure_snapshot(1000000, json);
    if (json) printf("}\n");
    return 0;
}
