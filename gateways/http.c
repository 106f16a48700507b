/* Routes and answers of HTTP. */
#include "gateways/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/market.h"
#include "base/text.h"
#include "gateways/auth/origin.h"
#include "gateways/events.h"
#include "gateways/last_pages.h"
#include "gateways/market_pages.h"
#include "gateways/pipeline.h"

#define HEAD_BYTES    1024
#define SMALL_BYTES   2048
#define METRICS_SLACK 256 /* numbers may grow by some digits between two looks */

const http_status HTTP_OK = {200, "OK"}, HTTP_BAD_REQUEST = {400, "Bad Request"},
                  HTTP_FORBIDDEN = {403, "Forbidden"}, HTTP_NOT_FOUND = {404, "Not Found"},
                  HTTP_NOT_ALLOWED = {405, "Method Not Allowed"}, HTTP_BAD_GATEWAY = {502, "Bad Gateway"},
                  HTTP_NOT_READY = {503, "Service Unavailable"}, HTTP_TIMEOUT = {504, "Gateway Timeout"};

/* ---- answers ---- */

/* What a browser needs to be told so that the page that asked may read the answer. */
http_asked http_remember(const gateway *self, const socket_request *request) {
    http_asked asked = {.ticket = request->ticket,
                        .head = request->method == SOCKET_HEAD,
                        .last = request->method == SOCKET_OTHER /* its body is not read */};
    bool allowed = request->origin[0] != '\0' && strpbrk(request->origin, "\r\n") == NULL &&
                   origin_allowed(self->settings.origins, request->origin, request->host);
    if (allowed)
        tw_text_format(asked.cross_origin, sizeof asked.cross_origin,
                       "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", request->origin);
    return asked;
}

void http_answer(gateway *self, const http_asked *asked, http_status status, const char *type, const char *caching,
                 const char *body, size_t length) {
    char head[HEAD_BYTES + HTTP_CROSS_BYTES];
    tw_text_format(head, sizeof head,
                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: %s\r\n"
                   "X-Content-Type-Options: nosniff\r\n%s%s\r\n",
                   status.number, status.words, type, length, caching, asked->cross_origin,
                   asked->last ? "Connection: close\r\n" : "");
    socket_answer(self->socket, asked->ticket, head, body, asked->head ? 0 : length, !asked->last);
}

void http_answer_error(gateway *self, const http_asked *asked, http_status status, const char *code,
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
    http_answer(self, asked, status, "application/json", "no-store", body, w.length);
}

const char *http_argument(const socket_request *request, const char *name) {
    size_t length = strlen(name);
    for (uint32_t i = 0; i < request->argument_count; i++) {
        const char *one = request->arguments[i];
        if (strncmp(one, name, length) == 0 && one[length] == '=') return one + length + 1;
    }
    return "";
}

bool http_is_mic(const char *text, size_t length) {
    if (length != TW_MIC_BYTES - 1) return false;
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= '0' && text[i] <= '9'))) return false;
    return true;
}

/* ---- routes ---- */

static void take_healthz(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    http_answer(self, &asked, HTTP_OK, "text/plain", "no-store", "ok\n", 3);
}

static void take_readyz(gateway *self, const socket_request *request) {
    source_state state = source_read(self->source);
    http_asked asked = http_remember(self, request);
    char body[SMALL_BYTES];
    json_writer w;
    json_start(&w, body, sizeof body);
    json_open_object(&w, NULL);
    bool ready = self->phase == GATEWAY_RUNNING && state.feeds > state.feeds_silent;
    json_bool(&w, "ready", ready);
    json_u64(&w, "feeds", state.feeds);
    json_u64(&w, "feeds_silent", state.feeds_silent);
    json_u64(&w, "feeds_not_ok", state.feeds_not_ok);
    last_store_stats store = last_store_read_stats(self->last_store);
    json_string(&w, "redis", store.configured ? redis_state_name(store.state) : "NONE"); /* a help, not a need */
    json_close_object(&w);
    json_finish(&w);
    http_answer(self, &asked, ready ? HTTP_OK : HTTP_NOT_READY, "application/json", "no-store", body, w.length);
}

static void take_metrics(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    static const char type[] = "text/plain; version=0.0.4";
    size_t capacity = observe_render(self, NULL, 0) + METRICS_SLACK;
    char *text = malloc(capacity);
    if (text == NULL) {
        http_answer_error(self, &asked, HTTP_NOT_READY, "NO_MEMORY", "no memory for the metrics");
        return;
    }
    size_t length = observe_render(self, text, capacity);
    http_answer(self, &asked, HTTP_OK, type, "no-store", text, length);
    free(text);
}

/*
 * Pages may run and load only what came from here, talk only to here (a WebSocket of the same origin included), and be shown in
 * nobody else's frame. A browser keeps them and asks each time whether they are still the same.
 */
static const char page_headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src "
    "'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\nCache-Control: no-cache\r\n";

/* `known`: who asks has it already and is told just that. */
static void answer_page(gateway *self, const http_asked *asked, const page *file, bool known) {
    char head[HEAD_BYTES + HTTP_CROSS_BYTES], about[128] = "";
    if (!known)
        tw_text_format(about, sizeof about, "Content-Type: %s\r\nContent-Length: %zu\r\n", file->type,
                       file->length);
    tw_text_format(head, sizeof head, "HTTP/1.1 %s\r\nETag: %s\r\n%s%s%s\r\n",
                   known ? "304 Not Modified" : "200 OK", file->tag, about, page_headers, asked->cross_origin);
    socket_answer(self->socket, asked->ticket, head, (const char *)file->bytes,
                  known || asked->head ? 0 : file->length, true);
}

static const struct route {
    const char *path;
    bool is_folder; /* all below it */
    void (*take)(gateway *self, const socket_request *request);
} routes[] = {{"/v1/stream/sse", false, events_take}, {"/v1/instruments", false, market_take_instruments},
              {"/v1/book/", true, market_take_book},  {"/v1/last/", true, last_take},
              {"/healthz", false, take_healthz},      {"/readyz", false, take_readyz},
              {"/metrics", false, take_metrics}};

void http_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    if (request->method == SOCKET_OTHER || request->method == SOCKET_OPTIONS) {
        http_answer_error(self, &asked, HTTP_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "GET and HEAD are answered here");
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *route = &routes[i];
        bool fits = route->is_folder ? strncmp(route->path, request->path, strlen(route->path)) == 0
                                     : strcmp(route->path, request->path) == 0;
        if (!fits) continue;
        route->take(self, request);
        return;
    }
    const page *file = pages_find(&self->pages, request->path);
    if (file != NULL) {
        answer_page(self, &asked, file, page_is_known(file, request->if_none_match));
        return;
    }
    bool is_stream = strcmp(request->path, "/v1/stream") == 0;
    http_answer_error(self, &asked, HTTP_NOT_FOUND, "NOT_FOUND",
                      is_stream ? "this is a WebSocket: connect with an upgrade" : "there is nothing at this path");
}
