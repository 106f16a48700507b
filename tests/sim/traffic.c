/* Clients, the operator, ears: see traffic.h. */
#include "tests/sim/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/core/types.h"

static const char *const accounts[TRAFFIC_ACCOUNTS] = {"ann", "bob", "cat", "dan", "eve", "fay"};
static const char *const symbols[TRAFFIC_INSTRUMENTS] = {"AAA", "BBB", "CCC"};

const char *traffic_account(uint32_t index) {
    return accounts[index % TRAFFIC_ACCOUNTS];
}

const char *traffic_symbol(uint32_t index) {
    return symbols[index % TRAFFIC_INSTRUMENTS];
}

uint32_t traffic_shard(const char *symbol, uint32_t shards) {
    uint32_t index = 0;
    while (index < TRAFFIC_INSTRUMENTS && strcmp(symbols[index], symbol) != 0)
        index++;
    return 1 + index % shards;
}

/* ---- orders ---- */

static uint64_t below(world *w, uint64_t bound) {
    return tw_random_below(world_chance(w), bound);
}

static void name_order(char to[WIRE_CLIENT_ID_BYTES], const char *account, uint64_t number) {
    (void)tw_text_format(to, WIRE_CLIENT_ID_BYTES, "%s-%llu", account, (unsigned long long)number);
}

static void make_new(world *w, wire_order_command *c) {
    c->kind = WIRE_NEW_ORDER;
    c->side = (uint8_t)below(w, 2);
    c->price = 980 + (int64_t)below(w, 9) * 5;
    c->quantity = 1 + below(w, 30);
    if (world_odds(w, 1, 4)) c->type = (uint8_t)below(w, 4);
    if (c->type == 1 || c->type == 2) c->price = TW_PRICE_ABSENT;
    if (c->type == 1) c->tif = 3;
    if (c->type >= 2) c->stop_price = 980 + (int64_t)below(w, 9) * 5;
    if (c->type != 1 && world_odds(w, 1, 4)) c->tif = (uint8_t)below(w, c->type == 0 ? 5 : 2);
    if (c->tif == 2) c->expire_ns = world_now(w) + world_between(w, 0, 3 * WORLD_SECOND);
    c->stp = (uint8_t)below(w, 5);
    if (world_odds(w, 1, 8)) c->display = 1 + below(w, 5);
    if (world_odds(w, 1, 20)) c->minimum = 1 + below(w, 10);
    if (world_odds(w, 1, 20)) c->post_only = true;
}

/* Of an order a little while ago, by its name or its id. */
static void make_change(world *w, const char *account, uint64_t number, uint64_t order_id, wire_order_command *c) {
    if (order_id != 0 && world_odds(w, 1, 2)) {
        c->order_id = order_id;
        c->client_order_id[0] = '\0';
    } else {
        name_order(c->client_order_id, account, number);
    }
    c->kind = world_odds(w, 1, 2) ? WIRE_CANCEL : WIRE_REPLACE;
    if (c->kind == WIRE_CANCEL) return;
    c->quantity = 1 + below(w, 30);
    c->open_only = world_odds(w, 1, 3);
    if (world_odds(w, 1, 2)) c->price = 980 + (int64_t)below(w, 9) * 5;
}

void traffic_make_order(world *w, const char *account, uint64_t number, uint32_t recent, uint64_t recent_order_id,
                        wire_order_command *c) {
    *c = wire_order_command_empty;
    (void)tw_text_copy(c->account, sizeof c->account, account);
    (void)tw_text_copy(c->symbol, sizeof c->symbol, symbols[below(w, TRAFFIC_INSTRUMENTS)]);
    name_order(c->client_order_id, account, number);
    if (world_odds(w, 2, 3))
        (void)tw_text_format(c->correlation_id, sizeof c->correlation_id, "%s/%llu", account,
                             (unsigned long long)number);
    uint64_t dice = below(w, 100);
    if (dice < 70 || recent == 0) {
        make_new(w, c);
    } else if (dice < 97) {
        make_change(w, account, number - 1 - below(w, recent), recent_order_id, c);
    } else {
        c->kind = WIRE_MASS_CANCEL;
        c->client_order_id[0] = '\0';
    }
}

/* ---- sending ---- */

static void write_order(traffic_client *c, uint32_t index) {
    traffic_order *o = &c->orders[index];
    world *w = c->server->world;
    o->retry_ns = world_now(w) + world_between(w, 20 * WORLD_MILLISECOND, 800 * WORLD_MILLISECOND);
    if (bus_writer_write(c->writer, o->subject, o->bytes, o->length, BUS_ANY_LAST_SEQ, index) == TW_OK)
        o->under_way = true;
}

static void on_write(void *context, const bus_write_result *result) {
    traffic_client *c = context;
    traffic_order *o = &c->orders[result->token];
    o->under_way = false;
    if (result->outcome != BUS_WRITE_STORED) return; /* sent again, as it was, when its time has come */
    if (!o->acknowledged) o->seq = result->seq;
    o->acknowledged = true;
}

static traffic_order *add(traffic_client *c, const char *subject, const uint8_t *bytes, size_t length) {
    TW_ASSERT(c->count < TRAFFIC_MOST_ORDERS);
    traffic_order *o = &c->orders[c->count++];
    *o = (traffic_order){.length = length, .bytes = malloc(length + 1)};
    TW_ASSERT(o->bytes != NULL);
    if (length > 0) memcpy(o->bytes, bytes, length);
    (void)tw_text_copy(o->subject, sizeof o->subject, subject);
    return o;
}

/* One to three commands in a message; the second and third are of the same account and instrument. */
static void send_orders(traffic_client *c) {
    uint8_t buffer[8192];
    char subject[SUBJECT_BYTES];
    world *w = c->server->world;
    wire_parts parts;
    wire_order_command command;
    size_t length;
    uint32_t recent = c->count < 20 ? c->count : 20;
    uint64_t order_id = recent == 0 ? 0 : c->orders[c->count - 1 - below(w, recent)].seq << 16;
    wire_parts_start(&parts, buffer, sizeof buffer);
    traffic_make_order(w, c->account, c->count, recent, order_id, &command);
    (void)wire_order_command_add(&parts, &command);
    (void)subject_orders(subject, sizeof subject, "TWEX", traffic_shard(command.symbol, c->shards), c->account,
                         command.symbol);
    while (world_odds(w, 1, 8) && parts.count < 3) {
        wire_order_command other;
        traffic_make_order(w, c->account, c->count + 100000 * parts.count, 0, 0, &other);
        if (!world_odds(w, 1, 20)) (void)tw_text_copy(other.symbol, sizeof other.symbol, command.symbol);
        (void)wire_order_command_add(&parts, &other);
    }
    wire_batch_header header = {.sent_ns = world_now(w)};
    const uint8_t *bytes = wire_orders_finish(&parts, &header, &length);
    if (world_odds(w, 1, 60) && length > 3) length -= 1 + below(w, 3); /* cut short */
    traffic_order *o = add(c, subject, bytes, length);
    (void)tw_text_copy(o->client_order_id, sizeof o->client_order_id, command.client_order_id);
    write_order(c, c->count - 1);
}

static const char *symbol_of(world *w, uint32_t shard, uint32_t shards) {
    const char *symbol;
    do
        symbol = symbols[below(w, TRAFFIC_INSTRUMENTS)];
    while (traffic_shard(symbol, shards) != shard);
    return symbol;
}

/* Orders that trade at once or not at all: many reports, short books. */
static void send_flood(traffic_client *c) {
    static uint8_t buffer[256 * 1024];
    world *w = c->server->world;
    wire_parts parts;
    size_t length;
    char subject[SUBJECT_BYTES];
    uint32_t shard = 1 + (uint32_t)below(w, c->shards);
    wire_parts_start(&parts, buffer, sizeof buffer);
    for (uint32_t i = 0; i < 250; i++) {
        wire_order_command command = wire_order_command_empty;
        (void)tw_text_copy(command.account, sizeof command.account, accounts[below(w, TRAFFIC_ACCOUNTS)]);
        (void)tw_text_copy(command.symbol, sizeof command.symbol, symbol_of(w, shard, c->shards));
        make_new(w, &command);
        if (command.tif < 3 && i % 16 != 0) command.tif = 3;
        (void)wire_order_command_add(&parts, &command);
    }
    const uint8_t *bytes = wire_orders_finish(&parts, &(wire_batch_header){.sent_ns = world_now(w)}, &length);
    (void)tw_text_format(subject, sizeof subject, "orderbatch.TWEX.%u", shard);
    (void)add(c, subject, bytes, length);
    write_order(c, c->count - 1);
}

/* ---- the operator ---- */

static void define_instrument(wire_control_command *c, uint32_t index, bool well) {
    c->kind = WIRE_DEFINE_INSTRUMENT;
    (void)tw_text_copy(c->symbol, sizeof c->symbol, symbols[index]);
    c->price_exponent = -2;
    c->tick_from = (wire_ticks){.count = 1, .values = {0}};
    c->tick = (wire_ticks){.count = 1, .values = {5}};
    c->lot = well ? 1 : 0;
    c->protection_ppm = 30000;
}

static void define_account(wire_control_command *c, uint32_t index) {
    c->kind = WIRE_DEFINE_ACCOUNT;
    (void)tw_text_copy(c->account, sizeof c->account, accounts[index]);
    c->fee_class = index % 2;
}

/* A shard's part of a limit: what is left over goes to the first. */
static uint32_t part_of(uint32_t whole, uint32_t shard, uint32_t shards) {
    return whole / shards + (shard <= whole % shards ? 1 : 0);
}

static void set_limits(wire_control_command *c, uint32_t index) {
    c->kind = WIRE_SET_LIMITS;
    (void)tw_text_copy(c->account, sizeof c->account, accounts[index]);
    c->order_quantity = c->position = UINT64_MAX;
    c->order_notional = c->funds = c->exposure = MX_MONEY_MAX;
    c->concentration_ppm = 1000001;
    c->open_orders = UINT32_MAX;
}

/* What must be there before anything trades, one command after the other; bad definitions among them. False: it is all there. */
static bool opening(const traffic_client *op, wire_control_command *c) {
    uint32_t step = op->scene;
    if (step == 0) {
        c->kind = WIRE_SET_BOUNDS;
        c->max_reports = SIM_REPORTS;
        c->max_steps = SIM_STEPS;
        c->max_orders = 1024;
    } else if ((step -= 1) < TRAFFIC_INSTRUMENTS * 2) {
        define_instrument(c, step / 2, step % 2 == 1);
    } else if ((step -= TRAFFIC_INSTRUMENTS * 2) < TRAFFIC_ACCOUNTS) {
        if (step == TRAFFIC_ACCOUNTS - 1 && op->withholds)
            c->kind = WIRE_CONTROL_CLOCK;
        else
            define_account(c, step);
    } else if ((step -= TRAFFIC_ACCOUNTS) < TRAFFIC_ACCOUNTS) {
        set_limits(c, step);
    } else if ((step -= TRAFFIC_ACCOUNTS) == 0) {
        c->kind = WIRE_BEGIN_DAY;
        c->date = 20260102;
        c->end_ns = world_now(op->server->world) + 3600 * WORLD_SECOND;
    } else if (step == 1) {
        c->kind = WIRE_SET_FEES;
        c->fee_class = 1;
        c->maker_ppm = -100;
        c->taker_ppm = 300;
    } else if (step == 2) {
        c->kind = WIRE_SET_STATE;
        c->all_symbols = true;
        c->state = 1;
    } else {
        return false;
    }
    return true;
}

/* Mostly open; each of the states, and one that there is not. There is no other shard that has what has moved away, so only one is away at a time, and
 * it comes back, at the latest when nothing else happens any more. */
static void set_scene_state(traffic_client *op, wire_control_command *c) {
    world *w = op->server->world;
    uint32_t which = (uint32_t)below(w, TRAFFIC_INSTRUMENTS);
    c->kind = WIRE_SET_STATE;
    c->state = world_odds(w, 3, 4) ? MX_CONTINUOUS : (uint8_t)below(w, MX_STATES + 1);
    if (op->away != 0 && (op->quiet || world_odds(w, 1, 2))) {
        which = op->away - 1;
        c->state = MX_CLOSED;
        op->away = 0;
    } else if (c->state == MX_MOVED) {
        which = op->away != 0 ? op->away - 1 : which;
        op->away = which + 1;
    }
    (void)tw_text_copy(c->symbol, sizeof c->symbol, symbols[which]);
}

static void change_scene(traffic_client *op, wire_control_command *c) {
    world *w = op->server->world;
    switch (op->quiet ? 0 : below(w, 8)) {
    case 0:
        set_scene_state(op, c);
        break;
    case 1:
        c->kind = WIRE_SET_KILL;
        c->all_accounts = world_odds(w, 1, 8);
        if (!c->all_accounts)
            (void)tw_text_copy(c->account, sizeof c->account, accounts[below(w, TRAFFIC_ACCOUNTS)]);
        c->on = world_odds(w, 1, 3);
        break;
    case 2:
        c->kind = WIRE_CONTROL_MASS_CANCEL;
        c->all_accounts = true;
        c->all_symbols = world_odds(w, 1, 2);
        (void)tw_text_copy(c->symbol, sizeof c->symbol, symbols[0]);
        break;
    case 3:
        set_limits(c, (uint32_t)below(w, TRAFFIC_ACCOUNTS));
        c->open_orders = (uint32_t)below(w, 20);
        break;
    default: /* an idle shard needs time, too */
        c->kind = WIRE_CONTROL_CLOCK;
        if (!op->withholds || op->quiet || !world_odds(w, 1, 10)) break;
        define_account(c, TRAFFIC_ACCOUNTS - 1);
        op->withholds = false;
        break;
    }
    if (world_odds(w, 1, 2)) (void)tw_text_copy(c->correlation_id, sizeof c->correlation_id, "operator");
}

/* What is about a symbol goes to its shard, everything else to all of them, each its part of a limit. */
static void send_control(traffic_client *op) {
    uint8_t buffer[8192];
    char subject[SUBJECT_BYTES];
    wire_control_command c = wire_control_command_empty;
    wire_batch_header header = {.sent_ns = world_now(op->server->world)};
    if (opening(op, &c))
        op->scene++;
    else
        change_scene(op, &c);
    bool of_symbol = c.symbol[0] != '\0' && !c.all_symbols;
    uint32_t open_orders = c.open_orders;
    for (uint32_t shard = 1; shard <= op->shards; shard++) {
        wire_parts parts;
        size_t length;
        if (of_symbol && traffic_shard(c.symbol, op->shards) != shard) continue;
        if (c.kind == WIRE_SET_LIMITS && open_orders != UINT32_MAX)
            c.open_orders = part_of(open_orders, shard, op->shards);
        wire_parts_start(&parts, buffer, sizeof buffer);
        (void)wire_control_command_add(&parts, &c);
        const uint8_t *bytes = wire_controls_finish(&parts, &header, &length);
        (void)tw_text_format(subject, sizeof subject, "control.TWEX.%u", shard);
        (void)add(op, subject, bytes, length);
        write_order(op, op->count - 1);
    }
}

/* ---- life ---- */

static void resend(traffic_client *c) {
    world *w = c->server->world;
    while (c->settled < c->count && c->orders[c->settled].acknowledged)
        c->settled++;
    for (uint32_t i = c->settled; i < c->count; i++) {
        traffic_order *o = &c->orders[i];
        if (!o->acknowledged && !o->under_way && o->retry_ns <= world_now(w)) write_order(c, i);
    }
    if (!c->quiet && !c->operates && c->settled > 0 && world_odds(w, 1, 60)) { /* in doubt without a reason */
        uint32_t i = (uint32_t)below(w, c->settled);
        if (!c->orders[i].under_way) write_order(c, i);
    }
}

static void on_tick(void *context) {
    traffic_client *c = context;
    world *w = c->server->world;
    fake_run_as(&c->host);
    resend(c);
    wire_control_command ignored = wire_control_command_empty;
    bool opens = c->operates && (opening(c, &ignored) || (c->quiet && c->away != 0)); /* ends whatever happens */
    if ((c->quiet && !opens) || c->count + SIM_SHARDS > TRAFFIC_MOST_ORDERS) return;
    if (c->operates) {
        bool in_order = c->settled == c->count;
        if (in_order && (opens || world_odds(w, 1, 12))) send_control(c);
    } else if (c->floods) {
        if (c->count < 60 && c->count - c->settled < 20) send_flood(c);
    } else if (c->count - c->settled < 8 && world_odds(w, 1, 3)) {
        send_orders(c);
    }
}

void traffic_init(traffic_client *c, server *s, uint32_t shards, const char *name, const char *account) {
    c->server = s;
    c->shards = shards;
    (void)tw_text_copy(c->process.name, sizeof c->process.name, name);
    (void)tw_text_copy(c->account, sizeof c->account, account);
}

void traffic_init_operator(traffic_client *c, server *s, uint32_t shards) {
    traffic_init(c, s, shards, "operator", "");
    c->operates = true;
    c->withholds = world_odds(s->world, 1, 3);
}

void traffic_init_flood(traffic_client *c, server *s, uint32_t shards) {
    traffic_init(c, s, shards, "flood", "");
    c->floods = true;
}

void traffic_start(traffic_client *c) {
    const bus_writer_options writer = {.on_result = on_write, .context = c, .timeout_ns = 2 * WORLD_SECOND};
    tw_error error;
    world_start_process(c->server->world, &c->process);
    c->host = (server_host){.server = c->server, .process = &c->process, .life = c->process.life};
    c->loop.data = &c->host;
    for (uint32_t i = 0; i < c->count; i++)
        c->orders[i].under_way = false;
    c->bus = server_connect(c->server, &c->process, NULL, NULL);
    (void)bus_writer_open(&c->writer, c->bus, &c->loop, &writer, &error);
    (void)ticker_open(&c->ticker, &c->loop, (c->operates ? 10 : 40) * WORLD_MILLISECOND, on_tick, c, &error);
}

void traffic_kill(traffic_client *c) {
    server_cut(c->bus);
    world_kill_process(c->server->world, &c->process);
}

void traffic_fini(traffic_client *c) {
    for (uint32_t i = 0; i < c->count; i++)
        free(c->orders[i].bytes);
}

bool traffic_is_settled(const traffic_client *c) {
    wire_control_command ignored = wire_control_command_empty;
    if (c->operates && (opening(c, &ignored) || c->away != 0)) return false;
    for (uint32_t i = c->settled; i < c->count; i++)
        if (!c->orders[i].acknowledged) return false;
    return true;
}

/* ---- ears ---- */

static void on_report(void *context, const bus_message *m) {
    traffic_ears *ears = context;
    if (ears->count == ears->room) {
        ears->room = ears->room == 0 ? 256 : ears->room * 2;
        ears->heard = realloc(ears->heard, ears->room * sizeof *ears->heard);
        TW_ASSERT(ears->heard != NULL);
    }
    heard_report *h = &ears->heard[ears->count++];
    *h = (heard_report){.bytes = malloc(m->length), .length = m->length};
    TW_ASSERT(h->bytes != NULL);
    memcpy(h->bytes, m->bytes, m->length);
}

void ears_start(traffic_ears *ears, server *s) {
    tw_error error;
    *ears = (traffic_ears){.server = s};
    (void)tw_text_copy(ears->process.name, sizeof ears->process.name, "ears");
    world_start_process(s->world, &ears->process);
    ears->bus = server_connect(s, &ears->process, NULL, NULL);
    (void)bus_subscribe(ears->bus, "exec.>", on_report, ears, &ears->subscription, &error);
}

void ears_fini(traffic_ears *ears) {
    for (size_t i = 0; i < ears->count; i++)
        free(ears->heard[i].bytes);
    free(ears->heard);
}
