/*
 * What a venue's account may be called, wherever a gateway is told of one: in a token's claims, its settings, a request. 1 to 32 bytes of
 * UTF-8, which is what the venue's commands and subjects carry (proto/subject.h), without control characters, which nobody could
 * tell from each other in a log. Pure.
 */
#ifndef TICKWIRE_PROTO_ACCOUNT_NAME_H
#define TICKWIRE_PROTO_ACCOUNT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/market.h"

#define ACCOUNT_NAME_MOST (TW_SYMBOL_BYTES - 1)
#define ACCOUNT_NAME_RULE "1 to 32 bytes of UTF-8 without control characters" /* for people */

/* `length` bytes of `name`, which a NUL or anything else may follow. */
bool account_name_is_good(const char *name, size_t length);

#endif
