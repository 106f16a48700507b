/*
 * The gateway under load, beside nats-server's own WebSocket listener: what somebody would take instead.
 *
 *   bench_gateway [--json] [--quick] [--fine] [--rounds N] [--clients N] [--subjects one|mixed] [--gateways N]
 *                 [--only fanout|many|slow|share|cost]…
 *
 * fanout  the highest rate that each side sustains, in updates delivered a second, with 100, 1,000 and 5,000 clients on
 *         one hot subject and on 200 subjects of which each client has 20; then both at the peer's highest rate
 * many    15,000 clients with 5 of 500 subjects each, 2,000 updates a second: connect storm, latency, memory
 * slow    1,000 clients, with and without a tenth of them that reads slowly or not at all
 * share   one gateway, and two that share a port (--gateways 2 lets two serve in the others, too: the peer's one process
 *         uses every core that there is)
 * cost    CPU time that an update costs each program, 100 clients on mixed subjects: through the gateway, at the peer, and with nobody in
 *         the gateway's place; and what it may cost the gateway where all share this machine's cores (not run unless it is named)
 *
 * Messages are book updates of some 140 bytes from one open-loop publisher over one nats-server; clients count and look
 * at the time in one of 61 (gateway/load_*.c). A rate is sustained if over a trial of some seconds 99 % of what
 * was published times its readers was delivered, at most 1 % of it merged into later updates, with a p99 of at most
 * 100 ms (with 5,000 clients 250 ms) from the moment an update was due to be published to the client: an update that was
 * merged is not delivered. A trial that fails is tried once more before it counts, and more often while somebody else
 * uses the machine; each figure says how much of it was taken by others. Sides take turns; figures are medians of rounds,
 * ratios are of medians.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "benchmarks/gateway/stage.h"
#include "benchmarks/ingest/span.h"

enum { MOST_ROUNDS = 9 };
enum { MANY_CLIENTS = 15000, MANY_SYMBOLS = 500, MANY_EACH = 5, MANY_RATE = 2000, MANY_SPARE_FILES = 400 };
enum { JSON_CLIENTS = 1000 }; /* with so many JSON is measured, too */
enum { SLOW_CLIENTS = 1000, SLOW_RATE = 500 };
#define LEAST_DELIVERED  0.99
#define MOST_MERGED      0.01
#define MOST_P99_MS      100.0
#define CROWD_P99_MS     250.0 /* with so many clients one write to each takes some 50 ms: */
#define CROWD_CLIENTS    5000
#define LEAST_PUBLISHED  0.97
#define FIRST_DELIVERIES 1000000.0
#define MOST_DELIVERIES  80000000.0
#define LEAST_DELIVERIES 50000.0

static const char *const no_settings[] = {NULL};
/* Room for bursts, as the peer has it: it lets 64 MB wait for each client, and the kernel's buffers grow as they are needed.
 * Frames of a fifth of a second and more at the highest rates: many of the one subject, fewer of each of 200. */
#define ROOM "--max-clients", "15200", "--client-bytes", "8Mi", "--send-buffer", "0", "--unsent-low-water", "0"
static const char *const roomy[] = {ROOM, "--frames-kept", "32768", NULL};
static const char *const roomy_mixed[] = {ROOM, "--frames-kept", "1024", NULL};
/* What waits for a slow reader is the gateway's to choose, not the kernel's. */
static const char *const bounded[] = {"--max-clients", "15200", "--frames-kept", "8192", "--client-bytes",
                                      "1Mi",           NULL};

typedef struct bench {
    harness harness;
    stage stage;
    bool quick, fanout, many, slow, share, cost;
    const char *subjects; /* fanout: one or mixed; NULL: both */
    double seconds, precision;
    double patience; /* seconds that a trial waits for others to leave the machine alone */
    int tries;
    uint32_t rounds;
    uint32_t gateways; /* on one port, by setting; share changes it for itself */
    uint64_t clients;  /* fanout: only scenes with so many; 0: all */
} bench;

/* ---- trials ---- */

static bool is_sustained(const trial *t) {
    return t->published >= LEAST_PUBLISHED * t->rate && t->delivered >= LEAST_DELIVERED * t->due &&
           t->merged <= MOST_MERGED * t->due &&
           t->p99_ms <= (t->clients >= CROWD_CLIENTS ? CROWD_P99_MS : MOST_P99_MS) && t->faults == 0 &&
           t->closed == 0;
}

static void say_trial(const bench *self, const char *who, const trial *t) {
    harness_say(
        &self->harness,
        "    %-8s %8.0f/s  delivered %9.0f/s (%6.2f %%, merged %5.2f %%)  p50 %7.2f p99 %8.2f ms  %5.1f a read"
        "  CPU %.2f server %.2f clients %.2f publisher %.2f others %.2f  load %.1f%s\n",
        who, t->rate, t->delivered_per_s, 100 * t->delivered / t->due, 100 * t->merged / t->due, t->p50_ms,
        t->p99_ms, t->updates_per_read, t->gateway_cpu, t->server_cpu, t->client_cpu, t->publisher_cpu,
        t->others_cpu, t->load, is_sustained(t) ? "" : "  -");
}

static void add_trial(json_writer *w, const char *name, const trial *t) {
    json_open_object(w, name);
    json_f64(w, "updates_per_s", t->published);
    json_f64(w, "delivered_per_s", t->delivered_per_s);
    json_f64(w, "delivered_share", t->delivered / t->due);
    json_f64(w, "merged_share", t->merged / t->due);
    json_f64(w, "p50_ms", t->p50_ms);
    json_f64(w, "p99_ms", t->p99_ms);
    json_f64(w, "gateway_cpu", t->gateway_cpu);
    json_f64(w, "server_cpu", t->server_cpu);
    json_f64(w, "client_cpu", t->client_cpu);
    json_f64(w, "publisher_cpu", t->publisher_cpu);
    json_f64(w, "payload_bytes", t->payload_bytes);
    json_f64(w, "bytes_per_update", t->bytes_per_update);
    json_f64(w, "others_cpu", t->others_cpu);
    json_f64(w, "serving_cpu_us_per_update", t->serving_cpu_us);
    json_f64(w, "load", t->load);
    json_close_object(w);
}

/* ---- fanout ---- */

typedef struct scene {
    const char *name;
    uint32_t clients, symbols, each;
} scene;

static void open_side(bench *self, const scene *s, const char *who) {
    bool peer = strcmp(who, "nats") == 0;
    for (uint32_t i = 0; !peer && i < self->gateways; i++)
        stage_start_gateway(&self->stage, s->symbols > 1 ? roomy_mixed : roomy, self->gateways > 1);
    stage_start_clients(&self->stage, who, s->clients, 2, s->each, no_settings);
}

static void close_side(bench *self) {
    stage_stop_clients(&self->stage);
    stage_stop_gateways(&self->stage);
}

/* A failure counts if it happens twice while nobody else disturbs; after so many tries it counts in any case. Whoever lost
 * clients gets them back. */
static trial try_again(bench *self, const scene *s, const char *who, double rate) {
    trial t = {0};
    for (int tries = 0, failures = 0; failures < 2 && tries < self->tries; tries++) {
        stage_await_quiet(&self->stage, self->patience);
        t = stage_try(&self->stage, rate, self->seconds);
        say_trial(self, who, &t);
        if (is_sustained(&t)) break;
        failures += t.others_cpu <= STAGE_QUIET_CORES;
        close_side(self);
        open_side(self, s, who);
    }
    return t;
}

/* The highest rate sustained, from a first guess on: doubled or halved until it is between two, then closer. */
static trial find_highest(bench *self, const scene *s, const char *who, double guess) {
    double readers = (double)s->clients * s->each / s->symbols, passed = 0, failed = 0, rate = guess;
    trial best = {0};
    while (rate * readers >= LEAST_DELIVERIES && rate * readers <= MOST_DELIVERIES) {
        trial t = try_again(self, s, who, rate);
        if (is_sustained(&t)) {
            passed = rate;
            best = t;
        } else {
            failed = rate;
        }
        if (passed > 0 && failed > 0 && failed / passed <= self->precision) break;
        rate = passed == 0 ? rate / 2 : failed == 0 ? 2 * rate : sqrt(passed * failed);
    }
    return best;
}

static int by_rate(const void *a, const void *b) {
    const trial *x = a, *y = b;
    return (x->delivered_per_s > y->delivered_per_s) - (x->delivered_per_s < y->delivered_per_s);
}

static int by_p99(const void *a, const void *b) {
    const trial *x = a, *y = b;
    return (x->p99_ms > y->p99_ms) - (x->p99_ms < y->p99_ms);
}

static trial median(trial *trials, uint32_t count, int (*order)(const void *, const void *)) {
    qsort(trials, count, sizeof *trials, order);
    return trials[(count - 1) / 2];
}

static trial search(bench *self, const scene *s, const char *who, double *guess) {
    open_side(self, s, who);
    trial t = find_highest(self, s, who, *guess);
    close_side(self);
    if (t.rate > 0) *guess = t.rate / 1.5;
    return t;
}

static trial at_rate(bench *self, const scene *s, const char *who, double rate) {
    open_side(self, s, who);
    stage_try(&self->stage, rate, self->seconds / 2); /* warm */
    stage_await_quiet(&self->stage, self->patience);
    trial t = stage_try(&self->stage, rate, 2 * self->seconds);
    say_trial(self, who, &t);
    close_side(self);
    return t;
}

static void report_scene(bench *self, const scene *s, const trial best[2], const trial same[2], const trial *json) {
    json_writer *w = &self->harness.writer;
    double ratio = best[1].delivered_per_s > 0 ? best[0].delivered_per_s / best[1].delivered_per_s : 0;
    double p99_ratio = same[1].p99_ms > 0 ? same[0].p99_ms / same[1].p99_ms : 0;
    harness_say(
        &self->harness,
        "  %u clients, %s: gateway %.2f M/s, peer %.2f M/s: ratio %.2f; at %.2f M/s p99 %.2f ms, peer %.2f ms: "
        "ratio %.3f\n",
        s->clients, s->name, best[0].delivered_per_s / 1e6, best[1].delivered_per_s / 1e6, ratio,
        same[1].delivered_per_s / 1e6, same[0].p99_ms, same[1].p99_ms, p99_ratio);
    json_open_object(w, NULL);
    json_u64(w, "clients", s->clients);
    json_string(w, "subjects", s->name);
    json_u64(w, "subjects_each", s->each);
    json_f64(w, "ratio", ratio);
    json_f64(w, "p99_ratio", p99_ratio);
    if (json != NULL) add_trial(w, "gateway_json", json);
    add_trial(w, "gateway", &best[0]);
    add_trial(w, "peer", &best[1]);
    add_trial(w, "gateway_at_peers_rate", &same[0]);
    add_trial(w, "peer_at_its_rate", &same[1]);
    json_close_object(w);
}

static void run_scene(bench *self, const scene *s) {
    static const char *const sides[2] = {"protobuf", "nats"};
    trial best[2][MOST_ROUNDS], same[2][MOST_ROUNDS], best_of[2], same_of[2];
    double guess[2];
    guess[0] = guess[1] = (self->quick ? 2 : 1) * FIRST_DELIVERIES * s->symbols / ((double)s->clients * s->each);
    harness_say(&self->harness, "  %u clients, %s\n", s->clients, s->name);
    stage_start_publisher(&self->stage, s->symbols);
    for (uint32_t round = 0; round < self->rounds; round++)
        for (uint32_t turn = 0; turn < 2; turn++) {
            uint32_t side = (turn + round) % 2;
            best[side][round] = search(self, s, sides[side], &guess[side]);
        }
    for (int side = 0; side < 2; side++)
        best_of[side] = median(best[side], self->rounds, by_rate);
    for (uint32_t round = 0; round < self->rounds && best_of[1].rate > 0; round++)
        for (uint32_t turn = 0; turn < 2; turn++) {
            uint32_t side = (turn + round) % 2;
            same[side][round] = at_rate(self, s, sides[side], best_of[1].rate);
        }
    if (best_of[1].rate == 0)
        harness_say(&self->harness, "  the peer sustained nothing: too much else goes on here\n");
    for (int side = 0; side < 2; side++)
        same_of[side] = best_of[1].rate > 0 ? median(same[side], self->rounds, by_p99) : (trial){0};
    trial json = {0};
    bool with_json = s->clients == JSON_CLIENTS && !self->quick;
    if (with_json) json = search(self, s, "json", &guess[0]);
    stage_stop_publisher(&self->stage);
    report_scene(self, s, best_of, same_of, with_json ? &json : NULL);
}

static bool is_wanted(const bench *self, const scene *s) {
    if (self->clients != 0 && s->clients != self->clients) return false;
    return self->subjects == NULL || (strcmp(self->subjects, "mixed") == 0) == (s->symbols > 1);
}

static void run_fanout(bench *self) {
    static const scene scenes[] = {{"one subject", 1000, 1, 1}, {"20 of 200 subjects", 1000, 200, 20},
                                   {"one subject", 100, 1, 1},  {"20 of 200 subjects", 100, 200, 20},
                                   {"one subject", 5000, 1, 1}, {"20 of 200 subjects", 5000, 200, 20}};
    size_t count = self->quick && self->clients == 0 && self->subjects == NULL ? 2 : sizeof scenes / sizeof *scenes;
    harness_say(&self->harness, "fanout\n");
    json_open_array(&self->harness.writer, "fanout");
    for (size_t i = 0; i < count; i++)
        if (is_wanted(self, &scenes[i])) run_scene(self, &scenes[i]);
    json_close_array(&self->harness.writer);
}

/* ---- many ---- */

typedef struct many_figures {
    double idle_storm_ms, idle_kib, storm_ms, kib;
    trial trial;
} many_figures;

static double resident_kib(const bench *self) {
    return (double)process_resident_kib(self->stage.gateways[0].pid);
}

/* As many as there may be files, 15,000 if possible. */
static uint32_t many_clients(const bench *self) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= MANY_CLIENTS + MANY_SPARE_FILES) return MANY_CLIENTS;
    harness_say(&self->harness, "  only %llu files may be open: fewer clients\n",
                (unsigned long long)limit.rlim_max);
    return (uint32_t)limit.rlim_max - MANY_SPARE_FILES;
}

static many_figures try_many(bench *self, uint32_t clients) {
    static const char *const idle[] = {"--idle", NULL};
    char most[16];
    const char *const settings[] = {"--max-clients", most, NULL};
    many_figures figures;
    tw_text_format(most, sizeof most, "%u", clients + MANY_SPARE_FILES / 2);
    stage_start_gateway(&self->stage, settings, false);
    double before_kib = resident_kib(self);
    figures.idle_storm_ms = stage_start_clients(&self->stage, "protobuf", clients, 2, MANY_EACH, idle);
    figures.idle_kib = (resident_kib(self) - before_kib) / clients;
    close_side(self);
    stage_start_gateway(&self->stage, settings, false);
    before_kib = resident_kib(self);
    figures.storm_ms = stage_start_clients(&self->stage, "protobuf", clients, 2, MANY_EACH, no_settings);
    stage_try(&self->stage, MANY_RATE, self->seconds); /* warm */
    stage_await_quiet(&self->stage, self->patience);
    figures.trial = stage_try(&self->stage, MANY_RATE, 3 * self->seconds);
    figures.kib = (resident_kib(self) - before_kib) / clients;
    close_side(self);
    say_trial(self, "many", &figures.trial);
    return figures;
}

static int by_trial_p99(const void *a, const void *b) {
    return by_p99(&((const many_figures *)a)->trial, &((const many_figures *)b)->trial);
}

static void run_many(bench *self) {
    many_figures figures[MOST_ROUNDS];
    uint32_t clients = many_clients(self);
    json_writer *w = &self->harness.writer;
    harness_say(&self->harness, "many\n");
    stage_start_publisher(&self->stage, MANY_SYMBOLS);
    for (uint32_t round = 0; round < self->rounds; round++)
        figures[round] = try_many(self, clients);
    stage_stop_publisher(&self->stage);
    qsort(figures, self->rounds, sizeof *figures, by_trial_p99);
    const many_figures *f = &figures[(self->rounds - 1) / 2];
    harness_say(
        &self->harness,
        "  %u clients: idle after %.1f s, %.2f KiB each; with %d subscriptions after %.1f s, %.2f KiB each; "
        "%.0f updates/s: p50 %.1f ms, p99 %.1f ms\n",
        clients, f->idle_storm_ms / 1e3, f->idle_kib, MANY_EACH, f->storm_ms / 1e3, f->kib, f->trial.published,
        f->trial.p50_ms, f->trial.p99_ms);
    json_open_object(w, "many");
    json_u64(w, "clients", clients);
    json_f64(w, "idle_connected_s", f->idle_storm_ms / 1e3);
    json_f64(w, "idle_resident_kib", f->idle_kib);
    json_f64(w, "subscribed_s", f->storm_ms / 1e3);
    json_f64(w, "subscribed_resident_kib", f->kib);
    add_trial(w, "trial", &f->trial);
    json_close_object(w);
}

/* ---- slow ---- */

static trial try_slow(bench *self, bool slow, double *resident_mib) {
    static const char *const tenth[] = {"--slow-every", "10", NULL};
    stage_start_gateway(&self->stage, bounded, false);
    stage_start_clients(&self->stage, "protobuf", SLOW_CLIENTS, 2, 1, slow ? tenth : no_settings);
    if (slow) self->stage.clients -= SLOW_CLIENTS / 10; /* who counts */
    stage_try(&self->stage, SLOW_RATE, self->seconds);
    stage_await_quiet(&self->stage, self->patience);
    trial t = stage_try(&self->stage, SLOW_RATE, 2 * self->seconds);
    *resident_mib = resident_kib(self) / 1024;
    say_trial(self, slow ? "slow" : "all read", &t);
    close_side(self);
    return t;
}

static void run_slow(bench *self) {
    trial trials[2][MOST_ROUNDS], medians[2];
    double mib[2][MOST_ROUNDS], ratios[MOST_ROUNDS];
    uint32_t rounds = self->quick ? 1 : 7;
    json_writer *w = &self->harness.writer;
    harness_say(&self->harness, "slow\n");
    stage_start_publisher(&self->stage, 1);
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t turn = 0; turn < 2; turn++) {
            uint32_t slow = (turn + round) % 2;
            trials[slow][round] = try_slow(self, slow == 1, &mib[slow][round]);
        }
        ratios[round] = trials[1][round].p99_ms / trials[0][round].p99_ms;
    }
    stage_stop_publisher(&self->stage);
    for (int i = 0; i < 2; i++)
        medians[i] = median(trials[i], rounds, by_p99);
    double ratio = medians[1].p99_ms / medians[0].p99_ms, neighbours = harness_median(ratios, rounds);
    double mib_of[2] = {harness_median(mib[0], rounds), harness_median(mib[1], rounds)};
    harness_say(
        &self->harness,
        "  p99 of the others %.2f ms, %.2f ms with a slow tenth: ratio %.2f, of neighbouring rounds %.2f; resident "
        "%.1f MiB, %.1f MiB\n",
        medians[0].p99_ms, medians[1].p99_ms, ratio, neighbours, mib_of[0], mib_of[1]);
    json_open_object(w, "slow");
    json_f64(w, "p99_ratio", ratio);
    json_f64(w, "p99_ratio_of_neighbours", neighbours);
    json_f64(w, "resident_mib", mib_of[0]);
    json_f64(w, "resident_mib_with_slow", mib_of[1]);
    add_trial(w, "all_read", &medians[0]);
    add_trial(w, "with_slow", &medians[1]);
    json_close_object(w);
}

/* ---- share ---- */

static const scene shared_scene = {"one subject", 1000, 1, 1};

/* One gateway of two is killed: how long until all its clients are back at the other. */
static double kill_one(bench *self) {
    static const char *const back[] = {"--reconnect", NULL};
    const stage *on = &self->stage;
    for (int i = 0; i < 2; i++)
        stage_start_gateway(&self->stage, roomy, true);
    stage_start_clients(&self->stage, "protobuf", SLOW_CLIENTS, 2, 1, back);
    uint64_t begin_ns = span_now_ns();
    kill(on->gateways[0].pid, SIGKILL);
    child_wait(&self->stage.gateways[0]);
    while (on->crowds[0].board->closed + on->crowds[1].board->closed == 0 ||
           on->crowds[0].board->ready + on->crowds[1].board->ready < SLOW_CLIENTS) {
        if (span_now_ns() - begin_ns > UINT64_C(30000000000))
            harness_fail(&self->harness, "share", "they did not come back");
        usleep(1000);
    }
    double ms = (double)(span_now_ns() - begin_ns) / 1e6;
    close_side(self);
    return ms;
}

static void run_share(bench *self) {
    trial best[2][MOST_ROUNDS];
    double guess[2] = {FIRST_DELIVERIES / shared_scene.clients, FIRST_DELIVERIES / shared_scene.clients};
    json_writer *w = &self->harness.writer;
    harness_say(&self->harness, "share\n");
    stage_start_publisher(&self->stage, 1);
    for (uint32_t round = 0; round < self->rounds && !self->quick; round++)
        for (uint32_t turn = 0; turn < 2; turn++) {
            uint32_t two = (turn + round) % 2;
            self->gateways = two + 1;
            best[two][round] = search(self, &shared_scene, "protobuf", &guess[two]);
        }
    self->gateways = 1;
    double back_ms = kill_one(self);
    stage_stop_publisher(&self->stage);
    harness_say(&self->harness, "  one of two killed: its clients back after %.0f ms\n", back_ms);
    json_open_object(w, "share");
    for (int i = 0; i < 2 && !self->quick; i++) {
        trial middle = median(best[i], self->rounds, by_rate);
        harness_say(&self->harness, "  %d on the port: %.2f M/s\n", i + 1, middle.delivered_per_s / 1e6);
        add_trial(w, i == 0 ? "one" : "two", &middle);
    }
    json_f64(w, "back_ms", back_ms);
    json_close_object(w);
}

/* ---- cost ---- */

enum { COST_CLIENTS = 100, COST_SYMBOLS = 200, COST_EACH = 20, TARGET_RATIO = 3 };
#define COST_PEER_RATE 150000.0 /* updates a second, somewhat less than the peer sustains */

/* us of CPU time for an update published. */
typedef struct cost {
    double gateway, server, publisher, clients;
} cost;

static cost cost_of(const trial *t) {
    double us = 1e6 * t->wall_s / t->count;
    return (cost){.gateway = us * t->gateway_cpu,
                  .server = us * t->server_cpu,
                  .publisher = us * t->publisher_cpu,
                  .clients = us * t->client_cpu};
}

static double sum_of(const cost *c) {
    return c->gateway + c->server + c->publisher + c->clients;
}

static int by_sum(const void *a, const void *b) {
    double x = sum_of(a), y = sum_of(b);
    return (x > y) - (x < y);
}

static cost try_cost(bench *self, const char *who, double rate) {
    static const scene mixed = {"20 of 200 subjects", COST_CLIENTS, COST_SYMBOLS, COST_EACH};
    if (who == NULL)
        stage_start_taker(&self->stage);
    else
        open_side(self, &mixed, who);
    stage_try(&self->stage, rate, self->seconds / 4); /* warm */
    trial t = stage_try(&self->stage, rate, 2 * self->seconds);
    if (who == NULL)
        stage_stop_taker(&self->stage);
    else
        close_side(self);
    return cost_of(&t);
}

static void report_cost(bench *self, const char *who, const char *name, const cost *c) {
    json_writer *w = &self->harness.writer;
    harness_say(&self->harness,
                "  %-28s gateway %5.2f  server %5.2f  publisher %5.2f  clients %5.2f  sum %5.2f us an update\n",
                who, c->gateway, c->server, c->publisher, c->clients, sum_of(c));
    json_open_object(w, name);
    json_f64(w, "gateway_us", c->gateway);
    json_f64(w, "server_us", c->server);
    json_f64(w, "publisher_us", c->publisher);
    json_f64(w, "clients_us", c->clients);
    json_close_object(w);
}

/* What all programs together spend on an update bounds the rate of a machine that they share: its ratio to the peer's is that of the
 * sums. A gateway that costs nothing leaves publisher and server as with the taker, and the clients as they are behind the gateway. */
static void run_cost(bench *self) {
    cost through[MOST_ROUNDS], peer[MOST_ROUNDS], none[MOST_ROUNDS];
    harness_say(&self->harness, "cost\n");
    stage_start_publisher(&self->stage, COST_SYMBOLS);
    for (uint32_t round = 0; round < self->rounds; round++) {
        through[round] = try_cost(self, "protobuf", TARGET_RATIO * COST_PEER_RATE);
        peer[round] = try_cost(self, "nats", COST_PEER_RATE);
        none[round] = try_cost(self, NULL, TARGET_RATIO * COST_PEER_RATE);
    }
    stage_stop_publisher(&self->stage);
    cost *const sides[3] = {through, peer, none}, middles[3];
    for (int i = 0; i < 3; i++) {
        qsort(sides[i], self->rounds, sizeof(cost), by_sum);
        middles[i] = sides[i][(self->rounds - 1) / 2];
    }
    middles[2].gateway = 0;
    middles[2].clients = middles[0].clients;
    double allowed = sum_of(&middles[1]) / TARGET_RATIO - sum_of(&middles[2]);
    json_open_object(&self->harness.writer, "cost");
    report_cost(self, "the gateway", "gateway", &middles[0]);
    report_cost(self, "the peer", "peer", &middles[1]);
    report_cost(self, "a gateway that costs nothing", "nothing", &middles[2]);
    harness_say(
        &self->harness,
        "  ratio of what all can do %.2f, with a gateway that costs nothing %.2f; %d times the peer if it costs "
        "%.2f us\n",
        sum_of(&middles[1]) / sum_of(&middles[0]), sum_of(&middles[1]) / sum_of(&middles[2]), TARGET_RATIO,
        allowed);
    json_f64(&self->harness.writer, "gateway_may_cost_us", allowed);
    json_close_object(&self->harness.writer);
}

/* ---- settings ---- */

static bool parse_part(bench *self, const char *name) {
    bool *const parts[] = {&self->fanout, &self->many, &self->slow, &self->share, &self->cost};
    static const char *const names[] = {"fanout", "many", "slow", "share", "cost"};
    for (int i = 0; i < 5; i++)
        if (name != NULL && strcmp(name, names[i]) == 0) return *parts[i] = true;
    return false;
}

static bool parse_rounds(const char *text, uint64_t *rounds) {
    return text != NULL && tw_text_to_u64(text, rounds) && *rounds > 0 && *rounds <= MOST_ROUNDS;
}

static bool parse_clients(const char *text, uint64_t *clients) {
    return text != NULL && tw_text_to_u64(text, clients) &&
           (*clients == 100 || *clients == 1000 || *clients == 5000);
}

static bool parse_gateways(const char *text, uint64_t *gateways) {
    return text != NULL && tw_text_to_u64(text, gateways) && (*gateways == 1 || *gateways == 2);
}

static bool parse_subjects(const char *text, const char **subjects) {
    *subjects = text;
    return text != NULL && (strcmp(text, "one") == 0 || strcmp(text, "mixed") == 0);
}

static void parse(bench *self, int argc, char **argv) {
    bool any = false, fine = false;
    uint64_t rounds = 0, gateways = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            self->harness.json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            self->quick = true;
        } else if (strcmp(argv[i], "--fine") == 0) {
            fine = true; /* searches to 20 %, also when quick */
        } else if (strcmp(argv[i], "--subjects") == 0 && parse_subjects(argv[++i], &self->subjects)) {
            continue;
        } else if (strcmp(argv[i], "--only") == 0 && parse_part(self, argv[++i])) {
            any = true;
        } else if (strcmp(argv[i], "--rounds") == 0 && parse_rounds(argv[++i], &rounds)) {
            continue;
        } else if (strcmp(argv[i], "--clients") == 0 && parse_clients(argv[++i], &self->clients)) {
            continue;
        } else if (strcmp(argv[i], "--gateways") == 0 && parse_gateways(argv[++i], &gateways)) {
            continue;
        } else {
            fprintf(stderr,
                    "usage: bench_gateway [--json] [--quick] [--fine] [--rounds 1-9] [--clients 100|1000|5000] "
                    "[--subjects one|mixed] [--gateways 1|2] [--only fanout|many|slow|share|cost]...\n");
            exit(2);
        }
    }
    if (!any) self->fanout = self->many = self->slow = self->share = true;
    self->gateways = (uint32_t)gateways;
    self->rounds = rounds > 0 ? (uint32_t)rounds : self->quick ? 1 : 3;
    self->seconds = self->quick ? 0.7 : 2;
    self->patience = self->quick ? 0 : 4;
    self->tries = self->quick ? 2 : 5;
    self->precision = self->quick && !fine ? 1.5 : 1.2;
}

int main(int argc, char **argv) {
    static bench self;
    char configuration[256];
    parse(&self, argc, argv);
    self.stage.harness = &self.harness;
    stage_configure_server(&self.stage, configuration, sizeof configuration);
    harness_open_with(&self.harness, "bench_gateway", configuration);
    if (self.fanout) run_fanout(&self);
    if (self.many) run_many(&self);
    if (self.slow) run_slow(&self);
    if (self.share) run_share(&self);
    if (self.cost) run_cost(&self);
    harness_close(&self.harness);
    return 0;
}
