/*
 * A gateway of the simulation, and its clients. The cores are the product's (gateways/orders: batcher, sessions, follow); the doors here do
 * what order_desk.c and order_follows.c do with them, without browsers, tokens and Redis.
 *
 * The clients outlive it: each keeps the orders it has sent, sends those again that it was not told are in the stream, comes back
 * to a new gateway with the last report it had, and writes down every report it was given.
 */
#ifndef TICKWIRE_TESTS_SIM_GATEWAY_NODE_H
#define TICKWIRE_TESTS_SIM_GATEWAY_NODE_H

#include "gateways/orders/batcher.h"
#include "gateways/orders/follow.h"
#include "gateways/orders/sessions.h"
#include "tests/sim/checks.h"

enum { GATEWAY_CLIENTS = 3, GATEWAY_ORDERS = 256, GATEWAY_FEEDS = 8, GATEWAY_BATCHES = 64 };

typedef struct gateway_order {
    wire_order_command command;
    bool under_way, acknowledged, on_disconnect;
    uint64_t seq; /* where the first acknowledgement said that it is */
    uint32_t index;
    int64_t retry_ns;
} gateway_order;

typedef struct gateway_client {
    struct gateway_node *gateway;
    char account[WIRE_ACCOUNT_BYTES];
    gateway_order orders[GATEWAY_ORDERS];
    uint32_t count;
    wire_report *told; /* what it was given, in this order */
    size_t told_count, told_room;
    follow_position lost[64]; /* it was told that some after these may be missing */
    uint32_t lost_count;
    bool begins_late; /* the venue keeps only newer ones than the account's first: so it may be given none */
    char wrong[128];  /* what it was told that can't be */
} gateway_client;

typedef struct gateway_node {
    server_host host;
    world_process process;
    uv_loop_t loop;
    gateway_client clients[GATEWAY_CLIENTS];
    bool quiet;
    uint64_t sessions_made;

    /* of one life */
    bus *bus;
    bus_writer *writer;
    ticker *ticker;
    batcher *batcher;
    order_sessions *sessions;
    follow_table *follow;
    bus_subscription *feeds[GATEWAY_FEEDS];
    struct gateway_feed *feed_contexts[GATEWAY_FEEDS];
    uint64_t ticks, asked, answered;
} gateway_node;

void gateway_init(gateway_node *gateway, server *server);
void gateway_fini(gateway_node *gateway);
void gateway_start(gateway_node *gateway);
void gateway_kill(gateway_node *gateway);

/* All sent orders are acknowledged, and each client has been given the last report of its account. NULL, or what is missing. */
const char *gateway_not_at_rest(const gateway_node *gateway, const server_stream *execlog);
/* What clients were told of their orders is in the stream, and what they were given is execlog, each report once and in order. */
bool gateway_check(const gateway_node *gateway, const server_stream *orders, const server_stream *execlog,
                   checks_counts *counts, tw_error *error);

#endif
