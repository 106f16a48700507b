/* The arithmetic of a candle. */
#include "publisher/aggregator/candle.h"

#define MOST_SHIFT 18 /* 10^18 is the greatest power of ten that 64 bits hold */

static const int64_t powers[MOST_SHIFT + 1] = {1,
                                               10,
                                               100,
                                               1000,
                                               10000,
                                               100000,
                                               1000000,
                                               10000000,
                                               100000000,
                                               1000000000,
                                               10000000000,
                                               100000000000,
                                               1000000000000,
                                               10000000000000,
                                               100000000000000,
                                               1000000000000000,
                                               10000000000000000,
                                               100000000000000000,
                                               1000000000000000000};

void candle_start(candle *c, int64_t start_ns, int64_t end_ns) {
    *c = (candle){.start_ns = start_ns, .end_ns = end_ns};
}

/* ---- scales: each returns false where the result does not fit ---- */

static bool scale_price(int64_t *price, int64_t shift) {
    if (*price == 0 || shift == 0) return true;
    return shift <= MOST_SHIFT && !__builtin_mul_overflow(*price, powers[shift], price) &&
           *price != TW_PRICE_ABSENT;
}

static bool scale_quantity(uint64_t *quantity, int64_t shift) {
    if (*quantity == 0 || shift == 0) return true;
    return shift <= MOST_SHIFT && !__builtin_mul_overflow(*quantity, (uint64_t)powers[shift], quantity);
}

static bool scale_sum(candle_sum *sum, int64_t shift) {
    if (*sum == 0 || shift == 0) return true;
    return shift <= MOST_SHIFT && !__builtin_mul_overflow(*sum, (candle_sum)powers[shift], sum);
}

static bool rescale(candle *c, int32_t price_exponent, int32_t quantity_exponent) {
    int64_t price_shift = (int64_t)c->price_exponent - price_exponent;
    int64_t quantity_shift = (int64_t)c->quantity_exponent - quantity_exponent;
    c->price_exponent = price_exponent;
    c->quantity_exponent = quantity_exponent;
    return scale_price(&c->open, price_shift) && scale_price(&c->high, price_shift) &&
           scale_price(&c->low, price_shift) && scale_price(&c->close, price_shift) &&
           scale_quantity(&c->volume, quantity_shift) && scale_sum(&c->turnover, price_shift) &&
           scale_sum(&c->turnover, quantity_shift);
}

static int32_t finer(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Both at the finest scale of either. */
static bool align(candle *c, candle_print *print) {
    if (c->count == 0) {
        c->price_exponent = print->price_exponent;
        c->quantity_exponent = print->quantity_exponent;
        return true;
    }
    int32_t price_exponent = finer(c->price_exponent, print->price_exponent);
    int32_t quantity_exponent = finer(c->quantity_exponent, print->quantity_exponent);
    return rescale(c, price_exponent, quantity_exponent) &&
           scale_price(&print->price, (int64_t)print->price_exponent - price_exponent) &&
           scale_quantity(&print->quantity, (int64_t)print->quantity_exponent - quantity_exponent);
}

/* ---- folding ---- */

static bool is_before(const candle_place *a, const candle_place *b) {
    if (a->event_ns != b->event_ns) return a->event_ns < b->event_ns;
    if (a->venue != b->venue) return a->venue < b->venue;
    if (a->seq != b->seq) return a->seq < b->seq;
    return a->index < b->index;
}

static void take_prices(candle *c, const candle_print *print) {
    bool first = c->count == 0;
    if (first || is_before(&print->at, &c->first)) {
        c->open = print->price;
        c->first = print->at;
    }
    if (first || is_before(&c->last, &print->at)) {
        c->close = print->price;
        c->last = print->at;
    }
    if (first || print->price > c->high) c->high = print->price;
    if (first || print->price < c->low) c->low = print->price;
}

bool candle_add(candle *c, const candle_print *print) {
    candle next = *c;
    candle_print aligned = *print;
    if (!align(&next, &aligned)) return false;
    candle_sum value = (candle_sum)aligned.price * (candle_sum)aligned.quantity;
    if (__builtin_add_overflow(next.volume, aligned.quantity, &next.volume) ||
        __builtin_add_overflow(next.turnover, value, &next.turnover))
        return false;
    take_prices(&next, &aligned);
    next.count++;
    *c = next;
    return true;
}

static bool is_place(const candle_place *a, const candle_place *b) {
    return !is_before(a, b) && !is_before(b, a);
}

bool candle_remove(candle *c, const candle_print *print) {
    candle_print aligned = *print;
    align(c, &aligned); /* it fitted when it was folded in */
    c->volume -= aligned.quantity;
    c->turnover -= (candle_sum)aligned.price * (candle_sum)aligned.quantity;
    c->count--;
    bool ends = is_place(&print->at, &c->first) || is_place(&print->at, &c->last);
    return c->count == 0 || (!ends && aligned.price > c->low && aligned.price < c->high);
}

void candle_rebuild(candle *c) {
    candle fresh = {.start_ns = c->start_ns,
                    .end_ns = c->end_ns,
                    .price_exponent = c->price_exponent,
                    .quantity_exponent = c->quantity_exponent,
                    .final = c->final,
                    .incomplete = c->incomplete};
    *c = fresh;
}

int64_t candle_vwap(const candle *c) {
    if (c->count == 0 || c->volume == 0) return TW_PRICE_ABSENT;
    candle_sum volume = (candle_sum)c->volume, whole = c->turnover / volume, rest = c->turnover % volume;
    if (rest < 0) {
        whole--;
        rest += volume;
    }
    bool odd = (whole & 1) != 0;
    if (rest > volume - rest || (rest == volume - rest && odd)) whole++;
    return (int64_t)whole; /* between low and high */
}
