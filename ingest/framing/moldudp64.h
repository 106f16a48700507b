/*
 * MoldUDP64: session, sequence number, and message blocks in a UDP payload.
 *
 * Source: "MoldUDP64 Protocol Specification" 1.00, sections 1 (downstream packet: 10 byte session, 8 byte
 * sequence number of the first message, 2 byte count; count 0 is a heartbeat, 0xFFFF end of session; in both the
 * sequence number is that of the next message) and 2 (request packet: the same 20 bytes, from client to server).
 * Each message block is a 2 byte length and that many bytes.
 */
#ifndef TICKWIRE_INGEST_FRAMING_MOLDUDP64_H
#define TICKWIRE_INGEST_FRAMING_MOLDUDP64_H

#include <stddef.h>
#include <stdint.h>

#define MOLDUDP64_HEADER_BYTES   20
#define MOLDUDP64_SESSION_BYTES  11 /* ten characters and NUL */
#define MOLDUDP64_END_OF_SESSION 0xFFFFu

typedef enum moldudp64_kind { MOLDUDP64_MESSAGES, MOLDUDP64_HEARTBEAT, MOLDUDP64_END } moldudp64_kind;

typedef struct moldudp64_packet {
    moldudp64_kind kind;
    char session[MOLDUDP64_SESSION_BYTES]; /* as sent; padding kept, so "          " is a session too */
    uint64_t sequence;     /* of the first message; of the next one for a heartbeat or end of session */
    uint16_t count;        /* messages, 0 for heartbeat and end */
    const uint8_t *blocks; /* borrowed from the payload */
    size_t blocks_bytes;
} moldudp64_packet;

typedef enum moldudp64_result {
    MOLDUDP64_OK = 0,
    MOLDUDP64_SHORT_HEADER,   /* fewer than 20 bytes */
    MOLDUDP64_SHORT_BLOCK,    /* a block's length reaches past the payload, or blocks are missing */
    MOLDUDP64_TRAILING_BYTES, /* bytes behind the last block */
    MOLDUDP64_ZERO_SEQUENCE   /* sequence numbers start at 1; a capture with 0 had them removed */
} moldudp64_result;

/* Parses and checks a whole payload, every block's length included, so that iteration cannot fail.
 * `offset` (may be NULL) is where in the payload the first fault is. With ZERO_SEQUENCE the packet is
 * filled all the same and its blocks are whole; with any other fault it is not to be used. */
moldudp64_result moldudp64_parse(const uint8_t *payload, size_t length, moldudp64_packet *packet, size_t *offset);

/* Walks the blocks of a checked packet: *position starts at 0. Returns NULL after the last. */
const uint8_t *moldudp64_next(const uint8_t *blocks, size_t blocks_bytes, size_t *position, uint16_t *length);

/* Writes a header. Returns MOLDUDP64_HEADER_BYTES. `session` is padded with blanks to ten. */
size_t moldudp64_write_header(uint8_t *payload, const char *session, uint64_t sequence, uint16_t count);

/* Appends a block. Returns the bytes appended, 0 if it does not fit into `capacity`. */
size_t moldudp64_write_block(uint8_t *target, size_t capacity, const uint8_t *message, uint16_t length);

const char *moldudp64_result_text(moldudp64_result result);

#endif
