/*
 * The orderbook channel and its tiers: published view against present top N, and the net change between them.
 *
 *   levels changed            prev_seq = published seq, seq = last source message folded in
 *   only the state changed    no levels, seq == prev_seq == published seq
 *   nothing visible changed   no message; the chain stands still
 */
#include <string.h>

#include "publisher/delta.h"
#include "publisher/internal.h"

static tw_level *view_bids(pub_book *view) {
    return view->levels;
}
static tw_level *view_asks(pub_book *view, uint32_t depth) {
    return view->levels + depth;
}

void pub_book_reset(publisher *p, uint32_t instrument) {
    for (subject_channel c = SUBJECT_ORDERBOOK; c <= SUBJECT_ORDERBOOK_1S; c++) {
        if (!pub_channel_on(p, c)) continue;
        pub_book *view = pub_view(p, instrument, c);
        bool queued = view->queued; /* its place in a tier's list is kept: the list is not walked here */
        memset(view, 0, sizeof *view);
        view->queued = queued;
        view->checksum = p->empty_checksum;
        view->chain.event_ns = view->chain.receive_ns = TW_TIME_ABSENT;
    }
}

/* The present top N replaces the published one. */
static void view_store(pub_book *view, uint32_t depth, const tw_level *bids, uint32_t bid_count,
                       const tw_level *asks, uint32_t ask_count) {
    memcpy(view_bids(view), bids, bid_count * sizeof *bids);
    memcpy(view_asks(view, depth), asks, ask_count * sizeof *asks);
    view->bid_count = (uint16_t)bid_count;
    view->ask_count = (uint16_t)ask_count;
    view->checksum = wire_book_checksum(bids, bid_count, asks, ask_count, depth);
}

/* Diffs and stores. False if no visible level changed. */
static bool view_refresh(publisher *p, uint32_t instrument, pub_book *view, tw_level *bid_changes,
                         tw_level *ask_changes, wire_book_update *update) {
    uint32_t depth = p->options.depth;
    tw_level bids[TW_MAX_DEPTH], asks[TW_MAX_DEPTH];
    uint32_t bid_count = ob_book_top(p->books, instrument, TW_BID, bids, depth);
    uint32_t ask_count = ob_book_top(p->books, instrument, TW_ASK, asks, depth);
    update->bid_count = delta_side(TW_BID, view_bids(view), view->bid_count, bids, bid_count, depth, bid_changes);
    update->ask_count =
        delta_side(TW_ASK, view_asks(view, depth), view->ask_count, asks, ask_count, depth, ask_changes);
    update->bids = bid_changes;
    update->asks = ask_changes;
    if (update->bid_count == 0 && update->ask_count == 0) return false;
    view_store(view, depth, bids, bid_count, asks, ask_count);
    return true;
}

static void count_merges(publisher *p, subject_channel channel, const pub_pending *pending, bool changed) {
    if (channel != SUBJECT_ORDERBOOK) return; /* in a tier merging is the purpose, not a sign of load */
    if (changed && pending->merged > 1) p->stats.merged += pending->merged - 1;
    if (!changed && pending->merged > 0) p->stats.unchanged++;
}

void pub_book_publish(publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_book *view = pub_view(p, instrument, channel);
    tw_level bid_changes[DELTA_MAX_LEVELS], ask_changes[DELTA_MAX_LEVELS];
    wire_book_update update;
    bool changed = view_refresh(p, instrument, view, bid_changes, ask_changes, &update);
    pub_pending pending = view->pending;
    view->pending = (pub_pending){.seq = 0};
    count_merges(p, channel, &pending, changed);
    if (!changed && at->state == view->chain.state && at->cause == view->chain.cause) return;

    if (!changed) pending.seq = view->chain.seq;
    pub_chain_advance(p, at, &view->chain, &pending, now_ns, &update.header);
    update.depth = p->options.depth;
    update.merged = changed ? pending.merged : 0;
    update.checksum = view->checksum;
    pub_emit(p, instrument, channel, wire_book_update_encode(&update, p->buffer, WIRE_MAX_BYTES));
}

void pub_book_snapshot(const publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns,
                       wire_book_update *update) {
    pub_book *view = pub_view(p, instrument, channel);
    pub_header(p, &p->instruments[instrument], &view->chain, &update->header);
    update->header.publish_ns = now_ns;
    update->depth = p->options.depth;
    update->merged = 0;
    update->checksum = view->checksum;
    update->bid_count = view->bid_count;
    update->ask_count = view->ask_count;
    update->bids = view_bids(view);
    update->asks = view_asks(view, p->options.depth);
}

bool publisher_published_book(const publisher *p, uint32_t instrument, subject_channel channel,
                              wire_book_update *snapshot, tw_level bids[TW_MAX_DEPTH],
                              tw_level asks[TW_MAX_DEPTH]) {
    if (pub_find(p, instrument) == NULL) return false;
    if (channel > SUBJECT_ORDERBOOK_1S || !pub_channel_on(p, channel)) return false;
    pub_book_snapshot(p, instrument, channel, TW_TIME_ABSENT, snapshot);
    memcpy(bids, snapshot->bids, snapshot->bid_count * sizeof *bids);
    memcpy(asks, snapshot->asks, snapshot->ask_count * sizeof *asks);
    snapshot->bids = bids;
    snapshot->asks = asks;
    return true;
}
