/*
 * Books that a load publisher keeps: ten levels a side, each update gives three of each side another quantity. So every
 * update changes what every reader sees, whatever was merged before it.
 *
 * Message n (from 0) is of symbol n % symbols and has seq n + 1: whoever knows how many were published knows the last
 * seq of each symbol. Pure.
 */
#ifndef TICKWIRE_BENCHMARKS_GATEWAY_SYNTHETIC_H
#define TICKWIRE_BENCHMARKS_GATEWAY_SYNTHETIC_H

#include "base/random.h"
#include "proto/codec.h"

#define SYNTHETIC_LEVELS  10u
#define SYNTHETIC_CHANGES 3u
#define SYNTHETIC_MIC     "XNAS"
#define SYNTHETIC_EPOCH   "2020-01-30.LOAD"

typedef struct synthetic_book {
    char symbol[TW_SYMBOL_BYTES];
    uint64_t seq; /* of its last update; 0: none yet */
    tw_level sides[2][SYNTHETIC_LEVELS];
} synthetic_book;

typedef struct synthetic_market {
    synthetic_book *books;
    uint32_t symbols;
    uint64_t published;
    uint64_t term;
    tw_random random;
} synthetic_market;

bool synthetic_alloc(synthetic_market *market, uint32_t symbols, uint64_t term); /* false: no memory */
void synthetic_free(synthetic_market *market);

void synthetic_symbol(char name[TW_SYMBOL_BYTES], uint32_t symbol);
/* The last update of the symbol, once `published` were published in all; 0 if it had none. */
uint64_t synthetic_last_seq(uint64_t published, uint32_t symbols, uint32_t symbol);

/* The next update, encoded; its symbol in `*symbol`. `receive_ns` and `publish_ns` are what it says. */
size_t synthetic_next(synthetic_market *market, int64_t receive_ns, int64_t publish_ns, uint32_t *symbol,
                      uint8_t *buffer, size_t capacity);
/* The whole book of a symbol as a snapshot, encoded. */
size_t synthetic_snapshot(const synthetic_market *market, uint32_t symbol, int64_t publish_ns, uint8_t *buffer,
                          size_t capacity);
/* What the feed says. */
size_t synthetic_feed(const synthetic_market *market, int64_t publish_ns, uint8_t *buffer, size_t capacity);

#endif
