/* A stream between a small bus and its readers. */
#include "tests/support/stream_desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/stream/pattern.h"

stream_options desk_options(void) {
    return (stream_options){.max_clients = DESK_CLIENTS,
                            .max_instruments = 64,
                            .max_subscriptions = 16,
                            .max_groups = 256,
                            .max_members = 256,
                            .client_bytes = 32768,
                            .frames_kept = 64,
                            .kept_bytes = 1u << 24,
                            .linger_ns = 30000 * DESK_MS,
                            .request_bytes = 4096,
                            .requests_per_second = 20,
                            .heartbeat_ns = 5000 * DESK_MS,
                            .silence_ns = 30000 * DESK_MS};
}

static void on_want(void *context, const char *mic, subject_channel channel, bool wanted) {
    stream_desk *desk = context;
    size_t used = strlen(desk->wants);
    tw_text_format(desk->wants + used, sizeof desk->wants - used, "%c%s.%s ", wanted ? '+' : '-',
                   mic[0] == '\0' ? "*" : mic, subject_channel_name(channel));
}

static bool may_read(void *context, uint32_t client, const char *subject) {
    (void)client;
    return pattern_overlaps(((stream_desk *)context)->entitlement, subject);
}

static bool on_authenticate(void *context, uint32_t client, const char *token, stream_admission *admitted,
                            char *reason, size_t capacity) {
    (void)context, (void)client;
    *admitted = (stream_admission){.user = "somebody", .expires_ns = 1, .limits = {.subscriptions = 3}};
    tw_text_copy(reason, capacity, "the token is not 'good'");
    return strcmp(token, "good") == 0;
}

static void on_used(void *context, uint32_t client, const stream_use *use) {
    stream_desk *desk = context;
    (void)client;
    desk->used_updates += use->updates;
    desk->used_bytes += use->bytes;
    desk->used_first_ns = use->first_ns;
    desk->used_last_ns = use->last_ns;
    tw_text_copy(desk->used_subject, sizeof desk->used_subject, use->subject);
}

static void on_close(void *context, uint32_t client, uint16_t code, const char *reason) {
    stream_desk *desk = context;
    desk->closed_client = client;
    tw_text_format(desk->closed, sizeof desk->closed, "%u %s", code, reason);
}

void desk_open(stream_desk *desk, const stream_options *options) {
    *desk = (stream_desk){.now_ns = INT64_C(1580400000000000000),
                          .entitlement = ">",
                          .closed_client = STREAM_NO_CLIENT,
                          .epoch = "2020-01-30.S",
                          .term = 1};
    const stream_surroundings around = {.context = desk,
                                        .want = on_want,
                                        .may_read = may_read,
                                        .authenticate = on_authenticate,
                                        .used = on_used,
                                        .close = on_close};
    tw_error error;
    if (stream_alloc(&desk->stream, options, &around, &error) == TW_OK) return;
    fprintf(stderr, "stream_desk: %s\n", error.text);
    abort();
}

void desk_close(stream_desk *desk) {
    for (uint32_t i = 0; i < DESK_CLIENTS; i++)
        stream_peer_fini(&desk->peers[i]);
    stream_free(desk->stream);
}

uint32_t desk_connect(stream_desk *desk, stream_format format, stream_framing framing) {
    uint32_t client = stream_open(desk->stream, format, framing, desk->now_ns);
    if (client == STREAM_NO_CLIENT) return client;
    stream_peer_fini(&desk->peers[client]);
    stream_peer_init(&desk->peers[client], framing);
    return client;
}

void desk_ask(stream_desk *desk, uint32_t client, const char *json) {
    stream_request(desk->stream, client, (const uint8_t *)json, strlen(json), desk->now_ns);
}

void desk_write(stream_desk *desk, uint32_t client) {
    stream_round(desk->stream, desk->now_ns);
    while (stream_has_more(desk->stream, client)) {
        stream_span spans[STREAM_MAX_SPANS];
        size_t total = 0;
        uint32_t count = stream_gather(desk->stream, client, spans, 65536);
        for (uint32_t i = 0; i < count; i++) {
            stream_peer_feed(&desk->peers[client], spans[i].bytes, spans[i].length);
            total += spans[i].length;
        }
        stream_sent(desk->stream, client, total, desk->now_ns);
    }
}

bool desk_next(stream_desk *desk, uint32_t client, peer_message *message) {
    return stream_peer_next(&desk->peers[client], message);
}

bool desk_await(stream_desk *desk, uint32_t client, const char *type, peer_message *message) {
    desk_write(desk, client);
    while (desk_next(desk, client, message))
        if (strcmp(message->type, type) == 0) return true;
    return false;
}

const char *desk_all(stream_desk *desk, uint32_t client) {
    static char words[8192];
    static peer_message m;
    size_t used = 0;
    words[0] = '\0';
    desk_write(desk, client);
    while (desk_next(desk, client, &m)) {
        char symbol[TW_SYMBOL_BYTES] = "";
        subject_parts parts;
        if (m.subject[0] != '\0' && subject_parse(m.subject, &parts) == SUBJECT_KIND_INSTRUMENT)
            tw_text_copy(symbol, sizeof symbol, parts.symbol);
        if (m.subject[0] == '\0')
            tw_text_format(words + used, sizeof words - used, "%s%s%s%s", used > 0 ? " " : "", m.type,
                           m.code[0] != '\0' ? ":" : "", m.code);
        else
            tw_text_format(words + used, sizeof words - used, "%s%s:%s%s:%" PRIu64, used > 0 ? " " : "", m.type,
                           symbol, m.header.snapshot ? ":S" : "", m.header.seq);
        used = strlen(words);
    }
    return words;
}

void desk_header(const stream_desk *desk, const char *symbol, wire_header *header) {
    *header = (wire_header){.partition = 1,
                            .term = desk->term,
                            .prev_seq = desk->prev_seq,
                            .seq = desk->seq,
                            .price_exponent = -4,
                            .event_ns = desk->now_ns - 3,
                            .receive_ns = desk->now_ns - 2,
                            .publish_ns = desk->now_ns - 1};
    tw_text_copy(header->exchange, sizeof header->exchange, "XNAS");
    tw_text_copy(header->symbol, sizeof header->symbol, symbol);
    tw_text_copy(header->epoch, sizeof header->epoch, desk->epoch);
}

void desk_book_again(stream_desk *desk, const char *symbol, uint64_t quantity) {
    enum { DEPTH = 20 };
    wire_header header;
    tw_level sides[2][DEPTH];
    desk_header(desk, symbol, &header);
    for (int i = 0; i < DEPTH; i++) {
        sides[0][i] = (tw_level){.price = 1891200 - i * 100, .quantity = 100, .orders = 2};
        sides[1][i] = (tw_level){.price = 1891300 + i * 100, .quantity = 200, .orders = 3};
    }
    sides[0][0].quantity = quantity;
    const stream_book book = {.header = &header,
                              .state = desk->state,
                              .cause = desk->cause,
                              .depth = DEPTH,
                              .bid_count = DEPTH,
                              .ask_count = DEPTH,
                              .bids = sides[0],
                              .asks = sides[1]};
    stream_take_book(desk->stream, &book, desk->now_ns);
}

void desk_book(stream_desk *desk, const char *symbol, uint64_t quantity) {
    desk->prev_seq = desk->seq++;
    desk_book_again(desk, symbol, quantity);
}

void desk_quote(stream_desk *desk, const char *symbol, int64_t bid) {
    wire_quote quote = {.bid = {.price = bid, .quantity = 7, .orders = 1}, .ask = {.price = TW_PRICE_ABSENT}};
    desk->prev_seq = desk->seq++;
    desk_header(desk, symbol, &quote.header);
    stream_take_quote(desk->stream, &quote, desk->state, desk->cause, desk->now_ns);
}

void desk_prints(stream_desk *desk, const char *symbol, uint64_t prev_seq, uint64_t first, uint32_t count,
                 uint64_t total) {
    tw_print prints[WIRE_MAX_PRINTS];
    for (uint32_t i = 0; i < count; i++)
        prints[i] = (tw_print){.seq = first + i,
                               .price = 1891200,
                               .quantity = 10,
                               .match_id = first + i,
                               .event_ns = desk->now_ns,
                               .aggressor = TW_AGGRESSOR_BUY};
    wire_trades trades = {.print_count = count, .prints = prints, .volume = 10 * total, .prints_total = total};
    desk_header(desk, symbol, &trades.header);
    trades.header.prev_seq = prev_seq;
    trades.header.seq = first + count - 1;
    stream_take_trades(desk->stream, &trades, desk->now_ns);
}
