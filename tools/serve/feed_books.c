/* The market's books, and beside them what GLIMPSE says of an instrument but the market only passes on. */
#include "tools/serve/feed_books.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ingest/market/glimpse_writer.h"
#include "ingest/market/itch50_feed.h"

struct feed_books {
    market *market;
    itch50_feed feed;
    glimpse_status *statuses; /* by instrument */
    char system_event;
    uint64_t applied;
};

static void on_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    feed_books *books = context;
    glimpse_status *status = &books->statuses[instrument];
    (void)stamp;
    status->trading = state;
    status->operational_halt = strcmp(reason, "OPHALT") == 0; /* itch50_feed's word for it */
    tw_text_copy(status->reason, sizeof status->reason, status->operational_halt ? "" : reason);
}

static void on_short_sale(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    feed_books *books = context;
    (void)stamp;
    books->statuses[instrument].short_sale = restriction;
}

static void on_system_event(void *context, char code, const tw_stamp *stamp) {
    feed_books *books = context;
    (void)stamp;
    books->system_event = code;
}

tw_code feed_books_alloc(feed_books **out, const market_limits *limits, tw_error *error) {
    *out = NULL;
    feed_books *books = calloc(1, sizeof *books);
    if (books != NULL) books->statuses = calloc(limits->max_instruments, sizeof *books->statuses);
    if (books == NULL || books->statuses == NULL) {
        feed_books_free(books);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the books behind GLIMPSE");
    }
    market_listener listener = {
        .context = books, .on_trading_state = on_trading_state, .on_short_sale = on_short_sale};
    tw_code code = market_alloc(&books->market, limits, &listener, error);
    if (code != TW_OK) {
        feed_books_free(books);
        return tw_error_wrap(error, "the books behind GLIMPSE");
    }
    itch50_feed_options options = {.on_system_event = on_system_event, .context = books};
    itch50_feed_init(&books->feed, books->market, &options);
    market_start_day(books->market);
    itch50_feed_start_day(&books->feed, 0);
    *out = books;
    return TW_OK;
}

void feed_books_free(feed_books *books) {
    if (books == NULL) return;
    market_free(books->market);
    free(books->statuses);
    free(books);
}

void feed_books_apply(feed_books *books, const uint8_t *message, uint16_t length) {
    feed_message one = {.bytes = message, .length = length, .seq = ++books->applied, .receive_ns = TW_TIME_ABSENT};
    itch50_feed_apply(&books->feed, &one, 1);
}

tw_code feed_books_check(const feed_books *books, tw_error *error) {
    uint64_t given_up = market_read_stats(books->market).books_given_up;
    uint64_t refused = market_instruments(books->market)->refused;
    if (given_up > 0)
        return tw_error_set(error, TW_FULL, "%llu books were given up: raise --max-orders and --max-levels",
                            (unsigned long long)given_up);
    if (refused > 0) return tw_error_set(error, TW_FULL, "instruments were refused: raise --max-instruments");
    return TW_OK;
}

static bool keep(void *context, const uint8_t *bytes, size_t length) {
    return feed_store_append(context, bytes, (uint16_t)length);
}

tw_code feed_books_snapshot(const feed_books *books, feed_store *target, tw_error *error) {
    int64_t at_ns = books->feed.last.event_ns;
    glimpse_input input = {.books = market_books(books->market),
                           .instruments = market_instruments(books->market),
                           .statuses = books->statuses,
                           .system_event = books->system_event,
                           .timestamp_ns = at_ns == TW_TIME_ABSENT ? 0 : (uint64_t)at_ns,
                           .join = books->applied + 1};
    tw_code code = feed_books_check(books, error);
    return code == TW_OK ? glimpse_write(&input, keep, target, error) : code;
}
