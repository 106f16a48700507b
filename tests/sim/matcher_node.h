/*
 * A matcher of the simulation: the product's daemon (matcher/ but for main.c), opened and closed as its main does, on a loop that the
 * simulated world turns. Nothing of it is a model.
 */
#ifndef TICKWIRE_TESTS_SIM_MATCHER_NODE_H
#define TICKWIRE_TESTS_SIM_MATCHER_NODE_H

#include "matcher/pipeline.h"
#include "tests/sim/disk.h"
#include "tests/sim/fake.h"

typedef struct matcher_node {
    server_host host;
    world_process process;
    uint32_t shard;
    disk disk;
    server_stream *orders;
    uint64_t newest_whole; /* snapshot that there was when it was started; 0: none */
    bool running;          /* since then */
    fake_mutation mutation;
    bool trace, mutated;
    char fault[MATCHER_REASON_BYTES + 32]; /* why it halted: it must never */
    settings *owner;
    matcher daemon;
} matcher_node;

mr_options node_replica_options(uint32_t shard); /* as the daemon's here */

void node_init(matcher_node *node, server *server, const char *name, uint32_t shard, fake_mutation mutation,
               bool trace);
void node_fini(matcher_node *node);
void node_start(matcher_node *node);
void node_kill(matcher_node *node);      /* as kill -9: nothing that it says while it is taken apart leaves */
void node_power_off(matcher_node *node); /* likewise, and what its disk had not synced is lost */
bool node_serves(const matcher_node *node);
server_stream *node_snapshots(const matcher_node *node); /* NULL: not made yet */
void node_give_money(matcher_node *node);                /* to somebody, on purpose */
void node_hand_over(matcher_node *node);
uint64_t node_seq(const matcher_node *node);
uint64_t node_journaled(const matcher_node *node);
void node_tell(const matcher_node *node); /* its state, where the world is asked to tell */

/* Replicas have the state that the order stream makes from its beginning. */
bool check_replicas(const server_stream *orders, matcher_node *const *nodes, size_t count, tw_error *error);

#endif
