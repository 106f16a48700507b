/* Heartbeats, claims, probes and the lease, each to its handler. */
#include "runtime/bus_election.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/clock.h"

#define NS_PER_MS     INT64_C(1000000)
#define LEAST_CALL_NS (300 * NS_PER_MS) /* what one wait for JetStream may take, however short the lease */
#define STATUS_ARENA  (16u << 10)
#define HOST_BYTES    33

static void on_heartbeat(void *context, const bus_message *message) {
    bus_election *self = context;
    wire_feed_status status;
    if (wire_feed_status_decode(&self->arena, message->bytes, message->length, &status) == WIRE_OK)
        self->handlers.on_status(self->handlers.context, &status);
}

static void on_probe(void *context, const bus_message *message) {
    const bus_election *self = context;
    uint64_t number;
    if (message->length != sizeof number) return;
    memcpy(&number, message->bytes, sizeof number);
    self->handlers.on_probe(self->handlers.context, number);
}

static void on_claim(void *context, const bus_message *message) {
    const bus_election *self = context;
    uint64_t term;
    char holder[BUS_LEASE_HOLDER_BYTES];
    if (bus_lease_parse(message->bytes, message->length, &term, holder))
        self->handlers.on_seen(self->handlers.context, term, holder);
}

static void on_lease(void *context, const bus_lease_result *result) {
    const bus_election *self = context;
    const bus_election_handlers *to = &self->handlers;
    switch (result->outcome) {
    case BUS_LEASE_FOUND:
    case BUS_LEASE_NONE:
        to->on_read(to->context, result->outcome == BUS_LEASE_FOUND, result->term, result->holder,
                    result->revision);
        break;
    case BUS_LEASE_WON:
    case BUS_LEASE_LOST:
        to->on_claimed(to->context, result->outcome == BUS_LEASE_WON, result->revision);
        break;
    case BUS_LEASE_AWAY:
    default:
        to->on_away(to->context, result->reason);
        break;
    }
}

/* ---- asking ---- */

bool bus_election_read(bus_election *self) {
    return bus_lease_read(self->lease);
}

bool bus_election_claim(bus_election *self, uint64_t term, const char *holder, uint64_t revision) {
    return bus_lease_claim(self->lease, term, holder, revision);
}

void bus_election_probe(bus_election *self, uint64_t number) {
    bus_publish(self->bus, self->inbox, (const uint8_t *)&number, sizeof number);
    bus_flush(self->bus);
}

/* ---- opening and closing ---- */

static tw_code listen_to_leader(bus_election *self, const bus_election_options *wanted, tw_error *error) {
    char subject[SUBJECT_BYTES];
    if (!wire_arena_init(&self->arena, STATUS_ARENA))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for heartbeats");
    subject_feed_status(subject, sizeof subject, wanted->exchange, (uint32_t)wanted->partition);
    return bus_subscribe(self->bus, subject, on_heartbeat, self, &self->heartbeats, error);
}

static tw_code open_lease(bus_election *self, uv_loop_t *loop, const bus_election_options *wanted,
                          tw_error *error) {
    char key[BUS_LEASE_HOLDER_BYTES];
    tw_text_format(key, sizeof key, "%s.%" PRIu64, wanted->exchange, wanted->partition);
    const bus_lease_options options = {.url = wanted->url,
                                       .credentials = wanted->credentials[0] == '\0' ? NULL : wanted->credentials,
                                       .bucket = wanted->bucket,
                                       .key = key,
                                       .replicas = (uint32_t)wanted->replicas,
                                       .timeout_ns =
                                           wanted->lease_ns > LEAST_CALL_NS ? wanted->lease_ns : LEAST_CALL_NS};
    tw_code code = bus_lease_open(&self->lease, loop, &options, on_lease, self, error);
    if (code != TW_OK) return tw_error_wrap(error, "--lease-bucket");
    code = bus_new_inbox(self->bus, self->inbox, sizeof self->inbox, error);
    if (code == TW_OK) code = bus_subscribe(self->bus, self->inbox, on_probe, self, &self->probes, error);
    if (code != TW_OK) return code;
    return bus_subscribe(self->bus, bus_lease_subject(self->lease), on_claim, self, &self->claims, error);
}

tw_code bus_election_open(bus_election *self, bus *over, uv_loop_t *loop, const bus_election_options *options,
                          const bus_election_handlers *handlers, tw_error *error) {
    self->bus = over;
    self->handlers = *handlers;
    tw_code code = listen_to_leader(self, options, error);
    if (code == TW_OK && options->bucket != NULL) code = open_lease(self, loop, options, error);
    return code == TW_OK ? code : tw_error_wrap(error, "finding out who leads");
}

void bus_election_close(bus_election *self) {
    bus_unsubscribe(self->heartbeats);
    bus_unsubscribe(self->claims);
    bus_unsubscribe(self->probes);
    bus_lease_close(self->lease);
    wire_arena_fini(&self->arena);
}

void bus_instance_name(char name[BUS_INSTANCE_BYTES]) {
    char host[HOST_BYTES] = "";
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~') *c = '_';
    tw_text_format(name, BUS_INSTANCE_BYTES, "%s.%d.%" PRId64, host[0] != '\0' ? host : "host", (int)getpid(),
                   rt_clock_utc_ns() / NS_PER_MS);
}
