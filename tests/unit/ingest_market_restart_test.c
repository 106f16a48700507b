/* Books that are emptied for a snapshot: what is forgotten, what stays, and who is told. */
#include "base/text.h"
#include "ingest/market/market.h"
#include "tests/unit.h"

typedef struct hearer {
    char log[1024];
    uint32_t defined;
} hearer;

static void note(hearer *h, const char *text, uint32_t instrument) {
    size_t length = strlen(h->log);
    tw_text_format(h->log + length, sizeof h->log - length, "%s%s:%u", length > 0 ? " " : "", text, instrument);
}

static void hear_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    (void)instrument, (void)entry, (void)stamp;
    ((hearer *)context)->defined++;
}

static void hear_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)stamp;
    note(context, sides == TW_SIDES_BOTH && rank == 0 ? "whole" : "book", instrument);
}

static void hear_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                       const tw_stamp *stamp) {
    (void)stamp;
    note(context, state == TW_BOOK_OK ? "ok" : tw_state_cause_name(cause), instrument);
}

static market *open_market(hearer *h) {
    market_limits limits = {8, 4, 64};
    market_listener listener = {
        .context = h, .on_instrument = hear_instrument, .on_book = hear_book, .on_book_state = hear_state};
    market *m;
    *h = (hearer){0};
    EXPECT_I64(market_alloc(&m, &limits, &listener, NULL), TW_OK);
    for (int i = 0; i < 3; i++)
        EXPECT_U64(market_instrument(m, ((const char *[]){"AAPL", "MSFT", "BRK.B"})[i], -4, &(tw_stamp){.seq = 1}),
                   (uint32_t)i);
    market_bind_locate(m, 7, 1);
    return m;
}

TEST(market, a_restart_empties_books_and_trusts_them_again_but_instruments_keep_their_numbers) {
    hearer h;
    market *m = open_market(&h);
    tw_stamp stamp = {.seq = 9};
    tw_state_cause cause;
    market_add(m, 0, 1, TW_BID, 100, 5, "", &stamp);
    market_delete(m, 1, 77, &stamp); /* never seen */
    market_malformed(m, 2, &stamp);
    market_set_incomplete(m);
    EXPECT_STR(h.log, "book:0 UNKNOWN_ORDER:1 MALFORMED:2");
    h.log[0] = '\0';
    market_restart_books(m, &stamp);
    EXPECT_STR(h.log, "ok:1 ok:2"); /* nothing of the empty books: the snapshot follows */
    EXPECT(!market_incomplete(m));
    EXPECT_U64(ob_books_orders(market_books(m)), 0);
    EXPECT_I64(market_book_state(m, 2, &cause), TW_BOOK_OK);
    EXPECT_U64(instruments_by_locate(market_instruments(m), 7), 1);
    EXPECT_U64(market_instrument(m, "MSFT", -4, &stamp), 1);
    EXPECT_U64(h.defined, 3);
    h.log[0] = '\0';
    market_tell_books(m, &stamp);
    EXPECT_STR(h.log, "whole:0 whole:1 whole:2");
    h.log[0] = '\0';
    market_delete(m, 1, 77, &stamp); /* the feed is whole: an unknown order is a fault again */
    EXPECT_STR(h.log, "UNKNOWN_ORDER:1");
    market_free(m);
}

TEST(market, a_book_that_was_given_up_for_want_of_memory_has_its_chance_again) {
    hearer h;
    market *m = open_market(&h);
    tw_stamp stamp = {.seq = 9};
    tw_state_cause cause;
    for (uint64_t id = 1; id <= 5; id++)
        market_add(m, 0, id, TW_BID, 100, 5, "", &stamp);
    EXPECT_I64(market_book_state(m, 0, &cause), TW_BOOK_STALE);
    EXPECT_I64(cause, TW_CAUSE_CAPACITY);
    market_restart_books(m, &stamp);
    market_add(m, 0, 1, TW_BID, 100, 5, "", &stamp);
    EXPECT_U64(ob_book_orders(market_books(m), 0), 1);
    EXPECT_I64(market_book_state(m, 0, &cause), TW_BOOK_OK);
    market_free(m);
}
