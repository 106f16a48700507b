/* Payloads into callbacks: decodes by the subject's channel and hands plain structs to the subscription. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "client/internal.h"
#include "runtime/clock.h"

static int64_t public_ns(int64_t ns) {
    return ns == TW_TIME_ABSENT ? 0 : ns;
}

tickwire_header client_header(const wire_header *header, const char *subject, subject_channel channel,
                              int64_t arrival_ns) {
    return (tickwire_header){
        .subject = subject,
        .exchange = header->exchange,
        .symbol = header->symbol,
        .channel = subject_channel_name(channel),
        .epoch = header->epoch,
        .partition = header->partition,
        .term = header->term,
        .prev_seq = header->prev_seq,
        .seq = header->seq,
        .snapshot = header->snapshot,
        .price_exponent = header->price_exponent,
        .quantity_exponent = header->quantity_exponent,
        .event_ns = public_ns(header->event_ns),
        .receive_ns = public_ns(header->receive_ns),
        .publish_ns = public_ns(header->publish_ns),
        .arrival_ns = arrival_ns,
    };
}

/* `subscription` NULL: told to all. */
void client_fault(tickwire_client *client, const tickwire_subscription *subscription, const char *subject, int kind,
                  const char *text) {
    tickwire_fault fault = {.subject = subject, .text = text};
    fault.kind = kind;
    client->callbacks++;
    for (tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next) {
        if (subscription != NULL && s != subscription) continue;
        if (!s->dead && s->handlers.on_fault != NULL) s->handlers.on_fault(s->context, &fault);
    }
    client->callbacks--;
}

static void malformed(tickwire_subscription *s, const char *subject, const char *text) {
    s->client->stats.malformed++;
    client_fault(s->client, s, subject, TICKWIRE_FAULT_MALFORMED, text);
}

static const char *result_text(wire_result result) {
    return result == WIRE_OUT_OF_RANGE ? "a length, count or name beyond what the schema allows"
                                       : "not protobuf, or not this message";
}

/* One message on its way to one subscription. */
typedef struct delivery {
    tickwire_subscription *subscription;
    const char *subject;
    const uint8_t *bytes;
    size_t length;
    bool is_part; /* of a snapshot reply: decoded already */
    subject_parts parts;
    int64_t arrival_ns;
} delivery;

static void tell(const delivery *d, int kind, const char *text) {
    client_fault(d->subscription->client, d->subscription, d->subject, kind, text);
}

static const char old_term_text[] =
    "a message of a deposed leader, or with a term that nobody can have yet, was dropped";

static void tell_old_term(const delivery *d) {
    d->subscription->client->stats.old_terms++;
    tell(d, TICKWIRE_FAULT_OLD_TERM, old_term_text);
}

/* The payload must be about what its subject says. */
static bool is_about(const delivery *d, const wire_header *header, const char *exchange, const char *symbol) {
    if (strcmp(header->symbol, symbol) == 0 && strcmp(header->exchange, exchange) == 0) return true;
    malformed(d->subscription, d->subject, "the payload is about another instrument than its subject");
    return false;
}

static bool is_about_subject(const delivery *d, const wire_header *header) {
    return is_about(d, header, d->parts.mic, d->parts.symbol);
}

/* Not from a leader that was deposed, as far as any message of the partition has told. */
static bool is_of_leader(const delivery *d, const wire_header *header, feed_entry **feed) {
    *feed = client_feed_of(d->subscription->client, header->exchange, header->partition);
    if (*feed == NULL || feed_watch_accept(&d->subscription->client->feeds, *feed, header->term)) return true;
    tell_old_term(d);
    return false;
}

static bool decoded(const delivery *d, wire_result result) {
    if (result == WIRE_OK) return true;
    malformed(d->subscription, d->subject, result_text(result));
    return false;
}

static void worse_of(const wire_header *header, const feed_entry *feed, tickwire_state *state, const char **cause) {
    bool feed_is_worse = feed != NULL && feed->state != TW_BOOK_OK && feed->state >= header->state;
    *state = (tickwire_state)(feed_is_worse ? feed->state : header->state);
    *cause = tw_state_cause_name(feed_is_worse ? feed->cause : header->cause);
}

/* ---- chains ---- */

/* NULL: no room to follow it; what comes is then told as it comes. */
static tw_chain *chain_of(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    tw_chain *chain = chain_store_get(&s->chains, d->subject);
    if (chain == NULL && !s->chains_full) {
        s->chains_full = true;
        tell(
            d, TICKWIRE_FAULT_FULL,
            "more instruments than max_instruments: from here on their quotes, trades, statuses and imbalances are "
            "told as they come, without noticing what is missing or repeated");
    }
    return chain;
}

/* As with books: a symbol that is another partition's now begins anew where the old one does not stand by the chain any more. */
static tw_chain *chain_for(const delivery *d, const wire_header *header) {
    tw_chain *chain = chain_of(d);
    if (chain == NULL || !chain->heard || chain->partition == header->partition || header->term >= chain->term)
        return chain;
    const feed_entry *old = client_feed_of(d->subscription->client, header->exchange, chain->partition);
    if (old == NULL || !feed_watch_stands_by(old, chain->epoch, chain->term)) *chain = (tw_chain){.heard = false};
    return chain;
}

/* Each print and order event counts, also the last ones of a leader whose successor is known already by a message on another
 * subscription, which with TLS the bus empties apart: what goes on right where this log ends was said in time. The successor does not say again what it
 * knows to have left. */
static bool goes_on_with_log(const delivery *d, const wire_header *header, const feed_entry *feed) {
    if (d->is_part || header->term >= feed->term) return false; /* or nobody's term */
    const tw_chain *chain = chain_of(d);
    return chain != NULL && chain->heard && chain->term <= header->term && chain->seq == header->prev_seq &&
           strcmp(chain->epoch, header->epoch) == 0;
}

static bool log_is_of_leader(const delivery *d, const wire_header *header) {
    feed_entry *feed = client_feed_of(d->subscription->client, header->exchange, header->partition);
    if (feed == NULL || feed_watch_accept(&d->subscription->client->feeds, feed, header->term)) return true;
    if (goes_on_with_log(d, header, feed)) return true;
    tell_old_term(d);
    return false;
}

static void tell_missed(const delivery *d, uint64_t missed) {
    tickwire_stats *stats = &d->subscription->client->stats;
    char text[160];
    if (d->parts.channel == SUBJECT_TRADE) {
        stats->missed_prints += missed;
        tw_text_format(text, sizeof text, "prints are lost before this message: at least %llu",
                       (unsigned long long)missed);
        tell(d, TICKWIRE_FAULT_MISSED, text);
    } else if (d->parts.channel == SUBJECT_ORDER) {
        stats->missed_events++;
        tell(d, TICKWIRE_FAULT_MISSED, "order events are lost before this message");
    } else {
        stats->state_breaks++;
    }
}

/* A reply about what never had a message says where the chain begins, and nothing to tell: unless something was told before, of
 * another leader or session. Ask before the chain takes it. */
static bool tells_nothing(const delivery *d, const tw_chain *chain, const wire_header *header) {
    bool told_before = chain != NULL && chain->heard && chain->seq != 0;
    return d->is_part && header->seq == 0 && !told_before;
}

/* Counts and tells what a verdict means. True: the message goes to its handler. */
static bool passes(const delivery *d, chain_verdict verdict) {
    tickwire_stats *stats = &d->subscription->client->stats;
    switch (verdict.outcome) {
    case CHAIN_DUPLICATE:
        stats->duplicates++;
        return false;
    case CHAIN_OLD_TERM:
        tell_old_term(d);
        return false;
    case CHAIN_REFUSED:
        malformed(d->subscription, d->subject, "its seq is below its prev_seq");
        return false;
    case CHAIN_DELIVER:
    case CHAIN_TOTALS:
        break;
    }
    if (verdict.missed > 0) tell_missed(d, verdict.missed);
    return !d->subscription->dead; /* the fault's handler may have ended it */
}

/* The rules of a channel whose messages are whole. */
static bool state_passes(const delivery *d, const wire_header *header, feed_entry **feed) {
    if (!is_about_subject(d, header) || !is_of_leader(d, header, feed)) return false;
    tw_chain *chain = chain_for(d, header);
    bool nothing = tells_nothing(d, chain, header);
    return (chain == NULL || passes(d, chain_take_state(chain, header))) && !nothing;
}

/* ---- by channel: decode, apply the rules, tell ---- */

static void take_quote(const delivery *d, const wire_quote *quote) {
    tickwire_subscription *s = d->subscription;
    feed_entry *feed;
    if (!state_passes(d, &quote->header, &feed)) return;
    tickwire_quote told = {
        .header = client_header(&quote->header, d->subject, d->parts.channel, d->arrival_ns),
        .bid = {quote->bid.price, quote->bid.quantity, quote->bid.orders},
        .ask = {quote->ask.price, quote->ask.quantity, quote->ask.orders},
    };
    worse_of(&quote->header, feed, &told.state, &told.cause);
    s->handlers.on_quote(s->context, &told);
}

static tickwire_print public_print(const tw_print *print) {
    return (tickwire_print){
        .seq = print->seq,
        .index = print->index,
        .kind = tw_print_kind_name(print->kind),
        .cross = tw_cross_kind_name(print->cross),
        .aggressor = tw_aggressor_name(print->aggressor),
        .price = print->price,
        .quantity = print->quantity,
        .match_id = print->match_id,
        .order_id = print->order_id,
        .event_ns = public_ns(print->event_ns),
    };
}

static void take_trades(const delivery *d, const wire_trades *trades) {
    tickwire_subscription *s = d->subscription;
    if (!is_about_subject(d, &trades->header) || !log_is_of_leader(d, &trades->header)) return;
    tw_chain *chain = chain_for(d, &trades->header);
    chain_verdict verdict = {.outcome = CHAIN_DELIVER};
    bool nothing = tells_nothing(d, chain, &trades->header);
    if (chain != NULL) verdict = chain_take_trades(chain, trades);
    if (!passes(d, verdict) || nothing) return;
    tickwire_print *prints = s->client->prints;
    uint32_t count = trades->print_count - verdict.known;
    if (count > WIRE_MAX_PRINTS) count = WIRE_MAX_PRINTS;
    for (uint32_t i = 0; i < count; i++)
        prints[i] = public_print(&trades->prints[verdict.known + i]);
    tickwire_trades told = {
        .header = client_header(&trades->header, d->subject, d->parts.channel, d->arrival_ns),
        .print_count = count,
        .prints = prints,
        .volume = trades->volume,
        .prints_total = trades->prints_total,
        .missed_before = verdict.missed,
        .counted_from_seq = trades->counted_from_seq,
    };
    s->handlers.on_trades(s->context, &told);
}

static void take_status(const delivery *d, const wire_status *status) {
    tickwire_subscription *s = d->subscription;
    feed_entry *feed;
    if (!state_passes(d, &status->header, &feed)) return;
    tickwire_instrument_status told = {
        .header = client_header(&status->header, d->subject, d->parts.channel, d->arrival_ns),
        .trading = tw_trading_state_name(status->trading),
        .reason = status->reason,
        .short_sale = tw_short_sale_name(status->short_sale),
        .collar_upper = status->collar_upper,
        .collar_lower = status->collar_lower,
        .collar_reference = status->collar_reference,
    };
    worse_of(&status->header, feed, &told.state, &told.cause);
    s->handlers.on_status(s->context, &told);
}

static void take_imbalance(const delivery *d, const wire_imbalance *message) {
    tickwire_subscription *s = d->subscription;
    feed_entry *feed;
    if (!state_passes(d, &message->header, &feed)) return;
    const tw_imbalance *imbalance = &message->imbalance;
    tickwire_imbalance told = {
        .header = client_header(&message->header, d->subject, d->parts.channel, d->arrival_ns),
        .cross = tw_cross_kind_name(imbalance->cross),
        .direction = tw_imbalance_direction_name(imbalance->direction),
        .paired_quantity = imbalance->paired_quantity,
        .imbalance_quantity = imbalance->imbalance_quantity,
        .far_price = imbalance->far_price,
        .near_price = imbalance->near_price,
        .reference_price = imbalance->reference_price,
        .variation = imbalance->variation,
    };
    s->handlers.on_imbalance(s->context, &told);
}

static void deliver_book(const delivery *d) {
    tickwire_client *client = d->subscription->client;
    wire_book_update update;
    if (!decoded(d, wire_book_update_decode(&client->arena, d->bytes, d->length, &update))) return;
    if (!is_about_subject(d, &update.header)) return; /* books.c looks at terms itself */
    const book_arrival arrival = {.from = d->subscription,
                                  .update = &update,
                                  .bytes = d->bytes,
                                  .length = d->length,
                                  .arrival_ns = d->arrival_ns};
    client_take_book(client, d->parts.channel, &arrival);
}

/* A message of a book that is kept: its subject need not be taken apart. */
static void deliver_known_book(const delivery *d, client_book *book) {
    tickwire_client *client = d->subscription->client;
    wire_book_update update;
    if (!decoded(d, wire_book_update_decode_next(&client->arena, &book->start, d->bytes, d->length, &update)))
        return;
    if (!is_about(d, &update.header, book->exchange, book->symbol)) return;
    const book_arrival arrival = {.from = d->subscription,
                                  .update = &update,
                                  .bytes = d->bytes,
                                  .length = d->length,
                                  .arrival_ns = d->arrival_ns};
    client_take_known_book(client, book, &arrival);
}

static void deliver_quote(const delivery *d) {
    wire_quote quote;
    if (decoded(d, wire_quote_decode(&d->subscription->client->arena, d->bytes, d->length, &quote)))
        take_quote(d, &quote);
}

static void deliver_trades(const delivery *d) {
    wire_trades trades;
    if (decoded(d, wire_trades_decode(&d->subscription->client->arena, d->bytes, d->length, &trades)))
        take_trades(d, &trades);
}

static void deliver_status(const delivery *d) {
    wire_status status;
    if (decoded(d, wire_status_decode(&d->subscription->client->arena, d->bytes, d->length, &status)))
        take_status(d, &status);
}

static void deliver_imbalance(const delivery *d) {
    wire_imbalance imbalance;
    if (decoded(d, wire_imbalance_decode(&d->subscription->client->arena, d->bytes, d->length, &imbalance)))
        take_imbalance(d, &imbalance);
}

/* There is no handler for the events themselves, but who hears of faults hears of what is lost. */
static void deliver_orders(const delivery *d) {
    wire_order_events orders;
    if (!decoded(d, wire_order_events_decode(&d->subscription->client->arena, d->bytes, d->length, &orders)))
        return;
    if (!is_about_subject(d, &orders.header) || !log_is_of_leader(d, &orders.header)) return;
    tw_chain *chain = chain_for(d, &orders.header);
    if (chain != NULL) passes(d, chain_take_orders(chain, &orders));
}

static bool decode_feed(tickwire_subscription *s, const char *subject, const uint8_t *bytes, size_t length,
                        wire_feed_status *status) {
    wire_result result = wire_feed_status_decode(&s->client->arena, bytes, length, status);
    if (result == WIRE_OK && subject_is_feed_status(subject, status->exchange, status->partition)) return true;
    malformed(s, subject,
              result == WIRE_OK ? "the payload is about another feed than its subject" : result_text(result));
    return false;
}

static void deliver_feed(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_feed_status status;
    if (!decode_feed(s, d->subject, d->bytes, d->length, &status)) return;
    if (!client_take_feed_status(s->client, &status)) {
        tell(d, TICKWIRE_FAULT_OLD_TERM, old_term_text);
        return;
    }
    if (s->handlers.on_feed_status == NULL || s->dead) return;
    tickwire_feed_status told = {
        .subject = d->subject,
        .exchange = status.exchange,
        .partition = status.partition,
        .epoch = status.epoch,
        .term = status.term,
        .continues_term = status.continues_term,
        .seq = status.seq,
        .state = (tickwire_state)status.state,
        .cause = tw_state_cause_name(status.cause),
        .detail = status.detail,
        .event_ns = public_ns(status.event_ns),
        .receive_ns = public_ns(status.receive_ns),
        .publish_ns = public_ns(status.publish_ns),
        .arrival_ns = d->arrival_ns,
        .gap_from = status.gap_from,
        .gap_to = status.gap_to,
        .messages = status.messages,
        .lost = status.lost,
        .updates = status.updates,
        .instruments = status.instruments,
        .instruments_not_ok = status.instruments_not_ok,
    };
    s->handlers.on_feed_status(s->context, &told);
}

static void deliver_instrument(const delivery *d) {
    const tickwire_subscription *s = d->subscription;
    const tickwire_handlers *handlers = &s->handlers;
    switch (d->parts.channel) {
    case SUBJECT_ORDERBOOK:
    case SUBJECT_ORDERBOOK_100MS:
    case SUBJECT_ORDERBOOK_1S:
        if (s->keeps_books) deliver_book(d);
        break;
    case SUBJECT_QUOTE:
        if (handlers->on_quote != NULL) deliver_quote(d);
        break;
    case SUBJECT_TRADE:
        if (handlers->on_trades != NULL) deliver_trades(d);
        break;
    case SUBJECT_STATUS:
        if (handlers->on_status != NULL) deliver_status(d);
        break;
    case SUBJECT_IMBALANCE:
        if (handlers->on_imbalance != NULL) deliver_imbalance(d);
        break;
    case SUBJECT_ORDER:
        if (handlers->on_fault != NULL) deliver_orders(d);
        break;
    case SUBJECT_CANDLE_1S:
    case SUBJECT_CANDLE_1M:
    case SUBJECT_CANDLE_5M:
    case SUBJECT_CANDLE_1H:
    case SUBJECT_CANDLE_1D:
    case SUBJECT_NBBO:
    case SUBJECT_CHANNELS:
        break; /* what others made of the feeds: only raw */
    }
}

void client_on_message(void *context, const bus_message *message) {
    tickwire_subscription *s = context;
    tickwire_client *client = s->client;
    if (s->dead) return;
    client->stats.messages++;
    client->stats.bytes += message->length;
    client->callbacks++;
    if (s->handlers.on_raw != NULL)
        s->handlers.on_raw(s->context, message->subject, message->bytes, message->length);
    delivery d = {.subscription = s,
                  .subject = message->subject,
                  .bytes = message->bytes,
                  .length = message->length,
                  .arrival_ns = message->arrival_ns};
    client_book *book = s->keeps_books && !s->dead ? book_store_of_subject(&client->books, message->subject) : NULL;
    if (book != NULL)
        deliver_known_book(&d, book);
    else if (!s->dead)
        switch (subject_parse(message->subject, &d.parts)) {
        case SUBJECT_KIND_INSTRUMENT:
            deliver_instrument(&d);
            break;
        case SUBJECT_KIND_FEED_STATUS:
            deliver_feed(&d);
            break;
        default:
            break; /* requests of others, line status: only raw */
        }
    client->callbacks--;
}

/* The feed status that comes with a subscription, not asked for by the caller. */
void client_on_feed_message(void *context, const bus_message *message) {
    tickwire_subscription *s = context;
    wire_feed_status status;
    if (!s->dead && decode_feed(s, message->subject, message->bytes, message->length, &status))
        client_take_feed_status(s->client, &status);
}

/* ---- snapshot replies ---- */

static bool reply_id(const tickwire_client *client, const char *subject, uint64_t *id) {
    size_t length = strlen(client->inbox);
    return strncmp(subject, client->inbox, length) == 0 && subject[length] == '.' &&
           tw_text_to_u64(subject + length + 1, id);
}

/* ---- parts of replies on channels without books ---- */

/* A part goes to every subscription that covers its subject, through the same rules as what comes live. It can't overtake
 * what was published before it: both leave on one connection of their publisher, and come in the server's order; with TLS the replies' subscription is the
 * client's first, which the bus empties last. */
static void deliver_part(tickwire_client *client, const wire_header *header, subject_channel channel,
                         int64_t arrival_ns, const void *part) {
    char subject[SUBJECT_BYTES];
    delivery d = {.subject = subject, .is_part = true, .arrival_ns = arrival_ns};
    if (!header->snapshot ||
        !subject_instrument(subject, sizeof subject, header->exchange, header->symbol, channel))
        return;
    if (subject_parse(subject, &d.parts) != SUBJECT_KIND_INSTRUMENT) return;
    client->callbacks++;
    for (tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next) {
        if (s->dead || !subject_matches(s->subject, subject)) continue;
        d.subscription = s;
        if (channel == SUBJECT_QUOTE && s->handlers.on_quote != NULL) take_quote(&d, part);
        if (channel == SUBJECT_TRADE && s->handlers.on_trades != NULL) take_trades(&d, part);
        if (channel == SUBJECT_STATUS && s->handlers.on_status != NULL) take_status(&d, part);
        if (channel == SUBJECT_IMBALANCE && s->handlers.on_imbalance != NULL) take_imbalance(&d, part);
    }
    client->callbacks--;
}

static void deliver_parts(tickwire_client *client, const wire_snapshot_reply *reply, subject_channel channel,
                          int64_t arrival_ns) {
    for (uint32_t i = 0; i < reply->quote_count && channel == SUBJECT_QUOTE; i++)
        deliver_part(client, &reply->quotes[i].header, channel, arrival_ns, &reply->quotes[i]);
    for (uint32_t i = 0; i < reply->trades_count && channel == SUBJECT_TRADE; i++)
        deliver_part(client, &reply->trades[i].header, channel, arrival_ns, &reply->trades[i]);
    for (uint32_t i = 0; i < reply->status_count && channel == SUBJECT_STATUS; i++)
        deliver_part(client, &reply->statuses[i].header, channel, arrival_ns, &reply->statuses[i]);
    for (uint32_t i = 0; i < reply->imbalance_count && channel == SUBJECT_IMBALANCE; i++)
        deliver_part(client, &reply->imbalances[i].header, channel, arrival_ns, &reply->imbalances[i]);
}

/* What a request covered and did not heal is wished for again. */
static void after_reply(tickwire_client *client, const resync_key *key, int64_t now_ns) {
    for (uint32_t i = 0; i < client->books.count; i++) {
        client_book *book = client->books.books[i];
        if (receiver_book_in_sync(&book->receiver) || book->channel != key->channel) continue;
        if (strcmp(book->exchange, key->exchange) != 0) continue;
        if (key->symbol[0] != '\0' && strcmp(book->symbol, key->symbol) != 0) continue;
        client_book_unanswered(client, book, now_ns);
    }
}

void client_on_reply(void *context, const bus_message *message) {
    tickwire_client *client = context;
    int64_t now_ns = rt_clock_monotonic_ns(), arrival_ns = message->arrival_ns;
    wire_snapshot_reply reply;
    resync_key key;
    uint64_t id;
    if (!reply_id(client, message->subject, &id)) return;
    if (message->length == 0) { /* the server says that nobody listens */
        resync_reply(&client->resync, id, NULL, now_ns, &key);
        return;
    }
    subject_channel channel;
    if (wire_snapshot_reply_decode(&client->arena, message->bytes, message->length, &reply) != WIRE_OK ||
        !subject_channel_parse(reply.channel, &channel)) {
        client->stats.malformed++;
        client_fault(client, NULL, message->subject, TICKWIRE_FAULT_MALFORMED, "a snapshot reply that is none");
        return; /* the request times out and is repeated */
    }
    client->stats.bytes += message->length;
    for (uint32_t i = 0; i < reply.book_count && join_is_book_channel(channel); i++) {
        if (!reply.books[i].header.snapshot) continue;
        client_take_book(client, channel, &(book_arrival){.update = &reply.books[i], .arrival_ns = arrival_ns});
    }
    deliver_parts(client, &reply, channel, arrival_ns);
    if (resync_reply(&client->resync, id, &reply, now_ns, &key)) after_reply(client, &key, now_ns);
}
