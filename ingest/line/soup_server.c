/* One client of a SoupBinTCP server. Packets are framing's job, messages the store's, sockets the owner's. */
#include "ingest/line/soup_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

#define SMALLEST_WINDOW  64u
#define SMALLEST_BOUND   51u /* the payload of a login of version 4.00 */
#define SECOND_NS        INT64_C(1000000000)
#define MILLISECOND_NS   INT64_C(1000000)
#define SHORTEST_SILENCE (SECOND_NS) /* what a client may ask for: heartbeats come each second */
#define LONGEST_SILENCE  (60 * SECOND_NS)

struct soup_server {
    soup_server_options options;
    soup_server_source source;
    soup_server_state state;
    soup_server_reason reason;
    char username[SOUP_USERNAME_BYTES];
    uint64_t next;
    int64_t silence_ns;
    int64_t opened_ns;
    int64_t heard_ns; /* last bytes of the client */
    int64_t taken_ns; /* last bytes taken, or when the window stopped being empty */
    soup_reader reader;
    soup_server_status stats; /* its counters */

    /* window:  | sent … | start … waiting … end | free |    moved to the front when it must make room */
    uint8_t *window;
    size_t start, end;
    uint8_t *carry;
};

/* ---- life ---- */

static void set_default(int64_t *value, int64_t otherwise) {
    if (*value == 0) *value = otherwise;
}

static tw_code check_options(const soup_server_options *o, tw_error *error) {
    if (o->window_bytes < SMALLEST_WINDOW)
        return tw_error_set(error, TW_INVALID, "SoupBinTCP: a window of %zu bytes, at least %u are needed",
                            o->window_bytes, SMALLEST_WINDOW);
    if (o->max_payload_bytes < SMALLEST_BOUND || o->max_payload_bytes > SOUP_MAX_PAYLOAD_BYTES)
        return tw_error_set(error, TW_INVALID, "SoupBinTCP: a payload bound of %zu is not within %u to %d",
                            o->max_payload_bytes, SMALLEST_BOUND, SOUP_MAX_PAYLOAD_BYTES);
    if (o->heartbeat_ns < 0 || o->silence_ns < 0 || o->login_ns < 0 || o->stall_ns < 0)
        return tw_error_set(error, TW_INVALID, "SoupBinTCP: a time below 0");
    return TW_OK;
}

tw_code soup_server_alloc(soup_server **out, const soup_server_options *options, const soup_server_source *source,
                          int64_t now_ns, tw_error *error) {
    *out = NULL;
    tw_code code = check_options(options, error);
    if (code != TW_OK) return code;
    soup_server *server = calloc(1, sizeof *server);
    if (server == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a SoupBinTCP client's connection");
    server->window = malloc(options->window_bytes);
    server->carry = malloc(SOUP_HEADER_BYTES + options->max_payload_bytes);
    if (server->window == NULL || server->carry == NULL) {
        soup_server_free(server);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for a SoupBinTCP window of %zu bytes",
                            options->window_bytes);
    }
    server->options = *options;
    server->source = *source;
    set_default(&server->options.heartbeat_ns, SECOND_NS);
    set_default(&server->options.silence_ns, 15 * SECOND_NS);
    set_default(&server->options.login_ns, 15 * SECOND_NS);
    set_default(&server->options.stall_ns, 30 * SECOND_NS);
    server->silence_ns = server->options.silence_ns;
    server->opened_ns = server->heard_ns = server->taken_ns = now_ns;
    soup_reader_init(&server->reader, server->carry, options->max_payload_bytes);
    *out = server;
    return TW_OK;
}

void soup_server_free(soup_server *server) {
    if (server == NULL) return;
    free(server->window);
    free(server->carry);
    free(server);
}

static void close_for(soup_server *server, soup_server_reason reason) {
    if (server->state == SOUP_SERVER_CLOSING) return;
    server->state = SOUP_SERVER_CLOSING;
    server->reason = reason;
}

/* Nobody is there to take what waits. */
static void drop_for(soup_server *server, soup_server_reason reason) {
    close_for(server, reason);
    server->start = server->end = 0;
}

void soup_server_stop(soup_server *server) {
    close_for(server, SOUP_SERVER_STOPPED);
}

/* ---- the window ---- */

static size_t waiting(const soup_server *server) {
    return server->end - server->start;
}

static size_t room(soup_server *server) {
    return server->options.window_bytes - server->end;
}

static void move_to_front(soup_server *server) {
    if (server->start == 0) return;
    memmove(server->window, server->window + server->start, waiting(server));
    server->end -= server->start;
    server->start = 0;
}

static void appended(soup_server *server, size_t bytes, int64_t now_ns) {
    if (bytes == 0) return;
    if (waiting(server) == 0) server->taken_ns = now_ns; /* a stall counts from when there is something to take */
    server->end += bytes;
}

/* One of the small packets. The login's answer is the first thing in a window, the others are put into an empty one:
 * there is always room. */
static void append_small(soup_server *server, const uint8_t *packet, size_t length, int64_t now_ns) {
    move_to_front(server);
    TW_ASSERT(length > 0 && length <= room(server));
    memcpy(server->window + server->end, packet, length);
    appended(server, length, now_ns);
}

static void append_empty(soup_server *server, soup_type type, int64_t now_ns) {
    uint8_t packet[SOUP_EMPTY_BYTES];
    size_t length = soup_write_empty(packet, sizeof packet, type);
    append_small(server, packet, length, now_ns);
}

/* True if a message was put into the window and there may be another. */
static bool append_message(soup_server *server, int64_t now_ns) {
    size_t length = 0;
    const uint8_t *message = server->source.fetch(server->source.context, server->next, &length);
    if (message == NULL) {
        close_for(server, SOUP_SERVER_TOO_SLOW);
        return false;
    }
    if (length > SOUP_MAX_PAYLOAD_BYTES || SOUP_HEADER_BYTES + length > server->options.window_bytes) {
        close_for(server, SOUP_SERVER_TOO_LARGE);
        return false;
    }
    size_t bytes = soup_write_data(server->window + server->end, room(server), SOUP_SEQUENCED, message, length);
    appended(server, bytes, now_ns);
    if (bytes == 0) return false; /* the window is full: the message stays in the store */
    server->next++;
    server->stats.messages++;
    return true;
}

static void fill(soup_server *server, int64_t now_ns) {
    if (server->state != SOUP_SERVER_STREAMING) return;
    if (server->start > server->options.window_bytes / 2)
        move_to_front(server); /* so each byte moves once at most */
    uint64_t next = server->source.next(server->source.context);
    while (server->next < next && append_message(server, now_ns)) {
    }
    if (server->state != SOUP_SERVER_STREAMING || server->next < next) return;
    if (server->source.ended(server->source.context) && room(server) >= SOUP_EMPTY_BYTES) {
        append_empty(server, SOUP_END_OF_SESSION, now_ns);
        close_for(server, SOUP_SERVER_ENDED);
    } else if (waiting(server) == 0 && now_ns - server->taken_ns >= server->options.heartbeat_ns) {
        append_empty(server, SOUP_SERVER_HEARTBEAT, now_ns);
    }
}

size_t soup_server_output(soup_server *server, uint8_t *target, size_t capacity, int64_t now_ns) {
    size_t total = 0;
    while (total < capacity) {
        fill(server, now_ns);
        size_t count = waiting(server) < capacity - total ? waiting(server) : capacity - total;
        if (count == 0) break;
        memcpy(target + total, server->window + server->start, count);
        server->start += count;
        if (server->start == server->end) server->start = server->end = 0;
        total += count;
        server->taken_ns = now_ns;
    }
    return total;
}

/* ---- packets ---- */

static void reject(soup_server *server, char code, soup_server_reason reason, int64_t now_ns) {
    uint8_t packet[SOUP_REJECTED_BYTES];
    size_t length = soup_write_rejected(packet, sizeof packet, code);
    append_small(server, packet, length, now_ns);
    close_for(server, reason);
}

/* 0 asks for what is generated from now on. A number that is not there yet, or not there any more, becomes the nearest
 * that is; the answer tells the client. */
static uint64_t first_for(const soup_server *server, uint64_t requested) {
    uint64_t next = server->source.next(server->source.context);
    uint64_t oldest = server->source.oldest(server->source.context);
    if (requested == 0 || requested > next) return next;
    return requested < oldest ? oldest : requested;
}

static void take_timeout(soup_server *server, uint32_t timeout_ms) {
    if (timeout_ms == 0) return;
    int64_t asked = (int64_t)timeout_ms * MILLISECOND_NS;
    if (asked < SHORTEST_SILENCE) asked = SHORTEST_SILENCE;
    server->silence_ns = asked > LONGEST_SILENCE ? LONGEST_SILENCE : asked;
}

static void on_login(soup_server *server, const soup_packet *packet, int64_t now_ns) {
    soup_login login;
    if (!soup_read_login(packet, &login)) {
        drop_for(server, SOUP_SERVER_MALFORMED);
        return;
    }
    const char *session = server->source.session(server->source.context);
    if (!server->source.may_login(server->source.context, login.username, login.password)) {
        reject(server, SOUP_NOT_AUTHORISED, SOUP_SERVER_NOT_AUTHORISED, now_ns);
        return;
    }
    soup_accepted accepted = {.sequence = first_for(server, login.sequence)};
    uint8_t answer[SOUP_ACCEPTED_BYTES];
    bool named = tw_text_copy(accepted.session, sizeof accepted.session, session) && session[0] != '\0';
    size_t length = soup_write_accepted(answer, sizeof answer, &accepted);
    if (!named || length == 0 || (login.session[0] != '\0' && strcmp(login.session, session) != 0)) {
        reject(server, SOUP_SESSION_NOT_AVAILABLE, SOUP_SERVER_NO_SESSION, now_ns);
        return;
    }
    append_small(server, answer, length, now_ns);
    tw_text_copy(server->username, sizeof server->username, login.username);
    take_timeout(server, login.timeout_ms);
    server->next = accepted.sequence;
    server->state = SOUP_SERVER_STREAMING;
}

static void on_client_packet(soup_server *server, const soup_packet *packet) {
    switch (packet->type) {
    case SOUP_CLIENT_HEARTBEAT:
        break;
    case SOUP_UNSEQUENCED:
        server->stats.unsequenced++;
        if (server->source.on_unsequenced != NULL)
            server->source.on_unsequenced(server->source.context, packet->payload, packet->length);
        break;
    case SOUP_LOGOUT:
        drop_for(server, SOUP_SERVER_LOGGED_OUT);
        break;
    default:
        drop_for(server, SOUP_SERVER_UNEXPECTED);
    }
}

static void on_packet(soup_server *server, const soup_packet *packet, int64_t now_ns) {
    if (packet->type == SOUP_DEBUG) return;
    if (server->state == SOUP_SERVER_STREAMING) {
        on_client_packet(server, packet);
    } else if (packet->type == SOUP_LOGIN_REQUEST) {
        on_login(server, packet, now_ns);
    } else if (packet->type == SOUP_LOGOUT) {
        drop_for(server, SOUP_SERVER_LOGGED_OUT);
    } else if (packet->type != SOUP_CLIENT_HEARTBEAT) {
        drop_for(server, SOUP_SERVER_UNEXPECTED);
    }
}

void soup_server_received(soup_server *server, const uint8_t *bytes, size_t length, int64_t now_ns) {
    if (length > 0) server->heard_ns = now_ns;
    while (server->state != SOUP_SERVER_CLOSING) {
        soup_packet packet;
        soup_result result = soup_reader_next(&server->reader, &bytes, &length, &packet);
        if (result == SOUP_NEED_MORE) return;
        if (result == SOUP_CONSUMED) on_packet(server, &packet, now_ns);
        if (result == SOUP_UNKNOWN) server->stats.unknown++;
        if (result == SOUP_MALFORMED) drop_for(server, SOUP_SERVER_MALFORMED);
    }
}

/* ---- time ---- */

bool soup_server_poll(soup_server *server, int64_t now_ns) {
    if (server->state == SOUP_SERVER_AWAITING_LOGIN && now_ns - server->opened_ns >= server->options.login_ns)
        drop_for(server, SOUP_SERVER_NO_LOGIN);
    if (server->state == SOUP_SERVER_STREAMING && now_ns - server->heard_ns >= server->silence_ns)
        drop_for(server, SOUP_SERVER_SILENT);
    if (waiting(server) > 0 && now_ns - server->taken_ns >= server->options.stall_ns) {
        close_for(server, SOUP_SERVER_STALLED);
        server->start = server->end = 0; /* also where it was closing already, but in vain */
    }
    return server->state == SOUP_SERVER_CLOSING && waiting(server) == 0;
}

static int64_t later(int64_t now_ns, int64_t wait_ns) {
    int64_t sum;
    return __builtin_add_overflow(now_ns, wait_ns, &sum) ? INT64_MAX : sum;
}

int64_t soup_server_next_ns(const soup_server *server) {
    bool idle = waiting(server) == 0;
    if (server->state == SOUP_SERVER_CLOSING && idle) return INT64_MIN;
    int64_t output = later(server->taken_ns, idle ? server->options.heartbeat_ns : server->options.stall_ns);
    if (server->state == SOUP_SERVER_CLOSING) return output;
    if (server->state == SOUP_SERVER_AWAITING_LOGIN) return later(server->opened_ns, server->options.login_ns);
    int64_t silence = later(server->heard_ns, server->silence_ns);
    return output < silence ? output : silence;
}

/* ---- looking ---- */

soup_server_status soup_server_read_status(const soup_server *server) {
    soup_server_status status = server->stats;
    status.state = server->state;
    status.reason = server->reason;
    tw_text_copy(status.username, sizeof status.username, server->username);
    status.next = server->next;
    status.waiting_bytes = waiting(server);
    return status;
}

const char *soup_server_reason_name(soup_server_reason reason) {
    static const char *const names[] = {"OPEN",      "ENDED",      "LOGGED_OUT", "NOT_AUTHORISED", "NO_SESSION",
                                        "NO_LOGIN",  "SILENT",     "STALLED",    "TOO_SLOW",       "TOO_LARGE",
                                        "MALFORMED", "UNEXPECTED", "STOPPED"};
    return (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "?";
}
