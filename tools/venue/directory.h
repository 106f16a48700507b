/*
 * Who is there: the venue's shards, and where each instrument lives.
 *
 * Shards are known from the order streams that JetStream has (a shard whose matcher is down is still there: what is written to it
 * happens when it is back) and from the heartbeats of those that run. Whoever may not ask JetStream knows those that run.
 */
#ifndef TICKWIRE_TOOLS_VENUE_DIRECTORY_H
#define TICKWIRE_TOOLS_VENUE_DIRECTORY_H

#include "proto/venue.h"
#include "tools/venue/line.h"
#include "tools/venue/link.h"

typedef struct venue_shard {
    uint32_t number;
    bool stream; /* JetStream has its order stream */
    bool runs;   /* a leader was heard; then the rest is known */
    uint64_t term, seq;
    tw_book_state state;
    char epoch[TW_EPOCH_BYTES];
    char leader[WIRE_LEADER_BYTES];
    bool day_known;     /* venue_shards_days has asked it; then the rest is known */
    uint32_t date;      /* of the trading day that began last: 20260102; 0: none ever did */
    int64_t day_end_ns; /* when that ends; TW_TIME_ABSENT: it has ended */
} venue_shard;

#define VENUE_MAX_MATCHERS 64u

typedef struct venue_shards {
    uint32_t count;
    bool complete;                      /* JetStream named them; else only those that run are known */
    venue_shard list[VENUE_MAX_SHARDS]; /* by number */
    uint32_t matcher_count;
    wire_matcher matchers
        [VENUE_MAX_MATCHERS]; /* with `whole`: what instances say of themselves, the first so many; surely those of shards that don't run */
} venue_shards;

/* `whole`: waits longer for JetStream's word, for who has to reach every shard, and asks each matcher what it is doing. TW_NOT_FOUND: no venue of this name is there; the text
 * says what to do. */
tw_code venue_shards_find(venue_link *link, const char *mic, bool whole, venue_shards *shards, tw_error *error);
/* True if a leader of each was heard. */
bool venue_shards_all_run(const venue_shards *shards);
const venue_shard *venue_shards_get(const venue_shards *shards, uint32_t number); /* NULL: no such shard */
/* Asks each shard that runs for its trading day. TW_AWAY names one that does not answer. */
tw_code venue_shards_days(venue_link *link, const char *mic, int64_t timeout_ns, venue_shards *shards,
                          tw_error *error);

typedef struct venue_entry {
    char symbol[TW_SYMBOL_BYTES];
    uint32_t shard;
    int32_t price_exponent, quantity_exponent;
    int64_t tick;
    uint64_t lot;
    tw_trading_state trading;
    tw_book_state state;
    int64_t reference; /* TW_PRICE_ABSENT until venue_directory_references tells it, and where there is none */
} venue_entry;

/* In the order of symbols, then shards. */
typedef struct venue_directory {
    venue_entry *entries;
    size_t count, capacity;
} venue_directory;

/* All instruments of the shards that run. A shard that does not answer within `timeout_ns` is TW_AWAY. */
tw_code venue_directory_read(venue_link *link, const char *mic, const venue_shards *shards, int64_t timeout_ns,
                             venue_directory *directory, tw_error *error);
/* Where it lives: an entry that is not closed before one that is (while an instrument moves it is in two). NULL: unknown. What is closed or blocked is
 * listed where it lives; what has moved away is not. */
const venue_entry *venue_directory_find(const venue_directory *directory, const char *symbol);
/* Its entry of any shard but this one; NULL: there is none. */
const venue_entry *venue_directory_elsewhere(const venue_directory *directory, const char *symbol, uint32_t shard);
/* The nearest name, for "did you mean"; NULL if none is near. */
const char *venue_directory_nearest(const venue_directory *directory, const char *symbol);
/* Fills in the entries' reference prices: of instruments that have a collar. Who does not answer in time leaves them absent. */
tw_code venue_directory_references(venue_link *link, const char *mic, const venue_shards *shards,
                                   int64_t timeout_ns, venue_directory *directory, tw_error *error);
void venue_directory_fini(venue_directory *directory);

#endif
