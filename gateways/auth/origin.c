/* Origins: our own, those of a list. */
#include "gateways/auth/origin.h"

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

bool origin_allowed(const char *allowed, const char *origin, const char *host) {
    return origin[0] == '\0' || strcmp(allowed, "*") == 0 || is_own(origin, host) || is_listed(allowed, origin);
}

bool origin_trusted(const char *allowed, const char *origin, const char *host, const char *site) {
    if (origin[0] == '\0') return site[0] == '\0' || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    return is_own(origin, host) || (strcmp(origin, "*") != 0 && is_listed(allowed, origin));
}
