/* Execution reports: exec.{ACCOUNT} of the bus and answers of the venue, to the follow table, and from there to clients. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/order_inside.h"
#include "runtime/clock.h"

#define RETRY_NS    INT64_C(500000000)
#define PATIENCE_NS INT64_C(10000000000)
#define DOUBT_NS    INT64_C(1000000000)
#define PAGE_LIMIT  1000u
#define FRAME_ROOM  64u /* around a report */

/* ---- to clients ---- */

typedef struct report_message {
    order_desk *desk;
    const char *exchange;
} report_message;

/* The same text for all that get it. */
static bool write_report(order_desk *self, const char *account, uint32_t shard, const wire_report *report) {
    char subject[SUBJECT_BYTES];
    json_writer w;
    report_frame frame = {.subject = subject, .account = account, .exchange = self->venue, .shard = shard};
    if (self->written_of == report) return true;
    subject_executions(subject, sizeof subject, account);
    json_start(&w, self->written, sizeof self->written);
    if (!report_write(&w, &frame, report, report_name_of(&self->names, report->instrument))) return false;
    self->written_length = w.length;
    self->written_of = report;
    return true;
}

static void deliver(void *context, uint32_t client, const char *account, uint32_t shard, const wire_report *report,
                    const void *message) {
    (void)message;
    order_desk *self = context;
    if (write_report(self, account, shard, report))
        stream_report(self->owner->stream, client, self->written, self->written_length, rt_clock_utc_ns());
}

static void put_loss(json_writer *w, const follow_loss *loss) {
    char text[256];
    (void)tw_text_format(text, sizeof text, "some reports are not to be had: %s. See /v1/orders and /v1/positions",
                         loss->why);
    json_u64(w, "shard", loss->after.shard);
    if (loss->known) {
        json_open_object(w, "after");
        json_u64_string(w, "seq", loss->after.seq);
        json_u64(w, "n", loss->after.n);
        json_close_object(w);
        json_u64_string(w, "to_seq", loss->to_seq);
    }
    json_string(w, "message", text);
}

void order_tell_lost(void *context, uint32_t client, const char *account, const follow_loss *loss) {
    order_desk *self = context;
    char text[ORDER_JSON_BYTES], subject[SUBJECT_BYTES];
    json_writer w;
    subject_executions(subject, sizeof subject, account);
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "type", "error");
    json_string(&w, "code", "REPORTS_LOST");
    json_string(&w, "subject", subject);
    put_loss(&w, loss);
    json_close_object(&w);
    if (json_finish(&w)) stream_answer(self->owner->stream, client, text, w.length, rt_clock_utc_ns());
}

/* Half of what may wait for it: so live reports, which are not held back, still find room. */
static bool has_room(void *context, uint32_t client) {
    const order_desk *self = context;
    size_t of, room = stream_room(self->owner->stream, client, &of);
    return room >= of / 2;
}

/* ---- live ---- */

static bool read_live(order_desk *self, const bus_message *message, wire_executions *batch) {
    wire_part part;
    self->names.count = 0;
    if (wire_executions_open(batch, message->bytes, message->length) != WIRE_OK) return false;
    wire_executions walk = *batch;
    while (wire_executions_next(&walk, &part))
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT && self->names.count < REPORT_MOST_NAMES)
            self->names.names[self->names.count++] = part.instrument;
    return true;
}

static void on_reports(void *context, const bus_message *message) {
    const order_listener *listener = context;
    order_desk *self = listener->desk;
    wire_executions batch;
    wire_part part;
    if (message->status != 0) return;
    if (!read_live(self, message, &batch)) {
        self->stats.reports_malformed++;
        rt_log_limited(self->log, &self->report_site, RT_WARN, "execution reports can't be read",
                       RT_STR("account", listener->account), RT_U64("bytes", message->length));
        return;
    }
    if (strcmp(batch.header.exchange, self->venue) != 0) return; /* another venue's account of this name */
    while (wire_executions_next(&batch, &part)) {
        if (part.kind != WIRE_PART_REPORT) continue;
        self->written_of = NULL;
        follow_take_live(self->follows, listener->feed, batch.header.shard, batch.header.term, &part.report, NULL,
                         rt_clock_monotonic_ns());
    }
    self->written_of = NULL;
}

static void listen_to(void *context, uint32_t feed, const char *account) {
    order_desk *self = context;
    order_listener *l = &self->listeners[feed];
    char subject[SUBJECT_BYTES];
    tw_error error = {0};
    *l = (order_listener){.desk = self, .feed = feed};
    tw_text_copy(l->account, sizeof l->account, account);
    if (!subject_executions(subject, sizeof subject, account) || self->bus == NULL) return;
    if (bus_subscribe(self->bus, subject, on_reports, l, &l->subscription, &error) != TW_OK)
        rt_log_limited(self->log, &self->report_site, RT_WARN, "execution reports can't be subscribed to",
                       RT_STR("account", account), RT_STR("reason", error.text));
}

static void unlisten_to(void *context, uint32_t feed, const char *account) {
    (void)account;
    order_desk *self = context;
    if (self->bus != NULL) bus_unsubscribe(self->listeners[feed].subscription);
    self->listeners[feed].subscription = NULL;
}

/* ---- asked for ---- */

typedef struct chase_question {
    order_desk *desk;
    uint32_t chase;
    uint64_t after;
    uint32_t after_n;
} chase_question;

/* What the venue holds may begin later than what was asked for. Who asks for all that there is misses nothing that it knows of. */
static bool lacks_some(const chase_question *q, const wire_query_reply *reply) {
    return reply->header.code == WIRE_REPLY_OK && reply->header.detail[0] != '\0' &&
           (q->after > 0 || q->after_n > 0);
}

/* The first report that is there; all that the answer is about where there is none. */
static uint64_t begins_at(wire_query_reply reply) {
    wire_part part;
    while (wire_query_reply_next(&reply, &part))
        if (part.kind == WIRE_PART_REPORT) return part.report.seq;
    return reply.header.seq;
}

/* Execlog has what the venue's matchers don't hold any more. True: it is asked first. */
static bool ask_log_first(order_desk *self, const chase_question *q, const wire_query_reply *reply) {
    const char *why = follow_log_given_up(self->follows, q->chase);
    if (why == NULL && self->owner->settings.reports_back_ns > 0) {
        follow_behind(self->follows, q->chase, reply->header.seq, rt_clock_monotonic_ns());
        return true;
    }
    follow_lost(self->follows, q->chase, begins_at(*reply),
                why != NULL ? why : "this gateway does not read execlog", order_tell_lost, self);
    return false;
}

static void take_page(order_desk *self, const chase_question *q, const bus_message *message) {
    wire_query_reply reply;
    wire_part part;
    int64_t now_ns = rt_clock_monotonic_ns();
    if (!order_read_names(self, message->bytes, message->length, &reply) || reply.header.code == WIRE_REPLY_BUSY) {
        follow_fail(self->follows, q->chase, now_ns);
        return;
    }
    if (reply.header.code != WIRE_REPLY_OK && reply.header.code != WIRE_REPLY_NOT_FOUND)
        rt_log_limited(self->log, &self->query_site, RT_WARN, "the venue refuses a question about executions",
                       RT_STR("account", reply.header.account), RT_STR("detail", reply.header.detail));
    if (reply.header.seq < q->after) {
        follow_end_short(self->follows, q->chase, reply.header.seq, order_tell_lost, self, now_ns);
        return;
    }
    if (lacks_some(q, &reply) && ask_log_first(self, q, &reply)) return;
    while (wire_query_reply_next(&reply, &part)) {
        if (part.kind != WIRE_PART_REPORT) continue;
        self->written_of = NULL;
        follow_take_page(self->follows, q->chase, &part.report, NULL);
    }
    self->written_of = NULL;
    if (reply.header.more) follow_pass_page(self->follows, q->chase, reply.header.next, reply.header.next_n);
    follow_end_page(self->follows, q->chase, reply.header.seq, reply.header.more, now_ns);
}

static bool on_page(void *context, void *question, ask_end end, const bus_message *message) {
    (void)context;
    chase_question *q = question;
    order_desk *self = q->desk;
    if (!self->closing && end == ASK_MORE)
        take_page(self, q, message);
    else if (!self->closing)
        follow_fail(self->follows, q->chase, rt_clock_monotonic_ns());
    free(q);
    return true;
}

/* As many as there is room for, where they are for one client alone. */
static uint32_t page_limit(const order_desk *self, uint32_t client) {
    size_t of, room, most = PAGE_LIMIT;
    if (client == FOLLOW_NONE) return PAGE_LIMIT;
    room = stream_room(self->owner->stream, client, &of) / (ORDER_JSON_BYTES + FRAME_ROOM);
    return room == 0 ? 1 : (uint32_t)(room < most ? room : most);
}

static bool ask_page(order_desk *self, const follow_question *wanted) {
    wire_query query = {.kind = WIRE_QUERY_EXECUTIONS,
                        .after = wanted->after,
                        .after_n = wanted->after_n,
                        .limit = page_limit(self, wanted->client)};
    chase_question *q = malloc(sizeof *q);
    if (q == NULL) return false;
    *q = (chase_question){.desk = self, .chase = wanted->chase, .after = wanted->after, .after_n = wanted->after_n};
    tw_text_copy(query.account, sizeof query.account, wanted->account);
    if (order_ask(self, NULL, wanted->shard, &query, on_page, q) == ASK_ASKED) return true;
    free(q);
    return false;
}

void order_follows_ask(order_desk *self, int64_t now_ns) {
    follow_question wanted;
    while (follow_next_question(self->follows, now_ns, &wanted)) {
        if (wanted.in_log ? order_catch_up(self, &wanted, now_ns) : ask_page(self, &wanted)) continue;
        follow_fail(self->follows, wanted.chase, now_ns);
        if (!wanted.in_log) return;
    }
}

/* ---- clients ---- */

bool order_desk_may_follow(const order_desk *self, uint32_t client, const char *subject) {
    subject_parts parts;
    if (self == NULL || subject_parse(subject, &parts) != SUBJECT_KIND_EXECUTIONS) return false;
    return text_list_has(order_desk_accounts(self, doorman_identity(self->owner->doorman, client)), parts.account);
}

bool order_desk_follow(order_desk *self, uint32_t client, const request_follow *follow) {
    follow_position from[REQUEST_MOST_SHARDS];
    for (uint32_t i = 0; i < follow->shard_count; i++)
        from[i] = (follow_position){
            .shard = follow->shards[i].shard, .seq = follow->shards[i].seq, .n = follow->shards[i].n};
    return follow_add(self->follows, client, follow->account, from, follow->shard_count, rt_clock_monotonic_ns());
}

bool order_desk_unfollow(order_desk *self, uint32_t client, const char *account) {
    return follow_remove(self->follows, client, account);
}

static void tell_forbidden(order_desk *self, uint32_t client, const char *account) {
    char text[256];
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_string(&w, "type", "error");
    json_string(&w, "code", "FORBIDDEN");
    json_string(&w, "message", "an account that you followed is not yours any more");
    json_string(&w, "account", account);
    json_close_object(&w);
    if (json_finish(&w)) stream_answer(self->owner->stream, client, text, w.length, rt_clock_utc_ns());
}

static void recheck(order_desk *self, uint32_t client) {
    const text_list *accounts = order_desk_accounts(self, doorman_identity(self->owner->doorman, client));
    uint32_t cursor = FOLLOW_NONE;
    for (const char *account; (account = follow_next(self->follows, client, &cursor)) != NULL;) {
        if (text_list_has(accounts, account)) continue;
        tell_forbidden(self, client, account);
        follow_remove(self->follows, client, account);
        cursor = FOLLOW_NONE;
    }
}

/* Who renewed its token may have lost an account. Done here, where the stream is not under way. */
void order_follows_recheck(order_desk *self) {
    if (!self->recheck_any) return;
    self->recheck_any = false;
    for (uint32_t client = 0; client < self->owner->settings.max_clients; client++) {
        if (!self->recheck[client]) continue;
        self->recheck[client] = false;
        recheck(self, client);
    }
}

/* ---- the bus ---- */

static void on_bus_event(void *context, bus_event event, const char *detail) {
    order_desk *self = context;
    if (bus_refusals_event(&self->refusals, event, detail)) return;
    if (self->closing || self->follows == NULL) return;
    if (event == BUS_RECONNECTED) {
        self->directory_stale = true;
        follow_missed(self->follows, order_desk_shards(self), order_tell_lost, self, rt_clock_monotonic_ns());
    }
    if (event != BUS_CONNECTED)
        rt_log(self->log, event == BUS_RECONNECTED ? RT_INFO : RT_WARN, "the bus, as order entry sees it",
               RT_I64("event", event), RT_STR("detail", detail));
}

/* Heartbeats of older terms were passed over, and a leader's successor has its journal: so another journal is a venue that was begun anew. */
static void look_at_journal(order_desk *self, uint32_t shard, const wire_feed_status *status) {
    int64_t before_ns = self->journals_ns[shard];
    if (status->journal_ns == 0) return; /* not told */
    self->journals_ns[shard] = status->journal_ns;
    if (before_ns == 0 || before_ns == status->journal_ns) return;
    rt_log(self->log, RT_WARN, "a shard's journal is another one: its reports are numbered anew",
           RT_STR("exchange", self->venue), RT_U64("shard", shard), RT_U64("term", status->term),
           RT_U64("seq", status->seq), RT_STR("leader", status->leader));
    follow_anew(self->follows, shard, status->term, order_tell_lost, self, rt_clock_monotonic_ns());
}

/* A shard whose journal runs short of storage says so; what it would refuse, and journal for that, is not sent to it. */
static void on_status(void *context, const bus_message *message) {
    order_desk *self = context;
    wire_feed_status status;
    if (message->status != 0 ||
        wire_feed_status_decode(&self->arena, message->bytes, message->length, &status) != WIRE_OK)
        return;
    uint32_t shard = status.partition;
    if (status.term > tw_term_most_believed(rt_clock_utc_ns())) return; /* nobody can have it */
    if (strcmp(status.exchange, self->venue) != 0 || shard == 0 || shard > ORDER_MOST_SHARDS) return;
    if (shard > self->greatest_heard)
        self->greatest_heard = shard; /* from now on whatever goes to all goes there */
    if (status.term < self->storage_terms[shard]) return;
    look_at_journal(self, shard, &status);
    follow_heard(self->follows, shard, status.seq);
    if (status.storage_low != self->storage_low[shard])
        rt_log(self->log, status.storage_low ? RT_WARN : RT_INFO,
               status.storage_low ? "a shard's storage runs short: its new orders are refused"
                                  : "a shard has storage enough again",
               RT_STR("exchange", self->venue), RT_U64("shard", shard));
    self->storage_terms[shard] = status.term;
    self->storage_low[shard] = status.storage_low;
}

tw_code order_bus_open(order_desk *self, tw_error *error) {
    const gateway_settings *s = &self->owner->settings;
    char subject[SUBJECT_BYTES];
    bus_options options = {.url = s->nats,
                           .name = "tickwire-gateway orders",
                           .credentials = s->credentials[0] == '\0' ? NULL : s->credentials,
                           .no_responders = true,
                           .refusals = true,
                           .on_event = on_bus_event,
                           .event_context = self};
    self->refusals = (bus_refusals){.log = self->log, .connection = "orders"};
    tw_code code = bus_open(&self->bus, &self->owner->loop, &options, error);
    if (code != TW_OK) return code;
    subject_instrument_changes(subject, sizeof subject, self->venue);
    code = bus_subscribe(self->bus, subject, order_directory_take_message, self, &self->changes, error);
    if (code != TW_OK) return code;
    (void)tw_text_format(subject, sizeof subject, "feed.%s.*.status", self->venue);
    return bus_subscribe(self->bus, subject, on_status, self, &self->statuses, error);
}

bool order_follows_alloc(order_desk *self) {
    follow_options options = {.max_clients = (uint32_t)self->owner->settings.max_clients,
                              .max_feeds = ORDER_MOST_ACCOUNTS,
                              .max_followers = ORDER_MOST_FOLLOWERS,
                              .max_chases = ORDER_MOST_CHASES,
                              .retry_ns = RETRY_NS,
                              .patience_ns = PATIENCE_NS,
                              .doubt_ns = DOUBT_NS};
    follow_handlers handlers = {
        .context = self, .deliver = deliver, .listen = listen_to, .unlisten = unlisten_to, .has_room = has_room};
    self->listeners = calloc(ORDER_MOST_ACCOUNTS, sizeof *self->listeners);
    self->follows = follow_alloc(&options, &handlers);
    return self->listeners != NULL && self->follows != NULL && wire_arena_init(&self->arena, WIRE_ARENA_BYTES);
}
