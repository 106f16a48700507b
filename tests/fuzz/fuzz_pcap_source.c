/* Captures: any bytes as a pcap or pcapng file. Every packet is counted once: given, or passed over with a reason. */
#include "ingest/source/pcap_source.h"

#include "tests/fuzz/fuzz.h"

#define MOST_PACKETS 4096

static void read_packets(pcap_source *source) {
    tw_error error;
    uint64_t given = 0, sum = 0;
    bool more = true;
    while (given < MOST_PACKETS) {
        pcap_packet packet;
        tw_code code = pcap_source_next(source, &packet, &more, &error);
        FUZZ_CHECK(code == TW_OK || error.text[0] != '\0');
        if (code != TW_OK || !more) break;
        given++;
        for (uint32_t i = 0; i < packet.length; i++)
            sum += packet.payload[i]; /* the sanitizer sees whether they are there */
        FUZZ_CHECK(packet.length <= 65535 && packet.index >= given && sum <= UINT64_MAX);
    }
    pcap_counts counts = pcap_source_stats(source);
    FUZZ_CHECK(given + counts.not_udp + counts.filtered + counts.fragments + counts.cut == counts.packets);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    fuzz_input input = {bytes, length};
    location where = {.kind = LOCATION_PCAP};
    uint8_t choice = fuzz_u8(&input);
    pcap_source *source = NULL;
    tw_error error;
    if (choice & 1) where.port = 26400;
    if (choice & 2) tw_text_copy(where.host, sizeof where.host, (choice & 4) ? "ff15::1" : "233.54.12.111");
    char path[40];
    int file = fuzz_file(input.bytes, input.left, path);
    tw_text_copy(where.path, sizeof where.path, path);
    if (pcap_source_open(&source, &where, &error) == TW_OK) read_packets(source);
    pcap_source_close(source);
    close(file);
    return 0;
}
