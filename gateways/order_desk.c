/* Tickets of requests, and the way of each to its answer. */
#include "gateways/order_desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"
#include "gateways/order_inside.h"
#include "gateways/orders/command.h"
#include "proto/account_name.h"
#include "runtime/clock.h"

#define SESSION_TICKET (UINT64_C(1) << 63)
#define ID_BITS        ((UINT64_C(1) << 30) - 1) /* of a session's id in its ticket */
#define OPENING        (UINT64_C(1) << 62)
#define TOO_FAST_CLOSE 4 /* times the rate refused in a row, then the connection ends */
#define SECOND_NS      INT64_C(1000000000)

/* ---- random names ---- */

static uint64_t random_u64(void) {
    uint64_t value = 0;
    while (value == 0)
        uv_random(NULL, NULL, &value, sizeof value, 0, NULL);
    return value;
}

void order_desk_correlate(order_desk *self, char correlation_id[WIRE_CORRELATION_BYTES]) {
    (void)self;
    if (correlation_id[0] == '\0')
        tw_text_format(correlation_id, WIRE_CORRELATION_BYTES, "%016llx%016llx", (unsigned long long)random_u64(),
                       (unsigned long long)random_u64());
}

/* ---- answers ---- */

static void put_fault(json_writer *w, const order_fault *fault, const char *correlation_id, uint32_t retry_ms) {
    json_string(w, "code", fault->code);
    if (fault->field[0] != '\0') json_string(w, "field", fault->field);
    json_string(w, "message", fault->message);
    if (retry_ms > 0) json_u64(w, "retry_after_ms", retry_ms);
    if (correlation_id[0] != '\0') json_string(w, "correlation_id", correlation_id);
}

static http_status status_of(const char *code) {
    static const struct {
        const char *code;
        const http_status *status;
    } all[] = {{"FORBIDDEN", &HTTP_FORBIDDEN},
               {"UNAUTHORIZED", &HTTP_UNAUTHORIZED},
               {"NO_VENUE", &HTTP_NOT_FOUND},
               {"UNKNOWN_EXCHANGE", &HTTP_NOT_FOUND},
               {"UNKNOWN_SYMBOL", &HTTP_NOT_FOUND},
               {"UNKNOWN_ORDER", &HTTP_NOT_FOUND},
               {"RATE_LIMITED", &HTTP_TOO_MANY},
               {"TOO_FAST", &HTTP_TOO_MANY},
               {"LIMITS_UNKNOWN", &HTTP_NOT_READY},
               {"NO_DIRECTORY", &HTTP_NOT_READY},
               {"BUSY", &HTTP_NOT_READY},
               {"NOT_STORED", &HTTP_NOT_READY},
               {"STORAGE_LOW", &HTTP_NOT_READY}, /* of the venue, not the gateway */
               {"NOT_ACKNOWLEDGED", &HTTP_NOT_READY},
               {"NOBODY", &HTTP_NOT_READY},
               {"AWAY", &HTTP_NOT_READY},
               {"TIMEOUT", &HTTP_TIMEOUT},
               {"MALFORMED", &HTTP_BAD_GATEWAY},
               {"TOO_LARGE", &HTTP_TOO_LARGE}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].code, code) == 0) return *all[i].status;
    return HTTP_BAD_REQUEST;
}

static void answer_over_http(gateway *self, const http_asked *asked, const order_fault *fault,
                             const char *correlation_id, uint32_t retry_ms) {
    char text[ORDER_JSON_BYTES], lines[96];
    http_asked with = *asked;
    json_writer w;
    TW_ASSERT(fault->code != NULL);
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_open_object(&w, "error");
    put_fault(&w, fault, correlation_id, retry_ms);
    json_close_object(&w);
    json_close_object(&w);
    json_finish(&w);
    if (strcmp(fault->code, "UNAUTHORIZED") == 0)
        http_add_header(&with, "WWW-Authenticate: Bearer realm=\"tickwire\"\r\n");
    if (retry_ms > 0) {
        tw_text_format(lines, sizeof lines, "Retry-After: %u\r\n", (retry_ms + 999) / 1000);
        http_add_header(&with, lines);
    }
    http_answer(self, &with, status_of(fault->code), "application/json", "no-store", text, w.length);
}

void order_desk_answer_fault(gateway *self, const http_asked *asked, const order_fault *fault,
                             const char *correlation_id) {
    if (correlation_id[0] != '\0')
        rt_log(self->log, RT_DEBUG, "a request about orders is refused", RT_STR("correlation_id", correlation_id),
               RT_STR("code", fault->code), RT_STR("reason", fault->message));
    answer_over_http(self, asked, fault, correlation_id, 0);
}

static bool is_there(const order_desk *self, const order_ticket *t) {
    return self->generations[t->client] == t->generation;
}

static void tell(order_desk *self, const order_ticket *t, const char *text, size_t length) {
    if (is_there(self, t)) stream_answer(self->owner->stream, t->client, text, length, rt_clock_utc_ns());
}

static void answer_fault(order_desk *self, const order_ticket *t, const order_fault *fault, uint32_t retry_ms) {
    char text[ORDER_JSON_BYTES];
    json_writer w;
    if (t->asked != NULL) {
        answer_over_http(self->owner, t->asked, fault, t->request.correlation_id, retry_ms);
        return;
    }
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "type", "error");
    if (t->id[0] != '\0') json_raw(&w, "id", t->id);
    put_fault(&w, fault, t->request.correlation_id, retry_ms);
    json_close_object(&w);
    if (json_finish(&w)) tell(self, t, text, w.length);
}

static void put_place(json_writer *w, const order_part *part) {
    json_u64(w, "shard", part->shard);
    json_u64_string(w, "seq", part->seq);
    json_u64(w, "index", part->index);
}

static void put_text(json_writer *w, const char *name, const char *text) {
    if (text[0] != '\0') json_string(w, name, text);
}

static void put_pending(json_writer *w, const order_desk *self, const order_ticket *t) {
    const order_request *r = &t->request;
    char id[ORDER_ID_BYTES] = "";
    if (r->op == ORDER_NEW)
        order_id_format(id, t->parts[0].shard, t->parts[0].seq << 16 | t->parts[0].index);
    else if (r->order_id != 0)
        order_id_format(id, r->shard, r->order_id);
    json_string(w, "state", "PENDING");
    json_string(w, "exchange", self->venue);
    put_text(w, "symbol", r->symbol);
    json_string(w, "account", r->account);
    put_text(w, "order_id", id);
    put_text(w, "client_order_id", r->client_order_id);
    json_string(w, "correlation_id", r->correlation_id);
    if (r->op != ORDER_MASS_CANCEL) {
        put_place(w, &t->parts[0]);
        return;
    }
    json_open_array(w, "shards");
    for (uint32_t i = 0; i < t->part_count; i++) {
        json_open_object(w, NULL);
        put_place(w, &t->parts[i]);
        json_close_object(w);
    }
    json_close_array(w);
}

static void answer_pending(order_desk *self, const order_ticket *t) {
    char text[2 * ORDER_JSON_BYTES + ORDER_MOST_SHARDS * 80];
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    if (t->asked == NULL) {
        json_string(&w, "type", "order");
        if (t->id[0] != '\0') json_raw(&w, "id", t->id);
        json_string(&w, "op", order_op_name(t->request.op));
    }
    put_pending(&w, self, t);
    json_close_object(&w);
    if (!json_finish(&w)) return;
    if (t->asked != NULL)
        http_answer(self->owner, t->asked, HTTP_ACCEPTED, "application/json", "no-store", text, w.length);
    else
        tell(self, t, text, w.length);
}

/* ---- tickets ---- */

static order_ticket *take_ticket(order_desk *self) {
    if (self->ticket_count == self->ticket_capacity) return NULL;
    order_ticket *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    uint32_t number = self->free_count > 0 ? self->free_tickets[--self->free_count] : self->tickets_reached++;
    t->number = number;
    self->tickets[number] = t;
    self->ticket_count++;
    return t;
}

static void free_ticket(order_desk *self, order_ticket *t) {
    self->tickets[t->number] = NULL;
    self->free_tickets[self->free_count++] = t->number;
    self->ticket_count--;
    free(t->asked);
    free(t);
}

static void count_fault(order_desk *self, const char *code) {
    order_desk_stats *s = &self->stats;
    TW_ASSERT(code != NULL);
    const struct {
        const char *code;
        uint64_t *count;
    } counted[] = {{"RATE_LIMITED", &s->limited},
                   {"LIMITS_UNKNOWN", &s->limits_unknown},
                   {"BUSY", &s->busy},
                   {"NOT_STORED", &s->not_stored},
                   {"TOO_FAST", &s->too_fast},
                   {"NOT_ACKNOWLEDGED", &s->not_acknowledged}};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (strcmp(counted[i].code, code) == 0) {
            ++*counted[i].count;
            return;
        }
    s->refused++;
}

/* Where the place of the order is kept that the client calls so. */
static uint32_t name_place(const order_request *r) {
    const char *words[] = {r->account, r->symbol, r->client_order_id};
    uint64_t mixed = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (const char *at = words[i];; at++) { /* with its NUL */
            mixed = (mixed ^ (uint8_t)*at) * UINT64_C(0x100000001b3) + 1;
            if (*at == '\0') break;
        }
    return (uint32_t)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (RECENT_ORDERS - 1);
}

/* The order that a request names by its id, if it went through here lately and is the account's. */
static const recent_order *recent_of(const order_desk *self, const order_request *r) {
    const recent_order *known = &self->recent[recent_place(r->shard, r->order_id)];
    bool same =
        known->shard == r->shard && known->order_id == r->order_id && strcmp(known->account, r->account) == 0;
    return same && r->order_id != 0 ? known : NULL;
}

/* Likewise, also by the client's name for it: the last one that was called so. */
static const recent_order *recent_named(const order_desk *self, const order_request *r) {
    if (r->order_id != 0) return recent_of(self, r);
    if (r->op == ORDER_NEW || r->client_order_id[0] == '\0') return NULL;
    const recent_order *known = &self->recent[self->recent_names[name_place(r)]];
    bool same = strcmp(known->client_order_id, r->client_order_id) == 0 && strcmp(known->symbol, r->symbol) == 0 &&
                strcmp(known->account, r->account) == 0;
    return same ? known : NULL;
}

/* One line about a request: its correlation id, and that of the order which it is about, as far as it is known here. The last two fields may be
 * NULL. */
static void log_request(order_desk *self, rt_level level, const char *message, const order_request *r,
                        const char *place, const order_fault *fault) {
    rt_field fields[10];
    size_t count = 0;
    char id[ORDER_ID_BYTES];
    if (!rt_log_writes(self->log, level)) return;
    const recent_order *order = recent_named(self, r);
    fields[count++] = RT_STR("correlation_id", r->correlation_id);
    if (order != NULL) fields[count++] = RT_STR("order_correlation_id", order->correlation_id);
    fields[count++] = RT_STR("op", order_op_name(r->op));
    fields[count++] = RT_STR("account", r->account);
    fields[count++] = RT_STR("client_order_id", r->client_order_id);
    if (r->order_id != 0) order_id_format(id, r->shard, r->order_id);
    if (r->order_id != 0) fields[count++] = RT_STR("order_id", id);
    if (place != NULL) fields[count++] = RT_STR("place", place);
    if (fault != NULL) fields[count++] = RT_STR("code", fault->code);
    if (fault != NULL) fields[count++] = RT_STR("reason", fault->message);
    rt_log_write(self->log, level, message, fields, count);
}

static void refuse_later(order_desk *self, order_ticket *t, const order_fault *fault, uint32_t retry_ms) {
    count_fault(self, fault->code);
    log_request(self, RT_DEBUG, "an order request is refused", &t->request, NULL, fault);
    answer_fault(self, t, fault, retry_ms);
    free_ticket(self, t);
}

static void refuse(order_desk *self, order_ticket *t, const order_fault *fault) {
    refuse_later(self, t, fault, 0);
}

/* ---- what the stream said ---- */

static void remember(order_desk *self, uint32_t shard, uint64_t order_id, const order_request *r) {
    recent_order *place = &self->recent[recent_place(shard, order_id)];
    place->shard = shard;
    place->order_id = order_id;
    tw_text_copy(place->symbol, sizeof place->symbol, r->symbol);
    tw_text_copy(place->account, sizeof place->account, r->account);
    tw_text_copy(place->correlation_id, sizeof place->correlation_id, r->correlation_id);
    tw_text_copy(place->client_order_id, sizeof place->client_order_id, r->client_order_id);
    if (r->client_order_id[0] != '\0') self->recent_names[name_place(r)] = (uint16_t)(place - self->recent);
}

/* Certain ones first: an order of several parts is as unsure as its worst. */
static void judge(order_ticket *t, const bus_write_result *result) {
    static const char lost[] =
        "the stream did not acknowledge in time: it may have it or not. Sending again with the same "
        "client_order_id is safe";
    if (result->outcome == BUS_WRITE_STORED) return;
    if (result->outcome == BUS_WRITE_UNKNOWN)
        order_fault_set(&t->fault, "NOT_ACKNOWLEDGED", "", "%s", lost);
    else if (t->fault.code == NULL)
        order_fault_set(&t->fault, "NOT_STORED", "", "%.200s",
                        result->outcome == BUS_WRITE_NO_STREAM ? "the venue's order stream is not there"
                                                               : result->reason);
}

/* A mass cancel that one shard has and another one surely has not: neither "stored" nor "not stored" is true of it. */
static void judge_parts(order_ticket *t) {
    if (t->fault.code != NULL && t->part_count > 0)
        order_fault_set(&t->fault, "NOT_ACKNOWLEDGED", "", "%s",
                        "some shards have it, others may not have it. Sending it again is safe");
}

static void finish(order_desk *self, order_ticket *t) {
    const order_request *r = &t->request;
    char id[ORDER_ID_BYTES] = "";
    judge_parts(t);
    if (t->fault.code != NULL) {
        log_request(self, RT_INFO, "an order request got no place in the stream", r, NULL, &t->fault);
        refuse(self, t, &t->fault);
        return;
    }
    order_id_format(id, t->parts[0].shard, t->parts[0].seq << 16 | t->parts[0].index);
    log_request(self, RT_DEBUG, "an order request is in the stream", r, id, NULL);
    if (r->op == ORDER_NEW) remember(self, t->parts[0].shard, t->parts[0].seq << 16 | t->parts[0].index, r);
    self->stats.pending++;
    answer_pending(self, t);
    free_ticket(self, t);
}

typedef struct done {
    order_desk *desk;
    uint32_t shard;
    const bus_write_result *result;
} done;

static void session_done(order_desk *self, uint64_t ticket, const bus_write_result *result) {
    uint32_t number = (uint32_t)ticket & UINT32_C(0xffffffff);
    uint64_t id = sessions_id(self->sessions, number);
    if ((id & ID_BITS) != (ticket >> 32 & ID_BITS)) return; /* another one by now */
    bool opening = (ticket & OPENING) != 0;
    if (result->outcome == BUS_WRITE_STORED) {
        sessions_heard(self->sessions, number, id, rt_clock_monotonic_ns() - result->took_ns);
        if (opening) sessions_opened(self->sessions, number, id);
    } else if (opening && result->outcome == BUS_WRITE_UNKNOWN) {
        sessions_doubt(self->sessions, number, id);
    } else if (opening) {
        sessions_fail(self->sessions, number, id);
    }
}

/* By shard, whichever stream was the first to answer. */
static void add_part(order_ticket *t, order_part part) {
    uint32_t at = t->part_count++;
    for (; at > 0 && t->parts[at - 1].shard > part.shard; at--)
        t->parts[at] = t->parts[at - 1];
    t->parts[at] = part;
}

static void on_command_done(void *context, uint64_t ticket, uint32_t index) {
    done *d = context;
    order_desk *self = d->desk;
    if ((ticket & SESSION_TICKET) != 0) {
        session_done(self, ticket, d->result);
        return;
    }
    order_ticket *t = self->tickets[ticket];
    judge(t, d->result);
    if (d->result->outcome == BUS_WRITE_STORED)
        add_part(t, (order_part){.shard = d->shard, .seq = d->result->seq, .index = index});
    if (--t->parts_left == 0) finish(self, t);
}

/* The token is the shard and its batch. */
#define TOKEN(shard, number) ((uint64_t)(shard) << 48 | (number))

static void on_written(void *context, const bus_write_result *result) {
    order_desk *self = context;
    uint32_t shard = (uint32_t)(result->token >> 48);
    done d = {.desk = self, .shard = shard, .result = result};
    if (result->outcome != BUS_WRITE_STORED)
        rt_log_limited(self->log, &self->write_site, RT_WARN, "the order stream did not take a batch",
                       RT_U64("shard", shard), RT_STR("reason", result->reason));
    batcher_done(self->shards[shard], result->token & ((UINT64_C(1) << 48) - 1), on_command_done, &d);
}

/* ---- batches ---- */

static batcher *batcher_of(order_desk *self, uint32_t shard) {
    const gateway_settings *s = &self->owner->settings;
    if (self->shards[shard] != NULL) return self->shards[shard];
    batcher_options options = {.capacity = (uint32_t)s->order_queue,
                               .most_under_way = (uint32_t)s->order_batches,
                               .most_commands = (uint32_t)s->order_batch,
                               .most_bytes = BATCH_BYTES,
                               .gather_ns = s->order_gather_ns};
    tw_text_copy(options.sender, sizeof options.sender, self->sender);
    self->shards[shard] = batcher_alloc(&options);
    return self->shards[shard];
}

/* Whatever waits for this shard and did not leave. */
static void take_back(order_desk *self, uint32_t shard, int64_t before_ns, bus_write_outcome outcome,
                      const char *why) {
    bus_write_result result = {.outcome = outcome};
    done d = {.desk = self, .shard = shard, .result = &result};
    tw_text_copy(result.reason, sizeof result.reason, why);
    batcher_take_back(self->shards[shard], before_ns, on_command_done, &d);
}

static void send_batches(order_desk *self, uint32_t shard, int64_t now_ns) {
    char subject[SUBJECT_BYTES];
    batcher *b = self->shards[shard];
    batcher_batch batch;
    subject_shard(subject, sizeof subject, SUBJECT_KIND_ORDER_BATCH, self->venue, shard);
    while (batcher_next(b, now_ns, &batch)) {
        uint64_t number = batcher_next_number(b);
        tw_code code = bus_writer_write(self->writer, subject, batch.bytes, batch.length, BUS_ANY_LAST_SEQ,
                                        TOKEN(shard, number));
        if (code == TW_FULL) return;
        if (code != TW_OK) {
            take_back(self, shard, INT64_MAX, BUS_WRITE_REFUSED,
                      code == TW_AWAY ? "the bus is away: nothing was sent"
                                      : "the bus takes no batch of this size");
            return;
        }
        batcher_left(b);
        self->stats.batches++;
        self->stats.commands += batch.count;
        self->stats.batch_bytes += batch.length;
    }
}

/* ---- who waits for the directory ---- */

static bool must_wait(const order_desk *self) {
    return order_directory_is_awaited(self) || self->first_waiting != NULL;
}

void order_desk_await(order_desk *self, order_waiting *what) {
    what->next = NULL;
    if (self->first_waiting == NULL)
        self->first_waiting = what;
    else
        self->last_waiting->next = what;
    self->last_waiting = what;
}

/* Not where the directory comes: who goes on may ask something in its turn, which an answer's callback must not. */
static void release_waiting(order_desk *self) {
    while (self->first_waiting != NULL && !order_directory_is_awaited(self)) {
        order_waiting *one = self->first_waiting;
        self->first_waiting = one->next;
        one->go_on(self, one->what);
    }
}

/* Two times: the batchers' is monotonic. */
int64_t order_desk_round(order_desk *self, int64_t now_ns) {
    if (self == NULL) return INT64_MAX;
    int64_t mono_ns = rt_clock_monotonic_ns(), due_ns = INT64_MAX;
    release_waiting(self);
    if (self->limits != NULL) order_limits_flush(self->limits);
    order_follows_recheck(self);
    order_follows_ask(self, mono_ns);
    due_ns = order_catch_ups_round(self, mono_ns);
    for (uint32_t shard = 1; shard <= ORDER_MOST_SHARDS; shard++) {
        if (self->shards[shard] == NULL || batcher_waiting(self->shards[shard]) == 0) continue;
        take_back(self, shard, mono_ns - self->owner->settings.order_timeout_ns, BUS_WRITE_REFUSED,
                  "the order stream is too slow: it did not leave in time");
        send_batches(self, shard, mono_ns);
        int64_t due = batcher_due_ns(self->shards[shard]);
        if (due < due_ns) due_ns = due;
    }
    bus_flush(self->bus);
    int64_t follow_ns = follow_due_ns(self->follows);
    if (follow_ns < due_ns) due_ns = follow_ns;
    return due_ns == INT64_MAX ? INT64_MAX : now_ns + (due_ns > mono_ns ? due_ns - mono_ns : 0);
}

/* ---- into the queue ---- */

static bool put_session_command(order_desk *self, uint8_t kind, const session_due *due, uint64_t flags) {
    wire_order_command command = {.kind = kind,
                                  .price = TW_PRICE_ABSENT,
                                  .stop_price = TW_PRICE_ABSENT,
                                  .quantity = WIRE_QUANTITY_ABSENT,
                                  .display = WIRE_QUANTITY_ABSENT,
                                  .expire_ns = TW_TIME_ABSENT,
                                  .session = due->id};
    if (kind == WIRE_SESSION_OPEN) command.timeout_ns = (uint64_t)self->owner->settings.session_timeout_ns;
    uint64_t ticket = SESSION_TICKET | flags | (due->id & ID_BITS) << 32 | due->session;
    batcher *b = batcher_of(self, due->shard);
    return b != NULL && batcher_put(b, &command, ticket, rt_clock_monotonic_ns());
}

static bool put_session_open(order_desk *self, const session_due *due) {
    return put_session_command(self, WIRE_SESSION_OPEN, due, OPENING);
}

/* The session that an order of this client in this shard belongs to; 0: there is no room for one. */
static uint64_t session_for(order_desk *self, uint32_t client, uint32_t shard) {
    uint32_t number = sessions_find(self->sessions, client, shard);
    if (number != SESSION_NONE) {
        session_due old = {.session = number, .shard = shard, .id = sessions_id(self->sessions, number)};
        return !sessions_doubtful(self->sessions, number) || put_session_open(self, &old) ? old.id : 0;
    }
    session_due due = {.client = client, .shard = shard, .id = random_u64()};
    due.session = sessions_enter(self->sessions, client, shard, due.id, rt_clock_monotonic_ns());
    if (due.session == SESSION_NONE) return 0;
    if (!put_session_open(self, &due)) {
        sessions_forget(self->sessions, due.session);
        return 0;
    }
    self->stats.sessions_opened++;
    return due.id;
}

static bool put_command(order_desk *self, order_ticket *t, uint32_t shard) {
    batcher *b = batcher_of(self, shard);
    if (b == NULL || !batcher_put(b, &t->command, t->number, rt_clock_monotonic_ns())) return false;
    t->parts_left++;
    return true;
}

static void refuse_busy(order_desk *self, order_ticket *t) {
    order_fault_set(&t->fault, "BUSY", "", "the gateway's queue for the venue is full: come back later");
    refuse(self, t, &t->fault);
}

/* All shards or none: room is looked at before. */
static void enqueue_everywhere(order_desk *self, order_ticket *t) {
    uint32_t shards = order_desk_shards(self);
    for (uint32_t shard = 1; shard <= shards; shard++) {
        batcher *b = batcher_of(self, shard);
        if (b != NULL && batcher_room(b) > 0) continue;
        refuse_busy(self, t);
        return;
    }
    for (uint32_t shard = 1; shard <= shards; shard++)
        put_command(self, t, shard);
}

static void enqueue(order_desk *self, order_ticket *t) {
    if (t->asked == NULL && !is_there(self, t)) { /* it left while it waited: nobody would know what became of it */
        free_ticket(self, t);
        return;
    }
    if (t->command.all_symbols) {
        enqueue_everywhere(self, t);
        return;
    }
    if (t->request.cancel_on_disconnect) {
        t->command.session = session_for(self, t->client, t->shard);
        if (t->command.session == 0) {
            refuse_busy(self, t);
            return;
        }
    }
    if (!put_command(self, t, t->shard)) refuse_busy(self, t);
}

/* ---- rates ---- */

static void on_verdict(void *context, void *question, order_verdict verdict, uint32_t retry_ms) {
    order_desk *self = context;
    order_ticket *t = question;
    if (verdict == ORDER_ALLOWED) {
        enqueue(self, t);
        return;
    }
    if (verdict == ORDER_LIMITED)
        order_fault_set(&t->fault, "RATE_LIMITED", "", "more than %u orders within a second", t->rate);
    else
        order_fault_set(&t->fault, "LIMITS_UNKNOWN", "",
                        "nobody knows now how many orders you have sent: only cancels are taken");
    refuse_later(self, t, &t->fault, verdict == ORDER_LIMITED ? retry_ms : 0);
}

/* New orders and replaces need permission, and room in the journal; what reduces risk only keeps its place behind them. */
static void ask_rate(order_desk *self, order_ticket *t) {
    bool counted = t->request.op == ORDER_NEW || t->request.op == ORDER_REPLACE;
    if (counted && self->storage_low[t->shard]) {
        order_fault_set(&t->fault, "STORAGE_LOW", "",
                        "storage of the venue's journal runs short: only cancels are taken until there is more");
        refuse(self, t, &t->fault);
        return;
    }
    order_verdict verdict = ORDER_ALLOWED;
    if (self->limits != NULL && counted && t->rate > 0)
        verdict = order_limits_ask(self->limits, t->user, t->rate, t);
    else if (self->limits != NULL)
        verdict = order_limits_queue(self->limits, t->user, t);
    if (verdict != ORDER_VERDICT_LATER) on_verdict(self, t, verdict, 0);
}

/* ---- which account, which symbol, which shard ---- */

const text_list *order_desk_accounts(const order_desk *self, const identity *caller) {
    return caller != NULL ? &caller->accounts : &self->anonymous;
}

bool order_desk_account(const order_desk *self, const identity *caller, const char *named,
                        char account[WIRE_ACCOUNT_BYTES], order_fault *fault) {
    const text_list *accounts = order_desk_accounts(self, caller);
    bool could_say = caller == NULL && doorman_is_on(self->owner->doorman);
    if (named[0] != '\0' && text_list_has(accounts, named) && tw_text_copy(account, WIRE_ACCOUNT_BYTES, named))
        return true;
    if (named[0] != '\0' || accounts->count == 0)
        return order_fault_set(fault, could_say ? "UNAUTHORIZED" : "FORBIDDEN", "account", "%s%s",
                               accounts->count == 0 ? "you have no account here"
                                                    : "that is not an account of yours",
                               could_say ? ": it takes a token" : "");
    if (accounts->count == 1 && tw_text_copy(account, WIRE_ACCOUNT_BYTES, text_list_first(accounts))) return true;
    return order_fault_set(fault, "BAD_FIELD", "account", "account is missing: you have %u", accounts->count);
}

/* What no shard has announced may be at one that is silent. */
bool order_desk_no_symbol(order_desk *self, const char *symbol, order_fault *fault) {
    char silent[64];
    bool whole = order_directory_asked(self);
    if (whole)
        return order_fault_set(fault, "UNKNOWN_SYMBOL", "symbol", "there is no %s at %s", symbol, self->venue);
    order_directory_silent(self, silent, sizeof silent);
    return order_fault_set(
        fault, "NO_DIRECTORY", "",
        "no shard of %s that is heard has announced %s, and of shard %s it is not known what it has: "
        "come back later",
        self->venue, symbol, silent);
}

/* Makes the command and goes on; the symbol is known. */
static void take_placed(order_desk *self, order_ticket *t) {
    order_request *r = &t->request;
    const order_place *where = NULL;
    if (r->symbol[0] != '\0') {
        where = order_directory_find(self->directory, r->symbol);
        if (where == NULL) {
            order_desk_no_symbol(self, r->symbol, &t->fault);
            refuse(self, t, &t->fault);
            return;
        }
        t->shard = where->shard;
    }
    if (where != NULL && r->shard != 0 && r->shard != where->shard) {
        order_fault_set(&t->fault, "UNKNOWN_ORDER", "order_id", "an order of %s is not of shard %u", r->symbol,
                        r->shard);
        refuse(self, t, &t->fault);
        return;
    }
    if (r->op == ORDER_NEW && r->client_order_id[0] == '\0')
        tw_text_format(r->client_order_id, sizeof r->client_order_id, "g%016llx", (unsigned long long)random_u64());
    if (order_command_make(&t->command, r, where, self->venue, &t->fault))
        ask_rate(self, t);
    else
        refuse(self, t, &t->fault);
}

/* An order's symbol, by its id: of those that went through here lately, or as the venue says. */
static void find_symbol(order_desk *self, order_ticket *t) {
    order_request *r = &t->request;
    const recent_order *known = recent_of(self, r);
    if (known != NULL) {
        tw_text_copy(r->symbol, sizeof r->symbol, known->symbol);
        take_placed(self, t);
        return;
    }
    ask_result result = order_look_up(self, t);
    if (result == ASK_ASKED) return;
    order_fault_set_not_asked(&t->fault, result, "name the order's symbol, or come back");
    if (t->asked != NULL && result != ASK_AWAY) http_add_header(t->asked, "Retry-After: 1\r\n");
    refuse(self, t, &t->fault);
}

void order_desk_looked_up(order_desk *self, order_ticket *t, bool found) {
    if (found)
        take_placed(self, t);
    else
        refuse(self, t, &t->fault);
}

/* The account is known, and so is the directory, or it was waited for long enough. */
static void go_on(order_desk *self, order_ticket *t) {
    const order_request *r = &t->request;
    if (r->shard > order_desk_shards(self)) {
        order_fault_set(&t->fault, "UNKNOWN_ORDER", "order_id", "%s has no shard %u", self->venue, r->shard);
        refuse(self, t, &t->fault);
    } else if (r->symbol[0] == '\0' && r->op != ORDER_MASS_CANCEL) {
        find_symbol(self, t);
    } else {
        take_placed(self, t);
    }
}

static void ticket_goes_on(order_desk *self, void *what) {
    go_on(self, what);
}

static void submit(order_desk *self, order_ticket *t, const identity *caller) {
    order_request *r = &t->request;
    self->stats.requests[r->op]++;
    tw_text_copy(t->user_name, sizeof t->user_name, caller != NULL ? caller->user : IDENTITY_ANONYMOUS);
    t->user = t->user_name;
    t->rate = order_rate_of(self, caller);
    char account[WIRE_ACCOUNT_BYTES];
    if (r->exchange[0] != '\0' && strcmp(r->exchange, self->venue) != 0)
        order_fault_set(&t->fault, "UNKNOWN_EXCHANGE", "exchange", "orders are taken here for %s", self->venue);
    else if (order_desk_account(self, caller, r->account, account, &t->fault))
        tw_text_copy(r->account, sizeof r->account, account);
    if (t->fault.code != NULL)
        refuse(self, t, &t->fault);
    else if (!must_wait(self))
        go_on(self, t);
    else { /* whatever it needs of the directory: a cancel must not overtake its order */
        t->waiting = (order_waiting){.go_on = ticket_goes_on, .what = t};
        order_desk_await(self, &t->waiting);
    }
}

/* ---- requests of clients ---- */

/* A bucket that fills with the rate, kept as the time at which it was empty. */
static bool is_too_fast(order_desk *self, uint32_t client, int64_t now_ns) {
    int64_t each_ns = SECOND_NS / (int64_t)self->owner->settings.order_requests_per_second;
    client_pace *pace = &self->paces[client];
    if (pace->allowance_ns < now_ns - SECOND_NS) pace->allowance_ns = now_ns - SECOND_NS;
    bool allowed = pace->allowance_ns + each_ns <= now_ns;
    if (allowed) pace->allowance_ns += each_ns;
    pace->refused_in_a_row = allowed ? 0 : pace->refused_in_a_row + 1;
    return !allowed;
}

/* Answered without a ticket: there may be none. */
static void refuse_at_once(order_desk *self, uint32_t client, const char *id, const order_request *request,
                           const order_fault *fault) {
    order_ticket t = {.client = client, .generation = self->generations[client]};
    if (request != NULL) {
        t.request = *request;
        log_request(self, RT_DEBUG, "an order request is refused", request, NULL, fault);
    }
    tw_text_copy(t.id, sizeof t.id, id);
    count_fault(self, fault->code);
    answer_fault(self, &t, fault, 0);
}

void order_desk_request(order_desk *self, uint32_t client, const char *id, const uint8_t *bytes, size_t length) {
    order_fault fault = {0};
    order_request request;
    uint32_t rate = (uint32_t)self->owner->settings.order_requests_per_second;
    if (is_too_fast(self, client, rt_clock_monotonic_ns())) {
        order_fault_set(&fault, "TOO_FAST", "", "more than %u requests about orders a second", rate);
        refuse_at_once(self, client, id, NULL, &fault);
        if (self->paces[client].refused_in_a_row > TOO_FAST_CLOSE * rate)
            socket_end_client(self->owner->socket, client, STREAM_CLOSE_POLICY, "too many requests");
        return;
    }
    bool good = order_request_parse(&request, &fault, bytes, length, ORDER_OPS);
    order_desk_correlate(self, request.correlation_id);
    if (!good) {
        refuse_at_once(self, client, id, &request, &fault);
        return;
    }
    order_ticket *t = take_ticket(self);
    if (t == NULL) {
        order_fault_set(&fault, "BUSY", "", "the gateway has no room for another request: come back later");
        refuse_at_once(self, client, id, &request, &fault);
        return;
    }
    t->request = request;
    t->client = client;
    t->generation = self->generations[client];
    tw_text_copy(t->id, sizeof t->id, id);
    submit(self, t, doorman_identity(self->owner->doorman, client));
}

void order_desk_take(order_desk *self, order_request *request, const http_asked *asked, const identity *caller) {
    order_ticket *t = take_ticket(self);
    http_asked *kept = t == NULL ? NULL : malloc(sizeof *kept);
    if (kept == NULL) {
        order_fault fault = {0};
        order_fault_set(&fault, "BUSY", "", "the gateway has no room for another request: come back later");
        if (t != NULL) free_ticket(self, t);
        count_fault(self, fault.code);
        order_desk_answer_fault(self->owner, asked, &fault, request->correlation_id);
        return;
    }
    *kept = *asked;
    t->asked = kept;
    t->request = *request;
    submit(self, t, caller);
}

void order_desk_leave(order_desk *self, uint32_t client) {
    if (self == NULL) return;
    self->generations[client]++;
    self->paces[client] = (client_pace){0};
    self->recheck[client] = false;
    follow_remove_all(self->follows, client);
    sessions_leave(self->sessions, client);
    order_sessions_tend(self, false); /* those that are to be closed */
}

/* ---- sessions ---- */

void order_sessions_tend(order_desk *self, bool beat) {
    session_due due;
    uint32_t cursor = SESSION_NONE, shard;
    for (uint32_t client; (client = sessions_take_lost(self->sessions, rt_clock_monotonic_ns(), &shard)) != 0;) {
        static const char text[] =
            "{\"type\":\"error\",\"code\":\"SESSION_LOST\",\"message\":\"the order stream was out of "
            "reach for too long: the venue cancels your orders with cancel_on_disconnect\"}";
        self->stats.sessions_lost++;
        stream_answer(self->owner->stream, client - 1, text, sizeof text - 1, rt_clock_utc_ns());
    }
    while (sessions_next(self->sessions, &cursor, &due)) {
        if (due.closing && put_session_command(self, WIRE_SESSION_CLOSE, &due, 0))
            sessions_forget(self->sessions, due.session);
        else if (!due.closing && beat && due.doubtful)
            put_session_open(self, &due);
        else if (!due.closing && beat)
            put_session_command(self, WIRE_SESSION_BEAT, &due, 0);
    }
}

/* ---- what it is ---- */

bool order_desk_is_ready(const order_desk *self) {
    return self == NULL || self->directory_was_known || rt_clock_monotonic_ns() - self->opened_ns >= READY_NS;
}

const bus_refusals *order_desk_refusals(const order_desk *self) {
    return self == NULL ? NULL : &self->refusals;
}

bool order_desk_knows_instruments(const order_desk *self) {
    return order_directory_is_known(self);
}

const char *order_desk_venue(const order_desk *self) {
    return self->venue;
}

const order_directory *order_desk_directory(const order_desk *self) {
    return self->directory;
}

uint32_t order_desk_shards(const order_desk *self) {
    uint32_t told = order_directory_shards(self->directory), set = (uint32_t)self->owner->settings.venue_shards;
    uint32_t most = told > set ? told : set;
    return self->greatest_heard > most ? self->greatest_heard : most;
}

bool order_desk_is_idle(const order_desk *self) {
    if (self == NULL) return true;
    if (self->ticket_count > 0 || self->first_waiting != NULL) return false;
    for (uint32_t shard = 1; shard <= ORDER_MOST_SHARDS; shard++)
        if (self->shards[shard] != NULL &&
            (batcher_waiting(self->shards[shard]) > 0 || batcher_under_way(self->shards[shard]) > 0))
            return false;
    return true;
}

void order_desk_recheck(order_desk *self, uint32_t client) {
    if (self == NULL) return;
    self->recheck[client] = self->recheck_any = true;
}

order_desk_stats order_desk_read_stats(const order_desk *self) {
    if (self == NULL) return (order_desk_stats){0};
    order_desk_stats stats = self->stats;
    follow_stats follows = follow_read_stats(self->follows);
    stats.reports = follows.delivered;
    stats.report_duplicates = follows.duplicates;
    stats.reports_chased = follows.chased;
    stats.reports_lost = follows.lost;
    stats.catch_ups = order_catch_ups_count(self);
    stats.followers = follows.followers;
    stats.accounts = follows.feeds;
    stats.chases = follows.chases;
    stats.sessions = sessions_count(self->sessions);
    stats.instruments = order_directory_read_stats(self->directory).instruments;
    stats.shards = order_desk_shards(self);
    stats.on = true;
    stats.directory_whole = order_directory_is_known(self);
    stats.bus_connected = bus_connected(self->bus);
    stats.limits = order_limits_read_stats(self->limits);
    for (uint32_t shard = 1; shard <= ORDER_MOST_SHARDS; shard++)
        if (self->shards[shard] != NULL) {
            stats.waiting += batcher_waiting(self->shards[shard]);
            stats.under_way += batcher_under_way(self->shards[shard]);
        }
    return stats;
}

/* ---- opening and closing ---- */

static tw_code check_accounts(const char *list, tw_error *error) {
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (!account_name_is_good(list, length))
            return tw_error_set(error, TW_INVALID, "--anonymous-accounts '%.*s': an account is " ACCOUNT_NAME_RULE,
                                (int)length, list);
        list += length + (list[length] == ',');
    }
    return TW_OK;
}

/* A list that check_accounts has seen. */
static tw_code take_accounts(order_desk *self, const char *list, tw_error *error) {
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (!text_list_add(&self->anonymous, list, length))
            return tw_error_set(error, TW_NO_MEMORY, "no memory for accounts");
        list += length + (list[length] == ',');
    }
    return TW_OK;
}

tw_code order_desk_check(const gateway_settings *s, tw_error *error) {
    if (s->venue[0] == '\0') return TW_OK;
    if (!http_is_mic(s->venue, strlen(s->venue)))
        return tw_error_set(error, TW_INVALID, "--venue '%s' is no MIC: four of A-Z 0-9", s->venue);
    if (s->order_rate > 0 && s->redis[0] == '\0')
        return tw_error_set(
            error, TW_INVALID,
            "--venue wants --redis, which counts the orders of each user over all gateways; or --order-rate "
            "0 for no such limit");
    return check_accounts(s->anonymous_accounts, error);
}

static tw_code take_memory(order_desk *self, tw_error *error) {
    const gateway_settings *s = &self->owner->settings;
    uint32_t clients = (uint32_t)s->max_clients;
    self->ticket_capacity = (uint32_t)s->order_queue;
    self->tickets = calloc(self->ticket_capacity, sizeof(order_ticket *));
    self->free_tickets = calloc(self->ticket_capacity, sizeof *self->free_tickets);
    self->generations = calloc(clients, sizeof *self->generations);
    self->paces = calloc(clients, sizeof *self->paces);
    self->recheck = calloc(clients, sizeof *self->recheck);
    self->recent = calloc(RECENT_ORDERS, sizeof *self->recent);
    self->recent_names = calloc(RECENT_ORDERS, sizeof *self->recent_names);
    self->names.names = calloc(REPORT_MOST_NAMES, sizeof *self->names.names);
    self->directory = order_directory_alloc((uint32_t)s->max_instruments);
    self->sessions = sessions_alloc(clients, 4 * clients, s->session_timeout_ns);
    bool good = self->tickets != NULL && self->free_tickets != NULL && self->generations != NULL &&
                self->paces != NULL && self->recheck != NULL && self->recent != NULL &&
                self->recent_names != NULL && self->names.names != NULL && self->directory != NULL &&
                self->sessions != NULL && order_follows_alloc(self);
    return good ? TW_OK : tw_error_set(error, TW_NO_MEMORY, "no memory for order entry");
}

static void on_tick(void *context) {
    order_desk *self = context;
    order_directory_tend(self);
    if (++self->ticks % self->beat_ticks == 0) order_sessions_tend(self, true);
}

static tw_code open_all(order_desk *self, tw_error *error) {
    gateway *owner = self->owner;
    const gateway_settings *s = &owner->settings;
    tw_code code = take_accounts(self, s->anonymous_accounts, error);
    if (code == TW_OK) code = take_memory(self, error);
    if (code == TW_OK) code = order_bus_open(self, error);
    if (code == TW_OK) code = order_catch_ups_open(self, error);
    bus_writer_options writing = {.max_outstanding = ORDER_MOST_SHARDS * BATCHER_MOST_UNDER_WAY,
                                  .timeout_ns = s->order_timeout_ns,
                                  .on_result = on_written,
                                  .context = self};
    if (code == TW_OK) code = bus_writer_open(&self->writer, self->bus, &owner->loop, &writing, error);
    if (code == TW_OK && s->order_rate > 0)
        code = order_limits_open(&self->limits, &owner->loop, s->redis, s->order_limits_deadline_ns, on_verdict,
                                 self, self->log, error);
    if (code == TW_OK) code = ticker_open(&self->ticker, &owner->loop, TICK_NS, on_tick, self, error);
    return code;
}

tw_code order_desk_open(order_desk **made, gateway *owner, tw_error *error) {
    const gateway_settings *s = &owner->settings;
    if (s->venue[0] == '\0') return TW_OK;
    order_desk *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for order entry");
    self->owner = owner;
    self->log = owner->log;
    self->opened_ns = rt_clock_monotonic_ns();
    tw_text_copy(self->venue, sizeof self->venue, s->venue);
    tw_text_format(self->sender, sizeof self->sender, "%s", s->name[0] != '\0' ? s->name : "tickwire-gateway");
    uint64_t fifth = (uint64_t)(s->session_timeout_ns / 5 / TICK_NS);
    self->beat_ticks = fifth < BEAT_TICKS ? fifth : BEAT_TICKS; /* 2 s at least: never 0 */
    *made = self;
    tw_code code = open_all(self, error);
    if (code != TW_OK) {
        order_desk_close(self);
        return code;
    }
    order_directory_tend(self);
    rt_log(self->log, RT_INFO, "orders are taken", RT_STR("venue", self->venue), RT_U64("rate", s->order_rate),
           RT_STR("anonymous_accounts", s->anonymous_accounts));
    return TW_OK;
}

void order_desk_close(order_desk *self) {
    if (self == NULL) return;
    self->closing = true;
    ticker_close(self->ticker);
    order_limits_close(self->limits);
    bus_writer_close(self->writer);
    order_catch_ups_close(self);
    bus_close(self->bus);
    self->ticker = NULL;
    self->limits = NULL;
    self->writer = NULL;
    self->bus = NULL;
}

void order_desk_free(order_desk *self) {
    if (self == NULL) return;
    for (order_waiting *one = self->first_waiting, *next; one != NULL; one = next) {
        next = one->next;
        if (one->drop != NULL) one->drop(one->what);
    }
    for (uint32_t shard = 0; shard <= ORDER_MOST_SHARDS; shard++)
        batcher_free(self->shards[shard]);
    for (uint32_t i = 0; i < self->tickets_reached; i++) {
        if (self->tickets[i] != NULL) free(self->tickets[i]->asked);
        free(self->tickets[i]);
    }
    free(self->tickets);
    free(self->free_tickets);
    free(self->generations);
    free(self->paces);
    free(self->recheck);
    free(self->recent);
    free(self->recent_names);
    free(self->names.names);
    free(self->listeners);
    wire_arena_fini(&self->arena);
    text_list_fini(&self->anonymous);
    order_directory_free(self->directory);
    sessions_free(self->sessions);
    follow_free(self->follows);
    free(self);
}
