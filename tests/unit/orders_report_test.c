/* What the venue says, as clients read it: exact decimals, what is absent left out. */
#include "gateways/orders/report.h"
#include "matcher/core/command.h"
#include "matcher/core/report.h"
#include "tests/unit.h"

static const wire_named_instrument aapl = {
    .number = 1, .symbol = "AAPL", .price_exponent = -2, .quantity_exponent = 0};
static const report_frame frame = {.subject = "exec.ann", .account = "ann", .exchange = "TWEX", .shard = 1};

typedef struct money {
    wire_money value;
    int32_t exponent;
    const char *text;
} money;

TEST(orders_report, money_of_128_bits_is_written_exactly) {
    const money table[] = {
        {0, -2, "0.00"},
        {5, -2, "0.05"},
        {-5, -2, "-0.05"},
        {12345, -2, "123.45"},
        {12345, 0, "12345"},
        {12, 3, "12000"},
        {0, 3, "0"},
        {(wire_money)1 << 100, -6, "1267650600228229401496703.205376"},
        {-((wire_money)1 << 100), -6, "-1267650600228229401496703.205376"},
        {(wire_money)((unsigned __int128)1 << 127), 0, "-170141183460469231731687303715884105728"},
    };
    char text[MONEY_BYTES];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        report_money_format(text, table[i].value, table[i].exponent);
        EXPECT_STR(text, table[i].text);
    }
}

static const char *written(const wire_report *report, const wire_named_instrument *of) {
    static char text[ORDER_JSON_BYTES];
    json_writer w;
    json_start(&w, text, sizeof text);
    EXPECT(report_write(&w, &frame, report, of));
    return text;
}

TEST(orders_report, a_fill_has_all_of_it) {
    wire_report r = {.seq = 55,
                     .n = 3,
                     .index = 2,
                     .kind = MX_FILL,
                     .status = MX_STATUS_OPEN,
                     .command = MX_NEW_ORDER,
                     .side = TW_ASK,
                     .tif = MX_DAY,
                     .liquidity = MX_MAKER,
                     .order_id = MX_ORDER_ID(9, 1),
                     .price = 18720,
                     .stop_price = TW_PRICE_ABSENT,
                     .average_price = 18718,
                     .last_price = 18718,
                     .quantity = 100,
                     .leaves = 60,
                     .executed = 40,
                     .last_quantity = 40,
                     .fee = -12,
                     .event_ns = 7,
                     .stream_ns = TW_TIME_ABSENT,
                     .client_order_id = "a\"1",
                     .correlation_id = "c",
                     .order_correlation_id = "o"};
    EXPECT_STR(
        written(&r, &aapl),
        "{\"type\":\"execution\",\"subject\":\"exec.ann\",\"account\":\"ann\",\"exchange\":\"TWEX\",\"symbol\":"
        "\"AAPL\","
        "\"shard\":1,\"execution_id\":\"1-55-3\",\"seq\":\"55\",\"n\":3,\"index\":2,\"kind\":\"FILL\",\"status\":"
        "\"OPEN\","
        "\"command\":\"NEW_ORDER\",\"order_id\":\"1-9-1\",\"client_order_id\":\"a\\\"1\",\"correlation_id\":\"c\","
        "\"order_correlation_id\":\"o\","
        "\"side\":\"sell\",\"order_type\":\"limit\",\"time_in_force\":\"day\",\"price\":\"187.20\",\"quantity\":"
        "\"100\","
        "\"leaves\":\"60\",\"shown\":\"0\",\"executed\":\"40\",\"average_price\":\"187.18\",\"last_price\":\"187."
        "18\","
        "\"last_quantity\":\"40\",\"liquidity\":\"maker\",\"fee\":\"-0.12\",\"event_ns\":\"7\"}");
}

TEST(orders_report, a_refusal_says_why_and_nothing_of_an_order_that_is_not_there) {
    wire_report r = {.seq = 5,
                     .kind = MX_CANCEL_REJECTED,
                     .command = MX_CANCEL,
                     .reason = MXR_UNKNOWN_ORDER,
                     .price = TW_PRICE_ABSENT,
                     .event_ns = TW_TIME_ABSENT,
                     .stream_ns = TW_TIME_ABSENT,
                     .duplicate = true};
    EXPECT_STR(
        written(&r, NULL),
        "{\"type\":\"execution\",\"subject\":\"exec.ann\",\"account\":\"ann\",\"exchange\":\"TWEX\",\"shard\":1,"
        "\"execution_id\":\"1-5-0\",\"seq\":\"5\",\"n\":0,\"index\":0,\"kind\":\"CANCEL_REJECTED\",\"command\":"
        "\"CANCEL\","
        "\"reason\":\"UNKNOWN_ORDER\",\"reason_text\":\"the account has no such live order in this instrument\","
        "\"duplicate\":true}");
}

/* The symbol is the one asked for; how many decimals its amounts would have nobody knows. */
TEST(orders_report, what_was_asked_of_an_instrument_that_nobody_knows_is_shown_with_its_symbol_alone) {
    wire_report r = {.seq = 5,
                     .kind = MX_REJECTED,
                     .command = MX_NEW_ORDER,
                     .reason = MXR_UNKNOWN_INSTRUMENT,
                     .order_id = MX_ORDER_ID(5, 0),
                     .price = 100,
                     .quantity = 7,
                     .event_ns = TW_TIME_ABSENT,
                     .stream_ns = TW_TIME_ABSENT,
                     .symbol = "NO.E"};
    EXPECT_STR(written(&r, NULL),
               "{\"type\":\"execution\",\"subject\":\"exec.ann\",\"account\":\"ann\",\"exchange\":\"TWEX\","
               "\"symbol\":\"NO.E\",\"shard\":1,\"execution_id\":\"1-5-0\",\"seq\":\"5\",\"n\":0,\"index\":0,"
               "\"kind\":\"REJECTED\",\"command\":\"NEW_ORDER\",\"reason\":\"UNKNOWN_INSTRUMENT\",\"reason_text\":"
               "\"no such instrument at this venue\",\"order_id\":\"1-5-0\"}");
    wire_order_view o = {
        .order_id = MX_ORDER_ID(5, 0), .rejected = true, .reason = MXR_UNKNOWN_INSTRUMENT, .symbol = "NO.E"};
    char text[ORDER_JSON_BYTES];
    json_writer w;
    o.price = 100;
    o.quantity = 7;
    json_start(&w, text, sizeof text);
    report_write_order(&w, "TWEX", 1, &o, NULL);
    EXPECT(json_finish(&w));
    EXPECT_STR(text,
               "{\"order_id\":\"1-5-0\",\"exchange\":\"TWEX\",\"symbol\":\"NO.E\",\"shard\":1,\"side\":\"buy\","
               "\"order_type\":\"limit\",\"time_in_force\":\"gtc\",\"status\":\"REJECTED\",\"reason\":"
               "\"UNKNOWN_INSTRUMENT\",\"reason_text\":\"no such instrument at this venue\"}");
}

/* What another version, or garbage, could hold. */
TEST(orders_report, values_that_nobody_knows_are_left_out_and_everything_fits) {
    wire_report r;
    memset(&r, 0xff, sizeof r);
    memset(r.client_order_id, 'x', sizeof r.client_order_id);
    memset(r.correlation_id, '"', sizeof r.correlation_id);
    memset(r.order_correlation_id, '"', sizeof r.order_correlation_id);
    r.order_correlation_id[sizeof r.order_correlation_id - 1] = '\0';
    r.client_order_id[sizeof r.client_order_id - 1] = r.correlation_id[sizeof r.correlation_id - 1] = '\0';
    r.duplicate = true;
    r.kind = MX_FILL;
    EXPECT(strstr(written(&r, &aapl), "\"side\"") == NULL);
    wire_named_instrument odd = {.number = 1, .symbol = "X", .price_exponent = -18, .quantity_exponent = -18};
    EXPECT(strlen(written(&r, &odd)) < ORDER_JSON_BYTES);
}

TEST(orders_report, what_became_of_an_order_is_its_status_with_the_reason) {
    static const struct {
        wire_order_view order;
        const char *shown; /* between the symbol's shard and the quantity */
    } table[] = {
        {{.status = MX_STATUS_OPEN}, "\"status\":\"OPEN\",\"quantity\""},
        {{.status = MX_STATUS_FILLED}, "\"status\":\"FILLED\",\"quantity\""},
        {{.rejected = true, .reason = MXR_PRICE_COLLAR},
         "\"status\":\"REJECTED\",\"reason\":\"PRICE_COLLAR\",\"reason_text\":\"the price is too far from the "
         "instrument's reference price\",\"quantity\""},
        {{.status = MX_STATUS_CANCELLED, .reason = MXR_REQUESTED},
         "\"status\":\"CANCELLED\",\"reason\":\"REQUESTED\",\"reason_text\":\"cancelled as "
         "requested\",\"quantity\""},
        {{.status = MX_STATUS_CANCELLED, .expired = true, .reason = MXR_TIME_REACHED},
         "\"status\":\"EXPIRED\",\"reason\":\"TIME_REACHED\",\"reason_text\":\"its time has come\",\"quantity\""},
        {{.rejected = true, .reason = 99999}, "\"status\":\"REJECTED\",\"reason\":\"?\",\"quantity\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[ORDER_JSON_BYTES];
        json_writer w;
        wire_order_view o = table[i].order;
        o.order_id = MX_ORDER_ID(3, 0);
        o.price = o.stop_price = TW_PRICE_ABSENT;
        json_start(&w, text, sizeof text);
        report_write_order(&w, "TWEX", 2, &o, &aapl);
        EXPECT(json_finish(&w));
        EXPECT_MSG(strstr(text, table[i].shown) != NULL, "row %zu: %s", i, text);
    }
}

TEST(orders_report, an_order_and_a_position_are_shown_with_their_average_prices) {
    char text[ORDER_JSON_BYTES];
    json_writer w;
    wire_order_view o = {.order_id = MX_ORDER_ID(3, 0),
                         .status = MX_STATUS_OPEN,
                         .price = 100,
                         .stop_price = TW_PRICE_ABSENT,
                         .quantity = 10,
                         .leaves = 7,
                         .executed = 3,
                         .executed_notional = 299, /* 99.67 */
                         .expire_ns = TW_TIME_ABSENT};
    json_start(&w, text, sizeof text);
    report_write_order(&w, "TWEX", 2, &o, &aapl);
    EXPECT(json_finish(&w));
    EXPECT_MSG(strstr(text, "\"average_price\":\"1.00\"") != NULL && strstr(text, "\"order_id\":\"2-3-0\"") != NULL,
               "%s", text);
    wire_position_view p = {.quantity = -5, .average_price = TW_PRICE_ABSENT, .cost = -500, .realised = 7};
    json_start(&w, text, sizeof text);
    report_write_position(&w, 2, &p, &aapl);
    EXPECT(json_finish(&w));
    EXPECT_STR(text,
               "{\"symbol\":\"AAPL\",\"shard\":2,\"quantity\":\"-5\",\"cost\":\"-5.00\",\"realised\":\"0.07\","
               "\"open_buys\":\"0\",\"open_sells\":\"0\"}");
}
