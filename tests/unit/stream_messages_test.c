/* Trades are a log: every print once, or told that it is missing. And: all formats carry the same. */
#include "base/text.h"
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

static stream_desk desk;

static uint32_t begin(const char *wishes) {
    char request[256];
    stream_options options = desk_options();
    options.requests_per_second = 1000;
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    snprintf(request, sizeof request, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.trade\"]%s}", wishes);
    desk_ask(&desk, client, request);
    EXPECT_STR(desk_all(&desk, client), "hello ack");
    return client;
}

TEST(stream_trades, every_print_comes_once_with_the_totals) {
    uint32_t client = begin("");
    peer_message m;
    desk_prints(&desk, "AAA", 0, 10, 2, 2);
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.print_count, 1); /* a snapshot has the last one only */
    EXPECT_U64(m.prints[0].seq, 11);
    EXPECT_U64(m.prints_total, 2);
    desk_prints(&desk, "AAA", 11, 20, 3, 5);
    desk_prints(&desk, "AAA", 11, 20, 3, 5); /* known */
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT_U64(m.header.prev_seq, 11);
    EXPECT_U64(m.header.seq, 22);
    EXPECT_U64(m.print_count, 3);
    EXPECT_U64(m.volume, 50);
    EXPECT_U64(m.merged, 0);
    EXPECT(m.prints[2].aggressor == TW_AGGRESSOR_BUY);
    EXPECT_STR(desk_all(&desk, client), "");
    desk_close(&desk);
}

TEST(stream_trades, an_interval_gathers_prints_and_drops_none) {
    uint32_t client = begin(",\"interval_ms\":1000");
    peer_message m;
    desk_prints(&desk, "AAA", 0, 1, 1, 1);
    desk_all(&desk, client);
    desk_prints(&desk, "AAA", 1, 2, 1, 2);
    EXPECT_STR(desk_all(&desk, client), "trades:AAA:2");
    desk_prints(&desk, "AAA", 2, 3, 2, 4);
    desk_prints(&desk, "AAA", 4, 5, 3, 7);
    EXPECT_STR(desk_all(&desk, client), "");
    desk.now_ns += 1000 * DESK_MS;
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT_U64(m.header.prev_seq, 2);
    EXPECT_U64(m.header.seq, 7);
    EXPECT_U64(m.print_count, 5);
    for (uint32_t i = 0; i < 5; i++)
        EXPECT_U64(m.prints[i].seq, 3 + i);
    EXPECT_U64(m.prints_total, 7);
    /* more than a message holds: they don't wait */
    desk_prints(&desk, "AAA", 7, 8, 200, 207);
    EXPECT_STR(desk_all(&desk, client), "");
    desk_prints(&desk, "AAA", 207, 208, 100, 307);
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT_U64(m.print_count, 200);
    EXPECT_U64(m.prints_total, 207);
    desk.now_ns += 1000 * DESK_MS;
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT_U64(m.header.prev_seq, 207);
    EXPECT_U64(m.print_count, 100);
    desk_close(&desk);
}

TEST(stream_trades, prints_that_were_lost_before_the_gateway_are_told_by_their_number) {
    uint32_t client = begin(",\"interval_ms\":1000");
    peer_message m;
    desk_prints(&desk, "AAA", 0, 1, 1, 1);
    desk_prints(&desk, "AAA", 1, 2, 1, 2);
    desk_all(&desk, client);
    desk_prints(&desk, "AAA", 2, 3, 1, 3);   /* waits for its interval */
    desk_prints(&desk, "AAA", 9, 10, 2, 12); /* 4 to 9, seven prints, never came */
    desk_write(&desk, client);
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT_U64(m.header.seq, 3); /* in order */
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.merged, 7);
    EXPECT_U64(m.print_count, 2);
    EXPECT_U64(m.prints_total, 12);
    desk_close(&desk);
}

TEST(stream_trades, a_laggard_gets_the_totals_the_last_print_and_how_many_it_missed) {
    uint32_t client = begin("");
    peer_message m;
    desk_prints(&desk, "AAA", 0, 1, 1, 1);
    desk_all(&desk, client);
    for (uint64_t i = 0; i < 100; i++)
        desk_prints(&desk, "AAA", 1 + 2 * i, 2 + 2 * i, 2, 3 + 2 * i);
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.print_count, 1);
    EXPECT_U64(m.prints[0].seq, 201);
    EXPECT_U64(m.prints_total, 201);
    EXPECT_U64(m.merged, 199); /* of two hundred, one is in the message */
    EXPECT_U64(stream_read_stats(desk.stream).prints_passed_over, 199);
    desk_close(&desk);
}

TEST(stream_trades, another_epoch_starts_counting_anew) {
    uint32_t client = begin("");
    peer_message m;
    desk_prints(&desk, "AAA", 0, 100, 1, 40);
    desk_all(&desk, client);
    desk.epoch = "2020-01-31.S";
    desk_prints(&desk, "AAA", 0, 1, 2, 2);
    EXPECT(desk_await(&desk, client, "trades", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.merged, 0);
    EXPECT_U64(m.print_count, 2);
    desk_prints(&desk, "AAA", 2, 3, 1, 3);
    EXPECT_STR(desk_all(&desk, client), "trades:AAA:3");
    desk_close(&desk);
}

/* ---- all formats ---- */

static void give_everything(uint64_t round) {
    wire_status status = {.trading = round % 2 == 0 ? TW_TRADING_OPEN : TW_TRADING_HALTED,
                          .short_sale = TW_SHORT_SALE_INTRADAY,
                          .reason = "T1\"",
                          .collar_upper = 1900000,
                          .collar_lower = -5,
                          .collar_reference = TW_PRICE_ABSENT};
    wire_imbalance imbalance = {.imbalance = {.cross = TW_CROSS_CLOSING,
                                              .direction = TW_IMBALANCE_BUY,
                                              .paired_quantity = 1000 + round,
                                              .imbalance_quantity = 7,
                                              .far_price = TW_PRICE_ABSENT,
                                              .near_price = 1891200,
                                              .reference_price = 0,
                                              .variation = 'L'}};
    wire_feed_status feed = {.exchange = "XNAS",
                             .epoch = "2020-01-30.S",
                             .detail = "missing 5 to 9 \xc3\xa9",
                             .partition = 3,
                             .term = 1,
                             .seq = 100 + round,
                             .state = TW_BOOK_RECOVERING,
                             .cause = TW_CAUSE_GAP,
                             .event_ns = TW_TIME_ABSENT,
                             .receive_ns = TW_TIME_ABSENT,
                             .publish_ns = desk.now_ns,
                             .messages = UINT64_MAX,
                             .updates = 12,
                             .instruments = 8000,
                             .published_seq = 99};
    desk.state = round % 3 == 0 ? TW_BOOK_OK : TW_BOOK_STALE;
    desk.cause = round % 3 == 0 ? TW_CAUSE_NONE : TW_CAUSE_LINE_DOWN;
    desk_book(&desk, "BRK.B", 10 + round);
    desk_quote(&desk, "BRK.B", round == 1 ? TW_PRICE_ABSENT : (int64_t)(1891200 + round));
    desk_prints(&desk, "BRK.B", round == 0 ? 0 : 100 * round + 1, 100 * (round + 1), 2, 2 * (round + 1));
    desk.prev_seq = desk.seq++;
    desk_header(&desk, "BRK.B", &status.header);
    stream_take_status(desk.stream, &status, desk.now_ns);
    desk_header(&desk, "BRK.B", &imbalance.header);
    stream_take_imbalance(desk.stream, &imbalance, desk.now_ns);
    stream_take_feed(desk.stream, &feed, desk.now_ns);
}

/* What only one of the formats says, or says of the bus rather than of the message. */
static void strip(peer_message *m) {
    memset(m->event_id, 0, sizeof m->event_id);
    if (strcmp(m->type, "trades") == 0) m->header.event_ns = TW_TIME_ABSENT;
    if (strcmp(m->type, "status") == 0 || strcmp(m->type, "imbalance") == 0 || strcmp(m->type, "trades") == 0)
        m->header.quantity_exponent = 0;
    if (strcmp(m->type, "feed") != 0) return;
    wire_feed_status feed = {.term = m->feed.term,
                             .seq = m->feed.seq,
                             .state = m->feed.state,
                             .cause = m->feed.cause,
                             .messages = m->feed.messages,
                             .lost = m->feed.lost,
                             .updates = m->feed.updates,
                             .instruments = m->feed.instruments,
                             .published_seq = m->feed.published_seq};
    memcpy(feed.detail, m->feed.detail, strlen(m->feed.detail));
    memcpy(feed.epoch, m->feed.epoch, strlen(m->feed.epoch));
    m->feed = feed;
    m->header = (wire_header){0};
}

static void expect_same(const peer_message *a, const peer_message *b) {
    EXPECT_STR(a->type, b->type);
    EXPECT_STR(a->subject, b->subject);
    EXPECT_STR(a->header.epoch, b->header.epoch);
    EXPECT_U64(a->header.term, b->header.term);
    EXPECT_U64(a->header.prev_seq, b->header.prev_seq);
    EXPECT_U64(a->header.seq, b->header.seq);
    EXPECT_I64(a->header.snapshot, b->header.snapshot);
    EXPECT_I64(a->header.state, b->header.state);
    EXPECT_I64(a->header.cause, b->header.cause);
    EXPECT_I64(a->header.event_ns, b->header.event_ns);
    EXPECT_I64(a->header.publish_ns, b->header.publish_ns);
    EXPECT_I64(a->gateway_ns, b->gateway_ns);
    EXPECT_U64(a->interval_ms, b->interval_ms);
    EXPECT_U64(a->depth, b->depth);
    EXPECT_U64(a->merged, b->merged);
    EXPECT_U64(a->checksum, b->checksum);
    EXPECT_U64(a->counts[0], b->counts[0]);
    EXPECT_U64(a->counts[1], b->counts[1]);
    for (int side = 0; side < 2; side++)
        for (uint32_t i = 0; i < a->counts[side] + (strcmp(a->type, "quote") == 0); i++) {
            EXPECT_I64(a->sides[side][i].price, b->sides[side][i].price);
            if (a->sides[side][i].price == TW_PRICE_ABSENT) continue;
            EXPECT_U64(a->sides[side][i].quantity, b->sides[side][i].quantity);
            EXPECT_U64(a->sides[side][i].orders, b->sides[side][i].orders);
        }
    EXPECT_U64(a->print_count, b->print_count);
    EXPECT_BYTES(a->prints, b->prints, a->print_count * sizeof *a->prints);
    EXPECT_U64(a->volume, b->volume);
    EXPECT_U64(a->prints_total, b->prints_total);
    EXPECT_I64(a->status.trading, b->status.trading);
    EXPECT_I64(a->status.short_sale, b->status.short_sale);
    EXPECT_STR(a->status.reason, b->status.reason);
    EXPECT_I64(a->status.collar_upper, b->status.collar_upper);
    EXPECT_I64(a->status.collar_lower, b->status.collar_lower);
    EXPECT_I64(a->status.collar_reference, b->status.collar_reference);
    EXPECT_I64(a->imbalance.cross, b->imbalance.cross);
    EXPECT_I64(a->imbalance.direction, b->imbalance.direction);
    EXPECT_U64(a->imbalance.paired_quantity, b->imbalance.paired_quantity);
    EXPECT_I64(a->imbalance.far_price, b->imbalance.far_price);
    EXPECT_I64(a->imbalance.near_price, b->imbalance.near_price);
    EXPECT_I64(a->imbalance.reference_price, b->imbalance.reference_price);
    EXPECT_I64(a->imbalance.variation, b->imbalance.variation);
    EXPECT_BYTES(&a->feed, &b->feed, sizeof a->feed);
}

TEST(stream_formats, json_protobuf_and_events_carry_the_same) {
    static peer_message messages[3];
    stream_options options = desk_options();
    desk_open(&desk, &options);
    uint32_t clients[3] = {desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET),
                           desk_connect(&desk, STREAM_PROTOBUF, STREAM_WEBSOCKET),
                           desk_connect(&desk, STREAM_JSON, STREAM_SSE)};
    for (uint64_t round = 0; round < 5; round++) {
        desk.now_ns += 200 * DESK_MS;
        give_everything(round);
        for (int i = 0; i < 3; i++) {
            if (round == 0) desk_ask(&desk, clients[i], "{\"id\":7,\"op\":\"subscribe\",\"subjects\":[\">\"]}");
            desk_write(&desk, clients[i]);
        }
        int count = 0;
        while (desk_next(&desk, clients[0], &messages[0])) {
            strip(&messages[0]);
            for (int i = 1; i < 3; i++) {
                EXPECT(desk_next(&desk, clients[i], &messages[i]));
                strip(&messages[i]);
                expect_same(&messages[0], &messages[i]);
                EXPECT_STR(messages[i].text, messages[0].text);
            }
            count++;
        }
        EXPECT_I64(count, round == 0 ? 8 : 6); /* hello, ack and six subjects, then six each */
        EXPECT(!desk_next(&desk, clients[1], &messages[1]) && !desk_next(&desk, clients[2], &messages[2]));
    }
    desk_close(&desk);
}
