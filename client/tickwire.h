/*
 * libtickwire: subscribe to Tickwire market data from C.
 *
 * The library connects to NATS, decodes payloads into plain structs, keeps books, joins late and resynchronises
 * by snapshot, and never shows a stale book as a live one. Everything happens on the thread that calls
 * tickwire_run, or, in an event loop of your own, tickwire_poll when tickwire_fd is readable. No other thread of the
 * library touches a message. A client is not thread safe. Where the process has no handler for SIGURG the library sets one that does
 * nothing: that is how a connection to a frozen server is given up.
 *
 *   static void on_book(void *context, const tickwire_book *book, const tickwire_change *change) { … }
 *
 *   tickwire_client *client;
 *   char error[TICKWIRE_ERROR_BYTES];
 *   if (tickwire_open(&client, &(tickwire_options){.url = "nats://127.0.0.1:4222"}, error) != TICKWIRE_OK) …
 *   tickwire_handlers handlers = {.on_book = on_book};
 *   tickwire_subscribe(client, "XNAS.*.orderbook", &handlers, NULL, error);
 *   tickwire_run(client, TICKWIRE_FOREVER);
 *   tickwire_close(client);
 *
 * Prices are integers scaled by 10^price_exponent, quantities by 10^quantity_exponent; an absent price is
 * TICKWIRE_PRICE_ABSENT, never 0. Times are nanoseconds since 1970 UTC; 0 where there is none. Structs handed to a
 * callback are borrowed until it returns. New fields are only ever added at the end of structs.
 */
#ifndef TICKWIRE_H
#define TICKWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TICKWIRE_API __attribute__((visibility("default")))
#else
#define TICKWIRE_API
#endif

#define TICKWIRE_ERROR_BYTES  1024
#define TICKWIRE_FOREVER      INT64_C(-1)
#define TICKWIRE_PRICE_ABSENT INT64_MIN
#define TICKWIRE_MAX_DEPTH    64

typedef struct tickwire_client tickwire_client;
typedef struct tickwire_subscription tickwire_subscription;

typedef enum tickwire_status {
    TICKWIRE_OK = 0,
    TICKWIRE_INVALID, /* an argument makes no sense; the text names it */
    TICKWIRE_AWAY,    /* the server can't be reached */
    TICKWIRE_NO_MEMORY,
    TICKWIRE_STOPPED, /* tickwire_stop was called */
    TICKWIRE_TIMED_OUT
} tickwire_status;

typedef struct tickwire_options {
    const char *url;                /* NULL: nats://127.0.0.1:4222; several separated by commas */
    const char *name;               /* shown in the server's connection list; NULL: "libtickwire" */
    const char *credentials;        /* a .creds file; NULL for none */
    int64_t connect_ns;             /* at start: how long it is tried, once a second; 0 for one try, -1 for ever */
    uint32_t max_instruments;       /* books kept at most, over all channels; 0: 65536 */
    int64_t feed_silence_ns;        /* no feed status for this long: books are STALE; 0: 1 s */
    int64_t snapshot_timeout_ns;    /* an unanswered snapshot request is repeated after this; 0: 1 s */
    bool (*give_up)(void *context); /* may be NULL: asked while tickwire_open waits; true ends it: TICKWIRE_AWAY */
    void *give_up_context;
} tickwire_options;

/* Same numbers as in the .proto files. A book is as bad as the worst of: its instrument, this receiver (RECOVERING, CHAIN_BROKEN or
 * CHECKSUM: a snapshot is awaited; also after its feed's publisher was restarted), its session (STALE, END_OF_SESSION: the feed is in a later
 * one, and nothing of this instrument has come of it) and its feed. */
typedef enum tickwire_state {
    TICKWIRE_BOOK_OK = 0,
    TICKWIRE_BOOK_CLOSED = 1,
    TICKWIRE_BOOK_RECOVERING = 2,
    TICKWIRE_BOOK_STALE = 3
} tickwire_state;

typedef struct tickwire_level {
    int64_t price;
    uint64_t quantity;
    uint32_t orders;
} tickwire_level;

/* Who and when: part of every message. */
typedef struct tickwire_header {
    const char *subject; /* as received */
    const char *exchange;
    const char *symbol;
    const char *channel; /* "orderbook", "orderbook.100ms", "trade", … */
    const char *epoch;
    uint32_t partition;
    uint64_t term;
    uint64_t prev_seq;
    uint64_t seq;
    bool snapshot;
    int32_t price_exponent;
    int32_t quantity_exponent;
    int64_t event_ns;   /* exchange */
    int64_t receive_ns; /* packet at the ingest */
    int64_t publish_ns; /* ingest to bus */
    int64_t arrival_ns; /* here, realtime clock: the same for all that one read from the socket brought */
} tickwire_header;

/* A book as it now is. `state` is the worst of the instrument's, its feed's and this receiver's own; `cause` is
 * its cause ("NONE", "GAP_NOT_FILLED", "FEED_SILENT", "CHAIN_BROKEN", …). Levels are best first. */
typedef struct tickwire_book {
    tickwire_header header; /* of the last message folded in */
    tickwire_state state;
    const char *cause;
    uint32_t depth;
    uint32_t bid_count;
    uint32_t ask_count;
    const tickwire_level *bids;
    const tickwire_level *asks;
    uint32_t checksum;
    void *user; /* yours: see tickwire_book_set_user */
} tickwire_book;

/* What changed a book. Absolute quantities; 0 removes the level. NULL levels: a snapshot or a change of state. */
typedef struct tickwire_change {
    enum { TICKWIRE_CHANGE_DELTA, TICKWIRE_CHANGE_SNAPSHOT, TICKWIRE_CHANGE_STATE } kind;
    uint32_t bid_count;
    uint32_t ask_count;
    const tickwire_level *bids;
    const tickwire_level *asks;
    uint32_t merged; /* source messages folded into it */
    /* The message as it came, an encoded BookUpdate, with a delta; else NULL. Borrowed like the rest. */
    const uint8_t *bytes;
    size_t length;
} tickwire_change;

typedef struct tickwire_quote {
    tickwire_header header;
    tickwire_state state;
    const char *cause;
    tickwire_level bid; /* price TICKWIRE_PRICE_ABSENT: none */
    tickwire_level ask;
} tickwire_quote;

typedef struct tickwire_print {
    uint64_t seq;
    uint32_t index;
    const char *kind;      /* "TRADE", "HIDDEN", "CROSS", "BREAK" */
    const char *cross;     /* "NONE", "OPENING", "CLOSING", … */
    const char *aggressor; /* "UNKNOWN", "BUY", "SELL" */
    int64_t price;
    uint64_t quantity;
    uint64_t match_id;
    uint64_t order_id;
    int64_t event_ns;
} tickwire_print;

/* Every print is told once, in order, also where leaders change. `missed_before` says what is lost before these prints
 * and will not come: at least so many; TICKWIRE_FAULT_MISSED goes before it. Where header.snapshot is set (an answer to
 * joining late or coming back, a leader's first word) the totals hold at header.seq, and the one print is the last there was, here only
 * if it was not told before; print_count may then be 0. */
typedef struct tickwire_trades {
    tickwire_header header;
    uint32_t print_count;
    const tickwire_print *prints;
    uint64_t volume; /* of the epoch so far */
    uint64_t prints_total;
    uint64_t
        missed_before; /* 0: nothing is missing since the last one told; of what came before the first, nothing is known */
    /* 0: the totals are whole. Else they count all prints of source messages from this one on, and lack some or all of
     * those before it: the leader joined late, or lost messages. They may then be below those told before. */
    uint64_t counted_from_seq;
} tickwire_trades;

typedef struct tickwire_instrument_status {
    tickwire_header header;
    tickwire_state state;
    const char *cause;
    const char *trading;    /* "OPEN", "HALTED", … */
    const char *reason;     /* the exchange's code, "" if none */
    const char *short_sale; /* "NONE", "INTRADAY", … */
    int64_t collar_upper, collar_lower, collar_reference;
} tickwire_instrument_status;

typedef struct tickwire_imbalance {
    tickwire_header header;
    const char *cross;
    const char *direction;
    uint64_t paired_quantity, imbalance_quantity;
    int64_t far_price, near_price, reference_price;
    char variation;
} tickwire_imbalance;

typedef struct tickwire_feed_status {
    const char *subject;
    const char *exchange;
    uint32_t partition;
    const char *epoch;
    uint64_t term;
    uint64_t seq;
    tickwire_state state;
    const char *cause;
    const char *detail;
    int64_t event_ns, receive_ns, publish_ns, arrival_ns;
    uint64_t gap_from, gap_to, messages, lost, updates;
    uint32_t instruments, instruments_not_ok;
    uint64_t
        continues_term; /* of the leader before, whose word still holds; 0: what earlier terms published is in doubt */
} tickwire_feed_status;

/* Something the library saw and dealt with: for logs and counters. */
typedef struct tickwire_fault {
    const char *subject;
    enum {
        TICKWIRE_FAULT_CHAIN = 1, /* an update is missing: a snapshot was asked for */
        TICKWIRE_FAULT_CHECKSUM,  /* the book does not match: a snapshot was asked for */
        TICKWIRE_FAULT_MALFORMED, /* a payload that is none */
        TICKWIRE_FAULT_OLD_TERM,  /* a message of a deposed leader was dropped */
        TICKWIRE_FAULT_FULL,      /* more instruments than max_instruments */
        TICKWIRE_FAULT_MISSED,    /* prints or order events are lost for good: see tickwire_trades.missed_before */
        TICKWIRE_FAULT_AWAY,      /* the server can't be connected to, and why: after a second, then every ten */
        TICKWIRE_FAULT_REFUSED /* the server's user may not subscribe to, or ask, `subject`: nothing comes of it. The text is the server's */
    } kind;
    const char *text;
} tickwire_fault;

/* Any may be NULL. A subject's messages go to the handler of their type. What was told before (duplicates, a new leader's
 * repetitions) and what a deposed leader still sends goes to on_raw only. Order events have no handler of their own yet:
 * a subscription with on_fault is told where some are missing. */
typedef struct tickwire_handlers {
    void (*on_book)(void *context, const tickwire_book *book, const tickwire_change *change);
    void (*on_quote)(void *context, const tickwire_quote *quote);
    void (*on_trades)(void *context, const tickwire_trades *trades);
    void (*on_status)(void *context, const tickwire_instrument_status *status);
    void (*on_imbalance)(void *context, const tickwire_imbalance *imbalance);
    void (*on_feed_status)(void *context, const tickwire_feed_status *status);
    void (*on_fault)(void *context, const tickwire_fault *fault);
    /* every message before it is decoded */
    void (*on_raw)(void *context, const char *subject, const uint8_t *bytes, size_t length);
} tickwire_handlers;

/* Connects. On failure *client is NULL and `error` (TICKWIRE_ERROR_BYTES, may be NULL) says why. */
TICKWIRE_API tickwire_status tickwire_open(tickwire_client **client, const tickwire_options *options, char *error);
TICKWIRE_API void tickwire_close(tickwire_client *client); /* NULL is fine; not from a callback */

/* Subscribes to a subject, wildcards allowed ("XNAS.*.orderbook", "XNAS.>", "feed.>"). `handlers` is copied.
 * For order book channels a book per instrument is kept; a late joiner's books come by snapshot, a whole
 * exchange's in bulk, and so does the present state of the other channels that have a handler. All of it is asked for again
 * after the server was away: whatever did not come is then replaced (books, quotes, statuses, imbalances) or told as
 * missing (prints). The feed status of every exchange subscribed to is followed too. A subscription whose only
 * handler is on_raw keeps no books and asks for no snapshots. A book's changes go to every subscription that
 * covers it; where subscriptions overlap, each change is told once to each. */
TICKWIRE_API tickwire_status tickwire_subscribe(tickwire_client *client, const char *subject,
                                                const tickwire_handlers *handlers, void *context,
                                                tickwire_subscription **subscription, char *error);
TICKWIRE_API void tickwire_unsubscribe(tickwire_subscription *subscription);

/* Runs callbacks until tickwire_stop (TICKWIRE_STOPPED) or for `timeout_ns` (TICKWIRE_TIMED_OUT). */
TICKWIRE_API tickwire_status tickwire_run(tickwire_client *client, int64_t timeout_ns);
TICKWIRE_API void tickwire_stop(tickwire_client *client); /* from a callback or a signal handler */

/* For an event loop of your own: call tickwire_poll when the descriptor is readable and at least every 100 ms. */
TICKWIRE_API int tickwire_fd(const tickwire_client *client);
TICKWIRE_API void tickwire_poll(tickwire_client *client);

/* The server is there. False: it is looked for; books and their feeds are STALE, BUS_AWAY. */
TICKWIRE_API bool tickwire_connected(const tickwire_client *client);

/* The book now kept for an instrument and channel ("orderbook"), NULL if there is none. Borrowed until the next
 * callback or poll. */
TICKWIRE_API const tickwire_book *tickwire_find_book(tickwire_client *client, const char *exchange,
                                                     const char *symbol, const char *channel);
TICKWIRE_API void tickwire_book_set_user(tickwire_client *client, const tickwire_book *book, void *user);

typedef struct tickwire_stats {
    uint64_t messages, bytes, updates;
    uint64_t chain_faults, checksum_faults, malformed, old_terms, duplicates;
    uint64_t snapshots_requested, snapshots_applied, resyncs; /* a resync: a fault healed by a snapshot */
    uint32_t books, books_not_synced;                         /* not synced: a snapshot is still awaited */
    uint32_t books_not_ok;
    uint64_t reconnects;
    uint32_t books_silent;  /* books whose feed's status stopped before its session ended */
    uint64_t missed_prints; /* lost, at least so many */
    uint64_t missed_events; /* breaks of order channels: events are lost at each */
    uint64_t state_breaks;  /* quotes, statuses and imbalances that did not come; each was replaced by the next */
    uint64_t takeovers;     /* times a feed's leader changed: its term rose. No fault */
} tickwire_stats;
TICKWIRE_API tickwire_stats tickwire_read_stats(const tickwire_client *client);

/* A scaled integer as a decimal string: (1891200, -4) is "189.1200"; absent is "". `capacity` 48 suffices. */
TICKWIRE_API size_t tickwire_format_decimal(char *text, size_t capacity, int64_t value, int32_t exponent);

TICKWIRE_API const char *tickwire_version(void);

#ifdef __cplusplus
}
#endif
#endif
