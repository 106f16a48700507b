/*
 * The client library against a real nats-server and a publisher made here of codec and bus: it keeps one book per
 * symbol, answers snapshots, and can be told to lose messages, to be replaced, or to fall silent.
 */
#include <time.h>
#include <uv.h>

#include "client/tickwire.h"
#include "proto/codec.h"
#include "proto/subject.h"
#include "runtime/bus.h"
#include "runtime/clock.h"
#include "tests/support/nats_process.h"
#include "tests/unit.h"

#define MS          INT64_C(1000000)
#define PATIENCE_NS (30000 * MS)
#define SYMBOLS     40

typedef struct stage {
    nats_process server;
    uv_loop_t loop;
    bus *bus;
    uint64_t term;
    const char *epoch;
    uint64_t seq[SYMBOLS]; /* 0: nothing published yet */
    uint64_t quantity[SYMBOLS];
    bool silent;   /* no feed status */
    bool mute;     /* snapshot requests are not answered */
    unsigned busy; /* so many requests are answered BUSY */
    unsigned served_single, served_bulk;
    int64_t next_status_ns;
    tickwire_client *client;
    unsigned told; /* books told to the subscription */
    unsigned told_stale;
} stage;

static void symbol_name(char *name, size_t capacity, unsigned i) {
    snprintf(name, capacity, "S%02u", i);
}

/* One bid of seq-dependent quantity at 100, one ask of 5 at 101. */
static size_t encode_book(const stage *st, unsigned i, bool snapshot, uint64_t prev_seq, uint8_t *bytes,
                          size_t capacity) {
    tw_level bid = {1000000, st->quantity[i], 1}, ask = {1010000, 5, 1};
    wire_book_update m = {.depth = 10, .merged = 1, .bids = &bid, .asks = &ask, .bid_count = 1};
    m.ask_count = snapshot || prev_seq == 0;
    m.checksum = wire_book_checksum(&bid, 1, &ask, 1, 10);
    m.header = (wire_header){.exchange = "XNAS",
                             .term = st->term,
                             .prev_seq = prev_seq,
                             .seq = st->seq[i],
                             .snapshot = snapshot,
                             .price_exponent = -4,
                             .publish_ns = rt_clock_utc_ns()};
    symbol_name(m.header.symbol, sizeof m.header.symbol, i);
    snprintf(m.header.epoch, sizeof m.header.epoch, "%s", st->epoch);
    return wire_book_update_encode(&m, bytes, capacity);
}

static void change(stage *st, unsigned i, bool lost) {
    uint8_t bytes[1024];
    char symbol[8], subject[SUBJECT_BYTES];
    uint64_t prev_seq = st->seq[i];
    st->seq[i] += 10;
    st->quantity[i] += 7;
    if (lost) return;
    symbol_name(symbol, sizeof symbol, i);
    subject_instrument(subject, sizeof subject, "XNAS", symbol, SUBJECT_ORDERBOOK);
    size_t length = encode_book(st, i, false, prev_seq, bytes, sizeof bytes);
    EXPECT_I64(bus_publish(st->bus, subject, bytes, length), TW_OK);
}

static void on_request(void *context, const bus_message *message) {
    stage *st = context;
    static uint8_t bytes[WIRE_MAX_BYTES];
    uint8_t part[1024];
    subject_parts parts;
    if (st->mute) return;
    subject_kind kind = subject_parse(message->subject, &parts);
    wire_snapshot_reply reply = {.exchange = "XNAS", .channel = "orderbook", .last = true, .term = st->term};
    snprintf(reply.epoch, sizeof reply.epoch, "%s", st->epoch);
    if (parts.channel != SUBJECT_ORDERBOOK) reply.code = WIRE_REPLY_NOT_FOUND;
    if (st->busy > 0) {
        st->busy--;
        reply.code = WIRE_REPLY_BUSY;
        reply.retry_after_ms = 20;
    }
    size_t length = wire_snapshot_reply_encode(&reply, bytes, sizeof bytes);
    for (unsigned i = 0; i < SYMBOLS && reply.code == WIRE_REPLY_OK; i++) {
        char symbol[8];
        symbol_name(symbol, sizeof symbol, i);
        if (st->seq[i] == 0 || (kind == SUBJECT_KIND_SNAPSHOT && strcmp(symbol, parts.symbol) != 0)) continue;
        size_t size = encode_book(st, i, true, 0, part, sizeof part);
        length += wire_snapshot_part_append(WIRE_PART_BOOK, part, size, bytes + length, sizeof bytes - length);
    }
    if (reply.code == WIRE_REPLY_OK) *(kind == SUBJECT_KIND_SNAPSHOT ? &st->served_single : &st->served_bulk) += 1;
    bus_publish(st->bus, message->reply, bytes, length);
}

static void say_status(stage *st) {
    uint8_t bytes[1024];
    wire_feed_status m = {.exchange = "XNAS", .term = st->term, .state = TW_BOOK_OK};
    snprintf(m.epoch, sizeof m.epoch, "%s", st->epoch);
    size_t length = wire_feed_status_encode(&m, bytes, sizeof bytes);
    bus_publish(st->bus, "feed.XNAS.0.status", bytes, length);
}

/* Lets both sides run for a while. */
static void play(stage *st, int64_t ns) {
    int64_t end_ns = rt_clock_monotonic_ns() + ns;
    do {
        int64_t now_ns = rt_clock_monotonic_ns();
        if (!st->silent && now_ns >= st->next_status_ns) {
            st->next_status_ns = now_ns + 50 * MS;
            say_status(st);
        }
        uv_run(&st->loop, UV_RUN_NOWAIT);
        bus_flush(st->bus);
        if (st->client != NULL) tickwire_poll(st->client);
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    } while (rt_clock_monotonic_ns() < end_ns);
}

/* Lets both sides run until the condition holds, half a minute at most. */
#define PLAY_UNTIL(st, condition)                                                                                  \
    do {                                                                                                           \
        int64_t end_ns_ = rt_clock_monotonic_ns() + PATIENCE_NS;                                                   \
        while (!(condition) && rt_clock_monotonic_ns() < end_ns_)                                                  \
            play(st, MS);                                                                                          \
        EXPECT_MSG((condition), "did not come to be: %s", #condition);                                             \
    } while (0)

static void on_book(void *context, const tickwire_book *book, const tickwire_change *change_of) {
    stage *st = context;
    (void)change_of;
    st->told++;
    if (book->state == TICKWIRE_BOOK_STALE) st->told_stale++;
}

static const tickwire_book *book_of(stage *st, unsigned i) {
    char symbol[8];
    symbol_name(symbol, sizeof symbol, i);
    return tickwire_find_book(st->client, "XNAS", symbol, "orderbook");
}

static bool is_live(stage *st, unsigned i) {
    const tickwire_book *book = book_of(st, i);
    return book != NULL && book->state == TICKWIRE_BOOK_OK && book->header.seq == st->seq[i];
}

/* Waits until the book is the publisher's. */
static void expect_live(stage *st, unsigned i) {
    PLAY_UNTIL(st, is_live(st, i));
    EXPECT_U64(book_of(st, i)->bids[0].quantity, st->quantity[i]);
}

static bool is_stale(stage *st, unsigned i, const char *cause) {
    const tickwire_book *book = book_of(st, i);
    return book != NULL && book->state == TICKWIRE_BOOK_STALE && strcmp(book->cause, cause) == 0;
}

static bool set_up(stage *st) {
    *st = (stage){.term = 1, .epoch = "day"};
    if (!nats_process_start(&st->server, NULL)) return false;
    uv_loop_init(&st->loop);
    tw_error error = {0};
    bus_options options = {.url = st->server.url, .name = "fake publisher"};
    EXPECT_MSG(bus_open(&st->bus, &st->loop, &options, &error) == TW_OK, "%s", error.text);
    bus_subscribe(st->bus, "snapshot.XNAS.*.>", on_request, st, &(bus_subscription *){NULL}, &error);
    bus_subscribe(st->bus, "snapshots.XNAS.>", on_request, st, &(bus_subscription *){NULL}, &error);
    play(st, 20 * MS);
    return true;
}

/* Waits until the server has what the client has subscribed to so far: it takes one subscription after the other, and the last one is heard. */
static void listen_to_feed(stage *st) {
    char error[TICKWIRE_ERROR_BYTES] = "";
    tickwire_handlers none = {NULL};
    EXPECT_MSG(tickwire_subscribe(st->client, "feed.XNAS.*.status", &none, st, NULL, error) == TICKWIRE_OK, "%s",
               error);
    PLAY_UNTIL(st, tickwire_read_stats(st->client).messages > 0);
}

/* `snapshot_timeout_ns`: until a request that nobody answered is sent again. */
static void join(stage *st, const char *subject, int64_t snapshot_timeout_ns) {
    char error[TICKWIRE_ERROR_BYTES] = "";
    tickwire_options options = {
        .url = st->server.url, .feed_silence_ns = 400 * MS, .snapshot_timeout_ns = snapshot_timeout_ns};
    tickwire_handlers handlers = {.on_book = on_book};
    EXPECT_MSG(tickwire_open(&st->client, &options, error) == TICKWIRE_OK, "%s", error);
    EXPECT_MSG(tickwire_subscribe(st->client, subject, &handlers, st, NULL, error) == TICKWIRE_OK, "%s", error);
    listen_to_feed(st);
}

static void tear_down(stage *st) {
    tickwire_close(st->client);
    bus_close(st->bus);
    uv_run(&st->loop, UV_RUN_NOWAIT);
    uv_loop_close(&st->loop);
    nats_process_stop(&st->server);
}

#define STAGE(st)                                                                                                  \
    stage st;                                                                                                      \
    if (!set_up(&st)) SKIP(st.server.problem)

TEST(client, joins_late_in_bulk_and_every_book_is_there) {
    STAGE(st);
    for (unsigned i = 0; i < SYMBOLS; i++)
        change(&st, i, false), change(&st, i, false);
    play(&st, 20 * MS);
    join(&st, "XNAS.*.orderbook", PATIENCE_NS);
    for (unsigned i = 0; i < SYMBOLS; i++)
        expect_live(&st, i);
    EXPECT_U64(st.served_bulk, 1);
    EXPECT_U64(st.served_single, 0);
    EXPECT(st.told >= SYMBOLS);
    tickwire_stats stats = tickwire_read_stats(st.client);
    EXPECT_U64(stats.books, SYMBOLS);
    EXPECT_U64(stats.books_not_ok, 0);
    tear_down(&st);
}

TEST(client, says_of_each_message_when_it_arrived_which_is_after_it_was_published) {
    STAGE(st);
    join(&st, "XNAS.*.orderbook", PATIENCE_NS);
    for (unsigned i = 0; i < 5; i++) {
        change(&st, 0, false), change(&st, 1, false);
        expect_live(&st, 0);
        expect_live(&st, 1);
        for (unsigned k = 0; k < 2; k++) {
            const tickwire_header *header = &book_of(&st, k)->header;
            EXPECT(header->arrival_ns >= header->publish_ns);
            EXPECT(header->arrival_ns <= rt_clock_utc_ns());
        }
    }
    tear_down(&st);
}

TEST(client, joins_one_instrument_late_by_its_own_snapshot) {
    STAGE(st);
    change(&st, 3, false);
    play(&st, 20 * MS);
    join(&st, "XNAS.S03.orderbook", PATIENCE_NS);
    expect_live(&st, 3);
    EXPECT_U64(st.served_single, 1);
    EXPECT_U64(st.served_bulk, 0);
    tear_down(&st);
}

TEST(client, resynchronises_after_loss_and_shows_recovering_meanwhile) {
    STAGE(st);
    join(&st, "XNAS.*.orderbook", 100 * MS);
    for (unsigned i = 0; i < SYMBOLS; i++)
        change(&st, i, false);
    for (unsigned i = 0; i < SYMBOLS; i++)
        expect_live(&st, i);
    st.mute = true;
    for (unsigned i = 0; i < 4; i++) {
        change(&st, i, true);
        change(&st, i, false);
    }
    PLAY_UNTIL(&st, tickwire_read_stats(st.client).books_not_synced == 4);
    EXPECT_I64(book_of(&st, 0)->state, TICKWIRE_BOOK_RECOVERING);
    EXPECT_STR(book_of(&st, 0)->cause, "CHAIN_BROKEN");
    expect_live(&st, 5);
    st.mute = false;
    st.busy = 2;
    for (unsigned i = 0; i < SYMBOLS; i++)
        expect_live(&st, i);
    EXPECT_U64(tickwire_read_stats(st.client).chain_faults, 4);
    EXPECT_U64(tickwire_read_stats(st.client).resyncs, 4);
    tear_down(&st);
}

TEST(client, follows_a_new_leader_and_drops_the_old_one) {
    STAGE(st);
    join(&st, "XNAS.*.orderbook", 100 * MS);
    change(&st, 0, false);
    expect_live(&st, 0);
    st.term = 2;
    change(&st, 0, false);
    expect_live(&st, 0);
    stage old = st; /* the deposed leader, frozen a while, goes on */
    old.term = 1;
    change(&old, 0, false);
    PLAY_UNTIL(&st, tickwire_read_stats(st.client).old_terms >= 1);
    expect_live(&st, 0);
    tear_down(&st);
}

static struct {
    unsigned messages;
    uint64_t missed, last_seq;
} tape;

static void on_trades(void *context, const tickwire_trades *trades) {
    (void)context;
    tape.messages++;
    tape.missed += trades->missed_before;
    tape.last_seq = trades->prints[trades->print_count - 1].seq;
}

/* What the client has made of prints so far: told, or dropped. */
static uint64_t prints_taken(const stage *st) {
    return tape.messages + tickwire_read_stats(st->client).old_terms;
}

static void print(stage *st, uint64_t term, uint64_t prev_seq, uint64_t seq) {
    uint8_t bytes[512];
    tw_print one = {.seq = seq, .price = 10, .quantity = 1};
    wire_trades m = {.print_count = 1, .prints = &one, .volume = seq / 10, .prints_total = seq / 10};
    m.header = (wire_header){
        .exchange = "XNAS", .symbol = "S00", .term = term, .prev_seq = prev_seq, .seq = seq, .price_exponent = -4};
    snprintf(m.header.epoch, sizeof m.header.epoch, "%s", st->epoch);
    size_t length = wire_trades_encode(&m, bytes, sizeof bytes);
    uint64_t before = prints_taken(st);
    EXPECT_I64(bus_publish(st->bus, "XNAS.S00.trade", bytes, length), TW_OK);
    PLAY_UNTIL(st, prints_taken(st) > before);
}

TEST(client, takes_the_last_prints_of_a_leader_whose_successor_it_has_heard_of_already) {
    STAGE(st);
    char error[TICKWIRE_ERROR_BYTES];
    tickwire_handlers handlers = {.on_trades = on_trades};
    EXPECT_I64(tickwire_open(&st.client, &(tickwire_options){.url = st.server.url}, error), TICKWIRE_OK);
    EXPECT_I64(tickwire_subscribe(st.client, "XNAS.*.trade", &handlers, &st, NULL, error), TICKWIRE_OK);
    listen_to_feed(&st);
    print(&st, 1, 0, 10);
    st.term = 2; /* its status comes on a subscription of its own, which may be emptied first */
    PLAY_UNTIL(&st, tickwire_read_stats(st.client).takeovers == 1);
    print(&st, 1, 10, 20);
    EXPECT_U64(tape.last_seq, 20);
    print(&st, 1, 30, 40); /* goes on where nothing was: that, the successor tells */
    EXPECT_U64(tape.last_seq, 20);
    print(&st, 2, 20, 30);
    print(&st, 1, 30, 40); /* the successor has spoken here */
    print(&st, 2, 40, 50);
    EXPECT_U64(tape.last_seq, 50);
    EXPECT_U64(tape.messages, 4);
    EXPECT_U64(tape.missed, 1); /* the one between was not to be had */
    EXPECT_U64(tickwire_read_stats(st.client).old_terms, 2);
    tear_down(&st);
}

TEST(client, shows_books_as_stale_when_the_feed_falls_silent_and_live_when_it_speaks) {
    STAGE(st);
    join(&st, "XNAS.*.orderbook", 100 * MS);
    change(&st, 0, false);
    expect_live(&st, 0);
    st.silent = true;
    PLAY_UNTIL(&st, is_stale(&st, 0, "FEED_SILENT"));
    EXPECT(st.told_stale >= 1);
    st.silent = false;
    expect_live(&st, 0);
    tear_down(&st);
}

TEST(client, shows_books_as_stale_without_the_bus_and_heals_when_it_is_back) {
    STAGE(st);
    join(&st, "XNAS.*.orderbook", 100 * MS);
    for (unsigned i = 0; i < SYMBOLS; i++)
        change(&st, i, false);
    for (unsigned i = 0; i < SYMBOLS; i++)
        expect_live(&st, i);
    nats_process_pause(&st.server);
    PLAY_UNTIL(&st, is_stale(&st, 7, "BUS_AWAY"));
    change(&st, 7, true); /* nobody hears it, and nothing follows */
    EXPECT(nats_process_resume(&st.server, NULL));
    for (unsigned i = 0; i < SYMBOLS; i++)
        expect_live(&st, i);
    EXPECT_U64(tickwire_read_stats(st.client).reconnects, 1);
    tear_down(&st);
}

TEST(client, forgets_books_that_no_subscription_covers_any_more) {
    STAGE(st);
    char error[TICKWIRE_ERROR_BYTES];
    tickwire_options options = {.url = st.server.url};
    tickwire_handlers handlers = {.on_book = on_book};
    tickwire_subscription *all, *one;
    EXPECT_I64(tickwire_open(&st.client, &options, error), TICKWIRE_OK);
    EXPECT_I64(tickwire_subscribe(st.client, "XNAS.*.orderbook", &handlers, &st, &all, error), TICKWIRE_OK);
    EXPECT_I64(tickwire_subscribe(st.client, "XNAS.S01.orderbook", &handlers, &st, &one, error), TICKWIRE_OK);
    listen_to_feed(&st);
    change(&st, 0, false);
    change(&st, 1, false);
    expect_live(&st, 0);
    expect_live(&st, 1);
    PLAY_UNTIL(&st, st.told >= 3);
    EXPECT_U64(st.told, 3); /* S01 is told to both subscriptions, once each */
    tickwire_unsubscribe(all);
    PLAY_UNTIL(&st, book_of(&st, 0) == NULL); /* nothing would keep it right */
    change(&st, 1, false);
    expect_live(&st, 1);
    tear_down(&st);
}

TEST(client, names_what_is_wrong_with_a_subject_and_a_server) {
    STAGE(st);
    char error[TICKWIRE_ERROR_BYTES] = "";
    tickwire_client *client;
    tickwire_handlers handlers = {.on_book = on_book};
    EXPECT_I64(tickwire_open(&client, &(tickwire_options){.url = st.server.url}, error), TICKWIRE_OK);
    EXPECT_I64(tickwire_subscribe(client, "XNAS..orderbook", &handlers, NULL, NULL, error), TICKWIRE_INVALID);
    EXPECT_CONTAINS(error, "a token is empty");
    EXPECT_I64(tickwire_subscribe(client, "XNAS.>.orderbook", &handlers, NULL, NULL, error), TICKWIRE_INVALID);
    EXPECT_CONTAINS(error, "last token");
    tickwire_subscription *s;
    EXPECT_I64(tickwire_subscribe(client, "XNAS.*.orderbook", &handlers, NULL, &s, error), TICKWIRE_OK);
    tickwire_unsubscribe(s);
    tickwire_close(client);
    EXPECT_I64(tickwire_open(&client, &(tickwire_options){.url = "nats://127.0.0.1:1"}, error), TICKWIRE_AWAY);
    EXPECT_CONTAINS(error, "127.0.0.1:1");
    tear_down(&st);
}
