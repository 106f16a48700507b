/* Packets that came through the faults are copied into a batch, for one system call sends them. */
#include "tools/serve/feed_line.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ingest/source/udp_sender.h"

#define BATCH_PACKETS 64u

struct feed_line {
    faults *faults;
    udp_sender *sender;
    size_t packet_bytes;
    uint32_t filled;
    uint8_t *packets; /* BATCH_PACKETS of packet_bytes each */
    uint32_t lengths[BATCH_PACKETS];
    uint64_t unsent;
    tw_error failed; /* the first; code TW_OK: none */
    bool told;
};

/* A datagram that can't go is passed over; of a kernel that takes no more the whole batch, for each try would cost time
 * that the other lines and the clients need. */
static void send_batch(feed_line *line, const udp_datagram *datagrams, size_t count) {
    for (size_t done = 0; done < count;) {
        tw_error error = {0};
        uint64_t before = udp_sender_sent(line->sender);
        tw_code code = udp_sender_send(line->sender, datagrams + done, count - done, &error);
        done += (size_t)(udp_sender_sent(line->sender) - before);
        if (code == TW_OK) return;
        size_t passed_over = code == TW_FULL ? count - done : 1;
        if (line->unsent == 0) line->failed = error;
        line->unsent += passed_over;
        done += passed_over;
    }
}

void feed_line_flush(feed_line *line) {
    udp_datagram datagrams[BATCH_PACKETS];
    uint32_t count = line->filled;
    for (uint32_t i = 0; i < count; i++)
        datagrams[i] = (udp_datagram){line->packets + i * line->packet_bytes, line->lengths[i]};
    line->filled = 0;
    send_batch(line, datagrams, count);
}

static void take(void *context, const uint8_t *payload, size_t length) {
    feed_line *line = context;
    TW_ASSERT(length <= line->packet_bytes);
    if (line->filled == BATCH_PACKETS) feed_line_flush(line);
    memcpy(line->packets + line->filled * line->packet_bytes, payload, length);
    line->lengths[line->filled++] = (uint32_t)length;
}

tw_code feed_line_open(feed_line **out, const location *where, const faults_options *options, tw_error *error) {
    *out = NULL;
    feed_line *line = calloc(1, sizeof *line);
    if (line == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a line");
    line->packet_bytes = options->payload_bytes;
    line->packets = malloc(BATCH_PACKETS * line->packet_bytes);
    tw_code code = line->packets != NULL ? TW_OK : tw_error_set(error, TW_NO_MEMORY, "no memory for packets");
    if (code == TW_OK) code = faults_alloc(&line->faults, options, take, line, error);
    if (code == TW_OK) code = udp_sender_open(&line->sender, where, error);
    if (code != TW_OK) {
        feed_line_close(line);
        return code;
    }
    *out = line;
    return TW_OK;
}

void feed_line_close(feed_line *line) {
    if (line == NULL) return;
    faults_free(line->faults);
    udp_sender_close(line->sender);
    free(line->packets);
    free(line);
}

void feed_line_packet(feed_line *line, const uint8_t *payload, size_t length, int64_t now_ns) {
    faults_packet(line->faults, payload, length, now_ns);
}

void feed_line_settle(feed_line *line, int64_t now_ns) {
    faults_flush(line->faults, now_ns);
    feed_line_flush(line);
}

faults_stats feed_line_stats(const feed_line *line) {
    return faults_read_stats(line->faults);
}

uint64_t feed_line_unsent(const feed_line *line) {
    return line->unsent;
}

const char *feed_line_news(feed_line *line) {
    if (line->unsent == 0 || line->told) return NULL;
    line->told = true;
    return line->failed.text;
}
