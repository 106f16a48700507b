/*
 * Questions: to the replica (query.{MIC}.{SHARD}, and query.{MIC}.{SHARD}.{ACCOUNT} about that account alone), and to the market's publisher
 * (snapshots, directory). Who leads answers.
 *
 * Orders and heartbeats go first, however many ask: questions to the replica wait in a queue, and each turn of the loop answers some, as many as fit
 * into ROUND_NS and ROUND_MOST; then the socket is read again. Who finds the queue full is told so at once (REPLY_BUSY): ask again a little later.
 *
 *   on_query ──room──> waiting ──on_round, a bit each turn──> answer
 *       └────full────> REPLY_BUSY                              the bus is full: they wait on
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define REPLY_BYTES    (256u * 1024u)
#define SERVE_MS       1
#define REQUESTS       3
#define WAITING        1024u
#define OWN_WAITING    (WAITING / 2) /* on accounts' own subjects: they leave room for gateways and operators */
#define QUESTION_BYTES 512u          /* all of its fields together are less */
#define ROUND_MOST     64u
#define ROUND_NS       INT64_C(1000000)

typedef struct question {
    char reply[SUBJECT_BYTES];
    char account[SUBJECT_BYTES]; /* that its subject names; "" */
    uint32_t length;
    uint8_t bytes[QUESTION_BYTES];
} question;

struct queries {
    matcher *matcher;
    bus_subscription *query, *own_query, *requests[REQUESTS];
    uv_timer_t serve_timer, round_timer;
    bool serving;
    uint32_t first, waiting, own_waiting;
    uint8_t reply[REPLY_BYTES];
    question questions[WAITING];
};

static bool may_answer(const matcher *m) {
    return m->state == MATCHER_RUNNING && leading_speaks(m->leading);
}

/* Half of what may be buffered is left to reports and market data. */
static bool bus_has_room(const matcher *m) {
    return bus_ready(m->bus) && bus_buffered(m->bus) < m->settings.high_water / 2;
}

static void answer_first(queries *self) {
    matcher *m = self->matcher;
    const question *q = &self->questions[self->first];
    bool own = q->account[0] != '\0';
    size_t length;
    const uint8_t *bytes =
        mr_answer(m->replica, own ? q->account : NULL, q->bytes, q->length, self->reply, REPLY_BYTES, &length);
    bus_publish(m->bus, q->reply, bytes, length);
    m->counts.queries++;
    self->first = (self->first + 1) % WAITING;
    self->waiting--;
    self->own_waiting -= own;
}

/* Who does not lead any more can't answer: who asked, asks again. */
static void forget(queries *self) {
    self->matcher->counts.queries_passed_over += self->waiting;
    self->waiting = self->own_waiting = 0;
}

static void on_round(uv_timer_t *timer);

static void next_round(queries *self, bool soon) {
    if (self->waiting > 0) uv_timer_start(&self->round_timer, on_round, soon ? 0 : SERVE_MS, 0);
}

/* What was asked in the middle of a burst is answered after it: the reports of what the answer knows have left then. */
static void on_round(uv_timer_t *timer) {
    queries *self = timer->data;
    matcher *m = self->matcher;
    if (!may_answer(m)) {
        forget(self);
        return;
    }
    matcher_end_of_burst(m);
    int64_t began_ns = rt_clock_monotonic_ns(), now_ns = began_ns;
    for (uint32_t i = 0; i < ROUND_MOST && self->waiting > 0 && now_ns - began_ns < ROUND_NS && bus_has_room(m);
         i++) {
        answer_first(self);
        now_ns = rt_clock_monotonic_ns();
    }
    matcher_breathe(m, now_ns);
    bus_flush(m->bus);
    next_round(self, bus_has_room(m));
}

/* bus_ready is for who can wait: it also says false while a PING of the server is to be answered. A refusal has no place to wait in. */
static bool bus_takes_more(const matcher *m) {
    return bus_connected(m->bus) && bus_buffered(m->bus) < m->settings.high_water;
}

/* Not even that where the bus takes nothing more. */
static void refuse(queries *self, const bus_message *message, wire_reply_code code, const char *detail) {
    matcher *m = self->matcher;
    size_t length;
    if (!bus_takes_more(m)) {
        m->counts.queries_passed_over++;
        return;
    }
    const uint8_t *bytes =
        mr_answer_not(m->replica, code, detail, message->bytes, message->length, self->reply, REPLY_BYTES, &length);
    bus_publish(m->bus, message->reply, bytes, length);
    if (code == WIRE_REPLY_BUSY) m->counts.queries_busy++;
}

static void on_query(void *context, const bus_message *message) {
    queries *self = context;
    subject_parts subject;
    if (!bus_may_answer(message) || !may_answer(self->matcher)) return;
    if (subject_parse(message->subject, &subject) != SUBJECT_KIND_QUERY)
        return; /* no account can have such a name */
    bool own = subject.account[0] != '\0';
    if (message->length > QUESTION_BYTES) {
        refuse(self, message, WIRE_REPLY_BAD_REQUEST, "the query is too long");
        return;
    }
    if (self->waiting == WAITING || (own && self->own_waiting == OWN_WAITING)) {
        refuse(self, message, WIRE_REPLY_BUSY, "too many queries wait already: ask again a little later");
        return;
    }
    question *q = &self->questions[(self->first + self->waiting) % WAITING];
    if (!tw_text_copy(q->reply, sizeof q->reply, message->reply)) return; /* no inbox is so long */
    tw_text_copy(q->account, sizeof q->account, subject.account);
    q->length = (uint32_t)message->length;
    memcpy(q->bytes, message->bytes, message->length);
    self->own_waiting += own;
    if (self->waiting++ == 0) next_round(self, true);
}

static void serve(queries *self) {
    matcher *m = self->matcher;
    bool more = publisher_serve(mk_publisher(m->market), rt_clock_utc_ns());
    bus_flush(m->bus);
    if (more == self->serving) return;
    self->serving = more;
    if (!more) uv_timer_stop(&self->serve_timer);
}

static void on_serve(uv_timer_t *timer) {
    serve(timer->data);
}

static void on_request(void *context, const bus_message *message) {
    queries *self = context;
    matcher *m = self->matcher;
    if (!bus_may_answer(message) || !may_answer(m)) return;
    publisher_request(mk_publisher(m->market), message->subject, message->reply, message->bytes, message->length,
                      rt_clock_utc_ns());
    if (self->serving) return;
    self->serving = true;
    uv_timer_start(&self->serve_timer, on_serve, 0, SERVE_MS);
}

static tw_code listen_to_requests(queries *self, tw_error *error) {
    static const char *const around[REQUESTS][2] = {
        {"snapshot.", ".*.>"}, {"snapshots.", ".>"}, {"instruments.", ""}};
    matcher *m = self->matcher;
    for (int i = 0; i < REQUESTS; i++) {
        char subject[SUBJECT_BYTES];
        tw_text_format(subject, sizeof subject, "%s%s%s", around[i][0], m->settings.exchange, around[i][1]);
        tw_code code = bus_subscribe(m->bus, subject, on_request, self, &self->requests[i], error);
        if (code != TW_OK) return tw_error_wrap(error, "listening for requests on %s", subject);
    }
    return TW_OK;
}

uint32_t queries_waiting(const queries *self) {
    return self->waiting;
}

tw_code queries_open(queries **opened, matcher *m, tw_error *error) {
    char subject[SUBJECT_BYTES], own[SUBJECT_BYTES];
    queries *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for queries");
    self->matcher = m;
    uv_timer_init(&m->loop, &self->serve_timer);
    self->serve_timer.data = self;
    uv_timer_init(&m->loop, &self->round_timer);
    self->round_timer.data = self;
    (void)subject_shard(subject, sizeof subject, SUBJECT_KIND_QUERY, m->settings.exchange,
                        (uint32_t)m->settings.shard);
    tw_code code = bus_subscribe(m->bus, subject, on_query, self, &self->query, error);
    tw_text_format(own, sizeof own, "%s.*", subject);
    if (code == TW_OK) code = bus_subscribe(m->bus, own, on_query, self, &self->own_query, error);
    return code == TW_OK ? listen_to_requests(self, error) : code;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void on_round_closed(uv_handle_t *handle) {
    queries *self = handle->data;
    uv_close((uv_handle_t *)&self->serve_timer, on_closed);
}

void queries_close(queries *self) {
    if (self == NULL) return;
    bus_unsubscribe(self->query);
    bus_unsubscribe(self->own_query);
    for (int i = 0; i < REQUESTS; i++)
        bus_unsubscribe(self->requests[i]);
    uv_close((uv_handle_t *)&self->round_timer, on_round_closed);
}
