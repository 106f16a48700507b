/*
 * tickwire serve-feed: an exchange's side of a feed with redundant lines. A recording or a simulated day is sent as
 * MoldUDP64 on line A and, if asked for, on line B, each with faults of its own by seed; a request server answers from
 * everything sent so far, without faults.
 *
 *      messages --> packet --+--> faults A --> group A
 *             \              +--> faults B --> group B
 *              +--> store --> request server
 *
 * One thread, turns of about a millisecond. SIGINT and SIGTERM come through a descriptor, so one poll waits for them,
 * for requests and for the next turn.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
#include "ingest/line/mold_request_server.h"
#include "ingest/source/udp_exchange.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/mold_packet.h"
#include "tools/serve/fault_text.h"
#include "tools/serve/feed_input.h"
#include "tools/serve/feed_line.h"
#include "tools/serve/feed_store.h"
#include "tools/simulate/pacing.h"
#include "tools/simulate/session_name.h"

#define EXIT_USAGE        2
#define TURN_NS           INT64_C(1000000)
#define END_PERIOD_NS     INT64_C(100000000)
#define REQUESTS_PER_TURN 64
#define MAX_PACKET_BYTES  65507u

typedef struct serve_settings {
    const char *source, *to, *to_b, *requests, *session;
    bool simulate;
    uint64_t seed, symbols, messages, rate, packet_bytes, fault_seed;
    int64_t heartbeat_ns, wait_ns, linger_ns;
    const char *faults[FAULT_KINDS];
} serve_settings;

#define AT(field) offsetof(serve_settings, field)
static const setting table[] = {
    {"source", SETTING_TEXT, AT(source), "", "file:PATH", "the recording to serve: BinaryFILE, also packed", NULL,
     0, 0},
    {"simulate", SETTING_FLAG, AT(simulate), "false", NULL, "serve a simulated day instead of a recording", NULL, 0,
     0},
    {"seed", SETTING_COUNT, AT(seed), "1", "N", "of the simulated day", NULL, 0, 0},
    {"symbols", SETTING_COUNT, AT(symbols), "100", "N", "of the simulated day", NULL, 1, SIM_MAX_SYMBOLS},
    {"messages", SETTING_COUNT, AT(messages), "1M", "N", "of the simulated day, exactly", NULL, 1,
     INT64_C(1000000000)},
    {"to", SETTING_TEXT, AT(to), NULL, "WHERE", "line A: udp://GROUP:PORT[@INTERFACE]", NULL, 0, 0},
    {"to-b", SETTING_TEXT, AT(to_b), "", "WHERE", "line B; without it there is one line", NULL, 0, 0},
    {"requests", SETTING_TEXT, AT(requests), "", "HOST:PORT", "where the request server hears; without it, none",
     NULL, 0, 0},
    {"rate", SETTING_COUNT, AT(rate), "100k", "N", "messages a second", NULL, 1, 1000000000},
    {"session", SETTING_TEXT, AT(session), "0000000001", "NAME", "MoldUDP64 session, at most ten characters", NULL,
     0, 0},
    {"heartbeat", SETTING_DURATION, AT(heartbeat_ns), "1s", "TIME",
     "a heartbeat is sent when nothing else was for so long", NULL, 1000000, INT64_C(3600000000000)},
    {"wait", SETTING_DURATION, AT(wait_ns), "0s", "TIME", "heartbeats only for so long before the first message",
     NULL, 0, INT64_C(86400000000000)},
    {"linger", SETTING_DURATION, AT(linger_ns), "2s", "TIME",
     "after the last message, how long the end is told and requests are answered", NULL, 0,
     INT64_C(86400000000000)},
    {"mtu", SETTING_COUNT, AT(packet_bytes), "1400", "BYTES", "largest UDP payload", NULL, 72, MAX_PACKET_BYTES},
    {"fault-seed", SETTING_COUNT, AT(fault_seed), "1", "N", "the same seed gives the same faults", NULL, 0, 0},
    {"loss", SETTING_TEXT, AT(faults[FAULT_LOSS]), "", "CHANCE",
     "packets lost: 5%, or by line A:5%,B:1% (so with all faults)", NULL, 0, 0},
    {"burst-loss", SETTING_TEXT, AT(faults[FAULT_BURST_LOSS]), "", "CHANCE/N",
     "a burst of losses begins, N packets long on average: 0.1%/20", NULL, 0, 0},
    {"reorder", SETTING_TEXT, AT(faults[FAULT_REORDER]), "", "CHANCE/N", "moved back behind 1 to N packets: 2%/8",
     NULL, 0, 0},
    {"duplicate", SETTING_TEXT, AT(faults[FAULT_DUPLICATE]), "", "CHANCE", "sent twice: 1%", NULL, 0, 0},
    {"regroup", SETTING_TEXT, AT(faults[FAULT_REGROUP]), "", "N", "packets are cut anew into 1 to N messages", NULL,
     0, 0},
    {"corrupt", SETTING_TEXT, AT(faults[FAULT_CORRUPT]), "", "CHANCE", "1 to 4 bytes are changed: 0.1%", NULL, 0,
     0},
    {"silence", SETTING_TEXT, AT(faults[FAULT_SILENCE]), "", "EVERY/FOR",
     "the line is silent for so long, so far apart on average: 10s/500ms", NULL, 0, 0},
    {0}};

static const settings_program program = {
    .name = "tickwire serve-feed",
    .summary = "Serves a recording or a simulated day as a MoldUDP64 A/B pair with a request server.",
    .usage = "--to WHERE (--source file:PATH | --simulate) [settings]",
    .environment = "TICKWIRE_SERVE_FEED",
    .epilogue =
        "Examples:\n"
        "  tickwire serve-feed --simulate --to udp://239.1.2.3:26400@lo --to-b udp://239.1.2.4:26400@lo \\\n"
        "      --requests 127.0.0.1:26500 --loss 5% --reorder 2%/8 --fault-seed 7\n"
        "  tickwire serve-feed --source file:01302020.NASDAQ_ITCH50.gz --to udp://239.1.2.3:26400@lo\n",
    .table = table,
};

/* One run of the command: the settings, where it stands, what it sends to. */
typedef struct run {
    serve_settings settings;
    location to[FAULT_LINES], requests;
    uint32_t line_count;
    faults_options faults[FAULT_LINES];
    feed_input *input;
    feed_store store;
    feed_line *lines[FAULT_LINES];
    udp_exchange *exchange; /* NULL without --requests */
    mold_request_server server;
    int signal_fd;
    bool stopped;       /* by a signal */
    mold_packet packet; /* the one being filled, in packet_bytes */
    int64_t last_sent_ns;
    uint64_t packets;
    uint8_t packet_bytes[MAX_PACKET_BYTES];
    uint8_t answer[MAX_PACKET_BYTES];
} run;

/* ---- requests and rest ---- */

static tw_code answer_requests(run *self, tw_error *error) {
    for (int i = 0; i < REQUESTS_PER_TURN; i++) {
        udp_message request;
        size_t bytes = 0;
        tw_code code = udp_exchange_receive(self->exchange, &request, error);
        if (code != TW_OK || request.bytes == NULL) return code;
        mold_request_answer(&self->server, request.bytes, request.length, self->packet.next - self->packet.count,
                            self->answer, self->settings.packet_bytes, &bytes);
        if (bytes > 0) udp_exchange_answer(self->exchange, self->answer, bytes);
    }
    return TW_OK;
}

/* Waits at most so long for a request or a signal, and takes what came. */
static tw_code rest(run *self, int64_t span_ns, tw_error *error) {
    if (span_ns < 0) span_ns = 0;
    struct timespec span = {.tv_sec = span_ns / TW_NS_PER_SECOND, .tv_nsec = span_ns % TW_NS_PER_SECOND};
    struct pollfd wanted[2] = {{.fd = self->signal_fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (self->exchange != NULL) wanted[1].fd = udp_exchange_fd(self->exchange);
    if (ppoll(wanted, 2, &span, NULL) < 0 && errno != EINTR) return tw_error_set_errno(error, errno, "waiting");
    if (wanted[0].revents != 0) self->stopped = true;
    return wanted[1].revents != 0 ? answer_requests(self, error) : TW_OK;
}

/* ---- packets ---- */

static tw_code to_lines(run *self, size_t length, tw_error *error) {
    int64_t now_ns = rt_clock_monotonic_ns();
    self->packets++;
    self->last_sent_ns = now_ns;
    for (uint32_t i = 0; i < self->line_count; i++) {
        tw_code code = feed_line_packet(self->lines[i], self->packet_bytes, length, now_ns, error);
        if (code != TW_OK) return code;
    }
    return TW_OK;
}

/* The packet being filled is whole. */
static tw_code packet_finish(run *self, tw_error *error) {
    size_t length = mold_packet_finish(&self->packet);
    return length == 0 ? TW_OK : to_lines(self, length, error);
}

static tw_code add_message(run *self, const uint8_t *message, uint16_t length, tw_error *error) {
    if (!feed_store_append(&self->store, message, length))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for what the request server answers");
    for (int attempt = 0; attempt < 2; attempt++) {
        if (mold_packet_add(&self->packet, message, length)) return TW_OK;
        tw_code code = packet_finish(self, error);
        if (code != TW_OK) return code;
    }
    return tw_error_set(error, TW_INVALID, "a message of %u bytes fits no packet of --mtu", length);
}

static tw_code flush(run *self, tw_error *error) {
    tw_code code = packet_finish(self, error);
    for (uint32_t i = 0; code == TW_OK && i < self->line_count; i++)
        code = feed_line_flush(self->lines[i], error);
    return code;
}

/* A packet without messages: heartbeat or end. What the faults hold back goes first, for there is a pause. */
static tw_code signal_lines(run *self, uint16_t count, tw_error *error) {
    tw_code code = flush(self, error);
    if (code != TW_OK) return code;
    code = to_lines(self, mold_packet_signal(&self->packet, count), error);
    for (uint32_t i = 0; code == TW_OK && i < self->line_count; i++)
        code = feed_line_settle(self->lines[i], rt_clock_monotonic_ns(), error);
    return code;
}

/* ---- playing ---- */

/* Until `until_ns`, a signal of `count` whenever nothing was sent for `period_ns`. */
static tw_code idle_until(run *self, int64_t until_ns, int64_t period_ns, uint16_t count, tw_error *error) {
    tw_code code = TW_OK;
    int64_t now_ns = rt_clock_monotonic_ns();
    for (; code == TW_OK && now_ns < until_ns && !self->stopped; now_ns = rt_clock_monotonic_ns()) {
        int64_t due_ns = self->last_sent_ns + period_ns;
        if (now_ns >= due_ns)
            code = signal_lines(self, count, error);
        else
            code = rest(self, (due_ns < until_ns ? due_ns : until_ns) - now_ns, error);
    }
    return code;
}

static tw_code send_messages(run *self, uint64_t count, bool *more, tw_error *error) {
    while (count-- > 0) {
        const uint8_t *message;
        uint16_t length = 0;
        tw_code code = feed_input_next(self->input, &message, &length, error);
        *more = code == TW_OK && message != NULL;
        if (*more) code = add_message(self, message, length, error);
        if (code != TW_OK) return code;
        if (!*more) break;
    }
    return flush(self, error);
}

static tw_code play(run *self, tw_error *error) {
    sim_pacing pacing;
    sim_pacing_start(&pacing, self->settings.rate, rt_clock_monotonic_ns());
    tw_code code = TW_OK;
    for (bool more = true; more && code == TW_OK && !self->stopped;) {
        int64_t now_ns = rt_clock_monotonic_ns();
        uint64_t count = sim_pacing_turn(&pacing, now_ns);
        if (count > 0) code = send_messages(self, count, &more, error);
        int64_t due_ns = sim_pacing_due_ns(&pacing);
        if (due_ns < now_ns + TURN_NS) due_ns = now_ns + TURN_NS;
        if (code == TW_OK) code = rest(self, 0, error);
        if (code == TW_OK && more) code = idle_until(self, due_ns, self->settings.heartbeat_ns, 0, error);
    }
    return code;
}

static tw_code play_session(run *self, tw_error *error) {
    int64_t now_ns = rt_clock_monotonic_ns();
    self->packet.bytes = self->packet_bytes;
    self->packet.capacity = self->settings.packet_bytes;
    mold_packet_start(&self->packet, self->settings.session, 1);
    self->last_sent_ns = now_ns - self->settings.heartbeat_ns;
    tw_code code = idle_until(self, now_ns + self->settings.wait_ns, self->settings.heartbeat_ns, 0, error);
    if (code == TW_OK && !self->stopped) code = play(self, error);
    if (code != TW_OK || self->stopped) return code;
    code = signal_lines(self, MOLDUDP64_END_OF_SESSION, error);
    if (code != TW_OK) return code;
    return idle_until(self, rt_clock_monotonic_ns() + self->settings.linger_ns, END_PERIOD_NS,
                      MOLDUDP64_END_OF_SESSION, error);
}

static void tell(const run *self) {
    static const char *const names[FAULT_LINES] = {"A", "B"};
    fprintf(stderr, "%s: %zu messages in %" PRIu64 " packets\n", self->stopped ? "stopped" : "done",
            self->store.count, self->packets);
    for (uint32_t i = 0; i < self->line_count && i < FAULT_LINES; i++) {
        faults_stats s = feed_line_stats(self->lines[i]);
        fprintf(stderr,
                "line %s: %" PRIu64 " packets; lost %" PRIu64 ", in bursts %" PRIu64 ", in silence %" PRIu64
                ", duplicated %" PRIu64 ", reordered %" PRIu64 ", corrupted %" PRIu64 "\n",
                names[i], s.out, s.lost, s.burst_lost, s.silenced, s.duplicated, s.reordered, s.corrupted);
    }
    if (self->exchange == NULL) return;
    uint64_t refused = 0;
    for (int i = MOLD_REQUEST_ANSWERED + 1; i < MOLD_REQUEST_RESULTS; i++)
        refused += self->server.results[i];
    fprintf(stderr, "requests: %" PRIu64 " answered with %" PRIu64 " messages, %" PRIu64 " not answered\n",
            self->server.results[MOLD_REQUEST_ANSWERED], self->server.messages, refused);
}

/* ---- setting up ---- */

static tw_code check_line(const char *name, const char *text, location *where, tw_error *error) {
    if (location_parse(text, where, error) != TW_OK) return tw_error_wrap(error, "--%s", name);
    if (where->kind == LOCATION_UDP) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--%s: a line is udp://GROUP:PORT[@INTERFACE]", name);
}

static tw_code check_faults(run *self, tw_error *error) {
    for (uint32_t i = 0; i < FAULT_LINES; i++) {
        self->faults[i].payload_bytes = (uint32_t)self->settings.packet_bytes;
        self->faults[i].seed = self->settings.fault_seed * FAULT_LINES + i; /* lines do not fail together */
    }
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        tw_code code = fault_text_parse((fault_kind)kind, self->settings.faults[kind], self->faults, error);
        if (code != TW_OK)
            return tw_error_wrap(error, "--%s",
                                 table[sizeof table / sizeof *table - 1 - FAULT_KINDS + (size_t)kind].name);
    }
    return TW_OK;
}

/* What the table cannot check by itself. */
static tw_code check(run *self, tw_error *error) {
    const serve_settings *s = &self->settings;
    tw_code code = check_line("to", s->to, &self->to[0], error);
    self->line_count = s->to_b[0] != '\0' ? 2 : 1;
    if (code == TW_OK && self->line_count == 2) code = check_line("to-b", s->to_b, &self->to[1], error);
    if (code == TW_OK && s->requests[0] != '\0') {
        uint32_t count;
        if (location_parse_hosts(s->requests, &self->requests, 1, &count, error) != TW_OK)
            code = tw_error_wrap(error, "--requests");
    }
    if (code == TW_OK) code = check_faults(self, error);
    if (code != TW_OK) return code;
    if (s->simulate == (s->source[0] != '\0'))
        return tw_error_set(error, TW_INVALID, "give either --source file:PATH or --simulate");
    if (!sim_session_name_valid(s->session))
        return tw_error_set(error, TW_INVALID, "--session '%s' is not one to ten characters without blanks",
                            s->session);
    if (s->simulate && s->messages < sim_minimum_messages((uint32_t)s->symbols))
        return tw_error_set(error, TW_INVALID, "--messages: a day of %" PRIu64 " symbols has at least %" PRIu64,
                            s->symbols, sim_minimum_messages((uint32_t)s->symbols));
    return TW_OK;
}

static tw_code open_input(run *self, tw_error *error) {
    const serve_settings *s = &self->settings;
    if (s->simulate) {
        sim_options options = {.seed = s->seed, .symbols = (uint32_t)s->symbols, .messages = s->messages};
        return feed_input_simulate(&self->input, &options, error);
    }
    location where;
    tw_code code = location_parse(s->source, &where, error);
    if (code == TW_OK && where.kind != LOCATION_FILE)
        return tw_error_set(error, TW_INVALID, "--source is a BinaryFILE recording: file:PATH");
    if (code == TW_OK) code = feed_input_file(&self->input, where.path, error);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "--source");
}

static tw_code open_all(run *self, tw_error *error) {
    tw_code code = open_input(self, error);
    for (uint32_t i = 0; code == TW_OK && i < self->line_count; i++)
        code = feed_line_open(&self->lines[i], &self->to[i], &self->faults[i], error);
    if (code == TW_OK && self->settings.requests[0] != '\0') {
        code = udp_exchange_open(&self->exchange, &self->requests, NULL, 0, error);
        if (code != TW_OK) return tw_error_wrap(error, "--requests");
    }
    mold_request_server_init(&self->server, self->settings.session, feed_store_message, &self->store);
    return code;
}

static tw_code serve(run *self, tw_error *error) {
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    tw_code code = TW_OK;
    self->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self->signal_fd < 0) code = tw_error_set_errno(error, errno, "watching for signals");
    if (code == TW_OK) code = open_all(self, error);
    if (code == TW_OK) {
        fprintf(stderr, "serving session %s\n", self->settings.session);
        code = play_session(self, error);
        tell(self);
    }
    for (uint32_t i = 0; i < FAULT_LINES; i++)
        feed_line_close(self->lines[i]);
    udp_exchange_close(self->exchange);
    feed_input_close(self->input);
    feed_store_fini(&self->store);
    if (self->signal_fd >= 0) close(self->signal_fd);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

int command_serve_feed(int argc, char **argv) {
    run self = {0};
    tw_error error = {0};
    settings *owner = NULL;
    size_t words = 0;
    switch (settings_read(&owner, &program, argc, argv, &self.settings, NULL, 0, &words, &error)) {
    case SETTINGS_HELP:
    case SETTINGS_VERSION:
        settings_free(owner);
        return 0;
    case SETTINGS_ERROR:
        fprintf(stderr, "tickwire serve-feed: %s\n", error.text);
        settings_free(owner);
        return EXIT_USAGE;
    case SETTINGS_RUN:
        break;
    }
    int result = 0;
    if (check(&self, &error) != TW_OK)
        result = EXIT_USAGE;
    else if (serve(&self, &error) != TW_OK)
        result = 1;
    if (result != 0) fprintf(stderr, "tickwire serve-feed: %s\n", error.text);
    settings_free(owner);
    return result;
}
