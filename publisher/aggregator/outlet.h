/*
 * Candles and best quotes onto the bus: what is due goes out, and requests for what was before are answered
 * (candles.{MIC}.{SYMBOL}, docs/protocol.md), once what another aggregator knows has been taken (refill.h). While the bus is away or above its high water nothing is sent; what is due
 * waits and merges.
 */
#ifndef TICKWIRE_AGGREGATOR_OUTLET_H
#define TICKWIRE_AGGREGATOR_OUTLET_H

#include "base/error.h"
#include "publisher/aggregator/candles.h"
#include "publisher/aggregator/last_value.h"
#include "publisher/aggregator/nbbo.h"
#include "runtime/bus.h"
#include "runtime/log.h"

typedef struct outlet outlet;

typedef struct outlet_options {
    bus *to;                   /* all borrowed */
    candles *candles;          /* NULL: none are made */
    nbbo *nbbo;                /* likewise */
    const last_values *values; /* whether an exchange's instruments are all known yet */
    rt_log *log;
} outlet_options;

tw_code outlet_open(outlet **outlet, const outlet_options *options, tw_error *error);
void outlet_close(outlet *outlet); /* NULL is fine */

/* Sends what is due, a bounded number of messages. True: there may be more. */
bool outlet_round(outlet *outlet, int64_t now_ns);

/* Call it at least every 50 ms. `ready`: feeds are known, and all their instruments. */
void outlet_tick(outlet *outlet, bool ready, int64_t now_ns);

typedef struct outlet_stats {
    uint64_t candles, nbbos; /* sent */
    uint64_t requests, requests_refused;
} outlet_stats;
outlet_stats outlet_read_stats(const outlet *outlet);

#endif
