/* The book checksum against values from a bitwise CRC-32C written apart from this code (polynomial 0x82F63B78,
 * check value of "123456789" 0xE3069283). */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "proto/codec.h"
#include "tests/unit.h"

/* 02                                    two bids
 * 80db1c0000000000 2c01000000000000     1891200, 300
 * ffffffffffffffff ffffffffffffffff     -1, 2^64 - 1
 * 01                                    one ask
 * e4db1c0000000000 6400000000000000     1891300, 100
 * The numbers of orders are not in it. */
TEST(checksum, covers_counts_prices_and_quantities_little_endian_best_first) {
    const tw_level bids[] = {{1891200, 300, 7}, {-1, UINT64_MAX, 9}};
    const tw_level asks[] = {{1891300, 100, 1}};
    EXPECT_U64(wire_book_checksum(bids, 2, asks, 1, 10), 0xdc2e6f89);
}

TEST(checksum, an_empty_book_is_two_zero_bytes) {
    EXPECT_U64(wire_book_checksum(NULL, 0, NULL, 0, 10), 0xf16177d2);
}

static void make_ladder(tw_level bids[12], tw_level asks[12]) {
    for (uint32_t i = 0; i < 12; i++) {
        bids[i] = (tw_level){1000 - (int64_t)i, i + 1, 1};
        asks[i] = (tw_level){1001 + (int64_t)i, i + 1, 1};
    }
}

TEST(checksum, sees_ten_levels_of_a_deeper_book) {
    tw_level bids[12], asks[12];
    make_ladder(bids, asks);
    EXPECT_U64(wire_book_checksum(bids, 12, asks, 12, 20), 0x5a2edc6c);
    EXPECT_U64(wire_book_checksum(bids, 10, asks, 10, 10), 0x5a2edc6c);
}

TEST(checksum, sees_no_more_than_the_depth) {
    tw_level bids[12], asks[12];
    make_ladder(bids, asks);
    EXPECT_U64(wire_book_checksum(bids, 12, asks, 12, 3), 0x63fd130d);
}

static size_t put_side(uint8_t *at, const tw_level *levels, uint32_t count) {
    *at = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        tw_store_le64(at + 1 + 16 * i, (uint64_t)levels[i].price);
        tw_store_le64(at + 9 + 16 * i, levels[i].quantity);
    }
    return 1 + 16 * (size_t)count;
}

TEST(checksum, is_the_table_crc_of_the_bytes_for_any_number_of_levels_on_either_side) {
    tw_random random;
    tw_random_seed(&random, 7);
    tw_level bids[10], asks[10];
    for (uint32_t round = 0; round < 11 * 11 * 20; round++) {
        uint32_t bid_count = round % 11, ask_count = round / 11 % 11;
        for (uint32_t i = 0; i < 10; i++) {
            bids[i] = (tw_level){(int64_t)tw_random_u64(&random), tw_random_u64(&random), i};
            asks[i] = (tw_level){(int64_t)tw_random_u64(&random), tw_random_u64(&random), i};
        }
        uint8_t bytes[322];
        size_t length = put_side(bytes, bids, bid_count);
        length += put_side(bytes + length, asks, ask_count);
        EXPECT_U64(wire_book_checksum(bids, bid_count, asks, ask_count, 10), tw_crc32c_table(0, bytes, length));
    }
}
