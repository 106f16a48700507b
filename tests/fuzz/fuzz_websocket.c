/* A client's bytes on a WebSocket, in one piece and in many: the same messages, no read beyond them, nothing unbounded.
 * The first byte says whether permessage-deflate was agreed on; compressed messages are unpacked; the bytes are offers, too. */
#include "gateways/websocket/deflate.h"
#include "gateways/websocket/reader.h"
#include "tests/fuzz/fuzz.h"

enum { MOST_BYTES = 4096 };

typedef struct story {
    uint64_t sum;
    uint32_t events;
    bool over;
} story;

static void add(story *s, const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        s->sum = (s->sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
}

static void tell(story *s, const ws_event *event, ws_unpacker *unpacker) {
    s->events++;
    add(s, &event->kind, sizeof event->kind);
    add(s, &event->code, sizeof event->code);
    add(s, event->bytes, event->length);
    s->over |= event->kind == WS_CLOSE || event->kind == WS_FAULT;
    FUZZ_CHECK(event->kind == WS_FAULT || event->length <= MOST_BYTES);
    if (!event->compressed) return;
    const uint8_t *out;
    size_t length;
    ws_unpacked result = ws_unpack(unpacker, event->bytes, event->length, &out, &length);
    add(s, &result, sizeof result);
    if (result != WS_UNPACKED) return;
    FUZZ_CHECK(length <= MOST_BYTES);
    add(s, out, length);
}

static story read_in_pieces(const uint8_t *bytes, size_t length, bool deflates, size_t step,
                            ws_unpacker *unpacker) {
    story told = {0};
    ws_reader reader;
    ws_reader_init(&reader, MOST_BYTES, deflates);
    for (size_t at = 0; at < length; at += step) {
        size_t now = length - at < step ? length - at : step, used;
        uint8_t *piece = malloc(now); /* its end is the allocation's end: a byte too far is seen */
        FUZZ_CHECK(piece != NULL);
        memcpy(piece, bytes + at, now);
        for (size_t done = 0;; done += used) {
            ws_event event = ws_reader_take(&reader, piece + done, now - done, &used);
            if (event.kind == WS_MORE) break;
            FUZZ_CHECK(!told.over);
            tell(&told, &event, unpacker);
        }
        free(piece);
    }
    ws_reader_fini(&reader);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static ws_unpacker *unpacker;
    if (unpacker == NULL) unpacker = ws_unpacker_alloc(MOST_BYTES);
    if (unpacker == NULL || length == 0) return 0;
    bool deflates = bytes[0] & 1;
    size_t step = 1 + bytes[0] / 2;
    story whole = read_in_pieces(bytes + 1, length - 1, deflates, length, unpacker);
    story pieces = read_in_pieces(bytes + 1, length - 1, deflates, step, unpacker);
    FUZZ_CHECK(whole.sum == pieces.sum && whole.events == pieces.events && whole.over == pieces.over);
    char *offers = strndup((const char *)bytes, length), answer[WS_AGREEMENT_BYTES];
    FUZZ_CHECK(offers != NULL);
    if (ws_agree_on_deflate(offers, answer)) FUZZ_CHECK(strlen(answer) < sizeof answer);
    free(offers);
    return 0;
}
