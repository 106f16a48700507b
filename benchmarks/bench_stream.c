/*
 * What the stream's core costs by itself: updates handed to clients per second through stream_gather and stream_sent, with
 * no socket behind them, and the ns that one update costs before anybody gets it (taking it, cutting it, encoding it).
 *
 * bench_stream [--json] [--clients N] [--rounds N] [--level N]
 *
 *   hot      all clients on one book of ten levels, 32 updates of it in each round
 *   mixed    200 books of which each client has 20, 200 updates in each round, one of each
 *   quote    all clients on one quote, 32 updates in each round: messages of some 150 bytes
 *
 * Each with JSON and protobuf, plain and deflated (permessage-deflate, zlib's level N, 1 if it is not said).
 *
 * "delivered" counts updates times clients. The bytes are not copied: a socket's copy is the kernel's cost. One thread,
 * measured by its own CPU time, so that others on the machine matter little; each figure is the median of RUNS runs after
 * a warm-up run, with the lowest and highest.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "base/text.h"
#include "benchmarks/bench.h"
#include "gateways/stream/stream.h"

enum { RUNS = 7, BOOKS = 200, LEVELS = 10, MOST_WRITE = 256 * 1024 };

typedef enum bench_load { HOT, MIXED, QUOTE } bench_load;
static const char *const load_names[] = {"hot", "mixed", "quote"};

typedef struct bench {
    stream *stream;
    tw_random random;
    bench_load load;
    stream_format format;
    uint32_t level; /* of deflate; 0: plain */
    uint32_t clients;
    int64_t now_ns;
    uint64_t seq;
    wire_header header;
    tw_level sides[2][LEVELS];
} bench;

static void want(void *context, const char *mic, subject_channel channel, bool wanted) {
    (void)context, (void)mic, (void)channel, (void)wanted;
}

static void closed(void *context, uint32_t client, uint16_t code, const char *reason) {
    (void)context;
    fprintf(stderr, "bench_stream: client %u was closed with %u: %s\n", client, code, reason);
    exit(1);
}

static void name_symbol(char symbol[TW_SYMBOL_BYTES], uint32_t number) {
    tw_text_format(symbol, TW_SYMBOL_BYTES, "S%03u", number);
}

static void give_update(bench *b, uint32_t number) {
    name_symbol(b->header.symbol, number);
    b->header.prev_seq = b->seq;
    b->header.seq = ++b->seq;
    for (int side = 0; side < 2; side++)
        b->sides[side][tw_random_below(&b->random, LEVELS)].quantity = 1 + tw_random_below(&b->random, 900);
    if (b->load == QUOTE) {
        const wire_quote quote = {.header = b->header, .bid = b->sides[0][0], .ask = b->sides[1][0]};
        wire_quote changed = quote;
        changed.bid.quantity = b->seq;
        stream_take_quote(b->stream, &changed, TW_BOOK_OK, TW_CAUSE_NONE, b->now_ns);
        return;
    }
    b->sides[0][0].quantity = b->seq;
    const stream_book book = {.header = &b->header,
                              .depth = LEVELS,
                              .bid_count = LEVELS,
                              .ask_count = LEVELS,
                              .bids = b->sides[0],
                              .asks = b->sides[1]};
    stream_take_book(b->stream, &book, b->now_ns);
}

static uint32_t updates_per_round(const bench *b) {
    return b->load == MIXED ? BOOKS : 32;
}

static void give_round(bench *b) {
    for (uint32_t i = 0; i < updates_per_round(b); i++)
        give_update(b, b->load == MIXED ? i : 0);
}

static uint64_t deliver_round(bench *b) {
    uint64_t bytes = 0;
    stream_round(b->stream, b->now_ns);
    do {
        for (uint32_t client; (client = stream_next_ready(b->stream)) != STREAM_NO_CLIENT;) {
            stream_span spans[STREAM_MAX_SPANS];
            size_t total = 0;
            uint32_t count = stream_gather(b->stream, client, spans, MOST_WRITE);
            for (uint32_t i = 0; i < count; i++)
                total += spans[i].length;
            stream_sent(b->stream, client, total, b->now_ns);
            bytes += total;
        }
        if (stream_has_later(b->stream)) stream_round(b->stream, b->now_ns);
    } while (stream_has_later(b->stream));
    return bytes;
}

static void subscribe(bench *b, uint32_t client, uint32_t index) {
    char request[2048];
    size_t used = (size_t)snprintf(request, sizeof request, "{\"op\":\"subscribe\",\"depth\":10,\"subjects\":[");
    uint32_t subjects = b->load == MIXED ? 20 : 1;
    for (uint32_t i = 0; i < subjects; i++) {
        char symbol[TW_SYMBOL_BYTES];
        name_symbol(symbol, b->load == MIXED ? (index * 7 + i * 10) % BOOKS : 0);
        used += (size_t)snprintf(request + used, sizeof request - used, "%s\"XNAS.%s.%s\"", i == 0 ? "" : ",",
                                 symbol, b->load == QUOTE ? "quote" : "orderbook");
    }
    used += (size_t)snprintf(request + used, sizeof request - used, "]}");
    stream_request(b->stream, client, (const uint8_t *)request, used, b->now_ns);
}

static void begin(bench *b, bench_load load, stream_format format, uint32_t level, uint32_t clients) {
    *b = (bench){
        .load = load, .format = format, .level = level, .clients = clients, .now_ns = INT64_C(1700000000000000000)};
    const stream_options options = {.max_clients = clients,
                                    .max_instruments = 1024,
                                    .max_subscriptions = 64,
                                    .max_groups = 4096,
                                    .max_members = 64 * clients,
                                    .client_bytes = 256 * 1024,
                                    .frames_kept = 1024,
                                    .kept_bytes = 1u << 30,
                                    .linger_ns = INT64_C(30000000000),
                                    .request_bytes = 65536,
                                    .requests_per_second = 100,
                                    .heartbeat_ns = INT64_C(10000000000),
                                    .silence_ns = INT64_C(1000000000000000),
                                    .deflate_level = level};
    const stream_surroundings around = {.want = want, .close = closed};
    tw_error error;
    if (stream_alloc(&b->stream, &options, &around, &error) != TW_OK) {
        fprintf(stderr, "bench_stream: %s\n", error.text);
        exit(1);
    }
    tw_random_seed(&b->random, 1);
    tw_text_copy(b->header.exchange, sizeof b->header.exchange, "XNAS");
    tw_text_copy(b->header.epoch, sizeof b->header.epoch, "2020-01-30.SESSION");
    b->header.term = 1;
    b->header.price_exponent = -4;
    b->header.event_ns = b->header.receive_ns = b->header.publish_ns = b->now_ns;
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < LEVELS; i++)
            b->sides[side][i] = (tw_level){.price = side == 0 ? 1891200 - i * 100 : 1891300 + i * 100, .orders = 3};
    give_round(b);
    for (uint32_t i = 0; i < clients; i++)
        subscribe(
            b, stream_open(b->stream, format, level > 0 ? STREAM_WEBSOCKET_DEFLATE : STREAM_WEBSOCKET, b->now_ns),
            i);
    deliver_round(b);
}

typedef struct figures {
    double delivered_per_s, update_ns, bytes_per_update;
} figures;

static figures run(bench *b, uint32_t rounds) {
    uint64_t giving = 0, delivering = 0, bytes = 0;
    stream_stats before = stream_read_stats(b->stream);
    for (uint32_t i = 0; i < rounds; i++) {
        b->now_ns += 8000000;
        uint64_t start = bench_cpu_ns();
        give_round(b);
        uint64_t given = bench_cpu_ns();
        bytes += deliver_round(b);
        giving += given - start;
        delivering += bench_cpu_ns() - given;
    }
    stream_stats after = stream_read_stats(b->stream);
    double updates = (double)(after.updates_out - before.updates_out);
    return (figures){.delivered_per_s = updates * 1e9 / (double)(giving + delivering),
                     .update_ns = (double)giving / ((double)rounds * updates_per_round(b)),
                     .bytes_per_update = (double)bytes / updates};
}

static int by_rate(const void *a, const void *b) {
    double x = ((const figures *)a)->delivered_per_s, y = ((const figures *)b)->delivered_per_s;
    return (x > y) - (x < y);
}

static size_t heap_bytes(void) {
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

static void measure(bench_load load, stream_format format, uint32_t level, uint32_t clients, uint32_t rounds,
                    bool json, bool first) {
    bench b;
    figures runs[RUNS];
    size_t before = heap_bytes();
    begin(&b, load, format, level, clients);
    double memory = (double)(heap_bytes() - before) / clients;
    run(&b, rounds / 4 + 1);
    for (int i = 0; i < RUNS; i++)
        runs[i] = run(&b, rounds);
    qsort(runs, RUNS, sizeof *runs, by_rate);
    const figures *median = &runs[RUNS / 2];
    const char *name = format == STREAM_JSON ? "json" : "protobuf";
    if (json)
        printf("%s{\"load\":\"%s\",\"format\":\"%s\",\"deflate_level\":%u,\"clients\":%u,\"delivered_per_s\":%.0f,"
               "\"lowest\":%.0f,"
               "\"highest\":%.0f,\"update_ns\":%.0f,\"bytes_per_update\":%.0f,\"bytes_per_client\":%.0f}",
               first ? "" : ",", load_names[load], name, level, clients, median->delivered_per_s,
               runs[0].delivered_per_s, runs[RUNS - 1].delivered_per_s, median->update_ns, median->bytes_per_update,
               memory);
    else
        printf("%-6s %-8s %-9s %5u clients: %7.1f million delivered a second (%.1f to %.1f), %6.0f ns an update, "
               "%4.0f "
               "bytes, "
               "%5.0f bytes of memory a client\n",
               load_names[load], name, level > 0 ? "deflated" : "plain", clients, median->delivered_per_s / 1e6,
               runs[0].delivered_per_s / 1e6, runs[RUNS - 1].delivered_per_s / 1e6, median->update_ns,
               median->bytes_per_update, memory);
    stream_free(b.stream);
}

static uint32_t number_after(int argc, char **argv, const char *option, uint32_t otherwise) {
    uint64_t value = otherwise;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], option) == 0 &&
            (!tw_text_to_u64(argv[i + 1], &value) || value == 0 || value > 1000000)) {
            fprintf(stderr, "bench_stream: %s takes a number from 1 to 1000000\n", option);
            exit(2);
        }
    return (uint32_t)value;
}

int main(int argc, char **argv) {
    bool json = false, first = true;
    for (int i = 1; i < argc; i++)
        json |= strcmp(argv[i], "--json") == 0;
    uint32_t clients = number_after(argc, argv, "--clients", 1000),
             rounds = number_after(argc, argv, "--rounds", 100), level = number_after(argc, argv, "--level", 1);
    if (json) printf("[");
    for (int load = HOT; load <= QUOTE; load++)
        for (int format = STREAM_JSON; format <= STREAM_PROTOBUF; format++)
            for (uint32_t deflated = 0; deflated < 2; deflated++) {
                measure((bench_load)load, (stream_format)format, deflated * level, clients, rounds, json, first);
                first = false;
            }
    if (json) printf("]\n");
    return 0;
}
