/* What must hold of what a gateway's clients were told: see desk_client.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/orders/report.h"
#include "tests/sim/desk_client.h"

/* ---- reports ---- */

static const execlog_report *last_of(const execlog_list *log, const char *account) {
    for (size_t i = log->count; i > 0; i--)
        if (strcmp(log->reports[i - 1].account, account) == 0) return &log->reports[i - 1];
    return NULL;
}

const char *desk_not_at_rest(const desk_client *c, uint32_t shard, const execlog_list *log) {
    const execlog_report *last = last_of(log, c->account);
    const follow_position *had = &c->had[shard];
    if (c->wrong[0] != '\0') return c->wrong;
    for (uint32_t i = 0; i < c->count; i++)
        if (!c->orders[i].settled) return "a gateway's client waits for an acknowledgement";
    if (last == NULL || (had->seq == last->report.seq && had->n == last->report.n)) return NULL;
    if (had->seq == 0 && c->begins_late[shard]) return NULL;
    return "a gateway's client has not been given its account's last report";
}

static bool write_expected(const desk_client *c, uint32_t shard, const execlog_report *r, char *text,
                           size_t capacity) {
    char subject[SUBJECT_BYTES];
    json_writer w;
    const report_frame frame = {.subject = subject, .account = c->account, .exchange = SIM_MIC, .shard = shard};
    (void)subject_executions(subject, sizeof subject, c->account);
    json_start(&w, text, capacity);
    return report_write(&w, &frame, &r->report, r->instrument.symbol[0] == '\0' ? NULL : &r->instrument);
}

static bool fault(tw_error *error, const desk_client *c, uint32_t shard, uint64_t seq, uint32_t n,
                  const char *what) {
    (void)tw_error_set(error, TW_MALFORMED,
                       "a gateway's client of %s: report %" PRIu32 "-%" PRIu64 "-%" PRIu32 " %s", c->account, shard,
                       seq, n, what);
    return false;
}

static const desk_report *next_told(const desk_client *c, uint32_t shard, size_t *at) {
    while (*at < c->told_count && c->told[*at].at.shard != shard)
        ++*at;
    return *at < c->told_count ? &c->told[*at] : NULL;
}

static bool compare(const desk_client *c, uint32_t shard, const execlog_list *log, tw_error *error) {
    char expected[ORDER_JSON_BYTES];
    size_t at = 0;
    follow_position before = {shard, 0, 0};
    const desk_report *told = next_told(c, shard, &at);
    bool any = told != NULL;
    for (size_t i = 0; i < log->count; i++) {
        const execlog_report *must = &log->reports[i];
        if (strcmp(must->account, c->account) != 0) continue;
        if (told != NULL && told->at.seq == must->report.seq && told->at.n == must->report.n) {
            if (!write_expected(c, shard, must, expected, sizeof expected) || strcmp(expected, told->text) != 0)
                return fault(error, c, shard, must->report.seq, must->report.n, "is another one in execlog");
            before = told->at;
            at++;
            told = next_told(c, shard, &at);
            continue;
        }
        /* who has had nothing yet asks for what there still is */
        if (before.seq == 0 && (any || c->begins_late[shard])) continue;
        return fault(error, c, shard, must->report.seq, must->report.n, "was not given");
    }
    if (told == NULL) return true;
    return fault(error, c, shard, told->at.seq, told->at.n, "was given again, or although it is not in execlog");
}

bool check_desk_reports(const desk_client *c, uint32_t shard, const execlog_list *log, checks_counts *counts,
                        tw_error *error) {
    for (size_t i = 0; i < c->told_count; i++)
        counts->told += c->told[i].at.shard == shard;
    return compare(c, shard, log, error);
}

/* ---- orders ---- */

static bool read_command(const server_stream *orders, uint64_t seq, uint32_t index, wire_order_command *c) {
    const server_message *m = server_get(orders, seq);
    wire_orders batch;
    if (m == NULL || strncmp(m->subject, "control.", 8) == 0 ||
        wire_orders_open(&batch, m->bytes, m->length) != WIRE_OK)
        return false;
    for (uint32_t i = 0; wire_orders_next(&batch, c); i++)
        if (i == index) return true;
    return false;
}

static bool is_the_order(const desk_client *client, const desk_order *o, const wire_order_command *c) {
    const wire_order_command *must = &o->command;
    bool named = must->client_order_id[0] == '\0' || strcmp(c->client_order_id, must->client_order_id) == 0;
    return c->kind == must->kind && named && c->order_id == must->order_id && c->price == must->price &&
           c->quantity == must->quantity && strcmp(c->account, client->account) == 0 &&
           strcmp(c->correlation_id, client->attempts[o->acknowledged - 1].correlation_id) == 0;
}

static bool check_pending(const desk_client *c, server_stream *const *orders, tw_error *error) {
    wire_order_command found;
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t j = 0; c->orders[i].acknowledged != 0 && j < c->orders[i].part_count; j++) {
            const follow_position *at = &c->orders[i].parts[j];
            if (at->shard >= 1 && at->shard <= c->shards &&
                read_command(orders[at->shard - 1], at->seq, at->n, &found) &&
                is_the_order(c, &c->orders[i], &found))
                continue;
            (void)tw_error_set(error, TW_MALFORMED,
                               "a gateway told %s that its order %" PRIu32 " is %" PRIu32 "-%" PRIu64 "-%" PRIu32
                               ": it is not there",
                               c->account, i, at->shard, at->seq, at->n);
            return false;
        }
    return true;
}

/* The attempt that a correlation id names, if it is one of this client's. */
static const desk_attempt *attempt_of(const desk_client *c, const char *correlation_id) {
    uint64_t number = 0;
    char start[32];
    (void)tw_text_format(start, sizeof start, "desk-%" PRIu32 "-", c->number);
    if (strncmp(correlation_id, start, strlen(start)) != 0) return NULL;
    if (!tw_text_to_u64(correlation_id + strlen(start), &number) || number >= c->attempt_count) return NULL;
    return &c->attempts[number];
}

bool check_desk_surely_not(const desk_client *clients, uint32_t count, const server_stream *orders,
                           tw_error *error) {
    wire_orders batch;
    wire_order_command found;
    for (uint64_t seq = 1; seq <= orders->last_seq; seq++) {
        const server_message *m = server_get(orders, seq);
        if (strncmp(m->subject, "orderbatch.", 11) != 0 || wire_orders_open(&batch, m->bytes, m->length) != WIRE_OK)
            continue;
        while (wire_orders_next(&batch, &found)) {
            const desk_attempt *a = NULL;
            for (uint32_t i = 0; a == NULL && i < count; i++)
                a = attempt_of(&clients[i], found.correlation_id);
            if (a == NULL || (a->answer != DESK_SURELY_NOT && a->answer != DESK_REFUSED)) continue;
            (void)tw_error_set(error, TW_MALFORMED,
                               "a gateway told %s that %s is surely not in the stream: it is message %" PRIu64,
                               found.account, found.correlation_id, seq);
            return false;
        }
    }
    return true;
}

bool check_desk_orders(const desk_client *c, server_stream *const *orders, checks_counts *counts, tw_error *error) {
    if (c->wrong[0] != '\0') {
        (void)tw_error_set(error, TW_MALFORMED, "%s", c->wrong);
        return false;
    }
    for (uint32_t i = 0; i < c->count; i++)
        counts->acknowledged += c->orders[i].acknowledged != 0;
    counts->perhaps += c->not_acknowledged;
    counts->surely_not += c->surely_not;
    counts->sessions_lost += c->sessions_lost;
    return check_pending(c, orders, error);
}
