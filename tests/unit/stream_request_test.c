/* What clients may ask, what they are told when they ask for something else, and that they stay connected. */
#include "base/text.h"
#include "tests/support/stream_desk.h"
#include "tests/unit.h"

static stream_desk desk;

typedef struct exchange {
    const char *request;
    const char *answer;  /* the messages' types and codes */
    const char *message; /* part of the last one's text */
} exchange;

/* Each on a connection of its own. */
static void check(const exchange *exchanges, size_t count) {
    for (size_t i = 0; i < count; i++) {
        stream_options options = desk_options();
        desk_open(&desk, &options);
        uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
        peer_message m, last = {0};
        EXPECT(desk_await(&desk, client, "hello", &m));
        desk_ask(&desk, client, exchanges[i].request);
        char answer[256] = "";
        desk_write(&desk, client);
        while (desk_next(&desk, client, &m)) {
            size_t used = strlen(answer);
            tw_text_format(answer + used, sizeof answer - used, "%s%s%s", m.type, m.code[0] != '\0' ? ":" : "",
                           m.code);
            last = m;
        }
        EXPECT_MSG(strcmp(answer, exchanges[i].answer) == 0, "%s: answered %s %s, expected %s",
                   exchanges[i].request, answer, last.text, exchanges[i].answer);
        EXPECT_MSG(strstr(last.text, exchanges[i].message) != NULL, "%s: answered %s, expected %s in it",
                   exchanges[i].request, last.text, exchanges[i].message);
        EXPECT_STR(desk.closed, "");
        desk_close(&desk);
    }
}
#define CHECK(table) check(table, sizeof table / sizeof *(table))

TEST(stream_request, good_requests_are_acknowledged_with_what_is_in_force) {
    static const exchange table[] = {
        {"{\"id\":1,\"op\":\"ping\"}", "pong", "{\"type\":\"pong\",\"id\":1,\"time_ns\":\"1580400000000000000\"}"},
        {"{\"id\":\"a\\\"b\",\"op\":\"ping\"}", "pong", "\"id\":\"a\\\"b\""},
        {"{\"op\":\"ping\"}", "pong", "{\"type\":\"pong\",\"time_ns\""},
        {"{\"id\":null,\"op\":\"ping\"}", "pong", "{\"type\":\"pong\",\"time_ns\""},
        {" {\"op\":\"ping\",\"unknown\":{\"a\":[1,2]}} ", "pong", "pong"},
        {"{\"id\":1,\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAPL.orderbook\",\"XNAS.*.trade\"]}", "ack",
         "{\"type\":\"ack\",\"id\":1,\"op\":\"subscribe\",\"subjects\":[{\"subject\":\"XNAS.AAPL.orderbook\","
         "\"depth\":10,\"interval_ms\":0},{\"subject\":\"XNAS.*.trade\",\"depth\":10,\"interval_ms\":0}]}"},
        {"{\"op\":\"subscribe\",\"subjects\":[\">\"],\"depth\":6,\"interval_ms\":51}", "ack",
         "\"depth\":10,\"interval_ms\":100"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"depth\":1,\"interval_ms\":1}", "ack",
         "\"depth\":1,\"interval_ms\":50"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"depth\":50,\"interval_ms\":5000}", "ack",
         "\"depth\":50,\"interval_ms\":5000"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.BRK%2EB.quote\",\"feed.XNAS.0.status\",\"feed.>\"]}", "ack",
         "BRK"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"*.*.status\",\"*.*.status\"]}", "ack",
         "[{\"subject\":\"*.*.status\",\"depth\":10,\"interval_ms\":0}]"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.A.orderbook\"],\"resume\":{\"XNAS.A.orderbook\":{\"epoch\":"
         "\"e\","
         "\"seq\":\"5\"}}}",
         "ack", "ack"},
        {"{\"id\":9,\"op\":\"auth\",\"token\":\"good\"}", "ack",
         "{\"type\":\"ack\",\"id\":9,\"op\":\"auth\",\"user\":\"somebody\",\"expires_ns\":\"1\",\"limits\":{"
         "\"subscriptions\":3,"},
    };
    CHECK(table);
}

TEST(stream_request, what_is_wrong_is_named) {
    static const exchange table[] = {
        {"", "error:BAD_JSON", "empty"},
        {"{", "error:BAD_JSON", "too early"},
        {"{\"op\":\"ping\"", "error:BAD_JSON", "too early"},
        {"{\"op\":\"ping\"}{}", "error:BAD_JSON", "byte 13"},
        {"{\"op\":\"ping\"}x", "error:BAD_JSON", "byte 13"},
        {"[1,2]", "error:BAD_JSON", "one JSON object"},
        {"\"ping\"", "error:BAD_JSON", "one JSON object"},
        {"12", "error:BAD_JSON", "one JSON object"},
        {" null", "error:BAD_JSON", "one JSON object"},
        {"null ", "error:BAD_JSON", "one JSON object"},
        {"tru", "error:BAD_JSON", "one JSON object"},
        {"{'op':'ping'}", "error:BAD_JSON", "byte"},
        {"{\"op\":\"ping\",}", "error:BAD_JSON", "byte"},
        {"{\"op\":\"p\xff\"}", "error:BAD_JSON", "utf-8"},
        {"{\"op\":[[[[[[[[[[1]]]]]]]]]]}", "error:BAD_JSON", "deeper than 8"},
        {"{}", "error:BAD_REQUEST", "op is missing"},
        {"{\"id\":5,\"op\":7}", "error:BAD_REQUEST", "\"id\":5"},
        {"{\"id\":{},\"op\":\"ping\"}", "error:BAD_REQUEST", "id is an integer"},
        {"{\"id\":1.5,\"op\":\"ping\"}", "error:BAD_REQUEST", "id is an integer"},
        {"{\"id\":99999999999999999999,\"op\":\"ping\"}", "error:BAD_REQUEST", "id is an integer"},
        {"{\"id\":\"123456789012345678901234567890123\",\"op\":\"ping\"}", "error:BAD_REQUEST", "32 bytes"},
        {"{\"id\":3,\"op\":\"buy\"}", "error:UNKNOWN_OP", "'buy' is not one of subscribe"},
        {"{\"op\":\"subscribe\"}", "error:BAD_REQUEST", "subjects is missing"},
        {"{\"op\":\"subscribe\",\"subjects\":[]}", "error:BAD_REQUEST", "subjects is missing, empty"},
        {"{\"op\":\"subscribe\",\"subjects\":\"XNAS.>\"}", "error:BAD_REQUEST", "not an array"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\",7]}", "error:BAD_REQUEST", "subjects[1]"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\\u0000\"]}", "error:BAD_SUBJECT", "subjects[0]"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"\"]}", "error:BAD_SUBJECT", "empty"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS..quote\"]}", "error:BAD_SUBJECT", "a token is empty"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>.quote\"]}", "error:BAD_SUBJECT", "only at the end"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.A*.quote\"]}", "error:BAD_SUBJECT", "whole token"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.A B.quote\"]}", "error:BAD_SUBJECT", "no subject has"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAPL.price\"]}", "error:BAD_SUBJECT",
         "{MIC}.{SYMBOL}.{channel}"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAPL.orderbook.5s\"]}", "error:BAD_SUBJECT",
         "{MIC}.{SYMBOL}.{channel}"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"agg.AAPL.quote\"]}", "error:BAD_SUBJECT", "agg.{SYMBOL}"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAPL.order\"]}", "error:BAD_SUBJECT",
         "order by order (L3) is not carried"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"orders.>\"]}", "error:BAD_SUBJECT", "no subject of market data"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.*.order\"]}", "error:BAD_SUBJECT",
         "order by order (L3) is not carried"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"depth\":0}", "error:BAD_REQUEST",
         "depth is a whole number"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"depth\":\"5\"}", "error:BAD_REQUEST", "depth"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"depth\":51}", "error:BAD_REQUEST",
         "depth is a whole number from 1 to 50, rounded up to what is offered: 1, 5, 10, 20, 50"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"interval_ms\":5001}", "error:BAD_REQUEST",
         "interval_ms is a whole number from 0 to 5000, rounded up to what is offered: 0 (every update), 50"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"interval_ms\":-1}", "error:BAD_REQUEST", "interval_ms"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"snapshot\":1}", "error:BAD_REQUEST",
         "snapshot is true"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"resume\":[]}", "error:BAD_REQUEST",
         "resume is an object"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"resume\":{\"a\":1}}", "error:BAD_REQUEST",
         "resume['a']"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"resume\":{\"a\":{\"epoch\":\"e\"}}}",
         "error:BAD_REQUEST", "lacks an epoch or a seq"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"XNAS.>\"],\"resume\":{\"a\":{\"epoch\":\"e\",\"seq\":\"-1\"}}}",
         "error:BAD_REQUEST", "lacks an epoch or a seq"},
        {"{\"id\":2,\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.*.trade\"]}", "error:NOT_SUBSCRIBED", "\"id\":2"},
        {"{\"op\":\"auth\"}", "error:BAD_REQUEST", "token is missing"},
        {"{\"op\":\"auth\",\"token\":\"bad\"}", "error:UNAUTHORIZED", "not 'good'"},
        {"{\"op\":\"subscribe\",\"subjects\":[\"A.1\",\"A.2\",\"A.3\",\"A.4\",\"A.5\",\"A.6\",\"A.7\",\"A.8\",\"A."
         "9\",\"A.10\","
         "\"A.11\",\"A.12\",\"A.13\",\"A.14\",\"A.15\",\"A.16\",\"A.17\"]}",
         "error:TOO_MANY", "17 subjects in a request: at most 16"},
    };
    CHECK(table);
}

TEST(stream_request, a_request_beyond_the_size_limit_is_refused_unread) {
    stream_options options = desk_options();
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    static char bomb[5000];
    memset(bomb, '[', sizeof bomb);
    stream_request(desk.stream, client, (const uint8_t *)bomb, sizeof bomb, desk.now_ns);
    stream_request(desk.stream, client, (const uint8_t *)bomb, 4000, desk.now_ns);
    EXPECT_STR(desk_all(&desk, client), "hello error:TOO_LARGE error:BAD_JSON");
    desk_close(&desk);
}

TEST(stream_request, who_asks_too_fast_is_told_and_who_does_not_stop_is_closed) {
    stream_options options = desk_options();
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    peer_message m;
    for (int i = 0; i < 25; i++)
        desk_ask(&desk, client, "{\"op\":\"ping\"}");
    desk_write(&desk, client);
    int pongs = 0, refused = 0;
    while (desk_next(&desk, client, &m)) {
        pongs += strcmp(m.type, "pong") == 0;
        refused += strcmp(m.code, "TOO_FAST") == 0;
    }
    EXPECT_I64(pongs, 20);
    EXPECT_I64(refused, 5);
    EXPECT_STR(desk.closed, "");
    desk.now_ns += 100 * DESK_MS; /* two more of twenty a second */
    for (int i = 0; i < 3; i++)
        desk_ask(&desk, client, "{\"op\":\"ping\"}");
    EXPECT_STR(desk_all(&desk, client), "pong pong error:TOO_FAST");
    for (int i = 0; i < 100; i++)
        desk_ask(&desk, client, "{\"op\":\"ping\"}");
    EXPECT_STR(desk.closed, "1008 too many requests");
    desk_close(&desk);
}

TEST(stream_request, subscriptions_have_a_limit_and_a_request_is_refused_as_a_whole) {
    stream_options options = desk_options();
    options.max_subscriptions = 3;
    desk_open(&desk, &options);
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.A.quote\",\"XNAS.B.quote\"]}");
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.C.quote\",\"XNAS.D.quote\"]}");
    desk_ask(&desk, client, "{\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.C.quote\"]}");
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.A.quote\",\"XNAS.C.quote\"]}");
    EXPECT_STR(desk_all(&desk, client), "hello ack error:TOO_MANY error:NOT_SUBSCRIBED ack");
    EXPECT_U64(stream_read_stats(desk.stream).subscriptions, 3);
    desk_close(&desk);
}

TEST(stream_request, a_client_gets_what_it_is_entitled_to_and_no_more) {
    stream_options options = desk_options();
    desk_open(&desk, &options);
    tw_text_copy(desk.entitlement, sizeof desk.entitlement, "XNAS.AAA.>");
    uint32_t client = desk_connect(&desk, STREAM_JSON, STREAM_WEBSOCKET);
    desk_book(&desk, "AAA", 5);
    desk_book(&desk, "BBB", 5);
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.AAA.orderbook\",\"XNAS.BBB.orderbook\"]}");
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"XLON.*.orderbook\"]}");
    EXPECT_STR(desk_all(&desk, client), "hello error:FORBIDDEN error:FORBIDDEN");
    desk_ask(&desk, client, "{\"op\":\"subscribe\",\"subjects\":[\"*.*.orderbook\"]}"); /* narrowed, not refused */
    EXPECT_STR(desk_all(&desk, client), "ack book:AAA:S:1");
    desk_book(&desk, "CCC", 5); /* appears later */
    desk_book(&desk, "AAA", 6);
    EXPECT_STR(desk_all(&desk, client), "book:AAA:4");
    tw_text_copy(desk.entitlement, sizeof desk.entitlement, "XLON.>");
    stream_entitlements_changed(desk.stream, client, desk.now_ns);
    desk_book(&desk, "AAA", 7);
    EXPECT_STR(desk_all(&desk, client), "error:FORBIDDEN");
    desk_close(&desk);
}

TEST(stream_request, options_that_make_no_sense_are_named) {
    stream_options options = desk_options();
    stream *made;
    tw_error error;
    const stream_surroundings around = {0};
    options.requests_per_second = 0;
    EXPECT(stream_alloc(&made, &options, &around, &error) == TW_INVALID);
    EXPECT_CONTAINS(error.text, "requests_per_second");
    EXPECT(made == NULL);
    stream_free(made);
}
