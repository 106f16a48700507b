/* The book checksum of the design: what publisher and receivers agree a book looks like. */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "proto/codec.h"

enum { CHECKED_LEVELS = 10, LEVEL_BYTES = 16, SIDE_BYTES = 1 + CHECKED_LEVELS * LEVEL_BYTES };

static uint8_t *put_side(uint8_t *at, const tw_level *levels, uint32_t count, uint32_t limit) {
    if (count > limit) count = limit;
    *at++ = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++, at += LEVEL_BYTES) {
        tw_store_le64(at, (uint64_t)levels[i].price);
        tw_store_le64(at + 8, levels[i].quantity);
    }
    return at;
}

uint32_t wire_book_checksum(const tw_level *bids, uint32_t bid_count, const tw_level *asks, uint32_t ask_count,
                            uint32_t depth) {
    uint8_t bytes[2 * SIDE_BYTES];
    uint32_t limit = depth < CHECKED_LEVELS ? depth : CHECKED_LEVELS;
    uint8_t *at = put_side(bytes, bids, bid_count, limit);
    at = put_side(at, asks, ask_count, limit);
    return tw_crc32c(0, bytes, (size_t)(at - bytes));
}
