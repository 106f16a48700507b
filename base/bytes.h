/* Unaligned loads and stores in network (big endian) and little endian order. The caller has checked bounds. */
#ifndef TICKWIRE_BASE_BYTES_H
#define TICKWIRE_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* tw_load_be16(p), tw_store_be16(p, v) and so on. */
#define TW_BYTES(order, bits)                                                                                      \
    static inline uint##bits##_t tw_load_##order##bits(const uint8_t *p) {                                         \
        uint##bits##_t v;                                                                                          \
        memcpy(&v, p, sizeof v);                                                                                   \
        return order##bits##toh(v);                                                                                \
    }                                                                                                              \
    static inline void tw_store_##order##bits(uint8_t *p, uint##bits##_t v) {                                      \
        v = hto##order##bits(v);                                                                                   \
        memcpy(p, &v, sizeof v);                                                                                   \
    }
TW_BYTES(be, 16)
TW_BYTES(be, 32)
TW_BYTES(be, 64)
TW_BYTES(le, 16)
TW_BYTES(le, 32)
TW_BYTES(le, 64)
#undef TW_BYTES

static inline uint64_t tw_load_be48(const uint8_t *p) {
    return ((uint64_t)tw_load_be16(p) << 32) | tw_load_be32(p + 2);
}
static inline void tw_store_be48(uint8_t *p, uint64_t v) {
    tw_store_be16(p, (uint16_t)(v >> 32));
    tw_store_be32(p + 2, (uint32_t)v);
}

#endif
