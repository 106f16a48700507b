/* The operator's language: what a line means, what is wrong with one, who gets what. */
#include "base/text.h"
#include "matcher/core/types.h"
#include "proto/shard.h"
#include "tests/unit.h"
#include "tools/venue/name.h"
#include "tools/venue/spread.h"
#include "tools/venue/tasks.h"
#include "tools/venue/value.h"

static const tw_date today = {2026, 11, 21};

/* One line, or several with '\n' between. */
static tw_code read_lines(venue_file *file, const char *text, tw_error *error) {
    char copy[4096];
    EXPECT(tw_text_copy(copy, sizeof copy, text));
    return venue_file_parse(file, copy, "TWEX", today, error);
}

static venue_order read_one(const char *text) {
    venue_file file;
    tw_error error = {0};
    EXPECT_MSG(read_lines(&file, text, &error) == TW_OK, "%s", error.text);
    EXPECT_U64(file.count, 1);
    venue_order order = file.orders[0];
    venue_file_fini(&file);
    return order;
}

TEST(venue_line, an_instrument_has_what_it_says_and_defaults_for_the_rest) {
    venue_order order = read_one("instrument TWEX.AAPL tick=0.01 collar=10% reference=187.20 # the first");
    EXPECT_U64(order.command.kind, WIRE_DEFINE_INSTRUMENT);
    EXPECT_STR(order.command.symbol, "AAPL");
    EXPECT_I64(order.command.price_exponent, -4);
    EXPECT_U64(order.command.tick.count, 1);
    EXPECT_I64(order.command.tick.values[0], 100);
    EXPECT_I64(order.command.tick_from.values[0], 0);
    EXPECT_U64(order.command.lot, 1);
    EXPECT_U64(order.command.collar_ppm, 100000);
    EXPECT_U64(order.command.protection_ppm, 50000);
    EXPECT_I64(order.command.price, 1872000);
    EXPECT_U64(order.number, 1);
}

TEST(venue_line, an_instrument_that_exists_has_to_be_told_whole) {
    tw_error error = {0};
    venue_order order = read_one("instrument AAPL tick=0.02 lot=10");
    EXPECT_I64(venue_redefinition_check(&order, &error), TW_INVALID);
    EXPECT(strstr(error.text, "AAPL is there already") != NULL);
    EXPECT(strstr(error.text, "collar=") != NULL && strstr(error.text, "protection=") != NULL);
    EXPECT(strstr(error.text, "lot=") == NULL);
    order = read_one("instrument AAPL tick=0.02 lot=10 collar=none protection=5%");
    EXPECT_I64(venue_redefinition_check(&order, &error), TW_OK);
    EXPECT_U64(order.command.collar_ppm, 0);
}

TEST(venue_line, bounds_above_the_defaults_are_taken_once_all_matchers_have_the_memory) {
    EXPECT_U64(read_one("bounds orders=1M reports=1M").command.max_orders, 1000000);
    EXPECT_U64(read_one("bounds orders=4M memory=yes").command.max_orders, 4000000);
}

TEST(venue_line, a_day_far_ahead_is_taken_if_that_is_said) {
    EXPECT_U64(read_one("day 2026-11-28 end=21:00").command.date, 20261128);
    EXPECT_U64(read_one("day 2062-11-21 end=21:00 far=yes").command.date, 20621121);
}

TEST(venue_line, ticks_come_in_bands_and_decimals_are_the_files) {
    venue_file file;
    tw_error error = {0};
    EXPECT_I64(read_lines(&file,
                          "exchange XTST\ndecimals price=2 quantity=3\nshards 2\n\n"
                          "instrument BTC ticks=0:0.01,10:0.05 lot=0.001 shard=2\n",
                          &error),
               TW_OK);
    const wire_control_command *c = &file.orders[0].command;
    EXPECT_STR(file.mic, "XTST");
    EXPECT_U64(file.shards, 2);
    EXPECT_U64(file.orders[0].number, 5);
    EXPECT_U64(file.orders[0].shard, 2);
    EXPECT_U64(c->tick.count, 2);
    EXPECT_I64(c->tick_from.values[1], 1000);
    EXPECT_I64(c->tick.values[1], 5);
    EXPECT_U64(c->lot, 1);
    EXPECT_I64(c->quantity_exponent, -3);
    venue_file_fini(&file);
}

TEST(venue_line, limits_are_exact_and_unlimited_is_a_word) {
    venue_order order =
        read_one("limits ann funds=2.5M exposure=unlimited order-quantity=10k order-notional=1000000.0001 "
                 "position=unlimited open-orders=100 concentration=unlimited rate=50 duplicate=500ms");
    const wire_control_command *c = &order.command;
    EXPECT(c->funds == (wire_money)25000000000);
    EXPECT(c->exposure == MX_MONEY_MAX);
    EXPECT_U64(c->order_quantity, 10000);
    EXPECT(c->order_notional == (wire_money)10000000001);
    EXPECT(c->position == MX_UNLIMITED);
    EXPECT_U64(c->open_orders, 100);
    EXPECT_U64(c->concentration_ppm, UINT32_MAX);
    EXPECT_U64(c->rate_per_second, 50);
    EXPECT_I64(c->duplicate_ns, 500000000);
}

static const struct {
    const char *line, *text;
    uint8_t kind;
    bool on, all_accounts, all_symbols;
} plain[] = {
    {"open AAPL", "open AAPL", WIRE_SET_STATE, false, false, false},
    {"halt all", "halt all", WIRE_SET_STATE, false, false, true},
    {"moved AAPL shard=1", "moved AAPL", WIRE_SET_STATE, false, false, false},
    {"block ann", "block ann", WIRE_SET_BLOCK, true, false, true},
    {"block ann AAPL", "block ann AAPL", WIRE_SET_BLOCK, true, false, false},
    {"unblock all AAPL", "unblock all AAPL", WIRE_SET_BLOCK, false, true, false},
    {"kill all", "kill all", WIRE_SET_KILL, true, true, false},
    {"unkill ann", "unkill ann", WIRE_SET_KILL, false, false, false},
    {"cancel ann side=buy", "cancel ann", WIRE_CONTROL_MASS_CANCEL, false, false, true},
    {"cancel all AAPL", "cancel all AAPL", WIRE_CONTROL_MASS_CANCEL, false, true, false},
    {"day today end=21:00", "day 2026-11-21", WIRE_BEGIN_DAY, false, false, false},
    {"fees 3 maker=-0.002% taker=30ppm", "fees 3", WIRE_SET_FEES, false, false, false},
    {"reference AAPL 187.20", "reference AAPL", WIRE_SET_REFERENCE, false, false, false},
};

TEST(venue_line, every_command_is_read_and_told_in_its_own_words) {
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char text[VENUE_ORDER_TEXT_BYTES];
        venue_order order = read_one(plain[i].line);
        EXPECT_U64(order.command.kind, plain[i].kind);
        EXPECT_U64(order.command.on, plain[i].on);
        EXPECT_U64(order.command.all_accounts, plain[i].all_accounts);
        EXPECT_U64(order.command.all_symbols, plain[i].all_symbols);
        venue_order_text(text, &order.command);
        EXPECT_STR(text, plain[i].text);
    }
}

static const struct {
    const char *line, *said;
} bad[] = {
    {"instrumnet AAPL tick=1", "did you mean instrument"},
    {"instrument", "instrument of what"},
    {"instrument AAPL", "tick= is missing"},
    {"moved AAPL", "from which shard? such as shard=1"},
    {"instrument AAPL tick=0.00001", "tick='0.00001' can't be read"},
    {"instrument AAPL tick=0.01 colar=5%", "knows no 'colar'"},
    {"instrument AAPL tick=0.01 collar=5", "collar='5' can't be read"},
    {"instrument XNAS.AAPL tick=0.01", "another exchange than TWEX"},
    {"instrument AAPL ticks=0:0.01,1", "ticks='0:0.01,1' can't be read"},
    {"instrument AAPL tick=0.01 shard=0", "shard='0' can't be read"},
    {"limits ann funds=1M", "exposure= is missing"},
    {"limits ann funds=-1", "funds='-1' can't be read"},
    {"account", "account of what"},
    {"account 123456789012345678901234567890123", "longer than an account's name"},
    {"fees 16 maker=1ppm", "no fee class"},
    {"day 2026-02-30 end=21:00", "is no date"},
    {"day 2026-11-21", "when does it end"},
    {"bounds orders=4M", "once all were, say memory=yes"},
    {"day 2062-11-21 end=21:00", "no earlier day can: if it is meant, say far=yes"},
    {"day 2026-11-29 end=21:00", "is 8 days after today"},
    {"day 2026-11-29 end=21:00 far=no", "far='no' can't be read"},
    {"day today end=25:00", "end='25:00' can't be read"},
    {"block all", "of which instrument"},
    {"kill ann AAPL", "knows no 'AAPL': it takes shard="},
    {"reference AAPL", "a price above 0"},
    {"reference AAPL 187.20 now", "knows no 'now'"},
    {"cancel ann side=both", "side='both' can't be read"},
    {"exchange twex", "four of A-Z"},
    {"shards 0", "a number from 1"},
    {"decimals price=13", "price=0 to 12"},
    {"account ann\nexchange XTST", "comes before all commands"},
};

TEST(venue_line, what_is_wrong_is_said_with_its_line) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        venue_file file;
        tw_error error = {0};
        char text[512];
        tw_text_format(text, sizeof text, "# a comment\n\n%s", bad[i].line);
        EXPECT_I64(read_lines(&file, text, &error), TW_INVALID);
        EXPECT_CONTAINS(error.text, bad[i].said);
        EXPECT_CONTAINS(error.text, strchr(bad[i].line, '\n') != NULL ? "line 4" : "line 3");
        venue_file_fini(&file);
    }
}

/* ---- shares ---- */

TEST(venue_spread, parts_of_a_limit_sum_to_the_whole_and_the_rest_goes_to_the_first) {
    venue_order order =
        read_one("limits ann funds=1 exposure=unlimited order-quantity=10 order-notional=7 position=5 "
                 "open-orders=8 rate=2 burst=7");
    uint32_t open[] = {3, 3, 2}, burst[] = {3, 2, 2};
    wire_money funds = 0;
    for (uint32_t i = 0; i < 3; i++) {
        wire_control_command c;
        venue_spread(&order, 3, i, &c);
        funds += c.funds;
        EXPECT(c.funds == (i == 0 ? 3334 : 3333));
        EXPECT(c.exposure == MX_MONEY_MAX);
        EXPECT(c.order_notional == 70000);
        EXPECT_U64(c.order_quantity, 10);
        EXPECT_U64(c.position, 5);
        EXPECT_U64(c.open_orders, open[i]);
        EXPECT_U64(c.rate_per_second, 1); /* never 0, which is no limit */
        EXPECT_U64(c.rate_burst, burst[i]);
    }
    EXPECT(funds == 10000);
}

TEST(venue_spread, a_limit_for_one_shard_is_not_divided) {
    venue_order order = read_one(
        "limits ann funds=1 exposure=1 order-quantity=1 order-notional=1 position=1 open-orders=9 shard=2");
    wire_control_command c;
    venue_spread(&order, 3, 1, &c);
    EXPECT_U64(c.open_orders, 9);
}

TEST(venue_spread, what_is_not_named_stays_as_it_was) {
    venue_context context;
    venue_order order;
    tw_error error = {0};
    const char *words[] = {"limits", "ann", "position=9"};
    const wire_account_view known = {.funds = 77, .position = 1, .open_orders_limit = 4, .collar_ppm = 6};
    venue_context_init(&context, "TWEX", today);
    context.limits_partly = true;
    EXPECT_I64(venue_line_parse(&context, words, 3, &order, &error), VENUE_LINE_ORDER);
    wire_control_command command = order.command;
    venue_limits_merge(&command, &order, &known);
    EXPECT(command.funds == 77);
    EXPECT_U64(command.position, 9);
    EXPECT_U64(command.open_orders, 4);
    EXPECT_U64(command.collar_ppm, 6);
}

/* ---- tasks ---- */

typedef struct ground {
    venue_shards shards;
    venue_entry entries[2];
    venue_directory directory;
    venue_ground ground;
} ground;

/* Shards 1 and 2; MSFT, which belongs to 2, lives on 1. */
static void set_up(ground *g) {
    *g = (ground){.shards = {.count = 2}};
    g->shards.list[0] =
        (venue_shard){.number = 1, .runs = true, .day_known = true, .date = 20261121, .day_end_ns = 5};
    g->shards.list[1] = (venue_shard){.number = 2, .runs = true, .day_known = true, .day_end_ns = TW_TIME_ABSENT};
    g->entries[0] = (venue_entry){.symbol = "MSFT", .shard = 1, .price_exponent = -4};
    g->directory = (venue_directory){.entries = g->entries, .count = 1};
    g->ground = (venue_ground){.mic = "TWEX", .shards = &g->shards, .directory = &g->directory};
}

static tw_code make(ground *g, const char *text, venue_tasks *tasks, tw_error *error) {
    venue_file file;
    *tasks = (venue_tasks){0};
    EXPECT_I64(read_lines(&file, text, error), TW_OK);
    g->ground.spread_over = file.shards;
    tw_code code = venue_tasks_make(tasks, &g->ground, file.orders, file.count, error);
    venue_file_fini(&file);
    return code;
}

TEST(venue_tasks, an_instrument_stays_where_it_lives_and_a_new_one_goes_where_its_name_says) {
    ground g;
    venue_tasks tasks;
    tw_error error = {0};
    set_up(&g);
    EXPECT_U64(shard_of_symbol("MSFT", 2), 2);
    EXPECT_U64(shard_of_symbol("GOOG", 2), 2);
    EXPECT_I64(make(&g,
                    "instrument MSFT tick=0.01\ninstrument GOOG tick=0.01\nopen GOOG\nopen MSFT\nhalt all\nunblock "
                    "all IBM shard=2",
                    &tasks, &error),
               TW_OK);
    const uint32_t shards[] = {1, 2, 2, 1, 1, 2, 2};
    EXPECT_U64(tasks.count, 7);
    for (size_t i = 0; i < 7; i++)
        EXPECT_U64(tasks.list[i].shard, shards[i]);
    venue_tasks_fini(&tasks);
}

TEST(venue_tasks, nobody_says_by_hand_that_an_instrument_lives_twice_or_nowhere) {
    const struct {
        const char *line, *fault; /* NULL: it goes to shard 1 */
        bool twice;
    } rows[] = {
        {"moved MSFT shard=1", "line 1: MSFT lives on no other shard that runs", false},
        {"close MSFT shard=2", "line 1: MSFT lives on shard 1, and to close it on shard 2 would bring it back",
         false},
        {"close MSFT shard=1", NULL, false},
        {"moved MSFT shard=1", NULL, true},
        {"close MSFT shard=1", NULL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ground g;
        venue_tasks tasks;
        tw_error error = {0};
        set_up(&g);
        g.entries[1] = (venue_entry){.symbol = "MSFT", .shard = 2, .price_exponent = -4};
        g.directory.count = rows[i].twice ? 2 : 1;
        EXPECT_I64(make(&g, rows[i].line, &tasks, &error), rows[i].fault != NULL ? TW_INVALID : TW_OK);
        if (rows[i].fault != NULL) EXPECT_CONTAINS(error.text, rows[i].fault);
        if (rows[i].fault == NULL) EXPECT_U64(tasks.list[0].shard, 1);
        venue_tasks_fini(&tasks);
    }
}

TEST(venue_tasks, what_is_listed_twice_while_it_moves_opens_once_where_it_is_not_closed) {
    ground g;
    venue_tasks tasks;
    tw_error error = {0};
    set_up(&g);
    g.entries[0].trading = TW_TRADING_HALTED;
    g.entries[1] = (venue_entry){.symbol = "MSFT", .shard = 2, .price_exponent = -4, .trading = TW_TRADING_CLOSED};
    g.directory.count = 2;
    EXPECT_I64(make(&g, "open all", &tasks, &error), TW_OK);
    EXPECT_U64(tasks.count, 1);
    EXPECT_U64(tasks.list[0].shard, 1);
    venue_tasks_fini(&tasks);
}

TEST(venue_tasks, a_new_name_waits_until_every_shard_tells_what_it_has) {
    ground g;
    venue_tasks tasks;
    tw_error error = {0};
    set_up(&g);
    g.shards.list[1].runs = false;
    EXPECT_I64(make(&g, "instrument GOOG tick=0.01", &tasks, &error), TW_AWAY);
    EXPECT_CONTAINS(error.text, "line 1: shard 2 does not run, so nobody knows whether GOOG lives there");
    venue_tasks_fini(&tasks);
    EXPECT_I64(make(&g, "instrument GOOG tick=0.01 shard=1\nopen all", &tasks, &error), TW_OK);
    EXPECT_U64(tasks.list[tasks.count - 1].shard, 2); /* as a whole: its engine knows what has left */
    EXPECT(tasks.list[tasks.count - 1].command.all_symbols);
    venue_tasks_fini(&tasks);
    g.shards.count = 1; /* there is only one place */
    g.shards.list[0].runs = false;
    EXPECT_I64(make(&g, "instrument GOOG tick=0.01", &tasks, &error), TW_OK);
    venue_tasks_fini(&tasks);
}

TEST(venue_tasks, a_day_that_has_begun_is_not_begun_again) {
    ground g;
    venue_tasks tasks;
    tw_error error = {0};
    set_up(&g);
    EXPECT_I64(make(&g, "day 2026-11-21 end=21:00\nkill ann", &tasks, &error), TW_OK);
    EXPECT_U64(tasks.days_left_count, 1);
    EXPECT_U64(tasks.days_left[0].shard, 1);
    EXPECT_U64(tasks.days_left[0].number, 1);
    EXPECT_I64(tasks.days_left[0].end_ns, 5);
    EXPECT_U64(tasks.count, 3);
    EXPECT_U64(tasks.list[0].shard, 2);
    venue_tasks_fini(&tasks);
    g.shards.list[0].day_end_ns = TW_TIME_ABSENT; /* and has ended */
    EXPECT_I64(make(&g, "day 2026-11-21 end=21:00", &tasks, &error), TW_OK);
    EXPECT_I64(tasks.days_left[0].end_ns, TW_TIME_ABSENT);
    venue_tasks_fini(&tasks);
}

TEST(venue_tasks, what_the_venue_does_not_have_is_refused_before_anything_is_sent) {
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"open MSFTT", "did you mean MSFT?"},
        {"open GOOG", "no instrument GOOG"},
        {"instrument MSFT tick=0.01 shard=2", "tickwire venue move MSFT --to 2"},
        {"instrument GOOG tick=0.01 shard=7", "shard 7, which is not there"},
        {"decimals price=2\ninstrument GOOG tick=0.01", "say the same 'decimals'"},
        {"limits ann funds=1 exposure=1 order-quantity=1 order-notional=1 position=1 open-orders=9 shard=5",
         "no shard 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ground g;
        venue_tasks tasks;
        tw_error error = {0};
        set_up(&g);
        EXPECT(make(&g, cases[i].text, &tasks, &error) != TW_OK);
        EXPECT_CONTAINS(error.text, cases[i].said);
        EXPECT_CONTAINS(error.text, "line ");
        venue_tasks_fini(&tasks);
    }
}

/* ---- values ---- */

TEST(venue_value, money_of_128_bits_is_written_exactly) {
    static const struct {
        int64_t high, low;
        int32_t exponent;
        const char *text;
    } cases[] = {
        {0, 0, -4, "0.0000"},
        {0, 5, -2, "0.05"},
        {0, -5, -2, "-0.05"},
        {0, 123456, 0, "123456"},
        {0, 12, 2, "1200"},
        {1000000000, 1000000000, -4, "100000000000000.0000"},
        {1000000000000, 1000000000000, 0, "1000000000000000000000000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[VENUE_MONEY_BYTES];
        wire_money value = cases[i].high != 0 ? (wire_money)cases[i].high * cases[i].low : cases[i].low;
        venue_money_format(text, value, cases[i].exponent);
        EXPECT_STR(text, cases[i].text);
    }
}

TEST(venue_value, times_are_utc_and_exact) {
    static const struct {
        const char *text;
        int64_t ns; /* since midnight of the 21st */
    } good[] = {{"21:00", 21 * 3600 * TW_NS_PER_SECOND},
                {"24:00", TW_NS_PER_DAY},
                {"00:00:01", TW_NS_PER_SECOND},
                {"2026-11-22T01:00:00Z", 25 * 3600 * TW_NS_PER_SECOND}};
    static const char *const wrong[] = {"",
                                        "21",
                                        "21:0",
                                        "24:01",
                                        "21:60",
                                        "2026-11-22T01:00:00",
                                        "2026-11-31T01:00:00Z",
                                        "ab:cd",
                                        "2262-04-12T00:00:00Z",
                                        "9999-12-31T24:00:00Z",
                                        "1600-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t found = 0;
        EXPECT(venue_instant_parse(good[i].text, today, &found));
        EXPECT_I64(found - tw_date_to_days(today) * TW_NS_PER_DAY, good[i].ns);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t found;
        EXPECT_MSG(!venue_instant_parse(wrong[i], today, &found), "%s is a time", wrong[i]);
    }
}

TEST(venue_value, parts_are_ppm_or_percent_and_spans_have_a_unit) {
    int64_t value;
    EXPECT(venue_ppm_parse("10%", &value) && value == 100000);
    EXPECT(venue_ppm_parse("0.0001%", &value) && value == 1);
    EXPECT(venue_ppm_parse("-20ppm", &value) && value == -20);
    EXPECT(!venue_ppm_parse("10", &value) && !venue_ppm_parse("0.00001%", &value) && !venue_ppm_parse("%", &value));
    EXPECT(venue_duration_parse("250ms", &value) && value == 250000000);
    EXPECT(venue_duration_parse("2m", &value) && value == 120 * TW_NS_PER_SECOND);
    EXPECT(venue_duration_parse("7ns", &value) && value == 7);
    EXPECT(!venue_duration_parse("5", &value) && !venue_duration_parse("s", &value) &&
           !venue_duration_parse("-5s", &value));
}

TEST(venue_name, bytes_of_a_terminal_are_not_printed) {
    char shown[8];
    venue_text_printable(shown, sizeof shown, "a\033[2J\177b");
    EXPECT_STR(shown, "a?[2J?b");
    venue_text_printable(shown, 3, "abcd");
    EXPECT_STR(shown, "ab");
}
