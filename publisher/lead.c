/*
 * Leading and following: how a publisher goes on where another one left off, or where the bus lost what it had sent.
 *
 * A chain's deltas are understood by those who have the message before. After a change of leader nobody can say which
 * message that is: the two cut their bursts at different places, so their chains have different seqs for the same state.
 * So every chain begins again with a snapshot; seqs come from the source and say what it is a snapshot of.
 *
 *   source   .... 60 ........ 80 ........ 100        safe: the leader said that all up to 80 had left
 *   A.book        60                                 at publisher_lead: told_seq 60 is safe, so receivers have this
 *                                                      state: nothing is sent, the next change goes as a snapshot
 *   B.book                        90                 told_seq 90 is not: a snapshot is owed
 *
 * At publisher_lead the present books become the published ones without a message (so that requests are answered with
 * them), and instruments that owe anything wait in the list `behind`. Each tick sends what some of them owe; whoever
 * changes meanwhile sends it with the next flush. Prints and order events are owed one by one: those beyond `safe` are
 * still in their backlogs.
 */
#include "publisher/internal.h"

/* ---- chains ---- */

bool pub_chain_begin(const pub_instrument *instrument, pub_chain *chain, const pub_pending *pending, int64_t now_ns,
                     wire_header *header) {
    bool other_state = chain->state_alone || instrument->state != chain->state || instrument->cause != chain->cause;
    uint64_t before = chain->seq;
    if (pending->seq != 0) {
        chain->event_ns = pending->event_ns;
        chain->receive_ns = pending->receive_ns;
    }
    if (pending->seq > chain->told_seq) chain->told_seq = pending->seq;
    if (chain->told_seq > chain->seq) chain->seq = chain->told_seq;
    chain->state = instrument->state;
    chain->cause = instrument->cause;
    chain->goes_on = PUB_CHAINED;
    chain->state_alone = chain->seq == before && other_state;
    pub_message_header(instrument, chain, chain->seq, now_ns, header);
    header->snapshot = true;
    return chain->state_alone;
}

bool pub_is_owed(const pub_chain *chain, const pub_pending *pending) {
    return chain->goes_on == PUB_OWES || (chain->goes_on == PUB_JOINS && pending->seq != 0);
}

/* The predecessor may have told of it already, and what it told may be gone here before it is told again. */
uint8_t pub_chain_start(const publisher *p) {
    return p->joined ? PUB_JOINS : PUB_CHAINED;
}

void pub_chain_settle(const pub_instrument *instrument, pub_chain *chain, pub_pending *pending, uint64_t safe_seq) {
    wire_header unsent;
    pub_chain_begin(instrument, chain, pending, 0, &unsent);
    *pending = (pub_pending){.seq = 0};
    chain->state_alone = false; /* whoever asks in the new term is told this state */
    bool doubtful = chain->told_seq != 0 && instrument->state != TW_BOOK_OK;
    chain->goes_on = chain->told_seq > safe_seq || doubtful ? PUB_OWES : PUB_JOINS;
}

/* What was told beyond `safe_seq` may not have arrived. */
static void doubt_chain(pub_chain *chain, uint64_t safe_seq) {
    if (chain->told_seq > safe_seq) chain->goes_on = PUB_OWES;
}

/* Trades have no content to settle: what was passed beyond `safe_seq` and is no longer here, only totals can heal. */
static void doubt_trades(pub_trades *trades, uint64_t safe_seq) {
    if (trades->chain.seq > safe_seq) trades->chain.goes_on = PUB_OWES;
}

static bool owes(const pub_chain *chain) {
    return chain->goes_on == PUB_OWES;
}

static bool tier_owes(const publisher *p, uint32_t instrument, subject_channel channel) {
    return pub_channel_on(p, channel) && owes(&pub_view(p, instrument, channel)->chain);
}

/* ---- instruments ---- */

static uint8_t owed_marks(const publisher *p, uint32_t instrument) {
    const pub_instrument *at = &p->instruments[instrument];
    uint8_t marks = 0;
    if (owes(&pub_view(p, instrument, SUBJECT_ORDERBOOK)->chain)) marks |= PUB_DIRTY_BOOK;
    if (owes(&at->quote_chain)) marks |= PUB_DIRTY_QUOTE;
    if (owes(&at->status_chain)) marks |= PUB_DIRTY_STATUS;
    if (owes(&at->imbalance_chain)) marks |= PUB_DIRTY_IMBALANCE;
    if (owes(&at->trades.chain) || !backlog_line_empty(&at->trades.waiting)) marks |= PUB_DIRTY_TRADES;
    if (!backlog_line_empty(&at->orders.waiting)) marks |= PUB_DIRTY_ORDERS;
    return marks;
}

/* What is owed is marked, but not for the next flush: the ticks send it. */
static void queue_what_is_owed(publisher *p, uint32_t instrument) {
    pub_instrument *at = &p->instruments[instrument];
    uint8_t marks = owed_marks(p, instrument);
    at->dirty |= marks;
    bool tiers =
        tier_owes(p, instrument, SUBJECT_ORDERBOOK_100MS) || tier_owes(p, instrument, SUBJECT_ORDERBOOK_1S);
    if (at->behind || (marks == 0 && !tiers)) return;
    at->behind = true;
    tw_list_push(&p->behind, p->behind_next, instrument);
    p->behind_count++;
}

static void settle_instrument(publisher *p, uint32_t instrument, const publisher_safe *safe) {
    pub_instrument *at = &p->instruments[instrument];
    at->dirty = 0;
    pub_identity(p, at);
    pub_book_settle(p, instrument, SUBJECT_ORDERBOOK, safe->seq);
    if (pub_channel_on(p, SUBJECT_ORDERBOOK_100MS))
        pub_book_settle(p, instrument, SUBJECT_ORDERBOOK_100MS, safe->tier_seq);
    if (pub_channel_on(p, SUBJECT_ORDERBOOK_1S))
        pub_book_settle(p, instrument, SUBJECT_ORDERBOOK_1S, safe->tier_seq);
    pub_quote_settle(p, instrument, safe->seq);
    at->status_published = at->status;
    pub_chain_settle(at, &at->status_chain, &at->status_pending, safe->seq);
    at->imbalance_published = at->imbalance;
    pub_chain_settle(at, &at->imbalance_chain, &at->imbalance_pending, safe->seq);
    doubt_trades(&at->trades, safe->seq);
}

static void forget_behind(publisher *p) {
    for (uint32_t i = p->behind.first; i != PUB_NONE; i = p->behind_next[i])
        p->instruments[i].behind = false;
    tw_list_init(&p->behind);
    p->behind_count = 0;
}

static uint64_t newest_seq(const backlog *b) {
    return b->newest == BACKLOG_NONE ? 0 : b->items[b->newest].seq;
}

/* ---- the roles ---- */

static void confirm(publisher *p, uint64_t seq) {
    pub_trades_confirm(p, seq);
    pub_orders_confirm(p, seq);
}

void publisher_lead(publisher *p, uint64_t term, const publisher_safe *safe) {
    p->leads = true;
    p->options.term = term;
    p->continues_term = safe->continues_term;
    p->joined = safe->continues_term != 0;
    p->updates = 0;
    p->feed.handover = false;
    p->feed_urgent = true;
    p->published_seq = safe->seq;
    confirm(p, safe->seq);
    uint64_t prints_seq = newest_seq(&p->prints), orders_seq = newest_seq(&p->order_events);
    p->singles_to = prints_seq > orders_seq ? prints_seq : orders_seq;
    p->singles = true;
    p->singles_end_ns = TW_TIME_ABSENT;
    pub_lists_clear(p);
    pub_changes_settle(p);
    forget_behind(p);
    for (uint32_t i = 0; i < p->instrument_top; i++) {
        if (!p->instruments[i].defined) continue;
        settle_instrument(p, i, safe);
        queue_what_is_owed(p, i);
    }
}

void publisher_follow(publisher *p) {
    p->leads = false;
    forget_behind(p);
    pub_requests_forget(p);
}

bool publisher_leads(const publisher *p) {
    return p->leads;
}

void publisher_confirm(publisher *p, uint64_t seq) {
    if (!p->leads) confirm(p, seq);
}

void publisher_resume(publisher *p, const publisher_safe *safe) {
    if (!p->leads) return;
    if (p->published_seq > safe->seq) p->published_seq = safe->seq;
    p->feed_urgent = true;
    for (uint32_t i = 0; i < p->instrument_top; i++) {
        pub_instrument *at = &p->instruments[i];
        if (!at->defined) continue;
        doubt_chain(&pub_view(p, i, SUBJECT_ORDERBOOK)->chain, safe->seq);
        if (pub_channel_on(p, SUBJECT_ORDERBOOK_100MS))
            doubt_chain(&pub_view(p, i, SUBJECT_ORDERBOOK_100MS)->chain, safe->tier_seq);
        if (pub_channel_on(p, SUBJECT_ORDERBOOK_1S))
            doubt_chain(&pub_view(p, i, SUBJECT_ORDERBOOK_1S)->chain, safe->tier_seq);
        doubt_chain(&at->quote_chain, safe->seq);
        doubt_chain(&at->status_chain, safe->seq);
        doubt_chain(&at->imbalance_chain, safe->seq);
        doubt_trades(&at->trades, safe->seq);
        queue_what_is_owed(p, i);
    }
}

/* ---- what has left, what is yet to leave ---- */

uint64_t publisher_published_seq(const publisher *p) {
    bool nothing_waits = p->leads && p->live.first == PUB_NONE && p->behind_count == 0;
    return nothing_waits ? p->feed.seq : p->published_seq;
}

void pub_note_published(publisher *p) {
    p->published_seq = publisher_published_seq(p);
}

uint32_t publisher_catching_up(const publisher *p) {
    return p->behind_count;
}

/* A predecessor that does not know yet that it was deposed may be ahead of this publisher for a moment. */
void pub_singles_tick(publisher *p, int64_t now_ns) {
    if (p->singles_end_ns == TW_TIME_ABSENT) p->singles_end_ns = now_ns + PUB_SINGLES_NS;
    p->singles = now_ns < p->singles_end_ns;
}

static bool publish_owed(publisher *p, uint32_t instrument, int64_t now_ns) {
    if (!pub_instrument_publish(p, instrument, now_ns)) return false;
    if (!p->instruments[instrument].defined) return true;
    for (subject_channel c = SUBJECT_ORDERBOOK_100MS; c <= SUBJECT_ORDERBOOK_1S; c++) {
        if (tier_owes(p, instrument, c)) pub_book_publish(p, instrument, c, now_ns);
    }
    return true;
}

bool pub_catch_up(publisher *p, int64_t now_ns) {
    for (uint32_t i = 0; i < PUB_CATCH_UP && p->behind.first != PUB_NONE; i++) {
        if (!pub_may_emit(p) || !publish_owed(p, p->behind.first, now_ns)) return false;
        p->instruments[tw_list_pop(&p->behind, p->behind_next)].behind = false;
        p->behind_count--;
    }
    return true;
}
