/* Messages of the bus, taken apart and handed to the values. */
#include "publisher/aggregator/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "client/feed_watch.h"
#include "client/resync.h"
#include "proto/codec.h"
#include "proto/subject.h"
#include "publisher/aggregator/apart.h"
#include "runtime/clock.h"

#define NS_PER_MS      INT64_C(1000000)
#define MOST_EXCHANGES 32u
#define SNAPSHOT_NS    (1000 * NS_PER_MS) /* an unanswered request is repeated */
#define SWEEP_NS       (250 * NS_PER_MS)

struct intake {
    bus *bus;
    last_values *values;
    candles *candles; /* NULL: none are made */
    nbbo *nbbo;       /* likewise */
    const char *apart;
    rt_log *log;
    feed_watch feeds;
    resync_queue resync;
    wire_arena arena;
    char inbox[128];
    uint64_t first_good_id; /* answers to earlier requests may be of before a doubt: they end no wait */
    int64_t next_sweep_ns;
    bus_subscription *subscriptions[3 * MOST_EXCHANGES + 1];
    uint32_t subscription_count;
    intake_stats stats;
    rt_log_site malformed_site, full_site;
};

static const subject_channel subject_of[LAST_CHANNELS] = {SUBJECT_QUOTE, SUBJECT_TRADE};

/* ---- feeds ---- */

static void tell_state(intake *self, const feed_entry *entry, int64_t now_ns) {
    uint32_t number = last_values_feed(self->values, entry->exchange, entry->partition);
    bool told = entry->heard && !self->feeds.bus_away && now_ns - entry->heard_ns <= self->feeds.silence_ns;
    if (number != LAST_NONE) last_values_state(self->values, number, entry->state, told, now_ns);
    if (self->candles != NULL)
        candles_feed_live(self->candles, entry->exchange, entry->partition, told && entry->state == TW_BOOK_OK);
    if (self->nbbo != NULL && !apart_has(self->apart, entry->exchange))
        nbbo_feed(self->nbbo, entry->exchange, entry->partition, told ? entry->state : TW_BOOK_STALE, now_ns);
}

static void log_feeds(intake *self) {
    for (size_t i = 0; i < self->feeds.count; i++) {
        feed_entry *entry = self->feeds.entries[i];
        if (!feed_watch_take_changed(entry)) continue;
        bool good = entry->state == TW_BOOK_OK || entry->state == TW_BOOK_CLOSED;
        rt_log(self->log, good ? RT_INFO : RT_WARN, "feed state", RT_STR("exchange", entry->exchange),
               RT_U64("partition", entry->partition), RT_STR("state", tw_book_state_name(entry->state)),
               RT_STR("cause", tw_state_cause_name(entry->cause)));
    }
}

static void tell_states(intake *self, int64_t now_ns) {
    for (size_t i = 0; i < self->feeds.count; i++)
        tell_state(self, self->feeds.entries[i], now_ns);
    log_feeds(self);
}

/* ---- snapshots ---- */

static bool send_request(void *context, const resync_key *key, uint64_t id) {
    intake *self = context;
    char subject[SUBJECT_BYTES], reply[SUBJECT_BYTES];
    if (!subject_snapshots(subject, sizeof subject, key->exchange, key->channel) ||
        !tw_text_format(reply, sizeof reply, "%s.%llu", self->inbox, (unsigned long long)id))
        return false;
    if (bus_publish_request(self->bus, subject, reply, NULL, 0) != TW_OK) return false;
    self->stats.snapshots_requested++;
    return true;
}

/* The answer has come and did not tell of all: it is asked for ever more rarely. */
static bool wants_again(intake *self, const char *exchange, last_channel channel, int64_t now_ns) {
    if (!last_values_again(self->values, exchange, channel, now_ns)) return false;
    return last_values_doubts(self->values, exchange, channel) ||
           (channel == LAST_QUOTE && self->nbbo != NULL && nbbo_doubts(self->nbbo, exchange));
}

/* Wishes for what is in doubt. */
static void sweep(intake *self, int64_t now_ns) {
    for (size_t i = 0; i < self->feeds.count; i++) {
        const char *exchange = self->feeds.entries[i]->exchange;
        for (last_channel channel = 0; channel < LAST_CHANNELS; channel++)
            if (last_values_wants(self->values, exchange, channel) || wants_again(self, exchange, channel, now_ns))
                resync_want_all(&self->resync, exchange, subject_of[channel], now_ns);
    }
}

static void doubt(intake *self, int64_t now_ns) {
    last_values_doubt(self->values);
    if (self->nbbo != NULL) nbbo_doubt(self->nbbo, now_ns);
    self->first_good_id = self->resync.last_id + 1;
    resync_restart(&self->resync, now_ns);
    self->next_sweep_ns = now_ns;
}

#define UNBELIEVABLE "a term that nobody can have yet: somebody else writes to this bus"

/* ---- messages ---- */

static void malformed(intake *self, const char *subject, const char *why) {
    self->stats.malformed++;
    rt_log_limited(self->log, &self->malformed_site, RT_WARN, "a message was passed over",
                   RT_STR("subject", subject), RT_STR("why", why));
}

static const char *why_not(wire_result result) {
    return result == WIRE_OUT_OF_RANGE ? "a length, count or name beyond what the schema allows"
                                       : "not protobuf, or not this message";
}

/* Requests such as snapshots.XNAS.quote have three tokens, too. */
static bool is_instrument(const char *subject, subject_parts *parts) {
    return subject_parse(subject, parts) == SUBJECT_KIND_INSTRUMENT;
}

/* A message about an instrument must be about the one its subject names. */
static bool fits(intake *self, const char *subject, const subject_parts *parts, const wire_header *header,
                 int64_t now_ns) {
    if (strcmp(parts->mic, header->exchange) != 0 || strcmp(parts->symbol, header->symbol) != 0) {
        malformed(self, subject, "the payload is about another instrument than its subject");
        return false;
    }
    if (!feed_watch_believes(&self->feeds, header->term)) {
        malformed(self, subject, UNBELIEVABLE);
        return false;
    }
    feed_watch_entry(&self->feeds, header->exchange, header->partition, now_ns, NULL);
    return true;
}

static void note(intake *self, const char *subject, last_outcome outcome) {
    if (outcome != LAST_FULL) return;
    rt_log_limited(self->log, &self->full_site, RT_ERROR, "no room for another instrument: raise --max-symbols",
                   RT_STR("subject", subject));
}

static void take_quote(intake *self, const char *subject, const wire_quote *quote, int64_t now_ns) {
    note(self, subject, last_values_quote(self->values, quote, now_ns));
    if (self->nbbo != NULL && !apart_has(self->apart, quote->header.exchange))
        nbbo_quote(self->nbbo, quote, now_ns);
}

static void take_trades(intake *self, const char *subject, const wire_trades *trades, int64_t now_ns) {
    note(self, subject, last_values_trades(self->values, trades, now_ns));
    if (self->candles != NULL) candles_trades(self->candles, trades, now_ns);
}

static void on_quote(void *context, const bus_message *message) {
    intake *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    wire_quote quote;
    subject_parts parts;
    if (!is_instrument(message->subject, &parts)) return;
    wire_result result = wire_quote_decode(&self->arena, message->bytes, message->length, &quote);
    if (result != WIRE_OK) {
        malformed(self, message->subject, why_not(result));
    } else if (fits(self, message->subject, &parts, &quote.header, now_ns)) {
        self->stats.quotes++;
        take_quote(self, message->subject, &quote, now_ns);
    }
}

static void on_trades(void *context, const bus_message *message) {
    intake *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    wire_trades trades;
    subject_parts parts;
    if (!is_instrument(message->subject, &parts)) return;
    wire_result result = wire_trades_decode(&self->arena, message->bytes, message->length, &trades);
    if (result != WIRE_OK) {
        malformed(self, message->subject, why_not(result));
    } else if (fits(self, message->subject, &parts, &trades.header, now_ns)) {
        self->stats.trades++;
        take_trades(self, message->subject, &trades, now_ns);
    }
}

/* Who leads, and whether he stands by what was told before. */
static void tell_leader(intake *self, uint32_t number, feed_entry *entry, bool was_heard, int64_t now_ns) {
    const feed_vouch *vouch = &entry->vouch;
    bool broke = feed_watch_take_break(entry);
    if (broke && was_heard) last_values_broke(self->values, number, now_ns);
    if (self->nbbo == NULL || apart_has(self->apart, entry->exchange)) return;
    nbbo_lead(self->nbbo, entry->exchange, entry->partition, vouch->term, vouch->epoch);
    if (broke) nbbo_vouched(self->nbbo, entry->exchange, entry->partition, vouch->epoch, vouch->since_term);
}

static void take_status(intake *self, const wire_feed_status *status, int64_t now_ns) {
    uint32_t number = last_values_feed(self->values, status->exchange, status->partition);
    feed_entry *entry = feed_watch_entry(&self->feeds, status->exchange, status->partition, now_ns, NULL);
    if (number == LAST_NONE || entry == NULL) return;
    bool was_heard = entry->heard;
    bool was_silent = !was_heard || entry->state == TW_BOOK_STALE;
    if (!last_values_lead(self->values, number, status->term, status->epoch) ||
        !feed_watch_hear(&self->feeds, entry, status, now_ns))
        return;
    tell_leader(self, number, entry, was_heard, now_ns);
    if (was_silent) {
        resync_hurry(&self->resync, entry->exchange, now_ns);
        self->next_sweep_ns = now_ns;
    }
    if (self->candles != NULL) candles_status(self->candles, status, now_ns);
    tell_state(self, entry, now_ns);
    if (entry->changed) log_feeds(self);
}

static void on_status(void *context, const bus_message *message) {
    intake *self = context;
    wire_feed_status status;
    wire_result result = wire_feed_status_decode(&self->arena, message->bytes, message->length, &status);
    if (result != WIRE_OK) {
        malformed(self, message->subject, why_not(result));
    } else if (!subject_is_feed_status(message->subject, status.exchange, status.partition)) {
        malformed(self, message->subject, "the payload is about another feed than its subject");
    } else if (!feed_watch_believes(&self->feeds, status.term)) {
        malformed(self, message->subject, UNBELIEVABLE);
    } else {
        self->stats.statuses++;
        take_status(self, &status, rt_clock_monotonic_ns());
    }
}

static bool reply_id(const intake *self, const char *subject, uint64_t *id) {
    size_t length = strlen(self->inbox);
    return strncmp(subject, self->inbox, length) == 0 && subject[length] == '.' &&
           tw_text_to_u64(subject + length + 1, id);
}

static void take_parts(intake *self, const wire_snapshot_reply *reply, const char *subject, int64_t now_ns) {
    for (uint32_t i = 0; i < reply->quote_count; i++)
        take_quote(self, subject, &reply->quotes[i], now_ns);
    for (uint32_t i = 0; i < reply->trades_count; i++)
        take_trades(self, subject, &reply->trades[i], now_ns);
}

static void end_wait(intake *self, const wire_snapshot_reply *reply, uint64_t id, int64_t now_ns) {
    subject_channel channel;
    if (reply->code != WIRE_REPLY_OK || !reply->last || id < self->first_good_id) return;
    if (!subject_channel_parse(reply->channel, &channel)) return;
    for (last_channel each = 0; each < LAST_CHANNELS; each++)
        if (subject_of[each] == channel)
            last_values_synced(self->values, reply->exchange, reply->term, reply->epoch, each, now_ns);
}

static void on_reply(void *context, const bus_message *message) {
    intake *self = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    wire_snapshot_reply reply;
    resync_key key;
    uint64_t id;
    if (!reply_id(self, message->subject, &id)) return;
    if (message->length == 0) { /* the server says that nobody listens */
        resync_reply(&self->resync, id, NULL, now_ns, &key);
        return;
    }
    wire_result result = wire_snapshot_reply_decode(&self->arena, message->bytes, message->length, &reply);
    if (result != WIRE_OK) { /* the request times out and is repeated */
        malformed(self, message->subject, why_not(result));
        return;
    }
    self->stats.snapshot_replies++;
    take_parts(self, &reply, message->subject, now_ns);
    end_wait(self, &reply, id, now_ns);
    resync_reply(&self->resync, id, &reply, now_ns, &key);
}

/* ---- open and close ---- */

static tw_code subscribe(intake *self, const char *mic, const char *form, bus_on_message on_message,
                         tw_error *error) {
    char subject[SUBJECT_BYTES];
    tw_text_format(subject, sizeof subject, form[0] == 'f' ? "feed.%s.*.status" : "%s.*.%s", mic, form);
    tw_code code =
        bus_subscribe(self->bus, subject, on_message, self, &self->subscriptions[self->subscription_count], error);
    if (code == TW_OK) self->subscription_count++;
    return code;
}

static tw_code subscribe_exchange(intake *self, const char *mic, tw_error *error) {
    tw_code code = subscribe(self, mic, "quote", on_quote, error);
    if (code == TW_OK) code = subscribe(self, mic, "trade", on_trades, error);
    if (code == TW_OK) code = subscribe(self, mic, "feed", on_status, error);
    return code;
}

static bool is_mic(const char *text) {
    if (strlen(text) != TW_MIC_BYTES - 1) return false;
    for (; *text != '\0'; text++)
        if ((*text < 'A' || *text > 'Z') && (*text < '0' || *text > '9')) return false;
    return true;
}

static tw_code check_apart(const char *exchanges, tw_error *error) {
    char list[MOST_EXCHANGES * TW_MIC_BYTES], *rest = list, *mic;
    if (exchanges == NULL || exchanges[0] == '\0') return TW_OK;
    if (!tw_text_copy(list, sizeof list, exchanges))
        return tw_error_set(error, TW_INVALID, "--apart takes %u exchanges at most", MOST_EXCHANGES);
    while ((mic = strsep(&rest, ",")) != NULL)
        if (!is_mic(mic))
            return tw_error_set(error, TW_INVALID, "--apart: '%s' is no exchange code of four capitals or digits",
                                mic);
    return TW_OK;
}

static tw_code subscribe_all(intake *self, const char *exchanges, tw_error *error) {
    char list[MOST_EXCHANGES * TW_MIC_BYTES], *rest = list, *mic;
    if (strcmp(exchanges, "*") == 0) return subscribe_exchange(self, "*", error);
    if (!tw_text_copy(list, sizeof list, exchanges))
        return tw_error_set(error, TW_INVALID, "--exchange takes %u exchanges at most", MOST_EXCHANGES);
    while ((mic = strsep(&rest, ",")) != NULL) {
        if (!is_mic(mic))
            return tw_error_set(error, TW_INVALID,
                                "--exchange: '%s' is no exchange code of four capitals or digits", mic);
        if (subscribe_exchange(self, mic, error) != TW_OK) return error->code;
    }
    return TW_OK;
}

static tw_code subscribe_inbox(intake *self, tw_error *error) {
    char subject[sizeof self->inbox + 2];
    if (bus_new_inbox(self->bus, self->inbox, sizeof self->inbox, error) != TW_OK) return error->code;
    tw_text_format(subject, sizeof subject, "%s.*", self->inbox);
    return bus_subscribe(self->bus, subject, on_reply, self, &self->subscriptions[self->subscription_count++],
                         error);
}

tw_code intake_open(intake **opened, const intake_options *options, bus *from, last_values *values,
                    tw_error *error) {
    *opened = NULL;
    intake *self = calloc(1, sizeof *self);
    if (self == NULL || !wire_arena_init(&self->arena, WIRE_ARENA_BYTES)) {
        free(self);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for messages");
    }
    self->bus = from;
    self->values = values;
    self->candles = options->candles;
    self->nbbo = options->nbbo;
    self->apart = options->apart;
    self->log = options->log;
    feed_watch_init(&self->feeds, options->feed_silence_ns);
    self->feeds.most_term = tw_term_most_believed(rt_clock_utc_ns());
    resync_init(&self->resync, SNAPSHOT_NS, (uint64_t)rt_clock_utc_ns() ^ (uint64_t)(uintptr_t)self, send_request,
                self);
    tw_code code = check_apart(options->apart, error);
    if (code == TW_OK) code = subscribe_inbox(self, error);
    if (code == TW_OK) code = subscribe_all(self, options->exchanges, error);
    if (code != TW_OK) {
        intake_close(self);
        return code;
    }
    *opened = self;
    return TW_OK;
}

void intake_close(intake *self) {
    if (self == NULL) return;
    for (uint32_t i = 0; i < self->subscription_count; i++)
        bus_unsubscribe(self->subscriptions[i]);
    feed_watch_fini(&self->feeds);
    wire_arena_fini(&self->arena);
    free(self);
}

/* ---- time and the bus ---- */

void intake_tick(intake *self, int64_t now_ns) {
    self->feeds.most_term = tw_term_most_believed(rt_clock_utc_ns());
    feed_watch_check(&self->feeds, now_ns);
    tell_states(self, now_ns);
    if (now_ns >= self->next_sweep_ns) {
        self->next_sweep_ns = now_ns + SWEEP_NS;
        sweep(self, now_ns);
    }
    if (!bus_connected(self->bus)) return;
    resync_tick(&self->resync, now_ns);
    bus_flush(self->bus);
}

void intake_bus_event(intake *self, bus_event event, int64_t now_ns) {
    switch (event) {
    case BUS_CONNECTED:
    case BUS_STILL_AWAY:
        break;
    case BUS_DISCONNECTED:
        feed_watch_bus(&self->feeds, true, now_ns);
        break;
    case BUS_RECONNECTED: /* what was published meanwhile never comes */
        feed_watch_bus(&self->feeds, false, now_ns);
        doubt(self, now_ns);
        break;
    case BUS_NOT_PERMITTED: /* the log tells of it */
        break;
    }
    tell_states(self, now_ns);
}

intake_stats intake_read_stats(const intake *self) {
    intake_stats stats = self->stats;
    stats.feeds = (uint32_t)self->feeds.count;
    for (size_t i = 0; i < self->feeds.count; i++) {
        const feed_entry *entry = self->feeds.entries[i];
        stats.feeds_ok += entry->state <= TW_BOOK_CLOSED;
        stats.feeds_unsynced += last_values_wants(self->values, entry->exchange, LAST_QUOTE) ||
                                last_values_wants(self->values, entry->exchange, LAST_TRADE);
    }
    return stats;
}
