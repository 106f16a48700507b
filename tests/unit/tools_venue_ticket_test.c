/* An order as a person says it. */
#include "matcher/core/types.h"
#include "tests/unit.h"
#include "tools/venue/ticket.h"

static const ticket_options none = {.account = "ann",
                                    .type = "",
                                    .tif = "",
                                    .stop = "",
                                    .display = "",
                                    .minimum = "",
                                    .expire = "",
                                    .stp = "",
                                    .client_id = ""};
static const ticket_ground apple = {
    .symbol = "AAPL", .price_exponent = -4, .tick = 100, .lot = 10, .today = {2026, 11, 21}};

/* Words of one text, up to eight. */
static size_t cut(char *text, const char *words[8]) {
    size_t count = 0;
    for (char *at = strtok_r(text, " ", &text); at != NULL && count < 8; at = strtok_r(NULL, " ", &text))
        words[count++] = at;
    return count;
}

static tw_code say(const char *text, const ticket_options *options, ticket *t, wire_order_command *command,
                   tw_error *error) {
    static char copy[256]; /* the ticket points into it */
    const char *words[8];
    snprintf(copy, sizeof copy, "%s", text);
    size_t count = cut(copy, words);
    tw_code code = ticket_read(t, words, count, "TWEX", options, error);
    return code == TW_OK ? ticket_command(t, &apple, command, error) : code;
}

TEST(venue_ticket, a_limit_order_for_the_day_is_what_a_price_makes) {
    ticket t;
    wire_order_command c;
    tw_error error = {0};
    EXPECT_MSG(say("buy TWEX.AAPL 100 @ 187.20", &none, &t, &c, &error) == TW_OK, "%s", error.text);
    EXPECT_STR(t.name.mic, "TWEX");
    EXPECT_STR(t.name.symbol, "AAPL");
    EXPECT_STR(c.account, "ann");
    EXPECT_U64(c.side, TW_BID);
    EXPECT_U64(c.type, MX_LIMIT);
    EXPECT_U64(c.tif, MX_DAY);
    EXPECT_U64(c.stp, MX_STP_NEWEST);
    EXPECT_I64(c.price, 1872000);
    EXPECT_U64(c.quantity, 100);
    EXPECT_I64(say("sell AAPL 1k @187.2", &none, &t, &c, &error), TW_OK);
    EXPECT_U64(c.side, TW_ASK);
    EXPECT_U64(c.quantity, 1000);
}

TEST(venue_ticket, type_and_time_in_force_follow_from_what_is_said) {
    static const struct {
        const char *words, *stop, *tif, *expire;
        uint8_t type, meant_tif;
    } cases[] = {
        {"buy AAPL 10", "", "", "", MX_MARKET, MX_IOC},
        {"buy AAPL 10", "180", "", "", MX_STOP, MX_DAY},
        {"buy AAPL 10 @ 181", "180", "gtc", "", MX_STOP_LIMIT, MX_GTC},
        {"buy AAPL 10 @ 181", "", "fok", "", MX_LIMIT, MX_FOK},
        {"buy AAPL 10 @ 181", "", "", "17:30", MX_LIMIT, MX_GTD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ticket t;
        wire_order_command c;
        tw_error error = {0};
        ticket_options o = none;
        o.stop = cases[i].stop;
        o.tif = cases[i].tif;
        o.expire = cases[i].expire;
        EXPECT_MSG(say(cases[i].words, &o, &t, &c, &error) == TW_OK, "%s", error.text);
        EXPECT_U64(c.type, cases[i].type);
        EXPECT_U64(c.tif, cases[i].meant_tif);
    }
}

TEST(venue_ticket, an_order_is_cancelled_by_its_id_or_by_instrument_and_name) {
    ticket t;
    wire_order_command c;
    tw_error error = {0};
    ticket_options named = none;
    named.client_id = "mine";
    EXPECT_I64(say("cancel 2-123-5", &none, &t, &c, &error), TW_OK);
    EXPECT_U64(t.shard, 2);
    EXPECT_U64(c.order_id, (123u << 16) + 5);
    EXPECT_U64(c.kind, WIRE_CANCEL);
    EXPECT_I64(say("cancel TWEX.AAPL", &named, &t, &c, &error), TW_OK);
    EXPECT_U64(c.order_id, 0);
    EXPECT_STR(c.client_order_id, "mine");
    EXPECT_I64(say("replace 1-7-0 @ 187.10", &none, &t, &c, &error), TW_OK);
    EXPECT_U64(c.kind, WIRE_REPLACE);
    EXPECT(c.quantity == WIRE_QUANTITY_ABSENT);
    EXPECT_I64(c.price, 1871000);
}

static const struct {
    const char *words, *said;
    ticket_options options;
} bad[] = {
    {"", "say what to do", {.account = "ann"}},
    {"bye AAPL 10", "none of buy, sell", {.account = "ann"}},
    {"buy AAPL 10", "for which account", {.account = ""}},
    {"buy AAPL", "and how many", {.account = "ann"}},
    {"buy AAPL @ 10 10", "too much", {.account = "ann"}},
    {"buy AAPL @ 10", "how many", {.account = "ann"}},
    {"buy AAPL 10 @", "price is missing", {.account = "ann"}},
    {"buy AAPL ten", "'ten' is no number", {.account = "ann"}},
    {"buy AAPL 0", "quantity is 0", {.account = "ann"}},
    {"buy AAPL 15", "no multiple of the lot of AAPL, which is 10", {.account = "ann"}},
    {"buy AAPL 10 @ 187.205", "not on the tick of AAPL, which is 0.0100", {.account = "ann"}},
    {"buy AAPL 10 @ 187.20001", "at most 4 decimals", {.account = "ann"}},
    {"buy AAPL 10 @ -1", "not above 0", {.account = "ann"}},
    {"buy TWEX. 10", "names no instrument", {.account = "ann"}},
    {"buy AAPL 10", "none of limit, market", {.account = "ann", .type = "limt"}},
    {"buy AAPL 10", "--type limit has a price", {.account = "ann", .type = "limit"}},
    {"buy AAPL 10 @ 1", "--type stop has not a price and has a --stop", {.account = "ann", .type = "stop"}},
    {"buy AAPL 10 @ 1", "none of gtc, day", {.account = "ann", .tif = "goodforday"}},
    {"buy AAPL 10 @ 1", "belong together", {.account = "ann", .tif = "gtd"}},
    {"buy AAPL 10 @ 1", "is no time", {.account = "ann", .expire = "noon"}},
    {"buy AAPL 10 @ 1", "--stp", {.account = "ann", .stp = "self"}},
    {"buy AAPL 10 @ 1",
     "longer than 40",
     {.account = "ann", .client_id = "12345678901234567890123456789012345678901"}},
    {"cancel", "which order", {.account = "ann"}},
    {"cancel AAPL", "needs --client-id", {.account = "ann"}},
    {"cancel 1-2-3", "not both", {.account = "ann", .client_id = "a"}},
    {"cancel 1-2-3 100", "takes no quantity", {.account = "ann"}},
    {"replace 1-2-3", "replace what", {.account = "ann"}},
    {"cancel 1-2-99999", "no order id", {.account = "ann"}},
};

TEST(venue_ticket, what_is_wrong_is_said) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ticket t;
        wire_order_command c;
        tw_error error = {0};
        ticket_options o = bad[i].options;
        const char **const texts[] = {&o.type,    &o.tif,    &o.stop, &o.display,
                                      &o.minimum, &o.expire, &o.stp,  &o.client_id};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            if (*texts[j] == NULL) *texts[j] = "";
        EXPECT_I64(say(bad[i].words, &o, &t, &c, &error), TW_INVALID);
        EXPECT_CONTAINS(error.text, bad[i].said);
    }
}

TEST(venue_ticket, ids_are_read_as_they_are_written) {
    char text[VENUE_ID_BYTES];
    uint32_t shard = 0, n = 0;
    uint64_t id = 0, seq = 0;
    EXPECT(venue_order_id_parse("3-281474976710655-65535", &shard, &id));
    EXPECT_U64(shard, 3);
    venue_order_id_format(text, shard, id);
    EXPECT_STR(text, "3-281474976710655-65535");
    EXPECT(venue_execution_id_parse("1-55-70000", &shard, &seq, &n));
    EXPECT_U64(n, 70000);
    static const char *const wrong[] = {"",      "1",       "1-2",       "1-2-",  "0-2-3",
                                        "1-0-3", "1-2-3-4", "1-2-65536", "a-b-c", "1-281474976710656-0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        EXPECT_MSG(!venue_order_id_parse(wrong[i], &shard, &id), "%s is an id", wrong[i]);
}
