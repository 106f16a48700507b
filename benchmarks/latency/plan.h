/* Makes the tapes of bench_latency: the packets of the lines from a recording, and the relay's events from what the
 * ingest published for them. */
#ifndef TICKWIRE_BENCHMARKS_LATENCY_PLAN_H
#define TICKWIRE_BENCHMARKS_LATENCY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* The first `together` messages fill packets of up to 8,000 bytes, so that the books are there soon; each of the rest
 * has a packet of its own. */
typedef struct plan {
    uint64_t together; /* messages; from one on more than this each event is one message */
    uint32_t fast;     /* events that hold them */
    uint32_t events;   /* all of them */
} plan;

/* Reads the BinaryFILE `recording`, at most `messages` of it, and writes the packets' tape. False: a file can't be read or
 * written, or the recording is too short. */
bool plan_write_lines(plan *plan, const char *recording, const char *path, uint64_t together, uint64_t messages);
/* Writes the relay's tape: for each packet the payloads of `capture` that carry its message's number. False likewise, or
 * if the capture is not in the order of the numbers. */
bool plan_write_relay(const plan *plan, const char *capture, const char *path);

#endif
