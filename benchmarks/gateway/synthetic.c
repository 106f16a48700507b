/* Books for load, and their messages. */
#include "benchmarks/gateway/synthetic.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define FIRST_PRICE  1000000
#define SYMBOL_PRICE 10000
#define TICK         100
#define MOST_SHARES  5000u

bool synthetic_alloc(synthetic_market *market, uint32_t symbols, uint64_t term) {
    *market = (synthetic_market){.symbols = symbols, .term = term, .books = calloc(symbols, sizeof *market->books)};
    if (market->books == NULL) return false;
    tw_random_seed(&market->random, 1);
    for (uint32_t i = 0; i < symbols; i++) {
        synthetic_symbol(market->books[i].symbol, i);
        for (uint32_t side = 0; side < 2; side++)
            for (uint32_t level = 0; level < SYNTHETIC_LEVELS; level++) {
                int64_t away = TICK * (int64_t)(level + 1),
                        middle = FIRST_PRICE + SYMBOL_PRICE * (int64_t)(i % 200);
                market->books[i].sides[side][level] = (tw_level){
                    .price = side == TW_BID ? middle - away : middle + away, .quantity = 100, .orders = 1};
            }
    }
    return true;
}

void synthetic_free(synthetic_market *market) {
    free(market->books);
    *market = (synthetic_market){0};
}

void synthetic_symbol(char name[TW_SYMBOL_BYTES], uint32_t symbol) {
    tw_text_format(name, TW_SYMBOL_BYTES, "L%04u", symbol);
}

uint64_t synthetic_last_seq(uint64_t published, uint32_t symbols, uint32_t symbol) {
    if (published <= symbol) return 0;
    return (published - 1 - symbol) / symbols * symbols + symbol + 1;
}

static wire_header header_of(const synthetic_market *market, uint32_t symbol, int64_t receive_ns,
                             int64_t publish_ns) {
    wire_header header = {.exchange = SYNTHETIC_MIC,
                          .epoch = SYNTHETIC_EPOCH,
                          .partition = 1,
                          .term = market->term,
                          .price_exponent = -4,
                          .event_ns = receive_ns,
                          .receive_ns = receive_ns,
                          .publish_ns = publish_ns};
    memcpy(header.symbol, market->books[symbol].symbol, sizeof header.symbol);
    return header;
}

static uint32_t checksum_of(const synthetic_book *book) {
    return wire_book_checksum(book->sides[TW_BID], SYNTHETIC_LEVELS, book->sides[TW_ASK], SYNTHETIC_LEVELS,
                              SYNTHETIC_LEVELS);
}

/* Three neighbouring levels get another quantity. */
static const tw_level *change_side(synthetic_market *market, tw_level *side) {
    uint32_t first = (uint32_t)tw_random_below(&market->random, SYNTHETIC_LEVELS - SYNTHETIC_CHANGES + 1);
    for (uint32_t i = first; i < first + SYNTHETIC_CHANGES; i++) {
        uint64_t shares = 1 + tw_random_below(&market->random, MOST_SHARES);
        side[i].quantity = shares + (shares == side[i].quantity);
        side[i].orders = 1 + (uint32_t)(shares % 9);
    }
    return side + first;
}

size_t synthetic_next(synthetic_market *market, int64_t receive_ns, int64_t publish_ns, uint32_t *symbol,
                      uint8_t *buffer, size_t capacity) {
    *symbol = (uint32_t)(market->published % market->symbols);
    synthetic_book *book = &market->books[*symbol];
    wire_book_update update = {
        .header = header_of(market, *symbol, receive_ns, publish_ns), .depth = SYNTHETIC_LEVELS, .merged = 1};
    update.header.snapshot = book->seq == 0;
    update.header.prev_seq = book->seq;
    update.header.seq = ++market->published;
    update.bid_count = update.ask_count = book->seq == 0 ? SYNTHETIC_LEVELS : SYNTHETIC_CHANGES;
    update.bids = change_side(market, book->sides[TW_BID]);
    update.asks = change_side(market, book->sides[TW_ASK]);
    if (book->seq == 0) { /* the first word is the whole book */
        update.header.prev_seq = update.header.seq;
        update.bids = book->sides[TW_BID];
        update.asks = book->sides[TW_ASK];
    }
    book->seq = update.header.seq;
    update.checksum = checksum_of(book);
    return wire_book_update_encode(&update, buffer, capacity);
}

size_t synthetic_snapshot(const synthetic_market *market, uint32_t symbol, int64_t publish_ns, uint8_t *buffer,
                          size_t capacity) {
    const synthetic_book *book = &market->books[symbol];
    wire_book_update update = {.header = header_of(market, symbol, publish_ns, publish_ns),
                               .depth = SYNTHETIC_LEVELS,
                               .bid_count = SYNTHETIC_LEVELS,
                               .ask_count = SYNTHETIC_LEVELS,
                               .bids = book->sides[TW_BID],
                               .asks = book->sides[TW_ASK],
                               .checksum = checksum_of(book)};
    update.header.snapshot = true;
    update.header.prev_seq = update.header.seq = book->seq;
    return wire_book_update_encode(&update, buffer, capacity);
}

size_t synthetic_feed(const synthetic_market *market, int64_t publish_ns, uint8_t *buffer, size_t capacity) {
    wire_feed_status status = {.exchange = SYNTHETIC_MIC,
                               .epoch = SYNTHETIC_EPOCH,
                               .partition = 1,
                               .term = market->term,
                               .seq = market->published,
                               .published_seq = market->published,
                               .messages = market->published,
                               .updates = market->published,
                               .instruments = market->symbols,
                               .event_ns = publish_ns,
                               .receive_ns = publish_ns,
                               .publish_ns = publish_ns,
                               .leader = "load"};
    return wire_feed_status_encode(&status, buffer, capacity);
}
