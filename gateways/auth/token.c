/* Tokens: their shape, their header, their signature. */
#include "gateways/auth/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "gateways/auth/base64url.h"

#define MOST_ALGORITHM 32u
#define MOST_TRIED     16u /* keys that could have signed it: each costs up to 0.1 ms */
#define MOST_SIGNATURE (KEY_MOST_RSA_BITS / 8)

typedef struct parts {
    const char *header, *payload, *signature;
    size_t header_length, payload_length, signature_length;
} parts;

/* "HEADER.PAYLOAD.SIGNATURE" */
static bool split(const char *text, size_t length, parts *p) {
    const char *end = text + length, *one = memchr(text, '.', length);
    if (one == NULL) return false;
    const char *two = memchr(one + 1, '.', (size_t)(end - one - 1));
    if (two == NULL || memchr(two + 1, '.', (size_t)(end - two - 1)) != NULL) return false;
    *p = (parts){.header = text,
                 .payload = one + 1,
                 .signature = two + 1,
                 .header_length = (size_t)(one - text),
                 .payload_length = (size_t)(two - one - 1),
                 .signature_length = (size_t)(end - two - 1)};
    return true;
}

/* base64url of a JSON object; NULL if it is none. */
static json_node *object_of(const char *text, size_t length) {
    size_t decoded;
    uint8_t *bytes = malloc(BASE64URL_BYTES(length));
    if (bytes == NULL) return NULL;
    bool good = base64url_decode(text, length, bytes, BASE64URL_BYTES(length), &decoded);
    json_node *object = good ? json_node_parse(bytes, decoded) : NULL;
    free(bytes);
    return object;
}

/* ---- the header ---- */

typedef struct header {
    char algorithm[MOST_ALGORITHM];
    char id[KEY_ID_BYTES];
    bool has_id;
} header;

/* Tokens of other kinds are signed with the same keys (RFC 8725, section 3.11). */
static bool is_access(json_node *type) {
    const char *text = json_node_text(type);
    if (type == NULL) return true;
    if (text == NULL) return false;
    if (strncasecmp(text, "application/", 12) == 0) text += 12;
    return strcasecmp(text, "JWT") == 0 || strcasecmp(text, "at+jwt") == 0;
}

static auth_verdict take_header(json_node *object, header *h, char *why) {
    json_node *id = json_node_member(object, "kid");
    const char *algorithm = json_node_text(json_node_member(object, "alg")), *text = json_node_text(id);
    *h = (header){.has_id = id != NULL};
    if (json_node_has(object, "crit")) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "the token wants an extension understood (crit), and none is");
        return AUTH_CRITICAL;
    }
    if (!is_access(json_node_member(object, "typ"))) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "the token is of another kind: its typ is neither JWT nor at+jwt");
        return AUTH_TYPE;
    }
    if (algorithm == NULL || !tw_text_copy(h->algorithm, sizeof h->algorithm, algorithm)) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "the token's header has no alg, or no name of one");
        return AUTH_MALFORMED;
    }
    if (id != NULL && (text == NULL || !tw_text_copy(h->id, sizeof h->id, text))) {
        tw_text_format(why, TOKEN_WHY_BYTES, "the token's kid is no text of at most %u bytes", KEY_ID_BYTES - 1);
        return AUTH_MALFORMED;
    }
    return AUTH_GOOD;
}

/* ---- the signature ---- */

/* A key without a name may have made any token; one with a name only those that say so, or that say nothing. */
static bool is_candidate(const auth_key *key, const header *h) {
    return key->id[0] == '\0' || !h->has_id || strcmp(key->id, h->id) == 0;
}

static bool is_named(const key_set *keys, const header *h) {
    for (uint32_t i = 0; i < keys->count; i++)
        if (h->has_id && keys->keys[i].id[0] != '\0' && strcmp(keys->keys[i].id, h->id) == 0) return true;
    return false;
}

static bool is_known_algorithm(const char *name) {
    return strcmp(name, key_algorithm_name(KEY_HS256)) == 0 || strcmp(name, key_algorithm_name(KEY_RS256)) == 0 ||
           strcmp(name, key_algorithm_name(KEY_ES256)) == 0;
}

/* Printable ASCII of what a stranger wrote. */
static const char *shown(const char *text, char *room, size_t capacity) {
    tw_text_copy(room, capacity, text);
    for (char *c = room; *c != '\0'; c++)
        if (*c < ' ' || *c > '~') *c = '?';
    return room;
}

static auth_verdict refuse_key(const key_set *keys, const header *h, uint32_t tried, uint32_t other, char *why) {
    char name[48];
    bool unknown_id = h->has_id && !is_named(keys, h), known_algorithm = is_known_algorithm(h->algorithm);
    if (!known_algorithm || (other > 0 && tried == 0 && !unknown_id)) {
        tw_text_format(why, TOKEN_WHY_BYTES, "the token's alg '%s' is not that of its key: HS256, RS256 or ES256",
                       shown(h->algorithm, name, sizeof name));
        return AUTH_ALGORITHM;
    }
    if (unknown_id) {
        tw_text_format(why, TOKEN_WHY_BYTES, "the token is signed with a key that is not known here (kid '%s')",
                       shown(h->id, name, sizeof name));
        return AUTH_UNKNOWN_KEY;
    }
    if (tried == 0) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "there is no key here that the token could be signed with");
        return AUTH_UNKNOWN_KEY;
    }
    tw_text_copy(why, TOKEN_WHY_BYTES, "the token's signature is not that of its key");
    return AUTH_SIGNATURE;
}

static auth_verdict check_signature(const key_set *keys, const header *h, const parts *p, signed_token *opened,
                                    char *why) {
    uint8_t signature[MOST_SIGNATURE];
    size_t length, signed_length = p->header_length + 1 + p->payload_length;
    uint32_t tried = 0, other = 0;
    if (!base64url_decode(p->signature, p->signature_length, signature, sizeof signature, &length)) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "the token's signature is no base64url, or too long");
        return AUTH_MALFORMED;
    }
    for (uint32_t i = 0; i < keys->count && tried < MOST_TRIED; i++) {
        const auth_key *key = &keys->keys[i];
        if (!is_candidate(key, h)) continue;
        if (strcmp(key_algorithm_name(key->algorithm), h->algorithm) != 0) {
            other++;
            continue;
        }
        tried++;
        if (!key_verify(key, (const uint8_t *)p->header, signed_length, signature, length)) continue;
        tw_text_copy(opened->thumbprint, sizeof opened->thumbprint, key->thumbprint);
        return AUTH_GOOD;
    }
    return refuse_key(keys, h, tried, other, why);
}

/* ---- the whole ---- */

static auth_verdict open_parts(signed_token *opened, const key_set *keys, const parts *p, char *why) {
    json_node *object = object_of(p->header, p->header_length);
    header h;
    if (object == NULL) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "the token's header is no JSON object in base64url");
        return AUTH_MALFORMED;
    }
    auth_verdict verdict = take_header(object, &h, why);
    json_node_free(object);
    if (verdict == AUTH_GOOD) verdict = check_signature(keys, &h, p, opened, why);
    if (verdict != AUTH_GOOD) return verdict;
    opened->claims = object_of(p->payload, p->payload_length);
    if (opened->claims != NULL) return AUTH_GOOD;
    tw_text_copy(why, TOKEN_WHY_BYTES, "the token's claims are no JSON object in base64url");
    return AUTH_MALFORMED;
}

auth_verdict token_open(signed_token *opened, const key_set *keys, const char *text, size_t length,
                        char why[TOKEN_WHY_BYTES]) {
    parts p;
    *opened = (signed_token){0};
    if (length > TOKEN_MOST_BYTES) {
        tw_text_format(why, TOKEN_WHY_BYTES, "the token is longer than %u bytes", TOKEN_MOST_BYTES);
        return AUTH_TOO_LONG;
    }
    if (!split(text, length, &p)) {
        tw_text_copy(why, TOKEN_WHY_BYTES, "the token is no signed JWT: three parts with dots between");
        return AUTH_MALFORMED;
    }
    return open_parts(opened, keys, &p, why);
}

void token_fini(signed_token *opened) {
    json_node_free(opened->claims);
    *opened = (signed_token){0};
}
