/*
 * What comes into the venue: clients that send orders to the stream themselves and resend what was not acknowledged with the same client
 * order id, an operator who sets the scene and now and then changes it, and ears that hear all live reports. Each writes down
 * what it was told.
 */
#ifndef TICKWIRE_TESTS_SIM_TRAFFIC_H
#define TICKWIRE_TESTS_SIM_TRAFFIC_H

#include "matcher/core/types.h"
#include "proto/venue.h"
#include "tests/sim/fake.h"

enum { TRAFFIC_MOST_ORDERS = 512, TRAFFIC_ACCOUNTS = 6, TRAFFIC_INSTRUMENTS = 3 };

/* One message to the order stream, and what its sender knows of it. */
typedef struct traffic_order {
    char subject[SUBJECT_BYTES];
    uint8_t *bytes;
    size_t length;
    char client_order_id[WIRE_CLIENT_ID_BYTES];
    uint32_t instrument;
    bool under_way, acknowledged;
    uint64_t seq; /* of the first acknowledgement */
    int64_t retry_ns;
} traffic_order;

typedef struct traffic_client {
    server *server;
    world_process process;
    server_host host;
    uv_loop_t loop;
    char account[WIRE_ACCOUNT_BYTES];
    uint32_t shards;
    bus *bus;
    bus_writer *writer;
    ticker *ticker;
    traffic_order orders[TRAFFIC_MOST_ORDERS]; /* outlive the process, as a client's own records would */
    uint32_t count, settled;                   /* all before `settled` are acknowledged */
    bool quiet;                                /* sends nothing new any more */
    bool operates;
    bool floods;    /* many commands in each message, for all accounts, as a gateway under load does */
    uint32_t scene; /* how much of the opening the operator has sent */
    uint32_t away;  /* the number, from 1, of the instrument that it has said has moved; 0: none */
    bool withholds; /* has not defined the last account, whose orders come all the same */
} traffic_client;

void traffic_init(traffic_client *client, server *server, uint32_t shards, const char *name, const char *account);
void traffic_init_operator(traffic_client *client, server *server, uint32_t shards);
void traffic_init_flood(traffic_client *client, server *server, uint32_t shards);
void traffic_fini(traffic_client *client);
void traffic_start(traffic_client *client);
void traffic_kill(traffic_client *client);
bool traffic_is_settled(const traffic_client *client); /* all that was sent is acknowledged */

/* An order of any kind, near the others' prices. `number` names it. */
void traffic_make_order(world *world, const char *account, uint64_t number, uint32_t recent,
                        uint64_t recent_order_id, wire_order_command *command);
const char *traffic_account(uint32_t index);
const char *traffic_symbol(uint32_t index);
uint32_t traffic_shard(const char *symbol, uint32_t shards); /* where it lives */

/* A live report as it came. */
typedef struct heard_report {
    uint8_t *bytes; /* the whole message */
    size_t length;
} heard_report;

typedef struct traffic_ears {
    server *server;
    world_process process;
    bus *bus;
    bus_subscription *subscription;
    heard_report *heard;
    size_t count, room;
} traffic_ears;

void ears_start(traffic_ears *ears, server *server);
void ears_fini(traffic_ears *ears);

#endif
