/* Bytes of a NATS server, in one piece and in many: the same operations, nothing read or written beyond them. */
#include <stdlib.h>
#include <string.h>

#include "runtime/bus_protocol.h"
#include "tests/fuzz/fuzz.h"

typedef struct story {
    uint64_t sum;
    uint32_t operations;
    bool broken;
} story;

static void add(story *s, const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        s->sum = (s->sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
}

static void add_text(story *s, const char *text) {
    add(s, text != NULL ? text : "\1", text != NULL ? strlen(text) + 1 : 1);
}

static void tell(story *s, const bus_operation *operation) {
    static const char *const names[] = {"Status", "Description", "Nats-Msg-Id"};
    s->operations++;
    add(s, &operation->kind, sizeof operation->kind);
    add(s, &operation->sid, sizeof operation->sid);
    add_text(s, operation->subject);
    add_text(s, operation->reply);
    add_text(s, operation->text);
    add(s, operation->payload, operation->payload_length);
    if (operation->kind != BUS_OPERATION_MESSAGE) return;
    FUZZ_CHECK(operation->payload[operation->payload_length] == '\0');
    for (size_t i = 0; operation->headers != NULL && i < sizeof names / sizeof *names; i++)
        add_text(s, bus_protocol_header(operation->headers, operation->headers_length, names[i]));
}

/* All that can be told of `length` bytes; what is left begins at the returned place. */
static size_t take(story *s, char *bytes, size_t length) {
    size_t at = 0;
    while (!s->broken) {
        bus_operation next = bus_protocol_read(bytes + at, length - at);
        if (next.kind == BUS_OPERATION_PART) {
            FUZZ_CHECK(next.size > length - at);
            break;
        }
        s->broken = next.kind == BUS_OPERATION_BROKEN;
        tell(s, &next);
        FUZZ_CHECK(next.size <= length - at && (s->broken || next.size > 0));
        at += next.size;
    }
    return at;
}

/* In memory of exactly the bytes that are there, so that a sanitizer sees each step beyond them. */
static story read_in_pieces(const uint8_t *bytes, size_t length, size_t step) {
    story s = {0};
    size_t begin = 0;
    char *kept = NULL;
    size_t rest = 0;
    while (begin < length && !s.broken) {
        size_t more = length - begin < step ? length - begin : step;
        char *room = malloc(rest + more);
        if (room == NULL) abort();
        if (rest > 0) memcpy(room, kept, rest);
        memcpy(room + rest, bytes + begin, more);
        free(kept);
        begin += more;
        size_t taken = take(&s, room, rest + more);
        rest = rest + more - taken;
        kept = malloc(rest > 0 ? rest : 1);
        if (kept == NULL) abort();
        memcpy(kept, room + taken, rest);
        free(room);
    }
    free(kept);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    story whole = read_in_pieces(bytes, length, length), pieces = read_in_pieces(bytes, length, 7);
    FUZZ_CHECK(whole.broken == pieces.broken);
    FUZZ_CHECK(whole.operations == pieces.operations && whole.sum == pieces.sum);
    return 0;
}
