/* See udp_sender.h. The socket is not connected: a receiver that is not there yet (ICMP port unreachable) must not
 * fail a sender whose datagrams are for anyone who listens. */
#include "ingest/source/udp_sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ingest/source/udp_address.h"

#define BATCH  64
#define NAP_MS 1

struct udp_sender {
    int fd;
    udp_address address;
    char name[160]; /* for errors */
};

static tw_code set_int(udp_sender *sender, int level, int option, int value, const char *name, tw_error *error) {
    if (setsockopt(sender->fd, level, option, &value, sizeof value) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "setting %s", name);
}

tw_code udp_sender_set_ttl(udp_sender *sender, int ttl, tw_error *error) {
    if (ttl < 0 || ttl > 255) return tw_error_set(error, TW_INVALID, "a TTL of %d is not within 0 to 255", ttl);
    if (!sender->address.multicast) return TW_OK;
    if (sender->address.socket.ss_family == AF_INET)
        return set_int(sender, IPPROTO_IP, IP_MULTICAST_TTL, ttl, "IP_MULTICAST_TTL", error);
    return set_int(sender, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl, "IPV6_MULTICAST_HOPS", error);
}

static tw_code set_multicast(udp_sender *sender, tw_error *error) {
    unsigned index = sender->address.interface_index;
    bool v4 = sender->address.socket.ss_family == AF_INET;
    tw_code code = udp_sender_set_ttl(sender, 0, error);
    if (code == TW_OK)
        code = v4 ? set_int(sender, IPPROTO_IP, IP_MULTICAST_LOOP, 1, "IP_MULTICAST_LOOP", error)
                  : set_int(sender, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, "IPV6_MULTICAST_LOOP", error);
    if (code != TW_OK || index == 0) return code;
    if (!v4) return set_int(sender, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index, "IPV6_MULTICAST_IF", error);
    struct ip_mreqn request = {.imr_ifindex = (int)index};
    if (setsockopt(sender->fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "setting IP_MULTICAST_IF");
}

static tw_code set_up(udp_sender *sender, tw_error *error) {
    sender->fd = socket(sender->address.socket.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sender->fd < 0) return tw_error_set_errno(error, errno, "making a socket");
    return sender->address.multicast ? set_multicast(sender, error) : TW_OK;
}

tw_code udp_sender_open(udp_sender **sender, const location *where, tw_error *error) {
    udp_address address;
    *sender = NULL;
    tw_code code = udp_address_resolve(where, &address, error);
    if (code != TW_OK) return code;
    if (where->port == 0) return tw_error_set(error, TW_INVALID, "sending needs a port, 1 to 65535");
    udp_sender *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a sender");
    opened->address = address;
    udp_address_format(where, opened->name, sizeof opened->name);
    code = set_up(opened, error);
    if (code != TW_OK) {
        tw_error_wrap(error, "sending to %s", opened->name);
        udp_sender_close(opened);
        return code;
    }
    *sender = opened;
    return TW_OK;
}

void udp_sender_close(udp_sender *sender) {
    if (sender == NULL) return;
    if (sender->fd >= 0) close(sender->fd);
    free(sender);
}

/* One system call: how many went out, or -1 with errno. */
static int send_batch(udp_sender *sender, const udp_datagram *datagrams, size_t count) {
    struct mmsghdr headers[BATCH];
    struct iovec vectors[BATCH];
    int sent;
    if (count > BATCH) count = BATCH;
    memset(headers, 0, count * sizeof *headers);
    for (size_t i = 0; i < count; i++) {
        vectors[i] = (struct iovec){(void *)(uintptr_t)datagrams[i].bytes, datagrams[i].length};
        headers[i].msg_hdr.msg_name = &sender->address.socket;
        headers[i].msg_hdr.msg_namelen = sender->address.length;
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    do {
        sent = sendmmsg(sender->fd, headers, (unsigned)count, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

tw_code udp_sender_offer(udp_sender *sender, const udp_datagram *datagrams, size_t count, size_t *sent,
                         tw_error *error) {
    *sent = 0;
    while (*sent < count) {
        int got = send_batch(sender, datagrams + *sent, count - *sent);
        if (got > 0) {
            *sent += (size_t)got; /* fewer than asked: the next call tells why */
            continue;
        }
        if (got == 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
            return tw_error_set(error, TW_FULL, "the kernel has no room for more datagrams to %s", sender->name);
        return tw_error_set_errno(error, errno, "sending datagram %zu of %zu (%u bytes) to %s", *sent + 1, count,
                                  (unsigned)datagrams[*sent].length, sender->name);
    }
    return TW_OK;
}

/* ENOBUFS is a full device queue, which poll() does not see: so a nap besides. */
static void wait_for_room(udp_sender *sender) {
    struct pollfd wanted = {.fd = sender->fd, .events = POLLOUT};
    struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
    poll(&wanted, 1, NAP_MS);
    nanosleep(&nap, NULL);
}

tw_code udp_sender_send(udp_sender *sender, const udp_datagram *datagrams, size_t count, tw_error *error) {
    int naps = 0;
    for (;;) {
        size_t sent;
        tw_code code = udp_sender_offer(sender, datagrams, count, &sent, error);
        if (code != TW_FULL) return code;
        if (sent > 0) naps = 0;
        if (naps++ >= UDP_SENDER_PATIENCE_MS / NAP_MS) return code;
        datagrams += sent;
        count -= sent;
        wait_for_room(sender);
    }
}
