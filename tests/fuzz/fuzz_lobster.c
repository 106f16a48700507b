/*
 * LOBSTER: any text as lines of the two files, in turns: a message, an order book row. What the window says to do
 * leads an order book to exactly the row. File names are tried on the same lines.
 */
#include "ingest/decode/lobster.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/lobster_book.h"

#define MOST_ORDERS 64u

/* False: the window is full, as its header says it may be. */
static bool step(lobster_window *window, ob_books *books, const lobster_message *message, const lobster_book *row) {
    static lobster_operation operations[LOBSTER_OPERATIONS_MAX];
    size_t count = 0;
    lobster_outcome outcome = lobster_window_step(window, message, row, operations, &count);
    FUZZ_CHECK(count <= LOBSTER_OPERATIONS_MAX && lobster_window_orders(window) <= MOST_ORDERS);
    FUZZ_CHECK(outcome != LOBSTER_FULL || count == 0);
    if (outcome == LOBSTER_FULL) return false;
    FUZZ_CHECK((outcome == LOBSTER_INCONSISTENT) == (lobster_window_contradiction(window)[0] != '\0'));
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(lobster_book_apply(books, &operations[i]) == OB_OK);
    FUZZ_CHECK(lobster_book_is(books, row));
    return true;
}

static void check_names(const char *line) {
    lobster_name name;
    char pair[64];
    if (lobster_parse_name(line, &name)) FUZZ_CHECK(name.symbol[0] != '\0' && name.date.month <= 12);
    if (lobster_pair_path(line, pair, sizeof pair)) FUZZ_CHECK(strstr(pair, "_orderbook_") != NULL);
}

/* The next line that `parse` reads, told by true; others are passed over. */
static bool next_message(fuzz_input *input, lobster_message *message) {
    lobster_fault fault;
    while (input->left > 0) {
        char *line = fuzz_line(input);
        lobster_row row = lobster_parse_message(line, strlen(line), message, &fault);
        check_names(line);
        free(line);
        if (row == LOBSTER_ROW) return true;
        FUZZ_CHECK(row == LOBSTER_EMPTY || (fault.column > 0 && fault.reason != NULL));
    }
    return false;
}

static bool next_book(fuzz_input *input, uint32_t levels, lobster_book *book) {
    lobster_fault fault;
    while (input->left > 0) {
        char *line = fuzz_line(input);
        lobster_row row = lobster_parse_book(line, strlen(line), levels, book, &fault);
        uint32_t there = lobster_count_levels(line, strlen(line));
        free(line);
        FUZZ_CHECK(there <= LOBSTER_LEVELS_MAX && (row != LOBSTER_ROW || there == levels));
        if (row == LOBSTER_ROW) return true;
        FUZZ_CHECK(row == LOBSTER_EMPTY || (fault.column > 0 && fault.reason != NULL));
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static ob_books *books;
    fuzz_input input = {bytes, length};
    uint32_t levels = fuzz_u8(&input) % 5 + 1;
    ob_limits limits = {.max_instruments = 1, .max_orders = 1024, .max_levels = 1024};
    lobster_window *window = NULL;
    lobster_message message;
    lobster_book row;
    tw_error error;
    if (books == NULL) FUZZ_CHECK(ob_books_alloc(&books, &limits, &error) == TW_OK);
    ob_books_clear(books);
    FUZZ_CHECK(lobster_window_alloc(&window, levels, MOST_ORDERS, &error) == TW_OK);
    while (next_message(&input, &message) && next_book(&input, levels, &row)) {
        if (!step(window, books, &message, &row)) break;
    }
    FUZZ_CHECK(ob_books_check(books, &error));
    lobster_window_free(window);
    return 0;
}
