/* One SoupBinTCP session over as many connections as it takes. Packets are framing's job, sockets the owner's. */
#include "ingest/line/soup_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/text.h"

#define MESSAGES_PER_CALL 64u
#define PENDING_BYTES     (SOUP_LOGIN_TIMEOUT_BYTES + 2 * SOUP_EMPTY_BYTES) /* a login, a heartbeat, a logout */
#define SMALLEST_BOUND    30u                                               /* the payload of a login's answer */
#define SECOND_NS         INT64_C(1000000000)
#define GOOD_NS           (5 * SECOND_NS) /* a connection that has streamed for so long ends the row of failures */

struct soup_client {
    soup_client_options options;
    soup_client_listener listener;
    tw_random random;
    soup_client_state state;
    bool linked;  /* the owner has a connection, or is making one */
    bool leaving; /* the logout is to be sent before the connection is closed */

    char session[SOUP_SESSION_BYTES];
    uint64_t next;    /* the number to ask for, then that of the next message to hand on */
    uint64_t counted; /* on this connection: the number of the next message that comes */
    bool announced;   /* on_session was told of the session */
    bool any;         /* the owner wants the active one, whichever it is */
    bool ask_any;     /* the next login names none, although one is known: that one is over or gone */
    bool over;        /* the session has ended */

    int64_t retry_ns;   /* BACKING_OFF: when to connect */
    unsigned failures;  /* in a row: connections that were soon over */
    int64_t lived_ns;   /* when the connection will have lasted long enough to count as a good one */
    int64_t heard_ns;   /* last bytes of the server; before: when the attempt began */
    int64_t sent_ns;    /* last bytes that were taken for sending */
    int64_t receive_ns; /* of the bytes at hand */
    soup_reader reader;
    uint8_t pending[PENDING_BYTES];
    size_t pending_bytes;

    feed_message batch[MESSAGES_PER_CALL];
    size_t batch_count;
    soup_client_status stats; /* its counters */
    uint8_t carry[];
};

/* ---- life ---- */

static void set_default(int64_t *value, int64_t otherwise) {
    if (*value == 0) *value = otherwise;
}

static tw_code check_options(const soup_client_options *o, tw_error *error) {
    uint8_t scratch[SOUP_LOGIN_TIMEOUT_BYTES];
    soup_login login = {.timeout_ms = o->timeout_ms};
    if (o->max_payload_bytes < SMALLEST_BOUND || o->max_payload_bytes > SOUP_MAX_PAYLOAD_BYTES)
        return tw_error_set(error, TW_INVALID, "SoupBinTCP: a payload bound of %zu is not within %u to %d",
                            o->max_payload_bytes, SMALLEST_BOUND, SOUP_MAX_PAYLOAD_BYTES);
    if (o->heartbeat_ns < 0 || o->silence_ns < 0 || o->backoff_first_ns < 0 || o->backoff_limit_ns < 0)
        return tw_error_set(error, TW_INVALID, "SoupBinTCP: a time below 0");
    tw_text_copy(login.username, sizeof login.username, o->username);
    tw_text_copy(login.password, sizeof login.password, o->password);
    if (soup_write_login(scratch, sizeof scratch, &login) == 0)
        return tw_error_set(
            error, TW_INVALID,
            "SoupBinTCP: user name and password must be printable ASCII, the timeout at most 99999 ms");
    return TW_OK;
}

tw_code soup_client_alloc(soup_client **out, const soup_client_options *options,
                          const soup_client_listener *listener, tw_error *error) {
    *out = NULL;
    tw_code code = check_options(options, error);
    if (code != TW_OK) return code;
    soup_client *client = calloc(1, sizeof *client + SOUP_HEADER_BYTES + options->max_payload_bytes);
    if (client == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a SoupBinTCP client");
    client->options = *options;
    client->listener = *listener;
    set_default(&client->options.heartbeat_ns, SECOND_NS);
    set_default(&client->options.silence_ns, 15 * SECOND_NS);
    set_default(&client->options.backoff_first_ns, SECOND_NS / 10);
    set_default(&client->options.backoff_limit_ns, 10 * SECOND_NS);
    tw_random_seed(&client->random, options->seed);
    soup_reader_init(&client->reader, client->carry, options->max_payload_bytes);
    *out = client;
    return TW_OK;
}

void soup_client_free(soup_client *client) {
    free(client);
}

/* ---- states ---- */

static bool is_alive(const soup_client *client) {
    return client->state == SOUP_CLIENT_LOGGING_IN || client->state == SOUP_CLIENT_STREAMING;
}

static void enter(soup_client *client, soup_client_state state, soup_client_reason reason) {
    client->state = state;
    client->listener.on_state(client->listener.context, state, reason);
}

/* first, 2 * first, 4 * first … up to the limit; from the upper half, so that many clients do not come back at once. */
static int64_t draw_wait(soup_client *client) {
    int64_t wait = client->options.backoff_first_ns, limit = client->options.backoff_limit_ns;
    for (unsigned i = 1; i < client->failures && wait < limit; i++)
        wait = wait > limit / 2 ? limit : wait * 2;
    if (wait > limit) wait = limit;
    return wait - (int64_t)tw_random_below(&client->random, (uint64_t)(wait / 2) + 1);
}

static int64_t later(int64_t now_ns, int64_t wait_ns) {
    int64_t sum;
    return __builtin_add_overflow(now_ns, wait_ns, &sum) ? INT64_MAX : sum;
}

/* What is on the connection is given up; the next one resumes. */
static void back_off(soup_client *client, soup_client_reason reason, int64_t now_ns) {
    client->pending_bytes = 0;
    if (client->state == SOUP_CLIENT_STREAMING && now_ns >= client->lived_ns) client->failures = 0;
    if (client->failures < UINT16_MAX) client->failures++;
    client->retry_ns = later(now_ns, draw_wait(client));
    enter(client, SOUP_CLIENT_BACKING_OFF, reason);
}

static void fail(soup_client *client, soup_client_reason reason, int64_t now_ns) {
    client->stats.failures++;
    back_off(client, reason, now_ns);
}

bool soup_client_start(soup_client *client, const char *session, uint64_t next, int64_t now_ns) {
    TW_ASSERT(!is_alive(client) && client->state != SOUP_CLIENT_CONNECTING);
    soup_login login = {.sequence = next};
    uint8_t scratch[SOUP_LOGIN_BYTES];
    if (!tw_text_copy(login.session, sizeof login.session, session) ||
        soup_write_login(scratch, sizeof scratch, &login) == 0)
        return false;
    tw_text_copy(client->session, sizeof client->session, session);
    client->next = next;
    client->announced = client->ask_any = client->over = false;
    client->any = session[0] == '\0';
    client->failures = 0;
    client->leaving = false;
    client->pending_bytes = 0;
    client->retry_ns = now_ns;
    enter(client, SOUP_CLIENT_BACKING_OFF, SOUP_REASON_ASKED);
    return true;
}

void soup_client_resume(soup_client *client, int64_t now_ns) {
    TW_ASSERT(client->state == SOUP_CLIENT_REJECTED || client->state == SOUP_CLIENT_ENDED);
    client->ask_any = client->state == SOUP_CLIENT_ENDED;
    client->failures = 0;
    client->pending_bytes = 0;
    client->retry_ns = now_ns;
    enter(client, SOUP_CLIENT_BACKING_OFF, SOUP_REASON_ASKED);
}

void soup_client_stop(soup_client *client) {
    if (client->state == SOUP_CLIENT_IDLE) return;
    bool logged_in = client->state == SOUP_CLIENT_STREAMING;
    if (logged_in) {
        client->pending_bytes += soup_write_empty(client->pending + client->pending_bytes,
                                                  PENDING_BYTES - client->pending_bytes, SOUP_LOGOUT);
    } else {
        client->pending_bytes = 0;
    }
    client->leaving = logged_in;
    enter(client, SOUP_CLIENT_IDLE, SOUP_REASON_ASKED);
}

/* ---- time ---- */

static bool wants_link(const soup_client *client) {
    return client->state == SOUP_CLIENT_CONNECTING || is_alive(client) || client->leaving;
}

soup_wish soup_client_poll(soup_client *client, int64_t now_ns) {
    bool waits = client->state == SOUP_CLIENT_CONNECTING || is_alive(client);
    if (waits && now_ns >= later(client->heard_ns, client->options.silence_ns))
        fail(client, SOUP_REASON_SILENT, now_ns);
    if (client->leaving && now_ns >= later(client->heard_ns, client->options.silence_ns)) client->leaving = false;
    if (client->linked) return wants_link(client) ? SOUP_WISH_NONE : SOUP_WISH_CLOSE;
    if (client->state != SOUP_CLIENT_BACKING_OFF || now_ns < client->retry_ns) return SOUP_WISH_NONE;
    client->linked = true;
    client->heard_ns = now_ns;
    enter(client, SOUP_CLIENT_CONNECTING, SOUP_REASON_ASKED);
    return SOUP_WISH_CONNECT;
}

int64_t soup_client_next_ns(const soup_client *client) {
    if (client->linked && !wants_link(client)) return INT64_MIN; /* it wishes to close: now */
    if (client->state == SOUP_CLIENT_BACKING_OFF) return client->retry_ns;
    if (!wants_link(client)) return INT64_MAX;
    int64_t silence = later(client->heard_ns, client->options.silence_ns);
    if (client->state != SOUP_CLIENT_STREAMING) return silence;
    int64_t heartbeat = later(client->sent_ns, client->options.heartbeat_ns);
    return heartbeat < silence ? heartbeat : silence;
}

/* ---- the connection ---- */

void soup_client_connected(soup_client *client, int64_t now_ns) {
    if (client->state != SOUP_CLIENT_CONNECTING) return; /* too late: it wishes to close */
    soup_login login = {.sequence = client->next, .timeout_ms = client->options.timeout_ms};
    tw_text_copy(login.username, sizeof login.username, client->options.username);
    tw_text_copy(login.password, sizeof login.password, client->options.password);
    if (client->ask_any) {
        login.sequence = 1;
    } else {
        tw_text_copy(login.session, sizeof login.session, client->session);
    }
    client->pending_bytes = soup_write_login(client->pending, PENDING_BYTES, &login);
    TW_ASSERT(client->pending_bytes > 0); /* its fields were checked before */
    soup_reader_reset(&client->reader);
    client->heard_ns = client->sent_ns = now_ns;
    enter(client, SOUP_CLIENT_LOGGING_IN, SOUP_REASON_ASKED);
}

void soup_client_disconnected(soup_client *client, int64_t now_ns) {
    client->linked = false;
    client->leaving = false;
    client->pending_bytes = 0;
    if (client->state == SOUP_CLIENT_CONNECTING || is_alive(client)) fail(client, SOUP_REASON_DISCONNECTED, now_ns);
}

/* A heartbeat only where nothing else waits: bytes that can't be sent are no silence of ours. */
size_t soup_client_output(soup_client *client, uint8_t *target, size_t capacity, int64_t now_ns) {
    if (client->state == SOUP_CLIENT_STREAMING && client->pending_bytes == 0 &&
        now_ns >= later(client->sent_ns, client->options.heartbeat_ns))
        client->pending_bytes = soup_write_empty(client->pending, PENDING_BYTES, SOUP_CLIENT_HEARTBEAT);
    size_t count = client->pending_bytes < capacity ? client->pending_bytes : capacity;
    if (count == 0) return 0;
    memcpy(target, client->pending, count);
    client->pending_bytes -= count;
    memmove(client->pending, client->pending + count, client->pending_bytes);
    client->sent_ns = now_ns;
    if (client->pending_bytes == 0) client->leaving = false; /* the logout is out */
    return count;
}

/* ---- packets ---- */

static void flush(soup_client *client) {
    if (client->batch_count == 0) return;
    size_t count = client->batch_count;
    client->batch_count = 0;
    client->listener.on_messages(client->listener.context, client->batch, count);
}

static void take_message(soup_client *client, const soup_packet *packet) {
    uint64_t seq = client->counted++;
    if (seq < client->next) {
        client->stats.repeated++;
        return;
    }
    client->next = client->counted;
    client->stats.messages++;
    client->batch[client->batch_count++] = (feed_message){
        .bytes = packet->payload, .length = packet->length, .seq = seq, .receive_ns = client->receive_ns};
    if (client->batch_count == MESSAGES_PER_CALL) flush(client);
}

/* Resumed: what was handed on is not handed on again, and what the server no longer has is told. */
static void resume(soup_client *client, uint64_t first) {
    client->counted = first;
    if (first <= client->next) return;
    uint64_t from = client->next;
    client->next = first;
    client->stats.lost += first - from;
    client->listener.on_lost(client->listener.context, from, first - from);
}

static void accept_login(soup_client *client, const soup_accepted *accepted, int64_t now_ns) {
    bool same = client->announced && strcmp(client->session, accepted->session) == 0;
    client->lived_ns = later(now_ns, GOOD_NS);
    client->ask_any = false;
    client->stats.logins++;
    if (same && client->over) {
        enter(client, SOUP_CLIENT_ENDED, SOUP_REASON_ASKED);
        return;
    }
    enter(client, SOUP_CLIENT_STREAMING, SOUP_REASON_ASKED);
    if (same) {
        resume(client, accepted->sequence);
        return;
    }
    client->over = false;
    tw_text_copy(client->session, sizeof client->session, accepted->session);
    client->announced = true;
    client->next = client->counted = accepted->sequence;
    client->listener.on_session(client->listener.context, client->session, client->next, client->receive_ns);
}

static void reject_login(soup_client *client, char reason, int64_t now_ns) {
    client->stats.rejections++;
    client->listener.on_rejected(client->listener.context, reason);
    if (reason == SOUP_NOT_AUTHORISED) {
        enter(client, SOUP_CLIENT_REJECTED, SOUP_REASON_REJECTED);
    } else {
        client->ask_any = client->ask_any || (client->any && client->announced);
        back_off(client, SOUP_REASON_REJECTED, now_ns);
    }
}

static void on_login_answer(soup_client *client, const soup_packet *packet, int64_t now_ns) {
    soup_accepted accepted;
    char reason;
    if (packet->type == SOUP_LOGIN_ACCEPTED) {
        /* Numbers start at 1; a session needs a name, or it could not be resumed. */
        if (soup_read_accepted(packet, &accepted) && accepted.sequence > 0 && accepted.session[0] != '\0') {
            accept_login(client, &accepted, now_ns);
        } else {
            fail(client, SOUP_REASON_MALFORMED, now_ns);
        }
    } else if (soup_read_rejected(packet, &reason)) {
        reject_login(client, reason, now_ns);
    } else {
        fail(client, SOUP_REASON_UNEXPECTED, now_ns);
    }
}

static void on_stream_packet(soup_client *client, const soup_packet *packet, int64_t now_ns) {
    if (packet->type == SOUP_SEQUENCED && client->counted < UINT64_MAX) {
        take_message(client, packet);
        return;
    }
    flush(client);
    if (packet->type == SOUP_END_OF_SESSION) {
        client->pending_bytes = 0;
        client->over = true;
        enter(client, SOUP_CLIENT_ENDED, SOUP_REASON_ASKED);
        client->listener.on_ended(client->listener.context, client->session, client->next);
    } else {
        fail(client, SOUP_REASON_UNEXPECTED, now_ns);
    }
}

static void on_packet(soup_client *client, const soup_packet *packet, int64_t now_ns) {
    if (packet->type == SOUP_SERVER_HEARTBEAT || packet->type == SOUP_DEBUG) return;
    if (packet->type == SOUP_UNSEQUENCED)
        return; /* 2.2 knows none from a server, but some send them: no sequence */
    if (client->state == SOUP_CLIENT_LOGGING_IN) {
        on_login_answer(client, packet, now_ns);
    } else {
        on_stream_packet(client, packet, now_ns);
    }
}

void soup_client_received(soup_client *client, const uint8_t *bytes, size_t length, int64_t receive_ns,
                          int64_t now_ns) {
    if (length == 0) return;
    if (is_alive(client)) client->heard_ns = now_ns;
    client->receive_ns = receive_ns;
    while (is_alive(client)) {
        soup_packet packet;
        bool carried = client->reader.carried > 0;
        soup_result result = soup_reader_next(&client->reader, &bytes, &length, &packet);
        if (result == SOUP_NEED_MORE) break;
        if (result == SOUP_CONSUMED) on_packet(client, &packet, now_ns);
        if (result == SOUP_UNKNOWN) client->stats.unknown++;
        if (result == SOUP_MALFORMED) {
            flush(client);
            fail(client, SOUP_REASON_MALFORMED, now_ns);
        }
        if (carried) flush(client); /* its bytes are the reader's, who may need the place for the next piece */
    }
    flush(client);
}

/* ---- looking ---- */

soup_client_status soup_client_read_status(const soup_client *client) {
    soup_client_status status = client->stats;
    status.state = client->state;
    status.session = client->session;
    status.next = client->next;
    return status;
}

const char *soup_client_state_name(soup_client_state state) {
    static const char *const names[] = {"IDLE",      "BACKING_OFF", "CONNECTING", "LOGGING_IN",
                                        "STREAMING", "REJECTED",    "ENDED"};
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

const char *soup_client_reason_name(soup_client_reason reason) {
    static const char *const names[] = {"ASKED", "DISCONNECTED", "SILENT", "MALFORMED", "UNEXPECTED", "REJECTED"};
    return (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "?";
}
