/*
 * Keys that signatures of tokens are checked with. The one door to OpenSSL.
 *
 * A key knows the one algorithm it is for, so a token can never choose: HS256 for a secret, RS256 for an RSA key, ES256
 * for a key on the curve P-256 (RFC 8725, section 3.1). Private keys are refused: this side only checks.
 */
#ifndef TICKWIRE_GATEWAYS_AUTH_KEY_H
#define TICKWIRE_GATEWAYS_AUTH_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define KEY_ID_BYTES           128u
#define KEY_THUMBPRINT_BYTES   44u /* 43 characters and NUL */
#define KEY_LEAST_SECRET_BYTES 32u /* RFC 7518, section 3.2 */
#define KEY_MOST_SECRET_BYTES  1024u
#define KEY_LEAST_RSA_BITS     2048 /* RFC 7518, section 3.3 */
#define KEY_MOST_RSA_BITS      8192 /* a longer one only costs time */
#define KEY_P256_BYTES         32u  /* of a coordinate, and of each half of a signature */

typedef enum key_algorithm { KEY_HS256, KEY_RS256, KEY_ES256 } key_algorithm;
const char *key_algorithm_name(key_algorithm algorithm); /* "HS256" */

typedef struct auth_key {
    key_algorithm algorithm;
    char id[KEY_ID_BYTES]; /* `kid`; "" if it has none */
    char thumbprint
        [KEY_THUMBPRINT_BYTES];     /* RFC 7638: the same key has the same, wherever it came from. A secret's is
                                              never to be shown */
    struct evp_pkey_st *public_key; /* RS256, ES256 */
    uint8_t *secret;                /* HS256 */
    size_t secret_length;
} auth_key;

/* Each fills `key`, which key_fini takes back. TW_INVALID: too short, too long, not on the curve; TW_NO_MEMORY. */
tw_code key_init_secret(auth_key *key, const uint8_t *secret, size_t length, tw_error *error);
tw_code key_init_rsa(auth_key *key, const uint8_t *n, size_t n_length, const uint8_t *e, size_t e_length,
                     tw_error *error);
tw_code key_init_p256(auth_key *key, const uint8_t x[KEY_P256_BYTES], const uint8_t y[KEY_P256_BYTES],
                      tw_error *error);
void key_fini(auth_key *key); /* zeroes a secret; {0} is fine */

/* All public keys and certificates of a PEM text, at most `capacity`. TW_INVALID: there is none, too many, a private key,
 * or one that is neither RSA nor P-256. After an error there is nothing to take back. */
tw_code key_read_pem(const uint8_t *text, size_t length, auth_key *keys, size_t capacity, size_t *count,
                     tw_error *error);

/* Is it this key's signature of these bytes? In constant time where a secret is compared. */
bool key_verify(const auth_key *key, const uint8_t *bytes, size_t length, const uint8_t *signature,
                size_t signature_length);

#endif
