/*
 * Leading and following: two publishers over the same random source, flushed at different random places, one after the
 * other in the lead. Receivers hear a random part of each leader's last messages, in time, late or not at all, and must
 * end with the right state on every channel without a fault and without asking anybody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
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

static sent_log *log_alloc(void) {
    sent_log *log = calloc(1, sizeof *log);
    log->messages = calloc(MOST_SENT, sizeof *log->messages);
    return log;
}

static void log_free(sent_log *log) {
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

static void event_add(event_list *list, uint64_t seq, uint32_t index) {
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

static void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    node *n = context;
    if (n->allow > 0) n->allow--;
    EXPECT(n->log->count < MOST_SENT);
    sent *m = &n->log->messages[n->log->count++];
    tw_text_copy(m->subject, sizeof m->subject, subject);
    m->bytes = malloc(length);
    m->length = length;
    memcpy(m->bytes, payload, length);
}

static bool on_ready(void *context) {
    return ((node *)context)->allow > 0;
}

static void define_all(node *n, uint64_t seq) {
    for (uint32_t i = 0; i < n->instruments; i++) {
        tw_instrument entry = {.price_exponent = -4};
        tw_text_format(entry.symbol, sizeof entry.symbol, "S%u", i);
        ob_book_clear(n->books, i);
        publisher_define(n->publisher, i, &entry, &(publisher_stamp){.seq = seq});
    }
}

static void node_init(node *n, uint64_t seed, bool follows, uint32_t instruments, uint32_t max_events) {
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

static void world_init(uint64_t seed, uint32_t instruments, uint32_t max_events) {
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.epoch_at = NEVER;
    w.now_ns = INT64_C(1000000000);
    EXPECT(wire_arena_init(&w.arena, 1u << 20));
    tw_random_seed(&w.random, seed);
    for (uint32_t i = 0; i < NODES; i++)
        node_init(&w.nodes[i], seed * 10 + i, i > 0, instruments, max_events);
}

static void world_fini(void) {
    for (uint32_t i = 0; i < NODES; i++) {
        publisher_free(w.nodes[i].publisher);
        ob_books_free(w.nodes[i].books);
        log_free(w.nodes[i].log);
    }
    wire_arena_fini(&w.arena);
}

/* ---- the source: step by step the same for whoever applies it ---- */

static void order_event(node *n, uint32_t i, wire_order_kind kind, uint64_t id, const publisher_stamp *stamp) {
    wire_order_event event = {.seq = stamp->seq, .kind = kind, .order_id = id, .price = 1, .quantity = 1};
    event_add(&n->facts.orders[i], stamp->seq, 0);
    publisher_order_event(n->publisher, i, &event, stamp);
}

static void change_book(node *n, uint32_t i, tw_random *random, const publisher_stamp *stamp) {
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

static void print(node *n, uint32_t i, tw_random *random, const publisher_stamp *stamp) {
    uint32_t count = 1 + (uint32_t)tw_random_below(random, 3);
    for (uint32_t index = 0; index < count; index++) {
        tw_print one = {.seq = stamp->seq, .index = index, .price = 10, .quantity = 1 + index};
        event_add(&n->facts.prints[i], stamp->seq, index);
        n->facts.volume[i] += one.quantity;
        publisher_print(n->publisher, i, &one, stamp);
    }
}

static void change_state(node *n, uint32_t i, const publisher_stamp *stamp) {
    bool ok = n->facts.state[i] == TW_BOOK_OK;
    n->facts.state[i] = ok ? TW_BOOK_STALE : TW_BOOK_OK;
    publisher_book_state(n->publisher, i, n->facts.state[i], ok ? TW_CAUSE_CAPACITY : TW_CAUSE_NONE, stamp);
}

static void start_epoch(node *n) {
    publisher_flush(n->publisher, w.now_ns);
    memset(&n->facts, 0, sizeof n->facts);
    tw_text_copy(n->epoch, sizeof n->epoch, "B");
    publisher_start_epoch(n->publisher, n->epoch);
    define_all(n, 1);
}

static void apply_step(node *n) {
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
static void run_step(node *n) {
    apply_step(n);
    n->allow = tw_random_chance(&n->pace, 1, 8) ? (uint32_t)tw_random_below(&n->pace, 4) : UINT32_MAX;
    if (tw_random_chance(&n->pace, 1, 3)) publisher_flush(n->publisher, w.now_ns);
    if (!tw_random_chance(&n->pace, 1, 2)) return;
    publisher_feed_update(n->publisher, &(publisher_feed){.state = TW_BOOK_OK, .seq = n->seq});
    publisher_flush(n->publisher, w.now_ns);
    publisher_tick(n->publisher, w.now_ns);
}

static void run_to(node *n, uint64_t step) {
    while (n->applied < step) {
        w.now_ns += STEP_NS;
        run_step(n);
    }
}

/* Until everything has left. */
static void drain(node *n) {
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

static bool is_status(const sent *m) {
    return strncmp(m->subject, "feed.", 5) == 0;
}

/* Of the first `count` messages. Tiers lag by a second: what had left from the live channels that long ago is safe. */
static heard hear(const sent_log *log, size_t count, const char *epoch) {
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
} whole_chain;

typedef struct event_chain { /* trades, orders */
    uint64_t term, seq;
    char epoch[TW_EPOCH_BYTES];
    event_list list;
    uint64_t volume, total;
    uint32_t lost; /* snapshots that went beyond what was here */
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
    bool orders_may_break;
} receiver;

static receiver *receiver_alloc(void) {
    receiver *r = calloc(1, sizeof *r);
    EXPECT(receiver_hold_init(&r->hold, 64 * 1024));
    for (uint32_t c = 0; c < 3; c++)
        for (uint32_t i = 0; i < SYMBOLS; i++)
            receiver_book_init(&r->books[c][i]);
    return r;
}

static void receiver_free(receiver *r) {
    receiver_hold_fini(&r->hold);
    free(r);
}

static void take_book(receiver *r, uint32_t i, subject_channel c, const wire_book_update *m) {
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
static bool take_whole(receiver *r, whole_chain *chain, const wire_header *h) {
    if (h->term < chain->term) {
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
static bool take_events(receiver *r, event_chain *chain, const wire_header *h, bool may_break) {
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

static void take_trades(receiver *r, uint32_t i, const wire_trades *m) {
    event_chain *chain = &r->trades[i];
    if (!take_events(r, chain, &m->header, false)) return;
    for (uint32_t k = 0; !m->header.snapshot && k < m->print_count; k++)
        event_add(&chain->list, m->prints[k].seq, m->prints[k].index);
    chain->volume = m->volume;
    chain->total = m->prints_total;
}

static void take_orders(receiver *r, uint32_t i, const wire_order_events *m) {
    event_chain *chain = &r->orders[i];
    if (!take_events(r, chain, &m->header, r->orders_may_break)) return;
    for (uint32_t k = 0; k < m->event_count; k++)
        event_add(&chain->list, m->events[k].seq, 0);
}

static void take(receiver *r, const sent *m) {
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

static void take_range(receiver *r, const sent_log *log, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        take(r, &log->messages[i]);
}

/* ---- does a receiver have what the source said? ---- */

static void expect_book(const receiver *r, const node *n, subject_channel c, uint32_t i) {
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

static void expect_events(const event_chain *chain, const event_list *list, const char *epoch, uint32_t i) {
    if (list->count == 0 && strcmp(chain->epoch, epoch) != 0) return; /* nothing was to be said in this epoch */
    EXPECT_MSG(chain->list.count == list->count &&
                   memcmp(chain->list.events, list->events, list->count * sizeof list->events[0]) == 0,
               "seed %" PRIu64 ": S%u: %u events, not the %u of the source", w.seed, i, chain->list.count,
               list->count);
}

static void expect_state(const receiver *r, const node *n) {
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

static void expect_all(const receiver *r, const node *n) {
    expect_state(r, n);
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        expect_events(&r->trades[i], &n->facts.prints[i], n->epoch, i);
        expect_events(&r->orders[i], &n->facts.orders[i], n->epoch, i);
    }
}

/* ---- takeovers ---- */

/* The leader runs to `step`; its standby keeps up, a little behind, and confirms what it hears. */
static void lead_to(node *leader, node *standby, uint64_t step) {
    while (leader->applied < step) {
        run_to(leader, leader->applied + 1);
        uint64_t lag = tw_random_below(&w.random, 8);
        while (standby->applied + lag < leader->applied)
            run_step(standby);
        size_t count = leader->log->count > UNHEARD ? leader->log->count - UNHEARD : 0;
        heard h = hear(leader->log, count, standby->epoch);
        if (h.safe.seq > 0) publisher_confirm(standby->publisher, h.safe.seq);
    }
}

/* The leader stands still for the standby: it has heard `count` messages. */
static heard take_over(node *standby, const node *leader, uint64_t term, size_t count) {
    while (standby->applied < leader->applied)
        run_step(standby);
    heard h = hear(leader->log, count, standby->epoch);
    EXPECT_U64(standby->log->count, 0);
    publisher_lead(standby->publisher, term, &h.safe);
    return h;
}

/* Random order between the two, each in its own. */
static void take_merged(receiver *r, const sent_log *late, size_t from, const sent_log *log, size_t count) {
    size_t at = 0;
    while (from < late->count || at < count) {
        if (at == count || (from < late->count && tw_random_chance(&w.random, 1, 3)))
            take(r, &late->messages[from++]);
        else
            take(r, &log->messages[at++]);
    }
}

/* A receiver that heard `safe_count` messages of each leader at least; the rest comes in time, late, or never. Returns
 * messages that it dropped because their leader was deposed. */
static uint32_t receive(sent_log *const *logs, const size_t *safe_counts, uint32_t terms, const node *last) {
    receiver *r = receiver_alloc();
    static const sent_log nothing;
    const sent_log *late = &nothing;
    size_t late_from = 0;
    for (uint32_t t = 0; t < terms; t++) {
        size_t in_time = logs[t]->count;
        if (t + 1 < terms)
            in_time = safe_counts[t] + (size_t)tw_random_below(&w.random, logs[t]->count - safe_counts[t] + 1);
        take_merged(r, late, late_from, logs[t], in_time);
        bool never = tw_random_chance(&w.random, 1, 3);
        late = never ? &nothing : logs[t];
        late_from = never ? 0 : in_time;
    }
    take_range(r, late, late_from, late->count);
    expect_all(r, last);
    uint32_t old_terms = r->old_terms;
    receiver_free(r);
    return old_terms;
}

/* It does not know yet, for a tenth of a second; but its day does not end in it. */
static void run_deposed(node *leader) {
    uint64_t until = leader->applied + tw_random_below(&w.random, 20);
    if (leader->applied <= w.epoch_at && until > w.epoch_at) until = w.epoch_at;
    run_to(leader, until);
}

static uint32_t takeovers(uint64_t seed, uint32_t terms, uint64_t epoch_at) {
    uint32_t old_terms = 0;
    world_init(seed, SYMBOLS, 4000);
    w.epoch_at = epoch_at;
    sent_log *logs[8];
    size_t safe_counts[8];
    uint64_t step = 0;
    for (uint32_t t = 0; t + 1 < terms; t++) {
        node *leader = &w.nodes[t % 2], *standby = &w.nodes[(t + 1) % 2];
        lead_to(leader, standby, step += 350 + tw_random_below(&w.random, 150));
        size_t back = (size_t)tw_random_below(&w.random, UNHEARD);
        heard h = take_over(standby, leader, t + 2, leader->log->count - back);
        safe_counts[t] = h.status_at + 1;
        EXPECT_U64(h.term, t + 1);
        run_deposed(leader);
        publisher_follow(leader->publisher);
        logs[t] = leader->log;
        leader->log = log_alloc();
    }
    node *last = &w.nodes[(terms - 1) % 2];
    run_to(last, w.nodes[terms % 2].applied); /* as far as the deposed one came */
    /* Often soon afterwards: what was missed must not wait for the next change to be put right. (In a new epoch an
     * instrument says nothing before its first change.) */
    bool soon = epoch_at == NEVER && tw_random_chance(&w.random, 1, 2);
    run_to(last, last->applied + (soon ? tw_random_below(&w.random, 20) : 400));
    drain(last);
    logs[terms - 1] = last->log;
    for (uint32_t i = 0; i < RECEIVERS; i++)
        old_terms += receive(logs, safe_counts, terms, last);
    for (uint32_t t = 0; t + 1 < terms; t++)
        log_free(logs[t]);
    world_fini();
    return old_terms;
}

TEST(publisher_lead, who_heard_the_old_leader_and_then_the_new_one_has_every_state_and_each_event_once) {
    uint32_t old_terms = 0;
    for (uint64_t seed = 1; seed <= 60; seed++)
        old_terms += takeovers(seed, 2, NEVER);
    EXPECT(old_terms > 0); /* what a deposed leader still sent was dropped */
}

TEST(publisher_lead, a_leader_that_followed_for_a_while_leads_again) {
    for (uint64_t seed = 101; seed <= 130; seed++)
        takeovers(seed, 4, NEVER);
}

TEST(publisher_lead, a_new_epoch_around_a_takeover_leaves_no_trace_of_the_old_one) {
    for (uint64_t seed = 201; seed <= 260; seed++)
        takeovers(seed, 2, 300 + (seed * 7) % 250);
}

/* ---- the bus was away ---- */

typedef struct outage {
    size_t from, to; /* messages that did not arrive */
} outage;

/* Some receivers heard the first of the messages that others never had. */
static void receive_around(const sent_log *log, const outage *outages, uint32_t count, const node *leader) {
    receiver *r = receiver_alloc();
    r->orders_may_break = true;
    size_t at = 0;
    for (uint32_t o = 0; o < count; o++) {
        take_range(r, log, at, outages[o].from + (size_t)tw_random_below(&w.random, 40));
        at = outages[o].to;
    }
    take_range(r, log, at, log->count);
    expect_state(r, leader);
    for (uint32_t i = 0; i < SYMBOLS; i++)
        if (r->trades[i].lost == 0) expect_events(&r->trades[i], &leader->facts.prints[i], leader->epoch, i);
    receiver_free(r);
}

static void outages(uint64_t seed) {
    world_init(seed, SYMBOLS, 4000);
    node *leader = &w.nodes[0];
    outage lost[3];
    for (uint32_t o = 0; o < 3; o++) {
        run_to(leader, leader->applied + 300);
        lost[o].from = leader->log->count - (size_t)tw_random_below(&w.random, UNHEARD);
        run_to(leader, leader->applied + 20 + tw_random_below(&w.random, 60));
        lost[o].to = leader->log->count;
        heard h = hear(leader->log, lost[o].from, leader->epoch);
        publisher_resume(leader->publisher, &h.safe);
        EXPECT(publisher_published_seq(leader->publisher) <= h.safe.seq);
    }
    run_to(leader, leader->applied + 20);
    drain(leader);
    for (uint32_t i = 0; i < RECEIVERS; i++)
        receive_around(leader->log, lost, 3, leader);
    world_fini();
}

TEST(publisher_lead, after_the_bus_was_away_snapshots_bring_every_receiver_up_to_date_in_the_same_term) {
    for (uint64_t seed = 301; seed <= 340; seed++)
        outages(seed);
}

/* ---- one thing at a time ---- */

static void best_bid(node *n, uint32_t i, uint64_t seq, int64_t price) {
    ob_change change;
    publisher_stamp stamp = {.seq = n->seq = seq, .event_ns = 1, .receive_ns = 1};
    EXPECT_I64(ob_order_add(n->books, i, seq, TW_BID, price, 5, &change), OB_OK);
    publisher_mark_book(n->publisher, i, TW_SIDES_BID, change.rank, &stamp);
}

static void one_print(node *n, uint32_t i, uint64_t seq) {
    tw_print print = {.seq = seq, .price = 10, .quantity = 2};
    publisher_print(n->publisher, i, &print, &(publisher_stamp){.seq = n->seq = seq});
}

static void tell_feed(node *n, bool handover) {
    publisher_feed_update(n->publisher,
                          &(publisher_feed){.state = TW_BOOK_OK, .seq = n->seq, .handover = handover});
}

static void lead(node *n, uint64_t term, uint64_t safe_seq) {
    publisher_lead(n->publisher, term, &(publisher_safe){.seq = safe_seq, .tier_seq = safe_seq});
}

static void settle(node *n) {
    tell_feed(n, false);
    for (int i = 0; i < 30; i++) {
        w.now_ns += INT64_C(50000000);
        publisher_flush(n->publisher, w.now_ns);
        publisher_tick(n->publisher, w.now_ns);
    }
}

static uint32_t count_sent(const node *n, size_t from, const char *subject) {
    uint32_t count = 0;
    for (size_t i = from; i < n->log->count; i++)
        count += strcmp(n->log->messages[i].subject, subject) == 0;
    return count;
}

static wire_book_update last_book(const node *n, const char *subject) {
    wire_book_update m = {.depth = 0};
    for (size_t i = 0; i < n->log->count; i++) {
        const sent *one = &n->log->messages[i];
        if (strcmp(one->subject, subject) != 0) continue;
        EXPECT_I64(wire_book_update_decode(&w.arena, one->bytes, one->length, &m), WIRE_OK);
    }
    return m;
}

static wire_feed_status last_status(const node *n) {
    wire_feed_status m = {.term = 0};
    for (size_t i = 0; i < n->log->count; i++)
        if (is_status(&n->log->messages[i]))
            wire_feed_status_decode(&w.arena, n->log->messages[i].bytes, n->log->messages[i].length, &m);
    return m;
}

TEST(publisher_lead, a_follower_sends_nothing_and_answers_nobody) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    EXPECT(!publisher_leads(n->publisher));
    best_bid(n, 0, 5, 100);
    one_print(n, 0, 6);
    settle(n);
    publisher_request(n->publisher, "snapshot.XNAS.S0.orderbook", "to.me", NULL, 0, w.now_ns);
    publisher_request(n->publisher, "snapshot.XNAS.NONE.orderbook", "to.me", NULL, 0, w.now_ns);
    EXPECT(!publisher_serve(n->publisher, w.now_ns));
    EXPECT(publisher_next_tick(n->publisher) > w.now_ns);
    EXPECT_U64(n->log->count, 0);
    EXPECT_U64(publisher_read_stats(n->publisher).requests_waiting, 0);
    world_fini();
}

TEST(publisher_lead, requests_that_wait_when_a_leader_steps_back_are_forgotten) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[0];
    for (int i = 0; i < 4; i++) /* as many as may wait */
        publisher_request(n->publisher, i < 2 ? "snapshots.XNAS.orderbook" : "instruments.XNAS", "to.me", NULL, 0,
                          1);
    EXPECT_U64(publisher_read_stats(n->publisher).requests_waiting, 4);
    publisher_follow(n->publisher);
    EXPECT_U64(publisher_read_stats(n->publisher).requests_waiting, 0);
    lead(n, 3, 1);
    EXPECT(!publisher_serve(n->publisher, w.now_ns));
    EXPECT_U64(count_sent(n, 0, "to.me"), 0);
    publisher_request(n->publisher, "snapshots.XNAS.orderbook", "to.me", NULL, 0, w.now_ns);
    EXPECT(!publisher_serve(n->publisher, w.now_ns));
    EXPECT_U64(count_sent(n, 0, "to.me"), 1);
    world_fini();
}

TEST(publisher_lead, a_new_leader_says_so_first_and_holds_published_seq_until_what_it_owes_is_out) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    best_bid(n, 0, 5, 100);
    best_bid(n, 1, 9, 100);
    tell_feed(n, false);
    lead(n, 7, 6);
    EXPECT(publisher_leads(n->publisher));
    EXPECT_U64(publisher_catching_up(n->publisher), 1);
    EXPECT_U64(publisher_flush(n->publisher, w.now_ns), 1);
    wire_feed_status status = last_status(n);
    EXPECT_U64(status.term, 7);
    EXPECT_STR(status.leader, "the second");
    EXPECT_U64(status.seq, 9);
    EXPECT_U64(status.published_seq, 6);
    EXPECT_U64(status.updates, 0);
    settle(n);
    EXPECT_U64(last_status(n).published_seq, 9);
    world_fini();
}

TEST(publisher_lead, what_is_safe_is_not_sent_again_and_its_next_change_is_a_snapshot) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    best_bid(n, 0, 5, 100);
    best_bid(n, 1, 9, 100);
    lead(n, 2, 6);
    settle(n);
    EXPECT_U64(count_sent(n, 0, "XNAS.S0.orderbook"), 0);
    EXPECT_U64(count_sent(n, 0, "XNAS.S1.orderbook"), 1);
    EXPECT_U64(count_sent(n, 0, "XNAS.S1.quote"), 1);
    EXPECT_U64(count_sent(n, 0, "XNAS.S1.orderbook.100ms"), 1);
    EXPECT_U64(count_sent(n, 0, "XNAS.S1.orderbook.1s"), 1);
    EXPECT_U64(count_sent(n, 0, "XNAS.S1.status"), 0); /* there is nothing to say */
    EXPECT_U64(count_sent(n, 0, "XNAS.S1.imbalance"), 0);
    best_bid(n, 0, 20, 101);
    publisher_flush(n->publisher, w.now_ns);
    wire_book_update m = last_book(n, "XNAS.S0.orderbook");
    EXPECT(m.header.snapshot);
    EXPECT_U64(m.header.prev_seq, 20);
    EXPECT_U64(m.bid_count, 2);
    best_bid(n, 0, 21, 102);
    publisher_flush(n->publisher, w.now_ns);
    m = last_book(n, "XNAS.S0.orderbook");
    EXPECT(!m.header.snapshot);
    EXPECT_U64(m.header.prev_seq, 20);
    EXPECT_U64(m.bid_count, 1);
    world_fini();
}

TEST(publisher_lead, an_instrument_that_is_not_ok_is_told_of_even_if_it_changed_long_ago) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    best_bid(n, 0, 5, 100);
    publisher_book_state(n->publisher, 0, TW_BOOK_STALE, TW_CAUSE_CAPACITY, &(publisher_stamp){.seq = 6});
    lead(n, 2, 50);
    settle(n);
    EXPECT_U64(count_sent(n, 0, "XNAS.S0.orderbook"), 1);
    EXPECT_U64(count_sent(n, 0, "XNAS.S0.quote"), 1);
    EXPECT_U64(count_sent(n, 0, "XNAS.S0.status"), 1);
    EXPECT_I64(last_book(n, "XNAS.S0.orderbook").header.state, TW_BOOK_STALE);
    world_fini();
}

static wire_snapshot_reply answer_to(node *n, const char *subject) {
    wire_snapshot_reply reply;
    publisher_request(n->publisher, subject, "to.me", NULL, 0, w.now_ns);
    EXPECT(!publisher_serve(n->publisher, w.now_ns));
    const sent *last = &n->log->messages[n->log->count - 1];
    EXPECT_STR(last->subject, "to.me");
    EXPECT_I64(wire_snapshot_reply_decode(&w.arena, last->bytes, last->length, &reply), WIRE_OK);
    return reply;
}

TEST(publisher_lead, a_request_during_the_catch_up_gets_the_present_state_of_the_new_term) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    best_bid(n, 0, 5, 100);
    publisher_trading_state(n->publisher, 0, TW_TRADING_OPEN, "", &(publisher_stamp){.seq = 6});
    publisher_imbalance(n->publisher, 0, &(tw_imbalance){.paired_quantity = 77}, &(publisher_stamp){.seq = 7});
    lead(n, 2, 0);
    EXPECT(publisher_catching_up(n->publisher) > 0);
    wire_snapshot_reply reply = answer_to(n, "snapshot.XNAS.S0.orderbook");
    EXPECT_U64(reply.book_count, 1);
    EXPECT_U64(reply.books[0].header.term, 2);
    EXPECT_U64(reply.books[0].header.seq, 5);
    EXPECT_U64(reply.books[0].bid_count, 1);
    reply = answer_to(n, "snapshot.XNAS.S0.quote");
    EXPECT_I64(reply.quotes[0].bid.price, 100);
    reply = answer_to(n, "snapshot.XNAS.S0.status");
    EXPECT_I64(reply.statuses[0].trading, TW_TRADING_OPEN);
    reply = answer_to(n, "snapshot.XNAS.S0.imbalance");
    EXPECT_U64(reply.imbalances[0].imbalance.paired_quantity, 77);
    world_fini();
}

TEST(publisher_lead, owed_snapshots_leave_tick_by_tick_and_a_live_change_goes_first) {
    world_init(1, 300, 100);
    node *n = &w.nodes[1];
    for (uint32_t i = 0; i < 300; i++)
        best_bid(n, i, 10 + i, 100);
    lead(n, 2, 1);
    EXPECT_U64(publisher_catching_up(n->publisher), 300);
    best_bid(n, 299, 400, 101);
    EXPECT_U64(publisher_flush(n->publisher, w.now_ns), 3); /* feed status, book and quote of the last in line */
    EXPECT_U64(last_book(n, "XNAS.S299.orderbook").header.seq, 400);
    n->allow = 0;
    EXPECT_U64(publisher_tick(n->publisher, w.now_ns), 0);
    EXPECT_U64(publisher_catching_up(n->publisher), 300);
    n->allow = UINT32_MAX;
    for (uint32_t left = 300 - 128; left > 0; left = left > 128 ? left - 128 : 0) {
        publisher_tick(n->publisher, w.now_ns);
        EXPECT_U64(publisher_catching_up(n->publisher), left);
        EXPECT(publisher_next_tick(n->publisher) <= w.now_ns + 1000000);
    }
    publisher_tick(n->publisher, w.now_ns);
    EXPECT_U64(publisher_catching_up(n->publisher), 0);
    EXPECT_U64(count_sent(n, 0, "XNAS.S299.orderbook"), 1);
    for (uint32_t i = 0; i < 299; i++) {
        char subject[48];
        tw_text_format(subject, sizeof subject, "XNAS.S%u.orderbook", i);
        EXPECT_U64(count_sent(n, 0, subject), 1);
    }
    world_fini();
}

TEST(publisher_lead, a_state_that_changed_at_the_seq_of_a_snapshot_follows_it) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[0];
    best_bid(n, 0, 5, 100);
    publisher_flush(n->publisher, w.now_ns);
    size_t arrived = n->log->count;
    publisher_book_state(n->publisher, 0, TW_BOOK_STALE, TW_CAUSE_CAPACITY, &(publisher_stamp){.seq = 5});
    publisher_flush(n->publisher, w.now_ns); /* lost */
    size_t lost = n->log->count;
    publisher_resume(n->publisher, &(publisher_safe){.seq = 4, .tier_seq = 4});
    n->facts.state[0] = TW_BOOK_STALE;
    settle(n);
    receiver *r = receiver_alloc();
    take_range(r, n->log, 0, arrived);
    EXPECT_I64(r->books[0][0].header.state, TW_BOOK_OK);
    take_range(r, n->log, lost, n->log->count);
    expect_book(r, n, SUBJECT_ORDERBOOK, 0);
    EXPECT_I64(r->quote[0].header.state, TW_BOOK_STALE);
    receiver_free(r);
    world_fini();
}

TEST(publisher_lead, while_the_place_is_offered_only_feed_status_leaves_and_a_standby_owes_nothing) {
    world_init(1, SYMBOLS, 100);
    node *leader = &w.nodes[0], *standby = &w.nodes[1];
    for (uint32_t i = 0; i < 2; i++) {
        best_bid(&w.nodes[i], 0, 5, 100);
        one_print(&w.nodes[i], 0, 6);
    }
    settle(leader);
    tell_feed(leader, true);
    best_bid(leader, 1, 7, 100);
    best_bid(standby, 1, 7, 100);
    size_t before = leader->log->count;
    EXPECT_U64(publisher_flush(leader->publisher, w.now_ns), 1); /* at once */
    wire_feed_status status = last_status(leader);
    EXPECT(status.handover);
    EXPECT_U64(status.published_seq, 6);
    for (int i = 0; i < 30; i++) {
        w.now_ns += INT64_C(50000000);
        publisher_flush(leader->publisher, w.now_ns);
        publisher_tick(leader->publisher, w.now_ns);
    }
    EXPECT_U64(count_sent(leader, before, "feed.XNAS.1.status"), leader->log->count - before);
    lead(standby, 2, status.published_seq);
    settle(standby);
    EXPECT_U64(count_sent(standby, 0, "XNAS.S0.orderbook"), 0);
    EXPECT_U64(count_sent(standby, 0, "XNAS.S0.trade"), 0);
    EXPECT_U64(count_sent(standby, 0, "XNAS.S1.orderbook"), 1);
    settle(leader); /* nobody had come: what waited goes on as if nothing had been */
    EXPECT_U64(last_book(leader, "XNAS.S1.orderbook").header.seq, 7);
    EXPECT(!last_book(leader, "XNAS.S1.orderbook").header.snapshot);
    world_fini();
}

TEST(publisher_lead, a_followers_backlog_is_bounded_and_totals_are_told_where_it_overflowed) {
    world_init(1, SYMBOLS, 10);
    node *n = &w.nodes[1];
    for (uint64_t seq = 2; seq <= 31; seq++)
        one_print(n, (uint32_t)(seq % 2), seq);
    EXPECT_U64(publisher_read_stats(n->publisher).prints_dropped, 20);
    publisher_confirm(n->publisher, 27); /* 22 to 27 were waiting, and are no loss */
    EXPECT_U64(publisher_read_stats(n->publisher).prints_dropped, 20);
    lead(n, 2, 15); /* but the safe ones end before those that were given up */
    n->facts.volume[0] = n->facts.volume[1] = 30;
    settle(n);
    receiver *r = receiver_alloc();
    take_range(r, n->log, 0, n->log->count);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_U64(r->trades[i].lost, 1);
        EXPECT_U64(r->trades[i].list.count, 2);
        EXPECT_U64(r->trades[i].volume, 30);
        EXPECT_U64(r->trades[i].total, 15);
    }
    receiver_free(r);
    world_fini();
}

TEST(publisher_lead, what_waited_still_leaves_one_by_one_when_the_bus_could_take_it_only_later) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    for (uint64_t seq = 2; seq <= 6; seq++)
        one_print(n, 0, seq);
    lead(n, 2, 1);
    settle(n);
    size_t before = n->log->count;
    publisher_follow(n->publisher);
    for (uint64_t seq = 7; seq <= 9; seq++)
        one_print(n, 0, seq);
    lead(n, 3, 6);
    n->allow = 0;
    settle(n); /* for more than a second */
    EXPECT_U64(n->log->count, before);
    n->allow = UINT32_MAX;
    settle(n);
    EXPECT_U64(count_sent(n, before, "XNAS.S0.trade"), 3);
    world_fini();
}

TEST(publisher_lead, who_stepped_back_in_the_middle_of_an_offer_or_a_catch_up_leads_again_as_if_nothing_had_been) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[0];
    best_bid(n, 0, 5, 100);
    settle(n);
    EXPECT(last_status(n).updates > 0);
    tell_feed(n, true); /* offers, steps back, leads again */
    publisher_follow(n->publisher);
    lead(n, 3, 1);
    size_t before = n->log->count;
    publisher_flush(n->publisher, w.now_ns);
    EXPECT(!last_status(n).handover);
    EXPECT_U64(last_status(n).updates, 0);
    EXPECT(publisher_catching_up(n->publisher) > 0);
    publisher_start_epoch(n->publisher, "B"); /* before anything that is owed has left */
    EXPECT_U64(publisher_catching_up(n->publisher), 0);
    EXPECT_U64(publisher_published_seq(n->publisher), 0);
    define_all(n, 1);
    publisher_follow(n->publisher);
    best_bid(n, 0, 7, 100);
    lead(n, 4, 6);
    settle(n);
    EXPECT_U64(count_sent(n, before, "XNAS.S0.orderbook"), 1);
    EXPECT_STR(last_book(n, "XNAS.S0.orderbook").header.epoch, "B");
    world_fini();
}

TEST(publisher_lead, what_waited_leaves_one_source_message_at_a_time_and_later_prints_together_again) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    for (uint64_t seq = 2; seq <= 9; seq++)
        one_print(n, 0, seq);
    publisher_confirm(n->publisher, 4);
    lead(n, 2, 4);
    settle(n); /* for more than a second */
    EXPECT_U64(count_sent(n, 0, "XNAS.S0.trade"), 5);
    for (uint64_t seq = 10; seq <= 19; seq++)
        one_print(n, 0, seq);
    publisher_flush(n->publisher, w.now_ns);
    EXPECT_U64(count_sent(n, 0, "XNAS.S0.trade"), 6);
    world_fini();
}

TEST(publisher_lead, a_name_that_does_not_fit_is_refused) {
    ob_books *books;
    publisher *made;
    tw_error error = {.code = TW_OK};
    ob_limits limits = {.max_instruments = 1, .max_orders = 8, .max_levels = 8};
    EXPECT_I64(ob_books_alloc(&books, &limits, NULL), TW_OK);
    char name[WIRE_LEADER_BYTES + 1];
    memset(name, 'x', sizeof name);
    name[WIRE_LEADER_BYTES] = '\0';
    publisher_options options = {.exchange = "XNAS",
                                 .leader = name,
                                 .max_instruments = 1,
                                 .depth = 1,
                                 .max_prints = 1,
                                 .max_requests = 1,
                                 .serve_bytes = 1,
                                 .status_interval_ns = 1};
    publisher_sink sink = {.emit = on_emit, .answer = on_emit, .ready = on_ready};
    EXPECT_I64(publisher_alloc(&made, &options, books, &sink, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "leader");
    ob_books_free(books);
}
