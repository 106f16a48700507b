/* The public face: opens the loop and the bus, keeps the list of subscriptions, runs the clockwork. */
#include "client/tickwire.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "client/internal.h"
#include "runtime/bus_refusals.h"
#include "runtime/clock.h"

#define DEFAULT_URL             "nats://127.0.0.1:4222"
#define DEFAULT_MAX_INSTRUMENTS 65536u
#define NS_PER_MS               INT64_C(1000000)
#define TICK_MS                 25u
#define SWEEP_NS                (1000 * NS_PER_MS)
#define ARENA_BYTES             (4u << 20)  /* a 64 KiB reply of the smallest books, decoded */
#define HOLD_BYTES              (16u << 20) /* about 50,000 small deltas during a late join */
#define CHAINS_PER_INSTRUMENT   5u          /* quote, trade, status, imbalance, order */
#define MOST_INSTRUMENTS        (1u << 25)

/* ---- events of the loop ---- */

static void on_tick(uv_timer_t *timer);

static void free_dead(tickwire_client *client) {
    if (!client->have_dead || client->callbacks > 0) return;
    client->have_dead = false;
    client_drop_uncovered(client);
    tickwire_subscription **link = &client->subscriptions;
    while (*link != NULL) {
        tickwire_subscription *s = *link;
        if (!s->dead) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        chain_store_fini(&s->chains);
        free(s->subject);
        free(s);
    }
}

static void on_tick(uv_timer_t *timer) {
    tickwire_client *client = timer->data;
    int64_t now_ns = rt_clock_monotonic_ns();
    client->feeds.most_term = tw_term_most_believed(rt_clock_utc_ns());
    feed_watch_check(&client->feeds, now_ns);
    client_tell_feed_changes(client);
    client_tell_fresh(client);
    if (now_ns >= client->next_sweep_ns) {
        client->next_sweep_ns = now_ns + SWEEP_NS;
        client_sweep(client);
    }
    if (client->confirm_ns != 0 && now_ns >= client->confirm_ns) client_confirm(client, now_ns);
    if (bus_connected(client->bus)) resync_tick(&client->resync, now_ns);
    bus_flush(client->bus);
    free_dead(client);
}

static void on_deadline(uv_timer_t *timer) {
    tickwire_client *client = timer->data;
    client->deadline_passed = true;
    uv_stop(&client->loop);
}

static void on_wake(uv_async_t *wake) {
    tickwire_client *client = wake->data;
    if (client->stop_wanted) uv_stop(&client->loop);
}

/* To the subscription that it is of; what answers belong to is everybody's. */
static void tell_refused(tickwire_client *client, const char *words) {
    bus_refusal refusal;
    const tickwire_subscription *of = NULL;
    if (bus_refusal_read(words, &refusal) && !refusal.publish)
        for (const tickwire_subscription *s = client->subscriptions; s != NULL && of == NULL; s = s->next)
            if (!s->dead && strcmp(s->subject, refusal.subject) == 0) of = s;
    client_fault(client, of, refusal.subject, TICKWIRE_FAULT_REFUSED, words);
}

static void on_bus_event(void *context, bus_event event, const char *detail) {
    tickwire_client *client = context;
    int64_t now_ns = rt_clock_monotonic_ns();
    char words[TICKWIRE_ERROR_BYTES];
    switch (event) {
    case BUS_CONNECTED:
        break;
    case BUS_STILL_AWAY:
        tw_text_format(words, sizeof words, "the server is still away: %s", detail);
        client_fault(client, NULL, "", TICKWIRE_FAULT_AWAY, words);
        break;
    case BUS_DISCONNECTED:
        feed_watch_bus(&client->feeds, true, now_ns);
        client_tell_feed_changes(client);
        break;
    case BUS_RECONNECTED: /* what was published meanwhile never comes */
        feed_watch_bus(&client->feeds, false, now_ns);
        client->stats.reconnects++;
        resync_restart(&client->resync, now_ns);
        client_doubt_all(client);
        client_tell_feed_changes(client);
        break;
    case BUS_NOT_PERMITTED:
        tell_refused(client, detail);
        break;
    }
}

static bool send_request(void *context, const resync_key *key, uint64_t id) {
    tickwire_client *client = context;
    char subject[SUBJECT_BYTES], reply[SUBJECT_BYTES];
    bool fits = key->symbol[0] == '\0'
                    ? subject_snapshots(subject, sizeof subject, key->exchange, key->channel)
                    : subject_snapshot(subject, sizeof subject, key->exchange, key->symbol, key->channel);
    if (!fits || !tw_text_format(reply, sizeof reply, "%s.%llu", client->inbox, (unsigned long long)id))
        return false;
    if (bus_publish_request(client->bus, subject, reply, NULL, 0) != TW_OK) return false;
    client->stats.snapshots_requested++;
    return true;
}

/* ---- open and close ---- */

static tickwire_status report(const tw_error *error, char *text) {
    if (text != NULL) tw_text_copy(text, TICKWIRE_ERROR_BYTES, error->text);
    switch (error->code) {
    case TW_OK:
        return TICKWIRE_OK;
    case TW_NO_MEMORY:
        return TICKWIRE_NO_MEMORY;
    case TW_INVALID:
    case TW_NOT_FOUND:
        return TICKWIRE_INVALID;
    default:
        return TICKWIRE_AWAY;
    }
}

static void count_closed(uv_handle_t *handle) {
    ((tickwire_client *)handle->data)->open_handles--;
}

static void close_handles(tickwire_client *client) {
    uv_handle_t *handles[] = {(uv_handle_t *)&client->tick, (uv_handle_t *)&client->deadline,
                              (uv_handle_t *)&client->wake};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        uv_close(handles[i], count_closed);
    while (client->open_handles > 0)
        uv_run(&client->loop, UV_RUN_ONCE);
}

static bool open_loop(tickwire_client *client) {
    if (uv_loop_init(&client->loop) != 0) return false;
    if (uv_async_init(&client->loop, &client->wake, on_wake) != 0) {
        uv_loop_close(&client->loop);
        return false;
    }
    uv_timer_init(&client->loop, &client->tick);
    uv_timer_init(&client->loop, &client->deadline);
    client->tick.data = client->deadline.data = client->wake.data = client;
    client->open_handles = 3;
    uv_timer_start(&client->tick, on_tick, TICK_MS, TICK_MS);
    return true;
}

static bool take_memory(tickwire_client *client, const tickwire_options *options) {
    uint32_t books = options->max_instruments > 0 ? options->max_instruments : DEFAULT_MAX_INSTRUMENTS;
    return wire_arena_init(&client->arena, ARENA_BYTES) && receiver_hold_init(&client->hold, HOLD_BYTES) &&
           book_store_init(&client->books, books);
}

static bool give_up(void *context) {
    const tickwire_client *client = context;
    return client->give_up != NULL && client->give_up(client->give_up_context);
}

static tw_code open_bus(tickwire_client *client, const tickwire_options *options, tw_error *error) {
    bus_options settings = {
        .url = options->url != NULL ? options->url : DEFAULT_URL,
        .name = options->name != NULL ? options->name : "libtickwire",
        .credentials = options->credentials,
        .refusals = true,
        .connect_ns = options->connect_ns,
        .on_event = on_bus_event,
        .give_up = give_up,
        .event_context = client,
    };
    client->give_up = options->give_up;
    client->give_up_context = options->give_up_context;
    if (bus_open(&client->bus, &client->loop, &settings, error) != TW_OK) return error->code;
    if (bus_new_inbox(client->bus, client->inbox, sizeof client->inbox, error) != TW_OK) return error->code;
    char subject[sizeof client->inbox + 2];
    tw_text_format(subject, sizeof subject, "%s.*", client->inbox);
    return bus_subscribe(client->bus, subject, client_on_reply, client, &client->replies, error);
}

static tw_code check_options(const tickwire_options *options, tw_error *error) {
    if (options->feed_silence_ns < 0) return tw_error_set(error, TW_INVALID, "feed_silence_ns is below 0");
    if (options->snapshot_timeout_ns < 0) return tw_error_set(error, TW_INVALID, "snapshot_timeout_ns is below 0");
    return TW_OK;
}

tickwire_status tickwire_open(tickwire_client **client_out, const tickwire_options *options, char *error_text) {
    static const tickwire_options defaults;
    tw_error error = {0};
    *client_out = NULL;
    if (options == NULL) options = &defaults;
    if (check_options(options, &error) != TW_OK) return report(&error, error_text);
    tickwire_client *client = calloc(1, sizeof *client);
    if (client == NULL || !open_loop(client)) {
        free(client);
        tw_error_set(&error, TW_NO_MEMORY, "no memory for a client");
        return report(&error, error_text);
    }
    int64_t second_ns = 1000 * NS_PER_MS;
    feed_watch_init(&client->feeds, options->feed_silence_ns > 0 ? options->feed_silence_ns : second_ns);
    client->feeds.most_term = tw_term_most_believed(rt_clock_utc_ns());
    resync_init(&client->resync, options->snapshot_timeout_ns > 0 ? options->snapshot_timeout_ns : second_ns,
                (uint64_t)rt_clock_utc_ns() ^ (uint64_t)(uintptr_t)client, send_request, client);
    if (!take_memory(client, options))
        tw_error_set(&error, TW_NO_MEMORY, "no memory for a client");
    else
        open_bus(client, options, &error);
    if (error.code != TW_OK) {
        tickwire_status status = report(&error, error_text);
        tickwire_close(client);
        return status;
    }
    *client_out = client;
    return TICKWIRE_OK;
}

void tickwire_close(tickwire_client *client) {
    if (client == NULL) return;
    for (tickwire_subscription *s = client->subscriptions; s != NULL; s = s->next)
        if (!s->dead) tickwire_unsubscribe(s);
    free_dead(client);
    bus_unsubscribe(client->replies);
    bus_close(client->bus);
    close_handles(client);
    uv_loop_close(&client->loop);
    book_store_fini(&client->books, &client->hold);
    feed_watch_fini(&client->feeds);
    receiver_hold_fini(&client->hold);
    wire_arena_fini(&client->arena);
    free(client);
}

/* ---- subscriptions ---- */

static bool only_raw(const tickwire_handlers *handlers) {
    tickwire_handlers others = *handlers;
    static const tickwire_handlers none;
    others.on_raw = NULL;
    return handlers->on_raw != NULL && memcmp(&others, &none, sizeof none) == 0;
}

/* Order books, quotes and instrument status are shown no better than their feed, so its status is followed. */
static bool wants_feed(const char *subject, char *feed_subject, size_t capacity) {
    size_t first = strcspn(subject, ".");
    bool wildcard = subject[0] == '*' || subject[0] == '>';
    if (!wildcard && first != TW_MIC_BYTES - 1) return false;
    if (!wildcard && (subject[0] < 'A' || subject[0] > 'Z') && (subject[0] < '0' || subject[0] > '9')) return false;
    return tw_text_format(feed_subject, capacity, "feed.%.*s.*.status", wildcard ? 1 : (int)first,
                          wildcard ? "*" : subject);
}

static tw_code attach(tickwire_subscription *s, tw_error *error) {
    tickwire_client *client = s->client;
    char feed_subject[64];
    if (bus_subscribe(client->bus, s->subject, client_on_message, s, &s->bus_subscription, error) != TW_OK)
        return error->code;
    if (only_raw(&s->handlers) || !wants_feed(s->subject, feed_subject, sizeof feed_subject)) return TW_OK;
    return bus_subscribe(client->bus, feed_subject, client_on_feed_message, s, &s->feed_subscription, error);
}

static uint32_t most_chains(const tickwire_client *client) {
    uint32_t instruments = client->books.max_books;
    return instruments < MOST_INSTRUMENTS ? instruments * CHAINS_PER_INSTRUMENT
                                          : MOST_INSTRUMENTS * CHAINS_PER_INSTRUMENT;
}

static tickwire_subscription *alloc_subscription(tickwire_client *client, const char *subject,
                                                 const tickwire_handlers *handlers, void *context) {
    tickwire_subscription *s = calloc(1, sizeof *s);
    if (s == NULL) return NULL;
    *s = (tickwire_subscription){
        .client = client, .handlers = *handlers, .context = context, .subject = strdup(subject)};
    if (s->subject == NULL) {
        free(s);
        return NULL;
    }
    s->keeps_books = join_plan_make(&s->plan, subject) && !only_raw(handlers);
    s->fresh = s->keeps_books && client->books.count > 0;
    chain_store_init(&s->chains, most_chains(client));
    return s;
}

tickwire_status tickwire_subscribe(tickwire_client *client, const char *subject, const tickwire_handlers *handlers,
                                   void *context, tickwire_subscription **subscription, char *error_text) {
    tw_error error = {0};
    const char *why;
    if (subscription != NULL) *subscription = NULL;
    if (subject == NULL || handlers == NULL) {
        tw_error_set(&error, TW_INVALID, "a subscription needs a subject and handlers");
        return report(&error, error_text);
    }
    if (!join_subject_valid(subject, &why)) {
        tw_error_set(&error, TW_INVALID, "subject \"%s\": %s", subject, why);
        return report(&error, error_text);
    }
    tickwire_subscription *s = alloc_subscription(client, subject, handlers, context);
    if (s == NULL) {
        tw_error_set(&error, TW_NO_MEMORY, "no memory for a subscription");
        return report(&error, error_text);
    }
    s->next = client->subscriptions;
    client->subscriptions = s;
    client->generation++;
    if (attach(s, &error) != TW_OK) {
        tw_error_wrap(&error, "subscribing to \"%s\"", subject);
        tickwire_unsubscribe(s);
        return report(&error, error_text);
    }
    client_join(client, s);
    if (subscription != NULL) *subscription = s;
    return TICKWIRE_OK;
}

void tickwire_unsubscribe(tickwire_subscription *s) {
    if (s == NULL || s->dead) return;
    bus_unsubscribe(s->bus_subscription);
    bus_unsubscribe(s->feed_subscription);
    s->dead = true;
    s->client->have_dead = true;
    s->client->generation++;
}

/* ---- running ---- */

tickwire_status tickwire_run(tickwire_client *client, int64_t timeout_ns) {
    client->deadline_passed = false;
    if (timeout_ns >= 0) {
        uv_update_time(&client->loop);
        uv_timer_start(&client->deadline, on_deadline, (uint64_t)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
    }
    bus_flush(client->bus);
    while (!client->deadline_passed && !client->stop_wanted)
        uv_run(&client->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&client->deadline);
    bool stopped = client->stop_wanted;
    client->stop_wanted = 0;
    return stopped ? TICKWIRE_STOPPED : TICKWIRE_TIMED_OUT;
}

void tickwire_stop(tickwire_client *client) {
    client->stop_wanted = 1;
    uv_async_send(&client->wake); /* may be called in a signal handler */
}

int tickwire_fd(const tickwire_client *client) {
    return uv_backend_fd(&client->loop);
}

void tickwire_poll(tickwire_client *client) {
    uv_run(&client->loop, UV_RUN_NOWAIT);
}

/* ---- looking ---- */

bool tickwire_connected(const tickwire_client *client) {
    return bus_connected(client->bus);
}

const tickwire_book *tickwire_find_book(tickwire_client *client, const char *exchange, const char *symbol,
                                        const char *channel_name) {
    subject_channel channel;
    if (!subject_channel_parse(channel_name, &channel)) return NULL;
    const client_book *book = book_store_find(&client->books, exchange, symbol, channel);
    return book != NULL ? &book->view : NULL;
}

void tickwire_book_set_user(tickwire_client *client, const tickwire_book *view, void *user) {
    (void)client;
    client_book *book = (client_book *)(void *)((char *)(uintptr_t)view - offsetof(client_book, view));
    book->view.user = user;
}

tickwire_stats tickwire_read_stats(const tickwire_client *client) {
    tickwire_stats stats = client->stats;
    stats.books = client->books.count;
    for (uint32_t i = 0; i < client->books.count; i++) {
        const client_book *book = client->books.books[i];
        stats.books_not_synced += !receiver_book_in_sync(&book->receiver) && !client_book_is_over(book);
        stats.books_silent += book->feed != NULL && feed_watch_fell_silent(book->feed);
        stats.books_not_ok += book->shown_state == TW_BOOK_RECOVERING || book->shown_state == TW_BOOK_STALE;
    }
    for (size_t i = 0; i < client->feeds.count; i++)
        stats.takeovers += client->feeds.entries[i]->takeovers;
    return stats;
}

size_t tickwire_format_decimal(char *text, size_t capacity, int64_t value, int32_t exponent) {
    return tw_decimal_format(text, capacity, value, exponent);
}

const char *tickwire_version(void) {
    return TICKWIRE_VERSION;
}
