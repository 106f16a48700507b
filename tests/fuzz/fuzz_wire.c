/* The wire's codec: any bytes as any message. What decodes can be encoded, and decodes to the same again. */
#include "proto/codec.h"

#include "tests/fuzz/fuzz.h"

typedef union any_message {
    wire_book_update book;
    wire_quote quote;
    wire_trades trades;
    wire_status status;
    wire_imbalance imbalance;
    wire_order_events orders;
    wire_feed_status feed;
    wire_line_status line;
    wire_usage usage;
    wire_instrument_request request;
    wire_instrument_list list;
    wire_snapshot_request snapshot_request;
    wire_snapshot_reply snapshot;
    wire_candle candle;
    wire_nbbo nbbo;
    wire_candle_request candle_request;
    wire_candle_list candles;
} any_message;

/* A snapshot reply is its envelope and its parts, each encoded by itself. */
static size_t append_part(wire_snapshot_part part, size_t encoded_length, const uint8_t *encoded, uint8_t *buffer,
                          size_t used, size_t capacity) {
    size_t added = wire_snapshot_part_append(part, encoded, encoded_length, buffer + used, capacity - used);
    FUZZ_CHECK(added > encoded_length);
    return used + added;
}

#define APPEND_ALL(part, kind, array, count)                                                                       \
    for (uint32_t i = 0; i < (count); i++)                                                                         \
    used = append_part((part), wire_##kind##_encode(&(array)[i], encoded, sizeof encoded), encoded, buffer, used,  \
                       capacity)

static size_t encode_snapshot(const wire_snapshot_reply *m, uint8_t *buffer, size_t capacity) {
    static uint8_t encoded[WIRE_MAX_BYTES];
    size_t used = wire_snapshot_reply_encode(m, buffer, capacity);
    APPEND_ALL(WIRE_PART_BOOK, book_update, m->books, m->book_count);
    APPEND_ALL(WIRE_PART_QUOTE, quote, m->quotes, m->quote_count);
    APPEND_ALL(WIRE_PART_TRADES, trades, m->trades, m->trades_count);
    APPEND_ALL(WIRE_PART_STATUS, status, m->statuses, m->status_count);
    APPEND_ALL(WIRE_PART_IMBALANCE, imbalance, m->imbalances, m->imbalance_count);
    return used;
}

typedef wire_result decoder(wire_arena *arena, const uint8_t *bytes, size_t length, any_message *m);
typedef size_t encoder(const any_message *m, uint8_t *buffer, size_t capacity);

#define CODEC(kind, member)                                                                                        \
    static wire_result kind##_of(wire_arena *arena, const uint8_t *bytes, size_t length, any_message *m) {         \
        return wire_##kind##_decode(arena, bytes, length, &m->member);                                             \
    }                                                                                                              \
    static size_t kind##_to(const any_message *m, uint8_t *buffer, size_t capacity) {                              \
        return wire_##kind##_encode(&m->member, buffer, capacity);                                                 \
    }
CODEC(book_update, book)
CODEC(quote, quote)
CODEC(trades, trades)
CODEC(status, status)
CODEC(imbalance, imbalance)
CODEC(order_events, orders)
CODEC(feed_status, feed)
CODEC(line_status, line)
CODEC(usage, usage)
CODEC(instrument_request, request)
CODEC(instrument_list, list)
CODEC(snapshot_request, snapshot_request)
CODEC(candle, candle)
CODEC(nbbo, nbbo)
CODEC(candle_request, candle_request)
CODEC(candle_list, candles)

static wire_result snapshot_of(wire_arena *arena, const uint8_t *bytes, size_t length, any_message *m) {
    return wire_snapshot_reply_decode(arena, bytes, length, &m->snapshot);
}
static size_t snapshot_to(const any_message *m, uint8_t *buffer, size_t capacity) {
    return encode_snapshot(&m->snapshot, buffer, capacity);
}

/* The order is the corpus's too: make_corpus.c. */
static const struct {
    decoder *decode;
    encoder *encode;
} codecs[] = {{book_update_of, book_update_to},
              {quote_of, quote_to},
              {trades_of, trades_to},
              {status_of, status_to},
              {imbalance_of, imbalance_to},
              {order_events_of, order_events_to},
              {feed_status_of, feed_status_to},
              {line_status_of, line_status_to},
              {instrument_request_of, instrument_request_to},
              {instrument_list_of, instrument_list_to},
              {snapshot_of, snapshot_to},
              {usage_of, usage_to},
              {candle_of, candle_to},
              {nbbo_of, nbbo_to},
              {candle_request_of, candle_request_to},
              {candle_list_of, candle_list_to},
              {snapshot_request_of, snapshot_request_to}};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static wire_arena arena;
    static uint8_t once[4 * WIRE_MAX_BYTES], twice[4 * WIRE_MAX_BYTES];
    fuzz_input input = {bytes, length};
    any_message message;
    if (arena.block == NULL) FUZZ_CHECK(wire_arena_init(&arena, WIRE_ARENA_BYTES));
    size_t kind = fuzz_u8(&input) % (sizeof codecs / sizeof *codecs);
    uint8_t *payload = fuzz_piece(&input, input.left, &length, 0);
    wire_result result = codecs[kind].decode(&arena, payload, length, &message);
    if (result == WIRE_OK) {
        size_t first = codecs[kind].encode(&message, once, sizeof once);
        FUZZ_CHECK(codecs[kind].decode(&arena, once, first, &message) == WIRE_OK);
        FUZZ_CHECK(codecs[kind].encode(&message, twice, sizeof twice) == first);
        FUZZ_CHECK(memcmp(once, twice, first) == 0);
    }
    free(payload);
    return 0;
}
