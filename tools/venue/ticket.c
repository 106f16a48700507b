/* An order as a person says it: the words, then the numbers. */
#include "tools/venue/ticket.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "matcher/core/types.h"
#include "tools/venue/value.h"

static bool is(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* "[QUANTITY] [@ PRICE]", "@PRICE" in one word too. */
static tw_code read_terms(ticket *t, const char *const *words, size_t count, tw_error *error) {
    size_t at = 0;
    if (at < count && words[at][0] != '@') t->quantity = words[at++];
    if (at < count && words[at][0] == '@') {
        const char *price = words[at++] + 1;
        if (price[0] == '\0' && at < count) price = words[at++];
        if (price[0] == '\0') return tw_error_set(error, TW_INVALID, "a price is missing after '@'");
        t->price = price;
    }
    if (at == count) return TW_OK;
    return tw_error_set(
        error, TW_INVALID,
        "'%s' is too much: it is buy TWEX.AAPL 100 @ 187.20, and what else there is to say is a setting, such "
        "as --stop 185 or --tif gtc",
        words[at]);
}

/* An order's id, or an instrument whose order the client id names. */
static tw_code read_which(ticket *t, const char *word, const char *exchange, tw_error *error) {
    if (venue_order_id_parse(word, &t->shard, &t->order_id)) {
        if (t->options.client_id[0] == '\0') return TW_OK;
        return tw_error_set(error, TW_INVALID, "an order id or --client-id, not both");
    }
    tw_code code = venue_name_parse(word, exchange, &t->name, error);
    if (code != TW_OK) return code;
    if (t->options.client_id[0] != '\0') return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "'%s' is no order id such as 1-123-0; by instrument it needs --client-id", word);
}

static tw_code read_new(ticket *t, const char *const *words, size_t count, const char *exchange, tw_error *error) {
    t->side = is(words[0], "buy") ? TW_BID : TW_ASK;
    if (count < 3)
        return tw_error_set(error, TW_INVALID, "%s what, and how many? %s TWEX.AAPL 100 @ 187.20", words[0],
                            words[0]);
    tw_code code = venue_name_parse(words[1], exchange, &t->name, error);
    if (code == TW_OK) code = read_terms(t, words + 2, count - 2, error);
    if (code == TW_OK && t->quantity[0] == '\0')
        return tw_error_set(error, TW_INVALID, "%s how many? %s %s 100 @ 187.20", words[0], words[0], words[1]);
    return code;
}

static tw_code read_change(ticket *t, const char *const *words, size_t count, const char *exchange,
                           tw_error *error) {
    t->kind = is(words[0], "cancel") ? WIRE_CANCEL : WIRE_REPLACE;
    if (count < 2) return tw_error_set(error, TW_INVALID, "%s which order? %s 1-123-0", words[0], words[0]);
    tw_code code = read_which(t, words[1], exchange, error);
    if (code == TW_OK) code = read_terms(t, words + 2, count - 2, error);
    if (code != TW_OK) return code;
    const ticket_options *o = &t->options;
    bool says = t->quantity[0] != '\0' || t->price[0] != '\0' || o->stop[0] != '\0' || o->display[0] != '\0';
    if (t->kind == WIRE_CANCEL && says)
        return tw_error_set(error, TW_INVALID, "cancel takes no quantity and no price");
    if (t->kind == WIRE_REPLACE && !says)
        return tw_error_set(error, TW_INVALID, "replace what? replace 1-123-0 200 @ 187.10, --stop, --display");
    return TW_OK;
}

tw_code ticket_read(ticket *t, const char *const *words, size_t count, const char *exchange,
                    const ticket_options *options, tw_error *error) {
    *t = (ticket){.options = *options, .quantity = "", .price = ""};
    if (count == 0) return tw_error_set(error, TW_INVALID, "say what to do: buy, sell, cancel or replace");
    if (options->account[0] == '\0')
        return tw_error_set(error, TW_INVALID,
                            "for which account? --account ann, or TICKWIRE_ACCOUNT in the environment");
    tw_code code = venue_account_parse(options->account, t->account, error);
    if (code == TW_OK && strlen(options->client_id) >= WIRE_CLIENT_ID_BYTES)
        code = tw_error_set(error, TW_INVALID, "--client-id is longer than 40 bytes");
    if (code != TW_OK) return code;
    if (is(words[0], "buy") || is(words[0], "sell")) return read_new(t, words, count, exchange, error);
    if (is(words[0], "cancel") || is(words[0], "replace")) return read_change(t, words, count, exchange, error);
    return tw_error_set(error, TW_INVALID, "'%s' is none of buy, sell, cancel, replace", words[0]);
}

/* ---- numbers ---- */

static tw_code read_price(const ticket_ground *g, const char *what, const char *text, int64_t *price,
                          tw_error *error) {
    char tick[TW_DECIMAL_BYTES];
    if (!tw_decimal_parse(text, g->price_exponent, price) && g->symbol == NULL)
        return tw_error_set(error, TW_INVALID, "the %s '%s' is no number", what, text);
    if (!tw_decimal_parse(text, g->price_exponent, price))
        return tw_error_set(error, TW_INVALID, "the %s '%s' is no number with at most %d decimals", what, text,
                            g->price_exponent < 0 ? -g->price_exponent : 0);
    if (*price <= 0) return tw_error_set(error, TW_INVALID, "the %s '%s' is not above 0", what, text);
    if (g->tick <= 0 || *price % g->tick == 0) return TW_OK;
    tw_decimal_format(tick, sizeof tick, g->tick, g->price_exponent);
    return tw_error_set(error, TW_INVALID, "the %s %s is not on the tick of %s, which is %s", what, text, g->symbol,
                        tick);
}

static tw_code read_quantity(const ticket_ground *g, const char *what, const char *text, uint64_t *quantity,
                             tw_error *error) {
    char lot[TW_DECIMAL_BYTES];
    int64_t value;
    bool read = venue_amount_parse(text, g->quantity_exponent, &value) && value >= 0;
    if (!read && g->symbol == NULL) return tw_error_set(error, TW_INVALID, "the %s '%s' is no number", what, text);
    if (!read)
        return tw_error_set(error, TW_INVALID, "the %s '%s' is no number with at most %d decimals", what, text,
                            g->quantity_exponent < 0 ? -g->quantity_exponent : 0);
    *quantity = (uint64_t)value;
    if (g->lot <= 1 || *quantity % g->lot == 0) return TW_OK;
    tw_decimal_format_u64(lot, sizeof lot, g->lot, g->quantity_exponent);
    return tw_error_set(error, TW_INVALID, "the %s %s is no multiple of the lot of %s, which is %s", what, text,
                        g->symbol, lot);
}

/* The number of a word in a list "a|b|c"; false if it is none. */
static bool word_index(const char *list, const char *word, uint8_t *index) {
    size_t length = strlen(word);
    *index = 0;
    for (const char *at = list; *at != '\0'; (*index)++) {
        size_t span = strcspn(at, "|");
        if (span == length && strncmp(at, word, length) == 0) return true;
        at += span;
        if (*at == '|') at++;
    }
    return false;
}

static tw_code read_type(const ticket *t, wire_order_command *c, tw_error *error) {
    bool priced = t->price[0] != '\0', stop = t->options.stop[0] != '\0';
    uint8_t asked, meant = priced ? (stop ? MX_STOP_LIMIT : MX_LIMIT) : (stop ? MX_STOP : MX_MARKET);
    c->type = meant;
    if (t->options.type[0] == '\0') return TW_OK;
    if (!word_index("limit|market|stop|stop-limit", t->options.type, &asked))
        return tw_error_set(error, TW_INVALID, "--type '%s' is none of limit, market, stop, stop-limit",
                            t->options.type);
    if (asked == meant) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--type %s %s a price and %s a --stop", t->options.type,
                        asked == MX_LIMIT || asked == MX_STOP_LIMIT ? "has" : "has not",
                        asked == MX_STOP || asked == MX_STOP_LIMIT ? "has" : "has not");
}

/* A market order is done at once; any other is for the day if nothing is said. */
static tw_code read_tif(const ticket *t, const ticket_ground *g, wire_order_command *c, tw_error *error) {
    const ticket_options *o = &t->options;
    c->tif = c->type == MX_MARKET ? MX_IOC : MX_DAY;
    if (o->expire[0] != '\0') c->tif = MX_GTD;
    if (o->tif[0] != '\0' && !word_index("gtc|day|gtd|ioc|fok", o->tif, &c->tif))
        return tw_error_set(error, TW_INVALID, "--tif '%s' is none of gtc, day, gtd, ioc, fok", o->tif);
    if ((c->tif == MX_GTD) != (o->expire[0] != '\0'))
        return tw_error_set(error, TW_INVALID, "--tif gtd and --expire TIME belong together");
    if (o->expire[0] != '\0' && !venue_instant_parse(o->expire, g->today, &c->expire_ns))
        return tw_error_set(error, TW_INVALID,
                            "--expire '%s' is no time: 17:30 (UTC, today) or 2026-11-21T17:30:00Z", o->expire);
    return TW_OK;
}

static tw_code new_terms(const ticket *t, const ticket_ground *g, wire_order_command *c, tw_error *error) {
    const ticket_options *o = &t->options;
    tw_code code = read_type(t, c, error);
    if (code == TW_OK) code = read_tif(t, g, c, error);
    if (code != TW_OK) return code;
    if (!word_index("none|newest|oldest|both|decrement", o->stp[0] != '\0' ? o->stp : "newest", &c->stp))
        return tw_error_set(error, TW_INVALID, "--stp '%s' is none of none, newest, oldest, both, decrement",
                            o->stp);
    if (o->minimum[0] != '\0') code = read_quantity(g, "minimum", o->minimum, &c->minimum, error);
    if (code == TW_OK && c->quantity == 0) return tw_error_set(error, TW_INVALID, "the quantity is 0");
    c->post_only = o->post_only;
    c->side = t->side;
    return code;
}

tw_code ticket_command(const ticket *t, const ticket_ground *ground, wire_order_command *command, tw_error *error) {
    const ticket_options *o = &t->options;
    tw_code code = TW_OK;
    *command = wire_order_command_empty;
    command->kind = t->kind;
    command->order_id = t->order_id;
    command->open_only = o->open_only;
    tw_text_copy(command->account, sizeof command->account, t->account);
    tw_text_copy(command->symbol, sizeof command->symbol, ground->symbol != NULL ? ground->symbol : "");
    tw_text_copy(command->client_order_id, sizeof command->client_order_id, o->client_id);
    if (t->price[0] != '\0') code = read_price(ground, "price", t->price, &command->price, error);
    if (code == TW_OK && o->stop[0] != '\0')
        code = read_price(ground, "stop price", o->stop, &command->stop_price, error);
    if (code == TW_OK && t->quantity[0] != '\0')
        code = read_quantity(ground, "quantity", t->quantity, &command->quantity, error);
    if (code == TW_OK && o->display[0] != '\0')
        code = read_quantity(ground, "displayed quantity", o->display, &command->display, error);
    if (code == TW_OK && t->kind == WIRE_NEW_ORDER) code = new_terms(t, ground, command, error);
    return code;
}

/* ---- before the venue is asked ---- */

#define MOST_DECIMALS 18

static int32_t decimals(const char *text) {
    const char *point = strchr(text, '.');
    size_t count = point != NULL ? strspn(point + 1, "0123456789") : 0;
    return count < MOST_DECIMALS ? (int32_t)count : MOST_DECIMALS;
}

static int32_t finest(const char *const *texts, size_t count) {
    int32_t most = 0;
    for (size_t i = 0; i < count; i++)
        if (decimals(texts[i]) > most) most = decimals(texts[i]);
    return -most;
}

tw_code ticket_check(const ticket *t, tw_date today, tw_error *error) {
    const ticket_options *o = &t->options;
    const char *const prices[] = {t->price, o->stop}, *const quantities[] = {t->quantity, o->display, o->minimum};
    const ticket_ground ground = {
        .price_exponent = finest(prices, 2), .quantity_exponent = finest(quantities, 3), .today = today};
    wire_order_command scratch;
    return ticket_command(t, &ground, &scratch, error);
}
