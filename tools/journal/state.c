/* A replica's state for people and programs. */
#include "tools/journal/state.h"

#include <inttypes.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"
#include "tools/journal/audit.h"

#define PAGE       64u
#define LINE_BYTES 2048

void journal_work_count(journal_work *work, const mx_report *report) {
    if (report->kind >= MX_REPORT_KINDS) return;
    work->reports[report->kind]++;
    if (report->kind == MX_REJECTED || report->kind == MX_CANCEL_REJECTED || report->kind == MX_REPLACE_REJECTED ||
        report->kind == MX_REFUSED)
        work->refused++;
}

uint64_t journal_work_reports(const journal_work *work) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < MX_REPORT_KINDS; i++)
        sum += work->reports[i];
    return sum;
}

static double seconds(const journal_work *work) {
    return work->took_ns > 0 ? (double)work->took_ns / 1e9 : 1e-9;
}

/* ---- open orders and positions, in an order that does not depend on memory ---- */

typedef struct walk {
    const mr_replica *replica;
    const mx_engine *engine;
    bool json;
    FILE *to;
    uint64_t left;
} walk;

static void names_of(const walk *self, uint32_t account, uint32_t instrument, mx_account_view *named,
                     mx_instrument_view *listed) {
    if (!mx_account_get(self->engine, account, named)) *named = (mx_account_view){0};
    if (!mx_instrument_get(self->engine, instrument, listed)) *listed = (mx_instrument_view){0};
}

static void print_order(const walk *self, const mx_order_view *order) {
    mx_account_view account;
    mx_instrument_view instrument;
    char id[64], price[TW_DECIMAL_BYTES], stop[TW_DECIMAL_BYTES], leaves[TW_DECIMAL_BYTES], line[LINE_BYTES];
    names_of(self, order->account, order->instrument, &account, &instrument);
    audit_order_id_text(id, sizeof id, mr_shard(self->replica), order->order_id);
    tw_decimal_format(price, sizeof price, order->price, instrument.definition.price_exponent);
    tw_decimal_format(stop, sizeof stop, order->stop_price, instrument.definition.price_exponent);
    tw_decimal_format_u64(leaves, sizeof leaves, order->leaves, instrument.definition.quantity_exponent);
    if (!self->json) {
        fprintf(self->to, "  order %s  %s %s  %s %s%s%s%s%s %s %s  %s\n", id, account.name,
                instrument.definition.symbol, order->side == TW_BID ? "buy" : "sell", leaves,
                price[0] != '\0' ? " @ " : "", price, stop[0] != '\0' ? " stop " : "", stop,
                mx_type_name(order->type), mx_tif_name(order->tif), mx_order_status_name(order->status));
        return;
    }
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "order");
    json_string(&w, "order_id", id);
    json_string(&w, "account", account.name);
    json_string(&w, "symbol", instrument.definition.symbol);
    json_string(&w, "side", order->side == TW_BID ? "buy" : "sell");
    json_string(&w, "leaves", leaves);
    if (price[0] != '\0') json_string(&w, "price", price);
    if (stop[0] != '\0') json_string(&w, "stop_price", stop);
    json_string(&w, "order_type", mx_type_name(order->type));
    json_string(&w, "time_in_force", mx_tif_name(order->tif));
    json_string(&w, "status", mx_order_status_name(order->status));
    json_close_object(&w);
    json_finish(&w);
    fprintf(self->to, "%s\n", line);
}

static void walk_orders(walk *self) {
    static const uint32_t page = PAGE;
    mx_order_view views[PAGE];
    for (uint32_t account = 0; account < mx_accounts(self->engine) && self->left > 0; account++) {
        mx_order_walk all;
        mx_orders_walk(self->engine, account, MX_EVERY, 0, &all);
        for (uint32_t count = page; count == page && self->left > 0;) {
            count = mx_orders_next(self->engine, &all, views, page);
            for (uint32_t i = 0; i < count && self->left > 0; i++, self->left--)
                print_order(self, &views[i]);
        }
    }
}

static void print_position(const walk *self, const mx_position_view *position) {
    mx_account_view account;
    mx_instrument_view instrument;
    char quantity[TW_DECIMAL_BYTES], average[TW_DECIMAL_BYTES], realised[64], line[LINE_BYTES];
    names_of(self, position->account, position->instrument, &account, &instrument);
    const mx_define_instrument *by = &instrument.definition;
    tw_decimal_format(quantity, sizeof quantity, position->quantity, by->quantity_exponent);
    tw_decimal_format(average, sizeof average, position->average_price, by->price_exponent);
    audit_money_text(realised, sizeof realised, position->realised, by->price_exponent + by->quantity_exponent);
    if (!self->json) {
        fprintf(self->to, "  position %s %s  %s%s%s  realised %s\n", account.name, by->symbol, quantity,
                average[0] != '\0' ? " at " : "", average, realised);
        return;
    }
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "position");
    json_string(&w, "account", account.name);
    json_string(&w, "symbol", by->symbol);
    json_string(&w, "quantity", quantity);
    if (average[0] != '\0') json_string(&w, "average_price", average);
    json_string(&w, "realised", realised);
    json_close_object(&w);
    json_finish(&w);
    fprintf(self->to, "%s\n", line);
}

/* Those that are not flat. Returns how many there are. */
static uint64_t walk_positions(walk *self) {
    uint64_t open = 0;
    for (uint32_t i = 0; i < mx_positions(self->engine); i++) {
        mx_position_view position;
        mx_position_at(self->engine, i, &position);
        if (position.quantity == 0) continue;
        open++;
        if (self->left == 0) continue;
        self->left--;
        print_position(self, &position);
    }
    return open;
}

/* ---- the summary ---- */

static void summary_json(const walk *self, const journal_work *work, uint64_t positions) {
    char line[LINE_BYTES], hash[24];
    json_writer w;
    tw_text_format(hash, sizeof hash, "%016" PRIx64, mr_hash(self->replica));
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "state");
    json_string(&w, "exchange", mr_exchange(self->replica));
    json_u64(&w, "shard", mr_shard(self->replica));
    json_u64_string(&w, "seq", mr_seq(self->replica));
    json_string(&w, "hash", hash);
    if (mx_now(self->engine) != TW_TIME_ABSENT) json_i64_string(&w, "event_ns", mx_now(self->engine));
    json_u64(&w, "reports_since_the_beginning", mr_reports(self->replica));
    json_u64(&w, "open_orders", mx_open_orders(self->engine));
    json_u64(&w, "open_positions", positions);
    json_u64(&w, "accounts", mx_accounts(self->engine));
    json_u64(&w, "instruments", mx_instruments(self->engine));
    json_u64(&w, "inputs", work->inputs);
    json_u64(&w, "commands", work->commands);
    json_u64(&w, "unreadable", work->refused_unread);
    json_u64(&w, "reports", journal_work_reports(work));
    json_u64(&w, "refused", work->refused);
    json_open_object(&w, "by_kind");
    for (unsigned i = 0; i < MX_REPORT_KINDS; i++)
        if (work->reports[i] > 0) json_u64(&w, mx_report_kind_name((mx_report_kind)i), work->reports[i]);
    json_close_object(&w);
    json_f64(&w, "seconds", seconds(work));
    json_f64(&w, "inputs_per_s", (double)work->inputs / seconds(work));
    json_f64(&w, "commands_per_s", (double)work->commands / seconds(work));
    json_close_object(&w);
    json_finish(&w);
    fprintf(self->to, "%s\n", line);
}

static void summary_text(const walk *self, const journal_work *work, uint64_t positions) {
    char at[TW_INSTANT_BYTES] = "-";
    if (mx_now(self->engine) != TW_TIME_ABSENT) tw_instant_format(at, mx_now(self->engine));
    fprintf(self->to,
            "%s shard %" PRIu32 " after input %" PRIu64 " at %s\n"
            "  state hash %016" PRIx64 "\n"
            "  %" PRIu32 " open orders, %" PRIu64 " open positions, %" PRIu32 " accounts, %" PRIu32 " instruments\n"
            "  replayed %" PRIu64 " inputs (%" PRIu64 " commands, %" PRIu64 " unreadable or not allowed, %" PRIu64
            " bytes): %" PRIu64 " reports, %" PRIu64 " of them refusals\n",
            mr_exchange(self->replica), mr_shard(self->replica), mr_seq(self->replica), at, mr_hash(self->replica),
            mx_open_orders(self->engine), positions, mx_accounts(self->engine), mx_instruments(self->engine),
            work->inputs, work->commands, work->refused_unread, work->bytes, journal_work_reports(work),
            work->refused);
    fprintf(self->to, " ");
    for (unsigned i = 0; i < MX_REPORT_KINDS; i++)
        if (work->reports[i] > 0)
            fprintf(self->to, " %s %" PRIu64, mx_report_kind_name((mx_report_kind)i), work->reports[i]);
    fprintf(self->to, "\n  in %.3f s: %.0f inputs and %.0f commands a second\n", seconds(work),
            (double)work->inputs / seconds(work), (double)work->commands / seconds(work));
}

void journal_print_state(const mr_replica *replica, const journal_work *work, bool json, uint64_t show, FILE *to) {
    walk orders = {replica, mr_engine(replica), json, to, show}, positions = orders;
    walk_orders(&orders);
    uint64_t open = walk_positions(&positions);
    if (json)
        summary_json(&orders, work, open);
    else
        summary_text(&orders, work, open);
}
