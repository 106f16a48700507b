/* The fields that every message about an instrument shares: reading them, and encoding the constant ones ahead. */
#include "proto/header.h"

void wire_identity_encode(wire_identity *identity, const wire_header *header) {
    memset(identity, 0, sizeof *identity);
    identity->length = (uint32_t)(wire_put_identity(identity->bytes, header) - identity->bytes);
}

bool wire_take_header(wire_reader *reader, const wire_field *field, uint32_t set, wire_header *h) {
    return wire_take_header_inline(reader, field, set, h);
}
