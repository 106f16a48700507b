/*
 * From libtickwire's callbacks to the stream's structs, and the watch over feeds. libtickwire speaks names where the core
 * has numbers; both come from base/market.h, so a name always has its number.
 */
#include "gateways/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "client/feed_vouch.h"
#include "gateways/handoff.h"
#include "proto/codec.h"
#include "runtime/bus_refusals.h"
#include "runtime/clock.h"

#define POLL_MS       25 /* libtickwire's own clockwork ticks so often */
#define MAX_WANTS     (64u * SUBJECT_CHANNELS)
#define MAX_FEEDS     1024u
#define FEED_ARENA    (64u * 1024u)
#define KEY_BYTES     (TW_MIC_BYTES + TW_SYMBOL_BYTES + 1)
#define FEED_STATUSES "feed.*.*.status"
#define MILLI_NS      INT64_C(1000000)
#define LOOK_NS       (250 * MILLI_NS)

/* One channel of one exchange ("" all) that the stream wants, and the subscription that brings it. */
typedef struct source_want_entry {
    char mic[TW_MIC_BYTES];
    subject_channel channel;
    bool wanted;
    tickwire_subscription *subscription; /* NULL: none; another one covers it */
} source_want_entry;

typedef struct source_feed_entry {
    wire_feed_status status; /* as last told */
    feed_vouch vouch;        /* which quotes, statuses and prints hold */
    int64_t heard_ns;        /* monotonic */
    bool silent, awaited;    /* awaited: not heard since the bus was away */
} source_feed_entry;

/* What a quote or status came with, so that it can be told again when its feed's state changes. */
typedef struct judged {
    bool known;
    tw_book_state state, feed_state; /* as told; of its feed when it was told */
    tw_state_cause cause;
} judged;

typedef struct instrument {
    char key[KEY_BYTES];
    judged quote_state, status_state;
    wire_quote quote;
    wire_status status;
    bool print_known, any_print; /* false, true: the last print was taken back */
    wire_header print_header;
    tw_print print;
} instrument;

/* A symbol's best quote over all exchanges, and when it was last heard of. */
typedef struct heard_nbbo {
    char symbol[TW_SYMBOL_BYTES];
    int64_t heard_ns; /* monotonic; 0: forgotten */
    bool silent, awaited;
    wire_nbbo nbbo;      /* as told */
    wire_venues named;   /* in any of them */
    tw_book_state state; /* as shown */
    tw_state_cause cause;
} heard_nbbo;

struct source {
    tickwire_client *client;
    stream *stream;
    rt_log *log;
    uv_poll_t poll;
    uv_timer_t tick;
    uint32_t open_handles;
    int64_t feed_silence_ns;
    int64_t fed_ns; /* monotonic: from then on feeds are heard */
    bool bus_away;
    source_want_entry wants[MAX_WANTS];
    uint32_t want_count;
    source_feed_entry feeds[MAX_FEEDS];
    uint32_t feed_count;
    wire_arena arena;
    tw_print prints[WIRE_MAX_PRINTS];
    instrument *instruments;
    uint32_t instrument_count, max_instruments;
    tw_map by_key;
    heard_nbbo *nbbos;
    uint32_t nbbo_count;
    tw_map nbbo_by_symbol;
    int64_t next_look_ns; /* for best quotes that are not told again */
    uint64_t unfit;
    rt_log_site fault_site, room_site;
    bus_refusals refusals;
};

/* ---- names into numbers ---- */

/* clang-format off */
#define NUMBER_OF(type, name_of, last)                                                                             \
    static type number_of_##type(const char *name) {                                                               \
        for (int i = 0; i <= (int)(last); i++)                                                                     \
            if (strcmp(name_of((type)i), name) == 0) return (type)i;                                               \
        return (type)0;                                                                                            \
    }
/* clang-format on */
NUMBER_OF(tw_trading_state, tw_trading_state_name, TW_TRADING_CLOSED)
NUMBER_OF(tw_short_sale, tw_short_sale_name, TW_SHORT_SALE_CARRIED)
NUMBER_OF(tw_print_kind, tw_print_kind_name, TW_PRINT_BREAK)
NUMBER_OF(tw_cross_kind, tw_cross_kind_name, TW_CROSS_EXTENDED)
NUMBER_OF(tw_aggressor, tw_aggressor_name, TW_AGGRESSOR_SELL)
NUMBER_OF(tw_imbalance_direction, tw_imbalance_direction_name, TW_IMBALANCE_PAUSED)

/* ---- feeds ---- */

static source_feed_entry *find_feed(source *self, const char *mic, uint32_t partition) {
    for (uint32_t i = 0; i < self->feed_count; i++)
        if (self->feeds[i].status.partition == partition && strcmp(self->feeds[i].status.exchange, mic) == 0)
            return &self->feeds[i];
    return NULL;
}

/* After the bus was away a feed is believed when it is heard again; one that has closed need not say so again. */
static bool is_behind_bus(const source *self, const source_feed_entry *feed) {
    return self->bus_away ||
           (feed != NULL && feed->awaited && !feed->silent && feed->status.state != TW_BOOK_CLOSED);
}

static tw_book_state state_of_feed(const source *self, const source_feed_entry *feed) {
    if (is_behind_bus(self, feed)) return TW_BOOK_STALE;
    if (feed == NULL) return TW_BOOK_OK;
    return feed->silent ? TW_BOOK_STALE : feed->status.state;
}

static tw_state_cause cause_of_feed(const source *self, const source_feed_entry *feed) {
    if (is_behind_bus(self, feed)) return TW_CAUSE_BUS_AWAY;
    if (feed == NULL) return TW_CAUSE_NONE;
    return feed->silent ? TW_CAUSE_FEED_SILENT : feed->status.cause;
}

/* ---- quotes and statuses ---- */

static const char *key_of(const void *context, uint32_t number) {
    return ((const source *)context)->instruments[number].key;
}

/* NULL: more than max_instruments; its quotes and statuses are then told only as they come. */
static instrument *instrument_of(source *self, const wire_header *header) {
    char key[KEY_BYTES];
    tw_text_format(key, sizeof key, "%s.%s", header->exchange, header->symbol);
    uint32_t number = tw_map_find(&self->by_key, key);
    if (number != TW_MAP_NONE) return &self->instruments[number];
    if (self->instrument_count == self->max_instruments) {
        rt_log_limited(self->log, &self->room_site, RT_WARN,
                       "more instruments than --max-instruments: a silent feed is not shown in their quotes",
                       RT_STR("instrument", key));
        return NULL;
    }
    instrument *added = &self->instruments[self->instrument_count];
    tw_text_copy(added->key, sizeof added->key, key);
    tw_map_add(&self->by_key, self->instrument_count++);
    return added;
}

/* Causes that a receiver of the bus finds, not the instrument's publisher. */
static bool is_of_receiving(tw_state_cause cause) {
    return cause == TW_CAUSE_STARTING || cause == TW_CAUSE_FEED_SILENT || cause == TW_CAUSE_BUS_AWAY;
}

static judged judge(source *self, const wire_header *header, tickwire_state state, const char *cause) {
    return (judged){.known = true,
                    .state = (tw_book_state)state,
                    .cause = handoff_cause(cause),
                    .feed_state = state_of_feed(self, find_feed(self, header->exchange, header->partition))};
}

/* What its feed's leader does not stand by is not shown as live, as libtickwire does with books. */
static void worsen_by_leader(const source_feed_entry *feed, const wire_header *header, tw_book_state *state,
                             tw_state_cause *cause) {
    if (feed == NULL || feed_vouch_covers(&feed->vouch, header->epoch, header->term)) return;
    bool over = strcmp(feed->vouch.epoch, header->epoch) != 0;
    tw_book_state now = over ? TW_BOOK_STALE : TW_BOOK_RECOVERING;
    if (now <= *state) return;
    *state = now;
    *cause = over ? TW_CAUSE_END_OF_SESSION : TW_CAUSE_CHAIN_BROKEN;
}

/* A state that was its feed's follows the feed; one of the instrument's own stays, unless the feed's is worse. */
static tw_book_state judge_again(const source *self, const judged *then, const wire_header *header,
                                 const source_feed_entry *feed, tw_state_cause *cause) {
    bool was_feeds = then->state != TW_BOOK_OK && (then->state == then->feed_state || is_of_receiving(then->cause));
    tw_book_state own = was_feeds ? TW_BOOK_OK : then->state, now = state_of_feed(self, feed);
    *cause = now >= own && now != TW_BOOK_OK ? cause_of_feed(self, feed) : was_feeds ? TW_CAUSE_NONE : then->cause;
    own = tw_book_state_worse(own, now);
    worsen_by_leader(feed, header, &own, cause);
    return own;
}

static bool is_of_feed(const judged *judgement, const wire_header *header, const wire_feed_status *feed) {
    return judgement->known && header->partition == feed->partition &&
           strcmp(header->exchange, feed->exchange) == 0;
}

static void retell(source *self, const source_feed_entry *feed, int64_t now_ns) {
    for (uint32_t i = 0; i < self->instrument_count; i++) {
        instrument *one = &self->instruments[i];
        tw_state_cause cause;
        if (is_of_feed(&one->quote_state, &one->quote.header, &feed->status)) {
            tw_book_state state = judge_again(self, &one->quote_state, &one->quote.header, feed, &cause);
            stream_take_quote(self->stream, &one->quote, state, cause, now_ns);
        }
        if (is_of_feed(&one->status_state, &one->status.header, &feed->status)) {
            wire_status status = one->status;
            status.header.state = judge_again(self, &one->status_state, &status.header, feed, &status.header.cause);
            stream_take_status(self->stream, &status, now_ns);
        }
    }
}

/* ---- best quotes ---- */

static const instrument *find_instrument(const source *self, const char *mic, const char *symbol) {
    char key[KEY_BYTES];
    tw_text_format(key, sizeof key, "%s.%s", mic, symbol);
    uint32_t number = tw_map_find(&self->by_key, key);
    return number == TW_MAP_NONE ? NULL : &self->instruments[number];
}

void source_judge_instrument(const source *self, const char *mic, const char *symbol, tw_book_state *state,
                             tw_state_cause *cause) {
    const instrument *one = find_instrument(self, mic, symbol);
    const wire_header *header = one == NULL              ? NULL
                                : one->quote_state.known ? &one->quote.header
                                : one->print_known       ? &one->print_header
                                                         : NULL;
    if (self->bus_away) {
        *state = TW_BOOK_STALE;
        *cause = TW_CAUSE_BUS_AWAY;
    }
    for (uint32_t i = 0; i < self->feed_count; i++) {
        const source_feed_entry *feed = &self->feeds[i];
        if (strcmp(feed->status.exchange, mic) != 0) continue;
        if (header != NULL && header->partition != feed->status.partition) continue;
        if (header != NULL) worsen_by_leader(feed, header, state, cause);
        if (state_of_feed(self, feed) <= *state) continue;
        *state = state_of_feed(self, feed);
        *cause = cause_of_feed(self, feed);
    }
}

/* An exchange that has closed was left out by the aggregator: what it names then is of a moment ago. */
static void worsen_by_venues(const source *self, const char *symbol, const wire_venues *venues,
                             tw_book_state *state, tw_state_cause *cause) {
    for (uint32_t i = 0; i < venues->count; i++) {
        tw_book_state of_venue = TW_BOOK_OK;
        tw_state_cause why = TW_CAUSE_NONE;
        source_judge_instrument(self, venues->mics[i], symbol, &of_venue, &why);
        if (of_venue < TW_BOOK_RECOVERING || *state == TW_BOOK_STALE) continue;
        *state = TW_BOOK_STALE;
        *cause = why;
    }
}

/* One without prices names nobody: somebody must be left to say that there are none. */
static void worsen_without_feeds(const source *self, tw_book_state *state, tw_state_cause *cause) {
    const source_feed_entry *bad = NULL;
    for (uint32_t i = 0; i < self->feed_count; i++) {
        if (state_of_feed(self, &self->feeds[i]) < TW_BOOK_RECOVERING) return;
        bad = &self->feeds[i];
    }
    if (bad == NULL || *state == TW_BOOK_STALE) return;
    *state = TW_BOOK_STALE;
    *cause = cause_of_feed(self, bad);
}

static void judge_nbbo(const source *self, heard_nbbo *one) {
    one->state = one->nbbo.header.state;
    one->cause = one->nbbo.header.cause;
    bool behind = self->bus_away || one->awaited;
    if (behind || one->silent) {
        one->state = TW_BOOK_STALE;
        one->cause = one->silent && !self->bus_away ? TW_CAUSE_FEED_SILENT : TW_CAUSE_BUS_AWAY;
    }
    worsen_by_venues(self, one->nbbo.header.symbol, &one->nbbo.bid_venues, &one->state, &one->cause);
    worsen_by_venues(self, one->nbbo.header.symbol, &one->nbbo.ask_venues, &one->state, &one->cause);
    if (one->nbbo.bid_venues.count + one->nbbo.ask_venues.count == 0)
        worsen_without_feeds(self, &one->state, &one->cause);
}

static void tell_nbbo(source *self, const heard_nbbo *one) {
    wire_nbbo shown = one->nbbo;
    shown.header.state = one->state;
    shown.header.cause = one->cause;
    stream_take_nbbo(self->stream, &shown, rt_clock_utc_ns());
}

static void retell_nbbo(source *self, heard_nbbo *one) {
    tw_book_state state = one->state;
    tw_state_cause cause = one->cause;
    if (one->heard_ns == 0) return;
    judge_nbbo(self, one);
    if (one->state != state || one->cause != cause) tell_nbbo(self, one);
}

static void retell_nbbos(source *self) {
    for (uint32_t i = 0; i < self->nbbo_count; i++)
        retell_nbbo(self, &self->nbbos[i]);
}

/* ---- what feeds say ---- */

static void tell_feed(source *self, const source_feed_entry *feed, bool state_is_new) {
    int64_t now_ns = rt_clock_utc_ns();
    wire_feed_status status = feed->status;
    status.state = state_of_feed(self, feed);
    status.cause = cause_of_feed(self, feed);
    stream_take_feed(self->stream, &status, now_ns);
    if (!state_is_new) return;
    retell(self, feed, now_ns);
    retell_nbbos(self);
}

static void take_feed(source *self, const wire_feed_status *status) {
    source_feed_entry *feed = find_feed(self, status->exchange, status->partition);
    bool is_new = feed == NULL;
    if (is_new && self->feed_count < MAX_FEEDS) {
        feed = &self->feeds[self->feed_count++];
        feed->status = *status;
    }
    if (feed == NULL || status->term < feed->status.term) return; /* a deposed leader's */
    tw_book_state before = state_of_feed(self, feed);
    bool broke = feed_vouch_take(&feed->vouch, status);
    feed->status = *status;
    feed->heard_ns = rt_clock_monotonic_ns();
    feed->silent = feed->awaited = false;
    tell_feed(self, feed, is_new || broke || state_of_feed(self, feed) != before);
}

/* One with a term that nobody can have yet would depose every leader for ever. NULL: it is the word of its subject's feed. */
static const char *why_unfit(const char *subject, const wire_feed_status *status) {
    if (!subject_is_feed_status(subject, status->exchange, status->partition))
        return "it is about another feed than its subject";
    bool believed = status->term <= tw_term_most_believed(rt_clock_utc_ns());
    return believed ? NULL : "nobody can have its term yet: somebody else writes to this bus";
}

static void on_feed(void *context, const char *subject, const uint8_t *bytes, size_t length) {
    source *self = context;
    wire_feed_status status;
    bool decoded = wire_feed_status_decode(&self->arena, bytes, length, &status) == WIRE_OK;
    const char *why = decoded ? why_unfit(subject, &status) : "it can't be read";
    if (why == NULL) {
        take_feed(self, &status);
        return;
    }
    self->unfit++;
    rt_log_limited(self->log, &self->fault_site, RT_WARN, "a feed status was passed over",
                   RT_STR("subject", subject), RT_STR("why", why));
}

/* A feed whose session has ended may be silent. While the bus is away nobody is. */
static void watch_feeds(source *self) {
    if (self->bus_away) return;
    int64_t now_ns = rt_clock_monotonic_ns();
    for (uint32_t i = 0; i < self->feed_count; i++) {
        source_feed_entry *feed = &self->feeds[i];
        if (feed->silent || feed->status.state == TW_BOOK_CLOSED || now_ns - feed->heard_ns < self->feed_silence_ns)
            continue;
        feed->silent = true;
        rt_log(self->log, RT_WARN, "a feed fell silent", RT_STR("exchange", feed->status.exchange),
               RT_U64("partition", feed->status.partition));
        tell_feed(self, feed, true);
    }
}

/* At the same moment as libtickwire does for books. */
static void watch_bus(source *self) {
    bool away = !tickwire_connected(self->client);
    if (away == self->bus_away) return;
    self->bus_away = away;
    if (away) self->refusals.count = 0; /* the next connection tells anew */
    rt_log(self->log, RT_WARN,
           away ? "the bus is away: all that is shown is STALE"
                : "the bus is back: feeds are OK as they are heard");
    for (uint32_t i = 0; i < self->nbbo_count; i++)
        self->nbbos[i].awaited = self->nbbos[i].nbbo.refresh_ms > 0; /* else it may not be told again */
    for (uint32_t i = 0; i < self->feed_count; i++) {
        self->feeds[i].awaited = true;
        tell_feed(self, &self->feeds[i], true);
    }
    retell_nbbos(self);
}

/* ---- by channel ---- */

static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) {
    source *self = context;
    handoff_book(self->stream, self->client, book, change);
}

static void on_quote(void *context, const tickwire_quote *quote) {
    source *self = context;
    wire_quote inner = {.header = handoff_header(&quote->header),
                        .bid = {quote->bid.price, quote->bid.quantity, quote->bid.orders},
                        .ask = {quote->ask.price, quote->ask.quantity, quote->ask.orders}};
    judged state = judge(self, &inner.header, quote->state, quote->cause);
    inner.header.state = state.state;
    inner.header.cause = state.cause;
    instrument *one = instrument_of(self, &inner.header);
    if (one != NULL) {
        one->quote = inner;
        one->quote_state = state;
    }
    stream_take_quote(self->stream, &inner, state.state, state.cause, quote->header.arrival_ns);
}

static void on_status(void *context, const tickwire_instrument_status *status) {
    source *self = context;
    wire_status inner = {.header = handoff_header(&status->header),
                         .trading = number_of_tw_trading_state(status->trading),
                         .short_sale = number_of_tw_short_sale(status->short_sale),
                         .collar_upper = status->collar_upper,
                         .collar_lower = status->collar_lower,
                         .collar_reference = status->collar_reference};
    tw_text_copy(inner.reason, sizeof inner.reason, status->reason);
    judged state = judge(self, &inner.header, status->state, status->cause);
    inner.header.state = state.state;
    inner.header.cause = state.cause;
    instrument *one = instrument_of(self, &inner.header);
    if (one != NULL) {
        one->status = inner;
        one->status_state = state;
    }
    stream_take_status(self->stream, &inner, status->header.arrival_ns);
}

static tw_print inner_print(const tickwire_print *print) {
    return (tw_print){.seq = print->seq,
                      .index = print->index,
                      .kind = number_of_tw_print_kind(print->kind),
                      .cross = number_of_tw_cross_kind(print->cross),
                      .aggressor = number_of_tw_aggressor(print->aggressor),
                      .price = print->price,
                      .quantity = print->quantity,
                      .match_id = print->match_id,
                      .order_id = print->order_id,
                      .event_ns = handoff_ns(print->event_ns)};
}

/* A break says that the last print may be another one, not which. */
static void keep_print(source *self, const wire_trades *trades) {
    instrument *one = instrument_of(self, &trades->header);
    if (one == NULL) return;
    bool same_epoch = one->print_known && strcmp(one->print_header.epoch, trades->header.epoch) == 0;
    if (!same_epoch) one->any_print = false;
    one->print_known = same_epoch || trades->header.snapshot || trades->print_count > 0;
    for (uint32_t i = 0; i < trades->print_count; i++) {
        one->print_known = trades->prints[i].kind != TW_PRINT_BREAK;
        one->any_print = true;
        one->print = trades->prints[i];
    }
    one->print_header = trades->header;
}

static void on_trades(void *context, const tickwire_trades *trades) {
    source *self = context;
    for (uint32_t i = 0; i < trades->print_count; i++)
        self->prints[i] = inner_print(&trades->prints[i]);
    wire_trades inner = {.header = handoff_header(&trades->header),
                         .print_count = trades->print_count,
                         .prints = self->prints,
                         .volume = trades->volume,
                         .prints_total = trades->prints_total};
    keep_print(self, &inner);
    stream_take_trades(self->stream, &inner, trades->header.arrival_ns);
}

static void on_imbalance(void *context, const tickwire_imbalance *imbalance) {
    source *self = context;
    wire_imbalance inner = {.header = handoff_header(&imbalance->header),
                            .imbalance = {.cross = number_of_tw_cross_kind(imbalance->cross),
                                          .direction = number_of_tw_imbalance_direction(imbalance->direction),
                                          .paired_quantity = imbalance->paired_quantity,
                                          .imbalance_quantity = imbalance->imbalance_quantity,
                                          .far_price = imbalance->far_price,
                                          .near_price = imbalance->near_price,
                                          .reference_price = imbalance->reference_price,
                                          .variation = imbalance->variation}};
    stream_take_imbalance(self->stream, &inner, imbalance->header.arrival_ns);
}

/* ---- what aggregators make ---- */

static const char *symbol_of(const void *context, uint32_t number) {
    return ((const source *)context)->nbbos[number].symbol;
}

/* NULL: more than max_instruments; nobody then notices that it is not told again. */
static heard_nbbo *nbbo_of(source *self, const char *symbol) {
    uint32_t number = tw_map_find(&self->nbbo_by_symbol, symbol);
    if (number != TW_MAP_NONE) return &self->nbbos[number];
    if (self->nbbo_count == self->max_instruments) return NULL;
    heard_nbbo *added = &self->nbbos[self->nbbo_count];
    tw_text_copy(added->symbol, sizeof added->symbol, symbol);
    tw_map_add(&self->nbbo_by_symbol, self->nbbo_count++);
    return added;
}

static void note_venues(wire_venues *all, const wire_venues *some) {
    for (uint32_t i = 0; i < some->count; i++) {
        uint32_t at = 0;
        while (at < all->count && strcmp(all->mics[at], some->mics[i]) != 0)
            at++;
        if (at == all->count && at < WIRE_MAX_VENUES) memcpy(all->mics[all->count++], some->mics[i], TW_MIC_BYTES);
    }
}

static void take_nbbo(source *self, const wire_nbbo *nbbo) {
    heard_nbbo once = {0}, *one = nbbo_of(self, nbbo->header.symbol);
    bool older = one != NULL && one->heard_ns != 0 && nbbo->header.seq < one->nbbo.header.seq &&
                 strcmp(nbbo->header.epoch, one->nbbo.header.epoch) == 0;
    if (older && !one->silent && !one->awaited) return; /* of an aggregator that knows less */
    if (one == NULL) one = &once;
    note_venues(&one->named, &nbbo->bid_venues);
    note_venues(&one->named, &nbbo->ask_venues);
    one->nbbo = *nbbo;
    one->heard_ns = rt_clock_monotonic_ns();
    one->silent = one->awaited = false;
    judge_nbbo(self, one);
    tell_nbbo(self, one);
}

/* One that should have been told again long ago is not shown as a live one. */
static void watch_nbbos(source *self) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (now_ns < self->next_look_ns) return;
    self->next_look_ns = now_ns + LOOK_NS;
    for (uint32_t i = 0; i < self->nbbo_count; i++) {
        heard_nbbo *one = &self->nbbos[i];
        int64_t most_ns = 2 * (int64_t)one->nbbo.refresh_ms * MILLI_NS;
        if (one->silent || one->heard_ns == 0 || most_ns == 0 || now_ns - one->heard_ns <= most_ns) continue;
        one->silent = true;
        retell_nbbo(self, one);
    }
}

static void forget_nbbos(source *self) {
    for (uint32_t i = 0; i < self->nbbo_count; i++)
        self->nbbos[i].heard_ns = 0;
}

/* About what its subject says: for an exchange's candle that one, for what is over all none. */
static bool is_about(const subject_parts *parts, const wire_header *header) {
    const char *exchange = parts->kind == SUBJECT_KIND_AGGREGATE ? "" : parts->mic;
    return strcmp(exchange, header->exchange) == 0 && strcmp(parts->symbol, header->symbol) == 0;
}

static bool take_made(source *self, const char *subject, const uint8_t *bytes, size_t length) {
    subject_parts parts;
    wire_candle candle;
    wire_nbbo nbbo;
    subject_parse(subject, &parts);
    if (parts.channel == SUBJECT_NBBO) {
        if (wire_nbbo_decode(&self->arena, bytes, length, &nbbo) != WIRE_OK || !is_about(&parts, &nbbo.header))
            return false;
        take_nbbo(self, &nbbo);
        return true;
    }
    bool good = subject_is_candle(parts.channel) &&
                wire_candle_decode(&self->arena, bytes, length, &candle) == WIRE_OK &&
                is_about(&parts, &candle.header) && candle.start_ns != TW_TIME_ABSENT &&
                candle.interval_ms == subject_candle_ms((uint32_t)(parts.channel - SUBJECT_CANDLE_1S));
    if (good) stream_take_candle(self->stream, &candle, rt_clock_utc_ns());
    return good;
}

static void on_made(void *context, const char *subject, const uint8_t *bytes, size_t length) {
    source *self = context;
    if (take_made(self, subject, bytes, length)) return;
    self->unfit++;
    rt_log_limited(self->log, &self->fault_site, RT_WARN, "a candle or best quote that is none",
                   RT_STR("subject", subject));
}

static void on_fault(void *context, const tickwire_fault *fault) {
    source *self = context;
    if (fault->kind == TICKWIRE_FAULT_REFUSED) {
        bus_refusals_take(&self->refusals, fault->text);
        return;
    }
    rt_log_limited(self->log, &self->fault_site, RT_WARN, fault->text, RT_STR("subject", fault->subject));
}

/* ---- what the stream wants ---- */

static source_want_entry *find_want(source *self, const char *mic, subject_channel channel) {
    for (uint32_t i = 0; i < self->want_count; i++)
        if (self->wants[i].channel == channel && strcmp(self->wants[i].mic, mic) == 0) return &self->wants[i];
    return NULL;
}

static bool is_covered(source *self, const source_want_entry *entry) {
    const source_want_entry *all = find_want(self, "", entry->channel);
    return entry->mic[0] != '\0' && all != NULL && all->wanted;
}

static void subscribe(source *self, source_want_entry *entry) {
    static const tickwire_handlers handlers = {.on_book = on_book,
                                               .on_quote = on_quote,
                                               .on_trades = on_trades,
                                               .on_status = on_status,
                                               .on_imbalance = on_imbalance,
                                               .on_fault = on_fault};
    static const tickwire_handlers made = {.on_raw = on_made, .on_fault = on_fault}; /* candles, best quotes */
    bool is_made = subject_is_candle(entry->channel) || entry->channel == SUBJECT_NBBO;
    char subject[SUBJECT_BYTES], error[TICKWIRE_ERROR_BYTES];
    tw_text_format(subject, sizeof subject, "%s.*.%s", entry->mic[0] == '\0' ? "*" : entry->mic,
                   subject_channel_name(entry->channel));
    if (tickwire_subscribe(self->client, subject, is_made ? &made : &handlers, self, &entry->subscription, error) !=
        TICKWIRE_OK) {
        entry->subscription = NULL; /* tried again at the next tick */
        rt_log_limited(self->log, &self->fault_site, RT_ERROR, "a subscription on the bus failed",
                       RT_STR("subject", subject), RT_STR("reason", error));
    }
}

/* New subscriptions first: what they take over from old ones is then never without one. */
static void settle_wants(source *self) {
    for (uint32_t i = 0; i < self->want_count; i++) {
        source_want_entry *entry = &self->wants[i];
        if (entry->wanted && entry->subscription == NULL && !is_covered(self, entry)) subscribe(self, entry);
    }
    for (uint32_t i = self->want_count; i-- > 0;) {
        source_want_entry *entry = &self->wants[i];
        if (entry->subscription != NULL && (!entry->wanted || is_covered(self, entry))) {
            tickwire_unsubscribe(entry->subscription);
            entry->subscription = NULL;
        }
        if (!entry->wanted) *entry = self->wants[--self->want_count];
    }
}

/* Nobody keeps it up to date any more. */
static void forget_states(source *self, const char *mic, subject_channel channel) {
    for (uint32_t i = 0; i < self->instrument_count; i++) {
        instrument *one = &self->instruments[i];
        const wire_header *header = channel == SUBJECT_QUOTE   ? &one->quote.header
                                    : channel == SUBJECT_TRADE ? &one->print_header
                                                               : &one->status.header;
        const source_want_entry *own = find_want(self, header->exchange, channel),
                                *all = find_want(self, "", channel);
        if (mic[0] != '\0' && strcmp(header->exchange, mic) != 0) continue;
        if ((own != NULL && own->wanted) || (all != NULL && all->wanted)) continue;
        if (channel == SUBJECT_QUOTE)
            one->quote_state.known = false;
        else if (channel == SUBJECT_TRADE)
            one->print_known = false;
        else
            one->status_state.known = false;
    }
}

void source_want(source *self, const char *mic, subject_channel channel, bool wanted) {
    source_want_entry *entry = find_want(self, mic, channel);
    if (entry == NULL && self->want_count < MAX_WANTS) {
        entry = &self->wants[self->want_count++];
        *entry = (source_want_entry){.channel = channel};
        tw_text_copy(entry->mic, sizeof entry->mic, mic);
    }
    if (entry == NULL) {
        rt_log_limited(self->log, &self->room_site, RT_ERROR, "more exchanges than there is room for",
                       RT_STR("exchange", mic));
        return;
    }
    entry->wanted = wanted;
    settle_wants(self);
    bool kept = channel == SUBJECT_QUOTE || channel == SUBJECT_TRADE || channel == SUBJECT_STATUS;
    if (!wanted && kept) forget_states(self, mic, channel);
    if (!wanted && channel == SUBJECT_NBBO) forget_nbbos(self);
}

/* ---- on the loop ---- */

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    source *self = poll->data;
    tickwire_poll(self->client);
    watch_bus(self);
}

static void on_tick(uv_timer_t *timer) {
    source *self = timer->data;
    tickwire_poll(self->client);
    watch_bus(self);
    watch_feeds(self);
    watch_nbbos(self);
    settle_wants(self);
}

tw_code source_open(source **made, uv_loop_t *loop, const source_options *options, rt_log *log, tw_error *error) {
    source *self = calloc(1, sizeof *self);
    *made = self;
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the source");
    self->log = log;
    self->refusals = (bus_refusals){.log = log, .connection = "market data"};
    self->feed_silence_ns = options->feed_silence_ns;
    self->max_instruments = options->max_instruments;
    self->instruments = calloc(options->max_instruments, sizeof *self->instruments);
    self->nbbos = calloc(options->max_instruments, sizeof *self->nbbos);
    if (self->instruments == NULL || self->nbbos == NULL ||
        !tw_map_init(&self->by_key, options->max_instruments, key_of, self) ||
        !tw_map_init(&self->nbbo_by_symbol, options->max_instruments, symbol_of, self) ||
        !wire_arena_init(&self->arena, FEED_ARENA))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u instruments", options->max_instruments);
    tickwire_options client = {.url = options->url,
                               .name = "tickwire-gateway",
                               .credentials = options->credentials,
                               .max_instruments = options->max_instruments,
                               .feed_silence_ns = options->feed_silence_ns};
    char text[TICKWIRE_ERROR_BYTES] = "";
    tickwire_status status = tickwire_open(&self->client, &client, text);
    if (status != TICKWIRE_OK)
        return tw_error_set(error, status == TICKWIRE_AWAY ? TW_AWAY : TW_INVALID, "connecting to the bus: %s",
                            text);
    uv_poll_init(loop, &self->poll, tickwire_fd(self->client));
    uv_timer_init(loop, &self->tick);
    self->poll.data = self->tick.data = self;
    self->open_handles = 2;
    return TW_OK;
}

void source_feed(source *self, stream *core) {
    static const tickwire_handlers feeds = {.on_raw = on_feed, .on_fault = on_fault};
    self->stream = core;
    self->fed_ns = rt_clock_monotonic_ns();
    char error[TICKWIRE_ERROR_BYTES];
    if (tickwire_subscribe(self->client, FEED_STATUSES, &feeds, self, NULL, error) != TICKWIRE_OK)
        rt_log(self->log, RT_ERROR, "feeds can't be followed", RT_STR("reason", error));
    uv_poll_start(&self->poll, UV_READABLE, on_readable);
    uv_timer_start(&self->tick, on_tick, POLL_MS, POLL_MS);
}

static void release(source *self) {
    tickwire_close(self->client);
    tw_map_fini(&self->by_key);
    tw_map_fini(&self->nbbo_by_symbol);
    wire_arena_fini(&self->arena);
    free(self->instruments);
    free(self->nbbos);
    free(self);
}

static void on_closed(uv_handle_t *handle) {
    source *self = handle->data;
    if (--self->open_handles == 0) release(self);
}

void source_close(source *self) {
    if (self == NULL) return;
    if (self->open_handles == 0) {
        release(self);
        return;
    }
    uv_close((uv_handle_t *)&self->poll, on_closed);
    uv_close((uv_handle_t *)&self->tick, on_closed);
}

/* ---- for others to see ---- */

bool source_read_book(source *self, const char *mic, const char *symbol, wire_header *header, stream_book *book) {
    const tickwire_book *found =
        tickwire_find_book(self->client, mic, symbol, subject_channel_name(SUBJECT_ORDERBOOK));
    if (found == NULL) return false;
    *book = handoff_view(found, header);
    return true;
}

bool source_read_quote(source *self, const char *mic, const char *symbol, wire_quote *quote, tw_book_state *state,
                       tw_state_cause *cause) {
    const instrument *one = find_instrument(self, mic, symbol);
    if (one == NULL || !one->quote_state.known) return false;
    *quote = one->quote;
    const source_feed_entry *feed = find_feed(self, mic, one->quote.header.partition);
    *state = judge_again(self, &one->quote_state, &one->quote.header, feed, cause);
    return true;
}

bool source_quote_holds(source *self, const char *mic, const char *symbol) {
    const instrument *one = find_instrument(self, mic, symbol);
    if (one == NULL || !one->quote_state.known) return true;
    const wire_header *header = &one->quote.header;
    const source_feed_entry *feed = find_feed(self, mic, header->partition);
    return feed == NULL || feed_vouch_covers(&feed->vouch, header->epoch, header->term);
}

bool source_read_print(source *self, const char *mic, const char *symbol, wire_header *header, tw_print *print,
                       bool *any) {
    const instrument *one = find_instrument(self, mic, symbol);
    if (one == NULL || !one->print_known) return false;
    *any = one->any_print;
    *header = one->print_header;
    *print = one->print;
    return true;
}

bool source_exchange_is_good(const source *self, const char *mic) {
    uint32_t heard = 0;
    for (uint32_t i = 0; i < self->feed_count; i++) {
        const source_feed_entry *feed = &self->feeds[i];
        if (strcmp(feed->status.exchange, mic) != 0) continue;
        heard++;
        tw_book_state state = state_of_feed(self, feed);
        if (state != TW_BOOK_OK && state != TW_BOOK_CLOSED) return false;
    }
    return heard > 0;
}

source_state source_read(const source *self) {
    source_state state = {
        .any_feed = self->feed_count > 0, .feeds = self->feed_count, .messages_unfit = self->unfit};
    for (uint32_t i = 0; i < self->feed_count; i++) {
        state.feeds_silent += self->bus_away || self->feeds[i].silent;
        state.feeds_not_ok += state_of_feed(self, &self->feeds[i]) != TW_BOOK_OK;
    }
    for (uint32_t i = 0; i < self->want_count; i++)
        state.subscriptions += self->wants[i].subscription != NULL;
    return state;
}

const bus_refusals *source_refusals(const source *self) {
    return &self->refusals;
}

tickwire_stats source_read_client(const source *self) {
    return tickwire_read_stats(self->client);
}

void source_judge(source *self, const wire_header *header, tw_book_state *state, tw_state_cause *cause) {
    const source_feed_entry *feed = find_feed(self, header->exchange, header->partition);
    tw_book_state of_feed = state_of_feed(self, feed);
    worsen_by_leader(feed, header, state, cause);
    if (of_feed == TW_BOOK_OK || of_feed < *state) return;
    *state = of_feed;
    *cause = cause_of_feed(self, feed);
}

wire_venues source_venues(const source *self, const char *symbol, bool nbbo) {
    uint32_t number = nbbo ? tw_map_find(&self->nbbo_by_symbol, symbol) : TW_MAP_NONE;
    if (number != TW_MAP_NONE && self->nbbos[number].named.count > 0) return self->nbbos[number].named;
    wire_venues all = {0};
    for (uint32_t i = 0; i < self->feed_count; i++) {
        wire_venues one = {.count = 1};
        memcpy(one.mics[0], self->feeds[i].status.exchange, TW_MIC_BYTES);
        note_venues(&all, &one);
    }
    return all;
}

uint32_t source_partitions(const source *self, const char *mic) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->feed_count; i++)
        count += strcmp(self->feeds[i].status.exchange, mic) == 0;
    return count;
}

/* Of what is heard only: a feed that has closed and says nothing more may have nobody behind it. */
static bool is_heard(const source *self, const source_feed_entry *feed, int64_t now_ns) {
    return !feed->silent && (feed->awaited || now_ns - feed->heard_ns < self->feed_silence_ns);
}

void source_call_roll(const source *self, const char *mic, roll_call *call, partition_set *silent) {
    int64_t now_ns = rt_clock_monotonic_ns();
    *silent = (partition_set){0};
    if (now_ns - self->fed_ns >= self->feed_silence_ns) partition_set_fill(silent);
    for (uint32_t i = 0; i < self->feed_count; i++) {
        const source_feed_entry *feed = &self->feeds[i];
        if (strcmp(feed->status.exchange, mic) != 0) continue;
        roll_call_expect(call, feed->status.partition);
        if (is_heard(self, feed, now_ns))
            partition_set_remove(silent, feed->status.partition);
        else
            partition_set_add(silent, feed->status.partition);
    }
}
