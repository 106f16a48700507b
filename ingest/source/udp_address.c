/* Looks up what a udp location names: the address, and the interface by name or by one of its addresses. */
#include "ingest/source/udp_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"

static bool same_address(const struct sockaddr *held, const struct in_addr *v4, const struct in6_addr *v6) {
    if (held == NULL) return false;
    if (held->sa_family == AF_INET && v4 != NULL)
        return ((const struct sockaddr_in *)(const void *)held)->sin_addr.s_addr == v4->s_addr;
    if (held->sa_family == AF_INET6 && v6 != NULL)
        return memcmp(&((const struct sockaddr_in6 *)(const void *)held)->sin6_addr, v6, sizeof *v6) == 0;
    return false;
}

/* The index of the interface that holds the address, 0 if none does. */
static unsigned index_by_address(const char *text, bool *is_address) {
    struct in_addr v4;
    struct in6_addr v6;
    bool is_v4 = inet_pton(AF_INET, text, &v4) == 1;
    bool is_v6 = !is_v4 && inet_pton(AF_INET6, text, &v6) == 1;
    struct ifaddrs *all;
    unsigned index = 0;
    *is_address = is_v4 || is_v6;
    if (!*is_address || getifaddrs(&all) != 0) return 0;
    for (const struct ifaddrs *one = all; one != NULL && index == 0; one = one->ifa_next) {
        if (same_address(one->ifa_addr, is_v4 ? &v4 : NULL, is_v6 ? &v6 : NULL))
            index = if_nametoindex(one->ifa_name);
    }
    freeifaddrs(all);
    return index;
}

static tw_code resolve_interface(const char *text, unsigned *index, tw_error *error) {
    bool is_address;
    if (text[0] == '\0') return TW_OK;
    *index = if_nametoindex(text);
    if (*index != 0) return TW_OK;
    *index = index_by_address(text, &is_address);
    if (*index != 0) return TW_OK;
    if (is_address)
        return tw_error_set(error, TW_NOT_FOUND, "no interface of this machine has the address %s", text);
    return tw_error_set(error, TW_NOT_FOUND, "this machine has no interface named %s", text);
}

static bool fill_socket(const location *where, udp_address *address) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->socket;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->socket;
    if (inet_pton(AF_INET, where->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(where->port);
        address->length = sizeof *v4;
        address->multicast = IN_MULTICAST(ntohl(v4->sin_addr.s_addr));
        return true;
    }
    if (inet_pton(AF_INET6, where->host, &v6->sin6_addr) != 1) return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(where->port);
    address->length = sizeof *v6;
    address->multicast = IN6_IS_ADDR_MULTICAST(&v6->sin6_addr);
    return true;
}

tw_code udp_address_resolve(const location *where, udp_address *address, tw_error *error) {
    tw_code code;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->socket;
    memset(address, 0, sizeof *address);
    if (where->kind != LOCATION_UDP) return tw_error_set(error, TW_INVALID, "not a udp:// location");
    if (!fill_socket(where, address))
        return tw_error_set(error, TW_INVALID, "\"%s\" is not a numeric IPv4 or IPv6 address", where->host);
    code = resolve_interface(where->interface, &address->interface_index, error);
    if (code != TW_OK) return code;
    if (v6->sin6_family == AF_INET6 &&
        (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&v6->sin6_addr)))
        v6->sin6_scope_id = address->interface_index;
    return TW_OK;
}

void udp_address_format(const location *where, char *target, size_t capacity) {
    bool v6 = strchr(where->host, ':') != NULL;
    tw_text_format(target, capacity, "udp://%s%s%s:%u%s%s", v6 ? "[" : "", where->host, v6 ? "]" : "",
                   (unsigned)where->port, where->interface[0] != '\0' ? "@" : "", where->interface);
}
