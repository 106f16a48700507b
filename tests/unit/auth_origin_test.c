/* Pages of which origins may use the gateway, and in the name of their user. */
#include "gateways/auth/origin.h"

#include <string.h>

#include "tests/unit.h"

#define LIST "https://a.example,https://b.example:8443"

TEST(auth_origin, pages_of_our_own_of_the_list_and_no_pages_may_connect) {
    static const struct {
        const char *allowed, *origin, *host;
        bool may;
    } cases[] = {
        {"", "", "gw.example", true}, /* not a browser */
        {"", "https://gw.example", "gw.example", true},
        {"", "http://GW.example:8080", "gw.example:8080", true},
        {"", "https://gw.example:8080", "gw.example", false},
        {"", "https://evil.example", "gw.example", false},
        {"", "https://gw.example.evil.example", "gw.example", false},
        {"", "null", "gw.example", false}, /* a sandboxed page */
        {"", "null", "", false},
        {"", "https://", "", false},
        {LIST, "https://a.example", "gw.example", true},
        {LIST, "HTTPS://A.EXAMPLE", "gw.example", true},
        {LIST, "https://b.example:8443", "gw.example", true},
        {LIST, "https://b.example", "gw.example", false},
        {LIST, "http://a.example", "gw.example", false},
        {LIST, "https://a.example,https://b.example:8443", "gw.example", false},
        {LIST, "https://a.exampl", "gw.example", false},
        {"*", "https://evil.example", "gw.example", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT_MSG(origin_allowed(cases[i].allowed, cases[i].origin, cases[i].host) == cases[i].may,
                   "'%s' at %s, allowed '%s'", cases[i].origin, cases[i].host, cases[i].allowed);
}

TEST(auth_origin, a_cookie_is_believed_of_pages_that_were_named_and_never_because_of_a_star) {
    static const struct {
        const char *allowed, *origin, *host, *site;
        bool may;
    } cases[] = {
        {"", "https://gw.example", "gw.example", "same-origin", true},
        {LIST, "https://a.example", "gw.example", "cross-site", true},
        {"*", "https://evil.example", "gw.example", "cross-site", false},
        {"*", "*", "gw.example", "", false},
        {"*", "https://gw.example", "gw.example", "", true},
        {LIST, "https://evil.example", "gw.example", "", false},
        {LIST, "null", "gw.example", "", false},
        {"", "", "gw.example", "", true},            /* an old browser's own page, or no browser */
        {"", "", "gw.example", "same-origin", true}, /* fetch and EventSource of our own page */
        {"", "", "gw.example", "none", true},        /* typed by the user */
        {"", "", "gw.example", "cross-site", false}, /* <img src> of another site */
        {"", "", "gw.example", "same-site", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT_MSG(origin_trusted(cases[i].allowed, cases[i].origin, cases[i].host, cases[i].site) == cases[i].may,
                   "'%s' at %s, allowed '%s', site '%s'", cases[i].origin, cases[i].host, cases[i].allowed,
                   cases[i].site);
}

TEST(auth_origin, a_list_that_could_never_match_is_refused_and_says_what_to_write) {
    static const struct {
        const char *list;
        bool good;
    } cases[] = {
        {"", true},
        {"*", true},
        {LIST, true},
        {"http://[::1]:8080", true},
        {"app://x", true},
        {"example.com", false},
        {"https://a.example,example.com", false},
        {"https://", false},
        {"https:/a.example", false},
        {"://a.example", false},
        {"https://a.example/", false},
        {"https://a.example, https://b.example", false},
        {"https://*.example", false},
        {"*,https://a.example", false},
        {",", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tw_error error = {0};
        EXPECT_MSG((origin_check_list(cases[i].list, &error) == TW_OK) == cases[i].good, "'%s'", cases[i].list);
        if (!cases[i].good) EXPECT(strstr(error.text, "https://example.com") != NULL);
    }
}
