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
/* From a connection to one of them: where it is, and what its cluster has besides. Those are used with the first URL's scheme and secrets.
 * A cluster tells of changes, so there is more to learn when the connection is over than when it was made. */
void bus_servers_learn(bus_servers *self, natsConnection *nats);
/* From the JSON of an INFO that a server sends later: what its cluster has now. A server that knows of nobody else changes nothing: it may
 * have lost the others, and we may find them. */
void bus_servers_told(bus_servers *self, const char *info);
/* For the next connection: all of them in an order by chance, the one connected to last at the end. Returns how many; the URLs are
 * borrowed until more is learnt. */
int bus_servers_order(const bus_servers *self, const char *order[BUS_SERVERS_MOST], tw_random *random);
/* A cluster tells numbers, certificates carry names: for a told number `name` is the first given server's host, and its certificate
 * may be that one's. False: the URL's own host it must be. */
bool bus_servers_expected_name(const bus_servers *self, const char *url, char *name, size_t capacity);
/* HOST[:PORT] of a URL: no secrets in it. */
const char *bus_servers_address(const char *url);

#endif
