/* Usage: a part of a gateway's ledger. */
#include "proto/arena.h"
#include "proto/generated.h"
#include "tickwire/v1/usage.pb-c.h"

size_t wire_usage_encode(const wire_usage *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__UsageLine lines[WIRE_MAX_USAGE_LINES];
    Tickwire__V1__UsageLine *pointers[WIRE_MAX_USAGE_LINES];
    Tickwire__V1__Usage pb = TICKWIRE__V1__USAGE__INIT;
    if (m->line_count > WIRE_MAX_USAGE_LINES) return 0;
    pb.gateway = (char *)m->gateway; /* protobuf-c's structs are not const; packing only reads */
    pb.instance = (char *)m->instance;
    pb.exchange = (char *)m->exchange;
    pb.period_start_ns = wire_time_to_pb(m->period_start_ns);
    pb.period_ns = (uint64_t)m->period_ns;
    pb.publish_ns = wire_time_to_pb(m->publish_ns);
    for (uint32_t i = 0; i < m->line_count; i++) {
        const wire_usage_line *line = &m->lines[i];
        pointers[i] = &lines[i];
        lines[i] = (Tickwire__V1__UsageLine)TICKWIRE__V1__USAGE_LINE__INIT;
        lines[i].number = line->number;
        lines[i].user = (char *)(uintptr_t)line->user;
        lines[i].subject = (char *)(uintptr_t)line->subject;
        lines[i].updates = line->updates;
        lines[i].bytes = line->bytes;
        lines[i].first_ns = wire_time_to_pb(line->first_ns);
        lines[i].last_ns = wire_time_to_pb(line->last_ns);
    }
    pb.n_lines = m->line_count;
    pb.lines = pointers;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

static wire_result copy(wire_arena *arena, wire_usage *m, const Tickwire__V1__Usage *pb) {
    wire_usage_line *lines = wire_arena_take(arena, pb->n_lines * sizeof *lines);
    if (lines == NULL || pb->n_lines > WIRE_MAX_USAGE_LINES || pb->period_ns > INT64_MAX) return WIRE_OUT_OF_RANGE;
    for (size_t i = 0; i < pb->n_lines; i++) {
        const Tickwire__V1__UsageLine *line = pb->lines[i];
        lines[i] = (wire_usage_line){.number = line->number,
                                     .user = line->user,
                                     .subject = line->subject,
                                     .updates = line->updates,
                                     .bytes = line->bytes,
                                     .first_ns = wire_pb_time(line->first_ns),
                                     .last_ns = wire_pb_time(line->last_ns)};
    }
    *m = (wire_usage){.period_start_ns = wire_pb_time(pb->period_start_ns),
                      .period_ns = (int64_t)pb->period_ns,
                      .publish_ns = wire_pb_time(pb->publish_ns),
                      .line_count = (uint32_t)pb->n_lines,
                      .lines = lines};
    bool good = wire_pb_text(m->gateway, sizeof m->gateway, pb->gateway) &&
                wire_pb_text(m->instance, sizeof m->instance, pb->instance) &&
                wire_pb_text(m->exchange, sizeof m->exchange, pb->exchange);
    return good ? WIRE_OK : WIRE_OUT_OF_RANGE;
}

wire_result wire_usage_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_usage *m) {
    wire_arena_reset(arena);
    wire_result result;
    const ProtobufCMessage *message =
        wire_pb_unpack(arena, &tickwire__v1__usage__descriptor, bytes, length, &result);
    return message == NULL ? result : copy(arena, m, (const Tickwire__V1__Usage *)message);
}
