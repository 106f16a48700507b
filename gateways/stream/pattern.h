/*
 * Patterns of subjects that a client may name: tokens parted by dots, '*' for one token, '>' for one or more at the end.
 * Pure text; what matches a concrete subject is subject_matches (proto/subject.h).
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_PATTERN_H
#define TICKWIRE_GATEWAYS_STREAM_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/market.h"
#include "proto/subject.h"

/* NULL if clients may subscribe to it, else what is wrong with it, for people. Static storage. */
const char *pattern_fault(const char *pattern);

/* "XNAS.*.orderbook.100ms" is a name for "XNAS.*.orderbook" with that interval: cuts it to that and returns the
 * milliseconds; 0: it names no tier and stays. */
uint32_t pattern_take_tier(char *pattern);

bool pattern_is_wild(const char *pattern);

/* True if some subject matches both. Where one is what a client wants and the other what it may read, the answer for a
 * wildcard is whether anything of it is left, and for a concrete subject whether it is allowed. */
bool pattern_overlaps(const char *a, const char *b);

/* Which exchange's which channels a pattern can match. */
typedef struct pattern_reach {
    char mic[TW_MIC_BYTES]; /* "" for any, SUBJECT_AGGREGATE for what is over all exchanges */
    uint32_t channels;      /* bits 1 << subject_channel; 0: feeds only */
} pattern_reach;
pattern_reach pattern_reach_of(const char *pattern);

#endif
