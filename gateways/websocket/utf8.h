/* Is it UTF-8 (RFC 3629)? Asked piece by piece: a character may be split anywhere. No overlong forms, no surrogates,
 * nothing above U+10FFFF. */
#ifndef TICKWIRE_GATEWAYS_WEBSOCKET_UTF8_H
#define TICKWIRE_GATEWAYS_WEBSOCKET_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {0} at the start of a text. */
typedef struct ws_utf8 {
    uint8_t wanted;    /* bytes of the character begun that are still to come */
    uint8_t low, high; /* what the next of them may be */
} ws_utf8;

bool ws_utf8_take(ws_utf8 *text, const uint8_t *bytes, size_t length); /* false: it is not, whatever follows */
static inline bool ws_utf8_is_whole(const ws_utf8 *text) {             /* no character is half there */
    return text->wanted == 0;
}

#endif
