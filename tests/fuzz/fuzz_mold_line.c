/*
 * A MoldUDP64 line, framing and gap tracking together: datagrams from the input, with time between them. Messages
 * come in order, each once; what was lost and what was delivered add up; a message is the one that was sent.
 *
 * The input: an options byte, then records of a kind byte, and by kind
 *   0  a time step, 2 byte length, bytes: any payload
 *   1  a time step: nothing comes
 *   2  nothing more will come of this session
 *   3  and above: a time step, a session, a sequence number, a count: a packet that is one
 */
#include "ingest/line/mold_line.h"

#include "tests/fuzz/fuzz.h"

#define MS INT64_C(1000000)

typedef struct listener {
    bool named;
    bool any_bytes; /* payloads that were not made here: their messages can't be told from each other */
    uint64_t next;
    uint64_t delivered, lost, malformed;
    char session;
} listener;

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    (void)receive_ns;
    listener *self = context;
    self->named = true;
    self->next = first;
    self->session = session[0];
}

static void check_content(const listener *self, const feed_message *message) {
    if (self->any_bytes) return;
    FUZZ_CHECK(message->length == 9);
    FUZZ_CHECK(message->bytes[0] == (uint8_t)self->session);
    FUZZ_CHECK(tw_load_be64(message->bytes + 1) == message->seq);
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    listener *self = context;
    FUZZ_CHECK(self->named && count > 0);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(messages[i].seq == self->next);
        check_content(self, &messages[i]);
        self->next++;
        self->delivered++;
    }
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    listener *self = context;
    FUZZ_CHECK(self->named && count > 0 && from == self->next);
    FUZZ_CHECK(count <= UINT64_MAX - self->next);
    self->next += count;
    self->lost += count;
}

static void on_malformed(void *context, moldudp64_result why, size_t offset, size_t length) {
    listener *self = context;
    FUZZ_CHECK(why != MOLDUDP64_OK && offset <= length);
    self->malformed++;
}

static void send_bytes(mold_line *line, fuzz_input *input, listener *told, int64_t now_ns) {
    size_t length;
    uint8_t *payload = fuzz_piece(input, fuzz_u16(input) & 1023u, &length, 0);
    told->any_bytes = true;
    mold_line_packet(line, payload, length, now_ns, now_ns);
    free(payload);
}

/* Sequence numbers near the end of all numbers are as likely as any: byte 255 is the last. */
static void send_packet(mold_line *line, fuzz_input *input, int64_t now_ns) {
    uint8_t payload[MOLDUDP64_HEADER_BYTES + 16 * 11];
    const char session[2] = {(char)('A' + fuzz_u8(input) % 3), '\0'};
    uint8_t place = fuzz_u8(input), count = fuzz_u8(input) % 18;
    uint64_t sequence = place < 240 ? place + 1u : UINT64_MAX - (255u - place);
    if (count == 17) {
        moldudp64_write_header(payload, session, sequence, MOLDUDP64_END_OF_SESSION);
        mold_line_packet(line, payload, MOLDUDP64_HEADER_BYTES, now_ns, now_ns);
        return;
    }
    if (count == 16) count = 0;
    size_t length = moldudp64_write_header(payload, session, sequence, count);
    for (uint8_t i = 0; i < count; i++) {
        uint8_t message[9] = {(uint8_t)session[0]};
        tw_store_be64(message + 1, sequence + i);
        length += moldudp64_write_block(payload + length, sizeof payload - length, message, sizeof message);
    }
    mold_line_packet(line, payload, length, now_ns, now_ns);
}

static void check_status(const mold_line *line, const listener *told) {
    mold_line_status status = mold_line_read_status(line);
    FUZZ_CHECK(status.gap.messages == told->delivered);
    FUZZ_CHECK(status.gap.lost == told->lost);
    FUZZ_CHECK(status.malformed == told->malformed);
    if (told->named) FUZZ_CHECK(status.expected == told->next);
    FUZZ_CHECK(!status.gap_open || (status.gap_from <= status.gap_to && status.gap_from == status.expected));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    uint8_t choice = fuzz_u8(&input);
    listener told = {.any_bytes = (choice & 8) != 0};
    mold_line_options options = {.gap = {.reorder_window_ns = (choice & 1) * 10 * MS,
                                         .deadline_ns = 50 * MS,
                                         .hold_packets = (choice & 2) ? 3 : 16,
                                         .hold_packet_bytes = (choice & 4) ? 64 : 256},
                                 .number_unsequenced = (choice & 8) != 0};
    mold_line_listener listens = {&told, on_session, on_messages, on_lost, on_malformed};
    mold_line *line = NULL;
    tw_error error;
    FUZZ_CHECK(mold_line_alloc(&line, &options, &listens, &error) == TW_OK);
    int64_t now_ns = 0;
    while (input.left > 0) {
        uint8_t kind = fuzz_u8(&input) % 8;
        if (kind == 2)
            mold_line_finish(line);
        else
            now_ns += fuzz_u8(&input) * MS;
        if (kind == 0) send_bytes(line, &input, &told, now_ns);
        if (kind == 1) mold_line_poll(line, now_ns);
        if (kind > 2) send_packet(line, &input, now_ns);
        check_status(line, &told);
    }
    mold_line_finish(line);
    check_status(line, &told);
    FUZZ_CHECK(mold_line_read_status(line).gap.held == 0);
    mold_line_free(line);
    return 0;
}
