/* MoldUDP64 packets: bytes written out from the specification, cut everywhere, and random. */
#include "ingest/framing/moldudp64.h"

#include "base/random.h"
#include "tests/support/guard_page.h"
#include "tests/unit.h"

/* Session "SESSION001", sequence 0x0102030405060708, two messages: "ab" and one of no bytes. */
static const uint8_t two_messages[] = {'S', 'E', 'S', 'S', 'I', 'O', 'N', '0', '0', '1', 1,   2, 3,
                                       4,   5,   6,   7,   8,   0,   2,   0,   2,   'a', 'b', 0, 0};

TEST(moldudp64, a_packet_of_the_specification_parses_into_its_blocks) {
    moldudp64_packet packet;
    size_t offset, position = 0;
    uint16_t length;
    EXPECT_I64(moldudp64_parse(two_messages, sizeof two_messages, &packet, &offset), MOLDUDP64_OK);
    EXPECT_I64(packet.kind, MOLDUDP64_MESSAGES);
    EXPECT_STR(packet.session, "SESSION001");
    EXPECT_U64(packet.sequence, 0x0102030405060708);
    EXPECT_U64(packet.count, 2);
    const uint8_t *message = moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &length);
    EXPECT(message == two_messages + 22);
    EXPECT_U64(length, 2);
    EXPECT(moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &length) == two_messages + 26);
    EXPECT_U64(length, 0);
    EXPECT(moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &length) == NULL);
}

TEST(moldudp64, a_packet_cut_at_any_byte_is_refused_and_never_read_beyond_its_end) {
    static const size_t faults[] = {20, 20, 22 - 2, 20, 24, 24};
    guard_page page;
    guard_page_open(&page, sizeof two_messages);
    for (size_t length = 0; length < sizeof two_messages; length++) {
        moldudp64_packet packet;
        size_t offset;
        moldudp64_result expected =
            length < MOLDUDP64_HEADER_BYTES ? MOLDUDP64_SHORT_HEADER : MOLDUDP64_SHORT_BLOCK;
        EXPECT_I64(moldudp64_parse(guard_page_place(&page, two_messages, length), length, &packet, &offset),
                   expected);
        EXPECT_U64(offset, length < MOLDUDP64_HEADER_BYTES ? length : faults[length - MOLDUDP64_HEADER_BYTES]);
    }
    guard_page_close(&page);
}

TEST(moldudp64, bytes_behind_the_last_block_are_refused_where_they_start) {
    uint8_t longer[sizeof two_messages + 1] = {0};
    moldudp64_packet packet;
    size_t offset;
    memcpy(longer, two_messages, sizeof two_messages);
    EXPECT_I64(moldudp64_parse(longer, sizeof longer, &packet, &offset), MOLDUDP64_TRAILING_BYTES);
    EXPECT_U64(offset, sizeof two_messages);
    longer[19] = 0; /* a heartbeat has no blocks at all */
    EXPECT_I64(moldudp64_parse(longer, sizeof longer, &packet, &offset), MOLDUDP64_TRAILING_BYTES);
    EXPECT_U64(offset, 20);
}

TEST(moldudp64, count_0_is_a_heartbeat_and_FFFF_the_end_of_the_session) {
    uint8_t payload[20];
    moldudp64_packet packet;
    memcpy(payload, two_messages, 18);
    memset(payload + 18, 0, 2);
    EXPECT_I64(moldudp64_parse(payload, 20, &packet, NULL), MOLDUDP64_OK);
    EXPECT_I64(packet.kind, MOLDUDP64_HEARTBEAT);
    memset(payload + 18, 0xFF, 2);
    EXPECT_I64(moldudp64_parse(payload, 20, &packet, NULL), MOLDUDP64_OK);
    EXPECT_I64(packet.kind, MOLDUDP64_END);
    EXPECT_U64(packet.count, 0);
    EXPECT_U64(packet.sequence, 0x0102030405060708);
}

TEST(moldudp64, sequence_0_is_told_but_the_packet_is_filled) {
    uint8_t payload[sizeof two_messages];
    moldudp64_packet packet;
    size_t offset;
    memcpy(payload, two_messages, sizeof payload);
    memset(payload + 10, 0, 8);
    EXPECT_I64(moldudp64_parse(payload, sizeof payload, &packet, &offset), MOLDUDP64_ZERO_SEQUENCE);
    EXPECT_U64(packet.count, 2);
    EXPECT_U64(packet.blocks_bytes, 6);
    EXPECT_U64(offset, 10);
    EXPECT_I64(moldudp64_parse(payload, sizeof payload - 1, &packet, &offset), MOLDUDP64_SHORT_BLOCK);
}

TEST(moldudp64, written_packets_are_the_specification_byte_by_byte) {
    uint8_t payload[64];
    size_t length = moldudp64_write_header(payload, "SESSION001", 0x0102030405060708, 2);
    EXPECT_U64(length, MOLDUDP64_HEADER_BYTES);
    length += moldudp64_write_block(payload + length, 4, (const uint8_t *)"ab", 2);
    length += moldudp64_write_block(payload + length, 2, NULL, 0);
    EXPECT_U64(length, sizeof two_messages);
    EXPECT_BYTES(payload, two_messages, length);
    EXPECT_U64(moldudp64_write_block(payload, 3, (const uint8_t *)"ab", 2), 0);
    EXPECT_U64(moldudp64_write_block(payload, 1, NULL, 0), 0);
    moldudp64_write_header(payload, "S", 1, 0);
    EXPECT_BYTES(payload, "S         ", 10);
}

TEST(moldudp64, random_bytes_are_parsed_into_blocks_that_fill_the_payload_or_refused) {
    tw_random random;
    const uint64_t seed = 64;
    guard_page page;
    guard_page_open(&page, 256);
    tw_random_seed(&random, seed);
    for (int round = 0; round < 300000; round++) {
        uint8_t bytes[80];
        size_t length = (size_t)tw_random_below(&random, sizeof bytes + 1), position = 0, walked = 0, offset;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(tw_random_u64(&random) & (i < 18 ? 255 : 3));
        bytes[18] = 0;
        for (size_t i = 20; i < sizeof bytes; i += 2)
            bytes[i] = 0;
        uint8_t *payload = guard_page_place(&page, bytes, length);
        moldudp64_packet packet;
        uint16_t block;
        moldudp64_result result = moldudp64_parse(payload, length, &packet, &offset);
        EXPECT_MSG(offset <= length, "seed %" PRIu64 " round %d", seed, round);
        if (result != MOLDUDP64_OK) continue;
        for (uint16_t i = 0; i < packet.count; i++) {
            EXPECT(moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &block) != NULL);
            walked += 2 + (size_t)block;
        }
        EXPECT_MSG(walked == packet.blocks_bytes, "seed %" PRIu64 " round %d", seed, round);
    }
    guard_page_close(&page);
}
