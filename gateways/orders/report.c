/* Numbers of the wire as words, scaled integers as decimals. */
#include "gateways/orders/report.h"

#include "base/text.h"
#include "gateways/orders/request.h"
#include "matcher/core/command.h"
#include "matcher/core/report.h"

#define MOST_PLACES 40

const wire_named_instrument *report_name_of(const report_names *names, uint32_t number) {
    for (uint32_t i = 0; i < names->count; i++)
        if (names->names[i].number == number) return &names->names[i];
    return NULL;
}

/* ---- money ---- */

void report_money_format(char text[MONEY_BYTES], wire_money value, int32_t exponent) {
    char digits[MONEY_BYTES], *at = digits + sizeof digits - 1, *out = text;
    bool negative = value < 0;
    unsigned __int128 left = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    int32_t places = exponent < 0 ? -exponent : 0, written = 0;
    if (places > MOST_PLACES) places = MOST_PLACES;
    *at = '\0';
    for (int32_t zeros = left != 0 && exponent > 0 ? exponent : 0; zeros > 0 && zeros <= MOST_PLACES; zeros--)
        *--at = '0';
    do {
        if (places > 0 && written++ == places) *--at = '.';
        *--at = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left > 0 || (places > 0 && written <= places));
    if (negative) *out++ = '-';
    tw_text_copy(out, MONEY_BYTES - negative, at);
}

static void put_money(json_writer *w, const char *name, wire_money value, const wire_named_instrument *of) {
    char text[MONEY_BYTES];
    report_money_format(text, value, of->price_exponent + of->quantity_exponent);
    json_string(w, name, text);
}

/* ---- words ---- */

static const char *const sides[] = {"buy", "sell"};
static const char *const types[] = {"limit", "market", "stop", "stop_limit"};
static const char *const times[] = {"gtc", "day", "gtd", "ioc", "fok"};
static const char *const liquidities[] = {"", "maker", "taker"};
static const char *const statuses[] = {"", "WAITING", "OPEN", "FILLED", "CANCELLED"};
static const char *const commands[] = {[MX_NEW_ORDER] = "NEW_ORDER",
                                       [MX_CANCEL] = "CANCEL",
                                       [MX_REPLACE] = "REPLACE",
                                       [MX_MASS_CANCEL] = "MASS_CANCEL",
                                       [MX_CLOCK] = "CLOCK",
                                       [MX_SET_STATE] = "SET_STATE",
                                       [MX_BEGIN_DAY] = "BEGIN_DAY",
                                       [MX_SET_KILL] = "SET_KILL",
                                       [MX_SESSION_OPEN] = "SESSION_OPEN",
                                       [MX_SESSION_BEAT] = "SESSION_BEAT",
                                       [MX_SESSION_CLOSE] = "SESSION_CLOSE",
                                       [MX_SET_BOUNDS] = "SET_BOUNDS"};

#define PUT_WORD(w, name, words, value)                                                                            \
    do {                                                                                                           \
        if ((value) < sizeof(words) / sizeof *(words) && (words)[value] != NULL && (words)[value][0] != '\0')      \
            json_string(w, name, (words)[value]);                                                                  \
    } while (0)

static void put_price(json_writer *w, const char *name, int64_t price, const wire_named_instrument *of) {
    if (price != TW_PRICE_ABSENT) json_decimal(w, name, price, of->price_exponent);
}

static void put_quantity(json_writer *w, const char *name, uint64_t quantity, const wire_named_instrument *of) {
    json_decimal_u64(w, name, quantity, of->quantity_exponent);
}

static void put_time(json_writer *w, const char *name, int64_t time_ns) {
    if (time_ns != TW_TIME_ABSENT) json_i64_string(w, name, time_ns);
}

static void put_text(json_writer *w, const char *name, const char *text) {
    if (text[0] != '\0') json_string(w, name, text);
}

static void put_reason(json_writer *w, uint32_t reason) {
    if (reason == MXR_OK) return;
    json_string(w, "reason", mx_reason_name((mx_reason)reason));
    put_text(w, "reason_text", mx_reason_text((mx_reason)reason));
}

static void put_order_id(json_writer *w, uint32_t shard, uint64_t order_id) {
    char text[ORDER_ID_BYTES];
    if (order_id == 0) return;
    order_id_format(text, shard, order_id);
    json_string(w, "order_id", text);
}

/* ---- reports ---- */

static void put_order(json_writer *w, const wire_report *r, const wire_named_instrument *of) {
    PUT_WORD(w, "side", sides, r->side);
    PUT_WORD(w, "order_type", types, r->type);
    PUT_WORD(w, "time_in_force", times, r->tif);
    put_price(w, "price", r->price, of);
    put_price(w, "stop_price", r->stop_price, of);
    put_quantity(w, "quantity", r->quantity, of);
    put_quantity(w, "leaves", r->leaves, of);
    put_quantity(w, "shown", r->shown, of);
    put_quantity(w, "executed", r->executed, of);
    put_price(w, "average_price", r->average_price, of);
    put_price(w, "last_price", r->last_price, of);
    if (r->kind != MX_FILL) return;
    put_quantity(w, "last_quantity", r->last_quantity, of);
    PUT_WORD(w, "liquidity", liquidities, r->liquidity);
    put_money(w, "fee", r->fee, of);
}

/* What was refused for an order that is not there says nothing of one. */
static bool is_of_an_order(const wire_report *r) {
    bool refused = r->kind == MX_CANCEL_REJECTED || r->kind == MX_REPLACE_REJECTED;
    return r->kind <= MX_RESTATED || (refused && r->status != MX_STATUS_NONE);
}

bool report_write(json_writer *w, const report_frame *frame, const wire_report *r,
                  const wire_named_instrument *of) {
    char id[MX_EXECUTION_ID_BYTES];
    tw_text_format(id, sizeof id, "%u-%llu-%u", frame->shard, (unsigned long long)r->seq, r->n);
    json_open_object(w, NULL);
    json_string(w, "type", "execution");
    json_string(w, "subject", frame->subject);
    json_string(w, "account", frame->account);
    json_string(w, "exchange", frame->exchange);
    put_text(w, "symbol", of != NULL ? of->symbol : r->symbol);
    json_u64(w, "shard", frame->shard);
    json_string(w, "execution_id", id);
    json_u64_string(w, "seq", r->seq);
    json_u64(w, "n", r->n);
    json_u64(w, "index", r->index);
    json_string(w, "kind", mx_report_kind_name((mx_report_kind)r->kind));
    PUT_WORD(w, "status", statuses, r->status);
    PUT_WORD(w, "command", commands, r->command);
    put_reason(w, r->reason);
    put_order_id(w, frame->shard, r->order_id);
    put_text(w, "client_order_id", r->client_order_id);
    put_text(w, "correlation_id", r->correlation_id);
    put_text(w, "order_correlation_id", r->order_correlation_id);
    if (is_of_an_order(r) && of != NULL)
        put_order(w, r, of);
    else if (r->kind == MX_MASS_CANCELLED)
        json_u64_string(w, "quantity", r->quantity);
    put_time(w, "event_ns", r->event_ns);
    put_time(w, "stream_ns", r->stream_ns);
    if (r->duplicate) json_bool(w, "duplicate", true);
    json_close_object(w);
    return json_finish(w);
}

/* ---- views ---- */

/* Rounded half up, as the engine's reports have it. */
static void put_average(json_writer *w, const wire_order_view *o, const wire_named_instrument *of) {
    if (o->executed == 0) return;
    wire_money average = (2 * o->executed_notional + (wire_money)o->executed) / (2 * (wire_money)o->executed);
    json_decimal(w, "average_price", (int64_t)average, of->price_exponent);
}

/* An order that never came to be has no status of its own at the venue, and an expired one has that of a cancelled one: who has only this
 * answer wants to know. */
static void put_view_status(json_writer *w, const wire_order_view *o) {
    if (o->rejected)
        json_string(w, "status", "REJECTED");
    else if (o->expired)
        json_string(w, "status", "EXPIRED");
    else
        PUT_WORD(w, "status", statuses, o->status);
    put_reason(w, o->reason);
}

static void put_amounts(json_writer *w, const wire_order_view *o, const wire_named_instrument *of) {
    put_price(w, "price", o->price, of);
    put_price(w, "stop_price", o->stop_price, of);
    put_quantity(w, "quantity", o->quantity, of);
    put_quantity(w, "leaves", o->leaves, of);
    put_quantity(w, "shown", o->shown, of);
    put_quantity(w, "executed", o->executed, of);
    if (o->display != 0 && o->display != WIRE_QUANTITY_ABSENT) put_quantity(w, "display", o->display, of);
    put_average(w, o, of);
}

void report_write_order(json_writer *w, const char *exchange, uint32_t shard, const wire_order_view *o,
                        const wire_named_instrument *of) {
    json_open_object(w, NULL);
    put_order_id(w, shard, o->order_id);
    put_text(w, "client_order_id", o->client_order_id);
    put_text(w, "correlation_id", o->correlation_id);
    json_string(w, "exchange", exchange);
    put_text(w, "symbol", of != NULL ? of->symbol : o->symbol);
    json_u64(w, "shard", shard);
    PUT_WORD(w, "side", sides, o->side);
    PUT_WORD(w, "order_type", types, o->type);
    PUT_WORD(w, "time_in_force", times, o->tif);
    put_view_status(w, o);
    if (of != NULL) put_amounts(w, o, of);
    put_time(w, "expire_ns", o->expire_ns == 0 ? TW_TIME_ABSENT : o->expire_ns);
    if (o->session != 0) json_bool(w, "cancel_on_disconnect", true);
    json_close_object(w);
}

void report_write_position(json_writer *w, uint32_t shard, const wire_position_view *p,
                           const wire_named_instrument *of) {
    json_open_object(w, NULL);
    json_string(w, "symbol", of->symbol);
    json_u64(w, "shard", shard);
    json_decimal(w, "quantity", p->quantity, of->quantity_exponent);
    put_price(w, "average_price", p->average_price, of);
    put_money(w, "cost", p->cost, of);
    put_money(w, "realised", p->realised, of);
    put_quantity(w, "open_buys", p->open_buys, of);
    put_quantity(w, "open_sells", p->open_sells, of);
    json_close_object(w);
}

void report_write_limits(json_writer *w, uint32_t shard, const wire_account_view *a) {
    json_open_object(w, NULL);
    json_u64(w, "shard", shard);
    json_bool(w, "limits_known", a->limits_known);
    json_bool(w, "blocked", a->blocked);
    json_bool(w, "killed", a->killed);
    json_u64(w, "open_orders", a->open_orders);
    json_close_object(w);
}
