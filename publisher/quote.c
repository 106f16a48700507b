/* The quote channel: best bid and offer, whole, when the best level of a side or the state changed. */
#include "publisher/internal.h"

/* Of the published view: a quote never leaves before the book update that it belongs to, which has just left. */
static tw_level best_of(const tw_level *levels, uint32_t count) {
    return count > 0 ? levels[0] : (tw_level){.price = TW_PRICE_ABSENT};
}

static bool same_level(const tw_level *a, const tw_level *b) {
    return a->price == b->price && a->quantity == b->quantity && a->orders == b->orders;
}

void pub_quote_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    const pub_book *view = pub_view(p, instrument, SUBJECT_ORDERBOOK);
    tw_level bid = best_of(view->levels, view->bid_count);
    tw_level ask = best_of(view->levels + p->options.depth, view->ask_count);
    pub_pending pending = at->quote_pending;
    at->quote_pending = (pub_pending){.seq = 0};
    bool changed = !same_level(&bid, &at->bid) || !same_level(&ask, &at->ask);
    bool news = changed || at->state != at->quote_chain.state || at->cause != at->quote_chain.cause;
    if (!news && !pub_is_owed(&at->quote_chain, &pending)) return;

    at->bid = bid;
    at->ask = ask;
    wire_quote quote;
    quote.bid = bid;
    quote.ask = ask;
    pub_chain_advance(at, &at->quote_chain, &pending, changed, now_ns, &quote.header);
    size_t length = wire_quote_encode(&quote, p->buffer, WIRE_MAX_BYTES);
    pub_emit(p, instrument, SUBJECT_QUOTE, length);
}

void pub_quote_settle(publisher *p, uint32_t instrument, uint64_t safe_seq) {
    pub_instrument *at = &p->instruments[instrument];
    const pub_book *view = pub_view(p, instrument, SUBJECT_ORDERBOOK);
    at->bid = best_of(view->levels, view->bid_count);
    at->ask = best_of(view->levels + p->options.depth, view->ask_count);
    pub_chain_settle(at, &at->quote_chain, &at->quote_pending, safe_seq);
}

void pub_quote_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_quote *quote) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_header(p, at, &at->quote_chain, &quote->header);
    quote->header.publish_ns = now_ns;
    quote->bid = at->bid;
    quote->ask = at->ask;
}
