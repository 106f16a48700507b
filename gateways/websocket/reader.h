/*
 * A client's WebSocket frames (RFC 6455, section 5): bytes in, messages out. No socket, no clock; memory only for a message
 * that does not come in one piece, at most `most_bytes`, and only until it is there.
 *
 * Whatever the bytes are, each call ends with one of these:
 *   WS_MORE               all was taken, nothing is complete
 *   WS_TEXT               a whole message, its fragments joined; UTF-8 unless `compressed`
 *   WS_PING, WS_PONG      with its payload; may come between fragments
 *   WS_CLOSE              the peer's closing handshake; nothing is read after it
 *   WS_FAULT              the peer broke the protocol, or a limit: close with `code` and `reason`; nothing is read after it
 */
#ifndef TICKWIRE_GATEWAYS_WEBSOCKET_READER_H
#define TICKWIRE_GATEWAYS_WEBSOCKET_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateways/websocket/utf8.h"

#define WS_CONTROL_BYTES 125u /* most that a ping, pong or close carries (5.5) */
#define WS_HEAD_BYTES    14u  /* the longest head of a client's frame (5.2) */

/* Status codes (7.4.1, and IANA's registry for the last). */
#define WS_NORMAL         1000u
#define WS_GOING_AWAY     1001u
#define WS_PROTOCOL_ERROR 1002u
#define WS_UNACCEPTABLE   1003u
#define WS_NO_CODE        1005u /* never sent: a close frame without a code */
#define WS_BAD_PAYLOAD    1007u
#define WS_TOO_BIG        1009u
#define WS_INTERNAL_ERROR 1011u
#define WS_TRY_LATER      1013u

typedef enum ws_event_kind { WS_MORE, WS_TEXT, WS_PING, WS_PONG, WS_CLOSE, WS_FAULT } ws_event_kind;

/* Bytes are borrowed until the next call. */
typedef struct ws_event {
    ws_event_kind kind;
    const uint8_t *bytes;
    size_t length;
    bool
        compressed; /* TEXT: as permessage-deflate left it (RFC 7692), still to be inflated and checked to be UTF-8 */
    uint16_t code;      /* CLOSE: the peer's, or WS_NO_CODE; FAULT: what to close with */
    const char *reason; /* FAULT */
} ws_event;

typedef struct ws_reader {
    uint32_t most_bytes; /* of a message, compressed or not */
    bool deflates;       /* permessage-deflate was agreed on */
    bool over;           /* a close or a fault has come */

    uint8_t head[WS_HEAD_BYTES]; /* of the frame under way */
    uint8_t head_length;
    bool in_payload;
    uint8_t opcode;
    uint8_t mask_at;
    bool final;
    uint64_t remaining; /* of its payload */

    bool in_message, compressed, given;
    ws_utf8 text;
    uint8_t *message;
    uint32_t message_length, message_capacity;
    uint8_t control[WS_CONTROL_BYTES];
    uint8_t control_length;
} ws_reader;

void ws_reader_init(ws_reader *reader, uint32_t most_bytes, bool deflates);
void ws_reader_fini(ws_reader *reader); /* {0} is fine */

/* Takes some of the bytes, `*used` of them, up to the first event. They are unmasked in place. */
ws_event ws_reader_take(ws_reader *reader, uint8_t *bytes, size_t length, size_t *used);

/* A server's close frame. Returns its length: at most WS_CONTROL_BYTES + 2. A reason that is too long is cut. */
size_t ws_write_close(uint8_t *frame, uint16_t code, const char *reason);
/* A server's ping or pong, `length` at most WS_CONTROL_BYTES. */
size_t ws_write_control(uint8_t *frame, bool pong, const uint8_t *bytes, size_t length);

#endif
