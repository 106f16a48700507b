/*
 * The books of a client: takes decoded updates through the receiver's rules, tells the subscriptions what
 * changed, and wishes for snapshots where a book is not in sync.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "client/internal.h"
#include "runtime/clock.h"

#define REPEAT_NS         INT64_C(1000000000)
#define CONFIRM_DOUBLINGS 6u /* then once a minute */

_Static_assert(sizeof(tickwire_level) == sizeof(tw_level) &&
                   offsetof(tickwire_level, quantity) == offsetof(tw_level, quantity) &&
                   offsetof(tickwire_level, orders) == offsetof(tw_level, orders),
               "levels are handed out without a copy");
_Static_assert((int)TICKWIRE_BOOK_STALE == (int)TW_BOOK_STALE &&
                   (int)TICKWIRE_BOOK_RECOVERING == (int)TW_BOOK_RECOVERING &&
                   (int)TICKWIRE_BOOK_CLOSED == (int)TW_BOOK_CLOSED && TICKWIRE_MAX_DEPTH == TW_MAX_DEPTH,
               "the public names are the inner ones");

static const tickwire_level *public_levels(const tw_level *levels) {
    return (const tickwire_level *)(const void *)levels;
}

/* ---- what is shown ---- */

bool client_book_is_over(const client_book *book) {
    const receiver_book *receiver = &book->receiver;
    if (book->feed == NULL || receiver->wait == RECEIVER_WAIT_FIRST || !book->feed->vouch.heard) return false;
    if (receiver->header.partition != book->feed->partition)
        return false; /* it waits for the first of its new one */
    return strcmp(receiver->header.epoch, book->feed->vouch.epoch) != 0;
}

/* The worst of instrument, receiver, session and feed; where two are as bad, the feed's cause explains more. */
static void judge(client_book *book) {
    tw_state_cause cause;
    tw_book_state state = receiver_book_state(&book->receiver, &cause);
    if (client_book_is_over(book)) {
        state = TW_BOOK_STALE;
        cause = TW_CAUSE_END_OF_SESSION;
    }
    if (book->feed != NULL && book->feed->state >= state && book->feed->state != TW_BOOK_OK) {
        state = book->feed->state;
        cause = book->feed->cause;
    }
    book->shown_state = state;
    book->shown_cause = cause;
}

static void refresh_view(client_book *book, int64_t arrival_ns) {
    const receiver_book *receiver = &book->receiver;
    tickwire_book *view = &book->view;
    judge(book);
    view->header = client_header(&receiver->header, book->subject, book->channel, arrival_ns);
    view->header.exchange = book->exchange;
    view->header.symbol = book->symbol;
    view->state = (tickwire_state)book->shown_state;
    view->cause = tw_state_cause_name(book->shown_cause);
    view->depth = receiver->depth;
    view->bid_count = receiver->bid_count;
    view->ask_count = receiver->ask_count;
    view->bids = public_levels(receiver->bids);
    view->asks = public_levels(receiver->asks);
    view->checksum = receiver->checksum;
}

/* ---- whom it is told ---- */

static void rebuild_listeners(tickwire_client *client, client_book *book) {
    book->listener_count = 0;
    book->generation = client->generation;
    for (tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next) {
        if (s->dead || !s->keeps_books || !subject_matches(s->subject, book->subject)) continue;
        if (book->listener_count == book->listener_capacity) {
            uint32_t capacity = book->listener_capacity == 0 ? 1 : 2 * book->listener_capacity;
            tickwire_subscription **listeners = realloc(book->listeners, capacity * sizeof *listeners);
            if (listeners == NULL) {
                book->generation = client->generation - 1; /* tried again at the next message */
                return;
            }
            book->listeners = listeners;
            book->listener_capacity = capacity;
        }
        book->listeners[book->listener_count++] = s;
    }
}

/* A callback may subscribe, unsubscribe and look for books; nothing it can do frees a book or a subscription. */
static void tell(tickwire_client *client, client_book *book, const tickwire_change *change) {
    if (book->generation != client->generation) rebuild_listeners(client, book);
    client->callbacks++;
    for (uint32_t i = 0; i < book->listener_count; i++) {
        tickwire_subscription *s = book->listeners[i];
        if (s->dead || s->fresh || s->handlers.on_book == NULL) continue; /* fresh: told the whole book soon */
        s->handlers.on_book(s->context, &book->view, change);
    }
    client->callbacks--;
}

static void tell_state(tickwire_client *client, client_book *book) {
    tw_book_state state = book->shown_state;
    tw_state_cause cause = book->shown_cause;
    refresh_view(book, book->view.header.arrival_ns);
    if (book->shown_state == state && book->shown_cause == cause) return;
    tickwire_change change = {.kind = TICKWIRE_CHANGE_STATE};
    tell(client, book, &change);
}

/* ---- snapshots ---- */

static void wish(tickwire_client *client, const client_book *book, bool again) {
    resync_want(&client->resync, book->exchange, book->symbol, book->channel, again, rt_clock_monotonic_ns());
}

void client_sweep(tickwire_client *client) {
    int64_t now_ns = rt_clock_monotonic_ns();
    for (uint32_t i = 0; i < client->books.count; i++) {
        const client_book *book = client->books.books[i];
        if (!receiver_book_in_sync(&book->receiver) && now_ns >= book->not_before_ns) wish(client, book, false);
    }
}

/* At once the first time, then ever later: an instrument may have left the exchange for good, or its leader may read the
 * session anew and not know it yet. */
void client_book_unanswered(tickwire_client *client, client_book *book, int64_t now_ns) {
    uint32_t most = client_book_is_over(book) ? 5 : 1, doublings = book->unhealed < most ? book->unhealed : most;
    if (book->unhealed++ == 0)
        wish(client, book, true);
    else
        book->not_before_ns = now_ns + (REPEAT_NS << doublings);
}

static void doubt(tickwire_client *client, client_book *book) {
    receiver_book_doubt(&book->receiver);
    book->unhealed = 0;
    book->not_before_ns = 0;
    tell_state(client, book);
}

/* What a subscription covers and has a handler for. */
static bool wants(const tickwire_subscription *s, subject_channel channel) {
    if (!s->plan.channels[channel]) return false;
    switch (channel) {
    case SUBJECT_QUOTE:
        return s->handlers.on_quote != NULL;
    case SUBJECT_TRADE:
        return s->handlers.on_trades != NULL;
    case SUBJECT_STATUS:
        return s->handlers.on_status != NULL;
    case SUBJECT_IMBALANCE:
        return s->handlers.on_imbalance != NULL;
    default:
        return s->keeps_books && join_is_book_channel(channel);
    }
}

static void ask_exchange(tickwire_client *client, const tickwire_subscription *s, const char *exchange, bool books,
                         int64_t due_ns) {
    for (subject_channel channel = 0; channel < SUBJECT_CHANNELS; channel++) {
        if (!wants(s, channel) || (!books && join_is_book_channel(channel))) continue;
        if (s->plan.symbol[0] == '\0')
            resync_want_all(&client->resync, exchange, channel, due_ns);
        else
            resync_want(&client->resync, exchange, s->plan.symbol, channel, false, due_ns);
    }
}

static void ask_exchanges(tickwire_client *client, const tickwire_subscription *s, bool books) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (s->plan.exchange[0] != '\0') {
        ask_exchange(client, s, s->plan.exchange, books, now_ns);
        return;
    }
    for (size_t i = 0; i < client->feeds.count; i++) /* several partitions: the wish is one */
        ask_exchange(client, s, client->feeds.entries[i]->exchange, books, now_ns);
}

void client_join(tickwire_client *client, const tickwire_subscription *subscription) {
    ask_exchanges(client, subscription, true);
}

/* Books not in sync wish for themselves; other channels have no way to know what did not come until more comes. */
void client_doubt_all(tickwire_client *client) {
    for (uint32_t i = 0; i < client->books.count; i++)
        doubt(client, client->books.books[i]);
    client_sweep(client);
    for (const tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next)
        if (!s->dead) ask_exchanges(client, s, false);
}

/* ---- feeds ---- */

feed_entry *client_feed_of(tickwire_client *client, const char *exchange, uint32_t partition) {
    bool is_new;
    bool known = feed_watch_knows(&client->feeds, exchange);
    feed_entry *entry = feed_watch_entry(&client->feeds, exchange, partition, rt_clock_monotonic_ns(), &is_new);
    if (entry != NULL && is_new && !known)
        for (const tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next)
            if (!s->dead && s->plan.exchange[0] == '\0')
                ask_exchange(client, s, exchange, true, rt_clock_monotonic_ns());
    return entry;
}

static bool covers(const tickwire_subscription *s, const char *exchange) {
    return !s->dead && (s->plan.exchange[0] == '\0' || strcmp(s->plan.exchange, exchange) == 0);
}

/* The exchange of a chain that its feed's leader does not stand by. False: it does. */
static bool is_unconfirmed(tickwire_client *client, const chain_entry *entry, char mic[TW_MIC_BYTES]) {
    subject_parts parts;
    if (!entry->chain.heard || subject_parse(entry->subject, &parts) != SUBJECT_KIND_INSTRUMENT) return false;
    if (parts.channel == SUBJECT_ORDER) return false; /* has no snapshots */
    tw_text_copy(mic, TW_MIC_BYTES, parts.mic);
    const feed_entry *feed = client_feed_of(client, mic, entry->chain.partition);
    return feed != NULL && !feed_vouch_covers(&feed->vouch, entry->chain.epoch, entry->chain.term);
}

/* One for all: whoever asks for one exchange's channel gets all of it. */
static bool confirm(tickwire_client *client, const tickwire_subscription *s, int64_t now_ns) {
    char mic[TW_MIC_BYTES], asked[TW_MIC_BYTES] = "";
    for (uint32_t i = 0; i < s->chains.count; i++) {
        if (!is_unconfirmed(client, &s->chains.entries[i], mic) || strcmp(mic, asked) == 0) continue;
        tw_text_copy(asked, sizeof asked, mic);
        ask_exchange(client, s, mic, false, now_ns);
    }
    return asked[0] != '\0';
}

void client_confirm(tickwire_client *client, int64_t now_ns) {
    bool any = false;
    for (const tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next)
        if (!s->dead) any |= confirm(client, s, now_ns);
    uint32_t doublings = client->confirm_tries < CONFIRM_DOUBLINGS ? client->confirm_tries++ : CONFIRM_DOUBLINGS;
    client->confirm_ns = any ? now_ns + (REPEAT_NS << doublings) : 0;
}

/* Its leader goes on from nobody, or another session has begun. All receivers notice at the same moment. */
static void doubt_feed(tickwire_client *client, feed_entry *entry, bool is_first, int64_t now_ns) {
    bool any = false;
    for (uint32_t i = 0; i < client->books.count; i++) {
        client_book *book = client->books.books[i];
        const wire_header *header = &book->receiver.header;
        if (book->feed != entry || header->partition != entry->partition) continue;
        if (feed_vouch_covers(&entry->vouch, header->epoch, header->term)) {
            tell_state(client, book);
        } else {
            doubt(client, book);
            any = true;
        }
    }
    if (is_first && !any) return; /* what was just asked for is its word */
    int64_t due_ns = now_ns + resync_spread(&client->resync);
    for (const tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next)
        if (covers(s, entry->exchange)) ask_exchange(client, s, entry->exchange, any, due_ns);
    client->confirm_tries = 0;
    client->confirm_ns = due_ns + REPEAT_NS;
}

bool client_take_feed_status(tickwire_client *client, const wire_feed_status *status) {
    int64_t now_ns = rt_clock_monotonic_ns();
    feed_entry *entry = client_feed_of(client, status->exchange, status->partition);
    if (entry == NULL) return true;
    bool is_first = !entry->heard;
    bool was_silent = !entry->heard || entry->cause == TW_CAUSE_FEED_SILENT || entry->cause == TW_CAUSE_BUS_AWAY;
    if (!feed_watch_hear(&client->feeds, entry, status, now_ns)) {
        client->stats.old_terms++;
        return false;
    }
    if (feed_watch_take_break(entry)) doubt_feed(client, entry, is_first, now_ns);
    if (feed_watch_take_return(entry)) resync_release(&client->resync, now_ns);
    if (was_silent) resync_hurry(&client->resync, entry->exchange, now_ns);
    if (entry->changed) client_tell_feed_changes(client);
    return true;
}

void client_tell_feed_changes(tickwire_client *client) {
    bool any = false;
    for (uint32_t i = 0; i < client->feeds.count; i++)
        any |= client->feeds.entries[i]->changed;
    if (!any) return;
    for (uint32_t i = 0; i < client->books.count; i++) {
        client_book *book = client->books.books[i];
        if (book->feed != NULL && book->feed->changed) tell_state(client, book);
    }
    for (uint32_t i = 0; i < client->feeds.count; i++)
        feed_watch_take_changed(client->feeds.entries[i]);
}

/* ---- updates ---- */

static client_book *find_or_add(tickwire_client *client, tickwire_subscription *from, subject_channel channel,
                                const wire_header *header) {
    client_book *book = book_store_find(&client->books, header->exchange, header->symbol, channel);
    if (book != NULL) return book;
    book = book_store_add(&client->books, header->exchange, header->symbol, channel);
    if (book == NULL) {
        char subject[SUBJECT_BYTES] = "";
        subject_instrument(subject, sizeof subject, header->exchange, header->symbol, channel);
        client_fault(client, from, subject, TICKWIRE_FAULT_FULL, "more books than max_instruments: not kept");
        return NULL;
    }
    rebuild_listeners(client, book);
    if (book->listener_count == 0) { /* a late reply for what nobody covers any more */
        book_store_remove(&client->books, book, &client->hold);
        return NULL;
    }
    return book;
}

/* Counts and tells a fault once, when it begins. */
static void note_fault(tickwire_client *client, tickwire_subscription *from, const client_book *book,
                       receiver_outcome outcome, bool was_in_sync) {
    if (outcome == RECEIVER_CHECKSUM_FAULT) {
        client->stats.checksum_faults++;
        client_fault(client, from, book->subject, TICKWIRE_FAULT_CHECKSUM,
                     "the book does not match its checksum: a snapshot is asked for");
    } else if (outcome == RECEIVER_NEED_SNAPSHOT && was_in_sync) {
        client->stats.chain_faults++;
        client_fault(client, from, book->subject, TICKWIRE_FAULT_CHAIN,
                     "an update is missing: a snapshot is asked for");
    } else if (outcome == RECEIVER_DROPPED_OLD_TERM) {
        client->stats.old_terms++;
        client_fault(client, from, book->subject, TICKWIRE_FAULT_OLD_TERM,
                     "an update of a deposed leader, or with a term that nobody can have yet, was dropped");
    } else if (outcome == RECEIVER_REFUSED) {
        client->stats.malformed++;
        client_fault(client, from, book->subject, TICKWIRE_FAULT_MALFORMED,
                     "an update whose depth, counts or sequence make no sense");
    }
}

static void tell_update(tickwire_client *client, client_book *book, receiver_outcome outcome,
                        const book_arrival *arrival) {
    const wire_book_update *update = arrival->update;
    tickwire_change change = {.kind = TICKWIRE_CHANGE_SNAPSHOT, .merged = update->merged};
    if (outcome == RECEIVER_STATE_ONLY && book->receiver.replayed == 0) {
        change.kind = TICKWIRE_CHANGE_STATE;
    } else if (outcome == RECEIVER_APPLIED && book->receiver.replayed == 0 && update->header.prev_seq != 0) {
        change.kind = TICKWIRE_CHANGE_DELTA;
        change.bid_count = update->bid_count;
        change.ask_count = update->ask_count;
        change.bids = public_levels(update->bids);
        change.asks = public_levels(update->asks);
        change.bytes = arrival->bytes;
        change.length = arrival->length;
    }
    tell(client, book, &change);
}

void client_take_book(tickwire_client *client, subject_channel channel, const book_arrival *arrival) {
    client_book *book = find_or_add(client, arrival->from, channel, &arrival->update->header);
    if (book != NULL) client_take_known_book(client, book, arrival);
}

/* The symbol is another partition's from now on. Terms of two partitions say nothing of each other: where the new one's is not
 * higher, it is believed if the old one does not stand by the book any more. Then nothing of the old chain counts. */
static bool move_to(tickwire_client *client, client_book *book, feed_entry *feed, const wire_header *header) {
    const receiver_book *receiver = &book->receiver;
    if (book->feed != NULL && header->term < receiver->newest_term) {
        if (feed_watch_stands_by(book->feed, receiver->header.epoch, receiver->header.term)) return false;
        receiver_book_fini(&book->receiver, &client->hold);
        receiver_book_init(&book->receiver);
    }
    book->feed = feed;
    return true;
}

static bool is_believed(tickwire_client *client, client_book *book, const wire_header *header) {
    feed_entry *feed = book->feed;
    if (feed == NULL || feed->partition != header->partition)
        feed = client_feed_of(client, header->exchange, header->partition);
    if (feed != NULL && !feed_watch_accept(&client->feeds, feed, header->term)) return false;
    return feed == book->feed || move_to(client, book, feed, header);
}

void client_take_known_book(tickwire_client *client, client_book *book, const book_arrival *arrival) {
    const wire_book_update *update = arrival->update;
    receiver_wait before = book->receiver.wait;
    receiver_outcome outcome = RECEIVER_DROPPED_OLD_TERM;
    if (is_believed(client, book, &update->header))
        outcome = receiver_book_take(&book->receiver, &client->hold, update);
    note_fault(client, arrival->from, book, outcome, before == RECEIVER_WAIT_NOT);
    if (update->header.snapshot) book->unhealed = 0;
    switch (outcome) {
    case RECEIVER_APPLIED_SNAPSHOT:
        client->stats.snapshots_applied++;
        client->stats.resyncs += before == RECEIVER_WAIT_CHAIN || before == RECEIVER_WAIT_CHECKSUM;
        break;
    case RECEIVER_DUPLICATE:
        client->stats.duplicates++;
        return;
    case RECEIVER_NEED_SNAPSHOT:
    case RECEIVER_CHECKSUM_FAULT:
        wish(client, book, before != RECEIVER_WAIT_NOT && update->header.snapshot);
        tell_state(client, book);
        return;
    case RECEIVER_HELD:
    case RECEIVER_IGNORED_SNAPSHOT:
    case RECEIVER_DROPPED_OLD_TERM:
    case RECEIVER_REFUSED:
        return;
    case RECEIVER_APPLIED:
    case RECEIVER_STATE_ONLY:
        break;
    }
    client->stats.updates++;
    if (before != RECEIVER_WAIT_NOT && !update->header.snapshot)
        resync_forget(&client->resync, book->exchange, book->symbol, book->channel);
    refresh_view(book, arrival->arrival_ns);
    tell_update(client, book, outcome, arrival);
}

/* ---- subscriptions that came and went ---- */

void client_tell_fresh(tickwire_client *client) {
    for (tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next) {
        if (!s->fresh) continue;
        s->fresh = false;
        if (s->dead || s->handlers.on_book == NULL) continue;
        client->callbacks++;
        for (uint32_t i = 0; i < client->books.count && !s->dead; i++) {
            client_book *book = client->books.books[i];
            if (!book->receiver.has_base || !subject_matches(s->subject, book->subject)) continue;
            tickwire_change change = {.kind = TICKWIRE_CHANGE_SNAPSHOT};
            s->handlers.on_book(s->context, &book->view, &change);
        }
        client->callbacks--;
    }
}

void client_drop_uncovered(tickwire_client *client) {
    for (uint32_t i = client->books.count; i-- > 0;) {
        client_book *book = client->books.books[i];
        rebuild_listeners(client, book);
        if (book->listener_count == 0 && book->generation == client->generation)
            book_store_remove(&client->books, book, &client->hold);
    }
}
