/*
 * After a start: what another aggregator knows of the candles before, and of those that were open. One request for each
 * instrument and interval (candles.{MIC}.{SYMBOL}), a bounded number under way; what could not be taken because the other one
 * was a print ahead or behind is asked for again, some times. Where nobody else answers the first questions, that is all.
 *
 * While it lasts this process is busy to whoever asks and publishes no candles itself: the other one knows more.
 */
#ifndef TICKWIRE_AGGREGATOR_REFILL_H
#define TICKWIRE_AGGREGATOR_REFILL_H

#include "base/error.h"
#include "publisher/aggregator/candles.h"
#include "runtime/bus.h"
#include "runtime/log.h"

typedef struct refill refill;

/* All borrowed. `name` is what this process calls itself in its answers. */
tw_code refill_open(refill **refill, bus *from, candles *into, const char *name, rt_log *log, tw_error *error);
void refill_close(refill *refill); /* NULL is fine */

/* Call it at least every 50 ms. `ready`: feeds are known, and all their instruments. */
void refill_tick(refill *refill, bool ready, int64_t now_ns);
bool refill_is_over(const refill *refill);

typedef struct refill_stats {
    uint64_t requests, replies, malformed;
} refill_stats;
refill_stats refill_read_stats(const refill *refill);

#endif
