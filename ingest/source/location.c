/* Reads the one line in which a person says where a feed comes from. Opens nothing: whether the file or the
 * interface exists is for the sources to find out. */
#include "ingest/source/location.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

#define FORMS                                                                                                      \
    "file:PATH, pcap:PATH[?port=N&group=ADDRESS], udp://GROUP:PORT[@INTERFACE] or "                                \
    "soup://USER:PASSWORD@HOST:PORT[/SESSION]"
#define SHOWN_BYTES 512

typedef struct scheme {
    const char *word;
    const char *written; /* with what follows it */
} scheme;

static const scheme schemes[] = {{"file", "file:PATH"},
                                 {"pcap", "pcap:PATH"},
                                 {"udp", "udp://GROUP:PORT"},
                                 {"soup", "soup://USER:PASSWORD@HOST:PORT"}};

/* Copies the part [from, to); false if it does not fit. */
static bool copy_part(char *target, size_t capacity, const char *from, const char *to) {
    TW_ASSERT(from != NULL && to >= from);
    size_t length = (size_t)(to - from);
    if (length >= capacity) return false;
    memcpy(target, from, length);
    target[length] = '\0';
    return true;
}

/* 4 or 6 for a numeric address, 0 for anything else. *multicast tells groups from hosts. */
static int address_family(const char *text, bool *multicast) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *multicast = (ntohl(v4.s_addr) >> 28) == 0xE;
        return 4;
    }
    if (inet_pton(AF_INET6, text, &v6) == 1) {
        *multicast = v6.s6_addr[0] == 0xFF;
        return 6;
    }
    return 0;
}

static bool port_of(const char *from, const char *to, uint16_t *port) {
    char digits[8];
    uint64_t value;
    if (!copy_part(digits, sizeof digits, from, to)) return false;
    if (!isdigit((unsigned char)digits[0]) || !tw_text_to_u64(digits, &value) || value > UINT16_MAX) return false;
    *port = (uint16_t)value;
    return true;
}

/* Splits "HOST:PORT" or "[HOST]:PORT" in [from, end): where the host and the port lie. */
static bool split_host_port(const char **from, const char **host_end, const char **port, const char *end) {
    const char *colon;
    if (**from == '[') {
        const char *bracket = memchr(*from, ']', (size_t)(end - *from));
        if (bracket == NULL || bracket + 1 >= end || bracket[1] != ':') return false;
        (*from)++;
        *host_end = bracket;
        *port = bracket + 2;
        return true;
    }
    colon = memrchr(*from, ':', (size_t)(end - *from));
    if (colon == NULL) return false;
    *host_end = colon;
    *port = colon + 1;
    return true;
}

static tw_code check_udp_host(const char *text, const location *where, bool bracketed, tw_error *error) {
    bool multicast = false;
    int family = address_family(where->host, &multicast);
    if (family == 0 && where->host[0] == '\0')
        return tw_error_set(error, TW_INVALID,
                            "\"%s\" names no address; to receive on every address write udp://0.0.0.0:%u", text,
                            (unsigned)where->port);
    if (family == 0)
        return tw_error_set(
            error, TW_INVALID,
            "\"%s\" is not a numeric IPv4 or IPv6 address (in \"%s\"); write udp://GROUP:PORT[@INTERFACE], "
            "for example udp://239.1.1.1:26400@eth1",
            where->host, text);
    if (family == 6 && !bracketed)
        return tw_error_set(error, TW_INVALID, "an IPv6 address needs brackets; did you mean udp://[%s]:%u?",
                            where->host, (unsigned)where->port);
    if (multicast && where->port == 0)
        return tw_error_set(
            error, TW_INVALID,
            "\"%s\" asks for any port, but a multicast group needs the port it is sent to, 1 to 65535", text);
    return TW_OK;
}

static tw_code parse_udp(const char *text, const char *rest, location *where, tw_error *error) {
    const char *end = rest + strlen(rest);
    const char *at = strchr(rest, '@');
    const char *address_end = at != NULL ? at : end;
    const char *host = rest, *host_end, *port;
    bool bracketed = *rest == '[';

    where->kind = LOCATION_UDP;
    if (!split_host_port(&host, &host_end, &port, address_end))
        return tw_error_set(error, TW_INVALID, "\"%s\" has no port; did you mean udp://%.*s:26400%s?", text,
                            (int)(address_end - rest), rest, at != NULL ? at : "");
    if (!port_of(port, address_end, &where->port))
        return tw_error_set(error, TW_INVALID,
                            "\"%.*s\" is not a port (0 to 65535) in \"%s\"; write udp://GROUP:PORT[@INTERFACE]",
                            (int)(address_end - port), port, text);
    if (!copy_part(where->host, sizeof where->host, host, host_end))
        return tw_error_set(error, TW_INVALID, "the address in \"%s\" is longer than any address", text);
    if (at != NULL && (at[1] == '\0' || !copy_part(where->interface, sizeof where->interface, at + 1, end)))
        return tw_error_set(error, TW_INVALID,
                            "\"%s\" needs the name (eth1) or the address of an interface after \"@\", or no \"@\"",
                            text);
    return check_udp_host(text, where, bracketed, error);
}

/* One "key=value" of a pcap location. */
static tw_code parse_filter(const char *text, const char *from, const char *to, location *where, tw_error *error) {
    const char *equals = memchr(from, '=', (size_t)(to - from));
    char key[16];
    bool multicast;
    if (equals == NULL || !copy_part(key, sizeof key, from, equals)) key[0] = '\0';
    if (strcmp(key, "port") == 0) {
        if (port_of(equals + 1, to, &where->port) && where->port != 0) return TW_OK;
        return tw_error_set(error, TW_INVALID, "port=%.*s is not a port (1 to 65535) in \"%s\"",
                            (int)(to - equals - 1), equals + 1, text);
    }
    if (strcmp(key, "group") == 0) {
        if (copy_part(where->host, sizeof where->host, equals + 1, to) &&
            address_family(where->host, &multicast) != 0)
            return TW_OK;
        return tw_error_set(error, TW_INVALID, "group=%.*s is not a numeric IPv4 or IPv6 address in \"%s\"",
                            (int)(to - equals - 1), equals + 1, text);
    }
    return tw_error_set(error, TW_INVALID,
                        "\"%.*s\" in \"%s\" is not a filter; there are ?port=N and ?group=ADDRESS, joined by \"&\" "
                        "(where it is part of the file's name, add \"?\" at the end)",
                        (int)(to - from), from, text);
}

/* The scheme a mistyped word is closest to, or NULL: one slip, or two (two letters swapped) where the word is long
 * enough to be one. Letter case does not count. */
static const scheme *nearest(const char *word) {
    const scheme *best = NULL;
    size_t best_distance = strlen(word) >= 3 ? 3 : 2; /* only below it is near */
    char lower[8];
    if (!tw_text_copy(lower, sizeof lower, word)) return NULL;
    for (size_t i = 0; lower[i] != '\0'; i++)
        lower[i] = (char)tolower((unsigned char)lower[i]);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t distance = tw_text_distance(lower, schemes[i].word, best_distance);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = &schemes[i];
    }
    return best;
}

/* ---- what may be shown ---- */

/* Could what stands between ":" and "@" be a secret? Not in a udp location, mistyped or not, where it is a port. */
static bool may_be_secret(const char *text, const char *from, const char *to) {
    char word[16];
    const char *end = text + strcspn(text, ":"), *start = end;
    while (start > text && isalnum((unsigned char)start[-1]))
        start--;
    if (!copy_part(word, sizeof word, start, end)) return true;
    const scheme *close = nearest(word);
    if (close == NULL || strcmp(close->word, "soup") == 0) return true;
    bool exact = strcmp(close->word, word) == 0;
    return !exact && strspn(from, "0123456789") != (size_t)(to - from);
}

/* The password of SCHEME://USER:PASSWORD@REST: [from, to). False if there is none. */
static bool find_password(const char *text, const char **from, const char **to) {
    const char *start = strstr(text, "//");
    if (start == NULL) start = text + strcspn(text, ":") + (strchr(text, ':') != NULL); /* behind the scheme */
    *to = strrchr(start, '@');
    if (*to == NULL) return false;
    const char *colon = memchr(start, ':', (size_t)(*to - start));
    if (colon == NULL) return false;
    *from = colon + 1;
    return may_be_secret(text, *from, *to);
}

void location_show(const char *text, char *target, size_t capacity) {
    const char *from, *to;
    if (!find_password(text, &from, &to)) {
        tw_text_copy(target, capacity, text);
        return;
    }
    int head = from - text > SHOWN_BYTES ? SHOWN_BYTES : (int)(from - text);
    tw_text_format(target, capacity, "%.*s***%s", head, text, to);
}

void location_hide(char *text) {
    const char *from, *to;
    if (!find_password(text, &from, &to)) return;
    memset(text + (from - text), '*', (size_t)(to - from));
}

/* ---- soup ---- */

static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));
    return at == NULL ? -1 : (int)(at - digits);
}

/* Copies [from, to) with every %XX as the character it stands for. False if it does not fit, or what comes out is no
 * printable ASCII: SoupBinTCP has no other texts. */
static bool copy_unescaped(char *target, size_t capacity, const char *from, const char *to) {
    size_t length = 0;
    for (; from < to; from++) {
        char c = *from;
        if (c == '%') {
            if (to - from < 3 || hex_digit(from[1]) < 0 || hex_digit(from[2]) < 0) return false;
            c = (char)(hex_digit(from[1]) * 16 + hex_digit(from[2]));
            from += 2;
        }
        if (c < ' ' || c > '~' || length + 1 >= capacity) return false;
        target[length++] = c;
    }
    target[length] = '\0';
    return true;
}

/* USER[:PASSWORD], [from, to). What is wrong with a password is said without it. */
static tw_code parse_login(const char *from, const char *to, location *where, tw_error *error) {
    const char *colon = memchr(from, ':', (size_t)(to - from));
    const char *user_end = colon != NULL ? colon : to;
    if (!copy_unescaped(where->user, sizeof where->user, from, user_end))
        return tw_error_set(error, TW_INVALID,
                            "the user name in a soup:// location has at most %zu printable characters (others, and "
                            "/ : @ %%, as %%XX)",
                            sizeof where->user - 1);
    if (colon != NULL && !copy_unescaped(where->password, sizeof where->password, colon + 1, to))
        return tw_error_set(error, TW_INVALID,
                            "the password in a soup:// location has at most %zu printable characters (others, and "
                            "/ : @ %%, as %%XX)",
                            sizeof where->password - 1);
    return TW_OK;
}

static tw_code parse_session(const char *shown, const char *slash, location *where, tw_error *error) {
    const char *from = slash + 1;
    if (copy_unescaped(where->session, sizeof where->session, from, from + strlen(from))) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "the session behind \"/\" in \"%s\" has at most %zu printable characters", shown,
                        sizeof where->session - 1);
}

static bool is_host_name(const char *host) {
    for (const char *c = host; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("-._:", *c) == NULL) return false;
    return host[0] != '\0';
}

/* The login ends at the last "@" before the session: a password that holds one unescaped is taken all the same. */
static tw_code parse_soup(const char *text, const char *rest, location *where, tw_error *error) {
    char shown[SHOWN_BYTES];
    location_show(text, shown, sizeof shown);
    const char *end = rest + strlen(rest);
    const char *at = memrchr(rest, '@', (size_t)(end - rest));
    const char *host = at != NULL ? at + 1 : rest, *host_end, *port;
    const char *slash = strchrnul(host, '/');
    where->kind = LOCATION_SOUP;
    if (at != NULL && parse_login(rest, at, where, error) != TW_OK) return error->code;
    if (*slash != '\0' && parse_session(shown, slash, where, error) != TW_OK) return error->code;
    if (!split_host_port(&host, &host_end, &port, slash) || !port_of(port, slash, &where->port) || where->port == 0)
        return tw_error_set(error, TW_INVALID,
                            "\"%s\" needs HOST:PORT with a port from 1 to 65535; write "
                            "soup://USER:PASSWORD@HOST:PORT[/SESSION]",
                            shown);
    if (!copy_part(where->host, sizeof where->host, host, host_end) || !is_host_name(where->host))
        return tw_error_set(error, TW_INVALID,
                            "\"%s\" names no host; write soup://USER:PASSWORD@HOST:PORT[/SESSION]", shown);
    if (host[-1] != '[' && strchr(where->host, ':') != NULL)
        return tw_error_set(error, TW_INVALID, "an IPv6 address needs brackets: soup://…@[%s]:%u", where->host,
                            (unsigned)where->port);
    return TW_OK;
}

/* ---- files ---- */

/* A path may hold "?" itself: only a tail that is empty or starts like "word=" is read as filters. */
static const char *filters_of(const char *rest) {
    const char *mark = strrchr(rest, '?');
    const char *word;
    if (mark == NULL) return NULL;
    if (mark[1] == '\0') return mark;
    for (word = mark + 1; isalpha((unsigned char)*word); word++) {
    }
    return *word == '=' && word > mark + 1 ? mark : NULL;
}

static tw_code parse_path(const char *text, const char *from, const char *to, location *where, tw_error *error) {
    const char *name = where->kind == LOCATION_PCAP ? "pcap" : "file";
    if (from == to) return tw_error_set(error, TW_INVALID, "\"%s\" names no file; write %s:PATH", text, name);
    if (to - from > 2 && strncmp(from, "//", 2) == 0 && from[2] != '/')
        return tw_error_set(error, TW_INVALID, "\"%s\" is written like a URL; did you mean %s:%s?", text, name,
                            from + 2);
    if (!copy_part(where->path, sizeof where->path, from, to))
        return tw_error_set(error, TW_INVALID, "the path in \"%.80s...\" is longer than %zu bytes", text,
                            sizeof where->path - 1);
    return TW_OK;
}

static tw_code parse_pcap(const char *text, const char *rest, location *where, tw_error *error) {
    const char *mark = filters_of(rest);
    const char *end = rest + strlen(rest);
    tw_code code;
    where->kind = LOCATION_PCAP;
    code = parse_path(text, rest, mark != NULL ? mark : end, where, error);
    if (code != TW_OK || mark == NULL || mark[1] == '\0') return code;
    for (const char *from = mark + 1; from <= end;) {
        const char *to = strchrnul(from, '&');
        code = parse_filter(text, from, to, where, error);
        if (code != TW_OK) return code;
        from = to + 1;
    }
    return TW_OK;
}

static bool suggestion(const char *word, const char *rest, char *target, size_t capacity) {
    const scheme *close = nearest(word);
    if (close == NULL) return false;
    bool url = strstr(close->written, "//") != NULL, slashed = strncmp(rest, "//", 2) == 0;
    if (slashed) rest += 2;
    if (!slashed && *rest == '/' && url) rest++;
    if (*rest == '\0') return tw_text_copy(target, capacity, close->written);
    return tw_text_format(target, capacity, "%s:%s%s", close->word, url ? "//" : "", rest);
}

tw_code location_parse(const char *text, location *where, tw_error *error) {
    const char *word_end = text;
    const char *rest;
    char word[16], shown[SHOWN_BYTES], meant[TW_ERROR_TEXT_BYTES / 2];

    memset(where, 0, sizeof *where);
    if (*text == '\0') return tw_error_set(error, TW_INVALID, "no location given; write " FORMS);
    while (isalnum((unsigned char)*word_end))
        word_end++;
    where->kind = LOCATION_FILE;
    if (*word_end != ':' || !copy_part(word, sizeof word, text, word_end))
        return parse_path(text, text, text + strlen(text), where, error);
    rest = word_end + 1;
    if (strcmp(word, "file") == 0) return parse_path(text, rest, rest + strlen(rest), where, error);
    if (strcmp(word, "pcap") == 0) return parse_pcap(text, rest, where, error);
    if (strcmp(word, "udp") == 0 && strncmp(rest, "//", 2) == 0) return parse_udp(text, rest + 2, where, error);
    if (strcmp(word, "soup") == 0 && strncmp(rest, "//", 2) == 0) return parse_soup(text, rest + 2, where, error);
    location_show(text, shown, sizeof shown);
    if (suggestion(word, shown + (rest - text), meant, sizeof meant))
        return tw_error_set(error, TW_INVALID, "\"%s\" is not a location; did you mean %s?", shown, meant);
    if (strncmp(rest, "//", 2) == 0)
        return tw_error_set(error, TW_INVALID, "\"%s:\" is not a kind of source (in \"%s\"); write " FORMS, word,
                            shown);
    return parse_path(text, text, text + strlen(text), where, error); /* a file with a colon in its name */
}

/* One HOST:PORT, [from, to). */
static tw_code parse_host(const char *from, const char *to, location *host, tw_error *error) {
    char part[128];
    if (!copy_part(part, sizeof part, from, to))
        return tw_error_set(error, TW_INVALID, "\"%.60s...\" is longer than any address", from);
    if (part[0] == '\0')
        return tw_error_set(error, TW_INVALID,
                            "an address is empty: write HOST:PORT, several with a comma between");
    if (strstr(part, "//") != NULL || strchr(part, '@') != NULL)
        return tw_error_set(error, TW_INVALID, "\"%s\" is not HOST:PORT, for example 10.0.0.7:26500", part);
    const char *end = part + strlen(part), *start = part, *host_end, *port;
    memset(host, 0, sizeof *host);
    host->kind = LOCATION_UDP;
    if (!split_host_port(&start, &host_end, &port, end) || !port_of(port, end, &host->port) || host->port == 0)
        return tw_error_set(error, TW_INVALID,
                            "\"%s\" needs a port from 1 to 65535: HOST:PORT, for example 10.0.0.7:26500", part);
    if (!copy_part(host->host, sizeof host->host, start, host_end))
        return tw_error_set(error, TW_INVALID, "\"%s\" is longer than any address", part);
    bool multicast = false;
    int family = address_family(host->host, &multicast);
    if (family == 0)
        return tw_error_set(error, TW_INVALID,
                            "\"%s\" in \"%s\" is no numeric address, and names are not looked up here: write for "
                            "example 10.0.0.7:%u",
                            host->host, part, (unsigned)host->port);
    if (family == 6 && start == part)
        return tw_error_set(error, TW_INVALID, "an IPv6 address needs brackets: [%s]:%u", host->host,
                            (unsigned)host->port);
    if (multicast) return tw_error_set(error, TW_INVALID, "\"%s\" is a multicast group, not a host", part);
    return TW_OK;
}

tw_code location_parse_hosts(const char *text, location *hosts, uint32_t capacity, uint32_t *count,
                             tw_error *error) {
    *count = 0;
    for (const char *from = text;; from++) {
        const char *to = strchrnul(from, ',');
        if (*count == capacity)
            return tw_error_set(error, TW_INVALID, "more than %u addresses in \"%s\"", (unsigned)capacity, text);
        tw_code code = parse_host(from, to, &hosts[*count], error);
        if (code != TW_OK) return code;
        (*count)++;
        if (*to == '\0') return TW_OK;
        from = to;
    }
}
