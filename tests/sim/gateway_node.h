/*
 * A gateway of the simulation: the product's order entry as it is (gateways/order_*.c but for its HTTP pages, gateways/ask.c, gateways/orders) on a loop that
 * the simulated world turns. What is not real is around it: WebSocket and HTTP (clients call the desk and are given texts), tokens (who a client
 * is is known), Redis.
 *
 * The clients outlive it (desk_client.h). One of the seed's clients sends its orders by HTTP.
 */
#ifndef TICKWIRE_TESTS_SIM_GATEWAY_NODE_H
#define TICKWIRE_TESTS_SIM_GATEWAY_NODE_H

#include "gateways/auth/identity.h"
#include "matcher/core/engine.h"
#include "tests/sim/desk_client.h"

enum { GATEWAY_CLIENTS = 3 };

struct gateway; /* of gateways/pipeline.h, which has names that the matcher has, too */

typedef struct gateway_node {
    server_host host;
    world_process process;
    uint32_t shards;
    desk_client clients[GATEWAY_CLIENTS];
    identity identities[GATEWAY_CLIENTS];
    bool quiet;
    uint64_t from_log; /* reports that its lives up to now read in execlog */

    /* of one life */
    struct gateway *self; /* `owner` of the desk: only what the desk uses of it is there */
    ticker *ticker;
    bool ending; /* what is said now reaches nobody */
    int64_t wakes_ns;
} gateway_node;

void gateway_init(gateway_node *gateway, server *server, uint32_t shards, fake_mutation mutation);
void gateway_fini(gateway_node *gateway);
void gateway_start(gateway_node *gateway);
void gateway_kill(gateway_node *gateway);
void gateway_break(gateway_node *gateway, int64_t for_ns); /* one of its connections, or both */
/* No order is open that belongs to a session of a client that has left or of a gateway that is dead. */
bool gateway_check_sessions(const gateway_node *gateway, uint32_t shard, const mx_engine *engine, tw_error *error);

void gateway_forget_sessions(gateway_node *gateway); /* on purpose */

#endif
