/* From Redis' texts and the bus's numbers to one JSON form. */
#include "gateways/last_shown.h"

#include <string.h>

#define NS_PER_MS INT64_C(1000000)

void last_shown_start(last_shown *shown, int64_t read_ns) {
    *shown = (last_shown){.event_ns = TW_TIME_ABSENT, .read_ns = read_ns, .state = TW_BOOK_OK};
}

/* ---- from Redis ---- */

/* "-12.50": what the aggregator writes, and nothing that a reader would have to guess at. */
static bool is_decimal(const char *text) {
    text += *text == '-';
    size_t whole = strspn(text, "0123456789"), part = 0;
    if (text[whole] == '.') part = strspn(text + whole + 1, "0123456789");
    if (text[whole] == '.' && part == 0) return false;
    return whole > 0 && text[whole + (part > 0 ? part + 1 : 0)] == '\0';
}

static bool take_state(last_shown *shown, const char *value) {
    for (int i = 0; i <= (int)TW_BOOK_STALE; i++) {
        if (strcmp(tw_book_state_name((tw_book_state)i), value) != 0) continue;
        shown->state = (tw_book_state)i;
        shown->has_state = true;
        return true;
    }
    return false;
}

bool last_shown_take_field(last_shown *shown, const char *name, const char *value) {
    const struct {
        const char *name;
        char *text;
    } decimals[] = {{"bid", shown->bid},           {"bid_size", shown->bid_size}, {"ask", shown->ask},
                    {"ask_size", shown->ask_size}, {"last", shown->last},         {"last_size", shown->last_size}};
    for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++)
        if (strcmp(decimals[i].name, name) == 0)
            return is_decimal(value) && tw_text_copy(decimals[i].text, TW_DECIMAL_BYTES, value);
    if (strcmp(name, "seq") == 0) return shown->has_seq = tw_text_to_u64(value, &shown->seq);
    if (strcmp(name, "event_ns") == 0) return tw_text_to_i64(value, &shown->event_ns);
    return strcmp(name, "state") != 0 || take_state(shown, value);
}

static bool go_together(const char *price, const char *size) {
    return (price[0] == '\0') == (size[0] == '\0');
}

bool last_shown_is_row(const last_shown *shown) {
    return shown->has_seq && shown->has_state && go_together(shown->bid, shown->bid_size) &&
           go_together(shown->ask, shown->ask_size) && go_together(shown->last, shown->last_size);
}

/* ---- from the bus ---- */

void last_shown_worsen(last_shown *shown, tw_book_state state, tw_state_cause cause) {
    if (state == TW_BOOK_OK || tw_book_state_worse(state, shown->state) == shown->state) return;
    shown->state = state;
    shown->cause = cause;
}

bool last_shown_is_newer(const last_shown *one, const last_shown *than) {
    bool timed = one->event_ns != TW_TIME_ABSENT && than->event_ns != TW_TIME_ABSENT;
    if (timed && one->event_ns != than->event_ns) return one->event_ns > than->event_ns;
    return one->seq > than->seq;
}

static void put(char *price, char *size, int64_t value, uint64_t quantity, const wire_header *header) {
    price[0] = size[0] = '\0';
    if (value == TW_PRICE_ABSENT) return;
    tw_decimal_format(price, TW_DECIMAL_BYTES, value, header->price_exponent);
    tw_decimal_format_u64(size, TW_DECIMAL_BYTES, quantity, header->quantity_exponent);
}

static void take_newer(last_shown *shown, uint64_t seq, int64_t event_ns) {
    if (seq < shown->seq) return;
    shown->seq = seq;
    if (event_ns != TW_TIME_ABSENT) shown->event_ns = event_ns;
}

void last_shown_take_quote(last_shown *shown, const wire_quote *quote, tw_book_state state, tw_state_cause cause) {
    put(shown->bid, shown->bid_size, quote->bid.price, quote->bid.quantity, &quote->header);
    put(shown->ask, shown->ask_size, quote->ask.price, quote->ask.quantity, &quote->header);
    take_newer(shown, quote->header.seq, quote->header.event_ns);
    last_shown_worsen(shown, state, cause);
}

void last_shown_take_print(last_shown *shown, const wire_header *header, const tw_print *print) {
    if (print == NULL || print->kind == TW_PRINT_BREAK || print->quantity == 0) return;
    put(shown->last, shown->last_size, print->price, print->quantity, header);
    take_newer(shown, header->seq, print->event_ns);
}

/* ---- out ---- */

static void put_pair(json_writer *w, const char *price_name, const char *price, const char *size_name,
                     const char *size) {
    if (price[0] == '\0') return;
    json_string(w, price_name, price);
    json_string(w, size_name, size);
}

void last_shown_write(const last_shown *shown, const char *source, json_writer *w) {
    put_pair(w, "bid", shown->bid, "bid_size", shown->bid_size);
    put_pair(w, "ask", shown->ask, "ask_size", shown->ask_size);
    put_pair(w, "last", shown->last, "last_size", shown->last_size);
    json_u64_string(w, "seq", shown->seq);
    json_string(w, "state", tw_book_state_name(shown->state));
    if (shown->cause != TW_CAUSE_NONE) json_string(w, "cause", tw_state_cause_name(shown->cause));
    if (shown->event_ns != TW_TIME_ABSENT) {
        int64_t age_ns = shown->read_ns - shown->event_ns;
        json_i64_string(w, "event_ns", shown->event_ns);
        json_i64(w, "age_ms", age_ns > 0 ? age_ns / NS_PER_MS : 0);
    }
    json_i64_string(w, "read_ns", shown->read_ns);
    json_string(w, "source", source);
}
