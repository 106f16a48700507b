/*
 * tickwire-gateway put together: bus -> source -> stream -> socket -> clients, on one loop.
 *
 * Each turn of the loop takes what the bus and the clients have; right before the loop waits, one round cuts what is due
 * and writes it, once per client.
 */
#ifndef TICKWIRE_GATEWAYS_PIPELINE_H
#define TICKWIRE_GATEWAYS_PIPELINE_H

#include <uv.h>

#include "gateways/ask.h"
#include "gateways/auth/entitlement.h"
#include "gateways/doorman.h"
#include "gateways/last_store.h"
#include "gateways/observe.h"
#include "gateways/order_desk.h"
#include "gateways/pages.h"
#include "gateways/round_pace.h"
#include "gateways/settings.h"
#include "gateways/socket.h"
#include "gateways/source.h"
#include "gateways/stream/stream.h"
#include "gateways/usage.h"
#include "runtime/log.h"

#define GATEWAY_SIGNALS 2

/* Being opened; running; told to stop and clients told so; clients being closed; nothing left to do. */
typedef enum gateway_phase {
    GATEWAY_OPENING,
    GATEWAY_RUNNING,
    GATEWAY_GOODBYE,
    GATEWAY_CLOSING,
    GATEWAY_DONE
} gateway_phase;

typedef struct gateway {
    gateway_settings settings;
    rt_log *log;
    uv_loop_t loop;
    uv_prepare_t before_wait;
    uv_timer_t round_due, phase_due;
    round_pace pace;
    bool in_round;          /* somebody is still to be written to */
    int64_t round_began_ns; /* monotonic, as the next */
    int64_t read_until_ns;  /* in a round: while the bus brings more */
    uint64_t taken;         /* updates, when that was looked at last */
    uv_signal_t signals[GATEWAY_SIGNALS], hangup;
    bool handles_open;
    rt_log_site wait_site;
    gateway_phase phase;
    uint64_t leave_by_ms; /* of the loop: who has not gone by then is cut off */
    entitlement anonymous;
    doorman *doorman;
    char refusal[8192]; /* of a handshake, until the next */
    source *source;
    stream *stream;
    gateway_socket *socket;
    asker *asker;
    last_store *last_store; /* NULL: no Redis */
    order_desk *orders;     /* NULL: no venue */
    wire_arena arena;       /* for what asker brings */
    pages pages;
    usage *usage; /* NULL: neither written nor published */
    observed observed;
} gateway;

/* `self` is zeroed but for its settings. Waits for the bus, as --bus-wait says; a signal ends that: TW_OK, and the phase is
 * GATEWAY_DONE. TW_INVALID: a setting makes no sense; TW_AWAY: no bus. Close it whatever comes back. */
tw_code gateway_open(gateway *self, tw_error *error);
/* What this user had of a subject goes into the usage ledger, as of now. */
void gateway_count_use(gateway *self, const char *user, const stream_use *use);
int gateway_run(gateway *self); /* until told to stop; the exit code */
void gateway_close(gateway *self);

#endif
