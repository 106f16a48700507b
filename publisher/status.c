/* The status channel: trading state, short-sale restriction, auction collar and book state, whole, on a change. */
#include <string.h>

#include "base/text.h"
#include "publisher/internal.h"

void pub_status_reset(pub_instrument *instrument) {
    pub_status_view none;
    memset(&none, 0, sizeof none);
    none.collar_upper = none.collar_lower = none.collar_reference = TW_PRICE_ABSENT;
    instrument->status = instrument->status_published = none;
}

static void mark(publisher *p, uint32_t instrument, pub_instrument *at, const publisher_stamp *stamp) {
    pub_pending_add(&at->status_pending, stamp);
    pub_mark(p, instrument, PUB_DIRTY_STATUS);
}

void publisher_trading_state(publisher *p, uint32_t instrument, tw_trading_state state, const char *reason,
                             const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL) return;
    at->status.trading = state;
    memset(at->status.reason, 0, sizeof at->status.reason); /* views are compared as bytes of text */
    tw_text_copy(at->status.reason, sizeof at->status.reason, reason != NULL ? reason : "");
    mark(p, instrument, at, stamp);
}

void publisher_short_sale(publisher *p, uint32_t instrument, tw_short_sale restriction,
                          const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL) return;
    at->status.short_sale = restriction;
    mark(p, instrument, at, stamp);
}

void publisher_collar(publisher *p, uint32_t instrument, int64_t reference, int64_t upper, int64_t lower,
                      const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL) return;
    at->status.collar_reference = reference;
    at->status.collar_upper = upper;
    at->status.collar_lower = lower;
    mark(p, instrument, at, stamp);
}

static bool same_view(const pub_status_view *a, const pub_status_view *b) {
    return a->trading == b->trading && a->short_sale == b->short_sale && strcmp(a->reason, b->reason) == 0 &&
           a->collar_upper == b->collar_upper && a->collar_lower == b->collar_lower &&
           a->collar_reference == b->collar_reference;
}

static void fill(const pub_status_view *view, wire_status *status) {
    status->trading = view->trading;
    status->short_sale = view->short_sale;
    memcpy(status->reason, view->reason, sizeof status->reason);
    status->collar_upper = view->collar_upper;
    status->collar_lower = view->collar_lower;
    status->collar_reference = view->collar_reference;
}

void pub_status_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    pub_pending pending = at->status_pending;
    at->status_pending = (pub_pending){.seq = 0};
    bool same_state = at->state == at->status_chain.state && at->cause == at->status_chain.cause;
    bool news = !same_state || !same_view(&at->status, &at->status_published);
    if (!news && !pub_is_owed(&at->status_chain, &pending)) return;

    at->status_published = at->status;
    wire_status status;
    pub_chain_advance(at, &at->status_chain, &pending, true, now_ns, &status.header);
    fill(&at->status_published, &status);
    size_t length = wire_status_encode(&status, p->buffer, WIRE_MAX_BYTES);
    pub_emit(p, instrument, SUBJECT_STATUS, length);
}

void pub_status_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_status *status) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_header(p, at, &at->status_chain, &status->header);
    status->header.publish_ns = now_ns;
    fill(&at->status_published, status);
}
