/* One packet at a time goes through a MoldUDP64 line; what it releases waits here until it is asked for. */
#include "tools/serve/capture_input.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/market.h"
#include "ingest/line/mold_line.h"
#include "ingest/source/pcap_source.h"
#include "tools/serve/feed_store.h"

/* Two lines of one feed are milliseconds apart; a capture of a day must not be read to its end to find a hole. */
#define WAIT_NS      INT64_C(5000000000)
#define HOLD_PACKETS 1024u
#define HOLD_BYTES   9216u

struct capture_input {
    pcap_source *pcap;
    mold_line *line;
    feed_store ready;
    uint64_t taken; /* of ready */
    int64_t stamp_ns;
    uint32_t sessions;
    bool end;                 /* of the capture, or of its first session */
    uint64_t lost, lost_from; /* 0: nothing */
    uint64_t payloads;
    bool no_memory;
};

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    capture_input *input = context;
    (void)session;
    (void)first;
    (void)receive_ns;
    if (++input->sessions > 1) input->end = true;
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    capture_input *input = context;
    if (input->sessions > 1 || input->lost > 0) return;
    for (size_t i = 0; i < count; i++)
        if (!feed_store_append(&input->ready, messages[i].bytes, messages[i].length)) input->no_memory = true;
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    capture_input *input = context;
    if (input->sessions > 1 || input->lost > 0) return;
    input->lost = count;
    input->lost_from = from;
}

static void on_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    (void)context; /* another protocol's packets may be among them; if none is MoldUDP64 the end says so */
    (void)why;
    (void)offset;
    (void)length;
}

tw_code capture_input_open(capture_input **out, const location *where, tw_error *error) {
    *out = NULL;
    capture_input *input = calloc(1, sizeof *input);
    if (input == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read the capture");
    mold_line_options options = {.gap = {.deadline_ns = WAIT_NS,
                                         .reorder_window_ns = WAIT_NS,
                                         .hold_packets = HOLD_PACKETS,
                                         .hold_packet_bytes = HOLD_BYTES},
                                 .number_unsequenced = true};
    mold_line_listener listener = {input, on_session, on_messages, on_lost, on_malformed};
    tw_code code = mold_line_alloc(&input->line, &options, &listener, error);
    if (code == TW_OK) code = pcap_source_open(&input->pcap, where, error);
    if (code != TW_OK) {
        capture_input_close(input);
        return code;
    }
    *out = input;
    return TW_OK;
}

void capture_input_close(capture_input *input) {
    if (input == NULL) return;
    pcap_source_close(input->pcap);
    mold_line_free(input->line);
    feed_store_fini(&input->ready);
    free(input);
}

/* The next packet through the line. */
static tw_code read_packet(capture_input *input, tw_error *error) {
    pcap_packet packet;
    bool more = false;
    input->ready.count = input->ready.used = 0;
    input->taken = 0;
    tw_code code = pcap_source_next(input->pcap, &packet, &more, error);
    if (code != TW_OK) return code;
    if (more) {
        input->payloads++;
        if (packet.receive_ns != TW_TIME_ABSENT) input->stamp_ns = packet.receive_ns;
        mold_line_packet(input->line, packet.payload, packet.length, packet.receive_ns, input->stamp_ns);
    } else {
        input->end = true;
        mold_line_finish(input->line);
    }
    return input->no_memory ? tw_error_set(error, TW_NO_MEMORY, "no memory to read the capture") : TW_OK;
}

/* Nothing is ready any more: the end, or why there is none. */
static tw_code finish(const capture_input *input, tw_error *error) {
    if (input->lost > 0)
        return tw_error_set(error, TW_TRUNCATED,
                            "the capture lacks %" PRIu64 " message(s) from number %" PRIu64
                            " on; to be served it must hold every message of its session, on one line or two",
                            input->lost, input->lost_from);
    if (input->sessions > 0) return TW_OK;
    return tw_error_set(error, TW_UNSUPPORTED,
                        "none of the capture's %" PRIu64
                        " UDP payloads is MoldUDP64; ?port=N or ?group=ADDRESS behind the path choose others",
                        input->payloads);
}

tw_code capture_input_next(capture_input *input, feed_input_message *message, tw_error *error) {
    *message = (feed_input_message){0};
    while (input->taken == input->ready.count) {
        if (input->lost > 0 || input->end) return finish(input, error);
        tw_code code = read_packet(input, error);
        if (code != TW_OK) return code;
    }
    message->bytes = feed_store_at(&input->ready, ++input->taken, &message->length);
    message->stamp_ns = input->stamp_ns;
    return TW_OK;
}
