/*
 * What goes into the engine: one struct for each thing that the order stream can carry.
 *
 * An input of the stream may hold many commands (a batch): `index` counts them. The stream's sequence is the engine's order and the
 * stream's timestamp its clock: the engine's time is the greatest timestamp that it has seen.
 */
#ifndef TICKWIRE_MATCHER_CORE_COMMAND_H
#define TICKWIRE_MATCHER_CORE_COMMAND_H

#include "matcher/core/types.h"

typedef struct mx_input {
    uint64_t seq;      /* of the stream; never below the last one's */
    uint32_t index;    /* of the command in the batch */
    int64_t stream_ns; /* the server's timestamp of the message */
} mx_input;

/* A new order's id is given by the caller: MX_ORDER_ID of where it stands in the stream. It only has to be unique among live
 * orders; the engine takes nothing from its bits. A batch has at most 65,536 commands. */
#define MX_ORDER_ID(seq, index) ((uint64_t)(seq) << 16 | (uint16_t)(index))

typedef struct mx_new_order {
    uint64_t order_id;
    uint32_t account;
    uint32_t instrument;
    uint8_t side; /* tw_side */
    uint8_t type; /* mx_type */
    uint8_t tif;  /* mx_tif */
    uint8_t stp;  /* mx_stp */
    bool post_only;
    int64_t price;      /* limits; TW_PRICE_ABSENT for market and stop */
    int64_t stop_price; /* stops; TW_PRICE_ABSENT for others */
    uint64_t quantity;
    uint64_t display;  /* iceberg: how much is shown at a time; 0: all */
    uint64_t minimum;  /* executed at once, or the order is cancelled; 0: none */
    int64_t expire_ns; /* MX_GTD; 0 for others */
    uint64_t session;  /* cancelled when this session ends; 0: none */
    mx_client_id client_id;
} mx_new_order;

/* Which order: by its id, or, if that is 0, by what its owner called it today. */
typedef struct mx_target {
    uint64_t order_id;
    mx_client_id client_id;
    uint32_t account;
    uint32_t instrument;
} mx_target;

typedef struct mx_cancel {
    mx_target target;
} mx_cancel;

#define MX_SAME UINT64_MAX /* a quantity that stays as it is */

/* A smaller quantity alone keeps the order's priority; anything else loses it, even if nothing changes. */
typedef struct mx_replace {
    mx_target target;
    uint64_t quantity;  /* in all, what was executed included; or MX_SAME */
    bool open_only;     /* `quantity` is what shall still be executed */
    int64_t price;      /* TW_PRICE_ABSENT: the same */
    int64_t stop_price; /* likewise */
    uint64_t display;   /* or MX_SAME; 0: all is shown */
} mx_replace;

typedef struct mx_mass_cancel {
    uint32_t account;    /* or MX_EVERY (control only) */
    uint32_t instrument; /* or MX_EVERY */
    uint8_t sides;       /* tw_sides */
} mx_mass_cancel;

/* Several ticks by price: a band begins at its `from` and ends where the next one begins. The first begins at 0. Ticks do not fall,
 * each is a multiple of the first, and a `from` is a multiple of the ticks on both sides of it. */
typedef struct mx_tick_band {
    int64_t from;
    int64_t tick;
} mx_tick_band;

/* A definition may be repeated to change it; tick and lot only while no order is open in the instrument. A new instrument is CLOSED. */
typedef struct mx_define_instrument {
    uint32_t instrument; /* its number: the next one that is not taken, or one that is */
    char symbol[TW_SYMBOL_BYTES];
    int32_t price_exponent;
    int32_t quantity_exponent;
    uint32_t tick_bands; /* 1 to MX_TICK_BANDS */
    mx_tick_band ticks[MX_TICK_BANDS];
    uint64_t lot;            /* quantities are multiples of it */
    uint32_t collar_ppm;     /* limit prices within so much of the reference price; 0: no collar */
    uint32_t protection_ppm; /* market orders within so much of the touch */
    int64_t reference_price; /* TW_PRICE_ABSENT: as it is */
} mx_define_instrument;

typedef struct mx_define_account {
    uint32_t account; /* its number: the next one that is not taken, or one that is */
    char name[MX_ACCOUNT_BYTES];
    uint8_t fee_class; /* 0 to MX_FEE_CLASSES - 1 */
} mx_define_account;

/* What an account may do at this shard. MX_UNLIMITED where a number says so; 0 is a limit of 0, but for concentration. */
typedef struct mx_limits {
    uint32_t account;
    uint64_t order_quantity;
    mx_money order_notional; /* money limits: 0 to MX_MONEY_MAX */
    mx_money funds;          /* what it may spend in all; sales add to it */
    mx_money exposure;       /* open orders and positions of all instruments, each at its cost */
    uint64_t position;       /* of one instrument, long or short, with all open orders of one side executed */
    uint32_t
        concentration_ppm; /* of `funds` in one instrument; 0: the default of 200,000; above MX_PPM: no limit */
    uint32_t collar_ppm;   /* buys this far above the reference price, sells below it; 0: no collar */
    uint32_t open_orders;
    uint32_t rate_per_second; /* messages; 0: no limit */
    uint32_t rate_burst;      /* messages at once; at least 1 is allowed */
    int64_t duplicate_ns;     /* the account's next order may not be the same within this time; 0: no check */
} mx_limits;

/* In ppm of the notional, below 0 a rebate, and in money per unit of quantity; rounded half away from 0. */
typedef struct mx_fees {
    uint8_t fee_class;
    int32_t maker_ppm;
    int32_t taker_ppm;
    int64_t maker_per_unit;
    int64_t taker_per_unit;
} mx_fees;

/* MX_MOVED is of one instrument, which lives on another shard from then on; said of every one it is no state. Every state of every instrument passes it
 * over. Said of it alone, only MX_CLOSED brings it back: any other but MX_MOVED is refused (MXR_MOVED), so that who doesn't know of the move opens nothing. */
typedef struct mx_set_state {
    uint32_t instrument; /* or MX_EVERY */
    uint8_t state;       /* mx_state */
} mx_set_state;

typedef struct mx_set_reference {
    uint32_t instrument;
    int64_t price;
} mx_set_reference;

/* Begins a trading day; one that is open ends first. Client order ids are remembered until the next begins. */
typedef struct mx_begin_day {
    uint32_t date; /* 20260102 */
    int64_t end_ns;
} mx_begin_day;

/* New orders and replaces are refused. With both account and instrument: the account in that instrument. */
typedef struct mx_block {
    uint32_t account;    /* or MX_EVERY */
    uint32_t instrument; /* or MX_EVERY; both MX_EVERY is refused: that is what the kill switch is for */
    bool on;
} mx_block;

/* As a block, and what is open is cancelled. */
typedef struct mx_kill {
    uint32_t account; /* or MX_EVERY */
    bool on;
} mx_kill;

/* Storage of the journal runs short: what adds to it beyond need (new orders, replaces) is refused, cancels are not. */
typedef struct mx_storage {
    bool low;
} mx_storage;

#define MX_TIMEOUT_MAX_NS (INT64_C(24) * 3600 * 1000000000)

typedef struct mx_session {
    uint64_t session;   /* not 0 */
    int64_t timeout_ns; /* opening: silent for so long, it is lost; 1 to MX_TIMEOUT_MAX_NS */
} mx_session;

/* How much there may be at one time, and of one input. As a command: what is 0 stays as it is, the shard is not looked at. What is there
 * already stays: with less in force nothing new comes until there is room. */
typedef struct mx_bounds {
    uint32_t shard;           /* names this engine in ids */
    uint32_t max_instruments; /* 1 to 2^20 */
    uint32_t max_accounts;    /* 1 to 2^20 */
    uint32_t max_positions;   /* accounts times the instruments each has ever sent an order for, 1 to 2^24 */
    uint32_t max_orders;      /* open at once, 1 to 2^24 */
    uint32_t max_pages;       /* a page holds 64 neighbouring prices of one side, about 2 KiB; 1 to 2^24 */
    uint32_t max_client_ids;  /* remembered in one trading day, 1 to 2^28 */
    uint32_t max_sessions;    /* open at once, 1 to 2^20 */
    uint32_t max_reports;     /* of one input, but for what only ends orders: 4 to 2^28 */
    uint32_t
        max_steps; /* orders, prices, accounts that one input has looked at for nothing else: 1 to 2^28. Needs no memory */
} mx_bounds;

typedef enum mx_command_kind {
    MX_NEW_ORDER = 0,
    MX_CANCEL,
    MX_REPLACE,
    MX_MASS_CANCEL,
    MX_CLOCK, /* nothing but time */
    MX_DEFINE_INSTRUMENT,
    MX_DEFINE_ACCOUNT,
    MX_SET_LIMITS,
    MX_SET_FEES,
    MX_SET_STATE,
    MX_SET_REFERENCE,
    MX_BEGIN_DAY,
    MX_SET_BLOCK,
    MX_SET_KILL,
    MX_SESSION_OPEN,
    MX_SESSION_BEAT,
    MX_SESSION_CLOSE,
    MX_SET_STORAGE,
    MX_SET_BOUNDS,
    MX_COMMANDS
} mx_command_kind;

typedef struct mx_command {
    uint8_t kind; /* mx_command_kind */
    union {
        mx_new_order order;
        mx_cancel cancel;
        mx_replace replace;
        mx_mass_cancel mass_cancel;
        mx_define_instrument define_instrument;
        mx_define_account define_account;
        mx_limits limits;
        mx_fees fees;
        mx_set_state set_state;
        mx_set_reference set_reference;
        mx_begin_day begin_day;
        mx_block block;
        mx_kill kill;
        mx_storage storage;
        mx_session session;
        mx_bounds bounds;
    };
} mx_command;

#endif
