/*
 * A TCP port on which SoupBinTCP is spoken: clients come and go, bytes travel between each socket and the client's own
 * state machine (ingest/line/soup_server.h). What they are served is the service's business.
 *
 *      service --source--> soup_server --64 KiB--> socket        one of each a client
 *
 * A client costs about 130 KiB and what the kernel keeps for its socket, however slowly it reads: messages stay in the
 * service's store until there is room for them. One that takes nothing for `stall_ns` is cut off. At `max_clients` the
 * next one is turned away and counted. The end of every link is said on standard error, with its reason.
 */
#ifndef TICKWIRE_TOOLS_SERVE_SOUP_PORT_H
#define TICKWIRE_TOOLS_SERVE_SOUP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "ingest/line/soup_server.h"
#include "ingest/source/location.h"

/* Everything is called on the loop's thread. `client` is what `enter` put into source->context. */
typedef struct soup_port_service {
    void *context;
    /* A client connected: fills what it is served from. False: no memory, it is turned away. */
    bool (*enter)(void *context, soup_server_source *source);
    /* Its login was accepted and it will be sent `first` first. False: it can't be served after all. */
    bool (*accepted)(void *client, uint64_t first);
    /* A fault on purpose: how many bytes at the end of the output that brings `next` (the number behind the last
     * message in it) are withheld, whereupon the link is closed. 0: none. May be NULL. */
    size_t (*cut)(void *client, uint64_t next);
    /* The client is gone. */
    void (*leave)(void *client);
} soup_port_service;

typedef struct soup_port_options {
    const char *name; /* of what is served, for people; borrowed */
    location where;   /* of listen_address_parse */
    uint32_t max_clients;
    int64_t stall_ns;
} soup_port_options;

typedef struct soup_port_stats {
    uint64_t clients;  /* that connected */
    uint64_t full;     /* of them turned away at max_clients, or for want of memory */
    uint64_t logins;   /* accepted */
    uint64_t rejected; /* logins refused */
    uint64_t stalled, cut;
    uint64_t messages; /* sent, over all links */
    uint32_t now;      /* connected now */
} soup_port_stats;

typedef struct soup_port soup_port;

/* Hears from now on. TW_IO names the address. */
tw_code soup_port_open(soup_port **port, uv_loop_t *loop, const soup_port_options *options,
                       const soup_port_service *service, tw_error *error);
/* Closes all links. The memory is given back by the loop's next turns; `leave` is called for each client before. The
 * service must live until then. NULL is fine. */
void soup_port_close(soup_port *port);

uint16_t soup_port_number(const soup_port *port); /* the bound one */
/* The service's store has grown, or its session has ended. */
void soup_port_grown(soup_port *port);
soup_port_stats soup_port_read_stats(const soup_port *port);

#endif
