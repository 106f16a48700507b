/* Candles of a market: days as a trader would write them down, and random ones against a model that keeps every print. */
#include "publisher/aggregator/candles.h"

#include "base/random.h"
#include "base/text.h"
#include "tests/unit.h"

#define MS      INT64_C(1000000)
#define SECOND  (1000 * MS)
#define NOON_NS INT64_C(1580403600000000000) /* 2020-01-30, 12:00 in New York, 17:00 UTC */
#define NY_NS   (5 * 3600 * SECOND)

/* ---- zones: winter in New York for XNAS, UTC else ---- */

static int32_t offset_at(void *context, const char *mic, int64_t instant_ns) {
    (void)context, (void)instant_ns;
    return strcmp(mic, "XNAS") == 0 ? -5 * 3600 : 0;
}

static bool midnight(void *context, const char *mic, tw_date date, int64_t *midnight_ns) {
    if (!tw_date_midnight(date, midnight_ns)) return false;
    *midnight_ns -= (int64_t)offset_at(context, mic, 0) * SECOND;
    return true;
}

static candles *make(candles_options options) {
    candles *made;
    tw_error error = {0};
    if (options.max_instruments == 0) options.max_instruments = 64;
    if (options.max_candles == 0) options.max_candles = 10000;
    if (options.history == 0) options.history = 500;
    if (options.kept_prints == 0) options.kept_prints = 10000;
    if (options.grace_ns == 0) options.grace_ns = SECOND;
    options.zones = (candles_zones){.offset_at = offset_at, .midnight = midnight};
    EXPECT(candles_alloc(&made, &options, &error) == TW_OK);
    return made;
}

/* ---- a feed ---- */

typedef struct tape {
    candles *candles;
    const char *mic, *symbol, *epoch;
    uint64_t term, seq, last_seq, total, volume;
    int64_t now_ns;
    int32_t price_exponent;
} tape;

static wire_header header_of(const tape *t) {
    wire_header h = {.partition = 1,
                     .term = t->term,
                     .prev_seq = t->last_seq,
                     .seq = t->seq,
                     .price_exponent = t->price_exponent,
                     .event_ns = TW_TIME_ABSENT,
                     .receive_ns = TW_TIME_ABSENT,
                     .publish_ns = TW_TIME_ABSENT};
    tw_text_copy(h.exchange, sizeof h.exchange, t->mic);
    tw_text_copy(h.symbol, sizeof h.symbol, t->symbol);
    tw_text_copy(h.epoch, sizeof h.epoch, t->epoch);
    return h;
}

static tape tape_of(candles *of, const char *mic, const char *symbol) {
    return (tape){
        .candles = of, .mic = mic, .symbol = symbol, .epoch = "2020-01-30.1", .term = 7, .price_exponent = -4};
}

static bool say(tape *t, const tw_print *print) {
    wire_trades m = {.print_count = 1, .prints = print};
    m.header = header_of(t);
    t->total += print->kind != TW_PRINT_BREAK;
    m.prints_total = t->total;
    t->last_seq = t->seq;
    return candles_trades(t->candles, &m, t->now_ns);
}

static tw_print print_of(tape *t, int64_t event_ns, int64_t price, uint64_t quantity) {
    t->seq += 3;
    return (tw_print){
        .seq = t->seq, .price = price, .quantity = quantity, .match_id = t->seq, .event_ns = event_ns};
}

/* Returns its match id. */
static uint64_t trade(tape *t, int64_t event_ns, int64_t price, uint64_t quantity) {
    tw_print print = print_of(t, event_ns, price, quantity);
    say(t, &print);
    return print.match_id;
}

static void break_it(tape *t, int64_t event_ns, uint64_t match_id) {
    tw_print print = print_of(t, event_ns, TW_PRICE_ABSENT, 0);
    print.kind = TW_PRINT_BREAK;
    print.match_id = match_id;
    say(t, &print);
}

static void status_at(tape *t, int64_t event_ns, int64_t publish_ns, tw_book_state state, tw_state_cause cause) {
    wire_feed_status status = {.partition = 1,
                               .term = t->term,
                               .seq = t->seq,
                               .state = state,
                               .cause = cause,
                               .event_ns = event_ns,
                               .receive_ns = TW_TIME_ABSENT,
                               .publish_ns = publish_ns};
    tw_text_copy(status.exchange, sizeof status.exchange, t->mic);
    tw_text_copy(status.epoch, sizeof status.epoch, t->epoch);
    candles_status(t->candles, &status, t->now_ns);
    candles_feed_live(t->candles, t->mic, 1, state == TW_BOOK_OK);
}

/* The exchange's time is this now, and the feed is well. */
static void status(tape *t, int64_t event_ns) {
    status_at(t, event_ns, event_ns, TW_BOOK_OK, TW_CAUSE_NONE);
}

/* ---- what came of it ---- */

/* "12:00:00 1m 100 130 90 110 v15 a105.2 n4 final" */
static void text_of(const wire_candle *m, char *text, size_t capacity) {
    char when[TW_INSTANT_BYTES], prices[5][TW_DECIMAL_BYTES];
    const int64_t values[5] = {m->open, m->high, m->low, m->close, m->vwap};
    uint32_t index = 0;
    EXPECT(subject_candle_index(m->interval_ms, &index));
    tw_instant_format(when, m->start_ns - NY_NS);
    for (int i = 0; i < 5; i++)
        tw_decimal_format(prices[i], sizeof prices[i], values[i], 0);
    tw_text_format(text, capacity, "%.8s %s%s %s %s %s %s v%" PRIu64 " a%s n%" PRIu64 "%s%s", when + 11,
                   m->header.exchange[0] == '\0' ? "agg " : "", subject_candle_name(index), prices[0], prices[1],
                   prices[2], prices[3], m->volume, prices[4], m->count, m->final ? " final" : "",
                   m->incomplete ? " incomplete" : "");
}

/* All that is due, of one interval and exchange or over all ("agg"), joined by " | ". */
static const char *due(candles *of, int64_t now_ns, const char *mic, uint32_t interval) {
    static char text[4096];
    size_t used = 0;
    wire_candle m;
    text[0] = '\0';
    while (candles_next(of, now_ns, &m)) {
        bool wanted = m.interval_ms == subject_candle_ms(interval) &&
                      strcmp(m.header.exchange, strcmp(mic, "agg") == 0 ? "" : mic) == 0;
        if (!wanted) continue;
        if (used > 0) used += (size_t)snprintf(text + used, sizeof text - used, " | ");
        text_of(&m, text + used, sizeof text - used);
        used += strlen(text + used);
    }
    return text;
}

static const char *history(candles *of, const char *mic, const char *symbol, uint32_t interval) {
    static char text[8192];
    static wire_candle found[WIRE_MAX_CANDLES];
    uint32_t count;
    bool more;
    size_t used = 0;
    text[0] = '\0';
    EXPECT(candles_history(of, mic, symbol, interval, TW_TIME_ABSENT, WIRE_MAX_CANDLES, found, &count, &more) ==
           CANDLES_KNOWN);
    for (uint32_t i = 0; i < count; i++) {
        if (used > 0) used += (size_t)snprintf(text + used, sizeof text - used, " | ");
        text_of(&found[i], text + used, sizeof text - used);
        used += strlen(text + used);
    }
    return text;
}

enum { S1, M1, M5, H1, D1 };

TEST(candles, a_minute_of_trading_gives_partial_candles_paced_and_a_final_one_after_the_grace) {
    candles *c = make((candles_options){.partial_ns = 250 * MS});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS - SECOND);
    trade(&t, NOON_NS + 1 * SECOND, 100, 10);
    EXPECT_STR(due(c, 0, "XNAS", M1), ""); /* waits for others */
    trade(&t, NOON_NS + 2 * SECOND, 104, 10);
    t.now_ns = 250 * MS;
    EXPECT_STR(due(c, t.now_ns, "XNAS", M1), "12:00:00 1m 100 104 100 104 v20 a102 n2");
    EXPECT_STR(due(c, t.now_ns, "XNAS", M1), ""); /* not changed */
    trade(&t, NOON_NS + 59 * SECOND, 99, 20);
    trade(&t, NOON_NS + 60 * SECOND, 101, 1);
    t.now_ns += 250 * MS;
    EXPECT_STR(due(c, t.now_ns, "XNAS", M1),
               "12:00:00 1m 100 104 99 99 v40 a100 n3 | 12:01:00 1m 101 101 101 101 v1 a101 n1");
    status(&t, NOON_NS + 60 * SECOND + 999 * MS);
    EXPECT_STR(due(c, t.now_ns, "XNAS", M1), "");
    status(&t, NOON_NS + 61 * SECOND);
    EXPECT_STR(due(c, t.now_ns, "XNAS", M1), "12:00:00 1m 100 104 99 99 v40 a100 n3 final");
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 100 104 99 99 v40 a100 n3 final | "
                                               "12:01:00 1m 101 101 101 101 v1 a101 n1");
    candles_free(c);
}

TEST(candles, the_day_starts_at_midnight_of_the_exchange_and_holds_all_prints_of_its_session) {
    candles *c = make((candles_options){.partial_ns = 1});
    tape t = tape_of(c, "XNAS", "AAPL"), u = tape_of(c, "XLON", "AAPL");
    status(&t, NOON_NS - 8 * 3600 * SECOND);
    trade(&t, NOON_NS - 8 * 3600 * SECOND, 100, 1);  /* 04:00 */
    trade(&t, NOON_NS + 8 * 3600 * SECOND, 101, 1);  /* 20:00 */
    trade(&t, NOON_NS + 13 * 3600 * SECOND, 102, 1); /* 01:00 of the next day, but of this session */
    EXPECT_STR(history(c, "XNAS", "AAPL", D1), "00:00:00 1d 100 102 100 102 v3 a101 n3 final");
    status(&u, NOON_NS);
    u.epoch = "no date";
    trade(&u, NOON_NS, 50, 1);                     /* by UTC */
    trade(&u, NOON_NS + 7 * 3600 * SECOND, 51, 1); /* midnight: the next */
    EXPECT_STR(history(c, "XLON", "AAPL", D1), "19:00:00 1d 50 50 50 50 v1 a50 n1 | "
                                               "19:00:00 1d 51 51 51 51 v1 a51 n1");
    candles_free(c);
}

TEST(candles, times_and_dates_that_no_candle_can_have_are_refused_and_the_rest_goes_on) {
    static const int64_t never[] = {INT64_MAX, INT64_MAX - TW_NS_PER_DAY, INT64_MIN, INT64_MIN + 1};
    candles *of = make((candles_options){0});
    tape t = tape_of(of, "XNAS", "AAPL");
    t.epoch = "9999-12-31.1"; /* days by the times of prints, then */
    status(&t, NOON_NS);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        trade(&t, never[i], 100, 1);
    EXPECT_U64(candles_read_stats(of).refused, sizeof never / sizeof *never);
    trade(&t, NOON_NS, 120, 2);
    EXPECT_U64(candles_read_stats(of).prints, 1);
    EXPECT_CONTAINS(history(of, "XNAS", "AAPL", 0), "120");
    candles_free(of);
}

TEST(candles, intervals_without_prints_have_no_candle_and_what_does_not_count_is_left_out) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS, 100, 5);
    tw_print cross = print_of(&t, NOON_NS + 180 * SECOND, 105, 1000),
             empty = print_of(&t, NOON_NS + 181 * SECOND, 1, 0);
    cross.kind = TW_PRINT_CROSS;
    say(&t, &cross);
    empty.kind = TW_PRINT_CROSS; /* an auction that nothing came of */
    say(&t, &empty);
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 100 100 100 100 v5 a100 n1 final | "
                                               "12:03:00 1m 105 105 105 105 v1000 a105 n1");
    EXPECT_U64(candles_read_stats(c).prints, 2);
    candles_free(c);
}

TEST(candles, a_break_restates_every_candle_that_held_its_print) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS + 1 * SECOND, 100, 10);
    uint64_t wrong = trade(&t, NOON_NS + 2 * SECOND, 999, 10);
    trade(&t, NOON_NS + 3 * SECOND, 102, 20);
    status(&t, NOON_NS + 120 * SECOND);
    EXPECT_STR(due(c, 0, "XNAS", M1), "12:00:00 1m 100 999 100 102 v40 a326 n3 final");
    break_it(&t, NOON_NS + 121 * SECOND, wrong);
    EXPECT_STR(due(c, 0, "XNAS", M1), "12:00:00 1m 100 102 100 102 v30 a101 n2 final");
    EXPECT_STR(history(c, "XNAS", "AAPL", D1), "00:00:00 1d 100 102 100 102 v30 a101 n2");
    EXPECT_STR(history(c, "agg", "AAPL", H1), "12:00:00 agg 1h 100 102 100 102 v30 a101 n2");
    /* its second has no print left: told once, then gone from the history */
    EXPECT_STR(history(c, "XNAS", "AAPL", S1), "12:00:01 1s 100 100 100 100 v10 a100 n1 final | "
                                               "12:00:03 1s 102 102 102 102 v20 a102 n1 final");
    break_it(&t, NOON_NS + 122 * SECOND, wrong); /* said twice */
    EXPECT_U64(candles_read_stats(c).breaks, 1);
    EXPECT_U64(candles_read_stats(c).breaks_unknown, 1);
    candles_free(c);
}

TEST(candles, a_break_of_a_print_that_is_kept_no_more_makes_the_day_incomplete) {
    candles *c = make((candles_options){.kept_prints = 2});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    uint64_t first = trade(&t, NOON_NS, 100, 1);
    trade(&t, NOON_NS + 1 * SECOND, 101, 1);
    uint64_t inside = trade(&t, NOON_NS + 2 * SECOND, 102, 1);
    trade(&t, NOON_NS + 3 * SECOND, 103, 1);
    break_it(&t, NOON_NS + 4 * SECOND, first);
    EXPECT_STR(history(c, "XNAS", "AAPL", D1), "00:00:00 1d 100 103 100 103 v4 a102 n4 incomplete");
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 100 103 100 103 v4 a102 n4");
    break_it(&t, NOON_NS + 5 * SECOND, inside); /* not all prints of the minute are kept, but its prices stand */
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 100 103 100 103 v3 a101 n3");
    candles_free(c);
}

TEST(candles, a_late_print_restates_a_final_candle) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS + 30 * SECOND, 100, 1);
    status(&t, NOON_NS + 62 * SECOND);
    EXPECT_STR(due(c, 0, "XNAS", M1), "12:00:00 1m 100 100 100 100 v1 a100 n1 final");
    trade(&t, NOON_NS + 10 * SECOND, 90, 1);
    EXPECT_STR(due(c, 0, "XNAS", M1), "12:00:00 1m 90 100 90 100 v2 a95 n2 final");
    trade(&t, NOON_NS - 40 * SECOND, 80, 1); /* a minute that had no candle: it is over as soon as it is there */
    EXPECT_STR(due(c, 0, "XNAS", M1), "11:59:00 1m 80 80 80 80 v1 a80 n1 final");
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "11:59:00 1m 80 80 80 80 v1 a80 n1 final | "
                                               "12:00:00 1m 90 100 90 100 v2 a95 n2 final");
    candles_free(c);
}

/* ---- what may be missing ---- */

static const struct {
    const char *what;
    tw_book_state state;
    tw_state_cause cause;
    bool incomplete;
} doubts[] = {
    {"all is well", TW_BOOK_OK, TW_CAUSE_NONE, false},
    {"a gap that is filled after all", TW_BOOK_RECOVERING, TW_CAUSE_GAP, false},
    {"nothing has come yet", TW_BOOK_RECOVERING, TW_CAUSE_STARTING, false},
    {"joined in the middle", TW_BOOK_RECOVERING, TW_CAUSE_MID_SESSION, true},
    {"a gap that is not filled", TW_BOOK_STALE, TW_CAUSE_GAP_NOT_FILLED, true},
    {"the line is silent", TW_BOOK_STALE, TW_CAUSE_LINE_SILENT, true},
};

TEST(candles, a_candle_during_which_the_feed_was_not_well_says_so_and_the_next_does_not) {
    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
        candles *c = make((candles_options){0});
        tape t = tape_of(c, "XNAS", "AAPL");
        const char *mark = doubts[i].incomplete ? " incomplete" : "";
        char wanted[256];
        status(&t, NOON_NS);
        trade(&t, NOON_NS + 1 * SECOND, 100, 1);
        status_at(&t, NOON_NS + 2 * SECOND, NOON_NS + 2 * SECOND, doubts[i].state, doubts[i].cause);
        status(&t, NOON_NS + 70 * SECOND); /* well again, after the minute began */
        trade(&t, NOON_NS + 71 * SECOND, 101, 1);
        trade(&t, NOON_NS + 121 * SECOND, 102, 1);
        tw_text_format(wanted, sizeof wanted,
                       "12:00:00 1m 100 100 100 100 v1 a100 n1 final%s | 12:01:00 1m 101 101 101 101 v1 a101 n1 "
                       "final%s | 12:02:00 1m 102 102 102 102 v1 a102 n1",
                       mark, mark);
        status(&t, NOON_NS + 125 * SECOND);
        EXPECT_STR(history(c, "XNAS", "AAPL", M1), wanted);
        candles_free(c);
    }
}

TEST(candles, who_starts_within_a_candle_says_that_it_is_incomplete_unless_the_chain_proves_it_whole) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL"), u = tape_of(c, "XNAS", "MSFT");
    t.seq = t.last_seq = 500, t.total = 40; /* it has traded before */
    status(&t, NOON_NS + 30 * SECOND);
    trade(&t, NOON_NS + 31 * SECOND, 100, 1);
    trade(&u, NOON_NS + 32 * SECOND, 50, 1); /* its first of the day */
    trade(&t, NOON_NS + 61 * SECOND, 101, 1);
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 100 100 100 100 v1 a100 n1 final incomplete | "
                                               "12:01:00 1m 101 101 101 101 v1 a101 n1");
    EXPECT_STR(history(c, "XNAS", "MSFT", D1), "00:00:00 1d 50 50 50 50 v1 a50 n1");
    EXPECT_STR(history(c, "XNAS", "AAPL", D1), "00:00:00 1d 100 101 100 101 v2 a100 n2 incomplete");
    candles_free(c);
}

TEST(candles, prints_that_the_chain_shows_to_be_missing_make_the_candles_between_incomplete) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS + 1 * SECOND, 100, 1);
    trade(&t, NOON_NS + 61 * SECOND, 101, 1);
    status(&t, NOON_NS + 62 * SECOND);
    print_of(&t, 0, 0, 0); /* one that does not come */
    t.last_seq = t.seq, t.total++;
    trade(&t, NOON_NS + 121 * SECOND, 102, 1);
    trade(&t, NOON_NS + 181 * SECOND, 103, 1);
    status(&t, NOON_NS + 182 * SECOND);
    EXPECT_STR(history(c, "XNAS", "AAPL", M1),
               "12:00:00 1m 100 100 100 100 v1 a100 n1 final | 12:01:00 1m 101 101 101 101 v1 a101 n1 final "
               "incomplete | 12:02:00 1m 102 102 102 102 v1 a102 n1 final incomplete | 12:03:00 1m 103 103 103 103 "
               "v1 a103 n1");
    EXPECT_U64(candles_read_stats(c).missed, 1);
    candles_free(c);
}

TEST(candles, messages_said_twice_and_those_of_deposed_leaders_change_nothing) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    tape before = t;
    trade(&t, NOON_NS, 100, 1);
    trade(&before, NOON_NS, 100, 1); /* another leader's word of the same */
    tape old = t;
    old.term = 6;
    trade(&old, NOON_NS, 90, 1);
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 100 100 100 100 v1 a100 n1");
    candles_free(c);
}

TEST(candles, a_closed_feed_makes_all_candles_final) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS, 100, 1);
    status_at(&t, NOON_NS + 1, NOON_NS + 1, TW_BOOK_CLOSED, TW_CAUSE_END_OF_SESSION);
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
        EXPECT_CONTAINS(history(c, "XNAS", "AAPL", interval), "final");
        EXPECT_CONTAINS(history(c, "agg", "AAPL", interval), "final");
    }
    candles_free(c);
}

TEST(candles, a_quiet_feeds_time_goes_on_with_its_publishers_clock) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS + 1 * SECOND, 100, 1);
    int64_t publish_ns = INT64_C(1900000000) * SECOND; /* a recording: of another year */
    status_at(&t, NOON_NS + 1 * SECOND, publish_ns, TW_BOOK_OK, TW_CAUSE_NONE);
    status_at(&t, NOON_NS + 1 * SECOND, publish_ns + 59 * SECOND, TW_BOOK_OK, TW_CAUSE_NONE);
    EXPECT_STR(due(c, 0, "XNAS", M1), "");
    status_at(&t, NOON_NS + 1 * SECOND, publish_ns + 60 * SECOND, TW_BOOK_OK, TW_CAUSE_NONE);
    EXPECT_STR(due(c, 0, "XNAS", M1), "12:00:00 1m 100 100 100 100 v1 a100 n1 final");
    candles_free(c);
}

TEST(candles, an_exchange_that_stands_apart_has_candles_and_counts_in_none_over_all) {
    candles *c = make((candles_options){.apart = "XTST,TWEX"});
    tape t = tape_of(c, "XNAS", "AAPL"), u = tape_of(c, "TWEX", "AAPL");
    status(&t, NOON_NS);
    status(&u, NOON_NS);
    trade(&u, NOON_NS + 1 * SECOND, 900, 10);
    trade(&t, NOON_NS + 2 * SECOND, 100, 10);
    EXPECT_STR(history(c, "TWEX", "AAPL", M1), "12:00:00 1m 900 900 900 900 v10 a900 n1");
    EXPECT_STR(history(c, "agg", "AAPL", M1), "12:00:00 agg 1m 100 100 100 100 v10 a100 n1");
    status(&t, NOON_NS + 70 * SECOND); /* the other's clock is not waited for */
    EXPECT_STR(due(c, 0, "agg", M1), "12:00:00 agg 1m 100 100 100 100 v10 a100 n1 final");
    candles_free(c);
}

TEST(candles, over_all_exchanges_prints_are_folded_at_the_finest_scale_and_wait_for_the_slowest) {
    candles *c = make((candles_options){0});
    tape t = tape_of(c, "XNAS", "AAPL"), u = tape_of(c, "XBOS", "AAPL");
    u.price_exponent = -2;
    status(&t, NOON_NS);
    status(&u, NOON_NS);
    trade(&u, NOON_NS + 2 * SECOND, 190, 10);   /* 1.90 */
    trade(&t, NOON_NS + 1 * SECOND, 18912, 10); /* 1.8912 */
    EXPECT_STR(history(c, "agg", "AAPL", M1), "12:00:00 agg 1m 18912 19000 18912 19000 v20 a18956 n2");
    EXPECT_STR(history(c, "XBOS", "AAPL", M1), "12:00:00 1m 190 190 190 190 v10 a190 n1");
    status(&t, NOON_NS + 70 * SECOND);
    EXPECT_STR(due(c, 0, "agg", M1), "");
    status(&u, NOON_NS + 70 * SECOND);
    EXPECT_STR(due(c, 0, "agg", M1), "12:00:00 agg 1m 18912 19000 18912 19000 v20 a18956 n2 final");
    trade(&t, NOON_NS + 130 * SECOND, 18920, 1);
    status_at(&u, NOON_NS + 131 * SECOND, NOON_NS, TW_BOOK_STALE, TW_CAUSE_LINE_SILENT); /* one of two is lost */
    EXPECT_STR(history(c, "agg", "AAPL", M1), "12:00:00 agg 1m 18912 19000 18912 19000 v20 a18956 n2 final | "
                                              "12:02:00 agg 1m 18920 18920 18920 18920 v1 a18920 n1 incomplete");
    EXPECT_STR(history(c, "XNAS", "AAPL", M1), "12:00:00 1m 18912 18912 18912 18912 v10 a18912 n1 final | "
                                               "12:02:00 1m 18920 18920 18920 18920 v1 a18920 n1");
    candles_free(c);
}

TEST(candles, the_history_is_bounded_and_given_in_pages_from_the_newest) {
    candles *c = make((candles_options){.history = 10});
    tape t = tape_of(c, "XNAS", "AAPL");
    wire_candle found[WIRE_MAX_CANDLES];
    uint32_t count;
    bool more;
    status(&t, NOON_NS);
    for (int64_t i = 0; i < 30; i++)
        trade(&t, NOON_NS + i * 60 * SECOND, 100 + i, 1);
    EXPECT(candles_history(c, "XNAS", "AAPL", M1, TW_TIME_ABSENT, 4, found, &count, &more) == CANDLES_KNOWN);
    EXPECT(count == 4 && more && found[0].open == 126 && found[3].open == 129);
    EXPECT(candles_history(c, "XNAS", "AAPL", M1, found[0].start_ns, 100, found, &count, &more) == CANDLES_KNOWN);
    EXPECT(count == 6 && !more && found[0].open == 120 && found[5].open == 125);
    EXPECT(candles_history(c, "XNAS", "NONE", M1, TW_TIME_ABSENT, 4, found, &count, &more) ==
           CANDLES_UNKNOWN_SYMBOL);
    EXPECT(candles_history(c, "XBOS", "AAPL", M1, TW_TIME_ABSENT, 4, found, &count, &more) ==
           CANDLES_UNKNOWN_EXCHANGE);
    trade(&t, NOON_NS, 1, 1); /* older than all that is kept */
    EXPECT(candles_read_stats(c).too_late > 0);
    candles_free(c);
}

TEST(candles, when_memory_is_full_the_oldest_final_ones_of_the_shortest_interval_go) {
    candles *c = make((candles_options){.max_candles = 40});
    tape t = tape_of(c, "XNAS", "AAPL");
    status(&t, NOON_NS);
    for (int64_t i = 0; i < 100; i++) {
        trade(&t, NOON_NS + i * 2 * SECOND, 100, 1);
        status(&t, NOON_NS + i * 2 * SECOND);
        wire_candle m;
        while (candles_next(c, 0, &m))
            ;
    }
    EXPECT_STR(history(c, "XNAS", "AAPL", D1), "00:00:00 1d 100 100 100 100 v100 a100 n100");
    EXPECT_U64(candles_read_stats(c).held, 40);
    EXPECT_U64(candles_read_stats(c).refused, 0);
    candles_free(c);
}

/* ---- against a model that keeps every print and makes candles from scratch ---- */

typedef struct kept {
    int64_t event_ns, price;
    uint64_t quantity, match_id, seq;
    uint32_t venue;
    bool broken;
} kept;

#define MOST_KEPT 2000
#define VENUES    2
static const char *const mics[VENUES] = {"XBOS", "XNAS"};
static const int64_t scales[VENUES] = {100, 1}; /* XBOS has two digits less */

static const int64_t steps_ns[SUBJECT_CANDLES] = {SECOND, 60 * SECOND, 300 * SECOND, 3600 * SECOND, TW_NS_PER_DAY};

static int64_t model_start(uint32_t interval, int64_t event_ns, uint32_t venue) {
    if (interval != D1) return event_ns - event_ns % steps_ns[interval];
    int64_t midnight_ns = 0;
    EXPECT(midnight(NULL, mics[venue], (tw_date){2020, 1, 30}, &midnight_ns));
    return midnight_ns;
}

static bool earlier(const kept *a, const kept *b) {
    if (a->event_ns != b->event_ns) return a->event_ns < b->event_ns;
    return a->venue != b->venue ? a->venue < b->venue : a->seq < b->seq;
}

/* One candle of a venue (VENUES: over all) as the model has it, in the candle's own scale. */
static void check_candle(const kept *prints, uint32_t count, uint32_t venue, uint32_t interval,
                         const wire_candle *m, uint64_t seed) {
    const kept *first = NULL, *last = NULL;
    int64_t high = INT64_MIN, low = INT64_MAX, turnover = 0;
    uint64_t volume = 0, in = 0;
    for (uint32_t i = 0; i < count; i++) {
        const kept *p = &prints[i];
        bool fits = !p->broken && (venue == VENUES || p->venue == venue) &&
                    model_start(interval, p->event_ns, p->venue) == m->start_ns;
        if (!fits) continue;
        if (first == NULL || earlier(p, first)) first = p;
        if (last == NULL || earlier(last, p)) last = p;
        if (p->price > high) high = p->price;
        if (p->price < low) low = p->price;
        volume += p->quantity;
        turnover += p->price * (int64_t)p->quantity;
        in++;
    }
    int64_t scale = m->header.price_exponent == -2 ? 100 : 1;
    EXPECT_MSG(m->count == in && m->volume == volume, "seed %" PRIu64 ": count %" PRIu64 " of %" PRIu64, seed,
               m->count, in);
    if (in == 0) return;
    EXPECT_MSG(m->open * scale == first->price && m->close * scale == last->price, "seed %" PRIu64 ": ends", seed);
    EXPECT_MSG(m->high * scale == high && m->low * scale == low, "seed %" PRIu64 ": extremes", seed);
    EXPECT_MSG(m->turnover_high == 0 && (int64_t)m->turnover_low * scale == turnover, "seed %" PRIu64 ": turnover",
               seed);
    EXPECT_MSG(!m->incomplete, "seed %" PRIu64 ": incomplete", seed);
}

static void check_all(candles *c, const kept *prints, uint32_t count, uint64_t seed) {
    static wire_candle found[WIRE_MAX_CANDLES];
    for (uint32_t venue = 0; venue <= VENUES; venue++)
        for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
            uint32_t got;
            uint64_t folded = 0, wanted = 0;
            bool more;
            candles_history(c, venue == VENUES ? "agg" : mics[venue], "AAPL", interval, TW_TIME_ABSENT,
                            WIRE_MAX_CANDLES, found, &got, &more);
            for (uint32_t i = 0; i < got; i++) {
                check_candle(prints, count, venue, interval, &found[i], seed);
                folded += found[i].count;
            }
            for (uint32_t i = 0; i < count; i++)
                wanted += !prints[i].broken && (venue == VENUES || prints[i].venue == venue);
            EXPECT_MSG(folded == wanted, "seed %" PRIu64 ": %" PRIu64 " prints in candles, there are %" PRIu64,
                       seed, folded, wanted);
        }
}

static void random_day(uint64_t seed) {
    static kept prints[MOST_KEPT];
    uint32_t count = 0;
    tw_random random;
    tw_random_seed(&random, seed);
    candles *c = make((candles_options){.history = 1000, .partial_ns = 100 * MS, .refresh_ns = SECOND});
    tape tapes[VENUES];
    for (uint32_t v = 0; v < VENUES; v++) {
        tapes[v] = tape_of(c, mics[v], "AAPL");
        tapes[v].price_exponent = v == 0 ? -2 : -4;
        status(&tapes[v], NOON_NS - 3600 * SECOND);
    }
    int64_t clock_ns = NOON_NS;
    for (uint32_t step = 0; step < 800; step++) {
        uint32_t venue = (uint32_t)tw_random_below(&random, VENUES);
        tape *t = &tapes[venue];
        clock_ns += (int64_t)tw_random_below(&random, 3 * SECOND);
        t->now_ns = (int64_t)step * 20 * MS;
        uint64_t dice = tw_random_below(&random, 100);
        if (dice < 10 && count > 0) {
            kept *p = &prints[tw_random_below(&random, count)];
            if (p->venue == venue && !p->broken) {
                break_it(t, clock_ns, p->match_id);
                p->broken = true;
            }
        } else if (dice < 25) {
            status(t, clock_ns);
        } else if (dice < 40) {
            wire_candle m;
            while (candles_next(c, t->now_ns, &m))
                EXPECT(m.revision > 0);
        } else {
            int64_t late_ns = dice < 50 ? (int64_t)tw_random_below(&random, 200 * SECOND) : 0;
            kept p = {.event_ns = clock_ns - late_ns,
                      .price = (180 + (int64_t)tw_random_below(&random, 10)) * 100,
                      .quantity = 1 + tw_random_below(&random, 500),
                      .venue = venue};
            p.match_id = trade(t, p.event_ns, p.price / scales[venue], p.quantity);
            p.seq = p.match_id;
            prints[count++] = p;
        }
    }
    check_all(c, prints, count, seed);
    candles_free(c);
}

TEST(candles, random_days_of_two_exchanges_come_to_what_a_model_with_all_prints_makes) {
    for (uint64_t seed = 1; seed <= 60; seed++)
        random_day(seed);
}

/* ---- from another aggregator ---- */

static bool adopt_all(candles *into, const candles *from, const char *mic, uint32_t interval) {
    static wire_candle found[WIRE_MAX_CANDLES];
    wire_candle_list list = {.interval_ms = subject_candle_ms(interval), .candles = found};
    tw_text_copy(list.exchange, sizeof list.exchange, mic);
    tw_text_copy(list.symbol, sizeof list.symbol, "AAPL");
    candles_history(from, mic, "AAPL", interval, TW_TIME_ABSENT, WIRE_MAX_CANDLES, found, &list.candle_count,
                    &list.more);
    return candles_adopt(into, &list, 0);
}

TEST(candles, who_has_just_started_takes_what_another_one_has_and_counts_nothing_twice) {
    candles *old = make((candles_options){0}), *young = make((candles_options){0});
    tape t = tape_of(old, "XNAS", "AAPL");
    status(&t, NOON_NS);
    trade(&t, NOON_NS + 1 * SECOND, 100, 1);
    trade(&t, NOON_NS + 61 * SECOND, 104, 1);
    tape u = t;
    u.candles = young;
    status(&u, NOON_NS + 62 * SECOND);
    trade(&t, NOON_NS + 63 * SECOND, 96, 2);
    EXPECT(!adopt_all(young, old, "XNAS", M1) ||
           candles_read_stats(young).adopted == 0); /* knows no instrument yet */
    trade(&u, NOON_NS + 63 * SECOND, 96, 2);
    EXPECT_STR(history(young, "XNAS", "AAPL", M1), "12:01:00 1m 96 96 96 96 v2 a96 n1 incomplete");
    trade(&t, NOON_NS + 64 * SECOND, 97, 1);
    EXPECT(!adopt_all(young, old, "XNAS", M1)); /* the other one is a print ahead */
    EXPECT_STR(history(young, "XNAS", "AAPL", M1), "12:00:00 1m 100 100 100 100 v1 a100 n1 final | "
                                                   "12:01:00 1m 96 96 96 96 v2 a96 n1 incomplete");
    trade(&u, NOON_NS + 64 * SECOND, 97, 1);
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        EXPECT(adopt_all(young, old, "XNAS", interval) && adopt_all(young, old, "agg", interval));
    trade(&t, NOON_NS + 65 * SECOND, 99, 1);
    trade(&u, NOON_NS + 65 * SECOND, 99, 1);
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        for (int all = 0; all < 2; all++) {
            char wanted[8192];
            tw_text_copy(wanted, sizeof wanted, history(old, all ? "agg" : "XNAS", "AAPL", interval));
            EXPECT_STR(history(young, all ? "agg" : "XNAS", "AAPL", interval), wanted);
        }
    EXPECT(candles_read_stats(young).adopted >= 2 * 6);
    candles_free(old);
    candles_free(young);
}
