/*
 * Conflated tiers. Time is cut into steps of 100 ms. At each step the 100 ms tier sends every instrument that
 * changed since, and the 1 s tier a tenth of its instruments (those whose number modulo 10 is the step's), so that
 * ten thousand instruments never leave in one burst. Each tier has its own published view and chain.
 */
#include "publisher/internal.h"

bool pub_tiers_on(const publisher *p) {
    return pub_channel_on(p, SUBJECT_ORDERBOOK_100MS) || pub_channel_on(p, SUBJECT_ORDERBOOK_1S);
}

void pub_tier_mark(publisher *p, uint32_t instrument, subject_channel channel) {
    pub_book *view = pub_view(p, instrument, channel);
    if (view->queued) return;
    view->queued = true;
    uint32_t slot = channel == SUBJECT_ORDERBOOK_1S ? instrument % PUB_TIER_SLOTS : 0;
    tw_list_push(&p->tier_lists[channel][slot], p->tier_next[channel], instrument);
}

static bool publish_list(publisher *p, subject_channel channel, uint32_t slot, int64_t now_ns) {
    tw_list *list = &p->tier_lists[channel][slot];
    while (list->first != PUB_NONE) {
        if (!pub_may_emit(p)) return false;
        uint32_t instrument = tw_list_pop(list, p->tier_next[channel]);
        pub_view(p, instrument, channel)->queued = false;
        if (!p->instruments[instrument].defined) continue; /* undefined while it waited */
        pub_book_publish(p, instrument, channel, now_ns);
    }
    return true;
}

/* The slots of all steps since the last one that was sent: more than one after a pause. */
static bool publish_slots(publisher *p, int64_t from, int64_t step, int64_t now_ns) {
    if (step - from >= (int64_t)PUB_TIER_SLOTS) from = step - (int64_t)PUB_TIER_SLOTS + 1;
    for (int64_t s = from; s <= step; s++) {
        if (!publish_list(p, SUBJECT_ORDERBOOK_1S, (uint32_t)(s % PUB_TIER_SLOTS), now_ns)) return false;
    }
    return true;
}

bool pub_tiers_publish(publisher *p, int64_t now_ns) {
    int64_t step = now_ns > 0 ? now_ns / PUB_TIER_STEP_NS : 0;
    if (p->tier_started && step == p->tier_step) return true;
    /* The first step ever, or a clock that was set back: only this step's slot. */
    int64_t from = p->tier_started && step > p->tier_step ? p->tier_step + 1 : step;
    if (!publish_list(p, SUBJECT_ORDERBOOK_100MS, 0, now_ns)) return false;
    if (!publish_slots(p, from, step, now_ns)) return false;
    p->tier_step = step;
    p->tier_started = true;
    return true;
}

bool pub_tiers_settle(publisher *p, int64_t now_ns) {
    if (!publish_list(p, SUBJECT_ORDERBOOK_100MS, 0, now_ns)) return false;
    for (uint32_t slot = 0; slot < PUB_TIER_SLOTS; slot++)
        if (!publish_list(p, SUBJECT_ORDERBOOK_1S, slot, now_ns)) return false;
    return true;
}
