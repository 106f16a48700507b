/* What each ITCH 5.0 message means for books, tape and states. Bytes are itch50.c's job, books the market's. */
#include "ingest/market/itch50_feed.h"

#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

void itch50_feed_init(itch50_feed *feed, struct market *target, const itch50_feed_options *options) {
    *feed = (itch50_feed){.market = target, .options = *options};
    feed->last.event_ns = TW_TIME_ABSENT;
    feed->last.receive_ns = TW_TIME_ABSENT;
}

void itch50_feed_start_day(itch50_feed *feed, int64_t midnight_ns) {
    feed->midnight_ns = midnight_ns;
    feed->last = (tw_stamp){.event_ns = TW_TIME_ABSENT, .receive_ns = TW_TIME_ABSENT};
}

/* ---- which instrument ---- */

static bool is_wanted(const itch50_feed *feed, const char *stock) {
    return feed->options.only == NULL || strcmp(feed->options.only, stock) == 0;
}

/* Texts travel on as protobuf strings and in subjects: bytes that are no printable ASCII must not get there. */
static bool is_printable(char c) {
    return c >= ' ' && c <= '~';
}

static bool is_name(const char *stock) {
    for (const char *c = stock; *c != '\0'; c++)
        if (!is_printable(*c)) return false;
    return stock[0] != '\0';
}

static char printable(char c) {
    return is_printable(c) || c == '\0' ? c : '?';
}

static void copy_printable(char *target, const char *text) {
    for (; *text != '\0'; text++)
        *target++ = printable(*text);
    *target = '\0';
}

/* A message that names its stock makes the instrument known: a recording may have lost its directory. */
static uint32_t instrument_of(itch50_feed *feed, const itch50_message *m, const tw_stamp *stamp) {
    uint32_t instrument = instruments_by_locate(market_instruments(feed->market), m->locate);
    if (instrument != INSTRUMENT_NONE) return instrument;
    const char *stock = itch50_stock(m);
    if (stock == NULL || !is_wanted(feed, stock) || !is_name(stock)) return INSTRUMENT_NONE;
    instrument = market_instrument(feed->market, stock, ITCH50_PRICE_EXPONENT, stamp);
    if (instrument != INSTRUMENT_NONE && m->locate != 0) market_bind_locate(feed->market, m->locate, instrument);
    return instrument;
}

/* The directory decides what a locate code means today, whatever was believed before. */
static void apply_directory(itch50_feed *feed, const itch50_message *m, const tw_stamp *stamp) {
    if (!is_wanted(feed, m->u.directory.stock)) return;
    uint32_t instrument = market_instrument(feed->market, m->u.directory.stock, ITCH50_PRICE_EXPONENT, stamp);
    if (instrument == INSTRUMENT_NONE) return;
    market_bind_locate(feed->market, m->locate, instrument);
    tw_instrument entry = {.price_exponent = ITCH50_PRICE_EXPONENT,
                           .round_lot = m->u.directory.round_lot,
                           .locate = m->locate,
                           .test = m->u.directory.authenticity == 'T',
                           .market = printable(m->u.directory.market_category)};
    market_directory(feed->market, instrument, &entry, stamp);
}

/* ---- states ---- */

static tw_trading_state trading_state_of(char code) {
    switch (code) {
    case 'T':
        return TW_TRADING_OPEN;
    case 'Q':
        return TW_TRADING_QUOTATION_ONLY;
    case 'P':
        return TW_TRADING_PAUSED;
    case 'H':
        return TW_TRADING_HALTED;
    default:
        return TW_TRADING_UNKNOWN;
    }
}

static tw_short_sale short_sale_of(char code) {
    switch (code) {
    case '0':
        return TW_SHORT_SALE_NONE;
    case '1':
        return TW_SHORT_SALE_INTRADAY;
    case '2':
        return TW_SHORT_SALE_CARRIED;
    default:
        return TW_SHORT_SALE_UNKNOWN;
    }
}

static void apply_trading_action(itch50_feed *feed, uint32_t instrument, const itch50_message *m,
                                 const tw_stamp *stamp) {
    char reason[sizeof m->u.trading_action.reason];
    copy_printable(reason, m->u.trading_action.reason);
    market_trading_state(feed->market, instrument, trading_state_of(m->u.trading_action.state), reason, stamp);
}

/* An operational halt of another market of the group says nothing about this one's book. */
static void apply_operational_halt(itch50_feed *feed, uint32_t instrument, const itch50_message *m,
                                   const tw_stamp *stamp) {
    char own = feed->options.market == 0 ? 'Q' : feed->options.market;
    if (m->u.operational_halt.market != own) return;
    bool halted = m->u.operational_halt.action == 'H';
    market_trading_state(feed->market, instrument, halted ? TW_TRADING_HALTED : TW_TRADING_OPEN,
                         halted ? "OPHALT" : "", stamp);
}

/* In ITCH a price of 0 in an auction message means "none". */
static int64_t auction_price(uint32_t price) {
    return price == 0 ? TW_PRICE_ABSENT : (int64_t)price;
}

static tw_cross_kind cross_kind_of(char code) {
    switch (code) {
    case 'O':
        return TW_CROSS_OPENING;
    case 'C':
        return TW_CROSS_CLOSING;
    case 'H':
        return TW_CROSS_HALT_IPO;
    case 'I':
        return TW_CROSS_INTRADAY;
    case 'A':
        return TW_CROSS_EXTENDED;
    default:
        return TW_CROSS_NONE;
    }
}

static tw_imbalance_direction direction_of(char code) {
    switch (code) {
    case 'B':
        return TW_IMBALANCE_BUY;
    case 'S':
        return TW_IMBALANCE_SELL;
    case 'O':
        return TW_IMBALANCE_INSUFFICIENT;
    case 'P':
        return TW_IMBALANCE_PAUSED;
    default:
        return TW_IMBALANCE_NONE;
    }
}

static void apply_imbalance(itch50_feed *feed, uint32_t instrument, const itch50_message *m,
                            const tw_stamp *stamp) {
    tw_imbalance imbalance = {.cross = cross_kind_of(m->u.noii.cross),
                              .direction = direction_of(m->u.noii.direction),
                              .paired_quantity = m->u.noii.paired,
                              .imbalance_quantity = m->u.noii.imbalance,
                              .far_price = auction_price(m->u.noii.far),
                              .near_price = auction_price(m->u.noii.near),
                              .reference_price = auction_price(m->u.noii.reference),
                              .variation = m->u.noii.variation == ' ' ? 0 : printable(m->u.noii.variation)};
    market_imbalance(feed->market, instrument, &imbalance, stamp);
}

/* ---- tape ---- */

/* A hidden order was executed. Its side is not disclosed (the field is always 'B'), so neither is the aggressor. */
static void apply_trade(itch50_feed *feed, uint32_t instrument, const itch50_message *m, const tw_stamp *stamp) {
    tw_print print = {.seq = stamp->seq,
                      .kind = TW_PRINT_HIDDEN,
                      .price = (int64_t)m->u.trade.price,
                      .quantity = m->u.trade.shares,
                      .match_id = m->u.trade.match_id,
                      .event_ns = stamp->event_ns};
    market_print(feed->market, instrument, &print, stamp);
}

/* A cross without shares says that there was none. */
static void apply_cross(itch50_feed *feed, uint32_t instrument, const itch50_message *m, const tw_stamp *stamp) {
    if (m->u.cross.shares == 0) return;
    tw_print print = {.seq = stamp->seq,
                      .kind = TW_PRINT_CROSS,
                      .cross = cross_kind_of(m->u.cross.cross),
                      .price = (int64_t)m->u.cross.price,
                      .quantity = m->u.cross.shares,
                      .match_id = m->u.cross.match_id,
                      .event_ns = stamp->event_ns};
    market_print(feed->market, instrument, &print, stamp);
}

static void apply_broken(itch50_feed *feed, uint32_t instrument, const itch50_message *m, const tw_stamp *stamp) {
    tw_print print = {.seq = stamp->seq,
                      .kind = TW_PRINT_BREAK,
                      .price = TW_PRICE_ABSENT,
                      .match_id = m->u.broken.match_id,
                      .event_ns = stamp->event_ns};
    market_print(feed->market, instrument, &print, stamp);
}

/* ---- one message ---- */

static void apply_add(struct market *books, uint32_t instrument, const itch50_message *m, const tw_stamp *stamp) {
    char participant[ITCH50_MPID_BYTES];
    copy_printable(participant, m->u.add.mpid);
    market_add(books, instrument, m->u.add.order_id, m->u.add.side == 'B' ? TW_BID : TW_ASK,
               (int64_t)m->u.add.price, m->u.add.shares, participant, stamp);
}

static void apply_order(itch50_feed *feed, uint32_t instrument, const itch50_message *m, const tw_stamp *stamp) {
    struct market *books = feed->market;
    switch (m->type) {
    case ITCH50_ADD_ORDER:
    case ITCH50_ADD_ORDER_MPID:
        apply_add(books, instrument, m, stamp);
        break;
    case ITCH50_ORDER_EXECUTED:
        market_execute(books, instrument, m->u.executed.order_id, m->u.executed.shares, TW_PRICE_ABSENT,
                       m->u.executed.match_id, true, stamp);
        break;
    case ITCH50_ORDER_EXECUTED_PRICE:
        market_execute(books, instrument, m->u.executed.order_id, m->u.executed.shares,
                       (int64_t)m->u.executed.price, m->u.executed.match_id, m->u.executed.printable == 'Y', stamp);
        break;
    case ITCH50_ORDER_CANCEL:
        market_reduce(books, instrument, m->u.cancel.order_id, m->u.cancel.shares, stamp);
        break;
    case ITCH50_ORDER_DELETE:
        market_delete(books, instrument, m->u.deleted.order_id, stamp);
        break;
    default: /* ITCH50_ORDER_REPLACE */
        market_replace(books, instrument, m->u.replace.old_order_id, m->u.replace.new_order_id,
                       (int64_t)m->u.replace.price, m->u.replace.shares, stamp);
    }
}

static void apply_message(itch50_feed *feed, const itch50_message *m, const tw_stamp *stamp) {
    if (m->type == ITCH50_STOCK_DIRECTORY) {
        apply_directory(feed, m, stamp);
        return;
    }
    if (m->type == ITCH50_SYSTEM_EVENT) {
        if (feed->options.on_system_event != NULL)
            feed->options.on_system_event(feed->options.context, m->u.system_event.code, stamp);
        return;
    }
    uint32_t instrument = instrument_of(feed, m, stamp);
    switch (m->type) {
    case ITCH50_ADD_ORDER:
    case ITCH50_ADD_ORDER_MPID:
    case ITCH50_ORDER_EXECUTED:
    case ITCH50_ORDER_EXECUTED_PRICE:
    case ITCH50_ORDER_CANCEL:
    case ITCH50_ORDER_DELETE:
    case ITCH50_ORDER_REPLACE:
        apply_order(feed, instrument, m, stamp);
        break;
    case ITCH50_TRADE:
        apply_trade(feed, instrument, m, stamp);
        break;
    case ITCH50_CROSS_TRADE:
        apply_cross(feed, instrument, m, stamp);
        break;
    case ITCH50_BROKEN_TRADE:
        apply_broken(feed, instrument, m, stamp);
        break;
    case ITCH50_NOII:
        apply_imbalance(feed, instrument, m, stamp);
        break;
    case ITCH50_TRADING_ACTION:
        apply_trading_action(feed, instrument, m, stamp);
        break;
    case ITCH50_REG_SHO:
        market_short_sale(feed->market, instrument, short_sale_of(m->u.reg_sho.action), stamp);
        break;
    case ITCH50_LULD_COLLAR:
        market_collar(feed->market, instrument, auction_price(m->u.luld_collar.reference),
                      auction_price(m->u.luld_collar.upper), auction_price(m->u.luld_collar.lower), stamp);
        break;
    case ITCH50_OPERATIONAL_HALT:
        apply_operational_halt(feed, instrument, m, stamp);
        break;
    default:
        break; /* counted by type; no channel carries it */
    }
}

/* ---- bursts ---- */

#define ORDER_ID_OFFSET 11u
#define ORDER_ID_END    19u

/* Every order message has its locate code and its order's id at the same offsets (specification, 1.3 and 1.4), so the
 * memory can be asked for before anything is decoded. What another type has there does no harm to a hint. */
static void prefetch(const itch50_feed *feed, unsigned stage, const feed_message *message) {
    if (message->length < ORDER_ID_END) return;
    uint32_t instrument = instruments_by_locate(market_instruments(feed->market), tw_load_be16(message->bytes + 1));
    ob_prefetch(market_books(feed->market), stage, instrument, tw_load_be64(message->bytes + ORDER_ID_OFFSET));
}

static void malformed(itch50_feed *feed, itch50_result why, const feed_message *message, const tw_stamp *stamp) {
    if (feed->options.on_malformed != NULL) feed->options.on_malformed(feed->options.context, why, message);
    if (why == ITCH50_UNKNOWN_TYPE) { /* the specification asks receivers to pass over types they do not know */
        feed->unknown_types++;
        return;
    }
    feed->malformed++;
    uint32_t instrument = INSTRUMENT_NONE;
    if (message->length >= 3)
        instrument = instruments_by_locate(market_instruments(feed->market), tw_load_be16(message->bytes + 1));
    market_malformed(feed->market, instrument, stamp);
}

/* Bytes that can't be read have no time of their own: they keep that of the message before. */
static void take_stamp(itch50_feed *feed, const itch50_message *m, itch50_result result,
                       const feed_message *message) {
    tw_stamp *last = &feed->last;
    last->seq = message->seq;
    if (result == ITCH50_OK) last->event_ns = feed->midnight_ns + (int64_t)m->timestamp_ns;
    last->receive_ns = message->receive_ns == TW_TIME_ABSENT ? last->event_ns : message->receive_ns;
}

static void apply_one(itch50_feed *feed, const feed_message *message) {
    itch50_message decoded;
    itch50_result result = itch50_decode(message->bytes, message->length, &decoded);
    if (result == ITCH50_OK && decoded.type == ITCH50_STOCK_DIRECTORY && !is_name(decoded.u.directory.stock))
        result = ITCH50_BAD_FIELD;
    take_stamp(feed, &decoded, result, message);
    if (result == ITCH50_OK) {
        feed->by_type[(uint8_t)decoded.type]++;
        apply_message(feed, &decoded, &feed->last);
    } else {
        malformed(feed, result, message, &feed->last);
    }
    if (feed->options.on_applied != NULL) feed->options.on_applied(feed->options.context, &feed->last);
}

static void apply_burst(itch50_feed *feed, const feed_message *messages, size_t count) {
    for (unsigned stage = 0; feed->options.prefetch && stage < OB_PREFETCH_STAGES; stage++) {
        for (size_t i = 0; i < count; i++)
            prefetch(feed, stage, &messages[i]);
    }
    for (size_t i = 0; i < count; i++)
        apply_one(feed, &messages[i]);
}

void itch50_feed_apply(itch50_feed *feed, const feed_message *messages, size_t count) {
    while (count > 0) {
        size_t burst = count < ITCH50_BURST ? count : ITCH50_BURST;
        apply_burst(feed, messages, burst);
        messages += burst;
        count -= burst;
    }
}
