/*
 * From books and events to payloads on subjects. The last pure stage of the market data path: it opens
 * nothing, reads no clock, logs nothing, and allocates nothing after publisher_alloc.
 *
 * A burst in, a burst out. While a burst of source messages is applied, instruments are marked; at its end
 * publisher_flush sends one net change per marked instrument and channel:
 *
 *   mark ... mark, print ... | publisher_flush -> delta, quote if the best changed, trades, status, imbalance,
 *                            |                    what changed in the directory
 *                            | publisher_tick  -> conflated tiers, feed status
 *                            | publisher_serve -> queued snapshot and directory replies, within a budget
 *
 * What leaves goes through a sink. When the sink is not ready (too much is buffered, or the bus is away),
 * nothing is emitted and marks go on merging; books, quotes, statuses and imbalances are bounded by the number
 * of instruments. Prints wait in a bounded queue; when it is full the oldest are dropped, counted, and the
 * break in prev_seq shows it to receivers. Dropping moves an instrument's totals on as sending would, so a
 * snapshot heals them. A source message's prints are dropped together. Order events likewise.
 *
 * An update's event_ns and receive_ns are those of the last source message folded in: latency is counted from the
 * newest packet, not from the oldest that waited.
 *
 * Breaks. Totals of a Trades message are of the prints as reported. A break takes its own `quantity` and one
 * print back; a feed that does not repeat the broken print's quantity (ITCH: 0) leaves both totals as they were,
 * because the prints of a whole day are not kept. Who needs net totals subtracts by match_id.
 *
 * Chains. Every (instrument, channel) has a chain of its own: prev_seq is the seq of the previous message of
 * this chain. A change that is not visible (a level beyond the depth, a quantity that came back) moves nothing.
 * The first message of an instrument in an epoch has prev_seq 0: it starts from an empty book.
 *
 * Tiers are sent at steps of 100 ms of the clock given to publisher_tick: orderbook.100ms whole at each, of
 * orderbook.1s those instruments whose number modulo 10 is the step's, so that all never leave in one burst.
 *
 * Instruments are the same small numbers as in orderbook/book.h.
 */
#ifndef TICKWIRE_PUBLISHER_PUBLISHER_H
#define TICKWIRE_PUBLISHER_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"
#include "orderbook/book.h"
#include "proto/codec.h"
#include "proto/subject.h"

typedef struct publisher publisher;

/* Where payloads go. `emit` and `answer` take a copy of what they need and may not fail once `ready` said yes for the
 * round; subjects are NUL terminated. Those of `emit` were written by proto/subject.h; those of `answer` came with a
 * request, as its sender chose them. */
typedef struct publisher_sink {
    void *context;
    void (*emit)(void *context, const char *subject, const uint8_t *payload, size_t length);
    void (*answer)(void *context, const char *subject, const uint8_t *payload, size_t length);
    bool (*ready)(void *context); /* false: hold back and go on merging */
} publisher_sink;

/* Where the present levels are, if not in an ob_books: `below` answers as ob_book_below. */
typedef struct publisher_levels {
    const void *context;
    uint32_t (*below)(const void *context, uint32_t instrument, tw_side side, uint32_t skip, tw_level *levels,
                      uint32_t depth);
} publisher_levels;

typedef struct publisher_options {
    const char *exchange; /* MIC, copied */
    uint32_t partition;
    uint32_t
        partitions; /* of this exchange's feed; above 1, what is asked of a symbol that is not known here is left to the
                            others; 0 is 1 */
    uint64_t term;
    bool follows;       /* begins as a follower: see publisher_lead */
    const char *leader; /* this instance's name in FeedStatus, below WIRE_LEADER_BYTES, copied; NULL for none */
    uint32_t max_instruments;
    uint32_t depth;             /* visible levels per side, 1 to TW_MAX_DEPTH */
    bool tier_100ms;            /* orderbook.100ms */
    bool tier_1s;               /* orderbook.1s */
    bool orders;                /* the order-by-order channel */
    uint32_t max_prints;        /* prints waiting to leave, over all instruments */
    uint32_t max_order_events;  /* likewise on the order channel; 0: as max_prints */
    uint32_t max_requests;      /* snapshot and directory requests waiting; more get BUSY */
    uint32_t serve_bytes;       /* at most this much per publisher_serve, at least one chunk */
    int64_t status_interval_ns; /* of feed status, 100 ms by the design */
    publisher_levels levels;    /* {0} with an ob_books */
} publisher_options;

/* The books are borrowed and must outlive the publisher; NULL with `options->levels`, which stands for them. TW_INVALID names the
 * option; TW_NO_MEMORY. */
tw_code publisher_alloc(publisher **publisher, const publisher_options *options, const ob_books *books,
                        const publisher_sink *sink, tw_error *error);
void publisher_free(publisher *publisher);

/* Which source message is being applied: given with every mark. */
typedef tw_stamp publisher_stamp;

/* A new numbering session: all instruments are undefined, chains start again at 0, totals are cleared, the feed is
 * RECOVERING with cause STARTING until publisher_feed_update. What was marked but not flushed is dropped: call
 * publisher_flush first. Bulk requests under way start again at chunk 0, in the new epoch. Copied. */
void publisher_start_epoch(publisher *publisher, const char *epoch);

/* Defines an instrument, or changes its directory entry (then its version rises, from 1). Copied. What is new or
 * changed is told on instruments.{MIC}.changes, one message of at most 192 entries at each flush. A symbol is one
 * instrument's: if another has it, that one is undefined; if this one had another symbol, it starts anew (clear its
 * book first). A symbol without a subject leaves the instrument undefined. Whatever is said of an undefined
 * instrument is passed over. */
void publisher_define(publisher *publisher, uint32_t instrument, const tw_instrument *entry,
                      const publisher_stamp *stamp);

/* The visible book may have changed: `sides`, from `rank` on (see ob_change). What stands better, or on the other
 * side, is taken to be as it was at the last mark: only what is marked is looked at. Ranks at or beyond the depth are
 * passed over without a mark. */
void publisher_mark_book(publisher *publisher, uint32_t instrument, tw_sides sides, uint32_t rank,
                         const publisher_stamp *stamp);
/* A print, in the order of the source. A Trades message ends between source messages, unless one alone has more than
 * WIRE_MAX_PRINTS. */
void publisher_print(publisher *publisher, uint32_t instrument, const tw_print *print,
                     const publisher_stamp *stamp);
void publisher_trading_state(publisher *publisher, uint32_t instrument, tw_trading_state state, const char *reason,
                             const publisher_stamp *stamp);
void publisher_short_sale(publisher *publisher, uint32_t instrument, tw_short_sale restriction,
                          const publisher_stamp *stamp);
void publisher_collar(publisher *publisher, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const publisher_stamp *stamp);
void publisher_imbalance(publisher *publisher, uint32_t instrument, const tw_imbalance *imbalance,
                         const publisher_stamp *stamp);
void publisher_order_event(publisher *publisher, uint32_t instrument, const wire_order_event *event,
                           const publisher_stamp *stamp);
/* The instrument's own book state; shown on its book, quote and status channels. */
void publisher_book_state(publisher *publisher, uint32_t instrument, tw_book_state state, tw_state_cause cause,
                          const publisher_stamp *stamp);

/* The feed's state, for FeedStatus. A change of state, cause, gap, handover or storage is sent at the next flush, not at the
 * next interval. */
typedef struct publisher_feed {
    tw_book_state state;
    tw_state_cause cause;
    const char *detail; /* copied; "" for none */
    uint64_t seq;       /* last source message applied */
    int64_t event_ns;
    int64_t receive_ns;
    uint64_t gap_from, gap_to;
    uint64_t messages;
    uint64_t lost;
    bool handover; /* the leader offers its place: nothing but FeedStatus leaves meanwhile, marks go on merging */
    bool storage_low; /* a venue's shard takes nothing but cancels */
    int64_t
        journal_ns; /* when the order stream of a venue's shard was made, in ns since 1970; 0: not known, or no venue */
} publisher_feed;
void publisher_feed_update(publisher *publisher, const publisher_feed *feed);

/*
 * Leading. Only the leader of a partition publishes; a publisher that follows (`publisher_options.follows`, or after
 * publisher_follow) gathers marks and events and emits nothing: flush, tick and serve do nothing, requests are passed
 * over. Marks merge as ever. Prints and order events wait in their backlogs until the leader is known to have sent
 * them (publisher_confirm), so that a successor sends what its predecessor did not.
 *
 * Seqs come from the source, so both name the same state by the same number; but the two cut their bursts at different
 * places. So after publisher_lead every book, quote, status and imbalance chain begins with a snapshot (prev_seq as in
 * snapshots, header.snapshot set, the new term): at once, paced by the ticks, for those that changed beyond safe_seq;
 * with the next change for the others, whose receivers have the right state already. What is not OK counts as changed:
 * the predecessor may have thought better of it. Requests are answered with the present state from the first moment.
 *
 * Prints and order events are sent with one source message per message until what waited is out, and for a second in any
 * case: a receiver then has each message whole or not at all. Events that were given up here (a full backlog) or sent
 * here in an earlier term, but not known to have arrived, can't be sent again: a Trades snapshot then gives the totals.
 *
 * A new epoch while following drops the events that wait, as it does while leading.
 */
typedef struct publisher_safe {
    uint64_t seq; /* all live updates up to this source message are known to have reached the bus; 0: unknown */
    uint64_t tier_seq; /* likewise of the conflated tiers, which lag */
    uint64_t
        continues_term; /* of the leader before, whose word holds beyond that: books here are as whole as its own. 0: none
                                such, what earlier terms sent is not vouched for. Told in FeedStatus */
} publisher_safe;
/* A FeedStatus goes out at the next flush, before anything else. Takes time for each instrument, once. */
void publisher_lead(publisher *publisher, uint64_t term, const publisher_safe *safe);
/* Nothing leaves any more. Requests that wait are forgotten: who asked, asks again. */
void publisher_follow(publisher *publisher);
bool publisher_leads(const publisher *publisher);
/* Another publisher of the same epoch has sent everything up to `seq`: events up to it no longer wait here. */
void publisher_confirm(publisher *publisher, uint64_t seq);
/* The bus was away and is back, the term is the same: what was published beyond `safe` may not have arrived, so those
 * chains go on with a snapshot, paced, trades (totals) included. Order events have none: their chain shows the break. */
void publisher_resume(publisher *publisher, const publisher_safe *safe);
/*
 * Totals. They count the prints that were told here. Who joined late, or lost messages, lacks some: Trades then say from which
 * source message on all are counted (counted_from_seq). A follower can take the totals of a leader whose own are whole:
 *
 *   prints      1 2 3 | 4 5 6 7 8 | 9 10        joined at 4; the leader's snapshot is at 8, its totals count 1 to 8
 *               missed  waiting     waiting     after publisher_adopt_trades: 4 to 8 are passed as sent, the totals are the
 *                                               leader's, 9 and 10 wait and will add to them. Had this publisher been
 *                                               at 6, 7 and 8 would be passed over when they come
 */
/* Prints of source messages before `next_seq` may not have been told here: those of messages lost, or, where instruments
 * were unknown, passed over. All instruments' totals, also of those defined later, are whole from there on only. */
void publisher_prints_lost(publisher *publisher, uint64_t next_seq);
/* All prints from this source message on are in the totals; 0: all of the epoch. */
uint64_t publisher_counted_from(const publisher *publisher);

typedef enum publisher_adoption {
    PUBLISHER_ADOPTED,
    PUBLISHER_ADOPT_NEEDLESS, /* the instrument's totals are whole, or it is unknown here */
    PUBLISHER_ADOPT_BEHIND, /* the snapshot does not reach what is known here: ask again, after a later heartbeat */
    PUBLISHER_ADOPT_USELESS /* another epoch, the leader's totals are not whole, or this publisher leads */
} publisher_adoption;
/* `snapshot` is the leader's; all prints up to `covers_seq` are in it, whatever its own seq: its published_seq in a heartbeat
 * heard before it was asked for. */
publisher_adoption publisher_adopt_trades(publisher *publisher, const wire_trades *snapshot, uint64_t covers_seq);
/* All of the leader's snapshots were given to publisher_adopt_trades. True: every total is whole now. */
bool publisher_adopted_all(publisher *publisher);

/* Everything up to this source message has been handed to the sink; in FeedStatus as published_seq. Tiers are not
 * counted, what lead and resume owe is. It moves on with the seq of publisher_feed_update. */
uint64_t publisher_published_seq(const publisher *publisher);
/* Instruments for which lead or resume have yet to send snapshots or events. */
uint32_t publisher_catching_up(const publisher *publisher);
/* While held, nothing of an instrument leaves, on any channel, whatever is marked: its book is being rebuilt. Feed
 * status and replies (the state as last published) go on. */
void publisher_hold(publisher *publisher, bool held);
/* As publisher_flush, and the conflated tiers with it, whatever their step. True: nothing is left waiting. False: the
 * sink was not ready (or the publisher is held): call again. */
bool publisher_settle(publisher *publisher, int64_t now_ns);

/* End of a burst: emits what was marked. Returns messages emitted. */
size_t publisher_flush(publisher *publisher, int64_t now_ns);
/* Emits feed status and tiers that are due, and a part of what lead or resume owe. Returns messages emitted. */
size_t publisher_tick(publisher *publisher, int64_t now_ns);
/* When publisher_tick has something to do next (same clock as now_ns). */
int64_t publisher_next_tick(const publisher *publisher);

/* A request that came in on snapshot.{MIC}.*.>, snapshots.{MIC}.> or instruments.{MIC}: parsed, answered at
 * once with NOT_FOUND, BAD_REQUEST or BUSY, or queued for publisher_serve. Anything else is passed over. */
void publisher_request(publisher *publisher, const char *subject, const char *reply, const uint8_t *payload,
                       size_t length, int64_t now_ns);
/* Sends queued replies, oldest request first, bulk requests taking turns by chunks, at most serve_bytes.
 * Bulk requests of a channel share its encoded chunks (bulk.c). Bulk is never starved by single requests.
 * Snapshots are the state as last published. Returns true if more is waiting. */
bool publisher_serve(publisher *publisher, int64_t now_ns);

typedef struct publisher_stats {
    uint64_t emitted[SUBJECT_FEED_CHANNELS]; /* messages by channel */
    uint64_t feed_statuses;
    uint64_t directory_changes; /* messages */
    uint64_t bytes;
    uint64_t merged;    /* orderbook: source changes folded into a later update */
    uint64_t unchanged; /* orderbook: marked, but nothing visible changed in the end */
    uint64_t held_back; /* flushes, ticks and serves stopped because the sink was not ready */
    uint64_t prints_dropped;
    uint64_t orders_dropped;
    uint64_t snapshots_served; /* replies, bulk chunks included */
    uint64_t requests_busy;
    uint64_t requests_bad;
    uint32_t requests_waiting;
    uint32_t instruments;
    uint32_t instruments_not_ok;
} publisher_stats;
publisher_stats publisher_read_stats(const publisher *publisher);

/* The state as last published, for tests and for the daemon's own checks. Levels best first. False if undefined. */
bool publisher_published_book(const publisher *publisher, uint32_t instrument, subject_channel channel,
                              wire_book_update *snapshot, tw_level bids[TW_MAX_DEPTH], tw_level asks[TW_MAX_DEPTH]);

#endif
