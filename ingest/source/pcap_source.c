/*
 * Datagrams out of captures. libpcap reads the file format; link, network and transport headers are taken off here,
 * because a capture's frames come from many kinds of links and only UDP is wanted.
 */
#include "ingest/source/pcap_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/market.h"
#include "base/text.h"
#include "ingest/source/file_source.h"

enum {
    ETHERTYPE_V4 = 0x0800,
    ETHERTYPE_V6 = 0x86DD,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88A8,
    ETHERTYPE_QINQ_OLD = 0x9100,
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_UDP = 17,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_AUTHENTICATION = 51,
    PROTOCOL_DESTINATION = 60
};

#define SHORTEST_HEADER_BYTES 24 /* of a pcap file; a pcapng section has 28 */

struct pcap_source {
    pcap_t *capture;
    FILE *stream; /* unpacks as libpcap reads */
    file_source *file;
    tw_error damage; /* what unpacking said; libpcap only sees the end */
    int link;
    uint16_t port; /* filter; 0: any */
    bool filters_group;
    int group_family;
    uint8_t group[16];
    uint64_t index;
    uint64_t unpacked; /* bytes handed to libpcap so far */
    bool ended;        /* or failed: behind a record of unknown length nothing can be found */
    pcap_counts stats;
};

/* ---- reading through the unpacker ---- */

static ssize_t read_unpacked(void *cookie, char *bytes, size_t capacity) {
    pcap_source *source = cookie;
    size_t count = 0;
    if (source->damage.code != TW_OK) return 0;
    file_source_read(source->file, (uint8_t *)bytes, capacity, &count, &source->damage);
    source->unpacked += count;
    return (ssize_t)count;
}

static tw_code open_stream(pcap_source *source, const char *path, tw_error *error) {
    char reason[PCAP_ERRBUF_SIZE] = "";
    tw_code code = file_source_open(&source->file, path, error);
    if (code != TW_OK) return code;
    source->stream = fopencookie(source, "r", (cookie_io_functions_t){.read = read_unpacked});
    if (source->stream == NULL) return tw_error_set_errno(error, errno, "reading %s", path);
    source->capture = pcap_fopen_offline_with_tstamp_precision(source->stream, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (source->capture == NULL) {
        if (source->damage.code != TW_OK)
            return tw_error_set(error, source->damage.code, "%s", source->damage.text);
        return tw_error_set(error, source->unpacked < SHORTEST_HEADER_BYTES ? TW_TRUNCATED : TW_MALFORMED,
                            "%s is not a pcap or pcapng capture: %s", path, reason);
    }
    source->stream = NULL; /* pcap_close closes it */
    source->link = pcap_datalink(source->capture);
    return TW_OK;
}

static tw_code set_filter(pcap_source *source, const location *where, tw_error *error) {
    source->port = where->port;
    if (where->host[0] == '\0') return TW_OK;
    source->filters_group = true;
    source->group_family = AF_INET;
    if (inet_pton(AF_INET, where->host, source->group) == 1) return TW_OK;
    source->group_family = AF_INET6;
    if (inet_pton(AF_INET6, where->host, source->group) == 1) return TW_OK;
    return tw_error_set(error, TW_INVALID, "group '%s' is not an IP address", where->host);
}

static bool is_known_link(int link) {
    return link == DLT_EN10MB || link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2 || link == DLT_RAW ||
           link == DLT_IPV4 || link == DLT_IPV6 || link == DLT_NULL || link == DLT_LOOP;
}

tw_code pcap_source_open(pcap_source **out, const location *where, tw_error *error) {
    *out = NULL;
    pcap_source *source = calloc(1, sizeof *source);
    if (source == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a capture");
    tw_code code = set_filter(source, where, error);
    if (code == TW_OK) code = open_stream(source, where->path, error);
    if (code == TW_OK && !is_known_link(source->link))
        code = tw_error_set(error, TW_UNSUPPORTED, "%s was captured on link type %d (%s), which is not read",
                            where->path, source->link, pcap_datalink_val_to_description_or_dlt(source->link));
    if (code != TW_OK) {
        pcap_source_close(source);
        return code;
    }
    *out = source;
    return TW_OK;
}

void pcap_source_close(pcap_source *source) {
    if (source == NULL) return;
    if (source->capture != NULL) pcap_close(source->capture);
    if (source->stream != NULL) fclose(source->stream);
    file_source_close(source->file);
    free(source);
}

/* ---- taking headers off ---- */

/* What is left of a frame, and what it is next. */
typedef struct rest {
    const uint8_t *bytes;
    uint32_t length;   /* captured */
    uint32_t original; /* on the wire */
    uint16_t type;     /* ethertype, 0 unknown */
} rest;

static bool take(rest *frame, uint32_t count) {
    if (frame->length < count) return false;
    frame->bytes += count;
    frame->length -= count;
    frame->original -= count < frame->original ? count : frame->original;
    return true;
}

/* An 802.1Q tag, two of them (QinQ), or as many as there are. */
static bool take_vlan_tags(rest *frame) {
    while (frame->type == ETHERTYPE_VLAN || frame->type == ETHERTYPE_QINQ || frame->type == ETHERTYPE_QINQ_OLD) {
        if (frame->length < 4) return false;
        frame->type = tw_load_be16(frame->bytes + 2);
        take(frame, 4);
    }
    return true;
}

/* A link header with an Ethertype at `type_at`. */
static bool take_typed(rest *frame, uint32_t header_bytes, uint32_t type_at) {
    if (frame->length < header_bytes) return false;
    frame->type = tw_load_be16(frame->bytes + type_at);
    return take(frame, header_bytes) && take_vlan_tags(frame);
}

/* No link header tells: the version in the first four bits does. */
static bool type_from_version(rest *frame) {
    if (frame->length < 1) return false;
    frame->type = frame->bytes[0] >> 4 == 4 ? ETHERTYPE_V4 : frame->bytes[0] >> 4 == 6 ? ETHERTYPE_V6 : 0;
    return true;
}

static bool take_link(int link, rest *frame) {
    switch (link) {
    case DLT_EN10MB:
        return take_typed(frame, 14, 12);
    case DLT_LINUX_SLL:
        return take_typed(frame, 16, 14);
    case DLT_LINUX_SLL2:
        return take_typed(frame, 20, 0);
    case DLT_NULL:
    case DLT_LOOP:
        return take(frame, 4) && type_from_version(frame);
    default:
        return type_from_version(frame);
    }
}

typedef enum taken { TAKEN_UDP, TAKEN_NOT_UDP, TAKEN_FRAGMENT, TAKEN_CUT, TAKEN_FILTERED } taken;

/* A header that is not all there: the capture cut it, or the frame never had it. */
static taken lacking(const rest *frame) {
    return frame->original > frame->length ? TAKEN_CUT : TAKEN_NOT_UDP;
}

static bool is_group(const pcap_source *source, int family, const uint8_t *address) {
    if (!source->filters_group) return true;
    return family == source->group_family && memcmp(address, source->group, family == AF_INET ? 4 : 16) == 0;
}

/* Cuts the frame to what the network header says it holds: the rest is padding of the link. */
static void cut_padding(rest *packet, uint32_t total) {
    if (packet->length > total) packet->length = total;
    if (packet->original > total) packet->original = total;
}

static taken take_ipv4(const pcap_source *source, rest *packet) {
    if (packet->length < 20) return lacking(packet);
    const uint8_t *header = packet->bytes;
    uint32_t header_bytes = (header[0] & 15u) * 4u, total = tw_load_be16(header + 2);
    if (header_bytes < 20 || total < header_bytes) return TAKEN_NOT_UDP;
    if ((tw_load_be16(header + 6) & 0x3FFF) != 0) return TAKEN_FRAGMENT;
    if (header[9] != PROTOCOL_UDP) return TAKEN_NOT_UDP;
    cut_padding(packet, total);
    if (!is_group(source, AF_INET, header + 16)) return TAKEN_FILTERED;
    return take(packet, header_bytes) ? TAKEN_UDP : lacking(packet);
}

static bool is_extension(uint8_t protocol) {
    return protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING || protocol == PROTOCOL_DESTINATION ||
           protocol == PROTOCOL_AUTHENTICATION;
}

static taken take_ipv6(const pcap_source *source, rest *packet) {
    if (packet->length < 40) return lacking(packet);
    const uint8_t *header = packet->bytes;
    uint8_t protocol = header[6];
    cut_padding(packet, 40u + tw_load_be16(header + 4));
    if (!is_group(source, AF_INET6, header + 24)) return TAKEN_FILTERED;
    take(packet, 40);
    while (is_extension(protocol)) {
        if (packet->length < 8) return lacking(packet);
        /* the length counts eight bytes, of an authentication header four */
        uint32_t header_bytes =
            protocol == PROTOCOL_AUTHENTICATION ? (packet->bytes[1] + 2u) * 4u : (packet->bytes[1] + 1u) * 8u;
        protocol = packet->bytes[0];
        if (!take(packet, header_bytes)) return lacking(packet);
    }
    if (protocol == PROTOCOL_FRAGMENT) return TAKEN_FRAGMENT;
    return protocol == PROTOCOL_UDP ? TAKEN_UDP : TAKEN_NOT_UDP;
}

static taken take_udp(const pcap_source *source, rest *datagram) {
    if (datagram->length < 8) return lacking(datagram);
    uint16_t port = tw_load_be16(datagram->bytes + 2);
    uint32_t length = tw_load_be16(datagram->bytes + 4);
    if (source->port != 0 && port != source->port) return TAKEN_FILTERED;
    if (length < 8 || length > datagram->original) return TAKEN_NOT_UDP;
    if (length > datagram->length) return TAKEN_CUT;
    datagram->length = length;
    take(datagram, 8);
    return TAKEN_UDP;
}

static taken take_headers(const pcap_source *source, rest *frame) {
    if (!take_link(source->link, frame)) return lacking(frame);
    taken result = frame->type == ETHERTYPE_V4   ? take_ipv4(source, frame)
                   : frame->type == ETHERTYPE_V6 ? take_ipv6(source, frame)
                                                 : TAKEN_NOT_UDP;
    return result == TAKEN_UDP ? take_udp(source, frame) : result;
}

/* ---- packets ---- */

static void count_passed_over(pcap_source *source, taken why) {
    if (why == TAKEN_NOT_UDP) source->stats.not_udp++;
    if (why == TAKEN_FRAGMENT) source->stats.fragments++;
    if (why == TAKEN_CUT) source->stats.cut++;
    if (why == TAKEN_FILTERED) source->stats.filtered++;
}

/* libpcap has words only: a record that ends too early is what an interrupted recorder leaves, all else is damage. */
static tw_code damaged(pcap_source *source, tw_error *error) {
    const char *reason = source->damage.code != TW_OK ? source->damage.text : pcap_geterr(source->capture);
    tw_code code = source->damage.code;
    if (code == TW_OK) code = strstr(reason, "truncated") != NULL ? TW_TRUNCATED : TW_MALFORMED;
    return tw_error_set(error, code, "packet %llu of the capture, within its first %llu bytes: %s",
                        (unsigned long long)source->index + 1, (unsigned long long)source->unpacked, reason);
}

/* A pcapng stamp may be any 64 bit number of any unit: one that no instant here can hold is no time. */
static int64_t stamp_ns(const struct pcap_pkthdr *header) {
    int64_t instant_ns;
    if (__builtin_mul_overflow(header->ts.tv_sec, TW_NS_PER_SECOND, &instant_ns) ||
        __builtin_add_overflow(instant_ns, header->ts.tv_usec, &instant_ns))
        return TW_TIME_ABSENT;
    return instant_ns;
}

tw_code pcap_source_next(pcap_source *source, pcap_packet *packet, bool *more, tw_error *error) {
    struct pcap_pkthdr *header;
    const u_char *bytes;
    *more = false;
    if (source->ended) return TW_OK; /* the failure was told once */
    for (;;) {
        int outcome = pcap_next_ex(source->capture, &header, &bytes);
        source->ended = outcome != 1;
        if (outcome == PCAP_ERROR_BREAK && source->damage.code == TW_OK) return TW_OK;
        if (outcome != 1) return damaged(source, error);
        source->index++;
        source->stats.packets++;
        rest frame = {bytes, header->caplen, header->len, 0};
        taken result = take_headers(source, &frame);
        if (result == TAKEN_UDP) {
            *packet = (pcap_packet){.payload = frame.bytes,
                                    .length = frame.length,
                                    .receive_ns = stamp_ns(header),
                                    .index = source->index};
            *more = true;
            return TW_OK;
        }
        count_passed_over(source, result);
    }
}

pcap_counts pcap_source_stats(const pcap_source *source) {
    return source->stats;
}
