/*
 * What WebSocket clients send is read here and not by libwebsockets, whose frame parser forgives what RFC 6455 does not
 * (docs/decisions/0031-websocket-reader.md). libwebsockets is told to leave reading alone for good; it goes on watching for
 * room to write, on a handle of its own, and a loop watches a socket only once: so these sockets are in an epoll set, and
 * the loop watches the set.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateways/socket_inside.h"

#define EVENTS_AT_ONCE 256

/* -1: nothing now; 0: the peer is gone, or the connection broke. */
static ssize_t read_some(gateway_socket *self, connection *c) {
    ssize_t length = lws_is_ssl(c->wsi)
                         ? socket_tls_read(c->wsi, self->read_buffer, SOCKET_READ_BYTES)
                         : recv(lws_get_socket_fd(c->wsi), self->read_buffer, SOCKET_READ_BYTES, MSG_DONTWAIT);
    if (length >= 0) return length;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? -1 : 0;
}

/* One buffer full: whoever sends without end waits for its turn like everybody. */
static void read_client(gateway_socket *self, connection *c) {
    do {
        ssize_t length = read_some(self, c);
        if (length < 0) return;
        if (length == 0) {
            socket_stop_reading(self, c);
            socket_take_end(self, c);
            return;
        }
        socket_take_bytes(self, c, self->read_buffer, (size_t)length);
    } while (c->watched && lws_is_ssl(c->wsi) && socket_tls_has_more(c->wsi));
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    gateway_socket *self = poll->data;
    struct epoll_event ready[EVENTS_AT_ONCE];
    int count = epoll_wait(self->readers, ready, EVENTS_AT_ONCE, 0);
    for (int i = 0; i < count; i++)
        read_client(self, ready[i].data.ptr);
}

bool socket_start_reading(gateway_socket *self, connection *c) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (lws_rx_flow_control(c->wsi, 0) < 0) return false;
    c->watched = epoll_ctl(self->readers, EPOLL_CTL_ADD, lws_get_socket_fd(c->wsi), &event) == 0;
    return c->watched;
}

void socket_stop_reading(gateway_socket *self, connection *c) {
    if (!c->watched) return;
    c->watched = false;
    epoll_ctl(self->readers, EPOLL_CTL_DEL, lws_get_socket_fd(c->wsi), NULL);
}

tw_code socket_open_reading(gateway_socket *self, uv_loop_t *loop, tw_error *error) {
    self->read_buffer = malloc(SOCKET_READ_BYTES);
    if (self->read_buffer == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for connections");
    self->readers = epoll_create1(EPOLL_CLOEXEC);
    if (self->readers < 0) return tw_error_set_errno(error, errno, "an epoll set for connections");
    uv_poll_init(loop, &self->readers_poll, self->readers);
    self->readers_poll.data = self;
    self->readers_polled = true;
    uv_poll_start(&self->readers_poll, UV_READABLE, on_readable);
    return TW_OK;
}

static void on_poll_closed(uv_handle_t *handle) {
    gateway_socket *self = handle->data;
    close(self->readers);
    self->readers = -1;
}

void socket_close_reading(gateway_socket *self) {
    if (self->readers_polled) uv_close((uv_handle_t *)&self->readers_poll, on_poll_closed);
    self->readers_polled = false;
}
