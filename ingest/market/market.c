/* Applies normalised events to the books and keeps what each book's word is worth. */
#include "ingest/market/market.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef struct trust {
    uint8_t state; /* tw_book_state */
    uint8_t cause; /* tw_state_cause */
    bool given_up; /* its messages are passed over until the next day */
} trust;

struct market {
    market_listener listener;
    instruments instruments;
    ob_books *books;
    trust *trust; /* by instrument */
    bool incomplete;
    market_stats stats;
};

/* ---- what nobody listens to ---- */

static void no_instrument(void *context, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)entry, (void)stamp;
}

static void no_book(void *context, uint32_t instrument, tw_sides sides, uint32_t rank, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)sides, (void)rank, (void)stamp;
}

static void no_print(void *context, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)print, (void)stamp;
}

static void no_trading_state(void *context, uint32_t instrument, tw_trading_state state, const char *reason,
                             const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)state, (void)reason, (void)stamp;
}

static void no_short_sale(void *context, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)restriction, (void)stamp;
}

static void no_collar(void *context, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)reference, (void)upper, (void)lower, (void)stamp;
}

static void no_imbalance(void *context, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)imbalance, (void)stamp;
}

static void no_book_state(void *context, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const tw_stamp *stamp) {
    (void)context, (void)instrument, (void)state, (void)cause, (void)stamp;
}

/* Calls stay without a question on the path of a message. on_order is asked for: its event is made for it only. */
static market_listener without_gaps(const market_listener *given) {
    market_listener all = *given;
    if (all.on_instrument == NULL) all.on_instrument = no_instrument;
    if (all.on_book == NULL) all.on_book = no_book;
    if (all.on_print == NULL) all.on_print = no_print;
    if (all.on_trading_state == NULL) all.on_trading_state = no_trading_state;
    if (all.on_short_sale == NULL) all.on_short_sale = no_short_sale;
    if (all.on_collar == NULL) all.on_collar = no_collar;
    if (all.on_imbalance == NULL) all.on_imbalance = no_imbalance;
    if (all.on_book_state == NULL) all.on_book_state = no_book_state;
    return all;
}

tw_code market_alloc(market **out, const market_limits *limits, const market_listener *listener, tw_error *error) {
    *out = NULL;
    market *m = calloc(1, sizeof *m);
    if (m == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the market");
    m->listener = without_gaps(listener);
    ob_limits books = {limits->max_instruments, limits->max_orders, limits->max_levels};
    tw_code code = instruments_init(&m->instruments, limits->max_instruments, error);
    if (code == TW_OK) code = ob_books_alloc(&m->books, &books, error);
    if (code == TW_OK) {
        m->trust = calloc(limits->max_instruments, sizeof *m->trust);
        if (m->trust == NULL) code = tw_error_set(error, TW_NO_MEMORY, "no memory for the instruments' states");
    }
    if (code != TW_OK) {
        market_free(m);
        return code;
    }
    *out = m;
    return TW_OK;
}

void market_free(market *m) {
    if (m == NULL) return;
    free(m->trust);
    ob_books_free(m->books);
    instruments_fini(&m->instruments);
    free(m);
}

void market_start_day(market *m) {
    ob_books_clear(m->books);
    memset(m->trust, 0, m->instruments.count * sizeof *m->trust);
    instruments_clear(&m->instruments);
    m->incomplete = false;
}

void market_restart_books(market *m, const tw_stamp *stamp) {
    ob_books_clear(m->books);
    m->incomplete = false;
    for (uint32_t i = 0; i < m->instruments.count; i++) {
        bool doubted = m->trust[i].state != TW_BOOK_OK;
        m->trust[i] = (trust){0};
        if (doubted) m->listener.on_book_state(m->listener.context, i, TW_BOOK_OK, TW_CAUSE_NONE, stamp);
    }
}

void market_tell_books(market *m, const tw_stamp *stamp) {
    for (uint32_t i = 0; i < m->instruments.count; i++)
        m->listener.on_book(m->listener.context, i, TW_SIDES_BOTH, 0, stamp);
}

void market_set_incomplete(market *m) {
    m->incomplete = true;
}

bool market_incomplete(const market *m) {
    return m->incomplete;
}

/* ---- instruments ---- */

uint32_t market_instrument(market *m, const char *symbol, int32_t price_exponent, const tw_stamp *stamp) {
    bool added;
    uint32_t instrument = instruments_take(&m->instruments, symbol, price_exponent, &added);
    if (added)
        m->listener.on_instrument(m->listener.context, instrument, &m->instruments.entries[instrument], stamp);
    return instrument;
}

void market_directory(market *m, uint32_t instrument, const tw_instrument *entry, const tw_stamp *stamp) {
    tw_instrument *known = &m->instruments.entries[instrument];
    tw_instrument next = *entry;
    next.version = known->version;
    tw_text_copy(next.symbol, sizeof next.symbol, known->symbol);
    bool same = next.price_exponent == known->price_exponent &&
                next.quantity_exponent == known->quantity_exponent && next.tick == known->tick &&
                next.round_lot == known->round_lot && next.locate == known->locate && next.test == known->test &&
                next.market == known->market && strcmp(next.name, known->name) == 0;
    if (same) return;
    next.version++;
    *known = next;
    m->listener.on_instrument(m->listener.context, instrument, known, stamp);
}

const instruments *market_instruments(const market *m) {
    return &m->instruments;
}

void market_bind_locate(market *m, uint16_t locate, uint32_t instrument) {
    instruments_bind_locate(&m->instruments, locate, instrument);
}

/* ---- trust ---- */

static void set_trust(market *m, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                      const tw_stamp *stamp) {
    trust *known = &m->trust[instrument];
    if (known->state >= state) return; /* the first cause stays: it is where to look */
    known->state = (uint8_t)state;
    known->cause = (uint8_t)cause;
    m->listener.on_book_state(m->listener.context, instrument, state, cause, stamp);
}

/* A bound was reached. Giving this one book up frees its memory, so that the others go on. */
void market_give_up(market *m, uint32_t instrument, const tw_stamp *stamp) {
    if (instrument == INSTRUMENT_NONE || m->trust[instrument].given_up) return;
    m->stats.books_given_up++;
    m->trust[instrument].given_up = true;
    ob_book_clear(m->books, instrument);
    m->listener.on_book(m->listener.context, instrument, TW_SIDES_BOTH, 0, stamp);
    set_trust(m, instrument, TW_BOOK_STALE, TW_CAUSE_CAPACITY, stamp);
}

static void not_applied(market *m, uint32_t instrument, ob_result result, const tw_stamp *stamp) {
    switch (result) {
    case OB_UNKNOWN_ORDER:
        m->stats.unknown_orders++;
        if (!m->incomplete) set_trust(m, instrument, TW_BOOK_STALE, TW_CAUSE_UNKNOWN_ORDER, stamp);
        break;
    case OB_FULL_ORDERS:
    case OB_FULL_LEVELS:
        market_give_up(m, instrument, stamp);
        break;
    default:
        m->stats.inconsistent++;
        set_trust(m, instrument, TW_BOOK_STALE, TW_CAUSE_INCONSISTENT, stamp);
    }
}

/* False: the message is not for a live book. */
static bool takes_orders(market *m, uint32_t instrument) {
    if (instrument != INSTRUMENT_NONE && !m->trust[instrument].given_up) return true;
    m->stats.passed_over++;
    return false;
}

/* ---- orders ---- */

/* True: the book has done it. */
static bool applied(market *m, uint32_t instrument, ob_result result, const tw_stamp *stamp) {
    if (result != OB_OK) not_applied(m, instrument, result, stamp);
    return result == OB_OK;
}

static void tell_book(market *m, uint32_t instrument, const ob_change *change, const tw_stamp *stamp) {
    m->listener.on_book(m->listener.context, instrument, tw_sides_of(change->side), change->rank, stamp);
}

static void tell_order(market *m, uint32_t instrument, const market_order_event *event, const tw_stamp *stamp) {
    if (m->listener.on_order != NULL) m->listener.on_order(m->listener.context, instrument, event, stamp);
}

void market_add(market *m, uint32_t instrument, uint64_t order_id, tw_side side, int64_t price, uint64_t quantity,
                const char *attribution, const tw_stamp *stamp) {
    if (!takes_orders(m, instrument)) return;
    ob_change change;
    ob_result result = ob_order_add(m->books, instrument, order_id, side, price, quantity, &change);
    if (!applied(m, instrument, result, stamp)) return;
    tell_book(m, instrument, &change, stamp);
    tell_order(m, instrument,
               &(market_order_event){.kind = MARKET_ORDER_ADD,
                                     .side = side,
                                     .order_id = order_id,
                                     .price = price,
                                     .quantity = quantity,
                                     .remaining = quantity,
                                     .attribution = attribution},
               stamp);
}

/* Executions and cancels that say more than rests take the rest: the order is gone at the exchange. */
static ob_result take_from(market *m, uint32_t instrument, uint64_t order_id, uint64_t quantity, ob_change *change,
                           const tw_stamp *stamp) {
    ob_result result = ob_order_reduce(m->books, instrument, order_id, quantity, change);
    if (applied(m, instrument, result, stamp)) return OB_OK;
    if (result == OB_TOO_MUCH) result = ob_order_delete(m->books, instrument, order_id, change);
    return result;
}

static void tell_taken(market *m, uint32_t instrument, market_order_kind kind, uint64_t order_id, uint64_t quantity,
                       const ob_change *change, const tw_stamp *stamp) {
    tell_order(m, instrument,
               &(market_order_event){.kind = kind,
                                     .side = change->side,
                                     .order_id = order_id,
                                     .price = change->price,
                                     .quantity = quantity,
                                     .remaining = change->remaining,
                                     .attribution = ""},
               stamp);
}

static void print_execution(market *m, uint32_t instrument, uint64_t order_id, const ob_change *change,
                            uint64_t quantity, int64_t price, uint64_t match_id, const tw_stamp *stamp) {
    tw_print print = {.seq = stamp->seq,
                      .kind = TW_PRINT_TRADE,
                      .aggressor = change->side == TW_BID ? TW_AGGRESSOR_SELL : TW_AGGRESSOR_BUY,
                      .price = price == TW_PRICE_ABSENT ? change->price : price,
                      .quantity = quantity,
                      .match_id = match_id,
                      .order_id = order_id,
                      .event_ns = stamp->event_ns};
    market_print(m, instrument, &print, stamp);
}

void market_execute(market *m, uint32_t instrument, uint64_t order_id, uint64_t quantity, int64_t price,
                    uint64_t match_id, bool printable, const tw_stamp *stamp) {
    if (!takes_orders(m, instrument)) return;
    ob_change change;
    if (take_from(m, instrument, order_id, quantity, &change, stamp) != OB_OK) return;
    tell_book(m, instrument, &change, stamp);
    if (printable) print_execution(m, instrument, order_id, &change, quantity, price, match_id, stamp);
    tell_taken(m, instrument, MARKET_ORDER_EXECUTE, order_id, quantity, &change, stamp);
}

void market_reduce(market *m, uint32_t instrument, uint64_t order_id, uint64_t quantity, const tw_stamp *stamp) {
    if (!takes_orders(m, instrument)) return;
    ob_change change;
    if (take_from(m, instrument, order_id, quantity, &change, stamp) != OB_OK) return;
    tell_book(m, instrument, &change, stamp);
    tell_taken(m, instrument, MARKET_ORDER_REDUCE, order_id, quantity, &change, stamp);
}

void market_delete(market *m, uint32_t instrument, uint64_t order_id, const tw_stamp *stamp) {
    if (!takes_orders(m, instrument)) return;
    ob_change change;
    ob_result result = ob_order_delete(m->books, instrument, order_id, &change);
    if (!applied(m, instrument, result, stamp)) return;
    tell_book(m, instrument, &change, stamp);
    tell_order(m, instrument,
               &(market_order_event){.kind = MARKET_ORDER_DELETE,
                                     .side = change.side,
                                     .order_id = order_id,
                                     .price = change.price,
                                     .quantity = change.quantity,
                                     .attribution = ""},
               stamp);
}

void market_replace(market *m, uint32_t instrument, uint64_t old_id, uint64_t new_id, int64_t price,
                    uint64_t quantity, const tw_stamp *stamp) {
    if (!takes_orders(m, instrument)) return;
    ob_change change;
    ob_result result = ob_order_replace(m->books, instrument, old_id, new_id, price, quantity, &change);
    if (!applied(m, instrument, result, stamp)) return;
    tell_book(m, instrument, &change, stamp);
    tell_order(m, instrument,
               &(market_order_event){.kind = MARKET_ORDER_REPLACE,
                                     .side = change.side,
                                     .order_id = old_id,
                                     .new_order_id = new_id,
                                     .price = price,
                                     .quantity = quantity,
                                     .remaining = quantity,
                                     .attribution = ""},
               stamp);
}

void market_level_clear(market *m, uint32_t instrument, tw_side side, int64_t price, const tw_stamp *stamp) {
    if (!takes_orders(m, instrument)) return;
    if (ob_level_clear(m->books, instrument, side, price) > 0)
        m->listener.on_book(m->listener.context, instrument, tw_sides_of(side), 0, stamp);
}

/* ---- everything else ---- */

void market_print(market *m, uint32_t instrument, const tw_print *print, const tw_stamp *stamp) {
    if (instrument == INSTRUMENT_NONE) {
        m->stats.passed_over++;
        return;
    }
    m->stats.prints++;
    m->listener.on_print(m->listener.context, instrument, print, stamp);
}

void market_trading_state(market *m, uint32_t instrument, tw_trading_state state, const char *reason,
                          const tw_stamp *stamp) {
    if (instrument != INSTRUMENT_NONE)
        m->listener.on_trading_state(m->listener.context, instrument, state, reason, stamp);
}

void market_short_sale(market *m, uint32_t instrument, tw_short_sale restriction, const tw_stamp *stamp) {
    if (instrument != INSTRUMENT_NONE)
        m->listener.on_short_sale(m->listener.context, instrument, restriction, stamp);
}

void market_collar(market *m, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                   const tw_stamp *stamp) {
    if (instrument != INSTRUMENT_NONE)
        m->listener.on_collar(m->listener.context, instrument, reference, upper, lower, stamp);
}

void market_imbalance(market *m, uint32_t instrument, const tw_imbalance *imbalance, const tw_stamp *stamp) {
    if (instrument != INSTRUMENT_NONE) m->listener.on_imbalance(m->listener.context, instrument, imbalance, stamp);
}

void market_contradiction(market *m, uint32_t instrument, const tw_stamp *stamp) {
    m->stats.inconsistent++;
    if (instrument != INSTRUMENT_NONE) set_trust(m, instrument, TW_BOOK_STALE, TW_CAUSE_INCONSISTENT, stamp);
}

void market_malformed(market *m, uint32_t instrument, const tw_stamp *stamp) {
    m->stats.malformed++;
    if (instrument != INSTRUMENT_NONE) set_trust(m, instrument, TW_BOOK_STALE, TW_CAUSE_MALFORMED, stamp);
}

const ob_books *market_books(const market *m) {
    return m->books;
}

tw_book_state market_book_state(const market *m, uint32_t instrument, tw_state_cause *cause) {
    *cause = (tw_state_cause)m->trust[instrument].cause;
    return (tw_book_state)m->trust[instrument].state;
}

market_stats market_read_stats(const market *m) {
    return m->stats;
}
