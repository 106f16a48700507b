/*
 * The venue's market data: two replicas, each with an engine and a market, hear the same seeded crowd and flush at moments of their own; one
 * leads, the other follows. A receiver with the product's rules takes what the leader sends and must end with the engine's books, each
 * trade once, and the day's totals: over takeovers, restarts from a snapshot, and new days.
 */
#include "matcher/market/market.h"

#include "base/random.h"
#include "base/text.h"
#include "client/chain_rule.h"
#include "client/receiver.h"
#include "tests/matcher/crowd.h"
#include "tests/matcher/venue.h"
#include "tests/unit.h"

enum { INSTRUMENTS = CROWD_INSTRUMENTS, NODES = 2, DEPTH = 5, BOOKS = 3, MOST_SENT = 60000, MOST_TRADES = 20000 };
#define STEP_NS INT64_C(3000000)
#define SHARD   7u

typedef struct sent {
    char subject[48];
    uint8_t *bytes;
    size_t length;
} sent;

typedef struct node {
    mx_engine *engine;
    mk_market *market;
    crowd crowd;
    tw_random pace;
    uint32_t allow; /* messages until the sink says no */
} node;

/* What really traded in the present epoch, as the reports of one engine say. */
typedef struct trade {
    uint64_t seq, quantity, match_id;
    int64_t price;
} trade;
typedef struct tape {
    char epoch[TW_EPOCH_BYTES];
    uint32_t count;
    trade trades[MOST_TRADES];
} tape;

typedef struct log_chain {
    tw_chain rule;
    uint32_t at; /* trades of the tape that were delivered */
    uint64_t volume, total, counted_from_seq;
} log_chain;

static struct world {
    uint64_t seed;
    int64_t now_ns;
    uint64_t term;
    node nodes[NODES];
    unsigned leader;
    sent log[MOST_SENT];
    uint32_t sent, taken;
    wire_arena arena;
    receiver_hold hold;
    receiver_book books[BOOKS][INSTRUMENTS];
    tw_chain quote_chains[INSTRUMENTS], status_chains[INSTRUMENTS];
    wire_quote quotes[INSTRUMENTS];
    wire_status statuses[INSTRUMENTS];
    log_chain logs[INSTRUMENTS];
    tape tapes[INSTRUMENTS],
        past[INSTRUMENTS]; /* of this epoch, and of the one before: a day may begin within an input */
    wire_feed_status heard;
    bool totals_lost;
} w;

/* ---- a replica ---- */

static void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    node *n = context;
    if (n->allow > 0) n->allow--;
    EXPECT(n == &w.nodes[w.leader]);
    EXPECT(w.sent < MOST_SENT);
    sent *m = &w.log[w.sent++];
    tw_text_copy(m->subject, sizeof m->subject, subject);
    m->bytes = malloc(length);
    m->length = length;
    memcpy(m->bytes, payload, length);
}

static bool on_ready(void *context) {
    return ((node *)context)->allow > 0;
}

static mk_market *market_of(node *n, bool follows) {
    publisher_options options = {.exchange = "TWEX",
                                 .partition = SHARD,
                                 .term = follows ? 0 : w.term,
                                 .follows = follows,
                                 .leader = "replica",
                                 .max_instruments = venue_bounds.max_instruments,
                                 .depth = DEPTH,
                                 .tier_100ms = true,
                                 .tier_1s = true,
                                 .max_prints = 4096,
                                 .max_requests = 4,
                                 .serve_bytes = 65536,
                                 .status_interval_ns = 100000000};
    publisher_sink sink = {.context = n, .emit = on_emit, .answer = on_emit, .ready = on_ready};
    mk_market *market;
    EXPECT_I64(mk_alloc(&market, &options, n->engine, &sink, NULL), TW_OK);
    return market;
}

static void node_open(node *n, uint64_t seed, bool follows) {
    n->allow = UINT32_MAX;
    crowd_init(&n->crowd, w.seed);
    tw_random_seed(&n->pace, seed);
    EXPECT_I64(mx_engine_alloc(&n->engine, &venue_bounds, NULL), TW_OK);
    n->market = market_of(n, follows);
}

static void node_close(node *n) {
    mk_free(n->market);
    mx_engine_free(n->engine);
}

static void note_trade(const mx_report *r, const char *epoch) {
    tape *t = &w.tapes[r->instrument];
    if (strcmp(t->epoch, epoch) != 0) {
        w.past[r->instrument] = *t;
        t->count = 0;
    }
    tw_text_copy(t->epoch, sizeof t->epoch, epoch);
    EXPECT(t->count < MOST_TRADES);
    t->trades[t->count++] = (trade){r->seq, r->last_quantity, mk_match_id(r->seq, r->n), r->last_price};
}

static void never_full(mx_sink *sink, void *context) {
    (void)context;
    EXPECT_MSG(false, "more than %u reports of one command", sink->capacity);
}

static void apply_one(node *n, const mx_input *input, const mx_command *command) {
    static mx_report reports[65536];
    mx_sink sink = {.reports = reports, .capacity = 65536, .full = never_full};
    mx_apply(n->engine, input, command, &sink);
    for (uint32_t i = 0; i < sink.count; i++) {
        mk_take(n->market, &reports[i], w.now_ns);
        bool is_trade = reports[i].kind == MX_FILL && reports[i].liquidity == MX_TAKER;
        if (is_trade && n == &w.nodes[w.leader]) note_trade(&reports[i], mk_epoch(n->market));
    }
}

/* One whole input: all commands of a batch. */
static void apply_input(node *n) {
    mx_input input;
    mx_command command;
    crowd next = n->crowd;
    uint64_t seq = 0;
    for (;;) {
        crowd_next(&next, &input, &command);
        if (seq != 0 && input.seq != seq) return;
        seq = input.seq;
        n->crowd = next;
        apply_one(n, &input, &command);
    }
}

static void run_input(node *n) {
    apply_input(n);
    n->allow = tw_random_chance(&n->pace, 1, 10) ? (uint32_t)tw_random_below(&n->pace, 4) : UINT32_MAX;
    if (tw_random_chance(&n->pace, 1, 3)) mk_flush(n->market, w.now_ns);
    if (tw_random_chance(&n->pace, 1, 2)) mk_tick(n->market, w.now_ns);
}

static void drain(node *n) {
    n->allow = UINT32_MAX;
    for (int i = 0; i < 600; i++) {
        w.now_ns += 2 * STEP_NS;
        mk_flush(n->market, w.now_ns);
        mk_tick(n->market, w.now_ns);
    }
    EXPECT_U64(publisher_catching_up(mk_publisher(n->market)), 0);
}

/* ---- the receiver ---- */

static void take_book(uint32_t i, subject_channel channel, const sent *m) {
    wire_book_update update;
    receiver_book *book = &w.books[channel - SUBJECT_ORDERBOOK][i];
    EXPECT_I64(wire_book_update_decode(&w.arena, m->bytes, m->length, &update), WIRE_OK);
    receiver_outcome outcome = receiver_book_take(book, &w.hold, &update);
    EXPECT_MSG(outcome != RECEIVER_CHECKSUM_FAULT && outcome != RECEIVER_REFUSED &&
                   outcome != RECEIVER_NEED_SNAPSHOT,
               "seed %" PRIu64 ": %s: seq %" PRIu64 " after %" PRIu64 ": %s", w.seed, m->subject, update.header.seq,
               update.header.prev_seq, receiver_outcome_name(outcome));
}

static void expect_print(const tape *t, uint32_t at, const tw_print *print) {
    EXPECT_MSG(at < t->count, "seed %" PRIu64 ": more prints than trades", w.seed);
    const trade *one = &t->trades[at];
    EXPECT_MSG(one->seq == print->seq && one->price == print->price && one->quantity == print->quantity &&
                   one->match_id == print->match_id,
               "seed %" PRIu64 ": print %u: %" PRIu64 " at %" PRId64 " of input %" PRIu64
               ", the engine said %" PRIu64 " at %" PRId64 " of %" PRIu64,
               w.seed, at, print->quantity, print->price, print->seq, one->quantity, one->price, one->seq);
}

static void take_trades(uint32_t i, const sent *m) {
    wire_trades trades;
    log_chain *chain = &w.logs[i];
    EXPECT_I64(wire_trades_decode(&w.arena, m->bytes, m->length, &trades), WIRE_OK);
    bool new_epoch = strcmp(chain->rule.epoch, trades.header.epoch) != 0;
    chain_verdict verdict = chain_take_trades(&chain->rule, &trades);
    EXPECT_MSG(verdict.missed == 0 || w.totals_lost,
               "seed %" PRIu64 ": %s: %" PRIu64 " prints missed before %" PRIu64, w.seed, m->subject,
               verdict.missed, trades.header.seq);
    if (verdict.outcome != CHAIN_DELIVER && verdict.outcome != CHAIN_TOTALS) return;
    if (new_epoch) chain->at = 0;
    const tape *t = strcmp(w.past[i].epoch, trades.header.epoch) == 0 ? &w.past[i] : &w.tapes[i];
    for (uint32_t k = verdict.known;
         verdict.outcome == CHAIN_DELIVER && !trades.header.snapshot && k < trades.print_count; k++)
        expect_print(t, chain->at++, &trades.prints[k]);
    chain->volume = trades.volume;
    chain->total = trades.prints_total;
    chain->counted_from_seq = trades.counted_from_seq;
}

static void take(const sent *m) {
    subject_parts parts;
    wire_quote quote;
    wire_status status;
    if (subject_parse(m->subject, &parts) == SUBJECT_KIND_FEED_STATUS)
        EXPECT_I64(wire_feed_status_decode(&w.arena, m->bytes, m->length, &w.heard), WIRE_OK);
    if (parts.kind != SUBJECT_KIND_INSTRUMENT) return;
    uint32_t i = (uint32_t)(parts.symbol[0] - 'A');
    if (parts.channel == SUBJECT_QUOTE) {
        EXPECT_I64(wire_quote_decode(&w.arena, m->bytes, m->length, &quote), WIRE_OK);
        if (chain_take_state(&w.quote_chains[i], &quote.header).outcome == CHAIN_DELIVER) w.quotes[i] = quote;
    } else if (parts.channel == SUBJECT_STATUS) {
        EXPECT_I64(wire_status_decode(&w.arena, m->bytes, m->length, &status), WIRE_OK);
        if (chain_take_state(&w.status_chains[i], &status.header).outcome == CHAIN_DELIVER) w.statuses[i] = status;
    } else if (parts.channel == SUBJECT_TRADE) {
        take_trades(i, m);
    } else {
        take_book(i, parts.channel, m);
    }
}

static void take_all(void) {
    for (; w.taken < w.sent; w.taken++)
        take(&w.log[w.taken]);
}

/* ---- what it must have in the end ---- */

static void expect_side(const receiver_book *book, uint32_t i, tw_side side) {
    tw_level top[DEPTH];
    uint32_t count = mx_book_top(w.nodes[w.leader].engine, i, side, top, DEPTH);
    const tw_level *levels = side == TW_BID ? book->bids : book->asks;
    uint32_t have = side == TW_BID ? book->bid_count : book->ask_count;
    EXPECT_MSG(have == count, "seed %" PRIu64 ": instrument %u: %u levels, the engine has %u", w.seed, i, have,
               count);
    for (uint32_t l = 0; l < count; l++)
        EXPECT_MSG(levels[l].price == top[l].price && levels[l].quantity == top[l].quantity &&
                       levels[l].orders == top[l].orders,
                   "seed %" PRIu64 ": instrument %u: level %u: %" PRIu64 " at %" PRId64 ", the engine has %" PRIu64
                   " at %" PRId64,
                   w.seed, i, l, levels[l].quantity, levels[l].price, top[l].quantity, top[l].price);
}

static void expect_status(uint32_t i) {
    static const tw_trading_state names[] = {TW_TRADING_PRE_OPEN, TW_TRADING_OPEN, TW_TRADING_HALTED,
                                             TW_TRADING_CLOSED};
    mx_instrument_view view;
    EXPECT(mx_instrument_get(w.nodes[w.leader].engine, i, &view));
    EXPECT_I64(w.statuses[i].trading, names[view.state]);
}

static void expect_tape(uint32_t i) {
    const tape *t = &w.tapes[i];
    const log_chain *chain = &w.logs[i];
    const char *epoch = mk_epoch(w.nodes[w.leader].market);
    uint32_t count = strcmp(t->epoch, epoch) == 0 ? t->count : 0;
    uint64_t volume = 0;
    for (uint32_t k = 0; k < count; k++)
        volume += t->trades[k].quantity;
    if (strcmp(chain->rule.epoch, epoch) != 0) {
        EXPECT_U64(count, 0);
        return;
    }
    EXPECT_MSG(chain->at == count, "seed %" PRIu64 ": %u prints came, %u trades were made", w.seed, chain->at,
               count);
    if (w.totals_lost) return;
    EXPECT_U64(chain->volume, volume);
    EXPECT_U64(chain->total, count);
    EXPECT_U64(chain->counted_from_seq, 0);
}

/* A book of which nothing was to be said in this epoch. */
static bool is_empty_and_untold(const receiver_book *book, uint32_t i) {
    const node *n = &w.nodes[w.leader];
    tw_level best;
    bool empty = mx_book_top(n->engine, i, TW_BID, &best, 1) + mx_book_top(n->engine, i, TW_ASK, &best, 1) == 0;
    return empty && strcmp(book->header.epoch, mk_epoch(n->market)) != 0;
}

static void expect_all(void) {
    drain(&w.nodes[w.leader]);
    take_all();
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        for (uint32_t c = 0; c < BOOKS; c++) {
            if (is_empty_and_untold(&w.books[c][i], i)) continue;
            EXPECT_MSG(receiver_book_in_sync(&w.books[c][i]), "seed %" PRIu64 ": book %u of %u is not in sync",
                       w.seed, c, i);
            EXPECT_STR(w.books[c][i].header.epoch, mk_epoch(w.nodes[w.leader].market));
            expect_side(&w.books[c][i], i, TW_BID);
            expect_side(&w.books[c][i], i, TW_ASK);
        }
        expect_status(i);
        expect_tape(i);
        tw_level best;
        bool any = mx_book_top(w.nodes[w.leader].engine, i, TW_BID, &best, 1) > 0;
        if (any) EXPECT_I64(w.quotes[i].bid.price, best.price);
        if (!any && !is_empty_and_untold(&w.books[0][i], i)) EXPECT_I64(w.quotes[i].bid.price, TW_PRICE_ABSENT);
    }
    EXPECT_U64(w.heard.seq, mx_seq(w.nodes[w.leader].engine));
    EXPECT_U64(w.heard.term, w.term);
    EXPECT_U64(w.heard.published_seq, w.heard.seq);
}

/* ---- the world ---- */

static void world_open(uint64_t seed) {
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.now_ns = INT64_C(1000000000);
    w.term = 1;
    EXPECT(wire_arena_init(&w.arena, 1u << 20));
    EXPECT(receiver_hold_init(&w.hold, 4096));
    for (uint32_t c = 0; c < BOOKS; c++)
        for (uint32_t i = 0; i < INSTRUMENTS; i++)
            receiver_book_init(&w.books[c][i]);
    for (unsigned i = 0; i < NODES; i++)
        node_open(&w.nodes[i], seed * 100 + i, i > 0);
}

static void world_close(void) {
    for (unsigned i = 0; i < NODES; i++)
        node_close(&w.nodes[i]);
    for (uint32_t c = 0; c < BOOKS; c++)
        for (uint32_t i = 0; i < INSTRUMENTS; i++)
            receiver_book_fini(&w.books[c][i], &w.hold);
    for (uint32_t i = 0; i < w.sent; i++)
        free(w.log[i].bytes);
    receiver_hold_fini(&w.hold);
    wire_arena_fini(&w.arena);
}

/* Both hear the inputs; the follower hears the leader's status, sometimes. */
static void run(uint32_t inputs) {
    node *leads = &w.nodes[w.leader], *follows = &w.nodes[1 - w.leader];
    for (uint32_t i = 0; i < inputs; i++) {
        w.now_ns += STEP_NS;
        run_input(leads);
        run_input(follows);
        take_all();
        if (strcmp(w.heard.epoch, mk_epoch(follows->market)) == 0 && w.heard.term == w.term)
            publisher_confirm(mk_publisher(follows->market), w.heard.published_seq);
    }
}

/* The leader ends without a word. What it had published beyond its last status is published again. */
static void take_over(void) {
    bool same_epoch = strcmp(w.heard.epoch, mk_epoch(w.nodes[1 - w.leader].market)) == 0;
    publisher_safe safe = {.seq = same_epoch ? w.heard.published_seq : 0};
    publisher_follow(mk_publisher(w.nodes[w.leader].market));
    w.leader = 1 - w.leader;
    publisher_lead(mk_publisher(w.nodes[w.leader].market), ++w.term, &safe);
}

/* ---- snapshots ---- */

typedef struct memory {
    uint8_t *bytes;
    size_t length, capacity, at;
} memory;

static bool memory_write(void *context, const void *bytes, size_t length) {
    memory *m = context;
    if (m->length + length > m->capacity) {
        m->capacity = 2 * (m->length + length);
        m->bytes = realloc(m->bytes, m->capacity);
    }
    memcpy(m->bytes + m->length, bytes, length);
    m->length += length;
    return true;
}

static bool memory_read(void *context, void *bytes, size_t length) {
    memory *m = context;
    if (m->length - m->at < length) return false;
    memcpy(bytes, m->bytes + m->at, length);
    m->at += length;
    return true;
}

static void save(const node *n, memory *m, bool totals) {
    EXPECT_I64(mx_snapshot_write(n->engine, memory_write, m, NULL), TW_OK);
    if (totals) EXPECT_I64(mk_write(n->market, memory_write, m, NULL), TW_OK);
}

/* The follower ends and starts again from a snapshot of its own. */
static void restart_follower(bool totals) {
    node *n = &w.nodes[1 - w.leader];
    memory m = {0};
    tw_error error;
    save(n, &m, totals);
    mk_free(n->market);
    mx_engine_free(n->engine);
    EXPECT_I64(mx_engine_alloc(&n->engine, &venue_bounds, NULL), TW_OK);
    n->market = market_of(n, true);
    EXPECT_I64(mx_snapshot_read(n->engine, memory_read, &m, NULL), TW_OK);
    mk_restart(n->market);
    tw_code code = mk_read(n->market, memory_read, &m, &error);
    EXPECT_I64(code, totals ? TW_OK : TW_TRUNCATED);
    EXPECT_U64(publisher_counted_from(mk_publisher(n->market)), totals ? 0 : mx_seq(n->engine) + 1);
    free(m.bytes);
}

/* ---- tests ---- */

TEST(matcher_market, receivers_end_with_the_engines_books_and_every_trade_once_over_takeovers) {
    for (uint64_t seed = 1; seed <= 12; seed++) {
        world_open(seed);
        run(60);
        expect_all();
        for (int round = 0; round < 4; round++) {
            run(200);
            take_over();
            run(50);
            expect_all();
        }
        world_close();
    }
}

TEST(matcher_market, a_replica_that_starts_from_a_snapshot_goes_on_with_the_days_totals) {
    for (uint64_t seed = 101; seed <= 108; seed++) {
        world_open(seed);
        run(300);
        expect_all();
        restart_follower(true);
        run(40);
        take_over();
        run(100);
        expect_all();
        world_close();
    }
}

TEST(matcher_market, without_the_days_totals_trades_say_from_where_they_count) {
    world_open(201);
    run(300);
    expect_all();
    restart_follower(false);
    uint64_t from = publisher_counted_from(mk_publisher(w.nodes[1].market));
    w.totals_lost = true;
    take_over();
    char epoch[TW_EPOCH_BYTES];
    tw_text_copy(epoch, sizeof epoch, mk_epoch(w.nodes[1].market));
    run(10);
    expect_all();
    for (uint32_t i = 0; i < INSTRUMENTS && strcmp(epoch, mk_epoch(w.nodes[1].market)) == 0; i++)
        if (w.logs[i].rule.seq >= from) EXPECT_U64(w.logs[i].counted_from_seq, from);
    world_close();
}

/* ---- single things, said by hand ---- */

static void say(node *n, uint64_t seq, const mx_command *command) {
    mx_input input = {.seq = seq, .stream_ns = (int64_t)seq * 1000};
    apply_one(n, &input, command);
}

static void set_scene(node *n) {
    mx_command define = {.kind = MX_DEFINE_INSTRUMENT,
                         .define_instrument = {.symbol = "A",
                                               .price_exponent = -2,
                                               .tick_bands = 1,
                                               .ticks = {{0, 5}},
                                               .lot = 10,
                                               .collar_ppm = 100000,
                                               .protection_ppm = 10000,
                                               .reference_price = 1000}};
    mx_command owner = {.kind = MX_DEFINE_ACCOUNT, .define_account = {0, "ann", 0}};
    mx_command limits = {.kind = MX_SET_LIMITS,
                         .limits = {.order_quantity = MX_UNLIMITED,
                                    .order_notional = MX_MONEY_MAX,
                                    .funds = MX_MONEY_MAX,
                                    .exposure = MX_MONEY_MAX,
                                    .position = MX_UNLIMITED,
                                    .concentration_ppm = MX_PPM + 1,
                                    .open_orders = UINT32_MAX}};
    mx_command open = {.kind = MX_SET_STATE, .set_state = {MX_EVERY, MX_CONTINUOUS}};
    say(n, 1, &define);
    say(n, 2, &owner);
    say(n, 3, &limits);
    mx_command day = {.kind = MX_BEGIN_DAY, .begin_day = {.date = 20260101, .end_ns = 1000000}};
    say(n, 4, &open);
    say(n, 5, &day);
}

static void order(node *n, uint64_t seq, tw_side side, int64_t price, uint64_t quantity, uint64_t display) {
    mx_command command = {.kind = MX_NEW_ORDER,
                          .order = {.order_id = MX_ORDER_ID(seq, 0),
                                    .side = (uint8_t)side,
                                    .price = price,
                                    .stop_price = TW_PRICE_ABSENT,
                                    .quantity = quantity,
                                    .display = display}};
    say(n, seq, &command);
}

TEST(matcher_market, books_show_what_is_shown_and_carry_the_inputs_sequence) {
    world_open(1);
    node *n = &w.nodes[0];
    set_scene(n);
    order(n, 6, TW_BID, 995, 100, 0);
    order(n, 7, TW_ASK, 1005, 200, 30); /* an iceberg */
    mk_flush(n->market, w.now_ns);
    take_all();
    const receiver_book *book = &w.books[0][0];
    EXPECT_U64(book->header.seq, 7);
    EXPECT_I64(book->asks[0].price, 1005);
    EXPECT_U64(book->asks[0].quantity, 30);
    EXPECT_U64(book->bids[0].quantity, 100);
    order(n, 8, TW_BID, 1005, 40, 0); /* thirty and the next ten of the iceberg: two trades */
    mk_flush(n->market, w.now_ns);
    take_all();
    EXPECT_U64(book->header.seq, 8);
    EXPECT_U64(book->asks[0].quantity, 20);
    EXPECT_U64(w.logs[0].total, 2);
    EXPECT_U64(w.logs[0].volume, 40);
    EXPECT_I64(w.statuses[0].collar_upper, 1100);
    EXPECT_I64(w.statuses[0].collar_lower, 900);
    world_close();
}

TEST(matcher_market, a_trading_day_is_an_epoch_whose_name_begins_with_its_date) {
    world_open(1);
    node *n = &w.nodes[0];
    EXPECT_STR(mk_epoch(n->market), "0.TWEX-7");
    set_scene(n);
    EXPECT_STR(mk_epoch(n->market), "2026-01-01.TWEX-7");
    order(n, 6, TW_BID, 995, 100, 0);
    mk_flush(n->market, w.now_ns);
    mx_command day = {.kind = MX_BEGIN_DAY, .begin_day = {.date = 20260102, .end_ns = 1000000}};
    order(n, 7, TW_ASK, 995, 50, 0); /* a trade of the old day that has not left yet */
    say(n, 8, &day);
    EXPECT_STR(mk_epoch(n->market), "2026-01-02.TWEX-7");
    take_all();
    EXPECT_U64(w.logs[0].total, 1);
    EXPECT_STR(w.logs[0].rule.epoch, "2026-01-01.TWEX-7");
    mk_flush(n->market, w.now_ns); /* the order that stays is told anew */
    take_all();
    EXPECT_STR(w.books[0][0].header.epoch, "2026-01-02.TWEX-7");
    EXPECT_U64(w.books[0][0].bids[0].quantity, 50);
    order(n, 9, TW_ASK, 995, 50, 0);
    mk_flush(n->market, w.now_ns);
    take_all();
    EXPECT_STR(w.logs[0].rule.epoch, "2026-01-02.TWEX-7");
    EXPECT_U64(w.logs[0].total, 1); /* totals are the day's */
    say(n, 10, &day);               /* refused: the day is there already */
    mk_flush(n->market, w.now_ns);
    take_all();
    EXPECT_U64(w.logs[0].total, 1);
    world_close();
}

static bool is_listed(node *n) {
    wire_book_update snapshot;
    tw_level bids[TW_MAX_DEPTH], asks[TW_MAX_DEPTH];
    return publisher_published_book(mk_publisher(n->market), 0, SUBJECT_ORDERBOOK, &snapshot, bids, asks);
}

TEST(matcher_market, an_instrument_that_has_moved_is_in_no_directory_after_its_last_word) {
    world_open(1);
    node *n = &w.nodes[0];
    mx_command moved = {.kind = MX_SET_STATE, .set_state = {0, MX_MOVED}};
    mx_command close = {.kind = MX_SET_STATE, .set_state = {0, MX_CLOSED}};
    mx_command close_all = {.kind = MX_SET_STATE, .set_state = {MX_EVERY, MX_CLOSED}};
    mx_command open = {.kind = MX_SET_STATE, .set_state = {0, MX_CONTINUOUS}};
    mx_command reference = {.kind = MX_SET_REFERENCE, .set_reference = {0, 1100}};
    mx_command day = {.kind = MX_BEGIN_DAY, .begin_day = {.date = 20260102, .end_ns = 1000000}};
    mx_instrument_view view;
    set_scene(n);
    order(n, 6, TW_BID, 995, 100, 0);
    order(n, 7, TW_ASK, 995, 100, 0);
    say(n, 8, &moved);
    EXPECT(!is_listed(n));
    take_all();
    EXPECT_U64(w.logs[0].total, 1); /* the trade just before was told, and that it closed */
    EXPECT_I64(w.statuses[0].trading, TW_TRADING_CLOSED);
    EXPECT(mx_instrument_get(n->engine, 0, &view));
    mx_command again = {.kind = MX_DEFINE_INSTRUMENT, .define_instrument = view.definition};
    say(n, 9, &close_all); /* it does not come back by that, nor by the rest */
    say(n, 10, &reference);
    say(n, 11, &again);
    say(n, 12, &day);
    mk_restart(n->market);
    mk_flush(n->market, w.now_ns);
    EXPECT(!is_listed(n));
    say(n, 13, &open); /* refused */
    EXPECT(!is_listed(n));
    say(n, 14, &close);
    EXPECT(is_listed(n));
    world_close();
}

TEST(matcher_market, an_instrument_that_is_suspended_by_hand_stays_in_the_directory) {
    world_open(1);
    node *n = &w.nodes[0];
    mx_command close = {.kind = MX_SET_STATE, .set_state = {0, MX_CLOSED}};
    mx_command block = {.kind = MX_SET_BLOCK, .block = {MX_EVERY, 0, true}};
    set_scene(n);
    say(n, 6, &close);
    say(n, 7, &block);
    EXPECT(is_listed(n));
    mk_restart(n->market);
    mk_flush(n->market, w.now_ns);
    EXPECT(is_listed(n));
    say(n, 8, &close);
    EXPECT(is_listed(n));
    world_close();
}

TEST(matcher_market, totals_of_another_place_in_the_stream_are_refused) {
    world_open(1);
    node *n = &w.nodes[0];
    set_scene(n);
    order(n, 6, TW_BID, 995, 100, 0);
    order(n, 7, TW_ASK, 995, 50, 0);
    memory m = {0};
    tw_error error;
    EXPECT_I64(mk_write(n->market, memory_write, &m, NULL), TW_OK);
    order(n, 8, TW_ASK, 995, 50, 0);
    publisher_follow(mk_publisher(n->market));
    EXPECT_I64(mk_read(n->market, memory_read, &m, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "after input 7");
    m.at = 0;
    m.bytes[0] ^= 1;
    EXPECT_I64(mk_read(n->market, memory_read, &m, &error), TW_MALFORMED);
    m.at = 0;
    m.bytes[0] ^= 1;
    m.bytes[8]++;
    EXPECT_I64(mk_read(n->market, memory_read, &m, &error), TW_UNSUPPORTED);
    m.length = 20;
    m.at = 0;
    EXPECT_I64(mk_read(n->market, memory_read, &m, &error), TW_TRUNCATED);
    free(m.bytes);
    world_close();
}
