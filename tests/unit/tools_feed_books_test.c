/* The books behind a feed being served: whoever reads a snapshot at any message has the same books as who read all. */
#include "ingest/decode/glimpse.h"
#include "ingest/market/itch50_feed.h"
#include "tests/unit.h"
#include "tools/serve/feed_books.h"
#include "tools/simulate/session.h"

#define SYMBOLS  8u
#define MESSAGES 6000u
#define LEVELS   2000u

static const market_limits limits = {.max_instruments = 64, .max_orders = 4000, .max_levels = 8000};

/* A reader of ITCH messages. */
typedef struct reader {
    market *market;
    itch50_feed feed;
    tw_trading_state trading[64];
} reader;

static void on_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    reader *r = context;
    (void)reason;
    (void)stamp;
    r->trading[instrument] = state;
}

static void reader_open(reader *r) {
    tw_error error;
    market_listener listener = {.context = r, .on_trading_state = on_trading_state};
    itch50_feed_options options = {0};
    *r = (reader){0};
    EXPECT_I64(market_alloc(&r->market, &limits, &listener, &error), TW_OK);
    itch50_feed_init(&r->feed, r->market, &options);
    itch50_feed_start_day(&r->feed, 0);
}

static void reader_apply(reader *r, const uint8_t *bytes, uint16_t length) {
    feed_message message = {.bytes = bytes, .length = length, .seq = 1, .receive_ns = TW_TIME_ABSENT};
    itch50_feed_apply(&r->feed, &message, 1);
}

static void expect_same_side(const market *a, uint32_t in_a, const market *b, uint32_t in_b, tw_side side) {
    static tw_level left[LEVELS], right[LEVELS];
    static ob_order orders_a[LEVELS], orders_b[LEVELS];
    uint32_t count = ob_book_top(market_books(a), in_a, side, left, LEVELS);
    EXPECT_U64(ob_book_top(market_books(b), in_b, side, right, LEVELS), count);
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_I64(left[i].price, right[i].price);
        uint32_t orders = ob_level_orders(market_books(a), in_a, side, left[i].price, orders_a, LEVELS);
        EXPECT_U64(ob_level_orders(market_books(b), in_b, side, left[i].price, orders_b, LEVELS), orders);
        for (uint32_t k = 0; k < orders; k++) {
            EXPECT_U64(orders_a[k].order_id, orders_b[k].order_id);
            EXPECT_U64(orders_a[k].quantity, orders_b[k].quantity);
        }
    }
}

static void expect_same(const reader *a, const reader *b) {
    const instruments *all = market_instruments(a->market);
    EXPECT_U64(market_instruments(b->market)->count, all->count);
    for (uint32_t i = 0; i < all->count; i++) {
        uint32_t other = instruments_find(market_instruments(b->market), all->entries[i].symbol);
        EXPECT(other != INSTRUMENT_NONE);
        EXPECT_U64(market_instruments(b->market)->entries[other].locate, all->entries[i].locate);
        EXPECT_I64(b->trading[other], a->trading[i]);
        expect_same_side(a->market, i, b->market, other, TW_BID);
        expect_same_side(a->market, i, b->market, other, TW_ASK);
    }
}

/* The day's messages, encoded, one by one. */
static void make_day(feed_store *day, uint64_t seed) {
    sim_options options = {.seed = seed, .symbols = SYMBOLS, .messages = MESSAGES};
    sim_session *session;
    tw_error error;
    EXPECT_I64(sim_session_alloc(&session, &options, &error), TW_OK);
    itch50_message message;
    while (sim_next(session, &message)) {
        uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
        EXPECT(feed_store_append(day, bytes, (uint16_t)itch50_encode(&message, bytes)));
    }
    sim_session_free(session);
}

static void read_snapshot(reader *r, const feed_store *snapshot, uint64_t join) {
    glimpse_reader expected;
    glimpse_reader_init(&expected);
    for (uint64_t i = 1; i <= snapshot->count; i++) {
        uint16_t length;
        const uint8_t *bytes = feed_store_at(snapshot, i, &length);
        EXPECT_I64(glimpse_reader_next(&expected, bytes, length),
                   i < snapshot->count ? GLIMPSE_ITCH : GLIMPSE_DONE);
        if (i < snapshot->count) reader_apply(r, bytes, length);
    }
    EXPECT_U64(expected.join, join);
}

static void expect_snapshot_after(const feed_store *day, uint64_t after) {
    feed_books *books;
    feed_store snapshot = {0};
    tw_error error;
    reader whole, joined;
    reader_open(&whole);
    reader_open(&joined);
    EXPECT_I64(feed_books_alloc(&books, &limits, &error), TW_OK);
    for (uint64_t i = 1; i <= day->count; i++) {
        uint16_t length;
        const uint8_t *bytes = feed_store_at(day, i, &length);
        reader_apply(&whole, bytes, length);
        if (i <= after) feed_books_apply(books, bytes, length);
        if (i == after) {
            EXPECT_I64(feed_books_snapshot(books, &snapshot, &error), TW_OK);
            read_snapshot(&joined, &snapshot, after + 1);
            expect_same(&whole, &joined);
        } else if (i > after) {
            reader_apply(&joined, bytes, length);
        }
    }
    expect_same(&whole, &joined);
    feed_store_fini(&snapshot);
    feed_books_free(books);
    market_free(whole.market);
    market_free(joined.market);
}

TEST(feed_books, a_snapshot_after_any_message_and_the_rest_are_the_whole_day) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
        fprintf(stderr, "seed %" PRIu64 "\n", seed);
        feed_store day = {0};
        make_day(&day, seed);
        static const uint64_t after[] = {1, 5, 100, 1500, 3000, 5999, 6000};
        for (size_t i = 0; i < sizeof after / sizeof *after; i++)
            expect_snapshot_after(&day, after[i]);
        feed_store_fini(&day);
    }
}

TEST(feed_books, before_the_first_message_there_is_only_where_to_join) {
    feed_books *books;
    feed_store snapshot = {0};
    tw_error error;
    uint64_t join = 0;
    uint16_t length;
    EXPECT_I64(feed_books_alloc(&books, &limits, &error), TW_OK);
    EXPECT_I64(feed_books_snapshot(books, &snapshot, &error), TW_OK);
    EXPECT_U64(snapshot.count, 1);
    const uint8_t *bytes = feed_store_at(&snapshot, 1, &length);
    EXPECT(glimpse_decode_end(bytes, length, &join));
    EXPECT_U64(join, 1);
    feed_store_fini(&snapshot);
    feed_books_free(books);
}

TEST(feed_books, books_cut_short_by_a_limit_are_given_to_nobody) {
    static const struct {
        market_limits limits;
        const char *setting;
    } cases[] = {
        {{64, 20, 8000}, "--max-orders"}, {{64, 4000, 64}, "--max-levels"}, {{2, 4000, 8000}, "--max-instruments"}};
    feed_store day = {0};
    make_day(&day, 1);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        feed_books *books;
        feed_store snapshot = {0};
        tw_error error;
        EXPECT_I64(feed_books_alloc(&books, &cases[c].limits, &error), TW_OK);
        EXPECT_I64(feed_books_check(books, &error), TW_OK);
        for (uint64_t i = 1; i <= day.count; i++) {
            uint16_t length;
            const uint8_t *bytes = feed_store_at(&day, i, &length);
            feed_books_apply(books, bytes, length);
        }
        EXPECT_I64(feed_books_check(books, &error), TW_FULL);
        EXPECT_CONTAINS(error.text, cases[c].setting);
        EXPECT_I64(feed_books_snapshot(books, &snapshot, &error), TW_FULL);
        EXPECT_U64(snapshot.count, 0);
        feed_books_free(books);
    }
    feed_store_fini(&day);
}
