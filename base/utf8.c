/* UTF-8: which bytes are characters. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t tw_utf8_length(const unsigned char *p) {
    size_t length;
    uint32_t code, least;
    if (p[0] < 0x80) return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        length = 2, code = p[0] & 0x1f, least = 0x80;
    } else if ((p[0] & 0xf0) == 0xe0) {
        length = 3, code = p[0] & 0x0f, least = 0x800;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        length = 4, code = p[0] & 0x07, least = 0x10000;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0; /* also the NUL: never reads past the end */
        code = code << 6 | (p[i] & 0x3f);
    }
    return code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : length;
}

/* Eight bytes at a time; what is left over, and all that is not ASCII, one by one. */
static size_t ascii_length(const char *text, size_t length) {
    size_t at = 0;
    for (uint64_t word; at + sizeof word <= length; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) break;
    }
    return at;
}

bool tw_utf8_good(const char *text, size_t length) {
    const unsigned char *p = (const unsigned char *)text + ascii_length(text, length),
                        *end = (const unsigned char *)text + length;
    while (p < end) {
        size_t one = tw_utf8_length(p);
        if (one == 0) return false;
        p += one;
    }
    return true;
}
