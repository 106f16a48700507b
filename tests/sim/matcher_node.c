/* The daemon in the simulated world: its life, and what is done to it on purpose. */
#include "tests/sim/matcher_node.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/replica/replica_internal.h" /* for what is done wrong on purpose */
#include "tests/sim/traffic.h"

const mr_options node_replica_options = {.exchange = SIM_MIC,
                                         .bounds = {.shard = SIM_SHARD,
                                                    .max_instruments = 8,
                                                    .max_accounts = 16,
                                                    .max_positions = 128,
                                                    .max_orders = 1024,
                                                    .max_pages = 512,
                                                    .max_client_ids = 4096,
                                                    .max_sessions = 512,
                                                    .max_reports = SIM_REPORTS},
                                         .backlog_bytes = 64 << 20};

/* Small, and everything often. */
static const char *const arguments[] = {
    "tickwire-matcher",    "--replicas=3",      "--max-instruments=8",    "--max-accounts=16",
    "--max-positions=128", "--max-orders=1024", "--max-pages=512",        "--max-client-ids=4096",
    "--max-sessions=512",  "--backlog=4Mi",     "--max-reports=48",       "--recent=1Mi",
    "--hash-every=20",     "--max-prints=256",  "--snapshot-every=300ms", "--clock=200ms"};
enum { ARGUMENTS = sizeof arguments / sizeof *arguments };

void node_init(matcher_node *node, server *s, const char *name, fake_mutation mutation, bool trace) {
    *node = (matcher_node){.host = {.server = s}, .mutation = mutation, .trace = trace};
    (void)tw_text_copy(node->process.name, sizeof node->process.name, name);
}

/* Once in each life: what a program with a mistake would have done to itself. */
static void mutate(matcher_node *node) {
    matcher *m = &node->daemon;
    if (node->mutated || m->state != MATCHER_RUNNING) return;
    if (node->mutation == MUTATION_FORGET_IDS && mr_seq(m->replica) > 0)
        correlations_clear(&m->replica->correlations);
    if (node->mutation == MUTATION_OLD_ORIGIN && m->origin.execlog_seq < 10) return;
    if (node->mutation == MUTATION_OLD_ORIGIN) m->origin.execlog_seq++;
    node->mutated = true;
}

static void before_event(void *context) {
    matcher_node *node = context;
    fake_run_as(&node->host);
}

static void after_event(void *context) {
    matcher_node *node = context;
    matcher *m = &node->daemon;
    fake_uv_turn(&m->loop);
    mutate(node);
    if (m->state == MATCHER_HALTED && node->fault[0] == '\0')
        (void)tw_text_format(node->fault, sizeof node->fault, "%s halted: %s", node->process.name, m->halted);
}

static void read_settings(matcher_node *node) {
    tw_error error;
    size_t words = 0;
    char *words_of[ARGUMENTS + 1];
    for (int i = 0; i < ARGUMENTS; i++)
        words_of[i] = (char *)(uintptr_t)arguments[i];
    words_of[ARGUMENTS] = (char *)(uintptr_t)(node->trace ? "--log-level=info" : "--log-level=error");
    settings_outcome outcome = settings_read(&node->owner, &matcher_program, ARGUMENTS + 1, words_of,
                                             &node->daemon.settings, NULL, 0, &words, &error);
    if (outcome != SETTINGS_RUN) world_tell(node->host.server->world, "settings: %s", error.text);
    TW_ASSERT(outcome == SETTINGS_RUN);
}

void node_start(matcher_node *node) {
    tw_error error = {0};
    world *w = node->host.server->world;
    world_start_process(w, &node->process);
    node->process.before = before_event;
    node->process.after = after_event;
    node->process.context = node;
    node->host.process = &node->process;
    node->host.life = node->process.life;
    node->host.mutation = node->mutation;
    node->mutated = false;
    memset(&node->daemon, 0, sizeof node->daemon);
    fake_run_as(&node->host);
    read_settings(node);
    tw_code code = matcher_open(&node->daemon, &error);
    if (code != TW_OK)
        (void)tw_text_format(node->fault, sizeof node->fault, "%s can't start: %s", node->process.name, error.text);
}

void node_kill(matcher_node *node) {
    fake_run_as(&node->host);
    server_cut(node->daemon.bus);
    world_kill_process(node->host.server->world, &node->process);
    matcher_close(&node->daemon);
    settings_free(node->owner);
}

void node_fini(matcher_node *node) {
    if (node->process.alive) node_kill(node);
}

bool node_serves(const matcher_node *node) {
    return node->process.alive && node->daemon.state == MATCHER_RUNNING && leading_serves(node->daemon.leading);
}

void node_hand_over(matcher_node *node) {
    fake_run_as(&node->host);
    leading_hand_over(node->daemon.leading);
}

uint64_t node_seq(const matcher_node *node) {
    return mr_seq(node->daemon.replica);
}

uint64_t node_journaled(const matcher_node *node) {
    return mr_journaled(node->daemon.replica);
}

void node_tell(const matcher_node *node) {
    const matcher *m = &node->daemon;
    if (!node->process.alive) return;
    world_tell(node->host.server->world,
               "%s: state %d, %s, input %" PRIu64 " (%" PRIu64 " more), in execlog up to %" PRIu64
               " (message %" PRIu64 "), %" PRIu64 " bytes wait, %u found ahead, inputs %s, execlog %s",
               node->process.name, (int)m->state, ml_role_name((ml_role)leading_role(m->leading)), node_seq(node),
               inputs_waiting(m->inputs), node_journaled(node), m->origin.execlog_seq, mr_backlog_bytes(m->replica),
               mr_found_waiting(m->replica), inputs_ready(m->inputs) ? "ready" : "not ready",
               execlog_ready(m->execlog) ? "ready" : "not ready");
}
