/* Counting what random comparisons meet: see tally.h. */
#include "tests/matcher/tally.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

/* Reasons that no command of a crowd can have, and why. */
static bool out_of_reach(unsigned reason) {
    switch (reason) {
    case MXR_UNREADABLE: /* matcher/wire says these two of bytes that never become commands: matcher_wire_test */
    case MXR_NOT_ALLOWED_HERE:
        return true;
    default:
        return false;
    }
}

static void note_order(tally *t, const mx_new_order *o, const mx_report *r) {
    t->types[o->type]++;
    t->tifs[o->tif]++;
    t->stps[o->stp]++;
    t->post_only += o->post_only;
    t->with_minimum += o->minimum > 0;
    t->in_sessions += r->session != 0;
}

static void note_report(tally *t, const mx_command *c, const mx_report *r, bool *opens) {
    t->said[r->kind]++;
    if (r->duplicate) {
        t->repeats++;
        t->reasons[MXR_DUPLICATE_CLIENT_ID] += r->reason == MXR_DUPLICATE_CLIENT_ID;
        return;
    }
    if (r->reason < TALLY_REASONS) t->reasons[r->reason]++;
    if (r->kind == MX_REPLACE_REJECTED && r->reason < TALLY_REASONS) t->replaces_refused[r->reason]++;
    if (r->kind == MX_ACCEPTED) note_order(t, &c->order, r);
    if (r->kind == MX_STATE_CHANGED) {
        t->entered[r->state]++;
        *opens = r->state == MX_CONTINUOUS;
    }
    if (r->kind == MX_FILL) {
        t->fills += r->liquidity == MX_TAKER;
        t->opened += *opens && c->kind == MX_SET_STATE && r->liquidity == MX_TAKER;
        t->rebates += r->fee < 0;
    }
    t->taken_icebergs += r->kind == MX_RESTATED && r->reason == MXR_ICEBERG_REFRESH;
    if (r->reason == MXR_SELF_TRADE && c->kind == MX_NEW_ORDER && c->order.stp < MX_STPS)
        t->gave_way[c->order.stp]++;
    if (r->reason != MXR_INPUT_FULL || r->kind != MX_CANCELLED) return;
    t->killed_whole += r->executed == 0 && r->tif == MX_FOK;
    t->swept += r->executed > 0;
}

void tally_note(tally *t, const mx_command *c, uint8_t before, bool held, bool used_up, const mx_report *reports,
                uint32_t count) {
    uint64_t triggers = 0;
    bool opens = false;
    t->commands++;
    t->reports += count;
    t->held += held;
    t->kinds[c->kind < MX_COMMANDS ? c->kind : MX_COMMANDS]++;
    if (c->kind == MX_NEW_ORDER && before < MX_STATES) t->sent_in[before]++;
    for (uint32_t i = 0; i < count; i++) {
        note_report(t, c, &reports[i], &opens);
        triggers += reports[i].kind == MX_TRIGGERED;
        t->steps_used_up += used_up && reports[i].reason == MXR_INPUT_FULL;
    }
    t->chains += triggers > 1;
    if (c->kind == MX_CANCEL)
        t->by_name += c->cancel.target.order_id == 0 && reports[count - 1].kind == MX_CANCELLED;
    if (c->kind == MX_REPLACE && reports[count - 1].kind == MX_REPLACED)
        t->reductions += c->replace.price == TW_PRICE_ABSENT && c->replace.display == MX_SAME;
}

void tally_add(tally *to, const tally *from) {
    uint64_t *a = (uint64_t *)(void *)to;
    const uint64_t *b = (const uint64_t *)(const void *)from;
    uint64_t most = to->most_open > from->most_open ? to->most_open : from->most_open;
    for (size_t i = 0; i < sizeof *to / sizeof *a; i++)
        a[i] += b[i];
    to->most_open = most;
}

_Static_assert(sizeof(tally) % sizeof(uint64_t) == 0, "nothing but counts");

/* What is counted, by name. */
typedef void on_count(void *context, const char *what, const char *which, uint64_t count);

static const char *const kind_names[MX_COMMANDS + 1] = {
    "NEW_ORDER",      "CANCEL",         "REPLACE", "MASS_CANCEL", "CLOCK",         "DEFINE_INSTRUMENT",
    "DEFINE_ACCOUNT", "LIMITS",         "FEES",    "STATE",       "REFERENCE",     "BEGIN_DAY",
    "BLOCK",          "KILL",           "OPEN",    "BEAT",        "SESSION_CLOSE", "STORAGE",
    "SET_BOUNDS",     "no such command"};

static void walk_reasons(const tally *t, on_count *on, void *context) {
#define X(code, name, text)                                                                                        \
    if (!out_of_reach(code)) on(context, "reason", #name, t->reasons[code]);
    MX_REASONS(X)
#undef X
}

static uint64_t refused_by_risk(const tally *t) {
    uint64_t sum = 0;
    for (unsigned reason = MXR_KILL_SWITCH; reason <= MXR_FUNDS; reason++)
        sum += t->replaces_refused[reason];
    return sum;
}

static void walk(const tally *t, on_count *on, void *context) {
    const struct {
        const char *name;
        uint64_t count;
    } situations[] = {{"an iceberg's next part", t->taken_icebergs},
                      {"post-only taken in", t->post_only},
                      {"with a minimum", t->with_minimum},
                      {"in a session", t->in_sessions},
                      {"repeated client order id", t->repeats},
                      {"cancelled by client order id", t->by_name},
                      {"quantity alone replaced", t->reductions},
                      {"trade at the open", t->opened},
                      {"several stops in one command", t->chains},
                      {"sweep ended by a full input", t->swept},
                      {"all or nothing refused by a full input", t->killed_whole},
                      {"something held", t->held},
                      {"refused for want of steps", t->steps_used_up},
                      {"rebate", t->rebates},
                      {"restart", t->restarts},
                      {"replace refused: risk", refused_by_risk(t)},
                      {"replace refused: full", t->replaces_refused[MXR_INPUT_FULL]},
                      {"replace refused: post-only", t->replaces_refused[MXR_POST_ONLY]},
                      {"replace refused: no such order", t->replaces_refused[MXR_UNKNOWN_ORDER]}};
    for (unsigned i = 0; i <= MX_COMMANDS; i++)
        on(context, "command", kind_names[i], t->kinds[i]);
    for (unsigned i = 0; i < MX_TYPES; i++)
        on(context, "type", mx_type_name((mx_type)i), t->types[i]);
    for (unsigned i = 0; i < MX_TIFS; i++)
        on(context, "time in force", mx_tif_name((mx_tif)i), t->tifs[i]);
    for (unsigned i = 0; i < MX_STPS; i++) {
        on(context, "self-trade mode", mx_stp_name((mx_stp)i), t->stps[i]);
        if (i != MX_STP_NONE) on(context, "gave way by", mx_stp_name((mx_stp)i), t->gave_way[i]);
    }
    for (unsigned i = 0; i < MX_STATES; i++) {
        on(context, "order sent while", mx_state_name((mx_state)i), t->sent_in[i]);
        on(context, "entered", mx_state_name((mx_state)i), t->entered[i]);
    }
    for (unsigned i = 0; i < MX_REPORT_KINDS; i++)
        on(context, "report", mx_report_kind_name((mx_report_kind)i), t->said[i]);
    walk_reasons(t, on, context);
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
        on(context, "situation", situations[i].name, situations[i].count);
}

typedef struct judge {
    uint64_t least;
    char *fault;
    size_t room;
    bool good;
} judge;

static void weigh(void *context, const char *what, const char *which, uint64_t count) {
    judge *j = context;
    if (count >= j->least) return;
    size_t used = 0;
    while (j->fault[used] != '\0')
        used++;
    (void)tw_text_format(j->fault + used, j->room - used, "%s%s %s: %" PRIu64, used > 0 ? "; " : "", what, which,
                         count);
    j->good = false;
}

bool tally_suffices(const tally *t, uint64_t least, char *fault, size_t fault_bytes) {
    judge j = {least, fault, fault_bytes, true};
    fault[0] = '\0';
    walk(t, weigh, &j);
    return j.good;
}

static void print(void *context, const char *what, const char *which, uint64_t count) {
    (void)context;
    fprintf(stderr, "%12" PRIu64 "  %s %s\n", count, what, which);
}

void tally_print(const tally *t) {
    fprintf(stderr,
            "%" PRIu64 " commands in %" PRIu64 " worlds, %" PRIu64 " reports, %" PRIu64 " trades, at most %" PRIu64
            " orders open at once\n",
            t->commands, t->worlds, t->reports, t->fills, t->most_open);
    walk(t, print, NULL);
}
