/* A client's side of RFC 6455, as little as a load client needs. Pure. */
#ifndef TICKWIRE_BENCHMARKS_GATEWAY_WEBSOCKET_H
#define TICKWIRE_BENCHMARKS_GATEWAY_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
#define WS_HEAD_BYTES 14u /* the longest head of a client's frame */

typedef struct ws_head {
    unsigned opcode;
    size_t head_bytes;
    uint64_t length; /* of what follows */
} ws_head;

/* Of a server's frame. False: the head is not all there. */
static inline bool ws_read_head(const uint8_t *bytes, size_t length, ws_head *head) {
    if (length < 2) return false;
    unsigned code = bytes[1] & 0x7fu;
    head->opcode = bytes[0] & 0x0fu;
    head->head_bytes = code < 126 ? 2 : code == 126 ? 4 : 10;
    if (length < head->head_bytes) return false;
    head->length = code;
    if (code < 126) return true;
    head->length = 0;
    for (size_t i = 2; i < head->head_bytes; i++)
        head->length = head->length << 8 | bytes[i];
    return true;
}

/* Writes a whole frame, masked with zeros; `out` has room for it. Returns its length. */
size_t ws_write_frame(uint8_t *out, unsigned opcode, const void *payload, size_t length);
/* The request of the opening handshake; `subprotocol` may be NULL. False: no room. */
bool ws_write_request(char *out, size_t capacity, const char *path, uint16_t port, const char *subprotocol);

#endif
