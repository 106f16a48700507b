/* Frames in, counts out. */
#include "benchmarks/gateway/counting.h"

#include <string.h>

#include "benchmarks/gateway/websocket.h"

#define LOOK_EVERY         61u   /* no multiple of how many there are of anything */
#define PROTOBUF_SUBJECT   0x0au /* the first byte of a frame with an update; control frames have no subject */
#define MOST_PROTOCOL_LINE 512u

static void record(load_board *board, int64_t now_ns, int64_t receive_ns) {
    if (receive_ns > 0) tw_histogram_record(&board->latency, now_ns - receive_ns);
}

/* An encoded BookUpdate's header. False: it is none. */
static bool open_update(wire_arena *arena, const uint8_t *bytes, size_t length, wire_header *header) {
    wire_book_update update;
    if (wire_book_update_decode(arena, bytes, length, &update) != WIRE_OK) return false;
    *header = update.header;
    return true;
}

/* ---- protobuf of the gateway ---- */

static void count_protobuf(const counting_events *events, const uint8_t *frame, size_t length, int64_t now_ns,
                           load_board *board) {
    static const uint8_t alone[] = {0xf0, 0x01, 0x01}; /* merged: 1 */
    bool plain = length > sizeof alone && memcmp(frame + length - sizeof alone, alone, sizeof alone) == 0;
    if (plain && (board->updates + 1) % LOOK_EVERY != 0) {
        board->updates++;
        return;
    }
    wire_stream_frame whole;
    wire_header header;
    if (wire_stream_frame_decode(frame, length, &whole) != WIRE_OK || whole.payload != WIRE_STREAM_BOOK ||
        !open_update(events->arena, whole.bytes, whole.length, &header)) {
        board->faults++;
        return;
    }
    if (header.snapshot) {
        board->snapshots++;
        board->merged += whole.merged;
        return;
    }
    board->updates++;
    board->merged += whole.merged > 0 ? whole.merged - 1 : 0;
    if (board->updates % LOOK_EVERY == 0) record(board, now_ns, header.receive_ns);
}

/* ---- JSON of the gateway ---- */

static uint64_t number_behind(const uint8_t *frame, size_t length, const char *name) {
    const uint8_t *at = memmem(frame, length, name, strlen(name));
    uint64_t value = 0;
    if (at == NULL) return 0;
    for (at += strlen(name); at < frame + length && *at >= '0' && *at <= '9'; at++)
        value = 10 * value + (uint64_t)(*at - '0');
    return value;
}

static void count_json(const counting_events *events, const uint8_t *frame, size_t length, int64_t now_ns,
                       load_board *board) {
    (void)events;
    static const char alone[] = "\"merged\":1}";
    const size_t tail = sizeof alone - 1;
    bool plain = length > tail && memcmp(frame + length - tail, alone, tail) == 0;
    uint64_t merged = plain ? 1 : number_behind(frame, length, "\"merged\":");
    if (!plain && memmem(frame, length, "\"snapshot\":true", 15) != NULL) {
        board->snapshots++;
        board->merged += merged;
        return;
    }
    board->updates++;
    board->merged += merged > 0 ? merged - 1 : 0;
    if (board->updates % LOOK_EVERY == 0)
        record(board, now_ns, (int64_t)number_behind(frame, length, "\"receive_ns\":\""));
}

/* ---- the gateway's frames ---- */

static bool starts_with(const uint8_t *bytes, size_t length, const char *text) {
    return length >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

static void take_control(const uint8_t *text, size_t length, const counting_events *events, load_board *board) {
    bool answered = memmem(text, length, "\"type\":\"ack\"", 12) != NULL ||
                    memmem(text, length, "\"type\":\"pong\"", 13) != NULL;
    if (answered) events->on_confirmed(events->context);
    if (memmem(text, length, "\"type\":\"error\"", 14) != NULL) board->faults++;
}

static void take_frame(load_language language, const ws_head *head, const uint8_t *frame, int64_t now_ns,
                       const counting_events *events, load_board *board) {
    size_t length = (size_t)head->length;
    bool update = language == LOAD_JSON ? starts_with(frame, length, "{\"type\":\"book\"")
                                        : length > 0 && frame[0] == PROTOBUF_SUBJECT;
    if (head->opcode == WS_PING) {
        events->on_ping(events->context, frame, length);
    } else if (head->opcode != WS_TEXT && head->opcode != WS_BINARY) {
        if (head->opcode != WS_CLOSE) board->faults++;
    } else if (!update) {
        take_control(frame, length, events, board);
    } else {
        (language == LOAD_JSON ? count_json : count_protobuf)(events, frame, length, now_ns, board);
        if (events->on_update != NULL) events->on_update(events->context, frame, length);
    }
}

static size_t take_frames(load_language language, const uint8_t *bytes, size_t length, int64_t now_ns,
                          const counting_events *events, load_board *board) {
    size_t at = 0;
    ws_head head;
    while (ws_read_head(bytes + at, length - at, &head) && head.length <= length - at - head.head_bytes) {
        take_frame(language, &head, bytes + at + head.head_bytes, now_ns, events, board);
        at += head.head_bytes + (size_t)head.length;
    }
    return at;
}

/* ---- NATS ---- */

/* The last number of a line that ends before `end`. */
static size_t last_number(const uint8_t *line, const uint8_t *end) {
    size_t value = 0, scale = 1;
    while (end > line && end[-1] >= '0' && end[-1] <= '9') {
        value += scale * (size_t)(*--end - '0');
        scale *= 10;
    }
    return value;
}

/* One line and its payload; 0 if they are not all there. */
static size_t take_nats_message(const uint8_t *bytes, size_t length, int64_t now_ns, const counting_events *events,
                                load_board *board) {
    const uint8_t *end = memchr(bytes, '\n', length);
    if (end == NULL || end == bytes) return 0;
    size_t line = (size_t)(end - bytes) + 1;
    if (!starts_with(bytes, length, "MSG ")) {
        if (starts_with(bytes, length, "PONG")) events->on_confirmed(events->context);
        if (starts_with(bytes, length, "PING")) events->on_nats_ping(events->context);
        if (starts_with(bytes, length, "-ERR")) board->faults++;
        return line;
    }
    size_t payload = last_number(bytes, end - 1);
    if (length < line + payload + 2) return 0;
    board->updates++;
    wire_header header;
    if (board->updates % LOOK_EVERY == 0 && open_update(events->arena, bytes + line, payload, &header))
        record(board, now_ns, header.receive_ns);
    return line + payload + 2;
}

/* The messages of one frame follow each other in it. Messages do not go over a frame's end: the server writes whole ones. */
static size_t take_nats(counting *self, const uint8_t *bytes, size_t length, int64_t now_ns,
                        const counting_events *events, load_board *board) {
    size_t at = 0;
    for (;;) {
        ws_head head;
        if (self->frame_left == 0) {
            if (!ws_read_head(bytes + at, length - at, &head)) return at;
            if (head.opcode == WS_PING || head.opcode == WS_CLOSE) {
                if (head.length > length - at - head.head_bytes) return at;
                if (head.opcode == WS_PING)
                    events->on_ping(events->context, bytes + at + head.head_bytes, (size_t)head.length);
                at += head.head_bytes + (size_t)head.length;
                continue;
            }
            at += head.head_bytes;
            self->frame_left = head.length;
        }
        size_t there = length - at < self->frame_left ? length - at : (size_t)self->frame_left;
        size_t taken = there == 0 ? 0 : take_nats_message(bytes + at, there, now_ns, events, board);
        if (taken == 0) {
            if (there < self->frame_left || there == 0) return at;
            board->faults++; /* a message over a frame's end: its count is lost */
            taken = there;
        }
        at += taken;
        self->frame_left -= taken;
    }
}

size_t counting_take(counting *self, load_language language, const uint8_t *bytes, size_t length, int64_t now_ns,
                     const counting_events *events, load_board *board) {
    if (language == LOAD_NATS) return take_nats(self, bytes, length, now_ns, events, board);
    return take_frames(language, bytes, length, now_ns, events, board);
}
