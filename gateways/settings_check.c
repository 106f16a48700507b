/* Settings that make sense by themselves and not together, and files that nobody would miss before a client does. */
#include <errno.h>
#include <unistd.h>

#include "gateways/settings.h"
#include "gateways/stream/stream.h"

#define MILLI_NS INT64_C(1000000)

typedef unsigned long long shown; /* as printf takes it */

/* A request may name as many subjects as a client may have, and its answer names them all. */
static tw_code check_room(const gateway_settings *s, tw_error *error) {
    if (s->max_subscriptions * STREAM_ACK_BYTES > s->client_bytes)
        return tw_error_set(
            error, TW_INVALID,
            "--client-bytes %llu is too little for --max-subscriptions %llu, whose answer takes %u bytes "
            "each: --client-bytes has at least %llu, or --max-subscriptions at most %llu",
            (shown)s->client_bytes, (shown)s->max_subscriptions, STREAM_ACK_BYTES,
            (shown)s->max_subscriptions * STREAM_ACK_BYTES, (shown)s->client_bytes / STREAM_ACK_BYTES);
    uint64_t most_bytes = s->most_client_bytes > s->client_bytes ? s->most_client_bytes : s->client_bytes;
    if (s->most_subscriptions * STREAM_ACK_BYTES > most_bytes)
        return tw_error_set(
            error, TW_INVALID,
            "--most-subscriptions %llu is more than there is room to answer, %u bytes each: "
            "--client-bytes or --most-client-bytes has at least %llu, or --most-subscriptions at most %llu",
            (shown)s->most_subscriptions, STREAM_ACK_BYTES, (shown)s->most_subscriptions * STREAM_ACK_BYTES,
            (shown)most_bytes / STREAM_ACK_BYTES);
    return TW_OK;
}

static tw_code check_file(const char *name, const char *path, tw_error *error) {
    if (path[0] == '\0' || access(path, R_OK) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "%s %s", name, path);
}

static tw_code check_pair(const char *name, const char *value, const char *other, const char *other_value,
                          tw_error *error) {
    if (value[0] == '\0' || other_value[0] != '\0') return TW_OK;
    return tw_error_set(error, TW_INVALID, "%s %s without %s: --tls-certificate and --tls-key go together", name,
                        value, other);
}

tw_code gateway_settings_check(const gateway_settings *s, tw_error *error) {
    static const char certificate[] = "--tls-certificate", key[] = "--tls-key";
    if (s->nats[0] == '\0')
        return tw_error_set(error, TW_INVALID, "--nats is empty: it names servers, as nats://127.0.0.1:4222");
    if (s->reconnect_latest_ns < s->reconnect_earliest_ns)
        return tw_error_set(
            error, TW_INVALID,
            "--reconnect-latest %llums is before --reconnect-earliest %llums: it is the same or later",
            (shown)(s->reconnect_latest_ns / MILLI_NS), (shown)(s->reconnect_earliest_ns / MILLI_NS));
    tw_code code = check_pair(certificate, s->tls_certificate, key, s->tls_key, error);
    if (code == TW_OK) code = check_pair(key, s->tls_key, certificate, s->tls_certificate, error);
    if (code == TW_OK) code = check_file("--credentials", s->credentials, error);
    if (code == TW_OK) code = check_file("--auth-ca", s->auth_authorities, error);
    return code == TW_OK ? check_room(s, error) : code;
}
