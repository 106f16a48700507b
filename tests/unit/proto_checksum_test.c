/* The book checksum against values from a bitwise CRC-32C written apart from this code (polynomial 0x82F63B78,
 * check value of "123456789" 0xE3069283). */
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
