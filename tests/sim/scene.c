/*
 * A scene: two matchers, clients, an operator, ears. For some seconds of simulated time things go wrong, which ones is the seed's; then all
 * that is broken is mended, nothing new is sent, and everything must come to rest and be right.
 */
#include "tests/sim/scene.h"

#include <inttypes.h>
#include <string.h>

#include "base/crc32c.h"
#include "tests/sim/gateway_node.h"
#include "tests/sim/traffic.h"

enum { CLIENTS = 4, MATCHERS = 2, FAULT_KINDS = 13 };

typedef struct scene {
    world *world;
    server *server;
    matcher_node matchers[MATCHERS];
    traffic_client clients[CLIENTS], operator;
    gateway_node gateway;
    traffic_ears ears;
    server_stream *orders, *execlog;
    uint32_t weights[FAULT_KINDS]; /* how often what goes wrong, of the seed */
    int64_t usual_ns;              /* between two faults */
    bool over;
    scene_result *result;
} scene;

/* ---- faults ---- */

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

static matcher_node *one_matcher(scene *s) {
    matcher_node *leader = NULL;
    for (size_t i = 0; i < MATCHERS; i++)
        if (node_serves(&s->matchers[i])) leader = &s->matchers[i];
    if (leader != NULL && world_odds(s->world, 2, 3)) return leader;
    return &s->matchers[world_between(s->world, 0, MATCHERS - 1)];
}

static traffic_client *one_client(scene *s) {
    int64_t which = world_between(s->world, 0, CLIENTS);
    return which == CLIENTS ? &s->operator: & s->clients[which];
}

static void kill_matcher(scene *s, matcher_node *node) {
    if (!node->process.alive) return;
    s->result->kills++;
    node_kill(node);
    world_after(s->world, NULL, world_between(s->world, 0, 3 * WORLD_SECOND), start_matcher, node);
}

static void no_power(scene *s, matcher_node *node) {
    if (!node->process.alive) return;
    s->result->powers++;
    node_power_off(node);
    if (world_odds(s->world, 1, 10)) disk_wipe(&node->disk);
    world_after(s->world, NULL, world_between(s->world, 0, 3 * WORLD_SECOND), start_matcher, node);
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
    ambush a = {s, &s->matchers[world_between(s->world, 0, MATCHERS - 1)], 0};
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
    server_stream *stream = server_find_stream(s->server, SIM_SNAPSHOTS);
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
        s->server->clock_ahead_ns += by_ns;
    else
        process->clock_ahead_ns += by_ns;
    world_tell(s->world, "the clock of %s jumps by %lld ms", process == NULL ? "the server" : process->name,
               (long long)(by_ns / WORLD_MILLISECOND));
}

static void break_connection(scene *s, bus *connection) {
    s->result->breaks++;
    server_break(connection, lasts(s, 200 * WORLD_MILLISECOND));
}

/* Killed, or frozen, or cut off. */
static void trouble_gateway(scene *s) {
    gateway_node *g = &s->gateway;
    if (!g->process.alive) return;
    switch (world_between(s->world, 0, 2)) {
    case 0:
        s->result->kills++;
        gateway_kill(g);
        world_after(s->world, NULL, world_between(s->world, 0, 2 * WORLD_SECOND), start_gateway, g);
        break;
    case 1:
        freeze(s, &g->process);
        break;
    default:
        break_connection(s, g->bus);
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

/* Each seed has some kinds of faults and not others: so that one kind can't hide what another would show. */
static server_faults choose_faults(scene *s, world *w) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        sum += s->weights[i] = world_odds(w, 1, 2) ? (uint32_t)world_between(w, 1, 5) : 0;
    if (sum == 0) s->weights[0] = 1;
    s->usual_ns = world_between(w, 100 * WORLD_MILLISECOND, 1500 * WORLD_MILLISECOND);
    server_faults faults = {0};
    if (world_odds(w, 1, 2)) faults.lost_acks = (uint32_t)world_between(w, 1, 80);
    if (world_odds(w, 1, 3)) faults.lost_core = (uint32_t)world_between(w, 1, 40);
    if (world_odds(w, 1, 3)) faults.lost_claims = (uint32_t)world_between(w, 1, 300);
    if (world_odds(w, 1, 3)) faults.doubled = (uint32_t)world_between(w, 1, 50);
    return faults;
}

/* ---- from beginning to end ---- */

static void begin(scene *s, const scene_options *options) {
    static const char *const orders[] = {"orders.TWEX.1.>", "orderbatch.TWEX.1", "control.TWEX.1"};
    static const char *const journal[] = {"execlog.TWEX.1"};
    static const char *const names[] = {"left", "right", "client-1", "client-2", "client-3", "client-4"};
    s->world = world_alloc(options->seed, options->trace);
    server_faults faults = choose_faults(s, s->world);
    s->server = server_alloc(s->world, &faults);
    s->orders = server_make_stream(s->server, SIM_ORDERS, orders, 3);
    s->execlog = server_make_stream(s->server, SIM_EXECLOG, journal, 1);
    ears_start(&s->ears, s->server);
    bool flood = options->seed % 40 == 0; /* so much that backlogs fill; every other time before anybody reads it */
    int64_t closed_ns = options->seed % 80 == 0 ? 4 * WORLD_SECOND : 0;
    for (size_t i = 0; i < MATCHERS; i++) {
        node_init(&s->matchers[i], s->server, names[i], 1, options->mutation, options->trace);
        world_after(s->world, NULL, closed_ns + world_between(s->world, 0, WORLD_SECOND), start_matcher,
                    &s->matchers[i]);
    }
    gateway_init(&s->gateway, s->server);
    gateway_start(&s->gateway);
    traffic_init_operator(&s->operator, s->server);
    traffic_start(&s->operator);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (i == CLIENTS - 1 && flood)
            traffic_init_flood(&s->clients[i], s->server);
        else
            traffic_init(&s->clients[i], s->server, names[MATCHERS + i], traffic_account((uint32_t)i));
        traffic_start(&s->clients[i]);
    }
    world_after(s->world, NULL, s->usual_ns, chaos, s);
}

static void mend(scene *s) {
    s->over = true;
    world_tell(s->world, "nothing goes wrong any more");
    s->server->faults = (server_faults){0};
    s->operator.quiet = true;
    s->gateway.quiet = true;
    if (!s->gateway.process.alive) gateway_start(&s->gateway);
    if (!s->operator.process.alive) traffic_start(&s->operator);
    for (size_t i = 0; i < CLIENTS; i++) {
        s->clients[i].quiet = true;
        if (!s->clients[i].process.alive) traffic_start(&s->clients[i]);
    }
    for (size_t i = 0; i < MATCHERS; i++)
        if (!s->matchers[i].process.alive) node_start(&s->matchers[i]);
}

static const char *fault_of(const scene *s) {
    for (size_t i = 0; i < MATCHERS; i++)
        if (s->matchers[i].fault[0] != '\0') return s->matchers[i].fault;
    return NULL;
}

static const char *not_at_rest(const scene *s) {
    if (!traffic_is_settled(&s->operator)) return "an order of the operator is not acknowledged";
    for (size_t i = 0; i < CLIENTS; i++)
        if (!traffic_is_settled(&s->clients[i])) return "a client's order is not acknowledged";
    for (size_t i = 0; i < MATCHERS; i++) {
        if (node_seq(&s->matchers[i]) != s->orders->last_seq) return "a matcher has not read all orders";
        if (node_journaled(&s->matchers[i]) != s->orders->last_seq)
            return "execlog, or what a matcher knows of it, ends before the order stream does";
    }
    return gateway_not_at_rest(&s->gateway, s->execlog);
}

/* True: at rest. */
static bool run(scene *s) {
    int64_t until = world_now(s->world) + world_between(s->world, 2, 8) * WORLD_SECOND;
    while (world_now(s->world) < until && fault_of(s) == NULL)
        (void)world_run(s->world, world_now(s->world) + 100 * WORLD_MILLISECOND);
    mend(s);
    (void)world_run(s->world, world_now(s->world) + 500 * WORLD_MILLISECOND);
    for (int i = 0; i < 600 && fault_of(s) == NULL && not_at_rest(s) != NULL; i++)
        (void)world_run(s->world, world_now(s->world) + 100 * WORLD_MILLISECOND);
    if (fault_of(s) == NULL && not_at_rest(s) == NULL) { /* a message may still be late */
        (void)world_run(s->world, world_now(s->world) + 12 * WORLD_SECOND);
        for (int i = 0; i < 100 && fault_of(s) == NULL && not_at_rest(s) != NULL; i++)
            (void)world_run(s->world, world_now(s->world) + 100 * WORLD_MILLISECOND);
    }
    for (size_t i = 0; i < MATCHERS; i++)
        node_tell(&s->matchers[i]);
    const char *wrong = fault_of(s);
    if (wrong == NULL && not_at_rest(s) != NULL) wrong = not_at_rest(s);
    if (wrong != NULL) (void)tw_error_set(&s->result->error, TW_INVALID, "%s", wrong);
    return wrong == NULL;
}

static bool check(scene *s) {
    scene_result *r = s->result;
    matcher_node *nodes[MATCHERS] = {&s->matchers[0], &s->matchers[1]};
    if (!check_execlog(s->orders, s->execlog, 1, &r->counts, &r->error)) return false;
    if (!check_acknowledged(s->orders, &s->operator, & r->counts, &r->error)) return false;
    for (size_t i = 0; i < CLIENTS; i++)
        if (!check_acknowledged(s->orders, &s->clients[i], &r->counts, &r->error)) return false;
    if (!gateway_check(&s->gateway, s->orders, s->execlog, &r->counts, &r->error)) return false;
    return check_live(s->execlog, &s->ears, &r->counts, &r->error) &&
           check_histories(s->execlog, &r->counts, &r->error) &&
           check_replicas(s->orders, nodes, MATCHERS, &r->error);
}

static uint64_t fingerprint(const server_stream *stream) {
    uint32_t crc = 0;
    for (uint64_t i = 0; i < stream->last_seq; i++)
        crc = tw_crc32c(crc, stream->messages[i].bytes, stream->messages[i].length);
    return crc;
}

void scene_play(const scene_options *options, scene_result *result) {
    static scene s;
    memset(&s, 0, sizeof s);
    memset(result, 0, sizeof *result);
    s.result = result;
    begin(&s, options);
    result->good = run(&s) && check(&s);
    result->events = world_events(s.world);
    result->fingerprint = fingerprint(s.orders) << 32 | fingerprint(s.execlog);
    for (size_t i = 0; i < MATCHERS; i++)
        node_fini(&s.matchers[i]);
    for (size_t i = 0; i < CLIENTS; i++)
        traffic_fini(&s.clients[i]);
    gateway_fini(&s.gateway);
    traffic_fini(&s.operator);
    ears_fini(&s.ears);
    server_free(s.server);
    world_free(s.world);
}
