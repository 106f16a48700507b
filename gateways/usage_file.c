/*
 * One operation at a time:
 *
 *   idle -> write -> … -> write -> sync -> idle          a batch: two buffers, one is written, one is filled
 *     |       `-> failed: tried again in a second, from the byte that was not taken
 *     `-> close -> open -> idle                          told to reopen
 */
#include "gateways/usage_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/clock.h"

#define RETRY_MS    1000
#define LAST_TRIES  2 /* at the end, of a disk that says no: one that is slow has its time */
#define FIRST_BYTES 65536u
#define FLAGS       (O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC)
#define MODE        0640

typedef struct line_buffer {
    char *bytes;
    size_t length, capacity;
    uint64_t lines;
} line_buffer;

struct usage_file {
    uv_loop_t *loop;
    uv_fs_t operation;
    uv_timer_t retry;
    const char *path;
    rt_log *log;
    rt_log_site trouble_site;
    size_t most_bytes;
    uv_file fd;          /* -1: none */
    bool busy;           /* an operation is under way */
    bool reopen;         /* wanted */
    bool torn;           /* the file ends in the middle of a line that is not ours to finish */
    line_buffer waiting; /* being filled */
    line_buffer batch;   /* being written */
    size_t written;      /* of the batch */
    bool unsynced;
    usage_file_stats stats;
};

static void go_on(usage_file *self);

/* ---- lines ---- */

static bool grow(line_buffer *buffer, size_t wanted, size_t most) {
    size_t capacity = buffer->capacity == 0 ? FIRST_BYTES : buffer->capacity;
    if (wanted <= buffer->capacity) return true;
    if (wanted > most) return false;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > most) capacity = most;
    char *grown = realloc(buffer->bytes, capacity);
    if (grown == NULL) return false;
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

bool usage_file_put(usage_file *self, const char *line, size_t length) {
    line_buffer *to = &self->waiting;
    size_t held = self->batch.length - self->written;
    size_t room = held < self->most_bytes ? self->most_bytes - held : 0;
    if (to->length + length > room || !grow(to, to->length + length, self->most_bytes)) {
        self->stats.lines_lost++;
        return false;
    }
    memcpy(to->bytes + to->length, line, length);
    to->length += length;
    to->lines++;
    return true;
}

static void take_batch(usage_file *self) {
    line_buffer empty = self->batch;
    self->batch = self->waiting;
    empty.length = 0;
    empty.lines = 0;
    self->waiting = empty;
    self->written = 0;
}

static uint64_t count_lines(const char *bytes, size_t length) {
    uint64_t count = 0;
    for (const char *at = bytes; (at = memchr(at, '\n', length - (size_t)(at - bytes))) != NULL; at++)
        count++;
    return count;
}

/* ---- operations ---- */

static void on_retry(uv_timer_t *timer) {
    go_on(timer->data);
}

static void note_trouble(usage_file *self, const char *what, int reason) {
    self->stats.errors++;
    self->stats.good = false;
    rt_log_limited(self->log, &self->trouble_site, RT_ERROR, "the usage ledger can't be written: lines wait",
                   RT_STR("file", self->path), RT_STR("step", what), RT_STR("reason", uv_strerror(reason)),
                   RT_U64("lines_lost", self->stats.lines_lost));
    uv_timer_start(&self->retry, on_retry, RETRY_MS, 0);
}

/* What came of the operation: a count, or a negative reason. */
static int64_t finish(usage_file *self) {
    int64_t result = (int64_t)self->operation.result;
    uv_fs_req_cleanup(&self->operation);
    self->busy = false;
    return result;
}

static void on_synced(uv_fs_t *operation) {
    usage_file *self = operation->data;
    int64_t result = finish(self);
    self->unsynced = false;
    if (result == 0 || result == UV_EINVAL) /* EINVAL: a pipe or a device, which has nothing to sync */
        self->stats.good = true;
    else
        note_trouble(self, "sync", (int)result); /* what is in the file is in the file: it is not written again */
    go_on(self);
}

static void on_written(uv_fs_t *operation) {
    usage_file *self = operation->data;
    int64_t result = finish(self);
    if (result < 0) {
        note_trouble(self, "write", (int)result);
        return;
    }
    if (self->torn && result > 0) {
        self->torn = false;
        result--;
    }
    self->stats.lines_written += count_lines(self->batch.bytes + self->written, (size_t)result);
    self->stats.bytes_written += (uint64_t)result;
    self->written += (size_t)result;
    self->unsynced = true;
    go_on(self);
}

static void on_opened(uv_fs_t *operation) {
    usage_file *self = operation->data;
    int64_t result = finish(self);
    if (result < 0) {
        note_trouble(self, "open", (int)result);
        return;
    }
    self->fd = (uv_file)result;
    rt_log(self->log, RT_INFO, "usage ledger opened again", RT_STR("file", self->path));
    go_on(self);
}

static void on_closed(uv_fs_t *operation) {
    usage_file *self = operation->data;
    finish(self);
    go_on(self);
}

static void start_write(usage_file *self) {
    static char line_end[] = "\n";
    uv_buf_t pieces[2] = {{.base = line_end, .len = 1},
                          {.base = self->batch.bytes + self->written, .len = self->batch.length - self->written}};
    unsigned from = self->torn ? 0 : 1;
    uv_fs_write(self->loop, &self->operation, self->fd, pieces + from, 2 - from, -1, on_written);
}

/* A line that was begun in the old file begins anew in the new one. */
static void start_close(usage_file *self) {
    while (self->written > 0 && self->written < self->batch.length &&
           self->batch.bytes[self->written - 1] != '\n') {
        self->written--;
        self->torn = true;
    }
    self->reopen = false;
    uv_fs_close(self->loop, &self->operation, self->fd, on_closed);
    self->fd = -1;
}

/* The next operation, if there is any and none is under way. */
static void go_on(usage_file *self) {
    if (self->busy) return;
    if (self->batch.length == self->written && !self->unsynced && self->waiting.length > 0) take_batch(self);
    bool has_bytes = self->written < self->batch.length;
    self->operation.data = self;
    if (self->fd >= 0 && !self->reopen && !has_bytes && !self->unsynced) return;
    self->busy = true;
    if (self->fd < 0)
        uv_fs_open(self->loop, &self->operation, self->path, FLAGS, MODE, on_opened);
    else if (self->reopen)
        start_close(self);
    else if (has_bytes)
        start_write(self);
    else
        uv_fs_fdatasync(self->loop, &self->operation, self->fd, on_synced);
}

void usage_file_write(usage_file *self) {
    if (!uv_is_active((uv_handle_t *)&self->retry)) go_on(self); /* after trouble: when it is time */
}

void usage_file_reopen(usage_file *self) {
    self->reopen = true;
    uv_timer_stop(&self->retry);
    go_on(self);
}

/* ---- opening and closing ---- */

/* A file whose last line has no end was left by a process that was killed. */
static bool ends_torn(const char *path) {
    struct stat about;
    char last = '\n';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool read_it = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
                   pread(fd, &last, 1, about.st_size - 1) == 1;
    close(fd);
    return read_it && last != '\n';
}

tw_code usage_file_open(usage_file **made, uv_loop_t *loop, const char *path, size_t most_bytes, rt_log *log,
                        tw_error *error) {
    *made = NULL;
    int fd = open(path, FLAGS, MODE);
    if (fd < 0) return tw_error_set_errno(error, errno, "%s", path);
    usage_file *self = calloc(1, sizeof *self);
    if (self == NULL) {
        close(fd);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the usage ledger");
    }
    *self = (usage_file){.loop = loop, .path = path, .log = log, .most_bytes = most_bytes, .fd = fd};
    self->torn = ends_torn(path);
    self->stats.good = true;
    uv_timer_init(loop, &self->retry);
    self->retry.data = self;
    uv_unref((uv_handle_t *)&self->retry); /* a disk that stays full keeps no loop running */
    *made = self;
    return TW_OK;
}

static bool is_done(const usage_file *self) {
    return !self->busy && !self->unsynced && self->written == self->batch.length && self->waiting.length == 0;
}

static void on_wait_over(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *handle) {
    *(bool *)handle->data = true;
}

/* A loop that waits at most so long. */
static void run_until_done(usage_file *self, int64_t wait_ns) {
    uv_timer_t limit;
    bool over = false, closed = false;
    uint64_t errors = self->stats.errors + LAST_TRIES;
    uv_timer_init(self->loop, &limit);
    limit.data = &over;
    uv_timer_start(&limit, on_wait_over, (uint64_t)(wait_ns / 1000000), 0);
    while (!over && !is_done(self) && self->stats.errors < errors)
        uv_run(self->loop, UV_RUN_ONCE);
    limit.data = &closed;
    uv_close((uv_handle_t *)&limit, on_timer_closed);
    while (!closed)
        uv_run(self->loop, UV_RUN_NOWAIT);
}

static void on_retry_closed(uv_handle_t *handle) {
    usage_file *self = handle->data;
    free(self->waiting.bytes);
    free(self->batch.bytes);
    free(self);
}

void usage_file_close(usage_file *self, int64_t wait_ns) {
    if (self == NULL) return;
    uv_timer_stop(&self->retry);
    go_on(self);
    run_until_done(self, wait_ns);
    uint64_t left =
        self->waiting.lines + count_lines(self->batch.bytes + self->written, self->batch.length - self->written);
    if (left > 0) {
        self->stats.lines_lost += left;
        rt_log(self->log, RT_ERROR, "lines of the usage ledger are lost", RT_STR("file", self->path),
               RT_U64("lines", self->stats.lines_lost));
    }
    uv_timer_stop(&self->retry);
    if (self->busy) return; /* a disk that hangs still has our memory: it stays */
    if (self->fd >= 0) close(self->fd);
    uv_close((uv_handle_t *)&self->retry, on_retry_closed);
}

usage_file_stats usage_file_read_stats(const usage_file *self) {
    if (self == NULL) return (usage_file_stats){.good = true};
    usage_file_stats stats = self->stats;
    stats.lines_waiting = self->waiting.lines;
    if (self->written < self->batch.length)
        stats.lines_waiting += count_lines(self->batch.bytes + self->written, self->batch.length - self->written);
    return stats;
}
