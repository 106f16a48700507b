/* `tickwire orders`, `positions`, `executions`: what the engines know of an account, over all shards. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "matcher/core/report.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/venue/ask.h"
#include "tools/venue/directory.h"
#include "tools/venue/name.h"
#include "tools/venue/report.h"
#include "tools/venue/value.h"

#define EXIT_TROUBLE 1
#define EXIT_USAGE   2
#define LINE_BYTES   2048

typedef struct ask_settings {
    venue_link_settings link;
    const char *account;
    uint64_t limit;
} ask_settings;

#define AT(field) offsetof(ask_settings, field)
static const setting table[] = {
    VENUE_LINK_ROWS(ask_settings),
    {.name = "account",
     .type = SETTING_TEXT,
     .offset = AT(account),
     .default_text = "",
     .value_name = "NAME",
     .help = "whose"},
    {.name = "limit",
     .type = SETTING_COUNT,
     .offset = AT(limit),
     .default_text = "0",
     .value_name = "N",
     .help = "at most so many of each shard; 0: all that it has"},
    {.name = NULL},
};

typedef struct run {
    ask_settings settings;
    venue_link link;
    venue_shards shards;
    venue_name name; /* only of this instrument, if its symbol is not "" */
    uint32_t shard;  /* that is answering */
    uint64_t rows;
} run;

/* One of the three questions. */
typedef struct question {
    settings_program program;
    uint8_t kind;
    const char *nothing;
    venue_on_item on_item;
    void (*head)(void);
} question;

/* ---- orders ---- */

static void orders_head(void) {
    printf("%-20s %-14s %-4s %-10s %-4s %12s %12s %12s %12s %12s  %-8s %s\n", "ORDER", "INSTRUMENT", "SIDE", "TYPE",
           "TIF", "QUANTITY", "OPEN", "SHOWN", "PRICE", "STOP", "STATUS", "CLIENT ID");
}

typedef struct order_texts {
    char id[VENUE_ID_BYTES], quantity[TW_DECIMAL_BYTES], leaves[TW_DECIMAL_BYTES], shown[TW_DECIMAL_BYTES];
    char executed[TW_DECIMAL_BYTES], price[TW_DECIMAL_BYTES], stop[TW_DECIMAL_BYTES];
} order_texts;

static void order_row(const order_texts *t, const wire_order_view *o, const char *symbol) {
    char name[WIRE_CLIENT_ID_BYTES];
    venue_text_printable(name, sizeof name, o->client_order_id);
    printf("%-20s %-14s %-4s %-10s %-4s %12s %12s %12s %12s %12s  %-8s %s\n", t->id, symbol,
           venue_side_word(o->side), venue_type_word(o->type), venue_tif_word(o->tif), t->quantity, t->leaves,
           t->shown, t->price[0] != '\0' ? t->price : "-", t->stop[0] != '\0' ? t->stop : "-",
           mx_order_status_name(o->status), name);
}

static void order_json(const run *self, const order_texts *t, const wire_order_view *o, const char *symbol) {
    char line[LINE_BYTES];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "order_id", t->id);
    json_string(&w, "account", self->settings.account);
    json_string(&w, "exchange", self->settings.link.exchange);
    json_string(&w, "symbol", symbol);
    json_string(&w, "side", venue_side_word(o->side));
    json_string(&w, "order_type", venue_type_word(o->type));
    json_string(&w, "time_in_force", venue_tif_word(o->tif));
    json_string(&w, "status", mx_order_status_name(o->status));
    if (t->price[0] != '\0') json_string(&w, "price", t->price);
    if (t->stop[0] != '\0') json_string(&w, "stop_price", t->stop);
    json_string(&w, "quantity", t->quantity);
    json_string(&w, "leaves", t->leaves);
    json_string(&w, "shown", t->shown);
    json_string(&w, "executed", t->executed);
    if (o->client_order_id[0] != '\0') json_string(&w, "client_order_id", o->client_order_id);
    if (o->correlation_id[0] != '\0') json_string(&w, "correlation_id", o->correlation_id);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

static void on_order(void *context, const venue_page *page, const wire_part *item) {
    run *self = context;
    const wire_order_view *o = &item->order;
    order_texts t = {0};
    if (item->kind != WIRE_PART_ORDER_VIEW) return;
    const wire_named_instrument *i = venue_page_instrument(page, o->instrument);
    int32_t price = i != NULL ? i->price_exponent : 0, quantity = i != NULL ? i->quantity_exponent : 0;
    venue_order_id_format(t.id, self->shard, o->order_id);
    tw_decimal_format_u64(t.quantity, sizeof t.quantity, o->quantity, quantity);
    tw_decimal_format_u64(t.leaves, sizeof t.leaves, o->leaves, quantity);
    tw_decimal_format_u64(t.shown, sizeof t.shown, o->shown, quantity);
    tw_decimal_format_u64(t.executed, sizeof t.executed, o->executed, quantity);
    tw_decimal_format(t.price, sizeof t.price, o->price, price);
    tw_decimal_format(t.stop, sizeof t.stop, o->stop_price, price);
    self->rows++;
    if (self->settings.link.json)
        order_json(self, &t, o, i != NULL ? i->symbol : "?");
    else
        order_row(&t, o, i != NULL ? i->symbol : "?");
}

/* ---- positions ---- */

static void positions_head(void) {
    printf("%-14s %5s %14s %14s %20s %18s %12s %12s\n", "INSTRUMENT", "SHARD", "POSITION", "AVERAGE", "COST",
           "REALISED", "OPEN BUYS", "OPEN SELLS");
}

static void on_position(void *context, const venue_page *page, const wire_part *item) {
    run *self = context;
    const wire_position_view *p = &item->position;
    char quantity[TW_DECIMAL_BYTES], average[TW_DECIMAL_BYTES], buys[TW_DECIMAL_BYTES], sells[TW_DECIMAL_BYTES];
    char cost[VENUE_MONEY_BYTES], realised[VENUE_MONEY_BYTES], line[LINE_BYTES];
    if (item->kind != WIRE_PART_POSITION_VIEW) return;
    const wire_named_instrument *i = venue_page_instrument(page, p->instrument);
    int32_t price_exponent = i != NULL ? i->price_exponent : 0, exponent = i != NULL ? i->quantity_exponent : 0;
    tw_decimal_format(quantity, sizeof quantity, p->quantity, exponent);
    tw_decimal_format(average, sizeof average, p->average_price, price_exponent);
    tw_decimal_format_u64(buys, sizeof buys, p->open_buys, exponent);
    tw_decimal_format_u64(sells, sizeof sells, p->open_sells, exponent);
    venue_money_format(cost, p->cost, price_exponent + exponent);
    venue_money_format(realised, p->realised, price_exponent + exponent);
    self->rows++;
    if (!self->settings.link.json) {
        printf("%-14s %5" PRIu32 " %14s %14s %20s %18s %12s %12s\n", i != NULL ? i->symbol : "?", self->shard,
               quantity, average[0] != '\0' ? average : "-", cost, realised, buys, sells);
        return;
    }
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "account", self->settings.account);
    json_string(&w, "exchange", self->settings.link.exchange);
    json_string(&w, "symbol", i != NULL ? i->symbol : "?");
    json_u64(&w, "shard", self->shard);
    json_string(&w, "quantity", quantity);
    if (average[0] != '\0') json_string(&w, "average_price", average);
    json_string(&w, "cost", cost);
    json_string(&w, "realised", realised);
    json_string(&w, "open_buys", buys);
    json_string(&w, "open_sells", sells);
    json_close_object(&w);
    if (json_finish(&w)) puts(line);
}

/* ---- executions ---- */

static void no_head(void) {}

static void on_execution(void *context, const venue_page *page, const wire_part *item) {
    run *self = context;
    if (item->kind != WIRE_PART_REPORT) return;
    const venue_report_frame frame = {.exchange = self->settings.link.exchange,
                                      .account = self->settings.account,
                                      .shard = self->shard,
                                      .instrument = venue_page_instrument(page, item->report.instrument)};
    self->rows++;
    if (self->settings.link.json)
        venue_report_json(stdout, &frame, &item->report);
    else
        venue_report_print(stdout, &frame, &item->report);
}

/* ---- */

static void ignore_item(void *context, const venue_page *page, const wire_part *item) {
    (void)context;
    (void)page;
    (void)item;
}

/* A page of executions may say that there are none of a name, and not whether anybody has it: shards tell what they have refused to anybody. */
static tw_code is_account(run *self, bool *known, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    wire_query query = {.kind = WIRE_QUERY_ACCOUNT};
    tw_code code = TW_OK;
    tw_text_copy(query.account, sizeof query.account, self->settings.account);
    *known = false;
    for (uint32_t i = 0; code == TW_OK && !*known && i < self->shards.count; i++) {
        venue_asked asked;
        code = venue_ask(&self->link, s->exchange, self->shards.list[i].number, &query, 0, s->timeout_ns,
                         ignore_item, NULL, &asked, error);
        *known = code == TW_OK && asked.code == WIRE_REPLY_OK;
    }
    return code;
}

static tw_code tell_nothing(run *self, const question *q, bool known, const char *why, tw_error *error) {
    tw_code code = TW_OK;
    if (known && q->kind == WIRE_QUERY_EXECUTIONS) code = is_account(self, &known, error);
    if (code != TW_OK) return code;
    if (!known)
        return tw_error_set(error, TW_NOT_FOUND, "%s knows no account %s%s%s%s%s", self->settings.link.exchange,
                            self->settings.account, self->name.symbol[0] != '\0' ? ", or no instrument " : "",
                            self->name.symbol, why[0] != '\0' ? ": " : "", why);
    if (!self->settings.link.json) puts(q->nothing);
    return TW_OK;
}

static tw_code ask_all(run *self, const question *q, tw_error *error) {
    const venue_link_settings *s = &self->settings.link;
    wire_query query = {.kind = q->kind};
    char why[WIRE_DETAIL_BYTES] = "";
    bool known = false;
    tw_text_copy(query.account, sizeof query.account, self->settings.account);
    tw_text_copy(query.symbol, sizeof query.symbol, self->name.symbol);
    tw_code code = venue_shards_find(&self->link, s->exchange, false, &self->shards, error);
    if (code == TW_OK && !s->json) q->head();
    for (uint32_t i = 0; code == TW_OK && i < self->shards.count; i++) {
        venue_asked asked;
        self->shard = self->shards.list[i].number;
        code = venue_ask(&self->link, s->exchange, self->shard, &query, self->settings.limit, s->timeout_ns,
                         q->on_item, self, &asked, error);
        if (code == TW_OK && asked.code == WIRE_REPLY_OK) known = true;
        if (code == TW_OK && asked.code == WIRE_REPLY_OK && asked.detail[0] != '\0')
            fprintf(stderr, "%s: shard %" PRIu32 ": %s\n", q->program.name, self->shard, asked.detail);
        if (code == TW_OK) tw_text_copy(why, sizeof why, asked.detail);
        if (code == TW_OK && asked.code == WIRE_REPLY_BAD_REQUEST)
            code = tw_error_set(error, TW_UNSUPPORTED, "shard %" PRIu32 ": %s", self->shard, asked.detail);
    }
    if (code != TW_OK || self->rows > 0) return code;
    return tell_nothing(self, q, known, why, error);
}

static tw_code check(run *self, const char *const *words, size_t count, tw_error *error) {
    char account[WIRE_ACCOUNT_BYTES];
    if (self->settings.account[0] == '\0')
        return tw_error_set(error, TW_INVALID,
                            "of which account? --account ann, or TICKWIRE_ACCOUNT in the environment");
    tw_code code = venue_account_parse(self->settings.account, account, error);
    if (code != TW_OK || count == 0) return code;
    code = venue_name_parse(words[0], self->settings.link.exchange, &self->name, error);
    if (code == TW_OK) self->settings.link.exchange = self->name.mic;
    return code;
}

static int command(const question *q, int argc, char **argv) {
    run self = {0};
    tw_error error = {0};
    settings *owner = NULL;
    const char *words[1];
    size_t count = 0;
    int result = 0;
    settings_outcome outcome =
        settings_read(&owner, &q->program, argc, argv, &self.settings, words, 1, &count, &error);
    if (outcome == SETTINGS_RUN) {
        tw_code code = check(&self, words, count, &error);
        interrupt_watch();
        if (code == TW_OK) code = venue_link_open(&self.link, &self.settings.link, q->program.name, &error);
        if (code == TW_OK) {
            code = ask_all(&self, q, &error);
            venue_link_close(&self.link);
        }
        if (code != TW_OK) result = code == TW_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
    } else if (outcome == SETTINGS_ERROR) {
        result = EXIT_USAGE;
    }
    if (result != 0) fprintf(stderr, "%s: %s\n", q->program.name, error.text);
    fflush(stdout);
    settings_free(owner);
    return result;
}

int command_orders(int argc, char **argv) {
    static const question q = {.program = {.name = "tickwire orders",
                                           .summary = "An account's open orders, oldest first.",
                                           .usage = "[SYMBOL] [settings]",
                                           .environment = "TICKWIRE",
                                           .foreign = command_settings,
                                           .table = table},
                               .kind = WIRE_QUERY_ORDERS,
                               .nothing = "no open orders",
                               .on_item = on_order,
                               .head = orders_head};
    return command(&q, argc, argv);
}

int command_positions(int argc, char **argv) {
    static const question q = {.program = {.name = "tickwire positions",
                                           .summary = "What an account holds, at what price, at each shard.",
                                           .usage = "[SYMBOL] [settings]",
                                           .environment = "TICKWIRE",
                                           .foreign = command_settings,
                                           .table = table},
                               .kind = WIRE_QUERY_POSITIONS,
                               .nothing = "no positions",
                               .on_item = on_position,
                               .head = positions_head};
    return command(&q, argc, argv);
}

int command_executions(int argc, char **argv) {
    static const question q = {
        .program = {.name = "tickwire executions",
                    .summary = "What became of an account's orders: the reports the engines still have.",
                    .usage = "[SYMBOL] [settings]",
                    .environment = "TICKWIRE",
                    .foreign = command_settings,
                    .table = table},
        .kind = WIRE_QUERY_EXECUTIONS,
        .nothing = "no executions",
        .on_item = on_execution,
        .head = no_head};
    return command(&q, argc, argv);
}
