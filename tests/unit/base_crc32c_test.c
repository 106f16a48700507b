#include "base/crc32c.h"
#include "base/random.h"
#include "tests/unit.h"

typedef uint32_t (*crc_function)(uint32_t crc, const void *bytes, size_t length);

/* RFC 3720 appendix B.4; its CRCs are printed byte by byte, lowest first. */
static void check_known_values(crc_function crc) {
    static const uint8_t read_command[48] = {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
                                             0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
                                             0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0};
    uint8_t zeros[32] = {0}, ones[32], rising[32], falling[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        rising[i] = (uint8_t)i;
        falling[i] = (uint8_t)(31 - i);
    }
    EXPECT_U64(crc(0, zeros, 32), 0x8a9136aa);
    EXPECT_U64(crc(0, ones, 32), 0x62a8ab43);
    EXPECT_U64(crc(0, rising, 32), 0x46dd794e);
    EXPECT_U64(crc(0, falling, 32), 0x113fdb5c);
    EXPECT_U64(crc(0, read_command, 48), 0xd9963a56);
    EXPECT_U64(crc(0, "123456789", 9), 0xe3069283);
    EXPECT_U64(crc(0, "", 0), 0);
}

TEST(crc32c, gives_the_values_of_rfc_3720) {
    check_known_values(tw_crc32c);
}

TEST(crc32c, the_table_gives_them_too) {
    check_known_values(tw_crc32c_table);
}

TEST(crc32c, both_ways_agree_on_every_length_and_alignment_and_in_parts) {
    uint8_t bytes[300];
    tw_random random;
    tw_random_seed(&random, 42);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)tw_random_u64(&random);
    for (size_t start = 0; start < 9; start++)
        for (size_t length = 0; start + length <= sizeof bytes; length++) {
            uint32_t whole = tw_crc32c(0, bytes + start, length), part = tw_crc32c(0, bytes + start, length / 3);
            EXPECT_U64(whole, tw_crc32c_table(0, bytes + start, length));
            EXPECT_U64(tw_crc32c(part, bytes + start + length / 3, length - length / 3), whole);
        }
}
