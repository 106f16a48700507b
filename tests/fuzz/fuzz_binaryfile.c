/* BinaryFILE framing: any bytes, given in two parts. Frames written again are the bytes that were taken. */
#include "ingest/framing/binaryfile.h"

#include "tests/fuzz/fuzz.h"

/* Walks whole frames; returns the bytes done with. */
static size_t walk(const uint8_t *bytes, size_t length, binaryfile_result *last) {
    size_t position = 0;
    for (;;) {
        const uint8_t *message = NULL;
        uint16_t message_length = 0;
        size_t consumed = 0;
        *last = binaryfile_next(bytes + position, length - position, &message, &message_length, &consumed);
        if (*last == BINARYFILE_NEED_MORE) return position;
        FUZZ_CHECK(consumed >= 2 && consumed <= length - position);
        if (*last == BINARYFILE_END) return position + consumed;
        uint8_t *again = malloc(consumed);
        FUZZ_CHECK(again != NULL && message_length + 2u == consumed);
        FUZZ_CHECK(binaryfile_write(again, consumed - 1, message, message_length) == 0);
        FUZZ_CHECK(binaryfile_write(again, consumed, message, message_length) == consumed);
        FUZZ_CHECK(memcmp(again, bytes + position, consumed) == 0);
        free(again);
        position += consumed;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    size_t cut = fuzz_u16(&input), whole_length, part_length;
    fuzz_input whole = input;
    uint8_t *all = fuzz_piece(&whole, whole.left, &whole_length, 0);
    uint8_t *part = fuzz_piece(&input, cut, &part_length, 0);
    binaryfile_result at_once, by_part;
    size_t taken = walk(all, whole_length, &at_once);
    size_t early = walk(part, part_length, &by_part);
    FUZZ_CHECK(early <= taken);
    if (by_part == BINARYFILE_NEED_MORE) {
        early += walk(all + early, whole_length - early, &by_part);
    }
    FUZZ_CHECK(early == taken && by_part == at_once);
    free(part);
    free(all);
    return 0;
}
