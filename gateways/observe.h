/* What an operator sees of the gateway: /metrics, on a port of its own (--metrics) or beside the data. */
#ifndef TICKWIRE_GATEWAYS_OBSERVE_H
#define TICKWIRE_GATEWAYS_OBSERVE_H

#include "client/tickwire.h"
#include "gateways/ask.h"
#include "gateways/doorman.h"
#include "gateways/last_store.h"
#include "gateways/order_desk.h"
#include "gateways/socket.h"
#include "gateways/source.h"
#include "gateways/stream/stream.h"
#include "gateways/usage.h"
#include "runtime/metrics.h"

typedef struct gateway gateway;

/* Copies of numbers kept elsewhere, refreshed before each rendering. */
typedef struct observed {
    metrics *metrics;
    metrics_server *server; /* NULL: they are on the gateway's own port */
    stream_stats stream;
    socket_stats socket;
    source_state source;
    tickwire_stats client;
    doorman_stats auth;
    last_store_stats last_store;
    asker_stats questions;
    usage_stats usage;
    order_desk_stats orders;
    int64_t clients, groups, instruments, subscriptions, kept_bytes;
    int64_t connections, websockets, event_streams, questions_under_way;
    int64_t sessions_known, sessions_anonymous, users, keys, files_failed, provider_state, keys_age_s;
    int64_t feeds, feeds_silent, feeds_not_ok, bus_subscriptions, books, books_not_ok, redis_state;
    int64_t orders_waiting, orders_under_way, orders_sessions, orders_followers, orders_accounts, orders_chases,
        orders_catch_ups;
    int64_t orders_instruments, orders_shards, orders_directory_known, orders_bus, orders_redis_state;
    uint64_t bus_refusals;
    int64_t bus_refused;
    int64_t usage_lines_open, usage_lines_waiting, usage_bytes_unpublished, usage_file_good;
} observed;

/* TW_IO names the address of --metrics. */
tw_code observe_open(gateway *self, tw_error *error);
void observe_stop(gateway *self); /* serves no more; run the loop, then observe_close */
void observe_close(gateway *self);
/* Do operators have a port of their own? Then the clients' has neither metrics nor details. */
bool observe_is_apart(const gateway *self);
/* What the bus refuses each of the gateway's connections, so many lists; NULL of them: there is no such connection. */
#define OBSERVE_CONNECTIONS 3
void observe_refusals(const gateway *self, const bus_refusals *lists[OBSERVE_CONNECTIONS]);
/* As metrics_render. */
size_t observe_render(gateway *self, char *text, size_t capacity);

#endif
