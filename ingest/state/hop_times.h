/*
 * Where the time of a burst goes, from the packet's arrival at the kernel to the end of the write to the bus:
 *
 *      arrival --receive--> in the program --apply--> decoded, books changed --encode--> in the bus's buffer
 *              --write--> handed to the kernel
 *
 * Three readings of the clock a burst; a burst that published nothing (the other line was first) is left out. Where a
 * burst is published in several rounds, `encode` begins with the first and holds what was applied between them. Pure: the
 * times come from outside, one clock (UTC, because arrival has the kernel's stamp).
 */
#ifndef TICKWIRE_INGEST_STATE_HOP_TIMES_H
#define TICKWIRE_INGEST_STATE_HOP_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"

typedef struct hop_times {
    tw_histogram receive, apply, encode, write; /* ns */
    int64_t arrival_ns, received_ns, flush_ns;
    bool begun, flushed;
} hop_times;

/* The first packet of a burst is in the program; further calls before its end are later packets and change nothing. */
void hop_times_begin(hop_times *hops, int64_t arrival_ns, int64_t received_ns);
/* Publishing begins; only the first of a burst counts. */
void hop_times_flush(hop_times *hops, int64_t now_ns);
/* True if the burst published something: then the two times below are wanted. */
bool hop_times_wanted(const hop_times *hops);
/* All is in the bus's buffer; all is written. Ends the burst. */
void hop_times_end(hop_times *hops, int64_t published_ns, int64_t written_ns);
/* Ends a burst that published nothing. */
void hop_times_drop(hop_times *hops);

#endif
