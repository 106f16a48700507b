/*
 * Messages as clients get them: JSON text or protobuf, in WebSocket frames or as server-sent events. No allocation; what is
 * written lies in the caller's scratch of SCRATCH_BYTES.
 *
 * A frame may be left open at its end: it then lacks what says how much was merged and, for a WebSocket, its header. Both
 * depend on who gets it; the rest is the same for all and is made once.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_ENCODE_H
#define TICKWIRE_GATEWAYS_STREAM_ENCODE_H

#include "gateways/stream/internal.h"

typedef struct encode_frame {
    encoding encoding;
    const char *subject;
    uint32_t subject_length;
    uint32_t interval_ms;
    int64_t gateway_ns;
    uint64_t merged;
    bool open_end;
} encode_frame;

typedef struct encoded {
    const uint8_t *bytes;
    uint32_t length;
} encoded;

/* `message` is the wire_… struct of the kind. Length 0: it does not fit (never for what the bus carries). */
encoded stream_encode(uint8_t *scratch, const encode_frame *frame, topic_kind kind, const void *message);

/* The same for a message that is protobuf already: a whole frame, in protobuf, around it. */
encoded stream_encode_around(uint8_t *scratch, const encode_frame *frame, topic_kind kind, const uint8_t *message,
                             size_t length);

/* What goes before and behind a frame with an open end, whose body is deflated or not. Returns the bytes written. */
uint32_t stream_encode_head(uint8_t head[FRAME_HEAD_BYTES], encoding wrap, bool deflated, uint64_t payload_length);
uint32_t stream_encode_tail(uint8_t tail[SNAPSHOT_TAIL_BYTES], encoding wrap, bool deflated, topic_kind kind,
                            uint64_t merged);

/* A client's own message, already JSON. `comment`: for an event stream it is nothing but a sign of life. */
encoded stream_encode_control(uint8_t *scratch, encoding wrap, const char *json, size_t length, bool comment);

/* ---- pack.c: permessage-deflate. What is short, or would not get shorter, stays as it is ---- */
/* A whole frame, head included; what comes back lies in the stream's own memory until the next call. */
encoded stream_pack_frame(stream *s, encoding wrap, encoded frame);
/* The body of a frame with an open end. */
encoded stream_pack_body(stream *s, encoded body, bool *deflated);

/* ---- encode_json.c: the object without its closing brace; 0: it does not fit ---- */
size_t stream_encode_json(char *out, size_t capacity, const encode_frame *frame, topic_kind kind,
                          const void *message);

#endif
