/* The bus: connecting, publishing, closing. Watching the socket is bus_polling.c's, delivery bus_subscription.c's. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/bus_internal.h"
#include "runtime/clock.h"

#define DEFAULT_HIGH_WATER_BYTES ((size_t)4 * 1024 * 1024)
#define DEFAULT_SILENCE_NS       (3 * TW_NS_PER_SECOND)
#define DEFAULT_INBOX_PREFIX     "_INBOX"
#define CLOSE_TIMEOUT_NS         (5 * TW_NS_PER_SECOND)
#define PROTOCOL_BYTES           16 /* about what "PUB", lengths and line ends add to a message */

void bus_listen(bus *self, bus_listener *listener) {
    listener->next = self->listeners;
    self->listeners = listener;
}

void bus_unlisten(bus *self, bus_listener *listener) {
    bus_listener **link = &self->listeners;
    while (*link != NULL && *link != listener)
        link = &(*link)->next;
    if (*link == NULL) return;
    *link = listener->next;
    if (self->next_listener == listener) self->next_listener = listener->next;
}

static void tell_listeners(bus *self, bus_event event) {
    for (bus_listener *each = self->listeners; each != NULL; each = self->next_listener) {
        self->next_listener = each->next;
        each->on_event(each->context, event);
    }
}

void bus_tell(bus *self, bus_event event, const char *detail) {
    if (event == BUS_RECONNECTED) self->stats.reconnects++;
    if (event == BUS_CONNECTED || event == BUS_RECONNECTED) self->told_up = true;
    if (event == BUS_DISCONNECTED) self->told_up = false;
    tell_listeners(self, event);
    if (self->on_event != NULL) self->on_event(self->event_context, event, detail);
}

static void on_disconnected(natsConnection *nats, void *context) {
    bus *self = context;
    (void)nats;
    bus_mailbox_put_disconnected(self);
}

static void on_closed(natsConnection *nats, void *context) {
    (void)nats;
    bus_mailbox_put_closed(context);
}

/* Called late, on a thread of nats.c, which holds no reference to the subscription: it may be gone by now. */
static void on_error(natsConnection *nats, natsSubscription *subscription, natsStatus status, void *context) {
    bus *self = context;
    (void)nats, (void)subscription;
    if (status == NATS_NOT_PERMITTED && self->refusals) {
        const char *words = nats_GetLastError(NULL);
        bus_mailbox_put_event(self, BUS_NOT_PERMITTED, words != NULL ? words : "");
    }
}

natsStatus bus_set_callbacks(natsOptions *options, bus *self) {
    natsStatus status = natsOptions_SetDisconnectedCB(options, on_disconnected, self);
    if (status == NATS_OK) status = natsOptions_SetClosedCB(options, on_closed, self);
    if (status == NATS_OK) status = natsOptions_SetErrorHandler(options, on_error, self);
    return status;
}

static void on_wake(uv_async_t *wake) {
    bus *self = wake->data;
    bus_mailbox_read(self);
    if (!self->closing) bus_write(self);
}

static void on_before_sleep(uv_prepare_t *prepare) {
    bus *self = prepare->data;
    if (!self->waiting_for_room) bus_write(self);
}

/* The handles don't keep the loop alive; the socket does. */
static int open_handles(bus *self) {
    self->wake.data = self->before_sleep.data = self->silence_check.data = self->retry.data = self;
    int status = uv_async_init(self->loop, &self->wake, on_wake);
    if (status != 0) return status;
    uv_prepare_init(self->loop, &self->before_sleep);
    uv_prepare_start(&self->before_sleep, on_before_sleep);
    uv_unref((uv_handle_t *)&self->before_sleep);
    uv_timer_init(self->loop, &self->retry);
    uv_unref((uv_handle_t *)&self->retry);
    self->open_handles = 4;
    bus_silence_start(self);
    return 0;
}

static void on_handle_closed(uv_handle_t *handle) {
    bus *self = handle->data;
    if (--self->open_handles > 0) return;
    bus_mailbox_fini(&self->mailbox);
    bus_input_fini(&self->input);
    free(self);
}

static void close_handles(bus *self) {
    self->closing = true;
    uv_close((uv_handle_t *)&self->wake, on_handle_closed);
    uv_close((uv_handle_t *)&self->before_sleep, on_handle_closed);
    uv_close((uv_handle_t *)&self->silence_check, on_handle_closed);
    uv_close((uv_handle_t *)&self->retry, on_handle_closed);
}

static tw_code prepare(bus *self, uv_loop_t *loop, const bus_options *options, tw_error *error) {
    self->loop = loop;
    self->loop_thread = pthread_self();
    self->high_water_bytes = options->high_water_bytes != 0 ? options->high_water_bytes : DEFAULT_HIGH_WATER_BYTES;
    if (self->high_water_bytes > INT32_MAX / 2) self->high_water_bytes = INT32_MAX / 2; /* nats.c counts in int */
    self->read_lot = options->read_lot_bytes != 0 ? options->read_lot_bytes : BUS_READ_LOT;
    self->silence_ns = options->silence_ns > 0 ? options->silence_ns : DEFAULT_SILENCE_NS;
    if (!tw_text_copy(self->inbox_prefix, sizeof self->inbox_prefix,
                      options->inbox_prefix != NULL ? options->inbox_prefix : DEFAULT_INBOX_PREFIX))
        return tw_error_set(error, TW_INVALID, "an inbox's prefix has at most %d bytes",
                            BUS_INBOX_PREFIX_BYTES - 1);
    self->refusals = options->refusals;
    self->on_event = options->on_event;
    self->event_context = options->event_context;
    if (!bus_input_init(&self->input)) return tw_error_set(error, TW_NO_MEMORY, "no memory for the bus");
    if (bus_mailbox_init(&self->mailbox) != 0) return tw_error_set(error, TW_NO_MEMORY, "no memory for the bus");
    int status = open_handles(self);
    if (status == 0) return TW_OK;
    bus_mailbox_fini(&self->mailbox);
    return tw_error_set(error, TW_IO, "adding the bus to the loop: %s", uv_strerror(status));
}

tw_code bus_open(bus **opened, uv_loop_t *loop, const bus_options *options, tw_error *error) {
    *opened = NULL;
    bus *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the bus");
    tw_code code = prepare(self, loop, options, error);
    if (code != TW_OK) {
        bus_input_fini(&self->input);
        free(self);
        return code;
    }
    code = bus_connect_first(self, options, error);
    if (code != TW_OK) {
        natsOptions_Destroy(self->options);
        close_handles(self);
        return code;
    }
    bus_mailbox_put_event(self, BUS_CONNECTED, "connected"); /* told by the loop, when it runs */
    *opened = self;
    return TW_OK;
}

/* Whether the server's side has everything that was written. */
static bool has_arrived(int socket) {
    int on_the_way = 0;
    return ioctl(socket, SIOCOUTQ, &on_the_way) != 0 || on_the_way == 0;
}

/* Reads, and forgets, until the server closes its side: it does so when it has processed the last byte. */
static void wait_for_end(int socket, int64_t end_ns) {
    char forgotten[4096];
    shutdown(socket, SHUT_WR);
    while (rt_clock_monotonic_ns() < end_ns) {
        struct pollfd end = {.fd = socket, .events = POLLIN};
        if (poll(&end, 1, 100) == 0) continue;
        ssize_t length = recv(socket, forgotten, sizeof forgotten, MSG_DONTWAIT);
        if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) return;
    }
}

/* nats.c closes its socket with a linger time of 0: the kernel then throws away what it has not sent yet, and a server that
 * finds the connection reset while it delivers to it throws away what it has not read yet. So the last byte must have
 * arrived before, and have been processed. */
static void flush_before_close(bus *self) {
    int64_t end_ns = rt_clock_monotonic_ns() + CLOSE_TIMEOUT_NS;
    uv_os_fd_t socket = -1;
    if (self->poll == NULL || uv_fileno((uv_handle_t *)self->poll, &socket) != 0) return;
    while (self->poll != NULL && atomic_load(&self->write_wanted) && rt_clock_monotonic_ns() < end_ns) {
        struct pollfd room = {.fd = socket, .events = POLLOUT};
        poll(&room, 1, 100);
        bus_write(self);
    }
    while (self->poll != NULL && !has_arrived(socket) && rt_clock_monotonic_ns() < end_ns)
        poll(NULL, 0, 1);
    if (self->poll != NULL) wait_for_end(socket, end_ns);
}

/* nats.c's callback thread may still hold letters for this connection; its "closed" is the last of them. */
static void end_connection(bus *self) {
    if (self->nats == NULL) return;
    natsConnection_Close(self->nats);
    bus_mailbox_wait_closed(&self->mailbox, 10 * TW_NS_PER_SECOND);
    natsConnection_Destroy(self->nats);
    self->nats = NULL;
}

/* On the loop, when nats.c has no more to say about it. */
void bus_connection_over(bus *self) {
    bus_leave_subscriptions(self);
    bus_stop_polling(self);
    if (self->input.encrypted) bus_servers_learn(&self->servers, self->nats); /* else we have heard it ourselves */
    natsConnection_Destroy(self->nats);
    self->nats = NULL;
    if (self->told_up) bus_tell(self, BUS_DISCONNECTED, "connection lost, reconnecting");
    bus_connect_again(self);
}

void bus_close(bus *self) {
    if (self == NULL) return;
    bus_connect_stop(self);
    bus_free_subscriptions(self);
    flush_before_close(self); /* with the unsubscriptions: nats.c would wait for the loop to write what is left */
    self->closing = true;
    end_connection(self);
    natsOptions_Destroy(self->options);
    bus_release_all(self);
    bus_stop_polling(self);
    close_handles(self);
}

/* A concrete subject: tokens of one or more visible bytes, no wildcard token. nats.c would send a bad one as it is,
 * and a space or a line end in it would break the protocol. */
static bool subject_is_valid(const char *subject, size_t *length) {
    const char *token = subject, *c = subject;
    for (;; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte > ' ' && byte != '.' && byte != 0x7f) continue;
        if (byte != '.' && byte != '\0') return false;
        if (c == token || (c == token + 1 && (*token == '*' || *token == '>'))) return false;
        if (byte == '\0') break;
        token = c + 1;
    }
    *length = (size_t)(c - subject);
    return true;
}

static tw_code code_of(natsStatus status) {
    switch (status) {
    case NATS_OK:
        return TW_OK;
    case NATS_INSUFFICIENT_BUFFER:
        return TW_FULL;
    case NATS_INVALID_SUBJECT:
    case NATS_MAX_PAYLOAD:
        return TW_INVALID;
    case NATS_NO_MEMORY:
        return TW_NO_MEMORY;
    default:
        return TW_AWAY;
    }
}

static tw_code count_published(bus *self, natsStatus status, size_t subjects_length, size_t length) {
    if (status != NATS_OK) return code_of(status);
    self->unsent_bytes += PROTOCOL_BYTES + subjects_length + length;
    self->stats.messages_out++;
    self->stats.bytes_out += length;
    return TW_OK;
}

static tw_code publish(bus *self, const char *subject, size_t subject_length, const uint8_t *bytes, size_t length) {
    if (length > self->max_payload) return TW_INVALID;
    if (!self->connected) return TW_AWAY;
    natsStatus status = natsConnection_Publish(self->nats, subject, bytes, (int)length);
    return count_published(self, status, subject_length, length);
}

tw_code bus_publish(bus *self, const char *subject, const uint8_t *bytes, size_t length) {
    size_t subject_length;
    if (!subject_is_valid(subject, &subject_length)) return TW_INVALID;
    return publish(self, subject, subject_length, bytes, length);
}

tw_code bus_publish_trusted(bus *self, const char *subject, const uint8_t *bytes, size_t length) {
    return publish(self, subject, strlen(subject), bytes, length);
}

tw_code bus_publish_request(bus *self, const char *subject, const char *reply, const uint8_t *bytes,
                            size_t length) {
    size_t subject_length, reply_length;
    if (reply == NULL) return bus_publish(self, subject, bytes, length);
    if (!subject_is_valid(subject, &subject_length) || length > self->max_payload) return TW_INVALID;
    if (!subject_is_valid(reply, &reply_length)) return TW_INVALID;
    if (!self->connected) return TW_AWAY;
    natsStatus status = natsConnection_PublishRequest(self->nats, subject, reply, bytes, (int)length);
    return count_published(self, status, subject_length + reply_length, length);
}

static natsStatus publish_whole(bus *self, natsMsg *message) {
    size_t length;
    const char *reply = natsMsg_GetReply(message);
    if (!subject_is_valid(natsMsg_GetSubject(message), &length)) return NATS_INVALID_SUBJECT;
    if (reply != NULL && !subject_is_valid(reply, &length)) return NATS_INVALID_SUBJECT;
    if ((size_t)natsMsg_GetDataLength(message) > self->max_payload) return NATS_MAX_PAYLOAD;
    return self->connected ? natsConnection_PublishMsg(self->nats, message) : NATS_CONNECTION_CLOSED;
}

tw_code bus_publish_owned(bus *self, natsMsg *message) {
    natsStatus status = publish_whole(self, message);
    size_t length = (size_t)natsMsg_GetDataLength(message);
    tw_code code = count_published(self, status, strlen(natsMsg_GetSubject(message)), length);
    bus_release_later(self, message);
    return code;
}

void bus_flush(bus *self) {
    if (!self->waiting_for_room) bus_write(self);
}

bool bus_ready(const bus *self) {
    bool answers_wait =
        self->input.answers > 0 && self->unsent_bytes > 0; /* a server gives up who does not answer its PINGs */
    return self->connected && self->unsent_bytes < self->high_water_bytes && !answers_wait;
}

bool bus_connected(const bus *self) {
    return self->connected;
}

size_t bus_buffered(const bus *self) {
    int buffered = self->connected ? natsConnection_Buffered(self->nats) : 0;
    return buffered > 0 ? (size_t)buffered : 0;
}

size_t bus_max_payload(const bus *self) {
    return self->max_payload;
}

tw_code bus_new_inbox(bus *self, char *subject, size_t capacity, tw_error *error) {
    natsInbox *inbox = NULL;
    if (natsInbox_Create(&inbox) != NATS_OK) return tw_error_set(error, TW_NO_MEMORY, "no memory for an inbox");
    const char *unique = strrchr(inbox, '.') + 1; /* "_INBOX.{unique}" */
    bool whole = tw_text_format(subject, capacity, "%s.%s", self->inbox_prefix, unique);
    natsInbox_Destroy(inbox);
    return whole ? TW_OK : tw_error_set(error, TW_FULL, "%zu bytes are too few for an inbox subject", capacity);
}

bus_stats bus_read_stats(const bus *self) {
    return self->stats;
}
