/*
 * Reading from the server. In event-loop mode nats.c reads a socket only when it is told to, and it is not told to: the bus reads what
 * comes itself and gives each message to its subscriber where it lies. nats.c would copy each into memory of its own, put it into
 * a queue, and have it freed by a thread: three times the cost (decision 0083). Everything else stays nats.c's: connecting, credentials, subscribing and
 * publishing. With TLS the bytes on the socket say nothing to us, so there nats.c reads as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"
#include "runtime/bus_internal.h"
#include "runtime/clock.h"

#define ROOM_BYTES  ((size_t)128 * 1024) /* read at once, so that others on the loop have their turn */
#define LEAST_SLOTS 64u
#define REFUSAL     "Permissions Violation"
#define BROKEN      "the server sends what no server does, reconnecting"
#define TLS_FIRST   20 /* content types of TLS records (RFC 8446, 5.1): no operation of NATS starts with one */
#define TLS_LAST    24

bool bus_input_init(bus_input *input) {
    *input = (bus_input){.capacity = ROOM_BYTES, .slot_count = LEAST_SLOTS};
    input->bytes = malloc(ROOM_BYTES);
    input->slots = calloc(LEAST_SLOTS, sizeof *input->slots);
    if (input->bytes != NULL && input->slots != NULL) return true;
    bus_input_fini(input);
    return false;
}

void bus_input_fini(bus_input *input) {
    free(input->bytes);
    free(input->slots);
    *input = (bus_input){0};
}

void bus_input_begin(bus_input *input) {
    input->looked = input->encrypted = input->over = false;
    input->begin = input->end = 0;
    input->answers = 0;
    input->answered_bytes = 0;
}

/* ---- who is subscribed under which number: nats.c counts them up, so a table by their last bits is level ---- */

static bus_subscription **slot_of(const bus_input *input, uint64_t sid) {
    return &input->slots[sid & (input->slot_count - 1)];
}

static void put(bus_input *input, bus_subscription *subscription) {
    bus_subscription **slot = slot_of(input, subscription->sid);
    subscription->next_in_slot = *slot;
    *slot = subscription;
}

/* Without memory the table stays as it is: slower, and right. */
static void grow_slots(bus_input *input) {
    bus_input larger = {.slot_count = 2 * input->slot_count};
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL) return;
    for (size_t i = 0; i < input->slot_count; i++)
        for (bus_subscription *next, *each = input->slots[i]; each != NULL; each = next) {
            next = each->next_in_slot;
            put(&larger, each);
        }
    free(input->slots);
    input->slots = larger.slots;
    input->slot_count = larger.slot_count;
}

void bus_input_add(bus_input *input, bus_subscription *subscription) {
    if (input->subscribed == input->slot_count) grow_slots(input);
    put(input, subscription);
    input->subscribed++;
}

void bus_input_remove(bus_input *input, bus_subscription *subscription) {
    for (bus_subscription **link = slot_of(input, subscription->sid); *link != NULL; link = &(*link)->next_in_slot)
        if (*link == subscription) {
            *link = subscription->next_in_slot;
            input->subscribed--;
            return;
        }
}

static bus_subscription *find(const bus_input *input, uint64_t sid) {
    bus_subscription *each = *slot_of(input, sid);
    while (each != NULL && each->sid != sid)
        each = each->next_in_slot;
    return each;
}

/* ---- what is to be done with an operation ---- */

/* Where assertions are on, who keeps a message longer than the callback finds that it is gone. */
static void spoil(const bus_operation *operation) {
#ifdef TW_HOT_ASSERTIONS
    memset((void *)(uintptr_t)operation->subject, 'X', strlen(operation->subject));
    if (operation->reply != NULL) memset((void *)(uintptr_t)operation->reply, 'X', strlen(operation->reply));
    if (operation->headers != NULL) memset(operation->headers, 'X', operation->headers_length);
    memset((void *)(uintptr_t)operation->payload, 'X', operation->payload_length);
#else
    (void)operation;
#endif
}

static void deliver(bus *self, const bus_operation *operation) {
    bus_subscription *subscription = find(&self->input, operation->sid);
    if (subscription == NULL) return; /* it was ended while this was on its way */
    bus_origin origin = {.headers = operation->headers, .headers_length = operation->headers_length};
    bus_message message = {.subject = operation->subject,
                           .reply = operation->reply,
                           .bytes = operation->payload,
                           .length = operation->payload_length,
                           .origin = &origin};
    bus_deliver(subscription, &message);
    spoil(operation);
}

/* What comes after this is of no use: the socket is shut down, and nats.c finds the end when the rest has been read. */
static void break_off(bus *self, const char *reason) {
    self->input.over = true;
    bus_cut(self, reason);
}

/* A refusal is told later, by the loop: its owner may do anything then. Behind most other errors the server ends the connection itself,
 * but not behind all: who has too many subscriptions would not hear of what the last ones are for, and not know it. */
static void take_error(bus *self, const char *words) {
    char reason[EVENT_DETAIL_BYTES];
    if (strncasecmp(words, REFUSAL, sizeof REFUSAL - 1) == 0) {
        if (self->refusals) bus_mailbox_put_event(self, BUS_NOT_PERMITTED, words);
        return;
    }
    (void)tw_text_format(reason, sizeof reason, "the server says: %s; reconnecting", words);
    break_off(self, reason);
}

static void act(bus *self, const bus_operation *operation) {
    switch (operation->kind) {
    case BUS_OPERATION_MESSAGE:
        deliver(self, operation);
        break;
    case BUS_OPERATION_PING:
        self->input.answers++; /* written before the loop sleeps */
        break;
    case BUS_OPERATION_ERROR:
        take_error(self, operation->text);
        break;
    case BUS_OPERATION_INFO:
        bus_servers_told(&self->servers, operation->text);
        break;
    default:
        break;
    }
}

/* ---- reading ---- */

/* The buffer with another size, and what it holds at its beginning. False: no memory; all is as before. */
static bool resize(bus_input *input, size_t size) {
    char *bytes = malloc(size);
    if (bytes == NULL) return false;
    memcpy(bytes, input->bytes + input->begin, input->end - input->begin);
    free(input->bytes);
    input->bytes = bytes;
    input->capacity = size;
    input->end -= input->begin;
    input->begin = 0;
    return true;
}

static void move_to_front(bus_input *input) {
    if (input->begin == 0) return;
    memmove(input->bytes, input->bytes + input->begin, input->end - input->begin);
    input->end -= input->begin;
    input->begin = 0;
}

/* Makes room for the rest of an operation of `size` bytes at least, whose beginning is there; gives back what a large one needed. */
static bool make_room(bus_input *input, size_t size) {
    size_t wanted = size > ROOM_BYTES ? size : ROOM_BYTES;
    bool is_empty = input->begin == input->end;
    if (wanted > input->capacity) return resize(input, wanted);
    if (is_empty && wanted < input->capacity) (void)resize(input, wanted);
    move_to_front(input);
    return true;
}

static void take_operations(bus *self, const uv_poll_t *poll) {
    bus_input *input = &self->input;
    while (self->poll == poll && !input->over) {
        bus_operation next = bus_protocol_read(input->bytes + input->begin, input->end - input->begin);
        if (next.kind == BUS_OPERATION_PART && make_room(input, next.size)) return;
        if (next.kind == BUS_OPERATION_PART) {
            break_off(self, "no memory for a message, reconnecting");
        } else if (next.kind == BUS_OPERATION_BROKEN) {
            break_off(self, BROKEN);
        } else {
            input->begin += next.size;
            act(self, &next);
        }
    }
    if (input->over) input->begin = input->end = 0;
}

static bool is_for_later(int trouble) {
    return trouble == EAGAIN || trouble == EINTR || trouble == ENOMEM || trouble == ENOBUFS;
}

static void read_operations(bus *self, const uv_poll_t *poll, int socket) {
    bus_input *input = &self->input;
    ssize_t got = recv(socket, input->bytes + input->end, input->capacity - input->end, MSG_DONTWAIT);
    if (got < 0 && is_for_later(errno)) return;
    if (got <= 0) {
        natsConnection_ProcessReadEvent(self->nats); /* nats.c finds the end, too, and ends the connection */
        return;
    }
    input->end += (size_t)got;
    input->read_ns = rt_clock_utc_ns();
    self->dispatching++;
    take_operations(self, poll);
    bus_dispatched(self);
}

/* Whether a connection is encrypted its first byte says; nats.c has read no further than the answer to its first PING. False: it is not there
 * yet. At an end, which can be read in either way, there is none. */
static bool look(bus_input *input, int socket) {
    unsigned char first = 0;
    ssize_t got = recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && is_for_later(errno)) return false;
    input->looked = got == 1;
    input->encrypted = got == 1 && first >= TLS_FIRST && first <= TLS_LAST;
    return true;
}

void bus_input_read(bus *self, const uv_poll_t *poll, int socket) {
    if (!self->input.looked && !look(&self->input, socket)) return;
    if (!self->input.encrypted) {
        read_operations(self, poll, socket);
        return;
    }
    natsConnection_ProcessReadEvent(self->nats);
    self->input.read_ns = rt_clock_utc_ns();
    bus_dispatch(self);
}

/* ---- answering PINGs ---- */

static const char pong[] = "PONG\r\n";

bool bus_input_answer(bus_input *input, int socket) {
    while (input->answers > 0) {
        ssize_t sent = send(socket, &pong[input->answered_bytes], sizeof pong - 1 - input->answered_bytes,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) break; /* full; or over, which reading finds */
        input->answered_bytes += (size_t)sent;
        if (input->answered_bytes < sizeof pong - 1) continue;
        input->answered_bytes = 0;
        input->answers--;
    }
    return input->answered_bytes == 0;
}
