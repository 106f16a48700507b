/*
 * Books and instruments as a GLIMPSE 5.0 snapshot (ingest/decode/glimpse.h).
 *
 * The whole snapshot is written in one call, because books go on changing; where the messages are kept until a slow
 * client has taken them is the caller's business. Not for the hot path: scratch memory is taken and given back.
 *
 * What the books do not know is written as "not said": an order's attribution (F becomes A), its time (the
 * snapshot's), and of the directory everything but symbol, round lot, market category and test flag.
 */
#ifndef TICKWIRE_INGEST_MARKET_GLIMPSE_WRITER_H
#define TICKWIRE_INGEST_MARKET_GLIMPSE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/market.h"
#include "ingest/market/instruments.h"
#include "orderbook/book.h"

/* What else is known of an instrument. */
typedef struct glimpse_status {
    tw_trading_state trading; /* one that ITCH can't say (UNKNOWN, PRE_OPEN, CLOSED): no message */
    char reason[5];           /* "" if none */
    bool operational_halt;    /* HALTED by the market's operations: said by an operational halt message */
    tw_short_sale short_sale; /* UNKNOWN: no message */
} glimpse_status;

typedef struct glimpse_input {
    const ob_books *books;
    const instruments *instruments;
    const glimpse_status *statuses; /* by instrument number; NULL: nothing is known */
    char system_event;              /* the last one of the day so far, 0 if none */
    uint64_t timestamp_ns;          /* since the session's midnight, for all messages */
    uint64_t join;                  /* the first ITCH message that is not in the books; at least 1 */
} glimpse_input;

/* Keeps one message; borrowed for the call. False ends the writing with TW_FULL. */
typedef bool (*glimpse_emit)(void *context, const uint8_t *bytes, size_t length);

/* System event; directory, trading action and Reg SHO of each instrument; every order of each instrument, bids before
 * asks, best price first, each level in priority; the end message.
 * TW_UNSUPPORTED: ITCH can't say it (a symbol beyond eight characters, an instrument with orders but no locate code, a
 * price or a quantity beyond 32 bits); TW_INVALID: join is 0; TW_FULL; TW_NO_MEMORY. Messages emitted before an error
 * are no snapshot. */
tw_code glimpse_write(const glimpse_input *input, glimpse_emit emit, void *context, tw_error *error);

#endif
