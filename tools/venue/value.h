/*
 * Amounts, parts and times as a person writes them in a venue file or on the command line. Pure.
 *
 * Numbers are exact decimals; nothing is rounded: "187.205" is no price with two decimals. Quantities and money may end in k, M or G
 * (thousands, millions, thousand millions).
 */
#ifndef TICKWIRE_TOOLS_VENUE_VALUE_H
#define TICKWIRE_TOOLS_VENUE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "proto/venue.h"

/* "187.20", "2.5M" at the scale of `exponent`. */
bool venue_amount_parse(const char *text, int32_t exponent, int64_t *value);
/* "10%", "0.05%", "25ppm", to parts per million; a sign is taken where there may be one. */
bool venue_ppm_parse(const char *text, int64_t *ppm);
/* "250ms", "5s", "2m", "1h"; "0" is 0. */
bool venue_duration_parse(const char *text, int64_t *span_ns);
/* "21:00", "21:00:00" (UTC, of `date`; "24:00" is its end), or "2026-11-21T21:00:00Z". */
bool venue_instant_parse(const char *text, tw_date date, int64_t *instant_ns);

/* Money has 128 bits; at the scale of `exponent`, as tw_decimal_format. */
#define VENUE_MONEY_BYTES 64
void venue_money_format(char text[VENUE_MONEY_BYTES], wire_money value, int32_t exponent);

/* Part `index` (from 0) of `parts` of a whole that can't be cut further than to ones: what is left over goes to the first parts. */
uint64_t venue_share(uint64_t whole, uint32_t parts, uint32_t index);
wire_money venue_share_money(wire_money whole, uint32_t parts, uint32_t index);

#endif
