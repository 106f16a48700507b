/*
 * What comes out of the engine: fixed-size plain reports, in order, into memory of the caller.
 *
 * Every command is answered by at least one report. `n` counts the reports of one input sequence from 0 on, over all commands of a
 * batch: {shard}-{seq}-{n} is an execution's id, the same at every replica.
 *
 * A trade is two reports, the aggressor's first, the resting order's right after it with the next `n`.
 */
#ifndef TICKWIRE_MATCHER_CORE_REPORT_H
#define TICKWIRE_MATCHER_CORE_REPORT_H

#include "matcher/core/reason.h"
#include "matcher/core/types.h"

typedef enum mx_report_kind {
    MX_ACCEPTED = 0,  /* the order is in; what it does at once follows */
    MX_REJECTED = 1,  /* a new order was refused */
    MX_FILL = 2,      /* last_price and last_quantity; status FILLED if nothing is left */
    MX_CANCELLED = 3, /* the order has ended, with its reason */
    MX_EXPIRED = 4,   /* likewise, by time */
    MX_REPLACED = 5,  /* the fields are the new ones */
    MX_TRIGGERED = 6, /* a stop has become a live order */
    MX_RESTATED = 7,  /* changed without having been asked to: SELF_TRADE (smaller), ICEBERG_REFRESH (shown anew) */
    MX_CANCEL_REJECTED = 8,
    MX_REPLACE_REJECTED = 9, /* the order is what it was */
    MX_MASS_CANCELLED = 10,  /* after the orders' own reports: `quantity` of them */
    MX_STATE_CHANGED = 11,   /* an instrument's; `state` is the new one */
    MX_DONE = 12,            /* a control command took effect */
    MX_REFUSED = 13,         /* a control command was refused, nothing changed */
    MX_SESSION_ENDED = 14,   /* after its orders' own reports: closed, or lost */
    MX_DAY_ENDED = 15,       /* after its orders' own reports */
    MX_REPORT_KINDS
} mx_report_kind;

typedef enum mx_liquidity { MX_LIQUIDITY_NONE = 0, MX_MAKER = 1, MX_TAKER = 2 } mx_liquidity;

typedef struct mx_report {
    uint64_t seq;      /* the input's */
    uint32_t index;    /* of the command in it */
    uint32_t n;        /* of this report in it */
    int64_t event_ns;  /* the engine's time */
    int64_t stream_ns; /* the input's own timestamp */
    uint8_t kind;      /* mx_report_kind */
    uint8_t command;   /* mx_command_kind of what caused it */
    uint8_t status;    /* mx_order_status after it */
    uint8_t side;
    uint8_t type;
    uint8_t tif;
    uint8_t liquidity; /* mx_liquidity */
    uint8_t state;     /* mx_state: MX_STATE_CHANGED */
    uint16_t reason;   /* mx_reason */
    bool duplicate; /* a repeated client order id: this is what was answered first, with the order's state of now */
    uint8_t unused[5];
    uint32_t account;    /* MX_UNKNOWN if there is none */
    uint32_t instrument; /* likewise */
    uint64_t order_id;   /* 0 if there is none */
    uint64_t counter_id; /* MX_FILL: the other order. For audit and clearing, not for the client */
    uint64_t session;    /* MX_SESSION_ENDED and answers to session commands: which one; orders: theirs, or 0 */
    int64_t price;       /* the order's limit (market and stop: the protection band's), TW_PRICE_ABSENT if none */
    int64_t stop_price;
    uint64_t quantity; /* of the order in all; MX_MASS_CANCELLED: of orders */
    uint64_t leaves;   /* still to be executed: 0 once it has ended */
    uint64_t shown;    /* of that, what stands in the public book; 0 while it does not rest */
    uint64_t executed;
    int64_t average_price; /* of what was executed, rounded half up; TW_PRICE_ABSENT before the first execution */
    int64_t last_price;
    uint64_t last_quantity;
    mx_client_id client_id;
    mx_money executed_notional; /* exactly what average_price rounds */
    mx_money fee;               /* MX_FILL: what this side pays, below 0 a rebate */
} mx_report;

_Static_assert(sizeof(mx_report) == 224, "no padding: reports can be compared and copied as bytes");

/* Where reports go. When `count` reaches `capacity` (at least 1) and there is more to say, the engine calls `full`, which takes the
 * reports away and sets `count` to 0. */
typedef struct mx_sink {
    mx_report *reports; /* the caller's */
    uint32_t capacity;
    uint32_t count;
    void (*full)(struct mx_sink *sink, void *context);
    void *context;
} mx_sink;

const char *mx_report_kind_name(mx_report_kind kind); /* "ACCEPTED"; "?" out of range */
const char *mx_order_status_name(mx_order_status status);
const char *mx_state_name(mx_state state);
const char *mx_type_name(mx_type type);
const char *mx_tif_name(mx_tif tif);
const char *mx_stp_name(mx_stp stp);

/* {shard}-{seq}-{n}. `capacity` of MX_EXECUTION_ID_BYTES always suffices. */
#define MX_EXECUTION_ID_BYTES 48
void mx_execution_id(char *target, size_t capacity, uint32_t shard, const mx_report *report);

#endif
