/* The frame of `tickwire top`, as a person sees it. */
#include "tests/unit.h"
#include "tools/top_frame.h"

static top_row row_of(const char *symbol, tickwire_state state, const char *cause) {
    return (top_row){.exchange = "XNAS",
                     .symbol = symbol,
                     .updates = 120,
                     .messages = 130,
                     .bid = {1891200, 300, 2},
                     .ask = {1891500, 100, 1},
                     .last_price = 1891300,
                     .last_quantity = 50,
                     .price_exponent = -4,
                     .state = state,
                     .cause = cause};
}

static tw_histogram latency;

static top_frame frame_of(const top_row *rows, size_t count) {
    static const top_hop hop = {"publish->here", &latency};
    return (top_frame){.now_ns = 1,
                       .url = "nats://x",
                       .messages = 5000,
                       .updates = 4000,
                       .hops = &hop,
                       .hop_count = 1,
                       .rows = rows,
                       .row_count = count,
                       .books = 2,
                       .books_not_ok = 1,
                       .width = 160};
}

TEST(top_frame, shows_prices_sizes_spread_last_trade_and_rates) {
    char text[8192];
    top_row row = row_of("AAPL", TICKWIRE_BOOK_OK, "NONE");
    top_frame frame = frame_of(&row, 1);
    tw_histogram_reset(&latency);
    tw_histogram_record(&latency, 24000);
    size_t length = top_frame_render(&frame, text, sizeof text);
    EXPECT_U64(length, strlen(text));
    EXPECT_CONTAINS(text, "5000 msg/s");
    EXPECT_CONTAINS(text, "189.1200 | 189.1500");
    EXPECT_CONTAINS(text, "0.0300");
    EXPECT_CONTAINS(text, "189.1300");
    EXPECT_CONTAINS(text, "publish->here 24 us/24 us");
}

TEST(top_frame, marks_a_stale_book_in_words_and_in_colour) {
    char text[8192];
    top_row rows[] = {row_of("AAPL", TICKWIRE_BOOK_OK, "NONE"), row_of("MSFT", TICKWIRE_BOOK_STALE, "FEED_SILENT")};
    top_frame frame = frame_of(rows, 2);
    top_frame_render(&frame, text, sizeof text);
    EXPECT_CONTAINS(text, "STALE FEED_SILENT");
    EXPECT_CONTAINS(text, "XNAS!MSFT");
    EXPECT_CONTAINS(text, "XNAS AAPL");
    EXPECT(strstr(text, "\033[") == NULL);
    frame.colour = true;
    top_frame_render(&frame, text, sizeof text);
    const char *stale = strstr(text, "\033[31mXNAS!MSFT");
    EXPECT(stale != NULL);
    EXPECT(strstr(text, "\033[31mXNAS AAPL") == NULL);
}

TEST(top_frame, shows_an_absent_price_as_a_dash_and_no_spread) {
    char text[8192];
    top_row row = row_of("AAPL", TICKWIRE_BOOK_OK, "NONE");
    row.bid.price = row.last_price = TICKWIRE_PRICE_ABSENT;
    top_frame frame = frame_of(&row, 1);
    top_frame_render(&frame, text, sizeof text);
    EXPECT_CONTAINS(text, "- | 189.1500");
    EXPECT(strstr(text, "0.0300") == NULL);
}

TEST(top_frame, fits_every_terminal_and_every_buffer) {
    top_row rows[50];
    for (size_t i = 0; i < 50; i++)
        rows[i] = row_of("AAPL", (tickwire_state)(i % 4), "CHAIN_BROKEN");
    top_frame frame = frame_of(rows, 50);
    for (uint32_t width = 1; width < 200; width += 13)
        for (uint32_t height = 1; height < 60; height += 7) {
            char text[16384];
            uint32_t lines = 0;
            frame.width = width;
            frame.height = height;
            top_frame_render(&frame, text, sizeof text);
            for (const char *p = text; *p != '\0'; lines++) {
                size_t length = strcspn(p, "\n");
                EXPECT_MSG(length <= width, "line of %zu in width %u", length, width);
                p += length + 1;
            }
            EXPECT_MSG(lines <= height, "%u lines in height %u", lines, height);
        }
    for (size_t capacity = 1; capacity < 3000; capacity += 37) {
        char *text = malloc(capacity);
        frame.width = 160;
        frame.height = 0;
        EXPECT(top_frame_render(&frame, text, capacity) < capacity);
        free(text);
    }
}

TEST(top_frame, writes_times_as_people_say_them) {
    static const struct {
        uint64_t ns;
        const char *text;
    } table[] = {{0, "0 ns"},      {999, "999 ns"},     {1500, "1.5 us"},
                 {24000, "24 us"}, {1400000, "1.4 ms"}, {2000000000, "2.0 s"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[32];
        top_format_ns(text, sizeof text, table[i].ns);
        EXPECT_STR(text, table[i].text);
    }
}
