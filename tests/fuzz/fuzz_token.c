/*
 * Whatever comes as a token, as its claims, as a key set or as PEM: it is read within its bounds, nothing is good that was
 * not signed, and every refusal has its words.
 *
 * The input: a choice byte, then text. 0: a token; 1: a header in clear, two bytes of its length first, and claims, signed
 * here as they are; 2: claims alone; 3: a key set; 4: PEM; 5: a list of patterns.
 */
#include <openssl/hmac.h>

#include "gateways/auth/base64url.h"
#include "gateways/auth/claims.h"
#include "gateways/auth/jwks.h"
#include "tests/fuzz/fuzz.h"

static const char keys_text[] =
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
static const uint8_t secret[32];
static const claims_rules rules = {
    .issuer = "", .audiences = "a,b", .subjects_claim = "tickwire_subjects", .leeway_ns = 1000};

static const key_set *keys(void) {
    static key_set set; /* as long as the process */
    if (set.count > 0) return &set;
    key_list list;
    FUZZ_CHECK(jwks_read((const uint8_t *)keys_text, sizeof keys_text - 1, true, &list, NULL) == TW_OK);
    FUZZ_CHECK(key_set_replace(&set, 0, &list, NULL) == TW_OK);
    return &set;
}

static auth_verdict check(const char *text, size_t length) {
    char why[TOKEN_WHY_BYTES] = "";
    identity *who;
    auth_verdict verdict = claims_check(&who, keys(), &rules, text, length, 1, why);
    FUZZ_CHECK((verdict == AUTH_GOOD) == (who != NULL));
    FUZZ_CHECK(verdict == AUTH_GOOD || (why[0] != '\0' && strlen(why) < sizeof why));
    if (who != NULL) FUZZ_CHECK(who->user[0] != '\0' && who->expires_ns > 1);
    identity_free(who);
    return verdict;
}

/* Nobody has the secret: so nothing is good. */
static void take_token(const uint8_t *text, size_t length) {
    FUZZ_CHECK(check((const char *)text, length) != AUTH_GOOD);
}

static void take_signed(fuzz_input *input) {
    size_t header_length, claims_length;
    uint8_t *header = fuzz_piece(input, fuzz_u16(input), &header_length, 0);
    uint8_t *claims = fuzz_piece(input, input->left, &claims_length, 0);
    char *text = malloc(BASE64URL_TEXT(header_length) + BASE64URL_TEXT(claims_length) + 64);
    uint8_t signature[32];
    unsigned length;
    FUZZ_CHECK(text != NULL);
    base64url_encode(header, header_length, text);
    text[strlen(text) + 1] = '\0';
    text[strlen(text)] = '.';
    base64url_encode(claims, claims_length, text + strlen(text));
    HMAC(EVP_sha256(), secret, sizeof secret, (const uint8_t *)text, strlen(text), signature, &length);
    size_t used = strlen(text);
    text[used] = '.';
    base64url_encode(signature, length, text + used + 1);
    check(text, strlen(text));
    free(text);
    free(header);
    free(claims);
}

static void take_claims(const uint8_t *text, size_t length) {
    char why[TOKEN_WHY_BYTES] = "";
    identity *who;
    signed_token opened = {.claims = json_node_parse(text, length)};
    if (opened.claims == NULL) return;
    if (claims_read(&who, &opened, &rules, 1, why) != AUTH_GOOD) FUZZ_CHECK(who == NULL && why[0] != '\0');
    identity_free(who);
    token_fini(&opened);
}

static void take_keys(const uint8_t *text, size_t length, bool secrets) {
    key_list list;
    tw_error error = {0};
    tw_code code = jwks_read(text, length, secrets, &list, &error);
    FUZZ_CHECK((code == TW_OK) == (list.count > 0) && list.count <= KEYS_OF_A_SOURCE);
    for (size_t i = 0; i < list.count; i++) {
        FUZZ_CHECK(strlen(list.keys[i].thumbprint) == KEY_THUMBPRINT_BYTES - 1);
        FUZZ_CHECK(secrets || list.keys[i].algorithm != KEY_HS256);
        FUZZ_CHECK(!key_verify(&list.keys[i], text, length, text, length < 64 ? length : 64));
    }
    key_list_fini(&list);
}

static void take_pem(const uint8_t *text, size_t length) {
    auth_key read[4];
    size_t count;
    if (key_read_pem(text, length, read, 4, &count, NULL) != TW_OK) FUZZ_CHECK(count == 0);
    for (size_t i = 0; i < count; i++)
        key_fini(&read[i]);
}

static void take_patterns(const uint8_t *text) {
    entitlement grant = {0};
    tw_error error = {0};
    if (entitlement_parse(&grant, (const char *)text, &error) != TW_OK) FUZZ_CHECK(error.text[0] != '\0');
    entitlement_covers(&grant, "XNAS.AAPL.quote");
    entitlement_fini(&grant);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    uint8_t choice = fuzz_u8(&input);
    if (choice % 6 == 1) {
        take_signed(&input);
        return 0;
    }
    size_t piece_length;
    uint8_t *piece = fuzz_piece(&input, input.left, &piece_length, choice % 6 == 5);
    if (choice % 6 == 0) take_token(piece, piece_length);
    if (choice % 6 == 2) take_claims(piece, piece_length);
    if (choice % 6 == 3) take_keys(piece, piece_length, choice >= 128);
    if (choice % 6 == 4) take_pem(piece, piece_length);
    if (choice % 6 == 5) take_patterns(piece);
    free(piece);
    return 0;
}
