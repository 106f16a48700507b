/* Routes and answers of HTTP. */
#include "gateways/http.h"

#include <stdarg.h>
#include <stdio.h>
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
#include "gateways/order_pages.h"
#include "gateways/pipeline.h"

#define HEAD_BYTES    1024
#define SMALL_BYTES   2048
#define READY_BYTES   4096
#define MOST_REFUSED  8 /* named; the others are counted */
#define ALLOW_ORIGIN  "Access-Control-Allow-Origin: "
#define METRICS_SLACK 256 /* numbers may grow by some digits between two looks */

const http_status HTTP_OK = {200, "OK"}, HTTP_BAD_REQUEST = {400, "Bad Request"},
                  HTTP_FORBIDDEN = {403, "Forbidden"}, HTTP_NOT_FOUND = {404, "Not Found"},
                  HTTP_NOT_ALLOWED = {405, "Method Not Allowed"}, HTTP_BAD_GATEWAY = {502, "Bad Gateway"},
                  HTTP_NOT_READY = {503, "Service Unavailable"}, HTTP_TIMEOUT = {504, "Gateway Timeout"},
                  HTTP_UNAUTHORIZED = {401, "Unauthorized"}, HTTP_TOO_MANY = {429, "Too Many Requests"},
                  HTTP_UPGRADE = {426, "Upgrade Required"}, HTTP_ACCEPTED = {202, "Accepted"},
                  HTTP_NO_LENGTH = {411, "Length Required"}, HTTP_TOO_LARGE = {413, "Content Too Large"},
                  HTTP_MEDIA_TYPE = {415, "Unsupported Media Type"};

/* ---- answers ---- */

/* What a browser needs to be told so that the page that asked may read the answer. */
http_asked http_remember(const gateway *self, const socket_request *request) {
    http_asked asked = {.ticket = request->ticket,
                        .head = request->method == SOCKET_HEAD,
                        .last = request->method == SOCKET_OTHER ||
                                request->body_fault != SOCKET_BODY_KEPT /* it is not read */};
    tw_text_copy(asked.user, sizeof asked.user,
                 request->caller != NULL ? request->caller->user : IDENTITY_ANONYMOUS);
    asked.caller = request->caller != NULL ? address_key_of_user(request->caller->user) : request->address;
    bool allowed = request->origin[0] != '\0' && strpbrk(request->origin, "\r\n") == NULL &&
                   origin_allowed(self->settings.origins, request->origin, request->host);
    bool trusted = allowed && origin_trusted(self->settings.origins, request->origin, request->host, "");
    if (allowed)
        tw_text_format(asked.cross_origin, sizeof asked.cross_origin, "%s%s\r\n%s%s", ALLOW_ORIGIN, request->origin,
                       trusted ? "Access-Control-Allow-Credentials: true\r\n" : "",
                       "Access-Control-Expose-Headers: ETag, WWW-Authenticate, Retry-After, X-Correlation-Id\r\n");
    size_t used = strlen(asked.cross_origin);
    tw_text_copy(asked.cross_origin + used, sizeof asked.cross_origin - used,
                 doorman_is_on(self->doorman) ? "Vary: Origin, Authorization, Cookie\r\n" : "Vary: Origin\r\n");
    return asked;
}

static void write_head(char *head, size_t capacity, const http_asked *asked, http_status status, const char *type,
                       const char *caching, size_t length) {
    tw_text_format(head, capacity,
                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: %s\r\n"
                   "X-Content-Type-Options: nosniff\r\n%s%s%s%s\r\n",
                   status.number, status.words, type, length, caching, asked->challenge, asked->more_headers,
                   asked->cross_origin, asked->last ? "Connection: close\r\n" : "");
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
    char head[HEAD_BYTES + HTTP_CROSS_BYTES + HTTP_CHALLENGE_BYTES + HTTP_MORE_BYTES];
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

void http_fault_set(http_fault *fault, const http_status *status, const char *code, const char *format, ...) {
    va_list arguments;
    if (fault->status != NULL) return;
    fault->status = status;
    fault->code = code;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
}

void http_fault_set_not_asked(http_fault *fault, ask_result why) {
    if (fault->status != NULL) return;
    fault->again_soon = why != ASK_AWAY;
    if (why == ASK_OVER_SHARE)
        http_fault_set(fault, &HTTP_TOO_MANY, "TOO_MANY",
                       "%u questions of yours wait for their answers, which is all you may have: come back later",
                       ASK_SHARE);
    else if (why == ASK_FULL)
        http_fault_set(fault, &HTTP_NOT_READY, "TOO_MANY",
                       "as many questions wait for their answers as may: come back later");
    else
        http_fault_set(fault, &HTTP_NOT_READY, "AWAY", "the bus can't be asked now: come back later");
}

void http_answer_fault(gateway *self, const http_asked *asked, const http_fault *fault) {
    http_asked with = *asked;
    if (fault->again_soon) http_add_header(&with, "Retry-After: 1\r\n");
    http_answer_error(self, &with, *fault->status, fault->code, fault->message);
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

/* The first thing that is missing; NULL: ready. */
static const char *why_not_ready(const gateway *self, const source_state *state, const keyring_stats *keys) {
    if (self->phase != GATEWAY_RUNNING) return "the gateway stops";
    if (keys->keys == 0 && doorman_is_on(self->doorman)) return "no key is known to check tokens with";
    if (state->feeds == state->feeds_silent) return state->feeds == 0 ? "no feed is heard" : "all feeds are silent";
    if (!order_desk_is_ready(self->orders)) return "the venue has not told its instruments yet";
    return NULL;
}

/* What the gateway's own user of the bus may not: subjects whose data never comes, and questions that nobody hears. */
static void put_refused(const gateway *self, json_writer *w) {
    const bus_refusals *lists[OBSERVE_CONNECTIONS];
    uint64_t count = 0;
    observe_refusals(self, lists);
    for (int i = 0; i < OBSERVE_CONNECTIONS; i++)
        count += lists[i] != NULL ? lists[i]->count : 0;
    if (count == 0) return;
    json_u64(w, "bus_refused", count);
    json_open_array(w, "bus_refused_subjects");
    uint32_t named = 0;
    for (int i = 0; i < OBSERVE_CONNECTIONS; i++)
        for (uint32_t n = 0; lists[i] != NULL && n < lists[i]->count && named < MOST_REFUSED; n++, named++) {
            char text[SUBJECT_BYTES + 16];
            const bus_refusal *one = &lists[i]->list[n];
            tw_text_format(text, sizeof text, "%s %s", one->publish ? "publish" : "subscribe", one->subject);
            json_string(w, NULL, text);
        }
    json_close_array(w);
}

static void put_details(const gateway *self, json_writer *w, const source_state *state, const keyring_stats *keys) {
    last_store_stats store = last_store_read_stats(self->last_store);
    json_u64(w, "feeds", state->feeds);
    json_u64(w, "feeds_silent", state->feeds_silent);
    json_u64(w, "feeds_not_ok", state->feeds_not_ok);
    put_auth(self, w, keys);
    if (self->orders != NULL)
        json_string(w, "orders", order_desk_knows_instruments(self->orders) ? "READY" : "NO_DIRECTORY");
    put_refused(self, w);
    json_string(w, "redis", store.configured ? redis_state_name(store.state) : "NONE"); /* a help, not a need */
}

bool http_write_ready(const gateway *self, bool detailed, char *text, size_t capacity) {
    source_state state = source_read(self->source);
    keyring_stats keys = doorman_read_stats(self->doorman).keys;
    const char *why = why_not_ready(self, &state, &keys);
    json_writer w;
    json_start(&w, text, capacity);
    json_open_object(&w, NULL);
    json_bool(&w, "ready", why == NULL);
    if (detailed && why != NULL) json_string(&w, "why", why);
    if (detailed) put_details(self, &w, &state, &keys);
    json_close_object(&w);
    json_finish(&w);
    return why == NULL;
}

static void take_readyz(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    char body[READY_BYTES];
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

#define METHODS "GET, HEAD, OPTIONS"

typedef struct route {
    const char *path;
    bool is_folder; /* all below it */
    void (*take)(gateway *self, const socket_request *request);
    const char *more; /* methods beside GET, HEAD and OPTIONS: ", POST"; NULL: none */
} route;
static const route routes[] = {{"/v1/orders", false, orders_take, ", POST, DELETE"},
                               {"/v1/orders/", true, orders_take_one, ", DELETE"},
                               {"/v1/positions", false, positions_take, NULL},
                               {"/v1/accounts", false, accounts_take, NULL},
                               {"/v1/stream/sse", false, events_take, NULL},
                               {"/v1/instruments", false, market_take_instruments, NULL},
                               {"/v1/book/", true, market_take_book, NULL},
                               {"/v1/last/", true, last_take, NULL},
                               {"/v1/candles/", true, candles_take, NULL},
                               {"/healthz", false, take_healthz, NULL},
                               {"/readyz", false, take_readyz, NULL},
                               {"/metrics", false, take_metrics, NULL}};

static bool is_stream(const char *path) {
    return strcmp(path, "/v1/stream") == 0;
}

static bool is_server(const char *path) {
    return strcmp(path, "*") == 0;
}

static const route *find_route(const char *path) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const route *one = &routes[i];
        bool fits =
            one->is_folder ? strncmp(one->path, path, strlen(one->path)) == 0 : strcmp(one->path, path) == 0;
        if (fits) return one;
    }
    return NULL;
}

static const char *more_methods(const char *path) {
    const route *found = find_route(path);
    return found == NULL || found->more == NULL ? "" : found->more;
}

/* A browser asks, before a page of another origin may send this. It goes on asking only where the origin is let in. */
static void answer_options(gateway *self, const http_asked *asked, const char *path) {
    char head[HEAD_BYTES + HTTP_CROSS_BYTES], allowed[512] = "";
    const char *more = more_methods(path);
    bool let_in = strncmp(asked->cross_origin, ALLOW_ORIGIN, strlen(ALLOW_ORIGIN)) == 0;
    if (let_in)
        tw_text_format(allowed, sizeof allowed,
                       "Access-Control-Allow-Methods: " METHODS "%s\r\n"
                       "Access-Control-Allow-Headers: Authorization, Content-Type, If-None-Match, Last-Event-ID, "
                       "X-Correlation-Id\r\nAccess-Control-Max-Age: 600\r\n",
                       more);
    tw_text_format(head, sizeof head, "HTTP/1.1 204 No Content\r\nAllow: " METHODS "%s\r\n%s%s\r\n", more, allowed,
                   asked->cross_origin);
    socket_answer(self->socket, asked->ticket, head, "", 0, true);
}

void http_add_header(http_asked *asked, const char *line) {
    size_t used = strlen(asked->more_headers);
    if (used + strlen(line) < sizeof asked->more_headers)
        tw_text_copy(asked->more_headers + used, sizeof asked->more_headers - used, line);
}

bool http_origin_is_allowed(const gateway *self, const socket_request *request) {
    return origin_allowed(self->settings.origins, request->origin, request->host);
}

static void refuse_method(gateway *self, http_asked *asked, const char *path) {
    char line[96], message[96];
    const char *more = more_methods(path);
    tw_text_format(line, sizeof line, "Allow: " METHODS "%s\r\n", more);
    tw_text_format(message, sizeof message, "GET, HEAD%s are answered here", more);
    if (more[0] == '\0') tw_text_copy(message, sizeof message, "GET and HEAD are answered here");
    http_add_header(asked, line);
    asked->last = true; /* a body is not read */
    http_answer_error(self, asked, HTTP_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
}

static void want_upgrade(gateway *self, const http_asked *asked) {
    http_asked with = *asked;
    http_add_header(&with, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    http_answer_error(self, &with, HTTP_UPGRADE, "UPGRADE_REQUIRED",
                      "this is a WebSocket: connect with an upgrade");
}

static void follow_route(gateway *self, const socket_request *request, const http_asked *asked) {
    const route *found = find_route(request->path);
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

static bool is_answered(const socket_request *request) {
    const char *more = more_methods(request->path);
    switch (request->method) {
    case SOCKET_POST:
        return strstr(more, "POST") != NULL;
    case SOCKET_DELETE:
        return strstr(more, "DELETE") != NULL;
    default:
        return request->method != SOCKET_OTHER;
    }
}

void http_take(gateway *self, const socket_request *request) {
    http_asked asked = http_remember(self, request);
    bool is_there = find_route(request->path) != NULL || pages_find(&self->pages, request->path) != NULL ||
                    is_stream(request->path) || is_server(request->path);
    if (request->torn)
        http_answer_error(
            self, &asked, HTTP_BAD_REQUEST, "BAD_REQUEST",
            "this is no request line of HTTP/1.1: METHOD ADDRESS HTTP/1.1, no control character in the address");
    else if (is_there && request->method == SOCKET_OPTIONS)
        answer_options(self, &asked, request->path);
    else if (is_there && !is_answered(request))
        refuse_method(self, &asked, request->path);
    else
        caller_take(self, request, &asked, follow_route);
}
