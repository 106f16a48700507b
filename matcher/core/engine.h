/*
 * The matching engine: a pure function of a snapshot and the commands after it.
 *
 * It opens nothing, reads no clock, draws no random number, logs nothing, and allocates nothing after mx_engine_alloc. The same
 * inputs give the same reports and the same state at every replica; no decision depends on where in memory something lies.
 *
 * Time is stream time: the greatest stream_ns seen. Whatever is due by it (orders good till a time, silent sessions, the end of the
 * trading day) happens before the command that brought the time, in the order of when it was due, and belongs to that input.
 *
 * Bounds (mx_bounds) are state: mx_default_bounds until MX_SET_BOUNDS sets others (docs/decisions/0068). Where one is reached, the command that needed
 * more is refused with a reason and nothing has changed. The bounds that mx_engine_alloc gets are no more than the memory it takes: more than is in force
 * changes nothing, less is a shortage once it matters (mx_short), and then the engine may not be used any more.
 *
 * An input that has made max_reports reports is full (docs/decisions/0067): its further new orders and replaces are refused, a sweep ends where it is
 * and the rest of its order is cancelled, and what the market itself has begun (the open, stops that were reached) is held and goes on with the next
 * input, before its commands. Cancels, kills, expiry and the end of sessions and days work always.
 *
 * So is what an input may look at beside that (max_steps, docs/decisions/0073). What does not have to look at anything is not touched by it.
 *
 * Not thread safe: one thread owns it.
 */
#ifndef TICKWIRE_MATCHER_CORE_ENGINE_H
#define TICKWIRE_MATCHER_CORE_ENGINE_H

#include "base/error.h"
#include "matcher/core/command.h"
#include "matcher/core/report.h"

typedef struct mx_engine mx_engine;

/* Where the memory that an engine was given is less than the bounds in force, and that has mattered or must: what it decides is not what others
 * decide. */
typedef struct mx_shortage {
    const char *setting; /* "max-orders" */
    uint32_t has, needs;
} mx_shortage;

enum { MX_SHORTAGES = 9 }; /* the most there can be at once */

/* The bounds in force before a command has set any. */
extern const mx_bounds mx_default_bounds;

/* The most reports that one input can make, whatever is in it: max_reports, the ends of all orders and sessions, and what each command says at
 * least. */
uint64_t mx_most_reports(const mx_bounds *bounds);

/* Takes all memory, for so much. Returns TW_OK; TW_INVALID for bounds out of range; TW_NO_MEMORY. Free with mx_engine_free. */
tw_code mx_engine_alloc(mx_engine **engine, const mx_bounds *bounds, tw_error *error);
void mx_engine_free(mx_engine *engine); /* NULL is fine */

/* A number that nobody else knows, before the first command: then nobody can make up client order ids that are found slowly. It changes where in memory
 * they are looked for, and nothing that is said or kept: replicas have different ones. Stays when a snapshot is read. 0 until it is set. */
void mx_engine_salt(mx_engine *engine, uint64_t salt);

/* Applies one command. Any bytes are fine as a command: what makes no sense is refused with a report. An input's seq below the last
 * one's is a programmer's mistake: the caller watches for gaps and repeats. */
void mx_apply(mx_engine *engine, const mx_input *input, const mx_command *command, mx_sink *sink);

/* A hint that this command is to be applied soon: what it will look for is fetched from memory meanwhile. Changes nothing. */
void mx_foresee(const mx_engine *engine, const mx_command *command);

/* Numbers of names, MX_UNKNOWN if nobody defined them. */
uint32_t mx_account_find(const mx_engine *engine, const char *name);
uint32_t mx_instrument_find(const mx_engine *engine, const char *symbol);

/* What the engine knows, for queries and for the venue's market data. True or a count if it is there. */
typedef struct mx_order_view {
    uint64_t order_id;
    uint32_t account, instrument;
    uint8_t side, type, tif, status;
    int64_t price, stop_price;
    uint64_t quantity, leaves, shown, executed, display;
    mx_money executed_notional;
    int64_t expire_ns;
    uint64_t session;
    mx_client_id client_id;
} mx_order_view;

typedef struct mx_position_view {
    uint32_t account, instrument;
    int64_t quantity;      /* below 0: short */
    int64_t average_price; /* TW_PRICE_ABSENT while flat */
    mx_money cost;         /* of what is open, at the prices it was opened at; not negative */
    mx_money realised;     /* of what was closed, fees not counted */
    uint64_t open_buys, open_sells;
    bool blocked; /* the account, in this instrument */
} mx_position_view;

typedef struct mx_account_view {
    char name[MX_ACCOUNT_BYTES];
    uint8_t fee_class;
    bool limits_known, blocked, killed;
    mx_limits limits;
    mx_money spent;     /* paid for buys and fees, less what sales brought */
    mx_money fees;      /* of that */
    mx_money reserved;  /* for open buys */
    mx_money available; /* funds - spent - reserved; 0 if no limits are known */
    uint32_t open_orders;
} mx_account_view;

typedef struct mx_instrument_view {
    mx_define_instrument definition;
    uint8_t state;
    bool blocked;
    int64_t reference_price, last_price; /* TW_PRICE_ABSENT if not known */
    uint64_t last_quantity;
} mx_instrument_view;

bool mx_order_find(const mx_engine *engine, uint64_t order_id, mx_order_view *view);
/* What became of a client order id today: the order that was accepted or refused by it, which may have ended since. */
bool mx_client_find(const mx_engine *engine, uint32_t account, uint32_t instrument, const mx_client_id *id,
                    uint64_t *order_id);
bool mx_position_find(const mx_engine *engine, uint32_t account, uint32_t instrument, mx_position_view *view);
bool mx_account_get(const mx_engine *engine, uint32_t account, mx_account_view *view);
bool mx_instrument_get(const mx_engine *engine, uint32_t instrument, mx_instrument_view *view);
uint32_t mx_accounts(const mx_engine *engine);
uint32_t mx_instruments(const mx_engine *engine);
bool mx_storage_low(const mx_engine *engine); /* as MX_SET_STORAGE said last */

/* All positions in the order of their first order: index 0 to mx_positions - 1. */
uint32_t mx_positions(const mx_engine *engine);
void mx_position_at(const mx_engine *engine, uint32_t index, mx_position_view *view);
/* The first one from `index` on that is this account's; mx_positions if there is none. */
uint32_t mx_account_position(const mx_engine *engine, uint32_t account, uint32_t index);

/* The account's open orders, oldest first: at most `capacity`, after the order `after` (0: from the first on). Returns how many. */
uint32_t mx_account_orders(const mx_engine *engine, uint32_t account, uint64_t after, mx_order_view *views,
                           uint32_t capacity);

/* Likewise in parts, of one instrument or (MX_EVERY) of all. To begin costs a look at each order up to `after`, to go on only what is given. Valid
 * until the next command. */
typedef struct mx_order_walk {
    uint32_t next[2];
    bool of_position;
} mx_order_walk;
void mx_orders_walk(const mx_engine *engine, uint32_t account, uint32_t instrument, uint64_t after,
                    mx_order_walk *walk);
uint32_t mx_orders_next(const mx_engine *engine, mx_order_walk *walk, mx_order_view *views, uint32_t capacity);

/* The public book: what is shown, best first. Returns how many levels there were, at most `depth`. `orders` counts orders. */
uint32_t mx_book_top(const mx_engine *engine, uint32_t instrument, tw_side side, tw_level *levels, uint32_t depth);
/* Shown and hidden quantity at one price; false if nothing rests there. */
bool mx_book_level(const mx_engine *engine, uint32_t instrument, tw_side side, int64_t price, uint64_t *shown,
                   uint64_t *total);
/* One level's orders in priority. Returns how many were written, at most `capacity`. */
uint32_t mx_level_orders(const mx_engine *engine, uint32_t instrument, tw_side side, int64_t price,
                         mx_order_view *views, uint32_t capacity);

const mx_bounds *mx_bounds_in_force(const mx_engine *engine); /* the shard is the engine's */
/* How many settings are too small, 0 usually: bounds that a command has set are beyond its memory, or it was full where those in force (also the
 * default ones) would have let more in. Stays so. */
uint32_t mx_short(const mx_engine *engine, mx_shortage list[MX_SHORTAGES]);

uint32_t mx_open_orders(const mx_engine *engine);
int64_t mx_now(const mx_engine *engine);     /* TW_TIME_ABSENT before the first input */
uint64_t mx_seq(const mx_engine *engine);    /* of the last input, 0 before the first */
uint32_t mx_steps(const mx_engine *engine);  /* that it has taken, of max_steps */
uint32_t mx_date(const mx_engine *engine);   /* of the trading day that began last, 20260102; 0 before the first */
int64_t mx_day_end(const mx_engine *engine); /* when that ends; TW_TIME_ABSENT: no day is open */

/* Something happens by itself when stream time reaches this (not before, perhaps later): an order's expiry, a session's silence, the end of the
 * day. TW_TIME_ABSENT: nothing will. */
int64_t mx_next_due(const mx_engine *engine);

/* Walks everything and compares lists, sums and indexes. True if whole, otherwise the first fault in `error`. Slow. */
bool mx_engine_check(const mx_engine *engine, tw_error *error);

#endif
