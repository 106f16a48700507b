/* Candles and best quotes on the stream: what is conflated, what never is, and both formats alike. */
#include "base/text.h"
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

static stream_desk desk;
static const int64_t noon_ns = INT64_C(1580403600000000000);

static uint32_t join(stream_format format, const char *subjects, const char *wishes) {
    char request[256];
    uint32_t client = desk_connect(&desk, format, STREAM_WEBSOCKET);
    snprintf(request, sizeof request, "{\"op\":\"subscribe\",\"subjects\":[%s]%s}", subjects, wishes);
    desk_ask(&desk, client, request);
    return client;
}

static uint32_t begin(const char *subjects, const char *wishes) {
    stream_options options = desk_options();
    options.requests_per_second = 1000;
    desk_open(&desk, &options);
    uint32_t client = join(STREAM_JSON, subjects, wishes);
    EXPECT_STR(desk_all(&desk, client), "hello ack");
    return client;
}

/* A minute's candle of so many prints, the last of them at `close`. */
static wire_candle candle_of(int64_t minute, int64_t close, uint64_t seq, bool final) {
    wire_candle m = {.interval_ms = 60000,
                     .start_ns = noon_ns + minute * 60000 * DESK_MS,
                     .open = 100,
                     .high = 200,
                     .low = 50,
                     .close = close,
                     .volume = 5 * seq,
                     .turnover_low = 500 * seq,
                     .vwap = 100,
                     .count = seq,
                     .revision = seq,
                     .final = final};
    desk_header(&desk, "AAA", &m.header);
    m.header.seq = seq;
    m.header.prev_seq = 0;
    return m;
}

static void tell(int64_t minute, int64_t close, uint64_t seq, bool final) {
    wire_candle m = candle_of(minute, close, seq, final);
    stream_take_candle(desk.stream, &m, desk.now_ns);
}

/* All candles that come now: "S 0:101 10" (snapshot, minute, close, seq), "0:101 10>11 final" (prev_seq, seq). */
static const char *candles(uint32_t client) {
    static char text[4096];
    static peer_message m;
    size_t used = 0;
    text[0] = '\0';
    desk_write(&desk, client);
    while (desk_next(&desk, client, &m)) {
        if (strcmp(m.type, "candle") != 0) continue;
        EXPECT_STR(m.subject, "XNAS.AAA.candle.1m");
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%d:%d ", used > 0 ? " | " : "",
                                 m.header.snapshot ? "S " : "",
                                 (int)((m.candle.start_ns - noon_ns) / (60000 * DESK_MS)), (int)m.candle.close);
        if (!m.header.snapshot)
            used += (size_t)snprintf(text + used, sizeof text - used, "%d>", (int)m.header.prev_seq);
        used += (size_t)snprintf(text + used, sizeof text - used, "%d%s%s", (int)m.header.seq,
                                 m.candle.final ? " final" : "", m.merged > 1 ? " merged" : "");
    }
    return text;
}

TEST(stream_candle, every_change_comes_and_what_is_said_twice_does_not) {
    uint32_t client = begin("\"XNAS.*.candle.1m\"", "");
    tell(0, 101, 1, false);
    EXPECT_STR(candles(client), "S 0:101 1");
    tell(0, 102, 4, false);
    tell(0, 102, 4, false); /* another aggregator */
    tell(0, 101, 1, false);
    EXPECT_STR(candles(client), "0:102 1>4");
    tell(0, 102, 4, true);
    tell(0, 102, 4, false); /* the other one is behind */
    EXPECT_STR(candles(client), "0:102 4>4 final");
    tell(1, 103, 6, false);
    tell(0, 102, 4, true);
    EXPECT_STR(candles(client), "1:103 4>6");
    tell(0, 99, 9, true); /* restated */
    tell(0, 99, 9, true);
    EXPECT_STR(candles(client), "0:99 6>9 final");
    tell(1, 104, 12, false);
    EXPECT_STR(candles(client), "1:104 9>12");
    desk_close(&desk);
}

TEST(stream_candle, an_interval_conflates_a_candle_but_never_its_last_word) {
    uint32_t client = begin("\"XNAS.AAA.candle.1m\"", ",\"interval_ms\":1000");
    tell(0, 101, 1, false);
    EXPECT_STR(candles(client), "S 0:101 1");
    tell(0, 102, 2, false);
    EXPECT_STR(candles(client), "0:102 1>2");
    tell(0, 103, 3, false);
    tell(0, 104, 4, false);
    EXPECT_STR(candles(client), ""); /* they wait */
    tell(0, 105, 5, true);
    EXPECT_STR(candles(client), "0:105 2>5 final merged");
    tell(1, 110, 6, false);
    EXPECT_STR(candles(client), "");
    tell(2, 120, 7,
         false); /* the final one of minute 1 was lost: the last that is known goes out before the next */
    EXPECT_STR(candles(client), "1:110 5>6");
    desk.now_ns += 1000 * DESK_MS;
    EXPECT_STR(candles(client), "2:120 6>7");
    tell(2, 121, 8, false);
    tell(1, 111, 6, true); /* it comes after all, beside the newest, which waits */
    EXPECT_STR(candles(client), "1:111 7>7 final");
    desk.now_ns += 1000 * DESK_MS;
    EXPECT_STR(candles(client), "2:121 7>8");
    desk_close(&desk);
}

TEST(stream_candle, who_joins_gets_the_newest_first_and_who_comes_back_what_it_missed) {
    uint32_t client = begin("\"XNAS.AAA.candle.1m\"", "");
    tell(0, 101, 1, false);
    tell(0, 102, 2, true);
    tell(1, 103, 3, false);
    candles(client);
    uint32_t late = join(STREAM_JSON, "\"XNAS.>\"", "");
    EXPECT_STR(candles(late), "S 1:103 3");
    tell(1, 104, 5, false);
    tell(0, 99, 6, true);
    uint32_t back = join(STREAM_JSON, "\"XNAS.AAA.candle.1m\"",
                         ",\"resume\":{\"XNAS.AAA.candle.1m\":{\"epoch\":\"2020-01-30.S\",\"seq\":\"3\"}}");
    EXPECT_STR(candles(back), "1:104 3>5 | 0:99 5>6 final");
    desk_close(&desk);
}

TEST(stream_candle, another_session_and_another_leader_start_with_a_snapshot) {
    uint32_t client = begin("\"XNAS.AAA.candle.1m\"", "");
    tell(0, 101, 100, false);
    candles(client);
    desk.term = 2;
    tell(0, 102, 103, false);
    EXPECT_STR(candles(client), "S 0:102 103");
    desk.epoch = "2020-01-31.S";
    tell(1440, 90, 5, false);
    EXPECT_STR(candles(client), "S 1440:90 5");
    desk_close(&desk);
}

TEST(stream_candle, candles_over_all_exchanges_and_other_intervals_are_subjects_of_their_own) {
    uint32_t client = begin("\"agg.>\",\"XNAS.AAA.candle.1d\"", "");
    peer_message m;
    wire_candle day = candle_of(0, 100, 1, false), all = day;
    day.interval_ms = 86400000;
    all.header.exchange[0] = '\0';
    all.header.term = 0;
    stream_take_candle(desk.stream, &day, desk.now_ns);
    stream_take_candle(desk.stream, &all, desk.now_ns);
    tell(0, 100, 1, false); /* nobody asked for this one */
    EXPECT(desk_await(&desk, client, "candle", &m));
    EXPECT_STR(m.subject, "XNAS.AAA.candle.1d");
    EXPECT(desk_await(&desk, client, "candle", &m));
    EXPECT_STR(m.subject, "agg.AAA.candle.1m");
    EXPECT(!desk_await(&desk, client, "candle", &m));
    EXPECT_STR(desk.wants, "+agg.candle.1s +agg.candle.1m +agg.candle.5m +agg.candle.1h +agg.candle.1d +agg.nbbo "
                           "+XNAS.candle.1d ");
    day.interval_ms = 7; /* of no subject */
    stream_take_candle(desk.stream, &day, desk.now_ns);
    desk_close(&desk);
}

TEST(stream_candle, both_formats_say_the_same) {
    uint32_t json = begin("\"XNAS.AAA.candle.1m\"", "");
    uint32_t binary = join(STREAM_PROTOBUF, "\"XNAS.AAA.candle.1m\"", "");
    static peer_message a, b;
    for (uint64_t seq = 1; seq < 6; seq++) {
        wire_candle m = candle_of((int64_t)seq / 3, 100 + (int64_t)seq, seq, seq % 3 == 2);
        m.incomplete = seq == 4;
        if (seq == 5) m.count = 0, m.open = m.high = m.low = m.close = m.vwap = TW_PRICE_ABSENT;
        stream_take_candle(desk.stream, &m, desk.now_ns);
        EXPECT(desk_await(&desk, json, "candle", &a));
        EXPECT(desk_await(&desk, binary, "candle", &b));
        EXPECT_U64(b.candle.turnover_low, 500 * seq);
        b.candle.turnover_low = 0;
        EXPECT(memcmp(&a.candle, &b.candle, sizeof a.candle) == 0);
        EXPECT(memcmp(&a.header, &b.header, sizeof a.header) == 0);
    }
    desk_close(&desk);
}

/* ---- best quotes ---- */

static wire_nbbo best(int64_t bid, uint64_t seq) {
    wire_nbbo m = {.bid = {.price = bid, .quantity = 300},
                   .ask = {.price = bid + 1, .quantity = 200},
                   .bid_venues = {.count = 2, .mics = {"XNAS", "XBOS"}},
                   .ask_venues = {.count = 1, .mics = {"XBOS"}},
                   .venue_count = 2,
                   .refresh_ms = 5000};
    desk_header(&desk, "AAA", &m.header);
    m.header.exchange[0] = '\0';
    m.header.term = 0;
    m.header.prev_seq = 0;
    m.header.seq = seq;
    tw_text_copy(m.header.epoch, sizeof m.header.epoch, "2020-01-30");
    return m;
}

TEST(stream_nbbo, the_latest_counts_a_change_of_state_is_told_at_once_and_one_that_knows_less_is_not_heard) {
    uint32_t client = begin("\"agg.*.nbbo\"", ",\"interval_ms\":1000");
    peer_message m;
    wire_nbbo told = best(100, 10);
    stream_take_nbbo(desk.stream, &told, desk.now_ns);
    EXPECT(desk_await(&desk, client, "nbbo", &m));
    EXPECT(m.header.snapshot && m.nbbo.bid.price == 100 && m.nbbo.bid.quantity == 300);
    EXPECT_STR(m.nbbo.bid_venues.mics[1], "XBOS");
    stream_take_nbbo(desk.stream, &told, desk.now_ns); /* again, so that nobody doubts it */
    told = best(90, 9);
    stream_take_nbbo(desk.stream, &told, desk.now_ns); /* another aggregator's, which has just started */
    EXPECT_STR(desk_all(&desk, client), "");
    for (int i = 0; i < 3; i++) {
        told = best(101 + i, 11 + (uint64_t)i);
        stream_take_nbbo(desk.stream, &told, desk.now_ns);
    }
    EXPECT(desk_await(&desk, client, "nbbo", &m)); /* the first after a quiet interval */
    EXPECT_I64(m.nbbo.bid.price, 101);
    told.header.state = TW_BOOK_STALE;
    told.header.cause = TW_CAUSE_FEED_SILENT;
    stream_take_nbbo(desk.stream, &told, desk.now_ns);
    EXPECT(desk_await(&desk, client, "nbbo", &m));
    EXPECT(m.header.state == TW_BOOK_STALE && m.nbbo.bid.price == 103);
    EXPECT_U64(m.header.prev_seq, 11);
    EXPECT_U64(m.header.seq, 13);
    told = best(95, 5); /* whoever knew more is gone */
    stream_take_nbbo(desk.stream, &told, desk.now_ns);
    EXPECT(desk_await(&desk, client, "nbbo", &m));
    EXPECT(m.header.state == TW_BOOK_OK && m.nbbo.bid.price == 95 && m.header.snapshot);
    desk_close(&desk);
}

TEST(stream_nbbo, both_formats_say_the_same) {
    uint32_t json = begin("\"agg.AAA.nbbo\"", "");
    uint32_t binary = join(STREAM_PROTOBUF, "\"agg.AAA.nbbo\"", "");
    static peer_message a, b;
    for (uint64_t i = 1; i < 5; i++) {
        wire_nbbo m = best(100 + (int64_t)i, i);
        m.locked = i == 2;
        m.crossed = i == 3;
        if (i == 4) m.bid = (tw_level){.price = TW_PRICE_ABSENT}, m.bid_venues.count = 0;
        if (i == 4) memset(&m.bid_venues, 0, sizeof m.bid_venues);
        m.stale_venues = (wire_venues){.count = i == 4, .mics = {"XPSX"}};
        if (i != 4) memset(&m.stale_venues, 0, sizeof m.stale_venues);
        stream_take_nbbo(desk.stream, &m, desk.now_ns);
        EXPECT(desk_await(&desk, json, "nbbo", &a));
        EXPECT(desk_await(&desk, binary, "nbbo", &b));
        EXPECT_U64(b.nbbo.refresh_ms, 5000);
        b.nbbo.refresh_ms = 0;
        EXPECT(memcmp(&a.nbbo, &b.nbbo, sizeof a.nbbo) == 0);
        EXPECT(memcmp(&a.header, &b.header, sizeof a.header) == 0);
    }
    desk_close(&desk);
}

/* ---- the bus's conflated tiers by name ---- */

TEST(stream_tiers, a_tiers_name_is_orderbook_with_its_interval_for_all_requests) {
    uint32_t client = begin("\"XNAS.AAA.quote\"", "");
    peer_message m;
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.orderbook.100ms\"]}");
    EXPECT(desk_await(&desk, client, "ack", &m));
    EXPECT_CONTAINS(m.text, "\"subject\":\"XNAS.*.orderbook\"");
    EXPECT_U64(m.ack_interval_ms, 100);
    desk_book(&desk, "AAA", 10);
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT_STR(m.subject, "XNAS.AAA.orderbook");
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.orderbook.1s\"],\"interval_ms\":5000}");
    EXPECT(desk_await(&desk, client, "ack", &m));
    EXPECT_U64(m.ack_interval_ms, 5000); /* the slower of the two */
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.*.orderbook.1s\"]}");
    EXPECT(desk_await(&desk, client, "ack", &m));
    desk_close(&desk);
}
