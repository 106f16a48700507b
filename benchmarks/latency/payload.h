/*
 * Where in a market data payload its times and its source number lie, found without decoding it: fields 7 (seq),
 * 15 (receive_ns) and 16 (publish_ns) of market_data.proto, the times eight bytes each. So that the listener costs the
 * same whoever publishes, and baselines can put their own times into captured payloads.
 */
#ifndef TICKWIRE_BENCHMARKS_LATENCY_PAYLOAD_H
#define TICKWIRE_BENCHMARKS_LATENCY_PAYLOAD_H

#include <stdint.h>

typedef struct payload_times {
    uint32_t receive_at, publish_at; /* 0: not there */
    uint64_t seq;
} payload_times;

static inline uint64_t payload_varint(const uint8_t *bytes, uint32_t length, uint32_t *at) {
    uint64_t value = 0;
    for (unsigned shift = 0; *at < length && shift < 64; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

/* Stops behind field 16: the rest is the book. */
static inline payload_times payload_find_times(const uint8_t *bytes, uint32_t length) {
    payload_times times = {0};
    for (uint32_t at = 0; at < length;) {
        uint64_t tag = payload_varint(bytes, length, &at), value = 0;
        uint32_t start = at;
        if (tag >> 3 > 16) break;
        switch (tag & 7) {
        case 0:
            value = payload_varint(bytes, length, &at);
            break;
        case 1:
            at += 8;
            break;
        case 2:
            value = payload_varint(bytes, length, &at);
            at += (uint32_t)value;
            break;
        default:
            at += 4;
        }
        if (at > length) break;
        if (tag == (7u << 3)) times.seq = value;
        if (tag == (15u << 3 | 1)) times.receive_at = start;
        if (tag == (16u << 3 | 1)) times.publish_at = start;
    }
    return times;
}

#endif
