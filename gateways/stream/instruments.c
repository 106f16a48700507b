/* What the bus has said: instruments, their topics (one subject each) and the latest state of each. Old leaders are not
 * heard; that chains hold is the caller's work (client/receiver.h). */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "gateways/stream/internal.h"

#define MAX_FEEDS  1024u
#define MAX_TOPICS (1u << 27)

static const char *key_of(const void *context, uint32_t number) {
    return instrument_at(context, number)->key;
}

static const char *subject_of(const void *context, uint32_t number) {
    return topic_at(context, number)->subject;
}

bool stream_instruments_init(stream *s) {
    uint64_t most = (uint64_t)s->options.max_instruments * (TOPIC_SLOTS - 1) + MAX_FEEDS;
    uint32_t topics = most < MAX_TOPICS ? (uint32_t)most : MAX_TOPICS;
    return slab_init(&s->instruments, sizeof(instrument), s->options.max_instruments) &&
           slab_init(&s->topics, sizeof(topic), topics) &&
           tw_map_init(&s->instrument_by_key, s->options.max_instruments, key_of, s) &&
           tw_map_init(&s->topic_by_subject, topics, subject_of, s);
}

void stream_instruments_fini(stream *s) {
    for (uint32_t n = 0; n < s->topics.reached; n++)
        free(topic_at(s, n)->state);
    tw_map_fini(&s->instrument_by_key);
    tw_map_fini(&s->topic_by_subject);
    slab_fini(&s->instruments);
    slab_fini(&s->topics);
}

static subject_channel channel_of(topic_kind kind) {
    static const subject_channel channels[TOPIC_KINDS] = {
        [TOPIC_BOOK] = SUBJECT_ORDERBOOK,      [TOPIC_QUOTE] = SUBJECT_QUOTE,
        [TOPIC_TRADES] = SUBJECT_TRADE,        [TOPIC_STATUS] = SUBJECT_STATUS,
        [TOPIC_IMBALANCE] = SUBJECT_IMBALANCE, [TOPIC_FEED] = SUBJECT_CHANNELS,
        [TOPIC_CANDLE] = SUBJECT_CANDLE_1S,    [TOPIC_NBBO] = SUBJECT_NBBO};
    return channels[kind];
}

/* Where an instrument keeps the topic: candles of intervals beyond the first are behind all kinds. */
static uint32_t slot_of(topic_kind kind, subject_channel channel) {
    if (kind != TOPIC_CANDLE || channel == SUBJECT_CANDLE_1S) return (uint32_t)kind;
    return (uint32_t)TOPIC_KINDS + (uint32_t)(channel - SUBJECT_CANDLE_1S) - 1;
}

size_t stream_state_bytes(topic_kind kind) {
    static const size_t sizes[TOPIC_KINDS] = {
        [TOPIC_BOOK] = sizeof(book_state),          [TOPIC_QUOTE] = sizeof(wire_quote),
        [TOPIC_TRADES] = sizeof(trades_state),      [TOPIC_STATUS] = sizeof(wire_status),
        [TOPIC_IMBALANCE] = sizeof(wire_imbalance), [TOPIC_FEED] = sizeof(wire_feed_status),
        [TOPIC_CANDLE] = sizeof(candle_state),      [TOPIC_NBBO] = sizeof(wire_nbbo)};
    return sizes[kind];
}

static uint32_t instrument_of(stream *s, const char *exchange, const char *name) {
    char key[TW_MIC_BYTES + TW_SYMBOL_BYTES + 1];
    size_t mic = strnlen(exchange, TW_MIC_BYTES - 1), symbol = strnlen(name, TW_SYMBOL_BYTES - 1);
    memcpy(key, exchange, mic);
    key[mic] = '.';
    memcpy(key + mic + 1, name, symbol);
    key[mic + 1 + symbol] = '\0';
    uint32_t number = tw_map_find(&s->instrument_by_key, key);
    if (number != TW_MAP_NONE) return number;
    number = slab_take(&s->instruments);
    if (number == NONE) return NONE;
    instrument *i = instrument_at(s, number);
    for (uint32_t slot = 0; slot < TOPIC_SLOTS; slot++)
        i->topics[slot] = NONE;
    tw_text_copy(i->key, sizeof i->key, key);
    tw_map_add(&s->instrument_by_key, number);
    return number;
}

static void drop_instrument_if_bare(stream *s, uint32_t number) {
    instrument *i = instrument_at(s, number);
    for (uint32_t slot = 0; slot < TOPIC_SLOTS; slot++)
        if (i->topics[slot] != NONE) return;
    tw_map_remove(&s->instrument_by_key, i->key);
    slab_give(&s->instruments, number);
}

/* A topic without state; NONE: no room, or the subject can't be. */
static uint32_t make_topic(stream *s, topic_kind kind, subject_channel channel, const char *mic,
                           const char *subject) {
    uint32_t number = slab_take(&s->topics);
    if (number == NONE) return NONE;
    topic *t = topic_at(s, number);
    t->kind = kind;
    t->channel = channel;
    t->instrument = t->first_group = NONE;
    t->state = calloc(1, stream_state_bytes(kind));
    if (t->state == NULL) {
        slab_give(&s->topics, number);
        return NONE;
    }
    t->subject_length = (uint32_t)strlen(subject);
    tw_text_copy(t->mic, sizeof t->mic, mic);
    tw_text_copy(t->subject, sizeof t->subject, subject);
    tw_map_add(&s->topic_by_subject, number);
    return number;
}

static uint32_t topic_of_instrument(stream *s, topic_kind kind, subject_channel channel, const char *mic,
                                    const char *symbol) {
    uint32_t number = instrument_of(s, mic, symbol);
    if (number == NONE) return NONE;
    uint32_t *place = &instrument_at(s, number)->topics[slot_of(kind, channel)];
    if (*place != NONE) return *place;
    char subject[SUBJECT_BYTES];
    if (subject_instrument(subject, sizeof subject, mic, symbol, channel))
        *place = make_topic(s, kind, channel, mic, subject);
    if (*place != NONE) {
        topic_at(s, *place)->instrument = number;
        return *place;
    }
    drop_instrument_if_bare(s, number);
    return NONE;
}

static uint32_t topic_of_feed(stream *s, const wire_feed_status *status) {
    char subject[SUBJECT_BYTES];
    if (!subject_feed_status(subject, sizeof subject, status->exchange, status->partition)) return NONE;
    uint32_t number = tw_map_find(&s->topic_by_subject, subject);
    return number != TW_MAP_NONE ? number : make_topic(s, TOPIC_FEED, SUBJECT_CHANNELS, status->exchange, subject);
}

void stream_topic_forget(stream *s, uint32_t number) {
    topic *t = topic_at(s, number);
    while (t->first_group != NONE)
        stream_group_free(s, t->first_group);
    tw_map_remove(&s->topic_by_subject, t->subject);
    if (t->instrument != NONE) {
        instrument_at(s, t->instrument)->topics[slot_of(t->kind, t->channel)] = NONE;
        drop_instrument_if_bare(s, t->instrument);
    }
    free(t->state);
    *t = (topic){0};
    slab_give(&s->topics, number);
}

static void begin(stream *s, int64_t now_ns) {
    s->now_ns = now_ns;
    s->stats.updates_in++;
}

/* The topic of a message that is to be taken; NONE: there is no room for one (counted), or its leader was deposed. */
static uint32_t admit(stream *s, uint32_t number, const wire_header *header) {
    if (number == NONE) {
        s->stats.instruments_refused++;
        return NONE;
    }
    const topic *t = topic_at(s, number);
    const wire_header *had = &t->state->header; /* terms of two partitions say nothing of each other */
    return t->known && header->partition == had->partition && header->term < had->term ? NONE : number;
}

static uint32_t enter_channel(stream *s, topic_kind kind, subject_channel channel, const char *mic,
                              const wire_header *header, int64_t now_ns) {
    begin(s, now_ns);
    return admit(s, topic_of_instrument(s, kind, channel, mic, header->symbol), header);
}

static uint32_t enter(stream *s, topic_kind kind, const wire_header *header, int64_t now_ns) {
    return enter_channel(s, kind, channel_of(kind), header->exchange, header, now_ns);
}

/* The topic's state is new: to its groups, or, if it is the first, to all whose wishes it fits. */
static void spread(stream *s, uint32_t number) {
    topic *t = topic_at(s, number);
    bool appeared = !t->known;
    t->known = true;
    if (appeared)
        stream_topic_appeared(s, number);
    else
        stream_topic_changed(s, number);
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static bool has_levels(const book_state *state, int side, const tw_level *levels, uint32_t count) {
    if (state->counts[side] != least(count, state->depth)) return false;
    for (uint32_t i = 0; i < state->counts[side]; i++) {
        const tw_level *level = &state->sides[side][i];
        if (level->price != levels[i].price || level->quantity != levels[i].quantity ||
            level->orders != levels[i].orders)
            return false;
    }
    return true;
}

/* Another book with the sequence number of the last one: that one was wrong, and who has it can't tell. */
static void note_righted(topic *t, const stream_book *book) {
    const book_state *state = &t->state->book;
    if (!t->known || (!t->righted && state->header.seq != book->header->seq)) return;
    bool same_epoch = strcmp(state->header.epoch, book->header->epoch) == 0;
    if (!same_epoch) t->righted = false;
    if (!same_epoch || state->header.seq != book->header->seq) return;
    if (has_levels(state, TW_BID, book->bids, book->bid_count) &&
        has_levels(state, TW_ASK, book->asks, book->ask_count))
        return;
    t->righted = true;
    t->righted_seq = book->header->seq;
}

/* Another topic may be at its place by now, or none. */
static uint32_t topic_of_book(stream *s, const stream_book *book) {
    bool is_there = book->subject != NULL && book->place < s->topics.reached &&
                    strcmp(topic_at(s, book->place)->subject, book->subject) == 0;
    if (is_there) return book->place;
    return topic_of_instrument(s, TOPIC_BOOK, SUBJECT_ORDERBOOK, book->header->exchange, book->header->symbol);
}

uint32_t stream_take_book(stream *s, const stream_book *book, int64_t now_ns) {
    TW_ASSERT(book->bid_count <= TW_MAX_DEPTH && book->ask_count <= TW_MAX_DEPTH);
    begin(s, now_ns);
    uint32_t number = admit(s, topic_of_book(s, book), book->header);
    if (number == NONE) return NONE;
    note_righted(topic_at(s, number), book);
    book_state *state = &topic_at(s, number)->state->book;
    state->header = *book->header;
    state->header.state = book->state;
    state->header.cause = book->cause;
    state->depth = least(book->depth, TW_MAX_DEPTH);
    state->counts[TW_BID] = least(book->bid_count, state->depth);
    state->counts[TW_ASK] = least(book->ask_count, state->depth);
    if (book->bid_count > 0) memcpy(state->sides[TW_BID], book->bids, book->bid_count * sizeof *book->bids);
    if (book->ask_count > 0) memcpy(state->sides[TW_ASK], book->asks, book->ask_count * sizeof *book->asks);
    state->checked = book->checked;
    state->checksum = book->checksum;
    s->message = book->message;
    s->message_length = book->message_length;
    spread(s, number);
    s->message = NULL;
    return number;
}

void stream_take_quote(stream *s, const wire_quote *quote, tw_book_state state, tw_state_cause cause,
                       int64_t now_ns) {
    uint32_t number = enter(s, TOPIC_QUOTE, &quote->header, now_ns);
    if (number == NONE) return;
    wire_quote *kept = &topic_at(s, number)->state->quote;
    *kept = *quote;
    kept->header.state = state;
    kept->header.cause = cause;
    spread(s, number);
}

void stream_take_status(stream *s, const wire_status *status, int64_t now_ns) {
    uint32_t number = enter(s, TOPIC_STATUS, &status->header, now_ns);
    if (number == NONE) return;
    topic_at(s, number)->state->status = *status;
    spread(s, number);
}

void stream_take_imbalance(stream *s, const wire_imbalance *imbalance, int64_t now_ns) {
    uint32_t number = enter(s, TOPIC_IMBALANCE, &imbalance->header, now_ns);
    if (number == NONE) return;
    topic_at(s, number)->state->imbalance = *imbalance;
    spread(s, number);
}

/* Of several aggregators the one that knows more of its exchanges' quotes is heard, until it falls silent. */
void stream_take_nbbo(stream *s, const wire_nbbo *nbbo, int64_t now_ns) {
    uint32_t number = enter_channel(s, TOPIC_NBBO, SUBJECT_NBBO, SUBJECT_AGGREGATE, &nbbo->header, now_ns);
    if (number == NONE) return;
    const topic *t = topic_at(s, number);
    const wire_header *had = &t->state->header;
    bool older = t->known && strcmp(had->epoch, nbbo->header.epoch) == 0 && nbbo->header.seq < had->seq;
    if (older && had->cause != TW_CAUSE_FEED_SILENT) return;
    t->state->nbbo = *nbbo;
    spread(s, number);
}

/* One that is older than the newest: a restated one, or the final one of the interval before. */
static void take_older_candle(stream *s, uint32_t number, const wire_candle *candle) {
    wire_candle *before = &topic_at(s, number)->state->candle.before;
    if (before->start_ns == candle->start_ns && !stream_candle_is_news(before, candle)) return; /* said twice */
    if (candle->start_ns >= before->start_ns) *before = *candle;
    stream_candle_aside(s, number, candle);
}

void stream_take_candle(stream *s, const wire_candle *candle, int64_t now_ns) {
    uint32_t index;
    if (!subject_candle_index(candle->interval_ms, &index)) return;
    const char *mic = candle->header.exchange[0] != '\0' ? candle->header.exchange : SUBJECT_AGGREGATE;
    uint32_t number = enter_channel(s, TOPIC_CANDLE, SUBJECT_CANDLE_1S + index, mic, &candle->header, now_ns);
    if (number == NONE) return;
    const topic *t = topic_at(s, number);
    candle_state *state = &t->state->candle;
    if (t->known && candle->start_ns < state->now.start_ns) {
        take_older_candle(s, number, candle);
        return;
    }
    bool same_start = t->known && candle->start_ns == state->now.start_ns;
    if (same_start && !stream_candle_is_news(&state->now, candle)) return;
    if (t->known && !same_start) {
        stream_candle_make_way(s, number);
        state->before = state->now;
    }
    state->now = *candle;
    spread(s, number);
}

void stream_take_feed(stream *s, const wire_feed_status *status, int64_t now_ns) {
    s->now_ns = now_ns;
    s->stats.updates_in++;
    uint32_t number = topic_of_feed(s, status);
    if (number == NONE) {
        s->stats.instruments_refused++;
        return;
    }
    topic *t = topic_at(s, number);
    if (t->known && status->term < t->state->feed.term) return;
    t->state->feed = *status;
    spread(s, number);
}

/* What a print adds to the number of prints: a break takes one back where the feed tells what it was. */
static int64_t counts_for(const tw_print *print) {
    if (print->kind != TW_PRINT_BREAK) return 1;
    return print->quantity > 0 ? -1 : 0;
}

/* Prints that were lost before these, by the totals. */
static uint64_t count_missed(const trades_state *mine, const wire_trades *trades, uint32_t known, bool same_epoch) {
    int64_t added = 0;
    for (uint32_t i = known; i < trades->print_count; i++)
        added += counts_for(&trades->prints[i]);
    uint64_t before = trades->prints_total - (uint64_t)added, had = same_epoch ? mine->prints_total : 0;
    bool sensible = added <= 0 || (uint64_t)added <= trades->prints_total;
    return sensible && before > had ? before - had : 0;
}

static void keep_trades(trades_state *state, const wire_trades *trades) {
    state->header = trades->header;
    state->volume = trades->volume;
    state->prints_total = trades->prints_total;
    if (trades->print_count == 0) return;
    state->has_last = true;
    state->last = trades->prints[trades->print_count - 1];
}

void stream_take_trades(stream *s, const wire_trades *trades, int64_t now_ns) {
    uint32_t number = enter(s, TOPIC_TRADES, &trades->header, now_ns);
    if (number == NONE) return;
    topic *t = topic_at(s, number);
    trades_state *state = &t->state->trades;
    bool same_epoch = t->known && strcmp(state->header.epoch, trades->header.epoch) == 0;
    bool newer_totals = trades->header.snapshot && trades->header.seq == state->header.seq &&
                        (trades->prints_total != state->prints_total || trades->volume != state->volume);
    if (same_epoch && trades->header.seq <= state->header.seq && !newer_totals) return; /* had it */
    uint32_t known = 0;
    while (same_epoch && known < trades->print_count && trades->prints[known].seq <= state->header.seq)
        known++;
    wire_trades fresh = *trades;
    fresh.prints += known;
    fresh.print_count -= known;
    bool chained = same_epoch && trades->header.term == state->header.term && !trades->header.snapshot &&
                   trades->header.prev_seq == state->header.seq;
    if (!t->known) {
        keep_trades(state, trades);
        spread(s, number);
        return;
    }
    uint64_t missed = chained ? 0 : count_missed(state, trades, known, same_epoch);
    stream_trades_make_way(s, number, &fresh, chained);
    keep_trades(state, &fresh);
    stream_trades_arrived(s, number, &fresh, chained, missed);
}
