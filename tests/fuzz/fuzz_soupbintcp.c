/*
 * SoupBinTCP packets: a stream of any bytes gives the same packets however it is cut, up to the same fault; and what
 * can be read of a packet is written as a packet that reads the same.
 *
 * The input: 2 bytes for the bound of a payload, a byte that chooses the cuts, then the stream.
 */
#include "base/random.h"
#include "ingest/framing/soupbintcp.h"
#include "tests/fuzz/fuzz.h"

/* What came out of a stream. */
typedef struct outcome {
    uint64_t hash, packets;
    soup_result end;
} outcome;

static void fold(outcome *self, uint64_t value) {
    self->hash = (self->hash ^ value) * UINT64_C(1099511628211);
}

static soup_packet again(const uint8_t *bytes, size_t length) {
    soup_packet packet;
    size_t consumed;
    FUZZ_CHECK(length > 0);
    FUZZ_CHECK(soup_parse(bytes, length, SOUP_MAX_PAYLOAD_BYTES, &packet, &consumed) == SOUP_CONSUMED);
    FUZZ_CHECK(consumed == length);
    return packet;
}

static void check_login(const soup_packet *packet) {
    soup_login login, same;
    uint8_t bytes[SOUP_LOGIN_TIMEOUT_BYTES];
    if (!soup_read_login(packet, &login)) return;
    soup_packet written = again(bytes, soup_write_login(bytes, sizeof bytes, &login));
    FUZZ_CHECK(soup_read_login(&written, &same));
    FUZZ_CHECK(strcmp(login.username, same.username) == 0 && strcmp(login.password, same.password) == 0);
    FUZZ_CHECK(strcmp(login.session, same.session) == 0 && login.sequence == same.sequence);
    FUZZ_CHECK(login.timeout_ms == same.timeout_ms);
}

static void check_fields(const soup_packet *packet) {
    soup_accepted accepted, same;
    uint8_t bytes[SOUP_ACCEPTED_BYTES];
    char reason;
    check_login(packet);
    if (soup_read_accepted(packet, &accepted)) {
        soup_packet written = again(bytes, soup_write_accepted(bytes, sizeof bytes, &accepted));
        FUZZ_CHECK(soup_read_accepted(&written, &same));
        FUZZ_CHECK(strcmp(accepted.session, same.session) == 0 && accepted.sequence == same.sequence);
    }
    if (soup_read_rejected(packet, &reason)) {
        soup_packet written = again(bytes, soup_write_rejected(bytes, sizeof bytes, reason));
        char read;
        FUZZ_CHECK(soup_read_rejected(&written, &read) && read == reason);
    }
}

static void take(outcome *self, soup_result result, const soup_packet *packet) {
    self->packets++;
    fold(self, result);
    fold(self, (uint8_t)packet->type);
    fold(self, packet->length);
    for (uint16_t i = 0; i < packet->length; i++)
        fold(self, packet->payload[i]);
    if (result == SOUP_CONSUMED) check_fields(packet);
}

static outcome in_one(const uint8_t *bytes, size_t length, size_t bound) {
    outcome self = {0};
    for (;;) {
        soup_packet packet;
        size_t consumed;
        self.end = soup_parse(bytes, length, bound, &packet, &consumed);
        if (self.end == SOUP_NEED_MORE || self.end == SOUP_MALFORMED) {
            FUZZ_CHECK(consumed == 0);
            return self;
        }
        FUZZ_CHECK(consumed == SOUP_HEADER_BYTES + (size_t)packet.length && consumed <= length);
        FUZZ_CHECK(packet.length <= bound);
        take(&self, self.end, &packet);
        bytes += consumed;
        length -= consumed;
    }
}

/* Each piece is a block of its own, so that a read beyond it is seen. */
static outcome in_pieces(fuzz_input input, size_t bound, uint8_t cuts) {
    outcome self = {.end = SOUP_NEED_MORE};
    tw_random random;
    tw_random_seed(&random, cuts);
    soup_reader reader;
    uint8_t *carry = malloc(SOUP_HEADER_BYTES + bound);
    FUZZ_CHECK(carry != NULL);
    soup_reader_init(&reader, carry, bound);
    while (input.left > 0 && self.end != SOUP_MALFORMED) {
        size_t length;
        uint8_t *piece = fuzz_piece(&input, 1 + (size_t)tw_random_below(&random, 1 + cuts % 64u), &length, 0);
        const uint8_t *at = piece;
        soup_packet packet;
        while ((self.end = soup_reader_next(&reader, &at, &length, &packet)) == SOUP_CONSUMED ||
               self.end == SOUP_UNKNOWN)
            take(&self, self.end, &packet);
        FUZZ_CHECK(self.end == SOUP_MALFORMED || length == 0);
        FUZZ_CHECK(reader.carried <= SOUP_HEADER_BYTES + bound);
        free(piece);
    }
    free(carry);
    return self;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    size_t bound = fuzz_u16(&input) % SOUP_MAX_PAYLOAD_BYTES + 1u, copied;
    uint8_t cuts = fuzz_u8(&input);
    fuzz_input whole = input;
    uint8_t *copy = fuzz_piece(&whole, whole.left, &copied, 0);
    outcome one = in_one(copy, copied, bound), many = in_pieces(input, bound, cuts);
    free(copy);
    FUZZ_CHECK(one.packets == many.packets && one.hash == many.hash && one.end == many.end);
    return 0;
}
