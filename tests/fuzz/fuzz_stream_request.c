/*
 * Any requests of any clients at a stream with a feed behind it: whatever they ask, each answer is whole, memory stays
 * within bounds, and a closed connection leaves nothing behind.
 *
 * The input: records of a choice byte, a 2 byte length and a request. The choice's low 2 bits are the client, bit 4: the
 * bus says something first, bit 5: the client reads what it has, in pieces of 1 + bits 6 and 7 squared, bit 3: it goes and
 * comes again.
 */
#include "gateways/stream/stream.h"
#include "tests/fuzz/fuzz.h"

enum { CLIENTS = 4, CLIENT_BYTES = 8192, OPEN_BYTES = 1 << 20 };

typedef struct fuzz_reader {
    uint32_t number;
    bool ended;
    uint8_t bytes[OPEN_BYTES];
    size_t length;
} fuzz_reader;

typedef struct fuzz_desk {
    stream *stream;
    fuzz_reader *readers;
    int64_t now_ns;
    uint64_t seq;
} fuzz_desk;

static void want(void *context, const char *mic, subject_channel channel, bool wanted) {
    (void)context, (void)wanted;
    FUZZ_CHECK(strlen(mic) == 0 || strlen(mic) == 4);
    FUZZ_CHECK((unsigned)channel < SUBJECT_CHANNELS);
}

static bool authenticate(void *context, uint32_t client, const char *token, stream_admission *admitted,
                         char *reason, size_t capacity) {
    (void)context, (void)client;
    *admitted = (stream_admission){.user = "somebody", .expires_ns = 1, .limits = {.subscriptions = 3}};
    tw_text_copy(reason, capacity, "no");
    return token[0] == 'g';
}

static bool may_read(void *context, uint32_t client, const char *subject) {
    (void)context, (void)client;
    return strncmp(subject, "XLON", 4) != 0;
}

static void close_client(void *context, uint32_t client, uint16_t code, const char *reason) {
    fuzz_desk *d = context;
    FUZZ_CHECK(code >= 1000 && code < 5000 && reason[0] != '\0');
    for (int i = 0; i < CLIENTS; i++)
        if (d->readers[i].number == client) d->readers[i].ended = true;
}

static const stream_options options = {.max_clients = CLIENTS,
                                       .max_instruments = 8,
                                       .max_subscriptions = 8,
                                       .max_groups = 64,
                                       .max_members = 24,
                                       .client_bytes = CLIENT_BYTES,
                                       .frames_kept = 16,
                                       .kept_bytes = 65536,
                                       .linger_ns = 1000000000,
                                       .request_bytes = 4096,
                                       .requests_per_second = 50,
                                       .heartbeat_ns = 1000000000,
                                       .silence_ns = INT64_C(60000000000)};

static void connect(fuzz_desk *d, int index) {
    fuzz_reader *r = &d->readers[index];
    stream_format format = index == 1 ? STREAM_PROTOBUF : STREAM_JSON;
    r->number = stream_open(d->stream, format, index == 2 ? STREAM_SSE : STREAM_WEBSOCKET, d->now_ns);
    r->ended = false;
    r->length = 0;
    FUZZ_CHECK(r->number != STREAM_NO_CLIENT);
}

/* Takes the whole frames off: each must be what the protocol says. */
static void check_frames(fuzz_reader *r) {
    size_t at = 0;
    while (r->length - at >= 4) {
        const uint8_t *frame = r->bytes + at;
        size_t head = frame[1] < 126 ? 2 : 4, length = frame[1] < 126 ? frame[1] : tw_load_be16(frame + 2);
        FUZZ_CHECK((frame[0] == 0x81 || frame[0] == 0x82) && frame[1] < 127);
        if (r->length - at < head + length) break;
        if (frame[0] == 0x81) FUZZ_CHECK(frame[head] == '{' && frame[head + length - 1] == '}');
        wire_stream_frame inner;
        if (frame[0] == 0x82) FUZZ_CHECK(wire_stream_frame_decode(frame + head, length, &inner) == WIRE_OK);
        at += head + length;
    }
    memmove(r->bytes, r->bytes + at, r->length - at);
    r->length -= at;
}

static void read_all(fuzz_desk *d, int index, size_t piece) {
    fuzz_reader *r = &d->readers[index];
    stream_writable(d->stream, r->number);
    for (int turns = 0; turns < 200 && stream_has_more(d->stream, r->number); turns++) {
        stream_span spans[STREAM_MAX_SPANS];
        uint32_t count = stream_gather(d->stream, r->number, spans, 4096);
        size_t sent = 0;
        FUZZ_CHECK(count > 0);
        for (uint32_t i = 0; i < count && sent < piece; i++) {
            size_t now = spans[i].length < piece - sent ? spans[i].length : piece - sent;
            FUZZ_CHECK(r->length + now <= OPEN_BYTES);
            memcpy(r->bytes + r->length, spans[i].bytes, now);
            r->length += now;
            sent += now;
        }
        stream_sent(d->stream, r->number, sent, d->now_ns);
        stream_writable(d->stream, r->number);
        if (index != 2) check_frames(r);
        if (index == 2) r->length = 0;
    }
}

static void bus_speaks(fuzz_desk *d, uint8_t choice) {
    wire_header header = {.exchange = "XNAS", .symbol = "A", .epoch = "E", .term = 1, .price_exponent = -2};
    header.symbol[0] = (char)('A' + (choice >> 5));
    header.prev_seq = d->seq;
    header.seq = ++d->seq;
    const tw_level bid = {.price = (int64_t)d->seq, .quantity = d->seq, .orders = 1};
    const stream_book book = {.header = &header, .depth = 10, .bid_count = 1, .bids = &bid};
    stream_take_book(d->stream, &book, d->now_ns);
    const wire_quote quote = {.header = header, .bid = bid, .ask = {.price = TW_PRICE_ABSENT}};
    stream_take_quote(d->stream, &quote, TW_BOOK_OK, TW_CAUSE_NONE, d->now_ns);
}

static void one_record(fuzz_desk *d, fuzz_input *input) {
    uint8_t choice = fuzz_u8(input);
    int index = choice & 3;
    size_t length, piece = 1u + (size_t)(choice >> 6) * (choice >> 6) * 512u;
    uint8_t *request = fuzz_piece(input, fuzz_u16(input) & 4095u, &length, 0);
    d->now_ns += (choice & 4) != 0 ? 700000000 : 30000000;
    if ((choice & 16) != 0) bus_speaks(d, choice);
    if ((choice & 8) != 0 || d->readers[index].ended) {
        stream_close(d->stream, d->readers[index].number);
        connect(d, index);
    }
    stream_request(d->stream, d->readers[index].number, request, length, d->now_ns);
    stream_round(d->stream, d->now_ns);
    if ((choice & 32) != 0) read_all(d, index, piece);
    free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static fuzz_reader readers[CLIENTS];
    fuzz_desk d = {.readers = readers, .now_ns = INT64_C(1580400000000000000)};
    const stream_surroundings around = {
        .context = &d, .want = want, .may_read = may_read, .authenticate = authenticate, .close = close_client};
    fuzz_input input = {bytes, length};
    FUZZ_CHECK(stream_alloc(&d.stream, &options, &around, NULL) == TW_OK);
    for (int i = 0; i < CLIENTS; i++)
        connect(&d, i);
    while (input.left > 0)
        one_record(&d, &input);
    for (int i = 0; i < CLIENTS; i++)
        stream_close(d.stream, readers[i].number);
    stream_round(d.stream, d.now_ns + INT64_C(100000000000));
    stream_stats stats = stream_read_stats(d.stream);
    FUZZ_CHECK(stats.clients == 0 && stats.subscriptions == 0 && stats.groups == 0 && stats.kept_bytes == 0);
    stream_free(d.stream);
    return 0;
}
