/* What a WebSocket client has sent: requests for the stream, pings to answer, its part of the closing handshake. */
#include <string.h>
#include <sys/socket.h>

#include "gateways/socket_inside.h"
#include "runtime/clock.h"

/* ---- the closing handshake ---- */

/* The end of our side: the peer sees that nothing more comes, and hangs up. */
static void end_our_side(const connection *c) {
    if (lws_is_ssl(c->wsi)) socket_tls_end(c->wsi);
    shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
}

void socket_linger(connection *c) {
    c->end = END_LINGERS;
    socket_set_timeout(c->wsi, PENDING_TIMEOUT_SHUTDOWN_FLUSH, SOCKET_LINGER_SECONDS);
    if (lws_partial_buffered(c->wsi))
        lws_callback_on_writable(c->wsi);
    else
        end_our_side(c);
}

static void say_close(gateway_socket *self, connection *c, uint16_t code, const char *reason) {
    uint8_t frame[WS_CONTROL_BYTES + 2];
    socket_leave_stream(self, c);
    c->owes_pong = false;
    c->end = END_SAID;
    if (!socket_write_frame(self, c, frame, ws_write_close(frame, code, reason))) socket_drop(c);
}

void socket_end_websocket(gateway_socket *self, connection *c, uint16_t code, const char *reason) {
    if (c->end != END_NOT) return;
    say_close(self, c, code, reason);
    socket_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_ACK, SOCKET_CLOSE_SECONDS);
}

static void take_close(gateway_socket *self, connection *c, const ws_event *event) {
    if (c->end == END_NOT) say_close(self, c, event->code, "");
    socket_linger(c);
}

static void take_fault(gateway_socket *self, connection *c, const ws_event *event) {
    self->stats.oversize += event->code == WS_TOO_BIG;
    self->stats.binary += event->code == WS_UNACCEPTABLE;
    self->stats.protocol_errors += event->code == WS_PROTOCOL_ERROR || event->code == WS_BAD_PAYLOAD;
    if (c->end == END_NOT) say_close(self, c, event->code, event->reason);
    socket_linger(c);
}

void socket_take_end(gateway_socket *self, connection *c) {
    socket_leave_stream(self, c);
    socket_drop(c);
}

/* ---- pongs ---- */

static void send_pong(gateway_socket *self, connection *c) {
    uint8_t frame[WS_CONTROL_BYTES + 2];
    c->owes_pong = false;
    if (!socket_write_frame(self, c, frame, ws_write_control(frame, true, c->pong, c->pong_length))) socket_drop(c);
}

void socket_send_owed(gateway_socket *self, connection *c) {
    if (lws_partial_buffered(c->wsi)) return;
    if (c->owes_pong) send_pong(self, c);
    if (c->end == END_LINGERS) end_our_side(c);
}

/* Of several pings the last is answered (RFC 6455, 5.5.3): who sends them without end or does not read has one pong
 * waiting, not a queue. */
static void take_ping(connection *c, const ws_event *event) {
    c->owes_pong = true;
    c->pong_length = (uint8_t)event->length;
    if (event->length > 0) memcpy(c->pong, event->bytes, event->length);
}

/* ---- requests ---- */

/* Bounded and checked like one that was not compressed. */
static void unpack_request(gateway_socket *self, connection *c, const ws_event *event) {
    ws_event fault = {.kind = WS_FAULT}, request = {.kind = WS_TEXT};
    ws_utf8 text = {0};
    switch (ws_unpack(self->unpacker, event->bytes, event->length, &request.bytes, &request.length)) {
    case WS_UNPACKED_TOO_LONG:
        fault.code = WS_TOO_BIG;
        fault.reason = "the request is too long";
        break;
    case WS_UNPACKED_BROKEN:
        fault.code = WS_BAD_PAYLOAD;
        fault.reason = "the message can't be inflated";
        break;
    default:
        if (ws_utf8_take(&text, request.bytes, request.length) && ws_utf8_is_whole(&text)) {
            stream_request(self->stream, c->client, request.bytes, request.length, rt_clock_utc_ns());
            return;
        }
        fault.code = WS_BAD_PAYLOAD;
        fault.reason = "the text is not UTF-8";
    }
    c->reader.over = true;
    take_fault(self, c, &fault);
}

static void take_text(gateway_socket *self, connection *c, const ws_event *event) {
    if (c->client == STREAM_NO_CLIENT) return;
    if (event->compressed)
        unpack_request(self, c, event);
    else
        stream_request(self->stream, c->client, event->bytes, event->length, rt_clock_utc_ns());
}

/* ---- all of it ---- */

static void take_event(gateway_socket *self, connection *c, const ws_event *event) {
    switch (event->kind) {
    case WS_TEXT:
        take_text(self, c, event);
        break;
    case WS_PING:
        if (c->end == END_NOT) take_ping(c, event);
        break;
    case WS_CLOSE:
        take_close(self, c, event);
        break;
    case WS_FAULT:
        take_fault(self, c, event);
        break;
    default:
        break;
    }
}

void socket_take_bytes(gateway_socket *self, connection *c, uint8_t *bytes, size_t length) {
    if (c->client != STREAM_NO_CLIENT) stream_heard(self->stream, c->client, rt_clock_utc_ns());
    for (ws_event event = {.kind = WS_PONG}; event.kind != WS_MORE;) {
        size_t used;
        event = ws_reader_take(&c->reader, bytes, length, &used);
        bytes += used;
        length -= used;
        take_event(self, c, &event);
    }
    if (!c->owes_pong) return;
    if (lws_partial_buffered(c->wsi))
        lws_callback_on_writable(c->wsi);
    else
        send_pong(self, c);
}
