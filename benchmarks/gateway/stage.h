/*
 * What a benchmark of gateways stands on: one nats-server with its own WebSocket listener, one publisher, one or two
 * gateways, some processes with clients. And trials: a rate for some seconds, and what came of it.
 *
 * Everybody gets the same messages from the same publisher over the same server; only who stands between the server and
 * the clients is another: a gateway, or the server's own listener.
 */
#ifndef TICKWIRE_BENCHMARKS_GATEWAY_STAGE_H
#define TICKWIRE_BENCHMARKS_GATEWAY_STAGE_H

#include "benchmarks/gateway/board.h"
#include "benchmarks/harness.h"

enum { STAGE_GATEWAYS = 2, STAGE_CROWDS = 4 };
#define STAGE_QUIET_CORES 0.3 /* busy with something else: beyond it a trial was disturbed */

/* A process of clients. */
typedef struct stage_crowd {
    child process;
    load_board *board;
    uint32_t clients;
} stage_crowd;

typedef struct stage {
    harness *harness;
    uint16_t nats_websocket_port;
    child publisher;
    uint32_t symbols;
    child gateways[STAGE_GATEWAYS];
    uint32_t gateway_count;
    uint16_t gateway_port;
    stage_crowd crowds[STAGE_CROWDS];
    uint32_t crowd_count, clients, each;
    child taker;
} stage;

/* The server's configuration for harness_open_with; `stage` remembers the port. */
void stage_configure_server(stage *stage, char *text, size_t capacity);

void stage_start_publisher(stage *stage, uint32_t symbols); /* its books are there: each had an update */
void stage_stop_publisher(stage *stage);

/* `settings`, ended by NULL, go behind those of the stage. With `share` any number may share the port. */
void stage_start_gateway(stage *stage, const char *const *settings, bool share);
void stage_stop_gateways(stage *stage);

/* `who`: protobuf, json (of the gateway) or nats. Returns when all are subscribed and have their snapshots, the ms that
 * the slowest process of clients needed for connecting and subscribing. */
double stage_start_clients(stage *stage, const char *who, uint32_t clients, uint32_t crowds, uint32_t each,
                           const char *const *settings);
void stage_stop_clients(stage *stage);

/* Who takes everything off the bus in place of a gateway, and does nothing with it. */
void stage_start_taker(stage *stage);
void stage_stop_taker(stage *stage);

typedef struct trial {
    double rate;      /* of updates published, planned */
    double published; /* a second, as it came out */
    double due, delivered,
        merged; /* to clients: what was published times its readers; of it what came alone, and within another */
    double delivered_per_s;
    double p50_ms, p99_ms; /* from due time to the client */
    uint32_t clients;      /* that counted */
    double payload_bytes, bytes_per_update, updates_per_read;
    double late_p99_us;                                        /* of the publisher */
    double gateway_cpu, server_cpu, client_cpu, publisher_cpu; /* cores */
    double wall_s, count;                                      /* how long that was, and updates published */
    double others_cpu;                                         /* cores that were busy with something else */
    double serving_cpu_us;                                     /* of gateways and server, per update delivered */
    double load;                                               /* of the machine, a minute's average */
    uint64_t faults, closed;
} trial;

/* Waits until others leave the machine alone, at most `seconds`. */
void stage_await_quiet(stage *stage, double seconds);
/* Publishes for `seconds`, waits until nothing more comes. */
trial stage_try(stage *stage, double rate, double seconds);

#endif
