/* Reports for a person, and as JSON. */
#include "tools/venue/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"
#include "matcher/core/command.h"
#include "matcher/core/report.h"
#include "tools/venue/name.h"
#include "tools/venue/value.h"

#define LINE_BYTES 4096

static const char *word(const char *const *words, size_t count, uint8_t number) {
    return number < count ? words[number] : "?";
}

const char *venue_side_word(uint8_t side) {
    static const char *const words[] = {"buy", "sell"};
    return word(words, 2, side);
}

const char *venue_type_word(uint8_t type) {
    static const char *const words[] = {"limit", "market", "stop", "stop_limit"};
    return word(words, 4, type);
}

const char *venue_tif_word(uint8_t tif) {
    static const char *const words[] = {"gtc", "day", "gtd", "ioc", "fok"};
    return word(words, 5, tif);
}

/* What was asked for: its name, as the gateway writes it, and the words of the operator's language. */
static const struct asked {
    const char *name, *words;
} asked[MX_COMMANDS] = {[MX_NEW_ORDER] = {"NEW_ORDER", "new order"},
                        [MX_CANCEL] = {"CANCEL", "cancel"},
                        [MX_REPLACE] = {"REPLACE", "replace"},
                        [MX_MASS_CANCEL] = {"MASS_CANCEL", "mass cancel"},
                        [MX_CLOCK] = {"CLOCK", "clock"},
                        [MX_DEFINE_INSTRUMENT] = {"DEFINE_INSTRUMENT", "define instrument"},
                        [MX_DEFINE_ACCOUNT] = {"DEFINE_ACCOUNT", "define account"},
                        [MX_SET_LIMITS] = {"SET_LIMITS", "set limits"},
                        [MX_SET_FEES] = {"SET_FEES", "set fees"},
                        [MX_SET_STATE] = {"SET_STATE", "set state"},
                        [MX_SET_REFERENCE] = {"SET_REFERENCE", "set reference price"},
                        [MX_BEGIN_DAY] = {"BEGIN_DAY", "begin day"},
                        [MX_SET_BLOCK] = {"SET_BLOCK", "block or unblock"},
                        [MX_SET_KILL] = {"SET_KILL", "kill or unkill"},
                        [MX_SESSION_OPEN] = {"SESSION_OPEN", "open session"},
                        [MX_SESSION_BEAT] = {"SESSION_BEAT", "session's beat"},
                        [MX_SESSION_CLOSE] = {"SESSION_CLOSE", "close session"}};

static const struct asked *asked_of(const wire_report *r) {
    static const struct asked unknown = {"?", "?"};
    return r->command < MX_COMMANDS ? &asked[r->command] : &unknown;
}

/* An answer to a command that is about no order: the report's kind alone does not say what was done. */
static bool is_answer(const wire_report *r) {
    return r->kind == MX_DONE || r->kind == MX_REFUSED;
}

static bool is_fill(const wire_report *r) {
    return r->kind == MX_FILL;
}

/* About an order, as opposed to a mass cancel, a session or the day; of an instrument that says how its amounts are scaled. */
static bool has_order(const venue_report_frame *frame, const wire_report *r) {
    return r->kind <= MX_REPLACE_REJECTED && frame->instrument != NULL;
}

static const char *liquidity_word(uint8_t liquidity) {
    return liquidity == MX_MAKER ? "maker" : "taker";
}

/* ---- a line ---- */

typedef struct scale {
    int32_t price, quantity;
} scale;

static scale scale_of(const venue_report_frame *frame) {
    if (frame->instrument == NULL) return (scale){0, 0};
    return (scale){frame->instrument->price_exponent, frame->instrument->quantity_exponent};
}

/* Of a refusal for an instrument that nobody knows: what was asked for. */
static const char *symbol_of(const venue_report_frame *frame, const wire_report *r) {
    return frame->instrument != NULL ? frame->instrument->symbol : r->symbol;
}

static void print_amount(FILE *to, const char *before, uint64_t quantity, scale at) {
    char text[TW_DECIMAL_BYTES];
    tw_decimal_format_u64(text, sizeof text, quantity, at.quantity);
    fprintf(to, "%s%s", before, text);
}

static void print_price(FILE *to, const char *before, int64_t price, scale at) {
    char text[TW_DECIMAL_BYTES];
    if (price == TW_PRICE_ABSENT) return;
    tw_decimal_format(text, sizeof text, price, at.price);
    fprintf(to, "%s%s", before, text);
}

static void print_fill(FILE *to, const wire_report *r, scale at) {
    char fee[VENUE_MONEY_BYTES];
    print_amount(to, " ", r->last_quantity, at);
    print_price(to, " @ ", r->last_price, at);
    print_amount(to, ", left ", r->leaves, at);
    print_amount(to, ", executed ", r->executed, at);
    print_price(to, " at ", r->average_price, at);
    venue_money_format(fee, r->fee, at.price + at.quantity);
    fprintf(to, " (%s, fee %s)", liquidity_word(r->liquidity), fee);
}

static void print_orders(FILE *to, const char *before, uint64_t count) {
    fprintf(to, "%s%" PRIu64 " order%s cancelled", before, count, count == 1 ? "" : "s");
}

/* What market orders and stops have as a price is the furthest that protection lets them go: nobody asked for it. */
static void print_terms(FILE *to, const wire_report *r, scale at) {
    fprintf(to, " %s", venue_side_word(r->side));
    print_amount(to, " ", r->quantity, at);
    if (r->type == MX_LIMIT || r->type == MX_STOP_LIMIT)
        print_price(to, " @ ", r->price, at);
    else
        fprintf(to, " at the market");
    print_price(to, " stop ", r->stop_price, at);
    if (r->kind == MX_ACCEPTED) fprintf(to, " %s", venue_tif_word(r->tif));
    if (r->executed > 0) print_amount(to, ", executed ", r->executed, at);
}

void venue_report_print(FILE *to, const venue_report_frame *frame, const wire_report *r) {
    char when[TW_INSTANT_BYTES], order[VENUE_ID_BYTES], symbol[TW_SYMBOL_BYTES];
    scale at = scale_of(frame);
    tw_instant_format(when, r->event_ns == TW_TIME_ABSENT ? 0 : r->event_ns);
    venue_order_id_format(order, frame->shard, r->order_id);
    /* 2020-01-30T08:07:14.909934345Z: the time of day to microseconds */
    fprintf(to, "%.15s %-15s%s%s", when + TW_DATE_BYTES, mx_report_kind_name(r->kind), order[0] != '\0' ? " " : "",
            order);
    venue_text_printable(symbol, sizeof symbol, symbol_of(frame, r));
    if (symbol[0] != '\0') fprintf(to, " %s.%s", frame->exchange, symbol);
    if (is_fill(r)) {
        fprintf(to, " %s", venue_side_word(r->side));
        print_fill(to, r, at);
    } else if (has_order(frame, r) && r->quantity > 0) {
        print_terms(to, r, at);
    } else if (is_answer(r)) {
        fprintf(to, " %s", asked_of(r)->words);
        if (r->command == MX_SET_KILL) print_orders(to, ", ", r->quantity);
    } else if (r->kind == MX_MASS_CANCELLED) {
        print_orders(to, " ", r->quantity);
    } else if (r->kind == MX_STATE_CHANGED) {
        fprintf(to, " %s", mx_state_name((mx_state)r->state));
    }
    if (r->duplicate) fprintf(to, " (sent before: %s)", mx_order_status_name(r->status));
    if (r->reason != MXR_OK) fprintf(to, ": %s, %s", mx_reason_name(r->reason), mx_reason_text(r->reason));
    fprintf(to, "\n");
}

/* ---- JSON ---- */

static void price_field(json_writer *w, const char *name, int64_t price, scale at) {
    if (price != TW_PRICE_ABSENT) json_decimal(w, name, price, at.price);
}

static void order_fields(json_writer *w, const wire_report *r, scale at) {
    json_string(w, "side", venue_side_word(r->side));
    json_string(w, "order_type", venue_type_word(r->type));
    json_string(w, "time_in_force", venue_tif_word(r->tif));
    price_field(w, "price", r->price, at);
    price_field(w, "stop_price", r->stop_price, at);
    json_decimal_u64(w, "quantity", r->quantity, at.quantity);
    json_decimal_u64(w, "leaves", r->leaves, at.quantity);
    json_decimal_u64(w, "executed", r->executed, at.quantity);
    price_field(w, "average_price", r->average_price, at);
    if (!is_fill(r)) return;
    char fee[VENUE_MONEY_BYTES];
    price_field(w, "last_price", r->last_price, at);
    json_decimal_u64(w, "last_quantity", r->last_quantity, at.quantity);
    json_string(w, "liquidity", liquidity_word(r->liquidity));
    venue_money_format(fee, r->fee, at.price + at.quantity);
    json_string(w, "fee", fee);
}

static void id_fields(json_writer *w, const venue_report_frame *frame, const wire_report *r) {
    char id[VENUE_ID_BYTES];
    json_u64(w, "shard", frame->shard);
    venue_execution_id_format(id, frame->shard, r->seq, r->n);
    json_string(w, "execution_id", id);
    json_u64_string(w, "seq", r->seq);
    json_u64(w, "n", r->n);
    json_u64(w, "index", r->index);
    json_string(w, "kind", mx_report_kind_name(r->kind));
    if (r->status != MX_STATUS_NONE) json_string(w, "status", mx_order_status_name(r->status));
    json_string(w, "command", asked_of(r)->name);
    if (r->reason != MXR_OK) {
        json_string(w, "reason", mx_reason_name(r->reason));
        json_string(w, "reason_text", mx_reason_text(r->reason));
    }
    venue_order_id_format(id, frame->shard, r->order_id);
    if (id[0] != '\0') json_string(w, "order_id", id);
    if (r->client_order_id[0] != '\0') json_string(w, "client_order_id", r->client_order_id);
    if (r->correlation_id[0] != '\0') json_string(w, "correlation_id", r->correlation_id);
    if (r->order_correlation_id[0] != '\0') json_string(w, "order_correlation_id", r->order_correlation_id);
}

void venue_report_json(FILE *to, const venue_report_frame *frame, const wire_report *r) {
    char line[LINE_BYTES];
    json_writer w;
    json_start(&w, line, sizeof line);
    json_open_object(&w, NULL);
    json_string(&w, "type", "execution");
    json_string(&w, "account", frame->account);
    json_string(&w, "exchange", frame->exchange);
    if (symbol_of(frame, r)[0] != '\0') json_string(&w, "symbol", symbol_of(frame, r));
    id_fields(&w, frame, r);
    if (has_order(frame, r)) order_fields(&w, r, scale_of(frame));
    if (r->kind == MX_MASS_CANCELLED || (is_answer(r) && r->command == MX_SET_KILL))
        json_u64(&w, "orders", r->quantity);
    if (r->event_ns != TW_TIME_ABSENT) json_i64_string(&w, "event_ns", r->event_ns);
    if (r->stream_ns != TW_TIME_ABSENT) json_i64_string(&w, "stream_ns", r->stream_ns);
    if (r->duplicate) json_bool(&w, "duplicate", true);
    json_close_object(&w);
    if (json_finish(&w)) fprintf(to, "%s\n", line);
}

/* ---- a message ---- */

static const wire_named_instrument *find(const wire_named_instrument *names, uint32_t count, uint32_t number) {
    for (uint32_t i = 0; i < count; i++)
        if (names[i].number == number) return &names[i];
    return NULL;
}

/* The names stand behind the reports, so they are read first. */
bool venue_reports_walk(const uint8_t *bytes, size_t length, venue_on_report on_report, void *context) {
    wire_executions batch;
    wire_part part;
    uint32_t count = 0;
    if (wire_executions_open(&batch, bytes, length) != WIRE_OK) return false;
    wire_named_instrument *names = calloc(batch.rest.count + 1, sizeof *names);
    if (names == NULL) return false;
    while (wire_executions_next(&batch, &part))
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT) names[count++] = part.instrument;
    wire_executions_open(&batch, bytes, length);
    venue_report_frame frame = {
        .exchange = batch.header.exchange, .account = batch.header.account, .shard = batch.header.shard};
    while (wire_executions_next(&batch, &part)) {
        if (part.kind != WIRE_PART_REPORT || part.fault.kind != WIRE_FAULT_NONE) continue;
        frame.instrument = find(names, count, part.report.instrument);
        on_report(context, &frame, &part.report);
    }
    free(names);
    return true;
}
