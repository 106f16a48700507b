/*
 * Latency histogram. Slots, for a value v:
 *
 *   v below 256         slot v                                exact
 *   2^k <= v < 2^(k+1)  256 + (k - 8) * 128 + the next 7 bits of v below its highest one, k from 8 to 39
 *   v from 2^40 on      the last slot
 */
#include "base/histogram.h"

#include <string.h>

#define EXACT    256
#define PARTS    128
#define HALF_LOG 7 /* log2(PARTS) */

void tw_histogram_reset(tw_histogram *histogram) {
    memset(histogram, 0, sizeof *histogram);
}

static unsigned slot_of(uint64_t value) {
    if (value < EXACT) return (unsigned)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    if (power >= 40) return TW_HISTOGRAM_SLOTS - 1;
    return EXACT + (power - 8) * PARTS + (unsigned)((value >> (power - HALF_LOG)) - PARTS);
}

/* The largest value that counts in a slot. */
static uint64_t upper_edge(unsigned slot) {
    if (slot < EXACT) return slot;
    if (slot == TW_HISTOGRAM_SLOTS - 1) return UINT64_MAX;
    unsigned power = 8 + (slot - EXACT) / PARTS, part = (slot - EXACT) % PARTS;
    return ((uint64_t)(PARTS + part + 1) << (power - HALF_LOG)) - 1;
}

void tw_histogram_record(tw_histogram *histogram, int64_t value) {
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    if (histogram->count == 0 || v < histogram->minimum) histogram->minimum = v;
    if (v > histogram->maximum) histogram->maximum = v;
    histogram->count++;
    histogram->sum += v;
    histogram->slots[slot_of(v)]++;
}

uint64_t tw_histogram_quantile(const tw_histogram *histogram, uint32_t per_mille) {
    if (histogram->count == 0) return 0;
    if (per_mille >= 1000) return histogram->maximum;
    /* the rank, rounded up; count / 1000 apart so that the product cannot overflow */
    uint64_t rank = histogram->count / 1000 * per_mille + (histogram->count % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;
    if (rank == 0) rank = 1;
    for (unsigned slot = 0; slot < TW_HISTOGRAM_SLOTS; slot++) {
        seen += histogram->slots[slot];
        if (seen < rank) continue;
        uint64_t edge = upper_edge(slot);
        return edge < histogram->maximum ? edge : histogram->maximum;
    }
    return histogram->maximum;
}

void tw_histogram_merge(tw_histogram *into, const tw_histogram *from) {
    if (from->count == 0) return;
    if (into->count == 0 || from->minimum < into->minimum) into->minimum = from->minimum;
    if (from->maximum > into->maximum) into->maximum = from->maximum;
    into->count += from->count;
    into->sum += from->sum;
    for (unsigned slot = 0; slot < TW_HISTOGRAM_SLOTS; slot++)
        into->slots[slot] += from->slots[slot];
}
