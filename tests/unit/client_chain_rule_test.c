/*
 * The receiver's rules of channels without books, as tables: what came before, a message, what the receiver makes of
 * it. Then a leader that is replaced again and again, at random: every print exactly once.
 */
#include "base/random.h"
#include "client/chain_rule.h"
#include "client/chain_store.h"
#include "tests/unit.h"

typedef enum before {
    NEVER,  /* nothing has come */
    MINE,   /* term 2, epoch A, seq 100; as trades: print 10 of the epoch, volume 1000 */
    EPOCH_B /* MINE, then the first message of epoch B: seq 7 */
} before;

typedef struct message {
    uint64_t term;
    const char *epoch;
    uint64_t prev_seq, seq;
    bool snapshot;
    /* trades only */
    uint64_t prints[4]; /* the seqs of its prints, 0 ends; each of quantity 100 */
    uint64_t total;     /* of the epoch, this message included */
    uint64_t volume;    /* 0: total times 100 */
    uint64_t counted_from;
} message;

static wire_header header_of(const message *m) {
    wire_header header = {
        .exchange = "XNAS", .symbol = "AAPL", .term = m->term, .prev_seq = m->prev_seq, .seq = m->seq};
    header.snapshot = m->snapshot;
    snprintf(header.epoch, sizeof header.epoch, "%s", m->epoch);
    return header;
}

static chain_verdict take_state(tw_chain *chain, const message *m) {
    wire_header header = header_of(m);
    return chain_take_state(chain, &header);
}

static chain_verdict take_trades(tw_chain *chain, const message *m) {
    tw_print prints[4];
    wire_trades trades = {.header = header_of(m), .prints = prints, .prints_total = m->total};
    trades.volume = m->volume != 0 ? m->volume : m->total * 100;
    trades.counted_from_seq = m->counted_from;
    while (trades.print_count < 4 && m->prints[trades.print_count] != 0) {
        prints[trades.print_count] = (tw_print){.seq = m->prints[trades.print_count], .quantity = 100};
        trades.print_count++;
    }
    return chain_take_trades(chain, &trades);
}

/* A message of a state or of order events; one with prints: so many in the epoch with it, the seqs of its own. */
#define SAYS(t, e, p, s)                                                                                           \
    { .term = (t), .epoch = (e), .prev_seq = (p), .seq = (s) }
#define SNAPSHOT(t, e, s)                                                                                          \
    { .term = (t), .epoch = (e), .seq = (s), .snapshot = true }
#define PRINTS(t, e, p, s, n, ...)                                                                                 \
    {                                                                                                              \
        .term = (t), .epoch = (e), .prev_seq = (p), .seq = (s), .total = (n), .prints = { __VA_ARGS__ }            \
    }
#define TOTALS(t, e, s, n)                                                                                         \
    {                                                                                                              \
        .term = (t), .epoch = (e), .seq = (s), .snapshot = true, .total = (n), .prints = {(s) }                    \
    }

static void prepare(tw_chain *chain, before state, chain_verdict (*take)(tw_chain *, const message *)) {
    *chain = (tw_chain){0};
    message mine = PRINTS(2, "A", 90, 100, 10, 100);
    message of_b = PRINTS(2, "B", 0, 7, 1, 7);
    if (state != NEVER) EXPECT_I64(take(chain, &mine).outcome, CHAIN_DELIVER);
    if (state == EPOCH_B) EXPECT_I64(take(chain, &of_b).outcome, CHAIN_DELIVER);
}

typedef struct row {
    const char *says;
    before before;
    message message;
    chain_outcome outcome;
    uint32_t known;
    uint64_t missed;
    uint64_t term, seq; /* the chain's, after */
} row;

static void play(const row *table, size_t count, chain_verdict (*take)(tw_chain *, const message *)) {
    for (size_t i = 0; i < count; i++) {
        const row *r = &table[i];
        tw_chain chain;
        prepare(&chain, r->before, take);
        chain_verdict verdict = take(&chain, &r->message);
        EXPECT_MSG(verdict.outcome == r->outcome && verdict.known == r->known && verdict.missed == r->missed &&
                       chain.term == r->term && chain.seq == r->seq,
                   "%s: %s known %u missed %llu, then term %llu seq %llu", r->says,
                   chain_outcome_name(verdict.outcome), verdict.known, (unsigned long long)verdict.missed,
                   (unsigned long long)chain.term, (unsigned long long)chain.seq);
    }
}

/* clang-format off */
static const row state_rows[] = {
    {"the first of all, in the middle of a day",     NEVER,   SAYS(1, "A", 90, 100),               CHAIN_DELIVER,   0, 0, 1, 100},
    {"prev_seq is mine",                             MINE,    SAYS(2, "A", 100, 110),              CHAIN_DELIVER,   0, 0, 2, 110},
    {"a change of state alone",                      MINE,    SAYS(2, "A", 100, 100),              CHAIN_DELIVER,   0, 0, 2, 100},
    {"mine again",                                   MINE,    SAYS(2, "A", 90, 100),               CHAIN_DUPLICATE, 0, 0, 2, 100},
    {"an older one",                                 MINE,    SAYS(2, "A", 80, 90),                CHAIN_DUPLICATE, 0, 0, 2, 100},
    {"one is missing: this one is whole all the same", MINE,  SAYS(2, "A", 105, 110),              CHAIN_DELIVER,   0, 1, 2, 110},
    {"a snapshot of mine may carry a new state",     MINE,    SNAPSHOT(2, "A", 100),          CHAIN_DELIVER,   0, 0, 2, 100},
    {"a newer snapshot is no break",                 MINE,    SNAPSHOT(2, "A", 110),          CHAIN_DELIVER,   0, 0, 2, 110},
    {"an older snapshot",                            MINE,    SNAPSHOT(2, "A", 90),           CHAIN_DUPLICATE, 0, 0, 2, 100},
    {"a deposed leader",                             MINE,    SAYS(1, "A", 100, 110),              CHAIN_OLD_TERM,  0, 0, 2, 100},
    {"a deposed leader's snapshot",                  MINE,    SNAPSHOT(1, "A", 110),          CHAIN_OLD_TERM,  0, 0, 2, 100},
    {"a new leader's word, even if it is older",     MINE,    SAYS(3, "A", 80, 90),                CHAIN_DELIVER,   0, 0, 3, 90},
    {"a new leader's snapshot",                      MINE,    SNAPSHOT(3, "A", 100),          CHAIN_DELIVER,   0, 0, 3, 100},
    {"a new epoch",                                  MINE,    SAYS(2, "B", 0, 7),                  CHAIN_DELIVER,   0, 0, 2, 7},
    {"a late one of the epoch that was left",        EPOCH_B, SAYS(2, "A", 100, 110),              CHAIN_DUPLICATE, 0, 0, 2, 7},
    {"a new leader may go back to an epoch",         EPOCH_B, SAYS(3, "A", 100, 110),              CHAIN_DELIVER,   0, 0, 3, 110},
    {"seq below prev_seq",                           MINE,    SAYS(2, "A", 120, 110),              CHAIN_REFUSED,   0, 0, 2, 100},
};

static const row trade_rows[] = {
    {"the first of all: what was before is unknown", NEVER,   PRINTS(1, "A", 90, 100, 10, 100),           CHAIN_DELIVER,   0, 0, 1, 100},
    {"the first of all is a snapshot",               NEVER,   TOTALS(1, "A", 100, 10),             CHAIN_DELIVER,   0, 0, 1, 100},
    {"prev_seq is mine",                             MINE,    PRINTS(2, "A", 100, 110, 11, 110),          CHAIN_DELIVER,   0, 0, 2, 110},
    {"two source messages",                          MINE,    PRINTS(2, "A", 100, 110, 12, 105, 110),     CHAIN_DELIVER,   0, 0, 2, 110},
    {"the rest of a source message with many prints",MINE,    PRINTS(2, "A", 100, 100, 11, 100),          CHAIN_DELIVER,   0, 0, 2, 100},
    {"mine again",                                   MINE,    PRINTS(2, "A", 90, 100, 10, 100),           CHAIN_DUPLICATE, 0, 0, 2, 100},
    {"an older one",                                 MINE,    PRINTS(2, "A", 80, 90, 9, 90),              CHAIN_DUPLICATE, 0, 0, 2, 100},
    {"one is missing, and the totals say how many",  MINE,    PRINTS(2, "A", 107, 110, 14, 110),          CHAIN_DELIVER,   0, 3, 2, 110},
    {"one is missing, and the totals know nothing",  MINE,    PRINTS(2, "A", 107, 110, 4, 110),           CHAIN_DELIVER,   0, 1, 2, 110},
    {"it contains mine: only the rest is new",       MINE,    PRINTS(2, "A", 80, 110, 11, 90, 100, 110),  CHAIN_DELIVER,   2, 0, 2, 110},
    {"it overlaps and knows nothing of mine",        MINE,    PRINTS(2, "A", 80, 110, 12, 90, 110),       CHAIN_DELIVER,   1, 1, 2, 110},
    {"an earlier prev_seq without mine: a hole",     MINE,    PRINTS(2, "A", 80, 110, 10, 110),           CHAIN_DELIVER,   0, 1, 2, 110},
    {"from nothing, further on: a hole",             MINE,    PRINTS(2, "A", 0, 110, 1, 110),             CHAIN_DELIVER,   0, 1, 2, 110},
    {"the epoch's first again",                      MINE,    PRINTS(2, "A", 0, 50, 1, 50),               CHAIN_DUPLICATE, 0, 0, 2, 100},

    {"a deposed leader",                             MINE,    PRINTS(1, "A", 100, 110, 11, 110),          CHAIN_OLD_TERM,  0, 0, 2, 100},
    {"a new leader goes on where the old one ended", MINE,    PRINTS(3, "A", 100, 110, 11, 110),          CHAIN_DELIVER,   0, 0, 3, 110},
    {"a new leader says mine again",                 MINE,    PRINTS(3, "A", 90, 100, 10, 100),           CHAIN_DUPLICATE, 0, 0, 3, 100},
    {"a new leader says older ones again",           MINE,    PRINTS(3, "A", 70, 80, 8, 80),              CHAIN_DUPLICATE, 0, 0, 3, 100},
    {"a new leader cut its messages elsewhere",      MINE,    PRINTS(3, "A", 90, 110, 11, 100, 110),      CHAIN_DELIVER,   1, 0, 3, 110},
    {"a new leader goes on behind a hole",           MINE,    PRINTS(3, "A", 105, 110, 12, 110),          CHAIN_DELIVER,   0, 1, 3, 110},

    {"a snapshot of mine",                           MINE,    TOTALS(2, "A", 100, 10),             CHAIN_DUPLICATE, 0, 0, 2, 100},
    {"a new leader's snapshot of mine",              MINE,    TOTALS(3, "A", 100, 10),             CHAIN_DUPLICATE, 0, 0, 3, 100},
    {"a snapshot of mine with other totals",         MINE,    TOTALS(3, "A", 100, 12),             CHAIN_TOTALS,    1, 0, 3, 100},
    {"an older snapshot",                            MINE,    TOTALS(3, "A", 90, 9),                CHAIN_DUPLICATE, 0, 0, 3, 100},
    {"a snapshot whose print is the only new one",   MINE,    TOTALS(3, "A", 110, 11),             CHAIN_DELIVER,   0, 0, 3, 110},
    {"a snapshot further on: prints are lost",       MINE,    TOTALS(3, "A", 110, 15),             CHAIN_DELIVER,   0, 4, 3, 110},

    {"a new epoch from its first print",             MINE,    PRINTS(2, "B", 0, 7, 1, 7),                 CHAIN_DELIVER,   0, 0, 2, 7},
    {"a new epoch in its middle",                    MINE,    PRINTS(2, "B", 5, 7, 3, 7),                 CHAIN_DELIVER,   0, 2, 2, 7},
    {"a new epoch's snapshot with its first print",  MINE,    TOTALS(2, "B", 7, 1),                  CHAIN_DELIVER,   0, 0, 2, 7},
    {"a new epoch's snapshot further on",            MINE,    TOTALS(2, "B", 7, 4),                  CHAIN_DELIVER,   0, 3, 2, 7},
    {"a late one of the epoch that was left",        EPOCH_B, PRINTS(2, "A", 100, 110, 11, 110),          CHAIN_DUPLICATE, 0, 0, 2, 7},
    {"seq below prev_seq",                           MINE,    PRINTS(2, "A", 120, 110, 11, 110),          CHAIN_REFUSED,   0, 0, 2, 100},
};
/* clang-format on */

TEST(chain_rule, a_state_is_taken_as_the_table_says) {
    play(state_rows, sizeof state_rows / sizeof *state_rows, take_state);
}

TEST(chain_rule, trades_are_taken_as_the_table_says) {
    play(trade_rows, sizeof trade_rows / sizeof *trade_rows, take_trades);
}

/* Mine is 10 prints of the epoch; the leader that comes joined at 60 and has counted 4 of them. */
TEST(chain_rule, totals_of_a_leader_that_joined_late_are_no_loss_and_count_none) {
    static const struct {
        const char *says;
        message message;
        chain_outcome outcome;
        uint64_t missed;
    } rows[] = {
        {"it goes on where the old one ended", {3, "A", 100, 110, false, {110}, 5, 0, 60}, CHAIN_DELIVER, 0},
        {"it says mine again", {3, "A", 90, 100, false, {100}, 4, 0, 60}, CHAIN_DUPLICATE, 0},
        {"its snapshot of mine: other totals", {3, "A", 0, 100, true, {100}, 4, 0, 60}, CHAIN_TOTALS, 0},
        {"the same numbers, but they are not whole", {3, "A", 0, 100, true, {100}, 10, 0, 60}, CHAIN_TOTALS, 0},
        {"behind a hole: how many is unknown", {3, "A", 105, 140, false, {140}, 20, 0, 60}, CHAIN_DELIVER, 1},
        {"a snapshot further on: likewise", {3, "A", 0, 140, true, {140}, 11, 0, 60}, CHAIN_DELIVER, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tw_chain chain;
        prepare(&chain, MINE, take_trades);
        chain_verdict verdict = take_trades(&chain, &rows[i].message);
        bool taken = verdict.outcome == CHAIN_DELIVER || verdict.outcome == CHAIN_TOTALS;
        EXPECT_MSG(verdict.outcome == rows[i].outcome && verdict.missed == rows[i].missed &&
                       chain.counted_from_seq == (taken ? 60 : 0),
                   "%s: %s missed %llu", rows[i].says, chain_outcome_name(verdict.outcome),
                   (unsigned long long)verdict.missed);
    }
}

TEST(chain_rule, totals_that_lack_the_same_prints_still_count_what_is_missed) {
    tw_chain chain = {0};
    message first = {3, "A", 90, 100, false, {100}, 4, 0, 60}, later = {3, "A", 130, 140, false, {140}, 8, 0, 60};
    take_trades(&chain, &first);
    EXPECT_U64(take_trades(&chain, &later).missed, 3);
    message whole = {4, "A", 150, 160, false, {160}, 30, 0, 0};
    EXPECT_U64(take_trades(&chain, &whole).missed, 1); /* of 22 prints most were told */
    EXPECT_U64(chain.counted_from_seq, 0);
}

TEST(chain_rule, order_events_follow_the_rules_of_a_log_without_totals) {
    wire_order_event events[2] = {{.seq = 100}, {.seq = 110}};
    message first = SAYS(2, "A", 90, 100), again = SAYS(3, "A", 90, 110), hole = SAYS(3, "A", 115, 120);
    wire_order_events orders = {.header = header_of(&first), .event_count = 1, .events = events};
    tw_chain chain = {0};
    EXPECT_I64(chain_take_orders(&chain, &orders).outcome, CHAIN_DELIVER);
    EXPECT_I64(chain_take_orders(&chain, &orders).outcome, CHAIN_DUPLICATE);
    orders = (wire_order_events){.header = header_of(&again), .event_count = 2, .events = events};
    chain_verdict verdict = chain_take_orders(&chain, &orders);
    EXPECT_I64(verdict.outcome, CHAIN_DELIVER);
    EXPECT_U64(verdict.known, 1);
    EXPECT_U64(verdict.missed, 0);
    orders = (wire_order_events){.header = header_of(&hole), .event_count = 0, .events = NULL};
    EXPECT_U64(chain_take_orders(&chain, &orders).missed, 1);
}

TEST(chain_rule, a_break_counts_in_the_totals_only_if_the_feed_tells_what_is_void) {
    tw_chain chain = {0};
    tw_print prints[2] = {{.seq = 100, .quantity = 100}, {.seq = 110, .kind = TW_PRINT_BREAK}};
    message one = SAYS(1, "A", 0, 100), two = SAYS(1, "A", 100, 110), three = SAYS(1, "A", 112, 120);
    wire_trades trades = {.header = header_of(&one), .prints = prints, .print_count = 1, .prints_total = 1};
    chain_take_trades(&chain, &trades);
    trades = (wire_trades){.header = header_of(&two), .prints = prints + 1, .print_count = 1, .prints_total = 1};
    EXPECT_U64(chain_take_trades(&chain, &trades).missed, 0);
    prints[1].seq = 120;
    prints[1].quantity = 100; /* takes one back: after it there is one fewer than what was lost brought */
    trades = (wire_trades){.header = header_of(&three), .prints = prints + 1, .print_count = 1, .prints_total = 3};
    EXPECT_U64(chain_take_trades(&chain, &trades).missed, 3);
}

/* ---- leaders at random ---- */

#define DAY 400

/* The prints of a day, every third source message one. A leader sends from `sent` on, in messages of any size. */
typedef struct leader {
    uint64_t term;
    uint64_t sent; /* the last print it has sent, or takes for sent */
} leader;

static bool is_print(uint64_t seq) {
    return seq % 3 == 1;
}

static uint64_t prints_up_to(uint64_t seq) {
    return (seq + 2) / 3;
}

/* One message of up to `most` prints, none beyond `heard`. False: nothing waits. */
static bool next_trades(leader *from, uint64_t heard, uint32_t most, tw_print prints[8], wire_trades *trades) {
    message m = {.term = from->term, .epoch = "A", .prev_seq = from->sent};
    uint32_t count = 0;
    for (uint64_t seq = from->sent + 1; seq <= heard && count < most; seq++) {
        if (!is_print(seq)) continue;
        prints[count++] = (tw_print){.seq = seq, .quantity = 100};
        m.seq = from->sent = seq;
    }
    *trades = (wire_trades){.header = header_of(&m), .prints = prints, .print_count = count};
    trades->prints_total = prints_up_to(m.seq);
    trades->volume = trades->prints_total * 100;
    return count > 0;
}

/* A takeover: what the old one sent is known up to some earlier point only, so the rest is said again. */
static void take_over(leader *from, tw_random *random) {
    from->term++;
    uint64_t back = tw_random_below(random, 30);
    uint64_t safe = from->sent > back ? from->sent - back : 0;
    while (safe > 0 && !is_print(safe))
        safe--;
    from->sent = safe;
}

static void play_a_day(uint64_t seed, bool lossy) {
    tw_random random;
    tw_random_seed(&random, seed);
    tw_chain chain = {0};
    leader from = {.term = 1};
    uint64_t told = 0, missed = 0;
    message opening = SAYS(1, "A", 0, 0);
    wire_trades nothing = {.header = header_of(&opening)}; /* the day is followed from its start */
    chain_take_trades(&chain, &nothing);
    for (uint64_t heard = 1; heard <= DAY || from.sent + 3 <= DAY; heard += heard <= DAY) {
        tw_print prints[8];
        wire_trades trades;
        if (tw_random_below(&random, 20) == 0) take_over(&from, &random);
        uint64_t up_to = heard <= DAY ? heard : DAY;
        if (!next_trades(&from, up_to, 1 + (uint32_t)tw_random_below(&random, 7), prints, &trades)) continue;
        if (lossy && up_to < DAY && tw_random_below(&random, 10) == 0) continue;
        chain_verdict verdict = chain_take_trades(&chain, &trades);
        if (verdict.outcome != CHAIN_DELIVER) continue;
        missed += verdict.missed;
        for (uint32_t i = verdict.known; i < trades.print_count; i++) {
            EXPECT_MSG(prints[i].seq > told, "seed %llu: %llu twice", (unsigned long long)seed,
                       (unsigned long long)prints[i].seq);
            uint64_t between = prints_up_to(prints[i].seq) - prints_up_to(told) - 1;
            EXPECT_MSG(between <= (i == verdict.known ? verdict.missed : 0),
                       "seed %llu: %llu lost unseen before %llu", (unsigned long long)seed,
                       (unsigned long long)between, (unsigned long long)prints[i].seq);
            told = prints[i].seq;
        }
    }
    if (!lossy)
        EXPECT_MSG(missed == 0, "seed %llu: %llu missed, none was lost", (unsigned long long)seed,
                   (unsigned long long)missed);
}

TEST(chain_rule, every_print_is_told_once_however_often_leaders_change) {
    for (uint64_t seed = 1; seed <= 500; seed++)
        play_a_day(seed, false);
}

TEST(chain_rule, what_is_lost_is_told_and_nothing_else_is_told_twice) {
    for (uint64_t seed = 1; seed <= 500; seed++)
        play_a_day(seed, true);
}

TEST(chain_store, keeps_a_chain_for_each_subject_up_to_its_bound) {
    chain_store store;
    char subject[32];
    chain_store_init(&store, 100);
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(subject, sizeof subject, "XNAS.S%u.trade", i);
        tw_chain *chain = chain_store_get(&store, subject);
        EXPECT(chain != NULL);
        chain->seq = i;
    }
    EXPECT(chain_store_get(&store, "XNAS.MORE.trade") == NULL);
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(subject, sizeof subject, "XNAS.S%u.trade", i);
        EXPECT_U64(chain_store_get(&store, subject)->seq, i);
    }
    chain_store_fini(&store);
}
