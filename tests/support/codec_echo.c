/*
 * The codec seen from outside: reads messages on standard input, decodes them, encodes what came out, and writes it
 * to standard output. For tests in which another protobuf implementation makes and judges the bytes.
 *
 *   in:  NAME LENGTH\n, then LENGTH bytes, again and again. NAME is a message of proto/tickwire/v1: "BookUpdate".
 *   out: RESULT LENGTH\n, then LENGTH bytes. RESULT is OK, MALFORMED or OUT_OF_RANGE; only OK has bytes.
 *
 * Exit status 0 at the end of input, 2 if the input is not as above.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec.h"

typedef struct echo {
    wire_arena arena;
    uint8_t in[WIRE_MAX_BYTES];
    size_t length;
    uint8_t out[WIRE_MAX_BYTES];
    size_t out_length;
} echo;

#define ECHO(name, type, prefix)                                                                                   \
    static wire_result echo_##name(echo *e) {                                                                      \
        type m;                                                                                                    \
        wire_result result = prefix##_decode(&e->arena, e->in, e->length, &m);                                     \
        if (result == WIRE_OK) e->out_length = prefix##_encode(&m, e->out, sizeof e->out);                         \
        return result;                                                                                             \
    }
ECHO(book_update, wire_book_update, wire_book_update)
ECHO(quote, wire_quote, wire_quote)
ECHO(trades, wire_trades, wire_trades)
ECHO(status, wire_status, wire_status)
ECHO(imbalance, wire_imbalance, wire_imbalance)
ECHO(order_events, wire_order_events, wire_order_events)
ECHO(candle, wire_candle, wire_candle)
ECHO(nbbo, wire_nbbo, wire_nbbo)
ECHO(candle_request, wire_candle_request, wire_candle_request)
ECHO(candle_list, wire_candle_list, wire_candle_list)
ECHO(feed_status, wire_feed_status, wire_feed_status)
ECHO(line_status, wire_line_status, wire_line_status)
ECHO(instrument_request, wire_instrument_request, wire_instrument_request)
ECHO(instrument_list, wire_instrument_list, wire_instrument_list)

static void append(echo *e, wire_snapshot_part part, const uint8_t *bytes, size_t length) {
    e->out_length +=
        wire_snapshot_part_append(part, bytes, length, e->out + e->out_length, sizeof e->out - e->out_length);
}

static wire_result echo_snapshot_reply(echo *e) {
    static uint8_t part[WIRE_MAX_BYTES];
    wire_snapshot_reply m;
    wire_result result = wire_snapshot_reply_decode(&e->arena, e->in, e->length, &m);
    if (result != WIRE_OK) return result;
    e->out_length = wire_snapshot_reply_encode(&m, e->out, sizeof e->out);
    for (uint32_t i = 0; i < m.book_count; i++)
        append(e, WIRE_PART_BOOK, part, wire_book_update_encode(&m.books[i], part, sizeof part));
    for (uint32_t i = 0; i < m.quote_count; i++)
        append(e, WIRE_PART_QUOTE, part, wire_quote_encode(&m.quotes[i], part, sizeof part));
    for (uint32_t i = 0; i < m.trades_count; i++)
        append(e, WIRE_PART_TRADES, part, wire_trades_encode(&m.trades[i], part, sizeof part));
    for (uint32_t i = 0; i < m.status_count; i++)
        append(e, WIRE_PART_STATUS, part, wire_status_encode(&m.statuses[i], part, sizeof part));
    for (uint32_t i = 0; i < m.imbalance_count; i++)
        append(e, WIRE_PART_IMBALANCE, part, wire_imbalance_encode(&m.imbalances[i], part, sizeof part));
    return WIRE_OK;
}

static const struct {
    const char *name;
    wire_result (*run)(echo *e);
} messages[] = {
    {"BookUpdate", echo_book_update},
    {"Quote", echo_quote},
    {"Trades", echo_trades},
    {"InstrumentStatus", echo_status},
    {"Imbalance", echo_imbalance},
    {"OrderEvents", echo_order_events},
    {"Candle", echo_candle},
    {"Nbbo", echo_nbbo},
    {"CandleRequest", echo_candle_request},
    {"CandleList", echo_candle_list},
    {"FeedStatus", echo_feed_status},
    {"LineStatus", echo_line_status},
    {"InstrumentRequest", echo_instrument_request},
    {"InstrumentList", echo_instrument_list},
    {"SnapshotReply", echo_snapshot_reply},
};

static bool answer(echo *e, const char *name) {
    static const char *const results[] = {"OK", "MALFORMED", "OUT_OF_RANGE"};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        if (strcmp(messages[i].name, name) != 0) continue;
        e->out_length = 0;
        wire_result result = messages[i].run(e);
        printf("%s %zu\n", results[result], e->out_length);
        return fwrite(e->out, 1, e->out_length, stdout) == e->out_length;
    }
    fprintf(stderr, "codec_echo: no message is called %s\n", name);
    return false;
}

int main(void) {
    static echo e;
    char name[32];
    if (!wire_arena_init(&e.arena, WIRE_ARENA_BYTES)) return 2;
    bool good = true;
    while (good && scanf("%31s %zu", name, &e.length) == 2) {
        good = getchar() == '\n' && e.length <= sizeof e.in && fread(e.in, 1, e.length, stdin) == e.length &&
               answer(&e, name);
    }
    good = good && feof(stdin) && fflush(stdout) == 0;
    wire_arena_fini(&e.arena);
    return good ? 0 : 2;
}
