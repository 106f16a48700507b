/* Replicas of one shard: they make the same execlog of the same inputs, whoever writes it and however it is cut. */
#include "matcher/replica/replica.h"

#include "base/random.h"
#include "base/text.h"
#include "matcher/wire/translate.h"
#include "tests/support/shelf.h"
#include "tests/unit.h"

#define SECOND  INT64_C(1000000000)
#define OPENING (INT64_C(1700000000) * SECOND)

enum { MOST_INPUTS = 4096, MOST_PARTS = 8192, BUFFER = 2 * 1024 * 1024 };

static const mr_options shard_one = {.exchange = "TWEX",
                                     .bounds = {.shard = 1,
                                                .max_instruments = 16,
                                                .max_accounts = 16,
                                                .max_positions = 256,
                                                .max_orders = 40000,
                                                .max_pages = 4096,
                                                .max_client_ids = 65536,
                                                .max_sessions = 16,
                                                .max_reports = 100000},
                                     .backlog_bytes = 32 << 20,
                                     .recent_bytes = 4 << 20};

typedef struct stored {
    char subject[64];
    uint8_t *bytes;
    size_t length;
} stored;

/* The two streams, in memory. */
typedef struct world {
    stored inputs[MOST_INPUTS]; /* the one of seq s at s - 1 */
    stored log[MOST_PARTS];
    uint32_t input_count, log_count;
    uint8_t buffer[BUFFER];
    wire_parts parts;
} world;

static world *new_world(void) {
    world *w = calloc(1, sizeof *w);
    EXPECT(w != NULL);
    return w;
}

static void forget_log(world *w) {
    for (uint32_t i = 0; i < w->log_count; i++)
        free(w->log[i].bytes);
    w->log_count = 0;
}

static void free_world(world *w) {
    for (uint32_t i = 0; i < w->input_count; i++)
        free(w->inputs[i].bytes);
    forget_log(w);
    free(w);
}

static void store(stored *to, const char *subject, const uint8_t *bytes, size_t length) {
    tw_text_copy(to->subject, sizeof to->subject, subject);
    to->bytes = malloc(length + 1);
    to->length = length;
    memcpy(to->bytes, bytes, length);
}

static void add_input(world *w, const char *subject, const uint8_t *bytes, size_t length) {
    EXPECT(w->input_count < MOST_INPUTS);
    store(&w->inputs[w->input_count++], subject, bytes, length);
}

static void start(world *w) {
    wire_parts_start(&w->parts, w->buffer, sizeof w->buffer);
}

static void send_orders(world *w) {
    size_t length;
    const uint8_t *bytes = wire_orders_finish(&w->parts, &(wire_batch_header){.sender = "test"}, &length);
    add_input(w, "orderbatch.TWEX.1", bytes, length);
}

static void send_controls(world *w) {
    size_t length;
    const uint8_t *bytes = wire_controls_finish(&w->parts, &(wire_batch_header){.sender = "test"}, &length);
    add_input(w, "control.TWEX.1", bytes, length);
}

static void add_control(world *w, wire_control_command c, const char *account, const char *symbol) {
    tw_text_copy(c.account, sizeof c.account, account);
    tw_text_copy(c.symbol, sizeof c.symbol, symbol);
    EXPECT(wire_control_command_add(&w->parts, &c));
}

static wire_control_command control(uint8_t kind) {
    wire_control_command c = wire_control_command_empty;
    c.kind = kind;
    return c;
}

static wire_control_command definition(int32_t price_exponent) {
    wire_control_command c = control(WIRE_DEFINE_INSTRUMENT);
    c.price_exponent = price_exponent;
    c.lot = 1;
    c.protection_ppm = 50000;
    c.tick_from = (wire_ticks){1, {0}};
    c.tick = (wire_ticks){1, {1}};
    c.price = 10000;
    return c;
}

static void add_account(world *w, const char *name) {
    wire_control_command c = control(WIRE_SET_LIMITS);
    add_control(w, control(WIRE_DEFINE_ACCOUNT), name, "");
    c.order_quantity = c.position = MX_UNLIMITED;
    c.order_notional = c.funds = c.exposure = MX_MONEY_MAX;
    c.concentration_ppm = MX_PPM + 1;
    c.open_orders = 1000000;
    add_control(w, c, name, "");
}

static wire_control_command bounds_of(const mx_bounds *in_force) {
    wire_control_command c = control(WIRE_SET_BOUNDS);
    c.max_instruments = in_force->max_instruments;
    c.max_accounts = in_force->max_accounts;
    c.max_positions = in_force->max_positions;
    c.max_orders = in_force->max_orders;
    c.max_pages = in_force->max_pages;
    c.max_client_ids = in_force->max_client_ids;
    c.max_sessions = in_force->max_sessions;
    c.max_reports = in_force->max_reports;
    return c;
}

/* Input 1: AAPL and MSFT, ann and bob, an open day; bounds, unless NULL. */
static world *world_within(const mx_bounds *in_force) {
    world *w = new_world();
    start(w);
    if (in_force != NULL) add_control(w, bounds_of(in_force), "", "");
    add_control(w, definition(-2), "", "AAPL");
    add_control(w, definition(-4), "", "MSFT");
    add_account(w, "ann");
    add_account(w, "bob");
    wire_control_command day = control(WIRE_BEGIN_DAY);
    day.date = 20231114;
    day.end_ns = OPENING + 100000 * SECOND;
    add_control(w, day, "", "");
    wire_control_command open = control(WIRE_SET_STATE);
    open.all_symbols = true;
    open.state = MX_CONTINUOUS;
    add_control(w, open, "", "");
    send_controls(w);
    return w;
}

static world *open_world(void) {
    return world_within(&shard_one.bounds);
}

static wire_order_command limit(const char *account, tw_side side, uint64_t quantity, int64_t price, const char *id,
                                const char *correlation_id) {
    wire_order_command c = wire_order_command_empty;
    tw_text_copy(c.account, sizeof c.account, account);
    tw_text_copy(c.symbol, sizeof c.symbol, "AAPL");
    tw_text_copy(c.client_order_id, sizeof c.client_order_id, id);
    tw_text_copy(c.correlation_id, sizeof c.correlation_id, correlation_id);
    c.side = (uint8_t)side;
    c.quantity = quantity;
    c.price = price;
    return c;
}

static void send_one(world *w, wire_order_command c) {
    start(w);
    EXPECT(wire_order_command_add(&w->parts, &c));
    send_orders(w);
}

/* ---- replicas ---- */

typedef struct station {
    world *world;
    mr_replica *replica;
    uint32_t read; /* of the log */
} station;

static station new_station(world *w) {
    station s = {.world = w};
    tw_error error = {0};
    EXPECT_MSG(mr_alloc(&s.replica, &shard_one, &error) == TW_OK, "%s", error.text);
    return s;
}

static bool behind(const station *s) {
    return mr_seq(s->replica) < s->world->input_count;
}

static bool take_heard(station *s, const mr_listener *listener) {
    uint64_t seq = mr_seq(s->replica) + 1;
    const stored *input = &s->world->inputs[seq - 1];
    const mw_message message = {input->subject, seq, OPENING + (int64_t)seq * SECOND / 100, input->bytes,
                                input->length};
    mw_applied applied;
    return mr_take(s->replica, &message, listener, &applied);
}

static void take(station *s) {
    EXPECT_MSG(take_heard(s, NULL), "%s", mr_fault(s->replica));
}

static void take_all(station *s) {
    while (behind(s))
        take(s);
}

static bool find(station *s) {
    const stored *found = &s->world->log[s->read++];
    return mr_journal_found(s->replica, found->bytes, found->length) != MR_FOUND_FAULT;
}

static void find_all(station *s) {
    while (s->read < s->world->log_count)
        EXPECT_MSG(find(s), "%s", mr_fault(s->replica));
}

static bool write_part(station *s) {
    mr_part part;
    world *w = s->world;
    if (!mr_journal_next(s->replica, &part)) return false;
    EXPECT(part.length <= WIRE_EXECUTION_BYTES);
    EXPECT(w->log_count < MOST_PARTS);
    store(&w->log[w->log_count++], "execlog.TWEX.1", part.bytes, part.length);
    mr_journal_stored(s->replica);
    s->read = w->log_count;
    return true;
}

static void write_all(station *s) {
    while (write_part(s))
        ;
}

/* ---- reading the log ---- */

typedef struct seen {
    mx_report *reports;
    char (*correlations)[WIRE_CORRELATION_BYTES];
    char (*of_orders)[WIRE_CORRELATION_BYTES];
    uint32_t count, capacity;
} seen;

static void on_record(void *context, mr_record *record) {
    seen *to = context;
    EXPECT(to->count < to->capacity);
    tw_text_copy(to->correlations[to->count], WIRE_CORRELATION_BYTES, record->correlation);
    tw_text_copy(to->of_orders[to->count], WIRE_CORRELATION_BYTES, mr_order_correlation(record));
    to->reports[to->count++] = record->report;
}

static seen new_seen(uint32_t capacity) {
    return (seen){.reports = aligned_alloc(16, capacity * sizeof(mx_report)),
                  .correlations = malloc(capacity * sizeof(*(seen){0}.correlations)),
                  .of_orders = malloc(capacity * sizeof(*(seen){0}.of_orders)),
                  .capacity = capacity};
}

static void free_seen(seen *s) {
    free(s->reports);
    free(s->correlations);
    free(s->of_orders);
}

/* Every report of the inputs once, in order, the ranges joined, the parts in their order. */
static void check_log(const world *w, uint64_t last_seq) {
    uint64_t next_first = 1, first = 0, last = 0, seq = 0;
    uint32_t part = 0, parts = 0, n = 0;
    for (uint32_t i = 0; i < w->log_count; i++) {
        wire_executions batch;
        wire_part one;
        EXPECT_I64(wire_executions_open(&batch, w->log[i].bytes, w->log[i].length), WIRE_OK);
        if (part == parts) {
            EXPECT_U64(batch.header.first_seq, next_first);
            EXPECT_U64(batch.header.part, 1);
            first = batch.header.first_seq;
            last = batch.header.last_seq;
            parts = batch.header.parts;
            next_first = last + 1;
        }
        part = batch.header.part;
        EXPECT(batch.header.first_seq == first && batch.header.last_seq == last && batch.header.parts == parts);
        while (wire_executions_next(&batch, &one)) {
            if (one.kind != WIRE_PART_REPORT) continue;
            n = one.report.seq == seq ? n + 1 : 0;
            seq = one.report.seq == seq || one.report.seq == seq + 1 ? one.report.seq : UINT64_MAX;
            EXPECT_U64(one.report.seq, seq);
            EXPECT_U64(one.report.n, n);
        }
    }
    EXPECT_U64(part, parts);
    EXPECT_U64(last, last_seq);
    EXPECT_U64(seq, last_seq);
}

/* ---- a seeded crowd ---- */

static uint32_t below(tw_random *random, uint32_t bound) {
    return (uint32_t)tw_random_below(random, bound);
}

static void random_batch(world *w, tw_random *random, uint32_t most) {
    static const char *const names[] = {"ann", "bob", "nobody"};
    uint32_t count = 1 + below(random, most);
    start(w);
    for (uint32_t i = 0; i < count; i++) {
        char id[24], correlation_id[24];
        tw_text_format(id, sizeof id, "c%u-%u", w->input_count, i);
        tw_text_format(correlation_id, sizeof correlation_id, "k%u", below(random, 1000));
        wire_order_command c =
            limit(names[below(random, 40) % 3 % (1 + below(random, 3))],
                  tw_random_chance(random, 1, 2) ? TW_BID : TW_ASK, 1 + below(random, 100),
                  9900 + below(random, 200), id, tw_random_chance(random, 1, 2) ? correlation_id : "");
        if (tw_random_chance(random, 1, 3)) tw_text_copy(c.symbol, sizeof c.symbol, "MSFT");
        if (tw_random_chance(random, 1, 6)) {
            c.kind = WIRE_CANCEL;
            c.order_id = MX_ORDER_ID(1 + below(random, w->input_count), below(random, 4));
        }
        EXPECT(wire_order_command_add(&w->parts, &c));
    }
    send_orders(w);
}

static void random_input(world *w, tw_random *random) {
    if (tw_random_chance(random, 1, 20)) {
        uint8_t rubbish[24];
        for (size_t i = 0; i < sizeof rubbish; i++)
            rubbish[i] = (uint8_t)below(random, 256);
        add_input(w, "orders.TWEX.1.ann.AAPL", rubbish, sizeof rubbish);
    } else {
        random_batch(w, random, 6);
    }
}

/* 16,000 orders that stand, then one command that ends them all: more reports than one message holds. */
static void send_large(world *w) {
    for (uint32_t batch = 0; batch < 4; batch++) {
        start(w);
        for (uint32_t i = 0; i < 4000; i++) {
            char id[24];
            tw_text_format(id, sizeof id, "large-%u-%u", w->input_count, i);
            wire_order_command c = limit("ann", TW_BID, 10, 1000 + i % 50, id, "correlated");
            EXPECT(wire_order_command_add(&w->parts, &c));
        }
        send_orders(w);
    }
    start(w);
    wire_control_command c = control(WIRE_CONTROL_MASS_CANCEL);
    c.all_symbols = true;
    add_control(w, c, "ann", "");
    send_controls(w);
}

/* ---- tests ---- */

TEST(matcher_replica, what_one_replica_writes_is_what_another_makes_of_the_same_inputs) {
    world *w = open_world();
    tw_random random;
    tw_random_seed(&random, 7);
    for (int i = 0; i < 300; i++)
        random_input(w, &random);
    send_large(w);
    for (int i = 0; i < 20; i++)
        random_input(w, &random);
    station leader = new_station(w), standby = new_station(w);
    while (behind(&leader)) {
        take(&leader);
        if (tw_random_chance(&random, 1, 3)) (void)write_part(&leader);
    }
    write_all(&leader);
    check_log(w, w->input_count);
    uint32_t largest = 0;
    for (uint32_t i = 0; i < w->log_count; i++) {
        wire_executions batch;
        EXPECT_I64(wire_executions_open(&batch, w->log[i].bytes, w->log[i].length), WIRE_OK);
        if (batch.header.parts > largest) largest = batch.header.parts;
    }
    EXPECT_MSG(largest > 2, "no input needed more than two parts");
    take_all(&standby);
    find_all(&standby);
    EXPECT_U64(mr_journaled(standby.replica), w->input_count);
    EXPECT_U64(mr_backlog_bytes(standby.replica), 0);
    EXPECT_U64(mr_hash(standby.replica), mr_hash(leader.replica));
    EXPECT_U64(mr_reports(standby.replica), mr_reports(leader.replica));
    mr_free(leader.replica);
    mr_free(standby.replica);
    free_world(w);
}

/* Leaders die between any two parts; the next one goes on where execlog ends, however far it has read both streams. */
static void change_leaders(uint64_t seed) {
    world *w = open_world();
    tw_random random;
    tw_random_seed(&random, seed);
    station stations[3] = {new_station(w), new_station(w), new_station(w)};
    uint32_t leader = 0;
    for (int step = 0; step < 1500; step++) {
        station *one = &stations[below(&random, 3)];
        if (tw_random_chance(&random, 1, 4) && w->input_count < 400) random_input(w, &random);
        if (tw_random_chance(&random, 1, 400)) send_large(w);
        if (behind(one) && tw_random_chance(&random, 1, 2)) take(one);
        bool leads = one == &stations[leader];
        if (leads && tw_random_chance(&random, 1, 2)) (void)write_part(one);
        if (!leads && one->read < w->log_count)
            EXPECT_MSG(find(one), "seed %" PRIu64 ": %s", seed, mr_fault(one->replica));
        if (tw_random_chance(&random, 1, 50)) {
            leader = below(&random, 3);
            find_all(&stations[leader]);
            while (mr_found_waiting(stations[leader].replica) > 0)
                take(&stations[leader]);
        }
    }
    take_all(&stations[leader]);
    write_all(&stations[leader]);
    check_log(w, w->input_count);
    for (int i = 0; i < 3; i++) {
        take_all(&stations[i]);
        find_all(&stations[i]);
        EXPECT_U64(mr_journaled(stations[i].replica), w->input_count);
        EXPECT_U64(mr_hash(stations[i].replica), mr_hash(stations[0].replica));
    }
    for (int i = 0; i < 3; i++)
        mr_free(stations[i].replica);
    free_world(w);
}

/* As a replay does it that has no execlog beside it. */
TEST(matcher_replica, inputs_foreseen_and_reports_let_go_leave_the_same_state_and_counts) {
    world *w = open_world();
    tw_random random;
    mr_part part;
    tw_random_seed(&random, 21);
    for (unsigned i = 0; i < 300; i++)
        random_batch(w, &random, 8);
    station plain = new_station(w), quick = new_station(w);
    take_all(&plain);
    while (behind(&quick)) {
        uint64_t after_next = mr_seq(quick.replica) + 2;
        if (after_next <= w->input_count && tw_random_chance(&random, 3, 4)) {
            const stored *input = &w->inputs[after_next - 1];
            mr_foresee(quick.replica,
                       &(mw_message){input->subject, after_next, OPENING, input->bytes, input->length});
        }
        take(&quick);
        if (tw_random_chance(&random, 1, 3)) {
            mr_backlog_drop(quick.replica);
            EXPECT_U64(mr_backlog_reports(quick.replica), 0);
            EXPECT_U64(mr_journaled(quick.replica), mr_seq(quick.replica));
            EXPECT(!mr_journal_next(quick.replica, &part));
        }
    }
    EXPECT_U64(mr_hash(quick.replica), mr_hash(plain.replica));
    EXPECT_U64(mr_reports(quick.replica), mr_reports(plain.replica));
    mr_backlog_drop(quick.replica);
    send_one(w, limit("ann", TW_BID, 1, 9000, "last", ""));
    take(&quick); /* and execlog goes on behind what was let go */
    EXPECT(mr_journal_next(quick.replica, &part) && part.first_seq == w->input_count && part.part == 1);
    mr_free(plain.replica);
    mr_free(quick.replica);
    free_world(w);
}

TEST(matcher_replica, leaders_that_change_at_any_point_leave_each_report_once) {
    for (uint64_t seed = 1; seed <= 12; seed++)
        change_leaders(seed);
}

TEST(matcher_replica, one_changed_byte_of_execlog_is_a_fault_that_stays) {
    world *w = open_world();
    tw_random random;
    tw_random_seed(&random, 3);
    for (int i = 0; i < 20; i++)
        random_input(w, &random);
    station leader = new_station(w), standby = new_station(w);
    take_all(&leader);
    write_all(&leader);
    w->log[0].bytes[w->log[0].length / 2] ^= 1;
    take_all(&standby);
    EXPECT(!find(&standby));
    EXPECT_CONTAINS(mr_fault(standby.replica), "execlog");
    mr_part part;
    EXPECT(!mr_journal_next(standby.replica, &part));
    EXPECT(mr_journal_found(standby.replica, w->log[0].bytes, w->log[0].length) == MR_FOUND_FAULT);
    mr_free(leader.replica);
    mr_free(standby.replica);
    free_world(w);
}

TEST(matcher_replica, execlog_that_runs_ahead_is_compared_when_the_inputs_come) {
    world *w = open_world();
    for (int i = 0; i < 3; i++)
        send_one(w, limit("ann", TW_BID, 10, 9990 + i, "", ""));
    station leader = new_station(w), standby = new_station(w);
    while (behind(&leader)) {
        take(&leader);
        write_all(&leader);
    }
    find_all(&standby);
    EXPECT_U64(mr_found_waiting(standby.replica), 4);
    EXPECT_U64(mr_journaled(standby.replica), 0);
    take(&standby);
    take(&standby);
    EXPECT_U64(mr_found_waiting(standby.replica), 2);
    EXPECT_U64(mr_journaled(standby.replica), 2);
    w->inputs[2].bytes[w->inputs[2].length - 2] ^= 1; /* another order than the leader has read */
    EXPECT(!take_heard(&standby, NULL));
    EXPECT_CONTAINS(mr_fault(standby.replica), "inputs 3 to 3, part 1 of 1");
    mr_free(leader.replica);
    mr_free(standby.replica);
    free_world(w);
}

TEST(matcher_replica, what_does_not_follow_what_was_there_is_a_fault) {
    world *w = open_world();
    for (int i = 0; i < 3; i++)
        send_one(w, limit("ann", TW_BID, 10, 9990 + i, "", ""));
    station leader = new_station(w), standby = new_station(w), reader = new_station(w);
    while (behind(&leader)) {
        take(&leader);
        write_all(&leader);
    }
    take_all(&standby);
    EXPECT(find(&standby));
    standby.read++;
    EXPECT(!find(&standby));
    EXPECT_CONTAINS(mr_fault(standby.replica), "does not follow");
    find_all(&reader);
    reader.read = 1; /* again: nothing new */
    find_all(&reader);
    EXPECT_U64(mr_found_waiting(reader.replica), 4);
    EXPECT(mr_journal_found(reader.replica, (const uint8_t *)"\xff\xff", 2) == MR_FOUND_FAULT);
    mr_free(leader.replica);
    mr_free(standby.replica);
    mr_free(reader.replica);
    free_world(w);
}

TEST(matcher_replica, a_part_under_way_stays_the_same_however_much_comes) {
    world *w = open_world();
    for (int i = 0; i < 3; i++)
        send_one(w, limit("ann", TW_BID, 10, 9990 + i, "", ""));
    station leader = new_station(w);
    mr_part first, again;
    take(&leader);
    EXPECT(mr_journal_next(leader.replica, &first));
    EXPECT_U64(first.last_seq, 1);
    uint8_t *kept = malloc(first.length);
    memcpy(kept, first.bytes, first.length);
    take_all(&leader);
    EXPECT(mr_journal_next(leader.replica, &again));
    EXPECT_U64(again.length, first.length);
    EXPECT_BYTES(again.bytes, kept, first.length);
    free(kept);
    mr_journal_stored(leader.replica);
    EXPECT(mr_journal_next(leader.replica, &again));
    EXPECT_U64(again.first_seq, 2);
    EXPECT_U64(again.last_seq, 4); /* what came meanwhile, as one */
    mr_journal_stored(leader.replica);
    EXPECT(!mr_journal_next(leader.replica, &again));
    mr_free(leader.replica);
    free_world(w);
}

TEST(matcher_replica, an_orders_correlation_id_is_in_all_its_reports_and_a_commands_in_its_answer) {
    world *w = open_world();
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", "ann-1")); /* input 2 */
    send_one(w, limit("bob", TW_ASK, 10, 10000, "b1", "bob-1"));
    send_one(w, limit("bob", TW_ASK, 10, 10000, "b1", "bob-again")); /* a duplicate */
    send_one(w, limit("bob", TW_ASK, 5, 10000, "b2", ""));
    wire_order_command cancel = limit("ann", TW_BID, 0, 0, "", "ann-cancels");
    cancel.kind = WIRE_CANCEL;
    cancel.order_id = MX_ORDER_ID(2, 0);
    send_one(w, cancel);
    send_one(w, cancel);
    wire_control_command halt = control(WIRE_SET_STATE);
    halt.state = MX_HALTED;
    tw_text_copy(halt.correlation_id, sizeof halt.correlation_id, "operator");
    start(w);
    add_control(w, halt, "", "AAPL");
    send_controls(w);
    station one = new_station(w);
    seen got = new_seen(64);
    take(&one);
    while (behind(&one))
        EXPECT(take_heard(&one, &(mr_listener){on_record, &got}));
    static const struct {
        uint64_t seq;
        uint8_t kind;
        const char *correlation_id, *of_order;
    } rows[] = {{2, MX_ACCEPTED, "ann-1", ""},
                {3, MX_ACCEPTED, "bob-1", ""},
                {3, MX_FILL, "bob-1", ""},
                {3, MX_FILL, "ann-1", ""},
                {4, MX_ACCEPTED, "bob-again", ""},
                {5, MX_ACCEPTED, "", ""},
                {5, MX_FILL, "", ""},
                {5, MX_FILL, "ann-1", ""},
                {6, MX_CANCELLED, "ann-cancels", "ann-1"},
                {7, MX_CANCEL_REJECTED, "ann-cancels", ""}, /* there is no such order any more */
                {8, MX_STATE_CHANGED, "operator", ""}};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EXPECT_MSG(i < got.count, "only %u reports", got.count);
        EXPECT_U64(got.reports[i].seq, rows[i].seq);
        EXPECT_STR(mx_report_kind_name((mx_report_kind)got.reports[i].kind),
                   mx_report_kind_name((mx_report_kind)rows[i].kind));
        EXPECT_STR(got.correlations[i], rows[i].correlation_id);
        EXPECT_STR(got.of_orders[i], rows[i].of_order);
    }
    free_seen(&got);
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, an_instrument_whose_exponents_change_is_named_as_it_was_then) {
    world *w = open_world();
    start(w);
    add_control(w, definition(-3), "", "MSFT");
    send_controls(w);
    station early = new_station(w), late = new_station(w);
    take(&early);
    write_all(&early); /* before the change */
    take_all(&early);
    write_all(&early);
    take_all(&late); /* long after */
    find_all(&late);
    EXPECT_U64(mr_journaled(late.replica), 2);
    mr_free(early.replica);
    mr_free(late.replica);
    free_world(w);
}

/* ---- bounds ---- */

TEST(matcher_replica, a_full_backlog_says_so_and_has_room_again_when_execlog_has_it) {
    world *w = open_world();
    mr_options small = shard_one;
    small.backlog_bytes = 4096;
    station one = {.world = w};
    tw_error error = {0};
    EXPECT_I64(mr_alloc(&one.replica, &small, &error), TW_OK);
    for (int i = 0; i < 40; i++)
        send_one(w, limit("ann", TW_BID, 10, 9990, "", ""));
    while (mr_room(one.replica) && behind(&one))
        take(&one);
    EXPECT(!mr_room(one.replica));
    EXPECT(behind(&one));
    write_all(&one);
    EXPECT(mr_room(one.replica));
    EXPECT_U64(mr_backlog_reports(one.replica), 0);
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, memory_that_one_input_could_exceed_is_refused_with_what_is_needed) {
    mr_options small = shard_one;
    mr_replica *replica = NULL;
    tw_error error = {0};
    char needed[32];
    small.input_bytes = mr_input_bytes(&small.bounds) - 1;
    EXPECT_I64(mr_alloc(&replica, &small, &error), TW_INVALID);
    EXPECT(replica == NULL);
    tw_text_format(needed, sizeof needed, "need %" PRIu64, mr_input_bytes(&small.bounds));
    EXPECT_CONTAINS(error.text, "--input-memory");
    EXPECT_CONTAINS(error.text, needed);
    small.input_bytes++;
    EXPECT_MSG(mr_alloc(&replica, &small, &error) == TW_OK, "%s", error.text);
    mr_free(replica);
}

static void send_bounds(world *w, uint32_t max_orders) {
    wire_control_command c = control(WIRE_SET_BOUNDS);
    c.max_orders = max_orders;
    start(w);
    add_control(w, c, "", "");
    send_controls(w);
}

static station station_with(world *w, uint32_t max_orders) {
    mr_options options = shard_one;
    station s = {.world = w};
    tw_error error = {0};
    options.bounds.max_orders = max_orders;
    EXPECT_MSG(mr_alloc(&s.replica, &options, &error) == TW_OK, "%s", error.text);
    return s;
}

/* What was refused for want of room is refused again by whoever reads it with more memory; with less than is in force nobody decides. */
TEST(matcher_replica, bounds_are_read_from_the_journal_and_memory_decides_nothing) {
    world *w = world_within(NULL);
    send_bounds(w, 3);
    for (int i = 0; i < 5; i++)
        send_one(w, limit("ann", TW_BID, 10, 9990 - i, "", ""));
    send_bounds(w, 50);
    for (int i = 0; i < 5; i++)
        send_one(w, limit("ann", TW_BID, 10, 9980 - i, "", ""));
    station leader = new_station(w), larger = station_with(w, 100000), smaller = station_with(w, 49);
    take_all(&leader);
    EXPECT_U64(mx_open_orders(mr_engine(leader.replica)), 8);
    write_all(&leader);
    take_all(&larger);
    find_all(&larger);
    EXPECT_U64(mr_hash(larger.replica), mr_hash(leader.replica));
    EXPECT_U64(mr_journaled(larger.replica), w->input_count);
    while (behind(&smaller) && take_heard(&smaller, NULL))
        ;
    EXPECT_CONTAINS(mr_fault(smaller.replica), "--max-orders 50 (this process has 49): start");
    EXPECT(mr_is_short(smaller.replica) && !mr_is_short(leader.replica));
    EXPECT_U64(mr_seq(smaller.replica), 8); /* the command itself: it does not wait until it is full */
    mr_free(leader.replica);
    mr_free(larger.replica);
    mr_free(smaller.replica);
    free_world(w);
}

/* Nobody has said how many orders there may be: two million, then. */
TEST(matcher_replica, memory_that_is_full_before_a_default_bound_is_a_fault_and_no_refusal) {
    world *w = world_within(NULL);
    for (int i = 0; i < 3; i++)
        send_one(w, limit("ann", TW_BID, 10, 9990 - i, "", ""));
    station small = station_with(w, 2);
    seen all = new_seen(64);
    const mr_listener listener = {on_record, &all};
    for (int i = 0; i < 3; i++)
        EXPECT_MSG(take_heard(&small, &listener), "%s", mr_fault(small.replica));
    uint32_t before = all.count;
    EXPECT(!take_heard(&small, &listener));
    EXPECT_U64(all.count, before); /* nobody heard the refusal */
    EXPECT_CONTAINS(mr_fault(small.replica), "--max-orders 2097152 (this process has 2): start");
    free_seen(&all);
    mr_free(small.replica);
    free_world(w);
}

TEST(matcher_replica, all_settings_that_are_too_small_for_the_bounds_are_said_at_once) {
    world *w = world_within(NULL);
    wire_control_command c = control(WIRE_SET_BOUNDS);
    c.max_orders = 1 << 24;
    c.max_positions = 1 << 23;
    c.max_accounts = 1;
    start(w);
    add_control(w, c, "", "");
    send_controls(w);
    station one = station_with(w, 49);
    char positions[96];
    while (behind(&one) && take_heard(&one, NULL))
        ;
    tw_text_format(positions, sizeof positions, "--max-positions 8388608 (this process has %u)",
                   shard_one.bounds.max_positions);
    EXPECT_CONTAINS(mr_fault(one.replica), positions);
    EXPECT_CONTAINS(mr_fault(one.replica), "--max-orders 16777216 (this process has 49)");
    EXPECT(strstr(mr_fault(one.replica), "accounts") == NULL);
    EXPECT(mr_is_short(one.replica));
    mr_free(one.replica);
    free_world(w);
}

/* 4,000 times an iceberg of a thousand parts and an order that takes it whole: twelve million reports, if all of it were done. */
static void send_icebergs(world *w) {
    start(w);
    for (uint32_t i = 0; i < 8000; i++) {
        wire_order_command c = limit(i % 2 == 0 ? "ann" : "bob", i % 2 == 0 ? TW_ASK : TW_BID, 1000, 10000, "", "");
        c.display = i % 2 == 0 ? 1 : 0;
        EXPECT(wire_order_command_add(&w->parts, &c));
    }
    send_orders(w);
}

TEST(matcher_replica, one_message_that_asks_for_millions_of_reports_is_cut_short_and_all_goes_on) {
    world *w = open_world();
    tw_random random;
    tw_random_seed(&random, 11);
    send_large(w);
    send_icebergs(w);
    for (int i = 0; i < 20; i++)
        random_input(w, &random);
    mr_options small = shard_one; /* a backlog that is full before it begins, and what is needed, not a byte more */
    small.backlog_bytes = small.recent_bytes = 4096;
    small.input_bytes = mr_input_bytes(&small.bounds);
    station leader = {.world = w}, standby = new_station(w);
    tw_error error = {0};
    EXPECT_MSG(mr_alloc(&leader.replica, &small, &error) == TW_OK, "%s", error.text);
    while (behind(&leader)) {
        uint64_t before = mr_reports(leader.replica);
        take(&leader);
        EXPECT(mr_reports(leader.replica) - before <= mx_most_reports(&small.bounds));
        if (mr_seq(leader.replica) == 7) EXPECT(mr_reports(leader.replica) - before >= small.bounds.max_reports);
        write_all(&leader);
    }
    check_log(w, w->input_count);
    take_all(&standby);
    find_all(&standby);
    EXPECT_U64(mr_hash(standby.replica), mr_hash(leader.replica));
    mr_free(leader.replica);
    mr_free(standby.replica);
    free_world(w);
}

/* ---- snapshots ---- */

TEST(matcher_replica, a_restored_replica_goes_on_with_what_was_not_in_execlog_and_with_correlation_ids) {
    for (uint64_t seed = 1; seed <= 6; seed++) {
        world *w = open_world();
        tw_random random;
        tw_random_seed(&random, seed);
        for (int i = 0; i < 60; i++)
            random_input(w, &random);
        if (seed % 2 == 0) send_large(w);
        station old = new_station(w), next = new_station(w);
        uint32_t writes = below(&random, 40);
        while (behind(&old)) {
            take(&old);
            if (writes > 0 && tw_random_chance(&random, 1, 2)) writes -= write_part(&old);
        }
        if (seed == 4) (void)write_part(&old); /* perhaps in the middle of a range */
        shelf s = {0};
        tw_error error = {0};
        mr_origin origin = {.orders_created_ns = 11, .execlog_created_ns = 12, .execlog_seq = w->log_count}, back;
        EXPECT_I64(mr_snapshot_write(old.replica, &origin, shelf_keep, &s, &error), TW_OK);
        EXPECT_MSG(mr_snapshot_read(next.replica, &back, shelf_fetch, &s, &error) == TW_OK, "%s", error.text);
        EXPECT(s.at == s.length);
        EXPECT(back.orders_created_ns == 11 && back.execlog_created_ns == 12 && back.execlog_seq == w->log_count);
        EXPECT_U64(mr_seq(next.replica), mr_seq(old.replica));
        EXPECT_U64(mr_hash(next.replica), mr_hash(old.replica));
        EXPECT_U64(mr_backlog_reports(next.replica), mr_backlog_reports(old.replica));
        next.read = w->log_count;
        for (int i = 0; i < 20; i++)
            random_input(w, &random);
        take_all(&next);
        write_all(&next);
        check_log(w, w->input_count);
        take_all(&old);
        find_all(&old); /* the old one makes the same of it, correlation ids included */
        EXPECT_U64(mr_journaled(old.replica), w->input_count);
        free(s.bytes);
        mr_free(old.replica);
        mr_free(next.replica);
        free_world(w);
    }
}

TEST(matcher_replica, a_damaged_snapshot_is_refused_and_leaves_an_empty_replica) {
    world *w = open_world();
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", "ann-1"));
    station old = new_station(w), next = new_station(w);
    take_all(&old);
    shelf s = {0};
    tw_error error = {0};
    mr_origin origin = {0};
    EXPECT_I64(mr_snapshot_write(old.replica, &origin, shelf_keep, &s, &error), TW_OK);
    for (size_t at = 0; at < s.length; at++) {
        s.at = 0;
        s.bytes[at] ^= 0x20;
        EXPECT_MSG(mr_snapshot_read(next.replica, &origin, shelf_fetch, &s, &error) != TW_OK, "byte %zu", at);
        EXPECT_U64(mr_seq(next.replica), 0);
        EXPECT_U64(mr_backlog_reports(next.replica), 0);
        s.bytes[at] ^= 0x20;
    }
    for (size_t length = 0; length < s.length; length += 7) {
        shelf cut = {.bytes = s.bytes, .length = length};
        EXPECT(mr_snapshot_read(next.replica, &origin, shelf_fetch, &cut, &error) != TW_OK);
    }
    s.at = 0;
    EXPECT_MSG(mr_snapshot_read(next.replica, &origin, shelf_fetch, &s, &error) == TW_OK, "%s", error.text);
    EXPECT_U64(mr_seq(next.replica), 2);
    free(s.bytes);
    mr_free(old.replica);
    mr_free(next.replica);
    free_world(w);
}

/* ---- questions ---- */

typedef struct reply {
    wire_query_reply_header header;
    uint32_t orders, positions, executions, accounts, instruments;
    wire_part first;
    uint64_t last_seq;
    uint32_t last_n;
    uint64_t last_order;
} reply;

static wire_query query_of(uint8_t kind, const char *account) {
    wire_query q = {.kind = kind};
    tw_text_copy(q.account, sizeof q.account, account);
    return q;
}

/* `only`: the account that the subject names, or NULL. */
static reply ask_as(mr_replica *replica, const char *only, const uint8_t *bytes, size_t bytes_length) {
    static uint8_t buffer[MR_REPLY_BYTES];
    wire_query_reply read;
    wire_part part;
    size_t length;
    const uint8_t *answer = mr_answer(replica, only, bytes, bytes_length, buffer, sizeof buffer, &length);
    reply r = {0};
    EXPECT_I64(wire_query_reply_open(&read, answer, length), WIRE_OK);
    r.header = read.header;
    while (wire_query_reply_next(&read, &part)) {
        EXPECT_I64(part.fault.kind, WIRE_FAULT_NONE);
        if (r.first.kind == WIRE_PART_NONE) r.first = part;
        r.orders += part.kind == WIRE_PART_ORDER_VIEW;
        r.positions += part.kind == WIRE_PART_POSITION_VIEW;
        r.accounts += part.kind == WIRE_PART_ACCOUNT_VIEW;
        r.instruments += part.kind == WIRE_PART_NAMED_INSTRUMENT;
        if (part.kind == WIRE_PART_ORDER_VIEW) {
            EXPECT(part.order.order_id > r.last_order);
            r.last_order = part.order.order_id;
        }
        if (part.kind != WIRE_PART_REPORT) continue;
        EXPECT(part.report.seq > r.last_seq || part.report.n > r.last_n || r.executions == 0);
        EXPECT_U64(part.report.counter_id, 0);
        r.last_seq = part.report.seq;
        r.last_n = part.report.n;
        r.executions++;
    }
    return r;
}

static reply ask_bytes(mr_replica *replica, const uint8_t *bytes, size_t bytes_length) {
    return ask_as(replica, NULL, bytes, bytes_length);
}

static reply ask_own(mr_replica *replica, const char *only, const wire_query *query) {
    uint8_t bytes[1024];
    return ask_as(replica, only, bytes, wire_query_encode(query, bytes, sizeof bytes));
}

static reply ask(mr_replica *replica, const wire_query *query) {
    uint8_t bytes[1024];
    return ask_bytes(replica, bytes, wire_query_encode(query, bytes, sizeof bytes));
}

TEST(matcher_replica, a_query_that_is_not_answered_is_told_why_under_its_own_name) {
    static uint8_t buffer[MR_REPLY_BYTES];
    uint8_t bytes[256];
    mr_replica *replica;
    tw_error error = {0};
    EXPECT_MSG(mr_alloc(&replica, &shard_one, &error) == TW_OK, "%s", error.text);
    wire_query query = query_of(WIRE_QUERY_ORDERS, "ann");
    wire_query_reply read;
    size_t length;
    tw_text_copy(query.correlation_id, sizeof query.correlation_id, "q-1");
    size_t asked = wire_query_encode(&query, bytes, sizeof bytes);
    const uint8_t *answer =
        mr_answer_not(replica, WIRE_REPLY_BUSY, "later", bytes, asked, buffer, sizeof buffer, &length);
    EXPECT_I64(wire_query_reply_open(&read, answer, length), WIRE_OK);
    EXPECT(read.header.code == WIRE_REPLY_BUSY && read.rest.count == 0);
    EXPECT_STR(read.header.detail, "later");
    EXPECT_STR(read.header.correlation_id, "q-1");
    answer = mr_answer_not(replica, WIRE_REPLY_BAD_REQUEST, "long", (const uint8_t *)"\377", 1, buffer,
                           sizeof buffer, &length);
    EXPECT_I64(wire_query_reply_open(&read, answer, length), WIRE_OK);
    EXPECT(read.header.code == WIRE_REPLY_BAD_REQUEST && read.header.correlation_id[0] == '\0');
    mr_free(replica);
}

TEST(matcher_replica, questions_are_answered_with_the_input_they_are_true_at) {
    world *w = open_world();
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", "ann-1")); /* 2 */
    send_one(w, limit("bob", TW_ASK, 10, 10000, "b1", "bob-1")); /* 3 */
    send_one(w, limit("ann", TW_BID, 5, 9000, "a2", ""));        /* 4 */
    station one = new_station(w);
    take_all(&one);

    wire_query q = query_of(WIRE_QUERY_ORDERS, "ann");
    reply r = ask(one.replica, &q);
    EXPECT_I64(r.header.code, WIRE_REPLY_OK);
    EXPECT_U64(r.header.seq, 4);
    EXPECT_I64(r.header.event_ns, OPENING + 4 * SECOND / 100);
    EXPECT_U64(r.orders, 2);
    EXPECT_U64(r.instruments, 1);
    EXPECT_U64(r.first.order.leaves, 20);
    EXPECT_STR(r.first.order.correlation_id, "ann-1");

    q.limit = 1; /* pages */
    r = ask(one.replica, &q);
    EXPECT(r.orders == 1 && r.header.more);
    q.after = r.header.next;
    r = ask(one.replica, &q);
    EXPECT(r.orders == 1 && !r.header.more);
    EXPECT_U64(r.last_order, MX_ORDER_ID(4, 0));

    q = query_of(WIRE_QUERY_ORDER, "ann"); /* by what its owner calls it */
    tw_text_copy(q.symbol, sizeof q.symbol, "AAPL");
    tw_text_copy(q.client_order_id, sizeof q.client_order_id, "a2");
    EXPECT_U64(ask(one.replica, &q).last_order, MX_ORDER_ID(4, 0));

    q = query_of(WIRE_QUERY_ORDER, "bob"); /* one that has ended */
    q.order_id = MX_ORDER_ID(3, 0);
    r = ask(one.replica, &q);
    EXPECT_U64(r.orders, 1);
    EXPECT_U64(r.first.order.status, MX_STATUS_FILLED);
    EXPECT_U64(r.first.order.executed, 10);
    EXPECT_STR(r.first.order.correlation_id, "bob-1");
    q = query_of(WIRE_QUERY_ORDER, "bob"); /* somebody else's */
    q.order_id = MX_ORDER_ID(2, 0);
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_NOT_FOUND);

    q = query_of(WIRE_QUERY_POSITIONS, "bob");
    r = ask(one.replica, &q);
    EXPECT_U64(r.positions, 1);
    EXPECT_I64(r.first.position.quantity, -10);
    q = query_of(WIRE_QUERY_ACCOUNT, "ann");
    r = ask(one.replica, &q);
    EXPECT_U64(r.accounts, 1);
    EXPECT_U64(r.first.account_view.open_orders, 2);

    q = query_of(WIRE_QUERY_EXECUTIONS, "ann");
    q.after = 2;
    r = ask(one.replica, &q);
    EXPECT_U64(r.executions, 2); /* the fill of 3, the acceptance of 4 */
    q.after = 0;
    tw_text_copy(q.symbol, sizeof q.symbol, "MSFT");
    EXPECT_U64(ask(one.replica, &q).executions, 0);
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, on_an_accounts_own_subject_nothing_is_told_of_another) {
    world *w = open_world();
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", "")); /* 2 */
    send_one(w, limit("bob", TW_ASK, 10, 10000, "b1", "")); /* 3 */
    station one = new_station(w);
    take_all(&one);
    static const uint8_t kinds[] = {WIRE_QUERY_ACCOUNT, WIRE_QUERY_ORDERS, WIRE_QUERY_ORDER, WIRE_QUERY_POSITIONS,
                                    WIRE_QUERY_EXECUTIONS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        wire_query q = query_of(kinds[i], "");
        q.order_id = MX_ORDER_ID(2, 0);
        reply r = ask_own(one.replica, "ann", &q); /* left out, it is the subject's */
        EXPECT_I64(r.header.code, WIRE_REPLY_OK);
        EXPECT_STR(r.header.account, "ann");
        EXPECT(r.orders + r.positions + r.accounts + r.executions > 0);
        tw_text_copy(q.symbol, sizeof q.symbol, "AAPL");
        q.order_id = MX_ORDER_ID(3, 0); /* bob's */
        r = ask_own(one.replica, "ann", &q);
        if (kinds[i] == WIRE_QUERY_ORDER) EXPECT_I64(r.header.code, WIRE_REPLY_NOT_FOUND);
        if (kinds[i] == WIRE_QUERY_POSITIONS) EXPECT_U64(r.positions, 1);
        tw_text_copy(q.account, sizeof q.account, "bob");
        r = ask_own(one.replica, "ann", &q);
        EXPECT_I64(r.header.code, WIRE_REPLY_BAD_REQUEST);
        EXPECT_U64(r.orders + r.positions + r.accounts + r.executions, 0);
        EXPECT_I64(ask_own(one.replica, "zed", &q).header.code, WIRE_REPLY_BAD_REQUEST);
        q.account[0] = '\0';
        EXPECT_I64(ask_own(one.replica, "zed", &q).header.code, WIRE_REPLY_NOT_FOUND);
    }
    wire_query q = query_of(WIRE_QUERY_INSTRUMENT, "");
    tw_text_copy(q.symbol, sizeof q.symbol, "AAPL");
    EXPECT_I64(ask_own(one.replica, "ann", &q).header.code, WIRE_REPLY_BAD_REQUEST);
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, an_instrument_is_told_as_what_would_define_it_and_who_holds_it) {
    world *w = open_world();
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", "")); /* 2 */
    send_one(w, limit("bob", TW_ASK, 10, 10000, "b1", "")); /* 3 */
    station one = new_station(w);
    take_all(&one);
    wire_query q = query_of(WIRE_QUERY_INSTRUMENT, "");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_BAD_REQUEST);
    tw_text_copy(q.symbol, sizeof q.symbol, "AAPL");
    reply r = ask(one.replica, &q);
    EXPECT_I64(r.header.code, WIRE_REPLY_OK);
    EXPECT_I64(r.first.kind, WIRE_PART_DEFINITION);
    mx_instrument_view view;
    mx_command made;
    EXPECT(mx_instrument_get(mr_engine(one.replica), 0, &view));
    mw_control_command(mr_engine(one.replica), &r.first.definition, &made);
    EXPECT_I64(made.kind, MX_DEFINE_INSTRUMENT);
    EXPECT_I64(made.define_instrument.reference_price, view.reference_price);
    made.define_instrument.reference_price = view.definition.reference_price;
    EXPECT(memcmp(&made.define_instrument, &view.definition, sizeof view.definition) == 0);
    tw_text_copy(q.symbol, sizeof q.symbol, "NONE");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_NOT_FOUND);
    q = query_of(WIRE_QUERY_POSITIONS, "");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_BAD_REQUEST);
    tw_text_copy(q.symbol, sizeof q.symbol, "AAPL");
    r = ask(one.replica, &q);
    EXPECT_U64(r.positions, 2);
    EXPECT_STR(r.first.position.account, "ann");
    mr_free(one.replica);
    free_world(w);
}

static void send_state(world *w, mx_state state, const char *symbol) {
    wire_control_command c = control(WIRE_SET_STATE);
    c.state = (uint8_t)state;
    start(w);
    add_control(w, c, "", symbol);
    send_controls(w);
}

TEST(matcher_replica, what_has_moved_away_is_told_page_by_page_until_it_is_brought_back) {
    world *w = open_world();
    start(w);
    add_control(w, definition(-2), "", "IBM");
    send_controls(w);
    send_state(w, MX_MOVED, "AAPL");
    send_state(w, MX_MOVED, "IBM");
    station one = new_station(w);
    take_all(&one);
    wire_query q = query_of(WIRE_QUERY_MOVED, "");
    q.limit = 1;
    reply r = ask(one.replica, &q);
    EXPECT_I64(r.header.code, WIRE_REPLY_OK);
    EXPECT_I64(r.first.kind, WIRE_PART_DEFINITION);
    EXPECT_I64(r.first.definition.kind, WIRE_SET_STATE);
    EXPECT_I64(r.first.definition.state, MX_MOVED);
    EXPECT_STR(r.first.definition.symbol, "AAPL");
    EXPECT(r.header.more);
    q.after = r.header.next;
    r = ask(one.replica, &q);
    EXPECT_STR(r.first.definition.symbol, "IBM");
    EXPECT(!r.header.more);
    EXPECT_I64(ask_own(one.replica, "ann", &q).header.code, WIRE_REPLY_BAD_REQUEST);
    send_state(w, MX_CLOSED, "IBM"); /* it lives here again */
    take_all(&one);
    r = ask(one.replica, &q);
    EXPECT_I64(r.header.code, WIRE_REPLY_OK);
    EXPECT_I64(r.first.kind, WIRE_PART_NONE);
    mr_free(one.replica);
    free_world(w);
}

/* Who has only questions, and no reports, learns from them what became of an order. */
TEST(matcher_replica, an_order_that_has_ended_or_never_was_is_answered_with_the_reason) {
    world *w = open_world();
    wire_order_command refused = limit("ann", TW_BID, 30, 10000, "a1", "why-not"),
                       at_once = limit("ann", TW_BID, 30, 10000, "a2", ""),
                       timed = limit("ann", TW_BID, 30, 9000, "a3", "");
    refused.quantity = 0;
    at_once.tif = MX_IOC;
    timed.tif = MX_GTD;
    timed.expire_ns = OPENING + 11 * SECOND / 200;
    send_one(w, refused);                                    /* 2 */
    send_one(w, at_once);                                    /* 3 */
    send_one(w, timed);                                      /* 4 */
    send_one(w, limit("ann", TW_BID, 1, 9000, "a4", ""));    /* 5 */
    send_one(w, limit("ann", TW_BID, 1, 9000, "a5", ""));    /* 6 */
    send_one(w, limit("bob", TW_ASK, 1, 9000, "b1", "fit")); /* 7: 5 is filled */
    station one = new_station(w);
    take_all(&one);
    const struct {
        uint64_t seq;
        uint8_t status;
        uint32_t reason;
        bool rejected, expired;
    } table[] = {{2, MX_STATUS_NONE, MXR_BAD_QUANTITY, true, false},
                 {3, MX_STATUS_CANCELLED, MXR_IOC_REMAINDER, false, false},
                 {4, MX_STATUS_CANCELLED, MXR_TIME_REACHED, false, true},
                 {5, MX_STATUS_FILLED, MXR_OK, false, false},
                 {6, MX_STATUS_OPEN, MXR_OK, false, false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        wire_query q = query_of(WIRE_QUERY_ORDER, "ann");
        q.order_id = MX_ORDER_ID(table[i].seq, 0);
        reply r = ask(one.replica, &q);
        const wire_order_view *o = &r.first.order;
        EXPECT_U64(r.orders, 1);
        EXPECT_MSG(o->status == table[i].status && o->reason == table[i].reason &&
                       o->rejected == table[i].rejected && o->expired == table[i].expired,
                   "order %" PRIu64 ": status %u, reason %u, rejected %d, expired %d", table[i].seq, o->status,
                   o->reason, o->rejected, o->expired);
    }
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, questions_that_make_no_sense_are_answered_so) {
    world *w = open_world();
    station one = new_station(w);
    take_all(&one);
    wire_query q = query_of(WIRE_QUERY_ORDERS, "");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_BAD_REQUEST);
    q = query_of(WIRE_QUERY_ORDERS, "nobody");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_NOT_FOUND);
    q = query_of(WIRE_QUERY_ORDERS, "ann");
    tw_text_copy(q.symbol, sizeof q.symbol, "NONE");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_NOT_FOUND);
    EXPECT_I64(ask_bytes(one.replica, (const uint8_t *)"\xff\xff\xff", 3).header.code, WIRE_REPLY_BAD_REQUEST);
    tw_random random;
    tw_random_seed(&random, 5);
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[64];
        size_t length = below(&random, sizeof bytes);
        for (size_t b = 0; b < length; b++)
            bytes[b] = (uint8_t)below(&random, 256);
        (void)ask_bytes(one.replica, bytes, length);
    }
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, pages_have_every_order_and_execution_once_also_when_orders_end_between_them) {
    world *w = open_world();
    send_large(w); /* 2 to 5: 16,000 orders; 6 ends them */
    station one = new_station(w);
    for (int i = 0; i < 5; i++)
        take(&one);
    wire_query q = query_of(WIRE_QUERY_ORDERS, "ann");
    uint32_t orders = 0, pages = 0;
    for (reply r = {.header.more = true}; r.header.more; pages++) {
        r = ask(one.replica, &q);
        q.after = r.header.next;
        orders += r.orders;
    }
    EXPECT_U64(orders, 16000);
    EXPECT(pages > 2);
    q = query_of(WIRE_QUERY_ORDERS, "ann"); /* the order that a page ended with is gone */
    q.limit = 10;
    reply r = ask(one.replica, &q);
    wire_order_command cancel = limit("ann", TW_BID, 0, 0, "", "");
    cancel.kind = WIRE_CANCEL;
    cancel.order_id = r.header.next;
    w->input_count--; /* instead of the mass cancel */
    free(w->inputs[w->input_count].bytes);
    send_one(w, cancel);
    take(&one);
    q.after = r.header.next;
    r = ask(one.replica, &q);
    EXPECT_U64(r.first.order.order_id, MX_ORDER_ID(2, 10));
    write_all(&one);
    q = query_of(WIRE_QUERY_EXECUTIONS, "ann");
    uint32_t executions = 0;
    for (r.header.more = true; r.header.more; q.after = r.header.next, q.after_n = r.header.next_n) {
        r = ask(one.replica, &q);
        executions += r.executions;
    }
    EXPECT_U64(executions, 16001 + 2);
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, executions_that_are_not_kept_any_more_are_not_passed_over_silently) {
    world *w = open_world();
    mr_options small = shard_one;
    small.recent_bytes = 300000;
    station one = {.world = w};
    tw_error error = {0};
    EXPECT_I64(mr_alloc(&one.replica, &small, &error), TW_OK);
    for (int i = 0; i < 4000; i++)
        send_one(w, limit("ann", TW_BID, 1, 9000, "", ""));
    while (behind(&one)) {
        take(&one);
        write_all(&one);
        forget_log(w); /* not looked at here */
    }
    wire_query q = query_of(WIRE_QUERY_EXECUTIONS, "ann");
    reply r = ask(one.replica, &q);
    EXPECT_CONTAINS(r.header.detail, "older ones are in execlog");
    EXPECT(r.executions > 0 && r.first.report.seq > 1000);
    q.after = 3999;
    r = ask(one.replica, &q);
    EXPECT_STR(r.header.detail, "");
    EXPECT_U64(r.executions, 2);
    /* Exactly from where on: who has read so far in execlog is not sent there again. */
    q.after = 0;
    r = ask(one.replica, &q);
    q.after = r.first.report.seq - 1;
    q.after_n = UINT32_MAX;
    EXPECT_STR(ask(one.replica, &q).header.detail, "");
    q.after--;
    q.after_n = 0;
    EXPECT_CONTAINS(ask(one.replica, &q).header.detail, "older ones are in execlog");
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, a_restored_replica_says_from_where_on_it_has_executions) {
    world *w = open_world();
    station old = new_station(w), next = new_station(w);
    shelf s = {0};
    tw_error error = {0};
    mr_origin origin = {0};
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", ""));
    take_all(&old);
    write_all(&old);
    uint64_t journaled = mr_journaled(old.replica);
    send_one(w, limit("ann", TW_BID, 31, 10000, "a2", ""));
    take_all(&old); /* its report is in the snapshot */
    EXPECT_I64(mr_snapshot_write(old.replica, &origin, shelf_keep, &s, &error), TW_OK);
    EXPECT_I64(mr_snapshot_read(next.replica, &origin, shelf_fetch, &s, &error), TW_OK);
    wire_query q = query_of(WIRE_QUERY_EXECUTIONS, "ann");
    q.after = 1;
    EXPECT_CONTAINS(ask(next.replica, &q).header.detail, "older ones are in execlog");
    EXPECT_STR(ask(old.replica, &q).header.detail, "");
    q.after = journaled;
    q.after_n = UINT32_MAX;
    EXPECT_STR(ask(next.replica, &q).header.detail, "");
    EXPECT_U64(ask(next.replica, &q).executions, 1);
    free(s.bytes);
    mr_free(old.replica);
    mr_free(next.replica);
    free_world(w);
}

/* ---- names that nobody has ---- */

static wire_order_command of_kind(uint8_t kind, const char *account, const char *symbol, uint64_t order_id) {
    wire_order_command c = limit(account, TW_BID, 5, 10000, "", "why");
    c.kind = kind;
    c.order_id = order_id;
    tw_text_copy(c.symbol, sizeof c.symbol, symbol);
    return c;
}

/* The report in execlog whose place this is. */
static wire_report logged(const world *w, uint64_t seq, uint32_t n) {
    for (uint32_t i = 0; i < w->log_count; i++) {
        wire_executions batch;
        wire_part part;
        EXPECT_I64(wire_executions_open(&batch, w->log[i].bytes, w->log[i].length), WIRE_OK);
        while (wire_executions_next(&batch, &part)) {
            if (part.kind != WIRE_PART_REPORT || part.report.seq != seq || part.report.n != n) continue;
            EXPECT_I64(part.fault.kind, WIRE_FAULT_NONE);
            return part.report;
        }
    }
    EXPECT_MSG(false, "no report %" PRIu64 "-%u in execlog", seq, n);
    return wire_report_empty;
}

TEST(matcher_replica, a_refusal_carries_the_names_that_nobody_has_and_no_others) {
    world *w = open_world();
    const uint64_t anns = MX_ORDER_ID(2, 0);
    send_one(w, limit("ann", TW_BID, 30, 10000, "a1", "ann-1"));
    const struct {
        wire_order_command command;
        uint8_t kind;
        mx_reason reason;
        const char *account, *symbol;
    } rows[] = {
        {of_kind(WIRE_NEW_ORDER, "zoe", "AAPL", 0), MX_REJECTED, MXR_UNKNOWN_ACCOUNT, "zoe", ""},
        {of_kind(WIRE_NEW_ORDER, "zoe", "NONE", 0), MX_REJECTED, MXR_UNKNOWN_ACCOUNT, "zoe", "NONE"},
        {of_kind(WIRE_NEW_ORDER, "ann", "NONE", 0), MX_REJECTED, MXR_UNKNOWN_INSTRUMENT, "", "NONE"},
        {of_kind(WIRE_CANCEL, "zoe", "AAPL", anns), MX_CANCEL_REJECTED, MXR_UNKNOWN_ACCOUNT, "zoe", ""},
        {of_kind(WIRE_REPLACE, "zoe", "AAPL", anns), MX_REPLACE_REJECTED, MXR_UNKNOWN_ACCOUNT, "zoe", ""},
        {of_kind(WIRE_MASS_CANCEL, "zoe", "AAPL", 0), MX_CANCEL_REJECTED, MXR_UNKNOWN_ACCOUNT, "zoe", ""},
        {of_kind(WIRE_MASS_CANCEL, "ann", "NONE", 0), MX_CANCEL_REJECTED, MXR_UNKNOWN_INSTRUMENT, "", "NONE"},
        {of_kind(WIRE_CANCEL, "bob", "AAPL", anns), MX_CANCEL_REJECTED, MXR_UNKNOWN_ORDER, "", ""},
        {of_kind(WIRE_UNKNOWN - 1, "zoe", "NONE", 0), MX_REFUSED, MXR_UNREADABLE, "zoe", "NONE"},
        {of_kind(WIRE_NEW_ORDER, "zoe", "", 0), MX_REJECTED, MXR_NOT_ALLOWED_HERE, "zoe", ""},
        {of_kind(WIRE_NEW_ORDER, "ann", "AAPL", 0), MX_ACCEPTED, MXR_OK, "", ""},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    start(w); /* input 3: all of them in one message */
    for (uint32_t i = 0; i < ROWS; i++)
        EXPECT(wire_order_command_add(&w->parts, &rows[i].command));
    send_orders(w);
    station one = new_station(w);
    take_all(&one);
    write_all(&one);
    for (uint32_t i = 0; i < ROWS; i++) {
        const wire_report r = logged(w, 3, i);
        EXPECT_MSG(r.kind == rows[i].kind && r.reason == rows[i].reason && r.index == i, "%u: %s %s", i,
                   mx_report_kind_name(r.kind), mx_reason_name((mx_reason)r.reason));
        EXPECT_MSG(strcmp(r.account_name, rows[i].account) == 0 && strcmp(r.symbol, rows[i].symbol) == 0,
                   "%u: '%s' '%s'", i, r.account_name, r.symbol);
        EXPECT_MSG(r.account_name[0] == '\0' || r.account == WIRE_NUMBER_ABSENT, "%u", i);
        EXPECT_STR(r.correlation_id, "why");
        EXPECT_STR(r.order_correlation_id, ""); /* ann's is hers */
    }
    mr_free(one.replica);
    free_world(w);
}

/* A payload that can't be read is its subject's; names there may be of bytes that no message may repeat. */
TEST(matcher_replica, what_cannot_be_read_is_refused_under_the_names_of_its_subject) {
    world *w = open_world();
    static const uint8_t rubbish[] = {0xff};
    static const struct {
        const char *subject, *account, *symbol;
    } rows[] = {{"orders.TWEX.1.zoe.AAPL", "zoe", ""},
                {"orders.TWEX.1.ann.NO%2EE", "", "NO.E"},
                {"orders.TWEX.1.%C3%BC.X", "\xc3\xbc", "X"},
                {"orders.TWEX.1.%FF.%FE", "", ""},
                {"orders.TWEX.1.ann.AAPL", "", ""},
                {"control.TWEX.1", "", ""},
                {"orderbatch.TWEX.1", "", ""},
                {"fills.TWEX.AAPL", "", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        add_input(w, rows[i].subject, rubbish, sizeof rubbish);
    wire_order_command c = limit("", TW_BID, 5, 10000, "", "");
    c.symbol[0] = '\0';
    start(w); /* readable, and as strange */
    EXPECT(wire_order_command_add(&w->parts, &c));
    send_orders(w);
    tw_text_copy(w->inputs[w->input_count - 1].subject, 64, "orders.TWEX.1.%FF.AAPL");
    station one = new_station(w);
    take_all(&one);
    write_all(&one);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const wire_report r = logged(w, 2 + i, 0);
        EXPECT_U64(r.reason, MXR_UNREADABLE);
        EXPECT_STR(r.account_name, rows[i].account);
        EXPECT_STR(r.symbol, rows[i].symbol);
    }
    const wire_report last = logged(w, w->input_count, 0);
    EXPECT_U64(last.reason, MXR_UNKNOWN_ACCOUNT);
    EXPECT_STR(last.account_name, "");
    mr_free(one.replica);
    free_world(w);
}

/* Whoever else gets the number that it would have had, before or after its report is cut. */
TEST(matcher_replica, a_refused_definition_is_reported_by_the_name_that_it_would_have_given) {
    world *w = open_world();
    wire_control_command bad_account = control(WIRE_DEFINE_ACCOUNT), bad_instrument = definition(-2);
    bad_account.fee_class = 99;
    bad_instrument.lot = 0;
    start(w); /* input 2 */
    add_control(w, bad_account, "carol", "");
    add_control(w, bad_instrument, "", "GOOG");
    send_controls(w);
    start(w); /* input 3 */
    add_control(w, control(WIRE_DEFINE_ACCOUNT), "dora", "");
    add_control(w, definition(-2), "", "IBM");
    send_controls(w);
    station early = new_station(w), late = new_station(w);
    while (behind(&early)) {
        take(&early);
        write_all(&early);
    }
    take_all(&late);
    find_all(&late);
    EXPECT_U64(mr_journaled(late.replica), 3);
    const wire_report account = logged(w, 2, 0), instrument = logged(w, 2, 1);
    EXPECT(account.kind == MX_REFUSED && account.account == WIRE_NUMBER_ABSENT);
    EXPECT_STR(account.account_name, "carol");
    EXPECT(instrument.kind == MX_REFUSED && instrument.instrument == WIRE_NUMBER_ABSENT);
    EXPECT_STR(instrument.symbol, "GOOG");
    mr_free(early.replica);
    mr_free(late.replica);
    free_world(w);
}

/* zoe and yan order before anybody knows zoe; then she is defined. */
static void send_strangers(world *w) {
    for (int i = 0; i < 3; i++) { /* 2 to 7 */
        send_one(w, limit("zoe", TW_BID, 5, 10000, "z1", "zoe-1"));
        send_one(w, limit("yan", TW_BID, 5, 10000, "y1", "yan-1"));
    }
    send_one(w, of_kind(WIRE_NEW_ORDER, "zoe", "NONE", 0)); /* 8 */
    start(w);                                               /* 9 */
    add_account(w, "zoe");
    send_controls(w);
    send_one(w, limit("zoe", TW_BID, 5, 10000, "z2", "zoe-2")); /* 10 */
}

static reply ask_executions(mr_replica *replica, const char *account, uint64_t after) {
    wire_query q = query_of(WIRE_QUERY_EXECUTIONS, account);
    q.after = after;
    q.after_n = after > 0 ? UINT32_MAX : 0;
    return ask(replica, &q);
}

static reply ask_order(mr_replica *replica, const char *account, uint64_t order_id) {
    wire_query q = query_of(WIRE_QUERY_ORDER, account);
    q.order_id = order_id;
    return ask(replica, &q);
}

TEST(matcher_replica, who_was_refused_before_anybody_knew_it_finds_that_by_its_name) {
    world *w = open_world();
    send_strangers(w);
    station one = new_station(w);
    while (mr_seq(one.replica) < 8)
        take(&one);
    /* unknown: */
    reply r = ask_executions(one.replica, "zoe", 0);
    EXPECT_I64(r.header.code, WIRE_REPLY_OK);
    EXPECT_U64(r.executions, 4);
    EXPECT_STR(r.first.report.account_name, "zoe");
    EXPECT_STR(r.first.report.correlation_id, "zoe-1");
    EXPECT_U64(ask_executions(one.replica, "zoe", 4).executions, 2); /* 6 and 8 */
    EXPECT_U64(ask_executions(one.replica, "yan", 0).executions, 3);
    EXPECT_I64(ask_executions(one.replica, "xaver", 0).header.code, WIRE_REPLY_NOT_FOUND);
    r = ask_order(one.replica, "zoe", MX_ORDER_ID(4, 0));
    EXPECT_U64(r.orders, 1);
    EXPECT(r.first.order.rejected && r.first.order.reason == MXR_UNKNOWN_ACCOUNT);
    EXPECT_STR(r.first.order.client_order_id, "z1");
    EXPECT_STR(r.first.order.correlation_id, "zoe-1");
    EXPECT_U64(r.instruments, 1);
    EXPECT_STR(ask_order(one.replica, "zoe", MX_ORDER_ID(8, 0)).first.order.symbol, "NONE");
    EXPECT_I64(ask_order(one.replica, "zoe", MX_ORDER_ID(3, 0)).header.code, WIRE_REPLY_NOT_FOUND); /* yan's */
    EXPECT_I64(ask_order(one.replica, "", MX_ORDER_ID(4, 0)).header.code, WIRE_REPLY_NOT_FOUND);
    wire_query q = query_of(WIRE_QUERY_ORDERS, "zoe");
    EXPECT_I64(ask(one.replica, &q).header.code, WIRE_REPLY_NOT_FOUND);
    /* known: */
    take_all(&one);
    EXPECT_U64(ask_executions(one.replica, "zoe", 0).executions, 4 + 2 + 1);
    EXPECT_U64(ask_executions(one.replica, "zoe", 6).executions, 1 + 2 + 1);
    EXPECT_U64(ask_executions(one.replica, "zoe", 9).executions, 1);
    EXPECT_U64(ask_order(one.replica, "zoe", MX_ORDER_ID(4, 0)).orders, 1);
    q = query_of(WIRE_QUERY_EXECUTIONS, "zoe"); /* pages */
    q.limit = 1;
    uint32_t executions = 0;
    for (r.header.more = true; r.header.more; q.after = r.header.next, q.after_n = r.header.next_n) {
        r = ask(one.replica, &q);
        executions += r.executions;
    }
    EXPECT_U64(executions, 4 + 2 + 1);
    mr_free(one.replica);
    free_world(w);
}

/* However many strangers there are: a page looks at so many of their records, and says how far it came. */
TEST(matcher_replica, a_crowd_of_strangers_costs_who_asks_a_page_at_most) {
    world *w = open_world();
    wire_order_command c = limit("yan", TW_BID, 5, 10000, "", "");
    for (int input = 2; input <= 3; input++) {
        start(w);
        for (int i = 0; i < 35000; i++)
            EXPECT(wire_order_command_add(&w->parts, &c));
        send_orders(w);
    }
    send_one(w, limit("zoe", TW_BID, 5, 10000, "z1", "zoe-1")); /* 4 */
    station one = new_station(w);
    take_all(&one);
    reply r = ask_executions(one.replica, "zoe", 0);
    EXPECT(r.executions == 0 && r.header.more);
    EXPECT(r.header.next == 3 && r.header.next_n == (1u << 16) - 35000 - 1);
    wire_query q = query_of(WIRE_QUERY_EXECUTIONS, "zoe");
    q.after = r.header.next;
    q.after_n = r.header.next_n;
    r = ask(one.replica, &q);
    EXPECT(r.executions == 1 && !r.header.more);
    EXPECT_U64(ask_order(one.replica, "zoe", MX_ORDER_ID(4, 0)).orders, 1);
    mr_free(one.replica);
    free_world(w);
}

static void send_crowd(world *w, const char *account, const char *symbol) {
    wire_order_command c = limit(account, TW_BID, 5, 10000, "", "");
    tw_text_copy(c.symbol, sizeof c.symbol, symbol);
    start(w);
    for (int i = 0; i < 35000; i++)
        EXPECT(wire_order_command_add(&w->parts, &c));
    send_orders(w);
}

/* Records, not time: what is kept between two of a quiet account is passed over, and what can't be is passed over page by page. */
TEST(matcher_replica, what_a_question_costs_does_not_grow_with_what_is_kept) {
    world *w = open_world();
    send_one(w, limit("zoe", TW_BID, 5, 10000, "", ""));
    send_one(w, limit("bob", TW_BID, 5, 9000, "", ""));
    for (int i = 0; i < 4; i++) /* 4 to 7 */
        send_crowd(w, "ann", "NONE");
    send_one(w, limit("zoe", TW_BID, 5, 10000, "", "")); /* 8 */
    send_one(w, limit("bob", TW_BID, 5, 9000, "", ""));
    station one = new_station(w);
    take_all(&one);
    const struct {
        const char *account;
        uint64_t order_id, after; /* one of them */
        wire_reply_code code;
        uint64_t items, most;
    } rows[] = {
        {"bob", MX_ORDER_ID(5, 7), 0, WIRE_REPLY_NOT_FOUND, 0, 100}, /* ann's */
        {"zoe", MX_ORDER_ID(5, 7), 0, WIRE_REPLY_NOT_FOUND, 0, 100},
        {"yan", MX_ORDER_ID(5, 7), 0, WIRE_REPLY_NOT_FOUND, 0, 100},
        {"ann", MX_ORDER_ID(3, 0), 0, WIRE_REPLY_NOT_FOUND, 0, 100}, /* bob's */
        {"ann", MX_ORDER_ID(8, 0), 0, WIRE_REPLY_NOT_FOUND, 0, 100}, /* zoe's */
        {"zoe", MX_ORDER_ID(8, 0), 0, WIRE_REPLY_OK, 1, 100},
        {"ann", MX_ORDER_ID(7, 7), 0, WIRE_REPLY_OK, 1, 5000},
        {"bob", 0, 5, WIRE_REPLY_OK, 1, 100},
        {"zoe", 0, 5, WIRE_REPLY_OK, 1, 100},
        {"yan", 0, 5, WIRE_REPLY_OK, 0, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t before = mr_looked(one.replica);
        reply r = rows[i].order_id != 0 ? ask_order(one.replica, rows[i].account, rows[i].order_id)
                                        : ask_executions(one.replica, rows[i].account, rows[i].after);
        uint64_t looked = mr_looked(one.replica) - before;
        EXPECT_MSG(looked <= rows[i].most, "row %zu: %" PRIu64 " records", i, looked);
        EXPECT_MSG((int)r.header.code == (int)rows[i].code && r.orders + r.executions == rows[i].items,
                   "row %zu: code %d, %u items", i, (int)r.header.code, (unsigned)(r.orders + r.executions));
    }
    mr_free(one.replica);
    free_world(w);
}

/* Many of one account, then many of another, then one: neither its own list nor the shelf is short. */
TEST(matcher_replica, a_page_that_finds_nothing_yet_says_how_far_it_came) {
    world *w = open_world();
    const char *const names[] = {"ann", "zoe"}; /* her own records, and strangers' */
    for (int i = 0; i < 2; i++)
        send_crowd(w, names[i], "NONE"); /* 2, 3 */
    for (int i = 0; i < 2; i++)
        send_crowd(w, "bob", "NONE"); /* 4, 5 */
    for (int i = 0; i < 2; i++)
        send_one(w, limit(names[i], TW_BID, 5, 9000, "", "")); /* 6, 7 */
    station one = new_station(w);
    take_all(&one);
    for (uint64_t i = 0; i < 2; i++) {
        wire_query q = query_of(WIRE_QUERY_EXECUTIONS, names[i]);
        q.after = 3;
        q.after_n = UINT32_MAX;
        uint32_t pages = 0, executions = 0;
        reply r = {.header.more = true};
        for (; r.header.more && pages < 100; pages++, q.after = r.header.next, q.after_n = r.header.next_n) {
            uint64_t before = mr_looked(one.replica);
            r = ask(one.replica, &q);
            executions += r.executions;
            EXPECT(mr_looked(one.replica) - before <= 1u << 16);
            EXPECT(!r.header.more || r.header.next > q.after || r.header.next_n > q.after_n || q.after == 3);
        }
        EXPECT_MSG(pages > 1 && executions == 1 && r.first.report.seq == 6 + i, "%s: %u pages, %u executions",
                   names[i], pages, executions);
    }
    mr_free(one.replica);
    free_world(w);
}

TEST(matcher_replica, names_that_nobody_has_are_in_snapshots_and_gone_with_their_records) {
    world *w = open_world();
    mr_options small = shard_one;
    small.recent_bytes = 100000;
    station old = {.world = w}, next = {.world = w};
    tw_error error = {0};
    mr_origin origin = {0};
    shelf s = {0};
    EXPECT_I64(mr_alloc(&old.replica, &small, &error), TW_OK);
    EXPECT_I64(mr_alloc(&next.replica, &small, &error), TW_OK);
    send_strangers(w);
    take_all(&old);
    EXPECT_I64(mr_snapshot_write(old.replica, &origin, shelf_keep, &s, &error), TW_OK);
    EXPECT_MSG(mr_snapshot_read(next.replica, &origin, shelf_fetch, &s, &error) == TW_OK, "%s", error.text);
    EXPECT_U64(ask_executions(next.replica, "zoe", 0).executions, 4 + 2 + 1);
    EXPECT_STR(ask_order(next.replica, "zoe", MX_ORDER_ID(8, 0)).first.order.symbol, "NONE");
    write_all(&next);
    find_all(&old);
    EXPECT_U64(mr_journaled(old.replica), w->input_count);
    /* strangers leave the list as others leave theirs */
    for (int i = 0; i < 3000; i++)
        send_one(w, limit("yan", TW_BID, 1, 9000, "", ""));
    while (behind(&next)) {
        take(&next);
        write_all(&next);
        forget_log(w);
    }
    reply r = ask_executions(next.replica, "zoe", 0);
    EXPECT_CONTAINS(r.header.detail, "older ones are in execlog");
    EXPECT_U64(r.executions, 0);
    EXPECT_I64(r.header.code, WIRE_REPLY_OK); /* there is an account zoe */
    r = ask_executions(next.replica, "xaver", 0);
    EXPECT_I64(r.header.code, WIRE_REPLY_NOT_FOUND);
    EXPECT_CONTAINS(r.header.detail, "older ones are in execlog");
    EXPECT_I64(ask_order(next.replica, "zoe", MX_ORDER_ID(4, 0)).header.code, WIRE_REPLY_NOT_FOUND);
    r = ask_executions(next.replica, "yan", 0);
    EXPECT(r.executions > 0 && r.first.report.seq > 1000);
    free(s.bytes);
    mr_free(old.replica);
    mr_free(next.replica);
    free_world(w);
}
