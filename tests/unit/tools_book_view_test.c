/* What `tickwire book` prints, and when it sees a change. */
#include "tests/unit.h"
#include "tools/book_view.h"

#define STAMP(number) (&(const tw_stamp){.seq = (number), .event_ns = (number)*INT64_C(1000000000)})

static ob_books *books_make(void) {
    const ob_limits limits = {.max_instruments = 1, .max_orders = 1000, .max_levels = 1000};
    ob_books *books;
    EXPECT_I64(ob_books_alloc(&books, &limits, NULL), TW_OK);
    return books;
}

static void add(ob_books *books, uint64_t id, tw_side side, int64_t price, uint64_t quantity) {
    ob_change change;
    EXPECT_I64(ob_order_add(books, 0, id, side, price, quantity, &change), OB_OK);
}

/* Prints through a temporary file, as the command does. */
static const char *printed(const book_view *view, void (*print)(const book_view *, FILE *)) {
    static char text[65536];
    FILE *file = tmpfile();
    EXPECT(file != NULL);
    print(view, file);
    rewind(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

TEST(book_view, a_json_line_has_seq_time_bids_and_asks_best_first) {
    ob_books *books = books_make();
    add(books, 1, TW_BID, 1891200, 100);
    add(books, 2, TW_BID, 1891200, 200);
    add(books, 3, TW_BID, 1891100, 7);
    add(books, 4, TW_ASK, 1891300, 50);
    book_view view;
    book_view_init(&view, 10, -4);
    EXPECT(book_view_update(&view, books, 0, STAMP(17)));
    EXPECT_STR(
        printed(&view, book_view_print_json),
        "{\"seq\":17,\"event_ns\":\"17000000000\",\"bids\":[[\"189.1200\",\"300\",2],[\"189.1100\",\"7\",1]],"
        "\"asks\":[[\"189.1300\",\"50\",1]]}\n");
    EXPECT_STR(printed(&view, book_view_print_line),
               "17 1970-01-01T00:00:17.000000000Z 189.1200 x 300 189.1100 x 7 | 189.1300 x 50\n");
    ob_books_free(books);
}

TEST(book_view, an_empty_book_has_empty_sides) {
    book_view view;
    book_view_init(&view, 1, -4);
    EXPECT_STR(printed(&view, book_view_print_json), "{\"seq\":0,\"event_ns\":\"0\",\"bids\":[],\"asks\":[]}\n");
}

TEST(book_view, a_change_beyond_the_depth_is_no_change_and_keeps_the_number) {
    ob_books *books = books_make();
    book_view view;
    book_view_init(&view, 2, -4);
    EXPECT(!book_view_update(&view, books, 0, STAMP(1)));
    add(books, 1, TW_ASK, 100, 5);
    EXPECT(book_view_update(&view, books, 0, STAMP(2)));
    add(books, 2, TW_ASK, 110, 5);
    EXPECT(book_view_update(&view, books, 0, STAMP(3)));
    add(books, 3, TW_ASK, 120, 5);
    EXPECT(!book_view_update(&view, books, 0, STAMP(4)));
    EXPECT_U64(view.seq, 3);
    ob_change change;
    EXPECT_I64(ob_order_delete(books, 0, 1, &change), OB_OK); /* the third level comes into sight */
    EXPECT(book_view_update(&view, books, 0, STAMP(5)));
    EXPECT_I64(view.levels[TW_ASK][1].price, 120);
    add(books, 4, TW_ASK, 110, 5); /* the count and quantity of a level change */
    EXPECT(book_view_update(&view, books, 0, STAMP(6)));
    EXPECT_U64(view.levels[TW_ASK][0].orders, 2);
    ob_books_free(books);
}

TEST(book_view, the_deepest_book_with_the_longest_numbers_fits_a_line) {
    book_view view;
    book_view_init(&view, TW_MAX_DEPTH, -4);
    for (int side = 0; side < 2; side++) {
        view.count[side] = TW_MAX_DEPTH;
        for (uint32_t i = 0; i < TW_MAX_DEPTH; i++)
            view.levels[side][i] = (tw_level){INT64_MIN + 1, UINT64_MAX, UINT32_MAX};
    }
    view.seq = UINT64_MAX;
    view.event_ns = INT64_MAX;
    const char *line = printed(&view, book_view_print_json);
    EXPECT(line[strlen(line) - 2] == '}');
}
