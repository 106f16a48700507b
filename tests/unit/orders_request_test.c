/* What clients may ask of the venue: each request as a trader writes it, what is made of it, and which field is wrong. */
#include "gateways/orders/command.h"
#include "gateways/orders/request.h"
#include "tests/unit.h"

static bool parse(order_request *request, order_fault *fault, const char *json) {
    *fault = (order_fault){0};
    return order_request_parse(request, fault, (const uint8_t *)json, strlen(json), ORDER_OPS);
}

typedef struct refusal {
    const char *json;
    const char *code, *field;
} refusal;

TEST(orders_request, what_is_wrong_is_named_by_its_field) {
#define ORDER "{\"op\":\"order.new\",\"symbol\":\"A\",\"side\":\"buy\","
    static const refusal table[] = {
        {"", "BAD_JSON", ""},
        {"[]", "BAD_JSON", ""},
        {"{\"op\":\"order.new\"", "BAD_JSON", ""},
        {"{\"op\":\"order.fly\"}", "UNKNOWN_OP", "op"},
        {"{\"op\":5}", "UNKNOWN_OP", "op"},
        {"{\"op\":\"order.new\",\"side\":\"buy\",\"quantity\":1,\"price\":1}", "BAD_FIELD", "symbol"},
        {"{\"op\":\"order.new\",\"symbol\":\"A\",\"quantity\":1,\"price\":1}", "BAD_FIELD", "side"},
        {ORDER "\"price\":1}", "BAD_FIELD", "quantity"},
        {ORDER "\"quantity\":1}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":null}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":1.5}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":\"1.\"}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":\".5\"}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":\"+1\"}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":\"-1\"}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":\"0x1\"}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":1,\"price\":\"1e3\"}", "BAD_FIELD", "price"},
        {ORDER "\"quantity\":9007199254740993,\"price\":1}", "BAD_FIELD", "quantity"},
        {ORDER "\"quantity\":[1],\"price\":1}", "BAD_FIELD", "quantity"},
        {ORDER "\"type\":\"market\",\"quantity\":1,\"price\":1}", "BAD_FIELD", "price"},
        {ORDER "\"type\":\"stop\",\"quantity\":1}", "BAD_FIELD", "stop_price"},
        {ORDER "\"type\":\"stop\",\"quantity\":1,\"stop_price\":1,\"price\":1}", "BAD_FIELD", "price"},
        {ORDER "\"type\":\"stop_limit\",\"quantity\":1,\"price\":1}", "BAD_FIELD", "stop_price"},
        {ORDER "\"quantity\":1,\"price\":1,\"stop_price\":1}", "BAD_FIELD", "stop_price"},
        {ORDER "\"quantity\":1,\"price\":1,\"type\":\"Limit\"}", "BAD_FIELD", "type"},
        {ORDER "\"quantity\":1,\"price\":1,\"time_in_force\":\"gtd\"}", "BAD_FIELD", "expire_ns"},
        {ORDER "\"quantity\":1,\"price\":1,\"expire_ns\":\"7\"}", "BAD_FIELD", "expire_ns"},
        {ORDER "\"quantity\":1,\"price\":1,\"time_in_force\":\"gtd\",\"expire_ns\":\"-7\"}", "BAD_FIELD",
         "expire_ns"},
        {ORDER "\"quantity\":1,\"price\":1,\"post_only\":1}", "BAD_FIELD", "post_only"},
        {ORDER "\"quantity\":1,\"price\":1,\"self_trade\":\"\"}", "BAD_FIELD", "self_trade"},
        {ORDER "\"quantity\":1,\"price\":1,\"client_order_id\":\"\"}", "BAD_FIELD", "client_order_id"},
        {ORDER "\"quantity\":1,\"price\":1,\"client_order_id\":\"a\\u0000b\"}", "BAD_FIELD", "client_order_id"},
        {ORDER "\"quantity\":1,\"price\":1,\"client_order_id\":\"a\\nb\"}", "BAD_FIELD", "client_order_id"},
        {ORDER "\"quantity\":1,\"price\":1,\"account\":\"123456789012345678901234567890123\"}", "BAD_FIELD",
         "account"},
        {ORDER "\"quantity\":1,\"price\":1,\"account\":\"üüüüüüüüüüüüüüüüü\"}", "BAD_FIELD",
         "account"}, /* 34 bytes */
        {ORDER "\"quantity\":1,\"price\":1,\"account\":\"a\\tb\"}", "BAD_FIELD", "account"},
        {ORDER "\"quantity\":1,\"price\":1,\"account\":\"a\\u0000b\"}", "BAD_FIELD", "account"},
        {ORDER "\"quantity\":1,\"price\":1,\"account\":\"\"}", "BAD_FIELD", "account"},
        {ORDER "\"quantity\":1,\"price\":1,\"exchange\":\"TWEXX\"}", "BAD_FIELD", "exchange"},
        {ORDER "\"quantity\":1,\"price\":1,\"open_only\":true}", "BAD_FIELD", "open_only"},
        {ORDER "\"quantity\":1,\"price\":1,\"quantiy\":1}", "BAD_FIELD", "quantiy"},
        {"{\"op\":\"order.cancel\"}", "BAD_FIELD", "order_id"},
        {"{\"op\":\"order.cancel\",\"client_order_id\":\"c\"}", "BAD_FIELD", "symbol"},
        {"{\"op\":\"order.cancel\",\"order_id\":\"1-2-3\",\"client_order_id\":\"c\"}", "BAD_FIELD",
         "client_order_id"},
        {"{\"op\":\"order.cancel\",\"order_id\":\"1-2\"}", "BAD_FIELD", "order_id"},
        {"{\"op\":\"order.cancel\",\"order_id\":\"0-2-3\"}", "BAD_FIELD", "order_id"},
        {"{\"op\":\"order.cancel\",\"order_id\":\"1-2-65536\"}", "BAD_FIELD", "order_id"},
        {"{\"op\":\"order.cancel\",\"order_id\":\"1-281474976710656-0\"}", "BAD_FIELD", "order_id"},
        {"{\"op\":\"order.replace\",\"order_id\":\"1-2-3\"}", "BAD_FIELD", "quantity"},
        {"{\"op\":\"order.replace\",\"order_id\":\"1-2-3\",\"price\":1,\"open_only\":true}", "BAD_FIELD",
         "quantity"},
        {"{\"op\":\"order.mass_cancel\",\"quantity\":1}", "BAD_FIELD", "quantity"},
        {ORDER "\"quantity\":1,\"price\":\"186\",\"price\":\"1.00\"}", "BAD_REQUEST", "price"},
        {ORDER "\"quantity\":1,\"price\":\"186\",\"price\":\"186\"}", "BAD_REQUEST", "price"},
        {ORDER "\"quantity\":1,\"price\":\"186\" , \"\\u0070r\\u0069ce\" : null}", "BAD_REQUEST", "price"},
        {ORDER "\"price\":[{\"a\":1,\"a\":2},\"}\\\"\",\"\\\\\"],\"quantity\":1,\"price\":1}", "BAD_REQUEST",
         "price"},
        {ORDER "\"quantity\":1,\"price\":1,\"side\":\"sell\"}", "BAD_REQUEST", "side"},
        {"{\"op\":\"order.mass_cancel\",\"op\":\"order.mass_cancel\"}", "BAD_REQUEST", "op"},
        {"{\"op\":\"order.mass_cancel\",\"id\":1,\"id\":2}", "BAD_REQUEST", "id"},
        {"{\"op\":\"order.mass_cancel\",\"quantiy\":1,\"quantiy\":1}", "BAD_REQUEST", "quantiy"},
    };
    order_request request;
    order_fault fault;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        EXPECT_MSG(!parse(&request, &fault, table[i].json), "%s is taken", table[i].json);
        EXPECT_MSG(strcmp(fault.code, table[i].code) == 0 && strcmp(fault.field, table[i].field) == 0,
                   "%s: %s %s, expected %s %s", table[i].json, fault.code, fault.field, table[i].code,
                   table[i].field);
        EXPECT(fault.message[0] != '\0');
    }
}

TEST(orders_request, what_is_left_out_has_its_default) {
    order_request r;
    order_fault fault;
    EXPECT(parse(&r, &fault, ORDER "\"quantity\":\"100\",\"price\":187}"));
    EXPECT_I64(r.type, 0);
    EXPECT_I64(r.tif, 1); /* day */
    EXPECT_I64(r.stp, 1); /* newest */
    EXPECT_STR(r.price, "187");
    EXPECT(!r.post_only && !r.cancel_on_disconnect);
    EXPECT(parse(&r, &fault, ORDER "\"type\":\"market\",\"quantity\":1}"));
    EXPECT_I64(r.tif, 3); /* ioc */
}

TEST(orders_request, an_account_is_any_text_that_a_token_may_grant) {
    static const char *const names[] = {"ünï", "日本", "a ghost", "gh.ost", "*", "üüüüüüüüüüüüüüüü"};
    order_request r;
    order_fault fault;
    char json[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tw_text_format(json, sizeof json, ORDER "\"quantity\":1,\"price\":1,\"account\":\"%s\"}", names[i]);
        EXPECT_MSG(parse(&r, &fault, json), "%s: %s", names[i], fault.message);
        EXPECT_STR(r.account, names[i]);
        order_request_init(&r, ORDER_MASS_CANCEL);
        EXPECT(order_request_take(&r, &fault, "account", names[i])); /* of an address */
    }
    EXPECT(!order_request_take(&r, &fault, "account", "\xff\xfe"));
    EXPECT_CONTAINS(fault.message, "UTF-8");
}

TEST(orders_request, a_correlation_id_is_known_although_the_rest_is_wrong) {
    order_request r;
    order_fault fault;
    EXPECT(!parse(&r, &fault, "{\"op\":\"order.new\",\"bad\":1,\"correlation_id\":\"c-1\"}"));
    EXPECT_STR(r.correlation_id, "c-1");
}

TEST(orders_request, order_ids_are_read_as_they_are_written) {
    static const uint64_t ids[] = {UINT64_C(1) << 16, (UINT64_C(123) << 16) + 65535, UINT64_MAX};
    char text[ORDER_ID_BYTES];
    uint32_t shard;
    uint64_t id;
    for (size_t i = 0; i < 3; i++) {
        order_id_format(text, 64, ids[i]);
        EXPECT(order_id_parse(text, &shard, &id));
        EXPECT_U64(shard, 64);
        EXPECT_U64(id, ids[i]);
    }
}

typedef struct scaling {
    const char *price, *quantity;
    const char *field; /* NULL: good */
    int64_t scaled_price;
    uint64_t scaled_quantity;
} scaling;

TEST(orders_request, decimals_become_scaled_integers_exactly_or_are_refused_by_name) {
    static const scaling table[] = {
        {"187.20", "100", NULL, 18720, 1000},
        {"187", "0.1", NULL, 18700, 1},
        {"0.01", "99999999999999999.9", NULL, 1, 999999999999999999},
        {"92233720368547758.07", "1", NULL, INT64_MAX, 10},
        {"187.201", "100", "price", 0, 0},
        {"187.200", "100", "price", 0, 0},
        {"92233720368547758.08", "1", "price", 0, 0},
        {"0.00", "1", "price", 0, 0},
        {"1", "0", "quantity", 0, 0},
        {"1", "0.05", "quantity", 0, 0},
        {"1", "999999999999999999999", "quantity", 0, 0},
    };
    const order_place place = {.symbol = "A", .shard = 2, .price_exponent = -2, .quantity_exponent = -1};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        order_request r;
        order_fault fault = {0};
        wire_order_command c;
        order_request_init(&r, ORDER_NEW);
        EXPECT(order_request_take(&r, &fault, "symbol", "A") && order_request_take(&r, &fault, "side", "sell") &&
               order_request_take(&r, &fault, "price", table[i].price) &&
               order_request_take(&r, &fault, "quantity", table[i].quantity) && order_request_check(&r, &fault));
        bool made = order_command_make(&c, &r, &place, "TWEX", &fault);
        EXPECT_MSG(made == (table[i].field == NULL), "%s x %s: %s", table[i].price, table[i].quantity,
                   fault.message);
        if (!made) {
            EXPECT_STR(fault.field, table[i].field);
            continue;
        }
        EXPECT_I64(c.price, table[i].scaled_price);
        EXPECT_U64(c.quantity, table[i].scaled_quantity);
        EXPECT_I64(c.side, TW_ASK);
    }
}

TEST(orders_request, a_mass_cancel_of_one_side_says_so_and_of_all_symbols_only_without_one) {
    order_request r;
    order_fault fault;
    wire_order_command c;
    const order_place place = {.symbol = "A", .shard = 1};
    EXPECT(parse(&r, &fault, "{\"op\":\"order.mass_cancel\",\"side\":\"sell\"}"));
    EXPECT(order_command_make(&c, &r, NULL, "TWEX", &fault));
    EXPECT(c.all_symbols);
    EXPECT_U64(c.sides, 2);
    EXPECT(parse(&r, &fault, "{\"op\":\"order.mass_cancel\",\"symbol\":\"A\"}"));
    EXPECT(order_command_make(&c, &r, &place, "TWEX", &fault));
    EXPECT(!c.all_symbols);
    EXPECT_U64(c.sides, 0);
}

TEST(orders_request, a_replace_leaves_what_it_does_not_name) {
    order_request r;
    order_fault fault;
    wire_order_command c;
    const order_place place = {.symbol = "A", .shard = 1, .price_exponent = -2};
    EXPECT(parse(&r, &fault, "{\"op\":\"order.replace\",\"order_id\":\"1-9-2\",\"price\":\"1.5\",\"display\":0}"));
    EXPECT(order_command_make(&c, &r, &place, "TWEX", &fault));
    EXPECT_U64(c.order_id, (9u << 16) + 2);
    EXPECT_I64(c.price, 150);
    EXPECT_I64(c.stop_price, TW_PRICE_ABSENT);
    EXPECT_U64(c.quantity, WIRE_QUANTITY_ABSENT);
    EXPECT_U64(c.display, 0);
}

TEST(orders_request, what_only_looks_like_a_name_said_twice_is_taken) {
    static const char *const good[] = {
        "{\"op\":\"order.cancel\",\"order_id\":\"1-2-3\",\"correlation_id\":\"order_id\"}",
        "{\"op\":\"order.cancel\",\"order_id\":\"1-2-3\",\"correlation_id\":\"\\\",\\\"order_id\\\":\\\"\"}",
        "{\"op\":\"order.cancel\",\"order_id\":\"1-2-3\",\"correlation_id\":\"\\\\\"}",
        "{\"op\":\"order.cancel\",\"order_id\":\"1-2-3\",\"id\":{\"order_id\":1,\"op\":[{\"id\":2}]}}",
    };
    order_request request;
    order_fault fault;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        EXPECT_MSG(parse(&request, &fault, good[i]), "%s: %s", good[i], fault.message);
    const char *http = "{\"symbol\":\"A\",\"symbol\":\"B\",\"side\":\"buy\",\"quantity\":1,\"price\":1}";
    EXPECT(!order_request_parse(&request, &fault, (const uint8_t *)http, strlen(http), ORDER_NEW));
    EXPECT_STR(fault.code, "BAD_REQUEST");
    EXPECT_STR(fault.field, "symbol");
}
