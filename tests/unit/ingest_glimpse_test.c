/* GLIMPSE: typed bytes, and books that come back from their snapshot order by order. */
#include "ingest/decode/glimpse.h"

#include "base/bytes.h"
#include "base/random.h"
#include "base/text.h"
#include "ingest/decode/itch50.h"
#include "ingest/line/soup_client.h"
#include "ingest/line/soup_server.h"
#include "ingest/market/glimpse_writer.h"
#include "ingest/market/itch50_feed.h"
#include "tests/support/guard_page.h"
#include "tests/unit.h"

/* From the specification's table: type and twenty ASCII characters. */
static const uint8_t end_bytes[] = "G             1234567";

TEST(glimpse, the_end_message_says_where_to_join) {
    guard_page page;
    guard_page_open(&page, 32);
    for (size_t length = 0; length <= 21; length++) {
        uint64_t join = 0;
        const uint8_t *bytes = guard_page_place(&page, end_bytes, length);
        EXPECT_I64(glimpse_decode_end(bytes, length, &join), length == 21);
        EXPECT_U64(join, length == 21 ? 1234567 : 0);
        glimpse_reader reader;
        glimpse_reader_init(&reader);
        EXPECT_I64(glimpse_reader_next(&reader, bytes, length), length == 21 ? GLIMPSE_DONE : GLIMPSE_MALFORMED);
    }
    guard_page_close(&page);
    uint8_t bytes[GLIMPSE_END_BYTES];
    EXPECT_U64(glimpse_encode_end(1234567, bytes), 21);
    EXPECT_BYTES(bytes, end_bytes, 21);
    EXPECT_U64(glimpse_encode_end(UINT64_MAX, bytes), 21);
    EXPECT_BYTES(bytes, "G18446744073709551615", 21);
}

TEST(glimpse, an_end_message_without_a_number_is_malformed) {
    static const char *const ends[] = {"G                   0", "G                    ", "G                  -1",
                                       "G99999999999999999999", "G             12345a7"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        glimpse_reader reader;
        glimpse_reader_init(&reader);
        EXPECT_I64(glimpse_reader_next(&reader, (const uint8_t *)ends[i], 21), GLIMPSE_MALFORMED);
        EXPECT_U64(reader.join, 0);
        EXPECT_I64(glimpse_reader_next(&reader, end_bytes, 21), GLIMPSE_UNEXPECTED); /* it can't be healed */
    }
}

TEST(glimpse, only_what_tells_a_state_belongs_into_a_snapshot) {
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES] = {0};
    for (const char *type = "SRHYLVWKJhAFNO"; *type != '\0'; type++) {
        glimpse_reader reader;
        glimpse_reader_init(&reader);
        bytes[0] = (uint8_t)*type;
        EXPECT_I64(glimpse_reader_next(&reader, bytes, itch50_length(*type)), GLIMPSE_ITCH);
        EXPECT_U64(reader.orders, *type == 'A' || *type == 'F');
        EXPECT_I64(glimpse_reader_next(&reader, bytes, itch50_length(*type) - 1), GLIMPSE_MALFORMED);
    }
    for (const char *type = "ECXDUPQBI"; *type != '\0'; type++) {
        glimpse_reader reader;
        glimpse_reader_init(&reader);
        bytes[0] = (uint8_t)*type;
        EXPECT_I64(glimpse_reader_next(&reader, bytes, itch50_length(*type)), GLIMPSE_UNEXPECTED);
        EXPECT(reader.failed);
    }
    glimpse_reader reader;
    glimpse_reader_init(&reader);
    EXPECT_I64(glimpse_reader_next(&reader, (const uint8_t *)"?x", 2), GLIMPSE_UNKNOWN);
    EXPECT_I64(glimpse_reader_next(&reader, end_bytes, 21), GLIMPSE_DONE);
    EXPECT_U64(reader.join, 1234567);
    EXPECT_I64(glimpse_reader_next(&reader, end_bytes, 21), GLIMPSE_UNEXPECTED);
}

TEST(glimpse, random_bytes_are_never_read_beyond_their_end) {
    tw_random random;
    tw_random_seed(&random, 9);
    fprintf(stderr, "seed 9\n");
    guard_page page;
    guard_page_open(&page, 64);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[48];
        size_t length = (size_t)tw_random_below(&random, sizeof bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t) "G0123456789 SRHYAFN"[tw_random_below(&random, 19)];
        glimpse_reader reader;
        glimpse_reader_init(&reader);
        glimpse_result result = glimpse_reader_next(&reader, guard_page_place(&page, bytes, length), length);
        EXPECT_MSG((reader.join != 0) == (result == GLIMPSE_DONE), "seed 9, round %u", round);
    }
    guard_page_close(&page);
}

/* ---- a snapshot kept by its messages ---- */

typedef struct snapshot {
    uint8_t *bytes;
    size_t length, capacity;
    size_t *starts; /* of message i + 1; one more at the end */
    size_t count, limit;
} snapshot;

static void snapshot_open(snapshot *s, size_t limit) {
    *s = (snapshot){.capacity = limit * ITCH50_MAX_MESSAGE_BYTES, .limit = limit};
    s->bytes = malloc(s->capacity);
    s->starts = calloc(limit + 1, sizeof *s->starts);
}

static void snapshot_close(snapshot *s) {
    free(s->bytes);
    free(s->starts);
}

static bool keep(void *context, const uint8_t *bytes, size_t length) {
    snapshot *s = context;
    if (s->count == s->limit) return false;
    memcpy(s->bytes + s->length, bytes, length);
    s->length += length;
    s->starts[++s->count] = s->length;
    return true;
}

/* ---- what is written, byte by byte ---- */

typedef struct floor_books {
    ob_books *books;
    instruments instruments;
    glimpse_status statuses[16];
} floor_books;

static uint32_t list_instrument(floor_books *f, const char *symbol, uint16_t locate) {
    bool added;
    uint32_t number = instruments_take(&f->instruments, symbol, ITCH50_PRICE_EXPONENT, &added);
    EXPECT(added);
    if (locate != 0) instruments_bind_locate(&f->instruments, locate, number);
    f->instruments.entries[number].round_lot = 100;
    f->instruments.entries[number].market = 'Q';
    return number;
}

static void floor_open(floor_books *f) {
    ob_limits limits = {.max_instruments = 16, .max_orders = 20000, .max_levels = 20000};
    tw_error error;
    *f = (floor_books){0};
    EXPECT_I64(ob_books_alloc(&f->books, &limits, &error), TW_OK);
    EXPECT_I64(instruments_init(&f->instruments, 16, &error), TW_OK);
}

static void floor_close(floor_books *f) {
    ob_books_free(f->books);
    instruments_fini(&f->instruments);
}

static void rest(floor_books *f, uint32_t instrument, uint64_t id, tw_side side, int64_t price, uint64_t quantity) {
    ob_change change;
    EXPECT_I64(ob_order_add(f->books, instrument, id, side, price, quantity, &change), OB_OK);
}

static glimpse_input input_of(const floor_books *f, uint64_t join) {
    return (glimpse_input){.books = f->books,
                           .instruments = &f->instruments,
                           .statuses = f->statuses,
                           .system_event = 'Q',
                           .timestamp_ns = 34200000000000, /* 09:30 */
                           .join = join};
}

TEST(glimpse_writer, a_small_snapshot_is_the_specifications_bytes) {
    /* Typed out field by field: locate 7, tracking 0, and 09:30:00, which is 34,200,000,000,000 ns or 0x1F1ACED9F000. */
#define HEAD(type) type "\0\7\0\0\x1F\x1A\xCE\xD9\xF0\0"
    static const uint8_t expected[] = "S\0\0\0\0\x1F\x1A\xCE\xD9\xF0\0Q" HEAD(
        "R") "ACME    Q "
             "\0\0\0\x64"
             "N Z P    "
             "\0\0\0\0"
             "N" HEAD("H") "ACME    H T1  " HEAD("Y") "ACME    2" HEAD(
                 "A") "\0\0\0\0\0\0\0\5"
                      "B"
                      "\0\0\0\x0A"
                      "ACME    "
                      "\0\1\x86\xA0" HEAD("A") "\0\0\0\0\0\0\0\3"
                                               "B"
                                               "\0\0\0\x14"
                                               "ACME    "
                                               "\0\1\x86\xA0" HEAD("A") "\0\0\0\0\0\0\0\4"
                                                                        "S"
                                                                        "\0\0\0\x1E"
                                                                        "ACME    "
                                                                        "\0\1\x86\xA1"
                                                                        "G                  43";
    floor_books f;
    snapshot s;
    tw_error error;
    floor_open(&f);
    snapshot_open(&s, 16);
    uint32_t acme = list_instrument(&f, "ACME", 7);
    f.statuses[acme] =
        (glimpse_status){.trading = TW_TRADING_HALTED, .reason = "T1", .short_sale = TW_SHORT_SALE_CARRIED};
    rest(&f, acme, 5, TW_BID, 100000, 10); /* first in time, whatever its id */
    rest(&f, acme, 3, TW_BID, 100000, 20);
    rest(&f, acme, 4, TW_ASK, 100001, 30);
    glimpse_input input = input_of(&f, 43);
    EXPECT_I64(glimpse_write(&input, keep, &s, &error), TW_OK);
    EXPECT_U64(s.count, 8);
    EXPECT_U64(s.length, sizeof expected - 1);
    for (size_t i = 0; i < s.length; i++)
        EXPECT_MSG(s.bytes[i] == expected[i], "byte %zu is %02x, expected %02x", i, s.bytes[i], expected[i]);
    snapshot_close(&s);
    floor_close(&f);
}

TEST(glimpse_writer, a_halt_by_the_markets_operations_is_said_as_one) {
    floor_books f;
    snapshot s;
    tw_error error;
    floor_open(&f);
    snapshot_open(&s, 16);
    uint32_t acme = list_instrument(&f, "ACME", 7);
    f.statuses[acme] = (glimpse_status){.trading = TW_TRADING_HALTED, .operational_halt = true};
    glimpse_input input = input_of(&f, 1);
    EXPECT_I64(glimpse_write(&input, keep, &s, &error), TW_OK);
    EXPECT_U64(s.count, 4); /* S R h G */
    static const uint8_t expected[] = HEAD("h") "ACME    QH"
                                                "G                   1";
    EXPECT_BYTES(s.bytes + s.length - (sizeof expected - 1), expected, sizeof expected - 1);
    snapshot_close(&s);
    floor_close(&f);
}

TEST(glimpse_writer, what_itch_cannot_say_is_an_error_that_names_it) {
    static const struct {
        const char *symbol;
        uint16_t locate;
        int64_t price;
        uint64_t quantity;
    } cases[] = {{"NINELONGX", 1, 10, 10},
                 {"NOLOCATE", 0, 10, 10},
                 {"HIGH", 1, INT64_C(4294967296), 10},
                 {"BELOW", 1, -1, 10},
                 {"MANY", 1, 10, UINT64_C(4294967296)}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        floor_books f;
        snapshot s;
        tw_error error;
        floor_open(&f);
        snapshot_open(&s, 16);
        uint32_t number = list_instrument(&f, cases[i].symbol, cases[i].locate);
        rest(&f, number, 1, TW_BID, cases[i].price, cases[i].quantity);
        glimpse_input input = input_of(&f, 1);
        EXPECT_I64(glimpse_write(&input, keep, &s, &error), TW_UNSUPPORTED);
        EXPECT_CONTAINS(error.text, cases[i].symbol);
        snapshot_close(&s);
        floor_close(&f);
    }
}

TEST(glimpse_writer, tells_when_there_is_no_room_and_refuses_to_be_joined_at_0) {
    floor_books f;
    tw_error error;
    floor_open(&f);
    rest(&f, list_instrument(&f, "ACME", 7), 1, TW_BID, 10, 10);
    for (size_t room = 0; room < 4; room++) { /* system event, directory, order, end */
        snapshot s;
        snapshot_open(&s, room);
        glimpse_input input = input_of(&f, 1);
        EXPECT_I64(glimpse_write(&input, keep, &s, &error), TW_FULL);
        snapshot_close(&s);
    }
    glimpse_input input = input_of(&f, 0);
    EXPECT_I64(glimpse_write(&input, keep, NULL, &error), TW_INVALID);
    floor_close(&f);
}

/* ---- there and back: books, snapshot, server, client, reader, feed, market ---- */

typedef struct rebuilt {
    market *market;
    itch50_feed feed;
    glimpse_reader reader;
    tw_trading_state trading[16];
    tw_short_sale short_sale[16];
} rebuilt;

static void on_trading_state(void *c, uint32_t i, tw_trading_state state, const char *reason, const tw_stamp *s) {
    (void)reason, (void)s;
    ((rebuilt *)c)->trading[i] = state;
}
static void on_short_sale(void *c, uint32_t i, tw_short_sale restriction, const tw_stamp *s) {
    (void)s;
    ((rebuilt *)c)->short_sale[i] = restriction;
}
static void on_book_state(void *c, uint32_t i, tw_book_state state, tw_state_cause cause, const tw_stamp *s) {
    (void)c, (void)i, (void)s, (void)state, (void)cause;
}

static void on_session(void *context, const char *session, uint64_t first, int64_t receive_ns) {
    (void)context, (void)receive_ns;
    EXPECT_STR(session, "GLIMPSE");
    EXPECT_U64(first, 1);
}
static void on_messages(void *context, const feed_message *messages, size_t count) {
    rebuilt *r = context;
    for (size_t i = 0; i < count; i++)
        if (glimpse_reader_next(&r->reader, messages[i].bytes, messages[i].length) == GLIMPSE_ITCH)
            itch50_feed_apply(&r->feed, &messages[i], 1);
    EXPECT(!r->reader.failed);
}
static void on_lost(void *context, uint64_t from, uint64_t count) {
    (void)context, (void)from, (void)count;
    EXPECT(false);
}
static void on_ended(void *context, const char *session, uint64_t next) {
    (void)context, (void)session, (void)next;
}
static void on_rejected(void *context, char reason) {
    (void)context, (void)reason;
    EXPECT(false);
}
static void on_state(void *context, soup_client_state state, soup_client_reason reason) {
    (void)context, (void)state, (void)reason;
}

static bool may_login(void *context, const char *username, const char *password) {
    (void)context, (void)username, (void)password;
    return true;
}
static const char *session(void *context) {
    (void)context;
    return "GLIMPSE";
}
static uint64_t next(void *context) {
    return ((snapshot *)context)->count + 1;
}
static uint64_t oldest(void *context) {
    (void)context;
    return 1;
}
static const uint8_t *fetch(void *context, uint64_t seq, size_t *length) {
    snapshot *s = context;
    *length = s->starts[seq] - s->starts[seq - 1];
    return s->bytes + s->starts[seq - 1];
}
static bool ended(void *context) {
    (void)context;
    return true;
}

/* Over a connection that cuts the stream at random. */
static void carry_over(snapshot *s, rebuilt *r, tw_random *random) {
    soup_client_options client_options = {.username = "u", .password = "p", .max_payload_bytes = 100};
    soup_client_listener listener = {r, on_session, on_messages, on_lost, on_ended, on_rejected, on_state};
    soup_server_options server_options = {.window_bytes = 1000, .max_payload_bytes = 64};
    soup_server_source source = {s, may_login, session, next, oldest, fetch, ended, NULL};
    soup_client *client;
    soup_server *server;
    tw_error error;
    uint8_t bytes[600];
    EXPECT_I64(soup_client_alloc(&client, &client_options, &listener, &error), TW_OK);
    EXPECT_I64(soup_server_alloc(&server, &server_options, &source, 0, &error), TW_OK);
    EXPECT(soup_client_start(client, "", 1, 0));
    EXPECT_I64(soup_client_poll(client, 0), SOUP_WISH_CONNECT);
    soup_client_connected(client, 0);
    soup_server_received(server, bytes, soup_client_output(client, bytes, sizeof bytes, 0), 0);
    while (!soup_server_poll(server, 0)) {
        size_t length = soup_server_output(server, bytes, 1 + tw_random_below(random, sizeof bytes), 0);
        soup_client_received(client, bytes, length, 0, 0);
    }
    EXPECT_I64(soup_client_read_status(client).state, SOUP_CLIENT_ENDED);
    EXPECT_U64(soup_client_read_status(client).messages, s->count);
    soup_client_free(client);
    soup_server_free(server);
}

static void expect_same_side(const floor_books *f, const rebuilt *r, uint32_t from, uint32_t to, tw_side side,
                             uint64_t seed) {
    static tw_level was[4096], is[4096];
    static ob_order orders_were[4096], orders_are[4096];
    const ob_books *books = market_books(r->market);
    uint32_t levels = ob_book_top(f->books, from, side, was, 4096);
    EXPECT_MSG(ob_book_top(books, to, side, is, 4096) == levels, "seed %" PRIu64, seed);
    for (uint32_t i = 0; i < levels; i++) {
        EXPECT_MSG(is[i].price == was[i].price && is[i].quantity == was[i].quantity, "seed %" PRIu64 ", level %u",
                   seed, i);
        uint32_t orders = ob_level_orders(f->books, from, side, was[i].price, orders_were, 4096);
        EXPECT_MSG(ob_level_orders(books, to, side, was[i].price, orders_are, 4096) == orders,
                   "seed %" PRIu64 ", level %u", seed, i);
        for (uint32_t k = 0; k < orders; k++)
            EXPECT_MSG(orders_are[k].order_id == orders_were[k].order_id &&
                           orders_are[k].quantity == orders_were[k].quantity,
                       "seed %" PRIu64 ", level %u, order %u", seed, i, k);
    }
}

static void random_day(floor_books *f, tw_random *random, uint32_t listed) {
    for (unsigned i = 0; i < 6000; i++) {
        uint32_t instrument = (uint32_t)tw_random_below(random, listed);
        uint64_t id = 1 + tw_random_below(random, 3000); /* ids come back: order of id is not order of time */
        ob_change change;
        if (tw_random_chance(random, 2, 3)) {
            tw_side side = tw_random_chance(random, 1, 2) ? TW_BID : TW_ASK;
            int64_t price = (side == TW_BID ? 9900 : 10000) + (int64_t)tw_random_below(random, 60);
            (void)ob_order_add(f->books, instrument, id, side, price, 1 + tw_random_below(random, 1000), &change);
        } else if (tw_random_chance(random, 1, 2)) {
            (void)ob_order_reduce(f->books, instrument, id, 1 + tw_random_below(random, 300), &change);
        } else {
            (void)ob_order_delete(f->books, instrument, id, &change);
        }
    }
}

static void open_rebuilt(rebuilt *r) {
    market_limits limits = {.max_instruments = 16, .max_orders = 20000, .max_levels = 20000};
    market_listener listener = {.context = r,
                                .on_trading_state = on_trading_state,
                                .on_short_sale = on_short_sale,
                                .on_book_state = on_book_state};
    itch50_feed_options options = {0};
    tw_error error;
    *r = (rebuilt){0};
    EXPECT_I64(market_alloc(&r->market, &limits, &listener, &error), TW_OK);
    itch50_feed_init(&r->feed, r->market, &options);
    itch50_feed_start_day(&r->feed, 0);
    glimpse_reader_init(&r->reader);
}

TEST(glimpse_writer, books_rebuilt_from_a_snapshot_equal_the_originals_order_by_order) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        tw_random random;
        tw_random_seed(&random, seed);
        floor_books f;
        snapshot s;
        rebuilt r;
        tw_error error;
        floor_open(&f);
        snapshot_open(&s, 30000);
        open_rebuilt(&r);
        static const char *const symbols[] = {"ACME", "BRK.A", "ZVZZT", "EIGHTCHR", "EMPTY"};
        for (uint32_t i = 0; i < 5; i++) {
            list_instrument(&f, symbols[i], (uint16_t)(1000 - i));
            f.statuses[i].trading = (tw_trading_state)(TW_TRADING_OPEN + tw_random_below(&random, 4));
            f.statuses[i].short_sale = (tw_short_sale)tw_random_below(&random, 4);
        }
        random_day(&f, &random, 4); /* nothing rests in the last */
        glimpse_input input = input_of(&f, 1000 + seed);
        EXPECT_I64(glimpse_write(&input, keep, &s, &error), TW_OK);
        carry_over(&s, &r, &random);

        EXPECT_U64(r.reader.join, 1000 + seed);
        EXPECT_U64(r.reader.orders, ob_books_orders(f.books));
        EXPECT_U64(ob_books_orders(market_books(r.market)), ob_books_orders(f.books));
        EXPECT_MSG(ob_books_orders(f.books) > 500, "seed %" PRIu64 " rests too little", seed);
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t to = instruments_find(market_instruments(r.market), symbols[i]);
            EXPECT_MSG(to != INSTRUMENT_NONE, "seed %" PRIu64 ": %s", seed, symbols[i]);
            expect_same_side(&f, &r, i, to, TW_BID, seed);
            expect_same_side(&f, &r, i, to, TW_ASK, seed);
            EXPECT_I64(r.trading[to], f.statuses[i].trading);
            EXPECT_I64(r.short_sale[to], f.statuses[i].short_sale);
        }
        market_free(r.market);
        snapshot_close(&s);
        floor_close(&f);
    }
}
