/* The directory: InstrumentRequest and InstrumentList. */
#include <string.h>

#include "proto/arena.h"
#include "proto/generated.h"
#include "proto/wire_writer.h"

size_t wire_instrument_request_encode(const wire_instrument_request *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__InstrumentRequest pb = TICKWIRE__V1__INSTRUMENT_REQUEST__INIT;
    pb.n_symbols = m->symbol_count;
    pb.symbols = (char **)m->symbols; /* packing only reads */
    return wire_pb_pack(&pb.base, buffer, capacity);
}

wire_result wire_instrument_request_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                           wire_instrument_request *m) {
    wire_arena_reset(arena);
    *m = (wire_instrument_request){0};
    wire_result result;
    const ProtobufCMessage *message =
        wire_pb_unpack(arena, &tickwire__v1__instrument_request__descriptor, bytes, length, &result);
    if (message == NULL) return result;
    const Tickwire__V1__InstrumentRequest *pb = (const Tickwire__V1__InstrumentRequest *)message;
    for (size_t i = 0; i < pb->n_symbols; i++)
        if (strlen(pb->symbols[i]) >= TW_SYMBOL_BYTES) return WIRE_OUT_OF_RANGE;
    m->symbol_count = (uint32_t)pb->n_symbols;
    m->symbols = (const char *const *)pb->symbols;
    return WIRE_OK;
}

static size_t pack_instrument(const wire_instrument *m, uint8_t *buffer, size_t capacity) {
    const tw_instrument *i = &m->instrument;
    char market[2] = {i->market, '\0'};
    Tickwire__V1__Instrument pb = TICKWIRE__V1__INSTRUMENT__INIT;
    pb.symbol = (char *)i->symbol;
    pb.name = (char *)i->name;
    pb.price_exponent = i->price_exponent;
    pb.quantity_exponent = i->quantity_exponent;
    pb.tick = (uint64_t)i->tick;
    pb.round_lot = i->round_lot;
    pb.locate = i->locate;
    pb.test = i->test;
    pb.market = market;
    pb.version = i->version;
    pb.shard = m->shard;
    pb.trading = (Tickwire__V1__TradingState)m->trading;
    pb.state = (Tickwire__V1__BookState)m->state;
    pb.cause = (Tickwire__V1__StateCause)m->cause;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

static size_t append_instrument(const wire_instrument *m, uint8_t *buffer, size_t capacity) {
    uint8_t
        packed[512]; /* texts 32 + 63 + 1, eleven scalars of at most 11, a tag and a length for each: below 300 */
    size_t length = pack_instrument(m, packed, sizeof packed);
    uint8_t start[WIRE_TAG_ROOM + WIRE_VARINT_ROOM];
    size_t start_length = (size_t)(wire_put_varint(wire_put_tag(start, 5, WIRE_LENGTH), length) - start);
    if (start_length + length > capacity) return 0;
    memcpy(buffer, start, start_length);
    memcpy(buffer + start_length, packed, length);
    return start_length + length;
}

/* The envelope first, then one instrument after another: protobuf leaves the order of fields free, and a directory
 * of any length needs no array of its own here. */
size_t wire_instrument_list_encode(const wire_instrument_list *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__InstrumentList pb = TICKWIRE__V1__INSTRUMENT_LIST__INIT;
    pb.exchange = (char *)m->exchange;
    pb.epoch = (char *)m->epoch;
    pb.term = m->term;
    pb.version = m->version;
    pb.prev_version = m->prev_version;
    pb.partition = m->partition;
    pb.partitions = m->partitions;
    pb.publish_ns = wire_time_to_pb(m->publish_ns);
    pb.n_not_found = m->not_found_count;
    pb.not_found = (char **)m->not_found;
    pb.chunk = m->chunk;
    pb.last = m->last;
    pb.code = (Tickwire__V1__ReplyCode)m->code;
    pb.detail = (char *)m->detail;
    pb.retry_after_ms = m->retry_after_ms;
    size_t used = wire_pb_pack(&pb.base, buffer, capacity);
    if (used == 0 && protobuf_c_message_get_packed_size(&pb.base) != 0) return 0;
    for (uint32_t i = 0; i < m->instrument_count; i++) {
        size_t added = append_instrument(&m->instruments[i], buffer + used, capacity - used);
        if (added == 0) return 0;
        used += added;
    }
    return used;
}

/* A trading state that this version does not know is "unknown". */
static tw_trading_state trading_state(int value) {
    return value >= 0 && value <= TW_TRADING_CLOSED ? (tw_trading_state)value : TW_TRADING_UNKNOWN;
}

static bool copy_instrument(wire_instrument *m, const Tickwire__V1__Instrument *pb) {
    *m = (wire_instrument){
        .instrument = {.price_exponent = pb->price_exponent,
                       .quantity_exponent = pb->quantity_exponent,
                       .tick = (int64_t)pb->tick,
                       .round_lot = pb->round_lot,
                       .locate = pb->locate,
                       .test = pb->test,
                       .market = pb->market[0],
                       .version = pb->version},
        .shard = pb->shard,
        .trading = trading_state((int)pb->trading),
        .cause = wire_pb_cause((int)pb->cause),
    };
    return pb->tick <= INT64_MAX && strlen(pb->market) <= 1 && wire_pb_state(&m->state, (int)pb->state) &&
           wire_pb_text(m->instrument.symbol, sizeof m->instrument.symbol, pb->symbol) &&
           wire_pb_text(m->instrument.name, sizeof m->instrument.name, pb->name);
}

static wire_result copy_list(wire_arena *arena, wire_instrument_list *m, const Tickwire__V1__InstrumentList *pb) {
    wire_instrument *instruments = wire_arena_take(arena, pb->n_instruments * sizeof *instruments);
    if (instruments == NULL) return WIRE_OUT_OF_RANGE;
    for (size_t i = 0; i < pb->n_instruments; i++)
        if (!copy_instrument(&instruments[i], pb->instruments[i])) return WIRE_OUT_OF_RANGE;
    for (size_t i = 0; i < pb->n_not_found; i++)
        if (strlen(pb->not_found[i]) >= TW_SYMBOL_BYTES) return WIRE_OUT_OF_RANGE;
    *m = (wire_instrument_list){
        .partition = pb->partition,
        .partitions = pb->partitions,
        .term = pb->term,
        .version = pb->version,
        .prev_version = pb->prev_version,
        .publish_ns = wire_pb_time(pb->publish_ns),
        .instrument_count = (uint32_t)pb->n_instruments,
        .instruments = instruments,
        .not_found_count = (uint32_t)pb->n_not_found,
        .not_found = (const char *const *)pb->not_found,
        .chunk = pb->chunk,
        .last = pb->last,
        .code = (wire_reply_code)pb->code,
        .retry_after_ms = pb->retry_after_ms,
    };
    bool good = (int)pb->code >= WIRE_REPLY_OK && (int)pb->code <= WIRE_REPLY_BAD_REQUEST &&
                wire_pb_text(m->exchange, sizeof m->exchange, pb->exchange) &&
                wire_pb_text(m->epoch, sizeof m->epoch, pb->epoch) &&
                wire_pb_text(m->detail, sizeof m->detail, pb->detail);
    return good ? WIRE_OK : WIRE_OUT_OF_RANGE;
}

wire_result wire_instrument_list_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                        wire_instrument_list *m) {
    wire_arena_reset(arena);
    wire_result result;
    const ProtobufCMessage *message =
        wire_pb_unpack(arena, &tickwire__v1__instrument_list__descriptor, bytes, length, &result);
    return message == NULL ? result : copy_list(arena, m, (const Tickwire__V1__InstrumentList *)message);
}
