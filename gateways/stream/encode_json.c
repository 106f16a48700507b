/* Messages as JSON objects (docs/stream.md): prices and quantities as decimal strings, times and sequence numbers as
 * strings, what is absent left out. */
#include "base/json.h"
#include "base/json_levels.h"
#include "gateways/stream/encode.h"
#include "proto/venues.h"

static void put_time(json_writer *w, const char *name, int64_t time_ns) {
    if (time_ns != TW_TIME_ABSENT) json_i64_string(w, name, time_ns);
}

static void put_price(json_writer *w, const char *name, int64_t price, int32_t exponent) {
    if (price != TW_PRICE_ABSENT) json_decimal(w, name, price, exponent);
}

static void put_state(json_writer *w, tw_book_state state, tw_state_cause cause) {
    json_string(w, "state", tw_book_state_name(state));
    if (cause != TW_CAUSE_NONE) json_string(w, "cause", tw_state_cause_name(cause));
}

/* What all messages about an instrument start with. */
static void put_header(json_writer *w, const encode_frame *frame, const char *type, const wire_header *header) {
    json_open_object(w, NULL);
    json_string(w, "type", type);
    json_string(w, "subject", frame->subject);
    if (header->snapshot) json_bool(w, "snapshot", true);
    json_string(w, "epoch", header->epoch);
    json_u64_string(w, "term", header->term);
    json_u64_string(w, "prev_seq", header->prev_seq);
    json_u64_string(w, "seq", header->seq);
    json_u64(w, "interval_ms", frame->interval_ms);
    put_time(w, "event_ns", header->event_ns);
    put_time(w, "receive_ns", header->receive_ns);
    put_time(w, "publish_ns", header->publish_ns);
    put_time(w, "gateway_ns", frame->gateway_ns);
    json_i64(w, "price_exponent", header->price_exponent);
    json_i64(w, "quantity_exponent", header->quantity_exponent);
}

static void put_book(json_writer *w, const encode_frame *frame, const wire_book_update *m) {
    put_header(w, frame, "book", &m->header);
    put_state(w, m->header.state, m->header.cause);
    json_u64(w, "depth", m->depth);
    json_levels(w, "bids", m->bids, m->bid_count, m->header.price_exponent, m->header.quantity_exponent);
    json_levels(w, "asks", m->asks, m->ask_count, m->header.price_exponent, m->header.quantity_exponent);
    json_u64(w, "checksum", m->checksum);
}

static void put_quote(json_writer *w, const encode_frame *frame, const wire_quote *m) {
    put_header(w, frame, "quote", &m->header);
    put_state(w, m->header.state, m->header.cause);
    if (m->bid.price != TW_PRICE_ABSENT)
        json_level(w, "bid", &m->bid, m->header.price_exponent, m->header.quantity_exponent);
    if (m->ask.price != TW_PRICE_ABSENT)
        json_level(w, "ask", &m->ask, m->header.price_exponent, m->header.quantity_exponent);
}

static void put_print(json_writer *w, const tw_print *print, const wire_header *header) {
    json_open_object(w, NULL);
    json_u64_string(w, "seq", print->seq);
    json_u64(w, "index", print->index);
    json_string(w, "kind", tw_print_kind_name(print->kind));
    if (print->cross != TW_CROSS_NONE) json_string(w, "cross", tw_cross_kind_name(print->cross));
    if (print->aggressor != TW_AGGRESSOR_UNKNOWN) json_string(w, "aggressor", tw_aggressor_name(print->aggressor));
    put_price(w, "price", print->price, header->price_exponent);
    json_decimal_u64(w, "quantity", print->quantity, header->quantity_exponent);
    json_u64_string(w, "match_id", print->match_id);
    if (print->order_id != 0) json_u64_string(w, "order_id", print->order_id);
    put_time(w, "event_ns", print->event_ns);
    json_close_object(w);
}

static void put_trades(json_writer *w, const encode_frame *frame, const wire_trades *m) {
    put_header(w, frame, "trades", &m->header);
    json_open_array(w, "prints");
    for (uint32_t i = 0; i < m->print_count; i++)
        put_print(w, &m->prints[i], &m->header);
    json_close_array(w);
    json_decimal_u64(w, "volume", m->volume, m->header.quantity_exponent);
    json_u64_string(w, "prints_total", m->prints_total);
}

static void put_status(json_writer *w, const encode_frame *frame, const wire_status *m) {
    put_header(w, frame, "status", &m->header);
    put_state(w, m->header.state, m->header.cause);
    json_string(w, "trading", tw_trading_state_name(m->trading));
    json_string(w, "short_sale", tw_short_sale_name(m->short_sale));
    if (m->reason[0] != '\0') json_string(w, "reason", m->reason);
    put_price(w, "collar_upper", m->collar_upper, m->header.price_exponent);
    put_price(w, "collar_lower", m->collar_lower, m->header.price_exponent);
    put_price(w, "collar_reference", m->collar_reference, m->header.price_exponent);
}

static void put_imbalance(json_writer *w, const encode_frame *frame, const wire_imbalance *m) {
    const tw_imbalance *i = &m->imbalance;
    put_header(w, frame, "imbalance", &m->header);
    json_string(w, "cross", tw_cross_kind_name(i->cross));
    json_string(w, "direction", tw_imbalance_direction_name(i->direction));
    json_decimal_u64(w, "paired_quantity", i->paired_quantity, m->header.quantity_exponent);
    json_decimal_u64(w, "imbalance_quantity", i->imbalance_quantity, m->header.quantity_exponent);
    put_price(w, "far_price", i->far_price, m->header.price_exponent);
    put_price(w, "near_price", i->near_price, m->header.price_exponent);
    put_price(w, "reference_price", i->reference_price, m->header.price_exponent);
    if (i->variation != '\0') json_string(w, "variation", (const char[]){i->variation, '\0'});
}

static void put_feed(json_writer *w, const encode_frame *frame, const wire_feed_status *m) {
    json_open_object(w, NULL);
    json_string(w, "type", "feed");
    json_string(w, "subject", frame->subject);
    json_string(w, "epoch", m->epoch);
    json_u64_string(w, "term", m->term);
    json_u64_string(w, "seq", m->seq);
    json_u64(w, "interval_ms", frame->interval_ms);
    put_state(w, m->state, m->cause);
    if (m->detail[0] != '\0') json_string(w, "detail", m->detail);
    put_time(w, "event_ns", m->event_ns);
    put_time(w, "receive_ns", m->receive_ns);
    put_time(w, "publish_ns", m->publish_ns);
    put_time(w, "gateway_ns", frame->gateway_ns);
    if (m->gap_from != 0) json_u64_string(w, "gap_from", m->gap_from);
    if (m->gap_to != 0) json_u64_string(w, "gap_to", m->gap_to);
    json_u64_string(w, "messages", m->messages);
    json_u64_string(w, "lost", m->lost);
    json_u64_string(w, "updates", m->updates);
    json_u64(w, "instruments", m->instruments);
    json_u64(w, "instruments_not_ok", m->instruments_not_ok);
    json_u64_string(w, "published_seq", m->published_seq);
    if (m->leader[0] != '\0') json_string(w, "leader", m->leader);
}

static void put_candle(json_writer *w, const encode_frame *frame, const wire_candle *m) {
    int32_t exponent = m->header.price_exponent;
    uint32_t index = 0;
    subject_candle_index(m->interval_ms, &index);
    put_header(w, frame, "candle", &m->header);
    json_string(w, "interval", subject_candle_name(index));
    json_i64_string(w, "start_ns", m->start_ns);
    put_price(w, "open", m->open, exponent);
    put_price(w, "high", m->high, exponent);
    put_price(w, "low", m->low, exponent);
    put_price(w, "close", m->close, exponent);
    json_decimal_u64(w, "volume", m->volume, m->header.quantity_exponent);
    put_price(w, "vwap", m->vwap, exponent);
    json_u64(w, "count", m->count);
    if (m->final) json_bool(w, "final", true);
    if (m->incomplete) json_bool(w, "incomplete", true);
    json_u64(w, "revision", m->revision);
}

/* The exchange with the largest quantity, and all of them where there are several. */
static void put_best(json_writer *w, const char *const names[3], const tw_level *level, const wire_venues *venues,
                     const wire_header *header) {
    if (level->price == TW_PRICE_ABSENT) return;
    json_open_array(w, names[0]);
    json_decimal(w, NULL, level->price, header->price_exponent);
    json_decimal_u64(w, NULL, level->quantity, header->quantity_exponent);
    json_close_array(w);
    if (venues->count > 0) json_string(w, names[1], venues->mics[0]);
    if (venues->count > 1) wire_venues_json(w, names[2], venues);
}

static void put_nbbo(json_writer *w, const encode_frame *frame, const wire_nbbo *m) {
    static const char *const bid[] = {"bid", "bid_exchange", "bid_exchanges"};
    static const char *const ask[] = {"ask", "ask_exchange", "ask_exchanges"};
    put_header(w, frame, "nbbo", &m->header);
    put_state(w, m->header.state, m->header.cause);
    put_best(w, bid, &m->bid, &m->bid_venues, &m->header);
    put_best(w, ask, &m->ask, &m->ask_venues, &m->header);
    if (m->locked) json_bool(w, "locked", true);
    if (m->crossed) json_bool(w, "crossed", true);
    json_u64(w, "venues", m->venue_count);
    if (m->stale_venues.count > 0) wire_venues_json(w, "venues_stale", &m->stale_venues);
}

size_t stream_encode_json(char *out, size_t capacity, const encode_frame *frame, topic_kind kind,
                          const void *message) {
    json_writer w;
    json_start(&w, out, capacity);
    if (kind == TOPIC_BOOK) put_book(&w, frame, message);
    if (kind == TOPIC_QUOTE) put_quote(&w, frame, message);
    if (kind == TOPIC_TRADES) put_trades(&w, frame, message);
    if (kind == TOPIC_STATUS) put_status(&w, frame, message);
    if (kind == TOPIC_IMBALANCE) put_imbalance(&w, frame, message);
    if (kind == TOPIC_FEED) put_feed(&w, frame, message);
    if (kind == TOPIC_CANDLE) put_candle(&w, frame, message);
    if (kind == TOPIC_NBBO) put_nbbo(&w, frame, message);
    return json_finish(&w) ? w.length : 0;
}
