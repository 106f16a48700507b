/* Who the instruments are: definitions, the way from a symbol to its number, and the replies of instruments.{MIC}.
 * directory_changes.c tells what changes. */
#include <string.h>

#include "base/text.h"
#include "publisher/internal.h"

pub_instrument *pub_find(const publisher *p, uint32_t instrument) {
    if (instrument >= p->options.max_instruments) return NULL;
    pub_instrument *at = &p->instruments[instrument];
    return at->defined ? at : NULL;
}

uint32_t pub_lookup(const publisher *p, const char *symbol) {
    return tw_map_find(&p->by_symbol, symbol);
}

/* What was marked stays in its lists and is passed over there. */
static void undefine(publisher *p, uint32_t instrument) {
    pub_instrument *at = &p->instruments[instrument];
    tw_map_remove(&p->by_symbol, at->entry.symbol);
    while (!backlog_line_empty(&at->trades.waiting)) {
        backlog_pop(&p->prints, &at->trades.waiting);
        p->stats.prints_dropped++;
    }
    while (!backlog_line_empty(&at->orders.waiting)) {
        backlog_pop(&p->order_events, &at->orders.waiting);
        p->stats.orders_dropped++;
    }
    p->directory_version++;
    pub_changes_left(p, instrument);
    p->stats.instruments--;
    p->stats.instruments_not_ok -= at->state != TW_BOOK_OK;
    at->defined = false;
}

/* Subjects are written once, here: publishing formats nothing. False: the symbol has no subject. */
static bool write_subjects(publisher *p, uint32_t instrument, const char *symbol) {
    for (subject_channel c = SUBJECT_ORDERBOOK; c < SUBJECT_CHANNELS; c++) {
        if (!pub_channel_on(p, c)) continue;
        size_t slot = (size_t)instrument * p->subject_slots + (size_t)p->subject_slot[c];
        char *subject = p->subjects + slot * PUB_SUBJECT_BYTES;
        if (!subject_instrument(subject, PUB_SUBJECT_BYTES, p->exchange, symbol, c)) return false;
    }
    return true;
}

static void reset_instrument(publisher *p, uint32_t instrument) {
    static const pub_chain no_chain = {.event_ns = TW_TIME_ABSENT, .receive_ns = TW_TIME_ABSENT};
    pub_instrument *at = &p->instruments[instrument];
    bool queued = at->queued, behind = at->behind; /* its places in lists are kept: they are not walked here */
    memset(at, 0, sizeof *at);
    at->queued = queued;
    at->behind = behind;
    at->quote_chain = at->status_chain = at->imbalance_chain = at->trades.chain = at->orders.chain = no_chain;
    at->quote_chain.goes_on = at->status_chain.goes_on = at->imbalance_chain.goes_on = pub_chain_start(p);
    at->bid = at->ask = (tw_level){.price = TW_PRICE_ABSENT};
    at->trades.dropped_seq = at->orders.dropped_seq = UINT64_MAX;
    at->trades.counted_from_seq = p->counted_from_seq;
    backlog_line_init(&at->trades.waiting);
    backlog_line_init(&at->orders.waiting);
    pub_status_reset(at);
    pub_imbalance_reset(at);
    pub_book_reset(p, instrument);
}

static bool same_entry(const tw_instrument *a, const tw_instrument *b) {
    return strcmp(a->symbol, b->symbol) == 0 && strcmp(a->name, b->name) == 0 &&
           a->price_exponent == b->price_exponent && a->quantity_exponent == b->quantity_exponent &&
           a->tick == b->tick && a->round_lot == b->round_lot && a->locate == b->locate && a->test == b->test &&
           a->market == b->market;
}

static void store_entry(publisher *p, uint32_t instrument, const tw_instrument *entry) {
    pub_instrument *at = &p->instruments[instrument];
    uint64_t version = at->entry.version + 1;
    at->entry = *entry;
    at->entry.version = version;
    p->directory_version++;
    pub_changes_add(p, instrument);
}

static void define_new(publisher *p, uint32_t instrument, const tw_instrument *entry) {
    uint32_t holder = pub_lookup(p, entry->symbol);
    if (holder != PUB_NONE) undefine(p, holder); /* two chains on one subject would break each other */
    pub_instrument *at = &p->instruments[instrument];
    reset_instrument(p, instrument);
    at->defined = true;
    store_entry(p, instrument, entry);
    pub_identity(p, at);
    tw_map_add(&p->by_symbol, instrument);
    p->stats.instruments++;
    if (instrument >= p->instrument_top) p->instrument_top = instrument + 1;
}

void publisher_define(publisher *p, uint32_t instrument, const tw_instrument *entry, const publisher_stamp *stamp) {
    if (instrument >= p->options.max_instruments) return;
    pub_instrument *at = &p->instruments[instrument];
    bool same_symbol = at->defined && strcmp(at->entry.symbol, entry->symbol) == 0;
    if (same_symbol) {
        if (!same_entry(&at->entry, entry)) store_entry(p, instrument, entry);
        return;
    }
    if (at->defined) undefine(p, instrument);
    if (!write_subjects(p, instrument, entry->symbol)) return;
    define_new(p, instrument, entry);
    publisher_mark_book(p, instrument, TW_SIDES_BOTH, 0, stamp); /* a book that is there already shows */
}

void pub_directory_entry(const publisher *p, uint32_t instrument, wire_instrument *entry) {
    const pub_instrument *at = &p->instruments[instrument];
    *entry = (wire_instrument){.instrument = at->entry,
                               .shard = p->options.partition,
                               .trading = at->status.trading,
                               .state = at->state,
                               .cause = at->cause};
}

void pub_directory_list(const publisher *p, wire_instrument_list *list) {
    memset(list, 0, sizeof *list);
    memcpy(list->exchange, p->exchange, sizeof list->exchange);
    memcpy(list->epoch, p->epoch, sizeof list->epoch);
    list->partition = p->options.partition;
    list->partitions = p->options.partitions;
    list->term = p->options.term;
    list->version = p->directory_version;
    list->publish_ns = TW_TIME_ABSENT;
}
