/* LineStatus: how one of a feed's redundant lines fares. */
#include "proto/arena.h"
#include "proto/generated.h"

size_t wire_line_status_encode(const wire_line_status *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__LineStatus pb = TICKWIRE__V1__LINE_STATUS__INIT;
    pb.exchange = (char *)m->exchange; /* protobuf-c's structs are not const; packing only reads */
    pb.partition = m->partition;
    pb.line = (char *)m->line;
    pb.epoch = (char *)m->epoch;
    pb.term = m->term;
    pb.next_seq = m->next_seq;
    pb.state = (Tickwire__V1__BookState)m->state;
    pb.cause = (Tickwire__V1__StateCause)m->cause;
    pb.receive_ns = wire_time_to_pb(m->receive_ns);
    pb.publish_ns = wire_time_to_pb(m->publish_ns);
    pb.packets = m->packets;
    pb.messages = m->messages;
    pb.lost = m->lost;
    pb.duplicates = m->duplicates;
    pb.wins = m->wins;
    pb.skew_ns = m->skew_ns;
    pb.kernel_drops = m->kernel_drops;
    pb.malformed = m->malformed;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

static wire_result copy(wire_line_status *m, const Tickwire__V1__LineStatus *pb) {
    *m = (wire_line_status){
        .partition = pb->partition,
        .term = pb->term,
        .next_seq = pb->next_seq,
        .cause = wire_pb_cause((int)pb->cause),
        .receive_ns = wire_pb_time(pb->receive_ns),
        .publish_ns = wire_pb_time(pb->publish_ns),
        .packets = pb->packets,
        .messages = pb->messages,
        .lost = pb->lost,
        .duplicates = pb->duplicates,
        .wins = pb->wins,
        .kernel_drops = pb->kernel_drops,
        .malformed = pb->malformed,
        .skew_ns = pb->skew_ns,
    };
    bool good = wire_pb_text(m->exchange, sizeof m->exchange, pb->exchange) &&
                wire_pb_text(m->epoch, sizeof m->epoch, pb->epoch) &&
                wire_pb_text(m->line, sizeof m->line, pb->line) && wire_pb_state(&m->state, (int)pb->state);
    return good ? WIRE_OK : WIRE_OUT_OF_RANGE;
}

wire_result wire_line_status_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_line_status *m) {
    wire_arena_reset(arena);
    wire_result result;
    const ProtobufCMessage *message =
        wire_pb_unpack(arena, &tickwire__v1__line_status__descriptor, bytes, length, &result);
    return message == NULL ? result : copy(m, (const Tickwire__V1__LineStatus *)message);
}
