/*
 * Datagrams from the network: multicast (any-source) or unicast, IPv4 or IPv6, with the kernel's receive time
 * stamps (SO_TIMESTAMPNS), read in bursts (recvmmsg), and the kernel's drop counter (SO_RXQ_OVFL).
 */
#ifndef TICKWIRE_INGEST_SOURCE_UDP_SOURCE_H
#define TICKWIRE_INGEST_SOURCE_UDP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"

typedef struct udp_source udp_source;

typedef struct udp_packet {
    const uint8_t *payload; /* borrowed until the next call */
    uint32_t length;
    int64_t receive_ns; /* UTC; `now_ns` of the call where the kernel gave none */
} udp_packet;

#define UDP_SOURCE_BURST 64 /* datagrams per call at most */

/* Opens, binds, joins the group. `receive_buffer_bytes` asks for a socket buffer (0: the system's default);
 * SO_RCVBUFFORCE first, then SO_RCVBUF. */
tw_code udp_source_open(udp_source **source, const location *where, int receive_buffer_bytes, tw_error *error);
void udp_source_close(udp_source *source);
int udp_source_fd(const udp_source *source);
int udp_source_buffer_bytes(const udp_source *source); /* what the kernel granted */
/* Asks for another buffer size, as at the opening; what was granted is udp_source_buffer_bytes then. */
tw_code udp_source_resize(udp_source *source, int receive_buffer_bytes, tw_error *error);
/* Asks the kernel how many bytes of the buffer are in use and whether it has dropped something, which otherwise only the
 * next datagram would tell. 0 where the kernel does not say (before Linux 4.12). */
uint64_t udp_source_look(udp_source *source);
/* Lets a read of the empty socket ask the network card for up to `us` microseconds (SO_BUSY_POLL). False: the system
 * does not allow it, or there is no such thing; errno says. Loopback has no card: there it changes nothing. */
bool udp_source_busy_poll(udp_source *source, int us);
uint16_t udp_source_port(const udp_source *source); /* the bound port (where 0 was asked) */

/* Reads what is there, at most UDP_SOURCE_BURST, without waiting. *count 0 with TW_OK: nothing there.
 * A datagram larger than fits is reported with length > UDP_SOURCE_MAX_BYTES cut to it and counted. */
#define UDP_SOURCE_MAX_BYTES 9216
tw_code udp_source_receive(udp_source *source, udp_packet packets[UDP_SOURCE_BURST], size_t *count, int64_t now_ns,
                           tw_error *error);
/* Datagrams the kernel dropped because there was no room (SO_RXQ_OVFL): as far as the datagrams received or
 * udp_source_look have told. */
uint64_t udp_source_kernel_drops(const udp_source *source);
uint64_t udp_source_oversized(const udp_source *source);

#endif
