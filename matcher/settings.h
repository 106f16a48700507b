/* What an operator can set of tickwire-matcher. One table (settings.c) fills this struct. */
#ifndef TICKWIRE_MATCHER_SETTINGS_H
#define TICKWIRE_MATCHER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/settings.h"
#include "runtime/watch.h"

typedef struct matcher_settings {
    const char *exchange;
    uint64_t shard;
    uint64_t shards;

    const char *nats;
    const char *credentials;
    uint64_t high_water;
    uint64_t replicas; /* 0: as found */
    const char *lease_bucket;
    int64_t lease_timeout_ns;
    int64_t write_timeout_ns;

    uint64_t max_instruments;
    uint64_t max_accounts;
    uint64_t max_positions;
    uint64_t max_orders;
    uint64_t max_pages;
    uint64_t max_client_ids;
    uint64_t max_sessions;
    uint64_t max_reports;
    uint64_t backlog;
    uint64_t input_memory;
    uint64_t recent;
    uint64_t burst;

    uint64_t hash_every;
    int64_t hash_interval_ns;
    const char *on_mismatch;
    int64_t clock_ns;

    const char *snapshots; /* folder, "": none */
    int64_t snapshot_every_ns;
    uint64_t snapshot_keep;
    bool snapshot_stream;
    uint64_t snapshot_stream_bytes;

    uint64_t storage_reserve; /* percent */

    uint64_t depth;
    bool tier_100ms;
    bool tier_1s;
    uint64_t max_prints;
    uint64_t max_requests;
    uint64_t snapshot_rate;

    rt_watch_settings watch;
} matcher_settings;

extern const settings_program matcher_program;

#endif
