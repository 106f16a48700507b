/* `tickwire journal`: lines for an audit, files of an export, and what verify says about a journal that is right, damaged or forged. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit.h"
#include "tools/journal/audit.h"
#include "tools/journal/compare.h"
#include "tools/journal/executions.h"
#include "tools/journal/export_file.h"
#include "tools/journal/options.h"

#define START_NS INT64_C(1767364200000000000) /* 2026-01-02T14:30:00Z */

/* ---- lines ---- */

static journal_names some_names(void) {
    journal_names names = {0};
    wire_part part = {.kind = WIRE_PART_NAMED_INSTRUMENT,
                      .instrument = {.number = 2, .symbol = "AAPL", .price_exponent = -4}};
    EXPECT(journal_names_take(&names, &part));
    part = (wire_part){.kind = WIRE_PART_NAMED_ACCOUNT, .account = {.number = 7, .name = "ann"}};
    EXPECT(journal_names_take(&names, &part));
    return names;
}

static wire_order_command an_order(void) {
    wire_order_command command = wire_order_command_empty;
    command.price = 1872000;
    command.quantity = 100;
    tw_text_copy(command.account, sizeof command.account, "ann");
    tw_text_copy(command.symbol, sizeof command.symbol, "AAPL");
    tw_text_copy(command.client_order_id, sizeof command.client_order_id, "c-1");
    tw_text_copy(command.correlation_id, sizeof command.correlation_id, "req-9");
    return command;
}

static const wire_batch_header from_gateway = {.sender = "gw-1", .sent_ns = START_NS};
static const audit_place place = {.shard = 1,
                                  .seq = 57,
                                  .index = 3,
                                  .stream_ns = START_NS,
                                  .subject = "orderbatch.TWEX.1",
                                  .batch = &from_gateway};

static wire_report a_fill(void) {
    wire_report report = wire_report_empty;
    report.seq = 57;
    report.index = 3;
    report.n = 4;
    report.kind = MX_FILL;
    report.status = MX_STATUS_OPEN;
    report.account = 7;
    report.instrument = 2;
    report.order_id = MX_ORDER_ID(57, 3);
    report.counter_id = MX_ORDER_ID(12, 0);
    report.price = report.last_price = report.average_price = 1872000;
    report.quantity = 100;
    report.leaves = 40;
    report.executed = report.last_quantity = 60;
    report.liquidity = MX_TAKER;
    report.executed_notional = (wire_money)1872000 * 60;
    report.fee = 33696;
    tw_text_copy(report.correlation_id, sizeof report.correlation_id, "req-9");
    return report;
}

TEST(journal_line, an_order_is_told_with_its_place_account_price_and_sender) {
    journal_names names = some_names();
    wire_order_command command = an_order();
    char line[AUDIT_LINE_BYTES];
    audit_order_command(false, &names, &place, &command, line);
    EXPECT_STR(line, "1-57-3  2026-01-02T14:30:00.000000000Z  ann AAPL  new buy 100 @ 187.2000 LIMIT GTC id c-1  "
                     "correlation req-9  from gw-1");
    journal_names_fini(&names);
}

TEST(journal_line, prices_of_an_instrument_that_nobody_named_stay_scaled) {
    journal_names names = {0};
    wire_order_command command = an_order();
    char line[AUDIT_LINE_BYTES];
    audit_order_command(false, &names, &place, &command, line);
    EXPECT_CONTAINS(line, "100 @ 1872000 scaled");
    audit_order_command(true, &names, &place, &command, line);
    EXPECT_CONTAINS(line, "\"scaled\":true");
}

TEST(journal_line, a_fill_tells_price_counterparty_fee_and_what_is_left) {
    journal_names names = some_names();
    wire_report report = a_fill();
    char line[AUDIT_LINE_BYTES];
    audit_report(false, &names, 1, &report, line);
    EXPECT_STR(line,
               "    1-57-4  FILL  ann AAPL  order 1-57-3 buy  60 @ 187.2000 with 1-12-0 taker fee 3.3696  OPEN 100 "
               "@ 187.2000 leaves 40 executed 60 average 187.2000  correlation req-9");
    tw_text_copy(report.order_correlation_id, sizeof report.order_correlation_id, "ord-1");
    audit_report(false, &names, 1, &report, line);
    EXPECT_CONTAINS(line, "  correlation req-9  of the order ord-1");
    audit_report(true, &names, 1, &report, line);
    EXPECT_CONTAINS(line, "\"execution_id\":\"1-57-4\"");
    EXPECT_CONTAINS(line, "\"order_correlation_id\":\"ord-1\"");
    EXPECT_CONTAINS(line, "\"executed_notional\":\"11232.0000\"");
    EXPECT_CONTAINS(line, "\"counter_order_id\":\"1-12-0\"");
    journal_names_fini(&names);
}

TEST(journal_line, a_refusal_under_names_that_nobody_has_tells_them_and_is_found_by_them) {
    journal_names names = some_names();
    wire_report report = wire_report_empty;
    char line[AUDIT_LINE_BYTES];
    report.seq = 9;
    report.kind = MX_REJECTED;
    report.reason = MXR_UNKNOWN_ACCOUNT;
    report.order_id = MX_ORDER_ID(9, 0);
    tw_text_copy(report.account_name, sizeof report.account_name, "ghost");
    tw_text_copy(report.symbol, sizeof report.symbol, "NONE");
    audit_report(false, &names, 1, &report, line);
    EXPECT_STR(line,
               "    1-9-0  REJECTED  ghost NONE  order 1-9-0 buy  UNKNOWN_ACCOUNT: no such account at this venue");
    audit_report(true, &names, 1, &report, line);
    EXPECT_CONTAINS(line, "\"account\":\"ghost\",\"symbol\":\"NONE\"");
    const audit_filter ghost = {"ghost", "NONE", "", 0}, ann = {"ann", "", "", 0};
    EXPECT(audit_wants_report(&ghost, &names, &report) && !audit_wants_report(&ann, &names, &report));
    journal_names_fini(&names);
}

TEST(journal_line, a_refusal_tells_its_reason_in_words) {
    journal_names names = some_names();
    wire_report report = wire_report_empty;
    char line[AUDIT_LINE_BYTES];
    report.seq = 9;
    report.kind = MX_REJECTED;
    report.reason = MXR_PRICE_COLLAR;
    report.account = 7;
    report.instrument = 2;
    audit_report(false, &names, 1, &report, line);
    EXPECT_STR(line,
               "    1-9-0  REJECTED  ann AAPL  PRICE_COLLAR: the price is too far from the instrument's reference "
               "price");
    journal_names_fini(&names);
}

TEST(journal_line, bytes_of_a_terminal_in_a_client_id_are_not_printed) {
    journal_names names = some_names();
    wire_order_command command = an_order();
    char line[AUDIT_LINE_BYTES];
    tw_text_copy(command.client_order_id, sizeof command.client_order_id, "a\033[2Jb");
    audit_order_command(false, &names, &place, &command, line);
    EXPECT_CONTAINS(line, "id a?[2Jb");
    journal_names_fini(&names);
}

TEST(journal_line, a_definition_is_told_whole) {
    journal_names names = {0};
    wire_control_command c = wire_control_command_empty;
    char line[AUDIT_LINE_BYTES];
    c.kind = WIRE_DEFINE_INSTRUMENT;
    tw_text_copy(c.symbol, sizeof c.symbol, "AAPL");
    c.price_exponent = -4;
    c.tick_from = (wire_ticks){.count = 2, .values = {0, 10000}};
    c.tick = (wire_ticks){.count = 2, .values = {1, 100}};
    c.lot = 10;
    c.collar_ppm = 100000;
    c.protection_ppm = 50000;
    audit_control_command(false, &names, &place, &c, line);
    EXPECT_CONTAINS(line, "lot 10 tick 0.0001, 0.0100 from 1.0000 collar 100000 ppm protection 50000 ppm");
    audit_control_command(true, &names, &place, &c, line);
    EXPECT_CONTAINS(line, "\"collar_ppm\":100000,\"protection_ppm\":50000,\"ticks\":[{\"from_scaled\":\"0\"");
    EXPECT_CONTAINS(line, "{\"from_scaled\":\"10000\",\"tick_scaled\":\"100\"}]");
    c = wire_control_command_empty;
    c.kind = WIRE_SET_LIMITS;
    c.position = UINT64_MAX;
    c.concentration_ppm = 200000;
    c.collar_ppm = 7;
    c.rate_burst = 20;
    c.duplicate_ns = 500;
    audit_control_command(false, &names, &place, &c, line);
    EXPECT_CONTAINS(line, "position unlimited");
    EXPECT_CONTAINS(line, "concentration ppm 200000 collar 7 ppm rate 0/s burst 20 duplicate 500 ns");
    audit_control_command(true, &names, &place, &c, line);
    EXPECT_CONTAINS(line,
                    "\"rate_burst\":20,\"concentration_ppm\":200000,\"collar_ppm\":7,\"duplicate_ns\":\"500\"");
}

TEST(journal_line, money_is_exact_in_128_bits) {
    static const struct {
        wire_money value;
        int32_t exponent;
        const char *text;
    } cases[] = {{0, -4, "0.0000"},
                 {-5, -2, "-0.05"},
                 {123, 0, "123"},
                 {123, 2, "12300"},
                 {(wire_money)1000000000000000 * 1000000000000000, -4, "100000000000000000000000000.0000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        audit_money_text(text, sizeof text, cases[i].value, cases[i].exponent);
        EXPECT_STR(text, cases[i].text);
    }
}

TEST(journal_line, order_ids_are_read_as_people_write_them) {
    uint64_t id = 0;
    EXPECT(audit_order_id_parse("1-57-3", 1, &id));
    EXPECT_U64(id, MX_ORDER_ID(57, 3));
    EXPECT(audit_order_id_parse("3735555", 1, &id));
    EXPECT_U64(id, 3735555);
    static const char *const wrong[] = {"", "2-57-3", "1-57", "1-0-0", "1-57-65536", "1-57-3-1", "1--3", "x", "0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        EXPECT_MSG(!audit_order_id_parse(wrong[i], 1, &id), "'%s' is no order id of shard 1", wrong[i]);
}

TEST(journal_line, a_filter_finds_an_order_by_its_command_and_by_its_reports) {
    journal_names names = some_names();
    const wire_order_command command = an_order();
    const wire_report report = a_fill();
    const audit_filter order = {"", "", "", MX_ORDER_ID(57, 3)}, other = {"", "", "", MX_ORDER_ID(57, 4)},
                       bob = {"bob", "", "", 0}, request = {"ann", "AAPL", "req-9", 0};
    EXPECT(audit_wants_order_command(&order, &place, &command) && audit_wants_report(&order, &names, &report));
    EXPECT(!audit_wants_order_command(&other, &place, &command) && !audit_wants_report(&other, &names, &report));
    EXPECT(!audit_wants_order_command(&bob, &place, &command) && !audit_wants_report(&bob, &names, &report));
    EXPECT(audit_wants_order_command(&request, &place, &command) && audit_wants_report(&request, &names, &report));
    wire_report answer = report; /* of a cancel */
    tw_text_copy(answer.correlation_id, sizeof answer.correlation_id, "cancel-1");
    EXPECT(!audit_wants_report(&request, &names, &answer));
    tw_text_copy(answer.order_correlation_id, sizeof answer.order_correlation_id, "req-9");
    EXPECT(audit_wants_report(&request, &names, &answer));
    journal_names_fini(&names);
}

/* ---- a journal in files ---- */

typedef struct scene {
    char folder[64];
    mr_replica *replica;
    export_writer *orders, *execlog;
    uint64_t seq, log_seq;
    uint8_t buffer[8192];
} scene;

static export_writer *open_file(const scene *s, const char *name, uint32_t kind) {
    char path[128];
    export_writer *writer = NULL;
    tw_error error = {0};
    const export_head head = {.kind = kind, .shard = 1, .exchange = "TWEX", .first_seq = 1, .created_ns = START_NS};
    tw_text_format(path, sizeof path, "%s/%s.twj", s->folder, name);
    EXPECT_MSG(export_writer_open(&writer, path, &head, &error) == TW_OK, "%s", error.text);
    return writer;
}

static void add_to(export_writer *writer, const mw_message *message) {
    tw_error error = {0};
    EXPECT_MSG(export_writer_add(writer, message, &error) == TW_OK, "%s", error.text);
}

static void put(scene *s, const char *subject, const uint8_t *bytes, size_t length) {
    const mw_message message = {subject, ++s->seq, START_NS + (int64_t)s->seq * 1000000, bytes, length};
    mw_applied applied;
    add_to(s->orders, &message);
    EXPECT(mr_take(s->replica, &message, NULL, &applied));
}

static void put_control(scene *s, wire_control_command command) {
    wire_parts parts;
    size_t length;
    tw_text_copy(command.symbol, sizeof command.symbol, "AAPL");
    tw_text_copy(command.account, sizeof command.account, "ann");
    wire_parts_start(&parts, s->buffer, sizeof s->buffer);
    EXPECT(wire_control_command_add(&parts, &command));
    const uint8_t *bytes = wire_controls_finish(&parts, &(wire_batch_header){.sender = "test"}, &length);
    put(s, "control.TWEX.1", bytes, length);
}

static void put_order(scene *s, tw_side side, int64_t price, uint64_t quantity) {
    wire_parts parts;
    size_t length;
    wire_order_command command = an_order();
    command.side = (uint8_t)side;
    command.price = price;
    command.quantity = quantity;
    tw_text_format(command.client_order_id, sizeof command.client_order_id, "c-%llu", (unsigned long long)s->seq);
    wire_parts_start(&parts, s->buffer, sizeof s->buffer);
    EXPECT(wire_order_command_add(&parts, &command));
    const uint8_t *bytes = wire_orders_finish(&parts, &from_gateway, &length);
    put(s, "orders.TWEX.1.ann.AAPL", bytes, length);
}

/* What a leader writes now: one range. */
static void write_log(scene *s) {
    mr_part part;
    while (mr_journal_next(s->replica, &part)) {
        const mw_message message = {"execlog.TWEX.1", ++s->log_seq, START_NS, part.bytes, part.length};
        add_to(s->execlog, &message);
        mr_journal_stored(s->replica);
    }
}

static wire_control_command control(wire_control_kind kind) {
    wire_control_command command = wire_control_command_empty;
    command.kind = (uint8_t)kind;
    return command;
}

static const journal_settings bounds = {.url = "",
                                        .credentials = "",
                                        .exchange = "",
                                        .from = "1",
                                        .hash = "",
                                        .max_instruments = 8,
                                        .max_accounts = 8,
                                        .max_positions = 8,
                                        .max_orders = 1000,
                                        .max_pages = 100,
                                        .max_client_ids = 1000,
                                        .max_sessions = 4,
                                        .max_reports = 1000,
                                        .timeout_ns = 1000000000};

static void set_scene(scene *s) {
    static const char *const template = "/tmp/tickwire-journal-XXXXXX";
    tw_error error = {0};
    memset(s, 0, sizeof *s);
    tw_text_copy(s->folder, sizeof s->folder, template);
    EXPECT(mkdtemp(s->folder) != NULL);
    const mr_options options = {.exchange = "TWEX",
                                .bounds = {1, bounds.max_instruments, bounds.max_accounts, bounds.max_positions,
                                           bounds.max_orders, bounds.max_pages, bounds.max_client_ids,
                                           bounds.max_sessions, bounds.max_reports}};
    EXPECT_MSG(mr_alloc(&s->replica, &options, &error) == TW_OK, "%s", error.text);
    s->orders = open_file(s, "orders", JOURNAL_ORDERS);
    s->execlog = open_file(s, "execlog", JOURNAL_EXECLOG);
    wire_control_command define = control(WIRE_DEFINE_INSTRUMENT), limits = control(WIRE_SET_LIMITS),
                         day = control(WIRE_BEGIN_DAY), state = control(WIRE_SET_STATE);
    define.price_exponent = -4;
    define.tick.count = define.tick_from.count = 1;
    define.tick.values[0] = 100;
    define.lot = 1;
    define.price = 1870000;
    limits.order_quantity = limits.position = UINT64_MAX;
    limits.order_notional = limits.funds = limits.exposure = (wire_money)1 << 90;
    limits.concentration_ppm = 2000000;
    limits.open_orders = UINT32_MAX;
    day.date = 20260102;
    day.end_ns = START_NS + INT64_C(1000000000000);
    state.state = MX_CONTINUOUS;
    put_control(s, define);
    put_control(s, control(WIRE_DEFINE_ACCOUNT));
    put_control(s, limits);
    put_control(s, day);
    put_control(s, state);
    write_log(s);
}

/* 20 orders, of which every second one trades, in ranges of 4 inputs. */
static void trade(scene *s) {
    for (int i = 0; i < 20; i++) {
        put_order(s, i % 2 == 0 ? TW_BID : TW_ASK, 1872000 + i / 2 * 100, 100);
        if (i % 4 == 3) write_log(s);
    }
}

static void finish(scene *s) {
    tw_error error = {0};
    EXPECT_MSG(export_writer_finish(s->orders, &error) == TW_OK, "%s", error.text);
    EXPECT_MSG(export_writer_finish(s->execlog, &error) == TW_OK, "%s", error.text);
    mr_free(s->replica);
}

static void clear(const scene *s) {
    static const char *const names[] = {"orders.twj", "execlog.twj"};
    char path[128];
    for (size_t i = 0; i < 2; i++) {
        tw_text_format(path, sizeof path, "%s/%s", s->folder, names[i]);
        remove(path);
    }
    EXPECT_MSG(rmdir(s->folder) == 0, "a file was left in %s", s->folder);
}

/* What a word of the command writes to standard output, and its exit code. */
static int said(int (*word)(const journal_settings *settings), const journal_settings *asked, char *text,
                size_t capacity) {
    char path[] = "/tmp/tickwire-said-XXXXXX";
    int file = mkstemp(path), kept = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    int code = word(asked);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    ssize_t length = pread(file, text, capacity - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    close(kept);
    close(file);
    remove(path);
    return code;
}

static char text[65536];

TEST(journal, a_journal_that_is_right_is_said_to_be_right) {
    static scene s;
    journal_settings asked = bounds;
    char hash[64];
    set_scene(&s);
    trade(&s);
    tw_text_format(hash, sizeof hash, "25:%016llx", (unsigned long long)mr_hash(s.replica));
    finish(&s);
    asked.file = s.folder;
    asked.hash = hash;
    EXPECT_I64(said(journal_verify, &asked, text, sizeof text), 0);
    EXPECT_CONTAINS(text, "replayed 25 inputs to 25");
    EXPECT_CONTAINS(text, "compared 6 messages of execlog");
    EXPECT_CONTAINS(text, "1 states");
    EXPECT_CONTAINS(text, "\nOK\n");
    clear(&s);
}

TEST(journal, a_state_hash_that_is_another_is_named) {
    static scene s;
    journal_settings asked = bounds;
    set_scene(&s);
    trade(&s);
    finish(&s);
    asked.file = s.folder;
    asked.hash = "9:00000000000000aa";
    EXPECT_I64(said(journal_verify, &asked, text, sizeof text), 1);
    EXPECT_CONTAINS(text, "DIFFERENT: after input 9 the replay's state hash is ");
    EXPECT_CONTAINS(text, "--hash says 00000000000000aa");
    clear(&s);
}

TEST(journal, execlog_that_is_behind_is_told_and_is_a_fault_only_where_it_must_be_complete) {
    static scene s;
    journal_settings asked = bounds;
    set_scene(&s);
    trade(&s);
    put_order(&s, TW_BID, 1872000, 1);
    put_order(&s, TW_BID, 1872000, 1);
    finish(&s);
    asked.file = s.folder;
    EXPECT_I64(said(journal_verify, &asked, text, sizeof text), 0);
    EXPECT_CONTAINS(text, "up to input 25: 2 inputs behind");
    asked.complete = true;
    EXPECT_I64(said(journal_verify, &asked, text, sizeof text), 1);
    EXPECT_CONTAINS(text, "not complete");
    clear(&s);
}

TEST(journal, inputs_without_reports_are_named) {
    static scene s;
    journal_settings asked = bounds;
    set_scene(&s);
    put_order(&s, TW_BID, 1872000, 1);
    mr_part part;
    while (mr_journal_next(s.replica, &part)) /* nobody wrote it */
        mr_journal_stored(s.replica);
    trade(&s);
    finish(&s);
    asked.file = s.folder;
    EXPECT_I64(said(journal_verify, &asked, text, sizeof text), 1);
    EXPECT_CONTAINS(text, "execlog's message 2 begins at input 7: the reports of inputs 6 to 6 are missing");
    clear(&s);
}

/* Changes one report of execlog's second message: a fill that is one share larger. */
static void put_forged(scene *s) {
    wire_executions open;
    wire_parts parts;
    wire_part part;
    mr_part ours;
    size_t length;
    EXPECT(mr_journal_next(s->replica, &ours));
    EXPECT_I64(wire_executions_open(&open, ours.bytes, ours.length), WIRE_OK);
    wire_parts_start(&parts, s->buffer, sizeof s->buffer);
    while (wire_executions_next(&open, &part)) {
        if (part.kind == WIRE_PART_REPORT && part.report.kind == MX_FILL && part.report.liquidity == MX_TAKER)
            part.report.last_quantity++;
        if (part.kind == WIRE_PART_REPORT) EXPECT(wire_report_add(&parts, &part.report));
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT) EXPECT(wire_named_instrument_add(&parts, &part.instrument));
        if (part.kind == WIRE_PART_NAMED_ACCOUNT) EXPECT(wire_named_account_add(&parts, &part.account));
    }
    const uint8_t *bytes = wire_execution_batch_finish(&parts, &open.header, &length);
    add_to(s->execlog, &(mw_message){"execlog.TWEX.1", ++s->log_seq, START_NS, bytes, length});
    mr_journal_stored(s->replica);
}

TEST(journal, a_forged_report_is_named_with_its_field_and_both_values) {
    static scene s;
    journal_settings asked = bounds;
    set_scene(&s);
    put_order(&s, TW_BID, 1872000, 100);
    put_order(&s, TW_ASK, 1872000, 100);
    put_forged(&s);
    finish(&s);
    asked.file = s.folder;
    EXPECT_I64(said(journal_verify, &asked, text, sizeof text), 1);
    EXPECT_CONTAINS(text,
                    "DIFFERENT: execlog's message 2 (inputs 6 to 7) is not what the replay makes: report 7-1: "
                    "last_quantity is 101, the replay says 100");
    clear(&s);
}

TEST(journal, show_puts_what_became_of_a_command_under_it) {
    static scene s;
    journal_settings asked = bounds;
    set_scene(&s);
    put_order(&s, TW_BID, 1872000, 100);
    put_order(&s, TW_ASK, 1872000, 60);
    put_order(&s, TW_ASK, 1872050, 60); /* not on the tick */
    write_log(&s);
    finish(&s);
    asked.file = s.folder;
    asked.from = "6";
    EXPECT_I64(said(journal_show, &asked, text, sizeof text), 0);
    const char *sell = strstr(text, "1-7-0  2026-01-02T14:30:00.007000000Z  ann AAPL  new sell 60 @ 187.2000");
    EXPECT(sell != NULL);
    EXPECT_CONTAINS(sell, "\n    1-7-0  ACCEPTED  ann AAPL  order 1-7-0 sell");
    EXPECT_CONTAINS(sell, "\n    1-7-1  FILL  ann AAPL  order 1-7-0 sell  60 @ 187.2000 with 1-6-0 taker");
    EXPECT_CONTAINS(sell, "\n    1-8-0  REJECTED  ann AAPL  order 1-8-0 sell");
    EXPECT_CONTAINS(sell, "BAD_TICK: the price is not on the instrument's tick");
    asked.order = "1-6-0";
    EXPECT_I64(said(journal_show, &asked, text, sizeof text), 0);
    EXPECT_CONTAINS(text, "1-7-2  FILL  ann AAPL  order 1-6-0 buy  60 @ 187.2000 with 1-7-0 maker");
    EXPECT(strstr(text, "1-8-0") == NULL && strstr(text, "1-7-1") == NULL);
    clear(&s);
}

TEST(journal, replay_says_what_the_state_is) {
    static scene s;
    journal_settings asked = bounds;
    char hash[64];
    set_scene(&s);
    trade(&s);
    put_order(&s, TW_BID, 1860000, 5);
    tw_text_format(hash, sizeof hash, "\"hash\":\"%016llx\"", (unsigned long long)mr_hash(s.replica));
    finish(&s);
    asked.file = s.folder;
    asked.json = true;
    asked.show = 5;
    EXPECT_I64(said(journal_replay, &asked, text, sizeof text), 0);
    EXPECT_CONTAINS(text, hash);
    EXPECT_CONTAINS(text, "\"order_id\":\"1-26-0\"");
    EXPECT_CONTAINS(text, "\"open_orders\":1,");
    EXPECT_CONTAINS(text, "\"inputs\":26,");
    clear(&s);
}

/* ---- files that are not what they should be ---- */

static void overwrite(const scene *s, const char *name, off_t at, const char *bytes, size_t length) {
    char path[128];
    tw_text_format(path, sizeof path, "%s/%s", s->folder, name);
    int file = open(path, O_RDWR | O_CLOEXEC);
    struct stat status;
    EXPECT(file >= 0 && fstat(file, &status) == 0);
    EXPECT(pwrite(file, bytes, length, at >= 0 ? at : status.st_size + at) == (ssize_t)length);
    close(file);
}

static const char *fault_of(const scene *s, const char *name) {
    static tw_error error;
    char path[128];
    export_reader *reader = NULL;
    mw_message message;
    error = (tw_error){0};
    tw_text_format(path, sizeof path, "%s/%s", s->folder, name);
    tw_code code = export_reader_open(&reader, path, &error);
    while (code == TW_OK)
        code = export_reader_next(reader, &message, &error);
    export_reader_close(reader);
    return error.text;
}

TEST(journal_file, one_that_is_damaged_cut_or_of_another_version_is_refused_and_says_where) {
    static scene s;
    char path[128];
    set_scene(&s);
    trade(&s);
    finish(&s);
    EXPECT_CONTAINS(fault_of(&s, "orders.twj"), "the end");
    overwrite(&s, "orders.twj", 120, "~", 1);
    EXPECT_CONTAINS(fault_of(&s, "orders.twj"), "a message is damaged (its checksum is another) at offset 56");
    overwrite(&s, "orders.twj", 6, "99", 2);
    EXPECT_CONTAINS(fault_of(&s, "orders.twj"), "is of version 99, this program reads version 01");
    overwrite(&s, "orders.twj", 0, "X", 1);
    EXPECT_CONTAINS(fault_of(&s, "orders.twj"), "is no exported journal");
    overwrite(&s, "execlog.twj", -60, "~", 1);
    EXPECT_CONTAINS(fault_of(&s, "execlog.twj"), "the index is damaged");
    tw_text_format(path, sizeof path, "%s/execlog.twj", s.folder);
    EXPECT(truncate(path, 900) == 0);
    EXPECT_CONTAINS(fault_of(&s, "execlog.twj"), "the export was not finished, or was cut");
    clear(&s);
}

TEST(journal_file, reading_begins_anywhere_through_the_index) {
    char folder[] = "/tmp/tickwire-journal-XXXXXX", path[128];
    export_writer *writer = NULL;
    export_reader *reader = NULL;
    tw_error error = {0};
    mw_message message;
    const export_head head = {.shard = 3, .exchange = "TWEX", .first_seq = 100};
    EXPECT(mkdtemp(folder) != NULL);
    tw_text_format(path, sizeof path, "%s/x.twj", folder);
    EXPECT_I64(export_writer_open(&writer, path, &head, &error), TW_OK);
    for (uint64_t seq = 100; seq < 5100; seq++)
        add_to(writer, &(mw_message){"s", seq, (int64_t)seq, (const uint8_t *)&seq, sizeof seq});
    EXPECT_I64(export_writer_add(writer, &(mw_message){"s", 5101, 0, NULL, 0}, &error), TW_MALFORMED);
    EXPECT_I64(export_writer_finish(writer, &error), TW_OK);
    EXPECT_I64(export_reader_open(&reader, path, &error), TW_OK);
    EXPECT_U64(export_reader_messages(reader), 5000);
    static const uint64_t places[] = {100, 5099, 1123, 1124, 1125, 3000};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint64_t value = 0;
        EXPECT_I64(export_reader_seek(reader, places[i], &error), TW_OK);
        EXPECT_I64(export_reader_next(reader, &message, &error), TW_OK);
        memcpy(&value, message.bytes, sizeof value);
        EXPECT_U64(message.seq, places[i]);
        EXPECT_U64(value, places[i]);
        EXPECT_STR(message.subject, "s");
    }
    EXPECT_I64(export_reader_seek(reader, 99, &error), TW_NOT_FOUND);
    EXPECT_I64(export_reader_seek(reader, 5100, &error), TW_NOT_FOUND);
    export_reader_close(reader);
    remove(path);
    rmdir(folder);
}

TEST(journal_file, a_forgotten_writer_leaves_nothing) {
    char folder[] = "/tmp/tickwire-journal-XXXXXX", path[128];
    export_writer *writer = NULL;
    tw_error error = {0};
    const export_head head = {.shard = 1, .exchange = "TWEX", .first_seq = 1};
    EXPECT(mkdtemp(folder) != NULL);
    tw_text_format(path, sizeof path, "%s/x.twj", folder);
    EXPECT_I64(export_writer_open(&writer, path, &head, &error), TW_OK);
    export_writer_abandon(writer);
    EXPECT(rmdir(folder) == 0);
}
