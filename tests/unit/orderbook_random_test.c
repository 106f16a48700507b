/*
 * Random sequences, the fast book against the naive one: the same result, the same change, the same view
 * after every command, and the invariants now and then. A failure prints shape, seed and step; with
 * TICKWIRE_SEED=n all shapes run with that seed.
 */
#include "base/random.h"
#include "orderbook/book.h"
#include "tests/support/naive_book.h"
#include "tests/unit.h"

typedef struct book_shape {
    const char *name;
    ob_limits limits;
    uint32_t steps;
    uint32_t prices;    /* that orders are spread over */
    int64_t tick;       /* between them */
    int64_t middle;     /* price around which they lie */
    uint32_t ids;       /* from which a new order's id is drawn */
    uint64_t id_stride; /* id = number * stride */
    uint32_t growth;    /* of 100 commands, how many add while the book is small */
    uint64_t max_quantity;
    bool full; /* the limits are reached: commands are refused */
} book_shape;

typedef struct book_run {
    const book_shape *shape;
    ob_books *books;
    naive_book naive;
    tw_random random;
    uint64_t seed;
    uint32_t step;
    uint32_t refused; /* for want of memory */
} book_run;

#define FAIL_UNLESS(condition, what)                                                                               \
    EXPECT_MSG(condition, "shape \"%s\", seed %" PRIu64 ", step %u: %s", run->shape->name, run->seed, run->step,   \
               what)

static uint64_t draw(book_run *run, uint64_t bound) {
    return tw_random_below(&run->random, bound);
}

static int64_t draw_price(book_run *run) {
    const book_shape *shape = run->shape;
    return shape->middle + ((int64_t)draw(run, shape->prices) - (int64_t)shape->prices / 2) * shape->tick;
}

static uint64_t draw_id(book_run *run) {
    return draw(run, run->shape->ids) * run->shape->id_stride;
}

/* Mostly an order that rests, sometimes any id. */
static uint64_t draw_known_id(book_run *run, uint32_t *instrument) {
    *instrument = (uint32_t)draw(run, run->shape->limits.max_instruments);
    if (run->naive.count == 0 || draw(run, 20) == 0) return draw_id(run);
    const ob_order *order = &run->naive.orders[draw(run, run->naive.count)];
    *instrument = order->instrument;
    return order->order_id;
}

static void compare_changes(book_run *run, const ob_change *fast, const ob_change *naive) {
    FAIL_UNLESS(fast->side == naive->side, "sides of the change differ");
    FAIL_UNLESS(fast->price == naive->price, "prices of the change differ");
    FAIL_UNLESS(fast->quantity == naive->quantity, "quantities of the change differ");
    FAIL_UNLESS(fast->remaining == naive->remaining, "remainders of the change differ");
    FAIL_UNLESS(fast->rank == naive->rank, "ranks of the change differ");
}

static void compare_level(book_run *run, uint32_t instrument, tw_side side, int64_t price) {
    ob_order fast[32], naive[32];
    uint32_t count = ob_level_orders(run->books, instrument, side, price, fast, 32);
    FAIL_UNLESS(count == naive_level_orders(&run->naive, instrument, side, price, naive, 32),
                "numbers of orders at a price differ");
    for (uint32_t i = 0; i < count; i++) {
        FAIL_UNLESS(fast[i].order_id == naive[i].order_id, "priorities differ");
        FAIL_UNLESS(fast[i].quantity == naive[i].quantity, "quantities of an order differ");
        FAIL_UNLESS(fast[i].price == price && fast[i].side == side && fast[i].instrument == instrument,
                    "an order is described wrongly");
    }
}

static void compare_books(book_run *run, uint32_t instrument) {
    for (tw_side side = TW_BID; side <= TW_ASK; side++) {
        tw_level fast[12], naive[12];
        uint32_t count = ob_book_top(run->books, instrument, side, fast, 12);
        FAIL_UNLESS(count == naive_book_top(&run->naive, instrument, side, naive, 12), "depths differ");
        for (uint32_t i = 0; i < count; i++) {
            FAIL_UNLESS(fast[i].price == naive[i].price, "prices of a level differ");
            FAIL_UNLESS(fast[i].quantity == naive[i].quantity, "quantities of a level differ");
            FAIL_UNLESS(fast[i].orders == naive[i].orders, "order counts of a level differ");
        }
        if (count > 0) compare_level(run, instrument, side, fast[draw(run, count)].price);
    }
    FAIL_UNLESS(ob_book_orders(run->books, instrument) == naive_book_orders(&run->naive, instrument),
                "numbers of orders differ");
    FAIL_UNLESS(ob_books_orders(run->books) == run->naive.count, "numbers of all orders differ");
}

/* Refusals for want of memory are the fast book's own: then the order book must be as it was. */
static bool refused(book_run *run, ob_result result) {
    if (result != OB_FULL_ORDERS && result != OB_FULL_LEVELS) return false;
    if (result == OB_FULL_ORDERS)
        FAIL_UNLESS(run->naive.count == run->shape->limits.max_orders, "refused before the bound was reached");
    run->refused++;
    return true;
}

static uint32_t step_add(book_run *run) {
    uint32_t instrument = (uint32_t)draw(run, run->shape->limits.max_instruments);
    uint64_t order_id = draw_id(run), quantity = draw(run, run->shape->max_quantity);
    tw_side side = (tw_side)draw(run, 2);
    int64_t price = draw_price(run);
    ob_change fast = {0}, naive = {0};
    ob_result result = ob_order_add(run->books, instrument, order_id, side, price, quantity, &fast);
    if (refused(run, result)) return instrument;
    FAIL_UNLESS(result == naive_order_add(&run->naive, instrument, order_id, side, price, quantity, &naive),
                "results of an add differ");
    compare_changes(run, &fast, &naive);
    return instrument;
}

static uint32_t step_reduce(book_run *run) {
    uint32_t instrument;
    uint64_t order_id = draw_known_id(run, &instrument), quantity = draw(run, run->shape->max_quantity);
    ob_change fast = {0}, naive = {0};
    ob_result result = ob_order_reduce(run->books, instrument, order_id, quantity, &fast);
    FAIL_UNLESS(result == naive_order_reduce(&run->naive, instrument, order_id, quantity, &naive),
                "results of a reduction differ");
    compare_changes(run, &fast, &naive);
    return instrument;
}

static uint32_t step_delete(book_run *run) {
    uint32_t instrument;
    uint64_t order_id = draw_known_id(run, &instrument);
    ob_change fast = {0}, naive = {0};
    ob_result result = ob_order_delete(run->books, instrument, order_id, &fast);
    FAIL_UNLESS(result == naive_order_delete(&run->naive, instrument, order_id, &naive),
                "results of a deletion differ");
    compare_changes(run, &fast, &naive);
    return instrument;
}

static uint32_t step_replace(book_run *run) {
    uint32_t instrument;
    uint64_t old_id = draw_known_id(run, &instrument);
    uint64_t new_id = draw(run, 4) == 0 ? old_id : draw_id(run);
    const ob_order *old = naive_order_find(&run->naive, instrument, old_id);
    int64_t price = old != NULL && draw(run, 4) == 0 ? old->price : draw_price(run);
    uint64_t quantity = draw(run, run->shape->max_quantity);
    ob_change fast = {0}, naive = {0};
    ob_result result = ob_order_replace(run->books, instrument, old_id, new_id, price, quantity, &fast);
    FAIL_UNLESS(result != OB_FULL_ORDERS, "a replace never needs another order");
    if (refused(run, result)) return instrument;
    FAIL_UNLESS(result == naive_order_replace(&run->naive, instrument, old_id, new_id, price, quantity, &naive),
                "results of a replace differ");
    compare_changes(run, &fast, &naive);
    return instrument;
}

static uint32_t step_clear(book_run *run) {
    uint32_t instrument = (uint32_t)draw(run, run->shape->limits.max_instruments);
    if (draw(run, 5) == 0) {
        ob_book_clear(run->books, instrument);
        naive_book_clear(&run->naive, instrument);
    } else {
        tw_side side = (tw_side)draw(run, 2);
        int64_t price = draw_price(run);
        FAIL_UNLESS(ob_level_clear(run->books, instrument, side, price) ==
                        naive_level_clear(&run->naive, instrument, side, price),
                    "numbers of cleared orders differ");
    }
    return instrument;
}

static uint32_t step_prefetch(book_run *run) {
    uint32_t instrument = (uint32_t)draw(run, run->shape->limits.max_instruments + 2);
    uint64_t order_id = draw_id(run);
    for (unsigned stage = 0; stage < OB_PREFETCH_STAGES + 1; stage++)
        ob_prefetch(run->books, stage, instrument, order_id);
    ob_order fast;
    const ob_order *naive = naive_order_find(&run->naive, instrument, order_id);
    FAIL_UNLESS(ob_order_find(run->books, instrument, order_id, &fast) == (naive != NULL), "one finds an order");
    if (naive != NULL)
        FAIL_UNLESS(fast.price == naive->price && fast.quantity == naive->quantity && fast.side == naive->side,
                    "found orders differ");
    return instrument < run->shape->limits.max_instruments ? instrument : 0;
}

static uint32_t take_step(book_run *run) {
    uint64_t dice = draw(run, 100);
    bool large = run->naive.count >= 400;
    if (dice < (large ? 20 : run->shape->growth)) return step_add(run);
    switch (draw(run, 20)) {
    case 0:
        return draw(run, 10) == 0 ? step_clear(run) : step_prefetch(run);
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        return step_reduce(run);
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
        return step_delete(run);
    default:
        return step_replace(run);
    }
}

static void run_shape(const book_shape *shape, uint64_t seed) {
    tw_error error;
    book_run state = {.shape = shape, .seed = seed}, *run = &state;
    EXPECT_I64(ob_books_alloc(&state.books, &shape->limits, &error), TW_OK);
    naive_book_init(&state.naive, shape->limits.max_instruments);
    tw_random_seed(&state.random, seed);
    for (state.step = 0; state.step < shape->steps; state.step++) {
        compare_books(run, take_step(run));
        if (state.step % 64 == 0 && !ob_books_check(state.books, &error)) FAIL_UNLESS(false, error.text);
    }
    if (!ob_books_check(state.books, &error)) FAIL_UNLESS(false, error.text);
    FAIL_UNLESS((state.refused > 0) == shape->full, "bounds were reached, or not, against the plan");
    ob_books_free(state.books);
    naive_book_fini(&state.naive);
}

/* clang-format off */
static const book_shape shapes[] = {
    /* name, {instruments, orders, levels}, steps, prices, tick, middle, ids, id_stride, growth, max_quantity, full */
    {"deep queues",       {3, 2000, 20000},   6000,    5,            100, 1000000,  100000, 1, 60,            500, false},
    {"many prices",       {3, 2000, 20000},   6000, 4000,              1, 1000000,  100000, 1, 70,             50, false},
    {"around zero",       {3, 2000, 20000},   4000,   40,              1,       0,  100000, 1, 60,            500, false},
    {"ends of the scale", {3, 2000, 20000},   4000,   31, INT64_MAX / 15,       0,  100000, 1, 60,            500, false},
    {"many instruments",  {500, 2000, 20000}, 6000,   30,            100, 1000000, 1000000, 1, 70,            500, false},
    {"few ids",           {60, 1000, 20000},  6000,   30,            100, 1000000,      12, 1, 70,            500, false},
    {"powers of two",     {2, 600, 20000},    1500,   30,            100, 1000000,    5000, 1, 70,            500, false},
    {"huge quantities",   {3, 2000, 20000},   4000,   10,            100, 1000000,  100000, 1, 60, UINT64_MAX / 3, false},
    {"few orders",        {4, 37, 20000},     6000,   30,            100, 1000000,     100, 1, 80,            500, true},
    {"few levels",        {6, 2000, 100},     6000,  200,            100, 1000000,  100000, 1, 80,            500, true},
};
/* clang-format on */

static book_shape shape_of(const char *name) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0) return shapes[i];
    EXPECT_MSG(false, "there is no shape \"%s\"", name);
    return shapes[0];
}

static void run_seeds(book_shape shape) {
    uint64_t seed;
    const char *given = getenv("TICKWIRE_SEED");
    if (given != NULL && sscanf(given, "%" SCNu64, &seed) == 1) {
        run_shape(&shape, seed);
        return;
    }
    for (seed = 1; seed <= 6; seed++)
        run_shape(&shape, seed);
}

TEST(orderbook_random, few_prices_and_deep_queues) {
    run_seeds(shape_of("deep queues"));
}

TEST(orderbook_random, many_prices_and_shallow_queues) {
    run_seeds(shape_of("many prices"));
}

TEST(orderbook_random, prices_around_zero_and_at_the_ends_of_the_scale) {
    run_seeds(shape_of("around zero"));
    run_seeds(shape_of("ends of the scale"));
}

TEST(orderbook_random, many_instruments) {
    run_seeds(shape_of("many instruments"));
}

TEST(orderbook_random, the_same_few_ids_in_many_instruments_and_again_after_they_left) {
    run_seeds(shape_of("few ids"));
}

TEST(orderbook_random, ids_that_are_multiples_of_large_powers_of_two) {
    book_shape shape = shape_of("powers of two");
    for (unsigned bits = 3; bits < 60; bits += 8) {
        shape.id_stride = UINT64_C(1) << bits;
        run_seeds(shape);
    }
}

TEST(orderbook_random, quantities_that_a_level_can_hardly_add_up) {
    run_seeds(shape_of("huge quantities"));
}

TEST(orderbook_random, an_order_pool_that_is_full_most_of_the_time) {
    run_seeds(shape_of("few orders"));
}

TEST(orderbook_random, level_memory_that_is_full_most_of_the_time) {
    run_seeds(shape_of("few levels"));
}
