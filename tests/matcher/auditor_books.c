/* The auditor's own books: every live order in a queue by price and time, and what each account has and owes. */
#include <stdlib.h>
#include <string.h>

#include "tests/matcher/auditor_internal.h"

void au_stops_gone(au_instrument *where) {
    where->low = INT64_MAX;
    where->high = INT64_MIN;
}

auditor *auditor_alloc(void) {
    auditor *a = calloc(1, sizeof *a);
    if (a == NULL) abort();
    for (size_t i = 0; i < AU_INSTRUMENTS; i++) {
        a->instruments[i].state = MX_CLOSED;
        a->instruments[i].last = TW_PRICE_ABSENT;
        au_stops_gone(&a->instruments[i]);
    }
    a->now_ns = TW_TIME_ABSENT;
    return a;
}

void auditor_free(auditor *a) {
    if (a == NULL) return;
    for (size_t i = 0; i < AU_BUCKETS; i++) {
        for (au_order *x = a->buckets[i], *next; x != NULL; x = next) {
            next = x->next_alike;
            free(x);
        }
    }
    for (au_order *x = a->spare, *next; x != NULL; x = next) {
        next = x->next_alike;
        free(x);
    }
    free(a);
}

bool au_is_stop(uint8_t type) {
    return type == MX_STOP || type == MX_STOP_LIMIT;
}

bool au_waits(const au_order *x) {
    return au_is_stop(x->type) && !x->triggered;
}

uint64_t au_shows(const au_order *x, uint64_t most) {
    return most < x->leaves ? most : x->leaves;
}

static size_t bucket(uint64_t id) {
    return (size_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % AU_BUCKETS;
}

au_order *au_find(const auditor *a, uint64_t id) {
    for (au_order *x = a->buckets[bucket(id)]; x != NULL; x = x->next_alike)
        if (x->id == id) return x;
    return NULL;
}

au_order *au_first(const auditor *a, uint32_t instrument, au_place place, unsigned side) {
    return a->instruments[instrument].queues[place][side].first;
}

void au_touch(auditor *a, const au_order *x) {
    au_touched *t = &a->touched;
    t->accounts |= 1u << x->account;
    t->holdings[x->instrument] |= 1u << x->account;
    if (t->order_count == 0 || t->orders[t->order_count - 1] != x->id) {
        if (t->order_count < AU_TOUCHED) {
            t->orders[t->order_count++] = x->id;
        } else {
            t->much = true;
        }
    }
    if (x->place != AU_IN_BOOK) return;
    for (uint32_t i = 0; i < t->level_count; i++) {
        const au_level *l = &t->levels[i];
        if (l->price == x->limit && l->side == x->side && l->instrument == x->instrument) return;
    }
    if (t->level_count < AU_TOUCHED) {
        t->levels[t->level_count++] = (au_level){x->instrument, x->side, x->limit};
    } else {
        t->much = true;
    }
}

/* Is it nearer to being executed, or triggered, by price alone? */
static bool nearer(const au_order *a, const au_order *b) {
    if (a->place == AU_WAITING)
        return a->side == TW_BID ? a->stop_price < b->stop_price : a->stop_price > b->stop_price;
    return a->side == TW_BID ? a->limit > b->limit : a->limit < b->limit;
}

static void link_in(auditor *a, au_order *x) {
    au_queue *q = &a->instruments[x->instrument].queues[x->place][x->side];
    au_order *ahead = q->last;
    while (ahead != NULL && nearer(x, ahead))
        ahead = ahead->before;
    x->before = ahead;
    x->after = ahead != NULL ? ahead->after : q->first;
    *(ahead != NULL ? &ahead->after : &q->first) = x;
    *(x->after != NULL ? &x->after->before : &q->last) = x;
}

static void link_out(auditor *a, au_order *x) {
    au_queue *q = &a->instruments[x->instrument].queues[x->place][x->side];
    *(x->before != NULL ? &x->before->after : &q->first) = x->after;
    *(x->after != NULL ? &x->after->before : &q->last) = x->before;
    x->before = x->after = NULL;
}

void au_join(auditor *a, au_order *x, au_place place) {
    x->place = place;
    x->joined = ++a->joins;
    const au_instrument *where = &a->instruments[x->instrument];
    x->reached = x->side == TW_BID ? where->high >= x->stop_price : where->low <= x->stop_price;
    x->shown = place == AU_IN_BOOK ? au_shows(x, x->display != 0 ? x->display : x->leaves) : 0;
    link_in(a, x);
    au_touch(a, x);
}

void au_leave(auditor *a, au_order *x) {
    au_touch(a, x);
    if (x->place != AU_IN_HAND) link_out(a, x);
    x->place = AU_IN_HAND;
    x->shown = 0;
}

void au_refresh(auditor *a, au_order *x) {
    link_out(a, x);
    x->shown = au_shows(x, x->display);
    link_in(a, x);
    au_touch(a, x);
}

/* A sell that waits is not paid for in advance, nor is any sell: only buys reserve. */
static void reserve(auditor *a, au_order *x, int sign) {
    au_account *owner = &a->accounts[x->account];
    au_holding *held = &a->holdings[x->account][x->instrument];
    if (x->side == TW_BID) owner->reserved += sign * (mx_money)x->limit * (mx_money)x->leaves;
    held->open[x->side] += sign > 0 ? x->leaves : -x->leaves;
    au_touch(a, x);
}

void au_release(auditor *a, au_order *x) {
    reserve(a, x, -1);
}

void au_reserve(auditor *a, au_order *x) {
    reserve(a, x, 1);
}

au_order *au_open(auditor *a, const mx_new_order *o, int64_t limit) {
    au_order *x = a->spare != NULL ? a->spare : malloc(sizeof *x);
    if (x == NULL) abort();
    if (a->spare != NULL) a->spare = x->next_alike;
    *x = (au_order){.id = o->order_id,
                    .account = o->account,
                    .instrument = o->instrument,
                    .side = o->side,
                    .type = o->type,
                    .tif = o->tif,
                    .stp = o->stp,
                    .post_only = o->post_only,
                    .place = AU_IN_HAND,
                    .limit = limit,
                    .stop_price = o->stop_price,
                    .expire_ns = o->expire_ns,
                    .total = o->quantity,
                    .leaves = o->quantity,
                    .display = o->display,
                    .minimum = o->minimum,
                    .session = o->session,
                    .client_id = o->client_id};
    au_order **to = &a->buckets[bucket(x->id)];
    x->next_alike = *to;
    *to = x;
    a->accounts[x->account].open_orders++;
    if (++a->open_orders > a->most_open) a->most_open = a->open_orders;
    au_reserve(a, x);
    return x;
}

void au_close(auditor *a, au_order *x) {
    au_release(a, x);
    au_leave(a, x);
    au_order **at = &a->buckets[bucket(x->id)];
    while (*at != x)
        at = &(*at)->next_alike;
    *at = x->next_alike;
    a->accounts[x->account].open_orders--;
    a->open_orders--;
    if (a->in_hand == x) a->in_hand = NULL;
    x->next_alike = a->spare;
    a->spare = x;
}

void au_trade(auditor *a, au_order *x, int64_t price, uint64_t quantity, mx_money fee) {
    bool buys = x->side == TW_BID;
    au_account *owner = &a->accounts[x->account];
    au_holding *held = &a->holdings[x->account][x->instrument];
    au_instrument *where = &a->instruments[x->instrument];
    mx_money value = (mx_money)price * (mx_money)quantity * (buys ? 1 : -1);
    au_release(a, x);
    x->leaves -= quantity;
    x->executed += quantity;
    x->paid += (mx_money)price * (mx_money)quantity;
    if (x->place == AU_IN_BOOK) x->shown -= quantity;
    au_reserve(a, x);
    owner->spent += value + fee;
    owner->fees += fee;
    held->paid += value;
    held->quantity += buys ? (int64_t)quantity : -(int64_t)quantity;
    where->held += buys ? (int64_t)quantity : -(int64_t)quantity;
    *(buys ? &where->bought : &where->sold) += quantity;
    a->cash += value;
}

void au_trade_noted(auditor *a, uint32_t instrument, int64_t price) {
    au_instrument *where = &a->instruments[instrument];
    where->last = price;
    if (price < where->low) where->low = price;
    if (price > where->high) where->high = price;
    a->fills++;
    for (au_order *x = au_first(a, instrument, AU_WAITING, TW_BID); x != NULL && x->stop_price <= price;
         x = x->after)
        x->reached = true;
    for (au_order *x = au_first(a, instrument, AU_WAITING, TW_ASK); x != NULL && x->stop_price >= price;
         x = x->after)
        x->reached = true;
}

uint64_t auditor_fills(const auditor *a) {
    return a->fills;
}

uint64_t auditor_most_open(const auditor *a) {
    return a->most_open;
}
