/*
 * ns per command and per report of the venue's codec, beside protobuf-c's pack and unpack of the same bytes.
 *
 * bench_venue_codec [--json]. A batch of 1,000 new orders (limit orders with client order ids as most clients send them) and one of
 * 1,000 fills. Each figure is the median of ROUNDS rounds after a warm-up, one thread, data in cache; no queueing is involved.
 */
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "proto/venue.h"

extern const ProtobufCMessageDescriptor tickwire__v1__order_batch__descriptor;
extern const ProtobufCMessageDescriptor tickwire__v1__execution_batch__descriptor;

enum { ROUNDS = 31, PARTS = 1000, REPEATS = 20, BUFFER_BYTES = 1 << 20 };

typedef struct bench {
    wire_order_command commands[PARTS];
    wire_report reports[PARTS];
    uint8_t buffer[BUFFER_BYTES], copy[BUFFER_BYTES];
    const uint8_t *payload;
    size_t length;
    const ProtobufCMessageDescriptor *descriptor;
    uint64_t sum; /* so that nothing is optimised away */
} bench;

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void make(bench *b) {
    for (unsigned i = 0; i < PARTS; i++) {
        wire_order_command *c = &b->commands[i];
        wire_report *r = &b->reports[i];
        *c = wire_order_command_empty;
        *r = wire_report_empty;
        c->side = (uint8_t)(i & 1);
        c->price = 1870000 + i;
        c->quantity = 100 + i;
        c->stp = 1;
        tw_text_format(c->account, sizeof c->account, "account-%u", i % 50);
        tw_text_copy(c->symbol, sizeof c->symbol, "AAPL");
        tw_text_format(c->client_order_id, sizeof c->client_order_id, "c-20261121-%06u", i);
        r->seq = 123456789 + i / 10;
        r->index = i % 10;
        r->n = i % 20;
        r->kind = 2;
        r->status = r->liquidity = 2;
        r->account = i % 50;
        r->instrument = 3;
        r->order_id = (r->seq << 16) + i % 10;
        r->counter_id = r->order_id - 70000;
        r->stream_ns = r->event_ns = INT64_C(1700000000000000000) + i;
        r->price = r->last_price = r->average_price = c->price;
        r->quantity = 2 * c->quantity;
        r->leaves = r->executed = r->last_quantity = c->quantity;
        r->executed_notional = (wire_money)c->price * c->quantity;
        r->fee = -100;
        memcpy(r->client_order_id, c->client_order_id, sizeof r->client_order_id);
    }
}

static void encode_orders(bench *b) {
    wire_parts parts;
    wire_parts_start(&parts, b->buffer, sizeof b->buffer);
    for (unsigned i = 0; i < PARTS; i++)
        wire_order_command_add(&parts, &b->commands[i]);
    b->payload = wire_orders_finish(&parts, &(wire_batch_header){.sender = "gw-1"}, &b->length);
}

static void decode_orders(bench *b) {
    wire_orders batch;
    wire_order_command command;
    if (wire_orders_open(&batch, b->payload, b->length) != WIRE_OK) abort();
    while (wire_orders_next(&batch, &command))
        b->sum += command.quantity;
}

static void encode_reports(bench *b) {
    wire_parts parts;
    wire_parts_start(&parts, b->buffer, sizeof b->buffer);
    for (unsigned i = 0; i < PARTS; i++)
        wire_report_add(&parts, &b->reports[i]);
    b->payload = wire_execution_batch_finish(&parts, &(wire_execution_header){.exchange = "TWEX"}, &b->length);
}

static void decode_reports(bench *b) {
    wire_executions batch;
    wire_part part;
    if (wire_executions_open(&batch, b->payload, b->length) != WIRE_OK) abort();
    while (wire_executions_next(&batch, &part))
        b->sum += part.report.quantity;
}

static void copy(bench *b) {
    memcpy(b->copy, b->payload, b->length);
    b->sum += b->copy[b->length / 2];
}

static void unpack(bench *b) {
    ProtobufCMessage *message = protobuf_c_message_unpack(b->descriptor, NULL, b->length, b->payload);
    if (message == NULL) abort();
    b->sum += message->n_unknown_fields;
    protobuf_c_message_free_unpacked(message, NULL);
}

static ProtobufCMessage *to_pack;
static void pack(bench *b) {
    if (protobuf_c_message_get_packed_size(to_pack) > sizeof b->copy) abort();
    b->sum += protobuf_c_message_pack(to_pack, b->copy);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ns(bench *b, void (*call)(bench *b)) {
    double rounds[ROUNDS];
    call(b);
    for (unsigned round = 0; round < ROUNDS; round++) {
        double begin = now_ns();
        for (unsigned i = 0; i < REPEATS; i++)
            call(b);
        rounds[round] = (now_ns() - begin) / REPEATS / PARTS;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    return rounds[ROUNDS / 2];
}

static void run(bench *b, const char *name, const ProtobufCMessageDescriptor *descriptor, void (*encode)(bench *b),
                void (*decode)(bench *b), int json) {
    b->descriptor = descriptor;
    double encode_ns = median_ns(b, encode), decode_ns = median_ns(b, decode), copy_ns = median_ns(b, copy);
    to_pack = protobuf_c_message_unpack(descriptor, NULL, b->length, b->payload);
    double pack_ns = median_ns(b, pack), unpack_ns = median_ns(b, unpack);
    protobuf_c_message_free_unpacked(to_pack, NULL);
    printf(json ? "{\"name\":\"%s\",\"bytes\":%.1f,\"encode_ns\":%.1f,\"decode_ns\":%.1f,\"pb_encode_ns\":%.1f,"
                  "\"pb_decode_ns\":%.1f,\"copy_ns\":%.1f}\n"
                : "%-8s %6.1f bytes  encode %6.1f ns  decode %6.1f ns  protobuf-c encode %6.1f  decode %6.1f  copy "
                  "%4.1f\n",
           name, (double)b->length / PARTS, encode_ns, decode_ns, pack_ns, unpack_ns, copy_ns);
}

int main(int count, char **arguments) {
    int json = count > 1 && strcmp(arguments[1], "--json") == 0;
    bench *b = calloc(1, sizeof *b);
    if (b == NULL) return 1;
    make(b);
    run(b, "order", &tickwire__v1__order_batch__descriptor, encode_orders, decode_orders, json);
    run(b, "report", &tickwire__v1__execution_batch__descriptor, encode_reports, decode_reports, json);
    int odd = b->sum == 1;
    free(b);
    return odd;
}
