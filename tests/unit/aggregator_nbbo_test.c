/* Best bid and offer over exchanges: tables, and random quotes against a model that looks at all of them each time. */
#include "publisher/aggregator/nbbo.h"

#include "base/random.h"
#include "base/text.h"
#include "tests/unit.h"

static nbbo *make(int64_t refresh_ns) {
    nbbo *made;
    tw_error error = {0};
    nbbo_options options = {.max_quotes = 64, .refresh_ns = refresh_ns};
    EXPECT(nbbo_alloc(&made, &options, &error) == TW_OK);
    return made;
}

static uint64_t next_seq;

/* Prices and quantities 0: none. */
static wire_quote quote_of(const char *mic, int64_t bid, uint64_t bid_size, int64_t ask, uint64_t ask_size) {
    wire_quote q = {.header = {.partition = 1,
                               .term = 7,
                               .seq = ++next_seq,
                               .price_exponent = -4,
                               .event_ns = TW_TIME_ABSENT,
                               .receive_ns = TW_TIME_ABSENT,
                               .publish_ns = TW_TIME_ABSENT},
                    .bid = {bid == 0 ? TW_PRICE_ABSENT : bid, bid_size, 1},
                    .ask = {ask == 0 ? TW_PRICE_ABSENT : ask, ask_size, 1}};
    tw_text_copy(q.header.exchange, sizeof q.header.exchange, mic);
    tw_text_copy(q.header.symbol, sizeof q.header.symbol, "AAPL");
    tw_text_copy(q.header.epoch, sizeof q.header.epoch, "2020-01-30.1");
    return q;
}

static void quote(nbbo *n, const char *mic, int64_t bid, uint64_t bid_size, int64_t ask, uint64_t ask_size) {
    wire_quote q = quote_of(mic, bid, bid_size, ask, ask_size);
    EXPECT(nbbo_quote(n, &q, 0));
}

static void feed(nbbo *n, const char *mic, tw_book_state state) {
    nbbo_feed(n, mic, 1, state, 0);
}

static size_t put_side(char *text, size_t capacity, const tw_level *level, const wire_venues *venues) {
    if (level->price == TW_PRICE_ABSENT) return (size_t)snprintf(text, capacity, "-");
    size_t used = (size_t)snprintf(text, capacity, "%" PRId64 "x%" PRIu64, level->price, level->quantity);
    for (uint32_t i = 0; i < venues->count; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%s", i == 0 ? " " : ",", venues->mics[i]);
    return used;
}

/* "100x300 XNAS,XBOS / 101x200 XBOS locked STALE without XPSX"; "" if nothing changed. */
static const char *news(nbbo *n, int64_t now_ns) {
    static char text[512];
    wire_nbbo m;
    text[0] = '\0';
    if (!nbbo_next(n, now_ns, &m)) return text;
    size_t used = put_side(text, sizeof text, &m.bid, &m.bid_venues);
    used += (size_t)snprintf(text + used, sizeof text - used, " / ");
    used += put_side(text + used, sizeof text - used, &m.ask, &m.ask_venues);
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", m.locked ? " locked" : "",
                             m.crossed ? " crossed" : "");
    if (m.header.state != TW_BOOK_OK)
        used += (size_t)snprintf(text + used, sizeof text - used, " %s", tw_book_state_name(m.header.state));
    for (uint32_t i = 0; i < m.stale_venues.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? " without " : ",",
                                 m.stale_venues.mics[i]);
    EXPECT_MSG(!nbbo_next(n, now_ns, &m), "one symbol is told once a round");
    return text;
}

typedef struct quoted {
    const char *mic;
    int64_t bid;
    uint64_t bid_size;
    int64_t ask;
    uint64_t ask_size;
} quoted;

static const struct {
    const char *what;
    quoted quotes[4];
    const char *best;
} table[] = {
    {"one exchange is the best", {{"XNAS", 100, 300, 101, 200}}, "100x300 XNAS / 101x200 XNAS"},
    {"each side has its own best exchange",
     {{"XNAS", 100, 300, 103, 200}, {"XBOS", 99, 50, 102, 70}},
     "100x300 XNAS / 102x70 XBOS"},
    {"at one price quantities add up, the largest is named first",
     {{"XNAS", 100, 300, 101, 200}, {"XBOS", 100, 400, 101, 100}, {"XPSX", 99, 900, 102, 900}},
     "100x700 XBOS,XNAS / 101x300 XNAS,XBOS"},
    {"equal ones are named in order",
     {{"XPSX", 100, 5, 0, 0}, {"XBOS", 100, 5, 0, 0}, {"XNAS", 100, 5, 0, 0}},
     "100x15 XBOS,XNAS,XPSX / -"},
    {"a side that nobody quotes is none", {{"XNAS", 0, 0, 101, 1}, {"XBOS", 0, 0, 102, 1}}, "- / 101x1 XNAS"},
    {"bid and ask of two exchanges meet",
     {{"XNAS", 100, 1, 105, 1}, {"XBOS", 95, 1, 100, 1}},
     "100x1 XNAS / 100x1 XBOS locked"},
    {"or cross", {{"XNAS", 101, 1, 105, 1}, {"XBOS", 95, 1, 100, 1}}, "101x1 XNAS / 100x1 XBOS crossed"},
};

TEST(nbbo, the_best_of_several_exchanges) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        nbbo *n = make(0);
        for (int k = 0; k < 4 && table[i].quotes[k].mic != NULL; k++) {
            const quoted *q = &table[i].quotes[k];
            feed(n, q->mic, TW_BOOK_OK);
            quote(n, q->mic, q->bid, q->bid_size, q->ask, q->ask_size);
        }
        const char *found = news(n, 0);
        EXPECT_MSG(strcmp(found, table[i].best) == 0, "%s: %s", table[i].what, found);
        EXPECT_STR(news(n, 0), "");
        nbbo_free(n);
    }
}

TEST(nbbo, an_exchange_whose_quote_can_not_be_trusted_is_left_out_and_named) {
    nbbo *n = make(0);
    feed(n, "XNAS", TW_BOOK_OK);
    feed(n, "XBOS", TW_BOOK_OK);
    quote(n, "XNAS", 100, 1, 105, 1);
    quote(n, "XBOS", 101, 2, 104, 2);
    EXPECT_STR(news(n, 0), "101x2 XBOS / 104x2 XBOS");
    feed(n, "XBOS", TW_BOOK_STALE);
    EXPECT_STR(news(n, 0), "100x1 XNAS / 105x1 XNAS without XBOS");
    quote(n, "XBOS", 102, 2, 103, 2); /* who is stale is not heard by quoting on */
    EXPECT_STR(news(n, 0), "");
    feed(n, "XBOS", TW_BOOK_RECOVERING);
    EXPECT_STR(news(n, 0), "");
    feed(n, "XBOS", TW_BOOK_OK);
    EXPECT_STR(news(n, 0), "102x2 XBOS / 103x2 XBOS");
    wire_quote own = quote_of("XBOS", 102, 2, 103, 2); /* the instrument's own state */
    own.header.state = TW_BOOK_STALE;
    EXPECT(nbbo_quote(n, &own, 0));
    feed(n, "XNAS", TW_BOOK_STALE);
    EXPECT_STR(news(n, 0), "- / - STALE without XBOS,XNAS");
    nbbo_free(n);
}

TEST(nbbo, an_exchange_that_has_closed_does_not_count_and_when_all_have_it_says_so) {
    nbbo *n = make(0);
    feed(n, "XNAS", TW_BOOK_OK);
    feed(n, "XBOS", TW_BOOK_CLOSED);
    quote(n, "XNAS", 100, 1, 105, 1);
    quote(n, "XBOS", 101, 2, 104, 2);
    EXPECT_STR(news(n, 0), "100x1 XNAS / 105x1 XNAS");
    feed(n, "XNAS", TW_BOOK_CLOSED);
    EXPECT_STR(news(n, 0), "- / - CLOSED");
    nbbo_free(n);
}

TEST(nbbo, scales_that_differ_are_compared_exactly) {
    nbbo *n = make(0);
    wire_nbbo m;
    wire_quote cents = quote_of("XBOS", 10001, 3, 10003, 3), fine = quote_of("XNAS", 1000099, 10, 1000301, 10);
    cents.header.price_exponent = -2; /* 100.01, 100.03 */
    fine.header.quantity_exponent = -1;
    feed(n, "XNAS", TW_BOOK_OK);
    feed(n, "XBOS", TW_BOOK_OK);
    EXPECT(nbbo_quote(n, &cents, 0) && nbbo_quote(n, &fine, 0));
    EXPECT(nbbo_next(n, 0, &m));
    EXPECT_I64(m.header.price_exponent, -4);
    EXPECT_I64(m.bid.price, 1000100);
    EXPECT_U64(m.bid.quantity, 30); /* 3 shares in tenths */
    EXPECT_I64(m.ask.price, 1000300);
    EXPECT_STR(m.ask_venues.mics[0], "XBOS");
    fine = quote_of("XNAS", 1, 1, 2, 1);
    fine.header.price_exponent = -30; /* at that scale the other one fits no 64 bits */
    EXPECT(nbbo_quote(n, &fine, 0));
    EXPECT_STR(news(n, 0), "1x1 XNAS / 2x1 XNAS without XBOS");
    nbbo_free(n);
}

TEST(nbbo, what_is_old_is_dropped_what_may_be_lost_does_not_count_and_a_new_session_begins_empty) {
    nbbo *n = make(0);
    feed(n, "XNAS", TW_BOOK_OK);
    wire_quote first = quote_of("XNAS", 100, 1, 105, 1), second = quote_of("XNAS", 101, 1, 106, 1), old = second;
    EXPECT(nbbo_quote(n, &second, 0));
    EXPECT(!nbbo_quote(n, &first, 0)); /* a late snapshot */
    old.header.term = 6;
    EXPECT(!nbbo_quote(n, &old, 0));
    EXPECT_STR(news(n, 0), "101x1 XNAS / 106x1 XNAS");
    nbbo_doubt(n, 0);
    EXPECT_STR(news(n, 0), "- / - STALE without XNAS");
    second.header.snapshot = true;
    EXPECT(nbbo_quote(n, &second, 0));
    EXPECT_STR(news(n, 0), "101x1 XNAS / 106x1 XNAS");
    wire_quote other = quote_of("XNAS", 0, 0, 0, 0);
    tw_text_copy(other.header.symbol, sizeof other.header.symbol, "MSFT");
    tw_text_copy(other.header.epoch, sizeof other.header.epoch, "2020-01-31.1");
    EXPECT(nbbo_quote(n, &other, 0)); /* of another instrument, but of the next session */
    wire_nbbo m;
    EXPECT(nbbo_next(n, 0, &m));
    EXPECT_STR(m.header.symbol, "AAPL");
    EXPECT(m.header.state == TW_BOOK_STALE && m.bid.price == TW_PRICE_ABSENT);
    nbbo_free(n);
}

TEST(nbbo, a_deposed_leaders_late_quote_is_refused_before_the_new_one_has_quoted) {
    nbbo *n = make(0);
    feed(n, "XNAS", TW_BOOK_OK);
    quote(n, "XNAS", 100, 1, 105, 1);
    EXPECT_STR(news(n, 0), "100x1 XNAS / 105x1 XNAS");
    nbbo_lead(n, "XNAS", 1, 8, "2020-01-30.1"); /* goes on from 7: what is known holds */
    EXPECT_STR(news(n, 0), "");
    wire_quote late = quote_of("XNAS", 101, 1, 106, 1), next = late;
    EXPECT(!nbbo_quote(n, &late, 0));
    EXPECT_STR(news(n, 0), "");
    next.header.term = 8;
    EXPECT(nbbo_quote(n, &next, 0));
    EXPECT_STR(news(n, 0), "101x1 XNAS / 106x1 XNAS");
    nbbo_lead(n, "XNAS", 1, 9, "2020-01-31.1"); /* of whose session nothing is known */
    EXPECT_STR(news(n, 0), "- / - STALE without XNAS");
    EXPECT(!nbbo_quote(n, &next, 0));
    EXPECT(!nbbo_doubts(n, "XNAS")); /* nobody need tell of it: it may be delisted */
    nbbo_free(n);
}

TEST(nbbo, what_a_restarted_leader_does_not_stand_by_is_settled_by_an_empty_quote) {
    nbbo *n = make(0);
    feed(n, "XNAS", TW_BOOK_OK);
    feed(n, "XBOS", TW_BOOK_OK);
    quote(n, "XNAS", 100, 1, 105, 1);
    quote(n, "XBOS", 99, 1, 106, 1);
    EXPECT_STR(news(n, 0), "100x1 XNAS / 105x1 XNAS");
    EXPECT(!nbbo_doubts(n, "XNAS"));
    nbbo_lead(n, "XNAS", 1, 8, "2020-01-30.1");
    nbbo_vouched(n, "XNAS", 1, "2020-01-30.1", 8);
    EXPECT_STR(news(n, 0), "99x1 XBOS / 106x1 XBOS without XNAS");
    EXPECT(nbbo_doubts(n, "XNAS") && !nbbo_doubts(n, "XBOS"));
    wire_quote empty = quote_of("XNAS", 0, 0, 0, 0);
    empty.header.term = 8;
    empty.header.seq = 0;
    EXPECT(nbbo_quote(n, &empty, 0));
    EXPECT_STR(news(n, 0), "99x1 XBOS / 106x1 XBOS");
    EXPECT(!nbbo_doubts(n, "XNAS"));
    nbbo_free(n);
}

TEST(nbbo, one_that_does_not_change_is_told_again_and_its_seq_never_falls) {
    nbbo *n = make(1000);
    wire_nbbo m;
    uint64_t seq = 0;
    feed(n, "XNAS", TW_BOOK_OK);
    quote(n, "XNAS", 100, 1, 105, 1);
    EXPECT_STR(news(n, 0), "100x1 XNAS / 105x1 XNAS");
    EXPECT_STR(news(n, 999), "");
    EXPECT_STR(news(n, 1000), "100x1 XNAS / 105x1 XNAS");
    EXPECT_STR(news(n, 1999), "");
    for (int i = 0; i < 20; i++) {
        quote(n, i % 2 == 0 ? "XNAS" : "XBOS", 100 + i, 1, 200, 1);
        while (nbbo_next(n, 2000, &m)) {
            EXPECT(m.header.seq > seq);
            seq = m.header.seq;
        }
    }
    nbbo_free(n);
}

/* ---- against a model ---- */

#define VENUES 5
static const char *const mics[VENUES] = {"ARCX", "BATS", "XBOS", "XNAS", "XPSX"};

typedef struct model {
    bool quoted[VENUES];
    quoted quotes[VENUES];
    tw_book_state states[VENUES];
} model;

static void check_side(const model *all, bool is_bid, const tw_level *level, const wire_venues *venues,
                       uint64_t seed) {
    int64_t best = TW_PRICE_ABSENT;
    uint64_t quantity = 0;
    uint32_t count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < VENUES; i++) {
            const quoted *q = &all->quotes[i];
            int64_t price = is_bid ? q->bid : q->ask;
            if (!all->quoted[i] || all->states[i] != TW_BOOK_OK || price == 0) continue;
            if (pass == 0 && (best == TW_PRICE_ABSENT || (is_bid ? price > best : price < best))) best = price;
            if (pass == 1 && price == best) quantity += is_bid ? q->bid_size : q->ask_size, count++;
        }
    EXPECT_MSG(level->price == best && level->quantity == quantity && venues->count == count,
               "seed %" PRIu64 ": %" PRId64 "x%" PRIu64 " of %u, the model has %" PRId64 "x%" PRIu64 " of %u", seed,
               level->price, level->quantity, venues->count, best, quantity, count);
}

TEST(nbbo, random_quotes_and_states_come_to_what_a_look_at_all_of_them_gives) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        nbbo *n = make(0);
        model all = {0};
        wire_nbbo m = {.bid.price = TW_PRICE_ABSENT, .ask.price = TW_PRICE_ABSENT};
        tw_random random;
        tw_random_seed(&random, seed);
        for (int i = 0; i < VENUES; i++) {
            all.states[i] = TW_BOOK_RECOVERING;
            feed(n, mics[i], TW_BOOK_RECOVERING);
        }
        for (int step = 0; step < 2000; step++) {
            uint32_t venue = (uint32_t)tw_random_below(&random, VENUES);
            if (tw_random_chance(&random, 1, 10)) {
                all.states[venue] = (tw_book_state)tw_random_below(&random, 4);
                feed(n, mics[venue], all.states[venue]);
            } else {
                quoted q = {.mic = mics[venue]};
                if (tw_random_chance(&random, 9, 10)) q.bid = 95 + (int64_t)tw_random_below(&random, 6);
                if (tw_random_chance(&random, 9, 10)) q.ask = 99 + (int64_t)tw_random_below(&random, 6);
                q.bid_size = 1 + tw_random_below(&random, 9);
                q.ask_size = 1 + tw_random_below(&random, 9);
                quote(n, q.mic, q.bid, q.bid_size, q.ask, q.ask_size);
                all.quotes[venue] = q;
                all.quoted[venue] = true;
            }
            while (nbbo_next(n, 0, &m))
                ;
            check_side(&all, true, &m.bid, &m.bid_venues, seed);
            check_side(&all, false, &m.ask, &m.ask_venues, seed);
            bool both = m.bid.price != TW_PRICE_ABSENT && m.ask.price != TW_PRICE_ABSENT;
            EXPECT(m.crossed == (both && m.bid.price > m.ask.price) &&
                   m.locked == (both && m.bid.price == m.ask.price));
        }
        nbbo_free(n);
    }
}
