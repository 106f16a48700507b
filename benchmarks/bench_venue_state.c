/*
 * What surrounds the matching engine in a matcher: its market data, and a restart.
 *
 * bench_venue_state [--json] [--quick]
 *
 * Market data: the CPU time of a command with everything that the publisher does (marks, best levels, deltas, checksums, encoding; the sink copies and
 * forgets), less that of the engine alone with the same commands, by the number of commands in a burst. Half of the commands are orders within 16 ticks of the touch
 * of 100 instruments, half cancels; every twentieth order trades. Median of RUNS.
 *
 * Restart: a replica with a million open orders, each with a client order id and a correlation id, is serialised into memory (for so long the loop
 * stands still), written to a file in $TMPDIR, found there, and read into a fresh replica.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"
#include "benchmarks/bench.h"
#include "matcher/market/market.h"
#include "matcher/replica/replica.h"
#include "matcher/snapshots/find.h"
#include "matcher/snapshots/store.h"

enum {
    RUNS = 7,
    INSTRUMENTS = 100,
    NEAR = 16,
    TOUCH = 10000,
    REPORTS = 4096,
    OPEN = 4096,
    RESTING = 20,
    BATCH = 500
};

static void fail(const char *what) {
    fprintf(stderr, "bench_venue_state: %s\n", what);
    exit(1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static const mx_limits no_limits = {.order_quantity = MX_UNLIMITED,
                                    .order_notional = MX_MONEY_MAX,
                                    .funds = MX_MONEY_MAX,
                                    .exposure = MX_MONEY_MAX,
                                    .position = MX_UNLIMITED,
                                    .concentration_ppm = MX_PPM + 1,
                                    .open_orders = UINT32_MAX};

/* ---- market data ---- */

typedef struct bench {
    mx_engine *engine;
    mk_market *market; /* NULL: the engine alone */
    mx_report reports[REPORTS];
    mx_sink sink;
    tw_random random;
    uint64_t seq;
    uint64_t open[OPEN];
    uint64_t messages, bytes;
    uint8_t last[WIRE_MAX_BYTES];
} bench;

static void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    bench *b = context;
    (void)subject;
    b->messages++;
    b->bytes += length;
    memcpy(b->last, payload, length);
}

static bool on_ready(void *context) {
    (void)context;
    return true;
}

static void on_full(mx_sink *sink, void *context) {
    (void)context;
    fail("too many reports of one command");
    sink->count = 0;
}

static void apply(bench *b, const mx_command *command) {
    mx_input input = {.seq = ++b->seq, .stream_ns = (int64_t)b->seq * 1000};
    b->sink.count = 0;
    mx_apply(b->engine, &input, command, &b->sink);
    for (uint32_t i = 0; b->market != NULL && i < b->sink.count; i++)
        mk_take(b->market, &b->reports[i], input.stream_ns);
}

static void define_all(bench *b) {
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        mx_command define = {.kind = MX_DEFINE_INSTRUMENT,
                             .define_instrument = {.instrument = i,
                                                   .price_exponent = -2,
                                                   .tick_bands = 1,
                                                   .ticks = {{0, 1}},
                                                   .lot = 1,
                                                   .protection_ppm = 10000,
                                                   .reference_price = TW_PRICE_ABSENT}};
        tw_text_format(define.define_instrument.symbol, TW_SYMBOL_BYTES, "S%u", i);
        apply(b, &define);
    }
    apply(b, &(mx_command){.kind = MX_DEFINE_ACCOUNT, .define_account = {0, "bench", 0}});
    apply(b, &(mx_command){.kind = MX_SET_LIMITS, .limits = no_limits});
    apply(b, &(mx_command){.kind = MX_BEGIN_DAY, .begin_day = {20260102, INT64_MAX}});
    apply(b, &(mx_command){.kind = MX_SET_STATE, .set_state = {MX_EVERY, MX_CONTINUOUS}});
}

static void order(bench *b, uint32_t instrument, tw_side side, int64_t price) {
    uint64_t id = MX_ORDER_ID(b->seq + 1, 0);
    mx_command command = {.kind = MX_NEW_ORDER,
                          .order = {.order_id = id,
                                    .instrument = instrument,
                                    .side = (uint8_t)side,
                                    .price = price,
                                    .stop_price = TW_PRICE_ABSENT,
                                    .quantity = 100}};
    apply(b, &command);
    b->open[b->seq % OPEN] = id;
}

static void random_order(bench *b) {
    uint32_t instrument = (uint32_t)tw_random_below(&b->random, INSTRUMENTS);
    tw_side side = tw_random_chance(&b->random, 1, 2) ? TW_BID : TW_ASK;
    int64_t away = (int64_t)tw_random_below(&b->random, NEAR) + 1;
    if (tw_random_chance(&b->random, 1, 20)) away = -1; /* crosses */
    order(b, instrument, side, side == TW_BID ? TOUCH - away : TOUCH + away);
}

static void random_command(bench *b, uint64_t number) {
    uint64_t *target = &b->open[tw_random_below(&b->random, OPEN)];
    if (number % 2 == 0 || *target == 0) {
        random_order(b);
        return;
    }
    mx_command cancel = {.kind = MX_CANCEL, .cancel = {.target = {.order_id = *target}}};
    apply(b, &cancel);
    *target = 0;
}

static bench *bench_open(bool with_market) {
    static const mx_bounds bounds = {.shard = 1,
                                     .max_instruments = INSTRUMENTS,
                                     .max_accounts = 1,
                                     .max_positions = INSTRUMENTS,
                                     .max_orders = 1u << 20,
                                     .max_pages = 1u << 14,
                                     .max_client_ids = 1,
                                     .max_sessions = 1,
                                     .max_reports = 1u << 20};
    bench *b = calloc(1, sizeof *b);
    if (b == NULL || mx_engine_alloc(&b->engine, &bounds, NULL) != TW_OK) fail("no memory");
    b->sink = (mx_sink){.reports = b->reports, .capacity = REPORTS, .full = on_full};
    publisher_options options = {.exchange = "TWEX",
                                 .partition = 1,
                                 .term = 1,
                                 .leader = "bench",
                                 .max_instruments = INSTRUMENTS,
                                 .depth = 10,
                                 .tier_100ms = true,
                                 .tier_1s = true,
                                 .max_prints = 65536,
                                 .max_requests = 4,
                                 .serve_bytes = 65536,
                                 .status_interval_ns = 100000000};
    publisher_sink sink = {.context = b, .emit = on_emit, .answer = on_emit, .ready = on_ready};
    if (with_market && mk_alloc(&b->market, &options, b->engine, &sink, NULL) != TW_OK) fail("no memory");
    tw_random_seed(&b->random, 1);
    define_all(b);
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        for (int64_t k = 1; k <= RESTING; k++) {
            order(b, i, TW_BID, TOUCH - k);
            order(b, i, TW_ASK, TOUCH + k);
        }
    memset(b->open, 0, sizeof b->open);
    return b;
}

static void bench_close(bench *b) {
    mk_free(b->market);
    mx_engine_free(b->engine);
    free(b);
}

/* Nanoseconds a command; a millisecond of the market's time for every 500 commands. */
static double run_once(bool with_market, uint32_t burst, uint32_t commands, double *messages) {
    bench *b = bench_open(with_market);
    uint64_t start = 0, messages_before = 0;
    for (uint32_t i = 0; i < commands + commands / 10; i++) {
        if (i == commands / 10) {
            start = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
            messages_before = b->messages;
        }
        random_command(b, i);
        if (!with_market || (i + 1) % burst != 0) continue;
        int64_t now_ns = (int64_t)i * 2000;
        mk_flush(b->market, now_ns);
        mk_tick(b->market, now_ns);
    }
    double ns = (double)(bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / commands;
    if (messages != NULL) *messages = (double)(b->messages - messages_before) / commands;
    bench_close(b);
    return ns;
}

static void measure_burst(uint32_t burst, uint32_t commands, bool json, bool last) {
    double alone[RUNS], both[RUNS], messages = 0;
    for (int i = 0; i < RUNS; i++) {
        alone[i] = run_once(false, 1, commands, NULL);
        both[i] = run_once(true, burst, commands, &messages);
    }
    double engine = median(alone, RUNS), all = median(both, RUNS);
    if (json)
        printf("{\"burst\": %u, \"engine_ns\": %.1f, \"with_market_ns\": %.1f, \"market_ns\": %.1f, "
               "\"messages_per_command\": %.3f}%s",
               burst, engine, all, all - engine, messages, last ? "" : ", ");
    else
        printf("  bursts of %5u: engine %6.1f ns a command, with market data %7.1f ns, so %7.1f ns for it; %.3f "
               "messages a command\n",
               burst, engine, all, all - engine, messages);
}

/* ---- restart ---- */

typedef struct restart {
    mr_replica *from, *to;
    uv_loop_t loop;
    ms_store *store;
    ms_find *find;
    bool stored, found;
    const uint8_t *bytes;
    uint64_t length, at;
    uint64_t seq;
    ms_stored result;
    char folder[128];
    double cpu_ms; /* of the whole restart */
} restart;

static void take(restart *r, const char *subject, const uint8_t *bytes, size_t length) {
    mw_message message = {
        .subject = subject, .seq = ++r->seq, .stream_ns = (int64_t)r->seq * 1000, .bytes = bytes, .length = length};
    mr_part part;
    mw_applied applied;
    if (!mr_take(r->from, &message, NULL, &applied)) fail(mr_fault(r->from));
    while (mr_journal_next(r->from, &part))
        mr_journal_stored(r->from);
}

static void set_scene(restart *r) {
    uint8_t buffer[8192];
    wire_parts parts;
    size_t length;
    wire_batch_header header = {.sender = "bench", .sent_ns = 1};
    wire_parts_start(&parts, buffer, sizeof buffer);
    wire_control_command c = wire_control_command_empty;
    c.kind = WIRE_DEFINE_INSTRUMENT;
    tw_text_copy(c.symbol, sizeof c.symbol, "AAPL");
    c.price_exponent = -2;
    c.tick_from = (wire_ticks){.count = 1};
    c.tick = (wire_ticks){.count = 1, .values = {1}};
    c.lot = 1;
    c.protection_ppm = 10000;
    c.price = TW_PRICE_ABSENT;
    wire_control_command_add(&parts, &c);
    c = wire_control_command_empty;
    c.kind = WIRE_DEFINE_ACCOUNT;
    tw_text_copy(c.account, sizeof c.account, "ann");
    wire_control_command_add(&parts, &c);
    c.kind = WIRE_SET_LIMITS;
    c.order_quantity = c.position = MX_UNLIMITED;
    c.order_notional = c.funds = c.exposure = MX_MONEY_MAX;
    c.concentration_ppm = MX_PPM + 1;
    c.open_orders = UINT32_MAX;
    wire_control_command_add(&parts, &c);
    c = wire_control_command_empty;
    c.kind = WIRE_BEGIN_DAY;
    c.date = 20260102;
    c.end_ns = INT64_MAX;
    wire_control_command_add(&parts, &c);
    c = wire_control_command_empty;
    c.kind = WIRE_SET_STATE;
    c.all_symbols = true;
    c.state = MX_CONTINUOUS;
    wire_control_command_add(&parts, &c);
    const uint8_t *bytes = wire_controls_finish(&parts, &header, &length);
    take(r, "control.TWEX.1", bytes, length);
}

static void rest_orders(restart *r, uint32_t count) {
    static uint8_t buffer[BATCH * 200 + 2048];
    wire_batch_header header = {.sender = "bench", .sent_ns = 1};
    uint64_t name = 0;
    for (uint32_t done = 0; done < count; done += BATCH) {
        wire_parts parts;
        size_t length;
        wire_parts_start(&parts, buffer, sizeof buffer);
        for (uint32_t i = 0; i < BATCH; i++) {
            wire_order_command c = wire_order_command_empty;
            c.kind = WIRE_NEW_ORDER;
            c.side = i % 2;
            c.price =
                c.side == TW_BID ? 1000000 - 1 - (int64_t)(name % 4000) : 1000000 + 1 + (int64_t)(name % 4000);
            c.quantity = 100;
            tw_text_copy(c.account, sizeof c.account, "ann");
            tw_text_copy(c.symbol, sizeof c.symbol, "AAPL");
            tw_text_format(c.client_order_id, sizeof c.client_order_id, "c%" PRIu64, ++name);
            tw_text_format(c.correlation_id, sizeof c.correlation_id, "trace-%" PRIu64, name);
            if (!wire_order_command_add(&parts, &c)) fail("a batch is too small");
        }
        const uint8_t *bytes = wire_orders_finish(&parts, &header, &length);
        take(r, "orderbatch.TWEX.1", bytes, length);
    }
}

static void on_stored(void *context, const ms_stored *result) {
    restart *r = context;
    r->result = *result;
    r->stored = true;
}

static bool read_more(void *context, void *bytes, size_t length) {
    restart *r = context;
    if (r->length - r->at < length) return false;
    memcpy(bytes, r->bytes + r->at, length);
    r->at += length;
    return true;
}

static bool on_found(void *context, const ms_found *found) {
    restart *r = context;
    mr_origin origin;
    tw_error error;
    if (found == NULL) fail("the snapshot was not found");
    r->bytes = found->bytes;
    r->length = found->envelope.bytes;
    if (mr_snapshot_read(r->to, &origin, read_more, r, &error) != TW_OK) fail(error.text);
    return r->found = true;
}

static void on_passed_over(void *context, const char *where, tw_code code, const char *why) {
    (void)context, (void)code;
    fprintf(stderr, "bench_venue_state: %s: %s\n", where, why);
}

static mr_replica *replica_of(uint32_t orders) {
    mr_options options = {.exchange = "TWEX",
                          .bounds = {.shard = 1,
                                     .max_instruments = 16,
                                     .max_accounts = 16,
                                     .max_positions = 64,
                                     .max_orders = orders + orders / 4,
                                     .max_pages = 4096,
                                     .max_client_ids = orders + orders / 4,
                                     .max_sessions = 16,
                                     .max_reports = 1u << 20}};
    mr_replica *replica;
    tw_error error;
    if (mr_alloc(&replica, &options, &error) != TW_OK) fail(error.text);
    return replica;
}

static double keep(restart *r) {
    tw_error error;
    mr_origin origin = {.orders_created_ns = 1};
    ms_envelope envelope = {.seq = mr_seq(r->from), .stream_created_ns = 1};
    ms_store_options keeping = {
        .exchange = "TWEX", .shard = 1, .folder = r->folder, .on_stored = on_stored, .context = r};
    if (ms_store_open(&r->store, NULL, &r->loop, &keeping, &error) != TW_OK) fail(error.text);
    uint64_t start = bench_clock_ns(CLOCK_MONOTONIC);
    ms_store_begin(r->store, &envelope, 0);
    if (mr_snapshot_write(r->from, &origin, ms_store_write, r->store, &error) != TW_OK) fail(error.text);
    if (ms_store_end(r->store, &error) != TW_OK) fail(error.text);
    double stalled_ms = (double)(bench_clock_ns(CLOCK_MONOTONIC) - start) / 1e6;
    while (!r->stored)
        uv_run(&r->loop, UV_RUN_ONCE);
    if (!r->result.file.done) fail(r->result.file.reason);
    return stalled_ms;
}

static double restart_from(restart *r) {
    tw_error error;
    ms_find_options looking = {.exchange = "TWEX",
                               .shard = 1,
                               .folder = r->folder,
                               .on_found = on_found,
                               .on_passed_over = on_passed_over,
                               .context = r};
    uint64_t start = bench_clock_ns(CLOCK_MONOTONIC), cpu = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    r->to = replica_of(mx_open_orders(mr_engine(r->from)));
    if (ms_find_open(&r->find, NULL, &r->loop, &looking, &error) != TW_OK) fail(error.text);
    while (!r->found)
        uv_run(&r->loop, UV_RUN_ONCE);
    r->cpu_ms = (double)(bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6;
    return (double)(bench_clock_ns(CLOCK_MONOTONIC) - start) / 1e6;
}

static void measure_restart(uint32_t orders, bool json) {
    static restart r;
    const char *folder = getenv("TMPDIR");
    tw_text_format(r.folder, sizeof r.folder, "%s/tickwire-bench-XXXXXX", folder != NULL ? folder : "/tmp");
    if (mkdtemp(r.folder) == NULL) fail("no temporary folder");
    uv_loop_init(&r.loop);
    r.from = replica_of(orders);
    set_scene(&r);
    rest_orders(&r, orders);
    uint32_t open = mx_open_orders(mr_engine(r.from));
    double stalled_ms = keep(&r), restart_ms = restart_from(&r);
    if (mr_hash(r.from) != mr_hash(r.to)) fail("the restarted replica has another state");
    double mib = (double)r.result.envelope.bytes / 1048576, file_ms = (double)r.result.file_ns / 1e6;
    if (json)
        printf("{\"orders\": %u, \"mib\": %.1f, \"serialise_ms\": %.1f, \"file_ms\": %.1f, \"restart_ms\": %.1f, "
               "\"restart_cpu_ms\": %.1f}",
               open, mib, stalled_ms, file_ms, restart_ms, r.cpu_ms);
    else
        printf("  %u open orders, %.1f MiB: serialised in %.1f ms (the loop stands still), on disk after %.1f ms, "
               "restarted in %.1f ms "
               "(%.1f ms of CPU)\n",
               open, mib, stalled_ms, file_ms, restart_ms, r.cpu_ms);
    unlink(r.result.path);
    rmdir(r.folder);
    ms_find_close(r.find);
    ms_store_close(r.store);
    uv_run(&r.loop, UV_RUN_DEFAULT);
    uv_loop_close(&r.loop);
    mr_free(r.from);
    mr_free(r.to);
}

int main(int argc, char **argv) {
    bool json = false, quick = false;
    if (!bench_flags(argc, argv, "bench_venue_state", &json, &quick)) return 2;
    static const uint32_t bursts[] = {1, 16, 128, 1024};
    if (json) printf("{\"market\": [");
    for (unsigned i = 0; i < 4; i++)
        measure_burst(bursts[i], quick ? 100000 : 500000, json, i == 3);
    if (json) printf("], \"restart\": ");
    measure_restart(1000000, json);
    if (json) printf("}\n");
    return 0;
}
