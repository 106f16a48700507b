/*
 * The vocabulary of the field: what every stage of the path calls the same thing.
 * Plain values only; no behaviour beyond names for printing (market.c).
 */
#ifndef TICKWIRE_BASE_MARKET_H
#define TICKWIRE_BASE_MARKET_H

#include <stdbool.h>
#include <stdint.h>

/* A price is a signed integer scaled by the instrument's decimal exponent (ITCH: -4, so 1891200 is
 * 189.1200). "No price" has a value of its own and is never 0: 0 and below are prices in some markets. */
#define TW_PRICE_ABSENT INT64_MIN

/* "No time": an event whose source carries none. */
#define TW_TIME_ABSENT INT64_MIN

#define TW_MIC_BYTES    5  /* ISO 10383 code, four characters and NUL */
#define TW_SYMBOL_BYTES 33 /* the exchange's own symbol, at most 32 bytes, NUL terminated, not escaped */
#define TW_EPOCH_BYTES  40 /* see tw_epoch in design: "2020-01-30.SESSION" */
#define TW_MAX_DEPTH    64 /* the most levels a side that any channel may carry */

/*
 * The term of a leader: the greater one is believed, so one that nobody could exceed must not be. By the clock it is
 * milliseconds since 1970; ten years ahead of that leaves room for clocks that are wrong. Receivers believe
 * a year more than publishers do, so that a publisher that has to outbid such a term is still believed.
 */
#define TW_TERM_YEAR_MS (INT64_C(366) * 24 * 3600 * 1000)
static inline uint64_t tw_term_most(int64_t utc_ns) {
    return (uint64_t)(utc_ns / 1000000 + 10 * TW_TERM_YEAR_MS);
}
static inline uint64_t tw_term_most_believed(int64_t utc_ns) {
    return tw_term_most(utc_ns) + TW_TERM_YEAR_MS;
}

typedef enum tw_side { TW_BID = 0, TW_ASK = 1 } tw_side;

/* A set of sides: which of a book's a change touched. */
typedef enum tw_sides { TW_SIDES_BID = 1, TW_SIDES_ASK = 2, TW_SIDES_BOTH = 3 } tw_sides;

static inline tw_sides tw_sides_of(tw_side side) {
    return side == TW_BID ? TW_SIDES_BID : TW_SIDES_ASK;
}

/* Who started a trade. A hidden execution may not tell. */
typedef enum tw_aggressor { TW_AGGRESSOR_UNKNOWN = 0, TW_AGGRESSOR_BUY = 1, TW_AGGRESSOR_SELL = 2 } tw_aggressor;

/* One price level as it travels: all the quantity that rests at a price, and in how many orders. */
typedef struct tw_level {
    int64_t price;
    uint64_t quantity;
    uint32_t orders;
} tw_level;

/* Whether a book may be trusted. Ordered by badness: the worse of two is the larger. */
typedef enum tw_book_state {
    TW_BOOK_OK = 0,
    TW_BOOK_CLOSED = 1,     /* the session has ended; the last state is right and final */
    TW_BOOK_RECOVERING = 2, /* something is missing and may still be had */
    TW_BOOK_STALE = 3       /* something is missing and will not come */
} tw_book_state;

/* Why a book is not OK. */
typedef enum tw_state_cause {
    TW_CAUSE_NONE = 0,
    TW_CAUSE_STARTING = 1,       /* no message has come yet */
    TW_CAUSE_MID_SESSION = 2,    /* joined in the middle of a session: what came before is unknown */
    TW_CAUSE_GAP = 3,            /* messages are missing and waited for */
    TW_CAUSE_GAP_NOT_FILLED = 4, /* messages are missing and given up */
    TW_CAUSE_LINE_SILENT = 5,    /* nothing, not even a heartbeat, for longer than the limit */
    TW_CAUSE_LINE_DOWN = 6,      /* the source is closed or failed */
    TW_CAUSE_MALFORMED = 7,      /* bytes that break the feed's format were passed over */
    TW_CAUSE_UNKNOWN_ORDER = 8,  /* a message refers to an order that was never seen */
    TW_CAUSE_INCONSISTENT = 9,   /* a message contradicts the book (executes more than rests, adds a known id) */
    TW_CAUSE_CAPACITY = 10,      /* a memory bound was reached; the book was given up */
    TW_CAUSE_UNSEQUENCED = 11,   /* the recording's sequence numbers were removed: loss can't be seen */
    TW_CAUSE_END_OF_SESSION = 12,
    TW_CAUSE_BUS_AWAY = 13,     /* receiver side: not connected to the bus */
    TW_CAUSE_FEED_SILENT = 14,  /* receiver side: the publisher's feed status has stopped */
    TW_CAUSE_CHAIN_BROKEN = 15, /* receiver side: an update is missing, a snapshot is awaited */
    TW_CAUSE_CHECKSUM = 16      /* receiver side: the checksum does not match, a snapshot is awaited */
} tw_state_cause;

/* The exchange's trading state of an instrument. */
typedef enum tw_trading_state {
    TW_TRADING_UNKNOWN = 0,
    TW_TRADING_PRE_OPEN = 1,
    TW_TRADING_OPEN = 2,
    TW_TRADING_QUOTATION_ONLY = 3,
    TW_TRADING_PAUSED = 4,
    TW_TRADING_HALTED = 5,
    TW_TRADING_CLOSED = 6
} tw_trading_state;

/* Short-sale price restriction (Regulation SHO rule 201). */
typedef enum tw_short_sale {
    TW_SHORT_SALE_UNKNOWN = 0,
    TW_SHORT_SALE_NONE = 1,
    TW_SHORT_SALE_INTRADAY = 2, /* in effect since an intraday price drop */
    TW_SHORT_SALE_CARRIED = 3   /* still in effect from an earlier day */
} tw_short_sale;

typedef enum tw_print_kind {
    TW_PRINT_TRADE = 0,  /* a displayed order was executed */
    TW_PRINT_HIDDEN = 1, /* a non-displayed order was executed */
    TW_PRINT_CROSS = 2,  /* an auction or cross */
    TW_PRINT_BREAK = 3   /* an earlier print (same match id) is void */
} tw_print_kind;

typedef enum tw_cross_kind {
    TW_CROSS_NONE = 0,
    TW_CROSS_OPENING = 1,
    TW_CROSS_CLOSING = 2,
    TW_CROSS_HALT_IPO = 3,
    TW_CROSS_INTRADAY = 4,
    TW_CROSS_EXTENDED = 5 /* extended trading close */
} tw_cross_kind;

/* One line of the tape. (seq, index) is unique in an epoch: `index` counts prints of one source message. */
typedef struct tw_print {
    uint64_t seq;
    uint32_t index;
    tw_print_kind kind;
    tw_cross_kind cross;
    tw_aggressor aggressor;
    int64_t price; /* TW_PRICE_ABSENT for a break */
    uint64_t quantity;
    uint64_t match_id;
    uint64_t order_id; /* the resting order, 0 where the feed does not tell */
    int64_t event_ns;
} tw_print;

typedef enum tw_imbalance_direction {
    TW_IMBALANCE_NONE = 0,
    TW_IMBALANCE_BUY = 1,
    TW_IMBALANCE_SELL = 2,
    TW_IMBALANCE_INSUFFICIENT = 3, /* not enough orders to calculate */
    TW_IMBALANCE_PAUSED = 4
} tw_imbalance_direction;

typedef struct tw_imbalance {
    tw_cross_kind cross;
    tw_imbalance_direction direction;
    uint64_t paired_quantity;
    uint64_t imbalance_quantity;
    int64_t far_price;       /* TW_PRICE_ABSENT where the feed has none */
    int64_t near_price;      /* likewise */
    int64_t reference_price; /* likewise */
    char variation;          /* price variation indicator as the exchange codes it, 0 if none */
} tw_imbalance;

/* What an exchange says of an instrument at the start of a day. */
typedef struct tw_instrument {
    char symbol[TW_SYMBOL_BYTES];
    char name[64];
    int32_t price_exponent;
    int32_t quantity_exponent;
    int64_t tick;       /* smallest price step, scaled by price_exponent; 0 unknown */
    uint64_t round_lot; /* scaled by quantity_exponent; 0 unknown */
    uint32_t locate;    /* the feed's own number for it today */
    bool test;          /* the exchange's test symbol: not real trading */
    char market;        /* listing market category as the exchange codes it, 0 unknown */
    uint64_t version;   /* rises with each change of these fields in an epoch */
} tw_instrument;

/* Which source message something comes from: travels with every change on its way to the publisher. */
typedef struct tw_stamp {
    uint64_t seq;       /* the source's sequence number */
    int64_t event_ns;   /* the exchange's time, UTC */
    int64_t receive_ns; /* the packet's arrival, UTC */
} tw_stamp;

/* Names for logs, JSON and tests ("OK", "GAP_NOT_FILLED", …). Static storage; "?" for a value out of range. */
const char *tw_book_state_name(tw_book_state state);
const char *tw_state_cause_name(tw_state_cause cause);
const char *tw_trading_state_name(tw_trading_state state);
const char *tw_short_sale_name(tw_short_sale restriction);
const char *tw_print_kind_name(tw_print_kind kind);
const char *tw_cross_kind_name(tw_cross_kind kind);
const char *tw_aggressor_name(tw_aggressor aggressor);
const char *tw_imbalance_direction_name(tw_imbalance_direction direction);

/* The worse of two states. */
static inline tw_book_state tw_book_state_worse(tw_book_state a, tw_book_state b) {
    return a > b ? a : b;
}

#endif
