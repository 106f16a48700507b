/*
 * Publishes book updates at a fixed rate, whatever becomes of them (an open loop), for measuring what stands behind the
 * bus. Between runs it says that its feed is well, ten times a second, and answers requests for snapshots.
 *
 *   load_publisher URL SYMBOLS
 *
 * Says {"ready":true}, then does what its standard input says, and ends with it:
 *
 *   run RATE COUNT   COUNT updates, RATE a second, of all symbols in turns
 *                    {"published":COUNT,"seq":…,"took_s":…,"late_p99_us":…,"payload_bytes":…}
 *
 * What is due within 200 us is published together, as a feed's messages come in packets: else the publisher's and the server's
 * system calls would take the time that is to be measured. receive_ns of an update is when it was due (or when this program could first have known, see latency/schedule.h), so
 * that a publisher that is kept waiting by the server shows in the latency of what it publishes.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/gateway/synthetic.h"
#include "benchmarks/latency/nats_poll.h"
#include "benchmarks/latency/schedule.h"
#include "proto/subject.h"

#define FEED_SUBJECT   "feed." SYNTHETIC_MIC ".1.status"
#define FEED_PERIOD_NS INT64_C(100000000)
#define BURST_NS       INT64_C(200000)
#define CHUNK_BYTES    (60u * 1024u)
#define BOOK_BYTES     1024u
#define MOST_AT_ONCE   256u
#define COMMAND_BYTES  128
#define MILLION        1000000
#define MS_PER_SECOND  1000

typedef struct load_publisher {
    nats_poll bus;
    natsSubscription *one, *all; /* requests for a snapshot */
    synthetic_market market;
    char (*subjects)[SUBJECT_BYTES];
    int64_t feed_due_ns;
    char command[COMMAND_BYTES];
    size_t command_length;
    tw_histogram late;
    uint64_t payload_bytes;
} load_publisher;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "load_publisher: %s: %s\n", what, why);
    exit(1);
}

static void publish(load_publisher *self, const char *subject, const uint8_t *bytes, size_t length) {
    natsStatus status = natsConnection_Publish(self->bus.connection, subject, bytes, (int)length);
    if (status != NATS_OK) fail("publishing", natsStatus_GetText(status));
}

/* ---- requests ---- */

static void answer(load_publisher *self, const char *reply, uint32_t from, uint32_t to, uint32_t chunk, bool last) {
    uint8_t buffer[WIRE_MAX_BYTES], book[BOOK_BYTES];
    wire_snapshot_reply envelope = {.exchange = SYNTHETIC_MIC,
                                    .channel = "orderbook",
                                    .code = WIRE_REPLY_OK,
                                    .chunk = chunk,
                                    .last = last,
                                    .term = self->market.term};
    tw_text_copy(envelope.epoch, sizeof envelope.epoch, SYNTHETIC_EPOCH);
    size_t length = wire_snapshot_reply_encode(&envelope, buffer, sizeof buffer);
    for (uint32_t i = from; i < to; i++) {
        if (self->market.books[i].seq == 0) continue;
        size_t one = synthetic_snapshot(&self->market, i, schedule_clock_ns(), book, sizeof book);
        length += wire_snapshot_part_append(WIRE_PART_BOOK, book, one, buffer + length, sizeof buffer - length);
    }
    publish(self, reply, buffer, length);
}

static void answer_all(load_publisher *self, const char *reply) {
    const uint32_t step = CHUNK_BYTES / BOOK_BYTES * 2; /* a snapshot is less than half of BOOK_BYTES */
    for (uint32_t from = 0, chunk = 0; from < self->market.symbols; from += step, chunk++) {
        uint32_t to = from + step < self->market.symbols ? from + step : self->market.symbols;
        answer(self, reply, from, to, chunk, to == self->market.symbols);
    }
}

static void answer_one(load_publisher *self, const char *subject, const char *reply) {
    char wanted[SUBJECT_BYTES];
    for (uint32_t i = 0; i < self->market.symbols; i++) {
        tw_text_format(wanted, sizeof wanted, "snapshot.%s", self->subjects[i]);
        if (strcmp(subject, wanted) == 0) answer(self, reply, i, i + 1, 0, true);
    }
}

static void take_requests(load_publisher *self) {
    natsMsg *message;
    natsConnection_ProcessReadEvent(self->bus.connection);
    while (natsSubscription_NextMsg(&message, self->all, 0) == NATS_OK) {
        if (natsMsg_GetReply(message) != NULL) answer_all(self, natsMsg_GetReply(message));
        natsMsg_Destroy(message);
    }
    while (natsSubscription_NextMsg(&message, self->one, 0) == NATS_OK) {
        if (natsMsg_GetReply(message) != NULL)
            answer_one(self, natsMsg_GetSubject(message), natsMsg_GetReply(message));
        natsMsg_Destroy(message);
    }
}

static void tell_feed(load_publisher *self, int64_t now_ns) {
    uint8_t buffer[BOOK_BYTES];
    if (now_ns < self->feed_due_ns) return;
    self->feed_due_ns = now_ns + FEED_PERIOD_NS;
    publish(self, FEED_SUBJECT, buffer, synthetic_feed(&self->market, now_ns, buffer, sizeof buffer));
}

/* Waits until then at the latest, or for something to read. */
static void wait_for_bus(load_publisher *self, int64_t until_ns, bool commands) {
    int64_t left_ns = until_ns - schedule_clock_ns();
    if (left_ns < 0) left_ns = 0;
    struct timespec timeout = {.tv_sec = left_ns / NS_PER_SECOND, .tv_nsec = left_ns % NS_PER_SECOND};
    struct pollfd watched[2] = {
        {.fd = self->bus.fd, .events = (short)(POLLIN | (self->bus.wants_write ? POLLOUT : 0))},
        {.fd = STDIN_FILENO, .events = POLLIN}};
    if (ppoll(watched, commands ? 2 : 1, &timeout, NULL) <= 0) return;
    if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) take_requests(self);
}

/* ---- publishing ---- */

static void publish_next(load_publisher *self, int64_t arrival_ns) {
    uint8_t buffer[BOOK_BYTES];
    uint32_t symbol;
    size_t length = synthetic_next(&self->market, arrival_ns, schedule_clock_ns(), &symbol, buffer, sizeof buffer);
    publish(self, self->subjects[symbol], buffer, length);
    self->payload_bytes += length;
}

/* Events come in bursts, as the messages of a packet do: all of one period at its end. */
static int64_t due_ns_of(int64_t start_ns, uint64_t number, uint64_t rate) {
    int64_t after_ns = (int64_t)((__int128)number * NS_PER_SECOND / (int64_t)rate);
    return start_ns + (after_ns + BURST_NS - 1) / BURST_NS * BURST_NS;
}

static void run(load_publisher *self, uint64_t rate, uint64_t count) {
    int64_t start_ns = schedule_clock_ns(), woken_ns = 0;
    tw_histogram_reset(&self->late);
    self->payload_bytes = 0;
    for (uint64_t done = 0; done < count;) {
        int64_t due_ns = due_ns_of(start_ns, done, rate);
        int64_t now_ns = schedule_clock_ns();
        if (now_ns < due_ns) {
            wait_for_bus(self, due_ns, false);
            woken_ns = schedule_clock_ns();
            tell_feed(self, woken_ns);
            continue;
        }
        for (unsigned i = 0; i < MOST_AT_ONCE && done < count && due_ns <= now_ns; i++) {
            tw_histogram_record(&self->late, now_ns - due_ns);
            publish_next(self, due_ns > woken_ns ? due_ns : woken_ns);
            due_ns = due_ns_of(start_ns, ++done, rate);
        }
        tell_feed(self, now_ns);
        nats_poll_write(&self->bus);
    }
    while (self->bus.wants_write)
        wait_for_bus(self, schedule_clock_ns() + NS_PER_SECOND / MS_PER_SECOND, false), nats_poll_write(&self->bus);
    printf("{\"published\":%llu,\"seq\":%llu,\"took_s\":%.6f,\"late_p99_us\":%.1f,\"payload_bytes\":%.1f}\n",
           (unsigned long long)count, (unsigned long long)self->market.published,
           (double)(schedule_clock_ns() - start_ns) / (double)NS_PER_SECOND,
           (double)tw_histogram_quantile(&self->late, 990) / 1e3, (double)self->payload_bytes / (double)count);
    fflush(stdout);
}

/* ---- commands ---- */

static void obey(load_publisher *self, const char *command) {
    unsigned long long rate = 0, count = 0;
    if (sscanf(command, "run %llu %llu", &rate, &count) != 2 || rate == 0 || count == 0)
        fail(command, "is not run RATE COUNT");
    run(self, rate, count);
}

/* False at the end of the input. */
static bool take_commands(load_publisher *self) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 0) <= 0) return true;
    ssize_t got =
        read(STDIN_FILENO, self->command + self->command_length, COMMAND_BYTES - 1 - self->command_length);
    if (got <= 0) return false;
    self->command_length += (size_t)got;
    for (char *end; (end = memchr(self->command, '\n', self->command_length)) != NULL;) {
        size_t taken = (size_t)(end - self->command) + 1;
        *end = '\0';
        char one[COMMAND_BYTES];
        tw_text_copy(one, sizeof one, self->command);
        self->command_length -= taken;
        memmove(self->command, self->command + taken, self->command_length);
        obey(self, one);
    }
    if (self->command_length == COMMAND_BYTES - 1) fail("a command", "is too long");
    return true;
}

static void open_bus(load_publisher *self, const char *url) {
    natsStatus status = nats_poll_open(&self->bus, url);
    natsConnection *connection = self->bus.connection;
    if (status == NATS_OK)
        status = natsConnection_SubscribeSync(&self->one, connection, "snapshot." SYNTHETIC_MIC ".*.orderbook");
    if (status == NATS_OK)
        status = natsConnection_SubscribeSync(&self->all, connection, "snapshots." SYNTHETIC_MIC ".orderbook");
    if (status == NATS_OK) status = nats_poll_settle(&self->bus);
    if (status != NATS_OK) fail(url, natsStatus_GetText(status));
}

static void open_market(load_publisher *self, const char *symbols) {
    uint64_t count = 0;
    if (!tw_text_to_u64(symbols, &count) || count == 0 || count > 9999) fail(symbols, "is no number of 1 to 9999");
    self->subjects = calloc(count, sizeof *self->subjects);
    if (self->subjects == NULL ||
        !synthetic_alloc(&self->market, (uint32_t)count, (uint64_t)(schedule_clock_ns() / MILLION)))
        fail("memory", "there is none");
    for (uint32_t i = 0; i < count; i++) {
        char symbol[TW_SYMBOL_BYTES];
        synthetic_symbol(symbol, i);
        subject_instrument(self->subjects[i], SUBJECT_BYTES, SYNTHETIC_MIC, symbol, SUBJECT_ORDERBOOK);
    }
}

int main(int argc, char **argv) {
    static load_publisher self = {.bus.fd = -1};
    if (argc != 3) fail("usage", "load_publisher URL SYMBOLS");
    prctl(PR_SET_TIMERSLACK, 1UL);
    open_market(&self, argv[2]);
    open_bus(&self, argv[1]);
    puts("{\"ready\":true}");
    fflush(stdout);
    while (take_commands(&self)) {
        tell_feed(&self, schedule_clock_ns());
        nats_poll_write(&self.bus);
        wait_for_bus(&self, self.feed_due_ns, true);
    }
    nats_poll_close(&self.bus);
    nats_Close();
    synthetic_free(&self.market);
    free(self.subjects);
    return 0;
}
