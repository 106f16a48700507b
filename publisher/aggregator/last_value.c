/* The table of last values. Texts are last_row.c's, sending is last_writer.c's. */
#include "publisher/aggregator/last_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/text.h"

#define NS_PER_MS  INT64_C(1000000)
#define NEVER_NS   INT64_MIN /* armed: not since the store is known */
#define SWEEPS     5         /* walks over all entries per expiry */
#define AGAIN_NS   (1000 * NS_PER_MS)
#define AGAIN_MOST (64 * AGAIN_NS)
#define KEY_PREFIX "tw:last:"

typedef struct feed {
    char exchange[TW_MIC_BYTES];
    uint32_t partition;
    uint64_t term;
    char epoch[TW_EPOCH_BYTES];      /* "": nothing heard yet */
    char left_epoch[TW_EPOCH_BYTES]; /* of the same term; "": what a feed says before its first session */
    char session[TW_EPOCH_BYTES];    /* the last one that was not "": the values' */
    tw_book_state state;
    bool told;
    bool synced[LAST_CHANNELS];
    int64_t again_ns[LAST_CHANNELS]; /* when to ask again for what is in doubt, once synced */
    int64_t pause_ns[LAST_CHANNELS]; /* between the last time and that one */
} feed;

typedef struct kept_print {
    uint64_t seq, match_id, quantity;
    int64_t price, event_ns;
    uint32_t index;
} kept_print;

typedef struct entry {
    char key[LAST_KEY_BYTES];
    uint32_t feed;
    bool used;
    bool dirty;
    bool replace; /* what is under the key is no hash */
    bool again;   /* refused: to be tried again when re-arming is due */
    bool known[LAST_CHANNELS];
    tw_book_state own_state;
    tw_book_state written_state;
    uint64_t written_seq;
    int32_t price_exponent, quantity_exponent;
    int64_t bid, ask;
    uint64_t bid_size, ask_size;
    uint64_t quote_seq, trade_seq; /* of the last message folded in; 0: none */
    int64_t quote_event_ns, trade_event_ns;
    uint64_t print_seq; /* the newest print ever taken, valid or not */
    uint32_t print_index;
    kept_print prints[LAST_PRINTS]; /* valid ones, oldest first */
    uint32_t print_count;
    uint32_t in_store; /* fields that may be in the hash */
    int64_t armed_ns;  /* when the key last got its whole expiry; NEVER_NS */
    int64_t dirty_ns;  /* since when it waits */
} entry;

struct last_values {
    last_options options;
    feed feeds[LAST_FEEDS];
    uint32_t feed_count;
    entry *entries;
    uint32_t *next; /* of the list of those to be written */
    tw_list dirty;
    uint32_t dirty_count;
    tw_pool places;
    tw_map map;
    uint32_t top; /* places below it have been used */
    uint32_t cursor;
    uint32_t sweep_left; /* entries that may be looked at now */
    int64_t swept_ns;    /* when sweep_left was last filled; NEVER_NS */
    last_stats stats;
};

static const char *key_of(const void *context, uint32_t place) {
    return ((const last_values *)context)->entries[place].key;
}

tw_code last_values_alloc(last_values **values, const last_options *options, tw_error *error) {
    *values = NULL;
    last_values *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for last values");
    self->options = *options;
    self->swept_ns = NEVER_NS;
    tw_list_init(&self->dirty);
    self->entries = calloc(options->max_symbols, sizeof *self->entries);
    self->next = calloc(options->max_symbols, sizeof *self->next);
    bool pool = tw_pool_init(&self->places, options->max_symbols);
    bool map = tw_map_init(&self->map, options->max_symbols, key_of, self);
    if (self->entries == NULL || self->next == NULL || !pool || !map) {
        last_values_free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for last values of %u symbols", options->max_symbols);
    }
    *values = self;
    return TW_OK;
}

void last_values_free(last_values *self) {
    if (self == NULL) return;
    tw_map_fini(&self->map);
    tw_pool_fini(&self->places);
    free(self->entries);
    free(self->next);
    free(self);
}

/* ---- what an entry is worth ---- */

static tw_book_state worse(tw_book_state a, tw_book_state b) {
    return a > b ? a : b;
}

static bool in_doubt(const entry *e) {
    return !e->known[LAST_QUOTE] || !e->known[LAST_TRADE];
}

static tw_book_state shown_state(const last_values *self, const entry *e) {
    tw_book_state state = worse(self->feeds[e->feed].state, e->own_state);
    return in_doubt(e) ? worse(state, TW_BOOK_RECOVERING) : state;
}

/* Good enough to be kept in the store. */
static bool is_alive(const last_values *self, const entry *e) {
    return self->feeds[e->feed].told && shown_state(self, e) <= TW_BOOK_CLOSED;
}

static int64_t left_ns(const last_values *self, const entry *e, int64_t now_ns) {
    return e->armed_ns == NEVER_NS ? 0 : e->armed_ns + self->options.expiry_ns - now_ns;
}

static bool has_values(const entry *e) {
    return e->quote_seq != 0 || e->trade_seq != 0;
}

/* Without values only over a row that may still be there: it says less than nothing does. */
static bool may_be_written(const last_values *self, const entry *e, int64_t now_ns) {
    return left_ns(self, e, now_ns) > 0 || (has_values(e) && is_alive(self, e));
}

static void mark(last_values *self, uint32_t place, int64_t now_ns) {
    entry *e = &self->entries[place];
    if (e->dirty) return;
    e->dirty = true;
    e->dirty_ns = now_ns;
    tw_list_push(&self->dirty, self->next, place);
    self->dirty_count++;
}

/* A message changed what is shown, if anything is. */
static last_outcome changed(last_values *self, uint32_t place, int64_t now_ns) {
    const entry *e = &self->entries[place];
    if (!has_values(e) && left_ns(self, e, now_ns) <= 0) return LAST_UNCHANGED;
    self->stats.changes++;
    self->stats.merged += self->entries[place].dirty;
    mark(self, place, now_ns);
    return LAST_CHANGED;
}

/* ---- feeds ---- */

uint32_t last_values_feed(last_values *self, const char *exchange, uint32_t partition) {
    for (uint32_t i = 0; i < self->feed_count; i++)
        if (self->feeds[i].partition == partition && strcmp(self->feeds[i].exchange, exchange) == 0) return i;
    if (self->feed_count == LAST_FEEDS) return LAST_NONE;
    feed *made = &self->feeds[self->feed_count];
    *made = (feed){.partition = partition, .state = TW_BOOK_RECOVERING};
    tw_text_copy(made->exchange, sizeof made->exchange, exchange);
    return self->feed_count++;
}

static void clear_values(entry *e) {
    e->bid = e->ask = TW_PRICE_ABSENT;
    e->bid_size = e->ask_size = 0;
    e->quote_seq = e->trade_seq = e->print_seq = 0;
    e->quote_event_ns = e->trade_event_ns = TW_TIME_ABSENT;
    e->print_index = e->print_count = 0;
    e->own_state = TW_BOOK_OK;
}

/* What a feed's entries hold is of another leader, or of another session and then worth nothing. */
static void doubt_feed(last_values *self, uint32_t number, bool new_session) {
    feed *f = &self->feeds[number];
    f->synced[LAST_QUOTE] = f->synced[LAST_TRADE] = false;
    f->pause_ns[LAST_QUOTE] = f->pause_ns[LAST_TRADE] = AGAIN_NS;
    for (uint32_t i = 0; i < self->top; i++) {
        entry *e = &self->entries[i];
        if (!e->used || e->feed != number) continue;
        e->known[LAST_QUOTE] = e->known[LAST_TRADE] = false;
        if (new_session) clear_values(e);
    }
}

bool last_values_lead(last_values *self, uint32_t number, uint64_t term, const char *epoch) {
    feed *f = &self->feeds[number];
    bool same_epoch = strcmp(f->epoch, epoch) == 0;
    if (term == f->term && same_epoch) return true;
    bool late = term == f->term && f->epoch[0] != '\0' && strcmp(f->left_epoch, epoch) == 0;
    if (term < f->term || late) return false;
    f->left_epoch[0] = '\0';
    if (term == f->term) tw_text_copy(f->left_epoch, sizeof f->left_epoch, f->epoch);
    f->term = term;
    tw_text_copy(f->epoch, sizeof f->epoch, epoch);
    /* A leader that has just started knows no session; it may come to be the same one. */
    bool new_session = epoch[0] != '\0' && strcmp(f->session, epoch) != 0;
    if (new_session) tw_text_copy(f->session, sizeof f->session, epoch);
    doubt_feed(self, number, new_session);
    return true;
}

static void mark_if_state_differs(last_values *self, uint32_t place, int64_t now_ns) {
    const entry *e = &self->entries[place];
    if (shown_state(self, e) != e->written_state && may_be_written(self, e, now_ns)) mark(self, place, now_ns);
}

void last_values_broke(last_values *self, uint32_t number, int64_t now_ns) {
    for (uint32_t i = 0; i < self->top; i++) {
        const entry *e = &self->entries[i];
        if (!e->used || e->feed != number) continue;
        if (!has_values(e) && may_be_written(self, e, now_ns))
            mark(self, i, now_ns); /* whatever it said, its prices are gone */
        else
            mark_if_state_differs(self, i, now_ns);
    }
}

void last_values_state(last_values *self, uint32_t number, tw_book_state state, bool told, int64_t now_ns) {
    feed *f = &self->feeds[number];
    bool same = f->state == state && f->told == told;
    f->state = state;
    f->told = told;
    if (same) return;
    for (uint32_t i = 0; i < self->top; i++)
        if (self->entries[i].used && self->entries[i].feed == number) mark_if_state_differs(self, i, now_ns);
}

void last_values_doubt(last_values *self) {
    for (uint32_t i = 0; i < self->feed_count; i++)
        doubt_feed(self, i, false);
}

bool last_values_wants(const last_values *self, const char *exchange, last_channel channel) {
    for (uint32_t i = 0; i < self->feed_count; i++) {
        const feed *f = &self->feeds[i];
        if (!f->synced[channel] && f->told && strcmp(f->exchange, exchange) == 0) return true;
    }
    return false;
}

bool last_values_doubts(const last_values *self, const char *exchange, last_channel channel) {
    for (uint32_t i = 0; i < self->top; i++) {
        const entry *e = &self->entries[i];
        const feed *f = &self->feeds[e->feed];
        if (e->used && !e->known[channel] && f->told && strcmp(f->exchange, exchange) == 0) return true;
    }
    return false;
}

bool last_values_again(last_values *self, const char *exchange, last_channel channel, int64_t now_ns) {
    bool again = false;
    for (uint32_t i = 0; i < self->feed_count; i++) {
        feed *f = &self->feeds[i];
        bool due = f->told && f->synced[channel] && now_ns >= f->again_ns[channel];
        if (!due || strcmp(f->exchange, exchange) != 0) continue;
        if (f->pause_ns[channel] < AGAIN_MOST) f->pause_ns[channel] *= 2;
        f->again_ns[channel] = now_ns + f->pause_ns[channel];
        again = true;
    }
    return again;
}

/* Of an instrument that the session has told of, what all snapshots together did not tell there is not. */
static bool settle_untold(const last_values *self, entry *e, last_channel channel) {
    uint64_t seq = channel == LAST_QUOTE ? e->quote_seq : e->trade_seq;
    if (e->known[channel] || !self->feeds[e->feed].synced[channel] || seq != 0) return false;
    e->known[channel] = true;
    return true;
}

void last_values_synced(last_values *self, const char *exchange, uint64_t term, const char *epoch,
                        last_channel channel, int64_t now_ns) {
    for (uint32_t i = 0; i < self->feed_count; i++) {
        feed *f = &self->feeds[i];
        if (f->term != term || strcmp(f->exchange, exchange) != 0 || strcmp(f->epoch, epoch) != 0) continue;
        if (!f->synced[channel]) f->again_ns[channel] = now_ns + f->pause_ns[channel];
        f->synced[channel] = true;
        for (uint32_t place = 0; place < self->top; place++) {
            entry *e = &self->entries[place];
            if (e->used && e->feed == i && has_values(e) && settle_untold(self, e, channel))
                mark_if_state_differs(self, place, now_ns);
        }
    }
}

/* ---- messages ---- */

static uint32_t add_entry(last_values *self, uint32_t number, const char *key) {
    uint32_t place = tw_pool_take(&self->places);
    if (place == TW_POOL_NONE) return LAST_NONE;
    entry *e = &self->entries[place];
    const feed *f = &self->feeds[number];
    *e = (entry){.feed = number,
                 .used = true,
                 .known = {f->synced[LAST_QUOTE], f->synced[LAST_TRADE]},
                 .written_state = TW_BOOK_STALE,
                 .in_store = LAST_ALL_FIELDS,
                 .armed_ns = NEVER_NS};
    tw_text_copy(e->key, sizeof e->key, key);
    clear_values(e);
    tw_map_add(&self->map, place);
    if (place >= self->top) self->top = place + 1;
    return place;
}

/* An instrument may be in another partition the next day. */
static void move_to_feed(entry *e, uint32_t number) {
    e->feed = number;
    e->known[LAST_QUOTE] = e->known[LAST_TRADE] = false;
    clear_values(e);
}

/* The entry that a message is about. LAST_NONE: *outcome says why there is none. A snapshot that tells nothing makes
 * no entry. */
static uint32_t entry_of(last_values *self, const wire_header *header, bool tells, last_outcome *outcome) {
    char key[LAST_KEY_BYTES];
    uint32_t number = last_values_feed(self, header->exchange, header->partition);
    *outcome = number == LAST_NONE ? LAST_FULL : LAST_OLD;
    if (number == LAST_NONE || !last_values_lead(self, number, header->term, header->epoch)) {
        self->stats.refused += number == LAST_NONE;
        self->stats.old += number != LAST_NONE;
        return LAST_NONE;
    }
    tw_text_format(key, sizeof key, KEY_PREFIX "%s:%s", header->exchange, header->symbol);
    uint32_t place = tw_map_find(&self->map, key);
    *outcome = LAST_UNCHANGED;
    if (place == TW_MAP_NONE) {
        if (!tells) return LAST_NONE;
        place = add_entry(self, number, key);
        self->stats.refused += place == LAST_NONE;
        *outcome = LAST_FULL;
    } else if (self->entries[place].feed != number) {
        move_to_feed(&self->entries[place], number);
    }
    return place;
}

/* The scale is fixed within an epoch; should it change after all, what was kept can't be read by the new one. */
static void take_scale(entry *e, const wire_header *header) {
    if (header->seq == 0) return; /* it tells no numbers */
    bool same = e->price_exponent == header->price_exponent && e->quantity_exponent == header->quantity_exponent;
    if (!same) clear_values(e);
    e->price_exponent = header->price_exponent;
    e->quantity_exponent = header->quantity_exponent;
}

/* The channel is told by the current session. True: it was in doubt until now. */
static bool confirm(const last_values *self, entry *e, last_channel channel) {
    bool was_in_doubt = !e->known[channel];
    e->known[channel] = true;
    return settle_untold(self, e, channel == LAST_QUOTE ? LAST_TRADE : LAST_QUOTE) || was_in_doubt;
}

static bool quote_differs(const entry *e, const wire_quote *quote) {
    return e->quote_seq != quote->header.seq || e->bid != quote->bid.price || e->ask != quote->ask.price ||
           e->bid_size != quote->bid.quantity || e->ask_size != quote->ask.quantity ||
           e->own_state != quote->header.state || e->quote_event_ns != quote->header.event_ns;
}

last_outcome last_values_quote(last_values *self, const wire_quote *quote, int64_t now_ns) {
    const wire_header *header = &quote->header;
    last_outcome outcome;
    uint32_t place = entry_of(self, header, header->seq != 0, &outcome);
    if (place == LAST_NONE) return outcome;
    entry *e = &self->entries[place];
    if (e->known[LAST_QUOTE] && header->seq < e->quote_seq)
        return LAST_UNCHANGED; /* seen: a late snapshot, a duplicate */
    take_scale(e, header);
    bool cleared = confirm(self, e, LAST_QUOTE);
    bool differs = quote_differs(e, quote);
    e->bid = quote->bid.price;
    e->ask = quote->ask.price;
    e->bid_size = quote->bid.quantity;
    e->ask_size = quote->ask.quantity;
    e->own_state = header->state;
    e->quote_seq = header->seq;
    e->quote_event_ns = header->event_ns;
    return differs || cleared ? changed(self, place, now_ns) : LAST_UNCHANGED;
}

static void remove_print(entry *e, uint32_t at) {
    e->print_count--;
    memmove(&e->prints[at], &e->prints[at + 1], (e->print_count - at) * sizeof e->prints[0]);
}

static void take_back(last_values *self, entry *e, uint64_t match_id) {
    for (uint32_t i = e->print_count; i-- > 0;) {
        if (e->prints[i].match_id != match_id) continue;
        remove_print(e, i);
        self->stats.breaks++;
        return;
    }
}

static void keep_print(entry *e, const tw_print *print) {
    if (e->print_count == LAST_PRINTS) remove_print(e, 0);
    e->prints[e->print_count++] = (kept_print){.seq = print->seq,
                                               .index = print->index,
                                               .match_id = print->match_id,
                                               .quantity = print->quantity,
                                               .price = print->price,
                                               .event_ns = print->event_ns};
}

static bool is_newer(const entry *e, const tw_print *print) {
    return print->seq > e->print_seq || (print->seq == e->print_seq && print->index > e->print_index);
}

/* False: it was taken already. */
static bool take_print(last_values *self, entry *e, const tw_print *print) {
    if (!is_newer(e, print) && e->print_seq != 0) return false;
    e->print_seq = print->seq;
    e->print_index = print->index;
    if (print->kind == TW_PRINT_BREAK)
        take_back(self, e, print->match_id);
    else if (print->price != TW_PRICE_ABSENT && print->quantity != 0)
        keep_print(e, print);
    return true;
}

/* After a doubt the prints kept are only worth something if none has come since: breaks may have been missed too. */
static void doubt_prints(entry *e, const wire_trades *trades) {
    const tw_print *newest = trades->print_count > 0 ? &trades->prints[trades->print_count - 1] : NULL;
    if (newest != NULL && newest->seq == e->print_seq && newest->index == e->print_index) return;
    e->print_seq = e->print_index = e->print_count = 0;
}

last_outcome last_values_trades(last_values *self, const wire_trades *trades, int64_t now_ns) {
    const wire_header *header = &trades->header;
    last_outcome outcome;
    uint32_t place = entry_of(self, header, header->seq != 0, &outcome);
    if (place == LAST_NONE) return outcome;
    entry *e = &self->entries[place];
    if (e->known[LAST_TRADE] && header->seq < e->trade_seq) return LAST_UNCHANGED;
    take_scale(e, header);
    bool cleared = confirm(self, e, LAST_TRADE);
    if (cleared) doubt_prints(e, trades);
    bool newer = header->seq != e->trade_seq;
    for (uint32_t i = 0; i < trades->print_count; i++)
        newer |= take_print(self, e, &trades->prints[i]);
    e->trade_seq = header->seq;
    e->trade_event_ns = header->event_ns;
    return newer || cleared ? changed(self, place, now_ns) : LAST_UNCHANGED;
}

/* ---- writing ---- */

static void numbers_of(const last_values *self, const entry *e, last_numbers *numbers) {
    const kept_print *last = e->print_count > 0 ? &e->prints[e->print_count - 1] : NULL;
    bool quote_is_newer = e->quote_seq >= e->trade_seq;
    *numbers = (last_numbers){.bid = e->bid,
                              .ask = e->ask,
                              .bid_size = e->bid_size,
                              .ask_size = e->ask_size,
                              .last = last != NULL ? last->price : TW_PRICE_ABSENT,
                              .last_size = last != NULL ? last->quantity : 0,
                              .price_exponent = e->price_exponent,
                              .quantity_exponent = e->quantity_exponent,
                              .seq = quote_is_newer ? e->quote_seq : e->trade_seq,
                              .event_ns = quote_is_newer ? e->quote_event_ns : e->trade_event_ns,
                              .state = shown_state(self, e)};
}

static void fill(last_values *self, uint32_t place, int64_t ttl_ns, int64_t now_ns, last_write *write) {
    entry *e = &self->entries[place];
    last_numbers numbers;
    numbers_of(self, e, &numbers);
    last_row_make(&write->row, &numbers);
    write->entry = place;
    write->key = e->key;
    write->ttl_ms = (ttl_ns + NS_PER_MS - 1) / NS_PER_MS;
    write->removed = e->in_store & ~write->row.present;
    write->waited_ns = now_ns - e->dirty_ns;
    e->in_store = write->row.present;
    e->written_state = numbers.state;
    e->written_seq = numbers.seq;
    write->replace = e->replace;
    e->again = e->replace = false;
}

bool last_values_next(last_values *self, int64_t now_ns, last_write *write) {
    uint32_t place;
    while ((place = tw_list_pop(&self->dirty, self->next)) != TW_LIST_NONE) {
        entry *e = &self->entries[place];
        self->dirty_count--;
        e->dirty = false;
        bool alive = has_values(e) && is_alive(self, e);
        int64_t ttl_ns = alive ? self->options.expiry_ns : left_ns(self, e, now_ns);
        if (ttl_ns <= 0) { /* the key has run out: nothing is shown rather than a stale price */
            e->armed_ns = NEVER_NS;
            continue;
        }
        if (alive) e->armed_ns = now_ns;
        fill(self, place, ttl_ns, now_ns, write);
        return true;
    }
    return false;
}

/* An entry that nobody tells of any more, or nothing, whose key has run out. */
static bool is_over(const last_values *self, const entry *e, int64_t now_ns) {
    const feed *f = &self->feeds[e->feed];
    return !e->dirty && (in_doubt(e) || !has_values(e)) && f->synced[LAST_QUOTE] && f->synced[LAST_TRADE] &&
           left_ns(self, e, now_ns) <= 0;
}

static void forget(last_values *self, uint32_t place) {
    tw_map_remove(&self->map, self->entries[place].key);
    self->entries[place].used = false;
    tw_pool_give(&self->places, place);
    self->stats.forgotten++;
}

/* The walk goes round SWEEPS times per expiry, in even steps: re-arming is spread like the entries are. */
static void fill_sweep(last_values *self, int64_t now_ns) {
    int64_t round_ns = self->options.expiry_ns / SWEEPS;
    if (self->swept_ns == NEVER_NS || now_ns - self->swept_ns > round_ns) self->swept_ns = now_ns - round_ns;
    int64_t more = (now_ns - self->swept_ns) * self->top / round_ns;
    if (more == 0) return; /* the time adds up to an entry */
    self->swept_ns += more * round_ns / self->top;
    int64_t wanted = self->sweep_left + more;
    self->sweep_left = wanted > self->top ? self->top : (uint32_t)wanted;
}

/* Not in the store as it should be: it is written instead of re-armed. */
static bool is_amiss(const last_values *self, const entry *e) {
    return e->again || e->armed_ns == NEVER_NS || e->written_state != shown_state(self, e);
}

static bool is_due(const last_values *self, const entry *e, int64_t now_ns) {
    if (!has_values(e) || !is_alive(self, e)) return false;
    return e->armed_ns == NEVER_NS || now_ns - e->armed_ns >= 2 * self->options.expiry_ns / SWEEPS;
}

const char *last_values_due(last_values *self, int64_t now_ns, uint32_t *place) {
    fill_sweep(self, now_ns);
    while (self->sweep_left > 0) {
        uint32_t at = self->cursor < self->top ? self->cursor : 0;
        entry *e = &self->entries[at];
        self->cursor = at + 1;
        self->sweep_left--;
        if (!e->used || e->dirty) continue;
        if (is_over(self, e, now_ns)) {
            forget(self, at);
        } else if (is_due(self, e, now_ns)) {
            if (is_amiss(self, e)) {
                mark(self, at, now_ns);
                continue;
            }
            e->armed_ns = now_ns;
            *place = at;
            return e->key;
        }
    }
    return NULL;
}

void last_values_written(const last_values *self, uint32_t place, tw_book_state *state, uint64_t *seq) {
    *state = self->entries[place].written_state;
    *seq = self->entries[place].written_seq;
}

void last_values_gone(last_values *self, uint32_t place, int64_t now_ns) {
    entry *e = &self->entries[place];
    if (!e->used) return;
    e->in_store = LAST_ALL_FIELDS;
    if (is_alive(self, e) && has_values(e)) mark(self, place, now_ns);
}

void last_values_refused(last_values *self, uint32_t place, bool replace) {
    entry *e = &self->entries[place];
    e->again = true;
    e->replace = replace;
    e->in_store = LAST_ALL_FIELDS;
}

void last_values_rewrite(last_values *self, int64_t now_ns) {
    for (uint32_t i = 0; i < self->top; i++) {
        entry *e = &self->entries[i];
        if (!e->used) continue;
        e->armed_ns = NEVER_NS;
        e->in_store = LAST_ALL_FIELDS;
        if (is_alive(self, e) && has_values(e)) mark(self, i, now_ns);
    }
}

/* ---- looking ---- */

last_stats last_values_stats(const last_values *self) {
    last_stats stats = self->stats;
    stats.symbols = self->map.count;
    stats.waiting = self->dirty_count;
    stats.feeds = self->feed_count;
    for (uint32_t i = 0; i < self->top; i++)
        stats.in_doubt += self->entries[i].used && in_doubt(&self->entries[i]);
    return stats;
}

uint32_t last_values_waiting(const last_values *self) {
    return self->dirty_count;
}

int64_t last_values_oldest_ns(const last_values *self, int64_t now_ns) {
    return self->dirty.first == TW_LIST_NONE ? 0 : now_ns - self->entries[self->dirty.first].dirty_ns;
}
