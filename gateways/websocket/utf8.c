#include "gateways/websocket/utf8.h"

#include <string.h>

#define ALL_ABOVE_ASCII UINT64_C(0x8080808080808080)

static size_t skip_ascii(const uint8_t *bytes, size_t length) {
    size_t at = 0;
    for (uint64_t eight; at + sizeof eight <= length; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if (eight & ALL_ABOVE_ASCII) break;
    }
    return at;
}

/* The first byte of a character says how many follow, and narrows the next where more would be overlong, a surrogate or
 * too high. */
static bool begin(ws_utf8 *text, uint8_t byte) {
    text->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    text->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) text->wanted = 1;
    if (byte >= 0xe0 && byte <= 0xef) text->wanted = 2;
    if (byte >= 0xf0 && byte <= 0xf4) text->wanted = 3;
    return text->wanted > 0;
}

bool ws_utf8_take(ws_utf8 *text, const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length; at++) {
        if (text->wanted == 0) {
            at += skip_ascii(bytes + at, length - at);
            if (at == length) return true;
            if (bytes[at] >= 0x80 && !begin(text, bytes[at])) return false;
            continue;
        }
        if (bytes[at] < text->low || bytes[at] > text->high) return false;
        text->wanted--;
        text->low = 0x80;
        text->high = 0xbf;
    }
    return true;
}
