/* Reading from libwebsockets' TLS connections, and ending their one side: it has no calls for that. All else of TLS is
 * libwebsockets' own. */
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

/* Where there is no room for it in the socket the peer sees the connection end without it. */
void socket_tls_end(struct lws *wsi) {
    ERR_clear_error();
    SSL_shutdown(lws_get_ssl(wsi));
    ERR_clear_error();
}

bool socket_tls_has_more(struct lws *wsi) {
    return SSL_pending(lws_get_ssl(wsi)) > 0;
}
