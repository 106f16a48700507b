/* Claims: what a token has to say, and who somebody then is. Signatures are no part of this. */
#include "gateways/auth/claims.h"

#include "base/text.h"
#include "tests/unit.h"

#define NOW_NS INT64_C(1600000000000000000) /* 1600000000 */

static const claims_rules rules = {.issuer = "https://id.example.com",
                                   .audiences = "tickwire,other",
                                   .subjects_claim = "tickwire_subjects",
                                   .leeway_ns = INT64_C(10000000000)};

static char why[TOKEN_WHY_BYTES];

static const char *verdict_of(const claims_rules *asked, const char *json, identity **who) {
    signed_token opened = {.claims = json_node_parse((const uint8_t *)json, strlen(json)), .thumbprint = "thumb"};
    EXPECT_MSG(opened.claims != NULL, "not JSON: %s", json);
    why[0] = '\0';
    auth_verdict verdict = claims_read(who, &opened, asked, NOW_NS, why);
    EXPECT((*who != NULL) == (verdict == AUTH_GOOD));
    token_fini(&opened);
    return auth_verdict_name(verdict);
}

#define WHOSE "\"iss\":\"https://id.example.com\",\"aud\":\"tickwire\",\"sub\":\"ann\""
#define GOOD  WHOSE ",\"exp\":1600000060"

TEST(auth_claims, a_token_is_good_from_its_times_on_until_its_end_and_the_leeway) {
    static const struct {
        const char *json, *verdict, *why;
    } cases[] = {
        {"{" GOOD "}", "good", ""},
        {"{" WHOSE ",\"exp\":1600000060.5}", "good", ""},
        {"{" WHOSE ",\"exp\":1599999991}", "good", ""}, /* within the leeway */
        {"{" WHOSE ",\"exp\":1599999990}", "expired", "token expired"},
        {"{" WHOSE ",\"exp\":99999999999999}", "good", ""},
        {"{" WHOSE ",\"exp\":1e300}", "good", ""},
        {"{" WHOSE "}", "claims", "no exp"},
        {"{" WHOSE ",\"exp\":null}", "claims", "no exp"},
        {"{" WHOSE ",\"exp\":\"1600000060\"}", "claims", "no exp"},
        {"{" WHOSE ",\"exp\":-1}", "claims", "no exp"},
        {"{" GOOD ",\"nbf\":1600000010,\"iat\":1600000010}", "good", ""},
        {"{" GOOD ",\"nbf\":1600000011}", "early", "nbf"},
        {"{" GOOD ",\"iat\":1600000011}", "early", "iat"},
        {"{" GOOD ",\"nbf\":\"soon\"}", "claims", "nbf"},
        {"{" GOOD ",\"iat\":null}", "claims", "iat"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        identity *who;
        const char *verdict = verdict_of(&rules, cases[i].json, &who);
        EXPECT_MSG(strcmp(verdict, cases[i].verdict) == 0, "%s is %s (%s)", cases[i].json, verdict, why);
        EXPECT_CONTAINS(why, cases[i].why);
        identity_free(who);
    }
}

TEST(auth_claims, issuer_and_audience_are_those_of_the_settings) {
    static const struct {
        const char *json, *verdict;
    } cases[] = {
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\",\"aud\":\"other\"}", "good"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\",\"aud\":[\"x\",\"other\"]}",
         "good"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\",\"aud\":[\"x\",7]}", "audience"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\",\"aud\":\"tick\"}", "audience"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\",\"aud\":\"tickwire,other\"}",
         "audience"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\",\"aud\":\"\"}", "audience"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com\"}", "audience"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":\"https://id.example.com/\",\"aud\":\"other\"}", "issuer"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"iss\":[\"https://id.example.com\"],\"aud\":\"other\"}", "issuer"},
        {"{\"exp\":1600000060,\"sub\":\"ann\",\"aud\":\"other\"}", "issuer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        identity *who;
        EXPECT_STR(verdict_of(&rules, cases[i].json, &who), cases[i].verdict);
        identity_free(who);
    }
}

/* RFC 7519, section 4.1.3: who is not named in `aud` must refuse. */
TEST(auth_claims, without_a_name_of_its_own_the_gateway_refuses_tokens_for_somebody) {
    claims_rules open = rules;
    identity *who;
    open.issuer = open.audiences = "";
    EXPECT_STR(verdict_of(&open, "{\"exp\":1600000060,\"sub\":\"ann\"}", &who), "good");
    identity_free(who);
    EXPECT_STR(verdict_of(&open, "{\"exp\":1600000060,\"sub\":\"ann\",\"aud\":\"x\"}", &who), "audience");
    EXPECT_CONTAINS(why, "--auth-audience");
    EXPECT_STR(verdict_of(&open, "{\"exp\":1600000060,\"sub\":\"ann\",\"aud\":null}", &who), "audience");
}

TEST(auth_claims, user_accounts_subjects_and_limits_make_an_identity) {
    identity *who;
    EXPECT_STR(
        verdict_of(&rules,
                   "{" GOOD
                   ",\"accounts\":[\"A1\",\"B 2\",\"ünï\"],\"tickwire_subjects\":[\"XNAS.*.quote\",\"feed.>\"],"
                   "\"tickwire_limits\":{\"subscriptions\":5,\"sessions\":2,\"waiting_bytes\":8192,\"else\":1}}",
                   &who),
        "good");
    EXPECT_STR(who->user, "ann");
    EXPECT_STR(who->thumbprint, "thumb");
    EXPECT_I64(who->expires_ns, INT64_C(1600000070000000000));
    EXPECT(text_list_has(&who->accounts, "A1") && text_list_has(&who->accounts, "B 2"));
    EXPECT(text_list_has(&who->accounts, "ünï"));
    EXPECT(!text_list_has(&who->accounts, "A"));
    EXPECT(entitlement_covers(&who->may_read, "XNAS.AAPL.quote"));
    EXPECT(entitlement_covers(&who->may_read, "feed.XNAS.0.status"));
    EXPECT(!entitlement_covers(&who->may_read, "XNAS.AAPL.trade"));
    EXPECT_U64(who->limits.subscriptions, 5);
    EXPECT_U64(who->limits.sessions, 2);
    EXPECT_U64(who->limits.waiting_bytes, 8192);
    EXPECT_U64(who->limits.requests_per_second, 0);
    identity_free(who);
    EXPECT_STR(verdict_of(&rules, "{" GOOD ",\"tickwire_subjects\":\" XNAS.*.quote  feed.> \"}", &who), "good");
    EXPECT_U64(who->may_read.patterns.count, 2);
    identity_free(who);
    claims_rules other = rules;
    other.subjects_claim = "https://example.com/reads";
    EXPECT_STR(verdict_of(&other, "{" GOOD ",\"https://example.com/reads\":[\"XLON.>\"]}", &who), "good");
    EXPECT(entitlement_covers(&who->may_read, "XLON.VOD.quote"));
    identity_free(who);
}

TEST(auth_claims, a_claim_that_is_not_what_it_has_to_be_is_named) {
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"\"sub\":\"\"", "sub"},
        {"\"sub\":7", "sub"},
        {"\"sub\":\"a\\u0000b\"", "sub"},
        {"\"sub\":\"a\\nb\"", "sub"},
        {"\"sub\":\"anonymous\"", "'anonymous'"},
        {"\"sub\":null", "sub"},
        {"\"sub\":\"ann\",\"accounts\":\"A1\"", "accounts"},
        {"\"sub\":\"ann\",\"accounts\":[\"A1\",7]", "accounts[1]"},
        {"\"sub\":\"ann\",\"accounts\":[\"\"]", "accounts[0]"},
        {"\"sub\":\"ann\",\"accounts\":[\"123456789012345678901234567890123\"]", "accounts[0]"},
        {"\"sub\":\"ann\",\"accounts\":[\"ann\",\"a\\nb\"]", "accounts[1]"},
        {"\"sub\":\"ann\",\"tickwire_subjects\":{}", "tickwire_subjects"},
        {"\"sub\":\"ann\",\"tickwire_subjects\":[7]", "tickwire_subjects[0]"},
        {"\"sub\":\"ann\",\"tickwire_subjects\":[\"XNAS..quote\"]", "'XNAS..quote'"},
        {"\"sub\":\"ann\",\"tickwire_subjects\":[\"XNAS.>.quote\"]", "only at the end"},
        {"\"sub\":\"ann\",\"tickwire_subjects\":[\"\"]", "empty"},
        {"\"sub\":\"ann\",\"tickwire_subjects\":[\"X NAS.>\"]", "a byte"},
        {"\"sub\":\"ann\",\"tickwire_limits\":7", "tickwire_limits"},
        {"\"sub\":\"ann\",\"tickwire_limits\":{\"sessions\":0}", "sessions"},
        {"\"sub\":\"ann\",\"tickwire_limits\":{\"subscriptions\":-1}", "subscriptions"},
        {"\"sub\":\"ann\",\"tickwire_limits\":{\"waiting_bytes\":1e3}", "waiting_bytes"},
        {"\"sub\":\"ann\",\"tickwire_limits\":{\"requests_per_second\":4294967296}", "requests_per_second"},
        {"\"sub\":\"ann\",\"tickwire_limits\":{\"requests_per_second\":null}", "requests_per_second"},
    };
    char json[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        identity *who;
        tw_text_format(json, sizeof json,
                       "{\"iss\":\"https://id.example.com\",\"aud\":\"tickwire\",\"exp\":1600000060,%s}",
                       cases[i].json);
        EXPECT_STR(verdict_of(&rules, json, &who), "claims");
        EXPECT_MSG(strstr(why, cases[i].why) != NULL, "%s: %s", cases[i].json, why);
    }
}

TEST(auth_claims, patterns_and_accounts_are_bounded) {
    char json[8192];
    for (int more = 0; more < 2; more++) {
        identity *who;
        tw_text_copy(json, sizeof json, "{" GOOD ",\"tickwire_subjects\":[\"A.>\"");
        for (unsigned i = 1; i < ENTITLEMENT_PATTERNS + (unsigned)more; i++)
            tw_text_format(json + strlen(json), sizeof json - strlen(json), ",\"A.B%u.>\"", i);
        tw_text_copy(json + strlen(json), sizeof json - strlen(json), "]}");
        EXPECT_STR(verdict_of(&rules, json, &who), more == 0 ? "good" : "claims");
        identity_free(who);
    }
}
