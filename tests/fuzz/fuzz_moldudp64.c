/* MoldUDP64 framing: any payload. What parses, written again, is the same payload. */
#include "ingest/framing/moldudp64.h"

#include "tests/fuzz/fuzz.h"

static void check_rewritten(const moldudp64_packet *packet, const uint8_t *payload, size_t length) {
    uint8_t *again = malloc(length);
    FUZZ_CHECK(again != NULL);
    uint16_t count = packet->kind == MOLDUDP64_END ? MOLDUDP64_END_OF_SESSION : packet->count;
    size_t written = moldudp64_write_header(again, packet->session, packet->sequence, count);
    size_t position = 0, messages = 0;
    const uint8_t *message;
    uint16_t message_length;
    while ((message = moldudp64_next(packet->blocks, packet->blocks_bytes, &position, &message_length)) != NULL) {
        size_t added = moldudp64_write_block(again + written, length - written, message, message_length);
        FUZZ_CHECK(added == message_length + 2u);
        written += added;
        messages++;
    }
    FUZZ_CHECK(messages == packet->count && written == length);
    if (memchr(payload, 0, 10) == NULL) FUZZ_CHECK(memcmp(again, payload, length) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    moldudp64_packet packet;
    size_t offset = 0;
    uint8_t *payload = fuzz_piece(&input, length, &length, 0);
    moldudp64_result result = moldudp64_parse(payload, length, &packet, &offset);
    FUZZ_CHECK(offset <= length);
    FUZZ_CHECK(strcmp(moldudp64_result_text(result), "") != 0);
    if (result == MOLDUDP64_OK || result == MOLDUDP64_ZERO_SEQUENCE) check_rewritten(&packet, payload, length);
    free(payload);
    return 0;
}
