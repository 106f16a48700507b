/*
 * tickwire simulate: a synthetic exchange. The day comes from tools/simulate/session.h; here it is paced and written
 * to a file or sent as MoldUDP64.
 *
 * One thread, turns of about a millisecond. SIGINT and SIGTERM are blocked and taken by sigtimedwait, which is also
 * how a turn sleeps; no handler, no global state.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/simulate/pacing.h"
#include "tools/simulate/session.h"
#include "tools/simulate/session_name.h"
#include "tools/simulate_output.h"

#define EXIT_USAGE           2
#define UDP_RATE             100000 /* messages a second where none was asked for */
#define FILE_TURN_MESSAGES   65536
#define TURN_NS              INT64_C(1000000)
#define END_PACKETS          6 /* end of session, told more than once: a datagram may be lost */
#define END_PACKET_PERIOD_NS INT64_C(250000000)

typedef struct simulate_settings {
    uint64_t seed, symbols, messages, live_orders, rate, sessions, start_sequence, packet_bytes;
    int64_t heartbeat_ns, wait_ns;
    const char *session, *to;
    bool verbose;
} simulate_settings;

#define AT(field) offsetof(simulate_settings, field)
static const setting table[] = {
    {.name = "to",
     .type = SETTING_TEXT,
     .offset = AT(to),
     .value_name = "WHERE",
     .help = "file:PATH (BinaryFILE, file:- for standard output) or udp://GROUP:PORT[@INTERFACE] (MoldUDP64)"},
    {.name = "seed",
     .type = SETTING_COUNT,
     .offset = AT(seed),
     .default_text = "1",
     .value_name = "N",
     .help = "the same seed and options give the same bytes, at any rate"},
    {.name = "symbols",
     .type = SETTING_COUNT,
     .offset = AT(symbols),
     .default_text = "100",
     .value_name = "N",
     .help = "how many instruments are listed",
     .minimum = 1,
     .maximum = SIM_MAX_SYMBOLS},
    {.name = "messages",
     .type = SETTING_COUNT,
     .offset = AT(messages),
     .default_text = "1M",
     .value_name = "N",
     .help = "messages of a day, exactly",
     .minimum = 1,
     .maximum = INT64_C(1000000000000)},
    {.name = "live-orders",
     .type = SETTING_COUNT,
     .offset = AT(live_orders),
     .default_text = "0",
     .value_name = "N",
     .help = "orders that rest at once, about; 0: a twentieth of the messages",
     .minimum = 0,
     .maximum = 50000000},
    {.name = "rate",
     .type = SETTING_COUNT,
     .offset = AT(rate),
     .default_text = "0",
     .value_name = "N",
     .help = "messages a second; 0: a file as fast as possible, the network 100k",
     .minimum = 0,
     .maximum = 1000000000},
    {.name = "session",
     .type = SETTING_TEXT,
     .offset = AT(session),
     .default_text = "0000000001",
     .value_name = "NAME",
     .help = "MoldUDP64 session of the first day, at most ten characters"},
    {.name = "sessions",
     .type = SETTING_COUNT,
     .offset = AT(sessions),
     .default_text = "1",
     .value_name = "N",
     .help = "days one after another, each with the next session name and a seed of its own; 0: for ever"},
    {.name = "start-sequence",
     .type = SETTING_COUNT,
     .offset = AT(start_sequence),
     .default_text = "1",
     .value_name = "N",
     .help = "sequence number of the first message of the first day",
     .minimum = 1,
     .maximum = INT64_MAX},
    {.name = "heartbeat",
     .type = SETTING_DURATION,
     .offset = AT(heartbeat_ns),
     .default_text = "1s",
     .value_name = "TIME",
     .help = "a heartbeat is sent when nothing else was for so long",
     .minimum = 1000000,
     .maximum = INT64_C(3600000000000)},
    {.name = "wait",
     .type = SETTING_DURATION,
     .offset = AT(wait_ns),
     .default_text = "0s",
     .value_name = "TIME",
     .help = "heartbeats only for so long before the first message",
     .minimum = 0,
     .maximum = INT64_C(86400000000000)},
    {.name = "mtu",
     .type = SETTING_COUNT,
     .offset = AT(packet_bytes),
     .default_text = "1400",
     .value_name = "BYTES",
     .help = "largest UDP payload",
     .minimum = 72,
     .maximum = 65507},
    {.name = "verbose",
     .type = SETTING_FLAG,
     .offset = AT(verbose),
     .default_text = "false",
     .help = "count the messages of each type at the end"},
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire simulate",
    .summary = "Sends or writes a synthetic NASDAQ TotalView-ITCH 5.0 day.",
    .usage = "--to WHERE [settings]",
    .environment = "TICKWIRE_SIMULATE",
    .epilogue = "Examples:\n"
                "  tickwire simulate --to file:day.itch --symbols 8000 --messages 10M\n"
                "  tickwire simulate --to udp://239.1.2.3:26400@lo --rate 20k --sessions 0 --wait 1s\n"
                "  tickwire simulate --orders --help          a crowd that trades on the venue instead\n",
    .table = table,
};

/* One run of the command: the settings, where it stands, what it sends to. */
typedef struct run {
    simulate_settings settings;
    bool to_file;
    simulate_output *output;
    sigset_t signals;
    bool stopped; /* by a signal */
    int64_t last_sent_ns;
    uint64_t days;
    sim_stats last_day;
} run;

/* Sleeps, or only looks (0), and learns of Ctrl-C. */
static void rest(run *self, int64_t span_ns) {
    if (span_ns < 0) span_ns = 0;
    struct timespec span = {.tv_sec = span_ns / TW_NS_PER_SECOND, .tv_nsec = span_ns % TW_NS_PER_SECOND};
    if (sigtimedwait(&self->signals, NULL, &span) > 0) self->stopped = true;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Heartbeats while nothing is due, until `until_ns`. */
static tw_code idle_until(run *self, int64_t until_ns, tw_error *error) {
    for (int64_t now_ns = rt_clock_monotonic_ns(); now_ns < until_ns && !self->stopped;
         now_ns = rt_clock_monotonic_ns()) {
        int64_t beat_ns = self->last_sent_ns + self->settings.heartbeat_ns;
        if (now_ns >= beat_ns) {
            tw_code code = simulate_output_heartbeat(self->output, error);
            if (code != TW_OK) return code;
            self->last_sent_ns = now_ns;
            continue;
        }
        rest(self, earlier(beat_ns, until_ns) - now_ns);
    }
    return TW_OK;
}

/* Up to `count` messages of the day. *more false: the day is over. */
static tw_code send_messages(run *self, sim_session *day, uint64_t count, bool *more, tw_error *error) {
    itch50_message message;
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    *more = true;
    while (count-- > 0) {
        if (!sim_next(day, &message)) {
            *more = false;
            break;
        }
        size_t length = itch50_encode(&message, bytes);
        tw_code code = simulate_output_message(self->output, bytes, (uint16_t)length, error);
        if (code != TW_OK) return code;
    }
    return simulate_output_flush(self->output, error);
}

static tw_code play_unpaced(run *self, sim_session *day, tw_error *error) {
    tw_code code = TW_OK;
    for (bool more = true; more && code == TW_OK && !self->stopped;) {
        code = send_messages(self, day, FILE_TURN_MESSAGES, &more, error);
        rest(self, 0);
    }
    return code;
}

static tw_code play_paced(run *self, sim_session *day, uint64_t rate, tw_error *error) {
    sim_pacing pacing;
    sim_pacing_start(&pacing, rate, rt_clock_monotonic_ns());
    tw_code code = TW_OK;
    for (bool more = true; more && code == TW_OK && !self->stopped;) {
        int64_t now_ns = rt_clock_monotonic_ns();
        uint64_t count = sim_pacing_turn(&pacing, now_ns);
        if (count > 0) {
            code = send_messages(self, day, count, &more, error);
            self->last_sent_ns = now_ns;
        }
        int64_t due_ns = sim_pacing_due_ns(&pacing);
        if (due_ns < now_ns + TURN_NS) due_ns = now_ns + TURN_NS;
        if (code == TW_OK && more) code = idle_until(self, due_ns, error);
        if (due_ns <= rt_clock_monotonic_ns()) rest(self, 0);
    }
    return code;
}

static tw_code end_day(run *self, tw_error *error) {
    int packets = self->to_file ? 1 : END_PACKETS;
    for (int i = 0; i < packets && !self->stopped; i++) {
        if (i > 0) rest(self, END_PACKET_PERIOD_NS);
        tw_code code = simulate_output_end(self->output, error);
        if (code != TW_OK) return code;
        self->last_sent_ns = rt_clock_monotonic_ns();
    }
    return TW_OK;
}

static tw_code play_day(run *self, sim_session *day, tw_error *error) {
    uint64_t rate = self->settings.rate;
    if (rate == 0 && !self->to_file) rate = UDP_RATE;
    tw_code code = rate == 0 ? play_unpaced(self, day, error) : play_paced(self, day, rate, error);
    if (code == TW_OK && !self->stopped) code = end_day(self, error);
    return code;
}

static tw_code play_days(run *self, tw_error *error) {
    const simulate_settings *s = &self->settings;
    char name[MOLDUDP64_SESSION_BYTES];
    tw_text_copy(name, sizeof name, s->session);
    tw_code code = TW_OK;
    for (uint64_t i = 0; code == TW_OK && !self->stopped && (s->sessions == 0 || i < s->sessions); i++) {
        sim_options options = {.seed = sim_day_seed(s->seed, i),
                               .symbols = (uint32_t)s->symbols,
                               .messages = s->messages,
                               .live_orders = (uint32_t)s->live_orders};
        sim_session *day;
        code = sim_session_alloc(&day, &options, error);
        if (code != TW_OK) break;
        simulate_output_start(self->output, name, i == 0 ? s->start_sequence : 1);
        if (i == 0 && s->wait_ns > 0) code = idle_until(self, rt_clock_monotonic_ns() + s->wait_ns, error);
        if (code == TW_OK && !self->stopped) code = play_day(self, day, error);
        self->last_day = sim_session_stats(day);
        self->days = i + 1;
        sim_session_free(day);
        sim_session_name_next(name);
    }
    return code;
}

static void tell_types(const sim_stats *stats) {
    fprintf(stderr, "last day:");
    for (int type = 0; type < 128; type++)
        if (stats->by_type[type] > 0) fprintf(stderr, " %c %" PRIu64, type, stats->by_type[type]);
    fprintf(stderr, "; orders resting %" PRIu32 ", at most %" PRIu32 "; inconsistencies %" PRIu64 "\n",
            stats->live_orders, stats->most_live_orders, stats->inconsistencies);
}

static void tell(const run *self, int64_t span_ns) {
    simulate_totals totals = simulate_output_totals(self->output);
    fprintf(stderr, "%s: %" PRIu64 " messages", self->stopped ? "stopped" : "done", totals.messages);
    if (!self->to_file) fprintf(stderr, ", %" PRIu64 " packets", totals.packets);
    fprintf(stderr, ", %" PRIu64 " bytes, %" PRIu64 " session%s in %" PRId64 ".%03" PRId64 " s\n", totals.bytes,
            self->days, self->days == 1 ? "" : "s", span_ns / TW_NS_PER_SECOND,
            span_ns % TW_NS_PER_SECOND / 1000000);
    if (self->settings.verbose) tell_types(&self->last_day);
}

/* What the table cannot check by itself. */
static tw_code check(run *self, location *where, tw_error *error) {
    const simulate_settings *s = &self->settings;
    if (location_parse(s->to, where, error) != TW_OK) return tw_error_wrap(error, "--to");
    if (where->kind != LOCATION_FILE && where->kind != LOCATION_UDP)
        return tw_error_set(error, TW_INVALID, "--to: what is written is file:PATH or udp://GROUP:PORT");
    self->to_file = where->kind == LOCATION_FILE;
    if (self->to_file && s->sessions != 1)
        return tw_error_set(error, TW_INVALID, "--sessions: a file holds one session");
    if (!sim_session_name_valid(s->session))
        return tw_error_set(error, TW_INVALID, "--session '%s' is not one to ten characters without blanks",
                            s->session);
    uint64_t minimum = sim_minimum_messages((uint32_t)s->symbols);
    if (s->messages < minimum)
        return tw_error_set(error, TW_INVALID,
                            "--messages %" PRIu64 ": a day of %" PRIu64 " symbols has at least %" PRIu64,
                            s->messages, s->symbols, minimum);
    return TW_OK;
}

static tw_code simulate(run *self, const location *where, tw_error *error) {
    sigemptyset(&self->signals);
    sigaddset(&self->signals, SIGINT);
    sigaddset(&self->signals, SIGTERM);
    sigset_t before;
    sigprocmask(SIG_BLOCK, &self->signals, &before);
    int64_t start_ns = rt_clock_monotonic_ns();
    tw_code code = simulate_output_open(&self->output, where, self->settings.packet_bytes, error);
    if (code == TW_OK) {
        code = play_days(self, error);
        tell(self, rt_clock_monotonic_ns() - start_ns);
        simulate_output_close(self->output);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* Another program under the same word: what it sends are orders. */
static bool wants_orders(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--orders") == 0) return true;
    return false;
}

int command_simulate(int argc, char **argv) {
    if (wants_orders(argc, argv)) return command_simulate_orders(argc, argv);
    run self = {0};
    tw_error error = {0};
    settings *owner = NULL;
    location where;
    size_t words = 0;
    switch (settings_read(&owner, &program, argc, argv, &self.settings, NULL, 0, &words, &error)) {
    case SETTINGS_HELP:
    case SETTINGS_VERSION:
        settings_free(owner);
        return 0;
    case SETTINGS_ERROR:
        fprintf(stderr, "tickwire simulate: %s\n", error.text);
        settings_free(owner);
        return EXIT_USAGE;
    case SETTINGS_RUN:
        break;
    }
    int result = 0;
    if (check(&self, &where, &error) != TW_OK)
        result = EXIT_USAGE;
    else if (simulate(&self, &where, &error) != TW_OK)
        result = 1;
    if (result != 0) fprintf(stderr, "tickwire simulate: %s\n", error.text);
    settings_free(owner);
    return result;
}
