/* The kernel's interval timer as a readable descriptor on the loop. */
#include "runtime/ticker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/civil.h"

struct ticker {
    uv_poll_t poll;
    int fd;
    ticker_on_tick on_tick;
    void *context;
};

static void on_readable(uv_poll_t *poll, int status, int events) {
    ticker *self = poll->data;
    uint64_t ticks;
    (void)status, (void)events;
    if (read(self->fd, &ticks, sizeof ticks) == (ssize_t)sizeof ticks) self->on_tick(self->context);
}

static int start_timer(int64_t period_ns) {
    struct timespec period = {.tv_sec = (time_t)(period_ns / TW_NS_PER_SECOND),
                              .tv_nsec = (long)(period_ns % TW_NS_PER_SECOND)};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) return -1;
    if (timerfd_settime(fd, 0, &(struct itimerspec){period, period}, NULL) == 0) return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

tw_code ticker_open(ticker **opened, uv_loop_t *loop, int64_t period_ns, ticker_on_tick on_tick, void *context,
                    tw_error *error) {
    TW_ASSERT(period_ns > 0);
    *opened = NULL;
    ticker *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a timer");
    *self = (ticker){.fd = start_timer(period_ns), .on_tick = on_tick, .context = context};
    if (self->fd < 0) {
        int reason = errno;
        free(self);
        return tw_error_set_errno(error, reason, "starting a timer");
    }
    int status = uv_poll_init(loop, &self->poll, self->fd);
    if (status != 0) {
        close(self->fd);
        free(self);
        return tw_error_set(error, TW_IO, "watching a timer: %s", uv_strerror(status));
    }
    self->poll.data = self;
    uv_poll_start(&self->poll, UV_READABLE, on_readable);
    *opened = self;
    return TW_OK;
}

static void on_closed(uv_handle_t *handle) {
    ticker *self = handle->data;
    close(self->fd);
    free(self);
}

void ticker_close(ticker *self) {
    if (self == NULL) return;
    uv_poll_stop(&self->poll);
    uv_close((uv_handle_t *)&self->poll, on_closed);
}
