/* Who a client is: what it may have, what it may read, and the end of who may not stay. */
#include "base/text.h"
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

static stream_options options_with(uint32_t most_subscriptions) {
    stream_options options = desk_options();
    options.most = (stream_limits){.subscriptions = most_subscriptions, .requests_per_second = 100};
    return options;
}

static void admit(stream_desk *desk, uint32_t client, stream_limits limits) {
    stream_admission admission = {.user = "ann", .expires_ns = 77, .limits = limits};
    stream_admit(desk->stream, client, &admission, desk->now_ns);
}

/* Subscribes to so many subjects in one request; what the answer was. */
static const char *subscribe(stream_desk *desk, uint32_t client, unsigned count) {
    static char text[4096];
    peer_message message;
    tw_text_copy(text, sizeof text, "{\"op\":\"subscribe\",\"subjects\":[");
    for (unsigned i = 0; i < count; i++)
        tw_text_format(text + strlen(text), sizeof text - strlen(text), "%s\"XNAS.A%u.quote\"", i > 0 ? "," : "",
                       i);
    tw_text_copy(text + strlen(text), sizeof text - strlen(text), "]}");
    desk_ask(desk, client, text);
    desk_write(desk, client);
    while (desk_next(desk, client, &message))
        tw_text_copy(text, sizeof text, message.type);
    return text;
}

TEST(stream_admit, a_client_is_told_who_it_is_and_what_it_may_have) {
    stream_desk desk;
    peer_message message;
    stream_options options = options_with(32);
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    admit(&desk, client, (stream_limits){.subscriptions = 5, .requests_per_second = 1000});
    EXPECT(desk_await(&desk, client, "session", &message));
    EXPECT_CONTAINS(message.text, "\"user\":\"ann\",\"expires_ns\":\"77\",\"limits\":{\"subscriptions\":5,"
                                  "\"request_bytes\":4096,\"requests_per_second\":100,\"waiting_bytes\":32768}");
    desk_close(&desk);
}

TEST(stream_admit, limits_are_lowered_and_raised_up_to_the_most_and_for_that_client_alone) {
    stream_desk desk;
    stream_options options = options_with(32); /* 16 for everybody */
    desk_open(&desk, &options);
    uint32_t low = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET),
             high = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET),
             usual = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    admit(&desk, low, (stream_limits){.subscriptions = 5});
    admit(&desk, high, (stream_limits){.subscriptions = 99});
    EXPECT_STR(subscribe(&desk, low, 6), "error");
    EXPECT_STR(subscribe(&desk, low, 5), "ack");
    EXPECT_STR(subscribe(&desk, high, 33), "error");
    EXPECT_STR(subscribe(&desk, high, 32), "ack");
    EXPECT_STR(subscribe(&desk, usual, 17), "error");
    EXPECT_STR(subscribe(&desk, usual, 16), "ack");
    desk_close(&desk);
}

TEST(stream_admit, fewer_waiting_bytes_leave_room_to_acknowledge_all_subscriptions) {
    stream_desk desk;
    stream_options options = desk_options();
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    peer_message message;
    admit(&desk, client, (stream_limits){.waiting_bytes = 1});
    EXPECT(desk_await(&desk, client, "session", &message));
    EXPECT_CONTAINS(message.text, "\"waiting_bytes\":4096");
    EXPECT_STR(subscribe(&desk, client, 16), "ack");
    desk_close(&desk);
}

TEST(stream_admit, requests_a_second_are_those_of_the_client) {
    stream_desk desk;
    stream_options options = desk_options(); /* 20 */
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    peer_message message;
    admit(&desk, client, (stream_limits){.requests_per_second = 2});
    for (int i = 0; i < 3; i++)
        desk_ask(&desk, client, "{\"op\":\"ping\"}");
    EXPECT(desk_await(&desk, client, "error", &message));
    EXPECT_CONTAINS(message.text, "TOO_FAST");
    EXPECT_CONTAINS(message.text, "more than 2 requests");
    desk_close(&desk);
}

TEST(stream_admit, with_new_entitlements_subjects_end_and_others_begin_with_a_snapshot) {
    stream_desk desk;
    stream_options options = desk_options();
    desk_open(&desk, &options);
    tw_text_copy(desk.entitlement, sizeof desk.entitlement, "XNAS.AAA.>");
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    peer_message message;
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"]}");
    desk_book(&desk, "AAA", 1);
    desk_book(&desk, "BBB", 2);
    EXPECT(desk_await(&desk, client, "book", &message));
    EXPECT_STR(message.subject, "XNAS.AAA.orderbook");
    EXPECT(!desk_await(&desk, client, "book", &message));
    tw_text_copy(desk.entitlement, sizeof desk.entitlement, "XNAS.BBB.>");
    desk_ask(&desk, client, "{\"op\":\"auth\",\"token\":\"good\"}");
    EXPECT(desk_await(&desk, client, "ack", &message));
    EXPECT_CONTAINS(message.text, "\"user\":\"somebody\"");
    EXPECT(desk_next(&desk, client, &message));
    EXPECT_CONTAINS(message.text, "not entitled any more to XNAS.AAA.orderbook");
    EXPECT(desk_next(&desk, client, &message));
    EXPECT_STR(message.subject, "XNAS.BBB.orderbook");
    EXPECT(message.header.snapshot);
    desk_book(&desk, "AAA", 3);
    EXPECT(!desk_await(&desk, client, "book", &message));
    desk_book(&desk, "BBB", 4);
    EXPECT(desk_await(&desk, client, "book", &message));
    desk_close(&desk);
}

/* Ledgers are per user: what was had under another name is told before the name changes. */
TEST(stream_admit, what_was_had_before_a_token_is_reported_before_it_is_looked_at) {
    stream_desk desk;
    stream_options options = desk_options();
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    peer_message message;
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"]}");
    desk_book(&desk, "AAA", 1);
    EXPECT(desk_await(&desk, client, "book", &message));
    EXPECT_U64(desk.used_updates, 0);
    desk_ask(&desk, client, "{\"op\":\"auth\",\"token\":\"good\"}");
    EXPECT_U64(desk.used_updates, 1);
    desk_close(&desk);
}

TEST(stream_admit, who_is_dismissed_is_told_why_and_gets_nothing_more) {
    stream_desk desk;
    stream_options options = desk_options();
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    peer_message message;
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"]}");
    desk_book(&desk, "AAA", 1);
    EXPECT(desk_await(&desk, client, "book", &message));
    desk_book(&desk, "AAA", 2);
    stream_dismiss(desk.stream, client, "token expired", desk.now_ns);
    EXPECT_STR(desk.closed, "4401 token expired");
    EXPECT_U64(desk.closed_client, client);
    desk_book(&desk, "AAA", 3);
    desk_write(&desk, client);
    EXPECT(desk_next(&desk, client, &message));
    EXPECT_CONTAINS(message.text, "\"code\":\"UNAUTHORIZED\",\"message\":\"token expired\"");
    EXPECT(!desk_next(&desk, client, &message));
    EXPECT_U64(stream_read_stats(desk.stream).closed_unauthorized, 1);
    desk_close(&desk);
}

TEST(stream_admit, limits_that_make_no_sense_are_refused) {
    stream_options options = desk_options();
    stream *made;
    const stream_surroundings around = {0};
    options.most.subscriptions = 1000; /* 32768 bytes do not hold the acknowledgement */
    EXPECT(stream_alloc(&made, &options, &around, NULL) == TW_INVALID);
    options.most.waiting_bytes = 1 << 20;
    EXPECT(stream_alloc(&made, &options, &around, NULL) == TW_OK);
    stream_free(made);
}
