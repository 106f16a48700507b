/* A LOBSTER day on the market: what a trader would see, and what is said of files that do not fit together. */
#include <stdarg.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/text.h"
#include "ingest/line/lobster_feed.h"
#include "tests/support/temporary_file.h"
#include "tests/unit.h"

#define MIDNIGHT INT64_C(1340251200000000000) /* 2012-06-21 in New York */

/* Everything the listener hears, as a list of words. */
typedef struct desk {
    char heard[4096];
    market *market;
    uint64_t books, prints, volume, hidden, applied;
} desk;

static void hear(desk *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hear(desk *self, const char *format, ...) {
    size_t length = strlen(self->heard);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->heard + length, sizeof self->heard - length, format, arguments);
    va_end(arguments);
}

static void on_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    (void)instrument, (void)stamp;
    hear(context, "instrument %s exponent %d; ", entry->symbol, (int)entry->price_exponent);
}
static void on_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)instrument, (void)sides, (void)rank, (void)stamp;
    ((desk *)context)->books++;
}
static void on_print(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    desk *self = context;
    (void)instrument, (void)stamp;
    self->prints++;
    if (print->kind == TW_PRINT_TRADE) self->volume += print->quantity;
    if (print->kind == TW_PRINT_HIDDEN) self->hidden += print->quantity;
    hear(self, "%s %d x %d %s; ", tw_print_kind_name(print->kind), (int)print->price, (int)print->quantity,
         tw_aggressor_name(print->aggressor));
}
static void on_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    (void)instrument, (void)reason, (void)stamp;
    hear(context, "%s; ", tw_trading_state_name(state));
}
static void on_book_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp) {
    (void)instrument;
    hear(context, "%s %s at %d; ", tw_book_state_name(state), tw_state_cause_name(cause), (int)stamp->seq);
}
static void on_short_sale(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)restriction, (void)stamp;
}
static void on_collar(void *context, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)reference, (void)upper, (void)lower, (void)stamp;
}
static void on_imbalance(void *context, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)imbalance, (void)stamp;
}
static void on_applied(void *context, const tw_stamp *stamp) {
    desk *self = context;
    self->applied++;
    EXPECT_U64(stamp->seq, self->applied);
}

static void open_desk(desk *self) {
    *self = (desk){0};
    market_limits limits = {.max_instruments = 4, .max_orders = 4096, .max_levels = 4096};
    market_listener listener = {.context = self,
                                .on_instrument = on_instrument,
                                .on_book = on_book,
                                .on_print = on_print,
                                .on_trading_state = on_trading_state,
                                .on_short_sale = on_short_sale,
                                .on_collar = on_collar,
                                .on_imbalance = on_imbalance,
                                .on_book_state = on_book_state};
    tw_error error;
    EXPECT_MSG(market_alloc(&self->market, &limits, &listener, &error) == TW_OK, "%s", error.text);
    market_start_day(self->market);
}

/* A folder of its own for a pair of files with the names that LOBSTER gives. */
typedef struct pair {
    char folder[200];
    char messages[300];
    char books[300];
} pair;

static void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    EXPECT(file != NULL && fwrite(bytes, 1, length, file) == length);
    fclose(file);
}

/* `books` NULL: there is no order book file; `packed`: it is there as .csv.zst beside a plain message file. */
static pair write_pair(const char *messages, const char *books, bool packed) {
    pair made;
    const char *folder = getenv("TMPDIR");
    snprintf(made.folder, sizeof made.folder, "%s/tickwire-lobster-XXXXXX", folder != NULL ? folder : "/tmp");
    EXPECT(mkdtemp(made.folder) != NULL);
    snprintf(made.messages, sizeof made.messages, "%s/TEST_2012-06-21_1_2_message_1.csv", made.folder);
    snprintf(made.books, sizeof made.books, "%s/TEST_2012-06-21_1_2_orderbook_1.csv%s", made.folder,
             packed ? ".zst" : "");
    write_file(made.messages, messages, strlen(messages));
    if (books == NULL) return made;
    uint8_t bytes[4096];
    size_t length = strlen(books);
    if (packed) length = ZSTD_compress(bytes, sizeof bytes, books, length, 1);
    write_file(made.books, packed ? (const void *)bytes : books, length);
    return made;
}

static void remove_pair(const pair *gone) {
    unlink(gone->messages);
    unlink(gone->books);
    rmdir(gone->folder);
}

static lobster_feed *feed_of(desk *self, const char *path) {
    lobster_feed *feed;
    lobster_feed_options options = {.on_applied = on_applied, .context = self};
    tw_error error = {0};
    EXPECT_MSG(lobster_feed_alloc(&feed, self->market, path, &options, &error) == TW_OK, "%s", error.text);
    lobster_feed_start_day(feed, MIDNIGHT);
    return feed;
}

static lobster_feed_row run(lobster_feed *feed, tw_error *error) {
    lobster_feed_row row;
    int64_t event_ns;
    *error = (tw_error){0};
    while ((row = lobster_feed_peek(feed, &event_ns, error)) == LOBSTER_FEED_ROW)
        lobster_feed_step(feed);
    EXPECT_I64(lobster_feed_peek(feed, &event_ns, error), row);
    return row;
}

static const char MESSAGES[] = "34200.1,1,1,18,1000,1\n"
                               "34200.2,4,1,8,1000,1\r\n"
                               "34200.3,5,0,3,1005,-1\n"
                               "34200.4,7,0,0,-1,-1\n"
                               "34200.5,7,0,0,1,-1\n"
                               "34200.6,6,-1,500,1006,-1\n"
                               "34200.7,3,77,7,1010,-1"; /* an order of before, and no line feed at the end */
static const char BOOKS[] = "1010,7,1000,20\n1010,7,1000,12\n1010,7,1000,12\n1010,7,1000,12\n1010,7,1000,12\n"
                            "1010,7,1000,12\n1020,9,1000,12\n\n\n";
#define TAPE "TRADE 1000 x 8 SELL; HIDDEN 1005 x 3 BUY; HALTED; OPEN; CROSS 1006 x 500 UNKNOWN; "

TEST(lobster_feed, a_pair_of_files_gives_book_tape_and_states) {
    for (int packed = 0; packed < 2; packed++) {
        desk self;
        tw_error error;
        int64_t event_ns;
        tw_level level;
        open_desk(&self);
        pair files = write_pair(MESSAGES, BOOKS, packed != 0);
        lobster_feed *feed = feed_of(&self, files.messages);
        EXPECT(lobster_feed_has_books(feed));
        EXPECT_STR(lobster_feed_symbol(feed), "TEST");
        EXPECT_I64(lobster_feed_peek(feed, &event_ns, &error), LOBSTER_FEED_ROW);
        EXPECT_I64(event_ns, MIDNIGHT + INT64_C(34200100000000));
        EXPECT_MSG(run(feed, &error) == LOBSTER_FEED_END, "%s", error.text);

        EXPECT_STR(self.heard, "instrument TEST exponent -4; " TAPE);
        EXPECT_U64(self.applied, 7);
        EXPECT_U64(ob_book_top(market_books(self.market), 0, TW_ASK, &level, 1), 1);
        EXPECT_I64(level.price, 1020);
        EXPECT_U64(level.quantity, 9);
        EXPECT_U64(ob_book_top(market_books(self.market), 0, TW_BID, &level, 1), 1);
        EXPECT_U64(level.quantity, 12);
        EXPECT_U64(level.orders, 2);
        EXPECT_U64(lobster_feed_inconsistent(feed), 0);
        EXPECT_U64(lobster_feed_last(feed).seq, 7);
        EXPECT_I64(lobster_feed_last(feed).receive_ns, MIDNIGHT + INT64_C(34200700000000));
        lobster_feed_free(feed);
        remove_pair(&files);
        market_free(self.market);
    }
}

TEST(lobster_feed, without_an_order_book_file_the_book_starts_empty_and_unknown_orders_are_counted) {
    desk self;
    tw_error error;
    tw_level level;
    open_desk(&self);
    pair files = write_pair(MESSAGES, NULL, false);
    lobster_feed *feed = feed_of(&self, files.messages);
    EXPECT(!lobster_feed_has_books(feed));
    EXPECT(market_incomplete(self.market));
    EXPECT_MSG(run(feed, &error) == LOBSTER_FEED_END, "%s", error.text);
    EXPECT_STR(self.heard, "instrument TEST exponent -4; " TAPE);
    EXPECT_U64(ob_book_top(market_books(self.market), 0, TW_BID, &level, 1), 1);
    EXPECT_U64(level.quantity, 10);
    EXPECT_U64(market_read_stats(self.market).unknown_orders, 1);
    lobster_feed_free(feed);
    remove_pair(&files);
    market_free(self.market);
}

TEST(lobster_feed, files_that_do_not_fit_or_cannot_be_read_say_where_and_keep_the_rows_before) {
    static const struct {
        const char *messages, *books, *part;
        uint64_t applied;
    } cases[] = {
        {"34200.1,1,1,18,1000,1\nnonsense\n", BOOKS, "_message_1.csv, line 2, column 1: is not a number", 1},
        {"34200.1,1,1,18,1000,1\n34200.1,1,1\n", BOOKS, "_message_1.csv, line 2, column 4: is missing", 1},
        {MESSAGES, "1010,7,1000,20\n1010,7,1000\n", "_orderbook_1.csv, line 2, column 4: is missing", 1},
        {MESSAGES, "1010,7,1000,20\n1010,7,1000,12\n",
         "_orderbook_1.csv ends after line 2, before its message file", 2},
        {"34200.1,1,1,18,1000,1\n", BOOKS, "_orderbook_1.csv, line 2: the message file has no such row", 1},
        {MESSAGES, "", "_orderbook_1.csv ends after line 0, before its message file", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        desk self;
        tw_error error;
        open_desk(&self);
        pair files = write_pair(cases[i].messages, cases[i].books, false);
        lobster_feed *feed = feed_of(&self, files.messages);
        EXPECT_MSG(run(feed, &error) == LOBSTER_FEED_DAMAGED, "case %zu was read", i);
        EXPECT_CONTAINS(error.text, cases[i].part);
        EXPECT_MSG(self.applied == cases[i].applied, "case %zu: %d rows", i, (int)self.applied);
        lobster_feed_free(feed);
        remove_pair(&files);
        market_free(self.market);
    }
}

TEST(lobster_feed, rows_that_contradict_their_order_book_row_are_counted_and_the_book_follows_the_row) {
    desk self;
    tw_error error;
    tw_level level;
    open_desk(&self);
    pair files = write_pair("34200.1,1,1,18,1000,1\n34200.2,4,1,8,1000,1\n34200.3,2,1,1,1000,1\n",
                            "1010,7,1000,20\n1010,7,1000,15\n1010,7,1000,14\n", false);
    lobster_feed *feed = feed_of(&self, files.messages);
    EXPECT_I64(run(feed, &error), LOBSTER_FEED_END);
    EXPECT_U64(lobster_feed_inconsistent(feed), 1);
    EXPECT_STR(self.heard, "instrument TEST exponent -4; STALE INCONSISTENT at 2; TRADE 1000 x 8 SELL; ");
    EXPECT_U64(ob_book_top(market_books(self.market), 0, TW_BID, &level, 1), 1);
    EXPECT_U64(level.quantity, 14);
    lobster_feed_free(feed);
    remove_pair(&files);
    market_free(self.market);
}

TEST(lobster_feed, what_cannot_be_opened_says_why) {
    desk self;
    tw_error error = {0};
    lobster_feed *feed;
    lobster_feed_options options = {0};
    open_desk(&self);
    EXPECT_I64(
        lobster_feed_alloc(&feed, self.market, "/nonexistent/A_2012-06-21_1_2_message_1.csv", &options, &error),
        TW_NOT_FOUND);
    EXPECT(feed == NULL);
    pair files = write_pair(MESSAGES, "1,2,3\n", false);
    EXPECT_I64(lobster_feed_alloc(&feed, self.market, files.messages, &options, &error), TW_MALFORMED);
    EXPECT_CONTAINS(error.text, "_orderbook_1.csv, line 1: no order book row (four columns a level)");
    remove_pair(&files);
    pair locked = write_pair(MESSAGES, NULL, false);
    EXPECT_I64(mkdir(locked.books, 0700), 0); /* there, but no file */
    EXPECT_I64(lobster_feed_alloc(&feed, self.market, locked.messages, &options, &error), TW_IO);
    EXPECT_CONTAINS(error.text, "Is a directory");
    rmdir(locked.books);
    remove_pair(&locked);
    temporary_file unnamed = temporary_file_write(".csv", MESSAGES, sizeof MESSAGES - 1);
    EXPECT_I64(lobster_feed_alloc(&feed, self.market, unnamed.path, &options, &error), TW_INVALID);
    EXPECT_CONTAINS(error.text, "is not named like a LOBSTER file");
    options.symbol = "GIVEN";
    EXPECT_MSG(lobster_feed_alloc(&feed, self.market, unnamed.path, &options, &error) == TW_OK, "%s", error.text);
    EXPECT_STR(lobster_feed_symbol(feed), "GIVEN");
    lobster_feed_free(feed);
    lobster_feed_free(NULL);
    temporary_file_remove(&unnamed);
    market_free(self.market);
}

TEST(lobster_feed, a_recorded_day_has_the_volume_of_its_file_and_ends_with_its_last_row) {
    const char *found = unit_recording("lobster/AMZN_2012-06-21_34200000_57600000_message_5.csv.gz");
    if (found == NULL) SKIP("the LOBSTER recordings are not here");
    desk self;
    tw_error error;
    tw_level bids[8], asks[8];
    open_desk(&self);
    lobster_feed *feed = feed_of(&self, found);
    EXPECT_MSG(run(feed, &error) == LOBSTER_FEED_END, "%s", error.text);
    tw_state_cause cause;
    EXPECT_U64(self.applied, 155935);
    EXPECT_U64(self.prints, 8974 + 2445);
    EXPECT_U64(lobster_feed_inconsistent(feed), 0);
    EXPECT_I64(market_book_state(self.market, 0, &cause), TW_BOOK_OK);
    EXPECT_U64(ob_book_top(market_books(self.market), 0, TW_BID, bids, 8), 5);
    EXPECT_U64(ob_book_top(market_books(self.market), 0, TW_ASK, asks, 8), 5);
    EXPECT_I64(bids[0].price, 2205100);
    EXPECT_U64(bids[0].quantity, 249);
    EXPECT_I64(asks[4].price, 2207400);
    EXPECT_U64(asks[4].quantity, 800);
    EXPECT_MSG(self.volume == 613248 && self.hidden == 197507, "volume %" PRIu64 " hidden %" PRIu64, self.volume,
               self.hidden);
    lobster_feed_free(feed);
    market_free(self.market);
}
