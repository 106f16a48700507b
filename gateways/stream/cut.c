/* From a topic's new state to its groups: who cuts a frame now, who waits for its interval. What is in a frame is each
 * kind's own (book_cut.c, state_cut.c, trades_cut.c). */
#include <stdlib.h>
#include <string.h>

#include "gateways/stream/group.h"

encode_frame stream_frame_of(const stream *s, const group *g, uint64_t merged, bool open_end) {
    const topic *t = topic_at(s, g->topic);
    return (encode_frame){.encoding = g->encoding,
                          .subject = t->subject,
                          .subject_length = t->subject_length,
                          .interval_ms = g->interval_ms,
                          .gateway_ns = s->now_ns,
                          .merged = merged,
                          .open_end = open_end};
}

static void append(stream *s, uint32_t number, encoded whole, const wire_header *header) {
    const group *g = group_at(s, number);
    const frame_note note = {
        .prev_seq = header->prev_seq, .seq = header->seq, .updates = g->updates_cut, .generation = g->generation};
    stream_group_append(s, number, g->deflates ? stream_pack_frame(s, g->encoding, whole) : whole, &note);
}

void stream_group_emit(stream *s, uint32_t number, const void *message, const wire_header *header,
                       uint64_t merged) {
    const group *g = group_at(s, number);
    encode_frame frame = stream_frame_of(s, g, merged, false);
    append(s, number, stream_encode(s->scratch, &frame, topic_at(s, g->topic)->kind, message), header);
}

void stream_group_pass_on(stream *s, uint32_t number, topic_kind kind, const uint8_t *message, size_t length,
                          const wire_header *header, uint64_t merged) {
    encode_frame frame = stream_frame_of(s, group_at(s, number), merged, false);
    append(s, number, stream_encode_around(s->scratch, &frame, kind, message, length), header);
}

bool stream_same_chain(const wire_header *a, const wire_header *b) {
    return a->term == b->term && a->price_exponent == b->price_exponent &&
           a->quantity_exponent == b->quantity_exponent && strcmp(a->epoch, b->epoch) == 0;
}

void stream_group_begin(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    const topic *t = topic_at(s, g->topic);
    if (t->kind == TOPIC_BOOK)
        stream_view_book(g, t);
    else
        memcpy(g->view, t->state, stream_state_bytes(t->kind));
}

void stream_group_cut(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    due_remove(&s->due, number);
    uint64_t cuts = g->cuts;
    switch (topic_at(s, g->topic)->kind) {
    case TOPIC_BOOK:
        stream_cut_book(s, number);
        break;
    case TOPIC_TRADES:
        stream_cut_trades(s, number);
        break;
    case TOPIC_CANDLE:
        stream_cut_candle(s, number);
        break;
    default:
        stream_cut_state(s, number);
    }
    if (g->cuts != cuts) g->last_cut_ns = s->now_ns;
}

/* What nobody is made to wait for: a book that is stale must not look alive for an interval, and who chains on to another
 * leader or epoch has nothing to merge. */
static bool is_urgent(const group *g, const topic *t) {
    if (t->kind == TOPIC_FEED)
        return t->state->feed.state != g->view->feed.state || t->state->feed.cause != g->view->feed.cause;
    const wire_header *view = &g->view->header, *state = &t->state->header;
    if (t->kind == TOPIC_CANDLE && t->state->candle.now.final) return true; /* the last word on it, mostly */
    return view->state != state->state || view->cause != state->cause || !stream_same_chain(view, state);
}

void stream_topic_changed(stream *s, uint32_t number) {
    const topic *t = topic_at(s, number);
    for (uint32_t n = t->first_group; n != NONE; n = group_at(s, n)->next_of_topic) {
        group *g = group_at(s, n);
        g->updates++;
        if (stream_may_cut_now(s, n) || is_urgent(g, t))
            stream_group_cut(s, n);
        else
            stream_cut_later(s, n);
    }
}

static encoded encode_snapshot(stream *s, uint32_t number) {
    switch (topic_at(s, group_at(s, number)->topic)->kind) {
    case TOPIC_BOOK:
        return stream_snapshot_book(s, number);
    case TOPIC_TRADES:
        return stream_snapshot_trades(s, number);
    default:
        return stream_snapshot_state(s, number);
    }
}

const snapshot_cache *stream_group_snapshot(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    snapshot_cache *cache = &g->snapshot;
    if (cache->made && cache->at_cut == g->cuts) return cache;
    cache->made = false;
    encoded snapshot = encode_snapshot(s, number);
    if (snapshot.length == 0) return NULL;
    cache->deflated = false;
    if (g->deflates) snapshot = stream_pack_body(s, snapshot, &cache->deflated);
    if (snapshot.length > cache->capacity) {
        uint8_t *bytes = realloc(cache->bytes, snapshot.length + snapshot.length / 4);
        if (bytes == NULL) return NULL;
        cache->bytes = bytes;
        cache->capacity = snapshot.length + snapshot.length / 4;
    }
    memcpy(cache->bytes, snapshot.bytes, snapshot.length);
    cache->length = snapshot.length;
    cache->at_cut = g->cuts;
    cache->made = true;
    return cache;
}
