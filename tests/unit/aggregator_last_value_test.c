/* Last values as tables: what is heard, and what a reader of Redis then sees and for how long. */
#include "base/random.h"
#include "base/text.h"
#include "publisher/aggregator/last_value.h"
#include "tests/unit.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)
#define EXPIRY (5 * SECOND)
#define NONE   TW_PRICE_ABSENT
#define DAY    "2020-01-30.S"

typedef struct fixture {
    last_values *values;
    uint32_t feed;
} fixture;

static void synced(fixture *f, uint64_t term, const char *epoch) {
    last_values_synced(f->values, "XNAS", term, epoch, LAST_QUOTE, 0);
    last_values_synced(f->values, "XNAS", term, epoch, LAST_TRADE, 0);
}

static void open_with(fixture *f, uint32_t max_symbols) {
    tw_error error;
    last_options options = {.max_symbols = max_symbols, .expiry_ns = EXPIRY};
    EXPECT(last_values_alloc(&f->values, &options, &error) == TW_OK);
    f->feed = last_values_feed(f->values, "XNAS", 1);
    EXPECT(last_values_lead(f->values, f->feed, 1, DAY));
    last_values_state(f->values, f->feed, TW_BOOK_OK, true, 0);
}

/* A feed that is OK, term 1, whose snapshots have come. */
static void open(fixture *f) {
    open_with(f, 64);
    synced(f, 1, DAY);
}

static wire_header header_of(const char *symbol, uint64_t term, const char *epoch, uint64_t seq) {
    wire_header header = {.exchange = "XNAS",
                          .partition = 1,
                          .term = term,
                          .seq = seq,
                          .price_exponent = -4,
                          .event_ns = (int64_t)seq * 10};
    tw_text_copy(header.symbol, sizeof header.symbol, symbol);
    tw_text_copy(header.epoch, sizeof header.epoch, epoch);
    return header;
}

static last_outcome quote_of(fixture *f, const char *symbol, uint64_t term, const char *epoch, uint64_t seq,
                             int64_t bid, int64_t ask, tw_book_state state, int64_t now_ns) {
    wire_quote quote = {.header = header_of(symbol, term, epoch, seq), .bid.price = bid, .ask.price = ask};
    quote.header.state = state;
    quote.bid.quantity = bid == NONE ? 0 : 100;
    quote.ask.quantity = ask == NONE ? 0 : 200;
    return last_values_quote(f->values, &quote, now_ns);
}

static last_outcome quote(fixture *f, uint64_t seq, int64_t bid, int64_t ask, int64_t now_ns) {
    return quote_of(f, "AAPL", 1, DAY, seq, bid, ask, TW_BOOK_OK, now_ns);
}

static last_outcome prints(fixture *f, uint64_t term, const tw_print *all, uint32_t count, int64_t now_ns) {
    wire_trades trades = {
        .header = header_of("AAPL", term, DAY, all[count - 1].seq), .prints = all, .print_count = count};
    return last_values_trades(f->values, &trades, now_ns);
}

static last_outcome print(fixture *f, uint64_t seq, int64_t price, uint64_t quantity, uint64_t match) {
    tw_print one = {.seq = seq, .price = price, .quantity = quantity, .match_id = match};
    return prints(f, 1, &one, 1, 0);
}

static last_outcome take_back(fixture *f, uint64_t seq, uint64_t match) {
    tw_print one = {.seq = seq, .kind = TW_PRINT_BREAK, .price = NONE, .match_id = match};
    return prints(f, 1, &one, 1, 0);
}

/* The next write as one line: "key ttl json [- removed fields]", or "nothing". */
static const char *written(fixture *f, int64_t now_ns) {
    static char line[2048];
    char json[LAST_JSON_BYTES];
    last_write write;
    if (!last_values_next(f->values, now_ns, &write)) return "nothing";
    last_row_json(&write.row, json, sizeof json);
    tw_text_format(line, sizeof line, "%s %lld %s", write.key, (long long)write.ttl_ms, json);
    return line;
}

static void expect_last(fixture *f, const char *last) {
    const char *line = written(f, 0);
    char part[64];
    if (last == NULL) {
        EXPECT_MSG(strstr(line, "\"last\"") == NULL, "there should be no last price: %s", line);
        return;
    }
    tw_text_format(part, sizeof part, "\"last\":\"%s\"", last);
    EXPECT_CONTAINS(line, part);
}

TEST(last_value, a_quote_and_a_print_become_one_row_of_exact_decimals) {
    fixture f;
    open(&f);
    EXPECT(quote(&f, 7, 1891200, 1891300, 0) == LAST_CHANGED);
    EXPECT(print(&f, 8, 1891250, 5, 1) == LAST_CHANGED);
    EXPECT_STR(written(&f, 0),
               "tw:last:XNAS:AAPL 5000 {\"bid\":\"189.1200\",\"bid_size\":\"100\",\"ask\":\"189.1300\","
               "\"ask_size\":\"200\",\"last\":\"189.1250\",\"last_size\":\"5\",\"seq\":\"8\",\"event_ns\":\"80\","
               "\"state\":\"OK\"}");
    EXPECT_STR(written(&f, 0), "nothing");
    last_values_free(f.values);
}

TEST(last_value, prices_are_written_as_they_are_however_odd) {
    static const struct {
        int64_t bid, ask;
        int32_t exponent;
        const char *expected;
    } rows[] = {
        {1, 2, -4, "\"bid\":\"0.0001\",\"bid_size\":\"100\",\"ask\":\"0.0002\",\"ask_size\":\"200\""},
        {-372500, 0, -4, "\"bid\":\"-37.2500\",\"bid_size\":\"100\",\"ask\":\"0.0000\",\"ask_size\":\"200\""},
        {NONE, 5, 0, "{\"ask\":\"5\",\"ask_size\":\"200\",\"seq\""},
        {NONE, NONE, 0, "{\"seq\":\"1\""},
        {9223372036854775807, NONE, -4, "\"bid\":\"922337203685477.5807\",\"bid_size\":\"100\",\"seq\""},
        {12, 13, 2, "\"bid\":\"1200\",\"bid_size\":\"100\",\"ask\":\"1300\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        open(&f);
        wire_quote q = {.header = header_of("AAPL", 1, DAY, 1), .bid.price = rows[i].bid, .ask.price = rows[i].ask};
        q.header.price_exponent = rows[i].exponent;
        q.bid.quantity = 100;
        q.ask.quantity = 200;
        last_values_quote(f.values, &q, 0);
        EXPECT_CONTAINS(written(&f, 0), rows[i].expected);
        last_values_free(f.values);
    }
}

TEST(last_value, a_side_that_went_away_is_removed_once) {
    fixture f;
    last_write write;
    open(&f);
    quote(&f, 1, 10, 20, 0);
    EXPECT(last_values_next(f.values, 0, &write)); /* the store may hold anything: what is absent is removed */
    EXPECT_U64(write.removed, 1u << LAST_LAST | 1u << LAST_LAST_SIZE);
    quote(&f, 2, NONE, 20, 0);
    EXPECT(last_values_next(f.values, 0, &write));
    EXPECT_U64(write.removed, 1u << LAST_BID | 1u << LAST_BID_SIZE);
    quote(&f, 3, NONE, 21, 0);
    EXPECT(last_values_next(f.values, 0, &write));
    EXPECT_U64(write.removed, 0);
    last_values_refused(f.values, write.entry, false); /* then nothing is known of the store again */
    quote(&f, 4, NONE, 22, 0);
    EXPECT(last_values_next(f.values, 0, &write));
    EXPECT_U64(write.removed, LAST_ALL_FIELDS & ~write.row.present);
    last_values_free(f.values);
}

TEST(last_value, what_changes_twice_before_it_leaves_is_written_once) {
    fixture f;
    open(&f);
    for (uint64_t seq = 1; seq <= 100; seq++)
        quote(&f, seq, (int64_t)seq, NONE, 3 * MS);
    EXPECT_U64(last_values_stats(f.values).merged, 99);
    EXPECT_U64(last_values_waiting(f.values), 1);
    EXPECT_I64(last_values_oldest_ns(f.values, 5 * MS), 2 * MS);
    EXPECT_CONTAINS(written(&f, 5 * MS), "\"seq\":\"100\"");
    EXPECT_STR(written(&f, 5 * MS), "nothing");
    last_values_free(f.values);
}

TEST(last_value, who_waits_longest_is_written_first) {
    fixture f;
    open(&f);
    quote_of(&f, "ZVZZT", 1, DAY, 1, 1, 2, TW_BOOK_OK, 0);
    quote_of(&f, "AAPL", 1, DAY, 2, 1, 2, TW_BOOK_OK, 1);
    quote_of(&f, "ZVZZT", 1, DAY, 3, 1, 3, TW_BOOK_OK, 2);
    EXPECT_CONTAINS(written(&f, 3), "tw:last:XNAS:ZVZZT");
    EXPECT_CONTAINS(written(&f, 3), "tw:last:XNAS:AAPL");
    last_values_free(f.values);
}

TEST(last_value, seen_messages_and_late_snapshots_change_nothing) {
    fixture f;
    open(&f);
    quote(&f, 9, 10, 20, 0);
    print(&f, 10, 15, 1, 1);
    written(&f, 0);
    EXPECT(quote(&f, 9, 10, 20, 0) == LAST_UNCHANGED);
    EXPECT(quote(&f, 5, 1, 2, 0) == LAST_UNCHANGED);
    EXPECT(print(&f, 10, 15, 1, 1) == LAST_UNCHANGED);
    EXPECT(print(&f, 3, 99, 1, 7) == LAST_UNCHANGED);
    EXPECT_STR(written(&f, 0), "nothing");
    last_values_free(f.values);
}

/* ---- the last valid print ---- */

TEST(last_value, a_break_brings_the_print_before_back) {
    fixture f;
    open(&f);
    print(&f, 1, 100000, 1, 11);
    print(&f, 2, 200000, 2, 12);
    print(&f, 3, 300000, 3, 13);
    take_back(&f, 4, 12); /* not the last one: nothing to see */
    expect_last(&f, "30.0000");
    take_back(&f, 5, 13);
    expect_last(&f, "10.0000");
    take_back(&f, 6, 77); /* never heard of */
    expect_last(&f, "10.0000");
    take_back(&f, 7, 11); /* no valid print is known: better none than a void one */
    expect_last(&f, NULL);
    print(&f, 8, 400000, 1, 14);
    expect_last(&f, "40.0000");
    EXPECT_U64(last_values_stats(f.values).breaks, 3);
    last_values_free(f.values);
}

TEST(last_value, prints_of_one_message_count_in_order_and_one_without_shares_does_not) {
    fixture f;
    open(&f);
    tw_print all[] = {{.seq = 5, .index = 0, .price = 10000, .quantity = 1, .match_id = 1},
                      {.seq = 5, .index = 1, .price = 20000, .quantity = 2, .match_id = 2},
                      {.seq = 6, .kind = TW_PRINT_CROSS, .price = 30000, .quantity = 0, .match_id = 3}};
    EXPECT(prints(&f, 1, all, 3, 0) == LAST_CHANGED);
    const char *line = written(&f, 0);
    EXPECT_CONTAINS(line, "\"last\":\"2.0000\",\"last_size\":\"2\"");
    EXPECT_CONTAINS(line, "\"seq\":\"6\"");
    last_values_free(f.values);
}

TEST(last_value, more_prints_than_are_kept_forget_the_oldest) {
    fixture f;
    open(&f);
    for (uint64_t i = 1; i <= LAST_PRINTS + 1; i++)
        print(&f, i, (int64_t)i * 10000, 1, i);
    for (uint64_t i = LAST_PRINTS + 1; i >= 3; i--)
        take_back(&f, 100 - i, i);
    expect_last(&f, "2.0000");
    take_back(&f, 200, 2);
    expect_last(&f, NULL); /* match 1 was valid, but nobody kept it */
    last_values_free(f.values);
}

/* ---- state and expiry ---- */

TEST(last_value, a_quiet_symbol_is_rearmed_while_its_feed_is_ok) {
    fixture f;
    uint32_t entry;
    open(&f);
    quote(&f, 1, 10, 20, 0);
    written(&f, 0);
    int64_t armed_ns = 0;
    uint32_t rearmed = 0;
    for (int64_t now_ns = 0; now_ns < 60 * SECOND; now_ns += 25 * MS) {
        const char *key = last_values_due(f.values, now_ns, &entry);
        if (key == NULL) continue;
        EXPECT_STR(key, "tw:last:XNAS:AAPL");
        EXPECT_MSG(now_ns - armed_ns < 4 * SECOND, "re-armed only after %lld ms",
                   (long long)((now_ns - armed_ns) / MS));
        armed_ns = now_ns;
        rearmed++;
    }
    EXPECT_MSG(rearmed >= 15 && rearmed <= 30, "re-armed %u times in a minute", rearmed);
    last_values_free(f.values);
}

TEST(last_value, no_key_of_many_is_ever_left_longer_than_the_expiry) {
    fixture f;
    uint32_t entry;
    open_with(&f, 5000);
    synced(&f, 1, DAY);
    int64_t armed_ns[5000] = {0};
    for (int i = 0; i < 5000; i++) {
        char symbol[16];
        tw_text_format(symbol, sizeof symbol, "S%d", i);
        quote_of(&f, symbol, 1, DAY, (uint64_t)i + 1, 1, 2, TW_BOOK_OK, 0);
    }
    while (strcmp(written(&f, 0), "nothing") != 0)
        continue;
    uint32_t most = 0;
    for (int64_t now_ns = 0; now_ns < 30 * SECOND; now_ns += 25 * MS) {
        uint32_t now = 0;
        while (last_values_due(f.values, now_ns, &entry) != NULL) {
            EXPECT_MSG(now_ns - armed_ns[entry] <= 4 * SECOND, "after %lld ms",
                       (long long)((now_ns - armed_ns[entry]) / MS));
            armed_ns[entry] = now_ns;
            now++;
        }
        if (now > most) most = now;
    }
    EXPECT_MSG(most <= 500, "%u at once: they should be spread", most);
    for (int i = 0; i < 5000; i++)
        EXPECT(armed_ns[i] > 25 * SECOND);
    last_values_free(f.values);
}

/* What a feed or an instrument goes through, and the row that is written one second after the last good one. */
TEST(last_value, only_what_is_good_keeps_its_expiry) {
    static const struct {
        const char *what;
        tw_book_state feed, own;
        bool told;
        const char *state;
        int64_t ttl_ms;
    } rows[] = {
        {"all is well", TW_BOOK_OK, TW_BOOK_OK, true, "OK", 5000},
        {"the session has ended, and is still told", TW_BOOK_CLOSED, TW_BOOK_OK, true, "CLOSED", 5000},
        {"the session has ended, nobody tells any more", TW_BOOK_CLOSED, TW_BOOK_OK, false, "CLOSED", 4000},
        {"a gap is waited for", TW_BOOK_RECOVERING, TW_BOOK_OK, true, "RECOVERING", 4000},
        {"the feed is stale", TW_BOOK_STALE, TW_BOOK_OK, true, "STALE", 4000},
        {"the feed is silent", TW_BOOK_STALE, TW_BOOK_OK, false, "STALE", 4000},
        {"only this book is given up", TW_BOOK_OK, TW_BOOK_STALE, true, "STALE", 4000},
        {"the worse of the two counts", TW_BOOK_STALE, TW_BOOK_RECOVERING, true, "STALE", 4000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        char expected[64];
        open(&f);
        quote(&f, 1, 10, 20, 0);
        written(&f, 0);
        last_values_state(f.values, f.feed, rows[i].feed, rows[i].told, SECOND);
        quote_of(&f, "AAPL", 1, DAY, 2, 11, 20, rows[i].own, SECOND);
        const char *line = written(&f, SECOND);
        tw_text_format(expected, sizeof expected, "AAPL %lld {", (long long)rows[i].ttl_ms);
        EXPECT_MSG(strstr(line, expected) != NULL, "%s: %s, expected %s", rows[i].what, line, expected);
        tw_text_format(expected, sizeof expected, "\"state\":\"%s\"}", rows[i].state);
        EXPECT_MSG(strstr(line, expected) != NULL, "%s: %s, expected %s", rows[i].what, line, expected);
        last_values_free(f.values);
    }
}

TEST(last_value, a_stale_value_is_marked_at_once_runs_out_and_is_never_written_after_that) {
    fixture f;
    uint32_t entry;
    open(&f);
    quote(&f, 1, 10, 20, 0);
    written(&f, 0);
    last_values_state(f.values, f.feed, TW_BOOK_STALE, true, 2 * SECOND);
    EXPECT_CONTAINS(written(&f, 2 * SECOND), "AAPL 3000 {");
    for (int64_t now_ns = 2 * SECOND; now_ns < 20 * SECOND; now_ns += 25 * MS)
        EXPECT(last_values_due(f.values, now_ns, &entry) == NULL);
    quote(&f, 2, 11, 20, 6 * SECOND);
    EXPECT_STR(written(&f, 6 * SECOND), "nothing");
    last_values_state(f.values, f.feed, TW_BOOK_OK, true, 7 * SECOND);
    EXPECT_CONTAINS(written(&f, 7 * SECOND), "AAPL 5000 {\"bid\":\"0.0011\"");
    last_values_free(f.values);
}

TEST(last_value, a_value_that_changed_after_it_had_run_out_is_written_when_it_is_good_again) {
    fixture f;
    uint32_t entry;
    open(&f);
    last_values_state(f.values, f.feed, TW_BOOK_CLOSED, true, 0);
    quote(&f, 1, 10, 20, 0);
    written(&f, 0);
    last_values_state(f.values, f.feed, TW_BOOK_CLOSED, false, SECOND);
    quote(&f, 2, 11, 20, 7 * SECOND);
    EXPECT_STR(written(&f, 7 * SECOND), "nothing");
    last_values_state(f.values, f.feed, TW_BOOK_CLOSED, true, 8 * SECOND);
    EXPECT(last_values_due(f.values, 8 * SECOND, &entry) == NULL); /* there is nothing to re-arm */
    EXPECT_CONTAINS(written(&f, 8 * SECOND), "AAPL 5000 {\"bid\":\"0.0011\"");
    last_values_free(f.values);
}

TEST(last_value, a_feed_that_was_never_good_is_not_written) {
    fixture f;
    open(&f);
    last_values_state(f.values, f.feed, TW_BOOK_RECOVERING, true, 0);
    quote(&f, 1, 10, 20, 0);
    EXPECT_STR(written(&f, 0), "nothing");
    last_values_free(f.values);
}

TEST(last_value, a_key_that_is_gone_is_written_again) {
    fixture f;
    uint32_t entry = 0;
    open(&f);
    quote(&f, 1, 10, 20, 0);
    written(&f, 0);
    while (last_values_due(f.values, 3 * SECOND, &entry) == NULL)
        continue;
    last_values_gone(f.values, entry, 3 * SECOND);
    EXPECT_CONTAINS(written(&f, 3 * SECOND), "AAPL 5000 {\"bid\":\"0.0010\"");
    last_values_free(f.values);
}

TEST(last_value, a_refused_row_is_tried_again_but_not_in_a_storm) {
    fixture f;
    uint32_t entry = 0, tries = 0;
    open(&f);
    quote(&f, 1, 10, 20, 0);
    for (int64_t now_ns = 0; now_ns < 20 * SECOND; now_ns += 25 * MS) {
        last_write write;
        EXPECT(last_values_due(f.values, now_ns, &entry) == NULL); /* what is not there is not re-armed */
        if (!last_values_next(f.values, now_ns, &write)) continue;
        tries++;
        last_values_refused(f.values, write.entry, false);
    }
    EXPECT_MSG(tries >= 5 && tries <= 11, "%u tries in 20 s", tries);
    last_values_free(f.values);
}

TEST(last_value, an_empty_store_gets_all_that_is_good) {
    fixture f;
    open(&f);
    quote_of(&f, "GOOD", 1, DAY, 1, 1, 2, TW_BOOK_OK, 0);
    quote_of(&f, "BAD", 1, DAY, 2, 1, 2, TW_BOOK_OK, 0);
    quote_of(&f, "EMPTY", 1, DAY, 0, NONE, NONE, TW_BOOK_OK, 0);
    written(&f, 0);
    written(&f, 0);
    quote_of(&f, "BAD", 1, DAY, 3, 1, 2, TW_BOOK_STALE, SECOND);
    written(&f, SECOND);
    last_values_rewrite(f.values, 2 * SECOND);
    EXPECT_CONTAINS(written(&f, 2 * SECOND), "GOOD 5000");
    EXPECT_STR(written(&f, 2 * SECOND), "nothing");
    last_values_free(f.values);
}

/* ---- leaders, sessions, doubt ---- */

TEST(last_value, messages_of_deposed_leaders_and_left_sessions_are_dropped) {
    static const struct {
        uint64_t term;
        const char *epoch;
        last_outcome expected;
    } rows[] = {
        {2, DAY, LAST_CHANGED},
        {1, DAY, LAST_OLD},            /* a takeover */
        {1, "2020-01-31.S", LAST_OLD}, /* whatever it says */
        {2, "2020-01-31.S", LAST_CHANGED},
        {2, DAY, LAST_OLD},     /* the next day: yesterday comes late */
        {3, DAY, LAST_CHANGED}, /* a higher term is believed */
    };
    fixture f;
    open(&f);
    quote(&f, 50, 10, 20, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        last_outcome outcome =
            quote_of(&f, "AAPL", rows[i].term, rows[i].epoch, 1 + i, 10 + (int64_t)i, 20, TW_BOOK_OK, 0);
        EXPECT_MSG(outcome == rows[i].expected, "row %zu is %d, expected %d", i, outcome, rows[i].expected);
    }
    EXPECT_U64(last_values_stats(f.values).old, 3);
    EXPECT(!last_values_lead(f.values, f.feed, 3, "")); /* a status from before the session, read late */
    EXPECT(last_values_lead(f.values, f.feed, 4, ""));  /* one of a leader that has just started */
    EXPECT(last_values_lead(f.values, f.feed, 4, DAY));
    last_values_free(f.values);
}

TEST(last_value, a_new_leader_is_trusted_symbol_by_symbol_as_he_tells) {
    fixture f;
    uint32_t entry;
    open(&f);
    quote(&f, 10, 10, 20, 0);
    print(&f, 9, 15, 1, 1);
    written(&f, 0);
    EXPECT(!last_values_wants(f.values, "XNAS", LAST_QUOTE));
    EXPECT(last_values_lead(f.values, f.feed, 2, DAY));
    EXPECT(last_values_wants(f.values, "XNAS", LAST_QUOTE) && last_values_wants(f.values, "XNAS", LAST_TRADE));
    EXPECT_STR(written(&f, SECOND), "nothing"); /* no flicker by the takeover itself */
    for (int64_t now_ns = SECOND; now_ns < 4 * SECOND; now_ns += 25 * MS)
        EXPECT(last_values_due(f.values, now_ns, &entry) == NULL); /* but nothing vouches for it either */
    EXPECT(quote_of(&f, "AAPL", 2, DAY, 10, 10, 20, TW_BOOK_OK, 4 * SECOND) == LAST_CHANGED);
    EXPECT_CONTAINS(written(&f, 4 * SECOND), "AAPL 1000 {");
    tw_print same = {.seq = 9, .price = 15, .quantity = 1, .match_id = 1};
    EXPECT(prints(&f, 2, &same, 1, 4 * SECOND) == LAST_CHANGED);
    const char *line = written(&f, 4 * SECOND);
    EXPECT_CONTAINS(line, "AAPL 5000 {");
    EXPECT_CONTAINS(line, "\"state\":\"OK\"");
    synced(&f, 2, DAY);
    EXPECT(!last_values_wants(f.values, "XNAS", LAST_QUOTE));
    last_values_free(f.values);
}

TEST(last_value, a_new_session_starts_without_yesterdays_prices) {
    fixture f;
    open(&f);
    quote(&f, 10, 10, 20, 0);
    print(&f, 11, 15, 1, 1);
    written(&f, 0);
    quote_of(&f, "AAPL", 1, "2020-01-31.S", 1, NONE, 30, TW_BOOK_OK, SECOND);
    EXPECT_STR(written(&f, SECOND), "tw:last:XNAS:AAPL 4000 {\"ask\":\"0.0030\",\"ask_size\":\"200\",\"seq\":\"1\","
                                    "\"event_ns\":\"10\",\"state\":\"RECOVERING\"}");
    synced(&f, 1, "2020-01-31.S"); /* among all the snapshots none told of a trade today */
    const char *line = written(&f, SECOND);
    EXPECT_CONTAINS(line, "{\"ask\":\"0.0030\",\"ask_size\":\"200\",\"seq\":\"1\"");
    EXPECT_CONTAINS(line, "\"state\":\"OK\"");
    last_values_free(f.values);
}

TEST(last_value, what_is_told_first_after_all_snapshots_of_a_session_was_known_the_day_before) {
    fixture f;
    open(&f);
    quote(&f, 10, 10, 20, 0);
    print(&f, 11, 15, 1, 1);
    written(&f, 0);
    EXPECT(last_values_lead(f.values, f.feed, 2, "2020-01-31.S"));
    synced(&f, 2, "2020-01-31.S"); /* it was not listed yet */
    quote_of(&f, "AAPL", 2, "2020-01-31.S", 1, NONE, 30, TW_BOOK_OK, SECOND);
    const char *line = written(&f, SECOND);
    EXPECT_CONTAINS(line, "{\"ask\":\"0.0030\",\"ask_size\":\"200\",\"seq\":\"1\"");
    EXPECT_CONTAINS(line, "\"state\":\"OK\"");
    last_values_free(f.values);
}

TEST(last_value, after_a_loss_kept_prints_do_not_come_back_by_a_break) {
    fixture f;
    open(&f);
    print(&f, 1, 100000, 1, 11);
    last_values_doubt(f.values); /* match 11 may have been broken meanwhile */
    print(&f, 5, 200000, 1, 12);
    quote(&f, 6, 10, 20, 0);
    take_back(&f, 7, 12);
    expect_last(&f, NULL);
    last_values_free(f.values);
}

TEST(last_value, a_doubt_with_nothing_lost_keeps_the_prints) {
    fixture f;
    open(&f);
    print(&f, 1, 100000, 1, 11);
    print(&f, 2, 200000, 1, 12);
    last_values_doubt(f.values);
    print(&f, 2, 200000, 1, 12); /* the snapshot: still the last */
    quote(&f, 6, 10, 20, 0);
    take_back(&f, 7, 12);
    expect_last(&f, "10.0000");
    last_values_free(f.values);
}

TEST(last_value, a_newcomer_waits_for_both_snapshots_before_it_is_shown) {
    fixture f;
    open_with(&f, 64);
    quote(&f, 1, 10, 20, 0);
    EXPECT_STR(written(&f, 0), "nothing");
    print(&f, 2, 15, 1, 1);
    EXPECT_CONTAINS(written(&f, 0), "AAPL 5000");
    synced(&f, 1, DAY);
    quote_of(&f, "NEW", 1, DAY, 3, 10, 20, TW_BOOK_OK, 0); /* no snapshot told of it: it has no trade */
    EXPECT_CONTAINS(written(&f, 0), "NEW 5000");
    last_values_free(f.values);
}

/* AAPL with a quote and a print, written at 0. */
static void open_written(fixture *f) {
    open(f);
    quote(f, 10, 10, 20, 0);
    print(f, 9, 15, 1, 1);
    EXPECT_CONTAINS(written(f, 0), "AAPL 5000");
}

TEST(last_value, a_leader_who_goes_on_from_nobody_marks_what_he_has_not_told_until_it_runs_out) {
    fixture f;
    uint32_t entry;
    open_written(&f);
    EXPECT(last_values_lead(f.values, f.feed, 2, DAY));
    last_values_broke(f.values, f.feed, SECOND);
    const char *line = written(&f, SECOND);
    EXPECT_CONTAINS(line, "AAPL 4000 {\"bid\":\"0.0010\"");
    EXPECT_CONTAINS(line, "\"state\":\"RECOVERING\"");
    last_values_broke(f.values, f.feed, 2 * SECOND);
    EXPECT_STR(written(&f, 2 * SECOND), "nothing"); /* it says so already */
    for (int64_t now_ns = 2 * SECOND; now_ns < 7 * SECOND; now_ns += 25 * MS)
        EXPECT(last_values_due(f.values, now_ns, &entry) == NULL);
    last_values_broke(f.values, f.feed, 7 * SECOND);
    EXPECT_STR(written(&f, 7 * SECOND), "nothing");
    last_values_free(f.values);
}

TEST(last_value, what_the_new_leader_told_before_his_status_is_not_marked) {
    fixture f;
    tw_print same = {.seq = 9, .price = 15, .quantity = 1, .match_id = 1};
    open_written(&f);
    quote_of(&f, "AAPL", 2, DAY, 10, 10, 20, TW_BOOK_OK, SECOND);
    prints(&f, 2, &same, 1, SECOND);
    EXPECT_CONTAINS(written(&f, SECOND), "\"state\":\"OK\"");
    last_values_broke(f.values, f.feed, SECOND);
    EXPECT_STR(written(&f, SECOND), "nothing");
    last_values_free(f.values);
}

TEST(last_value, another_session_takes_the_prices_out_of_the_row_at_once) {
    for (int started_before = 0; started_before < 2; started_before++) {
        fixture f;
        last_write write;
        open_written(&f);
        if (started_before) EXPECT(last_values_lead(f.values, f.feed, 2, ""));
        EXPECT(last_values_lead(f.values, f.feed, 2, "2020-01-31.S"));
        last_values_broke(f.values, f.feed, SECOND);
        EXPECT(last_values_next(f.values, SECOND, &write));
        EXPECT_I64(write.ttl_ms, 4000);
        EXPECT_U64(write.row.present, 1u << LAST_SEQ | 1u << LAST_STATE);
        EXPECT_U64(write.removed, LAST_ALL_FIELDS & ~write.row.present);
        EXPECT_STR(write.row.text[LAST_SEQ], "0");
        EXPECT_STR(write.row.text[LAST_STATE], "RECOVERING");
        EXPECT_STR(written(&f, SECOND), "nothing");
        last_values_free(f.values);
    }
}

TEST(last_value, a_leader_that_knows_no_session_yet_leaves_the_prices_marked) {
    fixture f;
    open_written(&f);
    EXPECT(last_values_lead(f.values, f.feed, 2, ""));
    last_values_broke(f.values, f.feed, SECOND);
    const char *line = written(&f, SECOND);
    EXPECT_CONTAINS(line, "AAPL 4000 {\"bid\":\"0.0010\"");
    EXPECT_CONTAINS(line, "\"state\":\"RECOVERING\"");
    EXPECT(last_values_lead(f.values, f.feed, 2, DAY)); /* it was the same one */
    last_values_broke(f.values, f.feed, SECOND);
    EXPECT_STR(written(&f, SECOND), "nothing");
    EXPECT(quote_of(&f, "AAPL", 2, DAY, 10, 10, 20, TW_BOOK_OK, SECOND) == LAST_CHANGED);
    EXPECT_CONTAINS(written(&f, SECOND), "\"last\":\"0.0015\"");
    last_values_free(f.values);
}

TEST(last_value, a_session_that_has_run_out_is_not_written_anew_by_the_next) {
    fixture f;
    open_written(&f);
    last_values_state(f.values, f.feed, TW_BOOK_STALE, false, SECOND);
    written(&f, SECOND);
    EXPECT(last_values_lead(f.values, f.feed, 2, "2020-01-31.S"));
    last_values_broke(f.values, f.feed, 6 * SECOND);
    last_values_state(f.values, f.feed, TW_BOOK_OK, true, 6 * SECOND);
    EXPECT_STR(written(&f, 6 * SECOND), "nothing");
    last_values_free(f.values);
}

TEST(last_value, an_empty_quote_and_no_prints_settle_what_was_in_doubt) {
    fixture f;
    uint32_t entry;
    tw_print same = {.seq = 9, .price = 15, .quantity = 1, .match_id = 1};
    wire_trades none = {.header = header_of("AAPL", 3, DAY, 0)};
    open_written(&f);
    EXPECT(last_values_lead(f.values, f.feed, 2, DAY));
    last_values_broke(f.values, f.feed, SECOND);
    prints(&f, 2, &same, 1, SECOND);
    written(&f, SECOND);
    synced(&f, 2, DAY);
    EXPECT(last_values_doubts(f.values, "XNAS", LAST_QUOTE) && !last_values_doubts(f.values, "XNAS", LAST_TRADE));
    wire_quote empty = {.header = header_of("AAPL", 2, DAY, 0), .bid.price = NONE, .ask.price = NONE};
    empty.header.event_ns = none.header.event_ns = TW_TIME_ABSENT;
    empty.header.price_exponent = 0; /* it tells no numbers: the print keeps its scale */
    EXPECT(last_values_quote(f.values, &empty, 2 * SECOND) == LAST_CHANGED);
    EXPECT(!last_values_doubts(f.values, "XNAS", LAST_QUOTE));
    EXPECT_STR(written(&f, 2 * SECOND), "tw:last:XNAS:AAPL 5000 {\"last\":\"0.0015\",\"last_size\":\"1\","
                                        "\"seq\":\"9\",\"event_ns\":\"90\",\"state\":\"OK\"}");
    EXPECT(last_values_lead(f.values, f.feed, 3, DAY)); /* of whom the print is not, either */
    empty.header.term = 3;
    last_values_quote(f.values, &empty, 3 * SECOND);
    EXPECT(last_values_trades(f.values, &none, 3 * SECOND) == LAST_CHANGED);
    EXPECT_STR(written(&f, 3 * SECOND), "tw:last:XNAS:AAPL 4000 {\"seq\":\"0\",\"state\":\"OK\"}");
    synced(&f, 3, DAY);
    for (int64_t now_ns = 3 * SECOND; now_ns < 12 * SECOND; now_ns += 25 * MS)
        EXPECT(last_values_due(f.values, now_ns, &entry) == NULL);
    EXPECT_U64(last_values_stats(f.values).forgotten, 1);
    last_values_free(f.values);
}

/* When it is time to ask again, in seconds: "1 3 7 "; asked four times a second. */
static const char *asked_again(fixture *f, int64_t from_ns, int64_t to_ns) {
    static char text[128];
    size_t used = 0;
    text[0] = '\0';
    for (int64_t now_ns = from_ns; now_ns < to_ns && used < sizeof text - 24; now_ns += SECOND / 4)
        if (last_values_again(f->values, "XNAS", LAST_QUOTE, now_ns))
            used += (size_t)snprintf(text + used, sizeof text - used, "%lld ", (long long)(now_ns / SECOND));
    return text;
}

TEST(last_value, what_an_answer_did_not_tell_of_is_asked_for_again_ever_more_rarely) {
    fixture f;
    open_written(&f);
    EXPECT(last_values_lead(f.values, f.feed, 2, DAY));
    EXPECT(last_values_doubts(f.values, "XNAS", LAST_QUOTE) && last_values_doubts(f.values, "XNAS", LAST_TRADE));
    EXPECT(!last_values_doubts(f.values, "XBOS", LAST_QUOTE));
    EXPECT_STR(asked_again(&f, 0, 100 * SECOND), ""); /* the first answer is still waited for */
    synced(&f, 2, DAY);
    EXPECT_STR(asked_again(&f, 0, 260 * SECOND), "1 3 7 15 31 63 127 191 255 ");
    synced(&f, 2, DAY); /* the answer to that: no reason to be quicker */
    EXPECT_STR(asked_again(&f, 260 * SECOND, 330 * SECOND), "319 ");
    last_values_doubt(f.values);
    last_values_synced(f.values, "XNAS", 2, DAY, LAST_QUOTE, 400 * SECOND);
    EXPECT_STR(asked_again(&f, 400 * SECOND, 410 * SECOND), "401 403 407 ");
    last_values_state(f.values, f.feed, TW_BOOK_STALE, false, 500 * SECOND);
    EXPECT_STR(asked_again(&f, 500 * SECOND, 600 * SECOND), ""); /* nobody is there to answer */
    EXPECT(!last_values_doubts(f.values, "XNAS", LAST_QUOTE));
    last_values_free(f.values);
}

/* ---- bounds ---- */

TEST(last_value, a_full_table_refuses_newcomers_until_someone_runs_out) {
    fixture f;
    uint32_t entry;
    open_with(&f, 2);
    synced(&f, 1, DAY);
    EXPECT(quote_of(&f, "A", 1, DAY, 1, 1, 2, TW_BOOK_OK, 0) == LAST_CHANGED);
    EXPECT(quote_of(&f, "B", 1, DAY, 2, 1, 2, TW_BOOK_OK, 0) == LAST_CHANGED);
    EXPECT(quote_of(&f, "C", 1, DAY, 3, 1, 2, TW_BOOK_OK, 0) == LAST_FULL);
    EXPECT_U64(last_values_stats(f.values).refused, 1);
    written(&f, 0);
    written(&f, 0);
    EXPECT(last_values_lead(f.values, f.feed, 1, "2020-01-31.S"));
    quote_of(&f, "B", 1, "2020-01-31.S", 1, 1, 2, TW_BOOK_OK, SECOND);
    written(&f, SECOND);
    synced(&f, 1, "2020-01-31.S"); /* A is not listed any more */
    for (int64_t now_ns = SECOND; now_ns < 12 * SECOND; now_ns += 25 * MS)
        last_values_due(f.values, now_ns, &entry);
    EXPECT(quote_of(&f, "C", 1, "2020-01-31.S", 2, 1, 2, TW_BOOK_OK, 12 * SECOND) == LAST_CHANGED);
    EXPECT(last_values_stats(f.values).forgotten >= 1);
    last_values_free(f.values);
}

/* A naive model: what a reader of a store that expires keys sees, against what was last told. */
typedef struct model {
    bool present;
    int64_t bid, until_ns;
    char state[16];
} model;

TEST(last_value, whatever_happens_a_reader_sees_the_newest_good_value_or_a_marked_one_or_none) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        fixture f;
        tw_random random;
        model store[8] = {0};
        int64_t told[8] = {0};
        uint32_t entry;
        uint64_t seq = 1;
        tw_book_state state = TW_BOOK_OK;
        int64_t stale_ns = 0;
        open(&f);
        tw_random_seed(&random, seed);
        for (int64_t now_ns = MS; now_ns < 60 * SECOND; now_ns += 10 * MS) {
            if (tw_random_chance(&random, 1, 10)) {
                uint64_t i = tw_random_below(&random, 8);
                char symbol[2] = {(char)('A' + i), '\0'};
                told[i] = (int64_t)++seq;
                quote_of(&f, symbol, 1, DAY, seq, told[i], NONE, TW_BOOK_OK, now_ns);
            }
            if (tw_random_chance(&random, 1, 300)) {
                state = state == TW_BOOK_OK ? TW_BOOK_STALE : TW_BOOK_OK;
                if (state == TW_BOOK_STALE) stale_ns = now_ns;
                last_values_state(f.values, f.feed, state, true, now_ns);
            }
            last_write write;
            const char *key;
            while ((key = last_values_due(f.values, now_ns, &entry)) != NULL) {
                model *m = &store[key[strlen(key) - 1] - 'A'];
                if (!m->present || m->until_ns < now_ns)
                    last_values_gone(f.values, entry, now_ns);
                else
                    m->until_ns = now_ns + EXPIRY;
            }
            while (last_values_next(f.values, now_ns, &write)) {
                model *m = &store[write.key[strlen(write.key) - 1] - 'A'];
                m->present = tw_decimal_parse(write.row.text[LAST_BID], -4, &m->bid);
                m->until_ns = now_ns + write.ttl_ms * MS;
                tw_text_copy(m->state, sizeof m->state, write.row.text[LAST_STATE]);
            }
            for (int i = 0; i < 8; i++) {
                bool seen = store[i].present && store[i].until_ns >= now_ns;
                if (state == TW_BOOK_OK && told[i] != 0)
                    EXPECT_MSG(seen && store[i].bid == told[i] && strcmp(store[i].state, "OK") == 0,
                               "seed %" PRIu64 ": at %lld ms %c should show %lld", seed, (long long)(now_ns / MS),
                               'A' + i, (long long)told[i]);
                if (state == TW_BOOK_STALE && seen)
                    EXPECT_MSG(strcmp(store[i].state, "STALE") == 0 && now_ns - stale_ns <= EXPIRY + MS,
                               "seed %" PRIu64 ": at %lld ms %c shows a stale price", seed,
                               (long long)(now_ns / MS), 'A' + i);
            }
        }
        last_values_free(f.values);
    }
}
