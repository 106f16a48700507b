/*
 * Requests whose headers are longer than may be. libwebsockets hangs up on them: it shuts the connection down before it tells
 * us, so nothing can be answered any more; it is counted.
 */
#include "gateways/received_bytes.h"
#include "gateways/socket_inside.h"

void socket_end_unread(gateway_socket *self, struct lws *wsi) {
    int fd = lws_get_socket_fd(wsi);
    if (fd >= 0 && received_bytes(fd) >= self->options.header_bytes) self->stats.headers_too_long++;
}
