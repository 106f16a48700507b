/* The crowd that trades, against the engine. */
#include "base/text.h"
#include "matcher/wire/input.h"
#include "tests/unit.h"
#include "tools/crowd/crowd.h"
#include "tools/venue/line.h"

#define COMMANDS 30000u

static const venue_crowd_instrument listed[] = {
    {"AAPL", 1872000, 100, 1}, {"BRK.B", 4000000, 500, 10}, {"F", 121000, 100, 1}};

static venue_crowd *make(uint64_t seed, const char *tag) {
    const venue_crowd_options options = {
        .seed = seed, .accounts = 8, .tag = tag, .instruments = listed, .instrument_count = 3};
    venue_crowd *crowd;
    tw_error error = {0};
    EXPECT_MSG(venue_crowd_alloc(&crowd, &options, &error) == TW_OK, "%s", error.text);
    return crowd;
}

TEST(venue_crowd, the_same_seed_sends_the_same_commands_and_another_one_others) {
    venue_crowd *one = make(7, "a"), *same = make(7, "a"), *other = make(8, "a");
    unsigned different = 0;
    for (unsigned i = 0; i < 2000; i++) {
        wire_order_command a, b, c;
        uint8_t first[2048], second[2048];
        wire_parts parts;
        venue_crowd_next(one, &a);
        venue_crowd_next(same, &b);
        venue_crowd_next(other, &c);
        wire_parts_start(&parts, first, sizeof first);
        EXPECT(wire_order_command_add(&parts, &a));
        size_t length = parts.used - WIRE_PARTS_HEADER_ROOM;
        wire_parts_start(&parts, second, sizeof second);
        EXPECT(wire_order_command_add(&parts, &b));
        EXPECT_U64(parts.used - WIRE_PARTS_HEADER_ROOM, length);
        EXPECT_BYTES(first + WIRE_PARTS_HEADER_ROOM, second + WIRE_PARTS_HEADER_ROOM, length);
        different += a.price != c.price || strcmp(a.symbol, c.symbol) != 0;
    }
    EXPECT(different > 1000);
    venue_crowd_free(one);
    venue_crowd_free(same);
    venue_crowd_free(other);
}

static void control(mx_engine *engine, uint64_t seq, const char *text, mx_sink *sink) {
    venue_file file;
    tw_error error = {0};
    char copy[4096];
    static uint8_t buffer[65536];
    wire_parts parts;
    size_t length;
    tw_text_copy(copy, sizeof copy, text);
    EXPECT_MSG(venue_file_parse(&file, copy, "TWEX", (tw_date){2026, 11, 21}, &error) == TW_OK, "%s", error.text);
    wire_parts_start(&parts, buffer, sizeof buffer);
    for (size_t i = 0; i < file.count; i++)
        EXPECT(wire_control_command_add(&parts, &file.orders[i].command));
    const uint8_t *bytes = wire_controls_finish(&parts, &(wire_batch_header){.sender = "test"}, &length);
    mw_apply(engine, &(mw_message){"control.TWEX.1", seq, (int64_t)seq, bytes, length}, NULL, sink);
    for (uint32_t i = 0; i < sink->count; i++)
        EXPECT_MSG(sink->reports[i].kind == MX_DONE || sink->reports[i].kind == MX_STATE_CHANGED, "command %u: %s",
                   i, mx_reason_name(sink->reports[i].reason));
    sink->count = 0;
    venue_file_fini(&file);
}

static void open_venue(mx_engine *engine, mx_sink *sink) {
    char text[4096] = "day 2026-11-21 end=24:00\nfees 0 taker=30ppm\n"
                      "instrument AAPL tick=0.01 collar=10% reference=187.2\n"
                      "instrument BRK.B tick=0.05 lot=10 collar=10% reference=400\n"
                      "instrument F tick=0.01 collar=10% reference=12.1\nopen all\n";
    for (uint32_t i = 0; i < 8; i++) {
        char name[WIRE_ACCOUNT_BYTES];
        size_t used = strlen(text);
        venue_crowd_account_name(name, i);
        tw_text_format(text + used, sizeof text - used,
                       "account %s\nlimits %s funds=unlimited exposure=unlimited order-quantity=1M "
                       "order-notional=unlimited position=unlimited open-orders=1000 concentration=unlimited\n",
                       name, name);
    }
    control(engine, 1, text, sink);
}

static void full(mx_sink *sink, void *context) {
    (void)context;
    sink->count = 0;
    EXPECT(false); /* an input of one command says less than that */
}

TEST(venue_crowd, it_makes_a_market_that_trades_and_little_of_it_is_refused) {
    static mx_report reports[4096];
    uint64_t kinds[MX_REPORT_KINDS] = {0}, unreadable = 0, quoted = 0;
    mx_sink sink = {.reports = reports, .capacity = 4096, .full = full};
    const mx_bounds bounds = {.shard = 1,
                              .max_instruments = 8,
                              .max_accounts = 16,
                              .max_positions = 128,
                              .max_orders = 4096,
                              .max_pages = 4096,
                              .max_client_ids = 65536,
                              .max_sessions = 4,
                              .max_reports = 1u << 20};
    mx_engine *engine;
    tw_error error = {0};
    EXPECT_MSG(mx_engine_alloc(&engine, &bounds, &error) == TW_OK, "%s", error.text);
    open_venue(engine, &sink);
    venue_crowd *crowd = make(1, "t");
    for (uint64_t i = 0; i < COMMANDS; i++) {
        uint8_t buffer[4096];
        char subject[SUBJECT_BYTES];
        wire_order_command c;
        wire_parts parts;
        size_t length;
        uint32_t number = venue_crowd_next(crowd, &c);
        EXPECT_STR(c.symbol, listed[number].symbol);
        EXPECT(subject_orders(subject, sizeof subject, "TWEX", 1, c.account, c.symbol));
        wire_parts_start(&parts, buffer, sizeof buffer);
        EXPECT(wire_order_command_add(&parts, &c));
        const uint8_t *bytes = wire_orders_finish(&parts, &(wire_batch_header){.sender = "test"}, &length);
        mw_apply(engine, &(mw_message){subject, i + 2, (int64_t)i + 2, bytes, length}, NULL, &sink);
        for (uint32_t j = 0; j < sink.count; j++) {
            kinds[reports[j].kind]++;
            uint16_t reason = reports[j].reason;
            bool refused = reports[j].kind == MX_REJECTED;
            unreadable += refused && reason != MXR_POST_ONLY && reason != MXR_NO_LIQUIDITY;
        }
        sink.count = 0;
        tw_level level;
        if (i > 2000)
            quoted +=
                mx_book_top(engine, 0, TW_BID, &level, 1) == 1 && mx_book_top(engine, 0, TW_ASK, &level, 1) == 1;
    }
    EXPECT_MSG(mx_engine_check(engine, &error), "%s", error.text);
    EXPECT_U64(unreadable, 0);
    EXPECT(kinds[MX_FILL] > COMMANDS / 10);
    EXPECT(kinds[MX_REPLACED] > COMMANDS / 20);
    EXPECT(kinds[MX_TRIGGERED] > 0);
    EXPECT(kinds[MX_RESTATED] > 0);
    EXPECT_MSG(kinds[MX_REJECTED] * 5 < kinds[MX_ACCEPTED], "%" PRIu64 " of %" PRIu64, kinds[MX_REJECTED],
               kinds[MX_ACCEPTED]);
    EXPECT_MSG(quoted > (COMMANDS - 2001) * 95 / 100, "both sides quoted only %" PRIu64 " times", quoted);
    venue_crowd_free(crowd);
    mx_engine_free(engine);
}
