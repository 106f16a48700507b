/* What the files of the client library share. Not installed; callers see tickwire.h only. */
#ifndef TICKWIRE_CLIENT_INTERNAL_H
#define TICKWIRE_CLIENT_INTERNAL_H

#include <signal.h>
#include <uv.h>

#include "client/book_store.h"
#include "client/chain_store.h"
#include "client/feed_watch.h"
#include "client/join.h"
#include "client/receiver.h"
#include "client/resync.h"
#include "client/tickwire.h"
#include "proto/codec.h"
#include "runtime/bus.h"

struct tickwire_subscription {
    tickwire_client *client;
    char *subject;
    tickwire_handlers handlers;
    void *context;
    bus_subscription *bus_subscription;
    bus_subscription *feed_subscription; /* the exchange's feed status; NULL where not wanted */
    join_plan plan;
    chain_store chains; /* of channels without books */
    bool chains_full;   /* told once */
    bool keeps_books;
    bool fresh; /* books that are already kept have not been told to it */
    bool dead;  /* unsubscribed; freed when no callback runs */
    tickwire_subscription *next;
};

struct tickwire_client {
    uv_loop_t loop;
    uv_timer_t tick;
    uv_timer_t deadline;
    uv_async_t wake;
    uint32_t open_handles;
    volatile sig_atomic_t stop_wanted;
    bool deadline_passed;
    uint32_t callbacks; /* depth of calls into the caller's code */

    bool (*give_up)(void *context); /* the options' */
    void *give_up_context;
    bus *bus;
    bus_subscription *replies;
    char inbox[128]; /* replies come to inbox.<id> */
    int64_t feed_silence_ns;

    wire_arena arena;
    receiver_hold hold;
    book_store books;
    feed_watch feeds;
    resync_queue resync;
    int64_t next_sweep_ns;
    int64_t
        confirm_ns; /* when what no leader has confirmed is asked for again, on channels without books; 0: nothing is */
    uint32_t confirm_tries;

    tickwire_subscription *subscriptions;
    uint64_t generation; /* rises with every change of the subscriptions */
    bool have_dead;
    tickwire_stats stats;
    tickwire_print prints[WIRE_MAX_PRINTS];
};

/* ---- books.c: books, their listeners and their snapshots ---- */

/* A book update on its way in. */
typedef struct book_arrival {
    tickwire_subscription *from; /* whose message it is, for faults; NULL for a reply */
    const wire_book_update *update;
    const uint8_t *bytes; /* as it came; NULL for a part of a reply */
    size_t length;
    int64_t arrival_ns;
} book_arrival;

/* A delta or snapshot of a book that is kept. */
void client_take_known_book(tickwire_client *client, client_book *book, const book_arrival *arrival);
/* Of any book of `channel`. */
void client_take_book(tickwire_client *client, subject_channel channel, const book_arrival *arrival);
/* False: of a deposed leader, or of nobody. */
bool client_take_feed_status(tickwire_client *client, const wire_feed_status *status);
/* The feed entry of a message; asks wildcard subscriptions' snapshots when an exchange is new. NULL: too many. */
feed_entry *client_feed_of(tickwire_client *client, const char *exchange, uint32_t partition);
/* Asks for what a new subscription covers. */
void client_join(tickwire_client *client, const tickwire_subscription *subscription);
void client_tell_fresh(tickwire_client *client);        /* current books to new subscriptions */
void client_tell_feed_changes(tickwire_client *client); /* books whose feed's state changed */
/* Messages may have been lost without a trace: asks for all books that no delta proves right, and for all other channels. */
void client_doubt_all(tickwire_client *client);
void client_sweep(tickwire_client *client); /* wishes for every book not in sync */
/* Asks again for quotes, trades, statuses and imbalances that a feed's leader does not stand by, ever more rarely. */
void client_confirm(tickwire_client *client, int64_t now_ns);
/* A reply that covered the book came to its end, and the book is not in sync. */
void client_book_unanswered(tickwire_client *client, client_book *book, int64_t now_ns);
/* What is kept is of another session than its feed's. */
bool client_book_is_over(const client_book *book);
void client_drop_uncovered(tickwire_client *client);

/* ---- messages.c: payloads into callbacks ---- */

void client_on_message(void *subscription, const bus_message *message);
void client_on_feed_message(void *subscription, const bus_message *message);
void client_on_reply(void *client, const bus_message *message);
void client_fault(tickwire_client *client, const tickwire_subscription *subscription, const char *subject, int kind,
                  const char *text);
tickwire_header client_header(const wire_header *header, const char *subject, subject_channel channel,
                              int64_t arrival_ns);

#endif
