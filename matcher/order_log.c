/*
 * What became of each order, in the log: one line a report with --log-level debug, told by every replica that takes the input; and
 * refusals above that level, by the one that leads, as one line a second with a count. Each line carries the correlation id, by which one
 * order is followed from the gateway's log to here (docs/operations.md).
 *
 * This is for people who look for one order. The journal has them all: `tickwire journal show --correlation ID`.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "matcher/wire/translate.h"
#include "runtime/clock.h"

#define MOST_FIELDS 15u

struct order_log {
    matcher *matcher;
    bool each; /* the level is debug */
    rt_log_site refused_site;
    char unreadable[WIRE_CORRELATION_BYTES]; /* of the input's first command that could not be read */
    bool has_unreadable;
};

static bool is_refusal(const mx_report *report) {
    return report->kind == MX_REJECTED || report->kind == MX_CANCEL_REJECTED ||
           report->kind == MX_REPLACE_REJECTED || report->kind == MX_REFUSED;
}

/* Time that goes on and sessions that live are about no order. */
static bool is_pulse(const mx_report *report) {
    return report->kind == MX_DONE && (report->command == MX_CLOCK || report->command == MX_SESSION_BEAT);
}

/* ---- a line ---- */

typedef struct line {
    rt_field fields[MOST_FIELDS];
    size_t count;
} line;

static void add(line *l, rt_field field) {
    l->fields[l->count++] = field;
}

static void add_text(line *l, const char *name, const char *text) {
    if (text[0] != '\0') add(l, RT_STR(name, text));
}

static void add_names(line *l, const mx_engine *engine, const mr_record *record, wire_named_account *account,
                      wire_named_instrument *instrument) {
    bool known = mw_named_account(engine, record->report.account, account);
    bool listed = mw_named_instrument(engine, record->report.instrument, instrument);
    add_text(l, "account", known ? account->name : mr_asked_account(record));
    add_text(l, "symbol", listed ? instrument->symbol : mr_asked_symbol(record));
}

/* An answer to a cancel or a replace carries that request's id: the order's own stands beside it. */
static void add_ids(line *l, const mr_record *record) {
    const char *of_order = mr_order_correlation(record);
    add(l, RT_STR("correlation_id", record->correlation));
    if (strcmp(of_order, record->correlation) != 0) add_text(l, "order_correlation_id", of_order);
}

static void write_line(order_log *self, rt_level level, rt_log_site *site, const char *message,
                       const mr_record *record) {
    const matcher *m = self->matcher;
    const mx_report *report = &record->report;
    char order[MX_EXECUTION_ID_BYTES] = "", execution[MX_EXECUTION_ID_BYTES], client[WIRE_CLIENT_ID_BYTES];
    wire_named_account account;
    wire_named_instrument instrument;
    line l = {.count = 0};
    if (report->order_id != 0)
        (void)tw_text_format(order, sizeof order, "%" PRIu64 "-%" PRIu64 "-%" PRIu64, m->settings.shard,
                             report->order_id >> 16, report->order_id & UINT64_C(0xffff));
    mx_execution_id(execution, sizeof execution, (uint32_t)m->settings.shard, report);
    mw_client_id_text(&report->client_id, client);
    add_ids(&l, record);
    add(&l, RT_STR("kind", mx_report_kind_name((mx_report_kind)report->kind)));
    if (report->reason != 0) add(&l, RT_STR("reason", mx_reason_name((mx_reason)report->reason)));
    add_names(&l, mr_engine(m->replica), record, &account, &instrument);
    add_text(&l, "order_id", order);
    add_text(&l, "client_order_id", client);
    add(&l, RT_STR("execution_id", execution));
    if (report->kind == MX_FILL) add(&l, RT_U64("last_quantity", report->last_quantity));
    if (report->order_id != 0) add(&l, RT_U64("leaves", report->leaves));
    if (report->duplicate) add(&l, RT_STR("duplicate", "true"));
    if (site != NULL)
        rt_log_write_limited(m->log, site, level, message, l.fields, l.count);
    else
        rt_log_write(m->log, level, message, l.fields, l.count);
}

/* ---- what is heard ---- */

void order_log_input(order_log *self) {
    self->has_unreadable = false;
    self->unreadable[0] = '\0';
}

void order_log_hear(order_log *self, const mr_record *record) {
    const mx_report *report = &record->report;
    const matcher *m = self->matcher;
    bool refusal = is_refusal(report);
    if (!refusal && !self->each) return;
    if (refusal && !self->has_unreadable &&
        (report->reason == MXR_UNREADABLE || report->reason == MXR_NOT_ALLOWED_HERE)) {
        self->has_unreadable = true;
        tw_text_copy(self->unreadable, sizeof self->unreadable, record->correlation);
    }
    if (self->each) {
        const char *message = report->order_id != 0 ? "an order's report" : "a report";
        if (!is_pulse(report)) write_line(self, RT_DEBUG, NULL, message, record);
    } else if (leading_serves(m->leading) && rt_log_writes(m->log, RT_INFO) &&
               !rt_log_site_rests(&self->refused_site, rt_clock_monotonic_ns())) {
        write_line(self, RT_INFO, &self->refused_site, "an order request is refused", record);
    }
}

const char *order_log_unreadable(const order_log *self) {
    return self->unreadable;
}

/* ---- life ---- */

tw_code order_log_open(order_log **opened, matcher *m, tw_error *error) {
    order_log *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the orders' log");
    self->matcher = m;
    self->each = rt_log_writes(m->log, RT_DEBUG);
    return TW_OK;
}

void order_log_close(order_log *self) {
    free(self);
}
