/* Reports into the publisher's marks, prints and states: see market.h. totals.c keeps a day's totals over a restart. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "matcher/market/internal.h"

#define PPM 1000000

/* ---- what the engine has, for the publisher ---- */

static uint32_t levels_below(const void *engine, uint32_t instrument, tw_side side, uint32_t skip, tw_level *levels,
                             uint32_t depth) {
    if (skip == 0) return mx_book_top(engine, instrument, side, levels, depth);
    tw_level top[TW_MAX_DEPTH];
    TW_ASSERT(skip + depth <= TW_MAX_DEPTH);
    uint32_t count = mx_book_top(engine, instrument, side, top, skip + depth);
    if (count <= skip) return 0;
    memcpy(levels, top + skip, (count - skip) * sizeof *levels);
    return count - skip;
}

static tw_trading_state trading_of(uint8_t state) {
    static const tw_trading_state names[MX_STATES] = {
        [MX_PRE_OPEN] = TW_TRADING_PRE_OPEN, [MX_CONTINUOUS] = TW_TRADING_OPEN, [MX_HALTED] = TW_TRADING_HALTED,
        [MX_CLOSED] = TW_TRADING_CLOSED,     [MX_MOVED] = TW_TRADING_CLOSED, /* its last word here */
    };
    return state < MX_STATES ? names[state] : TW_TRADING_UNKNOWN;
}

static publisher_stamp engine_stamp(const mk_market *self) {
    int64_t now_ns = mx_now(self->engine);
    return (publisher_stamp){.seq = mx_seq(self->engine), .event_ns = now_ns, .receive_ns = now_ns};
}

/* ---- instruments ---- */

static void define(mk_market *self, uint32_t instrument, const mx_instrument_view *view,
                   const publisher_stamp *stamp) {
    const mx_define_instrument *d = &view->definition;
    tw_instrument entry = {.price_exponent = d->price_exponent,
                           .quantity_exponent = d->quantity_exponent,
                           .tick = d->ticks[0].tick,
                           .round_lot = d->lot,
                           .locate = instrument};
    tw_text_copy(entry.symbol, sizeof entry.symbol, d->symbol);
    publisher_define(self->publisher, instrument, &entry, stamp);
}

/* The furthest prices that a limit may have, as the engine's rule has them. */
static void tell_collar(mk_market *self, uint32_t instrument, const mx_instrument_view *view,
                        const publisher_stamp *stamp) {
    int64_t reference = view->reference_price;
    if (view->definition.collar_ppm == 0 || reference == TW_PRICE_ABSENT) return;
    mx_money away = (mx_money)reference * view->definition.collar_ppm / PPM;
    int64_t upper = reference + away > MX_PRICE_MAX ? MX_PRICE_MAX : (int64_t)(reference + away);
    int64_t lower = away < reference ? (int64_t)(reference - away) : TW_PRICE_ABSENT;
    publisher_collar(self->publisher, instrument, reference, upper, lower, stamp);
}

static void tell_instrument(mk_market *self, uint32_t instrument, const publisher_stamp *stamp) {
    mx_instrument_view view;
    if (instrument >= self->max_instruments || self->left[instrument] ||
        !mx_instrument_get(self->engine, instrument, &view))
        return;
    define(self, instrument, &view, stamp);
    publisher_trading_state(self->publisher, instrument, trading_of(view.state), "", stamp);
    tell_collar(self, instrument, &view, stamp);
}

static void tell_reference(mk_market *self, uint32_t instrument, const publisher_stamp *stamp) {
    mx_instrument_view view;
    if (instrument < self->max_instruments && !self->left[instrument] &&
        mx_instrument_get(self->engine, instrument, &view))
        tell_collar(self, instrument, &view, stamp);
}

static bool has_left(const mk_market *self, uint32_t instrument) {
    mx_instrument_view view;
    return mx_instrument_get(self->engine, instrument, &view) && view.state == MX_MOVED;
}

/* It leaves, with all that was to be said of it said before; or it is here again. */
static void tell_presence(mk_market *self, uint32_t instrument, const publisher_stamp *stamp, int64_t now_ns) {
    static const tw_instrument nothing = {0};
    if (instrument >= self->max_instruments || has_left(self, instrument) == self->left[instrument]) return;
    if (self->left[instrument]) {
        self->left[instrument] = false;
        tell_instrument(self, instrument, stamp);
        return;
    }
    publisher_settle(self->publisher, now_ns);
    publisher_define(self->publisher, instrument, &nothing, stamp);
    self->left[instrument] = true;
}

/* ---- epochs ---- */

static void name_epoch(mk_market *self, uint32_t date) {
    char day[TW_EPOCH_BYTES / 2];
    if (date == 0)
        (void)tw_text_format(day, sizeof day, "0");
    else
        (void)tw_text_format(day, sizeof day, "%04" PRIu32 "-%02" PRIu32 "-%02" PRIu32, date / 10000,
                             date / 100 % 100, date % 100);
    self->date = date;
    (void)tw_text_format(self->epoch, sizeof self->epoch, "%s.%s-%" PRIu32, day, self->exchange, self->shard);
}

static void begin_epoch(mk_market *self, const publisher_stamp *stamp) {
    name_epoch(self, mx_date(self->engine));
    memset(self->totals, 0, self->max_instruments * sizeof *self->totals);
    publisher_start_epoch(self->publisher, self->epoch);
    uint32_t count = mx_instruments(self->engine);
    for (uint32_t i = 0; i < count && i < self->max_instruments; i++) {
        self->left[i] = has_left(self, i);
        tell_instrument(self, i, stamp);
    }
}

void mk_totals_lost(mk_market *self) {
    memset(self->totals, 0, self->max_instruments * sizeof *self->totals);
    if (mx_seq(self->engine) > 0) publisher_prints_lost(self->publisher, mx_seq(self->engine) + 1);
}

void mk_restart(mk_market *self) {
    publisher_stamp stamp = engine_stamp(self);
    self->print_seq = 0;
    self->print_index = 0;
    begin_epoch(self, &stamp);
    mk_totals_lost(self);
}

/* Two days that begin in one input: the engine is in the second when the first is heard of, and nothing happened in it. */
static void take_new_day(mk_market *self, const publisher_stamp *stamp, int64_t now_ns) {
    if (mx_date(self->engine) == self->date) return;
    self->feed.seq = stamp->seq;
    self->feed.event_ns = stamp->event_ns;
    publisher_feed_update(self->publisher, &self->feed);
    publisher_settle(self->publisher, now_ns); /* what the bus does not take now is over with its day */
    begin_epoch(self, stamp);
}

/* ---- reports ---- */

static void take_print(mk_market *self, const mx_report *report, const publisher_stamp *stamp) {
    if (report->seq != self->print_seq) self->print_index = 0;
    self->print_seq = report->seq;
    tw_print print = {.seq = report->seq,
                      .index = self->print_index++,
                      .kind = TW_PRINT_TRADE,
                      .aggressor = report->side == TW_BID ? TW_AGGRESSOR_BUY : TW_AGGRESSOR_SELL,
                      .price = report->last_price,
                      .quantity = report->last_quantity,
                      .match_id = mk_match_id(report->seq, report->n),
                      .event_ns = report->event_ns};
    mk_total *total = &self->totals[report->instrument];
    total->volume += print.quantity;
    total->prints++;
    total->last = print;
    total->receive_ns = report->stream_ns;
    publisher_print(self->publisher, report->instrument, &print, stamp);
}

/* The level may be any: the flush looks at all visible ones of the side. */
static void take_order(mk_market *self, const mx_report *report, const publisher_stamp *stamp) {
    if (report->instrument >= self->max_instruments) return;
    publisher_mark_book(self->publisher, report->instrument, tw_sides_of((tw_side)report->side), 0, stamp);
    if (report->kind == MX_FILL && report->liquidity == MX_TAKER) take_print(self, report, stamp);
}

static void take_done(mk_market *self, const mx_report *report, const publisher_stamp *stamp, int64_t now_ns) {
    if (report->command == MX_BEGIN_DAY)
        take_new_day(self, stamp, now_ns);
    else if (report->command == MX_DEFINE_INSTRUMENT)
        tell_instrument(self, report->instrument, stamp);
    else if (report->command == MX_SET_REFERENCE)
        tell_reference(self, report->instrument, stamp);
}

static void take_state(mk_market *self, const mx_report *report, const publisher_stamp *stamp, int64_t now_ns) {
    publisher_trading_state(self->publisher, report->instrument, trading_of(report->state), "", stamp);
    tell_presence(self, report->instrument, stamp, now_ns);
}

void mk_take(mk_market *self, const mx_report *report, int64_t now_ns) {
    publisher_stamp stamp = {.seq = report->seq, .event_ns = report->event_ns, .receive_ns = report->stream_ns};
    switch ((mx_report_kind)report->kind) {
    case MX_ACCEPTED:
    case MX_FILL:
    case MX_CANCELLED:
    case MX_EXPIRED:
    case MX_REPLACED:
    case MX_TRIGGERED:
    case MX_RESTATED:
        take_order(self, report, &stamp);
        break;
    case MX_STATE_CHANGED:
        take_state(self, report, &stamp, now_ns);
        break;
    case MX_DONE:
        take_done(self, report, &stamp, now_ns);
        break;
    case MX_REJECTED: /* nothing that the public sees */
    case MX_CANCEL_REJECTED:
    case MX_REPLACE_REJECTED:
    case MX_MASS_CANCELLED:
    case MX_REFUSED:
    case MX_SESSION_ENDED:
    case MX_DAY_ENDED:
    case MX_REPORT_KINDS:
    default:
        break;
    }
}

/* ---- the end of a burst ---- */

void mk_feed_state(mk_market *self, const mk_feed *feed) {
    self->feed.state = feed->state;
    self->feed.cause = feed->cause;
    self->feed.handover = feed->handover;
    self->feed.journal_ns = feed->journal_ns;
    tw_text_copy(self->detail, sizeof self->detail, feed->detail != NULL ? feed->detail : "");
}

static void tell_feed(mk_market *self) {
    self->feed.seq = mx_seq(self->engine);
    self->feed.event_ns = self->feed.receive_ns = mx_now(self->engine);
    self->feed.messages = self->feed.seq;
    self->feed.storage_low = mx_storage_low(self->engine);
    publisher_feed_update(self->publisher, &self->feed);
}

size_t mk_flush(mk_market *self, int64_t now_ns) {
    tell_feed(self);
    return publisher_flush(self->publisher, now_ns);
}

size_t mk_tick(mk_market *self, int64_t now_ns) {
    tell_feed(self);
    return publisher_tick(self->publisher, now_ns);
}

/* ---- life ---- */

const char *mk_epoch(const mk_market *self) {
    return self->epoch;
}

publisher *mk_publisher(const mk_market *self) {
    return self->publisher;
}

tw_code mk_alloc(mk_market **market, const publisher_options *options, const mx_engine *engine,
                 const publisher_sink *sink, tw_error *error) {
    *market = NULL;
    mk_market *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the venue's market data");
    publisher_options own = *options;
    own.levels = (publisher_levels){.context = engine, .below = levels_below};
    tw_code code = publisher_alloc(&self->publisher, &own, NULL, sink, error);
    self->totals = code == TW_OK ? calloc(options->max_instruments, sizeof *self->totals) : NULL;
    self->left = code == TW_OK ? calloc(options->max_instruments, sizeof *self->left) : NULL;
    if (code == TW_OK && (self->totals == NULL || self->left == NULL))
        code = tw_error_set(error, TW_NO_MEMORY, "no memory for the totals of %" PRIu32 " instruments",
                            options->max_instruments);
    if (code != TW_OK) {
        mk_free(self);
        return tw_error_wrap(error, "the venue's market data");
    }
    self->engine = engine;
    self->shard = options->partition;
    self->max_instruments = options->max_instruments;
    self->feed.detail = self->detail;
    tw_text_copy(self->exchange, sizeof self->exchange, options->exchange);
    mk_restart(self);
    *market = self;
    return TW_OK;
}

void mk_free(mk_market *self) {
    if (self == NULL) return;
    publisher_free(self->publisher);
    free(self->totals);
    free(self->left);
    free(self);
}
