/* The settings of tickwire-gateway: one table in settings.c, one struct here. */
#ifndef TICKWIRE_GATEWAYS_SETTINGS_H
#define TICKWIRE_GATEWAYS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "runtime/settings.h"
#include "runtime/watch.h"

typedef struct gateway_settings {
    const char *nats, *credentials;
    int64_t bus_wait_ns;
    int64_t feed_silence_ns;

    const char *redis;
    int64_t redis_deadline_ns;

    const char *venue, *anonymous_accounts;
    uint64_t venue_shards, order_rate, most_order_rate, order_requests_per_second;
    uint64_t order_queue, order_batch, order_batches;
    int64_t order_timeout_ns, order_gather_ns, order_limits_deadline_ns, session_timeout_ns, reports_back_ns;

    const char *address;
    int64_t port;
    bool share_port;
    const char *tls_certificate, *tls_key;
    const char *origins;
    const char *anonymous;
    const char *auth_keys, *auth_secret, *auth_jwks, *auth_issuer, *auth_audience, *auth_authorities;
    const char *auth_cookie, *auth_subjects_claim;
    int64_t auth_leeway_ns, auth_timeout_ns, auth_check_ns;
    int64_t auth_refresh_ns, auth_unknown_ns, auth_kept_ns, auth_fetch_ns;
    uint64_t auth_sessions, most_sessions, most_subscriptions, most_requests_per_second, most_client_bytes;
    const char *dashboard;

    const char *name;
    const char *usage;
    bool usage_publish;
    int64_t usage_period_ns;
    uint64_t usage_lines, usage_bytes;

    uint64_t max_clients, max_clients_per_address, max_instruments, max_subscriptions, max_groups, max_members;
    uint64_t client_bytes, request_bytes, requests_per_second, header_bytes;
    uint64_t frames_kept, kept_bytes;
    uint64_t send_buffer, unsent_low_water;
    bool compression;
    int64_t linger_ns, heartbeat_ns, silence_ns, handshake_ns;
    int64_t goodbye_ns, reconnect_earliest_ns, reconnect_latest_ns;

    rt_watch_settings watch;
} gateway_settings;

extern const settings_program gateway_program;

/* What each setting by itself allows, and others do not. TW_INVALID names both, their values and what would do. */
tw_code gateway_settings_check(const gateway_settings *settings, tw_error *error);

#endif
