/* Wrapping: protobuf envelopes, WebSocket headers, server-sent events. What is inside is written by encode_json.c and by
 * proto/codec.h. */
#include "gateways/stream/encode.h"

#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

#define INNER_OFFSET                                                                                               \
    (SCRATCH_BYTES / 2) /* where a protobuf message is packed before its envelope is put around it */

uint32_t stream_encode_head(uint8_t head[FRAME_HEAD_BYTES], encoding wrap, bool deflated, uint64_t payload_length) {
    if (wrap == ENCODING_SSE) return 0;
    head[0] = wrap == ENCODING_JSON ? 0x81 : 0x82; /* RFC 6455: a whole message, text or binary, not masked */
    if (deflated) head[0] |= 0x40;                 /* RFC 7692: RSV1 */
    if (payload_length < 126) {
        head[1] = (uint8_t)payload_length;
        return 2;
    }
    if (payload_length <= UINT16_MAX) {
        head[1] = 126;
        tw_store_be16(head + 2, (uint16_t)payload_length);
        return 4;
    }
    head[1] = 127;
    tw_store_be64(head + 2, payload_length);
    return 10;
}

/* The NUL behind it is overwritten by what comes next, or is not counted. */
static uint32_t put_text(uint8_t *at, const char *text) {
    size_t length = strlen(text);
    tw_text_copy((char *)at, length + 1, text);
    return (uint32_t)length;
}

static uint32_t put_tail(uint8_t tail[SNAPSHOT_TAIL_BYTES], encoding wrap, topic_kind kind, uint64_t merged) {
    if (wrap == ENCODING_PROTOBUF) return (uint32_t)wire_stream_merged_append(merged, tail, SNAPSHOT_TAIL_BYTES);
    uint32_t used = 0;
    if (merged > 0) {
        used += put_text(tail, kind == TOPIC_TRADES ? ",\"passed_over\":" : ",\"merged\":");
        used += (uint32_t)tw_decimal_format_u64((char *)tail + used, SNAPSHOT_TAIL_BYTES - used, merged, 0);
    }
    return used + put_text(tail + used, wrap == ENCODING_SSE ? "}\n\n" : "}");
}

uint32_t stream_encode_tail(uint8_t tail[SNAPSHOT_TAIL_BYTES], encoding wrap, bool deflated, topic_kind kind,
                            uint64_t merged) {
    if (!deflated) return put_tail(tail, wrap, kind, merged);
    uint8_t plain[SNAPSHOT_TAIL_BYTES];
    uint32_t length = put_tail(plain, wrap, kind, merged);
    return (uint32_t)ws_pack_rest(plain, length, tail); /* at most 36 bytes and those of the rest */
}

static size_t encode_inner(uint8_t *out, size_t capacity, topic_kind kind, const void *message) {
    switch (kind) {
    case TOPIC_BOOK:
        return wire_book_update_encode(message, out, capacity);
    case TOPIC_QUOTE:
        return wire_quote_encode(message, out, capacity);
    case TOPIC_TRADES:
        return wire_trades_encode(message, out, capacity);
    case TOPIC_STATUS:
        return wire_status_encode(message, out, capacity);
    case TOPIC_IMBALANCE:
        return wire_imbalance_encode(message, out, capacity);
    case TOPIC_CANDLE:
        return wire_candle_encode(message, out, capacity);
    case TOPIC_NBBO:
        return wire_nbbo_encode(message, out, capacity);
    default:
        return wire_feed_status_encode(message, out, capacity);
    }
}

static size_t put_envelope(uint8_t *out, const encode_frame *frame, topic_kind kind, const uint8_t *inner,
                           size_t length) {
    const wire_stream_frame envelope = {.subject = frame->subject,
                                        .subject_length = frame->subject_length,
                                        .interval_ms = frame->interval_ms,
                                        .gateway_ns = frame->gateway_ns,
                                        .payload = (wire_stream_payload)(WIRE_STREAM_BOOK + (int)kind),
                                        .bytes = inner,
                                        .length = length};
    return length == 0 ? 0 : wire_stream_frame_encode(&envelope, out, INNER_OFFSET - FRAME_HEAD_BYTES);
}

static size_t encode_envelope(uint8_t *out, uint8_t *scratch, const encode_frame *frame, topic_kind kind,
                              const void *message) {
    uint8_t *inner = scratch + INNER_OFFSET;
    size_t length = encode_inner(inner, SCRATCH_BYTES - INNER_OFFSET, kind, message);
    return put_envelope(out, frame, kind, inner, length);
}

/* The id says where the subject is after this event: the browser brings it back when it reconnects. */
static uint32_t put_event_start(uint8_t *out, const encode_frame *frame, topic_kind kind, const void *message) {
    const wire_header *header = message;
    if (kind == TOPIC_FEED) return put_text(out, "data: ");
    uint32_t used = put_text(out, "id: ");
    memcpy(out + used, frame->subject, frame->subject_length);
    used += frame->subject_length;
    out[used++] = '|';
    used += put_text(out + used, header->epoch);
    out[used++] = '|';
    used += (uint32_t)tw_decimal_format_u64((char *)out + used, TW_DECIMAL_BYTES, header->seq, 0);
    out[used++] = '|';
    uint32_t depth = kind == TOPIC_BOOK ? ((const wire_book_update *)message)->depth : 0;
    used += (uint32_t)tw_decimal_format_u64((char *)out + used, TW_DECIMAL_BYTES, depth, 0);
    return used + put_text(out + used, "\ndata: ");
}

/* Everything between head and tail. */
static size_t encode_body(uint8_t *out, uint8_t *scratch, const encode_frame *frame, topic_kind kind,
                          const void *message) {
    if (frame->encoding == ENCODING_PROTOBUF) return encode_envelope(out, scratch, frame, kind, message);
    size_t start = frame->encoding == ENCODING_SSE ? put_event_start(out, frame, kind, message) : 0;
    size_t room = SCRATCH_BYTES - FRAME_HEAD_BYTES - SNAPSHOT_TAIL_BYTES - start;
    size_t length = stream_encode_json((char *)out + start, room, frame, kind, message);
    return length == 0 ? 0 : start + length;
}

/* The header goes right before what it is about. */
static encoded with_head(uint8_t *body, size_t length, encoding wrap) {
    uint8_t head[FRAME_HEAD_BYTES];
    uint32_t head_length = stream_encode_head(head, wrap, false, length);
    memcpy(body - head_length, head, head_length);
    return (encoded){.bytes = body - head_length, .length = (uint32_t)(head_length + length)};
}

encoded stream_encode(uint8_t *scratch, const encode_frame *frame, topic_kind kind, const void *message) {
    uint8_t *body = scratch + FRAME_HEAD_BYTES;
    size_t length = encode_body(body, scratch, frame, kind, message);
    if (length == 0) return (encoded){0};
    if (frame->open_end) return (encoded){.bytes = body, .length = (uint32_t)length};
    length += stream_encode_tail(body + length, frame->encoding, false, kind, frame->merged);
    return with_head(body, length, frame->encoding);
}

encoded stream_encode_around(uint8_t *scratch, const encode_frame *frame, topic_kind kind, const uint8_t *message,
                             size_t length) {
    uint8_t *body = scratch + FRAME_HEAD_BYTES;
    size_t written = put_envelope(body, frame, kind, message, length);
    if (written == 0) return (encoded){0};
    written += wire_stream_merged_append(frame->merged, body + written, SNAPSHOT_TAIL_BYTES);
    return with_head(body, written, ENCODING_PROTOBUF);
}

encoded stream_encode_control(uint8_t *scratch, encoding wrap, const char *json, size_t length, bool comment) {
    uint8_t *body = scratch + FRAME_HEAD_BYTES;
    const wire_stream_frame envelope = {.payload = WIRE_STREAM_CONTROL,
                                        .gateway_ns = TW_TIME_ABSENT,
                                        .bytes = (const uint8_t *)json,
                                        .length = length};
    if (length > SCRATCH_BYTES / 2) return (encoded){0};
    if (wrap == ENCODING_PROTOBUF)
        return with_head(body, wire_stream_frame_encode(&envelope, body, SCRATCH_BYTES - FRAME_HEAD_BYTES), wrap);
    size_t used = wrap != ENCODING_SSE ? 0 : put_text(body, comment ? ": " : "data: ");
    memcpy(body + used, json, length);
    used += length;
    if (wrap == ENCODING_SSE) used += put_text(body + used, "\n\n");
    return with_head(body, used, wrap);
}
