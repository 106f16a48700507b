/* Key sets as JSON. */
#include "gateways/auth/jwks.h"

#include <string.h>

#include "base/text.h"
#include "gateways/auth/base64url.h"
#include "gateways/auth/json_node.h"

#define MOST_BYTES (KEY_MOST_RSA_BITS / 8)

/* A member in base64url. */
static bool take_bytes(json_node *jwk, const char *name, uint8_t *bytes, size_t capacity, size_t *length) {
    const char *text = json_node_text(json_node_member(jwk, name));
    return text != NULL && base64url_decode(text, strlen(text), bytes, capacity, length);
}

/* For checking signatures? NULL, or why not (RFC 7517, sections 4.2 to 4.4). */
static const char *other_use(json_node *jwk, const char *algorithm) {
    json_node *use = json_node_member(jwk, "use"), *operations = json_node_member(jwk, "key_ops"),
              *said = json_node_member(jwk, "alg");
    const char *text = json_node_text(use);
    if (use != NULL && (text == NULL || strcmp(text, "sig") != 0)) return "is not for signatures";
    text = json_node_text(said);
    if (said != NULL && (text == NULL || strcmp(text, algorithm) != 0)) return "is for another algorithm";
    if (operations == NULL) return NULL;
    for (size_t i = 0; i < json_node_count(operations); i++) {
        text = json_node_text(json_node_element(operations, i));
        if (text != NULL && strcmp(text, "verify") == 0) return NULL;
    }
    return "is not for checking signatures";
}

static tw_code read_rsa(json_node *jwk, auth_key *key, tw_error *error) {
    uint8_t n[MOST_BYTES], e[8];
    size_t n_length, e_length;
    if (!take_bytes(jwk, "n", n, sizeof n, &n_length) || !take_bytes(jwk, "e", e, sizeof e, &e_length))
        return tw_error_set(error, TW_INVALID, "lacks n or e in base64url");
    return key_init_rsa(key, n, n_length, e, e_length, error);
}

static tw_code read_p256(json_node *jwk, auth_key *key, tw_error *error) {
    uint8_t x[KEY_P256_BYTES], y[KEY_P256_BYTES];
    size_t x_length, y_length;
    const char *curve = json_node_text(json_node_member(jwk, "crv"));
    if (curve == NULL || strcmp(curve, "P-256") != 0)
        return tw_error_set(error, TW_INVALID, "is on another curve than P-256");
    if (!take_bytes(jwk, "x", x, sizeof x, &x_length) || !take_bytes(jwk, "y", y, sizeof y, &y_length) ||
        x_length != sizeof x || y_length != sizeof y)
        return tw_error_set(error, TW_INVALID, "lacks x or y of %u bytes in base64url", KEY_P256_BYTES);
    return key_init_p256(key, x, y, error);
}

static tw_code read_secret(json_node *jwk, bool allowed, auth_key *key, tw_error *error) {
    uint8_t secret[KEY_MOST_SECRET_BYTES];
    size_t length;
    if (!allowed) return tw_error_set(error, TW_INVALID, "is a secret, and those come from files only");
    if (!take_bytes(jwk, "k", secret, sizeof secret, &length))
        return tw_error_set(error, TW_INVALID, "lacks k in base64url");
    tw_code code = key_init_secret(key, secret, length, error);
    explicit_bzero(secret, sizeof secret);
    return code;
}

static tw_code read_key(json_node *jwk, bool secrets, auth_key *key, tw_error *error) {
    const char *type = json_node_text(json_node_member(jwk, "kty"));
    bool rsa = type != NULL && strcmp(type, "RSA") == 0, curve = type != NULL && strcmp(type, "EC") == 0,
         secret = type != NULL && strcmp(type, "oct") == 0;
    if (!rsa && !curve && !secret) return tw_error_set(error, TW_INVALID, "is of a kind (kty) that is not taken");
    const char *other = other_use(jwk, key_algorithm_name(rsa ? KEY_RS256 : curve ? KEY_ES256 : KEY_HS256));
    if (other != NULL) return tw_error_set(error, TW_INVALID, "%s", other);
    if (json_node_member(jwk, "d") != NULL)
        return tw_error_set(error, TW_INVALID, "is a private key: only public keys belong here");
    json_node *id = json_node_member(jwk, "kid");
    const char *text = json_node_text(id);
    if (id != NULL && (text == NULL || strlen(text) >= KEY_ID_BYTES))
        return tw_error_set(error, TW_INVALID, "has a kid that is no text of at most %u bytes", KEY_ID_BYTES - 1);
    tw_code code = rsa     ? read_rsa(jwk, key, error)
                   : curve ? read_p256(jwk, key, error)
                           : read_secret(jwk, secrets, key, error);
    if (code == TW_OK && text != NULL) tw_text_copy(key->id, sizeof key->id, text);
    return code;
}

static tw_code add(json_node *jwk, size_t number, bool secrets, key_list *list, tw_error *error) {
    tw_error why = {0};
    if (list->count == KEYS_OF_A_SOURCE)
        return tw_error_set(error, TW_FULL, "more than %u keys that can be used", KEYS_OF_A_SOURCE);
    if (read_key(jwk, secrets, &list->keys[list->count], &why) == TW_OK) {
        list->count++;
        return TW_OK;
    }
    if (list->passed_over++ == 0)
        tw_text_format(list->reason, sizeof list->reason, "key %zu %.200s", number, why.text);
    return TW_OK;
}

tw_code jwks_read(const uint8_t *text, size_t length, bool secrets, key_list *list, tw_error *error) {
    list->count = list->passed_over = 0;
    list->reason[0] = '\0';
    json_node *root = json_node_parse(text, length), *keys = json_node_member(root, "keys");
    bool single = json_node_member(root, "kty") != NULL;
    tw_code code = TW_OK;
    if (!single && !json_node_is_array(keys))
        code = tw_error_set(error, TW_MALFORMED, "not a JSON key set: neither {\"keys\":[...]} nor one key");
    else if (single)
        code = add(root, 1, secrets, list, error);
    for (size_t i = 0; code == TW_OK && !single && i < json_node_count(keys); i++)
        code = add(json_node_element(keys, i), i + 1, secrets, list, error);
    if (code == TW_OK && list->count == 0)
        code = tw_error_set(error, TW_INVALID, "no key that can be used%s%s", list->reason[0] == '\0' ? "" : ": ",
                            list->reason);
    if (code != TW_OK) key_list_fini(list);
    json_node_free(root);
    return code;
}
