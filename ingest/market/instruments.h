/*
 * The day's instruments: from the exchange's symbol or the feed's locate code to a small dense number.
 *
 * Numbers are given in the order of first sight and hold for one trading day. All memory is taken at init.
 */
#ifndef TICKWIRE_INGEST_MARKET_INSTRUMENTS_H
#define TICKWIRE_INGEST_MARKET_INSTRUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "base/market.h"

#define INSTRUMENT_NONE    UINT32_MAX
#define INSTRUMENT_LOCATES 65536u

typedef struct instruments {
    uint32_t capacity;
    uint32_t count;
    tw_instrument *entries; /* by number */
    tw_map by_symbol;
    uint32_t *by_locate; /* INSTRUMENT_LOCATES numbers, INSTRUMENT_NONE if unknown */
    uint64_t refused;    /* symbols turned away because `capacity` was reached */
} instruments;

/* TW_INVALID for a capacity of 0; TW_NO_MEMORY. */
tw_code instruments_init(instruments *set, uint32_t capacity, tw_error *error);
void instruments_fini(instruments *set);

/* A new day: everything is forgotten. */
void instruments_clear(instruments *set);

/* The number of a symbol, INSTRUMENT_NONE if it was not seen today. */
uint32_t instruments_find(const instruments *set, const char *symbol);

/* The number of a symbol, new if need be (*added tells). INSTRUMENT_NONE if the set is full or the symbol is empty or
 * too long. A new entry has the symbol and `price_exponent`; everything else is 0. */
uint32_t instruments_take(instruments *set, const char *symbol, int32_t price_exponent, bool *added);

/* Locate codes are the feed's own numbers, remapped every day. */
void instruments_bind_locate(instruments *set, uint16_t locate, uint32_t instrument);
static inline uint32_t instruments_by_locate(const instruments *set, uint16_t locate) {
    return set->by_locate[locate];
}

#endif
