/*
 * Candles of every instrument, and of every symbol over all exchanges, from prints: what is known, what is to be published,
 * and what was before. A pure core: decoded messages and times in, messages out. Memory is taken at alloc.
 *
 * Which prints count. Every print of the trade channel that has a price, a quantity and an exchange's time: TRADE, HIDDEN
 * and CROSS (a cross prints once; what the exchange marks non-printable is not on the channel). A BREAK takes its print
 * back, out of every candle that holds it.
 *
 * Which candle. By the exchange's time of the print: 1 s, 1 min, 5 min and 1 h from UTC's full ones. A day's candle holds all
 * prints of sessions of one date (the epoch's), whatever their times, and starts at midnight of that date in the exchange's
 * zone; where epochs have no date, it is the local date of the print. An interval without prints has no candle.
 *
 * When is it final. When the feed's time has passed its end by the grace, or the feed has closed. The feed's time is the
 * newest event it told of, by print or status, and goes on with the publisher's clock while its status is OK. Over all
 * exchanges: when the slowest feed that is OK has passed it. What comes later restates it: final still, a higher revision.
 *
 * Incomplete. A candle says so if prints of it are missing or may be: the feed was RECOVERING or STALE for a reason other than
 * a gap that was filled after all; the chain of trades or its totals show that prints were missed; this process started
 * within it (and the instrument had prints before); a print did not fit; a broken print is not known any more.
 * Whole intervals that were missed have no candle.
 *
 * Same prints, same candles: what is in a candle depends on the set of its prints and breaks, not on when they came.
 *
 * Publishing. candles_next gives what is due: final and restated ones at once, partial ones `partial_ns` after their first
 * change that is not told (those of 5 min and more after four times that), an open one that does not change every
 * `refresh_ns`, for those who have joined late or missed it. Two processes on one bus publish the same candles twice.
 *
 * Bounds. `history` candles per instrument and interval. When `max_candles` are reached the oldest final one of the shortest
 * interval goes. The newest `kept_prints` prints are kept: a break of one of them is exact; of an older one the sums are
 * not known either, and the day's candle becomes incomplete.
 */
#ifndef TICKWIRE_AGGREGATOR_CANDLES_H
#define TICKWIRE_AGGREGATOR_CANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/error.h"
#include "proto/codec.h"
#include "proto/subject.h"

typedef struct candles candles;

/* The exchanges' time zones. */
typedef struct candles_zones {
    void *context;
    int32_t (*offset_at)(void *context, const char *mic, int64_t instant_ns); /* seconds east of UTC */
    /* UTC instant of local midnight; false: of a date that has none (tw_date_midnight) */
    bool (*midnight)(void *context, const char *mic, tw_date date, int64_t *midnight_ns);
} candles_zones;

typedef struct candles_options {
    uint32_t max_instruments; /* (exchange, symbol), and symbols over all exchanges */
    uint32_t max_candles, history, kept_prints;
    int64_t partial_ns; /* 0: only final ones are published */
    int64_t refresh_ns; /* 0: never */
    int64_t grace_ns;
    candles_zones zones;
    const char *apart; /* see apart.h; borrowed */
} candles_options;

tw_code candles_alloc(candles **candles, const candles_options *options, tw_error *error);
void candles_free(candles *candles); /* NULL is fine */

/* ---- what is heard; `now_ns` is monotonic ---- */

/* A live message, or a part of a snapshot (header.snapshot). True: it was taken. False: seen already, of a deposed leader, or
 * no room (counted). */
bool candles_trades(candles *candles, const wire_trades *trades, int64_t now_ns);
/* What a feed says of itself: its session, its time, whether prints may be missing. */
void candles_status(candles *candles, const wire_feed_status *status, int64_t now_ns);
/* The feed's state as the caller judges it (client/feed_watch.h): one that is not OK is not waited for. */
void candles_feed_live(candles *candles, const char *exchange, uint32_t partition, bool live);

/* ---- from another aggregator ---- */

/* What another one answered about an instrument: candles that are not known here are taken, and those that are incomplete here
 * and whole there, wherever it is certain that no print would count twice or be left out. True: nothing is left that
 * might be taken from a later answer. */
bool candles_adopt(candles *candles, const wire_candle_list *list, int64_t now_ns);
/* Instruments by number from 0, those over all exchanges among them; false: there are no more. The texts stay. */
bool candles_instrument(const candles *candles, uint32_t number, const char **mic, const char **symbol);

/* ---- what is to be published ---- */

/* The next that is due; it counts as published. `message` is whole but for publish_ns. False: none now. */
bool candles_next(candles *candles, int64_t now_ns, wire_candle *message);

/* ---- what is known ---- */

typedef enum candles_known { CANDLES_KNOWN, CANDLES_UNKNOWN_SYMBOL, CANDLES_UNKNOWN_EXCHANGE } candles_known;

/* The newest `limit` (at most WIRE_MAX_CANDLES) candles with prints that start before `before_ns` (TW_TIME_ABSENT: no bound),
 * oldest first. `mic` may be SUBJECT_AGGREGATE. */
candles_known candles_history(const candles *candles, const char *mic, const char *symbol, uint32_t interval,
                              int64_t before_ns, uint32_t limit, wire_candle *found, uint32_t *count, bool *more);

typedef struct candles_stats {
    uint64_t prints;         /* folded in */
    uint64_t breaks;         /* taken back */
    uint64_t breaks_unknown; /* of prints that are not kept any more */
    uint64_t adopted;        /* candles taken from another aggregator */
    uint64_t restated;       /* candles changed after they were final */
    uint64_t incomplete;     /* candles that became incomplete */
    uint64_t published;
    uint64_t missed;   /* prints that the chains show to be missing, at least */
    uint64_t refused;  /* prints that found no room, no time or no number that holds them */
    uint64_t too_late; /* prints older than the history */
    uint32_t instruments, held, waiting;
} candles_stats;
candles_stats candles_read_stats(const candles *candles);

#endif
