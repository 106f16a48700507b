/* The daemon in the simulated world: its life, and what is done to it on purpose. */
#include "tests/sim/matcher_node.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/core/engine_internal.h"
#include "matcher/replica/replica_internal.h" /* for what is done wrong on purpose */
#include "matcher/wire/places.h"
#include "tests/sim/checks.h"
#include "tests/sim/kept.h"
#include "tests/sim/traffic.h"

mr_options node_replica_options(uint32_t shard) {
    return (mr_options){.exchange = SIM_MIC,
                        .bounds = {.shard = shard,
                                   .max_instruments = 8,
                                   .max_accounts = 16,
                                   .max_positions = 128,
                                   .max_orders = 1024,
                                   .max_pages = 512,
                                   .max_client_ids = 4096,
                                   .max_sessions = 512,
                                   .max_reports = SIM_REPORTS},
                        .backlog_bytes = 64 << 20};
}

/* Small, and everything often. */
static const char *const arguments[] = {"tickwire-matcher",
                                        "--replicas=3",
                                        "--max-instruments=8",
                                        "--max-accounts=16",
                                        "--max-positions=128",
                                        "--max-orders=1024",
                                        "--max-pages=512",
                                        "--max-client-ids=4096",
                                        "--max-sessions=512",
                                        "--backlog=4Mi",
                                        "--max-reports=48",
                                        "--recent=1Mi",
                                        "--hash-every=20",
                                        "--max-prints=256",
                                        "--snapshot-every=300ms",
                                        "--hash-interval=150ms",
                                        "--clock=200ms",
                                        "--snapshots=/disk",
                                        "--snapshot-stream-bytes=1Mi"};
enum { ARGUMENTS = sizeof arguments / sizeof *arguments };

static disk_mutation mutation_of_disk(fake_mutation mutation) {
    if (mutation == MUTATION_NO_SYNC) return DISK_NO_SYNC;
    if (mutation == MUTATION_IN_PLACE) return DISK_IN_PLACE;
    return mutation == MUTATION_HIDE_NEWEST ? DISK_HIDES_NEWEST : DISK_GOOD;
}

void node_init(matcher_node *node, server *s, const char *name, uint32_t shard, fake_mutation mutation,
               bool trace) {
    char stream[MW_STREAM_NAME_BYTES];
    *node = (matcher_node){.host = {.server = s}, .shard = shard, .mutation = mutation, .trace = trace};
    (void)tw_text_copy(node->process.name, sizeof node->process.name, name);
    (void)mw_stream_name(stream, sizeof stream, MW_STREAM_ORDERS, SIM_MIC, shard);
    node->orders = server_find_stream(s, stream);
    disk_init(&node->disk, s->world, node->process.name, mutation_of_disk(mutation));
    node->host.disk = &node->disk;
}

/* ---- what it starts with ---- */

server_stream *node_snapshots(const matcher_node *node) {
    char stream[MW_STREAM_NAME_BYTES];
    (void)mw_stream_name(stream, sizeof stream, MW_STREAM_SNAPSHOTS, SIM_MIC, node->shard);
    return server_find_stream(node->host.server, stream);
}

static void wrong(matcher_node *node, const char *what, uint64_t seq, uint64_t other) {
    if (node->fault[0] != '\0') return;
    (void)tw_text_format(node->fault, sizeof node->fault, "%s %s (%" PRIu64 ", %" PRIu64 ")", node->process.name,
                         what, seq, other);
}

static void look_at_folder(matcher_node *node) {
    const char *name = kept_not_whole(&node->disk);
    if (name != NULL && node->fault[0] == '\0')
        (void)tw_text_format(node->fault, sizeof node->fault, "%s has a file that is not whole under its name: %s",
                             node->process.name, name);
    node->newest_whole =
        kept_newest(&node->disk, node_snapshots(node), SIM_MIC, node->shard, node->orders->last_seq);
}

/* The newest whole one that there was, if it is still there; and what it says is what the inputs make. */
static void look_at_start(matcher_node *node) {
    const matcher *m = &node->daemon;
    if (node->running || m->state != MATCHER_RUNNING) return;
    node->running = true;
    uint64_t seq = keeping_seq(m->keeping);
    if (seq < node->newest_whole && kept_newest(&node->disk, node_snapshots(node), SIM_MIC, node->shard,
                                                node->newest_whole) == node->newest_whole)
        wrong(node, "did not start with the newest whole snapshot", seq, node->newest_whole);
    if (mr_seq(m->replica) != seq) wrong(node, "started elsewhere than its snapshot", mr_seq(m->replica), seq);
    if (mr_hash(m->replica) != checks_replay(node->orders, node->shard, seq))
        wrong(node, "started with another state than the inputs make", seq, node->newest_whole);
    world_tell(node->host.server->world, "%s starts after input %" PRIu64, node->process.name, seq);
}

/* Once in each life: what a program with a mistake would have done to itself. */
static void mutate(matcher_node *node) {
    matcher *m = &node->daemon;
    if (node->mutated || m->state != MATCHER_RUNNING) return;
    if (node->mutation == MUTATION_FORGET_IDS && mr_seq(m->replica) > 0)
        correlations_clear(&m->replica->correlations);
    if (node->mutation == MUTATION_OLD_ORIGIN && m->origin.execlog_seq < 10) return;
    if (node->mutation == MUTATION_OLD_ORIGIN) m->origin.execlog_seq++;
    if (node->mutation == MUTATION_WRONG_START &&
        (node->running || keeping_seq(m->keeping) == 0 || mx_accounts(mr_engine(m->replica)) == 0))
        return;
    if (node->mutation == MUTATION_WRONG_START) m->replica->engine->accounts[0].fees++;
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
    look_at_start(node);
    if (m->state == MATCHER_HALTED && node->fault[0] == '\0')
        (void)tw_text_format(node->fault, sizeof node->fault, "%s halted: %s", node->process.name, m->halted);
}

static void read_settings(matcher_node *node) {
    tw_error error;
    size_t words = 0;
    char shard[24];
    char *words_of[ARGUMENTS + 2];
    for (int i = 0; i < ARGUMENTS; i++)
        words_of[i] = (char *)(uintptr_t)arguments[i];
    words_of[ARGUMENTS] = (char *)(uintptr_t)(node->trace ? "--log-level=info" : "--log-level=error");
    (void)tw_text_format(shard, sizeof shard, "--shard=%" PRIu32, node->shard);
    words_of[ARGUMENTS + 1] = shard;
    settings_outcome outcome = settings_read(&node->owner, &matcher_program, ARGUMENTS + 2, words_of,
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
    node->mutated = node->running = false;
    look_at_folder(node);
    memset(&node->daemon, 0, sizeof node->daemon);
    fake_run_as(&node->host);
    read_settings(node);
    tw_code code = matcher_open(&node->daemon, &error);
    if (code != TW_OK)
        (void)tw_text_format(node->fault, sizeof node->fault, "%s can't start: %s", node->process.name, error.text);
    if (kept_half_written(&node->disk)) wrong(node, "has left half a file of its last life", 0, 0);
}

void node_kill(matcher_node *node) {
    fake_run_as(&node->host);
    disk_kill(&node->disk);
    server_cut(node->daemon.bus);
    world_kill_process(node->host.server->world, &node->process);
    matcher_close(&node->daemon);
    settings_free(node->owner);
}

void node_power_off(matcher_node *node) {
    node_kill(node);
    disk_power_off(&node->disk);
}

void node_fini(matcher_node *node) {
    if (node->process.alive) node_kill(node);
    disk_fini(&node->disk);
}

bool node_serves(const matcher_node *node) {
    return node->process.alive && node->daemon.state == MATCHER_RUNNING && leading_serves(node->daemon.leading);
}

void node_give_money(matcher_node *node) {
    mx_engine *engine = node->daemon.replica->engine;
    if (engine->account_count > 0) engine->accounts[0].spent--;
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
