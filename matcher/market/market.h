/*
 * The venue's own market data: what the engine reports becomes books, quotes, prints and states of a publisher, and the directory
 * instruments.{MIC}. Pure: it opens nothing, reads no clock, logs nothing, and allocates nothing after mk_alloc.
 *
 *   engine ──reports──► mk_take ──marks, prints, states──► publisher ──mk_flush──► sink
 *      └────────────── its best levels, read at the flush ─────┘
 *
 * There is no second copy of the book: a report marks the side it may have changed, and the flush at the end of a burst compares the
 * engine's visible levels with what was last published. So give it whole inputs: take every report of an input before the next flush.
 *
 * Numbers. `seq` is the order stream's sequence of the last input folded in, so every replica gives one state one number. A print is
 * one trade (the aggressor's report), its match id is mk_match_id of that report: {seq, n} as in its execution id. `event_ns` is the
 * engine's time, `receive_ns` the server's timestamp of the input.
 *
 * Epochs. A trading day is one: "2026-01-02.TWEX-1" (dates come first, as in every feed of the platform), "0.TWEX-1" before the first
 * day. MX_BEGIN_DAY ends one: what the old one has to say leaves first, then chains and totals begin anew, and the books, whose orders
 * may stay, are told whole.
 *
 * An instrument that has moved (MX_MOVED) lives on another shard (docs/venue-shards.md): it is not in the directory any more and
 * nothing is said of it, until it is closed here again. One that is only closed, or blocked, is in the directory as every other.
 *
 * Leading, and everything else that the publisher offers (requests, ticks, confirm, totals of a late joiner), is the
 * caller's: mk_publisher. A market begins as a follower where its options say so, and gathers as publisher.h says.
 *
 * A day's totals (volume, prints) are no part of the engine's state; mk_write and mk_read keep them beside it in a snapshot.
 */
#ifndef TICKWIRE_MATCHER_MARKET_MARKET_H
#define TICKWIRE_MATCHER_MARKET_MARKET_H

#include "matcher/core/engine.h"
#include "matcher/core/snapshot.h"
#include "publisher/publisher.h"

typedef struct mk_market mk_market;

/* `options` are the publisher's: exchange, partition (the shard), depth, queues, `follows`. max_instruments as in mx_bounds. The
 * engine is borrowed and must outlive the market. Says what mk_restart says, with the engine as it is. TW_INVALID, TW_NO_MEMORY. */
tw_code mk_alloc(mk_market **market, const publisher_options *options, const mx_engine *engine,
                 const publisher_sink *sink, tw_error *error);
void mk_free(mk_market *market); /* NULL is fine */
publisher *mk_publisher(const mk_market *market);

/* One report, in the order of the engine; every report, those of refused commands too. `now_ns` is only for what must leave at once
 * when a day ends. Reports may come after the whole input was applied. */
void mk_take(mk_market *market, const mx_report *report, int64_t now_ns);

/* The engine was loaded from a snapshot, or emptied: everything is defined and told anew from its state, in its day's epoch. Totals
 * count from the engine's next input on; mk_read restores them. */
void mk_restart(mk_market *market);
/* A day's totals, after the replica's bytes in a snapshot; they are true after the engine's last input. As mx_snapshot_write. */
tw_code mk_write(const mk_market *market, mx_write write, void *context, tw_error *error);
/* After mk_restart, while the publisher follows. TW_OK; TW_TRUNCATED, TW_MALFORMED, TW_UNSUPPORTED; TW_INVALID for those of
 * another day or place in the stream: then totals count from here, as without them, and Trades say so. */
tw_code mk_read(mk_market *market, mx_read read, void *context, tw_error *error);

/* What FeedStatus says beside the engine's place: OK at the beginning. */
typedef struct mk_feed {
    tw_book_state state;
    tw_state_cause cause;
    const char *detail; /* copied; NULL for none */
    bool handover;      /* as in publisher_feed; likewise the next */
    int64_t journal_ns;
} mk_feed;
void mk_feed_state(mk_market *market, const mk_feed *feed);

/* End of a burst: as publisher_flush, with the engine's place for FeedStatus. And as publisher_tick. */
size_t mk_flush(mk_market *market, int64_t now_ns);
size_t mk_tick(mk_market *market, int64_t now_ns);

const char *mk_epoch(const mk_market *market);

/* Of the aggressor's report: unique in the shard for ever. */
static inline uint64_t mk_match_id(uint64_t seq, uint32_t n) {
    return seq << 24 | (n & 0xffffffu);
}

#endif
