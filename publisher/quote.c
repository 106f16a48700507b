/* The quote channel: best bid and offer, whole, when the best level of a side or the state changed. */
#include "publisher/internal.h"

static tw_level best_of(const publisher *p, uint32_t instrument, tw_side side) {
    tw_level best;
    if (ob_book_top(p->books, instrument, side, &best, 1) == 1) return best;
    return (tw_level){.price = TW_PRICE_ABSENT};
}

static bool same_level(const tw_level *a, const tw_level *b) {
    return a->price == b->price && a->quantity == b->quantity && a->orders == b->orders;
}

void pub_quote_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    tw_level bid = best_of(p, instrument, TW_BID), ask = best_of(p, instrument, TW_ASK);
    pub_pending pending = at->quote_pending;
    at->quote_pending = (pub_pending){.seq = 0};
    bool changed = !same_level(&bid, &at->bid) || !same_level(&ask, &at->ask);
    if (!changed && at->state == at->quote_chain.state && at->cause == at->quote_chain.cause) return;

    if (!changed) pending.seq = at->quote_chain.seq;
    at->bid = bid;
    at->ask = ask;
    wire_quote quote = {.bid = bid, .ask = ask};
    pub_chain_advance(p, at, &at->quote_chain, &pending, now_ns, &quote.header);
    size_t length = wire_quote_encode(&quote, p->buffer, WIRE_MAX_BYTES);
    pub_emit(p, instrument, SUBJECT_QUOTE, length);
}

void pub_quote_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_quote *quote) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_header(p, at, &at->quote_chain, &quote->header);
    quote->header.publish_ns = now_ns;
    quote->bid = at->bid;
    quote->ask = at->ask;
}
