/*
 * Exchanges that stand apart (--apart): a venue for tests, a simulation, whatever has prices of its own under names that others have, too. They have
 * last values and candles, but count in nothing that is over all exchanges.
 */
#ifndef TICKWIRE_AGGREGATOR_APART_H
#define TICKWIRE_AGGREGATOR_APART_H

#include <stdbool.h>
#include <string.h>

#include "base/market.h"

/* `list`: MICs separated by commas; "" or NULL: none. */
static inline bool apart_has(const char *list, const char *mic) {
    size_t length = TW_MIC_BYTES - 1;
    for (const char *at = list; at != NULL && strnlen(at, length) == length; at += length + 1) {
        if (strncmp(at, mic, length) == 0 && mic[length] == '\0') return true;
        if (at[length] != ',') return false;
    }
    return false;
}

#endif
