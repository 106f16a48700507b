/* When snapshots are asked for, and how often. Time is the test's. */
#include "client/feed_watch.h"
#include "client/join.h"
#include "client/resync.h"
#include "tests/unit.h"

#define MS INT64_C(1000000)

typedef struct asked {
    resync_key keys[400];
    uint64_t ids[400];
    unsigned count;
} asked;

static bool note_asked(void *context, const resync_key *key, uint64_t id) {
    asked *a = context;
    a->keys[a->count] = *key;
    a->ids[a->count++] = id;
    return true;
}

static void want_many(resync_queue *queue, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char symbol[16];
        snprintf(symbol, sizeof symbol, "S%u", i);
        resync_want(queue, "XNAS", symbol, SUBJECT_ORDERBOOK, false, 0);
    }
}

TEST(resync, asks_once_for_one_book_however_often_it_is_wished_for) {
    asked a = {0};
    resync_queue queue;
    resync_init(&queue, 1000 * MS, 1, note_asked, &a);
    for (int i = 0; i < 3; i++)
        resync_want(&queue, "XNAS", "AAPL", SUBJECT_ORDERBOOK, false, 0);
    resync_tick(&queue, 0);
    resync_tick(&queue, 1 * MS);
    EXPECT_U64(a.count, 1);
    EXPECT_STR(a.keys[0].symbol, "AAPL");
}

TEST(resync, asks_in_bulk_when_many_are_missing) {
    asked a = {0};
    resync_queue queue;
    resync_init(&queue, 1000 * MS, 1, note_asked, &a);
    want_many(&queue, 100);
    resync_tick(&queue, 0);
    EXPECT_U64(a.count, 1);
    EXPECT_STR(a.keys[0].symbol, "");
    wire_snapshot_reply reply = {.code = WIRE_REPLY_OK};
    resync_key key;
    EXPECT(!resync_reply(&queue, a.ids[0], &reply, 5 * MS, &key)); /* a chunk, not the last */
    reply.last = true;
    EXPECT(resync_reply(&queue, a.ids[0], &reply, 6 * MS, &key));
    want_many(&queue, 1);
    resync_tick(&queue, 7 * MS);
    EXPECT_U64(a.count, 2);
    EXPECT_STR(a.keys[1].symbol, "S0");
}

TEST(resync, repeats_an_unanswered_request_later_and_later_and_never_in_step) {
    asked a = {0};
    resync_queue queue;
    resync_init(&queue, 1000 * MS, 7, note_asked, &a);
    resync_want(&queue, "XNAS", "AAPL", SUBJECT_ORDERBOOK, false, 0);
    int64_t sent[5], now = 0;
    unsigned seen = 0;
    for (; seen < 5 && now < 60000 * MS; now += 10 * MS) {
        resync_tick(&queue, now);
        if (a.count > seen) sent[seen++] = now;
    }
    EXPECT_U64(seen, 5);
    int64_t bases[] = {1000, 2000, 4000, 4000};
    for (int i = 0; i < 4; i++) {
        int64_t pause = (sent[i + 1] - sent[i]) / MS;
        EXPECT_MSG(pause >= bases[i] && pause <= bases[i] + bases[i] / 2 + 20, "pause %d is %" PRId64 " ms", i,
                   pause);
    }
    EXPECT(a.ids[0] != a.ids[1]);
}

TEST(resync, waits_as_long_as_a_busy_publisher_says) {
    asked a = {0};
    resync_queue queue;
    resync_key key;
    resync_init(&queue, 1000 * MS, 1, note_asked, &a);
    resync_want(&queue, "XNAS", "AAPL", SUBJECT_ORDERBOOK, false, 0);
    resync_tick(&queue, 0);
    wire_snapshot_reply busy = {.code = WIRE_REPLY_BUSY, .retry_after_ms = 200};
    EXPECT(!resync_reply(&queue, a.ids[0], &busy, 10 * MS, &key));
    resync_tick(&queue, 205 * MS);
    EXPECT_U64(a.count, 1);
    resync_tick(&queue, 311 * MS);
    EXPECT_U64(a.count, 2);
}

TEST(resync, never_has_more_requests_under_way_than_its_bound) {
    asked a = {0};
    resync_queue queue;
    resync_init(&queue, 1000 * MS, 1, note_asked, &a);
    for (unsigned i = 0; i < 200; i++) {
        char exchange[16];
        snprintf(exchange, sizeof exchange, "X%03u", i);
        resync_want_all(&queue, exchange, SUBJECT_ORDERBOOK, 0);
    }
    resync_tick(&queue, 0);
    EXPECT_U64(a.count, RESYNC_OUTSTANDING);
    wire_snapshot_reply gone = {.code = WIRE_REPLY_NOT_FOUND};
    resync_key key;
    EXPECT(resync_reply(&queue, a.ids[0], &gone, 1 * MS, &key));
    EXPECT_STR(key.exchange, "X000");
    resync_tick(&queue, 1 * MS);
    EXPECT_U64(a.count, RESYNC_OUTSTANDING + 1);
}

/* When the first request of a receiver leaves that came back at 0 and heard the publisher after `heard_ms`; -1: not yet. */
static int64_t asks_after_return(uint64_t seed, int64_t heard_ms) {
    asked a = {0};
    resync_queue queue;
    resync_init(&queue, 1000 * MS, seed, note_asked, &a);
    resync_want(&queue, "XNAS", "AAPL", SUBJECT_ORDERBOOK, false, 0);
    resync_tick(&queue, 0); /* under way when the server went */
    resync_restart(&queue, 0);
    for (int64_t ms = 0; ms <= 1000; ms++) {
        if (ms == heard_ms) resync_release(&queue, ms * MS);
        resync_tick(&queue, ms * MS);
        if (a.count == 2) return ms;
    }
    return -1;
}

TEST(resync, many_receivers_that_come_back_ask_spread_over_a_quarter_of_the_timeout) {
    unsigned in_slice[5] = {0};
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        int64_t ms = asks_after_return(seed, 40);
        EXPECT_MSG(ms >= 40 && ms <= 291, "seed %" PRIu64 ": after %" PRId64 " ms", seed, ms);
        in_slice[(ms - 40) / 51]++;
    }
    for (int i = 0; i < 5; i++)
        EXPECT_MSG(in_slice[i] > 120 && in_slice[i] < 280, "%u of 1000 in slice %d", in_slice[i], i);
}

TEST(resync, a_publisher_that_is_not_heard_is_asked_after_the_timeout_all_the_same) {
    EXPECT_I64(asks_after_return(1, -1), 1000);
}

TEST(feed_watch, a_higher_term_on_any_channel_deposes_the_leader_and_is_counted_once) {
    feed_watch watch;
    feed_watch_init(&watch, 1000 * MS);
    feed_entry *feed = feed_watch_entry(&watch, "XNAS", 0, 0, NULL);
    EXPECT(feed_watch_accept(&watch, feed, 3));
    EXPECT(feed_watch_accept(&watch, feed, 3));
    EXPECT_U64(feed->takeovers, 0);
    EXPECT(feed_watch_accept(&watch, feed, 4));
    EXPECT(!feed_watch_accept(&watch, feed, 3));
    wire_feed_status status = {.exchange = "XNAS", .term = 3, .state = TW_BOOK_OK};
    EXPECT(!feed_watch_hear(&watch, feed, &status, 10 * MS));
    status.term = 4;
    EXPECT(feed_watch_hear(&watch, feed, &status, 10 * MS));
    EXPECT_U64(feed->takeovers, 1);
    feed_watch_fini(&watch);
}

TEST(feed_watch, a_term_that_nobody_can_have_yet_deposes_nobody) {
    feed_watch watch;
    feed_watch_init(&watch, 1000 * MS);
    watch.most_term = 2000;
    feed_entry *feed = feed_watch_entry(&watch, "XNAS", 0, 0, NULL);
    EXPECT(!feed_watch_accept(&watch, feed, UINT64_MAX)); /* not as the first word either */
    EXPECT(feed_watch_accept(&watch, feed, 1999));
    wire_feed_status status = {.exchange = "XNAS", .term = 2001, .state = TW_BOOK_OK};
    EXPECT(!feed_watch_hear(&watch, feed, &status, 10 * MS));
    EXPECT(feed_watch_accept(&watch, feed, 1999));
    EXPECT(feed_watch_accept(&watch, feed, 2000));
    feed_watch_fini(&watch);
}

TEST(feed_watch, tells_once_that_a_publisher_is_back_after_the_bus_was_away) {
    feed_watch watch;
    feed_watch_init(&watch, 1000 * MS);
    feed_entry *feed = feed_watch_entry(&watch, "XNAS", 0, 0, NULL);
    wire_feed_status status = {.exchange = "XNAS", .term = 3, .state = TW_BOOK_OK};
    EXPECT(feed_watch_hear(&watch, feed, &status, 10 * MS));
    EXPECT(!feed_watch_take_return(feed));
    feed_watch_bus(&watch, true, 20 * MS);
    feed_watch_bus(&watch, false, 30 * MS);
    EXPECT(feed_watch_hear(&watch, feed, &status, 40 * MS));
    EXPECT(feed_watch_take_return(feed));
    EXPECT(!feed_watch_take_return(feed));
    feed_watch_fini(&watch);
}

TEST(feed_watch, is_no_better_than_what_was_last_heard_and_when) {
    feed_watch watch;
    feed_watch_init(&watch, 1000 * MS);
    feed_entry *feed = feed_watch_entry(&watch, "XNAS", 0, 0, NULL);
    EXPECT_I64(feed->state, TW_BOOK_RECOVERING);
    wire_feed_status status = {.exchange = "XNAS", .term = 3, .state = TW_BOOK_OK};
    EXPECT(feed_watch_hear(&watch, feed, &status, 10 * MS));
    EXPECT_I64(feed->state, TW_BOOK_OK);
    feed_watch_check(&watch, 1010 * MS);
    EXPECT_I64(feed->state, TW_BOOK_OK);
    feed_watch_check(&watch, 1011 * MS);
    EXPECT_I64(feed->state, TW_BOOK_STALE);
    EXPECT_I64(feed->cause, TW_CAUSE_FEED_SILENT);
    status.term = 2; /* a deposed leader does not speak for the feed */
    EXPECT(!feed_watch_hear(&watch, feed, &status, 1012 * MS));
    EXPECT_I64(feed->state, TW_BOOK_STALE);
    feed_watch_bus(&watch, true, 1013 * MS);
    EXPECT_I64(feed->cause, TW_CAUSE_BUS_AWAY);
    feed_watch_fini(&watch);
}

TEST(join, reads_what_a_subject_covers) {
    static const struct {
        const char *subject, *exchange, *symbol;
        bool book, tier;
    } table[] = {
        {"XNAS.*.orderbook", "XNAS", "", true, false},        {"XNAS.>", "XNAS", "", true, true},
        {"XNAS.AAPL.orderbook", "XNAS", "AAPL", true, false}, {"XNAS.BRK%2EB.>", "XNAS", "BRK.B", true, true},
        {"*.AAPL.orderbook", "", "AAPL", true, false},        {">", "", "", true, true},
        {"XNAS.*.orderbook.1s", "XNAS", "", false, true},
    };
    join_plan plan;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        EXPECT_MSG(join_plan_make(&plan, table[i].subject), "%s", table[i].subject);
        EXPECT_STR(plan.exchange, table[i].exchange);
        EXPECT_STR(plan.symbol, table[i].symbol);
        EXPECT_MSG(plan.channels[SUBJECT_ORDERBOOK] == table[i].book, "%s", table[i].subject);
        EXPECT_MSG(plan.channels[SUBJECT_ORDERBOOK_1S] == table[i].tier, "%s", table[i].subject);
    }
    const char *none[] = {"XNAS.*.trade", "feed.>", "snapshots.XNAS.orderbook", "agg.AAPL.nbbo", "XNAS"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        EXPECT_MSG(!join_plan_make(&plan, none[i]), "%s", none[i]);
}
