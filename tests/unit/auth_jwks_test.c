/* Key sets: the examples of RFC 7517 and RFC 7638, PEM, and what is no key for this. */
#include "gateways/auth/jwks.h"

#include "base/text.h"
#include "tests/unit.h"

/* RFC 7517, appendix A.1. */
#define EC_X "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\""
#define EC_Y "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define RSA_N                                                                                                      \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" \
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" \
    "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" \
    "kEgU8awapJzKnqDKgw"
#define RSA_KEY     "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}"
#define EC_KEY(use) "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y ",\"use\":\"" use "\",\"kid\":\"1\"}"

static tw_code read(const char *text, bool secrets, key_list *list, tw_error *error) {
    return jwks_read((const uint8_t *)text, strlen(text), secrets, list, error);
}

TEST(auth_jwks, the_thumbprint_is_that_of_rfc_7638) {
    key_list list;
    EXPECT(read(RSA_KEY, false, &list, NULL) == TW_OK);
    EXPECT_U64(list.count, 1);
    EXPECT_STR(list.keys[0].thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    EXPECT_STR(list.keys[0].id, "2011-04-29");
    EXPECT_STR(key_algorithm_name(list.keys[0].algorithm), "RS256");
    key_list_fini(&list);
}

TEST(auth_jwks, of_the_set_of_rfc_7517_the_key_for_encryption_is_passed_over) {
    key_list list;
    EXPECT(read("{\"keys\":[" EC_KEY("enc") "," RSA_KEY "]}", false, &list, NULL) == TW_OK);
    EXPECT_U64(list.count, 1);
    EXPECT_U64(list.passed_over, 1);
    EXPECT_STR(list.reason, "key 1 is not for signatures");
    key_list_fini(&list);
    EXPECT(read("{\"keys\":[" EC_KEY("sig") "," RSA_KEY "]}", false, &list, NULL) == TW_OK);
    EXPECT_U64(list.count, 2);
    key_list_fini(&list);
}

TEST(auth_jwks, what_is_no_key_for_this_is_refused_with_its_reason) {
    static const struct {
        const char *text, *why;
        bool secrets;
    } cases[] = {
        {"", "not a JSON key set", true},
        {"{", "not a JSON key set", true},
        {"[]", "not a JSON key set", true},
        {"{}", "not a JSON key set", true},
        {"{\"keys\":{}}", "not a JSON key set", true},
        {"{\"keys\":[]}", "no key that can be used", true},
        {"{\"keys\":[7,null,\"a\",[]]}", "key 1 is of a kind", true},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "is of a kind", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\"," EC_X "," EC_Y "}", "another curve", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "}", "lacks x or y", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X ",\"y\":\"AAAA\"}", "lacks x or y", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X ",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyN\"}",
         "lacks x or y", true}, /* loose bits */
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X ",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyI\"}", "",
         true}, /* not on the curve */
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y ",\"alg\":\"ES384\"}", "another algorithm", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y ",\"key_ops\":[\"sign\"]}", "not for checking", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y ",\"d\":\"AAAA\"}", "private key", true},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y ",\"kid\":7}", "kid", true},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "bits", true},
        {"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}", "exponent", true},
        {"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Ag\"}", "exponent", true},
        {"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}", "lacks n or e", true},
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "has 3", true},
        {"{\"kty\":\"oct\"}", "lacks k", true},
        {"{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", "come from files", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        key_list list;
        tw_error error = {0};
        EXPECT_MSG(read(cases[i].text, cases[i].secrets, &list, &error) != TW_OK, "%s was taken", cases[i].text);
        EXPECT_U64(list.count, 0);
        EXPECT_MSG(strstr(error.text, cases[i].why) != NULL, "%s: %s, expected %s", cases[i].text, error.text,
                   cases[i].why);
    }
}

TEST(auth_jwks, a_set_has_at_most_64_keys_that_can_be_used) {
    static char text[65 * 800];
    key_list list;
    tw_error error = {0};
    size_t used = 0;
    for (int count = 64; count <= 65; count++) {
        tw_text_copy(text, sizeof text, "{\"keys\":[");
        for (int i = 0; i < count; i++) {
            used = strlen(text);
            tw_text_format(text + used, sizeof text - used, "%s%s", i > 0 ? "," : "", EC_KEY("sig"));
        }
        used = strlen(text);
        tw_text_copy(text + used, sizeof text - used, "]}");
        EXPECT(read(text, false, &list, &error) == (count == 64 ? TW_OK : TW_FULL));
        EXPECT_U64(list.count, count == 64 ? 64 : 0);
        key_list_fini(&list);
    }
}

/* The key of RFC 7638 as `openssl rsa -pubin` writes it. */
static const char rsa_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX\n"
                              "ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\n"
                              "oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt\n"
                              "7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\n"
                              "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f\n"
                              "M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK\n"
                              "gwIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";
static const char ec_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMKBCTNIcKUSDii11ySs3526iDZ8A\n"
                             "iTo7Tu6KPAqv7D7gS2XpJFbZiItSs3m9+9Ue6GnvHw/GW2ZZaVtszggXIw==\n"
                             "-----END PUBLIC KEY-----\n";

TEST(auth_jwks, a_key_in_pem_is_the_same_key_as_in_json) {
    key_list list = {0}, json;
    char both[2048];
    tw_text_format(both, sizeof both, "comment\n%s%s", rsa_pem, ec_pem);
    EXPECT(key_read_pem((const uint8_t *)both, strlen(both), list.keys, KEYS_OF_A_SOURCE, &list.count, NULL) ==
           TW_OK);
    EXPECT_U64(list.count, 2);
    EXPECT(read("{\"keys\":[" RSA_KEY "," EC_KEY("sig") "]}", false, &json, NULL) == TW_OK);
    EXPECT_STR(list.keys[0].thumbprint, json.keys[0].thumbprint);
    EXPECT_STR(list.keys[1].thumbprint, json.keys[1].thumbprint);
    EXPECT_STR(list.keys[0].id, "");
    key_list_fini(&list);
    key_list_fini(&json);
}

TEST(auth_jwks, pem_without_public_keys_is_refused) {
    static const struct {
        const char *text, *why;
    } cases[] = {{"nothing", "no key in PEM"},
                 {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"},
                 {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key"},
                 {"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                  "-----END PUBLIC KEY-----\n",
                  "neither RSA"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auth_key keys[2];
        size_t count;
        tw_error error = {0};
        EXPECT(key_read_pem((const uint8_t *)cases[i].text, strlen(cases[i].text), keys, 2, &count, &error) ==
               TW_INVALID);
        EXPECT_CONTAINS(error.text, cases[i].why);
        EXPECT_U64(count, 0);
    }
}
