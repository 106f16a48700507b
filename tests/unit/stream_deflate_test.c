/* permessage-deflate in the stream: packed once for everybody who agreed, and what is read is the same. */
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

#define SHARERS 5

static stream_desk desk;

static void begin(uint32_t level) {
    stream_options options = desk_options();
    options.deflate_level = level;
    options.requests_per_second = 1000;
    desk_open(&desk, &options);
}

static uint32_t subscriber(stream_format format, stream_framing framing, const char *pattern) {
    char request[256];
    uint32_t client = desk_connect(&desk, format, framing);
    snprintf(request, sizeof request, "{\"op\":\"subscribe\",\"subjects\":[\"%s\"]}", pattern);
    desk_ask(&desk, client, request);
    EXPECT_STR(desk_all(&desk, client), "hello ack");
    return client;
}

static void expect_same_book(const peer_message *a, const peer_message *b) {
    EXPECT_U64(a->header.seq, b->header.seq);
    EXPECT_U64(a->header.prev_seq, b->header.prev_seq);
    EXPECT_U64(a->checksum, b->checksum);
    EXPECT_U64(a->merged, b->merged);
    for (int side = 0; side < 2; side++) {
        EXPECT_U64(a->counts[side], b->counts[side]);
        for (uint32_t i = 0; i < a->counts[side]; i++) {
            EXPECT_I64(a->sides[side][i].price, b->sides[side][i].price);
            EXPECT_U64(a->sides[side][i].quantity, b->sides[side][i].quantity);
            EXPECT_U64(a->sides[side][i].orders, b->sides[side][i].orders);
        }
    }
}

TEST(stream_deflate, a_frame_is_packed_once_for_all_who_agreed_and_reads_like_the_plain_one) {
    for (int format = STREAM_JSON; format <= STREAM_PROTOBUF; format++) {
        begin(1);
        uint32_t plain = subscriber((stream_format)format, STREAM_WEBSOCKET, "XNAS.*.orderbook"), packed[SHARERS];
        for (int i = 0; i < SHARERS; i++)
            packed[i] = subscriber((stream_format)format, STREAM_WEBSOCKET_DEFLATE, "XNAS.*.orderbook");
        for (uint64_t n = 1; n <= 3; n++) { /* a snapshot, then deltas, of which the shortest stay as they are */
            peer_message as_plain, as_packed;
            desk_book(&desk, "AAA", 100 * n);
            EXPECT(desk_await(&desk, plain, "book", &as_plain));
            for (int i = 0; i < SHARERS; i++) {
                EXPECT(desk_await(&desk, packed[i], "book", &as_packed));
                expect_same_book(&as_plain, &as_packed);
            }
        }
        stream_stats stats = stream_read_stats(desk.stream);
        EXPECT_U64(desk.peers[plain].inflated, 0);
        for (int i = 0; i < SHARERS; i++)
            EXPECT_U64(desk.peers[packed[i]].inflated, stats.deflated);
        EXPECT_MSG(stats.deflated >= 1 && stats.deflated <= 3, "%llu", (unsigned long long)stats.deflated);
        EXPECT(stats.deflated_to_bytes < stats.deflated_from_bytes);
        EXPECT_U64(stats.groups, 2);
        desk_close(&desk);
    }
}

TEST(stream_deflate, who_lags_gets_a_packed_snapshot_that_says_what_was_merged) {
    begin(1);
    uint32_t slow = subscriber(STREAM_JSON, STREAM_WEBSOCKET_DEFLATE, "XNAS.*.orderbook");
    peer_message m;
    desk_book(&desk, "AAA", 1);
    EXPECT(desk_await(&desk, slow, "book", &m));
    uint64_t before = desk.peers[slow].inflated;
    for (uint64_t n = 0; n < 5000; n++) {
        desk_book(&desk, "AAA", 100 + n);
        stream_round(desk.stream, desk.now_ns);
    }
    EXPECT(desk_await(&desk, slow, "book", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.merged, 5000);
    EXPECT_U64(desk.peers[slow].inflated, before + 1);
    desk_close(&desk);
}

TEST(stream_deflate, nothing_is_packed_where_it_is_off_or_too_short) {
    peer_message m;
    begin(0);
    uint32_t client = subscriber(STREAM_JSON, STREAM_WEBSOCKET_DEFLATE, "XNAS.*.orderbook");
    desk_book(&desk, "AAA", 1);
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT_U64(desk.peers[client].inflated, 0);
    desk_close(&desk);
    begin(9);
    client = subscriber(STREAM_PROTOBUF, STREAM_WEBSOCKET_DEFLATE, "XNAS.*.quote");
    desk_quote(&desk, "AAA", 1000000);
    EXPECT(desk_await(&desk, client, "quote", &m));
    EXPECT_U64(stream_read_stats(desk.stream).deflated, 0);
    desk_close(&desk);
}
