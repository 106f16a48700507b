/* permessage-deflate: the specification's own examples, what is agreed on, and that nothing gets beyond its bound. */
#include <string.h>
#include <zlib.h>

#include "base/random.h"
#include "gateways/websocket/deflate.h"
#include "tests/unit.h"

#define ROOM (256u * 1024u)

TEST(websocket_deflate, offers_are_taken_by_what_they_ask_for) {
    static const char alone[] = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    static const char narrow[] =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12";
    static const struct {
        const char *offers, *answer; /* NULL: none */
    } table[] = {
        {"permessage-deflate", alone},
        {"permessage-deflate; client_max_window_bits", alone}, /* ws, websockets, Chromium */
        {"permessage-deflate;client_max_window_bits=10", alone},
        {"permessage-deflate ; server_no_context_takeover ; client_no_context_takeover", alone},
        {"permessage-deflate; server_max_window_bits=15", narrow},
        {"permessage-deflate; server_max_window_bits=\"12\"", narrow},
        {"permessage-deflate; server_max_window_bits=11", NULL}, /* ours is 12 */
        {"permessage-deflate; server_max_window_bits=8, permessage-deflate", alone},
        {"x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", alone},
        {"foo; bar=\"a,b\", permessage-deflate", alone},
        {"permessage-deflate; unknown", NULL},
        {"permessage-deflate; server_max_window_bits", NULL},
        {"permessage-deflate; server_max_window_bits=7", NULL},
        {"permessage-deflate; server_max_window_bits=16", NULL},
        {"permessage-deflate; server_max_window_bits=015", NULL},
        {"permessage-deflate; server_max_window_bits=\"12", NULL},
        {"permessage-deflate; client_max_window_bits=99", NULL},
        {"permessage-deflate; server_no_context_takeover=1", NULL},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits", NULL},
        {"permessage-deflate;", NULL},
        {"permessage-deflate=1", NULL},
        {"permessage-deflated", NULL},
        {"permessage-deflat", NULL},
        {"", NULL},
        {" , ,", NULL},
        {"\"", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char answer[WS_AGREEMENT_BYTES] = "";
        bool agreed = ws_agree_on_deflate(table[i].offers, answer);
        EXPECT_MSG(agreed == (table[i].answer != NULL), "%s: %s", table[i].offers, agreed ? answer : "no");
        if (agreed && table[i].answer != NULL) EXPECT_STR(answer, table[i].answer);
    }
}

/* RFC 7692, 7.2.3: "Hello", as each kind of block. */
TEST(websocket_deflate, the_examples_of_the_specification_are_understood) {
    static const struct {
        const char *what;
        uint8_t bytes[24];
        size_t length;
        const char *text;
    } table[] = {
        {"one compressed block", {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}, 7, "Hello"},
        {"a stored block", {0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00}, 11, "Hello"},
        {"a block that says it is the last", {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}, 8, "Hello"},
        {"two blocks", {0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00}, 13, "Hello"},
        {"nothing", {0x00}, 1, ""},
    };
    ws_unpacker *unpacker = ws_unpacker_alloc(100);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const uint8_t *out;
        size_t length;
        ws_unpacked result = ws_unpack(unpacker, table[i].bytes, table[i].length, &out, &length);
        EXPECT_MSG(result == WS_UNPACKED && length == strlen(table[i].text) &&
                       memcmp(out, table[i].text, length) == 0,
                   "%s: %d, %zu bytes", table[i].what, result, length);
    }
    ws_unpacker_free(unpacker);
}

TEST(websocket_deflate, a_message_is_bounded_by_what_it_unpacks_to) {
    static uint8_t zeros[ROOM], packed[ROOM];
    ws_packer *packer = ws_packer_alloc(9);
    ws_unpacker *unpacker = ws_unpacker_alloc(1000);
    const uint8_t *out;
    size_t length;
    size_t fits = ws_pack(packer, zeros, 1000, packed, sizeof packed);
    EXPECT_U64(ws_unpack(unpacker, packed, fits, &out, &length), WS_UNPACKED);
    EXPECT_U64(length, 1000);
    size_t over = ws_pack(packer, zeros, 1001, packed, sizeof packed);
    EXPECT_U64(ws_unpack(unpacker, packed, over, &out, &length), WS_UNPACKED_TOO_LONG);
    size_t bomb = ws_pack(packer, zeros, sizeof zeros, packed, sizeof packed);
    EXPECT_MSG(bomb < 1000, "%zu", bomb);
    EXPECT_U64(ws_unpack(unpacker, packed, bomb, &out, &length), WS_UNPACKED_TOO_LONG);
    static const uint8_t nonsense[] = {0xff, 0xff, 0xff, 0xff};
    EXPECT_U64(ws_unpack(unpacker, nonsense, sizeof nonsense, &out, &length), WS_UNPACKED_BROKEN);
    EXPECT_U64(ws_unpack(unpacker, packed, fits / 2, &out, &length) == WS_UNPACKED && length > 1000, false);
    EXPECT_U64(ws_pack(packer, zeros, sizeof zeros, packed, 10), 0);
    ws_packer_free(packer);
    ws_unpacker_free(unpacker);
}

/* A reader of its own: zlib, with the window that was agreed on. */
static size_t unpack_narrow(const uint8_t *bytes, size_t length, uint8_t *out, size_t capacity) {
    static const uint8_t end[] = {0x00, 0x00, 0xff, 0xff};
    z_stream z = {0};
    EXPECT_I64(inflateInit2(&z, -WS_WINDOW_BITS), Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)capacity;
    const struct {
        const uint8_t *at;
        size_t length;
    } pieces[] = {{bytes, length}, {end, sizeof end}};
    for (int i = 0; i < 2; i++) {
        z.next_in = (z_const Bytef *)(uintptr_t)pieces[i].at;
        z.avail_in = (uInt)pieces[i].length;
        int result = inflate(&z, Z_SYNC_FLUSH);
        EXPECT_MSG(z.avail_in == 0 && (result == Z_OK || result == Z_BUF_ERROR), "%d: %s", result,
                   z.msg ? z.msg : "");
    }
    inflateEnd(&z);
    return capacity - z.avail_out;
}

TEST(websocket_deflate, whatever_is_packed_unpacks_whole_and_in_two_parts) {
    static uint8_t text[20000], packed[ROOM], plain[ROOM];
    ws_packer *packer = ws_packer_alloc(1);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        tw_random random;
        tw_random_seed(&random, seed);
        size_t length = (size_t)tw_random_below(&random, seed % 4 == 0 ? sizeof text : 900);
        uint64_t letters = 1 + tw_random_below(&random, 255);
        for (size_t i = 0; i < length; i++)
            text[i] = (uint8_t)tw_random_below(&random, letters);
        size_t whole = ws_pack(packer, text, length, packed, sizeof packed);
        EXPECT(whole > 0);
        EXPECT_U64(unpack_narrow(packed, whole, plain, sizeof plain), length);
        EXPECT_MSG(memcmp(plain, text, length) == 0, "seed %llu", (unsigned long long)seed);
        size_t rest = (size_t)tw_random_below(&random, length < 40 ? length + 1 : 40);
        size_t start = ws_pack_start(packer, text, length - rest, packed, sizeof packed);
        size_t end = ws_pack_rest(text + length - rest, rest, packed + start);
        EXPECT_U64(end, rest + WS_REST_BYTES);
        EXPECT_U64(unpack_narrow(packed, start + end, plain, sizeof plain), length);
        EXPECT_MSG(memcmp(plain, text, length) == 0, "seed %llu, in two parts", (unsigned long long)seed);
    }
    ws_packer_free(packer);
}
