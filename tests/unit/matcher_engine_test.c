/* The engine's contract where no trader's table shows it: bounds, definitions, ids, time, the sink. */
#include "matcher/core/engine.h"

#include "base/random.h"
#include "matcher/core/snapshot.h"
#include "tests/unit.h"

enum { REPORTS = 64 };

typedef struct desk {
    mx_engine *engine;
    uint64_t seq;
    mx_report reports[REPORTS];
    mx_sink sink;
    unsigned emptied;
} desk;

static void empty(mx_sink *sink, void *context) {
    ((desk *)context)->emptied++;
    sink->count = 0;
}

static const mx_report *apply(desk *d, mx_command command) {
    mx_input input = {.seq = ++d->seq, .stream_ns = 1000};
    d->sink.count = 0;
    mx_apply(d->engine, &input, &command, &d->sink);
    return &d->reports[0];
}

static void expect(desk *d, mx_command command, mx_report_kind kind, mx_reason reason) {
    const mx_report *report = apply(d, command);
    EXPECT_STR(mx_report_kind_name((mx_report_kind)report->kind), mx_report_kind_name(kind));
    EXPECT_STR(mx_reason_name((mx_reason)report->reason), mx_reason_name(reason));
}

static const mx_bounds small = {.shard = 3,
                                .max_instruments = 2,
                                .max_accounts = 2,
                                .max_positions = 2,
                                .max_orders = 3,
                                .max_pages = 2,
                                .max_client_ids = 3,
                                .max_sessions = 1,
                                .max_reports = 1u << 20};

static mx_command instrument(uint32_t number, const char *symbol) {
    mx_command c = {.kind = MX_DEFINE_INSTRUMENT,
                    .define_instrument = {.instrument = number,
                                          .tick_bands = 1,
                                          .ticks = {{0, 1}},
                                          .lot = 1,
                                          .protection_ppm = 100000,
                                          .reference_price = TW_PRICE_ABSENT}};
    snprintf(c.define_instrument.symbol, sizeof c.define_instrument.symbol, "%s", symbol);
    return c;
}

static mx_command account(uint32_t number, const char *name) {
    mx_command c = {.kind = MX_DEFINE_ACCOUNT, .define_account = {.account = number}};
    snprintf(c.define_account.name, sizeof c.define_account.name, "%s", name);
    return c;
}

static mx_command limits(uint32_t number) {
    return (mx_command){.kind = MX_SET_LIMITS,
                        .limits = {.account = number,
                                   .order_quantity = MX_UNLIMITED,
                                   .order_notional = MX_MONEY_MAX,
                                   .funds = MX_MONEY_MAX,
                                   .exposure = MX_MONEY_MAX,
                                   .position = MX_UNLIMITED,
                                   .concentration_ppm = MX_PPM + 1,
                                   .open_orders = UINT32_MAX}};
}

static mx_command order(const desk *d, uint32_t number, tw_side side, uint64_t quantity, int64_t price) {
    return (mx_command){.kind = MX_NEW_ORDER,
                        .order = {.order_id = MX_ORDER_ID(d->seq + 1, 0),
                                  .account = number,
                                  .side = (uint8_t)side,
                                  .price = price,
                                  .stop_price = TW_PRICE_ABSENT,
                                  .quantity = quantity}};
}

static desk *open_desk(const mx_bounds *bounds) {
    desk *d = calloc(1, sizeof *d);
    tw_error error = {0};
    EXPECT(d != NULL);
    EXPECT_MSG(mx_engine_alloc(&d->engine, bounds, &error) == TW_OK, "%s", error.text);
    d->sink = (mx_sink){.reports = d->reports, .capacity = REPORTS, .full = empty, .context = d};
    expect(d, (mx_command){.kind = MX_SET_BOUNDS, .bounds = *bounds}, MX_DONE, MXR_OK);
    for (uint32_t i = 0; i < 2; i++) {
        expect(d, instrument(i, i == 0 ? "AAPL" : "MSFT"), MX_DONE, MXR_OK);
        expect(d, account(i, i == 0 ? "ann" : "bob"), MX_DONE, MXR_OK);
        expect(d, limits(i), MX_DONE, MXR_OK);
    }
    expect(d, (mx_command){.kind = MX_BEGIN_DAY, .begin_day = {20260102, INT64_C(1) << 40}}, MX_DONE, MXR_OK);
    expect(d, (mx_command){.kind = MX_SET_STATE, .set_state = {MX_EVERY, MX_CONTINUOUS}}, MX_DONE, MXR_OK);
    return d;
}

static void close_desk(desk *d) {
    tw_error error = {0};
    EXPECT_MSG(mx_engine_check(d->engine, &error), "%s", error.text);
    mx_engine_free(d->engine);
    free(d);
}

TEST(matcher_engine, bounds_out_of_range_are_refused) {
    mx_engine *engine = NULL;
    tw_error error = {0};
    mx_bounds bounds = small;
    bounds.max_orders = 0;
    EXPECT(mx_engine_alloc(&engine, &bounds, &error) == TW_INVALID && engine == NULL);
    bounds.max_orders = (1u << 24) + 1;
    EXPECT(mx_engine_alloc(&engine, &bounds, &error) == TW_INVALID && engine == NULL);
    mx_engine_free(NULL);
}

TEST(matcher_engine, a_full_table_refuses_and_changes_nothing) {
    desk *d = open_desk(&small);
    expect(d, order(d, 0, TW_BID, 10, 100), MX_ACCEPTED, MXR_OK);
    expect(d, order(d, 0, TW_BID, 10, 101), MX_ACCEPTED, MXR_OK);
    expect(d, order(d, 0, TW_ASK, 10, 1000), MX_ACCEPTED, MXR_OK);
    expect(d, order(d, 0, TW_BID, 10, 102), MX_REJECTED, MXR_ORDERS_FULL);
    mx_command gone = {.kind = MX_CANCEL, .cancel.target = {.order_id = MX_ORDER_ID(d->seq - 1, 0)}};
    expect(d, gone, MX_CANCELLED, MXR_REQUESTED);
    expect(d, order(d, 0, TW_BID, 10, 102), MX_ACCEPTED, MXR_OK);
    close_desk(d);
}

TEST(matcher_engine, without_room_for_a_price_an_order_is_refused_and_a_replace_leaves_the_order_as_it_was) {
    desk *d = open_desk(&small);
    expect(d, order(d, 0, TW_BID, 10, 100), MX_ACCEPTED, MXR_OK);
    expect(d, order(d, 0, TW_ASK, 10, 1000), MX_ACCEPTED, MXR_OK);
    uint64_t id = MX_ORDER_ID(d->seq, 0);
    expect(d, order(d, 0, TW_BID, 10, 500), MX_REJECTED, MXR_LEVELS_FULL);
    mx_command away = {.kind = MX_REPLACE,
                       .replace = {.target.order_id = id,
                                   .quantity = MX_SAME,
                                   .price = 2000,
                                   .stop_price = TW_PRICE_ABSENT,
                                   .display = MX_SAME}};
    expect(d, away, MX_REPLACE_REJECTED, MXR_LEVELS_FULL);
    mx_order_view view;
    EXPECT(mx_order_find(d->engine, id, &view));
    EXPECT_I64(view.price, 1000);
    mx_command ioc = order(d, 1, TW_BID, 4, 1000); /* needs no room */
    ioc.order.tif = MX_IOC;
    expect(d, ioc, MX_ACCEPTED, MXR_OK);
    EXPECT_U64(d->sink.count, 3);
    close_desk(d);
}

TEST(matcher_engine, positions_client_ids_and_sessions_have_bounds_too) {
    mx_bounds bounds = small;
    bounds.max_positions = 1;
    bounds.max_orders = 100;
    bounds.max_pages = 100;
    desk *d = open_desk(&bounds);
    for (unsigned i = 0; i < 4; i++) {
        mx_command c = order(d, 0, TW_BID, 1, 100);
        char name[8];
        snprintf(name, sizeof name, "n%u", i);
        c.order.client_id = mx_client_id_of(name);
        expect(d, c, i < 3 ? MX_ACCEPTED : MX_REJECTED, i < 3 ? MXR_OK : MXR_CLIENT_IDS_FULL);
    }
    expect(d, order(d, 0, TW_BID, 1, 100), MX_ACCEPTED, MXR_OK); /* without a name there is nothing to remember */
    expect(d, order(d, 1, TW_BID, 1, 100), MX_REJECTED, MXR_POSITIONS_FULL);
    expect(d, (mx_command){.kind = MX_SET_BLOCK, .block = {1, 1, true}}, MX_REFUSED, MXR_POSITIONS_FULL);
    expect(d, (mx_command){.kind = MX_SESSION_OPEN, .session = {1, 5}}, MX_DONE, MXR_OK);
    expect(d, (mx_command){.kind = MX_SESSION_OPEN, .session = {2, 5}}, MX_REFUSED, MXR_SESSIONS_FULL);
    close_desk(d);
}

/* The table of names grows many times on the way. */
TEST(matcher_engine, a_days_client_ids_are_found_however_many_come_and_only_by_whose_they_are) {
    enum { NAMES = 6000 };
    mx_bounds bounds = small;
    bounds.max_client_ids = NAMES;
    desk *d = open_desk(&bounds);
    uint64_t ids[NAMES], found;
    for (unsigned i = 0; i < NAMES; i++) {
        mx_command c = order(d, 0, TW_BID, 1, 100);
        char name[24];
        snprintf(name, sizeof name, "name-%u", i);
        c.order.tif = MX_IOC;
        c.order.client_id = mx_client_id_of(name);
        ids[i] = c.order.order_id;
        mx_foresee(d->engine, &c);
        expect(d, c, MX_ACCEPTED, MXR_OK);
        if (i % 7 == 0) expect(d, c, MX_ACCEPTED, MXR_DUPLICATE_CLIENT_ID); /* no second order */
        if (i % 7 == 0) EXPECT(d->sink.reports[0].duplicate);
    }
    for (unsigned i = 0; i < NAMES; i++) {
        char name[24];
        snprintf(name, sizeof name, "name-%u", i);
        mx_client_id id = mx_client_id_of(name);
        EXPECT_MSG(mx_client_find(d->engine, 0, 0, &id, &found) && found == ids[i], "%s", name);
        EXPECT(!mx_client_find(d->engine, 1, 0, &id, &found) && !mx_client_find(d->engine, 0, 1, &id, &found));
    }
    mx_command full = order(d, 0, TW_BID, 1, 100);
    full.order.client_id = mx_client_id_of("one more");
    expect(d, full, MX_REJECTED, MXR_CLIENT_IDS_FULL);
    close_desk(d);
}

static const mx_bounds wide = {.shard = 3,
                               .max_instruments = 2,
                               .max_accounts = 2,
                               .max_positions = 4,
                               .max_orders = 4096,
                               .max_pages = 512,
                               .max_client_ids = 3,
                               .max_sessions = 1,
                               .max_reports = 1u << 20};

static uint32_t steps_of(desk *d, mx_command command, mx_reason last) {
    (void)apply(d, command);
    EXPECT_STR(mx_reason_name((mx_reason)d->reports[d->sink.count - 1].reason), mx_reason_name(last));
    return mx_steps(d->engine);
}

TEST(matcher_engine, a_mass_cancel_takes_no_steps_however_many_orders_stand_elsewhere) {
    desk *d = open_desk(&wide);
    for (unsigned i = 0; i < 2000; i++)
        expect(d, order(d, 0, TW_BID, 1, 100), MX_ACCEPTED, MXR_OK);
    const mx_mass_cancel nothing[] = {
        {0, 1, TW_SIDES_BOTH}, {0, 0, TW_SIDES_ASK}, {0, MX_EVERY, TW_SIDES_ASK}, {1, MX_EVERY, TW_SIDES_BOTH}};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        mx_command c = {.kind = MX_MASS_CANCEL, .mass_cancel = nothing[i]};
        EXPECT_U64(steps_of(d, c, MXR_OK), 0);
        EXPECT_U64(d->reports[0].quantity, 0);
    }
    mx_command every = {.kind = MX_MASS_CANCEL, .mass_cancel = {MX_EVERY, 1, TW_SIDES_BOTH}};
    EXPECT_U64(steps_of(d, every, MXR_OK), 2); /* the accounts */
    EXPECT_U64(mx_open_orders(d->engine), 2000);
    close_desk(d);
}

/* What an all-or-nothing order looks at while so many others' orders stand at one price, with an own one far away, or behind them. */
TEST(matcher_engine, all_or_nothing_takes_a_step_for_a_price_not_for_each_of_its_orders) {
    static const struct {
        unsigned others;
        int64_t own; /* where an own order stands; 0: nowhere */
        uint8_t stp;
        uint64_t wanted;
        uint32_t steps;
        mx_reason last;
    } table[] = {
        {10, 0, MX_STP_NEWEST, 11, 1, MXR_FOK_KILLED},
        {2000, 0, MX_STP_NEWEST, 2001, 1, MXR_FOK_KILLED},
        {2000, 200, MX_STP_NEWEST, 2001, 1, MXR_FOK_KILLED},
        {2000, 200, MX_STP_NEWEST, 1, 2, MXR_OK},
        {2000, 100, MX_STP_NONE, 2002, 1, MXR_FOK_KILLED},
        {2000, 100, MX_STP_OLDEST, 2001, 2, MXR_FOK_KILLED},
        {2000, 100, MX_STP_OLDEST, 1, 1, MXR_OK},
        {2000, 100, MX_STP_NEWEST, 2002, 1, MXR_FOK_KILLED},
        {2000, 100, MX_STP_BOTH, 2001, 1 + 1 + 2001, MXR_FOK_KILLED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        desk *d = open_desk(&wide);
        for (unsigned k = 0; k < table[i].others; k++)
            expect(d, order(d, 0, TW_ASK, 1, 100), MX_ACCEPTED, MXR_OK);
        if (table[i].own != 0) expect(d, order(d, 1, TW_ASK, 1, table[i].own), MX_ACCEPTED, MXR_OK);
        mx_command c = order(d, 1, TW_BID, table[i].wanted, 100);
        c.order.tif = MX_FOK;
        c.order.stp = table[i].stp;
        uint32_t steps = steps_of(d, c, table[i].last);
        EXPECT_MSG(steps == table[i].steps, "row %zu: %u steps", i, steps);
        close_desk(d);
    }
}

/* Two engines that look for names at different places say the same. */
TEST(matcher_engine, a_salt_changes_nothing_that_is_said) {
    mx_bounds bounds = small;
    bounds.max_client_ids = 2000;
    desk *plain = open_desk(&bounds), *salted = open_desk(&bounds);
    mx_engine_salt(salted->engine, UINT64_C(0x1234567890ABCDEF));
    for (unsigned i = 0; i < 3000; i++) {
        mx_command c = order(plain, 0, TW_BID, 1, 100);
        c.order.tif = MX_IOC;
        c.order.client_id = (mx_client_id){{1 + i % 1700, i % 3}};
        (void)apply(plain, c);
        (void)apply(salted, c);
        EXPECT(plain->sink.count == salted->sink.count &&
               memcmp(plain->reports, salted->reports, plain->sink.count * sizeof(mx_report)) == 0);
    }
    EXPECT_U64(mx_state_hash(plain->engine), mx_state_hash(salted->engine));
    close_desk(plain);
    close_desk(salted);
}

TEST(matcher_engine, an_order_id_is_0_or_live_only_once) {
    desk *d = open_desk(&small);
    mx_command c = order(d, 0, TW_BID, 10, 100);
    c.order.order_id = 0;
    expect(d, c, MX_REJECTED, MXR_BAD_ORDER_ID);
    c.order.order_id = 77;
    expect(d, c, MX_ACCEPTED, MXR_OK);
    expect(d, c, MX_REJECTED, MXR_BAD_ORDER_ID);
    expect(d, (mx_command){.kind = MX_CANCEL, .cancel.target.order_id = 77}, MX_CANCELLED, MXR_REQUESTED);
    expect(d, c, MX_ACCEPTED, MXR_OK);
    close_desk(d);
}

TEST(matcher_engine, definitions_that_contradict_themselves_or_others_are_refused) {
    desk *d = open_desk(&small);
    mx_command c = instrument(5, "X");
    expect(d, c, MX_REFUSED, MXR_UNKNOWN_INSTRUMENT); /* not the next number */
    c = instrument(0, "TSLA");
    expect(d, c, MX_REFUSED, MXR_ALREADY_DEFINED); /* another name */
    c = instrument(0, "AAPL");
    c.define_instrument.tick_bands = 0;
    expect(d, c, MX_REFUSED, MXR_BAD_DEFINITION);
    c.define_instrument.tick_bands = 2;
    c.define_instrument.ticks[0] = (mx_tick_band){0, 2};
    c.define_instrument.ticks[1] = (mx_tick_band){100, 5}; /* no multiple of 2 */
    expect(d, c, MX_REFUSED, MXR_BAD_DEFINITION);
    c.define_instrument.ticks[1] = (mx_tick_band){102, 4}; /* begins off its own tick */
    expect(d, c, MX_REFUSED, MXR_BAD_DEFINITION);
    c.define_instrument.ticks[1] = (mx_tick_band){104, 4};
    expect(d, c, MX_DONE, MXR_OK);
    expect(d, order(d, 0, TW_BID, 10, 102), MX_ACCEPTED, MXR_OK);
    expect(d, instrument(0, "AAPL"), MX_REFUSED, MXR_ALREADY_DEFINED); /* an order stands on the tick of 2 */
    c.define_instrument.collar_ppm = 1000;                             /* that may change */
    expect(d, c, MX_DONE, MXR_OK);
    memset(c.define_instrument.symbol, 'A', sizeof c.define_instrument.symbol); /* has no end */
    expect(d, c, MX_REFUSED, MXR_BAD_DEFINITION);
    expect(d, account(0, "eve"), MX_REFUSED, MXR_ALREADY_DEFINED);
    expect(d, account(0, ""), MX_REFUSED, MXR_BAD_DEFINITION);
    expect(d, account(2, "eve"), MX_REFUSED, MXR_UNKNOWN_ACCOUNT); /* beyond the bound */
    mx_command l = limits(0);
    l.limits.funds = -1;
    expect(d, l, MX_REFUSED, MXR_BAD_DEFINITION);
    expect(d, limits(9), MX_REFUSED, MXR_UNKNOWN_ACCOUNT);
    expect(d, (mx_command){.kind = MX_SET_FEES, .fees = {.fee_class = MX_FEE_CLASSES}}, MX_REFUSED,
           MXR_BAD_DEFINITION);
    expect(d, (mx_command){.kind = MX_SET_FEES, .fees = {.maker_ppm = MX_PPM + 1}}, MX_REFUSED, MXR_BAD_DEFINITION);
    expect(d, (mx_command){.kind = MX_SET_REFERENCE, .set_reference = {0, 0}}, MX_REFUSED, MXR_BAD_PRICE);
    expect(d, (mx_command){.kind = MX_COMMANDS}, MX_REFUSED, MXR_BAD_FIELD);
    close_desk(d);
}

TEST(matcher_engine, a_refused_definition_names_no_number_that_is_not_defined) {
    mx_bounds bounds = small;
    bounds.max_instruments = 8;
    desk *d = open_desk(&bounds);
    mx_command c = instrument(mx_instruments(d->engine), "MSFT");
    c.define_instrument.lot = 0;
    expect(d, c, MX_REFUSED, MXR_BAD_DEFINITION);
    EXPECT_U64(d->reports[0].instrument, MX_UNKNOWN);
    c = instrument(0, "AAPL");
    c.define_instrument.lot = 0;
    expect(d, c, MX_REFUSED, MXR_BAD_DEFINITION);
    EXPECT_U64(d->reports[0].instrument, 0);
    close_desk(d);
}

TEST(matcher_engine, names_are_found_and_unknown_ones_are_not) {
    desk *d = open_desk(&small);
    EXPECT_U64(mx_account_find(d->engine, "bob"), 1);
    EXPECT_U64(mx_account_find(d->engine, "zoe"), MX_UNKNOWN);
    EXPECT_U64(mx_instrument_find(d->engine, "MSFT"), 1);
    EXPECT_U64(mx_instrument_find(d->engine, "msft"), MX_UNKNOWN);
    close_desk(d);
}

TEST(matcher_engine, reports_of_one_input_are_numbered_through_its_batch) {
    desk *d = open_desk(&small);
    mx_input input = {.seq = 100, .index = 0, .stream_ns = 5000};
    mx_command sell = order(d, 0, TW_ASK, 10, 100), buy = order(d, 1, TW_BID, 10, 100);
    buy.order.order_id++;
    d->sink.count = 0;
    mx_apply(d->engine, &input, &sell, &d->sink);
    input.index = 1;
    mx_apply(d->engine, &input, &buy, &d->sink);
    EXPECT_U64(d->sink.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_U64(d->reports[i].n, i);
        EXPECT_U64(d->reports[i].index, i == 0 ? 0 : 1);
        EXPECT_I64(d->reports[i].event_ns, 5000);
    }
    char text[MX_EXECUTION_ID_BYTES];
    mx_execution_id(text, sizeof text, 3, &d->reports[3]);
    EXPECT_STR(text, "3-100-3");
    input = (mx_input){.seq = 101, .stream_ns = 4000}; /* a timestamp that goes back: the engine's time does not */
    mx_apply(d->engine, &input, &(mx_command){.kind = MX_CLOCK}, &d->sink);
    EXPECT_U64(d->reports[4].n, 0);
    EXPECT_I64(d->reports[4].event_ns, 5000);
    EXPECT_I64(d->reports[4].stream_ns, 4000);
    close_desk(d);
}

TEST(matcher_engine, a_sink_of_one_report_is_emptied_as_often_as_it_takes) {
    mx_bounds bounds = small;
    bounds.max_orders = 50;
    desk *d = open_desk(&bounds);
    for (unsigned i = 0; i < 20; i++)
        expect(d, order(d, 0, TW_ASK, 1, 100 + i), MX_ACCEPTED, MXR_OK);
    d->sink.capacity = 1;
    d->sink.count = d->emptied = 0;
    mx_command buy = order(d, 1, TW_BID, 20, 200);
    mx_input input = {.seq = ++d->seq, .stream_ns = 1000};
    mx_apply(d->engine, &input, &buy, &d->sink);
    EXPECT_U64(d->emptied, 40); /* the acceptance and 20 trades of two reports, the last one still there */
    EXPECT_U64(d->sink.count, 1);
    close_desk(d);
}

TEST(matcher_engine, views_tell_what_is_there) {
    mx_bounds bounds = small;
    bounds.max_orders = bounds.max_pages = 50;
    desk *d = open_desk(&bounds);
    for (unsigned i = 0; i < 3; i++)
        expect(d, order(d, 0, TW_BID, 10 + i, 100), MX_ACCEPTED, MXR_OK);
    mx_order_view views[8];
    EXPECT_U64(mx_level_orders(d->engine, 0, TW_BID, 100, views, 8), 3);
    EXPECT_U64(views[1].quantity, 11);
    EXPECT_U64(mx_account_orders(d->engine, 0, 0, views, 2), 2);
    EXPECT_U64(mx_account_orders(d->engine, 0, views[1].order_id, views, 8), 1);
    EXPECT_U64(views[0].quantity, 12);
    uint64_t second = views[0].order_id;
    expect(d, order(d, 0, TW_ASK, 20, 300), MX_ACCEPTED, MXR_OK); /* both sides and all instruments by age */
    mx_command other = order(d, 0, TW_BID, 21, 100);
    other.order.instrument = 1;
    expect(d, other, MX_ACCEPTED, MXR_OK);
    EXPECT_U64(mx_account_orders(d->engine, 0, 0, views, 8), 5);
    EXPECT(views[2].quantity == 12 && views[3].quantity == 20 && views[4].quantity == 21);
    mx_order_walk walk;
    mx_orders_walk(d->engine, 0, 0, second, &walk);
    EXPECT_U64(mx_orders_next(d->engine, &walk, views, 8), 1);
    EXPECT_U64(views[0].quantity, 20);
    mx_orders_walk(d->engine, 1, 1, 0, &walk);
    EXPECT_U64(mx_orders_next(d->engine, &walk, views, 8), 0);
    EXPECT_U64(mx_account_position(d->engine, 0, 0), 0);
    EXPECT_U64(mx_account_position(d->engine, 0, 1), 1);
    EXPECT_U64(mx_account_position(d->engine, 1, 0), mx_positions(d->engine));
    uint64_t shown, total;
    EXPECT(mx_book_level(d->engine, 0, TW_BID, 100, &shown, &total));
    EXPECT_U64(total, 33);
    EXPECT(!mx_book_level(d->engine, 0, TW_BID, 101, &shown, &total));
    EXPECT(!mx_book_level(d->engine, 7, TW_BID, 100, &shown, &total));
    mx_account_view owner;
    EXPECT(mx_account_get(d->engine, 0, &owner) && !mx_account_get(d->engine, 2, &owner));
    EXPECT_U64((uint64_t)owner.reserved, 3300 + 21 * 100);
    EXPECT_U64(owner.open_orders, 5);
    mx_instrument_view where;
    EXPECT(mx_instrument_get(d->engine, 0, &where) && !mx_instrument_get(d->engine, 2, &where));
    EXPECT_U64(where.state, MX_CONTINUOUS);
    close_desk(d);
}

TEST(matcher_engine, every_reason_has_a_name_and_a_sentence) {
    static const mx_reason all[] = {
#define X(code, name, text) MXR_##name,
        MX_REASONS(X)
#undef X
    };
    for (size_t i = 1; i < sizeof all / sizeof *all; i++) {
        EXPECT(all[i] > all[i - 1]);
        EXPECT(strlen(mx_reason_text(all[i])) > 10 && strlen(mx_reason_name(all[i])) > 1);
    }
    EXPECT_STR(mx_reason_name((mx_reason)9999), "?");
}

/* ---- sessions that fall silent ---- */

enum { CROWD = 1 << 17 };

typedef struct silent {
    int64_t due_ns; /* INT64_MAX: closed */
    int64_t timeout_ns;
    uint64_t id;
} silent;

typedef struct ended {
    uint64_t *ids;
    uint32_t count;
} ended;

static void note_ended(mx_sink *sink, void *context) {
    ended *all = context;
    for (uint32_t i = 0; i < sink->count; i++)
        if (sink->reports[i].kind == MX_SESSION_ENDED) all->ids[all->count++] = sink->reports[i].session;
    sink->count = 0;
}

static int sooner_first(const void *a, const void *b) {
    const silent *x = a, *y = b;
    if (x->due_ns != y->due_ns) return x->due_ns < y->due_ns ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void session_at(desk *d, mx_command_kind kind, const silent *one, int64_t now_ns) {
    const mx_command command = {.kind = kind, .session = {one->id, one->timeout_ns}};
    const mx_input input = {.seq = ++d->seq, .stream_ns = now_ns};
    d->sink.count = 0;
    mx_apply(d->engine, &input, &command, &d->sink);
}

/* Opens them one after the other; meanwhile some beat and some are closed. How many are open then. */
static uint32_t open_crowd(desk *d, silent *all, int64_t *now_ns) {
    static const int64_t timeouts_ns[] = {1000000, 1000001, 2000000};
    uint32_t open = CROWD;
    tw_random random;
    tw_random_seed(&random, 7);
    for (uint32_t i = 0; i < CROWD; i++) {
        int64_t timeout_ns = timeouts_ns[tw_random_below(&random, 3)];
        silent *other = &all[tw_random_below(&random, i + 1)];
        *now_ns += tw_random_below(&random, 8) == 0;
        all[i] = (silent){*now_ns + timeout_ns, timeout_ns, i + 1};
        session_at(d, MX_SESSION_OPEN, &all[i], *now_ns);
        if (other->due_ns == INT64_MAX) continue;
        bool close = tw_random_below(&random, 16) == 0;
        session_at(d, close ? MX_SESSION_CLOSE : MX_SESSION_BEAT, other, *now_ns);
        other->due_ns = close ? INT64_MAX : *now_ns + other->timeout_ns;
        open -= close;
    }
    return open;
}

/* Looking at all of them for each would take half a minute. */
TEST(matcher_engine, a_hundred_thousand_sessions_lost_at_once_end_by_deadline_and_of_two_the_older_first) {
    mx_bounds bounds = small;
    bounds.max_sessions = CROWD;
    desk *d = open_desk(&bounds);
    tw_error error = {0};
    silent *expected = calloc(CROWD, sizeof *expected);
    ended all = {.ids = calloc(CROWD, sizeof *all.ids)};
    int64_t now_ns = 2000;
    EXPECT(expected != NULL && all.ids != NULL);
    uint32_t open = open_crowd(d, expected, &now_ns);
    EXPECT_MSG(mx_engine_check(d->engine, &error), "%s", error.text);
    EXPECT(open < CROWD && open > CROWD / 2);
    qsort(expected, CROWD, sizeof *expected, sooner_first);
    d->sink.full = note_ended;
    d->sink.context = &all;
    session_at(d, MX_SESSION_BEAT, &(silent){.id = CROWD + 1}, INT64_C(1) << 30);
    note_ended(&d->sink, &all);
    EXPECT_U64(all.count, open);
    for (uint32_t i = 0; i < open; i++)
        EXPECT_U64(all.ids[i], expected[i].id);
    free(expected);
    free(all.ids);
    close_desk(d);
}
