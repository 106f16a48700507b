/* The doors of a simulated gateway, its clients, and what must hold of what they were told. */
#include "tests/sim/gateway_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "runtime/clock.h"

#define SHARD           1u
#define TICK_NS         (10 * WORLD_MILLISECOND)
#define SESSION_TIMEOUT (2 * WORLD_SECOND)
#define BEAT_TICKS      40u
#define SESSION_TICKET  (UINT64_C(1) << 63)
#define OPENING         (UINT64_C(1) << 62)
#define ANSWER_NS       WORLD_SECOND

typedef struct gateway_feed {
    gateway_node *gateway;
    uint32_t feed;
} gateway_feed;

/* A page that was asked for; its answer comes to an inbox of its own. */
typedef struct page_question {
    gateway_node *gateway;
    bus_subscription *inbox;
    uint32_t chase;
    uint64_t after;
    uint32_t after_n;
    bool over;
} page_question;

/* ---- orders ---- */

static uint64_t order_ticket(uint32_t client, uint32_t order) {
    return (uint64_t)client << 32 | order;
}

/* Told by execution reports, or resend: nothing else. */
static void order_done(gateway_node *g, uint64_t ticket, const bus_write_result *result, uint32_t index) {
    gateway_order *o = &g->clients[ticket >> 32].orders[ticket & UINT32_MAX];
    o->under_way = false;
    if (result->outcome != BUS_WRITE_STORED || o->acknowledged) return;
    o->acknowledged = true;
    o->seq = result->seq;
    o->index = index;
}

static void session_done(gateway_node *g, uint64_t ticket, const bus_write_result *result) {
    uint32_t number = (uint32_t)ticket;
    uint64_t id = sessions_id(g->sessions, number);
    if ((id & 0xffffff) != (ticket >> 32 & 0xffffff)) return;
    bool opening = (ticket & OPENING) != 0;
    if (result->outcome == BUS_WRITE_STORED) {
        sessions_heard(g->sessions, number, id, rt_clock_monotonic_ns() - result->took_ns);
        if (opening) sessions_opened(g->sessions, number, id);
    } else if (opening && result->outcome == BUS_WRITE_UNKNOWN) {
        sessions_doubt(g->sessions, number, id);
    } else if (opening) {
        sessions_fail(g->sessions, number, id);
    }
}

typedef struct done {
    gateway_node *gateway;
    const bus_write_result *result;
} done;

static void on_command_done(void *context, uint64_t ticket, uint32_t index) {
    const done *d = context;
    if ((ticket & SESSION_TICKET) != 0)
        session_done(d->gateway, ticket, d->result);
    else
        order_done(d->gateway, ticket, d->result, index);
}

static void on_write(void *context, const bus_write_result *result) {
    done d = {context, result};
    (void)batcher_done(d.gateway->batcher, result->token, on_command_done, &d);
}

static void send_batches(gateway_node *g, int64_t now_ns) {
    batcher_batch batch;
    while (batcher_next(g->batcher, now_ns, &batch)) {
        tw_code code = bus_writer_write(g->writer, "orderbatch.TWEX.1", batch.bytes, batch.length, BUS_ANY_LAST_SEQ,
                                        batcher_next_number(g->batcher));
        if (code == TW_FULL) return;
        if (code != TW_OK) {
            const bus_write_result refused = {.outcome = BUS_WRITE_REFUSED};
            done d = {g, &refused};
            batcher_take_back(g->batcher, INT64_MAX, on_command_done, &d);
            return;
        }
        batcher_left(g->batcher);
    }
}

static bool put_session(gateway_node *g, uint32_t session, uint64_t id, uint8_t kind) {
    wire_order_command c = wire_order_command_empty;
    c.kind = kind;
    c.session = id;
    c.timeout_ns = kind == WIRE_SESSION_OPEN ? (uint64_t)SESSION_TIMEOUT : 0;
    (void)tw_text_copy(c.account, sizeof c.account, "ann");
    uint64_t ticket = SESSION_TICKET | (kind == WIRE_SESSION_OPEN ? OPENING : 0) | (id & 0xffffff) << 32 | session;
    return batcher_put(g->batcher, &c, ticket, rt_clock_monotonic_ns());
}

/* The client's session, opened in front of its first order. 0: there is no room. */
static uint64_t session_of(gateway_node *g, uint32_t client) {
    uint32_t session = sessions_find(g->sessions, client, SHARD);
    if (session != SESSION_NONE) {
        uint64_t old = sessions_id(g->sessions, session);
        bool ready = !sessions_doubtful(g->sessions, session) || put_session(g, session, old, WIRE_SESSION_OPEN);
        return ready ? old : 0;
    }
    uint64_t id = (uint64_t)(g->process.life + 1) << 20 | ++g->sessions_made;
    session = sessions_enter(g->sessions, client, SHARD, id, rt_clock_monotonic_ns());
    if (session == SESSION_NONE) return 0;
    if (put_session(g, session, id, WIRE_SESSION_OPEN)) return id;
    sessions_forget(g->sessions, session);
    return 0;
}

static void tend_sessions(gateway_node *g) {
    uint32_t shard, cursor = SESSION_NONE;
    session_due due;
    while (sessions_take_lost(g->sessions, rt_clock_monotonic_ns(), &shard) != 0)
        ;
    while (sessions_next(g->sessions, &cursor, &due)) {
        uint8_t kind = due.closing ? WIRE_SESSION_CLOSE : due.doubtful ? WIRE_SESSION_OPEN : WIRE_SESSION_BEAT;
        if (put_session(g, due.session, due.id, kind) && due.closing) sessions_forget(g->sessions, due.session);
    }
}

static void send_order(gateway_node *g, uint32_t client, uint32_t number) {
    gateway_order *o = &g->clients[client].orders[number];
    world *w = g->host.server->world;
    wire_order_command c = o->command;
    o->retry_ns = world_now(w) + world_between(w, 50 * WORLD_MILLISECOND, 900 * WORLD_MILLISECOND);
    if (o->on_disconnect) c.session = session_of(g, client);
    o->under_way = batcher_put(g->batcher, &c, order_ticket(client, number), rt_clock_monotonic_ns());
}

static void new_order(gateway_node *g, uint32_t client) {
    gateway_client *c = &g->clients[client];
    world *w = g->host.server->world;
    uint64_t last = c->count > 0 ? c->orders[c->count - 1].seq << 16 | c->orders[c->count - 1].index : 0;
    gateway_order *o = &c->orders[c->count++];
    *o = (gateway_order){.on_disconnect = world_odds(w, 1, 3)};
    traffic_make_order(w, c->account, (client + 1) * 100000 + c->count, c->count < 20 ? c->count - 1 : 20, last,
                       &o->command);
    send_order(g, client, c->count - 1);
}

/* Now and then it sends again what it knows to be in the stream. */
static void tend_client(gateway_node *g, uint32_t client) {
    gateway_client *c = &g->clients[client];
    world *w = g->host.server->world;
    uint32_t open = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        gateway_order *o = &c->orders[i];
        if (o->acknowledged) continue;
        open++;
        if (!o->under_way && o->retry_ns <= world_now(w)) send_order(g, client, i);
    }
    if (g->quiet) return;
    if (open < 10 && c->count < GATEWAY_ORDERS && world_odds(w, 1, 14)) new_order(g, client);
    if (c->count > 0 && world_odds(w, 1, 300)) {
        uint32_t i = (uint32_t)tw_random_below(world_chance(w), c->count);
        if (!c->orders[i].under_way) send_order(g, client, i);
    }
}

/* ---- reports ---- */

static void deliver(void *context, uint32_t client, const char *account, uint32_t shard, const wire_report *report,
                    const void *message) {
    gateway_client *c = &((gateway_node *)context)->clients[client];
    (void)message;
    if (strcmp(account, c->account) != 0 || shard != SHARD)
        (void)tw_text_copy(c->wrong, sizeof c->wrong, "it was given another account's report");
    if (c->told_count == c->told_room) {
        c->told_room = c->told_room == 0 ? 64 : c->told_room * 2;
        c->told = realloc(c->told, c->told_room * sizeof *c->told);
        TW_ASSERT(c->told != NULL);
    }
    c->told[c->told_count++] = *report;
    world_tell(c->gateway->host.server->world, "gateway: client %" PRIu32 " of %s is given %" PRIu64 "-%" PRIu32,
               client, account, report->seq, report->n);
}

static void on_live(void *context, const bus_message *m) {
    const gateway_feed *f = context;
    wire_executions batch;
    wire_part part;
    if (wire_executions_open(&batch, m->bytes, m->length) != WIRE_OK) return;
    world_tell(f->gateway->host.server->world,
               "gateway: live reports of %s, inputs %" PRIu64 " to %" PRIu64 ", term %" PRIu64,
               batch.header.account, batch.header.first_seq, batch.header.last_seq, batch.header.term);
    while (wire_executions_next(&batch, &part))
        if (part.kind == WIRE_PART_REPORT)
            follow_take_live(f->gateway->follow, f->feed, batch.header.shard, batch.header.term, &part.report, NULL,
                             rt_clock_monotonic_ns());
}

static void listen_to(void *context, uint32_t feed, const char *account) {
    gateway_node *g = context;
    char subject[SUBJECT_BYTES];
    tw_error error;
    TW_ASSERT(feed < GATEWAY_FEEDS && subject_executions(subject, sizeof subject, account));
    gateway_feed *f = world_keep(g->host.server->world, sizeof *f);
    *f = (gateway_feed){g, feed};
    (void)bus_subscribe(g->bus, subject, on_live, f, 0, &g->feeds[feed], &error);
}

static void unlisten_to(void *context, uint32_t feed, const char *account) {
    gateway_node *g = context;
    (void)account;
    bus_unsubscribe(g->feeds[feed]);
}

static void tell_lost(void *context, uint32_t client, const char *account, uint32_t shard) {
    gateway_client *c = &((gateway_node *)context)->clients[client];
    (void)account, (void)shard;
    if (c->lost_count == 64) c->lost_count--;
    const wire_report *last = c->told_count > 0 ? &c->told[c->told_count - 1] : NULL;
    c->lost[c->lost_count++] = (follow_position){SHARD, last == NULL ? 0 : last->seq, last == NULL ? 0 : last->n};
}

static void on_page(void *context, const bus_message *m) {
    page_question *q = context;
    gateway_node *g = q->gateway;
    wire_query_reply reply;
    wire_part part;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (q->over) return;
    q->over = true;
    bus_unsubscribe(q->inbox);
    if (wire_query_reply_open(&reply, m->bytes, m->length) != WIRE_OK || reply.header.code == WIRE_REPLY_BUSY) {
        follow_fail(g->follow, q->chase, now_ns);
        return;
    }
    world_tell(g->host.server->world, "gateway: a page of %s's executions, true at %" PRIu64 ", %s%s",
               reply.header.account, reply.header.seq, reply.header.more ? "and more" : "the last",
               reply.header.detail);
    for (uint32_t i = 0; i < GATEWAY_CLIENTS && reply.header.detail[0] != '\0'; i++)
        g->clients[i].begins_late |= strcmp(g->clients[i].account, reply.header.account) == 0;
    if (reply.header.code == WIRE_REPLY_OK && reply.header.detail[0] != '\0' && (q->after > 0 || q->after_n > 0))
        follow_lost(g->follow, q->chase, q->after, q->after_n, tell_lost, g);
    while (wire_query_reply_next(&reply, &part))
        if (part.kind == WIRE_PART_REPORT) follow_take_page(g->follow, q->chase, &part.report, NULL);
    follow_end_page(g->follow, q->chase, reply.header.seq, reply.header.more, now_ns);
}

static void no_page(void *context, void *data, size_t length) {
    page_question *q = context;
    (void)data, (void)length;
    if (q->over) return;
    q->over = true;
    bus_unsubscribe(q->inbox);
    follow_fail(q->gateway->follow, q->chase, rt_clock_monotonic_ns());
}

static void ask_page(gateway_node *g, const follow_question *wanted) {
    world *w = g->host.server->world;
    uint8_t bytes[512];
    char inbox[SUBJECT_BYTES];
    tw_error error;
    wire_query query = {
        .kind = WIRE_QUERY_EXECUTIONS, .after = wanted->after, .after_n = wanted->after_n, .limit = 50};
    (void)tw_text_copy(query.account, sizeof query.account, wanted->account);
    page_question *q = world_keep(w, sizeof *q);
    *q = (page_question){.gateway = g, .chase = wanted->chase, .after = wanted->after, .after_n = wanted->after_n};
    (void)bus_new_inbox(g->bus, inbox, sizeof inbox, &error);
    (void)bus_subscribe(g->bus, inbox, on_page, q, 0, &q->inbox, &error);
    size_t length = wire_query_encode(&query, bytes, sizeof bytes);
    (void)bus_publish_request(g->bus, "query.TWEX.1", inbox, bytes, length);
    world_tell(w, "gateway: asks for %s's executions after %" PRIu64 "-%" PRIu32, wanted->account, wanted->after,
               wanted->after_n);
    world_after(w, &g->process, ANSWER_NS, no_page, q);
}

static void on_bus(void *context, bus_event event, const char *detail) {
    gateway_node *g = context;
    (void)detail;
    if (event == BUS_RECONNECTED || event == BUS_SLOW_CONSUMER)
        follow_missed(g->follow, SHARD, tell_lost, g, rt_clock_monotonic_ns());
}

/* ---- life ---- */

static void on_tick(void *context) {
    gateway_node *g = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    follow_question wanted;
    if (++g->ticks % BEAT_TICKS == 0) tend_sessions(g);
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        tend_client(g, i);
    send_batches(g, now_ns);
    while (follow_next_question(g->follow, now_ns, &wanted))
        ask_page(g, &wanted);
}

static void before_event(void *context) {
    fake_run_as(&((gateway_node *)context)->host);
}

void gateway_init(gateway_node *g, server *s) {
    static const uint32_t accounts[GATEWAY_CLIENTS] = {4, 5, 4}; /* two of them are one account's */
    g->host.server = s;
    (void)tw_text_copy(g->process.name, sizeof g->process.name, "gateway");
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++) {
        g->clients[i].gateway = g;
        (void)tw_text_copy(g->clients[i].account, WIRE_ACCOUNT_BYTES, traffic_account(accounts[i]));
    }
}

static void take_clients(gateway_node *g) {
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++) {
        gateway_client *c = &g->clients[i];
        const wire_report *last = c->told_count > 0 ? &c->told[c->told_count - 1] : NULL;
        follow_position from = {SHARD, last == NULL ? 0 : last->seq, last == NULL ? 0 : last->n};
        for (uint32_t j = 0; j < c->count; j++)
            c->orders[j].under_way = false;
        TW_ASSERT(follow_add(g->follow, i, c->account, &from, 1, rt_clock_monotonic_ns()));
    }
}

void gateway_start(gateway_node *g) {
    world *w = g->host.server->world;
    tw_error error;
    world_start_process(w, &g->process);
    g->process.before = before_event;
    g->process.context = g;
    g->host.process = &g->process;
    g->host.life = g->process.life;
    g->loop.data = &g->host;
    fake_run_as(&g->host);
    g->bus = server_connect(g->host.server, &g->process, on_bus, g);
    const bus_writer_options writer = {.on_result = on_write, .context = g, .timeout_ns = WORLD_SECOND};
    const batcher_options batches = {.capacity = 1024,
                                     .most_under_way = 4,
                                     .most_commands = 64,
                                     .most_bytes = 32 * 1024,
                                     .gather_ns = WORLD_MILLISECOND,
                                     .sender = "gateway"};
    const follow_options follow = {.max_clients = GATEWAY_CLIENTS,
                                   .max_feeds = GATEWAY_FEEDS,
                                   .max_followers = 8,
                                   .max_chases = 16,
                                   .retry_ns = 200 * WORLD_MILLISECOND};
    const follow_handlers handlers = {g, deliver, listen_to, unlisten_to};
    g->batcher = batcher_alloc(&batches);
    g->sessions = sessions_alloc(GATEWAY_CLIENTS, 16, SESSION_TIMEOUT);
    g->follow = follow_alloc(&follow, &handlers);
    TW_ASSERT(g->batcher != NULL && g->sessions != NULL && g->follow != NULL);
    (void)bus_writer_open(&g->writer, g->bus, &g->loop, &writer, &error);
    (void)ticker_open(&g->ticker, &g->loop, TICK_NS, on_tick, g, &error);
    take_clients(g);
}

void gateway_kill(gateway_node *g) {
    server_cut(g->bus);
    world_kill_process(g->host.server->world, &g->process);
    follow_free(g->follow);
    sessions_free(g->sessions);
    batcher_free(g->batcher);
}

void gateway_fini(gateway_node *g) {
    if (g->process.alive) gateway_kill(g);
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        free(g->clients[i].told);
}

/* ---- what must hold ---- */

static const wire_report *last_of(const execlog_report *reports, size_t count, const char *account) {
    for (size_t i = count; i > 0; i--)
        if (strcmp(reports[i - 1].account, account) == 0) return &reports[i - 1].report;
    return NULL;
}

static bool was_told_lost(const gateway_client *c, const wire_report *before) {
    for (uint32_t i = 0; i < c->lost_count; i++)
        if (c->lost[i].seq == (before == NULL ? 0 : before->seq) &&
            c->lost[i].n == (before == NULL ? 0 : before->n))
            return true;
    return false;
}

const char *gateway_not_at_rest(const gateway_node *g, const server_stream *journal) {
    size_t count;
    const char *missing = NULL;
    execlog_report *reports = checks_read(journal, &count);
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++) {
        const gateway_client *c = &g->clients[i];
        const wire_report *last = last_of(reports, count, c->account);
        const wire_report *told = c->told_count > 0 ? &c->told[c->told_count - 1] : NULL;
        for (uint32_t j = 0; j < c->count; j++)
            if (!c->orders[j].acknowledged) missing = "a gateway's client waits for an acknowledgement";
        if ((told == NULL && c->begins_late) || was_told_lost(c, told)) continue; /* no more than that is kept */
        if (last != NULL && (told == NULL || told->seq != last->seq || told->n != last->n))
            missing = "a gateway's client has not been given its account's last report";
        if (last != NULL && told != NULL && told->seq < last->seq)
            world_tell(g->host.server->world,
                       "gateway: client %" PRIu32 " of %s was given %" PRIu64 "-%" PRIu32
                       ", execlog ends with %" PRIu64 "-%" PRIu32,
                       i, c->account, told->seq, told->n, last->seq, last->n);
    }
    free(reports);
    return missing;
}

/* Does the stream have the order where its client was told that it is? */
static bool is_in_stream(const server_stream *orders, const gateway_order *o) {
    const server_message *m = server_get(orders, o->seq);
    wire_orders batch;
    wire_order_command c;
    if (m == NULL || wire_orders_open(&batch, m->bytes, m->length) != WIRE_OK) return false;
    for (uint32_t i = 0; wire_orders_next(&batch, &c); i++)
        if (i == o->index)
            return c.kind == o->command.kind && strcmp(c.account, o->command.account) == 0 &&
                   strcmp(c.client_order_id, o->command.client_order_id) == 0 &&
                   strcmp(c.correlation_id, o->command.correlation_id) == 0 && c.order_id == o->command.order_id &&
                   c.quantity == o->command.quantity && c.price == o->command.price;
    return false;
}

static bool check_client(const gateway_client *c, const execlog_report *reports, size_t count, tw_error *error) {
    size_t told = 0;
    for (size_t i = 0; i < count; i++) {
        const wire_report *must = &reports[i].report;
        if (strcmp(reports[i].account, c->account) != 0) continue;
        if (told < c->told_count && c->told[told].seq == must->seq && c->told[told].n == must->n) {
            if (checks_same(&c->told[told++], must)) continue;
            (void)tw_error_set(error, TW_MALFORMED,
                               "a gateway's client of %s was given %" PRIu64 "-%" PRIu32
                               ", which execlog has otherwise",
                               c->account, must->seq, must->n);
            return false;
        }
        if (told == 0 && (c->told_count > 0 || c->begins_late))
            continue; /* who has had nothing yet asks for what there still is */
        if (was_told_lost(c, told > 0 ? &c->told[told - 1] : NULL)) continue;
        (void)tw_error_set(error, TW_MALFORMED, "a gateway's client of %s was not given %" PRIu64 "-%" PRIu32,
                           c->account, must->seq, must->n);
        return false;
    }
    if (told == c->told_count) return true;
    (void)tw_error_set(error, TW_MALFORMED,
                       "a gateway's client of %s was given %" PRIu64 "-%" PRIu32
                       ", again or although it is not in execlog",
                       c->account, c->told[told].seq, c->told[told].n);
    return false;
}

bool gateway_check(const gateway_node *g, const server_stream *orders, const server_stream *journal,
                   checks_counts *counts, tw_error *error) {
    size_t count;
    bool good = true;
    execlog_report *reports = checks_read(journal, &count);
    for (uint32_t i = 0; good && i < GATEWAY_CLIENTS; i++) {
        const gateway_client *c = &g->clients[i];
        for (uint32_t j = 0; good && j < c->count; j++) {
            good = is_in_stream(orders, &c->orders[j]);
            counts->acknowledged++;
            if (!good)
                (void)tw_error_set(error, TW_MALFORMED,
                                   "a gateway told %s that order %s is %" PRIu64 "-%" PRIu32 ": it is not there",
                                   c->account, c->orders[j].command.client_order_id, c->orders[j].seq,
                                   c->orders[j].index);
        }
        counts->told += c->told_count;
        counts->told_lost += c->lost_count;
        if (good && c->wrong[0] != '\0') good = tw_error_set(error, TW_MALFORMED, "%s", c->wrong) == TW_OK;
        if (good) good = check_client(c, reports, count, error);
    }
    free(reports);
    return good;
}
