/* Keys and signatures, by OpenSSL 3. Its error queue is left empty: TLS on the same thread reads it. */
#include "gateways/auth/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/auth/base64url.h"

#define MOST_RSA_BYTES (KEY_MOST_RSA_BITS / 8)
#define MOST_MEMBER    BASE64URL_TEXT(MOST_RSA_BYTES > KEY_MOST_SECRET_BYTES ? MOST_RSA_BYTES : KEY_MOST_SECRET_BYTES)
#define POINT_BYTES    (1 + 2 * KEY_P256_BYTES)
#define POINT_PLAIN    0x04 /* SEC 1: both coordinates follow */
#define PEM_DEEPEST    64u  /* entries of a PEM text that are looked at */

static const char *const algorithm_names[] = {"HS256", "RS256", "ES256"};

const char *key_algorithm_name(key_algorithm algorithm) {
    return algorithm_names[algorithm];
}

void key_fini(auth_key *key) {
    EVP_PKEY_free(key->public_key);
    if (key->secret != NULL) OPENSSL_cleanse(key->secret, key->secret_length);
    free(key->secret);
    *key = (auth_key){0};
}

/* ---- thumbprints (RFC 7638): the hash of the members that make the key, in order, without spaces ---- */

static void set_thumbprint(auth_key *key, const char *json) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)json, strlen(json), hash);
    base64url_encode(hash, sizeof hash, key->thumbprint);
}

static void thumb_secret(auth_key *key) {
    char member[MOST_MEMBER], json[MOST_MEMBER + 64];
    base64url_encode(key->secret, key->secret_length, member);
    tw_text_format(json, sizeof json, "{\"k\":\"%s\",\"kty\":\"oct\"}", member);
    set_thumbprint(key, json);
    OPENSSL_cleanse(member, sizeof member);
    OPENSSL_cleanse(json, sizeof json);
}

static bool number_text(const EVP_PKEY *pkey, const char *name, char text[MOST_MEMBER]) {
    BIGNUM *number = NULL;
    uint8_t bytes[MOST_RSA_BYTES];
    bool good = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 && BN_num_bytes(number) <= MOST_RSA_BYTES;
    if (good) base64url_encode(bytes, (size_t)BN_bn2bin(number, bytes), text);
    BN_free(number);
    return good;
}

static bool thumb_rsa(auth_key *key) {
    char n[MOST_MEMBER], e[MOST_MEMBER], json[2 * MOST_MEMBER + 64];
    if (!number_text(key->public_key, OSSL_PKEY_PARAM_RSA_N, n) ||
        !number_text(key->public_key, OSSL_PKEY_PARAM_RSA_E, e))
        return false;
    tw_text_format(json, sizeof json, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);
    set_thumbprint(key, json);
    return true;
}

static bool coordinate_text(const EVP_PKEY *pkey, const char *name, char text[BASE64URL_TEXT(KEY_P256_BYTES)]) {
    BIGNUM *number = NULL;
    uint8_t bytes[KEY_P256_BYTES];
    bool good = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
                BN_bn2binpad(number, bytes, KEY_P256_BYTES) == KEY_P256_BYTES;
    if (good) base64url_encode(bytes, sizeof bytes, text);
    BN_free(number);
    return good;
}

static bool thumb_p256(auth_key *key) {
    char x[BASE64URL_TEXT(KEY_P256_BYTES)], y[sizeof x], json[256];
    if (!coordinate_text(key->public_key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
        !coordinate_text(key->public_key, OSSL_PKEY_PARAM_EC_PUB_Y, y))
        return false;
    tw_text_format(json, sizeof json, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    set_thumbprint(key, json);
    return true;
}

/* ---- making ---- */

tw_code key_init_secret(auth_key *key, const uint8_t *secret, size_t length, tw_error *error) {
    *key = (auth_key){.algorithm = KEY_HS256};
    if (length < KEY_LEAST_SECRET_BYTES || length > KEY_MOST_SECRET_BYTES)
        return tw_error_set(error, TW_INVALID, "a secret for HS256 has %u to %u bytes, this one has %zu",
                            KEY_LEAST_SECRET_BYTES, KEY_MOST_SECRET_BYTES, length);
    key->secret = malloc(length);
    if (key->secret == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a key");
    memcpy(key->secret, secret, length);
    key->secret_length = length;
    thumb_secret(key);
    return TW_OK;
}

static tw_code check_rsa(auth_key *key, tw_error *error) {
    int bits = EVP_PKEY_get_bits(key->public_key);
    BIGNUM *e = NULL;
    bool usual = EVP_PKEY_get_bn_param(key->public_key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
                 !BN_is_one(e) && BN_num_bits(e) <= 64;
    BN_free(e);
    key->algorithm = KEY_RS256;
    if (bits < KEY_LEAST_RSA_BITS || bits > KEY_MOST_RSA_BITS)
        return tw_error_set(error, TW_INVALID, "an RSA key has %d to %d bits, this one has %d", KEY_LEAST_RSA_BITS,
                            KEY_MOST_RSA_BITS, bits);
    if (!usual || !thumb_rsa(key)) return tw_error_set(error, TW_INVALID, "an RSA key with an unusable exponent");
    return TW_OK;
}

static tw_code check_p256(auth_key *key, tw_error *error) {
    char curve[64] = "";
    size_t length = 0;
    key->algorithm = KEY_ES256;
    bool named = EVP_PKEY_get_utf8_string_param(key->public_key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                                &length) == 1;
    if (!named || strcmp(curve, SN_X9_62_prime256v1) != 0)
        return tw_error_set(error, TW_INVALID, "an elliptic curve key on %s: only P-256 is taken",
                            named ? curve : "an unknown curve");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->public_key, NULL);
    bool on_curve = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    if (!on_curve || !thumb_p256(key))
        return tw_error_set(error, TW_INVALID, "an elliptic curve key whose point is not on P-256");
    return TW_OK;
}

/* Takes the public key as it is and finds out what it is good for; after an error it is freed. */
static tw_code adopt(auth_key *key, EVP_PKEY *pkey, tw_error *error) {
    *key = (auth_key){.public_key = pkey};
    tw_code code = EVP_PKEY_is_a(pkey, "RSA") ? check_rsa(key, error)
                   : EVP_PKEY_is_a(pkey, "EC")
                       ? check_p256(key, error)
                       : tw_error_set(error, TW_INVALID, "a key that is neither RSA nor on an elliptic curve");
    if (code != TW_OK) key_fini(key);
    ERR_clear_error();
    return code;
}

static tw_code make(auth_key *key, const char *type, OSSL_PARAM *parameters, tw_error *error) {
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    bool good = context != NULL && parameters != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
                EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
    EVP_PKEY_CTX_free(context);
    if (good) return adopt(key, pkey, error);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    *key = (auth_key){0};
    return tw_error_set(error, TW_INVALID, "numbers that are no %s key", type);
}

tw_code key_init_rsa(auth_key *key, const uint8_t *n, size_t n_length, const uint8_t *e, size_t e_length,
                     tw_error *error) {
    *key = (auth_key){0};
    if (n_length > MOST_RSA_BYTES || e_length > 8)
        return tw_error_set(error, TW_INVALID, "an RSA key of more than %d bits", KEY_MOST_RSA_BITS);
    BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL), *exponent = BN_bin2bn(e, (int)e_length, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    if (modulus != NULL && exponent != NULL && builder != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    tw_code code = make(key, "RSA", parameters, error);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    return code;
}

tw_code key_init_p256(auth_key *key, const uint8_t x[KEY_P256_BYTES], const uint8_t y[KEY_P256_BYTES],
                      tw_error *error) {
    uint8_t point[POINT_BYTES] = {POINT_PLAIN};
    char curve[] = SN_X9_62_prime256v1;
    memcpy(point + 1, x, KEY_P256_BYTES);
    memcpy(point + 1 + KEY_P256_BYTES, y, KEY_P256_BYTES);
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
                               OSSL_PARAM_construct_end()};
    return make(key, "EC", parameters, error);
}

/* ---- PEM ---- */

/* NULL: not of a kind that holds a public key. */
static EVP_PKEY *public_key_of(const char *name, const uint8_t *der, long length) {
    if (strcmp(name, PEM_STRING_PUBLIC) == 0) return d2i_PUBKEY(NULL, &der, length);
    if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0) return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, length);
    if (strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0) return NULL;
    X509 *certificate = d2i_X509(NULL, &der, length);
    EVP_PKEY *pkey = certificate == NULL ? NULL : X509_get_pubkey(certificate);
    X509_free(certificate);
    return pkey;
}

static tw_code take_entry(const char *name, const uint8_t *der, long length, auth_key *key, tw_error *error) {
    if (strstr(name, "PRIVATE") != NULL)
        return tw_error_set(error, TW_INVALID, "a private key: only public keys belong here");
    EVP_PKEY *pkey = public_key_of(name, der, length);
    if (pkey == NULL) return tw_error_set(error, TW_INVALID, "a PEM entry %.40s that holds no public key", name);
    return adopt(key, pkey, error);
}

tw_code key_read_pem(const uint8_t *text, size_t length, auth_key *keys, size_t capacity, size_t *count,
                     tw_error *error) {
    BIO *input = BIO_new_mem_buf(text, (int)length);
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long der_length = 0;
    tw_code code = input == NULL ? tw_error_set(error, TW_NO_MEMORY, "no memory to read keys") : TW_OK;
    *count = 0;
    for (unsigned i = 0; code == TW_OK && i < PEM_DEEPEST; i++) {
        if (PEM_read_bio(input, &name, &header, &der, &der_length) != 1) break;
        code = *count == capacity ? tw_error_set(error, TW_INVALID, "more than %zu keys", capacity)
                                  : take_entry(name, der, der_length, &keys[*count], error);
        *count += code == TW_OK;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(input);
    ERR_clear_error();
    if (code == TW_OK && *count == 0) code = tw_error_set(error, TW_INVALID, "no key in PEM");
    while (code != TW_OK && *count > 0)
        key_fini(&keys[--*count]);
    return code;
}

/* ---- signatures ---- */

static bool verify_secret(const auth_key *key, const uint8_t *bytes, size_t length, const uint8_t *signature,
                          size_t signature_length) {
    uint8_t expected[SHA256_DIGEST_LENGTH];
    unsigned expected_length = 0;
    if (signature_length != sizeof expected) return false;
    if (HMAC(EVP_sha256(), key->secret, (int)key->secret_length, bytes, length, expected, &expected_length) == NULL)
        return false;
    bool same = CRYPTO_memcmp(expected, signature, sizeof expected) == 0;
    OPENSSL_cleanse(expected, sizeof expected);
    return same;
}

static bool verify_public(const auth_key *key, const uint8_t *bytes, size_t length, const uint8_t *signature,
                          size_t signature_length) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->public_key) == 1 &&
                EVP_DigestVerify(context, signature, signature_length, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

/* JWS has the two halves one after the other (RFC 7518, section 3.4), OpenSSL wants them in DER. */
static bool verify_p256(const auth_key *key, const uint8_t *bytes, size_t length, const uint8_t *signature,
                        size_t signature_length) {
    if (signature_length != 2 * (size_t)KEY_P256_BYTES) return false;
    BIGNUM *r = BN_bin2bn(signature, KEY_P256_BYTES, NULL),
           *s = BN_bin2bn(signature + KEY_P256_BYTES, KEY_P256_BYTES, NULL);
    ECDSA_SIG *halves = ECDSA_SIG_new();
    uint8_t *der = NULL;
    bool good = r != NULL && s != NULL && halves != NULL && ECDSA_SIG_set0(halves, r, s) == 1;
    if (!good) {
        BN_free(r);
        BN_free(s);
    }
    int der_length = good ? i2d_ECDSA_SIG(halves, &der) : -1;
    good = der_length > 0 && verify_public(key, bytes, length, der, (size_t)der_length);
    OPENSSL_free(der);
    ECDSA_SIG_free(halves);
    return good;
}

bool key_verify(const auth_key *key, const uint8_t *bytes, size_t length, const uint8_t *signature,
                size_t signature_length) {
    bool good = key->algorithm == KEY_HS256   ? verify_secret(key, bytes, length, signature, signature_length)
                : key->algorithm == KEY_RS256 ? verify_public(key, bytes, length, signature, signature_length)
                                              : verify_p256(key, bytes, length, signature, signature_length);
    ERR_clear_error();
    return good;
}
