/* The checks: see checks.h. */
#include "tests/sim/checks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "tests/matcher/truth.h"
#include "tests/sim/matcher_node.h"

static mw_message message_of(const server_stream *stream, uint64_t seq) {
    const server_message *m = server_get(stream, seq);
    return (mw_message){
        .subject = m->subject, .seq = seq, .stream_ns = m->stream_ns, .bytes = m->bytes, .length = m->length};
}

bool check_execlog(const server_stream *orders, const server_stream *journal, uint32_t shard, checks_counts *counts,
                   tw_error *error) {
    truth *t = truth_alloc(SIM_MIC, shard);
    bool same = true;
    for (uint64_t seq = 1; seq <= orders->last_seq; seq++) {
        const mw_message m = message_of(orders, seq);
        truth_take(t, &m);
    }
    for (uint64_t seq = 1; same && seq <= journal->last_seq; seq++) {
        same = truth_compare(t, journal->messages[seq - 1].bytes, journal->messages[seq - 1].length, error);
        if (!same) (void)tw_error_wrap(error, "message %" PRIu64 " of execlog", seq);
    }
    counts->inputs += orders->last_seq;
    counts->reports += truth_reports(t);
    counts->messages += journal->last_seq;
    if (same && (truth_journaled(t) != orders->last_seq || truth_midway(t))) {
        (void)tw_error_set(error, TW_MALFORMED,
                           "execlog ends with input %" PRIu64 ", the order stream with %" PRIu64,
                           truth_journaled(t), orders->last_seq);
        same = false;
    }
    truth_free(t);
    return same;
}

bool check_acknowledged(server *where, const traffic_client *client, checks_counts *counts, tw_error *error) {
    for (uint32_t i = 0; i < client->count; i++) {
        const traffic_order *o = &client->orders[i];
        const server_message *m = o->acknowledged ? server_get(server_stream_of(where, o->subject), o->seq) : NULL;
        if (!o->acknowledged) continue;
        counts->acknowledged++;
        if (m != NULL && m->length == o->length && memcmp(m->bytes, o->bytes, o->length) == 0 &&
            strcmp(m->subject, o->subject) == 0)
            continue;
        (void)tw_error_set(error, TW_MALFORMED,
                           "%s's message %" PRIu32 " was acknowledged as %" PRIu64 " and is not there",
                           client->process.name, i, o->seq);
        return false;
    }
    return true;
}

/* ---- execlog as a list ---- */

typedef struct names {
    char accounts[16][WIRE_ACCOUNT_BYTES];
    wire_named_instrument instruments[16];
} names;

static void read_names(wire_executions batch, names *n) {
    wire_part part;
    memset(n, 0, sizeof *n);
    while (wire_executions_next(&batch, &part)) {
        if (part.kind == WIRE_PART_NAMED_ACCOUNT && part.account.number < 16)
            (void)tw_text_copy(n->accounts[part.account.number], WIRE_ACCOUNT_BYTES, part.account.name);
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT && part.instrument.number < 16)
            n->instruments[part.instrument.number] = part.instrument;
    }
}

void checks_read(const server_stream *journal, execlog_list *log) {
    names n;
    size_t room = 0;
    *log = (execlog_list){.last_seq = journal->last_seq};
    for (uint64_t seq = 1; seq <= journal->last_seq; seq++) {
        wire_executions batch;
        wire_part part;
        if (wire_executions_open(&batch, journal->messages[seq - 1].bytes, journal->messages[seq - 1].length) !=
            WIRE_OK)
            continue; /* check_execlog says so */
        read_names(batch, &n);
        while (wire_executions_next(&batch, &part)) {
            if (part.kind != WIRE_PART_REPORT) continue;
            if (log->count == room) {
                room = room == 0 ? 256 : room * 2;
                log->reports = realloc(log->reports, room * sizeof *log->reports);
                TW_ASSERT(log->reports != NULL);
            }
            execlog_report *to = &log->reports[log->count++];
            *to = (execlog_report){.report = part.report};
            bool known = part.report.account < 16;
            (void)tw_text_copy(to->account, sizeof to->account,
                               known ? n.accounts[part.report.account] : part.report.account_name);
            if (part.report.instrument < 16) to->instrument = n.instruments[part.report.instrument];
        }
    }
}

static int by_id(const void *a, const void *b) {
    const wire_report *one = &((const execlog_report *)a)->report, *other = &((const execlog_report *)b)->report;
    if (one->seq != other->seq) return one->seq < other->seq ? -1 : 1;
    return one->n == other->n ? 0 : one->n < other->n ? -1 : 1;
}

const execlog_report *checks_find(const execlog_list *log, uint64_t seq, uint32_t n) {
    const execlog_report key = {.report = {.seq = seq, .n = n}};
    return log->count == 0 ? NULL : bsearch(&key, log->reports, log->count, sizeof *log->reports, by_id);
}

static size_t encode(const wire_report *report, uint8_t buffer[WIRE_PARTS_HEADER_ROOM + 2 * WIRE_PART_ROOM],
                     const uint8_t **bytes) {
    wire_parts parts;
    size_t length;
    wire_report plain = *report;
    plain.counter_id = 0;
    wire_parts_start(&parts, buffer, WIRE_PARTS_HEADER_ROOM + 2 * WIRE_PART_ROOM);
    (void)wire_report_add(&parts, &plain);
    *bytes = wire_execution_batch_finish(&parts, &(wire_execution_header){0}, &length);
    return length;
}

bool checks_same(const wire_report *heard, const wire_report *logged) {
    uint8_t one[WIRE_PARTS_HEADER_ROOM + 2 * WIRE_PART_ROOM], other[WIRE_PARTS_HEADER_ROOM + 2 * WIRE_PART_ROOM];
    const uint8_t *a, *b;
    size_t length = encode(heard, one, &a);
    return heard->counter_id == 0 && length == encode(logged, other, &b) && memcmp(a, b, length) == 0;
}

bool check_live(const execlog_list *log, uint32_t shard, const traffic_ears *ears, checks_counts *counts,
                tw_error *error) {
    bool good = true;
    for (size_t i = 0; good && i < ears->count; i++) {
        wire_executions batch;
        wire_part part;
        good = wire_executions_open(&batch, ears->heard[i].bytes, ears->heard[i].length) == WIRE_OK;
        if (!good) (void)tw_error_set(error, TW_MALFORMED, "a live report can't be read");
        if (good && batch.header.shard != shard) continue;
        while (good && wire_executions_next(&batch, &part)) {
            if (part.kind != WIRE_PART_REPORT) continue;
            counts->live++;
            counts->strange += part.report.account_name[0] != '\0';
            const execlog_report *logged = checks_find(log, part.report.seq, part.report.n);
            good = logged != NULL && checks_same(&part.report, &logged->report) &&
                   strcmp(logged->account, batch.header.account) == 0;
            if (!good)
                (void)tw_error_set(error, TW_MALFORMED, "the live report %" PRIu64 "-%" PRIu32 " of %s %s",
                                   part.report.seq, part.report.n, batch.header.account,
                                   logged == NULL ? "is not in execlog" : "is another one in execlog");
        }
    }
    return good;
}

/* ---- histories ---- */

typedef struct history {
    uint64_t order_id;
    char account[WIRE_ACCOUNT_BYTES], client_order_id[WIRE_CLIENT_ID_BYTES];
    uint32_t instrument;
    uint64_t executed;
    bool ended;
} history;

static history *history_of(history *all, size_t count, uint64_t order_id) {
    for (size_t i = count; i > 0; i--)
        if (all[i - 1].order_id == order_id) return &all[i - 1];
    return NULL;
}

static const char *begin_history(history *all, size_t *count, const execlog_report *r) {
    const wire_report *report = &r->report;
    if (history_of(all, *count, report->order_id) != NULL) return "accepted twice";
    for (size_t i = 0; report->client_order_id[0] != '\0' && i < *count; i++)
        if (strcmp(all[i].client_order_id, report->client_order_id) == 0 &&
            strcmp(all[i].account, r->account) == 0 && all[i].instrument == report->instrument)
            return "its client order id was accepted before";
    history *h = &all[(*count)++];
    *h = (history){.order_id = report->order_id, .instrument = report->instrument};
    (void)tw_text_copy(h->account, sizeof h->account, r->account);
    (void)tw_text_copy(h->client_order_id, sizeof h->client_order_id, report->client_order_id);
    return NULL;
}

static const char *go_on(history *h, const wire_report *report) {
    if (h == NULL) return "never accepted";
    if (h->ended) return "went on after its end";
    if (report->kind == 2) h->executed += report->last_quantity;
    if (h->executed != report->executed) return "its executions do not add up";
    h->ended = report->status >= 3; /* filled, cancelled */
    if (h->ended != (report->leaves == 0)) return "has ended and has something left, or the other way round";
    return NULL;
}

static const char *step_history(history *all, size_t *count, const execlog_report *r) {
    const wire_report *report = &r->report;
    bool of_order = report->order_id != 0 && !report->duplicate;
    if (!of_order || report->kind == 1 || report->kind == 8 || report->kind == 9 || report->kind == 13)
        return NULL; /* refusals change nothing */
    if (report->kind == 0) return begin_history(all, count, r);
    return go_on(history_of(all, *count, report->order_id), report);
}

bool check_histories(const execlog_list *log, checks_counts *counts, tw_error *error) {
    size_t known = 0;
    const char *wrong = NULL;
    const execlog_report *reports = log->reports;
    history *all = calloc(log->count + 1, sizeof *all);
    TW_ASSERT(all != NULL);
    for (size_t i = 0; wrong == NULL && i < log->count; i++) {
        if (i > 0 && by_id(&reports[i - 1], &reports[i]) >= 0) wrong = "its execution id does not rise";
        if (wrong == NULL) wrong = step_history(all, &known, &reports[i]);
        if (wrong != NULL)
            (void)tw_error_set(error, TW_MALFORMED, "report %" PRIu64 "-%" PRIu32 ", order %" PRIu64 ": %s",
                               reports[i].report.seq, reports[i].report.n, reports[i].report.order_id, wrong);
    }
    counts->accepted += known;
    free(all);
    return wrong == NULL;
}

/* ---- replicas ---- */

uint64_t checks_replay(const server_stream *orders, uint32_t shard, uint64_t last) {
    const mr_options options = node_replica_options(shard);
    mr_replica *replica;
    tw_error error;
    mw_applied applied;
    uint64_t hash;
    TW_ASSERT(mr_alloc(&replica, &options, &error) == TW_OK);
    for (uint64_t seq = 1; seq <= last; seq++) {
        const mw_message m = message_of(orders, seq);
        TW_ASSERT(mr_take(replica, &m, NULL, &applied));
    }
    hash = mr_hash(replica);
    mr_free(replica);
    return hash;
}

bool check_replicas(const server_stream *orders, matcher_node *const *nodes, size_t count, tw_error *error) {
    uint64_t hash = count == 0 ? 0 : checks_replay(orders, nodes[0]->shard, orders->last_seq);
    for (size_t i = 0; i < count; i++) {
        if (node_seq(nodes[i]) != orders->last_seq) continue; /* it is told elsewhere if it never gets there */
        if (mr_hash(nodes[i]->daemon.replica) == hash) continue;
        (void)tw_error_set(error, TW_MALFORMED, "%s has another state than a replay from the beginning",
                           nodes[i]->process.name);
        return false;
    }
    return true;
}
