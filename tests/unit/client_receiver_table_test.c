/*
 * The receiver's rules as a table: a book, a message, what the receiver answers, the book after.
 * Then the same rules against a publisher behind a bad network, at random.
 */
#include "base/random.h"
#include "client/receiver.h"
#include "tests/unit.h"

/* Every book of the table has one bid and one ask of 5; the bid's quantity tells the states apart. */
#define BID 1000
#define ASK 1001

typedef struct message {
    bool snapshot;
    uint64_t term;
    const char *epoch;
    uint64_t prev_seq, seq;
    uint64_t bid; /* quantity; 0: no levels in the message, the checksum is of `same` */
    uint64_t same;
    bool wrong_checksum;
} message;

static receiver_hold hold;

static uint32_t checksum_of(uint64_t bid) {
    tw_level b = {BID, bid, 1}, a = {ASK, 5, 1};
    return wire_book_checksum(&b, 1, &a, 1, 10);
}

static receiver_outcome take(receiver_book *book, message m) {
    tw_level bid = {BID, m.bid, 1}, ask = {ASK, 5, 1};
    wire_book_update update = {.depth = 10, .bids = &bid, .asks = &ask};
    update.bid_count = m.bid != 0;
    update.ask_count = m.bid != 0 && (m.snapshot || m.prev_seq == 0);
    update.checksum = checksum_of(m.bid != 0 ? m.bid : m.same) + m.wrong_checksum;
    update.header = (wire_header){.exchange = "XNAS",
                                  .symbol = "AAPL",
                                  .term = m.term,
                                  .prev_seq = m.prev_seq,
                                  .seq = m.seq,
                                  .snapshot = m.snapshot};
    snprintf(update.header.epoch, sizeof update.header.epoch, "%s", m.epoch);
    if (m.bid == 0) { /* a change of state */
        update.header.state = TW_BOOK_STALE;
        update.header.cause = TW_CAUSE_CAPACITY;
    }
    return receiver_book_take(book, &hold, &update);
}

#define SNAPSHOT(t, e, s, q)                                                                                       \
    { .snapshot = true, .term = (t), .epoch = (e), .seq = (s), .bid = (q) }
#define DELTA(t, e, p, s, q)                                                                                       \
    { .term = (t), .epoch = (e), .prev_seq = (p), .seq = (s), .bid = (q) }
#define BROKEN(t, e, p, s, q)                                                                                      \
    { .term = (t), .epoch = (e), .prev_seq = (p), .seq = (s), .bid = (q), .wrong_checksum = true }
#define STATE(t, e, s, q)                                                                                          \
    { .term = (t), .epoch = (e), .prev_seq = (s), .seq = (s), .same = (q) }

typedef enum before {
    NEVER,   /* nothing has come */
    SYNCED,  /* term 2, epoch A, seq 100, bid 10 */
    WAITING, /* SYNCED, then 105->110 (bid 30) came: 100->105 is missing */
    BAD_SUM, /* SYNCED, then 100->105 (bid 20) came with a wrong checksum */
    DOUBTED, /* SYNCED, then the bus was away */
    EPOCH_B  /* SYNCED, then 0->7 (bid 70) of epoch B */
} before;

static void prepare(receiver_book *book, before state) {
    receiver_book_init(book);
    if (state == NEVER) return;
    EXPECT_I64(take(book, (message)SNAPSHOT(2, "A", 100, 10)), RECEIVER_APPLIED_SNAPSHOT);
    if (state == WAITING) EXPECT_I64(take(book, (message)DELTA(2, "A", 105, 110, 30)), RECEIVER_NEED_SNAPSHOT);
    if (state == BAD_SUM) EXPECT_I64(take(book, (message)BROKEN(2, "A", 100, 105, 20)), RECEIVER_CHECKSUM_FAULT);
    if (state == DOUBTED) receiver_book_doubt(book);
    if (state == EPOCH_B) EXPECT_I64(take(book, (message)DELTA(2, "B", 0, 7, 70)), RECEIVER_APPLIED);
}

typedef struct row {
    const char *says;
    before before;
    message message;
    receiver_outcome outcome;
    tw_book_state state; /* after */
    tw_state_cause cause;
    uint64_t seq, bid; /* after; bid 0: an empty book */
} row;

#define OK        TW_BOOK_OK, TW_CAUSE_NONE
#define STARTING  TW_BOOK_RECOVERING, TW_CAUSE_STARTING
#define CHAIN     TW_BOOK_RECOVERING, TW_CAUSE_CHAIN_BROKEN
#define CHECKSUM  TW_BOOK_RECOVERING, TW_CAUSE_CHECKSUM
#define ITS_STATE TW_BOOK_STALE, TW_CAUSE_CAPACITY

/* clang-format off */
static const row table[] = {
    {"a first delta from an empty book starts it",   NEVER,   DELTA(1, "A", 0, 5, 10),      RECEIVER_APPLIED,          OK,        5,   10},
    {"a first snapshot starts it",                   NEVER,   SNAPSHOT(1, "A", 5, 10),      RECEIVER_APPLIED_SNAPSHOT, OK,        5,   10},
    {"a first delta in the middle needs a snapshot", NEVER,   DELTA(1, "A", 4, 5, 10),      RECEIVER_NEED_SNAPSHOT,    STARTING,  0,   0},
    {"a snapshot may be wrong too",                  NEVER,   {.snapshot = true, .term = 1, .epoch = "A", .seq = 5, .bid = 10, .wrong_checksum = true},
                                                                                            RECEIVER_CHECKSUM_FAULT,   CHECKSUM,  5,   10},

    {"prev_seq is mine",                             SYNCED,  DELTA(2, "A", 100, 105, 20),  RECEIVER_APPLIED,          OK,        105, 20},
    {"a change of state alone",                      SYNCED,  STATE(2, "A", 100, 10),       RECEIVER_STATE_ONLY,       ITS_STATE, 100, 10},
    {"a change of state that is past",               SYNCED,  STATE(2, "A", 90, 10),        RECEIVER_DUPLICATE,        OK,        100, 10},
    {"a change of state of what I have not",         SYNCED,  STATE(2, "A", 110, 10),       RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"an old delta again",                           SYNCED,  DELTA(2, "A", 90, 95, 20),    RECEIVER_DUPLICATE,        OK,        100, 10},
    {"my last delta again",                          SYNCED,  DELTA(2, "A", 95, 100, 10),   RECEIVER_DUPLICATE,        OK,        100, 10},
    {"the book's first delta again",                 SYNCED,  DELTA(2, "A", 0, 50, 20),     RECEIVER_DUPLICATE,        OK,        100, 10},
    {"one that overlaps me",                         SYNCED,  DELTA(2, "A", 90, 110, 20),   RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"one is missing",                               SYNCED,  DELTA(2, "A", 105, 110, 20),  RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"the chain starts anew further on",             SYNCED,  DELTA(2, "A", 0, 110, 20),    RECEIVER_APPLIED,          OK,        110, 20},
    {"the checksum does not hold",                   SYNCED,  BROKEN(2, "A", 100, 105, 20), RECEIVER_CHECKSUM_FAULT,   CHECKSUM,  105, 20},
    {"a snapshot that is not newer",                 SYNCED,  SNAPSHOT(2, "A", 100, 20),    RECEIVER_IGNORED_SNAPSHOT, OK,        100, 10},
    {"a snapshot that is older",                     SYNCED,  SNAPSHOT(2, "A", 90, 20),     RECEIVER_IGNORED_SNAPSHOT, OK,        100, 10},
    {"a snapshot that is newer",                     SYNCED,  SNAPSHOT(2, "A", 120, 20),    RECEIVER_APPLIED_SNAPSHOT, OK,        120, 20},

    {"a deposed leader's delta",                     SYNCED,  DELTA(1, "A", 100, 105, 20),  RECEIVER_DROPPED_OLD_TERM, OK,        100, 10},
    {"a deposed leader's snapshot",                  SYNCED,  SNAPSHOT(1, "A", 120, 20),    RECEIVER_DROPPED_OLD_TERM, OK,        100, 10},
    {"a deposed leader's snapshot while I wait",     WAITING, SNAPSHOT(1, "A", 120, 20),    RECEIVER_DROPPED_OLD_TERM, CHAIN,     100, 10},
    {"a new leader goes on where the old one ended", SYNCED,  DELTA(3, "A", 100, 105, 20),  RECEIVER_APPLIED,          OK,        105, 20},
    {"a new leader goes on elsewhere",               SYNCED,  DELTA(3, "A", 90, 95, 20),    RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"a new leader's snapshot, even if not newer",   SYNCED,  SNAPSHOT(3, "A", 90, 20),     RECEIVER_APPLIED_SNAPSHOT, OK,        90,  20},
    {"a new leader starts from an empty book",       SYNCED,  DELTA(3, "A", 0, 50, 20),     RECEIVER_APPLIED,          OK,        50,  20},
    {"a new leader's snapshot while I wait",         WAITING, SNAPSHOT(3, "A", 90, 20),     RECEIVER_APPLIED_SNAPSHOT, OK,        90,  20},

    {"a new epoch starts from an empty book",        SYNCED,  DELTA(2, "B", 0, 7, 20),      RECEIVER_APPLIED,          OK,        7,   20},
    {"a new epoch in its middle",                    SYNCED,  DELTA(2, "B", 100, 105, 20),  RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"a snapshot alone does not tell a new epoch",   SYNCED,  SNAPSHOT(2, "B", 7, 20),      RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"a late snapshot of the epoch that was left",   EPOCH_B, SNAPSHOT(2, "A", 120, 20),    RECEIVER_IGNORED_SNAPSHOT, OK,        7,   70},
    {"a late delta of the epoch that was left",      EPOCH_B, DELTA(2, "A", 100, 105, 20),  RECEIVER_NEED_SNAPSHOT,    CHAIN,     7,   70},
    {"even one from an empty book",                  EPOCH_B, DELTA(2, "A", 0, 105, 20),    RECEIVER_NEED_SNAPSHOT,    CHAIN,     7,   70},
    {"a new leader may go back to an epoch",         EPOCH_B, DELTA(3, "A", 0, 105, 20),    RECEIVER_APPLIED,          OK,        105, 20},

    {"what is held of the old leader is forgotten",  WAITING, SNAPSHOT(3, "A", 105, 20),    RECEIVER_APPLIED_SNAPSHOT, OK,        105, 20},

    {"more deltas are held while I wait",            WAITING, DELTA(2, "A", 110, 115, 40),  RECEIVER_HELD,             CHAIN,     100, 10},
    {"the missing one came late: no snapshot needed",WAITING, DELTA(2, "A", 100, 105, 20),  RECEIVER_APPLIED,          OK,        110, 30},
    {"a snapshot that what is held chains on",       WAITING, SNAPSHOT(2, "A", 105, 20),    RECEIVER_APPLIED_SNAPSHOT, OK,        110, 30},
    {"a snapshot newer than all that is held",       WAITING, SNAPSHOT(2, "A", 130, 60),    RECEIVER_APPLIED_SNAPSHOT, OK,        130, 60},
    {"a snapshot of where I am already",             WAITING, SNAPSHOT(2, "A", 100, 10),    RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"a snapshot older than I am",                   WAITING, SNAPSHOT(2, "A", 90, 60),     RECEIVER_NEED_SNAPSHOT,    CHAIN,     100, 10},
    {"a snapshot between, that nothing chains on",   WAITING, SNAPSHOT(2, "A", 102, 60),    RECEIVER_NEED_SNAPSHOT,    CHAIN,     102, 60},
    {"what I had already, while I wait",             WAITING, DELTA(2, "A", 95, 100, 10),   RECEIVER_DUPLICATE,        CHAIN,     100, 10},

    {"a wrong book takes no delta",                  BAD_SUM, DELTA(2, "A", 105, 110, 30),  RECEIVER_HELD,             CHECKSUM,  105, 20},
    {"nor the one before it",                        BAD_SUM, DELTA(2, "A", 95, 100, 30),   RECEIVER_DUPLICATE,        CHECKSUM,  105, 20},
    {"a snapshot of the same seq heals it",          BAD_SUM, SNAPSHOT(2, "A", 105, 25),    RECEIVER_APPLIED_SNAPSHOT, OK,        105, 25},
    {"an older snapshot does not",                   BAD_SUM, SNAPSHOT(2, "A", 100, 10),    RECEIVER_NEED_SNAPSHOT,    CHECKSUM,  100, 10},

    {"a delta that chains on ends the doubt",        DOUBTED, DELTA(2, "A", 100, 105, 20),  RECEIVER_APPLIED,          OK,        105, 20},
    {"a snapshot of the same seq ends the doubt",    DOUBTED, SNAPSHOT(2, "A", 100, 10),    RECEIVER_APPLIED_SNAPSHOT, OK,        100, 10},
    {"a duplicate proves nothing",                   DOUBTED, DELTA(2, "A", 95, 100, 10),   RECEIVER_DUPLICATE,        CHAIN,     100, 10},

    {"seq below prev_seq is no message",             SYNCED,  DELTA(2, "A", 100, 99, 20),   RECEIVER_REFUSED,          OK,        100, 10},
};
/* clang-format on */

TEST(receiver, answers_every_message_by_the_rules) {
    EXPECT(receiver_hold_init(&hold, 0));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const row *r = &table[i];
        receiver_book book;
        tw_state_cause cause;
        prepare(&book, r->before);
        receiver_outcome outcome = take(&book, r->message);
        tw_book_state state = receiver_book_state(&book, &cause);
        EXPECT_MSG(outcome == r->outcome, "%s: answered %s, expected %s", r->says, receiver_outcome_name(outcome),
                   receiver_outcome_name(r->outcome));
        EXPECT_MSG(state == r->state && cause == r->cause, "%s: shown as %s %s, expected %s %s", r->says,
                   tw_book_state_name(state), tw_state_cause_name(cause), tw_book_state_name(r->state),
                   tw_state_cause_name(r->cause));
        EXPECT_MSG(book.header.seq == r->seq, "%s: at seq %" PRIu64 ", expected %" PRIu64, r->says, book.header.seq,
                   r->seq);
        uint64_t bid = book.bid_count > 0 ? book.bids[0].quantity : 0;
        EXPECT_MSG(bid == r->bid, "%s: bid %" PRIu64 ", expected %" PRIu64, r->says, bid, r->bid);
        receiver_book_fini(&book, &hold);
    }
    receiver_hold_fini(&hold);
}

TEST(receiver, believes_the_second_snapshot_about_a_change_of_epoch) {
    EXPECT(receiver_hold_init(&hold, 0));
    receiver_book book;
    prepare(&book, EPOCH_B);
    EXPECT_I64(take(&book, (message)DELTA(2, "A", 105, 110, 30)), RECEIVER_NEED_SNAPSHOT);
    EXPECT_I64(take(&book, (message)SNAPSHOT(2, "A", 110, 30)), RECEIVER_APPLIED_SNAPSHOT);
    EXPECT(receiver_book_in_sync(&book));
    EXPECT_STR(book.header.epoch, "A");
    receiver_book_fini(&book, &hold);
    prepare(&book, SYNCED);
    EXPECT_I64(take(&book, (message)SNAPSHOT(2, "B", 7, 70)), RECEIVER_NEED_SNAPSHOT);
    EXPECT_I64(take(&book, (message)SNAPSHOT(2, "B", 7, 70)), RECEIVER_APPLIED_SNAPSHOT);
    EXPECT_STR(book.header.epoch, "B");
    receiver_book_fini(&book, &hold);
    receiver_hold_fini(&hold);
}

TEST(receiver, cuts_each_side_to_the_depth_and_keeps_the_best) {
    EXPECT(receiver_hold_init(&hold, 0));
    receiver_book book;
    receiver_book_init(&book);
    tw_level three[] = {{103, 1, 1}, {102, 2, 1}, {101, 3, 1}}, asks[] = {{110, 1, 1}};
    wire_book_update update = {.depth = 3, .bids = three, .asks = asks, .bid_count = 3, .ask_count = 1};
    update.header = (wire_header){.term = 1, .epoch = "A", .seq = 1};
    update.checksum = wire_book_checksum(three, 3, asks, 1, 3);
    EXPECT_I64(receiver_book_take(&book, &hold, &update), RECEIVER_APPLIED);
    /* 105 and 104 come in, 103 leaves: 102 stays, 101 is beyond the depth */
    tw_level change[] = {{105, 7, 1}, {104, 8, 1}, {103, 0, 0}}, after[] = {{105, 7, 1}, {104, 8, 1}, {102, 2, 1}};
    update.bids = change;
    update.ask_count = 0;
    update.header.prev_seq = 1;
    update.header.seq = 2;
    update.checksum = wire_book_checksum(after, 3, asks, 1, 3);
    EXPECT_I64(receiver_book_take(&book, &hold, &update), RECEIVER_APPLIED);
    EXPECT_U64(book.bid_count, 3);
    EXPECT_U64(book.bids[2].price, 102);
    receiver_book_fini(&book, &hold);
    receiver_hold_fini(&hold);
}

TEST(receiver, forgets_all_levels_when_a_delta_starts_from_an_empty_book) {
    EXPECT(receiver_hold_init(&hold, 0));
    receiver_book book;
    prepare(&book, SYNCED);
    tw_level bid = {BID - 5, 9, 1};
    wire_book_update update = {.depth = 10, .bids = &bid, .bid_count = 1};
    update.header = (wire_header){.term = 3, .epoch = "B", .prev_seq = 0, .seq = 2};
    update.checksum = wire_book_checksum(&bid, 1, NULL, 0, 10);
    EXPECT_I64(receiver_book_take(&book, &hold, &update), RECEIVER_APPLIED);
    EXPECT_U64(book.bid_count, 1);
    EXPECT_U64(book.ask_count, 0);
    EXPECT_I64(book.bids[0].price, BID - 5);
    receiver_book_fini(&book, &hold);
    receiver_hold_fini(&hold);
}

TEST(receiver, drops_the_oldest_held_delta_when_full_and_asks_again) {
    EXPECT(receiver_hold_init(&hold, 0));
    receiver_book book;
    prepare(&book, WAITING);
    for (uint64_t seq = 110; seq < 110 + RECEIVER_MAX_HELD; seq++)
        EXPECT_I64(take(&book, (message)DELTA(2, "A", seq, seq + 1, seq)), RECEIVER_HELD);
    EXPECT(hold.pushed_out > 0); /* 64 KiB do not hold a thousand */
    /* the snapshot would have sufficed for the first held delta, but that one is gone */
    EXPECT_I64(take(&book, (message)SNAPSHOT(2, "A", 105, 20)), RECEIVER_NEED_SNAPSHOT);
    EXPECT(!receiver_book_in_sync(&book));
    EXPECT_I64(take(&book, (message)SNAPSHOT(2, "A", 109 + RECEIVER_MAX_HELD, 77)), RECEIVER_APPLIED_SNAPSHOT);
    EXPECT_U64(book.header.seq, 110 + RECEIVER_MAX_HELD);
    EXPECT(receiver_book_in_sync(&book));
    receiver_book_fini(&book, &hold);
    receiver_hold_fini(&hold);
}

/* ---- at random: leaders that take over, a network that loses, repeats and reorders ---- */

#define DEPTH   4
#define PRICES  12
#define DELAYED 24

typedef struct leader {
    uint64_t quantity[2][PRICES]; /* price i and PRICES + i; 0: no level */
    tw_level published[2][DEPTH];
    uint32_t count[2];
    uint64_t term, published_seq, source_seq;
    char epoch[TW_EPOCH_BYTES];
} leader;

typedef struct packet {
    wire_book_update update;
    tw_level levels[2][2 * DEPTH];
} packet;

typedef struct network {
    packet packets[DELAYED];
    unsigned count;
} network;

static uint32_t visible(const leader *l, int side, tw_level *top) {
    uint32_t count = 0;
    for (int i = 0; i < PRICES && count < DEPTH; i++) {
        int at = side == TW_BID ? PRICES - 1 - i : i;
        if (l->quantity[side][at] == 0) continue;
        top[count++] = (tw_level){100 + at + side * PRICES, l->quantity[side][at], 1};
    }
    return count;
}

static bool has_price(const tw_level *levels, uint32_t count, int64_t price, tw_level *found) {
    for (uint32_t i = 0; i < count; i++)
        if (levels[i].price == price) {
            *found = levels[i];
            return true;
        }
    return false;
}

/* What takes the old top to the new one: entries and changes, then removals of levels still in the real book's
 * reach. */
static uint32_t difference(const tw_level *was, uint32_t was_count, const tw_level *now, uint32_t now_count,
                           tw_level *out) {
    uint32_t count = 0;
    tw_level other;
    for (uint32_t i = 0; i < now_count; i++)
        if (!has_price(was, was_count, now[i].price, &other) || other.quantity != now[i].quantity)
            out[count++] = now[i];
    for (uint32_t i = 0; i < was_count; i++)
        if (!has_price(now, now_count, was[i].price, &other)) out[count++] = (tw_level){was[i].price, 0, 0};
    return count;
}

static void fill(const leader *l, packet *p, uint64_t prev_seq, bool snapshot) {
    p->update.depth = DEPTH;
    p->update.header = (wire_header){.exchange = "XNAS",
                                     .symbol = "A",
                                     .term = l->term,
                                     .prev_seq = prev_seq,
                                     .seq = l->published_seq,
                                     .snapshot = snapshot};
    memcpy(p->update.header.epoch, l->epoch, sizeof l->epoch);
    p->update.checksum = wire_book_checksum(l->published[0], l->count[0], l->published[1], l->count[1], DEPTH);
}

/* A source message changes the leader's book; true if a delta came of it. */
static bool step(leader *l, tw_random *random, packet *p) {
    int side = (int)tw_random_below(random, 2);
    l->quantity[side][tw_random_below(random, PRICES)] =
        tw_random_chance(random, 1, 3) ? 0 : 1 + tw_random_below(random, 50);
    l->source_seq += 1 + tw_random_below(random, 3);
    memset(p, 0, sizeof *p);
    uint32_t counts[2];
    for (int s = 0; s < 2; s++) {
        tw_level top[DEPTH];
        uint32_t count = visible(l, s, top);
        counts[s] = difference(l->published[s], l->count[s], top, count, p->levels[s]);
        memcpy(l->published[s], top, sizeof top);
        l->count[s] = count;
    }
    if (counts[0] + counts[1] == 0) return false;
    uint64_t prev_seq = l->published_seq;
    l->published_seq = l->source_seq;
    fill(l, p, prev_seq, false);
    p->update.bid_count = counts[0];
    p->update.ask_count = counts[1];
    return true;
}

static void snapshot_of(const leader *l, packet *p) {
    memset(p, 0, sizeof *p);
    fill(l, p, 0, true);
    memcpy(p->levels[0], l->published[0], sizeof l->published[0]);
    memcpy(p->levels[1], l->published[1], sizeof l->published[1]);
    p->update.bid_count = l->count[0];
    p->update.ask_count = l->count[1];
}

static bool same_side(const tw_level *a, uint32_t a_count, const tw_level *b, uint32_t b_count) {
    if (a_count != b_count) return false;
    for (uint32_t i = 0; i < a_count; i++)
        if (a[i].price != b[i].price || a[i].quantity != b[i].quantity) return false;
    return true;
}

static bool equals_leader(const receiver_book *book, const leader *l) {
    return same_side(book->bids, book->bid_count, l->published[0], l->count[0]) &&
           same_side(book->asks, book->ask_count, l->published[1], l->count[1]);
}

static receiver_outcome deliver(receiver_book *book, packet *p) {
    p->update.bids = p->levels[0];
    p->update.asks = p->levels[1];
    return receiver_book_take(book, &hold, &p->update);
}

/* Every state a leader ever published, to compare a book with the one it says it is. */
typedef struct history {
    leader *states;
    size_t count;
} history;

static const leader *published_as(const history *past, const receiver_book *book) {
    for (size_t i = past->count; i-- > 0;) {
        const leader *l = &past->states[i];
        if (l->published_seq == book->header.seq && strcmp(l->epoch, book->header.epoch) == 0 &&
            l->term <= book->header.term)
            return l;
    }
    return NULL;
}

static void run_random(uint64_t seed) {
    enum { ROUNDS = 1500 };
    tw_random random;
    tw_random_seed(&random, seed);
    history past = {.states = calloc(ROUNDS + 1, sizeof(leader))};
    leader now = {.term = 1};
    snprintf(now.epoch, sizeof now.epoch, "day-1");
    network net = {0};
    receiver_book book;
    receiver_book_init(&book);
    unsigned day = 1, synced_rounds = 0;

    for (int round = 0; round < ROUNDS; round++) {
        packet p;
        if (tw_random_chance(&random, 1, 60)) now.term++; /* a takeover: same state, same numbers */
        if (tw_random_chance(&random, 1, 200)) {          /* a new day under a new leader */
            leader next = {.term = now.term + 1};
            snprintf(next.epoch, sizeof next.epoch, "day-%u", ++day);
            now = next;
        }
        bool published = step(&now, &random, &p);
        past.states[past.count++] = now;
        bool lost = tw_random_chance(&random, 1, 12);
        for (int copies = tw_random_chance(&random, 1, 15) ? 2 : 1; published && !lost && copies > 0; copies--)
            if (net.count < DELAYED) net.packets[net.count++] = p;
        if (!receiver_book_in_sync(&book) && tw_random_chance(&random, 1, 8) && net.count < DELAYED)
            snapshot_of(&now, &net.packets[net.count++]);
        if (tw_random_chance(&random, 1, 300)) receiver_book_doubt(&book);
        /* deliver some, mostly in order */
        while (net.count > 0 && (net.count > 8 || tw_random_chance(&random, 2, 3))) {
            unsigned at = tw_random_chance(&random, 1, 6) ? (unsigned)tw_random_below(&random, net.count) : 0;
            packet next = net.packets[at];
            net.count--;
            memmove(&net.packets[at], &net.packets[at + 1], (net.count - at) * sizeof(packet));
            deliver(&book, &next);
            if (!receiver_book_in_sync(&book)) continue;
            synced_rounds++;
            const leader *truth = published_as(&past, &book);
            EXPECT_MSG(truth != NULL && equals_leader(&book, truth),
                       "seed %" PRIu64 " round %d: shown as OK at seq %" PRIu64 " but it differs", seed, round,
                       book.header.seq);
        }
    }
    EXPECT_MSG(synced_rounds > ROUNDS / 4, "seed %" PRIu64 ": in sync only %u times", seed, synced_rounds);
    /* the network is quiet: one snapshot heals, whatever happened; a second where an epoch was in doubt */
    for (unsigned i = 0; i < net.count; i++)
        deliver(&book, &net.packets[i]);
    for (int i = 0; i < 2; i++) {
        packet p;
        snapshot_of(&now, &p);
        deliver(&book, &p);
    }
    EXPECT_MSG(receiver_book_in_sync(&book) && equals_leader(&book, &now), "seed %" PRIu64 ": did not heal", seed);
    receiver_book_fini(&book, &hold);
    EXPECT_U64(book.held.count, 0);
    free(past.states);
}

TEST(receiver, is_never_shown_as_ok_while_it_differs_and_heals_after_a_snapshot) {
    EXPECT(receiver_hold_init(&hold, 0));
    for (uint64_t seed = 1; seed <= 300; seed++)
        run_random(seed);
    receiver_hold_fini(&hold);
}
