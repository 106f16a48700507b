/* Reads the first line of a request. */
#include "gateways/request_line.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define VERSION       "HTTP/1."
#define VERSION_BYTES (sizeof VERSION) /* and one digit */

static bool is_token(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && (text[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text[i]) == NULL))
            return false;
    return length > 0;
}

static bool is_address(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f) return false;
    return length > 0;
}

static bool is_version(const char *text, size_t length) {
    return length == VERSION_BYTES && memcmp(text, VERSION, VERSION_BYTES - 1) == 0 &&
           isdigit((unsigned char)text[VERSION_BYTES - 1]);
}

/* Behind "http://host" or "https://host" where it begins so; an address without a path stands for "/". */
static const char *skip_authority(const char *address, const char *end, bool *absolute) {
    static const char *const schemes[] = {"http://", "https://"};
    *absolute = false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if ((size_t)(end - address) < length || strncasecmp(address, schemes[i], length) != 0) continue;
        *absolute = true;
        for (address += length; address < end && *address != '/' && *address != '?';)
            address++;
    }
    return address;
}

static bool copy_path(const char *address, const char *end, char *path, size_t capacity) {
    bool absolute;
    const char *at = skip_authority(address, end, &absolute);
    const char *arguments = memchr(at, '?', (size_t)(end - at));
    size_t length = (size_t)((arguments != NULL ? arguments : end) - at);
    const char *shown = at;
    if (length == 0 || *at != '/') {
        shown = absolute ? "/" : "*";
        length = 1;
    }
    if (length >= capacity) return false;
    memcpy(path, shown, length);
    path[length] = '\0';
    return true;
}

bool request_line_read(const char *line, size_t length, char *path, size_t capacity) {
    const char *end = line + length;
    const char *after_method = memchr(line, ' ', length);
    if (after_method == NULL || !is_token(line, (size_t)(after_method - line))) return false;
    const char *address = after_method + 1, *after_address = memchr(address, ' ', (size_t)(end - address));
    if (after_address == NULL || !is_address(address, (size_t)(after_address - address))) return false;
    if (!is_version(after_address + 1, (size_t)(end - after_address - 1))) return false;
    return copy_path(address, after_address, path, capacity);
}
