/*
 * The settings of tickwire serve-feed: the one table, and what a person's words become.
 *
 * serve_plan_make opens nothing and asks the network nothing: what it accepts may still not be there.
 */
#ifndef TICKWIRE_TOOLS_SERVE_SERVE_SETTINGS_H
#define TICKWIRE_TOOLS_SERVE_SERVE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/line/faults.h"
#include "ingest/source/location.h"
#include "ingest/source/pace.h"
#include "runtime/settings.h"
#include "tools/serve/fault_text.h"
#include "tools/serve/soup_login.h"

#define SERVE_MAX_PACKET_BYTES 65507u

typedef struct serve_settings {
    const char *source, *to, *to_b, *requests, *soup, *glimpse, *user, *password, *session, *pace;
    bool simulate;
    uint64_t seed, symbols, messages, rate, packet_bytes, fault_seed, soup_cut;
    uint64_t max_clients, max_instruments, max_orders, max_levels;
    int64_t heartbeat_ns, wait_ns, linger_ns, client_stall_ns;
    const char *faults[FAULT_KINDS];
} serve_settings;

extern const settings_program serve_program;

/* The settings, read. What is not asked for is false or 0. */
typedef struct serve_plan {
    location source; /* unless simulated */
    uint32_t line_count;
    location to[FAULT_LINES];
    faults_options faults[FAULT_LINES];
    bool has_requests, has_soup, has_glimpse;
    location requests, soup, glimpse; /* port 0: any free one */
    soup_credentials credentials;
    bool by_stamps; /* the pace, not the rate */
    pace pace;
} serve_plan;

/* TW_INVALID names the setting, what is wrong with it and what would do. */
tw_code serve_plan_make(const serve_settings *s, serve_plan *plan, tw_error *error);

#endif
