/*
 * MoldUDP64 packets: checked whole before anything is handed out, because a packet cut in the middle would
 * leave its reader with half a packet's messages applied.
 */
#include "ingest/framing/moldudp64.h"

#include "base/bytes.h"

#define SESSION_CHARACTERS 10u
#define LENGTH_BYTES       2u

static moldudp64_kind kind_of(uint16_t count) {
    if (count == 0) return MOLDUDP64_HEARTBEAT;
    return count == MOLDUDP64_END_OF_SESSION ? MOLDUDP64_END : MOLDUDP64_MESSAGES;
}

/* Where `count` whole blocks end; on a fault, where it is: at the length or the block that does not fit. */
static moldudp64_result check_blocks(const uint8_t *blocks, size_t bytes, uint16_t count, size_t *end) {
    *end = 0;
    for (uint16_t i = 0; i < count; i++) {
        if (bytes - *end < LENGTH_BYTES) return MOLDUDP64_SHORT_BLOCK;
        size_t block = LENGTH_BYTES + (size_t)tw_load_be16(blocks + *end);
        if (bytes - *end < block) return MOLDUDP64_SHORT_BLOCK;
        *end += block;
    }
    return *end == bytes ? MOLDUDP64_OK : MOLDUDP64_TRAILING_BYTES;
}

moldudp64_result moldudp64_parse(const uint8_t *payload, size_t length, moldudp64_packet *packet, size_t *offset) {
    size_t fault = 0;
    if (offset == NULL) offset = &fault;
    *offset = length;
    if (length < MOLDUDP64_HEADER_BYTES) return MOLDUDP64_SHORT_HEADER;

    uint16_t announced = tw_load_be16(payload + 18);
    packet->kind = kind_of(announced);
    memcpy(packet->session, payload, SESSION_CHARACTERS);
    packet->session[SESSION_CHARACTERS] = '\0';
    packet->sequence = tw_load_be64(payload + 10);
    packet->count = packet->kind == MOLDUDP64_MESSAGES ? announced : 0;
    packet->blocks = payload + MOLDUDP64_HEADER_BYTES;
    packet->blocks_bytes = length - MOLDUDP64_HEADER_BYTES;

    size_t end;
    moldudp64_result result = check_blocks(packet->blocks, packet->blocks_bytes, packet->count, &end);
    *offset = MOLDUDP64_HEADER_BYTES + end;
    if (result != MOLDUDP64_OK) return result;
    if (packet->sequence != 0) return MOLDUDP64_OK;
    *offset = SESSION_CHARACTERS; /* where the number is */
    return MOLDUDP64_ZERO_SEQUENCE;
}

const uint8_t *moldudp64_next(const uint8_t *blocks, size_t blocks_bytes, size_t *position, uint16_t *length) {
    if (*position >= blocks_bytes) return NULL;
    const uint8_t *block = blocks + *position;
    *length = tw_load_be16(block);
    *position += LENGTH_BYTES + (size_t)*length;
    return block + LENGTH_BYTES;
}

size_t moldudp64_write_header(uint8_t *payload, const char *session, uint64_t sequence, uint16_t count) {
    size_t i = 0;
    for (; i < SESSION_CHARACTERS && session[i] != '\0'; i++)
        payload[i] = (uint8_t)session[i];
    for (; i < SESSION_CHARACTERS; i++)
        payload[i] = ' ';
    tw_store_be64(payload + 10, sequence);
    tw_store_be16(payload + 18, count);
    return MOLDUDP64_HEADER_BYTES;
}

size_t moldudp64_write_block(uint8_t *target, size_t capacity, const uint8_t *message, uint16_t length) {
    if (capacity < LENGTH_BYTES || capacity - LENGTH_BYTES < length) return 0;
    tw_store_be16(target, length);
    if (length > 0) memcpy(target + LENGTH_BYTES, message, length);
    return LENGTH_BYTES + (size_t)length;
}

const char *moldudp64_result_text(moldudp64_result result) {
    switch (result) {
    case MOLDUDP64_OK:
        return "ok";
    case MOLDUDP64_SHORT_HEADER:
        return "shorter than a MoldUDP64 header";
    case MOLDUDP64_SHORT_BLOCK:
        return "a message block is cut short or missing";
    case MOLDUDP64_TRAILING_BYTES:
        return "bytes behind the last message block";
    case MOLDUDP64_ZERO_SEQUENCE:
        return "sequence number 0";
    }
    return "?";
}
