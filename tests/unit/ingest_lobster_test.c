/* LOBSTER: rows read to the letter, and whole recorded days whose book must equal the order book file at every row. */
#include "base/random.h"
#include "base/text.h"
#include "ingest/decode/lobster.h"
#include "ingest/source/file_source.h"
#include "orderbook/book.h"
#include "tests/support/lobster_book.h"
#include "tests/unit.h"

/* ---- rows ---- */

static lobster_row parse(const char *line, lobster_message *message, lobster_fault *fault) {
    return lobster_parse_message(line, strlen(line), message, fault);
}

TEST(lobster, a_message_row_is_read_to_the_nanosecond) {
    static const struct {
        const char *line;
        int64_t time_ns;
        lobster_type type;
        uint64_t id, quantity;
        int64_t price;
        tw_side side;
    } rows[] = {
        {"34200.004241176,1,16113575,18,5853300,1", INT64_C(34200004241176), LOBSTER_ADD, 16113575, 18, 5853300,
         TW_BID},
        {"34200.00426064,3,16113584,18,5853200,-1", INT64_C(34200004260640), LOBSTER_DELETE, 16113584, 18, 5853200,
         TW_ASK},
        {"43002.632812672004,3,134172772,100,2238700,-1", INT64_C(43002632812672), LOBSTER_DELETE, 134172772, 100,
         2238700, TW_ASK},
        {"34200,2,1,1,1,1\r", INT64_C(34200000000000), LOBSTER_REDUCE, 1, 1, 1, TW_BID},
        {"0.5,4,9223372036854775807,7,9999999998,-1", 500000000, LOBSTER_EXECUTE, INT64_MAX, 7, INT64_C(9999999998),
         TW_ASK},
        {"86399.999999999,5,0,1,2238200,-1", INT64_C(86399999999999), LOBSTER_HIDDEN, 0, 1, 2238200, TW_ASK},
        {"57600.1,6,-1,27250,5775400,-1", INT64_C(57600100000000), LOBSTER_CROSS, 0, 27250, 5775400, TW_ASK},
        {"36023,7,0,0,-1,-1", INT64_C(36023000000000), LOBSTER_HALT, 0, 0, -1, TW_ASK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lobster_message m;
        lobster_fault fault = {0};
        EXPECT_MSG(parse(rows[i].line, &m, &fault) == LOBSTER_ROW, "\"%s\": column %u %s", rows[i].line,
                   fault.column, fault.reason);
        EXPECT_I64(m.time_ns, rows[i].time_ns);
        EXPECT_I64(m.type, rows[i].type);
        EXPECT_U64(m.order_id, rows[i].id);
        EXPECT_U64(m.quantity, rows[i].quantity);
        EXPECT_I64(m.price, rows[i].price);
        EXPECT_I64(m.side, rows[i].side);
    }
}

TEST(lobster, a_damaged_message_row_names_the_column_and_the_reason) {
    static const struct {
        const char *line;
        uint32_t column;
        const char *reason;
    } rows[] = {
        {"34200.1", 2, "is missing"},
        {"34200.1,1,5,10,100", 6, "is missing"},
        {"34200.1,1,5,10,100,1,9", 7, "is one too many"},
        {"34200.1,1,5,10,100,1,", 7, "is one too many"},
        {",1,5,10,100,1", 1, "is empty"},
        {"34200.1,1,,10,100,1", 3, "is empty"},
        {"34200.1,1,5,10,100,", 6, "is empty"},
        {"34200.1,x,5,10,100,1", 2, "is not a number"},
        {"34200.1,8,5,10,100,1", 2, "is not a type from 1 to 7"},
        {"34200.1,0,5,10,100,1", 2, "is not a type from 1 to 7"},
        {"34200.1,1,0,10,100,1", 3, "is not an order's number"},
        {"34200.1,1,-5,10,100,1", 3, "is not an order's number"},
        {"34200.1,1,9223372036854775808,10,100,1", 3, "is too large"},
        {"34200.1,1,5,99999999999999999999999,100,1", 4, "is too large"},
        {"34200.1,1,5,0,100,1", 4, "is not a size above 0"},
        {"34200.1,1,5,1e3,100,1", 4, "is not a number"},
        {"34200.1,1,5,10,0,1", 5, "is not a price above 0"},
        {"34200.1,1,5,10,-100,1", 5, "is not a price above 0"},
        {"34200.1,1,5,10,9999999999,1", 5, "is too large for a price"},
        {"34200.1,7,0,0,2,-1", 5, "is not -1, 0 or 1, as a halt's has to be"},
        {"34200.1,1,5,10,100,0", 6, "is neither 1 (buy) nor -1 (sell)"},
        {"34200.1,1,5,10,100,-", 6, "has no digits"},
        {"34200.1,1,5,10,100,1 ", 6, "is not a number"},
        {" 34200.1,1,5,10,100,1", 1, "is not a number"},
        {"-1.0,1,5,10,100,1", 1, "is not a number"},
        {"86400,1,5,10,100,1", 1, "is not within a day"},
        {"34200.,1,5,10,100,1", 1, "has no digits behind the point"},
        {".5,1,5,10,100,1", 1, "has no digits"},
        {"34200.1.2,1,5,10,100,1", 1, "is not a number"},
        {"34200.12345678901x,1,5,10,100,1", 1, "is not a number"},
        {"34200.1,1,5,10,100,1\r\r", 6, "is not a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lobster_message m;
        lobster_fault fault = {0};
        EXPECT_MSG(parse(rows[i].line, &m, &fault) == LOBSTER_MALFORMED, "\"%s\" was read", rows[i].line);
        EXPECT_STR(fault.reason, rows[i].reason);
        EXPECT_MSG(fault.column == rows[i].column, "\"%s\": column %u, expected %u", rows[i].line, fault.column,
                   rows[i].column);
    }
    lobster_message m;
    lobster_fault fault = {0};
    EXPECT_I64(parse("", &m, &fault), LOBSTER_EMPTY);
    EXPECT_I64(parse("\r", &m, &fault), LOBSTER_EMPTY);
    EXPECT_I64(lobster_parse_message("34200.1,1,5,1\0,100,1", 20, &m, &fault), LOBSTER_MALFORMED);
    EXPECT_U64(fault.column, 4);
}

TEST(lobster, an_order_book_row_is_read_without_its_dummy_levels) {
    static const char line[] = "101,7,100,5,102,8,-9999999999,0,9999999999,0,-9999999999,0\r";
    lobster_book book;
    lobster_fault fault = {0};
    EXPECT_U64(lobster_count_levels(line, strlen(line)), 3);
    EXPECT_MSG(lobster_parse_book(line, strlen(line), 3, &book, &fault) == LOBSTER_ROW, "column %u %s",
               fault.column, fault.reason);
    EXPECT_U64(book.counts[TW_ASK], 2);
    EXPECT_U64(book.counts[TW_BID], 1);
    EXPECT_I64(book.sides[TW_ASK][1].price, 102);
    EXPECT_U64(book.sides[TW_ASK][1].quantity, 8);
    EXPECT_I64(book.sides[TW_BID][0].price, 100);
    EXPECT_U64(book.sides[TW_BID][0].quantity, 5);
}

TEST(lobster, a_damaged_order_book_row_names_the_column_and_the_reason) {
    static const struct {
        const char *line;
        uint32_t column;
        const char *reason;
    } rows[] = {
        {"101,7,100,5,102,8,99", 8, "is missing"},
        {"101,7,100,5,102,8,99,3,4", 9, "is one too many"},
        {"101,7,100,five,102,8,99,3", 4, "is not a number"},
        {"101,0,100,5,102,8,99,3", 2, "is not a size above 0"},
        {"101,7,100,-5,102,8,99,3", 4, "is not a size above 0"},
        {"101,7,100,5,101,8,99,3", 5, "is not worse than the level before"},
        {"101,7,100,5,102,8,100,3", 7, "is not worse than the level before"},
        {"9999999999,0,100,5,102,8,99,3", 5, "is a level behind an empty one"},
        {"9999999999,4,100,5,102,8,99,3", 1, "is too large for a price"},
        {"-9999999999,0,100,5,102,8,99,3", 2, "is not a size above 0"},
    };
    lobster_book book;
    lobster_fault fault = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EXPECT_MSG(lobster_parse_book(rows[i].line, strlen(rows[i].line), 2, &book, &fault) == LOBSTER_MALFORMED,
                   "\"%s\" was read", rows[i].line);
        EXPECT_STR(fault.reason, rows[i].reason);
        EXPECT_U64(fault.column, rows[i].column);
    }
    EXPECT_I64(lobster_parse_book("", 0, 2, &book, &fault), LOBSTER_EMPTY);
    EXPECT_U64(lobster_count_levels("1,2,3,4,5", 9), 0);
    EXPECT_U64(lobster_count_levels("", 0), 0);
}

/* ---- names ---- */

TEST(lobster, symbol_date_and_the_other_file_come_from_the_name) {
    lobster_name name;
    char pair[128];
    EXPECT(lobster_parse_name("/data/a_b/AAPL_2012-06-21_34200000_57600000_message_10.csv.gz", &name));
    EXPECT_STR(name.symbol, "AAPL");
    EXPECT_I64(name.date.year, 2012);
    EXPECT_I64(name.date.month, 6);
    EXPECT_I64(name.date.day, 21);
    EXPECT(lobster_parse_name("AMZN_2012-06-21_head999_message_10.csv", &name));
    EXPECT_STR(name.symbol, "AMZN");
    EXPECT(!lobster_parse_name("AAPL_2012-06-31_34200000_57600000_message_10.csv", &name));
    EXPECT(!lobster_parse_name("AAPL_20120621_34200000_57600000_message_10.csv", &name));
    EXPECT(!lobster_parse_name("_2012-06-21_34200000_57600000_message_10.csv", &name));
    EXPECT(!lobster_parse_name("AAPL_2012-06-21_34200000_57600000_orderbook_10.csv", &name));
    EXPECT(!lobster_parse_name("AAPL_2012-06-21_message_10.csv/x.csv", &name));
    EXPECT(!lobster_parse_name("", &name));

    EXPECT(lobster_pair_path("/a_message_b/AAPL_2012-06-21_1_2_message_10.csv.gz", pair, sizeof pair));
    EXPECT_STR(pair, "/a_message_b/AAPL_2012-06-21_1_2_orderbook_10.csv.gz");
    EXPECT(!lobster_pair_path("/a_message_b/AAPL.csv", pair, sizeof pair));
    EXPECT(!lobster_pair_path("AAPL_message_10.csv", pair, 16));
}

/* ---- the window, step by step ---- */

static size_t step(lobster_window *window, const char *message_line, const char *book_line, uint32_t levels,
                   lobster_operation *operations, lobster_outcome expected) {
    lobster_message message;
    static lobster_book row;
    lobster_fault fault = {0};
    size_t count;
    EXPECT_MSG(parse(message_line, &message, &fault) == LOBSTER_ROW, "%s", fault.reason);
    EXPECT_MSG(lobster_parse_book(book_line, strlen(book_line), levels, &row, &fault) == LOBSTER_ROW, "%s",
               fault.reason);
    lobster_outcome outcome = lobster_window_step(window, &message, &row, operations, &count);
    EXPECT_MSG(outcome == expected, "\"%s\": outcome %d (%s)", message_line, outcome,
               lobster_window_contradiction(window));
    return count;
}

static lobster_window *window_of(uint32_t levels, uint32_t max_orders) {
    lobster_window *window;
    tw_error error = {0};
    EXPECT_MSG(lobster_window_alloc(&window, levels, max_orders, &error) == TW_OK, "%s", error.text);
    return window;
}

static const char *shown(const lobster_operation *o) {
    static const char *const names[] = {"add", "reduce", "delete", "execute", "clear", "hidden", "cross", "halt"};
    static char text[128];
    bool anonymous = (o->order_id & LOBSTER_ANONYMOUS_BIT) != 0;
    snprintf(text, sizeof text, "%s %s%llu %s %lld x %llu", names[o->kind], anonymous ? "anon" : "",
             (unsigned long long)(o->order_id & ~LOBSTER_ANONYMOUS_BIT), o->side == TW_BID ? "bid" : "ask",
             (long long)o->price, (unsigned long long)o->quantity);
    return text;
}

/* ---- onto a real book ---- */

static ob_books *book_of(uint32_t max_orders) {
    ob_books *books;
    tw_error error = {0};
    ob_limits limits = {.max_instruments = 1, .max_orders = max_orders, .max_levels = 4096};
    EXPECT_MSG(ob_books_alloc(&books, &limits, &error) == TW_OK, "%s", error.text);
    return books;
}

TEST(lobster, a_story_of_two_levels_gives_the_operations_a_trader_would_expect) {
    static const struct {
        const char *message, *book;
        const char *operations[6];
    } story[] = {
        /* message 1 added 18 of the 20 at 100: 2 rested before */
        {"34200.1,1,1,18,100,1",
         "110,7,100,20,111,8,99,3",
         {"add anon1 bid 100 x 2", "add anon2 bid 99 x 3", "add anon3 ask 110 x 7", "add anon4 ask 111 x 8",
          "add 1 bid 100 x 18"}},
        {"34200.2,4,77,2,100,1", "110,7,100,18,111,8,99,3", {"execute anon1 bid 100 x 2"}}, /* never seen */
        {"34200.3,2,1,8,100,1", "110,7,100,10,111,8,99,3", {"reduce 1 bid 100 x 8"}},
        /* a better bid pushes 99 out; when it goes, 99 is back with what rests there by now */
        {"34200.4,1,2,5,101,1", "110,7,101,5,111,8,100,10", {"add 2 bid 101 x 5", "clear 0 bid 99 x 0"}},
        {"34200.5,3,2,5,101,1", "110,7,100,10,111,8,99,6", {"delete 2 bid 101 x 5", "add anon5 bid 99 x 6"}},
        {"34200.6,3,500,4,99,1", "110,7,100,10,111,8,99,2", {"reduce anon5 bid 99 x 4"}},
        /* what touches no displayed order */
        {"34200.7,5,0,3,105,-1", "110,7,100,10,111,8,99,2", {"hidden 0 ask 105 x 3"}},
        {"34200.8,7,0,0,-1,-1", "110,7,100,10,111,8,99,2", {"halt 0 ask -1 x 0"}},
        {"34200.9,6,-1,500,106,-1", "110,7,100,10,111,8,99,2", {"cross 0 ask 106 x 500"}},
        {"34201,1,3,1,109,-1", "109,1,100,10,110,7,99,2", {"add 3 ask 109 x 1", "clear 0 ask 111 x 0"}},
        {"34202,3,600,7,110,-1", "109,1,100,10,112,4,99,2", {"delete anon3 ask 110 x 7", "add anon6 ask 112 x 4"}},
        {"34203,4,3,1,109,-1",
         "112,4,100,10,9999999999,0,99,2",
         {"execute 3 ask 109 x 1"}}, /* no more asks beyond: a dummy level */
        {"34204,1,9,1,113,-1", "112,4,100,10,113,1,99,2", {"add 9 ask 113 x 1"}},
        /* what was taken from the unknown ones before counts: the rest of them leaves whole */
        {"34205,1,10,5,99,1", "112,4,100,10,113,1,99,7", {"add 10 bid 99 x 5"}},
        {"34206,3,501,2,99,1", "112,4,100,10,113,1,99,5", {"delete anon5 bid 99 x 2"}},
    };
    lobster_window *window = window_of(2, 100);
    static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
    for (size_t i = 0; i < sizeof story / sizeof *story; i++) {
        size_t count = step(window, story[i].message, story[i].book, 2, operations, LOBSTER_CONSISTENT);
        for (size_t k = 0; k < count; k++)
            EXPECT_STR(shown(&operations[k]), story[i].operations[k] != NULL ? story[i].operations[k] : "nothing");
        EXPECT_MSG(story[i].operations[count] == NULL, "after \"%s\": %s is missing", story[i].message,
                   story[i].operations[count]);
    }
    EXPECT_U64(lobster_window_orders(window), 3);
    lobster_window_free(window);
}

TEST(lobster, a_halt_tells_the_trading_state) {
    static const struct {
        const char *line;
        tw_trading_state state;
    } rows[] = {{"36023,7,0,0,-1,-1", TW_TRADING_HALTED},
                {"36323,7,0,0,0,-1", TW_TRADING_QUOTATION_ONLY},
                {"36723,7,0,0,1,-1", TW_TRADING_OPEN}};
    for (size_t i = 0; i < 3; i++) {
        lobster_message message;
        lobster_fault fault;
        lobster_operation operation;
        EXPECT_I64(parse(rows[i].line, &message, &fault), LOBSTER_ROW);
        lobster_operation_of(&message, &operation);
        EXPECT_I64(operation.kind, LOBSTER_OP_HALT);
        EXPECT_I64(operation.state, rows[i].state);
    }
}

TEST(lobster, a_contradiction_is_named_and_the_book_follows_the_order_book_row) {
    static const struct {
        const char *message, *book, *contradiction;
    } cases[] = {
        {"34201,2,1,19,100,1", "110,7,100,1,111,8,99,3", "takes more than is left of its order"},
        {"34201,1,1,5,100,1", "110,7,100,25,111,8,99,3", "adds an order that rests already"},
        {"34201,3,1,10,100,1", "110,7,100,10,111,8,99,3", "deletes an order with another size than it has"},
        {"34201,2,1,1,99,1", "110,7,100,20,111,8,99,2", "names another price or side than its order has"},
        {"34201,2,1,1,110,-1", "110,6,100,20,111,8,99,3", "names another price or side than its order has"},
        {"34201,2,77,4,99,1", "110,7,100,20,111,8,98,1", "takes more than is left of the level's unknown orders"},
        {"34201,3,77,3,100,1", "110,7,100,17,111,8,99,3", "takes more than is left of the level's unknown orders"},
        {"34201,2,77,1,98,1", "110,7,100,20,111,8,99,3", "is about a price that is not in the window"},
        {"34201,4,1,8,100,1", "110,7,100,20,111,8,99,3",
         "leaves a level with another size than the order book row"},
        {"34201,4,1,8,100,1", "110,7,100,12,111,9,99,3",
         "leaves a level with another size than the order book row"},
        {"34201,4,1,8,100,1", "110,7,100,12,111,8,-9999999999,0",
         "leaves a level that the order book row does not have"},
        {"34201,4,1,8,100,1", "110,7,99,3,111,8,98,4", "leaves a level that the order book row does not have"},
        {"34201,4,1,8,100,1", "105,1,100,12,110,7,99,3", "does not explain a new level of the order book row"},
        {"34201,5,0,8,104,1", "1000,7,900,12,1111,8,850,3", "does not explain a new level of the order book row"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lobster_window *window = window_of(2, 100);
        ob_books *books = book_of(100);
        static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
        static lobster_book row;
        lobster_fault fault;
        size_t count =
            step(window, "34200.1,1,1,18,100,1", "110,7,100,20,111,8,99,3", 2, operations, LOBSTER_CONSISTENT);
        for (size_t k = 0; k < count; k++)
            EXPECT_I64(lobster_book_apply(books, &operations[k]), OB_OK);
        count = step(window, cases[i].message, cases[i].book, 2, operations, LOBSTER_INCONSISTENT);
        EXPECT_STR(lobster_window_contradiction(window), cases[i].contradiction);
        for (size_t k = 0; k < count; k++)
            EXPECT_MSG(lobster_book_apply(books, &operations[k]) == OB_OK, "case %zu: %s", i,
                       shown(&operations[k]));
        lobster_parse_book(cases[i].book, strlen(cases[i].book), 2, &row, &fault);
        EXPECT_MSG(lobster_book_is(books, &row), "case %zu: the book is not \"%s\"", i, cases[i].book);
        ob_books_free(books);
        lobster_window_free(window);
    }
}

TEST(lobster, a_level_that_appears_on_a_side_that_was_shown_whole_is_a_contradiction) {
    lobster_window *window = window_of(2, 100);
    static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
    step(window, "1,1,1,5,110,-1", "110,5,100,5,9999999999,0,99,1", 2, operations, LOBSTER_CONSISTENT);
    EXPECT_U64(step(window, "2,5,0,1,101,1", "110,5,100,5,111,1,99,1", 2, operations, LOBSTER_INCONSISTENT), 2);
    EXPECT_STR(lobster_window_contradiction(window), "does not explain a new level of the order book row");
    lobster_window_free(window);
}

TEST(lobster, a_full_window_says_so_until_it_is_cleared) {
    lobster_window *window = window_of(1, 2);
    static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
    step(window, "1,1,1,1,100,1", "110,7,100,1", 1, operations, LOBSTER_CONSISTENT);
    step(window, "2,1,2,1,100,1", "110,7,100,2", 1, operations, LOBSTER_CONSISTENT);
    EXPECT_U64(step(window, "3,1,3,1,100,1", "110,7,100,3", 1, operations, LOBSTER_FULL), 0);
    EXPECT_U64(step(window, "4,3,1,1,100,1", "110,7,100,2", 1, operations, LOBSTER_FULL), 0);
    lobster_window_clear(window);
    EXPECT_U64(lobster_window_orders(window), 0);
    EXPECT_U64(step(window, "5,1,3,1,100,1", "110,7,100,3", 1, operations, LOBSTER_CONSISTENT), 3);
    lobster_window_free(window);

    tw_error error = {0};
    EXPECT_I64(lobster_window_alloc(&window, 0, 1, &error), TW_INVALID);
    EXPECT_I64(lobster_window_alloc(&window, LOBSTER_LEVELS_MAX + 1, 1, &error), TW_INVALID);
    EXPECT_I64(lobster_window_alloc(&window, 1, 0, &error), TW_INVALID);
    EXPECT(window == NULL);
}

/* ---- a market that is known in whole, seen through a window ---- */

#define CROWD 400

/* Every order of a made-up market, also those that the files would not show. */
typedef struct crowd {
    struct {
        uint64_t id, quantity;
        int64_t price;
        tw_side side;
    } orders[CROWD];
    size_t count;
    uint64_t next_id;
    tw_random random;
} crowd;

static void shown_levels(const crowd *all, uint32_t levels, lobster_book *row) {
    for (int s = TW_BID; s <= TW_ASK; s++) {
        row->counts[s] = 0;
        for (int64_t distance = 1; distance <= 12 && row->counts[s] < levels; distance++) {
            lobster_level level = {s == TW_BID ? 100 - distance : 100 + distance, 0};
            for (size_t i = 0; i < all->count; i++)
                if (all->orders[i].price == level.price) level.quantity += all->orders[i].quantity;
            if (level.quantity > 0) row->sides[s][row->counts[s]++] = level;
        }
    }
}

static bool same_row(const lobster_book *a, const lobster_book *b) {
    for (int s = TW_BID; s <= TW_ASK; s++) {
        if (a->counts[s] != b->counts[s]) return false;
        for (uint32_t i = 0; i < a->counts[s]; i++) {
            if (a->sides[s][i].price != b->sides[s][i].price) return false;
            if (a->sides[s][i].quantity != b->sides[s][i].quantity) return false;
        }
    }
    return true;
}

static lobster_message add_someone(crowd *all) {
    tw_side side = (tw_side)tw_random_below(&all->random, 2);
    int64_t distance = 1 + (int64_t)tw_random_below(&all->random, 12);
    size_t i = all->count++;
    all->orders[i].id = ++all->next_id;
    all->orders[i].quantity = 1 + tw_random_below(&all->random, 50);
    all->orders[i].price = side == TW_BID ? 100 - distance : 100 + distance;
    all->orders[i].side = side;
    return (lobster_message){1,   LOBSTER_ADD, all->orders[i].id, all->orders[i].quantity, all->orders[i].price,
                             side};
}

static lobster_message change_someone(crowd *all) {
    size_t i = (size_t)tw_random_below(&all->random, all->count);
    uint64_t left = all->orders[i].quantity;
    lobster_type type = (lobster_type)(LOBSTER_REDUCE + (int)tw_random_below(&all->random, 3));
    if (type == LOBSTER_REDUCE && left == 1) type = LOBSTER_DELETE;
    uint64_t taken = type == LOBSTER_DELETE   ? left
                     : type == LOBSTER_REDUCE ? 1 + tw_random_below(&all->random, left - 1)
                                              : 1 + tw_random_below(&all->random, left);
    lobster_message message = {1, type, all->orders[i].id, taken, all->orders[i].price, all->orders[i].side};
    all->orders[i].quantity -= taken;
    if (taken == left) all->orders[i] = all->orders[--all->count];
    return message;
}

static void watch(uint64_t seed, uint32_t levels, size_t wanted) {
    static crowd all;
    static lobster_book before, after;
    static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
    all = (crowd){.count = 0};
    tw_random_seed(&all.random, seed);
    lobster_window *window = window_of(levels, CROWD);
    ob_books *books = book_of(2 * CROWD);
    /* thin markets move most through the window, crowded ones fill its memory */
    size_t most = seed % 4 == 0 ? CROWD - 10 : 6 + (size_t)tw_random_below(&all.random, 60);
    while (all.count < most / 2)
        (void)add_someone(&all);
    for (size_t rows = 0; rows < wanted;) {
        size_t count;
        shown_levels(&all, levels, &before);
        bool adds = all.count == 0 || (all.count < most && tw_random_below(&all.random, 100) < 60);
        lobster_message message = adds ? add_someone(&all) : change_someone(&all);
        shown_levels(&all, levels, &after);
        if (same_row(&before, &after)) continue; /* outside the window: not in the files */
        rows++;
        EXPECT_MSG(lobster_window_step(window, &message, &after, operations, &count) == LOBSTER_CONSISTENT,
                   "seed %" PRIu64 ", %u levels, row %zu %s", seed, levels, rows,
                   lobster_window_contradiction(window));
        for (size_t i = 0; i < count; i++)
            EXPECT_MSG(lobster_book_apply(books, &operations[i]) == OB_OK,
                       "seed %" PRIu64 ", %u levels, row %zu: %s", seed, levels, rows, shown(&operations[i]));
        EXPECT_MSG(lobster_book_is(books, &after), "seed %" PRIu64 ", %u levels: the book differs after row %zu",
                   seed, levels, rows);
    }
    ob_books_free(books);
    lobster_window_free(window);
}

TEST(lobster, the_window_onto_a_random_market_always_shows_its_best_levels) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (uint32_t levels = 1; levels <= 12; levels += 1 + levels / 3)
            watch(seed, levels, 1000);
    }
}

/* ---- recorded days ---- */

typedef struct text_file {
    char *bytes;
    size_t length;
    size_t at;
} text_file;

static text_file read_all(const char *path) {
    text_file text = {.bytes = NULL};
    file_source *source;
    tw_error error = {0};
    size_t capacity = 0, count = 1;
    EXPECT_MSG(file_source_open(&source, path, &error) == TW_OK, "%s", error.text);
    while (count > 0) {
        if (text.length == capacity)
            text.bytes = realloc(text.bytes, capacity = capacity == 0 ? 1 << 20 : 2 * capacity);
        EXPECT_MSG(file_source_read(source, (uint8_t *)text.bytes + text.length, capacity - text.length, &count,
                                    &error) == TW_OK,
                   "%s", error.text);
        text.length += count;
    }
    file_source_close(source);
    return text;
}

static bool next_line(text_file *text, const char **line, size_t *length) {
    if (text->at == text->length) return false;
    *line = text->bytes + text->at;
    const char *feed = memchr(*line, '\n', text->length - text->at);
    *length = feed != NULL ? (size_t)(feed - *line) : text->length - text->at;
    text->at += *length + (feed != NULL);
    return true;
}

static uint64_t size_at(const lobster_book *row, tw_side side, int64_t price) {
    for (uint32_t i = 0; i < row->counts[side]; i++) {
        if (row->sides[side][i].price == price) return row->sides[side][i].quantity;
    }
    return 0;
}

static bool beyond(const lobster_book *row, tw_side side, int64_t price) {
    int64_t worst = row->sides[side][row->counts[side] - 1].price;
    return side == TW_ASK ? price > worst : price < worst;
}

/* The rule by which the two files agree, without any of the window's code: message k onto row k - 1 gives row k for
 * every level in both; other levels lie beyond the worst of the row that lacks them. */
static bool follows(const lobster_message *m, const lobster_book *before, const lobster_book *after) {
    for (int s = TW_BID; s <= TW_ASK; s++) {
        tw_side side = (tw_side)s;
        int64_t change = m->type == LOBSTER_ADD       ? (int64_t)m->quantity
                         : m->type <= LOBSTER_EXECUTE ? -(int64_t)m->quantity
                                                      : 0;
        bool touched = m->side == side;
        for (uint32_t i = 0; i < before->counts[side]; i++) {
            const lobster_level *held = &before->sides[side][i];
            uint64_t wanted = held->quantity + (uint64_t)(touched && held->price == m->price ? change : 0);
            uint64_t now = size_at(after, side, held->price);
            if (now != wanted && !(now == 0 && beyond(after, side, held->price))) return false;
        }
        for (uint32_t i = 0; i < after->counts[side]; i++) {
            const lobster_level *now = &after->sides[side][i];
            bool added =
                touched && m->type == LOBSTER_ADD && now->price == m->price && now->quantity == m->quantity;
            if (size_at(before, side, now->price) == 0 && !added && !beyond(before, side, now->price)) return false;
        }
    }
    return true;
}

typedef struct replayed {
    uint64_t rows, operations, anonymous, clears;
    uint32_t most_orders;
} replayed;

static replayed replay(const char *path) {
    char pair[1024];
    EXPECT(lobster_pair_path(path, pair, sizeof pair));
    text_file messages = read_all(path), books_text = read_all(pair);
    replayed seen = {0};
    static lobster_book row, before;
    static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
    const char *line, *book_line;
    size_t length, book_length, count;
    lobster_window *window = NULL;
    ob_books *books = book_of(1 << 14);
    while (next_line(&messages, &line, &length)) {
        lobster_message message;
        lobster_fault fault = {0};
        seen.rows++;
        EXPECT_MSG(next_line(&books_text, &book_line, &book_length), "no order book row %" PRIu64, seen.rows);
        uint32_t levels = lobster_count_levels(book_line, book_length);
        if (window == NULL) window = window_of(levels, 1 << 14);
        EXPECT_MSG(lobster_parse_message(line, length, &message, &fault) == LOBSTER_ROW, "row %" PRIu64 ": %s",
                   seen.rows, fault.reason);
        EXPECT_MSG(lobster_parse_book(book_line, book_length, levels, &row, &fault) == LOBSTER_ROW,
                   "row %" PRIu64 ": %s", seen.rows, fault.reason);
        EXPECT_MSG(seen.rows == 1 || follows(&message, &before, &row), "row %" PRIu64 " does not follow",
                   seen.rows);
        EXPECT_MSG(lobster_window_step(window, &message, &row, operations, &count) == LOBSTER_CONSISTENT,
                   "row %" PRIu64 " %s", seen.rows, lobster_window_contradiction(window));
        for (size_t i = 0; i < count; i++) {
            EXPECT_MSG(lobster_book_apply(books, &operations[i]) == OB_OK, "row %" PRIu64 ": %s", seen.rows,
                       shown(&operations[i]));
            seen.anonymous +=
                operations[i].kind != LOBSTER_OP_ADD && operations[i].order_id >= LOBSTER_ANONYMOUS_BIT;
            seen.clears += operations[i].kind == LOBSTER_OP_LEVEL_CLEAR;
        }
        seen.operations += count;
        EXPECT_MSG(lobster_book_is(books, &row), "the book after row %" PRIu64 " is not the order book file's",
                   seen.rows);
        if (lobster_window_orders(window) > seen.most_orders) seen.most_orders = lobster_window_orders(window);
        before = row;
    }
    EXPECT(!next_line(&books_text, &book_line, &book_length));
    fprintf(stderr,
            "%s: %" PRIu64 " rows equal, %" PRIu64 " operations, %" PRIu64 " on anonymous orders, %" PRIu64
            " levels cleared, at most %u known orders\n",
            strrchr(path, '/') + 1, seen.rows, seen.operations, seen.anonymous, seen.clears, seen.most_orders);
    free(messages.bytes);
    free(books_text.bytes);
    ob_books_free(books);
    lobster_window_free(window);
    return seen;
}

static void expect_rows(const char *name, uint64_t rows) {
    const char *found = unit_recording(name);
    char path[1024];
    if (found == NULL) SKIP("the LOBSTER recordings are not here");
    tw_text_copy(path, sizeof path, found);
    EXPECT_U64(replay(path).rows, rows);
}

TEST(lobster, the_first_999_events_of_aapl_with_10_levels_give_the_order_book_file_at_every_row) {
    expect_rows("lobster/AAPL_2012-06-21_head999_message_10.csv", 999);
}

TEST(lobster, a_day_of_aapl_with_1_level_gives_the_order_book_file_at_every_row) {
    expect_rows("lobster/AAPL_2012-06-21_34200000_57600000_message_1.csv.gz", 118497);
}

TEST(lobster, a_day_of_amzn_with_1_level_gives_the_order_book_file_at_every_row) {
    expect_rows("lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz", 57515);
}

TEST(lobster, a_day_of_amzn_with_5_levels_gives_the_order_book_file_at_every_row) {
    expect_rows("lobster/AMZN_2012-06-21_34200000_57600000_message_5.csv.gz", 155935);
}
