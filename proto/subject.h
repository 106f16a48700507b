/*
 * Subjects: the names under which payloads travel. Writing them, and reading them back.
 *
 * A symbol is one NATS token: bytes other than A-Z a-z 0-9 - _ / $ + = ^ # are written %XX, upper-case hex
 * (BRK.B -> BRK%2EB). An empty symbol has no subject.
 */
#ifndef TICKWIRE_PROTO_SUBJECT_H
#define TICKWIRE_PROTO_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"

#define SUBJECT_BYTES 256 /* the longest subject here: two escaped 32-byte names and their neighbours, with NUL */

typedef enum subject_channel {
    SUBJECT_ORDERBOOK,
    SUBJECT_ORDERBOOK_100MS,
    SUBJECT_ORDERBOOK_1S,
    SUBJECT_QUOTE,
    SUBJECT_TRADE,
    SUBJECT_STATUS,
    SUBJECT_IMBALANCE,
    SUBJECT_ORDER,
    /* the aggregator's; in the order of their intervals */
    SUBJECT_CANDLE_1S,
    SUBJECT_CANDLE_1M,
    SUBJECT_CANDLE_5M,
    SUBJECT_CANDLE_1H,
    SUBJECT_CANDLE_1D,
    SUBJECT_NBBO,
    SUBJECT_CHANNELS
} subject_channel;

#define SUBJECT_FEED_CHANNELS (SUBJECT_ORDER + 1) /* those that an exchange's own publisher has: the first ones */
#define SUBJECT_AGGREGATE     "agg"               /* in place of a MIC: over all exchanges */
#define SUBJECT_CANDLES       5                   /* intervals */

/* "orderbook", "orderbook.100ms", "orderbook.1s", "quote", "trade", "status", "imbalance", "order", "candle.1s" to
 * "candle.1d", "nbbo" */
const char *subject_channel_name(subject_channel channel);
bool subject_channel_parse(const char *name, subject_channel *channel);

static inline bool subject_is_candle(subject_channel channel) {
    return channel >= SUBJECT_CANDLE_1S && channel <= SUBJECT_CANDLE_1D;
}
/* 1000, 60000, 300000, 3600000, 86400000; `index` counts from 0. */
uint32_t subject_candle_ms(uint32_t index);
const char *subject_candle_name(uint32_t index); /* "1s", "1m", "5m", "1h", "1d" */
/* The index of an interval; false if no candles have it. */
bool subject_candle_index(uint32_t interval_ms, uint32_t *index);

/* Escapes `symbol` into `token` of SUBJECT_BYTES; false if it is empty or too long. */
bool subject_escape(char *token, size_t capacity, const char *symbol);
/* The reverse; false on a bad escape or a symbol longer than TW_SYMBOL_BYTES - 1. `length` bytes of `token`. */
bool subject_unescape(char symbol[TW_SYMBOL_BYTES], const char *token, size_t length);

/* `mic` may be SUBJECT_AGGREGATE for candles, and is for SUBJECT_NBBO. */
bool subject_instrument(char *subject, size_t capacity, const char *mic, const char *symbol,
                        subject_channel channel);
bool subject_feed_status(char *subject, size_t capacity, const char *mic, uint32_t partition);
/* `line` is a line's name: one token of A-Z a-z 0-9 (A, B, and R for what a request server brought). */
bool subject_line_status(char *subject, size_t capacity, const char *mic, uint32_t partition, const char *line);
bool subject_snapshot(char *subject, size_t capacity, const char *mic, const char *symbol, subject_channel channel);
bool subject_snapshots(char *subject, size_t capacity, const char *mic, subject_channel channel);
bool subject_instruments(char *subject, size_t capacity, const char *mic);
bool subject_instrument_changes(char *subject, size_t capacity, const char *mic);
bool subject_candles(char *subject, size_t capacity, const char *mic,
                     const char *symbol); /* or SUBJECT_AGGREGATE */
/* `exchange` is a MIC, or "agg" for what spans exchanges. */
bool subject_usage(char *subject, size_t capacity, const char *exchange);

typedef enum subject_kind {
    SUBJECT_KIND_UNKNOWN = 0,
    SUBJECT_KIND_INSTRUMENT,         /* {MIC}.{SYMBOL}.{channel} */
    SUBJECT_KIND_FEED_STATUS,        /* feed.{MIC}.{PARTITION}.status */
    SUBJECT_KIND_LINE_STATUS,        /* feed.{MIC}.{PARTITION}.line.{LINE} */
    SUBJECT_KIND_SNAPSHOT,           /* snapshot.{MIC}.{SYMBOL}.{channel} */
    SUBJECT_KIND_SNAPSHOTS,          /* snapshots.{MIC}.{channel} */
    SUBJECT_KIND_INSTRUMENTS,        /* instruments.{MIC} */
    SUBJECT_KIND_INSTRUMENT_CHANGES, /* instruments.{MIC}.changes */
    SUBJECT_KIND_AGGREGATE,          /* agg.{SYMBOL}.{channel}; mic is "agg" */
    SUBJECT_KIND_CANDLES,            /* candles.{MIC}.{SYMBOL}, candles.agg.{SYMBOL} */
    SUBJECT_KIND_USAGE,              /* usage.{MIC}, usage.agg */
    SUBJECT_KIND_ORDERS,             /* orders.{MIC}.{SHARD}.{ACCOUNT}.{SYMBOL} */
    SUBJECT_KIND_ORDER_BATCH,        /* orderbatch.{MIC}.{SHARD} */
    SUBJECT_KIND_CONTROL,            /* control.{MIC}.{SHARD} */
    SUBJECT_KIND_EXECUTION_LOG,      /* execlog.{MIC}.{SHARD} */
    SUBJECT_KIND_QUERY,              /* query.{MIC}.{SHARD}, query.{MIC}.{SHARD}.{ACCOUNT} */
    SUBJECT_KIND_HASH,               /* hash.{MIC}.{SHARD} */
    SUBJECT_KIND_EXECUTIONS,         /* exec.{ACCOUNT} */
    SUBJECT_KIND_FILLS,              /* fills.{MIC}.{SYMBOL} */
    SUBJECT_KIND_MATCHERS            /* matchers.{MIC} */
} subject_kind;

typedef struct subject_parts {
    subject_kind kind;
    char mic[TW_MIC_BYTES];
    char symbol[TW_SYMBOL_BYTES];  /* unescaped; "" where the kind has none */
    subject_channel channel;       /* SUBJECT_CHANNELS where the kind has none */
    uint32_t partition;            /* feed kinds; the venue's: the shard */
    char account[TW_SYMBOL_BYTES]; /* unescaped; "" where the kind has none */
} subject_parts;

/* The venue's. An account is at most 32 bytes and one token, escaped like a symbol. */
bool subject_orders(char *subject, size_t capacity, const char *mic, uint32_t shard, const char *account,
                    const char *symbol);
bool subject_fills(char *subject, size_t capacity, const char *mic, const char *symbol);
bool subject_matchers(char *subject, size_t capacity,
                      const char *mic); /* matchers.{MIC}: who runs, and how it fares */
bool subject_executions(char *subject, size_t capacity, const char *account); /* exec.{ACCOUNT} */
/* query.{MIC}.{SHARD}.{ACCOUNT}: questions about this account only. About any: subject_shard with SUBJECT_KIND_QUERY. */
bool subject_query(char *subject, size_t capacity, const char *mic, uint32_t shard, const char *account);
/* Those of a shard as a whole: kind is SUBJECT_KIND_ORDER_BATCH, _CONTROL, _EXECUTION_LOG, _QUERY or _HASH. */
bool subject_shard(char *subject, size_t capacity, subject_kind kind, const char *mic, uint32_t shard);

/* Takes a concrete subject (no wildcards) apart. Returns parts->kind; UNKNOWN leaves the rest unset. */
subject_kind subject_parse(const char *subject, subject_parts *parts);
/* Whether it is that of this feed's status: what came on another one is not about it. */
bool subject_is_feed_status(const char *subject, const char *mic, uint32_t partition);

/* Could a server be asked for it? No empty token, no blank, '>' alone and last. */
bool subject_is_pattern(const char *text);

/* True if `subject` matches `pattern` by NATS rules: '*' is one token, '>' one or more at the end. */
bool subject_matches(const char *pattern, const char *subject);

#endif
