/* Commands and reports as lines. */
#include "tools/journal/audit.h"

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"
#include "matcher/core/command.h"
#include "matcher/core/report.h"

#define NAME_BYTES   80
#define MONEY_DIGITS 40 /* of 2^127 */

/* ---- numbers ---- */

/* Exponents of an instrument, or none: then integers are shown as they travel. */
typedef struct scale {
    bool known;
    int32_t price, quantity;
} scale;

static scale scale_of(const wire_named_instrument *instrument) {
    if (instrument == NULL) return (scale){0};
    return (scale){true, instrument->price_exponent, instrument->quantity_exponent};
}

void audit_order_id_text(char *text, size_t capacity, uint32_t shard, uint64_t order_id) {
    tw_text_format(text, capacity, "%" PRIu32 "-%" PRIu64 "-%" PRIu64, shard, order_id >> 16,
                   order_id & UINT16_MAX);
}

static bool part_of(const char **text, uint64_t *value) {
    char digits[24];
    size_t length = strcspn(*text, "-");
    if (length == 0 || length >= sizeof digits) return false;
    memcpy(digits, *text, length);
    digits[length] = '\0';
    *text += length + ((*text)[length] == '-');
    return tw_text_to_u64(digits, value);
}

bool audit_order_id_parse(const char *text, uint32_t shard, uint64_t *order_id) {
    uint64_t of_shard, seq, index;
    if (strchr(text, '-') == NULL) return tw_text_to_u64(text, order_id) && *order_id != 0;
    if (!part_of(&text, &of_shard) || !part_of(&text, &seq) || !part_of(&text, &index) || *text != '\0')
        return false;
    if (of_shard != shard || seq == 0 || seq >> 48 != 0 || index > UINT16_MAX) return false;
    *order_id = MX_ORDER_ID(seq, index);
    return true;
}

void audit_money_text(char *text, size_t capacity, wire_money value, int32_t exponent) {
    char digits[MONEY_DIGITS + 1];
    size_t at = sizeof digits;
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    digits[--at] = '\0';
    do
        digits[--at] = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) != 0 && at > 0);
    const char *sign = value < 0 ? "-" : "";
    size_t length = sizeof digits - 1 - at, decimals = exponent < 0 ? (size_t)-exponent : 0;
    if (decimals == 0)
        tw_text_format(text, capacity, "%s%s%.*s", sign, digits + at, exponent > 0 ? exponent : 0,
                       "000000000000000000000000000000");
    else if (length > decimals)
        tw_text_format(text, capacity, "%s%.*s.%s", sign, (int)(length - decimals), digits + at,
                       digits + at + length - decimals);
    else
        tw_text_format(text, capacity, "%s0.%.*s%s", sign, (int)(decimals - length),
                       "000000000000000000000000000000", digits + at);
}

/* ---- words ---- */

static const char *side_word(uint8_t side) {
    return side == TW_BID ? "buy" : side == TW_ASK ? "sell" : "?";
}

static const char *sides_word(uint32_t sides) {
    return sides == TW_SIDES_BID ? "buys" : sides == TW_SIDES_ASK ? "sells" : "both sides";
}

static const char *order_word(uint8_t kind) {
    static const char *const words[] = {"new",          "cancel",       "replace",      "mass-cancel",
                                        "session-open", "session-beat", "session-close"};
    return kind < sizeof words / sizeof *words ? words[kind] : "unknown";
}

static const char *control_word(uint8_t kind) {
    static const char *const words[] = {"clock",     "define-instrument", "define-account", "set-limits",
                                        "set-fees",  "set-state",         "set-reference",  "begin-day",
                                        "set-block", "set-kill",          "mass-cancel",    "set-storage",
                                        "set-bounds"};
    return kind < sizeof words / sizeof *words ? words[kind] : "unknown";
}

static bool has_switch(const wire_control_command *c) {
    return c->kind == WIRE_SET_BLOCK || c->kind == WIRE_SET_KILL;
}

/* ---- lines for people ---- */

typedef struct line {
    char *text;
    size_t length;
} line;

#define ADD(to, ...)                                                                                               \
    do {                                                                                                           \
        tw_text_format((to)->text + (to)->length, AUDIT_LINE_BYTES - (to)->length, __VA_ARGS__);                   \
        (to)->length += strlen((to)->text + (to)->length);                                                         \
    } while (0)

static void add_decimal(line *to, const char *before, int64_t value, bool known, int32_t exponent) {
    char text[TW_DECIMAL_BYTES];
    tw_decimal_format(text, sizeof text, value, known ? exponent : 0);
    ADD(to, "%s%s%s", before, text, known ? "" : " scaled");
}

static void add_price(line *to, const char *before, int64_t price, const scale *by) {
    if (price != TW_PRICE_ABSENT) add_decimal(to, before, price, by->known, by->price);
}

static void add_quantity(line *to, const char *before, uint64_t quantity, const scale *by) {
    char text[TW_DECIMAL_BYTES];
    if (quantity == WIRE_QUANTITY_ABSENT) return;
    tw_decimal_format_u64(text, sizeof text, quantity, by->known ? by->quantity : 0);
    ADD(to, "%s%s", before, text);
}

static void add_money(line *to, const char *before, wire_money money, const scale *by) {
    char text[64];
    if (money == (wire_money)UINT64_MAX) {
        ADD(to, "%sunlimited", before);
        return;
    }
    audit_money_text(text, sizeof text, money, by->known ? by->price + by->quantity : 0);
    ADD(to, "%s%s", before, text);
}

static void add_instant(line *to, const char *before, int64_t instant_ns) {
    char text[TW_INSTANT_BYTES];
    if (instant_ns == TW_TIME_ABSENT || instant_ns == 0) return;
    tw_instant_format(text, instant_ns);
    ADD(to, "%s%s", before, text);
}

/* In quotes, so that an empty or odd name is seen; other than printable bytes are shown as '?'. */
static void add_name(line *to, const char *before, const char *name) {
    char shown[NAME_BYTES];
    size_t length = 0;
    if (name[0] == '\0') return;
    for (; name[length] != '\0' && length + 1 < sizeof shown; length++)
        shown[length] = (unsigned char)name[length] < ' ' || name[length] == 127 ? '?' : name[length];
    shown[length] = '\0';
    ADD(to, "%s%s", before, shown);
}

static void add_place(line *to, const audit_place *place) {
    ADD(to, "%" PRIu32 "-%" PRIu64 "-%" PRIu32, place->shard, place->seq, place->index);
    add_instant(to, "  ", place->stream_ns);
}

static void add_fault(line *to, const wire_fault_info *fault) {
    if (fault->kind != WIRE_FAULT_NONE)
        ADD(to, "  [field %" PRIu32 ": %s]", fault->field, wire_fault_text(fault->kind));
}

static void add_target(line *to, uint32_t shard, uint64_t order_id, const char *client_order_id) {
    char id[64];
    if (order_id != 0) {
        audit_order_id_text(id, sizeof id, shard, order_id);
        ADD(to, " order %s", id);
    }
    add_name(to, " id ", client_order_id);
}

static void add_new_order(line *to, const wire_order_command *c, const scale *by) {
    ADD(to, " %s", side_word(c->side));
    add_quantity(to, " ", c->quantity, by);
    add_price(to, " @ ", c->price, by);
    ADD(to, " %s %s", mx_type_name(c->type), mx_tif_name(c->tif));
    add_price(to, " stop ", c->stop_price, by);
    if (c->display != 0) add_quantity(to, " display ", c->display, by);
    if (c->minimum != 0) add_quantity(to, " minimum ", c->minimum, by);
    if (c->post_only) ADD(to, " post-only");
    if (c->stp != 0) ADD(to, " self-trade %s", mx_stp_name(c->stp));
    add_instant(to, " till ", c->expire_ns);
    if (c->session != 0) ADD(to, " session %" PRIu64, c->session);
    add_name(to, " id ", c->client_order_id);
}

static void add_replace(line *to, uint32_t shard, const wire_order_command *c, const scale *by) {
    add_target(to, shard, c->order_id, c->client_order_id);
    add_quantity(to, c->open_only ? " open quantity " : " quantity ", c->quantity, by);
    add_price(to, " @ ", c->price, by);
    add_price(to, " stop ", c->stop_price, by);
    add_quantity(to, " display ", c->display, by);
}

static void order_text(const journal_names *names, const audit_place *place, const wire_order_command *c,
                       line *to) {
    const scale by = scale_of(journal_names_symbol(names, c->symbol));
    add_place(to, place);
    add_name(to, "  ", c->account);
    add_name(to, " ", c->symbol);
    ADD(to, "  %s", order_word(c->kind));
    if (c->kind == WIRE_NEW_ORDER)
        add_new_order(to, c, &by);
    else if (c->kind == WIRE_CANCEL)
        add_target(to, place->shard, c->order_id, c->client_order_id);
    else if (c->kind == WIRE_REPLACE)
        add_replace(to, place->shard, c, &by);
    else if (c->kind == WIRE_MASS_CANCEL)
        ADD(to, " %s%s", sides_word(c->sides), c->all_symbols ? " of all symbols" : "");
    else if (c->kind != WIRE_UNKNOWN)
        ADD(to, " %" PRIu64, c->session);
    add_name(to, "  correlation ", c->correlation_id);
    add_name(to, "  from ", place->batch->sender);
    add_fault(to, &c->fault);
}

static void add_count(line *to, const char *before, uint64_t count, uint64_t unlimited) {
    if (count == unlimited)
        ADD(to, "%sunlimited", before);
    else
        ADD(to, "%s%" PRIu64, before, count);
}

static void add_limits(line *to, const wire_control_command *c, const scale *by) {
    add_money(to, " funds ", c->funds, by);
    add_money(to, " exposure ", c->exposure, by);
    add_money(to, " order notional ", c->order_notional, by);
    add_count(to, " order quantity ", c->order_quantity, UINT64_MAX);
    add_count(to, " position ", c->position, UINT64_MAX);
    add_count(to, " open orders ", c->open_orders, UINT32_MAX);
    add_count(to, " concentration ppm ", c->concentration_ppm, UINT32_MAX);
    ADD(to, " collar %" PRIu32 " ppm rate %" PRIu32 "/s burst %" PRIu32 " duplicate %" PRId64 " ns", c->collar_ppm,
        c->rate_per_second, c->rate_burst, c->duplicate_ns);
}

static uint32_t bands_of(const wire_control_command *c) {
    return c->tick.count < c->tick_from.count ? c->tick.count : c->tick_from.count;
}

/* "tick 0.0001, 0.0100 from 1.0000": the first band is from its price on, which is 0 as a rule. */
static void add_instrument(line *to, const wire_control_command *c) {
    const scale own = {true, c->price_exponent, c->quantity_exponent};
    ADD(to, " price exponent %" PRId32 " quantity exponent %" PRId32 " lot %" PRIu64, c->price_exponent,
        c->quantity_exponent, c->lot);
    for (uint32_t i = 0; i < bands_of(c); i++) {
        add_price(to, i == 0 ? " tick " : ", ", c->tick.values[i], &own);
        if (c->tick_from.values[i] != 0) add_price(to, " from ", c->tick_from.values[i], &own);
    }
    ADD(to, " collar %" PRIu32 " ppm protection %" PRIu32 " ppm", c->collar_ppm, c->protection_ppm);
    add_price(to, " reference ", c->price, &own);
}

typedef struct named_bound {
    const char *name;
    uint32_t value; /* 0: not named, stays as it is */
} named_bound;

enum { BOUNDS = 9 };

static void bounds_of(const wire_control_command *c, named_bound bounds[BOUNDS]) {
    const named_bound all[BOUNDS] = {{"max_instruments", c->max_instruments},
                                     {"max_accounts", c->max_accounts},
                                     {"max_positions", c->max_positions},
                                     {"max_orders", c->max_orders},
                                     {"max_pages", c->max_pages},
                                     {"max_client_ids", c->max_client_ids},
                                     {"max_sessions", c->max_sessions},
                                     {"max_reports", c->max_reports},
                                     {"max_steps", c->max_steps}};
    memcpy(bounds, all, sizeof all);
}

static void add_bounds(line *to, const wire_control_command *c) {
    named_bound bounds[BOUNDS];
    bounds_of(c, bounds);
    for (size_t i = 0; i < BOUNDS; i++)
        if (bounds[i].value != 0) ADD(to, " %s %" PRIu32, bounds[i].name, bounds[i].value);
}

static void control_text(const journal_names *names, const audit_place *place, const wire_control_command *c,
                         line *to) {
    const scale unknown = {0}, by = scale_of(journal_names_symbol(names, c->symbol));
    add_place(to, place);
    ADD(to, "  control  %s", control_word(c->kind));
    add_name(to, " ", c->all_accounts ? "all accounts" : c->account);
    add_name(to, " ", c->all_symbols ? "all symbols" : c->symbol);
    if (c->kind == WIRE_SET_STATE) ADD(to, " %s", mx_state_name(c->state));
    if (has_switch(c)) ADD(to, " %s", c->on ? "on" : "off");
    if (c->kind == WIRE_SET_STORAGE) ADD(to, " %s", c->on ? "low" : "enough");
    if (c->kind == WIRE_BEGIN_DAY) {
        ADD(to, " %" PRIu32, c->date);
        add_instant(to, " until ", c->end_ns);
    }
    if (c->kind == WIRE_DEFINE_INSTRUMENT) {
        add_instrument(to, c);
    } else {
        add_price(to, " reference ", c->price, &by);
    }
    if (c->kind == WIRE_SET_LIMITS) add_limits(to, c, &unknown);
    if (c->kind == WIRE_SET_BOUNDS) add_bounds(to, c);
    if (c->kind == WIRE_SET_FEES)
        ADD(to, " class %" PRIu32 " maker %" PRId32 " ppm taker %" PRId32 " ppm", c->fee_class, c->maker_ppm,
            c->taker_ppm);
    add_name(to, "  correlation ", c->correlation_id);
    add_name(to, "  from ", place->batch->sender);
    add_fault(to, &c->fault);
}

static void add_fill(line *to, uint32_t shard, const wire_report *r, const scale *by) {
    char id[64];
    add_quantity(to, "  ", r->last_quantity, by);
    add_price(to, " @ ", r->last_price, by);
    if (r->counter_id != 0) {
        audit_order_id_text(id, sizeof id, shard, r->counter_id);
        ADD(to, " with %s", id);
    }
    ADD(to, " %s", r->liquidity == MX_MAKER ? "maker" : r->liquidity == MX_TAKER ? "taker" : "");
    add_money(to, " fee ", r->fee, by);
}

static void add_order_state(line *to, const wire_report *r, const scale *by) {
    ADD(to, "  %s", mx_order_status_name(r->status));
    add_quantity(to, " ", r->quantity, by);
    add_price(to, " @ ", r->price, by);
    add_quantity(to, " leaves ", r->leaves, by);
    add_quantity(to, " executed ", r->executed, by);
    add_price(to, " average ", r->average_price, by);
}

static bool names_an_order(const wire_report *r) {
    return r->order_id != 0 && r->status != MX_STATUS_NONE;
}

/* A refusal has no number where nobody has the name, but the name. */
static const char *account_of(const journal_names *names, const wire_report *r) {
    const char *known = journal_names_account(names, r->account);
    return known != NULL ? known : r->account_name;
}

static const char *symbol_of(const journal_names *names, const wire_report *r) {
    const wire_named_instrument *known = journal_names_instrument(names, r->instrument);
    return known != NULL ? known->symbol : r->symbol;
}

static void report_text(const journal_names *names, uint32_t shard, const wire_report *r, line *to) {
    const wire_named_instrument *instrument = journal_names_instrument(names, r->instrument);
    const scale by = scale_of(instrument);
    char id[64];
    ADD(to, "    %" PRIu32 "-%" PRIu64 "-%" PRIu32 "  %s", shard, r->seq, r->n, mx_report_kind_name(r->kind));
    add_name(to, "  ", account_of(names, r));
    add_name(to, " ", symbol_of(names, r));
    if (r->order_id != 0) {
        audit_order_id_text(id, sizeof id, shard, r->order_id);
        ADD(to, "  order %s %s", id, side_word(r->side));
    }
    if (r->kind == MX_FILL) add_fill(to, shard, r, &by);
    if (r->kind == MX_STATE_CHANGED) ADD(to, "  %s", mx_state_name(r->state));
    if (r->kind == MX_MASS_CANCELLED) ADD(to, "  %" PRIu64 " orders", r->quantity);
    if (names_an_order(r)) add_order_state(to, r, &by);
    if (r->duplicate) ADD(to, "  duplicate");
    if (r->reason != 0)
        ADD(to, "  %s: %s", mx_reason_name((mx_reason)r->reason), mx_reason_text((mx_reason)r->reason));
    add_name(to, "  id ", r->client_order_id);
    add_name(to, "  correlation ", r->correlation_id);
    add_name(to, "  of the order ", r->order_correlation_id);
}

/* ---- lines for programs ---- */

static void json_price(json_writer *w, const char *name, int64_t price, const scale *by) {
    if (price != TW_PRICE_ABSENT) json_decimal(w, name, price, by->known ? by->price : 0);
}

static void json_quantity(json_writer *w, const char *name, uint64_t quantity, const scale *by) {
    if (quantity != WIRE_QUANTITY_ABSENT) json_decimal_u64(w, name, quantity, by->known ? by->quantity : 0);
}

static void json_money(json_writer *w, const char *name, wire_money money, const scale *by) {
    char text[64];
    audit_money_text(text, sizeof text, money, by->known ? by->price + by->quantity : 0);
    json_string(w, name, text);
}

static void json_text(json_writer *w, const char *name, const char *text) {
    if (text[0] != '\0') json_string(w, name, text);
}

static void json_instant(json_writer *w, const char *name, int64_t instant_ns) {
    if (instant_ns != TW_TIME_ABSENT && instant_ns != 0) json_i64_string(w, name, instant_ns);
}

static void json_order_id(json_writer *w, const char *name, uint32_t shard, uint64_t order_id) {
    char id[64];
    if (order_id == 0) return;
    audit_order_id_text(id, sizeof id, shard, order_id);
    json_string(w, name, id);
}

static void json_place(json_writer *w, const char *type, const audit_place *place) {
    char id[64];
    tw_text_format(id, sizeof id, "%" PRIu32 "-%" PRIu64 "-%" PRIu32, place->shard, place->seq, place->index);
    json_string(w, "type", type);
    json_string(w, "command_id", id);
    json_u64(w, "shard", place->shard);
    json_u64_string(w, "seq", place->seq);
    json_u64(w, "index", place->index);
    json_instant(w, "stream_ns", place->stream_ns);
    json_string(w, "subject", place->subject);
    if (place->batch == NULL) return;
    json_text(w, "sender", place->batch->sender);
    json_instant(w, "sent_ns", place->batch->sent_ns);
}

static void json_fault(json_writer *w, const wire_fault_info *fault) {
    if (fault->kind == WIRE_FAULT_NONE) return;
    json_string(w, "fault", wire_fault_text(fault->kind));
    json_u64(w, "fault_field", fault->field);
}

static void order_json(const journal_names *names, const audit_place *place, const wire_order_command *c,
                       json_writer *w) {
    const scale by = scale_of(journal_names_symbol(names, c->symbol));
    json_place(w, "command", place);
    json_string(w, "command", order_word(c->kind));
    json_text(w, "account", c->account);
    json_text(w, "symbol", c->symbol);
    if (!by.known) json_bool(w, "scaled", true);
    if (c->kind == WIRE_NEW_ORDER) {
        json_string(w, "side", side_word(c->side));
        json_string(w, "order_type", mx_type_name(c->type));
        json_string(w, "time_in_force", mx_tif_name(c->tif));
        json_string(w, "self_trade", mx_stp_name(c->stp));
        json_bool(w, "post_only", c->post_only);
        if (c->minimum != 0) json_quantity(w, "minimum", c->minimum, &by);
        json_instant(w, "expire_ns", c->expire_ns);
    }
    json_quantity(w, "quantity", c->quantity, &by);
    json_price(w, "price", c->price, &by);
    json_price(w, "stop_price", c->stop_price, &by);
    json_quantity(w, "display", c->display, &by);
    if (c->kind == WIRE_REPLACE) json_bool(w, "open_only", c->open_only);
    if (c->kind == WIRE_MASS_CANCEL) {
        json_string(w, "sides", sides_word(c->sides));
        json_bool(w, "all_symbols", c->all_symbols);
    }
    if (c->session != 0) json_u64_string(w, "session", c->session);
    json_order_id(w, "order_id", place->shard, c->order_id);
    json_text(w, "client_order_id", c->client_order_id);
    json_text(w, "correlation_id", c->correlation_id);
    json_fault(w, &c->fault);
}

static void instrument_json(const wire_control_command *c, json_writer *w) {
    json_i64(w, "price_exponent", c->price_exponent);
    json_i64(w, "quantity_exponent", c->quantity_exponent);
    json_u64_string(w, "lot", c->lot);
    json_u64(w, "collar_ppm", c->collar_ppm);
    json_u64(w, "protection_ppm", c->protection_ppm);
    json_open_array(w, "ticks");
    for (uint32_t i = 0; i < bands_of(c); i++) {
        json_open_object(w, NULL);
        json_i64_string(w, "from_scaled", c->tick_from.values[i]);
        json_i64_string(w, "tick_scaled", c->tick.values[i]);
        json_close_object(w);
    }
    json_close_array(w);
}

static void control_json(const audit_place *place, const wire_control_command *c, json_writer *w) {
    json_place(w, "command", place);
    json_string(w, "command", control_word(c->kind));
    json_text(w, "account", c->account);
    json_text(w, "symbol", c->symbol);
    if (c->all_accounts) json_bool(w, "all_accounts", true);
    if (c->all_symbols) json_bool(w, "all_symbols", true);
    if (c->kind == WIRE_SET_STATE) json_string(w, "state", mx_state_name(c->state));
    if (has_switch(c)) json_bool(w, "on", c->on);
    if (c->kind == WIRE_SET_STORAGE) json_bool(w, "low", c->on);
    if (c->kind == WIRE_BEGIN_DAY) {
        json_u64(w, "date", c->date);
        json_instant(w, "end_ns", c->end_ns);
    }
    if (c->price != TW_PRICE_ABSENT) json_i64_string(w, "price_scaled", c->price);
    if (c->kind == WIRE_SET_BOUNDS) {
        named_bound bounds[BOUNDS];
        bounds_of(c, bounds);
        for (size_t i = 0; i < BOUNDS; i++)
            if (bounds[i].value != 0) json_u64(w, bounds[i].name, bounds[i].value);
    }
    if (c->kind == WIRE_SET_LIMITS) {
        const scale unknown = {0};
        json_money(w, "funds_scaled", c->funds, &unknown);
        json_money(w, "exposure_scaled", c->exposure, &unknown);
        json_money(w, "order_notional_scaled", c->order_notional, &unknown);
        json_u64_string(w, "order_quantity", c->order_quantity);
        json_u64_string(w, "position", c->position);
        json_u64(w, "open_orders", c->open_orders);
        json_u64(w, "rate_per_second", c->rate_per_second);
        json_u64(w, "rate_burst", c->rate_burst);
        json_u64(w, "concentration_ppm", c->concentration_ppm);
        json_u64(w, "collar_ppm", c->collar_ppm);
        json_i64_string(w, "duplicate_ns", c->duplicate_ns);
    }
    if (c->kind == WIRE_DEFINE_INSTRUMENT) instrument_json(c, w);
    json_text(w, "correlation_id", c->correlation_id);
    json_fault(w, &c->fault);
}

static void report_json(const journal_names *names, uint32_t shard, const wire_report *r, json_writer *w) {
    const wire_named_instrument *instrument = journal_names_instrument(names, r->instrument);
    const scale by = scale_of(instrument);
    char id[64];
    tw_text_format(id, sizeof id, "%" PRIu32 "-%" PRIu64 "-%" PRIu32, shard, r->seq, r->n);
    json_string(w, "type", "report");
    json_string(w, "execution_id", id);
    json_u64(w, "shard", shard);
    json_u64_string(w, "seq", r->seq);
    json_u64(w, "index", r->index);
    json_u64(w, "n", r->n);
    json_string(w, "kind", mx_report_kind_name(r->kind));
    if (r->reason != 0) {
        json_string(w, "reason", mx_reason_name((mx_reason)r->reason));
        json_string(w, "reason_text", mx_reason_text((mx_reason)r->reason));
    }
    json_text(w, "account", account_of(names, r));
    json_text(w, "symbol", symbol_of(names, r));
    if (instrument == NULL) json_bool(w, "scaled", true);
    json_order_id(w, "order_id", shard, r->order_id);
    json_text(w, "client_order_id", r->client_order_id);
    json_text(w, "correlation_id", r->correlation_id);
    json_text(w, "order_correlation_id", r->order_correlation_id);
    if (r->duplicate) json_bool(w, "duplicate", true);
    json_instant(w, "stream_ns", r->stream_ns);
    json_instant(w, "event_ns", r->event_ns);
    if (r->kind == MX_STATE_CHANGED) json_string(w, "state", mx_state_name(r->state));
    if (r->kind == MX_MASS_CANCELLED) json_u64(w, "orders", r->quantity);
    if (!names_an_order(r)) return;
    json_string(w, "status", mx_order_status_name(r->status));
    json_string(w, "side", side_word(r->side));
    json_string(w, "order_type", mx_type_name(r->type));
    json_string(w, "time_in_force", mx_tif_name(r->tif));
    json_price(w, "price", r->price, &by);
    json_price(w, "stop_price", r->stop_price, &by);
    json_quantity(w, "quantity", r->quantity, &by);
    json_quantity(w, "leaves", r->leaves, &by);
    json_quantity(w, "shown", r->shown, &by);
    json_quantity(w, "executed", r->executed, &by);
    json_price(w, "average_price", r->average_price, &by);
    json_money(w, "executed_notional", r->executed_notional, &by);
    if (r->kind != MX_FILL) return;
    json_quantity(w, "last_quantity", r->last_quantity, &by);
    json_price(w, "last_price", r->last_price, &by);
    json_order_id(w, "counter_order_id", shard, r->counter_id);
    json_string(w, "liquidity", r->liquidity == MX_MAKER ? "maker" : "taker");
    json_money(w, "fee", r->fee, &by);
}

/* ---- both ---- */

static void begin_json(json_writer *w, char text[AUDIT_LINE_BYTES]) {
    json_start(w, text, AUDIT_LINE_BYTES);
    json_open_object(w, NULL);
}

static void end_json(json_writer *w) {
    json_close_object(w);
    json_finish(w);
}

void audit_order_command(bool json, const journal_names *names, const audit_place *place,
                         const wire_order_command *command, char text[AUDIT_LINE_BYTES]) {
    line to = {.text = text};
    json_writer w;
    text[0] = '\0';
    if (!json) {
        order_text(names, place, command, &to);
        return;
    }
    begin_json(&w, text);
    order_json(names, place, command, &w);
    end_json(&w);
}

void audit_control_command(bool json, const journal_names *names, const audit_place *place,
                           const wire_control_command *command, char text[AUDIT_LINE_BYTES]) {
    line to = {.text = text};
    json_writer w;
    text[0] = '\0';
    if (!json) {
        control_text(names, place, command, &to);
        return;
    }
    begin_json(&w, text);
    control_json(place, command, &w);
    end_json(&w);
}

void audit_message(bool json, const audit_place *place, const char *what, char text[AUDIT_LINE_BYTES]) {
    line to = {.text = text};
    json_writer w;
    text[0] = '\0';
    if (!json) {
        add_place(&to, place);
        add_name(&to, "  ", place->subject);
        ADD(&to, "  %s", what);
        return;
    }
    begin_json(&w, text);
    json_place(&w, "message", place);
    json_string(&w, "what", what);
    end_json(&w);
}

void audit_report(bool json, const journal_names *names, uint32_t shard, const wire_report *report,
                  char text[AUDIT_LINE_BYTES]) {
    line to = {.text = text};
    json_writer w;
    text[0] = '\0';
    if (!json) {
        report_text(names, shard, report, &to);
        return;
    }
    begin_json(&w, text);
    report_json(names, shard, report, &w);
    end_json(&w);
}

/* ---- what is wanted ---- */

bool audit_wants_everything(const audit_filter *filter) {
    return filter->account[0] == '\0' && filter->symbol[0] == '\0' && filter->correlation_id[0] == '\0' &&
           filter->order_id == 0;
}

static bool same_or_any(const char *wanted, const char *text) {
    return wanted[0] == '\0' || (text != NULL && strcmp(wanted, text) == 0);
}

bool audit_wants_order_command(const audit_filter *filter, const audit_place *place,
                               const wire_order_command *command) {
    bool order = filter->order_id == 0 || filter->order_id == command->order_id ||
                 (command->kind == WIRE_NEW_ORDER && filter->order_id == MX_ORDER_ID(place->seq, place->index));
    return order && same_or_any(filter->account, command->account) &&
           same_or_any(filter->symbol, command->symbol) &&
           same_or_any(filter->correlation_id, command->correlation_id);
}

bool audit_wants_control_command(const audit_filter *filter, const wire_control_command *command) {
    return filter->order_id == 0 && same_or_any(filter->account, command->account) &&
           same_or_any(filter->symbol, command->symbol) &&
           same_or_any(filter->correlation_id, command->correlation_id);
}

bool audit_wants_report(const audit_filter *filter, const journal_names *names, const wire_report *report) {
    bool order = filter->order_id == 0 || filter->order_id == report->order_id;
    return order && same_or_any(filter->account, account_of(names, report)) &&
           same_or_any(filter->symbol, symbol_of(names, report)) &&
           (same_or_any(filter->correlation_id, report->correlation_id) ||
            same_or_any(filter->correlation_id, report->order_correlation_id));
}
