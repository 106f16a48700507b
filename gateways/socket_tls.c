/* Reading from libwebsockets' TLS connections, and ending their one side: it has no calls for that; and a look at the files
 * before it gets them, because it does not say which one is wrong, and why. All else of TLS is libwebsockets' own. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "gateways/socket_inside.h"

static tw_code refuse_file(const char *setting, const char *file, tw_error *error) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    tw_error_set(error, TW_INVALID, "%s %s can't be used: %s", setting, file,
                 reason != NULL ? reason : "OpenSSL does not say why");
    ERR_clear_error();
    return TW_INVALID;
}

/* A key that wants a password: nobody is there to type it. */
static int no_password(char *text, int capacity, int writing, void *context) {
    (void)text;
    (void)capacity;
    (void)writing;
    (void)context;
    return 0;
}

static tw_code look_at(SSL_CTX *tls, const char *certificate, const char *key, tw_error *error) {
    static const char *const files[] = {"--tls-certificate", "--tls-key"};
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? certificate : key;
        if (access(path, R_OK) != 0) return tw_error_set_errno(error, errno, "%s %s", files[i], path);
    }
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1) return refuse_file(files[0], certificate, error);
    if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) return refuse_file(files[1], key, error);
    return SSL_CTX_check_private_key(tls) == 1 ? TW_OK : refuse_file(files[1], key, error);
}

tw_code socket_tls_check(const char *certificate, const char *key, tw_error *error) {
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for TLS");
    SSL_CTX_set_default_passwd_cb(tls, no_password);
    tw_code code = look_at(tls, certificate, key, error);
    SSL_CTX_free(tls);
    return code;
}

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
