/*
 * What one update costs the gateway before anybody is written to, by itself: from the payload as it came from the bus through
 * libtickwire (decoded, chained, checked), the stream's state and the cut to the group's frame. No bus, no socket.
 *
 *   bench_update [--json] [--updates N] [--only protobuf|json]
 *
 * 200 books of ten levels, the messages of load_publisher (three levels of each side changed), one client with all of them;
 * an update in turn, a round every 256. One thread, by its own CPU time; each figure is the median of RUNS runs after a
 * warm-up run, with the lowest and highest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "benchmarks/bench.h"
#include "benchmarks/gateway/synthetic.h"
#include "client/internal.h"
#include "gateways/handoff.h"
#include "gateways/stream/stream.h"
#include "proto/subject.h"
#include "runtime/clock.h"

enum { RUNS = 7, BOOKS = 200, PAYLOAD_BYTES = 1024, ROUND = 256 };

typedef struct payload {
    char subject[SUBJECT_BYTES];
    uint32_t length;
    uint8_t bytes[PAYLOAD_BYTES];
} payload;

typedef struct bench {
    synthetic_market market;
    tickwire_client client;
    tickwire_subscription subscription;
    stream *stream;
    int64_t now_ns, read_ns;
} bench;

static void fail(const char *what) {
    fprintf(stderr, "bench_update: %s\n", what);
    exit(1);
}

static void want(void *context, const char *mic, subject_channel channel, bool wanted) {
    (void)context, (void)mic, (void)channel, (void)wanted;
}

static void closed(void *context, uint32_t client, uint16_t code, const char *reason) {
    (void)context, (void)client, (void)code;
    fail(reason);
}

static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) {
    bench *b = context;
    handoff_book(b->stream, &b->client, book, change);
}

static bool never_asks(void *context, const resync_key *key, uint64_t id) {
    (void)context, (void)key, (void)id;
    return true;
}

/* A client of libtickwire without a bus: what tickwire_open and tickwire_subscribe would have made. */
static void open_client(bench *b) {
    tickwire_client *client = &b->client;
    if (!wire_arena_init(&client->arena, 1u << 20) || !receiver_hold_init(&client->hold, 1u << 20) ||
        !book_store_init(&client->books, BOOKS))
        fail("no memory");
    feed_watch_init(&client->feeds, INT64_MAX);
    resync_init(&client->resync, INT64_MAX, 1, never_asks, client);
    b->subscription = (tickwire_subscription){
        .client = client, .handlers = {.on_book = on_book}, .context = b, .keeps_books = true};
    b->subscription.subject = strdup(SYNTHETIC_MIC ".*.orderbook");
    client->subscriptions = &b->subscription;
    client->generation = 1;
}

static void open_stream(bench *b) {
    const stream_options options = {.max_clients = 2,
                                    .max_instruments = BOOKS,
                                    .max_subscriptions = 64,
                                    .max_groups = 2 * BOOKS,
                                    .max_members = 2 * BOOKS,
                                    .client_bytes = 1024 * 1024,
                                    .frames_kept = 512,
                                    .kept_bytes = 1u << 28,
                                    .request_bytes = 65536,
                                    .requests_per_second = 100,
                                    .heartbeat_ns = INT64_MAX / 2,
                                    .silence_ns = INT64_MAX / 2};
    const stream_surroundings around = {.want = want, .close = closed};
    tw_error error;
    if (stream_alloc(&b->stream, &options, &around, &error) != TW_OK) fail(error.text);
}

static void make(bench *b, payload *made) {
    uint32_t symbol;
    char name[TW_SYMBOL_BYTES];
    b->now_ns += 1000;
    made->length =
        (uint32_t)synthetic_next(&b->market, b->now_ns, b->now_ns, &symbol, made->bytes, sizeof made->bytes);
    synthetic_symbol(name, symbol);
    subject_instrument(made->subject, sizeof made->subject, SYNTHETIC_MIC, name, SUBJECT_ORDERBOOK);
}

static uint64_t deliver(bench *b) {
    uint64_t bytes = 0;
    stream_round(b->stream, b->now_ns);
    for (uint32_t client; (client = stream_next_ready(b->stream)) != STREAM_NO_CLIENT;)
        while (stream_has_more(b->stream, client)) {
            stream_span spans[STREAM_MAX_SPANS];
            size_t total = 0;
            uint32_t count = stream_gather(b->stream, client, spans, SIZE_MAX);
            for (uint32_t i = 0; i < count; i++)
                total += spans[i].length;
            stream_sent(b->stream, client, total, b->now_ns);
            bytes += total;
        }
    return bytes;
}

static void give(bench *b, const payload *one) {
    const bus_message message = {
        .subject = one->subject, .bytes = one->bytes, .length = one->length, .arrival_ns = b->read_ns};
    client_on_message(&b->subscription, &message);
}

/* Books are shown no better than their feed. */
static void tell_feed(bench *b) {
    uint8_t bytes[PAYLOAD_BYTES];
    wire_feed_status status;
    size_t length = synthetic_feed(&b->market, b->now_ns, bytes, sizeof bytes);
    if (wire_feed_status_decode(&b->client.arena, bytes, length, &status) != WIRE_OK) fail("no feed status");
    client_take_feed_status(&b->client, &status);
}

static void begin(bench *b, stream_format format) {
    static const char request[] =
        "{\"op\":\"subscribe\",\"depth\":10,\"subjects\":[\"" SYNTHETIC_MIC ".*.orderbook\"]}";
    payload first;
    *b = (bench){.now_ns = INT64_C(1700000000000000000)};
    if (!synthetic_alloc(&b->market, BOOKS, 1)) fail("no memory");
    open_client(b);
    open_stream(b);
    tell_feed(b);
    uint32_t client = stream_open(b->stream, format, STREAM_WEBSOCKET, b->now_ns);
    stream_request(b->stream, client, (const uint8_t *)request, sizeof request - 1, b->now_ns);
    for (uint32_t i = 0; i < BOOKS; i++) {
        make(b, &first);
        give(b, &first);
    }
    deliver(b);
}

static void end(bench *b) {
    stream_free(b->stream);
    book_store_fini(&b->client.books, &b->client.hold);
    feed_watch_fini(&b->client.feeds);
    receiver_hold_fini(&b->client.hold);
    wire_arena_fini(&b->client.arena);
    free(b->subscription.subject);
    synthetic_free(&b->market);
}

typedef struct figures {
    double update_ns, gather_ns; /* until the frame is there; giving it to one client */
} figures;

static figures run(bench *b, uint32_t updates) {
    static payload payloads[ROUND]; /* as warm as what was just read from a socket */
    uint64_t giving = 0, gathering = 0;
    stream_stats before = stream_read_stats(b->stream);
    for (uint32_t i = 0; i < updates; i += ROUND) {
        for (uint32_t k = 0; k < ROUND; k++)
            make(b, &payloads[k]);
        uint64_t start = bench_cpu_ns();
        b->read_ns = rt_clock_utc_ns(); /* one read */
        for (uint32_t k = 0; k < ROUND; k++)
            give(b, &payloads[k]);
        uint64_t given = bench_cpu_ns();
        deliver(b);
        giving += given - start;
        gathering += bench_cpu_ns() - given;
    }
    stream_stats after = stream_read_stats(b->stream);
    if (after.updates_out - before.updates_out != updates) fail("not every update came out");
    return (figures){.update_ns = (double)giving / updates, .gather_ns = (double)gathering / updates};
}

static int by_update(const void *a, const void *b) {
    double x = ((const figures *)a)->update_ns, y = ((const figures *)b)->update_ns;
    return (x > y) - (x < y);
}

static void measure(stream_format format, uint32_t updates, bool json, bool first) {
    static bench b;
    figures runs[RUNS];
    begin(&b, format);
    run(&b, updates);
    for (int i = 0; i < RUNS; i++)
        runs[i] = run(&b, updates);
    end(&b);
    qsort(runs, RUNS, sizeof *runs, by_update);
    const figures *median = &runs[RUNS / 2];
    const char *name = format == STREAM_JSON ? "json" : "protobuf";
    if (json)
        printf("%s{\"format\":\"%s\",\"update_ns\":%.0f,\"lowest\":%.0f,\"highest\":%.0f,\"gather_ns\":%.0f}",
               first ? "" : ",", name, median->update_ns, runs[0].update_ns, runs[RUNS - 1].update_ns,
               median->gather_ns);
    else
        printf("%-8s %5.0f ns an update (%.0f to %.0f), %4.0f ns to gather it for one client\n", name,
               median->update_ns, runs[0].update_ns, runs[RUNS - 1].update_ns, median->gather_ns);
}

int main(int argc, char **argv) {
    bool json = false, first = true;
    const char *only = "";
    uint64_t updates = 100 * ROUND;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--only") == 0 && *next != '\0') {
            only = argv[++i];
        } else if (strcmp(argv[i], "--updates") == 0 && tw_text_to_u64(next, &updates) && updates > 0 &&
                   updates <= 1000000) {
            i++;
        } else {
            fail("--json, --updates 1-1000000, --only protobuf|json");
        }
    }
    uint32_t rounded = ((uint32_t)updates + ROUND - 1) / ROUND * ROUND;
    if (json) printf("[");
    for (int format = STREAM_PROTOBUF; format >= (int)STREAM_JSON; format--) {
        if (*only != '\0' && strcmp(only, format == STREAM_JSON ? "json" : "protobuf") != 0) continue;
        measure((stream_format)format, rounded, json, first);
        first = false;
    }
    if (json) printf("]\n");
    return 0;
}
