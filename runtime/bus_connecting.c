/*
 * Making connections. Each is one of nats.c's that does not reconnect by itself: in event-loop mode its parser keeps what it has
 * read of a message when the connection ends, takes the next server's first bytes for the rest of it, and from then on either
 * reports a message that nobody sent or drops every connection as broken, for ever (nats.c issue 1007). So what follows an
 * end is another connection, with a parser of its own.
 *
 *   bus_open ──> connected ──> over: nats.c's last callback has run ──> trying, on a thread ──> connected
 *                                                  ^                          │
 *                                                  └── 50 to 150 ms ── failed ┘
 *                                                       (1 to 3 s: refused again)
 *
 * The thread is there for one try and touches nothing but `attempt`; names that nobody resolves and addresses that don't answer
 * take their time there.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/secret.h"
#include "base/text.h"
#include "runtime/bus_internal.h"
#include "runtime/clock.h"

#define SOCKET_BUFFER_BYTES (128 * 1024)
#define RETRY_LEAST_MS      50u
#define RETRY_MORE_MS       100u
#define CONNECT_TIMEOUT_MS  2000
#define MOST_PINGS_OUT      1000 /* silence is judged by bus_silence.c */
#define TRIES_A_WORD        3    /* of connecting at the start: one is told, two are not */
#define QUICK_REFUSALS      1    /* of the credentials, in a row: the next ones wait for longer */
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
    const char *reason = nats_GetLastError(NULL); /* of this thread */
    bool more = reason != NULL && *reason != '\0', refusal = is_refusal(attempt->status);
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
    if (status == NATS_OK) status = natsConnection_Connect(&attempt->made, self->options);
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

tw_code bus_connect_first(bus *self, const bus_options *wanted, tw_error *error) {
    tw_code code = check_urls(wanted->url, error);
    if (code != TW_OK) return code;
    natsStatus status = make_options(self, wanted);
    if (status != NATS_OK) return cannot(status, natsStatus_GetText(status), wanted->url, error);
    tw_random_seed(&self->random, (uint64_t)rt_clock_monotonic_ns() ^ (uint64_t)getpid() << 32);
    for (int count = 1;; count++) {
        plan(self);
        try_once(self);
        status = self->attempt.status;
        if (status == NATS_OK) break;
        if (status == NATS_INVALID_ARG || (wanted->connect_attempts >= 0 && count >= wanted->connect_attempts))
            return cannot(status, self->attempt.why, wanted->url, error);
        tell_trying(wanted, count, self->attempt.why);
        sleep(1);
    }
    adopt(self);
    return TW_OK;
}

/* ---- the next ones ---- */

static void *run_attempt(void *context) {
    bus *self = context;
    try_once(self);
    nats_ReleaseThreadMemory();
    bus_mailbox_put_tried(self);
    return NULL;
}

/* Signals are the loop's business. */
static bool start_thread(bus *self) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&self->attempt.thread, NULL, run_attempt, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

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
    atomic_store(&self->attempt.given_up, true);
    pthread_join(self->attempt.thread, NULL);
    self->attempt.running = false;
    if (self->attempt.status == NATS_OK) adopt(self);
}
