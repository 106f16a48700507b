/*
 * The engine and the naive one get the same seeded commands and must say the same. After each command what must always hold is checked
 * on both. TICKWIRE_RANDOM_COMMANDS says how many commands for each seed, TICKWIRE_RANDOM_SEED one seed to run alone.
 */
#include "tests/matcher/crowd.h"
#include "tests/matcher/venue.h"
#include "tests/unit.h"

enum { REPORTS = 16384 };

typedef struct heard {
    mx_report reports[REPORTS];
    mx_sink sink;
} heard;

static void overflow(mx_sink *sink, void *context) {
    (void)sink;
    (void)context;
    abort(); /* more reports than a command of these tests can have */
}

static heard *hear(void) {
    heard *one = calloc(1, sizeof *one);
    EXPECT(one != NULL);
    one->sink = (mx_sink){.reports = one->reports, .capacity = REPORTS, .full = overflow};
    return one;
}

static uint64_t from_environment(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void tell(const char *who, const mx_report *r) {
    fprintf(stderr,
            "  %-5s n %u %s %s order %lu.%lu account %d instrument %d leaves %lu shown %lu executed %lu price %ld "
            "last %lu @ %ld fee %ld\n",
            who, r->n, mx_report_kind_name((mx_report_kind)r->kind), mx_reason_name((mx_reason)r->reason),
            (unsigned long)(r->order_id >> 16), (unsigned long)(r->order_id & 0xFFFF), (int)r->account,
            (int)r->instrument, (unsigned long)r->leaves, (unsigned long)r->shown, (unsigned long)r->executed,
            (long)r->price, (unsigned long)r->last_quantity, (long)r->last_price, (long)r->fee);
}

static void same(const heard *real, const heard *naive, uint64_t seed, uint64_t at, const mx_command *command) {
    uint32_t count = real->sink.count < naive->sink.count ? real->sink.count : naive->sink.count, i = 0;
    while (i < count && memcmp(&real->reports[i], &naive->reports[i], sizeof(mx_report)) == 0)
        i++;
    if (i == real->sink.count && i == naive->sink.count) return;
    fprintf(stderr, "seed %lu, command %lu of kind %u, report %u:\n", (unsigned long)seed, (unsigned long)at,
            command->kind, i);
    if (i < real->sink.count) tell("real", &real->reports[i]);
    if (i < naive->sink.count) tell("naive", &naive->reports[i]);
    EXPECT_MSG(false, "seed %lu: the engines differ at command %lu", (unsigned long)seed, (unsigned long)at);
}

static void same_books(const mx_engine *real, const naive_engine *naive, uint64_t seed, uint64_t at) {
    for (uint32_t instrument = 0; instrument < CROWD_INSTRUMENTS; instrument++) {
        for (unsigned side = TW_BID; side <= TW_ASK; side++) {
            tw_level ours[256], theirs[256];
            uint32_t count = mx_book_top(real, instrument, (tw_side)side, ours, 256);
            bool equal = count == naive_public_book(naive, instrument, (tw_side)side, theirs, 256);
            for (uint32_t i = 0; equal && i < count; i++)
                equal = ours[i].price == theirs[i].price && ours[i].quantity == theirs[i].quantity &&
                        ours[i].orders == theirs[i].orders;
            EXPECT_MSG(equal, "seed %lu: books differ after command %lu", (unsigned long)seed, (unsigned long)at);
        }
    }
}

static void same_accounts(const venue *real, const venue *naive, uint64_t seed, uint64_t at) {
    for (uint32_t account = 0; account < CROWD_ACCOUNTS; account++) {
        mx_money ours[3], theirs[3];
        real->money(real->engine, account, &ours[0], &ours[1], &ours[2]);
        naive->money(naive->engine, account, &theirs[0], &theirs[1], &theirs[2]);
        EXPECT_MSG(memcmp(ours, theirs, sizeof ours) == 0, "seed %lu: money differs after command %lu",
                   (unsigned long)seed, (unsigned long)at);
        for (uint32_t instrument = 0; instrument < CROWD_INSTRUMENTS; instrument++) {
            mx_position_view a, b;
            EXPECT(real->position(real->engine, account, instrument, &a) &&
                   naive->position(naive->engine, account, instrument, &b));
            bool equal = a.quantity == b.quantity && a.cost == b.cost && a.realised == b.realised &&
                         a.average_price == b.average_price && a.open_buys == b.open_buys &&
                         a.open_sells == b.open_sells;
            EXPECT_MSG(equal, "seed %lu: positions differ after command %lu", (unsigned long)seed,
                       (unsigned long)at);
        }
    }
}

/* All at once or nothing; the minimum or nothing: whatever room the input has. */
static void never_half_done(const heard *said, const mx_command *command, uint64_t seed, uint64_t at) {
    const mx_new_order *o = &command->order;
    if (command->kind != MX_NEW_ORDER || (o->tif != MX_FOK && o->minimum == 0)) return;
    for (uint32_t i = 0; i < said->sink.count; i++) {
        const mx_report *r = &said->reports[i];
        if (r->order_id != o->order_id || r->kind != MX_CANCELLED || r->executed == 0) continue;
        EXPECT_MSG(o->tif != MX_FOK && r->executed >= o->minimum,
                   "seed %lu, command %lu: an order was half executed", (unsigned long)seed, (unsigned long)at);
    }
}

typedef struct input_sum {
    uint64_t reports;
    uint32_t most; /* in force at any time of it */
} input_sum;

/* Beyond its bound an input says what ends, which states stop, and two things at most for each command. */
static void stays_within(const heard *said, const mx_input *input, uint32_t in_force, input_sum *sum) {
    if (in_force > sum->most) sum->most = in_force;
    for (uint32_t i = 0; i < said->sink.count; i++) {
        const mx_report *r = &said->reports[i];
        sum->reports += r->kind != MX_CANCELLED && r->kind != MX_EXPIRED && r->kind != MX_SESSION_ENDED &&
                        r->kind != MX_STATE_CHANGED;
    }
    EXPECT_MSG(sum->reports <= sum->most + 8 + 2 * (input->index + 1), "%lu reports in an input of %u commands",
               (unsigned long)sum->reports, input->index + 1);
}

/* How often the bound was met, each in its own way. */
typedef struct met {
    uint64_t rejected, replaces, swept, whole, held;
    uint64_t looks;                         /* refused when the steps were used up */
    uint64_t orders, positions, client_ids; /* other bounds */
} met;

static void count_full(met *to, const heard *said, bool held, bool used_up) {
    to->held += held;
    for (uint32_t i = 0; i < said->sink.count; i++) {
        const mx_report *r = &said->reports[i];
        if (r->duplicate) continue;
        to->orders += r->reason == MXR_ORDERS_FULL;
        to->positions += r->reason == MXR_POSITIONS_FULL;
        to->client_ids += r->reason == MXR_CLIENT_IDS_FULL;
        if (r->reason != MXR_INPUT_FULL) continue;
        to->rejected += r->kind == MX_REJECTED;
        to->replaces += r->kind == MX_REPLACE_REJECTED;
        to->looks += used_up;
        to->whole += r->kind == MX_CANCELLED && r->executed == 0 && r->tif == MX_FOK;
        to->swept += r->kind == MX_CANCELLED && r->executed > 0;
    }
}

static met compare(uint64_t seed, uint64_t commands, uint32_t max_reports) {
    met full = {0};
    input_sum sum = {0};
    venue real = venue_real(), naive = venue_naive();
    heard *ours = hear(), *theirs = hear();
    crowd people;
    crowd_init(&people, seed);
    people.bounds = max_reports;
    tw_error error = {0};
    for (uint64_t at = 0; at < commands; at++) {
        mx_input input;
        mx_command command;
        crowd_next(&people, &input, &command);
        if (input.index == 0) sum = (input_sum){.most = mx_bounds_in_force(real.engine)->max_reports};
        bool held = mx_next_due(real.engine) == mx_now(real.engine);
        real.apply(real.engine, &input, &command, &ours->sink);
        naive.apply(naive.engine, &input, &command, &theirs->sink);
        same(ours, theirs, seed, at, &command);
        EXPECT_MSG(ours->sink.count > 0, "seed %lu: nothing was said to command %lu", (unsigned long)seed,
                   (unsigned long)at);
        stays_within(ours, &input, mx_bounds_in_force(real.engine)->max_reports, &sum);
        never_half_done(ours, &command, seed, at);
        count_full(&full, ours, held, mx_steps(real.engine) >= mx_bounds_in_force(real.engine)->max_steps);
        ours->sink.count = theirs->sink.count = 0;
        EXPECT_MSG(mx_engine_check(real.engine, &error), "seed %lu, command %lu: %s", (unsigned long)seed,
                   (unsigned long)at, error.text);
        const char *broken = naive_broken(naive.engine);
        EXPECT_MSG(broken == NULL, "seed %lu, command %lu: naive: %s", (unsigned long)seed, (unsigned long)at,
                   broken);
        if (at % 16 == 15) same_books(real.engine, naive.engine, seed, at);
        if (at % 64 == 63) same_accounts(&real, &naive, seed, at);
    }
    real.close(real.engine);
    naive.close(naive.engine);
    free(ours);
    free(theirs);
    return full;
}

TEST(matcher_random, both_engines_say_the_same_to_a_seeded_crowd) {
    uint64_t commands = from_environment("TICKWIRE_RANDOM_COMMANDS", 5000),
             one = from_environment("TICKWIRE_RANDOM_SEED", 0);
    if (one != 0) {
        compare(one, commands, 0);
        return;
    }
    for (uint64_t seed = 1; seed <= 8; seed++)
        compare(seed, commands, 0);
}

static void sum_up(met *to, const met *one) {
    to->rejected += one->rejected;
    to->replaces += one->replaces;
    to->swept += one->swept;
    to->whole += one->whole;
    to->held += one->held;
    to->looks += one->looks;
    to->orders += one->orders;
    to->positions += one->positions;
    to->client_ids += one->client_ids;
}

TEST(matcher_random, both_engines_say_the_same_where_bounds_are_near_and_change) {
    uint64_t commands = from_environment("TICKWIRE_RANDOM_COMMANDS", 5000);
    met all = {0};
    uint64_t alone = from_environment("TICKWIRE_RANDOM_SEED", 0);
    if (alone != 0) {
        (void)compare(alone, commands, 4 + (uint32_t)(alone % 4) * 2);
        return;
    }
    for (uint64_t seed = 101; seed <= 108; seed++) {
        met one = compare(seed, commands, 4 + (uint32_t)(seed % 4) * 2);
        sum_up(&all, &one);
    }
    EXPECT_MSG(all.rejected > 100 && all.replaces > 3 && all.swept > 250 && all.whole > 30 && all.held > 100,
               "inputs were full too seldom: %lu orders and %lu replaces refused, %lu sweeps ended, %lu not begun, "
               "%lu times held",
               (unsigned long)all.rejected, (unsigned long)all.replaces, (unsigned long)all.swept,
               (unsigned long)all.whole, (unsigned long)all.held);
    EXPECT_MSG(all.looks > 100, "steps were used up too seldom: %lu times", (unsigned long)all.looks);
    EXPECT_MSG(all.orders > 20 && all.positions > 10 && all.client_ids > 20,
               "bounds were met too seldom: %lu orders, %lu positions, %lu client ids", (unsigned long)all.orders,
               (unsigned long)all.positions, (unsigned long)all.client_ids);
}
