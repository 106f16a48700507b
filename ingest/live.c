/* A network source on the loop: all that the socket has goes down the line, then one flush. */
#include <errno.h>
#include <stdlib.h>

#include "ingest/pipeline.h"
#include "ingest/source/udp_source.h"
#include "runtime/clock.h"

#define CALLS_PER_ROUND 16 /* receive calls before the loop gets its turn, so that requests are never starved */

struct live {
    ingest *ingest;
    udp_source *source;
    uv_poll_t poll;
    rt_log_site error_site;
};

static size_t take_datagrams(live *self, int64_t now_ns) {
    udp_packet packets[UDP_SOURCE_BURST];
    size_t count = 0;
    tw_error error;
    if (udp_source_receive(self->source, packets, &count, rt_clock_utc_ns(), &error) != TW_OK)
        rt_log_limited(self->ingest->log, &self->error_site, RT_ERROR, "receiving failed",
                       RT_STR("reason", error.text));
    for (size_t i = 0; i < count; i++)
        mold_line_packet(self->ingest->line, packets[i].payload, packets[i].length, packets[i].receive_ns, now_ns);
    return count;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    live *self = poll->data;
    if (status < 0) {
        ingest_source_ended(self->ingest, uv_strerror(status));
        uv_poll_stop(poll);
        return;
    }
    int64_t now_ns = rt_clock_monotonic_ns();
    for (int call = 0; call < CALLS_PER_ROUND; call++) {
        size_t count = take_datagrams(self, now_ns);
        if (count > 0) self->ingest->facts.last_heard_ns = now_ns;
        if (count < UDP_SOURCE_BURST) break;
    }
    ingest_end_of_burst(self->ingest);
}

tw_code live_open(live **out, ingest *owner, tw_error *error) {
    live *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the network source");
    self->ingest = owner;
    tw_code code = udp_source_open(&self->source, &owner->where, (int)owner->settings.receive_buffer, error);
    if (code != TW_OK) {
        tw_error_wrap(error, "opening source %s", owner->settings.source);
        free(self);
        return code;
    }
    uv_poll_init(&owner->loop, &self->poll, udp_source_fd(self->source));
    self->poll.data = self;
    uv_poll_start(&self->poll, UV_READABLE, on_readable);
    rt_log(owner->log, RT_INFO, "listening", RT_STR("source", owner->settings.source),
           RT_I64("receive_buffer_bytes", udp_source_buffer_bytes(self->source)));
    *out = self;
    return TW_OK;
}

static void on_closed(uv_handle_t *handle) {
    live *self = handle->data;
    udp_source_close(self->source);
    free(self);
}

void live_close(live *self) {
    if (self == NULL) return;
    uv_poll_stop(&self->poll);
    uv_close((uv_handle_t *)&self->poll, on_closed);
}

uint64_t live_kernel_drops(const live *self) {
    return udp_source_kernel_drops(self->source);
}
