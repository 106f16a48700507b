/*
 * Pre-trade risk: a list of rules behind one interface.
 *
 * A rule looks at an order that is about to be taken and says OK or its reason. Rules are looked at in the order of the table in
 * risk.c; the first that objects decides. A new rule is a function and a line in that table (and a reason).
 *
 * Rules fail closed: an account without limits, or a collar without a reference price, is an objection.
 */
#ifndef TICKWIRE_MATCHER_CORE_RISK_H
#define TICKWIRE_MATCHER_CORE_RISK_H

#include "matcher/core/engine_internal.h"

/* A candidate: a new order, or what a replace would make of one (then the old one is taken out of all sums first). */
typedef struct risk_view {
    const mx_engine *engine;
    const account *owner;
    const position *held; /* an empty one if there is none yet */
    const instrument *where;
    uint32_t number; /* the instrument's */
    uint8_t side, type;
    bool replaces;      /* a replace: it adds no open order and is no duplicate */
    bool too_many;      /* the message came faster than the account's rate */
    int64_t price;      /* its limit, or its protection band's */
    int64_t worth;      /* the largest price it can trade at: risk_worth */
    int64_t sent_price; /* as the command says it */
    int64_t reference;  /* what a collar is around */
    uint64_t quantity;  /* still to be executed */
} risk_view;

/* The first objection, MXR_OK if there is none. */
mx_reason risk_check(const risk_view *view);

/*
 * The largest price that an order can trade at, which is what limits of money measure it by. A buy's is its limit. A sell that comes
 * now (`at_once`) trades at the bids above its limit first; where there are none the reference price stands for them. One that waits
 * comes at about its stop price (TW_PRICE_ABSENT: it does not wait).
 */
int64_t risk_worth(const instrument *where, unsigned side, int64_t price, int64_t stop_price, bool at_once);

/* Counts a message against the account's rate. True: it came too fast. Cancels count, but are never refused. */
bool risk_rate(mx_engine *engine, account *owner);

#endif
