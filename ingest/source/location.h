/*
 * Where a feed comes from, as a person writes it:
 *   file:PATH                         BinaryFILE or CSV; .gz and .zst are unpacked by their first bytes
 *   pcap:PATH                         pcap or pcapng (also .gz, .zst), MoldUDP64 in UDP over IPv4 or IPv6
 *   pcap:PATH?port=26400              only that destination port (group=ADDRESS likewise)
 *   udp://GROUP:PORT[@INTERFACE]      multicast or unicast; INTERFACE is a name (eth1) or an address
 */
#ifndef TICKWIRE_INGEST_SOURCE_LOCATION_H
#define TICKWIRE_INGEST_SOURCE_LOCATION_H

#include <stdint.h>

#include "base/error.h"

typedef enum location_kind { LOCATION_FILE, LOCATION_PCAP, LOCATION_UDP } location_kind;

typedef struct location {
    location_kind kind;
    char path[1024];    /* file and pcap */
    char host[64];      /* udp: group or address to bind; pcap: the group filter or "" */
    uint16_t port;      /* udp; pcap: the port filter or 0 */
    char interface[64]; /* udp: "" for the system's choice */
} location;

/* Parses `text`. TW_INVALID names what is wrong and the nearest valid form. A text with no scheme that names
 * a path is taken as file:. */
tw_code location_parse(const char *text, location *where, tw_error *error);

/* "HOST:PORT[,HOST:PORT...]": addresses of hosts to talk to, as udp locations without interface. IPv6 in brackets. At
 * most `capacity`; TW_INVALID names the part that is wrong. */
tw_code location_parse_hosts(const char *text, location *hosts, uint32_t capacity, uint32_t *count,
                             tw_error *error);

#endif
