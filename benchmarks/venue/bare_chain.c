/*
 * The least that stands between two streams: reads one in order and writes each message to another subject.
 *
 *   bare_chain URL STREAM SUBJECT TO
 *
 * nats.c as its documentation has it: an ordered consumer, asynchronous publishes with at most 4,096 waiting for their acknowledgement. Prints
 * "ready" when it reads, runs until it is ended.
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(const char *what, natsStatus status) {
    if (status == NATS_OK) return;
    fprintf(stderr, "bare_chain: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

static void on_refused(jsCtx *js, jsPubAckErr *error, void *context) {
    (void)js, (void)context;
    fprintf(stderr, "bare_chain: a message was refused: %s\n", error->ErrText);
    exit(1);
}

int main(int argc, char **argv) {
    natsConnection *connection = NULL;
    jsCtx *js = NULL;
    natsSubscription *source = NULL;
    jsOptions options;
    jsSubOptions reading;
    if (argc != 5) {
        fprintf(stderr, "usage: bare_chain URL STREAM SUBJECT TO\n");
        return 2;
    }
    must("connecting", natsConnection_ConnectTo(&connection, argv[1]));
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = 4096;
    options.PublishAsync.StallWait = 60000;
    options.PublishAsync.ErrHandler = on_refused;
    must("JetStream", natsConnection_JetStream(&js, connection, &options));
    jsSubOptions_Init(&reading);
    reading.Ordered = true;
    reading.Stream = argv[2];
    must("consumer", js_SubscribeSync(&source, js, argv[3], NULL, &reading, NULL));
    must("limits", natsSubscription_SetPendingLimits(source, -1, -1));
    puts("ready");
    fflush(stdout);
    for (;;) {
        natsMsg *message = NULL;
        natsStatus status = natsSubscription_NextMsg(&message, source, 1000);
        if (status == NATS_TIMEOUT) continue;
        must("reading", status);
        must("writing",
             js_PublishAsync(js, argv[4], natsMsg_GetData(message), natsMsg_GetDataLength(message), NULL));
        natsMsg_Destroy(message);
    }
}
