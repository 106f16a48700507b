/*
 * Trade totals of a publisher that joined late: what its messages say of them, and how it takes its leader's. The random days
 * let one of two come back in the middle, with its books and without the morning's prints, and lead soon afterwards.
 */
#include "tests/support/publisher_pair.h"

#define INBOX "to.me"

static void one_print(node *n, uint32_t i, uint64_t seq, uint64_t quantity) {
    tw_print print = {.seq = seq, .price = 10, .quantity = quantity};
    publisher_print(n->publisher, i, &print, &(publisher_stamp){.seq = n->seq = seq});
}

static wire_trades last_trades(const node *n, const char *subject) {
    wire_trades m = {.volume = 0};
    for (size_t i = 0; i < n->log->count; i++)
        if (strcmp(n->log->messages[i].subject, subject) == 0)
            EXPECT_I64(wire_trades_decode(&w.arena, n->log->messages[i].bytes, n->log->messages[i].length, &m),
                       WIRE_OK);
    return m;
}

/* ---- what is said of totals ---- */

TEST(publisher_adopt, totals_that_lack_prints_say_from_where_they_count) {
    world_init(1, 2, 100);
    node *n = &w.nodes[0];
    one_print(n, 0, 5, 100);
    publisher_flush(n->publisher, w.now_ns);
    EXPECT_U64(last_trades(n, "XNAS.S0.trade").counted_from_seq, 0);
    publisher_prints_lost(n->publisher, 20); /* 6 to 19 */
    publisher_prints_lost(n->publisher, 12); /* known already */
    one_print(n, 0, 20, 30);
    one_print(n, 1, 21, 7);
    publisher_flush(n->publisher, w.now_ns);
    wire_trades m = last_trades(n, "XNAS.S0.trade");
    EXPECT_U64(m.counted_from_seq, 20);
    EXPECT_U64(m.volume, 130); /* what was counted before the hole stays */
    EXPECT_U64(last_trades(n, "XNAS.S1.trade").counted_from_seq, 20);
    world_fini();
}

TEST(publisher_adopt, an_instrument_that_comes_later_lacks_prints_too_and_a_new_epoch_begins_whole) {
    world_init(1, 2, 100);
    node *n = &w.nodes[0];
    publisher_prints_lost(n->publisher, 20);
    tw_instrument entry = {.symbol = "NEW"};
    publisher_define(n->publisher, 0, &entry, &(publisher_stamp){.seq = 30});
    one_print(n, 0, 31, 1);
    publisher_flush(n->publisher, w.now_ns);
    EXPECT_U64(last_trades(n, "XNAS.NEW.trade").counted_from_seq, 20);
    publisher_start_epoch(n->publisher, "B");
    EXPECT_U64(publisher_counted_from(n->publisher), 0);
    define_all(n, 1);
    one_print(n, 0, 2, 1);
    publisher_flush(n->publisher, w.now_ns);
    EXPECT_U64(last_trades(n, "XNAS.S0.trade").counted_from_seq, 0);
    world_fini();
}

/* ---- one adoption ---- */

static wire_trades snapshot_of(const char *symbol, uint64_t seq, uint64_t volume, uint64_t count,
                               const tw_print *last) {
    wire_trades m = {.volume = volume, .prints_total = count, .prints = last, .print_count = count > 0};
    m.header.snapshot = true;
    m.header.seq = seq;
    tw_text_copy(m.header.symbol, sizeof m.header.symbol, symbol);
    tw_text_copy(m.header.epoch, sizeof m.header.epoch, "A");
    return m;
}

TEST(publisher_adopt, prints_up_to_the_snapshot_are_passed_and_later_ones_add_to_its_totals) {
    world_init(1, 1, 100);
    node *n = &w.nodes[1];
    publisher_prints_lost(n->publisher, 4);
    for (uint64_t seq = 4; seq <= 10; seq++)
        one_print(n, 0, seq, 1);
    tw_print eighth = {.seq = 8, .price = 10, .quantity = 1};
    wire_trades snapshot = snapshot_of("S0", 8, 1005, 8, &eighth);
    EXPECT_I64(publisher_adopt_trades(n->publisher, &snapshot, 3), PUBLISHER_ADOPTED);
    EXPECT(publisher_adopted_all(n->publisher));
    publisher_lead(n->publisher, 2, &(publisher_safe){.seq = 8, .tier_seq = 8});
    publisher_feed_update(n->publisher, &(publisher_feed){.state = TW_BOOK_OK, .seq = 10});
    drain(n);
    wire_trades m = last_trades(n, "XNAS.S0.trade");
    EXPECT_U64(m.header.seq, 10);
    EXPECT_U64(m.volume, 1007);
    EXPECT_U64(m.prints_total, 10);
    EXPECT_U64(m.counted_from_seq, 0);
    world_fini();
}

TEST(publisher_adopt, what_does_not_fit_is_not_taken_and_says_why) {
    static const struct {
        const char *says;
        uint64_t confirmed; /* prints up to here are passed already; all from 20 on were told here: 25 and 30 */
        uint64_t seq, covers;
        const char *symbol, *epoch;
        uint64_t counted_from; /* the leader's */
        publisher_adoption outcome;
    } rows[] = {
        {"a quiet instrument: nothing since 10, and all up to 19 is in it", 0, 10, 19, "S0", "A", 0,
         PUBLISHER_ADOPTED},
        {"nothing printed at all", 0, 0, 19, "S0", "A", 0, PUBLISHER_ADOPTED},
        {"its own seq covers what is missing", 0, 19, 0, "S0", "A", 0, PUBLISHER_ADOPTED},
        {"18 and 19 may be missing in it and here", 0, 10, 17, "S0", "A", 0, PUBLISHER_ADOPT_BEHIND},
        {"25 is passed here and not in it", 25, 22, 22, "S0", "A", 0, PUBLISHER_ADOPT_BEHIND},
        {"25 is passed here and in it", 25, 25, 25, "S0", "A", 0, PUBLISHER_ADOPTED},
        {"another epoch", 0, 25, 25, "S0", "B", 0, PUBLISHER_ADOPT_USELESS},
        {"the leader lacks prints, too", 0, 25, 25, "S0", "A", 12, PUBLISHER_ADOPT_USELESS},
        {"unknown here", 0, 25, 25, "S9", "A", 0, PUBLISHER_ADOPT_NEEDLESS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world_init(1, 1, 100);
        node *n = &w.nodes[1];
        publisher_prints_lost(n->publisher, 20);
        one_print(n, 0, 25, 1);
        one_print(n, 0, 30, 1);
        publisher_confirm(n->publisher, rows[i].confirmed);
        tw_print last = {.seq = rows[i].seq};
        wire_trades snapshot = snapshot_of(rows[i].symbol, rows[i].seq, 10, rows[i].seq > 0, &last);
        tw_text_copy(snapshot.header.epoch, sizeof snapshot.header.epoch, rows[i].epoch);
        snapshot.counted_from_seq = rows[i].counted_from;
        publisher_adoption outcome = publisher_adopt_trades(n->publisher, &snapshot, rows[i].covers);
        bool whole = publisher_adopted_all(n->publisher);
        EXPECT_MSG(outcome == rows[i].outcome && whole == (outcome == PUBLISHER_ADOPTED), "%s: %d, whole %d",
                   rows[i].says, (int)outcome, whole);
        world_fini();
    }
}

TEST(publisher_adopt, a_leader_takes_nobodys_totals_and_whole_ones_stay) {
    world_init(1, 1, 100);
    tw_print last = {.seq = 8};
    wire_trades snapshot = snapshot_of("S0", 8, 10, 1, &last);
    EXPECT_I64(publisher_adopt_trades(w.nodes[1].publisher, &snapshot, 8), PUBLISHER_ADOPT_NEEDLESS);
    publisher_prints_lost(w.nodes[0].publisher, 4);
    EXPECT_I64(publisher_adopt_trades(w.nodes[0].publisher, &snapshot, 8), PUBLISHER_ADOPT_USELESS);
    EXPECT_U64(publisher_counted_from(w.nodes[0].publisher), 4);
    world_fini();
}

/* ---- random days ---- */

/* The process was started anew, and a snapshot has brought its books: it knows all but the prints so far. */
static void come_back(node *n, uint64_t seq) {
    publisher_free(n->publisher);
    publisher_options options = {.exchange = "XNAS",
                                 .partition = 1,
                                 .term = 1,
                                 .follows = true,
                                 .leader = "one that came back",
                                 .max_instruments = n->instruments,
                                 .depth = DEPTH,
                                 .tier_100ms = true,
                                 .tier_1s = true,
                                 .max_prints = 4000,
                                 .max_requests = 4,
                                 .serve_bytes = 65536,
                                 .status_interval_ns = 50000000};
    publisher_sink sink = {.context = n, .emit = on_emit, .answer = on_emit, .ready = on_ready};
    EXPECT_I64(publisher_alloc(&n->publisher, &options, n->books, &sink, NULL), TW_OK);
    publisher_start_epoch(n->publisher, n->epoch);
    publisher_prints_lost(n->publisher, seq + 1);
    publisher_stamp stamp = {.seq = seq, .event_ns = (int64_t)seq, .receive_ns = (int64_t)seq};
    for (uint32_t i = 0; i < n->instruments; i++) {
        tw_instrument entry = {.price_exponent = -4};
        tw_text_format(entry.symbol, sizeof entry.symbol, "S%u", i);
        publisher_define(n->publisher, i, &entry, &stamp);
        if (n->facts.trading[i] != TW_TRADING_UNKNOWN)
            publisher_trading_state(n->publisher, i, n->facts.trading[i], "", &stamp);
        if (n->facts.state[i] != TW_BOOK_OK)
            publisher_book_state(n->publisher, i, n->facts.state[i], TW_CAUSE_CAPACITY, &stamp);
        tw_imbalance imbalance = {.paired_quantity = n->facts.paired[i]};
        if (n->facts.paired[i] != 0) publisher_imbalance(n->publisher, i, &imbalance, &stamp);
    }
}

/* Of the present leader's log: so many messages are known to have arrived everywhere. */
static size_t proved;

static heard hear_all(const node *leader, const node *standby) {
    proved = leader->log->count;
    return hear(leader->log, proved, standby->epoch);
}

/* Both go on, the standby a little behind; with `confirms` it hears the leader's heartbeats. */
static void go_on(node *leader, node *standby, uint64_t steps, bool confirms) {
    uint64_t until = leader->applied + steps;
    while (leader->applied < until) {
        run_to(leader, leader->applied + 1);
        uint64_t lag = tw_random_below(&w.random, 8);
        while (standby->applied + lag < leader->applied)
            run_step(standby);
        if (confirms && tw_random_chance(&w.random, 1, 4))
            publisher_confirm(standby->publisher, hear_all(leader, standby).safe.seq);
    }
}

/* One request; true if every total is whole then. The snapshots arrive a while after they were made. */
static bool adopt_once(node *leader, node *standby, bool confirms) {
    heard h = hear_all(leader, standby);
    if (h.safe.seq + 1 < publisher_counted_from(standby->publisher)) return false;
    publisher_request(leader->publisher, "snapshots.XNAS.trade", INBOX, NULL, 0, w.now_ns);
    go_on(leader, standby, tw_random_below(&w.random, 10), confirms);
    size_t from = leader->log->count;
    leader->allow = UINT32_MAX;
    while (publisher_serve(leader->publisher, w.now_ns)) {
    }
    proved = leader->log->count; /* the answer stands behind all that */
    go_on(leader, standby, tw_random_below(&w.random, 10), confirms);
    bool fits = true, last = false;
    for (size_t i = from; i < leader->log->count; i++) {
        const sent *one = &leader->log->messages[i];
        wire_snapshot_reply reply;
        if (strcmp(one->subject, INBOX) != 0) continue;
        EXPECT_I64(wire_snapshot_reply_decode(&w.arena, one->bytes, one->length, &reply), WIRE_OK);
        EXPECT_I64(reply.code, WIRE_REPLY_OK);
        for (uint32_t k = 0; k < reply.trades_count; k++) {
            publisher_adoption outcome = publisher_adopt_trades(standby->publisher, &reply.trades[k], h.safe.seq);
            EXPECT(outcome != PUBLISHER_ADOPT_USELESS);
            fits = fits && outcome != PUBLISHER_ADOPT_BEHIND;
        }
        last = last || reply.last;
    }
    EXPECT(last);
    bool whole = publisher_adopted_all(standby->publisher);
    EXPECT(whole == fits);
    return whole;
}

static void expect_receiver(sent_log *const *logs, const size_t *safe_counts, uint32_t terms, const node *last) {
    receiver *r = receiver_alloc();
    const sent_log *late = NULL;
    size_t late_from = 0;
    for (uint32_t t = 0; t < terms; t++) {
        size_t in_time = logs[t]->count;
        if (t + 1 < terms)
            in_time = safe_counts[t] + (size_t)tw_random_below(&w.random, logs[t]->count - safe_counts[t] + 1);
        size_t half = in_time / 2;
        take_range(r, logs[t], 0, half);
        if (late != NULL) take_range(r, late, late_from, late->count);
        take_range(r, logs[t], half, in_time);
        late = logs[t];
        late_from = in_time;
    }
    expect_state(r, last); /* the totals, too */
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        expect_events(&r->trades[i].list, &r->trades[i], &last->facts.prints[i], last->epoch, i);
        expect_events(&r->trades[i].delivered, &r->trades[i], &last->facts.prints[i], last->epoch, i);
        EXPECT_U64(r->trades[i].rule.counted_from_seq, 0);
    }
    receiver_free(r);
}

/* Takeovers by who came back late, in turns. Returns attempts that had to be repeated. */
static uint32_t late_takeovers(uint64_t seed, uint32_t terms) {
    sent_log *logs[8];
    size_t safe_counts[8];
    uint32_t repeated = 0;
    world_init(seed, SYMBOLS, 4000);
    for (uint32_t t = 0; t + 1 < terms; t++) {
        node *leader = &w.nodes[t % 2], *standby = &w.nodes[(t + 1) % 2];
        go_on(leader, standby, 150 + tw_random_below(&w.random, 150), true);
        while (standby->applied < leader->applied)
            apply_step(standby); /* what the snapshot brings */
        come_back(standby, standby->seq);
        go_on(leader, standby, 20 + tw_random_below(&w.random, 60), tw_random_chance(&w.random, 1, 2));
        while (!adopt_once(leader, standby, tw_random_chance(&w.random, 1, 2))) {
            go_on(leader, standby, 5, false);
            repeated++;
        }
        go_on(leader, standby, tw_random_below(&w.random, 100), true);
        while (standby->applied < leader->applied)
            run_step(standby);
        size_t unheard = (size_t)tw_random_below(&w.random, 30), count = leader->log->count;
        heard h = hear(leader->log, count - unheard > proved ? count - unheard : proved, standby->epoch);
        safe_counts[t] = h.status_at + 1 > proved ? h.status_at + 1 : proved;
        publisher_lead(standby->publisher, t + 2, &h.safe);
        run_to(leader, leader->applied + tw_random_below(&w.random, 20)); /* it does not know yet */
        publisher_follow(leader->publisher);
        logs[t] = leader->log;
        leader->log = log_alloc();
    }
    node *last = &w.nodes[(terms - 1) % 2];
    run_to(last, w.nodes[terms % 2].applied + 100);
    drain(last);
    logs[terms - 1] = last->log;
    for (uint32_t i = 0; i < RECEIVERS; i++)
        expect_receiver(logs, safe_counts, terms, last);
    for (uint32_t t = 0; t + 1 < terms; t++)
        log_free(logs[t]);
    world_fini();
    return repeated;
}

TEST(publisher_adopt, who_joined_late_leads_with_the_totals_of_the_whole_day) {
    uint32_t repeated = 0;
    for (uint64_t seed = 1; seed <= 60; seed++)
        repeated += late_takeovers(seed, 2);
    EXPECT(repeated > 0); /* some snapshots were behind what had been confirmed */
}

TEST(publisher_adopt, leaders_that_all_came_back_late_pass_on_whole_totals) {
    for (uint64_t seed = 101; seed <= 130; seed++)
        late_takeovers(seed, 5);
}
