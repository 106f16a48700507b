/* Decoded messages as JSON objects (every field) or as aligned lines (what matters). */
#include "tools/tap_print.h"

#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/json_levels.h"
#include "base/text.h"
#include "proto/subject.h"
#include "proto/venues.h"

/* ---- JSON ---- */

static void json_time(json_writer *w, const char *name, int64_t ns) {
    if (ns == TW_TIME_ABSENT)
        json_null(w, name);
    else
        json_i64_string(w, name, ns);
}

static void json_header(json_writer *w, const wire_header *h) {
    json_string(w, "exchange", h->exchange);
    json_string(w, "symbol", h->symbol);
    json_u64(w, "partition", h->partition);
    json_string(w, "epoch", h->epoch);
    json_u64_string(w, "term", h->term);
    json_u64(w, "prev_seq", h->prev_seq);
    json_u64(w, "seq", h->seq);
    json_bool(w, "snapshot", h->snapshot);
    json_string(w, "state", tw_book_state_name(h->state));
    json_string(w, "cause", tw_state_cause_name(h->cause));
    json_i64(w, "price_exponent", h->price_exponent);
    json_i64(w, "quantity_exponent", h->quantity_exponent);
    json_time(w, "event_ns", h->event_ns);
    json_time(w, "receive_ns", h->receive_ns);
    json_time(w, "publish_ns", h->publish_ns);
}

static void json_price(json_writer *w, const char *name, int64_t price, const wire_header *h) {
    json_decimal(w, name, price, h->price_exponent);
}

static void json_quantity(json_writer *w, const char *name, uint64_t quantity, const wire_header *h) {
    json_decimal_u64(w, name, quantity, h->quantity_exponent);
}

static void json_book(json_writer *w, const wire_book_update *m) {
    json_header(w, &m->header);
    json_u64(w, "depth", m->depth);
    json_u64(w, "merged", m->merged);
    json_levels(w, "bids", m->bids, m->bid_count, m->header.price_exponent, m->header.quantity_exponent);
    json_levels(w, "asks", m->asks, m->ask_count, m->header.price_exponent, m->header.quantity_exponent);
    json_u64(w, "checksum", m->checksum);
}

static void json_quote(json_writer *w, const wire_quote *m) {
    const wire_header *h = &m->header;
    json_header(w, h);
    json_price(w, "bid_price", m->bid.price, h);
    json_quantity(w, "bid_quantity", m->bid.quantity, h);
    json_u64(w, "bid_orders", m->bid.orders);
    json_price(w, "ask_price", m->ask.price, h);
    json_quantity(w, "ask_quantity", m->ask.quantity, h);
    json_u64(w, "ask_orders", m->ask.orders);
}

static void json_trades(json_writer *w, const wire_trades *m) {
    const wire_header *h = &m->header;
    json_header(w, h);
    json_open_array(w, "prints");
    for (uint32_t i = 0; i < m->print_count; i++) {
        const tw_print *p = &m->prints[i];
        json_open_object(w, NULL);
        json_u64(w, "seq", p->seq);
        json_u64(w, "index", p->index);
        json_string(w, "kind", tw_print_kind_name(p->kind));
        json_string(w, "cross", tw_cross_kind_name(p->cross));
        json_string(w, "aggressor", tw_aggressor_name(p->aggressor));
        json_price(w, "price", p->price, h);
        json_quantity(w, "quantity", p->quantity, h);
        json_u64_string(w, "match_id", p->match_id);
        json_u64_string(w, "order_id", p->order_id);
        json_time(w, "event_ns", p->event_ns);
        json_close_object(w);
    }
    json_close_array(w);
    json_quantity(w, "volume", m->volume, h);
    json_u64(w, "print_count", m->prints_total);
    json_u64(w, "prints_total", m->prints_total);
    if (m->counted_from_seq != 0) json_u64(w, "counted_from_seq", m->counted_from_seq);
}

static void json_status(json_writer *w, const wire_status *m) {
    const wire_header *h = &m->header;
    json_header(w, h);
    json_string(w, "trading", tw_trading_state_name(m->trading));
    json_string(w, "reason", m->reason);
    json_string(w, "short_sale", tw_short_sale_name(m->short_sale));
    json_price(w, "collar_upper", m->collar_upper, h);
    json_price(w, "collar_lower", m->collar_lower, h);
    json_price(w, "collar_reference", m->collar_reference, h);
}

static void json_imbalance(json_writer *w, const wire_imbalance *m) {
    const tw_imbalance *i = &m->imbalance;
    const wire_header *h = &m->header;
    char variation[2] = {i->variation, '\0'};
    json_header(w, h);
    json_string(w, "cross", tw_cross_kind_name(i->cross));
    json_string(w, "direction", tw_imbalance_direction_name(i->direction));
    json_quantity(w, "paired_quantity", i->paired_quantity, h);
    json_quantity(w, "imbalance_quantity", i->imbalance_quantity, h);
    json_price(w, "far_price", i->far_price, h);
    json_price(w, "near_price", i->near_price, h);
    json_price(w, "reference_price", i->reference_price, h);
    json_string(w, "variation", variation);
}

static const char *order_kind_name(wire_order_kind kind) {
    static const char *const names[] = {"ADD", "EXECUTE", "REDUCE", "DELETE", "REPLACE"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

static void json_orders(json_writer *w, const wire_order_events *m) {
    const wire_header *h = &m->header;
    json_header(w, h);
    json_open_array(w, "events");
    for (uint32_t i = 0; i < m->event_count; i++) {
        const wire_order_event *e = &m->events[i];
        json_open_object(w, NULL);
        json_u64(w, "seq", e->seq);
        json_string(w, "kind", order_kind_name(e->kind));
        json_string(w, "side", e->side == TW_BID ? "BID" : "ASK");
        json_u64_string(w, "order_id", e->order_id);
        json_u64_string(w, "new_order_id", e->new_order_id);
        json_price(w, "price", e->price, h);
        json_quantity(w, "quantity", e->quantity, h);
        json_quantity(w, "remaining", e->remaining, h);
        json_time(w, "event_ns", e->event_ns);
        json_string(w, "attribution", e->attribution);
        json_close_object(w);
    }
    json_close_array(w);
}

static void json_feed(json_writer *w, const wire_feed_status *m) {
    json_string(w, "exchange", m->exchange);
    json_u64(w, "partition", m->partition);
    json_string(w, "epoch", m->epoch);
    json_u64_string(w, "term", m->term);
    json_u64(w, "seq", m->seq);
    json_string(w, "state", tw_book_state_name(m->state));
    json_string(w, "cause", tw_state_cause_name(m->cause));
    json_string(w, "detail", m->detail);
    json_time(w, "event_ns", m->event_ns);
    json_time(w, "receive_ns", m->receive_ns);
    json_time(w, "publish_ns", m->publish_ns);
    json_u64(w, "gap_from", m->gap_from);
    json_u64(w, "gap_to", m->gap_to);
    json_u64(w, "messages", m->messages);
    json_u64(w, "lost", m->lost);
    json_u64(w, "updates", m->updates);
    json_u64(w, "instruments", m->instruments);
    json_u64(w, "instruments_not_ok", m->instruments_not_ok);
    json_u64(w, "published_seq", m->published_seq);
    json_bool(w, "handover", m->handover);
    json_string(w, "leader", m->leader);
    json_u64(w, "directory_version", m->directory_version);
    if (m->continues_term != 0) json_u64_string(w, "continues_term", m->continues_term);
    if (m->storage_low) json_bool(w, "storage_low", true);
    if (m->journal_ns != 0) json_time(w, "journal_ns", m->journal_ns);
}

static void json_line(json_writer *w, const wire_line_status *m) {
    json_string(w, "exchange", m->exchange);
    json_u64(w, "partition", m->partition);
    json_string(w, "line", m->line);
    json_string(w, "epoch", m->epoch);
    json_u64_string(w, "term", m->term);
    json_u64(w, "next_seq", m->next_seq);
    json_string(w, "state", tw_book_state_name(m->state));
    json_string(w, "cause", tw_state_cause_name(m->cause));
    json_time(w, "receive_ns", m->receive_ns);
    json_time(w, "publish_ns", m->publish_ns);
    json_u64(w, "packets", m->packets);
    json_u64(w, "messages", m->messages);
    json_u64(w, "lost", m->lost);
    json_u64(w, "duplicates", m->duplicates);
    json_u64(w, "wins", m->wins);
    json_i64_string(w, "skew_ns", m->skew_ns);
    json_u64(w, "kernel_drops", m->kernel_drops);
    json_u64(w, "malformed", m->malformed);
}

static void json_instrument(json_writer *w, const wire_instrument *m) {
    const tw_instrument *i = &m->instrument;
    char market[2] = {i->market, '\0'};
    json_open_object(w, NULL);
    json_string(w, "symbol", i->symbol);
    json_string(w, "name", i->name);
    json_i64(w, "price_exponent", i->price_exponent);
    json_i64(w, "quantity_exponent", i->quantity_exponent);
    json_i64(w, "tick", i->tick);
    json_u64(w, "round_lot", i->round_lot);
    json_u64(w, "locate", i->locate);
    json_bool(w, "test", i->test);
    json_string(w, "market", market);
    json_u64(w, "version", i->version);
    json_u64(w, "shard", m->shard);
    json_string(w, "trading", tw_trading_state_name(m->trading));
    json_string(w, "state", tw_book_state_name(m->state));
    json_string(w, "cause", tw_state_cause_name(m->cause));
    json_close_object(w);
}

static void json_directory(json_writer *w, const wire_instrument_list *m) {
    json_string(w, "exchange", m->exchange);
    json_u64(w, "partition", m->partition);
    json_string(w, "epoch", m->epoch);
    json_u64_string(w, "term", m->term);
    json_u64(w, "prev_version", m->prev_version);
    json_u64(w, "version", m->version);
    json_time(w, "publish_ns", m->publish_ns);
    json_bool(w, "last", m->last);
    json_open_array(w, "instruments");
    for (uint32_t i = 0; i < m->instrument_count; i++)
        json_instrument(w, &m->instruments[i]);
    json_close_array(w);
}

/* turnover: too wide for any number of a reader's; its two halves, and the scale they have. */
static void json_turnover(json_writer *w, const wire_candle *m) {
    json_i64_string(w, "turnover_high", m->turnover_high);
    json_u64_string(w, "turnover_low", m->turnover_low);
}

static void json_candle(json_writer *w, const wire_candle *m) {
    const wire_header *h = &m->header;
    json_header(w, h);
    json_u64(w, "interval_ms", m->interval_ms);
    json_time(w, "start_ns", m->start_ns);
    json_price(w, "open", m->open, h);
    json_price(w, "high", m->high, h);
    json_price(w, "low", m->low, h);
    json_price(w, "close", m->close, h);
    json_quantity(w, "volume", m->volume, h);
    json_turnover(w, m);
    json_price(w, "vwap", m->vwap, h);
    json_u64(w, "count", m->count);
    json_u64(w, "revision", m->revision);
    json_bool(w, "final", m->final);
    json_bool(w, "incomplete", m->incomplete);
}

static void json_nbbo(json_writer *w, const wire_nbbo *m) {
    const wire_header *h = &m->header;
    json_header(w, h);
    json_price(w, "bid_price", m->bid.price, h);
    json_quantity(w, "bid_quantity", m->bid.quantity, h);
    wire_venues_json(w, "bid_exchanges", &m->bid_venues);
    json_price(w, "ask_price", m->ask.price, h);
    json_quantity(w, "ask_quantity", m->ask.quantity, h);
    wire_venues_json(w, "ask_exchanges", &m->ask_venues);
    json_bool(w, "locked", m->locked);
    json_bool(w, "crossed", m->crossed);
    json_u64(w, "venues", m->venue_count);
    wire_venues_json(w, "venues_stale", &m->stale_venues);
}

static void json_usage(json_writer *w, const wire_usage *m) {
    json_string(w, "gateway", m->gateway);
    json_string(w, "instance", m->instance);
    json_string(w, "exchange", m->exchange);
    json_time(w, "period_start_ns", m->period_start_ns);
    json_i64(w, "period_ns", m->period_ns);
    json_time(w, "publish_ns", m->publish_ns);
    json_open_array(w, "lines");
    for (uint32_t i = 0; i < m->line_count; i++) {
        const wire_usage_line *one = &m->lines[i];
        json_open_object(w, NULL);
        json_u64(w, "number", one->number);
        json_string(w, "user", one->user);
        json_string(w, "subject", one->subject);
        json_u64(w, "updates", one->updates);
        json_u64(w, "bytes", one->bytes);
        json_time(w, "first_ns", one->first_ns);
        json_time(w, "last_ns", one->last_ns);
        json_close_object(w);
    }
    json_close_array(w);
}

/* ---- lines for people ---- */

typedef struct line_writer {
    char *text;
    size_t capacity, length;
} line_writer;

#define ADD(w, ...)                                                                                                \
    do {                                                                                                           \
        tw_text_format((w)->text + (w)->length, (w)->capacity - (w)->length, __VA_ARGS__);                         \
        (w)->length += strlen((w)->text + (w)->length);                                                            \
    } while (0)

static void line_start(line_writer *w, const char *subject, int64_t ns) {
    char when[TW_INSTANT_BYTES] = "";
    if (ns != TW_TIME_ABSENT && ns > 0) tw_instant_format(when, ns);
    ADD(w, "%-15.15s %-28s ", when[0] != '\0' ? when + 11 : "-", subject); /* the time of day, to microseconds */
}

static void line_seq(line_writer *w, const wire_header *h) {
    if (h->snapshot)
        ADD(w, "seq %-20llu snapshot ", (unsigned long long)h->seq);
    else
        ADD(w, "seq %-9llu <- %-9llu ", (unsigned long long)h->seq, (unsigned long long)h->prev_seq);
}

static void line_state(line_writer *w, tw_book_state state, tw_state_cause cause) {
    if (state != TW_BOOK_OK) ADD(w, " %s %s", tw_book_state_name(state), tw_state_cause_name(cause));
}

static void line_level(line_writer *w, const tw_level *level, const wire_header *h) {
    char price[TW_DECIMAL_BYTES], quantity[TW_DECIMAL_BYTES];
    tw_decimal_format(price, sizeof price, level->price, h->price_exponent);
    tw_decimal_format_u64(quantity, sizeof quantity, level->quantity, h->quantity_exponent);
    if (level->price == TW_PRICE_ABSENT)
        ADD(w, " -");
    else if (level->quantity == 0)
        ADD(w, " %s gone", price);
    else
        ADD(w, " %s x%s", price, quantity);
}

static void line_levels(line_writer *w, const char *name, const tw_level *levels, uint32_t count,
                        const wire_header *h) {
    if (count == 0) return;
    ADD(w, " %s", name);
    for (uint32_t i = 0; i < count && i < 5; i++)
        line_level(w, &levels[i], h);
    if (count > 5) ADD(w, " and %u more", count - 5);
}

static void line_book(line_writer *w, const wire_book_update *m) {
    line_seq(w, &m->header);
    line_levels(w, "bid", m->bids, m->bid_count, &m->header);
    line_levels(w, "ask", m->asks, m->ask_count, &m->header);
    line_state(w, m->header.state, m->header.cause);
}

static void line_quote(line_writer *w, const wire_quote *m) {
    line_seq(w, &m->header);
    ADD(w, " bid");
    line_level(w, &m->bid, &m->header);
    ADD(w, " ask");
    line_level(w, &m->ask, &m->header);
    line_state(w, m->header.state, m->header.cause);
}

static void line_trades(line_writer *w, const wire_trades *m) {
    line_seq(w, &m->header);
    for (uint32_t i = 0; i < m->print_count && i < 5; i++) {
        const tw_print *p = &m->prints[i];
        tw_level level = {p->price, p->quantity, 1};
        ADD(w, " %s", tw_print_kind_name(p->kind));
        line_level(w, &level, &m->header);
        if (p->aggressor != TW_AGGRESSOR_UNKNOWN) ADD(w, " %s", tw_aggressor_name(p->aggressor));
        if (p->cross != TW_CROSS_NONE) ADD(w, " %s", tw_cross_kind_name(p->cross));
    }
    if (m->print_count > 5) ADD(w, " and %u more", m->print_count - 5);
    ADD(w, "  volume %llu", (unsigned long long)m->volume);
    if (m->counted_from_seq != 0) ADD(w, " (counted from %llu)", (unsigned long long)m->counted_from_seq);
}

static void line_status(line_writer *w, const wire_status *m) {
    line_seq(w, &m->header);
    ADD(w, " %s %s short sale %s", tw_trading_state_name(m->trading), m->reason, tw_short_sale_name(m->short_sale));
    line_state(w, m->header.state, m->header.cause);
}

static void line_imbalance(line_writer *w, const wire_imbalance *m) {
    line_seq(w, &m->header);
    ADD(w, " %s %s paired %llu imbalance %llu reference", tw_cross_kind_name(m->imbalance.cross),
        tw_imbalance_direction_name(m->imbalance.direction), (unsigned long long)m->imbalance.paired_quantity,
        (unsigned long long)m->imbalance.imbalance_quantity);
    char price[TW_DECIMAL_BYTES];
    tw_decimal_format(price, sizeof price, m->imbalance.reference_price, m->header.price_exponent);
    ADD(w, " %s", price[0] != '\0' ? price : "-");
}

static void line_orders(line_writer *w, const wire_order_events *m) {
    line_seq(w, &m->header);
    for (uint32_t i = 0; i < m->event_count && i < 3; i++) {
        const wire_order_event *e = &m->events[i];
        tw_level level = {e->price, e->quantity, 1};
        ADD(w, " %s %s %llu", order_kind_name(e->kind), e->side == TW_BID ? "bid" : "ask",
            (unsigned long long)e->order_id);
        line_level(w, &level, &m->header);
    }
    if (m->event_count > 3) ADD(w, " and %u more", m->event_count - 3);
}

static void line_feed(line_writer *w, const wire_feed_status *m) {
    ADD(w, "seq %-9llu %s", (unsigned long long)m->seq, tw_book_state_name(m->state));
    if (m->cause != TW_CAUSE_NONE) ADD(w, " %s", tw_state_cause_name(m->cause));
    ADD(w, " term %llu messages %llu lost %llu updates %llu instruments %u (%u not ok)",
        (unsigned long long)m->term, (unsigned long long)m->messages, (unsigned long long)m->lost,
        (unsigned long long)m->updates, m->instruments, m->instruments_not_ok);
    ADD(w, " published %llu", (unsigned long long)m->published_seq);
    if (m->leader[0] != '\0') ADD(w, " by %s", m->leader);
    if (m->handover) ADD(w, " offers its place");
    if (m->detail[0] != '\0') ADD(w, " %s", m->detail);
}

static void line_line(line_writer *w, const wire_line_status *m) {
    ADD(w, "next %-8llu %s packets %llu lost %llu duplicates %llu kernel drops %llu",
        (unsigned long long)m->next_seq, tw_book_state_name(m->state), (unsigned long long)m->packets,
        (unsigned long long)m->lost, (unsigned long long)m->duplicates, (unsigned long long)m->kernel_drops);
}

static void line_directory(line_writer *w, const wire_instrument_list *m) {
    ADD(w, "version %llu <- %llu", (unsigned long long)m->version, (unsigned long long)m->prev_version);
    for (uint32_t i = 0; i < m->instrument_count && i < 5; i++) {
        const tw_instrument *entry = &m->instruments[i].instrument;
        ADD(w, "%s %s (its version %llu, round lot %llu)", i > 0 ? "," : "", entry->symbol,
            (unsigned long long)entry->version, (unsigned long long)entry->round_lot);
    }
    if (m->instrument_count > 5) ADD(w, " and %u more", m->instrument_count - 5);
    if (!m->last) ADD(w, ", more to come");
}

static void line_price(line_writer *w, const char *name, int64_t price, const wire_header *h) {
    char text[TW_DECIMAL_BYTES];
    tw_decimal_format(text, sizeof text, price, h->price_exponent);
    ADD(w, " %s %s", name, price == TW_PRICE_ABSENT ? "-" : text);
}

static void line_candle(line_writer *w, const wire_candle *m) {
    const wire_header *h = &m->header;
    char volume[TW_DECIMAL_BYTES], when[TW_INSTANT_BYTES] = "-";
    tw_decimal_format_u64(volume, sizeof volume, m->volume, h->quantity_exponent);
    if (m->start_ns != TW_TIME_ABSENT) tw_instant_format(when, m->start_ns);
    ADD(w, "from %.19s", when);
    line_price(w, "open", m->open, h);
    line_price(w, "high", m->high, h);
    line_price(w, "low", m->low, h);
    line_price(w, "close", m->close, h);
    ADD(w, " volume %s", volume);
    line_price(w, "vwap", m->vwap, h);
    ADD(w, " prints %llu%s%s", (unsigned long long)m->count, m->final ? " final" : "",
        m->incomplete ? " incomplete" : "");
}

static void line_venues(line_writer *w, const wire_venues *venues) {
    for (uint32_t i = 0; i < venues->count; i++)
        ADD(w, "%s%s", i == 0 ? " " : ",", venues->mics[i]);
}

static void line_nbbo(line_writer *w, const wire_nbbo *m) {
    ADD(w, "bid");
    line_level(w, &m->bid, &m->header);
    line_venues(w, &m->bid_venues);
    ADD(w, " ask");
    line_level(w, &m->ask, &m->header);
    line_venues(w, &m->ask_venues);
    if (m->locked) ADD(w, " locked");
    if (m->crossed) ADD(w, " crossed");
    line_state(w, m->header.state, m->header.cause);
    if (m->stale_venues.count > 0) ADD(w, " without");
    line_venues(w, &m->stale_venues);
}

static void line_usage(line_writer *w, const wire_usage *m) {
    ADD(w, "of %s, %u lines:", m->gateway, m->line_count);
    for (uint32_t i = 0; i < m->line_count && i < 5; i++)
        ADD(w, "%s %s had %llu of %s (%llu bytes)", i > 0 ? "," : "", m->lines[i].user,
            (unsigned long long)m->lines[i].updates, m->lines[i].subject, (unsigned long long)m->lines[i].bytes);
    if (m->line_count > 5) ADD(w, " and %u more", m->line_count - 5);
}

/* ---- by subject ---- */

/* Kinds of messages: ours, the member of any_message, the codec's, and the name in the .proto files. */
#define MESSAGES(X)                                                                                                \
    X(BOOK, book, book_update, "BookUpdate")                                                                       \
    X(QUOTE, quote, quote, "Quote")                                                                                \
    X(TRADES, trades, trades, "Trades")                                                                            \
    X(STATUS, status, status, "InstrumentStatus")                                                                  \
    X(IMBALANCE, imbalance, imbalance, "Imbalance")                                                                \
    X(ORDERS, orders, order_events, "OrderEvents")                                                                 \
    X(FEED, feed, feed_status, "FeedStatus")                                                                       \
    X(LINE, line, line_status, "LineStatus")                                                                       \
    X(DIRECTORY, directory, instrument_list, "InstrumentList")                                                     \
    X(CANDLE, candle, candle, "Candle")                                                                            \
    X(NBBO, nbbo, nbbo, "Nbbo")                                                                                    \
    X(USAGE, usage, usage, "Usage")

#define MEMBER(type, member, codec, name) wire_##codec member;
typedef union any_message {
    MESSAGES(MEMBER)
} any_message;

#define TYPE(type, member, codec, name) TYPE_##type,
typedef enum message_type { MESSAGES(TYPE) TYPE_UNKNOWN } message_type;

#define NAME(type, member, codec, name) name,
static const char *const type_names[] = {MESSAGES(NAME) "unknown"};

static message_type type_of(const char *subject) {
    static const message_type of_channel[SUBJECT_CHANNELS] = {
        [SUBJECT_ORDERBOOK] = TYPE_BOOK,      [SUBJECT_ORDERBOOK_100MS] = TYPE_BOOK,
        [SUBJECT_ORDERBOOK_1S] = TYPE_BOOK,   [SUBJECT_QUOTE] = TYPE_QUOTE,
        [SUBJECT_TRADE] = TYPE_TRADES,        [SUBJECT_STATUS] = TYPE_STATUS,
        [SUBJECT_IMBALANCE] = TYPE_IMBALANCE, [SUBJECT_ORDER] = TYPE_ORDERS,
        [SUBJECT_CANDLE_1S] = TYPE_CANDLE,    [SUBJECT_CANDLE_1M] = TYPE_CANDLE,
        [SUBJECT_CANDLE_5M] = TYPE_CANDLE,    [SUBJECT_CANDLE_1H] = TYPE_CANDLE,
        [SUBJECT_CANDLE_1D] = TYPE_CANDLE,    [SUBJECT_NBBO] = TYPE_NBBO,
    };
    subject_parts parts;
    switch (subject_parse(subject, &parts)) {
    case SUBJECT_KIND_INSTRUMENT:
    case SUBJECT_KIND_AGGREGATE:
        return of_channel[parts.channel];
    case SUBJECT_KIND_FEED_STATUS:
        return TYPE_FEED;
    case SUBJECT_KIND_LINE_STATUS:
        return TYPE_LINE;
    case SUBJECT_KIND_INSTRUMENT_CHANGES:
        return TYPE_DIRECTORY;
    case SUBJECT_KIND_USAGE:
        return TYPE_USAGE;
    default:
        return TYPE_UNKNOWN;
    }
}

#define DECODE(type, member, codec, name)                                                                          \
    case TYPE_##type:                                                                                              \
        return wire_##codec##_decode(arena, bytes, length, &m->member);
static wire_result decode(message_type type, wire_arena *arena, const uint8_t *bytes, size_t length,
                          any_message *m) {
    switch (type) {
        MESSAGES(DECODE)
    case TYPE_UNKNOWN:
        break;
    }
    return WIRE_OK;
}

#define JSON(type, member, codec, name)                                                                            \
    case TYPE_##type:                                                                                              \
        json_##member(w, &m->member);                                                                              \
        break;
static void json_of(json_writer *w, message_type type, const any_message *m) {
    switch (type) {
        MESSAGES(JSON)
    case TYPE_UNKNOWN:
        break;
    }
}

/* The time to print: the exchange's, and of what is not about an instrument ours. */
static int64_t time_of(message_type type, const any_message *m) {
    switch (type) {
    case TYPE_FEED:
        return m->feed.publish_ns;
    case TYPE_LINE:
        return m->line.publish_ns;
    case TYPE_DIRECTORY:
        return m->directory.publish_ns;
    case TYPE_USAGE:
        return m->usage.period_start_ns;
    default:
        return m->book.header.event_ns; /* every instrument's message begins with the header */
    }
}

#define LINE(type, member, codec, name)                                                                            \
    case TYPE_##type:                                                                                              \
        line_##member(w, &m->member);                                                                              \
        break;
static void line_of(line_writer *w, const char *subject, message_type type, const any_message *m) {
    line_start(w, subject, time_of(type, m));
    switch (type) {
        MESSAGES(LINE)
    case TYPE_UNKNOWN:
        break;
    }
}

bool tap_print(bool json, wire_arena *arena, const char *subject, const uint8_t *bytes, size_t length, char *line,
               size_t capacity) {
    any_message m;
    message_type type = type_of(subject);
    wire_result result = decode(type, arena, bytes, length, &m);
    const char *trouble = result == WIRE_MALFORMED ? "malformed" : "out of range";
    if (json) {
        json_writer w;
        json_start(&w, line, capacity);
        json_open_object(&w, NULL);
        json_string(&w, "subject", subject);
        json_string(&w, "type", type_names[type]);
        if (type == TYPE_UNKNOWN) json_u64(&w, "bytes", length);
        if (result == WIRE_OK)
            json_of(&w, type, &m);
        else
            json_string(&w, "error", trouble);
        json_close_object(&w);
        return json_finish(&w) && result == WIRE_OK;
    }
    line_writer w = {.text = line, .capacity = capacity};
    line[0] = '\0';
    if (result == WIRE_OK && type != TYPE_UNKNOWN) {
        line_of(&w, subject, type, &m);
    } else {
        line_start(&w, subject, TW_TIME_ABSENT);
        ADD(&w, "%zu bytes%s%s", length, result == WIRE_OK ? "" : ", ", result == WIRE_OK ? "" : trouble);
    }
    return result == WIRE_OK;
}
