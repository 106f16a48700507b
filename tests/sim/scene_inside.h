/* Private to scene.c and trouble.c: who is there. */
#ifndef TICKWIRE_TESTS_SIM_SCENE_INSIDE_H
#define TICKWIRE_TESTS_SIM_SCENE_INSIDE_H

#include "tests/sim/gateway_node.h"
#include "tests/sim/matcher_node.h"
#include "tests/sim/scene.h"
#include "tests/sim/traffic.h"

enum { CLIENTS = 4, MATCHERS = 2, FAULT_KINDS = 13 };

typedef struct scene_shard {
    matcher_node matchers[MATCHERS];
    server_stream *orders, *execlog;
    execlog_list log; /* as it was when it was last looked at */
} scene_shard;

typedef struct scene {
    world *world;
    server *server;
    fake_mutation mutation;
    uint32_t shard_count;
    scene_shard shards[SIM_SHARDS];
    traffic_client clients[CLIENTS], operator;
    gateway_node gateway;
    traffic_ears ears;
    uint32_t weights[FAULT_KINDS]; /* how often what goes wrong, of the seed */
    int64_t usual_ns;              /* between two faults */
    bool over;
    scene_result *result;
} scene;

/* One thing goes wrong now, and others later, until the scene is over. */
void trouble_begin(scene *scene);
/* Starts the matcher after a while, unless it runs by then. */
void trouble_start_matcher(scene *scene, matcher_node *node, int64_t after_ns);

#endif
