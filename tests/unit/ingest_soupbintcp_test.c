/* SoupBinTCP packets: bytes written out from the specification, cut everywhere, and random. */
#include "ingest/framing/soupbintcp.h"

#include "base/random.h"
#include "tests/support/guard_page.h"
#include "tests/unit.h"

/* Typed out byte by byte from the specification's tables, not made by our own encoder. */
static const uint8_t login_bytes[] = "\0\x2FL"
                                     "trader"
                                     "secret    "
                                     "    240130"
                                     "                  42";
static const uint8_t login_4_bytes[] = "\0\x34L"
                                       "ab    "
                                       "          "
                                       "          "
                                       "                   0"
                                       "15000";
static const uint8_t accepted_bytes[] = "\0\x1F"
                                        "A"
                                        "  SESSION1"
                                        "18446744073709551615";
static const uint8_t rejected_bytes[] = "\0\2JS";
static const uint8_t sequenced_bytes[] = "\0\4Sxyz";
static const uint8_t unsequenced_bytes[] = "\0\3Uhi";
static const uint8_t debug_bytes[] = "\0\6+hello";
static const uint8_t server_heartbeat_bytes[] = "\0\1H";
static const uint8_t end_bytes[] = "\0\1Z";
static const uint8_t client_heartbeat_bytes[] = "\0\1R";
static const uint8_t logout_bytes[] = "\0\1O";

#define BYTES(text) (text), sizeof(text) - 1

typedef struct vector {
    const uint8_t *bytes;
    size_t length;
    char type;
    size_t payload;
} vector;

static const vector vectors[] = {
    {BYTES(login_bytes), 'L', 46},    {BYTES(login_4_bytes), 'L', 51},
    {BYTES(accepted_bytes), 'A', 30}, {BYTES(rejected_bytes), 'J', 1},
    {BYTES(sequenced_bytes), 'S', 3}, {BYTES(unsequenced_bytes), 'U', 2},
    {BYTES(debug_bytes), '+', 5},     {BYTES(server_heartbeat_bytes), 'H', 0},
    {BYTES(end_bytes), 'Z', 0},       {BYTES(client_heartbeat_bytes), 'R', 0},
    {BYTES(logout_bytes), 'O', 0},
};
#define VECTORS (sizeof vectors / sizeof vectors[0])

static soup_packet parse(const uint8_t *bytes, size_t length) {
    soup_packet packet;
    size_t consumed;
    EXPECT_I64(soup_parse(bytes, length, SOUP_MAX_PAYLOAD_BYTES, &packet, &consumed), SOUP_CONSUMED);
    EXPECT_U64(consumed, length);
    return packet;
}

TEST(soupbintcp, every_packet_of_the_specification_is_recognised) {
    for (size_t i = 0; i < VECTORS; i++) {
        soup_packet packet = parse(vectors[i].bytes, vectors[i].length);
        EXPECT_I64(packet.type, vectors[i].type);
        EXPECT_U64(packet.length, vectors[i].payload);
        EXPECT(packet.payload == vectors[i].bytes + 3);
    }
}

TEST(soupbintcp, a_login_request_reads_into_its_fields) {
    soup_packet packet = parse(BYTES(login_bytes));
    soup_login login;
    EXPECT(soup_read_login(&packet, &login));
    EXPECT_STR(login.username, "trader");
    EXPECT_STR(login.password, "secret");
    EXPECT_STR(login.session, "240130");
    EXPECT_U64(login.sequence, 42);
    EXPECT_U64(login.timeout_ms, 0);
    packet = parse(BYTES(login_4_bytes));
    EXPECT(soup_read_login(&packet, &login));
    EXPECT_STR(login.username, "ab");
    EXPECT_STR(login.password, "");
    EXPECT_STR(login.session, "");
    EXPECT_U64(login.sequence, 0);
    EXPECT_U64(login.timeout_ms, 15000);
}

TEST(soupbintcp, the_servers_answers_read_into_their_fields) {
    soup_packet packet = parse(BYTES(accepted_bytes));
    soup_accepted accepted;
    char reason;
    EXPECT(soup_read_accepted(&packet, &accepted));
    EXPECT_STR(accepted.session, "SESSION1");
    EXPECT_U64(accepted.sequence, UINT64_MAX);
    EXPECT(!soup_read_rejected(&packet, &reason));
    packet = parse(BYTES(rejected_bytes));
    EXPECT(soup_read_rejected(&packet, &reason));
    EXPECT_I64(reason, SOUP_SESSION_NOT_AVAILABLE);
    EXPECT(!soup_read_accepted(&packet, &accepted));
}

TEST(soupbintcp, what_is_written_is_what_the_specification_says) {
    uint8_t out[64];
    soup_login login = {"trader", "secret", "240130", 42, 0};
    soup_login login_4 = {"ab", "", "", 0, 15000};
    soup_accepted accepted = {"SESSION1", UINT64_MAX};
    EXPECT_U64(soup_write_login(out, sizeof out, &login), SOUP_LOGIN_BYTES);
    EXPECT_BYTES(out, login_bytes, SOUP_LOGIN_BYTES);
    EXPECT_U64(soup_write_login(out, sizeof out, &login_4), SOUP_LOGIN_TIMEOUT_BYTES);
    EXPECT_BYTES(out, login_4_bytes, SOUP_LOGIN_TIMEOUT_BYTES);
    EXPECT_U64(soup_write_accepted(out, sizeof out, &accepted), SOUP_ACCEPTED_BYTES);
    EXPECT_BYTES(out, accepted_bytes, SOUP_ACCEPTED_BYTES);
    EXPECT_U64(soup_write_rejected(out, sizeof out, 'S'), SOUP_REJECTED_BYTES);
    EXPECT_BYTES(out, rejected_bytes, SOUP_REJECTED_BYTES);
    EXPECT_U64(soup_write_data(out, sizeof out, SOUP_SEQUENCED, (const uint8_t *)"xyz", 3), 6);
    EXPECT_BYTES(out, sequenced_bytes, 6);
    EXPECT_U64(soup_write_data(out, sizeof out, SOUP_UNSEQUENCED, (const uint8_t *)"hi", 2), 5);
    EXPECT_BYTES(out, unsequenced_bytes, 5);
    EXPECT_U64(soup_write_data(out, sizeof out, SOUP_DEBUG, (const uint8_t *)"hello", 5), 8);
    EXPECT_BYTES(out, debug_bytes, 8);
    EXPECT_U64(soup_write_empty(out, sizeof out, SOUP_SERVER_HEARTBEAT), 3);
    EXPECT_BYTES(out, server_heartbeat_bytes, 3);
    EXPECT_U64(soup_write_empty(out, sizeof out, SOUP_END_OF_SESSION), 3);
    EXPECT_BYTES(out, end_bytes, 3);
    EXPECT_U64(soup_write_empty(out, sizeof out, SOUP_CLIENT_HEARTBEAT), 3);
    EXPECT_BYTES(out, client_heartbeat_bytes, 3);
    EXPECT_U64(soup_write_empty(out, sizeof out, SOUP_LOGOUT), 3);
    EXPECT_BYTES(out, logout_bytes, 3);
}

TEST(soupbintcp, what_does_not_fit_is_not_written) {
    uint8_t out[SOUP_LOGIN_BYTES];
    soup_login login = {"trader", "secret", "240130", 42, 0};
    EXPECT_U64(soup_write_login(out, sizeof out - 1, &login), 0);
    login.timeout_ms = 15000; /* five bytes more */
    EXPECT_U64(soup_write_login(out, sizeof out, &login), 0);
    login.timeout_ms = 0;
    login.username[0] = '\n';
    EXPECT_U64(soup_write_login(out, sizeof out, &login), 0);
    EXPECT_U64(soup_write_empty(out, 2, SOUP_LOGOUT), 0);
    EXPECT_U64(soup_write_data(out, 5, SOUP_SEQUENCED, out, 3), 0);
    EXPECT_U64(soup_write_data(out, SIZE_MAX, SOUP_SEQUENCED, out, SOUP_MAX_PAYLOAD_BYTES + 1), 0);
    EXPECT_U64(soup_write_rejected(out, 3, 'A'), 0);
    soup_login too_long_a_silence = {"u", "p", "", 1, 100000};
    uint8_t large[64];
    EXPECT_U64(soup_write_login(large, sizeof large, &too_long_a_silence), 0);
}

TEST(soupbintcp, a_packet_cut_at_any_byte_needs_more_and_is_never_read_beyond_its_end) {
    guard_page page;
    guard_page_open(&page, 64);
    for (size_t i = 0; i < VECTORS; i++)
        for (size_t length = 0; length <= vectors[i].length; length++) {
            soup_packet packet;
            size_t consumed;
            soup_result expected = length < vectors[i].length ? SOUP_NEED_MORE : SOUP_CONSUMED;
            EXPECT_I64(soup_parse(guard_page_place(&page, vectors[i].bytes, length), length, SOUP_MAX_PAYLOAD_BYTES,
                                  &packet, &consumed),
                       expected);
            EXPECT_U64(consumed, expected == SOUP_CONSUMED ? length : 0);
        }
    guard_page_close(&page);
}

TEST(soupbintcp, a_wrong_length_is_malformed_as_soon_as_it_is_seen) {
    static const struct {
        const char *bytes;
        size_t length;
        soup_result expected;
    } cases[] = {
        {"\0\0", 2, SOUP_MALFORMED},       /* not even a type */
        {"\0\0H", 3, SOUP_MALFORMED},      /**/
        {"\0\2H", 3, SOUP_MALFORMED},      /* a heartbeat has no payload */
        {"\0\2Zx", 4, SOUP_MALFORMED},     /**/
        {"\0\1J", 3, SOUP_MALFORMED},      /* a reason is missing */
        {"\0\x1E\x41", 3, SOUP_MALFORMED}, /* A: one byte short */
        {"\0\x30L", 3, SOUP_MALFORMED},    /* L: between the versions */
        {"\0\x65", 2, SOUP_NEED_MORE},     /* exactly the bound: 100 and the type */
        {"\0\x66", 2, SOUP_MALFORMED},     /* one above */
        {"\xFF\xFFS", 3, SOUP_MALFORMED},  /**/
        {"\0\1S", 3, SOUP_CONSUMED},       /* an empty message is a message */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        soup_packet packet;
        size_t consumed;
        soup_result result = soup_parse((const uint8_t *)cases[i].bytes, cases[i].length, 100, &packet, &consumed);
        EXPECT_MSG(result == cases[i].expected, "case %zu gave %d", i, (int)result);
    }
}

TEST(soupbintcp, an_unknown_type_is_passed_over_whole) {
    soup_packet packet;
    size_t consumed;
    EXPECT_I64(soup_parse((const uint8_t *)"\0\4?abS", 7, 100, &packet, &consumed), SOUP_UNKNOWN);
    EXPECT_U64(consumed, 6);
    EXPECT_I64(packet.type, '?');
    EXPECT_I64(soup_parse((const uint8_t *)"\0\4?ab", 5, 100, &packet, &consumed), SOUP_NEED_MORE);
}

TEST(soupbintcp, numbers_take_either_padding_and_refuse_what_is_no_number) {
    static const struct {
        const char *field;
        bool good;
        uint64_t number;
    } cases[] = {
        {"                   1", true, 1},  {"1                   ", true, 1},
        {"00000000000000000007", true, 7},  {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0}, {"99999999999999999999", false, 0},
        {"                    ", false, 0}, {"                 1 2", false, 0},
        {"                  -1", false, 0}, {"                 0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t number = 0;
        EXPECT_MSG(soup_read_number((const uint8_t *)cases[i].field, 20, &number) == cases[i].good, "%s",
                   cases[i].field);
        EXPECT_U64(number, cases[i].number);
    }
}

TEST(soupbintcp, fields_with_control_characters_are_refused) {
    uint8_t bytes[SOUP_LOGIN_BYTES];
    for (size_t at = 3; at < sizeof bytes; at++) {
        memcpy(bytes, login_bytes, sizeof bytes);
        bytes[at] = at % 2 == 0 ? 0x07 : 0xE4;
        soup_packet packet = parse(bytes, sizeof bytes);
        soup_login login;
        EXPECT_MSG(!soup_read_login(&packet, &login), "byte %zu", at);
    }
}

TEST(soupbintcp, texts_compare_without_regard_to_case) {
    EXPECT(soup_same_text("Trader1", "tRADER1"));
    EXPECT(!soup_same_text("trader", "trader1"));
    EXPECT(!soup_same_text("trader1", "trader"));
    EXPECT(!soup_same_text("[", "{"));
    EXPECT(soup_same_text("", ""));
}

/* ---- the stream in pieces ---- */

static size_t all_vectors(uint8_t *stream) {
    size_t length = 0;
    for (size_t i = 0; i < VECTORS; i++) {
        memcpy(stream + length, vectors[i].bytes, vectors[i].length);
        length += vectors[i].length;
    }
    return length;
}

/* Feeds one piece; checks packets against the vectors from `seen` on. */
static size_t feed(soup_reader *reader, const uint8_t *piece, size_t length, size_t seen) {
    soup_packet packet;
    for (;;) {
        soup_result result = soup_reader_next(reader, &piece, &length, &packet);
        if (result == SOUP_NEED_MORE) break;
        EXPECT_I64(result, SOUP_CONSUMED);
        EXPECT(seen < VECTORS);
        EXPECT_I64(packet.type, vectors[seen].type);
        EXPECT_U64(packet.length, vectors[seen].payload);
        EXPECT_BYTES(packet.payload, vectors[seen].bytes + 3, packet.length);
        seen++;
    }
    EXPECT_U64(length, 0);
    return seen;
}

TEST(soupbintcp, a_stream_cut_at_any_two_positions_gives_the_same_packets) {
    uint8_t stream[512], carry[SOUP_HEADER_BYTES + 51];
    size_t length = all_vectors(stream);
    guard_page page;
    guard_page_open(&page, sizeof stream);
    soup_reader reader;
    for (size_t first = 0; first <= length; first++)
        for (size_t second = first; second <= length; second++) {
            soup_reader_init(&reader, carry, 51);
            size_t seen = feed(&reader, guard_page_place(&page, stream, first), first, 0);
            size_t middle = second - first;
            seen = feed(&reader, guard_page_place(&page, stream + first, middle), middle, seen);
            size_t rest = length - second;
            seen = feed(&reader, guard_page_place(&page, stream + second, rest), rest, seen);
            EXPECT_U64(seen, VECTORS);
            EXPECT_U64(reader.carried, 0);
        }
    guard_page_close(&page);
}

TEST(soupbintcp, random_bytes_in_random_pieces_never_break_the_reader) {
    uint64_t seed = 20250131;
    fprintf(stderr, "seed %" PRIu64 "\n", seed);
    tw_random random;
    tw_random_seed(&random, seed);
    guard_page page;
    guard_page_open(&page, 256);
    uint8_t *carry = malloc(SOUP_HEADER_BYTES + 60); /* on the heap: the sanitizer watches its end */
    EXPECT(carry != NULL);
    for (unsigned round = 0; round < 20000; round++) {
        soup_reader reader;
        soup_reader_init(&reader, carry, 60);
        soup_result result = SOUP_NEED_MORE;
        for (unsigned piece = 0; piece < 8 && result != SOUP_MALFORMED; piece++) {
            uint8_t bytes[64];
            size_t length = (size_t)tw_random_below(&random, sizeof bytes + 1);
            for (size_t i = 0; i < length; i++) /* mostly what packets are made of */
                bytes[i] = tw_random_chance(&random, 3, 4)
                               ? (uint8_t) "\0\1\2\x1F\x2F+AJSHZLURO0 "[tw_random_below(&random, 17)]
                               : (uint8_t)tw_random_u64(&random);
            const uint8_t *at = guard_page_place(&page, bytes, length);
            size_t left = length;
            soup_packet packet;
            do {
                size_t before = left + reader.carried;
                result = soup_reader_next(&reader, &at, &left, &packet);
                if (result == SOUP_NEED_MORE || result == SOUP_MALFORMED) break;
                EXPECT_MSG(before == left + reader.carried + packet.length + 3u, "seed %" PRIu64 " round %u", seed,
                           round);
                soup_login login;
                soup_accepted accepted;
                char reason;
                (void)soup_read_login(&packet, &login);
                (void)soup_read_accepted(&packet, &accepted);
                (void)soup_read_rejected(&packet, &reason);
            } while (true);
        }
    }
    free(carry);
    guard_page_close(&page);
}
