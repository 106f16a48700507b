/*
 * A GLIMPSE snapshot of any messages: what is called a message of the state has its type's length and decodes or is
 * refused; the number to join at is there when, and only when, the snapshot is done; nothing is believed after a fault.
 *
 * The input: messages, each with a 2 byte length before it.
 */
#include "ingest/decode/glimpse.h"
#include "ingest/decode/itch50.h"
#include "tests/fuzz/fuzz.h"

static void check_state(const uint8_t *bytes, size_t length) {
    itch50_message message;
    FUZZ_CHECK(length > 0 && itch50_length((char)bytes[0]) == length);
    itch50_result result = itch50_decode(bytes, length, &message);
    FUZZ_CHECK(result != ITCH50_UNKNOWN_TYPE && result != ITCH50_WRONG_LENGTH);
}

static void check_end(const glimpse_reader *reader, const uint8_t *bytes, size_t length) {
    uint64_t join = 0, again = 0;
    uint8_t written[GLIMPSE_END_BYTES];
    FUZZ_CHECK(glimpse_decode_end(bytes, length, &join) && join == reader->join && join > 0);
    FUZZ_CHECK(glimpse_encode_end(join, written) == GLIMPSE_END_BYTES);
    FUZZ_CHECK(glimpse_decode_end(written, sizeof written, &again) && again == join);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    glimpse_reader reader;
    glimpse_reader_init(&reader);
    uint64_t messages = 0, orders = 0;
    bool over = false;
    while (input.left > 0) {
        size_t size;
        uint8_t *message = fuzz_piece(&input, fuzz_u16(&input) & 127u, &size, 0);
        glimpse_result result = glimpse_reader_next(&reader, message, size);
        if (over) FUZZ_CHECK(result == GLIMPSE_UNEXPECTED);
        if (result == GLIMPSE_ITCH) {
            check_state(message, size);
            messages++;
            orders += message[0] == 'A' || message[0] == 'F';
        }
        if (result == GLIMPSE_DONE) check_end(&reader, message, size);
        over = over || result == GLIMPSE_DONE || result == GLIMPSE_UNEXPECTED || result == GLIMPSE_MALFORMED;
        FUZZ_CHECK(reader.failed == (over && result != GLIMPSE_DONE));
        FUZZ_CHECK(reader.orders == orders && reader.messages >= messages);
        free(message);
    }
    return 0;
}
