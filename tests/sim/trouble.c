/* What goes wrong in a scene, and when: the seed's. */
#include "tests/sim/scene_inside.h"

/* Mostly short, some long, none so long that nothing could come to rest afterwards. */
static int64_t lasts(scene *s, int64_t usual_ns) {
    int64_t ns = world_delay(s->world, usual_ns);
    return ns < 15 * WORLD_SECOND ? ns : 15 * WORLD_SECOND;
}

static void start_matcher(void *context, void *data, size_t length) {
    matcher_node *node = context;
    (void)data, (void)length;
    if (!node->process.alive) node_start(node);
}

static void start_client(void *context, void *data, size_t length) {
    traffic_client *client = context;
    (void)data, (void)length;
    if (!client->process.alive) traffic_start(client);
}

static void start_gateway(void *context, void *data, size_t length) {
    gateway_node *gateway = context;
    (void)data, (void)length;
    if (!gateway->process.alive) gateway_start(gateway);
}

void trouble_start_matcher(scene *s, matcher_node *node, int64_t after_ns) {
    world_after(s->world, NULL, after_ns, start_matcher, node);
}

static matcher_node *one_matcher(scene *s) {
    scene_shard *shard = &s->shards[world_between(s->world, 0, s->shard_count - 1)];
    matcher_node *leader = NULL;
    for (size_t i = 0; i < MATCHERS; i++)
        if (node_serves(&shard->matchers[i])) leader = &shard->matchers[i];
    if (leader != NULL && world_odds(s->world, 2, 3)) return leader;
    return &shard->matchers[world_between(s->world, 0, MATCHERS - 1)];
}

static traffic_client *one_client(scene *s) {
    int64_t which = world_between(s->world, 0, CLIENTS);
    return which == CLIENTS ? &s->operator: & s->clients[which];
}

static void kill_matcher(scene *s, matcher_node *node) {
    if (!node->process.alive) return;
    s->result->kills++;
    node_kill(node);
    trouble_start_matcher(s, node, world_between(s->world, 0, 3 * WORLD_SECOND));
}

static void no_power(scene *s, matcher_node *node) {
    if (!node->process.alive) return;
    s->result->powers++;
    node_power_off(node);
    if (world_odds(s->world, 1, 10)) disk_wipe(&node->disk);
    trouble_start_matcher(s, node, world_between(s->world, 0, 3 * WORLD_SECOND));
}

/* Waits until the matcher writes a file, and ends it, or its machine, right then. */
typedef struct ambush {
    scene *scene;
    matcher_node *node;
    uint32_t looks;
} ambush;

static void lie_in_wait(void *context, void *data, size_t length) {
    ambush a = *(ambush *)data;
    scene *s = a.scene;
    (void)context;
    if (s->over || !a.node->process.alive || a.looks++ == 300) return;
    if (!a.node->disk.working) {
        world_at(s->world, NULL, world_now(s->world) + 2 * WORLD_MILLISECOND, lie_in_wait, NULL, &a, length);
    } else if (world_odds(s->world, 1, 3)) {
        no_power(s, a.node);
    } else {
        kill_matcher(s, a.node);
    }
}

static void ambush_one(scene *s) {
    scene_shard *shard = &s->shards[world_between(s->world, 0, s->shard_count - 1)];
    ambush a = {s, &shard->matchers[world_between(s->world, 0, MATCHERS - 1)], 0};
    world_at(s->world, NULL, world_now(s->world), lie_in_wait, NULL, &a, sizeof a);
}

/* Full, or failing now and then; or a bit of a file flips, or the stream loses a part of a snapshot. */
static void trouble_disk(scene *s, matcher_node *node) {
    int64_t until_ns = world_now(s->world) + lasts(s, WORLD_SECOND);
    s->result->disks++;
    if (world_odds(s->world, 1, 2))
        node->disk.full_until_ns = until_ns;
    else
        node->disk.sick_until_ns = until_ns;
    world_tell(s->world, "the disk of %s is %s", node->process.name,
               node->disk.full_until_ns == until_ns ? "full" : "failing");
}

static void harm_snapshot(scene *s, matcher_node *node) {
    server_stream *stream = node_snapshots(node);
    if (world_odds(s->world, 1, 2)) {
        s->result->harms += disk_flip_bit(&node->disk);
    } else if (stream != NULL && stream->last_seq > 0) {
        uint64_t back = (uint64_t)world_between(s->world, 0, 12);
        if (back >= stream->last_seq) return;
        server_delete(stream, stream->last_seq - back);
        s->result->harms++;
        world_tell(s->world, "%s loses message %llu", stream->name, (unsigned long long)(stream->last_seq - back));
    }
}

static void kill_client(scene *s, traffic_client *client) {
    if (!client->process.alive) return;
    s->result->kills++;
    traffic_kill(client);
    world_after(s->world, NULL, world_between(s->world, 0, 2 * WORLD_SECOND), start_client, client);
}

static void freeze(scene *s, world_process *process) {
    if (!process->alive || process->frozen_until_ns > world_now(s->world)) return;
    s->result->freezes++;
    world_freeze_process(s->world, process, lasts(s, 400 * WORLD_MILLISECOND));
}

static void turn_clock(scene *s, world_process *process) {
    int64_t by_ns = world_between(s->world, -3 * WORLD_SECOND, 3 * WORLD_SECOND);
    s->result->jumps++;
    if (process == NULL)
        server_turn_clock(s->server, by_ns);
    else
        process->clock_ahead_ns += by_ns;
    world_tell(s->world, "the clock of %s jumps by %lld ms", process == NULL ? "the server" : process->name,
               (long long)(by_ns / WORLD_MILLISECOND));
}

static void break_connection(scene *s, bus *connection) {
    s->result->breaks++;
    server_break(connection, lasts(s, 200 * WORLD_MILLISECOND));
}

/* Killed, or frozen, or cut off, or without the Redis that counts. */
static void trouble_gateway(scene *s) {
    gateway_node *g = &s->gateway;
    if (!g->process.alive) return;
    switch (world_between(s->world, 0, 3)) {
    case 0:
        s->result->kills++;
        gateway_kill(g);
        world_after(s->world, NULL, world_between(s->world, 0, 2 * WORLD_SECOND), start_gateway, g);
        break;
    case 1:
        freeze(s, &g->process);
        break;
    case 2:
        s->server->redis_away_until_ns = world_now(s->world) + lasts(s, 500 * WORLD_MILLISECOND);
        world_tell(s->world, "Redis is away");
        break;
    default:
        s->result->breaks++;
        gateway_break(g, lasts(s, 200 * WORLD_MILLISECOND));
        break;
    }
}

static void go_wrong(scene *s, uint32_t what) {
    matcher_node *node = one_matcher(s);
    traffic_client *client = one_client(s);
    switch (what) {
    case 0:
        kill_matcher(s, node);
        break;
    case 1:
        kill_client(s, client);
        break;
    case 2:
        freeze(s, world_odds(s->world, 3, 4) ? &node->process : &client->process);
        break;
    case 3:
        if (node->process.alive && client->process.alive)
            break_connection(s, world_odds(s->world, 2, 3) ? node->daemon.bus : client->bus);
        break;
    case 4:
        s->result->elections++;
        server_elect(s->server, lasts(s, WORLD_SECOND));
        break;
    case 5:
        s->result->restarts++;
        server_restart(s->server, lasts(s, 300 * WORLD_MILLISECOND));
        break;
    case 6:
        turn_clock(s, world_odds(s->world, 1, 2) ? NULL : &node->process);
        break;
    case 7:
        trouble_gateway(s);
        break;
    case 8:
        no_power(s, node);
        break;
    case 9:
        trouble_disk(s, node);
        break;
    case 10:
        harm_snapshot(s, node);
        break;
    case 11:
        ambush_one(s);
        break;
    default:
        if (!node_serves(node)) break;
        s->result->handovers++;
        node_hand_over(node);
        break;
    }
}

static void chaos(void *context, void *data, size_t length) {
    scene *s = context;
    (void)data, (void)length;
    if (s->over) return;
    uint32_t sum = 0, what = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        sum += s->weights[i];
    uint64_t dice = tw_random_below(world_chance(s->world), sum);
    while (dice >= s->weights[what])
        dice -= s->weights[what++];
    go_wrong(s, what);
    world_after(s->world, NULL, world_delay(s->world, s->usual_ns), chaos, s);
}

void trouble_begin(scene *s) {
    world_after(s->world, NULL, s->usual_ns, chaos, s);
}
