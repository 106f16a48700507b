/*
 * What load clients have got so far: a page of memory that they share with whoever started them, so that it can be read at any
 * moment without asking. Counts only rise; a figure of a span of time is the difference of two readings.
 *
 * One writer. The reader sees each count as it was at some moment; between two spans, when nothing comes, all of them.
 */
#ifndef TICKWIRE_BENCHMARKS_GATEWAY_BOARD_H
#define TICKWIRE_BENCHMARKS_GATEWAY_BOARD_H

#include <stdint.h>

#include "base/histogram.h"

typedef struct load_board {
    uint64_t connected;   /* now */
    uint64_t ready;       /* now: of them, those whose subscriptions were confirmed */
    uint64_t ready_ns;    /* from the start to the moment when all were, for the first time */
    uint64_t closed;      /* ended by the other side, ever */
    uint64_t reconnects;  /* back after that */
    uint64_t updates;     /* book updates received, snapshots apart */
    uint64_t snapshots;   /* likewise */
    uint64_t merged;      /* updates that came as part of a later one, or of a snapshot in place of it */
    uint64_t bytes;       /* off the sockets */
    uint64_t reads;       /* that brought something */
    uint64_t faults;      /* chain or checksum broken, bytes that nobody may send */
    tw_histogram latency; /* ns, of one update in 61: from the time at which it was due to be published */
} load_board;

#endif
