/* Connections by address: whose they are, and that counting never loses or mixes up any, however addresses collide. */
#include <string.h>

#include "base/random.h"
#include "gateways/address_count.h"
#include "tests/unit.h"

TEST(address_count, an_address_is_what_its_holder_cannot_change) {
    static const uint8_t v4[4] = {192, 0, 2, 1}, other_v4[4] = {192, 0, 2, 2};
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 3},
                         same_64[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 9},
                         other_64[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 3, 3};
    address_count *counts = address_count_alloc(10);
    address_count_add(counts, address_key_of_ipv4(v4));
    address_count_add(counts, address_key_of_ipv6(mapped));
    EXPECT_U64(address_count_of(counts, address_key_of_ipv4(v4)), 2);
    EXPECT_U64(address_count_of(counts, address_key_of_ipv4(other_v4)), 0);
    address_count_add(counts, address_key_of_ipv6(v6));
    EXPECT_U64(address_count_of(counts, address_key_of_ipv6(same_64)), 1);
    EXPECT_U64(address_count_of(counts, address_key_of_ipv6(other_64)), 0);
    address_count_remove(counts, address_key_of_ipv6(same_64));
    EXPECT_U64(address_count_of(counts, address_key_of_ipv6(v6)), 0);
    address_count_free(counts);
}

TEST(address_count, users_are_counted_by_name_and_never_as_an_address) {
    static const uint8_t highest[4] = {255, 255, 255, 255}, v6[16] = {0x20, 0x01};
    address_count *counts = address_count_alloc(10);
    address_count_add(counts, address_key_of_user("ann"));
    address_count_add(counts, address_key_of_user("ann"));
    address_count_add(counts, address_key_of_ipv4(highest));
    EXPECT_U64(address_count_of(counts, address_key_of_user("ann")), 2);
    EXPECT_U64(address_count_of(counts, address_key_of_user("bob")), 0);
    EXPECT_U64(address_count_of(counts, address_key_of_user("")), 0);
    EXPECT_U64(address_count_of(counts, address_key_of_ipv4(highest)), 1);
    EXPECT_U64(address_count_of(counts, address_key_of_ipv6(v6)), 0);
    address_count_free(counts);
}

TEST(address_count, counts_are_those_of_a_plain_table) {
    enum { ADDRESSES = 60, MOST = 40 };
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint32_t plain[ADDRESSES] = {0}, total = 0;
        address_count *counts = address_count_alloc(MOST);
        tw_random random;
        tw_random_seed(&random, seed);
        for (int step = 0; step < 3000; step++) {
            uint8_t which = (uint8_t)tw_random_below(&random, ADDRESSES);
            const uint8_t bytes[4] = {10, 0, (uint8_t)seed, which};
            address_key key = address_key_of_ipv4(bytes);
            if (tw_random_below(&random, 2) == 0 && total < MOST) {
                address_count_add(counts, key);
                plain[which]++, total++;
            } else if (plain[which] > 0) {
                address_count_remove(counts, key);
                plain[which]--, total--;
            }
            EXPECT_MSG(address_count_of(counts, key) == plain[which], "seed %llu", (unsigned long long)seed);
        }
        for (uint8_t i = 0; i < ADDRESSES; i++) {
            const uint8_t bytes[4] = {10, 0, (uint8_t)seed, i};
            EXPECT_U64(address_count_of(counts, address_key_of_ipv4(bytes)), plain[i]);
        }
        address_count_free(counts);
    }
}
