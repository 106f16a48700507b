/*
 * ns per encode and decode of the messages that travel most, beside two baselines: copying the encoded bytes, and
 * protobuf-c's own pack (with the size that it must be asked for first) and unpack (from a bump allocator, as ours).
 *
 * bench_codec [--json]. Each figure is the median of ROUNDS rounds after a warm-up round, one thread, all data in
 * cache; the spread (lowest to highest round) is printed too. No queueing is involved, so there is no coordinated
 * omission to correct.
 */
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/codec.h"

extern const ProtobufCMessageDescriptor tickwire__v1__book_update__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__quote__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__trades__descriptor;

enum { ROUNDS = 15, CALLS = 100000, BUFFER_BYTES = 16384 };

typedef struct subject_of_measure {
    const char *name;
    enum { BOOK, QUOTE, TRADES } kind;
    wire_book_update book;
    wire_quote quote;
    wire_trades trades;
    uint8_t bytes[BUFFER_BYTES]; /* encoded */
    size_t length;
    ProtobufCMessage *unpacked; /* protobuf-c's */
    uint8_t out[BUFFER_BYTES];
    wire_arena arena;
} subject_of_measure;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const ProtobufCMessageDescriptor *descriptor_of(const subject_of_measure *s) {
    return s->kind == BOOK    ? &tickwire__v1__book_update__descriptor
           : s->kind == QUOTE ? &tickwire__v1__quote__descriptor
                              : &tickwire__v1__trades__descriptor;
}

static size_t call_encode(subject_of_measure *s) {
    switch (s->kind) {
    case BOOK:
        return wire_book_update_encode(&s->book, s->out, sizeof s->out);
    case QUOTE:
        return wire_quote_encode(&s->quote, s->out, sizeof s->out);
    default:
        return wire_trades_encode(&s->trades, s->out, sizeof s->out);
    }
}

static size_t call_decode(subject_of_measure *s) {
    wire_book_update book;
    wire_quote quote;
    wire_trades trades;
    switch (s->kind) {
    case BOOK:
        return wire_book_update_decode(&s->arena, s->bytes, s->length, &book) + book.bid_count;
    case QUOTE:
        return wire_quote_decode(&s->arena, s->bytes, s->length, &quote) + quote.bid.orders;
    default:
        return wire_trades_decode(&s->arena, s->bytes, s->length, &trades) + trades.print_count;
    }
}

static size_t call_copy(subject_of_measure *s) {
    memcpy(s->out, s->bytes, s->length);
    __asm__ volatile("" : : "r"(s->out) : "memory");
    return s->out[0];
}

static size_t call_pack(subject_of_measure *s) {
    return protobuf_c_message_get_packed_size(s->unpacked) + protobuf_c_message_pack(s->unpacked, s->out);
}

static void *bump(void *context, size_t bytes) {
    wire_arena *arena = context;
    size_t start = (arena->used + 15) & ~(size_t)15;
    if (bytes > arena->capacity - start) return NULL;
    arena->used = start + bytes;
    return arena->block + start;
}

static void bump_free(void *context, void *memory) {
    (void)context;
    (void)memory;
}

static size_t call_unpack(subject_of_measure *s) {
    ProtobufCAllocator allocator = {.alloc = bump, .free = bump_free, .allocator_data = &s->arena};
    s->arena.used = 0;
    return protobuf_c_message_unpack(descriptor_of(s), &allocator, s->length, s->bytes) != NULL;
}

static size_t call_checksum(subject_of_measure *s) {
    return wire_book_checksum(s->book.bids, s->book.bid_count, s->book.asks, s->book.ask_count, 10);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static volatile size_t sink;

typedef struct figure {
    double median, low, high;
} figure;

static figure measure(size_t (*call)(subject_of_measure *), subject_of_measure *s) {
    double rounds[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) { /* round -1 warms up */
        uint64_t start = now_ns();
        for (int i = 0; i < CALLS; i++)
            sink += call(s);
        if (round >= 0) rounds[round] = (double)(now_ns() - start) / CALLS;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    return (figure){rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]};
}

static void report(const subject_of_measure *s, const char *what, figure f, bool json) {
    if (json)
        printf("{\"benchmark\":\"codec\",\"message\":\"%s\",\"bytes\":%zu,\"figure\":\"%s\",\"median_ns\":%.1f,"
               "\"low_ns\":%.1f,\"high_ns\":%.1f}\n",
               s->name, s->length, what, f.median, f.low, f.high);
    else
        printf("%-22s %5zu  %-20s %8.1f  (%.1f to %.1f)\n", s->name, s->length, what, f.median, f.low, f.high);
}

static void measure_all(subject_of_measure *s, bool json) {
    s->length = call_encode(s);
    memcpy(s->bytes, s->out, s->length);
    s->unpacked = protobuf_c_message_unpack(descriptor_of(s), NULL, s->length, s->bytes);
    if (s->unpacked == NULL || !wire_arena_init(&s->arena, 1 << 20)) {
        fprintf(stderr, "bench_codec: %s can't be set up\n", s->name);
        exit(1);
    }
    report(s, "encode", measure(call_encode, s), json);
    report(s, "  protobuf-c pack", measure(call_pack, s), json);
    report(s, "  copy of the bytes", measure(call_copy, s), json);
    report(s, "decode", measure(call_decode, s), json);
    report(s, "  protobuf-c unpack", measure(call_unpack, s), json);
    if (s->kind == BOOK) report(s, "checksum", measure(call_checksum, s), json);
    protobuf_c_message_free_unpacked(s->unpacked, NULL);
    wire_arena_fini(&s->arena);
}

static wire_header header(bool snapshot) {
    return (wire_header){.exchange = "XNAS",
                         .symbol = "AAPL",
                         .epoch = "2020-01-30.000000001A",
                         .term = 1,
                         .prev_seq = 23456789,
                         .seq = 23456812,
                         .snapshot = snapshot,
                         .price_exponent = -4,
                         .event_ns = 1580394600123456789,
                         .receive_ns = 1580394600123460000,
                         .publish_ns = 1580394600123470000};
}

int main(int argc, char **argv) {
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    static tw_level bids[10], asks[10];
    static tw_print prints[2];
    for (int i = 0; i < 10; i++) {
        bids[i] = (tw_level){3189100 - 100 * i, 300 + 100 * (uint64_t)i, 2 + (uint32_t)i};
        asks[i] = (tw_level){3189200 + 100 * i, 200 + 100 * (uint64_t)i, 1 + (uint32_t)i};
    }
    for (uint32_t i = 0; i < 2; i++)
        prints[i] = (tw_print){.seq = 23456812,
                               .index = i,
                               .aggressor = TW_AGGRESSOR_BUY,
                               .price = 3189200,
                               .quantity = 100,
                               .match_id = 1234567 + i,
                               .order_id = 987654321,
                               .event_ns = 1580394600123456789};
    static subject_of_measure s[5];
    s[0] = (subject_of_measure){.name = "delta, 1 level", .book = {.bid_count = 1}};
    s[1] = (subject_of_measure){.name = "delta, 3 levels", .book = {.bid_count = 2, .ask_count = 1}};
    s[2] = (subject_of_measure){.name = "snapshot, 10+10", .book = {.bid_count = 10, .ask_count = 10}};
    s[3] = (subject_of_measure){
        .name = "quote", .kind = QUOTE, .quote = {.header = header(false), .bid = bids[0], .ask = asks[0]}};
    s[4] = (subject_of_measure){
        .name = "trades, 2 prints",
        .kind = TRADES,
        .trades = {
            .header = header(false), .print_count = 2, .prints = prints, .volume = 1234567, .prints_total = 4321}};
    if (!json)
        printf("%-22s %5s  %-20s %8s  (lowest to highest of %d rounds)\n", "message", "bytes", "", "ns", ROUNDS);
    for (int i = 0; i < 5; i++) {
        wire_book_update *book = &s[i].book;
        if (s[i].kind == BOOK) {
            book->header = header(i == 2);
            book->depth = 10;
            book->merged = 1;
            book->checksum = 0x89abcdef;
            book->bids = bids;
            book->asks = asks;
        }
        measure_all(&s[i], json);
    }
    return 0;
}
