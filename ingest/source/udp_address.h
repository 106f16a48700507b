/* A udp location as the kernel wants it: socket address, group or host, interface by index. Receiver and sender
 * share it. Asks the system for its interfaces, sends nothing. */
#ifndef TICKWIRE_INGEST_SOURCE_UDP_ADDRESS_H
#define TICKWIRE_INGEST_SOURCE_UDP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/error.h"
#include "ingest/source/location.h"

typedef struct udp_address {
    struct sockaddr_storage socket; /* port included; for an IPv6 link-local address the scope too */
    socklen_t length;
    bool multicast;
    unsigned interface_index; /* 0: the system's choice */
} udp_address;

/* TW_INVALID if `where` is no udp location or its address is not numeric; TW_NOT_FOUND if no interface has that
 * name or address. */
tw_code udp_address_resolve(const location *where, udp_address *address, tw_error *error);

/* "udp://239.1.1.1:26400@eth1", as a person writes it. */
void udp_address_format(const location *where, char *target, size_t capacity);

#endif
