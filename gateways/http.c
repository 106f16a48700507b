/* Routes and answers of HTTP. */
#include "gateways/http.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/pipeline.h"

#define HEAD_BYTES  1024
#define SMALL_BYTES 2048

typedef struct http_status {
    int number;
    const char *words;
} http_status;

static const http_status OK = {200, "OK"}, NOT_FOUND = {404, "Not Found"},
                         NOT_ALLOWED = {405, "Method Not Allowed"}, NOT_READY = {503, "Service Unavailable"};

/* ---- origins ---- */

/* "https://example.com:8443" is a page of the host "example.com:8443". */
static bool is_own(const char *origin, const char *host) {
    const char *at = strstr(origin, "://");
    return at != NULL && host[0] != '\0' && strcasecmp(at + 3, host) == 0;
}

bool http_origin_allowed(const char *allowed, const char *origin, const char *host) {
    if (origin[0] == '\0' || strcmp(allowed, "*") == 0 || is_own(origin, host)) return true;
    size_t length = strlen(origin);
    for (const char *at = allowed; *at != '\0';) {
        size_t one = strcspn(at, ",");
        if (one == length && strncasecmp(at, origin, length) == 0) return true;
        at += one + (at[one] == ',');
    }
    return false;
}

/* ---- answers ---- */

/* What a browser needs to be told so that the page that asked may read it. */
static void cross_origin(const gateway *self, const socket_request *request, char *text, size_t capacity) {
    text[0] = '\0';
    bool allowed = request->origin[0] != '\0' &&
                   http_origin_allowed(self->settings.origins, request->origin, request->host) &&
                   strpbrk(request->origin, "\r\n") == NULL;
    if (allowed)
        tw_text_format(text, capacity, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", request->origin);
}

static void answer(gateway *self, const socket_request *request, http_status status, const char *type,
                   const char *caching, const char *body, size_t length) {
    char head[HEAD_BYTES + SMALL_BYTES], cross[SMALL_BYTES + 128];
    cross_origin(self, request, cross, sizeof cross);
    bool last = request->method == SOCKET_OTHER; /* its body is not read */
    tw_text_format(head, sizeof head,
                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: %s\r\n"
                   "X-Content-Type-Options: nosniff\r\n%s%s\r\n",
                   status.number, status.words, type, length, caching, cross, last ? "Connection: close\r\n" : "");
    socket_answer(self->socket, request->ticket, head, body, request->method == SOCKET_HEAD ? 0 : length, !last);
}

static void answer_error(gateway *self, const socket_request *request, http_status status, const char *code,
                         const char *message) {
    char body[SMALL_BYTES];
    json_writer w;
    json_start(&w, body, sizeof body);
    json_open_object(&w, NULL);
    json_open_object(&w, "error");
    json_string(&w, "code", code);
    json_string(&w, "message", message);
    json_close_object(&w);
    json_close_object(&w);
    json_finish(&w);
    answer(self, request, status, "application/json", "no-store", body, w.length);
}

/* ---- routes ---- */

static void take_healthz(gateway *self, const socket_request *request) {
    answer(self, request, OK, "text/plain", "no-store", "ok\n", 3);
}

static void take_readyz(gateway *self, const socket_request *request) {
    source_state state = source_read(self->source);
    char body[SMALL_BYTES];
    json_writer w;
    json_start(&w, body, sizeof body);
    json_open_object(&w, NULL);
    bool ready = self->phase == GATEWAY_RUNNING && state.feeds > state.feeds_silent;
    json_bool(&w, "ready", ready);
    json_u64(&w, "feeds", state.feeds);
    json_u64(&w, "feeds_silent", state.feeds_silent);
    json_u64(&w, "feeds_not_ok", state.feeds_not_ok);
    json_close_object(&w);
    json_finish(&w);
    answer(self, request, ready ? OK : NOT_READY, "application/json", "no-store", body, w.length);
}

static const struct route {
    const char *path;
    void (*take)(gateway *self, const socket_request *request);
} routes[] = {{"/healthz", take_healthz}, {"/readyz", take_readyz}};

void http_take(gateway *self, const socket_request *request) {
    if (request->method == SOCKET_OTHER || request->method == SOCKET_OPTIONS) {
        answer_error(self, request, NOT_ALLOWED, "METHOD_NOT_ALLOWED", "GET and HEAD are answered here");
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, request->path) != 0) continue;
        routes[i].take(self, request);
        return;
    }
    answer_error(self, request, NOT_FOUND, "NOT_FOUND", "there is nothing at this path");
}
