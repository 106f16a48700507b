/* The gateway's life, and what is around the desk in a real one: WebSocket, HTTP, tokens. */
#include "tests/sim/gateway_node.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "gateways/order_inside.h"
#include "runtime/clock.h"

#define TICK_CLIENTS_NS (10 * WORLD_MILLISECOND)

/* ---- what the desk calls: `stream`, `socket` and `doorman` are the node ---- */

static gateway_node *node_of(const void *door) {
    return (gateway_node *)(uintptr_t)door;
}

void stream_answer(stream *s, uint32_t client, const char *json, size_t length, int64_t now_ns) {
    gateway_node *g = node_of(s);
    (void)now_ns;
    if (g->ending) return;
    desk_client *c = &g->clients[client];
    desk_client_take_answer(c, json, length);
    if (!c->there && c->wrong[0] == '\0')
        (void)tw_text_format(c->wrong, sizeof c->wrong, "client %" PRIu32 " was told something after it had left",
                             client);
}

void stream_report(stream *s, uint32_t client, const char *json, size_t length, int64_t now_ns) {
    gateway_node *g = node_of(s);
    (void)now_ns;
    if (g->ending) return;
    desk_client_take_report(&g->clients[client], json, length);
    if (g->host.mutation == MUTATION_TWICE && world_odds(g->host.server->world, 1, 40))
        desk_client_take_report(&g->clients[client], json, length);
}

/* Now and then a client reads slowly. */
size_t stream_room(const stream *s, uint32_t client, size_t *of) {
    const gateway_node *g = node_of(s);
    (void)client;
    *of = 1 << 18;
    return world_odds(g->host.server->world, 1, 20) ? 0 : *of;
}

const identity *doorman_identity(const doorman *d, uint32_t client) {
    return &node_of(d)->identities[client];
}

bool doorman_is_on(const doorman *d) {
    (void)d;
    return true;
}

void socket_end_client(gateway_socket *s, uint32_t client, uint16_t code, const char *reason) {
    gateway_node *g = node_of(s);
    (void)code, (void)reason;
    order_desk_leave(g->self->orders, client);
    desk_client_gone(&g->clients[client], false);
}

#define STATUS(name, number) const http_status name = {number, ""}
STATUS(HTTP_BAD_REQUEST, 400);
STATUS(HTTP_FORBIDDEN, 403);
STATUS(HTTP_NOT_FOUND, 404);
STATUS(HTTP_BAD_GATEWAY, 502);
STATUS(HTTP_NOT_READY, 503);
STATUS(HTTP_TIMEOUT, 504);
STATUS(HTTP_UNAUTHORIZED, 401);
STATUS(HTTP_TOO_MANY, 429);
STATUS(HTTP_ACCEPTED, 202);
STATUS(HTTP_TOO_LARGE, 413);

void http_add_header(http_asked *asked, const char *line) {
    (void)asked, (void)line;
}

bool http_is_mic(const char *text, size_t length) {
    return text != NULL && length == 4;
}

/* Only one client asks by HTTP. */
bool http_answer(gateway *self, const http_asked *asked, http_status status, const char *type, const char *caching,
                 const char *body, size_t length) {
    gateway_node *g = node_of(self->stream);
    (void)type, (void)caching;
    if (g->ending) return false;
    desk_client *c = &g->clients[GATEWAY_CLIENTS - 1];
    desk_client_take_answer(c, body, length);
    bool pending = c->attempts[asked->ticket].answer == DESK_PENDING;
    if (pending != (status.number == 202) && c->wrong[0] == '\0')
        (void)tw_text_format(c->wrong, sizeof c->wrong, "an HTTP answer has the status %d: %.100s", status.number,
                             body);
    return true;
}

/* ---- what the venue says of executions that it does not have any more ---- */

static void look_at_page(void *context, const bus_message *m) {
    gateway_node *g = context;
    wire_query_reply reply;
    if (m->status != 0 || wire_query_reply_open(&reply, m->bytes, m->length) != WIRE_OK) return;
    uint32_t shard = reply.header.shard;
    if (reply.header.detail[0] == '\0' || shard == 0 || shard > SIM_SHARDS) return;
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        if (strcmp(g->clients[i].account, reply.header.account) == 0) g->clients[i].begins_late[shard] = true;
}

/* ---- life ---- */

static void on_tick(void *context) {
    gateway_node *g = context;
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        desk_client_tick(&g->clients[i], g->quiet);
}

static void before_event(void *context) {
    fake_run_as(&((gateway_node *)context)->host);
}

static void wake(void *context, void *data, size_t length) {
    (void)data, (void)length;
    ((gateway_node *)context)->wakes_ns = INT64_MAX;
}

/* As the pipeline does right before the loop waits. */
static void after_event(void *context) {
    gateway_node *g = context;
    world *w = g->host.server->world;
    fake_uv_turn(&g->self->loop);
    int64_t due_ns = order_desk_round(g->self->orders, world_now(w));
    if (due_ns >= g->wakes_ns) return;
    if (due_ns <= world_now(w)) due_ns = world_now(w) + WORLD_MILLISECOND;
    g->wakes_ns = due_ns;
    world_at(w, &g->process, due_ns, wake, g, NULL, 0);
}

static void name_clients(gateway_node *g) {
    static const uint32_t accounts[GATEWAY_CLIENTS] = {4, 5, 4}; /* two of them are one account's */
    static char users[GATEWAY_CLIENTS][8] = {"eve", "fay", "eve"};
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++) {
        const char *account = traffic_account(accounts[i]);
        desk_client_init(&g->clients[i], g, i, account);
        g->identities[i].user = users[i];
        TW_ASSERT(text_list_add(&g->identities[i].accounts, account, strlen(account)));
    }
    g->clients[GATEWAY_CLIENTS - 1].http = true;
}

void gateway_init(gateway_node *g, server *s, uint32_t shards, fake_mutation mutation) {
    g->host.server = s;
    g->host.mutation = mutation;
    g->shards = shards;
    g->self = world_keep(s->world, sizeof *g->self);
    (void)tw_text_copy(g->process.name, sizeof g->process.name, "gateway");
    name_clients(g);
}

static void set(gateway_node *g) {
    g->self->settings = (gateway_settings){.nats = "",
                                           .credentials = "",
                                           .redis = "redis://simulated",
                                           .venue = SIM_MIC,
                                           .anonymous_accounts = "",
                                           .name = "gateway",
                                           .venue_shards = g->shards,
                                           .order_rate = 20,
                                           .order_requests_per_second = 1000,
                                           .order_queue = 64,
                                           .order_batch = 16,
                                           .order_batches = 3,
                                           .order_timeout_ns = WORLD_SECOND,
                                           .order_gather_ns = WORLD_MILLISECOND,
                                           .order_limits_deadline_ns = 500 * WORLD_MILLISECOND,
                                           .session_timeout_ns = 2 * WORLD_SECOND,
                                           .reports_back_ns = 3600 * WORLD_SECOND,
                                           .max_clients = GATEWAY_CLIENTS,
                                           .max_instruments = 16};
}

void gateway_start(gateway_node *g) {
    tw_error error = {0};
    world_start_process(g->host.server->world, &g->process);
    g->process.before = before_event;
    g->process.after = after_event;
    g->process.context = g;
    g->host.process = &g->process;
    g->host.life = g->process.life;
    g->ending = false;
    g->wakes_ns = INT64_MAX;
    memset(g->self, 0, sizeof *g->self);
    set(g);
    fake_run_as(&g->host);
    gateway *self = g->self;
    self->log = rt_log_alloc("tickwire-gateway", "", RT_INFO, 2);
    self->stream = (stream *)(void *)g;
    self->socket = (gateway_socket *)(void *)g;
    self->doorman = (doorman *)(void *)g;
    (void)uv_loop_init(&self->loop);
    tw_code code = asker_open(&self->asker, &self->loop, "", NULL, self, self->log, &error);
    if (code == TW_OK) code = order_desk_open(&self->orders, self, &error);
    TW_ASSERT(code == TW_OK);
    asker_bus(self->asker)->spy = look_at_page;
    asker_bus(self->asker)->spy_context = g;
    (void)ticker_open(&g->ticker, &self->loop, TICK_CLIENTS_NS, on_tick, g, &error);
}

void gateway_kill(gateway_node *g) {
    gateway *self = g->self;
    fake_run_as(&g->host);
    server_cut(self->orders->bus);
    server_cut(asker_bus(self->asker));
    world_kill_process(g->host.server->world, &g->process);
    g->ending = true;
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++)
        desk_client_gone(&g->clients[i], true);
    g->from_log += order_desk_read_stats(self->orders).reports_from_log;
    order_desk_close(self->orders);
    asker_close(self->asker);
    (void)uv_run(&self->loop, UV_RUN_DEFAULT);
    order_desk_free(self->orders);
    self->orders = NULL;
}

void gateway_fini(gateway_node *g) {
    if (g->process.alive) gateway_kill(g);
    for (uint32_t i = 0; i < GATEWAY_CLIENTS; i++) {
        desk_client_fini(&g->clients[i]);
        text_list_fini(&g->identities[i].accounts);
    }
}

void gateway_break(gateway_node *g, int64_t for_ns) {
    int64_t which = world_between(g->host.server->world, 0, 2);
    if (which != 1) server_break(g->self->orders->bus, for_ns);
    if (which != 0) server_break(asker_bus(g->self->asker), for_ns);
}

static bool has_session(const gateway_node *g, uint32_t shard, uint64_t id) {
    uint32_t cursor = SESSION_NONE;
    session_due due;
    while (sessions_next(g->self->orders->sessions, &cursor, &due))
        if (due.id == id && due.shard == shard) return true;
    return false;
}

bool gateway_check_sessions(const gateway_node *g, uint32_t shard, const mx_engine *engine, tw_error *error) {
    static mx_order_view views[1024];
    for (uint32_t account = 0; account < mx_accounts(engine); account++) {
        uint32_t count = mx_account_orders(engine, account, 0, views, 1024);
        for (uint32_t i = 0; i < count; i++) {
            if (views[i].session == 0 || has_session(g, shard, views[i].session)) continue;
            (void)tw_error_set(error, TW_MALFORMED,
                               "order %" PRIu64 " of shard %" PRIu32 " is open and of a session that is gone",
                               views[i].order_id, shard);
            return false;
        }
    }
    return true;
}

void gateway_forget_sessions(gateway_node *g) {
    uint32_t cursor = SESSION_NONE;
    session_due due;
    while (sessions_next(g->self->orders->sessions, &cursor, &due))
        sessions_forget(g->self->orders->sessions, due.session);
}
