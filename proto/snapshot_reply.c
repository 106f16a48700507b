/* SnapshotRequest, and SnapshotReply: an envelope and parts that were encoded before. The envelope is packed once per reply; the parts,
 * of which a bulk snapshot has thousands, are copied behind it when written and read in place when received. */
#include <string.h>

#include "proto/arena.h"
#include "proto/generated.h"
#include "proto/parts.h"
#include "proto/wire_reader.h"
#include "proto/wire_writer.h"

size_t wire_snapshot_request_encode(const wire_snapshot_request *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__SnapshotRequest pb = TICKWIRE__V1__SNAPSHOT_REQUEST__INIT;
    pb.tell_unknown = m->tell_unknown;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

wire_result wire_snapshot_request_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                         wire_snapshot_request *m) {
    (void)arena; /* nothing here is longer than the struct */
    *m = (wire_snapshot_request){0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (field.number == 1) m->tell_unknown = wire_take_bool(&reader, &field);
    return reader.result;
}

size_t wire_snapshot_reply_encode(const wire_snapshot_reply *m, uint8_t *buffer, size_t capacity) {
    Tickwire__V1__SnapshotReply pb = TICKWIRE__V1__SNAPSHOT_REPLY__INIT;
    pb.exchange = (char *)m->exchange; /* protobuf-c's structs are not const; packing only reads */
    pb.channel = (char *)m->channel;
    pb.code = (Tickwire__V1__ReplyCode)m->code;
    pb.detail = (char *)m->detail;
    pb.retry_after_ms = m->retry_after_ms;
    pb.chunk = m->chunk;
    pb.last = m->last;
    pb.epoch = (char *)m->epoch;
    pb.term = m->term;
    pb.partition = m->partition;
    pb.partitions = m->partitions;
    return wire_pb_pack(&pb.base, buffer, capacity);
}

size_t wire_snapshot_part_append(wire_snapshot_part part, const uint8_t *encoded, size_t length, uint8_t *buffer,
                                 size_t capacity) {
    uint8_t start[WIRE_TAG_ROOM + WIRE_VARINT_ROOM];
    size_t start_length = (size_t)(wire_put_varint(wire_put_tag(start, part, WIRE_LENGTH), length) - start);
    if (start_length > capacity || length > capacity - start_length) return 0;
    memcpy(buffer, start, start_length);
    if (length > 0) memcpy(buffer + start_length, encoded, length);
    return start_length + length;
}

static void take_envelope(wire_reader *reader, const wire_field *field, wire_snapshot_reply *m) {
    switch (field->number) {
    case 1:
        wire_take_text(reader, field, m->exchange, sizeof m->exchange);
        break;
    case 2:
        wire_take_text(reader, field, m->channel, sizeof m->channel);
        break;
    case 3:
        m->code = (wire_reply_code)wire_take_enum(reader, field, WIRE_REPLY_BAD_REQUEST);
        break;
    case 4:
        wire_take_text(reader, field, m->detail, sizeof m->detail);
        break;
    case 5:
        m->retry_after_ms = wire_take_u32(reader, field);
        break;
    case 6:
        m->chunk = wire_take_u32(reader, field);
        break;
    case 7:
        m->last = wire_take_bool(reader, field);
        break;
    case 8:
        wire_take_text(reader, field, m->epoch, sizeof m->epoch);
        break;
    case 9:
        m->term = wire_take_u64(reader, field);
        break;
    case 15:
        m->partition = wire_take_u32(reader, field);
        break;
    case 16:
        m->partitions = wire_take_u32(reader, field);
        break;
    default:
        break; /* a part, counted apart, or a newer publisher's */
    }
}

/* Where the parts go: first counted, then taken from the arena in one piece per kind, then filled. */
typedef struct parts {
    uint32_t counts[WIRE_PART_IMBALANCE + 1];
    wire_book_update *books;
    wire_quote *quotes;
    wire_trades *trades;
    wire_status *statuses;
    wire_imbalance *imbalances;
} parts;

static bool is_part(const wire_field *field) {
    return field->number >= WIRE_PART_BOOK && field->number <= WIRE_PART_IMBALANCE;
}

static wire_result read_envelope(const uint8_t *bytes, size_t length, wire_snapshot_reply *m, parts *p) {
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field)) {
        take_envelope(&reader, &field, m);
        if (!is_part(&field)) continue;
        if (field.type != WIRE_LENGTH) wire_fault(&reader, WIRE_MALFORMED);
        p->counts[field.number]++;
    }
    return reader.result;
}

static bool take_arrays(wire_arena *arena, parts *p) {
    p->books = wire_arena_take(arena, p->counts[WIRE_PART_BOOK] * sizeof *p->books);
    p->quotes = wire_arena_take(arena, p->counts[WIRE_PART_QUOTE] * sizeof *p->quotes);
    p->trades = wire_arena_take(arena, p->counts[WIRE_PART_TRADES] * sizeof *p->trades);
    p->statuses = wire_arena_take(arena, p->counts[WIRE_PART_STATUS] * sizeof *p->statuses);
    p->imbalances = wire_arena_take(arena, p->counts[WIRE_PART_IMBALANCE] * sizeof *p->imbalances);
    return p->books != NULL && p->quotes != NULL && p->trades != NULL && p->statuses != NULL &&
           p->imbalances != NULL;
}

static wire_result read_part(wire_arena *arena, const wire_field *field, const parts *p, wire_snapshot_reply *m) {
    size_t length = (size_t)field->value;
    switch (field->number) {
    case WIRE_PART_BOOK:
        return wire_book_update_read(arena, field->bytes, length, &p->books[m->book_count++]);
    case WIRE_PART_QUOTE:
        return wire_quote_read(arena, field->bytes, length, &p->quotes[m->quote_count++]);
    case WIRE_PART_TRADES:
        return wire_trades_read(arena, field->bytes, length, &p->trades[m->trades_count++]);
    case WIRE_PART_STATUS:
        return wire_status_read(arena, field->bytes, length, &p->statuses[m->status_count++]);
    default:
        return wire_imbalance_read(arena, field->bytes, length, &p->imbalances[m->imbalance_count++]);
    }
}

wire_result wire_snapshot_reply_decode(wire_arena *arena, const uint8_t *bytes, size_t length,
                                       wire_snapshot_reply *m) {
    wire_arena_reset(arena);
    *m = (wire_snapshot_reply){0};
    parts p = {0};
    wire_result result = read_envelope(bytes, length, m, &p);
    if (result != WIRE_OK) return result;
    if (!take_arrays(arena, &p)) return WIRE_OUT_OF_RANGE;
    m->books = p.books;
    m->quotes = p.quotes;
    m->trades = p.trades;
    m->statuses = p.statuses;
    m->imbalances = p.imbalances;
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (is_part(&field)) wire_fault(&reader, read_part(arena, &field, &p, m));
    return reader.result;
}
