/* One source message as framing hands it to a decoder: the bytes, its number, its packet's arrival. */
#ifndef TICKWIRE_INGEST_MARKET_FEED_MESSAGE_H
#define TICKWIRE_INGEST_MARKET_FEED_MESSAGE_H

#include <stdint.h>

/* Bytes are borrowed for the call. */
typedef struct feed_message {
    const uint8_t *bytes;
    uint16_t length;
    uint64_t seq;
    int64_t receive_ns; /* TW_TIME_ABSENT: not known; the event's own time is used */
} feed_message;

#endif
