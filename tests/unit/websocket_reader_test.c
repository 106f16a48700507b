/* What clients send over a WebSocket: each rule of RFC 6455 that a client can keep or break, in one piece and byte by byte. */
#include <string.h>

#include "base/random.h"
#include "gateways/websocket/reader.h"
#include "tests/unit.h"

#define MOST_BYTES 1000u
#define WIRE_BYTES 8192u

/* A wire: frames as a client sends them. */
typedef struct wire {
    uint8_t bytes[WIRE_BYTES];
    size_t length;
} wire;

static void put_head(wire *w, uint8_t first, size_t length) {
    w->bytes[w->length++] = first;
    if (length < 126) {
        w->bytes[w->length++] = (uint8_t)(0x80 | length);
    } else {
        w->bytes[w->length++] = 0x80 | 126;
        w->bytes[w->length++] = (uint8_t)(length >> 8);
        w->bytes[w->length++] = (uint8_t)length;
    }
}

static void put(wire *w, uint8_t first, const void *payload, size_t length) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    put_head(w, first, length);
    memcpy(w->bytes + w->length, mask, 4);
    w->length += 4;
    for (size_t i = 0; i < length; i++)
        w->bytes[w->length++] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
}

static void put_text(wire *w, uint8_t first, const char *text) {
    put(w, first, text, strlen(text));
}

/* What a reader makes of a wire, written down: "text(…) ping(…) close(1000,…) fault(1002)". */
typedef struct story {
    char text[4 * WIRE_BYTES];
    size_t length;
} story;

static void tell(story *s, const ws_event *event) {
    static const char *const names[] = {"more", "text", "ping", "pong", "close", "fault"};
    char code[16] = "";
    if (event->kind == WS_CLOSE || event->kind == WS_FAULT) snprintf(code, sizeof code, "%u:", event->code);
    int wrote = snprintf(s->text + s->length, sizeof s->text - s->length, "%s%s%s(%s%.*s)",
                         s->length > 0 ? " " : "", event->compressed ? "packed " : "", names[event->kind], code,
                         (int)event->length, event->length > 0 ? (const char *)event->bytes : "");
    s->length += (size_t)wrote;
}

static void read_pieces(story *s, const wire *w, bool deflates, uint64_t seed, size_t longest) {
    ws_reader reader;
    tw_random random;
    tw_random_seed(&random, seed);
    ws_reader_init(&reader, MOST_BYTES, deflates);
    *s = (story){0};
    for (size_t at = 0; at < w->length;) {
        uint8_t piece[WIRE_BYTES];
        size_t length = 1 + (size_t)tw_random_below(&random, longest), used;
        if (length > w->length - at) length = w->length - at;
        memcpy(piece, w->bytes + at, length);
        at += length;
        for (uint8_t *from = piece; length > 0; from += used, length -= used) {
            ws_event event = ws_reader_take(&reader, from, length, &used);
            EXPECT(used <= length && (used > 0 || event.kind != WS_MORE));
            if (event.kind != WS_MORE) tell(s, &event);
        }
    }
    ws_reader_fini(&reader);
}

static void expect_story(const char *what, const wire *w, bool deflates, const char *wanted) {
    static story told;
    for (size_t longest = 1; longest <= WIRE_BYTES; longest *= 4) {
        read_pieces(&told, w, deflates, longest, longest);
        EXPECT_MSG(strcmp(told.text, wanted) == 0, "%s, in pieces of up to %zu: %s and not %s", what, longest,
                   told.text, wanted);
    }
}

TEST(websocket_reader, messages_are_joined_from_their_fragments_and_control_frames_pass_between_them) {
    wire w = {0};
    put_text(&w, 0x81, "one");
    put_text(&w, 0x01, "t");
    put_text(&w, 0x89, "are you there");
    put_text(&w, 0x00, "");
    put_text(&w, 0x00, "w");
    put_text(&w, 0x8a, "");
    put_text(&w, 0x80, "o");
    put_text(&w, 0x81, "");
    put_text(&w, 0x01, "");
    put_text(&w, 0x80, "late");
    put_text(&w, 0x88,
             "\x03\xe8"
             "bye");
    put_text(&w, 0x81, "not read any more");
    expect_story("a talk", &w, false,
                 "text(one) ping(are you there) pong() text(two) text() text(late) close(1000:bye)");
}

TEST(websocket_reader, each_broken_rule_has_its_close_code) {
    static char long_text[MOST_BYTES + 2];
    memset(long_text, 'x', MOST_BYTES + 1);
    const struct {
        const char *what;
        uint8_t first;
        const char *payload;
        size_t length;
        const char *wanted;
    } table[] = {
        {"an opcode that is none", 0x83, "", 0, "fault(1002:)"},
        {"a control opcode that is none", 0x8b, "", 0, "fault(1002:)"},
        {"RSV1 without an agreement", 0xc1, "x", 1, "fault(1002:)"},
        {"RSV2", 0xa1, "x", 1, "fault(1002:)"},
        {"RSV3", 0x91, "x", 1, "fault(1002:)"},
        {"RSV1 of a ping", 0xc9, "", 0, "fault(1002:)"},
        {"a ping in fragments", 0x09, "", 0, "fault(1002:)"},
        {"a close in fragments", 0x08, "\x03\xe8", 2, "fault(1002:)"},
        {"a ping of 125 bytes", 0x89, long_text, 125, NULL},
        {"a ping of 126 bytes", 0x89, long_text, 126, "fault(1002:)"},
        {"a continuation of nothing", 0x80, "x", 1, "fault(1002:)"},
        {"a binary message", 0x82, "x", 1, "fault(1003:)"},
        {"the longest message", 0x81, long_text, MOST_BYTES, NULL},
        {"a message too long", 0x81, long_text, MOST_BYTES + 1, "fault(1009:)"},
        {"an overlong slash", 0x81, "\xc0\xaf", 2, "fault(1007:)"},
        {"a surrogate", 0x81, "\xed\xa0\x80", 3, "fault(1007:)"},
        {"beyond Unicode", 0x81, "\xf4\x90\x80\x80", 4, "fault(1007:)"},
        {"half a character", 0x81, "\xe2\x82", 2, "fault(1007:)"},
        {"the end of Unicode", 0x81, "\xf4\x8f\xbf\xbf", 4, "text(\xf4\x8f\xbf\xbf)"},
        {"a close without a code", 0x88, "", 0, "close(1005:)"},
        {"a close of one byte", 0x88, "\x03", 1, "fault(1002:)"},
        {"close 999", 0x88, "\x03\xe7", 2, "fault(1002:)"},
        {"close 1000", 0x88, "\x03\xe8", 2, "close(1000:)"},
        {"close 1004", 0x88, "\x03\xec", 2, "fault(1002:)"},
        {"close 1005", 0x88, "\x03\xed", 2, "fault(1002:)"},
        {"close 1006", 0x88, "\x03\xee", 2, "fault(1002:)"},
        {"close 1011", 0x88, "\x03\xf3", 2, "close(1011:)"},
        {"close 1014", 0x88, "\x03\xf6", 2, "close(1014:)"},
        {"close 1015", 0x88, "\x03\xf7", 2, "fault(1002:)"},
        {"close 2999", 0x88, "\x0b\xb7", 2, "fault(1002:)"},
        {"close 3000", 0x88, "\x0b\xb8", 2, "close(3000:)"},
        {"close 4999", 0x88, "\x13\x87", 2, "close(4999:)"},
        {"close 5000", 0x88, "\x13\x88", 2, "fault(1002:)"},
        {"a reason that is not UTF-8", 0x88, "\x03\xe8\xff", 3, "fault(1007:)"},
        {"a reason that ends in half a character", 0x88, "\x03\xe8\xc3", 3, "fault(1007:)"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        wire w = {0};
        char fits[MOST_BYTES + 16];
        snprintf(fits, sizeof fits, "%s(%.*s)", table[i].first == 0x89 ? "ping" : "text", (int)table[i].length,
                 table[i].payload);
        put(&w, table[i].first, table[i].payload, table[i].length);
        expect_story(table[i].what, &w, false, table[i].wanted == NULL ? fits : table[i].wanted);
    }
}

TEST(websocket_reader, heads_that_no_client_may_write_are_refused) {
    const struct {
        const char *what;
        uint8_t bytes[14];
        size_t length;
    } table[] = {
        {"not masked", {0x81, 0x02, 'h', 'i'}, 4},
        {"an empty frame, not masked", {0x81, 0x00}, 2},
        {"a ping, not masked", {0x89, 0x00}, 2},
        {"16 bits for 125", {0x81, 0xfe, 0, 125, 0, 0, 0, 0}, 8},
        {"64 bits for 65535", {0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, 14},
        {"64 bits, the highest set", {0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 14},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        wire w = {.length = table[i].length};
        memcpy(w.bytes, table[i].bytes, table[i].length);
        expect_story(table[i].what, &w, false, "fault(1002:)");
    }
    wire huge = {.bytes = {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, .length = 14};
    expect_story("the longest length there is", &huge, false, "fault(1009:)");
}

TEST(websocket_reader, fragments_are_bounded_and_checked_as_one_message) {
    wire w = {0}, split = {0}, half = {0}, twice = {0};
    static const char most[MOST_BYTES] = {0};
    put(&w, 0x01, most, MOST_BYTES / 2);
    put(&w, 0x00, most, MOST_BYTES / 2);
    put(&w, 0x80, "x", 1);
    expect_story("too long by one", &w, false, "fault(1009:)");
    put_text(&split, 0x01, "\xe2\x82");
    put_text(&split, 0x89, "\xff");
    put_text(&split, 0x80, "\xac");
    expect_story("a character over two fragments", &split, false, "ping(\xff) text(\xe2\x82\xac)");
    put_text(&half, 0x01, "\xe2\x82");
    put_text(&half, 0x80, "");
    expect_story("half a character, then an empty end", &half, false, "fault(1007:)");
    put_text(&twice, 0x01, "one");
    put_text(&twice, 0x81, "two");
    expect_story("a message within a message", &twice, false, "fault(1002:)");
}

TEST(websocket_reader, where_deflate_was_agreed_on_the_first_frame_of_a_message_says_if_it_is_used) {
    wire w = {0}, later = {0};
    put_text(&w, 0x41, "\xf2\x48");
    put_text(&w, 0x80, "\xcd");
    put_text(&w, 0x81, "plain");
    expect_story("packed, then plain", &w, true, "packed text(\xf2\x48\xcd) text(plain)");
    put_text(&later, 0x01, "x");
    put_text(&later, 0xc0, "y");
    expect_story("RSV1 of a continuation", &later, true, "fault(1002:)");
}

TEST(websocket_reader, own_control_frames_are_those_of_the_specification) {
    uint8_t frame[WS_CONTROL_BYTES + 2];
    char long_reason[300];
    memset(long_reason, 'r', sizeof long_reason - 1);
    long_reason[sizeof long_reason - 1] = '\0';
    EXPECT_U64(ws_write_close(frame, WS_GOING_AWAY, "bye"), 7);
    EXPECT(memcmp(frame,
                  "\x88\x05\x03\xe9"
                  "bye",
                  7) == 0);
    EXPECT_U64(ws_write_close(frame, WS_NO_CODE, ""), 2);
    EXPECT(memcmp(frame, "\x88\x00", 2) == 0);
    EXPECT_U64(ws_write_close(frame, WS_NORMAL, long_reason), WS_CONTROL_BYTES + 2);
    EXPECT_U64(frame[1], WS_CONTROL_BYTES);
    EXPECT_U64(ws_write_control(frame, true, (const uint8_t *)"hi", 2), 4);
    EXPECT(memcmp(frame,
                  "\x8a\x02"
                  "hi",
                  4) == 0);
}

/* Random frames, most of them good: in whatever pieces they come, the story is the same. */
TEST(websocket_reader, pieces_make_no_difference) {
    static story whole, pieces;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        tw_random random;
        wire w = {0};
        tw_random_seed(&random, seed);
        for (bool open = false; w.length < WIRE_BYTES / 2;) {
            static const uint8_t firsts[] = {0x81, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x41, 0x88, 0x85};
            uint8_t first = firsts[tw_random_below(&random, tw_random_below(&random, 8) == 0 ? 9 : 7)];
            if ((first & 0x0f) < 3 && tw_random_below(&random, 50) > 0) first = open ? first & 0x80 : first | 0x01;
            if ((first & 0x0f) < 3) open = !(first & 0x80);
            char payload[200];
            size_t length = (size_t)tw_random_below(&random, (first & 8) ? 120 : sizeof payload);
            memset(payload, 'a' + (int)tw_random_below(&random, 26), length);
            put(&w, first, payload, length);
        }
        read_pieces(&whole, &w, true, seed, WIRE_BYTES);
        read_pieces(&pieces, &w, true, seed, 1 + seed % 97);
        EXPECT_MSG(strcmp(whole.text, pieces.text) == 0, "seed %llu: %.200s and %.200s", (unsigned long long)seed,
                   whole.text, pieces.text);
    }
}
