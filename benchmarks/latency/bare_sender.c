/*
 * Sends a tape of packets by UDP on a fixed schedule, to one line or to two.
 *
 *   bare_sender TAPE FAST WARM_UP COUNT RATE WHERE [WHERE]
 *
 * The first FAST packets at their own pace, then COUNT at RATE a second, to udp://HOST:PORT[@INTERFACE]. With two of these
 * every packet goes to both, one after the other; which of them comes first changes from packet to packet. Prints {"start_ns":…,"end_ns":…,
 * "late_p50_us":…,"late_p99_us":…}: from when to when the measured packets were due (WARM_UP of the COUNT are not
 * measured), and by how much the sender itself was late.
 */
#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/latency/schedule.h"
#include "benchmarks/latency/tape.h"
#include "ingest/source/udp_sender.h"

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_sender: %s: %s\n", what, why);
    exit(1);
}

static udp_sender *open_line(const char *text) {
    location where;
    udp_sender *sender = NULL;
    tw_error error = {0};
    if (location_parse(text, &where, &error) != TW_OK || udp_sender_open(&sender, &where, &error) != TW_OK)
        fail(text, error.text);
    return sender;
}

static void send_packet(udp_sender *sender, const uint8_t *packet, uint32_t length) {
    tw_error error = {0};
    udp_datagram datagram = {packet, length};
    if (udp_sender_send(sender, &datagram, 1, &error) != TW_OK) fail("sending", error.text);
}

static uint32_t number(const char *text) {
    uint64_t value = 0;
    if (!tw_text_to_u64(text, &value) || value > UINT32_MAX) fail(text, "is no number that fits");
    return (uint32_t)value;
}

int main(int argc, char **argv) {
    static tw_histogram late;
    tape packets = {0};
    if (argc != 7 && argc != 8) fail("usage", "bare_sender TAPE FAST WARM_UP COUNT RATE WHERE [WHERE]");
    if (!tape_read(&packets, argv[1])) fail(argv[1], "can't be read");
    uint32_t fast = number(argv[2]), warm_up = number(argv[3]), count = number(argv[4]);
    if ((uint64_t)fast + count > packets.events) fail(argv[1], "holds too few packets");
    int lines = argc - 6;
    udp_sender *senders[2] = {open_line(argv[6]), lines == 2 ? open_line(argv[7]) : NULL};
    schedule plan = schedule_start(fast, number(argv[5]));
    for (uint32_t i = 0; i < fast + count; i++) {
        uint32_t length;
        const uint8_t *packet = tape_event(&packets, i, &length);
        schedule_wait(&plan, i);
        if (i >= fast + warm_up) tw_histogram_record(&late, schedule_clock_ns() - schedule_due_ns(&plan, i));
        for (int line = 0; line < lines; line++)
            send_packet(senders[(i + (uint32_t)line) % (uint32_t)lines], packet, length);
    }
    printf("{\"start_ns\":%lld,\"end_ns\":%lld,\"late_p50_us\":%.1f,\"late_p99_us\":%.1f}\n",
           (long long)schedule_due_ns(&plan, fast + warm_up), (long long)schedule_clock_ns(),
           (double)tw_histogram_quantile(&late, 500) / 1e3, (double)tw_histogram_quantile(&late, 990) / 1e3);
    return 0;
}
