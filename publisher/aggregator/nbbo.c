/* Quotes by symbol, and what they come to. */
#include "publisher/aggregator/nbbo.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/text.h"
#include "proto/venues.h"

#define MOST_FEEDS 1024u
#define MOST_SHIFT 18
#define NONE       UINT32_MAX
#define KEY_BYTES  (TW_MIC_BYTES + TW_SYMBOL_BYTES + 1)

typedef struct feed {
    char exchange[TW_MIC_BYTES];
    uint32_t partition;
    uint64_t term;
    char epoch[TW_EPOCH_BYTES], left_epoch[TW_EPOCH_BYTES];
    tw_book_state state;
} feed;

/* One exchange's quote. */
typedef struct venue {
    char key[KEY_BYTES];   /* "XNAS.AAPL" */
    uint32_t symbol, next; /* of the symbol's */
    uint32_t feed;
    bool known; /* told by the present leader's session */
    wire_quote quote;
} venue;

typedef struct symbol {
    char name[TW_SYMBOL_BYTES];
    uint32_t first_venue;
    uint64_t seq;
    bool dirty, told;
    int64_t told_ns;
    wire_nbbo last; /* as published */
} symbol;

struct nbbo {
    nbbo_options options;
    feed feeds[MOST_FEEDS];
    uint32_t feed_count;
    venue *venues;
    symbol *symbols;
    uint32_t venue_count, symbol_count;
    tw_map venue_by_key, symbol_by_name;
    uint32_t *next;
    tw_list dirty;
    uint32_t dirty_count;
    uint32_t cursor; /* of the walk that refreshes */
    nbbo_stats stats;
};

static const char *key_of(const void *context, uint32_t number) {
    return ((const nbbo *)context)->venues[number].key;
}

static const char *name_of(const void *context, uint32_t number) {
    return ((const nbbo *)context)->symbols[number].name;
}

tw_code nbbo_alloc(nbbo **made, const nbbo_options *options, tw_error *error) {
    *made = NULL;
    nbbo *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for best quotes");
    uint32_t most = options->max_quotes;
    self->options = *options;
    tw_list_init(&self->dirty);
    self->venues = calloc(most, sizeof *self->venues);
    self->symbols = calloc(most, sizeof *self->symbols);
    self->next = calloc(most, sizeof *self->next);
    bool venues = tw_map_init(&self->venue_by_key, most, key_of, self);
    bool symbols = tw_map_init(&self->symbol_by_name, most, name_of, self);
    if (self->venues == NULL || self->symbols == NULL || self->next == NULL || !venues || !symbols) {
        nbbo_free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for best quotes of %u symbols", most);
    }
    *made = self;
    return TW_OK;
}

void nbbo_free(nbbo *self) {
    if (self == NULL) return;
    tw_map_fini(&self->venue_by_key);
    tw_map_fini(&self->symbol_by_name);
    free(self->venues);
    free(self->symbols);
    free(self->next);
    free(self);
}

static void mark(nbbo *self, uint32_t number) {
    symbol *s = &self->symbols[number];
    if (s->dirty) return;
    s->dirty = true;
    self->dirty_count++;
    tw_list_push(&self->dirty, self->next, number);
}

/* ---- feeds ---- */

static feed *feed_of(nbbo *self, const char *exchange, uint32_t partition) {
    for (uint32_t i = 0; i < self->feed_count; i++)
        if (self->feeds[i].partition == partition && strcmp(self->feeds[i].exchange, exchange) == 0)
            return &self->feeds[i];
    if (self->feed_count == MOST_FEEDS) return NULL;
    feed *made = &self->feeds[self->feed_count++];
    *made = (feed){.partition = partition, .state = TW_BOOK_RECOVERING};
    tw_text_copy(made->exchange, sizeof made->exchange, exchange);
    return made;
}

static void mark_feed(nbbo *self, uint32_t number, bool forget) {
    for (uint32_t i = 0; i < self->venue_count; i++) {
        venue *v = &self->venues[i];
        if (v->feed != number) continue;
        if (forget) v->known = false;
        mark(self, v->symbol);
    }
}

void nbbo_feed(nbbo *self, const char *exchange, uint32_t partition, tw_book_state state, int64_t now_ns) {
    (void)now_ns;
    feed *f = feed_of(self, exchange, partition);
    if (f == NULL || f->state == state) return;
    f->state = state;
    mark_feed(self, (uint32_t)(f - self->feeds), false);
}

void nbbo_vouched(nbbo *self, const char *exchange, uint32_t partition, const char *epoch, uint64_t since_term) {
    const feed *f = feed_of(self, exchange, partition);
    for (uint32_t i = 0; f != NULL && i < self->venue_count; i++) {
        venue *v = &self->venues[i];
        const wire_header *header = &v->quote.header;
        bool holds = header->term >= since_term && strcmp(header->epoch, epoch) == 0;
        if (!v->known || v->feed != (uint32_t)(f - self->feeds) || holds) continue;
        v->known = false;
        mark(self, v->symbol);
    }
}

void nbbo_doubt(nbbo *self, int64_t now_ns) {
    (void)now_ns;
    for (uint32_t i = 0; i < self->feed_count; i++)
        mark_feed(self, i, true);
}

/* False: of a deposed leader or a session that was left. Of a new session nothing is known; a new leader's chains go on. */
static bool enter(nbbo *self, feed *f, uint64_t term, const char *epoch) {
    bool same = strcmp(f->epoch, epoch) == 0;
    if (term < f->term ||
        (!same && term == f->term && f->left_epoch[0] != '\0' && strcmp(f->left_epoch, epoch) == 0))
        return false;
    if (term > f->term) f->left_epoch[0] = '\0';
    if (!same) {
        if (term == f->term) tw_text_copy(f->left_epoch, sizeof f->left_epoch, f->epoch);
        tw_text_copy(f->epoch, sizeof f->epoch, epoch);
        mark_feed(self, (uint32_t)(f - self->feeds), true);
    }
    f->term = term;
    return true;
}

void nbbo_lead(nbbo *self, const char *exchange, uint32_t partition, uint64_t term, const char *epoch) {
    feed *f = feed_of(self, exchange, partition);
    if (f != NULL) enter(self, f, term, epoch);
}

/* One of a session that has ended may be delisted: it would be asked for in vain for ever. */
bool nbbo_doubts(const nbbo *self, const char *exchange) {
    for (uint32_t i = 0; i < self->venue_count; i++) {
        const venue *v = &self->venues[i];
        const feed *f = &self->feeds[v->feed];
        if (!v->known && strcmp(f->exchange, exchange) == 0 && strcmp(f->epoch, v->quote.header.epoch) == 0)
            return true;
    }
    return false;
}

/* ---- quotes ---- */

static uint32_t symbol_of(nbbo *self, const char *name) {
    uint32_t number = tw_map_find(&self->symbol_by_name, name);
    if (number != TW_MAP_NONE) return number;
    number = self->symbol_count++; /* there are as many places as for quotes */
    symbol *s = &self->symbols[number];
    *s = (symbol){.first_venue = NONE};
    tw_text_copy(s->name, sizeof s->name, name);
    tw_map_add(&self->symbol_by_name, number);
    return number;
}

static venue *venue_of(nbbo *self, const wire_header *header, const feed *f) {
    char key[KEY_BYTES];
    tw_text_format(key, sizeof key, "%s.%s", header->exchange, header->symbol);
    uint32_t number = tw_map_find(&self->venue_by_key, key);
    if (number == TW_MAP_NONE && self->venue_count == self->options.max_quotes) return NULL;
    if (number == TW_MAP_NONE) {
        number = self->venue_count++;
        venue *made = &self->venues[number];
        *made = (venue){.symbol = symbol_of(self, header->symbol)};
        tw_text_copy(made->key, sizeof made->key, key);
        made->next = self->symbols[made->symbol].first_venue;
        self->symbols[made->symbol].first_venue = number;
        tw_map_add(&self->venue_by_key, number);
    }
    self->venues[number].feed = (uint32_t)(f - self->feeds);
    return &self->venues[number];
}

bool nbbo_quote(nbbo *self, const wire_quote *quote, int64_t now_ns) {
    (void)now_ns;
    const wire_header *header = &quote->header;
    feed *f = feed_of(self, header->exchange, header->partition);
    if (f == NULL || !enter(self, f, header->term, header->epoch)) return false;
    venue *v = venue_of(self, header, f);
    if (v == NULL) {
        self->stats.refused++;
        return false;
    }
    bool same_epoch = strcmp(v->quote.header.epoch, header->epoch) == 0;
    uint64_t had = v->quote.header.seq;
    if (same_epoch && v->known && header->seq < had) return false; /* seen: a late snapshot, a duplicate */
    self->symbols[v->symbol].seq += same_epoch ? (header->seq > had ? header->seq - had : 0) : header->seq;
    v->quote = *quote;
    if (same_epoch && header->seq < had) v->quote.header.seq = had; /* the sum stays that of what was counted */
    v->known = true;
    self->stats.quotes++;
    mark(self, v->symbol);
    return true;
}

/* ---- what they come to ---- */

static bool scale(const tw_level *level, int64_t price_shift, int64_t quantity_shift, tw_level *scaled) {
    *scaled = *level;
    if (level->price == TW_PRICE_ABSENT) return true;
    for (; price_shift > 0 && scaled->price != 0; price_shift--)
        if (__builtin_mul_overflow(scaled->price, (int64_t)10, &scaled->price)) return false;
    for (; quantity_shift > 0 && scaled->quantity != 0; quantity_shift--)
        if (__builtin_mul_overflow(scaled->quantity, (uint64_t)10, &scaled->quantity)) return false;
    return scaled->price != TW_PRICE_ABSENT;
}

static void name_venue(wire_venues *venues, uint32_t at, const char *mic) {
    if (at >= WIRE_MAX_VENUES) return;
    uint32_t last =
        venues->count < WIRE_MAX_VENUES ? venues->count : WIRE_MAX_VENUES - 1; /* beyond it they fall off */
    memmove(&venues->mics[at + 1], &venues->mics[at], (last - at) * sizeof venues->mics[0]);
    tw_text_copy(venues->mics[at], TW_MIC_BYTES, mic);
    if (venues->count < WIRE_MAX_VENUES) venues->count++;
}

/* One side of the result, with the quantity of each exchange that is named. */
typedef struct best_side {
    bool is_bid;
    tw_level *level;
    wire_venues *venues;
    uint64_t quantities[WIRE_MAX_VENUES];
} best_side;

static bool add_quantity(best_side *side, uint64_t quantity) {
    return !__builtin_add_overflow(side->level->quantity, quantity, &side->level->quantity);
}

/* The largest quantity first, then by name. */
static void insert(best_side *side, const char *mic, uint64_t quantity) {
    uint32_t at = 0;
    while (at < side->venues->count &&
           (side->quantities[at] > quantity ||
            (side->quantities[at] == quantity && strcmp(side->venues->mics[at], mic) < 0)))
        at++;
    if (at >= WIRE_MAX_VENUES) return;
    uint32_t kept = side->venues->count < WIRE_MAX_VENUES ? side->venues->count : WIRE_MAX_VENUES - 1;
    memmove(&side->quantities[at + 1], &side->quantities[at], (kept - at) * sizeof side->quantities[0]);
    side->quantities[at] = quantity;
    name_venue(side->venues, at, mic);
}

static void take_level(best_side *side, const tw_level *level, const char *mic) {
    if (level->price == TW_PRICE_ABSENT || level->quantity == 0) return;
    bool none = side->level->price == TW_PRICE_ABSENT;
    bool better = none || (side->is_bid ? level->price > side->level->price : level->price < side->level->price);
    if (!better && level->price != side->level->price) return;
    if (better) {
        *side->level = (tw_level){.price = level->price};
        side->venues->count = 0;
    }
    if (!add_quantity(side, level->quantity)) side->level->quantity = UINT64_MAX;
    insert(side, mic, level->quantity);
}

typedef enum standing { COUNTS, HAS_CLOSED, IS_STALE } standing;

static standing stands(const nbbo *self, const venue *v) {
    tw_book_state state = tw_book_state_worse(self->feeds[v->feed].state, v->quote.header.state);
    if (!v->known || state > TW_BOOK_CLOSED) return IS_STALE;
    return state == TW_BOOK_OK ? COUNTS : HAS_CLOSED;
}

/* The scale and the times of those that count. */
static void take_header(wire_header *header, const wire_header *of, bool first) {
    if (first || of->price_exponent < header->price_exponent) header->price_exponent = of->price_exponent;
    if (first || of->quantity_exponent < header->quantity_exponent)
        header->quantity_exponent = of->quantity_exponent;
    if (of->event_ns > header->event_ns) header->event_ns = of->event_ns; /* TW_TIME_ABSENT is below all times */
    if (of->receive_ns > header->receive_ns) header->receive_ns = of->receive_ns;
}

/* A session's date where its name has one: exchanges name their sessions differently. */
static void take_epoch(wire_header *header, const char *epoch) {
    char text[TW_EPOCH_BYTES];
    const char *dot = strchr(epoch, '.');
    bool dated = dot != NULL && dot - epoch == 10 && epoch[4] == '-' && epoch[7] == '-';
    tw_text_copy(text, dated ? 11 : sizeof text, epoch);
    if (strcmp(text, header->epoch) > 0) tw_text_copy(header->epoch, sizeof header->epoch, text);
}

/* Who counts, at which scale, and how good the whole is. */
static void survey(const nbbo *self, const symbol *s, wire_nbbo *m) {
    uint32_t closed = 0, stale = 0;
    for (uint32_t n = s->first_venue; n != NONE; n = self->venues[n].next) {
        const venue *v = &self->venues[n];
        standing how = stands(self, v);
        take_epoch(&m->header, v->quote.header.epoch);
        closed += how == HAS_CLOSED;
        stale += how == IS_STALE;
        if (how == COUNTS) take_header(&m->header, &v->quote.header, m->venue_count++ == 0);
    }
    m->header.state = m->venue_count > 0 ? TW_BOOK_OK : stale == 0 && closed > 0 ? TW_BOOK_CLOSED : TW_BOOK_STALE;
}

static void name_stale(wire_nbbo *m, const char *mic) {
    uint32_t at = 0;
    while (at < m->stale_venues.count && strcmp(m->stale_venues.mics[at], mic) < 0)
        at++;
    name_venue(&m->stale_venues, at, mic);
}

static void make(const nbbo *self, const symbol *s, wire_nbbo *m) {
    *m = (wire_nbbo){.header = {.seq = s->seq,
                                .event_ns = TW_TIME_ABSENT,
                                .receive_ns = TW_TIME_ABSENT,
                                .publish_ns = TW_TIME_ABSENT},
                     .bid.price = TW_PRICE_ABSENT,
                     .ask.price = TW_PRICE_ABSENT};
    tw_text_copy(m->header.symbol, sizeof m->header.symbol, s->name);
    m->refresh_ms = (uint32_t)(self->options.refresh_ns / 1000000);
    survey(self, s, m);
    best_side bid = {.is_bid = true, .level = &m->bid, .venues = &m->bid_venues};
    best_side ask = {.level = &m->ask, .venues = &m->ask_venues};
    for (uint32_t n = s->first_venue; n != NONE; n = self->venues[n].next) {
        const venue *v = &self->venues[n];
        const wire_header *header = &v->quote.header;
        standing how = stands(self, v);
        tw_level scaled[2];
        int64_t price_shift = (int64_t)header->price_exponent - m->header.price_exponent;
        int64_t quantity_shift = (int64_t)header->quantity_exponent - m->header.quantity_exponent;
        bool fits = how == COUNTS && scale(&v->quote.bid, price_shift, quantity_shift, &scaled[TW_BID]) &&
                    scale(&v->quote.ask, price_shift, quantity_shift, &scaled[TW_ASK]);
        m->venue_count -= how == COUNTS && !fits;
        if (how == IS_STALE || (how == COUNTS && !fits)) name_stale(m, self->feeds[v->feed].exchange);
        if (!fits) continue;
        take_level(&bid, &scaled[TW_BID], self->feeds[v->feed].exchange);
        take_level(&ask, &scaled[TW_ASK], self->feeds[v->feed].exchange);
    }
    bool both = m->bid.price != TW_PRICE_ABSENT && m->ask.price != TW_PRICE_ABSENT;
    m->locked = both && m->bid.price == m->ask.price;
    m->crossed = both && m->bid.price > m->ask.price;
}

/* ---- out ---- */

static bool same_level(const tw_level *a, const tw_level *b) {
    return a->price == b->price && a->quantity == b->quantity;
}

static bool same(const wire_nbbo *a, const wire_nbbo *b) {
    return same_level(&a->bid, &b->bid) && same_level(&a->ask, &b->ask) && a->venue_count == b->venue_count &&
           wire_venues_same(&a->bid_venues, &b->bid_venues) && wire_venues_same(&a->ask_venues, &b->ask_venues) &&
           wire_venues_same(&a->stale_venues, &b->stale_venues) && a->header.state == b->header.state &&
           a->header.price_exponent == b->header.price_exponent &&
           a->header.quantity_exponent == b->header.quantity_exponent &&
           strcmp(a->header.epoch, b->header.epoch) == 0;
}

static bool publish(nbbo *self, symbol *s, int64_t now_ns, bool always, wire_nbbo *message) {
    make(self, s, message);
    if (!always && s->told && same(&s->last, message)) return false;
    s->last = *message;
    s->told = true;
    s->told_ns = now_ns;
    self->stats.published++;
    return true;
}

/* The walk looks at a part of the symbols in each round: none waits much longer than refresh_ns. */
static bool refresh(nbbo *self, int64_t now_ns, wire_nbbo *message) {
    if (self->options.refresh_ns == 0) return false;
    for (uint32_t looks = 0; looks < 64 && self->symbol_count > 0; looks++) {
        if (self->cursor >= self->symbol_count) {
            self->cursor = 0;
            return false;
        }
        symbol *s = &self->symbols[self->cursor++];
        if (s->told && now_ns - s->told_ns >= self->options.refresh_ns)
            return publish(self, s, now_ns, true, message);
    }
    return false;
}

bool nbbo_next(nbbo *self, int64_t now_ns, wire_nbbo *message) {
    uint32_t number;
    while ((number = tw_list_pop(&self->dirty, self->next)) != TW_LIST_NONE) {
        self->symbols[number].dirty = false;
        self->dirty_count--;
        if (publish(self, &self->symbols[number], now_ns, false, message)) return true;
    }
    return refresh(self, now_ns, message);
}

nbbo_stats nbbo_read_stats(const nbbo *self) {
    nbbo_stats stats = self->stats;
    stats.symbols = self->symbol_count;
    stats.waiting = self->dirty_count;
    return stats;
}
