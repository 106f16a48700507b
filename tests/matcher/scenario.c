/* The scenario language: a line at a time, words to commands, reports to words. */
#include "tests/matcher/scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { WORDS = 48, LINE = 512, REPORTS = 256, NAMES = 32, ORDERS = 512, CENT = -2 };
#define START_NS INT64_C(1000000000000)
#define SECOND   INT64_C(1000000000)

typedef struct stage {
    venue venue;
    uint64_t seq;
    uint32_t index;
    bool also; /* the next command belongs to the same message */
    int64_t now_ns;
    char accounts[NAMES][MX_ACCOUNT_BYTES], instruments[NAMES][TW_SYMBOL_BYTES];
    uint32_t account_count, instrument_count;
    char orders[ORDERS][41]; /* names by stream sequence, for orders without one */
    mx_report reports[REPORTS];
    mx_sink sink;
    char out[REPORTS][LINE]; /* what came, as text */
    size_t out_count, out_next;
    bool ignore;
    char *words[WORDS];
    size_t word_count, at;
    char fault[LINE];
} stage;

/* ---- words ---- */

static bool fail(stage *s, const char *what) {
    if (s->fault[0] == '\0')
        (void)tw_text_format(s->fault, sizeof s->fault, "%s near word %zu (%s)", what, s->at + 1,
                             s->at < s->word_count ? s->words[s->at] : "end of line");
    return false;
}

static bool is(stage *s, const char *word) {
    if (s->at >= s->word_count || strcmp(s->words[s->at], word) != 0) return false;
    s->at++;
    return true;
}

static const char *word(stage *s) {
    if (s->at < s->word_count) return s->words[s->at++];
    fail(s, "a word is missing");
    return "";
}

static int64_t price(stage *s) {
    int64_t value = 0;
    if (!tw_decimal_parse(word(s), CENT, &value)) fail(s, "no price");
    return value;
}

static uint64_t number(stage *s) {
    uint64_t value = 0;
    if (!tw_text_to_u64(word(s), &value)) fail(s, "no number");
    return value;
}

static int64_t signed_number(stage *s) {
    int64_t value = 0;
    if (!tw_text_to_i64(word(s), &value)) fail(s, "no number");
    return value;
}

/* A number before a unit. */
static int64_t with_unit(stage *s, const char *text, const char *unit, int32_t exponent) {
    char digits[32];
    size_t length = strlen(text), end = strlen(unit);
    int64_t value = 0;
    if (length <= end || length - end >= sizeof digits || strcmp(text + length - end, unit) != 0)
        return fail(s, "no unit");
    memcpy(digits, text, length - end);
    digits[length - end] = '\0';
    if (!tw_decimal_parse(digits, exponent, &value)) fail(s, "no number");
    return value;
}

static int64_t duration(stage *s) {
    const char *text = word(s), *last = text + strlen(text);
    if (last - text > 2 && strcmp(last - 2, "ms") == 0) return with_unit(s, text, "ms", 0) * (SECOND / 1000);
    if (last - text > 1 && last[-1] == 'h') return with_unit(s, text, "h", 0) * 3600 * SECOND;
    return with_unit(s, text, "s", 0) * SECOND;
}

static uint32_t percent_ppm(stage *s) {
    return (uint32_t)with_unit(s, word(s), "%", -4);
}

static uint32_t find(char (*names)[33], uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return i;
    return MX_UNKNOWN;
}

static uint32_t account_in(stage *s, const char *name) {
    return find(s->accounts, s->account_count, name);
}

static uint32_t instrument_in(stage *s, const char *name) {
    return find(s->instruments, s->instrument_count, name);
}

static uint32_t in_instrument(stage *s) {
    return is(s, "in") ? instrument_in(s, word(s)) : 0;
}

/* ---- reports as text ---- */

static void say(stage *s, const char *text) {
    if (s->out_count < REPORTS) (void)tw_text_copy(s->out[s->out_count++], LINE, text);
}

static void add(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *line, const char *format, ...) {
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + length, LINE - length, format, arguments);
    va_end(arguments);
}

static void add_money(char *line, const char *before, mx_money value) {
    char text[TW_DECIMAL_BYTES];
    (void)tw_decimal_format(text, sizeof text, (int64_t)value, CENT);
    add(line, "%s%s", before, text);
}

static void add_name(stage *s, char *line, const mx_report *r) {
    char name[41] = {0};
    memcpy(name, r->client_id.words, 40);
    uint64_t seq = r->order_id >> 16;
    if (name[0] != '\0') {
        add(line, "%s", name);
    } else if (r->order_id != 0 && seq < ORDERS) {
        add(line, "%s", s->orders[seq]);
    } else {
        add(line, "-");
    }
}

static void add_price(char *line, int64_t value) {
    if (value != TW_PRICE_ABSENT) add_money(line, " @ ", value);
}

static void add_order_end(char *line, const mx_report *r) {
    if (r->executed == 0) return;
    add(line, " executed %" PRIu64, r->executed);
    add_price(line, r->average_price);
}

static void add_fill(char *line, const mx_report *r) {
    add(line, " %" PRIu64, r->last_quantity);
    add_price(line, r->last_price);
    add(line, " left %" PRIu64, r->leaves);
    if (r->fee != 0) add_money(line, " fee ", r->fee);
}

static void add_details(stage *s, char *line, const mx_report *r) {
    switch ((mx_report_kind)r->kind) {
    case MX_ACCEPTED:
    case MX_REPLACED:
        add(line, " %" PRIu64, r->leaves);
        add_price(line, r->price);
        if (r->stop_price != TW_PRICE_ABSENT) add_money(line, " stop ", r->stop_price);
        if (r->status == MX_STATUS_WAITING) add(line, " WAITING");
        break;
    case MX_FILL:
        add_fill(line, r);
        break;
    case MX_CANCELLED:
    case MX_EXPIRED:
        add_order_end(line, r);
        break;
    case MX_TRIGGERED:
        add_price(line, r->price);
        break;
    case MX_RESTATED:
        add(line, " left %" PRIu64, r->leaves);
        if (r->shown != 0 && r->shown != r->leaves) add(line, " shown %" PRIu64, r->shown);
        break;
    case MX_MASS_CANCELLED:
    case MX_DAY_ENDED:
        add(line, " %" PRIu64, r->quantity);
        break;
    case MX_STATE_CHANGED:
        add(line, " %s %s", s->instruments[r->instrument], mx_state_name((mx_state)r->state));
        break;
    case MX_SESSION_ENDED:
        add(line, " %" PRIu64, r->session);
        break;
    default:
        break;
    }
    if (r->duplicate) add(line, " AGAIN %s", mx_order_status_name((mx_order_status)r->status));
}

static void say_report(stage *s, const mx_report *r) {
    char line[LINE] = "";
    bool about_order = r->order_id != 0 || r->client_id.words[0] != 0;
    if (r->account != MX_UNKNOWN && r->account < s->account_count && (about_order || r->kind == MX_MASS_CANCELLED))
        add(line, "%s ", s->accounts[r->account]);
    if (about_order) {
        add_name(s, line, r);
        add(line, " ");
    }
    add(line, "%s", mx_report_kind_name((mx_report_kind)r->kind));
    if (r->reason != MXR_OK) add(line, " %s", mx_reason_name((mx_reason)r->reason));
    add_details(s, line, r);
    say(s, line);
}

static void take_reports(mx_sink *sink, void *context) {
    stage *s = context;
    for (uint32_t i = 0; i < sink->count; i++)
        say_report(s, &sink->reports[i]);
    sink->count = 0;
}

/* The place that the next command will have. */
static mx_input next_input(const stage *s) {
    return (mx_input){
        .seq = s->also ? s->seq : s->seq + 1, .index = s->also ? s->index + 1 : 0, .stream_ns = s->now_ns};
}

static bool send(stage *s, const mx_command *command) {
    mx_input input = next_input(s);
    s->seq = input.seq;
    s->index = input.index;
    s->venue.apply(s->venue.engine, &input, command, &s->sink);
    take_reports(&s->sink, s);
    return s->fault[0] == '\0';
}

/* ---- commands ---- */

static bool order_options(stage *s, mx_new_order *o) {
    while (s->at < s->word_count) {
        if (is(s, "@")) {
            o->price = price(s);
        } else if (is(s, "at")) {
            if (!is(s, "market")) return fail(s, "at market");
            o->type = MX_MARKET;
            if (o->tif == MX_GTC) o->tif = MX_IOC;
        } else if (is(s, "stop")) {
            o->stop_price = price(s);
            o->type = MX_STOP;
        } else if (is(s, "as")) {
            const char *name = word(s);
            o->client_id = mx_client_id_of(name);
            if (!s->also && s->seq + 1 < ORDERS) (void)tw_text_copy(s->orders[s->seq + 1], 41, name);
        } else if (is(s, "gtc")) {
            o->tif = MX_GTC;
        } else if (is(s, "day")) {
            o->tif = MX_DAY;
        } else if (is(s, "ioc")) {
            o->tif = MX_IOC;
        } else if (is(s, "fok")) {
            o->tif = MX_FOK;
        } else if (is(s, "until")) {
            o->tif = MX_GTD;
            o->expire_ns = START_NS + duration(s);
        } else if (is(s, "post-only")) {
            o->post_only = true;
        } else if (is(s, "show")) {
            o->display = number(s);
        } else if (is(s, "min")) {
            o->minimum = number(s);
        } else if (is(s, "session")) {
            o->session = number(s);
        } else if (is(s, "in")) {
            o->instrument = instrument_in(s, word(s));
        } else if (is(s, "stp")) {
            static const char *const modes[MX_STPS] = {"none", "newest", "oldest", "both", "decrement"};
            const char *mode = word(s);
            o->stp = MX_STPS;
            for (uint8_t i = 0; i < MX_STPS; i++)
                if (strcmp(mode, modes[i]) == 0) o->stp = i;
        } else {
            return fail(s, "unknown option of an order");
        }
    }
    return true;
}

static bool new_order(stage *s, uint32_t account, uint8_t side) {
    mx_input place = next_input(s);
    mx_command c = {.kind = MX_NEW_ORDER,
                    .order = {.order_id = MX_ORDER_ID(place.seq, place.index),
                              .account = account,
                              .side = side,
                              .price = TW_PRICE_ABSENT,
                              .stop_price = TW_PRICE_ABSENT}};
    c.order.quantity = number(s);
    if (!order_options(s, &c.order)) return false;
    if (c.order.type == MX_STOP && c.order.price != TW_PRICE_ABSENT) c.order.type = MX_STOP_LIMIT;
    return send(s, &c);
}

static bool cancel(stage *s, uint32_t account) {
    static const struct {
        const char *word;
        tw_sides sides;
    } many[] = {{"all", TW_SIDES_BOTH}, {"buys", TW_SIDES_BID}, {"sells", TW_SIDES_ASK}};
    for (size_t i = 0; i < 3; i++) {
        if (!is(s, many[i].word)) continue;
        mx_command c = {.kind = MX_MASS_CANCEL, .mass_cancel = {.account = account, .instrument = MX_EVERY}};
        c.mass_cancel.sides = (uint8_t)many[i].sides;
        if (is(s, "in")) c.mass_cancel.instrument = instrument_in(s, word(s));
        return send(s, &c);
    }
    mx_command c = {.kind = MX_CANCEL, .cancel.target = {.account = account}};
    c.cancel.target.client_id = mx_client_id_of(word(s));
    c.cancel.target.instrument = in_instrument(s);
    return send(s, &c);
}

static bool replace(stage *s, uint32_t account) {
    mx_command c = {.kind = MX_REPLACE,
                    .replace = {.target.account = account,
                                .quantity = MX_SAME,
                                .price = TW_PRICE_ABSENT,
                                .stop_price = TW_PRICE_ABSENT,
                                .display = MX_SAME}};
    c.replace.target.client_id = mx_client_id_of(word(s));
    while (s->at < s->word_count) {
        if (is(s, "to")) {
            c.replace.quantity = number(s);
        } else if (is(s, "open")) {
            c.replace.quantity = number(s);
            c.replace.open_only = true;
        } else if (is(s, "@")) {
            c.replace.price = price(s);
        } else if (is(s, "stop")) {
            c.replace.stop_price = price(s);
        } else if (is(s, "show")) {
            c.replace.display = number(s);
        } else if (is(s, "in")) {
            c.replace.target.instrument = instrument_in(s, word(s));
        } else {
            return fail(s, "unknown option of a replace");
        }
    }
    return send(s, &c);
}

static bool define_instrument(stage *s) {
    mx_command c = {
        .kind = MX_DEFINE_INSTRUMENT,
        .define_instrument = {
            .price_exponent = CENT, .lot = 1, .protection_ppm = 50000, .reference_price = TW_PRICE_ABSENT}};
    mx_define_instrument *d = &c.define_instrument;
    const char *name = word(s);
    d->instrument = instrument_in(s, name);
    if (d->instrument == MX_UNKNOWN) {
        d->instrument = s->instrument_count;
        (void)tw_text_copy(s->instruments[s->instrument_count++], TW_SYMBOL_BYTES, name);
    }
    (void)tw_text_copy(d->symbol, sizeof d->symbol, name);
    while (s->at < s->word_count) {
        if (is(s, "tick")) {
            d->ticks[d->tick_bands++].tick = price(s);
        } else if (is(s, "above")) {
            d->ticks[d->tick_bands].from = price(s);
        } else if (is(s, "lot")) {
            d->lot = number(s);
        } else if (is(s, "collar")) {
            d->collar_ppm = percent_ppm(s);
        } else if (is(s, "band")) {
            d->protection_ppm = percent_ppm(s);
        } else if (is(s, "reference")) {
            d->reference_price = price(s);
        } else {
            return fail(s, "unknown option of an instrument");
        }
    }
    return send(s, &c);
}

static bool define_account(stage *s) {
    mx_command c = {.kind = MX_DEFINE_ACCOUNT};
    const char *name = word(s);
    c.define_account.account = account_in(s, name);
    if (c.define_account.account == MX_UNKNOWN) {
        c.define_account.account = s->account_count;
        (void)tw_text_copy(s->accounts[s->account_count++], MX_ACCOUNT_BYTES, name);
    }
    (void)tw_text_copy(c.define_account.name, sizeof c.define_account.name, name);
    if (is(s, "class")) c.define_account.fee_class = (uint8_t)number(s);
    return send(s, &c);
}

static bool set_limits(stage *s) {
    mx_command c = {.kind = MX_SET_LIMITS,
                    .limits = {.order_quantity = MX_UNLIMITED,
                               .order_notional = MX_MONEY_MAX,
                               .funds = MX_MONEY_MAX,
                               .exposure = MX_MONEY_MAX,
                               .position = MX_UNLIMITED,
                               .concentration_ppm = MX_PPM + 1,
                               .open_orders = UINT32_MAX}};
    mx_limits *l = &c.limits;
    l->account = account_in(s, word(s));
    while (s->at < s->word_count) {
        if (is(s, "order")) {
            l->order_quantity = number(s);
        } else if (is(s, "notional")) {
            l->order_notional = price(s);
        } else if (is(s, "funds")) {
            l->funds = price(s);
        } else if (is(s, "exposure")) {
            l->exposure = price(s);
        } else if (is(s, "position")) {
            l->position = number(s);
        } else if (is(s, "concentration")) {
            l->concentration_ppm = is(s, "default") ? 0 : percent_ppm(s);
        } else if (is(s, "collar")) {
            l->collar_ppm = percent_ppm(s);
        } else if (is(s, "orders")) {
            l->open_orders = (uint32_t)number(s);
        } else if (is(s, "rate")) {
            l->rate_per_second = (uint32_t)number(s);
        } else if (is(s, "burst")) {
            l->rate_burst = (uint32_t)number(s);
        } else if (is(s, "repeat")) {
            l->duplicate_ns = duration(s);
        } else {
            return fail(s, "unknown limit");
        }
    }
    return send(s, &c);
}

static bool set_fees(stage *s) {
    mx_command c = {.kind = MX_SET_FEES};
    while (s->at < s->word_count) {
        if (is(s, "class")) {
            c.fees.fee_class = (uint8_t)number(s);
        } else if (is(s, "maker")) {
            c.fees.maker_ppm = (int32_t)signed_number(s);
        } else if (is(s, "taker")) {
            c.fees.taker_ppm = (int32_t)signed_number(s);
        } else if (is(s, "each")) {
            c.fees.maker_per_unit = price(s);
            c.fees.taker_per_unit = price(s);
        } else {
            return fail(s, "unknown fee");
        }
    }
    return send(s, &c);
}

static bool set_state(stage *s) {
    static const char *const states[MX_STATES] = {"pre_open", "continuous", "halted", "closed", "moved"};
    mx_command c = {.kind = MX_SET_STATE};
    c.set_state.instrument = is(s, "every") ? MX_EVERY : instrument_in(s, word(s));
    const char *state = word(s);
    c.set_state.state = MX_STATES;
    for (uint8_t i = 0; i < MX_STATES; i++)
        if (strcmp(state, states[i]) == 0) c.set_state.state = i;
    return send(s, &c);
}

static bool set_block(stage *s, bool on) {
    mx_command c = {.kind = MX_SET_BLOCK, .block = {.account = MX_EVERY, .instrument = MX_EVERY, .on = on}};
    const char *name = word(s);
    if (account_in(s, name) != MX_UNKNOWN) {
        c.block.account = account_in(s, name);
        if (is(s, "in")) c.block.instrument = instrument_in(s, word(s));
    } else if (strcmp(name, "everything") != 0) {
        c.block.instrument = instrument_in(s, name);
    }
    return send(s, &c);
}

static bool set_kill(stage *s, bool on) {
    mx_command c = {.kind = MX_SET_KILL, .kill.on = on};
    c.kill.account = is(s, "everybody") ? MX_EVERY : account_in(s, word(s));
    return send(s, &c);
}

static bool set_storage(stage *s) {
    mx_command c = {.kind = MX_SET_STORAGE};
    c.storage.low = is(s, "low");
    if (!c.storage.low && !is(s, "enough")) return fail(s, "low or enough");
    return send(s, &c);
}

static bool session_command(stage *s) {
    mx_command c = {.session.session = number(s)};
    if (is(s, "open")) {
        c.kind = MX_SESSION_OPEN;
        c.session.timeout_ns = duration(s);
    } else if (is(s, "beat")) {
        c.kind = MX_SESSION_BEAT;
    } else if (is(s, "close")) {
        c.kind = MX_SESSION_CLOSE;
    } else {
        return fail(s, "open, beat or close");
    }
    return send(s, &c);
}

static bool begin_day(stage *s) {
    mx_command c = {.kind = MX_BEGIN_DAY};
    c.begin_day.date = (uint32_t)number(s);
    if (!is(s, "until")) return fail(s, "until");
    c.begin_day.end_ns = START_NS + duration(s);
    return send(s, &c);
}

static bool set_reference(stage *s) {
    mx_command c = {.kind = MX_SET_REFERENCE};
    c.set_reference.instrument = instrument_in(s, word(s));
    c.set_reference.price = price(s);
    return send(s, &c);
}

static bool pass_time(stage *s) {
    s->now_ns = START_NS + duration(s);
    return send(s, &(mx_command){.kind = MX_CLOCK});
}

/* ---- questions ---- */

static bool ask_book(stage *s) {
    uint32_t where = s->at < s->word_count ? instrument_in(s, word(s)) : 0;
    for (unsigned side = TW_BID; side <= TW_ASK; side++) {
        tw_level levels[64];
        uint32_t count = s->venue.book_top(s->venue.engine, where, (tw_side)side, levels, 64);
        for (uint32_t i = 0; i < count; i++) {
            char line[LINE] = "";
            add(line, "%s %" PRIu64, side == TW_BID ? "buy" : "sell", levels[i].quantity);
            add_price(line, levels[i].price);
            if (levels[i].orders > 1) add(line, " in %" PRIu32, levels[i].orders);
            say(s, line);
        }
    }
    if (s->out_count == 0) say(s, "empty");
    return true;
}

static bool ask_position(stage *s) {
    char line[LINE] = "";
    mx_position_view view;
    uint32_t account = account_in(s, word(s)), where = in_instrument(s);
    if (!s->venue.position(s->venue.engine, account, where, &view)) return fail(s, "no such position");
    if (view.quantity == 0) {
        add(line, "flat");
    } else {
        add(line, "%s %" PRIu64, view.quantity > 0 ? "long" : "short", (uint64_t)llabs(view.quantity));
        add_price(line, view.average_price);
    }
    if (view.realised != 0) add_money(line, " realised ", view.realised);
    say(s, line);
    return true;
}

static bool ask_money(stage *s) {
    char line[LINE] = "";
    mx_money spent, fees, reserved;
    s->venue.money(s->venue.engine, account_in(s, word(s)), &spent, &fees, &reserved);
    add_money(line, "spent ", spent);
    add_money(line, " reserved ", reserved);
    add_money(line, " fees ", fees);
    say(s, line);
    return true;
}

static bool set_bounds(stage *s) {
    mx_command c = {.kind = MX_SET_BOUNDS};
    const struct {
        const char *word;
        uint32_t *to;
    } table[] = {{"instruments", &c.bounds.max_instruments},
                 {"accounts", &c.bounds.max_accounts},
                 {"positions", &c.bounds.max_positions},
                 {"orders", &c.bounds.max_orders},
                 {"pages", &c.bounds.max_pages},
                 {"client-ids", &c.bounds.max_client_ids},
                 {"sessions", &c.bounds.max_sessions},
                 {"reports", &c.bounds.max_reports},
                 {"steps", &c.bounds.max_steps}};
    while (s->at < s->word_count) {
        size_t i = 0;
        while (i < sizeof table / sizeof *table && !is(s, table[i].word))
            i++;
        if (i == sizeof table / sizeof *table) return fail(s, "unknown bound");
        *table[i].to = (uint32_t)number(s);
    }
    return send(s, &c);
}

static bool command(stage *s) {
    static const struct {
        const char *word;
        bool (*run)(stage *s);
    } table[] = {{"instrument", define_instrument},
                 {"account", define_account},
                 {"limits", set_limits},
                 {"fees", set_fees},
                 {"state", set_state},
                 {"reference", set_reference},
                 {"time", pass_time},
                 {"session", session_command},
                 {"day", begin_day},
                 {"storage", set_storage},
                 {"bounds", set_bounds},
                 {"book", ask_book},
                 {"position", ask_position},
                 {"money", ask_money}};
    s->also = is(s, "also");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (is(s, table[i].word)) return table[i].run(s);
    if (is(s, "block")) return set_block(s, true);
    if (is(s, "unblock")) return set_block(s, false);
    if (is(s, "kill")) return set_kill(s, true);
    if (is(s, "revive")) return set_kill(s, false);
    uint32_t account = is(s, "everybody") ? MX_EVERY : account_in(s, word(s));
    if (is(s, "buys")) return new_order(s, account, TW_BID);
    if (is(s, "sells")) return new_order(s, account, TW_ASK);
    if (is(s, "cancels")) return cancel(s, account);
    if (is(s, "replaces")) return replace(s, account);
    return fail(s, "unknown command");
}

/* ---- lines ---- */

static void split(stage *s, char *text) {
    s->word_count = s->at = 0;
    for (char *save, *one = strtok_r(text, " \t", &save); one != NULL && s->word_count < WORDS;
         one = strtok_r(NULL, " \t", &save))
        s->words[s->word_count++] = one;
}

/* One space between words, none around. */
static void tidy(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ' && *from != '\t') {
            *to++ = *from;
        } else if (to != text && to[-1] != ' ') {
            *to++ = ' ';
        }
    }
    while (to != text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static bool nothing_left(stage *s) {
    if (s->ignore || s->out_next == s->out_count) return true;
    (void)tw_text_format(s->fault, sizeof s->fault, "nobody expected: %s", s->out[s->out_next]);
    return false;
}

static bool expect(stage *s, const char *text) {
    if (strcmp(text, "...") == 0) {
        s->ignore = true;
        return true;
    }
    const char *came = s->out_next < s->out_count ? s->out[s->out_next++] : "(nothing)";
    if (strcmp(came, text) == 0) return true;
    (void)tw_text_format(s->fault, sizeof s->fault, "expected: %s, came: %s", text, came);
    return false;
}

static bool line(stage *s, char *text) {
    text[strcspn(text, "#\r\n")] = '\0';
    char *right = strchr(text, '|');
    if (right != NULL) *right++ = '\0';
    tidy(text);
    if (*text != '\0') {
        if (!nothing_left(s)) return false;
        s->out_count = s->out_next = 0;
        s->ignore = false;
        split(s, text);
        if (!command(s)) return fail(s, "the command failed");
        if (s->at != s->word_count) return fail(s, "too many words");
    }
    if (right == NULL) return true;
    tidy(right);
    return *right == '\0' || expect(s, right);
}

static bool begin(stage *s) {
    static const char *const lines[] = {"instrument X tick 0.01 | ...",
                                        "account ann | ...",
                                        "limits ann | ...",
                                        "account bob | ...",
                                        "limits bob | ...",
                                        "account cat | ...",
                                        "limits cat | ...",
                                        "account dan | ...",
                                        "limits dan | ...",
                                        "day 20260102 until 8h | ...",
                                        "state X continuous | ..."};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[LINE];
        (void)tw_text_copy(text, sizeof text, lines[i]);
        if (!line(s, text)) return false;
    }
    return true;
}

bool scenario_run(const char *path, venue asked, char *fault, size_t fault_bytes) {
    stage *s = calloc(1, sizeof *s);
    FILE *file = fopen(path, "r");
    char text[LINE];
    unsigned at = 0;
    bool good = s != NULL && file != NULL;
    if (good) {
        s->venue = asked;
        s->now_ns = START_NS;
        s->sink = (mx_sink){.reports = s->reports, .capacity = 3, .full = take_reports, .context = s};
        good = begin(s);
        while (good && fgets(text, sizeof text, file) != NULL) {
            at++;
            good = line(s, text);
        }
        good = good && nothing_left(s);
    }
    if (!good)
        (void)tw_text_format(fault, fault_bytes, "%s:%u: %s", path, at,
                             s != NULL && file != NULL ? s->fault : "can't be read");
    if (file != NULL) fclose(file);
    free(s);
    return good;
}
