/* The adapter's four callbacks note what nats.c wants; nobody else touches the socket. */
#include "benchmarks/latency/nats_poll.h"

#include <poll.h>

static natsStatus attach(void **user_data, void *loop, natsConnection *connection, natsSock fd) {
    nats_poll *self = loop;
    (void)connection;
    self->fd = fd;
    *user_data = self;
    return NATS_OK;
}

static natsStatus watch_read(void *user_data, bool add) {
    (void)user_data, (void)add;
    return NATS_OK;
}

static natsStatus watch_write(void *user_data, bool add) {
    ((nats_poll *)user_data)->wants_write = add;
    return NATS_OK;
}

static natsStatus detach(void *user_data) {
    (void)user_data;
    return NATS_OK;
}

natsStatus nats_poll_open(nats_poll *self, const char *url) {
    natsOptions *options = NULL;
    *self = (nats_poll){.fd = -1};
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK) status = natsOptions_SetURL(options, url);
    if (status == NATS_OK) status = natsOptions_SetSendAsap(options, true);
    if (status == NATS_OK)
        status = natsOptions_SetEventLoop(options, self, attach, watch_read, watch_write, detach);
    if (status == NATS_OK) status = natsConnection_Connect(&self->connection, options);
    natsOptions_Destroy(options);
    return status;
}

void nats_poll_close(nats_poll *self) {
    natsConnection_Destroy(self->connection);
}

void nats_poll_write(nats_poll *self) {
    if (self->wants_write) natsConnection_ProcessWriteEvent(self->connection);
}

/* A message to ourselves comes back behind everything sent before it. */
natsStatus nats_poll_settle(nats_poll *self) {
    natsSubscription *echo = NULL;
    natsInbox *inbox = NULL;
    natsMsg *message = NULL;
    natsStatus status = natsInbox_Create(&inbox);
    if (status == NATS_OK) status = natsConnection_SubscribeSync(&echo, self->connection, inbox);
    if (status == NATS_OK) status = natsConnection_PublishString(self->connection, inbox, "");
    for (int tries = 0; status == NATS_OK && message == NULL && tries < 100; tries++) {
        struct pollfd readable = {.fd = self->fd, .events = POLLIN};
        nats_poll_write(self);
        if (poll(&readable, 1, 100) > 0) natsConnection_ProcessReadEvent(self->connection);
        natsSubscription_NextMsg(&message, echo, 0);
    }
    if (status == NATS_OK && message == NULL) status = NATS_TIMEOUT;
    natsMsg_Destroy(message);
    natsSubscription_Destroy(echo);
    natsInbox_Destroy(inbox);
    return status;
}
