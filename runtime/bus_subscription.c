/* Subscriptions: synchronous ones of nats.c, which with TLS are emptied on the loop after each read; without, bus_input.c knows their numbers. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/bus_internal.h"

/* Tokens of visible bytes; "*" stands for one, ">" for all that follow. nats.c would send a bad one as it is. */
static bool pattern_is_valid(const char *subject) {
    const char *token = subject, *c = subject;
    for (;; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte > ' ' && byte != '.' && byte != 0x7f) continue;
        if ((byte != '.' && byte != '\0') || c == token) return false;
        if (byte == '\0') return true;
        if (c == token + 1 && *token == '>') return false;
        token = c + 1;
    }
}

/* While the server is away there is nothing to be subscribed to: it is done when there is. */
static natsStatus subscribe(bus_subscription *subscription) {
    bus *self = subscription->owner;
    if (!self->connected) return NATS_OK;
    natsStatus status = natsConnection_SubscribeSync(&subscription->nats, self->nats, subscription->subject);
    if (status == NATS_CONNECTION_CLOSED) return NATS_OK;
    if (status != NATS_OK) return status;
    natsSubscription_SetPendingLimits(subscription->nats, -1,
                                      -1); /* where nats.c reads: no more than one read waits */
    subscription->sid = (uint64_t)natsSubscription_GetID(subscription->nats);
    bus_input_add(&self->input, subscription);
    return NATS_OK;
}

static void free_one(bus_subscription *subscription) {
    free(subscription->subject);
    free(subscription);
}

static bus_subscription *make(bus *self, const char *subject) {
    bus_subscription *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->owner = self;
    made->subject = strdup(subject);
    if (made->subject != NULL && subscribe(made) == NATS_OK) return made;
    free_one(made);
    return NULL;
}

tw_code bus_subscribe(bus *self, const char *subject, bus_on_message on_message, void *context,
                      bus_subscription **subscription, tw_error *error) {
    if (subscription != NULL) *subscription = NULL;
    if (!pattern_is_valid(subject))
        return tw_error_set(error, TW_INVALID, "\"%s\" is no subject to subscribe to", subject);
    bus_subscription *made = make(self, subject);
    if (made == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to subscribe to %s", subject);
    made->on_message = on_message;
    made->context = context;
    made->next = self->subscriptions;
    if (made->next != NULL) made->next->previous = made;
    self->subscriptions = made;
    if (subscription != NULL) *subscription = made;
    return TW_OK;
}

static void leave(bus_subscription *subscription) {
    if (subscription->nats != NULL) bus_input_remove(&subscription->owner->input, subscription);
    natsSubscription_Destroy(subscription->nats); /* unsubscribes, and lets go what was pending */
    subscription->nats = NULL;
}

void bus_leave_subscriptions(bus *self) {
    for (bus_subscription *each = self->subscriptions; each != NULL; each = each->next)
        if (!each->ended) leave(each);
}

/* A connection that lacks one of them would be silent about it. */
void bus_restore_subscriptions(bus *self) {
    natsStatus status = NATS_OK;
    for (bus_subscription *each = self->subscriptions; each != NULL && status == NATS_OK; each = each->next)
        if (!each->ended) status = subscribe(each);
    if (status != NATS_OK) natsConnection_Close(self->nats);
}

static void unlink_and_free(bus_subscription *subscription) {
    bus *self = subscription->owner;
    if (subscription->previous != NULL)
        subscription->previous->next = subscription->next;
    else
        self->subscriptions = subscription->next;
    if (subscription->next != NULL) subscription->next->previous = subscription->previous;
    self->ended_subscriptions--;
    free_one(subscription);
}

static void end(bus_subscription *subscription) {
    leave(subscription);
    subscription->ended = true;
    subscription->owner->ended_subscriptions++;
}

void bus_unsubscribe(bus_subscription *subscription) {
    if (subscription == NULL || subscription->ended) return;
    end(subscription);
    if (subscription->owner->dispatching == 0) unlink_and_free(subscription);
}

static void free_ended(bus *self) {
    for (bus_subscription *next, *each = self->subscriptions; each != NULL; each = next) {
        next = each->next;
        if (each->ended) unlink_and_free(each);
    }
}

/* natsMsg_Destroy leaves the freeing to a thread of nats.c and wakes it if it sleeps, which it does again as soon as it has freed what there is.
 * It frees faster than messages are given to it, and takes this thread's core to do so: each time it wakes, that is two changes of context,
 * while the messages wait that this process is there for. So what is done with is kept until there is much of it, also over many
 * reads; and is given away behind a read, where this process works with what it read and leaves the heap's lock to that thread. */
void bus_release_all(bus *self) {
    for (uint32_t i = 0; i < self->read_count; i++)
        natsMsg_Destroy(self->read[i]);
    self->read_count = 0;
    self->read_bytes = 0;
}

void bus_release_later(bus *self, natsMsg *message) {
    self->read[self->read_count++] = message;
    self->read_bytes += (size_t)natsMsg_GetDataLength(message) + BUS_READ_OVERHEAD;
    if (self->read_count == BUS_READ_TOGETHER || self->read_bytes >= 2 * self->read_lot) bus_release_all(self);
}

static void release_lot(bus *self) {
    if (self->read_bytes >= self->read_lot) bus_release_all(self);
}

void bus_free_subscriptions(bus *self) {
    for (bus_subscription *each = self->subscriptions; each != NULL; each = each->next)
        if (!each->ended) end(each);
    if (self->dispatching == 0) free_ended(self); /* else the dispatch does, when it is back */
}

const char *bus_message_header(const bus_message *message, const char *name) {
    const bus_origin *origin = message->origin;
    const char *value = NULL;
    if (origin == NULL) return NULL;
    if (origin->headers != NULL) return bus_protocol_header(origin->headers, origin->headers_length, name);
    if (origin->message == NULL || natsMsgHeader_Get(origin->message, name, &value) != NATS_OK) return NULL;
    return value;
}

/* Only a message without payload can be a server's own. */
static int status_of(const bus_message *message) {
    const char *text = message->length == 0 ? bus_message_header(message, "Status") : NULL;
    uint64_t status = 0;
    return text != NULL && tw_text_to_u64(text, &status) && status < 1000 ? (int)status : 0;
}

/* A server does not say whose request it was that nobody heard, but by the inbox it answers to. */
static void tell_no_responders(bus_subscription *subscription) {
    const bus_message nobody = {.subject = "", .bytes = (const uint8_t *)"", .status = BUS_NO_RESPONDERS};
    subscription->on_message(subscription->context, &nobody);
}

void bus_deliver(bus_subscription *subscription, bus_message *message) {
    bus *self = subscription->owner;
    message->status = status_of(message);
    message->arrival_ns = self->input.read_ns;
    if (message->status == BUS_NO_RESPONDERS) {
        tell_no_responders(subscription);
        return;
    }
    self->stats.messages_in++;
    self->stats.bytes_in += message->length;
    subscription->on_message(subscription->context, message);
}

static void deliver(bus_subscription *subscription, natsMsg *message) {
    bus_origin origin = {.message = message};
    bus_message borrowed = {.subject = natsMsg_GetSubject(message),
                            .reply = natsMsg_GetReply(message),
                            .bytes = (const uint8_t *)natsMsg_GetData(message),
                            .length = (size_t)natsMsg_GetDataLength(message),
                            .origin = &origin};
    bus_deliver(subscription, &borrowed);
}

/* Asks how many there are instead of taking until none is left: an empty NextMsg builds an error and costs 0.5 us,
 * which a process with many subscriptions would pay for each of them on each read. */
static void drain(bus_subscription *subscription) {
    int pending = 0;
    if (natsSubscription_GetPending(subscription->nats, &pending, NULL) != NATS_OK) return;
    while (pending > 0 && !subscription->ended) {
        natsMsg *message = NULL;
        natsStatus status = natsSubscription_NextMsg(&message, subscription->nats, 0);
        if (status != NATS_OK && status != NATS_NO_RESPONDERS) break;
        pending--;
        if (status == NATS_NO_RESPONDERS) {
            tell_no_responders(subscription);
            continue;
        }
        deliver(subscription, message);
        bus_release_later(subscription->owner, message);
    }
}

void bus_dispatch(bus *self) {
    self->dispatching++;
    for (bus_subscription *each = self->subscriptions; each != NULL; each = each->next)
        if (!each->ended) drain(each);
    release_lot(self);
    bus_dispatched(self);
}

void bus_dispatched(bus *self) {
    if (--self->dispatching == 0 && self->ended_subscriptions > 0) free_ended(self);
}
