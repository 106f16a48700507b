/* Requests with a body: what was asked is kept until the body is whole, then it is asked as if it had come at once. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/socket_inside.h"

#define ARGUMENT_BYTES (4 * SOCKET_TEXT_BYTES)

/* Headers and body of one request; what `request` points at is in here. */
typedef struct posted {
    socket_request request;
    socket_headers told;
    char path[SOCKET_PATH_BYTES];
    size_t wanted, have;
    uint8_t *body;
    char arguments[ARGUMENT_BYTES];
} posted;

void socket_drop_body(connection *c) {
    if (c->posted == NULL) return;
    socket_drop_headers(&c->posted->told);
    free(c->posted->body);
    free(c->posted);
    c->posted = NULL;
}

/* False: there is none, or one that does not fit: `why` says which. */
static bool find_length(const gateway_socket *self, struct lws *wsi, uint64_t *length, socket_body_fault *why) {
    char text[SOCKET_TEXT_BYTES];
    socket_copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text);
    *why = SOCKET_BODY_NO_LENGTH;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) return false;
    if (text[0] == '\0' || !tw_text_to_u64(text, length)) return false;
    *why = SOCKET_BODY_TOO_LARGE;
    return *length <= self->options.request_bytes;
}

/* The arguments, moved to memory that stays. */
static bool keep_arguments(posted *p, const socket_request *request) {
    size_t used = 0;
    for (uint32_t i = 0; i < request->argument_count; i++) {
        size_t length = strlen(request->arguments[i]) + 1;
        if (used + length > sizeof p->arguments) return false;
        memcpy(p->arguments + used, request->arguments[i], length);
        p->request.arguments[i] = p->arguments + used;
        used += length;
    }
    return true;
}

socket_body_fault socket_keep_body(gateway_socket *self, connection *c, struct lws *wsi,
                                   const socket_request *request) {
    uint64_t length = 0;
    socket_body_fault why;
    if (!find_length(self, wsi, &length, &why)) return why;
    posted *p = calloc(1, sizeof *p);
    if (p == NULL) return SOCKET_BODY_TOO_LARGE;
    c->posted = p;
    p->request = *request;
    p->wanted = (size_t)length;
    p->body = malloc(p->wanted + 1);
    socket_take_headers(wsi, &p->told, &p->request);
    if (p->body == NULL || !tw_text_copy(p->path, sizeof p->path, request->path) || !keep_arguments(p, request)) {
        socket_drop_body(c);
        return SOCKET_BODY_TOO_LARGE;
    }
    p->request.path = p->path;
    return SOCKET_BODY_KEPT;
}

socket_body_fault socket_refuse_body(struct lws *wsi) {
    char text[SOCKET_TEXT_BYTES];
    socket_copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text);
    bool none = text[strspn(text, "0")] == '\0' && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) == 0;
    return none ? SOCKET_BODY_KEPT : SOCKET_BODY_TOO_LARGE;
}

void socket_add_to_body(connection *c, const uint8_t *bytes, size_t length) {
    posted *p = c->posted;
    if (p == NULL || c->ticket == 0) return;
    if (length > p->wanted - p->have) length = p->wanted - p->have;
    memcpy(p->body + p->have, bytes, length);
    p->have += length;
}

void socket_take_body(gateway_socket *self, connection *c) {
    posted *p = c->posted;
    if (p == NULL) return;
    c->posted = NULL; /* the answer may end the connection's memory of it */
    p->request.body = p->body;
    p->request.body_length = p->have;
    self->handlers.on_request(self->handlers.context, &p->request);
    socket_drop_headers(&p->told);
    free(p->body);
    free(p);
}
