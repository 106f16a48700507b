/* Snapshot and directory requests: from the bus to the publisher's queue, and the pace at which replies leave. */
#include "base/text.h"
#include "ingest/pipeline.h"
#include "runtime/clock.h"

#define SERVE_MS 1

static void serve(ingest *self) {
    bool more = publisher_serve(self->publisher, rt_clock_utc_ns());
    bus_flush(self->bus);
    if (more == self->serving) return;
    self->serving = more;
    if (!more) uv_timer_stop(&self->serve_timer);
}

static void on_serve(uv_timer_t *timer) {
    serve(timer->data);
}

/* Replies leave on a timer of their own, a budget each millisecond, so that live data never waits behind them. */
static void on_request(void *context, const bus_message *message) {
    ingest *self = context;
    if (!bus_may_answer(message) || !lead_leads(self->lead)) return; /* who leads answers */
    publisher_request(self->publisher, message->subject, message->reply, message->bytes, message->length,
                      rt_clock_utc_ns());
    if (self->serving) return;
    self->serving = true;
    uv_timer_start(&self->serve_timer, on_serve, 0, SERVE_MS);
}

tw_code requests_open(ingest *self, tw_error *error) {
    static const char *const around[3][2] = {{"snapshot.", ".*.>"}, {"snapshots.", ".>"}, {"instruments.", ""}};
    uv_timer_init(&self->loop, &self->serve_timer);
    self->serve_timer.data = self;
    for (int i = 0; i < 3; i++) {
        char subject[SUBJECT_BYTES];
        tw_text_format(subject, sizeof subject, "%s%s%s", around[i][0], self->settings.exchange, around[i][1]);
        tw_code code = bus_subscribe(self->bus, subject, on_request, self, &self->requests[i], error);
        if (code != TW_OK) {
            tw_error_wrap(error, "listening for requests on %s", subject);
            return code;
        }
    }
    return TW_OK;
}

void requests_close(ingest *self) {
    for (int i = 0; i < 3; i++)
        bus_unsubscribe(self->requests[i]);
    if (self->serve_timer.type != UV_UNKNOWN_HANDLE) uv_close((uv_handle_t *)&self->serve_timer, NULL);
}
