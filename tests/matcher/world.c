/* A world of its seed: see world.h. */
#include "tests/matcher/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/matcher/auditor.h"
#include "tests/matcher/venue.h"
#include "tests/support/shelf.h"

enum { REPORTS = 16384, DEEP = 512 };

typedef struct heard {
    mx_report reports[REPORTS];
    mx_sink sink;
} heard;

/* All that lives while a world runs. */
typedef struct stage {
    const world *of;
    venue real, naive;
    auditor *auditor;
    heard ours, theirs;
    crowd people;
    mx_input input;
    mx_command command;
    uint64_t at;
    uint64_t spoken;       /* reports of this input that are bounded */
    uint32_t most_reports; /* in force at any time of it */
    char *fault;
    size_t fault_bytes;
} stage;

static void overflow(mx_sink *sink, void *context) {
    (void)sink;
    (void)context;
    abort(); /* more reports than a command of these tests can have */
}

static void describe(char *to, size_t room, const mx_report *r) {
    (void)tw_text_format(to, room,
                         "n %u %s %s order %" PRIu64 ".%" PRIu64 " account %d instrument %d leaves %" PRIu64
                         " shown %" PRIu64 " executed %" PRIu64 " price %" PRId64 " last %" PRIu64 " @ %" PRId64
                         " fee %" PRId64,
                         r->n, mx_report_kind_name((mx_report_kind)r->kind), mx_reason_name((mx_reason)r->reason),
                         r->order_id >> 16, r->order_id & 0xFFFF, (int)r->account, (int)r->instrument, r->leaves,
                         r->shown, r->executed, r->price, r->last_quantity, r->last_price, (int64_t)r->fee);
}

static bool wrong(const stage *s, const char *what, const char *more) {
    (void)tw_text_format(s->fault, s->fault_bytes, "seed %" PRIu64 ", command %" PRIu64 " of kind %u: %s%s",
                         s->of->seed, s->at, s->command.kind, what, more);
    return false;
}

/* ---- the two engines ---- */

static bool same_reports(const stage *s) {
    const heard *a = &s->ours, *b = &s->theirs;
    uint32_t count = a->sink.count < b->sink.count ? a->sink.count : b->sink.count, i = 0;
    while (i < count && memcmp(&a->reports[i], &b->reports[i], sizeof(mx_report)) == 0)
        i++;
    if (i == a->sink.count && i == b->sink.count) return true;
    char real[512] = "nothing", naive[512] = "nothing", both[1100];
    if (i < a->sink.count) describe(real, sizeof real, &a->reports[i]);
    if (i < b->sink.count) describe(naive, sizeof naive, &b->reports[i]);
    (void)tw_text_format(both, sizeof both, "\n  engine: %s\n  naive:  %s", real, naive);
    return wrong(s, "the engines differ", both);
}

static bool same_books(const stage *s) {
    for (uint32_t instrument = 0; instrument < mx_instruments(s->real.engine); instrument++) {
        for (unsigned side = TW_BID; side <= TW_ASK; side++) {
            tw_level ours[DEEP], theirs[DEEP];
            uint32_t count = s->real.book_top(s->real.engine, instrument, (tw_side)side, ours, DEEP);
            bool equal = count == s->naive.book_top(s->naive.engine, instrument, (tw_side)side, theirs, DEEP);
            for (uint32_t i = 0; equal && i < count; i++)
                equal = ours[i].price == theirs[i].price && ours[i].quantity == theirs[i].quantity &&
                        ours[i].orders == theirs[i].orders;
            if (!equal) return wrong(s, "the engines' books differ", "");
        }
    }
    return true;
}

static bool same_position(const stage *s, uint32_t account, uint32_t instrument) {
    mx_position_view a, b;
    if (!s->naive.position(s->naive.engine, account, instrument, &b)) return true;
    (void)s->real.position(s->real.engine, account, instrument, &a);
    return a.quantity == b.quantity && a.cost == b.cost && a.realised == b.realised &&
           a.average_price == b.average_price && a.open_buys == b.open_buys && a.open_sells == b.open_sells;
}

static bool same_account(const stage *s, uint32_t account) {
    mx_money ours[3], theirs[3];
    s->real.money(s->real.engine, account, &ours[0], &ours[1], &ours[2]);
    s->naive.money(s->naive.engine, account, &theirs[0], &theirs[1], &theirs[2]);
    if (memcmp(ours, theirs, sizeof ours) != 0) return wrong(s, "the engines' money differs", "");
    for (uint32_t instrument = 0; instrument < mx_instruments(s->real.engine); instrument++)
        if (!same_position(s, account, instrument)) return wrong(s, "the engines' positions differ", "");
    return true;
}

/* The accounts whose orders were executed: what they hold now, and what it cost. */
static bool same_traders(const stage *s) {
    uint64_t looked_at = 0;
    for (uint32_t i = 0; i < s->ours.sink.count; i++) {
        const mx_report *r = &s->ours.reports[i];
        if (r->kind != MX_FILL || (looked_at >> (r->account * 8 + r->instrument) & 1) != 0) continue;
        looked_at |= UINT64_C(1) << (r->account * 8 + r->instrument);
        if (!same_position(s, r->account, r->instrument)) return wrong(s, "the engines' positions differ", "");
    }
    return true;
}

/* ---- what must hold of the engine alone ---- */

/* Beyond its bound an input says what ends, which states stop, and two things at most for each command. */
static bool stays_within(stage *s) {
    uint32_t in_force = mx_bounds_in_force(s->real.engine)->max_reports;
    if (s->input.index == 0) s->spoken = s->most_reports = 0;
    if (in_force > s->most_reports) s->most_reports = in_force;
    for (uint32_t i = 0; i < s->ours.sink.count; i++) {
        const mx_report *r = &s->ours.reports[i];
        s->spoken += r->kind != MX_CANCELLED && r->kind != MX_EXPIRED && r->kind != MX_SESSION_ENDED &&
                     r->kind != MX_STATE_CHANGED;
    }
    return s->spoken <= (uint64_t)s->most_reports + 8 + 2 * ((uint64_t)s->input.index + 1) ||
           wrong(s, "the input made more reports than it may", "");
}

static bool whole(stage *s) {
    tw_error error = {0};
    const char *broken = auditor_whole(s->auditor, s->real.engine);
    if (broken != NULL) return wrong(s, "everything: ", broken);
    if (!mx_engine_check(s->real.engine, &error)) return wrong(s, "the engine's own walk: ", error.text);
    if (s->of->alone) return true;
    broken = naive_broken(s->naive.engine);
    if (broken != NULL) return wrong(s, "the naive engine: ", broken);
    for (uint32_t account = 0; account < mx_accounts(s->real.engine); account++)
        if (!same_account(s, account)) return false;
    return same_books(s);
}

/* Another engine, with other memory, goes on from what this one saved. */
static bool restart(stage *s) {
    shelf saved = {0};
    tw_error error = {0};
    venue next = venue_real();
    bool good = mx_snapshot_write(s->real.engine, shelf_keep, &saved, &error) == TW_OK &&
                mx_snapshot_read(next.engine, shelf_fetch, &saved, &error) == TW_OK &&
                mx_state_hash(next.engine) == mx_state_hash(s->real.engine);
    free(saved.bytes);
    s->real.close(s->real.engine);
    s->real = next;
    return good || wrong(s, "a restart is not the same: ", error.text);
}

/* ---- a command, and all of them ---- */

static uint8_t state_before(const stage *s) {
    mx_instrument_view view;
    if (s->command.kind != MX_NEW_ORDER || !mx_instrument_get(s->real.engine, s->command.order.instrument, &view))
        return MX_STATES;
    return view.state;
}

static bool step(stage *s, tally *t) {
    crowd_next(&s->people, &s->input, &s->command);
    bool held = mx_next_due(s->real.engine) == mx_now(s->real.engine);
    uint8_t before = state_before(s);
    s->ours.sink.count = s->theirs.sink.count = 0;
    s->real.apply(s->real.engine, &s->input, &s->command, &s->ours.sink);
    if (!s->of->alone) {
        s->naive.apply(s->naive.engine, &s->input, &s->command, &s->theirs.sink);
        if (!same_reports(s) || !same_traders(s)) return false;
    }
    const char *broken =
        auditor_step(s->auditor, s->real.engine, &s->input, &s->command, s->ours.reports, s->ours.sink.count);
    if (broken != NULL) return wrong(s, broken, "");
    crowd_hear(&s->people, s->ours.reports, s->ours.sink.count);
    bool used_up = mx_steps(s->real.engine) >= mx_bounds_in_force(s->real.engine)->max_steps;
    tally_note(t, &s->command, before, held, used_up, s->ours.reports, s->ours.sink.count);
    return stays_within(s);
}

static bool live(stage *s, tally *t) {
    for (s->at = 0; s->at < s->of->commands; s->at++) {
        if (s->of->restart_at != 0 && s->at == s->of->restart_at) {
            if (!restart(s)) return false;
            t->restarts++;
        }
        if (!step(s, t)) return false;
        if (s->at % s->of->whole_every == s->of->whole_every - 1 && !whole(s)) return false;
    }
    return whole(s);
}

bool world_run(const world *of, tally *t, char *fault, size_t fault_bytes) {
    stage *s = calloc(1, sizeof *s);
    if (s == NULL) abort();
    *s = (stage){.of = of,
                 .real = venue_real(),
                 .naive = venue_naive(),
                 .auditor = auditor_alloc(),
                 .fault = fault,
                 .fault_bytes = fault_bytes};
    s->ours.sink = (mx_sink){.reports = s->ours.reports, .capacity = REPORTS, .full = overflow};
    s->theirs.sink = (mx_sink){.reports = s->theirs.reports, .capacity = REPORTS, .full = overflow};
    crowd_init_as(&s->people, of->seed, &of->manner);
    bool good = live(s, t);
    t->worlds++;
    if (auditor_most_open(s->auditor) > t->most_open) t->most_open = auditor_most_open(s->auditor);
    s->real.close(s->real.engine);
    s->naive.close(s->naive.engine);
    auditor_free(s->auditor);
    free(s);
    return good;
}

/* Many orders rest, far and near, and little ends them. */
static void make_deep(crowd_manner *m) {
    m->prices = 60;
    m->news = 850;
    m->cancels = 60;
    m->controls = 1;
    m->good_till_cancelled = 95;
    m->others = 5;
    m->post_only = 60;
    m->minimums = 1;
    m->dumping = 0;
    m->tight = 0;
    m->open = 95;
    m->jumps = 0;
    m->in_sessions = 1;
    m->recent = CROWD_RECENT;
}

/* Trading stops and begins again while inputs are full of stops. */
static void make_halting(crowd_manner *m) {
    m->bounds = 6;
    m->controls = 80;
    m->open = 40;
    m->others = 60;
    m->batched = 60;
}

world world_of(uint64_t seed, uint64_t commands) {
    world w = {.seed = seed, .commands = commands, .whole_every = 64, .manner = crowd_manner_of(seed)};
    if (seed % 8 == 0) w.manner = crowd_usual;
    if (seed % 5 == 1) w.manner.bounds = 4 + 2 * (uint32_t)(seed / 5 % 4);
    if (seed % 4 == 3) w.restart_at = commands / 4 + seed % 1000;
    if (seed % 10 == 1) make_halting(&w.manner);
    if (seed % 50 == 13) {
        make_deep(&w.manner);
        w.whole_every = 512;
    }
    if (seed % 25 == 7) {
        w.alone = true;
        w.manner.pages = 3 + (uint32_t)(seed / 25 % 6);
        w.manner.dumping = 10;
        w.manner.prices = 40;
    }
    return w;
}
