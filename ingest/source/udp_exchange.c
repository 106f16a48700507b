/* One socket that talks with several addresses; which of them a datagram is from is told by its source address. */
#include "ingest/source/udp_exchange.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "ingest/source/udp_address.h"

#define MAX_BYTES 65535u

struct udp_exchange {
    int fd;
    uint16_t port;
    uint32_t peer_count; /* 0: a server */
    udp_address peers[UDP_EXCHANGE_MAX_PEERS];
    struct sockaddr_storage last; /* who sent the message received last */
    socklen_t last_length;
    udp_exchange_counts counts;
    uint8_t bytes[MAX_BYTES];
};

static tw_code resolve_unicast(const location *where, udp_address *address, tw_error *error) {
    char name[160];
    tw_code code = udp_address_resolve(where, address, error);
    udp_address_format(where, name, sizeof name);
    if (code == TW_OK && address->multicast)
        code = tw_error_set(error, TW_INVALID, "%s is a group; this takes one host's address", name);
    return code;
}

static tw_code resolve_peers(udp_exchange *exchange, const location *peers, uint32_t count, tw_error *error) {
    if (count > UDP_EXCHANGE_MAX_PEERS)
        return tw_error_set(error, TW_INVALID, "at most %u servers, not %u", UDP_EXCHANGE_MAX_PEERS, count);
    exchange->peer_count = count;
    for (uint32_t i = 0; i < count; i++) {
        tw_code code = resolve_unicast(&peers[i], &exchange->peers[i], error);
        if (code != TW_OK) return code;
        if (peers[i].port == 0) return tw_error_set(error, TW_INVALID, "a server needs a port, 1 to 65535");
        if (exchange->peers[i].socket.ss_family != exchange->peers[0].socket.ss_family)
            return tw_error_set(error, TW_INVALID, "servers are all IPv4 or all IPv6");
    }
    return TW_OK;
}

/* Without `bind`, the unspecified address of the peers' family and a port of the kernel's choice. */
static tw_code bind_socket(udp_exchange *exchange, const udp_address *address, tw_error *error) {
    struct sockaddr_storage bound = address->socket;
    socklen_t length = sizeof bound;
    exchange->fd = socket(bound.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (exchange->fd < 0) return tw_error_set_errno(error, errno, "making a socket");
    if (bind(exchange->fd, (const struct sockaddr *)&bound, address->length) != 0)
        return tw_error_set_errno(error, errno, "binding");
    if (getsockname(exchange->fd, (struct sockaddr *)&bound, &length) != 0)
        return tw_error_set_errno(error, errno, "reading the bound address");
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, &bound, sizeof v4);
    memcpy(&v6, &bound, sizeof v6);
    exchange->port = ntohs(bound.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
    return TW_OK;
}

static tw_code set_up(udp_exchange *exchange, const location *where, const location *peers, uint32_t peer_count,
                      tw_error *error) {
    udp_address address = {0};
    tw_code code = resolve_peers(exchange, peers, peer_count, error);
    if (code != TW_OK) return code;
    if (where != NULL) {
        code = resolve_unicast(where, &address, error);
    } else if (peer_count == 0) {
        code = tw_error_set(error, TW_INVALID, "neither an address to hear on nor one to talk to");
    } else { /* the unspecified address is all zeros in both families */
        address = exchange->peers[0];
        sa_family_t family = address.socket.ss_family;
        memset(&address.socket, 0, sizeof address.socket);
        address.socket.ss_family = family;
    }
    return code == TW_OK ? bind_socket(exchange, &address, error) : code;
}

tw_code udp_exchange_open(udp_exchange **out, const location *where, const location *peers, uint32_t peer_count,
                          tw_error *error) {
    *out = NULL;
    udp_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a socket's buffer");
    exchange->fd = -1;
    tw_code code = set_up(exchange, where, peers, peer_count, error);
    if (code != TW_OK) {
        udp_exchange_close(exchange);
        return code;
    }
    *out = exchange;
    return TW_OK;
}

void udp_exchange_close(udp_exchange *exchange) {
    if (exchange == NULL) return;
    if (exchange->fd >= 0) close(exchange->fd);
    free(exchange);
}

int udp_exchange_fd(const udp_exchange *exchange) {
    return exchange->fd;
}

uint16_t udp_exchange_port(const udp_exchange *exchange) {
    return exchange->port;
}

/* Address and port; the rest of a socket address (flow, scope) is not the sender's to choose. */
static bool same_peer(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
    if (a->ss_family != b->ss_family) return false;
    if (a->ss_family == AF_INET) {
        struct sockaddr_in x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return x.sin_port == y.sin_port && x.sin_addr.s_addr == y.sin_addr.s_addr;
    }
    struct sockaddr_in6 x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x.sin6_port == y.sin6_port && memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr) == 0;
}

static bool find_peer(const udp_exchange *exchange, uint32_t *peer) {
    *peer = 0;
    if (exchange->peer_count == 0) return true;
    for (; *peer < exchange->peer_count; (*peer)++)
        if (same_peer(&exchange->last, &exchange->peers[*peer].socket)) return true;
    return false;
}

tw_code udp_exchange_receive(udp_exchange *exchange, udp_message *message, tw_error *error) {
    *message = (udp_message){0};
    for (;;) {
        exchange->last_length = sizeof exchange->last;
        ssize_t got = recvfrom(exchange->fd, exchange->bytes, sizeof exchange->bytes, MSG_DONTWAIT | MSG_TRUNC,
                               (struct sockaddr *)&exchange->last, &exchange->last_length);
        if (got < 0 && (errno == EINTR || errno == ECONNREFUSED)) continue; /* a refusal is of an earlier send */
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return TW_OK;
        if (got < 0) return tw_error_set_errno(error, errno, "receiving on port %u", (unsigned)exchange->port);
        uint32_t peer;
        if (!find_peer(exchange, &peer)) {
            exchange->counts.strangers++;
        } else if ((size_t)got > sizeof exchange->bytes) {
            exchange->counts.oversized++;
        } else {
            *message = (udp_message){exchange->bytes, (uint32_t)got, peer};
            return TW_OK;
        }
    }
}

static void send_to(udp_exchange *exchange, const struct sockaddr_storage *to, socklen_t length,
                    const uint8_t *bytes, size_t count) {
    ssize_t sent;
    do {
        sent = sendto(exchange->fd, bytes, count, MSG_DONTWAIT, (const struct sockaddr *)to, length);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) exchange->counts.unsent++;
}

void udp_exchange_send(udp_exchange *exchange, uint32_t peer, const uint8_t *bytes, size_t length) {
    TW_ASSERT(peer < exchange->peer_count);
    send_to(exchange, &exchange->peers[peer].socket, exchange->peers[peer].length, bytes, length);
}

void udp_exchange_answer(udp_exchange *exchange, const uint8_t *bytes, size_t length) {
    TW_ASSERT(exchange->last_length > 0);
    send_to(exchange, &exchange->last, exchange->last_length, bytes, length);
}

udp_exchange_counts udp_exchange_read_counts(const udp_exchange *exchange) {
    return exchange->counts;
}
