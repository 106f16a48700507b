/*
 * The trade channel: every print since the last flush, in the order of the source.
 *
 * When the backlog is full the oldest source message's prints are given up. The chain and the totals move past
 * them as if they had been sent, so the next message's prev_seq names something no receiver has: the break is
 * visible, and a snapshot heals the totals.
 */
#include "publisher/internal.h"

static void take_back(pub_trades *trades, uint64_t quantity) {
    if (quantity == 0) return; /* the feed does not say what is void: the totals keep it (see publisher.h) */
    trades->volume -= quantity < trades->volume ? quantity : trades->volume;
    if (trades->count > 0) trades->count--;
}

/* A print leaves the backlog, sent or dropped: chain and totals move on to it. */
static void pass(publisher *p, pub_trades *trades) {
    uint32_t item = trades->waiting.first;
    const tw_print *print = backlog_record(&p->prints, item);
    if (print->kind == TW_PRINT_BREAK) {
        take_back(trades, print->quantity);
    } else {
        trades->volume += print->quantity;
        trades->count++;
    }
    trades->last = *print;
    trades->printed = true;
    trades->chain.seq = p->prints.items[item].seq;
    trades->chain.event_ns = print->event_ns;
    trades->chain.receive_ns = p->prints.items[item].receive_ns;
    backlog_pop(&p->prints, &trades->waiting);
}

/* Gives up all prints of the oldest waiting source message. */
static void drop_oldest(publisher *p) {
    const backlog_item *oldest = &p->prints.items[p->prints.oldest];
    pub_trades *trades = &p->instruments[oldest->instrument].trades;
    uint64_t seq = oldest->seq;
    while (!backlog_line_empty(&trades->waiting) && p->prints.items[trades->waiting.first].seq == seq) {
        pass(p, trades);
        p->stats.prints_dropped++;
    }
    trades->dropped_seq = seq;
}

void publisher_print(publisher *p, uint32_t instrument, const tw_print *print, const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL) return;
    if (backlog_full(&p->prints)) drop_oldest(p);
    backlog_push(&p->prints, &at->trades.waiting, instrument, print, stamp->seq, stamp->receive_ns);
    pub_mark(p, instrument, PUB_DIRTY_TRADES);
    if (at->trades.dropped_seq != stamp->seq) return;
    /* The first prints of this very message were given up a moment ago: a part of it would look whole. */
    while (!backlog_line_empty(&at->trades.waiting)) {
        pass(p, &at->trades);
        p->stats.prints_dropped++;
    }
}

void pub_trades_confirm(publisher *p, uint64_t seq) {
    const backlog *b = &p->prints;
    while (b->oldest != BACKLOG_NONE && b->items[b->oldest].seq <= seq)
        pass(p, &p->instruments[b->items[b->oldest].instrument].trades);
}

/* Totals, where prints that were sent may not have arrived: they are not kept, so no receiver can have them again. */
static void publish_totals(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    wire_trades message;
    at->trades.chain.goes_on = PUB_CHAINED;
    pub_trades_snapshot(p, instrument, now_ns, &message);
    pub_emit(p, instrument, SUBJECT_TRADE, wire_trades_encode(&message, p->buffer, WIRE_MAX_BYTES));
}

static void publish_batch(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    pub_trades *trades = &at->trades;
    wire_trades message = {.prints = p->print_batch};
    uint64_t prev_seq = trades->chain.seq;
    message.print_count = pub_batch(p, &p->prints, &trades->waiting, WIRE_MAX_PRINTS);
    for (uint32_t i = 0; i < message.print_count; i++) {
        pass(p, trades);
        p->print_batch[i] = trades->last;
    }
    pub_message_header(at, &trades->chain, prev_seq, now_ns, &message.header);
    message.volume = trades->volume;
    message.prints_total = trades->count;
    size_t length = wire_trades_encode(&message, p->buffer, WIRE_MAX_BYTES);
    pub_emit(p, instrument, SUBJECT_TRADE, length);
}

bool pub_trades_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    const pub_trades *trades = &p->instruments[instrument].trades;
    if (trades->chain.goes_on != PUB_CHAINED) {
        if (!pub_may_emit(p)) return false;
        publish_totals(p, instrument, now_ns);
    }
    while (!backlog_line_empty(&trades->waiting)) {
        if (!pub_may_emit(p)) return false;
        publish_batch(p, instrument, now_ns);
    }
    return true;
}

void pub_trades_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_trades *message) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_header(p, at, &at->trades.chain, &message->header);
    message->header.publish_ns = now_ns;
    message->print_count = at->trades.printed ? 1 : 0;
    message->prints = &at->trades.last;
    message->volume = at->trades.volume;
    message->prints_total = at->trades.count;
}
