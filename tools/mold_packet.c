/* The header is written last, when the count is known. */
#include "tools/mold_packet.h"

#include "base/assert.h"
#include "base/text.h"

void mold_packet_start(mold_packet *packet, const char *session, uint64_t first) {
    TW_ASSERT(packet->count == 0);
    tw_text_copy(packet->session, sizeof packet->session, session);
    packet->next = first;
}

bool mold_packet_add(mold_packet *packet, const uint8_t *message, uint16_t length) {
    if (packet->count == 0) packet->used = MOLDUDP64_HEADER_BYTES;
    size_t added =
        moldudp64_write_block(packet->bytes + packet->used, packet->capacity - packet->used, message, length);
    if (added == 0) return false;
    packet->used += added;
    packet->count++;
    packet->next++;
    return true;
}

size_t mold_packet_finish(mold_packet *packet) {
    if (packet->count == 0) return 0;
    moldudp64_write_header(packet->bytes, packet->session, packet->next - packet->count, packet->count);
    packet->count = 0;
    return packet->used;
}

size_t mold_packet_signal(const mold_packet *packet, uint16_t count) {
    TW_ASSERT(packet->count == 0);
    return moldudp64_write_header(packet->bytes, packet->session, packet->next, count);
}
