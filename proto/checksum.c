/* The book checksum of the design: what publisher and receivers agree a book looks like.
 *
 * Fed byte by byte, or word by word, each step of a CRC waits for the one before. But a CRC is a remainder of a division
 * of polynomials, so it is also a sum: each word's remainder, multiplied by x to the number of bits behind it. Where the
 * processor multiplies polynomials, the words of a side are multiplied independently, added up, and divided once.
 * This costs a third, and reads the levels where they are. */
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "proto/codec.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

enum { CHECKED_LEVELS = WIRE_CHECKED_LEVELS, LEVEL_BYTES = 16, SIDE_BYTES = 1 + CHECKED_LEVELS * LEVEL_BYTES };

static uint8_t *put_side(uint8_t *at, const tw_level *levels, uint32_t count) {
    *at++ = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++, at += LEVEL_BYTES) {
        tw_store_le64(at, (uint64_t)levels[i].price);
        tw_store_le64(at + 8, levels[i].quantity);
    }
    return at;
}

static uint32_t by_bytes(const tw_level *bids, uint32_t bid_count, const tw_level *asks, uint32_t ask_count) {
    uint8_t bytes[2 * SIDE_BYTES];
    uint8_t *at = put_side(bytes, bids, bid_count);
    at = put_side(at, asks, ask_count);
    return tw_crc32c(0, bytes, (size_t)(at - bytes));
}

#if defined(__x86_64__)

_Static_assert(offsetof(tw_level, quantity) == offsetof(tw_level, price) + 8, "a level is read with one load");

/* shift[j]: x^(64 j - 33) modulo the CRC's polynomial, bits reversed. Multiplying by it moves a word in front of j
 * others; the 33 undoes what the reversed product (1) and the instruction that divides (32) add. */
static const uint64_t shift[2 * CHECKED_LEVELS + 2] = {
    0xa9cdda0d, 0x00000001, 0x493c7d27, 0xf20c0dfe, 0xba4fc28e, 0x3da6d0cb, 0xddc0152b, 0x1c291d04,
    0x9e4addf8, 0x740eef02, 0x39d3b296, 0x083a6eec, 0x0715ce53, 0xc49f4f67, 0x47db8317, 0x2ad91c30,
    0x0d3b6092, 0x6992cea2, 0xc96cfdc0, 0x7e908048, 0x878a92a7, 0x1b3d8f29};

static bool has_products(void) {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

/* The remainder of a side's levels alone. */
__attribute__((target("sse4.2,pclmul"))) static uint64_t remainder_of(const tw_level *levels, uint32_t count) {
    __m128i sum = _mm_setzero_si128();
    for (uint32_t i = 0; i < count; i++) {
        __m128i level = _mm_loadu_si128((const __m128i *)(const void *)&levels[i].price);
        __m128i by = _mm_loadu_si128((const __m128i *)(const void *)&shift[2 * (count - 1 - i)]);
        sum = _mm_xor_si128(sum, _mm_clmulepi64_si128(level, by, 0x10)); /* price: one word more behind it */
        sum = _mm_xor_si128(sum, _mm_clmulepi64_si128(level, by, 0x01));
    }
    uint64_t low = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(sum));
    return _mm_crc32_u64(low, (uint64_t)_mm_extract_epi64(sum, 1));
}

/* Goes on from `crc` over a side: its count, then its levels, whose remainder is known. */
__attribute__((target("sse4.2,pclmul"))) static uint64_t go_on(uint64_t crc, uint32_t count, uint64_t remainder) {
    crc = _mm_crc32_u8((uint32_t)crc, (uint8_t)count);
    __m128i moved = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                                         _mm_cvtsi64_si128((long long)shift[2 * count]), 0x00);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(moved)) ^ remainder;
}

static uint32_t by_products(const tw_level *bids, uint32_t bid_count, const tw_level *asks, uint32_t ask_count) {
    uint64_t bid_remainder = remainder_of(bids, bid_count), ask_remainder = remainder_of(asks, ask_count);
    return ~(uint32_t)go_on(go_on(UINT32_MAX, bid_count, bid_remainder), ask_count, ask_remainder);
}

#else

static bool has_products(void) {
    return false;
}

static uint32_t by_products(const tw_level *bids, uint32_t bid_count, const tw_level *asks, uint32_t ask_count) {
    return by_bytes(bids, bid_count, asks, ask_count);
}

#endif

uint32_t wire_book_checksum(const tw_level *bids, uint32_t bid_count, const tw_level *asks, uint32_t ask_count,
                            uint32_t depth) {
    uint32_t limit = depth < CHECKED_LEVELS ? depth : CHECKED_LEVELS;
    if (bid_count > limit) bid_count = limit;
    if (ask_count > limit) ask_count = limit;
    return has_products() ? by_products(bids, bid_count, asks, ask_count)
                          : by_bytes(bids, bid_count, asks, ask_count);
}
