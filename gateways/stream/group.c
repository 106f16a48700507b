/* Groups: everybody who wants a topic in the same way. Made by the first who does, kept for the linger time after the last
 * has left, so that one who comes back finds the frames it missed. */
#include "gateways/stream/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define FETCH_AHEAD 8u /* members */

static void link_to_topic(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    topic *t = topic_at(s, g->topic);
    g->next_of_topic = t->first_group;
    t->first_group = number;
}

static void unlink_from_topic(stream *s, uint32_t number) {
    const group *g = group_at(s, number);
    uint32_t *link = &topic_at(s, g->topic)->first_group;
    while (*link != number)
        link = &group_at(s, *link)->next_of_topic;
    *link = g->next_of_topic;
}

static uint32_t make_group(stream *s, uint32_t topic_number, uint32_t depth, uint32_t interval_ms, encoding wrap,
                           bool deflates) {
    uint32_t number = slab_take(&s->groups);
    if (number == NONE) return NONE;
    topic_kind kind = topic_at(s, topic_number)->kind;
    group *g = group_at(s, number);
    g->view = calloc(1, stream_state_bytes(kind));
    bool waits = kind == TOPIC_TRADES && interval_ms > 0;
    if (waits) g->prints = malloc(WIRE_MAX_PRINTS * sizeof *g->prints);
    if (g->view == NULL || (waits && g->prints == NULL)) {
        free(g->view);
        slab_give(&s->groups, number);
        return NONE;
    }
    g->topic = topic_number;
    g->depth = depth;
    g->interval_ms = interval_ms;
    g->encoding = wrap;
    g->deflates = deflates;
    g->last_cut_ns = s->now_ns - (int64_t)interval_ms * MILLI_NS;
    link_to_topic(s, number);
    stream_group_begin(s, number);
    stream_group_linger(s, number); /* until its first member joins */
    return number;
}

/* Wishes that make no difference for a kind are no difference between groups. */
static void normalise(topic_kind kind, uint32_t *depth, uint32_t *interval_ms) {
    if (kind != TOPIC_BOOK) *depth = 0;
    if (kind == TOPIC_STATUS) *interval_ms = 0; /* a halt waits for nobody */
}

uint32_t stream_group_of(stream *s, uint32_t topic_number, uint32_t depth, uint32_t interval_ms, encoding wrap,
                         bool deflates) {
    const topic *t = topic_at(s, topic_number);
    normalise(t->kind, &depth, &interval_ms);
    for (uint32_t n = t->first_group; n != NONE; n = group_at(s, n)->next_of_topic) {
        const group *g = group_at(s, n);
        bool fits = g->depth == depth && g->interval_ms == interval_ms;
        if (fits && g->encoding == wrap && g->deflates == deflates) return n;
    }
    return make_group(s, topic_number, depth, interval_ms, wrap, deflates);
}

void stream_group_linger(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    g->empty = true;
    free(g->snapshot.bytes);
    g->snapshot = (snapshot_cache){0};
    g->empty_since_ns = s->now_ns;
    g->prev_empty = s->last_empty;
    g->next_empty = NONE;
    if (s->last_empty != NONE)
        group_at(s, s->last_empty)->next_empty = number;
    else
        s->first_empty = number;
    s->last_empty = number;
}

void stream_group_wake(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    if (!g->empty) return;
    g->empty = false;
    if (g->prev_empty != NONE)
        group_at(s, g->prev_empty)->next_empty = g->next_empty;
    else
        s->first_empty = g->next_empty;
    if (g->next_empty != NONE)
        group_at(s, g->next_empty)->prev_empty = g->prev_empty;
    else
        s->last_empty = g->prev_empty;
}

static void link_to_fresh(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    if (g->fresh) return;
    g->fresh = true;
    g->next_fresh = NONE;
    if (s->last_fresh != NONE)
        group_at(s, s->last_fresh)->next_fresh = number;
    else
        s->first_fresh = number;
    s->last_fresh = number;
}

static void unlink_from_fresh(stream *s, uint32_t number) {
    const group *g = group_at(s, number);
    uint32_t before = NONE;
    if (!g->fresh) return;
    for (uint32_t n = s->first_fresh; n != number; n = group_at(s, n)->next_fresh)
        before = n;
    if (before != NONE)
        group_at(s, before)->next_fresh = g->next_fresh;
    else
        s->first_fresh = g->next_fresh;
    if (s->last_fresh == number) s->last_fresh = before;
}

void stream_group_free(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    TW_ASSERT(g->member_count == 0);
    due_remove(&s->due, number);
    unlink_from_fresh(s, number);
    stream_group_wake(s, number);
    unlink_from_topic(s, number);
    frame_log_fini(&g->log, &s->log_bounds);
    free(g->snapshot.bytes);
    free(g->members);
    free(g->prints);
    free(g->view);
    *g = (group){0};
    slab_give(&s->groups, number);
}

void stream_groups_forget_empty(stream *s) {
    while (s->first_empty != NONE &&
           s->now_ns - group_at(s, s->first_empty)->empty_since_ns >= s->options.linger_ns)
        stream_group_free(s, s->first_empty);
}

void stream_group_append(stream *s, uint32_t number, encoded frame, const frame_note *note) {
    group *g = group_at(s, number);
    g->cuts++;
    s->stats.frames++;
    /* Without memory, or where a frame is beyond all bounds, it is as if it were overwritten at once: a snapshot for all. */
    if (frame.length == 0 || !frame_log_append(&g->log, &s->log_bounds, frame.bytes, frame.length, note))
        g->log.first = ++g->log.end;
    link_to_fresh(s, number);
}

/* Members and their clients lie all over memory: they are fetched while others are told. */
static void fetch_ahead(const stream *s, const group *g, uint32_t i) {
    if (i + 2 * FETCH_AHEAD < g->member_count) __builtin_prefetch(member_at(s, g->members[i + 2 * FETCH_AHEAD]), 1);
    if (i + FETCH_AHEAD < g->member_count)
        __builtin_prefetch(client_at(s, member_at(s, g->members[i + FETCH_AHEAD])->client), 1);
}

/* Its members hear of what was cut since they were told last. */
static void tell_members(stream *s, group *g, client_place when) {
    for (uint32_t i = 0; i < g->member_count; i++) {
        fetch_ahead(s, g, i);
        const member *m = member_at(s, g->members[i]);
        client *c = client_at(s, m->client);
        if (m->wants_snapshot || m->next_frame == g->log.end) continue;
        uint64_t told = m->position > g->told_position ? m->position : g->told_position;
        c->waiting += g->log.position - told;
        if (c->waiting > c->limits.waiting_bytes && c->grace == 0) c->lagging = true;
        stream_member_pend(s, g->members[i], when);
    }
    g->told_position = g->log.position;
}

void stream_groups_tell(stream *s, client_place when) {
    while (s->first_fresh != NONE) {
        group *g = group_at(s, s->first_fresh);
        s->first_fresh = g->next_fresh;
        if (s->first_fresh == NONE) s->last_fresh = NONE;
        g->fresh = false;
        tell_members(s, g, when);
    }
}
