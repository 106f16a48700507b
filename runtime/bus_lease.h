/*
 * A lease: one key of a JetStream key-value bucket, read and changed by compare-and-set. JetStream calls wait for
 * replies, so they run on a worker thread over a connection of their own; the loop never waits. The value is
 * "{term} {holder}".
 *
 * At most one read or claim runs at a time; asking again while one runs is refused. The connection is made by the
 * first call and made anew when it is gone; a server that is away, has no JetStream, or refuses, is told as AWAY with
 * the reason. A bucket that is not there is made by the read that misses it. Nothing here retries: the caller has the
 * clock. Reads are answered by the stream's leader, not by a replica that may lag.
 *
 * Whoever changes the key is also seen on the plain subject bus_lease_subject(), as the payload.
 */
#ifndef TICKWIRE_RUNTIME_BUS_LEASE_H
#define TICKWIRE_RUNTIME_BUS_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

#define BUS_LEASE_HOLDER_BYTES 64u

typedef struct bus_lease bus_lease;

typedef struct bus_lease_options {
    const char *url;         /* as bus_options */
    const char *credentials; /* or NULL */
    const char *bucket;      /* "tickwire-leaders"; made if it is not there (history 1, file storage) */
    const char *key;         /* "XNAS.1" */
    uint32_t replicas;       /* of the bucket when it is made here: 1 (or 0), or 3 in a cluster */
    int64_t timeout_ns;      /* of each wait for the server; a call has one, at worst three: connect, read, make */
} bus_lease_options;

typedef enum bus_lease_outcome {
    BUS_LEASE_FOUND = 0, /* read: term, holder, revision are set */
    BUS_LEASE_NONE,      /* read: nobody holds it; revision is what to claim with */
    BUS_LEASE_WON,       /* claim: it is ours; revision is set */
    BUS_LEASE_LOST,      /* claim: it is not at `revision` any more, or the bucket is gone: read again */
    BUS_LEASE_AWAY       /* the call failed; `reason` says why */
} bus_lease_outcome;

typedef struct bus_lease_result {
    bus_lease_outcome outcome;
    uint64_t term;
    uint64_t revision;
    char holder[BUS_LEASE_HOLDER_BYTES];
    char reason[200];
} bus_lease_result;

/* Called on the loop. */
typedef void (*bus_lease_on_result)(void *context, const bus_lease_result *result);

/* Copies the options; connects to nothing yet. TW_INVALID: a bucket or key that NATS does not allow; TW_NO_MEMORY. */
tw_code bus_lease_open(bus_lease **lease, uv_loop_t *loop, const bus_lease_options *options,
                       bus_lease_on_result on_result, void *context, tw_error *error);
/* A call under way is waited for within its timeout (not, if it is still connecting), its result is not told. The memory goes when the loop next
 * runs. */
void bus_lease_close(bus_lease *lease);

bool bus_lease_busy(const bus_lease *lease);
/* Both return false if a call runs already. */
bool bus_lease_read(bus_lease *lease);
bool bus_lease_claim(bus_lease *lease, uint64_t term, const char *holder,
                     uint64_t revision); /* revision 0: there is no key yet */

/* "$KV.{bucket}.{key}": every successful claim is published there. */
const char *bus_lease_subject(const bus_lease *lease);
/* Takes a value apart. False: it is none of ours. */
bool bus_lease_parse(const uint8_t *bytes, size_t length, uint64_t *term, char holder[BUS_LEASE_HOLDER_BYTES]);

#endif
