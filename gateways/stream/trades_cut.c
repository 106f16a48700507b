/*
 * Trades: every print counts, once. An interval gathers prints, it drops none: what does not fit to those that wait sends
 * them off. Prints that were lost on the way to this gateway, or that a client was too slow for, are told by their number.
 */
#include <string.h>

#include "gateways/stream/group.h"

/* `prints` as the group's next message, after which its view is the topic's state. */
static void emit(stream *s, uint32_t number, const tw_print *prints, uint32_t count, bool snapshot) {
    group *g = group_at(s, number);
    const trades_state *state = &topic_at(s, g->topic)->state->trades;
    wire_trades m = {.header = state->header,
                     .print_count = count,
                     .prints = prints,
                     .volume = state->volume,
                     .prints_total = state->prints_total};
    m.header.identity = NULL;
    m.header.snapshot = snapshot;
    m.header.prev_seq = snapshot ? m.header.seq : g->view->header.seq;
    uint64_t passed_over = g->passed_over;
    g->passed_over = 0;
    g->view->trades = *state;
    g->updates_cut = g->updates;
    if (snapshot) g->generation++;
    g->last_cut_ns = s->now_ns;
    stream_group_emit(s, number, &m, &m.header, passed_over);
}

void stream_cut_trades(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    if (g->print_count == 0) return;
    uint32_t count = g->print_count;
    g->print_count = 0;
    emit(s, number, g->prints, count, false);
}

void stream_trades_make_way(stream *s, uint32_t topic_number, const wire_trades *trades, bool chained) {
    for (uint32_t n = topic_at(s, topic_number)->first_group; n != NONE; n = group_at(s, n)->next_of_topic) {
        const group *g = group_at(s, n);
        bool fits = chained && g->print_count + trades->print_count <= WIRE_MAX_PRINTS;
        if (g->print_count > 0 && !fits) stream_group_cut(s, n);
    }
}

void stream_trades_arrived(stream *s, uint32_t topic_number, const wire_trades *trades, bool chained,
                           uint64_t missed) {
    for (uint32_t n = topic_at(s, topic_number)->first_group; n != NONE; n = group_at(s, n)->next_of_topic) {
        group *g = group_at(s, n);
        g->updates += trades->print_count + missed;
        if (!chained || g->interval_ms == 0) {
            g->passed_over = missed;
            emit(s, n, trades->prints, trades->print_count, !chained);
            continue;
        }
        memcpy(g->prints + g->print_count, trades->prints, trades->print_count * sizeof *trades->prints);
        g->print_count += trades->print_count;
        if (stream_may_cut_now(s, n))
            stream_group_cut(s, n);
        else
            stream_cut_later(s, n);
    }
}

encoded stream_snapshot_trades(stream *s, uint32_t number) {
    const group *g = group_at(s, number);
    const trades_state *view = &g->view->trades;
    wire_trades m = {.header = view->header,
                     .print_count = view->has_last,
                     .prints = &view->last,
                     .volume = view->volume,
                     .prints_total = view->prints_total};
    m.header.identity = NULL;
    m.header.snapshot = true;
    m.header.prev_seq = m.header.seq;
    encode_frame frame = stream_frame_of(s, g, 0, true);
    return stream_encode(s->scratch, &frame, TOPIC_TRADES, &m);
}
