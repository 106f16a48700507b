/* Where a simulated day goes: a BinaryFILE, or MoldUDP64 packets on the network. */
#ifndef TICKWIRE_TOOLS_SIMULATE_OUTPUT_H
#define TICKWIRE_TOOLS_SIMULATE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"

typedef struct simulate_output simulate_output;

typedef struct simulate_totals {
    uint64_t messages, packets, bytes; /* bytes as written: framing included, headers below UDP not */
} simulate_totals;

/* `packet_bytes`: the largest UDP payload. TW_IO, TW_INVALID for a location that cannot be written to. */
tw_code simulate_output_open(simulate_output **output, const location *where, size_t packet_bytes, tw_error *error);
/* Frees; what was not flushed is lost. NULL is fine. */
void simulate_output_close(simulate_output *output);

/* A day begins: the session's name and the number of its first message. */
void simulate_output_start(simulate_output *output, const char *session, uint64_t first_sequence);
/* One message; goes out with its packet or block. */
tw_code simulate_output_message(simulate_output *output, const uint8_t *message, uint16_t length, tw_error *error);
/* Sends what waits: the end of a turn. A file keeps its buffer. */
tw_code simulate_output_flush(simulate_output *output, tw_error *error);
/* Nothing new: a heartbeat that names the next message. Nothing for a file. */
tw_code simulate_output_heartbeat(simulate_output *output, tw_error *error);
/* The end of the session: a packet, to be repeated by the caller; the end mark of a file, which is then complete. */
tw_code simulate_output_end(simulate_output *output, tw_error *error);

simulate_totals simulate_output_totals(const simulate_output *output);

#endif
