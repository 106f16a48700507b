/* Routes and answers of HTTP. */
#include "gateways/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/market.h"
#include "base/text.h"
#include "gateways/auth/origin.h"
#include "gateways/caller.h"
#include "gateways/candle_pages.h"
#include "gateways/events.h"
#include "gateways/last_pages.h"
#include "gateways/market_pages.h"
#include "gateways/pipeline.h"

#define HEAD_BYTES    1024
#define SMALL_BYTES   2048
#define METHODS       "GET, HEAD, OPTIONS"
#define ALLOW_ORIGIN  "Access-Control-Allow-Origin: "
#define METRICS_SLACK 256 /* numbers may grow by some digits between two looks */

const http_status HTTP_OK = {200, "OK"}, HTTP_BAD_REQUEST = {400, "Bad Request"},
                  HTTP_FORBIDDEN = {403, "Forbidden"}, HTTP_NOT_FOUND = {404, "Not Found"},
                  HTTP_NOT_ALLOWED = {405, "Method Not Allowed"}, HTTP_BAD_GATEWAY = {502, "Bad Gateway"},
                  HTTP_NOT_READY = {503, "Service Unavailable"}, HTTP_TIMEOUT = {504, "Gateway Timeout"},
                  HTTP_UNAUTHORIZED = {401, "Unauthorized"}, HTTP_TOO_MANY = {429, "Too Many Requests"},
                  HTTP_UPGRADE = {426, "Upgrade Required"};

/* ---- answers ---- */

/* What a browser needs to be told so that the page that asked may read the answer. */
http_asked http_remember(const gateway *self, const socket_request *request) {
    http_asked asked = {.ticket = request->ticket,
                        .head = request->method == SOCKET_HEAD,
                        .last = request->method == SOCKET_OTHER /* its body is not read */};
    tw_text_copy(asked.user, sizeof asked.user,
                 request->caller != NULL ? request->caller->user : IDENTITY_ANONYMOUS);
    bool allowed = request->origin[0] != '\0' && strpbrk(request->origin, "\r\n") == NULL &&
                   origin_allowed(self->settings.origins, request->origin, request->host);
    bool trusted = allowed && origin_trusted(self->settings.origins, request->origin, request->host, "");
    if (allowed)
        tw_text_format(asked.cross_origin, sizeof asked.cross_origin, "%s%s\r\n%s%s", ALLOW_ORIGIN, request->origin,
                       trusted ? "Access-Control-Allow-Credentials: true\r\n" : "",
                       "Access-Control-Expose-Headers: ETag, WWW-Authenticate\r\n");
    size_t used = strlen(asked.cross_origin);
    tw_text_copy(asked.cross_origin + used, sizeof asked.cross_origin - used,
                 doorman_is_on(self->doorman) ? "Vary: Origin, Authorization, Cookie\r\n" : "Vary: Origin\r\n");
    return asked;
}

static void write_head(char *head, size_t capacity, const http_asked *asked, http_status status, const char *type,
                       const char *caching, size_t length) {
    tw_text_format(head, capacity,
                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: %s\r\n"
                   "X-Content-Type-Options: nosniff\r\n%s%s%s\r\n",
                   status.number, status.words, type, length, caching, asked->challenge, asked->cross_origin,
                   asked->last ? "Connection: close\r\n" : "");
}

/* {"error":{"code","message"}}; its length. */
static size_t write_error(char *body, size_t capacity, const char *code, const char *message) {
    json_writer w;
    json_start(&w, body, capacity);
    json_open_object(&w, NULL);
    json_open_object(&w, "error");
    json_string(&w, "code", code);
    json_string(&w, "message", message);
    json_close_object(&w);
    json_close_object(&w);
    json_finish(&w);
    return w.length;
}

bool http_answer(gateway *self, const http_asked *asked, http_status status, const char *type, const char *caching,
                 const char *body, size_t length) {
    char head[HEAD_BYTES + HTTP_CROSS_BYTES + HTTP_CHALLENGE_BYTES];
    write_head(head, sizeof head, asked, status, type, caching, length);
    return socket_answer(self->socket, asked->ticket, head, body, asked->head ? 0 : length, !asked->last) &&
           !asked->head;
}

void http_count(gateway *self, const http_asked *asked, const char *subject, size_t bytes) {
    gateway_count_use(self, asked->user, &(stream_use){.subject = subject, .updates = 1, .bytes = bytes});
}

void http_answer_error(gateway *self, const http_asked *asked, http_status status, const char *code,
                       const char *message) {
    char body[SMALL_BYTES];
    size_t length = write_error(body, sizeof body, code, message);
    http_answer(self, asked, status, "application/json", "no-store", body, length);
}

void http_write_error(char *response, size_t capacity, http_asked *asked, http_status status, const char *code,
                      const char *message) {
    char body[SMALL_BYTES];
    size_t length = write_error(body, sizeof body, code, message);
    asked->last = true;
    write_head(response, capacity, asked, status, "application/json", "no-store", length);
    size_t used = strlen(response);
    tw_text_copy(response + used, capacity - used, body);
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

/* With tokens asked for and no key in force, nobody who has one can come in: not ready. */
static void put_auth(const gateway *self, json_writer *w, const keyring_stats *keys) {
    if (!doorman_is_on(self->doorman)) return;
    json_open_object(w, "auth");
    json_u64(w, "keys", keys->keys);
    json_u64(w, "files_failed", keys->files_failed);
    json_string(w, "provider", keyring_provider_name(keys->provider));
    if (keys->age_ns > 0) json_i64(w, "keys_age_s", keys->age_ns / INT64_C(1000000000));
    json_close_object(w);
}

static void put_details(const gateway *self, json_writer *w, const source_state *state, const keyring_stats *keys) {
    last_store_stats store = last_store_read_stats(self->last_store);
    json_u64(w, "feeds", state->feeds);
    json_u64(w, "feeds_silent", state->feeds_silent);
    json_u64(w, "feeds_not_ok", state->feeds_not_ok);
    put_auth(self, w, keys);
    json_string(w, "redis", store.configured ? redis_state_name(store.state) : "NONE"); /* a help, not a need */
}

bool http_write_ready(const gateway *self, bool detailed, char *text, size_t capacity) {
    source_state state = source_read(self->source);
    keyring_stats keys = doorman_read_stats(self->doorman).keys;
    bool has_keys = keys.keys > 0 || !doorman_is_on(self->doorman);
    bool ready = has_keys && self->phase == GATEWAY_RUNNING && state.feeds > state.feeds_silent;
    json_writer w;
    json_start(&w, text, capacity);
    json_open_object(&w, NULL);
    json_bool(&w, "ready", ready);
    if (detailed) put_details(self, &w, &state, &keys);
    json_close_object(&w);
    json_finish(&w);
    return ready;
}

static void take_readyz(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    char body[SMALL_BYTES];
    bool ready = http_write_ready(self, !observe_is_apart(self), body, sizeof body);
    http_answer(self, &asked, ready ? HTTP_OK : HTTP_NOT_READY, "application/json", "no-store", body, strlen(body));
}

static void take_metrics(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    static const char type[] = "text/plain; version=0.0.4";
    if (observe_is_apart(self)) {
        http_answer_error(self, &asked, HTTP_NOT_FOUND, "NOT_FOUND", "there is nothing at this path");
        return;
    }
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
              {"/v1/candles/", true, candles_take},   {"/healthz", false, take_healthz},
              {"/readyz", false, take_readyz},        {"/metrics", false, take_metrics}};

static bool is_stream(const char *path) {
    return strcmp(path, "/v1/stream") == 0;
}

static const struct route *find_route(const char *path) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *one = &routes[i];
        bool fits =
            one->is_folder ? strncmp(one->path, path, strlen(one->path)) == 0 : strcmp(one->path, path) == 0;
        if (fits) return one;
    }
    return NULL;
}

/* A browser asks, before a page of another origin may send this. It goes on asking only where the origin is let in. */
static void answer_options(gateway *self, const http_asked *asked) {
    char head[HEAD_BYTES + HTTP_CROSS_BYTES];
    bool let_in = strncmp(asked->cross_origin, ALLOW_ORIGIN, strlen(ALLOW_ORIGIN)) == 0;
    tw_text_format(head, sizeof head, "HTTP/1.1 204 No Content\r\nAllow: " METHODS "\r\n%s%s\r\n",
                   let_in ? "Access-Control-Allow-Methods: " METHODS "\r\n"
                            "Access-Control-Allow-Headers: Authorization, If-None-Match, Last-Event-ID\r\n"
                            "Access-Control-Max-Age: 600\r\n"
                          : "",
                   asked->cross_origin);
    socket_answer(self->socket, asked->ticket, head, "", 0, true);
}

static void add_header(http_asked *asked, const char *lines) {
    size_t used = strlen(asked->cross_origin);
    tw_text_copy(asked->cross_origin + used, sizeof asked->cross_origin - used, lines);
}

static void refuse_method(gateway *self, http_asked *asked) {
    add_header(asked, "Allow: " METHODS "\r\n");
    http_answer_error(self, asked, HTTP_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "GET and HEAD are answered here");
}

static void want_upgrade(gateway *self, const http_asked *asked) {
    http_asked with = *asked;
    add_header(&with, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    http_answer_error(self, &with, HTTP_UPGRADE, "UPGRADE_REQUIRED",
                      "this is a WebSocket: connect with an upgrade");
}

static void route(gateway *self, const socket_request *request, const http_asked *asked) {
    const struct route *found = find_route(request->path);
    const page *file = found == NULL ? pages_find(&self->pages, request->path) : NULL;
    if (found != NULL)
        found->take(self, request);
    else if (file != NULL)
        answer_page(self, asked, file, page_is_known(file, request->if_none_match));
    else if (is_stream(request->path))
        want_upgrade(self, asked);
    else
        http_answer_error(self, asked, HTTP_NOT_FOUND, "NOT_FOUND", "there is nothing at this path");
}

void http_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    bool is_there = find_route(request->path) != NULL || pages_find(&self->pages, request->path) != NULL ||
                    is_stream(request->path);
    if (request->torn)
        http_answer_error(self, &asked, HTTP_BAD_REQUEST, "BAD_REQUEST",
                          "the address has a control character in it, or the request line no HTTP version");
    else if (is_there && request->method == SOCKET_OPTIONS)
        answer_options(self, &asked);
    else if (is_there && request->method == SOCKET_OTHER)
        refuse_method(self, &asked);
    else
        caller_take(self, request, &asked, route);
}
