/*
 * Metrics over HTTP, on the loop. libmicrohttpd runs without threads: its epoll descriptor, which becomes readable
 * when any of its sockets has work, is polled by the loop, and a timer stands for its connection timeouts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/metrics.h"

#define MOST_CONNECTIONS     32
#define CONNECTION_TIMEOUT_S 10

struct metrics_server {
    struct MHD_Daemon *daemon;
    metrics *metrics;
    metrics_is_ready is_ready; /* NULL: nobody says */
    void *ready_context;
    uv_poll_t poll;
    uv_timer_t timer;
    int open_handles;
    uint16_t port;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type, char *text,
                               size_t length, enum MHD_ResponseMemoryMode memory) {
    struct MHD_Response *response = MHD_create_response_from_buffer(length, text, memory);
    if (response == NULL) {
        if (memory == MHD_RESPMEM_MUST_FREE) free(text);
        return MHD_NO; /* closes the connection */
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond_words(struct MHD_Connection *connection, unsigned status, const char *words) {
    return respond(connection, status, "text/plain; charset=utf-8", (char *)words, strlen(words),
                   MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result respond_metrics(struct MHD_Connection *connection, metrics *registry) {
    size_t capacity = metrics_render(registry, NULL, 0) + 4096; /* numbers may grow between the two renderings */
    char *text = malloc(capacity);
    if (text == NULL) return MHD_NO;
    size_t length = metrics_render(registry, text, capacity);
    if (length >= capacity) length = capacity - 1;
    return respond(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, length,
                   MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result respond_ready(struct MHD_Connection *connection, metrics_server *server) {
    char text[METRICS_READY_BYTES] = "";
    bool ready = server->is_ready(server->ready_context, text, sizeof text);
    return respond(connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json", text,
                   strlen(text), MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body, size_t *body_length,
                                  void **request) {
    static const char headers_seen;
    metrics_server *server = context;
    (void)version;
    (void)body;
    if (*request == NULL) { /* the first call has only the headers */
        *request = (void *)&headers_seen;
        return MHD_YES;
    }
    if (*body_length > 0) { /* a body means nothing here */
        *body_length = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return respond_words(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    if (strcmp(url, "/metrics") == 0) return respond_metrics(connection, server->metrics);
    if (strcmp(url, "/healthz") == 0) return respond_words(connection, MHD_HTTP_OK, "ok\n");
    if (strcmp(url, "/readyz") == 0 && server->is_ready != NULL) return respond_ready(connection, server);
    return respond_words(connection, MHD_HTTP_NOT_FOUND, "try /metrics or /healthz\n");
}

static void run(metrics_server *server);

static void on_timer(uv_timer_t *timer) {
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    run(poll->data);
}

static void run(metrics_server *server) {
    MHD_UNSIGNED_LONG_LONG wait_ms;
    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&server->timer, on_timer, wait_ms, 0);
    else
        uv_timer_stop(&server->timer);
}

typedef union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} socket_address;

static bool parse_address(const char *text, uint16_t port, socket_address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return true;
    }
    return false;
}

static tw_code start_daemon(metrics_server *server, const char *address, uint16_t port, tw_error *error) {
    socket_address where;
    if (!parse_address(address, port, &where))
        return tw_error_set(error, TW_INVALID, "--metrics-address '%s' is no IPv4 or IPv6 address", address);
    unsigned flags = MHD_USE_EPOLL | (where.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    errno = 0;
    server->daemon = MHD_start_daemon(flags, port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, &where.any,
                                      MHD_OPTION_CONNECTION_LIMIT, MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                                      CONNECTION_TIMEOUT_S, MHD_OPTION_END);
    if (server->daemon == NULL)
        return tw_error_set_errno(error, errno, "serving metrics on %s port %u", address, port);
    const union MHD_DaemonInfo *bound = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = bound != NULL ? bound->port : port;
    return TW_OK;
}

static tw_code attach(metrics_server *server, uv_loop_t *loop, tw_error *error) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int status = info == NULL ? UV_ENOTSUP : uv_poll_init(loop, &server->poll, info->epoll_fd);
    if (status != 0) return tw_error_set(error, TW_IO, "polling the metrics server: %s", uv_strerror(status));
    uv_timer_init(loop, &server->timer);
    server->open_handles = 2;
    server->poll.data = server->timer.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_poll);
    return TW_OK;
}

tw_code metrics_server_open(metrics_server **server, uv_loop_t *loop, metrics *registry, const char *address,
                            uint16_t port, tw_error *error) {
    *server = NULL;
    metrics_server *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the metrics server");
    opened->metrics = registry;
    tw_code code = start_daemon(opened, address, port, error);
    if (code == TW_OK) code = attach(opened, loop, error);
    if (code != TW_OK) {
        if (opened->daemon != NULL) MHD_stop_daemon(opened->daemon);
        free(opened);
        return code;
    }
    *server = opened;
    return TW_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
    metrics_server *server = handle->data;
    if (--server->open_handles == 0) free(server);
}

void metrics_server_close(metrics_server *server) {
    if (server == NULL) return;
    uv_poll_stop(&server->poll); /* before its descriptor is closed */
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    MHD_stop_daemon(server->daemon);
}

uint16_t metrics_server_port(const metrics_server *server) {
    return server->port;
}

void metrics_server_on_ready(metrics_server *server, metrics_is_ready is_ready, void *context) {
    server->is_ready = is_ready;
    server->ready_context = context;
}
