/*
 * The listener of bench_ingest, the same for whoever publishes: a plain nats.c program with an asynchronous
 * subscription, that counts.
 *
 *   bare_subscriber URL SUBJECT [--count N] [--warm-up N] [--idle MS] [--capture FILE] [--latency]
 *
 * Says "ready" on standard output when the server knows the subscription. Ends after N messages, or when nothing has
 * come for MS (2000) since the last one, or on SIGTERM; then prints
 * {"messages":…,"bytes":…,"dropped":…,"span_s":…}: span from the first message to the last, or from the one after
 * --warm-up. --capture keeps what came (see capture.h). --latency decodes books and quotes and adds the time from a
 * packet's arrival (the kernel's stamp, carried as receive_ns) to this program's callback:
 * {"latency_us":{"p50":…,"p99":…,"p999":…,"max":…}}.
 *
 * Pending limits are off, so that what is slow here shows as time, and not as loss.
 */
#include <nats/nats.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/ingest/capture.h"
#include "benchmarks/ingest/span.h"
#include "proto/codec.h"

#define WAIT_STEP_NS 1000000

typedef struct listener {
    uint64_t wanted;  /* 0: until idle */
    uint64_t warm_up; /* messages before the clock starts */
    uint64_t idle_ns; /* since the last message */
    FILE *capture;
    bool latency;
    wire_arena arena;
    tw_histogram delays;
    _Atomic uint64_t messages, first_ns, last_ns;
    uint64_t bytes;
} listener;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_subscriber: %s: %s\n", what, why);
    exit(1);
}

static void record_delay(listener *self, const char *subject, const uint8_t *payload, size_t length) {
    struct timespec now;
    wire_header header = {0};
    wire_book_update book;
    wire_quote quote;
    size_t end = strlen(subject);
    clock_gettime(CLOCK_REALTIME, &now);
    if (end > 10 && strcmp(subject + end - 10, ".orderbook") == 0) {
        if (wire_book_update_decode(&self->arena, payload, length, &book) == WIRE_OK) header = book.header;
    } else if (end > 6 && strcmp(subject + end - 6, ".quote") == 0) {
        if (wire_quote_decode(&self->arena, payload, length, &quote) == WIRE_OK) header = quote.header;
    }
    if (header.receive_ns == 0 || header.receive_ns == TW_TIME_ABSENT) return;
    tw_histogram_record(&self->delays, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - header.receive_ns);
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *context) {
    listener *self = context;
    (void)connection, (void)subscription;
    uint64_t now_ns = span_now_ns();
    const char *subject = natsMsg_GetSubject(message);
    const uint8_t *payload = (const uint8_t *)natsMsg_GetData(message);
    uint32_t length = (uint32_t)natsMsg_GetDataLength(message);
    if (self->messages <= self->warm_up) self->first_ns = now_ns;
    if (self->latency) record_delay(self, subject, payload, length);
    if (self->capture != NULL && !capture_write(self->capture, &(capture_entry){subject, payload, length}))
        fail("capturing", "the file can't be written");
    self->bytes += length;
    self->last_ns = now_ns;
    self->messages++;
    natsMsg_Destroy(message);
}

/* Polling costs a thousand wake-ups a second and nothing per message. */
static void wait_for_all(listener *self) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    for (;;) {
        if (self->wanted > 0 && self->messages >= self->wanted) return;
        if (self->messages > 0 && span_now_ns() > self->last_ns + self->idle_ns) return;
        if (sigtimedwait(&ends, NULL, &(struct timespec){.tv_nsec = WAIT_STEP_NS}) == SIGTERM) return;
    }
}

static void print_result(listener *self, int64_t dropped) {
    printf("{\"messages\":%llu,\"bytes\":%llu,\"dropped\":%lld,\"span_s\":%.6f", (unsigned long long)self->messages,
           (unsigned long long)self->bytes, (long long)dropped, (double)(self->last_ns - self->first_ns) / 1e9);
    if (self->latency)
        printf(",\"latency_us\":{\"count\":%llu,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}",
               (unsigned long long)self->delays.count, (double)tw_histogram_quantile(&self->delays, 500) / 1e3,
               (double)tw_histogram_quantile(&self->delays, 990) / 1e3,
               (double)tw_histogram_quantile(&self->delays, 999) / 1e3, (double)self->delays.maximum / 1e3);
    puts("}");
}

static void listen_to(listener *self, const char *url, const char *subject) {
    natsConnection *connection = NULL;
    natsSubscription *subscription = NULL;
    int64_t dropped = 0;
    natsStatus status = natsConnection_ConnectTo(&connection, url);
    if (status == NATS_OK) status = natsConnection_Subscribe(&subscription, connection, subject, on_message, self);
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(subscription, -1, -1);
    if (status == NATS_OK) status = natsConnection_Flush(connection);
    if (status != NATS_OK) fail(url, natsStatus_GetText(status));
    puts("ready");
    fflush(stdout);
    wait_for_all(self);
    natsSubscription_GetDropped(subscription, &dropped);
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(connection);
    nats_Close(); /* its threads have ended: the counts stand still */
    print_result(self, dropped);
}

int main(int argc, char **argv) {
    static listener self = {.idle_ns = UINT64_C(2000000000)};
    uint64_t idle_ms = 2000;
    bool usable = argc >= 3;
    for (int i = 3; i < argc && usable; i++) {
        bool value = i + 1 < argc;
        if (value && strcmp(argv[i], "--count") == 0)
            usable = tw_text_to_u64(argv[++i], &self.wanted);
        else if (value && strcmp(argv[i], "--warm-up") == 0)
            usable = tw_text_to_u64(argv[++i], &self.warm_up);
        else if (value && strcmp(argv[i], "--idle") == 0)
            usable = tw_text_to_u64(argv[++i], &idle_ms);
        else if (value && strcmp(argv[i], "--capture") == 0)
            usable = (self.capture = fopen(argv[++i], "wb")) != NULL;
        else
            usable = self.latency = strcmp(argv[i], "--latency") == 0;
    }
    if (!usable) fail("usage", "URL SUBJECT [--count N] [--warm-up N] [--idle MS] [--capture FILE] [--latency]");
    self.idle_ns = idle_ms * 1000000;
    if (!wire_arena_init(&self.arena, 65536)) fail("start", "no memory");
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL); /* before nats.c starts its threads: they inherit it */
    listen_to(&self, argv[1], argv[2]);
    if (self.capture != NULL && fclose(self.capture) != 0) fail("capturing", "the file can't be written");
    wire_arena_fini(&self.arena);
    return 0;
}
