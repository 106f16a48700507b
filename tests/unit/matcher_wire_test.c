/* Messages of the order stream into the engine: what is in them happens, what can't be read is refused by itself. */
#include "base/random.h"
#include "base/text.h"
#include "matcher/wire/input.h"
#include "matcher/wire/translate.h"
#include "tests/support/random_venue.h"
#include "tests/unit.h"

#define MOST_REPORTS 4096
#define SECOND       INT64_C(1000000000)
#define OPENING      (INT64_C(1700000000) * SECOND)

static const mx_bounds bounds = {.shard = 1,
                                 .max_instruments = 16,
                                 .max_accounts = 16,
                                 .max_positions = 256,
                                 .max_orders = 1024,
                                 .max_pages = 256,
                                 .max_client_ids = 4096,
                                 .max_sessions = 16,
                                 .max_reports = 1u << 20};

typedef struct desk {
    mx_engine *engine;
    mx_report room[2]; /* small, so that it is emptied often */
    mx_sink sink;
    mx_report reports[MOST_REPORTS]; /* of the last message */
    uint32_t count;
    uint64_t seq;
    int64_t now_ns;
    uint8_t buffer[64 * 1024];
    wire_parts parts;
    mw_applied applied;
} desk;

static void take_reports(mx_sink *sink, void *context) {
    desk *d = context;
    for (uint32_t i = 0; i < sink->count && d->count < MOST_REPORTS; i++)
        d->reports[d->count++] = sink->reports[i];
    sink->count = 0;
}

static void send(desk *d, const char *subject, const uint8_t *bytes, size_t length) {
    const mw_message message = {subject, ++d->seq, d->now_ns, bytes, length};
    d->count = 0;
    d->applied = mw_apply(d->engine, &message, NULL, &d->sink);
    take_reports(&d->sink, d);
    for (uint32_t i = 0; i < d->count; i++) { /* ids without a hole, whatever was refused */
        EXPECT_U64(d->reports[i].seq, d->seq);
        EXPECT_U64(d->reports[i].n, i);
    }
    EXPECT(d->count > 0);
}

static void start(desk *d) {
    wire_parts_start(&d->parts, d->buffer, sizeof d->buffer);
}

static void send_orders(desk *d, const char *subject) {
    size_t length;
    const uint8_t *bytes = wire_orders_finish(&d->parts, &(wire_batch_header){.sender = "test"}, &length);
    send(d, subject, bytes, length);
}

static wire_control_command *control(desk *d, wire_control_command *c, uint8_t kind, const char *account,
                                     const char *symbol) {
    (void)d;
    *c = wire_control_command_empty;
    c->kind = kind;
    tw_text_copy(c->account, sizeof c->account, account);
    tw_text_copy(c->symbol, sizeof c->symbol, symbol);
    return c;
}

static void add_control(desk *d, const wire_control_command *c) {
    EXPECT(wire_control_command_add(&d->parts, c));
}

static void add_account(desk *d, const char *name) {
    wire_control_command c;
    add_control(d, control(d, &c, WIRE_DEFINE_ACCOUNT, name, ""));
    control(d, &c, WIRE_SET_LIMITS, name, "");
    c.order_quantity = c.position = MX_UNLIMITED;
    c.order_notional = c.funds = c.exposure = MX_MONEY_MAX;
    c.concentration_ppm = MX_PPM + 1;
    c.open_orders = 1000;
    add_control(d, &c);
}

/* AAPL, two accounts, an open day, continuous trading: all by one control message. */
static void open_desk(desk *d) {
    tw_error error = {0};
    wire_control_command c;
    size_t length;
    memset(d, 0, sizeof *d);
    EXPECT_I64(mx_engine_alloc(&d->engine, &bounds, &error), TW_OK);
    d->sink = (mx_sink){.reports = d->room, .capacity = 2, .full = take_reports, .context = d};
    d->now_ns = OPENING;
    start(d);
    control(d, &c, WIRE_DEFINE_INSTRUMENT, "", "AAPL");
    c.price_exponent = -2;
    c.lot = 1;
    c.protection_ppm = 50000;
    c.tick_from = (wire_ticks){1, {0}};
    c.tick = (wire_ticks){1, {1}};
    c.price = 10000;
    add_control(d, &c);
    add_account(d, "alice");
    add_account(d, "bob");
    control(d, &c, WIRE_BEGIN_DAY, "", "");
    c.date = 20231114;
    c.end_ns = OPENING + 8 * 3600 * SECOND;
    add_control(d, &c);
    control(d, &c, WIRE_SET_STATE, "", "");
    c.all_symbols = true;
    c.state = MX_CONTINUOUS;
    add_control(d, &c);
    const uint8_t *bytes = wire_controls_finish(&d->parts, &(wire_batch_header){.sender = "test"}, &length);
    send(d, "control.TWEX.1", bytes, length);
    EXPECT_U64(d->applied.commands, 7);
    for (uint32_t i = 0; i < d->count; i++)
        EXPECT_MSG(d->reports[i].kind == MX_DONE || d->reports[i].kind == MX_STATE_CHANGED, "report %u: %s", i,
                   mx_reason_name((mx_reason)d->reports[i].reason));
}

static void close_desk(desk *d) {
    tw_error error = {0};
    EXPECT_MSG(mx_engine_check(d->engine, &error), "%s", error.text);
    mx_engine_free(d->engine);
}

static wire_order_command limit(const char *account, const char *id, tw_side side, uint64_t quantity,
                                int64_t price) {
    wire_order_command c = wire_order_command_empty;
    tw_text_copy(c.account, sizeof c.account, account);
    tw_text_copy(c.symbol, sizeof c.symbol, "AAPL");
    tw_text_copy(c.client_order_id, sizeof c.client_order_id, id);
    c.side = (uint8_t)side;
    c.quantity = quantity;
    c.price = price;
    return c;
}

static void add_order(desk *d, wire_order_command c) {
    EXPECT(wire_order_command_add(&d->parts, &c));
}

static void expect_report(const desk *d, uint32_t i, uint8_t kind, mx_reason reason, const char *id) {
    char text[WIRE_CLIENT_ID_BYTES];
    EXPECT_MSG(i < d->count, "there are %u reports", d->count);
    const mx_report *r = &d->reports[i];
    mw_client_id_text(&r->client_id, text);
    EXPECT_MSG(r->kind == kind && r->reason == reason && strcmp(text, id) == 0, "report %u: %s %s %s", i,
               mx_report_kind_name(r->kind), mx_reason_name((mx_reason)r->reason), text);
}

static void add_raw(desk *d, const void *bytes, size_t length) {
    uint8_t *at = d->buffer + d->parts.used;
    at[0] = 0x52;
    at[1] = (uint8_t)length;
    memcpy(at + 2, bytes, length);
    d->parts.used += length + 2;
    d->parts.count++;
}

TEST(matcher_wire, a_batch_of_two_orders_that_meet_is_a_trade_with_the_ids_of_their_places) {
    static desk d;
    open_desk(&d);
    start(&d);
    add_order(&d, limit("alice", "a1", TW_ASK, 100, 10010));
    add_order(&d, limit("bob", "b1", TW_BID, 60, 10020));
    send_orders(&d, "orderbatch.TWEX.1");
    EXPECT_U64(d.count, 4);
    expect_report(&d, 0, MX_ACCEPTED, MXR_OK, "a1");
    expect_report(&d, 1, MX_ACCEPTED, MXR_OK, "b1");
    expect_report(&d, 2, MX_FILL, MXR_OK, "b1");
    expect_report(&d, 3, MX_FILL, MXR_OK, "a1");
    EXPECT_U64(d.reports[0].order_id, MX_ORDER_ID(2, 0));
    EXPECT_U64(d.reports[1].order_id, MX_ORDER_ID(2, 1));
    EXPECT_I64(d.reports[2].last_price, 10010);
    EXPECT_U64(d.reports[3].leaves, 40);
    wire_report out;
    mw_report(&d.reports[3], "why", "whose", true, &out);
    EXPECT_STR(out.client_order_id, "a1");
    EXPECT_STR(out.correlation_id, "why");
    EXPECT_STR(out.order_correlation_id, "whose");
    mw_report(&d.reports[3], "why", "why", true, &out);
    EXPECT_STR(out.order_correlation_id, ""); /* said once */
    EXPECT(out.executed_notional == 600600 && out.counter_id == MX_ORDER_ID(2, 1) && out.account == 0);
    mw_report(&d.reports[3], NULL, NULL, false, &out);
    EXPECT_U64(out.counter_id, 0); /* a client is not told who was on the other side */
    close_desk(&d);
}

TEST(matcher_wire, what_is_left_out_of_a_replace_stays_and_a_cancel_finds_its_order_by_its_clients_name) {
    static desk d;
    wire_order_command c = wire_order_command_empty;
    open_desk(&d);
    start(&d);
    add_order(&d, limit("", "a1", TW_ASK, 100, 10010));
    send_orders(&d, "orders.TWEX.1.alice.AAPL");
    expect_report(&d, 0, MX_ACCEPTED, MXR_OK, "a1");
    start(&d);
    c.kind = WIRE_REPLACE;
    c.quantity = 70;
    tw_text_copy(c.client_order_id, sizeof c.client_order_id, "a1");
    add_order(&d, c);
    c.quantity = WIRE_QUANTITY_ABSENT;
    c.price = 10015;
    add_order(&d, c);
    c.kind = WIRE_CANCEL;
    add_order(&d, c);
    send_orders(&d, "orders.TWEX.1.alice.AAPL");
    expect_report(&d, 0, MX_REPLACED, MXR_OK, "a1");
    EXPECT(d.reports[0].quantity == 70 && d.reports[0].price == 10010);
    expect_report(&d, 1, MX_REPLACED, MXR_OK, "a1");
    EXPECT(d.reports[1].quantity == 70 && d.reports[1].price == 10015);
    expect_report(&d, 2, MX_CANCELLED, MXR_REQUESTED, "a1");
    close_desk(&d);
}

TEST(matcher_wire, a_command_that_can_not_be_read_is_refused_by_itself_and_the_others_happen) {
    static desk d;
    static const char bad_price[] = "\x12\x05"
                                    "alice\x1a\x04"
                                    "AAPL\x22\x02"
                                    "a2\x42\x01x";
    static const char bad_cancel[] = "\x08\x01\x12\x05"
                                     "alice\x1a\x04"
                                     "AAPL\x22\x02"
                                     "a1\x42\x01x"; /* it names a live order, which must stay */
    static const char new_kind[] = "\x08\x09\x12\x03"
                                   "bob\x1a\x04"
                                   "AAPL";
    open_desk(&d);
    start(&d);
    add_order(&d, limit("alice", "a1", TW_ASK, 100, 10010));
    add_raw(&d, bad_price, sizeof bad_price - 1);
    add_raw(&d, bad_cancel, sizeof bad_cancel - 1);
    add_raw(&d, new_kind, sizeof new_kind - 1);
    add_order(&d, limit("nobody", "x", TW_BID, 1, 10000));
    add_order(&d, limit("bob", "b1", TW_BID, 60, 10000));
    send_orders(&d, "orderbatch.TWEX.1");
    EXPECT_U64(d.applied.commands, 6);
    EXPECT_U64(d.applied.refused, 3);
    EXPECT_U64(d.count, 6);
    expect_report(&d, 0, MX_ACCEPTED, MXR_OK, "a1");
    expect_report(&d, 1, MX_REJECTED, MXR_UNREADABLE, "a2");
    EXPECT(d.reports[1].account == 0 && d.reports[1].command == MX_NEW_ORDER && d.reports[1].index == 1);
    expect_report(&d, 2, MX_CANCEL_REJECTED, MXR_UNREADABLE, "a1");
    expect_report(&d, 3, MX_REFUSED, MXR_UNREADABLE, "");
    EXPECT_U64(d.reports[3].account, 1);
    expect_report(&d, 4, MX_REJECTED, MXR_UNKNOWN_ACCOUNT, "x");
    expect_report(&d, 5, MX_ACCEPTED, MXR_OK, "b1");
    EXPECT_U64(mx_open_orders(d.engine), 2);
    close_desk(&d);
}

/* Reports are shared, and who insists on UTF-8 must be able to read all of them. */
TEST(matcher_wire, bytes_that_are_no_text_come_into_no_report) {
    static desk d;
    static const struct {
        const char *id;
        mx_report_kind kind;
    } rows[] = {{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\x88", MX_ACCEPTED},
                {"zz\xff\xff", MX_REJECTED},
                {"a-name-of-many-\xed\xa0\x80-bytes", MX_REJECTED},
                {"cut\xc3", MX_REJECTED}};
    open_desk(&d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const wire_order_command c = limit("alice", rows[i].id, TW_BID, 1, 9900);
        bool good = rows[i].kind == MX_ACCEPTED;
        start(&d);
        EXPECT(wire_order_command_add(&d.parts, &c));
        send_orders(&d, "orders.TWEX.1.alice.AAPL");
        EXPECT_U64(d.count, 1);
        EXPECT_I64(d.reports[0].kind, rows[i].kind);
        EXPECT_I64(d.reports[0].reason, good ? MXR_OK : MXR_UNREADABLE);
        EXPECT_I64(mx_client_id_none(&d.reports[0].client_id), !good);
    }
    close_desk(&d);
}

TEST(matcher_wire, nobody_acts_for_another_account_on_his_own_subject) {
    static desk d;
    wire_order_command c = wire_order_command_empty;
    open_desk(&d);
    start(&d);
    add_order(&d, limit("alice", "a1", TW_ASK, 100, 10010));
    send_orders(&d, "orders.TWEX.1.alice.AAPL");
    start(&d);
    c.kind = WIRE_CANCEL;
    c.order_id = d.reports[0].order_id;
    tw_text_copy(c.account, sizeof c.account, "alice");
    add_order(&d, c);
    c.kind = WIRE_SESSION_CLOSE;
    add_order(&d, c);
    send_orders(&d, "orders.TWEX.1.bob.AAPL");
    expect_report(&d, 0, MX_CANCEL_REJECTED, MXR_NOT_ALLOWED_HERE, "");
    EXPECT_U64(d.reports[0].account, 1); /* bob is told, alice is not */
    expect_report(&d, 1, MX_REFUSED, MXR_NOT_ALLOWED_HERE, "");
    EXPECT_U64(mx_open_orders(d.engine), 1);
    start(&d);
    c.kind = WIRE_CANCEL;
    c.account[0] = '\0';
    add_order(&d, c);
    send_orders(&d, "orders.TWEX.1.bob.AAPL"); /* the same by the order's id alone */
    expect_report(&d, 0, MX_CANCEL_REJECTED, MXR_UNKNOWN_ORDER, "");
    EXPECT_U64(mx_open_orders(d.engine), 1);
    close_desk(&d);
}

TEST(matcher_wire, a_payload_that_is_no_batch_is_one_refusal_and_time_goes_on) {
    static desk d;
    static const uint8_t nonsense[] = "nonsense";
    wire_order_command c = limit("alice", "a1", TW_ASK, 100, 10010);
    open_desk(&d);
    c.tif = MX_GTD;
    c.expire_ns = d.now_ns + 5 * SECOND;
    start(&d);
    add_order(&d, c);
    send_orders(&d, "orderbatch.TWEX.1");
    expect_report(&d, 0, MX_ACCEPTED, MXR_OK, "a1");
    send(&d, "orders.TWEX.1.bob.AAPL", nonsense, sizeof nonsense);
    EXPECT(d.count == 1 && d.applied.refused == 1 && d.applied.commands == 0);
    expect_report(&d, 0, MX_REFUSED, MXR_UNREADABLE, "");
    EXPECT_U64(d.reports[0].account, 1);
    d.now_ns += 6 * SECOND;
    send(&d, "control.TWEX.1", nonsense, sizeof nonsense);
    EXPECT_U64(d.count, 2);
    expect_report(&d, 0, MX_EXPIRED, MXR_TIME_REACHED, "a1");
    expect_report(&d, 1, MX_REFUSED, MXR_UNREADABLE, "");
    send(&d, "something.else", NULL, 0);
    expect_report(&d, 0, MX_REFUSED, MXR_UNREADABLE, "");
    send(&d, "orderbatch.TWEX.1", NULL, 0); /* a batch without commands */
    expect_report(&d, 0, MX_DONE, MXR_OK, "");
    close_desk(&d);
}

TEST(matcher_wire, an_operators_name_left_out_does_not_mean_all) {
    static desk d;
    wire_control_command c;
    size_t length;
    open_desk(&d);
    start(&d);
    control(&d, &c, WIRE_SET_BLOCK, "alice", "");
    c.on = true;
    add_control(&d, &c);
    control(&d, &c, WIRE_SET_STATE, "", "");
    c.state = MX_HALTED;
    add_control(&d, &c);
    control(&d, &c, WIRE_DEFINE_INSTRUMENT, "", "MSFT");
    c.lot = 1;
    c.tick = (wire_ticks){2, {1, 5}}; /* and one `from` only */
    c.tick_from = (wire_ticks){1, {0}};
    add_control(&d, &c);
    control(&d, &c, WIRE_SET_FEES, "", "");
    c.fee_class = 256; /* not class 0 */
    add_control(&d, &c);
    control(&d, &c, WIRE_SET_BLOCK, "alice", "");
    c.all_symbols = c.on = true;
    add_control(&d, &c);
    const uint8_t *bytes = wire_controls_finish(&d.parts, &(wire_batch_header){.sender = ""}, &length);
    send(&d, "control.TWEX.1", bytes, length);
    EXPECT_U64(d.count, 5);
    expect_report(&d, 0, MX_REFUSED, MXR_UNKNOWN_INSTRUMENT, "");
    expect_report(&d, 1, MX_REFUSED, MXR_UNKNOWN_INSTRUMENT, "");
    EXPECT_U64(d.reports[2].kind, MX_REFUSED);
    EXPECT_U64(d.reports[3].kind, MX_REFUSED);
    expect_report(&d, 4, MX_DONE, MXR_OK, "");
    close_desk(&d);
}

/* Changes a few bytes here and there. */
static void damage(tw_random *random, uint8_t *bytes, size_t length) {
    for (uint64_t left = tw_random_below(random, 4); left > 0 && length > 0; left--)
        bytes[tw_random_below(random, length)] = (uint8_t)tw_random_u64(random);
}

TEST(matcher_wire, two_replicas_make_the_same_of_damaged_messages_and_stay_whole) {
    static desk one, two;
    static uint8_t copy[64 * 1024];
    static const char *const names[] = {"alice", "bob", "carol", ""};
    static const char *const subjects[] = {"orderbatch.TWEX.1", "orders.TWEX.1.alice.AAPL",
                                           "orders.TWEX.1.carol.AAPL", "control.TWEX.1"};
    const uint64_t seed = 20261123;
    tw_random random;
    tw_random_seed(&random, seed);
    open_desk(&one);
    open_desk(&two);
    for (unsigned round = 0; round < 3000; round++) {
        size_t length;
        start(&one);
        for (uint64_t left = tw_random_below(&random, 8); left > 0; left--) {
            wire_order_command c = random_order_command(&random);
            tw_text_copy(c.account, sizeof c.account, names[tw_random_below(&random, 4)]);
            tw_text_copy(c.symbol, sizeof c.symbol, tw_random_chance(&random, 9, 10) ? "AAPL" : "X");
            tw_text_format(c.client_order_id, sizeof c.client_order_id, "%u", round % 500);
            if (tw_random_chance(&random, 3, 4)) {
                c = limit(c.account, c.client_order_id, (tw_side)tw_random_below(&random, 2),
                          1 + tw_random_below(&random, 50), (int64_t)(9990 + tw_random_below(&random, 20)));
                c.kind = (uint8_t)tw_random_below(&random, 4);
            }
            wire_order_command_add(&one.parts, &c);
        }
        const uint8_t *bytes = wire_orders_finish(&one.parts, &(wire_batch_header){.sent_ns = 7}, &length);
        memcpy(copy, bytes, length);
        if (tw_random_chance(&random, 1, 2)) damage(&random, copy, length);
        one.now_ns = two.now_ns += (int64_t)tw_random_below(&random, 10000000);
        const char *subject = subjects[tw_random_below(&random, 4)];
        send(&one, subject, copy, length);
        send(&two, subject, copy, length);
        EXPECT_MSG(one.count == two.count && memcmp(one.reports, two.reports, one.count * sizeof(mx_report)) == 0,
                   "seed %" PRIu64 " round %u", seed, round);
    }
    close_desk(&one);
    close_desk(&two);
}

#define NOTES_BYTES 512

static void note_command(void *context, const mx_input *input, const mw_order *order) {
    char *notes = context;
    size_t used = strlen(notes);
    tw_text_format(notes + used, NOTES_BYTES - used, "%u:%s/%s%s ", input->index, order->from.account,
                   order->from.correlation_id, order->strange ? "?" : "");
}

static void note_unreadable(void *context, const mx_input *input, const subject_parts *subject) {
    char *notes = context;
    size_t used = strlen(notes);
    tw_text_format(notes + used, NOTES_BYTES - used, "%u:%s %s unreadable", input->index, subject->account,
                   subject->symbol);
}

TEST(matcher_wire, a_listener_hears_of_each_command_before_it_happens) {
    static desk d;
    char notes[NOTES_BYTES] = "";
    size_t length;
    const mw_listener listener = {.on_command = note_command, .on_unreadable = note_unreadable, .context = notes};
    wire_order_command c = limit("alice", "a1", TW_ASK, 100, 10010);
    open_desk(&d);
    tw_text_copy(c.correlation_id, sizeof c.correlation_id, "c-1");
    start(&d);
    add_order(&d, c);
    c.account[0] = '\0';
    add_order(&d, c);
    const uint8_t *bytes = wire_orders_finish(&d.parts, &(wire_batch_header){.sent_ns = 7}, &length);
    const mw_message message = {"orderbatch.TWEX.1", ++d.seq, d.now_ns, bytes, length};
    mw_applied applied = mw_apply(d.engine, &message, &listener, &d.sink);
    EXPECT_STR(notes, "0:alice/c-1 1:/c-1? ");
    EXPECT(applied.commands == 2 && applied.refused == 1);
    take_reports(&d.sink, &d);
    close_desk(&d);
}

/* What the engine has no number for, its listener is told by name. */
TEST(matcher_wire, a_listener_hears_who_may_name_what_nobody_knows) {
    static const struct {
        uint8_t kind;
        const char *account, *symbol;
        bool all;
        bool strange;
    } rows[] = {{WIRE_NEW_ORDER, "alice", "AAPL", false, false},  {WIRE_NEW_ORDER, "zoe", "AAPL", false, true},
                {WIRE_NEW_ORDER, "alice", "NONE", false, true},   {WIRE_CANCEL, "alice", "AAPL", false, false},
                {WIRE_CANCEL, "zoe", "AAPL", false, true},        {WIRE_REPLACE, "alice", "AAPL", false, false},
                {WIRE_REPLACE, "alice", "NONE", false, true},     {WIRE_MASS_CANCEL, "alice", "AAPL", false, false},
                {WIRE_MASS_CANCEL, "alice", "NONE", true, false}, {WIRE_MASS_CANCEL, "zoe", "", true, true},
                {WIRE_SESSION_OPEN, "", "", false, false}};
    static desk d;
    char notes[NOTES_BYTES] = "", expected[NOTES_BYTES] = "";
    size_t length;
    const mw_listener listener = {.on_command = note_command, .on_unreadable = note_unreadable, .context = notes};
    open_desk(&d);
    start(&d);
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_order_command c = limit(rows[i].account, "", TW_ASK, 100, 10010);
        size_t used = strlen(expected);
        c.kind = rows[i].kind;
        c.all_symbols = rows[i].all;
        tw_text_copy(c.symbol, sizeof c.symbol, rows[i].symbol);
        add_order(&d, c);
        tw_text_format(expected + used, sizeof expected - used, "%u:%s/%s ", i, rows[i].account,
                       rows[i].strange ? "?" : "");
    }
    const uint8_t *bytes = wire_orders_finish(&d.parts, &(wire_batch_header){.sent_ns = 7}, &length);
    const mw_message message = {"orderbatch.TWEX.1", ++d.seq, d.now_ns, bytes, length};
    (void)mw_apply(d.engine, &message, &listener, &d.sink);
    EXPECT_STR(notes, expected);
    notes[0] = '\0';
    const mw_message broken = {"orders.TWEX.1.zoe.AAPL", ++d.seq, d.now_ns, (const uint8_t *)"\xff", 1};
    EXPECT_U64(mw_apply(d.engine, &broken, &listener, &d.sink).refused, 1);
    EXPECT_STR(notes, "0:zoe AAPL unreadable");
    take_reports(&d.sink, &d);
    close_desk(&d);
}

/* Orders of carol, whom nobody knows while they are looked at: with her definition between, without it, and with another message in between. */
TEST(matcher_wire, a_message_that_was_looked_at_before_its_turn_means_what_it_means_when_it_is_applied) {
    static const struct {
        const char *between; /* who is defined after the look; "" nobody */
        bool known;
        bool moved; /* the message lies elsewhere when it is applied */
    } rows[] = {{"", false, false}, {"carol", true, false}, {"dora", false, false}, {"carol", true, true}};
    static desk d;
    static mw_ahead ahead;
    static uint8_t looked_at[4096];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length;
        open_desk(&d);
        start(&d);
        add_order(&d, limit("carol", "a1", TW_ASK, 100, 10010));
        add_order(&d, limit("alice", "a1", TW_ASK, 100, 10010));
        const uint8_t *bytes = wire_orders_finish(&d.parts, &(wire_batch_header){.sent_ns = 7}, &length);
        memcpy(looked_at, bytes, length);
        const uint64_t seq = d.seq + (rows[i].between[0] != '\0' ? 2 : 1);
        const mw_message first = {"orderbatch.TWEX.1", seq, d.now_ns, looked_at, length};
        uint8_t elsewhere[4096];
        mw_look_ahead(d.engine, &first, &ahead);
        if (rows[i].between[0] != '\0') {
            start(&d);
            add_account(&d, rows[i].between);
            size_t size;
            const uint8_t *controls = wire_controls_finish(&d.parts, &(wire_batch_header){.sent_ns = 8}, &size);
            send(&d, "control.TWEX.1", controls, size);
        }
        memcpy(elsewhere, looked_at, length);
        mw_message now = first;
        if (rows[i].moved) now.bytes = elsewhere;
        if (rows[i].moved) memset(looked_at, 0xff, sizeof looked_at);
        d.count = 0;
        d.seq = seq;
        mw_applied applied = mw_apply_ahead(d.engine, &now, &ahead, NULL, &d.sink);
        take_reports(&d.sink, &d);
        EXPECT_MSG(applied.commands == 2 && applied.refused == 0 && d.count == 2, "row %zu", i);
        EXPECT_MSG((d.reports[0].kind == MX_ACCEPTED) == rows[i].known, "row %zu: %s", i,
                   mx_reason_name((mx_reason)d.reports[0].reason));
        EXPECT_I64(d.reports[1].kind, MX_ACCEPTED);
        close_desk(&d);
    }
}
