/* UDP payloads out of captures: written here byte by byte, and recorded ones. */
#include <dirent.h>
#include <zlib.h>

#include "base/market.h"
#include "base/text.h"
#include "ingest/source/pcap_source.h"
#include "tests/support/temporary_file.h"
#include "tests/unit.h"

#define SECONDS     1580360400u
#define NANOSECONDS 123456789u

enum { LINK_NULL = 0, LINK_ETHERNET = 1, LINK_RAW = 101, LINK_LOOP = 108, LINK_SLL = 113, LINK_SLL2 = 276 };

/* ---- bytes, written in either order ---- */

typedef struct bytes {
    uint8_t at[8192];
    size_t length;
    bool little; /* the order of put16 and put32 */
} bytes;

static void put(bytes *b, const void *from, size_t length) {
    EXPECT(b->length + length <= sizeof b->at);
    memcpy(b->at + b->length, from, length);
    b->length += length;
}
static void put8(bytes *b, unsigned value) {
    uint8_t byte = (uint8_t)value;
    put(b, &byte, 1);
}
static void put16(bytes *b, unsigned value) {
    put8(b, b->little ? value : value >> 8);
    put8(b, b->little ? value >> 8 : value);
}
static void put32(bytes *b, uint32_t value) {
    put16(b, b->little ? value & 0xFFFF : value >> 16);
    put16(b, b->little ? value >> 16 : value & 0xFFFF);
}
static void put_zeros(bytes *b, size_t count) {
    while (count-- > 0)
        put8(b, 0);
}

/* ---- frames, in network order ---- */

typedef struct datagram {
    const char *payload;
    unsigned port;       /* destination */
    unsigned fragment;   /* flags and offset of the IPv4 header */
    unsigned protocol;   /* 0: UDP */
    unsigned options;    /* bytes of IPv4 options, a multiple of 4 */
    unsigned udp_length; /* 0: the right one */
} datagram;

static void put_udp(bytes *b, const datagram *d) {
    size_t length = strlen(d->payload);
    put16(b, 40000);
    put16(b, d->port);
    put16(b, d->udp_length != 0 ? d->udp_length : (unsigned)length + 8);
    put16(b, 0);
    put(b, d->payload, length);
}

/* To 233.54.12.111. */
static void put_ipv4(bytes *b, const datagram *d) {
    static const uint8_t addresses[] = {10, 0, 0, 1, 233, 54, 12, 111};
    put8(b, 0x45 + d->options / 4);
    put8(b, 0);
    put16(b, (unsigned)(20 + d->options + 8 + strlen(d->payload)));
    put16(b, 7);
    put16(b, d->fragment);
    put8(b, 64);
    put8(b, d->protocol != 0 ? d->protocol : 17);
    put16(b, 0);
    put(b, addresses, sizeof addresses);
    put_zeros(b, d->options);
    put_udp(b, d);
}

/* To ff05::1; `extensions` 1: hop by hop, routing (two units) and destination options in front; 2: a fragment. */
static void put_ipv6(bytes *b, const datagram *d, int extensions) {
    static const uint8_t source[16] = {0xFE, 0x80}, group[16] = {0xFF, 0x05, [15] = 1};
    size_t more = extensions == 1 ? 8 + 16 + 8 : extensions == 2 ? 8 : 0;
    put32(b, 0x60000000);
    put16(b, (unsigned)(more + 8 + strlen(d->payload)));
    put8(b, extensions == 1 ? 0 : extensions == 2 ? 44 : 17);
    put8(b, 1);
    put(b, source, 16);
    put(b, group, 16);
    if (extensions == 1) {
        put8(b, 43), put8(b, 0), put_zeros(b, 6);
        put8(b, 60), put8(b, 1), put_zeros(b, 14);
        put8(b, 17), put8(b, 0), put_zeros(b, 6);
    }
    if (extensions == 2) put8(b, 17), put8(b, 0), put16(b, 0x0001), put32(b, 9);
    put_udp(b, d);
}

static void put_ethernet(bytes *b, const uint16_t *tags, size_t count, unsigned type) {
    put_zeros(b, 12);
    for (size_t i = 0; i < count; i++)
        put16(b, tags[i]), put16(b, 100);
    put16(b, type);
}

/* ---- files ---- */

static void pcap_header(bytes *b, bool little, bool nano, uint32_t link) {
    *b = (bytes){.little = little};
    put32(b, nano ? 0xA1B23C4D : 0xA1B2C3D4);
    put16(b, 2), put16(b, 4);
    put32(b, 0), put32(b, 0), put32(b, 65535), put32(b, link);
}

/* A packet of which `kept` bytes are in the file, SIZE_MAX for all. */
static void pcap_record(bytes *b, uint32_t fraction, const bytes *frame, size_t kept) {
    if (kept > frame->length) kept = frame->length;
    put32(b, SECONDS), put32(b, fraction), put32(b, (uint32_t)kept), put32(b, (uint32_t)frame->length);
    put(b, frame->at, kept);
}

/* Section, interface (with if_tsresol where `resolution` is above 0) and one packet of `units` since 1970. */
static void pcapng_file(bytes *b, bool little, int resolution, uint64_t units, const bytes *frame) {
    size_t padded = (frame->length + 3) / 4 * 4;
    *b = (bytes){.little = little};
    put32(b, 0x0A0D0D0A), put32(b, 28), put32(b, 0x1A2B3C4D), put16(b, 1), put16(b, 0);
    put32(b, 0xFFFFFFFF), put32(b, 0xFFFFFFFF), put32(b, 28);
    uint32_t interface = resolution > 0 ? 32 : 20;
    put32(b, 1), put32(b, interface), put16(b, LINK_ETHERNET), put16(b, 0), put32(b, 0);
    if (resolution > 0) {
        put16(b, 9), put16(b, 1), put8(b, (unsigned)resolution), put_zeros(b, 3);
        put16(b, 0), put16(b, 0);
    }
    put32(b, interface);
    uint32_t total = (uint32_t)(32 + padded);
    put32(b, 6), put32(b, total), put32(b, 0), put32(b, (uint32_t)(units >> 32)), put32(b, (uint32_t)units);
    put32(b, (uint32_t)frame->length), put32(b, (uint32_t)frame->length);
    put(b, frame->at, frame->length);
    put_zeros(b, padded - frame->length);
    put32(b, total);
}

/* ---- what comes out ---- */

typedef struct outcome {
    char payloads[512]; /* INDEX:PAYLOAD, … */
    int64_t first_ns;
    pcap_counts counts;
    tw_error error;
} outcome;

static outcome read_where(const location *where) {
    outcome result = {0};
    pcap_source *source;
    bool more = true;
    if (pcap_source_open(&source, where, &result.error) != TW_OK) return result;
    while (more) {
        pcap_packet packet;
        size_t used = strlen(result.payloads);
        if (pcap_source_next(source, &packet, &more, &result.error) != TW_OK) {
            EXPECT(!more);
            break;
        }
        if (!more) break;
        if (result.first_ns == 0) result.first_ns = packet.receive_ns;
        snprintf(result.payloads + used, sizeof result.payloads - used, "%s%d:%.*s", used > 0 ? " " : "",
                 (int)packet.index, (int)packet.length, (const char *)packet.payload);
    }
    result.counts = pcap_source_stats(source);
    pcap_source_close(source);
    return result;
}

static outcome read_filtered(const void *file, size_t length, const char *group, uint16_t port) {
    temporary_file at = temporary_file_write("", file, length);
    location where = {.kind = LOCATION_PCAP, .port = port};
    snprintf(where.path, sizeof where.path, "%s", at.path);
    snprintf(where.host, sizeof where.host, "%s", group);
    outcome result = read_where(&where);
    temporary_file_remove(&at);
    return result;
}

static outcome read_file(const bytes *file) {
    return read_filtered(file->at, file->length, "", 0);
}

static void ethernet_frame(bytes *frame, const char *payload) {
    *frame = (bytes){.length = 0};
    put_ethernet(frame, NULL, 0, 0x0800);
    put_ipv4(frame, &(datagram){.payload = payload, .port = 26400});
}

TEST(pcap_source, both_byte_orders_and_both_clocks_give_the_same_payload_to_the_nanosecond) {
    bytes frame, file;
    ethernet_frame(&frame, "hello");
    for (int little = 0; little < 2; little++) {
        for (int nano = 0; nano < 2; nano++) {
            pcap_header(&file, little, nano, LINK_ETHERNET);
            pcap_record(&file, nano ? NANOSECONDS : NANOSECONDS / 1000, &frame, SIZE_MAX);
            outcome result = read_file(&file);
            EXPECT_MSG(result.error.code == TW_OK, "%s", result.error.text);
            EXPECT_STR(result.payloads, "1:hello");
            EXPECT_I64(result.first_ns,
                       SECONDS * INT64_C(1000000000) + (nano ? NANOSECONDS : NANOSECONDS / 1000 * 1000));
        }
    }
}

TEST(pcap_source, a_stamp_that_no_instant_can_hold_is_no_time) {
    bytes frame, file;
    ethernet_frame(&frame, "hello");
    pcapng_file(&file, true, 3, UINT64_MAX / 4, &frame); /* some 10^15 seconds */
    outcome seen = read_filtered(file.at, file.length, "", 0);
    EXPECT_STR(seen.payloads, "1:hello");
    EXPECT_I64(seen.first_ns, TW_TIME_ABSENT);
}

TEST(pcap_source, pcapng_clocks_are_read_by_their_resolution) {
    static const struct {
        int resolution; /* if_tsresol: powers of ten, with the high bit powers of two; 0: not given */
        uint64_t units;
        int64_t nanoseconds;
    } cases[] = {
        {0, SECONDS * UINT64_C(1000000) + 123456, 123456000},
        {6, SECONDS * UINT64_C(1000000) + 123456, 123456000},
        {9, SECONDS * UINT64_C(1000000000) + NANOSECONDS, NANOSECONDS},
        {3, SECONDS * UINT64_C(1000) + 123, 123000000},
        {0x80 | 10, SECONDS * UINT64_C(1024) + 512, 500000000},
    };
    bytes frame, file;
    ethernet_frame(&frame, "hello");
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        pcapng_file(&file, i % 2 == 1, cases[i / 2].resolution, cases[i / 2].units, &frame);
        outcome result = read_file(&file);
        EXPECT_MSG(result.error.code == TW_OK, "%s", result.error.text);
        EXPECT_STR(result.payloads, "1:hello");
        EXPECT_I64(result.first_ns, SECONDS * INT64_C(1000000000) + cases[i / 2].nanoseconds);
    }
}

TEST(pcap_source, every_kind_of_link_leads_to_the_datagram) {
    static const uint16_t one[] = {0x8100}, two[] = {0x88A8, 0x8100}, old[] = {0x9100, 0x8100};
    datagram d = {.payload = "x", .port = 1};
    for (int kind = 0; kind < 12; kind++) {
        bytes frame = {.length = 0}, file;
        uint32_t link = LINK_ETHERNET;
        switch (kind) {
        case 0:
            put_ethernet(&frame, one, 1, 0x0800), put_ipv4(&frame, &d);
            break;
        case 1:
            put_ethernet(&frame, two, 2, 0x0800), put_ipv4(&frame, &d);
            break;
        case 2:
            put_ethernet(&frame, old, 2, 0x86DD), put_ipv6(&frame, &d, 0);
            break;
        case 3:
            link = LINK_RAW, put_ipv4(&frame, &d);
            break;
        case 4:
            link = LINK_RAW, put_ipv6(&frame, &d, 1);
            break;
        case 5:
            link = LINK_NULL, put32(&frame, 0x02000000), put_ipv4(&frame, &d);
            break;
        case 6:
            link = LINK_NULL, put32(&frame, 0x1E000000), put_ipv6(&frame, &d, 0);
            break;
        case 7:
            link = LINK_LOOP, put32(&frame, 2), put_ipv4(&frame, &d);
            break;
        case 8:
            link = LINK_SLL, put_zeros(&frame, 14), put16(&frame, 0x0800), put_ipv4(&frame, &d);
            break;
        case 9:
            link = LINK_SLL2, put16(&frame, 0x86DD), put_zeros(&frame, 18), put_ipv6(&frame, &d, 1);
            break;
        case 10:
            link = LINK_SLL, put_zeros(&frame, 14), put16(&frame, 0x8100), put16(&frame, 5), put16(&frame, 0x0800),
            put_ipv4(&frame, &d);
            break;
        default:
            d.options = 24, put_ethernet(&frame, NULL, 0, 0x0800), put_ipv4(&frame, &d);
        }
        pcap_header(&file, true, true, link);
        pcap_record(&file, 0, &frame, SIZE_MAX);
        outcome result = read_file(&file);
        EXPECT_MSG(strcmp(result.payloads, "1:x") == 0, "kind %d: \"%s\" %s", kind, result.payloads,
                   result.error.text);
    }
}

TEST(pcap_source, padding_and_trailers_are_not_payload) {
    bytes frame, file;
    pcap_header(&file, true, true, LINK_ETHERNET);
    ethernet_frame(&frame, "x");
    put_zeros(&frame, 17 + 4);
    pcap_record(&file, 0, &frame, SIZE_MAX);
    ethernet_frame(&frame, "");
    put_zeros(&frame, 18);
    pcap_record(&file, 0, &frame, SIZE_MAX);
    frame = (bytes){.length = 0}; /* the UDP length is below what the IP packet holds */
    put_ethernet(&frame, NULL, 0, 0x0800);
    put_ipv4(&frame, &(datagram){.payload = "used-not", .port = 1, .udp_length = 12});
    pcap_record(&file, 0, &frame, SIZE_MAX);
    EXPECT_STR(read_file(&file).payloads, "1:x 2: 3:used");
}

TEST(pcap_source, what_is_passed_over_is_counted_by_reason) {
    bytes frame, file;
    pcap_header(&file, false, false, LINK_ETHERNET);
    const datagram odd[] = {
        {.payload = "first part", .port = 1, .fragment = 0x2000},
        {.payload = "last part", .port = 1, .fragment = 5},
        {.payload = "not a fragment", .port = 1, .fragment = 0x4000},
        {.payload = "tcp", .port = 1, .protocol = 6},
        {.payload = "length lies", .port = 1, .udp_length = 500},
        {.payload = "no length", .port = 1, .udp_length = 7},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        frame = (bytes){.length = 0};
        put_ethernet(&frame, NULL, 0, 0x0800);
        put_ipv4(&frame, &odd[i]);
        pcap_record(&file, 0, &frame, SIZE_MAX);
    }
    frame = (bytes){.length = 0}; /* 7: ARP */
    put_ethernet(&frame, NULL, 0, 0x0806);
    put_zeros(&frame, 28);
    pcap_record(&file, 0, &frame, SIZE_MAX);
    frame = (bytes){.length = 0}; /* 8: an IPv6 fragment */
    put_ethernet(&frame, NULL, 0, 0x86DD);
    put_ipv6(&frame, &(datagram){.payload = "x", .port = 1}, 2);
    pcap_record(&file, 0, &frame, SIZE_MAX);
    ethernet_frame(&frame, "kept in part"); /* 9, 10: within the payload, within the headers */
    pcap_record(&file, 0, &frame, frame.length - 1);
    pcap_record(&file, 0, &frame, 30);
    ethernet_frame(&frame, "whole");
    pcap_record(&file, 0, &frame, SIZE_MAX);

    outcome result = read_file(&file);
    EXPECT_MSG(result.error.code == TW_OK, "%s", result.error.text);
    EXPECT_STR(result.payloads, "3:not a fragment 11:whole");
    EXPECT_U64(result.counts.packets, 11);
    EXPECT_U64(result.counts.fragments, 3);
    EXPECT_U64(result.counts.cut, 2);
    EXPECT_U64(result.counts.not_udp, 4);
    EXPECT_U64(result.counts.filtered, 0);
}

TEST(pcap_source, a_filter_keeps_one_port_or_group) {
    static const struct {
        const char *group;
        uint16_t port;
        const char *payloads;
    } cases[] = {
        {"", 0, "1:four 2:other 3:six"},        {"", 26400, "1:four 3:six"}, {"", 5, ""},
        {"233.54.12.111", 0, "1:four 2:other"}, {"ff05::1", 0, "3:six"},     {"233.54.12.112", 0, ""},
        {"233.54.12.111", 26401, "2:other"},
    };
    bytes frame, file;
    pcap_header(&file, true, true, LINK_ETHERNET);
    ethernet_frame(&frame, "four");
    pcap_record(&file, 0, &frame, SIZE_MAX);
    frame = (bytes){.length = 0};
    put_ethernet(&frame, NULL, 0, 0x0800);
    put_ipv4(&frame, &(datagram){.payload = "other", .port = 26401});
    pcap_record(&file, 0, &frame, SIZE_MAX);
    frame = (bytes){.length = 0};
    put_ethernet(&frame, NULL, 0, 0x86DD);
    put_ipv6(&frame, &(datagram){.payload = "six", .port = 26400}, 0);
    pcap_record(&file, 0, &frame, SIZE_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome result = read_filtered(file.at, file.length, cases[i].group, cases[i].port);
        EXPECT_STR(result.payloads, cases[i].payloads);
        EXPECT_U64(result.counts.packets, 3);
    }
}

TEST(pcap_source, a_capture_cut_anywhere_in_its_last_packet_keeps_what_came_before) {
    bytes frame, file;
    pcap_header(&file, true, true, LINK_ETHERNET);
    ethernet_frame(&frame, "one");
    pcap_record(&file, 0, &frame, SIZE_MAX);
    size_t whole = file.length;
    pcap_record(&file, 0, &frame, SIZE_MAX);
    for (size_t cut = whole + 1; cut < file.length; cut++) {
        outcome result = read_filtered(file.at, cut, "", 0);
        EXPECT_MSG(result.error.code == TW_TRUNCATED, "cut at %zu: %s", cut, tw_code_name(result.error.code));
        EXPECT_STR(result.payloads, "1:one");
        EXPECT_CONTAINS(result.error.text, "packet 2 of ");
    }
    EXPECT_I64(read_filtered(file.at, whole, "", 0).error.code, TW_OK);
}

TEST(pcap_source, a_record_that_claims_too_much_is_malformed) {
    bytes frame, file;
    pcap_header(&file, true, true, LINK_ETHERNET);
    ethernet_frame(&frame, "one");
    pcap_record(&file, 0, &frame, SIZE_MAX);
    put32(&file, SECONDS), put32(&file, 0), put32(&file, 0x7FFFFFFF), put32(&file, 0x7FFFFFFF);
    put_zeros(&file, 64);
    outcome result = read_file(&file);
    EXPECT_STR(result.payloads, "1:one");
    EXPECT_MSG(result.error.code == TW_MALFORMED, "%s", result.error.text);
    EXPECT_CONTAINS(result.error.text, "packet 2 of ");
}

TEST(pcap_source, what_is_no_capture_or_of_a_link_that_is_not_read_is_refused_with_words) {
    bytes file;
    pcap_header(&file, true, true, LINK_ETHERNET);
    EXPECT_I64(read_filtered(file.at, 10, "", 0).error.code, TW_TRUNCATED);
    EXPECT_I64(read_filtered("", 0, "", 0).error.code, TW_TRUNCATED);
    outcome nonsense = read_filtered("This is a text file and not a capture.", 38, "", 0);
    EXPECT_I64(nonsense.error.code, TW_MALFORMED);
    EXPECT_CONTAINS(nonsense.error.text, "capture");
    pcap_header(&file, true, true, 105); /* 802.11 */
    outcome wireless = read_file(&file);
    EXPECT_I64(wireless.error.code, TW_UNSUPPORTED);
    EXPECT_CONTAINS(wireless.error.text, "link type 105");
    location absent = {.kind = LOCATION_PCAP, .path = "/nonexistent/day.pcap"};
    EXPECT_I64(read_where(&absent).error.code, TW_NOT_FOUND);
}

TEST(pcap_source, any_damage_to_a_frame_is_survived) {
    bytes frame, file;
    for (int version = 4; version <= 6; version += 2) {
        frame = (bytes){.length = 0};
        put_ethernet(&frame, (const uint16_t[]){0x8100}, 1, version == 4 ? 0x0800 : 0x86DD);
        datagram d = {.payload = "payload", .port = 1, .options = 4};
        if (version == 4)
            put_ipv4(&frame, &d);
        else
            put_ipv6(&frame, &d, 1);
        for (size_t i = 12; i < frame.length; i++) {
            pcap_header(&file, true, true, LINK_ETHERNET);
            uint8_t kept = frame.at[i];
            for (int value = 0; value < 256; value += 5) {
                frame.at[i] = (uint8_t)value;
                if (file.length + frame.length + 16 > sizeof file.at) break;
                pcap_record(&file, 0, &frame, (size_t)value % 3 == 0 ? i : SIZE_MAX);
            }
            frame.at[i] = kept;
            outcome result = read_file(&file);
            EXPECT_MSG(result.error.code == TW_OK, "%s", result.error.text);
            EXPECT(result.counts.packets > 20);
        }
    }
}

TEST(pcap_source, a_packed_capture_is_unpacked_and_a_cut_one_says_so) {
    bytes frame, file;
    uint8_t packed[8192];
    pcap_header(&file, true, true, LINK_ETHERNET);
    for (uint32_t i = 0; i < 40; i++) {
        char text[64]; /* in no order, so that it does not shrink to nothing */
        snprintf(text, sizeof text, "%u-%u-%u", i * 2654435761u, i * 40503u + 7, i * i * 97u + 13);
        ethernet_frame(&frame, text);
        pcap_record(&file, i, &frame, SIZE_MAX);
    }
    z_stream stream = {0};
    EXPECT_I64(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = file.at, stream.avail_in = (uInt)file.length;
    stream.next_out = packed, stream.avail_out = sizeof packed;
    EXPECT_I64(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    outcome whole = read_filtered(packed, stream.total_out, "", 0);
    EXPECT_MSG(whole.error.code == TW_OK, "%s", whole.error.text);
    EXPECT_U64(whole.counts.packets, 40);
    outcome cut = read_filtered(packed, stream.total_out * 3 / 4, "", 0);
    EXPECT_I64(cut.error.code, TW_TRUNCATED);
    EXPECT_CONTAINS(cut.error.text, "gzip data, after ");
    EXPECT_CONTAINS(cut.error.text, "packet ");
    EXPECT(cut.counts.packets > 5 && cut.counts.packets < 40);
}

/* ---- recordings ---- */

static void add_folder(const char *folder, uint64_t *files, pcap_counts *sum, uint64_t *datagrams) {
    DIR *directory = opendir(folder);
    if (directory == NULL) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        location where = {.kind = LOCATION_PCAP};
        pcap_source *source;
        pcap_packet packet;
        bool more;
        tw_error error = {0};
        if (strstr(entry->d_name, ".pcap") == NULL) continue;
        EXPECT(tw_text_format(where.path, sizeof where.path, "%s/%s", folder, entry->d_name));
        EXPECT_MSG(pcap_source_open(&source, &where, &error) == TW_OK, "%s", error.text);
        while (pcap_source_next(source, &packet, &more, &error) == TW_OK && more)
            (*datagrams)++;
        EXPECT_MSG(error.code == TW_OK, "%s: %s", where.path, error.text);
        pcap_counts counts = pcap_source_stats(source);
        sum->packets += counts.packets;
        sum->not_udp += counts.not_udp;
        sum->fragments += counts.fragments;
        sum->cut += counts.cut;
        pcap_source_close(source);
        (*files)++;
    }
    closedir(directory);
}

TEST(pcap_source, the_recorded_captures_are_read_to_their_ends) {
    const char *known = "pcap/Nasdaq.Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap";
    const char *found = unit_recording(known);
    if (found == NULL) SKIP("the recorded captures are not here");
    char root[1024];
    uint64_t files = 0, datagrams = 0;
    pcap_counts sum = {0};
    tw_text_copy(root, sizeof root, found);
    root[strlen(root) - (strlen(known) - strlen("pcap"))] = '\0';
    DIR *directory = opendir(root);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char folder[1400];
        if (entry->d_name[0] == '.') continue;
        tw_text_format(folder, sizeof folder, "%s/%s", root, entry->d_name);
        add_folder(folder, &files, &sum, &datagrams);
    }
    closedir(directory);
    fprintf(stderr,
            "%" PRIu64 " captures, %" PRIu64 " packets: %" PRIu64 " datagrams, %" PRIu64 " not UDP, %" PRIu64
            " fragments, %" PRIu64 " cut\n",
            files, sum.packets, datagrams, sum.not_udp, sum.fragments, sum.cut);
    EXPECT(files > 50);
    EXPECT_U64(datagrams + sum.not_udp + sum.fragments + sum.cut, sum.packets);
}
