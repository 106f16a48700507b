/* The gateway's client: see desk_client.h. Answers and reports are read as texts: what a program at the other end would see. */
#include "tests/sim/desk_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"
#include "gateways/pipeline.h"
#include "tests/sim/gateway_node.h"

#define EXPONENT (-2) /* of all simulated prices */

/* ---- reading a text ---- */

/* The value behind "name":, as it stands there, without quotation marks. "" if there is none. */
static void value_of(const char *json, const char *name, char *value, size_t capacity) {
    char key[48];
    (void)tw_text_format(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    value[0] = '\0';
    if (at == NULL) return;
    at += strlen(key);
    const char *ends = *at == '"' ? "\"" : ",}]";
    at += *at == '"';
    size_t length = strcspn(at, ends);
    if (length < capacity) (void)tw_text_format(value, capacity, "%.*s", (int)length, at);
}

static uint64_t number_of(const char *json, const char *name) {
    char text[32];
    uint64_t value = 0;
    value_of(json, name, text, sizeof text);
    return tw_text_to_u64(text, &value) ? value : 0;
}

static follow_position place_of(const char *json, const char *n) {
    return (follow_position){(uint32_t)number_of(json, "shard"), number_of(json, "seq"),
                             (uint32_t)number_of(json, n)};
}

static void complain(desk_client *c, const char *what, const char *text) {
    if (c->wrong[0] == '\0')
        (void)tw_text_format(c->wrong, sizeof c->wrong, "client %" PRIu32 " of a gateway %s: %.150s", c->number,
                             what, text);
}

/* ---- sending ---- */

static const char *const sides[] = {"buy", "sell"};
static const char *const types[] = {"limit", "market", "stop", "stop_limit"};
static const char *const times[] = {"gtc", "day", "gtd", "ioc", "fok"};
static const char *const self_trades[] = {"none", "newest", "oldest", "both", "decrement"};

static void put_new(json_writer *w, const desk_order *o) {
    const wire_order_command *c = &o->command;
    json_string(w, "side", sides[c->side]);
    json_string(w, "type", types[c->type]);
    json_string(w, "time_in_force", times[c->tif]);
    json_string(w, "self_trade", self_trades[c->stp]);
    if (c->minimum != 0) json_decimal_u64(w, "minimum", c->minimum, 0);
    if (c->stop_price != TW_PRICE_ABSENT) json_decimal(w, "stop_price", c->stop_price, EXPONENT);
    if (c->tif == 2) json_i64_string(w, "expire_ns", c->expire_ns);
    if (c->post_only) json_bool(w, "post_only", true);
    if (o->on_disconnect) json_bool(w, "cancel_on_disconnect", true);
}

static void put_order(json_writer *w, const desk_client *client, const desk_order *o) {
    const wire_order_command *c = &o->command;
    char id[ORDER_ID_BYTES];
    json_string(w, "account", client->account);
    json_string(w, "correlation_id", client->attempts[o->attempt].correlation_id);
    if (c->symbol[0] != '\0' && (c->order_id == 0 || o->names_symbol)) json_string(w, "symbol", c->symbol);
    if (c->client_order_id[0] != '\0') json_string(w, "client_order_id", c->client_order_id);
    if (c->order_id != 0) {
        order_id_format(id, o->shard, c->order_id);
        json_string(w, "order_id", id);
    }
    if (c->quantity != WIRE_QUANTITY_ABSENT) json_decimal_u64(w, "quantity", c->quantity, 0);
    if (c->price != TW_PRICE_ABSENT) json_decimal(w, "price", c->price, EXPONENT);
    if (c->display != WIRE_QUANTITY_ABSENT && c->display != 0) json_decimal_u64(w, "display", c->display, 0);
    if (c->open_only) json_bool(w, "open_only", true);
    if (c->kind == WIRE_NEW_ORDER) put_new(w, o);
}

static void send_by_http(desk_client *c, const desk_order *o) {
    char text[DESK_TEXT];
    json_writer w;
    order_request request;
    order_fault fault = {0};
    http_asked asked = {.ticket = o->attempt};
    gateway_node *g = c->gateway;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    put_order(&w, c, o);
    json_close_object(&w);
    TW_ASSERT(json_finish(&w));
    if (order_request_parse(&request, &fault, (const uint8_t *)text, w.length, (order_op)o->command.kind))
        order_desk_take(g->self->orders, &request, &asked, &g->identities[c->number]);
    else
        complain(c, fault.message, text);
}

static void send_by_socket(desk_client *c, const desk_order *o) {
    char text[DESK_TEXT], id[32];
    json_writer w;
    (void)tw_text_format(id, sizeof id, "%" PRIu32, o->attempt);
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "op", order_op_name((order_op)o->command.kind));
    json_raw(&w, "id", id);
    put_order(&w, c, o);
    json_close_object(&w);
    TW_ASSERT(json_finish(&w));
    order_desk_request(c->gateway->self->orders, c->number, id, (const uint8_t *)text, w.length);
}

static void send_order(desk_client *c, uint32_t number) {
    desk_order *o = &c->orders[number];
    if (c->attempt_count == DESK_ATTEMPTS) return;
    desk_attempt *a = &c->attempts[c->attempt_count];
    *a = (desk_attempt){.order = number};
    (void)tw_text_format(a->correlation_id, sizeof a->correlation_id, "desk-%" PRIu32 "-%" PRIu32, c->number,
                         c->attempt_count);
    o->attempt = c->attempt_count++;
    o->under_way = true;
    if (c->http)
        send_by_http(c, o);
    else
        send_by_socket(c, o);
}

/* About an order of its own a little while ago, by its name or its id. */
static void aim(desk_client *c, desk_order *o) {
    const desk_order *of = &c->orders[world_between(c->world, c->count > 20 ? c->count - 20 : 0, c->count - 1)];
    if (of->command.kind != WIRE_NEW_ORDER) return;
    (void)tw_text_copy(o->command.symbol, sizeof o->command.symbol, of->command.symbol);
    (void)tw_text_copy(o->command.client_order_id, WIRE_CLIENT_ID_BYTES, of->command.client_order_id);
    if (of->acknowledged == 0 || world_odds(c->world, 1, 2)) return;
    o->command.client_order_id[0] = '\0';
    o->command.order_id = of->parts[0].seq << 16 | of->parts[0].n;
    o->shard = of->parts[0].shard;
    o->names_symbol = world_odds(c->world, 1, 2);
}

static void new_order(desk_client *c) {
    desk_order *o = &c->orders[c->count];
    *o = (desk_order){.on_disconnect = !c->http && world_odds(c->world, 1, 2)};
    traffic_make_order(c->world, c->account, (c->number + 1) * 100000 + c->count, c->count > 0 ? 1 : 0, 0,
                       &o->command);
    bool changes = o->command.kind == WIRE_CANCEL || o->command.kind == WIRE_REPLACE;
    if (changes) aim(c, o);
    if (o->command.kind == WIRE_NEW_ORDER && world_odds(c->world, 1, 2)) { /* far away, where it stays */
        wire_order_command *far = &o->command;
        far->type = far->tif = 0;
        far->price = far->side == 0 ? 900 : 1100;
        far->stop_price = TW_PRICE_ABSENT;
        far->expire_ns = TW_TIME_ABSENT;
        far->minimum = 0;
    }
    if (o->command.kind == WIRE_MASS_CANCEL && world_odds(c->world, 2, 3)) o->command.symbol[0] = '\0';
    c->count++;
    send_order(c, c->count - 1);
}

static void leave(desk_client *c) {
    order_desk_leave(c->gateway->self->orders, c->number);
    world_tell(c->world, "client %" PRIu32 " leaves the gateway", c->number);
    desk_client_gone(c, false);
    c->back_ns = world_now(c->world) + world_between(c->world, 0, WORLD_SECOND);
}

static void come_back(desk_client *c) {
    request_follow follow = {.shard_count = 0};
    (void)tw_text_copy(follow.account, sizeof follow.account, c->account);
    for (uint32_t shard = 1; shard <= c->shards; shard++)
        follow.shards[follow.shard_count++] = /* 0: from the beginning */
            (struct request_had){.shard = shard, .n = c->had[shard].n, .seq = c->had[shard].seq};
    c->there = true;
    if (!order_desk_follow(c->gateway->self->orders, c->number, &follow)) complain(c, "can't follow", c->account);
}

void desk_client_tick(desk_client *c, bool quiet) {
    uint32_t open = 0;
    if (!c->there && (quiet || c->back_ns <= world_now(c->world))) come_back(c);
    if (!c->there) return;
    for (uint32_t i = 0; i < c->count; i++) {
        desk_order *o = &c->orders[i];
        if (o->settled) continue;
        open++;
        if (!o->under_way && o->retry_ns <= world_now(c->world)) send_order(c, i);
    }
    if (quiet) return;
    if (open < 10 && c->count < DESK_ORDERS && world_odds(c->world, 1, 14)) new_order(c);
    uint32_t again = c->count == 0 ? 0 : (uint32_t)world_between(c->world, 0, c->count - 1);
    if (c->count > 0 && world_odds(c->world, 1, 300) && !c->orders[again].under_way) send_order(c, again);
    if (world_odds(c->world, 1, 400)) leave(c);
}

/* ---- what it is told ---- */

static void retry(desk_client *c, desk_order *o) {
    o->retry_ns = world_now(c->world) + world_between(c->world, 50 * WORLD_MILLISECOND, 900 * WORLD_MILLISECOND);
}

void desk_client_gone(desk_client *c, bool dead) {
    for (uint32_t i = 0; i < c->count; i++) {
        desk_order *o = &c->orders[i];
        if (!o->under_way || (c->http && !dead)) continue;
        c->attempts[o->attempt].answer = DESK_PERHAPS;
        o->under_way = false;
        retry(c, o);
    }
    c->there = false;
    c->back_ns = 0;
}

static void take_places(desk_client *c, desk_order *o, const char *json) {
    const char *shards = strstr(json, "\"shards\":[");
    if (o->acknowledged != 0) return; /* the first one stays */
    o->acknowledged = o->attempt + 1;
    if (shards == NULL) {
        o->parts[o->part_count++] = place_of(json, "index");
        return;
    }
    for (const char *at = strchr(shards, '{'); at != NULL && o->part_count < SIM_SHARDS; at = strchr(at + 1, '{'))
        o->parts[o->part_count++] = place_of(at, "index");
    bool everywhere = o->command.symbol[0] == '\0';
    if (o->part_count != (everywhere ? c->shards : 1))
        complain(c, "was told of a mass cancel that is not in every shard", json);
}

static desk_answer judge(const char *code) {
    static const char *const surely_not[] = {"NOT_STORED", "BUSY",         "NO_DIRECTORY",   "UNKNOWN_SYMBOL",
                                             "TOO_FAST",   "RATE_LIMITED", "LIMITS_UNKNOWN", "NOBODY",
                                             "TIMEOUT",    "AWAY"};
    if (strcmp(code, "NOT_ACKNOWLEDGED") == 0) return DESK_PERHAPS;
    for (size_t i = 0; i < sizeof surely_not / sizeof *surely_not; i++)
        if (strcmp(code, surely_not[i]) == 0) return DESK_SURELY_NOT;
    return strcmp(code, "UNKNOWN_ORDER") == 0 ? DESK_REFUSED : DESK_NONE;
}

/* What is about none of its requests. */
static void take_notice(desk_client *c, const char *code, const char *json) {
    if (strcmp(code, "SESSION_LOST") == 0)
        c->sessions_lost++;
    else if (strcmp(code, "REPORTS_LOST") == 0)
        complain(c, "was told that reports are lost, and execlog has all", json);
    else
        complain(c, "was told something that nobody asked for", json);
}

/* HTTP texts have the correlation id, WebSocket texts both. */
static desk_attempt *attempt_of(desk_client *c, const char *json) {
    char correlation_id[WIRE_CORRELATION_BYTES];
    value_of(json, "correlation_id", correlation_id, sizeof correlation_id);
    for (uint32_t i = c->attempt_count; i > 0; i--)
        if (strcmp(c->attempts[i - 1].correlation_id, correlation_id) == 0) return &c->attempts[i - 1];
    return NULL;
}

void desk_client_take_answer(desk_client *c, const char *bytes, size_t length) {
    char json[2 * DESK_TEXT], state[32], code[32];
    TW_ASSERT(length < sizeof json);
    (void)tw_text_format(json, sizeof json, "%.*s", (int)length, bytes);
    value_of(json, "state", state, sizeof state);
    value_of(json, "code", code, sizeof code);
    world_tell(c->world, "client %" PRIu32 " of the gateway is told %.120s", c->number, json);
    desk_attempt *a = attempt_of(c, json);
    desk_order *o = a == NULL ? NULL : &c->orders[a->order];
    if (a == NULL && strcmp(code, "TOO_FAST") != 0) {
        take_notice(c, code, json);
        return;
    }
    if (o == NULL || !o->under_way || &c->attempts[o->attempt] != a || a->answer != DESK_NONE) {
        complain(c, "was answered again, or without having asked", json);
        return;
    }
    a->answer = strcmp(state, "PENDING") == 0 ? DESK_PENDING : judge(code);
    if (a->answer == DESK_NONE) complain(c, "was given an answer that makes no sense", json);
    c->answers++;
    c->not_acknowledged += a->answer == DESK_PERHAPS;
    c->surely_not += a->answer == DESK_SURELY_NOT;
    c->refused += a->answer == DESK_REFUSED;
    o->under_way = false;
    if (a->answer == DESK_PENDING) take_places(c, o, json);
    o->settled |= a->answer == DESK_PENDING || a->answer == DESK_REFUSED;
    if (!o->settled) retry(c, o);
}

void desk_client_take_report(desk_client *c, const char *bytes, size_t length) {
    char *text = malloc(length + 1);
    TW_ASSERT(text != NULL);
    memcpy(text, bytes, length);
    text[length] = '\0';
    if (c->told_count == c->told_room) {
        c->told_room = c->told_room == 0 ? 64 : c->told_room * 2;
        c->told = realloc(c->told, c->told_room * sizeof *c->told);
        TW_ASSERT(c->told != NULL);
    }
    desk_report *r = &c->told[c->told_count++];
    *r = (desk_report){place_of(text, "n"), text};
    if (r->at.shard == 0 || r->at.shard > c->shards) complain(c, "was given a report of no shard", text);
    if (!c->there) complain(c, "was given a report after it had left", text);
    if (r->at.shard <= c->shards) c->had[r->at.shard] = r->at;
    world_tell(c->world, "client %" PRIu32 " of the gateway is given %" PRIu32 "-%" PRIu64 "-%" PRIu32, c->number,
               r->at.shard, r->at.seq, r->at.n);
}

void desk_client_tell(const desk_client *c) {
    for (uint32_t i = 0; i < c->count; i++)
        if (!c->orders[i].settled)
            world_tell(c->world, "client %" PRIu32 " of the gateway%s: %s is not settled, %s", c->number,
                       c->there ? "" : ", which is not there", c->attempts[c->orders[i].attempt].correlation_id,
                       c->orders[i].under_way ? "and has not been answered" : "and will be sent again");
}

/* ---- life ---- */

void desk_client_init(desk_client *c, gateway_node *g, uint32_t number, const char *account) {
    c->gateway = g;
    c->world = g->host.server->world;
    c->number = number;
    c->shards = g->shards;
    (void)tw_text_copy(c->account, sizeof c->account, account);
}

void desk_client_fini(desk_client *c) {
    for (size_t i = 0; i < c->told_count; i++)
        free(c->told[i].text);
    free(c->told);
}
