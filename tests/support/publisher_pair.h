/*
 * Two publishers over the same random source, one in the lead and one that follows, and receivers of what they send. Each
 * node applies the source step by step and flushes at random places of its own; what it sends is kept in a log. Receivers
 * take messages by strict rules and by the product's (client/), and must end with what the source said. Seeded.
 */
#ifndef TICKWIRE_TESTS_PUBLISHER_PAIR_H
#define TICKWIRE_TESTS_PUBLISHER_PAIR_H

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "client/chain_rule.h"
#include "client/receiver.h"
#include "publisher/publisher.h"
#include "tests/unit.h"

#define SYMBOLS     6u
#define DEPTH       5u
#define STEP_NS     INT64_C(5000000)
#define TIERS_NS    INT64_C(1300000000) /* after this long all tiers have sent what was marked */
#define MOST_SENT   20000u
#define MOST_EVENTS 2000u
#define NODES       2u
#define RECEIVERS   3u
#define UNHEARD     60u /* at most so many of a leader's last messages its standby has not heard */
#define NEVER       UINT64_MAX

/* ---- what a publisher has sent ---- */

typedef struct sent {
    char subject[48];
    uint8_t *bytes;
    size_t length;
} sent;

typedef struct sent_log {
    sent *messages;
    size_t count;
} sent_log;

static inline sent_log *log_alloc(void) {
    sent_log *log = calloc(1, sizeof *log);
    log->messages = calloc(MOST_SENT, sizeof *log->messages);
    return log;
}

static inline void log_free(sent_log *log) {
    for (size_t i = 0; i < log->count; i++)
        free(log->messages[i].bytes);
    free(log->messages);
    free(log);
}

/* ---- one instance: books, publisher, and what the source has said so far ---- */

/* Events of one instrument and epoch in the order of the source: seq * 8 + index. */
typedef struct event_list {
    uint32_t count;
    uint64_t events[MOST_EVENTS];
} event_list;

static inline void event_add(event_list *list, uint64_t seq, uint32_t index) {
    EXPECT(list->count < MOST_EVENTS);
    list->events[list->count++] = seq * 8 + index;
}

typedef struct facts {
    tw_trading_state trading[SYMBOLS];
    tw_book_state state[SYMBOLS];
    uint64_t paired[SYMBOLS];
    uint64_t volume[SYMBOLS];
    event_list prints[SYMBOLS];
    event_list orders[SYMBOLS];
} facts;

typedef struct node {
    ob_books *books;
    publisher *publisher;
    facts facts;
    uint64_t applied; /* steps of the source */
    uint64_t seq;     /* of the last one */
    char epoch[8];
    uint32_t instruments;
    sent_log *log;
    uint32_t allow; /* messages until the sink says no */
    tw_random pace;
} node;

static struct world {
    uint64_t seed;
    uint64_t epoch_at; /* the step at which a new epoch begins; NEVER */
    int64_t now_ns;
    node nodes[NODES];
    wire_arena arena;
    tw_random random;
} w;

static inline void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    node *n = context;
    if (n->allow > 0) n->allow--;
    EXPECT(n->log->count < MOST_SENT);
    sent *m = &n->log->messages[n->log->count++];
    tw_text_copy(m->subject, sizeof m->subject, subject);
    m->bytes = malloc(length);
    m->length = length;
    memcpy(m->bytes, payload, length);
}

static inline bool on_ready(void *context) {
    return ((node *)context)->allow > 0;
}

static inline void define_all(node *n, uint64_t seq) {
    for (uint32_t i = 0; i < n->instruments; i++) {
        tw_instrument entry = {.price_exponent = -4};
        tw_text_format(entry.symbol, sizeof entry.symbol, "S%u", i);
        ob_book_clear(n->books, i);
        publisher_define(n->publisher, i, &entry, &(publisher_stamp){.seq = seq});
    }
}

static inline void node_init(node *n, uint64_t seed, bool follows, uint32_t instruments, uint32_t max_events) {
    memset(n, 0, sizeof *n);
    n->instruments = instruments;
    n->allow = UINT32_MAX;
    tw_random_seed(&n->pace, seed);
    ob_limits limits = {.max_instruments = instruments, .max_orders = 4096, .max_levels = 65536};
    EXPECT_I64(ob_books_alloc(&n->books, &limits, NULL), TW_OK);
    publisher_options options = {.exchange = "XNAS",
                                 .partition = 1,
                                 .term = 1,
                                 .follows = follows,
                                 .leader = follows ? "the second" : "the first",
                                 .max_instruments = instruments,
                                 .depth = DEPTH,
                                 .tier_100ms = true,
                                 .tier_1s = true,
                                 .orders = true,
                                 .max_prints = max_events,
                                 .max_requests = 4,
                                 .serve_bytes = 65536,
                                 .status_interval_ns = 50000000};
    publisher_sink sink = {.context = n, .emit = on_emit, .answer = on_emit, .ready = on_ready};
    EXPECT_I64(publisher_alloc(&n->publisher, &options, n->books, &sink, NULL), TW_OK);
    n->log = log_alloc();
    tw_text_copy(n->epoch, sizeof n->epoch, "A");
    publisher_start_epoch(n->publisher, "A");
    define_all(n, 1);
}

static inline void world_init(uint64_t seed, uint32_t instruments, uint32_t max_events) {
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.epoch_at = NEVER;
    w.now_ns = INT64_C(1000000000);
    EXPECT(wire_arena_init(&w.arena, 1u << 20));
    tw_random_seed(&w.random, seed);
    for (uint32_t i = 0; i < NODES; i++)
        node_init(&w.nodes[i], seed * 10 + i, i > 0, instruments, max_events);
}

static inline void world_fini(void) {
    for (uint32_t i = 0; i < NODES; i++) {
        publisher_free(w.nodes[i].publisher);
        ob_books_free(w.nodes[i].books);
        log_free(w.nodes[i].log);
    }
    wire_arena_fini(&w.arena);
}

/* ---- the source: step by step the same for whoever applies it ---- */

static inline void order_event(node *n, uint32_t i, wire_order_kind kind, uint64_t id,
                               const publisher_stamp *stamp) {
    wire_order_event event = {.seq = stamp->seq, .kind = kind, .order_id = id, .price = 1, .quantity = 1};
    event_add(&n->facts.orders[i], stamp->seq, 0);
    publisher_order_event(n->publisher, i, &event, stamp);
}

static inline void change_book(node *n, uint32_t i, tw_random *random, const publisher_stamp *stamp) {
    ob_change change;
    uint64_t id = 1 + tw_random_below(random, 60);
    tw_side side = tw_random_chance(random, 1, 2) ? TW_BID : TW_ASK;
    int64_t away = (int64_t)tw_random_below(random, 12);
    uint64_t quantity = 1 + tw_random_below(random, 3);
    wire_order_kind kind = WIRE_ORDER_DELETE;
    ob_result result = ob_order_delete(n->books, i, id, &change);
    if (result != OB_OK) {
        kind = WIRE_ORDER_ADD;
        result = ob_order_add(n->books, i, id, side, side == TW_BID ? 1000 - away : 1001 + away, quantity, &change);
    }
    EXPECT_I64(result, OB_OK);
    order_event(n, i, kind, id, stamp);
    publisher_mark_book(n->publisher, i, tw_sides_of(change.side), change.rank, stamp);
}

static inline void print(node *n, uint32_t i, tw_random *random, const publisher_stamp *stamp) {
    uint32_t count = 1 + (uint32_t)tw_random_below(random, 3);
    for (uint32_t index = 0; index < count; index++) {
        tw_print one = {.seq = stamp->seq, .index = index, .price = 10, .quantity = 1 + index};
        event_add(&n->facts.prints[i], stamp->seq, index);
        n->facts.volume[i] += one.quantity;
        publisher_print(n->publisher, i, &one, stamp);
    }
}

static inline void change_state(node *n, uint32_t i, const publisher_stamp *stamp) {
    bool ok = n->facts.state[i] == TW_BOOK_OK;
    n->facts.state[i] = ok ? TW_BOOK_STALE : TW_BOOK_OK;
    publisher_book_state(n->publisher, i, n->facts.state[i], ok ? TW_CAUSE_CAPACITY : TW_CAUSE_NONE, stamp);
}

static inline void start_epoch(node *n) {
    publisher_flush(n->publisher, w.now_ns);
    memset(&n->facts, 0, sizeof n->facts);
    tw_text_copy(n->epoch, sizeof n->epoch, "B");
    publisher_start_epoch(n->publisher, n->epoch);
    define_all(n, 1);
}

static inline void apply_step(node *n) {
    uint64_t step = n->applied++;
    if (step == w.epoch_at) start_epoch(n);
    n->seq = w.epoch_at != NEVER && step >= w.epoch_at ? step - w.epoch_at + 2 : step + 2;
    publisher_stamp stamp = {.seq = n->seq, .event_ns = (int64_t)n->seq, .receive_ns = (int64_t)n->seq};
    tw_random random;
    tw_random_seed(&random, w.seed * 1000003 + step);
    uint32_t i = (uint32_t)tw_random_below(&random, SYMBOLS);
    uint64_t dice = tw_random_below(&random, 20);
    if (dice < 13) {
        change_book(n, i, &random, &stamp);
    } else if (dice < 16) {
        print(n, i, &random, &stamp);
    } else if (dice == 16) {
        change_state(n, i, &stamp);
    } else if (dice == 17) {
        tw_imbalance imbalance = {.paired_quantity = n->facts.paired[i] = n->seq};
        publisher_imbalance(n->publisher, i, &imbalance, &stamp);
    } else if (dice == 18) {
        n->facts.trading[i] = (tw_trading_state)tw_random_below(&random, 4);
        publisher_trading_state(n->publisher, i, n->facts.trading[i], "", &stamp);
    } /* else: a message that moves nothing */
}

/* Applies the next step, and now and then does what a daemon does at the end of a burst and on its timer. */
static inline void run_step(node *n) {
    apply_step(n);
    n->allow = tw_random_chance(&n->pace, 1, 8) ? (uint32_t)tw_random_below(&n->pace, 4) : UINT32_MAX;
    if (tw_random_chance(&n->pace, 1, 3)) publisher_flush(n->publisher, w.now_ns);
    if (!tw_random_chance(&n->pace, 1, 2)) return;
    publisher_feed_update(n->publisher, &(publisher_feed){.state = TW_BOOK_OK, .seq = n->seq});
    if (tw_random_chance(&n->pace, 1, 2)) publisher_flush(n->publisher, w.now_ns);
    publisher_tick(n->publisher, w.now_ns); /* also while marks wait */
}

static inline void run_to(node *n, uint64_t step) {
    while (n->applied < step) {
        w.now_ns += STEP_NS;
        run_step(n);
    }
}

/* Until everything has left. */
static inline void drain(node *n) {
    n->allow = UINT32_MAX;
    publisher_feed_update(n->publisher, &(publisher_feed){.state = TW_BOOK_OK, .seq = n->seq});
    for (int i = 0; i < 400; i++) {
        w.now_ns += STEP_NS;
        publisher_flush(n->publisher, w.now_ns);
        publisher_tick(n->publisher, w.now_ns);
    }
    EXPECT_U64(publisher_catching_up(n->publisher), 0);
    EXPECT_U64(publisher_published_seq(n->publisher), n->seq);
}

/* ---- what a standby learns from the leader's messages ---- */

typedef struct heard {
    publisher_safe safe;
    size_t status_at; /* where the last FeedStatus stands */
    uint64_t term;
    bool handover;
} heard;

static inline bool is_status(const sent *m) {
    return strncmp(m->subject, "feed.", 5) == 0;
}

/* Of the first `count` messages. Tiers lag by a second: what had left from the live channels that long ago is safe. */
static inline heard hear(const sent_log *log, size_t count, const char *epoch) {
    heard h = {.safe = {0, 0}};
    wire_feed_status last = {.term = 0}, status;
    for (size_t i = 0; i < count; i++) {
        if (!is_status(&log->messages[i])) continue;
        EXPECT_I64(wire_feed_status_decode(&w.arena, log->messages[i].bytes, log->messages[i].length, &last),
                   WIRE_OK);
        h.status_at = i;
    }
    h.term = last.term;
    h.handover = last.handover;
    if (strcmp(last.epoch, epoch) != 0) return h;
    h.safe.seq = last.published_seq;
    for (size_t i = 0; i < h.status_at; i++) {
        if (!is_status(&log->messages[i])) continue;
        wire_feed_status_decode(&w.arena, log->messages[i].bytes, log->messages[i].length, &status);
        if (strcmp(status.epoch, epoch) == 0 && status.publish_ns <= last.publish_ns - TIERS_NS)
            h.safe.tier_seq = status.published_seq;
    }
    return h;
}

/* ---- receivers ---- */

typedef struct whole_chain { /* quote, status, imbalance: every message is whole */
    uint64_t term, seq;
    char epoch[TW_EPOCH_BYTES];
    tw_chain rule; /* the product's, which is more patient than this one */
} whole_chain;

typedef struct event_chain { /* trades, orders */
    uint64_t term, seq;
    char epoch[TW_EPOCH_BYTES];
    event_list list;
    uint64_t volume, total;
    uint32_t lost; /* snapshots that went beyond what was here */
    tw_chain rule;
    event_list delivered; /* by it */
} event_chain;

typedef struct receiver {
    receiver_hold hold;
    receiver_book books[3][SYMBOLS];
    whole_chain quotes[SYMBOLS], statuses[SYMBOLS], imbalances[SYMBOLS];
    wire_quote quote[SYMBOLS];
    wire_status status[SYMBOLS];
    wire_imbalance imbalance[SYMBOLS];
    event_chain trades[SYMBOLS], orders[SYMBOLS];
    uint32_t old_terms, order_breaks;
    bool lossy; /* messages were lost on the way: order events may be missing */
} receiver;

static inline receiver *receiver_alloc(void) {
    receiver *r = calloc(1, sizeof *r);
    EXPECT(receiver_hold_init(&r->hold, 64 * 1024));
    for (uint32_t c = 0; c < 3; c++)
        for (uint32_t i = 0; i < SYMBOLS; i++)
            receiver_book_init(&r->books[c][i]);
    return r;
}

static inline void receiver_free(receiver *r) {
    receiver_hold_fini(&r->hold);
    free(r);
}

static inline void take_book(receiver *r, uint32_t i, subject_channel c, const wire_book_update *m) {
    receiver_outcome outcome = receiver_book_take(&r->books[c][i], &r->hold, m);
    r->old_terms += outcome == RECEIVER_DROPPED_OLD_TERM;
    bool fine = outcome == RECEIVER_APPLIED || outcome == RECEIVER_APPLIED_SNAPSHOT ||
                outcome == RECEIVER_STATE_ONLY || outcome == RECEIVER_IGNORED_SNAPSHOT ||
                outcome == RECEIVER_DROPPED_OLD_TERM;
    EXPECT_MSG(fine, "seed %" PRIu64 ": %s.%s: %s: prev %" PRIu64 " seq %" PRIu64 " term %" PRIu64, w.seed,
               m->header.symbol, subject_channel_name(c), receiver_outcome_name(outcome), m->header.prev_seq,
               m->header.seq, m->header.term);
}

/* False: of a deposed leader. */
static inline bool take_whole(receiver *r, whole_chain *chain, const wire_header *h) {
    bool old = h->term < chain->term;
    chain_verdict verdict = chain_take_state(&chain->rule, h);
    EXPECT_I64(verdict.outcome, old ? CHAIN_OLD_TERM : CHAIN_DELIVER);
    EXPECT_U64(verdict.missed, 0);
    if (old) {
        r->old_terms++;
        return false;
    }
    bool chained = h->prev_seq == chain->seq && strcmp(h->epoch, chain->epoch) == 0;
    EXPECT_MSG(h->snapshot || h->prev_seq == 0 || chained,
               "seed %" PRIu64 ": %s: prev %" PRIu64 " on %" PRIu64 ", term %" PRIu64 " on %" PRIu64, w.seed,
               h->symbol, h->prev_seq, chain->seq, h->term, chain->term);
    chain->term = h->term;
    chain->seq = h->seq;
    tw_text_copy(chain->epoch, sizeof chain->epoch, h->epoch);
    return true;
}

/* True: what it carries is new. docs/protocol.md, "Trades". */
static inline bool take_events(receiver *r, event_chain *chain, const wire_header *h, bool may_break) {
    if (h->term < chain->term) {
        r->old_terms++;
        return false;
    }
    chain->term = h->term;
    if (strcmp(h->epoch, chain->epoch) != 0) {
        memset(&chain->list, 0, sizeof chain->list);
        chain->seq = 0;
        tw_text_copy(chain->epoch, sizeof chain->epoch, h->epoch);
    }
    if (h->seq <= chain->seq) return false;
    if (h->snapshot) {
        chain->lost++;
    } else if (h->prev_seq != chain->seq) {
        r->order_breaks++;
        EXPECT_MSG(may_break,
                   "seed %" PRIu64 ": %s: events missing: %s prev %" PRIu64 " seq %" PRIu64 " on %" PRIu64
                   ", term %" PRIu64,
                   w.seed, h->symbol, h->epoch, h->prev_seq, h->seq, chain->seq, h->term);
    }
    chain->seq = h->seq;
    return true;
}

/* What the product's rule makes of the same message. True: from `verdict.known` on it is new. */
static inline bool rule_delivers(const receiver *r, event_chain *chain, const wire_header *h,
                                 const chain_verdict *verdict) {
    EXPECT_MSG(verdict->missed == 0 || r->lossy, "seed %" PRIu64 ": %s seq %" PRIu64 ": %" PRIu64 " are missed",
               w.seed, h->symbol, h->seq, verdict->missed);
    if (verdict->outcome == CHAIN_DELIVER && h->prev_seq == 0)
        memset(&chain->delivered, 0, sizeof chain->delivered);
    return verdict->outcome == CHAIN_DELIVER && !h->snapshot;
}

static inline void take_trades(receiver *r, uint32_t i, const wire_trades *m) {
    event_chain *chain = &r->trades[i];
    chain_verdict verdict = chain_take_trades(&chain->rule, m);
    bool delivers = rule_delivers(r, chain, &m->header, &verdict);
    for (uint32_t k = verdict.known; delivers && k < m->print_count; k++)
        event_add(&chain->delivered, m->prints[k].seq, m->prints[k].index);
    if (!take_events(r, chain, &m->header, false)) return;
    for (uint32_t k = 0; !m->header.snapshot && k < m->print_count; k++)
        event_add(&chain->list, m->prints[k].seq, m->prints[k].index);
    chain->volume = m->volume;
    chain->total = m->prints_total;
}

static inline void take_orders(receiver *r, uint32_t i, const wire_order_events *m) {
    event_chain *chain = &r->orders[i];
    chain_verdict verdict = chain_take_orders(&chain->rule, m);
    bool delivers = rule_delivers(r, chain, &m->header, &verdict);
    for (uint32_t k = verdict.known; delivers && k < m->event_count; k++)
        event_add(&chain->delivered, m->events[k].seq, 0);
    if (!take_events(r, chain, &m->header, r->lossy)) return;
    for (uint32_t k = 0; k < m->event_count; k++)
        event_add(&chain->list, m->events[k].seq, 0);
}

static inline void take(receiver *r, const sent *m) {
    union {
        wire_book_update book;
        wire_quote quote;
        wire_trades trades;
        wire_status status;
        wire_imbalance imbalance;
        wire_order_events orders;
    } u;
    subject_parts parts;
    if (subject_parse(m->subject, &parts) != SUBJECT_KIND_INSTRUMENT) return;
    uint32_t i = (uint32_t)(parts.symbol[1] - '0');
    switch (parts.channel) {
    case SUBJECT_QUOTE:
        EXPECT_I64(wire_quote_decode(&w.arena, m->bytes, m->length, &u.quote), WIRE_OK);
        if (take_whole(r, &r->quotes[i], &u.quote.header)) r->quote[i] = u.quote;
        break;
    case SUBJECT_STATUS:
        EXPECT_I64(wire_status_decode(&w.arena, m->bytes, m->length, &u.status), WIRE_OK);
        if (take_whole(r, &r->statuses[i], &u.status.header)) r->status[i] = u.status;
        break;
    case SUBJECT_IMBALANCE:
        EXPECT_I64(wire_imbalance_decode(&w.arena, m->bytes, m->length, &u.imbalance), WIRE_OK);
        if (take_whole(r, &r->imbalances[i], &u.imbalance.header)) r->imbalance[i] = u.imbalance;
        break;
    case SUBJECT_TRADE:
        EXPECT_I64(wire_trades_decode(&w.arena, m->bytes, m->length, &u.trades), WIRE_OK);
        take_trades(r, i, &u.trades);
        break;
    case SUBJECT_ORDER:
        EXPECT_I64(wire_order_events_decode(&w.arena, m->bytes, m->length, &u.orders), WIRE_OK);
        take_orders(r, i, &u.orders);
        break;
    default:
        EXPECT_I64(wire_book_update_decode(&w.arena, m->bytes, m->length, &u.book), WIRE_OK);
        take_book(r, i, parts.channel, &u.book);
        break;
    }
}

static inline void take_range(receiver *r, const sent_log *log, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        take(r, &log->messages[i]);
}

/* ---- does a receiver have what the source said? ---- */

static inline void expect_book(const receiver *r, const node *n, subject_channel c, uint32_t i) {
    const receiver_book *book = &r->books[c][i];
    EXPECT_MSG(receiver_book_in_sync(book), "seed %" PRIu64 ": S%u channel %d is not in sync", w.seed, i, (int)c);
    EXPECT_STR(book->header.epoch, n->epoch);
    EXPECT_MSG(book->header.state == n->facts.state[i], "seed %" PRIu64 ": S%u channel %d: state %d, not %d",
               w.seed, i, (int)c, (int)book->header.state, (int)n->facts.state[i]);
    for (int side = 0; side < 2; side++) {
        tw_level top[TW_MAX_DEPTH];
        uint32_t count = ob_book_top(n->books, i, (tw_side)side, top, DEPTH);
        const tw_level *levels = side == TW_BID ? book->bids : book->asks;
        EXPECT_U64(side == TW_BID ? book->bid_count : book->ask_count, count);
        for (uint32_t l = 0; l < count; l++)
            EXPECT_MSG(levels[l].price == top[l].price && levels[l].quantity == top[l].quantity &&
                           levels[l].orders == top[l].orders,
                       "seed %" PRIu64 ": S%u channel %d: level %u differs", w.seed, i, (int)c, l);
    }
}

static inline void expect_events(const event_list *came, const event_chain *chain, const event_list *list,
                                 const char *epoch, uint32_t i) {
    if (list->count == 0 && strcmp(chain->epoch, epoch) != 0) return; /* nothing was to be said in this epoch */
    EXPECT_MSG(came->count == list->count &&
                   memcmp(came->events, list->events, list->count * sizeof list->events[0]) == 0,
               "seed %" PRIu64 ": S%u: %u events, not the %u of the source", w.seed, i, came->count, list->count);
}

static inline void expect_state(const receiver *r, const node *n) {
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        for (subject_channel c = SUBJECT_ORDERBOOK; c <= SUBJECT_ORDERBOOK_1S; c++)
            expect_book(r, n, c, i);
        tw_level bid = {.price = TW_PRICE_ABSENT}, ask = {.price = TW_PRICE_ABSENT};
        ob_book_top(n->books, i, TW_BID, &bid, 1);
        ob_book_top(n->books, i, TW_ASK, &ask, 1);
        EXPECT_I64(r->quote[i].bid.price, bid.price);
        EXPECT_U64(r->quote[i].bid.quantity, bid.quantity);
        EXPECT_I64(r->quote[i].ask.price, ask.price);
        EXPECT_U64(r->quote[i].ask.quantity, ask.quantity);
        EXPECT_I64(r->quote[i].header.state, n->facts.state[i]);
        bool said = strcmp(r->statuses[i].epoch, n->epoch) == 0; /* in this epoch */
        EXPECT_I64(said ? r->status[i].trading : TW_TRADING_UNKNOWN, n->facts.trading[i]);
        EXPECT_I64(said ? r->status[i].header.state : TW_BOOK_OK, n->facts.state[i]);
        said = strcmp(r->imbalances[i].epoch, n->epoch) == 0;
        EXPECT_U64(said ? r->imbalance[i].imbalance.paired_quantity : 0, n->facts.paired[i]);
        said = strcmp(r->trades[i].epoch, n->epoch) == 0;
        EXPECT_U64(said ? r->trades[i].volume : 0, n->facts.volume[i]);
        EXPECT_U64(said ? r->trades[i].total : 0, n->facts.prints[i].count);
    }
}

static inline void expect_all(const receiver *r, const node *n) {
    expect_state(r, n);
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        expect_events(&r->trades[i].list, &r->trades[i], &n->facts.prints[i], n->epoch, i);
        expect_events(&r->trades[i].delivered, &r->trades[i], &n->facts.prints[i], n->epoch, i);
        expect_events(&r->orders[i].list, &r->orders[i], &n->facts.orders[i], n->epoch, i);
        expect_events(&r->orders[i].delivered, &r->orders[i], &n->facts.orders[i], n->epoch, i);
    }
}

#endif
