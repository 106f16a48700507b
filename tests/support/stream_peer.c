/* Reads what a gateway sends: frames, then JSON (json-c) or protobuf (proto/codec.h). */
#include "tests/support/stream_peer.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/text.h"

#define CHECK(condition, text)                                                                                     \
    do {                                                                                                           \
        if (!(condition)) fail(__LINE__, #condition, text);                                                        \
    } while (0)

static void fail(int line, const char *condition, const char *text) {
    fprintf(stderr, "stream_peer.c:%d: %s does not hold: %.400s\n", line, condition, text);
    abort();
}

void stream_peer_init(stream_peer *peer, stream_framing framing) {
    *peer = (stream_peer){.framing = framing};
    CHECK(wire_arena_init(&peer->arena, 256u * 1024u), "no memory");
}

void stream_peer_fini(stream_peer *peer) {
    wire_arena_fini(&peer->arena);
    free(peer->bytes);
    *peer = (stream_peer){0};
}

void stream_peer_feed(stream_peer *peer, const uint8_t *bytes, size_t length) {
    if (peer->length + length > peer->capacity) {
        peer->capacity = 2 * (peer->length + length);
        peer->bytes = realloc(peer->bytes, peer->capacity);
        CHECK(peer->bytes != NULL, "no memory");
    }
    memcpy(peer->bytes + peer->length, bytes, length);
    peer->length += length;
}

/* ---- JSON ---- */

static struct json_object *get(struct json_object *object, const char *name) {
    struct json_object *value = NULL;
    json_object_object_get_ex(object, name, &value);
    return value;
}

static const char *text_of(struct json_object *object, const char *name) {
    struct json_object *value = get(object, name);
    if (value == NULL) return "";
    CHECK(json_object_is_type(value, json_type_string), name);
    return json_object_get_string(value);
}

static uint64_t number_of(struct json_object *object, const char *name) {
    struct json_object *value = get(object, name);
    if (value == NULL) return 0;
    CHECK(json_object_is_type(value, json_type_int), name);
    return json_object_get_uint64(value);
}

static int32_t signed_of(struct json_object *object, const char *name) {
    return (int32_t)json_object_get_int64(get(object, name));
}

static uint64_t seq_of(struct json_object *object, const char *name) {
    uint64_t value = 0;
    const char *text = text_of(object, name);
    CHECK(text[0] == '\0' || tw_text_to_u64(text, &value), text);
    return value;
}

static int64_t time_of(struct json_object *object, const char *name) {
    int64_t value = TW_TIME_ABSENT;
    const char *text = text_of(object, name);
    CHECK(text[0] == '\0' || tw_text_to_i64(text, &value), text);
    return value;
}

static int64_t decimal(const char *text, int32_t exponent) {
    int64_t value = TW_PRICE_ABSENT;
    const char *point = strchr(text, '.');
    CHECK(text[0] == '\0' || tw_decimal_parse(text, exponent, &value), text);
    /* as many digits behind the point as the exponent says: a browser takes the point out and has the integer */
    if (text[0] != '\0' && exponent < 0) CHECK(point != NULL && strlen(point + 1) == (size_t)-exponent, text);
    return value;
}

static int64_t price_of(struct json_object *object, const char *name, int32_t exponent) {
    return decimal(text_of(object, name), exponent);
}

static int named(const char *text, const char *(*name)(int), int count, int absent) {
    if (text[0] == '\0') return absent;
    for (int i = 0; i < count; i++)
        if (strcmp(name(i), text) == 0) return i;
    fail(__LINE__, "a known name", text);
    return 0;
}

#define NAMER(what, type)                                                                                          \
    static const char *name_##what(int i) {                                                                        \
        return tw_##what##_name((type)i);                                                                          \
    }
NAMER(book_state, tw_book_state)
NAMER(state_cause, tw_state_cause)
NAMER(trading_state, tw_trading_state)
NAMER(short_sale, tw_short_sale)
NAMER(print_kind, tw_print_kind)
NAMER(cross_kind, tw_cross_kind)
NAMER(aggressor, tw_aggressor)
NAMER(imbalance_direction, tw_imbalance_direction)

static void read_header(struct json_object *root, peer_message *m) {
    wire_header *h = &m->header;
    tw_text_copy(h->epoch, sizeof h->epoch, text_of(root, "epoch"));
    h->snapshot = get(root, "snapshot") != NULL && json_object_get_boolean(get(root, "snapshot"));
    h->term = seq_of(root, "term");
    h->prev_seq = seq_of(root, "prev_seq");
    h->seq = seq_of(root, "seq");
    h->event_ns = time_of(root, "event_ns");
    h->receive_ns = time_of(root, "receive_ns");
    h->publish_ns = time_of(root, "publish_ns");
    h->state = (tw_book_state)named(text_of(root, "state"), name_book_state, 4, 0);
    h->cause = (tw_state_cause)named(text_of(root, "cause"), name_state_cause, 17, 0);
    h->price_exponent = signed_of(root, "price_exponent");
    h->quantity_exponent = signed_of(root, "quantity_exponent");
    m->gateway_ns = time_of(root, "gateway_ns");
    m->interval_ms = (uint32_t)number_of(root, "interval_ms");
    m->merged = number_of(root, "merged") + number_of(root, "passed_over");
}

static tw_level read_level(struct json_object *level, const wire_header *h) {
    CHECK(json_object_array_length(level) == 3, "a level has three parts");
    return (tw_level){
        .price = decimal(json_object_get_string(json_object_array_get_idx(level, 0)), h->price_exponent),
        .quantity =
            (uint64_t)decimal(json_object_get_string(json_object_array_get_idx(level, 1)), h->quantity_exponent),
        .orders = (uint32_t)json_object_get_int64(json_object_array_get_idx(level, 2))};
}

static void read_book(struct json_object *root, peer_message *m) {
    static const char *const names[] = {"bids", "asks"};
    m->depth = (uint32_t)number_of(root, "depth");
    m->checksum = (uint32_t)number_of(root, "checksum");
    for (int side = 0; side < 2; side++) {
        struct json_object *levels = get(root, names[side]);
        m->counts[side] = (uint32_t)json_object_array_length(levels);
        for (uint32_t i = 0; i < m->counts[side]; i++)
            m->sides[side][i] = read_level(json_object_array_get_idx(levels, i), &m->header);
    }
}

static void read_quote(struct json_object *root, peer_message *m) {
    static const char *const names[] = {"bid", "ask"};
    for (int side = 0; side < 2; side++) {
        m->sides[side][0] = (tw_level){.price = TW_PRICE_ABSENT};
        if (get(root, names[side]) != NULL) m->sides[side][0] = read_level(get(root, names[side]), &m->header);
    }
}

static void read_trades(struct json_object *root, peer_message *m) {
    struct json_object *prints = get(root, "prints");
    m->print_count = (uint32_t)json_object_array_length(prints);
    m->volume = (uint64_t)decimal(text_of(root, "volume"), m->header.quantity_exponent);
    m->prints_total = seq_of(root, "prints_total");
    for (uint32_t i = 0; i < m->print_count; i++) {
        struct json_object *print = json_object_array_get_idx(prints, i);
        m->prints[i] =
            (tw_print){.seq = seq_of(print, "seq"),
                       .index = (uint32_t)number_of(print, "index"),
                       .kind = (tw_print_kind)named(text_of(print, "kind"), name_print_kind, 4, 0),
                       .cross = (tw_cross_kind)named(text_of(print, "cross"), name_cross_kind, 6, 0),
                       .aggressor = (tw_aggressor)named(text_of(print, "aggressor"), name_aggressor, 3, 0),
                       .price = price_of(print, "price", m->header.price_exponent),
                       .quantity = (uint64_t)decimal(text_of(print, "quantity"), m->header.quantity_exponent),
                       .match_id = seq_of(print, "match_id"),
                       .order_id = seq_of(print, "order_id"),
                       .event_ns = time_of(print, "event_ns")};
    }
}

static void read_status(struct json_object *root, peer_message *m) {
    m->status.trading = (tw_trading_state)named(text_of(root, "trading"), name_trading_state, 7, 0);
    m->status.short_sale = (tw_short_sale)named(text_of(root, "short_sale"), name_short_sale, 4, 0);
    tw_text_copy(m->status.reason, sizeof m->status.reason, text_of(root, "reason"));
    m->status.collar_upper = price_of(root, "collar_upper", m->header.price_exponent);
    m->status.collar_lower = price_of(root, "collar_lower", m->header.price_exponent);
    m->status.collar_reference = price_of(root, "collar_reference", m->header.price_exponent);
}

static void read_imbalance(struct json_object *root, peer_message *m) {
    int32_t price = m->header.price_exponent, quantity = m->header.quantity_exponent;
    m->imbalance = (tw_imbalance){
        .cross = (tw_cross_kind)named(text_of(root, "cross"), name_cross_kind, 6, 0),
        .direction = (tw_imbalance_direction)named(text_of(root, "direction"), name_imbalance_direction, 5, 0),
        .paired_quantity = (uint64_t)price_of(root, "paired_quantity", quantity),
        .imbalance_quantity = (uint64_t)price_of(root, "imbalance_quantity", quantity),
        .far_price = price_of(root, "far_price", price),
        .near_price = price_of(root, "near_price", price),
        .reference_price = price_of(root, "reference_price", price),
        .variation = text_of(root, "variation")[0]};
}

static void read_feed(struct json_object *root, peer_message *m) {
    m->feed.term = m->header.term;
    m->feed.seq = m->header.seq;
    m->feed.state = m->header.state;
    m->feed.cause = m->header.cause;
    m->feed.messages = seq_of(root, "messages");
    m->feed.lost = seq_of(root, "lost");
    m->feed.updates = seq_of(root, "updates");
    m->feed.instruments = (uint32_t)number_of(root, "instruments");
    m->feed.published_seq = seq_of(root, "published_seq");
    tw_text_copy(m->feed.detail, sizeof m->feed.detail, text_of(root, "detail"));
    tw_text_copy(m->feed.epoch, sizeof m->feed.epoch, m->header.epoch);
}

static bool flag_of(struct json_object *root, const char *name) {
    return get(root, name) != NULL && json_object_get_boolean(get(root, name));
}

static void read_candle(struct json_object *root, peer_message *m) {
    int32_t price = m->header.price_exponent;
    uint32_t interval = 0;
    while (interval < SUBJECT_CANDLES && strcmp(subject_candle_name(interval), text_of(root, "interval")) != 0)
        interval++;
    CHECK(interval < SUBJECT_CANDLES, "an interval");
    m->candle = (wire_candle){.interval_ms = subject_candle_ms(interval),
                              .start_ns = time_of(root, "start_ns"),
                              .open = price_of(root, "open", price),
                              .high = price_of(root, "high", price),
                              .low = price_of(root, "low", price),
                              .close = price_of(root, "close", price),
                              .volume = (uint64_t)price_of(root, "volume", m->header.quantity_exponent),
                              .vwap = price_of(root, "vwap", price),
                              .count = number_of(root, "count"),
                              .revision = number_of(root, "revision"),
                              .final = flag_of(root, "final"),
                              .incomplete = flag_of(root, "incomplete")};
}

static wire_venues venues_of(struct json_object *list) {
    wire_venues venues = {0};
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
        tw_text_copy(venues.mics[venues.count++], TW_MIC_BYTES,
                     json_object_get_string(json_object_array_get_idx(list, i)));
    return venues;
}

static void read_best(struct json_object *root, const char *side, const peer_message *m, tw_level *level,
                      wire_venues *venues) {
    char one[32], several[32];
    struct json_object *found = get(root, side);
    *level = (tw_level){.price = TW_PRICE_ABSENT};
    if (found == NULL) return;
    tw_text_format(one, sizeof one, "%s_exchange", side);
    tw_text_format(several, sizeof several, "%s_exchanges", side);
    level->price = decimal(json_object_get_string(json_object_array_get_idx(found, 0)), m->header.price_exponent);
    level->quantity =
        (uint64_t)decimal(json_object_get_string(json_object_array_get_idx(found, 1)), m->header.quantity_exponent);
    *venues = venues_of(get(root, several));
    if (venues->count == 0) tw_text_copy(venues->mics[venues->count++], TW_MIC_BYTES, text_of(root, one));
    CHECK(strcmp(venues->mics[0], text_of(root, one)) == 0, one);
}

static void read_nbbo(struct json_object *root, peer_message *m) {
    m->nbbo = (wire_nbbo){.locked = flag_of(root, "locked"),
                          .crossed = flag_of(root, "crossed"),
                          .venue_count = (uint32_t)number_of(root, "venues"),
                          .stale_venues = venues_of(get(root, "venues_stale"))};
    read_best(root, "bid", m, &m->nbbo.bid, &m->nbbo.bid_venues);
    read_best(root, "ask", m, &m->nbbo.ask, &m->nbbo.ask_venues);
}

static void read_control(struct json_object *root, const char *json, peer_message *m) {
    struct json_object *id = get(root, "id"), *subjects = get(root, "subjects");
    if (id != NULL) tw_text_copy(m->id, sizeof m->id, json_object_to_json_string_ext(id, JSON_C_TO_STRING_PLAIN));
    tw_text_copy(m->code, sizeof m->code, text_of(root, "code"));
    tw_text_copy(m->op, sizeof m->op, text_of(root, "op"));
    tw_text_copy(m->text, sizeof m->text, json);
    if (subjects == NULL) return;
    m->ack_depth = (uint32_t)number_of(json_object_array_get_idx(subjects, 0), "depth");
    m->ack_interval_ms = (uint32_t)number_of(json_object_array_get_idx(subjects, 0), "interval_ms");
}

static void read_json(const char *json, size_t length, peer_message *m) {
    char *copy = strndup(json, length);
    struct json_tokener *parser = json_tokener_new();
    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(parser, copy, (int)length + 1);
    CHECK(json_object_is_type(root, json_type_object), copy);
    tw_text_copy(m->type, sizeof m->type, text_of(root, "type"));
    tw_text_copy(m->subject, sizeof m->subject, text_of(root, "subject"));
    if (m->subject[0] == '\0') {
        read_control(root, copy, m);
    } else {
        read_header(root, m);
        if (strcmp(m->type, "book") == 0) read_book(root, m);
        if (strcmp(m->type, "quote") == 0) read_quote(root, m);
        if (strcmp(m->type, "trades") == 0) read_trades(root, m);
        if (strcmp(m->type, "status") == 0) read_status(root, m);
        if (strcmp(m->type, "imbalance") == 0) read_imbalance(root, m);
        if (strcmp(m->type, "feed") == 0) read_feed(root, m);
        if (strcmp(m->type, "candle") == 0) read_candle(root, m);
        if (strcmp(m->type, "nbbo") == 0) read_nbbo(root, m);
    }
    json_object_put(root);
    json_tokener_free(parser);
    free(copy);
}

/* ---- protobuf ---- */

/* What both formats carry of a header: the exchange, symbol and partition are in the subject and the feed. */
static void keep_header(peer_message *m, const wire_header *header) {
    m->header = *header;
    memset(m->header.exchange, 0, sizeof m->header.exchange);
    memset(m->header.symbol, 0, sizeof m->header.symbol);
    m->header.partition = 0;
}

static void read_pb_book(stream_peer *peer, const wire_stream_frame *frame, peer_message *m) {
    wire_book_update book;
    CHECK(wire_book_update_decode(&peer->arena, frame->bytes, frame->length, &book) == WIRE_OK, "book");
    tw_text_copy(m->type, sizeof m->type, "book");
    keep_header(m, &book.header);
    m->depth = book.depth;
    m->checksum = book.checksum;
    m->counts[0] = book.bid_count;
    m->counts[1] = book.ask_count;
    if (book.bid_count > 0) memcpy(m->sides[0], book.bids, book.bid_count * sizeof *book.bids);
    if (book.ask_count > 0) memcpy(m->sides[1], book.asks, book.ask_count * sizeof *book.asks);
}

static void read_pb_quote(stream_peer *peer, const wire_stream_frame *frame, peer_message *m) {
    wire_quote quote;
    CHECK(wire_quote_decode(&peer->arena, frame->bytes, frame->length, &quote) == WIRE_OK, "quote");
    tw_text_copy(m->type, sizeof m->type, "quote");
    keep_header(m, &quote.header);
    m->sides[0][0] = quote.bid;
    m->sides[1][0] = quote.ask;
}

static void read_pb_trades(stream_peer *peer, const wire_stream_frame *frame, peer_message *m) {
    wire_trades trades;
    CHECK(wire_trades_decode(&peer->arena, frame->bytes, frame->length, &trades) == WIRE_OK, "trades");
    tw_text_copy(m->type, sizeof m->type, "trades");
    keep_header(m, &trades.header);
    m->header.event_ns = TW_TIME_ABSENT;
    m->print_count = trades.print_count;
    memcpy(m->prints, trades.prints, trades.print_count * sizeof *trades.prints);
    m->volume = trades.volume;
    m->prints_total = trades.prints_total;
}

static void read_protobuf(stream_peer *peer, const uint8_t *bytes, size_t length, peer_message *m) {
    wire_stream_frame frame;
    wire_status status;
    wire_imbalance imbalance;
    CHECK(wire_stream_frame_decode(bytes, length, &frame) == WIRE_OK, "a StreamFrame");
    if (frame.subject_length > 0) memcpy(m->subject, frame.subject, frame.subject_length);
    m->interval_ms = frame.interval_ms;
    m->gateway_ns = frame.gateway_ns;
    switch (frame.payload) {
    case WIRE_STREAM_BOOK:
        read_pb_book(peer, &frame, m);
        break;
    case WIRE_STREAM_QUOTE:
        read_pb_quote(peer, &frame, m);
        break;
    case WIRE_STREAM_TRADES:
        read_pb_trades(peer, &frame, m);
        break;
    case WIRE_STREAM_STATUS:
        CHECK(wire_status_decode(&peer->arena, frame.bytes, frame.length, &status) == WIRE_OK, "status");
        tw_text_copy(m->type, sizeof m->type, "status");
        keep_header(m, &status.header);
        m->status = status;
        memset(&m->status.header, 0, sizeof m->status.header);
        break;
    case WIRE_STREAM_IMBALANCE:
        CHECK(wire_imbalance_decode(&peer->arena, frame.bytes, frame.length, &imbalance) == WIRE_OK, "imbalance");
        tw_text_copy(m->type, sizeof m->type, "imbalance");
        keep_header(m, &imbalance.header);
        m->imbalance = imbalance.imbalance;
        break;
    case WIRE_STREAM_FEED:
        CHECK(wire_feed_status_decode(&peer->arena, frame.bytes, frame.length, &m->feed) == WIRE_OK, "feed");
        tw_text_copy(m->type, sizeof m->type, "feed");
        break;
    case WIRE_STREAM_CANDLE:
        CHECK(wire_candle_decode(&peer->arena, frame.bytes, frame.length, &m->candle) == WIRE_OK, "candle");
        tw_text_copy(m->type, sizeof m->type, "candle");
        keep_header(m, &m->candle.header);
        memset(&m->candle.header, 0, sizeof m->candle.header);
        break;
    case WIRE_STREAM_NBBO:
        CHECK(wire_nbbo_decode(&peer->arena, frame.bytes, frame.length, &m->nbbo) == WIRE_OK, "nbbo");
        tw_text_copy(m->type, sizeof m->type, "nbbo");
        keep_header(m, &m->nbbo.header);
        memset(&m->nbbo.header, 0, sizeof m->nbbo.header);
        break;
    case WIRE_STREAM_CONTROL:
        read_json((const char *)frame.bytes, frame.length, m);
        break;
    default:
        fail(__LINE__, "a known payload", "");
    }
    m->merged = frame.merged;
}

/* ---- frames ---- */

static void consume(stream_peer *peer, size_t length) {
    memmove(peer->bytes, peer->bytes + length, peer->length - length);
    peer->length -= length;
}

static void read_payload(stream_peer *peer, bool text, const uint8_t *bytes, size_t length, peer_message *m) {
    if (text)
        read_json((const char *)bytes, length, m);
    else
        read_protobuf(peer, bytes, length, m);
}

/* RFC 7692, 7.2.2, with zlib itself, and the window that the gateway says it keeps to. */
static void inflate_payload(stream_peer *peer, bool text, uint8_t *bytes, size_t length, peer_message *m) {
    enum { ROOM = 1 << 20, WINDOW_BITS = 12 };
    static const uint8_t end[] = {0x00, 0x00, 0xff, 0xff};
    uint8_t *out = malloc(ROOM), *in = malloc(length + sizeof end);
    CHECK(out != NULL && in != NULL, "no memory");
    memcpy(in, bytes, length);
    memcpy(in + length, end, sizeof end);
    z_stream z = {.next_in = in, .avail_in = (uInt)(length + sizeof end), .next_out = out, .avail_out = ROOM};
    CHECK(inflateInit2(&z, -WINDOW_BITS) == Z_OK, "zlib");
    int result = inflate(&z, Z_SYNC_FLUSH);
    CHECK(result == Z_OK && z.avail_in == 0 && z.avail_out > 0, z.msg ? z.msg : "not deflated");
    peer->inflated++;
    CHECK(ROOM - z.avail_out > length, "deflated where it makes nothing shorter");
    inflateEnd(&z);
    read_payload(peer, text, out, ROOM - z.avail_out, m);
    free(out);
    free(in);
}

static bool next_frame(stream_peer *peer, peer_message *m) {
    if (peer->length < 2) return false;
    size_t head = peer->bytes[1] < 126 ? 2 : peer->bytes[1] == 126 ? 4 : 10;
    CHECK((peer->bytes[1] & 0x80) == 0, "a server's frames are not masked");
    bool deflated = peer->framing == STREAM_WEBSOCKET_DEFLATE && (peer->bytes[0] & 0x40) != 0;
    uint8_t first = peer->bytes[0] & (deflated ? 0xbf : 0xff);
    CHECK(first == 0x81 || first == 0x82, "a whole text or binary message");
    if (peer->length < head) return false;
    size_t length = 0;
    for (size_t i = 2; i < head; i++)
        length = length << 8 | peer->bytes[i];
    if (head == 2) length = peer->bytes[1];
    if (peer->length < head + length) return false;
    if (deflated)
        inflate_payload(peer, first == 0x81, peer->bytes + head, length, m);
    else
        read_payload(peer, first == 0x81, peer->bytes + head, length, m);
    consume(peer, head + length);
    return true;
}

static void read_event_line(char *line, peer_message *m) {
    if (strncmp(line, "id: ", 4) == 0)
        tw_text_copy(m->event_id, sizeof m->event_id, line + 4);
    else if (strncmp(line, "data: ", 6) == 0)
        read_json(line + 6, strlen(line + 6), m);
    else
        fail(__LINE__, "id or data", line);
}

/* One event; false: none is whole, or it was a comment only. */
static bool next_event(stream_peer *peer, peer_message *m) {
    for (;;) {
        const uint8_t *end = peer->length == 0 ? NULL : memmem(peer->bytes, peer->length, "\n\n", 2);
        if (end == NULL) return false;
        size_t length = (size_t)(end - peer->bytes);
        char *event = strndup((const char *)peer->bytes, length), *rest = event, *line;
        bool comment = event[0] == ':';
        while (!comment && (line = strsep(&rest, "\n")) != NULL)
            read_event_line(line, m);
        free(event);
        consume(peer, length + 2);
        if (!comment) return true;
        peer->comments++;
    }
}

bool stream_peer_next(stream_peer *peer, peer_message *message) {
    memset(message, 0, sizeof *message);
    message->gateway_ns = TW_TIME_ABSENT;
    message->header.event_ns = message->header.receive_ns = message->header.publish_ns = TW_TIME_ABSENT;
    bool whole = peer->framing == STREAM_SSE ? next_event(peer, message) : next_frame(peer, message);
    peer->messages += whole;
    return whole;
}
