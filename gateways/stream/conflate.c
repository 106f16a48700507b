/* Intervals: at most one update of a subject in each, the latest state, and none waits longer than its interval. After a
 * quiet interval the first change goes out at once. */
#include "gateways/stream/group.h"

static int64_t free_again_ns(const group *g) {
    return g->last_cut_ns + (int64_t)g->interval_ms * MILLI_NS;
}

bool stream_may_cut_now(stream *s, uint32_t number) {
    const group *g = group_at(s, number);
    return g->interval_ms == 0 || s->now_ns >= free_again_ns(g);
}

/* Without memory for a place in the queue, an update that comes too early is better than one that never comes. */
void stream_cut_later(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    if (g->due_place == DUE_NOT && !due_add(&s->due, number, free_again_ns(g))) stream_group_cut(s, number);
}

void stream_cut_due(stream *s) {
    uint32_t number;
    while (due_first(&s->due, s->now_ns, &number))
        stream_group_cut(s, number);
}
