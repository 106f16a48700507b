/*
 * A ring of frames.
 *
 *   bytes   |  newer ....|end   gap |first .... older .... |skipped|      a frame that does not fit before the end
 *           0                                              capacity       starts at 0 again
 */
#include "gateways/stream/frame_log.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_BYTES  512u
#define LEAST_NOTES  8u
#define CACHE_LINE   64u
#define MOST_FETCHED 512u

void frame_log_fini(frame_log *log, frame_log_bounds *bounds) {
    bounds->budget += (int64_t)(log->byte_capacity + log->note_capacity * sizeof *log->notes);
    free(log->bytes);
    free(log->notes);
    *log = (frame_log){0};
}

static void drop_first(frame_log *log) {
    log->first++;
}

/* Where the next frame of `length` bytes goes, after dropping as many old ones as it takes; UINT32_MAX if the ring is
 * too small for it. */
static uint32_t place(frame_log *log, uint32_t length, bool may_drop) {
    if (length > log->byte_capacity) return UINT32_MAX;
    for (;;) {
        if (log->first == log->end) return 0;
        const frame_note *oldest = frame_log_note(log, log->first), *newest = frame_log_note(log, log->end - 1);
        uint32_t end = newest->offset + newest->length;
        if (newest->offset >= oldest->offset) {
            if (log->byte_capacity - end >= length) return end;
            if (oldest->offset >= length) return 0;
        } else if (oldest->offset - end >= length) {
            return end;
        }
        if (!may_drop) return UINT32_MAX;
        drop_first(log);
    }
}

/* All held frames into a larger block, oldest at its start. */
static bool grow_bytes(frame_log *log, frame_log_bounds *bounds, uint32_t capacity) {
    uint8_t *bytes = malloc(capacity);
    if (bytes == NULL) return false;
    uint32_t offset = 0;
    for (uint64_t n = log->first; n != log->end; n++) {
        frame_note *note = &log->notes[n & (log->note_capacity - 1)];
        memcpy(bytes + offset, log->bytes + note->offset, note->length);
        note->offset = offset;
        offset += note->length;
    }
    free(log->bytes);
    bounds->budget -= (int64_t)(capacity - log->byte_capacity);
    log->bytes = bytes;
    log->byte_capacity = capacity;
    return true;
}

static bool grow_notes(frame_log *log, frame_log_bounds *bounds) {
    uint32_t capacity = log->note_capacity == 0 ? LEAST_NOTES : 2 * log->note_capacity;
    frame_note *notes = malloc(capacity * sizeof *notes);
    if (notes == NULL) return false;
    for (uint64_t n = log->first; n != log->end; n++)
        notes[n & (capacity - 1)] = *frame_log_note(log, n);
    free(log->notes);
    bounds->budget -= (int64_t)((capacity - log->note_capacity) * sizeof *notes);
    log->notes = notes;
    log->note_capacity = capacity;
    return true;
}

static bool make_room_for_note(frame_log *log, frame_log_bounds *bounds) {
    uint64_t held = log->end - log->first;
    if (held >= bounds->frames && held > 0) drop_first(log);
    if (log->end - log->first < log->note_capacity) return true;
    bool granted = log->note_capacity == 0 || bounds->budget >= (int64_t)(log->note_capacity * sizeof *log->notes);
    if (granted && grow_notes(log, bounds)) return true;
    if (log->note_capacity == 0) return false;
    drop_first(log);
    return true;
}

static uint32_t make_room_for_bytes(frame_log *log, frame_log_bounds *bounds, uint32_t length) {
    uint32_t offset = place(log, length, false);
    while (offset == UINT32_MAX) {
        uint32_t capacity = log->byte_capacity == 0 ? LEAST_BYTES : 2 * log->byte_capacity;
        bool too_small = length > log->byte_capacity;
        while (capacity < length)
            capacity *= 2;
        bool granted = capacity <= bounds->bytes && bounds->budget >= (int64_t)(capacity - log->byte_capacity);
        if (!(too_small || granted) || !grow_bytes(log, bounds, capacity)) break;
        offset = place(log, length, false);
    }
    return offset != UINT32_MAX ? offset : place(log, length, true);
}

/* Rings are large and all over memory: where the next frame will most likely go is fetched while others are written to. */
static void fetch_next(const frame_log *log, uint32_t offset, uint32_t length) {
    __builtin_prefetch(&log->notes[log->end & (log->note_capacity - 1)], 1);
    uint32_t end = offset + (length < MOST_FETCHED ? length : MOST_FETCHED);
    for (; offset < end && offset < log->byte_capacity; offset += CACHE_LINE)
        __builtin_prefetch(log->bytes + offset, 1);
}

bool frame_log_append(frame_log *log, frame_log_bounds *bounds, const uint8_t *frame, uint32_t length,
                      const frame_note *note) {
    if (!make_room_for_note(log, bounds)) return false;
    uint32_t offset = make_room_for_bytes(log, bounds, length);
    if (offset == UINT32_MAX) return false;
    memcpy(log->bytes + offset, frame, length);
    frame_note *kept = &log->notes[log->end & (log->note_capacity - 1)];
    *kept = *note;
    kept->position = log->position;
    kept->offset = offset;
    kept->length = length;
    log->position += length;
    log->end++;
    fetch_next(log, offset + length, length);
    return true;
}

/* The first frame that does not lie in one piece with `frame`: where the ring starts again, or the end. */
static uint64_t end_of_piece(const frame_log *log, uint64_t frame) {
    uint32_t start = frame_log_note(log, frame)->offset;
    if (frame_log_note(log, log->end - 1)->offset >= start) return log->end;
    uint64_t low = frame, high = log->end - 1; /* low is in the piece, high is not */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (frame_log_note(log, middle)->offset >= start)
            low = middle;
        else
            high = middle;
    }
    return high;
}

uint32_t frame_log_run(const frame_log *log, uint64_t frame, size_t most, size_t *length) {
    uint64_t start = frame_log_note(log, frame)->position, end = end_of_piece(log, frame);
    if (frame_log_position(log, end) - start > most) {
        uint64_t low = frame + 1, high = end; /* low is taken in any case, high is too much */
        while (high - low > 1) {
            uint64_t middle = low + (high - low) / 2;
            if (frame_log_position(log, middle) - start <= most)
                low = middle;
            else
                high = middle;
        }
        end = low;
    }
    *length = (size_t)(frame_log_position(log, end) - start);
    return (uint32_t)(end - frame);
}
