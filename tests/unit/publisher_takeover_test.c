/*
 * Takeovers and outages over a random source. Receivers hear a random part of each leader's last messages, in time, late or
 * not at all, and must end with the right state on every channel without a fault and without asking anybody.
 */
#include "tests/support/publisher_pair.h"

/* ---- takeovers ---- */

/* The leader runs to `step`; its standby keeps up, a little behind, and confirms what it hears. */
static void lead_to(node *leader, node *standby, uint64_t step) {
    while (leader->applied < step) {
        run_to(leader, leader->applied + 1);
        uint64_t lag = tw_random_below(&w.random, 8);
        while (standby->applied + lag < leader->applied)
            run_step(standby);
        size_t count = leader->log->count > UNHEARD ? leader->log->count - UNHEARD : 0;
        heard h = hear(leader->log, count, standby->epoch);
        if (h.safe.seq > 0) publisher_confirm(standby->publisher, h.safe.seq);
    }
}

/* The leader stands still for the standby: it has heard `count` messages. */
static heard take_over(node *standby, const node *leader, uint64_t term, size_t count) {
    while (standby->applied < leader->applied)
        run_step(standby);
    heard h = hear(leader->log, count, standby->epoch);
    EXPECT_U64(standby->log->count, 0);
    publisher_lead(standby->publisher, term, &h.safe);
    return h;
}

/* Random order between the two, each in its own. */
static void take_merged(receiver *r, const sent_log *late, size_t from, const sent_log *log, size_t count) {
    size_t at = 0;
    while (from < late->count || at < count) {
        if (at == count || (from < late->count && tw_random_chance(&w.random, 1, 3)))
            take(r, &late->messages[from++]);
        else
            take(r, &log->messages[at++]);
    }
}

/* A receiver that heard `safe_count` messages of each leader at least; the rest comes in time, late, or never. Returns
 * messages that it dropped because their leader was deposed. */
static uint32_t receive(sent_log *const *logs, const size_t *safe_counts, uint32_t terms, const node *last) {
    receiver *r = receiver_alloc();
    static const sent_log nothing;
    const sent_log *late = &nothing;
    size_t late_from = 0;
    for (uint32_t t = 0; t < terms; t++) {
        size_t in_time = logs[t]->count;
        if (t + 1 < terms)
            in_time = safe_counts[t] + (size_t)tw_random_below(&w.random, logs[t]->count - safe_counts[t] + 1);
        take_merged(r, late, late_from, logs[t], in_time);
        bool never = tw_random_chance(&w.random, 1, 3);
        late = never ? &nothing : logs[t];
        late_from = never ? 0 : in_time;
    }
    take_range(r, late, late_from, late->count);
    expect_all(r, last);
    uint32_t old_terms = r->old_terms;
    receiver_free(r);
    return old_terms;
}

/* It does not know yet, for a tenth of a second; but its day does not end in it. */
static void run_deposed(node *leader) {
    uint64_t until = leader->applied + tw_random_below(&w.random, 20);
    if (leader->applied <= w.epoch_at && until > w.epoch_at) until = w.epoch_at;
    run_to(leader, until);
}

static uint32_t takeovers(uint64_t seed, uint32_t terms, uint64_t epoch_at) {
    uint32_t old_terms = 0;
    world_init(seed, SYMBOLS, 4000);
    w.epoch_at = epoch_at;
    sent_log *logs[8];
    size_t safe_counts[8];
    uint64_t step = 0;
    for (uint32_t t = 0; t + 1 < terms; t++) {
        node *leader = &w.nodes[t % 2], *standby = &w.nodes[(t + 1) % 2];
        lead_to(leader, standby, step += 350 + tw_random_below(&w.random, 150));
        size_t back = (size_t)tw_random_below(&w.random, UNHEARD);
        heard h = take_over(standby, leader, t + 2, leader->log->count - back);
        safe_counts[t] = h.status_at + 1;
        EXPECT_U64(h.term, t + 1);
        run_deposed(leader);
        publisher_follow(leader->publisher);
        logs[t] = leader->log;
        leader->log = log_alloc();
    }
    node *last = &w.nodes[(terms - 1) % 2];
    run_to(last, w.nodes[terms % 2].applied); /* as far as the deposed one came */
    /* Often soon afterwards: what was missed must not wait for the next change to be put right. (In a new epoch an
     * instrument says nothing before its first change.) */
    bool soon = epoch_at == NEVER && tw_random_chance(&w.random, 1, 2);
    run_to(last, last->applied + (soon ? tw_random_below(&w.random, 20) : 400));
    drain(last);
    logs[terms - 1] = last->log;
    for (uint32_t i = 0; i < RECEIVERS; i++)
        old_terms += receive(logs, safe_counts, terms, last);
    for (uint32_t t = 0; t + 1 < terms; t++)
        log_free(logs[t]);
    world_fini();
    return old_terms;
}

TEST(publisher_takeover, who_heard_the_old_leader_and_then_the_new_one_has_every_state_and_each_event_once) {
    uint32_t old_terms = 0;
    for (uint64_t seed = 1; seed <= 60; seed++)
        old_terms += takeovers(seed, 2, NEVER);
    EXPECT(old_terms > 0); /* what a deposed leader still sent was dropped */
}

TEST(publisher_takeover, a_leader_that_followed_for_a_while_leads_again) {
    for (uint64_t seed = 101; seed <= 130; seed++)
        takeovers(seed, 4, NEVER);
}

TEST(publisher_takeover, a_new_epoch_around_a_takeover_leaves_no_trace_of_the_old_one) {
    for (uint64_t seed = 201; seed <= 260; seed++)
        takeovers(seed, 2, 300 + (seed * 7) % 250);
}

/* ---- the bus was away ---- */

typedef struct outage {
    size_t from, to; /* messages that did not arrive */
} outage;

/* Some receivers heard the first of the messages that others never had. */
static void receive_around(const sent_log *log, const outage *outages, uint32_t count, const node *leader) {
    receiver *r = receiver_alloc();
    r->lossy = true;
    size_t at = 0;
    for (uint32_t o = 0; o < count; o++) {
        size_t until = outages[o].from + (size_t)tw_random_below(&w.random, 40);
        take_range(r, log, at, until < outages[o].to ? until : outages[o].to);
        at = outages[o].to;
    }
    take_range(r, log, at, log->count);
    expect_state(r, leader);
    for (uint32_t i = 0; i < SYMBOLS; i++)
        if (r->trades[i].lost == 0)
            expect_events(&r->trades[i].list, &r->trades[i], &leader->facts.prints[i], leader->epoch, i);
    receiver_free(r);
}

static void outages(uint64_t seed) {
    world_init(seed, SYMBOLS, 4000);
    node *leader = &w.nodes[0];
    outage lost[3];
    for (uint32_t o = 0; o < 3; o++) {
        run_to(leader, leader->applied + 300);
        lost[o].from = leader->log->count - (size_t)tw_random_below(&w.random, UNHEARD);
        run_to(leader, leader->applied + 20 + tw_random_below(&w.random, 60));
        lost[o].to = leader->log->count;
        heard h = hear(leader->log, lost[o].from, leader->epoch);
        publisher_resume(leader->publisher, &h.safe);
        EXPECT(publisher_published_seq(leader->publisher) <= h.safe.seq);
    }
    run_to(leader, leader->applied + 20);
    drain(leader);
    for (uint32_t i = 0; i < RECEIVERS; i++)
        receive_around(leader->log, lost, 3, leader);
    world_fini();
}

TEST(publisher_takeover, after_the_bus_was_away_snapshots_bring_every_receiver_up_to_date_in_the_same_term) {
    for (uint64_t seed = 301; seed <= 340; seed++)
        outages(seed);
}
