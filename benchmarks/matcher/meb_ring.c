/* The ring as the benchmark's interface wants it. */
#include "meb_ring.h"

#include <stdlib.h>
#include <string.h>

#include "orderbook/pages.h"

static void *ring_create(uint32_t capacity) {
    meb_ring *ring = aligned_alloc(64, sizeof *ring);
    uint64_t slots = 64;
    while (slots < capacity)
        slots *= 2;
    if (ring == NULL) return NULL;
    *ring =
        (meb_ring){.slots = ob_pages_alloc(slots * sizeof *ring->slots), .mask = slots - 1, .free_until = slots};
    if (ring->slots != NULL) {
        memset(ring->slots, 0, slots * sizeof *ring->slots); /* memory is had before the clock runs */
        return ring;
    }
    free(ring);
    return NULL;
}

static int ring_push(void *handle, const me_report_t *report) {
    meb_ring *ring = handle;
    *meb_ring_place(ring) = *report;
    meb_ring_written(ring);
    return 1;
}

static uint32_t ring_drain(void *handle, me_report_t *out, uint32_t max) {
    meb_ring *ring = handle;
    uint64_t there = atomic_load_explicit(&ring->shown, memory_order_acquire) - ring->read;
    uint32_t count = there < max ? (uint32_t)there : max;
    for (uint32_t i = 0; i < count; i++)
        out[i] = ring->slots[(ring->read + i) & ring->mask];
    ring->read += count;
    if (count > 0) atomic_store_explicit(&ring->taken, ring->read, memory_order_release);
    return count;
}

static void ring_flush(void *handle) {
    meb_ring_flush(handle);
}

static void ring_destroy(void *handle) {
    meb_ring *ring = handle;
    ob_pages_free(ring->slots, (ring->mask + 1) * sizeof *ring->slots);
    free(ring);
}

const me_transport_t meb_ring_transport = {ring_create, ring_push, ring_drain, ring_flush, ring_destroy};
