/*
 * Many WebSocket clients in one process, for measuring what serves them: connects, subscribes, counts what comes.
 *
 *   load_clients PORT protobuf|json|nats CLIENTS [settings]
 *
 *   --path PATH          of the handshake; /v1/stream, for nats /
 *   --symbols S          of load_publisher; 1
 *   --each K             symbols that each client subscribes to; 1
 *   --first I            number of the first client: client i has symbols i * K, i * K + 1, … modulo S; 0
 *   --interval MS        of the subscriptions at the gateway; 0
 *   --look US            how often sockets are looked at when all are subscribed; 1000. See rest()
 *   --idle               subscribe to nothing
 *   --slow-every N       every Nth client is slow: half of them read nothing, the others a few KiB a second, until `wake`; 0
 *   --check              keep every book, check chain and checksum of every message (protobuf)
 *   --reconnect          come back after a moment when the connection ends
 *   --board FILE         show counts in this file all the time (board.h)
 *   --source ADDRESS     of the connections; 127.0.0.1
 *
 * Says {"ready":N,"ready_ms":…} when all are subscribed. Then, until its standard input ends:
 *
 *   report               one line of counts; `fast_` and `slow_` where they differ by that
 *   wake                 the slow ones read like the others from now on
 *   expect SEQ           how many books are not at the last seq that load_publisher's SEQ updates gave their symbols:
 *                        {"books":…,"behind":…} (with --check)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "benchmarks/gateway/check_books.h"
#include "benchmarks/gateway/counting.h"
#include "benchmarks/gateway/synthetic.h"
#include "benchmarks/gateway/websocket.h"
#include "proto/subject.h"

enum { READ_BYTES = 256 * 1024, EVENTS = 512, OPENING_AT_ONCE = 128, TEXT_BYTES = 64 * 1024 };
#define SLOW_PERIOD_NS INT64_C(50000000)
#define SLOW_BYTES     256 /* a period */
#define SLOW_BUFFER    8192
#define RECONNECT_NS   INT64_C(200000000)
#define NS_PER_SECOND  INT64_C(1000000000)
#define FD_OF_INPUT    UINT32_MAX

typedef enum client_phase {
    CLIENT_AWAY,
    CLIENT_CONNECTING,
    CLIENT_UPGRADING,
    CLIENT_SUBSCRIBING,
    CLIENT_READY
} client_phase;
typedef enum client_pace { PACE_FAST, PACE_SLOW, PACE_NOT_AT_ALL } client_pace;

typedef struct load_client {
    int fd;
    uint32_t number;
    client_phase phase;
    client_pace pace;
    bool was_ready;
    uint8_t *rest; /* of what was read and not taken */
    uint32_t rest_length;
    int64_t back_ns; /* AWAY: when to come back */
    counting counting;
    checked_book *books; /* --check: `each` of them */
} load_client;

typedef struct load_clients {
    uint16_t port;
    load_language language;
    uint32_t count, first, symbols, each, slow_every, interval_ms, look_us;
    bool idle, check, reconnect;
    const char *path, *board_path;
    struct in_addr source;
    int epoll;
    load_client *clients;
    uint32_t next_to_open, opening;
    int64_t start_ns, slow_due_ns, away_due_ns;
    load_board *board, own_board, slow_board;
    load_client *current; /* whose bytes are being taken */
    int64_t now_ns;
    wire_arena arena;
    char input[256];
    size_t input_length;
    bool told_ready, told_fault;
} load_clients;

static uint8_t read_buffer[2 * READ_BYTES];

static void fail(const char *what, const char *why) {
    fprintf(stderr, "load_clients: %s: %s\n", what, why);
    exit(1);
}

static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* ---- one connection's life ---- */

static void watch(load_clients *self, load_client *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - self->clients)};
    if (epoll_ctl(self->epoll, operation, c->fd, &event) != 0) fail("epoll", strerror(errno));
}

static load_board *board_of(load_clients *self, const load_client *c) {
    return c->pace == PACE_FAST ? self->board : &self->slow_board;
}

static void end(load_clients *self, load_client *c) {
    close(c->fd);
    free(c->rest);
    self->opening -= c->phase < CLIENT_READY;
    self->board->connected -= c->phase > CLIENT_CONNECTING;
    self->board->ready -= c->phase == CLIENT_READY;
    self->board->closed++;
    c->rest = NULL;
    c->rest_length = 0;
    c->fd = -1;
    c->phase = CLIENT_AWAY;
    c->counting = (counting){0};
    c->back_ns = self->now_ns + RECONNECT_NS + (int64_t)(c->number % 64) * (RECONNECT_NS / 64);
    if (!self->reconnect && !c->was_ready) fail("a connection", "ended before it was ready");
}

static void connect_client(load_clients *self, load_client *c) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = self->source};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(self->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, small = SLOW_BUFFER;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("a socket", strerror(errno));
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (c->pace != PACE_FAST) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0) fail("a local address", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        fail("connecting", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->phase = CLIENT_CONNECTING;
    self->opening++;
    watch(self, c, EPOLLOUT, EPOLL_CTL_ADD);
}

/* What is sent here is small and nothing else waits to be sent: a socket that does not take it is none. */
static void send_all(load_client *c, const void *bytes, size_t length) {
    if (send(c->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length && c->was_ready == false)
        fail("sending", strerror(errno));
}

static void send_frame(load_client *c, unsigned opcode, const void *payload, size_t length) {
    uint8_t frame[TEXT_BYTES + WS_HEAD_BYTES];
    if (length > TEXT_BYTES) fail("a frame", "is too long");
    send_all(c, frame, ws_write_frame(frame, opcode, payload, length));
}

static uint32_t symbol_of(const load_clients *self, const load_client *c, uint32_t place) {
    return (uint32_t)(((uint64_t)c->number * self->each + place) % self->symbols);
}

static void subject_of(const load_clients *self, const load_client *c, uint32_t place,
                       char subject[SUBJECT_BYTES]) {
    char symbol[TW_SYMBOL_BYTES];
    synthetic_symbol(symbol, symbol_of(self, c, place));
    subject_instrument(subject, SUBJECT_BYTES, SYNTHETIC_MIC, symbol, SUBJECT_ORDERBOOK);
}

static void subscribe_gateway(load_clients *self, load_client *c) {
    char text[TEXT_BYTES], subject[SUBJECT_BYTES];
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_u64(&w, "id", 1);
    json_string(&w, "op", self->idle ? "ping" : "subscribe");
    if (!self->idle) {
        json_u64(&w, "depth", SYNTHETIC_LEVELS);
        json_u64(&w, "interval_ms", self->interval_ms);
        json_open_array(&w, "subjects");
        for (uint32_t i = 0; i < self->each; i++) {
            subject_of(self, c, i, subject);
            json_string(&w, NULL, subject);
        }
        json_close_array(&w);
    }
    json_close_object(&w);
    if (!json_finish(&w)) fail("--each", "is more than one request can name");
    send_frame(c, WS_TEXT, text, w.length);
}

static void subscribe_nats(load_clients *self, load_client *c) {
    char text[TEXT_BYTES], subject[SUBJECT_BYTES];
    size_t length = 0;
    tw_text_copy(text, sizeof text, "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1}\r\n");
    length = strlen(text);
    for (uint32_t i = 0; i < self->each && !self->idle; i++) {
        subject_of(self, c, i, subject);
        if (!tw_text_format(text + length, sizeof text - length, "SUB %s %u\r\n", subject, i + 1))
            fail("--each", "is more than one request can name");
        length += strlen(text + length);
    }
    if (!tw_text_copy(text + length, sizeof text - length, "PING\r\n")) fail("--each", "is too many");
    send_frame(c, WS_TEXT, text, strlen(text));
}

static void on_connected(load_clients *self, load_client *c) {
    static const char *const subprotocols[] = {"tickwire.protobuf.v1", "tickwire.json.v1", NULL};
    char request[1024];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        if (!self->reconnect) fail("connecting", strerror(error));
        end(self, c);
        return;
    }
    self->board->connected++;
    c->phase = CLIENT_UPGRADING;
    ws_write_request(request, sizeof request, self->path, self->port, subprotocols[self->language]);
    send_all(c, request, strlen(request));
    watch(self, c, EPOLLIN, EPOLL_CTL_MOD);
}

/* How much of it is the answer to the handshake; 0: not all there. */
static size_t take_upgrade(load_clients *self, load_client *c, const uint8_t *bytes, size_t length) {
    const uint8_t *head_end = memmem(bytes, length, "\r\n\r\n", 4);
    if (head_end == NULL) return 0;
    if (length < 12 || memcmp(bytes + 8, " 101", 4) != 0) fail("the handshake", "was refused");
    c->phase = CLIENT_SUBSCRIBING;
    (self->language == LOAD_NATS ? subscribe_nats : subscribe_gateway)(self, c);
    return (size_t)(head_end - bytes) + 4;
}

/* ---- what comes ---- */

static void on_confirmed(void *context) {
    load_clients *self = context;
    load_client *c = self->current;
    if (c->phase != CLIENT_SUBSCRIBING) return;
    c->phase = CLIENT_READY;
    self->opening--;
    self->board->ready++;
    self->board->reconnects += c->was_ready;
    c->was_ready = true;
    if (c->pace != PACE_FAST) epoll_ctl(self->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    if (self->board->ready < self->count || self->told_ready) return;
    self->told_ready = true;
    self->board->ready_ns = (uint64_t)(clock_ns() - self->start_ns);
    printf("{\"ready\":%u,\"ready_ms\":%.1f}\n", self->count, (double)self->board->ready_ns / 1e6);
    fflush(stdout);
}

static void on_ping(void *context, const uint8_t *payload, size_t length) {
    send_frame(((load_clients *)context)->current, WS_PONG, payload, length);
}

static void on_nats_ping(void *context) {
    send_frame(((load_clients *)context)->current, WS_TEXT, "PONG\r\n", 6);
}

static void on_update(void *context, const uint8_t *bytes, size_t length) {
    load_clients *self = context;
    load_client *c = self->current;
    wire_stream_frame frame;
    const char *fault = "not a frame";
    if (wire_stream_frame_decode(bytes, length, &frame) == WIRE_OK)
        for (uint32_t i = 0; i < self->each; i++) {
            char subject[SUBJECT_BYTES];
            subject_of(self, c, i, subject);
            if (strlen(subject) != frame.subject_length ||
                memcmp(subject, frame.subject, frame.subject_length) != 0)
                continue;
            fault = check_book(&c->books[i], &self->arena, &frame);
            break;
        }
    if (fault == NULL) return;
    self->board->faults++;
    if (!self->told_fault) fprintf(stderr, "load_clients: client %u: an update %s\n", c->number, fault);
    self->told_fault = true;
}

static void keep_rest(load_client *c, const uint8_t *bytes, size_t length) {
    if (length > c->rest_length || length == 0) {
        free(c->rest);
        c->rest = length == 0 ? NULL : malloc(length);
        if (length > 0 && c->rest == NULL) fail("memory", "there is none");
    }
    if (length > 0) memcpy(c->rest, bytes, length);
    c->rest_length = (uint32_t)length;
}

static void take(load_clients *self, load_client *c, const uint8_t *bytes, size_t length) {
    const counting_events events = {.arena = &self->arena,
                                    .context = self,
                                    .on_update = self->check ? on_update : NULL,
                                    .on_confirmed = on_confirmed,
                                    .on_ping = on_ping,
                                    .on_nats_ping = on_nats_ping};
    size_t taken = 0;
    self->current = c;
    if (c->phase == CLIENT_UPGRADING) taken = take_upgrade(self, c, bytes, length);
    if (c->phase >= CLIENT_SUBSCRIBING)
        taken += counting_take(&c->counting, self->language, bytes + taken, length - taken, self->now_ns, &events,
                               board_of(self, c));
    keep_rest(c, bytes + taken, length - taken);
}

static void read_client(load_clients *self, load_client *c, size_t most) {
    size_t rest = c->rest_length;
    if (rest > READ_BYTES) fail("a frame", "is longer than any should be");
    if (rest > 0) memcpy(read_buffer, c->rest, rest);
    ssize_t got = recv(c->fd, read_buffer + rest, most, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        end(self, c);
        return;
    }
    load_board *board = board_of(self, c);
    board->bytes += (uint64_t)got;
    board->reads++;
    self->now_ns = clock_ns();
    take(self, c, read_buffer, rest + (size_t)got);
}

/* ---- on time ---- */

static void open_more(load_clients *self) {
    while (self->next_to_open < self->count && self->opening < OPENING_AT_ONCE)
        connect_client(self, &self->clients[self->next_to_open++]);
}

static void read_slowly(load_clients *self) {
    if (self->slow_every == 0 || self->now_ns < self->slow_due_ns) return;
    self->slow_due_ns = self->now_ns + SLOW_PERIOD_NS;
    for (uint32_t i = 0; i < self->count; i++)
        if (self->clients[i].pace == PACE_SLOW && self->clients[i].phase == CLIENT_READY)
            read_client(self, &self->clients[i], SLOW_BYTES);
}

static void come_back(load_clients *self) {
    if (!self->reconnect || self->now_ns < self->away_due_ns) return;
    self->away_due_ns = self->now_ns + RECONNECT_NS / 20;
    for (uint32_t i = 0; i < self->next_to_open && self->opening < OPENING_AT_ONCE; i++)
        if (self->clients[i].phase == CLIENT_AWAY && self->now_ns >= self->clients[i].back_ns)
            connect_client(self, &self->clients[i]);
}

/* ---- commands ---- */

static void wake(load_clients *self) {
    for (uint32_t i = 0; i < self->count; i++) {
        load_client *c = &self->clients[i];
        if (c->pace == PACE_FAST || c->phase != CLIENT_READY) continue;
        watch(self, c, EPOLLIN, EPOLL_CTL_ADD);
    }
    self->slow_every = 0;
}

static void add_board(json_writer *w, const char *name, const load_board *board) {
    json_open_object(w, name);
    json_u64(w, "updates", board->updates);
    json_u64(w, "snapshots", board->snapshots);
    json_u64(w, "merged", board->merged);
    json_u64(w, "bytes", board->bytes);
    json_u64(w, "reads", board->reads);
    json_u64(w, "faults", board->faults);
    json_u64(w, "p50_us", tw_histogram_quantile(&board->latency, 500) / 1000);
    json_u64(w, "p99_us", tw_histogram_quantile(&board->latency, 990) / 1000);
    json_close_object(w);
}

static void report(const load_clients *self) {
    char text[2048];
    json_writer w;
    json_start(&w, text, sizeof text);
    json_open_object(&w, NULL);
    json_u64(&w, "connected", self->board->connected);
    json_u64(&w, "subscribed", self->board->ready);
    json_u64(&w, "closed", self->board->closed);
    json_u64(&w, "reconnects", self->board->reconnects);
    add_board(&w, "fast", self->board);
    add_board(&w, "slow", &self->slow_board);
    json_close_object(&w);
    if (!json_finish(&w)) fail("a report", "is too long");
    puts(text);
    fflush(stdout);
}

static void expect(const load_clients *self, uint64_t published) {
    uint32_t books = 0, behind = 0;
    for (uint32_t i = 0; i < self->count && self->check; i++)
        for (uint32_t k = 0; k < self->each; k++, books++) {
            uint32_t symbol = symbol_of(self, &self->clients[i], k);
            const checked_book *book = &self->clients[i].books[k];
            behind += !book->known || book->header.seq != synthetic_last_seq(published, self->symbols, symbol);
        }
    printf("{\"books\":%u,\"behind\":%u}\n", books, behind);
    fflush(stdout);
}

static void obey(load_clients *self, const char *command) {
    unsigned long long published;
    if (strcmp(command, "report") == 0)
        report(self);
    else if (strcmp(command, "wake") == 0)
        wake(self);
    else if (sscanf(command, "expect %llu", &published) == 1)
        expect(self, published);
    else
        fail(command, "is no command");
}

/* False at the end of the input. */
static bool take_commands(load_clients *self) {
    ssize_t got = read(STDIN_FILENO, self->input + self->input_length, sizeof self->input - 1 - self->input_length);
    if (got <= 0) return false;
    self->input_length += (size_t)got;
    for (char *line_end; (line_end = memchr(self->input, '\n', self->input_length)) != NULL;) {
        *line_end = '\0';
        obey(self, self->input);
        self->input_length -= (size_t)(line_end - self->input) + 1;
        memmove(self->input, line_end + 1, self->input_length);
    }
    return self->input_length < sizeof self->input - 1;
}

/* ---- the loop ---- */

static void on_ready_event(load_clients *self, const struct epoll_event *event) {
    load_client *c = &self->clients[event->data.u32];
    if (c->fd < 0) return;
    if (c->phase == CLIENT_CONNECTING)
        on_connected(self, c);
    else
        read_client(self, c, READ_BYTES);
}

/* Sockets are read once in a millisecond, all that have something, instead of each as soon as it has: a process that waits is woken by whoever
 * writes to one of its sockets, at that one's cost. Clients elsewhere cost a server no such time, and here it would be more than what it
 * writes. A full lot of events is no reason to rest. */
static void rest(const load_clients *self, int count) {
    struct timespec pause = {.tv_nsec = (long)self->look_us * 1000};
    if (self->told_ready && self->look_us > 0 && count < EVENTS) nanosleep(&pause, NULL);
}

static void run(load_clients *self) {
    struct epoll_event events[EVENTS];
    bool timed = self->slow_every > 0 || self->reconnect;
    for (bool goes_on = true; goes_on;) {
        open_more(self);
        int count = epoll_wait(self->epoll, events, EVENTS, timed ? 10 : 1000);
        self->now_ns = clock_ns();
        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == FD_OF_INPUT)
                goes_on = take_commands(self);
            else
                on_ready_event(self, &events[i]);
        }
        read_slowly(self);
        come_back(self);
        rest(self, count);
    }
}

/* ---- settings ---- */

static uint32_t number_of(const char *text, const char *what, uint64_t most) {
    uint64_t value = 0;
    if (text == NULL || !tw_text_to_u64(text, &value) || value > most) fail(what, "wants a number in its range");
    return (uint32_t)value;
}

static bool parse_flag(load_clients *self, const char *word) {
    if (strcmp(word, "--idle") == 0)
        self->idle = true;
    else if (strcmp(word, "--check") == 0)
        self->check = true;
    else if (strcmp(word, "--reconnect") == 0)
        self->reconnect = true;
    else
        return false;
    return true;
}

static void parse_setting(load_clients *self, const char *word, const char *value) {
    if (strcmp(word, "--path") == 0)
        self->path = value;
    else if (strcmp(word, "--board") == 0)
        self->board_path = value;
    else if (strcmp(word, "--symbols") == 0)
        self->symbols = number_of(value, word, 9999);
    else if (strcmp(word, "--each") == 0)
        self->each = number_of(value, word, 1000);
    else if (strcmp(word, "--first") == 0)
        self->first = number_of(value, word, UINT32_MAX / 2);
    else if (strcmp(word, "--interval") == 0)
        self->interval_ms = number_of(value, word, 60000);
    else if (strcmp(word, "--look") == 0)
        self->look_us = number_of(value, word, 999999);
    else if (strcmp(word, "--slow-every") == 0)
        self->slow_every = number_of(value, word, UINT32_MAX);
    else if (strcmp(word, "--source") == 0 && value != NULL && inet_pton(AF_INET, value, &self->source) == 1)
        return;
    else
        fail(word, "is no setting, or has no value that makes sense");
}

static void parse(load_clients *self, int argc, char **argv) {
    static const char *const languages[] = {"protobuf", "json", "nats"};
    if (argc < 4) fail("usage", "load_clients PORT protobuf|json|nats CLIENTS [settings]");
    self->port = (uint16_t)number_of(argv[1], "PORT", 65535);
    self->count = number_of(argv[3], "CLIENTS", 1000000);
    while (self->language <= LOAD_NATS && strcmp(argv[2], languages[self->language]) != 0)
        self->language++;
    if (self->language > LOAD_NATS) fail(argv[2], "is not protobuf, json or nats");
    self->path = self->language == LOAD_NATS ? "/" : "/v1/stream";
    for (int i = 4; i < argc; i++)
        if (!parse_flag(self, argv[i])) parse_setting(self, argv[i], i + 1 < argc ? argv[i + 1] : NULL), i++;
    if (self->symbols == 0 || self->each == 0 || self->each > self->symbols)
        fail("--each", "is more than --symbols");
    if (self->check && self->language != LOAD_PROTOBUF) fail("--check", "reads protobuf");
}

static load_board *open_board(load_clients *self) {
    if (self->board_path == NULL) return &self->own_board;
    int fd = open(self->board_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(load_board)) != 0) fail(self->board_path, strerror(errno));
    void *shared = mmap(NULL, sizeof(load_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) fail(self->board_path, strerror(errno));
    return shared;
}

static void prepare(load_clients *self) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    self->board = open_board(self);
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->clients = calloc(self->count, sizeof *self->clients);
    if (self->clients == NULL || !wire_arena_init(&self->arena, WIRE_MAX_BYTES)) fail("memory", "there is none");
    for (uint32_t i = 0; i < self->count; i++) {
        load_client *c = &self->clients[i];
        bool slow = self->slow_every > 0 && i % self->slow_every == self->slow_every - 1;
        c->fd = -1;
        c->number = self->first + i;
        c->pace = !slow ? PACE_FAST : i / self->slow_every % 2 == 0 ? PACE_NOT_AT_ALL : PACE_SLOW;
        if (self->check && (c->books = calloc(self->each, sizeof *c->books)) == NULL)
            fail("memory", "there is none");
    }
    struct epoll_event input = {.events = EPOLLIN, .data.u32 = FD_OF_INPUT};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) fail("standard input", "is no pipe");
    self->start_ns = self->now_ns = clock_ns();
}

int main(int argc, char **argv) {
    static load_clients self = {.symbols = 1, .each = 1, .look_us = 1000};
    self.source.s_addr = htonl(INADDR_LOOPBACK);
    prctl(PR_SET_TIMERSLACK, 1UL);
    parse(&self, argc, argv);
    prepare(&self);
    run(&self);
    report(&self);
    for (uint32_t i = 0; i < self.count; i++)
        free(self.clients[i].books), free(self.clients[i].rest);
    free(self.clients);
    wire_arena_fini(&self.arena);
    return 0;
}
