/* Messages as `tickwire tap` prints them. */
#include "base/text.h"
#include "tests/unit.h"
#include "tools/tap_print.h"

static wire_arena arena;
static char line[TAP_LINE_BYTES];

static size_t encode(uint8_t *bytes, size_t capacity) {
    tw_level bids[] = {{1891200, 300, 2}, {1891100, 0, 0}};
    wire_book_update m = {.depth = 10, .merged = 3, .checksum = 7, .bids = bids, .bid_count = 2};
    m.header = (wire_header){.exchange = "XNAS",
                             .symbol = "BRK.B",
                             .epoch = "2020-01-30.S",
                             .term = 4,
                             .prev_seq = 15,
                             .seq = 17,
                             .state = TW_BOOK_STALE,
                             .cause = TW_CAUSE_CAPACITY,
                             .price_exponent = -4,
                             .event_ns = INT64_C(1580371634909934345),
                             .receive_ns = TW_TIME_ABSENT,
                             .publish_ns = 5};
    return wire_book_update_encode(&m, bytes, capacity);
}

TEST(tap_print, writes_every_field_as_json_with_prices_and_times_as_strings) {
    uint8_t bytes[1024];
    EXPECT(wire_arena_init(&arena, 1u << 20));
    EXPECT(
        tap_print(true, &arena, "XNAS.BRK%2EB.orderbook", bytes, encode(bytes, sizeof bytes), line, sizeof line));
    EXPECT_STR(line,
               "{\"subject\":\"XNAS.BRK%2EB.orderbook\",\"type\":\"BookUpdate\",\"exchange\":\"XNAS\","
               "\"symbol\":\"BRK.B\",\"partition\":0,\"epoch\":\"2020-01-30.S\",\"term\":\"4\",\"prev_seq\":15,"
               "\"seq\":17,\"snapshot\":false,\"state\":\"STALE\",\"cause\":\"CAPACITY\",\"price_exponent\":-4,"
               "\"quantity_exponent\":0,\"event_ns\":\"1580371634909934345\",\"receive_ns\":null,"
               "\"publish_ns\":\"5\",\"depth\":10,\"merged\":3,\"bids\":[[\"189.1200\",\"300\",2],"
               "[\"189.1100\",\"0\",0]],\"asks\":[],\"checksum\":7}");
    wire_arena_fini(&arena);
}

TEST(tap_print, writes_a_line_for_people) {
    uint8_t bytes[1024];
    EXPECT(wire_arena_init(&arena, 1u << 20));
    EXPECT(
        tap_print(false, &arena, "XNAS.BRK%2EB.orderbook", bytes, encode(bytes, sizeof bytes), line, sizeof line));
    EXPECT_CONTAINS(line, "08:07:14.909934 XNAS.BRK%2EB.orderbook");
    EXPECT_CONTAINS(line, "seq 17        <- 15");
    EXPECT_CONTAINS(line, "bid 189.1200 x300 189.1100 gone");
    EXPECT_CONTAINS(line, "STALE CAPACITY");
    wire_arena_fini(&arena);
}

TEST(tap_print, a_feed_status_names_its_leader_and_what_has_left) {
    uint8_t bytes[1024];
    wire_feed_status m = {.exchange = "XNAS",
                          .partition = 1,
                          .epoch = "2020-01-30.S",
                          .term = 7,
                          .seq = 120,
                          .published_seq = 118,
                          .handover = true,
                          .leader = "host-a.4711",
                          .event_ns = TW_TIME_ABSENT,
                          .receive_ns = TW_TIME_ABSENT,
                          .publish_ns = 5};
    size_t length = wire_feed_status_encode(&m, bytes, sizeof bytes);
    EXPECT(wire_arena_init(&arena, 1u << 20));
    EXPECT(tap_print(true, &arena, "feed.XNAS.1.status", bytes, length, line, sizeof line));
    EXPECT_CONTAINS(line, "\"published_seq\":118,\"handover\":true,\"leader\":\"host-a.4711\"");
    EXPECT(tap_print(false, &arena, "feed.XNAS.1.status", bytes, length, line, sizeof line));
    EXPECT_CONTAINS(line, "term 7");
    EXPECT_CONTAINS(line, "published 118 by host-a.4711 offers its place");
    wire_arena_fini(&arena);
}

TEST(tap_print, says_so_when_bytes_are_no_message) {
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff};
    EXPECT(wire_arena_init(&arena, 1u << 20));
    EXPECT(!tap_print(true, &arena, "XNAS.A.trade", bytes, sizeof bytes, line, sizeof line));
    EXPECT_CONTAINS(line, "\"error\":\"malformed\"");
    EXPECT(!tap_print(false, &arena, "XNAS.A.trade", bytes, sizeof bytes, line, sizeof line));
    EXPECT_CONTAINS(line, "4 bytes, malformed");
    EXPECT(tap_print(true, &arena, "something.else", bytes, sizeof bytes, line, sizeof line));
    EXPECT_CONTAINS(line, "\"type\":\"unknown\",\"bytes\":4");
    wire_arena_fini(&arena);
}

TEST(tap_print, never_writes_beyond_a_small_buffer) {
    uint8_t bytes[1024];
    size_t length = encode(bytes, sizeof bytes);
    EXPECT(wire_arena_init(&arena, 1u << 20));
    for (size_t capacity = 1; capacity < 700; capacity++) {
        char *small = malloc(capacity);
        tap_print(true, &arena, "XNAS.BRK%2EB.orderbook", bytes, length, small, capacity);
        tap_print(false, &arena, "XNAS.BRK%2EB.orderbook", bytes, length, small, capacity);
        EXPECT(strlen(small) < capacity);
        free(small);
    }
    wire_arena_fini(&arena);
}

TEST(tap_print, names_the_first_entries_of_a_change_of_the_directory_and_all_of_them_as_json) {
    static wire_instrument entries[7];
    for (uint32_t i = 0; i < 7; i++) {
        entries[i].instrument = (tw_instrument){.price_exponent = -4, .round_lot = 100 + i, .version = 1};
        tw_text_format(entries[i].instrument.symbol, sizeof entries[i].instrument.symbol, "S%u", i);
    }
    wire_instrument_list m = {.exchange = "XNAS",
                              .epoch = "2020-01-30.S",
                              .prev_version = 3,
                              .version = 10,
                              .publish_ns = INT64_C(1580371634909934345),
                              .instrument_count = 7,
                              .instruments = entries};
    uint8_t bytes[2048];
    size_t length = wire_instrument_list_encode(&m, bytes, sizeof bytes);
    EXPECT(wire_arena_init(&arena, 1u << 20));
    EXPECT(tap_print(false, &arena, "instruments.XNAS.changes", bytes, length, line, sizeof line));
    EXPECT_STR(line,
               "08:07:14.909934 instruments.XNAS.changes     version 10 <- 3 S0 (its version 1, round lot 100), "
               "S1 (its version 1, round lot 101), S2 (its version 1, round lot 102), "
               "S3 (its version 1, round lot 103), S4 (its version 1, round lot 104) and 2 more, more to come");
    EXPECT(tap_print(true, &arena, "instruments.XNAS.changes", bytes, length, line, sizeof line));
    EXPECT_CONTAINS(line, "\"type\":\"InstrumentList\"");
    EXPECT_CONTAINS(line, "\"prev_version\":3,\"version\":10");
    EXPECT_CONTAINS(line, "{\"symbol\":\"S6\",\"name\":\"\",\"price_exponent\":-4");
    wire_arena_fini(&arena);
}
