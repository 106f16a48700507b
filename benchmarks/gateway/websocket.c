/* Frames and the handshake's request. */
#include "benchmarks/gateway/websocket.h"

#include <string.h>

#include "base/text.h"

#define MASKED 0x80u

size_t ws_write_frame(uint8_t *out, unsigned opcode, const void *payload, size_t length) {
    size_t at = 0;
    out[at++] = (uint8_t)(0x80u | opcode);
    if (length < 126) {
        out[at++] = (uint8_t)(MASKED | length);
    } else {
        int digits = length < 65536 ? 2 : 8;
        out[at++] = (uint8_t)(MASKED | (digits == 2 ? 126u : 127u));
        for (int i = digits - 1; i >= 0; i--)
            out[at++] = (uint8_t)((uint64_t)length >> (8 * i));
    }
    memset(out + at, 0, 4);
    at += 4;
    if (length > 0) memcpy(out + at, payload, length);
    return at + length;
}

bool ws_write_request(char *out, size_t capacity, const char *path, uint16_t port, const char *subprotocol) {
    return tw_text_format(out, capacity,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                          path, port, subprotocol == NULL ? "" : "Sec-WebSocket-Protocol: ",
                          subprotocol == NULL ? "" : subprotocol, subprotocol == NULL ? "" : "\r\n");
}
