/*
 * The adapter between nats.c's event-loop mode and libuv. nats.c tells it which socket to watch and whether output
 * waits; it tells nats.c when to read and write.
 *
 * The loop polls a duplicate of the socket: nats.c may close its own from another thread at any time, and libuv
 * must never be left with a descriptor that means something else by then.
 */
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil.h"
#include "runtime/bus_internal.h"

#define MOST_UNSENT_BYTES (256 * 1024)
#define KEEPALIVE_S       2

static bool on_loop(const bus *self) {
    return pthread_equal(self->loop_thread, pthread_self()) != 0;
}

/* By whoever connects, who hands the socket on when the connection is made. */
natsStatus bus_attach(void **user_data, void *loop, natsConnection *nats, natsSock socket) {
    bus *self = loop; /* what natsOptions_SetEventLoop was given as the loop */
    (void)nats;
    int owned = dup(socket);
    if (owned < 0) return NATS_SYS_ERROR;
    *user_data = self;
    if (self->attempt.socket >= 0) close(self->attempt.socket); /* of a server that was tried before */
    self->attempt.socket = owned;
    return NATS_OK;
}

natsStatus bus_watch_read(void *user_data, bool add) {
    bus *self = user_data;
    if (add) return NATS_OK; /* reading goes on from attach to detach */
    if (on_loop(self))
        bus_stop_polling(self);
    else
        bus_mailbox_put_stop(self);
    return NATS_OK;
}

/* Called under the connection's lock, by publishes too: it only takes a note. On the loop the note is read by the
 * next flush or before the loop sleeps. */
natsStatus bus_watch_write(void *user_data, bool add) {
    bus *self = user_data;
    atomic_store_explicit(&self->write_wanted, add, memory_order_release);
    if (add && !on_loop(self)) uv_async_send(&self->wake);
    return NATS_OK;
}

natsStatus bus_detach(void *user_data) {
    natsStatus status = bus_watch_read(user_data, false);
    bus_mailbox_put_detached(user_data);
    return status;
}

static int socket_of(const uv_poll_t *poll) {
    uv_os_fd_t socket = -1;
    uv_fileno((const uv_handle_t *)poll, &socket);
    return socket;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    bus *self = poll->data;
    if (self->poll != poll) return;
    self->heard = true; /* bytes, or room in a socket that was full */
    if (status != 0 || (events & UV_READABLE) != 0)
        bus_input_read(self, poll, socket_of(poll)); /* an error shows there as well */
    if (self->closing || self->poll != poll) return;
    if (status != 0) /* libuv has stopped; what came before a reset may not be read to its end yet */
        uv_poll_start(poll, UV_READABLE | (self->waiting_for_room ? UV_WRITABLE : 0), on_poll);
    if ((events & UV_WRITABLE) != 0) bus_write(self);
}

static void on_poll_closed(uv_handle_t *handle) {
    free(handle);
}

/* What the kernel has not sent yet can't be merged any more. With a slow server it would be megabytes, seconds old. */
static void keep_kernel_queue_short(int socket) {
    setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){MOST_UNSENT_BYTES}, sizeof(int));
}

/* With TLS nats.c waits on the loop's thread, for as long as it takes, until a socket that is full has room again and until a record that has
 * begun is there whole. bus_silence.c is not heard then, so the kernel ends a connection whose other side takes nothing, or is gone. */
static void limit_waiting(const bus *self, int socket) {
    int64_t limit_ms = 2 * self->silence_ns / (TW_NS_PER_SECOND / 1000);
    int limit = limit_ms < INT_MAX ? (int)limit_ms : INT_MAX;
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &(int){KEEPALIVE_S}, sizeof(int));
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &(int){KEEPALIVE_S}, sizeof(int));
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
}

bool bus_start_polling(bus *self, int owned_socket) {
    keep_kernel_queue_short(owned_socket);
    limit_waiting(self, owned_socket);
    uv_poll_t *poll = malloc(sizeof *poll);
    bus_stop_polling(self);
    if (poll == NULL || uv_poll_init(self->loop, poll, owned_socket) != 0) {
        free(poll);
        close(owned_socket);
        return false;
    }
    poll->data = self;
    self->poll = poll;
    self->waiting_for_room = false;
    self->heard = true;
    bus_input_begin(&self->input);
    return uv_poll_start(poll, UV_READABLE, on_poll) == 0;
}

void bus_stop_polling(bus *self) {
    uv_poll_t *poll = self->poll;
    self->connected = false;
    self->unsent_bytes = 0;
    self->poll = NULL;
    if (poll == NULL) return;
    int owned_socket = socket_of(poll);
    uv_poll_stop(poll);
    uv_close((uv_handle_t *)poll, on_poll_closed);
    if (owned_socket >= 0) close(owned_socket);
}

static void watch_room(bus *self, bool watch) {
    if (self->waiting_for_room == watch || self->poll == NULL) return;
    self->waiting_for_room = watch;
    uv_poll_start(self->poll, UV_READABLE | (watch ? UV_WRITABLE : 0), on_poll);
}

static bool has_output(const bus *self) {
    return atomic_load_explicit(&self->write_wanted, memory_order_acquire);
}

/* nats.c's buffer. With an empty one it would take the write for a closed connection: only if it asked to write. */
static void write_buffer(bus *self) {
    natsConnection_ProcessWriteEvent(self->nats);
    self->stats.writes++;
    int buffered = has_output(self) ? natsConnection_Buffered(self->nats) : 0;
    self->unsent_bytes = buffered > 0 ? (size_t)buffered : 0;
}

/* An answer to a PING stands between operations of nats.c, so it waits until nats.c's buffer is out, and is whole before more of it goes. */
void bus_write(bus *self) {
    if (self->poll == NULL || (!has_output(self) && self->input.answers == 0)) return;
    bool between = self->input.answered_bytes == 0 || bus_input_answer(&self->input, socket_of(self->poll));
    if (between && has_output(self)) write_buffer(self);
    if (self->poll == NULL) return; /* the write has found the connection over */
    if (between && !has_output(self)) bus_input_answer(&self->input, socket_of(self->poll));
    watch_room(self, has_output(self) || self->input.answers > 0);
}
