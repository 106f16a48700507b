/*
 * Baselines (a) and (b): a program that publishes on a fixed schedule what the ingest published, from memory, and does
 * nothing else.
 *
 *   bare_paced_publisher URL TAPE FAST WARM_UP COUNT RATE threads|default|loop
 *
 * threads  nats.c with its own threads, as its documentation has it for low latency (SendAsap: each publish is written
 *          at once by the thread that publishes)
 * default  the same with default options: a flusher thread of nats.c writes, after it has waited for more
 * loop     nats.c in event-loop mode: one write for what is due at one moment
 *
 * Prints {"start_ns":…,"end_ns":…,"late_p50_us":…,"late_p99_us":…} like bare_sender.
 */
#include <nats/nats.h>

#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/latency/nats_poll.h"
#include "benchmarks/latency/publish.h"

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_paced_publisher: %s: %s\n", what, why);
    exit(1);
}

static natsConnection *connect_with_threads(const char *url, bool at_once) {
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK) status = natsOptions_SetURL(options, url);
    if (status == NATS_OK) status = natsOptions_SetSendAsap(options, at_once);
    if (status == NATS_OK) status = natsConnection_Connect(&connection, options);
    natsOptions_Destroy(options);
    if (status != NATS_OK) fail(url, natsStatus_GetText(status));
    return connection;
}

static uint32_t number(const char *text) {
    uint64_t value = 0;
    if (!tw_text_to_u64(text, &value) || value > UINT32_MAX) fail(text, "is no number that fits");
    return (uint32_t)value;
}

int main(int argc, char **argv) {
    static tw_histogram late;
    tape events = {0};
    nats_poll loop = {.fd = -1};
    if (argc != 8) fail("usage", "URL TAPE FAST WARM_UP COUNT RATE threads|default|loop");
    bool looping = strcmp(argv[7], "loop") == 0;
    if (!tape_read(&events, argv[2])) fail(argv[2], "can't be read");
    uint32_t fast = number(argv[3]), warm_up = number(argv[4]), count = number(argv[5]);
    if ((uint64_t)fast + count > events.events) fail(argv[2], "holds too few events");
    if (!looping)
        loop.connection = connect_with_threads(argv[1], strcmp(argv[7], "threads") == 0);
    else if (nats_poll_open(&loop, argv[1]) != NATS_OK)
        fail(argv[1], "can't connect");
    schedule plan = schedule_start(0, number(argv[6]));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        const uint8_t *event = tape_event(&events, fast + i, &length);
        int64_t arrival_ns = schedule_wait(&plan, i);
        if (i >= warm_up) tw_histogram_record(&late, schedule_clock_ns() - schedule_due_ns(&plan, i));
        natsStatus status = publish_event(loop.connection, event, length, arrival_ns);
        if (status != NATS_OK) fail("publishing", natsStatus_GetText(status));
        bool next_is_due = i + 1 < count && schedule_due_ns(&plan, i + 1) <= schedule_clock_ns();
        if (looping && !next_is_due) nats_poll_write(&loop);
    }
    printf("{\"start_ns\":%lld,\"end_ns\":%lld,\"late_p50_us\":%.1f,\"late_p99_us\":%.1f}\n",
           (long long)schedule_due_ns(&plan, warm_up), (long long)schedule_clock_ns(),
           (double)tw_histogram_quantile(&late, 500) / 1e3, (double)tw_histogram_quantile(&late, 990) / 1e3);
    fflush(stdout);
    if (!looping) natsConnection_FlushTimeout(loop.connection, 5000);
    nats_poll_close(&loop);
    nats_Close();
    return 0;
}
