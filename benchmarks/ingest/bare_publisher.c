/*
 * The baseline of bench_ingest: what a plain nats.c program publishes, with nothing around it.
 *
 *   bare_publisher URL CAPTURE
 *
 * Reads the subjects and payloads that bare_subscriber captured into memory, connects with default options, publishes
 * one after the other, flushes. Prints {"messages":…,"publish_s":…,"publish_cpu_s":…}:
 * the loop and the flush, without the reading.
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "benchmarks/ingest/capture.h"
#include "benchmarks/ingest/span.h"

typedef struct recorded {
    uint8_t *bytes;
    size_t length;
} recorded;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_publisher: %s: %s\n", what, why);
    exit(1);
}

/* User and system, all threads. */
static double cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static recorded read_all(const char *path) {
    recorded all = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path, "can't be read");
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    if (length <= 0 || (all.bytes = malloc((size_t)length)) == NULL) fail(path, "is empty, or there is no memory");
    all.length = fread(all.bytes, 1, (size_t)length, file);
    fclose(file);
    return all;
}

static uint64_t publish_all(natsConnection *connection, const recorded *all) {
    uint64_t messages = 0;
    capture_entry entry;
    for (size_t at = 0; capture_next(all->bytes, all->length, &at, &entry); messages++) {
        natsStatus status = natsConnection_Publish(connection, entry.subject, entry.payload, (int)entry.length);
        if (status != NATS_OK) fail("publishing", natsStatus_GetText(status));
    }
    natsStatus status = natsConnection_Flush(connection);
    if (status != NATS_OK) fail("flushing", natsStatus_GetText(status));
    return messages;
}

int main(int argc, char **argv) {
    natsConnection *connection = NULL;
    if (argc != 3) fail("usage", "bare_publisher URL CAPTURE");
    recorded all = read_all(argv[2]);
    natsStatus status = natsConnection_ConnectTo(&connection, argv[1]);
    if (status != NATS_OK) fail(argv[1], natsStatus_GetText(status));
    double start_cpu_s = cpu_s();
    uint64_t start_ns = span_now_ns();
    uint64_t messages = publish_all(connection, &all);
    printf("{\"messages\":%llu,\"publish_s\":%.6f,\"publish_cpu_s\":%.6f}\n", (unsigned long long)messages,
           (double)(span_now_ns() - start_ns) / 1e9, cpu_s() - start_cpu_s);
    natsConnection_Destroy(connection);
    nats_Close();
    free(all.bytes);
    return 0;
}
