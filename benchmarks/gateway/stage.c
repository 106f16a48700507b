/* Starting everybody, and trials. */
#include "benchmarks/gateway/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "benchmarks/ingest/span.h"

#define START_MS      60000
#define QUIET_NS      UINT64_C(1500000000) /* nothing came for so long: nothing more comes */
#define MOST_DRAIN_NS UINT64_C(10000000000)
#define QUIET_LOOK_US 250000
#define LOOK_US       20000
#define SETTLE_US     300000
#define WARM_UP_RATE  2000u

void stage_configure_server(stage *self, char *text, size_t capacity) {
    self->nats_websocket_port = nats_process_free_port();
    tw_text_format(text, capacity, "websocket { listen: \"127.0.0.1:%u\", no_tls: true }\n",
                   self->nats_websocket_port);
}

/* ---- the publisher ---- */

static void say(stage *self, const child *to, const char *name, const char *line) {
    if (!child_say(to, line)) harness_fail(self->harness, name, "is gone");
}

static void publish(stage *self, uint64_t rate, uint64_t count, char line[CHILD_LINE_BYTES]) {
    char text[64];
    tw_text_format(text, sizeof text, "run %llu %llu", (unsigned long long)rate, (unsigned long long)count);
    say(self, &self->publisher, "publisher", text);
    int most_ms = (int)(1000 * count / rate) + START_MS;
    harness_await(self->harness, &self->publisher, "publisher", "\"published\"", most_ms, line);
}

void stage_start_publisher(stage *self, uint32_t symbols) {
    char count[16], line[CHILD_LINE_BYTES];
    command start;
    self->symbols = symbols;
    tw_text_format(count, sizeof count, "%u", symbols);
    command_init(&start, self->harness, "benchmarks/load_publisher");
    command_add_all(&start, (const char *const[]){self->harness->server.url, count, NULL});
    harness_launch_listening(self->harness, &self->publisher, &start, STDOUT_FILENO);
    harness_await(self->harness, &self->publisher, "publisher", "\"ready\"", START_MS, line);
    publish(self, WARM_UP_RATE, symbols, line);
}

void stage_stop_publisher(stage *self) {
    child_wait(&self->publisher);
}

/* ---- gateways ---- */

void stage_start_gateway(stage *self, const char *const *settings, bool share) {
    child *gateway = &self->gateways[self->gateway_count++];
    char port[16], line[CHILD_LINE_BYTES];
    command start;
    if (self->gateway_count == 1) self->gateway_port = nats_process_free_port();
    tw_text_format(port, sizeof port, "%u", self->gateway_port);
    command_init(&start, self->harness, "gateways/tickwire-gateway");
    command_add_all(&start, (const char *const[]){"--nats", self->harness->server.url, "--port", port,
                                                  "--log-format", "json", "--anonymous", "XNAS.>,feed.>", NULL});
    if (share) command_add(&start, "--share-port");
    command_add_all(&start, settings);
    harness_launch(self->harness, gateway, &start, STDERR_FILENO);
    harness_await(self->harness, gateway, "gateway", "gateway serves", START_MS, line);
}

void stage_stop_gateways(stage *self) {
    for (uint32_t i = 0; i < self->gateway_count; i++) {
        if (self->gateways[i].pid == 0) continue;
        kill(self->gateways[i].pid, SIGKILL);
        child_wait(&self->gateways[i]);
    }
    self->gateway_count = 0;
}

/* ---- clients ---- */

static load_board *share_board(stage *self, const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(load_board)) != 0) harness_fail(self->harness, path, strerror(errno));
    void *shared = mmap(NULL, sizeof(load_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) harness_fail(self->harness, path, strerror(errno));
    return shared;
}

static void start_crowd(stage *self, uint32_t number, const char *who, uint32_t first,
                        const char *const *settings) {
    stage_crowd *crowd = &self->crowds[number];
    bool nats = strcmp(who, "nats") == 0;
    char board[128], texts[5][16];
    uint32_t numbers[5] = {nats ? self->nats_websocket_port : self->gateway_port, crowd->clients, self->symbols,
                           self->each, first};
    command start;
    tw_text_format(board, sizeof board, "%s/board%u", self->harness->folder, number);
    for (int i = 0; i < 5; i++)
        tw_text_format(texts[i], sizeof texts[i], "%u", numbers[i]);
    crowd->board = share_board(self, board);
    command_init(&start, self->harness, "benchmarks/load_clients");
    command_add_all(&start, (const char *const[]){texts[0], who, texts[1], "--symbols", texts[2], "--each",
                                                  texts[3], "--first", texts[4], "--board", board, NULL});
    command_add_all(&start, settings);
    harness_launch_listening(self->harness, &crowd->process, &start, STDOUT_FILENO);
}

double stage_start_clients(stage *self, const char *who, uint32_t clients, uint32_t crowds, uint32_t each,
                           const char *const *settings) {
    char line[CHILD_LINE_BYTES];
    double slowest_ms = 0;
    self->clients = clients;
    self->each = each;
    self->crowd_count = crowds;
    for (uint32_t i = 0, first = 0; i < crowds; first += self->crowds[i++].clients) {
        self->crowds[i].clients = clients / crowds + (i < clients % crowds);
        start_crowd(self, i, who, first, settings);
    }
    for (uint32_t i = 0; i < crowds; i++) {
        harness_await(self->harness, &self->crowds[i].process, "clients", "\"ready\"", START_MS, line);
        double ms = harness_number(line, "ready_ms");
        slowest_ms = ms > slowest_ms ? ms : slowest_ms;
    }
    usleep(SETTLE_US);
    return slowest_ms;
}

void stage_stop_clients(stage *self) {
    for (uint32_t i = 0; i < self->crowd_count; i++) {
        child_wait(&self->crowds[i].process);
        munmap(self->crowds[i].board, sizeof(load_board));
    }
    self->crowd_count = 0;
}

/* ---- the taker ---- */

void stage_start_taker(stage *self) {
    char port[16], line[CHILD_LINE_BYTES];
    command start;
    tw_text_format(port, sizeof port, "%u", self->harness->server.port);
    command_init(&start, self->harness, "benchmarks/load_taker");
    command_add(&start, port);
    self->clients = self->each = 0;
    harness_launch_listening(self->harness, &self->taker, &start, STDOUT_FILENO);
    harness_await(self->harness, &self->taker, "taker", "\"ready\"", START_MS, line);
}

void stage_stop_taker(stage *self) {
    child_wait(&self->taker);
}

/* ---- trials ---- */

static load_board sum_of_boards(const stage *self) {
    load_board sum = {0};
    for (uint32_t i = 0; i < self->crowd_count; i++) {
        const load_board *board = self->crowds[i].board;
        sum.updates += board->updates;
        sum.merged += board->merged;
        sum.bytes += board->bytes;
        sum.reads += board->reads;
        sum.faults += board->faults;
        sum.closed += board->closed;
        tw_histogram_merge(&sum.latency, &board->latency);
    }
    return sum;
}

static tw_histogram latency_between(const tw_histogram *before, const tw_histogram *after) {
    tw_histogram between = *after;
    between.count -= before->count;
    for (unsigned i = 0; i < TW_HISTOGRAM_SLOTS; i++)
        between.slots[i] -= before->slots[i];
    return between;
}

static void drain(stage *self, uint64_t updates) {
    uint64_t begin_ns = span_now_ns(), quiet_since_ns = begin_ns, seen = 0;
    while (seen < updates && span_now_ns() - quiet_since_ns < QUIET_NS &&
           span_now_ns() - begin_ns < MOST_DRAIN_NS) {
        load_board now = sum_of_boards(self);
        if (now.updates != seen) quiet_since_ns = span_now_ns();
        seen = now.updates;
        usleep(LOOK_US);
    }
}

typedef struct cpu_times {
    double gateway, server, clients, publisher;
    double all; /* the machine's, whoever used it */
} cpu_times;

/* User and system time of all cores; what the kernel does for the network beside any process is not in it, nor in the
 * time of processes. */
static double machine_cpu_s(void) {
    unsigned long long user = 0, nice = 0, system = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) return 0;
    bool read = fscanf(file, "cpu %llu %llu %llu", &user, &nice, &system) == 3;
    fclose(file);
    return read ? (double)(user + nice + system) / (double)sysconf(_SC_CLK_TCK) : 0;
}

static cpu_times read_cpu(const stage *self) {
    cpu_times times = {.server = process_cpu_s(self->harness->server.pid),
                       .publisher = process_cpu_s(self->publisher.pid),
                       .all = machine_cpu_s()};
    for (uint32_t i = 0; i < self->gateway_count; i++)
        times.gateway += process_cpu_s(self->gateways[i].pid);
    for (uint32_t i = 0; i < self->crowd_count; i++)
        times.clients += process_cpu_s(self->crowds[i].process.pid);
    return times;
}

static cpu_times cpu_between(const cpu_times *before, const cpu_times *after) {
    return (cpu_times){.gateway = after->gateway - before->gateway,
                       .server = after->server - before->server,
                       .clients = after->clients - before->clients,
                       .publisher = after->publisher - before->publisher,
                       .all = after->all - before->all};
}

static double others_of(const cpu_times *used) {
    double others = used->all - used->gateway - used->server - used->clients - used->publisher;
    return others > 0 ? others : 0;
}

void stage_await_quiet(stage *self, double seconds) {
    for (int looks = (int)(seconds * 1e6 / QUIET_LOOK_US); looks > 0; looks--) {
        cpu_times before = read_cpu(self);
        usleep(QUIET_LOOK_US);
        cpu_times after = read_cpu(self), used = cpu_between(&before, &after);
        if (others_of(&used) / (QUIET_LOOK_US / 1e6) <= STAGE_QUIET_CORES) return;
    }
}

static double load_average(void) {
    double load = 0;
    return getloadavg(&load, 1) == 1 ? load : 0;
}

static double per(double amount, double of) {
    return of > 0 ? amount / of : 0;
}

trial stage_try(stage *self, double rate, double seconds) {
    char line[CHILD_LINE_BYTES];
    uint64_t rounds = (uint64_t)(rate * seconds / self->symbols);
    uint64_t count =
        (rounds > 0 ? rounds : 1) * self->symbols; /* all symbols as often: every client's share is known */
    double due = (double)count * self->clients * self->each / self->symbols;
    load_board before = sum_of_boards(self);
    cpu_times cpu_before = read_cpu(self);
    uint64_t begin_ns = span_now_ns();
    publish(self, (uint64_t)rate, count, line);
    drain(self, before.updates + (uint64_t)due);
    double took_s = harness_number(line, "took_s"), wall_s = (double)(span_now_ns() - begin_ns) / 1e9;
    load_board after = sum_of_boards(self);
    cpu_times cpu_after = read_cpu(self), cpu = cpu_between(&cpu_before, &cpu_after);
    tw_histogram latency = latency_between(&before.latency, &after.latency);
    double delivered = (double)(after.updates - before.updates);
    return (trial){.rate = rate,
                   .clients = self->clients,
                   .published = (double)count / took_s,
                   .due = due,
                   .delivered = delivered,
                   .merged = (double)(after.merged - before.merged),
                   .delivered_per_s = delivered / took_s,
                   .p50_ms = (double)tw_histogram_quantile(&latency, 500) / 1e6,
                   .p99_ms = (double)tw_histogram_quantile(&latency, 990) / 1e6,
                   .payload_bytes = harness_number(line, "payload_bytes"),
                   .bytes_per_update = per((double)(after.bytes - before.bytes), delivered),
                   .updates_per_read = per(delivered, (double)(after.reads - before.reads)),
                   .late_p99_us = harness_number(line, "late_p99_us"),
                   .gateway_cpu = cpu.gateway / wall_s,
                   .server_cpu = cpu.server / wall_s,
                   .client_cpu = cpu.clients / wall_s,
                   .publisher_cpu = cpu.publisher / wall_s,
                   .wall_s = wall_s,
                   .count = (double)count,
                   .others_cpu = others_of(&cpu) / wall_s,
                   .serving_cpu_us = per((cpu.gateway + cpu.server) * 1e6, delivered),
                   .load = load_average(),
                   .faults = after.faults - before.faults,
                   .closed = after.closed - before.closed};
}
