/*
 * nats.c in event-loop mode with nothing around it: the smallest adapter that works, for the baselines. The program owns
 * the socket and says when to read and when to write.
 */
#ifndef TICKWIRE_BENCHMARKS_LATENCY_NATS_POLL_H
#define TICKWIRE_BENCHMARKS_LATENCY_NATS_POLL_H

#include <nats/nats.h>
#include <stdbool.h>

typedef struct nats_poll {
    natsConnection *connection;
    natsSock fd;
    bool wants_write;
} nats_poll;

natsStatus nats_poll_open(nats_poll *self, const char *url);
void nats_poll_close(nats_poll *self);
/* Writes what was published since the last call, in one write. */
void nats_poll_write(nats_poll *self);
/* Waits until the server knows what was sent so far (subscriptions): a round trip. */
natsStatus nats_poll_settle(nats_poll *self);

#endif
