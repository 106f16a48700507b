/* A simulated day on its way out; see simulate_output.h. */
#include "tools/simulate_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/source/udp_sender.h"
#include "tools/mold_packet.h"

#define FILE_BUFFER_BYTES (1u << 20)
#define FRAME_BYTES       (2u + 65535u)
#define BATCH_PACKETS     64u

struct simulate_output {
    simulate_totals totals;
    /* a file */
    char path[1024];
    FILE *file; /* NULL: the network, or a file that is complete */
    bool standard;
    /* the network */
    udp_sender *sender;
    size_t packet_bytes;
    uint8_t *packets; /* BATCH_PACKETS of packet_bytes each */
    size_t lengths[BATCH_PACKETS];
    uint32_t filled;    /* packets that are whole */
    mold_packet packet; /* the one being filled: packets[filled] */
};

/* ---- a file ---- */

static tw_code file_open(simulate_output *output, tw_error *error) {
    output->standard = strcmp(output->path, "-") == 0;
    output->file = output->standard ? stdout : fopen(output->path, "wb");
    if (output->file == NULL) return tw_error_set_errno(error, errno, "writing %s", output->path);
    setvbuf(output->file, NULL, _IOFBF, FILE_BUFFER_BYTES);
    return TW_OK;
}

static tw_code file_write(simulate_output *output, const uint8_t *message, uint16_t length, tw_error *error) {
    uint8_t frame[FRAME_BYTES];
    size_t bytes = binaryfile_write(frame, sizeof frame, message, length);
    if (fwrite(frame, 1, bytes, output->file) != bytes)
        return tw_error_set_errno(error, errno, "writing %s", output->path);
    output->totals.bytes += bytes;
    return TW_OK;
}

/* Flushing and closing can fail too: a full disk is often told only here. */
static tw_code file_complete(simulate_output *output, tw_error *error) {
    FILE *file = output->file;
    output->file = NULL;
    int failed = output->standard ? fflush(file) : fclose(file);
    return failed != 0 ? tw_error_set_errno(error, errno, "writing %s", output->path) : TW_OK;
}

/* ---- the network ---- */

static tw_code net_open(simulate_output *output, const location *where, tw_error *error) {
    output->packets = malloc(BATCH_PACKETS * output->packet_bytes);
    if (output->packets == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for packets");
    return udp_sender_open(&output->sender, where, error);
}

static uint8_t *packet_at(simulate_output *output, uint32_t index) {
    return output->packets + index * output->packet_bytes;
}

/* The packet being filled is whole; the next one begins behind it. */
static void packet_finish(simulate_output *output) {
    size_t length = mold_packet_finish(&output->packet);
    if (length == 0) return;
    output->lengths[output->filled++] = length;
}

static tw_code packets_send(simulate_output *output, tw_error *error) {
    udp_datagram datagrams[BATCH_PACKETS];
    for (uint32_t i = 0; i < output->filled; i++) {
        datagrams[i] = (udp_datagram){packet_at(output, i), (uint32_t)output->lengths[i]};
        output->totals.bytes += output->lengths[i];
    }
    output->totals.packets += output->filled;
    uint32_t count = output->filled;
    output->filled = 0;
    return count == 0 ? TW_OK : udp_sender_send(output->sender, datagrams, count, error);
}

static tw_code net_message(simulate_output *output, const uint8_t *message, uint16_t length, tw_error *error) {
    for (int attempt = 0; attempt < 2; attempt++) {
        output->packet.bytes = packet_at(output, output->filled);
        if (mold_packet_add(&output->packet, message, length)) return TW_OK;
        packet_finish(output);
        tw_code code = output->filled == BATCH_PACKETS ? packets_send(output, error) : TW_OK;
        if (code != TW_OK) return code;
    }
    return tw_error_set(error, TW_INVALID, "a message of %u bytes fits no packet", length);
}

/* A packet without messages. */
static tw_code net_signal(simulate_output *output, uint16_t count, tw_error *error) {
    tw_code code = simulate_output_flush(output, error);
    if (code != TW_OK) return code;
    output->packet.bytes = packet_at(output, 0);
    output->lengths[0] = mold_packet_signal(&output->packet, count);
    output->filled = 1;
    return packets_send(output, error);
}

/* ---- both ---- */

tw_code simulate_output_open(simulate_output **out, const location *where, size_t packet_bytes, tw_error *error) {
    *out = NULL;
    simulate_output *output = calloc(1, sizeof *output);
    if (output == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the output");
    output->packet_bytes = packet_bytes;
    output->packet.capacity = packet_bytes;
    tw_text_copy(output->path, sizeof output->path, where->path);
    tw_code code = where->kind == LOCATION_FILE ? file_open(output, error) : net_open(output, where, error);
    if (code != TW_OK) {
        simulate_output_close(output);
        return code;
    }
    *out = output;
    return TW_OK;
}

void simulate_output_close(simulate_output *output) {
    if (output == NULL) return;
    if (output->file != NULL && !output->standard) fclose(output->file);
    if (output->sender != NULL) udp_sender_close(output->sender);
    free(output->packets);
    free(output);
}

void simulate_output_start(simulate_output *output, const char *session, uint64_t first_sequence) {
    mold_packet_start(&output->packet, session, first_sequence);
}

tw_code simulate_output_message(simulate_output *output, const uint8_t *message, uint16_t length, tw_error *error) {
    output->totals.messages++;
    return output->file != NULL ? file_write(output, message, length, error)
                                : net_message(output, message, length, error);
}

tw_code simulate_output_flush(simulate_output *output, tw_error *error) {
    if (output->sender == NULL) return TW_OK;
    packet_finish(output);
    return packets_send(output, error);
}

tw_code simulate_output_heartbeat(simulate_output *output, tw_error *error) {
    return output->sender == NULL ? TW_OK : net_signal(output, 0, error);
}

tw_code simulate_output_end(simulate_output *output, tw_error *error) {
    if (output->sender != NULL) return net_signal(output, MOLDUDP64_END_OF_SESSION, error);
    tw_code code = file_write(output, NULL, 0, error);
    return code != TW_OK ? code : file_complete(output, error);
}

simulate_totals simulate_output_totals(const simulate_output *output) {
    return output->totals;
}
