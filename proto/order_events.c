/* OrderEvents: order by order. */
#include "base/assert.h"
#include "proto/arena.h"
#include "proto/header.h"

#define EVENTS_HEADER (HEADER_IDENTITY | HEADER_STATE | HEADER_PRICE_EXP | HEADER_QUANTITY_EXP | HEADER_TIMES)

/* Six varints of 11, two codes of 11, a time of 9, a text of 6: 103; with the field's tag and its length: 106. */
#define EVENT_ROOM   106u
#define ROOM(events) (HEADER_ROOM + (events)*EVENT_ROOM)

static uint8_t *put_event(uint8_t *at, const wire_order_event *event) {
    uint8_t *content = at = wire_begin_length(at, 20);
    at = wire_put_u64(at, 1, event->seq);
    at = wire_put_u64(at, 2, (uint64_t)event->kind);
    at = wire_put_u64(at, 3, (uint64_t)event->side);
    at = wire_put_u64(at, 4, event->order_id);
    at = wire_put_u64(at, 5, event->new_order_id);
    at = wire_put_s64(at, 6, event->price);
    at = wire_put_u64(at, 7, event->quantity);
    at = wire_put_u64(at, 8, event->remaining);
    at = wire_put_time(at, 9, event->event_ns);
    at = wire_put_text(at, 10, event->attribution, sizeof event->attribution);
    return wire_end_length(content, at);
}

static size_t put_order_events(const wire_order_events *m, uint8_t *buffer) {
    uint8_t *at = wire_put_header_start(buffer, &m->header, EVENTS_HEADER);
    at = wire_put_header_end(at, &m->header, EVENTS_HEADER);
    for (uint32_t i = 0; i < m->event_count; i++)
        at = put_event(at, &m->events[i]);
    return (size_t)(at - buffer);
}

size_t wire_order_events_encode(const wire_order_events *m, uint8_t *buffer, size_t capacity) {
    TW_ASSERT(m->event_count <= WIRE_MAX_ORDER_EVENTS);
    if (capacity >= ROOM(m->event_count)) return put_order_events(m, buffer);
    uint8_t scratch[ROOM(WIRE_MAX_ORDER_EVENTS)];
    size_t length = put_order_events(m, scratch);
    return wire_copy_if_fits(buffer, capacity, scratch, length);
}

static void take_event_field(wire_reader *reader, const wire_field *field, wire_order_event *event) {
    switch (field->number) {
    case 1:
        event->seq = wire_take_u64(reader, field);
        break;
    case 2:
        event->kind = (wire_order_kind)wire_take_enum(reader, field, WIRE_ORDER_REPLACE);
        break;
    case 3:
        event->side = (tw_side)wire_take_enum(reader, field, TW_ASK);
        break;
    case 4:
        event->order_id = wire_take_u64(reader, field);
        break;
    case 5:
        event->new_order_id = wire_take_u64(reader, field);
        break;
    case 6:
        event->price = wire_take_s64(reader, field);
        break;
    case 7:
        event->quantity = wire_take_u64(reader, field);
        break;
    case 8:
        event->remaining = wire_take_u64(reader, field);
        break;
    case 9:
        event->event_ns = wire_take_time(reader, field);
        break;
    case 10:
        wire_take_text(reader, field, event->attribution, sizeof event->attribution);
        break;
    default:
        break; /* a newer publisher's */
    }
}

static wire_result read_event(const uint8_t *bytes, size_t length, wire_order_event *event) {
    *event = (wire_order_event){.event_ns = TW_TIME_ABSENT};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        take_event_field(&reader, &field, event);
    return reader.result;
}

typedef struct events_filler {
    wire_order_event *events;
    uint32_t capacity;
    uint32_t count;
} events_filler;

static void take_event(wire_arena *arena, wire_reader *reader, const wire_field *field, events_filler *filler) {
    if (field->type != WIRE_LENGTH) {
        wire_fault(reader, WIRE_MALFORMED);
        return;
    }
    wire_order_event *events = wire_arena_grow(arena, filler->events, sizeof *events, &filler->capacity,
                                               filler->count + 1, WIRE_MAX_ORDER_EVENTS);
    if (events == NULL) {
        wire_fault(reader, WIRE_OUT_OF_RANGE);
        return;
    }
    filler->events = events;
    wire_fault(reader, read_event(field->bytes, (size_t)field->value, &events[filler->count++]));
}

wire_result wire_order_events_decode(wire_arena *arena, const uint8_t *bytes, size_t length, wire_order_events *m) {
    wire_arena_reset(arena);
    *m = (wire_order_events){.header = wire_header_empty()};
    events_filler filler = {0};
    wire_reader reader = wire_reader_of(bytes, length);
    wire_field field;
    while (wire_next(&reader, &field))
        if (!wire_take_header(&reader, &field, EVENTS_HEADER, &m->header) && field.number == 20)
            take_event(arena, &reader, &field, &filler);
    if (reader.result != WIRE_OK) return reader.result;
    m->events = filler.events;
    m->event_count = filler.count;
    if (filler.count > 0) m->header.event_ns = filler.events[filler.count - 1].event_ns;
    return WIRE_OK;
}
