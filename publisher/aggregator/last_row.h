/*
 * One instrument's last values as Redis holds them: a hash whose fields are text, and the same as one JSON object for
 * the channel. Pure.
 *
 * Prices and sizes are exact decimals ("189.1200"), times nanoseconds since 1970. A value that is absent has no
 * field: HDEL in the hash, no member in the JSON object.
 */
#ifndef TICKWIRE_AGGREGATOR_LAST_ROW_H
#define TICKWIRE_AGGREGATOR_LAST_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/market.h"
#include "base/text.h"

typedef enum last_field {
    LAST_BID,
    LAST_BID_SIZE,
    LAST_ASK,
    LAST_ASK_SIZE,
    LAST_LAST,
    LAST_LAST_SIZE,
    LAST_SEQ,
    LAST_EVENT_NS,
    LAST_STATE,
    LAST_FIELDS
} last_field;
const char *last_field_name(last_field field); /* "bid", "bid_size", … */

#define LAST_ALL_FIELDS ((1u << LAST_FIELDS) - 1u)

/* Numbers as they came. A price of TW_PRICE_ABSENT has no size either. */
typedef struct last_numbers {
    int64_t bid, ask, last;
    uint64_t bid_size, ask_size, last_size;
    int32_t price_exponent, quantity_exponent;
    uint64_t seq;
    int64_t event_ns; /* TW_TIME_ABSENT: none */
    tw_book_state state;
} last_numbers;

typedef struct last_row {
    uint32_t present; /* bits 1 << last_field */
    size_t length[LAST_FIELDS];
    char text[LAST_FIELDS][TW_DECIMAL_BYTES]; /* "" where absent */
} last_row;

void last_row_make(last_row *row, const last_numbers *numbers);

#define LAST_JSON_BYTES 1024 /* always suffices */
/* {"bid":"189.1200",…}: the fields that are present, as strings, in the order above. Returns the length. */
size_t last_row_json(const last_row *row, char *text, size_t capacity);

#endif
