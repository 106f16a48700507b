/* A book as one group sees it: cut to the group's depth, with a chain and a checksum of its own that are valid for that
 * depth and interval. */
#include <string.h>

#include "gateways/stream/group.h"
#include "publisher/delta.h"

#define MOST_PASSED_BYTES 4096u /* of a message of the bus; longer ones are written anew */

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

void stream_view_book(group *g, const topic *t) {
    const book_state *state = &t->state->book;
    book_state *view = &g->view->book;
    view->header = state->header;
    view->depth = least(g->depth, state->depth);
    view->checked =
        state->checked && least(view->depth, WIRE_CHECKED_LEVELS) == least(state->depth, WIRE_CHECKED_LEVELS);
    view->checksum = state->checksum;
    for (int side = 0; side < 2; side++) {
        view->counts[side] = least(state->counts[side], view->depth);
        memcpy(view->sides[side], state->sides[side], view->counts[side] * sizeof *view->sides[side]);
    }
}

static wire_book_update message_of(const book_state *view) {
    wire_book_update m = {.header = view->header,
                          .depth = view->depth,
                          .bid_count = view->counts[TW_BID],
                          .ask_count = view->counts[TW_ASK],
                          .bids = view->sides[TW_BID],
                          .asks = view->sides[TW_ASK]};
    m.header.identity = NULL;
    m.checksum =
        view->checked ? view->checksum : wire_book_checksum(m.bids, m.bid_count, m.asks, m.ask_count, m.depth);
    return m;
}

/* As a snapshot that replaces whatever there is. */
static wire_book_update whole(const book_state *view) {
    wire_book_update m = message_of(view);
    m.header.snapshot = true;
    m.header.prev_seq = m.header.seq;
    return m;
}

static void emit_whole(stream *s, uint32_t number, uint64_t merged) {
    group *g = group_at(s, number);
    g->generation++; /* nothing that was before chains on to it */
    stream_view_book(g, topic_at(s, g->topic));
    wire_book_update m = whole(&g->view->book);
    stream_group_emit(s, number, &m, &m.header, merged);
}

/* Levels stay: the state alone is new, and the place in the chain is as it was. */
static void emit_state_alone(stream *s, uint32_t number, uint64_t merged) {
    group *g = group_at(s, number);
    book_state *view = &g->view->book;
    uint64_t seq = view->header.seq;
    view->header = topic_at(s, g->topic)->state->header;
    view->header.seq = seq;
    wire_book_update m = message_of(view);
    m.bid_count = m.ask_count = 0;
    m.header.snapshot = false;
    m.header.prev_seq = seq;
    stream_group_emit(s, number, &m, &m.header, merged);
}

/* The bus's own message says what is new to the group, no more and no less. */
static bool may_pass_on(const stream *s, const group *g, const book_state *state) {
    const book_state *view = &g->view->book;
    return s->message != NULL && s->message_length <= MOST_PASSED_BYTES && g->encoding == ENCODING_PROTOBUF &&
           g->updates - g->updates_cut == 1 && g->depth >= state->depth && view->depth == state->depth &&
           view->header.seq == state->header.prev_seq && state->header.seq > view->header.seq &&
           stream_same_chain(&view->header, &state->header);
}

static void pass_on(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    uint64_t merged = g->updates - g->updates_cut;
    g->updates_cut = g->updates;
    stream_view_book(g, topic_at(s, g->topic));
    s->stats.passed_on++;
    stream_group_pass_on(s, number, TOPIC_BOOK, s->message, s->message_length, &g->view->header, merged);
}

void stream_cut_book(stream *s, uint32_t number) {
    group *g = group_at(s, number);
    const topic *t = topic_at(s, g->topic);
    if (may_pass_on(s, g, &t->state->book)) {
        pass_on(s, number);
        return;
    }
    const book_state *state = &t->state->book, *view = &g->view->book; /* as it was, until stream_view_book */
    uint64_t merged = g->updates - g->updates_cut, prev_seq = view->header.seq;
    uint32_t depth = least(g->depth, state->depth), counts[2];
    tw_level changes[2][DELTA_MAX_LEVELS];
    for (int side = 0; side < 2; side++)
        counts[side] = delta_side((tw_side)side, view->sides[side], view->counts[side], state->sides[side],
                                  least(state->counts[side], depth), depth, changes[side]);
    bool levels_changed = counts[TW_BID] + counts[TW_ASK] > 0;
    bool state_changed = state->header.state != view->header.state || state->header.cause != view->header.cause;
    bool chained = stream_same_chain(&view->header, &state->header) && view->depth == depth &&
                   (levels_changed ? state->header.seq > prev_seq : state->header.seq >= prev_seq);
    if (chained && !levels_changed && !state_changed) return;
    g->updates_cut = g->updates;
    if (!chained) {
        emit_whole(s, number, merged);
    } else if (!levels_changed) {
        emit_state_alone(s, number, merged);
    } else {
        stream_view_book(g, t);
        wire_book_update m = message_of(view); /* the checksum is of the whole view */
        m.header.snapshot = false;
        m.header.prev_seq = prev_seq;
        m.bids = changes[TW_BID], m.bid_count = counts[TW_BID];
        m.asks = changes[TW_ASK], m.ask_count = counts[TW_ASK];
        stream_group_emit(s, number, &m, &m.header, merged);
    }
}

encoded stream_snapshot_book(stream *s, uint32_t number) {
    const group *g = group_at(s, number);
    wire_book_update m = whole(&g->view->book);
    encode_frame frame = stream_frame_of(s, g, 0, true);
    return stream_encode(s->scratch, &frame, TOPIC_BOOK, &m);
}
