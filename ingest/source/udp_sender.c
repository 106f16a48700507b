/* Datagrams out, in batches of one system call. */
#include "ingest/source/udp_sender.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/source/udp_address.h"

#define SENDER_BATCH       64
#define SENDER_PATIENCE_MS 1000

struct udp_sender {
    int fd;
    int family;
    udp_address to;
    uint64_t sent;
    char name[160]; /* for errors */
};

tw_code udp_sender_set_ttl(udp_sender *sender, int ttl, tw_error *error) {
    if (ttl < 0 || ttl > 255) return tw_error_set(error, TW_INVALID, "a TTL of %d: it is 0 to 255", ttl);
    int done = sender->family == AF_INET
                   ? setsockopt(sender->fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl)
                   : setsockopt(sender->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof ttl);
    if (done == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "setting the multicast TTL to %d", ttl);
}

static tw_code choose_interface(udp_sender *sender, const udp_address *address, tw_error *error) {
    int index = (int)address->interface_index, on = 1, done;
    if (sender->family == AF_INET) {
        struct ip_mreqn through = {.imr_ifindex = index};
        done = setsockopt(sender->fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through);
        if (done == 0) done = setsockopt(sender->fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on);
    } else {
        done = setsockopt(sender->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index);
        if (done == 0) done = setsockopt(sender->fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &on, sizeof on);
    }
    if (done == 0) return TW_OK;
    return tw_error_set_errno(error, errno, "choosing the interface");
}

static tw_code set_up(udp_sender *sender, const udp_address *address, tw_error *error) {
    tw_code code = TW_OK;
    sender->fd = socket(sender->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sender->fd < 0) return tw_error_set_errno(error, errno, "making a socket");
    if (address->multicast) code = udp_sender_set_ttl(sender, 0, error);
    if (code == TW_OK && address->multicast) code = choose_interface(sender, address, error);
    return code;
}

tw_code udp_sender_open(udp_sender **sender, const location *where, tw_error *error) {
    udp_address address;
    *sender = NULL;
    tw_code code = udp_address_resolve(where, &address, error);
    if (code != TW_OK) return code;
    if (where->port == 0) return tw_error_set(error, TW_INVALID, "sending needs a port: udp://GROUP:PORT");
    udp_sender *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a sender");
    opened->family = address.socket.ss_family;
    opened->to = address;
    udp_address_format(where, opened->name, sizeof opened->name);
    code = set_up(opened, &address, error);
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

/* How many of the batch left; 0 after a wait, for the kernel had no room. Below 0: broken. */
static int send_batch(udp_sender *sender, const udp_datagram *datagrams, unsigned count) {
    struct mmsghdr headers[SENDER_BATCH];
    struct iovec vectors[SENDER_BATCH];
    memset(headers, 0, count * sizeof *headers);
    for (unsigned i = 0; i < count; i++) {
        vectors[i] = (struct iovec){(void *)(uintptr_t)datagrams[i].bytes, datagrams[i].length};
        headers[i].msg_hdr.msg_name = &sender->to.socket;
        headers[i].msg_hdr.msg_namelen = sender->to.length;
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    int sent = sendmmsg(sender->fd, headers, count, MSG_DONTWAIT);
    if (sent > 0) return sent;
    if (errno == EINTR || errno == ECONNREFUSED)
        return 0; /* a refusal is the last datagram's, of no concern here */
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) return -1;
    struct pollfd writable = {.fd = sender->fd, .events = POLLOUT};
    poll(&writable, 1, errno == ENOBUFS ? 1 : 10);
    return 0;
}

tw_code udp_sender_send(udp_sender *sender, const udp_datagram *datagrams, size_t count, tw_error *error) {
    size_t done = 0;
    unsigned fruitless = 0;
    while (done < count) {
        unsigned batch = count - done < SENDER_BATCH ? (unsigned)(count - done) : SENDER_BATCH;
        int sent = send_batch(sender, datagrams + done, batch);
        if (sent < 0)
            return tw_error_set_errno(error, errno, "sending datagram %zu of %zu (%u bytes) to %s", done + 1, count,
                                      datagrams[done].length, sender->name);
        fruitless = sent == 0 ? fruitless + 1 : 0;
        if (fruitless > SENDER_PATIENCE_MS)
            return tw_error_set(error, TW_FULL, "sending to %s: the kernel takes no more", sender->name);
        done += (size_t)sent;
        sender->sent += (uint64_t)sent;
    }
    return TW_OK;
}

uint64_t udp_sender_sent(const udp_sender *sender) {
    return sender->sent;
}
