/*
 * The frames that a group still holds: one ring of bytes, each frame whole and in one piece, and one ring of what is known
 * of each. Readers are only numbers: the next frame each wants. A frame that is overwritten is gone for those who have not
 * had it, which they see by its number being below `first`.
 *
 * Both rings grow as they are needed, up to the bounds, and by the memory that `budget` still grants; beyond that the
 * oldest frames go. One frame always fits.
 */
#ifndef TICKWIRE_GATEWAYS_STREAM_FRAME_LOG_H
#define TICKWIRE_GATEWAYS_STREAM_FRAME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct frame_note {
    uint64_t position; /* bytes of all frames before this one, ever */
    uint64_t prev_seq, seq;
    uint64_t updates; /* that the group had counted with this frame */
    uint32_t offset, length;
    uint32_t generation; /* of the chain: another one does not chain on */
} frame_note;

typedef struct frame_log {
    uint8_t *bytes;
    frame_note *notes;      /* of frame n at n & (note_capacity - 1) */
    uint32_t note_capacity; /* a power of two */
    uint32_t byte_capacity;
    uint64_t first, end; /* frames held: [first, end) */
    uint64_t position;   /* bytes of all frames ever */
} frame_log;

typedef struct frame_log_bounds {
    uint32_t frames; /* at most held by one log, */
    uint32_t bytes;  /* and their bytes */
    int64_t budget;  /* what all logs together may still take; below 0 where single frames needed more */
} frame_log_bounds;

void frame_log_fini(frame_log *log,
                    frame_log_bounds *bounds); /* {0} is fine; gives its memory back to the budget */

/* Appends a frame; `note` says prev_seq, seq, updates and generation. False: no memory, the log is as it was. */
bool frame_log_append(frame_log *log, frame_log_bounds *bounds, const uint8_t *frame, uint32_t length,
                      const frame_note *note);

static inline const frame_note *frame_log_note(const frame_log *log, uint64_t frame) {
    return &log->notes[frame & (log->note_capacity - 1)];
}

/* The bytes before `frame`, which is held or the next to come. */
static inline uint64_t frame_log_position(const frame_log *log, uint64_t frame) {
    return frame == log->end ? log->position : frame_log_note(log, frame)->position;
}

/* How many frames from `frame` on lie in one piece and have at most `most` bytes together; their bytes in `*length`.
 * At least one, whatever its length. `frame` is held. */
uint32_t frame_log_run(const frame_log *log, uint64_t frame, size_t most, size_t *length);

#endif
