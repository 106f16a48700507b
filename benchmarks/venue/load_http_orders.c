/*
 * Orders over HTTP on a fixed schedule, whatever becomes of them (an open loop).
 *
 *   load_http_orders PORT RATE SECONDS CONNECTIONS
 *
 * POST /v1/orders to 127.0.0.1:PORT, RATE a second over CONNECTIONS that are kept. When all of them wait for an answer the next order waits, too: an
 * order's latency is from its arrival, as latency/schedule.h has it, to the last byte of its answer; how late this program itself was is told beside it. Orders are small, around one price, buys and sells in turns. Prints
 * {"sent":…,"accepted":…,"refused":…,"failed":…,"p50_ms":…,"p99_ms":…,"p999_ms":…,"max_ms":…,"late_p99_ms":…}; 202 is accepted, other answers are
 * refused, a connection that ends is a failure. Sent answers of the first second don't count.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/latency/schedule.h"

enum { MOST_CONNECTIONS = 256, ANSWER_BYTES = 8192, SETTLE_MS = 10000 };

typedef struct connection {
    int fd;
    bool waiting;
    uint32_t event;
    int64_t arrival_ns; /* see latency/schedule.h */
    char answer[ANSWER_BYTES];
    size_t length;
} connection;

typedef struct load {
    connection connections[MOST_CONNECTIONS];
    uint32_t count, first_counted;
    uint16_t port;
    schedule plan;
    tw_histogram took, late;
    uint64_t sent, accepted, refused, failed;
    char first_refusal[512];
} load;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "load_http_orders: %s: %s\n", what, why);
    exit(1);
}

static void open_connection(const load *self, connection *c) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(self->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connecting", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->waiting = false;
    c->length = 0;
}

static void send_order(load *self, connection *c, uint32_t event) {
    char body[256], request[640];
    tw_text_format(
        body, sizeof body,
        "{\"symbol\":\"AAPL\",\"side\":\"%s\",\"type\":\"limit\",\"time_in_force\":\"gtc\",\"price\":\"187.%02u\","
        "\"quantity\":\"10\",\"self_trade\":\"none\",\"client_order_id\":\"h-%d-%u\"}",
        event % 2 == 0 ? "buy" : "sell", event / 2 % 20, (int)getpid(), event);
    tw_text_format(
        request, sizeof request,
        "POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        strlen(body), body);
    size_t length = strlen(request);
    if (send(c->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail("sending", strerror(errno));
    c->waiting = true;
    c->event = event;
    self->sent++;
}

/* The whole answer's length, 0 while its head is not there. */
static size_t answer_length(const connection *c) {
    const char *end = strstr(c->answer, "\r\n\r\n"), *field = strcasestr(c->answer, "\r\ncontent-length:");
    if (end == NULL) return 0;
    size_t body = field != NULL && field < end ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
    return (size_t)(end - c->answer) + 4 + body;
}

static void take_answer(load *self, connection *c) {
    bool accepted = strncmp(c->answer, "HTTP/1.1 202", 12) == 0;
    if (c->event >= self->first_counted) tw_histogram_record(&self->took, schedule_clock_ns() - c->arrival_ns);
    if (accepted) {
        self->accepted++;
    } else {
        if (self->refused++ == 0) tw_text_copy(self->first_refusal, sizeof self->first_refusal, c->answer);
    }
    c->waiting = false;
    c->length = 0;
}

static void read_answer(load *self, connection *c) {
    ssize_t length = recv(c->fd, c->answer + c->length, ANSWER_BYTES - 1 - c->length, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) {
        self->failed += c->waiting;
        close(c->fd);
        open_connection(self, c);
        return;
    }
    c->length += (size_t)length;
    c->answer[c->length] = '\0';
    size_t whole = answer_length(c);
    if (whole != 0 && c->length >= whole) take_answer(self, c);
}

static void await_answers(load *self, int64_t until_ns) {
    struct pollfd polled[MOST_CONNECTIONS];
    int64_t left_ns = until_ns - schedule_clock_ns();
    struct timespec left = {left_ns > 0 ? left_ns / NS_PER_SECOND : 0, left_ns > 0 ? left_ns % NS_PER_SECOND : 0};
    for (uint32_t i = 0; i < self->count; i++)
        polled[i] = (struct pollfd){.fd = self->connections[i].fd, .events = POLLIN};
    if (ppoll(polled, self->count, &left, NULL) <= 0) return;
    for (uint32_t i = 0; i < self->count; i++)
        if (polled[i].revents != 0) read_answer(self, &self->connections[i]);
}

static connection *free_connection(load *self) {
    for (uint32_t i = 0; i < self->count; i++)
        if (!self->connections[i].waiting) return &self->connections[i];
    return NULL;
}

static bool all_answered(const load *self) {
    for (uint32_t i = 0; i < self->count; i++)
        if (self->connections[i].waiting) return false;
    return true;
}

static void run(load *self, uint32_t events) {
    for (uint32_t event = 0; event < events;) {
        int64_t due_ns = schedule_due_ns(&self->plan, event), now_ns = schedule_clock_ns();
        connection *c = now_ns >= due_ns ? free_connection(self) : NULL;
        if (now_ns < due_ns) {
            await_answers(self, due_ns);
            self->plan.woken_ns = schedule_clock_ns(); /* what fell due while it slept could not be sent before */
            continue;
        }
        if (c == NULL) {
            await_answers(self, now_ns + NS_PER_SECOND / 100);
            continue;
        }
        if (event >= self->first_counted) tw_histogram_record(&self->late, now_ns - due_ns);
        c->arrival_ns = due_ns > self->plan.woken_ns ? due_ns : self->plan.woken_ns;
        send_order(self, c, event++);
    }
    int64_t end_ns = schedule_clock_ns() + SETTLE_MS * (NS_PER_SECOND / 1000);
    while (!all_answered(self) && schedule_clock_ns() < end_ns)
        await_answers(self, end_ns);
}

static uint32_t number(const char *text, uint64_t least, uint64_t most) {
    uint64_t value = 0;
    if (!tw_text_to_u64(text, &value) || value < least || value > most) fail(text, "is no number that fits");
    return (uint32_t)value;
}

static double ms(const tw_histogram *of, uint32_t per_mille) {
    return (double)tw_histogram_quantile(of, per_mille) / 1e6;
}

int main(int argc, char **argv) {
    static load self;
    if (argc != 5) fail("usage", "load_http_orders PORT RATE SECONDS CONNECTIONS");
    self.port = (uint16_t)number(argv[1], 1, 65535);
    uint32_t rate = number(argv[2], 1, 100000), seconds = number(argv[3], 2, 3600);
    self.count = number(argv[4], 1, MOST_CONNECTIONS);
    self.first_counted = rate;
    for (uint32_t i = 0; i < self.count; i++)
        open_connection(&self, &self.connections[i]);
    self.plan = schedule_start(0, rate);
    run(&self, rate * seconds);
    if (self.refused > 0) fprintf(stderr, "load_http_orders: the first refusal: %s\n", self.first_refusal);
    printf("{\"sent\":%llu,\"accepted\":%llu,\"refused\":%llu,\"failed\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"p999_ms\":%.3f,\"max_ms\":%.3f,\"late_p99_ms\":%.3f}\n",
           (unsigned long long)self.sent, (unsigned long long)self.accepted, (unsigned long long)self.refused,
           (unsigned long long)self.failed, ms(&self.took, 500), ms(&self.took, 990), ms(&self.took, 999),
           (double)self.took.maximum / 1e6, ms(&self.late, 990));
    return 0;
}
