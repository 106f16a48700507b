/*
 * What the product uses of libuv, in the simulated world: a loop is a process's, checks run after each of its events, timers and work are
 * events. libuv itself is not linked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/sim/disk.h"
#include "tests/sim/fake.h"

enum { MOST_CHECKS = 4, MOST_CLOSING = 32, MOST_WORK = 8 };

/* What a loop's `data` points to begins with its host. */
typedef struct turning {
    server_host host;
    uv_check_t *checks[MOST_CHECKS];
    uint32_t check_count;
    uv_handle_t *closing[MOST_CLOSING];
    uint32_t closing_count;
    uv_work_t *work[MOST_WORK]; /* done, not told yet */
    uint32_t work_count;
} turning;

static turning *turning_of(const uv_loop_t *loop) {
    return loop->data;
}

int uv_loop_init(uv_loop_t *loop) {
    const server_host *host = fake_current();
    memset(loop, 0, sizeof *loop);
    turning *made = world_keep(host->server->world, sizeof *made);
    made->host = *host;
    loop->data = made;
    return 0;
}

int uv_loop_close(uv_loop_t *loop) {
    (void)loop;
    return 0;
}

void uv_stop(uv_loop_t *loop) {
    (void)loop;
}

static void close_all(turning *t) {
    while (t->closing_count > 0) {
        uv_handle_t *gone = t->closing[--t->closing_count];
        if (gone->close_cb != NULL) gone->close_cb(gone);
    }
}

static void tell_work(turning *t, uint32_t index) {
    uv_work_t *work = t->work[index];
    t->work[index] = t->work[--t->work_count];
    if (t->host.disk != NULL) disk_end(t->host.disk);
    work->after_work_cb(work, 0);
}

/* Only at the end of a process: what is still under way comes to its end, as with the real one. */
int uv_run(uv_loop_t *loop, uv_run_mode mode) {
    turning *t = turning_of(loop);
    (void)mode;
    while (t->work_count > 0)
        tell_work(t, 0);
    close_all(t);
    return 0;
}

void fake_uv_turn(uv_loop_t *loop) {
    turning *t = turning_of(loop);
    for (uint32_t i = 0; i < t->check_count; i++)
        if (t->checks[i] != NULL) t->checks[i]->check_cb(t->checks[i]);
    close_all(t);
}

/* ---- handles ---- */

static void begin_handle(uv_handle_t *handle, uv_loop_t *loop, uv_handle_type type) {
    void *data = handle->data;
    memset(handle, 0, sizeof *handle);
    handle->data = data;
    handle->loop = loop;
    handle->type = type;
}

int uv_is_closing(const uv_handle_t *handle) {
    return handle->flags != 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb on_closed) {
    turning *t = turning_of(handle->loop);
    TW_ASSERT(t->closing_count < MOST_CLOSING && handle->flags == 0);
    for (uint32_t i = 0; i < t->check_count; i++)
        if ((uv_handle_t *)t->checks[i] == handle) t->checks[i] = NULL;
    if (handle->type == UV_TIMER) uv_timer_stop((uv_timer_t *)handle);
    handle->flags = 1;
    handle->close_cb = on_closed;
    t->closing[t->closing_count++] = handle;
}

int uv_check_init(uv_loop_t *loop, uv_check_t *check) {
    begin_handle((uv_handle_t *)check, loop, UV_CHECK);
    return 0;
}

int uv_check_start(uv_check_t *check, uv_check_cb on_check) {
    turning *t = turning_of(check->loop);
    TW_ASSERT(t->check_count < MOST_CHECKS);
    check->check_cb = on_check;
    t->checks[t->check_count++] = check;
    return 0;
}

int uv_signal_init(uv_loop_t *loop, uv_signal_t *handle) {
    begin_handle((uv_handle_t *)handle, loop, UV_SIGNAL);
    return 0;
}

int uv_signal_start(uv_signal_t *handle, uv_signal_cb on_signal, int number) {
    handle->signal_cb = on_signal;
    handle->signum = number;
    return 0;
}

/* ---- timers: a ring that belongs to an older start rings for nobody ---- */

typedef struct pending_ring {
    uv_timer_t *timer;
    uint64_t start;
} pending_ring;

static void ring(void *context, void *data, size_t length) {
    const pending_ring *a = data;
    uv_timer_t *timer = a->timer;
    (void)context, (void)length;
    if (timer->start_id != a->start) return;
    if (timer->repeat > 0)
        uv_timer_start(timer, timer->timer_cb, timer->repeat, timer->repeat);
    else
        uv_timer_stop(timer);
    timer->timer_cb(timer);
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer) {
    begin_handle((uv_handle_t *)timer, loop, UV_TIMER);
    timer->start_id = 0;
    timer->repeat = 0;
    return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb on_timer, uint64_t timeout_ms, uint64_t repeat_ms) {
    static uint64_t starts;
    const server_host *host = &turning_of(timer->loop)->host;
    world *w = host->server->world;
    timer->timer_cb = on_timer;
    timer->repeat = repeat_ms;
    timer->start_id = ++starts;
    pending_ring a = {timer, timer->start_id};
    world_at(w, host->process, world_now(w) + (int64_t)timeout_ms * WORLD_MILLISECOND, ring, NULL, &a, sizeof a);
    return 0;
}

int uv_is_active(const uv_handle_t *handle) {
    return handle->type == UV_TIMER && ((const uv_timer_t *)(const void *)handle)->start_id != 0;
}

int uv_timer_stop(uv_timer_t *timer) {
    timer->start_id = 0;
    return 0;
}

/* ---- work: done at once, told later ---- */

static void work_is_done(void *context, void *data, size_t length) {
    turning *t = context;
    uv_work_t *work = *(uv_work_t **)data;
    (void)length;
    for (uint32_t i = 0; i < t->work_count; i++)
        if (t->work[i] == work) {
            tell_work(t, i);
            return;
        }
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *work, uv_work_cb on_work, uv_after_work_cb on_done) {
    turning *t = turning_of(loop);
    world *w = t->host.server->world;
    TW_ASSERT(t->work_count < MOST_WORK);
    work->loop = loop;
    work->after_work_cb = on_done;
    t->work[t->work_count++] = work;
    if (t->host.disk != NULL) disk_begin(t->host.disk);
    on_work(work);
    int64_t takes_ns = world_delay(w, world_between(w, 1, 20) * WORLD_MILLISECOND); /* a disk is slow at times */
    world_at(w, t->host.process, world_now(w) + takes_ns, work_is_done, t, &work, sizeof(uv_work_t *));
    return 0;
}

/* ---- chance, of the seed ---- */

int uv_random(uv_loop_t *loop, uv_random_t *request, void *bytes, size_t length, unsigned flags,
              uv_random_cb on_done) {
    uint8_t *to = bytes;
    (void)loop, (void)request, (void)flags, (void)on_done;
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)tw_random_u64(world_chance(fake_current()->server->world));
    return 0;
}
