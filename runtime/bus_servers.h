/* The servers that a bus may connect to: those it was given, and those that their cluster told of. */
#ifndef TICKWIRE_RUNTIME_BUS_SERVERS_H
#define TICKWIRE_RUNTIME_BUS_SERVERS_H

#include <nats/nats.h>
#include <stdbool.h>

#include "base/random.h"

#define BUS_SERVERS_MOST      32
#define BUS_SERVERS_GIVEN     16   /* at most, of those */
#define BUS_SERVERS_URL_BYTES 1024 /* of all URLs given, NUL terminated */

typedef struct bus_servers {
    char given[BUS_SERVERS_URL_BYTES], told[BUS_SERVERS_URL_BYTES];
    const char *urls[BUS_SERVERS_MOST]; /* in the two texts */
    int given_count, count;
    char last[BUS_SERVERS_URL_BYTES]; /* connected to, "" before */
} bus_servers;

/* One URL or several separated by commas. False: an empty one, too many, too long. */
bool bus_servers_parse(bus_servers *self, const char *urls);
/* From a connection that is up: where it is, and what its cluster has besides. Those are used with the first URL's scheme and secrets. */
void bus_servers_learn(bus_servers *self, natsConnection *nats);
/* For the next connection: all of them in an order by chance, the one connected to last at the end. */
natsStatus bus_servers_give(const bus_servers *self, natsOptions *options, tw_random *random);

#endif
