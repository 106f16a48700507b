/* The engine is asked about what the auditor's books say: after each command about what it touched, now and then about everything. */
#include <string.h>

#include "tests/matcher/auditor_internal.h"

static const char *same_as_view(const mx_order_view *v, const au_order *x) {
    RULE(v->order_id == x->id && v->account == x->account && v->instrument == x->instrument && v->side == x->side,
         "the engine's order is another's");
    RULE(v->price == x->limit && v->stop_price == x->stop_price && v->display == x->display,
         "the engine's order has other terms");
    RULE(v->quantity == x->total && v->leaves == x->leaves && v->executed == x->executed && v->shown == x->shown,
         "the engine's order has another quantity");
    RULE(v->executed_notional == x->paid && v->expire_ns == x->expire_ns && v->session == x->session,
         "the engine's order has another history");
    RULE((v->status == MX_STATUS_WAITING) == (x->place == AU_WAITING), "the engine's order stands elsewhere");
    return NULL;
}

/* The first of a side at this price, NULL if there is none. */
static const au_order *first_at(const auditor *a, const au_level *l) {
    const au_order *x = au_first(a, l->instrument, AU_IN_BOOK, l->side);
    while (x != NULL && (l->side == TW_BID ? x->limit > l->price : x->limit < l->price))
        x = x->after;
    return x != NULL && x->limit == l->price ? x : NULL;
}

/* A level's whole queue, in order. `rest` is the first order behind it. */
static const char *same_level(auditor *a, const mx_engine *engine, const au_level *l, const au_order *first,
                              const au_order **rest) {
    uint64_t shown = 0, total = 0, has_shown, has_total;
    const uint32_t room = sizeof a->views / sizeof *a->views;
    uint32_t count = mx_level_orders(engine, l->instrument, (tw_side)l->side, l->price, a->views, room), i = 0;
    const au_order *x = first;
    for (; x != NULL && x->limit == l->price; x = x->after) {
        RULE(i < count, "the engine's queue is too short");
        RULE(a->views[i].order_id == x->id, "priority: the engine's queue is in another order");
        RULES(same_as_view(&a->views[i++], x));
        shown += x->shown;
        total += x->leaves;
    }
    RULE(i == count, "the engine's queue is too long");
    mx_book_level(engine, l->instrument, (tw_side)l->side, l->price, &has_shown, &has_total);
    RULE(has_shown == shown && has_total == total, "a level's sums are not its orders'");
    *rest = x;
    return NULL;
}

static const char *same_best(const auditor *a, const mx_engine *engine, uint32_t instrument, unsigned side) {
    tw_level level;
    const au_order *first = au_first(a, instrument, AU_IN_BOOK, side);
    uint32_t count = mx_book_top(engine, instrument, (tw_side)side, &level, 1);
    RULE((first != NULL) == (count == 1) && (first == NULL || level.price == first->limit), "the touch is another");
    return NULL;
}

static const char *same_order_by_id(const auditor *a, const mx_engine *engine, uint64_t id) {
    mx_order_view view;
    const au_order *x = au_find(a, id);
    bool there = mx_order_find(engine, id, &view);
    RULE(there == (x != NULL), there ? "the engine has an order that has ended" : "the engine lost an order");
    return x != NULL ? same_as_view(&view, x) : NULL;
}

static const char *same_account(const auditor *a, const mx_engine *engine, uint32_t number) {
    const au_account *owner = &a->accounts[number];
    mx_account_view v;
    if (!mx_account_get(engine, number, &v)) return NULL;
    RULE(v.spent == owner->spent, "cash: an account's money is not what its fills say");
    RULE(v.fees == owner->fees, "cash: an account's fees are not what its fills say");
    RULE(v.reserved == owner->reserved, "cash: an account's reserve is not its open buys'");
    RULE(v.open_orders == owner->open_orders, "an account's open orders are counted wrongly");
    return NULL;
}

/* What a position cost, and what came of the closed part, is what was paid and got: whatever is rounded on the way. */
static const char *same_holding(const auditor *a, const mx_engine *engine, uint32_t account, uint32_t instrument) {
    const au_holding *held = &a->holdings[account][instrument];
    mx_position_view v = {.average_price = TW_PRICE_ABSENT};
    (void)mx_position_find(engine, account, instrument, &v);
    mx_money cost = v.quantity < 0 ? -v.cost : v.cost;
    RULE(v.quantity == held->quantity, "positions: one is not the sum of its fills");
    RULE(cost - v.realised == held->paid, "positions: cost and result are not what was paid");
    RULE((v.quantity == 0) == (v.average_price == TW_PRICE_ABSENT) && (v.quantity != 0 || v.cost == 0),
         "positions: a flat one costs something");
    RULE(v.open_buys == held->open[TW_BID] && v.open_sells == held->open[TW_ASK],
         "positions: open quantities are not the orders'");
    return NULL;
}

const char *au_compare_touched(auditor *a, const mx_engine *engine) {
    const au_touched *t = &a->touched;
    const au_order *rest;
    if (t->much) return auditor_whole(a, engine);
    for (uint32_t i = 0; i < t->order_count; i++)
        RULES(same_order_by_id(a, engine, t->orders[i]));
    for (uint32_t i = 0; i < t->level_count; i++) {
        RULES(same_level(a, engine, &t->levels[i], first_at(a, &t->levels[i]), &rest));
        RULES(same_best(a, engine, t->levels[i].instrument, t->levels[i].side));
    }
    for (uint32_t left = t->accounts; left != 0; left &= left - 1)
        RULES(same_account(a, engine, (uint32_t)__builtin_ctz(left)));
    for (uint32_t i = 0; i < AU_INSTRUMENTS; i++)
        for (uint32_t left = t->holdings[i]; left != 0; left &= left - 1)
            RULES(same_holding(a, engine, (uint32_t)__builtin_ctz(left), i));
    RULE(mx_open_orders(engine) == a->open_orders, "open orders are counted wrongly");
    return NULL;
}

/* ---- everything ---- */

static const char *same_side(auditor *a, const mx_engine *engine, uint32_t instrument, unsigned side) {
    enum { DEEP = 1024 };
    tw_level levels[DEEP];
    uint32_t count = mx_book_top(engine, instrument, (tw_side)side, levels, DEEP), i = 0;
    for (const au_order *x = au_first(a, instrument, AU_IN_BOOK, side); x != NULL && i < DEEP; i++) {
        RULE(i < count && levels[i].price == x->limit, "a side's prices are others");
        RULES(same_level(a, engine, &(au_level){instrument, side, x->limit}, x, &x));
    }
    RULE(i == count, "a side has more prices than orders");
    return NULL;
}

/* Sums made anew from the orders that are there. */
static const char *own_sums(const auditor *a) {
    au_account accounts[AU_ACCOUNTS] = {0};
    uint64_t open[AU_ACCOUNTS][AU_INSTRUMENTS][2] = {0};
    uint32_t orders = 0;
    for (size_t i = 0; i < AU_BUCKETS; i++) {
        for (const au_order *x = a->buckets[i]; x != NULL; x = x->next_alike, orders++) {
            accounts[x->account].open_orders++;
            if (x->side == TW_BID) accounts[x->account].reserved += (mx_money)x->limit * (mx_money)x->leaves;
            open[x->account][x->instrument][x->side] += x->leaves;
            RULE(x->tif != MX_GTD || x->expire_ns > a->now_ns, "an order outlived its time");
            RULE(x->place != AU_IN_HAND && x->leaves > 0 && x->leaves + x->executed == x->total,
                 "an order stands nowhere");
        }
    }
    mx_money cash = 0;
    for (uint32_t n = 0; n < AU_ACCOUNTS; n++) {
        cash += a->accounts[n].spent - a->accounts[n].fees;
        RULE(accounts[n].open_orders == a->accounts[n].open_orders &&
                 accounts[n].reserved == a->accounts[n].reserved,
             "the auditor's own sums are wrong");
    }
    for (uint32_t i = 0; i < AU_INSTRUMENTS; i++) {
        int64_t held = 0;
        for (uint32_t n = 0; n < AU_ACCOUNTS; n++) {
            held += a->holdings[n][i].quantity;
            RULE(memcmp(open[n][i], a->holdings[n][i].open, sizeof open[n][i]) == 0,
                 "the auditor's own sums are wrong");
        }
        RULE(held == 0 && a->instruments[i].held == 0, "positions do not sum to nothing");
    }
    RULE(cash == 0 && a->cash == 0, "money is lost");
    RULE(orders == a->open_orders, "the auditor lost an order");
    return NULL;
}

const char *auditor_whole(auditor *a, const mx_engine *engine) {
    RULES(own_sums(a));
    for (uint32_t i = 0; i < AU_INSTRUMENTS && i < mx_instruments(engine); i++)
        for (unsigned side = TW_BID; side <= TW_ASK; side++)
            RULES(same_side(a, engine, i, side));
    for (size_t i = 0; i < AU_BUCKETS; i++)
        for (const au_order *x = a->buckets[i]; x != NULL; x = x->next_alike)
            RULES(same_order_by_id(a, engine, x->id));
    for (uint32_t n = 0; n < AU_ACCOUNTS; n++) {
        RULES(same_account(a, engine, n));
        for (uint32_t i = 0; i < AU_INSTRUMENTS; i++)
            RULES(same_holding(a, engine, n, i));
    }
    RULE(mx_open_orders(engine) == a->open_orders, "open orders are counted wrongly");
    return NULL;
}
