/* The naive venue: see naive.h. One array for each kind of thing, walked from end to end. */
#include "tests/matcher/naive.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ACCOUNTS = 64, MOST_INSTRUMENTS = 16, MOST_SESSIONS = 1024 };

typedef enum place { IN_HAND, IN_BOOK, WAITING } place;

typedef struct entry {
    mx_new_order o; /* as sent, and as replaced since */
    int64_t limit;  /* the worst price */
    uint64_t total, left, shown, done;
    mx_money paid;
    uint64_t came, joined; /* as an order; in its queue */
    uint64_t turn;         /* in its queue: an iceberg that shows its next part takes a new one */
    place where;
    bool live_stop; /* a stop that was triggered */
} entry;

typedef struct outcome {
    mx_client_id id;
    uint32_t account, instrument;
    uint64_t order_id;
    mx_reason reason;
} outcome;

typedef struct holding {
    bool known, blocked;
    int64_t quantity;
    mx_money cost, realised;
} holding;

typedef struct owner {
    mx_define_account definition;
    bool known, has_limits, blocked, killed;
    mx_limits limits;
    mx_money spent, fees;
    int64_t rate_due;
    mx_new_order last;
    int64_t last_ns;
} owner;

typedef struct product {
    mx_define_instrument definition;
    bool known, blocked;
    mx_state state;
    int64_t reference, last;
    int64_t low, high;
} product;

typedef struct talk {
    uint64_t id;
    int64_t timeout, beat;
} talk;

struct naive_engine {
    entry *orders;
    size_t count, room;
    outcome *outcomes;
    size_t outcome_count, outcome_room;
    owner owners[MOST_ACCOUNTS];
    product products[MOST_INSTRUMENTS];
    holding holdings[MOST_ACCOUNTS][MOST_INSTRUMENTS];
    talk talks[MOST_SESSIONS];
    size_t talk_count;
    mx_fees fees[MX_FEE_CLASSES];
    bool killed, low, day;
    uint32_t date;
    int64_t day_end, now;
    uint64_t seq, came, joined, turns;
    uint32_t n;     /* reports of this input */
    uint32_t steps; /* and its steps */
    mx_bounds bounds;
    bool held; /* this input is over: the rest of an open, or stops, come with the next one */
    mx_input input;
    uint8_t command;
    mx_sink *sink;
};

naive_engine *naive_alloc(void) {
    naive_engine *e = calloc(1, sizeof *e);
    if (e == NULL) return NULL;
    e->now = TW_TIME_ABSENT;
    e->bounds = mx_default_bounds;
    return e;
}

void naive_free(naive_engine *e) {
    if (e == NULL) return;
    free(e->orders);
    free(e->outcomes);
    free(e);
}

/* ---- reports ---- */

static mx_report *say(naive_engine *e, mx_report_kind kind, mx_reason reason) {
    if (e->sink->count == e->sink->capacity) e->sink->full(e->sink, e->sink->context);
    mx_report *r = &e->sink->reports[e->sink->count++];
    memset(r, 0, sizeof *r);
    r->seq = e->input.seq;
    r->index = e->input.index;
    r->n = e->n++;
    r->event_ns = e->now;
    r->stream_ns = e->input.stream_ns;
    r->kind = (uint8_t)kind;
    r->command = e->command;
    r->reason = (uint16_t)reason;
    r->account = r->instrument = MX_UNKNOWN;
    r->price = r->stop_price = r->average_price = r->last_price = TW_PRICE_ABSENT;
    return r;
}

static bool is_stop(uint8_t type) {
    return type == MX_STOP || type == MX_STOP_LIMIT;
}

static bool stays(uint8_t tif) {
    return tif != MX_IOC && tif != MX_FOK;
}

static mx_report *say_order(naive_engine *e, mx_report_kind kind, mx_reason reason, const entry *x) {
    mx_report *r = say(e, kind, reason);
    bool over = kind == MX_CANCELLED || kind == MX_EXPIRED;
    r->side = x->o.side;
    r->type = x->o.type;
    r->tif = x->o.tif;
    r->account = x->o.account;
    r->instrument = x->o.instrument;
    r->order_id = x->o.order_id;
    r->session = x->o.session;
    r->price = x->limit;
    r->stop_price = x->o.stop_price;
    r->quantity = x->total;
    r->executed = x->done;
    r->client_id = x->o.client_id;
    if (!over) {
        r->leaves = x->left;
        r->shown = x->shown;
    }
    r->status = over                                  ? MX_STATUS_CANCELLED
                : x->left == 0                        ? MX_STATUS_FILLED
                : is_stop(x->o.type) && !x->live_stop ? MX_STATUS_WAITING
                                                      : MX_STATUS_OPEN;
    if (x->done > 0) {
        r->executed_notional = x->paid;
        r->average_price = (int64_t)((2 * x->paid + x->done) / (2 * (mx_money)x->done));
    }
    return r;
}

/* ---- the list of orders ---- */

static entry *by_id(naive_engine *e, uint64_t id) {
    for (size_t i = 0; i < e->count; i++)
        if (e->orders[i].o.order_id == id) return &e->orders[i];
    return NULL;
}

static void drop(naive_engine *e, uint64_t id) {
    size_t at = (size_t)(by_id(e, id) - e->orders);
    memmove(&e->orders[at], &e->orders[at + 1], (e->count - at - 1) * sizeof *e->orders);
    e->count--;
}

static entry *append(naive_engine *e) {
    if (e->count == e->room) {
        e->room = e->room == 0 ? 64 : e->room * 2;
        e->orders = realloc(e->orders, e->room * sizeof *e->orders);
        if (e->orders == NULL) abort();
    }
    return &e->orders[e->count++];
}

static void end(naive_engine *e, uint64_t id, mx_report_kind kind, mx_reason reason) {
    say_order(e, kind, reason, by_id(e, id));
    drop(e, id);
}

static void show(entry *x) {
    x->shown = x->where != IN_BOOK ? 0 : x->o.display != 0 && x->o.display < x->left ? x->o.display : x->left;
}

static void join(naive_engine *e, entry *x, place where) {
    x->where = where;
    x->joined = ++e->joined;
    x->turn = ++e->turns;
    show(x);
}

/* Does price a come before price b, for somebody who sells to or buys from that side? */
static bool better(unsigned side, int64_t a, int64_t b) {
    return side == TW_BID ? a > b : a < b;
}

/* The one of a side's resting orders that is executed first. */
static entry *first_of(entry *orders, size_t count, uint32_t instrument, unsigned side) {
    entry *first = NULL;
    for (size_t i = 0; i < count; i++) {
        entry *x = &orders[i];
        if (x->where != IN_BOOK || x->o.instrument != instrument || x->o.side != side) continue;
        if (first == NULL || better(side, x->limit, first->limit) ||
            (x->limit == first->limit && x->turn < first->turn))
            first = x;
    }
    return first;
}

static bool can_trade(unsigned side, int64_t limit, int64_t price) {
    return side == TW_BID ? price <= limit : price >= limit;
}

/* ---- money ---- */

static mx_money half_away(mx_money numerator, mx_money denominator) {
    mx_money magnitude = numerator < 0 ? -numerator : numerator;
    mx_money result = (2 * magnitude + denominator) / (2 * denominator);
    return numerator < 0 ? -result : result;
}

/* whole * part / size, rounded down. Where the product is beyond 128 bits, bit by bit of `part`: a quotient and what is left over. */
static mx_money share_of(mx_money whole, uint64_t part, uint64_t size) {
    mx_money both, quotient = 0, over = 0, by = (mx_money)size;
    if (!__builtin_mul_overflow(whole, (mx_money)part, &both)) return both / by;
    for (int bit = 63; bit >= 0; bit--) {
        bool add = (part >> bit & 1) != 0;
        quotient = 2 * quotient + (add ? whole / by : 0);
        over = 2 * over + (add ? whole % by : 0);
        quotient += over / by;
        over %= by;
    }
    return quotient;
}

static void hold(holding *h, bool buys, int64_t price, uint64_t quantity) {
    for (bool opens; quantity > 0;) {
        opens = h->quantity == 0 || (h->quantity > 0) == buys;
        uint64_t size = (uint64_t)llabs(h->quantity), part = opens || quantity <= size ? quantity : size;
        mx_money value = (mx_money)price * (mx_money)part;
        if (opens) {
            h->cost += value;
        } else {
            mx_money cost = share_of(h->cost, part, size);
            h->realised += buys ? cost - value : value - cost;
            h->cost -= cost;
        }
        h->quantity += buys ? (int64_t)part : -(int64_t)part;
        quantity -= part;
    }
}

static void settle(naive_engine *e, entry *x, int64_t price, uint64_t quantity, bool maker, uint64_t other_id) {
    owner *who = &e->owners[x->o.account];
    const mx_fees *f = &e->fees[who->definition.fee_class];
    mx_money value = (mx_money)price * (mx_money)quantity;
    mx_money fee = half_away(value * (maker ? f->maker_ppm : f->taker_ppm), 1000000) +
                   (mx_money)(maker ? f->maker_per_unit : f->taker_per_unit) * (mx_money)quantity;
    x->left -= quantity;
    if (x->where == IN_BOOK) x->shown -= quantity;
    x->done += quantity;
    x->paid += value;
    who->fees += fee;
    who->spent += fee + (x->o.side == TW_BID ? value : -value);
    hold(&e->holdings[x->o.account][x->o.instrument], x->o.side == TW_BID, price, quantity);
    mx_report *r = say_order(e, MX_FILL, MXR_OK, x);
    r->liquidity = maker ? MX_MAKER : MX_TAKER;
    r->counter_id = other_id;
    r->last_price = price;
    r->last_quantity = quantity;
    r->fee = fee;
}

static void after_fill(naive_engine *e, uint64_t id) {
    entry *x = by_id(e, id);
    if (x->left == 0) {
        drop(e, id);
    } else if (x->where == IN_BOOK && x->shown == 0) {
        x->turn = ++e->turns;
        show(x);
        say_order(e, MX_RESTATED, MXR_ICEBERG_REFRESH, x);
    }
}

static void note(product *p, int64_t price) {
    p->last = p->reference = price;
    if (price < p->low) p->low = price;
    if (price > p->high) p->high = price;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* ---- matching ---- */

static void give_way(naive_engine *e, uint64_t id, uint64_t less) {
    entry *x = by_id(e, id);
    if (less == x->left) {
        end(e, id, MX_CANCELLED, MXR_SELF_TRADE);
        return;
    }
    x->left -= less;
    x->total -= less;
    if (x->shown > x->left) x->shown = x->left;
    say_order(e, MX_RESTATED, MXR_SELF_TRADE, x);
}

/* False: the taker has to go. */
static bool own_orders_meet(naive_engine *e, uint64_t taker_id, uint64_t maker_id) {
    const entry *taker = by_id(e, taker_id);
    uint64_t wanted = taker->left, less = least(wanted, by_id(e, maker_id)->left);
    switch (taker->o.stp) {
    case MX_STP_OLDEST:
        end(e, maker_id, MX_CANCELLED, MXR_SELF_TRADE);
        return true;
    case MX_STP_BOTH:
        end(e, maker_id, MX_CANCELLED, MXR_SELF_TRADE);
        return false;
    case MX_STP_DECREMENT:
        give_way(e, maker_id, less);
        if (less == wanted) return false;
        give_way(e, taker_id, less);
        return true;
    default:
        return false;
    }
}

static bool full(const naive_engine *e) {
    return e->held || e->n >= e->bounds.max_reports;
}

/* The taker is in the list, in hand. OK: it may stay if something is left. */
static mx_reason take(naive_engine *e, uint64_t taker_id) {
    for (;;) {
        entry *taker = by_id(e, taker_id);
        entry *maker = first_of(e->orders, e->count, taker->o.instrument, taker->o.side ^ 1);
        if (taker->left == 0 || maker == NULL || !can_trade(taker->o.side, taker->limit, maker->limit))
            return MXR_OK;
        if (full(e)) return MXR_INPUT_FULL;
        uint64_t maker_id = maker->o.order_id;
        if (taker->o.account == maker->o.account && taker->o.stp != MX_STP_NONE) {
            if (!own_orders_meet(e, taker_id, maker_id)) return MXR_SELF_TRADE;
            continue;
        }
        uint64_t quantity = least(taker->left, maker->shown);
        int64_t price = maker->limit;
        note(&e->products[taker->o.instrument], price);
        settle(e, taker, price, quantity, false, maker_id);
        settle(e, maker, price, quantity, true, taker_id);
        after_fill(e, maker_id);
    }
}

/* What the taker would get before an own order stops it, or `most` reports: tried out on a copy of the list. */
static uint64_t would_get(const naive_engine *e, const entry *taker, uint64_t wanted, uint64_t most) {
    entry *copy = malloc(e->count * sizeof *copy);
    if (copy == NULL) abort();
    memcpy(copy, e->orders, e->count * sizeof *copy);
    uint64_t got = 0, turns = e->turns, said = e->n;
    for (entry *maker; got < wanted && said < most;) {
        maker = first_of(copy, e->count, taker->o.instrument, taker->o.side ^ 1);
        if (maker == NULL || !can_trade(taker->o.side, taker->limit, maker->limit)) break;
        if (maker->o.account == taker->o.account && taker->o.stp != MX_STP_NONE) {
            if (taker->o.stp != MX_STP_OLDEST) break;
            maker->where = IN_HAND;
            said++;
            continue;
        }
        uint64_t quantity = least(wanted - got, maker->shown);
        got += quantity;
        said += 2;
        maker->left -= quantity;
        maker->shown -= quantity;
        if (maker->left == 0) {
            maker->where = IN_HAND;
        } else if (maker->shown == 0) {
            maker->turn = ++turns;
            show(maker);
            said++;
        }
    }
    free(copy);
    return got;
}

/* False, and none are left: there are not so many. */
static bool steps(naive_engine *e, uint64_t count) {
    uint64_t left = e->steps < e->bounds.max_steps ? e->bounds.max_steps - e->steps : 0;
    e->steps = left > 0 && count <= left ? e->steps + (uint32_t)count : e->bounds.max_steps;
    return left > 0 && count <= left;
}

/* Prices that an order can trade at, best first: with what they have, of how many orders, and how many of them are its own account's. */
typedef struct price_sum {
    int64_t price;
    uint64_t total, orders, hidden, own_left, own_orders;
} price_sum;

static size_t prices_within(const naive_engine *e, const entry *taker, price_sum *sums) {
    size_t count = 0;
    entry *copy = malloc(e->count * sizeof *copy);
    if (copy == NULL) abort();
    memcpy(copy, e->orders, e->count * sizeof *copy);
    for (entry *x; (x = first_of(copy, e->count, taker->o.instrument, taker->o.side ^ 1)) != NULL;) {
        if (!can_trade(taker->o.side, taker->limit, x->limit)) break;
        if (count == 0 || sums[count - 1].price != x->limit) sums[count++] = (price_sum){.price = x->limit};
        price_sum *sum = &sums[count - 1];
        bool own = x->o.account == taker->o.account;
        sum->total += x->left;
        sum->hidden += x->left - x->shown;
        sum->orders++;
        sum->own_left += own ? x->left : 0;
        sum->own_orders += own;
        x->where = IN_HAND;
    }
    free(copy);
    return count;
}

/*
 * What it takes to see whether an order gets `wanted` at once (docs/decisions/0073), and whether the input has that many steps: one for each price until
 * there is enough; if own orders may be in the way, one for each of them on the other side, and for each order at the nearest one's price; and 16 for each
 * order at those prices where it is not clear by their number that what they say fits.
 */
static bool steps_to_judge(naive_engine *e, const entry *taker, uint64_t wanted) {
    price_sum *sums = calloc(e->count + 1, sizeof *sums);
    if (sums == NULL) abort();
    size_t count = prices_within(e, taker, sums), looked = 0;
    uint64_t own_quantity = 0, own_count = 0, target = wanted, sum = 0, orders = 0, most_reports = 0, own_left = 0;
    for (size_t i = 0; i < e->count; i++) {
        const entry *x = &e->orders[i];
        if (x->o.account != taker->o.account || x->o.instrument != taker->o.instrument ||
            x->o.side == taker->o.side)
            continue;
        own_quantity += x->left;
        own_count++;
    }
    if (taker->o.stp == MX_STP_OLDEST) target += own_quantity;
    bool fits = true;
    for (; fits && looked < count && sum < target; looked++) {
        fits = steps(e, 1);
        sum += sums[looked].total;
        orders += sums[looked].orders;
        own_left += sums[looked].own_left;
        most_reports += sums[looked].orders * (sums[looked].hidden > 0 ? 3 * 1002 : 2);
    }
    bool enough = sum >= wanted;
    if (fits && enough && taker->o.stp != MX_STP_NONE && own_count > 0 &&
        (taker->o.stp != MX_STP_OLDEST || sum < target)) {
        fits = steps(e, own_count);
        enough = taker->o.stp != MX_STP_OLDEST || sum - own_left >= wanted;
        uint64_t before = 0;
        size_t own = 0;
        while (own < count && sums[own].own_orders == 0)
            before += sums[own++].total;
        if (fits && taker->o.stp != MX_STP_OLDEST && own < count && before < wanted) {
            uint64_t shown = sums[own].total - sums[own].hidden;
            if (shown >= wanted - before) fits = steps(e, sums[own].orders);
            enough = would_get(e, taker, wanted, UINT64_MAX) >= wanted;
        }
    }
    uint64_t said = full(e) ? e->bounds.max_reports : e->n;
    if (fits && enough && said < e->bounds.max_reports && most_reports >= e->bounds.max_reports - said)
        fits = steps(e, 16 * orders);
    free(sums);
    return fits;
}

static void run(naive_engine *e, uint64_t id) {
    bool trades = e->products[by_id(e, id)->o.instrument].state == MX_CONTINUOUS;
    mx_reason ended = trades ? take(e, id) : MXR_OK;
    entry *x = by_id(e, id);
    bool market = x->o.type == MX_MARKET || x->o.type == MX_STOP;
    if (x->left == 0) {
        drop(e, id);
    } else if (ended != MXR_OK) {
        end(e, id, MX_CANCELLED, ended);
    } else if (market) {
        bool empty = first_of(e->orders, e->count, x->o.instrument, x->o.side ^ 1) == NULL;
        end(e, id, MX_CANCELLED, empty ? MXR_NO_LIQUIDITY : MXR_PROTECTION_BAND);
    } else if (!stays(x->o.tif)) {
        end(e, id, MX_CANCELLED, MXR_IOC_REMAINDER);
    } else {
        join(e, x, IN_BOOK);
    }
}

static void trigger(naive_engine *e, uint64_t id) {
    entry *x = by_id(e, id);
    x->where = IN_HAND;
    x->live_stop = true;
    say_order(e, MX_TRIGGERED, MXR_OK, x);
    run(e, id);
}

/* The next waiting stop of a side that the trades have reached: nearest first, then first come. */
static entry *hit(naive_engine *e, uint32_t instrument, unsigned side) {
    const product *p = &e->products[instrument];
    entry *next = NULL;
    for (size_t i = 0; i < e->count; i++) {
        entry *x = &e->orders[i];
        if (x->where != WAITING || x->o.instrument != instrument || x->o.side != side) continue;
        if (side == TW_BID ? x->o.stop_price > p->high : x->o.stop_price < p->low) continue;
        if (next == NULL || better(side ^ 1, x->o.stop_price, next->o.stop_price) ||
            (x->o.stop_price == next->o.stop_price && x->joined < next->joined))
            next = x;
    }
    return next;
}

static void stops(naive_engine *e, uint32_t instrument) {
    product *p = &e->products[instrument];
    if (p->state != MX_CONTINUOUS) return; /* what is held waits until trading goes on */
    while (p->low <= p->high) {
        entry *buy = hit(e, instrument, TW_BID), *sell = hit(e, instrument, TW_ASK);
        if (buy == NULL && sell == NULL) break;
        if (e->held ||
            e->n >= e->bounds.max_reports / 2) { /* none begins that could not have half of the reports */
            e->held = true;
            return;
        }
        bool buy_first = sell == NULL || (buy != NULL && buy->joined < sell->joined);
        trigger(e, buy_first ? buy->o.order_id : sell->o.order_id);
    }
    p->low = INT64_MAX;
    p->high = INT64_MIN;
}

static void open_market(naive_engine *e, uint32_t instrument) {
    for (;;) {
        entry *bid = first_of(e->orders, e->count, instrument, TW_BID),
              *ask = first_of(e->orders, e->count, instrument, TW_ASK);
        if (bid == NULL || ask == NULL || bid->limit < ask->limit) return;
        if (full(e)) {
            e->held = true;
            return;
        }
        entry *taker = bid->joined > ask->joined ? bid : ask, *maker = taker == bid ? ask : bid;
        uint64_t taker_id = taker->o.order_id, maker_id = maker->o.order_id;
        if (taker->o.account == maker->o.account && taker->o.stp != MX_STP_NONE) {
            if (!own_orders_meet(e, taker_id, maker_id)) end(e, taker_id, MX_CANCELLED, MXR_SELF_TRADE);
            continue;
        }
        uint64_t quantity = least(taker->shown, maker->shown);
        int64_t price = maker->limit;
        note(&e->products[instrument], price);
        settle(e, taker, price, quantity, false, maker_id);
        settle(e, by_id(e, maker_id), price, quantity, true, taker_id);
        after_fill(e, taker_id);
        after_fill(e, maker_id);
    }
}

/* ---- what an order may say ---- */

static int64_t tick_of(const product *p, int64_t price) {
    int64_t tick = p->definition.ticks[0].tick;
    for (uint32_t i = 1; i < p->definition.tick_bands; i++)
        if (price >= p->definition.ticks[i].from) tick = p->definition.ticks[i].tick;
    return tick;
}

static bool in_range(int64_t price) {
    return price > 0 && price <= MX_PRICE_MAX;
}

static int64_t band_from(const product *p, unsigned side, int64_t price) {
    int64_t away = (int64_t)((mx_money)price * p->definition.protection_ppm / 1000000);
    int64_t edge = side == TW_BID ? price + away : price - away;
    if (edge < p->definition.ticks[0].tick) return p->definition.ticks[0].tick;
    if (edge > MX_PRICE_MAX) edge = MX_PRICE_MAX;
    int64_t step = p->definition.ticks[0].tick, over = edge % step; /* all ticks are multiples of the first */
    if (over != 0) edge += side == TW_BID ? -over : step - over;
    while (edge % tick_of(p, edge) != 0)
        edge += side == TW_BID ? -step : step;
    return edge;
}

static mx_reason sensible(naive_engine *e, const mx_new_order *o) {
    const product *p = &e->products[o->instrument];
    uint64_t lot = p->definition.lot;
    bool priced = o->type == MX_LIMIT || o->type == MX_STOP_LIMIT;
    if (o->side > 1 || o->type >= MX_TYPES || o->tif >= MX_TIFS || o->stp >= MX_STPS) return MXR_BAD_FIELD;
    if (o->order_id == 0 || by_id(e, o->order_id) != NULL) return MXR_BAD_ORDER_ID;
    if (o->quantity == 0 || o->quantity > MX_QUANTITY_MAX) return MXR_BAD_QUANTITY;
    if (o->quantity % lot != 0) return MXR_BAD_LOT;
    if (o->display > 0 && (o->display > o->quantity || o->display % lot != 0 || !stays(o->tif) || !priced))
        return MXR_BAD_DISPLAY;
    if (o->display > 0 && (o->quantity + o->display - 1) / o->display > 1000) return MXR_BAD_DISPLAY;
    if (o->minimum > 0 && (o->minimum > o->quantity || is_stop(o->type) || o->post_only)) return MXR_BAD_MINIMUM;
    if (priced ? !in_range(o->price) : o->price != TW_PRICE_ABSENT) return MXR_BAD_PRICE;
    if (priced && o->price % tick_of(p, o->price) != 0) return MXR_BAD_TICK;
    if (is_stop(o->type) && (!in_range(o->stop_price) || o->stop_price % tick_of(p, o->stop_price) != 0))
        return MXR_BAD_STOP_PRICE;
    if (!is_stop(o->type) && o->stop_price != TW_PRICE_ABSENT) return MXR_BAD_STOP_PRICE;
    if (o->type == MX_MARKET && stays(o->tif)) return MXR_BAD_TIME_IN_FORCE;
    if (is_stop(o->type) && !stays(o->tif)) return MXR_BAD_TIME_IN_FORCE;
    if (o->tif == MX_GTD && o->expire_ns <= e->now) return MXR_BAD_EXPIRY;
    if (o->tif != MX_GTD && o->expire_ns != 0) return MXR_BAD_EXPIRY;
    if (o->post_only && (o->type != MX_LIMIT || !stays(o->tif))) return MXR_BAD_POST_ONLY;
    if (o->session == 0) return MXR_OK;
    for (size_t i = 0; i < e->talk_count; i++)
        if (e->talks[i].id == o->session) return MXR_OK;
    return MXR_UNKNOWN_SESSION;
}

static bool too_far(const product *p, int64_t price, int64_t from) {
    return (mx_money)llabs(price - from) * 1000000 > (mx_money)from * p->definition.collar_ppm;
}

static mx_reason collar(const product *p, uint8_t type, int64_t price, int64_t stop_price) {
    if (p->definition.collar_ppm == 0 || (type != MX_LIMIT && type != MX_STOP_LIMIT)) return MXR_OK;
    int64_t from = type == MX_LIMIT ? p->reference : stop_price;
    if (from == TW_PRICE_ABSENT) return MXR_NO_REFERENCE_PRICE;
    return too_far(p, price, from) ? MXR_PRICE_COLLAR : MXR_OK;
}

/* ---- risk ---- */

/* Open orders of an account, of one instrument and side or (MX_EVERY, 2) of all; `but` is left out. */
static mx_money open_value(const naive_engine *e, uint32_t account, uint32_t instrument, unsigned side,
                           uint64_t but, uint64_t *quantity) {
    mx_money value = 0;
    *quantity = 0;
    for (size_t i = 0; i < e->count; i++) {
        const entry *x = &e->orders[i];
        if (x->o.account != account || x->o.order_id == but) continue;
        if ((instrument != MX_EVERY && x->o.instrument != instrument) || (side != 2 && x->o.side != side)) continue;
        bool waits = is_stop(x->o.type) && !x->live_stop;
        int64_t each = waits && x->o.side == TW_ASK && x->o.stop_price > x->limit ? x->o.stop_price : x->limit;
        value += (mx_money)each * (mx_money)x->left;
        *quantity += x->left;
    }
    return value;
}

static bool reached_already(const product *p, unsigned side, int64_t stop_price) {
    if (p->state != MX_CONTINUOUS || p->last == TW_PRICE_ABSENT) return false;
    return side == TW_BID ? p->last >= stop_price : p->last <= stop_price;
}

/* The most that one piece can change hands for. `waits`: for its stop price. `moves`: it comes to the market, now or once triggered. */
static int64_t dearest(const naive_engine *e, const mx_new_order *o, int64_t price, bool waits, bool moves) {
    if (o->side == TW_BID) return price;
    const product *p = &e->products[o->instrument];
    if (waits && o->stop_price > price) price = o->stop_price;
    if (!moves || (waits && !reached_already(p, o->side, o->stop_price))) return price;
    const entry *bid = first_of(e->orders, e->count, o->instrument, TW_BID);
    int64_t pays = bid != NULL ? bid->limit : p->reference;
    return pays != TW_PRICE_ABSENT && pays > price ? pays : price;
}

/* `o` is what the order would be, `each` what one piece of it is worth, `quantity` of it still to be executed; `but` the order it replaces, 0 if it is new. */
static mx_reason risk(const naive_engine *e, const mx_new_order *o, int64_t price, int64_t each, int64_t reference,
                      uint64_t quantity, uint64_t but, bool too_fast) {
    const owner *who = &e->owners[o->account];
    const mx_limits *l = &who->limits;
    const holding *h = &e->holdings[o->account][o->instrument];
    bool buys = o->side == TW_BID;
    mx_money value = (mx_money)each * (mx_money)quantity;
    if (e->low) return MXR_STORAGE_LOW;
    if (e->killed || who->killed) return MXR_KILL_SWITCH;
    if (who->blocked) return MXR_ACCOUNT_BLOCKED;
    if (e->products[o->instrument].blocked || h->blocked) return MXR_INSTRUMENT_BLOCKED;
    if (!who->has_limits) return MXR_NO_LIMITS;
    if (too_fast) return MXR_MESSAGE_RATE;
    if (quantity > l->order_quantity) return MXR_ORDER_SIZE;
    if (value > l->order_notional) return MXR_ORDER_NOTIONAL;
    const mx_new_order *last = &who->last;
    if (but == 0 && last->quantity > 0 && e->now - who->last_ns < l->duplicate_ns &&
        last->instrument == o->instrument && last->side == o->side && last->type == o->type &&
        last->price == o->price && last->quantity == o->quantity)
        return MXR_DUPLICATE_ORDER;
    uint64_t all = 0, same_side, ignored;
    for (size_t i = 0; i < e->count; i++)
        all += e->orders[i].o.account == o->account;
    if (but == 0 && all >= l->open_orders) return MXR_OPEN_ORDERS;
    if (l->collar_ppm > 0 && reference == TW_PRICE_ABSENT) return MXR_NO_REFERENCE_PRICE;
    mx_money worse = buys ? (mx_money)price - reference : (mx_money)reference - price;
    if (l->collar_ppm > 0 && worse * 1000000 > (mx_money)reference * l->collar_ppm) return MXR_ACCOUNT_COLLAR;
    open_value(e, o->account, o->instrument, o->side, but, &same_side);
    mx_money after = (buys ? (mx_money)h->quantity : -(mx_money)h->quantity) + same_side + quantity;
    bool reduces =
        (buys ? h->quantity < 0 : h->quantity > 0) && same_side + quantity <= (uint64_t)llabs(h->quantity);
    if (!reduces && after > (mx_money)least(l->position, MX_POSITION_MAX)) return MXR_POSITION_LIMIT;
    mx_money exposure = value + open_value(e, o->account, MX_EVERY, 2, but, &ignored);
    for (uint32_t i = 0; i < MOST_INSTRUMENTS; i++)
        exposure += e->holdings[o->account][i].cost;
    if (!reduces && exposure > l->exposure) return MXR_EXPOSURE_LIMIT;
    mx_money here = value + h->cost + open_value(e, o->account, o->instrument, 2, but, &ignored);
    uint32_t share = l->concentration_ppm == 0 ? 200000 : l->concentration_ppm;
    if (!reduces && share <= 1000000 && here > l->funds * share / 1000000) return MXR_CONCENTRATION;
    mx_money needed = value + open_value(e, o->account, MX_EVERY, TW_BID, but, &ignored) + who->spent;
    return buys && needed > l->funds ? MXR_FUNDS : MXR_OK;
}

static bool too_fast(naive_engine *e, uint32_t account) {
    owner *who = &e->owners[account];
    if (!who->has_limits || who->limits.rate_per_second == 0) return false;
    int64_t each = 1000000000 / who->limits.rate_per_second;
    int64_t burst = who->limits.rate_burst == 0 ? 1 : who->limits.rate_burst;
    if (who->rate_due < e->now) who->rate_due = e->now;
    if (who->rate_due - e->now > each * (burst - 1)) return true;
    who->rate_due += each;
    return false;
}

/* ---- new orders ---- */

static mx_report *refuse(naive_engine *e, const mx_new_order *o, mx_report_kind kind, mx_reason reason) {
    mx_report *r = say(e, kind, reason);
    r->side = o->side;
    r->type = o->type;
    r->tif = o->tif;
    r->account = o->account;
    r->instrument = o->instrument;
    r->order_id = o->order_id;
    r->session = o->session;
    r->price = o->price;
    r->stop_price = o->stop_price;
    r->quantity = o->quantity;
    r->client_id = o->client_id;
    return r;
}

static const outcome *outcome_of(const naive_engine *e, uint32_t account, uint32_t instrument,
                                 const mx_client_id *id) {
    for (size_t i = 0; i < e->outcome_count; i++) {
        const outcome *x = &e->outcomes[i];
        if (x->account == account && x->instrument == instrument && memcmp(&x->id, id, sizeof *id) == 0) return x;
    }
    return NULL;
}

static void remember(naive_engine *e, const mx_new_order *o, mx_reason reason) {
    if (mx_client_id_none(&o->client_id)) return;
    if (e->outcome_count == e->outcome_room) {
        e->outcome_room = e->outcome_room == 0 ? 64 : 2 * e->outcome_room;
        e->outcomes = realloc(e->outcomes, e->outcome_room * sizeof *e->outcomes);
        if (e->outcomes == NULL) abort();
    }
    e->outcomes[e->outcome_count++] = (outcome){o->client_id, o->account, o->instrument, o->order_id, reason};
}

/* Refusals for what the venue or the account is just now, not for what the order is. */
static bool passes(mx_reason reason) {
    return reason == MXR_STORAGE_LOW || reason == MXR_KILL_SWITCH || reason == MXR_ACCOUNT_BLOCKED ||
           reason == MXR_INSTRUMENT_BLOCKED || reason == MXR_NO_LIMITS || reason == MXR_MESSAGE_RATE ||
           reason == MXR_INPUT_FULL;
}

static size_t positions_known(const naive_engine *e) {
    size_t count = 0;
    for (uint32_t a = 0; a < MOST_ACCOUNTS; a++)
        for (uint32_t i = 0; i < MOST_INSTRUMENTS; i++)
            count += e->holdings[a][i].known;
    return count;
}

static mx_reason may_come(naive_engine *e, const mx_new_order *o, bool fast, int64_t *limit) {
    const product *p = &e->products[o->instrument];
    mx_reason reason = sensible(e, o);
    if (reason != MXR_OK) return reason;
    if (!e->day) return MXR_NO_TRADING_DAY;
    if (p->state == MX_HALTED) return MXR_HALTED;
    if (p->state == MX_CLOSED) return MXR_CLOSED;
    if (p->state == MX_MOVED) return MXR_MOVED;
    bool at_once = o->type == MX_MARKET || !stays(o->tif) || o->minimum > 0 || o->post_only;
    if (p->state == MX_PRE_OPEN && at_once) return MXR_NOT_IN_PRE_OPEN;
    entry *opposite = first_of(e->orders, e->count, o->instrument, o->side ^ 1);
    if (o->type == MX_MARKET && opposite == NULL) return MXR_NO_LIQUIDITY;
    *limit = o->type == MX_MARKET ? band_from(p, o->side, opposite->limit)
             : o->type == MX_STOP ? band_from(p, o->side, o->stop_price)
                                  : o->price;
    reason = collar(p, o->type, o->price, o->stop_price);
    if (reason != MXR_OK) return reason;
    int64_t each = dearest(e, o, *limit, is_stop(o->type), true);
    reason = risk(e, o, *limit, each, is_stop(o->type) ? o->stop_price : p->reference, o->quantity, 0, fast);
    if (reason != MXR_OK) return reason;
    if (full(e)) return MXR_INPUT_FULL;
    if ((o->tif == MX_FOK || o->minimum > 0) && e->steps >= e->bounds.max_steps) return MXR_INPUT_FULL;
    if (o->post_only && opposite != NULL && can_trade(o->side, o->price, opposite->limit)) return MXR_POST_ONLY;
    if (e->count >= e->bounds.max_orders) return MXR_ORDERS_FULL;
    bool held = e->holdings[o->account][o->instrument].known;
    return !held && positions_known(e) >= e->bounds.max_positions ? MXR_POSITIONS_FULL : MXR_OK;
}

static void enter(naive_engine *e, const mx_new_order *o, int64_t limit) {
    entry *x = append(e);
    *x = (entry){.o = *o, .limit = limit, .total = o->quantity, .left = o->quantity, .came = ++e->came};
    e->holdings[o->account][o->instrument].known = true;
    say_order(e, MX_ACCEPTED, MXR_OK, x);
    if (is_stop(o->type)) {
        if (reached_already(&e->products[o->instrument], o->side, o->stop_price)) {
            trigger(e, o->order_id);
        } else {
            join(e, x, WAITING);
        }
        return;
    }
    uint64_t needed = o->tif == MX_FOK ? o->quantity : o->minimum;
    if (needed > 0 && !steps_to_judge(e, x, needed)) {
        end(e, o->order_id, MX_CANCELLED, MXR_INPUT_FULL);
        return;
    }
    if (would_get(e, x, needed, UINT64_MAX) < needed) {
        end(e, o->order_id, MX_CANCELLED, o->tif == MX_FOK ? MXR_FOK_KILLED : MXR_MINIMUM_NOT_MET);
        return;
    }
    if (would_get(e, x, needed, e->bounds.max_reports) < needed) {
        end(e, o->order_id, MX_CANCELLED, MXR_INPUT_FULL);
        return;
    }
    run(e, o->order_id);
}

static bool known_account(const naive_engine *e, uint32_t account) {
    return account < MOST_ACCOUNTS && e->owners[account].known;
}

static bool known_instrument(const naive_engine *e, uint32_t instrument) {
    return instrument < MOST_INSTRUMENTS && e->products[instrument].known;
}

static void new_order(naive_engine *e, const mx_new_order *o) {
    if (!known_account(e, o->account)) {
        refuse(e, o, MX_REJECTED, MXR_UNKNOWN_ACCOUNT);
        return;
    }
    if (!known_instrument(e, o->instrument)) {
        refuse(e, o, MX_REJECTED, MXR_UNKNOWN_INSTRUMENT);
        return;
    }
    bool fast = too_fast(e, o->account);
    const outcome *first =
        mx_client_id_none(&o->client_id) ? NULL : outcome_of(e, o->account, o->instrument, &o->client_id);
    if (first != NULL) {
        bool accepted = first->reason == MXR_OK;
        const entry *alive = accepted ? by_id(e, first->order_id) : NULL;
        mx_reason reason = accepted ? MXR_DUPLICATE_CLIENT_ID : first->reason;
        mx_report_kind kind = accepted ? MX_ACCEPTED : MX_REJECTED;
        mx_report *r = alive != NULL ? say_order(e, kind, reason, alive) : refuse(e, o, kind, reason);
        r->order_id = first->order_id;
        if (alive == NULL) r->session = 0;
        r->duplicate = true;
        return;
    }
    if (!mx_client_id_none(&o->client_id) && e->outcome_count >= e->bounds.max_client_ids) {
        refuse(e, o, MX_REJECTED, MXR_CLIENT_IDS_FULL);
        return;
    }
    int64_t limit = TW_PRICE_ABSENT;
    mx_reason reason = may_come(e, o, fast, &limit);
    if (!fast && !passes(reason)) remember(e, o, reason);
    if (reason != MXR_OK) {
        refuse(e, o, MX_REJECTED, reason);
        return;
    }
    e->owners[o->account].last = *o;
    e->owners[o->account].last_ns = e->now;
    enter(e, o, limit);
    stops(e, o->instrument);
}

/* ---- cancel and replace ---- */

static mx_reason meant(naive_engine *e, const mx_target *t, entry **found) {
    *found = NULL;
    if (!known_account(e, t->account)) return MXR_UNKNOWN_ACCOUNT;
    if (!known_instrument(e, t->instrument)) return MXR_UNKNOWN_INSTRUMENT;
    uint64_t id = t->order_id;
    if (id == 0 && !mx_client_id_none(&t->client_id)) {
        const outcome *first = outcome_of(e, t->account, t->instrument, &t->client_id);
        if (first != NULL && first->reason == MXR_OK) id = first->order_id;
    }
    entry *x = id == 0 ? NULL : by_id(e, id);
    if (x == NULL || x->o.account != t->account || x->o.instrument != t->instrument) return MXR_UNKNOWN_ORDER;
    *found = x;
    return MXR_OK;
}

static void refuse_target(naive_engine *e, mx_report_kind kind, mx_reason reason, const mx_target *t,
                          const entry *x) {
    if (x != NULL) {
        say_order(e, kind, reason, x);
        return;
    }
    mx_report *r = say(e, kind, reason);
    r->account = t->account;
    r->instrument = t->instrument;
    r->order_id = t->order_id;
    r->client_id = t->client_id;
}

static void cancel(naive_engine *e, const mx_cancel *c) {
    if (known_account(e, c->target.account)) too_fast(e, c->target.account);
    entry *x;
    mx_reason reason = meant(e, &c->target, &x);
    if (reason != MXR_OK) {
        refuse_target(e, MX_CANCEL_REJECTED, reason, &c->target, x);
    } else {
        end(e, x->o.order_id, MX_CANCELLED, MXR_REQUESTED);
    }
}

/* What the order would be. `smaller`: the same but for a smaller quantity. */
static mx_reason changed(naive_engine *e, const entry *x, const mx_replace *c, bool fast, entry *to,
                         bool *smaller) {
    const product *p = &e->products[x->o.instrument];
    uint64_t lot = p->definition.lot;
    *to = *x;
    if (c->quantity != MX_SAME) {
        if (c->quantity == 0 || c->quantity > MX_QUANTITY_MAX) return MXR_BAD_QUANTITY;
        if (c->quantity % lot != 0) return MXR_BAD_LOT;
        to->total = c->quantity + (c->open_only ? x->done : 0);
    }
    if (to->total <= x->done) return MXR_BELOW_EXECUTED;
    to->left = to->total - x->done;
    if (c->display != MX_SAME) {
        bool bad = c->display > to->total || c->display % lot != 0 || x->o.type == MX_STOP;
        if (c->display != 0 && bad) return MXR_BAD_DISPLAY;
        to->o.display = c->display;
    }
    if (to->o.display > 0 && (to->total + to->o.display - 1) / to->o.display > 1000) return MXR_BAD_DISPLAY;
    if (c->price != TW_PRICE_ABSENT) {
        if (x->o.type == MX_STOP || !in_range(c->price)) return MXR_BAD_PRICE;
        if (c->price % tick_of(p, c->price) != 0) return MXR_BAD_TICK;
        to->limit = to->o.price = c->price;
    }
    if (c->stop_price != TW_PRICE_ABSENT) {
        if (x->where != WAITING || !in_range(c->stop_price) || c->stop_price % tick_of(p, c->stop_price) != 0)
            return MXR_BAD_STOP_PRICE;
        to->o.stop_price = c->stop_price;
        if (x->o.type == MX_STOP) to->limit = band_from(p, x->o.side, c->stop_price);
    }
    if (!e->day) return MXR_NO_TRADING_DAY;
    if (p->state == MX_HALTED) return MXR_HALTED;
    if (p->state == MX_CLOSED) return MXR_CLOSED;
    if (p->state == MX_MOVED) return MXR_MOVED;
    *smaller = to->left < x->left && to->limit == x->limit && to->o.stop_price == x->o.stop_price &&
               to->o.display == x->o.display;
    uint8_t type = x->where == WAITING ? x->o.type : MX_LIMIT;
    mx_reason reason = *smaller ? MXR_OK : collar(p, type, to->limit, to->o.stop_price);
    if (reason != MXR_OK) return reason;
    int64_t reference = x->where == WAITING ? to->o.stop_price : p->reference;
    int64_t each = dearest(e, &to->o, to->limit, x->where == WAITING, !*smaller);
    reason = risk(e, &to->o, to->limit, each, reference, to->left, x->o.order_id, fast);
    if (reason == MXR_OK && full(e)) reason = MXR_INPUT_FULL;
    if (reason != MXR_OK || *smaller) return reason;
    const entry *opposite = first_of(e->orders, e->count, x->o.instrument, x->o.side ^ 1);
    bool trades = opposite != NULL && can_trade(x->o.side, to->limit, opposite->limit);
    return x->o.post_only && trades ? MXR_POST_ONLY : MXR_OK;
}

static void replace(naive_engine *e, const mx_replace *c) {
    bool fast = known_account(e, c->target.account) && too_fast(e, c->target.account);
    entry *x, to;
    bool smaller = false;
    mx_reason reason = meant(e, &c->target, &x);
    if (reason == MXR_OK) reason = changed(e, x, c, fast, &to, &smaller);
    if (reason != MXR_OK) {
        refuse_target(e, MX_REPLACE_REJECTED, reason, &c->target, x);
        return;
    }
    place where = x->where;
    *x = to;
    if (smaller) {
        if (x->shown > x->left) x->shown = x->left;
        say_order(e, MX_REPLACED, MXR_OK, x);
        return;
    }
    x->where = IN_HAND;
    x->shown = 0;
    say_order(e, MX_REPLACED, MXR_OK, x);
    if (where == IN_BOOK) {
        run(e, x->o.order_id);
    } else if (reached_already(&e->products[x->o.instrument], x->o.side, x->o.stop_price)) {
        trigger(e, x->o.order_id);
    } else {
        join(e, x, WAITING);
    }
    stops(e, c->target.instrument);
}

static uint64_t cancel_all(naive_engine *e, uint32_t account, uint32_t instrument, unsigned sides,
                           mx_reason reason) {
    uint64_t count = 0;
    for (size_t i = 0; i < e->count;) {
        const entry *x = &e->orders[i];
        bool hit_it = x->o.account == account && (instrument == MX_EVERY || x->o.instrument == instrument) &&
                      (sides & (x->o.side == TW_BID ? 1u : 2u)) != 0;
        if (hit_it) {
            end(e, x->o.order_id, MX_CANCELLED, reason);
            count++;
        } else {
            i++;
        }
    }
    return count;
}

static uint64_t accounts_known(const naive_engine *e) {
    uint64_t count = 0;
    for (uint32_t a = 0; a < MOST_ACCOUNTS; a++)
        count += e->owners[a].known;
    return count;
}

static void cancel_many(naive_engine *e, const mx_mass_cancel *c) {
    mx_reason reason = MXR_OK;
    uint64_t count = 0;
    if (c->account != MX_EVERY && !known_account(e, c->account)) {
        reason = MXR_UNKNOWN_ACCOUNT;
    } else if (c->instrument != MX_EVERY && !known_instrument(e, c->instrument)) {
        reason = MXR_UNKNOWN_INSTRUMENT;
    } else if (c->sides < 1 || c->sides > 3) {
        reason = MXR_BAD_FIELD;
    } else if (c->account == MX_EVERY && !steps(e, accounts_known(e))) {
        reason = MXR_INPUT_FULL;
    } else {
        if (c->account != MX_EVERY) too_fast(e, c->account);
        for (uint32_t a = 0; a < MOST_ACCOUNTS; a++)
            if (c->account == MX_EVERY || c->account == a)
                count += cancel_all(e, a, c->instrument, c->sides, MXR_MASS_CANCEL);
    }
    mx_report *r = say(e, reason == MXR_OK ? MX_MASS_CANCELLED : MX_CANCEL_REJECTED, reason);
    if (c->account != MX_EVERY) r->account = c->account;
    if (c->instrument != MX_EVERY) r->instrument = c->instrument;
    r->quantity = count;
}

/* ---- time ---- */

/* The next DAY order to go: resting before waiting, best price first, first come first. */
static entry *next_to_go(naive_engine *e, uint32_t instrument, unsigned side, place where) {
    entry *next = NULL;
    for (size_t i = 0; i < e->count; i++) {
        entry *x = &e->orders[i];
        if (x->where != where || x->o.instrument != instrument || x->o.side != side || x->o.tif != MX_DAY) continue;
        int64_t price = where == WAITING ? x->o.stop_price : x->limit, best = 0;
        if (next != NULL) best = where == WAITING ? next->o.stop_price : next->limit;
        unsigned way = where == WAITING ? side ^ 1 : side;
        if (next == NULL || better(way, price, best) || (price == best && x->turn < next->turn)) next = x;
    }
    return next;
}

static void end_day_orders(naive_engine *e, uint32_t instrument) {
    static const struct {
        unsigned side;
        place where;
    } walk[] = {{TW_BID, IN_BOOK}, {TW_ASK, IN_BOOK}, {TW_ASK, WAITING}, {TW_BID, WAITING}};
    for (size_t i = 0; i < sizeof walk / sizeof *walk; i++)
        for (entry *x; (x = next_to_go(e, instrument, walk[i].side, walk[i].where)) != NULL;)
            end(e, x->o.order_id, MX_EXPIRED, MXR_DAY_ENDED);
}

static void end_day(naive_engine *e) {
    for (uint32_t i = 0; i < MOST_INSTRUMENTS; i++)
        if (e->products[i].known) end_day_orders(e, i);
    e->day = false;
    say(e, MX_DAY_ENDED, MXR_DAY_ENDED)->quantity = e->date;
}

static talk *talk_of(naive_engine *e, uint64_t id) {
    for (size_t i = 0; i < e->talk_count; i++)
        if (id != 0 && e->talks[i].id == id) return &e->talks[i];
    return NULL;
}

static void end_talk(naive_engine *e, uint64_t id, mx_reason reason) {
    for (size_t i = 0; i < e->count;) {
        if (e->orders[i].o.session == id) {
            end(e, e->orders[i].o.order_id, MX_CANCELLED, reason);
        } else {
            i++;
        }
    }
    size_t at = (size_t)(talk_of(e, id) - e->talks);
    memmove(&e->talks[at], &e->talks[at + 1], (e->talk_count - at - 1) * sizeof *e->talks);
    e->talk_count--;
    say(e, MX_SESSION_ENDED, reason)->session = id;
}

/* Whatever is due, the earliest first. */
static void pass_time(naive_engine *e) {
    for (;;) {
        const entry *expires = NULL;
        for (size_t i = 0; i < e->count; i++) {
            const entry *x = &e->orders[i];
            if (x->o.tif == MX_GTD && (expires == NULL || x->o.expire_ns < expires->o.expire_ns)) expires = x;
        }
        const talk *silent = NULL;
        for (size_t i = 0; i < e->talk_count; i++) {
            const talk *t = &e->talks[i];
            if (silent == NULL || t->beat + t->timeout < silent->beat + silent->timeout) silent = t;
        }
        int64_t order_at = expires != NULL ? expires->o.expire_ns : INT64_MAX;
        int64_t silent_at = silent != NULL ? silent->beat + silent->timeout : INT64_MAX;
        int64_t day_at = e->day ? e->day_end : INT64_MAX;
        if (order_at <= e->now && order_at <= silent_at && order_at <= day_at) {
            end(e, expires->o.order_id, MX_EXPIRED, MXR_TIME_REACHED);
        } else if (silent_at <= e->now && silent_at <= day_at) {
            end_talk(e, silent->id, MXR_SESSION_LOST);
        } else if (day_at <= e->now) {
            end_day(e);
        } else {
            return;
        }
    }
}

static mx_report *answer(naive_engine *e, mx_reason reason) {
    return say(e, reason == MXR_OK ? MX_DONE : MX_REFUSED, reason);
}

static void talk_command(naive_engine *e, mx_command_kind kind, const mx_session *c) {
    talk *t = talk_of(e, c->session);
    mx_reason reason = MXR_OK;
    if (kind == MX_SESSION_OPEN) {
        if (c->session == 0 || c->timeout_ns < 1 || c->timeout_ns > MX_TIMEOUT_MAX_NS) {
            reason = MXR_BAD_DEFINITION;
        } else if (t != NULL) {
            reason = MXR_SESSION_IS_OPEN;
        } else if (e->talk_count >= e->bounds.max_sessions) {
            reason = MXR_SESSIONS_FULL;
        } else {
            e->talks[e->talk_count++] = (talk){c->session, c->timeout_ns, e->now};
        }
    } else if (t == NULL) {
        reason = MXR_UNKNOWN_SESSION;
    } else if (kind == MX_SESSION_BEAT) {
        t->beat = e->now;
    } else {
        end_talk(e, c->session, MXR_SESSION_CLOSED);
        return;
    }
    answer(e, reason)->session = c->session;
}

static void begin_day(naive_engine *e, const mx_begin_day *c) {
    if (c->date <= e->date || c->end_ns <= e->now) {
        answer(e, MXR_BAD_DAY);
        return;
    }
    if (e->day) end_day(e);
    e->outcome_count = 0;
    e->date = c->date;
    e->day_end = c->end_ns;
    e->day = true;
    answer(e, MXR_OK);
}

/* ---- control ---- */

/* Its own terms are possible. */
static bool makes_sense(const mx_define_instrument *c) {
    bool price =
        c->reference_price == TW_PRICE_ABSENT || (c->reference_price >= 1 && c->reference_price <= MX_PRICE_MAX);
    bool scales = c->price_exponent >= -18 && c->price_exponent <= 18 && c->quantity_exponent >= -18 &&
                  c->quantity_exponent <= 18;
    if (c->symbol[0] == '\0' || c->lot < 1 || c->lot > MX_QUANTITY_MAX || c->protection_ppm > MX_PPM || !price ||
        !scales)
        return false;
    if (c->tick_bands < 1 || c->tick_bands > MX_TICK_BANDS || c->ticks[0].from != 0) return false;
    for (uint32_t i = 0; i < c->tick_bands; i++) {
        const mx_tick_band *now = &c->ticks[i], *last = i > 0 ? &c->ticks[i - 1] : NULL;
        if (now->tick < 1 || now->tick > MX_PRICE_MAX || now->tick % c->ticks[0].tick != 0) return false;
        if (last != NULL && (now->from <= last->from || now->from > MX_PRICE_MAX || now->tick < last->tick ||
                             now->from % now->tick != 0 || now->from % last->tick != 0))
            return false;
    }
    return true;
}

/* An answer about an account or instrument, which it names only if there is one. */
static mx_report *answer_about(naive_engine *e, mx_reason reason, uint32_t account, uint32_t instrument) {
    mx_report *r = answer(e, reason);
    if (known_account(e, account)) r->account = account;
    if (known_instrument(e, instrument)) r->instrument = instrument;
    return r;
}

static uint32_t instruments_known(const naive_engine *e) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < MOST_INSTRUMENTS; i++)
        count += e->products[i].known;
    return count;
}

/* Tick, lot and exponents are what open orders stand on; a name is for ever. */
static bool may_become(const naive_engine *e, const product *p, const mx_define_instrument *c) {
    const mx_define_instrument *old = &p->definition;
    if (strcmp(old->symbol, c->symbol) != 0) return false;
    bool same = old->lot == c->lot && old->price_exponent == c->price_exponent &&
                old->quantity_exponent == c->quantity_exponent && old->tick_bands == c->tick_bands;
    for (uint32_t i = 0; same && i < c->tick_bands; i++)
        same = old->ticks[i].from == c->ticks[i].from && old->ticks[i].tick == c->ticks[i].tick;
    for (size_t i = 0; !same && i < e->count; i++)
        if (&e->products[e->orders[i].o.instrument] == p) return false;
    return true;
}

static mx_reason instrument_reason(const naive_engine *e, const mx_define_instrument *c) {
    uint32_t count = instruments_known(e);
    if (c->instrument > count || (c->instrument == count && count >= e->bounds.max_instruments))
        return MXR_UNKNOWN_INSTRUMENT;
    if (!makes_sense(c)) return MXR_BAD_DEFINITION;
    if (c->instrument < count) return may_become(e, &e->products[c->instrument], c) ? MXR_OK : MXR_ALREADY_DEFINED;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(e->products[i].definition.symbol, c->symbol) == 0) return MXR_ALREADY_DEFINED;
    return MXR_OK;
}

static void define_instrument(naive_engine *e, const mx_define_instrument *c) {
    mx_reason reason = instrument_reason(e, c);
    if (reason == MXR_OK) {
        product *p = &e->products[c->instrument];
        if (!p->known)
            *p = (product){.known = true,
                           .state = MX_CLOSED,
                           .reference = TW_PRICE_ABSENT,
                           .last = TW_PRICE_ABSENT,
                           .low = INT64_MAX,
                           .high = INT64_MIN};
        p->definition = *c;
        if (c->reference_price != TW_PRICE_ABSENT) p->reference = c->reference_price;
    }
    answer_about(e, reason, MX_UNKNOWN, c->instrument);
}

static mx_reason account_reason(const naive_engine *e, const mx_define_account *c) {
    uint64_t count = accounts_known(e);
    if (c->account > count || (c->account == count && count >= e->bounds.max_accounts)) return MXR_UNKNOWN_ACCOUNT;
    if (c->name[0] == '\0' || c->fee_class >= MX_FEE_CLASSES) return MXR_BAD_DEFINITION;
    for (uint32_t a = 0; a < count; a++) {
        bool same = strcmp(e->owners[a].definition.name, c->name) == 0;
        if (same != (a == c->account)) return MXR_ALREADY_DEFINED;
    }
    return MXR_OK;
}

static void define_account(naive_engine *e, const mx_define_account *c) {
    mx_reason reason = account_reason(e, c);
    if (reason == MXR_OK) {
        e->owners[c->account].known = true;
        e->owners[c->account].definition = *c;
    }
    answer_about(e, reason, c->account, MX_UNKNOWN);
}

static bool is_amount(mx_money amount) {
    return amount >= 0 && amount <= MX_MONEY_MAX;
}

static void set_limits(naive_engine *e, const mx_limits *c) {
    mx_reason reason = MXR_OK;
    if (!known_account(e, c->account)) {
        reason = MXR_UNKNOWN_ACCOUNT;
    } else if (!is_amount(c->order_notional) || !is_amount(c->funds) || !is_amount(c->exposure) ||
               c->duplicate_ns < 0) {
        reason = MXR_BAD_DEFINITION;
    } else {
        e->owners[c->account].has_limits = true;
        e->owners[c->account].limits = *c;
    }
    answer_about(e, reason, c->account, MX_UNKNOWN);
}

static bool within(int64_t value, int64_t most) {
    return value >= -most && value <= most;
}

static void set_fees(naive_engine *e, const mx_fees *c) {
    bool good = c->fee_class < MX_FEE_CLASSES && within(c->maker_ppm, MX_PPM) && within(c->taker_ppm, MX_PPM) &&
                within(c->maker_per_unit, MX_PRICE_MAX) && within(c->taker_per_unit, MX_PRICE_MAX);
    if (good) e->fees[c->fee_class] = *c;
    answer(e, good ? MXR_OK : MXR_BAD_DEFINITION);
}

static void set_reference(naive_engine *e, const mx_set_reference *c) {
    mx_reason reason = !known_instrument(e, c->instrument)       ? MXR_UNKNOWN_INSTRUMENT
                       : c->price < 1 || c->price > MX_PRICE_MAX ? MXR_BAD_PRICE
                                                                 : MXR_OK;
    if (reason == MXR_OK) e->products[c->instrument].reference = c->price;
    answer_about(e, reason, MX_UNKNOWN, c->instrument);
}

static void set_state(naive_engine *e, const mx_set_state *c) {
    mx_reason reason = c->state >= MX_STATES                                              ? MXR_NO_SUCH_STATE
                       : c->instrument != MX_EVERY && !known_instrument(e, c->instrument) ? MXR_UNKNOWN_INSTRUMENT
                                                                                          : MXR_OK;
    if (reason == MXR_OK && c->instrument == MX_EVERY && c->state == MX_MOVED) reason = MXR_NO_SUCH_STATE;
    if (reason == MXR_OK && c->instrument != MX_EVERY && e->products[c->instrument].state == MX_MOVED &&
        c->state != MX_MOVED && c->state != MX_CLOSED)
        reason = MXR_MOVED;
    bool late = full(e), stops_trading = c->state == MX_HALTED || c->state == MX_CLOSED;
    if (reason == MXR_OK && late && !stops_trading) reason = MXR_INPUT_FULL;
    if (reason == MXR_OK && late && c->instrument != MX_EVERY && c->state <= e->products[c->instrument].state)
        reason = MXR_INPUT_FULL;
    if (reason == MXR_OK && c->instrument == MX_EVERY && !steps(e, instruments_known(e))) reason = MXR_INPUT_FULL;
    if (reason != MXR_OK || c->instrument == MX_EVERY) answer_about(e, reason, MX_UNKNOWN, c->instrument);
    for (uint32_t i = 0; reason == MXR_OK && i < MOST_INSTRUMENTS; i++) {
        if (!e->products[i].known || (c->instrument != MX_EVERY && c->instrument != i)) continue;
        if (c->instrument == MX_EVERY && e->products[i].state == MX_MOVED) continue; /* it lives elsewhere */
        if (late && c->state <= e->products[i].state) continue; /* only on the way from open to halted to closed */
        e->products[i].state = (mx_state)c->state;
        mx_report *r = say(e, MX_STATE_CHANGED, MXR_OK);
        r->instrument = i;
        r->state = c->state;
        if (c->state == MX_CLOSED || c->state == MX_MOVED) end_day_orders(e, i);
        if (c->state == MX_CONTINUOUS) {
            open_market(e, i);
            stops(e, i);
        }
    }
}

static void set_block(naive_engine *e, const mx_block *c) {
    mx_reason reason = MXR_OK;
    if (c->account != MX_EVERY && !known_account(e, c->account)) {
        reason = MXR_UNKNOWN_ACCOUNT;
    } else if (c->instrument != MX_EVERY && !known_instrument(e, c->instrument)) {
        reason = MXR_UNKNOWN_INSTRUMENT;
    } else if (c->account == MX_EVERY && c->instrument == MX_EVERY) {
        reason = MXR_BAD_DEFINITION;
    } else if (c->instrument == MX_EVERY) {
        e->owners[c->account].blocked = c->on;
    } else if (c->account == MX_EVERY) {
        e->products[c->instrument].blocked = c->on;
    } else if (!e->holdings[c->account][c->instrument].known && positions_known(e) >= e->bounds.max_positions) {
        reason = MXR_POSITIONS_FULL;
    } else {
        e->holdings[c->account][c->instrument].known = true;
        e->holdings[c->account][c->instrument].blocked = c->on;
    }
    answer_about(e, reason, c->account, c->instrument);
}

static void set_kill(naive_engine *e, const mx_kill *c) {
    bool known = c->account == MX_EVERY || known_account(e, c->account);
    uint64_t count = 0;
    if (known) *(c->account == MX_EVERY ? &e->killed : &e->owners[c->account].killed) = c->on;
    for (uint32_t a = 0; known && c->on && a < MOST_ACCOUNTS; a++)
        if (c->account == MX_EVERY || c->account == a) count += cancel_all(e, a, MX_EVERY, 3, MXR_KILLED);
    answer_about(e, known ? MXR_OK : MXR_UNKNOWN_ACCOUNT, c->account, MX_UNKNOWN)->quantity = count;
}

static void set_bound(uint32_t *to, uint32_t value, uint32_t least, uint32_t most, bool *good) {
    if (value == 0) return;
    *good = *good && value >= least && value <= most;
    *to = value;
}

static void set_bounds(naive_engine *e, const mx_bounds *c) {
    mx_bounds to = e->bounds;
    bool good = true;
    set_bound(&to.max_instruments, c->max_instruments, 1, 1u << 20, &good);
    set_bound(&to.max_accounts, c->max_accounts, 1, 1u << 20, &good);
    set_bound(&to.max_positions, c->max_positions, 1, 1u << 24, &good);
    set_bound(&to.max_orders, c->max_orders, 1, 1u << 24, &good);
    set_bound(&to.max_pages, c->max_pages, 1, 1u << 24, &good);
    set_bound(&to.max_client_ids, c->max_client_ids, 1, 1u << 28, &good);
    set_bound(&to.max_sessions, c->max_sessions, 1, 1u << 20, &good);
    set_bound(&to.max_reports, c->max_reports, 4, 1u << 28, &good);
    set_bound(&to.max_steps, c->max_steps, 1, 1u << 28, &good);
    if (good) e->bounds = to;
    answer(e, good ? MXR_OK : MXR_BAD_DEFINITION);
}

static void control(naive_engine *e, const mx_command *c) {
    switch ((mx_command_kind)c->kind) {
    case MX_CLOCK:
        answer(e, MXR_OK);
        break;
    case MX_DEFINE_INSTRUMENT:
        define_instrument(e, &c->define_instrument);
        break;
    case MX_DEFINE_ACCOUNT:
        define_account(e, &c->define_account);
        break;
    case MX_SET_LIMITS:
        set_limits(e, &c->limits);
        break;
    case MX_SET_FEES:
        set_fees(e, &c->fees);
        break;
    case MX_SET_STATE:
        set_state(e, &c->set_state);
        break;
    case MX_SET_REFERENCE:
        set_reference(e, &c->set_reference);
        break;
    case MX_BEGIN_DAY:
        begin_day(e, &c->begin_day);
        break;
    case MX_SET_BLOCK:
        set_block(e, &c->block);
        break;
    case MX_SET_KILL:
        set_kill(e, &c->kill);
        break;
    case MX_SET_STORAGE:
        e->low = c->storage.low;
        answer(e, MXR_OK);
        break;
    case MX_SESSION_OPEN:
    case MX_SESSION_BEAT:
    case MX_SESSION_CLOSE:
        talk_command(e, (mx_command_kind)c->kind, &c->session);
        break;
    case MX_SET_BOUNDS:
        set_bounds(e, &c->bounds);
        break;
    default:
        answer(e, MXR_BAD_FIELD);
        break;
    }
}

void naive_apply(naive_engine *e, const mx_input *input, const mx_command *command, mx_sink *sink) {
    bool first = input->seq != e->seq;
    bool goes_on = first && e->held;
    if (first) {
        e->n = 0;
        e->steps = 0;
        e->held = false;
    }
    e->seq = input->seq;
    e->input = *input;
    e->command = command->kind;
    e->sink = sink;
    if (input->stream_ns > e->now) e->now = input->stream_ns;
    pass_time(e);
    for (uint32_t i = 0; goes_on && i < MOST_INSTRUMENTS; i++) {
        if (!e->products[i].known || e->products[i].state != MX_CONTINUOUS) continue;
        open_market(e, i);
        stops(e, i);
    }
    switch ((mx_command_kind)command->kind) {
    case MX_NEW_ORDER:
        new_order(e, &command->order);
        break;
    case MX_CANCEL:
        cancel(e, &command->cancel);
        break;
    case MX_REPLACE:
        replace(e, &command->replace);
        break;
    case MX_MASS_CANCEL:
        cancel_many(e, &command->mass_cancel);
        break;
    default:
        control(e, command);
        break;
    }
}

/* ---- questions ---- */

uint32_t naive_public_book(const naive_engine *e, uint32_t instrument, tw_side side, tw_level *levels,
                           uint32_t depth) {
    uint32_t count = 0;
    for (;;) {
        const entry *best = NULL;
        for (size_t i = 0; i < e->count; i++) {
            const entry *x = &e->orders[i];
            if (x->where != IN_BOOK || x->o.instrument != instrument || x->o.side != side) continue;
            if (count > 0 && !better(side, levels[count - 1].price, x->limit)) continue;
            if (best == NULL || better(side, x->limit, best->limit)) best = x;
        }
        if (best == NULL || count == depth) return count;
        tw_level *level = &levels[count++];
        *level = (tw_level){.price = best->limit};
        for (size_t i = 0; i < e->count; i++) {
            const entry *x = &e->orders[i];
            if (x->where != IN_BOOK || x->o.instrument != instrument || x->o.side != side ||
                x->limit != best->limit)
                continue;
            level->quantity += x->shown;
            level->orders++;
        }
    }
}

bool naive_position(const naive_engine *e, uint32_t account, uint32_t instrument, mx_position_view *view) {
    if (!known_account(e, account) || !known_instrument(e, instrument)) return false;
    const holding *h = &e->holdings[account][instrument];
    mx_money size = h->quantity < 0 ? -h->quantity : h->quantity;
    *view = (mx_position_view){.account = account,
                               .instrument = instrument,
                               .quantity = h->quantity,
                               .average_price =
                                   size == 0 ? TW_PRICE_ABSENT : (int64_t)((2 * h->cost + size) / (2 * size)),
                               .cost = h->cost,
                               .realised = h->realised};
    open_value(e, account, instrument, TW_BID, 0, &view->open_buys);
    open_value(e, account, instrument, TW_ASK, 0, &view->open_sells);
    return true;
}

void naive_money(const naive_engine *e, uint32_t account, mx_money *spent, mx_money *fees, mx_money *reserved) {
    uint64_t ignored;
    *spent = e->owners[account].spent;
    *fees = e->owners[account].fees;
    *reserved = open_value(e, account, MX_EVERY, TW_BID, 0, &ignored);
}

uint32_t naive_open_orders(const naive_engine *e) {
    return (uint32_t)e->count;
}

const char *naive_broken(const naive_engine *e) {
    mx_money money = 0;
    for (uint32_t a = 0; a < MOST_ACCOUNTS; a++)
        money += e->owners[a].spent - e->owners[a].fees;
    if (money != 0) return "money is lost";
    for (uint32_t i = 0; i < MOST_INSTRUMENTS; i++) {
        int64_t sum = 0;
        for (uint32_t a = 0; a < MOST_ACCOUNTS; a++)
            sum += e->holdings[a][i].quantity;
        if (sum != 0) return "positions do not sum to nothing";
        if (!e->products[i].known || e->products[i].state != MX_CONTINUOUS || e->held) continue;
        const entry *bid = first_of(e->orders, e->count, i, TW_BID),
                    *ask = first_of(e->orders, e->count, i, TW_ASK);
        if (bid != NULL && ask != NULL && bid->limit >= ask->limit) return "the book is crossed";
    }
    for (size_t i = 0; i < e->count; i++) {
        const entry *x = &e->orders[i];
        if (x->left == 0 || x->left + x->done != x->total) return "an order lost quantity";
        if (x->where == IN_HAND || (x->where == IN_BOOK) != (x->shown > 0)) return "an order stands nowhere";
    }
    return NULL;
}
