/* Channels whose every message is the whole state: quotes, statuses, imbalances, feeds, NBBOs. The latest is all that anyone
 * needs; a chain tells who wants to know that something came in between. */
#include <string.h>

#include "gateways/stream/group.h"
#include "proto/venues.h"

static bool same_level(const tw_level *a, const tw_level *b) {
    if (a->price == TW_PRICE_ABSENT || b->price == TW_PRICE_ABSENT) return a->price == b->price;
    return a->price == b->price && a->quantity == b->quantity && a->orders == b->orders;
}

static bool same_status(const wire_status *a, const wire_status *b) {
    return a->trading == b->trading && a->short_sale == b->short_sale && a->collar_upper == b->collar_upper &&
           a->collar_lower == b->collar_lower && a->collar_reference == b->collar_reference &&
           strcmp(a->reason, b->reason) == 0;
}

static bool same_imbalance(const tw_imbalance *a, const tw_imbalance *b) {
    return a->cross == b->cross && a->direction == b->direction && a->paired_quantity == b->paired_quantity &&
           a->imbalance_quantity == b->imbalance_quantity && a->far_price == b->far_price &&
           a->near_price == b->near_price && a->reference_price == b->reference_price &&
           a->variation == b->variation;
}

static bool same_nbbo(const wire_nbbo *a, const wire_nbbo *b) {
    return same_level(&a->bid, &b->bid) && same_level(&a->ask, &b->ask) && a->locked == b->locked &&
           a->crossed == b->crossed && a->venue_count == b->venue_count &&
           wire_venues_same(&a->bid_venues, &b->bid_venues) && wire_venues_same(&a->ask_venues, &b->ask_venues) &&
           wire_venues_same(&a->stale_venues, &b->stale_venues);
}

/* But for where in the chain they are and how good they are. */
static bool same_content(topic_kind kind, const topic_state *a, const topic_state *b) {
    switch (kind) {
    case TOPIC_QUOTE:
        return same_level(&a->quote.bid, &b->quote.bid) && same_level(&a->quote.ask, &b->quote.ask);
    case TOPIC_STATUS:
        return same_status(&a->status, &b->status);
    case TOPIC_NBBO:
        return same_nbbo(&a->nbbo, &b->nbbo);
    default:
        return same_imbalance(&a->imbalance.imbalance, &b->imbalance.imbalance);
    }
}

static void cut_feed(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    uint64_t merged = g->updates - g->updates_cut;
    g->updates_cut = g->updates;
    g->view->feed = topic_at(s, g->topic)->state->feed;
    const wire_header header = {.seq = g->view->feed.seq};
    stream_group_emit(s, number, &g->view->feed, &header, merged);
}

/* The view as the message that is sent; its header is where every kind has it. */
static void emit(stream *s, uint32_t number, uint64_t prev_seq, bool snapshot, uint64_t merged) {
    group *g = group_at(s, number);
    wire_header *header = &g->view->header;
    header->identity = NULL;
    header->snapshot = snapshot;
    header->prev_seq = prev_seq;
    stream_group_emit(s, number, g->view, header, merged);
}

void stream_cut_state(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    const topic *t = topic_at(s, g->topic);
    if (t->kind == TOPIC_FEED) {
        cut_feed(s, number);
        return;
    }
    const wire_header before = g->view->header, *now = &t->state->header;
    bool same = same_content(t->kind, g->view, t->state);
    bool same_state = before.state == now->state && before.cause == now->cause;
    bool chained = stream_same_chain(&before, now) && (same ? now->seq >= before.seq : now->seq > before.seq);
    if (chained && same && same_state) return;
    uint64_t merged = g->updates - g->updates_cut;
    g->updates_cut = g->updates;
    memcpy(g->view, t->state, stream_state_bytes(t->kind));
    if (!chained) {
        g->generation++;
        emit(s, number, now->seq, true, merged);
        return;
    }
    if (same) g->view->header.seq = before.seq; /* the state alone is new */
    emit(s, number, before.seq, false, merged);
}

encoded stream_snapshot_state(stream *s, uint32_t number) {
    const group *g = group_at(s, number);
    topic_kind kind = topic_at(s, g->topic)->kind;
    encode_frame frame = stream_frame_of(s, g, 0, true);
    if (kind == TOPIC_FEED) return stream_encode(s->scratch, &frame, kind, &g->view->feed);
    topic_state whole;
    memcpy(&whole, g->view, stream_state_bytes(kind));
    whole.header.identity = NULL;
    whole.header.snapshot = true;
    whole.header.prev_seq = whole.header.seq;
    return stream_encode(s->scratch, &frame, kind, &whole);
}
