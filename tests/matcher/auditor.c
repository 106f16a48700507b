/* The auditor's ear: each report is judged by what the books say, and then put into them. See auditor.h. */
#include <string.h>

#include "tests/matcher/auditor_internal.h"

/* ---- what a report says of its order ---- */

static int64_t average_of(const au_order *x) {
    if (x->executed == 0) return TW_PRICE_ABSENT;
    return (int64_t)((2 * x->paid + (mx_money)x->executed) / (2 * (mx_money)x->executed));
}

static const char *same_order(const mx_report *r, const au_order *x, bool ended) {
    uint8_t status = ended            ? MX_STATUS_CANCELLED
                     : x->leaves == 0 ? MX_STATUS_FILLED
                     : au_waits(x)    ? MX_STATUS_WAITING
                                      : MX_STATUS_OPEN;
    RULE(x->executed + x->leaves == x->total, "an order lost quantity");
    RULE(r->order_id == x->id && r->account == x->account && r->instrument == x->instrument, "another's order");
    RULE(r->side == x->side && r->type == x->type && r->tif == x->tif, "an order's nature changed");
    RULE(r->quantity == x->total && r->executed == x->executed, "a report's quantities are not the order's");
    RULE(r->leaves == (ended ? 0 : x->leaves), "a report's remaining quantity is not the order's");
    RULE(r->shown == (ended ? 0 : x->shown), "a report shows what the book does not");
    RULE(r->price == x->limit && r->stop_price == x->stop_price, "a report's prices are not the order's");
    RULE(r->executed_notional == x->paid && r->average_price == average_of(x), "an average price is wrong");
    RULE(r->session == x->session && memcmp(&r->client_id, &x->client_id, sizeof x->client_id) == 0,
         "a report's session or client order id is not the order's");
    RULE(r->status == status, "a report's status is not the order's");
    return NULL;
}

static bool reaches(unsigned side, int64_t limit, int64_t price) {
    return side == TW_BID ? price <= limit : price >= limit;
}

static au_order *best(const auditor *a, uint32_t instrument, unsigned side) {
    return au_first(a, instrument, AU_IN_BOOK, side);
}

/* ---- the order in hand ---- */

static const au_order *next_stop(const auditor *a, uint32_t instrument) {
    const au_order *buy = au_first(a, instrument, AU_WAITING, TW_BID),
                   *sell = au_first(a, instrument, AU_WAITING, TW_ASK);
    if (buy != NULL && !buy->reached) buy = NULL;
    if (sell != NULL && !sell->reached) sell = NULL;
    if (buy == NULL || sell == NULL) return buy != NULL ? buy : sell;
    return buy->joined < sell->joined ? buy : sell;
}

/* While there is trading, trades are done with once no stop is left that they reached. */
static void forget_trades(auditor *a, uint32_t instrument) {
    au_instrument *where = &a->instruments[instrument];
    if (where->state == MX_CONTINUOUS && next_stop(a, instrument) == NULL) au_stops_gone(where);
}

/* Something else begins: what has just come stands in its queue by now. */
static const char *settle(auditor *a) {
    au_order *x = a->in_hand;
    a->in_hand = NULL;
    if (x == NULL) return NULL;
    bool may_rest = (x->type == MX_LIMIT || x->type == MX_STOP_LIMIT) && x->tif != MX_IOC && x->tif != MX_FOK;
    if (au_waits(x)) {
        au_join(a, x, AU_WAITING);
        return NULL;
    }
    RULE(may_rest, "an order rests that may not");
    RULE(a->instruments[x->instrument].state != MX_CONTINUOUS || x->minimum == 0 || x->executed >= x->minimum ||
             a->command->kind != MX_NEW_ORDER,
         "an order rests whose minimum was not executed");
    au_join(a, x, AU_IN_BOOK);
    return NULL;
}

/* What happens to resting orders in the same instrument is part of what the one in hand does. */
static const char *settle_elsewhere(auditor *a, uint32_t instrument) {
    return a->in_hand != NULL && a->in_hand->instrument != instrument ? settle(a) : NULL;
}

static const char *accepted(auditor *a, const mx_report *r) {
    const mx_new_order *o = &a->command->order;
    RULES(settle(a));
    RULE(a->command->kind == MX_NEW_ORDER, "an order was accepted that nobody sent");
    if (r->duplicate) {
        const au_order *x = au_find(a, r->order_id);
        return x != NULL ? same_order(r, x, false) : NULL;
    }
    RULE(r->order_id == o->order_id && r->quantity == o->quantity && r->account == o->account &&
             r->instrument == o->instrument && r->side == o->side,
         "another order was accepted than was sent");
    RULE(o->account < AU_ACCOUNTS && o->instrument < AU_INSTRUMENTS, "an order of nobody was accepted");
    RULE(au_find(a, r->order_id) == NULL, "an order was accepted twice");
    bool limits = o->type == MX_LIMIT || o->type == MX_STOP_LIMIT;
    RULE(limits ? r->price == o->price : r->price > 0, "an order was accepted at another price");
    uint8_t state = a->instruments[o->instrument].state;
    RULE(a->day_open && (state == MX_CONTINUOUS || state == MX_PRE_OPEN),
         "an order was accepted at the wrong time");
    RULE(o->tif != MX_GTD || o->expire_ns > a->now_ns, "an order was accepted that has expired");
    RULE(!o->post_only || best(a, o->instrument, o->side ^ 1) == NULL ||
             !reaches(o->side, o->price, best(a, o->instrument, o->side ^ 1)->limit),
         "a post-only order was accepted that trades");
    forget_trades(a, o->instrument);
    a->in_hand = au_open(a, o, r->price);
    return same_order(r, a->in_hand, false);
}

/* ---- trades ---- */

static mx_money fee_of(const auditor *a, const au_order *x, mx_money value, uint64_t quantity, bool maker) {
    const mx_fees *f = &a->fees[a->accounts[x->account].fee_class];
    mx_money share = value * (maker ? f->maker_ppm : f->taker_ppm), half = MX_PPM / 2;
    mx_money rounded = share < 0 ? -((half - share) / MX_PPM) : (share + half) / MX_PPM;
    return rounded + (mx_money)(maker ? f->maker_per_unit : f->taker_per_unit) * (mx_money)quantity;
}

/* Two that rest meet at the open: the first of each side, the later one takes. */
static const char *meet(const auditor *a, const au_order *taker, const au_order *maker) {
    RULE(taker == best(a, taker->instrument, taker->side), "the open did not take the first of a side");
    RULE(taker->joined > maker->joined, "at the open the earlier order was the aggressor");
    return NULL;
}

static const char *one_side(auditor *a, const mx_report *r, au_order *x, const au_order *other, bool maker) {
    mx_money value = (mx_money)r->last_price * (mx_money)r->last_quantity;
    mx_money fee = fee_of(a, x, value, r->last_quantity, maker);
    RULE(r->liquidity == (maker ? MX_MAKER : MX_TAKER), "a fill is of the wrong side");
    RULE(r->counter_id == other->id, "a fill names another order");
    RULE(r->fee == fee, "a fee is wrong");
    au_trade(a, x, r->last_price, r->last_quantity, fee);
    return same_order(r, x, false);
}

static void after_trade(auditor *a, au_order *x) {
    if (x->leaves == 0) {
        au_close(a, x);
    } else if (x->place == AU_IN_BOOK && x->shown == 0) {
        a->refresh[a->refreshes++] = x;
    }
}

static const char *filled(auditor *a, const mx_report *r, const mx_report *next) {
    RULE(next != NULL && next->kind == MX_FILL, "a trade has one side");
    au_order *taker = au_find(a, r->order_id), *maker = au_find(a, next->order_id);
    RULE(taker != NULL && maker != NULL, "an order traded that is not there");
    RULE(taker->instrument == maker->instrument && taker->side != maker->side, "two traded that do not match");
    if (a->in_hand != taker) RULES(settle(a));
    RULE(a->instruments[taker->instrument].state == MX_CONTINUOUS, "a trade while there is no trading");
    RULE(maker == best(a, maker->instrument, maker->side),
         "priority: another order came before the one that traded");
    RULE(r->last_price == maker->limit && next->last_price == maker->limit, "a trade is not at the resting price");
    RULE(reaches(taker->side, taker->limit, maker->limit), "a trade is beyond its limit");
    if (a->in_hand != taker) RULES(meet(a, taker, maker));
    uint64_t offered = a->in_hand == taker ? taker->leaves : taker->shown;
    uint64_t quantity = maker->shown < offered ? maker->shown : offered;
    RULE(quantity > 0 && r->last_quantity == quantity && next->last_quantity == quantity,
         "a trade is not of all that both could");
    RULE(taker->account != maker->account || taker->stp == MX_STP_NONE, "an account traded with itself");
    RULE(!taker->post_only, "a post-only order took");
    RULES(one_side(a, r, taker, maker, false));
    RULES(one_side(a, next, maker, taker, true));
    au_trade_noted(a, maker->instrument, maker->limit);
    after_trade(a, taker);
    after_trade(a, maker);
    return NULL;
}

static const char *refreshed(auditor *a, const mx_report *r) {
    au_order *x = a->refresh[0];
    RULE(r->kind == MX_RESTATED && r->reason == MXR_ICEBERG_REFRESH && r->order_id == x->id,
         "an iceberg's next part was not shown");
    a->refresh[0] = a->refresh[1];
    a->refreshes--;
    au_refresh(a, x);
    return same_order(r, x, false);
}

/* Of two orders of an account that met, both are in hand or the first of their side. */
static const char *met_itself(const auditor *a, const au_order *x) {
    const au_order *other = best(a, x->instrument, x->side ^ 1), *hand = a->in_hand;
    if (hand != NULL && hand != x) other = hand;
    if (hand == x) return NULL; /* the one that it met may be gone */
    RULE(x == best(a, x->instrument, x->side), "priority: an order gave way that was not met");
    RULE(other == NULL || other->side != x->side, "an order gave way to its own side");
    RULE(hand == NULL || (hand->account == x->account && hand->stp != MX_STP_NONE && hand->stp != MX_STP_NEWEST &&
                          reaches(hand->side, hand->limit, x->limit)),
         "an order gave way to nobody");
    return NULL;
}

static const char *shrunk(auditor *a, const mx_report *r) {
    au_order *x = au_find(a, r->order_id);
    RULE(x != NULL, "an order was restated that is not there");
    RULES(settle_elsewhere(a, x->instrument));
    RULE(r->reason == MXR_SELF_TRADE, "an order was restated without a reason");
    RULE(r->leaves > 0 && r->leaves < x->leaves, "an order that gave way did not shrink");
    RULES(met_itself(a, x));
    RULE(a->in_hand == NULL || a->in_hand->stp == MX_STP_DECREMENT, "an order shrank that should not");
    au_release(a, x);
    x->total -= x->leaves - r->leaves;
    x->leaves = r->leaves;
    x->shown = au_shows(x, x->shown);
    au_reserve(a, x);
    return same_order(r, x, false);
}

/* ---- ends ---- */

static const char *why_ended(const auditor *a, const mx_report *r, const au_order *x) {
    const mx_command *c = a->command;
    switch ((mx_reason)r->reason) {
    case MXR_TIME_REACHED:
        RULE(x->tif == MX_GTD && x->expire_ns <= a->now_ns, "an order expired before its time");
        break;
    case MXR_DAY_ENDED:
        RULE(x->tif == MX_DAY, "an order ended with the day that is not of the day");
        break;
    case MXR_REQUESTED:
        RULE(c->kind == MX_CANCEL && x->account == c->cancel.target.account &&
                 x->instrument == c->cancel.target.instrument &&
                 (c->cancel.target.order_id == 0 || c->cancel.target.order_id == x->id),
             "an order was cancelled that nobody asked to");
        break;
    case MXR_MASS_CANCEL:
        RULE(c->kind == MX_MASS_CANCEL &&
                 (c->mass_cancel.account == MX_EVERY || c->mass_cancel.account == x->account) &&
                 (c->mass_cancel.instrument == MX_EVERY || c->mass_cancel.instrument == x->instrument) &&
                 (c->mass_cancel.sides >> x->side & 1) != 0,
             "a mass cancel took another's order");
        break;
    case MXR_KILLED:
        RULE(c->kind == MX_SET_KILL && (c->kill.account == MX_EVERY || c->kill.account == x->account),
             "the kill switch took another's order");
        break;
    case MXR_SESSION_CLOSED:
    case MXR_SESSION_LOST:
        RULE(x->session != 0, "an order ended with a session that it has not");
        break;
    case MXR_FOK_KILLED:
        RULE(x == a->in_hand && x->tif == MX_FOK && x->executed == 0, "all or nothing was half done");
        break;
    case MXR_MINIMUM_NOT_MET:
        RULE(x == a->in_hand && x->minimum > 0 && x->executed == 0, "a minimum was half done");
        break;
    case MXR_SELF_TRADE:
        return met_itself(a, x);
    case MXR_IOC_REMAINDER:
        RULE(x == a->in_hand && x->tif == MX_IOC, "an order's rest was cancelled that may rest");
        break;
    case MXR_PROTECTION_BAND:
    case MXR_NO_LIQUIDITY:
        RULE(x == a->in_hand && (x->type == MX_MARKET || x->type == MX_STOP), "a limit order met a band");
        RULE(best(a, x->instrument, x->side ^ 1) == NULL ||
                 !reaches(x->side, x->limit, best(a, x->instrument, x->side ^ 1)->limit),
             "a market order stopped before its band");
        break;
    case MXR_INPUT_FULL:
    case MXR_LEVELS_FULL:
        RULE(x == a->in_hand, "an order was cancelled for want of room that had it");
        break;
    default:
        return "an order ended without a reason";
    }
    return NULL;
}

static const char *ended(auditor *a, const mx_report *r) {
    au_order *x = au_find(a, r->order_id);
    RULE(x != NULL, "an order ended that is not there");
    if (r->reason == MXR_SELF_TRADE) {
        RULES(settle_elsewhere(a, x->instrument));
    } else if (x != a->in_hand) {
        RULES(settle(a));
    }
    bool expires = r->reason == MXR_TIME_REACHED || r->reason == MXR_DAY_ENDED;
    RULE((r->kind == MX_EXPIRED) == expires, "an order ended in the wrong way");
    RULES(why_ended(a, r, x));
    RULE(x != a->in_hand || a->command->kind != MX_NEW_ORDER || au_is_stop(x->type) || x->executed == 0 ||
             (x->tif != MX_FOK && x->executed >= x->minimum),
         "an order was half executed");
    RULES(same_order(r, x, true));
    a->ended += r->reason == MXR_KILLED || r->reason == MXR_MASS_CANCEL;
    au_close(a, x);
    return NULL;
}

/* ---- replace, stops ---- */

static const char *replaced(auditor *a, const mx_report *r) {
    const mx_replace *c = &a->command->replace;
    RULES(settle(a));
    au_order *x = au_find(a, r->order_id);
    RULE(a->command->kind == MX_REPLACE && x != NULL, "an order was replaced that nobody asked to");
    RULE(x->account == c->target.account && x->instrument == c->target.instrument, "another's order was replaced");
    uint64_t total = c->quantity == MX_SAME ? x->total : c->quantity + (c->open_only ? x->executed : 0);
    uint64_t display = c->display == MX_SAME ? x->display : c->display;
    int64_t stop_price = c->stop_price == TW_PRICE_ABSENT ? x->stop_price : c->stop_price;
    int64_t limit = c->price != TW_PRICE_ABSENT ? c->price : x->limit;
    if (x->type == MX_STOP && c->stop_price != TW_PRICE_ABSENT) limit = r->price; /* a band around it */
    RULE(total > x->executed, "an order was replaced by less than it has executed");
    bool smaller = total < x->total && limit == x->limit && stop_price == x->stop_price && display == x->display;
    forget_trades(a, x->instrument);
    au_release(a, x);
    bool waited = x->place == AU_WAITING;
    if (!smaller) au_leave(a, x);
    x->total = total;
    x->leaves = total - x->executed;
    x->display = display;
    x->limit = limit;
    x->stop_price = stop_price;
    if (smaller) x->shown = au_shows(x, x->shown);
    au_reserve(a, x);
    if (!smaller) a->in_hand = x;
    RULE(waited == au_waits(x), "a stop waits no longer");
    const au_order *opposite = best(a, x->instrument, x->side ^ 1);
    RULE(smaller || !x->post_only || opposite == NULL || !reaches(x->side, x->limit, opposite->limit),
         "a post-only order was replaced by one that trades");
    return same_order(r, x, false);
}

static const char *triggered(auditor *a, const mx_report *r) {
    au_order *x = au_find(a, r->order_id);
    RULE(x != NULL && au_waits(x), "a stop was triggered that does not wait");
    const au_instrument *where = &a->instruments[x->instrument];
    RULE(where->state == MX_CONTINUOUS, "a stop was triggered while there is no trading");
    if (x == a->in_hand) {
        RULE(where->last != TW_PRICE_ABSENT && reaches(x->side ^ 1, x->stop_price, where->last),
             "a stop was triggered that no trade had reached");
    } else {
        RULES(settle(a));
        RULE(x == next_stop(a, x->instrument), "a stop was triggered that was not the next");
        au_leave(a, x);
        a->in_hand = x;
    }
    x->triggered = true;
    return same_order(r, x, false);
}

/* ---- what is not about one order ---- */

typedef struct about {
    uint32_t account, instrument;
    unsigned sides;
    uint64_t session;
    int tif; /* -1: any */
} about;

/* No live order is of this kind. */
static bool none_left(const auditor *a, about w) {
    for (size_t i = 0; i < AU_BUCKETS; i++)
        for (const au_order *x = a->buckets[i]; x != NULL; x = x->next_alike)
            if ((w.account == MX_EVERY || w.account == x->account) &&
                (w.instrument == MX_EVERY || w.instrument == x->instrument) && (w.sides >> x->side & 1) != 0 &&
                (w.session == 0 || w.session == x->session) && (w.tif < 0 || w.tif == x->tif))
                return false;
    return true;
}

static const char *done(auditor *a, const mx_report *r) {
    const mx_command *c = a->command;
    switch ((mx_command_kind)c->kind) {
    case MX_DEFINE_ACCOUNT:
        a->accounts[c->define_account.account].fee_class = c->define_account.fee_class;
        break;
    case MX_SET_FEES:
        a->fees[c->fees.fee_class] = c->fees;
        break;
    case MX_BEGIN_DAY:
        a->day_open = true;
        break;
    case MX_SET_KILL:
        RULE(r->quantity == a->ended, "the kill switch counts wrongly");
        RULE(!c->kill.on || none_left(a, (about){c->kill.account, MX_EVERY, 3, 0, -1}),
             "the kill switch left an order");
        break;
    default:
        break;
    }
    return NULL;
}

static const char *refused_target(const auditor *a, const mx_report *r, const mx_target *t) {
    const au_order *x = au_find(a, r->order_id);
    if (x == NULL) return NULL;
    bool theirs = x->account == t->account && x->instrument == t->instrument;
    RULE(r->kind != MX_CANCEL_REJECTED || !theirs, "a cancel of a live order was refused");
    return theirs ? same_order(r, x, false) : NULL;
}

static const char *of_the_venue(auditor *a, const mx_report *r) {
    const mx_command *c = a->command;
    RULES(settle(a));
    switch ((mx_report_kind)r->kind) {
    case MX_REJECTED:
        RULE(c->kind == MX_NEW_ORDER && r->reason != MXR_OK, "an order was rejected without a reason");
        break;
    case MX_CANCEL_REJECTED:
        return c->kind == MX_CANCEL ? refused_target(a, r, &c->cancel.target) : NULL;
    case MX_REPLACE_REJECTED:
        return refused_target(a, r, &c->replace.target);
    case MX_MASS_CANCELLED:
        RULE(r->quantity == a->ended, "a mass cancel counts wrongly");
        RULE(none_left(a, (about){c->mass_cancel.account, c->mass_cancel.instrument, c->mass_cancel.sides, 0, -1}),
             "a mass cancel left an order");
        break;
    case MX_STATE_CHANGED:
        RULE(r->instrument < AU_INSTRUMENTS, "a state of nothing changed");
        RULE(c->kind == MX_SET_STATE && r->state == c->set_state.state, "another state came than was said");
        RULE(r->state != MX_MOVED || c->set_state.instrument == r->instrument,
             "an instrument moved away with others");
        RULE(a->instruments[r->instrument].state != MX_MOVED ||
                 (c->set_state.instrument == r->instrument && r->state >= MX_CLOSED),
             "what lives elsewhere came back without being closed here by name");
        forget_trades(a, r->instrument);
        a->instruments[r->instrument].state = r->state;
        break;
    case MX_DONE:
        return done(a, r);
    case MX_SESSION_ENDED:
        RULE(none_left(a, (about){MX_EVERY, MX_EVERY, 3, r->session, -1}), "an order outlived its session");
        break;
    case MX_DAY_ENDED:
        RULE(none_left(a, (about){MX_EVERY, MX_EVERY, 3, 0, MX_DAY}), "an order outlived its day");
        a->day_open = false;
        break;
    default:
        break;
    }
    return NULL;
}

/* ---- a command ---- */

static const char *numbered(auditor *a, const mx_input *input, const mx_report *r) {
    if (r->seq != a->seq) a->next_n = 0;
    RULE(r->seq == input->seq && r->index == input->index && r->n == a->next_n, "a report has the wrong number");
    RULE(r->stream_ns == input->stream_ns && r->command == a->command->kind, "a report names another input");
    RULE(r->event_ns >= a->now_ns && r->event_ns >= r->stream_ns, "time went back");
    a->seq = r->seq;
    a->next_n++;
    a->now_ns = r->event_ns;
    return NULL;
}

static const char *hear(auditor *a, const mx_report *r, const mx_report *next) {
    switch ((mx_report_kind)r->kind) {
    case MX_ACCEPTED:
        return accepted(a, r);
    case MX_FILL:
        return filled(a, r, next);
    case MX_CANCELLED:
    case MX_EXPIRED:
        return ended(a, r);
    case MX_REPLACED:
        return replaced(a, r);
    case MX_TRIGGERED:
        return triggered(a, r);
    case MX_RESTATED:
        return shrunk(a, r);
    default:
        return of_the_venue(a, r);
    }
}

/* `held`: what the market itself has begun goes on with the next input. */
static const char *at_rest(auditor *a, bool held) {
    RULE(a->refreshes == 0, "an iceberg's next part was not shown");
    RULE(a->cash == 0, "money is lost");
    for (uint32_t i = 0; i < AU_INSTRUMENTS; i++) {
        const au_instrument *where = &a->instruments[i];
        const au_order *bid = best(a, i, TW_BID), *ask = best(a, i, TW_ASK);
        RULE(where->bought == where->sold, "more was bought than sold");
        RULE(where->held == 0, "positions do not sum to nothing");
        forget_trades(a, i);
        if (where->state != MX_CONTINUOUS || held) continue;
        RULE(bid == NULL || ask == NULL || bid->limit < ask->limit, "the book is crossed");
        RULE(next_stop(a, i) == NULL, "a stop waits that trades have reached");
    }
    return NULL;
}

const char *auditor_step(auditor *a, const mx_engine *engine, const mx_input *input, const mx_command *command,
                         const mx_report *reports, uint32_t count) {
    RULE(count > 0, "nothing was said");
    a->command = command;
    a->ended = 0;
    memset(&a->touched, 0, offsetof(au_touched, levels));
    for (uint32_t i = 0; i < count; i++) {
        const mx_report *r = &reports[i], *next = i + 1 < count ? r + 1 : NULL;
        RULES(numbered(a, input, r));
        if (a->refreshes > 0) {
            RULES(refreshed(a, r));
            continue;
        }
        RULES(hear(a, r, next));
        if (r->kind == MX_FILL) RULES(numbered(a, input, &reports[++i]));
    }
    RULES(settle(a));
    RULES(at_rest(a, mx_next_due(engine) == mx_now(engine)));
    return au_compare_touched(a, engine);
}
