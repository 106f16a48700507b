/* What an operator can set of tickwire-aggregator. One table (settings.c) fills this struct. */
#ifndef TICKWIRE_AGGREGATOR_SETTINGS_H
#define TICKWIRE_AGGREGATOR_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/settings.h"
#include "runtime/watch.h"

typedef struct aggregator_settings {
    const char *nats;
    const char *credentials;
    const char *exchange; /* "*", or MICs separated by commas */
    const char *apart;
    int64_t feed_silence_ns;
    uint64_t max_symbols;

    bool candles, nbbo;
    int64_t partial_ns, grace_ns, refresh_ns, nbbo_refresh_ns;
    uint64_t history, max_candles, kept_prints;
    const char *zones; /* "MIC=Zone,..." */

    const char *redis; /* with its secrets: never logged */
    int64_t redis_timeout_ns;
    int64_t expiry_ns;
    int64_t interval_ns;
    uint64_t max_outstanding; /* rows */

    rt_watch_settings watch;
} aggregator_settings;

extern const settings_program aggregator_program;

#endif
