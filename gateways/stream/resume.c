/* Going on where a lost connection ended: behind the frame that the client had last, if the group still holds what came
 * after it. If there is any doubt, a snapshot. */
#include <string.h>

#include "gateways/stream/group.h"

/* The first frame that chains on to `seq`, counted from the end as long as the chain is the present one; log.end + 1 if
 * there is none. A change of state alone is in doubt given again: it has the seq of what it stands on. */
static uint64_t frame_behind(const group *g, uint64_t seq) {
    uint64_t found = g->log.end + 1;
    for (uint64_t n = g->log.end; n-- > g->log.first;) {
        const frame_note *note = frame_log_note(&g->log, n);
        if (note->generation != g->generation || note->seq < seq) break;
        if (note->seq == seq && note->prev_seq != note->seq) found = n + 1;
        if (note->prev_seq == seq) found = n;
    }
    return found;
}

bool stream_resume(stream *s, uint32_t number, const request_resume *at) {
    const group *g = group_at(s, member_at(s, number)->group);
    const topic *t = topic_at(s, g->topic);
    if (t->kind == TOPIC_FEED || strcmp(at->epoch, g->view->header.epoch) != 0) return false;
    if (t->righted && at->seq == t->righted_seq) return false; /* which of the two books has the client? */
    bool same_depth =
        at->depth == 0 || t->kind != TOPIC_BOOK || at->depth == g->view->book.depth || at->depth == g->depth;
    uint64_t frame = frame_behind(g, at->seq);
    if (!same_depth || frame > g->log.end) return false;
    uint64_t updates = frame == g->log.end ? g->updates_cut : frame_log_note(&g->log, frame)->updates;
    member_at(s, number)->resuming = false; /* whatever it was to have before */
    stream_member_move(s, number, frame, frame_log_position(&g->log, frame), updates);
    stream_member_catch_up(s, number);
    return true;
}
