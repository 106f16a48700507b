/* The venue's messages that have no parts: Query, StateHash and Matcher. */
#include "proto/venue_tables.h"

static size_t encode(const wire_table *table, const void *m, uint8_t *buffer, size_t capacity) {
    uint8_t aside[WIRE_PART_ROOM];
    size_t length = (size_t)(wire_table_put(table, m, aside) - aside);
    return wire_copy_if_fits(buffer, capacity, aside, length);
}

static wire_result decode(const wire_table *table, const uint8_t *bytes, size_t length, void *m) {
    wire_fault_info fault = wire_table_read(table, bytes, length, m);
    if (fault.kind == WIRE_FAULT_NONE) return WIRE_OK;
    return fault.kind == WIRE_FAULT_MALFORMED ? WIRE_MALFORMED : WIRE_OUT_OF_RANGE;
}

size_t wire_query_encode(const wire_query *m, uint8_t *buffer, size_t capacity) {
    return encode(&wire_table_query, m, buffer, capacity);
}

wire_result wire_query_decode(const uint8_t *bytes, size_t length, wire_query *m) {
    return decode(&wire_table_query, bytes, length, m);
}

size_t wire_state_hash_encode(const wire_state_hash *m, uint8_t *buffer, size_t capacity) {
    return encode(&wire_table_state_hash, m, buffer, capacity);
}

wire_result wire_state_hash_decode(const uint8_t *bytes, size_t length, wire_state_hash *m) {
    return decode(&wire_table_state_hash, bytes, length, m);
}

size_t wire_matcher_encode(const wire_matcher *m, uint8_t *buffer, size_t capacity) {
    return encode(&wire_table_matcher, m, buffer, capacity);
}

wire_result wire_matcher_decode(const uint8_t *bytes, size_t length, wire_matcher *m) {
    return decode(&wire_table_matcher, bytes, length, m);
}
