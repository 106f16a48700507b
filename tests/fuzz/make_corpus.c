/*
 * Writes the first inputs of every fuzz target, made by the project's own encoders: make_corpus FOLDER fills
 * FOLDER/NAME for each fuzz_NAME. Nothing comes from a recording; the same program writes the same files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ingest/decode/glimpse.h"
#include "ingest/decode/itch50.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/framing/moldudp64.h"
#include "ingest/framing/soupbintcp.h"
#include "tests/support/random_messages.h"
#include "tests/support/random_venue.h"

typedef struct seed {
    uint8_t bytes[256 * 1024];
    size_t length;
} seed;

static void stop(const char *what, const char *path) {
    fprintf(stderr, "make_corpus: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void add(seed *to, const void *bytes, size_t length) {
    if (length > sizeof to->bytes - to->length) stop("a seed is too large", "");
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void add_u8(seed *to, unsigned value) {
    uint8_t byte = (uint8_t)value;
    add(to, &byte, 1);
}

static void add_u16(seed *to, unsigned value) {
    add_u8(to, value >> 8);
    add_u8(to, value);
}

static void add_le32(seed *to, uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8)
        add_u8(to, value >> shift);
}

static void make_folder(const char *path) {
    if (mkdir(path, 0777) != 0 && errno != EEXIST) stop("can't make", path);
}

static void write_seed(const char *folder, const char *target, unsigned number, const seed *from) {
    char path[1024];
    tw_text_format(path, sizeof path, "%s/%s", folder, target);
    make_folder(path);
    tw_text_format(path, sizeof path, "%s/%s/seed-%02u", folder, target, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL) stop("can't write", path);
    if (fwrite(from->bytes, 1, from->length, file) != from->length || fclose(file) != 0) stop("can't write", path);
}

static void write_text(const char *folder, const char *target, unsigned number, int first, const char *text) {
    static seed made;
    made.length = 0;
    if (first >= 0) add_u8(&made, (unsigned)first);
    add(&made, text, strlen(text));
    write_seed(folder, target, number, &made);
}

/* ---- ITCH ---- */

static void add_itch(seed *to, const itch50_message *message) {
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    size_t length = itch50_encode(message, bytes);
    add_u16(to, (unsigned)length);
    add(to, bytes, length);
}

static void add_directory(seed *to, uint16_t locate, const char *stock) {
    itch50_message m = {.type = ITCH50_STOCK_DIRECTORY, .locate = locate};
    tw_text_copy(m.u.directory.stock, sizeof m.u.directory.stock, stock);
    m.u.directory.round_lot = 100;
    add_itch(to, &m);
}

static void add_order(seed *to, uint16_t locate, uint64_t order_id, char side, uint32_t price) {
    itch50_message m = {.type = ITCH50_ADD_ORDER, .locate = locate};
    m.u.add.order_id = order_id;
    m.u.add.shares = 100;
    m.u.add.price = price;
    m.u.add.side = side;
    tw_text_copy(m.u.add.stock, sizeof m.u.add.stock, "ABCD");
    add_itch(to, &m);
}

/* A short day: two sides, then everything that happens to orders. */
static void add_day(seed *to) {
    add_directory(to, 1, "ABCD");
    for (uint32_t i = 0; i < 8; i++) {
        add_order(to, 1, i + 1, (i & 1) ? 'S' : 'B', (i & 1) ? 100100 + i * 100 : 100000 - i * 100);
    }
    itch50_message m = {.type = ITCH50_ORDER_EXECUTED, .locate = 1};
    m.u.executed.order_id = 1;
    m.u.executed.shares = 40;
    add_itch(to, &m);
    m.type = ITCH50_ORDER_EXECUTED_PRICE;
    m.u.executed.price = 100050;
    m.u.executed.printable = 'Y';
    add_itch(to, &m);
    m = (itch50_message){.type = ITCH50_ORDER_CANCEL, .locate = 1};
    m.u.cancel.order_id = 2;
    m.u.cancel.shares = 10;
    add_itch(to, &m);
    m = (itch50_message){.type = ITCH50_ORDER_REPLACE, .locate = 1};
    m.u.replace.old_order_id = 3;
    m.u.replace.new_order_id = 30;
    m.u.replace.shares = 50;
    m.u.replace.price = 100010;
    add_itch(to, &m);
    m = (itch50_message){.type = ITCH50_ORDER_DELETE, .locate = 1};
    m.u.deleted.order_id = 4;
    add_itch(to, &m);
}

static void make_itch(const char *folder) {
    static const char types[] = "SRHYLVWKJhAFECXDUPQBINO";
    static seed made;
    unsigned number = 0;
    made.length = 0;
    add_day(&made);
    write_seed(folder, "itch50", number++, &made);
    for (const char *type = types; *type != '\0'; type++) {
        /* Letters in every field: those that must be one of a few are put right by the fuzzer. */
        uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
        memset(bytes, 'B', sizeof bytes);
        bytes[0] = (uint8_t)*type;
        tw_store_be16(bytes + 1, 1);
        made.length = 0;
        add_directory(&made, 1, "BBBBBBBB");
        add_u16(&made, (unsigned)itch50_length(*type));
        add(&made, bytes, itch50_length(*type));
        write_seed(folder, "itch50", number++, &made);
    }
    made.length = 0;
    for (uint32_t i = 0; i < 80; i++) /* more than the small market holds */
        add_order(&made, 1, i + 1, 'B', 100000 + i % 20);
    write_seed(folder, "itch50", number, &made);
}

/* ---- framing ---- */

static void add_packet(seed *to, uint64_t sequence, uint16_t count) {
    uint8_t payload[256];
    uint16_t messages = count == MOLDUDP64_END_OF_SESSION ? 0 : count;
    size_t length = moldudp64_write_header(payload, "0000000010", sequence, count);
    for (uint16_t i = 0; i < messages; i++)
        length += moldudp64_write_block(payload + length, sizeof payload - length, (const uint8_t *)"abc", 3);
    add(to, payload, length);
}

static void make_framing(const char *folder) {
    static const struct {
        uint64_t sequence;
        uint16_t count;
    } packets[] = {{1, 3}, {4, 0}, {4, MOLDUDP64_END_OF_SESSION}, {0, 2}};
    static seed made, records;
    records.length = 0;
    add_u8(&records, 0); /* options */
    for (unsigned i = 0; i < sizeof packets / sizeof *packets; i++) {
        made.length = 0;
        add_packet(&made, packets[i].sequence, packets[i].count);
        write_seed(folder, "moldudp64", i, &made);
        add_u8(&records, 0);
        add_u8(&records, 1);
        add_u16(&records, (unsigned)made.length);
        add(&records, made.bytes, made.length);
    }
    write_seed(folder, "mold_line", 0, &records);
    /* kind 3, step, session, place, count: a hole, what fills it, a hole that is given up, another session */
    static const uint8_t story[] = {1, 3, 0,   0, 0, 2, 3, 1, 0, 4, 3, 3,   1, 0, 2, 2, 3, 1, 0, 20,
                                    2, 1, 200, 3, 1, 1, 0, 5, 3, 1, 1, 250, 9, 2, 3, 1, 1, 9, 17};
    for (uint8_t options = 0; options < 8; options++) {
        made.length = 0;
        add_u8(&made, options);
        add(&made, story + 1, sizeof story - 1);
        write_seed(folder, "mold_line", 1u + options, &made);
    }
    made.length = 0;
    add_u16(&made, 3);
    add_day(&made); /* its messages are framed as BinaryFILE frames them */
    add_u16(&made, 0);
    write_seed(folder, "binaryfile", 0, &made);
}

/* ---- SoupBinTCP and GLIMPSE ---- */

static void add_soup_day(seed *to) {
    static const soup_login logins[] = {{"user", "password", "", 1, 0}, {"user", "password", "DAY1", 7, 15000}};
    static const soup_accepted accepted = {"DAY1", 1};
    static const char empty[] = "HROZ";
    uint8_t *end = to->bytes + to->length;
    size_t room = sizeof to->bytes - to->length, length = 0;
    for (size_t i = 0; i < 2; i++)
        length += soup_write_login(end + length, room - length, &logins[i]);
    length += soup_write_accepted(end + length, room - length, &accepted);
    length += soup_write_rejected(end + length, room - length, SOUP_NOT_AUTHORISED);
    length += soup_write_data(end + length, room - length, SOUP_SEQUENCED, (const uint8_t *)"message", 7);
    length += soup_write_data(end + length, room - length, SOUP_UNSEQUENCED, (const uint8_t *)"order", 5);
    length += soup_write_data(end + length, room - length, SOUP_DEBUG, (const uint8_t *)"hello", 5);
    for (const char *type = empty; *type != '\0'; type++)
        length += soup_write_empty(end + length, room - length, (soup_type)*type);
    to->length += length;
}

static void make_soup(const char *folder) {
    /* an options byte, then kinds and what belongs to them: see the targets */
    static const uint8_t client[] = {0x10, 1, 0, 5, 0, 1, 6, 40, 7, 0, 1, 4, 2, 1, 8, 5, 0, 30, 6, 3,
                                     1,    4, 7, 1, 1, 1, 4, 3,  1, 0, 5, 1, 9, 6, 2, 3, 1, 1,  7, 11};
    static const uint8_t server[] = {3, 4,  30, 2, 1, 3, 20, 1, 1, 3, 255, 4, 9,
                                     3, 90, 7,  0, 1, 4, 3,  1, 5, 9, 6,   3, 255};
    static seed made;
    for (unsigned cuts = 0; cuts < 4; cuts++) {
        made.length = 0;
        add_u16(&made, cuts == 3 ? 20 : 100);
        add_u8(&made, cuts * 7);
        add_soup_day(&made);
        write_seed(folder, "soupbintcp", cuts, &made);
    }
    for (unsigned options = 0; options < 4; options++) {
        made.length = 0;
        add_u8(&made, client[0] + options);
        add(&made, client + 1, sizeof client - 1);
        write_seed(folder, "soup_client", options, &made);
        made.length = 0;
        add_u8(&made, options * 3);
        add(&made, server + 1, sizeof server - 1);
        write_seed(folder, "soup_server", options, &made);
    }
    made.length = 0;
    add_directory(&made, 1, "ABCD");
    add_order(&made, 1, 7, 'B', 100000);
    add_order(&made, 1, 8, 'S', 100100);
    uint8_t end[GLIMPSE_END_BYTES];
    add_u16(&made, GLIMPSE_END_BYTES);
    add(&made, end, glimpse_encode_end(1234567, end));
    write_seed(folder, "glimpse", 0, &made);
    add_day(&made); /* changes, behind the end */
    write_seed(folder, "glimpse", 1, &made);
}

/* ---- files ---- */

static void add_gzip(seed *to, const seed *from) {
    z_stream stream = {0};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) stop("zlib refuses", "");
    stream.next_in = (Bytef *)(uintptr_t)from->bytes;
    stream.avail_in = (uInt)from->length;
    stream.next_out = to->bytes + to->length;
    stream.avail_out = (uInt)(sizeof to->bytes - to->length);
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) stop("zlib has no room", "");
    to->length += stream.total_out;
    deflateEnd(&stream);
}

static void add_zstd(seed *to, const seed *from) {
    size_t count =
        ZSTD_compress(to->bytes + to->length, sizeof to->bytes - to->length, from->bytes, from->length, 3);
    if (ZSTD_isError(count)) stop("zstd has no room", "");
    to->length += count;
}

/* Plain, each archive, and two of each after another. */
static void make_archives(const char *folder, const char *target, unsigned choice, const seed *content) {
    static seed made;
    for (unsigned kind = 0; kind < 5; kind++) {
        made.length = 0;
        add_u8(&made, choice);
        if (kind == 0) add(&made, content->bytes, content->length);
        for (unsigned i = 0; i < (kind > 2 ? 2u : 1u); i++) {
            if (kind == 1 || kind == 3) add_gzip(&made, content);
            if (kind == 2 || kind == 4) add_zstd(&made, content);
        }
        write_seed(folder, target, kind, &made);
    }
}

/* One Ethernet frame with UDP over IPv4 or IPv6, with or without a VLAN tag. */
static size_t write_frame(uint8_t *frame, bool v6, bool tagged) {
    static seed packet;
    packet.length = 0;
    add_packet(&packet, 1, 2);
    size_t at = 12, ip_bytes = v6 ? 40 : 20, udp_bytes = 8 + packet.length;
    memset(frame, 0, 128);
    if (tagged) tw_store_be32(frame + at, UINT32_C(0x81000005)), at += 4;
    tw_store_be16(frame + at, v6 ? 0x86DD : 0x0800);
    uint8_t *ip = frame + at + 2, *udp = ip + ip_bytes;
    ip[0] = v6 ? 0x60 : 0x45;
    tw_store_be16(ip + (v6 ? 4 : 2), (uint16_t)(udp_bytes + (v6 ? 0 : ip_bytes)));
    ip[v6 ? 6 : 9] = 17;
    if (!v6) tw_store_be32(ip + 16, UINT32_C(0xE9360C6F)); /* 233.54.12.111 */
    if (v6) tw_store_be16(ip + 24, 0xFF15), ip[39] = 1;
    tw_store_be16(udp, 40000);
    tw_store_be16(udp + 2, 26400);
    tw_store_be16(udp + 4, (uint16_t)udp_bytes);
    memcpy(udp + 8, packet.bytes, packet.length);
    return at + 2 + ip_bytes + udp_bytes;
}

static void add_pcap(seed *to) {
    uint8_t frame[256];
    add_le32(to, UINT32_C(0xA1B2C3D4));
    add_le32(to, 4u << 16 | 2u);
    add_le32(to, 0);
    add_le32(to, 0);
    add_le32(to, 65535);
    add_le32(to, 1); /* Ethernet */
    for (unsigned i = 0; i < 4; i++) {
        size_t length = write_frame(frame, (i & 1) != 0, (i & 2) != 0);
        add_le32(to, 1600000000);
        add_le32(to, i);
        add_le32(to, (uint32_t)length);
        add_le32(to, (uint32_t)length);
        add(to, frame, length);
    }
}

static void add_pcapng(seed *to) {
    static const uint32_t section[] = {0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0xFFFFFFFF, 0xFFFFFFFF, 28};
    static const uint32_t interface[] = {1, 20, 1, 65535, 20}; /* Ethernet */
    uint8_t frame[256];
    for (size_t i = 0; i < sizeof section / sizeof *section; i++)
        add_le32(to, section[i]);
    for (size_t i = 0; i < sizeof interface / sizeof *interface; i++)
        add_le32(to, interface[i]);
    uint32_t length = (uint32_t)write_frame(frame, false, false), padded = (length + 3) & ~3u;
    const uint32_t packet[] = {6, 32 + padded, 0, 0, 1, length, length};
    for (size_t i = 0; i < sizeof packet / sizeof *packet; i++)
        add_le32(to, packet[i]);
    add(to, frame, padded);
    add_le32(to, 32 + padded);
}

static void make_files(const char *folder) {
    static seed content;
    content.length = 0;
    add(&content, "34200.1,1,5,100,10000,1\n\nno line feed at the end", 48);
    make_archives(folder, "file_source", 3, &content);
    content.length = 0;
    add_pcap(&content);
    make_archives(folder, "pcap_source", 0, &content);
    static seed made;
    made.length = 0;
    add_u8(&made, 0);
    add_pcapng(&made);
    write_seed(folder, "pcap_source", 5, &made);
    for (unsigned choice = 1; choice < 8; choice++) {
        made.length = 0;
        add_u8(&made, choice);
        add(&made, content.bytes, content.length);
        write_seed(folder, "pcap_source", 5 + choice, &made);
    }
}

/* ---- the wire ---- */

static size_t encode_kind(unsigned kind, tw_random *random, uint8_t *buffer) {
    static random_storage storage;
    static const char *const symbols[] = {"ABCD", "BRK.B"};
    switch (kind) {
    case 0: {
        wire_book_update m = random_book_update(random, &storage);
        return wire_book_update_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 1: {
        wire_quote m = random_quote(random);
        return wire_quote_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 2: {
        wire_trades m = random_trades(random, &storage);
        return wire_trades_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 3: {
        wire_status m = random_status(random);
        return wire_status_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 4: {
        wire_imbalance m = random_imbalance(random);
        return wire_imbalance_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 5: {
        wire_order_events m = random_order_events(random, &storage);
        return wire_order_events_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 6: {
        wire_feed_status m = {.exchange = "XNAS", .epoch = "2020-01-30.FILE", .detail = "late", .seq = 9};
        return wire_feed_status_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 7: {
        wire_line_status m = {.exchange = "XNAS", .epoch = "2020-01-30.FILE", .line = "A", .next_seq = 9};
        return wire_line_status_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 8: {
        wire_instrument_request m = {2, symbols};
        return wire_instrument_request_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 9: {
        wire_instrument entry = {.instrument = {.symbol = "ABCD", .name = "A", .price_exponent = -4}};
        wire_instrument_list m = {.exchange = "XNAS",
                                  .instrument_count = 1,
                                  .instruments = &entry,
                                  .not_found_count = 2,
                                  .not_found = symbols,
                                  .last = true};
        return wire_instrument_list_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 11: {
        const wire_usage_line lines[] = {{1, "anonymous", "XNAS.ABCD.orderbook", 7, 900, 5, 6},
                                         {2, "ann", "instruments.XNAS", 1, 80, 5, 5}};
        wire_usage m = {.gateway = "gw",
                        .instance = "1-2",
                        .exchange = "XNAS",
                        .period_ns = 60,
                        .line_count = 2,
                        .lines = lines};
        return wire_usage_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 12: {
        wire_candle m = random_candle(random);
        return wire_candle_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 13: {
        wire_nbbo m = random_nbbo(random);
        return wire_nbbo_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 14: {
        wire_candle_request m = {.interval_ms = 60000, .limit = 5, .before_ns = 7};
        return wire_candle_request_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 15: {
        const wire_candle candles[] = {random_candle(random), random_candle(random)};
        wire_candle_list m = {
            .exchange = "XNAS", .symbol = "ABCD", .interval_ms = 60000, .candle_count = 2, .candles = candles};
        return wire_candle_list_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    case 16: {
        wire_snapshot_request m = {.tell_unknown = true};
        return wire_snapshot_request_encode(&m, buffer, WIRE_MAX_BYTES);
    }
    default: {
        wire_snapshot_reply m = {.exchange = "XNAS", .channel = "orderbook", .last = true, .term = 3};
        size_t used = wire_snapshot_reply_encode(&m, buffer, WIRE_MAX_BYTES);
        for (unsigned part = 0; part < 5; part++) {
            uint8_t encoded[WIRE_MAX_BYTES];
            size_t length = encode_kind(part, random, encoded);
            used += wire_snapshot_part_append((wire_snapshot_part)(WIRE_PART_BOOK + part), encoded, length,
                                              buffer + used, WIRE_MAX_BYTES - used);
        }
        return used;
    }
    }
}

static void make_wire(const char *folder) {
    static seed made;
    uint8_t buffer[WIRE_MAX_BYTES];
    tw_random random;
    tw_random_seed(&random, 20200130);
    for (unsigned i = 0; i < 51; i++) {
        made.length = 0;
        add_u8(&made, i % 17);
        size_t length = encode_kind(i % 17, &random, buffer);
        if (length > 4096) continue;
        add(&made, buffer, length);
        write_seed(folder, "wire", i, &made);
    }
}

static void make_venue(const char *folder) {
    static seed made;
    static uint8_t buffer[WIRE_MAX_BYTES];
    tw_random random;
    tw_random_seed(&random, 7);
    for (unsigned kind = 0; kind < 3; kind++) { /* orders, controls, executions: the order of fuzz_venue.c */
        wire_parts parts;
        size_t length;
        const uint8_t *payload;
        wire_order_command order = random_order_command(&random);
        wire_control_command control = {.kind = WIRE_DEFINE_INSTRUMENT, .symbol = "AAPL", .tick = {2, {1, 5}}};
        wire_report report = random_report(&random);
        wire_parts_start(&parts, buffer, sizeof buffer);
        if (kind == 0) wire_order_command_add(&parts, &order);
        if (kind == 1) wire_control_command_add(&parts, &control);
        if (kind == 2) wire_report_add(&parts, &report);
        payload = kind < 2 ? wire_orders_finish(&parts, &(wire_batch_header){.sender = "gw"}, &length)
                           : wire_execution_batch_finish(&parts, &(wire_execution_header){.shard = 1}, &length);
        made.length = 0;
        add_u8(&made, kind);
        add(&made, payload, length);
        write_seed(folder, "venue", kind, &made);
    }
}

static void add_update(seed *to, unsigned choice, bool snapshot, uint64_t prev_seq, uint64_t seq,
                       uint64_t quantity) {
    uint8_t buffer[4096];
    tw_level bid = {1000, quantity, 1}, ask = {1001, 5, 1};
    wire_book_update m = {.depth = 10, .bid_count = 1, .bids = &bid, .ask_count = 1, .asks = &ask};
    m.header = (wire_header){.exchange = "XNAS",
                             .symbol = "ABCD",
                             .epoch = "A",
                             .term = 1,
                             .prev_seq = prev_seq,
                             .seq = seq,
                             .snapshot = snapshot};
    m.checksum = wire_book_checksum(&bid, 1, &ask, 1, 10);
    size_t length = wire_book_update_encode(&m, buffer, sizeof buffer);
    add_u8(to, choice);
    add_u16(to, (unsigned)length);
    add(to, buffer, length);
}

static void make_receiver(const char *folder) {
    static seed made;
    made.length = 0;
    for (uint64_t seq = 0; seq < 6; seq++) /* a chain from an empty book */
        add_update(&made, 0, false, seq, seq + 1, 10 + seq);
    write_seed(folder, "receiver", 0, &made);
    made.length = 0;
    add_update(&made, 0, true, 0, 4, 10); /* a snapshot, a hole, deltas that wait, the snapshot that heals */
    for (uint64_t seq = 5; seq < 8; seq++)
        add_update(&made, 0, false, seq, seq + 1, 20);
    add_update(&made, 0, true, 0, 7, 30);
    add_update(&made, 2, false, 8, 9, 30);
    add_update(&made, 1, false, 0, 9, 30);
    write_seed(folder, "receiver", 1, &made);
}

/* ---- text ---- */

static void make_texts(const char *folder) {
    static const char *const subjects[] = {"XNAS.ABCD.orderbook\nXNAS.*.orderbook",
                                           "XNAS.BRK%2EB.orderbook.100ms\nXNAS.>",
                                           "feed.XNAS.1.status\nfeed.>",
                                           "feed.XNAS.12.line.A\nfeed.*.*.line.*",
                                           "snapshot.XNAS.ABCD.quote\norderbook.1s",
                                           "snapshots.XNAS.trade\nstatus",
                                           "instruments.XNAS\n*",
                                           "BRK%2EB\nimbalance"};
    static const char *const locations[] = {
        "file:/data/day.gz\nmax",      "pcap:/data/day.pcap?port=26400&group=233.54.12.111\nrecorded",
        "udp://239.1.1.1:26400\n4x",   "udp://[ff15::1]:26400@eth1\n0.25x",
        "udp://127.0.0.1:0@lo\n1000x", "day.csv.zst\n0x"};
    static const char *const settings_texts[] = {
        "--source=file:day\n--burst\n64\n\n# a file\ndepth = 5\nreorder-window = 250ms\nhigh-water = 4Mi\n",
        "--source\nudp://239.1.1.1:26400\n--no-exit-at-end\n--\nword\n\nfeed = lobster\norders = true\n",
        "--source=x\n--dept=3\n\n", "\nsource = y\ngap-deadline = 1h\nmax-orders = 2G\nmetrics = -1\n"};
    static const char *const days[] = {
        "zz2025-01-09 closed National Day of Mourning\n2025-07-03 early 13:00\n2025-07-05 open\n# no "
        "day\n\n2020-02-29",
        "aaS081321-v50.txt.gz\n01302020.NASDAQ_ITCH50\n20200130\n189.12\n-0.0001\n922337203685477.5807\n"};
    static const char *const lines[] = {"TRACE /v1/book/XNAS/A?depth=5 HTTP/1.1",
                                        "FOO http://host:80/readyz HTTP/1.0", "CONNECT host:443 HTTP/1.1",
                                        "OPTIONS * HTTP/1.1"};
    for (unsigned i = 0; i < sizeof subjects / sizeof *subjects; i++)
        write_text(folder, "subject", i, -1, subjects[i]);
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        write_text(folder, "request_line", i, -1, lines[i]);
    for (unsigned i = 0; i < sizeof locations / sizeof *locations; i++)
        write_text(folder, "location", i, -1, locations[i]);
    for (unsigned i = 0; i < sizeof settings_texts / sizeof *settings_texts; i++)
        write_text(folder, "settings", i, -1, settings_texts[i]);
    for (unsigned i = 0; i < sizeof days / sizeof *days; i++)
        write_text(folder, "calendar", i, (int)i, days[i]);
}

static void make_lobster(const char *folder) {
    write_text(folder, "lobster", 0, 0, /* one level a side */
               "34200.017459617,5,0,1,2238200,-1\n2239500,100,2231800,100\n"
               "34200.18,1,11885113,21,2238100,1\n2239500,100,2238100,21\n"
               "34200.19,4,11885113,20,2238100,1\n2239500,100,2238100,1\n"
               "34200.2,3,11885113,1,2238100,1\n2239500,100,2231800,100\n"
               "34201,7,0,0,-1,-1\n2239500,100,2231800,100\n");
    write_text(folder, "lobster", 1, 1, /* two, with levels that are not there */
               "34200.1,1,5,10,10000,1\n9999999999,0,10000,10,9999999999,0,-9999999999,0\n"
               "34200.2,1,6,10,10100,-1\n10100,10,10000,10,9999999999,0,-9999999999,0\n"
               "34200.3,1,7,10,9900,1\n10100,10,10000,10,9999999999,0,9900,10\n"
               "34200.4,1,8,10,9950,1\n10100,10,10000,10,9999999999,0,9950,10\n"
               "34200.5,2,5,4,10000,1\n10100,10,10000,6,9999999999,0,9950,10\n"
               "34200.6,3,5,6,10000,1\n10100,10,9950,10,9999999999,0,9900,10\n");
    write_text(folder, "lobster", 2, 0, "/data/ABCD_2012-06-21_34200000_57600000_message_1.csv.gz\n1,2,3,4\n");
}

static void make_stream(const char *folder) {
    static const char *const requests[] = {
        "{\"id\":1,\"op\":\"subscribe\",\"subjects\":[\"XNAS.A.orderbook\",\"XNAS.*.quote\"],\"depth\":5,"
        "\"interval_ms\":100}",
        "{\"op\":\"subscribe\",\"subjects\":[\">\"],\"snapshot\":false,\"resume\":{\"XNAS.A.orderbook\":{\"epoch\":"
        "\"E\","
        "\"seq\":\"2\",\"depth\":10}}}",
        "{\"id\":\"x\",\"op\":\"unsubscribe\",\"subjects\":[\"XNAS.*.quote\"]}",
        "{\"op\":\"subscribe\",\"subjects\":[\"XNAS.B.orderbook\"],\"last_event_id\":\"XNAS.B.orderbook|E|3|10\"}",
        "{\"op\":\"auth\",\"token\":\"good\"}",
        "{\"id\":7,\"op\":\"ping\"}",
        "{\"op\":\"subscribe\",\"subjects\":[\"XLON.>\",\"feed.*.*.status\"]}",
        "{\"op\":[[[[[[[[[1]]]]]]]]]}",
    };
    enum { COUNT = sizeof requests / sizeof *requests };
    static seed all;
    all.length = 0;
    for (unsigned i = 0; i < 4 * COUNT; i++) {
        const char *request = requests[i % COUNT];
        add_u8(&all, 0x30u | (i & 3) | (i % 3) << 6 | (i % 7 == 6 ? 8u : 0));
        add_u16(&all, (unsigned)strlen(request));
        add(&all, request, strlen(request));
        if (i % COUNT == COUNT - 1) write_seed(folder, "stream_request", i / COUNT, &all);
    }
}

/* Masked with zeros, so that the fuzzer sees through it. */
static void add_frame(seed *all, uint8_t first, const void *payload, unsigned length) {
    add_u8(all, first);
    add_u8(all, 0x80u | length);
    add(all, "\0\0\0\0", 4);
    add(all, payload, length);
}

static void make_websocket(const char *folder) {
    static const uint8_t packed[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};
    static seed talk, packed_talk, offers;
    talk.length = packed_talk.length = offers.length = 0;
    add_u8(&talk, 6);
    add_frame(&talk, 0x01, "{\"op\":", 6);
    add_frame(&talk, 0x89, "between", 7);
    add_frame(&talk, 0x80, "\"ping\"}", 7);
    add_frame(&talk, 0x81, "\xe2\x82\xac", 3);
    add_frame(&talk, 0x8a, "", 0);
    add_frame(&talk, 0x88,
              "\x03\xe8"
              "bye",
              5);
    write_seed(folder, "websocket", 0, &talk);
    add_u8(&packed_talk, 9);
    add_frame(&packed_talk, 0xc1, packed, sizeof packed);
    add_frame(&packed_talk, 0x41, packed, 3);
    add_frame(&packed_talk, 0x80, packed + 3, sizeof packed - 3);
    add_frame(&packed_talk, 0x82, "binary", 6);
    write_seed(folder, "websocket", 1, &packed_talk);
    static const char text[] =
        "permessage-deflate; server_max_window_bits=\"10\", permessage-deflate; client_max_window_bits";
    add(&offers, text, sizeof text - 1);
    write_seed(folder, "websocket", 2, &offers);
}

/* See fuzz_token.c for what the first byte chooses. */
static void make_tokens(const char *folder) {
    static const struct {
        int choice;
        const char *text;
    } seeds[] = {
        {0,
         "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
         "Ijp0cnVlfQ.AAAAU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
        {2, "{\"sub\":\"ann\",\"exp\":1600000000.5,\"nbf\":0,\"iat\":0,\"iss\":\"i\",\"aud\":[\"a\"],\"accounts\":["
            "\"A1\"],"
            "\"tickwire_subjects\":[\"XNAS.*.quote\",\"feed.>\"],\"tickwire_limits\":{\"subscriptions\":5,"
            "\"sessions\":2}}"},
        {2, "{\"sub\":\"ann\",\"exp\":1600000000,\"aud\":\"b\",\"tickwire_subjects\":\"XNAS.> feed.>\"}"},
        {129,
         "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},"
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\"}]}"},
        {3, "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"},
        {4, "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8T\n"
            "us9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----\n"},
        {5, "XNAS.>,feed.>,*.*.quote"},
    };
    for (unsigned i = 0; i < sizeof seeds / sizeof *seeds; i++)
        write_text(folder, "token", i, seeds[i].choice, seeds[i].text);
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"a\"}";
    static seed signed_one;
    add_u8(&signed_one, 1);
    add_u16(&signed_one, sizeof header - 1);
    add(&signed_one, header, sizeof header - 1);
    add(&signed_one, seeds[1].text, strlen(seeds[1].text));
    write_seed(folder, "token", 99, &signed_one);
}

static void make_venue_files(const char *folder) {
    static const char *const texts[] = {
        "buy AAPL 100 @ 187.20\nexchange TWEX\ndecimals price=4 quantity=0\nshards 2\n"
        "instrument AAPL tick=0.01 collar=10% protection=5% reference=187.20 shard=2\n"
        "instrument BRK.B ticks=0:0.01,100:0.05 lot=10\nfees 0 maker=-10ppm taker=0.003% maker-each=-0.0001\n"
        "account ann class=1\nlimits ann funds=2.5M exposure=unlimited order-quantity=10k order-notional=2M "
        "position=50k open-orders=101 concentration=unlimited rate=2 burst=7 duplicate=500ms\n"
        "day today end=24:00\nreference AAPL 187.2\nopen all # now\n",
        "sell TWEX.AAPL 1k\nday 2026-11-21 end=2026-11-21T21:00:00Z\nhalt AAPL\nblock ann AAPL\nunblock all AAPL "
        "shard=1\n"
        "kill all\nunkill ann\ncancel ann side=buy\npre-open AAPL\nclose all\n",
        "replace 1-123-0 200 @187.10\n",
        "cancel 1-123-0\n",
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        write_text(folder, "venue_file", i, -1, texts[i]);
}

/* What a server says to a client. */
static void make_bus_protocol(const char *folder) {
    static const char *const texts[] = {
        "INFO {\"server_id\":\"x\",\"connect_urls\":[\"127.0.0.1:4222\"]}\r\nPING\r\n+OK\r\nPONG\r\n",
        "MSG XNAS.AAPL.orderbook 12 5\r\nhello\r\nMSG a 1 _INBOX.b.c 0\r\n\r\n-ERR 'Stale Connection'\r\n",
        "HMSG _INBOX.x 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
        "HMSG a 3 b 49 51\r\nNATS/1.0 408 Request Timeout\r\nNats-Msg-Id: 17\r\n\r\nhi\r\n",
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        write_text(folder, "bus_protocol", i, -1, texts[i]);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: make_corpus FOLDER\n");
        return 2;
    }
    make_folder(argv[1]);
    make_itch(argv[1]);
    make_framing(argv[1]);
    make_soup(argv[1]);
    make_files(argv[1]);
    make_wire(argv[1]);
    make_venue(argv[1]);
    make_receiver(argv[1]);
    make_texts(argv[1]);
    make_lobster(argv[1]);
    make_stream(argv[1]);
    make_tokens(argv[1]);
    make_websocket(argv[1]);
    make_venue_files(argv[1]);
    make_bus_protocol(argv[1]);
    return 0;
}
