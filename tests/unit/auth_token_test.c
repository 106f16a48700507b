/* Tokens against keys: the examples of RFC 7515 (A.1, A.2, A.3), and the attacks of RFC 8725. */
#include "gateways/auth/token.h"

#include <openssl/hmac.h>

#include "base/text.h"
#include "gateways/auth/base64url.h"
#include "gateways/auth/jwks.h"
#include "tests/unit.h"

/* RFC 7515, appendix A: the same claims, signed in three ways. */
#define CLAIMS       "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define HS256_HEADER "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
#define HS256_SIGN   "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define HS256_JWK                                                                                                  \
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"                                       \
    "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
#define RS256_HEADER "eyJhbGciOiJSUzI1NiJ9"
#define RS256_SIGN                                                                                                 \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9"   \
    "CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6" \
    "_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0" \
    "igcN_IoypGlUPQGe77Rw"
#define RS256_N                                                                                                    \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ" \
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2" \
    "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD" \
    "TW9gb54h4FRWyuXpoQ"
#define RS256_JWK    "{\"kty\":\"RSA\",\"n\":\"" RS256_N "\",\"e\":\"AQAB\"}"
#define ES256_HEADER "eyJhbGciOiJFUzI1NiJ9"
#define ES256_SIGN   "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define ES256_JWK                                                                                                  \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define HS256_TOKEN HS256_HEADER "." CLAIMS "." HS256_SIGN
#define RS256_TOKEN RS256_HEADER "." CLAIMS "." RS256_SIGN
#define ES256_TOKEN ES256_HEADER "." CLAIMS "." ES256_SIGN

static void give(key_set *keys, uint32_t source, const char *jwks) {
    key_list list = {0};
    tw_error error = {0};
    EXPECT_MSG(jwks_read((const uint8_t *)jwks, strlen(jwks), true, &list, &error) == TW_OK, "%s", error.text);
    EXPECT(key_set_replace(keys, source, &list, &error) == TW_OK);
}

static const char *verdict_of(const key_set *keys, const char *text) {
    char why[TOKEN_WHY_BYTES] = "";
    signed_token opened;
    auth_verdict verdict = token_open(&opened, keys, text, strlen(text), why);
    if (verdict == AUTH_GOOD) EXPECT(opened.claims != NULL && opened.thumbprint[0] != '\0');
    if (verdict != AUTH_GOOD) EXPECT(opened.claims == NULL && why[0] != '\0');
    token_fini(&opened);
    return auth_verdict_name(verdict);
}

static const char *verdict_by(const char *jwk, const char *text) {
    key_set keys = {0};
    give(&keys, 0, jwk);
    const char *verdict = verdict_of(&keys, text);
    key_set_fini(&keys);
    return verdict;
}

/* "HEADER.PAYLOAD.SIGNATURE" of a header in clear, signed with HMAC by these bytes. */
static const char *hmac_token(const char *header, const void *secret, size_t secret_length) {
    static char text[4096];
    char encoded[512], signature_text[64];
    uint8_t signature[32];
    unsigned length;
    base64url_encode((const uint8_t *)header, strlen(header), encoded);
    tw_text_format(text, sizeof text, "%s.%s", encoded, CLAIMS);
    HMAC(EVP_sha256(), secret, (int)secret_length, (const uint8_t *)text, strlen(text), signature, &length);
    base64url_encode(signature, length, signature_text);
    tw_text_format(text, sizeof text, "%s.%s.%s", encoded, CLAIMS, signature_text);
    return text;
}

TEST(auth_token, the_examples_of_rfc_7515_are_good_with_their_keys) {
    EXPECT_STR(verdict_by(HS256_JWK, HS256_TOKEN), "good");
    EXPECT_STR(verdict_by(RS256_JWK, RS256_TOKEN), "good");
    EXPECT_STR(verdict_by(ES256_JWK, ES256_TOKEN), "good");
    EXPECT_STR(verdict_by("{\"keys\":[" ES256_JWK "," HS256_JWK "," RS256_JWK "]}", RS256_TOKEN), "good");
}

TEST(auth_token, the_claims_are_those_that_were_signed) {
    key_set keys = {0};
    char why[TOKEN_WHY_BYTES];
    signed_token opened;
    int64_t expires_ns;
    give(&keys, 0, RS256_JWK);
    EXPECT(token_open(&opened, &keys, RS256_TOKEN, strlen(RS256_TOKEN), why) == AUTH_GOOD);
    EXPECT_STR(json_node_text(json_node_member(opened.claims, "iss")), "joe");
    EXPECT(json_node_date(json_node_member(opened.claims, "exp"), &expires_ns));
    EXPECT_I64(expires_ns, INT64_C(1300819380000000000));
    token_fini(&opened);
    key_set_fini(&keys);
}

TEST(auth_token, one_changed_character_anywhere_is_refused) {
    static const struct {
        const char *jwk, *token;
    } cases[] = {{HS256_JWK, HS256_TOKEN}, {RS256_JWK, RS256_TOKEN}, {ES256_JWK, ES256_TOKEN}};
    for (size_t n = 0; n < 3; n++) {
        key_set keys = {0};
        give(&keys, 0, cases[n].jwk);
        char text[1024];
        for (size_t i = 0; i < strlen(cases[n].token); i += n == 0 ? 1 : 5) {
            tw_text_copy(text, sizeof text, cases[n].token);
            text[i] = text[i] == 'A' ? 'B' : 'A';
            EXPECT_MSG(strcmp(verdict_of(&keys, text), "good") != 0, "character %zu of token %zu", i, n);
        }
        key_set_fini(&keys);
    }
}

TEST(auth_token, alg_none_is_refused_however_it_is_written) {
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"NONE\"}",
                                          "{\"alg\":\"nOnE\",\"typ\":\"JWT\"}", "{\"alg\":\"\"}"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char encoded[128], text[512];
        base64url_encode((const uint8_t *)headers[i], strlen(headers[i]), encoded);
        tw_text_format(text, sizeof text, "%s.%s.", encoded, CLAIMS);
        EXPECT_STR(verdict_by("{\"keys\":[" ES256_JWK "," HS256_JWK "," RS256_JWK "]}", text), "algorithm");
        tw_text_format(text, sizeof text, "%s.%s.%s", encoded, CLAIMS, HS256_SIGN);
        EXPECT_STR(verdict_by(HS256_JWK, text), "algorithm");
    }
    char empty[512];
    tw_text_format(empty, sizeof empty, "%s.%s.", HS256_HEADER, CLAIMS);
    EXPECT_STR(verdict_by(HS256_JWK, empty), "signature");
}

/* The public key is known to everybody: who signs with it by HMAC must not come through. */
TEST(auth_token, hs256_made_with_a_public_key_is_refused) {
    static const char *const spellings[] = {RS256_N, RS256_JWK, ES256_JWK};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        const char *text = hmac_token("{\"alg\":\"HS256\"}", spellings[i], strlen(spellings[i]));
        EXPECT_STR(verdict_by(RS256_JWK, text), "algorithm");
        EXPECT_STR(verdict_by(ES256_JWK, text), "algorithm");
    }
    uint8_t n[512];
    size_t length;
    EXPECT(base64url_decode(RS256_N, strlen(RS256_N), n, sizeof n, &length));
    EXPECT_STR(verdict_by(RS256_JWK, hmac_token("{\"alg\":\"HS256\"}", n, length)), "algorithm");
    EXPECT_STR(verdict_by(RS256_JWK, hmac_token("{\"alg\":\"RS256\"}", n, length)), "signature");
}

TEST(auth_token, what_the_header_wants_and_is_not_given_is_refused) {
    uint8_t secret[64];
    size_t length;
    const char *k = strstr(HS256_JWK, "AyM1");
    EXPECT(base64url_decode(k, strlen(k) - 2, secret, sizeof secret, &length));
    static const struct {
        const char *header, *verdict;
    } cases[] = {
        {"{\"alg\":\"HS256\"}", "good"},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "good"},
        {"{\"alg\":\"HS256\",\"typ\":\"application/JWT\"}", "good"},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\"},\"jku\":\"http://example.com\",\"x5u\":\"x\"}", "good"},
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", "type"},
        {"{\"alg\":\"HS256\",\"typ\":1}", "type"},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "critical"},
        {"{\"alg\":\"HS256\",\"crit\":[]}", "critical"},
        {"{\"alg\":\"HS256\",\"crit\":null}", "critical"},
        {"{\"alg\":\"HS384\"}", "algorithm"},
        {"{\"alg\":\"hs256\"}", "algorithm"},
        {"{\"alg\":\"ES256\"}", "algorithm"},
        {"{\"alg\":[\"HS256\"]}", "malformed"},
        {"{\"typ\":\"JWT\"}", "malformed"},
        {"{\"alg\":\"HS256\",\"kid\":7}", "malformed"},
        {"{\"alg\":\"HS256\"} x", "malformed"},
        {"[\"alg\"]", "malformed"},
        {"", "malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *verdict = verdict_by(HS256_JWK, hmac_token(cases[i].header, secret, length));
        EXPECT_MSG(strcmp(verdict, cases[i].verdict) == 0, "%s is %s, expected %s", cases[i].header, verdict,
                   cases[i].verdict);
    }
}

TEST(auth_token, an_es256_signature_is_64_bytes_and_no_other) {
    uint8_t raw[64], der[80];
    size_t length;
    EXPECT(base64url_decode(ES256_SIGN, strlen(ES256_SIGN), raw, sizeof raw, &length) && length == 64);
    const size_t lengths[] = {0, 1, 32, 63, 64, 65, 72};
    memset(der, 0, sizeof der);
    memcpy(der, raw, sizeof raw);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char signature[128], text[512];
        base64url_encode(der, lengths[i], signature);
        tw_text_format(text, sizeof text, "%s.%s.%s", ES256_HEADER, CLAIMS, signature);
        EXPECT_STR(verdict_by(ES256_JWK, text), lengths[i] == 64 ? "good" : "signature");
    }
    memset(raw, 0, sizeof raw); /* r = s = 0: CVE-2022-21449 */
    char signature[128], text[512];
    base64url_encode(raw, sizeof raw, signature);
    tw_text_format(text, sizeof text, "%s.%s.%s", ES256_HEADER, CLAIMS, signature);
    EXPECT_STR(verdict_by(ES256_JWK, text), "signature");
}

TEST(auth_token, padding_white_space_and_loose_bits_are_refused) {
    static const char *const texts[] = {
        HS256_HEADER "." CLAIMS "." HS256_SIGN "=",
        HS256_HEADER "." CLAIMS "." HS256_SIGN " ",
        HS256_HEADER "." CLAIMS "." HS256_SIGN "\n",
        " " HS256_TOKEN,
        HS256_HEADER "." CLAIMS "."
                     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", /* the same 32 bytes, loosely */
        HS256_HEADER "." CLAIMS "."
                     "dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk",
        HS256_HEADER "." CLAIMS,
        HS256_TOKEN ".",
        HS256_TOKEN "..",
        "..",
        "",
        ".",
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d", /* five parts: encrypted */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        EXPECT_MSG(strcmp(verdict_by(HS256_JWK, texts[i]), "malformed") == 0, "%s is %s", texts[i],
                   verdict_by(HS256_JWK, texts[i]));
    EXPECT_STR(verdict_by(HS256_JWK, HS256_HEADER "." CLAIMS "==." HS256_SIGN), "signature");
}

TEST(auth_token, a_huge_token_is_refused_before_it_is_read) {
    char *text = malloc(3 << 20);
    memset(text, 'A', 3 << 20);
    text[(3 << 20) - 1] = '\0';
    text[100] = text[200] = '.';
    EXPECT_STR(verdict_by(HS256_JWK, text), "too_long");
    text[TOKEN_MOST_BYTES + 1] = '\0';
    EXPECT_STR(verdict_by(HS256_JWK, text), "too_long");
    text[TOKEN_MOST_BYTES] = '\0';
    EXPECT_STR(verdict_by(HS256_JWK, text), "malformed");
    free(text);
}

TEST(auth_token, the_kid_chooses_among_keys_and_an_unknown_one_is_told_apart) {
    uint8_t secret[64];
    size_t length;
    const char *k = strstr(HS256_JWK, "AyM1");
    EXPECT(base64url_decode(k, strlen(k) - 2, secret, sizeof secret, &length));
    static const char two[] =
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"one\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
        "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"},{\"kty\":\"oct\",\"kid\":\"two\",\"k\":\"AAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}";
    EXPECT_STR(verdict_by(two, hmac_token("{\"alg\":\"HS256\",\"kid\":\"one\"}", secret, length)), "good");
    EXPECT_STR(verdict_by(two, hmac_token("{\"alg\":\"HS256\"}", secret, length)), "good");
    EXPECT_STR(verdict_by(two, hmac_token("{\"alg\":\"HS256\",\"kid\":\"two\"}", secret, length)), "signature");
    EXPECT_STR(verdict_by(two, hmac_token("{\"alg\":\"HS256\",\"kid\":\"three\"}", secret, length)), "unknown_key");
    EXPECT_STR(verdict_by(HS256_JWK, hmac_token("{\"alg\":\"HS256\",\"kid\":\"three\"}", secret, length)), "good");
    key_set none = {0};
    EXPECT_STR(verdict_of(&none, HS256_TOKEN), "unknown_key");
}

TEST(auth_token, a_replaced_source_takes_its_keys_away_and_no_others) {
    key_set keys = {0};
    give(&keys, 0, RS256_JWK);
    give(&keys, 1, HS256_JWK);
    EXPECT_STR(verdict_of(&keys, RS256_TOKEN), "good");
    EXPECT_STR(verdict_of(&keys, HS256_TOKEN), "good");
    uint64_t version = keys.version;
    give(&keys, 0, ES256_JWK);
    EXPECT(keys.version > version);
    EXPECT_STR(verdict_of(&keys, RS256_TOKEN), "algorithm");
    EXPECT_STR(verdict_of(&keys, HS256_TOKEN), "good");
    EXPECT_STR(verdict_of(&keys, ES256_TOKEN), "good");
    key_list none = {0};
    EXPECT(key_set_replace(&keys, 1, &none, NULL) == TW_OK);
    EXPECT_STR(verdict_of(&keys, HS256_TOKEN), "algorithm");
    key_set_fini(&keys);
}
