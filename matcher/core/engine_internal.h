/*
 * What the engine's own files share: the tables one `mx_engine` is made of, and which file does what to them.
 *
 * Rows of all tables count from 1, so that 0 is "none" in memory that starts as zero, but for accounts and instruments, whose
 * numbers the outside gives.
 */
#ifndef TICKWIRE_MATCHER_CORE_ENGINE_INTERNAL_H
#define TICKWIRE_MATCHER_CORE_ENGINE_INTERNAL_H

#include "base/assert.h"
#include "base/map.h"
#include "matcher/core/engine.h"
#include "matcher/core/id_map.h"
#include "matcher/core/ladder.h"

#define NO_ROW 0u

/* Which ladder of its instrument: orders by tw_side, waiting stops behind them. A buy waits for the price to rise, so the lowest stop
 * comes first, as among asks. */
enum { LADDER_BIDS = TW_BID, LADDER_ASKS = TW_ASK, LADDER_SELL_STOPS = 2, LADDER_BUY_STOPS = 3, LADDERS = 4 };

typedef enum order_place { PLACE_NONE = 0, PLACE_BOOK = 1, PLACE_STOPS = 2 } order_place;

/* What matching touches, one cache line. What it does not is in order_rest with the same number. */
typedef struct order {
    uint64_t id; /* 0 while free; first, for id_map */
    int64_t price;
    uint64_t leaves;
    uint64_t shown; /* 0 while it does not rest */
    uint64_t executed;
    uint32_t next; /* towards the end of the queue; free: the next free row */
    uint32_t prev;
    uint32_t level;    /* where it stands, in the ladder that `place` and `side` say */
    uint32_t position; /* whose order, in which instrument */
    uint8_t side, type, tif, stp;
    uint8_t place; /* order_place */
    bool post_only;
    bool linked; /* in the lists and the map: it has rested or waited */
    bool triggered;
} order;

typedef struct row_list {
    uint32_t head, tail;
} row_list;

typedef struct row_link {
    uint32_t next, prev;
} row_link;

typedef struct order_rest {
    mx_money notional; /* of what was executed */
    uint64_t display;  /* 0: all is shown */
    uint64_t entry;    /* counts orders as they come; never changes */
    uint64_t joined;   /* counts orders as they join queues */
    int64_t stop_price;
    int64_t expire_ns;
    /* Open orders, oldest first: of its account and side, of these the ones in its instrument, of its session. */
    row_link by_account, by_position, by_session;
    uint32_t session;  /* row, NO_ROW if none */
    uint32_t timer_at; /* place in the heap, 0 if it has none */
    mx_client_id client_id;
} order_rest;

typedef struct account {
    mx_money spent, fees;
    mx_money reserved;   /* price times leaves of open buys */
    mx_money open;       /* open_notional of all open orders */
    mx_money held;       /* cost of all positions */
    int64_t rate_due_ns; /* when the account's messages so far are paid for by its rate */
    row_list orders[2];  /* open, by side */
    row_list positions;
    uint32_t open_orders;
    uint8_t fee_class;
    bool limits_known, blocked, killed;
    /* the last order taken, for the duplicate rule */
    int64_t last_ns, last_price;
    uint64_t last_quantity;
    uint32_t last_instrument;
    uint8_t last_side, last_type;
    mx_limits limits;
    char name[MX_ACCOUNT_BYTES];
} account;

/* An account in an instrument. Made for its first order and never given back: so the table is in the order of first orders. */
typedef struct position {
    uint32_t account, instrument;
    int64_t quantity;
    uint64_t open_quantity[2]; /* leaves of open orders by side */
    row_list orders[2];        /* these */
    uint32_t open_orders[2];
    mx_money cost, realised;
    mx_money open;       /* open_notional of open orders */
    uint32_t next_alike; /* in the index */
    uint32_t next_own;   /* of the account, as they were made */
    bool blocked;
} position;

typedef struct instrument {
    ladder ladders[LADDERS];
    int64_t step; /* the smallest tick */
    /* Of the trades that stops have not been looked at for; low > high: none. Beyond an input only where stops are held. */
    int64_t last_low, last_high;
    uint8_t state;
    bool blocked;
    uint32_t open_orders, day_orders; /* the latter are among the former */
    int64_t reference_price, last_price;
    uint64_t last_quantity;
    mx_define_instrument definition;
} instrument;

typedef struct session {
    uint64_t id; /* 0 while free; first, for id_map */
    int64_t timeout_ns;
    int64_t beat_ns;
    uint32_t next, prev; /* of all that are open, oldest first; free: the next free row */
    row_list orders;     /* oldest first */
    int64_t silent_ns;   /* where it stands in the heap of silence.c: its deadline, or earlier */
    uint64_t opened;     /* counts sessions: the order of all that are open */
    uint32_t silent_at;
} session;

/* What became of a client order id today, in the order of their coming; not what entry.c says does not last. */
typedef struct client_row {
    mx_client_id id;
    uint64_t order_id;
    uint32_t account, instrument;
    uint32_t next_alike;
    uint16_t reason; /* MXR_OK: accepted */
} client_row;

typedef struct fee_class {
    int64_t ppm[2]; /* by mx_liquidity - 1 */
    int64_t per_unit[2];
} fee_class;

typedef enum bound {
    BOUND_INSTRUMENTS,
    BOUND_ACCOUNTS,
    BOUND_POSITIONS,
    BOUND_ORDERS,
    BOUND_PAGES,
    BOUND_CLIENT_IDS,
    BOUND_SESSIONS,
    BOUND_REPORTS,
    BOUND_STEPS,
    BOUNDS
} bound;

struct mx_engine {
    mx_bounds most;       /* what holds: the smaller one of the two below */
    mx_bounds in_force;   /* state */
    mx_bounds memory;     /* what was taken; of steps as many as there can be in force */
    uint16_t bounds_said; /* state: bits by `bound`, of those that a command has set at least once */
    uint16_t lacks;       /* a bit for each bound: mx_short; 0: none */
    /* the clock, the input, and the reports on the way */
    int64_t now_ns;
    uint64_t seq;
    uint32_t next_n;
    uint32_t report_limit; /* the input is full from this `next_n` on: max_reports, and 0 once something is held */
    uint32_t steps;        /* of the input, until now: most.max_steps at most */
    bool held;             /* an open or stops wait for the next input */
    uint64_t entries;      /* orders accepted ever */
    uint64_t joins;        /* times that an order joined a queue */
    const mx_input *input; /* the caller's, while it is applied */
    uint8_t command;
    mx_sink *sink;
    /* the day */
    uint32_t day_date;
    bool day_open;
    int64_t day_end_ns;
    bool killed, storage_low;
    fee_class fees[MX_FEE_CLASSES];
    /* tables */
    ladder_room room;
    order *orders;
    order_rest *rests;
    uint32_t orders_used, orders_live, orders_free;
    uint32_t day_orders; /* of all instruments */
    id_map order_ids;
    instrument *instruments;
    uint32_t instrument_count;
    tw_map instrument_names;
    account *accounts;
    uint32_t account_count;
    tw_map account_names;
    position *positions;
    uint32_t position_count;
    uint32_t *position_index;
    uint32_t position_mask;
    session *sessions;
    uint32_t sessions_used, sessions_live, sessions_free;
    row_list sessions_open;
    id_map session_ids;
    int64_t sessions_due_ns; /* no session is lost before */
    uint32_t *silent;        /* heap of session rows by (silent_ns, opened); from 1 on, sessions_live of them */
    uint64_t sessions_opened;
    client_row *client_rows;
    uint32_t client_count;
    id_map client_index;
    uint64_t client_salt[2]; /* where in it names are looked for; no state */
    uint64_t
        client_hash;  /* of all rows, kept up as they come: a day's are too many to be walked for each state hash */
    uint32_t *timers; /* heap of order rows by (expire_ns, entry); from 1 on */
    uint32_t timer_count;
};

static inline unsigned other(unsigned side) {
    return side ^ 1;
}

/* The key of a price as a ladder sorts it; `way` is 0 where higher is better. */
static inline int64_t price_key(const instrument *where, unsigned way, int64_t price) {
    if (__builtin_expect(where->step != 1, 0)) price /= where->step;
    return price ^ -(int64_t)way;
}

static inline int64_t key_price(const instrument *where, unsigned way, int64_t key) {
    return (key ^ -(int64_t)way) * where->step;
}

static inline ladder *order_ladder(instrument *where, const order *one) {
    return &where->ladders[one->place == PLACE_STOPS ? LADDER_BUY_STOPS - one->side : one->side];
}

static inline instrument *instrument_of(const mx_engine *engine, const order *one) {
    return &engine->instruments[engine->positions[one->position].instrument];
}

static inline account *account_of(const mx_engine *engine, const order *one) {
    return &engine->accounts[engine->positions[one->position].account];
}

/* In all: what was executed, and what still shall be. */
static inline uint64_t order_quantity(const order *one) {
    return one->executed + one->leaves;
}

/* May a taker trade at this level of the other side? */
static inline bool within_reach(const mx_engine *engine, const order *taker, uint32_t level) {
    if (level == NO_LEVEL) return false;
    int64_t limit = price_key(instrument_of(engine, taker), other(taker->side), taker->price);
    return ladder_key_of(&engine->room, level) >= limit;
}

static inline uint64_t state_mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

/* engine.c */
void engine_clear(mx_engine *engine); /* as after alloc */

/* bounds.c: how much there may be. */
bool bounds_fit(const mx_bounds *bounds);
mx_bounds bounds_of_memory(const mx_bounds *given); /* steps need none */
void bounds_begin(mx_engine *engine);               /* the default ones */
void bounds_apply(mx_engine *engine);               /* what is in force, or `held`, has become another one */
void bounds_lack(mx_engine *engine,
                 bound which); /* `most` was reached: a shortage, if it is so for the memory's sake */
void set_bounds(mx_engine *engine, const mx_bounds *command);

/* emit.c: reports. */
mx_report *emit(mx_engine *engine, mx_report_kind kind, mx_reason reason); /* about nothing in particular */
mx_report *emit_order(mx_engine *engine, mx_report_kind kind, mx_reason reason, uint32_t row);

/* orders.c: an order's life outside of matching. */
uint32_t order_take(mx_engine *engine);                 /* the table may not be full */
void order_link_lists(mx_engine *engine, uint32_t row); /* all but the map */
void order_link(mx_engine *engine,
                uint32_t row); /* into the map, the account's and the session's list, the timers */
void order_free(mx_engine *engine, uint32_t row); /* out of all of them; it may not stand in a queue */
void order_end(mx_engine *engine, uint32_t row, mx_report_kind kind,
               mx_reason reason); /* leaves its queue, report, free */
mx_money open_notional(const mx_engine *engine, const order *one,
                       uint64_t quantity); /* as its account's sums have it */
void order_reserve(mx_engine *engine, const order *one);
void order_release(mx_engine *engine, const order *one, uint64_t quantity);

/* queue.c: standing in a ladder. */
bool queue_restore(mx_engine *engine, uint32_t row);                 /* as it stood: `place` and `shown` are set */
bool queue_join(mx_engine *engine, uint32_t row, order_place place); /* at the end of its level; false: no room */
void queue_leave(mx_engine *engine, uint32_t row);
void queue_refresh(mx_engine *engine, uint32_t row); /* an iceberg shows its next part, at the end of its level */
void queue_shrink(mx_engine *engine, uint32_t row, uint64_t less); /* hidden first; priority stays */
bool queue_has_room(mx_engine *engine, uint32_t instrument, unsigned ladder_number, int64_t price);

/* match.c: trading. */
mx_reason match(mx_engine *engine, uint32_t taker); /* why it stopped early: SELF_TRADE, INPUT_FULL, else OK */
void match_held(mx_engine *engine);                 /* what the last input had no room for */
bool match_crosses(const instrument *where, unsigned side, int64_t limit); /* it would trade at once */
void match_open(mx_engine *engine, uint32_t instrument); /* what gathered before the open trades */

/* reports.c: how many reports an input may make. */
static inline bool input_full(const mx_engine *engine) {
    return engine->next_n >= engine->report_limit;
}
void input_hold(mx_engine *engine); /* full from now on; what was not finished goes on with the next one */
/* The prices that an order may trade at and that have what it wants, all of them if they have less. */
typedef struct reach {
    uint64_t quantity, orders;
    uint64_t reports; /* what trading with them says at most */
} reach;
void reach_add(reach *sum, const ladder_level *level);
/* Of an order that could get so much at once: would it, before the input is full? */
bool input_suffices(mx_engine *engine, const order *taker, uint64_t wanted, const reach *sum);

/* steps.c: how much an input may look at. */
bool steps_take(mx_engine *engine, uint64_t count); /* false: there are not so many left, and none from now on */
static inline bool steps_used_up(const mx_engine *engine) {
    return engine->steps >= engine->most.max_steps;
}

/* whole.c: orders that must get something at once or end. OK: it will get so much. INPUT_FULL, or `unmet`. */
mx_reason whole_check(mx_engine *engine, const order *taker, uint64_t wanted, mx_reason unmet);

/* entry.c: new orders. */
void order_new(mx_engine *engine, const mx_new_order *command);
mx_reason price_check(const instrument *where, int64_t price, mx_reason bad);
mx_reason collar_check(const instrument *where, uint8_t type, int64_t price, int64_t stop_price);
int64_t protected_price(const instrument *where, unsigned side, int64_t from);
bool stop_reached(const instrument *where, unsigned side, int64_t stop_price);
void order_run(mx_engine *engine, uint32_t row); /* a live order matches, rests, or is cancelled */

/* stops.c: orders that wait for a price. */
void stops_run(mx_engine *engine, uint32_t instrument); /* triggers what the trades since the last call reached */
void stop_trigger(mx_engine *engine, uint32_t row);

/* change.c: replace. cancel.c: cancel, mass cancel, and who they mean. */
void order_replace(mx_engine *engine, const mx_replace *command);
void order_cancel(mx_engine *engine, const mx_cancel *command);
mx_reason target_find(mx_engine *engine, const mx_target *target, uint32_t *row);
void target_refuse(mx_engine *engine, mx_report_kind kind, mx_reason reason, const mx_target *target, uint32_t row);
void mass_cancel(mx_engine *engine, const mx_mass_cancel *command);
uint32_t cancel_account(mx_engine *engine, uint32_t account, uint32_t instrument, unsigned sides, mx_reason reason);

/* ledger.c: positions and money. */
uint32_t position_find(const mx_engine *engine, uint32_t account, uint32_t instrument);
uint32_t position_make(mx_engine *engine, uint32_t account, uint32_t instrument); /* NO_ROW: full */
void position_index_add(mx_engine *engine, uint32_t row);
mx_money ledger_fill(mx_engine *engine, const order *one, int64_t price, uint64_t quantity, mx_liquidity liquidity);

/* client_ids.c: what client order ids meant today. */
uint32_t client_hash(const mx_engine *engine, uint32_t account, uint32_t instrument,
                     const mx_client_id *id); /* of these three for the rest */
uint32_t client_find(const mx_engine *engine, uint32_t hash, uint32_t account, uint32_t instrument,
                     const mx_client_id *id);
void client_foresee(const mx_engine *engine, uint32_t account, uint32_t instrument, const mx_client_id *id);
void client_remember(mx_engine *engine, uint32_t hash, const mx_new_order *command,
                     mx_reason reason); /* there must be room */
void client_index_add(mx_engine *engine, uint32_t hash,
                      uint32_t row); /* the last row: found, and in the state's hash, from now on */
void client_forget(mx_engine *engine);

/* clock.c: what is due by stream time; sessions and days. */
void clock_run(mx_engine *engine, int64_t until_ns);
void timer_add(mx_engine *engine, uint32_t row);
void timer_remove(mx_engine *engine, uint32_t row);
void session_open(mx_engine *engine, const mx_session *command);
void session_beat(mx_engine *engine, const mx_session *command);
void session_close(mx_engine *engine, const mx_session *command);
void session_link(mx_engine *engine, uint32_t row); /* behind all that are open */
/* silence.c */
void silence_add(mx_engine *engine, uint32_t row);    /* opened after all others; counts it as live */
void silence_remove(mx_engine *engine, uint32_t row); /* and counts it out */
/* The session that falls silent first, the older one of two; NO_ROW if there is none. sessions_due_ns is when. */
uint32_t silence_first(mx_engine *engine);
void day_begin(mx_engine *engine, const mx_begin_day *command);

/* control.c: definitions, limits, states. */
void control(mx_engine *engine, const mx_command *command);
void instrument_begin(mx_engine *engine, uint32_t number, const mx_define_instrument *definition);
void end_day_orders(mx_engine *engine, uint32_t instrument); /* DAY orders of one, best first; MX_EVERY: of all */

#endif
