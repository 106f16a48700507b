/* What a request says beside its path. */
#include <stdlib.h>

#include "base/text.h"
#include "gateways/socket_inside.h"

#define TOO_LONG "\x7f" /* no id: whoever looks at it refuses it */

/* NULL: it is not there. */
static char *take_whole(struct lws *wsi, enum lws_token_indexes token) {
    int length = lws_hdr_total_length(wsi, token);
    char *text = length > 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL && lws_hdr_copy(wsi, text, length + 1, token) < 0) text[0] = '\0';
    return text;
}

/* "" where it is absent or longer than anything that is of use. */
static void copy_short(struct lws *wsi, enum lws_token_indexes token, char *text, size_t capacity) {
    if (lws_hdr_copy(wsi, text, (int)capacity, token) < 0) text[0] = '\0';
}

void socket_take_headers(struct lws *wsi, socket_headers *told, socket_request *request) {
    socket_copy_header(wsi, WSI_TOKEN_ORIGIN, told->origin);
    socket_copy_header(wsi, WSI_TOKEN_HOST, told->host);
    socket_copy_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, told->known);
    if (lws_hdr_custom_copy(wsi, told->id, sizeof told->id, "last-event-id:", 14) < 0) told->id[0] = '\0';
    if (lws_hdr_custom_copy(wsi, told->site, sizeof told->site, "sec-fetch-site:", 15) < 0) told->site[0] = '\0';
    copy_short(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, told->type, sizeof told->type);
    if (lws_hdr_custom_copy(wsi, told->correlation, sizeof told->correlation, "x-correlation-id:", 17) < 0)
        tw_text_copy(told->correlation, sizeof told->correlation,
                     lws_hdr_custom_length(wsi, "x-correlation-id:", 17) > 0 ? TOO_LONG : "");
    told->authorization = take_whole(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    told->cookie = take_whole(wsi, WSI_TOKEN_HTTP_COOKIE);
    request->origin = told->origin;
    request->host = told->host;
    request->if_none_match = told->known;
    request->last_event_id = told->id;
    request->site = told->site;
    request->content_type = told->type;
    request->correlation_id = told->correlation;
    request->authorization = told->authorization != NULL ? told->authorization : "";
    request->cookie = told->cookie != NULL ? told->cookie : "";
}

void socket_drop_headers(socket_headers *told) {
    free(told->authorization);
    free(told->cookie);
}
