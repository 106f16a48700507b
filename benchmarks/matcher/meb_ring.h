/*
 * The queue that carries the benchmark's reports from the engine's thread to the drainer's: one producer, one consumer, a ring.
 *
 * The producer shows what it has written once for every MEB_RING_BURST reports, and when it is told to flush: so the two processors pass
 * a cache line to and fro once a burst, not once a report.
 */
#ifndef TICKWIRE_BENCHMARKS_MEB_RING_H
#define TICKWIRE_BENCHMARKS_MEB_RING_H

#include <stdatomic.h>

#include "matching_engine_api.h"

#define MEB_RING_BURST 32

typedef struct meb_ring {
    me_report_t *slots;
    uint64_t mask;
    /* the producer's */
    _Alignas(64) uint64_t written;
    uint64_t free_until; /* as far as the consumer was seen to have come, and once around */
    _Alignas(64) _Atomic uint64_t shown;
    /* the consumer's */
    _Alignas(64) uint64_t read;
    _Alignas(64) _Atomic uint64_t taken;
} meb_ring;

extern const me_transport_t meb_ring_transport;

static inline void meb_ring_flush(meb_ring *ring) {
    atomic_store_explicit(&ring->shown, ring->written, memory_order_release);
}

/* Where the next report is to be written; waits while the ring is full. */
static inline me_report_t *meb_ring_place(meb_ring *ring) {
    while (ring->written == ring->free_until) {
        meb_ring_flush(ring);
        ring->free_until = atomic_load_explicit(&ring->taken, memory_order_acquire) + ring->mask + 1;
    }
    return &ring->slots[ring->written & ring->mask];
}

static inline void meb_ring_written(meb_ring *ring) {
    if (++ring->written % MEB_RING_BURST == 0) meb_ring_flush(ring);
}

#endif
