/*
 * A socket that hears one group or address and port. Bound to the group itself, not to every address: the
 * kernel would otherwise hand over every other group on the same port that any program of the machine joined.
 */
#include "ingest/source/udp_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
#include "ingest/source/udp_address.h"

#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)))

struct udp_source {
    int fd;
    int buffer_bytes;
    uint16_t port;
    uint32_t last_drops; /* the kernel's counter of this socket, which wraps at 32 bits */
    uint64_t kernel_drops;
    uint64_t oversized;
    char name[160]; /* for errors */
    struct mmsghdr headers[UDP_SOURCE_BURST];
    struct iovec vectors[UDP_SOURCE_BURST];
    _Alignas(struct cmsghdr) uint8_t controls[UDP_SOURCE_BURST][CONTROL_BYTES];
    uint8_t payloads[UDP_SOURCE_BURST][UDP_SOURCE_MAX_BYTES];
};

static tw_code set_int(int fd, int level, int option, int value, const char *name, tw_error *error) {
    if (setsockopt(fd, level, option, &value, sizeof value) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "setting %s", name);
}

/* The forced size goes beyond net.core.rmem_max but needs CAP_NET_ADMIN; what was granted is read back. */
static tw_code size_buffer(udp_source *source, int wanted, tw_error *error) {
    int granted = 0;
    socklen_t length = sizeof granted;
    if (wanted > 0 && setsockopt(source->fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
        tw_code code = set_int(source->fd, SOL_SOCKET, SO_RCVBUF, wanted, "SO_RCVBUF", error);
        if (code != TW_OK) return code;
    }
    if (getsockopt(source->fd, SOL_SOCKET, SO_RCVBUF, &granted, &length) != 0)
        return tw_error_set_errno(error, errno, "reading SO_RCVBUF");
    source->buffer_bytes = granted;
    return TW_OK;
}

static uint16_t port_of(const struct sockaddr_storage *bound) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, bound, sizeof v4);
    memcpy(&v6, bound, sizeof v6);
    return bound->ss_family == AF_INET ? ntohs(v4.sin_port) : ntohs(v6.sin6_port);
}

static tw_code bind_socket(udp_source *source, const udp_address *address, tw_error *error) {
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    if (bind(source->fd, (const struct sockaddr *)&address->socket, address->length) != 0)
        return tw_error_set_errno(error, errno, "binding");
    if (getsockname(source->fd, (struct sockaddr *)&bound, &length) != 0)
        return tw_error_set_errno(error, errno, "reading the bound address");
    source->port = port_of(&bound);
    return TW_OK;
}

static tw_code join_group(udp_source *source, const udp_address *address, tw_error *error) {
    struct group_req request = {.gr_interface = address->interface_index};
    int level = address->socket.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int off = 0;
    memcpy(&request.gr_group, &address->socket, address->length);
    /* only the groups joined here, not those that other sockets of the machine joined */
    if (level == IPPROTO_IP) setsockopt(source->fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off);
    if (setsockopt(source->fd, level, MCAST_JOIN_GROUP, &request, sizeof request) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "joining the group");
}

/* Without an interface the kernel chooses; with one, unicast is heard on that interface only. */
static tw_code bind_interface(udp_source *source, const udp_address *address, tw_error *error) {
    char name[IF_NAMESIZE];
    if (address->interface_index == 0) return TW_OK;
    if (if_indextoname(address->interface_index, name) == NULL)
        return tw_error_set_errno(error, errno, "finding interface %u", address->interface_index);
    if (setsockopt(source->fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "binding to interface %s", name);
}

static tw_code set_up(udp_source *source, const udp_address *address, int buffer_bytes, tw_error *error) {
    tw_code code;
    source->fd = socket(address->socket.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (source->fd < 0) return tw_error_set_errno(error, errno, "making a socket");
    /* several programs may listen to one group; two on one unicast address would steal from each other */
    code = address->multicast ? set_int(source->fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", error) : TW_OK;
    if (code == TW_OK && address->socket.ss_family == AF_INET6)
        code = set_int(source->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY", error);
    if (code == TW_OK) code = size_buffer(source, buffer_bytes, error);
    if (code == TW_OK) code = set_int(source->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS", error);
    if (code == TW_OK) code = set_int(source->fd, SOL_SOCKET, SO_RXQ_OVFL, 1, "SO_RXQ_OVFL", error);
    if (code == TW_OK && !address->multicast) code = bind_interface(source, address, error);
    if (code == TW_OK) code = bind_socket(source, address, error);
    if (code == TW_OK && address->multicast) code = join_group(source, address, error);
    return code;
}

static void prepare_headers(udp_source *source) {
    for (size_t i = 0; i < UDP_SOURCE_BURST; i++) {
        struct msghdr *header = &source->headers[i].msg_hdr;
        source->vectors[i] = (struct iovec){source->payloads[i], UDP_SOURCE_MAX_BYTES};
        memset(header, 0, sizeof *header);
        header->msg_iov = &source->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = source->controls[i];
        header->msg_controllen = CONTROL_BYTES;
    }
}

tw_code udp_source_open(udp_source **source, const location *where, int receive_buffer_bytes, tw_error *error) {
    udp_address address;
    udp_source *opened;
    tw_code code = udp_address_resolve(where, &address, error);
    *source = NULL;
    if (code != TW_OK) return code;
    if (receive_buffer_bytes < 0)
        return tw_error_set(error, TW_INVALID, "a receive buffer of %d bytes", receive_buffer_bytes);
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the receive buffers");
    udp_address_format(where, opened->name, sizeof opened->name);
    code = set_up(opened, &address, receive_buffer_bytes, error);
    if (code != TW_OK) {
        tw_error_wrap(error, "listening to %s", opened->name);
        udp_source_close(opened);
        return code;
    }
    prepare_headers(opened);
    *source = opened;
    return TW_OK;
}

void udp_source_close(udp_source *source) {
    if (source == NULL) return;
    if (source->fd >= 0) close(source->fd);
    free(source);
}

int udp_source_fd(const udp_source *source) {
    return source->fd;
}

int udp_source_buffer_bytes(const udp_source *source) {
    return source->buffer_bytes;
}

uint16_t udp_source_port(const udp_source *source) {
    return source->port;
}

uint64_t udp_source_kernel_drops(const udp_source *source) {
    return source->kernel_drops;
}

uint64_t udp_source_oversized(const udp_source *source) {
    return source->oversized;
}

/* A datagram carries the count of the moment at which it was queued, so an older one may come after a newer. */
static void note_drops(udp_source *source, uint32_t drops) {
    uint32_t more = drops - source->last_drops;
    if (more > UINT32_MAX / 2) return;
    source->kernel_drops += more;
    source->last_drops = drops;
}

uint64_t udp_source_look(udp_source *source) {
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof memory;
    if (getsockopt(source->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return 0;
    if (length > SK_MEMINFO_DROPS * sizeof *memory) note_drops(source, memory[SK_MEMINFO_DROPS]);
    return memory[SK_MEMINFO_RMEM_ALLOC];
}

tw_code udp_source_resize(udp_source *source, int receive_buffer_bytes, tw_error *error) {
    tw_code code = size_buffer(source, receive_buffer_bytes, error);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "the buffer of %s", source->name);
}

bool udp_source_busy_poll(udp_source *source, int us) {
    return setsockopt(source->fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof us) == 0;
}

/* What the kernel says beside a datagram: when it came, and how many of its kind found no room so far. */
static void read_controls(udp_source *source, struct msghdr *header, int64_t *receive_ns) {
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level != SOL_SOCKET) continue;
        if (control->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
            *receive_ns = (int64_t)stamp.tv_sec * TW_NS_PER_SECOND + stamp.tv_nsec;
        } else if (control->cmsg_type == SO_RXQ_OVFL) {
            uint32_t drops;
            memcpy(&drops, CMSG_DATA(control), sizeof drops);
            note_drops(source, drops);
        }
    }
}

tw_code udp_source_receive(udp_source *source, udp_packet packets[UDP_SOURCE_BURST], size_t *count, int64_t now_ns,
                           tw_error *error) {
    int got;
    *count = 0;
    do {
        got = recvmmsg(source->fd, source->headers, UDP_SOURCE_BURST, MSG_DONTWAIT | MSG_TRUNC, NULL);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return TW_OK;
    if (got < 0) return tw_error_set_errno(error, errno, "receiving from %s", source->name);
    for (size_t i = 0; i < (size_t)got; i++) {
        struct msghdr *header = &source->headers[i].msg_hdr;
        packets[i] = (udp_packet){source->payloads[i], source->headers[i].msg_len, now_ns};
        read_controls(source, header, &packets[i].receive_ns);
        if (packets[i].length > UDP_SOURCE_MAX_BYTES) source->oversized++;
        header->msg_controllen = CONTROL_BYTES; /* the kernel wrote what it used */
        header->msg_flags = 0;
    }
    *count = (size_t)got;
    return TW_OK;
}
