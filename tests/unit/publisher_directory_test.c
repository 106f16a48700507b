/* Changes of the directory on instruments.{MIC}.changes: what is told, in which portions, and that whoever follows the
 * rules of docs/protocol.md has the publisher's directory in the end, whatever it missed. */
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "publisher/publisher.h"
#include "tests/unit.h"

#define CHANGES "instruments.XNAS.changes"
#define SPACE   8192

/* Who keeps the directory, by the rules of the protocol. */
typedef struct follower {
    char epoch[TW_EPOCH_BYTES];
    uint64_t version;
    bool ask;     /* something is missing, or nothing came yet */
    bool waiting; /* for the answer */
    uint32_t asked;
    uint64_t lots[SPACE]; /* by the number in the symbol; 0: unknown */
} follower;

static struct world {
    wire_arena arena;
    ob_books *books;
    publisher *publisher;
    bool ready;
    uint32_t messages, largest;
    wire_instrument_list last;
    char symbols[4][TW_SYMBOL_BYTES]; /* of the last message */
    uint64_t lots[4];
    wire_feed_status feed;
    follower follower;
    tw_random *deaf; /* NULL: hears everything */
    bool told_before_book;
} w;

static void take_entries(follower *f, const wire_instrument_list *list) {
    for (uint32_t i = 0; i < list->instrument_count; i++) {
        const tw_instrument *entry = &list->instruments[i].instrument;
        uint64_t number = 0;
        EXPECT(tw_text_to_u64(entry->symbol + 1, &number) && number < SPACE);
        f->lots[number] = entry->round_lot;
    }
}

static void follow(follower *f, const wire_instrument_list *list) {
    bool other_epoch = strcmp(f->epoch, list->epoch) != 0;
    if (list->prev_version == 0 && (other_epoch || f->version == 0)) {
        memset(f->lots, 0, sizeof f->lots);
        tw_text_copy(f->epoch, sizeof f->epoch, list->epoch);
        f->ask = false;
    } else if (other_epoch || f->ask) {
        f->ask = true;
        return;
    } else if (list->version <= f->version && list->prev_version < list->version) {
        return; /* seen */
    } else if (list->prev_version > f->version) {
        f->ask = true;
        return;
    }
    take_entries(f, list);
    f->version = list->version;
}

static void answer(follower *f, const wire_instrument_list *list) {
    if (list->chunk == 0) {
        memset(f->lots, 0, sizeof f->lots);
        tw_text_copy(f->epoch, sizeof f->epoch, list->epoch);
        f->version = list->version; /* of the first chunk: later ones are newer, and hearing twice does no harm */
    }
    take_entries(f, list);
    f->ask = f->waiting = !list->last;
}

static void on_changes(const uint8_t *payload, size_t length) {
    EXPECT_I64(wire_instrument_list_decode(&w.arena, payload, length, &w.last), WIRE_OK);
    w.messages++;
    if (w.last.instrument_count > w.largest) w.largest = w.last.instrument_count;
    for (uint32_t i = 0; i < 4 && i < w.last.instrument_count; i++) {
        tw_text_copy(w.symbols[i], sizeof w.symbols[i], w.last.instruments[i].instrument.symbol);
        w.lots[i] = w.last.instruments[i].instrument.round_lot;
    }
    if (w.deaf == NULL || tw_random_below(w.deaf, 4) > 0) follow(&w.follower, &w.last);
}

static void on_emit(void *context, const char *subject, const uint8_t *payload, size_t length) {
    (void)context;
    EXPECT_MSG(w.ready, "%s left although the sink was not ready", subject);
    if (strcmp(subject, CHANGES) == 0) {
        on_changes(payload, length);
    } else if (strncmp(subject, "feed.", 5) == 0) {
        EXPECT_I64(wire_feed_status_decode(&w.arena, payload, length, &w.feed), WIRE_OK);
    } else {
        w.told_before_book = w.messages > 0;
    }
}

static void on_answer(void *context, const char *subject, const uint8_t *payload, size_t length) {
    (void)context, (void)subject;
    wire_instrument_list list;
    EXPECT_I64(wire_instrument_list_decode(&w.arena, payload, length, &list), WIRE_OK);
    EXPECT_U64(list.prev_version, 0);
    EXPECT_U64(list.partition, 3);
    answer(&w.follower, &list);
}

static bool on_ready(void *context) {
    (void)context;
    return w.ready;
}

static void init(uint32_t instruments) {
    memset(&w, 0, sizeof w);
    w.ready = true;
    EXPECT(wire_arena_init(&w.arena, 1u << 20));
    ob_limits limits = {.max_instruments = instruments, .max_orders = 64, .max_levels = instruments * 2};
    EXPECT_I64(ob_books_alloc(&w.books, &limits, NULL), TW_OK);
    publisher_options options = {.exchange = "XNAS",
                                 .partition = 3,
                                 .max_instruments = instruments,
                                 .depth = 10,
                                 .max_prints = 10,
                                 .max_requests = 8,
                                 .serve_bytes = 65536,
                                 .status_interval_ns = 100000000};
    publisher_sink sink = {.emit = on_emit, .answer = on_answer, .ready = on_ready};
    EXPECT_I64(publisher_alloc(&w.publisher, &options, w.books, &sink, NULL), TW_OK);
    publisher_start_epoch(w.publisher, "A");
}

static void fini(void) {
    publisher_free(w.publisher);
    ob_books_free(w.books);
    wire_arena_fini(&w.arena);
}

static void define(uint32_t instrument, uint32_t number, uint64_t lot) {
    tw_instrument entry = {.price_exponent = -4, .round_lot = lot};
    tw_text_format(entry.symbol, sizeof entry.symbol, "S%u", number);
    publisher_define(w.publisher, instrument, &entry, &(publisher_stamp){.seq = 1});
}

static void flush(void) {
    publisher_flush(w.publisher, 7);
}

TEST(directory_changes, a_new_entry_and_then_its_change_are_told_each_with_the_version_before) {
    init(8);
    define(0, 0, 100);
    define(1, 1, 1);
    ob_change change;
    EXPECT_I64(ob_order_add(w.books, 0, 1, TW_BID, 10, 5, &change), OB_OK);
    publisher_mark_book(w.publisher, 0, TW_SIDES_BOTH, 0, &(publisher_stamp){.seq = 7});
    flush();
    EXPECT_U64(w.messages, 1);
    EXPECT(w.told_before_book);
    EXPECT_U64(w.last.prev_version, 0);
    EXPECT_U64(w.last.version, 2);
    EXPECT_U64(w.last.partition, 3);
    EXPECT_I64(w.last.publish_ns, 7);
    EXPECT_STR(w.symbols[0], "S0");
    EXPECT_STR(w.symbols[1], "S1");
    EXPECT(w.last.last);
    define(1, 1, 1); /* as it was */
    flush();
    EXPECT_U64(w.messages, 1);
    define(1, 1, 10);
    flush();
    EXPECT_U64(w.messages, 2);
    EXPECT_U64(w.last.prev_version, 2);
    EXPECT_U64(w.last.version, 3);
    EXPECT_U64(w.last.instrument_count, 1);
    EXPECT_STR(w.symbols[0], "S1");
    EXPECT_U64(w.lots[0], 10);
    EXPECT_U64(publisher_read_stats(w.publisher).directory_changes, 2);
    fini();
}

TEST(directory_changes, eight_thousand_entries_at_the_start_of_a_day_leave_a_portion_at_each_flush) {
    init(SPACE);
    for (uint32_t i = 0; i < 8000; i++)
        define(i, i, i + 1);
    uint32_t flushes = 0;
    while (!w.last.last && flushes < 100) {
        uint32_t before = w.messages;
        flush();
        EXPECT(w.messages - before <= 1);
        flushes++;
    }
    EXPECT_U64(w.largest, 192);
    EXPECT_U64(flushes, (8000 + 191) / 192);
    EXPECT_U64(w.follower.version, 8000);
    for (uint32_t i = 0; i < 8000; i++)
        EXPECT_U64(w.follower.lots[i], i + 1);
    EXPECT_U64(publisher_flush(w.publisher, 8), 0);
    fini();
}

TEST(directory_changes, nothing_leaves_while_the_sink_is_not_ready_and_what_changes_twice_is_told_once) {
    init(8);
    w.ready = false;
    define(0, 0, 100);
    define(1, 1, 100);
    flush();
    define(0, 0, 50);
    flush();
    EXPECT_U64(w.messages, 0);
    w.ready = true;
    flush();
    EXPECT_U64(w.messages, 1);
    EXPECT_U64(w.last.instrument_count, 2);
    EXPECT_STR(w.symbols[0], "S1"); /* in the order of the last change */
    EXPECT_STR(w.symbols[1], "S0");
    EXPECT_U64(w.lots[1], 50);
    EXPECT_U64(w.last.version, 3);
    fini();
}

TEST(directory_changes, who_missed_the_last_message_sees_it_in_the_feed_status_and_who_missed_another_in_the_next) {
    init(8);
    define(0, 0, 100);
    publisher_tick(w.publisher, 1);
    EXPECT_U64(w.feed.directory_version, 0); /* not told yet, so nobody missed it */
    flush();
    publisher_tick(w.publisher, 200000000);
    EXPECT_U64(w.feed.directory_version, 1);
    tw_random random;
    tw_random_seed(&random, 1);
    w.deaf = &random;
    while (!w.follower.ask) {
        define(0, 0, publisher_read_stats(w.publisher).directory_changes + 200);
        flush();
    }
    EXPECT(w.last.prev_version > w.follower.version);
    fini();
}

TEST(directory_changes, a_symbol_that_leaves_breaks_the_chain_so_that_receivers_ask_again) {
    init(8);
    define(0, 0, 100);
    define(1, 1, 100);
    flush();
    EXPECT(!w.follower.ask);
    define(1, 2, 100); /* S1 is no more */
    flush();
    EXPECT_U64(w.last.prev_version, 3);
    EXPECT_U64(w.last.version, 4);
    EXPECT(w.follower.ask);
    publisher_request(w.publisher, "instruments.XNAS", "to.me", NULL, 0, 1);
    publisher_serve(w.publisher, 1);
    EXPECT(!w.follower.ask);
    EXPECT_U64(w.follower.version, 4);
    EXPECT_U64(w.follower.lots[1], 0);
    EXPECT_U64(w.follower.lots[2], 100);
    tw_instrument nameless = {.symbol = ""};
    publisher_define(w.publisher, 0, &nameless, &(publisher_stamp){.seq = 2}); /* S0 leaves, nothing comes for it */
    flush();
    EXPECT_U64(w.last.instrument_count, 0);
    EXPECT(w.follower.ask);
    fini();
}

TEST(directory_changes, a_new_epoch_starts_from_an_empty_directory_and_forgets_what_waited) {
    init(8);
    w.ready = false;
    define(0, 0, 100);
    define(1, 1, 100);
    flush();
    publisher_start_epoch(w.publisher, "B");
    w.ready = true;
    define(0, 5, 10);
    flush();
    EXPECT_U64(w.messages, 1);
    EXPECT_STR(w.last.epoch, "B");
    EXPECT_U64(w.last.prev_version, 0);
    EXPECT_U64(w.last.version, 1);
    EXPECT_U64(w.last.instrument_count, 1);
    EXPECT_STR(w.symbols[0], "S5");
    fini();
}

TEST(directory_changes, what_comes_on_the_subject_of_changes_is_no_request) {
    init(8);
    define(0, 0, 100);
    flush();
    uint32_t version = (uint32_t)w.follower.version;
    publisher_request(w.publisher, CHANGES, "to.me", NULL, 0, 1);
    EXPECT(!publisher_serve(w.publisher, 1));
    publisher_stats stats = publisher_read_stats(w.publisher);
    EXPECT_U64(stats.snapshots_served, 0);
    EXPECT_U64(stats.requests_bad, 0);
    EXPECT_U64(w.follower.version, version);
    fini();
}

static void ask(void) {
    w.follower.waiting = true;
    w.follower.asked++;
    publisher_request(w.publisher, "instruments.XNAS", "to.me", NULL, 0, 1);
}

TEST(directory_changes, an_answer_covers_what_waited_then_and_not_what_changed_since) {
    init(1024);
    for (uint32_t lot = 1; lot <= 3; lot++) {
        for (uint32_t i = 0; i < 500; i++)
            define(i, i, lot);
    }
    ask(); /* answered at version 1500, before anything was told */
    while (publisher_serve(w.publisher, 1))
        continue;
    EXPECT_U64(w.follower.version, 1500);
    for (uint32_t i = 0; i < 400; i++)
        define(i, i, 4);
    while (publisher_flush(w.publisher, 8) > 0)
        continue;
    EXPECT_U64(w.messages, 3);
    EXPECT_U64(w.follower.asked, 1);
    EXPECT(!w.follower.ask);
    EXPECT_U64(w.follower.version, 1900);
    for (uint32_t i = 0; i < 500; i++)
        EXPECT_U64(w.follower.lots[i], i < 400 ? 4 : 3);
    fini();
}

/* One step of a day: definitions, changes, a symbol that moves, flushes while the sink comes and goes. */
static void random_step(tw_random *random, uint32_t *symbol_of, uint32_t count) {
    uint32_t instrument = (uint32_t)tw_random_below(random, count), what = (uint32_t)tw_random_below(random, 100);
    if (tw_random_below(random, 300) == 0) w.ready = !w.ready; /* long enough that portions wait */
    if (what < 70) {
        define(instrument, symbol_of[instrument], 1 + tw_random_below(random, 5));
    } else if (what < 72) {
        symbol_of[instrument] = (uint32_t)tw_random_below(random, SPACE);
        define(instrument, symbol_of[instrument], 1 + tw_random_below(random, 5));
    } else if (what < 90) {
        flush();
    } else if (w.ready && w.follower.ask && !w.follower.waiting) {
        ask();
    } else {
        publisher_serve(w.publisher, 1);
    }
}

static void have_the_same(uint64_t seed) {
    EXPECT(!w.follower.ask);
    uint64_t version = w.follower.version;
    follower mine = w.follower;
    ask();
    while (publisher_serve(w.publisher, 1))
        continue;
    EXPECT_MSG(w.follower.version == version, "seed %llu: at version %llu, the directory is at %llu",
               (unsigned long long)seed, (unsigned long long)version, (unsigned long long)w.follower.version);
    EXPECT_MSG(memcmp(mine.lots, w.follower.lots, sizeof mine.lots) == 0, "seed %llu: another directory",
               (unsigned long long)seed);
}

TEST(directory_changes, who_follows_the_rules_has_the_directory_in_the_end_whatever_it_did_not_hear) {
    uint32_t asked = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        init(600);
        tw_random random, deaf;
        tw_random_seed(&random, seed);
        tw_random_seed(&deaf, seed + 1000);
        w.deaf = &deaf;
        w.follower.ask = true; /* a late joiner */
        uint32_t symbol_of[600];
        for (uint32_t i = 0; i < 600; i++)
            symbol_of[i] = i;
        for (uint32_t step = 0; step < 3000; step++)
            random_step(&random, symbol_of, 600);
        w.deaf = NULL;
        w.ready = true;
        define(0, symbol_of[0], 1000); /* the last change is heard: it shows whether something is missing */
        while (publisher_flush(w.publisher, 8) > 0)
            continue;
        if (w.follower.ask && !w.follower.waiting) ask();
        while (publisher_serve(w.publisher, 1))
            continue;
        have_the_same(seed);
        asked += w.follower.asked;
        fini();
    }
    EXPECT(asked > 40);
}
