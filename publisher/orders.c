/* The order channel (L3), off unless asked for: every order event since the last flush. Bounded like the prints:
 * when full the oldest source message's events are given up and the chain shows it. */
#include "publisher/internal.h"

static void pass(publisher *p, pub_orders *orders) {
    const backlog_item *item = &p->order_events.items[orders->waiting.first];
    const wire_order_event *event = backlog_record(&p->order_events, orders->waiting.first);
    orders->chain.seq = item->seq;
    orders->chain.event_ns = event->event_ns;
    orders->chain.receive_ns = item->receive_ns;
    backlog_pop(&p->order_events, &orders->waiting);
}

static void drop_oldest(publisher *p) {
    const backlog_item *oldest = &p->order_events.items[p->order_events.oldest];
    pub_orders *orders = &p->instruments[oldest->instrument].orders;
    uint64_t seq = oldest->seq;
    while (!backlog_line_empty(&orders->waiting) && p->order_events.items[orders->waiting.first].seq == seq) {
        pass(p, orders);
        p->stats.orders_dropped++;
    }
    orders->dropped_seq = seq;
}

void publisher_order_event(publisher *p, uint32_t instrument, const wire_order_event *event,
                           const publisher_stamp *stamp) {
    pub_instrument *at = pub_find(p, instrument);
    if (at == NULL || !p->options.orders) return;
    if (backlog_full(&p->order_events)) drop_oldest(p);
    backlog_push(&p->order_events, &at->orders.waiting, instrument, event, stamp->seq, stamp->receive_ns);
    pub_mark(p, instrument, PUB_DIRTY_ORDERS);
    if (at->orders.dropped_seq != stamp->seq) return;
    while (!backlog_line_empty(&at->orders.waiting)) { /* the rest of a message whose start was given up */
        pass(p, &at->orders);
        p->stats.orders_dropped++;
    }
}

void pub_orders_confirm(publisher *p, uint64_t seq) {
    const backlog *b = &p->order_events;
    while (b->oldest != BACKLOG_NONE && b->items[b->oldest].seq <= seq)
        pass(p, &p->instruments[b->items[b->oldest].instrument].orders);
}

static void publish_batch(publisher *p, uint32_t instrument, int64_t now_ns) {
    pub_instrument *at = &p->instruments[instrument];
    pub_orders *orders = &at->orders;
    wire_order_events message = {.events = p->order_batch};
    uint64_t prev_seq = orders->chain.seq;
    message.event_count = pub_batch(p, &p->order_events, &orders->waiting, WIRE_MAX_ORDER_EVENTS);
    for (uint32_t i = 0; i < message.event_count; i++) {
        const wire_order_event *event = backlog_record(&p->order_events, orders->waiting.first);
        p->order_batch[i] = *event;
        pass(p, orders);
    }
    orders->chain.state = at->state;
    orders->chain.cause = at->cause;
    pub_message_header(at, &orders->chain, prev_seq, now_ns, &message.header);
    size_t length = wire_order_events_encode(&message, p->buffer, WIRE_MAX_BYTES);
    pub_emit(p, instrument, SUBJECT_ORDER, length);
}

bool pub_orders_publish(publisher *p, uint32_t instrument, int64_t now_ns) {
    while (!backlog_line_empty(&p->instruments[instrument].orders.waiting)) {
        if (!pub_may_emit(p)) return false;
        publish_batch(p, instrument, now_ns);
    }
    return true;
}
