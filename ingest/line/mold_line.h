/*
 * One MoldUDP64 line, from UDP payloads to messages in order: the arbiter (ingest/line/arbiter.h) with nothing to
 * arbitrate. For recordings and for feeds that come on one line only.
 */
#ifndef TICKWIRE_INGEST_LINE_MOLD_LINE_H
#define TICKWIRE_INGEST_LINE_MOLD_LINE_H

#include "ingest/line/arbiter.h"

typedef struct mold_line mold_line;
typedef arbiter_listener mold_line_listener;
typedef arbiter_status mold_line_status;

typedef struct mold_line_options {
    gap_options gap;
    bool number_unsequenced; /* captures whose sequence numbers were zeroed: number messages as they come */
} mold_line_options;

tw_code mold_line_alloc(mold_line **line, const mold_line_options *options, const mold_line_listener *listener,
                        tw_error *error);
void mold_line_free(mold_line *line);

/* One payload. `now_ns` is any monotonic clock, the same in all calls (a capture's own stamps will do). */
void mold_line_packet(mold_line *line, const uint8_t *payload, size_t length, int64_t receive_ns, int64_t now_ns);
/* Lets time pass: a gap whose deadline is over is given up. */
void mold_line_poll(mold_line *line, int64_t now_ns);
/* No more will come: whatever is held is released, what is missing is lost. */
void mold_line_finish(mold_line *line);

mold_line_status mold_line_read_status(const mold_line *line);

#endif
