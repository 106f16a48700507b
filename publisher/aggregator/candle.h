/*
 * One candle: what a set of prints comes to. Pure arithmetic, exact: no rounding anywhere but in candle_vwap.
 *
 * The result depends on the set of prints alone, not on the order in which they came: open is the price of the earliest
 * print and close that of the latest by their places (exchange's time, then venue, source message, index).
 *
 * Scales. Prices and quantities are integers with decimal exponents; a candle has the finest of those that its prints came
 * with, and is rescaled, exactly, when a finer one comes. What no integer of its width can hold is refused.
 */
#ifndef TICKWIRE_AGGREGATOR_CANDLE_H
#define TICKWIRE_AGGREGATOR_CANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/market.h"

__extension__ typedef __int128
    candle_sum; /* below 2^127: a day of the largest prints that 64 bits can hold is not */

/* Where a print stands in time. A total order. */
typedef struct candle_place {
    int64_t event_ns;
    uint64_t seq;
    uint32_t index;
    uint32_t venue; /* the MIC's four bytes as a number: sorts as the name does */
} candle_place;

typedef struct candle_print {
    candle_place at;
    int64_t price;
    uint64_t quantity; /* > 0 */
    int32_t price_exponent, quantity_exponent;
} candle_print;

typedef struct candle {
    candle_sum turnover;            /* sum of price times quantity */
    int64_t start_ns, end_ns;       /* [start, end) */
    int64_t open, high, low, close; /* meaningful while count > 0 */
    uint64_t volume, count;
    candle_place first, last; /* of open and close */
    int32_t price_exponent, quantity_exponent;
    bool final, incomplete; /* the owner's */
} candle;

void candle_start(candle *candle, int64_t start_ns, int64_t end_ns); /* without prints */

/* Folds a print in. False: a number would not hold the result; the candle is as before. */
bool candle_add(candle *candle, const candle_print *print);

/* Takes a print back that was folded in: sums and count. True: the prices are right, too. False: they may be the broken
 * print's; only candle_rebuild can tell. */
bool candle_remove(candle *candle, const candle_print *print);
/* Nothing but start, end, scales and the owner's flags stays: the prints that are left are folded in again. */
void candle_rebuild(candle *candle);

/* turnover / volume at price_exponent, rounded half to even. TW_PRICE_ABSENT without prints. */
int64_t candle_vwap(const candle *candle);

#endif
