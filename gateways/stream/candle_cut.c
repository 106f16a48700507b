/*
 * Candles: each message is one candle, whole. The newest is conflated like a state; the last word on one is not made to
 * wait, and goes out before the next begins. One that is older than the newest (restated, or final after the next has begun)
 * goes out beside it: the view stays the newest.
 *
 * The chain of a group tells that something came in between, no more: which message of a candle counts is told by its
 * revision.
 */
#include <string.h>

#include "gateways/stream/group.h"

bool stream_candle_is_news(const wire_candle *a, const wire_candle *b) {
    if (strcmp(a->header.epoch, b->header.epoch) != 0) return true;
    if (a->revision != b->revision) return b->revision > a->revision;
    if (a->final != b->final) return b->final;
    return a->incomplete != b->incomplete || a->count != b->count;
}

static bool chains(const wire_header *a, const wire_header *b) {
    return a->term == b->term && strcmp(a->epoch, b->epoch) == 0;
}

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

void stream_cut_candle(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    const wire_candle *now = &topic_at(s, g->topic)->state->candle.now;
    wire_candle *view = &g->view->candle.now;
    const wire_header before = view->header;
    bool same = view->start_ns == now->start_ns && !stream_candle_is_news(view, now);
    if (same && chains(&before, &now->header)) return;
    uint64_t merged = g->updates - g->updates_cut;
    g->updates_cut = g->updates;
    *view = *now;
    view->header.identity = NULL;
    view->header.snapshot = !chains(&before, &now->header);
    if (view->header.snapshot) {
        g->generation++;
        view->header.prev_seq = view->header.seq;
    } else {
        view->header.prev_seq = before.seq;
        view->header.seq = most(before.seq, view->header.seq);
    }
    stream_group_emit(s, number, view, &view->header, merged);
}

void stream_candle_make_way(stream *s, uint32_t topic_number) {
    for (uint32_t n = topic_at(s, topic_number)->first_group; n != NONE; n = group_at(s, n)->next_of_topic)
        if (group_at(s, n)->due_place != DUE_NOT) stream_group_cut(s, n);
}

void stream_candle_aside(stream *s, uint32_t topic_number, const wire_candle *candle) {
    for (uint32_t n = topic_at(s, topic_number)->first_group; n != NONE; n = group_at(s, n)->next_of_topic) {
        group *g = group_at(s, n);
        wire_header *view = &g->view->candle.now.header;
        wire_candle m = *candle;
        bool comparable = chains(view, &candle->header);
        m.header = *view; /* its place in the chain is where the view is */
        m.header.price_exponent = candle->header.price_exponent;
        m.header.quantity_exponent = candle->header.quantity_exponent;
        m.header.event_ns = candle->header.event_ns;
        m.header.receive_ns = candle->header.receive_ns;
        m.header.publish_ns = candle->header.publish_ns;
        m.header.snapshot = false;
        m.header.prev_seq = view->seq;
        m.header.seq = comparable ? most(view->seq, candle->header.seq) : view->seq;
        view->seq = m.header.seq;
        g->updates++;
        g->updates_cut++;
        stream_group_emit(s, n, &m, &m.header, 1);
    }
}
