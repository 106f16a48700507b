/* The messages of one session to serve, one by one: a simulated day, a BinaryFILE recording, or MoldUDP64 in a packet
 * capture. */
#ifndef TICKWIRE_TOOLS_SERVE_FEED_INPUT_H
#define TICKWIRE_TOOLS_SERVE_FEED_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"
#include "tools/simulate/session.h"

typedef struct feed_input feed_input;

typedef struct feed_input_message {
    const uint8_t *bytes; /* borrowed until the next call; NULL: there is none */
    uint16_t length;
    int64_t
        stamp_ns; /* from which --pace counts: the capture's stamp, else the time in an ITCH message (since midnight);
                         TW_TIME_ABSENT if it has none */
} feed_input_message;

tw_code feed_input_simulate(feed_input **input, const sim_options *options, tw_error *error);
/* file: and pcap:, also packed. A source that holds several sessions is served up to the end of the first. A capture
 * may hold both lines of a feed, reordered and repeated, but between them they must have every message. */
tw_code feed_input_open(feed_input **input, const location *where, tw_error *error);
void feed_input_close(feed_input *input); /* NULL is fine */

/* The next message; message->bytes NULL with TW_OK at the end. A source that is cut, damaged or, a capture, incomplete
 * is an error behind its last good message. */
tw_code feed_input_next(feed_input *input, feed_input_message *message, tw_error *error);

#endif
