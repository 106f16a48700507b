/* The two moments at which market data leaves: the end of a burst, and a tick of the clock. */
#include "publisher/internal.h"

static uint64_t messages_out(const publisher *p) {
    return p->updates + p->stats.feed_statuses + p->stats.directory_changes;
}

bool pub_instrument_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    uint8_t dirty = at->dirty;
    at->dirty = 0;
    if (!at->defined) return true; /* undefined while it waited */
    if (dirty & PUB_DIRTY_STATUS) pub_status_publish(p, instrument, now_ns);
    if (dirty & PUB_DIRTY_BOOK) pub_book_publish(p, instrument, SUBJECT_ORDERBOOK, now_ns);
    if (dirty & PUB_DIRTY_QUOTE) pub_quote_publish(p, instrument, now_ns);
    if (dirty & PUB_DIRTY_IMBALANCE) pub_imbalance_publish(p, instrument, now_ns);
    if ((dirty & PUB_DIRTY_TRADES) && !pub_trades_publish(p, instrument, now_ns)) {
        at->dirty |= dirty & (PUB_DIRTY_TRADES | PUB_DIRTY_ORDERS);
    } else if ((dirty & PUB_DIRTY_ORDERS) && !pub_orders_publish(p, instrument, now_ns)) {
        at->dirty |= PUB_DIRTY_ORDERS;
    }
    return at->dirty == 0;
}

static void publish_live(publisher *p, int64_t now_ns) {
    if (p->held) return;
    if (pub_changes_waiting(p)) pub_changes_publish(p, now_ns); /* before the books of what is new */
    while (p->live.first != PUB_NONE && pub_may_emit(p)) {
        uint32_t instrument = p->live.first;
        if (!pub_instrument_publish(p, instrument, now_ns)) return; /* stays first in line */
        tw_list_pop(&p->live, p->live_next);
        p->instruments[instrument].queued = false;
    }
}

size_t publisher_flush(publisher *p, int64_t now_ns) {
    p->now_ns = now_ns;
    if (!p->leads) return 0;
    bool waits = !p->held && (p->live.first != PUB_NONE || pub_changes_waiting(p));
    if (!waits && !p->feed_urgent) return 0;
    if (!pub_sink_ready(p)) return 0;
    uint64_t before = messages_out(p);
    if (p->feed_urgent) pub_feed_publish(p, now_ns);
    if (!p->feed.handover) publish_live(p, now_ns);
    pub_note_published(p);
    return (size_t)(messages_out(p) - before);
}

void publisher_hold(publisher *p, bool held) {
    p->held = held;
}

bool publisher_settle(publisher *p, int64_t now_ns) {
    if (!p->leads) return !p->held; /* what is marked is not to leave from here */
    publisher_flush(p, now_ns);
    if (p->held || p->feed.handover || p->live.first != PUB_NONE || p->behind_count > 0 || !pub_sink_ready(p))
        return false;
    return pub_tiers_settle(p, now_ns);
}

static bool tier_due(const publisher *p, int64_t now_ns) {
    if (!pub_tiers_on(p) || p->feed.handover || p->held) return false;
    return !p->tier_started || (now_ns > 0 ? now_ns : 0) / PUB_TIER_STEP_NS != p->tier_step;
}

size_t publisher_tick(publisher *p, int64_t now_ns) {
    p->now_ns = now_ns;
    p->held_back = false;
    if (!p->leads) return 0;
    if (p->singles) pub_singles_tick(p, now_ns);
    bool status_due = pub_feed_due(p, now_ns), tiers_due = tier_due(p, now_ns);
    bool owes = p->behind_count > 0 && !p->feed.handover && !p->held;
    if (!status_due && !tiers_due && !owes) return 0;
    uint64_t before = messages_out(p);
    if (!pub_sink_ready(p)) {
        p->held_back = true;
        return 0;
    }
    if (status_due) pub_feed_publish(p, now_ns);
    if (owes && !pub_catch_up(p, now_ns)) p->held_back = true;
    if (tiers_due && !pub_tiers_publish(p, now_ns)) p->held_back = true;
    return (size_t)(messages_out(p) - before);
}

int64_t publisher_next_tick(const publisher *p) {
    if (!p->leads) return p->now_ns + p->options.status_interval_ns;
    if (p->held_back) return p->now_ns + PUB_RETRY_NS;
    if (p->feed_urgent || !p->feed_sent) return p->now_ns;
    int64_t status_ns = p->feed_sent_ns + p->options.status_interval_ns;
    if (p->feed.handover) return status_ns;
    if (p->behind_count > 0 && !p->held) return p->now_ns + PUB_CATCH_UP_NS;
    if (!pub_tiers_on(p)) return status_ns;
    if (!p->tier_started) return p->now_ns;
    int64_t tier_ns = (p->tier_step + 1) * PUB_TIER_STEP_NS;
    return tier_ns < status_ns ? tier_ns : status_ns;
}
