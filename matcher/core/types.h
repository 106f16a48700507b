/*
 * The words of the venue: what commands and reports are made of.
 *
 * Numbers. A price is a positive integer scaled by its instrument's exponent, a quantity an unsigned one; money is price times
 * quantity, in 128 bits, so that no sum of notionals can overflow. There is no floating point in this folder. "No price" is
 * TW_PRICE_ABSENT, never 0. Parts per million (ppm) are relative to a price or an amount of money.
 *
 * Accounts and instruments are small numbers that control commands define; whoever reads commands from subjects turns names into
 * numbers with mx_account_find and mx_instrument_find, and passes MX_UNKNOWN for a name that nobody defined: the engine then
 * refuses the command, with a report, so that every replica says the same.
 */
#ifndef TICKWIRE_MATCHER_CORE_TYPES_H
#define TICKWIRE_MATCHER_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/market.h"

typedef __int128 mx_money;

#define MX_UNKNOWN      UINT32_MAX                /* an account or instrument that is not defined */
#define MX_EVERY        (UINT32_MAX - 1)          /* in blocks, kills and mass cancels: all of them */
#define MX_UNLIMITED    UINT64_MAX                /* a limit that is known to be none */
#define MX_PRICE_MAX    INT64_C(1000000000000000) /* 10^15 */
#define MX_QUANTITY_MAX UINT64_C(1000000000000)   /* 10^12: the sum over all orders of a level fits 64 bits */
#define MX_POSITION_MAX (UINT64_C(1) << 62)       /* no position, with all open orders filled, may go beyond */
#define MX_MONEY_MAX    ((mx_money)1000000000000000 * 1000000000000000) /* 10^30: the most that a limit can say */
#define MX_PPM          1000000
#define MX_ICEBERG_PARTS                                                                                           \
    1000u /* an iceberg is shown in at most so many parts: each is reported, to all replicas and for ever */

#define MX_ACCOUNT_BYTES 33 /* a name of at most 32 bytes, NUL terminated */
#define MX_TICK_BANDS    8
#define MX_FEE_CLASSES   16

/* What a client calls its order: at most 40 bytes (a UUID has 36), padded with NUL; all NUL is none. */
typedef struct mx_client_id {
    uint64_t words[5];
} mx_client_id;

mx_client_id mx_client_id_of(const char *text); /* cut after 40 bytes */
bool mx_client_id_none(const mx_client_id *id);

typedef enum mx_type {
    MX_LIMIT = 0,
    MX_MARKET = 1,     /* executes at once, no farther from the touch than the protection band, never rests */
    MX_STOP = 2,       /* waits until the market trades at its stop price, then like a market order */
    MX_STOP_LIMIT = 3, /* likewise, then like a limit order */
    MX_TYPES           /* pegged and trailing orders get the next numbers */
} mx_type;

typedef enum mx_tif {
    MX_GTC = 0,
    MX_DAY = 1, /* until the instrument closes or the trading day ends */
    MX_GTD = 2, /* until a time */
    MX_IOC = 3, /* what does not execute at once is cancelled */
    MX_FOK = 4, /* all at once, or nothing */
    MX_TIFS
} mx_tif;

/* What happens instead of a trade between two orders of one account: the aggressor's mode decides. */
typedef enum mx_stp {
    MX_STP_NONE = 0,   /* they trade */
    MX_STP_NEWEST = 1, /* the aggressor is cancelled */
    MX_STP_OLDEST = 2, /* the resting one is cancelled, the aggressor goes on */
    MX_STP_BOTH = 3,
    MX_STP_DECREMENT = 4, /* both shrink by the smaller one's open quantity: that one is cancelled */
    MX_STPS
} mx_stp;

typedef enum mx_state {
    MX_PRE_OPEN = 0,   /* orders gather, nothing trades */
    MX_CONTINUOUS = 1, /* everything */
    MX_HALTED = 2,     /* cancels only */
    MX_CLOSED = 3,     /* cancels only; entering it ends the instrument's DAY orders */
    MX_MOVED =
        4, /* it lives on another shard: as CLOSED, and only MX_CLOSED, said of it alone, ends it (mx_set_state) */
    MX_STATES /* auctions get the next numbers */
} mx_state;

typedef enum mx_order_status {
    MX_STATUS_NONE = 0,    /* no order came to be */
    MX_STATUS_WAITING = 1, /* a stop that has not been triggered */
    MX_STATUS_OPEN = 2,
    MX_STATUS_FILLED = 3,
    MX_STATUS_CANCELLED = 4
} mx_order_status;

#endif
