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
    const bus_message *message;
    subject_parts parts;
    int64_t arrival_ns;
} delivery;

/* The payload must be about what its subject says, and not from a leader that was deposed. */
static bool header_fits(const delivery *d, const wire_header *header, feed_entry **feed) {
    tickwire_client *client = d->subscription->client;
    if (strcmp(header->exchange, d->parts.mic) != 0 || strcmp(header->symbol, d->parts.symbol) != 0) {
        malformed(d->subscription, d->message->subject, "the payload is about another instrument than its subject");
        return false;
    }
    if (feed == NULL) return true;
    *feed = client_feed_of(client, header->exchange, header->partition);
    if (*feed != NULL && (*feed)->heard && header->term < (*feed)->term) {
        client->stats.old_terms++;
        client_fault(client, d->subscription, d->message->subject, TICKWIRE_FAULT_OLD_TERM,
                     "a message of a deposed leader was dropped");
        return false;
    }
    return true;
}

static bool decoded(const delivery *d, wire_result result) {
    if (result == WIRE_OK) return true;
    malformed(d->subscription, d->message->subject, result_text(result));
    return false;
}

static void worse_of(const wire_header *header, const feed_entry *feed, tickwire_state *state, const char **cause) {
    bool feed_is_worse = feed != NULL && feed->state != TW_BOOK_OK && feed->state >= header->state;
    *state = (tickwire_state)(feed_is_worse ? feed->state : header->state);
    *cause = tw_state_cause_name(feed_is_worse ? feed->cause : header->cause);
}

static void deliver_book(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_book_update update;
    if (!s->keeps_books) return;
    if (!decoded(d, wire_book_update_decode(&s->client->arena, d->message->bytes, d->message->length, &update)))
        return;
    if (!header_fits(d, &update.header, NULL)) return; /* the receiver looks at terms itself */
    client_take_book(s->client, s, d->parts.channel, &update, d->arrival_ns);
}

static void deliver_quote(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_quote quote;
    feed_entry *feed;
    if (s->handlers.on_quote == NULL) return;
    if (!decoded(d, wire_quote_decode(&s->client->arena, d->message->bytes, d->message->length, &quote))) return;
    if (!header_fits(d, &quote.header, &feed)) return;
    tickwire_quote told = {
        .header = client_header(&quote.header, d->message->subject, d->parts.channel, d->arrival_ns),
        .bid = {quote.bid.price, quote.bid.quantity, quote.bid.orders},
        .ask = {quote.ask.price, quote.ask.quantity, quote.ask.orders},
    };
    worse_of(&quote.header, feed, &told.state, &told.cause);
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

static void deliver_trades(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_trades trades;
    feed_entry *feed;
    if (s->handlers.on_trades == NULL) return;
    if (!decoded(d, wire_trades_decode(&s->client->arena, d->message->bytes, d->message->length, &trades))) return;
    if (!header_fits(d, &trades.header, &feed)) return;
    tickwire_print *prints = s->client->prints;
    uint32_t count = trades.print_count < WIRE_MAX_PRINTS ? trades.print_count : WIRE_MAX_PRINTS;
    for (uint32_t i = 0; i < count; i++)
        prints[i] = public_print(&trades.prints[i]);
    tickwire_trades told = {
        .header = client_header(&trades.header, d->message->subject, d->parts.channel, d->arrival_ns),
        .print_count = count,
        .prints = prints,
        .volume = trades.volume,
        .prints_total = trades.prints_total,
    };
    s->handlers.on_trades(s->context, &told);
}

static void deliver_status(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_status status;
    feed_entry *feed;
    if (s->handlers.on_status == NULL) return;
    if (!decoded(d, wire_status_decode(&s->client->arena, d->message->bytes, d->message->length, &status))) return;
    if (!header_fits(d, &status.header, &feed)) return;
    tickwire_instrument_status told = {
        .header = client_header(&status.header, d->message->subject, d->parts.channel, d->arrival_ns),
        .trading = tw_trading_state_name(status.trading),
        .reason = status.reason,
        .short_sale = tw_short_sale_name(status.short_sale),
        .collar_upper = status.collar_upper,
        .collar_lower = status.collar_lower,
        .collar_reference = status.collar_reference,
    };
    worse_of(&status.header, feed, &told.state, &told.cause);
    s->handlers.on_status(s->context, &told);
}

static void deliver_imbalance(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_imbalance message;
    feed_entry *feed;
    if (s->handlers.on_imbalance == NULL) return;
    if (!decoded(d, wire_imbalance_decode(&s->client->arena, d->message->bytes, d->message->length, &message)))
        return;
    if (!header_fits(d, &message.header, &feed)) return;
    const tw_imbalance *imbalance = &message.imbalance;
    tickwire_imbalance told = {
        .header = client_header(&message.header, d->message->subject, d->parts.channel, d->arrival_ns),
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

static bool decode_feed(tickwire_subscription *s, const bus_message *message, wire_feed_status *status) {
    wire_result result = wire_feed_status_decode(&s->client->arena, message->bytes, message->length, status);
    if (result == WIRE_OK) return true;
    malformed(s, message->subject, result_text(result));
    return false;
}

static void deliver_feed(const delivery *d) {
    tickwire_subscription *s = d->subscription;
    wire_feed_status status;
    if (!decode_feed(s, d->message, &status)) return;
    client_take_feed_status(s->client, &status);
    if (s->handlers.on_feed_status == NULL || s->dead) return;
    tickwire_feed_status told = {
        .subject = d->message->subject,
        .exchange = status.exchange,
        .partition = status.partition,
        .epoch = status.epoch,
        .term = status.term,
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
    switch (d->parts.channel) {
    case SUBJECT_ORDERBOOK:
    case SUBJECT_ORDERBOOK_100MS:
    case SUBJECT_ORDERBOOK_1S:
        deliver_book(d);
        break;
    case SUBJECT_QUOTE:
        deliver_quote(d);
        break;
    case SUBJECT_TRADE:
        deliver_trades(d);
        break;
    case SUBJECT_STATUS:
        deliver_status(d);
        break;
    case SUBJECT_IMBALANCE:
        deliver_imbalance(d);
        break;
    case SUBJECT_ORDER: /* only raw */
    case SUBJECT_CHANNELS:
        break;
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
    delivery d = {.subscription = s, .message = message, .arrival_ns = rt_clock_utc_ns()};
    if (!s->dead) switch (subject_parse(message->subject, &d.parts)) {
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
    if (!s->dead && decode_feed(s, message, &status)) client_take_feed_status(s->client, &status);
}

/* ---- snapshot replies ---- */

static bool reply_id(const tickwire_client *client, const char *subject, uint64_t *id) {
    size_t length = strlen(client->inbox);
    return strncmp(subject, client->inbox, length) == 0 && subject[length] == '.' &&
           tw_text_to_u64(subject + length + 1, id);
}

/* What a request covered and did not heal is wished for again. */
static void after_reply(tickwire_client *client, const resync_key *key, int64_t now_ns) {
    for (uint32_t i = 0; i < client->books.count; i++) {
        const client_book *book = client->books.books[i];
        if (receiver_book_in_sync(&book->receiver) || book->channel != key->channel) continue;
        if (strcmp(book->exchange, key->exchange) != 0) continue;
        if (key->symbol[0] != '\0' && strcmp(book->symbol, key->symbol) != 0) continue;
        resync_want(&client->resync, book->exchange, book->symbol, book->channel, true, now_ns);
    }
}

void client_on_reply(void *context, const bus_message *message) {
    tickwire_client *client = context;
    int64_t now_ns = rt_clock_monotonic_ns(), arrival_ns = rt_clock_utc_ns();
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
        client_take_book(client, NULL, channel, &reply.books[i], arrival_ns);
    }
    if (resync_reply(&client->resync, id, &reply, now_ns, &key)) after_reply(client, &key, now_ns);
}
