/* What one book's subscribers get: snapshots, depths, intervals, states, epochs, leaders, overlapping wishes. */
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

static stream_desk desk;

static uint32_t begin(void) {
    stream_options options = desk_options();
    options.requests_per_second = 1000;
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    EXPECT_STR(desk_all(&desk, client), "hello");
    return client;
}

TEST(stream_book, a_subscriber_gets_its_acknowledgement_then_a_snapshot_then_deltas) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_book(&desk, "AAA", 11);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    EXPECT_STR(desk_all(&desk, client), "ack book:AAA:S:2");
    desk_book(&desk, "AAA", 12);
    desk_book(&desk, "AAA", 13); /* no interval: every update */
    peer_message m;
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT_U64(m.header.prev_seq, 2);
    EXPECT_U64(m.header.seq, 3);
    EXPECT_U64(m.depth, 10);
    EXPECT_U64(m.counts[0], 1);
    EXPECT_U64(m.counts[1], 0);
    EXPECT_U64(m.sides[0][0].quantity, 12);
    EXPECT_I64(m.sides[0][0].price, 1891200);
    EXPECT_U64(m.merged, 1);
    EXPECT_I64(m.gateway_ns, desk.now_ns);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:4");
    desk_close(&desk);
}

TEST(stream_book, a_change_below_the_depth_is_none_and_the_chain_skips_it) {
    uint32_t top = begin(), deep = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, top, "{\"op\":\"subscribe\",\"depth\":1,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_ask(&desk, deep, "{\"op\":\"subscribe\",\"depth\":20,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_all(&desk, top);
    desk_all(&desk, deep);
    wire_header header;
    tw_level bids[2] = {{1891200, 10, 2}, {1891100, 77, 1}}, asks[1] = {{1891300, 200, 3}};
    desk.prev_seq = desk.seq++;
    desk_header(&desk, "AAA", &header);
    const stream_book book = {
        .header = &header, .depth = 20, .bid_count = 2, .ask_count = 1, .bids = bids, .asks = asks};
    stream_take_book(desk.stream, &book, desk.now_ns);
    EXPECT_STR(desk_all(&desk, top), "");
    EXPECT_STR(desk_all(&desk, deep), "book:AAA:2");
    desk_book(&desk, "AAA", 99);
    peer_message m;
    EXPECT(desk_await(&desk, top, "book", &m));
    EXPECT_U64(m.header.prev_seq, 1);
    EXPECT_U64(m.header.seq, 3);
    EXPECT_U64(m.merged, 2);
    desk_close(&desk);
}

/* The next update of a symbol's book, one level a side; says where the book was when it was given last. */
static uint32_t give_at(const char *symbol, uint32_t place) {
    char subject[SUBJECT_BYTES];
    wire_header header;
    tw_level bid = {1891200, 10, 2}, ask = {1891300, 200, 3};
    desk.prev_seq = desk.seq++;
    desk_header(&desk, symbol, &header);
    subject_instrument(subject, sizeof subject, "XNAS", symbol, SUBJECT_ORDERBOOK);
    bid.quantity += desk.seq;
    const stream_book book = {.header = &header,
                              .depth = 10,
                              .bid_count = 1,
                              .ask_count = 1,
                              .bids = &bid,
                              .asks = &ask,
                              .subject = subject,
                              .place = place};
    return stream_take_book(desk.stream, &book, desk.now_ns);
}

TEST(stream_book, a_book_given_with_the_place_of_another_or_of_none_still_goes_to_its_own_subject) {
    uint32_t client = begin();
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.orderbook\"]}");
    desk_quote(&desk, "AAA", 100); /* a subject that is no book's */
    uint32_t a = give_at("AAA", 0), b = give_at("BBB", a);
    EXPECT(a != b);
    EXPECT_STR(desk_all(&desk, client), "ack book:AAA:S:2 book:BBB:S:3");
    EXPECT_U64(give_at("AAA", a), a);
    EXPECT_U64(give_at("BBB", b), b);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:4 book:BBB:5");
    EXPECT_U64(give_at("AAA", b), a);
    EXPECT_U64(give_at("BBB", UINT32_MAX), b);
    EXPECT_U64(give_at("AAA", 0), a);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:6 book:AAA:8 book:BBB:7");
    desk_close(&desk);
}

TEST(stream_book, an_interval_lets_the_first_change_out_at_once_and_then_one_net_change_each) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"interval_ms\":100,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_all(&desk, client);
    desk_book(&desk, "AAA", 11);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:2");
    desk.now_ns += 10 * DESK_MS;
    desk_book(&desk, "AAA", 12);
    desk_book(&desk, "AAA", 13);
    EXPECT_STR(desk_all(&desk, client), "");
    EXPECT_I64(stream_round(desk.stream, desk.now_ns) - desk.now_ns, 90 * DESK_MS);
    desk.now_ns += 90 * DESK_MS;
    peer_message m;
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT_U64(m.header.prev_seq, 2);
    EXPECT_U64(m.header.seq, 4);
    EXPECT_U64(m.merged, 2);
    EXPECT_U64(m.sides[0][0].quantity, 13);
    desk.now_ns += 10 * DESK_MS;
    desk_book(&desk, "AAA", 14);
    desk_book(&desk, "AAA", 13); /* there and back: nothing changed */
    desk.now_ns += 500 * DESK_MS;
    EXPECT_STR(desk_all(&desk, client), "");
    desk_close(&desk);
}

TEST(stream_book, a_stale_book_is_told_at_once_to_everybody_whatever_the_interval) {
    uint32_t fast = begin(), slow = desk_connect(&desk, STREAM_PROTOBUF, STREAM_WEBSOCKET);
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, fast, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_ask(&desk, slow, "{\"op\":\"subscribe\",\"interval_ms\":5000,\"subjects\":[\"XNAS.AAA.>\"]}");
    desk_book(&desk, "AAA", 11);
    desk_quote(&desk, "AAA", 100);
    desk_all(&desk, fast);
    desk_all(&desk, slow);
    desk.now_ns += DESK_MS;
    desk.state = TW_BOOK_STALE;
    desk.cause = TW_CAUSE_LINE_SILENT;
    desk.seq = 2;
    desk_book_again(&desk, "AAA", 11);
    uint32_t clients[] = {fast, slow};
    for (int i = 0; i < 2; i++) {
        peer_message m;
        EXPECT(desk_await(&desk, clients[i], "book", &m));
        EXPECT(m.header.state == TW_BOOK_STALE && m.header.cause == TW_CAUSE_LINE_SILENT);
        EXPECT_U64(m.header.prev_seq, 2);
        EXPECT_U64(m.header.seq, 2);
        EXPECT_U64(m.counts[0] + m.counts[1], 0);
        EXPECT(!m.header.snapshot);
    }
    desk_close(&desk);
}

TEST(stream_book, a_change_that_waits_goes_out_with_a_change_of_state) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"interval_ms\":5000,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_book(&desk, "AAA", 11);
    desk_all(&desk, client);
    desk_book(&desk, "AAA", 12);
    EXPECT_STR(desk_all(&desk, client), "");
    desk.state = TW_BOOK_RECOVERING;
    desk_book_again(&desk, "AAA", 12);
    peer_message m;
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT_U64(m.header.prev_seq, 2);
    EXPECT_U64(m.header.seq, 3);
    EXPECT_U64(m.sides[0][0].quantity, 12);
    EXPECT(m.header.state == TW_BOOK_RECOVERING);
    desk.now_ns += 5000 * DESK_MS;
    EXPECT_STR(desk_all(&desk, client), "heartbeat"); /* and not once more */
    desk_close(&desk);
}

TEST(stream_book, another_epoch_and_a_higher_term_start_with_a_snapshot_and_a_lower_term_is_not_heard) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"interval_ms\":1000,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_all(&desk, client);
    desk.epoch = "2020-01-31.S";
    desk.seq = 0;
    desk_book(&desk, "AAA", 10);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:S:1");
    desk.term = 2;
    desk_book(&desk, "AAA", 11);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:S:2");
    desk.term = 1;
    desk_book(&desk, "AAA", 12);
    desk.now_ns += 2000 * DESK_MS;
    EXPECT_STR(desk_all(&desk, client), "");
    desk_close(&desk);
}

TEST(stream_book, other_levels_at_the_same_sequence_number_are_a_snapshot) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_all(&desk, client);
    desk_book_again(&desk, "AAA", 10); /* nothing new */
    EXPECT_STR(desk_all(&desk, client), "");
    desk_book_again(&desk, "AAA", 12);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:S:1");
    desk_close(&desk);
}

TEST(stream_book, wildcards_join_instruments_as_they_come) {
    uint32_t client = begin();
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.orderbook\",\"XNAS.CCC.quote\"]}");
    EXPECT_STR(desk_all(&desk, client), "ack");
    desk_book(&desk, "AAA", 10);
    desk_book(&desk, "BRK.B", 10);
    desk_quote(&desk, "AAA", 100); /* not asked for */
    desk_quote(&desk, "CCC", 100);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:S:1 book:BRK.B:S:2 quote:CCC:S:4");
    desk_book(&desk, "AAA", 11);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:5");
    desk_close(&desk);
}

TEST(stream_book, where_two_wishes_match_the_newest_decides_and_the_older_takes_over_again) {
    uint32_t client = begin();
    peer_message m;
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"depth\":5,\"subjects\":[\"XNAS.*.orderbook\"]}");
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT_U64(m.depth, 5);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"depth\":20,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.depth, 20);
    desk_book(&desk, "AAA", 11);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:2"); /* once */
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    EXPECT(desk_await(&desk, client, "book", &m));
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.depth, 5);
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.*.orderbook\"]}");
    desk_book(&desk, "AAA", 12);
    EXPECT_STR(desk_all(&desk, client), "ack");
    desk_close(&desk);
}

TEST(stream_book, nothing_of_a_subject_comes_after_the_acknowledgement_that_it_ended) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_book(&desk, "AAA", 11);
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    EXPECT_STR(desk_all(&desk, client), "ack ack");
    desk_close(&desk);
}

TEST(stream_book, subscribing_again_gives_a_snapshot_again) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_all(&desk, client);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    EXPECT_STR(desk_all(&desk, client), "ack book:AAA:S:1");
    EXPECT_U64(stream_read_stats(desk.stream).subscriptions, 1);
    desk_close(&desk);
}

TEST(stream_book, who_wants_no_snapshot_gets_none_until_there_is_a_reason) {
    uint32_t client = begin();
    desk_quote(&desk, "AAA", 100);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"snapshot\":false,\"subjects\":[\"XNAS.*.quote\"]}");
    EXPECT_STR(desk_all(&desk, client), "ack");
    desk_quote(&desk, "AAA", 101);
    desk_quote(&desk, "BBB", 7); /* new: not a repetition of what was */
    EXPECT_STR(desk_all(&desk, client), "quote:BBB:S:3 quote:AAA:2");
    desk_close(&desk);
}

TEST(stream_book, clients_with_the_same_wish_share_one_group_and_one_frame) {
    uint32_t clients[10];
    clients[0] = begin();
    desk_book(&desk, "AAA", 10);
    for (int i = 0; i < 10; i++) {
        if (i > 0) clients[i] = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
        desk_ask(&desk, clients[i], "{\"op\":\"subscribe\",\"depth\":7,\"subjects\":[\"XNAS.AAA.orderbook\"]}");
        desk_all(&desk, clients[i]);
    }
    EXPECT_U64(stream_read_stats(desk.stream).groups, 1);
    desk_book(&desk, "AAA", 11);
    for (int i = 0; i < 10; i++)
        EXPECT_STR(desk_all(&desk, clients[i]), "book:AAA:2");
    stream_stats stats = stream_read_stats(desk.stream);
    EXPECT_U64(stats.frames, 1);
    EXPECT_U64(stats.updates_out, 20);
    EXPECT_U64(stats.snapshots, 10);
    desk_close(&desk);
}

TEST(stream_book, what_is_wanted_is_asked_for_once_and_forgotten_after_a_while) {
    uint32_t client = begin();
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\",\"XNAS.*.orderbook\"]}");
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"*.AAA.quote\",\"feed.>\"]}");
    EXPECT_STR(desk.wants, "+XNAS.orderbook +*.quote ");
    desk.wants[0] = '\0';
    desk_book(&desk, "AAA", 10);
    desk_quote(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"*.AAA.quote\",\"XNAS.*.orderbook\"]}");
    desk.now_ns += 29000 * DESK_MS;
    stream_heard(desk.stream, client, desk.now_ns);
    stream_round(desk.stream, desk.now_ns);
    EXPECT_STR(desk.wants, "");
    EXPECT_U64(stream_read_stats(desk.stream).instruments, 1);
    desk.now_ns += 2000 * DESK_MS;
    stream_round(desk.stream, desk.now_ns);
    EXPECT_STR(desk.wants, "-*.quote -XNAS.orderbook ");
    EXPECT_U64(stream_read_stats(desk.stream).instruments, 0);
    EXPECT_U64(stream_read_stats(desk.stream).groups, 0);
    desk.wants[0] = '\0';
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    EXPECT_STR(desk.wants, "+XNAS.orderbook ");
    desk_close(&desk);
}

TEST(stream_book, instruments_beyond_the_limit_are_counted_and_the_others_go_on) {
    stream_options options = desk_options();
    options.max_instruments = 2;
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\">\"]}");
    desk_book(&desk, "AAA", 10);
    desk_book(&desk, "BBB", 10);
    desk_book(&desk, "CCC", 10);
    desk_book(&desk, "AAA", 11);
    EXPECT_STR(desk_all(&desk, client), "hello ack book:AAA:S:4 book:BBB:S:2");
    EXPECT_U64(stream_read_stats(desk.stream).instruments_refused, 1);
    desk_close(&desk);
}

TEST(stream_book, subjects_beyond_the_limit_are_left_out_and_named) {
    stream_options options = desk_options();
    options.max_members = 2;
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"]}");
    desk_book(&desk, "AAA", 10);
    desk_book(&desk, "BBB", 10);
    desk_book(&desk, "CCC", 10);
    EXPECT_STR(desk_all(&desk, client), "hello ack error:TOO_MANY book:AAA:S:1 book:BBB:S:2");
    EXPECT_U64(stream_read_stats(desk.stream).members_refused, 1);
    desk_close(&desk);
}

TEST(stream_book, use_is_reported_by_client_and_subject) {
    uint32_t client = begin();
    desk_book(&desk, "AAA", 10);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\"]}");
    desk_book(&desk, "AAA", 11);
    desk_all(&desk, client);
    desk_book(&desk, "AAA", 12);
    desk.now_ns += 5;
    desk_all(&desk, client);
    EXPECT_U64(desk.used_updates, 0);
    stream_report_usage(desk.stream);
    EXPECT_U64(desk.used_updates, 2);
    EXPECT_STR(desk.used_subject, "XNAS.AAA.orderbook");
    EXPECT(desk.used_first_ns > 0 && desk.used_first_ns < desk.used_last_ns);
    int64_t before_ns = desk.used_last_ns;
    stream_report_usage(desk.stream);
    EXPECT_U64(desk.used_updates, 2);
    desk.now_ns += 5;
    desk_book(&desk, "AAA", 13);
    desk_all(&desk, client);
    stream_close(desk.stream, client); /* who leaves is reported too */
    EXPECT_U64(desk.used_updates, 3);
    EXPECT(desk.used_first_ns > before_ns);
    EXPECT_I64(desk.used_last_ns, desk.used_first_ns);
    desk_close(&desk);
}
