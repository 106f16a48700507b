/* Key sets as JSON (RFC 7517): {"keys":[...]}, or one key by itself. Pure. */
#ifndef TICKWIRE_GATEWAYS_AUTH_JWKS_H
#define TICKWIRE_GATEWAYS_AUTH_JWKS_H

#include "gateways/auth/key_set.h"

/* Reads all keys that tokens can be checked with; keys for other uses and algorithms are passed over and counted. Secrets
 * (kty oct) only where `secrets` is true: a provider's published set has none. TW_MALFORMED: no key set at all;
 * TW_INVALID: none of its keys can be used, and why the first can't; TW_FULL: more than KEYS_OF_A_SOURCE. After an error
 * the list is empty. */
tw_code jwks_read(const uint8_t *text, size_t length, bool secrets, key_list *list, tw_error *error);

#endif
