/*
 * Random feeds, wishes, connections and write sizes against a naive reference: every client keeps books by the rules of
 * docs/stream.md and nothing else, and each of its books must at every message be the instrument's true top of that
 * sequence number. Slow clients, clients that do not read, writes of one byte, resumes, new epochs and leaders, states
 * that come and go, instruments that appear late.
 */
#include "base/random.h"
#include "base/text.h"
#include "gateways/stream/internal.h"
#include "publisher/delta.h"
#include "tests/support/stream_peer.h"
#include "tests/unit.h"

enum { INSTRUMENTS = 5, CLIENTS = 9, BUS_DEPTH = 20, MOST_PATTERNS = 6, MOST_REQUESTS = 400, CLIENT_BYTES = 16384 };

/* What the bus said of a book at a sequence number. */
typedef struct moment {
    uint32_t epoch;
    uint64_t term, seq;
    uint32_t counts[2];
    tw_level sides[2][BUS_DEPTH];
} moment;

typedef struct truth {
    char symbol[TW_SYMBOL_BYTES];
    bool live; /* the bus has spoken of it */
    uint32_t epoch;
    uint64_t term, seq, prev_seq;
    tw_book_state state;
    tw_state_cause cause;
    uint32_t counts[2];
    tw_level sides[2][TW_MAX_DEPTH];
    moment *past;
    size_t past_count, past_capacity;
    wire_quote quote;
    bool quoted;
    uint64_t trade_seq, prints_total, volume;
    bool traded;
} truth;

typedef struct wish {
    char text[SUBJECT_BYTES];
    uint32_t depth, interval_ms;
} wish;

typedef struct request_made {
    request_op op;
    wish wish;
} request_made;

typedef struct kept_book {
    bool synced;
    char epoch[TW_EPOCH_BYTES];
    uint64_t term, seq;
    tw_book_state state;
    tw_state_cause cause;
    uint32_t depth, counts[2];
    tw_level sides[2][3 * TW_MAX_DEPTH];
    int64_t last_delta_ns;
} kept_book;

typedef struct kept_chain {
    bool synced;
    char epoch[TW_EPOCH_BYTES];
    uint64_t term, seq, prints_total;
    tw_level sides[2];
    tw_book_state state;
    bool rebase;
} kept_chain;

typedef enum manner { READS, SLOW, NEVER } manner;

typedef struct reader {
    uint32_t number;
    bool open, blocked;
    manner manner;
    encoding encoding;
    bool deflates;
    stream_peer peer;
    wish wishes[MOST_PATTERNS * 4]; /* in force, newest last */
    uint32_t wish_count;
    request_made made[MOST_REQUESTS]; /* by id */
    uint32_t made_count;
    kept_book books[INSTRUMENTS];
    kept_chain quotes[INSTRUMENTS], trades[INSTRUMENTS];
} reader;

typedef struct world {
    stream *stream;
    uint64_t seed;
    tw_random random;
    int64_t now_ns;
    truth truths[INSTRUMENTS];
    reader readers[CLIENTS];
    uint64_t messages_given, books_checked, deltas, snapshots, merged, resumes_tried;
    size_t most_held;
    bool settling; /* nothing new comes */
} world;

static world w;

#define HOLDS(condition, ...)                                                                                      \
    do {                                                                                                           \
        if (!(condition)) {                                                                                        \
            fprintf(stderr, "seed %" PRIu64 ": " #condition " does not hold: ", w.seed);                           \
            fprintf(stderr, __VA_ARGS__);                                                                          \
            fprintf(stderr, "\n");                                                                                 \
            EXPECT(condition);                                                                                     \
        }                                                                                                          \
    } while (0)

static uint64_t below(uint64_t bound) {
    return tw_random_below(&w.random, bound);
}

/* ---- the bus ---- */

static void name_epoch(char epoch[TW_EPOCH_BYTES], uint32_t number) {
    tw_text_format(epoch, TW_EPOCH_BYTES, "2020-01-30.S%u", number);
}

static void head(const truth *t, wire_header *h, uint64_t prev_seq, uint64_t seq) {
    *h = (wire_header){
        .term = t->term, .prev_seq = prev_seq, .seq = seq, .price_exponent = -4, .quantity_exponent = 0};
    tw_text_copy(h->exchange, sizeof h->exchange, "XNAS");
    tw_text_copy(h->symbol, sizeof h->symbol, t->symbol);
    name_epoch(h->epoch, t->epoch);
    h->event_ns = w.now_ns - 3000;
    h->receive_ns = w.now_ns - 2000;
    h->publish_ns = w.now_ns - 1000;
}

static void remember(truth *t) {
    if (t->past_count == t->past_capacity) {
        t->past_capacity = t->past_capacity == 0 ? 256 : 2 * t->past_capacity;
        t->past = realloc(t->past, t->past_capacity * sizeof *t->past);
    }
    moment *m = &t->past[t->past_count++];
    *m = (moment){.epoch = t->epoch, .term = t->term, .seq = t->seq};
    for (int side = 0; side < 2; side++) {
        m->counts[side] = t->counts[side] < BUS_DEPTH ? t->counts[side] : BUS_DEPTH;
        memcpy(m->sides[side], t->sides[side], m->counts[side] * sizeof *m->sides[side]);
    }
}

/* The bus's own message between the last two moments, as its publisher would write it; 0: the second is not of the first. */
static size_t write_message(const truth *t, const wire_header *h, uint8_t *buffer, size_t capacity) {
    tw_level changes[2][DELTA_MAX_LEVELS];
    if (t->past_count < 2 || below(4) == 0) return 0;
    const moment *before = &t->past[t->past_count - 2], *now = &t->past[t->past_count - 1];
    if (before->epoch != now->epoch || before->seq != h->prev_seq || now->seq <= before->seq) return 0;
    wire_book_update m = {.header = *h, .depth = BUS_DEPTH, .merged = 1, .bids = changes[0], .asks = changes[1]};
    m.bid_count = delta_side(TW_BID, before->sides[0], before->counts[0], now->sides[0], now->counts[0], BUS_DEPTH,
                             changes[0]);
    m.ask_count = delta_side(TW_ASK, before->sides[1], before->counts[1], now->sides[1], now->counts[1], BUS_DEPTH,
                             changes[1]);
    if (m.bid_count + m.ask_count == 0) return 0; /* publishers send no such message */
    m.checksum = wire_book_checksum(now->sides[0], now->counts[0], now->sides[1], now->counts[1], BUS_DEPTH);
    return wire_book_update_encode(&m, buffer, capacity);
}

static void give_book(truth *t) {
    wire_header h;
    uint8_t message[8192];
    head(t, &h, t->prev_seq, t->seq);
    h.state = t->state;
    h.cause = t->cause;
    remember(t);
    const moment *m = &t->past[t->past_count - 1];
    stream_book book = {.header = &h,
                        .state = t->state,
                        .cause = t->cause,
                        .depth = BUS_DEPTH,
                        .bid_count = m->counts[0],
                        .ask_count = m->counts[1],
                        .bids = m->sides[0],
                        .asks = m->sides[1],
                        .checked = below(2) == 0};
    if (book.checked)
        book.checksum = wire_book_checksum(book.bids, book.bid_count, book.asks, book.ask_count, book.depth);
    book.message_length = write_message(t, &h, message, sizeof message);
    if (book.message_length > 0) book.message = message;
    w.messages_given += book.message != NULL;
    t->live = true;
    stream_take_book(w.stream, &book, w.now_ns);
}

/* Sets a level, 0 takes it away; sides stay sorted, best first. */
static void set_level(truth *t, int side, int64_t price, uint64_t quantity) {
    uint32_t at = 0;
    tw_level *levels = t->sides[side];
    while (at < t->counts[side] && (side == 0 ? levels[at].price > price : levels[at].price < price))
        at++;
    bool there = at < t->counts[side] && levels[at].price == price;
    if (quantity == 0) {
        if (!there) return;
        memmove(levels + at, levels + at + 1, (--t->counts[side] - at) * sizeof *levels);
        return;
    }
    if (!there) {
        if (t->counts[side] == TW_MAX_DEPTH) return;
        memmove(levels + at + 1, levels + at, (t->counts[side]++ - at) * sizeof *levels);
    }
    levels[at] = (tw_level){.price = price, .quantity = quantity, .orders = (uint32_t)(1 + quantity % 7)};
}

static void change_book(truth *t) {
    t->prev_seq = t->seq;
    t->seq += 1 + below(3);
    for (uint64_t n = 1 + below(3); n > 0; n--) {
        int side = (int)below(2);
        int64_t away = (int64_t)below(30), price = side == 0 ? 1000000 - away * 100 : 1000100 + away * 100;
        set_level(t, side, price, below(3) == 0 ? 0 : 1 + below(500));
    }
    give_book(t);
}

static void change_state(truth *t) {
    t->state = below(2) == 0 ? TW_BOOK_OK : TW_BOOK_STALE;
    t->cause = t->state == TW_BOOK_OK ? TW_CAUSE_NONE
               : below(2) == 0        ? TW_CAUSE_GAP_NOT_FILLED
                                      : TW_CAUSE_LINE_SILENT;
    if (t->live) give_book(t);
}

static void new_epoch(truth *t) {
    t->epoch++;
    t->seq = 1 + below(5);
    t->trade_seq = t->prints_total = t->volume = 0;
    t->counts[0] = t->counts[1] = 0;
    change_book(t);
}

/* The gateway's own receiver was wrong and was put right by a snapshot: same sequence number, other levels. */
static void correct(truth *t) {
    if (!t->live) return;
    set_level(t, 0, 1000000 - (int64_t)below(5) * 100, 1 + below(500));
    give_book(t);
}

static void change_quote(truth *t) {
    wire_quote *q = &t->quote;
    head(t, &q->header, t->quoted ? q->header.seq : 0, q->header.seq + 1 + below(4));
    q->bid = below(8) == 0 ? (tw_level){.price = TW_PRICE_ABSENT}
                           : (tw_level){.price = 1000000 - (int64_t)below(4), .quantity = below(9), .orders = 1};
    q->ask = (tw_level){.price = 1000100 + (int64_t)below(4), .quantity = below(9), .orders = 2};
    q->header.state = t->state;
    q->header.cause = t->cause;
    t->quoted = true;
    stream_take_quote(w.stream, q, t->state, t->cause, w.now_ns);
}

static void trade(truth *t) {
    tw_print prints[40];
    uint32_t count = 1 + (uint32_t)below(below(10) == 0 ? 40 : 3);
    if (t->traded && below(12) == 0) { /* a message is lost on the way */
        t->trade_seq += 2;
        t->prints_total += 1 + below(4);
    }
    uint64_t prev_seq = t->trade_seq;
    for (uint32_t i = 0; i < count; i++) {
        prints[i] = (tw_print){.seq = t->trade_seq + 1 + i / 2,
                               .index = i % 2,
                               .price = 1000000,
                               .quantity = 1 + i,
                               .match_id = t->prints_total + i,
                               .event_ns = w.now_ns};
        t->volume += 1 + i;
    }
    t->trade_seq = prints[count - 1].seq;
    t->prints_total += count;
    wire_trades m = {.print_count = count, .prints = prints, .volume = t->volume, .prints_total = t->prints_total};
    head(t, &m.header, prev_seq, t->trade_seq);
    t->traded = true;
    stream_take_trades(w.stream, &m, w.now_ns);
}

static void bus_speaks(void) {
    for (uint64_t n = below(12); n > 0; n--) {
        truth *t = &w.truths[below(below(3) == 0 ? INSTRUMENTS : 2)];
        uint64_t what = below(100);
        if (what < 60)
            change_book(t);
        else if (what < 75)
            change_quote(t);
        else if (what < 93)
            trade(t);
        else if (what < 97)
            change_state(t);
        else if (what < 98)
            correct(t);
        else if (what < 99)
            new_epoch(t);
        else
            t->term++;
    }
}

/* ---- what clients do ---- */

static const char *const patterns[] = {
    "XNAS.AAA.orderbook", "XNAS.BBB.orderbook", "XNAS.*.orderbook",   "XNAS.>",     "XNAS.AAA.>",
    "XNAS.*.trade",       "*.BBB.quote",        "XNAS.CCC.orderbook", "XNAS.EEE.*", "XNAS.AAA.trade"};

static uint32_t stands_for(const uint32_t *offered, size_t count, uint32_t wished) {
    for (size_t i = 0; i < count; i++)
        if (offered[i] >= wished) return offered[i];
    return offered[count - 1];
}

static void ask(reader *r, const char *text, const wish *about, request_op op) {
    HOLDS(r->made_count < MOST_REQUESTS, "the test asks too much");
    request_made *made = &r->made[r->made_count++];
    made->op = op;
    made->wish = *about;
    stream_request(w.stream, r->number, (const uint8_t *)text, strlen(text), w.now_ns);
}

static void subscribe(reader *r, const char *text_wanted, bool resume) {
    static const uint32_t depths[] = STREAM_DEPTHS, intervals[] = STREAM_INTERVALS;
    wish about = {.depth = 1 + (uint32_t)below(25), .interval_ms = below(2) == 0 ? 0 : (uint32_t)below(300)};
    char text[4096], resumes[2048] = "";
    size_t used = 0;
    for (int i = 0; resume && i < INSTRUMENTS; i++) {
        const kept_book *book = &r->books[i];
        if (!book->synced) continue;
        about.depth = book->depth == BUS_DEPTH ? 20 : book->depth;
        used += (size_t)snprintf(resumes + used, sizeof resumes - used,
                                 "%s\"XNAS.%s.orderbook\":{\"epoch\":\"%s\",\"seq\":\"%" PRIu64 "\",\"depth\":%u}",
                                 used == 0 ? "" : ",", w.truths[i].symbol, book->epoch, book->seq, book->depth);
        w.resumes_tried++;
    }
    tw_text_format(text, sizeof text,
                   "{\"id\":%u,\"op\":\"subscribe\",\"subjects\":[\"%s\"],\"depth\":%u,\"interval_ms\":%u%s%s%s}",
                   r->made_count, text_wanted, about.depth, about.interval_ms, used > 0 ? ",\"resume\":{" : "",
                   resumes, used > 0 ? "}" : "");
    tw_text_copy(about.text, sizeof about.text, text_wanted);
    about.depth = stands_for(depths, sizeof depths / sizeof *depths, about.depth);
    about.interval_ms = stands_for(intervals, sizeof intervals / sizeof *intervals, about.interval_ms);
    ask(r, text, &about, REQUEST_SUBSCRIBE);
}

static void unsubscribe(reader *r) {
    if (r->wish_count == 0) return;
    wish about = r->wishes[below(r->wish_count)];
    char text[512];
    tw_text_format(text, sizeof text, "{\"id\":%u,\"op\":\"unsubscribe\",\"subjects\":[\"%s\"]}", r->made_count,
                   about.text);
    ask(r, text, &about, REQUEST_UNSUBSCRIBE);
}

static void connect(reader *r) {
    stream_format format = r->encoding == ENCODING_PROTOBUF ? STREAM_PROTOBUF : STREAM_JSON;
    stream_framing framing = r->encoding == ENCODING_SSE ? STREAM_SSE
                             : r->deflates               ? STREAM_WEBSOCKET_DEFLATE
                                                         : STREAM_WEBSOCKET;
    r->number = stream_open(w.stream, format, framing, w.now_ns);
    HOLDS(r->number != STREAM_NO_CLIENT, "room for a client");
    stream_peer_init(&r->peer, framing);
    r->open = true;
    r->blocked = false;
    r->wish_count = r->made_count = 0;
    for (int i = 0; i < INSTRUMENTS; i++)
        r->quotes[i].synced = r->trades[i].synced = false, r->books[i].last_delta_ns = 0;
}

static void disconnect(reader *r) {
    stream_close(w.stream, r->number);
    stream_peer_fini(&r->peer);
    r->open = false;
}

static void client_acts(reader *r) {
    uint64_t what = below(1000);
    if (!r->open) {
        if (what < 300) {
            connect(r);
            subscribe(r, patterns[below(3)], true);
        }
    } else if (what < 30 && r->made_count < MOST_REQUESTS / 2) {
        subscribe(r, patterns[below(sizeof patterns / sizeof *patterns)], false);
    } else if (what < 40 && r->made_count < MOST_REQUESTS / 2) {
        unsubscribe(r);
    } else if (what < 46) {
        disconnect(r);
    } else if (what < 60) {
        r->manner = (manner)below(3);
    }
}

/* ---- what clients check ---- */

static const wish *wish_for(const reader *r, const char *subject) {
    for (uint32_t i = r->wish_count; i-- > 0;)
        if (subject_matches(r->wishes[i].text, subject)) return &r->wishes[i];
    return NULL;
}

static void take_ack(reader *r, const peer_message *m) {
    uint64_t id = 0;
    HOLDS(tw_text_to_u64(m->id, &id) && id < r->made_count, "id %s", m->id);
    const request_made *made = &r->made[id];
    for (uint32_t i = 0; i < r->wish_count; i++)
        if (strcmp(r->wishes[i].text, made->wish.text) == 0) {
            memmove(&r->wishes[i], &r->wishes[i + 1], (--r->wish_count - i) * sizeof *r->wishes);
            break;
        }
    for (int i = 0; i < INSTRUMENTS; i++) { /* who asks anew starts anew: prints before that are not counted on */
        char subject[SUBJECT_BYTES];
        subject_instrument(subject, sizeof subject, "XNAS", w.truths[i].symbol, SUBJECT_TRADE);
        if (subject_matches(made->wish.text, subject)) r->trades[i].rebase = true;
    }
    if (made->op != REQUEST_SUBSCRIBE) return;
    HOLDS(m->ack_depth == made->wish.depth && m->ack_interval_ms == made->wish.interval_ms, "%s", m->text);
    r->wishes[r->wish_count++] = made->wish;
}

static void apply_side(kept_book *book, int side, const tw_level *changes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        tw_level *levels = book->sides[side];
        uint32_t at = 0, *have = &book->counts[side];
        while (at < *have &&
               (side == 0 ? levels[at].price > changes[i].price : levels[at].price < changes[i].price))
            at++;
        bool there = at < *have && levels[at].price == changes[i].price;
        if (changes[i].quantity == 0) {
            HOLDS(there, "a level that is removed is there");
            memmove(levels + at, levels + at + 1, (--*have - at) * sizeof *levels);
            continue;
        }
        if (!there) memmove(levels + at + 1, levels + at, ((*have)++ - at) * sizeof *levels);
        levels[at] = changes[i];
    }
    if (book->counts[side] > book->depth) book->counts[side] = book->depth;
}

static bool is_moment(const kept_book *book, const moment *m) {
    for (int side = 0; side < 2; side++) {
        uint32_t count = m->counts[side] < book->depth ? m->counts[side] : book->depth;
        if (count != book->counts[side]) return false;
        for (uint32_t i = 0; i < count; i++) {
            const tw_level *a = &book->sides[side][i], *b = &m->sides[side][i];
            if (a->price != b->price || a->quantity != b->quantity || a->orders != b->orders) return false;
        }
    }
    return true;
}

static void check_against_truth(const kept_book *book, const truth *t, const char *subject) {
    for (size_t i = t->past_count; i-- > 0;) {
        char epoch[TW_EPOCH_BYTES];
        name_epoch(epoch, t->past[i].epoch);
        bool here = t->past[i].seq == book->seq && strcmp(epoch, book->epoch) == 0;
        if (here && is_moment(book, &t->past[i])) return;
    }
    HOLDS(false, "%s at seq %" PRIu64 " depth %u: not the true book", subject, book->seq, book->depth);
}

static void take_book(reader *r, const peer_message *m, int index) {
    kept_book *book = &r->books[index];
    const wish *wanted = wish_for(r, m->subject);
    uint32_t depth = wanted->depth < BUS_DEPTH ? wanted->depth : BUS_DEPTH;
    HOLDS(m->depth == depth, "depth of %s is %u", m->subject, m->depth);
    if (m->header.snapshot) {
        w.snapshots++;
        book->synced = true;
        book->counts[0] = book->counts[1] = 0;
        book->last_delta_ns = 0;
    } else {
        HOLDS(book->synced && strcmp(book->epoch, m->header.epoch) == 0 && book->term == m->header.term &&
                  book->seq == m->header.prev_seq && book->depth == m->depth,
              "%s: prev_seq %" PRIu64 " chains on to %" PRIu64 " (depth %u to %u)", m->subject, m->header.prev_seq,
              book->seq, m->depth, book->depth);
        bool state_changed = book->state != m->header.state || book->cause != m->header.cause;
        HOLDS(state_changed || m->counts[0] + m->counts[1] > 0 || m->header.seq == m->header.prev_seq,
              "says something");
        HOLDS(state_changed || wanted->interval_ms == 0 || book->last_delta_ns == 0 ||
                  m->gateway_ns - book->last_delta_ns >= wanted->interval_ms * MILLI_NS,
              "%s: two within %u ms", m->subject, wanted->interval_ms);
        book->last_delta_ns = m->gateway_ns;
        w.deltas++;
    }
    tw_text_copy(book->epoch, sizeof book->epoch, m->header.epoch);
    book->term = m->header.term;
    book->seq = m->header.seq;
    book->state = m->header.state;
    book->cause = m->header.cause;
    book->depth = m->depth;
    w.merged += m->header.snapshot ? m->merged : 0;
    apply_side(book, 0, m->sides[0], m->counts[0]);
    apply_side(book, 1, m->sides[1], m->counts[1]);
    uint32_t sum =
        wire_book_checksum(book->sides[0], book->counts[0], book->sides[1], book->counts[1], book->depth);
    HOLDS(sum == m->checksum, "%s: checksum", m->subject);
    check_against_truth(book, &w.truths[index], m->subject);
    w.books_checked++;
}

static void take_chain(kept_chain *chain, const peer_message *m) {
    HOLDS(m->header.snapshot || (chain->synced && strcmp(chain->epoch, m->header.epoch) == 0 &&
                                 chain->term == m->header.term && chain->seq == m->header.prev_seq),
          "%s: prev_seq %" PRIu64 " chains on to %" PRIu64, m->subject, m->header.prev_seq, chain->seq);
    tw_text_copy(chain->epoch, sizeof chain->epoch, m->header.epoch);
    chain->term = m->header.term;
    chain->state = m->header.state;
    chain->sides[0] = m->sides[0][0];
    chain->sides[1] = m->sides[1][0];
}

static void take_trades(kept_chain *chain, const peer_message *m) {
    bool same = chain->synced && strcmp(chain->epoch, m->header.epoch) == 0;
    uint64_t had = same ? chain->prints_total : 0, fresh = 0;
    for (uint32_t i = 0; i < m->print_count; i++)
        fresh += !same || m->prints[i].seq > chain->seq || m->prints[i].match_id >= had;
    bool joined = chain->synced && !chain->rebase;
    chain->rebase = false;
    take_chain(chain, m);
    HOLDS(!joined || !same || m->prints_total == had + m->merged + fresh,
          "%s: %" PRIu64 " prints, %" PRIu64 " passed over and %" PRIu64 " new are %" PRIu64, m->subject, had,
          m->merged, fresh, m->prints_total);
    chain->prints_total = m->prints_total;
}

static int index_of(const char *subject) {
    subject_parts parts;
    HOLDS(subject_parse(subject, &parts) == SUBJECT_KIND_INSTRUMENT, "%s", subject);
    return parts.symbol[0] - 'A';
}

static void take_message(reader *r, const peer_message *m) {
    if (strcmp(m->type, "hello") == 0 || strcmp(m->type, "heartbeat") == 0) return;
    if (strcmp(m->type, "error") == 0) {
        HOLDS(strcmp(m->code, "NOT_SUBSCRIBED") == 0, "%s", m->text);
        return;
    }
    if (strcmp(m->type, "ack") == 0) {
        take_ack(r, m);
        return;
    }
    const wish *wanted = wish_for(r, m->subject);
    HOLDS(wanted != NULL, "%s was asked for", m->subject);
    HOLDS(m->interval_ms == wanted->interval_ms, "interval of %s is %u", m->subject, m->interval_ms);
    int index = index_of(m->subject);
    if (strcmp(m->type, "book") == 0) {
        take_book(r, m, index);
        return;
    }
    kept_chain *chain = strcmp(m->type, "trades") == 0 ? &r->trades[index] : &r->quotes[index];
    if (strcmp(m->type, "trades") == 0)
        take_trades(chain, m);
    else
        take_chain(chain, m);
    chain->synced = true;
    chain->seq = m->header.seq;
}

/* ---- the wire ---- */

static size_t how_much(const reader *r, size_t total) {
    if (r->manner == NEVER) return 0;
    if (r->manner == READS && below(4) > 0) return total;
    return below(4) == 0 && total > 0 ? 1 : below(total + 1);
}

static reader *reader_of(uint32_t number) {
    for (int i = 0; i < CLIENTS; i++)
        if (w.readers[i].open && w.readers[i].number == number) return &w.readers[i];
    HOLDS(false, "client %u", number);
    return NULL;
}

static void write_to(reader *r) {
    stream_span spans[STREAM_MAX_SPANS];
    size_t most = 1 + below(below(2) == 0 ? 200 : 65536), total = 0;
    uint32_t count = stream_gather(w.stream, r->number, spans, most);
    for (uint32_t i = 0; i < count; i++)
        total += spans[i].length;
    HOLDS(total <= most && total > 0, "%zu bytes of at most %zu", total, most);
    size_t sent = how_much(r, total), left = sent;
    for (uint32_t i = 0; i < count && left > 0; i++) {
        size_t now = left < spans[i].length ? left : spans[i].length;
        stream_peer_feed(&r->peer, spans[i].bytes, now);
        left -= now;
    }
    r->blocked = sent < total;
    stream_sent(w.stream, r->number, sent, w.now_ns);
    peer_message m;
    while (stream_peer_next(&r->peer, &m))
        take_message(r, &m);
}

/* What it was told of and has not had, counted anew. */
static uint64_t waiting_for(const client *c) {
    uint64_t waiting = 0;
    for (uint32_t n = c->first_member; n != NONE; n = member_at(w.stream, n)->next_of_client) {
        const member *m = member_at(w.stream, n);
        uint64_t told = group_at(w.stream, m->group)->told_position;
        if (!m->wants_snapshot && told > m->position) waiting += told - m->position;
    }
    return waiting;
}

static void check_bounds(void) {
    for (int i = 0; i < CLIENTS; i++) {
        if (!w.readers[i].open) continue;
        const client *c = client_at(w.stream, w.readers[i].number);
        size_t held = (size_t)c->rest.capacity + c->outbox.capacity;
        if (held > w.most_held) w.most_held = held;
        HOLDS(held <= 3 * CLIENT_BYTES, "client %d holds %zu bytes", i, held);
        uint64_t waiting = waiting_for(c);
        HOLDS(c->waiting == waiting, "client %d: %" PRIu64 " bytes wait for it, not %" PRIu64, i, waiting,
              c->waiting);
    }
}

/* Also between rounds: to those with an answer, and those whose sockets have room again. More may come meanwhile. */
static void write_ready(void) {
    for (int i = 0; i < CLIENTS; i++) {
        reader *r = &w.readers[i];
        if (!r->open) continue;
        stream_heard(w.stream, r->number, w.now_ns);
        if (r->blocked && r->manner != NEVER && below(2) == 0) {
            r->blocked = false;
            stream_writable(w.stream, r->number);
        }
    }
    for (uint32_t number; (number = stream_next_ready(w.stream)) != STREAM_NO_CLIENT;) {
        write_to(reader_of(number));
        if (w.settling || below(8) > 0) continue;
        bus_speaks();
        stream_round_on(w.stream, w.now_ns);
    }
    check_bounds();
}

static void one_round(void) {
    stream_round(w.stream, w.now_ns);
    write_ready();
}

/* ---- the run ---- */

static void no_want(void *context, const char *mic, subject_channel channel, bool wanted) {
    (void)context, (void)mic, (void)channel, (void)wanted;
}

static bool everybody_may(void *context, uint32_t number, const char *subject) {
    (void)context, (void)number, (void)subject;
    return true;
}

static void no_close(void *context, uint32_t number, uint16_t code, const char *reason) {
    (void)context;
    HOLDS(false, "client %u is closed with %u: %s", number, code, reason);
}

static void begin(uint64_t seed, uint64_t kept_bytes) {
    memset(&w, 0, sizeof w);
    w.seed = seed;
    tw_random_seed(&w.random, seed);
    w.now_ns = INT64_C(1580400000000000000);
    const stream_options options = {.max_clients = CLIENTS,
                                    .max_instruments = INSTRUMENTS,
                                    .max_subscriptions = 32,
                                    .max_groups = 4000,
                                    .max_members = CLIENTS * INSTRUMENTS * 3, /* tight: the index has collisions */
                                    .client_bytes = CLIENT_BYTES,
                                    .frames_kept = 60,
                                    .kept_bytes = kept_bytes,
                                    .linger_ns = 2 * SECOND_NS,
                                    .request_bytes = 8192,
                                    .requests_per_second = 1000,
                                    .heartbeat_ns = SECOND_NS,
                                    .silence_ns = 3600 * SECOND_NS,
                                    .deflate_level = 1};
    const stream_surroundings around = {.want = no_want, .may_read = everybody_may, .close = no_close};
    EXPECT(stream_alloc(&w.stream, &options, &around, NULL) == TW_OK);
    for (int i = 0; i < INSTRUMENTS; i++) {
        tw_text_format(w.truths[i].symbol, sizeof w.truths[i].symbol, "%c%c%c", 'A' + i, 'A' + i, 'A' + i);
        w.truths[i].term = 1;
    }
    for (int i = 0; i < CLIENTS; i++) {
        w.readers[i].encoding = (encoding)(i % 3);
        w.readers[i].deflates = i % 2 == 0;
    }
}

static void end(void) {
    for (int i = 0; i < CLIENTS; i++)
        if (w.readers[i].open) disconnect(&w.readers[i]);
    stream_stats stats = stream_read_stats(w.stream);
    HOLDS(stats.clients == 0 && stats.subscriptions == 0, "nothing is left behind");
    w.now_ns += 100 * SECOND_NS;
    stream_round(w.stream, w.now_ns);
    stats = stream_read_stats(w.stream);
    HOLDS(stats.groups == 0 && stats.instruments == 0 && stats.kept_bytes == 0,
          "%u groups, %u instruments, %" PRIu64, stats.groups, stats.instruments, stats.kept_bytes);
    stream_free(w.stream);
    for (int i = 0; i < INSTRUMENTS; i++)
        free(w.truths[i].past);
}

/* Everybody reads all there is: then everybody has what is true now. */
static void settle(void) {
    w.settling = true;
    for (int i = 0; i < CLIENTS; i++)
        w.readers[i].manner = READS;
    for (int i = 0; i < 3000; i++) {
        w.now_ns += 20 * MILLI_NS;
        one_round();
    }
    for (int i = 0; i < CLIENTS; i++)
        for (int k = 0; w.readers[i].open && k < INSTRUMENTS; k++) {
            char subject[SUBJECT_BYTES];
            const truth *t = &w.truths[k];
            const kept_book *book = &w.readers[i].books[k];
            subject_instrument(subject, sizeof subject, "XNAS", t->symbol, SUBJECT_ORDERBOOK);
            if (!t->live || wish_for(&w.readers[i], subject) == NULL) continue;
            HOLDS(book->synced && is_moment(book, &t->past[t->past_count - 1]), "%s of client %d is the latest",
                  subject, i);
            HOLDS(book->state == t->state && book->cause == t->cause, "%s of client %d has the latest state",
                  subject, i);
        }
}

static void run(uint64_t seed, uint64_t kept_bytes, int steps) {
    begin(seed, kept_bytes);
    for (int step = 0; step < steps; step++) {
        w.now_ns += (int64_t)below(30) * MILLI_NS;
        bus_speaks();
        for (int i = 0; i < CLIENTS; i++)
            client_acts(&w.readers[i]);
        if (below(3) == 0) write_ready();
        if (below(4) > 0) one_round();
    }
    settle();
    stream_stats stats = stream_read_stats(w.stream);
    printf("seed %" PRIu64 ": %" PRIu64 " books checked, %" PRIu64 " deltas, %" PRIu64 " snapshots, %" PRIu64
           " merged, %" PRIu64 " resumed, %" PRIu64 " not, a client held at most %zu bytes\n",
           seed, w.books_checked, w.deltas, w.snapshots, w.merged, stats.resumed, stats.resume_failed, w.most_held);
    HOLDS(stats.resumed + stats.resume_failed <= w.resumes_tried, "%" PRIu64 " were tried", w.resumes_tried);
    HOLDS(stats.passed_on > 100 && stats.passed_on < stats.frames, "%" PRIu64 " of %" PRIu64, stats.passed_on,
          w.messages_given);
    HOLDS(w.deltas > 100 && w.snapshots > 100 && w.merged > 0 && stats.resumed > 0, "the run saw everything");
    end();
}

TEST(stream_random, every_client_has_the_true_book_of_its_depth_at_every_message) {
    const char *given = getenv("TICKWIRE_SEED");
    uint64_t seed = 0;
    if (given != NULL && tw_text_to_u64(given, &seed)) {
        run(seed, 1u << 20, 3000);
        return;
    }
    for (seed = 1; seed <= 12; seed++)
        run(seed, 1u << 20, 1500);
}

TEST(stream_random, a_gateway_with_hardly_any_memory_for_frames_still_gives_true_books) {
    for (uint64_t seed = 100; seed <= 104; seed++)
        run(seed, 4096, 1500);
}
