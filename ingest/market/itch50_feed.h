/*
 * ITCH 5.0 onto the market: which message does what to books, tape and states.
 *
 * The memory of a whole burst's orders is asked for before its first message is decoded, because cache misses,
 * not instructions, decide the speed over thousands of instruments.
 *
 * Pure. Messages of types that do not touch a channel (participant positions, market-wide circuit breaker levels,
 * retail interest, IPO quoting, direct listing) are decoded and counted.
 */
#ifndef TICKWIRE_INGEST_MARKET_ITCH50_FEED_H
#define TICKWIRE_INGEST_MARKET_ITCH50_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/decode/itch50.h"
#include "ingest/market/feed_message.h"
#include "ingest/market/market.h"

#define ITCH50_BURST 32 /* messages whose memory is asked for before the first is applied */

typedef struct itch50_feed_options {
    bool prefetch;    /* off only to measure what it brings */
    char market;      /* the feed's own code in operational halts: Q Nasdaq, B BX, X PSX; 0 for Q */
    const char *only; /* NULL, or the one symbol whose book is wanted: others are not kept */
    /* Called after each message that was applied, with its stamp; may be NULL. ITCH messages are whole
     * events, so every one is a moment at which a book may be looked at. */
    void (*on_applied)(void *context, const tw_stamp *stamp);
    /* S messages: 'O' start of messages to 'C' end of messages. May be NULL. */
    void (*on_system_event)(void *context, char code, const tw_stamp *stamp);
    /* A message that could not be read. `bytes` are the message's. May be NULL. */
    void (*on_malformed)(void *context, itch50_result why, const feed_message *message);
    void *context;
} itch50_feed_options;

typedef struct itch50_feed {
    market *market;
    itch50_feed_options options;
    int64_t midnight_ns;   /* UTC instant of the session day's local midnight */
    uint64_t by_type[256]; /* messages applied, by type */
    uint64_t unknown_types;
    uint64_t malformed;
    tw_stamp last; /* of the last message, whatever its type */
} itch50_feed;

void itch50_feed_init(itch50_feed *feed, struct market *target, const itch50_feed_options *options);

/* A new trading day: event times count from `midnight_ns`. The market's day is the caller's to start. */
void itch50_feed_start_day(itch50_feed *feed, int64_t midnight_ns);

/* Decodes and applies messages in order. */
void itch50_feed_apply(itch50_feed *feed, const feed_message *messages, size_t count);

#endif
