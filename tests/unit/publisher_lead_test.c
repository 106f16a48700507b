/* Leading and following, one thing at a time. publisher_takeover_test.c plays whole days. */
#include "tests/support/publisher_pair.h"

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
    publisher_lead(
        n->publisher, term,
        &(publisher_safe){.seq = safe_seq, .tier_seq = safe_seq, .continues_term = safe_seq > 0 ? term - 1 : 0});
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
    EXPECT_U64(publisher_published_seq(n->publisher), 0);
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
    EXPECT_U64(status.continues_term, 6);
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
    r->lossy = true;
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

TEST(publisher_lead, the_directory_goes_on_from_the_version_that_both_have_counted) {
    world_init(1, SYMBOLS, 100);
    node *n = &w.nodes[1];
    settle(n);
    lead(n, 2, 1);
    settle(n);
    EXPECT_U64(count_sent(n, 0, "instruments.XNAS.changes"), 0);
    EXPECT_U64(last_status(n).directory_version, SYMBOLS);
    tw_instrument entry = {.symbol = "S0", .price_exponent = -4, .round_lot = 10};
    publisher_define(n->publisher, 0, &entry, &(publisher_stamp){.seq = 9});
    publisher_flush(n->publisher, w.now_ns);
    const sent *last = &n->log->messages[n->log->count - 1];
    EXPECT_STR(last->subject, "instruments.XNAS.changes");
    wire_instrument_list list;
    EXPECT_I64(wire_instrument_list_decode(&w.arena, last->bytes, last->length, &list), WIRE_OK);
    EXPECT_U64(list.term, 2);
    EXPECT_U64(list.prev_version, SYMBOLS);
    EXPECT_U64(list.version, SYMBOLS + 1);
    EXPECT_U64(list.instrument_count, 1);
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
