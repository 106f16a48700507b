/*
 * Making connections. Each is one of nats.c's that does not reconnect by itself: in event-loop mode its parser keeps what it has
 * read of a message when the connection ends, takes the next server's first bytes for the rest of it, and from then on either
 * reports a message that nobody sent or drops every connection as broken, for ever (nats.c issue 1007). So what follows an
 * end is another connection, with a parser of its own.
 *
 *   bus_open: trying, on a thread, while it looks at the time and at who gives up
 *      │
 *      └──────> connected ──> over: nats.c's last callback has run ──> trying, on a thread ──> connected
 *                                                           ^                          │
 *                                                           └── 50 to 150 ms ── failed ┘
 *                                                                (1 to 3 s: refused again)
 *
 * The thread is there for one try and touches nothing but `attempt`; names that nobody resolves and addresses that don't answer
 * take their time there, SERVER_LIMIT_MS at most for each server, also for one that is frozen within the TLS handshake. Who closes the bus
 * interrupts it.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/secret.h"
#include "base/text.h"
#include "runtime/bus_internal.h"
#include "runtime/bus_patience.h"
#include "runtime/clock.h"

#define SOCKET_BUFFER_BYTES (128 * 1024)
#define RETRY_LEAST_MS      50u
#define RETRY_MORE_MS       100u
#define CONNECT_TIMEOUT_MS  2000 /* nats.c's, which leaves out the handshake */
#define SERVER_LIMIT_MS     2500
#define LEAST_LIMIT_MS      500 /* of a server when the time of the start is nearly over */
#define INTERRUPT_AGAIN_MS  5
#define LOOK_MS             2 /* bus_open: at the thread, and at who gives up */
#define TRY_AGAIN_NS        TW_NS_PER_SECOND
#define NS_PER_MS           INT64_C(1000000)
#define MOST_PINGS_OUT      INT_MAX /* silence is judged by bus_silence.c; nats.c does not hear of answers */
#define TRIES_A_WORD        3       /* of connecting at the start: one is told, two are not */
#define QUICK_REFUSALS      1       /* of the credentials, in a row: the next ones wait for longer */
#define REFUSED_LEAST_MS    1000u
#define REFUSED_MORE_MS     2000u
#define SETTLED_NS          TW_NS_PER_SECOND
#define FIRST_WORD_NS       TW_NS_PER_SECOND /* from a loss to the reason why it lasts */
#define NEXT_WORD_NS        (10 * TW_NS_PER_SECOND)

/* ---- options of every connection ---- */

natsStatus bus_set_servers(natsOptions *options, const char *urls) {
    bus_servers servers = {0};
    if (!bus_servers_parse(&servers, urls)) return NATS_INVALID_ARG;
    return natsOptions_SetServers(options, servers.urls, servers.count);
}

static natsStatus set_connection(natsOptions *options, const bus *self, const bus_options *wanted) {
    natsStatus status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK && wanted->name != NULL) status = natsOptions_SetName(options, wanted->name);
    if (status == NATS_OK && wanted->credentials != NULL)
        status = natsOptions_SetUserCredentialsFromFiles(options, wanted->credentials, NULL);
    if (status == NATS_OK) status = natsOptions_SetTimeout(options, CONNECT_TIMEOUT_MS);
    if (status == NATS_OK) status = natsOptions_SetPingInterval(options, bus_ping_interval_ms(self));
    if (status == NATS_OK) status = natsOptions_SetMaxPingsOut(options, MOST_PINGS_OUT);
    if (status == NATS_OK) status = natsOptions_DisableNoResponders(options, !wanted->no_responders);
    return status;
}

static natsStatus set_loop(natsOptions *options, bus *self) {
    natsStatus status = natsOptions_SetSendAsap(options, true);
    if (status == NATS_OK) status = natsOptions_SetIOBufSize(options, SOCKET_BUFFER_BYTES);
    if (status == NATS_OK)
        status = natsOptions_SetEventLoop(options, self, bus_attach, bus_watch_read, bus_watch_write, bus_detach);
    return status == NATS_OK ? bus_set_callbacks(options, self) : status;
}

static natsStatus make_options(bus *self, const bus_options *wanted) {
    natsStatus status = natsOptions_Create(&self->options);
    if (status == NATS_OK && !bus_servers_parse(&self->servers, wanted->url)) status = NATS_INVALID_ARG;
    if (status == NATS_OK) status = set_connection(self->options, self, wanted);
    return status == NATS_OK ? set_loop(self->options, self) : status;
}

/* ---- one try ---- */

static bool is_refusal(natsStatus status) {
    return status == NATS_CONNECTION_AUTH_FAILED || status == NATS_NOT_PERMITTED;
}

/* A server that is there and refuses says more than one that is not there. */
static void describe(bus_attempt *attempt, const char *url) {
    bool silent = attempt->status == NATS_TIMEOUT, refusal = is_refusal(attempt->status);
    const char *reason = silent ? "the server does not answer" : nats_GetLastError(NULL);
    bool more = reason != NULL && *reason != '\0';
    if (attempt->refused && !refusal) return;
    attempt->refused = refusal;
    attempt->where = bus_servers_address(url);
    tw_text_format(attempt->why, sizeof attempt->why, "%s%s%s", natsStatus_GetText(attempt->status),
                   more ? ": " : "", more ? reason : "");
}

/* Fails only where there is no TLS. */
static void expect_name(bus *self, const char *url) {
    char name[BUS_SERVERS_URL_BYTES];
    bool other = bus_servers_expected_name(&self->servers, url, name, sizeof name);
    if (!other && !self->attempt.other_name) return;
    self->attempt.other_name = other;
    natsOptions_SetExpectedHostname(self->options, other ? name : NULL);
}

static natsStatus try_server(bus *self, const char *url) {
    bus_attempt *attempt = &self->attempt;
    attempt->made = NULL;
    attempt->socket = -1;
    expect_name(self, url);
    natsStatus status = natsOptions_SetServers(self->options, &url, 1);
    if (status == NATS_OK) status = bus_patience_connect(&attempt->made, self->options, attempt->limit_ms);
    if (status != NATS_OK && attempt->socket >= 0) close(attempt->socket);
    return status;
}

/* One server after another, each by a connection of its own: nats.c would go through all of them before it says anything, also while
 * somebody waits to close the bus, and would tell of a refusal only if it was the last one's. */
static void try_once(bus *self) {
    bus_attempt *attempt = &self->attempt;
    bus_mailbox_expect(&self->mailbox);
    atomic_store(&self->write_wanted, false);
    attempt->refused = false;
    attempt->status = NATS_CONNECTION_CLOSED; /* given up before the first server was asked */
    for (int i = 0; i < attempt->count && !atomic_load(&attempt->given_up); i++) {
        attempt->status = try_server(self, attempt->order[i]);
        if (attempt->status == NATS_OK) return;
        describe(attempt, attempt->order[i]);
    }
}

static void plan(bus *self) {
    self->attempt.count = bus_servers_order(&self->servers, self->attempt.order, &self->random);
    self->attempt.limit_ms = SERVER_LIMIT_MS;
}

/* On the loop. What nats.c wrote or wanted to write meanwhile is in its buffer. */
static void adopt(bus *self) {
    self->nats = self->attempt.made;
    self->connected_ns = rt_clock_monotonic_ns();
    self->refused = 0;
    self->max_payload = (size_t)natsConnection_GetMaxPayload(self->nats);
    bus_servers_learn(&self->servers, self->nats);
    self->connected = bus_start_polling(self, self->attempt.socket);
    if (!self->connected) natsConnection_Close(self->nats);
}

/* ---- the thread of a try ---- */

static void *run_attempt(void *context) {
    bus *self = context;
    try_once(self);
    nats_ReleaseThreadMemory();
    if (!self->attempt.first) bus_mailbox_put_tried(self);
    atomic_store(&self->attempt.ended, true);
    return NULL;
}

/* Signals are the loop's business. */
static bool start_thread(bus *self) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&self->attempt.ended, false);
    bool started = pthread_create(&self->attempt.thread, NULL, run_attempt, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* Also what it only begins now. */
static void interrupt_thread(bus *self) {
    atomic_store(&self->attempt.given_up, true);
    for (; !atomic_load(&self->attempt.ended); poll(NULL, 0, INTERRUPT_AGAIN_MS))
        bus_patience_end(self->attempt.thread);
}

/* ---- the first connection ---- */

/* nats.c takes any scheme for nats://, and then looks for a server that can't be there. */
static tw_code check_urls(const char *urls, tw_error *error) {
    static const char *const schemes[] = {"nats", "tls"};
    char copy[BUS_SERVERS_URL_BYTES], shown[BUS_SERVERS_URL_BYTES], *rest = copy, *url;
    tw_secret_strip(urls, shown, sizeof shown);
    if (!tw_text_copy(copy, sizeof copy, shown))
        return tw_error_set(error, TW_INVALID, "the URLs of the bus are too long");
    while ((url = strsep(&rest, ",")) != NULL) {
        const char *mark = strstr(url, "://");
        bool known = mark == NULL;
        for (size_t i = 0; mark != NULL && i < sizeof schemes / sizeof *schemes; i++)
            known = known || ((size_t)(mark - url) == strlen(schemes[i]) &&
                              strncmp(url, schemes[i], strlen(schemes[i])) == 0);
        if (!known)
            return tw_error_set(error, TW_INVALID,
                                "'%s' is no server of the bus: its URL starts with nats:// or tls://", url);
    }
    return TW_OK;
}

/* Whoever waits in front of a terminal learns at once what is waited for. */
static void tell_trying(const bus_options *wanted, int count, const char *why) {
    char servers[BUS_SERVERS_URL_BYTES];
    if (wanted->on_trying == NULL || count % TRIES_A_WORD != 1) return;
    tw_secret_strip(wanted->url, servers, sizeof servers);
    wanted->on_trying(wanted->event_context, servers, why);
}

static tw_code cannot(natsStatus status, const char *why, const char *urls, tw_error *error) {
    char shown[BUS_SERVERS_URL_BYTES];
    tw_secret_strip(urls, shown, sizeof shown);
    return tw_error_set(error, status == NATS_INVALID_ARG ? TW_INVALID : TW_AWAY, "connecting to %s: %s", shown,
                        why);
}

/* How long bus_open goes on. */
typedef struct patience {
    bus_give_up give_up;
    void *context;
    int64_t end_ns; /* INT64_MAX: for ever */
    bool given_up;
} patience;

static bool has_enough(patience *p) {
    if (!p->given_up && p->give_up != NULL) p->given_up = p->give_up(p->context);
    return p->given_up;
}

static void pause_until(patience *p, int64_t until_ns) {
    while (!has_enough(p) && rt_clock_monotonic_ns() < until_ns)
        poll(NULL, 0, LOOK_MS);
}

/* One try at all servers: it is ended when somebody gives up, and before its next server when the time is over. */
static bool try_first(bus *self, patience *p, bool timed) {
    bus_attempt *attempt = &self->attempt;
    plan(self);
    attempt->status = NATS_CONNECTION_CLOSED;
    int64_t left_ms = (p->end_ns - rt_clock_monotonic_ns()) / NS_PER_MS;
    if (timed && left_ms < attempt->limit_ms)
        attempt->limit_ms = left_ms < LEAST_LIMIT_MS ? LEAST_LIMIT_MS : left_ms;
    if (attempt->why[0] == '\0')
        tw_text_copy(attempt->why, sizeof attempt->why, "there was no time to ask a server");
    if (!start_thread(self)) return false;
    while (!atomic_load(&attempt->ended)) {
        if (has_enough(p))
            interrupt_thread(self);
        else if (timed && rt_clock_monotonic_ns() >= p->end_ns)
            atomic_store(&attempt->given_up, true);
        poll(NULL, 0, atomic_load(&attempt->ended) ? 0 : LOOK_MS);
    }
    pthread_join(attempt->thread, NULL);
    return true;
}

static tw_code try_until_enough(bus *self, const bus_options *wanted, patience *p, tw_error *error) {
    bus_attempt *attempt = &self->attempt;
    for (int count = 1;; count++) {
        if (!try_first(self, p, wanted->connect_ns > 0))
            return tw_error_set(error, TW_NO_MEMORY, "no thread to connect to the bus");
        if (attempt->status == NATS_OK) return TW_OK;
        int64_t now_ns = rt_clock_monotonic_ns(), again_ns = now_ns + TRY_AGAIN_NS;
        if (p->given_up) return cannot(attempt->status, "interrupted", wanted->url, error);
        if (attempt->status == NATS_INVALID_ARG || now_ns >= p->end_ns)
            return cannot(attempt->status, attempt->why, wanted->url, error);
        tell_trying(wanted, count, attempt->why);
        pause_until(p, again_ns < p->end_ns ? again_ns : p->end_ns);
        if (p->given_up) return cannot(attempt->status, "interrupted", wanted->url, error);
    }
}

tw_code bus_connect_first(bus *self, const bus_options *wanted, tw_error *error) {
    tw_code code = check_urls(wanted->url, error);
    if (code != TW_OK) return code;
    natsStatus status = make_options(self, wanted);
    if (status != NATS_OK) return cannot(status, natsStatus_GetText(status), wanted->url, error);
    int64_t now_ns = rt_clock_monotonic_ns();
    patience p = {wanted->give_up, wanted->event_context, INT64_MAX, false};
    if (wanted->connect_ns >= 0 && wanted->connect_ns < INT64_MAX - now_ns) p.end_ns = now_ns + wanted->connect_ns;
    tw_random_seed(&self->random, (uint64_t)now_ns ^ (uint64_t)getpid() << 32);
    self->attempt.first = true;
    code = try_until_enough(self, wanted, &p, error);
    self->attempt.first = false;
    atomic_store(&self->attempt.given_up, false);
    if (code == TW_OK) adopt(self);
    return code;
}

/* ---- the next ones ---- */

static void retry_later(bus *self);

static void begin_attempt(bus *self) {
    plan(self);
    self->attempt.running = start_thread(self);
    if (!self->attempt.running) retry_later(self);
}

static void on_retry(uv_timer_t *timer) {
    begin_attempt(timer->data);
}

static void retry_after(bus *self, uint64_t least_ms, uint64_t more_ms) {
    uv_timer_start(&self->retry, on_retry, least_ms + tw_random_below(&self->random, more_ms), 0);
}

static void retry_later(bus *self) {
    retry_after(self, RETRY_LEAST_MS, RETRY_MORE_MS);
}

/* A server that takes connections and ends them at once is not asked as fast as it can do so. */
void bus_connect_again(bus *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    self->next_word_ns = now_ns + FIRST_WORD_NS;
    if (now_ns - self->connected_ns >= SETTLED_NS)
        begin_attempt(self);
    else
        retry_later(self);
}

static void tell_still_away(bus *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (now_ns < self->next_word_ns) return;
    self->next_word_ns = now_ns + NEXT_WORD_NS;
    char words[2 * EVENT_DETAIL_BYTES];
    tw_text_format(words, sizeof words, "%.*s: %s", EVENT_DETAIL_BYTES, self->attempt.where, self->attempt.why);
    bus_tell(self, BUS_STILL_AWAY, words);
}

/* Credentials that are refused may be right in a moment, when they are changed here and there: it goes on, but not so often that a
 * server's log is full of it. */
static void on_failed(bus *self) {
    self->refused = self->attempt.refused ? self->refused + 1 : 0;
    if (self->refused > QUICK_REFUSALS)
        retry_after(self, REFUSED_LEAST_MS, REFUSED_MORE_MS);
    else
        retry_later(self);
    tell_still_away(self);
}

void bus_connect_tried(bus *self) {
    pthread_join(self->attempt.thread, NULL);
    self->attempt.running = false;
    if (self->attempt.status != NATS_OK) {
        on_failed(self);
        return;
    }
    adopt(self);
    bus_restore_subscriptions(self);
    if (self->connected) bus_tell(self, BUS_RECONNECTED, "connection restored");
}

void bus_connect_stop(bus *self) {
    uv_timer_stop(&self->retry);
    if (!self->attempt.running) return;
    interrupt_thread(self);
    pthread_join(self->attempt.thread, NULL);
    self->attempt.running = false;
    if (self->attempt.status == NATS_OK) adopt(self);
}
