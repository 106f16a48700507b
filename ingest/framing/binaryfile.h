/*
 * BinaryFILE: messages in a file, each behind its length.
 *
 * Source: NASDAQ "BinaryFILE" specification 1.00: 2 byte big-endian length, then the payload; a length of 0
 * marks the end of the session. Pure and incremental: give what is there, get a message or "need more".
 */
#ifndef TICKWIRE_INGEST_FRAMING_BINARYFILE_H
#define TICKWIRE_INGEST_FRAMING_BINARYFILE_H

#include <stddef.h>
#include <stdint.h>

typedef enum binaryfile_result {
    BINARYFILE_MESSAGE,   /* `message` and `length` are set; `consumed` bytes are done with */
    BINARYFILE_NEED_MORE, /* the bytes end inside a frame; at the end of the file this is a truncated file */
    BINARYFILE_END        /* the end-of-session mark; `consumed` is 2 */
} binaryfile_result;

/* Looks at the frame at the start of `bytes`. The message is borrowed from `bytes`. */
binaryfile_result binaryfile_next(const uint8_t *bytes, size_t available, const uint8_t **message, uint16_t *length,
                                  size_t *consumed);

/* Writes one frame. Returns the bytes written, 0 if `capacity` is too small. */
size_t binaryfile_write(uint8_t *target, size_t capacity, const uint8_t *message, uint16_t length);

#endif
