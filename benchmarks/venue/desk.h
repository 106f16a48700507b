/*
 * A trader's desk for benchmarks of the venue: plain nats.c with its own threads, as a client has it. It sets the scene by control
 * commands, sends orders and bare messages, and looks how far a stream is.
 *
 * Everything fails loudly: what goes wrong ends the benchmark (harness_fail).
 */
#ifndef TICKWIRE_BENCHMARKS_VENUE_DESK_H
#define TICKWIRE_BENCHMARKS_VENUE_DESK_H

#include <nats/nats.h>

#include "benchmarks/harness.h"
#include "proto/venue.h"

#define DESK_MIC         "TWEX"
#define DESK_SHARD       1u
#define DESK_ACCOUNT     "bench"
#define DESK_SYMBOL      "AAPL"
#define DESK_TOUCH       INT64_C(1870000) /* price, exponent -4 */
#define DESK_TICK        INT64_C(100)
#define DESK_OUTSTANDING 4096 /* messages that wait for their acknowledgement */

typedef struct desk {
    harness *owner;
    natsConnection *connection, *prompt; /* prompt: each publish leaves at once */
    jsCtx *js;
    natsSubscription *reports, *acks; /* exec.{ACCOUNT}; an inbox of its own */
    char ack_subject[128];
    uint64_t sent, refused; /* by publishing without waiting: what had no good acknowledgement */
    uint8_t *buffer;
} desk;

void desk_open(desk *desk, harness *owner);
void desk_close(desk *desk);

/* A stream of one subject in files, as the venue's own are. */
void desk_make_stream(desk *desk, const char *name, const char *subject);
void desk_delete_stream(desk *desk, const char *name);
/* The stream's last sequence; 0 if there is none. */
uint64_t desk_last_seq(desk *desk, const char *name);
/* Execlog's last message: the last input whose reports are in it. */
uint64_t desk_logged_seq(desk *desk);
/* Waits until either reaches `seq`. Looks every few milliseconds. */
void desk_await_seq(desk *desk, const char *name, uint64_t seq);
void desk_await_logged(desk *desk, uint64_t seq);

/* One instrument, one account without limits, a trading day, continuous trading. Returns the sequence of it. */
uint64_t desk_set_scene(desk *desk);

/* One command in one message for orders.{MIC}.{SHARD}.{ACCOUNT}.{SYMBOL}; in desk->buffer, or elsewhere in it. */
const uint8_t *desk_order(desk *desk, uint64_t number, tw_side side, int64_t price, uint64_t quantity,
                          size_t *length);
const char *desk_order_subject(void);

/* Publishes without waiting, at most DESK_OUTSTANDING ahead. */
void desk_send(desk *desk, const char *subject, const uint8_t *bytes, size_t length);
/* Waits for all acknowledgements. */
void desk_settle(desk *desk);

#endif
