/* The imbalance channel: the exchange's last auction report of a burst. A report that says the same as the one
 * before still goes out: it is news that nothing changed. */
#include <string.h>

#include "publisher/internal.h"

void pub_imbalance_reset(pub_instrument *instrument) {
    tw_imbalance none;
    memset(&none, 0, sizeof none);
    none.far_price = none.near_price = none.reference_price = TW_PRICE_ABSENT;
    instrument->imbalance = instrument->imbalance_published = none;
}

void publisher_imbalance(publisher *p, uint32_t instrument, const tw_imbalance *imbalance,
                         const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL) return;
    at->imbalance = *imbalance;
    pub_pending_add(&at->imbalance_pending, stamp);
    pub_mark(p, instrument, PUB_DIRTY_IMBALANCE);
}

void pub_imbalance_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    pub_pending pending = at->imbalance_pending;
    at->imbalance_pending = (pub_pending){.seq = 0};
    at->imbalance_published = at->imbalance;
    wire_imbalance message = {.imbalance = at->imbalance};
    pub_chain_advance(at, &at->imbalance_chain, &pending, true, now_ns, &message.header);
    size_t length = wire_imbalance_encode(&message, p->buffer, WIRE_MAX_BYTES);
    pub_emit(p, instrument, SUBJECT_IMBALANCE, length);
}

void pub_imbalance_snapshot(const publisher *p, uint32_t instrument, int64_t now_ns, wire_imbalance *imbalance) {
    const pub_instrument *at = &p->instruments[instrument];
    pub_header(p, at, &at->imbalance_chain, &imbalance->header);
    imbalance->header.publish_ns = now_ns;
    imbalance->imbalance = at->imbalance_published;
}
