/*
 * A matcher of the simulation: the product's replica and leadership, with doors to the simulated server. Its disk outlives it.
 */
#ifndef TICKWIRE_TESTS_SIM_MATCHER_NODE_H
#define TICKWIRE_TESTS_SIM_MATCHER_NODE_H

#include "matcher/lead/lead.h"
#include "matcher/replica/replica.h"
#include "tests/sim/fake.h"

#define SIM_MIC     "TWEX"
#define SIM_SHARD   1u
#define SIM_ORDERS  "TWEX-orders-1"
#define SIM_EXECLOG "TWEX-execlog-1"

enum { NODE_FILES = 3, NODE_MOST_LIVE = 32768 };

/* A snapshot on disk; a process that dies while it writes leaves a part of it. */
typedef struct node_file {
    uint8_t *bytes;
    size_t length, whole_length;
    uint64_t seq;
} node_file;

/* A report that is not known to be in execlog, for the live reports of a new leader. */
typedef struct node_live {
    mx_report report;
    char correlation[WIRE_CORRELATION_BYTES];
} node_live;

/* Things done wrong on purpose, to see whether the checks notice. */
typedef enum node_mutation {
    MUTATION_NONE = 0,
    MUTATION_NO_FENCE,      /* execlog is written without an expectation */
    MUTATION_NO_LEASE,      /* whoever hears nobody leads, without asking the lease */
    MUTATION_RESEND_AT_END, /* a write that is not known to be stored goes to the end of the stream, wherever that is */
    MUTATION_SKIP_UNKNOWN, /* a write that is not known to be stored counts as stored */
    MUTATION_NO_COMPARE,   /* what others wrote is passed over */
    MUTATION_FORGET_IDS,   /* a snapshot that has lost its correlation ids */
    MUTATION_OLD_ORIGIN,   /* a snapshot that says it has read more of execlog than it has */
    MUTATION_WAIT_FOR_END, /* does not lead before it has read all orders, however full its backlog is */
    MUTATION_OWN_CLOCK,    /* the process's own clock instead of the stream's */
    MUTATION_STORED_TWICE, /* an own write that comes by the reader first is counted again when its answer comes */
    MUTATIONS
} node_mutation;

const char *node_mutation_name(node_mutation mutation);

typedef struct matcher_node {
    server *server;
    world_process process;
    server_host host;
    uv_loop_t loop;
    node_mutation mutation;
    node_file files[NODE_FILES]; /* newest first */
    bool saving;
    char fault[512]; /* a replica's, or what can't be: the simulation ends with it */

    /* of one life */
    bus *bus;
    mr_replica *replica;
    bus_reader *orders, *execlog;
    bus_writer *writer;
    bus_lease *lease;
    ticker *ticker;
    bus_subscription *heartbeats, *leases, *probes, *queries;
    char probe_subject[64];
    ml_lead lead;
    uint64_t execlog_last;                  /* the last message that was found or stored */
    uint64_t orders_target, execlog_target; /* where the streams ended when reading began */
    bool writing;
    uint64_t fence;
    uint8_t *written; /* what is on its way, or not known */
    size_t written_length;
    uint64_t wait_behind; /* nothing is written before execlog was read beyond this */
    int64_t heartbeat_ns, query_ns;
    node_live *live;
    size_t live_first, live_last;
    uint64_t next_snapshot_seq;
} matcher_node;

extern const mr_options node_replica_options;

void node_init(matcher_node *node, server *server, const char *name, node_mutation mutation);
void node_fini(matcher_node *node);
void node_start(matcher_node *node);
void node_kill(matcher_node *node);
void node_wipe(matcher_node *node); /* its disk; dead nodes only */
bool node_serves(const matcher_node *node);
void node_tell(const matcher_node *node); /* its state, where the world is asked to tell */
bool node_hand_over(matcher_node *node);

#endif
