/*
 * Datagrams to and fro on one unicast socket: a client that asks several servers, or a server that answers whoever asks.
 *
 *   client: open without `bind`, with the servers as peers; send to a peer by its index; answers name the peer they
 *           are from. What comes from anywhere else is passed over and counted.
 *   server: open with `bind` and no peers; hear everyone; answer the sender of the message heard last.
 *
 * Nothing waits. IPv4 or IPv6, one family per socket.
 */
#ifndef TICKWIRE_INGEST_SOURCE_UDP_EXCHANGE_H
#define TICKWIRE_INGEST_SOURCE_UDP_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"

#define UDP_EXCHANGE_MAX_PEERS 8u

typedef struct udp_exchange udp_exchange;

typedef struct udp_message {
    const uint8_t *bytes; /* borrowed until the next receive */
    uint32_t length;
    uint32_t peer; /* index; 0 for a server, whose peers are not known beforehand */
} udp_message;

typedef struct udp_exchange_counts {
    uint64_t strangers; /* messages from addresses that are no peer: passed over */
    uint64_t oversized; /* messages longer than any UDP payload that fits the buffer: passed over */
    uint64_t unsent;    /* messages the kernel had no room for or no route to: as if lost on the way */
} udp_exchange_counts;

/* `bind` NULL: any free port, for a client. TW_INVALID: a multicast address, a peer without port, or addresses of two
 * families; TW_IO names the address. */
tw_code udp_exchange_open(udp_exchange **exchange, const location *bind, const location *peers, uint32_t peer_count,
                          tw_error *error);
void udp_exchange_close(udp_exchange *exchange); /* NULL is fine */
int udp_exchange_fd(const udp_exchange *exchange);
uint16_t udp_exchange_port(const udp_exchange *exchange); /* the bound one */

/* The next message, if there is one: message->bytes is NULL with TW_OK when there is none. */
tw_code udp_exchange_receive(udp_exchange *exchange, udp_message *message, tw_error *error);
/* To peer `peer`. A datagram that can't go is counted, not an error: it could as well be lost on the way. */
void udp_exchange_send(udp_exchange *exchange, uint32_t peer, const uint8_t *bytes, size_t length);
/* To the sender of the message received last; only after one was. */
void udp_exchange_answer(udp_exchange *exchange, const uint8_t *bytes, size_t length);

udp_exchange_counts udp_exchange_read_counts(const udp_exchange *exchange);

#endif
