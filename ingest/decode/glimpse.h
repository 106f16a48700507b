/*
 * NASDAQ GLIMPSE 5.0: the state of all books, as ITCH 5.0 messages, and where to go on from.
 *
 * Source: "NASDAQ GLIMPSE 5.0" specification, 2 (architecture: SoupBinTCP, log in for message 1) and 1.1 to 1.8 in
 * newer prints, 4.1 to 4.8 in older (formats). A snapshot consists of system events (S), the stock directory (R),
 * trading actions (H), Reg SHO restrictions (Y), retail interest (N), operational halts (h), all resting orders
 * (A, F), in the formats of ITCH 5.0, and ends with one message of its own:
 *
 *   offset  length
 *   0       1       'G'
 *   1       20      sequence number in ASCII, blanks on the left: apply the ITCH feed from this message on
 *
 * Orders of one price come in priority, so that adding them in the order of the snapshot rebuilds the queue.
 *
 * Pure. The other messages are itch50.h's; how books become a snapshot is ingest/market/glimpse_writer.h's.
 */
#ifndef TICKWIRE_INGEST_DECODE_GLIMPSE_H
#define TICKWIRE_INGEST_DECODE_GLIMPSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLIMPSE_END       'G'
#define GLIMPSE_END_BYTES 21

typedef enum glimpse_result {
    GLIMPSE_ITCH,       /* a message of the state: apply it as one of ITCH */
    GLIMPSE_DONE,       /* the end of the snapshot: go on at glimpse_reader.join */
    GLIMPSE_UNKNOWN,    /* a type that neither specification has: passed over */
    GLIMPSE_UNEXPECTED, /* a type that tells of a change (an execution, a print, …), or anything behind the end: the
                           snapshot is not to be trusted */
    GLIMPSE_MALFORMED   /* no bytes, a wrong length, or a sequence number that is none: likewise */
} glimpse_result;

/* Follows one snapshot. */
typedef struct glimpse_reader {
    uint64_t join; /* the first message of the ITCH feed to apply; 0 before GLIMPSE_DONE */
    uint64_t messages;
    uint64_t orders; /* of them A and F */
    bool failed;     /* UNEXPECTED or MALFORMED came: what follows is UNEXPECTED */
} glimpse_reader;

void glimpse_reader_init(glimpse_reader *reader);

/* What the next message of the snapshot is. Fields of ITCH messages are not looked at, only type and length. */
glimpse_result glimpse_reader_next(glimpse_reader *reader, const uint8_t *bytes, size_t length);

/* The end message alone. False if it is none; `join` is at least 1. */
bool glimpse_decode_end(const uint8_t *bytes, size_t length, uint64_t *join);
/* Writes GLIMPSE_END_BYTES and returns their number. */
size_t glimpse_encode_end(uint64_t join, uint8_t *bytes);

#endif
