/*
 * Takes every book update off the bus and does nothing with it: what a gateway that costs nothing would leave of the machine.
 *
 *   load_taker PORT
 *
 * Says {"ready":true} when the nats-server on this port of loopback knows of the subscription, and reads until its standard input ends. The
 * bytes are thrown away by the kernel (MSG_TRUNC), without a copy.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "benchmarks/gateway/synthetic.h"

#define LINE_BYTES 4096
#define LOT_BYTES  (1u << 20)
#define REST_US    1000 /* as load_clients does: to be woken is the server's cost */

static const char hello[] =
    "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB " SYNTHETIC_MIC ".*.orderbook 1\r\nPING\r\n";

static void fail(const char *what, const char *why) {
    fprintf(stderr, "load_taker: %s: %s\n", what, why);
    exit(1);
}

static int connect_to(uint16_t port) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connecting", strerror(errno));
    return fd;
}

/* Nothing is published before it is ready, so the answer comes alone behind the server's greeting. */
static void subscribe(int fd) {
    char text[LINE_BYTES];
    size_t length = 0;
    if (send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL) != (ssize_t)sizeof hello - 1)
        fail("subscribing", strerror(errno));
    while (memmem(text, length, "PONG\r\n", 6) == NULL) {
        ssize_t got = length < sizeof text ? recv(fd, text + length, sizeof text - length, 0) : 0;
        if (got <= 0) fail("subscribing", "the server did not confirm it");
        length += (size_t)got;
    }
    puts("{\"ready\":true}");
    fflush(stdout);
}

static void take(int fd) {
    struct pollfd watched[2] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(watched, 2, -1) >= 0 || errno == EINTR) {
        if (watched[1].revents != 0) return;
        if (watched[0].revents != 0 && recv(fd, NULL, LOT_BYTES, MSG_TRUNC | MSG_DONTWAIT) == 0)
            fail("the server", "closed the connection");
        usleep(REST_US);
    }
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    if (argc != 2 || !tw_text_to_u64(argv[1], &port) || port == 0 || port > UINT16_MAX)
        fail("usage", "load_taker PORT");
    int fd = connect_to((uint16_t)port);
    subscribe(fd);
    take(fd);
    close(fd);
    return 0;
}
