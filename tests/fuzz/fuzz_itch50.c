/*
 * ITCH 5.0: messages behind 2 byte lengths. Whatever decodes encodes to something that decodes to the same; and
 * whatever comes, the books of a small market (so that its bounds are reached) stay whole.
 */
#include "ingest/market/itch50_feed.h"
#include "tests/fuzz/fuzz.h"

#define MOST_MESSAGES 512

static void on_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    (void)instrument, (void)stamp;
    FUZZ_CHECK(strlen(entry->symbol) < TW_SYMBOL_BYTES);
    ++*(uint64_t *)context;
}
static void on_book(void *context, uint32_t instrument, uint32_t rank, const tw_stamp *stamp) {
    (void)instrument, (void)rank, (void)stamp;
    ++*(uint64_t *)context;
}
static void on_print(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    (void)instrument, (void)print, (void)stamp;
    ++*(uint64_t *)context;
}
static void on_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    (void)instrument, (void)stamp;
    FUZZ_CHECK(state <= TW_TRADING_CLOSED && strlen(reason) < 8);
    ++*(uint64_t *)context;
}
static void on_short_sale(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    (void)instrument, (void)restriction, (void)stamp;
    ++*(uint64_t *)context;
}
static void on_collar(void *context, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const tw_stamp *stamp) {
    (void)instrument, (void)reference, (void)upper, (void)lower, (void)stamp;
    ++*(uint64_t *)context;
}
static void on_imbalance(void *context, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp) {
    (void)instrument, (void)imbalance, (void)stamp;
    ++*(uint64_t *)context;
}
static void on_book_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp) {
    (void)instrument, (void)stamp;
    FUZZ_CHECK(state <= TW_BOOK_STALE && cause <= TW_CAUSE_END_OF_SESSION);
    ++*(uint64_t *)context;
}

static market *small_market(void) {
    static uint64_t heard;
    static market *made;
    if (made != NULL) return made;
    market_limits limits = {.max_instruments = 6, .max_orders = 48, .max_levels = 64};
    market_listener listener = {.context = &heard,
                                .on_instrument = on_instrument,
                                .on_book = on_book,
                                .on_print = on_print,
                                .on_trading_state = on_trading_state,
                                .on_short_sale = on_short_sale,
                                .on_collar = on_collar,
                                .on_imbalance = on_imbalance,
                                .on_book_state = on_book_state};
    tw_error error;
    FUZZ_CHECK(market_alloc(&made, &limits, &listener, &error) == TW_OK);
    return made;
}

static void check_codec(const uint8_t *bytes, size_t length) {
    itch50_message first, second;
    uint8_t once[ITCH50_MAX_MESSAGE_BYTES], twice[ITCH50_MAX_MESSAGE_BYTES];
    if (itch50_decode(bytes, length, &first) != ITCH50_OK) return;
    FUZZ_CHECK(itch50_encode(&first, once) == length);
    FUZZ_CHECK(itch50_decode(once, length, &second) == ITCH50_OK);
    FUZZ_CHECK(itch50_encode(&second, twice) == length);
    FUZZ_CHECK(memcmp(once, twice, length) == 0);
    const char *stock = itch50_stock(&first);
    FUZZ_CHECK(stock == NULL || strlen(stock) < ITCH50_STOCK_BYTES);
}

static void check_market(const feed_message *messages, size_t count) {
    market *target = small_market();
    itch50_feed feed;
    itch50_feed_options options = {.prefetch = true};
    tw_error error;
    market_start_day(target);
    itch50_feed_init(&feed, target, &options);
    itch50_feed_start_day(&feed, INT64_C(1580360400000000000));
    itch50_feed_apply(&feed, messages, count);
    if (!ob_books_check(market_books(target), &error)) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static feed_message messages[MOST_MESSAGES];
    fuzz_input input = {bytes, length};
    size_t count = 0;
    while (input.left > 0 && count < MOST_MESSAGES) {
        size_t piece_length;
        uint8_t *piece = fuzz_piece(&input, fuzz_u16(&input) & 63u, &piece_length, 0);
        check_codec(piece, piece_length);
        messages[count] =
            (feed_message){.bytes = piece, .length = (uint16_t)piece_length, .seq = count + 1, .receive_ns = 1};
        count++;
    }
    check_market(messages, count);
    while (count > 0)
        free((void *)(uintptr_t)messages[--count].bytes);
    return 0;
}
