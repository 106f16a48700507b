/* Origins: our own, those of a list. */
#include "gateways/auth/origin.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* "https://example.com:8443" is a page of the host "example.com:8443". */
static bool is_own(const char *origin, const char *host) {
    const char *at = strstr(origin, "://");
    return at != NULL && host[0] != '\0' && strcasecmp(at + 3, host) == 0;
}

static bool is_listed(const char *allowed, const char *origin) {
    size_t length = strlen(origin);
    for (const char *at = allowed; *at != '\0';) {
        size_t one = strcspn(at, ",");
        if (one == length && one > 0 && strncasecmp(at, origin, length) == 0) return true;
        at += one + (at[one] == ',');
    }
    return false;
}

static bool is_origin(const char *text, size_t length) {
    const char *colon = memchr(text, ':', length);
    if (colon == NULL || colon == text || length < (size_t)(colon - text) + 4) return false;
    if (memcmp(colon, "://", 3) != 0) return false;
    for (const char *at = text; at < colon; at++)
        if (!isalnum((unsigned char)*at) && strchr("+-.", *at) == NULL) return false;
    for (const char *at = colon + 3; at < text + length; at++)
        if (*at <= ' ' || *at > '~' || strchr("/?#@*\\", *at) != NULL) return false;
    return true;
}

tw_code origin_check_list(const char *allowed, tw_error *error) {
    if (strcmp(allowed, "*") == 0) return TW_OK;
    for (const char *at = allowed; *at != '\0';) {
        size_t length = strcspn(at, ",");
        if (!is_origin(at, length))
            return tw_error_set(
                error, TW_INVALID,
                "'%.*s' is no origin: write scheme and host (and port, if it has one) as browsers send "
                "them, https://example.com or http://localhost:3000, without a path or a '*'; or * alone",
                length > 100 ? 100 : (int)length, at);
        at += length + (at[length] == ',');
    }
    return TW_OK;
}

bool origin_allowed(const char *allowed, const char *origin, const char *host) {
    return origin[0] == '\0' || strcmp(allowed, "*") == 0 || is_own(origin, host) || is_listed(allowed, origin);
}

bool origin_trusted(const char *allowed, const char *origin, const char *host, const char *site) {
    if (origin[0] == '\0') return site[0] == '\0' || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    return is_own(origin, host) || (strcmp(origin, "*") != 0 && is_listed(allowed, origin));
}
