/* What a server sends, as the client protocol's documentation shows it, whole and in pieces, and what no server sends. */
#include "runtime/bus_protocol.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit.h"

enum { ROOM = 512 };

static bus_operation read_text_of(char room[ROOM], const char *bytes) {
    EXPECT(strlen(bytes) < ROOM);
    memcpy(room, bytes, strlen(bytes) + 1);
    return bus_protocol_read(room, strlen(bytes));
}

static const struct {
    const char *bytes;
    const char *subject, *reply, *payload;
    uint64_t sid;
} messages[] = {
    {"MSG FOO.BAR 9 11\r\nHello World\r\n", "FOO.BAR", NULL, "Hello World", 9},
    {"MSG FOO.BAR 9 GREETING.34 11\r\nHello World\r\n", "FOO.BAR", "GREETING.34", "Hello World", 9},
    {"MSG  FOO.BAR\t 9   11\r\nHello World\r\n", "FOO.BAR", NULL, "Hello World", 9},
    {"MSG a 123456789012345 0\r\n\r\n", "a", NULL, "", 123456789012345},
    {"MSG a 1 4\r\n\r\n\r\n\r\n", "a", NULL, "\r\n\r\n", 1},
    {"HMSG FOO.BAR 9 34 45\r\nNATS/1.0\r\nFoodGroup: vegetable\r\n\r\nHello World\r\n", "FOO.BAR", NULL,
     "Hello World", 9},
    {"HMSG FOO.BAR 9 BAZ.69 34 45\r\nNATS/1.0\r\nFoodGroup: vegetable\r\n\r\nHello World\r\n", "FOO.BAR", "BAZ.69",
     "Hello World", 9},
    {"HMSG _INBOX.x 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", "_INBOX.x", NULL, "", 3},
};

TEST(bus_protocol, a_message_says_for_whom_it_is_where_an_answer_goes_and_what_it_carries) {
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        char room[ROOM];
        bus_operation read = read_text_of(room, messages[i].bytes);
        EXPECT_MSG(read.kind == BUS_OPERATION_MESSAGE, "%s", messages[i].bytes);
        EXPECT_U64(read.size, strlen(messages[i].bytes));
        EXPECT_U64(read.sid, messages[i].sid);
        EXPECT_STR(read.subject, messages[i].subject);
        EXPECT((read.reply == NULL) == (messages[i].reply == NULL));
        if (messages[i].reply != NULL) EXPECT_STR(read.reply, messages[i].reply);
        EXPECT_U64(read.payload_length, strlen(messages[i].payload));
        EXPECT_STR((const char *)read.payload, messages[i].payload);
    }
}

TEST(bus_protocol, a_part_of_a_message_is_left_as_it_is_and_says_how_much_is_wanted_at_least) {
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        for (size_t length = 0; length < strlen(messages[i].bytes); length++) {
            char room[ROOM];
            memcpy(room, messages[i].bytes, length);
            bus_operation read = bus_protocol_read(room, length);
            EXPECT_MSG(read.kind == BUS_OPERATION_PART, "%zu bytes of %s", length, messages[i].bytes);
            EXPECT(read.size > length && read.size <= strlen(messages[i].bytes));
            EXPECT(memcmp(room, messages[i].bytes, length) == 0);
        }
}

TEST(bus_protocol, operations_follow_each_other) {
    static const char bytes[] = "PING\r\n+OK\r\nMSG a 1 2\r\nhi\r\nPONG\r\n-ERR 'Unknown Protocol Operation'\r\n"
                                "INFO {\"server_id\":\"x\"}\r\nMSG a 1 2\r\nh";
    static const bus_operation_kind kinds[] = {BUS_OPERATION_PING,  BUS_OPERATION_OTHER, BUS_OPERATION_MESSAGE,
                                               BUS_OPERATION_OTHER, BUS_OPERATION_ERROR, BUS_OPERATION_INFO,
                                               BUS_OPERATION_PART};
    static const char *const texts[] = {[4] = "Unknown Protocol Operation", [5] = "{\"server_id\":\"x\"}"};
    char room[sizeof bytes];
    size_t at = 0;
    memcpy(room, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bus_operation read = bus_protocol_read(room + at, sizeof bytes - 1 - at);
        EXPECT_MSG(read.kind == kinds[i], "operation %zu is a %d", i, (int)read.kind);
        if (i == 4 || i == 5) EXPECT_STR(read.text, texts[i]);
        at += read.kind == BUS_OPERATION_PART ? 0 : read.size;
    }
}

TEST(bus_protocol, what_no_server_sends_is_broken) {
    static const char *const wrong[] = {"\r\n",
                                        "\n",
                                        "MSG a 1 2\n",
                                        "MSG\r\n",
                                        "MSG a 1\r\n",
                                        "MSG a 1 b 2 3 4\r\n",
                                        "MSG a 1 b c 2\r\n",
                                        "MSG a x 2\r\n",
                                        "MSG a 1 -2\r\n",
                                        "MSG a 1 2x\r\n",
                                        "MSG a 1 2147483648\r\n",
                                        "MSG a 1 99999999999999999999\r\n",
                                        "MSG a 1 2\r\nabc\r\n",
                                        "MSG a 1 2\r\nab\n\n",
                                        "HMSG a 1 12\r\n",
                                        "HMSG a 1 13 12\r\n",
                                        "HELLO\r\n",
                                        "msg a 1 2\r\nab\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char room[ROOM];
        EXPECT_MSG(read_text_of(room, wrong[i]).kind == BUS_OPERATION_BROKEN, "%s", wrong[i]);
    }
}

TEST(bus_protocol, a_line_without_end_is_not_waited_for_for_ever) {
    static char line[BUS_PROTOCOL_LINE_BYTES];
    memset(line, 'x', sizeof line);
    EXPECT(bus_protocol_read(line, sizeof line - 1).kind == BUS_OPERATION_PART);
    EXPECT(bus_protocol_read(line, sizeof line).kind == BUS_OPERATION_BROKEN);
}

TEST(bus_protocol, headers_are_found_by_name_in_any_order_and_again) {
    char headers[] = "NATS/1.0\r\nNats-Msg-Id: 7\r\nempty:\r\nOther:\t x y \r\nNats-Msg-Id: 8\r\n\r\nNope: 1\r\n";
    size_t length = sizeof headers - 1 - strlen("Nope: 1\r\n");
    for (int times = 0; times < 2; times++) {
        EXPECT_STR(bus_protocol_header(headers, length, "Other"), "x y ");
        EXPECT_STR(bus_protocol_header(headers, length, "Nats-Msg-Id"), "7");
        EXPECT_STR(bus_protocol_header(headers, length, "empty"), "");
        EXPECT(bus_protocol_header(headers, length, "nats-msg-id") == NULL);
        EXPECT(bus_protocol_header(headers, length, "Nats") == NULL);
        EXPECT(bus_protocol_header(headers, length, "Nope") == NULL);
        EXPECT(bus_protocol_header(headers, length, "Status") == NULL);
        EXPECT(bus_protocol_header(headers, length, "Description") == NULL);
    }
}

TEST(bus_protocol, a_servers_own_word_has_a_number_and_perhaps_a_description) {
    char full[] = "NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 3\r\n\r\n",
         bare[] = "NATS/1.0 503\r\n\r\n";
    char cut[] = "NATS/1.0 503 No", none[] = "HTTP/1.1 200 OK\r\n\r\n";
    for (int times = 0; times < 2; times++) {
        EXPECT_STR(bus_protocol_header(full, sizeof full - 1, "Status"), "408");
        EXPECT_STR(bus_protocol_header(full, sizeof full - 1, "Description"), "Request Timeout");
        EXPECT_STR(bus_protocol_header(full, sizeof full - 1, "Nats-Pending-Messages"), "3");
        EXPECT_STR(bus_protocol_header(bare, sizeof bare - 1, "Status"), "503");
        EXPECT(bus_protocol_header(bare, sizeof bare - 1, "Description") == NULL);
        EXPECT(bus_protocol_header(cut, sizeof cut - 1, "Description") == NULL);
        EXPECT(bus_protocol_header(none, sizeof none - 1, "Status") == NULL);
    }
}
