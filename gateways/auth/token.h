/*
 * JSON Web Tokens (RFC 7519) in compact form (RFC 7515): from text to claims, given keys. Pure.
 *
 * Which algorithm is used is said by the key alone; a token whose `alg` is another is refused, so neither `none` nor an
 * HS256 made with somebody's public key comes through (RFC 8725, sections 2.1 and 3.1).
 */
#ifndef TICKWIRE_GATEWAYS_AUTH_TOKEN_H
#define TICKWIRE_GATEWAYS_AUTH_TOKEN_H

#include "gateways/auth/json_node.h"
#include "gateways/auth/key_set.h"
#include "gateways/auth/verdict.h"

#define TOKEN_MOST_BYTES 8191u
#define TOKEN_WHY_BYTES  240u

typedef struct signed_token {
    json_node *claims;                     /* owned: token_fini */
    char thumbprint[KEY_THUMBPRINT_BYTES]; /* of the key that it was signed with */
} signed_token;

/* Fills `opened` where the verdict is AUTH_GOOD; else `why` says it in words, without any of the token's text but its
 * `kid` and `alg`. */
auth_verdict token_open(signed_token *opened, const key_set *keys, const char *text, size_t length,
                        char why[TOKEN_WHY_BYTES]);
void token_fini(signed_token *opened);

#endif
