/* Commands of many clients in few messages: none lost, none twice, none out of order, and a client alone waits for nobody. */
#include "base/random.h"
#include "base/text.h"
#include "gateways/orders/batcher.h"
#include "tests/unit.h"

static batcher_options options(void) {
    return (batcher_options){.capacity = 16,
                             .most_under_way = 2,
                             .most_commands = 4,
                             .most_bytes = 64 * 1024,
                             .gather_ns = 10,
                             .sender = "test"};
}

typedef struct told {
    uint64_t tickets[64];
    uint32_t indexes[64];
    uint32_t count;
} told;

static void tell(void *context, uint64_t ticket, uint32_t index) {
    told *t = context;
    t->tickets[t->count] = ticket;
    t->indexes[t->count++] = index;
}

static void put(batcher *b, uint64_t ticket, int64_t now_ns) {
    wire_order_command c = {.kind = WIRE_CANCEL, .order_id = ticket, .account = "ann", .symbol = "A"};
    EXPECT(batcher_put(b, &c, ticket, now_ns));
}

/* How many commands the next batch has, and that they are these; 0: none may leave. */
static uint32_t leave(batcher *b, int64_t now_ns, uint64_t first) {
    batcher_batch batch;
    wire_orders orders;
    wire_order_command c;
    if (!batcher_next(b, now_ns, &batch)) return 0;
    EXPECT(wire_orders_open(&orders, batch.bytes, batch.length) == WIRE_OK);
    EXPECT_STR(orders.header.sender, "test");
    uint32_t count = 0;
    for (; wire_orders_next(&orders, &c); count++)
        EXPECT_U64(c.order_id, first + count);
    EXPECT_U64(count, batch.count);
    batcher_left(b);
    return count;
}

TEST(orders_batcher, a_command_alone_leaves_at_once) {
    batcher_options o = options();
    batcher *b = batcher_alloc(&o);
    put(b, 1, 0);
    EXPECT_U64(leave(b, 0, 1), 1);
    EXPECT_U64(leave(b, 0, 2), 0);
    batcher_free(b);
}

TEST(orders_batcher, while_one_is_under_way_commands_gather_until_it_is_answered_or_full_or_late) {
    batcher_options o = options();
    batcher *b = batcher_alloc(&o);
    told t = {0};
    put(b, 1, 0);
    EXPECT_U64(leave(b, 0, 1), 1);
    put(b, 2, 1);
    put(b, 3, 2);
    EXPECT_U64(leave(b, 2, 2), 0);
    EXPECT_I64(batcher_due_ns(b), 11);
    EXPECT(batcher_done(b, 1, tell, &t)); /* answered */
    EXPECT_U64(leave(b, 3, 2), 2);
    put(b, 4, 5);
    EXPECT_U64(leave(b, 14, 4), 0);
    EXPECT_U64(leave(b, 15, 4), 1); /* late: a second is under way */
    for (uint64_t ticket = 5; ticket < 11; ticket++)
        put(b, ticket, 20);
    EXPECT_U64(leave(b, 99, 5), 0); /* as many as may be are under way */
    EXPECT_I64(batcher_due_ns(b), INT64_MAX);
    EXPECT(batcher_done(b, 3, tell, &t)); /* out of order */
    EXPECT_U64(leave(b, 99, 5), 4);       /* full */
    EXPECT(batcher_done(b, 2, tell, &t));
    EXPECT(!batcher_done(b, 2, tell, &t)); /* only once */
    EXPECT_U64(t.count, 4);
    static const uint64_t tickets[] = {1, 4, 2, 3};
    static const uint32_t indexes[] = {0, 0, 0, 1};
    EXPECT(memcmp(t.tickets, tickets, sizeof tickets) == 0 && memcmp(t.indexes, indexes, sizeof indexes) == 0);
    batcher_free(b);
}

TEST(orders_batcher, what_does_not_fit_is_refused_and_what_waited_too_long_is_taken_back) {
    batcher_options o = options();
    batcher *b = batcher_alloc(&o);
    wire_order_command c = {.kind = WIRE_CANCEL};
    told t = {0};
    for (uint64_t ticket = 1; ticket <= 16; ticket++)
        put(b, ticket, (int64_t)ticket);
    EXPECT(!batcher_put(b, &c, 17, 17));
    EXPECT_U64(leave(b, 17, 1), 4);
    EXPECT(!batcher_put(b, &c, 17, 17)); /* what is under way has its place */
    batcher_take_back(b, 10, tell, &t);
    EXPECT_U64(t.count, 5); /* 5 to 9 */
    EXPECT_U64(t.tickets[0], 5);
    EXPECT_U64(batcher_waiting(b), 7);
    EXPECT(batcher_done(b, 1, tell, &t));
    EXPECT_U64(leave(b, 18, 10), 4);
    batcher_free(b);
}

/* A stream that answers in any order, at any time, or that can't be written to. */
TEST(orders_batcher, each_command_of_a_random_day_is_told_once_and_leaves_in_order) {
    uint64_t seed = 20260102;
    tw_random random;
    tw_random_seed(&random, seed);
    batcher_options o = options();
    o.capacity = 13;
    batcher *b = batcher_alloc(&o);
    static uint8_t told_of[20001];
    memset(told_of, 0, sizeof told_of);
    uint64_t next = 1, left = 0, under_way[BATCHER_MOST_UNDER_WAY], last = 0;
    uint32_t count = 0;
    for (int64_t now_ns = 0; now_ns < 60000; now_ns++) {
        told t = {0};
        if (next <= 20000 && tw_random_chance(&random, 2, 3) && batcher_room(b) > 0) put(b, next++, now_ns);
        batcher_batch batch;
        if (tw_random_chance(&random, 1, 2) && batcher_next(b, now_ns, &batch)) {
            wire_orders orders;
            wire_order_command c;
            EXPECT(wire_orders_open(&orders, batch.bytes, batch.length) == WIRE_OK);
            while (wire_orders_next(&orders, &c)) {
                EXPECT_MSG(c.order_id > last, "seed %" PRIu64 ": %" PRIu64 " after %" PRIu64, seed, c.order_id,
                           last);
                last = c.order_id;
                left++;
            }
            under_way[count++] = batcher_next_number(b);
            batcher_left(b);
        }
        if (count > 0 && tw_random_chance(&random, 1, 3)) {
            uint32_t which = (uint32_t)tw_random_below(&random, count);
            EXPECT(batcher_done(b, under_way[which], tell, &t));
            under_way[which] = under_way[--count];
        }
        if (tw_random_chance(&random, 1, 500)) batcher_take_back(b, now_ns - 3, tell, &t);
        for (uint32_t i = 0; i < t.count; i++)
            EXPECT_MSG(told_of[t.tickets[i]]++ == 0, "seed %" PRIu64 ": ticket %" PRIu64 " twice", seed,
                       t.tickets[i]);
    }
    told t = {0};
    while (count > 0)
        EXPECT(batcher_done(b, under_way[--count], tell, &t));
    batcher_take_back(b, INT64_MAX, tell, &t);
    for (uint32_t i = 0; i < t.count; i++)
        told_of[t.tickets[i]]++;
    for (uint64_t ticket = 1; ticket < next; ticket++)
        EXPECT_MSG(told_of[ticket] == 1, "seed %" PRIu64 ": ticket %" PRIu64 " was told %u times", seed, ticket,
                   told_of[ticket]);
    EXPECT(next > 10000 && left > 9000);
    EXPECT_U64(batcher_room(b), 13);
    batcher_free(b);
}
