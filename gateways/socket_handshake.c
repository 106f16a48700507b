/*
 * The opening handshake (RFC 6455, section 4.2). libwebsockets writes the answer to a good one; what is wrong with a bad
 * one is said here, in the same JSON as every other error of HTTP.
 */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "gateways/socket_inside.h"

#define KEY_CHARACTERS 24 /* base64 of 16 bytes */
#define ANSWER_BYTES   1024
#define REFUSAL_BYTES  8192
#define MOST_OFFERS    200 /* libwebsockets drops who sends more than 254, without a word */

typedef struct refusal {
    const char *status, *code, *message, *header; /* header: a line with its end, or "" */
} refusal;

/* Is it one of a list of tokens, as they stand between commas? */
static bool has_token(const char *list, const char *token) {
    size_t wanted = strlen(token);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        if (length == wanted && strncasecmp(list, token, wanted) == 0) return true;
        list += length;
    }
    return false;
}

static bool is_key(const char *key) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strlen(key) == KEY_CHARACTERS && strspn(key, digits) == KEY_CHARACTERS - 2 &&
           strcmp(key + KEY_CHARACTERS - 2, "==") == 0;
}

/* Nothing asked for is JSON. Else one of them has to be ours: a browser would not take an answer without any. */
static bool speaks_ours(const gateway_socket *self, const char *wanted) {
    if (wanted[strspn(wanted, ", \t")] == '\0') return true;
    for (const struct lws_protocols *p = self->protocols; p->name != NULL; p++)
        if (has_token(wanted, p->name)) return true;
    return false;
}

static bool is_for_stream(struct lws *wsi) {
    char path[SOCKET_TEXT_BYTES];
    socket_copy_header(wsi, WSI_TOKEN_GET_URI, path);
    return strcmp(path, "/v1/stream") == 0;
}

/* False: it is fine. */
static bool find_fault(const gateway_socket *self, struct lws *wsi, const char *upgrade, refusal *fault) {
    char version[SOCKET_TEXT_BYTES], key[SOCKET_TEXT_BYTES], wanted[SOCKET_TEXT_BYTES], options[SOCKET_TEXT_BYTES];
    socket_copy_header(wsi, WSI_TOKEN_VERSION, version);
    socket_copy_header(wsi, WSI_TOKEN_KEY, key);
    socket_copy_header(wsi, WSI_TOKEN_PROTOCOL, wanted);
    socket_copy_header(wsi, WSI_TOKEN_CONNECTION, options);
    const char *bad = "400 Bad Request";
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP) == 0)
        *fault = (refusal){bad, "BAD_REQUEST", "the path has a control character in it", ""};
    else if (!is_for_stream(wsi))
        *fault = (refusal){"404 Not Found", "NOT_FOUND", "there is no WebSocket at this path", ""};
    else if (strcasecmp(upgrade, "websocket") != 0)
        *fault = (refusal){bad, "BAD_REQUEST", "Upgrade: websocket is the only one", ""};
    else if (!has_token(options, "upgrade"))
        *fault = (refusal){bad, "BAD_REQUEST", "Connection: Upgrade is missing", ""};
    else if (strcmp(version, "13") != 0)
        *fault = (refusal){"426 Upgrade Required", "BAD_REQUEST", "Sec-WebSocket-Version is 13",
                           "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"};
    else if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0)
        *fault = (refusal){bad, "BAD_REQUEST", "Host is missing", ""};
    else if (!is_key(key))
        *fault = (refusal){bad, "BAD_REQUEST", "Sec-WebSocket-Key is 16 bytes in base64", ""};
    else if (lws_hdr_total_length(wsi, WSI_TOKEN_EXTENSIONS) > MOST_OFFERS)
        *fault = (refusal){bad, "BAD_REQUEST", "Sec-WebSocket-Extensions is longer than 200 bytes", ""};
    else if (!speaks_ours(self, wanted))
        *fault = (refusal){bad, "BAD_REQUEST",
                           "the subprotocols are tickwire.json.v1 (also without any) and tickwire.protobuf.v1", ""};
    else
        return false;
    return true;
}

static void answer(struct lws *wsi, const refusal *fault) {
    char body[ANSWER_BYTES / 2], text[LWS_PRE + ANSWER_BYTES];
    json_writer w;
    json_start(&w, body, sizeof body);
    json_open_object(&w, NULL);
    json_open_object(&w, "error");
    json_string(&w, "code", fault->code);
    json_string(&w, "message", fault->message);
    json_close_object(&w);
    json_close_object(&w);
    json_finish(&w);
    tw_text_format(text + LWS_PRE, ANSWER_BYTES,
                   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                   "%sConnection: close\r\nCache-Control: no-store\r\n\r\n%.*s",
                   fault->status, w.length, fault->header, (int)w.length, body);
    lws_write(wsi, (unsigned char *)text + LWS_PRE, strlen(text + LWS_PRE), LWS_WRITE_HTTP_HEADERS);
}

/* ---- who may come in ---- */

void *socket_take_guest(gateway_socket *self, struct lws *wsi) {
    void *guest = wsi == self->guest_of ? self->guest : NULL;
    if (wsi == self->guest_of) self->guest_of = self->guest = NULL;
    return guest;
}

void socket_lose_guest(gateway_socket *self) {
    if (self->guest != NULL) self->handlers.on_guest_lost(self->handlers.context, self->guest);
    self->guest_of = self->guest = NULL;
}

/* Its connection becomes a client in this same turn, or never. */
static bool may_come_in(gateway_socket *self, struct lws *wsi) {
    char response[LWS_PRE + REFUSAL_BYTES];
    socket_request request = {.method = SOCKET_GET, .path = "/v1/stream"};
    socket_headers told;
    void *guest = NULL;
    socket_lose_guest(self);
    socket_take_headers(wsi, &told, &request);
    const char *refused = self->handlers.on_handshake(self->handlers.context, &request, &guest);
    if (refused != NULL) tw_text_copy(response + LWS_PRE, REFUSAL_BYTES, refused);
    socket_drop_headers(&told);
    self->guest_of = guest != NULL ? wsi : NULL;
    self->guest = guest;
    if (refused == NULL) return true;
    lws_write(wsi, (unsigned char *)response + LWS_PRE, strlen(response + LWS_PRE), LWS_WRITE_HTTP_HEADERS);
    return false;
}

bool socket_may_upgrade(gateway_socket *self, struct lws *wsi, const char *upgrade) {
    refusal fault;
    if (!find_fault(self, wsi, upgrade, &fault)) return may_come_in(self, wsi);
    answer(wsi, &fault);
    return false;
}

bool socket_agree(gateway_socket *self, connection *c, struct lws *wsi, struct lws_process_html_args *answer) {
    char offers[SOCKET_TEXT_BYTES], agreement[WS_AGREEMENT_BYTES], line[WS_AGREEMENT_BYTES + 32];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) == 0) return true; /* plain HTTP */
    c->deflates = false;
    if (!self->options.compression) return true;
    socket_copy_header(wsi, WSI_TOKEN_EXTENSIONS, offers);
    if (!ws_agree_on_deflate(offers, agreement)) return true;
    tw_text_format(line, sizeof line, "Sec-WebSocket-Extensions: %s\r\n", agreement);
    size_t length = strlen(line);
    if (answer->max_len < 0 || length + 2 > (size_t)answer->max_len) return false;
    memcpy(answer->p, line, length);
    answer->p += length;
    c->deflates = true;
    return true;
}
