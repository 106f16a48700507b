/* UTF-8 (RFC 3629): is a text of it? For strings that others wrote and that go into messages whose readers insist on it. */
#ifndef TICKWIRE_BASE_UTF8_H
#define TICKWIRE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of the character at p, 0 if there is none. p ends with NUL. */
size_t tw_utf8_length(const unsigned char *p);

/* `length` bytes followed by a NUL, none within. Text of ASCII alone costs next to nothing. */
bool tw_utf8_good(const char *text, size_t length);

#endif
