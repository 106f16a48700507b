/* ITCH messages onto the market: what a trader would see of books, tape and states. */
#include <stdarg.h>

#include "base/text.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/market/itch50_feed.h"
#include "tests/unit.h"

#define MIDNIGHT INT64_C(1580360400000000000) /* 2020-01-30 in New York */

/* Everything the listener hears, as a list of words. */
typedef struct desk {
    char heard[8192];
    market *market;
    itch50_feed feed;
    uint64_t seq;
    uint64_t volume_trades, volume_hidden;
} desk;

static void hear(desk *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hear(desk *self, const char *format, ...) {
    size_t length = strlen(self->heard);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->heard + length, sizeof self->heard - length, format, arguments);
    va_end(arguments);
}

static const char *symbol_of(desk *self, uint32_t instrument) {
    return market_instruments(self->market)->entries[instrument].symbol;
}

static void on_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    (void)instrument, (void)stamp;
    hear(context, "instrument %s lot %d%s; ", entry->symbol, (int)entry->round_lot, entry->test ? " test" : "");
}
static void on_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)sides, (void)stamp;
    hear(context, "book %s@%u; ", symbol_of(context, instrument), rank);
}
static void on_print(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    (void)stamp;
    desk *self = context;
    if (print->kind == TW_PRINT_TRADE) self->volume_trades += print->quantity;
    if (print->kind == TW_PRINT_HIDDEN) self->volume_hidden += print->quantity;
    hear(context, "%s %s %s %d x %d %s; ", tw_print_kind_name(print->kind), tw_cross_kind_name(print->cross),
         symbol_of(context, instrument), print->price == TW_PRICE_ABSENT ? -1 : (int)print->price,
         (int)print->quantity, tw_aggressor_name(print->aggressor));
}
static void on_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    (void)stamp;
    hear(context, "%s is %s '%s'; ", symbol_of(context, instrument), tw_trading_state_name(state), reason);
}
static void on_short_sale(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    (void)stamp;
    hear(context, "%s short sale %s; ", symbol_of(context, instrument), tw_short_sale_name(restriction));
}
static void on_collar(void *context, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const tw_stamp *stamp) {
    (void)stamp;
    hear(context, "%s collar %d %d %d; ", symbol_of(context, instrument), (int)reference, (int)upper, (int)lower);
}
static void on_imbalance(void *context, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp) {
    (void)stamp;
    hear(context, "%s imbalance %s %s %d of %d far %s; ", symbol_of(context, instrument),
         tw_cross_kind_name(imbalance->cross), tw_imbalance_direction_name(imbalance->direction),
         (int)imbalance->imbalance_quantity, (int)imbalance->paired_quantity,
         imbalance->far_price == TW_PRICE_ABSENT ? "none" : "known");
}
static void on_book_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp) {
    hear(context, "%s %s %s at %d; ", symbol_of(context, instrument), tw_book_state_name(state),
         tw_state_cause_name(cause), (int)stamp->seq);
}

static void open_desk(desk *self, uint32_t max_orders) {
    *self = (desk){0};
    market_limits limits = {.max_instruments = 8, .max_orders = max_orders, .max_levels = 4096};
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
    itch50_feed_init(&self->feed, self->market, &(itch50_feed_options){.prefetch = true});
    itch50_feed_start_day(&self->feed, MIDNIGHT);
}

/* Sends one message and gives back what was heard of it. */
static const char *send_message(desk *self, const itch50_message *message) {
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    size_t length = itch50_encode(message, bytes);
    self->heard[0] = '\0';
    feed_message raw = {bytes, (uint16_t)length, ++self->seq, TW_TIME_ABSENT};
    itch50_feed_apply(&self->feed, &raw, 1);
    return self->heard;
}

static itch50_message add(uint64_t id, char side, uint32_t shares, uint32_t price) {
    itch50_message m = {.type = 'A', .locate = 7, .timestamp_ns = 1000};
    m.u.add.order_id = id;
    m.u.add.side = side;
    m.u.add.shares = shares;
    m.u.add.price = price;
    memcpy(m.u.add.stock, "AAPL", 5);
    return m;
}

static itch50_message executed(char type, uint64_t id, uint32_t shares, uint32_t price, char printable) {
    itch50_message m = {.type = type, .locate = 7, .timestamp_ns = 2000};
    m.u.executed.order_id = id;
    m.u.executed.shares = shares;
    m.u.executed.match_id = 900 + id;
    m.u.executed.price = price;
    m.u.executed.printable = printable;
    return m;
}

TEST(itch50_feed, a_day_of_one_stock_as_its_desk_hears_it) {
    desk self;
    open_desk(&self, 100);
    itch50_message m = {.type = 'R', .locate = 7};
    memcpy(m.u.directory.stock, "AAPL", 5);
    m.u.directory.round_lot = 100;
    m.u.directory.authenticity = 'P';
    memcpy(m.u.directory.sub_type, "Z", 2);
    EXPECT_STR(send_message(&self, &m), "instrument AAPL lot 0; instrument AAPL lot 100; ");

    m = add(1, 'B', 300, 1891200);
    EXPECT_STR(send_message(&self, &m), "book AAPL@0; ");
    m = add(2, 'S', 200, 1891300);
    EXPECT_STR(send_message(&self, &m), "book AAPL@0; ");
    m = add(3, 'B', 50, 1891100);
    EXPECT_STR(send_message(&self, &m), "book AAPL@1; ");

    /* Someone sells into the bid: the print is at the resting order's price. */
    m = executed('E', 1, 100, 0, 'Y');
    EXPECT_STR(send_message(&self, &m), "book AAPL@0; TRADE NONE AAPL 1891200 x 100 SELL; ");
    /* Someone buys the offer at a better price than it asked. */
    m = executed('C', 2, 50, 1891250, 'Y');
    EXPECT_STR(send_message(&self, &m), "book AAPL@0; TRADE NONE AAPL 1891250 x 50 BUY; ");
    /* Executed inside a cross: the book changes, the tape waits for the cross itself. */
    m = executed('C', 2, 150, 1891250, 'N');
    EXPECT_STR(send_message(&self, &m), "book AAPL@0; ");
    m = (itch50_message){.type = 'Q', .locate = 7};
    m.u.cross.shares = 150;
    m.u.cross.price = 1891250;
    m.u.cross.cross = 'O';
    memcpy(m.u.cross.stock, "AAPL", 5);
    EXPECT_STR(send_message(&self, &m), "CROSS OPENING AAPL 1891250 x 150 UNKNOWN; ");
    m.u.cross.shares = 0;
    EXPECT_STR(send_message(&self, &m), ""); /* there was no cross */

    m = (itch50_message){.type = 'P', .locate = 7};
    m.u.trade.side = 'B';
    m.u.trade.shares = 10;
    m.u.trade.price = 1891220;
    memcpy(m.u.trade.stock, "AAPL", 5);
    EXPECT_STR(send_message(&self, &m), "HIDDEN NONE AAPL 1891220 x 10 UNKNOWN; ");
    m = (itch50_message){.type = 'B', .locate = 7};
    m.u.broken.match_id = 901;
    EXPECT_STR(send_message(&self, &m), "BREAK NONE AAPL -1 x 0 UNKNOWN; ");

    m = (itch50_message){.type = 'H', .locate = 7};
    memcpy(m.u.trading_action.stock, "AAPL", 5);
    m.u.trading_action.state = 'H';
    memcpy(m.u.trading_action.reason, "T1", 3);
    EXPECT_STR(send_message(&self, &m), "AAPL is HALTED 'T1'; ");
    m = (itch50_message){.type = 'Y', .locate = 7};
    memcpy(m.u.reg_sho.stock, "AAPL", 5);
    m.u.reg_sho.action = '1';
    EXPECT_STR(send_message(&self, &m), "AAPL short sale INTRADAY; ");
    m = (itch50_message){.type = 'I', .locate = 7};
    memcpy(m.u.noii.stock, "AAPL", 5);
    m.u.noii.paired = 500;
    m.u.noii.imbalance = 20;
    m.u.noii.direction = 'S';
    m.u.noii.cross = 'C';
    m.u.noii.variation = ' ';
    EXPECT_STR(send_message(&self, &m), "AAPL imbalance CLOSING SELL 20 of 500 far none; ");
    market_free(self.market);
}

TEST(itch50_feed, an_order_never_seen_makes_that_book_stale_and_no_other) {
    desk self;
    open_desk(&self, 100);
    itch50_message m = add(1, 'B', 300, 1891200);
    send_message(&self, &m);
    m = executed('E', 99, 100, 0, 'Y');
    EXPECT_STR(send_message(&self, &m), "AAPL STALE UNKNOWN_ORDER at 2; ");
    EXPECT_STR(send_message(&self, &m), ""); /* said once */
    EXPECT_U64(market_read_stats(self.market).unknown_orders, 2);
    m = add(2, 'B', 10, 500);
    m.locate = 8;
    memcpy(m.u.add.stock, "MSFT", 5);
    EXPECT_STR(send_message(&self, &m), "instrument MSFT lot 0; book MSFT@0; ");
    market_free(self.market);
}

TEST(itch50_feed, after_a_gap_unknown_orders_are_expected_and_the_feeds_state_speaks) {
    desk self;
    open_desk(&self, 100);
    itch50_message m = add(1, 'B', 300, 1891200);
    send_message(&self, &m);
    market_set_incomplete(self.market);
    m = executed('E', 99, 100, 0, 'Y');
    EXPECT_STR(send_message(&self, &m), "");
    market_free(self.market);
}

TEST(itch50_feed, an_execution_of_more_than_rests_takes_the_rest_and_taints_the_book) {
    desk self;
    open_desk(&self, 100);
    itch50_message m = add(1, 'B', 300, 1891200);
    send_message(&self, &m);
    m = executed('E', 1, 301, 0, 'Y');
    EXPECT_STR(send_message(&self, &m),
               "AAPL STALE INCONSISTENT at 2; book AAPL@0; TRADE NONE AAPL 1891200 x 301 SELL; ");
    EXPECT_U64(ob_books_orders(market_books(self.market)), 0);
    market_free(self.market);
}

TEST(itch50_feed, a_book_at_the_memory_bound_is_given_up_and_the_others_go_on) {
    desk self;
    open_desk(&self, 2);
    itch50_message m = add(1, 'B', 1, 10);
    send_message(&self, &m);
    m = add(2, 'B', 1, 11);
    m.locate = 8;
    memcpy(m.u.add.stock, "MSFT", 5);
    send_message(&self, &m);
    m = add(3, 'B', 1, 12);
    EXPECT_STR(send_message(&self, &m), "book AAPL@0; AAPL STALE CAPACITY at 3; ");
    m = add(4, 'B', 1, 13);
    EXPECT_STR(send_message(&self, &m), ""); /* its messages are passed over for the rest of the day */
    m = add(5, 'B', 1, 14);
    m.locate = 8;
    memcpy(m.u.add.stock, "MSFT", 5);
    EXPECT_STR(send_message(&self, &m), "book MSFT@0; ");
    EXPECT_U64(market_read_stats(self.market).books_given_up, 1);
    EXPECT_U64(market_read_stats(self.market).passed_over, 1);
    market_start_day(self.market);
    m = add(6, 'B', 1, 15);
    EXPECT_STR(send_message(&self, &m), "instrument AAPL lot 0; book AAPL@0; ");
    market_free(self.market);
}

TEST(itch50_feed, a_known_type_of_the_wrong_length_taints_its_book_and_an_unknown_type_does_not) {
    desk self;
    open_desk(&self, 100);
    itch50_message m = add(1, 'B', 300, 1891200);
    send_message(&self, &m);
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    size_t length = itch50_encode(&m, bytes);
    feed_message cut = {bytes, (uint16_t)(length - 1), 2, TW_TIME_ABSENT};
    uint8_t strange[11] = {'~', 0, 7};
    feed_message unknown = {strange, sizeof strange, 1, TW_TIME_ABSENT};
    self.heard[0] = '\0';
    itch50_feed_apply(&self.feed, &unknown, 1);
    EXPECT_STR(self.heard, "");
    itch50_feed_apply(&self.feed, &cut, 1);
    EXPECT_STR(self.heard, "AAPL STALE MALFORMED at 2; ");
    EXPECT_U64(self.feed.unknown_types, 1);
    EXPECT_U64(self.feed.malformed, 1);
    market_free(self.market);
}

TEST(itch50_feed, locate_codes_are_remapped_by_the_directory_of_a_new_day) {
    desk self;
    open_desk(&self, 100);
    itch50_message m = add(1, 'B', 300, 1891200);
    send_message(&self, &m);
    market_start_day(self.market);
    itch50_feed_start_day(&self.feed, MIDNIGHT + INT64_C(86400000000000));
    m = (itch50_message){.type = 'R', .locate = 7};
    memcpy(m.u.directory.stock, "ZVZZT", 6);
    m.u.directory.round_lot = 100;
    m.u.directory.authenticity = 'T';
    EXPECT_STR(send_message(&self, &m), "instrument ZVZZT lot 0; instrument ZVZZT lot 100 test; ");
    m = (itch50_message){.type = 'D', .locate = 7};
    m.u.deleted.order_id = 1; /* of yesterday */
    EXPECT_STR(send_message(&self, &m), "ZVZZT STALE UNKNOWN_ORDER at 3; ");
    market_free(self.market);
}

/* The oracle: counts and levels that the recording's README gives. */
TEST(itch50_feed, the_real_aapl_morning_ends_with_the_book_and_the_volumes_that_are_known) {
    const char *path = unit_recording("itch/nasdaq_itch50_20200130_AAPL_first10k.bin");
    if (path == NULL) SKIP("no ITCH recording of AAPL");
    static uint8_t bytes[400000];
    FILE *file = fopen(path, "rb");
    size_t length = fread(bytes, 1, sizeof bytes, file), at = 0, consumed;
    fclose(file);
    static desk self;
    open_desk(&self, 1000);
    const uint8_t *message;
    uint16_t message_length;
    while (binaryfile_next(bytes + at, length - at, &message, &message_length, &consumed) == BINARYFILE_MESSAGE) {
        self.heard[0] = '\0';
        feed_message raw = {message, message_length, ++self.seq, TW_TIME_ABSENT};
        itch50_feed_apply(&self.feed, &raw, 1);
        at += consumed;
    }
    EXPECT_U64(self.seq, 10000);
    EXPECT_U64(self.volume_trades, 56086);
    EXPECT_U64(self.volume_hidden, 25470);
    EXPECT_U64(market_read_stats(self.market).unknown_orders, 0);
    EXPECT_U64(market_read_stats(self.market).inconsistent, 0);
    const ob_books *books = market_books(self.market);
    EXPECT_U64(ob_books_orders(books), 215);
    tw_level bids[TW_MAX_DEPTH * 2], asks[TW_MAX_DEPTH * 2];
    EXPECT_U64(ob_book_top(books, 0, TW_BID, bids, 128), 79);
    EXPECT_U64(ob_book_top(books, 0, TW_ASK, asks, 128), 63);
    static const tw_level best_bids[3] = {{3201400, 25, 0}, {3201100, 101, 0}, {3200000, 417, 0}};
    static const tw_level best_asks[3] = {{3203000, 100, 0}, {3204000, 100, 0}, {3205000, 100, 0}};
    uint64_t bid_shares = 0, ask_shares = 0;
    for (int i = 0; i < 79; i++)
        bid_shares += bids[i].quantity;
    for (int i = 0; i < 63; i++)
        ask_shares += asks[i].quantity;
    EXPECT_U64(bid_shares, 10103);
    EXPECT_U64(ask_shares, 8211);
    for (int i = 0; i < 3; i++) {
        EXPECT_I64(bids[i].price, best_bids[i].price);
        EXPECT_U64(bids[i].quantity, best_bids[i].quantity);
        EXPECT_I64(asks[i].price, best_asks[i].price);
        EXPECT_U64(asks[i].quantity, best_asks[i].quantity);
    }
    market_free(self.market);
}
