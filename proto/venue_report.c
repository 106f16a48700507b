/*
 * A report's writer by hand: of all that the venue sends it is the most, once for its owner and once for execlog. The same bytes as by the
 * table in venue_tables.c, which reads it.
 */
#include "proto/venue_tables.h"
#include "proto/wire_writer.h"

static inline uint8_t *put_text(uint8_t *at, uint32_t number, const char *text, size_t capacity) {
    if (text[0] == '\0') return at;
    size_t length = strnlen(text, capacity - 1);
    at = wire_put_varint(wire_put_tag(at, number, WIRE_LENGTH), length);
    memcpy(at, text, length);
    return at + length;
}

static inline uint8_t *put_number(uint8_t *at, uint32_t number, uint32_t value) {
    return wire_put_u64(at, number, (uint32_t)(value + 1));
}

static inline uint8_t *put_money(uint8_t *at, uint32_t number, wire_money value) {
    at = wire_put_s64(at, number, (int64_t)(value >> 64));
    return wire_put_u64(at, number + 1, (uint64_t)value);
}

static uint8_t *put_codes(uint8_t *at, const wire_report *m) {
    at = wire_put_u64(at, 18, m->command);
    at = wire_put_u64(at, 19, m->status);
    at = wire_put_u64(at, 20, m->side);
    at = wire_put_u64(at, 21, m->type);
    at = wire_put_u64(at, 22, m->tif);
    at = wire_put_u64(at, 23, m->liquidity);
    at = wire_put_u64(at, 24, m->state);
    return wire_put_u64(at, 25, m->duplicate);
}

uint8_t *wire_report_put(const wire_report *m, uint8_t *at) {
    at = wire_put_u64(at, 1, m->seq);
    at = wire_put_u64(at, 2, m->index);
    at = wire_put_u64(at, 3, m->n);
    at = wire_put_u64(at, 4, m->kind);
    at = wire_put_u64(at, 5, m->reason);
    at = put_number(at, 6, m->account);
    at = put_number(at, 7, m->instrument);
    at = wire_put_u64(at, 8, m->order_id);
    at = put_text(at, 9, m->client_order_id, sizeof m->client_order_id);
    at = wire_put_price_if_any(at, 10, m->price);
    at = wire_put_u64(at, 11, m->quantity);
    at = wire_put_u64(at, 12, m->leaves);
    at = wire_put_u64(at, 13, m->executed);
    at = wire_put_price_if_any(at, 14, m->last_price);
    at = wire_put_u64(at, 15, m->last_quantity);
    at = wire_put_time(at, 16, m->stream_ns);
    at = wire_put_time(at, 17, m->event_ns);
    at = put_codes(at, m);
    at = wire_put_u64(at, 26, m->counter_id);
    at = wire_put_u64(at, 27, m->session);
    at = wire_put_price_if_any(at, 28, m->stop_price);
    at = wire_put_u64(at, 29, m->shown);
    at = wire_put_price_if_any(at, 30, m->average_price);
    at = put_money(at, 31, m->executed_notional);
    at = put_money(at, 33, m->fee);
    at = put_text(at, 35, m->correlation_id, sizeof m->correlation_id);
    at = put_text(at, 36, m->order_correlation_id, sizeof m->order_correlation_id);
    at = put_text(at, 37, m->account_name, sizeof m->account_name);
    return put_text(at, 38, m->symbol, sizeof m->symbol);
}
