/* What an order book does, as tables a trader could read; every result; every bound. The scenes are played on the
 * order books and on the naive model alike: both must end as the table says. */
#include "base/text.h"
#include "orderbook/book.h"
#include "tests/support/naive_book.h"
#include "tests/unit.h"

enum { ADD, REDUCE, DELETE, REPLACE };

typedef struct book_command {
    int what;
    uint64_t order_id;
    uint64_t new_id;
    tw_side side;
    int64_t price;
    uint64_t quantity;
    ob_result expected;
} book_command;

#define BUY(id, quantity, price)                                                                                   \
    { ADD, id, 0, TW_BID, price, quantity, OB_OK }
#define SELL(id, quantity, price)                                                                                  \
    { ADD, id, 0, TW_ASK, price, quantity, OB_OK }
#define EXECUTE(id, quantity)                                                                                      \
    { REDUCE, id, 0, TW_BID, 0, quantity, OB_OK }
#define CANCEL(id)                                                                                                 \
    { DELETE, id, 0, TW_BID, 0, 0, OB_OK }
#define AMEND(id, to, quantity, price)                                                                             \
    { REPLACE, id, to, TW_BID, price, quantity, OB_OK }
#define REFUSED(result, ...)                                                                                       \
    { __VA_ARGS__, result }

static ob_books *make_books(uint32_t instruments, uint32_t orders, uint32_t levels) {
    ob_books *books = NULL;
    ob_limits limits = {instruments, orders, levels};
    tw_error error;
    EXPECT_I64(ob_books_alloc(&books, &limits, &error), TW_OK);
    return books;
}

static ob_result apply(ob_books *books, uint32_t instrument, const book_command *c, ob_change *change) {
    switch (c->what) {
    case ADD:
        return ob_order_add(books, instrument, c->order_id, c->side, c->price, c->quantity, change);
    case REDUCE:
        return ob_order_reduce(books, instrument, c->order_id, c->quantity, change);
    case DELETE:
        return ob_order_delete(books, instrument, c->order_id, change);
    default:
        return ob_order_replace(books, instrument, c->order_id, c->new_id, c->price, c->quantity, change);
    }
}

static void expect_whole(const ob_books *books) {
    tw_error error;
    if (!ob_books_check(books, &error)) EXPECT_MSG(false, "%s", error.text);
}

static ob_result apply_naive(naive_book *book, uint32_t instrument, const book_command *c, ob_change *change) {
    switch (c->what) {
    case ADD:
        return naive_order_add(book, instrument, c->order_id, c->side, c->price, c->quantity, change);
    case REDUCE:
        return naive_order_reduce(book, instrument, c->order_id, c->quantity, change);
    case DELETE:
        return naive_order_delete(book, instrument, c->order_id, change);
    default:
        return naive_order_replace(book, instrument, c->order_id, c->new_id, c->price, c->quantity, change);
    }
}

/* A side of one of the two, seen alike: `naive` NULL looks at `books`. */
static uint32_t top_of(const ob_books *books, const naive_book *naive, uint32_t instrument, tw_side side,
                       tw_level *levels) {
    return naive != NULL ? naive_book_top(naive, instrument, side, levels, 16)
                         : ob_book_top(books, instrument, side, levels, 16);
}

static uint32_t resting_at(const ob_books *books, const naive_book *naive, uint32_t instrument, tw_side side,
                           int64_t price, ob_order *orders) {
    return naive != NULL ? naive_level_orders(naive, instrument, side, price, orders, 16)
                         : ob_level_orders(books, instrument, side, price, orders, 16);
}

/* "100: 7x300 8x50" is a level: price, then orders in priority, id x quantity. Best first, "; " between. */
static void describe(const ob_books *books, const naive_book *naive, uint32_t instrument, tw_side side, char *text,
                     size_t capacity) {
    tw_level levels[16];
    uint32_t count = top_of(books, naive, instrument, side, levels);
    size_t at = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        ob_order orders[16];
        uint32_t resting = resting_at(books, naive, instrument, side, levels[i].price, orders);
        uint64_t sum = 0;
        EXPECT_U64(levels[i].orders, resting);
        tw_text_format(text + at, capacity - at, "%s%lld:", i > 0 ? "; " : "", (long long)levels[i].price);
        at = strlen(text);
        for (uint32_t k = 0; k < resting; k++) {
            tw_text_format(text + at, capacity - at, " %llux%llu", (unsigned long long)orders[k].order_id,
                           (unsigned long long)orders[k].quantity);
            at = strlen(text);
            sum += orders[k].quantity;
        }
        EXPECT_U64(levels[i].quantity, sum);
    }
}

static void expect_side(const ob_books *books, uint32_t instrument, tw_side side, const char *expected) {
    char text[1024];
    describe(books, NULL, instrument, side, text, sizeof text);
    EXPECT_STR(text, expected);
}

static void expect_naive_side(const naive_book *naive, uint32_t instrument, tw_side side, const char *expected) {
    char text[1024];
    describe(NULL, naive, instrument, side, text, sizeof text);
    EXPECT_STR(text, expected);
}

typedef struct book_scene {
    book_command commands[12];
    const char *bids;
    const char *asks;
} book_scene;

static void play(const book_scene *scene) {
    ob_books *books = make_books(4, 100, 1000);
    naive_book naive;
    naive_book_init(&naive, 4);
    for (size_t i = 0; i < 12 && scene->commands[i].order_id != 0; i++) {
        ob_change change;
        EXPECT_I64(apply(books, 1, &scene->commands[i], &change), scene->commands[i].expected);
        EXPECT_I64(apply_naive(&naive, 1, &scene->commands[i], &change), scene->commands[i].expected);
        expect_whole(books);
    }
    expect_side(books, 1, TW_BID, scene->bids);
    expect_side(books, 1, TW_ASK, scene->asks);
    expect_naive_side(&naive, 1, TW_BID, scene->bids);
    expect_naive_side(&naive, 1, TW_ASK, scene->asks);
    naive_book_fini(&naive);
    ob_books_free(books);
}

TEST(orderbook, better_prices_stand_first_and_at_one_price_who_came_first) {
    play(&(book_scene){
        {BUY(1, 10, 99), BUY(2, 20, 100), BUY(3, 30, 100), SELL(4, 5, 103), SELL(5, 6, 102), SELL(6, 7, 103)},
        "100: 2x20 3x30; 99: 1x10",
        "102: 5x6; 103: 4x5 6x7"});
}

TEST(orderbook, a_partial_execution_keeps_priority) {
    play(&(book_scene){{BUY(1, 10, 100), BUY(2, 20, 100), EXECUTE(1, 4)}, "100: 1x6 2x20", ""});
}

TEST(orderbook, an_execution_of_all_that_rests_removes_the_order_and_an_empty_level) {
    play(
        &(book_scene){{BUY(1, 10, 100), BUY(2, 20, 100), BUY(3, 5, 99), EXECUTE(1, 10)}, "100: 2x20; 99: 3x5", ""});
    play(&(book_scene){{BUY(1, 10, 100), BUY(3, 5, 99), EXECUTE(1, 3), EXECUTE(1, 7)}, "99: 3x5", ""});
}

TEST(orderbook, a_replace_loses_priority_even_at_the_same_price) {
    play(&(book_scene){{SELL(1, 10, 100), SELL(2, 20, 100), AMEND(1, 9, 10, 100)}, "", "100: 2x20 9x10"});
    play(&(book_scene){{SELL(1, 10, 100), SELL(2, 20, 100), AMEND(1, 1, 8, 100)}, "", "100: 2x20 1x8"});
}

TEST(orderbook, a_replace_may_move_to_a_new_price_or_join_another_level) {
    play(&(book_scene){{BUY(1, 10, 100), BUY(2, 20, 98), AMEND(2, 3, 15, 101)}, "101: 3x15; 100: 1x10", ""});
    play(&(book_scene){{BUY(1, 10, 100), BUY(2, 20, 98), AMEND(1, 3, 15, 98)}, "98: 2x20 3x15", ""});
    play(&(book_scene){{BUY(1, 10, 100), BUY(2, 20, 100), AMEND(1, 3, 15, 99)}, "100: 2x20; 99: 3x15", ""});
    play(&(book_scene){{BUY(1, 10, 100), AMEND(1, 3, 15, 90)}, "90: 3x15", ""});
}

TEST(orderbook, deleting_the_best_uncovers_the_next_and_the_last_leaves_an_empty_side) {
    play(&(book_scene){{SELL(1, 10, 100), SELL(2, 20, 101), CANCEL(1)}, "", "101: 2x20"});
    play(&(book_scene){{SELL(1, 10, 100), BUY(2, 20, 90), CANCEL(1)}, "90: 2x20", ""});
}

TEST(orderbook, zero_and_negative_prices_are_prices) {
    play(&(book_scene){
        {BUY(1, 10, 0), BUY(2, 10, -5), SELL(3, 1, -1), SELL(4, 1, 0)}, "0: 1x10; -5: 2x10", "-1: 3x1; 0: 4x1"});
}

TEST(orderbook, what_makes_no_sense_is_refused_and_changes_nothing) {
    play(&(book_scene){
        {BUY(1, 10, 100), REFUSED(OB_DUPLICATE_ORDER, ADD, 1, 0, TW_ASK, 105, 5),
         REFUSED(OB_BAD_ORDER, ADD, 2, 0, TW_BID, 100, 0),
         REFUSED(OB_BAD_ORDER, ADD, 2, 0, TW_BID, TW_PRICE_ABSENT, 5),
         REFUSED(OB_BAD_ORDER, ADD, 2, 0, (tw_side)2, 100, 5), REFUSED(OB_TOO_MUCH, REDUCE, 1, 0, TW_BID, 0, 11),
         REFUSED(OB_BAD_ORDER, REDUCE, 1, 0, TW_BID, 0, 0), REFUSED(OB_UNKNOWN_ORDER, REDUCE, 7, 0, TW_BID, 0, 1),
         REFUSED(OB_UNKNOWN_ORDER, DELETE, 7, 0, TW_BID, 0, 0),
         REFUSED(OB_UNKNOWN_ORDER, REPLACE, 7, 8, TW_BID, 100, 5),
         REFUSED(OB_BAD_ORDER, REPLACE, 1, 8, TW_BID, 100, 0),
         REFUSED(OB_BAD_ORDER, REPLACE, 1, 8, TW_BID, TW_PRICE_ABSENT, 5)},
        "100: 1x10",
        ""});
    play(
        &(book_scene){{BUY(1, 10, 100), SELL(2, 5, 101), REFUSED(OB_DUPLICATE_ORDER, REPLACE, 1, 2, TW_BID, 99, 5)},
                      "100: 1x10",
                      "101: 2x5"});
    play(&(book_scene){{BUY(1, UINT64_MAX, 100), REFUSED(OB_BAD_ORDER, ADD, 2, 0, TW_BID, 100, 1)},
                       "100: 1x18446744073709551615",
                       ""});
}

TEST(orderbook, an_instrument_out_of_range_is_refused_and_looks_empty) {
    ob_books *books = make_books(2, 10, 10);
    ob_change change;
    ob_order order;
    tw_level level;
    EXPECT_I64(ob_order_add(books, 2, 1, TW_BID, 100, 1, &change), OB_BAD_ORDER);
    EXPECT_I64(ob_order_reduce(books, 2, 1, 1, &change), OB_BAD_ORDER);
    EXPECT_I64(ob_order_delete(books, 2, 1, &change), OB_BAD_ORDER);
    EXPECT_I64(ob_order_replace(books, UINT32_MAX, 1, 2, 100, 1, &change), OB_BAD_ORDER);
    EXPECT(!ob_order_find(books, 2, 1, &order));
    EXPECT_U64(ob_book_top(books, 2, TW_BID, &level, 1), 0);
    EXPECT_U64(ob_book_orders(books, 2), 0);
    EXPECT_U64(ob_level_clear(books, 2, TW_BID, 100), 0);
    ob_book_clear(books, 2);
    for (unsigned stage = 0; stage < OB_PREFETCH_STAGES; stage++)
        ob_prefetch(books, stage, 2, 1);
    ob_books_free(books);
}

TEST(orderbook, a_change_tells_what_the_order_was_and_how_far_from_the_best) {
    ob_books *books = make_books(1, 10, 16);
    ob_change change;
    ob_order_add(books, 0, 1, TW_ASK, 101, 10, &change);
    ob_order_add(books, 0, 2, TW_ASK, 103, 10, &change);
    EXPECT_U64(change.rank, 1);
    ob_order_add(books, 0, 3, TW_ASK, 102, 30, &change);
    EXPECT_U64(change.rank, 1);
    ob_order_reduce(books, 0, 2, 4, &change);
    EXPECT_U64(change.rank, 2);
    EXPECT_I64(change.price, 103);
    EXPECT_U64(change.quantity, 10);
    EXPECT_U64(change.remaining, 6);
    EXPECT_I64(change.side, TW_ASK);
    ob_order_replace(books, 0, 2, 4, 100, 5, &change); /* from rank 2 to rank 0 */
    EXPECT_U64(change.rank, 0);
    EXPECT_I64(change.price, 103);
    EXPECT_U64(change.quantity, 6);
    EXPECT_U64(change.remaining, 5);
    ob_order_delete(books, 0, 3, &change);
    EXPECT_U64(change.rank, 2);
    EXPECT_U64(change.remaining, 0);
    ob_books_free(books);
}

TEST(orderbook, instruments_are_strangers_even_with_the_same_order_ids) {
    ob_books *books = make_books(3, 10, 64);
    ob_change change;
    for (uint32_t i = 0; i < 3; i++)
        EXPECT_I64(ob_order_add(books, i, 5, TW_BID, 100 + i, 10, &change), OB_OK);
    EXPECT_I64(ob_order_delete(books, 1, 5, &change), OB_OK);
    EXPECT_I64(change.price, 101);
    expect_side(books, 0, TW_BID, "100: 5x10");
    expect_side(books, 1, TW_BID, "");
    expect_side(books, 2, TW_BID, "102: 5x10");
    ob_books_free(books);
}

TEST(orderbook, a_full_order_pool_refuses_adds_only_until_a_book_is_given_up) {
    ob_books *books = make_books(2, 3, 64);
    ob_change change;
    for (uint64_t id = 1; id <= 3; id++)
        EXPECT_I64(ob_order_add(books, id == 3, id, TW_BID, 100, 10, &change), OB_OK);
    EXPECT_I64(ob_order_add(books, 1, 4, TW_BID, 100, 10, &change), OB_FULL_ORDERS);
    EXPECT_I64(ob_order_replace(books, 1, 3, 4, 101, 10, &change), OB_OK);
    EXPECT_I64(ob_order_reduce(books, 1, 4, 1, &change), OB_OK);
    ob_book_clear(books, 0);
    EXPECT_U64(ob_books_orders(books), 1);
    EXPECT_I64(ob_order_add(books, 1, 5, TW_BID, 100, 10, &change), OB_OK);
    expect_side(books, 1, TW_BID, "101: 4x9; 100: 5x10");
    expect_whole(books);
    ob_books_free(books);
}

TEST(orderbook, full_level_memory_refuses_new_prices_and_leaves_the_books_as_they_were) {
    ob_books *books = make_books(2, 100, 8); /* two blocks of four levels */
    ob_change change;
    for (uint64_t id = 1; id <= 4; id++)
        EXPECT_I64(ob_order_add(books, 0, id, TW_BID, 100 + (int64_t)id, 10, &change), OB_OK);
    EXPECT_I64(ob_order_add(books, 1, 1, TW_ASK, 200, 10, &change), OB_OK);
    EXPECT_U64(ob_books_level_slots(books), 8);
    EXPECT_I64(ob_order_add(books, 0, 5, TW_BID, 110, 10, &change), OB_FULL_LEVELS);
    EXPECT_I64(ob_order_add(books, 0, 5, TW_BID, 104, 10, &change), OB_OK); /* a price that stands */
    EXPECT_I64(ob_order_replace(books, 0, 5, 6, 120, 10, &change), OB_FULL_LEVELS);
    EXPECT_I64(ob_order_replace(books, 0, 3, 6, 120, 10, &change), OB_OK); /* its own level makes room */
    expect_side(books, 0, TW_BID, "120: 6x10; 104: 4x10 5x10; 102: 2x10; 101: 1x10");
    expect_whole(books);
    ob_book_clear(books, 0);
    EXPECT_U64(ob_books_level_slots(books), 4);
    EXPECT_I64(ob_order_add(books, 1, 2, TW_BID, 150, 10, &change), OB_OK);
    expect_side(books, 1, TW_ASK, "200: 1x10");
    expect_whole(books);
    ob_books_free(books);
}

TEST(orderbook, level_memory_given_back_by_many_small_books_serves_one_large_book) {
    ob_books *books = make_books(65, 5000, 256);
    ob_change change;
    for (uint32_t i = 0; i < 64; i++)
        EXPECT_I64(ob_order_add(books, i, 1, TW_BID, 100, 1, &change), OB_OK);
    EXPECT_I64(ob_order_add(books, 64, 1, TW_BID, 100, 1, &change), OB_FULL_LEVELS);
    for (uint32_t i = 0; i < 64; i++)
        EXPECT_I64(ob_order_delete(books, i, 1, &change), OB_OK);
    for (uint64_t id = 1; id <= 128; id++)
        EXPECT_I64(ob_order_add(books, 64, id, TW_BID, (int64_t)id, 1, &change), OB_OK);
    EXPECT_U64(ob_book_levels(books, 64, TW_BID), 128);
    expect_whole(books);
    for (uint64_t id = 1; id <= 126; id++)
        EXPECT_I64(ob_order_delete(books, 64, id, &change), OB_OK);
    EXPECT_U64(ob_books_level_slots(books), 4); /* capacity follows */
    expect_whole(books);
    ob_books_free(books);
}

TEST(orderbook, clearing_a_level_or_a_book_or_all_removes_just_those_orders) {
    ob_books *books = make_books(2, 100, 100);
    ob_change change;
    for (uint64_t id = 1; id <= 6; id++) {
        ob_order_add(books, 0, id, TW_BID, id % 2 == 0 ? 100 : 99, id, &change);
        ob_order_add(books, 1, id, TW_ASK, 105, id, &change);
    }
    EXPECT_U64(ob_level_clear(books, 0, TW_ASK, 100), 0);
    EXPECT_U64(ob_level_clear(books, 0, TW_BID, 98), 0);
    EXPECT_U64(ob_level_clear(books, 0, TW_BID, 100), 3);
    expect_side(books, 0, TW_BID, "99: 1x1 3x3 5x5");
    EXPECT_I64(ob_order_delete(books, 0, 2, &change), OB_UNKNOWN_ORDER);
    expect_whole(books);
    ob_book_clear(books, 0);
    EXPECT_U64(ob_book_orders(books, 0), 0);
    EXPECT_U64(ob_book_orders(books, 1), 6);
    expect_whole(books);
    ob_books_clear(books);
    EXPECT_U64(ob_books_orders(books), 0);
    EXPECT_U64(ob_books_level_slots(books), 0);
    EXPECT_I64(ob_order_add(books, 1, 1, TW_ASK, 105, 1, &change), OB_OK);
    expect_side(books, 1, TW_ASK, "105: 1x1");
    expect_whole(books);
    ob_books_free(books);
}

TEST(orderbook, a_new_day_starts_empty_whether_few_or_many_orders_were_left) {
    static const uint32_t left[] = {0, 10, 500};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        ob_books *books = make_books(3, 1000, 1000);
        ob_change change;
        for (int day = 0; day < 2; day++) {
            for (uint64_t id = 1; id <= left[i]; id++) {
                tw_side side = id % 2 == 0 ? TW_BID : TW_ASK;
                EXPECT_I64(ob_order_add(books, id % 3, id, side, (int64_t)(id % 7), id, &change), OB_OK);
            }
            EXPECT_U64(ob_books_orders(books), left[i]);
            ob_books_clear(books);
            EXPECT_U64(ob_books_orders(books), 0);
            EXPECT_U64(ob_books_level_slots(books), 0);
            EXPECT_U64(ob_book_levels(books, 1, TW_BID) + ob_book_orders(books, 1), 0);
            expect_whole(books);
        }
        ob_books_free(books);
    }
}

TEST(orderbook, views_write_no_more_than_asked_for) {
    ob_books *books = make_books(1, 100, 100);
    ob_change change;
    for (uint64_t id = 1; id <= 5; id++)
        ob_order_add(books, 0, id, TW_BID, 100 + (int64_t)(id % 3), id, &change);
    tw_level levels[3] = {{0}, {0}, {.price = 77}};
    EXPECT_U64(ob_book_top(books, 0, TW_BID, levels, 2), 2);
    EXPECT_I64(levels[0].price, 102);
    EXPECT_I64(levels[1].price, 101);
    EXPECT_I64(levels[2].price, 77);
    EXPECT_U64(ob_book_top(books, 0, TW_BID, levels, 0), 0);
    ob_order orders[2] = {{0}, {.order_id = 77}};
    EXPECT_U64(ob_level_orders(books, 0, TW_BID, 101, orders, 1), 1);
    EXPECT_U64(orders[0].order_id, 1);
    EXPECT_U64(orders[1].order_id, 77);
    EXPECT(ob_order_find(books, 0, 4, &orders[0]));
    EXPECT_I64(orders[0].price, 101);
    EXPECT_U64(orders[0].quantity, 4);
    EXPECT(!ob_order_find(books, 0, 9, &orders[0]));
    ob_books_free(books);
}

TEST(orderbook, limits_out_of_range_are_an_error_with_the_values) {
    static const ob_limits wrong[] = {
        {0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {(1u << 20) + 1, 1, 1}, {1, (1u << 30) + 1, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ob_books *books;
        tw_error error;
        EXPECT_I64(ob_books_alloc(&books, &wrong[i], &error), TW_INVALID);
        EXPECT(books == NULL);
        EXPECT_CONTAINS(error.text, "limits out of range");
    }
    ob_books_free(NULL);
}

TEST(orderbook, ten_thousand_instruments_and_two_million_orders_are_far_below_512_mib) {
    ob_limits limits = {10000, 2000000, 4000000};
    EXPECT(ob_books_bytes(&limits) < (size_t)300 << 20);
}
