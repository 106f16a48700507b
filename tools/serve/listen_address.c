/* A udp location without its scheme: the parser is location.c's, the words for what is wrong are these. */
#include "tools/serve/listen_address.h"

#include <netinet/in.h>
#include <string.h>

#include "base/text.h"
#include "ingest/source/udp_address.h"

#define FORM "write ADDRESS:PORT with a numeric address, for example 127.0.0.1:26500 (port 0 takes a free one)"

tw_code listen_address_parse(const char *text, location *where, tw_error *error) {
    char full[160];
    udp_address address = {0};
    tw_error ignored;
    if (strpbrk(text, "@/") != NULL || !tw_text_format(full, sizeof full, "udp://%s", text) ||
        location_parse(full, where, &ignored) != TW_OK || udp_address_resolve(where, &address, &ignored) != TW_OK)
        return tw_error_set(error, TW_INVALID, "\"%s\" is no address to hear on; " FORM, text);
    if (address.multicast) return tw_error_set(error, TW_INVALID, "\"%s\" is a multicast group; " FORM, text);
    return TW_OK;
}

void listen_address_format(const char *host, uint16_t port, char *target, size_t capacity) {
    bool v6 = strchr(host, ':') != NULL;
    tw_text_format(target, capacity, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", (unsigned)port);
}

uint16_t listen_address_port(const struct sockaddr_storage *socket) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, socket, sizeof v4);
    memcpy(&v6, socket, sizeof v6);
    return ntohs(socket->ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
}
