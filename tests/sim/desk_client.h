/*
 * A client of a gateway: sends orders as JSON over what stands for its WebSocket, or by HTTP, sends those again that it was not told are in the stream, always
 * with the same client order id and another correlation id; leaves and comes back with the last report it had of each shard; writes down every text it is given.
 */
#ifndef TICKWIRE_TESTS_SIM_DESK_CLIENT_H
#define TICKWIRE_TESTS_SIM_DESK_CLIENT_H

#include "gateways/orders/follow.h"
#include "tests/sim/checks.h"

enum { DESK_ORDERS = 256, DESK_ATTEMPTS = 4000, DESK_TEXT = 2048 };

typedef enum desk_answer {
    DESK_NONE = 0,
    DESK_PENDING,    /* it is in the stream, there */
    DESK_SURELY_NOT, /* it is not, and won't be */
    DESK_PERHAPS,    /* NOT_ACKNOWLEDGED, or the connection ended before an answer */
    DESK_REFUSED     /* likewise surely not, and sending it again is of no use */
} desk_answer;

/* One try of an order, which its correlation id names. */
typedef struct desk_attempt {
    uint32_t order;
    desk_answer answer;
    char correlation_id[WIRE_CORRELATION_BYTES];
} desk_attempt;

typedef struct desk_order {
    wire_order_command command;
    uint32_t shard;    /* of the order id that it names */
    bool names_symbol; /* beside an order id */
    bool on_disconnect;
    bool under_way, settled;
    uint32_t attempt;      /* the last one */
    uint32_t acknowledged; /* attempt + 1; 0: none */
    uint32_t part_count;
    follow_position parts[SIM_SHARDS]; /* where: n is the index */
    int64_t retry_ns;
} desk_order;

/* An execution report as it came. */
typedef struct desk_report {
    follow_position at;
    char *text;
} desk_report;

typedef struct desk_client {
    struct gateway_node *gateway;
    world *world;
    uint32_t number, shards;
    bool http;
    char account[WIRE_ACCOUNT_BYTES];
    desk_order orders[DESK_ORDERS];
    uint32_t count;
    desk_attempt attempts[DESK_ATTEMPTS];
    uint32_t attempt_count;
    desk_report *told;
    size_t told_count, told_room;
    follow_position had[SIM_SHARDS + 1]; /* by shard: the last one told; seq 0: none */
    bool begins_late[SIM_SHARDS + 1]; /* the venue had only newer ones than the account's first when it was asked */
    bool there;                       /* connected */
    int64_t back_ns;
    uint32_t sessions_lost, answers, not_acknowledged, surely_not, refused;
    char wrong[256]; /* what it was told that can't be */
} desk_client;

void desk_client_init(desk_client *client, struct gateway_node *gateway, uint32_t number, const char *account);
void desk_client_fini(desk_client *client);

/* Every few milliseconds, in the gateway's process. */
void desk_client_tick(desk_client *client, bool quiet);
/* The connection has ended: nothing that was asked over it will be answered. `dead`: nor what was asked by HTTP. */
void desk_client_gone(desk_client *client, bool dead);
/* A text for it. */
void desk_client_take_answer(desk_client *client, const char *json, size_t length);
void desk_client_take_report(desk_client *client, const char *json, size_t length);

/* NULL, or what is missing: all orders are settled, and it was given its account's last report of each shard. */
const char *desk_not_at_rest(const desk_client *client, uint32_t shard, const execlog_list *log);

/* What it waits for, where the world is asked to tell. */
void desk_client_tell(const desk_client *client);

/* What it was told of its orders is so: PENDING ones are in the streams. */
bool check_desk_orders(const desk_client *client, server_stream *const *orders, checks_counts *counts,
                       tw_error *error);
/* And those that it was told are surely not in the stream are not in this one. */
bool check_desk_surely_not(const desk_client *clients, uint32_t count, const server_stream *orders,
                           tw_error *error);
/* It was given each report of its account in this shard, once and in order, as execlog has it. */
bool check_desk_reports(const desk_client *client, uint32_t shard, const execlog_list *log, checks_counts *counts,
                        tw_error *error);

#endif
