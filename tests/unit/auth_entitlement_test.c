/* Who may read what. */
#include "gateways/auth/entitlement.h"

#include "tests/unit.h"

TEST(auth_entitlement, a_list_grants_what_its_patterns_match_and_nothing_else) {
    static const struct {
        const char *list, *subject;
        bool granted;
    } cases[] = {
        {"XNAS.>", "XNAS.AAPL.quote", true},
        {"XNAS.>", "XLON.VOD.quote", false},
        {"XNAS.>,feed.>", "feed.XNAS.0.status", true},
        {"XNAS.*.quote", "XNAS.AAPL.quote", true},
        {"XNAS.*.quote", "XNAS.AAPL.trade", false},
        {"XNAS.AAPL.quote", "XNAS.AAPL.quote", true},
        {"XNAS.AAPL.quote", "XNAS.AAPLX.quote", false},
        {"XNAS.AAPL.quote", "XNAS.*.quote", true}, /* of the wildcard something is left */
        {"XNAS.AAPL.quote", ">", true},
        {"XNAS.AAPL.quote", "XNAS.*.trade", false},
        {"*.*.quote", "XNAS.>", true},
        {"", "XNAS.AAPL.quote", false},
        {"", ">", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        entitlement grant = {0};
        EXPECT(entitlement_parse(&grant, cases[i].list, NULL) == TW_OK);
        EXPECT_MSG(entitlement_covers(&grant, cases[i].subject) == cases[i].granted, "'%s' for %s", cases[i].list,
                   cases[i].subject);
        entitlement_fini(&grant);
    }
}

TEST(auth_entitlement, a_slip_in_the_setting_is_named) {
    static const struct {
        const char *list, *why;
    } cases[] = {
        {"XNAS.>,XN AS.>", "'XN AS.>'"},     {",", "a token is empty"},
        {"XNAS..quote", "a token is empty"}, {"XNAS.>.quote", "only at the end"},
        {"XNAS.A*.quote", "wildcard"},       {"XNAS.AAPL.nothing", "'XNAS.AAPL.nothing'"},
        {"nonsense", "'nonsense'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        entitlement grant = {0};
        tw_error error = {0};
        EXPECT(entitlement_parse(&grant, cases[i].list, &error) == TW_INVALID);
        EXPECT_CONTAINS(error.text, cases[i].why);
        entitlement_fini(&grant);
    }
}

TEST(auth_entitlement, too_many_or_too_long_is_refused) {
    char list[2048] = "", longest[400];
    entitlement grant = {0};
    for (unsigned i = 0; i <= ENTITLEMENT_PATTERNS; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%sXNAS.A%u.quote", i > 0 ? "," : "", i);
    EXPECT(entitlement_parse(&grant, list, NULL) == TW_FULL);
    *strrchr(list, ',') = '\0';
    EXPECT(entitlement_parse(&grant, list, NULL) == TW_OK);
    EXPECT_U64(grant.patterns.count, ENTITLEMENT_PATTERNS);
    memset(longest, 'A', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    EXPECT(entitlement_parse(&grant, longest, NULL) == TW_INVALID);
    entitlement_fini(&grant);
}

/* Who grants by token may know channels that this gateway does not have yet. */
TEST(auth_entitlement, a_token_may_grant_what_is_not_known_here) {
    entitlement grant = {0};
    EXPECT(entitlement_add(&grant, "XNAS.*.greeks.1s", 16, NULL) == TW_OK);
    EXPECT(entitlement_covers(&grant, "XNAS.AAPL.greeks.1s"));
    EXPECT(!entitlement_covers(&grant, "XNAS.AAPL.quote"));
    EXPECT(entitlement_add(&grant, "XNAS.*.gr*", 10, NULL) == TW_INVALID);
    EXPECT(entitlement_add(&grant, "XNAS.\t", 6, NULL) == TW_INVALID);
    entitlement_fini(&grant);
}
