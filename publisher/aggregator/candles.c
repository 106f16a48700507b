/* From prints to candles: feeds and their time, instruments and their chains, what is in doubt. The arithmetic is candle.c's,
 * memory and queues are candle_store.c's. */
#include "publisher/aggregator/candles.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/text.h"
#include "client/chain_rule.h"
#include "publisher/aggregator/apart.h"
#include "publisher/aggregator/candle_store.h"
#include "publisher/aggregator/print_hold.h"

#define MOST_FEEDS  (CANDLE_OWNERS - 1)
#define ALL_FEEDS   (CANDLE_OWNERS - 1) /* owner of what is over all exchanges */
#define DAY         (SUBJECT_CANDLES - 1)
#define SLOW_FROM   2u /* intervals from 5 min on wait longer */
#define SLOW_FACTOR 4
#define LONG_AGO_NS INT64_MIN
#define KEY_BYTES   (TW_MIC_BYTES + TW_SYMBOL_BYTES + 1)
#define NS_PER_MS   INT64_C(1000000)
#define NONE        UINT32_MAX

typedef struct feed {
    char exchange[TW_MIC_BYTES];
    uint32_t partition, venue;
    uint64_t term;
    char epoch[TW_EPOCH_BYTES], left_epoch[TW_EPOCH_BYTES];
    bool heard; /* a status has come */
    bool live;  /* OK, and told of still: its time goes on */
    bool bad;   /* prints may be missing now */
    bool closed;
    int64_t joined_ns; /* we hear all that is after it */
    int64_t lost_ns;   /* of candles that began before it prints may be missing */
    int64_t time_ns;   /* the exchange's, at least */
    int64_t told_event_ns,
        told_publish_ns; /* newest event told by a status, and when the publisher said so first */
    int64_t day_start_ns, day_end_ns;
    bool dated; /* the epoch says which day it is */
} feed;

typedef struct instrument {
    char key[KEY_BYTES]; /* "XNAS.AAPL", "agg.AAPL" */
    char mic[TW_MIC_BYTES], symbol[TW_SYMBOL_BYTES];
    bool is_aggregate;
    uint32_t feed;                  /* ALL_FEEDS: over all */
    uint32_t aggregate, next_venue; /* of an exchange's instrument */
    uint32_t first_venue;           /* of an aggregate */
    tw_chain chain;
    bool whole;        /* all its prints since the session began have come */
    int64_t lost_ns;   /* of candles that began before it prints are missing */
    int64_t last_ns;   /* of its newest print */
    uint64_t seq;      /* of the last message; an aggregate's: the sum */
    uint64_t revision; /* the same, but that a later session counts on from the one before */
    uint32_t epoch_number;
    char epochs[2][TW_EPOCH_BYTES]; /* present and previous, by epoch_number % 2 */
    candle_series series[SUBJECT_CANDLES];
    print_line prints;
} instrument;

struct candles {
    candles_options options;
    feed feeds[MOST_FEEDS];
    uint32_t feed_count;
    instrument *instruments;
    uint32_t instrument_count;
    tw_map by_key;
    candle_store store;
    print_hold held;
    candles_stats stats;
};

static const char *key_of(const void *context, uint32_t number) {
    return ((const candles *)context)->instruments[number].key;
}

tw_code candles_alloc(candles **made, const candles_options *options, tw_error *error) {
    *made = NULL;
    candles *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for candles");
    self->options = *options;
    self->instruments = calloc(options->max_instruments, sizeof *self->instruments);
    bool store = candle_store_init(&self->store, options->max_candles);
    bool held = print_hold_init(&self->held, options->kept_prints);
    bool map = tw_map_init(&self->by_key, options->max_instruments, key_of, self);
    if (self->instruments == NULL || !store || !held || !map) {
        candles_free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for candles of %u instruments",
                            options->max_instruments);
    }
    *made = self;
    return TW_OK;
}

void candles_free(candles *self) {
    if (self == NULL) return;
    tw_map_fini(&self->by_key);
    print_hold_fini(&self->held);
    candle_store_fini(&self->store);
    free(self->instruments);
    free(self);
}

static candle_slot *slot_at(const candles *self, uint32_t n) {
    return candle_slot_at(&self->store, n);
}

/* ---- to be published ---- */

static candle_out queue_of(const candles *self, const candle_slot *slot) {
    if (slot->candle.final) return OUT_NOW;
    if (self->options.partial_ns == 0) return OUT_NOT;
    return slot->interval >= SLOW_FROM ? OUT_SLOW : OUT_FAST;
}

/* It is not what was published any more. One that waits already keeps its place. */
static void changed(candles *self, uint32_t n, int64_t now_ns) {
    const candle_slot *slot = slot_at(self, n);
    candle_out queue = queue_of(self, slot);
    if (slot->queue != (uint8_t)queue) candle_store_queue(&self->store, n, queue, now_ns);
}

static void finish(candles *self, uint32_t n, int64_t now_ns) {
    candle_store_finish(&self->store, n);
    changed(self, n, now_ns);
}

static void doubt_candle(candles *self, uint32_t n, int64_t now_ns) {
    candle_slot *slot = slot_at(self, n);
    if (slot->candle.incomplete) return;
    slot->candle.incomplete = true;
    self->stats.incomplete++;
    changed(self, n, now_ns);
}

/* ---- feeds ---- */

static uint32_t venue_of(const char *mic) {
    uint32_t venue = 0;
    for (uint32_t i = 0; i < TW_MIC_BYTES - 1; i++)
        venue = venue << 8 | (*mic != '\0' ? (uint8_t)*mic++ : 0);
    return venue;
}

static feed *find_feed(candles *self, const char *exchange, uint32_t partition) {
    for (uint32_t i = 0; i < self->feed_count; i++)
        if (self->feeds[i].partition == partition && strcmp(self->feeds[i].exchange, exchange) == 0)
            return &self->feeds[i];
    return NULL;
}

static feed *feed_of(candles *self, const char *exchange, uint32_t partition) {
    feed *found = find_feed(self, exchange, partition);
    if (found != NULL || self->feed_count == MOST_FEEDS) return found;
    found = &self->feeds[self->feed_count++];
    *found = (feed){.partition = partition,
                    .venue = venue_of(exchange),
                    .joined_ns = LONG_AGO_NS,
                    .lost_ns = LONG_AGO_NS,
                    .time_ns = LONG_AGO_NS,
                    .told_event_ns = LONG_AGO_NS};
    tw_text_copy(found->exchange, sizeof found->exchange, exchange);
    return found;
}

static uint32_t number_of(const candles *self, const feed *f) {
    return (uint32_t)(f - self->feeds);
}

/* "2020-01-30.0000000010" is of a date. */
static bool date_of(const char *epoch, tw_date *date) {
    char text[TW_DATE_BYTES];
    tw_text_copy(text, sizeof text, epoch);
    return tw_date_parse(text, date);
}

/* False: the date is one that instants do not reach. */
static bool set_day(candles *self, feed *f, tw_date date) {
    const candles_zones *zones = &self->options.zones;
    tw_date next = tw_date_from_days(tw_date_to_days(date) + 1);
    return zones->midnight(zones->context, f->exchange, date, &f->day_start_ns) &&
           zones->midnight(zones->context, f->exchange, next, &f->day_end_ns);
}

/* Whether candles can start before it and end behind it: any time but those of the first and last fortnight that 64 bits
 * hold, which are no exchange's. */
static bool is_candle_time(int64_t time_ns) {
    return time_ns > INT64_MIN + 14 * TW_NS_PER_DAY && time_ns < INT64_MAX - 14 * TW_NS_PER_DAY;
}

/* Which day's candle a print of this time belongs to. False: of none. */
static bool find_day(candles *self, feed *f, int64_t event_ns) {
    if (!is_candle_time(event_ns)) return false;
    if (f->dated || (event_ns >= f->day_start_ns && event_ns < f->day_end_ns)) return true;
    const candles_zones *zones = &self->options.zones;
    int64_t offset_ns = zones->offset_at(zones->context, f->exchange, event_ns) * TW_NS_PER_SECOND;
    int64_t local_ns = event_ns + offset_ns;
    return set_day(self, f, tw_date_from_days(local_ns / TW_NS_PER_DAY - (local_ns % TW_NS_PER_DAY < 0)));
}

static void finish_all(candles *self, uint32_t owner, int64_t now_ns) {
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        while (self->store.open[owner][interval].first != CANDLE_NONE)
            finish(self, self->store.open[owner][interval].first, now_ns);
}

/* Candles whose time is over: they are in their queues in the order in which they began. */
static void advance(candles *self, uint32_t owner, int64_t time_ns, int64_t now_ns) {
    if (time_ns < LONG_AGO_NS + self->options.grace_ns) return;
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
        const candle_queue *open = &self->store.open[owner][interval];
        while (open->first != CANDLE_NONE &&
               slot_at(self, open->first)->candle.end_ns <= time_ns - self->options.grace_ns)
            finish(self, open->first, now_ns);
    }
}

/* Time over all exchanges: that of the slowest feed that is live. */
static void advance_all(candles *self, int64_t now_ns) {
    int64_t time_ns = INT64_MAX;
    bool any = false, all_closed = true;
    for (uint32_t i = 0; i < self->feed_count; i++) {
        const feed *f = &self->feeds[i];
        if (apart_has(self->options.apart, f->exchange)) continue;
        any = true;
        all_closed &= f->closed;
        if (f->live && f->time_ns < time_ns) time_ns = f->time_ns;
    }
    if (any && all_closed)
        finish_all(self, ALL_FEEDS, now_ns);
    else if (time_ns != INT64_MAX)
        advance(self, ALL_FEEDS, time_ns, now_ns);
}

static int64_t time_over_all(const candles *self) {
    int64_t time_ns = INT64_MAX;
    for (uint32_t i = 0; i < self->feed_count; i++) {
        const feed *f = &self->feeds[i];
        if (f->live && f->time_ns < time_ns && !apart_has(self->options.apart, f->exchange)) time_ns = f->time_ns;
    }
    return time_ns == INT64_MAX ? LONG_AGO_NS : time_ns;
}

/* The feed's leader and session by any message. False: it is of a deposed leader or a session that was left. */
static bool enter(candles *self, feed *f, uint64_t term, const char *epoch, int64_t now_ns) {
    bool same = strcmp(f->epoch, epoch) == 0;
    bool left = term == f->term && f->left_epoch[0] != '\0' && strcmp(f->left_epoch, epoch) == 0;
    if (term < f->term || (left && !same)) return false;
    if (term > f->term) f->left_epoch[0] = '\0';
    if (!same) {
        tw_date date, before;
        bool dated = date_of(epoch, &date);
        bool same_day = dated && date_of(f->epoch, &before) && tw_date_compare(date, before) == 0;
        if (term == f->term) tw_text_copy(f->left_epoch, sizeof f->left_epoch, f->epoch);
        if (!same_day) finish_all(self, number_of(self, f), now_ns);
        tw_text_copy(f->epoch, sizeof f->epoch, epoch);
        f->time_ns = f->told_event_ns = LONG_AGO_NS; /* a recording may be of any time */
        f->closed = false;
        f->day_start_ns = f->day_end_ns = 0;
        f->dated = dated && set_day(self, f, date);
    }
    f->term = term;
    return true;
}

/* ---- doubt ---- */

static void doubt_open(candles *self, uint32_t owner, uint32_t feed_number, int64_t now_ns) {
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        for (uint32_t n = self->store.open[owner][interval].first; n != CANDLE_NONE;
             n = slot_at(self, n)->life.next) {
            const instrument *i = &self->instruments[slot_at(self, n)->instrument];
            bool concerned = owner == feed_number;
            for (uint32_t v = i->first_venue; !concerned && v != NONE; v = self->instruments[v].next_venue)
                concerned = self->instruments[v].feed == feed_number;
            if (concerned) doubt_candle(self, n, now_ns);
        }
}

/* Whether prints may be missing while the feed says so of itself. A gap may be filled yet: what is behind it waits. */
static bool is_bad(const wire_feed_status *status) {
    if (status->state == TW_BOOK_STALE) return true;
    return status->state == TW_BOOK_RECOVERING && status->cause != TW_CAUSE_GAP &&
           status->cause != TW_CAUSE_STARTING;
}

static void judge(candles *self, feed *f, const wire_feed_status *status, int64_t now_ns) {
    bool bad = is_bad(status);
    if (bad && !f->bad) {
        doubt_open(self, number_of(self, f), number_of(self, f), now_ns);
        doubt_open(self, ALL_FEEDS, number_of(self, f), now_ns);
    }
    if (f->bad && !bad && f->time_ns > f->lost_ns) f->lost_ns = f->time_ns;
    f->bad = bad;
}

/* The feed's time: its newest event, and from there on the publisher's clock. */
static void tell_time(feed *f, const wire_feed_status *status) {
    if (status->event_ns == TW_TIME_ABSENT) return;
    if (status->event_ns > f->told_event_ns) {
        f->told_event_ns = status->event_ns;
        f->told_publish_ns = status->publish_ns;
    }
    int64_t passed_ns = 0;
    bool goes_on = status->state == TW_BOOK_OK && status->publish_ns != TW_TIME_ABSENT &&
                   f->told_publish_ns != TW_TIME_ABSENT && status->publish_ns > f->told_publish_ns;
    if (goes_on) passed_ns = status->publish_ns - f->told_publish_ns;
    int64_t time_ns;
    if (!__builtin_add_overflow(f->told_event_ns, passed_ns, &time_ns) && time_ns > f->time_ns)
        f->time_ns = time_ns;
}

void candles_status(candles *self, const wire_feed_status *status, int64_t now_ns) {
    feed *f = feed_of(self, status->exchange, status->partition);
    if (f == NULL || !enter(self, f, status->term, status->epoch, now_ns)) return;
    if (!f->heard) f->joined_ns = status->event_ns == TW_TIME_ABSENT ? LONG_AGO_NS : status->event_ns;
    f->heard = true;
    tell_time(f, status);
    judge(self, f, status, now_ns);
    f->closed = status->state == TW_BOOK_CLOSED;
    if (f->closed)
        finish_all(self, number_of(self, f), now_ns);
    else
        advance(self, number_of(self, f), f->time_ns, now_ns);
    advance_all(self, now_ns);
}

void candles_feed_live(candles *self, const char *exchange, uint32_t partition, bool live) {
    feed *f = find_feed(self, exchange, partition);
    if (f != NULL) f->live = live;
}

/* ---- instruments ---- */

static uint32_t make_instrument(candles *self, const char *mic, const char *symbol, const char *key) {
    if (self->instrument_count == self->options.max_instruments) return NONE;
    uint32_t number = self->instrument_count;
    instrument *i = &self->instruments[number];
    *i = (instrument){.feed = ALL_FEEDS,
                      .aggregate = NONE,
                      .next_venue = NONE,
                      .first_venue = NONE,
                      .lost_ns = LONG_AGO_NS,
                      .last_ns = LONG_AGO_NS};
    tw_text_copy(i->key, sizeof i->key, key);
    tw_text_copy(i->mic, sizeof i->mic, mic);
    tw_text_copy(i->symbol, sizeof i->symbol, symbol);
    i->is_aggregate = strcmp(mic, SUBJECT_AGGREGATE) == 0;
    print_line_init(&i->prints);
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        candle_series_init(&i->series[interval]);
    tw_map_add(&self->by_key, number);
    self->instrument_count++;
    return number;
}

static uint32_t find_instrument(const candles *self, const char *mic, const char *symbol) {
    char key[KEY_BYTES];
    tw_text_format(key, sizeof key, "%s.%s", mic, symbol);
    return tw_map_find(&self->by_key, key);
}

static uint32_t find_or_make(candles *self, const char *mic, const char *symbol) {
    char key[KEY_BYTES];
    uint32_t number = find_instrument(self, mic, symbol);
    if (number != TW_MAP_NONE) return number;
    tw_text_format(key, sizeof key, "%s.%s", mic, symbol);
    return make_instrument(self, mic, symbol, key);
}

/* Next to those of other exchanges, if it counts among them. */
static void join_aggregate(candles *self, uint32_t number) {
    instrument *i = &self->instruments[number];
    if (apart_has(self->options.apart, i->mic)) return;
    i->aggregate = find_or_make(self, SUBJECT_AGGREGATE, i->symbol);
    if (i->aggregate == NONE) return;
    instrument *all = &self->instruments[i->aggregate];
    i->next_venue = all->first_venue;
    all->first_venue = number;
}

static void move_to_feed(candles *self, uint32_t number, uint32_t feed_number) {
    instrument *i = &self->instruments[number];
    i->feed = feed_number;
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        for (uint32_t n = i->series[interval].newest; n != CANDLE_NONE; n = slot_at(self, n)->older)
            candle_store_own(&self->store, n, feed_number);
}

/* An exchange's instrument; NONE: no room for it (counted). */
static uint32_t instrument_of(candles *self, const wire_header *header, const feed *f) {
    uint32_t before = self->instrument_count;
    uint32_t number = find_or_make(self, header->exchange, header->symbol);
    if (number == NONE) {
        self->stats.refused++;
        return NONE;
    }
    if (number == before) join_aggregate(self, number);
    if (self->instruments[number].feed != number_of(self, f)) move_to_feed(self, number, number_of(self, f));
    return number;
}

/* Its messages count in another session from here on. */
static void name_epoch(instrument *i, const char *epoch) {
    if (strcmp(i->epochs[i->epoch_number % 2], epoch) == 0) return;
    i->epoch_number++;
    tw_text_copy(i->epochs[i->epoch_number % 2], sizeof i->epochs[0], epoch);
}

/* An aggregate's session is a date. */
static void name_date(instrument *all, const char *epoch) {
    char text[TW_EPOCH_BYTES];
    tw_date date;
    tw_text_copy(text, date_of(epoch, &date) ? TW_DATE_BYTES : sizeof text, epoch);
    if (strcmp(all->epochs[all->epoch_number % 2], text) < 0) name_epoch(all, text);
}

/* ---- what a candle lacks ---- */

/* Whether prints of an exchange's instrument may be missing in a candle that starts then. */
static bool lacks(const candles *self, const instrument *i, int64_t start_ns) {
    const feed *f = &self->feeds[i->feed];
    if (f->bad || start_ns < f->lost_ns || start_ns < i->lost_ns) return true;
    return !i->whole && (!f->heard || start_ns < f->joined_ns);
}

static bool any_lacks(const candles *self, const instrument *all, int64_t start_ns) {
    for (uint32_t v = all->first_venue; v != NONE; v = self->instruments[v].next_venue)
        if (lacks(self, &self->instruments[v], start_ns)) return true;
    return false;
}

/* Prints are missing since `since_ns`: of all candles that end later. */
static void doubt_since(candles *self, instrument *i, int64_t since_ns, int64_t now_ns) {
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++)
        for (uint32_t n = i->series[interval].newest;
             n != CANDLE_NONE && slot_at(self, n)->candle.end_ns > since_ns; n = slot_at(self, n)->older)
            doubt_candle(self, n, now_ns);
}

static void lose(candles *self, instrument *i, uint64_t missed, int64_t until_ns, int64_t now_ns) {
    instrument *all = i->aggregate == NONE ? NULL : &self->instruments[i->aggregate];
    self->stats.missed += missed;
    doubt_since(self, i, i->last_ns, now_ns);
    if (all != NULL) doubt_since(self, all, i->last_ns, now_ns);
    if (until_ns > i->lost_ns) i->lost_ns = until_ns;
}

/* ---- folding prints in ---- */

static int64_t floor_to(int64_t event_ns, int64_t step_ns) {
    int64_t rest = event_ns % step_ns;
    return event_ns - (rest < 0 ? rest + step_ns : rest);
}

static int64_t start_of(uint32_t interval, int64_t event_ns, int64_t day_ns) {
    return interval == DAY ? day_ns : floor_to(event_ns, subject_candle_ms(interval) * NS_PER_MS);
}

/* A print on its way into candles. */
typedef struct fold {
    const feed *feed;
    candle_print print;
    int64_t day_ns, receive_ns, now_ns;
} fold;

/* One without prints; CANDLE_NONE: no room, or older than the history (counted). */
static uint32_t add_candle(candles *self, uint32_t number, uint32_t interval, int64_t start_ns, int64_t end_ns,
                           uint32_t older) {
    instrument *i = &self->instruments[number];
    candle_series *series = &i->series[interval];
    if (series->count >= self->options.history) {
        if (older == CANDLE_NONE) {
            self->stats.too_late++;
            return CANDLE_NONE;
        }
        uint32_t oldest = series->oldest;
        if (oldest == older) older = CANDLE_NONE;
        candle_store_remove(&self->store, oldest);
    }
    uint32_t n = candle_store_add(&self->store, series, older, i->feed, interval);
    if (n == CANDLE_NONE) {
        self->stats.refused++;
        return CANDLE_NONE;
    }
    candle_slot *slot = slot_at(self, n);
    candle_start(&slot->candle, start_ns, end_ns);
    slot->instrument = number;
    slot->candle.incomplete = i->is_aggregate ? any_lacks(self, i, start_ns) : lacks(self, i, start_ns);
    self->stats.incomplete += slot->candle.incomplete;
    return n;
}

/* What the candle's last change came from. */
static void stamp(candle_slot *slot, const instrument *i, int64_t event_ns, int64_t receive_ns) {
    slot->seq = i->seq;
    slot->revision = i->is_aggregate ? i->seq : i->revision;
    slot->epoch = i->epoch_number;
    slot->receive_ns = receive_ns;
    if (event_ns != TW_TIME_ABSENT && (slot->candle.count <= 1 || event_ns > slot->event_ns))
        slot->event_ns = event_ns;
}

/* Time is beyond a candle's end already: it is late. */
static bool is_over(const candles *self, uint32_t number, const fold *what, int64_t end_ns) {
    const instrument *i = &self->instruments[number];
    int64_t time_ns = i->is_aggregate ? time_over_all(self) : what->feed->time_ns;
    return time_ns >= LONG_AGO_NS + self->options.grace_ns && end_ns <= time_ns - self->options.grace_ns;
}

static void fold_into(candles *self, uint32_t number, uint32_t interval, const fold *what) {
    instrument *i = &self->instruments[number];
    int64_t start_ns = start_of(interval, what->print.at.event_ns, what->day_ns);
    uint32_t older, n = candle_series_find(&self->store, &i->series[interval], start_ns, &older);
    int64_t end_ns = interval == DAY ? what->feed->day_end_ns : start_ns + subject_candle_ms(interval) * NS_PER_MS;
    if (n == CANDLE_NONE) n = add_candle(self, number, interval, start_ns, end_ns, older);
    if (n == CANDLE_NONE) return;
    candle_slot *slot = slot_at(self, n);
    bool was_final = slot->candle.final;
    if (candle_add(&slot->candle, &what->print)) {
        stamp(slot, i, what->print.at.event_ns, what->receive_ns);
        self->stats.restated += was_final;
    } else {
        self->stats.refused++;
        doubt_candle(self, n, what->now_ns);
    }
    if (!was_final && is_over(self, number, what, slot->candle.end_ns))
        finish(self, n, what->now_ns);
    else
        changed(self, n, what->now_ns);
}

static bool counts(const tw_print *print) {
    return print->price != TW_PRICE_ABSENT && print->quantity > 0;
}

/* The aggregate's seq is the sum of those of its exchanges: a later session adds to it. */
static void count_seq(candles *self, instrument *i, uint64_t seq, bool same_epoch) {
    uint64_t more = same_epoch && seq >= i->seq ? seq - i->seq : seq;
    i->seq = seq;
    i->revision += more;
    if (i->aggregate != NONE) self->instruments[i->aggregate].seq += more;
}

static void take_print(candles *self, uint32_t number, feed *f, const wire_header *header, const tw_print *print,
                       int64_t now_ns) {
    instrument *i = &self->instruments[number];
    if (!counts(print)) return;
    if (!find_day(self, f, print->event_ns)) { /* of no known candle */
        self->stats.refused++;
        doubt_since(self, i, i->last_ns, now_ns);
        return;
    }
    if (print->event_ns > f->time_ns) f->time_ns = print->event_ns;
    if (print->event_ns > i->last_ns) i->last_ns = print->event_ns;
    const fold what = {
        .feed = f,
        .print = {.at = {.event_ns = print->event_ns, .seq = print->seq, .index = print->index, .venue = f->venue},
                  .price = print->price,
                  .quantity = print->quantity,
                  .price_exponent = header->price_exponent,
                  .quantity_exponent = header->quantity_exponent},
        .day_ns = f->day_start_ns,
        .receive_ns = header->receive_ns,
        .now_ns = now_ns};
    self->stats.prints++;
    print_hold_add(&self->held, &i->prints, &what.print, print->match_id, what.day_ns);
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
        fold_into(self, number, interval, &what);
        if (i->aggregate != NONE) fold_into(self, i->aggregate, interval, &what);
    }
}

/* ---- breaks ---- */

static bool is_in(const held_print *held, uint32_t interval, int64_t start_ns) {
    return held->valid && start_of(interval, held->print.at.event_ns, held->day_ns) == start_ns;
}

/* Folds the prints of one line that are in the candle into it, or only counts them (`into` NULL). */
static uint64_t each_held(const candles *self, const print_line *line, uint32_t interval, int64_t start_ns,
                          candle *into) {
    uint64_t count = 0;
    for (uint32_t n = line->first; n != PRINT_NONE; n = self->held.ring[n].next) {
        const held_print *held = &self->held.ring[n];
        if (!is_in(held, interval, start_ns)) continue;
        count++;
        if (into != NULL) candle_add(into, &held->print);
    }
    return count;
}

static uint64_t each_held_of(const candles *self, const instrument *i, uint32_t interval, int64_t start_ns,
                             candle *into) {
    if (!i->is_aggregate) return each_held(self, &i->prints, interval, start_ns, into);
    uint64_t count = 0;
    for (uint32_t v = i->first_venue; v != NONE; v = self->instruments[v].next_venue)
        count += each_held(self, &self->instruments[v].prints, interval, start_ns, into);
    return count;
}

/* `broken` is not valid any more. */
static void take_out(candles *self, uint32_t number, uint32_t interval, const held_print *broken,
                     int64_t receive_ns, int64_t now_ns) {
    instrument *i = &self->instruments[number];
    int64_t start_ns = start_of(interval, broken->print.at.event_ns, broken->day_ns);
    uint32_t older, n = candle_series_find(&self->store, &i->series[interval], start_ns, &older);
    if (n == CANDLE_NONE) return;
    candle_slot *slot = slot_at(self, n);
    bool prices_stand = candle_remove(&slot->candle, &broken->print);
    if (!prices_stand && each_held_of(self, i, interval, start_ns, NULL) == slot->candle.count) {
        candle_rebuild(&slot->candle);
        each_held_of(self, i, interval, start_ns, &slot->candle);
    } else if (!prices_stand) {
        doubt_candle(self, n, now_ns);
    }
    stamp(slot, i, TW_TIME_ABSENT, receive_ns);
    self->stats.restated += slot->candle.final;
    changed(self, n, now_ns);
}

/* Nothing is known of the print but that it is void: it was in the day's candle. */
static void doubt_day(candles *self, const instrument *i, int64_t now_ns) {
    if (i->series[DAY].newest != CANDLE_NONE) doubt_candle(self, i->series[DAY].newest, now_ns);
}

static void take_break(candles *self, uint32_t number, const wire_header *header, uint64_t match_id,
                       int64_t now_ns) {
    instrument *i = &self->instruments[number];
    held_print *broken = print_hold_find(&self->held, &i->prints, match_id);
    if (broken == NULL) {
        self->stats.breaks_unknown++;
        doubt_day(self, i, now_ns);
        if (i->aggregate != NONE) doubt_day(self, &self->instruments[i->aggregate], now_ns);
        return;
    }
    broken->valid = false;
    self->stats.breaks++;
    for (uint32_t interval = 0; interval < SUBJECT_CANDLES; interval++) {
        take_out(self, number, interval, broken, header->receive_ns, now_ns);
        if (i->aggregate != NONE) take_out(self, i->aggregate, interval, broken, header->receive_ns, now_ns);
    }
}

/* ---- messages ---- */

/* Where an instrument's prints begin for us. What was before the first message of a session is nothing; before a later one
 * it is unknown, and a snapshot's print, whose candle began long ago perhaps, is left out. */
static bool begin(instrument *i, const wire_trades *trades) {
    const wire_header *header = &trades->header;
    i->whole = header->snapshot ? header->seq == 0 : header->prev_seq == 0;
    bool only_one =
        header->snapshot && trades->prints_total == 1 && trades->print_count == 1 && trades->counted_from_seq == 0;
    i->whole |= only_one;
    return !header->snapshot || only_one;
}

static int64_t first_time(const wire_trades *trades, uint32_t from) {
    for (uint32_t n = from; n < trades->print_count; n++)
        if (trades->prints[n].event_ns != TW_TIME_ABSENT) return trades->prints[n].event_ns;
    return LONG_AGO_NS;
}

static void take_new(candles *self, uint32_t number, feed *f, const wire_trades *trades, uint32_t from,
                     int64_t now_ns) {
    instrument *i = &self->instruments[number];
    const wire_header *header = &trades->header;
    bool same_epoch = strcmp(i->epochs[i->epoch_number % 2], header->epoch) == 0;
    name_epoch(i, header->epoch);
    if (i->aggregate != NONE) name_date(&self->instruments[i->aggregate], header->epoch);
    for (uint32_t n = from; n < trades->print_count; n++) {
        const tw_print *print = &trades->prints[n];
        count_seq(self, i, print->seq, same_epoch);
        same_epoch = true;
        if (print->kind == TW_PRINT_BREAK)
            take_break(self, number, header, print->match_id, now_ns);
        else
            take_print(self, number, f, header, print, now_ns);
    }
    count_seq(self, i, !same_epoch || header->seq > i->seq ? header->seq : i->seq, same_epoch);
}

bool candles_trades(candles *self, const wire_trades *trades, int64_t now_ns) {
    const wire_header *header = &trades->header;
    feed *f = feed_of(self, header->exchange, header->partition);
    if (f == NULL || !enter(self, f, header->term, header->epoch, now_ns)) return false;
    uint32_t number = instrument_of(self, header, f);
    if (number == NONE) return false;
    instrument *i = &self->instruments[number];
    bool first = !i->chain.heard;
    chain_verdict verdict = chain_take_trades(&i->chain, trades);
    if (verdict.outcome != CHAIN_DELIVER) return verdict.outcome == CHAIN_TOTALS;
    uint32_t from = verdict.known;
    if (first && !begin(i, trades)) from = trades->print_count;
    if (verdict.missed > 0) lose(self, i, verdict.missed, first_time(trades, from), now_ns);
    take_new(self, number, f, trades, from, now_ns);
    advance(self, number_of(self, f), f->time_ns, now_ns);
    return true;
}

/* ---- what another aggregator knows ---- */

/* Its content, as if its prints had been folded in here: later ones go on from it. Of its first print only the candle's
 * start is known, so none that comes late is earlier. */
static void copy_from(candles *self, uint32_t n, const wire_candle *m) {
    candle_slot *slot = slot_at(self, n);
    const instrument *i = &self->instruments[slot->instrument];
    candle *c = &slot->candle;
    bool same_epoch = strcmp(i->epochs[i->epoch_number % 2], m->header.epoch) == 0;
    c->turnover = (candle_sum)m->turnover_high * ((candle_sum)1 << 64) + (candle_sum)m->turnover_low;
    c->open = m->open, c->high = m->high, c->low = m->low, c->close = m->close;
    c->volume = m->volume;
    c->count = m->count;
    c->price_exponent = m->header.price_exponent;
    c->quantity_exponent = m->header.quantity_exponent;
    c->first = (candle_place){.event_ns = INT64_MIN};
    c->last = (candle_place){.event_ns = m->header.event_ns, .seq = m->header.seq};
    c->incomplete = m->incomplete;
    slot->seq = m->header.seq;
    slot->revision = m->revision;
    slot->event_ns = m->header.event_ns;
    slot->receive_ns = m->header.receive_ns;
    slot->epoch = same_epoch ? i->epoch_number : i->epoch_number - 2; /* one whose name is not kept */
}

/* Whether all prints that were folded into it are behind us: what comes here from now on is not in it yet. */
static bool is_behind_us(const instrument *i, const wire_candle *m) {
    bool same_epoch = strncmp(i->epochs[i->epoch_number % 2], m->header.epoch, TW_DATE_BYTES - 1) == 0;
    return m->final || (same_epoch && m->revision <= (i->is_aggregate ? i->seq : i->revision));
}

static bool adopt_new(candles *self, uint32_t number, uint32_t interval, const wire_candle *m, uint32_t older) {
    const instrument *i = &self->instruments[number];
    bool too_old = i->series[interval].count >= self->options.history && older == CANDLE_NONE;
    if (too_old) return true;
    if (!is_behind_us(i, m)) return false;
    uint32_t n = add_candle(self, number, interval, m->start_ns,
                            m->start_ns + subject_candle_ms(interval) * NS_PER_MS, older);
    if (n == CANDLE_NONE) return true;
    self->stats.incomplete -= slot_at(self, n)->candle.incomplete;
    copy_from(self, n, m);
    if (m->final) candle_store_finish(&self->store, n); /* told by the one who made it */
    self->stats.adopted++;
    return true;
}

/* Mine lacks what theirs has, and both have the same last print. */
static bool adopt_better(candles *self, uint32_t n, const wire_candle *m, int64_t now_ns) {
    const candle_slot *slot = slot_at(self, n);
    if (!slot->candle.incomplete || m->incomplete) return true;
    if (slot->revision != m->revision) return false;
    copy_from(self, n, m);
    self->stats.adopted++;
    changed(self, n, now_ns);
    return true;
}

bool candles_adopt(candles *self, const wire_candle_list *list, int64_t now_ns) {
    uint32_t interval, number = find_instrument(self, list->exchange, list->symbol);
    bool all = true;
    if (number == TW_MAP_NONE || !subject_candle_index(list->interval_ms, &interval)) return true;
    for (uint32_t at = 0; at < list->candle_count; at++) {
        const wire_candle *m = &list->candles[at];
        uint32_t older, n;
        if (m->count == 0 || !is_candle_time(m->start_ns) || m->open == TW_PRICE_ABSENT) continue;
        n = candle_series_find(&self->store, &self->instruments[number].series[interval], m->start_ns, &older);
        all &= n == CANDLE_NONE ? adopt_new(self, number, interval, m, older) : adopt_better(self, n, m, now_ns);
    }
    return all;
}

bool candles_instrument(const candles *self, uint32_t number, const char **mic, const char **symbol) {
    if (number >= self->instrument_count) return false;
    *mic = self->instruments[number].mic;
    *symbol = self->instruments[number].symbol;
    return true;
}

/* ---- out ---- */

static uint32_t first_due(const candles *self, int64_t now_ns) {
    const int64_t waits_ns[OUT_QUEUES] = {[OUT_FAST] = self->options.partial_ns,
                                          [OUT_SLOW] = SLOW_FACTOR * self->options.partial_ns,
                                          [OUT_REFRESH] = self->options.refresh_ns};
    for (uint32_t queue = OUT_NOW; queue < OUT_QUEUES; queue++) {
        uint32_t n = self->store.out[queue].first;
        if (n != CANDLE_NONE && now_ns - slot_at(self, n)->out_ns >= waits_ns[queue]) return n;
    }
    return CANDLE_NONE;
}

static void fill(const candles *self, const candle_slot *slot, wire_candle *message) {
    const candle *c = &slot->candle;
    const instrument *i = &self->instruments[slot->instrument];
    uint32_t behind = i->epoch_number - slot->epoch; /* 0: the present session */
    *message = (wire_candle){.header = {.seq = slot->seq,
                                        .price_exponent = c->price_exponent,
                                        .quantity_exponent = c->quantity_exponent,
                                        .event_ns = slot->event_ns,
                                        .receive_ns = slot->receive_ns,
                                        .publish_ns = TW_TIME_ABSENT},
                             .interval_ms = subject_candle_ms(slot->interval),
                             .start_ns = c->start_ns,
                             .open = c->count > 0 ? c->open : TW_PRICE_ABSENT,
                             .high = c->count > 0 ? c->high : TW_PRICE_ABSENT,
                             .low = c->count > 0 ? c->low : TW_PRICE_ABSENT,
                             .close = c->count > 0 ? c->close : TW_PRICE_ABSENT,
                             .volume = c->volume,
                             .turnover_high = (int64_t)(c->turnover >> 64),
                             .turnover_low = (uint64_t)c->turnover,
                             .vwap = candle_vwap(c),
                             .count = c->count,
                             .revision = slot->revision,
                             .final = c->final,
                             .incomplete = c->incomplete};
    tw_text_copy(message->header.symbol, sizeof message->header.symbol, i->symbol);
    if (behind < 2) tw_text_copy(message->header.epoch, sizeof message->header.epoch, i->epochs[slot->epoch % 2]);
    if (i->is_aggregate) return;
    tw_text_copy(message->header.exchange, sizeof message->header.exchange, i->mic);
    message->header.partition = self->feeds[i->feed].partition;
    message->header.term = i->chain.term;
}

bool candles_next(candles *self, int64_t now_ns, wire_candle *message) {
    uint32_t n = first_due(self, now_ns);
    if (n == CANDLE_NONE) return false;
    const candle_slot *slot = slot_at(self, n);
    bool stays = !slot->candle.final && self->options.refresh_ns > 0;
    candle_store_queue(&self->store, n, stays ? OUT_REFRESH : OUT_NOT, now_ns);
    fill(self, slot, message);
    self->stats.published++;
    return true;
}

/* ---- looking ---- */

static candles_known why_not_known(const candles *self, const char *mic) {
    for (uint32_t n = 0; n < self->feed_count; n++)
        if (strcmp(mic, SUBJECT_AGGREGATE) == 0 || strcmp(self->feeds[n].exchange, mic) == 0)
            return CANDLES_UNKNOWN_SYMBOL;
    return CANDLES_UNKNOWN_EXCHANGE;
}

candles_known candles_history(const candles *self, const char *mic, const char *symbol, uint32_t interval,
                              int64_t before_ns, uint32_t limit, wire_candle *found, uint32_t *count, bool *more) {
    TW_ASSERT(interval < SUBJECT_CANDLES && limit <= WIRE_MAX_CANDLES);
    uint32_t number = find_instrument(self, mic, symbol);
    *count = 0;
    *more = false;
    if (number == TW_MAP_NONE) return why_not_known(self, mic);
    uint32_t n = self->instruments[number].series[interval].newest, used = 0;
    for (; n != CANDLE_NONE && !*more; n = slot_at(self, n)->older) {
        const candle_slot *slot = slot_at(self, n);
        bool shown = slot->candle.count > 0 && (before_ns == TW_TIME_ABSENT || slot->candle.start_ns < before_ns);
        *more = shown && used == limit;
        if (shown && !*more) fill(self, slot, &found[used++]);
    }
    for (uint32_t low = 0, high = used; low + 1 < high; low++) { /* newest first so far */
        wire_candle swapped = found[low];
        found[low] = found[--high];
        found[high] = swapped;
    }
    *count = used;
    return CANDLES_KNOWN;
}

candles_stats candles_read_stats(const candles *self) {
    candles_stats stats = self->stats;
    stats.instruments = self->instrument_count;
    stats.held = self->store.count;
    stats.waiting = self->store.waiting;
    return stats;
}
