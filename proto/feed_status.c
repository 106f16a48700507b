/* FeedStatus: the state of a partition's merged feed. */
#include "proto/arena.h"
#include "proto/generated.h"

size_t wire_feed_status_encode(const wire_feed_status *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__FeedStatus pb = TICKWIRE__V1__FEED_STATUS__INIT;
    pb.exchange = (char *)m->exchange; /* protobuf-c's structs are not const; packing only reads */
    pb.partition = m->partition;
    pb.epoch = (char *)m->epoch;
    pb.term = m->term;
    pb.seq = m->seq;
    pb.state = (Tickwire__V1__BookState)m->state;
    pb.cause = (Tickwire__V1__StateCause)m->cause;
    pb.detail = (char *)m->detail;
    pb.event_ns = wire_time_to_pb(m->event_ns);
    pb.receive_ns = wire_time_to_pb(m->receive_ns);
    pb.publish_ns = wire_time_to_pb(m->publish_ns);
    pb.gap_from = m->gap_from;
    pb.gap_to = m->gap_to;
    pb.messages = m->messages;
    pb.lost = m->lost;
    pb.updates = m->updates;
    pb.instruments = m->instruments;
    pb.instruments_not_ok = m->instruments_not_ok;
    pb.published_seq = m->published_seq;
    pb.handover = m->handover;
    pb.leader = (char *)m->leader;
    pb.directory_version = m->directory_version;
    pb.storage_low = m->storage_low;
    pb.journal_ns = (uint64_t)m->journal_ns;
    pb.continues_term = m->continues_term;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

static wire_result copy(wire_feed_status *m, const Tickwire__V1__FeedStatus *pb) {
    *m = (wire_feed_status){
        .partition = pb->partition,
        .term = pb->term,
        .seq = pb->seq,
        .cause = wire_pb_cause((int)pb->cause),
        .event_ns = wire_pb_time(pb->event_ns),
        .receive_ns = wire_pb_time(pb->receive_ns),
        .publish_ns = wire_pb_time(pb->publish_ns),
        .gap_from = pb->gap_from,
        .gap_to = pb->gap_to,
        .messages = pb->messages,
        .lost = pb->lost,
        .updates = pb->updates,
        .instruments = pb->instruments,
        .instruments_not_ok = pb->instruments_not_ok,
        .published_seq = pb->published_seq,
        .handover = pb->handover != 0,
        .directory_version = pb->directory_version,
        .storage_low = pb->storage_low != 0,
        .journal_ns = (int64_t)pb->journal_ns,
        .continues_term = pb->continues_term,
    };
    bool good = wire_pb_text(m->exchange, sizeof m->exchange, pb->exchange) &&
                wire_pb_text(m->epoch, sizeof m->epoch, pb->epoch) &&
                wire_pb_text(m->detail, sizeof m->detail, pb->detail) &&
                wire_pb_text(m->leader, sizeof m->leader, pb->leader) && wire_pb_state(&m->state, (int)pb->state);
    return good ? WIRE_OK : WIRE_OUT_OF_RANGE;
}

wire_result wire_feed_status_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_feed_status *m) {
    wire_arena_reset(arena);
    wire_result result;
    const ProtobufCMessage *message =
        wire_pb_unpack(arena, &tickwire__v1__feed_status__descriptor, bytes, length, &result);
    return message == NULL ? result : copy(m, (const Tickwire__V1__FeedStatus *)message);
}
