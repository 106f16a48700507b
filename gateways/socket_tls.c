/* Reading from libwebsockets' TLS connections: it has no call for that. All else of TLS is libwebsockets' own. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "gateways/socket_inside.h"

ssize_t socket_tls_read(struct lws *wsi, uint8_t *bytes, size_t capacity) {
    SSL *tls = lws_get_ssl(wsi);
    ERR_clear_error();
    int length = SSL_read(tls, bytes, capacity > INT_MAX ? INT_MAX : (int)capacity);
    if (length > 0) return length;
    int reason = SSL_get_error(tls, length);
    if (reason == SSL_ERROR_ZERO_RETURN) return 0;
    errno = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    ERR_clear_error();
    return -1;
}

bool socket_tls_has_more(struct lws *wsi) {
    return SSL_pending(lws_get_ssl(wsi)) > 0;
}
