/*
 * The orderbook channel and its tiers: published view against present top N, and the net change between them.
 *
 *   levels changed            prev_seq = published seq, seq = last source message folded in
 *   only the state changed    no levels, seq == prev_seq == published seq
 *   nothing visible changed   no message; the chain stands still
 *   the chain begins again    the whole view as a snapshot (lead.c)
 */
#include <string.h>

#include "base/assert.h"
#include "publisher/delta.h"
#include "publisher/internal.h"

static tw_level *view_side(pub_book *view, tw_side side, uint32_t depth) {
    return view->levels + (side == TW_BID ? 0 : depth);
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
        view->chain.goes_on = pub_chain_start(p);
        view->marked_from[TW_BID] = view->marked_from[TW_ASK] = PUB_UNMARKED;
    }
}

static uint32_t levels_below(const publisher *p, uint32_t instrument, tw_side side, uint32_t skip, tw_level *levels,
                             uint32_t depth) {
    if (p->books != NULL) return ob_book_below(p->books, instrument, side, skip, levels, depth);
    return p->options.levels.below(p->options.levels.context, instrument, side, skip, levels, depth);
}

/* The present levels of a side, from the best marked rank on, replace the published ones; better ones are the same in
 * both. Returns how many changes were written, 0 if none is visible. */
static uint32_t refresh_side(const publisher *p, uint32_t instrument, pub_book *view, tw_side side, uint16_t *count,
                             tw_level *changes) {
    uint32_t from = view->marked_from[side];
    if (from == PUB_UNMARKED) return 0;
    view->marked_from[side] = PUB_UNMARKED;
    TW_ASSERT(from <= *count);
    uint32_t rest = p->options.depth - from;
    tw_level now[TW_MAX_DEPTH], *published = view_side(view, side, p->options.depth) + from;
    uint32_t now_count = levels_below(p, instrument, side, from, now, rest);
    uint32_t changed = delta_side(side, published, *count - from, now, now_count, rest, changes);
    if (changed == 0) return 0;
    memcpy(published, now, now_count * sizeof *now);
    *count = (uint16_t)(from + now_count);
    return changed;
}

/* Diffs and stores. False if no visible level changed. */
static bool view_refresh(publisher *p, uint32_t instrument, pub_book *view, tw_level *bid_changes,
                         tw_level *ask_changes, wire_book_update *update) {
    uint32_t depth = p->options.depth;
    update->bid_count = refresh_side(p, instrument, view, TW_BID, &view->bid_count, bid_changes);
    update->ask_count = refresh_side(p, instrument, view, TW_ASK, &view->ask_count, ask_changes);
    update->bids = bid_changes;
    update->asks = ask_changes;
    if (update->bid_count == 0 && update->ask_count == 0) return false;
    view->checksum = wire_book_checksum(view_side(view, TW_BID, depth), view->bid_count,
                                        view_side(view, TW_ASK, depth), view->ask_count, depth);
    return true;
}

static void count_merges(publisher *p, subject_channel channel, const pub_pending *pending, bool changed) {
    if (channel != SUBJECT_ORDERBOOK) return; /* in a tier merging is the purpose, not a sign of load */
    if (changed && pending->merged > 1) p->stats.merged += pending->merged - 1;
    if (!changed && pending->merged > 0) p->stats.unchanged++;
}

/* The view as it stands; the header is the caller's. */
static void fill_whole(const publisher *p, pub_book *view, wire_book_update *update) {
    update->depth = p->options.depth;
    update->merged = 0;
    update->checksum = view->checksum;
    update->bid_count = view->bid_count;
    update->ask_count = view->ask_count;
    update->bids = view_side(view, TW_BID, p->options.depth);
    update->asks = view_side(view, TW_ASK, p->options.depth);
}

static void emit_update(publisher *p, uint32_t instrument, subject_channel channel,
                        const wire_book_update *update) {
    pub_emit(p, instrument, channel, wire_book_update_encode(update, p->buffer, WIRE_MAX_BYTES));
}

static void publish_whole(publisher *p, uint32_t instrument, subject_channel channel, const pub_pending *pending,
                          int64_t now_ns) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_book *view = pub_view(p, instrument, channel);
    wire_book_update update;
    bool state_follows = pub_chain_begin(at, &view->chain, pending, now_ns, &update.header);
    fill_whole(p, view, &update);
    emit_update(p, instrument, channel, &update);
    if (!state_follows) return;
    update.header.snapshot = false;
    update.bid_count = update.ask_count = 0;
    emit_update(p, instrument, channel, &update);
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
    bool news = changed || at->state != view->chain.state || at->cause != view->chain.cause;
    if (view->chain.goes_on != PUB_CHAINED) {
        if (news || pub_is_owed(&view->chain, &pending)) publish_whole(p, instrument, channel, &pending, now_ns);
        return;
    }
    if (!news) return;

    pub_chain_advance(at, &view->chain, &pending, changed, now_ns, &update.header);
    update.depth = p->options.depth;
    update.merged = changed ? pending.merged : 0;
    update.checksum = view->checksum;
    emit_update(p, instrument, channel, &update);
}

void pub_book_settle(publisher *p, uint32_t instrument, subject_channel channel, uint64_t safe_seq) {
    pub_book *view = pub_view(p, instrument, channel);
    tw_level bid_changes[DELTA_MAX_LEVELS], ask_changes[DELTA_MAX_LEVELS];
    wire_book_update update;
    view_refresh(p, instrument, view, bid_changes, ask_changes, &update);
    pub_chain_settle(&p->instruments[instrument], &view->chain, &view->pending, safe_seq);
}

void pub_book_snapshot(const publisher *p, uint32_t instrument, subject_channel channel, int64_t now_ns,
                       wire_book_update *update) {
    pub_book *view = pub_view(p, instrument, channel);
    pub_header(p, &p->instruments[instrument], &view->chain, &update->header);
    update->header.publish_ns = now_ns;
    fill_whole(p, view, update);
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
