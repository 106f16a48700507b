/* The fields that every message about an instrument shares: reading them, and encoding the constant ones ahead. */
#include "proto/header.h"

void wire_identity_encode(wire_identity *identity, const wire_header *header) {
    memset(identity, 0, sizeof *identity);
    identity->length = (uint32_t)(wire_put_identity(identity->bytes, header) - identity->bytes);
}

bool wire_take_header(wire_reader *reader, const wire_field *field, uint32_t set, wire_header *h) {
    if (field->number > 16 || (set & HEADER_FIELD(field->number)) == 0) return false;
    switch (field->number) {
    case 1:
        wire_take_text(reader, field, h->exchange, sizeof h->exchange);
        break;
    case 2:
        wire_take_text(reader, field, h->symbol, sizeof h->symbol);
        break;
    case 3:
        h->partition = wire_take_u32(reader, field);
        break;
    case 4:
        wire_take_text(reader, field, h->epoch, sizeof h->epoch);
        break;
    case 5:
        h->term = wire_take_u64(reader, field);
        break;
    case 6:
        h->prev_seq = wire_take_u64(reader, field);
        break;
    case 7:
        h->seq = wire_take_u64(reader, field);
        break;
    case 8:
        h->snapshot = wire_take_bool(reader, field);
        break;
    case 9:
        h->state = (tw_book_state)wire_take_enum(reader, field, TW_BOOK_STALE);
        break;
    case 10:
        h->cause = (tw_state_cause)wire_take_enum_or_0(reader, field, WIRE_LAST_CAUSE);
        break;
    case 12:
        h->price_exponent = wire_take_s32(reader, field);
        break;
    case 13:
        h->quantity_exponent = wire_take_s32(reader, field);
        break;
    case 14:
        h->event_ns = wire_take_time(reader, field);
        break;
    case 15:
        h->receive_ns = wire_take_time(reader, field);
        break;
    case 16:
        h->publish_ns = wire_take_time(reader, field);
        break;
    default:
        return false;
    }
    return true;
}
