/* Snapshots that are well formed and still not of the session that the lines carry. */
#include "ingest/market/snapshot_check.h"

#include "base/text.h"
#include "ingest/decode/itch50.h"
#include "tests/unit.h"

#define SYMBOLS 20u
#define ORDERS  40u

typedef struct world {
    market *books;
    snapshot_check *check;
} world;

static void hear_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)entry, (void)stamp;
}
static void hear_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)sides, (void)rank, (void)stamp;
}

static const char *symbol_of(uint32_t number, char text[9]) {
    tw_text_format(text, 9, "SYM%u", number);
    return text;
}

/* Twenty instruments, each with two orders, as the lines told them; locate codes 1 to 20, order ids 1 to 40. */
static world open_world(void) {
    static const tw_stamp stamp = {.seq = 60};
    world w;
    market_limits limits = {64, 256, 256};
    market_listener listener = {.on_instrument = hear_instrument, .on_book = hear_book};
    EXPECT_I64(market_alloc(&w.books, &limits, &listener, NULL), TW_OK);
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        char text[9];
        uint32_t instrument = market_instrument(w.books, symbol_of(i, text), ITCH50_PRICE_EXPONENT, &stamp);
        market_bind_locate(w.books, (uint16_t)(i + 1), instrument);
        market_directory(w.books, instrument, &(tw_instrument){.locate = i + 1}, &stamp);
        market_add(w.books, instrument, 2 * i + 1, TW_BID, 1000 + i, 100, "", &stamp);
        market_add(w.books, instrument, 2 * i + 2, TW_ASK, 2000 + i, 100, "", &stamp);
    }
    EXPECT_I64(snapshot_check_alloc(&w.check, w.books, NULL), TW_OK);
    snapshot_check_begin(w.check, 61);
    return w;
}

static void close_world(world *w) {
    snapshot_check_free(w->check);
    market_free(w->books);
}

static void tell(world *w, itch50_message *m) {
    uint8_t bytes[ITCH50_MAX_MESSAGE_BYTES];
    snapshot_check_message(w->check, bytes, itch50_encode(m, bytes));
}

static void name(world *w, uint16_t locate, const char *stock) {
    itch50_message m = {.type = ITCH50_STOCK_DIRECTORY, .locate = locate};
    m.u.directory.round_lot = 100;
    m.u.directory.market_category = 'Q';
    m.u.directory.financial_status = 'N';
    m.u.directory.round_lots_only = 'N';
    m.u.directory.classification = 'C';
    m.u.directory.authenticity = 'P';
    m.u.directory.short_sale_threshold = 'N';
    m.u.directory.ipo_flag = 'N';
    m.u.directory.luld_tier = '1';
    m.u.directory.etp_flag = 'N';
    m.u.directory.inverse = 'N';
    tw_text_copy(m.u.directory.stock, sizeof m.u.directory.stock, stock);
    tell(w, &m);
}

static void order(world *w, uint32_t number, uint64_t id, char side, uint32_t price) {
    itch50_message m = {.type = ITCH50_ADD_ORDER, .locate = (uint16_t)(number + 1)};
    m.u.add.order_id = id;
    m.u.add.shares = 100;
    m.u.add.side = side;
    m.u.add.price = price;
    symbol_of(number, m.u.add.stock);
    tell(w, &m);
}

static void names(world *w, uint32_t count) {
    char text[9];
    for (uint32_t i = 0; i < count; i++)
        name(w, (uint16_t)(i + 1), symbol_of(i, text));
}

/* The first `count` orders of the books, their ids and prices changed by so much. */
static void orders(world *w, uint32_t count, uint64_t id_off, uint32_t price_off) {
    for (uint32_t i = 0; i < count; i++)
        order(w, i / 2, i + 1 + id_off, i % 2 == 0 ? 'B' : 'S', (i % 2 == 0 ? 1000 : 2000) + i / 2 + price_off);
}

static void expect(world *w, uint64_t join, uint64_t missed, snapshot_doubt doubt) {
    EXPECT_STR(snapshot_doubt_text(snapshot_check_judge(w->check, join, missed)), snapshot_doubt_text(doubt));
}

TEST(snapshot_check, a_snapshot_is_compared_with_what_the_lines_have_told) {
    static const struct {
        const char *what;
        uint32_t named, orders;
        uint64_t id_off, join, missed;
        uint32_t price_off;
        snapshot_doubt doubt;
    } rows[] = {
        {"the books themselves", 20, 40, 0, 61, 0, 0, SNAPSHOT_DOUBT_NONE},
        {"only the end message", 0, 0, 0, 61, 100, 0, SNAPSHOT_DOUBT_NO_DIRECTORY},
        {"names and no orders", 20, 0, 0, 61, 100, 0, SNAPSHOT_DOUBT_FEW_ORDERS},
        {"an eighth of the orders, all else deleted unseen", 20, 5, 0, 61, 35, 0, SNAPSHOT_DOUBT_NONE},
        {"less than an eighth", 20, 4, 0, 61, 36, 0, SNAPSHOT_DOUBT_FEW_ORDERS},
        {"one instrument in ten is not there", 18, 36, 0, 61, 4, 0, SNAPSHOT_DOUBT_NONE},
        {"more than that", 17, 40, 0, 61, 0, 0, SNAPSHOT_DOUBT_INSTRUMENTS},
        {"two orders gone, two messages missed", 20, 38, 0, 61, 2, 0, SNAPSHOT_DOUBT_NONE},
        {"two orders gone, one message missed", 20, 38, 0, 61, 1, 0, SNAPSHOT_DOUBT_OTHER_ORDERS},
        {"two orders gone, one message further on", 20, 38, 0, 62, 0, 0, SNAPSHOT_DOUBT_NONE},
        {"orders with other ids", 20, 40, 100, 61, 10, 0, SNAPSHOT_DOUBT_OTHER_ORDERS},
        {"the same ids at other prices", 20, 40, 0, 61, 10, 7, SNAPSHOT_DOUBT_OTHER_ORDERS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world w = open_world();
        names(&w, rows[i].named);
        orders(&w, rows[i].orders, rows[i].id_off, rows[i].price_off);
        snapshot_doubt doubt = snapshot_check_judge(w.check, rows[i].join, rows[i].missed);
        EXPECT_MSG(doubt == rows[i].doubt, "%s: '%s'", rows[i].what, snapshot_doubt_text(doubt));
        close_world(&w);
    }
}

TEST(snapshot_check, a_locate_code_or_a_symbol_that_is_another_one_s_refuses_all) {
    for (int i = 0; i < 3; i++) {
        world w = open_world();
        names(&w, SYMBOLS);
        orders(&w, ORDERS, 0, 0);
        if (i == 0) name(&w, 7, "OTHER");
        if (i == 1) name(&w, 99, "SYM7");
        if (i == 2) name(&w, 99, "NEW"); /* a new one is no contradiction */
        expect(&w, 61, 0, i < 2 ? SNAPSHOT_DOUBT_OTHER_DIRECTORY : SNAPSHOT_DOUBT_NONE);
        close_world(&w);
    }
}

TEST(snapshot_check, the_next_snapshot_is_judged_afresh) {
    world w = open_world();
    name(&w, 7, "OTHER");
    expect(&w, 61, 0, SNAPSHOT_DOUBT_OTHER_DIRECTORY);
    snapshot_check_begin(w.check, 61);
    names(&w, SYMBOLS);
    orders(&w, ORDERS, 0, 0);
    expect(&w, 61, 0, SNAPSHOT_DOUBT_NONE);
    close_world(&w);
}

TEST(snapshot_check, books_of_a_refuted_snapshot_prove_nothing_but_what_the_lines_told_before_does) {
    world w = open_world();
    names(&w, SYMBOLS);
    orders(&w, ORDERS, 0, 0);
    market_bind_locate(w.books, 3, market_instrument(w.books, "FALSE", ITCH50_PRICE_EXPONENT, &(tw_stamp){0}));
    snapshot_check_trust(w.check, false);
    snapshot_check_begin(w.check, 61);
    names(&w, SYMBOLS); /* 3 is SYM2 as the lines said, whatever the false snapshot made of it */
    orders(&w, 10, 500, 0);
    expect(&w, 61, 0, SNAPSHOT_DOUBT_NONE);
    name(&w, 3, "FALSE");
    expect(&w, 61, 0, SNAPSHOT_DOUBT_OTHER_DIRECTORY);
    close_world(&w);
}

TEST(snapshot_check, who_joined_late_and_knows_nothing_takes_any_snapshot_with_a_directory) {
    world w = open_world();
    market_start_day(w.books);
    snapshot_check_reset(w.check);
    snapshot_check_begin(w.check, 61);
    expect(&w, 61, 0, SNAPSHOT_DOUBT_NO_DIRECTORY);
    names(&w, 3);
    expect(&w, 61, 0, SNAPSHOT_DOUBT_NONE);
    close_world(&w);
}
