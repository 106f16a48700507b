/* Sends datagrams to a group or address: the simulator's and the tests' side of udp_source.h. Multicast is heard on
 * this machine too and, by default, nowhere else (TTL 0). */
#ifndef TICKWIRE_INGEST_SOURCE_UDP_SENDER_H
#define TICKWIRE_INGEST_SOURCE_UDP_SENDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"

typedef struct udp_sender udp_sender;

typedef struct udp_datagram {
    const uint8_t *bytes;
    uint32_t length;
} udp_datagram;

/* TW_INVALID also for port 0; TW_NOT_FOUND, TW_IO as udp_address.h and the kernel say. */
tw_code udp_sender_open(udp_sender **sender, const location *where, tw_error *error);
void udp_sender_close(udp_sender *sender); /* NULL is fine */

/* How far multicast may go: 0 stays on this machine, 1 on this network, to 255. TW_INVALID, TW_IO. */
tw_code udp_sender_set_ttl(udp_sender *sender, int ttl, tw_error *error);

/* Sends all, in order, with as few system calls as can be. Waits while the kernel's buffers are full, one second
 * at most without progress: then TW_FULL.
 * A datagram that can never go is TW_IO and named by its place; those before it have left. A unicast receiver that
 * is not there is no error: UDP does not know. */
tw_code udp_sender_send(udp_sender *sender, const udp_datagram *datagrams, size_t count, tw_error *error);
/* Datagrams that have left so far. */
uint64_t udp_sender_sent(const udp_sender *sender);

#endif
