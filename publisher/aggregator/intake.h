/*
 * The bus into last values, candles and best quotes: subscribes to quotes, trades and feed status, judges feeds, asks for snapshots where
 * something is in doubt. Subscriptions are coarse: three per exchange, or three for all.
 *
 * A feed's state is what its status says, STALE if none comes for the silence limit or the bus is away
 * (client/feed_watch.h). Snapshots are asked for by exchange and channel (client/resync.h): at the start, for a new
 * leader or session, after the bus was away, and when messages were dropped here because they came too fast.
 */
#ifndef TICKWIRE_AGGREGATOR_INTAKE_H
#define TICKWIRE_AGGREGATOR_INTAKE_H

#include <stdint.h>

#include "base/error.h"
#include "publisher/aggregator/candles.h"
#include "publisher/aggregator/last_value.h"
#include "publisher/aggregator/nbbo.h"
#include "runtime/bus.h"
#include "runtime/log.h"

typedef struct intake intake;

typedef struct intake_options {
    const char *exchanges; /* "*", or MICs separated by commas */
    const char *apart;     /* see apart.h; borrowed */
    int64_t feed_silence_ns;
    candles *candles; /* NULL: none are made */
    nbbo *nbbo;       /* likewise */
    rt_log *log;
} intake_options;

/* `from` and `values` are borrowed. TW_INVALID: an exchange that is no MIC. */
tw_code intake_open(intake **opened, const intake_options *options, bus *from, last_values *values,
                    tw_error *error);
void intake_close(intake *intake); /* ends the subscriptions; NULL is fine */

/* Time passed: call it at least every 50 ms. */
void intake_tick(intake *intake, int64_t now_ns);
/* For the bus's on_event. */
void intake_bus_event(intake *intake, bus_event event, int64_t now_ns);

typedef struct intake_stats {
    uint64_t quotes, trades, statuses; /* messages taken */
    uint64_t malformed;                /* messages passed over: not what their subject says */
    uint64_t snapshots_requested, snapshot_replies;
    uint32_t feeds, feeds_ok; /* OK or CLOSED */
    uint32_t feeds_unsynced;  /* a snapshot is awaited */
} intake_stats;
intake_stats intake_read_stats(const intake *intake);

#endif
