/* Where a server hears: what a person may write, and what it becomes. */
#include "tests/unit.h"
#include "tools/serve/listen_address.h"

TEST(listen_address, is_a_numeric_address_and_a_port_that_may_be_any) {
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {{"127.0.0.1:26500", "127.0.0.1", 26500},
                 {"0.0.0.0:0", "0.0.0.0", 0},
                 {"[::1]:0", "::1", 0},
                 {"[2001:db8::7]:65535", "2001:db8::7", 65535}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where;
        tw_error error;
        char again[LISTEN_ADDRESS_BYTES];
        EXPECT_MSG(listen_address_parse(cases[i].text, &where, &error) == TW_OK, "%s", cases[i].text);
        EXPECT_STR(where.host, cases[i].host);
        EXPECT_U64(where.port, cases[i].port);
        listen_address_format(where.host, where.port, again, sizeof again);
        EXPECT_STR(again, cases[i].text);
    }
}

TEST(listen_address, what_is_none_is_refused_with_an_example) {
    static const char *const cases[] = {
        "",           "127.0.0.1",     "localhost:1", ":26500",      "127.0.0.1:",   "1.2.3.4:x",
        "::1:5",      "1.2.3.4:65536", "239.1.1.1:5", "[ff02::1]:5", "1.2.3.4:5@lo", "udp://1.2.3.4:5",
        "1.2.3.4:5/x"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where;
        tw_error error = {0};
        EXPECT_MSG(listen_address_parse(cases[i], &where, &error) == TW_INVALID, "%s", cases[i]);
        EXPECT_CONTAINS(error.text, "127.0.0.1:26500");
    }
}
