/* What order entry asks: the directory of the venue, and which symbol an order id is of. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/order_inside.h"
#include "runtime/clock.h"

#define QUERY_BYTES 512u
#define AGAIN_NS    INT64_C(200000000)   /* between questions while something is not known */
#define REFRESH_NS  INT64_C(60000000000) /* although everything is known */

/* ---- the directory ---- */

bool order_directory_is_known(const order_desk *self) {
    uint32_t shards = order_desk_shards(self);
    for (uint32_t shard = 1; shard <= shards; shard++)
        if (!order_directory_is_whole(self->directory, shard)) return false;
    return true;
}

void order_directory_silent(const order_desk *self, char *text, size_t capacity) {
    uint32_t shards = order_desk_shards(self), told = 0;
    tw_text_copy(text, capacity, "");
    for (uint32_t shard = 1; shard <= shards; shard++) {
        size_t used = strlen(text);
        if (order_directory_is_whole(self->directory, shard)) continue;
        tw_text_format(text + used, capacity - used, "%s%u", told++ > 0 ? ", " : "", shard);
    }
}

bool order_directory_is_awaited(const order_desk *self) {
    int64_t since_ns = rt_clock_monotonic_ns() - self->opened_ns;
    return since_ns < (self->directory_was_known ? LISTEN_NS : WAIT_NS);
}

static void take_list(order_desk *self, const bus_message *message) {
    wire_instrument_list list;
    if (wire_instrument_list_decode(&self->arena, message->bytes, message->length, &list) != WIRE_OK ||
        strcmp(list.exchange, self->venue) != 0) {
        rt_log_limited(self->log, &self->directory_site, RT_WARN, "a list of instruments can't be read",
                       RT_STR("venue", self->venue), RT_U64("bytes", message->length));
        return;
    }
    order_directory_take(self->directory, &list);
    if (list.code == WIRE_REPLY_OK) self->directory_answered_ns = rt_clock_monotonic_ns();
    if (!self->directory_was_known) self->directory_was_known = order_directory_is_known(self);
}

void order_directory_take_message(void *context, const bus_message *message) {
    if (message->status == 0) take_list(context, message);
}

/* A listing has no end of its own, as any number of shards may answer: it is over when all are known, or by time. */
static bool on_list(void *context, void *question, ask_end end, const bus_message *message) {
    (void)context;
    order_desk *self = question;
    if (end == ASK_MORE && !self->closing) take_list(self, message);
    bool over = end != ASK_MORE || order_directory_is_known(self);
    if (over && !self->closing) self->directory_asking = false;
    return over;
}

static void ask_directory(order_desk *self) {
    char subject[SUBJECT_BYTES];
    self->directory_asked_ns = rt_clock_monotonic_ns();
    if (!subject_instruments(subject, sizeof subject, self->venue)) return;
    self->directory_stale = false;
    self->directory_asking = asker_ask(self->owner->asker, NULL, subject, on_list, self) == ASK_ASKED;
}

void order_directory_tend(order_desk *self) {
    int64_t since_ns = rt_clock_monotonic_ns() - self->directory_asked_ns;
    bool known = order_directory_is_known(self) && !self->directory_stale;
    bool urgent =
        order_directory_is_awaited(self); /* nobody may have led when it was asked: then no answer comes */
    if ((self->directory_asking && !urgent) || self->closing) return;
    if (since_ns >= (known ? REFRESH_NS : AGAIN_NS) || self->directory_asked_ns == 0) ask_directory(self);
}

bool order_directory_asked(order_desk *self) {
    self->directory_stale = true; /* it may be a new one, whose announcement was lost */
    return order_directory_is_known(self);
}

/* ---- queries ---- */

ask_result order_ask(order_desk *self, const address_key *caller, uint32_t shard, const wire_query *query,
                     ask_on_reply on_reply, void *question) {
    char subject[SUBJECT_BYTES];
    uint8_t bytes[QUERY_BYTES];
    size_t length = wire_query_encode(query, bytes, sizeof bytes);
    if (length == 0 || !subject_shard(subject, sizeof subject, SUBJECT_KIND_QUERY, self->venue, shard))
        return ASK_AWAY;
    return asker_ask_with(self->owner->asker, caller, subject, bytes, length, on_reply, question);
}

void order_fault_set_not_asked(order_fault *fault, ask_result why, const char *what) {
    if (why == ASK_OVER_SHARE)
        order_fault_set(fault, "TOO_FAST", "", "%u questions of yours wait for their answers: %s", ASK_SHARE, what);
    else if (why == ASK_FULL)
        order_fault_set(fault, "BUSY", "", "as many questions wait for their answers as may: %s", what);
    else
        order_fault_set(fault, "AWAY", "", "the bus can't be asked now: %s", what);
}

/* Names come behind what uses them, so they are read first, and the reply is left at its beginning. */
bool order_read_names(order_desk *self, const uint8_t *bytes, size_t length, wire_query_reply *reply) {
    wire_part part;
    self->names.count = 0;
    if (wire_query_reply_open(reply, bytes, length) != WIRE_OK) return false;
    wire_query_reply walk = *reply;
    while (wire_query_reply_next(&walk, &part))
        if (part.kind == WIRE_PART_NAMED_INSTRUMENT && self->names.count < REPORT_MOST_NAMES)
            self->names.names[self->names.count++] = part.instrument;
    return true;
}

/* ---- which symbol? ---- */

typedef struct look_up {
    order_desk *desk;
    order_ticket *ticket;
} look_up;

/* The first order in the reply; false: none. */
static bool take_symbol(order_desk *self, order_ticket *t, const bus_message *message) {
    wire_query_reply reply;
    wire_part part;
    if (!order_read_names(self, message->bytes, message->length, &reply))
        return order_fault_set(&t->fault, "MALFORMED", "", "the venue gave a reply that can't be read");
    while (wire_query_reply_next(&reply, &part)) {
        if (part.kind != WIRE_PART_ORDER_VIEW) continue;
        const wire_named_instrument *of = report_name_of(&self->names, part.order.instrument);
        if (of != NULL) return tw_text_copy(t->request.symbol, sizeof t->request.symbol, of->symbol);
    }
    return order_fault_set(&t->fault, "UNKNOWN_ORDER", "order_id", "the account has no such order");
}

static bool on_looked_up(void *context, void *question, ask_end end, const bus_message *message) {
    (void)context;
    look_up *q = question;
    order_desk *self = q->desk;
    order_ticket *t = q->ticket;
    bool found = end == ASK_MORE && take_symbol(self, t, message);
    free(q);
    if (end == ASK_NOBODY)
        order_fault_set(&t->fault, "NOBODY", "",
                        "nobody answers for the order's shard now: name its symbol, or come back");
    else if (end != ASK_MORE)
        order_fault_set(&t->fault, "TIMEOUT", "",
                        "the order's shard did not answer in time: name its symbol, or come back");
    order_desk_looked_up(self, t, found);
    return true;
}

ask_result order_look_up(order_desk *self, order_ticket *t) {
    wire_query query = {.kind = WIRE_QUERY_ORDER, .order_id = t->request.order_id};
    const address_key caller = t->asked != NULL ? t->asked->caller : address_key_of_user(t->user);
    look_up *q = malloc(sizeof *q);
    if (q == NULL) return ASK_AWAY;
    *q = (look_up){.desk = self, .ticket = t};
    tw_text_copy(query.account, sizeof query.account, t->request.account);
    tw_text_copy(query.correlation_id, sizeof query.correlation_id, t->request.correlation_id);
    ask_result result = order_ask(self, &caller, t->request.shard, &query, on_looked_up, q);
    if (result != ASK_ASKED) free(q);
    return result;
}

/* ---- rates ---- */

uint32_t order_rate_of(const order_desk *self, const identity *caller) {
    const gateway_settings *s = &self->owner->settings;
    uint32_t usual = (uint32_t)s->order_rate, most = (uint32_t)s->most_order_rate;
    uint32_t wanted = caller != NULL ? caller->limits.orders_per_second : 0;
    if (most < usual) most = usual;
    if (usual == 0 || wanted == 0) return usual;
    return wanted < most ? wanted : most;
}
