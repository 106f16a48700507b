/* Takes a redis:// URL apart. Its errors never show what stands before the '@'. */
#include "runtime/redis_url.h"

#include <string.h>

#include "base/text.h"

#define SCHEME       "redis://"
#define DEFAULT_PORT 6379

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* False: a bad %XX, a NUL byte, or too long. */
static bool unescape(char *target, size_t capacity, const char *source, size_t length) {
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)source[i];
        if (source[i] == '%') {
            if (length - i < 3 || hex_digit(source[i + 1]) < 0 || hex_digit(source[i + 2]) < 0) return false;
            byte = hex_digit(source[i + 1]) * 16 + hex_digit(source[i + 2]);
            i += 2;
        }
        if (byte == 0 || used + 1 >= capacity) return false;
        target[used++] = (char)byte;
    }
    target[used] = '\0';
    return true;
}

static tw_code parse_secrets(redis_url *url, const char *text, size_t length, tw_error *error) {
    const char *colon = memchr(text, ':', length);
    size_t user_length = colon == NULL ? length : (size_t)(colon - text);
    bool fine = unescape(url->user, sizeof url->user, text, user_length);
    if (fine && colon != NULL)
        fine = unescape(url->password, sizeof url->password, colon + 1, length - user_length - 1);
    if (!fine)
        return tw_error_set(error, TW_INVALID, "the user or password has a bad %%XX, or more than %d bytes",
                            REDIS_URL_SECRET_BYTES - 1);
    if (url->user[0] != '\0' && url->password[0] == '\0')
        return tw_error_set(error, TW_INVALID, "a user without a password: write user:password@");
    return TW_OK;
}

static tw_code parse_port(redis_url *url, const char *text, tw_error *error) {
    uint64_t port = 0;
    if (!tw_text_to_u64(text, &port) || port == 0 || port > UINT16_MAX)
        return tw_error_set(error, TW_INVALID, "port '%s' is not a number from 1 to 65535", text);
    url->port = (uint16_t)port;
    return TW_OK;
}

/* host, host:port, [v6] or [v6]:port; `text` is a copy that may be cut. */
static tw_code parse_place(redis_url *url, char *text, tw_error *error) {
    char *host = text, *rest;
    if (*text == '[') {
        host = text + 1;
        rest = strchr(host, ']');
        if (rest == NULL) return tw_error_set(error, TW_INVALID, "'%s' has no closing bracket", text);
        *rest++ = '\0';
        if (*rest != '\0' && *rest != ':')
            return tw_error_set(error, TW_INVALID, "'%s' after the address is no port", rest);
    } else {
        rest = strchr(text, ':');
        if (rest == NULL) rest = text + strlen(text);
    }
    bool has_port = *rest == ':';
    *rest = '\0';
    if (*host == '\0') return tw_error_set(error, TW_INVALID, "no host");
    tw_text_copy(url->host, sizeof url->host, host);
    return has_port ? parse_port(url, rest + 1, error) : TW_OK;
}

static tw_code parse_database(redis_url *url, const char *text, tw_error *error) {
    uint64_t database = 0;
    if (*text == '\0') return TW_OK;
    if (!tw_text_to_u64(text, &database) || database > INT32_MAX)
        return tw_error_set(error, TW_INVALID, "database '%s' is not a number", text);
    url->database = (uint32_t)database;
    return TW_OK;
}

tw_code redis_url_parse(const char *text, redis_url *url, tw_error *error) {
    *url = (redis_url){.port = DEFAULT_PORT};
    if (strncmp(text, "rediss://", 9) == 0)
        return tw_error_set(error, TW_UNSUPPORTED,
                            "rediss:// (TLS) is not spoken: let a local TLS proxy carry it on");
    if (strncmp(text, SCHEME, sizeof SCHEME - 1) != 0)
        return tw_error_set(error, TW_INVALID, "it does not start with redis://");
    const char *rest = text + sizeof SCHEME - 1;
    const char *at = strrchr(rest, '@');
    if (at != NULL) {
        if (parse_secrets(url, rest, (size_t)(at - rest), error) != TW_OK) return error->code;
        rest = at + 1;
    }
    char place[REDIS_URL_HOST_BYTES + 16];
    size_t length = strcspn(rest, "/");
    if (length >= sizeof place - 16) return tw_error_set(error, TW_INVALID, "the host is too long");
    tw_text_copy(place, length + 1, rest);
    if (parse_place(url, place, error) != TW_OK) return error->code;
    if (rest[length] == '/' && parse_database(url, rest + length + 1, error) != TW_OK) return error->code;
    bool v6 = strchr(url->host, ':') != NULL;
    tw_text_format(url->shown, sizeof url->shown, "redis://%s%s%s:%u/%u", v6 ? "[" : "", url->host, v6 ? "]" : "",
                   url->port, url->database);
    return TW_OK;
}
