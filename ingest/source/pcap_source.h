/* UDP payloads out of a packet capture: pcap and pcapng, micro- and nanosecond stamps, plain, .gz or .zst;
 * Ethernet (with VLAN tags), Linux cooked, raw IP; IPv4 and IPv6. The one door to libpcap. */
#ifndef TICKWIRE_INGEST_SOURCE_PCAP_SOURCE_H
#define TICKWIRE_INGEST_SOURCE_PCAP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/source/location.h"

typedef struct pcap_source pcap_source;

typedef struct pcap_packet {
    const uint8_t *payload; /* of the datagram; borrowed until the next call */
    uint32_t length;
    int64_t receive_ns; /* the capture's time stamp, UTC; TW_TIME_ABSENT if it fits none */
    uint64_t index;     /* of the packet in the file, from 1, those passed over included */
} pcap_packet;

typedef struct pcap_counts {
    uint64_t packets;
    uint64_t not_udp;   /* passed over: another protocol or link */
    uint64_t filtered;  /* passed over: another port or group */
    uint64_t fragments; /* passed over: IP fragments are not put together */
    uint64_t cut;       /* passed over: the capture kept only part of the datagram (snap length) */
} pcap_counts;

tw_code pcap_source_open(pcap_source **source, const location *where, tw_error *error);
void pcap_source_close(pcap_source *source);

/* The next datagram. *more false with TW_OK is the end; an error names the packet's index and offset. */
tw_code pcap_source_next(pcap_source *source, pcap_packet *packet, bool *more, tw_error *error);
pcap_counts pcap_source_stats(const pcap_source *source);

#endif
