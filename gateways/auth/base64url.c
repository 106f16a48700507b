/* base64url, strictly. */
#include "gateways/auth/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

bool base64url_decode(const char *text, size_t length, uint8_t *bytes, size_t capacity, size_t *decoded) {
    uint32_t held = 0, bits = 0;
    size_t count = 0;
    *decoded = 0;
    if (length % 4 == 1) return false;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0) return false;
        held = held << 6 | (uint32_t)value;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        if (count == capacity) return false;
        bytes[count++] = (uint8_t)(held >> bits);
        held &= (1u << bits) - 1;
    }
    *decoded = count;
    return held == 0;
}

void base64url_encode(const uint8_t *bytes, size_t length, char *text) {
    uint32_t held = 0, bits = 0;
    for (size_t i = 0; i < length; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= 6;) {
            bits -= 6;
            *text++ = alphabet[held >> bits & 63u];
        }
        held &= 63u;
    }
    if (bits > 0) *text++ = alphabet[held << (6 - bits) & 63u];
    *text = '\0';
}
