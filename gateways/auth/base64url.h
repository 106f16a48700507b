/* base64url without padding (RFC 7515, section 2), strictly: one text for each run of bytes. Pure text. */
#ifndef TICKWIRE_GATEWAYS_AUTH_BASE64URL_H
#define TICKWIRE_GATEWAYS_AUTH_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that `length` characters come to. */
#define BASE64URL_BYTES(length) ((length) / 4 * 3 + 2)
/* Characters that `bytes` come to, with NUL. */
#define BASE64URL_TEXT(bytes) (((bytes)*4 + 2) / 3 + 1)

/* False: another character (padding and white space are), a length that no bytes have, bits behind the end that are not
 * 0, or more than `capacity` bytes. */
bool base64url_decode(const char *text, size_t length, uint8_t *bytes, size_t capacity, size_t *decoded);
/* `text` has room for BASE64URL_TEXT(length). */
void base64url_encode(const uint8_t *bytes, size_t length, char *text);

#endif
