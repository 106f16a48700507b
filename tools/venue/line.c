/* One line of the operator's language: a table of verbs, a table of what they may say, and one reader. */
#include "tools/venue/line.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/core/engine.h"
#include "matcher/core/report.h"
#include "matcher/core/types.h"
#include "tools/venue/name.h"
#include "tools/venue/value.h"

#define MOST_DAYS_AHEAD 7

typedef enum target {
    TARGET_NONE,
    TARGET_SYMBOL,
    TARGET_SYMBOL_OR_ALL,
    TARGET_SYMBOL_AND_PRICE,
    TARGET_ACCOUNT,
    TARGET_ACCOUNT_OR_ALL,
    TARGET_ACCOUNT_AND_SYMBOL, /* the account may be all, the symbol may be left out */
    TARGET_CLASS,
    TARGET_DATE
} target;

typedef enum verb_id { INSTRUMENT = 1, ACCOUNT, FEES, LIMITS, DAY, PLAIN, CANCEL, BOUNDS } verb_id;

typedef struct verb {
    const char *name;
    uint8_t kind; /* wire_control_kind */
    uint8_t id;   /* whose attributes it takes */
    target target;
    uint8_t state;
    bool on;
    const char *usage;
} verb;

#define USAGE_STATE "AAPL, or all"
#define USAGE_BLOCK "an account or all, and perhaps an instrument: block ann, block ann AAPL, block all AAPL"
static const verb verbs[] = {
    {"instrument", WIRE_DEFINE_INSTRUMENT, INSTRUMENT, TARGET_SYMBOL, 0, false, "instrument AAPL tick=0.01"},
    {"account", WIRE_DEFINE_ACCOUNT, ACCOUNT, TARGET_ACCOUNT, 0, false, "account ann, perhaps class=1"},
    {"fees", WIRE_SET_FEES, FEES, TARGET_CLASS, 0, false, "fees 0 maker=-20ppm taker=30ppm"},
    {"limits", WIRE_SET_LIMITS, LIMITS, TARGET_ACCOUNT, 0, false, "limits ann funds=10M position=50k"},
    {"day", WIRE_BEGIN_DAY, DAY, TARGET_DATE, 0, false, "day 2026-11-21 end=21:00, or day today end=24:00"},
    {"reference", WIRE_SET_REFERENCE, PLAIN, TARGET_SYMBOL_AND_PRICE, 0, false, "reference AAPL 187.20"},
    {"pre-open", WIRE_SET_STATE, PLAIN, TARGET_SYMBOL_OR_ALL, MX_PRE_OPEN, false, USAGE_STATE},
    {"open", WIRE_SET_STATE, PLAIN, TARGET_SYMBOL_OR_ALL, MX_CONTINUOUS, false, USAGE_STATE},
    {"halt", WIRE_SET_STATE, PLAIN, TARGET_SYMBOL_OR_ALL, MX_HALTED, false, USAGE_STATE},
    {"close", WIRE_SET_STATE, PLAIN, TARGET_SYMBOL_OR_ALL, MX_CLOSED, false, USAGE_STATE},
    {"moved", WIRE_SET_STATE, PLAIN, TARGET_SYMBOL, MX_MOVED, false, "AAPL shard=1"},
    {"block", WIRE_SET_BLOCK, PLAIN, TARGET_ACCOUNT_AND_SYMBOL, 0, true, USAGE_BLOCK},
    {"unblock", WIRE_SET_BLOCK, PLAIN, TARGET_ACCOUNT_AND_SYMBOL, 0, false, USAGE_BLOCK},
    {"kill", WIRE_SET_KILL, PLAIN, TARGET_ACCOUNT_OR_ALL, 0, true, "kill ann, or kill all"},
    {"unkill", WIRE_SET_KILL, PLAIN, TARGET_ACCOUNT_OR_ALL, 0, false, "unkill ann, or unkill all"},
    {"cancel", WIRE_CONTROL_MASS_CANCEL, CANCEL, TARGET_ACCOUNT_AND_SYMBOL, 0, false,
     "an account or all, perhaps an instrument, perhaps side=buy: cancel ann, cancel all AAPL"},
    {"bounds", WIRE_SET_BOUNDS, BOUNDS, TARGET_NONE, 0, false, "bounds orders=4M client-ids=32M memory=yes"},
};
#define VERBS (sizeof verbs / sizeof *verbs)

typedef enum value_type {
    VALUE_PRICE,
    VALUE_EACH, /* money for one unit of quantity: a price that may be 0 or below */
    VALUE_QUANTITY,
    VALUE_MONEY,
    VALUE_PPM,
    VALUE_SIGNED_PPM,
    VALUE_COUNT,
    VALUE_BOUND, /* likewise, above 0 */
    VALUE_DURATION,
    VALUE_TICK,
    VALUE_TICKS,
    VALUE_SHARD,
    VALUE_END,
    VALUE_YES,
    VALUE_SIDE
} value_type;

typedef struct attribute {
    uint8_t id;
    const char *name;
    value_type type;
    size_t offset; /* in wire_control_command */
    uint32_t bit;  /* of venue_order.given */
    const char *example;
    bool may_lack; /* "unlimited" is a value of it */
} attribute;

#define AT(field) offsetof(wire_control_command, field)
#define BIT(name) (1u << VENUE_LIMIT_##name)
static const attribute attributes[] = {
    {INSTRUMENT, "tick", VALUE_TICK, 0, VENUE_GIVEN_TICK, "0.01", false},
    {INSTRUMENT, "ticks", VALUE_TICKS, 0, VENUE_GIVEN_TICK, "0:0.0001,1:0.01", false},
    {INSTRUMENT, "lot", VALUE_QUANTITY, AT(lot), VENUE_GIVEN_LOT, "1", false},
    {INSTRUMENT, "collar", VALUE_PPM, AT(collar_ppm), VENUE_GIVEN_COLLAR, "10%", false},
    {INSTRUMENT, "protection", VALUE_PPM, AT(protection_ppm), VENUE_GIVEN_PROTECTION, "5%", false},
    {INSTRUMENT, "reference", VALUE_PRICE, AT(price), 0, "187.20", false},
    {INSTRUMENT, "shard", VALUE_SHARD, 0, 0, "2", false},
    {ACCOUNT, "class", VALUE_COUNT, AT(fee_class), 0, "1", false},
    {FEES, "maker", VALUE_SIGNED_PPM, AT(maker_ppm), 0, "-20ppm", false},
    {FEES, "taker", VALUE_SIGNED_PPM, AT(taker_ppm), 0, "0.003%", false},
    {FEES, "maker-each", VALUE_EACH, AT(maker_per_unit), 0, "-0.0001", false},
    {FEES, "taker-each", VALUE_EACH, AT(taker_per_unit), 0, "0.0002", false},
    {LIMITS, "funds", VALUE_MONEY, AT(funds), BIT(FUNDS), "10M", true},
    {LIMITS, "exposure", VALUE_MONEY, AT(exposure), BIT(EXPOSURE), "20M", true},
    {LIMITS, "order-quantity", VALUE_QUANTITY, AT(order_quantity), BIT(ORDER_QUANTITY), "10k", true},
    {LIMITS, "order-notional", VALUE_MONEY, AT(order_notional), BIT(ORDER_NOTIONAL), "1M", true},
    {LIMITS, "position", VALUE_QUANTITY, AT(position), BIT(POSITION), "50k", true},
    {LIMITS, "open-orders", VALUE_COUNT, AT(open_orders), BIT(OPEN_ORDERS), "100", true},
    {LIMITS, "concentration", VALUE_PPM, AT(concentration_ppm), BIT(CONCENTRATION), "20%", true},
    {LIMITS, "collar", VALUE_PPM, AT(collar_ppm), BIT(COLLAR), "10%", false},
    {LIMITS, "rate", VALUE_COUNT, AT(rate_per_second), BIT(RATE), "100", false},
    {LIMITS, "burst", VALUE_COUNT, AT(rate_burst), BIT(BURST), "200", false},
    {LIMITS, "duplicate", VALUE_DURATION, AT(duplicate_ns), BIT(DUPLICATE), "500ms", false},
    {LIMITS, "shard", VALUE_SHARD, 0, 0, "2", false},
    {PLAIN, "shard", VALUE_SHARD, 0, 0, "2", false},
    {CANCEL, "shard", VALUE_SHARD, 0, 0, "2", false},
    {DAY, "end", VALUE_END, AT(end_ns), 0, "21:00", false},
    {DAY, "far", VALUE_YES, 0, VENUE_GIVEN_FAR, "yes", false},
    {BOUNDS, "instruments", VALUE_BOUND, AT(max_instruments), 0, "4096", false},
    {BOUNDS, "accounts", VALUE_BOUND, AT(max_accounts), 0, "64k", false},
    {BOUNDS, "positions", VALUE_BOUND, AT(max_positions), 0, "1M", false},
    {BOUNDS, "orders", VALUE_BOUND, AT(max_orders), 0, "4M", false},
    {BOUNDS, "pages", VALUE_BOUND, AT(max_pages), 0, "1M", false},
    {BOUNDS, "client-ids", VALUE_BOUND, AT(max_client_ids), 0, "32M", false},
    {BOUNDS, "sessions", VALUE_BOUND, AT(max_sessions), 0, "16k", false},
    {BOUNDS, "reports", VALUE_BOUND, AT(max_reports), 0, "1M", false},
    {BOUNDS, "steps", VALUE_BOUND, AT(max_steps), 0, "1M", false},
    {BOUNDS, "memory", VALUE_YES, 0, VENUE_GIVEN_MEMORY, "yes", false},
    {BOUNDS, "shard", VALUE_SHARD, 0, 0, "2", false},
    {CANCEL, "side", VALUE_SIDE, AT(sides), 0, "buy", false},
};
#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

const char *venue_limit_name(venue_limit limit) {
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (attributes[i].bit == 1u << limit) return attributes[i].name;
    return "?";
}

void venue_context_init(venue_context *context, const char *mic, tw_date today) {
    *context = (venue_context){.price_exponent = -4, .today = today};
    tw_text_copy(context->mic, sizeof context->mic, mic);
}

/* ---- values ---- */

#define FIELD(type, order, offset) ((type *)(void *)((char *)&(order)->command + (offset)))

static bool read_count(const char *text, uint64_t most, uint32_t *to) {
    int64_t value;
    if (!venue_amount_parse(text, 0, &value) || value < 0 || (uint64_t)value > most) return false;
    *to = (uint32_t)value;
    return true;
}

static bool read_price(const venue_context *context, const char *text, int64_t *price) {
    return tw_decimal_parse(text, context->price_exponent, price) && *price > 0;
}

/* "0:0.0001,1:0.01": from a price on, a tick. */
static bool read_ticks(const venue_context *context, const char *text, venue_order *order) {
    char copy[256], *at = copy;
    wire_ticks *from = &order->command.tick_from, *tick = &order->command.tick;
    if (!tw_text_copy(copy, sizeof copy, text)) return false;
    from->count = tick->count = 0;
    while (at != NULL) {
        char *next = strchr(at, ','), *colon = strchr(at, ':');
        if (next != NULL) *next++ = '\0';
        if (colon == NULL || (next != NULL && colon >= next) || from->count == WIRE_TICK_BANDS) return false;
        *colon = '\0';
        if (!tw_decimal_parse(at, context->price_exponent, &from->values[from->count]) ||
            !read_price(context, colon + 1, &tick->values[tick->count]))
            return false;
        from->count++;
        tick->count++;
        at = next;
    }
    return true;
}

static bool read_tick(const venue_context *context, const char *text, venue_order *order) {
    order->command.tick_from = (wire_ticks){.count = 1};
    order->command.tick = (wire_ticks){.count = 1};
    return read_price(context, text, &order->command.tick.values[0]);
}

static bool read_side(const char *text, uint32_t *sides) {
    if (strcmp(text, "buy") == 0) return *sides = TW_SIDES_BID, true;
    if (strcmp(text, "sell") == 0) return *sides = TW_SIDES_ASK, true;
    return false;
}

static void read_unlimited(const attribute *a, venue_order *order) {
    switch (a->type) {
    case VALUE_MONEY:
        *FIELD(wire_money, order, a->offset) = MX_MONEY_MAX;
        break;
    case VALUE_QUANTITY:
        *FIELD(uint64_t, order, a->offset) = MX_UNLIMITED;
        break;
    default: /* counts, and a part of the funds above the whole */
        *FIELD(uint32_t, order, a->offset) = UINT32_MAX;
        break;
    }
}

static bool read_number(const venue_context *context, const attribute *a, const char *text, venue_order *order) {
    int64_t value = 0;
    int32_t money_exponent = context->price_exponent + context->quantity_exponent;
    switch (a->type) {
    case VALUE_EACH:
        return tw_decimal_parse(text, context->price_exponent, FIELD(int64_t, order, a->offset));
    case VALUE_QUANTITY:
        if (!venue_amount_parse(text, context->quantity_exponent, &value) || value < 0) return false;
        *FIELD(uint64_t, order, a->offset) = (uint64_t)value;
        return true;
    case VALUE_MONEY:
        if (!venue_amount_parse(text, money_exponent, &value) || value < 0) return false;
        *FIELD(wire_money, order, a->offset) = value;
        return true;
    case VALUE_PPM:
        if (!venue_ppm_parse(text, &value) || value < 0 || value > MX_PPM) return false;
        *FIELD(uint32_t, order, a->offset) = (uint32_t)value;
        return true;
    default:
        if (!venue_ppm_parse(text, &value) || value < -MX_PPM || value > MX_PPM) return false;
        *FIELD(int32_t, order, a->offset) = (int32_t)value;
        return true;
    }
}

static bool read_value(const venue_context *context, const attribute *a, const char *text, venue_order *order) {
    if (a->may_lack && strcmp(text, "unlimited") == 0) return read_unlimited(a, order), true;
    if (a->bit == VENUE_GIVEN_COLLAR && strcmp(text, "none") == 0) text = "0%";
    switch (a->type) {
    case VALUE_PRICE:
        return read_price(context, text, FIELD(int64_t, order, a->offset));
    case VALUE_COUNT:
        return read_count(text, UINT32_MAX, FIELD(uint32_t, order, a->offset));
    case VALUE_BOUND:
        return read_count(text, UINT32_MAX, FIELD(uint32_t, order, a->offset)) && strcmp(text, "0") != 0;
    case VALUE_DURATION:
        return venue_duration_parse(text, FIELD(int64_t, order, a->offset));
    case VALUE_TICK:
        return read_tick(context, text, order);
    case VALUE_TICKS:
        return read_ticks(context, text, order);
    case VALUE_SHARD:
        return read_count(text, VENUE_MAX_SHARDS, &order->shard) && order->shard > 0;
    case VALUE_END: {
        uint32_t date = order->command.date;
        tw_date day = {(int16_t)(date / 10000), (uint8_t)(date / 100 % 100), (uint8_t)(date % 100)};
        return venue_instant_parse(text, day, FIELD(int64_t, order, a->offset));
    }
    case VALUE_YES:
        return strcmp(text, "yes") == 0;
    case VALUE_SIDE:
        return read_side(text, FIELD(uint32_t, order, a->offset));
    default:
        return read_number(context, a, text, order);
    }
}

/* ---- words ---- */

static tw_code unknown_attribute(const verb *v, const char *name, tw_error *error) {
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (attributes[i].id == v->id && used + 32 < sizeof list) {
            tw_text_format(list + used, sizeof list - used, "%s%s=", used > 0 ? ", " : "", attributes[i].name);
            used = strlen(list);
        }
    if (used == 0) return tw_error_set(error, TW_INVALID, "%s takes no '%s': it is %s", v->name, name, v->usage);
    return tw_error_set(error, TW_INVALID, "%s knows no '%s': it takes %s", v->name, name, list);
}

static tw_code read_attribute(const venue_context *context, const verb *v, const char *word, venue_order *order,
                              tw_error *error) {
    const char *equals = strchr(word, '=');
    char name[32];
    size_t length = equals == NULL ? strlen(word) : (size_t)(equals - word);
    if (length >= sizeof name) return unknown_attribute(v, word, error);
    memcpy(name, word, length);
    name[length] = '\0';
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        const attribute *a = &attributes[i];
        if (a->id != v->id || strcmp(a->name, name) != 0) continue;
        order->given |= a->bit;
        if (equals != NULL && read_value(context, a, equals + 1, order)) return TW_OK;
        return tw_error_set(error, TW_INVALID, "%s %s='%s' can't be read%s: for example %s=%s%s", v->name, name,
                            equals == NULL ? "" : equals + 1,
                            a->type == VALUE_PRICE || a->type == VALUE_TICK || a->type == VALUE_MONEY ||
                                    a->type == VALUE_QUANTITY || a->type == VALUE_EACH
                                ? ", or has more decimals than 'decimals' says"
                                : "",
                            name, a->example, a->may_lack ? ", or unlimited" : "");
    }
    return unknown_attribute(v, name, error);
}

static tw_code read_symbol(const venue_context *context, const char *word, bool may_be_all, venue_order *order,
                           tw_error *error) {
    venue_name name;
    if (may_be_all && strcmp(word, "all") == 0) return order->command.all_symbols = true, TW_OK;
    tw_code code = venue_name_parse(word, context->mic, &name, error);
    if (code != TW_OK) return code;
    if (strcmp(name.mic, context->mic) != 0)
        return tw_error_set(error, TW_INVALID, "%s is of another exchange than %s", word, context->mic);
    tw_text_copy(order->command.symbol, sizeof order->command.symbol, name.symbol);
    return TW_OK;
}

static tw_code read_account(const char *word, bool may_be_all, venue_order *order, tw_error *error) {
    if (may_be_all && strcmp(word, "all") == 0) return order->command.all_accounts = true, TW_OK;
    return venue_account_parse(word, order->command.account, error);
}

static tw_code read_date(const venue_context *context, const char *word, venue_order *order, tw_error *error) {
    tw_date date = context->today;
    if (strcmp(word, "today") != 0 && !tw_date_parse(word, &date))
        return tw_error_set(error, TW_INVALID, "'%s' is no date: 2026-11-21, or today", word);
    order->command.date = (uint32_t)date.year * 10000 + date.month * 100u + date.day;
    return TW_OK;
}

static tw_code read_reference(const venue_context *context, const char *const *words, size_t count,
                              venue_order *order, tw_error *error) {
    tw_code code = read_symbol(context, words[0], false, order, error);
    if (code != TW_OK) return code;
    if (count < 2 || !read_price(context, words[1], &order->command.price))
        return tw_error_set(error, TW_INVALID, "reference %s: a price above 0 with at most %d decimals is missing",
                            words[0], -context->price_exponent);
    return TW_OK;
}

/* "ann", "ann AAPL", "all AAPL"; an attribute may follow. */
static tw_code read_account_and_symbol(const venue_context *context, const char *const *words, size_t count,
                                       venue_order *order, size_t *used, tw_error *error) {
    tw_code code = read_account(words[0], true, order, error);
    if (code != TW_OK) return code;
    if (count > 1 && strchr(words[1], '=') == NULL) {
        *used = 2;
        return read_symbol(context, words[1], true, order, error);
    }
    order->command.all_symbols = true;
    return TW_OK;
}

/* The words right after the verb. */
static tw_code read_target(const venue_context *context, const verb *v, const char *const *words, size_t count,
                           venue_order *order, size_t *used, tw_error *error) {
    uint32_t *class = &order->command.fee_class;
    if (count == 0) return tw_error_set(error, TW_INVALID, "%s of what? %s", v->name, v->usage);
    *used = v->target == TARGET_NONE ? 0 : 1;
    switch (v->target) {
    case TARGET_SYMBOL:
        return read_symbol(context, words[0], false, order, error);
    case TARGET_SYMBOL_OR_ALL:
        return read_symbol(context, words[0], true, order, error);
    case TARGET_SYMBOL_AND_PRICE:
        *used = 2;
        return read_reference(context, words, count, order, error);
    case TARGET_ACCOUNT:
        return read_account(words[0], false, order, error);
    case TARGET_ACCOUNT_OR_ALL:
        return read_account(words[0], true, order, error);
    case TARGET_ACCOUNT_AND_SYMBOL:
        return read_account_and_symbol(context, words, count, order, used, error);
    case TARGET_CLASS:
        if (read_count(words[0], MX_FEE_CLASSES - 1, class)) return TW_OK;
        return tw_error_set(error, TW_INVALID, "'%s' is no fee class: 0 to %d", words[0], MX_FEE_CLASSES - 1);
    case TARGET_DATE:
        return read_date(context, words[0], order, error);
    default:
        return TW_OK;
    }
}

/* Days only go forward: after a mistyped one no day before it could begin. */
static tw_code check_near(const venue_context *context, const venue_order *order, tw_error *error) {
    uint32_t date = order->command.date;
    tw_date day = {(int16_t)(date / 10000), (uint8_t)(date / 100 % 100), (uint8_t)(date % 100)};
    int64_t ahead = tw_date_to_days(day) - tw_date_to_days(context->today);
    if (ahead <= MOST_DAYS_AHEAD || (order->given & VENUE_GIVEN_FAR) != 0) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "day %04d-%02u-%02u is %" PRId64
                        " days after today, and once it has begun no earlier day can: if it is meant, say far=yes",
                        day.year, day.month, day.day, ahead);
}

static bool is_above_defaults(const wire_control_command *c) {
    const mx_bounds *usual = &mx_default_bounds;
    return c->max_instruments > usual->max_instruments || c->max_accounts > usual->max_accounts ||
           c->max_positions > usual->max_positions || c->max_orders > usual->max_orders ||
           c->max_pages > usual->max_pages || c->max_client_ids > usual->max_client_ids ||
           c->max_sessions > usual->max_sessions || c->max_reports > usual->max_reports;
}

/* A matcher with less memory halts, and so does its standby; from then on every start needs that much. */
static tw_code check_memory(const venue_order *order, tw_error *error) {
    if (!is_above_defaults(&order->command) || (order->given & VENUE_GIVEN_MEMORY) != 0) return TW_OK;
    return tw_error_set(
        error, TW_INVALID,
        "bounds: above the defaults every matcher must have been started with so large a --max-..., "
        "or it halts: once all were, say memory=yes");
}

/* What a line of its kind may not leave out, and what contradicts itself. */
static tw_code check_whole(const venue_context *context, const verb *v, const venue_order *order, tw_error *error) {
    const wire_control_command *c = &order->command;
    if (v->id == INSTRUMENT && c->tick.count == 0)
        return tw_error_set(error, TW_INVALID, "instrument %s: tick= is missing, such as tick=0.01", c->symbol);
    if (v->id == DAY && c->end_ns == TW_TIME_ABSENT)
        return tw_error_set(error, TW_INVALID, "day: when does it end? such as end=21:00 (UTC)");
    if (v->id == DAY && check_near(context, order, error) != TW_OK) return TW_INVALID;
    if (c->kind == WIRE_SET_BLOCK && c->all_accounts && c->all_symbols)
        return tw_error_set(error, TW_INVALID, "%s all: of which instrument? To stop everything there is kill all",
                            v->name);
    if (c->kind == WIRE_SET_STATE && c->state == MX_MOVED && order->shard == 0)
        return tw_error_set(error, TW_INVALID,
                            "moved %s: from which shard? such as shard=1; 'tickwire venue move' does all of it",
                            c->symbol);
    for (uint32_t i = 0; v->id == LIMITS && !context->limits_partly && i < VENUE_LIMITS_NEEDED; i++)
        if ((order->given & 1u << i) == 0)
            return tw_error_set(error, TW_INVALID, "limits %s: %s= is missing (a number, or unlimited)", c->account,
                                venue_limit_name(i));
    if (v->id == BOUNDS && check_memory(order, error) != TW_OK) return TW_INVALID;
    if (v->id == LIMITS && order->given == 0)
        return tw_error_set(error, TW_INVALID, "limits %s: which? %s", c->account, v->usage);
    return TW_OK;
}

tw_code venue_redefinition_check(const venue_order *order, tw_error *error) {
    static const struct part {
        uint32_t bit;
        const char *text;
    } parts[] = {{VENUE_GIVEN_LOT, " lot= (else 1)"},
                 {VENUE_GIVEN_COLLAR, " collar= (else none; collar=none if there is none)"},
                 {VENUE_GIVEN_PROTECTION, " protection= (else 5%)"}};
    char missing[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((order->given & parts[i].bit) == 0) {
            tw_text_format(missing + used, sizeof missing - used, "%s%s", used > 0 ? "," : "", parts[i].text);
            used = strlen(missing);
        }
    if (used == 0) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "%s is there already, and a new definition replaces all of the old one: say what it shall "
                        "have of%s",
                        order->command.symbol, missing);
}

static const verb *find_verb(const char *word) {
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, word) == 0) return &verbs[i];
    return NULL;
}

static tw_code unknown_verb(const char *word, tw_error *error) {
    const char *nearest = NULL;
    size_t best = 3;
    for (size_t i = 0; i < VERBS; i++) {
        size_t distance = tw_text_distance(word, verbs[i].name, best);
        if (distance >= best) continue;
        best = distance;
        nearest = verbs[i].name;
    }
    if (nearest != NULL)
        return tw_error_set(error, TW_INVALID, "'%s' is no command of the venue: did you mean %s?", word, nearest);
    return tw_error_set(error, TW_INVALID,
                        "'%s' is no command of the venue: instrument, account, fees, limits, day, reference, "
                        "pre-open, open, halt, close, moved, block, unblock, kill, unkill, cancel, bounds",
                        word);
}

/* ---- lines that say how to read the others ---- */

static tw_code read_decimals(venue_context *context, const char *const *words, size_t count, tw_error *error) {
    for (size_t i = 0; i < count; i++) {
        bool price = strncmp(words[i], "price=", 6) == 0;
        const char *equals = strchr(words[i], '=');
        uint32_t decimals;
        if ((!price && strncmp(words[i], "quantity=", 9) != 0) || !read_count(equals + 1, 12, &decimals))
            return tw_error_set(error, TW_INVALID, "decimals: '%s' is not price=0 to 12 or quantity=0 to 12",
                                words[i]);
        *(price ? &context->price_exponent : &context->quantity_exponent) = -(int32_t)decimals;
    }
    return TW_OK;
}

/* True if the word is one of these; then *code says whether it could be read. */
static bool read_context(venue_context *context, const char *const *words, size_t count, tw_code *code,
                         tw_error *error) {
    *code = TW_OK;
    if (strcmp(words[0], "exchange") == 0) {
        if (count != 2 || !venue_mic_is(words[1]))
            *code = tw_error_set(error, TW_INVALID, "exchange: four of A-Z 0-9, such as TWEX");
        else
            tw_text_copy(context->mic, sizeof context->mic, words[1]);
        return true;
    }
    if (strcmp(words[0], "shards") == 0) {
        if (count != 2 || !read_count(words[1], VENUE_MAX_SHARDS, &context->shards) || context->shards == 0)
            *code = tw_error_set(error, TW_INVALID, "shards: a number from 1 to %u", VENUE_MAX_SHARDS);
        return true;
    }
    if (strcmp(words[0], "decimals") != 0) return false;
    *code = read_decimals(context, words + 1, count - 1, error);
    return true;
}

venue_line_kind venue_line_parse(venue_context *context, const char *const *words, size_t count, venue_order *order,
                                 tw_error *error) {
    tw_code code;
    size_t used = 0;
    if (count == 0) return VENUE_LINE_EMPTY;
    if (read_context(context, words, count, &code, error))
        return code == TW_OK ? VENUE_LINE_CONTEXT : VENUE_LINE_BAD;
    const verb *v = find_verb(words[0]);
    if (v == NULL) return unknown_verb(words[0], error), VENUE_LINE_BAD;
    *order = (venue_order){.command = wire_control_command_empty};
    wire_control_command *command = &order->command;
    command->kind = v->kind;
    command->state = v->state;
    command->on = v->on;
    command->price_exponent = context->price_exponent;
    command->quantity_exponent = context->quantity_exponent;
    if (v->id == INSTRUMENT) {
        command->lot = 1;
        command->protection_ppm = MX_PPM / 20;
    }
    code = read_target(context, v, words + 1, count - 1, order, &used, error);
    for (size_t i = 1 + used; code == TW_OK && i < count; i++)
        code = read_attribute(context, v, words[i], order, error);
    if (code == TW_OK) code = check_whole(context, v, order, error);
    return code == TW_OK ? VENUE_LINE_ORDER : VENUE_LINE_BAD;
}

static const char *state_verb(uint8_t state) {
    for (size_t i = 0; i < VERBS; i++)
        if (verbs[i].kind == WIRE_SET_STATE && verbs[i].state == state) return verbs[i].name;
    return "?";
}

static const char *verb_of(const wire_control_command *command) {
    if (command->kind == WIRE_SET_STATE) return state_verb(command->state);
    for (size_t i = 0; i < VERBS; i++)
        if (verbs[i].kind == command->kind && verbs[i].on == command->on) return verbs[i].name;
    return "clock";
}

void venue_order_text(char text[VENUE_ORDER_TEXT_BYTES], const wire_control_command *command) {
    const char *word = verb_of(command);
    const char *account = command->all_accounts ? "all" : command->account;
    const char *symbol = command->all_symbols ? "all" : command->symbol;
    if (command->kind == WIRE_BEGIN_DAY)
        tw_text_format(text, VENUE_ORDER_TEXT_BYTES, "day %04" PRIu32 "-%02" PRIu32 "-%02" PRIu32,
                       command->date / 10000, command->date / 100 % 100, command->date % 100);
    else if (command->kind == WIRE_SET_FEES)
        tw_text_format(text, VENUE_ORDER_TEXT_BYTES, "fees %" PRIu32, command->fee_class);
    else if (command->kind == WIRE_SET_BOUNDS)
        tw_text_copy(text, VENUE_ORDER_TEXT_BYTES, word);
    else if (account[0] != '\0' && symbol[0] != '\0' && !command->all_symbols)
        tw_text_format(text, VENUE_ORDER_TEXT_BYTES, "%s %s %s", word, account, symbol);
    else
        tw_text_format(text, VENUE_ORDER_TEXT_BYTES, "%s %s", word, account[0] != '\0' ? account : symbol);
}
