/*
 * The last values of every instrument: what is known, what of it has to be written, and for how long it may stay.
 * A pure core: given decoded messages and a monotonic time, it says which row to write and which expiry to re-arm.
 *
 * One entry per exchange and symbol: the last quote, the last valid print, and their state. Who writes takes rows with
 * last_values_next; what changed twice meanwhile is written once, with its latest values. Memory is taken at alloc.
 *
 * Whose messages count. Of each feed partition (exchange, number) one leader's session is current: (term, epoch).
 *   lower term, or the epoch that was left       OLD: dropped
 *   higher term, or another epoch                it is current from now on: all entries of the feed are in doubt
 * An entry's channel (quote, trade) is in doubt until a message or a snapshot of the current session has told it. In
 * doubt are also all entries whose messages may have been lost unseen (last_values_doubt). Asking for snapshots is the
 * caller's business: last_values_synced says when an exchange's have all come; what is new after that is not in doubt.
 *
 * State and expiry. An entry is shown with the worst of: its feed's state, the instrument's own, RECOVERING while in
 * doubt. While that is OK, or CLOSED and the feed's status still comes, each write gives the key its whole expiry, and
 * quiet entries are re-armed in time (last_values_due). In any other state a change is still written, but only with
 * what is left of the expiry, and never once that is over: a stale price goes away `expiry_ns` after it was last good.
 * So does a row that has no values any more.
 *
 * The last price is that of the last valid print: a break takes its print away if it is among the last LAST_PRINTS of
 * the instrument; then the one before counts. Where none is left there is no last price.
 */
#ifndef TICKWIRE_AGGREGATOR_LAST_VALUE_H
#define TICKWIRE_AGGREGATOR_LAST_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"
#include "proto/codec.h"
#include "publisher/aggregator/last_row.h"

#define LAST_NONE      UINT32_MAX
#define LAST_PRINTS    8u /* kept per instrument, for breaks */
#define LAST_FEEDS     1024u
#define LAST_KEY_BYTES (sizeof "tw:last:" + TW_MIC_BYTES + TW_SYMBOL_BYTES)

typedef enum last_channel { LAST_QUOTE, LAST_TRADE, LAST_CHANNELS } last_channel;

typedef enum last_outcome {
    LAST_CHANGED,   /* there is something to write */
    LAST_UNCHANGED, /* seen already, or nothing of it is shown */
    LAST_OLD,       /* of a deposed leader or a session that was left */
    LAST_FULL       /* more instruments or feeds than there is room for */
} last_outcome;

typedef struct last_values last_values;

typedef struct last_options {
    uint32_t max_symbols;
    int64_t expiry_ns;
} last_options;

tw_code last_values_alloc(last_values **values, const last_options *options, tw_error *error);
void last_values_free(last_values *values);

/* ---- what is heard ---- */

/* The number of a feed partition, made if new. LAST_NONE: LAST_FEEDS are known. */
uint32_t last_values_feed(last_values *values, const char *exchange, uint32_t partition);
/* Its leader's term and session, by any message. False: OLD. */
bool last_values_lead(last_values *values, uint32_t feed, uint64_t term, const char *epoch);
/* Its leader goes on from nobody, or another session began: rows of what is in doubt are marked, without prices that are gone.
 * Not at a takeover that goes on: it would flicker. */
void last_values_broke(last_values *values, uint32_t feed, int64_t now_ns);
/* Its state, as the caller judges it. `told`: its status still comes. */
void last_values_state(last_values *values, uint32_t feed, tw_book_state state, bool told, int64_t now_ns);

/* A live message or a part of a snapshot (header.snapshot). */
last_outcome last_values_quote(last_values *values, const wire_quote *quote, int64_t now_ns);
last_outcome last_values_trades(last_values *values, const wire_trades *trades, int64_t now_ns);

/* Messages may have been lost without a trace: on all feeds. */
void last_values_doubt(last_values *values);
/* All snapshots of an exchange's channel have come from this leader's session. Of an
 * instrument that the session has told of, what is untold by then there is not. */
void last_values_synced(last_values *values, const char *exchange, uint64_t term, const char *epoch,
                        last_channel channel, int64_t now_ns);
/* True if a feed of the exchange waits for the channel's snapshots. */
bool last_values_wants(const last_values *values, const char *exchange, last_channel channel);
/* True if something of the exchange's channel is in doubt though its feed still tells. A leader that learns of an instrument after
 * it has answered may have no message to send about it: only another answer settles that. */
bool last_values_doubts(const last_values *values, const char *exchange, last_channel channel);
/* True 1, 2, 4, … 64 s apart from when a feed's snapshots have come after a doubt: time to ask again for what still is. */
bool last_values_again(last_values *values, const char *exchange, last_channel channel, int64_t now_ns);

/* ---- what is to be done ---- */

typedef struct last_write {
    uint32_t entry;
    const char *key;   /* "tw:last:XNAS:AAPL", also the channel's name; borrowed until the next call */
    int64_t ttl_ms;    /* > 0 */
    bool replace;      /* something that is no hash is kept under the key: it is deleted first */
    uint32_t removed;  /* fields that may be in the hash and are absent now: bits 1 << last_field */
    int64_t waited_ns; /* since the first change that it holds */
    last_row row;
} last_write;

/* The next row to write, the longest waiting first. False: none. It counts as written. */
bool last_values_next(last_values *values, int64_t now_ns, last_write *write);
/* The next key whose expiry is to be re-armed to `expiry_ns`; it counts as done. NULL: none now. Looks at a part of
 * the entries each time: call it until NULL at least ten times per expiry. */
const char *last_values_due(last_values *values, int64_t now_ns, uint32_t *entry);

/* What the row of an entry said when it was last written: for a look whether it still does. */
void last_values_written(const last_values *values, uint32_t entry, tw_book_state *state, uint64_t *seq);
/* The row is not there as it was written (evicted, removed, changed by another): it is written again at once. */
void last_values_gone(last_values *values, uint32_t entry, int64_t now_ns);
/* The write was refused: it is tried again when its re-arming would be due, or with the next change. `replace`: because
 * something that is no hash is kept under the key. */
void last_values_refused(last_values *values, uint32_t entry, bool replace);
/* The store is back and may hold anything: all that may be there is written again. */
void last_values_rewrite(last_values *values, int64_t now_ns);

typedef struct last_stats {
    uint64_t changes;      /* messages that changed a row */
    uint64_t merged;       /* of them, folded into a write that had not left yet */
    uint64_t old, refused; /* messages dropped: deposed leaders; no room */
    uint64_t breaks;       /* prints taken back that were shown or kept */
    uint64_t forgotten;    /* entries that ran out and were given up */
    uint32_t symbols, waiting, feeds;
    uint32_t in_doubt;
} last_stats;
last_stats last_values_stats(const last_values *values); /* walks over all entries */
uint32_t last_values_waiting(const last_values *values); /* rows to be written */
/* How long the longest waiting change has waited; 0 if none waits. */
int64_t last_values_oldest_ns(const last_values *values, int64_t now_ns);

#endif
