/*
 * When each line brought the same message: a ring of sampled message numbers with their first arrival.
 * Every fourth number is sampled, whatever packets it travels in, so lines that group differently compare.
 * Copies further apart than the ring reaches (4,096 numbers) are not compared. Pure; fixed memory.
 */
#ifndef TICKWIRE_INGEST_LINE_LINE_SKEW_H
#define TICKWIRE_INGEST_LINE_LINE_SKEW_H

#include <stdint.h>

#include "ingest/line/line_stats.h"

#define LINE_SKEW_STRIDE  4u
#define LINE_SKEW_SAMPLES 1024u

typedef struct line_arrival {
    uint64_t number; /* 0: none */
    int64_t receive_ns;
    uint32_t line; /* UINT32_MAX: compared already */
} line_arrival;

typedef struct line_skew {
    line_arrival arrivals[LINE_SKEW_SAMPLES];
} line_skew;

void line_skew_reset(line_skew *skew);
/* `line` of `lines` brought numbers from `first` up to but not `end` at `receive_ns` (TW_TIME_ABSENT: not compared).
 * A number that another line brought gives both lines a sample, once. */
void line_skew_arrived(line_skew *skew, line_stats *lines, uint32_t line, uint64_t first, uint64_t end,
                       int64_t receive_ns);

#endif
