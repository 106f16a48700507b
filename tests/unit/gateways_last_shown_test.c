/* Last values as they are shown: from Redis' texts and from the bus's numbers. */
#include "gateways/last_shown.h"

#include <string.h>

#include "tests/unit.h"

#define READ_NS INT64_C(1580432360252000000)

static const char *json_of(const last_shown *shown, char *text, size_t capacity) {
    json_writer w;
    json_start(&w, text, capacity);
    json_open_object(&w, NULL);
    last_shown_write(shown, "redis", &w);
    json_close_object(&w);
    json_finish(&w);
    return text;
}

TEST(last_shown, a_row_of_redis_is_shown_as_it_is_with_its_age) {
    const char *fields[][2] = {{"bid", "189.1200"}, {"bid_size", "300"},    {"last", "-0.50"},
                               {"last_size", "7"},  {"seq", "17"},          {"event_ns", "1580432360250000000"},
                               {"state", "OK"},     {"of_a_newer_one", "?"}};
    last_shown shown;
    last_shown_start(&shown, READ_NS);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        EXPECT(last_shown_take_field(&shown, fields[i][0], fields[i][1]));
    EXPECT(last_shown_is_row(&shown));
    char text[1024];
    EXPECT_STR(json_of(&shown, text, sizeof text), "{\"bid\":\"189.1200\",\"bid_size\":\"300\",\"last\":\"-0.50\","
                                                   "\"last_size\":\"7\",\"seq\":\"17\",\"state\":\"OK\","
                                                   "\"event_ns\":\"1580432360250000000\",\"age_ms\":2,\"read_ns\":"
                                                   "\"1580432360252000000\",\"source\":\"redis\"}");
}

TEST(last_shown, a_field_that_the_aggregator_would_not_write_spoils_the_row) {
    const char *bad[][2] = {
        {"bid", ""},     {"bid", "cheap"},  {"bid", "1."},
        {"ask", ".5"},   {"ask", "1.2.3"},  {"ask_size", "1e9"},
        {"last", "- 1"}, {"seq", "-1"},     {"event_ns", "now"},
        {"state", ""},   {"state", "FINE"}, {"bid", "1234567890123456789012345678901234567890.123456789"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        last_shown shown;
        last_shown_start(&shown, READ_NS);
        EXPECT_MSG(!last_shown_take_field(&shown, bad[i][0], bad[i][1]), "%s '%s' was taken", bad[i][0], bad[i][1]);
    }
}

TEST(last_shown, a_row_needs_seq_and_state_and_a_size_with_each_price) {
    const struct {
        const char *fields[6][2];
        bool good;
    } rows[] = {{{{"seq", "0"}, {"state", "STALE"}}, true},
                {{{"seq", "1"}}, false},
                {{{"state", "OK"}}, false},
                {{{"seq", "1"}, {"state", "OK"}, {"bid", "1"}}, false},
                {{{"seq", "1"}, {"state", "OK"}, {"ask_size", "1"}}, false},
                {{{"seq", "1"}, {"state", "OK"}, {"last", "1"}, {"last_size", "2"}}, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        last_shown shown;
        last_shown_start(&shown, READ_NS);
        for (int f = 0; f < 6 && rows[i].fields[f][0] != NULL; f++)
            EXPECT(last_shown_take_field(&shown, rows[i].fields[f][0], rows[i].fields[f][1]));
        EXPECT_MSG(last_shown_is_row(&shown) == rows[i].good, "row %zu", i);
    }
}

static wire_quote quote_of(uint64_t seq, int64_t bid) {
    return (wire_quote){.header = {.seq = seq, .event_ns = READ_NS + 5, .price_exponent = -2},
                        .bid = {.price = bid, .quantity = 10},
                        .ask = {.price = TW_PRICE_ABSENT}};
}

TEST(last_shown, quote_and_print_join_and_the_newer_one_gives_seq_and_time) {
    last_shown shown;
    last_shown_start(&shown, READ_NS);
    wire_quote quote = quote_of(9, 1250);
    tw_print print = {.price = 1300, .quantity = 4, .event_ns = READ_NS - 3000000};
    last_shown_take_quote(&shown, &quote, TW_BOOK_OK, TW_CAUSE_NONE);
    last_shown_take_print(&shown, &(wire_header){.seq = 12, .price_exponent = -2}, &print);
    EXPECT_STR(shown.bid, "12.50");
    EXPECT_STR(shown.ask, "");
    EXPECT_STR(shown.last, "13.00");
    EXPECT_U64(shown.seq, 12);
    EXPECT_I64(shown.event_ns, READ_NS - 3000000);
    last_shown_start(&shown, READ_NS);
    last_shown_take_print(&shown, &(wire_header){.seq = 3, .price_exponent = -2}, &print);
    last_shown_take_quote(&shown, &quote, TW_BOOK_OK, TW_CAUSE_NONE);
    EXPECT_U64(shown.seq, 9);
    char text[1024];
    EXPECT_MSG(strstr(json_of(&shown, text, sizeof text), "\"age_ms\":0,") != NULL,
               "an exchange's clock ahead of ours: %s", text);
}

TEST(last_shown, a_print_taken_back_is_no_price) {
    last_shown shown;
    last_shown_start(&shown, READ_NS);
    tw_print taken_back = {.kind = TW_PRINT_BREAK, .price = 1300, .quantity = 4};
    last_shown_take_print(&shown, &(wire_header){.seq = 3}, &taken_back);
    last_shown_take_print(&shown, &(wire_header){.seq = 3}, NULL);
    EXPECT_STR(shown.last, "");
    EXPECT_STR(shown.last_size, "");
}

TEST(last_shown, the_worst_state_told_is_shown_with_its_cause) {
    last_shown shown;
    last_shown_start(&shown, READ_NS);
    wire_quote quote = quote_of(9, 1250);
    last_shown_take_quote(&shown, &quote, TW_BOOK_STALE, TW_CAUSE_FEED_SILENT);
    last_shown_worsen(&shown, TW_BOOK_RECOVERING, TW_CAUSE_GAP);
    last_shown_worsen(&shown, TW_BOOK_OK, TW_CAUSE_NONE);
    char text[1024];
    EXPECT_MSG(strstr(json_of(&shown, text, sizeof text), "\"state\":\"STALE\",\"cause\":\"FEED_SILENT\"") != NULL,
               "%s", text);
}

TEST(last_shown, newer_is_what_the_exchange_said_later_and_in_the_same_moment_what_has_the_higher_number) {
    static const struct {
        int64_t event_ns, than_ns;
        uint64_t seq, than_seq;
        bool newer;
    } cases[] = {{20, 10, 1, 900, true},
                 {10, 20, 900, 1, false},
                 {10, 10, 6, 5, true},
                 {10, 10, 5, 5, false},
                 {TW_TIME_ABSENT, 10, 6, 5, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        last_shown one = {.event_ns = cases[i].event_ns, .seq = cases[i].seq};
        last_shown than = {.event_ns = cases[i].than_ns, .seq = cases[i].than_seq};
        EXPECT_MSG(last_shown_is_newer(&one, &than) == cases[i].newer, "case %zu", i);
    }
}
