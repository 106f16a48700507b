/* Frames of clients, put together to messages. Strict: what RFC 6455 says a client must not do ends the connection. */
#include "gateways/websocket/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define OPCODE_CONTINUATION 0x0u
#define OPCODE_TEXT         0x1u
#define OPCODE_BINARY       0x2u
#define OPCODE_CLOSE        0x8u
#define OPCODE_PING         0x9u
#define OPCODE_PONG         0xau
#define BIT_FINAL           0x80u
#define BIT_DEFLATED        0x40u /* RSV1 (RFC 7692, section 6) */
#define BITS_RESERVED       0x70u
#define BIT_MASKED          0x80u
#define LENGTH_16           126u
#define LENGTH_64           127u
#define MASK_BYTES          4u
#define LEAST_MESSAGE       256u

void ws_reader_init(ws_reader *r, uint32_t most_bytes, bool deflates) {
    *r = (ws_reader){.most_bytes = most_bytes, .deflates = deflates};
}

void ws_reader_fini(ws_reader *r) {
    free(r->message);
    *r = (ws_reader){0};
}

static ws_event fault(ws_reader *r, uint16_t code, const char *reason) {
    r->over = true;
    return (ws_event){.kind = WS_FAULT, .code = code, .reason = reason};
}

static bool is_control(uint8_t opcode) {
    return (opcode & 0x8u) != 0;
}

static void forget_message(ws_reader *r) {
    free(r->message);
    r->message = NULL;
    r->message_length = r->message_capacity = 0;
    r->given = false;
}

/* ---- heads ---- */

/* What is wrong with a frame's first two bytes; NULL: nothing. */
static const char *start_fault(const ws_reader *r) {
    uint8_t opcode = r->head[0] & 0x0f, reserved = r->head[0] & BITS_RESERVED, length = r->head[1] & 0x7f;
    bool starts = opcode == OPCODE_TEXT || opcode == OPCODE_BINARY;
    if (!(r->head[1] & BIT_MASKED)) return "a client masks its frames";
    if (is_control(opcode)) {
        if (opcode > OPCODE_PONG) return "a reserved opcode";
        if (!(r->head[0] & BIT_FINAL)) return "a control frame is never fragmented";
        if (length > WS_CONTROL_BYTES) return "a control frame carries at most 125 bytes";
    } else if (opcode > OPCODE_BINARY) {
        return "a reserved opcode";
    } else if (starts && r->in_message) {
        return "a message within a message";
    } else if (!starts && !r->in_message) {
        return "a continuation of nothing";
    }
    bool may_deflate = r->deflates && starts;
    return (reserved & ~(may_deflate ? BIT_DEFLATED : 0)) != 0 ? "a reserved bit that was not agreed on" : NULL;
}

static uint8_t head_size(const ws_reader *r) {
    uint8_t length = r->head[1] & 0x7f, more = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
    return (uint8_t)(2 + more + MASK_BYTES);
}

/* The payload's length; false: not written as RFC 6455 has it. */
static bool payload_length(const ws_reader *r, uint64_t *length) {
    *length = r->head[1] & 0x7f;
    if (*length < LENGTH_16) return true;
    if (*length == LENGTH_16) {
        *length = tw_load_be16(r->head + 2);
        return *length >= LENGTH_16;
    }
    *length = tw_load_be64(r->head + 2);
    return *length > UINT16_MAX && *length <= INT64_MAX;
}

/* A whole head: the payload begins. */
static ws_event begin_payload(ws_reader *r) {
    if (!payload_length(r, &r->remaining))
        return fault(r, WS_PROTOCOL_ERROR, "a length in more bytes than it needs");
    r->in_payload = true;
    r->opcode = r->head[0] & 0x0f;
    r->final = (r->head[0] & BIT_FINAL) != 0;
    r->mask_at = 0;
    r->control_length = 0;
    if (is_control(r->opcode)) return (ws_event){.kind = WS_MORE};
    if (r->opcode == OPCODE_BINARY) return fault(r, WS_UNACCEPTABLE, "requests are JSON in text frames");
    if (r->opcode == OPCODE_TEXT) {
        r->in_message = true;
        r->compressed = (r->head[0] & BIT_DEFLATED) != 0;
        r->text = (ws_utf8){0};
    }
    if (r->remaining > r->most_bytes - r->message_length) return fault(r, WS_TOO_BIG, "the request is too long");
    return (ws_event){.kind = WS_MORE};
}

/* As much of the head as is there. */
static ws_event take_head(ws_reader *r, const uint8_t *bytes, size_t length, size_t *used) {
    while (*used < length && (r->head_length < 2 || r->head_length < head_size(r))) {
        r->head[r->head_length++] = bytes[(*used)++];
        const char *wrong = r->head_length == 2 ? start_fault(r) : NULL;
        if (wrong != NULL) return fault(r, WS_PROTOCOL_ERROR, wrong);
    }
    if (r->head_length < 2 || r->head_length < head_size(r)) return (ws_event){.kind = WS_MORE};
    return begin_payload(r);
}

/* ---- payloads ---- */

static void unmask(ws_reader *r, uint8_t *bytes, size_t length) {
    const uint8_t *mask = r->head + r->head_length - MASK_BYTES;
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= mask[(r->mask_at + i) % MASK_BYTES];
    r->mask_at = (uint8_t)((r->mask_at + length) % MASK_BYTES);
}

static bool keep(ws_reader *r, const uint8_t *bytes, size_t length) {
    size_t needed = r->message_length + length;
    if (needed > r->message_capacity) {
        size_t capacity = r->message_capacity == 0 ? LEAST_MESSAGE : 2 * (size_t)r->message_capacity;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *grown = realloc(r->message, capacity);
        if (grown == NULL) return false;
        r->message = grown;
        r->message_capacity = (uint32_t)capacity;
    }
    if (length > 0) memcpy(r->message + r->message_length, bytes, length);
    r->message_length += (uint32_t)length;
    return true;
}

/* A piece of a message, its last one if `ends`. */
static ws_event take_data(ws_reader *r, const uint8_t *bytes, size_t length, bool ends) {
    if (!r->compressed && (!ws_utf8_take(&r->text, bytes, length) || (ends && !ws_utf8_is_whole(&r->text))))
        return fault(r, WS_BAD_PAYLOAD, "the text is not UTF-8");
    ws_event event = {.kind = WS_TEXT, .bytes = bytes, .length = length, .compressed = r->compressed};
    if (!ends || r->message_length > 0) { /* not in one piece */
        if (!keep(r, bytes, length)) return fault(r, WS_INTERNAL_ERROR, "no memory");
        event.bytes = r->message;
        event.length = r->message_length;
    }
    if (!ends) return (ws_event){.kind = WS_MORE};
    r->in_message = false;
    r->given = true;
    return event;
}

static bool may_be_sent(uint16_t code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static ws_event take_close(ws_reader *r) {
    ws_utf8 reason = {0};
    size_t length = r->control_length;
    r->over = true;
    if (length == 0) return (ws_event){.kind = WS_CLOSE, .code = WS_NO_CODE};
    if (length == 1) return fault(r, WS_PROTOCOL_ERROR, "a close code has two bytes");
    uint16_t code = tw_load_be16(r->control);
    if (!may_be_sent(code)) return fault(r, WS_PROTOCOL_ERROR, "a close code that is never sent");
    if (!ws_utf8_take(&reason, r->control + 2, length - 2) || !ws_utf8_is_whole(&reason))
        return fault(r, WS_BAD_PAYLOAD, "the reason is not UTF-8");
    return (ws_event){.kind = WS_CLOSE, .code = code, .bytes = r->control + 2, .length = length - 2};
}

static ws_event take_control(ws_reader *r, const uint8_t *bytes, size_t length, bool ends) {
    if (length > 0) memcpy(r->control + r->control_length, bytes, length);
    r->control_length = (uint8_t)(r->control_length + length);
    if (!ends) return (ws_event){.kind = WS_MORE};
    if (r->opcode == OPCODE_CLOSE) return take_close(r);
    return (ws_event){
        .kind = r->opcode == OPCODE_PING ? WS_PING : WS_PONG, .bytes = r->control, .length = r->control_length};
}

/* As much of the payload as is there. */
static ws_event take_payload(ws_reader *r, uint8_t *bytes, size_t length, size_t *used) {
    size_t now = length - *used < r->remaining ? length - *used : (size_t)r->remaining;
    uint8_t *at = bytes + *used;
    unmask(r, at, now);
    *used += now;
    r->remaining -= now;
    bool frame_ends = r->remaining == 0;
    if (frame_ends) {
        r->in_payload = false;
        r->head_length = 0;
    }
    return is_control(r->opcode) ? take_control(r, at, now, frame_ends)
                                 : take_data(r, at, now, frame_ends && r->final);
}

ws_event ws_reader_take(ws_reader *r, uint8_t *bytes, size_t length, size_t *used) {
    ws_event event = {.kind = WS_MORE};
    *used = 0;
    if (r->given) forget_message(r);
    if (r->over) *used = length;
    while (*used < length && event.kind == WS_MORE) {
        if (!r->in_payload) event = take_head(r, bytes, length, used);
        bool has_some = r->in_payload && (*used < length || r->remaining == 0);
        if (event.kind == WS_MORE && has_some) event = take_payload(r, bytes, length, used);
    }
    return event;
}

/* ---- a server's own ---- */

size_t ws_write_control(uint8_t *frame, bool pong, const uint8_t *bytes, size_t length) {
    frame[0] = BIT_FINAL | (pong ? OPCODE_PONG : OPCODE_PING);
    frame[1] = (uint8_t)length;
    if (length > 0) memcpy(frame + 2, bytes, length);
    return 2 + length;
}

size_t ws_write_close(uint8_t *frame, uint16_t code, const char *reason) {
    size_t length = strlen(reason);
    if (length > WS_CONTROL_BYTES - 2) length = WS_CONTROL_BYTES - 2;
    frame[0] = BIT_FINAL | OPCODE_CLOSE;
    frame[1] = 0;
    if (code == WS_NO_CODE) return 2;
    frame[1] = (uint8_t)(2 + length);
    tw_store_be16(frame + 2, code);
    memcpy(frame + 4, reason, length);
    return 4 + length;
}
