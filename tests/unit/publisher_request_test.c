/* The directory, the request queue's bound, and the roll of an epoch. */
#include <string.h>

#include "base/text.h"
#include "publisher/publisher.h"
#include "tests/unit.h"

static struct seen {
    wire_arena arena;
    ob_books *books;
    publisher *publisher;
    wire_instrument_list list;
    wire_snapshot_reply snapshot;
    wire_feed_status feed;
    uint32_t lists, entries, snapshots, feeds;
    uint64_t book_prev_seq;
    char first[8];
    bool ready;
} seen;

static void receive(const char *subject, const uint8_t *payload, size_t length) {
    if (seen.first[0] == '\0') tw_text_copy(seen.first, sizeof seen.first, subject);
    if (strcmp(subject, "to.list") == 0) {
        EXPECT_I64(wire_instrument_list_decode(&seen.arena, payload, length, &seen.list), WIRE_OK);
        EXPECT_U64(seen.list.chunk, seen.lists);
        seen.lists++;
        seen.entries += seen.list.instrument_count;
    } else if (strcmp(subject, "to.book") == 0) {
        EXPECT_I64(wire_snapshot_reply_decode(&seen.arena, payload, length, &seen.snapshot), WIRE_OK);
        seen.snapshots++;
    } else if (strncmp(subject, "feed.", 5) == 0) {
        EXPECT_I64(wire_feed_status_decode(&seen.arena, payload, length, &seen.feed), WIRE_OK);
        seen.feeds++;
    } else if (strcmp(subject, "XNAS.S0.orderbook") == 0) {
        wire_book_update m;
        EXPECT_I64(wire_book_update_decode(&seen.arena, payload, length, &m), WIRE_OK);
        seen.book_prev_seq = m.header.prev_seq;
    }
}

static void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    (void)context;
    EXPECT_MSG(strncmp(subject, "to.", 3) != 0, "%s came with a request: nobody vouches for it", subject);
    receive(subject, payload, length);
}

static void on_answer(void *context, const char *subject, const uint8_t *payload, size_t length) {
    (void)context;
    EXPECT_MSG(strncmp(subject, "to.", 3) == 0, "%s is an answer", subject);
    receive(subject, payload, length);
}

static bool on_ready(void *context) {
    (void)context;
    return seen.ready;
}

static void define(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        tw_instrument entry = {.price_exponent = -4};
        tw_text_format(entry.symbol, sizeof entry.symbol, "S%u", i);
        publisher_define(seen.publisher, i, &entry, &(publisher_stamp){.seq = 1});
    }
}

static void init_partition(uint32_t max_requests, uint32_t partition, uint32_t partitions) {
    memset(&seen, 0, sizeof seen);
    seen.ready = true;
    EXPECT(wire_arena_init(&seen.arena, 1u << 20));
    ob_limits limits = {.max_instruments = 1024, .max_orders = 64, .max_levels = 4096};
    EXPECT_I64(ob_books_alloc(&seen.books, &limits, NULL), TW_OK);
    publisher_options options = {.exchange = "XNAS",
                                 .partition = partition,
                                 .partitions = partitions,
                                 .max_instruments = 1024,
                                 .depth = 10,
                                 .max_prints = 10,
                                 .max_requests = max_requests,
                                 .serve_bytes = 65536,
                                 .status_interval_ns = 100000000};
    publisher_sink sink = {.emit = on_emit, .answer = on_answer, .ready = on_ready};
    EXPECT_I64(publisher_alloc(&seen.publisher, &options, seen.books, &sink, NULL), TW_OK);
    publisher_start_epoch(seen.publisher, "A");
}

static void init(uint32_t max_requests) {
    init_partition(max_requests, 1, 1);
}

static void fini(void) {
    publisher_free(seen.publisher);
    ob_books_free(seen.books);
    wire_arena_fini(&seen.arena);
}

static void ask(const char *subject, const char *reply, const uint8_t *payload, size_t length) {
    publisher_request(seen.publisher, subject, reply, payload, length, 1);
}

TEST(publisher_request, the_directory_comes_in_chunks_and_an_empty_one_still_ends) {
    init(4);
    ask("instruments.XNAS", "to.list", NULL, 0);
    while (publisher_serve(seen.publisher, 1))
        continue;
    EXPECT_U64(seen.lists, 1);
    EXPECT(seen.list.last);
    seen.lists = 0;
    define(700);
    ask("instruments.XNAS", "to.list", NULL, 0);
    while (publisher_serve(seen.publisher, 1))
        continue;
    EXPECT_U64(seen.entries, 700);
    EXPECT(seen.lists > 1);
    EXPECT(seen.list.last);
    fini();
}

TEST(publisher_request, named_symbols_are_found_or_listed_as_not_found_and_other_bytes_are_refused) {
    init(4);
    define(3);
    const char *symbols[] = {"S2", "NONE"};
    uint8_t payload[256];
    size_t length = wire_instrument_request_encode(&(wire_instrument_request){2, symbols}, payload, sizeof payload);
    ask("instruments.XNAS", "to.list", payload, length);
    EXPECT(!publisher_serve(seen.publisher, 1));
    EXPECT_U64(seen.list.instrument_count, 1);
    EXPECT_STR(seen.list.instruments[0].instrument.symbol, "S2");
    EXPECT_U64(seen.list.not_found_count, 1);
    EXPECT_STR(seen.list.not_found[0], "NONE");
    seen.lists = 0;
    ask("instruments.XNAS", "to.list", (const uint8_t *)"\x0a\xff", 2);
    EXPECT_I64(seen.list.code, WIRE_REPLY_BAD_REQUEST);
    fini();
}

static void serve_all(void) {
    while (publisher_serve(seen.publisher, 1))
        continue;
}

TEST(publisher_request, one_of_several_partitions_leaves_symbols_that_it_does_not_know_to_the_others) {
    init_partition(4, 2, 3);
    define(3);
    ask("snapshot.XNAS.NONE.orderbook", "to.book", NULL, 0);
    ask("snapshot.XNAS.NONE.nochannel", "to.book", NULL, 0);
    serve_all();
    EXPECT_U64(seen.snapshots, 0);
    EXPECT_U64(publisher_read_stats(seen.publisher).requests_waiting, 0);
    ask("snapshot.XNAS.S1.orderbook", "to.book", NULL, 0);
    serve_all();
    EXPECT_U64(seen.snapshots, 1);
    EXPECT_I64(seen.snapshot.code, WIRE_REPLY_OK);
    ask("snapshot.XNAS.S1.nochannel", "to.book", NULL, 0);
    EXPECT_I64(seen.snapshot.code, WIRE_REPLY_NOT_FOUND);
    fini();
}

TEST(publisher_request, one_of_several_partitions_says_that_it_does_not_know_a_symbol_to_who_wants_that_told) {
    uint8_t wish[8];
    size_t length = wire_snapshot_request_encode(&(wire_snapshot_request){.tell_unknown = true}, wish, sizeof wish);
    init_partition(4, 2, 3);
    define(3);
    ask("snapshot.XNAS.NONE.orderbook", "to.book", wish, length);
    EXPECT_U64(seen.snapshots, 1);
    EXPECT_I64(seen.snapshot.code, WIRE_REPLY_NOT_FOUND);
    EXPECT_U64(seen.snapshot.partition, 2);
    EXPECT_U64(seen.snapshot.partitions, 3);
    ask("snapshot.XNAS.S1.orderbook", "to.book", wish, length);
    serve_all();
    EXPECT_I64(seen.snapshot.code, WIRE_REPLY_OK);
    EXPECT_U64(seen.snapshot.partition, 2);
    ask("snapshot.XNAS.NONE.orderbook", "to.book", (const uint8_t *)"\xff", 1); /* no request: as good as none */
    serve_all();
    EXPECT_U64(seen.snapshots, 2);
    fini();
}

TEST(publisher_request, one_of_several_partitions_names_itself_in_the_directory_of_its_own_symbols) {
    init_partition(4, 2, 3);
    define(3);
    const char *symbols[] = {"NONE", "S2", "NEITHER"};
    uint8_t payload[256];
    size_t length = wire_instrument_request_encode(&(wire_instrument_request){3, symbols}, payload, sizeof payload);
    ask("instruments.XNAS", "to.list", payload, length);
    serve_all();
    EXPECT_U64(seen.lists, 1);
    EXPECT_U64(seen.list.partition, 2);
    EXPECT_U64(seen.list.instrument_count, 1);
    EXPECT_STR(seen.list.instruments[0].instrument.symbol, "S2");
    EXPECT_U64(seen.list.not_found_count, 0);
    EXPECT(seen.list.last);
    length = wire_instrument_request_encode(&(wire_instrument_request){1, symbols}, payload, sizeof payload);
    ask("instruments.XNAS", "to.list", payload, length);
    serve_all();
    EXPECT_U64(seen.lists, 1);
    seen.lists = 0;
    ask("instruments.XNAS", "to.list", NULL, 0);
    serve_all();
    EXPECT_U64(seen.list.partition, 2);
    EXPECT_U64(seen.list.instrument_count, 3);
    fini();
}

TEST(publisher_request, a_symbol_that_went_with_its_epoch_is_asked_for_again_where_there_are_partitions) {
    for (uint32_t partitions = 1; partitions <= 2; partitions++) {
        init_partition(4, 1, partitions);
        define(1);
        seen.ready = false;
        ask("snapshot.XNAS.S0.orderbook", "to.book", NULL, 0);
        publisher_start_epoch(seen.publisher, "B");
        seen.ready = true;
        serve_all();
        EXPECT_U64(seen.snapshots, 1);
        EXPECT_I64(seen.snapshot.code, partitions > 1 ? WIRE_REPLY_BUSY : WIRE_REPLY_NOT_FOUND);
        EXPECT((seen.snapshot.retry_after_ms > 0) == (partitions > 1));
        fini();
    }
}

TEST(publisher_request, a_full_queue_answers_busy_and_a_request_without_reply_is_counted) {
    init(1);
    define(1);
    ask("snapshot.XNAS.S0.orderbook", "to.book", NULL, 0);
    ask("snapshot.XNAS.S0.orderbook", "to.book", NULL, 0);
    EXPECT_I64(seen.snapshot.code, WIRE_REPLY_BUSY);
    EXPECT(seen.snapshot.retry_after_ms > 0);
    ask("snapshot.XNAS.S0.orderbook", NULL, NULL, 0);
    EXPECT_U64(publisher_read_stats(seen.publisher).requests_busy, 1);
    EXPECT_U64(publisher_read_stats(seen.publisher).requests_bad, 1);
    EXPECT(!publisher_serve(seen.publisher, 1));
    EXPECT_U64(seen.snapshots, 2);
    fini();
}

TEST(publisher_request, a_new_epoch_starts_every_chain_at_zero_and_forgets_the_directory) {
    init(4);
    ob_change change;
    for (int epoch = 0; epoch < 2; epoch++) {
        seen.book_prev_seq = 99;
        publisher_start_epoch(seen.publisher, epoch == 0 ? "A" : "B");
        EXPECT_U64(publisher_read_stats(seen.publisher).instruments, 0);
        define(1);
        ob_book_clear(seen.books, 0);
        EXPECT_I64(ob_order_add(seen.books, 0, 1, TW_BID, 10, 5, &change), OB_OK);
        publisher_mark_book(seen.publisher, 0, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 7});
        publisher_flush(seen.publisher, 1);
        EXPECT_U64(seen.book_prev_seq, 0);
    }
    fini();
}

TEST(publisher_request, a_change_of_the_feed_is_the_first_thing_to_leave_when_the_sink_is_ready_again) {
    init(4);
    publisher_flush(seen.publisher, 1);
    define(1);
    ob_change change;
    ob_order_add(seen.books, 0, 1, TW_BID, 10, 5, &change);
    publisher_mark_book(seen.publisher, 0, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 7});
    seen.first[0] = '\0';
    seen.ready = false;
    publisher_feed_update(seen.publisher, &(publisher_feed){.state = TW_BOOK_STALE, .cause = TW_CAUSE_GAP});
    EXPECT_U64(publisher_flush(seen.publisher, 2), 0);
    seen.ready = true;
    EXPECT(publisher_flush(seen.publisher, 3) > 0);
    EXPECT_CONTAINS(seen.first, "feed.");
    EXPECT_I64(seen.feed.state, TW_BOOK_STALE);
    fini();
}
