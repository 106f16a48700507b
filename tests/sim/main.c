/*
 * venue_sim: plays seeds and says which do not hold.
 *
 *   venue_sim                       1,000 seeds
 *   venue_sim --seeds 100000 --from 1
 *   venue_sim --seconds 5           as many as there is time for
 *   venue_sim --seed 4711 --trace   one, and what happens in it
 *   venue_sim --break no-fence      with something wrong on purpose: succeeds if a seed notices; --break all: each of them
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/sim/scene.h"

typedef struct arguments {
    uint64_t from, seeds, seconds;
    bool trace, one, all_mutations;
    fake_mutation mutation;
} arguments;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int usage(const char *what) {
    fprintf(stderr,
            "venue_sim: '%s' is not understood; --seeds N, --from N, --seconds N, --seed N, --trace, --break NAME "
            "or all:",
            what);
    for (int i = 1; i < MUTATIONS; i++)
        fprintf(stderr, " %s", fake_mutation_name((fake_mutation)i));
    fputc('\n', stderr);
    return 2;
}

static bool read_mutation(arguments *a, const char *text) {
    a->all_mutations = strcmp(text, "all") == 0;
    for (int i = 1; i < MUTATIONS; i++)
        if (strcmp(text, fake_mutation_name((fake_mutation)i)) == 0) a->mutation = (fake_mutation)i;
    return a->all_mutations || a->mutation != MUTATION_NONE;
}

static bool read_argument(arguments *a, const char *name, const char *value) {
    if (strcmp(name, "--seeds") == 0) return tw_text_to_u64(value, &a->seeds);
    if (strcmp(name, "--from") == 0) return tw_text_to_u64(value, &a->from);
    if (strcmp(name, "--seconds") == 0) return tw_text_to_u64(value, &a->seconds);
    if (strcmp(name, "--break") == 0) return read_mutation(a, value);
    if (strcmp(name, "--seed") != 0) return false;
    a->one = true;
    a->seeds = 1;
    return tw_text_to_u64(value, &a->from);
}

static void add(scene_result *sum, const scene_result *one) {
    sum->events += one->events;
    sum->kills += one->kills;
    sum->freezes += one->freezes;
    sum->breaks += one->breaks;
    sum->elections += one->elections;
    sum->restarts += one->restarts;
    sum->jumps += one->jumps;
    sum->handovers += one->handovers;
    sum->powers += one->powers;
    sum->disks += one->disks;
    sum->harms += one->harms;
    sum->counts.inputs += one->counts.inputs;
    sum->counts.reports += one->counts.reports;
    sum->counts.messages += one->counts.messages;
    sum->counts.live += one->counts.live;
    sum->counts.strange += one->counts.strange;
    sum->counts.acknowledged += one->counts.acknowledged;
    sum->counts.accepted += one->counts.accepted;
    sum->counts.told += one->counts.told;
    sum->counts.from_log += one->counts.from_log;
    sum->counts.perhaps += one->counts.perhaps;
    sum->counts.surely_not += one->counts.surely_not;
    sum->counts.sessions_lost += one->counts.sessions_lost;
    sum->counts.kills += one->counts.kills;
    sum->counts.fills += one->counts.fills;
}

static void tell(const arguments *a, const scene_result *r, uint64_t seeds, int64_t took_ns) {
    const checks_counts *c = &r->counts;
    if (a->one) printf("fingerprint %016" PRIx64 ", ", r->fingerprint);
    printf(
        "%" PRIu64 " seeds in %.1f s: %" PRIu64
        " events; %u kills, %u freezes, %u broken connections, %u elections, %u server restarts, %u clock jumps, "
        "%u handovers, %u powers lost, %u disks in trouble, %u snapshots harmed\n",
        seeds, (double)took_ns / 1e9, r->events, r->kills, r->freezes, r->breaks, r->elections, r->restarts,
        r->jumps, r->handovers, r->powers, r->disks, r->harms);
    printf("%" PRIu64 " inputs, %" PRIu64 " acknowledged, %" PRIu64 " orders accepted, %" PRIu64 " trades, %" PRIu64
           " kills and their ends, %" PRIu64 " reports in %" PRIu64 " messages, %" PRIu64 " live reports, %" PRIu64
           " of them to accounts that nobody knew; to clients of gateways %" PRIu64 " reports, %" PRIu64
           " of them from execlog, %" PRIu64 " times not acknowledged, %" PRIu64 " times surely not, %" PRIu64
           " sessions lost\n",
           c->inputs, c->acknowledged, c->accepted, c->fills, c->kills, c->reports, c->messages, c->live,
           c->strange, c->told, c->from_log, c->perhaps, c->surely_not, c->sessions_lost);
}

/* Returns how many seeds did not hold: with a mutation it stops at the first. */
static uint64_t play(const arguments *a, fake_mutation mutation) {
    scene_result sum = {0}, one;
    uint64_t bad = 0, played = 0;
    int64_t began = now_ns();
    uint64_t seeds = mutation == MUTATION_NO_LEASE ? a->seeds / 10 : a->seeds; /* the one that plays all of them */
    for (; played < seeds; played++) {
        if (a->seconds > 0 && now_ns() - began > (int64_t)a->seconds * 1000000000) break;
        const scene_options options = {.seed = a->from + played, .trace = a->trace, .mutation = mutation};
        scene_play(&options, &one);
        add(&sum, &one);
        const char *shows = fake_mutation_shows(mutation);
        if (one.good || (shows != NULL && strstr(one.wrong, shows) == NULL)) continue;
        bad++;
        printf("%s%s seed %" PRIu64 ": %s\n", mutation == MUTATION_NONE ? "" : fake_mutation_name(mutation),
               mutation == MUTATION_NONE ? "FAILED" : " is seen:", options.seed, one.wrong);
        if (mutation != MUTATION_NONE || bad == 10) break;
    }
    sum.fingerprint = one.fingerprint;
    if (mutation == MUTATION_NONE) tell(a, &sum, played, now_ns() - began);
    if (mutation == MUTATION_NONE && bad > 0)
        printf("%" PRIu64 " did not hold; again alone: venue_sim --seed N --trace\n", bad);
    return bad;
}

/* In a process of its own: what a mutation breaks may also end in an assertion of the product. */
static bool is_seen(const arguments *a, fake_mutation mutation) {
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(play(a, mutation) > 0 ? 1 : 0);
    if (child < 0 || waitpid(child, &status, 0) != child) return false;
    if (WIFSIGNALED(status)) printf("%s is seen by an assertion of the product\n", fake_mutation_name(mutation));
    return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

/* The lease is for peace, the fence for truth: without the lease everything must still be right. */
static int play_mutations(const arguments *a) {
    int wrong = 0;
    for (int i = 1; i < MUTATIONS; i++) {
        if (!a->all_mutations && a->mutation != (fake_mutation)i) continue;
        bool seen = is_seen(a, (fake_mutation)i), must = i != MUTATION_NO_LEASE;
        if (!seen)
            printf("%s is not seen%s\n", fake_mutation_name((fake_mutation)i), must ? "" : ", and must not be");
        wrong += seen != must;
    }
    return wrong == 0 ? 0 : 1;
}

int main(int count, char **values) {
    arguments a = {.from = 1, .seeds = 1000};
    for (int i = 1; i < count; i++) {
        if (strcmp(values[i], "--trace") == 0) {
            a.trace = true;
        } else if (i + 1 == count || !read_argument(&a, values[i], values[i + 1])) {
            return usage(values[i]);
        } else {
            i++;
        }
    }
    if (a.seconds > 0 && a.seeds == 1000) a.seeds = UINT64_MAX;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (a.all_mutations || a.mutation != MUTATION_NONE) return play_mutations(&a);
    return play(&a, MUTATION_NONE) == 0 ? 0 : 1;
}
