/* Private to gateways/stream: what goes on inside a group, from a topic's new state to frames in the group's log. */
#ifndef TICKWIRE_GATEWAYS_STREAM_GROUP_H
#define TICKWIRE_GATEWAYS_STREAM_GROUP_H

#include "gateways/stream/encode.h"
#include "gateways/stream/internal.h"

/* Into and out of the list of groups that nobody wants now. */
void stream_group_linger(stream *s, uint32_t group);
void stream_group_wake(stream *s, uint32_t group);

/* Appends a whole frame; `note` says prev_seq, seq, updates and generation. */
void stream_group_append(stream *s, uint32_t group, encoded frame, const frame_note *note);
/* Everybody whose group has new frames gets something to do, in this round or the next: `when`. */
void stream_groups_tell(stream *s, client_place when);

/* Encodes `message` as the group's next frame and appends it. */
void stream_group_emit(stream *s, uint32_t group, const void *message, const wire_header *header, uint64_t merged);

/* Likewise, of a message that is encoded already; protobuf only. */
void stream_group_pass_on(stream *s, uint32_t group, topic_kind kind, const uint8_t *message, size_t length,
                          const wire_header *header, uint64_t merged);

/* One kind's part of a cut: brings the view to the topic's state and emits what changed; nothing if nothing did. */
void stream_cut_book(stream *s, uint32_t group);
void stream_cut_state(stream *s, uint32_t group); /* quote, status, imbalance, feed, NBBO */
void stream_cut_trades(stream *s, uint32_t group);
void stream_cut_candle(stream *s, uint32_t group);

/* The view as a message that stands for itself, encoded with an open end. */
encoded stream_snapshot_book(stream *s, uint32_t group);
encoded stream_snapshot_state(stream *s, uint32_t group);
encoded stream_snapshot_trades(stream *s, uint32_t group);
encode_frame stream_frame_of(const stream *s, const group *g, uint64_t merged, bool open_end);
void stream_view_book(group *g, const topic *t); /* view := what a member of the group may see of the state */

/* Whether `b` goes on with the chain that `a` is in: same epoch, same leader, same scale. */
bool stream_same_chain(const wire_header *a, const wire_header *b);

#endif
