/* The map of books: what was added is found until it is removed, whatever else happens. */
#include "base/random.h"
#include "client/book_store.h"
#include "tests/unit.h"

TEST(book_store, finds_what_was_added_and_not_removed) {
    enum { SYMBOLS = 3000 };
    static bool present[SYMBOLS];
    receiver_hold hold;
    book_store store;
    tw_random random;
    const uint64_t seed = 11;
    EXPECT(receiver_hold_init(&hold, 0) && book_store_init(&store, SYMBOLS));
    tw_random_seed(&random, seed);
    for (int round = 0; round < 20000; round++) {
        unsigned i = (unsigned)tw_random_below(&random, SYMBOLS);
        char symbol[16];
        snprintf(symbol, sizeof symbol, "S%u", i);
        client_book *book = book_store_find(&store, "XNAS", symbol, SUBJECT_ORDERBOOK);
        EXPECT_MSG((book != NULL) == present[i], "seed %" PRIu64 " round %d: %s", seed, round, symbol);
        EXPECT(book_store_find(&store, "XNYS", symbol, SUBJECT_ORDERBOOK) == NULL);
        EXPECT(book_store_find(&store, "XNAS", symbol, SUBJECT_ORDERBOOK_1S) == NULL);
        if (present[i])
            book_store_remove(&store, book, &hold);
        else
            EXPECT(book_store_add(&store, "XNAS", symbol, SUBJECT_ORDERBOOK) != NULL);
        present[i] = !present[i];
    }
    book_store_fini(&store, &hold);
    receiver_hold_fini(&hold);
}

TEST(book_store, takes_no_more_than_its_bound_and_no_symbol_without_a_subject) {
    receiver_hold hold;
    book_store store;
    EXPECT(receiver_hold_init(&hold, 0) && book_store_init(&store, 2));
    EXPECT(book_store_add(&store, "XNAS", "", SUBJECT_ORDERBOOK) == NULL);
    EXPECT(book_store_add(&store, "XNAS", "A", SUBJECT_ORDERBOOK) != NULL);
    EXPECT(book_store_add(&store, "XNAS", "BRK.B", SUBJECT_ORDERBOOK_1S) != NULL);
    EXPECT_STR(store.books[1]->subject, "XNAS.BRK%2EB.orderbook.1s");
    EXPECT(book_store_add(&store, "XNAS", "C", SUBJECT_ORDERBOOK) == NULL);
    book_store_fini(&store, &hold);
    receiver_hold_fini(&hold);
}
