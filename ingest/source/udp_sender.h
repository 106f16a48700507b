/*
 * Datagrams onto the network: for the simulator and for tests. Multicast or unicast, IPv4 or IPv6, many datagrams
 * per system call (sendmmsg). A multicast datagram is heard on this machine (loop is on) and stays on it: the TTL
 * is 0 unless asked otherwise, so that a simulation never reaches a production network by accident.
 */
#ifndef TICKWIRE_INGEST_SOURCE_UDP_SENDER_H
#define TICKWIRE_INGEST_SOURCE_UDP_SENDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"

typedef struct udp_sender udp_sender;

typedef struct udp_datagram {
    const uint8_t *bytes; /* borrowed during the call */
    uint32_t length;      /* at most 65,507 over IPv4 */
} udp_datagram;

/* Opens towards `where`: GROUP:PORT[@INTERFACE] or HOST:PORT; the port must not be 0. */
tw_code udp_sender_open(udp_sender **sender, const location *where, tw_error *error);
void udp_sender_close(udp_sender *sender); /* NULL is fine */

/* How many routers a multicast datagram may pass, 0 to 255. TW_INVALID beyond; unicast is not touched. */
tw_code udp_sender_set_ttl(udp_sender *sender, int ttl, tw_error *error);

/* Hands over as many of `count` datagrams as the kernel takes now, in order; *sent says how many. TW_OK: all of
 * them. TW_FULL: the kernel has no room for the next one; the same datagrams may be offered again later.
 * TW_IO: broken; the text names the datagram. */
tw_code udp_sender_offer(udp_sender *sender, const udp_datagram *datagrams, size_t count, size_t *sent,
                         tw_error *error);

/* The same until all are sent, waiting for room. TW_FULL if there was none for UDP_SENDER_PATIENCE_MS. */
#define UDP_SENDER_PATIENCE_MS 1000
tw_code udp_sender_send(udp_sender *sender, const udp_datagram *datagrams, size_t count, tw_error *error);

#endif
