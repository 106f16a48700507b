/* BinaryFILE frames: bytes written out from the specification, cut everywhere, and random. */
#include "ingest/framing/binaryfile.h"

#include "base/random.h"
#include "tests/support/guard_page.h"
#include "tests/unit.h"

static const uint8_t three_frames[] = {0, 3, 'a', 'b', 'c', 0, 1, 'd', 0, 0};

TEST(binaryfile, frames_come_one_by_one_until_the_mark_of_the_end) {
    const uint8_t *message;
    uint16_t length;
    size_t consumed;
    EXPECT_I64(binaryfile_next(three_frames, 10, &message, &length, &consumed), BINARYFILE_MESSAGE);
    EXPECT(message == three_frames + 2 && length == 3 && consumed == 5);
    EXPECT_I64(binaryfile_next(three_frames + 5, 5, &message, &length, &consumed), BINARYFILE_MESSAGE);
    EXPECT(message == three_frames + 7 && length == 1 && consumed == 3);
    EXPECT_I64(binaryfile_next(three_frames + 8, 2, &message, &length, &consumed), BINARYFILE_END);
    EXPECT_U64(consumed, 2);
}

TEST(binaryfile, a_frame_cut_at_any_byte_needs_more_and_nothing_is_read_beyond) {
    guard_page page;
    guard_page_open(&page, 16);
    for (size_t available = 0; available < 5; available++) {
        const uint8_t *message;
        uint16_t length;
        size_t consumed = 99;
        uint8_t *bytes = guard_page_place(&page, three_frames, available);
        EXPECT_I64(binaryfile_next(bytes, available, &message, &length, &consumed), BINARYFILE_NEED_MORE);
        EXPECT_U64(consumed, 0);
    }
    guard_page_close(&page);
}

TEST(binaryfile, written_frames_are_the_specification_and_never_overrun) {
    uint8_t bytes[10];
    EXPECT_U64(binaryfile_write(bytes, 5, (const uint8_t *)"abc", 3), 5);
    EXPECT_U64(binaryfile_write(bytes + 5, 5, (const uint8_t *)"d", 1), 3);
    EXPECT_U64(binaryfile_write(bytes + 8, 2, NULL, 0), 2);
    EXPECT_BYTES(bytes, three_frames, 10);
    EXPECT_U64(binaryfile_write(bytes, 4, (const uint8_t *)"abc", 3), 0);
    EXPECT_U64(binaryfile_write(bytes, 1, NULL, 0), 0);
}

TEST(binaryfile, random_bytes_always_move_forward_or_need_more) {
    tw_random random;
    const uint64_t seed = 100;
    guard_page page;
    guard_page_open(&page, 256);
    tw_random_seed(&random, seed);
    for (int round = 0; round < 100000; round++) {
        uint8_t bytes[64];
        size_t available = (size_t)tw_random_below(&random, sizeof bytes + 1), consumed;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)tw_random_below(&random, 6);
        const uint8_t *placed = guard_page_place(&page, bytes, available), *message;
        uint16_t length;
        while (binaryfile_next(placed, available, &message, &length, &consumed) != BINARYFILE_NEED_MORE) {
            EXPECT_MSG(consumed >= 2 && consumed <= available, "seed %" PRIu64 " round %d", seed, round);
            placed += consumed;
            available -= consumed;
        }
    }
    guard_page_close(&page);
}
