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
#include "proto/venue.h"

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
ECHO(snapshot_request, wire_snapshot_request, wire_snapshot_request)
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

/* ---- the venue's ---- */

ECHO(fills, wire_fills, wire_fills)

#define ECHO_PLAIN(name, type, prefix)                                                                             \
    static wire_result echo_##name(echo *e) {                                                                      \
        type m;                                                                                                    \
        wire_result result = prefix##_decode(e->in, e->length, &m);                                                \
        if (result == WIRE_OK) e->out_length = prefix##_encode(&m, e->out, sizeof e->out);                         \
        return result;                                                                                             \
    }
ECHO_PLAIN(query, wire_query, wire_query)
ECHO_PLAIN(state_hash, wire_state_hash, wire_state_hash)
ECHO_PLAIN(matcher, wire_matcher, wire_matcher)

static uint8_t parts_buffer[WIRE_MAX_BYTES + WIRE_PARTS_HEADER_ROOM + WIRE_PART_ROOM];

static wire_result keep(echo *e, const uint8_t *payload, size_t length) {
    if (length > sizeof e->out) return WIRE_OUT_OF_RANGE;
    memcpy(e->out, payload, length);
    e->out_length = length;
    return WIRE_OK;
}

/* A part with a fault is not what was sent: the whole message counts as out of range. */
#define ECHO_COMMANDS(name, batch_type, command_type, prefix, add)                                                 \
    static wire_result echo_##name(echo *e) {                                                                      \
        batch_type batch;                                                                                          \
        command_type command;                                                                                      \
        wire_parts parts;                                                                                          \
        size_t length;                                                                                             \
        wire_result result = prefix##_open(&batch, e->in, e->length);                                              \
        wire_parts_start(&parts, parts_buffer, sizeof parts_buffer);                                               \
        while (result == WIRE_OK && prefix##_next(&batch, &command))                                               \
            if (command.fault.kind != WIRE_FAULT_NONE || !add(&parts, &command)) result = WIRE_OUT_OF_RANGE;       \
        if (result != WIRE_OK) return result;                                                                      \
        const uint8_t *payload = prefix##_finish(&parts, &batch.header, &length);                                  \
        return keep(e, payload, length);                                                                           \
    }
ECHO_COMMANDS(orders, wire_orders, wire_order_command, wire_orders, wire_order_command_add)
ECHO_COMMANDS(controls, wire_controls, wire_control_command, wire_controls, wire_control_command_add)

static bool add_execution_part(wire_parts *parts, const wire_part *part) {
    switch (part->kind) {
    case WIRE_PART_REPORT:
        return wire_report_add(parts, &part->report);
    case WIRE_PART_NAMED_INSTRUMENT:
        return wire_named_instrument_add(parts, &part->instrument);
    default:
        return wire_named_account_add(parts, &part->account);
    }
}

static bool add_reply_part(wire_parts *parts, const wire_part *part) {
    switch (part->kind) {
    case WIRE_PART_ORDER_VIEW:
        return wire_reply_order_add(parts, &part->order);
    case WIRE_PART_POSITION_VIEW:
        return wire_reply_position_add(parts, &part->position);
    case WIRE_PART_REPORT:
        return wire_reply_report_add(parts, &part->report);
    case WIRE_PART_NAMED_INSTRUMENT:
        return wire_reply_instrument_add(parts, &part->instrument);
    case WIRE_PART_DEFINITION:
        return wire_reply_definition_add(parts, &part->definition);
    default:
        return wire_reply_account_add(parts, &part->account_view);
    }
}

#define ECHO_PARTS(name, type, prefix, finish, add)                                                                \
    static wire_result echo_##name(echo *e) {                                                                      \
        type m;                                                                                                    \
        wire_part part;                                                                                            \
        wire_parts parts;                                                                                          \
        size_t length;                                                                                             \
        wire_result result = prefix##_open(&m, e->in, e->length);                                                  \
        wire_parts_start(&parts, parts_buffer, sizeof parts_buffer);                                               \
        while (result == WIRE_OK && prefix##_next(&m, &part))                                                      \
            if (part.fault.kind != WIRE_FAULT_NONE || !add(&parts, &part)) result = WIRE_OUT_OF_RANGE;             \
        if (result != WIRE_OK) return result;                                                                      \
        const uint8_t *payload = finish(&parts, &m.header, &length);                                               \
        return keep(e, payload, length);                                                                           \
    }
ECHO_PARTS(execution_batch, wire_executions, wire_executions, wire_execution_batch_finish, add_execution_part)
ECHO_PARTS(execution_reports, wire_executions, wire_executions, wire_execution_reports_finish, add_execution_part)
ECHO_PARTS(query_reply, wire_query_reply, wire_query_reply, wire_query_reply_finish, add_reply_part)

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
    {"SnapshotRequest", echo_snapshot_request},
    {"InstrumentRequest", echo_instrument_request},
    {"InstrumentList", echo_instrument_list},
    {"SnapshotReply", echo_snapshot_reply},
    {"OrderBatch", echo_orders},
    {"ControlBatch", echo_controls},
    {"ExecutionBatch", echo_execution_batch},
    {"ExecutionReports", echo_execution_reports},
    {"QueryReply", echo_query_reply},
    {"Query", echo_query},
    {"StateHash", echo_state_hash},
    {"Matcher", echo_matcher},
    {"Fills", echo_fills},
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
