/*
 * Latency histogram: fixed memory, recording is a few instructions, relative error below 1 %.
 *
 * Buckets are powers of two, each cut into 128 equal parts (values below 256 are exact), as HdrHistogram does it;
 * values from 0 to 2^40 ns (18 minutes), larger ones count in the last slot. Not thread safe.
 */
#ifndef TICKWIRE_BASE_HISTOGRAM_H
#define TICKWIRE_BASE_HISTOGRAM_H

#include <stdint.h>

#define TW_HISTOGRAM_SLOTS 4353

typedef struct tw_histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t minimum; /* meaningless while count is 0 */
    uint64_t maximum;
    uint64_t slots[TW_HISTOGRAM_SLOTS];
} tw_histogram;

void tw_histogram_reset(tw_histogram *histogram);
void tw_histogram_record(tw_histogram *histogram, int64_t value); /* below 0 counts as 0 */
/* The value at or below which `per_mille` / 1000 of all records lie (500: median, 990: p99, 999: p99.9);
 * the upper edge of its slot, never above the maximum. 0 if nothing was recorded. */
uint64_t tw_histogram_quantile(const tw_histogram *histogram, uint32_t per_mille);
void tw_histogram_merge(tw_histogram *into, const tw_histogram *from);

#endif
