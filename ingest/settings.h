/* What an operator can set of tickwire-ingest. One table (settings.c) fills this struct. */
#ifndef TICKWIRE_INGEST_SETTINGS_H
#define TICKWIRE_INGEST_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/settings.h"
#include "runtime/watch.h"

typedef struct ingest_settings {
    const char *source;
    const char *source_b; /* "": one line only */
    const char *feed;     /* "itch50" or "lobster" */
    const char *exchange;
    uint64_t partition;
    uint64_t partitions;
    const char *session_date; /* "" : by the calendar */
    const char *calendar;     /* "" : the built-in one */
    const char *pace;
    int64_t start_after_ns;
    bool exit_at_end;

    const char *nats;
    const char *credentials;
    uint64_t high_water;
    uint64_t term; /* 0: by the lease; without one milliseconds since 1970 at start */
    bool standby;
    bool depose;
    const char *lease_bucket;
    uint64_t lease_replicas;
    int64_t lease_timeout_ns;

    uint64_t depth;
    bool tier_100ms;
    bool tier_1s;
    bool orders;
    uint64_t burst;
    uint64_t burst_min;
    uint64_t snapshot_rate;
    uint64_t max_requests;
    uint64_t max_prints;

    uint64_t max_instruments;
    uint64_t max_orders;
    uint64_t max_levels;

    int64_t reorder_window_ns;
    int64_t gap_deadline_ns;
    const char *recovery; /* "": gaps are only waited for */
    int64_t recovery_backoff_ns;
    uint64_t recovery_max_messages;
    uint64_t hold_packets;
    int64_t silence_ns;
    uint64_t receive_buffer;
    uint64_t receive_buffer_max;
    bool busy_poll;

    const char *glimpse; /* "": what is lost stays lost until the next session */
    uint64_t glimpse_hold;
    int64_t glimpse_timeout_ns;
    int64_t glimpse_backoff_ns;
    const char *soup_version; /* "3.00" or "4.00" */
    int64_t link_timeout_ns;
    int64_t login_retry_ns;

    rt_watch_settings watch;
} ingest_settings;

extern const settings_program ingest_program;

#endif
