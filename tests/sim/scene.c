/*
 * A scene: one or two shards with two matchers each, clients, a gateway with its own, an operator, ears. For some seconds of simulated time things go wrong,
 * which ones is the seed's (trouble.c); then all that is broken is mended, nothing new is sent, and everything must come to rest and be right.
 */
#include "tests/sim/scene.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/text.h"
#include "matcher/wire/places.h"
#include "tests/sim/books.h"
#include "tests/sim/scene_inside.h"

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

static matcher_node *matcher_at(scene *s, size_t i) {
    return &s->shards[i / MATCHERS].matchers[i % MATCHERS];
}

static size_t matchers(const scene *s) {
    return (size_t)MATCHERS * s->shard_count;
}

static server_stream *make_stream(scene *s, mw_stream kind, uint32_t shard, const char *const *subjects,
                                  uint32_t count) {
    char name[MW_STREAM_NAME_BYTES];
    (void)mw_stream_name(name, sizeof name, kind, SIM_MIC, shard);
    return server_make_stream(s->server, name, subjects, count);
}

static void begin_shard(scene *s, uint32_t shard, const scene_options *options) {
    static const char *const names[SIM_SHARDS][MATCHERS] = {{"left", "right"}, {"left-2", "right-2"}};
    static const char *const orders[SIM_SHARDS][3] = {{"orders.TWEX.1.>", "orderbatch.TWEX.1", "control.TWEX.1"},
                                                      {"orders.TWEX.2.>", "orderbatch.TWEX.2", "control.TWEX.2"}};
    static const char *const journal[SIM_SHARDS][1] = {{"execlog.TWEX.1"}, {"execlog.TWEX.2"}};
    scene_shard *at = &s->shards[shard - 1];
    at->orders = make_stream(s, MW_STREAM_ORDERS, shard, orders[shard - 1], 3);
    at->execlog = make_stream(s, MW_STREAM_EXECLOG, shard, journal[shard - 1], 1);
    int64_t closed_ns = options->seed % 80 == 0 ? 4 * WORLD_SECOND : 0;
    for (size_t i = 0; i < MATCHERS; i++) {
        node_init(&at->matchers[i], s->server, names[shard - 1][i], shard, options->mutation, options->trace);
        trouble_start_matcher(s, &at->matchers[i], closed_ns + world_between(s->world, 0, WORLD_SECOND));
    }
}

static void begin(scene *s, const scene_options *options) {
    static const char *const names[CLIENTS] = {"client-1", "client-2", "client-3", "client-4"};
    s->world = world_alloc(options->seed, options->trace);
    s->mutation = options->mutation;
    server_faults faults = choose_faults(s, s->world);
    s->shard_count = (uint32_t)world_between(s->world, 1, SIM_SHARDS);
    s->server = server_alloc(s->world, &faults);
    s->server->mutation = options->mutation;
    for (uint32_t shard = 1; shard <= s->shard_count; shard++)
        begin_shard(s, shard, options);
    ears_start(&s->ears, s->server);
    gateway_init(&s->gateway, s->server, s->shard_count, options->mutation);
    gateway_start(&s->gateway);
    traffic_init_operator(&s->operator, s->server, s->shard_count);
    traffic_start(&s->operator);
    bool flood = options->seed % 40 == 0; /* so much that backlogs fill; every other time before anybody reads it */
    for (size_t i = 0; i < CLIENTS; i++) {
        if (i == CLIENTS - 1 && flood)
            traffic_init_flood(&s->clients[i], s->server, s->shard_count);
        else
            traffic_init(&s->clients[i], s->server, s->shard_count, names[i], traffic_account((uint32_t)i));
        traffic_start(&s->clients[i]);
    }
    trouble_begin(s);
}

static void mend(scene *s) {
    s->over = true;
    world_tell(s->world, "nothing goes wrong any more");
    server_mend(s->server);
    s->operator.quiet = true;
    s->gateway.quiet = true;
    if (s->gateway.process.alive && world_odds(s->world, 1, 3)) gateway_kill(&s->gateway); /* its sessions end */
    if (!s->gateway.process.alive) gateway_start(&s->gateway);
    if (!s->operator.process.alive) traffic_start(&s->operator);
    for (size_t i = 0; i < CLIENTS; i++) {
        s->clients[i].quiet = true;
        if (!s->clients[i].process.alive) traffic_start(&s->clients[i]);
    }
    for (size_t i = 0; i < matchers(s); i++) {
        matcher_node *node = matcher_at(s, i);
        node->disk.full_until_ns = node->disk.sick_until_ns = 0;
        if (!node->process.alive) node_start(node);
    }
}

static const char *fault_of(scene *s) {
    for (size_t i = 0; i < matchers(s); i++)
        if (matcher_at(s, i)->fault[0] != '\0') return matcher_at(s, i)->fault;
    return NULL;
}

/* Whoever looks for what a certain check says goes on until there is something to check. */
static bool is_over(scene *s) {
    return fault_of(s) != NULL && fake_mutation_shows(s->mutation) == NULL;
}

/* As it is now. */
static const execlog_list *read_execlog(scene_shard *at) {
    if (at->log.last_seq == at->execlog->last_seq) return &at->log;
    free(at->log.reports);
    checks_read(at->execlog, &at->log);
    return &at->log;
}

static const char *shard_not_at_rest(scene *s, uint32_t shard) {
    scene_shard *at = &s->shards[shard - 1];
    for (size_t i = 0; i < MATCHERS; i++) {
        if (node_seq(&at->matchers[i]) != at->orders->last_seq) return "a matcher has not read all orders";
        if (node_journaled(&at->matchers[i]) != at->orders->last_seq)
            return "execlog, or what a matcher knows of it, ends before the order stream does";
    }
    const execlog_list *log = read_execlog(at);
    const char *missing = NULL;
    for (uint32_t i = 0; i < GATEWAY_CLIENTS && missing == NULL; i++)
        missing = desk_not_at_rest(&s->gateway.clients[i], shard, log);
    return missing;
}

static const char *not_at_rest(scene *s) {
    const char *missing = NULL;
    if (!traffic_is_settled(&s->operator)) return "an order of the operator is not acknowledged";
    for (size_t i = 0; i < CLIENTS; i++)
        if (!traffic_is_settled(&s->clients[i])) return "a client's order is not acknowledged";
    for (uint32_t shard = 1; shard <= s->shard_count && missing == NULL; shard++)
        missing = shard_not_at_rest(s, shard);
    return missing;
}

static void note_wrong(scene *s, const char *what) {
    char *wrong = s->result->wrong;
    size_t used = strlen(wrong);
    if (used > 0 && fake_mutation_shows(s->mutation) == NULL) return;
    (void)tw_text_format(wrong + used, sizeof s->result->wrong - used, "%s%s", used > 0 ? "; " : "", what);
}

static void come_to_rest(scene *s, int tries) {
    for (int i = 0; i < tries && !is_over(s) && not_at_rest(s) != NULL; i++)
        (void)world_run(s->world, world_now(s->world) + 100 * WORLD_MILLISECOND);
}

static void run(scene *s) {
    int64_t until = world_now(s->world) + world_between(s->world, 2, 8) * WORLD_SECOND;
    while (world_now(s->world) < until && !is_over(s))
        (void)world_run(s->world, world_now(s->world) + 100 * WORLD_MILLISECOND);
    mend(s);
    (void)world_run(s->world, world_now(s->world) + 500 * WORLD_MILLISECOND);
    come_to_rest(s, 600);
    if (!is_over(s) && not_at_rest(s) == NULL) { /* a message may still be late */
        (void)world_run(s->world, world_now(s->world) + 12 * WORLD_SECOND);
        come_to_rest(s, 100);
    }
    for (size_t i = 0; i < matchers(s); i++)
        node_tell(matcher_at(s, i));
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        desk_client_tell(&s->gateway.clients[i]);
    if (fault_of(s) != NULL) note_wrong(s, fault_of(s));
    if (!is_over(s) && not_at_rest(s) != NULL) note_wrong(s, not_at_rest(s));
}

static void expect(scene *s, bool good, const tw_error *error) {
    if (!good) note_wrong(s, error->text);
}

static void check_shard(scene *s, uint32_t shard) {
    scene_shard *at = &s->shards[shard - 1];
    const execlog_list *log = read_execlog(at);
    checks_counts *counts = &s->result->counts;
    tw_error error = {0};
    matcher_node *nodes[MATCHERS] = {&at->matchers[0], &at->matchers[1]};
    const mx_engine *engine = mr_engine(nodes[0]->daemon.replica);
    if (s->mutation == MUTATION_WRONG_MONEY) node_give_money(nodes[0]);
    expect(s, check_execlog(at->orders, at->execlog, shard, counts, &error), &error);
    expect(s, check_live(log, shard, &s->ears, counts, &error), &error);
    expect(s, check_histories(log, counts, &error), &error);
    expect(s, check_money(log, engine, counts, &error), &error);
    expect(s, check_kills(at->orders, log, engine, counts, &error), &error);
    expect(s, check_limits(at->orders, log, &error), &error);
    expect(s, gateway_check_sessions(&s->gateway, shard, engine, &error), &error);
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        expect(s, check_desk_reports(&s->gateway.clients[i], shard, log, counts, &error), &error);
    expect(s, check_desk_surely_not(s->gateway.clients, GATEWAY_CLIENTS, at->orders, &error), &error);
    expect(s, check_replicas(at->orders, nodes, MATCHERS, &error), &error);
}

static void check(scene *s) {
    if (s->mutation == MUTATION_FORGET_SESSIONS) gateway_forget_sessions(&s->gateway);
    checks_counts *counts = &s->result->counts;
    server_stream *orders[SIM_SHARDS];
    tw_error error = {0};
    expect(s, check_acknowledged(s->server, &s->operator, counts, &error), &error);
    for (size_t i = 0; i < CLIENTS; i++)
        expect(s, check_acknowledged(s->server, &s->clients[i], counts, &error), &error);
    for (uint32_t shard = 1; shard <= s->shard_count; shard++)
        orders[shard - 1] = s->shards[shard - 1].orders;
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        expect(s, check_desk_orders(&s->gateway.clients[i], orders, counts, &error), &error);
    for (uint32_t shard = 1; shard <= s->shard_count; shard++)
        check_shard(s, shard);
}

static uint32_t fingerprint(uint32_t crc, const server_stream *stream) {
    for (uint64_t i = 0; i < stream->last_seq; i++)
        crc = tw_crc32c(crc, stream->messages[i].bytes, stream->messages[i].length);
    return crc;
}

static void end(scene *s) {
    for (uint32_t i = 0; i < s->shard_count; i++)
        free(s->shards[i].log.reports);
    for (size_t i = 0; i < matchers(s); i++)
        node_fini(matcher_at(s, i));
    for (size_t i = 0; i < CLIENTS; i++)
        traffic_fini(&s->clients[i]);
    gateway_fini(&s->gateway);
    s->result->counts.from_log = s->gateway.from_log;
    traffic_fini(&s->operator);
    ears_fini(&s->ears);
    server_free(s->server);
    world_free(s->world);
}

void scene_play(const scene_options *options, scene_result *result) {
    static scene s;
    uint32_t orders = 0, journals = 0;
    memset(&s, 0, sizeof s);
    memset(result, 0, sizeof *result);
    s.result = result;
    begin(&s, options);
    run(&s);
    if (result->wrong[0] == '\0' || fake_mutation_shows(s.mutation) != NULL) check(&s);
    result->good = result->wrong[0] == '\0';
    result->events = world_events(s.world);
    for (uint32_t i = 0; i < s.shard_count; i++) {
        orders = fingerprint(orders, s.shards[i].orders);
        journals = fingerprint(journals, s.shards[i].execlog);
    }
    result->fingerprint = (uint64_t)orders << 32 | journals;
    end(&s);
}
