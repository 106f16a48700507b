/*
 * Questions: to the replica (query.{MIC}.{SHARD}, and query.{MIC}.{SHARD}.{ACCOUNT} about that account alone), and to the market's publisher
 * (snapshots, directory). Who leads answers.
 */
#include <stdlib.h>

#include "base/text.h"
#include "matcher/pipeline.h"
#include "proto/subject.h"
#include "runtime/clock.h"

#define REPLY_BYTES (256u * 1024u)
#define SERVE_MS    1
#define REQUESTS    3

struct queries {
    matcher *matcher;
    bus_subscription *query, *own_query, *requests[REQUESTS];
    uv_timer_t serve_timer;
    bool serving;
    uint8_t reply[REPLY_BYTES];
};

/* What is asked in the middle of a burst is answered after it: the reports of what the answer knows have left then. */
static void on_query(void *context, const bus_message *message) {
    queries *self = context;
    matcher *m = self->matcher;
    subject_parts subject;
    size_t length;
    if (!bus_may_answer(message) || m->state != MATCHER_RUNNING || !leading_speaks(m->leading)) return;
    if (subject_parse(message->subject, &subject) != SUBJECT_KIND_QUERY)
        return; /* no account can have such a name */
    matcher_end_of_burst(m);
    if (!bus_ready(m->bus)) {
        m->counts.queries_passed_over++; /* too much is buffered: who asked, asks again */
        return;
    }
    const uint8_t *bytes = mr_answer(m->replica, subject.account[0] != '\0' ? subject.account : NULL,
                                     message->bytes, message->length, self->reply, REPLY_BYTES, &length);
    bus_publish(m->bus, message->reply, bytes, length);
    m->counts.queries++;
    bus_flush(m->bus);
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
    if (!bus_may_answer(message) || m->state != MATCHER_RUNNING || !leading_speaks(m->leading)) return;
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
        tw_code code = bus_subscribe(m->bus, subject, on_request, self, 0, &self->requests[i], error);
        if (code != TW_OK) return tw_error_wrap(error, "listening for requests on %s", subject);
    }
    return TW_OK;
}

tw_code queries_open(queries **opened, matcher *m, tw_error *error) {
    char subject[SUBJECT_BYTES], own[SUBJECT_BYTES];
    queries *self = calloc(1, sizeof *self);
    *opened = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for queries");
    self->matcher = m;
    uv_timer_init(&m->loop, &self->serve_timer);
    self->serve_timer.data = self;
    (void)subject_shard(subject, sizeof subject, SUBJECT_KIND_QUERY, m->settings.exchange,
                        (uint32_t)m->settings.shard);
    tw_code code = bus_subscribe(m->bus, subject, on_query, self, 0, &self->query, error);
    tw_text_format(own, sizeof own, "%s.*", subject);
    if (code == TW_OK) code = bus_subscribe(m->bus, own, on_query, self, 0, &self->own_query, error);
    return code == TW_OK ? listen_to_requests(self, error) : code;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void queries_close(queries *self) {
    if (self == NULL) return;
    bus_unsubscribe(self->query);
    bus_unsubscribe(self->own_query);
    for (int i = 0; i < REQUESTS; i++)
        bus_unsubscribe(self->requests[i]);
    uv_close((uv_handle_t *)&self->serve_timer, on_closed);
}
