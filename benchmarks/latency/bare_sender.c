/*
 * Sends a tape of packets by UDP on a fixed schedule, to one line or to two.
 *
 *   bare_sender TAPE FAST WARM_UP COUNT RATE PORT [PORT]
 *
 * The first FAST packets at their own pace, then COUNT at RATE a second. With two ports every packet goes to both, one
 * after the other; which of them comes first changes from packet to packet. Prints {"start_ns":…,"end_ns":…,
 * "late_p50_us":…,"late_p99_us":…}: from when to when the measured packets were due (WARM_UP of the COUNT are not
 * measured), and by how much the sender itself was late.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/latency/schedule.h"
#include "benchmarks/latency/tape.h"

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_sender: %s: %s\n", what, why);
    exit(1);
}

static int connected_socket(const char *port_text) {
    uint64_t port = 0;
    int room = 4 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (!tw_text_to_u64(port_text, &port)) fail(port_text, "is no port");
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) fail("socket", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return fd;
}

static uint32_t number(const char *text) {
    uint64_t value = 0;
    if (!tw_text_to_u64(text, &value) || value > UINT32_MAX) fail(text, "is no number that fits");
    return (uint32_t)value;
}

int main(int argc, char **argv) {
    static tw_histogram late;
    tape packets = {0};
    if (argc != 7 && argc != 8) fail("usage", "bare_sender TAPE FAST WARM_UP COUNT RATE PORT [PORT]");
    if (!tape_read(&packets, argv[1])) fail(argv[1], "can't be read");
    uint32_t fast = number(argv[2]), warm_up = number(argv[3]), count = number(argv[4]);
    if ((uint64_t)fast + count > packets.events) fail(argv[1], "holds too few packets");
    int lines = argc - 6, sockets[2] = {connected_socket(argv[6]), lines == 2 ? connected_socket(argv[7]) : -1};
    schedule plan = schedule_start(fast, number(argv[5]));
    for (uint32_t i = 0; i < fast + count; i++) {
        uint32_t length;
        const uint8_t *packet = tape_event(&packets, i, &length);
        schedule_wait(&plan, i);
        if (i >= fast + warm_up) tw_histogram_record(&late, schedule_clock_ns() - schedule_due_ns(&plan, i));
        for (int line = 0; line < lines; line++) /* a refusal is the receiver's end, and shows as loss */
            (void)!send(sockets[(i + (uint32_t)line) % (uint32_t)lines], packet, length, 0);
    }
    printf("{\"start_ns\":%lld,\"end_ns\":%lld,\"late_p50_us\":%.1f,\"late_p99_us\":%.1f}\n",
           (long long)schedule_due_ns(&plan, fast + warm_up), (long long)schedule_clock_ns(),
           (double)tw_histogram_quantile(&late, 500) / 1e3, (double)tw_histogram_quantile(&late, 990) / 1e3);
    return 0;
}
