/* Marks: what a burst touched, gathered until the next flush. */
#include "publisher/internal.h"

void pub_mark(publisher *p, uint32_t instrument, uint8_t what) {
    pub_instrument *at = &p->instruments[instrument];
    at->dirty |= what;
    if (at->queued) return;
    at->queued = true;
    tw_list_push(&p->live, p->live_next, instrument);
}

/* The times move without a source message of the channel's own: a change of state. */
void pub_pending_touch(pub_pending *pending, const publisher_stamp *stamp) {
    pending->seq = stamp->seq;
    pending->event_ns = stamp->event_ns;
    pending->receive_ns = stamp->receive_ns;
}

void pub_pending_add(pub_pending *pending, const publisher_stamp *stamp) {
    pub_pending_touch(pending, stamp);
    pending->merged++;
}

static void mark_side(pub_book *view, tw_side side, uint32_t rank) {
    if (rank < view->marked_from[side]) view->marked_from[side] = (uint8_t)rank;
}

static void mark_view(publisher *p, uint32_t instrument, subject_channel channel, tw_sides sides, uint32_t rank,
                      const publisher_stamp *stamp) {
    if (!pub_channel_on(p, channel)) return;
    pub_book *view = pub_view(p, instrument, channel);
    pub_pending_add(&view->pending, stamp);
    if (sides & TW_SIDES_BID) mark_side(view, TW_BID, rank);
    if (sides & TW_SIDES_ASK) mark_side(view, TW_ASK, rank);
    if (channel != SUBJECT_ORDERBOOK) pub_tier_mark(p, instrument, channel);
}

static void touch_view(publisher *p, uint32_t instrument, subject_channel channel, const publisher_stamp *stamp) {
    if (!pub_channel_on(p, channel)) return;
    pub_pending_touch(&pub_view(p, instrument, channel)->pending, stamp);
    if (channel != SUBJECT_ORDERBOOK) pub_tier_mark(p, instrument, channel);
}

void publisher_mark_book(publisher *p, uint32_t instrument, tw_sides sides, uint32_t rank,
                         const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL || rank >= p->options.depth) return;
    mark_view(p, instrument, SUBJECT_ORDERBOOK, sides, rank, stamp);
    mark_view(p, instrument, SUBJECT_ORDERBOOK_100MS, sides, rank, stamp);
    mark_view(p, instrument, SUBJECT_ORDERBOOK_1S, sides, rank, stamp);
    if (rank == 0) pub_pending_add(&at->quote_pending, stamp);
    pub_mark(p, instrument, rank == 0 ? PUB_DIRTY_BOOK | PUB_DIRTY_QUOTE : PUB_DIRTY_BOOK);
}

void publisher_book_state(publisher *p, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL || (at->state == state && at->cause == cause)) return;
    p->stats.instruments_not_ok -= at->state != TW_BOOK_OK;
    p->stats.instruments_not_ok += state != TW_BOOK_OK;
    at->state = state;
    at->cause = cause;
    touch_view(p, instrument, SUBJECT_ORDERBOOK, stamp);
    touch_view(p, instrument, SUBJECT_ORDERBOOK_100MS, stamp);
    touch_view(p, instrument, SUBJECT_ORDERBOOK_1S, stamp);
    pub_pending_touch(&at->quote_pending, stamp);
    pub_pending_add(&at->status_pending, stamp);
    pub_mark(p, instrument, PUB_DIRTY_BOOK | PUB_DIRTY_QUOTE | PUB_DIRTY_STATUS);
}
