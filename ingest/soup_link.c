/* Connects the SoupBinTCP state machine with the network, the clock and the log. */
#include "ingest/soup_link.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/civil.h"
#include "base/text.h"
#include "ingest/source/tcp_link.h"
#include "runtime/clock.h"

#define READ_BYTES      (256u * 1024u)
#define OUTPUT_BYTES    256u /* a login, a heartbeat and a logout fit */
#define REASON_BYTES    256u
#define SERVER_BYTES    (LOCATION_HOST_BYTES + 8)
#define NANOS_PER_MILLI INT64_C(1000000)

struct soup_link {
    soup_link_options options;
    char server[SERVER_BYTES]; /* "host:port", for the log */
    soup_client *client;
    tcp_link *tcp;
    uv_timer_t timer;
    bool pumping, again;
    char closed[REASON_BYTES]; /* what the connection said of its end */
    char reason[REASON_BYTES];
    bool refused;
    int64_t heard_ns;
    uint64_t reads;
    uint64_t malformed;
    rt_log_site away_site;
};

/* ---- what the client says ---- */

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    soup_link *link = context;
    link->options.listener.on_session(link->options.listener.context, session, first, receive_ns);
}

static void on_messages(void *context, const feed_message *messages, size_t count) {
    soup_link *link = context;
    link->options.listener.on_messages(link->options.listener.context, messages, count);
}

static void on_lost(void *context, uint64_t from, uint64_t count) {
    soup_link *link = context;
    link->options.listener.on_lost(link->options.listener.context, from, count);
}

static void on_ended(void *context, const char *session, uint64_t next) {
    soup_link *link = context;
    rt_log(link->options.log, RT_INFO, "end of session", RT_STR("link", link->options.name),
           RT_STR("session", session), RT_U64("next", next));
    link->options.listener.on_ended(link->options.listener.context, session, next);
}

static void on_rejected(void *context, char code) {
    soup_link *link = context;
    const char *session = soup_client_read_status(link->client).session;
    link->refused = code == SOUP_NOT_AUTHORISED;
    if (code == SOUP_NOT_AUTHORISED) {
        tw_text_format(link->reason, sizeof link->reason,
                       "%.120s rejects the login: user name and password are not right", link->server);
    } else {
        tw_text_format(link->reason, sizeof link->reason, "%.120s rejects the login: %s%s is not available (%c)",
                       link->server, session[0] == '\0' ? "a session" : "session ", session, code);
    }
}

static void write_reason(soup_link *link, soup_client_reason reason) {
    switch (reason) {
    case SOUP_REASON_DISCONNECTED:
        tw_text_format(link->reason, sizeof link->reason, "%.120s: %.120s", link->server, link->closed);
        break;
    case SOUP_REASON_SILENT:
        tw_text_format(link->reason, sizeof link->reason, "%.120s: not a byte, not even a heartbeat, for %lld ms",
                       link->server, (long long)(link->options.client.silence_ns / NANOS_PER_MILLI));
        break;
    case SOUP_REASON_MALFORMED:
    case SOUP_REASON_UNEXPECTED:
        link->malformed++;
        tw_text_format(link->reason, sizeof link->reason, "%.120s sends what %s", link->server,
                       reason == SOUP_REASON_MALFORMED ? "is no SoupBinTCP" : "has no place in SoupBinTCP there");
        break;
    default: /* ASKED: nothing is wrong; REJECTED: on_rejected has said it */
        break;
    }
}

static void on_state(void *context, soup_client_state state, soup_client_reason reason) {
    soup_link *link = context;
    rt_log *log = link->options.log;
    write_reason(link, reason);
    if (state == SOUP_CLIENT_LOGGING_IN) link->options.listener.on_login(link->options.listener.context);
    if (state == SOUP_CLIENT_STREAMING) {
        link->refused = false;
        link->reason[0] = '\0';
        rt_log(log, RT_INFO, "logged in", RT_STR("link", link->options.name), RT_STR("server", link->server));
    }
    if (state == SOUP_CLIENT_REJECTED)
        rt_log(log, RT_ERROR, "a login was rejected", RT_STR("link", link->options.name),
               RT_STR("reason", link->reason));
    if (state == SOUP_CLIENT_BACKING_OFF && reason != SOUP_REASON_ASKED)
        rt_log_limited(log, &link->away_site, RT_WARN, "a link is away", RT_STR("link", link->options.name),
                       RT_STR("reason", link->reason));
}

/* ---- one turn: what is to be sent, opened and closed, and when to look again ---- */

static void on_timer(uv_timer_t *timer);

static void arm(soup_link *link, int64_t now_ns) {
    int64_t next_ns = soup_client_next_ns(link->client);
    if (next_ns == INT64_MAX || next_ns == INT64_MIN) { /* never, or when the connection is closed */
        uv_timer_stop(&link->timer);
        return;
    }
    int64_t wait_ms = next_ns > now_ns ? (next_ns - now_ns) / NANOS_PER_MILLI + 1 : 1;
    uv_timer_start(&link->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void send_output(soup_link *link, int64_t now_ns) {
    uint8_t bytes[OUTPUT_BYTES];
    size_t count;
    while ((count = soup_client_output(link->client, bytes, sizeof bytes, now_ns)) > 0)
        tcp_link_send(link->tcp, bytes, count);
}

static void step(soup_link *link, int64_t now_ns) {
    send_output(link, now_ns);
    switch (soup_client_poll(link->client, now_ns)) {
    case SOUP_WISH_CONNECT:
        tcp_link_connect(link->tcp);
        break;
    case SOUP_WISH_CLOSE:
        tcp_link_hang_up(link->tcp);
        break;
    default:
        break;
    }
}

/* The owner's turn may start, resume or stop the client, and a connection may fail at once: then round again. */
static void pump(soup_link *link) {
    link->again = true;
    if (link->pumping) return;
    link->pumping = true;
    int64_t now_ns = rt_clock_monotonic_ns();
    while (link->again) {
        link->again = false;
        step(link, now_ns);
        link->options.listener.on_turn(link->options.listener.context);
    }
    link->pumping = false;
    arm(link, now_ns);
}

static void on_timer(uv_timer_t *timer) {
    pump(timer->data);
}

/* ---- what the connection says ---- */

static void on_connected(void *context, const char *address) {
    soup_link *link = context;
    rt_log(link->options.log, RT_INFO, "connected", RT_STR("link", link->options.name),
           RT_STR("server", link->server), RT_STR("address", address));
    soup_client_connected(link->client, rt_clock_monotonic_ns());
    pump(link);
}

static void on_bytes(void *context, const uint8_t *bytes, size_t length) {
    soup_link *link = context;
    link->heard_ns = rt_clock_monotonic_ns();
    link->reads++;
    soup_client_received(link->client, bytes, length, rt_clock_utc_ns(), link->heard_ns);
}

static void on_burst_end(void *context) {
    pump(context);
}

static void on_closed(void *context, const char *reason) {
    soup_link *link = context;
    tw_text_copy(link->closed, sizeof link->closed, reason);
    soup_client_disconnected(link->client, rt_clock_monotonic_ns());
    pump(link);
}

/* ---- life ---- */

static tw_code open_client(soup_link *link, tw_error *error) {
    soup_client_options *options = &link->options.client;
    const location *where = link->options.where;
    tw_text_copy(options->username, sizeof options->username, where->user);
    tw_text_copy(options->password, sizeof options->password, where->password);
    options->max_payload_bytes = SOUP_MAX_PAYLOAD_BYTES;
    options->seed = (uint64_t)rt_clock_utc_ns() ^ (uint64_t)uv_os_getpid() << 40;
    soup_client_listener listener = {link, on_session, on_messages, on_lost, on_ended, on_rejected, on_state};
    return soup_client_alloc(&link->client, options, &listener, error);
}

tw_code soup_link_open(soup_link **out, uv_loop_t *loop, const soup_link_options *options, tw_error *error) {
    *out = NULL;
    soup_link *link = calloc(1, sizeof *link);
    if (link == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a SoupBinTCP link");
    const location *where = options->where;
    link->options = *options;
    link->heard_ns = INT64_MIN;
    bool numbers = strchr(where->host, ':') != NULL; /* an IPv6 address */
    tw_text_format(link->server, sizeof link->server, "%s%s%s:%u", numbers ? "[" : "", where->host,
                   numbers ? "]" : "", (unsigned)where->port);
    tcp_link_listener listener = {link, on_connected, on_bytes, on_burst_end, on_closed};
    tw_code code = open_client(link, error);
    if (code == TW_OK)
        code = tcp_link_alloc(&link->tcp, loop, where->host, where->port, READ_BYTES, &listener, error);
    if (code != TW_OK) {
        soup_client_free(link->client);
        free(link);
        return code;
    }
    uv_timer_init(loop, &link->timer);
    link->timer.data = link;
    *out = link;
    return TW_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
    soup_link *link = handle->data;
    soup_client_free(link->client);
    free(link);
}

void soup_link_close(soup_link *link) {
    if (link == NULL) return;
    soup_client_stop(link->client);
    send_output(link, rt_clock_monotonic_ns()); /* the logout, if it is logged in */
    tcp_link_free(link->tcp);
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}

void soup_link_start(soup_link *link, uint64_t next) {
    bool fits = soup_client_start(link->client, link->options.where->session, next, rt_clock_monotonic_ns());
    TW_ASSERT(fits); /* a location's session is no longer than a login's */
    pump(link);
}

void soup_link_resume(soup_link *link) {
    soup_client_resume(link->client, rt_clock_monotonic_ns());
    pump(link);
}

void soup_link_stop(soup_link *link) {
    soup_client_stop(link->client);
    pump(link);
}

/* ---- looking ---- */

soup_client_status soup_link_status(const soup_link *link) {
    return soup_client_read_status(link->client);
}

const char *soup_link_reason(const soup_link *link) {
    return link->reason;
}

bool soup_link_refused(const soup_link *link) {
    return link->refused;
}

int64_t soup_link_heard_ns(const soup_link *link) {
    return link->heard_ns;
}

uint64_t soup_link_reads(const soup_link *link) {
    return link->reads;
}

uint64_t soup_link_malformed(const soup_link *link) {
    return link->malformed;
}
