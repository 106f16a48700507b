/*
 * Baseline (c), the limit: a packet in, what it carries out, nothing decoded.
 *
 *   bare_relay URL ADDRESS PORT [--spin]
 *
 * Receives events of the relay's tape from an address or multicast group on loopback, all that is there in one call with the kernel's
 * stamps, publishes their payloads in nats.c's event-loop mode, and writes once. One thread. --spin asks the sockets
 * again and again instead of sleeping. Says "ready" on standard output, ends on SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "benchmarks/latency/nats_poll.h"
#include "benchmarks/latency/publish.h"

#define BURST        64
#define PACKET_BYTES 9216

typedef struct relay {
    nats_poll bus;
    int fd;
    struct mmsghdr headers[BURST];
    struct iovec vectors[BURST];
    _Alignas(struct cmsghdr) uint8_t controls[BURST][CMSG_SPACE(sizeof(struct timespec))];
    uint8_t packets[BURST][PACKET_BYTES];
} relay;

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
    (void)number;
    stopping = 1;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bare_relay: %s: %s\n", what, why);
    exit(1);
}

static void open_socket(relay *self, const char *group, uint16_t port) {
    int on = 1, room = 16 << 20;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct ip_mreq membership = {.imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
    if (inet_pton(AF_INET, group, &at.sin_addr) != 1) fail(group, "is no address");
    membership.imr_multiaddr = at.sin_addr;
    self->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (self->fd < 0 || bind(self->fd, (struct sockaddr *)&at, sizeof at) != 0) fail("socket", strerror(errno));
    if (IN_MULTICAST(ntohl(at.sin_addr.s_addr)) &&
        setsockopt(self->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0)
        fail(group, strerror(errno));
    setsockopt(self->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (setsockopt(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    for (int i = 0; i < BURST; i++) {
        self->vectors[i] = (struct iovec){self->packets[i], PACKET_BYTES};
        self->headers[i].msg_hdr = (struct msghdr){.msg_iov = &self->vectors[i], .msg_iovlen = 1};
    }
}

static int64_t stamp_of(struct msghdr *header) {
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    struct timespec stamp;
    if (control == NULL || control->cmsg_type != SCM_TIMESTAMPNS) return schedule_clock_ns();
    memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
    return (int64_t)stamp.tv_sec * NS_PER_SECOND + stamp.tv_nsec;
}

static void take_packets(relay *self) {
    for (int i = 0; i < BURST; i++) {
        self->headers[i].msg_hdr.msg_control = self->controls[i];
        self->headers[i].msg_hdr.msg_controllen = sizeof self->controls[i];
    }
    int count = recvmmsg(self->fd, self->headers, BURST, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        natsStatus status = publish_event(self->bus.connection, self->packets[i], self->headers[i].msg_len,
                                          stamp_of(&self->headers[i].msg_hdr));
        if (status != NATS_OK) fail("publishing", natsStatus_GetText(status));
    }
    if (count > 0) nats_poll_write(&self->bus);
}

static void run(relay *self, int wait_ms) {
    while (!stopping) {
        struct pollfd readable[2] = {{.fd = self->fd, .events = POLLIN}, {.fd = self->bus.fd, .events = POLLIN}};
        if (poll(readable, 2, wait_ms) <= 0) continue;
        if (readable[0].revents != 0) take_packets(self);
        if (readable[1].revents != 0 && natsConnection_IsClosed(self->bus.connection)) fail("bus", "closed");
        if (readable[1].revents != 0) natsConnection_ProcessReadEvent(self->bus.connection);
    }
}

int main(int argc, char **argv) {
    static relay self;
    uint64_t port = 0;
    bool spin = argc == 5 && strcmp(argv[4], "--spin") == 0;
    if ((argc != 4 && !spin) || !tw_text_to_u64(argv[3], &port)) fail("usage", "URL ADDRESS PORT [--spin]");
    signal(SIGTERM, on_signal);
    open_socket(&self, argv[2], (uint16_t)port);
    natsStatus status = nats_poll_open(&self.bus, argv[1]);
    if (status != NATS_OK) fail(argv[1], natsStatus_GetText(status));
    puts("ready");
    fflush(stdout);
    run(&self, spin ? 0 : 100);
    nats_poll_close(&self.bus);
    nats_Close();
    return 0;
}
