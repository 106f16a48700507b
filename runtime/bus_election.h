/*
 * The wires of an election: what one who can lead hears of the others, and how it asks for the lease.
 *
 *   feed.{MIC}.{PARTITION}.status ──heartbeats, one's own too──┐
 *   $KV.{bucket}.{MIC}.{PARTITION} ──claims──────────────────────┼──> handlers, on the loop
 *   _INBOX.… ──probes sent to oneself──────────────────────────────┤
 *   bus_lease ──read, claimed, away────────────────────────────────┘
 *
 * Nothing is decided here: base/lead and the state machines on it do that.
 */
#ifndef TICKWIRE_RUNTIME_BUS_ELECTION_H
#define TICKWIRE_RUNTIME_BUS_ELECTION_H

#include "proto/codec.h"
#include "proto/subject.h"
#include "runtime/bus.h"
#include "runtime/bus_lease.h"

#define BUS_INSTANCE_BYTES 64u

typedef struct bus_election_handlers {
    void *context;
    void (*on_status)(void *context, const wire_feed_status *status); /* borrowed */
    void (*on_read)(void *context, bool found, uint64_t term, const char *holder, uint64_t revision);
    void (*on_claimed)(void *context, bool won, uint64_t revision);
    void (*on_away)(void *context, const char *reason);
    void (*on_seen)(void *context, uint64_t term, const char *holder); /* somebody's claim, one's own too */
    void (*on_probe)(void *context, uint64_t number);
} bus_election_handlers;

typedef struct bus_election_options {
    const char *exchange;
    uint64_t partition;      /* or shard */
    const char *url;         /* as bus_lease_options */
    const char *credentials; /* "": none */
    const char *bucket;      /* NULL: no lease; only heartbeats are heard, and no other function may be called */
    uint64_t replicas;       /* of the bucket when it is made */
    int64_t lease_ns;        /* how long a wait for JetStream may take; never less than 300 ms */
} bus_election_options;

typedef struct bus_election {
    /* For bus_election.c only. */
    bus *bus;
    bus_election_handlers handlers;
    bus_lease *lease;
    bus_subscription *heartbeats, *claims, *probes;
    char inbox[SUBJECT_BYTES]; /* where the probes come back */
    wire_arena arena;
} bus_election;

/* On a zeroed struct. Copies the handlers; the options are needed for this call only. Whatever comes back, bus_election_close ends it. */
tw_code bus_election_open(bus_election *self, bus *over, uv_loop_t *loop, const bus_election_options *options,
                          const bus_election_handlers *handlers, tw_error *error);
void bus_election_close(bus_election *self);

/* False: a call is under way already. */
bool bus_election_read(bus_election *self);
bool bus_election_claim(bus_election *self, uint64_t term, const char *holder, uint64_t revision);
/* One that can't be sent now is lost like any other. */
void bus_election_probe(bus_election *self, uint64_t number);

/* The name of an instance, unique: host, process and start. */
void bus_instance_name(char name[BUS_INSTANCE_BYTES]);

#endif
