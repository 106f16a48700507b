/* What people write after --source, and what they are told when it is wrong. */
#include "ingest/source/location.h"
#include "tests/unit.h"

TEST(location, what_a_person_writes_is_taken_as_meant) {
    static const struct {
        const char *text;
        location_kind kind;
        const char *path, *host;
        unsigned port;
        const char *interface;
    } cases[] = {
        {"file:/data/x.gz", LOCATION_FILE, "/data/x.gz", "", 0, ""},
        {"file:-", LOCATION_FILE, "-", "", 0, ""},
        {"/data/01302020.NASDAQ_ITCH50.gz", LOCATION_FILE, "/data/01302020.NASDAQ_ITCH50.gz", "", 0, ""},
        {"relative name with spaces", LOCATION_FILE, "relative name with spaces", "", 0, ""},
        {"a:b.bin", LOCATION_FILE, "a:b.bin", "", 0, ""},
        {"./udp:x", LOCATION_FILE, "./udp:x", "", 0, ""},
        {"file:udp://x", LOCATION_FILE, "udp://x", "", 0, ""},
        {"file:///data/x", LOCATION_FILE, "///data/x", "", 0, ""},
        {"file:a?port=5", LOCATION_FILE, "a?port=5", "", 0, ""},
        {"pcap:day.pcap", LOCATION_PCAP, "day.pcap", "", 0, ""},
        {"pcap:day.pcap?port=26400", LOCATION_PCAP, "day.pcap", "", 26400, ""},
        {"pcap:day.pcap?group=233.54.12.111&port=26477", LOCATION_PCAP, "day.pcap", "233.54.12.111", 26477, ""},
        {"pcap:day.pcap?group=ff05::1", LOCATION_PCAP, "day.pcap", "ff05::1", 0, ""},
        {"pcap:what?.pcap?port=1", LOCATION_PCAP, "what?.pcap", "", 1, ""},
        {"pcap:what?.pcap", LOCATION_PCAP, "what?.pcap", "", 0, ""},
        {"pcap:odd?a=b?", LOCATION_PCAP, "odd?a=b", "", 0, ""},
        {"udp://239.1.1.1:26400", LOCATION_UDP, "", "239.1.1.1", 26400, ""},
        {"udp://239.1.1.1:26400@eth1", LOCATION_UDP, "", "239.1.1.1", 26400, "eth1"},
        {"udp://239.1.1.1:26400@10.0.0.7", LOCATION_UDP, "", "239.1.1.1", 26400, "10.0.0.7"},
        {"udp://[ff05::2]:26400@eth1", LOCATION_UDP, "", "ff05::2", 26400, "eth1"},
        {"udp://[::1]:0", LOCATION_UDP, "", "::1", 0, ""},
        {"udp://127.0.0.1:0", LOCATION_UDP, "", "127.0.0.1", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where;
        tw_error error = {0};
        EXPECT_MSG(location_parse(cases[i].text, &where, &error) == TW_OK, "%s", error.text);
        EXPECT_I64(where.kind, cases[i].kind);
        EXPECT_STR(where.path, cases[i].path);
        EXPECT_STR(where.host, cases[i].host);
        EXPECT_U64(where.port, cases[i].port);
        EXPECT_STR(where.interface, cases[i].interface);
    }
}

TEST(location, a_soup_location_names_who_logs_in_where_and_to_which_session) {
    static const struct {
        const char *text, *user, *password, *host;
        uint16_t port;
        const char *session;
    } cases[] = {
        {"soup://trader:secret@feed.example.com:9000/DAY1", "trader", "secret", "feed.example.com", 9000, "DAY1"},
        {"soup://trader:secret@10.0.0.7:9000", "trader", "secret", "10.0.0.7", 9000, ""},
        {"soup://trader:secret@10.0.0.7:9000/", "trader", "secret", "10.0.0.7", 9000, ""},
        {"soup://trader@10.0.0.7:9000", "trader", "", "10.0.0.7", 9000, ""},
        {"soup://localhost:1", "", "", "localhost", 1, ""},
        {"soup://u:p@[::1]:65535/S", "u", "p", "::1", 65535, "S"},
        {"soup://u:a%2Fb%3a%40%25@h:1", "u", "a/b:@%", "h", 1, ""},
        {"soup://u:a:b@c@h:1", "u", "a:b@c", "h", 1, ""},
        {"soup://sixsix:tencharact@h:1/TENCHARACT", "sixsix", "tencharact", "h", 1, "TENCHARACT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where;
        tw_error error = {0};
        EXPECT_MSG(location_parse(cases[i].text, &where, &error) == TW_OK, "%s: %s", cases[i].text, error.text);
        EXPECT_I64(where.kind, LOCATION_SOUP);
        EXPECT_STR(where.user, cases[i].user);
        EXPECT_STR(where.password, cases[i].password);
        EXPECT_STR(where.host, cases[i].host);
        EXPECT_U64(where.port, cases[i].port);
        EXPECT_STR(where.session, cases[i].session);
    }
}

TEST(location, whatever_is_wrong_with_a_soup_location_is_said_without_its_password) {
    static const char *const cases[][2] = {
        {"soup://trader:hunter2@host", "HOST:PORT"},
        {"soup://trader:hunter2@host:0", "1 to 65535"},
        {"soup://trader:hunter2@host:port", "1 to 65535"},
        {"soup://trader:hunter2@:9000", "names no host"},
        {"soup://trader:hunter2@a b:9000", "names no host"},
        {"soup://trader:hunter2@::1:9000", "soup://…@[::1]:9000"},
        {"soup://sevenxx:hunter2@host:9000", "user name"},
        {"soup://trader:hunter2hunter2@host:9000", "password"},
        {"soup://trader:hunter2%@host:9000", "password"},
        {"soup://trader:hunter2%4@host:9000", "password"},
        {"soup://trader:hunter2%0a@host:9000", "password"},
        {"soup://trader:hunter2@host:9000/ELEVENCHARS", "session"},
        {"soup:trader:hunter2@host:9000", "did you mean"},
        {"sopu://trader:hunter2@host:9000", "did you mean soup://trader:***@host:9000"},
        {"soupp://trader:hunter2@host:9000", "did you mean soup://"},
        {"https://trader:hunter2@host:9000", "is not a kind of source"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where;
        tw_error error = {0};
        EXPECT_MSG(location_parse(cases[i][0], &where, &error) == TW_INVALID, "\"%s\" was taken", cases[i][0]);
        EXPECT_CONTAINS(error.text, cases[i][1]);
        EXPECT_MSG(strstr(error.text, "hunter") == NULL, "%s: %s", cases[i][0], error.text);
    }
}

TEST(location, a_password_is_neither_shown_nor_left_in_the_command_line) {
    static const char *const cases[][2] = {
        {"soup://trader:hunter2@host:9000/DAY1", "soup://trader:***@host:9000/DAY1"},
        {"soup://trader@host:9000", "soup://trader@host:9000"},
        {"--source=soup://trader:hunter2@host:9000", "--source=soup://trader:***@host:9000"},
        {"udp://239.1.1.1:26400@eth1", "udp://239.1.1.1:26400@eth1"},
        {"udp://[ff05::2]:26400@eth1", "udp://[ff05::2]:26400@eth1"},
        {"file:/data/a", "file:/data/a"},
        {"--source=udp://[ff05::2]:26400@eth1", "--source=udp://[ff05::2]:26400@eth1"},
        {"--nats=nats://me:hunter2@bus:4222", "--nats=nats://me:***@bus:4222"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[64], text[64];
        location_show(cases[i][0], shown, sizeof shown);
        EXPECT_STR(shown, cases[i][1]);
        snprintf(text, sizeof text, "%s", cases[i][0]);
        location_hide(text);
        EXPECT_U64(strlen(text), strlen(cases[i][0]));
        EXPECT(strstr(text, "hunter2") == NULL);
    }
}

TEST(location, what_makes_no_sense_is_answered_with_the_nearest_valid_form) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "no location given"},
        {"upd://239.1.1.1:26400", "did you mean udp://239.1.1.1:26400?"},
        {"UDP://239.1.1.1:26400", "did you mean udp://239.1.1.1:26400?"},
        {"udp:239.1.1.1:26400", "did you mean udp://239.1.1.1:26400?"},
        {"udp:/239.1.1.1:26400", "did you mean udp://239.1.1.1:26400?"},
        {"pcpa:day.pcap", "did you mean pcap:day.pcap?"},
        {"pcap://day.pcap", "did you mean pcap:day.pcap?"},
        {"fiel:x", "did you mean file:x?"},
        {"file://data/x", "did you mean file:data/x?"},
        {"http://example/x", "\"http:\" is not a kind of source"},
        {"tcp://10.0.0.1:5", "is not a"},
        {"file:", "names no file"},
        {"pcap:?port=1", "names no file"},
        {"pcap:x?port=0", "is not a port (1 to 65535)"},
        {"pcap:x?port=65536", "is not a port (1 to 65535)"},
        {"pcap:x?port=", "is not a port (1 to 65535)"},
        {"pcap:x?prot=26400", "?port=N and ?group=ADDRESS"},
        {"pcap:x?port=1&", "is not a filter"},
        {"pcap:x?group=eth0", "group=eth0 is not a numeric"},
        {"udp://239.1.1.1", "did you mean udp://239.1.1.1:26400?"},
        {"udp://239.1.1.1@eth1", "did you mean udp://239.1.1.1:26400@eth1?"},
        {"udp://239.1.1.1:", "is not a port"},
        {"udp://239.1.1.1:x", "is not a port"},
        {"udp://239.1.1.1:-1", "is not a port"},
        {"udp://239.1.1.1:70000", "is not a port"},
        {"udp://239.1.1.1:0", "a multicast group needs the port"},
        {"udp://:26400", "write udp://0.0.0.0:26400"},
        {"udp://localhost:26400", "\"localhost\" is not a numeric"},
        {"udp://239.1.1:26400", "\"239.1.1\" is not a numeric"},
        {"udp://ff05::2:26400", "did you mean udp://[ff05::2]:26400?"},
        {"udp://[ff05::2:26400", "has no port"},
        {"udp://239.1.1.1:26400@", "after \"@\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location where;
        tw_error error = {0};
        EXPECT_MSG(location_parse(cases[i].text, &where, &error) == TW_INVALID, "\"%s\" was taken", cases[i].text);
        EXPECT_CONTAINS(error.text, cases[i].part);
    }
}

TEST(location, what_is_too_long_is_refused_not_cut) {
    static const char *const starts[] = {"file:",         "pcap:",       "", "udp://239.1.1.1:5@", "udp://",
                                         "pcap:x?group=", "pcap:x?port="};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        char text[3000];
        location where;
        tw_error error = {0};
        snprintf(text, sizeof text, "%s%02000d", starts[i], 7);
        EXPECT_MSG(location_parse(text, &where, &error) == TW_INVALID, "\"%s...\" was taken", starts[i]);
        EXPECT(error.text[0] != '\0');
    }
}

TEST(location, hosts_are_a_list_with_ports) {
    location hosts[3];
    uint32_t count;
    tw_error error = {0};
    EXPECT_MSG(location_parse_hosts("10.0.0.7:26500,[::1]:5", hosts, 3, &count, &error) == TW_OK, "%s", error.text);
    EXPECT_U64(count, 2);
    EXPECT_STR(hosts[0].host, "10.0.0.7");
    EXPECT_U64(hosts[0].port, 26500);
    EXPECT_STR(hosts[1].host, "::1");
    EXPECT_U64(hosts[1].port, 5);
    EXPECT(hosts[1].kind == LOCATION_UDP);
}

TEST(location, a_wrong_host_in_a_list_is_named) {
    static const char *const cases[][2] = {{"", "empty"},
                                           {"10.0.0.7", "port"},
                                           {"10.0.0.7:0", "1 to 65535"},
                                           {"10.0.0.7:1,", "empty: write HOST:PORT"},
                                           {",", "empty"},
                                           {"::1:5", "[::1]:5"},
                                           {"10.0.0.7:1,host:2", "no numeric address"},
                                           {"239.1.1.1:4", "multicast"},
                                           {"udp://10.0.0.7:1", "HOST:PORT"},
                                           {"10.0.0.7:1@eth0", "HOST:PORT"},
                                           {"10.0.0.7:1,10.0.0.7:2,10.0.0.7:3,10.0.0.7:4", "more than 3"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        location hosts[3];
        uint32_t count;
        tw_error error = {0};
        EXPECT_MSG(location_parse_hosts(cases[i][0], hosts, 3, &count, &error) == TW_INVALID, "%s", cases[i][0]);
        EXPECT_MSG(strstr(error.text, cases[i][1]) != NULL, "%s: %s", cases[i][0], error.text);
    }
}
