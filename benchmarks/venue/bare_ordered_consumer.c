/*
 * How fast a stream can be read at all: nats.c's ordered consumer, each message taken and dropped.
 *
 *   bare_ordered_consumer URL STREAM SUBJECT COUNT
 *
 * Prints {"messages":…,"bytes":…,"seconds":…,"messages_per_s":…} once COUNT have come; the time is from making the consumer to the last message.
 */
#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>

#include "benchmarks/ingest/span.h"

static void must(const char *what, natsStatus status) {
    if (status == NATS_OK) return;
    fprintf(stderr, "bare_ordered_consumer: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

int main(int argc, char **argv) {
    natsConnection *connection = NULL;
    jsCtx *js = NULL;
    natsSubscription *source = NULL;
    jsSubOptions reading;
    if (argc != 5) {
        fprintf(stderr, "usage: bare_ordered_consumer URL STREAM SUBJECT COUNT\n");
        return 2;
    }
    uint64_t wanted = strtoull(argv[4], NULL, 10), bytes = 0;
    must("connecting", natsConnection_ConnectTo(&connection, argv[1]));
    must("JetStream", natsConnection_JetStream(&js, connection, NULL));
    jsSubOptions_Init(&reading);
    reading.Ordered = true;
    reading.Stream = argv[2];
    uint64_t began_ns = span_now_ns();
    must("consumer", js_SubscribeSync(&source, js, argv[3], NULL, &reading, NULL));
    must("limits", natsSubscription_SetPendingLimits(source, -1, -1));
    for (uint64_t i = 0; i < wanted; i++) {
        natsMsg *message = NULL;
        must("reading", natsSubscription_NextMsg(&message, source, 30000));
        bytes += (uint64_t)natsMsg_GetDataLength(message);
        natsMsg_Destroy(message);
    }
    double seconds = (double)(span_now_ns() - began_ns) / 1e9;
    printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"messages_per_s\":%.0f}\n", wanted,
           bytes, seconds, (double)wanted / seconds);
    fflush(stdout);
    natsSubscription_Destroy(source);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    return 0;
}
