/*
 * tickwire serve-feed: an exchange's side of a feed. A recording or a simulated day is sent as MoldUDP64 on line A and,
 * if asked for, on line B, each with faults of its own by seed; a request server answers from everything sent so far,
 * SoupBinTCP clients get the same messages over TCP, GLIMPSE clients the books they add up to.
 *
 *      messages --> packet --+--> faults A --> group A
 *         \  \               +--> faults B --> group B
 *          \  +--> store --> request server, SoupBinTCP
 *           +--> books --> GLIMPSE
 *
 * One thread, one loop: a turn sends what is due, then the loop serves clients until the next turn.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/civil.h"
#include "base/market.h"
#include "base/text.h"
#include "ingest/line/mold_request_server.h"
#include "ingest/source/udp_exchange.h"
#include "runtime/clock.h"
#include "tools/command.h"
#include "tools/mold_packet.h"
#include "tools/serve/feed_books.h"
#include "tools/serve/feed_input.h"
#include "tools/serve/feed_line.h"
#include "tools/serve/feed_store.h"
#include "tools/serve/glimpse_desk.h"
#include "tools/serve/listen_address.h"
#include "tools/serve/serve_settings.h"
#include "tools/serve/soup_feed.h"
#include "tools/serve/soup_port.h"
#include "tools/simulate/pacing.h"

#define EXIT_USAGE        2
#define MS_NS             INT64_C(1000000)
#define TURN_NS           MS_NS
#define END_PERIOD_NS     INT64_C(100000000)
#define REQUESTS_PER_TURN 64
#define MOST_PER_TURN     4096u /* by time stamps: so many at once, then clients are looked after */

/* One run of the command: the settings, where it stands, whom it serves. */
typedef struct run {
    serve_settings settings;
    serve_plan plan;
    uv_loop_t loop;
    uv_timer_t turn;
    uv_signal_t signals[2];
    uv_poll_t requests_ready;
    bool polling;       /* requests_ready is on the loop */
    bool stopped;       /* by a signal */
    bool source_failed; /* what came before is good and is served */
    tw_error failed;    /* the first that happened in a callback; code TW_OK: none */

    feed_input *input;
    feed_input_message waiting; /* the next message, not sent yet; bytes NULL: not read yet */
    sim_pacing pacing;
    feed_store store;
    feed_books *books; /* NULL without --glimpse */
    feed_line *lines[FAULT_LINES];
    udp_exchange *exchange; /* NULL without --requests */
    mold_request_server server;
    soup_feed soup_feed;
    glimpse_desk glimpse_desk;
    soup_port *soup, *glimpse; /* NULL without --soup, --glimpse */

    mold_packet packet; /* the one being filled, in packet_bytes */
    int64_t last_sent_ns;
    uint64_t packets;
    uint8_t packet_bytes[SERVE_MAX_PACKET_BYTES];
    uint8_t answer[SERVE_MAX_PACKET_BYTES];
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

static void on_requests(uv_poll_t *poll, int status, int events) {
    run *self = poll->data;
    (void)status;
    (void)events;
    if (self->failed.code == TW_OK) answer_requests(self, &self->failed);
}

static void on_signal(uv_signal_t *signal, int number) {
    run *self = signal->data;
    (void)number;
    self->stopped = true;
}

static void on_turn(uv_timer_t *timer) {
    (void)timer; /* it has woken the loop: that is all it is for */
}

/* Serves clients and requests until there was something to do, at most so long. */
static tw_code rest(run *self, int64_t span_ns, tw_error *error) {
    if (span_ns > 0) {
        uint64_t span_ms = (uint64_t)((span_ns + MS_NS - 1) / MS_NS);
        uv_update_time(&self->loop);
        /* It repeats: if it is over before the loop looks at its sockets, the loop must wake up all the same. */
        uv_timer_start(&self->turn, on_turn, span_ms, span_ms);
    }
    uv_run(&self->loop, span_ns > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    if (self->failed.code == TW_OK) return TW_OK;
    *error = self->failed;
    return error->code;
}

/* ---- packets ---- */

static void to_lines(run *self, size_t length) {
    int64_t now_ns = rt_clock_monotonic_ns();
    self->packets++;
    self->last_sent_ns = now_ns;
    for (uint32_t i = 0; i < self->plan.line_count; i++)
        feed_line_packet(self->lines[i], self->packet_bytes, length, now_ns);
}

/* The packet being filled is whole. */
static void packet_finish(run *self) {
    size_t length = mold_packet_finish(&self->packet);
    if (length > 0) to_lines(self, length);
}

static tw_code add_message(run *self, const uint8_t *message, uint16_t length, tw_error *error) {
    if (!feed_store_append(&self->store, message, length))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for the messages sent, which clients may ask for");
    if (self->books != NULL) feed_books_apply(self->books, message, length);
    for (int attempt = 0; attempt < 2; attempt++) {
        if (mold_packet_add(&self->packet, message, length)) return TW_OK;
        packet_finish(self);
    }
    return tw_error_set(error, TW_INVALID, "a message of %u bytes fits no packet of --mtu", length);
}

/* A line that can't send is told once; the others and the clients go on. */
static void tell_news(run *self) {
    for (uint32_t i = 0; i < self->plan.line_count; i++) {
        const char *news = feed_line_news(self->lines[i]);
        if (news != NULL) fprintf(stderr, "a line can't send, the rest goes on: %s\n", news);
    }
}

/* The end of a turn: all that was added leaves. */
static void flush(run *self) {
    packet_finish(self);
    for (uint32_t i = 0; i < self->plan.line_count; i++)
        feed_line_flush(self->lines[i]);
    tell_news(self);
    if (self->soup != NULL) soup_port_grown(self->soup);
}

/* A packet without messages: heartbeat or end. What the faults hold back goes first, for there is a pause. */
static void signal_lines(run *self, uint16_t count) {
    flush(self);
    to_lines(self, mold_packet_signal(&self->packet, count));
    for (uint32_t i = 0; i < self->plan.line_count; i++)
        feed_line_settle(self->lines[i], rt_clock_monotonic_ns());
    tell_news(self);
}

/* ---- playing ---- */

/* Until `until_ns`, a signal of `count` whenever nothing was sent for `period_ns`. */
static tw_code idle_until(run *self, int64_t until_ns, int64_t period_ns, uint16_t count, tw_error *error) {
    tw_code code = TW_OK;
    int64_t now_ns = rt_clock_monotonic_ns();
    for (; code == TW_OK && now_ns < until_ns && !self->stopped; now_ns = rt_clock_monotonic_ns()) {
        int64_t due_ns = self->last_sent_ns + period_ns;
        if (now_ns >= due_ns)
            signal_lines(self, count);
        else
            code = rest(self, (due_ns < until_ns ? due_ns : until_ns) - now_ns, error);
    }
    return code;
}

/* By time stamps: may the waiting message go? */
static bool is_due(run *self, int64_t now_ns, int64_t *due_ns) {
    if (!self->plan.by_stamps || self->waiting.stamp_ns == TW_TIME_ABSENT) return true;
    *due_ns = pace_due_ns(&self->plan.pace, self->waiting.stamp_ns, now_ns);
    return *due_ns <= now_ns;
}

/* Sends at most `count` messages, those that are due. *more is false behind the last of the source. */
static tw_code send_messages(run *self, uint64_t count, int64_t now_ns, bool *more, int64_t *due_ns,
                             tw_error *error) {
    for (; count > 0; count--) {
        tw_code code = TW_OK;
        if (self->waiting.bytes == NULL) code = feed_input_next(self->input, &self->waiting, error);
        if (code != TW_OK) {
            self->source_failed = true;
            flush(self);
            return code;
        }
        *more = self->waiting.bytes != NULL;
        if (!*more || !is_due(self, now_ns, due_ns)) break;
        code = add_message(self, self->waiting.bytes, self->waiting.length, error);
        if (code != TW_OK) return code;
        self->waiting.bytes = NULL;
    }
    flush(self);
    return TW_OK;
}

/* One turn. *due_ns is when the next one is worth while. */
static tw_code play_turn(run *self, bool *more, int64_t *due_ns, tw_error *error) {
    int64_t now_ns = rt_clock_monotonic_ns();
    uint64_t count = self->plan.by_stamps ? MOST_PER_TURN : sim_pacing_turn(&self->pacing, now_ns);
    *due_ns = now_ns;
    tw_code code = count > 0 ? send_messages(self, count, now_ns, more, due_ns, error) : TW_OK;
    if (!self->plan.by_stamps) *due_ns = sim_pacing_due_ns(&self->pacing);
    if (*due_ns < now_ns + TURN_NS) *due_ns = now_ns + TURN_NS;
    return code;
}

static tw_code play(run *self, tw_error *error) {
    sim_pacing_start(&self->pacing, self->settings.rate, rt_clock_monotonic_ns());
    tw_code code = TW_OK;
    for (bool more = true; more && code == TW_OK && !self->stopped;) {
        int64_t due_ns = 0;
        code = play_turn(self, &more, &due_ns, error);
        if (code == TW_OK) code = rest(self, 0, error);
        if (code == TW_OK && more) code = idle_until(self, due_ns, self->settings.heartbeat_ns, 0, error);
    }
    return code;
}

/* The end is told again and again for as long as clients are given. A source that failed has none: clients may take what
 * was good of it, and are told nothing. */
static tw_code play_end(run *self, tw_error *error) {
    uint16_t count = self->source_failed ? 0 : MOLDUDP64_END_OF_SESSION;
    int64_t period_ns = self->source_failed ? self->settings.heartbeat_ns : END_PERIOD_NS;
    self->soup_feed.ended = !self->source_failed;
    signal_lines(self, count);
    return idle_until(self, rt_clock_monotonic_ns() + self->settings.linger_ns, period_ns, count, error);
}

static tw_code play_session(run *self, tw_error *error) {
    int64_t now_ns = rt_clock_monotonic_ns();
    self->packet.bytes = self->packet_bytes;
    self->packet.capacity = self->settings.packet_bytes;
    mold_packet_start(&self->packet, self->settings.session, 1);
    self->last_sent_ns = now_ns - self->settings.heartbeat_ns;
    tw_code code = idle_until(self, now_ns + self->settings.wait_ns, self->settings.heartbeat_ns, 0, error);
    if (code == TW_OK && !self->stopped) code = play(self, error);
    if (self->stopped || (code != TW_OK && !self->source_failed)) return code;
    if (code == TW_OK) return play_end(self, error);
    fprintf(stderr, "the source ends early, what came before is served on: %s\n", error->text);
    tw_error unheard;
    play_end(self, &unheard);
    return code;
}

/* ---- what is said ---- */

static void tell_address(const char *what, const location *where, uint16_t port) {
    char text[LISTEN_ADDRESS_BYTES];
    listen_address_format(where->host, port, text, sizeof text);
    fprintf(stderr, ", %s on %s", what, text);
}

static void tell_start(const run *self) {
    fprintf(stderr, "serving session %s", self->settings.session);
    if (self->exchange != NULL) tell_address("requests", &self->plan.requests, udp_exchange_port(self->exchange));
    if (self->soup != NULL) tell_address("SoupBinTCP", &self->plan.soup, soup_port_number(self->soup));
    if (self->glimpse != NULL) tell_address("GLIMPSE", &self->plan.glimpse, soup_port_number(self->glimpse));
    fputc('\n', stderr);
}

static void tell_line(const char *name, const feed_line *line) {
    faults_stats s = feed_line_stats(line);
    fprintf(stderr,
            "line %s: %" PRIu64 " packets; lost %" PRIu64 ", in bursts %" PRIu64 ", in silence %" PRIu64
            ", duplicated %" PRIu64 ", reordered %" PRIu64 ", corrupted %" PRIu64,
            name, s.out, s.lost, s.burst_lost, s.silenced, s.duplicated, s.reordered, s.corrupted);
    if (feed_line_unsent(line) > 0) fprintf(stderr, "; %" PRIu64 " could not be sent", feed_line_unsent(line));
    fputc('\n', stderr);
}

static void tell_requests(const mold_request_server *server) {
    uint64_t refused = 0;
    for (int i = MOLD_REQUEST_ANSWERED + 1; i < MOLD_REQUEST_RESULTS; i++)
        refused += server->results[i];
    fprintf(stderr, "requests: %" PRIu64 " answered with %" PRIu64 " messages, %" PRIu64 " not answered\n",
            server->results[MOLD_REQUEST_ANSWERED], server->messages, refused);
}

static void tell_port(const char *name, const soup_port *port) {
    soup_port_stats s = soup_port_read_stats(port);
    fprintf(stderr,
            "%s: %" PRIu64 " clients, %" PRIu64 " logins, %" PRIu64 " rejected, %" PRIu64 " turned away, %" PRIu64
            " stalled, %" PRIu64 " cut; %" PRIu64 " messages\n",
            name, s.clients, s.logins, s.rejected, s.full, s.stalled, s.cut, s.messages);
}

static void tell_end(const run *self) {
    static const char *const names[FAULT_LINES] = {"A", "B"};
    fprintf(stderr, "%s: %zu messages in %" PRIu64 " packets\n", self->stopped ? "stopped" : "done",
            self->store.count, self->packets);
    for (uint32_t i = 0; i < self->plan.line_count && i < FAULT_LINES; i++)
        tell_line(names[i], self->lines[i]);
    if (self->exchange != NULL) tell_requests(&self->server);
    if (self->soup != NULL) tell_port("SoupBinTCP", self->soup);
    if (self->glimpse != NULL) tell_port("GLIMPSE", self->glimpse);
}

/* ---- setting up ---- */

static tw_code open_input(run *self, tw_error *error) {
    const serve_settings *s = &self->settings;
    sim_options options = {.seed = s->seed, .symbols = (uint32_t)s->symbols, .messages = s->messages};
    if (s->simulate) return feed_input_simulate(&self->input, &options, error);
    if (feed_input_open(&self->input, &self->plan.source, error) == TW_OK) return TW_OK;
    return tw_error_wrap(error, "--source");
}

static tw_code open_requests(run *self, tw_error *error) {
    mold_request_server_init(&self->server, self->settings.session, feed_store_message, &self->store);
    if (udp_exchange_open(&self->exchange, &self->plan.requests, NULL, 0, error) != TW_OK)
        return tw_error_wrap(error, "--requests");
    int status = uv_poll_init(&self->loop, &self->requests_ready, udp_exchange_fd(self->exchange));
    if (status != 0) return tw_error_set(error, TW_IO, "--requests: %s", uv_strerror(status));
    self->polling = true;
    self->requests_ready.data = self;
    uv_poll_start(&self->requests_ready, UV_READABLE, on_requests);
    return TW_OK;
}

static tw_code open_port(run *self, const char *name, soup_port_options options, soup_port_service service,
                         soup_port **port, tw_error *error) {
    options.max_clients = (uint32_t)self->settings.max_clients;
    options.stall_ns = self->settings.client_stall_ns;
    if (soup_port_open(port, &self->loop, &options, &service, error) == TW_OK) return TW_OK;
    return tw_error_wrap(error, "--%s", name);
}

static tw_code open_soup(run *self, tw_error *error) {
    self->soup_feed = (soup_feed){.session = self->settings.session,
                                  .credentials = self->plan.credentials,
                                  .store = &self->store,
                                  .cut_at = self->settings.soup_cut};
    tw_random_seed(&self->soup_feed.cut_seed, self->settings.fault_seed);
    soup_port_options options = {.name = "SoupBinTCP", .where = self->plan.soup};
    return open_port(self, "soup", options, soup_feed_service(&self->soup_feed), &self->soup, error);
}

static tw_code open_glimpse(run *self, tw_error *error) {
    const serve_settings *s = &self->settings;
    market_limits limits = {(uint32_t)s->max_instruments, (uint32_t)s->max_orders, (uint32_t)s->max_levels};
    tw_code code = feed_books_alloc(&self->books, &limits, error);
    if (code != TW_OK) return code;
    self->glimpse_desk =
        (glimpse_desk){.session = s->session, .credentials = self->plan.credentials, .books = self->books};
    soup_port_options options = {.name = "GLIMPSE", .where = self->plan.glimpse};
    return open_port(self, "glimpse", options, glimpse_desk_service(&self->glimpse_desk), &self->glimpse, error);
}

static tw_code open_all(run *self, tw_error *error) {
    tw_code code = open_input(self, error);
    for (uint32_t i = 0; code == TW_OK && i < self->plan.line_count; i++)
        code = feed_line_open(&self->lines[i], &self->plan.to[i], &self->plan.faults[i], error);
    if (code == TW_OK && self->plan.has_requests) code = open_requests(self, error);
    if (code == TW_OK && self->plan.has_soup) code = open_soup(self, error);
    if (code == TW_OK && self->plan.has_glimpse) code = open_glimpse(self, error);
    return code;
}

static void loop_open(run *self) {
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* a client that is gone is an error of its write */
    uv_timer_init(&self->loop, &self->turn);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&self->loop, &self->signals[i]);
        self->signals[i].data = self;
        uv_signal_start(&self->signals[i], on_signal, numbers[i]);
    }
}

/* Ends what is on the loop, and lets the loop see it. */
static void loop_close(run *self) {
    soup_port_close(self->soup);
    soup_port_close(self->glimpse);
    if (self->polling) uv_close((uv_handle_t *)&self->requests_ready, NULL);
    uv_close((uv_handle_t *)&self->turn, NULL);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&self->signals[i], NULL);
    uv_run(&self->loop, UV_RUN_DEFAULT);
    uv_loop_close(&self->loop);
}

static tw_code serve(run *self, tw_error *error) {
    int status = uv_loop_init(&self->loop);
    if (status != 0) return tw_error_set(error, TW_IO, "starting the loop: %s", uv_strerror(status));
    loop_open(self);
    tw_code code = open_all(self, error);
    if (code == TW_OK) {
        tell_start(self);
        code = play_session(self, error);
        tell_end(self);
    }
    loop_close(self);
    for (uint32_t i = 0; i < FAULT_LINES; i++)
        feed_line_close(self->lines[i]);
    udp_exchange_close(self->exchange);
    feed_input_close(self->input);
    feed_books_free(self->books);
    feed_store_fini(&self->store);
    return code;
}

int command_serve_feed(int argc, char **argv) {
    run self = {0};
    tw_error error = {0};
    settings *owner = NULL;
    size_t words = 0;
    switch (settings_read(&owner, &serve_program, argc, argv, &self.settings, NULL, 0, &words, &error)) {
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
    if (serve_plan_make(&self.settings, &self.plan, &error) != TW_OK)
        result = EXIT_USAGE;
    else if (serve(&self, &error) != TW_OK)
        result = 1;
    if (result != 0) fprintf(stderr, "tickwire serve-feed: %s\n", error.text);
    settings_free(owner);
    return result;
}
