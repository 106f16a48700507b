/* The books: see books.h. */
#include "tests/sim/books.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

enum { ACCOUNTS = TRAFFIC_ACCOUNTS, INSTRUMENTS = 8, MOST_CHANGES = 2 * TRAFFIC_MOST_ORDERS };
enum { ACCEPTED = 0, FILL = 2, REFUSED = 13 }; /* kinds of reports */

static uint32_t account_of(const char *name) {
    uint32_t i = 0;
    while (i < ACCOUNTS && strcmp(traffic_account(i), name) != 0)
        i++;
    return i;
}

static bool is_wrong(tw_error *error, const wire_report *r, const char *account, const char *what) {
    (void)tw_error_set(error, TW_MALFORMED, "report %" PRIu64 "-%" PRIu32 " of %s: %s", r->seq, r->n, account,
                       what);
    return false;
}

/* ---- positions and money ---- */

typedef struct books {
    int64_t positions[ACCOUNTS][INSTRUMENTS];
    mx_money spent[ACCOUNTS], fees[ACCOUNTS];
} books;

static bool is_pair(const execlog_report *one, const execlog_report *other) {
    const wire_report *a = &one->report, *b = &other->report;
    return b->kind == FILL && a->seq == b->seq && a->n + 1 == b->n && a->instrument == b->instrument &&
           a->side != b->side && a->last_price == b->last_price && a->last_quantity == b->last_quantity &&
           a->counter_id == b->order_id && b->counter_id == a->order_id;
}

static void book(books *b, const execlog_report *e) {
    const wire_report *r = &e->report;
    uint32_t account = account_of(e->account);
    mx_money notional = (mx_money)r->last_price * (int64_t)r->last_quantity;
    int64_t quantity = (int64_t)r->last_quantity;
    TW_ASSERT(account < ACCOUNTS && r->instrument < INSTRUMENTS);
    b->positions[account][r->instrument] += r->side == TW_BID ? quantity : -quantity;
    b->spent[account] += r->fee + (r->side == TW_BID ? notional : -notional);
    b->fees[account] += r->fee;
}

static bool fill_books(books *b, const execlog_report *reports, size_t count, checks_counts *counts,
                       tw_error *error) {
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < count; i++) {
        if (reports[i].report.kind != FILL) continue;
        if (i + 1 == count || !is_pair(&reports[i], &reports[i + 1]))
            return is_wrong(error, &reports[i].report, reports[i].account, "a fill without its other side");
        book(b, &reports[i]);
        book(b, &reports[++i]);
        counts->fills++;
    }
    return true;
}

static bool is_conserved(const books *b, tw_error *error) {
    mx_money spent = 0, fees = 0;
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        int64_t sum = 0;
        for (uint32_t a = 0; a < ACCOUNTS; a++)
            sum += b->positions[a][i];
        if (sum != 0)
            return tw_error_set(error, TW_MALFORMED, "positions in instrument %" PRIu32 " sum to %" PRId64, i,
                                sum) == TW_OK;
    }
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
        spent += b->spent[a];
        fees += b->fees[a];
    }
    return spent == fees || tw_error_set(error, TW_MALFORMED, "money is not conserved") == TW_OK;
}

static bool differs(tw_error *error, const char *account, const char *what) {
    (void)tw_error_set(error, TW_MALFORMED, "%s has other %s than its fills say", account, what);
    return false;
}

static bool has_the_same(const books *b, const mx_engine *engine, tw_error *error) {
    mx_account_view view;
    mx_position_view held;
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
        const char *name = traffic_account(a);
        uint32_t number = mx_account_find(engine, name);
        if (number == MX_UNKNOWN || !mx_account_get(engine, number, &view)) continue;
        for (uint32_t i = 0; i < INSTRUMENTS; i++) {
            bool there = mx_position_find(engine, number, i, &held);
            if ((there ? held.quantity : 0) != b->positions[a][i]) return differs(error, name, "positions");
        }
        if (view.spent != b->spent[a] || view.fees != b->fees[a]) return differs(error, name, "money");
    }
    return true;
}

bool check_money(const execlog_list *log, const mx_engine *engine, checks_counts *counts, tw_error *error) {
    books b;
    return fill_books(&b, log->reports, log->count, counts, error) && is_conserved(&b, error) &&
           has_the_same(&b, engine, error);
}

/* ---- what operators changed, in the order of the stream ---- */

typedef struct change {
    uint64_t seq;
    uint32_t index;
    wire_control_command command;
} change;

static change *read_changes(const server_stream *orders, uint8_t kind, size_t *count) {
    change *all = calloc(MOST_CHANGES, sizeof *all);
    *count = 0;
    TW_ASSERT(all != NULL);
    for (uint64_t seq = 1; seq <= orders->last_seq; seq++) {
        const server_message *m = server_get(orders, seq);
        wire_controls batch;
        wire_control_command c;
        if (strncmp(m->subject, "control.", 8) != 0 || wire_controls_open(&batch, m->bytes, m->length) != WIRE_OK)
            continue;
        for (uint32_t index = 0; wire_controls_next(&batch, &c); index++)
            if (c.kind == kind && *count < MOST_CHANGES) all[(*count)++] = (change){seq, index, c};
    }
    return all;
}

static bool is_before(const change *c, const wire_report *r) {
    return c->seq < r->seq || (c->seq == r->seq && c->index < r->index);
}

/* ---- kills ---- */

typedef struct kills {
    bool all, one[ACCOUNTS];
} kills;

static void take_kill(kills *k, const wire_control_command *c) {
    uint32_t account = account_of(c->account);
    if (c->all_accounts)
        k->all = c->on;
    else if (account < ACCOUNTS)
        k->one[account] = c->on;
}

/* One of an account that was not defined by then kills nobody. */
static bool was_refused(const execlog_list *log, const change *c) {
    const execlog_report *end = log->reports + log->count, *at = checks_find(log, c->seq, 0);
    for (; at != NULL && at < end && at->report.seq == c->seq; at++)
        if (at->report.index == c->index && at->report.kind == REFUSED) return true;
    return false;
}

static void take_kills(kills *k, const execlog_list *log, const change *c) {
    if (!was_refused(log, c)) take_kill(k, &c->command);
}

static bool none_is_open(const kills *k, const mx_engine *engine, tw_error *error) {
    mx_account_view view;
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
        uint32_t number = mx_account_find(engine, traffic_account(a));
        if (!(k->all || k->one[a]) || number == MX_UNKNOWN || !mx_account_get(engine, number, &view)) continue;
        if (view.open_orders == 0) continue;
        (void)tw_error_set(error, TW_MALFORMED, "%s has open orders after its kill", view.name);
        return false;
    }
    return true;
}

bool check_kills(const server_stream *orders, const execlog_list *log, const mx_engine *engine,
                 checks_counts *counts, tw_error *error) {
    size_t changes, next = 0;
    const execlog_report *reports = log->reports;
    change *all = read_changes(orders, WIRE_SET_KILL, &changes);
    kills k = {0};
    bool good = true;
    for (size_t i = 0; good && i < log->count; i++) {
        const wire_report *r = &reports[i].report;
        while (next < changes && is_before(&all[next], r))
            take_kills(&k, log, &all[next++]);
        uint32_t account = account_of(reports[i].account);
        if (r->kind != ACCEPTED || r->duplicate || account == ACCOUNTS) continue;
        if (k.all || k.one[account]) good = is_wrong(error, r, reports[i].account, "accepted after a kill");
    }
    while (next < changes)
        take_kills(&k, log, &all[next++]);
    if (good) good = none_is_open(&k, engine, error);
    counts->kills += changes;
    free(all);
    return good;
}

/* ---- limits ---- */

typedef struct open_order {
    uint64_t order_id;
    uint32_t account;
} open_order;

typedef struct open_orders {
    open_order *all;
    size_t count;
    uint32_t of[ACCOUNTS], limits[ACCOUNTS];
} open_orders;

static void end_order(open_orders *o, uint64_t order_id) {
    for (size_t i = 0; i < o->count; i++)
        if (o->all[i].order_id == order_id) {
            o->of[o->all[i].account]--;
            o->all[i] = o->all[--o->count];
            return;
        }
}

static bool step_limits(open_orders *o, const execlog_report *e, tw_error *error) {
    const wire_report *r = &e->report;
    uint32_t account = account_of(e->account);
    if (r->order_id == 0 || r->duplicate || account == ACCOUNTS) return true;
    if (r->kind == ACCEPTED) {
        if (o->of[account] >= o->limits[account])
            return is_wrong(error, r, e->account, "accepted beyond its limit of open orders");
        o->all[o->count++] = (open_order){r->order_id, account};
        o->of[account]++;
    }
    if (r->status >= 3) end_order(o, r->order_id); /* filled, cancelled */
    return true;
}

bool check_limits(const server_stream *orders, const execlog_list *log, tw_error *error) {
    size_t changes, next = 0;
    const execlog_report *reports = log->reports;
    change *all = read_changes(orders, WIRE_SET_LIMITS, &changes);
    open_orders o = {.all = calloc(log->count + 1, sizeof *o.all)};
    bool good = true;
    TW_ASSERT(o.all != NULL);
    for (size_t i = 0; good && i < log->count; i++) {
        for (; next < changes && is_before(&all[next], &reports[i].report); next++) {
            uint32_t account = account_of(all[next].command.account);
            if (account < ACCOUNTS) o.limits[account] = all[next].command.open_orders;
        }
        good = step_limits(&o, &reports[i], error);
    }
    free(o.all);
    free(all);
    return good;
}
