/* A connection to Redis, its timer, its lines in the log. */
#include "runtime/redis_asker.h"

#include <stdlib.h>

#include "runtime/clock.h"

#define NS_PER_MS INT64_C(1000000)

static void on_reply(void *context, uint64_t tag, const redis_reply *reply) {
    const redis_asker *self = context;
    self->options.on_reply(self->options.context, tag, reply);
}

static void on_state(void *context, redis_state state, const char *detail) {
    redis_asker *self = context;
    const redis_asker_options *o = &self->options;
    if (state == REDIS_READY) {
        if (o->on_ready != NULL) o->on_ready(o->context);
        rt_log(o->log, RT_INFO, o->ready, RT_STR("redis", redis_where(self->redis)));
    } else if (self->state != state) {
        rt_log(o->log, RT_WARN, o->away, RT_STR("redis", redis_where(self->redis)),
               RT_STR("state", redis_state_name(state)), RT_STR("reason", detail));
    }
    self->state = state;
}

static void on_timer(uv_timer_t *timer) {
    const redis_asker *self = timer->data;
    self->options.on_due(self->options.context, rt_clock_monotonic_ns());
}

void redis_asker_wait(redis_asker *self, int64_t due_ns) {
    int64_t left_ns = due_ns - rt_clock_monotonic_ns();
    uv_timer_start(&self->timer, on_timer, left_ns > 0 ? (uint64_t)(left_ns / NS_PER_MS) + 1 : 0, 0);
}

bool redis_asker_waits(const redis_asker *self) {
    return uv_is_active((const uv_handle_t *)&self->timer) != 0;
}

/* ---- opening and closing ---- */

tw_code redis_asker_open(redis_asker *self, uv_loop_t *loop, const redis_asker_options *options, tw_error *error) {
    self->options = *options;
    self->state = REDIS_CONNECTING;
    const redis_options wanted = {.url = options->url,
                                  .name = options->name,
                                  .max_outstanding = options->max_outstanding,
                                  .timeout_ns = options->timeout_ns,
                                  .on_reply = on_reply,
                                  .on_state = on_state,
                                  .context = self};
    tw_code code = redis_open(&self->redis, loop, &wanted, error);
    if (code != TW_OK) return code;
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    return TW_OK;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void redis_asker_close(redis_asker *self, void *owner) {
    redis_close(self->redis);
    self->timer.data = owner;
    uv_close((uv_handle_t *)&self->timer, on_closed);
}
