/*
 * The subscriber of bench_latency, the same for whoever publishes: a plain nats.c program that writes down, for every
 * payload, the times it carries and the time at which the callback had it.
 *
 *   bare_listener URL SUBJECT loop|threads RECORDS [CAPTURE]
 *
 * loop     event-loop mode: poll, read, take what is there
 * threads  an asynchronous subscription: the callback runs on a thread of nats.c
 *
 * Says "ready" on standard output when the server knows the subscription. On SIGTERM writes RECORDS (an array of
 * tape_record) and, if asked for, CAPTURE (see ingest/capture.h) and ends. Pending limits are off, so that what is slow here shows as
 * time, and not as loss.
 */
#include <errno.h>
#include <nats/nats.h>
#include <poll.h>
#include <signal.h>

#include "benchmarks/ingest/capture.h"
#include "benchmarks/latency/nats_poll.h"
#include "benchmarks/latency/payload.h"
#include "benchmarks/latency/schedule.h"
#include "benchmarks/latency/tape.h"

#define MAX_RECORDS (4u << 20)

typedef struct listener {
    tape_record *records;
    size_t count;
    FILE *capture;
} listener;

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
    (void)number;
    stopping = 1;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_listener: %s: %s\n", what, why);
    exit(1);
}

static void take(listener *self, natsMsg *message, int64_t heard_ns) {
    const uint8_t *payload = (const uint8_t *)natsMsg_GetData(message);
    uint32_t length = (uint32_t)natsMsg_GetDataLength(message);
    payload_times times = payload_find_times(payload, length);
    if (times.receive_at > 0 && self->count < MAX_RECORDS) {
        tape_record *record = &self->records[self->count++];
        *record = (tape_record){.heard_ns = heard_ns};
        memcpy(&record->receive_ns, payload + times.receive_at, sizeof record->receive_ns);
        if (times.publish_at > 0)
            memcpy(&record->publish_ns, payload + times.publish_at, sizeof record->publish_ns);
    }
    if (self->capture != NULL &&
        !capture_write(self->capture, &(capture_entry){natsMsg_GetSubject(message), payload, length}))
        fail("capturing", "the file can't be written");
    natsMsg_Destroy(message);
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *context) {
    int64_t heard_ns = schedule_clock_ns();
    (void)connection, (void)subscription;
    take(context, message, heard_ns);
}

static void listen_with_threads(listener *self, const char *url, const char *subject) {
    natsConnection *connection = NULL;
    natsSubscription *subscription = NULL;
    natsStatus status = natsConnection_ConnectTo(&connection, url);
    if (status == NATS_OK) status = natsConnection_Subscribe(&subscription, connection, subject, on_message, self);
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
    if (status == NATS_OK) status = natsConnection_Flush(connection);
    if (status != NATS_OK) fail(url, natsStatus_GetText(status));
    puts("ready");
    fflush(stdout);
    while (!stopping)
        poll(NULL, 0, 20);
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(connection);
}

static void drain(listener *self, natsSubscription *subscription) {
    int pending = 0;
    natsSubscription_GetPending(subscription, &pending, NULL);
    for (natsMsg *message = NULL; pending > 0; pending--) {
        if (natsSubscription_NextMsg(&message, subscription, 0) != NATS_OK) return;
        take(self, message, schedule_clock_ns());
    }
}

static void listen_in_a_loop(listener *self, const char *url, const char *subject) {
    nats_poll bus;
    natsSubscription *subscription = NULL;
    natsStatus status = nats_poll_open(&bus, url);
    if (status == NATS_OK) status = natsConnection_SubscribeSync(&subscription, bus.connection, subject);
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
    if (status == NATS_OK) status = nats_poll_settle(&bus);
    if (status != NATS_OK) fail(url, natsStatus_GetText(status));
    puts("ready");
    fflush(stdout);
    while (!stopping) {
        struct pollfd readable = {.fd = bus.fd, .events = POLLIN};
        if (poll(&readable, 1, 20) > 0) natsConnection_ProcessReadEvent(bus.connection);
        drain(self, subscription);
        nats_poll_write(&bus); /* answers to pings */
        if (natsConnection_IsClosed(bus.connection)) fail("bus", "closed");
    }
    natsSubscription_Destroy(subscription);
    nats_poll_close(&bus);
}

int main(int argc, char **argv) {
    static listener self;
    if (argc < 5) fail("usage", "URL SUBJECT loop|threads RECORDS [CAPTURE]");
    signal(SIGTERM, on_signal);
    self.records = malloc(MAX_RECORDS * sizeof *self.records);
    FILE *out = fopen(argv[4], "wb");
    if (argc > 5) self.capture = fopen(argv[5], "wb");
    if (self.records == NULL || out == NULL || (argc > 5 && self.capture == NULL)) fail("start", strerror(errno));
    memset(self.records, 1, (512u << 10) * sizeof *self.records); /* no page is taken while the clock runs */
    if (strcmp(argv[3], "threads") == 0)
        listen_with_threads(&self, argv[1], argv[2]);
    else
        listen_in_a_loop(&self, argv[1], argv[2]);
    nats_Close();
    if (fwrite(self.records, sizeof *self.records, self.count, out) != self.count || fclose(out) != 0 ||
        (self.capture != NULL && fclose(self.capture) != 0))
        fail(argv[4], "can't be written");
    return 0;
}
