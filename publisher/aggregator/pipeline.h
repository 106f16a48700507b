/*
 * The aggregator's path, wired: bus -> intake -> last_value -> last_writer -> redis
 *                                            \-> candles, nbbo -> outlet -> bus
 *
 * One loop, one thread. Rounds of writing end a burst: before the loop sleeps, what changed is sent, at most once per
 * --interval. `aggregator` is the daemon's whole state; main.c owns it.
 */
#ifndef TICKWIRE_AGGREGATOR_PIPELINE_H
#define TICKWIRE_AGGREGATOR_PIPELINE_H

#include <stdbool.h>
#include <uv.h>

#include "base/error.h"
#include "publisher/aggregator/candles.h"
#include "publisher/aggregator/exchange_zone.h"
#include "publisher/aggregator/intake.h"
#include "publisher/aggregator/last_value.h"
#include "publisher/aggregator/last_writer.h"
#include "publisher/aggregator/nbbo.h"
#include "publisher/aggregator/outlet.h"
#include "publisher/aggregator/settings.h"
#include "runtime/bus.h"
#include "runtime/bus_refusals.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/redis.h"

/* Numbers that only metrics read; refreshed before each rendering. */
typedef struct aggregator_observed {
    last_stats values;
    last_writer_stats writer;
    intake_stats intake;
    candles_stats candles;
    nbbo_stats nbbo;
    outlet_stats outlet;
    bus_stats bus;
    redis_stats redis;
    int64_t symbols, in_doubt, waiting, oldest_ns, under_way, outstanding, redis_state, bus_connected;
    int64_t feeds, feeds_ok, feeds_unsynced;
    int64_t candles_held, candles_waiting, nbbo_symbols, nbbo_waiting;
} aggregator_observed;

typedef struct aggregator {
    aggregator_settings settings;
    uv_loop_t loop;
    rt_log *log;
    metrics *metrics;
    metrics_server *metrics_server;
    bus *bus;
    bus_refusals refusals;
    redis *redis;
    last_values *values;
    last_writer *writer;
    intake *intake;
    exchange_zones *zones;
    candles *candles; /* NULL: not wanted */
    nbbo *nbbo;       /* likewise */
    outlet *outlet;

    uv_timer_t tick_timer;
    uv_timer_t round_timer;
    uv_timer_t more_timer;
    uv_prepare_t before_sleep;
    uv_signal_t signals[2];
    int64_t round_ns; /* when the last round was */
    bool stopping;
    aggregator_observed observed;
    rt_log_site trouble_sites[REDIS_TROUBLES], away_site;
} aggregator;

/* Builds everything from `settings` and connects to the bus; Redis may be away. On failure the chain says why; then and
 * after the loop has run, aggregator_close frees what there is. */
tw_code aggregator_open(aggregator *aggregator, tw_error *error);
void aggregator_close(aggregator *aggregator);
/* Runs until a signal. Returns the process's exit code. */
int aggregator_run(aggregator *aggregator);

/* observe.c */
tw_code observe_open(aggregator *aggregator, tw_error *error);
void observe_close(aggregator *aggregator);

#endif
