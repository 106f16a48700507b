/*
 * Requests that libwebsockets does not take: methods that it does not know, CONNECT, and what is no request. It hands the connection over with
 * the bytes that it could not read, and goes on only with TLS and with writing. The first line says what is to be answered; nothing behind it
 * is looked at, and the connection ends with the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "gateways/request_line.h"
#include "gateways/socket_inside.h"

typedef struct untaken {
    size_t length;
    char line[SOCKET_TEXT_BYTES];
} untaken;

void socket_drop_untaken(connection *c) {
    free(c->untaken);
    c->untaken = NULL;
}

/* Where the line ends: at a control character, for none may be in it. NULL: not here. */
static const char *end_of(const untaken *had) {
    for (const char *at = had->line; at < had->line + had->length; at++)
        if ((unsigned char)*at < ' ') return at;
    return had->length == sizeof had->line ? had->line + had->length : NULL;
}

/* Its line is whole, or will never be one. */
static void ask(gateway_socket *self, connection *c, struct lws *wsi, const char *line, size_t length) {
    char path[SOCKET_PATH_BYTES] = "*";
    socket_request request = {.method = SOCKET_OTHER, .path = path, .origin = "", .host = "", .last_event_id = ""};
    request.if_none_match = request.authorization = request.cookie = request.site = "";
    request.content_type = request.correlation_id = "";
    request.torn = !request_line_read(line, length, path, sizeof path);
    socket_begin_request(self, c, wsi, CONNECTION_UNTAKEN);
    request.ticket = c->ticket;
    self->handlers.on_request(self->handlers.context, &request);
}

/* What has come of the line, with what came before. NULL: no memory. */
static untaken *gather(connection *c, const uint8_t *bytes, size_t length) {
    if (c->untaken == NULL) c->untaken = calloc(1, sizeof *c->untaken);
    untaken *had = c->untaken;
    if (had == NULL) return NULL;
    if (length > sizeof had->line - had->length) length = sizeof had->line - had->length;
    memcpy(had->line + had->length, bytes, length);
    had->length += length;
    return had;
}

bool socket_take_untaken(gateway_socket *self, connection *c, struct lws *wsi, const uint8_t *bytes,
                         size_t length) {
    if (c->kind == CONNECTION_UNTAKEN) return true; /* answered: the rest is thrown away */
    bool first = c->untaken == NULL;
    const untaken *gathered = gather(c, bytes, length);
    if (gathered == NULL) return false;
    const char *end = end_of(gathered);
    if (end == NULL) {
        if (first) socket_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, socket_handshake_seconds(self));
        return true;
    }
    size_t line_length = (size_t)(end - gathered->line);
    untaken had = *gathered; /* a request begins with a clean connection */
    ask(self, c, wsi, had.line, line_length);
    return true;
}

bool socket_write_untaken(connection *c) {
    if (c->kind != CONNECTION_UNTAKEN || (c->answer == NULL && c->answer_length == 0)) return true;
    if (c->answer != NULL) {
        int written = lws_write(c->wsi, c->answer + LWS_PRE, c->answer_length, LWS_WRITE_RAW);
        free(c->answer);
        c->answer = NULL;
        if (written < 0) return false;
    }
    socket_linger(c);
    return true;
}
