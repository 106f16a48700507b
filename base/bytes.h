/* Unaligned loads and stores in network (big endian) and little endian order. The caller has checked bounds. */
#ifndef TICKWIRE_BASE_BYTES_H
#define TICKWIRE_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t tw_load_be16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}
static inline uint32_t tw_load_be32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}
static inline uint64_t tw_load_be64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}
static inline uint64_t tw_load_be48(const uint8_t *p) {
    return ((uint64_t)tw_load_be16(p) << 32) | tw_load_be32(p + 2);
}
static inline uint16_t tw_load_le16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return le16toh(v);
}
static inline uint32_t tw_load_le32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}
static inline uint64_t tw_load_le64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}
static inline void tw_store_be16(uint8_t *p, uint16_t v) {
    v = htobe16(v);
    memcpy(p, &v, sizeof v);
}
static inline void tw_store_be32(uint8_t *p, uint32_t v) {
    v = htobe32(v);
    memcpy(p, &v, sizeof v);
}
static inline void tw_store_be64(uint8_t *p, uint64_t v) {
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
}
static inline void tw_store_be48(uint8_t *p, uint64_t v) {
    tw_store_be16(p, (uint16_t)(v >> 32));
    tw_store_be32(p + 2, (uint32_t)v);
}
static inline void tw_store_le32(uint8_t *p, uint32_t v) {
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}
static inline void tw_store_le64(uint8_t *p, uint64_t v) {
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

#endif
