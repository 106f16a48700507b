/*
 * Where a feed comes from, as a person writes it:
 *   file:PATH                         BinaryFILE or CSV; .gz and .zst are unpacked by their first bytes
 *   pcap:PATH                         pcap or pcapng (also .gz, .zst), MoldUDP64 in UDP over IPv4 or IPv6
 *   pcap:PATH?port=26400              only that destination port (group=ADDRESS likewise)
 *   udp://GROUP:PORT[@INTERFACE]      multicast or unicast; INTERFACE is a name (eth1) or an address
 *   soup://[USER[:PASSWORD]@]HOST:PORT[/SESSION]
 *                                     SoupBinTCP over TCP; HOST is a name or an address (IPv6 in brackets). Whatever
 *                                     is a character of the form itself (/ : @ %) is written %XX in USER, PASSWORD and
 *                                     SESSION. No SESSION: the one that is active
 *
 * A soup location holds a secret. Nothing here ever repeats the password: errors show the text by location_show.
 */
#ifndef TICKWIRE_INGEST_SOURCE_LOCATION_H
#define TICKWIRE_INGEST_SOURCE_LOCATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum location_kind { LOCATION_FILE, LOCATION_PCAP, LOCATION_UDP, LOCATION_SOUP } location_kind;

/* Terminators included: what a SoupBinTCP login has room for, and the longest host name. */
#define LOCATION_HOST_BYTES     256
#define LOCATION_USER_BYTES     7
#define LOCATION_PASSWORD_BYTES 11
#define LOCATION_SESSION_BYTES  11

typedef struct location {
    location_kind kind;
    char path[1024];                /* file and pcap */
    char host[LOCATION_HOST_BYTES]; /* udp: group or address to bind; pcap: the group filter or ""; soup: a host */
    uint16_t port;                  /* udp, soup; pcap: the port filter or 0 */
    char interface[64];             /* udp: "" for the system's choice */
    char user[LOCATION_USER_BYTES]; /* soup, as the three below: "" where none was written */
    char password[LOCATION_PASSWORD_BYTES];
    char session[LOCATION_SESSION_BYTES];
} location;

/* Parses `text`. TW_INVALID names what is wrong and the nearest valid form. A text with no scheme that names
 * a path is taken as file:. */
tw_code location_parse(const char *text, location *where, tw_error *error);

/* `text` as it may be shown: of anything that looks like SCHEME://USER:PASSWORD@…, well formed or not, the password is
 * replaced by "***". Cut if it does not fit. */
void location_show(const char *text, char *target, size_t capacity);
/* Writes over the password in `text` itself, so that a process's own command line no longer shows it. */
void location_hide(char *text);

/* "HOST:PORT[,HOST:PORT...]": addresses of hosts to talk to, as udp locations without interface. IPv6 in brackets. At
 * most `capacity`; TW_INVALID names the part that is wrong. */
tw_code location_parse_hosts(const char *text, location *hosts, uint32_t capacity, uint32_t *count,
                             tw_error *error);

#endif
