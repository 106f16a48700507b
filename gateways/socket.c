/*
 * libwebsockets on the loop, and direct writes past it.
 *
 * After a partial write the rest of the frame it ended in is handed to libwebsockets, which keeps what the kernel does
 * not take and sends it before anything that is written later. So whatever is written begins at the start of a frame.
 */
#include "gateways/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/text.h"
#include "gateways/socket_inside.h"
#include "runtime/clock.h"

#define NS_PER_S          INT64_C(1000000000)
#define NS_PER_MS         INT64_C(1000000)
#define PINGS_PER_SILENCE 3
#define BACKLOG           4096
#define ACCEPTS_PER_EVENT 256
#define ANSWER_SECONDS    30            /* most that an HTTP answer may take to be made and read */
#define READ_BYTES        1             /* by libwebsockets: it reads no frames */
#define WRITE_BYTES       (64u * 1024u) /* most that libwebsockets writes at once */
#define SPARE_FILES       64
#define MOST_FILES        (1u << 18)
#define TEXT_BYTES        SOCKET_TEXT_BYTES
#define WRITES_PER_LOOK   16u /* at the clock */
#define PING_SLICES       64u /* of all clients: one after the other */

static gateway_socket *socket_of(struct lws *wsi) {
    return lws_context_user(lws_get_context(wsi));
}

/* ---- writing ---- */

/* Room for LWS_PRE and so many bytes; NULL: no memory. */
static uint8_t *scratch_of(gateway_socket *self, size_t bytes) {
    if (bytes + LWS_PRE > self->scratch_bytes) {
        uint8_t *grown = realloc(self->scratch, bytes + LWS_PRE);
        if (grown == NULL) return NULL;
        self->scratch = grown;
        self->scratch_bytes = bytes + LWS_PRE;
    }
    return self->scratch + LWS_PRE;
}

/* Bytes [from, to) of the spans in one piece. */
static void copy_range(uint8_t *out, const stream_span *spans, uint32_t count, size_t from, size_t to) {
    size_t at = 0;
    for (uint32_t i = 0; i < count && at < to; at += spans[i++].length) {
        size_t start = from > at ? from - at : 0, end = to - at < spans[i].length ? to - at : spans[i].length;
        if (start >= end) continue;
        memcpy(out, spans[i].bytes + start, end - start);
        out += end - start;
    }
}

/* Where the WebSocket frame that holds byte `at` begins or ends: its end, or `at` if a frame begins there. The spans
 * begin with a frame and hold whole ones. */
static size_t frame_end(const stream_span *spans, uint32_t count, size_t at) {
    size_t end = 0;
    while (end < at) {
        uint8_t head[10] = {0};
        copy_range(head, spans, count, end, end + sizeof head);
        size_t length = head[1] & 0x7fu, head_length = 2;
        if (length == 126) {
            length = (size_t)head[2] << 8 | head[3];
            head_length = 4;
        } else if (length == 127) {
            length = 0;
            for (int i = 2; i < 10; i++)
                length = length << 8 | head[i];
            head_length = 10;
        }
        end += head_length + length;
    }
    return end;
}

void socket_set_timeout(struct lws *wsi, enum pending_timeout why, int seconds) {
    lws_set_timeout(wsi, why, seconds);
    lws_cancel_service(lws_get_context(wsi));
}

/* Not by a timeout of libwebsockets, which has them in a sorted list: thousands may go at once. */
void socket_drop(connection *c) {
    gateway_socket *self = socket_of(c->wsi);
    if (c->dropped) return;
    c->dropped = true;
    c->next_dropped = self->dropped;
    self->dropped = c;
}

static void forget_drop(gateway_socket *self, connection *c) {
    for (connection **link = &self->dropped; c->dropped && *link != NULL; link = &(*link)->next_dropped)
        if (*link == c) {
            *link = c->next_dropped;
            c->dropped = false;
            return;
        }
}

/* Not within a callback of libwebsockets: the connection is gone afterwards. */
static void cut_off_dropped(gateway_socket *self) {
    while (self->dropped != NULL) {
        connection *c = self->dropped;
        self->dropped = c->next_dropped;
        c->dropped = false;
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
    }
}

/* Through libwebsockets: all of it is taken, what the socket does not take is kept there. */
static bool write_through(gateway_socket *self, connection *c, const stream_span *spans, uint32_t count,
                          size_t from, size_t to) {
    uint8_t *bytes = scratch_of(self, to - from);
    if (bytes == NULL) {
        rt_log_limited(self->log, &self->memory_site, RT_ERROR, "no memory to write", RT_U64("bytes", to - from));
        return false;
    }
    copy_range(bytes, spans, count, from, to);
    return lws_write(c->wsi, bytes, to - from, LWS_WRITE_RAW) >= 0;
}

bool socket_write_frame(gateway_socket *self, connection *c, const uint8_t *frame, size_t length) {
    stream_span whole = {.bytes = frame, .length = length};
    return write_through(self, c, &whole, 1, 0, length);
}

/* How much of the spans the socket took. */
static size_t send_spans(connection *c, const stream_span *spans, uint32_t count) {
    struct iovec pieces[STREAM_MAX_SPANS];
    for (uint32_t i = 0; i < count; i++)
        pieces[i] = (struct iovec){.iov_base = (void *)(uintptr_t)spans[i].bytes, .iov_len = spans[i].length};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    ssize_t sent = sendmsg(lws_get_socket_fd(c->wsi), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) socket_drop(c);
    return sent < 0 ? 0 : (size_t)sent;
}

/* How much of it is out of the stream's hands. */
static size_t write_spans(gateway_socket *self, connection *c, const stream_span *spans, uint32_t count,
                          size_t total) {
    if (lws_partial_buffered(c->wsi) || c->answer != NULL) return 0;
    self->stats.writes++;
    if (lws_is_ssl(c->wsi)) {
        if (write_through(self, c, spans, count, 0, total)) return total;
        socket_drop(c);
        return 0;
    }
    size_t sent = send_spans(c, spans, count);
    self->stats.bytes_written += sent;
    if (sent == total) return total;
    self->stats.partial_writes++;
    if (c->kind == CONNECTION_EVENTS) return sent; /* nothing of libwebsockets' own comes in between */
    size_t whole = frame_end(spans, count, sent);
    if (whole > sent && !write_through(self, c, spans, count, sent, whole)) {
        socket_drop(c);
        return sent;
    }
    return whole;
}

static void write_client(gateway_socket *self, uint32_t client) {
    connection *c = self->clients[client];
    stream_span spans[STREAM_MAX_SPANS];
    uint32_t count = stream_gather(self->stream, client, spans, SIZE_MAX);
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += spans[i].length;
    size_t sent = total == 0 ? 0 : write_spans(self, c, spans, count, total);
    stream_sent(self->stream, client, sent, rt_clock_utc_ns());
    if (sent < total || c->closing) lws_callback_on_writable(c->wsi);
}

bool socket_write_ready(gateway_socket *self, int64_t most_ns) {
    int64_t end_ns = rt_clock_monotonic_ns() + most_ns;
    uint32_t written = 0, client = STREAM_NO_CLIENT;
    do {
        client = stream_next_ready(self->stream);
        if (client != STREAM_NO_CLIENT) write_client(self, client);
    } while (client != STREAM_NO_CLIENT && (++written % WRITES_PER_LOOK != 0 || rt_clock_monotonic_ns() < end_ns));
    cut_off_dropped(self);
    return client == STREAM_NO_CLIENT;
}

void socket_end_client(gateway_socket *self, uint32_t client, uint16_t code, const char *reason) {
    connection *c = self->clients[client];
    if (c == NULL || c->closing) return;
    c->closing = true;
    c->close_code = code;
    tw_text_copy(c->close_reason, sizeof c->close_reason, reason);
    socket_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, SOCKET_CLOSE_SECONDS);
    lws_callback_on_writable(c->wsi);
}

void socket_end_clients(gateway_socket *self, const char *reason) {
    for (uint32_t n = 0; n < self->options.max_connections; n++)
        if (self->clients[n] != NULL) socket_end_client(self, n, LWS_CLOSE_STATUS_GOINGAWAY, reason);
}

void socket_leave_stream(gateway_socket *self, connection *c) {
    if (c->client == STREAM_NO_CLIENT || c->kind == CONNECTION_NEW) return;
    self->clients[c->client] = NULL;
    stream_close(self->stream, c->client);
    self->handlers.on_client_gone(self->handlers.context, c->client);
    c->client = STREAM_NO_CLIENT;
    self->stats.websockets -= c->kind == CONNECTION_WEBSOCKET;
    self->stats.event_streams -= c->kind == CONNECTION_EVENTS;
}

/* -1: the connection is to end. */
static int on_client_writable(gateway_socket *self, connection *c) {
    if (c->kind == CONNECTION_WEBSOCKET) socket_send_owed(self, c);
    if (c->client == STREAM_NO_CLIENT) return 0;
    stream_writable(self->stream, c->client);
    if (!c->closing || stream_has_more(self->stream, c->client)) return 0;
    if (c->kind == CONNECTION_EVENTS) return -1;
    socket_end_websocket(self, c, c->close_code, c->close_reason);
    return 0;
}

/* ---- clients ---- */

static int open_websocket(gateway_socket *self, connection *c, struct lws *wsi) {
    bool protobuf = lws_get_protocol(wsi)->id == STREAM_PROTOBUF, deflates = c->deflates;
    *c = (connection){.kind = CONNECTION_WEBSOCKET, .wsi = wsi, .client = STREAM_NO_CLIENT, .deflates = deflates};
    ws_reader_init(&c->reader, self->options.request_bytes, deflates);
    if (!socket_start_reading(self, c)) return -1;
    c->client = stream_open(self->stream, protobuf ? STREAM_PROTOBUF : STREAM_JSON,
                            deflates ? STREAM_WEBSOCKET_DEFLATE : STREAM_WEBSOCKET, rt_clock_utc_ns());
    if (c->client == STREAM_NO_CLIENT) {
        socket_end_websocket(self, c, WS_TRY_LATER, "no room for another client");
        return 0;
    }
    self->clients[c->client] = c;
    self->stats.websockets++;
    self->handlers.on_client(self->handlers.context, c->client, true, socket_take_guest(self, wsi));
    return 0;
}

static void stop_asking(gateway_socket *self, connection *c) {
    c->ticket = 0;
    for (connection **link = &self->asking; *link != NULL; link = &(*link)->next_asking) {
        if (*link != c) continue;
        *link = c->next_asking;
        return;
    }
}

static void leave(gateway_socket *self, connection *c) {
    socket_leave_stream(self, c);
    forget_drop(self, c);
    stop_asking(self, c);
    socket_stop_reading(self, c);
    ws_reader_fini(&c->reader);
    socket_drop_body(c);
    socket_drop_untaken(c);
    free(c->answer);
    *c = (connection){0};
}

/* ---- HTTP ---- */

void socket_copy_header(struct lws *wsi, enum lws_token_indexes token, char text[SOCKET_TEXT_BYTES]) {
    if (lws_hdr_copy(wsi, text, TEXT_BYTES, token) < 0) text[0] = '\0';
}

static socket_method method_of(struct lws *wsi) {
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) return SOCKET_GET;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0) return SOCKET_HEAD;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0) return SOCKET_OPTIONS;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0) return SOCKET_POST;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_DELETE_URI) > 0) return SOCKET_DELETE;
    return SOCKET_OTHER;
}

/* libwebsockets ends a path at a decoded line end or NUL, and passes other control characters on. What follows a line end
 * is lost with the protocol's version. */
static bool is_torn(struct lws *wsi, const char *path) {
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP) == 0) return true;
    for (const char *at = path; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f) return true;
    return false;
}

/* The arguments, one after the other in `text`. */
static void copy_arguments(struct lws *wsi, socket_request *request, char *text, size_t capacity) {
    size_t used = 0;
    for (int i = 0; request->argument_count < SOCKET_ARGUMENTS && used < capacity; i++) {
        int length = lws_hdr_copy_fragment(wsi, text + used, (int)(capacity - used), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (length < 0) return;
        if (length == 0) continue;
        request->arguments[request->argument_count++] = text + used;
        used += (size_t)length + 1;
    }
}

void socket_begin_request(gateway_socket *self, connection *c, struct lws *wsi, connection_kind kind) {
    leave(self, c);
    *c = (connection){.kind = kind, .wsi = wsi, .client = STREAM_NO_CLIENT, .ticket = ++self->last_ticket};
    c->next_asking = self->asking;
    self->asking = c;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_SECONDS);
    self->stats.http_requests++;
}

static void on_http(gateway_socket *self, connection *c, struct lws *wsi, const char *path) {
    char arguments[8 * TEXT_BYTES];
    socket_headers told;
    socket_begin_request(self, c, wsi, CONNECTION_HTTP);
    socket_request request = {.ticket = c->ticket, .method = method_of(wsi), .path = path};
    request.torn = is_torn(wsi, path);
    request.address = socket_address_of(wsi);
    copy_arguments(wsi, &request, arguments, sizeof arguments);
    if (request.method == SOCKET_POST) request.body_fault = socket_keep_body(self, c, wsi, &request);
    if (c->posted != NULL) return; /* until its body is there */
    if (request.method == SOCKET_DELETE) request.body_fault = socket_refuse_body(wsi);
    socket_take_headers(wsi, &told, &request);
    self->handlers.on_request(self->handlers.context, &request);
    socket_drop_headers(&told);
}

static connection *asking(gateway_socket *self, uint64_t ticket) {
    connection *c = self->asking;
    while (c != NULL && c->ticket != ticket)
        c = c->next_asking;
    return c;
}

static void keep_answer(gateway_socket *self, connection *c, const char *head, const char *body, size_t length) {
    size_t head_length = strlen(head);
    stop_asking(self, c);
    c->answer = malloc(LWS_PRE + head_length + length);
    if (c->answer == NULL) {
        rt_log_limited(self->log, &self->memory_site, RT_ERROR, "no memory for an answer", RT_U64("bytes", length));
        socket_drop(c);
        return;
    }
    memcpy(c->answer + LWS_PRE, head, head_length);
    if (length > 0) memcpy(c->answer + LWS_PRE + head_length, body, length);
    c->answer_length = head_length + length;
    lws_callback_on_writable(c->wsi);
}

bool socket_answer(gateway_socket *self, uint64_t ticket, const char *head, const char *body, size_t length,
                   bool more) {
    connection *c = asking(self, ticket);
    if (c == NULL) return false;
    c->more = more;
    keep_answer(self, c, head, body, length);
    return true;
}

uint32_t socket_answer_stream(gateway_socket *self, uint64_t ticket, const char *head, bool *full) {
    *full = false;
    connection *c = asking(self, ticket);
    if (c == NULL) return STREAM_NO_CLIENT;
    uint32_t client = stream_open(self->stream, STREAM_JSON, STREAM_SSE, rt_clock_utc_ns());
    *full = client == STREAM_NO_CLIENT;
    if (*full) return STREAM_NO_CLIENT;
    c->kind = CONNECTION_EVENTS;
    c->client = client;
    self->clients[client] = c;
    self->stats.event_streams++;
    self->handlers.on_client(self->handlers.context, client, false, NULL);
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    keep_answer(self, c, head, NULL, 0);
    return client;
}

/* -1: the connection is to end. */
static int write_answer(connection *c) {
    bool whole = c->kind == CONNECTION_HTTP;
    int written =
        lws_write(c->wsi, c->answer + LWS_PRE, c->answer_length, whole ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    free(c->answer);
    c->answer = NULL;
    if (written < 0) return -1;
    if (!whole) return 0;
    if (c->more || lws_partial_buffered(c->wsi)) return lws_http_transaction_completed(c->wsi) ? -1 : 0;
    return -1;
}

static int on_http_writable(gateway_socket *self, connection *c) {
    bool is_events = c->kind == CONNECTION_EVENTS;
    if (c->answer != NULL && write_answer(c) != 0) return -1;
    return is_events ? on_client_writable(self, c) : 0; /* where the answer was all, `c` may be gone */
}

/* ---- libwebsockets' callbacks ---- */

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void accept_again(gateway_socket *self) {
    if (!self->paused || !self->polled) return;
    self->paused = false;
    uv_poll_start(&self->poll, UV_READABLE, on_acceptable);
}

static void on_gone(gateway_socket *self, struct lws *wsi) {
    if (self->stats.connections > 0) self->stats.connections--;
    socket_forget_address(self, wsi);
    accept_again(self);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    gateway_socket *self = socket_of(wsi);
    connection *c = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return socket_may_upgrade(self, wsi, in) ? 0 : -1;
    case LWS_CALLBACK_RAW_RX:
        return c != NULL && socket_take_untaken(self, c, wsi, in, length) ? 0 : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return c == NULL || socket_write_untaken(c) ? 0 : -1;
    case LWS_CALLBACK_ADD_HEADERS:
        return c == NULL || socket_agree(self, c, wsi, in) ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return open_websocket(self, c, wsi);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_client_writable(self, c);
    case LWS_CALLBACK_HTTP:
        on_http(self, c, wsi, in);
        return 0;
    case LWS_CALLBACK_HTTP_BODY:
        if (c != NULL) socket_add_to_body(c, in, length);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (c != NULL) socket_take_body(self, c);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return c == NULL ? 0 : on_http_writable(self, c);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_RAW_SKT_DROP_PROTOCOL:
        if (c != NULL)
            leave(self, c);
        else if (reason == LWS_CALLBACK_CLOSED_HTTP)
            socket_end_unread(self, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (wsi == self->guest_of) socket_lose_guest(self);
        on_gone(self, wsi);
        return 0;
    default:
        return 0;
    }
}

/* ---- pings ---- */

/* Who has bytes waiting, or whose socket is full, reads nothing now anyway. */
static void ping(gateway_socket *self, connection *c) {
    uint8_t frame[WS_CONTROL_BYTES + 2];
    size_t length = ws_write_control(frame, false, (const uint8_t *)"tw", 2);
    stream_span whole = {.bytes = frame, .length = length};
    write_spans(self, c, &whole, 1, length);
}

/* A slice of all clients at a time: their pongs shall not come all at once. */
static void on_ping_time(uv_timer_t *timer) {
    gateway_socket *self = timer->data;
    accept_again(self);
    for (uint32_t n = self->ping_slice; n < self->options.max_connections; n += PING_SLICES)
        if (self->clients[n] != NULL && self->clients[n]->kind == CONNECTION_WEBSOCKET)
            ping(self, self->clients[n]);
    self->ping_slice = (self->ping_slice + 1) % PING_SLICES;
}

/* ---- listening ---- */

static void prepare_socket(const gateway_socket *self, int fd) {
    int one = 1, buffer = (int)self->options.send_buffer, low = (int)self->options.unsent_low_water;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (buffer > 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (low > 0) setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
}

static void take_connection(gateway_socket *self, int fd, const struct sockaddr_storage *address) {
    if (!socket_admit(self, fd, address)) return;
    prepare_socket(self, fd);
    self->stats.accepted++;
    self->stats.connections++;
    struct lws *wsi = lws_adopt_socket_vhost(self->vhost, fd); /* if it fails, it closes, and WSI_DESTROY is told */
    if (wsi != NULL) socket_count_address(self, wsi, address);
}

static void pause_accepting(gateway_socket *self) {
    self->paused = true; /* until a connection goes, or the next ping */
    uv_poll_stop(&self->poll);
}

static void accept_waiting(gateway_socket *self) {
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof address;
        int fd = accept4(self->listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        bool exhausted = fd < 0 && (errno == EMFILE || errno == ENFILE);
        if (fd >= 0)
            take_connection(self, fd, &address);
        else if (!exhausted)
            return;
        else if (!socket_refuse_one(self)) {
            pause_accepting(self);
            return;
        }
    }
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    gateway_socket *self = poll->data;
    accept_waiting(self);
    lws_cancel_service(self->context); /* see socket_set_timeout: who never says a word is to be cut off, too */
}

static tw_code parse_address(const socket_options *options, struct sockaddr_storage *address, socklen_t *length,
                             tw_error *error) {
    *address = (struct sockaddr_storage){0};
    if (uv_ip4_addr(options->address, options->port, (struct sockaddr_in *)address) == 0)
        *length = sizeof(struct sockaddr_in);
    else if (uv_ip6_addr(options->address, options->port, (struct sockaddr_in6 *)address) == 0)
        *length = sizeof(struct sockaddr_in6);
    else
        return tw_error_set(error, TW_INVALID, "--address '%s' is no IPv4 or IPv6 address", options->address);
    return TW_OK;
}

static tw_code bind_listener(gateway_socket *self, tw_error *error) {
    struct sockaddr_storage address;
    socklen_t length = 0;
    tw_code code = parse_address(&self->options, &address, &length, error);
    if (code != TW_OK) return code;
    self->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->listener < 0) return tw_error_set_errno(error, errno, "a socket to listen");
    int one = 1;
    setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (self->options.share_port) setsockopt(self->listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(self->listener, (struct sockaddr *)&address, length) != 0 ||
        getsockname(self->listener, (struct sockaddr *)&address, &length) != 0)
        return tw_error_set_errno(error, errno, "listening on %s port %u", self->options.address,
                                  self->options.port);
    self->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                    : ((struct sockaddr_in6 *)&address)->sin6_port);
    return TW_OK;
}

/* ---- opening and closing ---- */

/* One file a connection, and some for ourselves. libwebsockets has a table of as many files as the limit allows: where that
 * is far more than anybody needs, it is lowered. */
static tw_code set_file_limit(uint32_t connections, tw_error *error) {
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return tw_error_set_errno(error, errno, "reading the limit of open files");
    rlim_t most = wanted > MOST_FILES ? wanted : MOST_FILES;
    if (limit.rlim_cur >= wanted && limit.rlim_cur <= most) return TW_OK;
    if (limit.rlim_max < wanted)
        return tw_error_set(
            error, TW_INVALID,
            "--max-clients %u needs %llu open files and this process may have %llu: lower it, or raise the "
            "limit (ulimit -n, LimitNOFILE)",
            connections, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_cur < wanted ? wanted : most;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return tw_error_set_errno(error, errno, "setting the limit of open files");
    return TW_OK;
}

static int seconds_of(int64_t ns) {
    return (int)((ns + NS_PER_S - 1) / NS_PER_S);
}

int socket_handshake_seconds(const gateway_socket *self) {
    return seconds_of(self->options.handshake_ns);
}

static void fill_protocols(gateway_socket *self) {
    static const char *const names[] = {"tickwire.json.v1", "tickwire.protobuf.v1"};
    for (unsigned i = 0; i < 2; i++)
        self->protocols[i] = (struct lws_protocols){.name = names[i],
                                                    .callback = on_event,
                                                    .per_session_data_size = sizeof(connection),
                                                    .rx_buffer_size = READ_BYTES,
                                                    .id = i == 0 ? STREAM_JSON : STREAM_PROTOBUF,
                                                    .tx_packet_size = WRITE_BYTES};
}

/* We ping by ourselves (on_ping_time). libwebsockets' own watch keeps a timer for each connection in one sorted list and walks
 * it at every pong: with 15,000 connections that stood still for seconds. */
static const lws_retry_bo_t no_validity_checks;

static tw_code open_libwebsockets(gateway_socket *self, uv_loop_t *loop, tw_error *error) {
    void *loops[] = {loop};
    bool tls = self->options.certificate[0] != '\0';
    fill_protocols(self);
    lws_set_log_level(0, NULL); /* what it would write to standard error is said here, in the log's format */
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = self->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG | /* socket_untaken.c */
                   (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .pcontext = &self->context,
        .user = self,
        .retry_and_idle_policy = &no_validity_checks,
        .max_http_header_data2 = self->options.header_bytes,
        .max_http_header_pool2 = self->options.max_connections,
        .timeout_secs = (unsigned)socket_handshake_seconds(self),
        .timeout_secs_ah_idle = (unsigned)socket_handshake_seconds(self),
        .keepalive_timeout = socket_handshake_seconds(self),
        .server_string = "tickwire-gateway",
        .vhost_name = "tickwire",
        .alpn = "http/1.1",
        .ssl_cert_filepath = tls ? self->options.certificate : NULL,
        .ssl_private_key_filepath = tls ? self->options.key : NULL,
    };
    self->context = lws_create_context(&info);
    if (self->context == NULL)
        return tw_error_set(error, TW_IO, "libwebsockets did not start: is its libuv event library installed?");
    self->vhost = lws_create_vhost(self->context, &info);
    if (self->vhost == NULL && tls)
        return tw_error_set(error, TW_INVALID, "--tls-certificate %s and --tls-key %s can't be used",
                            self->options.certificate, self->options.key);
    if (self->vhost == NULL) return tw_error_set(error, TW_IO, "libwebsockets made no server");
    return TW_OK;
}

tw_code socket_open(gateway_socket **made, uv_loop_t *loop, const socket_options *options,
                    const socket_handlers *handlers, rt_log *log, tw_error *error) {
    gateway_socket *self = calloc(1, sizeof *self);
    *made = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for connections");
    self->options = *options;
    self->handlers = *handlers;
    self->log = log;
    self->listener = self->readers = self->spare = -1;
    self->clients = calloc(options->max_connections, sizeof(connection *));
    if (options->compression) self->unpacker = ws_unpacker_alloc(options->request_bytes);
    if (options->max_of_address > 0) self->addresses = address_count_alloc(options->max_connections);
    if (options->max_of_address > 0 && self->addresses == NULL)
        return tw_error_set(error, TW_NO_MEMORY, "no memory for connections");
    if (self->clients == NULL || (options->compression && self->unpacker == NULL))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for connections");
    tw_code code = set_file_limit(options->max_connections, error);
    if (code == TW_OK && options->certificate[0] != '\0')
        code = socket_tls_check(options->certificate, options->key, error);
    if (code == TW_OK) code = socket_open_reading(self, loop, error);
    if (code == TW_OK) code = open_libwebsockets(self, loop, error);
    if (code == TW_OK) code = bind_listener(self, error);
    if (code != TW_OK) return code;
    uv_poll_init(loop, &self->poll, self->listener);
    uv_timer_init(loop, &self->ping_timer);
    self->poll.data = self->ping_timer.data = self;
    self->polled = true;
    return TW_OK;
}

tw_code socket_listen(gateway_socket *self, tw_error *error) {
    if (listen(self->listener, BACKLOG) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "listening on %s port %u", self->options.address,
                              (unsigned)socket_port(self));
}

void socket_serve(gateway_socket *self, stream *core) {
    self->stream = core;
    socket_keep_spare(self);
    uint64_t period_ms = (uint64_t)(self->options.silence_ns / PINGS_PER_SILENCE / PING_SLICES / NS_PER_MS);
    uv_poll_start(&self->poll, UV_READABLE, on_acceptable);
    uv_timer_start(&self->ping_timer, on_ping_time, period_ms, period_ms);
}

static void on_poll_closed(uv_handle_t *handle) {
    gateway_socket *self = handle->data;
    close(self->listener);
    self->listener = -1;
    self->poll_closed = true;
}

void socket_stop_listening(gateway_socket *self) {
    if (!self->polled) return;
    self->polled = false;
    uv_close((uv_handle_t *)&self->ping_timer, NULL);
    uv_close((uv_handle_t *)&self->poll, on_poll_closed);
}

void socket_close(gateway_socket *self) {
    if (self == NULL) return;
    if (self->polled)
        socket_stop_listening(self);
    else if (!uv_is_closing((uv_handle_t *)&self->poll))
        self->poll_closed = true; /* it was never there */
    if (self->context != NULL) lws_context_destroy(self->context);
    socket_close_reading(self);
}

bool socket_is_closed(const gateway_socket *self) {
    return self == NULL || (self->context == NULL && self->poll_closed && self->readers < 0);
}

void socket_free(gateway_socket *self) {
    if (self == NULL) return;
    if (self->listener >= 0) close(self->listener);
    if (self->context != NULL)
        lws_context_destroy(self->context); /* on a loop of ours the first call only begins it */
    socket_lose_guest(self);
    free(self->clients);
    if (self->readers >= 0) close(self->readers);
    if (self->spare >= 0) close(self->spare);
    address_count_free(self->addresses);
    free(self->read_buffer);
    ws_unpacker_free(self->unpacker);
    free(self->scratch);
    free(self);
}

uint16_t socket_port(const gateway_socket *self) {
    return self->port;
}

socket_stats socket_read_stats(const gateway_socket *self) {
    return self->stats;
}
