/* permessage-deflate (RFC 7692) of what a group sends: once, for all its clients. */
#include <string.h>

#include "gateways/stream/encode.h"

#define LEAST_BYTES 128u /* shorter ones hardly shrink */

static void count(stream *s, size_t from, size_t to) {
    s->stats.deflated++;
    s->stats.deflated_from_bytes += from;
    s->stats.deflated_to_bytes += to;
}

/* Of a frame that a server wrote (RFC 6455, 5.2). */
static uint32_t head_length_of(const uint8_t *frame) {
    return frame[1] == 127 ? 10 : frame[1] == 126 ? 4 : 2;
}

encoded stream_pack_frame(stream *s, encoding wrap, encoded frame) {
    uint8_t *body = s->packed + FRAME_HEAD_BYTES, head[FRAME_HEAD_BYTES];
    if (frame.length < LEAST_BYTES) return frame;
    uint32_t plain_head = head_length_of(frame.bytes);
    size_t plain = frame.length - plain_head;
    size_t packed = ws_pack(s->packer, frame.bytes + plain_head, plain, body, SCRATCH_BYTES - FRAME_HEAD_BYTES);
    if (packed == 0 || packed >= plain) return frame;
    count(s, plain, packed);
    uint32_t head_length = stream_encode_head(head, wrap, true, packed);
    memcpy(body - head_length, head, head_length);
    return (encoded){.bytes = body - head_length, .length = head_length + (uint32_t)packed};
}

encoded stream_pack_body(stream *s, encoded body, bool *deflated) {
    *deflated = false;
    if (body.length < LEAST_BYTES) return body;
    size_t packed = ws_pack_start(s->packer, body.bytes, body.length, s->packed, SCRATCH_BYTES);
    if (packed == 0 || packed + WS_REST_BYTES >= body.length) return body;
    count(s, body.length, packed + WS_REST_BYTES);
    *deflated = true;
    return (encoded){.bytes = s->packed, .length = (uint32_t)packed};
}
