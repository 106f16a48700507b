/*
 * A crowd that trades: seeded, without a clock and without listening, so the same seed sends the same commands whatever the venue
 * answers. Pure.
 *
 * Each instrument has a price that walks by ticks around where it began and is drawn back to it. A quarter of the accounts make a
 * market: they keep quotes at several distances on both sides, replace and cancel them. The others take: orders that cross and go,
 * market orders now and then; some of theirs rest (limits, icebergs, stops) and are replaced or cancelled later. What has been executed
 * meanwhile the crowd does not know: then the venue refuses the cancel, as it does to people.
 *
 * Orders that may be changed later have a client order id: `tag`, a dash, a number. Tags of one trading day must differ.
 */
#ifndef TICKWIRE_TOOLS_CROWD_CROWD_H
#define TICKWIRE_TOOLS_CROWD_CROWD_H

#include "base/error.h"
#include "proto/venue.h"

#define VENUE_CROWD_MAX_ACCOUNTS 1000u
#define VENUE_CROWD_MAX_SYMBOLS  10000u
#define VENUE_CROWD_TAG_BYTES    17 /* at most 16 */

typedef struct venue_crowd venue_crowd;

typedef struct venue_crowd_instrument {
    char symbol[TW_SYMBOL_BYTES];
    int64_t price; /* where it begins; a multiple of the tick */
    int64_t tick;
    uint64_t lot;
} venue_crowd_instrument;

typedef struct venue_crowd_options {
    uint64_t seed;
    uint32_t accounts; /* 2 or more: one makes, one takes */
    const char *tag;
    const venue_crowd_instrument *instruments; /* copied */
    uint32_t instrument_count;
} venue_crowd_options;

/* TW_NO_MEMORY; TW_INVALID for counts or a tag out of bounds. */
tw_code venue_crowd_alloc(venue_crowd **crowd, const venue_crowd_options *options, tw_error *error);
void venue_crowd_free(venue_crowd *crowd); /* NULL is fine */

/* The next command, whole: account and symbol are in it. Returns the number of its instrument. */
uint32_t venue_crowd_next(venue_crowd *crowd, wire_order_command *command);

/* "crowd-7": the name of account number 6. */
void venue_crowd_account_name(char name[WIRE_ACCOUNT_BYTES], uint32_t number);
/* "AAPL" and other known names first, then S0025. */
void venue_crowd_symbol_name(char symbol[TW_SYMBOL_BYTES], uint32_t number);
/* Where a symbol's price begins if nobody says otherwise: between 10 and 500, in hundredths, by its name. */
int64_t venue_crowd_cents_of(const char *symbol);

#endif
