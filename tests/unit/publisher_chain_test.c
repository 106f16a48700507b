/* Random books through the publisher, received by a naive model: chains hold, checksums match, books are equal. */
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "publisher/delta.h"
#include "publisher/publisher.h"
#include "tests/unit.h"

#define SYMBOLS 4u

typedef struct receiver_book {
    uint64_t seq;
    tw_level sides[2][3 * TW_MAX_DEPTH];
    uint32_t counts[2];
    tw_book_state state;
    uint32_t messages;
} receiver_book;

static struct world {
    wire_arena arena;
    ob_books *books;
    publisher *publisher;
    receiver_book received[3][SYMBOLS]; /* by book channel */
    uint64_t quote_seq[SYMBOLS];
    wire_quote quote[SYMBOLS];
    uint32_t quotes;
    uint64_t trade_seq[SYMBOLS];
    uint32_t prints, trade_breaks;
    uint32_t emitted;
    uint32_t allow; /* messages until the sink says no */
    uint32_t feed_statuses;
    tw_book_state feed_state;
    uint32_t replies, books_in_replies, lasts;
    uint64_t reply_bytes;
    wire_reply_code code;
    char detail[WIRE_DETAIL_BYTES];
    uint32_t turn_books[1024];
    bool turn_done[1024];
    uint32_t turn_chunks[1024];
    uint64_t seed;
} w;

static void apply_level(receiver_book *book, tw_side side, const tw_level *level) {
    tw_level *levels = book->sides[side];
    uint32_t i = 0, n = book->counts[side];
    while (i < n && (side == TW_BID ? levels[i].price > level->price : levels[i].price < level->price))
        i++;
    bool found = i < n && levels[i].price == level->price;
    if (level->quantity == 0) {
        EXPECT_MSG(found, "seed %" PRIu64 ": a level that nobody has is removed", w.seed);
        memmove(&levels[i], &levels[i + 1], (n - i - 1) * sizeof *levels);
        book->counts[side]--;
        return;
    }
    if (!found) {
        memmove(&levels[i + 1], &levels[i], (n - i) * sizeof *levels);
        book->counts[side]++;
    }
    levels[i] = *level;
}

static void apply_update(receiver_book *book, const wire_book_update *m) {
    EXPECT_MSG(m->header.prev_seq == book->seq, "seed %" PRIu64 ": prev_seq %" PRIu64 ", have %" PRIu64, w.seed,
               m->header.prev_seq, book->seq);
    if (m->bid_count + m->ask_count == 0) EXPECT_U64(m->header.seq, m->header.prev_seq);
    for (uint32_t i = 0; i < m->bid_count; i++)
        apply_level(book, TW_BID, &m->bids[i]);
    for (uint32_t i = 0; i < m->ask_count; i++)
        apply_level(book, TW_ASK, &m->asks[i]);
    for (int s = 0; s < 2; s++)
        if (book->counts[s] > m->depth) book->counts[s] = m->depth;
    book->seq = m->header.seq;
    book->state = m->header.state;
    book->messages++;
    EXPECT_MSG(wire_book_checksum(book->sides[0], book->counts[0], book->sides[1], book->counts[1], m->depth) ==
                   m->checksum,
               "seed %" PRIu64 ": checksum", w.seed);
}

static void on_reply(const char *subject, const uint8_t *payload, size_t length) {
    wire_snapshot_reply m;
    EXPECT(length <= WIRE_MAX_BYTES);
    EXPECT_I64(wire_snapshot_reply_decode(&w.arena, payload, length, &m), WIRE_OK);
    w.replies++;
    w.reply_bytes += length;
    w.books_in_replies += m.book_count;
    w.lasts += m.last;
    w.code = m.code;
    memcpy(w.detail, m.detail, sizeof w.detail);
    uint64_t who;
    if (!tw_text_to_u64(subject + 3, &who) || who >= 1024) return;
    EXPECT(!w.turn_done[who]);
    EXPECT_U64(m.chunk, w.turn_chunks[who]);
    w.turn_chunks[who]++;
    w.turn_books[who] += m.book_count;
    w.turn_done[who] = m.last;
}

static void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    (void)context;
    w.emitted++;
    if (w.allow > 0) w.allow--;
    if (strncmp(subject, "to.", 3) == 0) {
        on_reply(subject, payload, length);
        return;
    }
    subject_parts parts;
    subject_kind kind = subject_parse(subject, &parts);
    if (kind == SUBJECT_KIND_INSTRUMENT && parts.symbol[2] != '\0') return; /* only the first few are received */
    if (kind == SUBJECT_KIND_INSTRUMENT_CHANGES) return;                    /* publisher_directory_test.c */
    if (kind == SUBJECT_KIND_FEED_STATUS) {
        wire_feed_status m;
        EXPECT_I64(wire_feed_status_decode(&w.arena, payload, length, &m), WIRE_OK);
        w.feed_statuses++;
        w.feed_state = m.state;
        return;
    }
    EXPECT_I64(kind, SUBJECT_KIND_INSTRUMENT);
    uint32_t i = (uint32_t)(parts.symbol[1] - '0');
    if (i >= SYMBOLS) return;
    if (parts.channel <= SUBJECT_ORDERBOOK_1S) {
        wire_book_update m;
        EXPECT_I64(wire_book_update_decode(&w.arena, payload, length, &m), WIRE_OK);
        apply_update(&w.received[parts.channel][i], &m);
    } else if (parts.channel == SUBJECT_QUOTE) {
        wire_quote m;
        EXPECT_I64(wire_quote_decode(&w.arena, payload, length, &m), WIRE_OK);
        EXPECT_U64(m.header.prev_seq, w.quote_seq[i]);
        w.quote_seq[i] = m.header.seq;
        w.quote[i] = m;
        w.quotes++;
    } else if (parts.channel == SUBJECT_TRADE) {
        wire_trades m;
        EXPECT_I64(wire_trades_decode(&w.arena, payload, length, &m), WIRE_OK);
        w.trade_breaks += m.header.prev_seq != w.trade_seq[i];
        w.trade_seq[i] = m.header.seq;
        w.prints += m.print_count;
    }
}

static bool on_ready(void *context) {
    (void)context;
    return w.allow > 0;
}

static void world_init(uint32_t depth, uint32_t max_prints, uint32_t max_requests, uint32_t defined) {
    memset(&w, 0, sizeof w);
    w.allow = UINT32_MAX;
    EXPECT(wire_arena_init(&w.arena, 1u << 20));
    ob_limits limits = {.max_instruments = 1024, .max_orders = 4096, .max_levels = 65536};
    EXPECT_I64(ob_books_alloc(&w.books, &limits, NULL), TW_OK);
    publisher_options options = {.exchange = "XNAS",
                                 .term = 1,
                                 .max_instruments = 1024,
                                 .depth = depth,
                                 .tier_100ms = true,
                                 .tier_1s = true,
                                 .max_prints = max_prints,
                                 .max_requests = max_requests,
                                 .serve_bytes = 100000,
                                 .status_interval_ns = 100000000};
    publisher_sink sink = {.emit = on_emit, .answer = on_emit, .ready = on_ready};
    EXPECT_I64(publisher_alloc(&w.publisher, &options, w.books, &sink, NULL), TW_OK);
    publisher_start_epoch(w.publisher, "2020-01-30.A");
    for (uint32_t i = 0; i < defined; i++) {
        tw_instrument entry = {.price_exponent = -4};
        tw_text_format(entry.symbol, sizeof entry.symbol, "S%u", i);
        publisher_define(w.publisher, i, &entry, &(publisher_stamp){.seq = 1});
    }
}

static void world_fini(void) {
    publisher_free(w.publisher);
    ob_books_free(w.books);
    wire_arena_fini(&w.arena);
}

static void random_change(tw_random *random, uint64_t seq) {
    uint32_t i = (uint32_t)tw_random_below(random, SYMBOLS);
    ob_change change;
    uint64_t id = 1 + tw_random_below(random, 150);
    publisher_stamp stamp = {.seq = seq, .event_ns = (int64_t)seq, .receive_ns = (int64_t)seq};
    ob_order order;
    ob_result result = OB_UNKNOWN_ORDER;
    if (tw_random_chance(random, 1, 3) && ob_order_find(w.books, i, id, &order)) {
        int64_t away = (int64_t)tw_random_below(random, 90);
        result = ob_order_replace(w.books, i, id, id, order.side == TW_BID ? 1000 - away : 1001 + away,
                                  1 + tw_random_below(random, 3), &change);
    } else {
        result = ob_order_delete(w.books, i, id, &change);
    }
    if (result != OB_OK) {
        tw_side side = tw_random_chance(random, 1, 2) ? TW_BID : TW_ASK;
        int64_t away = (int64_t)tw_random_below(random, 90);
        result = ob_order_add(w.books, i, id, side, side == TW_BID ? 1000 - away : 1001 + away,
                              1 + tw_random_below(random, 3), &change);
    }
    if (result == OB_OK) publisher_mark_book(w.publisher, i, tw_sides_of(change.side), change.rank, &stamp);
}

static void expect_equal(subject_channel channel, uint32_t i, uint32_t depth) {
    for (int s = 0; s < 2; s++) {
        tw_level top[TW_MAX_DEPTH];
        uint32_t n = ob_book_top(w.books, i, (tw_side)s, top, depth);
        receiver_book *book = &w.received[channel][i];
        EXPECT_MSG(book->counts[s] == n, "seed %" PRIu64 ": %u levels, expected %u", w.seed, book->counts[s], n);
        for (uint32_t l = 0; l < n; l++) {
            EXPECT_MSG(book->sides[s][l].price == top[l].price && book->sides[s][l].quantity == top[l].quantity &&
                           book->sides[s][l].orders == top[l].orders,
                       "seed %" PRIu64 ": level %u differs", w.seed, l);
        }
    }
}

static void run_random(uint32_t depth, uint64_t seed) {
    world_init(depth, 100, 10, SYMBOLS);
    w.seed = seed;
    tw_random random;
    tw_random_seed(&random, seed);
    int64_t now_ns = 1000000000;
    for (uint64_t seq = 2; seq < 3000; seq++) {
        random_change(&random, seq);
        if (!tw_random_chance(&random, 1, 4)) continue;
        now_ns += (int64_t)tw_random_below(&random, 60000000);
        w.allow = tw_random_chance(&random, 1, 3) ? (uint32_t)tw_random_below(&random, 3) : UINT32_MAX;
        bool open = w.allow == UINT32_MAX;
        publisher_flush(w.publisher, now_ns);
        publisher_tick(w.publisher, now_ns);
        for (uint32_t i = 0; open && i < SYMBOLS; i++)
            expect_equal(SUBJECT_ORDERBOOK, i, depth);
    }
    w.allow = UINT32_MAX;
    publisher_flush(w.publisher, now_ns);
    for (int step = 0; step < 11; step++)
        publisher_tick(w.publisher, now_ns += 100000000);
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        for (subject_channel c = SUBJECT_ORDERBOOK; c <= SUBJECT_ORDERBOOK_1S; c++)
            expect_equal(c, i, depth);
        tw_level bid = {.price = TW_PRICE_ABSENT};
        ob_book_top(w.books, i, TW_BID, &bid, 1);
        EXPECT_I64(w.quote[i].bid.price, bid.price);
        EXPECT_U64(w.quote[i].bid.quantity, bid.quantity);
        EXPECT(w.received[SUBJECT_ORDERBOOK_1S][i].messages < w.received[SUBJECT_ORDERBOOK][i].messages);
    }
    world_fini();
}

TEST(publisher, a_naive_receiver_has_the_book_after_each_flush_at_any_depth_and_with_a_sink_that_stops) {
    const uint32_t depths[] = {1, 5, 10, 64};
    for (uint32_t d = 0; d < 4; d++)
        for (uint64_t seed = 1; seed <= 5; seed++)
            run_random(depths[d], seed);
}

TEST(publisher, a_level_pushed_out_is_not_named_and_one_that_vanished_is) {
    tw_level before[] = {{100, 1, 1}, {99, 1, 1}}, pushed[] = {{101, 5, 1}, {100, 1, 1}}, gone[] = {{99, 1, 1}};
    tw_level changes[DELTA_MAX_LEVELS];
    EXPECT_U64(delta_side(TW_BID, before, 2, pushed, 2, 2, changes), 1);
    EXPECT_I64(changes[0].price, 101);
    EXPECT_U64(delta_side(TW_BID, before, 2, gone, 1, 2, changes), 1);
    EXPECT_I64(changes[0].price, 100);
    EXPECT_U64(changes[0].quantity, 0);
}

TEST(publisher, a_change_that_came_back_moves_nothing_and_a_state_alone_keeps_seq) {
    world_init(5, 100, 10, 1);
    ob_change change;
    publisher_flush(w.publisher, 1);
    uint32_t before = w.emitted;
    ob_order_add(w.books, 0, 1, TW_BID, 10, 5, &change);
    publisher_mark_book(w.publisher, 0, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 2});
    ob_order_delete(w.books, 0, 1, &change);
    publisher_mark_book(w.publisher, 0, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 3});
    EXPECT_U64(publisher_flush(w.publisher, 2), 0);
    EXPECT_U64(w.emitted, before);
    ob_order_add(w.books, 0, 1, TW_BID, 10, 5, &change);
    publisher_mark_book(w.publisher, 0, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 4});
    publisher_flush(w.publisher, 3);
    publisher_book_state(w.publisher, 0, TW_BOOK_STALE, TW_CAUSE_CAPACITY, &(publisher_stamp){.seq = 5});
    EXPECT_U64(publisher_flush(w.publisher, 4), 3); /* book, quote, status */
    EXPECT_U64(w.received[0][0].seq, 4);
    EXPECT_I64(w.received[0][0].state, TW_BOOK_STALE);
    EXPECT_U64(publisher_read_stats(w.publisher).instruments_not_ok, 1);
    world_fini();
}

TEST(publisher, prints_beyond_the_bound_are_dropped_counted_and_seen_as_a_break) {
    world_init(5, 3, 10, 1);
    for (uint64_t seq = 2; seq < 7; seq++) {
        tw_print print = {.seq = seq, .price = 10, .quantity = 1};
        publisher_print(w.publisher, 0, &print, &(publisher_stamp){.seq = seq});
    }
    publisher_flush(w.publisher, 1);
    EXPECT_U64(w.prints, 3);
    EXPECT_U64(w.trade_breaks, 1);
    EXPECT_U64(publisher_read_stats(w.publisher).prints_dropped, 2);
    world_fini();
}

TEST(publisher, a_thousand_late_joiners_are_all_served_within_the_budget_of_each_call) {
    world_init(10, 100, 1000, 900);
    char reply[32];
    for (uint32_t i = 0; i < 1000; i++) {
        tw_text_format(reply, sizeof reply, "to.%u", i);
        publisher_request(w.publisher, "snapshots.XNAS.orderbook", reply, NULL, 0, 1);
        if (i % 100 == 0) publisher_serve(w.publisher, 1);
    }
    for (bool more = true; more;) {
        uint64_t before = w.reply_bytes;
        more = publisher_serve(w.publisher, 2);
        EXPECT(w.reply_bytes - before <= 100000);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        EXPECT(w.turn_done[i]);
        EXPECT_U64(w.turn_books[i], 900);
    }
    EXPECT_U64(publisher_read_stats(w.publisher).requests_waiting, 0);
    world_fini();
}

TEST(publisher, a_request_is_answered_by_what_its_subject_asks) {
    static const struct {
        const char *subject;
        uint32_t replies;
        wire_reply_code code;
        uint32_t books;
    } rows[] = {{"snapshot.XNAS.S0.orderbook", 1, WIRE_REPLY_OK, 1},
                {"snapshot.XNAS.NONE.orderbook", 1, WIRE_REPLY_NOT_FOUND, 0},
                {"snapshot.XNAS.S0.nothing", 1, WIRE_REPLY_NOT_FOUND, 0},
                {"snapshot.XNAS.S0.order", 1, WIRE_REPLY_NOT_FOUND, 0},
                {"snapshot.XNAS.S%.orderbook", 1, WIRE_REPLY_BAD_REQUEST, 0},
                {"snapshots.XNAS.orderbook.1s", 1, WIRE_REPLY_OK, 2},
                {"snapshot.XLON.S0.orderbook", 0, WIRE_REPLY_OK, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world_init(10, 100, 10, 2);
        publisher_request(w.publisher, rows[i].subject, "to.x", NULL, 0, 1);
        while (publisher_serve(w.publisher, 1))
            continue;
        EXPECT_U64(w.replies, rows[i].replies);
        EXPECT_MSG(w.code == rows[i].code, "%s: code %d", rows[i].subject, (int)w.code);
        EXPECT_U64(w.books_in_replies, rows[i].books);
        world_fini();
    }
}

TEST(publisher, prints_of_one_source_message_stay_together_and_totals_count_them) {
    world_init(5, 1000, 10, 1);
    for (uint32_t i = 0; i < 300; i++) { /* three prints a message: 256 is not a boundary, 255 is */
        tw_print print = {.seq = 2 + i / 3, .index = i % 3, .price = 10, .quantity = 1};
        publisher_print(w.publisher, 0, &print, &(publisher_stamp){.seq = 2 + i / 3});
    }
    EXPECT_U64(publisher_flush(w.publisher, 1), 4); /* feed status, directory, 255 prints, 45 prints */
    EXPECT_U64(w.prints, 300);
    EXPECT_U64(w.trade_breaks, 0);
    EXPECT_U64(w.trade_seq[0], 101);
    world_fini();
}

TEST(publisher, the_one_second_tier_sends_a_tenth_of_its_instruments_at_each_step) {
    world_init(5, 10, 10, 100);
    ob_change change;
    for (uint32_t i = 0; i < 100; i++) {
        ob_order_add(w.books, i, 1, TW_BID, 10, 5, &change);
        publisher_mark_book(w.publisher, i, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 2 + i});
    }
    for (int64_t step = 1; step <= 10; step++) {
        publisher_tick(w.publisher, step * 100000000);
        EXPECT_U64(publisher_read_stats(w.publisher).emitted[SUBJECT_ORDERBOOK_1S], 10 * step);
        EXPECT_I64(publisher_next_tick(w.publisher), (step + 1) * 100000000);
    }
    world_fini();
}

TEST(publisher, while_held_nothing_of_a_half_built_book_leaves_on_any_channel_and_then_everything_does) {
    const uint32_t depth = 10;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        world_init(depth, 100, 10, SYMBOLS);
        w.seed = seed;
        tw_random random;
        tw_random_seed(&random, seed);
        int64_t now_ns = 1000000000;
        uint64_t seq = 2;
        for (; seq < 500; seq++)
            random_change(&random, seq);
        EXPECT(publisher_settle(w.publisher, now_ns));
        uint32_t before = w.emitted, statuses = w.feed_statuses;
        publisher_hold(w.publisher, true);
        ob_books_clear(w.books); /* as a rebuild does */
        for (uint32_t i = 0; i < SYMBOLS; i++)
            publisher_mark_book(w.publisher, i, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = seq});
        for (; seq < 1000; seq++) {
            random_change(&random, seq);
            publisher_flush(w.publisher, now_ns += 1000000);
            publisher_tick(w.publisher, now_ns);
            EXPECT(!publisher_settle(w.publisher, now_ns));
        }
        EXPECT(w.feed_statuses > statuses); /* heartbeats go on */
        EXPECT_U64(w.emitted - before, w.feed_statuses - statuses);
        publisher_hold(w.publisher, false);
        for (w.allow = 0; !publisher_settle(w.publisher, now_ns); w.allow = 1) {
        }
        for (uint32_t i = 0; i < SYMBOLS; i++)
            for (subject_channel c = SUBJECT_ORDERBOOK; c <= SUBJECT_ORDERBOOK_1S; c++)
                expect_equal(c, i, depth);
        world_fini();
    }
}
