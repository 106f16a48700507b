/* ITCH 5.0: vectors written out from the specification's tables, and real messages. */
#include "ingest/decode/itch50.h"

#include "base/random.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/framing/moldudp64.h"
#include "tests/support/guard_page.h"
#include "tests/unit.h"

/* Header of every vector but for the type: locate 0x0102, tracking 0x0304, time 0x05060708090A. */
#define HEADER   "0102 0304 05060708090A "
#define HEAD     .locate = 0x0102, .tracking = 0x0304, .timestamp_ns = 0x05060708090A
#define TEST1234 "5445535431323334 " /* TEST1234: no padding */
#define AAPL     "4141504C20202020 " /* AAPL and four blanks */

typedef struct vector {
    const char *hex; /* fields apart by blanks, in the specification's order */
    itch50_message message;
} vector;

static const vector vectors[] = {
    {"53 " HEADER "51", {.type = 'S', HEAD, .u.system_event = {'Q'}}},
    {"52 " HEADER AAPL "51 4E 00000064 4E 43 5A20 50 4E 59 31 4E 00000003 59",
     {.type = 'R', HEAD, .u.directory = {"AAPL", 'Q', 'N', 100, 'N', 'C', "Z", 'P', 'N', 'Y', '1', 'N', 3, 'Y'}}},
    {"48 " HEADER AAPL "48 20 54312020", {.type = 'H', HEAD, .u.trading_action = {"AAPL", 'H', ' ', "T1"}}},
    {"59 " HEADER TEST1234 "32", {.type = 'Y', HEAD, .u.reg_sho = {"TEST1234", '2'}}},
    {"4C " HEADER "41424344 " AAPL "59 4E 41",
     {.type = 'L', HEAD, .u.participant = {"ABCD", "AAPL", 'Y', 'N', 'A'}}},
    {"56 " HEADER "0000000000000001 0000000000000002 FF00000000000003",
     {.type = 'V', HEAD, .u.mwcb_levels = {1, 2, 0xFF00000000000003}}},
    {"57 " HEADER "32", {.type = 'W', HEAD, .u.mwcb_status = {'2'}}},
    {"4B " HEADER AAPL "00008CA0 41 001CDA40", {.type = 'K', HEAD, .u.ipo_quoting = {"AAPL", 36000, 'A', 1890880}}},
    {"4A " HEADER AAPL "00000001 00000002 00000003 00000004",
     {.type = 'J', HEAD, .u.luld_collar = {"AAPL", 1, 2, 3, 4}}},
    {"68 " HEADER AAPL "51 48", {.type = 'h', HEAD, .u.operational_halt = {"AAPL", 'Q', 'H'}}},
    {"41 " HEADER "1112131415161718 42 000000C8 " AAPL "001CDA40",
     {.type = 'A', HEAD, .u.add = {0x1112131415161718, 200, 1890880, 'B', "AAPL", ""}}},
    {"46 " HEADER "1112131415161718 53 000000C8 " TEST1234 "001CDA40 55425320",
     {.type = 'F', HEAD, .u.add = {0x1112131415161718, 200, 1890880, 'S', "TEST1234", "UBS"}}},
    {"45 " HEADER "1112131415161718 00000064 2122232425262728",
     {.type = 'E', HEAD, .u.executed = {0x1112131415161718, 0x2122232425262728, 100, 0, 'Y'}}},
    {"43 " HEADER "1112131415161718 00000064 2122232425262728 4E 001CDA40",
     {.type = 'C', HEAD, .u.executed = {0x1112131415161718, 0x2122232425262728, 100, 1890880, 'N'}}},
    {"58 " HEADER "1112131415161718 00000064", {.type = 'X', HEAD, .u.cancel = {0x1112131415161718, 100}}},
    {"44 " HEADER "1112131415161718", {.type = 'D', HEAD, .u.deleted = {0x1112131415161718}}},
    {"55 " HEADER "1112131415161718 2122232425262728 00000064 001CDA40",
     {.type = 'U', HEAD, .u.replace = {0x1112131415161718, 0x2122232425262728, 100, 1890880}}},
    {"50 " HEADER "1112131415161718 42 00000064 " AAPL "001CDA40 2122232425262728",
     {.type = 'P', HEAD, .u.trade = {0x1112131415161718, 0x2122232425262728, 100, 1890880, 'B', "AAPL"}}},
    {"51 " HEADER "0000000100000064 " AAPL "001CDA40 2122232425262728 4F",
     {.type = 'Q', HEAD, .u.cross = {0x100000064, 0x2122232425262728, 1890880, "AAPL", 'O'}}},
    {"42 " HEADER "2122232425262728", {.type = 'B', HEAD, .u.broken = {0x2122232425262728}}},
    {"49 " HEADER "0000000100000064 0000000200000064 42 " AAPL "00000001 00000002 00000003 43 4C",
     {.type = 'I', HEAD, .u.noii = {0x100000064, 0x200000064, 1, 2, 3, "AAPL", 'B', 'C', 'L'}}},
    {"4E " HEADER AAPL "41", {.type = 'N', HEAD, .u.rpii = {"AAPL", 'A'}}},
    {"4F " HEADER AAPL "59 00000001 00000002 00000003 0000000400000005 00000006 00000007",
     {.type = 'O', HEAD, .u.direct_listing = {"AAPL", 'Y', 1, 2, 3, 0x400000005, 6, 7}}},
};
#define VECTORS (sizeof vectors / sizeof *vectors)

static size_t bytes_of_hex(const char *hex, uint8_t *bytes) {
    size_t count = 0;
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ') continue;
        char pair[3] = {hex[0], hex[1], '\0'};
        bytes[count++] = (uint8_t)strtoul(pair, NULL, 16);
        hex++;
    }
    return count;
}

TEST(itch50, each_type_of_the_specification_decodes_field_by_field) {
    EXPECT_U64(VECTORS, 23);
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t bytes[64];
        size_t length = bytes_of_hex(vectors[i].hex, bytes);
        EXPECT_U64(itch50_length((char)bytes[0]), length);
        itch50_message message;
        memset(&message, 0, sizeof message);
        EXPECT_I64(itch50_decode(bytes, length, &message), ITCH50_OK);
        EXPECT_MSG(memcmp(&message, &vectors[i].message, sizeof message) == 0, "type %c differs", bytes[0]);
    }
}

TEST(itch50, each_type_of_the_specification_encodes_byte_by_byte) {
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t expected[64], bytes[ITCH50_MAX_MESSAGE_BYTES];
        size_t length = bytes_of_hex(vectors[i].hex, expected);
        EXPECT_U64(itch50_encode(&vectors[i].message, bytes), length);
        EXPECT_MSG(memcmp(bytes, expected, length) == 0, "type %c differs", expected[0]);
    }
}

TEST(itch50, the_stock_is_named_by_the_types_that_carry_one) {
    for (size_t i = 0; i < VECTORS; i++) {
        const char *stock = itch50_stock(&vectors[i].message);
        bool none = strchr("SVWECXDUB", vectors[i].message.type) != NULL;
        EXPECT_MSG((stock == NULL) == none, "type %c", vectors[i].message.type);
        if (stock != NULL) EXPECT(strcmp(stock, "AAPL") == 0 || strcmp(stock, "TEST1234") == 0);
    }
}

TEST(itch50, a_message_of_another_length_is_refused_and_nothing_is_read_beyond_its_end) {
    guard_page page;
    guard_page_open(&page, 128);
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t bytes[128] = {0};
        size_t whole = bytes_of_hex(vectors[i].hex, bytes);
        for (size_t length = 0; length <= whole + 3; length++) {
            itch50_message message;
            itch50_result expected = length == whole ? ITCH50_OK : ITCH50_WRONG_LENGTH;
            EXPECT_I64(itch50_decode(guard_page_place(&page, bytes, length), length, &message), expected);
            EXPECT_I64(message.type, length == 0 ? 0 : vectors[i].message.type);
        }
    }
    guard_page_close(&page);
}

TEST(itch50, types_outside_the_specification_are_unknown_at_any_length) {
    for (int type = 0; type < 256; type++) {
        uint8_t bytes[64] = {(uint8_t)type};
        itch50_message message;
        if (type != 0 && strchr("SRHYLVWKJhAFECXDUPQBINO", type) != NULL) continue;
        EXPECT_U64(itch50_length((char)type), 0);
        for (size_t length = 1; length <= 64; length++)
            EXPECT_I64(itch50_decode(bytes, length, &message), ITCH50_UNKNOWN_TYPE);
        message.type = (char)type;
        EXPECT_U64(itch50_encode(&message, bytes), 0);
    }
}

static itch50_result decode_changed(char type, size_t offset, uint8_t value, size_t width) {
    uint8_t bytes[64];
    itch50_message message;
    for (size_t i = 0; i < VECTORS; i++) {
        if (vectors[i].message.type != type) continue;
        size_t length = bytes_of_hex(vectors[i].hex, bytes);
        memset(bytes + offset, value, width);
        return itch50_decode(bytes, length, &message);
    }
    return ITCH50_UNKNOWN_TYPE;
}

TEST(itch50, a_side_that_is_none_and_shares_of_zero_are_bad_fields) {
    for (const char *type = "AFP"; *type != '\0'; type++) {
        EXPECT_I64(decode_changed(*type, 19, 'b', 1), ITCH50_BAD_FIELD);
        EXPECT_I64(decode_changed(*type, 19, 0, 1), ITCH50_BAD_FIELD);
        EXPECT_I64(decode_changed(*type, 19, 'S', 1), ITCH50_OK);
    }
    EXPECT_I64(decode_changed('A', 20, 0, 4), ITCH50_BAD_FIELD);
    EXPECT_I64(decode_changed('F', 20, 0, 4), ITCH50_BAD_FIELD);
    EXPECT_I64(decode_changed('U', 27, 0, 4), ITCH50_BAD_FIELD);
    EXPECT_I64(decode_changed('P', 20, 0, 4), ITCH50_OK);
    EXPECT_I64(decode_changed('X', 19, 0, 4), ITCH50_OK);
}

TEST(itch50, padding_is_removed_at_the_right_end_only) {
    static const char *const wire[] = {"        ", "A       ", " A B    ", "ABCDEFG ", "ABCDEFGH"};
    static const char *const stock[] = {"", "A", " A B", "ABCDEFG", "ABCDEFGH"};
    for (size_t i = 0; i < 5; i++) {
        uint8_t bytes[64], again[64];
        itch50_message message;
        size_t length = bytes_of_hex(vectors[3].hex, bytes);
        memcpy(bytes + 11, wire[i], 8);
        EXPECT_I64(itch50_decode(bytes, length, &message), ITCH50_OK);
        EXPECT_STR(message.u.reg_sho.stock, stock[i]);
        EXPECT_U64(itch50_encode(&message, again), length);
        EXPECT_BYTES(again, bytes, length);
    }
}

TEST(itch50, random_bytes_never_read_beyond_their_end_and_what_decodes_encodes_again) {
    tw_random random;
    const uint64_t seed = 50;
    guard_page page;
    guard_page_open(&page, 128);
    tw_random_seed(&random, seed);
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[64], again[ITCH50_MAX_MESSAGE_BYTES];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)tw_random_u64(&random);
        size_t length = (size_t)tw_random_below(&random, 64);
        if (tw_random_chance(&random, 3, 4)) {
            bytes[0] = (uint8_t)vectors[tw_random_below(&random, VECTORS)].message.type;
            length = itch50_length((char)bytes[0]);
        }
        for (size_t i = 11; i < sizeof bytes; i++)
            bytes[i] |= bytes[i] == 0; /* a NUL in a text has no way back */
        itch50_message first, second;
        memset(&first, 0, sizeof first);
        memset(&second, 0, sizeof second);
        if (itch50_decode(guard_page_place(&page, bytes, length), length, &first) != ITCH50_OK) continue;
        size_t written = itch50_encode(&first, again);
        EXPECT_MSG(written == length && memcmp(again, bytes, length) == 0, "seed %" PRIu64 " round %d", seed,
                   round);
        EXPECT_I64(itch50_decode(again, length, &second), ITCH50_OK);
        EXPECT_MSG(memcmp(&first, &second, sizeof first) == 0, "seed %" PRIu64 " round %d", seed, round);
    }
    guard_page_close(&page);
}

/* ---- recordings ---- */

static void expect_same_bytes_again(const uint8_t *bytes, uint16_t length, uint64_t counts[256]) {
    itch50_message message;
    uint8_t again[ITCH50_MAX_MESSAGE_BYTES];
    EXPECT_I64(itch50_decode(bytes, length, &message), ITCH50_OK);
    EXPECT_U64(itch50_encode(&message, again), length);
    EXPECT_BYTES(again, bytes, length);
    counts[(uint8_t)message.type]++;
}

static void expect_counts(const uint64_t counts[256], const char *types, const uint64_t *expected) {
    uint64_t total = 0, named = 0;
    for (size_t i = 0; i < 256; i++)
        total += counts[i];
    for (size_t i = 0; types[i] != '\0'; i++) {
        EXPECT_MSG(counts[(uint8_t)types[i]] == expected[i], "%c: %" PRIu64 ", expected %" PRIu64, types[i],
                   counts[(uint8_t)types[i]], expected[i]);
        named += expected[i];
    }
    EXPECT_U64(total, named);
}

static size_t read_recording(const char *name, uint8_t *bytes, size_t capacity) {
    const char *path = unit_recording(name);
    if (path == NULL) return 0;
    FILE *file = fopen(path, "rb");
    size_t length = file == NULL ? 0 : fread(bytes, 1, capacity, file);
    if (file != NULL) fclose(file);
    return length;
}

TEST(itch50, a_real_morning_of_AAPL_decodes_and_encodes_to_the_same_bytes) {
    static uint8_t bytes[1 << 20];
    uint64_t counts[256] = {0};
    size_t length = read_recording("itch/nasdaq_itch50_20200130_AAPL_first10k.bin", bytes, sizeof bytes);
    if (length == 0) SKIP("recordings are not there");
    size_t position = 0, consumed;
    const uint8_t *message;
    uint16_t message_bytes;
    while (binaryfile_next(bytes + position, length - position, &message, &message_bytes, &consumed) ==
           BINARYFILE_MESSAGE) {
        expect_same_bytes_again(message, message_bytes, counts);
        position += consumed;
    }
    EXPECT_U64(position, length);
    expect_counts(counts, "ADEPLUXFRHY", (const uint64_t[]){4758, 4083, 849, 240, 52, 7, 6, 2, 1, 1, 1});
}

/* Classic little endian pcap: 24 bytes of header, 16 in front of each record, then Ethernet (some with a VLAN tag), IPv4, UDP. */
static void read_pcap(const char *folder, const char *name, moldudp64_result expected, uint64_t counts[256]) {
    static uint8_t bytes[1 << 16];
    char path[256];
    snprintf(path, sizeof path, "pcap/%s/%s.pcap", folder, name);
    size_t length = read_recording(path, bytes, sizeof bytes);
    if (length == 0) SKIP("recordings are not there");
    for (size_t at = 24; at + 16 <= length;) {
        size_t frame = bytes[at + 8] | (size_t)bytes[at + 9] << 8;
        const uint8_t *ethernet = bytes + at + 16;
        bool tagged = ethernet[12] == 0x81 && ethernet[13] == 0x00;
        const uint8_t *udp = ethernet + (tagged ? 18 : 14) + 20;
        size_t udp_bytes = (size_t)udp[4] << 8 | udp[5];
        moldudp64_packet packet;
        EXPECT_I64(moldudp64_parse(udp + 8, udp_bytes - 8, &packet, NULL), expected);
        size_t position = 0;
        uint16_t message_bytes;
        const uint8_t *message;
        while ((message = moldudp64_next(packet.blocks, packet.blocks_bytes, &position, &message_bytes)) != NULL)
            expect_same_bytes_again(message, message_bytes, counts);
        at += 16 + frame;
    }
}

TEST(itch50, captured_packets_of_2023_decode_and_encode_to_the_same_bytes) {
    static const char *const names[] = {"AddOrderNoMpidAttributionMessage",
                                        "MarketParticipantPositionMessage",
                                        "Multiple.Packets",
                                        "NetOrderImbalanceIndicatorMessage",
                                        "OrderDeleteMessage",
                                        "OrderExecutedMessage",
                                        "OrderReplaceMessage",
                                        "StockTradingActionMessage"};
    uint64_t counts[256] = {0};
    for (size_t i = 0; i < 8; i++)
        read_pcap("Nasdaq.Nasdaq.Equities.TotalView.Itch.v5.0", names[i], MOLDUDP64_OK, counts);
    expect_counts(counts, "ADEFHILU", (const uint64_t[]){37, 2, 1, 2, 1, 1, 1, 1});
}

TEST(itch50, captured_messages_with_zeroed_sequence_numbers_decode_and_encode_to_the_same_bytes) {
    static const char *const names[] = {"AddOrderNoMPID",
                                        "AddOrderWithMPID",
                                        "CrossTrade",
                                        "LULDAuctionCollar",
                                        "MarketParticipantPosition",
                                        "NetOrderImbalanceIndicator",
                                        "NonCrossTrade",
                                        "OrderCancel",
                                        "OrderDelete",
                                        "OrderExecuted",
                                        "OrderExecutedWithPrice",
                                        "OrderReplace",
                                        "RegSHORestriction",
                                        "StockTradingAction",
                                        "SystemEvent"};
    uint64_t counts[256] = {0};
    for (size_t i = 0; i < 15; i++)
        read_pcap("Nasdaq.Nasdaq.Equities.TotalView.Itch.v5.0.20230822", names[i], MOLDUDP64_ZERO_SEQUENCE, counts);
    expect_counts(counts, "ACDEFHIJLPQSUXY", (const uint64_t[]){5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 1, 5, 5, 5});
}
